/* UDP sockets on Linux: recvmmsg, sendmmsg, and the error queue (IP_RECVERR).
 *
 * libuv's own UDP handle never reads the error queue, so it cannot say which server an ICMP error
 * was about; hence a plain socket under uv_poll_t. */
#include "base/icmp.h"
#include "runtime/runtime.h"
#include "runtime/system.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <string.h>

/* A kernel that is not quite Linux's (an emulator, a sandbox) may not know an option: then a server
 * that refuses is known by time alone. */
static bool set_if_known(int fd, int level, int option)
{
    int on = 1;

    return setsockopt(fd, level, option, &on, sizeof on) == 0 || errno == ENOPROTOOPT ||
           errno == EOPNOTSUPP;
}

/* ICMP errors go to the error queue with their address, and wake the poll without looking like a
 * dead descriptor. */
bool floe_udp_prepare(uv_os_sock_t fd, bool ipv4)
{
    return set_if_known(fd, ipv4 ? IPPROTO_IP : IPPROTO_IPV6, ipv4 ? IP_RECVERR : IPV6_RECVERR) &&
           set_if_known(fd, SOL_SOCKET, SO_SELECT_ERR_QUEUE);
}

/* The kernel may hand over several datagrams of one sender as one, told apart by their size. */
static void ask_for_segments(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
}

/* Errors. */

/* RFC 1122 §4.1.3.3: what ICMP means; false for what does not end a transaction (too big, TTL). */
static bool reason_of_error(const struct sock_extended_err *error, floe_unreachable *reason)
{
    if (error->ee_origin == SO_EE_ORIGIN_ICMP || error->ee_origin == SO_EE_ORIGIN_ICMP6) {
        bool ipv6 = error->ee_origin == SO_EE_ORIGIN_ICMP6;
        return floe_icmp_reason(ipv6 ? FLOE_FAMILY_IPV6 : FLOE_FAMILY_IPV4, error->ee_type,
                                error->ee_code, reason);
    }
    if (error->ee_origin == SO_EE_ORIGIN_LOCAL &&
        (error->ee_errno == EHOSTUNREACH || error->ee_errno == ENETUNREACH)) {
        *reason = FLOE_UNREACHABLE_HOST; /* nobody answers for the next hop's address */
        return true;
    }
    return false;
}

static const struct sock_extended_err *extended_error(struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        if ((part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
            (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR)) {
            return (const struct sock_extended_err *)(const void *)CMSG_DATA(part);
        }
    }
    return NULL;
}

/* The name of a message on the error queue is where the packet was sent to; its data is the start
 * of the packet. */
static void read_errors(floe_udp *udp, floe_udp_unreachable unreachable)
{
    for (int i = 0; i < 64 && floe_udp_is_open(udp); i++) {
        struct sockaddr_in6 name;
        uint8_t data[64];
        _Alignas(struct cmsghdr) char control[512];
        struct iovec vector = {.iov_base = data, .iov_len = sizeof data};
        struct msghdr message = {.msg_name = &name,
                                 .msg_namelen = sizeof name,
                                 .msg_iov = &vector,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control};
        ssize_t size = recvmsg(udp->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
        if (size < 0) {
            return;
        }
        const struct sock_extended_err *error = extended_error(&message);
        floe_unreachable reason;
        if (error != NULL && message.msg_namelen > 0 && reason_of_error(error, &reason)) {
            floe_address remote = floe_from_socket_address(&name);
            unreachable(udp, &remote, reason, data, (size_t)size);
        }
    }
}

/* Reading. */

/* How large each datagram is of those that the kernel has put together (UDP_GRO); 0: it is one. */
static size_t segment_of(struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level == IPPROTO_UDP && part->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(part), sizeof size);
            return size > 0 ? (size_t)size : 0;
        }
    }
    return 0;
}

static void give_segments(floe_udp *udp, const floe_address *source, const uint8_t *data,
                          size_t size, size_t segment, floe_udp_datagram datagram)
{
    segment = segment == 0 || segment > size ? size : segment;
    do {
        size_t one = size < segment ? size : segment;
        datagram(udp, source, data, one);
        data += one;
        size -= one;
    } while (size > 0 && floe_udp_is_open(udp));
}

/* While no data comes it is not worth its cost to be ready for much. */
#define CALM_BATCH 4U

static size_t read_batch(floe_udp *udp, floe_udp_batch *batch, size_t most,
                         floe_udp_datagram datagram)
{
    struct mmsghdr messages[FLOE_UDP_BATCH];
    struct iovec vectors[FLOE_UDP_BATCH];
    _Alignas(struct cmsghdr) char control[FLOE_UDP_BATCH][CMSG_SPACE(sizeof(int))];

    for (size_t i = 0; i < most; i++) {
        vectors[i] =
            (struct iovec){.iov_base = &batch->data[i * FLOE_UDP_SLOT], .iov_len = FLOE_UDP_SLOT};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &batch->addresses[i],
                                              .msg_namelen = sizeof batch->addresses[i],
                                              .msg_iov = &vectors[i],
                                              .msg_iovlen = 1,
                                              .msg_control = control[i],
                                              .msg_controllen = sizeof control[i]};
    }
    int count = recvmmsg(udp->fd, messages, (unsigned)most, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        bool cut = (messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
        if (!cut && floe_udp_is_open(udp)) {
            floe_address source = floe_from_socket_address(&batch->addresses[i]);
            give_segments(udp, &source, vectors[i].iov_base, messages[i].msg_len,
                          segment_of(&messages[i].msg_hdr), datagram);
        }
    }
    return count > 0 ? (size_t)count : 0;
}

size_t floe_udp_read(floe_udp *udp, floe_udp_batch *batch, floe_udp_datagram datagram,
                     floe_udp_unreachable unreachable)
{
    size_t all = 0;

    read_errors(udp, unreachable);
    /* Bounded, so that a flood on one socket does not starve the others of the loop. */
    for (int i = 0; i < 4 && floe_udp_is_open(udp); i++) {
        size_t most = udp->busy ? FLOE_UDP_BATCH : CALM_BATCH;
        size_t count = read_batch(udp, batch, most, datagram);
        all += count;
        if (count < most) {
            break;
        }
        if (!udp->busy && floe_udp_is_open(udp)) { /* data comes, and not answers alone */
            udp->busy = true;
            ask_for_segments(udp->fd);
        }
    }
    return all;
}

/* Sending. */

/* The kernel cuts at most so many, and so much. */
#define SEGMENTS_MAX 64U
#define SEGMENTED_MAX 65000U

/* How many datagrams from `at` on can go as one: to one address, all of the size of the first but
 * the last, which may be shorter. */
static size_t run_length(const floe_udp *udp, const floe_udp_batch *batch, size_t at)
{
    size_t size = batch->sizes[at];
    size_t all = size;
    size_t count = 1;

    if (!udp->segments || size == 0) {
        return 1;
    }
    while (at + count < batch->count && count < SEGMENTS_MAX &&
           batch->sizes[at + count - 1] == size && batch->sizes[at + count] <= size &&
           batch->sizes[at + count] > 0 && all + batch->sizes[at + count] <= SEGMENTED_MAX &&
           memcmp(&batch->addresses[at], &batch->addresses[at + count],
                  sizeof batch->addresses[at]) == 0) {
        all += batch->sizes[at + count];
        count++;
    }
    return count;
}

/* One send of `count` datagrams. */
typedef struct send_control {
    _Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(uint16_t))];
} send_control;

static void prepare(floe_udp_batch *batch, size_t at, size_t count, struct msghdr *message,
                    struct iovec *vector, send_control *control)
{
    size_t end = at + count - 1;

    *vector = (struct iovec){.iov_base = &batch->data[batch->at[at]],
                             .iov_len = batch->at[end] + batch->sizes[end] - batch->at[at]};
    *message = (struct msghdr){.msg_name = &batch->addresses[at],
                               .msg_namelen = floe_socket_address_size(&batch->addresses[at]),
                               .msg_iov = vector,
                               .msg_iovlen = 1};
    if (count > 1) {
        uint16_t size = (uint16_t)batch->sizes[at];
        message->msg_control = control->bytes;
        message->msg_controllen = sizeof control->bytes;
        struct cmsghdr *part = CMSG_FIRSTHDR(message);
        part->cmsg_level = IPPROTO_UDP;
        part->cmsg_type = UDP_SEGMENT;
        part->cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(part), &size, sizeof size);
    }
}

size_t floe_udp_send_some(floe_udp *udp, floe_udp_batch *batch, size_t at)
{
    struct mmsghdr messages[FLOE_UDP_BATCH];
    struct iovec vectors[FLOE_UDP_BATCH];
    send_control controls[FLOE_UDP_BATCH];
    size_t counts[FLOE_UDP_BATCH];
    unsigned runs = 0;

    do {
        counts[runs] = run_length(udp, batch, at);
        memset(&controls[runs], 0, sizeof controls[runs]);
        prepare(batch, at, counts[runs], &messages[runs].msg_hdr, &vectors[runs], &controls[runs]);
        at += counts[runs];
        runs++;
    } while (at < batch->count);
    int sent;
    do {
        sent = sendmmsg(udp->fd, messages, runs, 0);
    } while (sent < 0 && errno == EINTR);
    if (sent <= 0 && counts[0] > 1 && !floe_udp_is_passing(floe_system_error())) {
        udp->segments = false; /* a device that cannot, or datagrams beyond the MTU */
    }
    size_t all = 0;
    for (int i = 0; i < sent; i++) {
        all += counts[i];
    }
    return all;
}

/* UDP sockets on Linux: recvmmsg, sendmmsg, segments, and the error queue (IP_RECVERR), which says
 * whom an ICMP error was about. */
#include "base/icmp.h"
#include "runtime/runtime.h"
#include "runtime/system.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <string.h>

/* ICMP errors go to the error queue with their address. */
void floe_udp_hear_errors(floe_udp *udp, bool ipv4)
{
    int on = 1;

    if (setsockopt(udp->fd, ipv4 ? IPPROTO_IP : IPPROTO_IPV6, ipv4 ? IP_RECVERR : IPV6_RECVERR, &on,
                   sizeof on) != 0) {
        floe_udp_go_without(udp, ipv4 ? FLOE_UDP_LACKS_ERRORS_IPV4 : FLOE_UDP_LACKS_ERRORS_IPV6);
    }
}

/* The kernel may hand over several datagrams of one sender as one, told apart by their size. */
static void ask_for_segments(floe_udp *udp)
{
    int on = 1;

    if (setsockopt(udp->fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0) {
        floe_udp_go_without(udp, FLOE_UDP_LACKS_SEGMENTS);
    }
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

struct floe_udp_headers {
    struct mmsghdr messages[FLOE_UDP_BATCH];
    struct iovec vectors[FLOE_UDP_BATCH];
    _Alignas(struct cmsghdr) char control[FLOE_UDP_BATCH][CMSG_SPACE(sizeof(int))];
};

/* What the kernel writes to is set anew before each use. */
static void renew(struct msghdr *header)
{
    header->msg_namelen = sizeof(struct sockaddr_in6);
    header->msg_controllen = CMSG_SPACE(sizeof(int));
    header->msg_flags = 0;
}

bool floe_udp_headers_init(floe_udp_batch *batch, const floe_allocator *allocator)
{
    struct floe_udp_headers *made = floe_allocate(allocator, sizeof *made);

    for (size_t i = 0; made != NULL && i < batch->slots; i++) {
        struct msghdr *header = &made->messages[i].msg_hdr;
        made->vectors[i] =
            (struct iovec){.iov_base = &batch->data[i * FLOE_UDP_SLOT], .iov_len = FLOE_UDP_SLOT};
        header->msg_name = &batch->addresses[i];
        header->msg_iov = &made->vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = made->control[i];
        renew(header);
    }
    batch->headers = made;
    return made != NULL;
}

/* How many there were. */
static size_t read_batch(floe_udp *udp, floe_udp_batch *batch, floe_udp_datagram datagram)
{
    struct mmsghdr *messages = batch->headers->messages;
    int count = recvmmsg(udp->fd, messages, (unsigned)batch->slots, MSG_DONTWAIT, NULL);

    for (int i = 0; i < count; i++) {
        struct msghdr *header = &messages[i].msg_hdr;
        bool cut = (header->msg_flags & MSG_TRUNC) != 0;
        if (!cut && floe_udp_is_open(udp)) {
            floe_address source = floe_from_socket_address(&batch->addresses[i]);
            give_segments(udp, &source, header->msg_iov->iov_base, messages[i].msg_len,
                          segment_of(header), datagram);
        }
        renew(header);
    }
    return count > 0 ? (size_t)count : 0;
}

static void read_one(floe_udp *udp, floe_udp_batch *batch, floe_udp_datagram datagram)
{
    struct sockaddr_in6 name;
    socklen_t name_size = sizeof name;
    ssize_t size = recvfrom(udp->fd, batch->data, FLOE_UDP_SLOT, MSG_DONTWAIT,
                            (struct sockaddr *)&name, &name_size);

    if (size >= 0) {
        floe_address source = floe_from_socket_address(&name);
        datagram(udp, &source, batch->data, (size_t)size);
    }
}

/* So many within a millisecond are data, and not answers alone. */
#define BUSY_FROM 4

/* While no data comes it is not worth its cost to be ready for much: one datagram is read, and if
 * there is another the loop says so. */
static void grow_busy(floe_udp *udp)
{
    uint64_t now = uv_now(udp->owner->api->loop);

    udp->in_a_row = udp->read_ms == now ? udp->in_a_row + 1 : 1;
    udp->read_ms = now;
    if (udp->in_a_row == BUSY_FROM) {
        udp->busy = true;
        ask_for_segments(udp);
    }
}

void floe_udp_read(floe_udp *udp, floe_udp_batch *batch, bool errors, floe_udp_datagram datagram,
                   floe_udp_unreachable unreachable)
{
    if (errors) {
        read_errors(udp, unreachable);
    }
    if (!udp->busy && floe_udp_is_open(udp)) {
        grow_busy(udp);
    }
    if (!udp->busy) {
        if (floe_udp_is_open(udp)) {
            read_one(udp, batch, datagram);
        }
        return;
    }
    /* Bounded, so that a flood on one socket does not starve the others of the loop. */
    for (size_t i = 0; i < 4 * FLOE_UDP_BATCH / batch->slots && floe_udp_is_open(udp); i++) {
        if (read_batch(udp, batch, datagram) < batch->slots) {
            break;
        }
    }
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

static size_t send_one(floe_udp *udp, const floe_udp_batch *batch, size_t at)
{
    ssize_t sent;

    do {
        sent = sendto(udp->fd, &batch->data[batch->at[at]], batch->sizes[at], 0,
                      (const struct sockaddr *)&batch->addresses[at],
                      floe_socket_address_size(&batch->addresses[at]));
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

size_t floe_udp_send_some(floe_udp *udp, floe_udp_batch *batch, size_t at)
{
    if (at + 1 == batch->count) {
        return send_one(udp, batch, at);
    }
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

/* UDP sockets on Linux: recvmmsg, sendmmsg, and the error queue (IP_RECVERR).
 *
 * libuv's own UDP handle never reads the error queue, so it cannot say which server an ICMP error
 * was about; hence a plain socket under uv_poll_t. */
#include "base/error.h"
#include "runtime/runtime.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <string.h>
#include <unistd.h>

static socklen_t to_socket_address(const floe_address *address, struct sockaddr_in6 *out)
{
    memset(out, 0, sizeof *out);
    if (address->family == FLOE_FAMILY_IPV4) {
        struct sockaddr_in *ipv4 = (struct sockaddr_in *)(void *)out;
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(address->port);
        memcpy(&ipv4->sin_addr, address->ip, 4);
        return sizeof *ipv4;
    }
    out->sin6_family = AF_INET6;
    out->sin6_port = htons(address->port);
    out->sin6_scope_id = address->scope_id;
    memcpy(&out->sin6_addr, address->ip, 16);
    return sizeof *out;
}

static floe_address from_socket_address(const struct sockaddr_in6 *in)
{
    floe_address address = {0};

    if (in->sin6_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)in;
        address.family = FLOE_FAMILY_IPV4;
        address.port = ntohs(ipv4->sin_port);
        memcpy(address.ip, &ipv4->sin_addr, 4);
    } else if (in->sin6_family == AF_INET6) {
        address.family = FLOE_FAMILY_IPV6;
        address.port = ntohs(in->sin6_port);
        address.scope_id = in->sin6_scope_id;
        memcpy(address.ip, &in->sin6_addr, 16);
    }
    return address;
}

static floe_error error_of(int number, const char *call)
{
    switch (number) {
    case EMFILE:
    case ENFILE:
        return floe_fail(FLOE_ERR_NO_DESCRIPTORS, "%s: %s", call, strerror(number));
    case ENOMEM:
    case ENOBUFS:
        return floe_fail(FLOE_ERR_NO_MEMORY, "%s: %s", call, strerror(number));
    case EADDRINUSE:
        return floe_fail(FLOE_ERR_ADDRESS_IN_USE, "%s: %s", call, strerror(number));
    case EADDRNOTAVAIL:
        return floe_fail(FLOE_ERR_ADDRESS_NOT_AVAILABLE, "%s: %s", call, strerror(number));
    case EACCES:
    case EPERM:
        return floe_fail(FLOE_ERR_PERMISSION, "%s: %s", call, strerror(number));
    default:
        return floe_fail(FLOE_ERR_SYSTEM, "%s: %s", call, strerror(number));
    }
}

/* ICMP errors go to the error queue with their address, and wake the poll without looking like a
 * dead descriptor. */
static bool ask_for_errors(int fd, bool ipv4)
{
    int on = 1;
    int level = ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
    int option = ipv4 ? IP_RECVERR : IPV6_RECVERR;

    return setsockopt(fd, level, option, &on, sizeof on) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SELECT_ERR_QUEUE, &on, sizeof on) == 0;
}

floe_error floe_udp_open(int *fd, floe_address *local)
{
    struct sockaddr_in6 address;
    socklen_t size = to_socket_address(local, &address);
    const char *call = "socket";
    int made = socket(address.sin6_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (made >= 0) {
        call = "setsockopt";
        bool good = ask_for_errors(made, local->family == FLOE_FAMILY_IPV4);
        if (good) {
            call = "bind";
            good = bind(made, (struct sockaddr *)&address, size) == 0;
        }
        if (good) {
            call = "getsockname";
            good = getsockname(made, (struct sockaddr *)&address, &size) == 0;
        }
        if (good) {
            local->port = from_socket_address(&address).port;
            *fd = made;
            return FLOE_OK;
        }
    }
    int number = errno;
    if (made >= 0) {
        (void)close(made);
    }
    return error_of(number, call);
}

/* Errors. */

/* RFC 1122 §4.1.3.3: what ICMP means; false for what does not end a transaction (too big, TTL). */
static bool reason_of_icmp(const struct sock_extended_err *error, floe_unreachable *reason)
{
    if (error->ee_origin == SO_EE_ORIGIN_ICMP && error->ee_type == ICMP_DEST_UNREACH) {
        switch (error->ee_code) {
        case ICMP_PORT_UNREACH:
            *reason = FLOE_UNREACHABLE_PORT;
            return true;
        case ICMP_NET_ANO:
        case ICMP_HOST_ANO:
        case ICMP_PKT_FILTERED:
            *reason = FLOE_UNREACHABLE_PROHIBITED;
            return true;
        case ICMP_NET_UNREACH:
        case ICMP_NET_UNKNOWN:
            *reason = FLOE_UNREACHABLE_NETWORK;
            return true;
        case ICMP_FRAG_NEEDED:
            return false;
        default:
            *reason = FLOE_UNREACHABLE_HOST;
            return true;
        }
    }
    if (error->ee_origin == SO_EE_ORIGIN_ICMP6 && error->ee_type == ICMPV6_DEST_UNREACH) {
        switch (error->ee_code) {
        case ICMPV6_PORT_UNREACH:
            *reason = FLOE_UNREACHABLE_PORT;
            return true;
        case ICMPV6_ADM_PROHIBITED:
        case ICMPV6_POLICY_FAIL:
            *reason = FLOE_UNREACHABLE_PROHIBITED;
            return true;
        case ICMPV6_NOROUTE:
            *reason = FLOE_UNREACHABLE_NETWORK;
            return true;
        default:
            *reason = FLOE_UNREACHABLE_HOST;
            return true;
        }
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
    for (int i = 0; i < 64 && udp->fd >= 0; i++) {
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
        if (error != NULL && message.msg_namelen > 0 && reason_of_icmp(error, &reason)) {
            floe_address remote = from_socket_address(&name);
            unreachable(udp, &remote, reason, data, (size_t)size);
        }
    }
}

/* Reading. */

static size_t read_batch(floe_udp *udp, floe_udp_batch *batch, floe_udp_datagram datagram)
{
    struct mmsghdr messages[FLOE_UDP_BATCH];
    struct iovec vectors[FLOE_UDP_BATCH];

    for (size_t i = 0; i < FLOE_UDP_BATCH; i++) {
        vectors[i] = (struct iovec){.iov_base = batch->data[i], .iov_len = FLOE_UDP_READ_SIZE};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &batch->addresses[i],
                                              .msg_namelen = sizeof batch->addresses[i],
                                              .msg_iov = &vectors[i],
                                              .msg_iovlen = 1};
    }
    int count = recvmmsg(udp->fd, messages, FLOE_UDP_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        bool cut = (messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
        if (!cut && udp->fd >= 0) {
            floe_address source = from_socket_address(&batch->addresses[i]);
            datagram(udp, &source, batch->data[i], messages[i].msg_len);
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
    for (int i = 0; i < 8 && udp->fd >= 0; i++) {
        size_t count = read_batch(udp, batch, datagram);
        all += count;
        if (count < FLOE_UDP_BATCH) {
            break;
        }
    }
    return all;
}

/* Sending. */

void floe_udp_batch_add(floe_udp_batch *batch, const floe_address *remote, const void *data,
                        size_t size)
{
    (void)to_socket_address(remote, &batch->addresses[batch->count]);
    memcpy(batch->data[batch->count], data, size);
    batch->sizes[batch->count] = size;
    batch->count++;
}

static floe_unreachable reason_of_send(int number)
{
    switch (number) {
    case ENETUNREACH:
    case EAFNOSUPPORT:
    case EADDRNOTAVAIL:
        return FLOE_UNREACHABLE_NETWORK;
    case EHOSTUNREACH:
        return FLOE_UNREACHABLE_HOST;
    default:
        return FLOE_UNREACHABLE_NOT_SENT;
    }
}

/* A full buffer, or too little memory: the packet is lost, as on the wire. */
static bool is_passing(int number)
{
    return number == EAGAIN || number == EWOULDBLOCK || number == ENOBUFS || number == ENOMEM ||
           number == EINTR;
}

size_t floe_udp_flush(floe_udp *udp, floe_udp_batch *batch, floe_udp_unreachable unreachable)
{
    struct mmsghdr messages[FLOE_UDP_BATCH];
    struct iovec vectors[FLOE_UDP_BATCH];
    size_t taken = 0;
    size_t at = 0;
    bool retried = false;

    for (size_t i = 0; i < batch->count; i++) {
        bool ipv4 = batch->addresses[i].sin6_family == AF_INET;
        vectors[i] = (struct iovec){.iov_base = batch->data[i], .iov_len = batch->sizes[i]};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &batch->addresses[i],
                                              .msg_namelen = ipv4 ? sizeof(struct sockaddr_in)
                                                                  : sizeof(struct sockaddr_in6),
                                              .msg_iov = &vectors[i],
                                              .msg_iovlen = 1};
    }
    while (at < batch->count) {
        int count = sendmmsg(udp->fd, &messages[at], (unsigned)(batch->count - at), 0);
        int number = errno;
        if (count > 0) {
            at += (size_t)count;
            taken += (size_t)count;
            retried = false;
        } else if (!retried && !is_passing(number)) {
            /* A pending ICMP error, whoever it is for, makes the next send fail once. */
            retried = true;
        } else {
            if (!is_passing(number)) {
                floe_address remote = from_socket_address(&batch->addresses[at]);
                unreachable(udp, &remote, reason_of_send(number), batch->data[at],
                            batch->sizes[at]);
            }
            at++;
            retried = false;
        }
    }
    batch->count = 0;
    return taken;
}

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

/* How many they were. */
static size_t give_segments(floe_udp *udp, const floe_address *source, const uint8_t *data,
                            size_t size, size_t segment, floe_udp_datagram datagram)
{
    size_t count = 0;

    segment = segment == 0 || segment > size ? size : segment;
    do {
        size_t one = size < segment ? size : segment;
        datagram(udp, source, data, one, count++ > 0);
        data += one;
        size -= one;
    } while (size > 0 && floe_udp_is_open(udp));
    return count;
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

/* So many messages at most; how many there were. `given` counts the datagrams in them. */
static size_t read_some(floe_udp *udp, floe_udp_batch *batch, size_t most,
                        floe_udp_datagram datagram, size_t *given)
{
    struct mmsghdr *messages = batch->headers->messages;
    int count = recvmmsg(udp->fd, messages, (unsigned)most, MSG_DONTWAIT, NULL);

    for (int i = 0; i < count; i++) {
        struct msghdr *header = &messages[i].msg_hdr;
        bool cut = (header->msg_flags & MSG_TRUNC) != 0;
        if (!cut && floe_udp_is_open(udp)) {
            floe_address source = floe_from_socket_address(&batch->addresses[i]);
            *given += give_segments(udp, &source, header->msg_iov->iov_base, messages[i].msg_len,
                                    segment_of(header), datagram);
        }
        renew(header);
    }
    return count > 0 ? (size_t)count : 0;
}

/* While no data comes it is not worth its cost to be ready for much: two are read, and two more as long as there are two. After
 * so many times it is data. */
#define BUSY_FROM 4
#define UNTIL_BUSY ((size_t)2)

/* Whatever a handler takes: so many datagrams, and what is left of their message, and then the others of the loop have
 * their turn. */
#define GIVEN_MOST ((size_t)512)

void floe_udp_read(floe_udp *udp, floe_udp_batch *batch, bool errors, floe_udp_datagram datagram,
                   floe_udp_unreachable unreachable)
{
    size_t given = 0;
    size_t most = udp->busy || batch->slots < UNTIL_BUSY ? batch->slots : UNTIL_BUSY;

    if (errors) {
        read_errors(udp, unreachable);
    }
    for (unsigned times = 1; floe_udp_is_open(udp) && given < GIVEN_MOST; times++) {
        if (read_some(udp, batch, most, datagram, &given) < most) {
            break;
        }
        if (!udp->busy && times == BUSY_FROM && floe_udp_is_open(udp)) {
            udp->busy = true;
            ask_for_segments(udp);
            most = batch->slots;
        }
    }
}

/* Sending. */

/* Every path takes datagrams of this size (RFC 791 §3.2, RFC 8200 §5), so they are not why the kernel refuses. */
#define FITS_EVERY_PATH 500U

/* Why the kernel would not cut: no device of this path can (EIO), it knows nothing of it, or the datagrams are larger
 * than the path takes, who would have to cut each again. Smaller ones may go. */
static void cut_less(floe_udp *udp, size_t size, int error)
{
    switch (error) {
    case UV_EIO:
    case UV_ENOPROTOOPT:
    case UV_ENOTSUP:
        udp->cut = 0;
        break;
    case UV_EINVAL:
    case UV_EMSGSIZE:
        udp->cut = size > FITS_EVERY_PATH ? (uint16_t)(size - 1) : 0;
        break;
    default: /* it speaks of something else */
        break;
    }
}

/* What has been put into messages. */
typedef struct cursor {
    size_t row;
    size_t done; /* of the row */
} cursor;

/* One message, and what it is made of. */
typedef struct piece {
    struct iovec *vectors;
    size_t count; /* of datagrams */
    size_t bytes;
    size_t vector_count;
    size_t size; /* of each datagram but the last, which may be shorter */
    size_t to;
} piece;

/* How many datagrams of the row can go with the piece. */
static size_t fits(const floe_udp *udp, const piece *made, const floe_udp_row *row, size_t left)
{
    if (made->count == 0) {
        bool alone = row->size == 0 || row->size > udp->cut || row->size > FLOE_UDP_PIECE / 2;
        return alone || left == 1 ? 1 : FLOE_UDP_PIECE / row->size;
    }
    if (row->to != made->to || row->size > made->size || row->size == 0 || made->size > udp->cut ||
        made->bytes >= FLOE_UDP_PIECE) {
        return 0;
    }
    size_t room = (FLOE_UDP_PIECE - made->bytes) / row->size;
    return row->size < made->size && room > 1 ? 1 : room;
}

static void take(piece *made, const floe_udp_row *row, cursor *from, size_t count)
{
    made->vectors[made->vector_count++] =
        (struct iovec){.iov_base = (void *)(uintptr_t)&row->data[from->done * row->size],
                       .iov_len = count * row->size};
    made->count += count;
    made->bytes += count * row->size;
    from->done += count;
    if (from->done == row->count) {
        *from = (cursor){.row = from->row + 1};
    }
}

/* As many of the next datagrams as can go as one: to one address, all of the size of the first but the last, which may
 * be shorter. */
static piece next_piece(const floe_udp *udp, const floe_udp_batch *batch, cursor *from,
                        struct iovec *vectors)
{
    const floe_udp_row *first = &batch->rows[from->row];
    piece made = {.vectors = vectors, .size = first->size, .to = first->to};
    bool more = true;

    while (more && from->row < batch->count) {
        const floe_udp_row *row = &batch->rows[from->row];
        size_t left = row->count - from->done;
        size_t count = fits(udp, &made, row, left);
        count = count < left ? count : left;
        count = count < FLOE_UDP_CUTS - made.count ? count : FLOE_UDP_CUTS - made.count;
        if (count > 0) {
            take(&made, row, from, count);
        }
        more = count == left && row->size == made.size;
    }
    return made;
}

/* One send of many datagrams. */
typedef struct send_control {
    _Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(uint16_t))];
} send_control;

static void prepare(floe_udp_batch *batch, const piece *made, struct msghdr *message,
                    send_control *control)
{
    struct sockaddr_in6 *to = &batch->addresses[made->to];

    *message = (struct msghdr){.msg_name = to,
                               .msg_namelen = floe_socket_address_size(to),
                               .msg_iov = made->vectors,
                               .msg_iovlen = made->vector_count};
    if (made->count > 1) {
        uint16_t size = (uint16_t)made->size;
        memset(control, 0, sizeof *control);
        message->msg_control = control->bytes;
        message->msg_controllen = sizeof control->bytes;
        struct cmsghdr *part = CMSG_FIRSTHDR(message);
        part->cmsg_level = IPPROTO_UDP;
        part->cmsg_type = UDP_SEGMENT;
        part->cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(part), &size, sizeof size);
    }
}

static size_t send_one(floe_udp *udp, floe_udp_batch *batch)
{
    const floe_udp_row *row = &batch->rows[batch->at];
    const struct sockaddr_in6 *to = floe_udp_batch_address(batch, batch->at);
    ssize_t sent;

    do {
        sent = sendto(udp->fd, row->data, row->size, 0, (const struct sockaddr *)to,
                      floe_socket_address_size(to));
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

#define MESSAGES 64U

size_t floe_udp_send_some(floe_udp *udp, floe_udp_batch *batch)
{
    if (batch->at + 1 == batch->count && batch->rows[batch->at].count == 1) {
        return send_one(udp, batch);
    }
    struct mmsghdr messages[MESSAGES];
    struct iovec vectors[MESSAGES + FLOE_UDP_ROWS]; /* a row in two pieces has one in each */
    send_control controls[MESSAGES];
    piece pieces[MESSAGES];
    cursor at = {.row = batch->at};
    size_t used = 0;
    unsigned count = 0;

    while (at.row < batch->count && count < MESSAGES) {
        pieces[count] = next_piece(udp, batch, &at, &vectors[used]);
        prepare(batch, &pieces[count], &messages[count].msg_hdr, &controls[count]);
        used += pieces[count].vector_count;
        count++;
    }
    int sent;
    do {
        sent = sendmmsg(udp->fd, messages, count, 0);
    } while (sent < 0 && errno == EINTR);
    if (sent <= 0 && pieces[0].count > 1) {
        cut_less(udp, pieces[0].size, floe_system_error());
    }
    size_t all = 0;
    for (int i = 0; i < sent; i++) {
        all += pieces[i].count;
    }
    return all;
}

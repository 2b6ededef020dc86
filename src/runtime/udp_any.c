/* UDP sockets where Linux's own means are not: one datagram at a time, and no ICMP errors, as a
 * socket that is not connected is told of none. Who does not answer is known by time alone. */
#include "runtime/runtime.h"
#include "runtime/system.h"

#ifdef _WIN32
typedef int data_size;
#else
typedef size_t data_size;
#endif

void floe_udp_hear_errors(floe_udp *udp, bool ipv4)
{
    (void)udp;
    (void)ipv4;
}

bool floe_udp_headers_init(floe_udp_batch *batch, const floe_allocator *allocator)
{
    (void)allocator;
    batch->headers = NULL;
    return true;
}

void floe_udp_read(floe_udp *udp, floe_udp_batch *batch, bool errors, floe_udp_datagram datagram,
                   floe_udp_unreachable unreachable)
{
    (void)errors;
    (void)unreachable;
    /* Bounded, so that a flood on one socket does not starve the others of the loop. */
    for (size_t i = 0; i < 4 * FLOE_UDP_BATCH && floe_udp_is_open(udp); i++) {
        struct sockaddr_in6 from = {0};
        socklen_t room = sizeof from;
        ptrdiff_t size = floe_system_receive_from(udp->fd, batch->data, FLOE_UDP_SLOT,
                                                  (struct sockaddr *)&from, &room);
        if (size >= 0) {
            floe_address source = floe_from_socket_address(&from);
            datagram(udp, &source, batch->data, (size_t)size, false);
        } else if (floe_system_error() == UV_EAGAIN) {
            break;
        } /* else what a packet sent before has met, as Windows tells it without saying which */
    }
}

size_t floe_udp_send_some(floe_udp *udp, floe_udp_batch *batch)
{
    const floe_udp_row *row = &batch->rows[batch->at];
    struct sockaddr_in6 *to = floe_udp_batch_address(batch, batch->at);

    return sendto(udp->fd, (const char *)row->data, (data_size)row->size, 0, (struct sockaddr *)to,
                  floe_socket_address_size(to)) >= 0;
}

/* UDP sockets: opened, read and written in batches, their ICMP errors told with the address that
 * they belong to. */
#ifndef FLOE_RUNTIME_UDP_H
#define FLOE_RUNTIME_UDP_H

#include "base/list.h"
#include "base/queue.h"
#include "runtime/watch.h"

#include <floe/core.h>
#include <floe/gatherer.h>
#include <uv.h>

#define FLOE_UDP_BATCH ((size_t)32)
/* The largest datagram, or as many as the kernel has put together. */
#define FLOE_UDP_SLOT 65536U
/* What waits on a socket that takes no more. */
#define FLOE_UDP_HELD_MAX (FLOE_UDP_BATCH * FLOE_UDP_SLOT)
/* The kernel cuts no more datagrams from one piece (UDP_MAX_SEGMENTS of Linux before 6.9), and none that is larger. */
#define FLOE_UDP_CUTS 64U
#define FLOE_UDP_PIECE 65000U
/* So many pieces at once are worth a call each turn; and so many rows of datagrams. */
#define FLOE_UDP_PIECES 3U
#define FLOE_UDP_ROWS ((size_t)64)

/* Datagrams of one size for one address, one directly behind another: in the batch's `data`, or where the core has
 * them. */
typedef struct floe_udp_row {
    const uint8_t *data;
    size_t size;
    size_t count;
    size_t to; /* which of the batch's addresses it is for */
} floe_udp_row;

/* Room for one batch of datagrams, and for what a stream brings; one for an api, as its loop does
 * one thing at a time. It is had with the first channel, and only what is used of it takes memory.
 */
typedef struct floe_udp_batch {
    uint8_t *data; /* slots for reading; for sending one datagram behind another; NULL: not yet */
    size_t slots;  /* settings.receive_buffer_size of them */
    struct sockaddr_in6 addresses[FLOE_UDP_ROWS];
    floe_udp_row rows[FLOE_UDP_ROWS]; /* to be sent */
    size_t at;                        /* the first that has not been, and what is left of it */
    size_t count;
    size_t used;         /* of `data` */
    floe_address latest; /* whom the last row is for */
    floe_address
        uncut; /* whose datagrams the kernel would not cut from one piece; no family: nobody's */
    struct floe_udp_headers *headers; /* Linux: with which the slots are read, kept built */
} floe_udp_batch;

struct floe_udp { /* there is one for each base: without holes */
    floe_list link;
    floe_gatherer *owner;
    floe_queue held; /* what the socket would not take */
    uv_os_sock_t fd; /* FLOE_NO_SOCKET: closed */
    uint32_t channel;
    uint16_t
        cut; /* the kernel cuts datagrams of up to this size from one piece (UDP_SEGMENT); 0: none */
    bool hears_errors; /* the system has been asked for ICMP errors */
    bool busy;         /* much has come at once: it is read in batches from then on */
    floe_watched watched;
};

/* A datagram that came (`again`: with the one before, from the same source), an ICMP error, or a datagram that could not be
 * sent. */
typedef void (*floe_udp_datagram)(floe_udp *udp, const floe_address *source, const void *data,
                                  size_t size, bool again);
typedef void (*floe_udp_unreachable)(floe_udp *udp, const floe_address *remote,
                                     floe_unreachable reason, const void *data, size_t size);

/* What a kernel that is not quite Linux's (an emulator's, a sandbox's) may lack: a bit of
 * floe_api.lacks each. */
typedef enum floe_udp_lack {
    FLOE_UDP_LACKS_ERRORS_IPV4 = 1,
    FLOE_UDP_LACKS_ERRORS_IPV6 = 2,
    FLOE_UDP_LACKS_SEGMENTS = 4,
    FLOE_UDP_LACKS_WHOLE_IPV4 = 8,
    FLOE_UDP_LACKS_WHOLE_IPV6 = 16,
} floe_udp_lack;

/* After a call that the system has refused: floe goes on without it, and the trace tells once for
 * an api which call it was. */
void floe_udp_go_without(floe_udp *udp, floe_udp_lack lack);

socklen_t floe_to_socket_address(const floe_address *address, struct sockaddr_in6 *out);
floe_address floe_from_socket_address(const struct sockaddr_in6 *in);
socklen_t floe_socket_address_size(const struct sockaddr_in6 *address);
/* Opens a non-blocking socket on `local`, and says in *local which port it was given. */
floe_error floe_udp_open(uv_os_sock_t *fd, floe_address *local);
/* Asks that no router may fragment what is sent (settings.dont_fragment). */
void floe_udp_forbid_fragments(floe_udp *udp, bool ipv4);
bool floe_udp_is_open(const floe_udp *udp);
/* Reads what is there, at most a few batches; errors first, if there are some. */
void floe_udp_read(floe_udp *udp, floe_udp_batch *batch, bool errors, floe_udp_datagram datagram,
                   floe_udp_unreachable unreachable);
void floe_udp_batch_init(floe_udp_batch *batch, uint32_t size);
/* Before a channel is opened: has its memory. */
floe_error floe_udp_batch_begin(floe_udp_batch *batch, const floe_allocator *allocator);
/* Adds to the batch. False: it has no room left. */
bool floe_udp_batch_add(floe_udp_batch *batch, const floe_address *remote, const void *data,
                        size_t size);
/* Adds rows that stay where they are until the batch has been sent. There is room. */
void floe_udp_batch_refer(floe_udp_batch *batch, const floe_core_row *rows, size_t count);
/* How many more datagrams, and bytes, are worth being sent with those of the batch. */
size_t floe_udp_batch_wants(const floe_udp_batch *batch, size_t *bytes);
/* Whom the row is for. */
static inline struct sockaddr_in6 *floe_udp_batch_address(floe_udp_batch *batch, size_t row)
{
    return &batch->addresses[batch->rows[row].to];
}
/* Sends the batch and empties it; what the socket will not take now waits in udp->held. The api's
 * statistics say what has become of each, once it has. */
void floe_udp_flush(floe_udp *udp, floe_udp_batch *batch, floe_udp_unreachable unreachable);
/* Tries again with what waits. */
void floe_udp_send_held(floe_udp *udp, floe_udp_batch *batch, floe_udp_unreachable unreachable);

void floe_udp_batch_free(floe_udp_batch *batch, const floe_allocator *allocator);

/* Each system's own (udp_linux.c, udp_any.c), with floe_udp_read. Before the first packet goes out
 * the system is asked for the ICMP errors that come back: where it knows no such thing, who does
 * not answer is known by time alone. */
void floe_udp_hear_errors(floe_udp *udp, bool ipv4);
bool floe_udp_headers_init(floe_udp_batch *batch, const floe_allocator *allocator);
/* Sends what is left of the batch, where there is something, as far as the kernel takes it at once. How many
 * datagrams; 0: none, floe_system_error says why. */
size_t floe_udp_send_some(floe_udp *udp, floe_udp_batch *batch);
/* The system has no room now, or too little memory: the packet is lost, as on the wire. */
bool floe_udp_is_passing(int error);

#endif

/* UDP sockets: opened, read and written in batches, their ICMP errors told with the address that
 * they belong to. */
#ifndef FLOE_RUNTIME_UDP_H
#define FLOE_RUNTIME_UDP_H

#include "base/list.h"

#include <floe/core.h>
#include <floe/gatherer.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <uv.h>

#define FLOE_UDP_BATCH 8
#define FLOE_UDP_READ_SIZE 2048

/* Room for one batch of datagrams; one for an api, as its loop does one thing at a time. */
typedef struct floe_udp_batch {
    struct sockaddr_in6 addresses[FLOE_UDP_BATCH];
    size_t sizes[FLOE_UDP_BATCH];
    size_t count;
    uint8_t data[FLOE_UDP_BATCH][FLOE_CORE_DATA_SIZE];
} floe_udp_batch;

typedef struct floe_udp {
    floe_list link;
    floe_gatherer *owner;
    uv_poll_t poll;
    int fd; /* -1: closed */
    uint32_t channel;
} floe_udp;

/* A datagram that came, an ICMP error, or a datagram that could not be sent. */
typedef void (*floe_udp_datagram)(floe_udp *udp, const floe_address *source, const void *data,
                                  size_t size);
typedef void (*floe_udp_unreachable)(floe_udp *udp, const floe_address *remote,
                                     floe_unreachable reason, const void *data, size_t size);

/* Opens a non-blocking socket on `local`, and says in *local which port it was given. */
floe_error floe_udp_open(int *fd, floe_address *local);
/* Reads what is there, at most a few batches, errors first. How many datagrams it read. */
size_t floe_udp_read(floe_udp *udp, floe_udp_batch *batch, floe_udp_datagram datagram,
                     floe_udp_unreachable unreachable);
/* Adds to the batch, which has room for it. */
void floe_udp_batch_add(floe_udp_batch *batch, const floe_address *remote, const void *data,
                        size_t size);
/* Sends the batch and empties it. How many datagrams the kernel took. */
size_t floe_udp_flush(floe_udp *udp, floe_udp_batch *batch, floe_udp_unreachable unreachable);

#endif

/* TCP connections to servers and proxies, and with peers: sockets of our own, as for UDP, since what libuv writes
 * on a stream may end the program by SIGPIPE. */
#ifndef FLOE_RUNTIME_TCP_H
#define FLOE_RUNTIME_TCP_H

#include "base/tree.h"

#include <floe/core.h>
#include <floe/gatherer.h>
#include <uv.h>

typedef struct floe_tcp {
    floe_tree_node by_channel; /* in gatherer->connections */
    floe_gatherer *owner;
    uv_poll_t poll;
    uv_os_sock_t fd; /* FLOE_NO_SOCKET: closed */
    floe_address remote;
    uint32_t channel;
    bool connected;
    uint8_t *pending; /* what the kernel would not take at once; NULL: nothing */
    size_t pending_size;
    size_t pending_sent;
} floe_tcp;

/* Begins to connect; what comes of it the core is told. The lock is held. */
floe_error floe_tcp_open(floe_gatherer *gatherer, const floe_core_output *output);
/* A socket that is connected already: somebody has connected to us. The socket is its from now on; without room the core
 * is told that it has broken. The lock is held. */
void floe_tcp_take(floe_gatherer *gatherer, uv_os_sock_t fd, uint32_t channel,
                   const floe_address *remote);
/* The first, or that behind this one; NULL: there is none. */
floe_tcp *floe_tcp_next(const floe_gatherer *gatherer, const floe_tcp *tcp);
/* NULL: there is none. */
floe_tcp *floe_tcp_of_channel(floe_gatherer *gatherer, uint32_t channel);
/* Sends, or keeps what the kernel does not take and says that the channel is blocked. */
void floe_tcp_send(floe_tcp *tcp, const uint8_t *data, size_t size);
/* How many bytes have been sent, and are not at the other side. The lock is held. */
size_t floe_tcp_waiting(const floe_tcp *tcp);
void floe_tcp_close(floe_tcp *tcp);

#endif

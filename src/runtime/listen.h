/* What listens for TCP connections of peers. */
#ifndef FLOE_RUNTIME_LISTEN_H
#define FLOE_RUNTIME_LISTEN_H

#include "base/list.h"

#include <floe/core.h>
#include <floe/gatherer.h>
#include <uv.h>

typedef struct floe_listening {
    floe_list link;
    floe_gatherer *owner;
    uv_poll_t poll;
    uv_timer_t pause; /* where there is no room for another connection, for a while */
    uv_os_sock_t fd;  /* FLOE_NO_SOCKET: closed */
    uint32_t channel;
    floe_address local;
    unsigned handles; /* that libuv has still to close */
} floe_listening;

/* Listens on *local, and says in it on which port. Until it is begun who connects waits. The lock is held. */
floe_error floe_listen(floe_gatherer *gatherer, uint32_t channel, floe_address *local);
/* Who connects is taken from now on: the owner wants packets. */
void floe_listening_begin(floe_listening *listening);
/* NULL: there is none. */
floe_listening *floe_listening_of_channel(floe_gatherer *gatherer, uint32_t channel);
void floe_listening_close(floe_listening *listening);
/* Binds another socket to the port of what listens there, for simultaneous-open; 0, or libuv's
 * number. */
int floe_listening_share(floe_gatherer *gatherer, uv_os_sock_t fd, const struct sockaddr_in6 *local,
                         socklen_t size);

#endif

/* Which of an api's UDP sockets have something to read, or take packets again. On Linux they wait
 * in an epoll descriptor of their own, which is the one thing of them that libuv polls: it would
 * make five system calls where one will do. */
#ifndef FLOE_RUNTIME_WATCH_H
#define FLOE_RUNTIME_WATCH_H

#include "base/list.h"

#include <floe/gatherer.h>
#include <uv.h>

typedef struct floe_udp floe_udp;

typedef struct floe_watch {
    floe_api *api;
    size_t count; /* sockets watched: the loop lives for as long as there is one */
    bool ending;
#ifdef FLOE_EPOLL /* watch_linux.c */
    uv_poll_t poll;
    uv_os_sock_t fd;
    bool telling;     /* the events at hand may name a socket that has been closed since */
    floe_list closed; /* floe_udp.link: such ones; they go when the events have been told */
#endif
} floe_watch;

typedef struct floe_watched {
    bool is;       /* watched */
#ifndef FLOE_EPOLL /* watch_any.c */
    floe_api *api;
    uv_poll_t poll;
#endif
} floe_watched;

void floe_watch_init(floe_watch *watch, floe_api *api);
/* What follows is the loop thread's. */
/* There will be sockets; again is fine. 0, or libuv's error. */
int floe_watch_begin(floe_watch *watch);
/* It goes when the last socket has been taken out. */
void floe_watch_close(floe_watch *watch);
/* From now on floe_gatherer_socket_ready is told of the socket; again is fine. 0, or libuv's error,
 * such as that the system has no room for it; it is asked again at the next call. */
int floe_watch_add(floe_watch *watch, floe_udp *udp);
/* Whether it is to be told that the socket takes packets, too. Only for one that is watched. */
void floe_watch_writable(floe_watch *watch, floe_udp *udp, bool wanted);
/* Closes the socket, watched or not, and frees it; it may not be used any more. */
void floe_watch_remove(floe_watch *watch, floe_udp *udp);

#endif

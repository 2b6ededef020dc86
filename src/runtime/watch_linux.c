/* UDP sockets in an epoll descriptor of their own: see epoll(7). */
#include "runtime/runtime.h"
#include "runtime/system.h"

#include <errno.h>
#include <sys/epoll.h>

/* Bounded, so that the loop's other sockets and timers have their turn; what is left is told in the
 * next one. */
#define EVENTS_A_TURN 64

static void release(floe_watch *watch, floe_udp *udp)
{
    floe_queue_release(&watch->api->allocator, &udp->held);
    floe_deallocate(&watch->api->allocator, udp);
}

static void on_closed(uv_handle_t *handle)
{
    floe_watch *watch = handle->data;

    floe_system_close(watch->fd);
    floe_api_handle_closed(watch->api);
}

static void close_if_done(floe_watch *watch)
{
    if (watch->ending && watch->fd != FLOE_NO_SOCKET && watch->count == 0 && !watch->telling &&
        !uv_is_closing((uv_handle_t *)&watch->poll)) {
        uv_close((uv_handle_t *)&watch->poll, on_closed);
    }
}

static void on_events(uv_poll_t *poll, int status, int readable)
{
    floe_watch *watch = poll->data;
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(watch->fd, events, EVENTS_A_TURN, 0);
    floe_list *link;

    (void)status; /* an epoll descriptor has no errors */
    (void)readable;
    watch->telling = true;
    floe_api_turn_begins(watch->api);
    for (int i = 0; i < count; i++) {
        floe_udp *udp = events[i].data.ptr;
        if (floe_udp_is_open(udp)) {
            floe_gatherer_socket_ready(udp, (events[i].events & EPOLLERR) != 0,
                                       (events[i].events & EPOLLOUT) != 0);
        }
    }
    watch->telling = false;
    while ((link = floe_list_take(&watch->closed)) != NULL) {
        release(watch, FLOE_CONTAINER(link, floe_udp, link));
    }
    (void)floe_api_turn_ends(watch->api);
    close_if_done(watch);
}

void floe_watch_init(floe_watch *watch, floe_api *api)
{
    watch->api = api;
    watch->fd = FLOE_NO_SOCKET;
    watch->poll.data = watch;
    floe_list_init(&watch->closed);
}

int floe_watch_begin(floe_watch *watch)
{
    if (watch->fd != FLOE_NO_SOCKET) {
        return 0;
    }
    watch->fd = epoll_create1(EPOLL_CLOEXEC);
    if (watch->fd == FLOE_NO_SOCKET) {
        return floe_system_error();
    }
    int failed = uv_poll_init(watch->api->loop, &watch->poll, watch->fd);
    if (failed != 0) {
        floe_system_close(watch->fd);
        watch->fd = FLOE_NO_SOCKET;
        return failed;
    }
    floe_api_handle_opened(watch->api);
    (void)uv_poll_start(&watch->poll, UV_READABLE, on_events);
    uv_unref((uv_handle_t *)&watch->poll);
    return 0;
}

void floe_watch_close(floe_watch *watch)
{
    watch->ending = true;
    close_if_done(watch);
}

static int control(const floe_watch *watch, int what, floe_udp *udp, bool writable)
{
    struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.ptr = udp};

    return epoll_ctl(watch->fd, what, udp->fd, &event);
}

int floe_watch_add(floe_watch *watch, floe_udp *udp)
{
    if (udp->watched.is) {
        return 0;
    }
    if (control(watch, EPOLL_CTL_ADD, udp, false) != 0) {
        return floe_system_error();
    }
    udp->watched.is = true;
    watch->count++;
    if (watch->count == 1) {
        uv_ref((uv_handle_t *)&watch->poll);
    }
    return 0;
}

void floe_watch_writable(floe_watch *watch, floe_udp *udp, bool wanted)
{
    (void)control(watch, EPOLL_CTL_MOD, udp, wanted);
}

/* It is taken out before it is closed, as a child process may have the socket too, and with that
 * its place here. */
void floe_watch_remove(floe_watch *watch, floe_udp *udp)
{
    if (udp->watched.is) {
        (void)epoll_ctl(watch->fd, EPOLL_CTL_DEL, udp->fd, NULL);
        watch->count--;
        if (watch->count == 0) {
            uv_unref((uv_handle_t *)&watch->poll);
        }
    }
    floe_system_close(udp->fd);
    udp->fd = FLOE_NO_SOCKET;
    if (watch->telling) {
        floe_list_append(&watch->closed, &udp->link);
    } else {
        release(watch, udp);
    }
    close_if_done(watch);
}

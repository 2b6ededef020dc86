/* UDP sockets, each polled by libuv. */
#include "runtime/runtime.h"
#include "runtime/system.h"

static void on_closed(uv_handle_t *handle)
{
    floe_udp *udp = handle->data;
    floe_api *api = udp->watched.api;

    floe_queue_release(&api->allocator, &udp->held);
    floe_deallocate(&api->allocator, udp);
    floe_api_handle_closed(api);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    floe_udp *udp = poll->data;

    if (!floe_udp_is_open(udp)) {
        return;
    }
    if (status < 0) { /* an error that is pending has stopped it */
        floe_watch_writable(&udp->watched.api->watch, udp, !floe_queue_empty(&udp->held));
    }
    floe_gatherer_socket_ready(udp, status < 0, (events & UV_WRITABLE) != 0);
}

void floe_watch_init(floe_watch *watch, floe_api *api)
{
    watch->api = api;
}

int floe_watch_begin(floe_watch *watch)
{
    (void)watch;
    return 0;
}

void floe_watch_close(floe_watch *watch)
{
    watch->ending = true;
}

int floe_watch_add(floe_watch *watch, floe_udp *udp)
{
    int failed =
        udp->watched.is ? 0 : uv_poll_init_socket(watch->api->loop, &udp->watched.poll, udp->fd);

    if (failed == 0 && !udp->watched.is) {
        udp->watched.is = true;
        udp->watched.api = watch->api;
        udp->watched.poll.data = udp;
        floe_api_handle_opened(watch->api);
        floe_watch_writable(watch, udp, false);
    }
    return failed;
}

void floe_watch_writable(floe_watch *watch, floe_udp *udp, bool wanted)
{
    (void)watch;
    (void)uv_poll_start(&udp->watched.poll, UV_READABLE | (wanted ? UV_WRITABLE : 0), on_ready);
}

void floe_watch_remove(floe_watch *watch, floe_udp *udp)
{
    bool watched = udp->watched.is;

    if (watched) {
        uv_close((uv_handle_t *)&udp->watched.poll, on_closed); /* before another has its number */
    }
    floe_system_close(udp->fd);
    udp->fd = FLOE_NO_SOCKET;
    if (!watched) {
        floe_queue_release(&watch->api->allocator, &udp->held);
        floe_deallocate(&watch->api->allocator, udp);
    }
}

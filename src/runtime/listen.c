/* What listens: it takes who connects, and leaves all else to the core. */
#include "runtime/listen.h"

#include "runtime/runtime.h"
#include "runtime/system.h"

/* Bounded, so that a flood of them does not starve the others of the loop. */
#define ACCEPTS_MAX 16
/* Where descriptors or memory lack: those who wait are there all the time, and polling would not end. */
#define PAUSE_MS 100

floe_listening *floe_listening_of_channel(floe_gatherer *gatherer, uint32_t channel)
{
    FLOE_RING_EACH(listening, &gatherer->listeners, floe_listening, link)
    {
        if (listening->channel == channel) {
            return listening;
        }
    }
    return NULL;
}

static void on_closed(uv_handle_t *handle)
{
    floe_listening *listening = handle->data;
    floe_gatherer *gatherer = listening->owner;

    if (--listening->handles == 0) {
        floe_deallocate(&gatherer->api->allocator, listening);
        floe_gatherer_handle_closed(gatherer);
    }
}

void floe_listening_close(floe_listening *listening)
{
    floe_ring_remove(&listening->owner->listeners, &listening->link);
    uv_close((uv_handle_t *)&listening->poll, on_closed);
    uv_close((uv_handle_t *)&listening->pause, on_closed);
    floe_system_close(listening->fd);
    listening->fd = FLOE_NO_SOCKET;
}

static void on_pause_over(uv_timer_t *pause)
{
    floe_listening_begin(pause->data);
}

/* False: there is nobody more, or no room for him. */
static bool take_one(floe_listening *listening)
{
    floe_gatherer *gatherer = listening->owner;
    struct sockaddr_in6 from = {0};
    socklen_t size = sizeof from;
    uv_os_sock_t fd = floe_system_accept(listening->fd, (struct sockaddr *)&from, &size);

    if (fd == FLOE_NO_SOCKET) {
        int error = floe_system_error();
        bool lacks =
            error == UV_EMFILE || error == UV_ENFILE || error == UV_ENOBUFS || error == UV_ENOMEM;
        if (lacks) {
            (void)uv_poll_stop(&listening->poll);
            (void)uv_timer_start(&listening->pause, on_pause_over, PAUSE_MS, 0);
        }
        return !lacks && error != UV_EAGAIN; /* he may have gone again */
    }
    floe_address remote = floe_from_socket_address(&from);
    uint32_t channel = floe_core_accepted(gatherer->core, floe_gatherer_now(gatherer),
                                          listening->channel, &remote);
    if (channel == 0) {
        floe_system_close(fd);
    } else {
        floe_tcp_take(gatherer, fd, channel, &remote);
    }
    return true;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    floe_listening *listening = poll->data;
    floe_gatherer *gatherer = listening->owner;

    (void)status;
    (void)events;
    uv_mutex_lock(&gatherer->api->lock);
    for (int i = 0; i < ACCEPTS_MAX && take_one(listening); i++) {
    }
    uv_mutex_unlock(&gatherer->api->lock);
    floe_gatherer_pump(gatherer);
}

void floe_listening_begin(floe_listening *listening)
{
    (void)uv_poll_start(&listening->poll, UV_READABLE, on_ready);
}

/* Nobody else binds to that port meanwhile: it is shared for this call alone. */
int floe_listening_share(floe_gatherer *gatherer, uv_os_sock_t fd, const struct sockaddr_in6 *local,
                         socklen_t size)
{
    floe_listening *found = NULL;
    floe_address wanted = floe_from_socket_address(local);

    FLOE_RING_EACH(listening, &gatherer->listeners, floe_listening, link)
    {
        found = floe_address_equal(&listening->local, &wanted) ? listening : found;
    }
    if (found == NULL) {
        return UV_EADDRNOTAVAIL;
    }
    floe_system_share_port(found->fd, true);
    floe_system_share_port(fd, true);
    int status = bind(fd, (const struct sockaddr *)local, size) == 0 ? 0 : floe_system_error();
    floe_system_share_port(found->fd, false);
    return status;
}

/* 0, or libuv's error. */
static int open_on(floe_listening *listening, floe_address *local)
{
    struct sockaddr_in6 address;
    socklen_t size = floe_to_socket_address(local, &address);

    listening->fd = floe_system_socket(address.sin6_family, SOCK_STREAM);
    if (listening->fd == FLOE_NO_SOCKET) {
        return floe_system_error();
    }
    int status = floe_system_listen(listening->fd, (struct sockaddr *)&address, size);
    if (status == 0 && getsockname(listening->fd, (struct sockaddr *)&address, &size) != 0) {
        status = floe_system_error();
    }
    if (status == 0) {
        status = uv_poll_init_socket(listening->owner->api->loop, &listening->poll, listening->fd);
    }
    if (status != 0) {
        floe_system_close(listening->fd);
        return status;
    }
    local->port = floe_from_socket_address(&address).port;
    return 0;
}

floe_error floe_listen(floe_gatherer *gatherer, uint32_t channel, floe_address *local)
{
    floe_api *api = gatherer->api;
    floe_error error = floe_udp_batch_begin(&api->batch, &api->allocator);
    floe_listening *listening =
        error == FLOE_OK ? floe_allocate(&api->allocator, sizeof *listening) : NULL;

    if (listening == NULL) {
        return error != FLOE_OK ? error : FLOE_ERR_NO_MEMORY;
    }
    listening->owner = gatherer;
    int status = open_on(listening, local);
    if (status != 0) {
        floe_deallocate(&api->allocator, listening);
        return floe_uv_failed(status, "TCP");
    }
    (void)uv_timer_init(api->loop, &listening->pause);
    listening->poll.data = listening->pause.data = listening;
    listening->channel = channel;
    listening->local = *local;
    listening->handles = 2;
    floe_ring_append(&gatherer->listeners, &listening->link);
    floe_gatherer_handle_opened(gatherer);
    if (gatherer->data != NULL && gatherer->data->listens) {
        floe_listening_begin(listening);
    }
    return FLOE_OK;
}

/* TCP connections. What comes is read into the api's own room, so that nothing is copied before it
 * is parsed. */
#include "runtime/tcp.h"

#include "base/error.h"
#include "runtime/runtime.h"
#include "runtime/system.h"

#include <string.h>

static int compare(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a;
    uint32_t other = *(const uint32_t *)b;

    return (one > other) - (one < other);
}

/* A mux's gatherer has thousands. */
static const floe_tree_kind by_channel = {compare, FLOE_TREE_KEY(floe_tcp, by_channel, channel),
                                          14};

static floe_tcp *tcp_at(floe_tree_node *node)
{
    return node != NULL ? FLOE_CONTAINER(node, floe_tcp, by_channel) : NULL;
}

floe_tcp *floe_tcp_of_channel(floe_gatherer *gatherer, uint32_t channel)
{
    return tcp_at(floe_tree_find(&by_channel, &gatherer->connections, &channel));
}

floe_tcp *floe_tcp_next(const floe_gatherer *gatherer, const floe_tcp *tcp)
{
    const floe_tree *all = &gatherer->connections;

    return tcp_at(tcp != NULL ? floe_tree_next(&by_channel, all, &tcp->by_channel)
                              : floe_tree_first(all));
}

static bool is_open(const floe_tcp *tcp)
{
    return tcp->fd != FLOE_NO_SOCKET;
}

static void on_closed(uv_handle_t *handle)
{
    floe_tcp *tcp = handle->data;
    floe_gatherer *gatherer = tcp->owner;

    floe_deallocate(&gatherer->api->allocator, tcp->pending);
    floe_deallocate(&gatherer->api->allocator, tcp);
    floe_gatherer_handle_closed(gatherer);
}

void floe_tcp_close(floe_tcp *tcp)
{
    floe_tree_remove(&by_channel, &tcp->owner->connections, &tcp->by_channel);
    uv_close((uv_handle_t *)&tcp->poll, on_closed);
    floe_system_close(tcp->fd);
    tcp->fd = FLOE_NO_SOCKET;
}

/* False: it may be the socket's, and no fault of the way. */
static bool reason_of(int error, floe_unreachable *reason)
{
    switch (error) {
    case UV_ECONNREFUSED:
        *reason = FLOE_UNREACHABLE_PORT;
        return true;
    case UV_ENETUNREACH:
    case UV_EINVAL: /* a route or a rule that is a "blackhole" */
        *reason = FLOE_UNREACHABLE_NETWORK;
        return true;
    case UV_EACCES:
    case UV_EPERM:
        *reason = FLOE_UNREACHABLE_NOT_SENT;
        return true;
    default:
        *reason = FLOE_UNREACHABLE_HOST;
        return error == UV_EHOSTUNREACH;
    }
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void start_polling(floe_tcp *tcp)
{
    bool writes = !tcp->connected || tcp->pending != NULL;
    int events = (tcp->connected ? UV_READABLE : 0) | (writes ? UV_WRITABLE : 0);

    (void)uv_poll_start(&tcp->poll, events, on_ready);
}

/* It broke, or cannot go on: nothing more is heard of it, and the core closes it. */
static void broken(floe_tcp *tcp)
{
    (void)uv_poll_stop(&tcp->poll);
    floe_core_disconnected(tcp->owner->core, floe_gatherer_now(tcp->owner), tcp->channel);
}

static void connected(floe_tcp *tcp)
{
    floe_gatherer *gatherer = tcp->owner;
    struct sockaddr_in6 address = {0};
    socklen_t size = sizeof address;
    int error = floe_system_socket_error(tcp->fd);

    if (error != 0) {
        floe_unreachable reason;
        (void)reason_of(error, &reason);
        if (error == UV_EACCES) {
            /* connect() did not say so: it came by ICMPv6, from a firewall on the way. */
            reason = FLOE_UNREACHABLE_PROHIBITED;
        }
        (void)uv_poll_stop(&tcp->poll);
        floe_core_unreachable(gatherer->core, floe_gatherer_now(gatherer), tcp->channel,
                              &tcp->remote, reason, NULL, 0);
        return;
    }
    tcp->connected = true;
    start_polling(tcp);
    (void)getsockname(tcp->fd, (struct sockaddr *)&address, &size);
    floe_address local = floe_from_socket_address(&address);
    floe_core_opened(gatherer->core, floe_gatherer_now(gatherer), tcp->channel, &local);
}

/* Bounded, so that a flood on one connection does not starve the others of the loop; all that is
 * there still, of one that has ended. */
#define READS_MAX 4

static void read_some(floe_tcp *tcp, bool ended)
{
    floe_gatherer *gatherer = tcp->owner;
    floe_api *api = gatherer->api;

    for (int i = 0; (ended || i < READS_MAX) && is_open(tcp); i++) {
        ptrdiff_t size = floe_system_receive(tcp->fd, api->batch.data, FLOE_UDP_SLOT);
        if (size <= 0) {
            if (size == 0 || floe_system_error() != UV_EAGAIN) {
                broken(tcp);
            }
            return;
        }
        api->statistics.packets_received++;
        api->statistics.bytes_received += (uint64_t)size;
        floe_core_stream(gatherer->core, floe_gatherer_now(gatherer), tcp->channel, api->batch.data,
                         (size_t)size);
        floe_gatherer_give_packets(gatherer);
    }
}

/* More of what waits; the core may send again when all of it has gone. */
static void send_pending(floe_tcp *tcp)
{
    floe_gatherer *gatherer = tcp->owner;
    ptrdiff_t sent = floe_system_send(tcp->fd, tcp->pending + tcp->pending_sent,
                                      tcp->pending_size - tcp->pending_sent);

    if (sent < 0) {
        if (!floe_udp_is_passing(floe_system_error())) {
            broken(tcp);
        }
        return;
    }
    tcp->pending_sent += (size_t)sent;
    if (tcp->pending_sent == tcp->pending_size) {
        floe_deallocate(&gatherer->api->allocator, tcp->pending);
        tcp->pending = NULL;
        start_polling(tcp);
        floe_core_writable(gatherer->core, floe_gatherer_now(gatherer), tcp->channel);
    }
}

/* A status that is an error has stopped the polling: the socket itself says what it is. */
static void on_ready(uv_poll_t *poll, int status, int events)
{
    floe_tcp *tcp = poll->data;
    floe_gatherer *gatherer = tcp->owner;
    floe_api *api = gatherer->api;
    bool ended = status < 0;

    uv_mutex_lock(&api->lock);
    if (!tcp->connected) {
        connected(tcp);
    } else {
        if ((events & UV_WRITABLE) != 0 && tcp->pending != NULL) {
            send_pending(tcp);
        }
        if (ended || (events & UV_READABLE) != 0) {
            read_some(tcp, ended);
        }
    }
    uv_mutex_unlock(&api->lock);
    floe_gatherer_pump(gatherer);
}

/* The socket, bound and on its way; 0, or libuv's error. */
static int begin(floe_tcp *tcp, const floe_address *from)
{
    struct sockaddr_in6 local;
    struct sockaddr_in6 remote;
    socklen_t local_size = floe_to_socket_address(from, &local);
    socklen_t remote_size = floe_to_socket_address(&tcp->remote, &remote);

    floe_system_prepare_stream(tcp->fd);
    int status = from->port != 0 ? floe_listening_share(tcp->owner, tcp->fd, &local, local_size)
                 : bind(tcp->fd, (const struct sockaddr *)&local, local_size) == 0
                     ? 0
                     : floe_system_error();
    if (status != 0) {
        return status;
    }
    return floe_system_connect(tcp->fd, (const struct sockaddr *)&remote, remote_size);
}

/* With the socket, which is closed if it can't be. 0, or libuv's error. */
static int make(floe_gatherer *gatherer, uv_os_sock_t fd, uint32_t channel,
                const floe_address *remote, floe_tcp **made)
{
    floe_api *api = gatherer->api;
    floe_tcp *tcp = floe_allocate(&api->allocator, sizeof *tcp);
    int status = tcp != NULL ? uv_poll_init_socket(api->loop, &tcp->poll, fd) : UV_ENOMEM;

    if (status != 0) {
        floe_system_close(fd);
        floe_deallocate(&api->allocator, tcp);
        return status;
    }
    tcp->owner = gatherer;
    tcp->channel = channel;
    tcp->remote = *remote;
    tcp->poll.data = tcp;
    tcp->fd = fd;
    floe_tree_insert(&by_channel, &gatherer->connections, &tcp->by_channel);
    floe_gatherer_handle_opened(gatherer);
    *made = tcp;
    return 0;
}

void floe_tcp_take(floe_gatherer *gatherer, uv_os_sock_t fd, uint32_t channel,
                   const floe_address *remote)
{
    floe_tcp *tcp = NULL;

    floe_system_prepare_stream(fd);
    if (make(gatherer, fd, channel, remote, &tcp) != 0) {
        floe_core_disconnected(gatherer->core, floe_gatherer_now(gatherer), channel);
        return;
    }
    tcp->connected = true;
    start_polling(tcp);
}

floe_error floe_tcp_open(floe_gatherer *gatherer, const floe_core_output *output)
{
    floe_api *api = gatherer->api;
    floe_tcp *tcp = NULL;
    floe_error error = floe_udp_batch_begin(&api->batch, &api->allocator);

    if (error != FLOE_OK) {
        return error;
    }
    uv_os_sock_t fd = floe_system_socket(
        output->local.family == FLOE_FAMILY_IPV4 ? AF_INET : AF_INET6, SOCK_STREAM);
    int status = fd != FLOE_NO_SOCKET ? make(gatherer, fd, output->channel, &output->remote, &tcp)
                                      : floe_system_error();
    if (status != 0) {
        return floe_uv_failed(status, "TCP");
    }
    status = begin(tcp, &output->local);
    if (status == 0) {
        start_polling(tcp);
        return FLOE_OK;
    }
    floe_tcp_close(tcp);
    floe_unreachable reason;
    if (reason_of(status, &reason)) {
        floe_core_unreachable(gatherer->core, floe_gatherer_now(gatherer), output->channel,
                              &output->remote, reason, NULL, 0);
        return FLOE_OK;
    }
    return floe_uv_failed(status, "TCP");
}

size_t floe_tcp_waiting(const floe_tcp *tcp)
{
    size_t pending = tcp->pending != NULL ? tcp->pending_size - tcp->pending_sent : 0;

    return pending + (tcp->connected ? floe_system_unconfirmed(tcp->fd) : 0);
}

/* The rest goes when the kernel takes more; until then the core sends nothing on the channel. */
static void keep_rest(floe_tcp *tcp, const uint8_t *data, size_t size)
{
    floe_gatherer *gatherer = tcp->owner;

    tcp->pending = floe_allocate(&gatherer->api->allocator, size);
    if (tcp->pending == NULL) {
        broken(tcp); /* a stream with a hole in it is worth nothing */
        return;
    }
    memcpy(tcp->pending, data, size);
    tcp->pending_size = size;
    tcp->pending_sent = 0;
    start_polling(tcp);
    floe_core_blocked(gatherer->core, tcp->channel);
}

void floe_tcp_send(floe_tcp *tcp, const uint8_t *data, size_t size)
{
    floe_api *api = tcp->owner->api;
    ptrdiff_t sent = tcp->pending == NULL ? floe_system_send(tcp->fd, data, size) : -1;

    if (sent < 0 && (tcp->pending != NULL || !floe_udp_is_passing(floe_system_error()))) {
        broken(tcp);
        return;
    }
    size_t taken = sent > 0 ? (size_t)sent : 0;
    api->statistics.packets_sent++;
    api->statistics.bytes_sent += size;
    if (taken < size) {
        keep_rest(tcp, data + taken, size - taken);
    }
}

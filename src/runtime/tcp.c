/* TCP connections. libuv reads into the api's own room, so that nothing is copied before it is
 * parsed. */
#include "runtime/tcp.h"

#include "base/error.h"
#include "runtime/runtime.h"

#include <string.h>

floe_tcp *floe_tcp_of_channel(floe_gatherer *gatherer, uint32_t channel)
{
    FLOE_LIST_EACH(tcp, &gatherer->connections, floe_tcp, link)
    {
        if (tcp->channel == channel) {
            return tcp;
        }
    }
    return NULL;
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
    tcp->closing = true;
    floe_list_remove(&tcp->link);
    uv_close((uv_handle_t *)&tcp->handle, on_closed);
}

static floe_unreachable reason_of(int error)
{
    switch (error) {
    case UV_ECONNREFUSED:
        return FLOE_UNREACHABLE_PORT;
    case UV_ENETUNREACH:
        return FLOE_UNREACHABLE_NETWORK;
    case UV_EACCES:
    case UV_EPERM:
        return FLOE_UNREACHABLE_NOT_SENT;
    default:
        return FLOE_UNREACHABLE_HOST;
    }
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    floe_tcp *tcp = handle->data;

    (void)suggested;
    *buffer = uv_buf_init((char *)tcp->owner->api->batch.data, FLOE_UDP_SLOT);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    floe_tcp *tcp = stream->data;
    floe_gatherer *gatherer = tcp->owner;
    floe_api *api = gatherer->api;

    if (size == 0 || tcp->closing) {
        return;
    }
    uv_mutex_lock(&api->lock);
    if (size > 0) {
        api->statistics.packets_received++;
        api->statistics.bytes_received += (uint64_t)size;
        floe_core_stream(gatherer->core, floe_runtime_now(), tcp->channel, buffer->base,
                         (size_t)size);
        floe_gatherer_give_packets(gatherer);
    } else {
        (void)uv_read_stop(stream);
        floe_core_disconnected(gatherer->core, floe_runtime_now(), tcp->channel);
    }
    uv_mutex_unlock(&api->lock);
    floe_gatherer_pump(gatherer);
}

static void on_connected(uv_connect_t *request, int status)
{
    floe_tcp *tcp = request->data;
    floe_gatherer *gatherer = tcp->owner;
    floe_api *api = gatherer->api;
    struct sockaddr_in6 address = {0};
    int size = sizeof address;

    if (status == UV_ECANCELED || tcp->closing) {
        return;
    }
    uv_mutex_lock(&api->lock);
    if (status == 0) {
        (void)uv_tcp_nodelay(&tcp->handle, 1);
        (void)uv_tcp_keepalive(&tcp->handle, 1, 60);
        (void)uv_tcp_getsockname(&tcp->handle, (struct sockaddr *)&address, &size);
        floe_address local = floe_from_socket_address(&address);
        (void)uv_read_start((uv_stream_t *)&tcp->handle, on_allocate, on_read);
        floe_core_opened(gatherer->core, floe_runtime_now(), tcp->channel, &local);
    } else {
        floe_core_unreachable(gatherer->core, floe_runtime_now(), tcp->channel, &tcp->remote,
                              reason_of(status), NULL, 0);
    }
    uv_mutex_unlock(&api->lock);
    floe_gatherer_pump(gatherer);
}

floe_error floe_tcp_open(floe_gatherer *gatherer, const floe_core_output *output)
{
    floe_api *api = gatherer->api;
    struct sockaddr_in6 local;
    struct sockaddr_in6 remote;
    floe_tcp *tcp = floe_allocate(&api->allocator, sizeof *tcp);

    if (tcp == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    (void)floe_to_socket_address(&output->local, &local);
    (void)floe_to_socket_address(&output->remote, &remote);
    int status = uv_tcp_init(api->loop, &tcp->handle);
    if (status != 0) {
        floe_deallocate(&api->allocator, tcp);
        return floe_uv_failed(status, "TCP");
    }
    tcp->owner = gatherer;
    tcp->channel = output->channel;
    tcp->remote = output->remote;
    tcp->handle.data = tcp->connect.data = tcp->write.data = tcp;
    floe_list_append(&gatherer->connections, &tcp->link);
    floe_gatherer_handle_opened(gatherer);
    status = uv_tcp_bind(&tcp->handle, (const struct sockaddr *)&local, 0);
    if (status == 0) {
        status = uv_tcp_connect(&tcp->connect, &tcp->handle, (const struct sockaddr *)&remote,
                                on_connected);
    }
    if (status == 0) {
        return FLOE_OK;
    }
    floe_tcp_close(tcp);
    bool network = status == UV_ENETUNREACH || status == UV_EHOSTUNREACH ||
                   status == UV_ECONNREFUSED || status == UV_EACCES || status == UV_EPERM;
    if (network) {
        floe_core_unreachable(gatherer->core, floe_runtime_now(), output->channel, &output->remote,
                              reason_of(status), NULL, 0);
        return FLOE_OK;
    }
    return floe_uv_failed(status, "TCP");
}

static void on_written(uv_write_t *request, int status)
{
    floe_tcp *tcp = request->data;
    floe_gatherer *gatherer = tcp->owner;
    floe_api *api = gatherer->api;

    if (status == UV_ECANCELED || tcp->closing) {
        return;
    }
    uv_mutex_lock(&api->lock);
    floe_deallocate(&api->allocator, tcp->pending);
    tcp->pending = NULL;
    if (status == 0) {
        floe_core_writable(gatherer->core, floe_runtime_now(), tcp->channel);
    } else {
        floe_core_disconnected(gatherer->core, floe_runtime_now(), tcp->channel);
    }
    uv_mutex_unlock(&api->lock);
    floe_gatherer_pump(gatherer);
}

/* The rest goes when the kernel takes more; until then the core sends nothing on the channel. */
static void keep_rest(floe_tcp *tcp, const uint8_t *data, size_t size)
{
    floe_gatherer *gatherer = tcp->owner;

    tcp->pending = floe_allocate(&gatherer->api->allocator, size);
    if (tcp->pending != NULL) {
        uv_buf_t rest = uv_buf_init((char *)tcp->pending, (unsigned)size);
        memcpy(tcp->pending, data, size);
        if (uv_write(&tcp->write, (uv_stream_t *)&tcp->handle, &rest, 1, on_written) == 0) {
            floe_core_blocked(gatherer->core, tcp->channel);
            return;
        }
    }
    /* A stream with a hole in it is worth nothing. */
    floe_core_disconnected(gatherer->core, floe_runtime_now(), tcp->channel);
}

void floe_tcp_send(floe_tcp *tcp, const uint8_t *data, size_t size)
{
    floe_gatherer *gatherer = tcp->owner;
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)data, (unsigned)size);
    int sent =
        tcp->pending == NULL ? uv_try_write((uv_stream_t *)&tcp->handle, &buffer, 1) : UV_ENOBUFS;

    if (sent < 0 && sent != UV_EAGAIN) {
        floe_core_disconnected(gatherer->core, floe_runtime_now(), tcp->channel);
        return;
    }
    size_t taken = sent > 0 ? (size_t)sent : 0;
    gatherer->api->statistics.packets_sent++;
    gatherer->api->statistics.bytes_sent += size;
    if (taken < size) {
        keep_rest(tcp, data + taken, size - taken);
    }
}

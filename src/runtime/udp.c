/* UDP sockets: what all systems have in common. */
#include "base/address.h"
#include "base/error.h"
#include "runtime/runtime.h"
#include "runtime/system.h"

#include <stdio.h>
#include <string.h>

socklen_t floe_to_socket_address(const floe_address *address, struct sockaddr_in6 *out)
{
    memset(out, 0, sizeof *out);
    if (address->family == FLOE_FAMILY_IPV4) {
        struct sockaddr_in *ipv4 = (struct sockaddr_in *)(void *)out;
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(address->port);
        memcpy(&ipv4->sin_addr, address->ip, 4);
        return sizeof *ipv4;
    }
    out->sin6_family = AF_INET6;
    out->sin6_port = htons(address->port);
    out->sin6_scope_id = address->scope_id;
    memcpy(&out->sin6_addr, address->ip, 16);
    return sizeof *out;
}

floe_address floe_from_socket_address(const struct sockaddr_in6 *in)
{
    floe_address address = {0};

    if (in->sin6_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)in;
        address.family = FLOE_FAMILY_IPV4;
        address.port = ntohs(ipv4->sin_port);
        memcpy(address.ip, &ipv4->sin_addr, 4);
    } else if (in->sin6_family == AF_INET6) {
        address.family = FLOE_FAMILY_IPV6;
        address.port = ntohs(in->sin6_port);
        address.scope_id = in->sin6_scope_id;
        memcpy(address.ip, &in->sin6_addr, 16);
    }
    return address;
}

socklen_t floe_socket_address_size(const struct sockaddr_in6 *address)
{
    return address->sin6_family == AF_INET ? sizeof(struct sockaddr_in)
                                           : sizeof(struct sockaddr_in6);
}

void floe_udp_go_without(floe_udp *udp, floe_udp_lack lack)
{
    static const struct {
        floe_udp_lack lack;
        const char *call;
        const char *without;
    } lacks[] = {
        {FLOE_UDP_LACKS_ERRORS_IPV4, "IP_RECVERR",
         "a server that nobody serves is known by time alone"},
        {FLOE_UDP_LACKS_ERRORS_IPV6, "IPV6_RECVERR",
         "a server that nobody serves is known by time alone"},
        {FLOE_UDP_LACKS_SEGMENTS, "UDP_GRO", "packets are read one by one"},
        {FLOE_UDP_LACKS_WHOLE_IPV4, "IP_MTU_DISCOVER", "packets may be fragmented"},
        {FLOE_UDP_LACKS_WHOLE_IPV6, "IPV6_MTU_DISCOVER", "packets may be fragmented"},
    };
    floe_api *api = udp->owner->api;
    int error = floe_system_error();
    char text[160];
    size_t i = 0;

    if ((api->lacks & (unsigned)lack) != 0) {
        return;
    }
    api->lacks |= (unsigned)lack;
    while (lacks[i].lack != lack) {
        i++;
    }
    (void)snprintf(text, sizeof text, "setsockopt(%s): %s: %s", lacks[i].call, uv_strerror(error),
                   lacks[i].without);
    floe_core_warn(udp->owner->core, floe_gatherer_now(udp->owner), udp->channel, NULL, text);
}

void floe_udp_forbid_fragments(floe_udp *udp, bool ipv4)
{
    if (!floe_system_forbid_fragments(udp->fd, ipv4)) {
        floe_udp_go_without(udp, ipv4 ? FLOE_UDP_LACKS_WHOLE_IPV4 : FLOE_UDP_LACKS_WHOLE_IPV6);
    }
}

floe_error floe_udp_open(uv_os_sock_t *fd, floe_address *local)
{
    struct sockaddr_in6 address;
    socklen_t size = floe_to_socket_address(local, &address);
    const char *call = "socket";
    uv_os_sock_t made = floe_system_socket(address.sin6_family, SOCK_DGRAM);

    if (made != FLOE_NO_SOCKET) {
        call = "bind";
        bool good = bind(made, (struct sockaddr *)&address, size) == 0;
        if (good) {
            call = "getsockname";
            good = getsockname(made, (struct sockaddr *)&address, &size) == 0;
        }
        if (good) {
            local->port = floe_from_socket_address(&address).port;
            *fd = made;
            return FLOE_OK;
        }
        floe_system_close(made);
    }
    return floe_uv_failed(floe_system_error(), call);
}

bool floe_udp_is_open(const floe_udp *udp)
{
    return udp->fd != FLOE_NO_SOCKET;
}

/* Sending. */

void floe_udp_batch_init(floe_udp_batch *batch, uint32_t size)
{
    batch->slots = size / FLOE_UDP_SLOT;
}

floe_error floe_udp_batch_begin(floe_udp_batch *batch, const floe_allocator *allocator)
{
    if (batch->data != NULL) {
        return FLOE_OK;
    }
    /* Not zeroed, so that the kernel gives only those pages that are written to. */
    batch->data = allocator->allocate(allocator->user_data, batch->slots * FLOE_UDP_SLOT);
    batch->at = batch->count = batch->used = 0;
    if (batch->data != NULL && floe_udp_headers_init(batch, allocator)) {
        return FLOE_OK;
    }
    floe_udp_batch_free(batch, allocator);
    return floe_fail(FLOE_ERR_NO_MEMORY, "no memory for packets");
}

void floe_udp_batch_free(floe_udp_batch *batch, const floe_allocator *allocator)
{
    floe_deallocate(allocator, batch->headers);
    floe_deallocate(allocator, batch->data);
    batch->headers = NULL;
    batch->data = NULL;
}

/* Rows for one address name it once. */
static void enter(floe_udp_batch *batch, const floe_address *remote, const uint8_t *data,
                  size_t size, size_t count)
{
    floe_udp_row *row = &batch->rows[batch->count];

    *row = (floe_udp_row){.data = data, .size = size, .count = count, .to = batch->count};
    if (batch->count > 0 && floe_address_is(remote, &batch->latest)) {
        row->to = row[-1].to;
    } else {
        (void)floe_to_socket_address(remote, &batch->addresses[row->to]);
        batch->latest = *remote;
    }
    batch->count++;
}

static uint8_t *copy(floe_udp_batch *batch, const void *data, size_t size)
{
    uint8_t *at = &batch->data[batch->used];

    if (size > 0) {
        memcpy(at, data, size);
    }
    batch->used += size;
    return at;
}

bool floe_udp_batch_add(floe_udp_batch *batch, const floe_address *remote, const void *data,
                        size_t size)
{
    if (batch->count == FLOE_UDP_ROWS || size > batch->slots * FLOE_UDP_SLOT - batch->used) {
        return false;
    }
    enter(batch, remote, copy(batch, data, size), size, 1);
    return true;
}

void floe_udp_batch_refer(floe_udp_batch *batch, const floe_core_row *rows, size_t count)
{
    for (const floe_core_row *row = rows; row < rows + count; row++) {
        enter(batch, &row->remote, row->data, row->size, row->count);
    }
}

/* As many as fill the pieces, if all are of the latest one's size. */
size_t floe_udp_batch_wants(const floe_udp_batch *batch, size_t *bytes)
{
    size_t size = batch->count > 0 ? batch->rows[batch->count - 1].size : 0;
    size_t cuts = size > 0 ? FLOE_UDP_PIECE / size : FLOE_UDP_CUTS;
    size_t most = FLOE_UDP_PIECES * (cuts < FLOE_UDP_CUTS ? cuts : FLOE_UDP_CUTS);
    size_t room = (size_t)FLOE_UDP_PIECES * FLOE_UDP_PIECE;

    if (room > batch->slots * FLOE_UDP_SLOT) { /* that is what `keep` has for them */
        room = batch->slots * FLOE_UDP_SLOT;
    }

    *bytes = batch->used < room ? room - batch->used : 0;
    return batch->count < most ? most - batch->count : 0;
}

/* Where a datagram is said not to go, what the core has may move. There is room, as what is not copied is no more
 * than was wanted. */
static void keep(floe_udp_batch *batch)
{
    const uint8_t *end = &batch->data[batch->slots * FLOE_UDP_SLOT];

    for (size_t i = batch->at; i < batch->count; i++) {
        floe_udp_row *row = &batch->rows[i];
        if (row->data < batch->data || row->data >= end) {
            row->data = copy(batch, row->data, row->size * row->count);
        }
    }
}

/* So many datagrams have been sent, or will not be. How many bytes they were. */
static size_t pass(floe_udp_batch *batch, size_t count)
{
    size_t bytes = 0;

    while (count > 0) {
        floe_udp_row *row = &batch->rows[batch->at];
        size_t passed = count < row->count ? count : row->count;
        row->data += passed * row->size;
        row->count -= passed;
        bytes += passed * row->size;
        count -= passed;
        batch->at += row->count == 0;
    }
    return bytes;
}

static floe_unreachable reason_of_send(int error)
{
    switch (error) {
    case UV_ENETUNREACH:
    case UV_EAFNOSUPPORT:
    case UV_EADDRNOTAVAIL:
        return FLOE_UNREACHABLE_NETWORK;
    case UV_EHOSTUNREACH:
        return FLOE_UNREACHABLE_HOST;
    case UV_ENOSPC: /* epoll_ctl's */
        return FLOE_UNREACHABLE_NOT_WATCHED;
    default:
        return FLOE_UNREACHABLE_NOT_SENT;
    }
}

bool floe_udp_is_passing(int error)
{
    return error == UV_EAGAIN || error == UV_ENOBUFS || error == UV_ENOMEM;
}

static void hold_one(floe_udp *udp, const floe_address *remote, const floe_span *data)
{
    floe_api *api = udp->owner->api;
    floe_error error =
        floe_queue_push(&api->allocator, &udp->held, FLOE_UDP_HELD_MAX, remote, data, 1);

    api->statistics.packets_not_sent += error != FLOE_OK;
}

/* What is left waits until the socket takes more. */
static void hold(floe_udp *udp, floe_udp_batch *batch)
{
    while (batch->at < batch->count) {
        floe_address remote = floe_from_socket_address(floe_udp_batch_address(batch, batch->at));
        floe_span data = floe_span_of(batch->rows[batch->at].data, batch->rows[batch->at].size);
        hold_one(udp, &remote, &data);
        (void)pass(batch, 1);
    }
}

/* Before the first packet: what comes back will be heard. 0, or libuv's error. */
static int attend(floe_udp *udp, bool ipv4)
{
    if (!udp->hears_errors) {
        udp->hears_errors = true;
        floe_udp_hear_errors(udp, ipv4);
    }
    return floe_watch_add(&udp->owner->api->watch, udp);
}

/* The next one is not. */
static void not_sent(floe_udp *udp, floe_udp_batch *batch, int error,
                     floe_udp_unreachable unreachable)
{
    if (!floe_udp_is_passing(error)) {
        floe_address remote = floe_from_socket_address(floe_udp_batch_address(batch, batch->at));
        keep(batch);
        unreachable(udp, &remote, reason_of_send(error), batch->rows[batch->at].data,
                    batch->rows[batch->at].size);
    }
    udp->owner->api->statistics.packets_not_sent++;
    (void)pass(batch, 1);
}

void floe_udp_flush(floe_udp *udp, floe_udp_batch *batch, floe_udp_unreachable unreachable)
{
    floe_api_statistics *statistics = &udp->owner->api->statistics;
    bool retried = false;
    int deaf = 0;

    if (!floe_queue_empty(&udp->held)) {
        hold(udp, batch);
    } else if (batch->count > 0 &&
               (deaf = attend(udp, batch->addresses[0].sin6_family == AF_INET)) != 0) {
        while (batch->at < batch->count) {
            not_sent(udp, batch, deaf, unreachable);
        }
    }
    while (batch->at < batch->count) {
        uint16_t cut = udp->cut;
        size_t count = floe_udp_send_some(udp, batch);
        int error = count > 0 ? 0 : floe_system_error();
        if (count > 0) {
            statistics->packets_sent += count;
            statistics->bytes_sent += pass(batch, count);
            retried = false;
        } else if (udp->cut < cut) { /* once more, one by one */
            batch->uncut = floe_from_socket_address(floe_udp_batch_address(batch, batch->at));
        } else if (!retried && !floe_udp_is_passing(error)) {
            /* A pending ICMP error, whoever it is for, makes the next send fail once. */
            retried = true;
        } else if (error == UV_EAGAIN) {
            hold(udp, batch);
        } else {
            not_sent(udp, batch, error, unreachable);
            retried = false;
        }
    }
    batch->at = batch->count = batch->used = 0;
}

void floe_udp_send_held(floe_udp *udp, floe_udp_batch *batch, floe_udp_unreachable unreachable)
{
    floe_queue held = udp->held;
    floe_address remote;
    floe_span data;

    udp->held = (floe_queue){0};
    bool more = floe_queue_take(&held, &remote, &data);
    while (more && floe_queue_empty(&udp->held)) {
        while (more && floe_udp_batch_add(batch, &remote, data.data, data.size)) {
            more = floe_queue_take(&held, &remote, &data);
        }
        floe_udp_flush(udp, batch, unreachable);
    }
    for (; more; more = floe_queue_take(&held, &remote, &data)) {
        hold_one(udp, &remote, &data);
    }
    floe_queue_release(&udp->owner->api->allocator, &held);
}

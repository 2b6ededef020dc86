/* c-ares on a libuv loop: its sockets under uv_poll_t, its time-outs under one timer. */
#include "runtime/resolver.h"

#include "base/error.h"
#include "runtime/runtime.h"

#include <ares.h>
#include <netdb.h>
#include <string.h>

/* One socket of c-ares'. */
typedef struct resolver_socket {
    floe_list link;
    floe_resolver *resolver;
    ares_socket_t fd;
    uv_poll_t poll;
} resolver_socket;

void floe_resolver_init(floe_resolver *resolver, floe_api *api)
{
    *resolver = (floe_resolver){.api = api};
    floe_list_init(&resolver->sockets);
    floe_list_init(&resolver->ended);
}

static void on_timer(uv_timer_t *timer);

static void arm_timer(floe_resolver *resolver)
{
    struct timeval room;
    struct timeval *wait = ares_timeout(resolver->channel, NULL, &room);

    if (wait == NULL) {
        (void)uv_timer_stop(&resolver->timer);
    } else {
        uint64_t milliseconds =
            (uint64_t)wait->tv_sec * 1000U + (uint64_t)(wait->tv_usec + 999) / 1000U;
        (void)uv_timer_start(&resolver->timer, on_timer, milliseconds, 0);
    }
}

static void on_timer(uv_timer_t *timer)
{
    floe_resolver *resolver = timer->data;

    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timer(resolver);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    resolver_socket *socket = poll->data;
    floe_resolver *resolver = socket->resolver;
    bool failed = status < 0;

    ares_process_fd(resolver->channel,
                    failed || (events & UV_READABLE) != 0 ? socket->fd : ARES_SOCKET_BAD,
                    failed || (events & UV_WRITABLE) != 0 ? socket->fd : ARES_SOCKET_BAD);
    arm_timer(resolver);
}

static void on_socket_closed(uv_handle_t *handle)
{
    resolver_socket *socket = handle->data;
    floe_api *api = socket->resolver->api;

    floe_deallocate(&api->allocator, socket);
    floe_api_handle_closed(api);
}

static resolver_socket *find_socket(floe_resolver *resolver, ares_socket_t fd)
{
    FLOE_LIST_EACH(socket, &resolver->sockets, resolver_socket, link)
    {
        if (socket->fd == fd) {
            return socket;
        }
    }
    return NULL;
}

static resolver_socket *new_socket(floe_resolver *resolver, ares_socket_t fd)
{
    resolver_socket *socket = floe_allocate(&resolver->api->allocator, sizeof *socket);

    if (socket == NULL) {
        return NULL; /* c-ares will time out */
    }
    socket->resolver = resolver;
    socket->fd = fd;
    if (uv_poll_init(resolver->api->loop, &socket->poll, fd) != 0) {
        floe_deallocate(&resolver->api->allocator, socket);
        return NULL;
    }
    socket->poll.data = socket;
    floe_api_handle_opened(resolver->api);
    floe_list_append(&resolver->sockets, &socket->link);
    return socket;
}

/* c-ares says which of its sockets it wants to hear of. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    floe_resolver *resolver = data;
    resolver_socket *socket = find_socket(resolver, fd);
    int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

    if (events == 0) {
        if (socket != NULL) {
            floe_list_remove(&socket->link);
            uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
        }
        return;
    }
    if (socket == NULL) {
        socket = new_socket(resolver, fd);
    }
    if (socket != NULL) {
        (void)uv_poll_start(&socket->poll, events, on_socket);
    }
}

static uv_once_t library_once = UV_ONCE_INIT;

static void init_library(void)
{
    (void)ares_library_init(ARES_LIB_INIT_ALL); /* not for two threads at a time, says its manual */
}

static bool open_channel(floe_resolver *resolver)
{
    struct ares_options options = {.sock_state_cb = on_socket_state,
                                   .sock_state_cb_data = resolver};

    if (resolver->channel != NULL) {
        return true;
    }
    uv_once(&library_once, init_library);
    if (ares_init_options(&resolver->channel, &options, ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
        resolver->channel = NULL;
        return false;
    }
    if (!resolver->has_timer) {
        (void)uv_timer_init(resolver->api->loop, &resolver->timer);
        resolver->timer.data = resolver;
        resolver->has_timer = true;
        floe_api_handle_opened(resolver->api);
    }
    return true;
}

static floe_error error_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
        return FLOE_OK; /* the name is there, if without an address of this family */
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
        return FLOE_ERR_NOT_FOUND;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
        return FLOE_ERR_TIMED_OUT;
    case ARES_ENOMEM:
        return FLOE_ERR_NO_MEMORY;
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return FLOE_ERR_CANCELED;
    default:
        return FLOE_ERR_SYSTEM;
    }
}

static void end_query(floe_query *query, floe_error error)
{
    query->error = error;
    floe_list_append(&query->resolver->ended, &query->link);
    (void)uv_async_send(&query->resolver->api->wake);
}

static void on_result(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
    floe_query *query = data;

    (void)timeouts;
    for (struct ares_addrinfo_node *node = result != NULL ? result->nodes : NULL;
         node != NULL && query->count < FLOE_RESOLVED_MAX; node = node->ai_next) {
        floe_address *address = &query->addresses[query->count];
        if (node->ai_family == AF_INET) {
            address->family = FLOE_FAMILY_IPV4;
            memcpy(address->ip, &((struct sockaddr_in *)(void *)node->ai_addr)->sin_addr, 4);
            query->count++;
        } else if (node->ai_family == AF_INET6) {
            address->family = FLOE_FAMILY_IPV6;
            memcpy(address->ip, &((struct sockaddr_in6 *)(void *)node->ai_addr)->sin6_addr, 16);
            query->count++;
        }
    }
    if (result != NULL) {
        ares_freeaddrinfo(result);
    }
    end_query(query, error_of(status));
}

bool floe_resolver_begin(floe_resolver *resolver, floe_gatherer *gatherer, uint32_t query,
                         const char *name, uint8_t family)
{
    struct ares_addrinfo_hints hints = {
        .ai_family = family == FLOE_FAMILY_IPV4 ? AF_INET : AF_INET6, .ai_flags = ARES_AI_NOSORT};
    floe_query *made = floe_allocate(&resolver->api->allocator, sizeof *made);

    if (made == NULL) {
        return false;
    }
    made->resolver = resolver;
    made->gatherer = gatherer;
    made->query = query;
    made->family = family;
    gatherer->references++;
    if (!open_channel(resolver)) {
        end_query(made, FLOE_ERR_SYSTEM);
        return true;
    }
    ares_getaddrinfo(resolver->channel, name, NULL, &hints, on_result, made);
    arm_timer(resolver);
    return true;
}

static void on_timer_closed(uv_handle_t *handle)
{
    floe_resolver *resolver = handle->data;

    floe_api_handle_closed(resolver->api);
}

void floe_resolver_close(floe_resolver *resolver)
{
    if (resolver->channel != NULL) {
        ares_destroy(resolver->channel); /* every query ends here */
        resolver->channel = NULL;
    }
    FLOE_LIST_EACH_SAFE(socket, &resolver->sockets, resolver_socket, link)
    {
        floe_list_remove(&socket->link);
        uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
    }
    if (resolver->has_timer) {
        resolver->has_timer = false;
        uv_close((uv_handle_t *)&resolver->timer, on_timer_closed);
    }
}

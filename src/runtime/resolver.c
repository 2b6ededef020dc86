/* c-ares on a libuv loop: its sockets under uv_poll_t, its time-outs under one timer; and the names
 * that are known, or being looked up, for all gatherers of the api (S7). */
#include "runtime/resolver.h"

#include "base/error.h"
#include "base/name.h"
#include "runtime/runtime.h"
#include "runtime/service_ttl.h"
#include "runtime/system.h"

#include <ares.h>
#include <stdio.h>
#include <string.h>

/* One socket of c-ares'. */
typedef struct resolver_socket {
    floe_list link;
    floe_resolver *resolver;
    ares_socket_t fd;
    uv_poll_t poll;
} resolver_socket;

static bool is_of_addresses(floe_dns_record record)
{
    return record == FLOE_DNS_A || record == FLOE_DNS_AAAA;
}

void floe_resolver_init(floe_resolver *resolver, floe_api *api)
{
    *resolver = (floe_resolver){.api = api};
    floe_list_init(&resolver->sockets);
    floe_list_init(&resolver->names);
    floe_list_init(&resolver->ended);
    floe_list_init(&resolver->again);
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

static bool renew_if_changed(floe_resolver *resolver);

static void on_timer(uv_timer_t *timer)
{
    floe_resolver *resolver = timer->data;

    floe_clock_look(&resolver->api->clock);
    (void)renew_if_changed(resolver);
    if (resolver->channel != NULL) {
        ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        arm_timer(resolver);
    }
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    resolver_socket *socket = poll->data;
    floe_resolver *resolver = socket->resolver;
    bool failed = status < 0;

    if (renew_if_changed(resolver)) {
        return; /* what comes is of no account, such as that the former servers are not there */
    }
    ares_process_fd(resolver->channel,
                    failed || (events & UV_READABLE) != 0 ? socket->fd : ARES_SOCKET_BAD,
                    failed || (events & UV_WRITABLE) != 0 ? socket->fd : ARES_SOCKET_BAD);
    arm_timer(resolver);
}

/* ── c-ares' sockets ──
 *
 * Made and used as ours are: by itself it writes to a name server's TCP connection in a way that
 * may end the program by SIGPIPE. */

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

/* False: what it takes to hear of the socket can't be had. */
static bool add_socket(floe_resolver *resolver, ares_socket_t fd)
{
    resolver_socket *socket = floe_allocate(&resolver->api->allocator, sizeof *socket);

    if (socket == NULL) {
        resolver->no_memory = true;
        return false;
    }
    socket->resolver = resolver;
    socket->fd = fd;
    if (uv_poll_init_socket(resolver->api->loop, &socket->poll, fd) != 0) {
        floe_deallocate(&resolver->api->allocator, socket);
        return false;
    }
    socket->poll.data = socket;
    floe_api_handle_opened(resolver->api);
    floe_list_append(&resolver->sockets, &socket->link);
    return true;
}

static ares_socket_t open_socket(int family, int kind, int protocol, void *data)
{
    ares_socket_t fd = floe_system_socket(family, kind);

    (void)protocol;
    if (fd != FLOE_NO_SOCKET && !add_socket(data, fd)) {
        floe_system_close(fd);
        fd = ARES_SOCKET_BAD;
    }
    return fd;
}

static int close_socket(ares_socket_t fd, void *data)
{
    resolver_socket *socket = find_socket(data, fd);

    if (socket != NULL) {
        floe_list_remove(&socket->link);
        uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
    }
    floe_system_close(fd);
    return 0;
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t size,
                          void *data)
{
    const floe_resolver *resolver = data;
    struct sockaddr_in6 to;

    if (address->sa_family != AF_INET6 || size < (ares_socklen_t)sizeof to) {
        return connect(fd, address, size);
    }
    memcpy(&to, address, sizeof to);
    if (to.sin6_scope_id == 0) {
        to.sin6_scope_id =
            floe_link_servers_scope(&resolver->name_servers, (const uint8_t *)&to.sin6_addr);
    }
    return connect(fd, (const struct sockaddr *)&to, sizeof to);
}

static ares_ssize_t receive_from(ares_socket_t fd, void *buffer, size_t room, int flags,
                                 struct sockaddr *from, ares_socklen_t *size, void *data)
{
    (void)flags;
    (void)data;
    return (ares_ssize_t)floe_system_receive_from(fd, buffer, room, from, size);
}

/* An error of a datagram's socket is of an earlier packet, whose ICMP came back: it is the reader's, who
 * hands all that waits for this server on to the next one. Told here it would hand on this question
 * alone, and leave the one that it is of to its time-out. The kernel says it once. */
static ptrdiff_t send_part(ares_socket_t fd, const struct iovec *part)
{
    ptrdiff_t sent = floe_system_send(fd, part->iov_base, part->iov_len);

    return sent < 0 && floe_system_error() == UV_ECONNREFUSED
               ? floe_system_send(fd, part->iov_base, part->iov_len)
               : sent;
}

/* A datagram is one part. */
static ares_ssize_t send_parts(ares_socket_t fd, const struct iovec *parts, int count, void *data)
{
    ares_ssize_t all = 0;

    (void)data;
    for (int i = 0; i < count; i++) {
        ptrdiff_t sent = send_part(fd, &parts[i]);
        if (sent < 0) {
            return all > 0 ? all : -1;
        }
        all += (ares_ssize_t)sent;
        if ((size_t)sent < parts[i].iov_len) {
            break;
        }
    }
    return all;
}

static const struct ares_socket_functions socket_functions = {
    open_socket, close_socket, connect_socket, receive_from, send_parts};

/* c-ares says what it wants to hear of which of its sockets. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    resolver_socket *socket = find_socket(data, fd);
    int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

    if (socket != NULL && events != 0) {
        (void)uv_poll_start(&socket->poll, events, on_socket);
    } else if (socket != NULL) {
        (void)uv_poll_stop(&socket->poll);
    }
}

static uv_once_t library_once = UV_ONCE_INIT;

static void init_library(void)
{
    (void)ares_library_init(ARES_LIB_INIT_ALL); /* not for two threads at a time, says its manual */
}

#define ARES_READS_LINKS (1 << 16 | 20 << 8)

/* The list as the system has it, where c-ares would leave out some; connect_socket has the links. */
static void take_link_servers(floe_resolver *resolver)
{
    char list[FLOE_NAME_SERVERS_MAX * (FLOE_ADDRESS_TEXT_SIZE + 1)] = "";
    size_t used = 0;

    int version;

    (void)ares_version(&version);
    if (version >= ARES_READS_LINKS) {
        return;
    }
    floe_link_servers_read(&resolver->name_servers);
    for (size_t i = 0; i < resolver->name_servers.count; i++) {
        char text[FLOE_ADDRESS_TEXT_SIZE];
        (void)floe_address_format(&resolver->name_servers.servers[i], text, sizeof text);
        used += (size_t)snprintf(&list[used], sizeof list - used, "%s%s", i > 0 ? "," : "", text);
    }
    if (resolver->name_servers.any) {
        (void)ares_set_servers_csv(resolver->channel, list);
    }
}

static bool open_channel(floe_resolver *resolver)
{
    /* A second name server is asked before the first has used up a gathering's time; and one that is
     * there only later is asked within it: at 0, 0.6, 1.8 and 4.2 s. */
    struct ares_options options = {.sock_state_cb = on_socket_state,
                                   .sock_state_cb_data = resolver,
                                   .timeout = 600,
                                   .tries = 4};
    int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;

    if (resolver->channel != NULL) {
        return true;
    }
    uv_once(&library_once, init_library);
    resolver->servers = floe_system_name_servers();
    if (ares_init_options(&resolver->channel, &options, mask) != ARES_SUCCESS) {
        resolver->channel = NULL;
        return false;
    }
    ares_set_socket_functions(resolver->channel, &socket_functions, resolver);
    take_link_servers(resolver);
    if (!resolver->has_timer) {
        (void)uv_timer_init(resolver->api->loop, &resolver->timer);
        resolver->timer.data = resolver;
        resolver->has_timer = true;
        floe_api_handle_opened(resolver->api);
    }
    return true;
}

/* ── Names, and what is known of them ── */

/* Nobody waits for it, nor holds it. */
static bool is_idle(const floe_name *name)
{
    return floe_list_empty(&name->waiters) && !name->busy && name->asks == 0 && !name->on_link;
}

static void name_free(floe_resolver *resolver, floe_name *name)
{
    const floe_allocator *allocator = &resolver->api->allocator;

    FLOE_LIST_EACH_SAFE(waiter, &name->waiters, floe_waiter, link)
    {
        floe_list_remove(&waiter->link);
        floe_ring_remove(&waiter->gatherer->waiters, &waiter->of_gatherer);
        floe_deallocate(allocator, waiter);
    }
    for (size_t i = 0; i < name->service_count; i++) {
        floe_deallocate(allocator, name->texts[i][0]);
        floe_deallocate(allocator, name->texts[i][1]);
    }
    floe_list_remove(&name->link);
    floe_list_remove(&name->ended);
    floe_list_remove(&name->again);
    floe_deallocate(allocator, name->name);
    floe_deallocate(allocator, name);
    resolver->name_count--;
}

/* One that is known and has run out is forgotten on the way; one whose waiters are still to be told
 * goes with them, and is nobody else's. */
static floe_name *find_name(floe_resolver *resolver, const char *text, floe_dns_record record)
{
    floe_time now = floe_runtime_now();

    FLOE_LIST_EACH_SAFE(name, &resolver->names, floe_name, link)
    {
        bool over = name->known && floe_time_reached(now, name->expires);
        if (over && is_idle(name)) {
            name_free(resolver, name);
        } else if (!over && name->record == record && strcmp(name->name, text) == 0) {
            return name;
        }
    }
    return NULL;
}

/* A program that asks for ever new names must not fill memory with them. */
static void forget_oldest(floe_resolver *resolver)
{
    FLOE_LIST_EACH_SAFE(name, &resolver->names, floe_name, link)
    {
        if (resolver->name_count < FLOE_NAMES_MAX) {
            return;
        }
        if (name->known && is_idle(name)) {
            name_free(resolver, name);
        }
    }
}

static floe_name *new_name(floe_resolver *resolver, const char *text, floe_dns_record record)
{
    const floe_allocator *allocator = &resolver->api->allocator;
    floe_name *name = floe_allocate(allocator, sizeof *name);
    char *copy = floe_copy_text(allocator, text, strlen(text));

    if (name == NULL || copy == NULL) {
        floe_deallocate(allocator, name);
        floe_deallocate(allocator, copy);
        return NULL;
    }
    forget_oldest(resolver);
    name->resolver = resolver;
    name->name = copy;
    name->record = record;
    floe_list_init(&name->waiters);
    floe_list_append(&resolver->names, &name->link);
    resolver->name_count++;
    return name;
}

static bool add_waiter(floe_resolver *resolver, floe_name *name, floe_gatherer *gatherer,
                       uint32_t query, floe_addresses_taker taker)
{
    floe_waiter *waiter = floe_allocate(&resolver->api->allocator, sizeof *waiter);

    if (waiter == NULL) {
        return false;
    }
    waiter->gatherer = gatherer;
    waiter->query = query;
    waiter->taker = taker;
    floe_list_append(&name->waiters, &waiter->link);
    floe_ring_append(&gatherer->waiters, &waiter->of_gatherer);
    return true;
}

/* ── What c-ares answers ── */

/* RFC 2308 §5: that there is nothing is kept for a little while too. What failed is not: who asks then
 * asks anew, as a name server that comes up refuses for a moment; a crowd of gatherers asks in one
 * question as it is. */
#define NOTHING_KEPT_S 5U
#define LONGEST_KEPT_S 3600U

static floe_error error_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
        return FLOE_OK; /* the name is there, if without a record of this kind */
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

/* The answer is there: it goes out from the loop, never from inside c-ares. */
static void end_look_up(floe_name *name, int status, uint32_t ttl)
{
    bool found = name->address_count + name->service_count > 0;

    name->error = error_of(status);
    if (!found && (name->no_memory || name->resolver->no_memory)) {
        name->error = FLOE_ERR_NO_MEMORY; /* whatever c-ares has made of it */
    }
    name->resolver->no_memory = false;
    if (!found) {
        bool nothing = name->error == FLOE_OK || name->error == FLOE_ERR_NOT_FOUND;
        ttl = nothing ? NOTHING_KEPT_S : 0;
    }
    ttl = ttl < LONGEST_KEPT_S ? ttl : LONGEST_KEPT_S;
    name->expires = floe_time_after(floe_runtime_now(), floe_seconds(ttl));
    name->known = true;
    floe_list_append(&name->resolver->ended, &name->ended);
    (void)uv_async_send(&name->resolver->api->wake);
}

/* RFC 6762 §3: ".local" names are asked on the link; "may also be" elsewhere: there are networks (Active
 * Directory's) whose DNS has such, below a domain, and files of hosts. */
#define WAY_LINK 1U
#define WAY_SERVERS 2U

static bool ask_another_way(floe_name *name);
static bool ask_as_it_is(floe_name *name, int status);

/* One of its questions is over. Another may have been answered before; or be under way still, which goes
 * elsewhere, or has asked later. */
static void question_over(floe_name *name, int status, uint32_t ttl)
{
    bool found = name->address_count + name->service_count > 0;
    bool says_no = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_SUCCESS;

    if (name->known) {
        return;
    }
    if (status == ARES_EDESTRUCTION) {
        if (!name->resolver->renewing) {
            end_look_up(name, status, 0);
        } else if (!floe_list_linked(&name->again)) {
            floe_list_append(&name->resolver->again, &name->again);
        }
        return;
    }
    if (!found && is_of_addresses(name->record) &&
        (ask_as_it_is(name, status) || ask_another_way(name) || name->on_link)) {
        return;
    }
    if (!found && name->asks > 0 && !says_no) {
        return;
    }
    end_look_up(name, status, ttl);
}

static void on_addresses(void *data, int status, int timeouts, struct ares_addrinfo *result);
static void on_services(void *data, int status, int timeouts, unsigned char *answer, int size);

#define CLASS_IN 1 /* RFC 1035 §3.2.4 */

/* One question more, which is repeated by c-ares. */
static void ask(floe_resolver *resolver, floe_name *name)
{
    struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT};
    char text[258]; /* RFC 1035 §2.3.4: 255, and a dot */

    name->asks++;
    name->asked = floe_runtime_now();
    if (!is_of_addresses(name->record)) {
        ares_query(resolver->channel, name->name, CLASS_IN, (int)name->record, on_services, name);
        return;
    }
    hints.ai_family = name->record == FLOE_DNS_A ? AF_INET : AF_INET6;
    (void)snprintf(text, sizeof text, "%s%s", name->name, name->absolute ? "." : "");
    ares_getaddrinfo(resolver->channel, text, NULL, &hints, on_addresses, name);
}

/* c-ares ends its search where the servers fail or refuse a search domain (ARES_ECONNREFUSED, then);
 * the system's resolver goes on, and to the name as it is. */
static bool ask_as_it_is(floe_name *name, int status)
{
    size_t size = strlen(name->name);
    bool fails = status == ARES_ESERVFAIL || status == ARES_EREFUSED || status == ARES_ENOTIMP ||
                 status == ARES_EFORMERR || status == ARES_ECONNREFUSED;

    if (!fails || name->absolute || size == 0 || name->name[size - 1] == '.') {
        return false;
    }
    name->absolute = true;
    ask(name->resolver, name);
    return true;
}

static void take_addresses(floe_name *name, const struct ares_addrinfo *result, uint32_t *ttl)
{
    for (const struct ares_addrinfo_node *node = result->nodes;
         node != NULL && name->address_count < FLOE_RESOLVED_MAX; node = node->ai_next) {
        floe_address *address = &name->addresses[name->address_count];
        if (node->ai_family == AF_INET) {
            address->family = FLOE_FAMILY_IPV4;
            memcpy(address->ip, &((struct sockaddr_in *)(void *)node->ai_addr)->sin_addr, 4);
            name->address_count++;
        } else if (node->ai_family == AF_INET6) {
            address->family = FLOE_FAMILY_IPV6;
            memcpy(address->ip, &((struct sockaddr_in6 *)(void *)node->ai_addr)->sin6_addr, 16);
            name->address_count++;
        }
        uint32_t of_node = node->ai_ttl > 0 ? (uint32_t)node->ai_ttl : 0;
        *ttl = of_node < *ttl ? of_node : *ttl;
    }
    /* Of the names on the way too (RFC 1034 §3.6.2): where they lead may change before. */
    for (const struct ares_addrinfo_cname *alias = result->cnames; alias != NULL;
         alias = alias->next) {
        uint32_t of_alias = alias->ttl > 0 ? (uint32_t)alias->ttl : 0;
        *ttl = of_alias < *ttl ? of_alias : *ttl;
    }
}

static void on_addresses(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
    floe_name *name = data;
    uint32_t ttl = LONGEST_KEPT_S;

    (void)timeouts;
    name->asks--;
    if (!name->known && result != NULL) {
        take_addresses(name, result, &ttl);
    }
    if (result != NULL) {
        ares_freeaddrinfo(result);
    }
    question_over(name, status, ttl);
}

/* Room for one more, its texts copied. */
static floe_service_record *add_service(floe_name *name, const char *target, const char *service)
{
    const floe_allocator *allocator = &name->resolver->api->allocator;
    size_t n = name->service_count;

    if (n == FLOE_SERVICES_MAX) {
        return NULL;
    }
    char *first = floe_copy_text(allocator, target, strlen(target));
    char *second = floe_copy_text(allocator, service, strlen(service));
    if (first == NULL || second == NULL) {
        floe_deallocate(allocator, first);
        floe_deallocate(allocator, second);
        name->no_memory = true;
        return NULL;
    }
    name->texts[n][0] = first;
    name->texts[n][1] = second;
    name->services[n] = (floe_service_record){
        .size = sizeof(floe_service_record), .target = first, .service = second};
    name->service_count++;
    return &name->services[n];
}

static void take_srv(floe_name *name, const unsigned char *answer, int size)
{
    struct ares_srv_reply *list = NULL;

    int status = ares_parse_srv_reply(answer, size, &list);
    if (status != ARES_SUCCESS) {
        name->no_memory = status == ARES_ENOMEM;
        return;
    }
    for (struct ares_srv_reply *one = list; one != NULL; one = one->next) {
        floe_service_record *record = add_service(name, one->host, "");
        if (record != NULL) {
            record->port = one->port;
            record->priority = one->priority;
            record->weight = one->weight;
        }
    }
    ares_free_data(list);
}

static void take_naptr(floe_name *name, const unsigned char *answer, int size)
{
    struct ares_naptr_reply *list = NULL;

    int status = ares_parse_naptr_reply(answer, size, &list);
    if (status != ARES_SUCCESS) {
        name->no_memory = status == ARES_ENOMEM;
        return;
    }
    for (struct ares_naptr_reply *one = list; one != NULL; one = one->next) {
        floe_service_record *record =
            add_service(name, one->replacement, (const char *)one->service);
        if (record != NULL) {
            record->flag = (char)one->flags[0];
            record->priority = one->order;
            record->weight = one->preference;
        }
    }
    ares_free_data(list);
}

static void on_services(void *data, int status, int timeouts, unsigned char *answer, int size)
{
    floe_name *name = data;
    uint32_t ttl = 0;

    (void)timeouts;
    name->asks--;
    if (!name->known && status == ARES_SUCCESS) {
        ttl = floe_service_ttl(answer, (size_t)size, LONGEST_KEPT_S);
        if (name->record == FLOE_DNS_SRV) {
            take_srv(name, answer, size);
        } else {
            take_naptr(name, answer, size);
        }
    }
    question_over(name, status, ttl);
}

#define LOCAL_TIMEOUT_MS 3000U
#define LINK_KEPT_S 1U

static void on_local(floe_mdns_asker *asker, floe_error error, const floe_address *addresses,
                     size_t count)
{
    floe_name *name = FLOE_CONTAINER(asker, floe_name, asker);

    name->on_link = false;
    for (size_t i = 0; !name->known && i < count && name->address_count < FLOE_RESOLVED_MAX; i++) {
        name->addresses[name->address_count++] = addresses[i];
    }
    question_over(name, error == FLOE_OK ? ARES_SUCCESS : ARES_ENOTFOUND, LINK_KEPT_S);
}

/* On the links; false: there is no multicast DNS. */
static bool ask_on_links(floe_resolver *resolver, floe_name *name)
{
    name->ways |= WAY_LINK;
    if (name->on_link) {
        return true;
    }
    name->asker.done = on_local;
    uint8_t family = name->record == FLOE_DNS_A ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
    floe_error error = floe_mdns_service_look_up(resolver->api, name->name, family,
                                                 LOCAL_TIMEOUT_MS, &name->asker);
    name->on_link = error == FLOE_OK;
    if (error == FLOE_ERR_NO_MEMORY) {
        end_look_up(name, ARES_ENOMEM, 0);
    }
    return error == FLOE_OK || error == FLOE_ERR_NO_MEMORY;
}

/* On the links first; one below a domain ("turn.corp.local") by the servers first. */
static bool begins_on_links(const floe_name *name)
{
    const char *dot = strchr(name->name, '.');

    return floe_name_is_local(name->name) && dot != NULL && floe_name_same(dot, ".local");
}

static void ask_servers(floe_resolver *resolver, floe_name *name)
{
    name->ways |= WAY_SERVERS;
    if (!open_channel(resolver)) {
        end_look_up(name, ARES_ENOTINITIALIZED, 0);
        return;
    }
    name->absolute = false;
    ask(resolver, name);
    arm_timer(resolver);
}

static bool ask_another_way(floe_name *name)
{
    if (!floe_name_is_local(name->name)) {
        return false;
    }
    if ((name->ways & WAY_SERVERS) == 0) {
        ask_servers(name->resolver, name);
        return true;
    }
    return (name->ways & WAY_LINK) == 0 && ask_on_links(name->resolver, name);
}

static void look_up(floe_resolver *resolver, floe_name *name)
{
    name->ways = 0;
    if (!is_of_addresses(name->record) || !begins_on_links(name) || !ask_on_links(resolver, name)) {
        ask_servers(resolver, name);
    }
}

/* How old a question is beside which another goes, for who gathers anew; and how many go. */
#define ASKED_LONG_AGO floe_seconds(1)
#define ASKS_MAX 4U

/* What was asked before waits between its repetitions, and ends too early for who asks now. */
static void ask_beside(floe_resolver *resolver, floe_name *name)
{
    bool long_ago = floe_time_since(floe_runtime_now(), name->asked).ns >= ASKED_LONG_AGO.ns;

    if (name->asks > 0 && name->asks < ASKS_MAX && long_ago) {
        ask(resolver, name);
        arm_timer(resolver);
    }
}

/* By another channel, if there is one. */
static void ask_anew(floe_resolver *resolver)
{
    struct ares_channeldata *former = resolver->channel;
    floe_list *link;

    if (former == NULL) {
        return;
    }
    resolver->channel = NULL;
    resolver->renewing = true;
    ares_destroy(former); /* every query ends here */
    resolver->renewing = false;
    while ((link = floe_list_take(&resolver->again)) != NULL) {
        look_up(resolver, FLOE_CONTAINER(link, floe_name, again));
    }
}

static void forget_answers(floe_resolver *resolver)
{
    FLOE_LIST_EACH(name, &resolver->names, floe_name, link)
    {
        name->expires = (floe_time){0};
    }
}

/* In another network a name may lead elsewhere, though the system's list names a stub of its own
 * that goes over to it (127.0.0.53). */
static void look_at_network(floe_resolver *resolver)
{
    if (resolver->network != resolver->api->interfaces.network) {
        resolver->network = resolver->api->interfaces.network;
        forget_answers(resolver);
    }
}

/* The system has other name servers: another network, a VPN, or the first network at all. What is
 * under way is asked of them anew, and what is known is looked up again when it is wanted. */
static bool renew_if_changed(floe_resolver *resolver)
{
    if (resolver->channel == NULL || floe_system_name_servers() == resolver->servers) {
        return false;
    }
    forget_answers(resolver);
    ask_anew(resolver);
    return true;
}

void floe_resolver_woke(floe_resolver *resolver)
{
    ask_anew(resolver);
}

static void feed_addresses(floe_gatherer *gatherer, uint32_t query, floe_addresses_taker taker,
                           floe_error error, const floe_address *addresses, size_t count)
{
    if (taker != NULL) {
        taker(gatherer, query, error, addresses, count);
    } else {
        floe_core_resolved(gatherer->core, floe_gatherer_now(gatherer), query, error, addresses,
                           count);
    }
}

/* Feeds the end of a look-up to who waits for it. No name: why there is none. */
static void feed(floe_gatherer *gatherer, uint32_t query, floe_addresses_taker taker,
                 floe_dns_record record, const floe_name *name, floe_error error)
{
    uv_mutex_lock(&gatherer->api->lock);
    if (is_of_addresses(record)) {
        feed_addresses(gatherer, query, taker, error, name != NULL ? name->addresses : NULL,
                       name != NULL ? name->address_count : 0);
    } else {
        floe_core_services_resolved(gatherer->core, floe_gatherer_now(gatherer), query, error,
                                    name != NULL ? name->services : NULL,
                                    name != NULL ? name->service_count : 0);
    }
    uv_mutex_unlock(&gatherer->api->lock);
}

static void feed_known(const floe_name *name, floe_gatherer *gatherer, uint32_t query,
                       floe_addresses_taker taker)
{
    feed(gatherer, query, taker, name->record, name, name->error);
}

/* Whether the owner has named its addresses. */
static bool feed_named(floe_gatherer *gatherer, uint32_t query, const char *text,
                       floe_dns_record record, floe_addresses_taker taker)
{
    floe_address addresses[FLOE_KNOWN_ADDRESSES_MAX];
    size_t count;

    if (!floe_known_hosts_find(&gatherer->api->known_hosts, text, record, addresses, &count)) {
        return false;
    }
    uv_mutex_lock(&gatherer->api->lock);
    feed_addresses(gatherer, query, taker, FLOE_OK, addresses, count);
    uv_mutex_unlock(&gatherer->api->lock);
    return true;
}

void floe_resolver_begin(floe_resolver *resolver, floe_gatherer *gatherer, uint32_t query,
                         const char *text, floe_dns_record record, floe_addresses_taker taker)
{
    if (feed_named(gatherer, query, text, record, taker)) {
        return;
    }
    (void)renew_if_changed(resolver);
    look_at_network(resolver);
    floe_name *name = find_name(resolver, text, record);
    bool is_new = name == NULL;
    if (name != NULL && name->known) {
        feed_known(name, gatherer, query, taker);
        return;
    }
    if (is_new) {
        name = new_name(resolver, text, record);
    }
    if (name == NULL || !add_waiter(resolver, name, gatherer, query, taker)) {
        if (is_new && name != NULL) {
            name_free(resolver, name);
        }
        feed(gatherer, query, taker, record, NULL, FLOE_ERR_NO_MEMORY);
    } else if (is_new) {
        look_up(resolver, name);
    } else {
        ask_beside(resolver, name);
    }
}

void floe_resolver_give(floe_resolver *resolver)
{
    floe_api *api = resolver->api;
    floe_list *link;

    while ((link = floe_list_take(&resolver->ended)) != NULL) {
        floe_name *name = FLOE_CONTAINER(link, floe_name, ended);
        while ((link = floe_list_take(&name->waiters)) != NULL) {
            floe_waiter *waiter = FLOE_CONTAINER(link, floe_waiter, link);
            floe_gatherer *gatherer = waiter->gatherer;
            floe_ring_remove(&waiter->gatherer->waiters, &waiter->of_gatherer);
            feed_known(name, gatherer, waiter->query, waiter->taker);
            floe_deallocate(&api->allocator, waiter);
            /* The name stays on no list that the pump could take it from. */
            name->busy = true;
            floe_gatherer_pump(gatherer);
            name->busy = false;
        }
    }
}

void floe_resolver_forget(floe_resolver *resolver, floe_gatherer *gatherer)
{
    floe_list *link;

    while ((link = floe_ring_take(&gatherer->waiters)) != NULL) {
        floe_waiter *waiter = FLOE_CONTAINER(link, floe_waiter, of_gatherer);
        floe_list_remove(&waiter->link);
        floe_deallocate(&resolver->api->allocator, waiter);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    floe_resolver *resolver = handle->data;

    floe_api_handle_closed(resolver->api);
}

void floe_resolver_close(floe_resolver *resolver)
{
    if (resolver->channel != NULL) {
        ares_destroy(resolver->channel); /* every query ends here, and every socket */
        resolver->channel = NULL;
    }
    FLOE_LIST_EACH_SAFE(name, &resolver->names, floe_name, link)
    {
        name_free(resolver, name);
    }
    if (resolver->has_timer) {
        resolver->has_timer = false;
        uv_close((uv_handle_t *)&resolver->timer, on_timer_closed);
    }
}

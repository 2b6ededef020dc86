/* The names of servers: services (S-NAPTR and SRV, if asked for), then addresses of both families
 * (S6). */
#include "base/error.h"
#include "core/gatherer.h"

#include <stdio.h>
#include <string.h>

/* Bounds what a hostile zone can make us ask. */
#define LOOKUPS_MAX 40U

/* S6: so long the services of all servers may take. There are name servers that know A and AAAA and
 * drop all else. */
floe_duration floe_names_service_timeout(const floe_core_shared *shared)
{
    return (floe_duration){shared->gather_timeout.ns / 4};
}

static bool is_service(const floe_lookup *lookup)
{
    return lookup->record == FLOE_DNS_SRV || lookup->record == FLOE_DNS_NAPTR;
}

static floe_lookup *add_lookup(floe_core *core, floe_server *server, floe_dns_record record,
                               const char *name, uint16_t port, uint16_t order)
{
    const floe_allocator *allocator = &core->shared->allocator;
    floe_lookup *lookup = floe_allocate(allocator, sizeof *lookup);
    char *copy = name != NULL ? floe_copy_text(allocator, name, strlen(name)) : NULL;

    if (lookup == NULL || (name != NULL && copy == NULL)) {
        floe_deallocate(allocator, lookup);
        floe_deallocate(allocator, copy);
        server->no_memory = true;
        floe_core_out_of_memory(core);
        return NULL;
    }
    lookup->server = server;
    lookup->name = copy;
    lookup->record = (uint8_t)record;
    lookup->port = port;
    lookup->order = order;
    lookup->query = ++core->last_query;
    floe_list_append(&server->lookups, &lookup->link);
    if (is_service(lookup)) {
        core->services_end =
            floe_time_after(core->started, floe_names_service_timeout(core->shared));
    }
    floe_tell(core, &lookup->output, FLOE_OUTPUT_RESOLVE);
    return lookup;
}

/* Both families of a name, as far as a base could use them. */
static void look_up_addresses(floe_core *core, floe_server *server, const char *name, uint16_t port,
                              uint16_t order)
{
    static const struct {
        uint8_t family;
        floe_dns_record record;
    } kinds[] = {{FLOE_FAMILY_IPV4, FLOE_DNS_A}, {FLOE_FAMILY_IPV6, FLOE_DNS_AAAA}};
    const floe_proxy_server *proxy = core->shared->proxy;

    for (size_t i = 0; i < 2; i++) {
        if (floe_bases_have_family(core, kinds[i].family)) {
            floe_lookup *lookup = add_lookup(core, server, kinds[i].record, name, port, order);
            if (lookup != NULL) {
                lookup->proxy = proxy != NULL && name == proxy->host;
            }
        }
    }
}

/* RFC 8489 §8.1 and RFC 5928 §3: "_turn._udp.example.org". */
static void look_up_service(floe_core *core, floe_server *server)
{
    const floe_url *url = server->url;
    bool udp = url->transport == FLOE_PROTOCOL_UDP || url->transport == FLOE_PROTOCOL_DTLS;
    char name[FLOE_HOST_SIZE + 16];

    (void)snprintf(name, sizeof name, "_%s%s._%s.%s", url->turn ? "turn" : "stun",
                   url->secure ? "s" : "", udp ? "udp" : "tcp", url->host);
    (void)add_lookup(core, server, FLOE_DNS_SRV, name, 0, 0);
}

void floe_names_begin(floe_core *core, floe_server *server)
{
    const floe_url *url = server->url;
    floe_address literal;
    uint16_t port;
    const char *host = floe_server_host(core, server, &literal, &port);

    server->no_memory = false;
    if (host != url->host) { /* the proxy looks up the server's own name */
        look_up_addresses(core, server, host, port, 0);
    } else if (!core->shared->service_discovery || url->has_port) {
        look_up_addresses(core, server, NULL, url->port, 0);
    } else if (url->turn && !url->has_transport) {
        (void)add_lookup(core, server, FLOE_DNS_NAPTR, NULL, 0, 0);
    } else {
        look_up_service(core, server);
    }
    if (server->no_memory && floe_list_empty(&server->lookups)) {
        floe_server_fail(core, server, FLOE_FAILURE_MEMORY, 0);
    }
}

static void lookup_free(const floe_core_shared *shared, floe_lookup *lookup)
{
    floe_untell(&lookup->output);
    floe_list_remove(&lookup->link);
    floe_deallocate(&shared->allocator, lookup->name);
    floe_deallocate(&shared->allocator, lookup);
}

void floe_names_forget(const floe_core_shared *shared, floe_server *server)
{
    FLOE_LIST_EACH_SAFE(lookup, &server->lookups, floe_lookup, link)
    {
        lookup_free(shared, lookup);
    }
}

bool floe_server_pending(const floe_server *server)
{
    FLOE_LIST_EACH(lookup, &server->lookups, floe_lookup, link)
    {
        if (!lookup->done) {
            return true;
        }
    }
    return false;
}

static floe_lookup *pending_lookup(const floe_core *core, uint32_t query)
{
    for (size_t i = 0; i < core->set->count; i++) {
        FLOE_LIST_EACH(lookup, &core->set->servers[i].lookups, floe_lookup, link)
        {
            if (lookup->query == query) {
                return lookup->done ? NULL : lookup;
            }
        }
    }
    return NULL;
}

/* Room for so many more addresses. */
static bool make_room(floe_core *core, floe_server *server, size_t more)
{
    const floe_allocator *allocator = &core->shared->allocator;
    size_t room = server->address_count + more;
    floe_address *addresses = floe_allocate(allocator, room * sizeof *addresses);
    uint8_t *orders = floe_allocate(allocator, room);

    if (addresses == NULL || orders == NULL) {
        floe_deallocate(allocator, addresses);
        floe_deallocate(allocator, orders);
        return false;
    }
    if (server->address_count > 0) {
        memcpy(addresses, server->addresses, server->address_count * sizeof *addresses);
        memcpy(orders, server->orders, server->address_count);
    }
    floe_deallocate(allocator, server->addresses);
    floe_deallocate(allocator, server->orders);
    server->addresses = addresses;
    server->orders = orders;
    return true;
}

/* Behind those of the same order or a better one. */
static void insert_address(floe_server *server, const floe_address *address, uint16_t order)
{
    size_t at = server->address_count++;

    for (; at > 0 && server->orders[at - 1] > order; at--) {
        server->addresses[at] = server->addresses[at - 1];
        server->orders[at] = server->orders[at - 1];
    }
    server->addresses[at] = *address;
    server->orders[at] = (uint8_t)order;
}

static bool is_known(const floe_server *server, const floe_address *address)
{
    for (size_t i = 0; i < server->address_count; i++) {
        if (floe_address_equal(&server->addresses[i], address)) {
            return true;
        }
    }
    return false;
}

/* T4b is about what others name: whom his proxy's name stands for is the owner's own affair. */
static bool may_be_asked(const floe_core *core, const floe_lookup *lookup,
                         const floe_address *address)
{
    return lookup->proxy ? floe_address_classify(address) != FLOE_ADDRESS_UNSPECIFIED
                         : floe_address_believable(core, address);
}

static bool add_addresses(floe_core *core, floe_lookup *lookup, const floe_address *given,
                          size_t count)
{
    floe_server *server = lookup->server;
    uint8_t family = lookup->record == FLOE_DNS_A ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;

    count = count < FLOE_ADDRESSES_MAX ? count : FLOE_ADDRESSES_MAX;
    if (count == 0) {
        return true;
    }
    if (!make_room(core, server, count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        floe_address plain = floe_address_normalise(given[i]);
        floe_address address = floe_address_with_port(plain, lookup->port);
        if (given[i].family != family || is_known(server, &address)) {
            continue;
        }
        if (may_be_asked(core, lookup, &address)) {
            insert_address(server, &address, lookup->order);
        } else {
            lookup->refused = address;
        }
    }
    return true;
}

/* Whether somebody here could ask one of its addresses. */
static bool is_reachable(const floe_core *core, const floe_server *server)
{
    for (size_t i = 0; i < server->address_count; i++) {
        if (floe_bases_have_family(core, server->addresses[i].family)) {
            return true;
        }
    }
    return false;
}

/* E2: an error only if the name is wrong or its server fails, and somebody could have asked. A name
 * that has addresses, but none of the one family that we have, does not apply to us; unless it was
 * for that family that nobody answered, or what it stands for there cannot be asked. */
static void judge(floe_core *core, floe_server *server)
{
    static const uint8_t families[] = {FLOE_FAMILY_IPV4, FLOE_FAMILY_IPV6};
    uint8_t error = server->no_memory ? (uint8_t)-FLOE_ERR_NO_MEMORY : FLOE_OK;
    const floe_address *refused = NULL;
    bool asked[2] = {false, false};
    bool could_ask = floe_bases_have_family(core, FLOE_FAMILY_IPV4) ||
                     floe_bases_have_family(core, FLOE_FAMILY_IPV6);

    if (floe_server_pending(server) || !could_ask || is_reachable(core, server)) {
        return;
    }
    FLOE_LIST_EACH(lookup, &server->lookups, floe_lookup, link)
    {
        bool address = lookup->record == FLOE_DNS_A || lookup->record == FLOE_DNS_AAAA;
        int ipv6 = lookup->record == FLOE_DNS_AAAA;
        if (!address) {
            continue;
        }
        asked[ipv6] = true;
        if (lookup->refused.family != FLOE_FAMILY_NONE) {
            refused = &lookup->refused;
        }
        if (lookup->error != FLOE_OK &&
            (server->address_count == 0 || floe_bases_have_family(core, families[ipv6]))) {
            error = lookup->error;
        }
    }
    if (server->failure.kind != FLOE_FAILURE_NONE) {
        return; /* the reason is known: no service, or a port that is refused */
    }
    if (error == FLOE_OK && refused != NULL) {
        floe_server_fail(core, server, FLOE_FAILURE_ADDRESS, 0);
        server->failure.remote = *refused;
    } else if (error != FLOE_OK || (server->address_count == 0 && asked[0] == asked[1])) {
        floe_server_fail(core, server, FLOE_FAILURE_NAME, error);
    }
}

static void lookup_ended(floe_core *core, floe_time now, floe_lookup *lookup, floe_error error)
{
    lookup->done = true;
    lookup->error = (uint8_t)-error;
    judge(core, lookup->server);
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        floe_pairs_make(core, now, base);
    }
}

void floe_names_addresses(floe_core *core, floe_time now, uint32_t query, floe_error error,
                          const floe_address *addresses, size_t count)
{
    floe_lookup *lookup = pending_lookup(core, query);

    if (lookup == NULL || (lookup->record != FLOE_DNS_A && lookup->record != FLOE_DNS_AAAA)) {
        return;
    }
    if (error == FLOE_OK && !add_addresses(core, lookup, addresses, count)) {
        error = FLOE_ERR_NO_MEMORY;
    }
    lookup_ended(core, now, lookup, error);
}

/* Services. */

static bool usable_target(const char *target)
{
    return target != NULL && floe_name_valid(target, strlen(target));
}

/* RFC 2782: lower priority first; among equals a draw by weight. What was chosen is marked. */
static const floe_service_record *draw(const floe_core *core, const floe_service_record *records,
                                       size_t count, const bool *taken)
{
    uint32_t best = UINT32_MAX;
    uint32_t weights = 0;
    uint32_t chosen = 0;

    for (size_t i = 0; i < count; i++) {
        if (!taken[i] && usable_target(records[i].target) && records[i].priority < best) {
            best = records[i].priority;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!taken[i] && usable_target(records[i].target) && records[i].priority == best) {
            weights += records[i].weight + 1U;
        }
    }
    if (weights == 0 || floe_random_below(&core->shared->random, weights, &chosen) != FLOE_OK) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!taken[i] && usable_target(records[i].target) && records[i].priority == best) {
            if (chosen <= records[i].weight) {
                return &records[i];
            }
            chosen -= records[i].weight + 1U;
        }
    }
    return NULL;
}

/* RFC 2782: one record with the target "." says that there is decidedly no such service. */
static bool says_none(const floe_service_record *records, size_t count)
{
    return count == 1 && records[0].target != NULL &&
           (strcmp(records[0].target, ".") == 0 || *records[0].target == '\0');
}

/* The targets of SRV, best first; without any, the host itself (RFC 8489 §8.1). */
static void follow_srv(floe_core *core, floe_server *server, const floe_service_record *records,
                       size_t count)
{
    bool taken[FLOE_SERVICES_MAX] = {false};
    const floe_service_record *record;
    uint16_t order = 0;
    uint16_t refused = 0;

    if (says_none(records, count)) {
        floe_server_fail(core, server, FLOE_FAILURE_SERVICE, 0);
        return;
    }
    count = count < FLOE_SERVICES_MAX ? count : FLOE_SERVICES_MAX;
    while (order < FLOE_ADDRESSES_MAX && (record = draw(core, records, count, taken)) != NULL) {
        taken[record - records] = true;
        if (record->port != 0 && !floe_server_port_allowed(core, server->url, record->port)) {
            refused = record->port;
        } else if (record->port != 0) {
            look_up_addresses(core, server, record->target, record->port, order++);
        }
    }
    if (order == 0 && refused != 0) {
        floe_server_fail(core, server, FLOE_FAILURE_PORT, 0);
        server->failure.remote.port = refused;
    } else if (order == 0) {
        look_up_addresses(core, server, NULL, server->url->port, 0);
    }
}

static bool same_text(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a - 'A' + 'a') : *a;
        if (x != *b) {
            return false;
        }
    }
    return *a == *b;
}

/* RFC 5928 §3: "RELAY:turn.udp:turn.tcp", the tags in any order. */
static bool serves(const char *service, const char *tag)
{
    char part[64];
    bool relay = false;
    bool tagged = false;

    while (service != NULL && *service != '\0') {
        size_t size = strcspn(service, ":");
        if (size < sizeof part) {
            memcpy(part, service, size);
            part[size] = '\0';
            relay = relay || same_text(part, "relay");
            tagged = tagged || same_text(part, tag);
        }
        service += size + (service[size] == ':');
    }
    return relay && tagged;
}

/* The first that leads on, by order and preference: flag "S" to an SRV record, "A" to addresses,
 * none to other records of the kind (RFC 3958 §2.2.1), of which there are bounded many. */
static void follow_naptr(floe_core *core, floe_server *server, const floe_service_record *records,
                         size_t count)
{
    const char *tag = server->url->transport == FLOE_PROTOCOL_TLS   ? "turn.tls"
                      : server->url->transport == FLOE_PROTOCOL_TCP ? "turn.tcp"
                                                                    : "turn.udp";
    const floe_service_record *best = NULL;

    for (size_t i = 0; i < count; i++) {
        const floe_service_record *record = &records[i];
        bool flag = record->flag == 's' || record->flag == 'S' || record->flag == 'a' ||
                    record->flag == 'A' || record->flag == '\0';
        if (flag && usable_target(record->target) && serves(record->service, tag) &&
            (best == NULL || record->priority < best->priority ||
             (record->priority == best->priority && record->weight < best->weight))) {
            best = record;
        }
    }
    if (best == NULL) {
        look_up_service(core, server);
    } else if (best->flag == '\0') {
        (void)add_lookup(core, server, FLOE_DNS_NAPTR, best->target, 0, 0);
    } else if (best->flag == 's' || best->flag == 'S') {
        (void)add_lookup(core, server, FLOE_DNS_SRV, best->target, 0, 0);
    } else {
        look_up_addresses(core, server, best->target, server->url->port, 0);
    }
}

void floe_names_services(floe_core *core, floe_time now, uint32_t query, floe_error error,
                         const floe_service_record *records, size_t count)
{
    floe_lookup *lookup = pending_lookup(core, query);
    size_t lookups = 0;

    if (lookup == NULL || !is_service(lookup)) {
        return;
    }
    FLOE_LIST_EACH(other, &lookup->server->lookups, floe_lookup, link)
    {
        lookups++;
    }
    if (error == FLOE_ERR_NO_MEMORY) { /* what it has is not known */
        lookup->server->no_memory = true;
        lookup_ended(core, now, lookup, error);
        return;
    }
    /* No service is no failure: the host's own addresses stand for it. */
    count = error == FLOE_OK && lookups < LOOKUPS_MAX ? count : 0;
    if (lookup->record == FLOE_DNS_SRV) {
        follow_srv(core, lookup->server, records, count);
    } else {
        follow_naptr(core, lookup->server, records, count);
    }
    lookup_ended(core, now, lookup, FLOE_OK);
}

void floe_names_without_services(floe_core *core, floe_time now)
{
    for (size_t i = 0; i < core->set->count; i++) {
        floe_server *server = &core->set->servers[i];
        FLOE_LIST_EACH(lookup, &server->lookups, floe_lookup, link)
        {
            if (!lookup->done && is_service(lookup)) {
                floe_untell(&lookup->output);
                follow_srv(core, server, NULL, 0);
                lookup_ended(core, now, lookup, FLOE_OK);
            }
        }
    }
}

/* Ends those under way; an end of one may begin others, which end too. */
void floe_names_give_up(floe_core *core, floe_time now)
{
    for (size_t i = 0; i < core->set->count; i++) {
        FLOE_LIST_EACH(lookup, &core->set->servers[i].lookups, floe_lookup, link)
        {
            if (!lookup->done) {
                bool address = lookup->record == FLOE_DNS_A || lookup->record == FLOE_DNS_AAAA;
                floe_untell(&lookup->output);
                /* A service that was not found in time leaves no time for what it names. */
                lookup->record = address ? lookup->record : FLOE_DNS_A;
                lookup_ended(core, now, lookup, FLOE_ERR_TIMED_OUT);
            }
        }
    }
}

/* The names of servers: services (S-NAPTR and SRV, if asked for), then addresses of both families
 * (S6). */
#include "core/plan/names.h"

#include "base/name.h"
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/allowed.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/server/lookup_trace.h"
#include "core/source/relay.h"

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

/* T11: what is tried first, where nobody says otherwise. */
static const uint8_t transports[] = {FLOE_PROTOCOL_UDP, FLOE_PROTOCOL_DTLS, FLOE_PROTOCOL_TCP,
                                     FLOE_PROTOCOL_TLS};
#define TRANSPORTS (sizeof transports / sizeof *transports)
#define BIT(transport) FLOE_TRANSPORT_BIT(transport)
#define DATAGRAMS (BIT(FLOE_PROTOCOL_UDP) | BIT(FLOE_PROTOCOL_DTLS))
#define SECURE (BIT(FLOE_PROTOCOL_TLS) | BIT(FLOE_PROTOCOL_DTLS))

/* Of the server's names at hand, or anew: for what transports, and where among them all. The order
 * has four bits for each step from the host on, the first highest, and four for the transport. */
typedef struct looking {
    floe_server *server;
    floe_names *names;
    uint32_t order;
    uint8_t shift;
    uint8_t transports;
} looking;

#define STEP_BITS 4U
#define STEP_MAX 15U

/* From the host. */
static looking looking_for(floe_server *server, floe_names *names)
{
    return (looking){.server = server,
                     .names = names,
                     .shift = 32 - STEP_BITS,
                     .transports = BIT(server->url->transport)};
}

static looking looking_on(const floe_lookup *from)
{
    return (looking){.server = from->server,
                     .names = from->names,
                     .order = from->order,
                     .shift = from->shift,
                     .transports = from->transports};
}

/* By the record that is so many others' next, for such transports. */
static looking step(const looking *of, size_t record, uint8_t for_transports)
{
    looking next = *of;

    next.transports = for_transports;
    if (of->shift > 0) {
        next.order |= (uint32_t)(record < STEP_MAX ? record : STEP_MAX) << of->shift;
        next.shift = (uint8_t)(of->shift - STEP_BITS);
    }
    return next;
}

static bool is_anew(const looking *of)
{
    return of->names == floe_names_anew_of(of->server);
}

static void fail(floe_core *core, const looking *of, floe_failure_kind kind, uint8_t detail)
{
    if (!is_anew(of)) {
        floe_server_fail(core, of->server, kind, detail);
    }
}

static floe_lookup *add_lookup(floe_core *core, const looking *of, floe_dns_record record,
                               const char *name, uint16_t port)
{
    const floe_allocator *allocator = &core->shared->allocator;
    floe_lookup *lookup = floe_allocate(allocator, sizeof *lookup);
    char *copy = name != NULL ? floe_copy_text(allocator, name, strlen(name)) : NULL;

    if (lookup == NULL || (name != NULL && copy == NULL)) {
        floe_deallocate(allocator, lookup);
        floe_deallocate(allocator, copy);
        of->names->no_memory = true;
        floe_core_out_of_memory(core);
        return NULL;
    }
    lookup->server = of->server;
    lookup->names = of->names;
    lookup->name = copy;
    lookup->record = (uint8_t)record;
    lookup->port = port;
    lookup->order = of->order;
    lookup->shift = of->shift;
    lookup->transports = of->transports;
    lookup->query = floe_shared_number(core->shared, &core->last_query);
    floe_ring_append(&of->names->lookups, &lookup->link);
    if (is_service(lookup) && !is_anew(of)) {
        core->services_end =
            floe_time_after(core->started, floe_names_service_timeout(core->shared));
    }
    floe_tell(core, &lookup->output, FLOE_OUTPUT_RESOLVE);
    return lookup;
}

bool floe_lookup_poll(floe_core *core, floe_time now, floe_lookup *lookup, floe_core_output *output)
{
    output->kind = FLOE_CORE_RESOLVE;
    output->query = lookup->query;
    output->record = (floe_dns_record)lookup->record;
    (void)snprintf(output->room->text, sizeof output->room->text, "%s",
                   lookup->name != NULL ? lookup->name : lookup->server->url->host);
    output->name = output->room->text;
    floe_trace_looks_up(core, now, lookup);
    return true;
}

/* Both families of a name, as far as a base could use them. */
static void look_up_addresses(floe_core *core, const looking *of, const char *name, uint16_t port)
{
    static const struct {
        uint8_t family;
        floe_dns_record record;
    } kinds[] = {{FLOE_FAMILY_IPV4, FLOE_DNS_A}, {FLOE_FAMILY_IPV6, FLOE_DNS_AAAA}};
    const floe_proxy_server *proxy = core->shared->proxy;

    for (size_t i = 0; i < 2; i++) {
        if (floe_bases_have_family(core, kinds[i].family)) {
            floe_lookup *lookup = add_lookup(core, of, kinds[i].record, name, port);
            if (lookup != NULL) {
                lookup->proxy = proxy != NULL && name == proxy->host;
            }
        }
    }
}

/* RFC 8489 §8.1 and RFC 5928 §3: "_turn._udp.example.org". */
static void look_up_service(floe_core *core, const looking *of)
{
    const floe_url *url = of->server->url;
    bool udp = url->transport == FLOE_PROTOCOL_UDP || url->transport == FLOE_PROTOCOL_DTLS;
    bool turn = floe_url_is_turn(url); /* be it asked as a STUN server (P8) */
    char name[FLOE_HOST_SIZE + 16];

    (void)snprintf(name, sizeof name, "_%s%s._%s.%s", turn ? "turn" : "stun",
                   url->secure ? "s" : "", udp ? "udp" : "tcp", url->host);
    (void)add_lookup(core, of, FLOE_DNS_SRV, name, 0);
}

/* RFC 5928 §3: by what the domain may say that a URL which does not say it is served: "turns" by
 * what is secure, and nothing by what is not wanted (P8). Past a proxy goes no connection. */
static uint8_t served_by(const floe_core *core, const floe_url *url)
{
    unsigned all = url->secure ? SECURE : SECURE | BIT(FLOE_PROTOCOL_UDP) | BIT(FLOE_PROTOCOL_TCP);

    all &= core->set->transports;
    return (uint8_t)(core->shared->proxy != NULL ? all & DATAGRAMS : all);
}

bool floe_names_choose_transports(const floe_core_shared *shared, const floe_url *url)
{
    return shared->service_discovery && url->turn && !url->has_port && !url->has_transport;
}

static void begin(floe_core *core, const looking *of)
{
    const floe_url *url = of->server->url;
    floe_address literal;
    uint16_t port;
    const char *host = floe_next_hop(core->shared, of->server->url, &literal, &port);

    of->names->no_memory = of->names->unsure = false;
    if (host != url->host) { /* the proxy looks up the server's own name */
        look_up_addresses(core, of, host, port);
    } else if (!core->shared->service_discovery || url->has_port) {
        look_up_addresses(core, of, NULL, url->port);
    } else if (floe_names_choose_transports(core->shared, url)) {
        looking any = *of;
        any.transports = served_by(core, url);
        (void)add_lookup(core, &any, FLOE_DNS_NAPTR, NULL, 0);
    } else {
        look_up_service(core, of);
    }
}

void floe_names_begin(floe_core *core, floe_server *server)
{
    looking of = looking_for(server, &server->names);

    begin(core, &of);
    if (server->names.no_memory && floe_ring_empty(&server->names.lookups)) {
        floe_server_fail(core, server, FLOE_FAILURE_MEMORY, 0);
    }
}

/* So long nobody's gathering bounds what is looked up anew. */
#define ANEW_WITHIN floe_seconds(30)

static void look_up_anew(floe_core *core, floe_time now, floe_server *server)
{
    server->anew = floe_allocate(&core->shared->allocator, sizeof *server->anew);
    if (server->anew == NULL) {
        floe_core_out_of_memory(core);
        return;
    }
    server->anew->since = now;
    looking anew = looking_for(server, &server->anew->names);
    begin(core, &anew);
}

void floe_names_again(floe_core *core, floe_time now, const floe_server *of)
{
    floe_address literal;
    uint16_t port;

    (void)floe_next_hop(core->shared, of->url, &literal, &port);
    if (literal.family != FLOE_FAMILY_NONE || !floe_server_current(core, of)) {
        return;
    }
    floe_server *server = &core->set->servers[of->index];
    bool asked = server->anew != NULL && floe_names_pending(&server->anew->names) &&
                 floe_time_since(now, server->anew->since).ns < ANEW_WITHIN.ns;
    if (!asked && !floe_server_pending(server)) {
        floe_names_forget_anew(core->shared, server);
        look_up_anew(core, now, server);
    }
}

static floe_lookup *pending_of(const floe_names *names, uint32_t query)
{
    FLOE_RING_EACH(lookup, &names->lookups, floe_lookup, link)
    {
        if (lookup->query == query && !lookup->done) {
            return lookup;
        }
    }
    return NULL;
}

static floe_lookup *pending_lookup(const floe_core *core, uint32_t query)
{
    for (size_t i = 0; i < core->set->count; i++) {
        floe_lookup *at_hand = pending_of(&core->set->servers[i].names, query);
        const floe_names *again = floe_names_anew_of(&core->set->servers[i]);
        floe_lookup *anew = again != NULL ? pending_of(again, query) : NULL;
        if (at_hand != NULL || anew != NULL) {
            return at_hand != NULL ? at_hand : anew;
        }
    }
    return NULL;
}

/* Room for so many more places. */
static bool make_room(const floe_core *core, floe_names *names, size_t more)
{
    const floe_allocator *allocator = &core->shared->allocator;
    floe_place *places = floe_allocate(allocator, (names->place_count + more) * sizeof *places);

    if (places == NULL) {
        return false;
    }
    if (names->place_count > 0) {
        memcpy(places, names->places, names->place_count * sizeof *places);
    }
    floe_deallocate(allocator, names->places);
    names->places = places;
    return true;
}

/* Behind those of the same order or a better one; one that is there has the better of its orders. */
static void insert_place(floe_names *names, const floe_place *place)
{
    size_t had = floe_names_find(names, &place->address, place->transport);

    if (had < names->place_count) {
        if (names->places[had].order <= place->order) {
            return;
        }
        names->place_count--;
        memmove(&names->places[had], &names->places[had + 1],
                (names->place_count - had) * sizeof *names->places);
    }
    size_t at = names->place_count++;

    for (; at > 0 && names->places[at - 1].order > place->order; at--) {
        names->places[at] = names->places[at - 1];
    }
    names->places[at] = *place;
}

/* The best order of what a look-up may find yet. */
static uint32_t best_order(const floe_lookup *lookup)
{
    uint32_t i = 0;

    while (!is_service(lookup) && i < TRANSPORTS - 1 &&
           (lookup->transports & BIT(transports[i])) == 0) {
        i++;
    }
    return lookup->order | i;
}

/* RFC 5928 §3, RFC 2782: what comes first is asked first, whichever is known first; for as long as
 * services are waited for. The families do not wait for each other, as no base asks both. */
static bool is_next(const floe_core *core, const floe_names *names, const floe_place *place)
{
    floe_dns_record other = place->address.family == FLOE_FAMILY_IPV4 ? FLOE_DNS_AAAA : FLOE_DNS_A;

    if (floe_time_is_never(core->services_end)) {
        return true;
    }
    FLOE_RING_EACH(lookup, &names->lookups, floe_lookup, link)
    {
        if (!lookup->done && lookup->record != other && best_order(lookup) < place->order) {
            return false;
        }
    }
    return true;
}

bool floe_names_wait_no_longer(floe_core *core)
{
    bool waited = false;

    for (size_t i = 0; i < core->set->count; i++) {
        floe_names *names = &core->set->servers[i].names;
        for (size_t k = 0; k < names->place_count; k++) {
            waited = waited || !names->places[k].ready;
            names->places[k].ready = true;
        }
    }
    return waited;
}

static void find_ready(const floe_core *core, floe_names *names)
{
    for (size_t i = 0; i < names->place_count; i++) {
        names->places[i].ready = names->places[i].ready || is_next(core, names, &names->places[i]);
    }
}

/* A relay of before was answered there, by this gathering's Refresh, before the name was known. */
static bool was_heard(const floe_core *core, const floe_place *place)
{
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (floe_relays_heard(base, &place->address, core->started)) {
            return true;
        }
    }
    return false;
}

/* By each transport that the look-up is about. */
static void insert_places(const floe_core *core, floe_names *names, const floe_lookup *lookup,
                          const floe_address *address)
{
    for (uint32_t i = 0; i < TRANSPORTS; i++) {
        floe_place place = {
            .address = *address, .order = lookup->order | i, .transport = transports[i]};
        if ((lookup->transports & BIT(transports[i])) != 0) {
            place.heard = transports[i] == FLOE_PROTOCOL_UDP && was_heard(core, &place);
            insert_place(names, &place);
        }
    }
}

/* T4b is about what others name: whom his proxy's name stands for is the owner's own affair. */
static bool may_be_asked(const floe_core *core, const floe_lookup *lookup,
                         const floe_address *address)
{
    return lookup->proxy ? floe_address_classify(address) != FLOE_ADDRESS_UNSPECIFIED
                         : floe_address_believable(core->shared, address);
}

/* So many it is about. */
static size_t transports_of(const floe_lookup *lookup)
{
    size_t count = 0;

    for (size_t i = 0; i < TRANSPORTS; i++) {
        count += (lookup->transports & BIT(transports[i])) != 0;
    }
    return count;
}

static bool add_addresses(floe_core *core, floe_lookup *lookup, const floe_address *given,
                          size_t count)
{
    floe_names *names = lookup->names;
    uint8_t family = lookup->record == FLOE_DNS_A ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;

    count = count < FLOE_ADDRESSES_MAX ? count : FLOE_ADDRESSES_MAX;
    if (count == 0) {
        return true;
    }
    if (!make_room(core, names, count * transports_of(lookup))) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        floe_address plain = floe_address_normalise(given[i]);
        floe_address address = floe_address_with_port(plain, lookup->port);
        if (given[i].family != family) {
            continue;
        }
        if (may_be_asked(core, lookup, &address)) {
            insert_places(core, names, lookup, &address);
        } else {
            lookup->refused = address;
        }
    }
    return true;
}

/* Whether somebody here could ask one of its addresses. */
static bool is_reachable(const floe_core *core, const floe_server *server)
{
    for (size_t i = 0; i < server->names.place_count; i++) {
        if (floe_bases_have_family(core, server->names.places[i].address.family)) {
            return true;
        }
    }
    return false;
}

/* A name server that is silent says nothing of the one behind it. */
static void fail_unfinished(floe_core *core, floe_time now, const floe_lookup *lookup)
{
    floe_server *server = lookup->server;
    floe_duration elapsed = floe_time_since(now, lookup->told ? lookup->asked : now);

    floe_server_fail(core, server, FLOE_FAILURE_LOOKING, 0);
    server->failure.elapsed_ms = (uint32_t)floe_duration_milliseconds(elapsed);
}

/* E2: an error only if the name is wrong or its server fails, and somebody could have asked. A name
 * that has addresses, but none of the one family that we have, does not apply to us; unless it was
 * for that family that nobody answered, or what it stands for there cannot be asked. */
static void judge(floe_core *core, floe_time now, floe_server *server)
{
    static const uint8_t families[] = {FLOE_FAMILY_IPV4, FLOE_FAMILY_IPV6};
    uint8_t error = server->names.no_memory ? (uint8_t)-FLOE_ERR_NO_MEMORY : FLOE_OK;
    const floe_address *refused = NULL;
    const floe_lookup *left = NULL;
    bool asked[2] = {false, false};
    bool could_ask = floe_bases_have_family(core, FLOE_FAMILY_IPV4) ||
                     floe_bases_have_family(core, FLOE_FAMILY_IPV6);

    if (floe_server_pending(server) || !could_ask || is_reachable(core, server) ||
        server->pairs_hopeful > 0 || floe_found_what_it_shows(core, server)) {
        return; /* what was had before stands, whatever its name says */
    }
    FLOE_RING_EACH(lookup, &server->names.lookups, floe_lookup, link)
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
            (server->names.place_count == 0 || floe_bases_have_family(core, families[ipv6]))) {
            error = lookup->error;
            left = lookup->left ? lookup : NULL;
        }
    }
    if (server->failure.kind != FLOE_FAILURE_NONE) {
        return; /* the reason is known: no service, or a port that is refused */
    }
    if (error == FLOE_OK && refused != NULL) {
        floe_server_fail(core, server, FLOE_FAILURE_ADDRESS, 0);
        server->failure.remote = *refused;
    } else if (left != NULL) {
        fail_unfinished(core, now, left);
    } else if (error != FLOE_OK || (server->names.place_count == 0 && asked[0] == asked[1])) {
        floe_server_fail(core, server, FLOE_FAILURE_NAME, error);
    }
}

/* What was looked up anew is known whole: if it says where the server is, it is nowhere else. Without
 * an answer for services it does not: the domain's own host may be somebody else. */
static void take_over(floe_core *core, floe_time now, floe_server *server)
{
    const floe_names *anew = &server->anew->names;

    if (floe_names_pending(anew)) {
        return;
    }
    if (anew->place_count > 0 && !anew->unsure) {
        floe_names_take_over(core->shared, server);
        find_ready(core, &server->names);
    }
    floe_names_forget_anew(core->shared, server);
    floe_relays_found_elsewhere(core, now, server);
}

/* Whether the gathering at hand may go on with that. */
static bool lookup_ended(floe_core *core, floe_time now, floe_lookup *lookup, floe_error error)
{
    lookup->done = true;
    lookup->error = (uint8_t)-error;
    if (lookup->names == floe_names_anew_of(lookup->server)) {
        take_over(core, now, lookup->server);
        return false;
    }
    judge(core, now, lookup->server);
    find_ready(core, lookup->names);
    return true;
}

bool floe_names_addresses(floe_core *core, floe_time now, uint32_t query, floe_error error,
                          const floe_address *addresses, size_t count)
{
    floe_lookup *lookup = pending_lookup(core, query);

    if (lookup == NULL || (lookup->record != FLOE_DNS_A && lookup->record != FLOE_DNS_AAAA)) {
        return false;
    }
    floe_trace_addresses(core, now, lookup, error, addresses, count);
    if (error == FLOE_OK && !add_addresses(core, lookup, addresses, count)) {
        error = FLOE_ERR_NO_MEMORY;
    }
    return lookup_ended(core, now, lookup, error);
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

/* Whether something else than this may say where the server is, or has said it. */
static bool others_lead_on(const floe_lookup *from)
{
    FLOE_RING_EACH(lookup, &from->names->lookups, floe_lookup, link)
    {
        if (lookup != from && (!lookup->done || !is_service(lookup))) {
            return true;
        }
    }
    return false;
}

/* The targets of SRV, best first; without any, the host itself (RFC 8489 §8.1). */
static void follow_srv(floe_core *core, const floe_lookup *from, const floe_service_record *records,
                       size_t count)
{
    looking of = looking_on(from);
    const floe_url *url = from->server->url;
    bool taken[FLOE_SERVICES_MAX] = {false};
    const floe_service_record *record;
    uint16_t order = 0;
    uint16_t refused = 0;

    if (says_none(records, count)) {
        if (!others_lead_on(from)) {
            fail(core, &of, FLOE_FAILURE_SERVICE, 0);
        }
        return;
    }
    count = count < FLOE_SERVICES_MAX ? count : FLOE_SERVICES_MAX;
    while (order < FLOE_ADDRESSES_MAX && (record = draw(core, records, count, taken)) != NULL) {
        taken[record - records] = true;
        if (record->port != 0 && !floe_port_allowed(core->shared, url, record->port)) {
            refused = record->port;
        } else if (record->port != 0) {
            looking next = step(&of, order++, of.transports);
            look_up_addresses(core, &next, record->target, record->port);
        }
    }
    if (order > 0 || others_lead_on(from)) {
        return;
    }
    if (refused != 0) {
        fail(core, &of, FLOE_FAILURE_PORT, 0);
        of.server->failure.remote.port = is_anew(&of) ? 0 : refused;
    } else {
        looking host = looking_for(from->server, from->names);
        look_up_addresses(core, &host, NULL, url->port);
    }
}

/* RFC 5928 §3: "RELAY:turn.udp:turn.tcp", the tags in any order. */
static bool serves(const char *service, const char *tag)
{
    bool relay = false;
    bool tagged = false;

    while (service != NULL && *service != '\0') {
        size_t size = strcspn(service, ":");
        relay = relay || floe_ascii_is(service, size, "relay");
        tagged = tagged || floe_ascii_is(service, size, tag);
        service += size + (service[size] == ':');
    }
    return relay && tagged;
}

/* What the record's service serves of what is looked for. */
static uint8_t served(const floe_service_record *record, uint8_t wanted)
{
    static const char *const tags[TRANSPORTS] = {"turn.udp", "turn.dtls", "turn.tcp", "turn.tls"};
    unsigned found = 0;

    for (size_t i = 0; i < TRANSPORTS; i++) {
        found |= serves(record->service, tags[i]) ? BIT(transports[i]) : 0U;
    }
    return (uint8_t)(found & wanted);
}

static bool leads_on(const floe_service_record *record)
{
    bool flag = record->flag == 's' || record->flag == 'S' || record->flag == 'a' ||
                record->flag == 'A' || record->flag == '\0';

    return flag && usable_target(record->target);
}

static bool is_before(const floe_service_record *a, const floe_service_record *b)
{
    return a->priority < b->priority || (a->priority == b->priority && a->weight < b->weight);
}

/* Flag "S" leads to an SRV record, "A" to addresses, none to other records of the kind (RFC 3958
 * §2.2.1). */
static void follow_record(floe_core *core, const looking *next, const floe_service_record *record)
{
    looking plain = *next;
    looking secure = *next;

    if (record->flag == '\0') {
        (void)add_lookup(core, next, FLOE_DNS_NAPTR, record->target, 0);
        return;
    }
    if (record->flag == 's' || record->flag == 'S') {
        (void)add_lookup(core, next, FLOE_DNS_SRV, record->target, 0);
        return;
    }
    plain.transports = (uint8_t)(next->transports & ~SECURE);
    secure.transports = next->transports & SECURE;
    if (plain.transports != 0) {
        look_up_addresses(core, &plain, record->target, 3478);
    }
    if (secure.transports != 0) {
        look_up_addresses(core, &secure, record->target, 5349);
    }
}

static size_t count_lookups(const floe_names *names)
{
    size_t count = 0;

    FLOE_RING_EACH(lookup, &names->lookups, floe_lookup, link)
    {
        count++;
    }
    return count;
}

/* Those that lead on, by order and preference (RFC 5928 §3): each serves the transports that it
 * names. */
static void follow_naptr(floe_core *core, const floe_lookup *from,
                         const floe_service_record *records, size_t count)
{
    looking of = looking_on(from);
    bool taken[FLOE_SERVICES_MAX] = {false};
    size_t followed = 0;

    count = count < FLOE_SERVICES_MAX ? count : FLOE_SERVICES_MAX;
    while (count_lookups(of.names) < LOOKUPS_MAX) {
        size_t best = count;
        for (size_t i = 0; i < count; i++) {
            if (!taken[i] && leads_on(&records[i]) && served(&records[i], of.transports) != 0 &&
                (best == count || is_before(&records[i], &records[best]))) {
                best = i;
            }
        }
        if (best == count) {
            break;
        }
        taken[best] = true;
        looking next = step(&of, followed++, served(&records[best], of.transports));
        follow_record(core, &next, &records[best]);
    }
    if (followed == 0 && !others_lead_on(from)) {
        looking host = looking_for(from->server, from->names);
        look_up_service(core, &host);
    }
}

bool floe_names_services(floe_core *core, floe_time now, uint32_t query, floe_error error,
                         const floe_service_record *records, size_t count)
{
    floe_lookup *lookup = pending_lookup(core, query);

    if (lookup == NULL || !is_service(lookup)) {
        return false;
    }
    floe_trace_services(core, now, lookup, error, records, count);
    if (error == FLOE_ERR_NO_MEMORY) { /* what it has is not known */
        lookup->names->no_memory = true;
        return lookup_ended(core, now, lookup, error);
    }
    /* No service is no failure: the host's own addresses stand for it. */
    lookup->names->unsure =
        lookup->names->unsure || (error != FLOE_OK && error != FLOE_ERR_NOT_FOUND);
    count = error == FLOE_OK && count_lookups(lookup->names) < LOOKUPS_MAX ? count : 0;
    if (lookup->record == FLOE_DNS_SRV) {
        follow_srv(core, lookup, records, count);
    } else {
        follow_naptr(core, lookup, records, count);
    }
    return lookup_ended(core, now, lookup, FLOE_OK);
}

void floe_names_without_services(floe_core *core, floe_time now)
{
    for (size_t i = 0; i < core->set->count; i++) {
        floe_server *server = &core->set->servers[i];
        FLOE_RING_EACH(lookup, &server->names.lookups, floe_lookup, link)
        {
            if (!lookup->done && is_service(lookup)) {
                floe_untell(&lookup->output);
                lookup->left = true;
                floe_trace_services(core, now, lookup, FLOE_ERR_TIMED_OUT, NULL, 0);
                follow_srv(core, lookup, NULL, 0);
                (void)lookup_ended(core, now, lookup, FLOE_OK);
            }
        }
        find_ready(core, &server->names);
    }
}

/* Ends those under way; an end of one may begin others, which end too. */
bool floe_names_give_up(floe_core *core, floe_time now)
{
    bool any = false;

    for (size_t i = 0; i < core->set->count; i++) {
        FLOE_RING_EACH(lookup, &core->set->servers[i].names.lookups, floe_lookup, link)
        {
            if (!lookup->done) {
                bool address = lookup->record == FLOE_DNS_A || lookup->record == FLOE_DNS_AAAA;
                floe_untell(&lookup->output);
                lookup->left = true;
                floe_trace_addresses(core, now, lookup, FLOE_ERR_TIMED_OUT, NULL, 0);
                /* A service that was not found in time leaves no time for what it names. */
                lookup->record = address ? lookup->record : FLOE_DNS_A;
                any = lookup_ended(core, now, lookup, FLOE_ERR_TIMED_OUT) || any;
            }
        }
    }
    return any;
}

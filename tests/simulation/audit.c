/* What must hold whenever a core is at rest, whatever has happened before. What is listed is alive
 * or lost too lately to be known; what stands on a NAT's mapping is kept alive; what a server keeps
 * is somebody's; what was sent has arrived.
 *
 * The bounds are those of the rules: a lost allocation or mapping is noticed within 20 s of the
 * last packet that could tell (T7b, R6), by a request that may have to be given up first (39.5 s,
 * RFC 8489 §6.2.1). Nothing is asked for while its server, its interface or the network is not
 * good: then nobody can know. */
#include "change.h"

#include "base/address.h"

#include <string.h>

#define GIVE_UP (40 * SIM_SECOND)
/* Between two tries to have a server delete what is left there. */
#define LEFT_PAUSE (64 * SIM_SECOND)

static uint64_t keepalive(const sim_changing_world *change)
{
    uint32_t set = change->network.settings.keepalive_ms;

    return (set == 0 ? 15000 : set) * SIM_MS;
}

static uint64_t lateness(const sim_changing_world *change)
{
    return (2 * change->plan->late.timers_ms + 2000) * SIM_MS;
}

static uint64_t given_up_within(const sim_changing_world *change)
{
    uint32_t rto = change->network.settings.rto_ms;

    return GIVE_UP * (rto == 0 ? 500 : rto) / 500;
}

/* Within that a loss is known to the gatherer, once all is good. */
static uint64_t noticed_within(const sim_changing_world *change)
{
    uint64_t kept = keepalive(change);

    return (kept > 20 * SIM_SECOND ? kept : 20 * SIM_SECOND) + given_up_within(change) +
           lateness(change) + 10 * SIM_SECOND;
}

/* Nobody is where it was: what it showed there goes once its relay, lost and asked for there in
 * vain, is had where it is (R6, T7). */
static bool has_moved(const sim_changing_world *change, size_t server)
{
    return server != SIZE_MAX && *change->network.servers[server].was_ip != '\0';
}

static bool is_past(const sim_changing_world *change, uint64_t since, uint64_t bound)
{
    return since != UINT64_MAX && change->world->now > since + bound;
}

static uint64_t later_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ── What is listed ── */

static const sim_socket *socket_at(const sim_changing_world *change, const floe_address *local)
{
    const sim_world *world = change->world;

    for (size_t i = 0; i < world->socket_count; i++) {
        const sim_socket *socket = &world->sockets[i];
        if (socket->open && !socket->stream && floe_address_equal(&socket->local, local)) {
            return socket;
        }
    }
    return NULL;
}

static bool listens_at(const sim_changing_world *change, const floe_address *local)
{
    const sim_world *world = change->world;
    bool any = false;

    for (size_t i = 0; i < world->socket_count; i++) {
        const sim_socket *socket = &world->sockets[i];
        any = any || (socket->open && socket->listens && floe_address_equal(&socket->local, local));
    }
    return any;
}

/* By which somebody that is seen there sends: it may be the proxy. */
static const sim_mapping *mapping_at(const sim_changing_world *change, const floe_address *seen)
{
    const sim_world *world = change->world;
    const floe_address *outside = stream_client(world, seen);

    for (size_t i = world->mapping_count; i-- > 0;) {
        if (floe_address_equal(&world->mappings[i].outside, outside)) {
            return &world->mappings[i];
        }
    }
    return NULL;
}

/* When a mapping was forgotten; 0: it lives. */
static uint64_t forgotten(const sim_changing_world *change, const sim_mapping *mapping)
{
    uint64_t lifetime = change->network.interfaces[mapping->interface].nat_lifetime_ms * SIM_MS;

    if (lifetime != 0 && change->world->now > mapping->last_out + lifetime) {
        return mapping->last_out + lifetime;
    }
    /* At the latest when the interface was touched last. */
    return !mapping->dead ? 0
           : change->interface_good[mapping->interface] == UINT64_MAX
               ? UINT64_MAX
               : change->interface_good[mapping->interface];
}

/* R6: something goes out by it each Tr, or while a request is repeated. */
static void check_kept(sim_changing_world *change, const sim_mapping *mapping, const char *what,
                       const char *whose)
{
    uint64_t since =
        later_of(mapping->last_out, change_good_since(change, SIZE_MAX, mapping->interface));

    if (is_past(change, since, keepalive(change) + 25 * SIM_SECOND + lateness(change))) {
        change_violated(change, "R6: the %s of %s is not kept alive", what, whose);
    }
}

/* N2: what is gone is withdrawn within 100 ms; not while the gatherer is new, or fills a pool. */
static void audit_gone(sim_changing_world *change, const sim_owner *owner, const sim_told *told)
{
    const sim_lateness *late = &change->plan->late;
    size_t n = world_interface_with(change->world, &told->ip);
    uint64_t bound = (100 + 3 * late->timers_ms + 3 * late->lists_ms) * SIM_MS;

    if (change->plan->continual && told->of_host && n < change->network.interface_count &&
        change->world->down[n] && late->lists_fail == 0 && owner->listed > owner->began &&
        floe_core_state(owner->core) != FLOE_GATHERER_STATE_NEW &&
        is_past(change,
                later_of(later_of(change->interface_at[n], change->stopped_until), told->at),
                bound)) {
        change_violated(change, "N2: the address of %s is gone, and it is listed", told->address);
    }
}

static void audit_host(sim_changing_world *change, const sim_told *told)
{
    bool there = told->tcp_type == FLOE_TCP_TYPE_NONE     ? socket_at(change, &told->ip) != NULL
                 : told->tcp_type == FLOE_TCP_TYPE_ACTIVE ? told->port == 9
                                                          : listens_at(change, &told->ip);

    if (!change_is_rewritten(change, &told->ip) && told->ip.family != FLOE_FAMILY_NONE && !there) {
        change_violated(change, "V1: the host %s is listed and has no socket", told->address);
    }
}

/* A server without Binding tells of a mapping by Allocate alone: nobody knows more than that. */
static bool tells_mappings(const sim_changing_world *change, size_t server,
                           const floe_address *inside)
{
    const sim_world *world = change->world;
    const sim_server *of = server != SIZE_MAX ? &change->network.servers[server] : NULL;

    if (of == NULL || ((of->drops | of->fails) >> FLOE_STUN_BINDING & 1) == 0) {
        return true;
    }
    if (change->network.settings.mobility) {
        return false; /* nor has a Refresh (RFC 8016 §3.2) */
    }
    for (size_t i = 0; i < world->allocation_count; i++) {
        const sim_mapping *mapping = mapping_at(change, &world->allocations[i].client);
        if (world->allocations[i].server == server && mapping != NULL &&
            forgotten(change, mapping) == 0 && floe_address_equal(&mapping->inside, inside)) {
            return true;
        }
    }
    return false;
}

/* Where it has gone: not, before the next gathering, if it gives no relay; nor if a stun: URL leads to
 * it, which looks for none. (The candidate may tell of another server that saw the same.) */
static bool is_looked_for(const sim_changing_world *change, const sim_owner *owner)
{
    for (size_t n = 0; n < change->network.server_count; n++) {
        if (has_moved(change, n) &&
            (!change_is_believed(change, owner, n) || (change->plan->also_stun >> n & 1) != 0 ||
             (change->network.servers[n].fails >> FLOE_STUN_ALLOCATE & 1) != 0)) {
            return false;
        }
    }
    return true;
}

/* What stands there, or behind a mapping. */
static bool serves_at(const sim_changing_world *change, const sim_told *told,
                      const floe_address *local)
{
    return told->tcp_type == FLOE_TCP_TYPE_NONE ? socket_at(change, local) != NULL
                                                : listens_at(change, local);
}

/* What a policy has hidden was not asked for (P1): it is since the gathering that shows it. */
static void audit_srflx(sim_changing_world *change, const sim_owner *owner, const sim_told *told)
{
    uint64_t shown = told->unsure ? owner->began : 0;
    const sim_mapping *mapping = mapping_at(change, &told->ip);
    size_t server = owner_server_of(change, told->url);

    if (mapping == NULL) {
        if (!serves_at(change, told, &told->ip) && !change_is_rewritten(change, &told->ip)) {
            change_violated(change, "V1: the srflx %s:%u is listed and leads nowhere",
                            told->address, told->ip.port);
        }
        return;
    }
    if (!serves_at(change, told, &mapping->inside)) {
        change_violated(change, "V1: the srflx %s is listed and its socket is closed",
                        told->address);
        return;
    }
    uint64_t dead = forgotten(change, mapping);
    /* A relay that another server has given keeps it; who gathers asks that one anew. */
    uint64_t bound = noticed_within(change) + 20 * SIM_SECOND +
                     (has_moved(change, server) ? given_up_within(change) : 0);
    if (dead == 0) {
        check_kept(change, mapping, "srflx", told->address);
    } else if (!is_looked_for(change, owner)) {
        return;
    } else if (tells_mappings(change, server, &mapping->inside) &&
               is_past(change,
                       later_of(later_of(dead, shown),
                                change_good_since(change, server, mapping->interface)),
                       bound)) {
        change_violated(change, "R6: the srflx %s:%u of %s is listed and its mapping is gone",
                        told->address, told->ip.port, told->url);
    }
}

static const sim_allocation *allocation_of(const sim_changing_world *change, size_t server,
                                           const floe_address *relayed)
{
    const sim_world *world = change->world;

    for (size_t i = 0; i < world->allocation_count; i++) {
        const sim_allocation *one = &world->allocations[i];
        if (one->server == server && !one->strange && one->expires > world->now &&
            (floe_address_equal(&one->relayed[0], relayed) ||
             floe_address_equal(&one->relayed[1], relayed))) {
            return one;
        }
    }
    return NULL;
}

static void audit_relay(sim_changing_world *change, const sim_owner *owner, const sim_told *told)
{
    size_t server = owner_relay_server_of(change, told->url);
    const sim_allocation *allocation;
    const sim_mapping *mapping;

    if (told->tcp_type == FLOE_TCP_TYPE_ACTIVE || server == SIZE_MAX ||
        change_is_rewritten(change, &told->ip) ||
        change->plan->network.servers[server].temper == SIM_FORGETS) {
        return; /* whose loss nobody tells before the next Refresh */
    }
    uint64_t good = change_good_since(change, server, SIZE_MAX);
    bool heard = owner->listed >= good && is_past(change, owner->listed, noticed_within(change));
    if (change->network.settings.mobility && !heard) {
        return; /* it may wait for an address of which its gatherer has not heard (T10) */
    }
    allocation = allocation_of(change, server, &told->ip);
    if (allocation == NULL) {
        uint64_t since = later_of(told->at, change_good_since(change, server, SIZE_MAX));
        /* Who has lost the association of DTLS, too, says nothing: 20 s by a connection. */
        bool dtls = change->network.servers[server].transport == FLOE_PROTOCOL_DTLS;
        uint64_t doubt = dtls ? 25 : 10;
        if (!has_moved(change, server) && told->doubted != 0 && told->doubted >= since &&
            is_past(change, told->doubted, doubt * SIM_SECOND) && change_is_in_time(change) &&
            change->plan->late.timers_ms < 200) {
            change_violated(change, "T7b: the relay %s of %s was doubted, is gone, and is listed",
                            told->address, told->url);
        }
        if (is_past(change, since, noticed_within(change))) {
            change_violated(change, "T7b: the relay %s of %s is listed and its allocation is gone",
                            told->address, told->url);
        }
        return;
    }
    if (change->network.servers[server].transport == FLOE_PROTOCOL_TCP ||
        change->network.servers[server].transport == FLOE_PROTOCOL_TLS) {
        return; /* a connection that has lost its mapping breaks */
    }
    mapping = mapping_at(change, &allocation->client);
    if (mapping == NULL ||
        (change->network.settings.mobility && socket_at(change, &mapping->inside) == NULL)) {
        return; /* the latter waits for another address, though its own is there: a costly one, say */
    }
    uint64_t dead = forgotten(change, mapping);
    if (dead == 0) {
        check_kept(change, mapping, "relay", told->url);
    } else if (is_past(change,
                       later_of(dead, change_good_since(change, server, mapping->interface)),
                       noticed_within(change))) {
        change_violated(change, "T7b: the relay of %s is listed and its mapping is gone",
                        told->url);
    }
}

/* L6: what was told and not withdrawn is listed, and nothing else. */
static void audit_list(sim_changing_world *change, sim_owner *owner)
{
    floe_candidate_list *list = NULL;
    size_t told = 0;
    size_t unsure = 0;

    if (floe_core_get_local_candidates(owner->core, &list) != FLOE_OK) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        const floe_candidate *listed = list->candidates[i];
        const sim_told *one = owner_candidate(owner, listed->id);
        if (one == NULL || one->withdrawn) {
            change_violated(change, "L6: %s %s is listed and %s",
                            floe_candidate_type_name(listed->type), listed->address,
                            one == NULL ? "was not told" : "was withdrawn");
            continue;
        }
        if (listed->type == FLOE_CANDIDATE_TYPE_HOST) {
            audit_host(change, one);
            audit_gone(change, owner, one);
        } else if (listed->type == FLOE_CANDIDATE_TYPE_SRFLX) {
            audit_srflx(change, owner, one);
        } else {
            audit_relay(change, owner, one);
        }
    }
    for (size_t i = 0; i < owner->told_count; i++) {
        bool may = !owner->told[i].withdrawn && owner_may_see(owner, &owner->told[i]);
        told += may && !owner->told[i].unsure;
        unsure += may && owner->told[i].unsure;
    }
    if ((list->count < told || list->count > told + unsure) &&
        owner->policy == owner->told_policy && owner->types == owner->told_types &&
        owner->state == FLOE_GATHERER_STATE_COMPLETE && owner->told_count < SIM_TOLD_MAX) {
        change_violated(change, "L6: %zu are told, %zu are listed", told, list->count);
    }
    floe_candidate_list_free(list);
}

/* ── What stands, and is nobody's ── */

static bool is_listed(const sim_owner *owner, const floe_address *relayed)
{
    for (size_t i = 0; i < owner->told_count; i++) {
        if (!owner->told[i].withdrawn && owner->told[i].type == FLOE_CANDIDATE_TYPE_RELAY &&
            floe_address_equal(&owner->told[i].ip, relayed)) {
            return true;
        }
    }
    return false;
}

/* R6: a former user's may keep the mapping of a candidate, be it a hidden one, where no Binding would. */
static bool keeps_mapping(const sim_changing_world *change, const sim_owner *owner,
                          const sim_allocation *allocation)
{
    const sim_server *server = &change->plan->network.servers[allocation->server];

    return is_listed(owner, &allocation->client) ||
           (allocation->other != owner->other_user &&
            ((server->drops | server->fails) >> FLOE_STUN_BINDING & 1) != 0);
}

/* T5: of one family alone, as the owner has the other by another allocation of the server. That a
 * gathering gives it up is no error, so nobody is told. */
static bool is_beside(const sim_changing_world *change, const sim_owner *owner,
                      const sim_allocation *one)
{
    const sim_world *world = change->world;

    for (size_t i = 0; i < world->allocation_count; i++) {
        const sim_allocation *other = &world->allocations[i];
        unsigned mine = one->asked == FLOE_TURN_IPV6 ? 1 : 0;
        if (other->life == one->life && other->server == one->server && !other->tcp &&
            one->asked != (FLOE_TURN_IPV4 | FLOE_TURN_IPV6) &&
            other->relayed[1 - mine].family != FLOE_FAMILY_NONE &&
            is_listed(owner, &other->relayed[1 - mine])) {
            return true;
        }
    }
    return false;
}

void audit_cut_short(sim_changing_world *change, const sim_socket *socket)
{
    sim_world *world = change->world;

    for (size_t i = 0; i < world->allocation_count; i++) {
        const sim_mapping *mapping = mapping_at(change, &world->allocations[i].client);
        const floe_address *inside =
            mapping != NULL ? &mapping->inside : &world->allocations[i].client;
        world->allocations[i].cut_short |= floe_address_equal(&socket->local, inside);
    }
}

/* V3: an allocation on a server is a candidate of its owner's, or has been released. */
static void audit_allocations(sim_changing_world *change, sim_owner *owner)
{
    const sim_world *world = change->world;

    for (size_t i = 0; i < world->allocation_count; i++) {
        const sim_allocation *one = &world->allocations[i];
        uint64_t good = change_good_since(change, one->server, SIZE_MAX);
        const sim_mapping *mapping = mapping_at(change, &one->client);
        uint64_t since = later_of(one->made, owner->closed ? owner->closed_at : owner->completed);
        uint64_t bound = (owner->closed ? 5 : 32) * SIM_SECOND /* a former user's: 30 (L12) */ +
                         lateness(change);
        bool dtls = change->network.servers[one->server].transport == FLOE_PROTOCOL_DTLS;
        bool before = one->made < good; /* what was left in an outage is deleted behind it (T6) */
        bool has_socket =
            socket_at(change, mapping != NULL ? &mapping->inside : &one->client) != NULL;
        bool lets_delete = !world->lied[one->server] && change->expired_until[one->server] == 0 &&
                           change->expired[one->server] == 0 &&
                           !change->network.servers[one->server].oauth;
        if (before) {
            since = later_of(since, good);
            bound += noticed_within(change) + LEFT_PAUSE;
        }
        if (one->life != owner->life || one->strange || one->expires < world->now || one->tcp ||
            good == UINT64_MAX ||
            (before && (owner->closed || dtls || !has_socket || !lets_delete)) ||
            (mapping != NULL && (forgotten(change, mapping) != 0 || mapping->came_back)) ||
            change->network.servers[one->server].nonce == SIM_NONCE_ONE_USE || one->cut_short ||
            change->plan->network.duplication > 0 || /* of an Allocate that is over, say */
            account_was_refused(change, &one->id) || /* the server was well when it came again */
            one->made <
                change->stopped_until + SIM_SECOND || /* and the answer to the first waited */
            !is_past(change, since, bound)) {
            continue;
        }
        if (!owner->closed && (owner->failed[one->server] || is_beside(change, owner, one))) {
            continue; /* the gathering gave it up; what is kept of it is for the next (L4) */
        }
        if (owner->closed ||
            (!is_listed(owner, &one->relayed[0]) && !is_listed(owner, &one->relayed[1]) &&
             !keeps_mapping(change, owner, one))) {
            char client[FLOE_ADDRESS_TEXT_SIZE];
            change_violated(
                change, "V3: an allocation %son server %zu of %s, %llu s old, is nobody's",
                dtls ? "by DTLS " : "", one->server, floe_address_text(&one->client, client),
                (unsigned long long)((change->world->now - one->made) / SIM_SECOND));
        }
    }
}

static bool has_allocation(const sim_changing_world *change, const sim_socket *socket)
{
    const sim_world *world = change->world;

    for (size_t i = 0; i < world->allocation_count; i++) {
        const sim_mapping *mapping = mapping_at(change, &world->allocations[i].client);
        if (floe_address_equal(&world->allocations[i].client, &socket->local) ||
            (mapping != NULL && floe_address_equal(&mapping->inside, &socket->local))) {
            return true;
        }
    }
    return false;
}

/* V3: of an address one socket may be idle: the base's. */
static void audit_sockets(sim_changing_world *change, const sim_owner *owner)
{
    const sim_world *world = change->world;
    unsigned idle[SIM_INTERFACES_MAX] = {0};

    for (size_t i = 0; i < world->socket_count; i++) {
        const sim_socket *socket = &world->sockets[i];
        if (socket->channel >> SIM_LIFE_SHIFT != owner->life || !socket->open || socket->stream ||
            has_allocation(change, socket) ||
            !is_past(change,
                     later_of(later_of(account_last_out(change, socket->channel, NULL),
                                       change->stopped_until),
                              owner->completed),
                     keepalive(change) + 60 * SIM_SECOND + lateness(change))) {
            continue;
        }
        if (++idle[socket->interface] > 1) {
            change_violated(change, "V3: two sockets are idle on one address");
        }
    }
}

/* S4: one server is one allocation for each address of ours and family, however its URL is spelt;
 * but who is sent there by another server has one of his own. */
static void audit_doubles(sim_changing_world *change, const sim_owner *owner)
{
    const sim_world *world = change->world;

    for (size_t i = 0; i < world->allocation_count; i++) {
        const sim_allocation *one = &world->allocations[i];
        for (size_t k = 0; k < i; k++) {
            const sim_allocation *other = &world->allocations[k];
            const sim_mapping *a = mapping_at(change, &one->client);
            const sim_mapping *b = mapping_at(change, &other->client);
            if (one->life == owner->life && other->life == owner->life &&
                one->server == other->server && one->tcp == other->tcp &&
                !sim_is_redirected_to(&change->plan->network, one->server) &&
                !owner_server_is_shared(change, one->server) &&
                is_past(change, change_good_since(change, one->server, SIZE_MAX),
                        noticed_within(change)) && /* one of them moves, say (RFC 8016) */
                is_past(change, later_of(later_of(one->made, other->made), owner->completed),
                        31 * SIM_SECOND + lateness(change)) && /* a former user's goes then (L12) */
                is_listed(owner, &one->relayed[0]) &&
                is_listed(owner, &other->relayed[0]) &&
                one->relayed[0].family != FLOE_FAMILY_NONE && a != NULL && b != NULL &&
                other->relayed[0].family != FLOE_FAMILY_NONE && a->interface == b->interface &&
                socket_at(change, &a->inside) != NULL && /* else it waits for an address (T10) */
                socket_at(change, &b->inside) != NULL) {
                change_violated(change, "S4: server %zu has two allocations for one address",
                                one->server);
            }
        }
    }
}

/* Nothing has happened to the server but what the owners do. */
static bool was_always_good(const sim_changing_world *change, size_t n)
{
    const sim_server *server = &change->network.servers[n];

    return change_good_since(change, n, SIZE_MAX) == 0 && server->temper == SIM_GOOD &&
           (server->fails | server->drops) == 0 && server->make == SIM_BY_THE_RFC &&
           !server->oauth && !owner_server_is_shared(change, n) &&
           change->plan->late.names_ms == 0 && server->transport == FLOE_PROTOCOL_UDP;
}

/* EVEN-PORT, RESERVATION-TOKEN (RFC 8656 §7.1): who gathered for the second component while the
 * ports above the first's were kept has them. */
static void audit_ports(sim_changing_world *change, sim_owner *owner)
{
    const sim_owner *first = &change->owners[0];

    if (owner->ports_judged || owner->life != 2 || !change->plan->associated ||
        !change->plan->even_port) {
        return;
    }
    owner->ports_judged = true;
    if (change->plan->pool || owner->completes > 1 || owner->list_failed || first->core == NULL ||
        first->closed || change->plan->late.opens_fail > 0) { /* else it asked before, or not */
        return;
    }
    for (size_t i = 0; i < first->told_count; i++) {
        const sim_told *told = &first->told[i];
        size_t n = owner_server_of(change, told->url);
        bool kept = told->type == FLOE_CANDIDATE_TYPE_RELAY && told->port % 2 == 0 &&
                    told->tcp_type == FLOE_TCP_TYPE_NONE && !told->withdrawn &&
                    told->at < owner->listed && told->at + 25 * SIM_SECOND > owner->completed &&
                    n != SIZE_MAX && was_always_good(change, n) && owner_has_server(owner, n) &&
                    first->other_user == owner->other_user && !owner->wrong_password &&
                    first->changed_options < owner->listed &&
                    change->network.servers[n].ports == SIM_PORTS_KEPT;
        floe_address next = told->ip;
        next.port++;
        if (kept && change_is_in_time(change) && !is_listed(owner, &next)) {
            change_violated(change, "T1: server %zu keeps port %u, and the second has another", n,
                            next.port);
        }
    }
}

/* H2: an address has one name, for both components. */
static void audit_names(sim_changing_world *change, const sim_owner *owner)
{
    const sim_owner *other = &change->owners[owner->life == 1 ? 1 : 0];

    bool both = change->plan->associated && owner->life <= 2 && other->core != NULL;

    for (size_t i = 0; both && i < owner->published_count; i++) {
        for (size_t k = 0; k < other->published_count; k++) {
            if (*owner->published[i] != '\0' && *other->published[k] != '\0' &&
                floe_address_same_ip(&owner->published_for[i], &other->published_for[k]) &&
                strcmp(owner->published[i], other->published[k]) != 0 &&
                is_past(change, owner->changed_options, 5 * SIM_SECOND)) {
                change_violated(change, "H2: one address has two names");
            }
        }
    }
}

/* P1: no name stands for a host that is not told. */
static void audit_published(sim_changing_world *change, const sim_owner *owner)
{
    for (size_t i = 0; i < owner->published_count; i++) {
        bool told = owner->told_policy == FLOE_GATHER_POLICY_ALL &&
                    (owner->told_types == 0 || (owner->told_types & FLOE_GATHER_TYPE_HOST) != 0);
        if (!told && *owner->published[i] != '\0') {
            change_violated(change, "P1: the name %s is published under a policy that hides hosts",
                            owner->published[i]);
        }
    }
}

/* T7b: whose relay is lost because credentials have expired hears of it. */
static void audit_expired(sim_changing_world *change, sim_owner *owner)
{
    for (size_t n = 0; n < change->network.server_count; n++) {
        uint64_t lost = owner->lost_to_401[n];
        if (lost == 0 || !is_past(change, lost, SIM_SECOND)) {
            continue;
        }
        owner->lost_to_401[n] = 0;
        if (change->expired[n] != 0 && lost >= change->expired[n] &&
            owner->told_failed[n] < change->expired[n] &&
            owner->told_failed[n] < owner->began &&        /* it has failed in this gathering */
            owner->changed_options < change->expired[n] && /* else it was a former user's (L12) */
            change->world->now > lost + SIM_SECOND && owner_has_server(owner, n) &&
            !owner_lists_relay_of(change, owner, n)) {
            change_violated(change,
                            "T7b: credentials have expired at server %zu, and nobody is told", n);
        }
    }
}

/* ── Whether it goes on ── */

/* L14 */
static void audit_progress(sim_changing_world *change, sim_owner *owner)
{
    uint32_t timeout = change->network.settings.gather_timeout_ms;
    const sim_lateness *late = &change->plan->late;
    uint64_t bound = (timeout == 0 ? 5000 : timeout) + 3 * (late->lists_ms + late->opens_ms) +
                     2 * late->timers_ms + 2000;

    if (floe_core_state(owner->core) == FLOE_GATHERER_STATE_GATHERING && timeout != FLOE_NEVER &&
        is_past(
            change,
            later_of(later_of(owner->began, change->stopped_until),
                     change->plan->continual ? later_of(owner->set_out, change->interfaces_at) : 0),
            bound * SIM_MS)) {
        change_violated(change, "L14: gathering does not end");
    }
}

/* V4: what was sent by a good way has come back. */
static void audit_sends(sim_changing_world *change)
{
    for (size_t i = 0; i < SIM_SENDS_MAX; i++) {
        sim_send *one = &change->sends[i];
        if (one->due == 0 || change->world->now < one->due) {
            continue;
        }
        one->due = 0;
        size_t server = owner_relay_server_of(change, one->url);
        sim_owner *owner = change_owner_of_life(change, one->owner);
        uint64_t good = change_good_since(change, SIZE_MAX, SIZE_MAX);
        good = server != SIZE_MAX ? later_of(good, change->data_good[server]) : UINT64_MAX;
        const sim_told *told = owner_candidate(owner, one->id);
        if (good < one->at && !owner->closed && told != NULL && !told->withdrawn) {
            change_violated(change, "V4: a packet by %s was taken and did not come back", one->url);
        }
    }
}

/* Its owner had it: in this generation, or in one before that had not ended without it. */
static bool was_had(const sim_owner *owner, const sim_release *release)
{
    for (size_t i = 0; i < owner->told_count; i++) {
        const sim_told *told = &owner->told[i];
        bool same = told->type == FLOE_CANDIDATE_TYPE_RELAY &&
                    (floe_address_equal(&told->ip, &release->of.relayed[0]) ||
                     floe_address_equal(&told->ip, &release->of.relayed[1]));
        bool there = !told->withdrawn || told->old || told->gone + SIM_SECOND > release->at;
        if (same && told->at < release->at && there) {
            return true;
        }
    }
    return false;
}

/* V9: what its server has, and its owner had, is released where another is there in its place, or
 * nobody wants it any more. */
static void audit_releases(sim_changing_world *change, const sim_owner *owner)
{
    sim_world *world = change->world;
    uint64_t good = change_good_since(change, SIZE_MAX, SIZE_MAX);

    for (size_t i = 0; i < world->release_count; i++) {
        sim_release *one = &world->releases[i];
        size_t server = one->of.server;
        if (one->judged || one->of.life != owner->life ||
            !is_past(change, later_of(one->at, owner->completed),
                     5 * SIM_SECOND + lateness(change))) {
            continue;
        }
        one->judged = true;
        bool wanted = owner_has_server(owner, server) && (owner->gathered >> server & 1U) != 0 &&
                      one->of.other == owner->other_user && !one->of.strange && !one->of.tcp &&
                      !owner->wrong_password && owner->heard_401[server] + SIM_SECOND < one->at &&
                      change->expired_until[server] + SIM_SECOND < one->at &&
                      change->server_good[server] < one->at &&
                      change->server_good[server] + given_up_within(change) < one->at;
        if (wanted && good <= one->at && !owner_server_is_shared(change, server) &&
            change->network.servers[server].temper == SIM_GOOD && was_had(owner, one) &&
            !owner_lists_relay_of(change, owner, server)) {
            change_violated(change, "V9: a relay of server %zu was released, and none is there",
                            server);
        }
    }
}

void audit(sim_changing_world *change, sim_owner *owner)
{
    sim_world *world = change->world;

    if (owner->core == NULL || !owner->checks || *world->report->violation != '\0' ||
        world->now < change->stopped_until || world->now < owner->audited + SIM_SECOND) {
        return;
    }
    owner->audited = world->now;
    if (owner->closed) {
        audit_allocations(change, owner);
        return;
    }
    audit_progress(change, owner);
    audit_list(change, owner);
    audit_published(change, owner);
    audit_expired(change, owner);
    audit_sends(change);
    if (floe_core_state(owner->core) == FLOE_GATHERER_STATE_COMPLETE) {
        if (!owner->list_failed) { /* after a restart: what it has waits for the next gathering */
            audit_allocations(change, owner);
            audit_releases(change, owner);
        }
        audit_sockets(change, owner);
        audit_doubles(change, owner);
        audit_names(change, owner);
        audit_ports(change, owner);
    }
}

void audit_closed(sim_changing_world *change, sim_owner *owner)
{
    const sim_world *world = change->world;

    if (owner->state != FLOE_GATHERER_STATE_CLOSED) {
        change_violated(change, "L7: no state closed after close");
    }
    for (size_t i = 0; i < world->socket_count; i++) {
        if (world->sockets[i].channel >> SIM_LIFE_SHIFT == owner->life) {
            change_violated(change, "L7: channel %u was left open",
                            core_channel(world->sockets[i].channel));
        }
    }
    /* What waits for a blocked socket is told when it is written, and may go with the socket. */
    bool kept = change->plan->late.blocks > 0 && owner->sent_traced > owner->sent;
    if (change->network.settings.on_trace != NULL && owner->sent_traced != owner->sent && !kept) {
        change_violated(change, "on_trace: %u requests by UDP went out, %u were told", owner->sent,
                        owner->sent_traced);
    }
    if (change->network.settings.on_trace != NULL && owner->begun_traced != owner->begun) {
        change_violated(change, "on_trace: %u names and connections were asked for, %u were told",
                        owner->begun, owner->begun_traced);
    }
}

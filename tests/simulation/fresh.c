/* The second opinion: at the end, with the network quiet, a gatherer gathers again, and so does a
 * new one with the same options in a shared part of its own. They find the same: no model says
 * what that is. */
#include "change.h"

#include <stdlib.h>
#include <string.h>

#define LINES_MAX 128

typedef struct found_line {
    char text[200];
    bool perhaps; /* one that the other need not have */
    bool one_of;  /* of those that say the same; the other may have more or fewer */
} found_line;

typedef struct found_set {
    found_line lines[LINES_MAX];
    size_t count;
    size_t surely; /* of them */
} found_set;

/* A candidate without what may differ: ports; of a reflexive one who told it first; of a relay by
 * which of its spellings; of a name what it is. */
static void line_of(const sim_changing_world *change, const sim_told *told, char *line, size_t size)
{
    bool relay = told->type == FLOE_CANDIDATE_TYPE_RELAY;
    char server[32];

    (void)snprintf(server, sizeof server, "of server %zu", owner_server_of(change, told->url));
    if (told->tcp_type == FLOE_TCP_TYPE_ACTIVE) { /* all of an address have one port */
        *server = '\0';
    }

    (void)snprintf(line, size, "%s%s %s %s", floe_candidate_type_name(told->type),
                   told->tcp_type != FLOE_TCP_TYPE_NONE ? floe_tcp_type_name(told->tcp_type) : "",
                   told->ip.family != FLOE_FAMILY_NONE ? told->address : "a name",
                   relay ? server : "");
}

static bool wishes_for_both(const sim_changing_world *change)
{
    uint32_t types = change->network.settings.network_types;
    uint32_t both = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_UDP6;

    return types == 0 || (types & both) == both;
}

static bool answers(const sim_server *server, unsigned method)
{
    return ((server->drops | server->fails) >> method & 1) == 0;
}

/* By a proxy whose name has an address of each family as many have a relay as belong to
 * the family that was known first; but some have. And where the first was asked for one family for
 * its port's sake, and had anew with both, what is beside it stays until a restart (T5). */
static bool is_one_of(const sim_changing_world *change, const sim_told *told)
{
    size_t n = owner_relay_server_of(change, told->url);

    if (told->type !=
        FLOE_CANDIDATE_TYPE_RELAY) { /* one port behind one address is one candidate */
        return change->network.settings.port_max != 0 &&
               change->network.settings.nat_1to1_ip_count > 0;
    }
    if (n == SIZE_MAX) {
        return false;
    }
    return change->plan->even_port ||
           (change->network.proxy.by_name && change_is_proxied(change, n));
}

/* What a server shows of the NAT by its Allocate alone, an allocation that has moved, or that has a
 * socket of its own, does not show again (RFC 8016 §3.2). And an allocation outlives the day on
 * which its server gives any. */
static bool is_perhaps(const sim_changing_world *change, const sim_told *told)
{
    size_t n = owner_relay_server_of(change, told->url);

    /* Of a name with two addresses the first that is known is asked; so the other's relays, if our
     * other addresses are to have any, may be redundant by then. */
    if (n != SIZE_MAX && change->network.servers[n].by_name &&
        *change->network.servers[n].other_ip != '\0') {
        return true;
    }
    size_t asked = owner_server_of(change, told->url);

    if (is_one_of(change, told) && change->network.settings.address_rewrite_rule_count > 0) {
        return true; /* which rule it meets, its base decides */
    }
    if (told->tcp_type == FLOE_TCP_TYPE_ACTIVE) {
        return true; /* a former user's of the same address may have left a moment ago (L12) */
    }
    if (asked != SIZE_MAX && change->plan->network.servers[asked].twin != 0) {
        return true; /* which of the two it is */
    }
    if (asked != SIZE_MAX && change->plan->network.servers[asked].temper == SIM_REDIRECTS &&
        told->type == FLOE_CANDIDATE_TYPE_SRFLX) {
        return true; /* who is asked from a second socket shows nothing of the first */
    }
    if (n != SIZE_MAX && told->type == FLOE_CANDIDATE_TYPE_RELAY &&
        change->network.servers[n].make == SIM_NODE_TURN && wishes_for_both(change)) {
        return true; /* it is silent at first: whether it gives in time is a matter of chance */
    }
    return n != SIZE_MAX && ((told->type == FLOE_CANDIDATE_TYPE_SRFLX &&
                              !answers(&change->network.servers[n], FLOE_STUN_BINDING)) ||
                             (told->type == FLOE_CANDIDATE_TYPE_RELAY &&
                              !answers(&change->network.servers[n], FLOE_STUN_ALLOCATE)));
}

static int compare(const void *a, const void *b)
{
    const found_line *first = a;
    const found_line *second = b;

    return strcmp(first->text, second->text);
}

static const floe_candidate *listed(const floe_candidate_list *list, uint32_t id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->candidates[i]->id == id) {
            return list->candidates[i];
        }
    }
    return NULL;
}

static void set_of(const sim_changing_world *change, const sim_owner *owner, found_set *set)
{
    floe_candidate_list *list = NULL;

    set->count = set->surely = 0;
    if (floe_core_get_local_candidates(owner->core, &list) != FLOE_OK) {
        return;
    }
    for (size_t i = 0; i < owner->told_count && set->count < LINES_MAX; i++) {
        const floe_candidate *now = listed(list, owner->told[i].id);
        if (now != NULL) {
            found_line *line = &set->lines[set->count++];
            sim_told told = owner->told[i];
            (void)snprintf(told.url, sizeof told.url, "%s", now->url != NULL ? now->url : "");
            line_of(change, &told, line->text, sizeof line->text);
            size_t asked = owner_server_of(change, told.url);
            line->perhaps =
                is_perhaps(change, &told) ||
                (told.type == FLOE_CANDIDATE_TYPE_RELAY && asked != SIZE_MAX &&
                 !change_is_believed(change, owner, asked)); /* it has sent us to one who does */
            line->one_of = is_one_of(change, &told);
            set->surely += !line->perhaps && !line->one_of;
        }
    }
    floe_candidate_list_free(list);
    qsort(set->lines, set->count, sizeof *set->lines, compare);
}

static bool has(const found_set *set, const char *line)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->lines[i].text, line) == 0) {
            return true;
        }
    }
    return false;
}

static void let_gather(sim_changing_world *change, sim_owner *owner)
{
    if (floe_core_state(owner->core) != FLOE_GATHERER_STATE_GATHERING) {
        owner_gather(change, owner);
    }
    change_run_until(change,
                     change->world->now +
                         (change->network.settings.gather_timeout_ms == FLOE_NEVER ? 90 : 40) *
                             SIM_SECOND);
}

static void check_same(sim_changing_world *change, const found_set *old, const found_set *fresh)
{
    for (size_t i = 0; i < fresh->count; i++) {
        if (!fresh->lines[i].perhaps && !has(old, fresh->lines[i].text)) {
            change_violated(change,
                            "fresh: a new gatherer finds \"%s\", and the old one has it not",
                            fresh->lines[i].text);
        }
    }
    for (size_t i = 0; i < old->count; i++) {
        if (!old->lines[i].perhaps && !has(fresh, old->lines[i].text)) {
            change_violated(change,
                            "fresh: the old gatherer has \"%s\", and a new one finds it not",
                            old->lines[i].text);
        }
    }
    if (old->surely > fresh->count || fresh->surely > old->count) {
        change_violated(change, "fresh: the old gatherer has %zu candidates, a new one finds %zu",
                        old->count, fresh->count);
    }
}

static bool is_good(const sim_changing_world *change, const sim_owner *owner, size_t n)
{
    const sim_server *server = &change->network.servers[n];
    const floe_settings *settings = &change->network.settings;

    bool proxied = change_is_proxied(change, n);

    return owner_has_server(owner, n) && server->temper == SIM_GOOD && server->fails == 0 &&
           server->drops == 0 && change_is_trusted(change, n) && !settings->ice_lite &&
           change_is_believed(change, owner, n) &&
           (!proxied || change->network.proxy.temper == SIM_PROXY_GOOD) &&
           (proxied || !change_is_proxy_only(change)) &&
           (!settings->refuse_low_ports || server->port != 25);
}

/* Whether the network types leave it a family that it can relay. */
static bool may_relay(const sim_changing_world *change, const sim_server *server)
{
    uint32_t types = change->network.settings.network_types;
    unsigned asked = types == 0 ? 3U
                                : (unsigned)((types & (FLOE_NETWORK_TYPE_UDP4)) != 0) |
                                      (unsigned)((types & (FLOE_NETWORK_TYPE_UDP6)) != 0) << 1;
    unsigned gives = server->make == SIM_COTURN_ONE_ADDRESS || server->make == SIM_COTURN_508 ||
                             server->make == SIM_COTURN_V4_ON_V6
                         ? FLOE_TURN_IPV4 & server->families
                         : server->families;

    /* It drops who wishes for both, which is comprehension-optional: it cannot be told from a
     * server that is silent. */
    return (asked & gives) != 0 && (server->make != SIM_NODE_TURN || asked != 3);
}

/* A socket of that family that a packet leaves from. */
static bool has_way(const sim_changing_world *change, size_t n)
{
    for (size_t i = 0; i < change->network.interface_count; i++) {
        floe_address ip;
        (void)floe_address_parse(change->network.interfaces[i].ip, &ip);
        uint32_t types = change->network.settings.network_types;
        uint32_t type =
            ip.family == FLOE_FAMILY_IPV4 ? FLOE_NETWORK_TYPE_UDP4 : FLOE_NETWORK_TYPE_UDP6;
        floe_address to = change_is_proxied(change, n)
                              ? proxy_address(change->world, ip.family)
                              : server_address_for(change->world, n, ip.family);
        if (to.family == ip.family && (types == 0 || (types & type) != 0) &&
            change->network.interfaces[i].path == SIM_PATH_GOOD) {
            return true;
        }
    }
    return false;
}

static bool all_ways_are_good(const sim_changing_world *change)
{
    for (size_t i = 0; i < change->network.interface_count; i++) {
        if (change->network.interfaces[i].path != SIM_PATH_GOOD) {
            return false;
        }
    }
    return true;
}

/* E2: whoever gives no relay, though he was to, is told of. */
static void check_failed(sim_changing_world *change, const sim_owner *owner, size_t n)
{
    if (change->network.servers[n].turn && owner_has_server(owner, n) && !owner->failed[n] &&
        !change->network.settings.ice_lite &&
        (has_way(change, n) || (change_is_proxy_only(change) && !change_is_proxied(change, n)))) {
        change_violated(change, "E2: server %zu gives no relay, and nobody is told", n);
    }
}

/* T1, E2: in a quiet world a good server gives its relay, and no error. */
static void check_servers(sim_changing_world *change, const sim_owner *owner)
{
    for (size_t n = 0; n < change->network.server_count; n++) {
        const sim_server *server = &change->network.servers[n];
        unsigned relays = 0; /* families */
        for (size_t i = 0; i < owner->told_count; i++) {
            const sim_told *told = &owner->told[i];
            if (!told->withdrawn && told->type == FLOE_CANDIDATE_TYPE_RELAY &&
                owner_server_of(change, told->url) == n) {
                relays |= told->ip.family == FLOE_FAMILY_IPV6 ? FLOE_TURN_IPV6 : FLOE_TURN_IPV4;
            }
        }
        if (relays == 0) {
            check_failed(change, owner, n);
        }
        if (!is_good(change, owner, n) || !has_way(change, n) || !change_is_in_time(change)) {
            continue;
        }
        if (server->turn && may_relay(change, server) && relays == 0) {
            change_violated(change, "T1: no relay from server %zu, which is good", n);
        } else if (server->turn && server->make == SIM_P1_STUN && server->twin == 0 &&
                   change->network.settings.network_types == 0 && relays != 3) {
            change_violated(change, "T5: server %zu has relays of both families, one is told", n);
        }
        if (owner->failed[n] && all_ways_are_good(change) &&
            (!server->turn || may_relay(change, server))) {
            change_violated(change, "E2: an error for server %zu, which is good", n);
        }
    }
}

/* For worlds that must find the same by another way. */
static void keep_set(sim_changing_world *change, const found_set *set)
{
    for (size_t n = 0; n < change->network.server_count; n++) {
        if (change->plan->network.servers[n].twin != 0) {
            return; /* which of the two it is, is a matter of chance */
        }
    }
    for (size_t i = 0; i < set->count; i++) {
        size_t used = strlen(change->fresh);
        if (i > 0 && set->lines[i].one_of && compare(&set->lines[i], &set->lines[i - 1]) == 0) {
            continue;
        }
        (void)snprintf(change->fresh + used, sizeof change->fresh - used, "%s\n",
                       set->lines[i].text);
    }
}

/* The interfaces that it has sockets on, a bit each. */
static uint64_t bases_of(const sim_changing_world *change, const sim_owner *owner)
{
    const sim_world *world = change->world;
    uint64_t bases = 0;

    for (size_t i = 0; i < world->socket_count; i++) {
        const sim_socket *socket = &world->sockets[i];
        if (socket->channel >> SIM_LIFE_SHIFT == owner->life && socket->open && !socket->stream) {
            bases |= 1ULL << socket->interface;
        }
    }
    return bases;
}

/* T7: what was lost is back by itself, once its server and the way are: nobody need gather for it. */
static void check_back(sim_changing_world *change, const sim_owner *owner)
{
    static found_set now;

    set_of(change, owner, &now);
    for (size_t n = 0; n < change->network.server_count; n++) {
        bool had = owner->told_relay[n] > owner->changed_options &&
                   owner->told_relay[n] > owner->listed_some &&
                   change->network.settings.rto_ms <= 500; /* else silence is borne for longer */
        char server[32];
        bool has = false;
        (void)snprintf(server, sizeof server, "of server %zu", n);
        for (size_t i = 0; i < now.count; i++) {
            has = has || strstr(now.lines[i].text, server) != NULL;
        }
        bool twin =
            change->plan->network.servers[n].twin != 0; /* then that one's word is its own */
        if (had && !has && !twin && change->network.servers[n].turn && !change->world->said_no[n] &&
            is_good(change, owner, n) && may_relay(change, &change->network.servers[n]) &&
            has_way(change, n) && all_ways_are_good(change) && change_is_in_time(change)) {
            change_violated(change, "T7: the relay of server %zu is not back by itself", n);
        }
    }
}

static bool was_told(const sim_changing_world *change, const sim_owner *owner, uint64_t then,
                     const char *line)
{
    for (size_t i = 0; i < owner->told_count; i++) {
        const sim_told *told = &owner->told[i];
        char text[sizeof(found_line)];
        line_of(change, told, text, sizeof text);
        if (told->at < then && told->at > owner->other_options && told->at > owner->listed_some &&
            strcmp(text, line) == 0) {
            return true;
        }
    }
    return false;
}

/* R6: a reflexive candidate that its owner had is, likewise; so what gathering brings it had not, or has. */
static void check_shown_again(sim_changing_world *change, const sim_owner *owner, uint64_t then,
                              const found_set *before, const found_set *after)
{
    if (!all_ways_are_good(change) || !change_is_in_time(change)) {
        return;
    }
    for (size_t i = 0; i < after->count; i++) {
        const found_line *line = &after->lines[i];
        if (strncmp(line->text, "srflx", 5) == 0 && !line->perhaps && !has(before, line->text) &&
            was_told(change, owner, then, line->text)) {
            change_violated(change, "R6: \"%s\" is not back by itself", line->text);
        }
    }
}

/* N2: who hears of changes has a socket on each address that a new gatherer has one on. */
static void check_bases(sim_changing_world *change, uint64_t bases, const sim_owner *fresh)
{
    uint64_t lacks = bases_of(change, fresh) & ~bases;

    for (size_t i = 0; i < change->network.interface_count; i++) {
        if ((lacks >> i & 1) != 0) {
            change_violated(change, "N2: it is not gathered on %s by itself",
                            change->network.interfaces[i].ip);
        }
    }
}

void fresh_compare(sim_changing_world *change, sim_owner *owner)
{
    static found_set before;
    static found_set old;
    static found_set found;
    sim_world *world = change->world;
    floe_core_shared *shared = NULL;

    if (owner->core == NULL || owner->closed || *world->report->violation != '\0') {
        return;
    }
    check_back(change, owner);
    set_of(change, owner, &before);
    uint64_t then = world->now;
    uint64_t bases = bases_of(change, owner);
    bool gathered = floe_core_state(owner->core) == FLOE_GATHERER_STATE_COMPLETE;
    let_gather(change, owner);
    set_of(change, owner, &old);
    if (gathered) {
        check_shown_again(change, owner, then, &before, &old);
    }
    if (*world->report->violation != '\0' ||
        floe_core_shared_new(&change->network.settings, &world->secrets.table, &shared) !=
            FLOE_OK) {
        return;
    }
    sim_owner *fresh = owner_new(change);
    fresh->servers = owner->servers;
    fresh->other_user = owner->other_user;
    fresh->token = owner->token;
    fresh->wrong_password = owner->wrong_password;
    fresh->policy = owner->policy;
    owner_takes_types(change, fresh, owner->types, owner->transports);
    if (owner_make(change, fresh, shared)) {
        let_gather(change, fresh);
        set_of(change, fresh, &found);
        if (*world->report->violation == '\0') {
            check_servers(change, fresh);
            if (change->plan->continual && gathered && change->plan->late.opens_fail == 0) {
                check_bases(change, bases, fresh);
            }
            account_statistics(change, fresh, true);
            if (change_is_in_time(change)) {
                check_same(change, &old, &found);
                keep_set(change, &found);
            }
            let_gather(change, owner); /* and a third time: nothing is new (L5) */
        }
        owner_close(change, fresh);
        driver_outputs(change, fresh);
        change_run_until(change, world->now + SIM_SECOND);
        floe_core_free(fresh->core);
        fresh->core = NULL;
    }
    floe_core_shared_free(shared);
}

/* The servers of a gathering: how they begin, and one set put in another's place (L12). */
#include "core/plan/servers.h"

#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/allowed.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/policy.h"
#include "core/plan/names.h"
#include "core/source/binding.h"
#include "core/source/relay.h"
#include "core/source/tcp_mapping.h"

static floe_server *heir_of(floe_server_set *set, const floe_server *server)
{
    for (size_t i = 0; i < set->count; i++) {
        if (floe_server_is(&set->servers[i], server->url, server->account)) {
            return &set->servers[i];
        }
    }
    return NULL;
}

/* What it has refused it refuses still (RFC 8656 §7.4). */
static void hand_over_refusals(floe_server *server)
{
    for (floe_list *link;
         server->heir != NULL && (link = floe_ring_take(&server->refusals)) != NULL;) {
        floe_ring_append(&server->heir->refusals, link);
    }
}

/* One that serves goes on until it is replaced (floe_relays_leave), or its server is there again; one
 * that was lost is asked for by who comes in the server's place. */
static void hand_over_relays(floe_core *core, floe_time now, const floe_server_set *before)
{
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_server_current(core, relay->server)) {
            continue; /* it has just been passed on */
        }
        floe_relay_touch(core, relay);
        if (relay->server->heir != NULL) {
            bool former =
                !floe_server_set_has(before, relay->server); /* and is the owner's again */
            relay->leaves = former ? FLOE_TIME_NEVER : relay->leaves;
            relay->server = relay->server->heir;
        } else if (floe_relay_lives(relay) && !floe_relay_is_had(relay)) {
            floe_relay_pass_on(core, now, relay);
        }
    }
}

/* One without an heir may be claimed by another URL of the same address, when that is known (R6);
 * those that are not go when the gathering is complete (floe_bindings_sweep). */
static void hand_over_bindings(floe_base *base)
{
    FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
    {
        if (binding->server->heir != NULL) {
            binding->server = binding->server->heir;
        }
    }
    floe_tcp_mappings_hand_over(base);
}

void floe_servers_advance(floe_core *core)
{
    if (core->next_set != NULL) {
        floe_server_set_free(core->shared, core->coming_set);
        core->coming_set = core->next_set;
        core->next_set = NULL;
        core->policy = core->coming_set->policy;
        core->types = core->coming_set->types;
    }
}

/* One that was taken away, and has something standing on it, may be given again. */
static void find_heirs(const floe_core *core, floe_server_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        set->servers[i].heir = heir_of(core->set, &set->servers[i]);
        hand_over_refusals(&set->servers[i]);
        floe_names_forget(core->shared, &set->servers[i]);
    }
}

void floe_servers_replace(floe_core *core, floe_time now)
{
    floe_server_set *old = core->set;

    if (core->coming_set == NULL) {
        return;
    }
    core->set = core->coming_set;
    core->coming_set = NULL;
    floe_ring_append(&core->retired, &old->link);
    FLOE_RING_EACH(set, &core->retired, floe_server_set, link)
    {
        find_heirs(core, set);
    }
    hand_over_relays(core, now, old);
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        hand_over_bindings(base);
    }
    FLOE_RING_EACH(found, &core->found, floe_found, link)
    {
        if (found->server != NULL && found->server->heir != NULL) {
            found->server = found->server->heir;
        }
    }
}

/* Whether something stands on one of the servers still. */
static bool in_use(const floe_core *core, const floe_server_set *set)
{
    FLOE_RING_EACH(found, &core->found, floe_found, link)
    {
        if (floe_server_set_has(set, found->server)) {
            return true;
        }
    }
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_server_set_has(set, relay->server)) {
            return true;
        }
    }
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
        {
            if (floe_server_set_has(set, binding->server)) {
                return true;
            }
        }
        if (floe_tcp_mappings_have(base, set)) {
            return true;
        }
    }
    return false;
}

/* Outputs that speak of a retired server have been polled once the queues are empty. */
void floe_servers_bury(floe_core *core)
{
    if (floe_ring_empty(&core->retired) || !floe_outputs_empty(&core->outputs) ||
        (floe_held(core) != NULL && !floe_outputs_empty(floe_held(core)))) {
        return;
    }
    FLOE_RING_EACH_SAFE(set, &core->retired, floe_server_set, link)
    {
        if (!in_use(core, set)) {
            floe_ring_remove(&core->retired, &set->link);
            floe_server_set_free(core->shared, set);
        }
    }
}

static void reset_server(const floe_core *core, floe_server *server)
{
    floe_untell(&server->output);
    floe_names_reset(core->shared, server);
    server->failure = (floe_plain_failure){.kind = FLOE_FAILURE_NONE};
    server->told_failed = false;
    server->elsewhere = FLOE_ELSEWHERE_NOT;
}

void floe_servers_reset(floe_core *core)
{
    for (size_t i = 0; i < core->set->count; i++) {
        reset_server(core, &core->set->servers[i]);
    }
    floe_relays_touch(core); /* what is lost waits otherwise where its server is not known */
}

/* R4: STUN over a stream gives no UDP candidate. */
static bool supported(const floe_server *server)
{
    return server->url->turn || server->url->transport == FLOE_PROTOCOL_UDP;
}

/* Whether it can give anything that is wanted. */
static bool applies(const floe_core *core, const floe_server *server)
{
    if (core->shared->ice_lite) {
        return false;
    }
    return server->url->turn || (floe_reflexive_is_wanted(core) && floe_bases_ask_reflexive(core));
}

/* RFC 8828 §5.2, mode 4: one that is meant to give something says why it does not. */
static void fail_unproxied(floe_core *core, floe_server *server)
{
    if (!core->shared->ice_lite && (server->url->turn || floe_reflexive_is_wanted(core))) {
        floe_server_fail(core, server, FLOE_FAILURE_PROXY_ONLY, 0);
    }
}

static void begin_server(floe_core *core, floe_server *server)
{
    floe_address literal;
    uint16_t port;

    (void)floe_next_hop(core->shared, server->url, &literal, &port);
    if (!applies(core, server)) {
        return;
    }
    if (!supported(server)) {
        floe_server_fail(core, server, FLOE_FAILURE_UNSUPPORTED, 0);
        return;
    }
    if (!floe_port_allowed(core->shared, server->url, server->url->port)) {
        floe_server_fail(core, server, FLOE_FAILURE_PORT, 0);
        server->failure.remote.port = server->url->port;
        return;
    }
    if (floe_core_is_member(core)) {
        server->elsewhere = FLOE_ELSEWHERE_PENDING;
        return;
    }
    if (literal.family == FLOE_FAMILY_NONE) {
        floe_names_begin(core, server);
        return;
    }
    /* What the user wrote is asked, loopback too. */
    server->literal = (floe_place){
        .address = literal, .transport = (uint8_t)server->url->transport, .ready = true};
    server->names.places = &server->literal;
    server->names.place_count = 1;
}

void floe_servers_begin(floe_core *core)
{
    /* E2: where nobody could ask, there is no error. */
    bool anybody = floe_bases_have_family(core, FLOE_FAMILY_IPV4) ||
                   floe_bases_have_family(core, FLOE_FAMILY_IPV6);

    for (size_t i = 0; i < core->set->count; i++) {
        floe_server *server = &core->set->servers[i];
        if (floe_proxy_only(core->shared) && !floe_url_proxied(core->shared, server->url)) {
            fail_unproxied(core, server);
        } else if (anybody) {
            begin_server(core, server);
        }
    }
}

static bool is_unknown(const floe_server *server)
{
    bool not_found =
        server->failure.kind == FLOE_FAILURE_NAME || server->failure.kind == FLOE_FAILURE_LOOKING;

    return not_found && server->names.place_count == 0 && !floe_names_pending(&server->names);
}

bool floe_servers_any_unknown(const floe_core *core)
{
    for (size_t i = 0; i < core->set->count; i++) {
        if (is_unknown(&core->set->servers[i])) {
            return true;
        }
    }
    return false;
}

void floe_servers_begin_unknown(floe_core *core)
{
    for (size_t i = 0; i < core->set->count; i++) {
        floe_server *server = &core->set->servers[i];
        if (is_unknown(server)) {
            reset_server(core, server);
            begin_server(core, server);
        }
    }
}

/* What happens to servers, NATs and interfaces while gatherers live, and since when all is well. */
#include "change.h"

#include "base/address.h"

#include <string.h>

static void add(sim_changing_world *change, sim_event_kind kind, uint64_t at_ms, const void *what,
                size_t size)
{
    sim_world *world = change->world;
    sim_event *event = world_add_event(world, kind, world->now + at_ms * SIM_MS);

    event->size = size;
    memcpy(event->data, what, size);
}

void change_plan(sim_changing_world *change)
{
    const sim_changing *plan = change->plan;

    for (size_t i = 0; i < plan->change_count; i++) {
        if (plan->changes[i].at_ms >= plan->life_ms) {
            continue; /* then it is quiet */
        }
        add(change, SIM_EVENT_CHANGE, plan->changes[i].at_ms, &plan->changes[i],
            sizeof plan->changes[i]);
    }
    for (size_t i = 0; i < plan->episode_count; i++) {
        if (plan->episodes[i].at_ms >= plan->life_ms) {
            continue;
        }
        add(change, SIM_EVENT_EPISODE, plan->episodes[i].at_ms, &plan->episodes[i],
            sizeof plan->episodes[i]);
    }
}

static void forget_mappings(sim_changing_world *change, size_t interface)
{
    sim_world *world = change->world;

    for (size_t i = 0; i < world->mapping_count; i++) {
        if (world->mappings[i].interface == interface) {
            world->mappings[i].dead = true;
        }
    }
}

/* By a mapping that comes back, a server grants what is asked of one allocation for another: of one that answers no
 * Bindings nobody can see that. */
static bool all_answer_bindings(const sim_changing *plan)
{
    const uint32_t binding = 1U << FLOE_STUN_BINDING;

    for (size_t i = 0; i < plan->network.server_count; i++) {
        if (((plan->network.servers[i].drops | plan->network.servers[i].fails) & binding) != 0) {
            return false;
        }
    }
    for (size_t i = 0; i < plan->change_count; i++) {
        const sim_change *one = &plan->changes[i];
        if ((one->kind == SIM_SERVER_FAILS || one->kind == SIM_SERVER_DROPS) &&
            (one->value & binding) != 0) {
            return false;
        }
    }
    return true;
}

/* Of each socket towards each server the one before today's, if there was one. */
static void go_back_to_mappings(sim_changing_world *change, size_t interface)
{
    sim_world *world = change->world;

    for (size_t i = world->mapping_count; i-- > 0;) {
        sim_mapping *today = &world->mappings[i];
        for (size_t j = i; today->interface == interface && !today->dead && j-- > 0;) {
            sim_mapping *before = &world->mappings[j];
            if (before->dead && floe_address_equal(&before->inside, &today->inside) &&
                floe_address_equal(&before->towards, &today->towards)) {
                before->dead = false;
                before->came_back = true;
                before->last_out = world->now;
                today->dead = true;
            }
        }
    }
}

static void change_server(sim_changing_world *change, const sim_change *what)
{
    sim_world *world = change->world;
    sim_server *server = &change->network.servers[what->n];
    bool harms_data = true;
    bool lasts = true;
    sim_server before = *server;

    switch (what->kind) {
    case SIM_SERVER_RESTARTS:
        server_restarts(world, what->n);
        streams_break(world, what->n, false);
        lasts = false;
        break;
    case SIM_SERVER_IS_SILENT:
        server->temper = SIM_SILENT;
        break;
    case SIM_SERVER_IS_CLOSED:
        server->temper = SIM_PORT_CLOSED;
        streams_break(world, what->n, false);
        break;
    case SIM_SERVER_FAILS:
        server->fails = what->value;
        server->code = what->code;
        harms_data = what->value != 1U << FLOE_STUN_CHANNEL_BIND;
        break;
    case SIM_SERVER_DROPS:
        server->drops = what->value;
        harms_data = what->value != 1U << FLOE_STUN_CHANNEL_BIND;
        break;
    case SIM_SERVER_REFUSES:
        server->refuses_peer = what->value;
        break;
    case SIM_SERVER_EXPIRES:
        if (server->oauth) { /* what has expired is good no more, whatever comes */
            server->token_from++;
        } else {
            server->temper = SIM_WRONG_PASSWORD;
        }
        change->expired[what->n] =
            change->expired[what->n] != 0 ? change->expired[what->n] : world->now;
        break;
    case SIM_SERVER_IS_SLOW:
        server->round_trip_ms = what->value;
        break;
    case SIM_SERVER_MOVES:
        server_restarts(world, what->n);
        streams_break(world, what->n, false);
        memcpy(server->was_ip, server->ip, sizeof server->was_ip);
        (void)snprintf(server->ip, sizeof server->ip,
                       strchr(server->was_ip, ':') != NULL ? "2a00:ffff::9%u" : "203.0.113.15%u",
                       what->n);
        lasts = false;
        break;
    case SIM_SERVER_IS_FOREIGN:
        server->certificate = TLS_WRONG_NAME;
        streams_break(world, what->n, false);
        break;
    default: /* is back */
        if (server->temper == SIM_SILENT) {
            streams_break(world, what->n, false);
        }
        *server = change->plan->network.servers[what->n];
        server->token_from = before.token_from;
        memcpy(server->ip, before.ip, sizeof server->ip);
        memcpy(server->was_ip, before.was_ip, sizeof server->was_ip);
        change->expired_until[what->n] =
            change->expired[what->n] != 0 ? world->now : change->expired_until[what->n];
        change->expired[what->n] = 0;
        lasts = false;
        break;
    }
    bool was_good = change->server_good[what->n] != UINT64_MAX;
    if (was_good || what->kind == SIM_SERVER_IS_BACK) {
        change->server_good[what->n] = lasts ? UINT64_MAX : world->now;
    }
    if (harms_data &&
        (change->data_good[what->n] != UINT64_MAX || what->kind == SIM_SERVER_IS_BACK)) {
        change->data_good[what->n] = lasts ? UINT64_MAX : world->now;
    }
}

/* The system says so, to each of them. */
static void interface_changes(sim_changing_world *change, unsigned n)
{
    change->interface_at[n] = change->interfaces_at = change->world->now;
    for (size_t i = 0; i < change->owner_count; i++) {
        world_add_event(change->world, SIM_EVENT_NETWORK, change->world->now)->life =
            change->owners[i].life;
    }
}

static void change_interface(sim_changing_world *change, const sim_change *what)
{
    sim_world *world = change->world;
    sim_interface *interface = &change->network.interfaces[what->n];
    uint64_t *good = &change->interface_good[what->n];

    switch (what->kind) {
    case SIM_NAT_FORGETS:
        forget_mappings(change, what->n);
        *good = *good == UINT64_MAX ? *good : world->now;
        break;
    case SIM_NAT_GOES_BACK:
        if (all_answer_bindings(change->plan)) {
            go_back_to_mappings(change, what->n);
            *good = *good == UINT64_MAX ? *good : world->now;
        }
        break;
    case SIM_INTERFACE_GOES:
        world->down[what->n] = true;
        *good = UINT64_MAX;
        interface_changes(change, what->n);
        break;
    case SIM_INTERFACE_SWALLOWS:
        interface->path = SIM_PATH_SWALLOWS;
        *good = UINT64_MAX;
        break;
    default: /* comes, is back */
        if (world->down[what->n]) {
            interface_changes(change, what->n);
        }
        world->down[what->n] = false;
        interface->path = change->plan->network.interfaces[what->n].path;
        *good = world->now;
        for (size_t n = 0; n < change->network.server_count; n++) {
            streams_break(world, n, true);
        }
        break;
    }
}

/* It is started anew with other rules, so its connections break. */
static void change_proxy(sim_changing_world *change, sim_proxy_temper temper)
{
    sim_proxy_temper planned = change->plan->network.proxy.temper;

    change->network.proxy.temper = temper;
    change->proxy_good = temper == planned ? change->world->now : UINT64_MAX;
    streams_by_proxy_break(change->world);
}

static const char *name_of(sim_change_kind kind)
{
    static const char *const names[] = {
        [SIM_SERVER_RESTARTS] = "server restarts",
        [SIM_SERVER_IS_SILENT] = "server is silent",
        [SIM_SERVER_IS_CLOSED] = "server is closed",
        [SIM_SERVER_FAILS] = "server fails",
        [SIM_SERVER_DROPS] = "server drops",
        [SIM_SERVER_REFUSES] = "server refuses peers",
        [SIM_SERVER_EXPIRES] = "credentials expire, server",
        [SIM_SERVER_IS_SLOW] = "server is slow",
        [SIM_SERVER_MOVES] = "server moves",
        [SIM_SERVER_IS_FOREIGN] = "another machine answers for server",
        [SIM_SERVER_IS_BACK] = "server is back",
        [SIM_NAT_FORGETS] = "NAT forgets, interface",
        [SIM_NAT_GOES_BACK] = "NAT goes back, interface",
        [SIM_INTERFACE_GOES] = "interface goes",
        [SIM_INTERFACE_COMES] = "interface comes",
        [SIM_INTERFACE_SWALLOWS] = "interface swallows",
        [SIM_INTERFACE_IS_BACK] = "interface is back",
        [SIM_NETWORK_LOSES] = "network loses",
        [SIM_NETWORK_IS_BACK] = "network is back",
        [SIM_PROCESS_STOPS] = "process stops",
        [SIM_MACHINE_SLEEPS] = "machine sleeps",
        [SIM_MACHINE_WAKES] = "machine wakes",
        [SIM_PROXY_CHANGES] = "proxy changes",
        [SIM_NAMES_FAIL] = "names are not heard, interface",
    };

    return names[kind];
}

static void wake(sim_changing_world *change)
{
    for (size_t i = 0; i < change->owner_count; i++) {
        if (change->owners[i].core != NULL) {
            change_turn(change, &change->owners[i]);
            floe_core_woke(change->world->core, world_time(change->world));
        }
    }
}

static void fail_names(sim_changing_world *change, unsigned interface)
{
    for (size_t i = 0; i < change->owner_count; i++) {
        if (change->owners[i].core != NULL) {
            change_turn(change, &change->owners[i]);
            floe_core_names_failed(change->world->core, world_time(change->world),
                                   world_interface_index(&change->network, interface),
                                   FLOE_ERR_ADDRESS_IN_USE);
        }
    }
}

void change_happens(sim_changing_world *change, const sim_change *what)
{
    sim_world *world = change->world;

    world_trace(world, "*** %s %u %u", name_of(what->kind), what->n, (unsigned)what->value);
    change->last_change = world->now;
    for (size_t i = 0; i < change->owner_count; i++) {
        change->owners[i].still = false;
    }
    if (what->kind <= SIM_SERVER_IS_BACK) {
        change_server(change, what);
    } else if (what->kind <= SIM_INTERFACE_IS_BACK) {
        change_interface(change, what);
    } else if (what->kind == SIM_PROCESS_STOPS || what->kind == SIM_MACHINE_SLEEPS) {
        change->sleeps = what->kind == SIM_MACHINE_SLEEPS;
        change->stopped_until = world->now + what->value * SIM_MS;
        change->last_change = change->stopped_until;
        change->network_good =
            change->network_good == UINT64_MAX ? UINT64_MAX : change->stopped_until;
    } else if (what->kind == SIM_MACHINE_WAKES) {
        wake(change);
    } else if (what->kind == SIM_PROXY_CHANGES) {
        change_proxy(change, (sim_proxy_temper)what->value);
    } else if (what->kind == SIM_NAMES_FAIL) {
        fail_names(change, what->n);
    } else {
        change->network.loss =
            what->kind == SIM_NETWORK_LOSES ? what->value : change->plan->network.loss;
        change->network_good = change->network.loss > 0             ? UINT64_MAX
                               : world->now < change->stopped_until ? change->stopped_until
                                                                    : world->now;
    }
}

void change_calm(sim_changing_world *change)
{
    sim_world *world = change->world;

    world_trace(world, "*** calm");
    for (unsigned n = 0; n < change->network.server_count; n++) {
        if (change->server_good[n] == UINT64_MAX) {
            change_happens(change, &(sim_change){.kind = SIM_SERVER_IS_BACK, .n = n});
        }
    }
    for (unsigned n = 0; n < change->network.interface_count; n++) {
        if (change->interface_good[n] == UINT64_MAX) {
            change_happens(change, &(sim_change){.kind = SIM_INTERFACE_IS_BACK, .n = n});
        }
    }
    if (change->proxy_good == UINT64_MAX) {
        change_proxy(change, change->plan->network.proxy.temper);
    }
    change->network.loss = change->network.duplication = change->network.jitter_ms = 0;
    change->network_good = change->last_change = world->now;
    change->quiet = true;
}

bool change_is_proxied(const sim_changing_world *change, size_t server)
{
    floe_protocol transport = change->network.servers[server].transport;

    return change->network.proxy.kind != SIM_PROXY_NONE &&
           (transport == FLOE_PROTOCOL_TCP || transport == FLOE_PROTOCOL_TLS);
}

bool change_is_proxy_only(const sim_changing_world *change)
{
    return change->network.settings.ip_handling == FLOE_IP_HANDLING_PROXY_ONLY;
}

bool change_is_believed(const sim_changing_world *change, const sim_owner *owner, size_t server)
{
    const sim_server *of = &change->network.servers[server];

    return !of->turn || (of->oauth ? owner->token >= of->token_from : !owner->wrong_password);
}

bool change_is_trusted(const sim_changing_world *change, size_t server)
{
    const sim_server *of = &change->network.servers[server];
    const floe_settings *settings = &change->network.settings;
    tls_certificate right = change->plan->pinned ? TLS_SELF_SIGNED : TLS_RIGHT;

    return of->transport < FLOE_PROTOCOL_TLS ||
           ((of->certificate == right || settings->tls_insecure) &&
            (!of->wants_certificate || settings->tls_certificate_file != NULL));
}

bool change_is_rewritten(const sim_changing_world *change, const floe_address *ip)
{
    static const char *const says[] = {"192.0.2.77", "192.0.2.78", "2001:db8:9::7"};

    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        floe_address one;
        (void)floe_address_parse(says[i], &one);
        if ((change->network.settings.nat_1to1_ip_count > 0 ||
             change->network.settings.address_rewrite_rule_count > 0) &&
            floe_address_same_ip(&one, ip)) {
            return true;
        }
    }
    return false;
}

bool change_is_in_time(const sim_changing_world *change)
{
    const floe_settings *settings = &change->network.settings;
    uint32_t grace = settings->straggler_grace_ms == 0 ? 500 : settings->straggler_grace_ms;

    for (size_t n = 0; n < change->network.server_count; n++) {
        const sim_server *server = &change->network.servers[n];
        unsigned trips = server->transport == FLOE_PROTOCOL_UDP ? 4
                         : change_is_proxied(change, n)         ? 11
                                                                : 8;
        /* What is sent again has spent the nonce of the first. */
        bool spent = server->nonce == SIM_NONCE_ONE_USE && server->round_trip_ms >= 450;
        if (spent || server->round_trip_ms * trips + 100 + 10 * settings->pacing_ms >= grace) {
            return false;
        }
    }
    return true;
}

uint64_t change_good_since(const sim_changing_world *change, size_t server, size_t interface)
{
    uint64_t good = change->network_good;

    if (server < SIM_SERVERS_MAX) {
        good = change->server_good[server] > good ? change->server_good[server] : good;
    }
    if (server == SIZE_MAX || change_is_proxied(change, server)) {
        good = change->proxy_good > good ? change->proxy_good : good;
    }
    for (size_t i = 0; i < change->network.interface_count; i++) {
        if ((interface == i || interface == SIZE_MAX) && change->interface_good[i] > good) {
            good = change->interface_good[i];
        }
    }
    return good;
}

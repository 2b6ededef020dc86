/* What bindings show: on which of a base's a reflexive candidate stands, who may keep it, and what its owner had and
 * nobody shows now (R3, R6). A mapping that several servers show is one candidate; it goes when the last of them lets it
 * go, and comes back when one of them shows it again. */
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/core.h"
#include "core/outbox/policy.h"
#include "core/server/server.h"
#include "core/source/binding_inside.h"
#include "core/source/relay.h"

bool floe_binding_is_wanted(const floe_core *core, const floe_binding *binding)
{
    FLOE_FOUND_AT(found, core, &binding->mapped)
    {
        const floe_binding *by = floe_found_binding(found);
        if (by != NULL && found->base == binding->base && floe_found_counts(found) &&
            (by == binding || by->state == FLOE_BINDING_FAILED)) {
            return true;
        }
    }
    return false;
}

bool floe_binding_is_awaited(const floe_binding *binding)
{
    FLOE_FOUND_ON(found, binding->base)
    {
        if (floe_found_binding(found) == binding && found->stale && !found->hidden) {
            return true;
        }
    }
    return false;
}

bool floe_binding_is_missed(const floe_core *core, const floe_binding *binding)
{
    FLOE_FOUND_AT(found, core, &binding->mapped)
    {
        if (floe_found_binding(found) != NULL && found->base == binding->base && found->stale &&
            !found->hidden) {
            return true;
        }
    }
    return false;
}

bool floe_binding_is_lost(const floe_core *core, const floe_binding *binding)
{
    return binding->lost && floe_reflexive_is_wanted(core);
}

/* Whether its owner has what it shows. */
static bool is_had(const floe_core *core, const floe_binding *binding)
{
    return floe_binding_is_missed(core, binding) || floe_binding_is_wanted(core, binding);
}

void floe_binding_lose(const floe_core *core, floe_binding *binding)
{
    binding->lost = binding->lost || is_had(core, binding);
}

/* What stands on the one stands on the other from now on; NULL: on none, and is withdrawn. */
static void hand_over(floe_core *core, const floe_binding *from, floe_binding *to)
{
    floe_found_hand_over(core, from->base, from, to, to != NULL ? to->server : NULL);
}

void floe_binding_claim(floe_core *core, floe_base *base, const floe_server *server,
                        const floe_address *remote)
{
    floe_binding *binding = floe_binding_find(base, remote);

    if (binding != NULL && !floe_server_current(core, binding->server)) {
        binding->server = server;
        hand_over(core, binding, binding);
    }
}

floe_binding *floe_binding_twin(const floe_core *core, const floe_binding *binding)
{
    FLOE_CHAIN_EACH(other, &binding->base->bindings, floe_binding, link)
    {
        if (other != binding && other->state != FLOE_BINDING_FAILED &&
            floe_server_current(core, other->server) &&
            floe_address_equal(&other->mapped, &binding->mapped)) {
            return other;
        }
    }
    return NULL;
}

bool floe_binding_needs_relay(const floe_core *core, const floe_base *base,
                              const floe_address *remote)
{
    const floe_binding *binding = floe_binding_find(base, remote);

    return binding != NULL && binding->mapped.family != FLOE_FAMILY_NONE && !binding->shown &&
           floe_binding_twin(core, binding) == NULL &&
           (binding->lost || floe_binding_is_wanted(core, binding) ||
            floe_binding_is_awaited(binding));
}

void floe_binding_let_go(floe_core *core, floe_binding *binding)
{
    if (binding->mapped.family != FLOE_FAMILY_NONE) {
        floe_binding *twin = floe_binding_twin(core, binding);
        hand_over(core, binding, twin);
        if (twin != NULL && twin->state == FLOE_BINDING_KNOWN && !floe_binding_is_asked(twin) &&
            floe_time_is_never(twin->keepalive)) {
            floe_binding_keep_from(core, twin, (floe_time){0}); /* it was not worth a packet */
        }
    }
    if (!binding->lost) { /* else whoever shows it again has found it */
        binding->mapped = (floe_address){0};
    }
    binding->contradicted = false;
}

void floe_bindings_contradict(floe_core *core, floe_time now, floe_base *base,
                              const floe_address *mapped)
{
    FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
    {
        if (floe_address_equal(&binding->mapped, mapped)) {
            binding->contradicted = true;
            if (!floe_binding_is_asked(binding)) { /* though its keepalive was not worth a packet */
                floe_binding_keep_from(core, binding, now);
            }
            floe_relays_doubt(core, now, base, &binding->remote);
        }
    }
}

bool floe_binding_take_over(floe_core *core, floe_binding *binding)
{
    bool lost = false;

    FLOE_CHAIN_EACH(other, &binding->base->bindings, floe_binding, link)
    {
        if (other == binding || !floe_address_equal(&other->mapped, &binding->mapped)) {
            continue;
        }
        if (floe_binding_waits(other)) {
            floe_binding_set_state(core, other, FLOE_BINDING_FAILED);
        }
        lost = lost || other->lost;
        other->lost = false;
        if (other->state == FLOE_BINDING_FAILED) {
            hand_over(core, other, binding);
        }
    }
    return lost;
}

/* Its server's name leads elsewhere by now, and there it has answered: until then what the old place
 * shows is what there is. */
static bool has_moved_away(const floe_core *core, const floe_binding *binding)
{
    const floe_names *names = &binding->server->names;
    bool elsewhere = false;

    for (size_t i = 0; i < names->place_count; i++) {
        const floe_address *to = &names->places[i].address;
        if (floe_address_equal(to, &binding->remote)) {
            return false;
        }
        elsewhere = elsewhere || floe_binding_known(binding->base, to);
    }
    return elsewhere && !core->listener->is_asked(binding->base, &binding->remote) &&
           !floe_relays_keep(core, binding->base, &binding->remote);
}

void floe_bindings_miss(floe_core *core, floe_base *base)
{
    FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
    {
        binding->lost = binding->lost || floe_binding_is_missed(core, binding);
        if (floe_binding_is_lost(core, binding) && !floe_binding_is_asked(binding) &&
            floe_time_is_never(binding->keepalive)) {
            floe_binding_keep_from(core, binding, (floe_time){0}); /* this gathering has not */
        }
    }
}

/* What its owner has by it, the new place is to show: that may be another mapping. */
static void pass_on(floe_core *core, const floe_binding *moved)
{
    const floe_names *names = &moved->server->names;

    for (size_t i = 0; i < names->place_count; i++) {
        floe_binding *to = floe_binding_find(moved->base, &names->places[i].address);
        if (to != NULL && to->state == FLOE_BINDING_KNOWN) {
            to->lost = true;
            floe_binding_keep_from(core, to, (floe_time){0});
        }
    }
}

void floe_bindings_sweep(floe_core *core, floe_base *base)
{
    FLOE_CHAIN_EACH_SAFE(binding, &base->bindings, floe_binding, link)
    {
        bool current = floe_server_current(core, binding->server);
        bool moved = current && has_moved_away(core, binding);
        if (moved && is_had(core, binding)) {
            pass_on(core, binding);
        }
        if (moved || !current) {
            floe_binding_free(core, binding);
        }
    }
}

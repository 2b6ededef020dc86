/* Which bases there are: one on each address that choice.c picks, each gathered on once it is open. */
#include "core/plan/bases.h"

#include "core/candidate/candidate.h"
#include "core/candidate/host.h"
#include "core/config/rewrite.h"
#include "core/config/shared.h"
#include "core/outbox/failure.h"
#include "core/outbox/policy.h"
#include "core/plan/choice.h"
#include "core/plan/pair.h"
#include "core/source/relay.h"
#include "core/source/standing.h"

/* False without memory. */
static bool set_interface_name(floe_core *core, floe_base *base, const char *name)
{
    floe_interface_name *shared =
        floe_shared_interface_name(core->shared, name != NULL ? name : "");

    if (shared == NULL) {
        floe_core_out_of_memory(core);
        return false;
    }
    floe_shared_forget_interface_name(core->shared, base->interface);
    base->interface = shared;
    return true;
}

static bool follow(floe_core *core, floe_base *base, const floe_interface_address *from,
                   uint16_t rank)
{
    if (!set_interface_name(core, base, from->interface_name)) {
        return false;
    }
    floe_base_set_interface(core, base, from->interface_index);
    base->rank = rank;
    return true;
}

static bool set_interface(floe_core *core, floe_base *base, const floe_interface_address *from,
                          uint16_t rank)
{
    if (!follow(core, base, from, rank)) {
        return false;
    }
    base->loopback =
        from->loopback || floe_address_classify(&from->address) == FLOE_ADDRESS_LOOPBACK;
    base->chosen = true;
    base->overdue = false;
    base->no_reflexive =
        floe_rewrite_replaces(floe_rewrite_for(core->shared, FLOE_CANDIDATE_TYPE_SRFLX, false,
                                               &base->local, floe_base_interface_name(base)),
                              &base->local);
    if (floe_tree_has(&base->by_ip)) { /* a new one is counted once it is opened */
        floe_base_changed(core, base);
    }
    return true;
}

/* All that can be said of an open base at once; then the servers are asked. */
static void gather_on(floe_core *core, floe_time now, floe_base *base)
{
    if (!floe_proxy_only(core->shared)) {
        floe_base_tell_hosts(core, now, base);
        floe_found_add_rewritten(core, now, base);
    }
    floe_pairs_make(core, now, base);
}

/* Its address is gone, or is not gathered on any more. */
static void leave(floe_core *core, floe_time now, floe_base *base)
{
    floe_relays_leave_base(core, now, base);
    if (base->state != FLOE_BASE_CLOSING) { /* a spare goes with its relay */
        floe_base_close(core, base);
    }
}

static bool new_base(floe_core *core, const floe_interface_address *from, uint16_t rank)
{
    floe_base *base = floe_base_new(core, &from->address);

    if (base == NULL) {
        return false;
    }
    if (!set_interface(core, base, from, rank) || !floe_base_name(core, base)) {
        floe_base_free(core, base);
        return false;
    }
    floe_base_open(core, base);
    floe_listener_want(core, base);
    return true;
}

/* It stands, or is opened again: it may open this time, and who is connected by TCP stays. */
static bool keep(floe_core *core, floe_base *base, const floe_interface_address *from,
                 uint16_t rank)
{
    if (!set_interface(core, base, from, rank)) {
        return false;
    }
    if (base->state == FLOE_BASE_FAILED) {
        floe_base_open_again(core, base);
    }
    floe_listener_want(core, base);
    return true;
}

/* Those that the list does not have any more; a spare goes with its original. */
static void close_others(floe_core *core, floe_time now)
{
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        const floe_base *original = base->spare ? floe_base_of_ip(core, &base->local) : base;
        bool stays = original != NULL && original->chosen;
        if (!stays && base->state != FLOE_BASE_CLOSING) {
            leave(core, now, base);
        }
    }
}

/* One that is open stays: what stands on it goes in its own time (L12). */
bool floe_bases_are_wanted(const floe_core *core)
{
    bool reflexive = floe_reflexive_is_wanted(core);
    bool any = reflexive && core->shared->rewrite_count > 0;

    if (core->types == FLOE_GATHER_TYPES || !floe_ring_empty(&core->bases) ||
        floe_hosts_are_wanted(core)) {
        return true;
    }
    for (size_t i = 0; i < core->set->count; i++) {
        any = any || reflexive || core->set->servers[i].url->turn;
    }
    return any && !core->shared->ice_lite;
}

void floe_bases_update(floe_core *core, floe_time now, const floe_interface_address *list,
                       size_t count)
{
    const floe_interface_address *best;
    floe_choice choice;
    bool good = true;

    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        base->chosen = false;
    }
    if (!floe_choice_begin(&choice, core, list, floe_bases_are_wanted(core) ? count : 0)) {
        return;
    }
    for (uint16_t rank = 0; good && (best = floe_choice_next(&choice)) != NULL;
         rank = (uint16_t)(rank < UINT16_MAX ? rank + 1 : rank)) {
        floe_base *base = floe_base_of_ip(core, &best->address);
        good = base != NULL ? keep(core, base, best, rank) : new_base(core, best, rank);
    }
    floe_choice_end(&choice, now);
    if (good) {
        close_others(core, now);
    }
    floe_relays_move_on(core, now);
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (base->state == FLOE_BASE_OPEN && !base->spare) {
            gather_on(core, now, base);
        } else if (base->state != FLOE_BASE_CLOSING && base->listener != NULL) {
            floe_base_tell_hosts(core, now, base); /* it listens, be its socket not open yet */
            floe_found_add_rewritten(core, now, base);
        }
    }
}

/* Neither of a gathering that has given it up, nor between two. */
static bool is_told(const floe_core *core, const floe_base *base)
{
    return !base->overdue && base->state != FLOE_BASE_CLOSING && core->interfaces_known;
}

void floe_base_listens(floe_core *core, floe_time now, floe_listener *listener,
                       const floe_address *local)
{
    floe_listener_opened(core, listener, local);
    if (is_told(core, listener->base)) {
        floe_base_tell_hosts(core, now, listener->base);
        floe_found_add_rewritten(core, now, listener->base);
        floe_pairs_make(core, now, listener->base); /* it may be asked for what a NAT shows of it */
    }
}

void floe_base_cannot_listen(floe_core *core, floe_time now, floe_listener *listener,
                             floe_error error)
{
    if (floe_listener_failed(core, listener, error) && is_told(core, listener->base)) {
        floe_base_tell_hosts(core, now, listener->base); /* it can connect all the same */
        floe_base_tell_no_listener(core, listener->base, error);
    }
}

void floe_base_tell_no_listener(floe_core *core, floe_base *base, floe_error error)
{
    floe_listener *listener = base->listener;
    bool again = listener->refused && listener->error == (uint8_t)-error;

    listener->error = (uint8_t)-error;
    listener->refused = true;
    if (!again) {
        floe_tell(core, &listener->error_output, FLOE_OUTPUT_LISTENER_ERROR);
    }
}

/* ── The network changes (N2) ── */

void floe_bases_find(floe_core *core, const floe_interface_address *list, size_t count)
{
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        base->chosen = false;
    }
    for (size_t i = 0; i < count; i++) {
        floe_base *base =
            floe_choice_permits(core, &list[i]) ? floe_base_of_ip(core, &list[i].address) : NULL;
        if (base != NULL) {
            base->chosen = true;
        }
    }
}

bool floe_bases_lack(const floe_core *core, const floe_address *address)
{
    const floe_base *base = floe_base_of_ip(core, address);

    return base == NULL || floe_base_failed_by(base, FLOE_ERR_ADDRESS_NOT_AVAILABLE);
}

bool floe_bases_could_not_open(const floe_core *core, const floe_address *address)
{
    const floe_base *base = floe_base_of_ip(core, address);

    return base != NULL && (base->state == FLOE_BASE_FAILED ||
                            (base->listener != NULL && base->listener->state == FLOE_BASE_FAILED));
}

bool floe_bases_add(floe_core *core, const floe_interface_address *from, uint16_t rank)
{
    floe_base *failed = floe_base_of_ip(core, &from->address);

    return failed != NULL ? keep(core, failed, from, rank) : new_base(core, from, rank);
}

void floe_base_follows(floe_core *core, floe_base *base, const floe_interface_address *from,
                       uint16_t rank)
{
    (void)follow(core, base, from, rank);
}

void floe_bases_leave(floe_core *core, floe_time now)
{
    close_others(core, now);
    floe_relays_move_on(core, now);
}

/* Those that wait for the base. */
static void settle_relays(floe_core *core, floe_time now, const floe_base *base)
{
    FLOE_RELAYS_ON(relay, base)
    {
        if (floe_relay_lives(relay) && (base->spare || relay->state == FLOE_RELAY_MOVES)) {
            floe_relay_base_settled(core, now, relay);
        }
    }
}

void floe_base_opened(floe_core *core, floe_time now, floe_base *base, const floe_address *local)
{
    floe_base_set_state(core, base, FLOE_BASE_OPEN);
    base->refused = false;
    base->local.port = local->port;
    settle_relays(core, now, base);
    if (!base->spare && !base->overdue && core->interfaces_known) {
        gather_on(core, now, base);
    }
}

void floe_base_tell_failure(floe_core *core, floe_base *base, floe_error error)
{
    const floe_base_past *past = base->past;
    bool again = base->refused && past != NULL && past->failure == FLOE_FAILURE_OPEN &&
                 past->error == (uint8_t)-error;
    floe_output *output = floe_base_fails(core, base, FLOE_FAILURE_OPEN, error);

    base->refused = true;
    if (output != NULL && !again) {
        floe_tell(core, output, FLOE_OUTPUT_BASE_ERROR);
    }
}

void floe_base_open_failed(floe_core *core, floe_time now, floe_base *base, floe_error error)
{
    if (error == FLOE_ERR_ADDRESS_IN_USE && base->ports_left > 0) {
        base->ports_left--;
        base->local.port = floe_shared_next_port(core->shared, base->local.port);
        floe_tell(core, &base->output, FLOE_OUTPUT_OPEN);
        return;
    }
    floe_base_set_state(core, base, FLOE_BASE_FAILED);
    base->local.port = 0;
    settle_relays(core, now, base);
    if (!base->spare && !base->overdue && core->interfaces_known) { /* else it is tried again */
        floe_base_tell_failure(core, base, error);
    }
}

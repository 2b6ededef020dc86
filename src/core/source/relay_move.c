/* Mobility (RFC 8016, T10): a relay whose address goes moves to another, and waits for one. */
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/core.h"
#include "core/outbox/outbox.h"
#include "core/server/server.h"
#include "core/source/relay_inside.h"

bool floe_relay_can_move(const floe_relay *relay)
{
    return relay->turn.state == FLOE_TURN_ALLOCATED && relay->turn.ticket != NULL &&
           !floe_relay_beside(relay->kind);
}

static bool asks(const floe_base *base, const floe_server *server)
{
    FLOE_RING_EACH(relay, floe_base_asked_for(base), floe_relay, of_origin)
    {
        if (floe_relay_lives(relay) && relay->server == server) {
            return true;
        }
    }
    return false;
}

/* Where the allocation can go on: at its own address, if that is back, or the best of the same family
 * that has none by this server. NULL: there is none. */
static floe_base *next_base(const floe_core *core, const floe_relay *relay)
{
    const floe_base *gone = relay->origin;
    floe_base *best = NULL;

    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        bool open = base->state == FLOE_BASE_OPENING || base->state == FLOE_BASE_OPEN;
        bool fits = base != gone && base->chosen && !base->spare && open &&
                    base->local.family == gone->local.family;
        if (!fits || asks(base, relay->server)) {
            continue;
        }
        if (floe_address_same_ip(&base->local, &gone->local)) {
            return base; /* it is back */
        }
        best = best == NULL || base->rank < best->rank ? base : best;
    }
    return best;
}

bool floe_relay_begin_move(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_relay_touch(core, relay);
    floe_relay_become(relay, FLOE_RELAY_MOVES);
    floe_turn_allocation_move(&relay->turn);
    if (!floe_relay_by_datagrams(relay)) {
        floe_relay_drop_connection(core, relay);
        if (relay->base->state != FLOE_BASE_OPEN) {
            return true; /* once that is open */
        }
        return floe_relay_open_way(core, now, relay);
    }
    floe_relay_take_turn(core, relay, true);
    return true;
}

/* The base goes: its relay moves to another, as soon as that is open; to a socket of its own there,
 * where another of ours stands by the server already. False: there is none. */
static bool leave(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_base *next = floe_relay_can_move(relay) ? next_base(core, relay) : NULL;
    floe_base *left = relay->base;
    floe_base *origin = relay->origin;
    floe_base *base = next;

    if (next != NULL && floe_relay_by_datagrams(relay) && floe_relay_is_used(relay, next)) {
        base = floe_base_spare(core, next);
    }
    if (base == NULL) {
        return false;
    }
    floe_unpace(core, &relay->paced);
    floe_untell(&relay->output);
    floe_relay_stand_on(relay, base, next);
    relay->check = FLOE_TIME_NEVER;
    floe_found_move(relay, left, base);
    floe_relay_close_spare(core, left); /* with nobody's candidate on it */
    floe_relay_forget_bases(core, left, origin);
    if (!floe_relay_begin_move(core, now, relay)) {
        floe_relay_lost(core, now, relay); /* it is asked for there, once there is memory */
    }
    return true;
}

/* It waits for an address to move to, for as long as its lifetime lasts: its server has it. */
bool floe_relay_waits_for_address(const floe_relay *relay)
{
    return relay->state == FLOE_RELAY_MOVES &&
           (relay->base->state == FLOE_BASE_CLOSING || relay->base->state == FLOE_BASE_FAILED);
}

static void strand(floe_core *core, floe_relay *relay)
{
    floe_relay_touch(core, relay);
    floe_unpace(core, &relay->paced);
    floe_untell(&relay->output);
    floe_relay_drop_connection(core, relay);
    relay->check = FLOE_TIME_NEVER;
    floe_relay_become(relay, FLOE_RELAY_MOVES);
    floe_turn_allocation_move(&relay->turn);
}

void floe_relays_move_on(floe_core *core, floe_time now)
{
    for (int others = 0; others < 2; others++) { /* whose address is back goes first */
        FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
        {
            const floe_base *next =
                floe_relay_waits_for_address(relay) ? next_base(core, relay) : NULL;
            if (next != NULL &&
                (others || floe_address_same_ip(&next->local, &relay->origin->local))) {
                (void)leave(core, now, relay);
            }
        }
    }
}

/* The next that stands on the base or was asked for it, behind `last`: looked for anew each time, as those
 * that leave are on its lists no more. */
static floe_relay *next_at(const floe_base *base, uint64_t last)
{
    if (base->spare) {
        return base->alone != NULL && base->alone->alarm.order > last ? base->alone : NULL;
    }
    FLOE_RING_EACH(relay, floe_base_asked_for(base), floe_relay, of_origin)
    {
        if (relay->alarm.order > last) {
            return relay;
        }
    }
    return NULL;
}

void floe_relays_leave_base(floe_core *core, floe_time now, const floe_base *base)
{
    floe_relays_leave_nothing(core, base);
    for (int silent = 0; silent < 2; silent++) { /* who may be dead takes nobody's place */
        floe_relay *relay;
        for (uint64_t last = 0; (relay = next_at(base, last)) != NULL;) {
            bool waits = relay->turn.transaction.sends > 1;
            last = relay->alarm.order;
            if (!floe_relay_lives(relay) || (!silent && waits) || leave(core, now, relay)) {
                continue;
            }
            if (floe_relay_can_move(relay)) {
                strand(core, relay);
            } else {
                floe_relay_release_for(core, now, relay, FLOE_WITHDRAWAL_ADDRESS_GONE);
            }
        }
    }
}

/* What a relay hears of: its machine, its connection, its socket and the time. */
#include "core/candidate/base.h"
#include "core/config/allowed.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/counters.h"
#include "core/outbox/failure.h"
#include "core/outbox/outbox.h"
#include "core/outbox/trace.h"
#include "core/server/server.h"
#include "core/socket/connection.h"
#include "core/source/pacer.h"
#include "core/source/peers.h"
#include "core/source/relay_inside.h"
#include "core/source/standing.h"
#include "core/source/stream.h"
#include "turn/peer.h"

/* T4b: an impossible address is left out; without any other the answer is a bad one. */
static bool sift_relayed(const floe_core *core, floe_relay *relay)
{
    for (size_t i = 2; i-- > 0;) {
        const floe_address *relayed = floe_turn_relayed(&relay->turn, i);
        if (relayed->family != FLOE_FAMILY_NONE &&
            !floe_address_believable(core->shared, relayed)) {
            floe_turn_drop_relayed(&relay->turn, i);
        }
    }
    return relay->turn.relayed.family != FLOE_FAMILY_NONE;
}

/* RFC 8656 §3.2: an allocation is known by its 5-tuple, and a server that makes one has none there.
 * So another of ours that stood there is gone: its server was restarted, or a NAT has forgotten the
 * mapping by which it stood. The server would take its Refresh for the new one's. */
static void end_those_before(floe_core *core, floe_time now, const floe_relay *relay)
{
    if (!floe_relay_by_datagrams(relay)) {
        return;
    }
    FLOE_RELAYS_ON(other, relay->base)
    {
        if (other != relay && floe_relay_uses(other, relay->base, &relay->turn.server) &&
            other->turn.state == FLOE_TURN_ALLOCATED &&
            !floe_address_equal(&relay->turn.relayed, &other->turn.relayed)) {
            other->turn.made = false; /* a Refresh of 0 would end the new one */
            floe_relay_lost(core, now, other);
        }
    }
}

static void succeed(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_address first = relay->turn.relayed;
    if (!sift_relayed(core, relay)) {
        floe_failure failure = {.kind = FLOE_FAILURE_BAD_ANSWER, .remote = relay->turn.server};
        floe_failure_set_impossible(core, &failure, "it names an impossible relayed address",
                                    &first, ": are the server's relay-ip and external-ip right?");
        floe_relay_fail(core, now, relay, failure);
        return;
    }
    if (!floe_relay_awaited(relay) &&
        (floe_relay_needless(relay) || floe_relay_another_serves(relay))) {
        floe_relay_release(core, now, relay);
        return;
    }
    floe_relay_become(relay, FLOE_RELAY_STANDS);
    relay->in_vain = false;
    relay->had_at = *floe_relay_asked(relay);
    relay->waits = false;
    floe_relay_nothing_left(core, relay);
    if (relay->connection != NULL) {
        relay->connection->framer.measure = floe_frame_measure;
    }
    if (relay->attempt == NULL) {
        core->listener->adopt(core, now, relay); /* it was asked for before a restart */
    }
    if (!floe_relay_is_quiet(relay)) { /* of what nobody is told, nobody is told that it is lost */
        core->listener->relay_back(core, relay);
    }
    if (relay->attempt != NULL && floe_relay_mapped_of(core, relay).family == FLOE_FAMILY_NONE) {
        core->listener->asks_reflexive(core, relay->attempt);
    }
    floe_relay_stands(core, now, relay, true);
    end_those_before(core, now, relay);
    floe_relay_unsettle(core, relay);
}

void floe_relay_base_settled(floe_core *core, floe_time now, floe_relay *relay)
{
    bool open = relay->base->state == FLOE_BASE_OPEN;

    floe_relay_touch(core, relay);
    if (relay->state == FLOE_RELAY_MOVES) {
        if (!open && relay->base->spare) {
            floe_relay_release(core, now, relay);
        } else if (open &&
                   !floe_relay_begin_move(core, now, relay)) { /* else it waits for another */
            floe_relay_lost(core, now, relay);
        }
        return;
    }
    if (!open) {
        floe_base *spare = relay->base;
        floe_relay_stand_on(relay, relay->origin, relay->origin);
        floe_base_close(core, spare);
    }
    if (relay->turn.wants) { /* nobody has been asked by it yet */
        floe_relay_take_turn(core, relay, false);
    } else if (open) {
        floe_failure failure = {.kind = FLOE_FAILURE_MEMORY, .remote = relay->turn.server};
        if (!floe_relay_restart(core, now, relay, relay->turn.account, &relay->turn.server)) {
            floe_relay_fail(core, now, relay, failure);
        }
    } else if (!floe_relay_reclaim(core, relay)) {
        floe_relay_fail(core, now, relay,
                        floe_relay_failure_of(core, relay, &relay->turn.transaction, now));
    }
}

static void disconnected(floe_core *core, floe_time now, void *owner, floe_failure failure)
{
    floe_relay *relay = owner;
    bool had = relay->turn.state == FLOE_TURN_ALLOCATED;

    floe_relay_touch(core, relay);
    relay->connection = NULL;
    floe_streams_end(core, relay);
    /* T8: to a server that takes no protocol of ours (ALPN) another connection names none. */
    if (failure.kind == FLOE_FAILURE_SECURE && failure.detail != 0 &&
        floe_relay_restart(core, now, relay, relay->turn.account, &relay->turn.server)) {
        floe_failure_release(core->shared, &failure);
        return;
    }
    if (floe_relay_can_move(relay) && relay->state == FLOE_RELAY_STANDS &&
        floe_relay_begin_move(core, now, relay)) {
        floe_failure_release(core->shared, &failure);
        return;
    }
    relay->turn.made = false; /* RFC 8656 §3.1: with its connection an allocation goes */
    if (had) {
        floe_relay_lose(core, now, relay, failure);
    } else {
        floe_relay_fail(core, now, relay, failure);
    }
}

static void connected(floe_core *core, floe_time now, void *owner)
{
    (void)now;
    floe_relay_take_turn(core, owner, true);
}

static bool message(floe_core *core, floe_time now, void *owner, floe_span frame,
                    floe_packet *packet)
{
    return floe_relay_message(core, now, owner, frame, packet);
}

static void leaves(void *owner, floe_time now)
{
    floe_relay *relay = owner;

    floe_stun_transaction_leaves(&relay->turn.transaction, now);
}

static void unreachable(floe_core *core, floe_time now, void *owner, floe_unreachable reason)
{
    floe_relay_unreachable(core, now, owner, reason, true); /* what came back is encrypted */
}

static void changed(floe_core *core, void *owner)
{
    floe_relay_touch(core, owner);
}

const floe_connection_owner floe_relay_connection_owner = {.ready = connected,
                                                           .message = message,
                                                           .gone = disconnected,
                                                           .leaves = leaves,
                                                           .changed = changed,
                                                           .unreachable = unreachable};

/* A Refresh was not granted, which is asked again. To a gathering that waits for it a server in
 * trouble has said nothing against what it has granted before; of another refusal the second try
 * tells, in time. */
static void refused(floe_core *core, floe_time now, floe_relay *relay)
{
    if (floe_relay_serves(relay) && floe_relay_awaited(relay) &&
        relay->turn.failure.code / 100 == 5) {
        floe_relay_stands(core, now, relay, false);
    }
}

/* The one place where the machine's events become the gatherer's. */
static void happened(floe_core *core, floe_time now, floe_relay *relay, floe_turn_event event,
                     const floe_stun_transaction *before)
{
    if (event != FLOE_TURN_NOTHING) {
        floe_untell(&relay->output); /* what waits to be sent has been answered, or is over */
    }
    if (relay->state == FLOE_RELAY_LEFT) {
        floe_relay_left_happened(core, now, relay, event);
        return;
    }
    switch (event) {
    case FLOE_TURN_NOTHING:
    case FLOE_TURN_RELEASED:
    case FLOE_TURN_DOUBT: /* of its peers' alone */
        break;
    case FLOE_TURN_SEND:
        floe_relay_request_goes(core, now, relay);
        if (floe_relay_by_datagrams(relay)) {
            floe_tell(core, &relay->output, FLOE_OUTPUT_SEND_RELAY);
        } else if (relay->connection != NULL) {
            floe_relay_send_now(core, now, relay);
        }
        break;
    case FLOE_TURN_PROGRESS:
        if (relay->turn.wants) {
            floe_relay_take_turn(core, relay, true);
        }
        break;
    case FLOE_TURN_GRANTED:
        relay->losses = 0;
        if (!floe_relay_is_quiet(relay)) { /* an outage may have hidden it from the gathering */
            core->listener->relay_back(core, relay);
        }
        floe_relay_stands(core, now, relay, false);
        break;
    case FLOE_TURN_REFUSED:
        refused(core, now, relay);
        break;
    case FLOE_TURN_SUCCESS:
        succeed(core, now, relay);
        break;
    case FLOE_TURN_MISMATCH:
        if (floe_relay_mend_mismatch(core, now, relay)) {
            break;
        }
        /* fall through */
    case FLOE_TURN_FAILED:
        floe_relay_fail(core, now, relay, floe_relay_failure_of(core, relay, before, now));
        break;
    case FLOE_TURN_REDIRECT:
        floe_relay_redirect(core, now, relay);
        break;
    case FLOE_TURN_LOST:
        floe_relay_lose(core, now, relay, floe_relay_failure_of(core, relay, before, now));
        break;
    }
}

void floe_relay_begin(floe_core *core, floe_time now, floe_paced *paced)
{
    floe_relay *relay = FLOE_CONTAINER(paced, floe_relay, paced);

    if (!relay->turn.wants || !floe_relay_has_way(relay)) { /* lost in the queue */
        return;
    }
    floe_relay_touch(core, relay);
    floe_turn_event event = floe_turn_allocation_begin(&relay->turn, now);

    happened(core, now, relay, event, &relay->turn.transaction);
}

bool floe_relay_receive(floe_core *core, floe_time now, floe_relay *relay,
                        const floe_address *source, const floe_stun_message *message)
{
    floe_stun_transaction before = relay->turn.transaction;
    floe_stun_match match;
    floe_turn_event event =
        floe_turn_allocation_receive(&relay->turn, now, source, message, &match);

    if (floe_stun_is_forged(match)) {
        core->shared->dropped++;
        floe_relay_trace(core, now, FLOE_TRACE_DROPPED, relay, &before, message,
                         floe_trace_of_forged(match));
        if (event == FLOE_TURN_NOTHING && floe_relay_by_datagrams(relay)) {
            floe_relay_is_there(core, relay); /* coturn signs nothing to a realm of before */
        }
        happened(core, now, relay, event, &before);
        return true;
    }
    if (match != FLOE_STUN_BELIEVED) {
        return false;
    }
    if (floe_relay_by_datagrams(relay)) {
        floe_relays_left_hurry(core, now, &relay->turn.server);
    }
    relay->base->answered = relay->origin->answered = relay->heard_of = true;
    floe_base_changed(core, relay->base);
    floe_base_changed(core, relay->origin);
    if (relay->attempt != NULL) {
        core->listener->answered(relay->attempt, false);
    }
    if (!before.answered) { /* what comes twice is one answer (L15) */
        floe_count_received(core, &relay->counters, now, &before, message);
    }
    floe_relay_trace(core, now, FLOE_TRACE_RECEIVED, relay, &before, message, "");
    happened(core, now, relay, event, &before);
    return true;
}
/* Nothing listens at the server's port: so often said to a Refresh, it is believed. */
#define REFUSED_SENDS 3U

void floe_relay_unreachable(floe_core *core, floe_time now, floe_relay *relay,
                            floe_unreachable reason, bool asked)
{
    const floe_stun_transaction *transaction = &relay->turn.transaction;
    floe_failure failure =
        floe_failure_of(FLOE_FAILURE_UNREACHABLE, transaction, &relay->turn.server, now);
    bool allocated = relay->turn.state == FLOE_TURN_ALLOCATED;

    floe_relay_touch(core, relay);
    failure.detail = (uint8_t)reason;
    failure.transport = relay->connection != NULL ? relay->connection->transport : 0;
    if (!allocated && (!asked || relay->turn.state != FLOE_TURN_ALLOCATING)) {
        return;
    }
    floe_relay_trace(core, now, FLOE_TRACE_UNREACHABLE, relay, transaction, NULL, "");
    if (!allocated) {
        floe_relay_fail(core, now, relay, failure);
    } else if (asked && reason == FLOE_UNREACHABLE_PORT && transaction->sends >= REFUSED_SENDS) {
        floe_relay_lose(core, now, relay, failure);
    } else { /* it may be a moment's: the Refresh has time to be repeated */
        floe_relay_doubt(core, relay, now);
    }
}

floe_time floe_relay_deadline(const floe_relay *relay)
{
    floe_time deadline = floe_time_min(relay->retry, relay->check);

    if (floe_relay_waits_for_address(relay)) {
        return floe_time_min(relay->turn.expires, relay->leaves);
    }

    deadline = floe_time_min(deadline, floe_relay_back_at(relay));

    deadline = floe_time_min(deadline, relay->leaves);
    deadline = floe_time_min(deadline, floe_relay_silent_at(relay));
    deadline = floe_time_min(deadline, floe_turn_allocation_deadline(&relay->turn));
    deadline = floe_time_min(deadline, floe_streams_deadline(relay));
    return floe_time_min(deadline, floe_turn_peers_deadline(&relay->turn));
}

void floe_relay_time(floe_core *core, floe_time now, floe_relay *relay)
{
    if (relay->state == FLOE_RELAY_LEFT) {
        floe_relay_left_time(core, now, relay);
        return;
    }
    if (floe_relay_waits_for_address(relay)) {
        if (floe_time_reached(now, floe_time_min(relay->turn.expires, relay->leaves))) {
            floe_relay_release(core, now, relay);
        }
        return;
    }
    if (floe_time_reached(now, relay->leaves)) {
        floe_relay_leave_now(core, now, relay);
        return;
    }
    if (floe_time_reached(now, relay->retry)) {
        floe_relay_ask_again(core, now, relay);
        return;
    }
    if (floe_time_reached(now, relay->check)) {
        floe_relay_set_check(core, now, relay);
        floe_turn_refresh_now(&relay->turn, now);
    }
    floe_relay_peers_time(core, now, relay);
    floe_streams_time(core, now, relay);
    floe_stun_transaction before = relay->turn.transaction;
    floe_turn_event event = floe_turn_allocation_time(&relay->turn, now);

    if (relay->turn.wants) {
        floe_relay_take_turn(core, relay, false);
    }
    if (event == FLOE_TURN_FAILED || event == FLOE_TURN_LOST) {
        floe_relay_trace(core, now, FLOE_TRACE_GAVE_UP, relay, &before, NULL, "");
    }
    if (floe_time_reached(now, floe_relay_silent_at(relay))) {
        floe_relay_lost(core, now, relay);
        return;
    }
    if (floe_time_reached(now, floe_relay_back_at(relay))) {
        (void)floe_turn_allocation_lost(&relay->turn, 0, (floe_span){0});
        floe_relay_fail(core, now, relay,
                        floe_failure_of(FLOE_FAILURE_TIMEOUT, &before, &relay->turn.server, now));
        return;
    }
    happened(core, now, relay, event, &before);
}

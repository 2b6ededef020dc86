/* A relay: the gatherer's side of one TURN allocation: its pacing, its packets, its candidate, and
 * the other local port after a 437 (T6). */
#include "core/gatherer.h"

#include <string.h>

floe_relay *floe_relay_new(floe_core *core, floe_attempt *attempt, const floe_address *remote)
{
    floe_relay *relay = floe_allocate(&core->shared->allocator, sizeof *relay);
    const floe_server *server = attempt->pair->server;

    if (relay == NULL) {
        floe_core_out_of_memory(core);
        return NULL;
    }
    relay->paced.relay = true;
    relay->attempt = attempt;
    relay->server = server;
    relay->base = relay->origin = attempt->pair->base;
    floe_turn_allocation_init(&relay->turn, &core->shared->random, server->account, remote,
                              core->shared->rto, false);
    floe_list_append(&core->relays, &relay->link);
    if (floe_turn_allocation_start(&relay->turn) != FLOE_OK) {
        floe_relay_free(core, relay);
        floe_core_out_of_memory(core);
        return NULL;
    }
    floe_pace(core, &relay->paced, false);
    return relay;
}

/* The attempt keeps what was counted. */
static void forget_attempt(floe_relay *relay)
{
    if (relay->attempt != NULL) {
        relay->attempt->counters = relay->counters;
        relay->attempt->relay = NULL;
        relay->attempt = NULL;
    }
}

void floe_relay_free(floe_core *core, floe_relay *relay)
{
    forget_attempt(relay);
    floe_list_remove(&relay->paced.link);
    floe_untell(&relay->output);
    floe_list_remove(&relay->link);
    floe_turn_allocation_free(&relay->turn);
    floe_deallocate(&core->shared->allocator, relay);
}

void floe_relay_release(floe_core *core, floe_relay *relay)
{
    forget_attempt(relay);
    floe_list_remove(&relay->paced.link);
    floe_untell(&relay->output);
    if (floe_turn_allocation_release(&relay->turn)) {
        relay->phase = FLOE_RELAY_RELEASING;
        floe_tell(core, &relay->output, FLOE_OUTPUT_SEND_RELAY);
    } else {
        relay->phase = FLOE_RELAY_ENDED;
    }
}

bool floe_relays_need(const floe_core *core, const floe_base *base, const floe_address *server)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->phase == FLOE_RELAY_LIVE && relay->base == base &&
            floe_address_equal(&relay->turn.server, server)) {
            return true;
        }
    }
    return false;
}

floe_relay *floe_relay_of(const floe_core *core, const floe_base *base, const floe_server *server)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->phase == FLOE_RELAY_LIVE && relay->origin == base && relay->server == server &&
            relay->turn.state == FLOE_TURN_ALLOCATED) {
            return relay;
        }
    }
    return NULL;
}

floe_relay *floe_relay_under_way(const floe_core *core, const floe_base *base,
                                 const floe_server *server, const floe_address *remote)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->phase == FLOE_RELAY_LIVE && relay->origin == base && relay->server == server &&
            relay->attempt == NULL && floe_address_equal(&relay->turn.server, remote)) {
            return relay;
        }
    }
    return NULL;
}

void floe_relays_release_base(floe_core *core, const floe_base *base)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->phase == FLOE_RELAY_LIVE && (relay->origin == base || relay->base == base)) {
            floe_found_withdraw(core, relay);
            floe_relay_release(core, relay);
        }
    }
}

void floe_relays_sweep(floe_core *core)
{
    FLOE_LIST_EACH_SAFE(relay, &core->relays, floe_relay, link)
    {
        if (relay->phase == FLOE_RELAY_ENDED) {
            floe_relay_free(core, relay);
        }
    }
}

/* Why the machine ended, with the transaction as it stood before. */
static floe_failure failure_of(const floe_core *core, const floe_relay *relay,
                               const floe_stun_transaction *transaction, floe_time now)
{
    static const uint8_t kinds[] = {
        [FLOE_TURN_FAILURE_NONE] = FLOE_FAILURE_TIMEOUT,
        [FLOE_TURN_FAILURE_TIMEOUT] = FLOE_FAILURE_TIMEOUT,
        [FLOE_TURN_FAILURE_ERROR_RESPONSE] = FLOE_FAILURE_SERVER,
        [FLOE_TURN_FAILURE_CREDENTIALS] = FLOE_FAILURE_CREDENTIALS,
        [FLOE_TURN_FAILURE_BAD_ANSWER] = FLOE_FAILURE_BAD_ANSWER,
        [FLOE_TURN_FAILURE_LOCAL] = FLOE_FAILURE_MEMORY,
    };
    const floe_turn_failure *of = &relay->turn.failure;
    floe_failure failure =
        floe_failure_of((floe_failure_kind)kinds[of->kind], transaction, &relay->turn.server, now);

    failure.code = of->code;
    floe_failure_set_reason(core, &failure, of->reason);
    return failure;
}

/* The attempt is over; what the server may still hold of it is given back. */
static void fail(floe_core *core, floe_time now, floe_relay *relay, floe_failure failure)
{
    floe_attempt *attempt = relay->attempt;

    floe_relay_release(core, relay);
    if (attempt != NULL) {
        floe_attempt_failed(core, now, attempt, failure);
    } else {
        floe_failure_release(core->shared, &failure);
    }
}

static floe_address mapped_of(const floe_core *core, const floe_relay *relay)
{
    floe_address mapped = {0};

    if (relay->turn.mapped.family == FLOE_FAMILY_NONE ||
        !floe_mapped_address(core, relay->base, &relay->turn.mapped, &mapped)) {
        mapped = (floe_address){0};
    }
    return mapped;
}

void floe_relay_tell(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_address relayed = floe_address_normalise(relay->turn.relayed);
    floe_address mapped = mapped_of(core, relay);
    floe_finding finding = {.type = FLOE_CANDIDATE_TYPE_RELAY,
                            .base = relay->base,
                            .server = relay->server,
                            .source = relay,
                            .remote = &relay->turn.server,
                            .address = &relayed,
                            .related = &mapped};

    relay->base->has_relay = relay->origin->has_relay = true;
    (void)floe_found_add(core, now, &finding);
}

static void succeed(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_address relayed = floe_address_normalise(relay->turn.relayed);

    if (!floe_address_believable(core, &relayed)) {
        floe_failure failure = {.kind = FLOE_FAILURE_BAD_ANSWER, .remote = relay->turn.server};
        floe_failure_set_reason(core, &failure, "it names an impossible relayed address");
        fail(core, now, relay, failure);
        return;
    }
    floe_address mapped = mapped_of(core, relay);
    floe_binding_adopt(core, now, relay->base, relay->server, &relay->turn.server, &mapped);
    floe_relay_tell(core, now, relay);
    if (relay->attempt == NULL) {
        floe_pairs_adopt(core, relay); /* it was asked for before a restart */
    }
    if (relay->attempt != NULL) {
        floe_attempt_succeeded(core, relay->attempt);
    }
}

/* T6: another local port, once; where there is none, the stranger's allocation is deleted, once. */
static bool mend_mismatch(floe_core *core, floe_relay *relay)
{
    if (!relay->base->spare && !relay->turn.reclaimed_once) {
        floe_base *spare = floe_base_spare(core, relay->base);
        if (spare != NULL) {
            relay->base = spare;
            return true;
        }
    }
    if (floe_turn_allocation_reclaim(&relay->turn)) {
        floe_pace(core, &relay->paced, true);
        return true;
    }
    return false;
}

void floe_relay_base_settled(floe_core *core, floe_time now, floe_relay *relay)
{
    if (relay->base->state != FLOE_BASE_OPEN) {
        relay->base = relay->origin;
        if (floe_turn_allocation_reclaim(&relay->turn)) {
            floe_pace(core, &relay->paced, true);
        }
        return;
    }
    floe_turn_account *account = floe_turn_account_share(relay->turn.account);
    floe_address server = relay->turn.server;
    floe_turn_allocation_free(&relay->turn);
    floe_turn_allocation_init(&relay->turn, &core->shared->random, account, &server,
                              core->shared->rto, false);
    floe_turn_account_release(account);
    if (floe_turn_allocation_start(&relay->turn) != FLOE_OK) {
        floe_failure failure = {.kind = FLOE_FAILURE_MEMORY, .remote = server};
        fail(core, now, relay, failure);
        return;
    }
    floe_pace(core, &relay->paced, true);
}

/* The one place where the machine's events become the gatherer's. */
static void happened(floe_core *core, floe_time now, floe_relay *relay, floe_turn_event event,
                     const floe_stun_transaction *before)
{
    switch (event) {
    case FLOE_TURN_NOTHING:
        break;
    case FLOE_TURN_SEND:
        floe_count_sent(core, &relay->counters, now, relay->turn.transaction.sends > 1);
        floe_trace_packet(
            core, now, relay->turn.transaction.sends > 1 ? FLOE_TRACE_SENT_AGAIN : FLOE_TRACE_SENT,
            relay->base, &relay->turn.server, relay->server, &relay->turn.transaction, NULL, "");
        floe_tell(core, &relay->output, FLOE_OUTPUT_SEND_RELAY);
        break;
    case FLOE_TURN_PROGRESS:
        if (relay->turn.wants) {
            floe_pace(core, &relay->paced, true);
        }
        break;
    case FLOE_TURN_SUCCESS:
        succeed(core, now, relay);
        break;
    case FLOE_TURN_MISMATCH:
        if (mend_mismatch(core, relay)) {
            break;
        }
        /* fall through */
    case FLOE_TURN_FAILED:
        fail(core, now, relay, failure_of(core, relay, before, now));
        break;
    case FLOE_TURN_LOST:
        floe_found_withdraw(core, relay);
        floe_relay_release(core, relay);
        break;
    }
}

void floe_relay_begin(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_turn_event event = floe_turn_allocation_begin(&relay->turn, now);

    happened(core, now, relay, event, &relay->turn.transaction);
}

bool floe_relay_receive(floe_core *core, floe_time now, floe_relay *relay,
                        const floe_address *source, const floe_stun_message *message)
{
    floe_stun_transaction before = relay->turn.transaction;
    floe_base *base = relay->base;
    floe_stun_match match;
    floe_turn_event event =
        floe_turn_allocation_receive(&relay->turn, now, source, message, &match);

    if (match == FLOE_STUN_NO_INTEGRITY || match == FLOE_STUN_BAD_INTEGRITY) {
        core->shared->dropped++;
        floe_trace_packet(core, now, FLOE_TRACE_DROPPED, base, source, relay->server, &before,
                          message, "its integrity does not match");
        return true;
    }
    if (match != FLOE_STUN_BELIEVED) {
        return false;
    }
    base->answered = relay->origin->answered = true;
    floe_count_received(core, &relay->counters, now, &before, message);
    floe_trace_packet(core, now, FLOE_TRACE_RECEIVED, base, source, relay->server, &before, message,
                      "");
    happened(core, now, relay, event, &before);
    return true;
}

void floe_relay_unreachable(floe_core *core, floe_time now, floe_relay *relay,
                            floe_unreachable reason)
{
    /* A kept allocation is not given up for an ICMP error: its Refresh has time to be repeated. */
    if (relay->turn.state != FLOE_TURN_ALLOCATING ||
        !floe_stun_transaction_runs(&relay->turn.transaction)) {
        return;
    }
    floe_failure failure = floe_failure_of(FLOE_FAILURE_UNREACHABLE, &relay->turn.transaction,
                                           &relay->turn.server, now);
    failure.detail = (uint8_t)reason;
    floe_trace_packet(core, now, FLOE_TRACE_UNREACHABLE, relay->base, &relay->turn.server,
                      relay->server, &relay->turn.transaction, NULL, "");
    fail(core, now, relay, failure);
}

void floe_relay_time(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_stun_transaction before = relay->turn.transaction;
    floe_turn_event event = floe_turn_allocation_time(&relay->turn, now);

    if (relay->turn.wants) {
        floe_pace(core, &relay->paced, false);
    }
    if (event == FLOE_TURN_FAILED || event == FLOE_TURN_LOST) {
        floe_trace_packet(core, now, FLOE_TRACE_GAVE_UP, relay->base, &relay->turn.server,
                          relay->server, &before, NULL, "");
    }
    happened(core, now, relay, event, &before);
}

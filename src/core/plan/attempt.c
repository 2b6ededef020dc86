/* One address of a server that a pair asks: how it begins, and what its success or failure means for those
 * beside it (T1, T6). */
#include "core/source/attempt.h"
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/failure.h"
#include "core/outbox/policy.h"
#include "core/plan/pair_inside.h"
#include "core/server/server.h"
#include "core/socket/connection.h"
#include "core/source/binding.h"
#include "core/source/relay.h"
#include "core/source/tcp_mapping.h"

void floe_attempt_stop(floe_core *core, floe_time now, floe_attempt *attempt)
{
    floe_attempt_set_start(core, attempt, FLOE_TIME_NEVER);
    if (attempt->relay != NULL) {
        /* Of an earlier gathering too, when it moves. */
        floe_relay_release(core, now, attempt->relay);
    }
    if (floe_pair_by_tcp(attempt->pair)) {
        floe_tcp_mapping_leave(attempt->pair->base->listener, attempt);
    }
}

/* R2: beside what is asked of a TURN server goes a Binding to it. */
static floe_binding *ask_reflexive_at(floe_core *core, const floe_pair *pair,
                                      const floe_place *place)
{
    const floe_server *server = pair->server;
    bool useful =
        !server->url->turn || (place->transport == FLOE_PROTOCOL_UDP &&
                               floe_reflexive_is_wanted(core) && !pair->base->no_reflexive);

    return useful ? floe_binding_to(core, pair->base, server, &place->address) : NULL;
}

floe_binding *floe_attempt_ask_reflexive(floe_core *core, const floe_attempt *attempt)
{
    floe_place place = {.address = attempt->remote, .transport = attempt->transport};

    return ask_reflexive_at(core, attempt->pair, &place);
}

/* One that was asked for before, that nobody waits for any more, and that will do for the attempt: it asks
 * there, or where its server is no longer. NULL: none. */
static floe_relay *relay_under_way(const floe_attempt *attempt)
{
    const floe_pair *pair = attempt->pair;
    floe_relay *astray = NULL;

    FLOE_RING_EACH(relay, floe_base_asked_for(pair->base), floe_relay, of_origin)
    {
        if (floe_relay_lives(relay) && relay->server == pair->server &&
            floe_relay_same_kind(relay->kind, pair->kind) && relay->attempt == NULL) {
            if (relay->transport == attempt->transport &&
                floe_address_equal(floe_relay_asked(relay), &attempt->remote)) {
                return relay;
            }
            if (relay->state == FLOE_RELAY_LOST &&
                !floe_server_is_at(pair->server, floe_relay_asked(relay), relay->transport)) {
                astray = relay;
            }
        }
    }
    return astray;
}

/* What a server has told one of us is an answer to all: who is full, or refuses the credentials, is
 * not asked again (RFC 8656 §7.4). What it can show without an allocation is. */
static void refuse(floe_core *core, floe_time now, floe_attempt *attempt, floe_failure_kind kind,
                   uint16_t code)
{
    const floe_pair *pair = attempt->pair;
    floe_relay *relay = attempt->relay;
    floe_failure failure = {
        .kind = (uint8_t)kind, .code = code, .remote = attempt->remote, .unasked = true};

    floe_attempt_set_start(core, attempt, FLOE_TIME_NEVER);
    if (relay == NULL) {
        relay = relay_under_way(attempt);
    }
    if (relay != NULL && floe_relay_is_had(relay)) {
        floe_relay_leave_gathering(core, relay); /* it needs no other: it moves (T10) */
    } else if (relay != NULL && kind == FLOE_FAILURE_CREDENTIALS) {
        floe_relay_release(core, now, relay); /* time mends nothing */
    } else if (relay != NULL) {
        floe_relay_await_room(core, now, relay);
    }
    if (!floe_relay_beside(pair->kind)) {
        (void)floe_attempt_ask_reflexive(core, attempt);
    }
    floe_attempt_failed(core, now, attempt, failure);
}

/* By whichever transport and port: behind another address is another machine, maybe. */
static void refuse_all(floe_core *core, floe_time now, floe_server *server, floe_failure_kind kind,
                       uint16_t code, const floe_address *by)
{
    FLOE_CHAIN_EACH(pair, &server->pairs, floe_pair, of_server)
    {
        FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            bool begun = attempt->relay != NULL &&
                         (floe_stun_transaction_runs(&attempt->relay->turn.transaction) ||
                          attempt->relay->turn.state == FLOE_TURN_ALLOCATED);
            if (attempt->progress == FLOE_PENDING && !begun && !pair->yielded &&
                floe_address_same_ip(&attempt->remote, by)) {
                refuse(core, now, attempt, kind, code);
            }
        }
    }
}

void floe_pair_hurry(floe_core *core, floe_pair *pair, floe_time now, bool all)
{
    FLOE_CHAIN_EACH(next, &pair->attempts, floe_attempt, link)
    {
        if (next->progress == FLOE_PENDING && !floe_time_is_never(next->start)) {
            floe_attempt_set_start(core, next, floe_time_min(next->start, now));
            if (!all) {
                break;
            }
        }
    }
}

/* What comes next need not wait any longer: another address, or the other family. */
static void hurry_next(floe_core *core, floe_pair *pair, floe_time now)
{
    floe_pair_hurry(core, pair, now, false);
    if (!pair->server->url->turn) {
        return;
    }
    FLOE_BASE_RIVALS(rival, pair->base)
    {
        FLOE_CHAIN_EACH(other, &rival->pairs, floe_pair, of_base)
        {
            if (other->server == pair->server) {
                floe_pair_hurry(core, other, now, false);
            }
        }
    }
}

/* No Binding went beside an Allocate that was sure to be taken, and was not (R2). */
void floe_attempt_asks_reflexive(floe_core *core, const floe_attempt *attempt)
{
    const floe_server *server = attempt->pair->server;

    if (server->url->turn && !attempt->pair->yielded && !floe_relay_beside(attempt->pair->kind) &&
        (attempt->shows || floe_turn_account_holds_for_all(server->account))) {
        (void)floe_attempt_ask_reflexive(core, attempt);
    }
}

void floe_attempt_failed(floe_core *core, floe_time now, floe_attempt *attempt,
                         floe_failure failure)
{
    floe_pair *pair = attempt->pair;
    bool relays = pair->server->url->turn && !pair->yielded && !floe_relay_beside(pair->kind);
    floe_failure_kind kind = (floe_failure_kind)failure.kind;
    bool of_all = floe_failure_is_full(&failure) || kind == FLOE_FAILURE_CREDENTIALS;
    uint16_t told = relays && of_all && !failure.unasked ? failure.code : 0;
    bool answered = failure.kind == FLOE_FAILURE_SERVER || failure.kind == FLOE_FAILURE_CREDENTIALS;

    if (attempt->progress != FLOE_PENDING) {
        floe_failure_release(core->shared, &failure);
        return;
    }
    floe_attempt_set_progress(core, attempt, FLOE_FAILED);
    floe_pair_set_alarm(core, pair);
    failure.late = attempt->late;
    failure.garbled = attempt->garbled;
    if (pair->progress == FLOE_PENDING && floe_pair_first_pending(pair) == NULL) {
        floe_pair_failed(core, pair, failure);
    } else if (pair->progress == FLOE_PENDING) {
        floe_pair_note_failure(core, pair, failure);
    } else {
        floe_failure_release(core->shared, &failure);
    }
    hurry_next(core, pair, now);
    if (answered) {
        floe_attempt_asks_reflexive(core, attempt);
    }
    if (told != 0) {
        refuse_all(core, now, pair->server, kind, told, &attempt->remote);
    }
}

/* Whether it has something by its base's own socket. */
static bool shows_mapping(const floe_pair *pair)
{
    FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (attempt->progress == FLOE_SUCCEEDED && attempt->transport == FLOE_PROTOCOL_UDP) {
            return true;
        }
    }
    return false;
}

bool floe_pair_may_ask(const floe_core *core, const floe_base *base, const floe_place *place)
{
    bool by_tcp = place->transport == FLOE_PROTOCOL_TCP || place->transport == FLOE_PROTOCOL_TLS;

    return place->ready && (by_tcp || floe_gathers_udp(core->shared, base->local.family)) &&
           floe_base_asks(core, base, &place->address);
}

void floe_pair_ask_beside_connection(floe_core *core, const floe_pair *pair)
{
    const floe_names *names = &pair->server->names;

    if (!pair->server->url->turn || floe_relay_beside(pair->kind) || shows_mapping(pair)) {
        return;
    }
    for (size_t i = 0; i < names->place_count; i++) {
        const floe_place *place = &names->places[i];
        if (place->transport == FLOE_PROTOCOL_UDP && floe_pair_may_ask(core, pair->base, place)) {
            floe_binding *binding = ask_reflexive_at(core, pair, place);
            if (binding != NULL) {
                floe_binding_straggles(core, binding);
            }
            return;
        }
    }
}

static bool address_awaited(const floe_base *base, const floe_address *remote)
{
    FLOE_CHAIN_EACH(pair, &base->pairs, floe_pair, of_base)
    {
        FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            if (attempt->progress == FLOE_PENDING && !floe_pair_by_tcp(pair) &&
                floe_address_equal(&attempt->remote, remote)) {
                return true;
            }
        }
    }
    return false;
}

/* One of the pair has succeeded: this one is not waited for, nor what its address shows, if that is
 * another's. */
static void give_up_beside(floe_core *core, floe_time now, const floe_attempt *succeeded,
                           floe_attempt *attempt)
{
    floe_base *base = attempt->pair->base;

    floe_attempt_set_progress(core, attempt, FLOE_FAILED);
    if (attempt->relay != NULL && floe_relay_is_had(attempt->relay)) {
        floe_attempt_set_start(core, attempt,
                               FLOE_TIME_NEVER); /* that it is silent does not end it (T7b) */
        floe_relay_leave_gathering(core, attempt->relay);
    } else {
        floe_attempt_stop(core, now, attempt);
    }
    if (floe_pair_by_tcp(attempt->pair)) {
        return;
    }
    if (floe_address_equal(&succeeded->remote, &attempt->remote)) {
        (void)floe_attempt_ask_reflexive(core, attempt); /* where its relay was to show that */
        return;
    }
    FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
    {
        if (floe_address_equal(&binding->remote, &attempt->remote) && !binding->straggler &&
            !address_awaited(base, &attempt->remote)) {
            floe_binding_stop(core, now, binding);
        }
    }
}

void floe_pair_yield(floe_core *core, floe_time now, floe_pair *pair)
{
    pair->yielded = true;
    pair->base->has_relay = true;
    floe_base_changed(core, pair->base);
    FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (attempt->progress == FLOE_PENDING) {
            floe_time start = attempt->start;
            floe_attempt_stop(core, now, attempt);
            floe_attempt_set_start(core, attempt, floe_time_is_never(start) ? now : start);
        }
    }
    floe_pair_hurry(core, pair, now, false); /* the relay was what it had to wait for */
}

bool floe_pair_verifies(const floe_pair *pair)
{
    FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (attempt->relay != NULL && floe_relay_is_had(attempt->relay)) {
            return true;
        }
    }
    return false;
}

static void yield_rivals(floe_core *core, floe_time now, const floe_pair *pair)
{
    FLOE_BASE_RIVALS(rival, pair->base)
    {
        FLOE_CHAIN_EACH(other, &rival->pairs, floe_pair, of_base)
        {
            if (other->server == pair->server && other->progress == FLOE_PENDING &&
                !other->yielded && !floe_pair_verifies(other)) {
                floe_pair_yield(core, now, other);
            }
        }
    }
}

/* T12: RFC 6062 has TCP relays by TCP and TLS alone. Where nobody gathers UDP the first is one. */
static bool wants_tcp(const floe_core *core, const floe_server *server, uint8_t transport)
{
    const floe_core_shared *shared = core->shared;
    bool tcp =
        floe_gathers_tcp(shared, FLOE_FAMILY_IPV4) || floe_gathers_tcp(shared, FLOE_FAMILY_IPV6);
    bool udp =
        floe_gathers_udp(shared, FLOE_FAMILY_IPV4) || floe_gathers_udp(shared, FLOE_FAMILY_IPV6);

    return tcp && udp && server->url->turn &&
           (transport == FLOE_PROTOCOL_TCP || transport == FLOE_PROTOCOL_TLS);
}

/* The server has given a relay, and is asked for another beside it. */
static void add_beside(floe_core *core, floe_time now, const floe_pair *first,
                       const floe_attempt *by, floe_relay_kind kind)
{
    floe_base *base = first->base;
    floe_server *server = first->server;
    floe_place place = {.address = by->remote, .transport = by->transport};
    floe_pair *pair = floe_pair_of(base, server, kind);
    floe_attempt *attempt = NULL;
    if (pair == NULL) {
        pair = floe_pair_new(core, base, server, kind);
        attempt = pair != NULL && floe_pair_verify(core, now, pair)
                      ? NULL
                      : floe_pair_add_only(core, pair, &place);
    } else if (pair->progress == FLOE_PENDING && floe_attempt_at(pair, &place) == NULL) {
        attempt = floe_attempt_add(core, pair, &place); /* beside what stood, and may be dead */
    }
    if (attempt != NULL) {
        floe_attempt_set_start(core, attempt, (floe_time){0}); /* at once */
    }
}

void floe_attempt_again(floe_core *core, floe_time now, floe_attempt *attempt)
{
    floe_pair *pair = attempt->pair;

    bool gathers = core->state == FLOE_GATHERER_STATE_GATHERING &&
                   core->interfaces_known; /* until then its pairs are of the one before */

    if (gathers && attempt->progress == FLOE_SUCCEEDED && pair->progress == FLOE_SUCCEEDED &&
        !pair->yielded) {
        floe_attempt_set_progress(core, attempt, FLOE_PENDING);
        floe_pair_set_progress(core, pair, FLOE_PENDING);
        (void)floe_pair_verify(core, now, pair); /* another may stand beside it */
    }
}

void floe_attempt_succeeded(floe_core *core, floe_time now, floe_attempt *attempt)
{
    floe_pair *pair = attempt->pair;

    floe_attempt_set_progress(core, attempt, FLOE_SUCCEEDED);
    floe_pair_set_alarm(core, pair);
    if (pair->progress != FLOE_PENDING) {
        return;
    }
    floe_pair_set_progress(core, pair, FLOE_SUCCEEDED);
    floe_pair_ask_beside_connection(core, pair);
    FLOE_CHAIN_EACH(other, &pair->attempts, floe_attempt, link)
    {
        if (other->progress == FLOE_PENDING) {
            give_up_beside(core, now, attempt, other);
        }
    }
    if (pair->yielded) {
        return;
    }
    if (pair->server->url->turn && !floe_relay_beside(pair->kind)) {
        yield_rivals(core, now, pair);
    }
    if (!floe_relay_beside(pair->kind) && wants_tcp(core, pair->server, attempt->transport)) {
        add_beside(core, now, pair, attempt, (floe_relay_kind){.tcp = true});
    }
    if (attempt->relay != NULL && attempt->relay->turn.missing != 0 && pair->kind.family == 0) {
        floe_relay_kind other = {.tcp = pair->kind.tcp, .family = attempt->relay->turn.missing};
        add_beside(core, now, pair, attempt, other);
    }
}

static floe_relay *new_relay(floe_core *core, floe_time now, floe_attempt *attempt)
{
    const floe_pair *pair = attempt->pair;
    floe_place place = {.address = attempt->remote, .transport = attempt->transport};
    floe_relay *relay = floe_relay_make(core, now, pair->base, pair->server, pair->kind, &place);

    if (relay != NULL) {
        relay->attempt = attempt;
    }
    return relay;
}

static floe_relay *ask_relay(floe_core *core, floe_time now, floe_attempt *attempt)
{
    floe_place place = {.address = attempt->remote, .transport = attempt->transport};
    floe_relay *relay = relay_under_way(attempt);

    if (relay == NULL) {
        return new_relay(core, now, attempt);
    }
    if (!floe_place_is(&place, floe_relay_asked(relay), relay->transport)) {
        relay = floe_relay_elsewhere(core, now, relay, attempt->pair->base, &place);
        if (relay == NULL) {
            return NULL;
        }
    }
    floe_attempt_attach(core, attempt, relay);
    floe_relay_verify(core, relay, now, true);
    floe_relay_hurry(relay, now);
    return relay;
}

/* It was to ask anew what a relay of before is silent about, and that is not: its Refresh was answered,
 * and has another try. */
static bool is_answered_beside(const floe_attempt *attempt)
{
    floe_place place = {.address = attempt->remote, .transport = attempt->transport};

    FLOE_CHAIN_EACH(other, &attempt->pair->attempts, floe_attempt, link)
    {
        if (other != attempt && other->relay != NULL && floe_relay_serves(other->relay) &&
            floe_place_is(&place, &other->remote, other->transport) &&
            !floe_stun_transaction_runs(&other->relay->turn.transaction)) {
            return true;
        }
    }
    return false;
}

static void ask_by_tcp(floe_core *core, floe_time now, floe_attempt *attempt)
{
    floe_pair *pair = attempt->pair;

    if (!floe_tcp_mapping_ask(core, now, pair->base->listener, pair->server, attempt)) {
        floe_failure failure = {.kind = FLOE_FAILURE_MEMORY, .remote = attempt->remote};
        floe_attempt_failed(core, now, attempt, failure);
    }
}

static void attempt_start(floe_core *core, floe_time now, floe_attempt *attempt)
{
    floe_pair *pair = attempt->pair;
    const floe_server *server = pair->server;
    bool turn = server->url->turn && !pair->yielded;
    const floe_relay *there = turn ? relay_under_way(attempt) : NULL;
    bool moves = there != NULL && floe_relay_is_had(there); /* and asks for no other (T10) */
    const floe_refusal *refusal =
        turn && !moves ? floe_server_refused(server, now, pair->kind, &attempt->remote) : NULL;
    const floe_binding *binding = NULL;

    floe_attempt_set_start(core, attempt, FLOE_TIME_NEVER);
    if (floe_pair_by_tcp(pair)) {
        ask_by_tcp(core, now, attempt);
        return;
    }
    if (refusal != NULL) {
        refuse(core, now, attempt, FLOE_FAILURE_SERVER, refusal->code);
        return;
    }
    if (is_answered_beside(attempt)) {
        floe_attempt_set_progress(core, attempt, FLOE_FAILED);
        return;
    }
    if (turn) {
        attempt->relay = ask_relay(core, now, attempt);
        /* Unless an Allocate goes (no Refresh that moves one: RFC 8016) from here, and is known to be
         * answered at once, with the mapped address in it. */
        attempt->shows = attempt->relay != NULL && attempt->relay->state != FLOE_RELAY_MOVES &&
                         attempt->relay->base == pair->base &&
                         floe_turn_account_holds_for_all(server->account);
        if (attempt->relay != NULL && !floe_relay_beside(pair->kind) && !attempt->shows) {
            (void)floe_attempt_ask_reflexive(core, attempt);
        }
    } else {
        binding = floe_attempt_ask_reflexive(core, attempt);
        attempt->binds = binding != NULL;
    }
    if (attempt->relay == NULL && !attempt->binds) {
        floe_failure failure = {.kind = FLOE_FAILURE_MEMORY, .remote = attempt->remote};
        floe_attempt_failed(core, now, attempt, failure);
    } else if (binding != NULL && binding->state == FLOE_BINDING_KNOWN) {
        floe_attempt_succeeded(core, now, attempt);
    }
}

static void start_due(floe_core *core, floe_time now, floe_pair *pair)
{
    FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (attempt->progress == FLOE_PENDING && floe_time_reached(now, attempt->start)) {
            attempt_start(core, now, attempt);
        }
    }
}

/* One that begins may make others wait or begin. */
void floe_pairs_time(floe_core *core, floe_time now)
{
    floe_alarm *alarm;

    while ((alarm = floe_agenda_due(&core->starts, now)) != NULL) {
        start_due(core, now, FLOE_CONTAINER(alarm, floe_pair, alarm));
    }
}

/* How an attempt that is given up stands: asked how often, since when. */
static floe_failure timeout_of(const floe_attempt *attempt, floe_time now)
{
    static const floe_stun_transaction not_begun;
    const floe_stun_transaction *transaction = &not_begun;

    const floe_relay *relay = attempt->relay;
    const floe_binding *binding =
        attempt->binds ? floe_binding_find(attempt->pair->base, &attempt->remote) : NULL;
    if (relay != NULL && relay->connection != NULL &&
        relay->connection->state < FLOE_CONNECTION_READY) {
        floe_failure failure =
            floe_connection_failure(relay->connection, FLOE_FAILURE_TIMEOUT, now);
        floe_failure_of_relay(&failure, relay);
        return failure;
    }
    if (relay != NULL) {
        transaction = &relay->turn.transaction;
    } else if (binding != NULL) {
        transaction = &binding->transaction;
    }
    floe_failure failure =
        floe_failure_of(FLOE_FAILURE_TIMEOUT, transaction, &attempt->remote, now);
    failure.late = attempt->late;
    failure.garbled = attempt->garbled;
    if (relay != NULL && floe_relay_makes_room(relay) && relay->turn.failure.code != 0) {
        failure.kind = FLOE_FAILURE_SERVER;
        failure.code = relay->turn.failure.code;
    } else if (relay != NULL) {
        failure.answered = floe_relay_is_challenged(relay);
        failure.before = floe_relay_is_had(relay);
        failure.transport = relay->connection != NULL ? relay->connection->transport : 0;
        floe_failure_of_relay(&failure, relay);
    }
    failure.before |= floe_binding_once_answered(attempt->pair->base, &failure.remote);
    return failure;
}

floe_failure floe_pairs_timeout(const floe_core *core, floe_time now)
{
    FLOE_RING_EACH(pair, &core->pairs, floe_pair, link)
    {
        const floe_attempt *attempt = floe_pair_first_pending(pair);
        if (attempt != NULL) {
            return timeout_of(attempt, now);
        }
    }
    return (floe_failure){.kind = FLOE_FAILURE_TIMEOUT};
}

/* Room is made for what it asks for, so it is no straggler: the grace counts from when it asks. Never: it is. */
static floe_time asks_for_room(const floe_pair *pair, floe_time now)
{
    FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        const floe_relay *relay = attempt->relay;
        if (attempt->progress == FLOE_PENDING && relay != NULL && floe_relay_makes_room(relay)) {
            return floe_time_is_never(relay->retry) ? now : floe_time_max(now, relay->retry);
        }
    }
    return FLOE_TIME_NEVER;
}

void floe_pairs_give_up(floe_core *core, floe_time now)
{
    bool in_time = !floe_time_reached(now, core->give_up);

    FLOE_RING_EACH(pair, &core->pairs, floe_pair, link)
    {
        if (pair->progress != FLOE_PENDING) {
            continue;
        }
        floe_time asks = in_time ? asks_for_room(pair, now) : FLOE_TIME_NEVER;
        if (!floe_time_is_never(asks)) {
            core->grace = floe_time_after(asks, core->shared->straggler_grace);
            continue;
        }
        floe_failure first = {.kind = FLOE_FAILURE_TIMEOUT};
        bool stands = false;
        FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            if (attempt->progress == FLOE_PENDING) {
                floe_failure failure = timeout_of(attempt, now);
                first = first.remote.family == FLOE_FAMILY_NONE ? failure : first;
                floe_attempt_set_progress(core, attempt, FLOE_FAILED);
                floe_pair_set_alarm(core, pair);
                if (attempt->relay != NULL && attempt->relay->state != FLOE_RELAY_ASKED) {
                    /* Its request goes on, and will tell. */
                    stands = stands || floe_found_of_relay(attempt->relay->base, attempt->relay);
                    floe_relay_leave_gathering(core, attempt->relay);
                }
                floe_attempt_stop(core, now, attempt);
            }
        }
        if (stands) {
            floe_pair_set_progress(core, pair, FLOE_SUCCEEDED);
        } else {
            floe_pair_failed(core, pair, first);
        }
    }
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
        {
            floe_binding_stop(core, now, binding);
        }
    }
}

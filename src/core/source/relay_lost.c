/* A relay that was not had, or is lost (T6, T7): where and when it is asked for again, and who makes room. */
#include "core/candidate/base.h"
#include "core/core.h"
#include "core/outbox/failure.h"
#include "core/server/server.h"
#include "core/socket/connection.h"
#include "core/source/attempt.h"
#include "core/source/binding.h"
#include "core/source/relay_inside.h"

#include <string.h>

/* By the realm a person knows whose user is asked for. */
static void name_realm(const floe_core *core, const floe_relay *relay, floe_failure *failure)
{
    char realm[64];

    floe_stun_copy_reason(floe_span_of(relay->turn.realm->name, relay->turn.realm->size), realm,
                          sizeof realm);
    floe_failure_release(core->shared, &(floe_failure){.reason = failure->reason});
    floe_failure_set_reason(core, failure, realm);
}

floe_failure floe_relay_failure_of(const floe_core *core, const floe_relay *relay,
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

    failure.code = of->code != 0 ? of->code : failure.code;
    failure.answered = floe_relay_is_challenged(relay);
    failure.before =
        floe_relay_is_had(relay) || floe_binding_once_answered(relay->base, &relay->turn.server);
    failure.transport = relay->connection != NULL ? relay->connection->transport : 0;
    floe_failure_set_reason(core, &failure, of->reason != NULL ? of->reason : "");
    if (failure.kind == FLOE_FAILURE_CREDENTIALS && relay->turn.realm != NULL) {
        name_realm(core, relay, &failure);
    }
    return failure;
}

void floe_failure_of_relay(floe_failure *failure, const floe_relay *relay)
{
    if (relay->redirects == 0) {
        failure->before |= relay->counters.responses > 0;
        return;
    }
    failure->pointed_by = relay->redirected->visited[relay->redirects - 1];
    if (relay->connection == NULL) {
        failure->remote = relay->turn.server;
    }
}

/* A server may show others than it sees allocations by: then that says nothing, after a quarter of an hour. */
#define DIFFERS_MAX 64U

bool floe_relays_are_compared(const floe_core *core, const floe_base *base,
                              const floe_address *server)
{
    FLOE_RELAYS_ON(relay, base)
    {
        if (floe_relay_uses(relay, base, server) && floe_relay_serves(relay) &&
            floe_relay_mapped_of(core, relay).family != FLOE_FAMILY_NONE) {
            return relay->differs < DIFFERS_MAX;
        }
    }
    return false;
}

/* At once, and once more; then each fourth time. */
static bool believes(uint8_t differs)
{
    return differs <= 2 || differs % 4 == 0;
}

/* By another address it is not the relay that is asked, and it is lost; but for one that its ticket moves there. Of a
 * server that shows another each time it is believed seldom. */
static void compare(floe_core *core, floe_time now, floe_relay *relay, const floe_address *mapped)
{
    floe_address of_relay = floe_relay_mapped_of(core, relay);

    if (of_relay.family == FLOE_FAMILY_NONE || floe_address_equal(&of_relay, mapped)) {
        relay->differs = 0;
        return;
    }
    relay->differs = (uint8_t)(relay->differs + (relay->differs < DIFFERS_MAX));
    if (believes(relay->differs)) {
        floe_relay_lost(core, now, relay);
    }
}

bool floe_relays_compare(floe_core *core, floe_time now, const floe_base *base,
                         const floe_address *server, const floe_address *mapped, floe_time asked)
{
    bool compared = true;

    FLOE_RELAYS_ON(relay, base)
    {
        if (!floe_relay_serves(relay) || !floe_relay_uses(relay, base, server) ||
            floe_relay_can_move(relay)) {
            continue;
        }
        if (asked.ns < relay->begun.ns) {
            compared = false; /* that was before its Allocate */
        } else {
            compare(core, now, relay, mapped);
        }
    }
    return compared;
}

/* T7: how long until a lost allocation is asked for again: at once, then 1, 2, 4 … 60 s. */
static floe_duration retry_after(unsigned losses)
{
    return losses == 0  ? floe_seconds(0)
           : losses > 6 ? floe_seconds(60)
                        : floe_seconds(1U << (losses - 1));
}

/* It asks in its time. */
static void wait_for_turn(floe_time now, floe_relay *relay, floe_duration pause)
{
    floe_relay_become(relay, FLOE_RELAY_LOST);
    relay->retry = floe_time_after(now, pause);
    relay->losses = (uint8_t)(relay->losses + (relay->losses < UINT8_MAX));
    relay->waits = false;
}

void floe_relay_pass_on(floe_core *core, floe_time now, floe_relay *relay)
{
    const floe_server *successor = floe_server_successor(core, relay->server);
    floe_place place = {.address = *floe_relay_asked(relay), .transport = relay->transport};
    floe_relay *next = NULL;

    if (relay->state != FLOE_RELAY_ASKED && successor != NULL && !relay->keeps &&
        !floe_relay_is_replaced(core, relay) &&
        !core->listener->refused(relay->origin, successor, relay->kind)) {
        next = floe_relay_create(core, relay->origin, successor, relay->kind, &place);
    }
    if (next != NULL) {
        floe_relay_take_after(next, relay);
        wait_for_turn(now, next, retry_after(next->losses));
    }
    floe_relay_release(core, now, relay);
}

/* The socket stays, and asks anew in its time. */
static void ask_again_later(floe_core *core, floe_time now, floe_relay *relay, bool full)
{
    if (!floe_server_current(core, relay->server)) {
        floe_relay_pass_on(core, now, relay);
        return;
    }
    floe_relay_end_allocation(core, now, relay, FLOE_WITHDRAWAL_RELAY_LOST);
    wait_for_turn(now, relay, retry_after(full && relay->losses < 7 ? 7 : relay->losses));
}

/* For good; what the server may still hold of it is given back. Whoever waits for it hears why, or
 * the owner, if it `had` an allocation. */
static void give_up(floe_core *core, floe_time now, floe_relay *relay, bool had,
                    floe_failure failure)
{
    floe_attempt *attempt = floe_relay_awaited(relay) ? relay->attempt : NULL;

    if (attempt == NULL && had) {
        core->listener->relay_ended(core, relay, failure, true);
    }
    floe_relay_release(core, now, relay);
    if (attempt != NULL) {
        core->listener->failed(core, now, attempt, failure);
    } else if (!had) {
        floe_failure_release(core->shared, &failure);
    }
}

void floe_relay_await_room(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_relay_leave_gathering(core, relay);
    if (relay->state == FLOE_RELAY_ASKED) {
        floe_relay_release(core, now, relay);
    } else if (floe_time_is_never(relay->retry)) {
        ask_again_later(core, now, relay, !floe_turn_allocation_stands(&relay->turn));
    }
}

/* Whether another of ours that would be told as this one asks there, or would for that base. */
static bool asked_by_another(const floe_relay *relay, const floe_base *base,
                             const floe_place *place)
{
    FLOE_RING_EACH(other, floe_base_asked_for(base), floe_relay, of_origin)
    {
        if (other != relay && floe_relay_would_be_told_as(other, relay) &&
            floe_place_is(place, floe_relay_asked(other), other->transport)) {
            return true;
        }
    }
    return false;
}

/* T1: the one by which a relay for this base is asked for there: itself, or the interface's other
 * family's. NULL: neither. */
static floe_base *asks_there(const floe_core *core, const floe_relay *relay, const floe_address *to)
{
    if (floe_base_asks(core, relay->origin, to)) {
        return relay->origin;
    }
    FLOE_BASE_RIVALS(base, relay->origin)
    {
        if (base->state == FLOE_BASE_OPEN && !base->spare && base->chosen &&
            floe_base_asks(core, base, to)) {
            return base;
        }
    }
    return NULL;
}

typedef struct where {
    floe_base *base;
    floe_place place;
} where;

/* Where one that was lost is asked for: where it was; in vain, at each address of its server's in
 * turn, of either family, that is not known to be full, and no longer where that is not. While a
 * gathering waits for it, there its other addresses have their own. */
static where next_place(const floe_core *core, floe_time now, const floe_relay *relay)
{
    where same = {relay->origin,
                  {.address = *floe_relay_asked(relay), .transport = relay->transport}};
    const floe_names *names = &relay->server->names;
    size_t at = floe_names_find(names, floe_relay_asked(relay), relay->transport);
    bool listed = at < names->place_count;
    bool full =
        floe_server_refused(relay->server, now, relay->kind, floe_relay_asked(relay)) != NULL;
    if (floe_relay_awaited(relay) || (listed && !relay->in_vain && !full)) {
        return same;
    }
    size_t first = listed ? at + 1 : 0;
    for (size_t i = 0; i < names->place_count; i++) {
        const floe_place *place = &names->places[(first + i) % names->place_count];
        floe_base *base = asks_there(core, relay, &place->address);
        if (base != NULL &&
            floe_server_refused(relay->server, now, relay->kind, &place->address) == NULL &&
            !asked_by_another(relay, base, place)) {
            return (where){base, *place};
        }
    }
    return same;
}

static bool is_there(const floe_relay *relay, const where *at)
{
    return floe_place_is(&at->place, floe_relay_asked(relay), relay->transport);
}

/* One whose credentials are the owner's no more, at the relay's server: the one in whose place the
 * relay comes, or another, best of the same user. NULL: there is none. */
static floe_relay *former_beside(const floe_core *core, const floe_relay *relay)
{
    floe_relay *any = NULL;

    FLOE_RING_EACH(other, &core->relays, floe_relay, link)
    {
        if (floe_relay_lives(other) && !floe_server_current(core, other->server) &&
            floe_address_same_ip(&other->turn.server, &relay->turn.server)) {
            if (other->origin == relay->origin &&
                floe_server_successor(core, other->server) == relay->server) {
                return other;
            }
            any = any == NULL || !floe_relay_same_user(relay->turn.account, any->turn.account)
                      ? other
                      : any;
        }
    }
    return any;
}

static bool release_former(floe_core *core, floe_time now, const floe_relay *relay, uint16_t code)
{
    floe_relay *former = former_beside(core, relay);

    if (former == NULL ||
        (code == 486 && !floe_relay_same_user(relay->turn.account, former->turn.account))) {
        return false;
    }
    floe_relay_release(core, now, former);
    return true;
}

/* Its server has no room for it, or not from there, while a former one of ours is there, or was until
 * now: that makes room, and it is asked for again, once. */
static bool make_way(floe_core *core, floe_time now, floe_relay *relay, const floe_failure *failure)
{
    uint16_t code = failure->kind == FLOE_FAILURE_SERVER ? failure->code : 0;
    bool speaks_of_it = code == 437 || code == 441 || code == 486 || code == 508;

    if (!speaks_of_it || floe_relay_beside(relay->kind) || relay->waits) {
        return false;
    }
    bool released = release_former(core, now, relay, code);
    return floe_relay_await_deletion(core, now, relay, code, released);
}

bool floe_relay_makes_room(const floe_relay *relay)
{
    return relay->state == FLOE_RELAY_LOST && relay->waits;
}

/* It was lost, and is asked for where it was not had: while that is away, at another that the name leads
 * to, who may be anybody. */
static bool is_elsewhere(const floe_relay *relay)
{
    return relay->had_at.family != FLOE_FAMILY_NONE &&
           !floe_address_same_ip(&relay->had_at, floe_relay_asked(relay)) &&
           floe_server_is_at(relay->server, &relay->had_at, relay->transport);
}

/* So often in a row, for three seconds, what is refused where it was had is asked for there again. */
#define LOSSES_THERE 3

void floe_relay_fail(floe_core *core, floe_time now, floe_relay *relay, floe_failure failure)
{
    bool full = floe_failure_is_full(&failure);
    bool failed_by_silence = failure.kind == FLOE_FAILURE_TIMEOUT;

    if (make_way(core, now, relay, &failure)) {
        floe_failure_release(core->shared, &failure);
        return;
    }
    floe_failure_of_relay(&failure, relay);
    if (full) {
        floe_server_refuses(core, now, relay->server, relay->kind, floe_relay_asked(relay),
                            failure.code);
    }
    bool had =
        relay->state != FLOE_RELAY_ASKED && /* else it has only waited for what it left itself */
        (relay->known || relay->had_at.family != FLOE_FAMILY_NONE);
    bool for_good =
        floe_failure_ends_allocate(&failure) && !is_elsewhere(relay) &&
        relay->turn.request == FLOE_TURN_REQUEST_ALLOCATE; /* not what was to make way */
    if (had && !floe_relay_awaited(relay) &&
        floe_relay_another_serves(relay)) { /* that is no failure */
        floe_failure_release(core->shared, &failure);
        floe_relay_release(core, now, relay);
        return;
    }
    if (!had || for_good) {
        give_up(core, now, relay, had, failure);
        return;
    }
    if (floe_relay_awaited(relay)) {
        floe_attempt *attempt = relay->attempt;
        floe_relay_leave_gathering(core, relay);
        core->listener->failed(core, now, attempt, failure);
    } else if (is_elsewhere(relay)) { /* what is told is of who has given it */
        floe_failure_release(core->shared, &failure);
    } else {
        core->listener->relay_ended(core, relay, failure, false);
    }
    /* Whose port is closed may be about to open it again; who is silent is asked where else he may be. */
    bool before = relay->in_vain;
    relay->in_vain = before || failed_by_silence || full || relay->losses >= LOSSES_THERE;
    bool elsewhere = is_elsewhere(relay);
    where next = next_place(core, now, relay);
    uint8_t losses = relay->losses;
    ask_again_later(core, now, relay, full && is_there(relay, &next));
    if (elsewhere && floe_address_same_ip(&relay->had_at, &next.place.address)) {
        relay->retry = now; /* that was time enough, and counts for nothing there */
        relay->losses = losses;
    } else if (!before && !full && !is_there(relay, &next)) {
        relay->retry = now; /* another is asked for the first time */
    }
    core->listener->look_up_again(core, now, relay->server);
}

void floe_relay_lose(floe_core *core, floe_time now, floe_relay *relay, floe_failure failure)
{
    /* Whether another is to be had, its Allocate tells: a refused Refresh (441, 403, 401) does not.
     * A server that was restarted is where it was; one that is silent is asked where else it may be. */
    relay->in_vain = relay->in_vain || failure.kind == FLOE_FAILURE_TIMEOUT;
    floe_failure_release(core->shared, &failure);
    floe_relay_let_stay(core, now, relay);
    ask_again_later(core, now, relay, false);
    if (relay->attempt != NULL) {
        core->listener->again(core, now, relay->attempt);
    }
}

void floe_relay_lost(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_relay_lose(core, now, relay,
                    floe_relay_failure_of(core, relay, &relay->turn.transaction, now));
}

floe_relay *floe_relay_elsewhere(floe_core *core, floe_time now, floe_relay *relay,
                                 floe_base *origin, const floe_place *place)
{
    floe_relay *next = floe_relay_make(core, now, origin, relay->server, relay->kind, place);

    if (next != NULL) {
        floe_relay_take_after(next, relay);
        next->state = relay->state;
        next->hushed = relay->hushed;
        next->generation = relay->generation;
        next->attempt = relay->attempt;
        if (next->attempt != NULL) {
            next->attempt->relay = next;
            next->attempt->remote = place->address;
            next->attempt->transport = place->transport;
        }
        relay->attempt = NULL;
        floe_relay_release(core, now, relay);
    }
    return next;
}

/* Its origin's socket may be its own again where it is nobody's, or a former user's that is kept for its mapping alone,
 * and goes for it. Who has waited for what is left meets none of it there. */
static bool clears_home(floe_core *core, floe_time now, const floe_relay *relay)
{
    floe_relay *former = NULL;

    FLOE_RELAYS_ON(other, relay->origin)
    {
        if (relay->waits && other->state == FLOE_RELAY_LEFT && floe_relay_by_datagrams(other) &&
            floe_address_equal(&other->turn.server, floe_relay_asked(relay))) {
            return false;
        }
        if (floe_relay_uses(other, relay->origin, floe_relay_asked(relay))) {
            if (!other->keeps) {
                return false;
            }
            former = other;
        }
    }
    if (former != NULL) {
        floe_relay_release(core, now, former);
    }
    return true;
}

/* From its origin's socket, as a mapping that is seen there is a candidate's (R6). What its server may have by the
 * spare one is left. */
static void go_home(floe_core *core, floe_time now, floe_relay *relay)
{
    if (!floe_relay_by_datagrams(relay) || relay->base == relay->origin ||
        relay->origin->state != FLOE_BASE_OPEN || !clears_home(core, now, relay)) {
        return;
    }
    (void)floe_relay_leave_behind(core, now, relay, relay->origin); /* else it asks from there */
}

/* It has only waited for what it was refused for, and goes on where it was. */
static bool is_still_refused(const floe_relay *relay)
{
    return relay->waits && relay->turn.refused_wish && !relay->turn.plain;
}

void floe_relay_ask_again(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_failure failure = {.kind = FLOE_FAILURE_MEMORY, .remote = *floe_relay_asked(relay)};
    where next = next_place(core, now, relay);

    if (!floe_relay_awaited(relay) &&
        (floe_relay_another_serves(relay) || floe_relay_needless(relay))) {
        floe_relay_release(core, now, relay); /* another has given meanwhile what it is for */
        return;
    }
    const floe_refusal *refusal =
        floe_server_refused(relay->server, now, relay->kind, &next.place.address);
    bool has_room = relay->waits || floe_turn_allocation_stands(&relay->turn); /* maybe */
    if (refusal != NULL && !has_room) {
        relay->retry = refusal->until;
        return;
    }
    floe_relay_forget_way(core, relay);
    relay->asked_before = is_still_refused(relay);
    go_home(core, now, relay);
    bool good =
        is_there(relay, &next)
            ? floe_relay_restart(core, now, relay, relay->server->account, floe_relay_asked(relay))
            : floe_relay_elsewhere(core, now, relay, next.base, &next.place) != NULL;
    if (!good) {
        floe_relay_fail(core, now, relay, failure);
    }
}

void floe_relays_found_elsewhere(floe_core *core, floe_time now, const floe_server *server)
{
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        bool waits = floe_relay_lives(relay) && !floe_time_is_never(relay->retry);
        if (waits && relay->server == server) {
            floe_relay_touch(core, relay);
            where next = next_place(core, now, relay);
            bool moved = !floe_server_is_at(server, floe_relay_asked(relay), relay->transport) &&
                         !is_there(relay, &next);
            /* At once; but a name may lead elsewhere each time that it is asked. */
            floe_time soonest = relay->losses > LOSSES_THERE
                                    ? floe_time_after(relay->begun, retry_after(LOSSES_THERE))
                                    : now;
            relay->retry = moved ? floe_time_max(now, soonest) : relay->retry;
        }
    }
}

/* By datagrams the next send may be seconds away; a connection's is the kernel's, or the server has dropped
 * what it took. */
#define ASKED_FOR_LONG floe_seconds(3)
#define ASKED_OFTEN 2

void floe_relay_hurry(floe_relay *relay, floe_time now)
{
    bool asks = relay->turn.state == FLOE_TURN_ALLOCATING;
    bool long_since = floe_relay_is_stream(relay)
                          ? floe_time_since(now, relay->begun).ns >= ASKED_FOR_LONG.ns
                          : relay->turn.transaction.sends > ASKED_OFTEN;

    if (!floe_time_is_never(relay->retry) || (asks && long_since)) {
        relay->retry = now;
    }
}

/* So long who has never given it, and is silent, holds up who has; and so long one who has answered
 * something. */
#define ELSEWHERE_FOR floe_seconds(3)
#define ANSWERS_ELSEWHERE_FOR floe_seconds(8)

floe_time floe_relay_back_at(const floe_relay *relay)
{
    bool asks = relay->state == FLOE_RELAY_LOST && relay->turn.state == FLOE_TURN_ALLOCATING;

    if (!asks || floe_relay_awaited(relay) || !is_elsewhere(relay)) {
        return FLOE_TIME_NEVER;
    }
    bool answers =
        floe_relay_is_stream(relay)
            ? relay->connection != NULL && relay->connection->state > FLOE_CONNECTION_OPENING
            : floe_turn_allocation_challenged(&relay->turn);
    return floe_time_after(relay->begun, answers ? ANSWERS_ELSEWHERE_FOR : ELSEWHERE_FOR);
}

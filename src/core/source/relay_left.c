/* What relays leave with their servers by datagrams (T6, L12). A server has an allocation until it hears that it is to
 * delete it, or until that expires: it is in the way of whoever asks by the same socket (437, 441), and of its user's
 * quota (486). So a relay that is released stays, LEFT, until its server has answered; in an outage it is asked again
 * and again. Its socket stays as long. */
#include "core/candidate/base.h"
#include "core/core.h"
#include "core/outbox/outbox.h"
#include "core/server/server.h"
#include "core/source/relay_inside.h"

#include <string.h>

/* A server may let go what was deleted only a moment later (coturn: a second). */
#define GONE_AFTER floe_milliseconds(1500)
/* So long one that was refused waits for what is to be deleted. */
#define AWAITED_FOR floe_seconds(4)
/* A server that has just been heard is asked anew, where it was asked longer ago. */
#define ASKED_LATELY floe_seconds(1)
/* For so long what nobody has heard the answer to may stand. */
#define DEFAULT_LIFETIME floe_seconds(600)
#define PAUSES_DOUBLE 6U /* from one second on */
/* Who answers others, and has not answered so often, may never (Pion's, of what it does not have): he is asked in
 * pauses, by so many packets. */
#define IGNORED_MAX 3U
#define SENDS_MAX 3U

floe_time floe_relay_expires(const floe_relay *relay, floe_time now)
{
    if (relay->turn.made && relay->turn.expires.ns > 0) { /* else its answer was no good one */
        return relay->turn.expires;
    }
    /* Who has never been heard of is told once. */
    bool heard_of = relay->turn.realm != NULL || relay->heard_of;
    return floe_time_after(now, heard_of ? DEFAULT_LIFETIME : relay->turn.rto);
}

/* Its server has been told, and a moment is all that it needs. */
static bool is_deleted(const floe_relay *left)
{
    return !floe_turn_allocation_stands(&left->turn);
}

static bool is_on_socket_of(const floe_relay *left, const floe_relay *relay)
{
    return left->base == relay->base && floe_relay_by_datagrams(left) &&
           floe_relay_by_datagrams(relay) &&
           floe_address_equal(&left->turn.server, &relay->turn.server);
}

/* Why nobody hears it, or what it is refused for, may be over after a while. */
static void ask_later(floe_time now, floe_relay *left)
{
    left->retry = floe_time_after(now, floe_seconds(1U << left->losses));
    left->losses = (uint8_t)(left->losses + (left->losses < PAUSES_DOUBLE));
}

static void ask(floe_core *core, floe_time now, floe_relay *left)
{
    floe_unpace(core, &left->paced);
    floe_untell(&left->output);
    bool anothers = floe_relay_ours_beside(left) != NULL; /* what stands there is that one's */
    if (anothers || !floe_relay_has_way(left)) {
        floe_relay_end(core, left);
        return;
    }
    (void)floe_turn_allocation_release(&left->turn);
    left->retry = FLOE_TIME_NEVER;
    left->begun = now;
    floe_relay_left_happened(core, now, left, floe_turn_allocation_begin(&left->turn, now));
}

bool floe_relay_same_user(const floe_turn_account *account, const floe_turn_account *other)
{
    const char *one = strchr(account->username, ':');
    const char *two = strchr(other->username, ':');

    return strcmp(account->username, other->username) == 0 ||
           (one != NULL && two != NULL && strcmp(one, two) == 0);
}

#define FLOE_RELAYS_LEFT(left, core) FLOE_RING_EACH_SAFE(left, &(core)->left, floe_relay, of_left)

/* Whether what is left may be why the relay is refused by this code. */
static bool is_in_the_way(const floe_relay *left, const floe_relay *relay, uint16_t code)
{
    if (code == 437 || code == 441) {
        return is_on_socket_of(left, relay);
    }
    return floe_address_same_ip(&left->turn.server, &relay->turn.server) &&
           (code == 508 || floe_relay_same_user(left->turn.account, relay->turn.account));
}

/* And is being deleted. */
static bool is_awaited(floe_core *core, const floe_relay *relay)
{
    FLOE_RELAYS_LEFT(left, core)
    {
        bool asked = floe_time_is_never(left->retry) || is_deleted(left);
        if (asked && is_in_the_way(left, relay, relay->turn.failure.code)) {
            return true;
        }
    }
    return false;
}

/* Who was refused for what was left asks again, once nothing is in its way. */
static void let_ask(floe_core *core, floe_time now, const floe_relay *left)
{
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        bool waits = floe_relay_makes_room(relay) && !floe_time_is_never(relay->retry);
        if (waits && floe_address_same_ip(&left->turn.server, &relay->turn.server) &&
            !is_awaited(core, relay)) {
            floe_relay_touch(core, relay);
            relay->retry = now;
        }
    }
}

/* What was left has taken this server's room: that it was full says nothing any more. */
static void make_room(floe_core *core, floe_time now, const floe_relay *left)
{
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        bool waits = relay->state == FLOE_RELAY_LOST && !floe_time_is_never(relay->retry);
        const floe_refusal *refusal =
            floe_server_refused(relay->server, now, relay->kind, floe_relay_asked(relay));
        if (waits && refusal != NULL && is_in_the_way(left, relay, refusal->code)) {
            floe_relay_touch(core, relay);
            relay->retry = now;
        }
    }
    for (size_t i = 0; i < core->set->count; i++) {
        floe_server *server = &core->set->servers[i];
        bool same_user =
            server->account != NULL && floe_relay_same_user(left->turn.account, server->account);
        floe_server_has_room(core, server, &left->turn.server, same_user);
    }
}

static void end(floe_core *core, floe_time now, floe_relay *left)
{
    bool had_room = is_deleted(left) ? left->turn.failure.code == 0 : left->heard_of;

    floe_relay_end(core, left);
    if (had_room) {
        make_room(core, now, left);
    }
    let_ask(core, now, left);
}

void floe_relay_is_left(floe_core *core, floe_time now, floe_relay *relay, floe_time expires)
{
    floe_relay_become(relay, FLOE_RELAY_LEFT);
    relay->leaves = expires;
    relay->losses = 0;
    floe_ring_append(&core->left, &relay->of_left);
    if (floe_relay_by_datagrams(relay)) {
        ask(core, now, relay);
    } else { /* with its connection it goes */
        relay->turn.made = relay->turn.inherits = false;
        relay->retry = floe_time_after(now, GONE_AFTER);
    }
}

static void fill(floe_core *core, floe_relay *left, const floe_relay *relay, floe_base *base)
{
    floe_turn_wishes none = {0};

    floe_relay_enter(core, left, base, relay->origin, relay->server, relay->kind, relay->transport);
    left->heard_of = relay->heard_of;
    floe_turn_allocation_init(&left->turn, relay->turn.account, &relay->turn.server,
                              core->shared->rto, false, &none);
    floe_turn_allocation_inherit(&left->turn);
}

bool floe_relay_leave_behind(floe_core *core, floe_time now, floe_relay *relay, floe_base *next)
{
    floe_relay *left = NULL;
    floe_base *base = relay->base;

    if (floe_turn_allocation_stands(&relay->turn)) {
        left = floe_allocate(&core->shared->allocator, sizeof *left);
        if (left == NULL) {
            floe_core_out_of_memory(core);
            return false;
        }
    }
    if (next != base) {
        floe_relay_stand_on(relay, next, relay->origin);
    }
    if (left != NULL) {
        fill(core, left, relay, base);
        (void)floe_turn_allocation_release(&left->turn);
        floe_relay_is_left(core, now, left, floe_relay_expires(relay, now));
        relay->turn.made = relay->turn.inherits = false;
    } else if (next != base) {
        floe_relay_close_spare(core, base);
    }
    return true;
}

floe_time floe_relay_left_deadline(const floe_relay *left)
{
    floe_time deadline = floe_time_min(left->retry, left->leaves);

    return floe_time_min(deadline, floe_turn_allocation_deadline(&left->turn));
}

void floe_relay_left_time(floe_core *core, floe_time now, floe_relay *left)
{
    bool deleted = is_deleted(left);
    bool over = floe_time_reached(now, left->leaves) || left->base->state != FLOE_BASE_OPEN;

    if (over || (deleted && floe_time_reached(now, left->retry))) {
        end(core, now, left);
    } else if (floe_time_reached(now, left->retry)) {
        ask(core, now, left);
    } else if (!deleted) {
        floe_turn_event event = floe_turn_allocation_time(&left->turn, now);
        if (left->turn.wants) {
            floe_relay_take_turn(core, left, false);
        }
        floe_relay_left_happened(core, now, left, event);
    }
}

void floe_relay_left_happened(floe_core *core, floe_time now, floe_relay *left,
                              floe_turn_event event)
{
    switch (event) {
    case FLOE_TURN_NOTHING:
        break;
    case FLOE_TURN_SEND:
        if (left->ignored >= IGNORED_MAX && left->turn.transaction.sends > SENDS_MAX) {
            (void)floe_turn_allocation_release(&left->turn);
            ask_later(now, left);
        } else {
            floe_tell(core, &left->output, FLOE_OUTPUT_SEND_RELAY);
        }
        break;
    case FLOE_TURN_PROGRESS:
        if (left->turn.wants) {
            floe_relay_take_turn(core, left, true);
        }
        break;
    case FLOE_TURN_RELEASED:
        left->retry = floe_time_after(now, GONE_AFTER);
        break;
    default: /* not now, or nobody hears it */
        left->waits = left->turn.failure.kind != FLOE_TURN_FAILURE_TIMEOUT;
        ask_later(now, left);
        let_ask(core, now, left);
        break;
    }
}

void floe_relay_takes_over(floe_core *core, floe_relay *relay)
{
    FLOE_RELAYS_ON(left, relay->base)
    {
        if (left->state == FLOE_RELAY_LEFT && is_on_socket_of(left, relay) && !is_deleted(left) &&
            left->turn.account == relay->turn.account) {
            relay->turn.inherits = relay->heard_of = true;
            floe_relay_end(core, left);
        }
    }
}

void floe_relay_nothing_left(floe_core *core, const floe_relay *relay)
{
    FLOE_RELAYS_ON(left, relay->base)
    {
        if (left->state == FLOE_RELAY_LEFT && is_on_socket_of(left, relay)) {
            floe_relay_end(core, left);
        }
    }
}

void floe_relays_leave_nothing(floe_core *core, const floe_base *base)
{
    FLOE_RELAYS_ON(left, base)
    {
        if (left->state == FLOE_RELAY_LEFT && !floe_is_told(&left->output)) {
            floe_relay_end(core, left);
        }
    }
}

/* Unless it has been asked a moment ago, and may be answered. */
static bool hurry(floe_core *core, floe_time now, floe_relay *left)
{
    bool lately = floe_time_since(now, left->begun).ns < ASKED_LATELY.ns;

    if (is_deleted(left) || (lately && floe_time_is_never(left->retry))) {
        return false;
    }
    floe_relay_touch(core, left);
    ask(core, now, left);
    return true;
}

void floe_relays_left_hurry(floe_core *core, floe_time now, const floe_address *server)
{
    FLOE_RELAYS_LEFT(left, core)
    {
        bool unheard = left->turn.failure.kind == FLOE_TURN_FAILURE_TIMEOUT ||
                       left->turn.transaction.sends > 1;
        if (unheard && floe_address_equal(&left->turn.server, server) &&
            left->ignored < IGNORED_MAX && hurry(core, now, left)) {
            left->ignored++;
        }
    }
}

/* And is worth waiting for: what its server refuses to delete is not. */
static bool is_anything_in_the_way(floe_core *core, const floe_relay *relay, uint16_t code)
{
    FLOE_RELAYS_LEFT(left, core)
    {
        if (!left->waits && is_in_the_way(left, relay, code)) {
            return true;
        }
    }
    return false;
}

bool floe_relay_await_deletion(floe_core *core, floe_time now, floe_relay *relay, uint16_t code,
                               bool released)
{
    bool of_socket = code == 437 || code == 441;

    if (relay->waits || (of_socket && floe_relay_ours_beside(relay) != NULL) ||
        (!released && !is_anything_in_the_way(core, relay, code))) {
        return false;
    }
    floe_relay_end_allocation(core, now, relay, FLOE_WITHDRAWAL_RELAY_LOST);
    relay->waits = true;
    relay->known = relay->known || released; /* as the former user's was */
    relay->retry = floe_time_after(now, AWAITED_FOR);
    floe_relay_become(relay, FLOE_RELAY_LOST);
    FLOE_RELAYS_LEFT(left, core)
    {
        if (is_in_the_way(left, relay, code)) {
            bool formers = left->turn.account != relay->turn.account;
            relay->known = relay->known || formers;
            (void)hurry(core, now, left);
        }
    }
    return true;
}

void floe_relay_part(floe_core *core, floe_time now, floe_relay *relay)
{
    if (relay->state == FLOE_RELAY_LEFT) {
        if (is_deleted(relay)) {
            floe_relay_end(core, relay);
        } else {
            ask(core, now, relay);
        }
    }
}

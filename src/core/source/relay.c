/* A relay: the gatherer's side of one TURN allocation, from its being asked for to its end. What it
 * hears is in relay_events.c, and what comes of that in the files beside it. */
#include "core/source/relay.h"

#include "base/assert.h"
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/allowed.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/trace.h"
#include "core/socket/way.h"
#include "core/source/binding.h"
#include "core/source/peers.h"
#include "core/source/relay_inside.h"
#include "core/source/standing.h"
#include "core/source/stream.h"

#include <string.h>

/* T5: whatever the base's own family is, a peer may have either. */
static unsigned families_of(const floe_core *core, bool tcp)
{
    uint32_t types = core->shared->network_types;

    if (tcp) {
        return ((types & FLOE_NETWORK_TYPE_TCP4) != 0 ? FLOE_TURN_IPV4 : 0U) |
               ((types & FLOE_NETWORK_TYPE_TCP6) != 0 ? FLOE_TURN_IPV6 : 0U);
    }
    return ((types & FLOE_NETWORK_TYPE_UDP4) != 0 ? FLOE_TURN_IPV4 : 0U) |
           ((types & FLOE_NETWORK_TYPE_UDP6) != 0 ? FLOE_TURN_IPV6 : 0U);
}

bool floe_relay_is_for_tcp(const floe_core *core, const floe_relay *relay)
{
    return relay->kind.tcp || families_of(core, false) == 0;
}

bool floe_relay_has_way(const floe_relay *relay)
{
    const floe_connection *connection = relay->connection;

    return floe_relay_by_datagrams(relay)
               ? relay->base->state == FLOE_BASE_OPEN
               : connection != NULL && connection->state == FLOE_CONNECTION_READY;
}

#define ENDS (1U << FLOE_RELAY_LEFT | 1U << FLOE_RELAY_ENDED)

void floe_relay_become(floe_relay *relay, floe_relay_state state)
{
    /* Which may follow it, a bit each. */
    static const uint8_t next[] = {
        [FLOE_RELAY_ASKED] = 1U << FLOE_RELAY_STANDS | 1U << FLOE_RELAY_LOST | ENDS,
        [FLOE_RELAY_STANDS] =
            1U << FLOE_RELAY_STANDS | 1U << FLOE_RELAY_MOVES | 1U << FLOE_RELAY_LOST | ENDS,
        [FLOE_RELAY_MOVES] =
            1U << FLOE_RELAY_MOVES | 1U << FLOE_RELAY_STANDS | 1U << FLOE_RELAY_LOST | ENDS,
        [FLOE_RELAY_LOST] = 1U << FLOE_RELAY_LOST | 1U << FLOE_RELAY_STANDS | ENDS,
        [FLOE_RELAY_LEFT] = 1U << FLOE_RELAY_ENDED,
        [FLOE_RELAY_ENDED] = 0,
    };

    FLOE_ASSERT((next[relay->state] & 1U << state) != 0);
    relay->state = (uint8_t)state;
    if (state == FLOE_RELAY_STANDS) { /* it was to be asked for anew this moment, say */
        relay->retry = FLOE_TIME_NEVER;
    }
}

void floe_relay_take_turn(floe_core *core, floe_relay *relay, bool soon)
{
    if (floe_relay_has_way(relay)) {
        floe_pace(core, &relay->paced, soon);
    }
}

bool floe_relay_uses(const floe_relay *relay, const floe_base *base, const floe_address *server)
{
    return relay->base == base && floe_address_equal(&relay->turn.server, server) &&
           floe_relay_by_datagrams(relay) && floe_relay_lives(relay);
}

bool floe_relay_is_used(const floe_relay *relay, const floe_base *base)
{
    FLOE_RELAYS_ON(other, base)
    {
        if (other != relay && floe_relay_uses(other, base, &relay->turn.server)) {
            return true;
        }
    }
    return false;
}

static void leave_bases(floe_relay *relay)
{
    if (relay->base->spare) {
        relay->base->alone = NULL;
    }
    floe_ring_remove(&relay->origin->asked_for, &relay->of_origin);
}

#define OF_ORIGIN(link) FLOE_CONTAINER(link, floe_relay, of_origin)

/* A base has its relays in the order in which they were made, though one came to it later. */
void floe_relay_stand_on(floe_relay *relay, floe_base *base, floe_base *origin)
{
    floe_ring *ring = &origin->asked_for;
    floe_list *before = NULL;

    if (relay->base != NULL) {
        leave_bases(relay);
    }
    relay->base = base;
    relay->origin = origin;
    if (base->spare) {
        FLOE_ASSERT(base->alone == NULL);
        base->alone = relay;
    }
    for (floe_list *link = floe_ring_last(ring);
         link != NULL && OF_ORIGIN(link)->alarm.order > relay->alarm.order;
         link = floe_ring_previous(ring, link)) {
        before = link;
    }
    floe_ring_insert(ring, before, &relay->of_origin);
}

/* The next that was asked for on the base, behind `last` (NULL: the first); NULL: there is none. */
static floe_relay *asked_behind(const floe_base *base, const floe_relay *last)
{
    return last != NULL ? FLOE_RING_NEXT(floe_base_asked_for(base), last, floe_relay, of_origin)
                        : FLOE_RING_FIRST(floe_base_asked_for(base), floe_relay, of_origin);
}

floe_relay *floe_relay_next_on(const floe_base *base, const floe_relay *last)
{
    if (base->spare) {
        return last == NULL ? base->alone : NULL;
    }
    floe_relay *relay = asked_behind(base, last);
    while (relay != NULL && relay->base != base) { /* it has a spare */
        relay = asked_behind(base, relay);
    }
    return relay;
}

/* Two URLs may lead to one server, which knows allocations by their 5-tuples (RFC 8656 §3.2): there
 * each has a socket of its own, if one can be had. Who may have an allocation by the one at hand keeps that. */
static void stand_apart(floe_core *core, floe_relay *relay)
{
    floe_base *spare = NULL;
    bool taken = floe_core_is_trunk(core) &&
                 core->share->taken(core->share, relay->base->channel, &relay->turn.server);

    if (!relay->base->spare && !floe_turn_allocation_stands(&relay->turn) &&
        (taken || floe_relay_is_used(relay, relay->base))) {
        spare = floe_base_spare(core, relay->base);
    }
    if (spare != NULL) {
        floe_relay_stand_on(relay, spare, relay->origin);
    }
}

/* Asks for an allocation. */
static bool start(floe_core *core, floe_time now, floe_relay *relay, bool soon)
{
    floe_relay_touch(core, relay);
    relay->retry = FLOE_TIME_NEVER;
    relay->begun = now;
    if (floe_turn_allocation_start(&relay->turn) != FLOE_OK) {
        return false;
    }
    if (!floe_relay_by_datagrams(relay)) {
        return floe_relay_open_way(core, now, relay);
    }
    stand_apart(core, relay);
    floe_relay_takes_over(core, relay);
    floe_relay_take_turn(core, relay, soon);
    return true;
}

/* Past a proxy an address is the proxy's, whatever server is behind it. */
static bool is_of_one_server(const floe_core *core, const floe_relay *one, const floe_relay *other,
                             const floe_address *remote)
{
    return floe_address_equal(&other->turn.server, remote) &&
           (!floe_url_proxied(core->shared, one->server->url) ||
            floe_url_same_place(one->server->url, other->server->url));
}

/* RFC 8656 §18.10: the port beside the one that the other component has from this server. */
static void take_reservation(const floe_core *core, const floe_relay *relay,
                             const floe_address *remote, floe_turn_wishes *wishes)
{
    FLOE_RING_EACH(other, &core->associated->relays, floe_relay, link)
    {
        if (other->turn.reserves && floe_relay_same_kind(other->kind, relay->kind) &&
            is_of_one_server(core, relay, other, remote) &&
            floe_address_same_ip(&other->origin->local, &relay->origin->local)) {
            other->turn.reserves = false;
            wishes->reserved = true;
            memcpy(wishes->reservation, other->turn.wishes.reservation, sizeof wishes->reservation);
            return;
        }
    }
}

static floe_turn_wishes wishes_of(const floe_core *core, const floe_relay *relay,
                                  const floe_address *remote)
{
    bool tcp = floe_relay_is_for_tcp(core, relay);
    bool pair_of_ports = core->set->even_port && !tcp;
    floe_turn_wishes wishes = {
        .families = relay->kind.family != 0 ? relay->kind.family : (uint8_t)families_of(core, tcp),
        .first = relay->origin->local.family == FLOE_FAMILY_IPV6 ? FLOE_TURN_IPV6 : FLOE_TURN_IPV4,
        .tcp = tcp,
        .beside = relay->kind.family != 0,
        .mobile = core->shared->mobility && !tcp && !floe_relay_beside(relay->kind),
        .dont_fragment = core->shared->dont_fragment && !tcp,
        .even_port = pair_of_ports && core->component == 1};

    if (pair_of_ports && core->component != 1 && core->associated != NULL) {
        take_reservation(core, relay, remote, &wishes);
    }
    return wishes;
}

static void init_turn(const floe_core *core, floe_relay *relay, floe_turn_account *account,
                      const floe_address *remote)
{
    floe_turn_wishes wishes = wishes_of(core, relay, remote);

    floe_turn_allocation_init(&relay->turn, account, remote, core->shared->rto,
                              floe_relay_is_stream(relay), &wishes);
    relay->asked_before = true;
}

void floe_relay_close_spare(floe_core *core, floe_base *base)
{
    if (base->spare && base->state != FLOE_BASE_CLOSING) {
        floe_base_close(core, base);
    }
}

bool floe_relay_is_beside(const floe_relay *one, const floe_relay *other)
{
    return one->origin == other->origin || floe_bases_are_rivals(one->origin, other->origin);
}

floe_relay *floe_relay_next_beside(const floe_base *base, const floe_relay *last)
{
    const floe_base *of = last != NULL ? last->origin : base;
    floe_relay *relay = asked_behind(of, last);

    while (relay == NULL) {
        of = floe_base_next_rival(base, of != base ? of : NULL);
        if (of == NULL) {
            return NULL;
        }
        relay = asked_behind(of, NULL);
    }
    return relay;
}

bool floe_relay_would_be_told_as(const floe_relay *one, const floe_relay *other)
{
    return one->server == other->server && floe_relay_same_kind(one->kind, other->kind) &&
           floe_relay_lives(one) && floe_relay_is_beside(one, other);
}

/* Its owner has been told of one that it may come in the place of. */
static bool stands_in_for_known(const floe_relay *relay)
{
    FLOE_RELAYS_BESIDE(other, relay->origin)
    {
        if (other->known && floe_relay_would_be_told_as(other, relay)) {
            return true;
        }
    }
    return false;
}

void floe_relay_enter(floe_core *core, floe_relay *relay, floe_base *base, floe_base *origin,
                      const floe_server *server, floe_relay_kind kind, uint8_t transport)
{
    relay->paced.begin = floe_relay_begin;
    relay->kind = kind;
    relay->server = server;
    floe_relay_enter_times(core, relay);
    floe_relay_stand_on(relay, base, origin);
    relay->transport = transport;
    relay->retry = relay->check = relay->unheard = relay->leaves = FLOE_TIME_NEVER;
    floe_ring_append(&core->relays, &relay->link);
}

floe_relay *floe_relay_create(floe_core *core, floe_base *origin, const floe_server *server,
                              floe_relay_kind kind, const floe_place *place)
{
    floe_relay *relay = floe_allocate(&core->shared->allocator, sizeof *relay);

    if (relay == NULL) {
        floe_core_out_of_memory(core);
        return NULL;
    }
    floe_relay_enter(core, relay, origin, origin, server, kind, place->transport);
    relay->known = stands_in_for_known(relay);
    init_turn(core, relay, server->account, &place->address);
    return relay;
}

void floe_relay_take_after(floe_relay *next, const floe_relay *relay)
{
    next->in_vain = relay->in_vain;
    next->known = next->known || relay->known;
    next->losses = relay->losses;
    next->had_at = relay->had_at;
    next->turn.heeds =
        relay->turn.heeds && floe_address_equal(&next->turn.server, &relay->turn.server);
}

floe_relay *floe_relay_make(floe_core *core, floe_time now, floe_base *origin,
                            const floe_server *server, floe_relay_kind kind,
                            const floe_place *place)
{
    floe_relay *relay = floe_relay_create(core, origin, server, kind, place);

    if (relay != NULL && !start(core, now, relay, false)) {
        floe_relay_close_spare(core, relay->base);
        floe_relay_free(core, relay);
        floe_core_out_of_memory(core);
        return NULL;
    }
    return relay;
}

void floe_relay_drop_connection(floe_core *core, floe_relay *relay)
{
    floe_streams_end(core, relay);
    if (relay->connection != NULL) {
        floe_connection_close(core, relay->connection);
        relay->connection = NULL;
    }
}

/* It asks another: what that one may have stays its own, by its socket. A spare one is for one alone. */
static void leave_server(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_base *next = relay->base;

    if (next->spare && floe_turn_allocation_stands(&relay->turn)) {
        next = floe_base_spare(core, next);
    }
    if (next != NULL && !floe_relay_leave_behind(core, now, relay, next) && next != relay->base) {
        floe_base_close(core, next);
    }
}

bool floe_relay_restart(floe_core *core, floe_time now, floe_relay *relay,
                        floe_turn_account *account, const floe_address *remote)
{
    floe_address to = *remote;
    floe_turn_account *kept = floe_turn_account_share(account);
    /* From this socket the server may have one of ours, of before. */
    bool same = floe_address_equal(&relay->turn.server, &to);
    bool inherits =
        floe_relay_by_datagrams(relay) && same && floe_turn_allocation_stands(&relay->turn);
    bool learned = same && relay->asked_before;
    floe_turn_allocation before = relay->turn; /* without what it points to */

    if (floe_relay_by_datagrams(relay) && !same) {
        leave_server(core, now, relay);
    }
    floe_unpace(core, &relay->paced);
    floe_untell(&relay->output);
    floe_relay_drop_connection(core, relay);
    floe_turn_allocation_free(&relay->turn);
    init_turn(core, relay, kept, &to);
    relay->turn.inherits = inherits;
    relay->turn.heeds = same && before.heeds;
    if (learned) {
        floe_turn_allocation_wish_as(&relay->turn, &before);
    }
    floe_turn_account_release(kept);
    return start(core, now, relay, true);
}

void floe_relay_forget_attempt(floe_relay *relay)
{
    if (relay->attempt != NULL) {
        relay->attempt->relay = NULL;
        relay->attempt = NULL;
    }
}

/* The attempt keeps what was counted. */
static void leave_counters(const floe_core *core, const floe_relay *relay)
{
    if (relay->attempt != NULL) {
        floe_counters_keep(core, &relay->attempt->counters, &relay->counters);
        relay->attempt->vain = relay->counters.requests == 0;
    }
}

void floe_relay_forget_bases(floe_core *core, floe_base *base, floe_base *origin)
{
    if (origin != base) {
        floe_base_forget(core, origin);
    }
    floe_base_forget(core, base);
}

void floe_relay_free(floe_core *core, floe_relay *relay)
{
    leave_counters(core, relay);
    floe_relay_forget_attempt(relay);
    floe_found_withdraw_relay(core, relay->base, relay, FLOE_WITHDRAWAL_RELAY_LOST);
    floe_streams_end(core, relay);
    floe_unpace(core, &relay->paced);
    floe_untell(&relay->output);
    floe_ring_remove(&core->relays, &relay->link);
    if (relay->state == FLOE_RELAY_LEFT) {
        floe_ring_remove(&core->left, &relay->of_left);
    }
    floe_relay_leave_times(core, relay);
    if (relay->connection != NULL) {
        floe_connection_disown(relay->connection);
    }
    floe_turn_allocation_free(&relay->turn);
    floe_relay_forget_way(core, relay);
    floe_deallocate(&core->shared->allocator, relay->redirected);
    leave_bases(relay);
    floe_relay_forget_bases(core, relay->base, relay->origin);
    floe_deallocate(&core->shared->allocator, relay);
}

static floe_asked asked(const floe_relay *relay, const floe_stun_transaction *transaction)
{
    return (floe_asked){.local = &relay->base->local,
                        .remote = &relay->turn.server,
                        .url = relay->server->url->text,
                        .transaction = transaction};
}

void floe_relay_trace(floe_core *core, floe_time now, floe_trace_kind kind, const floe_relay *relay,
                      const floe_stun_transaction *transaction, const floe_stun_message *message,
                      const char *detail)
{
    floe_asked by = asked(relay, transaction);

    floe_trace_packet(core, now, kind, &by, message, detail);
}

void floe_relay_request_leaves(floe_core *core, floe_time now, const floe_relay *relay,
                               const floe_stun_transaction *transaction, floe_counters *counters,
                               size_t size)
{
    floe_leaving request = {.asked = asked(relay, transaction), .counters = counters};

    floe_request_leaves(core, now, &request, size);
}

bool floe_relay_poll_send(floe_core *core, floe_time now, floe_relay *relay,
                          floe_core_output *output)
{
    floe_relay_touch(core, relay);
    floe_span data =
        floe_turn_allocation_write(&relay->turn, output->room->data, sizeof output->room->data);
    floe_leaving request = {.asked = asked(relay, &relay->turn.transaction),
                            .counters = &relay->counters,
                            .polled = true};
    bool good = floe_poll_request(core, now, &request, relay->base->channel, data, output);

    if (relay->state == FLOE_RELAY_LEFT &&
        (core->state == FLOE_GATHERER_STATE_CLOSED || relay->base->state == FLOE_BASE_CLOSING)) {
        floe_relay_free(core, relay); /* nobody hears the answer */
    }
    return good;
}

void floe_relay_send_now(floe_core *core, floe_time now, floe_relay *relay)
{
    uint8_t request[FLOE_TURN_REQUEST_SIZE];
    floe_span data = floe_turn_allocation_write(&relay->turn, request, sizeof request);

    if (data.size > 0 &&
        floe_connection_send(core, relay->connection, core->shared->queue_limit + FLOE_CONTROL_ROOM,
                             &data, 1) == FLOE_OK) {
        floe_connection_requested(relay->connection);
        floe_relay_request_leaves(core, now, relay, &relay->turn.transaction, &relay->counters,
                                  data.size);
    }
}

floe_relay *floe_relay_ours_beside(const floe_relay *relay)
{
    FLOE_RELAYS_ON(other, relay->base)
    {
        if (other != relay && floe_relay_uses(other, relay->base, &relay->turn.server) &&
            other->turn.state == FLOE_TURN_ALLOCATED) {
            return other;
        }
    }
    return NULL;
}

/* What an unanswered Allocate may have made is not to be confused with what stands there by another of
 * ours, or may be that one's, which asks by the same account: it sees to it. */
static bool leave_to_another(const floe_relay *relay)
{
    if (relay->turn.made || !floe_relay_by_datagrams(relay)) {
        return false;
    }
    FLOE_RELAYS_ON(other, relay->base)
    {
        if (other != relay && floe_relay_uses(other, relay->base, &relay->turn.server) &&
            other->turn.account == relay->turn.account) {
            other->turn.inherits =
                other->turn.inherits || (other->turn.state != FLOE_TURN_ALLOCATED &&
                                         floe_turn_allocation_stands(&relay->turn));
            other->heard_of = other->heard_of || relay->heard_of;
            return true;
        }
    }
    return floe_relay_ours_beside(relay) != NULL;
}

void floe_relay_give_back(floe_core *core, floe_time now, floe_relay *relay)
{
    if (relay->connection != NULL && floe_relay_has_way(relay) &&
        floe_turn_allocation_release(&relay->turn) &&
        floe_turn_allocation_begin(&relay->turn, now) == FLOE_TURN_SEND) {
        floe_relay_send_now(core, now, relay);
        (void)floe_turn_allocation_lost(&relay->turn, 0, (floe_span){0});
    }
}

void floe_relay_forget_way(const floe_core *core, floe_relay *relay)
{
    relay->redirects = relay->rejoined = 0;
    if (relay->redirected != NULL) {
        floe_deallocate(&core->shared->allocator, relay->redirected->host);
        relay->redirected->host = NULL;
    }
}

void floe_relay_unsettle(floe_core *core, floe_relay *relay)
{
    if (core->state == FLOE_GATHERER_STATE_COMPLETE) { /* else its end looks at all */
        core->relays_changed = relay->base->unsettled = relay->origin->unsettled = true;
    }
}

void floe_relay_end_allocation(floe_core *core, floe_time now, floe_relay *relay,
                               floe_withdrawal why)
{
    floe_relay_touch(core, relay);
    floe_relay_give_back(core, now, relay);
    if (relay->turn.state != FLOE_TURN_ENDED) {
        (void)floe_turn_allocation_lost(&relay->turn, 0, (floe_span){0});
    }
    floe_relay_drop_peers(core, relay);
    floe_relay_drop_connection(core, relay);
    /* Behind the word that its ways are gone. */
    floe_found_withdraw_relay(core, relay->base, relay, why);
    floe_unpace(core, &relay->paced);
    floe_untell(&relay->output);
    relay->retry = relay->check = FLOE_TIME_NEVER;
    relay->ignored = 0;
    floe_relay_forget_way(core, relay);
    relay->unheard = FLOE_TIME_NEVER;
    if (floe_relay_by_datagrams(relay)) {
        floe_binding_relay_gone(core, relay->base, &relay->turn.server);
    }
    floe_relay_unsettle(core, relay);
}

void floe_relay_release(floe_core *core, floe_time now, floe_relay *relay)
{
    bool stands = floe_turn_allocation_stands(&relay->turn);

    floe_relay_release_for(core, now, relay,
                           stands ? FLOE_WITHDRAWAL_RELEASED : FLOE_WITHDRAWAL_RELAY_LOST);
}

void floe_relay_release_for(floe_core *core, floe_time now, floe_relay *relay, floe_withdrawal why)
{
    leave_counters(core, relay);
    floe_relay_forget_attempt(relay);
    bool another = leave_to_another(relay);
    bool by_datagrams = floe_relay_by_datagrams(relay);
    bool stands = floe_turn_allocation_stands(&relay->turn);
    floe_time expires = floe_relay_expires(relay, now);
    bool owed = stands && (by_datagrams ? !another && floe_relay_has_way(relay)
                                        : core->state != FLOE_GATHERER_STATE_CLOSED);
    if (by_datagrams) {
        (void)floe_turn_allocation_release(&relay->turn);
    }
    floe_relay_end_allocation(core, now, relay, why);
    if (by_datagrams) {
        floe_base_bids_farewell(core, now, relay->base, &relay->turn.server);
    }
    if (owed) {
        floe_relay_is_left(core, now, relay, expires);
    } else { /* else it expires there */
        floe_relay_end(core, relay);
    }
}

void floe_relay_end(floe_core *core, floe_relay *relay)
{
    floe_relay_touch(core, relay);
    floe_unpace(core, &relay->paced);
    floe_untell(&relay->output);
    if (relay->state == FLOE_RELAY_LEFT) {
        floe_ring_remove(&core->left, &relay->of_left);
    }
    floe_relay_become(relay, FLOE_RELAY_ENDED);
    floe_relay_close_spare(core, relay->base);
}

void floe_relays_sweep(floe_core *core)
{
    FLOE_RING_EACH_SAFE(relay, &core->touched, floe_relay, touched)
    {
        if (relay->state == FLOE_RELAY_ENDED) {
            floe_relay_free(core, relay);
        }
    }
    if (!core->relays_changed) {
        return;
    }
    core->relays_changed = false;
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (base->unsettled && core->state == FLOE_GATHERER_STATE_COMPLETE) {
            floe_bindings_sweep(core, base);
        }
        base->unsettled = false;
    }
}

floe_connection *floe_relay_connect(floe_core *core, floe_time now, const floe_relay *relay,
                                    const floe_connection_owner *calls, void *owner)
{
    const floe_url *url = relay->server->url;
    floe_connection_plan plan = {.calls = calls,
                                 .owner = owner,
                                 .base = relay->base,
                                 .url = url,
                                 .host =
                                     relay->redirected != NULL && relay->redirected->host != NULL
                                         ? relay->redirected->host
                                         : url->host,
                                 .server = relay->turn.server,
                                 .proxy = *floe_relay_asked(relay),
                                 .transport = relay->transport,
                                 .redirected = relay->redirects > 0,
                                 .stun_alone = relay->turn.state != FLOE_TURN_ALLOCATED};

    return floe_connection_new(core, now, &plan);
}

bool floe_relay_open_way(floe_core *core, floe_time now, floe_relay *relay)
{
    relay->connection = floe_relay_connect(core, now, relay, &floe_relay_connection_owner, relay);
    return relay->connection != NULL;
}

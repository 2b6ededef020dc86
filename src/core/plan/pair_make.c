/* Which pairs there are, and which addresses each asks in which order (RFC 8305, S6); relays of before first
 * (L5, L11). */
#include "core/candidate/base.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/failure.h"
#include "core/outbox/outbox.h"
#include "core/plan/pair_inside.h"
#include "core/server/server.h"
#include "core/source/attempt.h"
#include "core/source/binding.h"
#include "core/source/relay.h"
#include "core/source/tcp_mapping.h"

/* RFC 8305 §5, Connection Attempt Delay: when the next address of a name is tried beside the one
 * that has not answered yet. */
#define NEXT_ADDRESS_AFTER floe_milliseconds(250)
/* When the server's other places are asked beside the one whose relay of before is asked for: by then
 * a request has been sent three times, and had the time of a long way. */
#define OTHERS_AFTER floe_milliseconds(1600)
/* When a relay is asked about that was told before another. */
#define OLDER_AFTER floe_milliseconds(100)

void floe_attempt_attach(floe_core *core, floe_attempt *attempt, floe_relay *relay)
{
    floe_relay_touch(core, relay);
    if (relay->attempt != NULL) {
        relay->attempt->relay = NULL;
    }
    attempt->relay = relay;
    relay->attempt = attempt;
    relay->hushed = false;
    relay->leaves = FLOE_TIME_NEVER;
    relay->losses = 0; /* its owner wants it now */
}

floe_attempt *floe_attempt_add(floe_core *core, floe_pair *pair, const floe_place *place)
{
    floe_attempt *attempt = floe_allocate(&core->shared->allocator, sizeof *attempt);

    if (attempt != NULL) {
        *attempt = (floe_attempt){.pair = pair,
                                  .remote = place->address,
                                  .transport = place->transport,
                                  .start = FLOE_TIME_NEVER};
        floe_chain_append(&pair->attempts, &attempt->link);
        if (floe_binding_known(pair->base, &place->address)) {
            floe_attempt_heard(attempt);
        }
    }
    return attempt;
}

floe_attempt *floe_attempt_at(const floe_pair *pair, const floe_place *place)
{
    FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (floe_place_is(place, &attempt->remote, attempt->transport)) {
            return attempt;
        }
    }
    return NULL;
}

/* The latest in which one of these was told; 0: there is none. */
static uint32_t last_told(const floe_pair *pair)
{
    uint32_t latest = 0;

    FLOE_RING_EACH(relay, floe_base_asked_for(pair->base), floe_relay, of_origin)
    {
        if (floe_relay_is_of(relay, pair->base, pair->server, pair->kind)) {
            latest = relay->generation > latest ? relay->generation : latest;
        }
    }
    return latest;
}

bool floe_pair_verify(floe_core *core, floe_time now, floe_pair *pair)
{
    bool any = false;
    uint32_t latest = last_told(pair);

    FLOE_RING_EACH(relay, floe_base_asked_for(pair->base), floe_relay, of_origin)
    {
        if (!floe_relay_is_of(relay, pair->base, pair->server, pair->kind)) {
            continue;
        }
        /* Of several one is told, who says first that it stands: the one that was told last. */
        bool older = relay->generation != latest;
        floe_time when = floe_time_after(now, older ? OLDER_AFTER : floe_milliseconds(0));
        floe_place place = {.address = *floe_relay_asked(relay), .transport = relay->transport};
        floe_attempt *attempt = floe_attempt_at(pair, &place);
        if (attempt == NULL || (attempt->relay != NULL && attempt->relay != relay)) {
            attempt = floe_attempt_add(core, pair, &place);
        }
        if (attempt != NULL) {
            floe_attempt_set_progress(core, attempt, FLOE_PENDING);
            floe_attempt_attach(core, attempt, relay);
            floe_relay_verify(core, relay, when, true);
            any = true;
        }
    }
    return any;
}

floe_attempt *floe_pair_add_only(floe_core *core, floe_pair *pair, const floe_place *place)
{
    floe_attempt *attempt = pair != NULL ? floe_attempt_add(core, pair, place) : NULL;

    if (attempt == NULL) {
        if (pair != NULL) {
            floe_pair_free(core, pair);
        }
        floe_core_out_of_memory(core);
    }
    return attempt;
}

void floe_pairs_keep(floe_core *core, floe_relay *relay)
{
    if (!floe_relay_lives(relay) || !floe_server_current(core, relay->server)) {
        return;
    }
    floe_server *server = &core->set->servers[relay->server->index];
    floe_place place = {.address = *floe_relay_asked(relay), .transport = relay->transport};
    floe_pair *pair = floe_pair_new(core, relay->origin, server, relay->kind);
    floe_attempt *attempt = floe_pair_add_only(core, pair, &place);
    if (attempt != NULL) {
        floe_attempt_attach(core, attempt, relay);
        floe_attempt_set_progress(core, attempt, FLOE_SUCCEEDED);
        floe_pair_set_progress(core, pair, FLOE_SUCCEEDED);
    }
}

floe_pair *floe_pair_of(const floe_base *base, const floe_server *server, floe_relay_kind kind)
{
    FLOE_CHAIN_EACH(pair, &base->pairs, floe_pair, of_base)
    {
        if (pair->server == server && floe_relay_same_kind(pair->kind, kind)) {
            return pair;
        }
    }
    return NULL;
}

/* One for each address of the server's that has none; those that wait for their turn have it in the
 * order of the addresses, from `start` on. Without memory those that are there will do. */
static void add_attempts(floe_core *core, floe_pair *pair, floe_time start)
{
    for (size_t i = 0; i < pair->server->names.place_count; i++) {
        const floe_place *place = &pair->server->names.places[i];
        if (!floe_pair_may_ask(core, pair->base, place)) {
            continue;
        }
        floe_attempt *attempt = floe_attempt_at(pair, place);
        if (attempt == NULL) {
            attempt = floe_attempt_add(core, pair, place);
            if (attempt == NULL) {
                return;
            }
        } else if (attempt->progress != FLOE_PENDING || floe_time_is_never(attempt->start)) {
            continue; /* it has begun */
        }
        floe_chain_remove(&pair->attempts, &attempt->link);
        floe_chain_append(&pair->attempts, &attempt->link);
        floe_attempt_set_start(core, attempt, start);
        start = floe_time_after(start, NEXT_ADDRESS_AFTER);
    }
}

static bool has_address_for(const floe_core *core, const floe_server *server, const floe_base *base)
{
    for (size_t i = 0; i < server->names.place_count; i++) {
        if (floe_pair_may_ask(core, base, &server->names.places[i])) {
            return true;
        }
    }
    return false;
}

/* Another of the server's names (SRV has several) has been found: its addresses are tried too, be
 * it that all before them have failed by now, which nobody has been told. */
static void pair_extend(floe_core *core, floe_time now, floe_pair *pair)
{
    bool more = false;

    for (size_t i = 0; i < pair->server->names.place_count; i++) {
        const floe_place *place = &pair->server->names.places[i];
        more = more ||
               (floe_pair_may_ask(core, pair->base, place) && floe_attempt_at(pair, place) == NULL);
    }
    if (more && pair->progress == FLOE_SUCCEEDED) {
        floe_pair_ask_beside_connection(core, pair);
    }
    if (!more || pair->told || pair->progress == FLOE_SUCCEEDED) {
        return;
    }
    if (floe_pair_verifies(pair)) {
        add_attempts(core, pair, floe_time_after(now, OTHERS_AFTER));
    } else if (pair->progress == FLOE_FAILED) {
        floe_pair_set_progress(core, pair, FLOE_PENDING);
        floe_failure_drop(core->shared, &pair->failure);
        add_attempts(core, pair, now);
    } else {
        add_attempts(core, pair, floe_time_after(now, NEXT_ADDRESS_AFTER));
    }
}

/* The relay of the interface's other family; NULL: it has none. One that this gathering has heard of
 * goes first. */
static const floe_relay *rivals_relay(const floe_core *core, const floe_pair *pair)
{
    const floe_relay *any = NULL;

    FLOE_BASE_RIVALS(rival, pair->base)
    {
        FLOE_RING_EACH(relay, floe_base_asked_for(rival), floe_relay, of_origin)
        {
            if (floe_relay_is_of(relay, rival, pair->server, (floe_relay_kind){0}) &&
                (any == NULL || floe_relay_is_sure(core, relay))) {
                any = relay;
            }
        }
    }
    return any;
}

/* Whether the other family of the interface is asking already. */
static bool rival_asks(const floe_pair *pair)
{
    FLOE_BASE_RIVALS(rival, pair->base)
    {
        FLOE_CHAIN_EACH(other, &rival->pairs, floe_pair, of_base)
        {
            if (other->server == pair->server && other->progress != FLOE_FAILED) {
                return true;
            }
        }
    }
    return false;
}

/* What stands beside the first, however that fares, is told by this gathering too. */
static void verify_beside(floe_core *core, floe_time now, floe_base *base, floe_server *server)
{
    FLOE_RING_EACH(relay, floe_base_asked_for(base), floe_relay, of_origin)
    {
        floe_relay_kind kind = relay->kind;
        if (!floe_relay_beside(kind) || !floe_relay_is_of(relay, base, server, kind) ||
            (relay->generation != core->generation && floe_relay_needless(relay)) ||
            floe_pair_of(base, server, kind) != NULL) {
            continue;
        }
        floe_pair *pair = floe_pair_new(core, base, server, kind);
        if (pair != NULL && !floe_pair_verify(core, now, pair)) {
            floe_pair_free(core, pair);
            pair = NULL;
        }
        if (pair == NULL) {
            floe_core_out_of_memory(core);
        }
    }
}

/* A relay of before shows what its Refreshes keep; by a connection nothing of the base (R4). */
static void show_mapping(floe_core *core, const floe_attempt *attempt)
{
    floe_base *base = attempt->pair->base;

    if (attempt->transport == FLOE_PROTOCOL_UDP) {
        floe_binding_claim(core, base, attempt->pair->server, &attempt->relay->turn.server);
    }
    if (!floe_relays_tell(core, base, &attempt->remote)) { /* it stands elsewhere, or has moved */
        (void)floe_attempt_ask_reflexive(core, attempt);
    }
}

/* Where a relay of before is silent another is asked for, from another socket: there are servers (Pion's)
 * that leave a Refresh of what they do not have unanswered, and behind their restart give at once who
 * is new to them. What has been told in this generation has its time (T7b). */
static void ask_anew_beside(floe_core *core, floe_pair *pair, floe_time start)
{
    FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        const floe_relay *relay = attempt->relay;
        if (relay == NULL || relay->generation == core->generation) {
            continue; /* it is one that is added here */
        }
        floe_place place = {.address = attempt->remote, .transport = attempt->transport};
        floe_attempt *anew = floe_attempt_add(core, pair, &place);
        if (anew != NULL) {
            floe_attempt_set_start(core, anew, start);
        }
    }
}

static void pair_make(floe_core *core, floe_time now, floe_base *base, floe_server *server)
{
    verify_beside(core, now, base, server);
    floe_pair *pair = floe_pair_new(core, base, server, (floe_relay_kind){0});

    if (pair == NULL) {
        floe_core_out_of_memory(core);
        return;
    }
    if (floe_pair_verify(core, now, pair)) {
        FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            show_mapping(core, attempt);
        }
        ask_anew_beside(core, pair, floe_time_after(now, OTHERS_AFTER));
        add_attempts(core, pair, floe_time_after(now, OTHERS_AFTER));
        return;
    }
    const floe_relay *rivals = server->url->turn ? rivals_relay(core, pair) : NULL;
    bool second = rivals != NULL || (server->url->turn && rival_asks(pair));
    bool sure =
        rivals != NULL && floe_relay_is_sure(core, rivals); /* then none is asked for here */
    floe_duration wait = rivals != NULL && !sure ? OTHERS_AFTER : NEXT_ADDRESS_AFTER;
    add_attempts(core, pair, second ? floe_time_after(now, wait) : now);
    if (floe_chain_empty(&pair->attempts)) {
        floe_pair_failed(core, pair, (floe_failure){.kind = FLOE_FAILURE_MEMORY});
    } else if (second) { /* its reflexive candidate does not wait */
        (void)floe_attempt_ask_reflexive(core,
                                         FLOE_CHAIN_FIRST(&pair->attempts, floe_attempt, link));
    }
    if (sure) {
        floe_pair_yield(core, now, pair); /* else once that is */
    }
}

/* R4, beside what is asked by UDP, and nobody's concern if the server does not serve TCP. */
static void make_by_tcp(floe_core *core, floe_time now, floe_base *base, floe_server *server)
{
    const floe_relay_kind kind = {.tcp = true};
    floe_pair *pair = floe_pair_of(base, server, kind);
    floe_time start = now;

    for (size_t i = 0; i < server->names.place_count; i++) {
        floe_place place = server->names.places[i];
        place.transport = FLOE_PROTOCOL_TCP;
        if (!place.ready || !floe_base_asks(core, base, &place.address) ||
            (pair != NULL &&
             (pair->progress != FLOE_PENDING || floe_attempt_at(pair, &place) != NULL))) {
            continue;
        }
        bool first = pair == NULL;
        pair = first ? floe_pair_new(core, base, server, kind) : pair;
        floe_attempt *attempt =
            first ? floe_pair_add_only(core, pair, &place) : floe_attempt_add(core, pair, &place);
        if (attempt == NULL) {
            return;
        }
        floe_attempt_set_start(core, attempt, start);
        start = floe_time_after(start, NEXT_ADDRESS_AFTER);
    }
}

/* A relay of before is asked about where it is, whether or not the name is known. */
static bool stands(const floe_base *base, const floe_server *server)
{
    return server->url->turn && floe_relay_of(base, server, (floe_relay_kind){0}) != NULL;
}

void floe_pairs_make(floe_core *core, floe_time now, floe_base *base)
{
    if (base->state != FLOE_BASE_OPEN || base->spare || base->asks == FLOE_BASE_ASKS_NOBODY ||
        core->state != FLOE_GATHERER_STATE_GATHERING) {
        return;
    }
    const floe_relay_kind plain = {0};
    for (size_t i = 0; i < core->set->count; i++) {
        floe_server *server = &core->set->servers[i];
        bool applies = server->url->turn || !base->no_reflexive;
        floe_pair *pair = floe_pair_of(base, server, plain);
        if (pair != NULL) {
            if (base->asks == FLOE_BASE_ASKS_ALL || pair->number > core->last_kept) {
                pair_extend(core, now, pair);
            }
        } else if (applies && (has_address_for(core, server, base) || stands(base, server))) {
            pair_make(core, now, base, server);
        }
        if (!server->url->turn && floe_tcp_mappings_are_wanted(core, base)) {
            make_by_tcp(core, now, base, server);
        }
    }
}

void floe_pairs_make_all(floe_core *core, floe_time now)
{
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        floe_pairs_make(core, now, base);
    }
}

static void ask_for_missing(floe_core *core, floe_base *base)
{
    if (base->asks == FLOE_BASE_ASKS_NOBODY) {
        base->asks = FLOE_BASE_ASKS_MISSING;
        base->answered = base->has_srflx = base->has_relay = false;
        floe_base_changed(core, base);
    }
}

/* Its interface has one by its other family, and that stays. */
static bool rival_keeps_relay(const floe_core *core, const floe_pair *pair)
{
    const floe_relay *rivals = rivals_relay(core, pair);

    return rivals != NULL && rivals->origin->chosen && floe_relay_lives(rivals);
}

bool floe_pairs_ask_anew(floe_core *core, const floe_server *server)
{
    const floe_relay_kind plain = {0};
    bool asks = false;

    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        bool stays = base->chosen && !base->spare && base->state == FLOE_BASE_OPEN;
        floe_pair *pair = stays ? floe_pair_of(base, server, plain) : NULL;
        if (pair == NULL || !(pair->progress == FLOE_FAILED || pair->yielded) ||
            floe_relay_of(base, server, plain) != NULL || rival_keeps_relay(core, pair)) {
            continue;
        }
        floe_pair_free(core, pair);
        ask_for_missing(core, base);
        asks = true;
    }
    return asks;
}

/* It has yielded the relay to the other family, and the server has shown nothing here. */
static bool lacks_reflexive(const floe_pair *pair)
{
    const floe_names *names = &pair->server->names;

    for (size_t i = 0; i < names->place_count; i++) {
        if (floe_binding_known(pair->base, &names->places[i].address)) {
            return false;
        }
    }
    return pair->yielded && !pair->base->no_reflexive;
}

static bool has_failed(const floe_pair *pair)
{
    return pair->progress == FLOE_FAILED || lacks_reflexive(pair);
}

bool floe_pairs_failed(const floe_base *base)
{
    FLOE_CHAIN_EACH(pair, &base->pairs, floe_pair, of_base)
    {
        if (has_failed(pair)) {
            return true;
        }
    }
    return false;
}

void floe_pairs_ask_failed(floe_core *core, floe_base *base)
{
    FLOE_CHAIN_EACH_SAFE(pair, &base->pairs, floe_pair, of_base)
    {
        if (has_failed(pair)) {
            floe_pair_free(core, pair);
        }
    }
    ask_for_missing(core, base);
}

void floe_pairs_hurry(floe_core *core, floe_time now)
{
    FLOE_RING_EACH(pair, &core->pairs, floe_pair, link)
    {
        bool waits = pair->progress == FLOE_PENDING && !pair->yielded && pair->server->url->turn;
        if (waits && (floe_pair_verifies(pair) || rivals_relay(core, pair) != NULL)) {
            floe_pair_hurry(core, pair, now, true);
        }
    }
}

/* What the owner is told of relays: which of several, for how long, and what leaves as another is there in its
 * place. */
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/server/server.h"
#include "core/source/binding.h"
#include "core/source/peers.h"
#include "core/source/relay_inside.h"
#include "core/text/url.h"

bool floe_relay_is_of(const floe_relay *relay, const floe_base *base, const floe_server *server,
                      floe_relay_kind kind)
{
    return floe_relay_serves(relay) && relay->origin == base && relay->server == server &&
           floe_relay_same_kind(relay->kind, kind);
}

floe_relay *floe_relay_of(const floe_base *base, const floe_server *server, floe_relay_kind kind)
{
    FLOE_RING_EACH(relay, floe_base_asked_for(base), floe_relay, of_origin)
    {
        if (floe_relay_is_of(relay, base, server, kind)) {
            return relay;
        }
    }
    return NULL;
}

bool floe_relay_is_sure(const floe_core *core, const floe_relay *relay)
{
    return floe_relay_serves(relay) && relay->turn.heard.ns >= core->started.ns;
}

bool floe_relay_is_challenged(const floe_relay *relay)
{
    return !floe_relay_is_had(relay) && floe_turn_allocation_challenged(&relay->turn);
}

bool floe_relay_needless(const floe_relay *relay)
{
    floe_relay_kind first = {.tcp = relay->kind.tcp};
    const floe_relay *by = NULL;

    if (relay->kind.family != 0) {
        by = floe_relay_of(relay->origin, relay->server, first);
    }
    for (size_t i = 0; by != NULL && i < 2; i++) {
        uint8_t family = floe_turn_relayed(&by->turn, i)->family;
        if (family != FLOE_FAMILY_NONE &&
            relay->kind.family == (family == FLOE_FAMILY_IPV6 ? FLOE_TURN_IPV6 : FLOE_TURN_IPV4)) {
            return true;
        }
    }
    return false;
}

floe_address floe_relay_mapped_of(const floe_core *core, const floe_relay *relay)
{
    floe_address mapped = {0};

    if (relay->turn.mapped.family == FLOE_FAMILY_NONE ||
        !floe_mapped_address(core, relay->base, &relay->turn.mapped, &mapped)) {
        mapped = (floe_address){0};
    }
    return mapped;
}

/* R6: it is by credentials of before, and what it keeps of a NAT for a candidate nobody else does. */
static bool is_kept_for_mapping(const floe_core *core, const floe_relay *relay)
{
    return !floe_server_current(core, relay->server) && floe_relay_serves(relay) &&
           floe_relay_by_datagrams(relay) && !relay->base->spare &&
           floe_server_successor(core, relay->server) != NULL &&
           floe_binding_needs_relay(core, relay->base, &relay->turn.server);
}

/* `asked`: by one that the next gathering asks (floe_pair_verify, floe_relays_verify_former). */
static bool is_kept(const floe_core *core, const floe_base *base, const floe_address *server,
                    bool asked)
{
    FLOE_RELAYS_ON(relay, base)
    {
        if (floe_relay_uses(relay, base, server) && floe_relay_serves(relay) &&
            floe_relay_mapped_of(core, relay).family != FLOE_FAMILY_NONE &&
            (!asked || floe_server_current(core, relay->server) ||
             is_kept_for_mapping(core, relay))) {
            return true;
        }
    }
    return false;
}

bool floe_relays_keep(const floe_core *core, const floe_base *base, const floe_address *server)
{
    return is_kept(core, base, server, false);
}

bool floe_relays_tell(const floe_core *core, const floe_base *base, const floe_address *server)
{
    return is_kept(core, base, server, true);
}

/* RFC 6544 §4.5: one that connects, from whatever port, and one that is connected to. */
static void tell_tcp(floe_core *core, floe_time now, const floe_finding *finding)
{
    floe_address discard = floe_address_with_port(*finding->address, 9);
    floe_finding active = *finding;
    floe_finding passive = *finding;

    active.address = &discard;
    active.tcp_type = FLOE_TCP_TYPE_ACTIVE;
    (void)floe_found_add(core, now, &active);
    passive.tcp_type = FLOE_TCP_TYPE_PASSIVE;
    (void)floe_found_add(core, now, &passive);
}

/* The mapping that the server has seen is known without asking, and kept (R2), be it by credentials of before. */
static void keep_mapping(floe_core *core, floe_time now, const floe_relay *relay, bool anew)
{
    const floe_server *server = floe_server_current(core, relay->server)
                                    ? relay->server
                                    : floe_server_successor(core, relay->server);
    floe_address mapped = floe_relay_mapped_of(core, relay);

    if (server != NULL && floe_relay_by_datagrams(relay) && mapped.family != FLOE_FAMILY_NONE) {
        floe_binding_adopt(core, now, relay->base, server, &relay->turn.server, &mapped, anew);
    }
}

static void tell(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_address mapped = floe_relay_mapped_of(core, relay);

    relay->base->has_relay = relay->origin->has_relay = true;
    floe_base_changed(core, relay->base);
    floe_base_changed(core, relay->origin);
    for (size_t i = 0; i < 2 && floe_turn_relayed(&relay->turn, i)->family != FLOE_FAMILY_NONE;
         i++) {
        floe_finding finding = {.type = FLOE_CANDIDATE_TYPE_RELAY,
                                .base = relay->base,
                                .server = relay->server,
                                .relay = relay,
                                .transport = relay->transport,
                                .remote = &relay->turn.server,
                                .address = floe_turn_relayed(&relay->turn, i),
                                .mapped = &mapped};
        if (floe_relay_is_for_tcp(core, relay)) {
            tell_tcp(core, now, &finding);
        } else {
            (void)floe_found_add(core, now, &finding);
        }
    }
}

/* So long one that is replaced goes on: its peer has to hear of the other, and to check it. */
#define LEAVES_AFTER floe_seconds(30)

/* Nobody is told of it any more. */
static void let_leave(floe_core *core, floe_time now, floe_relay *relay)
{
    if (floe_time_is_never(relay->leaves)) {
        floe_relay_touch(core, relay);
        relay->leaves = floe_time_after(now, LEAVES_AFTER);
        if (!floe_server_current(core, relay->server)) { /* who is to keep that? */
            floe_binding_ask_beside(core, relay->base, &relay->turn.server);
        }
    }
}

/* It owes an answer for longer than a way may take. */
static bool is_silent(const floe_core *core, floe_time now, const floe_relay *relay)
{
    const floe_stun_transaction *asks = &relay->turn.transaction;

    return !floe_relay_is_sure(core, relay) && floe_stun_transaction_runs(asks) &&
           floe_time_since(now, asks->started).ns >= core->shared->rto.ns;
}

/* Whether another has been told in its place, of which nothing says that it stands no more. */
static bool told_beside(const floe_core *core, floe_time now, const floe_relay *relay)
{
    FLOE_RELAYS_BESIDE(other, relay->origin)
    {
        if (other != relay && floe_relay_would_be_told_as(other, relay) &&
            floe_relay_serves(other) && !is_silent(core, now, other) &&
            other->generation == core->generation && !floe_relay_is_quiet(other)) {
            return true;
        }
    }
    return false;
}

/* What stands is what the gathering has found; of several that were there one is told (L11), by whose
 * server says so first. */
static void found(floe_core *core, floe_time now, floe_relay *relay, bool anew)
{
    if (relay->generation != core->generation && told_beside(core, now, relay)) {
        let_leave(core, now, relay);
    }
    keep_mapping(core, now, relay, anew);
    if (!floe_relay_is_quiet(relay)) {
        tell(core, now, relay);
    }
    if (floe_found_of_relay(relay->base, relay)) {
        relay->generation = core->generation;
        relay->known = relay->known || !core->pooled; /* else that waits to be told */
    }
    if (relay->attempt != NULL) {
        core->listener->succeeded(core, now, relay->attempt);
    }
}

void floe_relay_stands(floe_core *core, floe_time now, floe_relay *relay, bool anew)
{
    bool moved = relay->state == FLOE_RELAY_MOVES;

    floe_relay_touch(core, relay);
    floe_relay_become(relay, FLOE_RELAY_STANDS);
    if (moved) {
        floe_relay_peers_again(core, now, relay);
    }
    relay->doubted = now; /* that is answered */
    relay->ignored = 0;
    floe_relay_set_check(core, now, relay);
    floe_relay_heard(relay, now);
    if (floe_server_current(core, relay->server)) { /* else this gathering has not found it */
        found(core, now, relay, anew);
    } else if (is_kept_for_mapping(core, relay)) {
        keep_mapping(core, now, relay, anew);
    }
    if (core->state == FLOE_GATHERER_STATE_COMPLETE) { /* else its end does */
        floe_relays_leave(core, now);
    }
}

/* Of its kind, or in one allocation what took two (T5). */
static bool stands_for(const floe_relay *relay, const floe_relay *former)
{
    bool has = false;

    if (floe_relay_same_kind(relay->kind, former->kind)) {
        return true;
    }
    for (size_t i = 0; i < 2; i++) {
        uint8_t family = floe_turn_relayed(&relay->turn, i)->family;
        has = has || (family == FLOE_FAMILY_IPV4 && former->kind.family == FLOE_TURN_IPV4) ||
              (family == FLOE_FAMILY_IPV6 && former->kind.family == FLOE_TURN_IPV6);
    }
    return has && relay->kind.tcp == former->kind.tcp;
}

bool floe_relay_is_replaced(const floe_core *core, const floe_relay *former)
{
    bool current = floe_server_current(core, former->server);

    FLOE_RELAYS_BESIDE(relay, former->origin)
    {
        bool there = current ? relay->server == former->server
                             : floe_url_same_place(relay->server->url, former->server->url);
        if (relay != former && floe_relay_serves(relay) && there &&
            floe_time_is_never(relay->leaves) && stands_for(relay, former) &&
            relay->generation == core->generation) {
            return true;
        }
    }
    return false;
}

bool floe_relay_another_serves(const floe_relay *relay)
{
    FLOE_RELAYS_BESIDE(other, relay->origin)
    {
        if (other != relay && floe_relay_would_be_told_as(other, relay) &&
            floe_relay_serves(other) && floe_time_is_never(other->leaves)) {
            return true;
        }
    }
    return false;
}

/* Its owner has never been told of it, and is not to be behind the gathering's end (L4); what he knew
 * of is told as soon as it is had. */
static void hush(const floe_core *core, floe_relay *relay)
{
    relay->hushed = relay->generation != core->generation && !relay->known;
}

void floe_relay_leave_gathering(floe_core *core, floe_relay *relay)
{
    floe_relay_touch(core, relay);
    floe_relay_forget_attempt(relay);
    hush(core, relay);
}

void floe_relay_leave_now(floe_core *core, floe_time now, floe_relay *relay)
{
    bool replaced = floe_relay_is_replaced(core, relay);

    if (replaced && is_kept_for_mapping(core, relay)) {
        floe_relay_touch(core, relay);
        relay->leaves = FLOE_TIME_NEVER; /* it is seen again with its next Refresh */
        relay->keeps = true;
        floe_found_withdraw_relay(core, relay->base, relay, FLOE_WITHDRAWAL_RELEASED);
    } else if (replaced) {
        floe_relay_release(core, now, relay);
    } else {
        floe_relay_touch(core, relay);
        relay->leaves = FLOE_TIME_NEVER;
        relay->hushed = false;
        floe_relay_verify(core, relay, now, true);
    }
}

void floe_relay_let_stay(floe_core *core, floe_time now, const floe_relay *lost)
{
    FLOE_RELAYS_BESIDE(relay, lost->origin)
    {
        if (relay != lost && floe_relay_would_be_told_as(relay, lost) &&
            !floe_time_is_never(relay->leaves)) {
            floe_relay_touch(core, relay);
            relay->leaves = now;
        }
    }
}

void floe_relays_verify_former(floe_core *core, floe_time now)
{
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        if (is_kept_for_mapping(core, relay)) {
            floe_relay_verify(core, relay, now, true);
            floe_binding_awaits_relay(core, relay->base, floe_server_successor(core, relay->server),
                                      &relay->turn.server);
        }
    }
}

void floe_relays_leave(floe_core *core, floe_time now)
{
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        bool moves =
            relay->state == FLOE_RELAY_MOVES; /* until that is done nothing is sure of it */
        if (!floe_relay_lives(relay) || floe_server_current(core, relay->server) || moves) {
            continue;
        }
        if (floe_server_successor(core, relay->server) == NULL) {
            floe_relay_release(core, now, relay);
        } else if (floe_relay_is_replaced(core, relay)) {
            let_leave(core, now, relay);
        } else if (floe_time_is_never(relay->leaves)) { /* else its time tells (leave_now) */
            tell(core, now, relay); /* it is what its owner has, by credentials of before */
            relay->keeps = false;
            relay->generation = core->generation;
        }
    }
}

void floe_relays_end_gathering(floe_core *core, floe_time now)
{
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        bool told = relay->generation == core->generation;
        if (floe_relay_lives(relay) && !told && floe_relay_needless(relay)) {
            floe_relay_release(core, now, relay);
        } else if (floe_relay_lives(relay) && !told && floe_relay_is_replaced(core, relay)) {
            let_leave(core, now, relay); /* it was silent while another was had */
        } else {
            hush(core, relay);
        }
    }
}

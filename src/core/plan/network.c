/* The network changes (N1, N2). What has gone is seen to soon; what is new waits until a burst of
 * changes is over, as an interface that comes up has its addresses one after another. */
#include "core/plan/network.h"

#include "core/candidate/base.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/plan/bases.h"
#include "core/plan/choice.h"
#include "core/plan/elsewhere.h"
#include "core/plan/pair.h"
#include "core/plan/restless.h"
#include "core/plan/servers.h"
#include "core/source/relay.h"

/* A change is seen to within 100 ms, in which the driver has a part. */
#define QUIET floe_milliseconds(80)
#define BURST_MOST floe_milliseconds(1000)
/* When the driver is asked again that could not list the interfaces. */
#define AGAIN floe_seconds(1)

/* In another network the system may hear of its name servers later than of its addresses: names that are not known are
 * looked up again so long behind a change, and then twice as long each time. */
#define NAMES_AGAIN floe_seconds(1)
#define NAMES_TRIES 4

struct floe_network {
    floe_time look;      /* when to look at the list; never: it is as it was */
    floe_time rest;      /* when the burst of changes is over; never: there is none */
    floe_time burst_end; /* when it is at the latest */
    floe_list restless;
    uint8_t routed;  /* families that the list had a default route for; bits */
    uint8_t gained;  /* those of the list at hand that had none */
    floe_time names; /* when names that are not known are looked up again; never: they are not */
    uint8_t tries;   /* so often that has been done since the change */
    bool asked;      /* for the list */
    bool settled;    /* what is new in the list at hand is gathered on */
    bool names_due;  /* with the list at hand names that are not known are looked up */
};

floe_error floe_network_begin(floe_core *core)
{
    if (core->network == NULL) {
        core->network = floe_allocate(&core->shared->allocator, sizeof *core->network);
        if (core->network == NULL) {
            return FLOE_ERR_NO_MEMORY;
        }
        core->network->look = core->network->rest = core->network->names = FLOE_TIME_NEVER;
        floe_list_init(&core->network->restless);
    }
    return FLOE_OK;
}

void floe_network_free(floe_core *core)
{
    if (core->network != NULL) {
        floe_restless_free(core, &core->network->restless);
        floe_deallocate(&core->shared->allocator, core->network);
    }
}

void floe_network_forget(floe_core *core)
{
    if (core->network != NULL) {
        core->network->look = core->network->rest = core->network->names = FLOE_TIME_NEVER;
        core->network->asked = false;
    }
}

/* ── When to look ── */

bool floe_core_is_continual(const floe_core *core)
{
    return core->network != NULL && core->set->continual &&
           core->state != FLOE_GATHERER_STATE_CLOSED;
}

static bool follows(const floe_core *core)
{
    bool gathers = core->state == FLOE_GATHERER_STATE_GATHERING && core->interfaces_known;

    return !core->pooled && (gathers || core->state == FLOE_GATHERER_STATE_COMPLETE);
}

void floe_network_changed(floe_core *core, floe_time now)
{
    floe_network *network = core->network;

    if (!floe_core_is_continual(core) || core->state == FLOE_GATHERER_STATE_NEW) {
        return;
    }
    if (floe_time_is_never(network->rest) || floe_time_reached(now, network->burst_end)) {
        network->burst_end = floe_time_after(now, BURST_MOST);
    }
    network->rest = floe_time_min(floe_time_after(now, QUIET), network->burst_end);
    network->look = floe_time_min(network->look, network->rest);
}

floe_time floe_network_deadline(const floe_core *core)
{
    const floe_network *network = core->network;

    if (network == NULL || network->asked || !follows(core)) {
        return FLOE_TIME_NEVER;
    }
    bool any = !floe_time_is_never(network->names) && floe_servers_any_unknown(core);
    return any ? floe_time_min(network->look, network->names) : network->look;
}

void floe_network_asks(floe_core *core)
{
    core->network->look = FLOE_TIME_NEVER;
    core->network->asked = true;
}

void floe_network_hears(floe_core *core)
{
    core->network->asked = false;
}

bool floe_network_awaits(const floe_core *core)
{
    return core->network != NULL && core->network->asked && follows(core);
}

void floe_network_unknown(floe_core *core, floe_time now)
{
    core->network->asked = false;
    core->network->look = floe_time_after(now, AGAIN);
}

/* ── What is news ── */

/* An address to be gathered on: is its interface one to be left alone? */
static bool is_held(floe_network *network, const floe_interface_address *entry)
{
    floe_time until =
        floe_restless_until(&network->restless, entry->interface_name, entry->interface_index);

    if (until.ns != 0) {
        network->look = floe_time_min(network->look, until);
    }
    return until.ns != 0;
}

/* Whether anything of the list is to be gathered on now. */
static bool any_new(floe_core *core, floe_time now, const floe_interface_address *list,
                    size_t count)
{
    floe_network *network = core->network;
    const floe_interface_address *best;
    floe_choice choice;
    bool any = false;

    if (!floe_choice_begin(&choice, core, list, floe_bases_are_wanted(core) ? count : 0)) {
        floe_network_unknown(core, now);
        return false;
    }
    while ((best = floe_choice_next(&choice)) != NULL) {
        bool lacks = floe_bases_lack(core, &best->address);
        if (lacks && !is_held(network, best)) {
            any = true;
        }
    }
    floe_choice_drop(&choice);
    if (any && !network->settled) {
        network->look = floe_time_min(network->look, network->rest);
    }
    return any && network->settled;
}

/* ── A default route ── */

static uint8_t bit_of(const floe_address *address)
{
    return address->family == FLOE_FAMILY_IPV4 ? 1 : 2;
}

static uint8_t routed_in(const floe_interface_address *list, size_t count)
{
    uint8_t families = 0;

    for (size_t i = 0; i < count; i++) {
        families |= list[i].default_route ? bit_of(&list[i].address) : 0;
    }
    return families;
}

void floe_network_saw(floe_core *core, const floe_interface_address *list, size_t count)
{
    if (core->network != NULL) {
        core->network->routed = routed_in(list, count);
    }
}

/* Somebody was not reached from the base, or not found. A member of a mux knows it of its servers alone. */
static bool is_owed(const floe_core *core, const floe_base *base)
{
    return floe_pairs_failed(base) || floe_servers_any_unknown(core) ||
           (floe_core_is_member(core) && floe_elsewhere_any_failed(core));
}

/* An address often comes before its route: who reached nobody from the base, or did not find their
 * names, may now; and names are known later still, maybe. */
static bool gains(const floe_core *core, const floe_base *base)
{
    bool routed = (core->network->gained & bit_of(&base->local)) != 0;
    bool stays = base->chosen && base->state == FLOE_BASE_OPEN && !base->spare;

    return stays && (core->network->names_due || (routed && is_owed(core, base)));
}

/* Whether from one of these families somebody is asked still, of whom it will be known whether he was reached. */
static bool any_asks(const floe_core *core, uint8_t families)
{
    bool elsewhere = floe_core_is_member(core) && floe_elsewhere_pends(core);

    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        bool pends = elsewhere || base->pending[0] + base->pending[1] > 0;
        if (base->chosen && !base->spare && (families & bit_of(&base->local)) != 0 && pends) {
            return true;
        }
    }
    return false;
}

static bool any_routed(floe_core *core, floe_time now, const floe_interface_address *list,
                       size_t count)
{
    floe_network *network = core->network;
    uint8_t routed = routed_in(list, count);
    bool any = false;

    network->gained = (uint8_t)(routed & ~network->routed);
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        any = any || gains(core, base);
    }
    if (any && !network->settled) {
        network->look = floe_time_min(network->look, network->rest);
        return false;
    }
    if (network->gained != 0 && any_asks(core, network->gained)) { /* it is news until then */
        network->look = floe_time_min(network->look, floe_time_after(now, AGAIN));
        return any;
    }
    network->routed = routed;
    return any;
}

/* Whether anybody is asked. */
static bool ask_for_what_was_not_had(floe_core *core)
{
    bool asks = false;

    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (gains(core, base)) {
            floe_pairs_ask_failed(core, base);
            asks = true;
        }
    }
    if (asks && floe_core_is_member(core)) {
        floe_elsewhere_ask_failed(core);
    }
    return asks;
}

/* ── What is news, all in all ── */

/* Of those that have failed nobody has heard anything. */
static bool any_gone(const floe_core *core)
{
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (floe_base_is_gone(base) && base->state != FLOE_BASE_FAILED) {
            return true;
        }
    }
    return false;
}

/* Whether the base's address is on its interface still. */
static bool is_where_it_was(const floe_base *base, const floe_interface_address *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].interface_index == base->interface_index &&
            floe_address_same_ip(&list[i].address, &base->local)) {
            return true;
        }
    }
    return false;
}

/* The names of those that stay: an interface may have another, an address another interface. */
static void follow_names(floe_core *core, const floe_interface_address *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        floe_base *base = floe_base_of_ip(core, &list[i].address);
        if (base != NULL && base->chosen &&
            (base->interface_index == list[i].interface_index ||
             !is_where_it_was(base, list, count))) {
            floe_base_follows(core, base, &list[i], base->rank);
        }
    }
}

/* ── Names that are not known ── */

static void look_up_again_behind(floe_network *network, floe_time now)
{
    network->names = network->tries < NAMES_TRIES
                         ? floe_time_after(now, (floe_duration){NAMES_AGAIN.ns << network->tries})
                         : FLOE_TIME_NEVER;
}

void floe_network_look_up_again(floe_core *core, floe_time now)
{
    core->network->tries = 0;
    look_up_again_behind(core->network, now);
}

/* Whether it is time to look for them, and there are any. */
static bool are_names_due(const floe_core *core, floe_time now)
{
    return floe_time_reached(now, core->network->names) && floe_servers_any_unknown(core);
}

bool floe_network_judge(floe_core *core, floe_time now, const floe_interface_address *list,
                        size_t count)
{
    floe_network *network = core->network;

    network->asked = false;
    network->settled = floe_time_is_never(network->rest) || floe_time_reached(now, network->rest);
    if (network->settled) {
        network->rest = FLOE_TIME_NEVER;
    }
    floe_restless_look(core, &network->restless, now, list, count);
    floe_bases_find(core, list, count);
    bool gone = any_gone(core);
    bool news = any_new(core, now, list, count);
    news = any_routed(core, now, list, count) || news;
    if (news) {
        floe_network_look_up_again(core, now);
    } else if (are_names_due(core, now)) {
        network->tries++;
        look_up_again_behind(network, now);
        news = true;
        network->names_due = true;
    } else if (floe_time_reached(now, network->names)) {
        network->names = FLOE_TIME_NEVER; /* all are known */
    }
    if (!gone && !news) {
        follow_names(core, list, count);
        floe_bases_leave(core, now); /* those that have failed */
    }
    return gone || news;
}

/* ── What follows ── */

/* What remains is asked for the relays that would move and have found no address. Whether anybody is. */
static bool ask_for_stranded(floe_core *core)
{
    bool any = false;

    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_relay_lives(relay) && floe_relay_waits_for_address(relay) &&
            floe_server_current(core, relay->server) && !floe_relay_beside(relay->kind)) {
            any = floe_pairs_ask_anew(core, &core->set->servers[relay->server->index]) || any;
        }
    }
    return any;
}

/* A relay goes with its base, unless it moves: what remains is asked for one. Whether anybody is. */
static bool ask_for_relays_of(floe_core *core, const floe_base *gone)
{
    bool any = false;

    FLOE_RING_EACH(relay, &gone->asked_for, floe_relay, of_origin)
    {
        if (floe_relay_lives(relay) && floe_server_current(core, relay->server) &&
            !floe_relay_beside(relay->kind) && !floe_relay_can_move(relay)) {
            any = floe_pairs_ask_anew(core, &core->set->servers[relay->server->index]) || any;
        }
    }
    return any;
}

static void drop_pairs(floe_core *core, floe_base *base)
{
    FLOE_CHAIN_EACH_SAFE(pair, &base->pairs, floe_pair, of_base)
    {
        floe_pair_free(core, pair);
    }
}

/* Whether anybody is asked in their place. */
static bool take_leave(floe_core *core, floe_time now, const floe_interface_address *list,
                       size_t count)
{
    bool asks = false;

    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (floe_base_is_gone(base)) {
            floe_restless_note(core, &core->network->restless, now, floe_base_interface_name(base),
                               base->interface_index, list, count);
            asks = ask_for_relays_of(core, base) || asks;
            drop_pairs(core, base);
        }
    }
    return asks;
}

/* Its port was another program's, maybe, and is free by now. */
static void try_again(floe_core *core, const floe_interface_address *from, uint16_t rank)
{
    floe_network *network = core->network;

    if (network->settled && floe_bases_could_not_open(core, &from->address) &&
        !is_held(network, from)) {
        (void)floe_bases_add(core, from, rank);
    }
}

/* In the places that they have among all. Whether there are any. What could not be opened for another reason than
 * that its address is new is no news, but may be opened with some, as a gathering would. */
static bool add_new(floe_core *core, floe_time now, const floe_interface_address *list,
                    size_t count)
{
    floe_network *network = core->network;
    const floe_interface_address *best;
    floe_choice choice;
    bool any = false;

    if (!floe_choice_begin(&choice, core, list, floe_bases_are_wanted(core) ? count : 0)) {
        floe_network_unknown(core, now);
        return false;
    }
    for (uint16_t rank = 0; (best = floe_choice_next(&choice)) != NULL;
         rank = (uint16_t)(rank < UINT16_MAX ? rank + 1 : rank)) {
        if (!floe_bases_lack(core, &best->address)) {
            floe_base_follows(core, floe_base_of_ip(core, &best->address), best, rank);
            try_again(core, best, rank);
        } else if (network->settled && !is_held(network, best)) {
            any = floe_bases_add(core, best, rank) || any;
            floe_restless_note(core, &network->restless, now, best->interface_name,
                               best->interface_index, list, count);
        }
    }
    floe_choice_end(&choice, now);
    return any;
}

void floe_network_apply(floe_core *core, floe_time now, const floe_interface_address *list,
                        size_t count, bool whole)
{
    bool nobody = !floe_bases_have_family(core, FLOE_FAMILY_IPV4) &&
                  !floe_bases_have_family(core, FLOE_FAMILY_IPV6);
    bool again = take_leave(core, now, list, count);
    follow_names(core, list, count);
    bool added = add_new(core, now, list, count);

    floe_bases_leave(core, now);
    again = ask_for_stranded(core) || again;
    again = ask_for_what_was_not_had(core) || again;
    core->network->names_due = false;
    if (added) { /* they have their time, however long others had theirs */
        core->give_up = floe_time_after(now, core->shared->gather_timeout);
    }
    if (added && (whole || nobody)) { /* another network may lead elsewhere by names */
        floe_servers_reset(core);
        floe_servers_begin(core);
    } else if (added || again) {
        floe_servers_begin_unknown(core);
    }
    floe_pairs_make_all(core, now);
}

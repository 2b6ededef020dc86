/* When gathering is complete (L4), and that it never stalls (L14). */
#include "core/plan/completion.h"

#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/outbox.h"
#include "core/plan/bases.h"
#include "core/plan/elsewhere.h"
#include "core/plan/names.h"
#include "core/plan/pair.h"
#include "core/plan/renewal.h"
#include "core/server/server.h"
#include "core/source/binding.h"
#include "core/source/relay.h"
#include "core/source/tcp_mapping.h"

/* Whether names are looked up from which every base may get such. */
static bool looks_up(const floe_core *core, bool relay)
{
    for (size_t i = 0; i < core->set->count; i++) {
        const floe_server *server = &core->set->servers[i];
        if (floe_server_pending(server) && server->url->turn == relay) {
            return true;
        }
    }
    return false;
}

static bool anything_pending(const floe_core *core)
{
    if (core->pairs_pending > 0) {
        return true;
    }
    if (core->base_counts[FLOE_BASES_STANDING] > 0 && floe_elsewhere_pends(core)) {
        return true;
    }
    if (core->base_counts[FLOE_BASES_AWAITED] > 0 || core->base_counts[FLOE_BASES_ASKING] > 0) {
        return true;
    }
    return core->base_counts[FLOE_BASES_STANDING] > 0 &&
           (looks_up(core, false) || looks_up(core, true));
}

/* L14 (c): have others answered for those that are still silent? Each base must have a result of
 * each kind that it waits for. A base on which nobody has answered at all (a VPN that swallows
 * packets, a black hole of IPv6) holds nothing back, as long as some other base has its results;
 * but nobody is silent who has not been asked. */
static bool others_have_answered(const floe_core *core)
{
    if (core->base_counts[FLOE_BASES_AWAITED] > 0) {
        return false;
    }
    if (floe_core_is_member(core)) {
        return floe_elsewhere_has_answered(core);
    }
    if (!floe_ring_empty(&core->paced) || core->base_counts[FLOE_BASES_WITH_RESULTS] == 0) {
        return false;
    }
    for (int relay = 0; relay < 2; relay++) {
        if (core->base_counts[FLOE_BASES_WAITING + relay] > 0 ||
            (core->base_counts[FLOE_BASES_WITHOUT + relay] > 0 && looks_up(core, relay))) {
            return false;
        }
    }
    return true;
}

static void complete(floe_core *core, floe_time now)
{
    floe_relays_end_gathering(core, now);
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        floe_bindings_miss(core, base);
    }
    floe_found_sweep(core);
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        floe_bindings_sweep(core, base);
        floe_tcp_mappings_sweep(core, base);
    }
    floe_pairs_rest(core);
    core->gathering = floe_time_since(now, core->started);
    core->state = FLOE_GATHERER_STATE_COMPLETE;
    core->grace = core->give_up = core->services_end = FLOE_TIME_NEVER;
    floe_tell(core, &core->complete_output, FLOE_OUTPUT_COMPLETE);
}

/* A program that stood still (a debugger, a suspended laptop) has taken its servers' time as well:
 * by what the end comes late they have it anew, once, and no longer than at first. */
#define LATE_MS 100U

static bool make_up(const floe_core *core, floe_time now, floe_time *end, floe_duration most)
{
    floe_duration late = floe_time_since(now, *end);

    if (!core->made_up && !floe_time_is_never(*end) && floe_time_reached(now, *end) &&
        late.ns >= floe_milliseconds(LATE_MS).ns) {
        *end = floe_time_after(now, late.ns < most.ns ? late : most);
        return true;
    }
    return false;
}

/* A socket that is not open by now serves the next gathering. */
static void give_up_bases(floe_core *core)
{
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (floe_base_awaited(base)) {
            base->overdue = true;
            floe_base_changed(core, base);
            if (base->state == FLOE_BASE_OPENING) {
                floe_base_tell_failure(core, base, FLOE_ERR_TIMED_OUT);
            } else {
                floe_base_tell_no_listener(core, base, FLOE_ERR_TIMED_OUT);
            }
        }
    }
}

/* What is known by now is asked, whatever a look-up may find that comes before it. Whether any begins. */
static bool asks_on(floe_core *core, floe_time now)
{
    if (!floe_names_wait_no_longer(core)) {
        return false;
    }
    floe_pairs_make_all(core, now);
    return !floe_time_is_never(floe_pairs_deadline(core));
}

void floe_completion_check(floe_core *core, floe_time now)
{
    if (core->state != FLOE_GATHERER_STATE_GATHERING) {
        return;
    }
    if (!core->interfaces_known) {
        if (!core->interfaces_asked || !floe_time_reached(now, core->give_up)) {
            return;
        }
        floe_interfaces_unknown(core, now,
                                FLOE_ERR_TIMED_OUT); /* L14 (b): the driver does not say */
    }
    bool over = floe_time_reached(now, core->grace) && !floe_time_reached(now, core->give_up);
    if (!others_have_answered(core) || (over && asks_on(core, now))) {
        core->grace = FLOE_TIME_NEVER; /* nobody is silent who has not been asked */
    } else if (floe_time_is_never(core->grace)) {
        core->grace = floe_time_after(now, core->shared->straggler_grace);
        floe_pairs_hurry(core, now); /* nor who waits for his turn beside one that is silent */
    }
    bool grace = make_up(core, now, &core->grace, core->shared->straggler_grace);
    bool give_up = make_up(core, now, &core->give_up, core->shared->gather_timeout);
    bool services =
        make_up(core, now, &core->services_end, floe_names_service_timeout(core->shared));
    core->made_up = core->made_up || grace || give_up || services;
    if (floe_time_reached(now, core->services_end)) {
        core->services_end = FLOE_TIME_NEVER;
        floe_names_without_services(core, now);
        floe_pairs_make_all(core, now);
    }
    if (floe_time_reached(now, core->give_up) || floe_time_reached(now, core->grace)) {
        if (floe_names_give_up(core, now)) {
            floe_pairs_make_all(core, now);
        }
        floe_pairs_give_up(core, now);
        if (floe_time_reached(now, core->give_up)) {
            give_up_bases(core);
        }
        if (floe_core_is_member(core)) {
            floe_elsewhere_give_up(core, now);
        }
    }
    floe_pairs_tell(core);
    if (!anything_pending(core)) {
        floe_relays_leave(core, now);
    }
    if (!anything_pending(core)) {
        complete(core, now);
    }
}

/* From one gathering to the next (L5, L11, L12): what is thrown away, what is asked again, and what
 * goes on as it is. */
#include "core/plan/renewal.h"

#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/candidate/host.h"
#include "core/core.h"
#include "core/outbox/outbox.h"
#include "core/plan/network.h"
#include "core/plan/pair.h"
#include "core/plan/servers.h"
#include "core/source/binding.h"
#include "core/source/relay.h"

static void drop_pairs(floe_core *core)
{
    FLOE_RING_EACH_SAFE(pair, &core->pairs, floe_pair, link)
    {
        floe_pair_free(core, pair);
    }
}

static void forget(floe_core *core, floe_time now)
{
    drop_pairs(core);
    floe_servers_replace(core, now);
    floe_servers_reset(core);
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        base->answered = base->has_srflx = base->has_relay = base->refused = false;
        if (base->listener != NULL) {
            base->listener->refused = false;
        }
        base->asks = FLOE_BASE_ASKS_ALL;
        floe_base_changed(core, base);
    }
}

/* Everything that an earlier gathering told has been polled by now: the question for interfaces
 * stood behind it. */
void floe_renewal_prepare(floe_core *core, floe_time now)
{
    if (core->gathered) {
        forget(core, now);
        FLOE_RING_EACH(base, &core->bases, floe_base, link)
        {
            floe_bindings_renew(core, base);
        }
        floe_relays_verify_former(core, now);
    } else {
        floe_servers_replace(core, now);
    }
    core->gathered = true;
}

void floe_renewal_of_change(floe_core *core)
{
    core->last_kept = core->last_pair;
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        base->asks = FLOE_BASE_ASKS_NOBODY;
        floe_base_changed(core, base);
    }
}

void floe_renewal_interrupt(floe_core *core, floe_time now)
{
    core->generation++;
    floe_untell_events(core);
    floe_found_outlive(core);
    floe_servers_advance(core);
    floe_bases_apply_policy(core);
    forget(core, now);
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
        {
            floe_binding_stop(core, now, binding);
        }
    }
    core->give_up = core->grace = core->services_end = FLOE_TIME_NEVER;
    core->interfaces_known = false;
    core->interfaces_asked = false;
    floe_network_forget(core); /* who gathers lists anew */
    core->state = FLOE_GATHERER_STATE_NEW;
    core->pooled = false;
}

void floe_interfaces_unknown(floe_core *core, floe_time now, floe_error error)
{
    core->interfaces_known = true;
    floe_renewal_prepare(core, now);
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        floe_relay_leave_gathering(core, relay); /* nobody asks it in this one */
        if (floe_found_of_relay(relay->base, relay)) {
            relay->hushed = false;
            floe_pairs_keep(core, relay);
        }
    }
    if (floe_core_is_continual(core)) {
        floe_network_unknown(core, now); /* it is asked for again */
    }
    core->list_error = (uint8_t)-error;
    floe_tell(core, &core->list_error_output, FLOE_OUTPUT_LIST_ERROR);
}

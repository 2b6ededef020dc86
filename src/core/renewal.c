/* From one gathering to the next (L5, L11, L12): what is thrown away, what is asked again, and what
 * goes on as it is. */
#include "core/gatherer.h"

static void drop_pairs(floe_core *core)
{
    FLOE_LIST_EACH_SAFE(pair, &core->pairs, floe_pair, link)
    {
        floe_pair_free(core, pair);
    }
}

static void renew(floe_core *core, bool generation)
{
    drop_pairs(core);
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        floe_bindings_renew(core, base, generation);
        base->answered = base->has_srflx = base->has_relay = false;
    }
    floe_servers_replace(core);
    floe_servers_reset(core);
}

/* Everything that an earlier gathering told has been polled by now: the question for interfaces
 * stood behind it. */
void floe_renewal_prepare(floe_core *core)
{
    if (core->gathered) {
        renew(core, false);
        floe_found_reveal(core);
    } else {
        floe_servers_replace(core);
    }
    core->gathered = true;
}

void floe_renewal_interrupt(floe_core *core)
{
    floe_untell_events(core);
    floe_servers_advance(core);
    renew(core, true);
    FLOE_LIST_EACH_SAFE(found, &core->found, floe_found, link)
    {
        floe_found_free(core, found);
    }
    core->give_up = core->grace = FLOE_TIME_NEVER;
    core->interfaces_known = false;
    core->interfaces_asked = false;
    core->state = FLOE_GATHERER_STATE_NEW;
    core->pooled = false;
}

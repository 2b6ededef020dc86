/* Pacing (RFC 8445 §14.2): one new STUN transaction each Ta. */
#include "core/source/pacer.h"

#include "core/config/shared.h"
#include "core/core.h"

void floe_pace(floe_core *core, floe_paced *paced, bool soon)
{
    if (!floe_ring_linked(&paced->link)) {
        floe_ring_insert(&core->paced, soon ? core->paced.first : NULL, &paced->link);
    }
}

void floe_unpace(floe_core *core, floe_paced *paced)
{
    floe_ring_remove(&core->paced, &paced->link);
}

/* Trunks of one mux share their pace. */
static floe_time *next_of(floe_core *core)
{
    return floe_core_is_trunk(core) ? core->share->next_request : &core->next_request;
}

void floe_pacer_begin(floe_core *core, floe_time now)
{
    if (!floe_core_is_trunk(core)) {
        core->next_request = now;
    }
}

void floe_pacer_run(floe_core *core, floe_time now)
{
    floe_time *next = next_of(core);

    while (!floe_ring_empty(&core->paced) && floe_time_reached(now, *next)) {
        floe_paced *paced = FLOE_CONTAINER(floe_ring_take(&core->paced), floe_paced, link);
        *next = floe_time_after(now, core->shared->pacing);
        paced->begin(core, now, paced);
    }
}

floe_time floe_pacer_deadline(const floe_core *core)
{
    const floe_time *next =
        floe_core_is_trunk(core) ? core->share->next_request : &core->next_request;

    return floe_ring_empty(&core->paced) ? FLOE_TIME_NEVER : *next;
}

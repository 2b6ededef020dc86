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

void floe_pacer_run(floe_core *core, floe_time now)
{
    while (!floe_ring_empty(&core->paced) && floe_time_reached(now, core->next_request)) {
        floe_paced *paced = FLOE_CONTAINER(floe_ring_take(&core->paced), floe_paced, link);
        core->next_request = floe_time_after(now, core->shared->pacing);
        paced->begin(core, now, paced);
    }
}

floe_time floe_pacer_deadline(const floe_core *core)
{
    return floe_ring_empty(&core->paced) ? FLOE_TIME_NEVER : core->next_request;
}

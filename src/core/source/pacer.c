/* Pacing (RFC 8445 §14.2): one new STUN transaction each Ta. */
#include "core/source/pacer.h"

#include "core/config/shared.h"
#include "core/core.h"

void floe_pace(floe_core *core, floe_paced *paced, bool soon)
{
    if (!floe_list_linked(&paced->link)) {
        floe_list_append(soon ? core->paced.next : &core->paced, &paced->link);
    }
}

void floe_pacer_run(floe_core *core, floe_time now)
{
    while (!floe_list_empty(&core->paced) && floe_time_reached(now, core->next_request)) {
        floe_paced *paced = FLOE_CONTAINER(floe_list_take(&core->paced), floe_paced, link);
        core->next_request = floe_time_after(now, core->shared->pacing);
        paced->begin(core, now, paced);
    }
}

floe_time floe_pacer_deadline(const floe_core *core)
{
    return floe_list_empty(&core->paced) ? FLOE_TIME_NEVER : core->next_request;
}

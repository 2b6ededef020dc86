/* What the owner hears of peers that his packets do not reach: once a second for each, and of few; and of each connection with
 * a peer that has ended. */
#include "core/outbox/unreachable.h"

#include "core/config/shared.h"
#include "core/core.h"

#define TOLD_EVERY floe_seconds(1)

struct floe_unreached {
    floe_output output;
    floe_address peer;
    floe_time told;
    uint32_t candidate_id; /* 0: of none yet */
    uint8_t reason;        /* a floe_unreachable */
};

static bool told_lately(const floe_unreached *one, floe_time now, bool ended)
{
    return one->candidate_id != 0 &&
           (floe_is_told(&one->output) ||
            (!ended && floe_time_since(now, one->told).ns < TOLD_EVERY.ns));
}

/* ICMP can be forged, so who sends it decides neither on memory nor on how often the owner is
 * called: what finds no place is not told. */
static floe_unreached *place_for(floe_core *core, floe_time now, uint32_t candidate_id,
                                 const floe_address *peer, bool ended)
{
    floe_unreached *place = NULL;

    if (core->unreached == NULL) {
        core->unreached =
            floe_allocate(&core->shared->allocator, FLOE_UNREACHED_MAX * sizeof *core->unreached);
    }
    for (size_t i = 0; core->unreached != NULL && i < FLOE_UNREACHED_MAX; i++) {
        floe_unreached *one = &core->unreached[i];
        bool lately = told_lately(one, now, ended);
        if (one->candidate_id == candidate_id && floe_address_equal(&one->peer, peer)) {
            return lately ? NULL : one;
        }
        place = place == NULL && !lately ? one : place;
    }
    return place;
}

static void tell(floe_core *core, floe_time now, uint32_t candidate_id, const floe_address *peer,
                 floe_unreachable reason, bool ended)
{
    floe_unreached *place = candidate_id != 0 ? place_for(core, now, candidate_id, peer, ended)
                                              : NULL; /* 0: it is hidden */

    if (place != NULL) {
        place->peer = *peer;
        place->told = now;
        place->candidate_id = candidate_id;
        place->reason = (uint8_t)reason;
        floe_tell(core, &place->output, FLOE_OUTPUT_UNREACHABLE);
    }
}

void floe_unreached_tell(floe_core *core, floe_time now, uint32_t candidate_id,
                         const floe_address *peer, floe_unreachable reason)
{
    tell(core, now, candidate_id, peer, reason, false);
}

void floe_unreached_ended(floe_core *core, floe_time now, uint32_t candidate_id,
                          const floe_address *peer, floe_unreachable reason)
{
    tell(core, now, candidate_id, peer, reason, true);
}

bool floe_unreached_poll(const floe_output *link, floe_core_output *output)
{
    const floe_unreached *one = FLOE_CONTAINER(link, floe_unreached, output);

    output->kind = FLOE_CORE_UNREACHABLE;
    output->candidate_id = one->candidate_id;
    output->remote = one->peer;
    output->unreachable = (floe_unreachable)one->reason;
    return true;
}

/* A core's outputs and packets as copies, which what else is done does not change. */
#ifndef FLOE_TESTS_POLLED_H
#define FLOE_TESTS_POLLED_H

#include "core/config/shared.h" /* FLOE_CORE_DATA_SIZE */

#include <floe/core.h>

static inline bool polled(floe_core *core, floe_time now, floe_core_output *output)
{
    const floe_core_output *next;
    bool there = floe_core_poll(core, now, &next);

    if (there) {
        *output = *next;
    }
    return there;
}

static inline bool arrived(floe_core *core, floe_time now, floe_packet *packet)
{
    const floe_packet *next;
    bool there = floe_core_packet(core, now, &next);

    if (there) {
        *packet = *next;
    }
    return there;
}

#endif

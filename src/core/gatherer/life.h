/* A gatherer's life. */
#ifndef FLOE_CORE_GATHERER_LIFE_H
#define FLOE_CORE_GATHERER_LIFE_H

#include "base/time.h"

#include <floe/core.h>

/* After every input: paces, and looks whether gathering is complete. */
void floe_core_settle(floe_core *core, floe_time now);
/* N1: in state complete, a gathering for what has changed. */
void floe_core_gather_change(floe_core *core, floe_time now);
/* L10: whether a pool begins as soon as the time is known; and begins it, if so. */
bool floe_core_pool_is_due(const floe_core *core);
void floe_core_begin_pool(floe_core *core, floe_time now);

#endif

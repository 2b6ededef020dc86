/* When gathering is complete (L4, L14). */
#ifndef FLOE_CORE_PLAN_COMPLETION_H
#define FLOE_CORE_PLAN_COMPLETION_H

#include "base/time.h"

#include <floe/core.h>

void floe_completion_check(floe_core *core, floe_time now);

#endif

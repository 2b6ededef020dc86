/* From one gathering to the next (L5, L11, L12). */
#ifndef FLOE_CORE_PLAN_RENEWAL_H
#define FLOE_CORE_PLAN_RENEWAL_H

#include "base/time.h"

#include <floe/core.h>

/* There is no list of interfaces: the owner is told, and what goes on goes on. */
void floe_interfaces_unknown(floe_core *core, floe_time now, floe_error error);
/* What the last gathering leaves to the next (renewal.c): pairs go, servers are looked up afresh,
 * sockets and allocations that still serve stay. */
void floe_renewal_prepare(floe_core *core, floe_time now);
/* The gathering that begins is for what a change of the network has brought: nobody asks on bases
 * that were there before. */
void floe_renewal_of_change(floe_core *core);
/* Ends the gathering at hand without a word; everything that can serve the next one stays. */
void floe_renewal_interrupt(floe_core *core, floe_time now);

#endif

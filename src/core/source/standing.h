/* What stands on a base. */
#ifndef FLOE_CORE_SOURCE_STANDING_H
#define FLOE_CORE_SOURCE_STANDING_H

#include "core/types.h"

#include <floe/core.h>

/* Closes its socket, behind what it has still to send, and withdraws what stands on it. No relay
 * that is live uses it any more. (standing.c) */
void floe_base_close(floe_core *core, floe_base *base);

#endif

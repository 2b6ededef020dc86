/* Host candidates, and the names that stand for their addresses (H2). */
#ifndef FLOE_CORE_CANDIDATE_HOST_H
#define FLOE_CORE_CANDIDATE_HOST_H

#include "core/types.h"

#include <floe/core.h>

/* Gives it a name that stands for its address, where the settings want one (H2); false without
 * memory. */
bool floe_base_name(floe_core *core, floe_base *base);
/* Publishes that, and tells the host candidates that there are by now. */
void floe_base_tell_hosts(floe_core *core, floe_time now, floe_base *base);
void floe_base_unpublish(floe_core *core, floe_base *base);
/* The policy may be another: where it tells no hosts, no name stands for one (P1). */
void floe_bases_apply_policy(floe_core *core);
void floe_base_name_taken(floe_core *core, floe_time now, floe_base *base);
void floe_base_name_unheard(floe_core *core, floe_base *base, floe_error error);

#endif

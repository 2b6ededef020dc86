/* Peers that are not reached. */
#ifndef FLOE_CORE_OUTBOX_UNREACHABLE_H
#define FLOE_CORE_OUTBOX_UNREACHABLE_H

#include "core/outbox/outbox.h"

#define FLOE_UNREACHED_MAX 16

typedef struct floe_unreached floe_unreached;

/* A packet of the owner's from this candidate (0: none that is shown) did not reach the peer. */
void floe_unreached_tell(floe_core *core, floe_time now, uint32_t candidate_id,
                         const floe_address *peer, floe_unreachable reason);
/* A connection with the peer has ended, or none was to be had: this nobody forges, and what was sent by it is not sent again,
 * so each time is told. */
void floe_unreached_ended(floe_core *core, floe_time now, uint32_t candidate_id,
                          const floe_address *peer, floe_unreachable reason);
/* The output. */
bool floe_unreached_poll(const floe_output *link, floe_core_output *output);

#endif

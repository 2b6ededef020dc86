/* What the trace says of look-ups. */
#ifndef FLOE_CORE_SERVER_LOOKUP_TRACE_H
#define FLOE_CORE_SERVER_LOOKUP_TRACE_H

#include "core/server/server.h"

/* By the output at hand. */
void floe_trace_looks_up(floe_core *core, floe_time now, floe_lookup *lookup);
/* What has come of it; before it is taken in. */
void floe_trace_addresses(floe_core *core, floe_time now, const floe_lookup *lookup,
                          floe_error error, const floe_address *addresses, size_t count);
void floe_trace_services(floe_core *core, floe_time now, const floe_lookup *lookup,
                         floe_error error, const floe_service_record *records, size_t count);

#endif

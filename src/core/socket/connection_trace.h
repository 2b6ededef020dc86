/* What the trace says of connections. */
#ifndef FLOE_CORE_SOCKET_CONNECTION_TRACE_H
#define FLOE_CORE_SOCKET_CONNECTION_TRACE_H

#include "core/socket/connection.h"

/* In one piece; NULL: the settings do not ask for it, or there is no memory, and nothing is told of it. */
floe_connection_story *floe_connection_story_new(const floe_core *core,
                                                 const floe_connection_plan *plan);
/* A step of it, if there is such a one by its transport. */
void floe_connection_tell(floe_core *core, floe_time now, const floe_connection *connection,
                          floe_trace_kind kind);
void floe_connection_tell_failure(floe_core *core, floe_time now, const floe_connection *connection,
                                  const floe_failure *failure);

#endif

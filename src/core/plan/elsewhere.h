/* The servers of a member of a mux, which trunks ask: how a gathering waits for them. */
#ifndef FLOE_CORE_PLAN_ELSEWHERE_H
#define FLOE_CORE_PLAN_ELSEWHERE_H

#include "base/time.h"
#include "core/server/server.h"

/* Whether the gathering waits for one. */
bool floe_elsewhere_pends(const floe_core *core);
/* L14 (c): whether others have answered for those that are waited for, each kind by its own. */
bool floe_elsewhere_has_answered(const floe_core *core);
/* Their time is over: a trunk that nobody else waits for ends now, and says why; of the others it fails by
 * timeout. */
void floe_elsewhere_give_up(floe_core *core, floe_time now);
/* N2: whether one has failed; and those that have are waited for once more. */
bool floe_elsewhere_any_failed(const floe_core *core);
void floe_elsewhere_ask_failed(floe_core *core);
/* Its trunk asks it again: what has come of it so far is not all. */
void floe_elsewhere_await(floe_server *server);
/* Its trunk is complete; `given`: something has come of it. */
void floe_elsewhere_end(floe_server *server, bool given);

#endif

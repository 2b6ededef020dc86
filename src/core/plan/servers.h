/* One set of servers in another's place (L12), and how a gathering begins with them. */
#ifndef FLOE_CORE_PLAN_SERVERS_H
#define FLOE_CORE_PLAN_SERVERS_H

#include "core/server/server_set.h"

/* The coming servers take the place of those at hand, which are retired: kept for as long as
 * outputs may speak of them. What is alive of a server that stays goes on. */
void floe_servers_replace(floe_core *core, floe_time now);
/* What was set last is what comes, and its policy holds from now on (L12). */
void floe_servers_advance(floe_core *core);
/* Frees those retired of which nothing speaks any more. */
void floe_servers_bury(floe_core *core);
/* Forgets what the last gathering found out. */
void floe_servers_reset(floe_core *core);
/* Looks up what must be looked up, for the families of the bases. */
void floe_servers_begin(floe_core *core);
/* Looks up the names once more that were not found, as another network may know them. */
void floe_servers_begin_unknown(floe_core *core);
bool floe_servers_any_unknown(const floe_core *core);

#endif

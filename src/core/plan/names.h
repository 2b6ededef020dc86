/* The looking up of servers' names (S6). It says what is known by then; who asks there is the pairs'. */
#ifndef FLOE_CORE_PLAN_NAMES_H
#define FLOE_CORE_PLAN_NAMES_H

#include "core/server/server.h"

void floe_names_begin(floe_core *core, floe_server *server);
/* Whether its domain says by what transports it is asked (RFC 5928 §3). */
bool floe_names_choose_transports(const floe_core_shared *shared, const floe_url *url);
/* It does not give back a relay that was lost: its name may lead elsewhere by now. Who tells errors
 * hears nothing of what comes of it; relays that wait do. */
void floe_names_again(floe_core *core, floe_time now, const floe_server *of);
/* Whether the gathering at hand knows more by that, and may make pairs. */
bool floe_names_addresses(floe_core *core, floe_time now, uint32_t query, floe_error error,
                          const floe_address *addresses, size_t count);
bool floe_names_services(floe_core *core, floe_time now, uint32_t query, floe_error error,
                         const floe_service_record *records, size_t count);
/* How long those for services may take; then the hosts' own addresses stand for them. */
floe_duration floe_names_service_timeout(const floe_core_shared *shared);
void floe_names_without_services(floe_core *core, floe_time now);
/* The output. */
bool floe_lookup_poll(floe_core *core, floe_time now, floe_lookup *lookup,
                      floe_core_output *output);
/* What is known may be asked, whatever may be found that comes before it. Whether any had to wait. */
bool floe_names_wait_no_longer(floe_core *core);
/* Gives up the look-ups that are under way. Whether there were any: what is known is asked then. */
bool floe_names_give_up(floe_core *core, floe_time now);

#endif

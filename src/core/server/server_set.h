/* The options' servers, checked and copied. */
#ifndef FLOE_CORE_SERVER_SERVER_SET_H
#define FLOE_CORE_SERVER_SERVER_SET_H

#include "core/server/server.h"

/* Checks options and copies them (S1, S2, S4). */
floe_error floe_server_set_new(floe_core_shared *shared, const floe_gather_options *options,
                               floe_server_set **set);
/* A copy, for an associated gatherer. NULL without memory. */
floe_server_set *floe_server_set_copy(const floe_core *core, const floe_server_set *set);
/* Of this server alone, with every policy: for a trunk. NULL without memory. */
floe_server_set *floe_server_set_alone(floe_core_shared *shared, const floe_server *server,
                                       uint8_t types, uint8_t transports);
void floe_server_set_free(const floe_core_shared *shared, floe_server_set *set);
/* Whether it is the same place, asked by the same user. */
bool floe_server_is(const floe_server *server, const floe_url *url,
                    const floe_turn_account *account);

#endif

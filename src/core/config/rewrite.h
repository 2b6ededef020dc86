/* Address rewrite rules (W1 to W10). */
#ifndef FLOE_CORE_CONFIG_REWRITE_H
#define FLOE_CORE_CONFIG_REWRITE_H

#include "core/types.h"

#include <floe/core.h>

#define FLOE_REWRITE_EXTERNALS_MAX 64

/* Checks the settings' rules and makes them ready. */
floe_error floe_rewrites_new(floe_core_shared *shared, const floe_settings *settings);
void floe_rewrites_free(floe_core_shared *shared);
/* The rule for a candidate of this type, for TCP or UDP, on this address; NULL: none. */
const floe_rewrite *floe_rewrite_for(const floe_core_shared *shared, floe_candidate_type type,
                                     bool tcp, const floe_address *local, const char *iface);
/* Whether its addresses, if any, stand in this one's place: the local one, or a relayed one. */
bool floe_rewrite_replaces(const floe_rewrite *rule, const floe_address *address);
/* The rule's next address for that one, from *at = 0 on; false: no more. */
bool floe_rewrite_next(const floe_core_shared *shared, const floe_rewrite *rule,
                       const floe_address *address, size_t *at, floe_address *external);
bool floe_address_within(const floe_address *address, const floe_address *network, unsigned bits);

#endif

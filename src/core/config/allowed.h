/* What the settings allow. */
#ifndef FLOE_CORE_CONFIG_ALLOWED_H
#define FLOE_CORE_CONFIG_ALLOWED_H

#include "core/config/shared.h"

/* P3, P4 (RFC 8445 §5.1.1.1): whether such an address may be gathered on, or said. */
bool floe_address_usable(const floe_core_shared *shared, const floe_address *address);
/* T4b: an address that a server may name. */
bool floe_address_believable(const floe_core_shared *shared, const floe_address *address);
/* T4b: whether a TURN server may be asked on this port, for URLs of strangers; be it the URL's,
 * that of an SRV record or of an alternate server. */
bool floe_port_allowed(const floe_core_shared *shared, const floe_url *url, uint16_t port);
/* Whether the URL's server is reached through the settings' proxy. */
bool floe_url_proxied(const floe_core_shared *shared, const floe_url *url);
/* Whom to connect to for it: its own host, or the proxy on the way. The name, for look-ups; its
 * address if it is one; the port. */
const char *floe_next_hop(const floe_core_shared *shared, const floe_url *url,
                          floe_address *literal, uint16_t *port);

#endif

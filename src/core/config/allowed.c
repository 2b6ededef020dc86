/* What the settings allow: which addresses are gathered on and believed, which ports are asked, and
 * by which way a server is reached. */
#include "core/config/allowed.h"

#include "base/address.h"

bool floe_address_usable(const floe_core_shared *shared, const floe_address *address)
{
    switch (floe_address_classify(address)) {
    case FLOE_ADDRESS_LOOPBACK:
        return shared->loopback;
    case FLOE_ADDRESS_LINK_LOCAL:
        return address->family == FLOE_FAMILY_IPV4 || shared->link_local;
    case FLOE_ADDRESS_UNSPECIFIED:
    case FLOE_ADDRESS_MULTICAST:
    case FLOE_ADDRESS_BROADCAST:
    case FLOE_ADDRESS_SITE_LOCAL:
    case FLOE_ADDRESS_IPV4_COMPATIBLE:
    case FLOE_ADDRESS_IPV4_MAPPED:
        return false;
    default:
        return address->family != FLOE_FAMILY_NONE;
    }
}

bool floe_address_believable(const floe_core_shared *shared, const floe_address *address)
{
    floe_address plain = floe_address_normalise(*address);

    switch (floe_address_classify(&plain)) {
    case FLOE_ADDRESS_UNSPECIFIED:
    case FLOE_ADDRESS_MULTICAST:
    case FLOE_ADDRESS_BROADCAST:
    case FLOE_ADDRESS_IPV4_COMPATIBLE:
        return false;
    case FLOE_ADDRESS_LOOPBACK:
    case FLOE_ADDRESS_LINK_LOCAL:
        return shared->loopback;
    default:
        return plain.port != 0;
    }
}

bool floe_port_allowed(const floe_core_shared *shared, const floe_url *url, uint16_t port)
{
    return !shared->refuse_low_ports || !url->turn || port >= 1024 || port == 53 || port == 80 ||
           port == 443;
}

bool floe_url_proxied(const floe_core_shared *shared, const floe_url *url)
{
    return shared->proxy != NULL &&
           (url->transport == FLOE_PROTOCOL_TCP || url->transport == FLOE_PROTOCOL_TLS);
}

const char *floe_next_hop(const floe_core_shared *shared, const floe_url *url,
                          floe_address *literal, uint16_t *port)
{
    const floe_proxy_server *proxy = shared->proxy;

    if (floe_url_proxied(shared, url)) {
        *literal = floe_address_with_port(proxy->literal, proxy->port);
        *port = proxy->port;
        return proxy->host;
    }
    *literal = url->literal;
    *port = url->port;
    return url->host;
}

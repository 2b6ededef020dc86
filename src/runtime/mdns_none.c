/* Without multicast DNS: nothing is published, nothing is found. */
#include "runtime/mdns.h"

bool floe_mdns_is_built_in(void)
{
    return false;
}

floe_error floe_mdns_service_publish(floe_api *api, const floe_core_output *output)
{
    (void)api;
    (void)output;
    return FLOE_OK;
}

void floe_mdns_service_unpublish(floe_api *api, const floe_core_output *output)
{
    (void)api;
    (void)output;
}

floe_error floe_mdns_service_look_up(floe_api *api, const char *name, uint8_t family,
                                     uint32_t timeout_ms, floe_mdns_asker *asker)
{
    (void)api;
    (void)name;
    (void)family;
    (void)timeout_ms;
    (void)asker;
    return FLOE_ERR_INVALID_STATE;
}

void floe_mdns_service_forget(floe_api *api, const floe_mdns_asker *asker)
{
    (void)api;
    (void)asker;
}

void floe_mdns_service_links(floe_api *api)
{
    (void)api;
}

void floe_mdns_service_woke(floe_api *api, bool after_long)
{
    (void)api;
    (void)after_long;
}

void floe_mdns_service_close(floe_api *api)
{
    (void)api;
}

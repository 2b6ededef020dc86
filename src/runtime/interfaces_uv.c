/* Interfaces by libuv, where there is no rtnetlink: no address flags, no kinds of adapter, and no
 * news of changes, so the list is read each time. */
#include "base/error.h"
#include "runtime/interfaces.h"

#include <string.h>
#include <uv.h>

floe_error floe_interfaces_read(floe_interfaces *interfaces)
{
    uv_interface_address_t *list;
    int count;
    floe_error error = FLOE_OK;
    int failed = uv_interface_addresses(&list, &count);

    if (failed != 0) {
        return floe_fail(FLOE_ERR_SYSTEM, "uv_interface_addresses: %s", uv_strerror(failed));
    }
    for (int i = 0; i < count && error == FLOE_OK; i++) {
        floe_interface_address entry = {.up = true};
        if (list[i].address.address4.sin_family == AF_INET) {
            entry.address.family = FLOE_FAMILY_IPV4;
            memcpy(entry.address.ip, &list[i].address.address4.sin_addr, 4);
        } else {
            entry.address.family = FLOE_FAMILY_IPV6;
            entry.address.scope_id = list[i].address.address6.sin6_scope_id;
            memcpy(entry.address.ip, &list[i].address.address6.sin6_addr, 16);
        }
        error = floe_interfaces_add(interfaces, list[i].name, &entry);
    }
    uv_free_interface_addresses(list, count);
    return error;
}

bool floe_interfaces_changed(floe_interfaces *interfaces)
{
    (void)interfaces;
    return true;
}

void floe_interfaces_monitor_free(floe_interfaces *interfaces)
{
    (void)interfaces;
}

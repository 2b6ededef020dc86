/* Interfaces by libuv, where there is no rtnetlink: no address flags, no kinds of adapter, and no
 * news of changes, so the list is read each time. */
#include "base/error.h"
#include "runtime/interfaces.h"
#include "runtime/system.h"

#include <string.h>
#include <uv.h>
#ifndef _WIN32
#include <net/if.h>
#endif

/* libuv gives none but of link-local addresses. On Windows its names are not those of the system,
 * and nothing asks for the index. */
static uint32_t index_of(const char *name)
{
#ifndef _WIN32
    return if_nametoindex(name);
#else
    (void)name;
    return 0;
#endif
}

/* How many bits of the mask are set, from the left. */
static uint8_t length_of(const uint8_t *mask, size_t size)
{
    uint8_t length = 0;

    while (length < 8 * size && (mask[length / 8] & 0x80U >> length % 8) != 0) {
        length++;
    }
    return length;
}

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
        floe_interface_address entry = {.size = sizeof entry,
                                        .up = true,
                                        .interface_index = index_of(list[i].name),
                                        .loopback = list[i].is_internal != 0};
        uint8_t mask[16] = {0};
        uint8_t prefix_length;
        if (list[i].address.address4.sin_family == AF_INET) {
            entry.address.family = FLOE_FAMILY_IPV4;
            memcpy(entry.address.ip, &list[i].address.address4.sin_addr, 4);
            memcpy(mask, &list[i].netmask.netmask4.sin_addr, 4);
            prefix_length = length_of(mask, 4);
        } else {
            entry.address.family = FLOE_FAMILY_IPV6;
            entry.address.scope_id = list[i].address.address6.sin6_scope_id;
            memcpy(entry.address.ip, &list[i].address.address6.sin6_addr, 16);
            memcpy(mask, &list[i].netmask.netmask6.sin6_addr, 16);
            prefix_length = length_of(mask, 16);
        }
        error = floe_interfaces_add(interfaces, list[i].name, prefix_length, &entry);
    }
    uv_free_interface_addresses(list, count);
    return error;
}

bool floe_interfaces_changed(floe_interfaces *interfaces)
{
    (void)interfaces;
    return true;
}

uv_os_sock_t floe_interfaces_watched(const floe_interfaces *interfaces)
{
    (void)interfaces;
    return FLOE_NO_SOCKET;
}

void floe_interfaces_monitor_free(floe_interfaces *interfaces)
{
    (void)interfaces;
}

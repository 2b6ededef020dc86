/* The list of interface addresses, kept between gatherings as long as nothing changes. */
#include "runtime/interfaces.h"

#include "base/error.h"
#include "base/memory.h"
#include "runtime/system.h"

#include <stdio.h>
#include <string.h>

void floe_interfaces_init(floe_interfaces *interfaces, const floe_allocator *allocator)
{
    *interfaces = (floe_interfaces){.allocator = allocator};
}

static void clear(floe_interfaces *interfaces)
{
    floe_deallocate(interfaces->allocator, interfaces->list);
    floe_deallocate(interfaces->allocator, interfaces->names);
    interfaces->list = NULL;
    interfaces->names = NULL;
    interfaces->count = interfaces->room = 0;
    interfaces->fresh = false;
}

void floe_interfaces_free(floe_interfaces *interfaces)
{
    clear(interfaces);
    floe_interfaces_monitor_free(interfaces);
}

static floe_error grow(floe_interfaces *interfaces)
{
    size_t room = interfaces->room == 0 ? 16 : 2 * interfaces->room;
    floe_interface_address *list =
        floe_allocate(interfaces->allocator, room * sizeof *interfaces->list);
    char(*names)[32] = floe_allocate(interfaces->allocator, room * sizeof *interfaces->names);

    if (list == NULL || names == NULL) {
        floe_deallocate(interfaces->allocator, list);
        floe_deallocate(interfaces->allocator, names);
        return FLOE_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < interfaces->count; i++) {
        list[i] = interfaces->list[i];
        memcpy(names[i], interfaces->names[i], sizeof names[i]);
        list[i].interface_name = names[i];
    }
    floe_deallocate(interfaces->allocator, interfaces->list);
    floe_deallocate(interfaces->allocator, interfaces->names);
    interfaces->list = list;
    interfaces->names = names;
    interfaces->room = room;
    return FLOE_OK;
}

floe_error floe_interfaces_add(floe_interfaces *interfaces, const char *name,
                               const floe_interface_address *entry)
{
    if (interfaces->count == interfaces->room) {
        floe_error error = grow(interfaces);
        if (error != FLOE_OK) {
            return error;
        }
    }
    size_t n = interfaces->count++;
    interfaces->list[n] = *entry;
    (void)snprintf(interfaces->names[n], sizeof interfaces->names[n], "%s", name);
    interfaces->list[n].interface_name = interfaces->names[n];
    return FLOE_OK;
}

floe_error floe_interfaces_update(floe_interfaces *interfaces)
{
    /* Asked first, so that a change during the reading is seen the next time. */
    bool changed = floe_interfaces_changed(interfaces);

    if (interfaces->fresh && !changed) {
        return FLOE_OK;
    }
    clear(interfaces);
    floe_error error = floe_interfaces_read(interfaces);
    if (error != FLOE_OK) {
        clear(interfaces);
        return error;
    }
    interfaces->fresh = true;
    return FLOE_OK;
}

/* The local address of a socket that is connected to `far_away`; false: there is no route. */
static bool source_towards(const struct sockaddr *far_away, socklen_t size, floe_address *source)
{
    struct sockaddr_storage local = {0};
    socklen_t room = sizeof local;
    uv_os_sock_t fd = floe_system_socket(far_away->sa_family);
    bool good = fd != FLOE_NO_SOCKET && connect(fd, far_away, size) == 0 &&
                getsockname(fd, (struct sockaddr *)&local, &room) == 0;

    if (fd != FLOE_NO_SOCKET) {
        floe_system_close(fd);
    }
    *source = (floe_address){0};
    if (good && local.ss_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, &local, sizeof ipv4);
        source->family = FLOE_FAMILY_IPV4;
        memcpy(source->ip, &ipv4.sin_addr, 4);
    } else if (good) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, &local, sizeof ipv6);
        source->family = FLOE_FAMILY_IPV6;
        memcpy(source->ip, &ipv6.sin6_addr, 16);
    }
    return good;
}

void floe_interfaces_mark_default_route(floe_interfaces *interfaces)
{
    /* Addresses of the root name servers a.root-servers.net: far away from everybody. */
    struct sockaddr_in ipv4 = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr = {htonl(0xc6290004U)}};
    struct sockaddr_in6 ipv6 = {
        .sin6_family = AF_INET6,
        .sin6_port = htons(53),
        .sin6_addr = {{{0x20, 0x01, 0x05, 0x03, 0xba, 0x3e, [13] = 0x02, [15] = 0x30}}}};
    floe_address sources[2];

    (void)source_towards((struct sockaddr *)&ipv4, sizeof ipv4, &sources[0]);
    (void)source_towards((struct sockaddr *)&ipv6, sizeof ipv6, &sources[1]);
    for (size_t i = 0; i < interfaces->count; i++) {
        floe_interface_address *one = &interfaces->list[i];
        const floe_address *source = &sources[one->address.family == FLOE_FAMILY_IPV6];
        one->default_route = one->address.family == source->family &&
                             memcmp(one->address.ip, source->ip, sizeof source->ip) == 0;
    }
}

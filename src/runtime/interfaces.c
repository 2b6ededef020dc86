/* The list of interface addresses, kept between gatherings as long as nothing changes. */
#include "runtime/interfaces.h"

#include "base/address.h"
#include "base/error.h"
#include "base/memory.h"
#include "runtime/system.h"
#include "runtime/udp.h"

#include <stdio.h>
#include <string.h>

void floe_interfaces_init(floe_interfaces *interfaces, const floe_allocator *allocator)
{
    *interfaces = (floe_interfaces){.allocator = allocator};
}

static void clear(floe_interfaces *interfaces)
{
    floe_deallocate(interfaces->allocator, interfaces->list);
    floe_deallocate(interfaces->allocator, interfaces->details);
    interfaces->list = NULL;
    interfaces->details = NULL;
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
    floe_interface_detail *details =
        floe_allocate(interfaces->allocator, room * sizeof *interfaces->details);

    if (list == NULL || details == NULL) {
        floe_deallocate(interfaces->allocator, list);
        floe_deallocate(interfaces->allocator, details);
        return FLOE_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < interfaces->count; i++) {
        list[i] = interfaces->list[i];
        details[i] = interfaces->details[i];
        list[i].interface_name = details[i].name;
    }
    floe_deallocate(interfaces->allocator, interfaces->list);
    floe_deallocate(interfaces->allocator, interfaces->details);
    interfaces->list = list;
    interfaces->details = details;
    interfaces->room = room;
    return FLOE_OK;
}

floe_error floe_interfaces_add(floe_interfaces *interfaces, const char *name, uint8_t prefix_length,
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
    (void)snprintf(interfaces->details[n].name, sizeof interfaces->details[n].name, "%s", name);
    interfaces->details[n].prefix_length = prefix_length;
    interfaces->list[n].interface_name = interfaces->details[n].name;
    return FLOE_OK;
}

static bool same_prefix(const floe_address *a, const floe_address *b, unsigned length)
{
    size_t whole = length / 8;
    unsigned rest = 8 - length % 8;

    return memcmp(a->ip, b->ip, whole) == 0 &&
           (rest == 8 || a->ip[whole] >> rest == b->ip[whole] >> rest);
}

bool floe_interfaces_are_near(const floe_interfaces *interfaces, uint32_t interface_index,
                              const floe_address *address)
{
    for (size_t i = 0; i < interfaces->count; i++) {
        const floe_interface_address *one = &interfaces->list[i];
        if (one->interface_index == interface_index && one->address.family == address->family &&
            same_prefix(&one->address, address, interfaces->details[i].prefix_length)) {
            return true;
        }
    }
    return false;
}

/* Whatever their order, and whatever else is new of them. */
static uint64_t network_of(const floe_interfaces *interfaces)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < interfaces->count; i++) {
        const floe_interface_address *one = &interfaces->list[i];
        if (one->up) {
            uint64_t number =
                (uint64_t)one->interface_index << 32 | floe_address_hash(&one->address);
            sum += (number ^ number >> 29) * 0x9E3779B97F4A7C15U; /* odd, with bits all over */
        }
    }
    return sum;
}

floe_error floe_interfaces_copy(floe_interfaces *to, const floe_interfaces *from)
{
    clear(to);
    for (size_t i = 0; i < from->count; i++) {
        floe_error error = floe_interfaces_add(to, from->details[i].name,
                                               from->details[i].prefix_length, &from->list[i]);
        if (error != FLOE_OK) {
            clear(to);
            return error;
        }
    }
    return FLOE_OK;
}

void floe_interfaces_hear(floe_interfaces *interfaces)
{
    if (floe_interfaces_changed(interfaces)) {
        interfaces->fresh = false;
    }
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
    interfaces->version++;
    interfaces->network = network_of(interfaces);
    return FLOE_OK;
}

/* The local address of a socket that is connected to `far_away`; none: there is no route. */
static floe_address source_towards(const floe_address *far_away)
{
    struct sockaddr_in6 address;
    socklen_t size = floe_to_socket_address(far_away, &address);
    uv_os_sock_t fd = floe_system_socket(address.sin6_family, SOCK_DGRAM);
    bool good = fd != FLOE_NO_SOCKET && connect(fd, (struct sockaddr *)&address, size) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &size) == 0;

    if (fd != FLOE_NO_SOCKET) {
        floe_system_close(fd);
    }
    return good ? floe_from_socket_address(&address) : (floe_address){0};
}

void floe_interfaces_mark_default_route(floe_interfaces *interfaces)
{
    /* Addresses of the root name servers a.root-servers.net: far away from everybody. */
    static const floe_address ipv4 = {
        .family = FLOE_FAMILY_IPV4, .ip = {198, 41, 0, 4}, .port = 53};
    static const floe_address ipv6 = {
        .family = FLOE_FAMILY_IPV6,
        .ip = {0x20, 0x01, 0x05, 0x03, 0xba, 0x3e, [13] = 0x02, [15] = 0x30},
        .port = 53};
    floe_address sources[2] = {source_towards(&ipv4), source_towards(&ipv6)};

    for (size_t i = 0; i < interfaces->count; i++) {
        floe_interface_address *one = &interfaces->list[i];
        const floe_address *source = &sources[one->address.family == FLOE_FAMILY_IPV6];
        one->default_route = one->address.family == source->family &&
                             floe_address_classify(source) != FLOE_ADDRESS_LOOPBACK &&
                             memcmp(one->address.ip, source->ip, sizeof source->ip) == 0;
    }
}

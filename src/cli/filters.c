/* --interface, --address and their opposites: the filters of the settings. */
#include "cli/options.h"

#include <fnmatch.h>

static bool name_matches(const char *name, const char *const *patterns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fnmatch(patterns[i], name, 0) == 0) {
            return true;
        }
    }
    return false;
}

static bool in_range(const floe_address *address, const address_range *range)
{
    if (address->family != range->address.family) {
        return false;
    }
    for (unsigned bit = 0; bit < range->bits; bit++) {
        unsigned differs = address->ip[bit / 8] ^ range->address.ip[bit / 8];
        if ((differs >> (7 - bit % 8) & 1U) != 0) {
            return false;
        }
    }
    return true;
}

static bool address_matches(const floe_address *address, const address_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (in_range(address, &ranges[i])) {
            return true;
        }
    }
    return false;
}

static bool keep_interface(void *user_data, const char *name)
{
    const gather_filters *filters = user_data;

    return (filters->interface_count == 0 ||
            name_matches(name, filters->interfaces, filters->interface_count)) &&
           !name_matches(name, filters->not_interfaces, filters->not_interface_count);
}

static bool keep_address(void *user_data, const floe_address *address)
{
    const gather_filters *filters = user_data;

    return (filters->family == 0 || filters->family == address->family) &&
           (filters->address_count == 0 ||
            address_matches(address, filters->addresses, filters->address_count)) &&
           !address_matches(address, filters->not_addresses, filters->not_address_count);
}

void apply_filters(gather_filters *filters, floe_settings *settings)
{
    if (filters->interface_count + filters->not_interface_count > 0) {
        settings->interface_filter = keep_interface;
    }
    if (filters->address_count + filters->not_address_count > 0 || filters->family != 0) {
        settings->ip_filter = keep_address;
    }
    settings->filter_user_data = filters;
}

void use_filters(gather_command *command)
{
    apply_filters(&command->filters, &command->settings);
}

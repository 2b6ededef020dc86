/* What the _INIT macros do, as functions. */
#include "base/memory.h"

#include <floe/core.h>
#include <floe/ice.h>
#include <floe/options.h>
#include <floe/rewrite.h>
#include <floe/settings.h>

void floe_settings_init(floe_settings *settings, size_t size)
{
    floe_init_struct(settings, size);
}

void floe_ice_server_init(floe_ice_server *server, size_t size)
{
    floe_init_struct(server, size);
}

void floe_gather_options_init(floe_gather_options *options, size_t size)
{
    floe_init_struct(options, size);
}

void floe_restart_options_init(floe_restart_options *options, size_t size)
{
    floe_init_struct(options, size);
}

void floe_parameters_init(floe_parameters *parameters, size_t size)
{
    floe_init_struct(parameters, size);
}

void floe_address_rewrite_rule_init(floe_address_rewrite_rule *rule, size_t size)
{
    floe_init_struct(rule, size);
}

void floe_interface_address_init(floe_interface_address *address, size_t size)
{
    floe_init_struct(address, size);
}

void floe_service_record_init(floe_service_record *record, size_t size)
{
    floe_init_struct(record, size);
}

void floe_ice_options_init(floe_ice_options *options, size_t size)
{
    floe_init_struct(options, size);
}

void floe_ice_statistics_init(floe_ice_statistics *statistics, size_t size)
{
    floe_init_struct(statistics, size);
}

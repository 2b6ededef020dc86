// Every public header compiles alone as C++17 (the files beside this one are made by CMake, one for
// each header), and the _INIT macros mean the same there as in C.
#include <floe/core.h>
#include <floe/floe.h>

template <typename options> static bool zero_but_for_its_size(const options &made)
{
    const unsigned char *bytes = reinterpret_cast<const unsigned char *>(&made);

    for (size_t i = sizeof made.size; i < sizeof made; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return made.size == sizeof made;
}

int main()
{
    static const floe_settings settings = FLOE_SETTINGS_INIT;
    static const floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    static const floe_ice_server server = FLOE_ICE_SERVER_INIT;
    static const floe_restart_options restart = FLOE_RESTART_OPTIONS_INIT;
    static const floe_parameters parameters = FLOE_PARAMETERS_INIT;
    static const floe_api_statistics statistics = FLOE_API_STATISTICS_INIT;
    static const floe_address_rewrite_rule rule = FLOE_ADDRESS_REWRITE_RULE_INIT;
    bool good = zero_but_for_its_size(settings) && zero_but_for_its_size(options) &&
                zero_but_for_its_size(server) && zero_but_for_its_size(parameters) &&
                zero_but_for_its_size(statistics) &&
                zero_but_for_its_size(restart) && zero_but_for_its_size(rule);

    return good ? 0 : 1;
}

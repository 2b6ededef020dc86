/* The options of an agent: checked, and copied with their defaults in place. */
#include "base/error.h"
#include "ice/ice.h"

typedef struct number_option {
    const char *name;
    uint32_t *value;
    uint32_t least;
    uint32_t most;
    uint32_t usual;
} number_option;

/* So that a pair that is kept ready is asked before its consent is over, and once more, whatever that is. */
static uint32_t usual_backup_check_ms(const floe_ice_options *options)
{
    uint32_t most = options->consent_timeout_ms / 6 * 5;

    return options->consent_timeout_ms == 0 || most > 25000 ? 25000 : most;
}

static floe_error take(const number_option *option)
{
    if (*option->value == 0) {
        *option->value = option->usual;
        return FLOE_OK;
    }
    if (*option->value < option->least || *option->value > option->most) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "options.%s is %u, not %u to %u", option->name,
                         *option->value, option->least, option->most);
    }
    return FLOE_OK;
}

floe_error floe_ice_take_options(floe_ice *ice, const floe_ice_options *options)
{
    floe_ice_options *all = &ice->options;

    if (options != NULL) {
        floe_take_struct(all, options, FLOE_ICE_OPTIONS_SIZES);
    }
    const number_option numbers[] = {
        {"pacing_ms", &all->pacing_ms, 5, 10000, 5},
        {"max_pairs", &all->max_pairs, 1, 1000, 100},
        {"max_remote_candidates", &all->max_remote_candidates, 1, 1000, 64},
        {"failed_after_ms", &all->failed_after_ms, 1, 3600000, 39500},
        {"srflx_acceptance_ms", &all->srflx_acceptance_ms, 1, 60000, 500},
        {"prflx_acceptance_ms", &all->prflx_acceptance_ms, 1, 60000, 1000},
        {"relay_acceptance_ms", &all->relay_acceptance_ms, 1, 60000, 2000},
        {"consent_ms", &all->consent_ms, 1000, 25000, 5000},
        {"consent_timeout_ms", &all->consent_timeout_ms, 5000, 3600000, 30000},
        {"backup_check_ms", &all->backup_check_ms, 5000, 3600000, usual_backup_check_ms(all)},
        {"disconnected_after_ms", &all->disconnected_after_ms, 1000, 3600000, 5000},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        floe_error error = take(&numbers[i]);
        if (error != FLOE_OK) {
            return error;
        }
    }
    if (all->pacing_ms > all->consent_timeout_ms / 4) { /* its checks would come too late */
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "options.pacing_ms is %u, more than a quarter of consent_timeout_ms (%u)",
                         all->pacing_ms, all->consent_timeout_ms);
    }
    ice->allocator = all->allocator != NULL ? *all->allocator : floe_default_allocator;
    return FLOE_OK;
}

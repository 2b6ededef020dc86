/* What is counted (W3C webrtc-stats): of each pair, and of the agent as a whole. */
#include "base/crypto.h"
#include "base/error.h"
#include "ice/ice.h"

void floe_ice_count_sent(floe_ice *ice, floe_time now, floe_candidate_pair *pair, size_t size)
{
    pair->counts.packets_sent++;
    pair->counts.bytes_sent += size;
    pair->counts.last_sent = now;
    ice->packets_sent++;
    ice->bytes_sent += size;
}

void floe_ice_count_discarded(floe_candidate_pair *pair, size_t size)
{
    pair->counts.packets_discarded++;
    pair->counts.bytes_discarded += size;
}

void floe_ice_count_received(floe_ice *ice, floe_time now, floe_candidate_pair *pair, size_t size)
{
    ice->packets_received++;
    ice->bytes_received += size;
    if (pair != NULL) {
        pair->counts.packets_received++;
        pair->counts.bytes_received += size;
        pair->counts.last_received = now;
    }
}

floe_error floe_ice_get_statistics(const floe_ice *ice, floe_ice_statistics *statistics)
{
    if (ice == NULL || statistics == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_get_statistics: NULL");
    }
    floe_ice_statistics all = {
        .role = ice->role,
        .state = ice->state,
        .packets_sent = ice->packets_sent,
        .packets_received = ice->packets_received,
        .bytes_sent = ice->bytes_sent,
        .bytes_received = ice->bytes_received,
        .selected_candidate_pair_changes = ice->selections,
    };
    floe_parameters local = FLOE_PARAMETERS_INIT;
    if (floe_core_get_local_parameters(ice->core, &local) == FLOE_OK) {
        floe_put_text(all.ice_local_username_fragment, sizeof all.ice_local_username_fragment,
                      local.username_fragment);
    }
    floe_wipe(local.password, sizeof local.password);
    floe_give_struct(statistics, &all, FLOE_ICE_STATISTICS_SIZES);
    return FLOE_OK;
}

/* What is counted (W3C webrtc-stats): of each pair, and of the agent as a whole. */
#include "base/error.h"
#include "ice/ice.h"

void floe_ice_count_sent(floe_ice *ice, floe_time now, floe_candidate_pair *pair, size_t size)
{
    pair->counts.packets_sent++;
    pair->counts.bytes_sent += size;
    pair->counts.last_sent = now;
    ice->all.packets_sent++;
    ice->all.bytes_sent += size;
}

void floe_ice_count_discarded(floe_candidate_pair *pair, size_t size)
{
    pair->counts.packets_discarded++;
    pair->counts.bytes_discarded += size;
}

void floe_ice_count_received(floe_ice *ice, floe_time now, floe_candidate_pair *pair, size_t size)
{
    ice->all.packets_received++;
    ice->all.bytes_received += size;
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
    floe_ice_statistics all = ice->all;
    all.role = ice->role;
    all.state = ice->state;
    floe_give_struct(statistics, &all, FLOE_ICE_STATISTICS_SIZES);
    return FLOE_OK;
}

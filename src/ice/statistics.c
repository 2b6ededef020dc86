/* What is counted (W3C webrtc-stats): of each pair, and of the agent as a whole. */
#include "base/crypto.h"
#include "base/error.h"
#include "ice/ice.h"

void floe_ice_count_discarded(floe_candidate_pair *pair, size_t size)
{
    pair->counts.packets_discarded++;
    pair->counts.bytes_discarded += size;
}

static void add(floe_data_counts *all, const floe_candidate_pair *pair)
{
    all->packets_sent += pair->counts.packets_sent;
    all->packets_received += pair->counts.packets_received;
    all->bytes_sent += pair->counts.bytes_sent;
    all->bytes_received += pair->counts.bytes_received;
}

void floe_ice_count_gone(floe_ice *ice, const floe_candidate_pair *pair)
{
    add(&ice->gone, pair);
}

/* By all pairs that there have been. */
static floe_data_counts count_all(const floe_ice *ice)
{
    floe_data_counts all = ice->gone;

    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        add(&all, pair);
    }
    if (ice->former != NULL) {
        add(&all, ice->former);
    }
    return all;
}

floe_error floe_ice_get_statistics(const floe_ice *ice, floe_ice_statistics *statistics)
{
    if (ice == NULL || statistics == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_get_statistics: NULL");
    }
    floe_data_counts data = count_all(ice);
    floe_ice_statistics all = {
        .role = ice->role,
        .state = ice->state,
        .packets_sent = data.packets_sent,
        .packets_received = data.packets_received,
        .bytes_sent = data.bytes_sent,
        .bytes_received = data.bytes_received,
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

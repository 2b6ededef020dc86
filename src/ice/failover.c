/* Which pair takes over when the chosen one fails, or when there is a better one (I13). */
#include "ice/ice.h"

/* A better pair has worked for so long before it takes over, and the chosen one has been that for so long: else two pairs
 * that come and go would be chosen in turn. */
#define WORKED_FOR floe_seconds(2)
#define CHOSEN_FOR floe_seconds(10)

/* What makes one fail probably makes the other fail too: our network more than the peer's address. */
static unsigned shares(const floe_candidate_pair *a, const floe_candidate_pair *b)
{
    return 2U * floe_ice_share_network(a, b) + floe_ice_share_remote(a, b);
}

floe_candidate_pair *floe_ice_backup(const floe_ice *ice)
{
    const floe_candidate_pair *used = floe_ice_in_use(ice);
    floe_candidate_pair *backup = NULL;

    if (used == NULL) {
        return NULL;
    }
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (!pair->valid || pair->silent || pair == used) {
            continue;
        }
        if (backup == NULL || shares(backup, used) > shares(pair, used) ||
            (shares(backup, used) == shares(pair, used) && pair->value > backup->value)) {
            backup = pair;
        }
    }
    return backup;
}

floe_candidate_pair *floe_ice_successor(const floe_ice *ice, floe_time *when)
{
    const floe_candidate_pair *selected = ice->selected;
    floe_candidate_pair *best = ice->best;

    *when = (floe_time){0};
    if (best == NULL || best == selected || best->silent) {
        return NULL;
    }
    if (selected->silent) {
        return best;
    }
    *when = floe_time_max(floe_time_after(best->valid_since, WORKED_FOR),
                          floe_time_after(ice->selected_at, CHOSEN_FOR));
    return best->value > selected->value ? best : NULL;
}

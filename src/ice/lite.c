/* Lite (RFC 8445 §2.5): who is lite answers checks and sends none. Its peer controls, and nominates; what the peer's checks
 * show is all that it knows. Where both are lite nobody checks, and each uses the pair that is worth most (appendix A). */
#include "ice/ice.h"

floe_ice_role floe_ice_lite_role(const floe_ice_session *session, floe_ice_role role)
{
    if (session->lite == session->remote_lite) {
        return role;
    }
    return session->lite ? FLOE_ICE_ROLE_CONTROLLED : FLOE_ICE_ROLE_CONTROLLING;
}

/* As if our own check had succeeded. */
static void make_valid(floe_ice *ice, floe_candidate_pair *pair)
{
    pair->mapped_type = (uint8_t)pair->base->first->type;
    pair->mapped_priority = pair->base->first->priority;
    pair->valid = true;
    floe_ice_pair_to(ice, pair, FLOE_ICE_PAIR_SUCCEEDED);
    floe_ice_pair_value(ice, pair);
    floe_ice_find_best(ice);
}

/* A pair is where a check nominates (§7.3.2). The peer's checks are consent to us. */
bool floe_ice_lite_take(floe_ice *ice, floe_time now, floe_ice_base *base, const floe_address *peer,
                        uint32_t priority, floe_nomination nomination)
{
    floe_candidate_pair *pair = floe_ice_pair_of(ice, base->id, peer);

    if ((pair == NULL || pair == ice->former) && nomination.made) {
        floe_remote_candidate *remote = floe_ice_remote_shown(ice, now, peer, base, priority);
        pair = remote != NULL ? floe_ice_pair_need(ice, base, remote) : NULL;
    }
    if (pair == NULL || pair == ice->former) {
        return false;
    }
    pair->heard = true;
    floe_ice_consent_given(ice, now, pair);
    if (nomination.made && !pair->valid) {
        make_valid(ice, pair);
    }
    if (nomination.made) {
        pair->nomination = nomination.number;
        floe_ice_nominated(ice, pair);
    }
    return true;
}

void floe_ice_lite_choose(floe_ice *ice, floe_time now)
{
    if (!floe_ice_are_lite(ice->session) || floe_list_empty(&ice->pairs)) {
        return;
    }
    floe_candidate_pair *best = FLOE_CONTAINER(ice->pairs.next, floe_candidate_pair, link);
    if (!best->valid) {
        best->heard = true;
        floe_ice_consent_given(ice, now, best);
        make_valid(ice, best);
    }
    floe_ice_nominated(ice, best);
    if (ice->selected != best) { /* a better one has come */
        floe_ice_select(ice, best);
    }
}

/* A restart (RFC 8445 §9): new credentials, new candidates of the peer, new checks; and the pair that was in use goes on,
 * with its own credentials, until another one is chosen. Our candidates stay: the core says which are withdrawn. */
#include "ice/ice.h"

/* It is in use until another is chosen. */
static void keep(floe_ice *ice, floe_candidate_pair *pair)
{
    floe_remote_name *name = floe_ice_name_copy(ice, pair->remote->name);

    floe_ice_pair_leaves(ice, pair);
    floe_ice_remote_leaves(ice, pair->remote);
    pair->remote->name = name; /* it is told by its name still */
    pair->wants_nomination = false;
    ice->former = pair;
    ice->former_session = ice->session;
    ice->former_role = ice->role;
    ice->session = NULL;
}

void floe_ice_former_end(floe_ice *ice)
{
    floe_candidate_pair *pair = ice->former;

    ice->former = NULL;
    floe_ice_count_gone(ice, pair);
    ice->consent_ended = ice->consent_ended && !pair->valid;
    /* The peer may still send by it. */
    floe_ice_arrival_expect(ice, pair->base->id, &pair->remote->address);
    floe_agenda_set(&ice->checks, &pair->alarm, FLOE_TIME_NEVER);
    floe_agenda_set(&ice->consents, &pair->consent, FLOE_TIME_NEVER);
    ice->watched = ice->watched == pair ? NULL : ice->watched;
    ice->backup = ice->backup == pair ? NULL : ice->backup;
    ice->latest = ice->latest == pair ? NULL : ice->latest;
    floe_deallocate(&ice->allocator, pair->remote->name);
    floe_deallocate(&ice->allocator, pair->remote);
    floe_deallocate(&ice->allocator, pair->former);
    floe_deallocate(&ice->allocator, pair);
    floe_ice_session_free(ice, ice->former_session);
    ice->former_session = NULL;
    if (ice->selected == NULL && ice->former_chosen) {
        floe_ice_report_selected(ice);
    }
    ice->former_chosen = false;
    ice->unsettled = true;
}

void floe_ice_restart_with(floe_ice *ice, floe_ice_session *session, floe_ice_role role)
{
    floe_candidate_pair *in_use = floe_ice_in_use(ice);
    const floe_candidate_pair *selected = ice->selected;

    ice->selected = NULL; /* that is no news before another is chosen, or none is left */
    ice->best = NULL;
    if (in_use != NULL && in_use != ice->former) {
        if (ice->former != NULL) { /* it is silent, and another has taken its place */
            floe_ice_former_end(ice);
        }
        keep(ice, in_use);
        ice->former_chosen = selected != NULL;
        if (selected != NULL && selected != in_use) {
            floe_ice_report_selected(ice);
        }
    }
    FLOE_LIST_EACH_SAFE(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->heard) { /* the peer may send by it, until it has chosen anew */
            floe_ice_arrival_expect(ice, pair->base->id, &pair->remote->address);
        }
        floe_ice_pair_end(ice, pair);
    }
    floe_ice_remotes_free(ice);
    floe_ice_session_free(ice, ice->session); /* the former pair has its own */
    ice->session = session;
    ice->role = floe_ice_lite_role(session, role);
    ice->naming++;
    ice->role_changes = 0;
    ice->nomination = 0;
    ice->heard_plain = false;
    ice->strange_checks = 0;
    ice->strange_answers = 0;
    ice->has_refused = false;
    ice->remote_end = false;
    ice->was_complete = false;
    ice->local_end = floe_core_state(ice->core) == FLOE_GATHERER_STATE_COMPLETE;
    if (ice->state == FLOE_ICE_STATE_FAILED) {
        floe_ice_to_state(ice, FLOE_ICE_STATE_CHECKING);
    }
}

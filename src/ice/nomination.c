/* Which pair is used: the controlling side nominates one (RFC 8445 §8.1.1), the controlled side follows. */
#include "ice/ice.h"

/* ── What there is ── */

/* One that answers goes before one that is silent. */
static bool is_better(const floe_candidate_pair *pair, const floe_candidate_pair *best)
{
    return pair->silent != best->silent ? best->silent : pair->value > best->value;
}

void floe_ice_find_best(floe_ice *ice)
{
    ice->best = NULL;
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->valid && (ice->best == NULL || is_better(pair, ice->best))) {
            ice->best = pair;
        }
    }
}

void floe_ice_select(floe_ice *ice, floe_candidate_pair *pair)
{
    if (ice->selected != pair) {
        ice->selected = pair;
        ice->selected_at = (floe_time){0}; /* that is now, once it is settled */
        ice->selections += pair != NULL;
        ice->unsettled = true;
        if (pair != NULL && ice->former != NULL) {
            floe_ice_former_end(ice);
        }
        floe_ice_report_selected(ice);
    }
}

/* An old, "aggressive" peer nominates by every check from the first on, and then the best of all that it has nominated
 * counts (RFC 5245 §8.1.1.2). Any other one nominates when it has chosen: its last word counts. What it nominates may come
 * from elsewhere by now, because a NAT has forgotten it, or by another connection. */
static bool takes_over(const floe_ice *ice, const floe_candidate_pair *pair)
{
    bool is_numbered = pair->nomination != 0 || ice->nomination != 0;

    if (ice->selected != NULL && ice->role == FLOE_ICE_ROLE_CONTROLLED &&
        ice->session->renominates && is_numbered) { /* whatever has overtaken what on the way */
        return pair->nomination >= ice->nomination;
    }
    return ice->selected == NULL || ice->role == FLOE_ICE_ROLE_CONTROLLING || ice->heard_plain ||
           pair->value > ice->selected->value;
}

void floe_ice_nominated(floe_ice *ice, floe_candidate_pair *pair)
{
    pair->nominated = true;
    pair->wants_nomination = false;
    pair->to_be_nominated = false;
    ice->nominating = ice->nominating == pair ? NULL : ice->nominating;
    if (takes_over(ice, pair)) {
        ice->nomination = pair->nomination > ice->nomination ? pair->nomination : ice->nomination;
        floe_ice_select(ice, pair);
    }
}

void floe_ice_take_nominations(floe_ice *ice)
{
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->valid && pair->to_be_nominated) {
            floe_ice_nominated(ice, pair);
        }
    }
}

/* ── Choosing (I7) ── */

/* The worse of its two candidates is what a wait is for. */
static floe_duration acceptance(const floe_ice *ice, const floe_candidate_pair *pair)
{
    floe_candidate_type local = floe_ice_pair_local_type(pair);
    floe_candidate_type worse = local > pair->remote->type ? local : pair->remote->type;

    switch (worse) {
    case FLOE_CANDIDATE_TYPE_SRFLX:
        return floe_milliseconds(ice->options.srflx_acceptance_ms);
    case FLOE_CANDIDATE_TYPE_PRFLX:
        return floe_milliseconds(ice->options.prflx_acceptance_ms);
    case FLOE_CANDIDATE_TYPE_RELAY:
        return floe_milliseconds(ice->options.relay_acceptance_ms);
    default:
        return (floe_duration){0};
    }
}

static bool may_be_beaten(const floe_ice *ice, const floe_candidate_pair *best)
{
    if (!ice->local_end || !floe_ice_remotes_have_ended(ice)) {
        return true;
    }
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->priority <= best->value) {
            break; /* they are in this order */
        }
        if (!pair->valid && pair->state != FLOE_ICE_PAIR_FAILED) {
            return true;
        }
    }
    return false;
}

static uint32_t next_number(floe_ice *ice)
{
    ice->nomination = (ice->nomination + 1) & FLOE_ICE_NOMINATION_MASK;
    return ice->nomination;
}

/* The peer may have heard it, and not answered: then the chosen one has to be its last word again. */
void floe_ice_nomination_ends(floe_ice *ice, floe_candidate_pair *pair)
{
    if (ice->nominating != pair) {
        return;
    }
    pair->wants_nomination = false;
    ice->nominating = NULL;
    if (ice->selected == pair) {
        return;
    }
    floe_ice_check_nominates_anew(ice); /* a late answer chooses no more */
    if (ice->selected == NULL) {
        return;
    }
    if (ice->session->renominates) {
        ice->selected->nomination = next_number(ice);
    }
    ice->takes_back = ice->unsettled = true;
}

static bool works_besides(const floe_ice *ice, const floe_candidate_pair *pair)
{
    FLOE_LIST_EACH(other, &ice->pairs, floe_candidate_pair, link)
    {
        if (floe_ice_goes_on_beside(other, pair)) {
            return true;
        }
    }
    return false;
}

/* What is nominated in vain counts as silent. */
static floe_time in_vain_at(const floe_ice *ice)
{
    const floe_candidate_pair *pair = ice->nominating;

    if (pair == NULL || pair->silent || floe_time_is_never(ice->nominating_since) ||
        (ice->selected == NULL && !works_besides(ice, pair))) {
        return FLOE_TIME_NEVER;
    }
    return floe_ice_answer_by(pair, ice->nominating_since, ice->options.disconnected_after_ms);
}

/* Where another one works, one that is silent is nominated no more; nor one that another has passed by, where the chosen one
 * is silent: data goes by that. */
static void give_up(floe_ice *ice, floe_time now)
{
    floe_candidate_pair *pair = ice->nominating;

    if (pair != NULL && floe_time_reached(now, in_vain_at(ice))) {
        pair->silent = pair->unanswered = true;
        floe_ice_find_best(ice);
        floe_ice_consent_due(ice, now, pair);
    }
    bool is_passed =
        pair != NULL && (pair->silent || (ice->selected != NULL && ice->selected->silent));
    if (is_passed && ice->best != NULL && ice->best != pair && !ice->best->silent) {
        floe_ice_nomination_ends(ice, pair);
    }
}

void floe_ice_nominate(floe_ice *ice, floe_time now)
{
    floe_time when = {0};

    give_up(ice, now);
    if (ice->takes_back && ice->selected != NULL && ice->nominating == NULL) {
        floe_ice_consent_at_once(ice, now, ice->selected); /* which says so */
    }
    ice->takes_back = false;
    ice->nomination_at = in_vain_at(ice);
    floe_candidate_pair *best = ice->best;
    if (ice->role != FLOE_ICE_ROLE_CONTROLLING || ice->nominating != NULL || best == NULL) {
        return;
    }
    if (ice->selected != NULL) {
        best = floe_ice_successor(ice, &when);
    } else if (may_be_beaten(ice, best)) {
        when = floe_time_after(ice->started, acceptance(ice, best));
    }
    if (best == NULL) {
        return;
    }
    if (!floe_time_reached(now, when)) {
        ice->nomination_at = when;
        return;
    }
    if (ice->session->renominates) {
        best->nomination = next_number(ice);
    }
    floe_ice_check_nominates_anew(ice);
    ice->nominating = best;
    ice->nominating_since = FLOE_TIME_NEVER; /* it waits for Ta */
    best->wants_nomination = true;
    floe_ice_checklist_trigger(ice, best);
}

/* The state of it all (ORTC RTCIceTransportState), and the reports of it. */
#include "ice/ice.h"

/* ── Reports ── */

#define SELECTED 0 /* no state has this number */

/* Whoever does not poll loses what lies between: the last report always says how it is. */
static void report(floe_ice *ice, uint8_t what)
{
    size_t last = (ice->first_report + ice->report_count - 1U) % FLOE_ICE_REPORTS;

    if (ice->report_count > 0 && ice->reports[last] == SELECTED && what == SELECTED) {
        return;
    }
    if (ice->report_count == FLOE_ICE_REPORTS) {
        ice->reports[last] = what;
        return;
    }
    ice->reports[(ice->first_report + ice->report_count) % FLOE_ICE_REPORTS] = what;
    ice->report_count++;
}

void floe_ice_report_selected(floe_ice *ice)
{
    report(ice, SELECTED);
}

void floe_ice_to_state(floe_ice *ice, floe_ice_state state)
{
    if (ice->state != state) {
        ice->state = state;
        report(ice, (uint8_t)state);
    }
}

/* A name to be looked up, or a change of a pair: they are found when they are asked for. */
static bool take_found(floe_ice *ice, floe_ice_output *output)
{
    output->name = floe_ice_name_to_ask(ice);
    if (output->name != NULL) {
        output->kind = FLOE_ICE_LOOK_UP;
        return true;
    }
    if (ice->options.report_pairs) {
        output->kind = FLOE_ICE_PAIR;
        output->pair = floe_ice_pair_news(ice);
    }
    return output->pair != NULL;
}

/* False: there is no memory to tell of a pair, so the report waits for the next call. */
static bool take_first(floe_ice *ice, floe_ice_output *output)
{
    uint8_t what = ice->reports[ice->first_report];
    const floe_candidate_pair *chosen = floe_ice_told_as_chosen(ice);

    output->kind = what == SELECTED ? FLOE_ICE_SELECTED_PAIR : FLOE_ICE_STATE;
    output->state = (floe_ice_state)what;
    if (what == SELECTED && chosen != NULL) {
        output->pair = floe_ice_pair_tell(ice, chosen);
        if (output->pair == NULL) {
            return false;
        }
    }
    ice->first_report = (uint8_t)((ice->first_report + 1U) % FLOE_ICE_REPORTS);
    ice->report_count--;
    return true;
}

bool floe_ice_take_report(floe_ice *ice, const floe_ice_output **output)
{
    ice->output = (floe_ice_output){0};
    floe_ice_pair_list_free(ice->told); /* it was valid until now */
    ice->told = NULL;
    if (take_found(ice, &ice->output)) {
        *output = &ice->output;
        return true;
    }
    if (ice->report_count > 0) {
        if (!take_first(ice, &ice->output)) {
            return false;
        }
    } else if (ice->writable) {
        ice->writable = false;
        ice->output.kind = FLOE_ICE_WRITABLE;
    } else {
        return false;
    }
    *output = &ice->output;
    return true;
}

/* ── The state (I1) ── */

/* I8: neither before its time (RFC 8863 §4), nor as long as a candidate may come from either side. */
bool floe_ice_may_fail(const floe_ice *ice)
{
    return floe_time_is_never(ice->failure_at) && ice->local_end &&
           floe_ice_remotes_have_ended(ice);
}

/* Nor as long as a check of any pair is under way. */
static bool has_failed(const floe_ice *ice)
{
    return floe_ice_may_fail(ice) && !floe_ice_checklist_is_busy(ice) &&
           floe_agenda_first(&ice->checks) == NULL;
}

/* What has worked before may be checked again: that says nothing new. */
static bool is_complete(const floe_ice *ice)
{
    return ice->selected != NULL && ice->local_end && floe_ice_remotes_have_ended(ice) &&
           (!floe_ice_checklist_is_busy(ice) ||
            (ice->was_complete && !floe_ice_checklist_has_new(ice)));
}

/* I8: the last pair that worked is no more. If it did not lose its consent, it was there a moment ago, and has ended with our
 * address, a connection, or the peer's candidate: the next one may be about to come. */
static void take_works(floe_ice *ice, floe_time now, bool works)
{
    floe_time over = floe_time_after(now, floe_milliseconds(ice->options.consent_timeout_ms));

    if (ice->works && !works && !ice->consent_ended &&
        (floe_time_is_never(ice->failure_at) || ice->failure_at.ns < over.ns)) {
        ice->failure_at = over;
    }
    ice->works = works;
}

void floe_ice_outcome(floe_ice *ice, floe_time now)
{
    if (floe_time_reached(now, ice->failure_at)) {
        ice->failure_at = FLOE_TIME_NEVER;
    }
    if (ice->state == FLOE_ICE_STATE_NEW &&
        (ice->remote_count > 0 || ice->looking_up > 0 || ice->remote_end)) {
        floe_ice_to_state(ice, FLOE_ICE_STATE_CHECKING);
    }
    if (ice->state == FLOE_ICE_STATE_NEW || ice->state == FLOE_ICE_STATE_FAILED ||
        ice->state == FLOE_ICE_STATE_CLOSED) {
        return;
    }
    const floe_candidate_pair *in_use = floe_ice_in_use(ice);
    take_works(ice, now, in_use != NULL);
    if (in_use == NULL) {
        ice->was_complete = false;
        floe_ice_to_state(ice, has_failed(ice) ? FLOE_ICE_STATE_FAILED : FLOE_ICE_STATE_CHECKING);
        return;
    }
    if (in_use->silent && ice->state != FLOE_ICE_STATE_CHECKING) {
        floe_ice_to_state(ice, FLOE_ICE_STATE_DISCONNECTED);
        return;
    }
    ice->was_complete = is_complete(ice);
    if (!ice->was_complete || ice->state == FLOE_ICE_STATE_CHECKING) {
        floe_ice_to_state(ice, FLOE_ICE_STATE_CONNECTED);
    }
    if (ice->was_complete) {
        floe_ice_to_state(ice, FLOE_ICE_STATE_COMPLETED);
    }
}

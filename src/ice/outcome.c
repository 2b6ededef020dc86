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

bool floe_ice_take_report(floe_ice *ice, const floe_ice_output **output)
{
    ice->output = (floe_ice_output){0};
    if (ice->report_count == 0) {
        if (!ice->writable) {
            return false;
        }
        ice->writable = false;
        ice->output.kind = FLOE_ICE_WRITABLE;
        *output = &ice->output;
        return true;
    }
    uint8_t what = ice->reports[ice->first_report];
    ice->first_report = (uint8_t)((ice->first_report + 1U) % FLOE_ICE_REPORTS);
    ice->report_count--;
    ice->output.kind = what == SELECTED ? FLOE_ICE_SELECTED_PAIR : FLOE_ICE_STATE;
    ice->output.state = (floe_ice_state)what;
    const floe_candidate_pair *chosen = ice->selected != NULL ? ice->selected : ice->former;
    if (what == SELECTED && chosen != NULL) {
        floe_ice_pair_tell(ice, chosen, &ice->told);
        ice->output.pair = &ice->told;
    }
    *output = &ice->output;
    return true;
}

/* ── The state (I1) ── */

/* I8: neither before its time (RFC 8863 §4), nor as long as a candidate may come from either side or a check of any pair
 * is under way. */
static bool has_failed(const floe_ice *ice)
{
    return floe_time_is_never(ice->failure_at) && ice->local_end && ice->remote_end &&
           !floe_ice_checklist_is_busy(ice) && floe_agenda_first(&ice->checks) == NULL;
}

static bool is_complete(const floe_ice *ice)
{
    return ice->selected != NULL && ice->local_end && ice->remote_end &&
           !floe_ice_checklist_is_busy(ice);
}

void floe_ice_outcome(floe_ice *ice, floe_time now)
{
    if (floe_time_reached(now, ice->failure_at)) {
        ice->failure_at = FLOE_TIME_NEVER;
    }
    if (ice->state == FLOE_ICE_STATE_NEW && (ice->remote_count > 0 || ice->remote_end)) {
        floe_ice_to_state(ice, FLOE_ICE_STATE_CHECKING);
    }
    if (ice->state == FLOE_ICE_STATE_NEW || ice->state == FLOE_ICE_STATE_FAILED ||
        ice->state == FLOE_ICE_STATE_CLOSED) {
        return;
    }
    const floe_candidate_pair *in_use = floe_ice_in_use(ice);
    if (in_use == NULL) {
        floe_ice_to_state(ice, has_failed(ice) ? FLOE_ICE_STATE_FAILED : FLOE_ICE_STATE_CHECKING);
        return;
    }
    if (in_use->silent && ice->state != FLOE_ICE_STATE_CHECKING) {
        floe_ice_to_state(ice, FLOE_ICE_STATE_DISCONNECTED);
        return;
    }
    if (!is_complete(ice) || ice->state == FLOE_ICE_STATE_CHECKING) {
        floe_ice_to_state(ice, FLOE_ICE_STATE_CONNECTED);
    }
    if (is_complete(ice)) {
        floe_ice_to_state(ice, FLOE_ICE_STATE_COMPLETED);
    }
}

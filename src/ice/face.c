/* The public calls of an agent (include/floe/ice.h). Each that brings something ends in `floe_ice_settle`. */
#include "base/address.h"
#include "base/crypto.h"
#include "base/error.h"
#include "base/random.h"
#include "ice/ice.h"

#include <string.h>

/* ── Making and ending ── */

floe_error floe_ice_new(floe_core *core, const floe_ice_options *options, const floe_random *random,
                        floe_ice **to)
{
    floe_ice checked = {.core = core, .state = FLOE_ICE_STATE_NEW};

    if (core == NULL || random == NULL || random->fill == NULL || to == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_new: NULL");
    }
    checked.random = *random;
    floe_error error = floe_ice_take_options(&checked, options);
    if (error == FLOE_OK) {
        error = floe_random_fill(random, &checked.tie_breaker, sizeof checked.tie_breaker);
    }
    if (error != FLOE_OK) {
        return error;
    }
    floe_ice *ice = floe_allocate(&checked.allocator, sizeof *ice);
    if (ice == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    *ice = checked;
    ice->options.allocator = NULL; /* it is the caller's, and has been copied */
    floe_list_init(&ice->bases);
    floe_list_init(&ice->remotes);
    floe_list_init(&ice->names);
    floe_list_init(&ice->look_ups);
    floe_list_init(&ice->groups);
    floe_list_init(&ice->pairs);
    floe_list_init(&ice->triggered);
    floe_list_init(&ice->early);
    floe_agenda_init(&ice->checks);
    floe_agenda_init(&ice->consents);
    ice->nomination_at = FLOE_TIME_NEVER;
    ice->failure_at = FLOE_TIME_NEVER;
    ice->local_end = floe_core_state(core) == FLOE_GATHERER_STATE_COMPLETE;
    error = floe_ice_local_list(ice);
    if (error != FLOE_OK && floe_core_state(core) != FLOE_GATHERER_STATE_CLOSED) {
        floe_ice_free(ice);
        return error;
    }
    *to = ice;
    return FLOE_OK;
}

static void end_pairs(floe_ice *ice)
{
    FLOE_LIST_EACH_SAFE(pair, &ice->pairs, floe_candidate_pair, link)
    {
        floe_ice_pair_end(ice, pair);
    }
}

/* Nothing is checked any more. */
static void end_all(floe_ice *ice)
{
    if (ice->former != NULL) {
        floe_ice_former_end(ice);
    }
    end_pairs(ice);
    floe_ice_arrivals_free(ice);
    floe_ice_remotes_free(ice);
    floe_ice_look_ups_free(ice);
    floe_ice_coming_free(ice);
    floe_ice_locals_free(ice);
    floe_ice_session_free(ice, ice->session);
    ice->session = NULL;
}

void floe_ice_free(floe_ice *ice)
{
    if (ice != NULL) {
        floe_allocator allocator = ice->allocator;
        end_all(ice);
        floe_ice_pair_list_free(ice->told);
        floe_wipe(&ice->tie_breaker, sizeof ice->tie_breaker);
        floe_deallocate(&allocator, ice);
    }
}

void floe_ice_close(floe_ice *ice, floe_time now)
{
    (void)now;
    if (ice == NULL || ice->state == FLOE_ICE_STATE_CLOSED) {
        return;
    }
    end_all(ice);
    ice->has_next = false;
    ice->nomination_at = FLOE_TIME_NEVER;
    floe_ice_to_state(ice, FLOE_ICE_STATE_CLOSED);
}

/* ── What follows from an input ── */

/* A new transaction for each Ta (RFC 8445 §6.1.4.2, §14). */
static void check_next(floe_ice *ice, floe_time now)
{
    floe_candidate_pair *next = floe_ice_checklist_next(ice);

    if (next != NULL && floe_time_reached(now, ice->next_check)) {
        floe_ice_take_turn(ice, now, false);
        floe_ice_check_begin(ice, now, next);
        next = floe_ice_checklist_next(ice);
    }
    ice->has_next = next != NULL;
}

void floe_ice_settle(floe_ice *ice, floe_time now)
{
    bool runs = ice->session != NULL && ice->state != FLOE_ICE_STATE_FAILED;

    while (runs && ice->unsettled) {
        ice->unsettled = false;
        if (ice->former != NULL && !ice->former->valid) {
            floe_ice_former_end(ice);
        }
        if (ice->selected_at.ns == 0) {
            ice->selected_at = now;
        }
        if (ice->session->lite) {
            floe_ice_lite_choose(ice, now);
        } else {
            floe_ice_consent_revive(ice, now);
            floe_ice_checklist_thaw(ice);
            floe_ice_let_in(ice, now);
            floe_ice_nominate(ice, now);
            check_next(ice, now);
        }
        floe_ice_consent_watch(ice, now);
    }
    if (ice->session != NULL) {
        floe_ice_outcome(ice, now);
    }
    if (ice->state == FLOE_ICE_STATE_FAILED) {
        ice->has_next = false;
    }
}

/* ── Inputs ── */

/* Nothing stands that was not there before. */
static floe_error begin(floe_ice *ice, const floe_parameters *remote, floe_ice_role role)
{
    floe_error error;
    floe_ice_session *session = floe_ice_session_new(ice, remote, &error);

    if (session == NULL) {
        return error;
    }
    error = floe_ice_local_list(ice); /* makes no pairs yet */
    if (error != FLOE_OK) {
        floe_ice_session_free(ice, session);
        return error;
    }
    ice->session = session;
    ice->role = floe_ice_lite_role(session, role);
    floe_ice_remotes_sift(ice);
    FLOE_LIST_EACH(base, &ice->bases, floe_ice_base, link)
    {
        if (error == FLOE_OK) {
            error = floe_ice_pairs_of_base(ice, base);
        }
    }
    if (error != FLOE_OK) {
        end_pairs(ice);
        floe_ice_session_free(ice, session);
        ice->session = NULL;
        ice->role = 0;
    }
    return error;
}

static floe_error begin_again(floe_ice *ice, const floe_parameters *remote, floe_ice_role role)
{
    floe_error error;
    floe_ice_session *session = floe_ice_session_new(ice, remote, &error);

    if (session == NULL) {
        return error;
    }
    if (floe_ice_same_session(session, ice->session)) {
        floe_ice_session_free(ice, session);
        return floe_fail(FLOE_ERR_INVALID_STATE, "neither side has other parameters than before");
    }
    floe_ice_restart_with(ice, session, role);
    floe_ice_coming_came(ice);
    return FLOE_OK;
}

floe_error floe_ice_start(floe_ice *ice, floe_time now, const floe_parameters *parameters,
                          floe_ice_role role)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;

    if (ice == NULL || parameters == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_start: NULL");
    }
    if (ice->state == FLOE_ICE_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the agent is closed");
    }
    if (role != FLOE_ICE_ROLE_CONTROLLING && role != FLOE_ICE_ROLE_CONTROLLED) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "%d is no role", (int)role);
    }
    floe_take_struct(&remote, parameters, FLOE_PARAMETERS_SIZES);
    floe_error error = floe_ice_check_parameters(&remote);
    if (error == FLOE_OK) {
        error = ice->session == NULL ? begin(ice, &remote, role) : begin_again(ice, &remote, role);
    }
    floe_wipe(&remote, sizeof remote);
    if (error != FLOE_OK) {
        return error;
    }
    ice->started = now;
    ice->failure_at = floe_time_after(now, floe_milliseconds(ice->options.failed_after_ms));
    ice->unsettled = true;
    floe_ice_arrivals_made_up(ice, now);
    floe_ice_settle(ice, now);
    return FLOE_OK;
}

floe_error floe_ice_add_remote_candidate(floe_ice *ice, floe_time now,
                                         const floe_candidate *candidate)
{
    floe_error error = FLOE_OK;

    if (ice == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_add_remote_candidate: NULL");
    }
    if (ice->state == FLOE_ICE_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the agent is closed");
    }
    if (candidate != NULL) {
        /* Behind their end too: a relay that was lost comes back, and a network that changes has others (N1). */
        error = floe_ice_remote_take(ice, candidate);
    } else {
        ice->coming_end = ice->remote_end && !floe_ring_empty(&ice->coming); /* it is theirs */
        ice->remote_end = true;
        ice->unsettled = true;
    }
    floe_ice_settle(ice, now);
    return error;
}

floe_error floe_ice_remove_remote_candidate(floe_ice *ice, floe_time now,
                                            const floe_candidate *candidate)
{
    if (ice == NULL || candidate == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_remove_remote_candidate: NULL");
    }
    if (ice->state == FLOE_ICE_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the agent is closed");
    }
    floe_error error = floe_ice_remote_remove(ice, candidate);
    floe_ice_settle(ice, now);
    return error;
}

void floe_ice_looked_up(floe_ice *ice, floe_time now, const char *name, floe_error error,
                        const floe_address *addresses, size_t count)
{
    if (ice != NULL && name != NULL && (addresses != NULL || count == 0)) {
        floe_ice_names_found(ice, name, error, addresses, count);
        floe_ice_settle(ice, now);
    }
}

static void take_unreachable(floe_ice *ice, floe_time now, const floe_core_output *output)
{
    if (output->unreachable == FLOE_UNREACHABLE_TOO_BIG ||
        output->unreachable == FLOE_UNREACHABLE_EXPIRED) {
        return;
    }
    const floe_candidate_pair *former = ice->former;
    floe_candidate_pair *pair = floe_ice_pair_among(ice, output->candidate_id, &output->remote);
    if (pair == NULL) {
        pair = floe_ice_pair_of(ice, output->candidate_id, &output->remote);
    } else if (former != NULL && former->base->tcp_type != FLOE_TCP_TYPE_NONE &&
               former->base == pair->base &&
               floe_address_equal(&former->remote->address, &pair->remote->address)) {
        /* I14: who restarts may end the connections of before (Pion), and takes the next one for that of the side that its
         * first check names: that has to be today's. */
        floe_ice_former_end(ice);
    }
    if (pair != NULL) {
        floe_ice_check_unreachable(ice, now, pair, output->unreachable);
    }
}

void floe_ice_core_output(floe_ice *ice, floe_time now, const floe_core_output *output)
{
    if (ice == NULL || output == NULL || ice->state == FLOE_ICE_STATE_CLOSED) {
        return;
    }
    switch (output->kind) {
    case FLOE_CORE_CANDIDATE:
        if (output->candidate == NULL) {
            ice->local_end = true;
            ice->unsettled = true;
        } else {
            (void)floe_ice_local_take(ice, output->candidate); /* without memory, it goes without */
        }
        break;
    case FLOE_CORE_CANDIDATE_WITHDRAWN:
        floe_ice_local_withdrawn(ice, output->candidate->id);
        break;
    case FLOE_CORE_STATE:
        if (output->state == FLOE_GATHERER_STATE_GATHERING) {
            ice->local_end = false;
            ice->unsettled = true;
        }
        break;
    case FLOE_CORE_UNREACHABLE:
        take_unreachable(ice, now, output);
        break;
    case FLOE_CORE_WRITABLE:
        ice->writable = ice->writable || ice->full;
        ice->full = false;
        break;
    default:
        return;
    }
    floe_ice_settle(ice, now);
}

/* Nearly every packet is data by the chosen pair: for that there is nothing to look for. */
static bool is_usual(const floe_ice *ice, const floe_packet *packet)
{
    const floe_candidate_pair *pair = ice->selected;

    return pair != NULL && packet->kind != FLOE_PACKET_STUN && !pair->silent &&
           ice->former == NULL && pair->base->id == packet->candidate_id &&
           floe_address_is(&pair->remote->address, &packet->peer);
}

bool floe_ice_packet(floe_ice *ice, floe_time now, const floe_packet *packet)
{
    if (ice == NULL || packet == NULL) {
        return false;
    }
    if (is_usual(ice, packet)) {
        ice->selected->last_heard = now;
        floe_ice_count_received(now, ice->selected, packet->size);
        return true;
    }
    return floe_ice_take_packet(ice, now, packet);
}

bool floe_ice_owns(const floe_ice *ice, const floe_packet *packet)
{
    return ice != NULL && packet != NULL &&
           (is_usual(ice, packet) || floe_ice_owns_packet(ice, packet));
}

static floe_error no_pair(const floe_ice *ice)
{
    return ice->state == FLOE_ICE_STATE_CLOSED
               ? floe_fail(FLOE_ERR_INVALID_STATE, "the agent is closed")
               : floe_fail(FLOE_ERR_NOT_CONNECTED, "no pair of candidates works");
}

static floe_error not_sent(floe_ice *ice, floe_candidate_pair *pair, size_t size, floe_error error)
{
    if (error == FLOE_ERR_QUEUE_FULL || error == FLOE_ERR_NO_MEMORY) {
        floe_ice_count_discarded(pair, size);
    }
    ice->full = ice->full || error == FLOE_ERR_QUEUE_FULL;
    return error;
}

floe_error floe_ice_send(floe_ice *ice, floe_time now, const void *data, size_t size)
{
    if (ice == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_send: NULL");
    }
    floe_candidate_pair *pair = floe_ice_in_use(ice);
    if (pair == NULL) {
        return no_pair(ice);
    }
    floe_error error =
        floe_core_send(ice->core, now, pair->base->id, &pair->remote->address, data, size);
    if (error != FLOE_OK) {
        return not_sent(ice, pair, size, error);
    }
    floe_ice_count_sent(now, pair, size);
    return FLOE_OK;
}

/* ── Time ── */

void floe_ice_time(floe_ice *ice, floe_time now)
{
    floe_alarm *alarm;

    if (ice == NULL || ice->state == FLOE_ICE_STATE_CLOSED ||
        !floe_time_reached(now, floe_ice_deadline(ice))) {
        return;
    }
    while ((alarm = floe_agenda_due(&ice->checks, now)) != NULL) {
        floe_agenda_set(&ice->checks, alarm, FLOE_TIME_NEVER);
        floe_ice_check_due(ice, now, FLOE_CONTAINER(alarm, floe_candidate_pair, alarm));
    }
    while ((alarm = floe_agenda_due(&ice->consents, now)) != NULL) {
        floe_agenda_set(&ice->consents, alarm, FLOE_TIME_NEVER);
        floe_ice_consent_due(ice, now, FLOE_CONTAINER(alarm, floe_candidate_pair, consent));
    }
    ice->unsettled = true; /* Ta, or a wait, may be over */
    floe_ice_settle(ice, now);
}

floe_time floe_ice_deadline(const floe_ice *ice)
{
    if (ice == NULL || ice->state == FLOE_ICE_STATE_CLOSED) {
        return FLOE_TIME_NEVER;
    }
    floe_time when = floe_time_min(floe_agenda_deadline(&ice->checks), ice->nomination_at);
    when = floe_time_min(when, floe_agenda_deadline(&ice->consents));
    when = floe_time_min(when, ice->failure_at);
    return ice->has_next ? floe_time_min(when, ice->next_check) : when;
}

/* ── What is asked ── */

bool floe_ice_poll(floe_ice *ice, const floe_ice_output **output)
{
    return ice != NULL && output != NULL && floe_ice_take_report(ice, output);
}

floe_ice_state floe_ice_get_state(const floe_ice *ice)
{
    return ice != NULL ? ice->state : FLOE_ICE_STATE_CLOSED;
}

floe_ice_role floe_ice_get_role(const floe_ice *ice)
{
    return ice != NULL ? ice->role : 0;
}

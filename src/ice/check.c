/* Our checks (RFC 8445 §7.2): written, sent, sent again, and what their answers show. */
#include "base/address.h"
#include "ice/ice.h"
#include "stun/writer.h"

#include <string.h>

/* USERNAME of 513 bytes, and the rest. */
#define CHECK_SIZE 640

/* ── Sending ── */

/* By TCP a check is sent once (RFC 8489 §6.2.2). */
static bool is_reliable(const floe_candidate_pair *pair)
{
    return pair->base->tcp_type != FLOE_TCP_TYPE_NONE;
}

static floe_span write(const floe_ice *ice, const floe_candidate_pair *pair,
                       uint8_t buffer[static CHECK_SIZE])
{
    floe_stun_writer writer = floe_stun_begin(buffer, CHECK_SIZE, FLOE_STUN_REQUEST,
                                              FLOE_STUN_BINDING, &pair->transaction.id);

    floe_stun_put(&writer, FLOE_STUN_USERNAME,
                  floe_span_of(pair->session->username, pair->session->size));
    floe_stun_put_u32(&writer, FLOE_STUN_PRIORITY, floe_ice_reflexive_priority(pair->base));
    floe_stun_put_u64(&writer,
                      pair->sent_controlling ? FLOE_STUN_ICE_CONTROLLING : FLOE_STUN_ICE_CONTROLLED,
                      ice->tie_breaker);
    if (pair->sent_nomination) {
        floe_stun_put(&writer, FLOE_STUN_USE_CANDIDATE, (floe_span){0});
        if (pair->session->renominates && pair->nomination != 0) {
            floe_stun_put_u32(&writer, FLOE_STUN_NOMINATION, pair->nomination);
        }
    }
    floe_stun_put_integrity(&writer, pair->session->mac);
    floe_stun_put_fingerprint(&writer);
    return floe_stun_written(&writer);
}

/* A new transaction. */
static void count(floe_candidate_pair *pair)
{
    pair->counts.consent_requests += pair->valid;
    pair->counts.requests_sent += !pair->valid;
}

/* Each check of the chosen one says so again, in case the peer has not understood; but for the time in which another takes
 * its place, whose nomination the peer may have heard already. */
static bool is_to_nominate(const floe_ice *ice, const floe_candidate_pair *pair)
{
    return pair->wants_nomination ||
           (pair == ice->selected && pair == floe_ice_in_use(ice) && ice->nominating == NULL);
}

/* Of its attributes as they are now, all that is sent by one transaction is the same. */
static void name(const floe_ice *ice, floe_candidate_pair *pair)
{
    floe_ice_role role = pair == ice->former ? ice->former_role : ice->role;

    pair->sent_controlling = role == FLOE_ICE_ROLE_CONTROLLING;
    pair->sent_nomination = pair->sent_controlling && is_to_nominate(ice, pair);
    pair->sent_as = ice->naming;
}

static floe_time slow_at(const floe_candidate_pair *pair)
{
    return floe_time_after(pair->transaction.started,
                           (floe_duration){pair->transaction.rto * UINT64_C(1000)});
}

/* A connection of ours that is open, and that nobody reads, is given up in favour of another, twice: RFC 8489 §6.2.2 has a
 * request wait for 39.5 s in all. By one that something comes by, as of the pair of before a restart, the check goes again.
 * When that is. */
static floe_time tired_at(const floe_candidate_pair *pair)
{
    static const uint16_t patience_ms[FLOE_ICE_RECONNECTS_MAX + 1] = {5000, 10000, 24500};

    return pair->base->tcp_type == FLOE_TCP_TYPE_ACTIVE && !pair->valid
               ? floe_time_after(pair->transaction.started,
                                 floe_milliseconds(patience_ms[pair->reconnected]))
               : FLOE_TIME_NEVER;
}

/* What has worked before is asked anew each time instead of ever more rarely. */
static floe_time revived_until(const floe_candidate_pair *pair)
{
    return pair->revived ? floe_time_after(pair->transaction.started, floe_seconds(10))
                         : FLOE_TIME_NEVER;
}

/* When it is due; before that, when it is slow, which what is sent once does not say otherwise. */
static floe_time next_look(const floe_candidate_pair *pair)
{
    floe_time due =
        floe_time_min(pair->transaction.due, floe_time_min(tired_at(pair), revived_until(pair)));

    return is_reliable(pair) && !pair->slow ? floe_time_min(slow_at(pair), due) : due;
}

static void send(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    uint8_t buffer[CHECK_SIZE];
    floe_span bytes = write(ice, pair, buffer);

    if (!floe_ice_may_be_asked(ice, pair)) {
        floe_ice_pair_fail(ice, pair, FLOE_ICE_FAILURE_TOO_MANY_CHECKS);
        return;
    }
    if (!floe_ice_has_consented(ice, pair)) {
        pair->remote->unanswered++;
    }
    floe_error error = FLOE_ERR_NO_MEMORY; /* to sign it */
    if (bytes.size > 0) {
        error = floe_core_send(ice->core, now, pair->base->id, &pair->remote->address, bytes.data,
                               bytes.size);
    }
    switch (error) {
    case FLOE_OK:
    case FLOE_ERR_QUEUE_FULL: /* as if it were lost on the way */
    case FLOE_ERR_NO_MEMORY:
        floe_agenda_set(&ice->checks, &pair->alarm, next_look(pair));
        break;
    case FLOE_ERR_PERMISSION:
        floe_ice_pair_fail(ice, pair, FLOE_ICE_FAILURE_RELAY_REFUSES);
        break;
    default:
        floe_ice_pair_fail(ice, pair, FLOE_ICE_FAILURE_UNREACHABLE);
        break;
    }
}

/* The id of what has been sent so far stays known for as long as an answer may come. */
static void remember(const floe_ice *ice, floe_candidate_pair *pair)
{
    if (!floe_stun_transaction_runs(&pair->transaction)) {
        return;
    }
    if (pair->former == NULL) {
        pair->former = floe_allocate(&ice->allocator, FLOE_FORMER_CHECKS * sizeof *pair->former);
    }
    if (pair->former != NULL) { /* else an answer to it is lost */
        floe_duration rto = {pair->transaction.rto * UINT64_C(1000)};
        pair->former[pair->next_former++ % FLOE_FORMER_CHECKS] = (floe_former_check){
            .id = pair->transaction.id,
            .controlling = pair->sent_controlling,
            .nominates = pair->sent_nomination,
            .once = pair->transaction.sends == 1,
            .started = pair->transaction.started,
            .until = floe_time_after(pair->transaction.started, floe_stun_transaction_lasts(rto)),
        };
    }
}

void floe_ice_check_forget(const floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    for (size_t i = 0; pair->former != NULL && i < FLOE_FORMER_CHECKS; i++) {
        if (!floe_time_reached(now, pair->former[i].until)) {
            return;
        }
    }
    floe_deallocate(&ice->allocator, pair->former);
    pair->former = NULL;
}

void floe_ice_check_cancel(floe_ice *ice, floe_candidate_pair *pair)
{
    remember(ice, pair);
    floe_stun_transaction_stop(&pair->transaction);
    floe_agenda_set(&ice->checks, &pair->alarm, FLOE_TIME_NEVER);
}

void floe_ice_check_begin(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    floe_ice_check_cancel(ice, pair);
    if (floe_stun_transaction_start(&pair->transaction, now, FLOE_STUN_BINDING,
                                    floe_ice_checklist_rto(ice), is_reliable(pair),
                                    &ice->random) != FLOE_OK) {
        return; /* it is tried again after Ta */
    }
    floe_list_remove(&pair->triggered);
    pair->hurried = false;
    pair->reconnected = 0;
    pair->failure = FLOE_ICE_FAILURE_NONE;
    pair->error_code = 0;
    name(ice, pair);
    count(pair);
    if (pair == ice->nominating && floe_time_is_never(ice->nominating_since)) {
        ice->nominating_since = now;
        ice->unsettled = true; /* it may be in vain */
    }
    if (!pair->valid) {
        floe_ice_pair_to(ice, pair, FLOE_ICE_PAIR_IN_PROGRESS);
    }
    send(ice, now, pair);
}

/* But for a nomination, which is sent until it is answered, and is a check for consent as well: the next such check is due
 * before it is sent again. */
void floe_ice_check_once(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    if (pair == ice->nominating) {
        floe_ice_check_begin(ice, now, pair);
        if (floe_stun_transaction_runs(&pair->transaction) && !is_reliable(pair)) {
            floe_agenda_set(&ice->checks, &pair->alarm, floe_time_after(now, floe_seconds(2)));
        }
        return;
    }
    remember(ice, pair);
    if (floe_stun_transaction_start(&pair->transaction, now, FLOE_STUN_BINDING,
                                    floe_ice_checklist_rto(ice), is_reliable(pair),
                                    &ice->random) == FLOE_OK) {
        name(ice, pair);
        count(pair);
        send(ice, now, pair);
    }
    floe_agenda_set(&ice->checks, &pair->alarm, FLOE_TIME_NEVER);
}

static void connect_anew(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    uint8_t reconnected = pair->reconnected + 1;

    if (reconnected > FLOE_ICE_RECONNECTS_MAX) {
        floe_ice_pair_fail(ice, pair, FLOE_ICE_FAILURE_TIMEOUT);
        return;
    }
    floe_core_hang_up(ice->core, now, pair->base->id, &pair->remote->address,
                      pair->transaction.started);
    floe_ice_check_begin(ice, now, pair);
    pair->reconnected = reconnected;
    if (floe_stun_transaction_runs(&pair->transaction)) { /* else it has failed */
        floe_agenda_set(&ice->checks, &pair->alarm, next_look(pair));
    }
}

/* What the network has said of it says more. */
static void time_out(floe_ice *ice, floe_candidate_pair *pair)
{
    floe_ice_pair_fail(ice, pair,
                       pair->failure != FLOE_ICE_FAILURE_NONE ? pair->failure
                                                              : FLOE_ICE_FAILURE_TIMEOUT);
}

void floe_ice_check_due(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    if (floe_time_reached(now, revived_until(pair))) {
        time_out(ice, pair);
        return;
    }
    if (floe_time_reached(now, tired_at(pair))) {
        connect_anew(ice, now, pair);
        return;
    }
    switch (floe_stun_transaction_time(&pair->transaction, now)) {
    case FLOE_STUN_WAIT:
        if (is_reliable(pair) && !pair->slow && floe_time_reached(now, slow_at(pair))) {
            floe_ice_checklist_is_slow(ice, pair);
        }
        floe_agenda_set(&ice->checks, &pair->alarm, next_look(pair));
        break;
    case FLOE_STUN_SEND_AGAIN:
        floe_ice_checklist_is_slow(ice, pair);
        if (pair->sent_as != ice->naming) { /* the bytes are others (RFC 8489 §5) */
            remember(ice, pair);
            floe_stun_transaction_rename(&pair->transaction, &ice->random);
            name(ice, pair);
        }
        send(ice, now, pair);
        break;
    case FLOE_STUN_GIVE_UP:
        floe_ice_check_forget(ice, now, pair);
        time_out(ice, pair);
        break;
    }
}

/* ── Ends ── */

void floe_ice_check_nominates_anew(floe_ice *ice)
{
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->sent_nomination) {
            floe_ice_check_cancel(ice, pair);
            pair->sent_nomination = false;
        }
        for (size_t i = 0; pair->former != NULL && i < FLOE_FORMER_CHECKS; i++) {
            pair->former[i].nominates = false;
        }
    }
}

void floe_ice_pair_fail(floe_ice *ice, floe_candidate_pair *pair, floe_ice_failure failure)
{
    floe_ice_check_cancel(ice, pair);
    floe_list_remove(&pair->triggered);
    pair->failure = (uint8_t)failure;
    pair->wants_nomination = false;
    pair->nominated = false;
    /* It is good for another time, but without consent only behind a restart (RFC 7675 §5.1). */
    pair->lapsed = pair->has_worked && failure != FLOE_ICE_FAILURE_CONSENT;
    pair->revived = false;
    floe_agenda_set(&ice->consents, &pair->consent, FLOE_TIME_NEVER);
    floe_ice_nomination_ends(ice, pair);
    floe_ice_pair_to(ice, pair, FLOE_ICE_PAIR_FAILED);
    if (pair->valid) {
        ice->consent_ended = failure == FLOE_ICE_FAILURE_CONSENT;
        pair->valid = false;
        pair->value = 0;
        floe_ice_find_best(ice);
        if (ice->selected == pair) {
            floe_ice_select(ice, NULL);
        }
    }
}

/* I14: there is no connection, or none any more. Who has connected first connects anew, by a check before anything else. */
static void disconnected(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    bool connects = pair->base->tcp_type == FLOE_TCP_TYPE_ACTIVE;

    if (pair->valid && connects) {
        floe_ice_consent_broken(ice, now, pair);
    } else if (connects && !pair->hurried && floe_stun_transaction_runs(&pair->transaction)) {
        floe_ice_check_begin(ice, now, pair); /* fails where nobody could be connected to */
        pair->hurried = true;
    } else if (pair->valid || floe_stun_transaction_runs(&pair->transaction)) {
        floe_ice_pair_fail(ice, pair, FLOE_ICE_FAILURE_UNREACHABLE);
    }
}

/* There is no way from here: that speaks of our address more than of the peer's. */
static bool is_of_base(floe_unreachable reason)
{
    return reason == FLOE_UNREACHABLE_NETWORK || reason == FLOE_UNREACHABLE_NOT_SENT;
}

/* Anybody can send ICMP, and it may speak of a moment that is over: a router refuses what comes before its own side has
 * sent something. So the check is sent again at once. If that comes back too, the pair counts as failed, and nothing waits
 * for it; but what remains of its schedule goes on, as the peer may only begin. */
void floe_ice_check_unreachable(floe_ice *ice, floe_time now, floe_candidate_pair *pair,
                                floe_unreachable reason)
{
    if (is_reliable(pair)) {
        disconnected(ice, now, pair);
    } else if (pair->valid) {
        floe_ice_consent_doubted(ice, now, pair, is_of_base(reason));
    } else if (!floe_stun_transaction_runs(&pair->transaction)) {
        return;
    } else if (!pair->hurried) {
        pair->hurried = true;
        floe_stun_transaction_hurry(&pair->transaction, now);
        floe_agenda_set(&ice->checks, &pair->alarm, pair->transaction.due);
    } else if (pair->state == FLOE_ICE_PAIR_IN_PROGRESS) {
        pair->failure = FLOE_ICE_FAILURE_UNREACHABLE;
        floe_ice_pair_to(ice, pair, FLOE_ICE_PAIR_FAILED);
    }
}

/* ── Answers ── */

/* What was asked by the transaction that an answer is to. */
typedef struct asked {
    floe_candidate_pair *pair;
    bool is_current;
    bool controlling;
    bool nominates;
    bool once; /* it was sent */
    floe_time started;
} asked;

static bool find_former(const floe_candidate_pair *pair, floe_time now, const floe_stun_id *id,
                        asked *found)
{
    for (size_t i = 0; pair->former != NULL && i < FLOE_FORMER_CHECKS; i++) {
        const floe_former_check *former = &pair->former[i];
        if (former->until.ns > now.ns && floe_stun_id_equal(&former->id, id)) {
            found->controlling = former->controlling;
            found->nominates = former->nominates;
            found->once = former->once;
            found->started = former->started;
            return true;
        }
    }
    return false;
}

static bool find_in(floe_candidate_pair *pair, floe_time now, const floe_stun_id *id, asked *found)
{
    *found = (asked){.pair = pair,
                     .is_current = true,
                     .controlling = pair->sent_controlling,
                     .nominates = pair->sent_nomination,
                     .once = pair->transaction.sends == 1,
                     .started = pair->transaction.started};
    if (floe_stun_transaction_runs(&pair->transaction) &&
        floe_stun_id_equal(&pair->transaction.id, id)) {
        return true;
    }
    found->is_current = false;
    return find_former(pair, now, id, found);
}

static bool find(const floe_ice *ice, floe_time now, const floe_stun_id *id, asked *found)
{
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (find_in(pair, now, id, found)) {
            return true;
        }
    }
    return ice->former != NULL && find_in(ice->former, now, id, found);
}

bool floe_ice_check_is_ours(const floe_ice *ice, const floe_stun_id *id)
{
    asked found;

    return find(ice, (floe_time){0}, id, &found);
}

/* The port of an active candidate says nothing (RFC 6544 §4.5). */
static bool is_shown(const floe_candidate_pair *pair, const floe_local_candidate *candidate,
                     const floe_address *mapped)
{
    return pair->base->tcp_type == FLOE_TCP_TYPE_ACTIVE
               ? floe_address_same_ip(&candidate->address, mapped)
               : floe_address_equal(&candidate->address, mapped);
}

/* §7.2.5.3.1: the local candidate that has this address, or a new one that the peer has shown. */
static void take_mapped(floe_candidate_pair *pair, const floe_address *mapped)
{
    pair->mapped = *mapped;
    pair->mapped_type = FLOE_CANDIDATE_TYPE_PRFLX;
    pair->mapped_priority = floe_ice_reflexive_priority(pair->base);
    FLOE_LIST_EACH(candidate, &pair->base->candidates, floe_local_candidate, link)
    {
        if (candidate->address.family != FLOE_FAMILY_NONE && is_shown(pair, candidate, mapped)) {
            pair->mapped_type = (uint8_t)candidate->type;
            pair->mapped_priority = candidate->priority;
            return;
        }
    }
}

/* What is not known is taken to be no longer than this. */
#define ROUND_TRIP_MAX floe_seconds(3)

/* Nobody knows which was answered, if it was sent several times; nor how long a connection was made that it waited for. */
static bool is_measured(const asked *to)
{
    const floe_candidate_pair *pair = to->pair;
    bool may_have_waited = is_reliable(pair) && (!pair->valid || pair->silent);

    return to->once && !may_have_waited;
}

static void succeeded(floe_ice *ice, floe_time now, const asked *to, const floe_address *mapped)
{
    floe_candidate_pair *pair = to->pair;
    bool was_valid = pair->valid;

    take_mapped(pair, mapped);
    if (is_measured(to)) {
        pair->timed = true;
        pair->round_trip = floe_time_since(now, to->started);
        pair->counts.total_round_trip.ns += pair->round_trip.ns;
    } else if (!pair->timed) {
        floe_duration since =
            floe_time_since(now, to->started); /* at most; the peer may have begun late */
        pair->round_trip = since.ns < ROUND_TRIP_MAX.ns ? since : ROUND_TRIP_MAX;
    }
    if (to->is_current) {
        floe_stun_transaction_stop(&pair->transaction);
        floe_agenda_set(&ice->checks, &pair->alarm, FLOE_TIME_NEVER);
    }
    pair->heard = true;
    pair->has_worked = true;
    pair->lapsed = pair->revived = false;
    floe_ice_consent_given(ice, now, pair);
    pair->valid = true;
    pair->failure = FLOE_ICE_FAILURE_NONE;
    pair->error_code = 0;
    if (!was_valid) {
        if (!to->is_current) { /* what was begun since goes on: it may nominate */
            floe_ice_check_cancel(ice, pair);
            if (!pair->wants_nomination) {
                floe_list_remove(&pair->triggered);
            }
        }
        floe_ice_pair_to(ice, pair, FLOE_ICE_PAIR_SUCCEEDED);
        floe_ice_checklist_unfreeze(ice, pair);
    }
    floe_ice_pair_value(ice, pair);
    floe_ice_find_best(ice);
    if (pair == ice->former) { /* what was chosen before counts no more */
        return;
    }
    bool nominates = to->nominates && to->controlling && ice->role == FLOE_ICE_ROLE_CONTROLLING;
    if (nominates || (pair->to_be_nominated && ice->role == FLOE_ICE_ROLE_CONTROLLED)) {
        floe_ice_nominated(ice, pair);
    }
}

/* §7.2.5.1: the roles are in conflict, and the peer's tie-breaker has won. */
static void conflict(floe_ice *ice, const asked *to)
{
    floe_ice_role asked_as = to->controlling ? FLOE_ICE_ROLE_CONTROLLING : FLOE_ICE_ROLE_CONTROLLED;

    if (to->pair == ice->former) {
        return;
    }
    if (ice->role == asked_as) {
        if (ice->role_changes >= FLOE_ICE_ROLE_CHANGES_MAX) {
            floe_ice_pair_fail(ice, to->pair, FLOE_ICE_FAILURE_ROLES);
            return;
        }
        floe_ice_change_role(ice, asked_as == FLOE_ICE_ROLE_CONTROLLING
                                      ? FLOE_ICE_ROLE_CONTROLLED
                                      : FLOE_ICE_ROLE_CONTROLLING);
        /* "The agent MUST change the tiebreaker value"; without randomness it keeps its own. */
        (void)floe_random_fill(&ice->random, &ice->tie_breaker, sizeof ice->tie_breaker);
        ice->naming++;
    }
    if (to->is_current) {
        floe_ice_check_cancel(ice, to->pair);
        floe_ice_checklist_trigger(ice, to->pair);
    }
}

static void failed_by(floe_ice *ice, const asked *to, const floe_stun_message *message)
{
    uint16_t code = 0;
    floe_span reason;
    bool is_error =
        message->class == FLOE_STUN_ERROR && floe_stun_read_error(message, &code, &reason);

    if (is_error && code == 487) {
        conflict(ice, to);
    } else if (is_error && code == 403 && to->pair->valid) { /* RFC 7675 §5.2 */
        floe_ice_pair_fail(ice, to->pair, FLOE_ICE_FAILURE_CONSENT);
        to->pair->error_code = code;
    } else if (to->is_current) {
        floe_ice_pair_fail(ice, to->pair,
                           is_error ? FLOE_ICE_FAILURE_ERROR_CODE : FLOE_ICE_FAILURE_BAD_ANSWER);
        to->pair->error_code = code;
        to->pair->lapsed = to->pair->lapsed && code != 403;
    }
}

void floe_ice_check_answered(floe_ice *ice, floe_time now, const floe_packet *packet,
                             const floe_stun_message *message)
{
    asked to;
    floe_address mapped;

    if (ice->session == NULL || ice->state == FLOE_ICE_STATE_FAILED ||
        !find(ice, now, &message->id, &to)) {
        return;
    }
    if (!floe_stun_check_integrity(message, to.pair->session->mac)) {
        ice->strange_answers++;
        return; /* RFC 8489 §9.1.4: as if it had never come */
    }
    to.pair->counts.responses_received++;
    if (packet->candidate_id != to.pair->base->id ||
        !floe_address_equal(&packet->peer, &to.pair->remote->address)) {
        if (to.is_current) {
            floe_ice_pair_fail(ice, to.pair, FLOE_ICE_FAILURE_NOT_SYMMETRIC);
        }
        return;
    }
    to.pair->remote->unanswered = 0;
    to.pair->remote->has_answered = true;
    if (message->class == FLOE_STUN_SUCCESS && floe_stun_succeeded(message) &&
        floe_stun_read_address(message, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped)) {
        mapped = floe_address_normalise(mapped);
        succeeded(ice, now, &to, &mapped);
    } else {
        failed_by(ice, &to, message);
    }
}

/* ── Roles ── */

void floe_ice_change_role(floe_ice *ice, floe_ice_role role)
{
    ice->role = role;
    ice->nomination = 0;
    ice->naming++;
    ice->role_changes++;
    if (ice->nominating != NULL) {
        ice->nominating->wants_nomination = false;
        ice->nominating = NULL;
    }
    floe_ice_pairs_revalue(ice);
    if (role == FLOE_ICE_ROLE_CONTROLLED) {
        floe_ice_take_nominations(ice);
    }
}

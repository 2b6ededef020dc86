/* Whether a pair that works still does: consent (RFC 7675), which is also what keeps it alive in NATs (RFC 8445 §11), and
 * whether anything comes by it at all.
 *
 * The pair in use is checked every few seconds, and when nothing has come from there for 4 s; if a check is not answered,
 * every half second, and later every second. Where nothing has come for 5 s it is silent; and where no check was answered for
 * as long, though something comes, if another one can take its place: a way may be open in one direction alone. Without an
 * answer for 30 s nothing more is sent by it. Another pair that works is not looked
 * after, but for the one that is to be ready, and lapses after the same time; it is checked again when it is needed. */
#include "base/random.h"
#include "ice/ice.h"

static floe_duration timeout(const floe_ice *ice)
{
    return floe_milliseconds(ice->options.consent_timeout_ms);
}

/* So many thousandths of an interval are a moment: agents of one process are due at the same ones, so that their packets come
 * and go together. */
#define MOMENT_PARTS 4U

static floe_time at_moment(const floe_ice *ice, floe_time when)
{
    uint64_t moment = ice->options.consent_ms * UINT64_C(1000) * MOMENT_PARTS;

    return (floe_time){(when.ns + moment - 1) / moment * moment};
}

/* Several checks go before consent is over, whatever the options say. */
static uint64_t interval_ms(const floe_ice *ice)
{
    uint32_t most = ice->options.consent_timeout_ms / 4;

    return ice->options.consent_ms < most ? ice->options.consent_ms : most;
}

/* RFC 7675 §5.1: each time between 0.8 and 1.2 of the interval, so that checks of many agents do not fall together. Where
 * nothing comes, between 0.8 and 0.88 of the time after which it is silent. */
static void draw_next(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    uint32_t part = 200; /* without randomness, the middle */

    (void)floe_random_below(&ice->random, 401 - MOMENT_PARTS, &part);
    pair->next_consent = at_moment(
        ice, floe_time_after(now, (floe_duration){interval_ms(ice) * 1000 * (800 + part)}));
    pair->patience =
        (floe_duration){ice->options.disconnected_after_ms * UINT64_C(1000) * (800 + part / 5)};
}

/* ── What comes ── */

void floe_ice_consent_heard(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    pair->last_heard = now;
    if (pair->silent && !pair->unanswered) {
        pair->silent = false;
        pair->valid_since = now;
        floe_ice_find_best(ice);
        ice->unsettled = true;
    }
}

void floe_ice_consent_given(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    pair->answered = now;
    pair->is_asked = false;
    pair->unanswered = false;
    floe_ice_check_forget(ice, now, pair);
    floe_ice_consent_heard(ice, now, pair);
    if (!pair->valid) {
        pair->valid_since = now;
    }
    floe_agenda_set(&ice->consents, &pair->consent, floe_time_after(now, timeout(ice)));
    if (pair == ice->watched || pair == ice->backup || pair == floe_ice_chosen(ice)) {
        floe_ice_consent_due(ice, now, pair);
    }
}

/* ── What is due ── */

static floe_time next_of(const floe_ice *ice, const floe_candidate_pair *pair)
{
    if (pair->is_asked) {
        bool is_late = floe_time_since(pair->asked, pair->asked_first).ns > floe_seconds(5).ns;
        return floe_time_after(pair->asked, floe_milliseconds(is_late ? 1000 : 500));
    }
    return floe_time_min(pair->next_consent,
                         at_moment(ice, floe_time_after(pair->last_heard, pair->patience)));
}

/* When it counts as silent: not by the loss of a single check, which is sent again half a second later, or in the next Ta. */
static floe_time silent_at(const floe_ice *ice, const floe_candidate_pair *pair)
{
    if (pair->silent || !pair->is_asked) {
        return FLOE_TIME_NEVER;
    }
    return floe_time_max(
        floe_time_after(pair->last_heard, floe_milliseconds(ice->options.disconnected_after_ms)),
        floe_ice_answer_by(pair, pair->asked_first, 1000 + ice->options.pacing_ms));
}

/* When no check was answered for as long, though something comes. */
static floe_time doubtful_at(const floe_ice *ice, const floe_candidate_pair *pair)
{
    return pair->silent || !pair->is_asked
               ? FLOE_TIME_NEVER
               : floe_ice_answer_by(pair, pair->asked_first, ice->options.disconnected_after_ms);
}

/* When what comes by it counts no longer: it does not show that anything arrives. */
static floe_time unanswered_at(const floe_ice *ice, const floe_candidate_pair *pair)
{
    return ice->backup == NULL ? FLOE_TIME_NEVER : doubtful_at(ice, pair);
}

/* When what is due then has its turn: each Ta has one check, and where something else waits, each second one is for that. */
static floe_time turn_at(const floe_ice *ice, floe_time now, floe_time due)
{
    floe_duration ta = floe_milliseconds(ice->options.pacing_ms);
    floe_time turn = ice->has_next && ice->was_consent
                         ? floe_time_after(floe_time_max(now, ice->next_check), ta)
                         : ice->next_check;

    return floe_time_max(due, turn);
}

static void ask(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    if (!pair->is_asked) {
        pair->asked_first = now;
    }
    pair->is_asked = true;
    pair->asked = now;
    draw_next(ice, now, pair);
    floe_ice_take_turn(ice, now, true);
    floe_ice_check_once(ice, now, pair);
}

/* ── What one that fails says of others ── */

typedef bool relation(const floe_candidate_pair *a, const floe_candidate_pair *b);

static bool share_base(const floe_candidate_pair *a, const floe_candidate_pair *b)
{
    return a->base == b->base;
}

static bool share_something(const floe_candidate_pair *a, const floe_candidate_pair *b)
{
    return floe_ice_share_network(a, b) || floe_ice_share_remote(a, b);
}

static bool has_unrelated(const floe_ice *ice, const floe_candidate_pair *pair, relation *related)
{
    FLOE_LIST_EACH(other, &ice->pairs, floe_candidate_pair, link)
    {
        if (floe_ice_goes_on_beside(other, pair) && !related(other, pair)) {
            return true;
        }
    }
    return false;
}

void floe_ice_consent_at_once(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    pair->next_consent = now;
    floe_ice_consent_due(ice, now, pair);
}

/* They are asked before they are used in turn, where one goes on that has nothing to do with it. False: none does. */
static bool doubt_related(floe_ice *ice, floe_time now, const floe_candidate_pair *pair,
                          relation *related)
{
    if (!has_unrelated(ice, pair, related)) {
        return false;
    }
    FLOE_LIST_EACH(other, &ice->pairs, floe_candidate_pair, link)
    {
        if (floe_ice_goes_on_beside(other, pair) && related(other, pair)) {
            other->silent = true;
            other->unanswered = pair->unanswered;
            floe_ice_consent_at_once(ice, now, other);
        }
    }
    return true;
}

/* Nothing says whether our network fails or the peer's address. */
static void doubt_others(floe_ice *ice, floe_time now, const floe_candidate_pair *pair)
{
    if (!doubt_related(ice, now, pair, share_something)) {
        (void)doubt_related(ice, now, pair, floe_ice_share_network);
    }
}

static void look_after(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    if (pair->next_consent.ns < pair->answered.ns) { /* it was not in use before */
        draw_next(ice, now, pair);
        if (!pair->timed) { /* its check was sent several times */
            pair->next_consent = now;
        }
    }
    pair->unanswered = pair->unanswered || floe_time_reached(now, unanswered_at(ice, pair));
    if (!pair->silent && (pair->unanswered || floe_time_reached(now, silent_at(ice, pair)))) {
        pair->silent = true;
        if (pair->base->tcp_type == FLOE_TCP_TYPE_ACTIVE && pair != ice->former) {
            floe_core_hang_up(ice->core, now, pair->base->id, &pair->remote->address,
                              pair->asked_first);
            ask(ice, now, pair); /* which connects anew, by a check before anything else */
        }
        doubt_others(ice, now, pair);
        floe_ice_find_best(ice);
        ice->unsettled = true;
    }
    if (pair->valid && floe_time_reached(now, turn_at(ice, now, next_of(ice, pair)))) {
        ask(ice, now, pair);
    }
    if (!pair->valid) { /* it could not be sent */
        return;
    }
    floe_time when = turn_at(ice, now, next_of(ice, pair));
    when = floe_time_min(when, floe_time_min(silent_at(ice, pair), unanswered_at(ice, pair)));
    when = floe_time_min(when, floe_time_after(pair->answered, timeout(ice)));
    floe_agenda_set(&ice->consents, &pair->consent, when);
}

/* The chosen one too, if another has taken its place before. */
static void lapse(floe_ice *ice, floe_candidate_pair *pair, bool consent_ended)
{
    floe_ice_check_cancel(ice, pair);
    ice->consent_ended = consent_ended;
    pair->valid = false;
    pair->lapsed = pair != ice->former;
    pair->value = 0;
    pair->wants_nomination = false;
    floe_ice_nomination_ends(ice, pair);
    floe_ice_find_best(ice);
    if (ice->selected == pair) {
        floe_ice_select(ice, NULL);
    }
    ice->unsettled = true;
}

/* It is silent until it answers, if another one can take its place meanwhile; and it is asked at once. What comes says nothing
 * of what goes. Where our address is gone, so are all ways from it. */
void floe_ice_consent_doubted(floe_ice *ice, floe_time now, floe_candidate_pair *pair, bool of_base)
{
    if (pair != floe_ice_in_use(ice) || pair->silent || ice->backup == NULL) {
        return;
    }
    pair->silent = pair->unanswered = true;
    if (of_base) {
        (void)doubt_related(ice, now, pair, share_base);
    }
    pair->next_consent = now;
    floe_ice_find_best(ice);
    floe_ice_consent_due(ice, now, pair);
    ice->unsettled = true;
}

/* Its connection is gone. Where it is in use it is asked at once, which connects anew: the first thing that the peer hears on
 * a connection has to be a check. Any other pair works again once it has been checked. */
void floe_ice_consent_broken(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    if (pair != floe_ice_in_use(ice)) {
        lapse(ice, pair, false);
        if (pair == ice->former) {
            return;
        }
        pair->lapsed = false;
        floe_ice_pair_to(ice, pair, FLOE_ICE_PAIR_WAITING);
        floe_ice_checklist_trigger(ice, pair);
        return;
    }
    pair->silent = ice->backup != NULL;
    pair->is_asked = false; /* what was asked before is not answered any more */
    floe_ice_find_best(ice);
    ask(ice, now, pair);
    ice->unsettled = true;
    if (pair->valid) {
        floe_ice_consent_due(ice, now, pair);
    }
}

/* Another has taken its place. It is asked for as long as its consent lasts: when it answers, it is good for its turn. */
static void ask_again(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    if (floe_time_reached(now, turn_at(ice, now, pair->next_consent))) {
        ask(ice, now, pair);
    }
    if (pair->valid) {
        floe_time next = turn_at(ice, now, pair->next_consent);
        floe_agenda_set(&ice->consents, &pair->consent,
                        floe_time_min(next, floe_time_after(pair->answered, timeout(ice))));
    }
}

/* It is to be ready when it is needed: checked in time, and sent again if no answer comes. */
static void keep_ready(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    floe_time over = floe_time_after(pair->answered, timeout(ice));
    floe_time next =
        floe_time_after(pair->answered, floe_milliseconds(ice->options.backup_check_ms));

    if (floe_stun_transaction_runs(&pair->transaction)) {
        next = over;
    } else if (floe_time_reached(now, turn_at(ice, now, next))) {
        floe_ice_take_turn(ice, now, true);
        floe_ice_check_begin(ice, now, pair);
        next = over;
    }
    if (pair->valid) {
        floe_agenda_set(&ice->consents, &pair->consent,
                        floe_time_min(turn_at(ice, now, next), over));
    }
}

void floe_ice_consent_due(floe_ice *ice, floe_time now, floe_candidate_pair *pair)
{
    bool is_over = floe_time_reached(now, floe_time_after(pair->answered, timeout(ice)));
    bool is_used = pair == floe_ice_in_use(ice) || pair == floe_ice_chosen(ice);

    if (!pair->valid || floe_ice_are_lite(pair->session)) {
        return;
    }
    if (is_over && is_used) {
        floe_ice_pair_fail(ice, pair, FLOE_ICE_FAILURE_CONSENT);
    } else if (is_over) {
        lapse(ice, pair, true);
    } else if (is_used && !pair->session->lite) {
        look_after(ice, now, pair);
    } else if (pair->silent && !pair->session->lite) {
        ask_again(ice, now, pair);
    } else if (pair == ice->backup && !pair->session->lite) {
        keep_ready(ice, now, pair);
    } else {
        floe_agenda_set(&ice->consents, &pair->consent,
                        floe_time_after(pair->answered, timeout(ice)));
    }
}

void floe_ice_consent_watch(floe_ice *ice, floe_time now)
{
    floe_candidate_pair *pair = floe_ice_in_use(ice);
    floe_candidate_pair *backup = floe_ice_backup(ice);

    if (pair != ice->watched) {
        ice->watched = pair;
        if (pair != NULL) {
            ice->writable = ice->writable || ice->full; /* that was another one */
            ice->full = false;
            floe_ice_consent_due(ice, now, pair);
        }
    }
    if (backup != ice->backup) {
        ice->backup = backup;
        if (backup != NULL) {
            floe_ice_consent_due(ice, now, backup);
        }
    }
}

/* How soon what has worked is asked again, where its check has failed at once. */
#define REVIVED_EACH floe_seconds(2)

/* Behind the last consent, for so long at least; longer, where it has not ended by its consent (I8). */
#define REVIVED_BEHIND floe_seconds(10)

static void begin_last(floe_ice *ice, floe_time now)
{
    floe_time over = floe_time_after(now, REVIVED_BEHIND);

    ice->asked_last = true;
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        bool is_asked = pair->lapsed || pair->revived;
        if (is_asked && (floe_time_is_never(ice->failure_at) || ice->failure_at.ns < over.ns)) {
            ice->failure_at = over;
        }
    }
}

/* Whether it is silent, or something comes by it and no check is answered (a way that is open in one direction). */
static bool is_doubtful(const floe_ice *ice, floe_time now, const floe_candidate_pair *pair)
{
    return pair->silent || floe_time_reached(now, doubtful_at(ice, pair));
}

/* Where what works is silent, or nothing does, what has worked before is asked until something answers. */
void floe_ice_consent_revive(floe_ice *ice, floe_time now)
{
    bool is_over = ice->best == NULL;

    if (!is_over) {
        ice->asked_last = false;
    } else if (!ice->asked_last) {
        begin_last(ice, now);
    }
    if (is_over ? floe_ice_may_fail(ice) : !is_doubtful(ice, now, ice->best)) {
        return;
    }
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        floe_time next = floe_time_after(pair->transaction.started, REVIVED_EACH);
        if (!floe_ice_may_be_asked(ice, pair)) {
            continue;
        }
        if (pair->lapsed && !floe_time_reached(now, next)) {
            floe_agenda_set(&ice->consents, &pair->consent, next);
        } else if (pair->lapsed) {
            pair->lapsed = false;
            pair->revived = true;
            floe_ice_pair_to(ice, pair, FLOE_ICE_PAIR_WAITING);
            floe_ice_checklist_trigger(ice, pair);
        }
    }
}

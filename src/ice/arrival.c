/* The peer's checks (RFC 8445 §7.3): answered, and what they show of the peer. */
#include "ice/ice.h"

#include <string.h>

/* ── What a check shows ── */

/* libwebrtc has the number without USE-CANDIDATE. */
static floe_nomination nomination_of(const floe_packet *packet)
{
    floe_nomination nomination = {.made = packet->check->use_candidate};
    floe_stun_message message;
    uint32_t number = 0;

    if (floe_stun_parse(floe_span_of(packet->data, packet->size), &message) == FLOE_STUN_PARSED &&
        floe_stun_read_u32(&message, FLOE_STUN_NOMINATION, &number)) {
        nomination.number = number & FLOE_ICE_NOMINATION_MASK;
    }
    return nomination;
}

/* A number says nothing where it was not agreed on. */
static floe_nomination agreed(const floe_ice *ice, floe_nomination nomination)
{
    if (!ice->session->renominates) {
        return (floe_nomination){.made = nomination.made};
    }
    nomination.made = nomination.made || nomination.number != 0;
    return nomination;
}

/* §7.3.1.5: at once, or when its own check has succeeded; or when our role has been mended, as the peer controls. */
static void take_nomination(floe_ice *ice, floe_candidate_pair *pair, uint32_t number)
{
    FLOE_LIST_EACH(other, &ice->pairs, floe_candidate_pair, link)
    { /* the peer's last word counts, though the check by the other may succeed later */
        other->to_be_nominated =
            other->to_be_nominated && (!ice->heard_plain || ice->session->renominates);
    }
    pair->to_be_nominated = true;
    pair->nomination = number;
    if (ice->role == FLOE_ICE_ROLE_CONTROLLED && pair->valid) {
        floe_ice_nominated(ice, pair);
    }
}

/* I16: who has answered, and asks now, is there. Who has not is asked once for each check of its own, each second at most: it may
 * have begun when all that may go to it had gone. */
static void let_ask(floe_remote_candidate *remote, floe_time now)
{
    if (remote->has_answered) {
        remote->unanswered = 0;
    } else if (remote->unanswered >= FLOE_ICE_UNANSWERED_MAX &&
               floe_time_reached(now, remote->let_again)) {
        remote->unanswered = FLOE_ICE_UNANSWERED_MAX - 1;
        remote->let_again = floe_time_after(now, floe_seconds(1));
    }
}

/* §7.3.1.3, §7.3.1.4. False: there is no pair for it. */
static bool take(floe_ice *ice, floe_time now, uint32_t candidate_id, const floe_address *peer,
                 uint32_t priority, floe_nomination nomination)
{
    floe_ice_base *base = floe_ice_base_of(ice, candidate_id);

    if (base == NULL || ice->state == FLOE_ICE_STATE_FAILED) {
        return false;
    }
    ice->heard_plain =
        ice->heard_plain || (!nomination.made && ice->role == FLOE_ICE_ROLE_CONTROLLED);
    if (ice->session->lite) {
        return floe_ice_lite_take(ice, now, base, peer, priority, nomination);
    }
    floe_remote_candidate *remote = floe_ice_remote_shown(ice, now, peer, base, priority);
    floe_candidate_pair *pair = remote != NULL ? floe_ice_pair_need(ice, base, remote) : NULL;
    if (pair == NULL) {
        return false;
    }
    pair->heard = true;
    floe_ice_consent_heard(ice, now, pair);
    ice->unsettled = true;
    if (nomination.made) {
        take_nomination(ice, pair, nomination.number);
    }
    if (pair->state == FLOE_ICE_PAIR_IN_PROGRESS) {
        floe_ice_check_cancel(ice, pair);
    }
    let_ask(remote, now);
    if (!pair->valid) {
        floe_ice_checklist_trigger(ice, pair);
    }
    return true;
}

/* ── Where there is no pair for it (I2) ── */

static bool is_early(const floe_early_check *early, const floe_packet *packet)
{
    return early->candidate_id == packet->candidate_id &&
           floe_address_equal(&early->peer, &packet->peer) &&
           strcmp(early->remote_username_fragment, packet->check->remote_username_fragment) == 0;
}

static void drop(floe_ice *ice, floe_early_check *early)
{
    floe_list_remove(&early->link);
    floe_deallocate(&ice->allocator, early);
    ice->early_count--;
}

static void drop_first(floe_ice *ice)
{
    drop(ice, FLOE_CONTAINER(ice->early.next, floe_early_check, link));
}

/* Nobody's check is of that name: only data is expected from there. */
static const char expected[] = "";

static bool is_expected(const floe_early_check *early)
{
    return early->remote_username_fragment[0] == '\0';
}

/* That data is expected is forgotten before a check is. */
static bool make_room(floe_ice *ice, const char *username_fragment)
{
    if (ice->early_count < FLOE_ICE_EARLY_MAX) {
        return true;
    }
    FLOE_LIST_EACH_SAFE(early, &ice->early, floe_early_check, link)
    {
        if (is_expected(early)) {
            drop(ice, early);
            return true;
        }
    }
    if (username_fragment == expected) {
        return false;
    }
    drop_first(ice);
    return true;
}

static floe_early_check *add(floe_ice *ice, uint32_t candidate_id, const floe_address *peer,
                             const char *username_fragment)
{
    size_t size = strlen(username_fragment) + 1;

    if (!make_room(ice, username_fragment)) {
        return NULL;
    }
    floe_early_check *early = floe_allocate(&ice->allocator, sizeof *early + size);
    if (early != NULL) {
        early->candidate_id = candidate_id;
        early->peer = *peer;
        memcpy(early->remote_username_fragment, username_fragment, size);
        floe_list_append(&ice->early, &early->link);
        ice->early_count++;
    }
    return early;
}

void floe_ice_arrival_expect(floe_ice *ice, uint32_t candidate_id, const floe_address *peer)
{
    if (!floe_ice_arrival_was_early(ice, candidate_id, peer)) {
        (void)add(ice, candidate_id, peer, expected);
    }
}

static void remember(floe_ice *ice, const floe_packet *packet)
{
    const floe_check *check = packet->check;
    floe_nomination nomination = nomination_of(packet);

    FLOE_LIST_EACH(early, &ice->early, floe_early_check, link)
    {
        if (is_early(early, packet)) {
            early->nomination =
                nomination.made || nomination.number != 0 ? nomination : early->nomination;
            return;
        }
    }
    floe_early_check *early =
        add(ice, packet->candidate_id, &packet->peer, check->remote_username_fragment);
    if (early != NULL) { /* else the peer checks again */
        early->priority = check->priority;
        early->nomination = nomination;
    }
}

bool floe_ice_arrival_was_early(const floe_ice *ice, uint32_t candidate_id,
                                const floe_address *peer)
{
    FLOE_LIST_EACH(early, &ice->early, floe_early_check, link)
    {
        if (early->candidate_id == candidate_id && floe_address_equal(&early->peer, peer)) {
            return true;
        }
    }
    return false;
}

void floe_ice_arrivals_free(floe_ice *ice)
{
    while (!floe_list_empty(&ice->early)) {
        drop_first(ice);
    }
}

void floe_ice_arrivals_made_up(floe_ice *ice, floe_time now)
{
    FLOE_LIST_EACH_SAFE(early, &ice->early, floe_early_check, link)
    {
        bool is_ours = floe_ice_is_remote(ice->session, early->remote_username_fragment);
        bool stays = is_expected(early) ||
                     (is_ours && !take(ice, now, early->candidate_id, &early->peer, early->priority,
                                       agreed(ice, early->nomination)));
        if (!stays) {
            drop(ice, early);
        }
    }
}

/* ── The answer ── */

/* §7.3.1.1. False: the peer is to change its role, and is told so. */
static bool mend_roles(floe_ice *ice, const floe_check *check)
{
    bool controlling = ice->role == FLOE_ICE_ROLE_CONTROLLING;

    if (!check->has_role || check->controlling != controlling) {
        return true;
    }
    bool we_control = ice->tie_breaker >= check->tie_breaker;
    if (we_control == controlling) {
        return false;
    }
    if (ice->role_changes < FLOE_ICE_ROLE_CHANGES_MAX) {
        floe_ice_change_role(ice,
                             we_control ? FLOE_ICE_ROLE_CONTROLLING : FLOE_ICE_ROLE_CONTROLLED);
    }
    return true;
}

/* RFC 8489 §9.1.3: 400 without what a check is authenticated by, 401 where it is wrong. */
static uint16_t refusal_of(const floe_packet *packet)
{
    floe_stun_message message;
    bool has_all =
        floe_stun_parse(floe_span_of(packet->data, packet->size), &message) == FLOE_STUN_PARSED &&
        floe_stun_has(&message, FLOE_STUN_USERNAME) &&
        (message.integrity_at != 0 || message.integrity_sha256_at != 0);

    return has_all ? 401 : 400;
}

/* Of the two sides in that generation; where one side restarts alone (I11), the other one's stays the same. */
static bool has_both_names(const floe_ice *ice, const floe_ice_session *session,
                           const floe_check *check)
{
    return session != NULL && floe_ice_is_remote(session, check->remote_username_fragment) &&
           check->former == floe_ice_is_former(ice, session);
}

static bool is_from_peer(const floe_ice *ice, const floe_check *check)
{
    return has_both_names(ice, ice->session, check);
}

/* The peer may not know of a restart yet (RFC 8445 §9): consent of the pair that is in use goes on. */
static bool is_of_former(const floe_ice *ice, const floe_packet *packet)
{
    const floe_candidate_pair *former = ice->former;

    return former != NULL && former->base->id == packet->candidate_id &&
           floe_address_equal(&former->remote->address, &packet->peer) &&
           floe_ice_is_remote(former->session, packet->check->remote_username_fragment);
}

/* RFC 8445 §9: in a restart both sides get another name, so a check has both old ones or both new ones. A peer that knows
 * only its own new name (Chromium) would take an answer for one of the new generation, and then refuse our own checks. But
 * where we have restarted, and what the peer is called now is still to come, a name that we do not know is right (I2). */
static bool mixes_generations(const floe_ice *ice, const floe_check *check)
{
    if (ice->session == NULL || !check->authenticated) {
        return false;
    }
    bool has_restarted = floe_ice_is_former(ice, ice->session);
    bool is_unknown = has_restarted ? !check->former : check->former && ice->former_session == NULL;
    return !is_unknown && !has_both_names(ice, ice->session, check) &&
           !has_both_names(ice, ice->former_session, check);
}

/* The two sides do not know each other's present parameters. */
static bool is_strange(const floe_ice *ice, const floe_check *check)
{
    return ice->session != NULL &&
           (!check->authenticated ||
            !floe_ice_is_remote(ice->session, check->remote_username_fragment));
}

/* 0: a success. */
static uint16_t code_for(floe_ice *ice, const floe_packet *packet)
{
    const floe_check *check = packet->check;

    if (!check->authenticated) {
        return refusal_of(packet);
    }
    if (check->unknown_attribute_count > 0) {
        return 420;
    }
    if (check->priority == 0) {
        return 400;
    }
    if (!is_from_peer(ice, check)) {
        return 0;
    }
    if (ice->state == FLOE_ICE_STATE_FAILED) {
        return 403; /* RFC 7675 §5.2: so the peer need not wait until nothing comes */
    }
    if (ice->session->lite) { /* it cannot control: there is nothing to mend */
        return 0;
    }
    return mend_roles(ice, check) ? 0 : 487;
}

static void take_arrival(floe_ice *ice, floe_time now, const floe_packet *packet)
{
    const floe_check *check = packet->check;

    if (is_from_peer(ice, check)) {
        if (!take(ice, now, packet->candidate_id, &packet->peer, check->priority,
                  agreed(ice, nomination_of(packet)))) {
            remember(ice, packet);
        }
    } else if (is_of_former(ice, packet) && ice->former_session->lite) {
        floe_ice_consent_given(ice, now, ice->former);
    } else if (is_of_former(ice, packet)) {
        floe_ice_consent_heard(ice, now, ice->former);
    } else if (!check->former) {
        remember(ice, packet);
    }
}

void floe_ice_arrival(floe_ice *ice, floe_time now, const floe_packet *packet)
{
    if (floe_ice_base_of(ice, packet->candidate_id) == NULL) {
        return; /* to what policy hides, or what no pairs are made of */
    }
    if (!floe_ice_has_pair(ice, packet->candidate_id, &packet->peer) &&
        floe_ice_remote_is_refused(ice, &packet->peer)) {
        ice->has_refused = true;
        return; /* nothing is sent there, an answer neither: else the peer would have a pair that works, alone */
    }
    ice->strange_checks += is_strange(ice, packet->check);
    if (mixes_generations(ice, packet->check)) {
        return;
    }
    uint16_t code = code_for(ice, packet);
    /* Where it cannot be answered, the peer checks again. */
    bool answered = floe_core_answer_check(ice->core, now, packet, code) == FLOE_OK;
    if (code == 0) {
        take_arrival(ice, now, packet);
    }
    floe_candidate_pair *pair = is_of_former(ice, packet)
                                    ? ice->former
                                    : floe_ice_pair_of(ice, packet->candidate_id, &packet->peer);
    if (packet->check->authenticated && pair != NULL) {
        pair->counts.requests_received++;
        pair->counts.responses_sent += answered;
    }
}

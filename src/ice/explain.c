/* Why, in words for a person and in one for a program (I22). */
#include "base/address.h"
#include "base/error.h"
#include "ice/ice.h"

#include <stdarg.h>
#include <stdio.h>

/* ── Text ── */

typedef struct sentence {
    char *to;
    size_t size;
    size_t used; /* more than there is room for, where it is cut */
} sentence;

static void put(sentence *text, const char *format, ...) FLOE_PRINTF(2, 3);

static void put(sentence *text, const char *format, ...)
{
    va_list arguments;
    bool fits = text->used < text->size;

    va_start(arguments, format);
    int size = vsnprintf(fits ? text->to + text->used : NULL, fits ? text->size - text->used : 0,
                         format, arguments);
    va_end(arguments);
    text->used += size > 0 ? (size_t)size : 0;
}

static floe_error result(const sentence *text)
{
    return text->used < text->size
               ? FLOE_OK
               : floe_fail(FLOE_ERR_BUFFER_TOO_SMALL, "the explanation has %zu bytes", text->used);
}

/* ── What there is ── */

typedef struct evidence {
    size_t ended[FLOE_ICE_FAILURE_CONSENT + 1]; /* pairs, by their failure */
    size_t failed;
    bool heard;
    bool lapsed;
    uint16_t code; /* of an error that the peer has answered; 0: none */
} evidence;

static evidence evidence_of(const floe_ice *ice)
{
    evidence found = {{0}, 0, false, false, 0};

    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        found.heard = found.heard || pair->heard;
        found.lapsed = found.lapsed || pair->lapsed ||
                       (pair->has_worked && pair->failure == FLOE_ICE_FAILURE_TIMEOUT);
        found.code = pair->error_code != 0 ? pair->error_code : found.code;
        if (pair->state == FLOE_ICE_PAIR_FAILED) {
            found.ended[pair->failure]++;
            found.failed++;
        }
    }
    return found;
}

/* What we send to the peer, or it to us, is not signed as the other has it. */
static bool are_unknown(const floe_ice *ice)
{
    return ice->strange_checks > 0 || ice->strange_answers > 0;
}

/* Whether the peer has to begin: it checks, or connects. */
static bool waits_for_peer(const floe_ice *ice)
{
    bool passive = false;
    bool active = false;

    FLOE_LIST_EACH(base, &ice->bases, floe_ice_base, link)
    {
        passive = passive || base->tcp_type == FLOE_TCP_TYPE_PASSIVE;
    }
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        active = active || remote->tcp_type == FLOE_TCP_TYPE_ACTIVE;
    }
    return ice->session->lite || (passive && active);
}

static floe_ice_reason reason_without_pairs(const floe_ice *ice)
{
    if (are_unknown(ice)) {
        return FLOE_ICE_REASON_CREDENTIALS;
    }
    if (ice->remote_count == 0) {
        bool are_names = !floe_list_empty(&ice->names) && !ice->has_refused;
        return ice->looking_up > 0 ? FLOE_ICE_REASON_NONE
               : are_names         ? FLOE_ICE_REASON_NAMES
                                   : FLOE_ICE_REASON_NO_REMOTE_CANDIDATE;
    }
    if (floe_list_empty(&ice->bases)) {
        return FLOE_ICE_REASON_NO_LOCAL_CANDIDATE;
    }
    if (!waits_for_peer(ice)) {
        return FLOE_ICE_REASON_NO_PAIR;
    }
    return ice->state == FLOE_ICE_STATE_FAILED ? FLOE_ICE_REASON_SILENCE : FLOE_ICE_REASON_NONE;
}

static floe_ice_reason reason_of(const floe_ice *ice, const evidence *found)
{
    size_t timeouts = found->ended[FLOE_ICE_FAILURE_TIMEOUT];

    if (floe_list_empty(&ice->pairs)) {
        return reason_without_pairs(ice);
    }
    if (found->ended[FLOE_ICE_FAILURE_CONSENT] > 0 || found->lapsed) {
        return FLOE_ICE_REASON_CONSENT;
    }
    if (found->ended[FLOE_ICE_FAILURE_ERROR_CODE] + found->ended[FLOE_ICE_FAILURE_BAD_ANSWER] +
            found->ended[FLOE_ICE_FAILURE_NOT_SYMMETRIC] + found->ended[FLOE_ICE_FAILURE_ROLES] >
        0) {
        return FLOE_ICE_REASON_REFUSED;
    }
    if (are_unknown(ice)) {
        return FLOE_ICE_REASON_CREDENTIALS;
    }
    if (found->failed == 0) { /* it may be on its way */
        return FLOE_ICE_REASON_NONE;
    }
    bool are_returned = found->ended[FLOE_ICE_FAILURE_UNREACHABLE] == found->failed;
    if (found->heard && !are_returned) { /* else it has ended since, or there is no way from here */
        return FLOE_ICE_REASON_ONE_WAY;
    }
    if (timeouts > 0) {
        return FLOE_ICE_REASON_SILENCE;
    }
    return found->ended[FLOE_ICE_FAILURE_RELAY_REFUSES] == found->failed
               ? FLOE_ICE_REASON_RELAY_REFUSES
               : FLOE_ICE_REASON_UNREACHABLE;
}

floe_ice_reason floe_ice_get_reason(const floe_ice *ice)
{
    if (ice == NULL || ice->state == FLOE_ICE_STATE_CLOSED || floe_ice_in_use(ice) != NULL) {
        return FLOE_ICE_REASON_NONE;
    }
    if (ice->session == NULL) {
        return FLOE_ICE_REASON_NOT_STARTED;
    }
    evidence found = evidence_of(ice);
    return reason_of(ice, &found);
}

/* ── The agent ── */

static const char *sentence_for(const floe_ice *ice, floe_ice_reason reason)
{
    switch (reason) {
    case FLOE_ICE_REASON_NO_REMOTE_CANDIDATE:
        return ice->has_refused ? "the remote side has no candidate but what this side refuses"
                                : "the remote side has given no candidate";
    case FLOE_ICE_REASON_NAMES:
        return "the remote side's candidates are names, and none of them has an address here";
    case FLOE_ICE_REASON_NO_LOCAL_CANDIDATE:
        return "this side has no candidate";
    case FLOE_ICE_REASON_NO_PAIR:
        return "no candidate of this side fits one of the remote side's";
    case FLOE_ICE_REASON_CREDENTIALS:
        return "the two sides do not know each other's present username fragment and password";
    case FLOE_ICE_REASON_ONE_WAY:
        return "the remote side's checks arrive, but what this side sends is not answered";
    case FLOE_ICE_REASON_SILENCE:
        return "nothing has come from the remote side";
    case FLOE_ICE_REASON_UNREACHABLE:
        return "the network returned what was sent, or this machine did not send it";
    case FLOE_ICE_REASON_RELAY_REFUSES:
        return "the relay's server refuses to send to the remote side";
    case FLOE_ICE_REASON_REFUSED:
        return "the remote side refuses this side's checks, or its answers cannot be used";
    case FLOE_ICE_REASON_CONSENT:
        return "it has worked, and the remote side answers no more";
    default:
        return "";
    }
}

static bool has_relay(const floe_ice *ice)
{
    bool found = false;

    FLOE_LIST_EACH(base, &ice->bases, floe_ice_base, link)
    {
        found = found || base->first->type == FLOE_CANDIDATE_TYPE_RELAY;
    }
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        found = found || remote->type == FLOE_CANDIDATE_TYPE_RELAY;
    }
    return found;
}

static const char *advice_for(const floe_ice *ice, floe_ice_reason reason)
{
    switch (reason) {
    case FLOE_ICE_REASON_NO_REMOTE_CANDIDATE:
        return ice->has_refused ? "Look at their addresses: unspecified, multicast and broadcast "
                                  "ones are of no use, loopback ones need options.loopback, and "
                                  "options.remote_filter may refuse more."
                                : "Look at the signalling between the two sides.";
    case FLOE_ICE_REASON_NAMES:
        return "Both sides have to be on one link that lets multicast DNS through.";
    case FLOE_ICE_REASON_NO_LOCAL_CANDIDATE:
        return "Look at the gatherer's candidate errors, its policy and the network.";
    case FLOE_ICE_REASON_NO_PAIR:
        return "Look at the address families and protocols of both; a TURN server has both "
               "families.";
    case FLOE_ICE_REASON_CREDENTIALS:
        return "Has each side been given those of the other's latest restart?";
    case FLOE_ICE_REASON_ONE_WAY:
    case FLOE_ICE_REASON_SILENCE:
        return has_relay(ice)
                   ? "Have both sides each other's present parameters and candidates, and does "
                     "the TURN server reach the remote side? A firewall may block UDP: then "
                     "turns: over TCP helps."
                   : "Have both sides each other's present parameters and candidates? If so, a "
                     "NAT or firewall is between them: a TURN server helps.";
    case FLOE_ICE_REASON_UNREACHABLE:
        return "Does the remote side still run? Look at routes, and at firewalls here and there.";
    case FLOE_ICE_REASON_RELAY_REFUSES:
        return "Look at which peers the TURN server allows.";
    case FLOE_ICE_REASON_REFUSED:
        return "Look at the remote side.";
    case FLOE_ICE_REASON_CONSENT:
        return "Has it ended, or has its network? A restart may find another way.";
    default:
        return "";
    }
}

/* "6 pairs: 4 timed out, 2 unreachable". */
static void put_pairs(sentence *text, const floe_ice *ice, const evidence *found)
{
    static const char *const words[] = {
        [FLOE_ICE_FAILURE_TIMEOUT] = "timed out",
        [FLOE_ICE_FAILURE_UNREACHABLE] = "unreachable",
        [FLOE_ICE_FAILURE_NOT_SYMMETRIC] = "answered from or to another address",
        [FLOE_ICE_FAILURE_ERROR_CODE] = "answered with an error",
        [FLOE_ICE_FAILURE_BAD_ANSWER] = "answered with what cannot be used",
        [FLOE_ICE_FAILURE_RELAY_REFUSES] = "refused by a relay's server",
        [FLOE_ICE_FAILURE_TOO_MANY_CHECKS] = "given up after 50 checks",
        [FLOE_ICE_FAILURE_ROLES] = "without agreement on roles",
        [FLOE_ICE_FAILURE_CONSENT] = "without consent",
    };
    size_t open = ice->pair_count - found->failed;
    const char *comma = ": ";

    put(text, "%zu pair%s", ice->pair_count, ice->pair_count == 1 ? "" : "s");
    for (size_t i = 1; i < sizeof words / sizeof *words; i++) {
        if (found->ended[i] > 0) {
            put(text, "%s%zu %s", comma, found->ended[i], words[i]);
            comma = ", ";
        }
        if (i == FLOE_ICE_FAILURE_ERROR_CODE && found->ended[i] > 0 && found->code != 0) {
            put(text, " (%u)", found->code);
        }
    }
    if (open > 0) {
        put(text, "%s%zu still to be checked", comma, open);
    }
}

static void put_use(sentence *text, const floe_ice *ice, const floe_candidate_pair *pair)
{
    char address[FLOE_ADDRESS_TEXT_SIZE];

    put(text, "Data goes from a %s candidate to %s (%s)",
        floe_candidate_type_name(floe_ice_pair_local_type(pair)),
        floe_address_text(&pair->remote->address, address),
        floe_candidate_type_name((floe_candidate_type)pair->remote->type));
    if (pair->silent) {
        put(text, ", but nothing has come from there for a while");
    } else if (floe_ice_told_as_chosen(ice) == NULL) {
        put(text, ", and no pair is chosen yet");
    }
    put(text, ".");
}

static void put_reason(sentence *text, const floe_ice *ice)
{
    evidence found = evidence_of(ice);
    floe_ice_reason reason = reason_of(ice, &found);

    put(text, "No connection%s", ice->state == FLOE_ICE_STATE_FAILED ? "" : " yet");
    if (reason != FLOE_ICE_REASON_NONE) {
        put(text, ": %s", sentence_for(ice, reason));
    }
    if (ice->looking_up > 0) {
        put(text, ", names are looked up");
    }
    if (reason == FLOE_ICE_REASON_CREDENTIALS) {
        put(text, "; %u checks and %u answers of the remote side could not be believed",
            ice->strange_checks, ice->strange_answers);
    }
    put(text, " (");
    put_pairs(text, ice, &found);
    put(text, ").%s%s", reason != FLOE_ICE_REASON_NONE ? " " : "", advice_for(ice, reason));
}

floe_error floe_ice_explain(const floe_ice *ice, char *to, size_t size)
{
    sentence text = {to, size, 0};

    if (ice == NULL || to == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_explain: NULL");
    }
    if (ice->state == FLOE_ICE_STATE_CLOSED) {
        put(&text, "The agent is closed.");
    } else if (floe_ice_in_use(ice) != NULL) {
        put_use(&text, ice, floe_ice_in_use(ice));
    } else if (ice->session == NULL) {
        put(&text, "The agent has not been started: the remote side's parameters are missing.");
    } else {
        put_reason(&text, ice);
    }
    return result(&text);
}

/* ── A pair ── */

static const char *end_of(const floe_ice_pair *pair)
{
    switch (pair->failure) {
    case FLOE_ICE_FAILURE_TIMEOUT:
        return pair->requests_received > 0
                   ? "no answer came, though the remote side's checks did: is what this side sends "
                     "blocked?"
                   : "no answer came: a NAT or firewall may be between them, or the remote side "
                     "does not know of this side";
    case FLOE_ICE_FAILURE_UNREACHABLE:
        return "the network returned the checks (ICMP, or the connection was refused), or this "
               "machine did not send them";
    case FLOE_ICE_FAILURE_NOT_SYMMETRIC:
        return "the answer came from another address, or to another one, than the check: a NAT "
               "between them is unusual";
    case FLOE_ICE_FAILURE_ERROR_CODE:
        return "the remote side refuses the check";
    case FLOE_ICE_FAILURE_BAD_ANSWER:
        return "the answer cannot be understood";
    case FLOE_ICE_FAILURE_RELAY_REFUSES:
        return "the relay's server does not allow this peer";
    case FLOE_ICE_FAILURE_TOO_MANY_CHECKS:
        return "the address got 50 checks and answered none";
    case FLOE_ICE_FAILURE_ROLES:
        return "the two sides do not agree on who controls";
    case FLOE_ICE_FAILURE_CONSENT:
        return "it has worked, and the remote side answers no more, or wants nothing more";
    default:
        return "it has failed";
    }
}

static const char *standing_of(const floe_ice_pair *pair)
{
    switch (pair->state) {
    case FLOE_ICE_PAIR_FROZEN:
        return "it waits for the check of a similar pair";
    case FLOE_ICE_PAIR_WAITING:
        return "it is to be checked";
    case FLOE_ICE_PAIR_IN_PROGRESS:
        return "it is being checked";
    case FLOE_ICE_PAIR_SUCCEEDED:
        return pair->selected    ? "it works, and is chosen"
               : pair->nominated ? "it works, and was nominated"
               : pair->valid     ? "it works"
                                 : "it has worked, and is checked again when it is needed";
    case FLOE_ICE_PAIR_FAILED:
        break;
    }
    return end_of(pair);
}

floe_error floe_ice_explain_pair(const floe_ice_pair *pair, char *to, size_t size)
{
    sentence text = {to, size, 0};
    char address[FLOE_ADDRESS_TEXT_SIZE];

    if (pair == NULL || to == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_explain_pair: NULL");
    }
    put(&text, "From ");
    if (pair->local != NULL) {
        put(&text, "%s %u ", pair->local->address, pair->local->port);
    }
    put(&text, "(%s) to %s (%s)%s: %s", floe_candidate_type_name(pair->local_type),
        floe_address_text(&pair->remote_address, address),
        floe_candidate_type_name(pair->remote_type),
        pair->local != NULL && pair->local->protocol == FLOE_PROTOCOL_TCP ? " by TCP" : "",
        standing_of(pair));
    if (pair->error_code != 0) {
        put(&text, " (error %u)", pair->error_code);
    }
    put(&text, ".");
    return result(&text);
}

/* The client transaction: RFC 8489 §6.2.1's retransmission, §6.3's and §9.2.5's matching. */
#include "stun/transaction.h"

#include "base/address.h"

floe_duration floe_stun_transaction_lasts(floe_duration rto)
{
    return floe_duration_times(rto, (1U << (FLOE_STUN_RC - 1)) - 1U + FLOE_STUN_RM);
}

static floe_duration rto_of(const floe_stun_transaction *transaction)
{
    return (floe_duration){transaction->rto * UINT64_C(1000)};
}

floe_error floe_stun_transaction_start(floe_stun_transaction *transaction, floe_time now,
                                       uint16_t method, floe_duration rto, bool reliable,
                                       const floe_random *random)
{
    floe_error error =
        floe_random_fill(random, transaction->id.bytes, sizeof transaction->id.bytes);

    if (error != FLOE_OK) {
        floe_stun_transaction_stop(transaction);
        return error;
    }
    transaction->method = method;
    transaction->sends = 1;
    transaction->reliable = reliable;
    transaction->started = now;
    transaction->rto = (uint32_t)(rto.ns / 1000);
    transaction->dropped = FLOE_STUN_BELIEVED;
    transaction->dropped_code = 0;
    transaction->answered = false;
    transaction->due = floe_time_after(now, reliable ? floe_stun_transaction_lasts(rto) : rto);
    return FLOE_OK;
}

void floe_stun_transaction_rename(floe_stun_transaction *transaction, const floe_random *random)
{
    floe_stun_id id;

    if (floe_random_fill(random, id.bytes, sizeof id.bytes) == FLOE_OK) {
        transaction->id = id;
        transaction->answered = false;
    }
}

void floe_stun_transaction_leaves(floe_stun_transaction *transaction, floe_time now)
{
    if (floe_stun_transaction_runs(transaction) && transaction->reliable &&
        transaction->due.ns > transaction->started.ns) { /* else it has been forged, and ends */
        transaction->due = floe_time_after(now, floe_stun_transaction_lasts(rto_of(transaction)));
    }
}

void floe_stun_transaction_hurry(floe_stun_transaction *transaction, floe_time when)
{
    if (floe_stun_transaction_runs(transaction)) {
        transaction->due = floe_time_min(transaction->due, when);
    }
}

void floe_stun_transaction_stop(floe_stun_transaction *transaction)
{
    transaction->sends = 0;
    transaction->due = FLOE_TIME_NEVER;
}

/* Each wait is twice the one before: 1, 2, 4 … times the RTO; the last is Rm times. */
static floe_duration wait_after(const floe_stun_transaction *transaction, unsigned sends)
{
    unsigned factor = sends == FLOE_STUN_RC ? FLOE_STUN_RM : 1U << (sends - 1);

    return floe_duration_times(rto_of(transaction), factor);
}

floe_duration floe_stun_transaction_waited(const floe_stun_transaction *transaction, floe_time now)
{
    if (!floe_stun_transaction_runs(transaction)) {
        return floe_seconds(0);
    }
    unsigned sends = transaction->sends;
    floe_duration latest = wait_after(transaction, sends);
    floe_duration left = floe_time_since(transaction->due, now);
    uint64_t waits = (1U << (sends - 1)) - 1U;
    uint64_t since = latest.ns > left.ns ? latest.ns - left.ns : 0;

    return (floe_duration){floe_duration_times(rto_of(transaction), waits).ns + since};
}

floe_stun_due floe_stun_transaction_time(floe_stun_transaction *transaction, floe_time now)
{
    if (!floe_stun_transaction_runs(transaction) || !floe_time_reached(now, transaction->due)) {
        return FLOE_STUN_WAIT;
    }
    if (transaction->reliable || transaction->sends == FLOE_STUN_RC) {
        floe_stun_transaction_stop(transaction);
        return FLOE_STUN_GIVE_UP;
    }
    /* A late wake-up moves what follows, so that two sends never come closer than the rule asks. */
    transaction->sends++;
    transaction->due = floe_time_after(now, wait_after(transaction, transaction->sends));
    return FLOE_STUN_SEND_AGAIN;
}

/* Errors that a server gives before it can know the key: the challenges; and 437 and 441 to an
 * Allocate, of which coturn (and Pion, of all its errors) says so before it has looked at the
 * signature, against RFC 8656 §5. To believe that costs a try from another port; not to, the relay,
 * for as long as what stands on the 5-tuple lives: ten minutes, behind each outage in which it was
 * lost to us. */
static bool may_be_unsigned(const floe_stun_message *message)
{
    uint16_t code;
    floe_span reason;

    return message->class == FLOE_STUN_ERROR && floe_stun_read_error(message, &code, &reason) &&
           (code == 401 || code == 438 ||
            ((code == 437 || code == 441) && message->method == FLOE_STUN_ALLOCATE));
}

/* §9.2.5: by a challenge no request is signed anew, and any other answer is as none. */
static bool is_bid_down(const floe_stun_message *message)
{
    floe_span nonce;

    return floe_stun_find(message, FLOE_STUN_NONCE, &nonce) &&
           (floe_stun_nonce_features(nonce) & FLOE_STUN_FEATURE_PASSWORD_ALGORITHMS) != 0 &&
           !floe_stun_has(message, FLOE_STUN_PASSWORD_ALGORITHMS);
}

static floe_stun_match match_integrity(const floe_stun_message *message, const floe_stun_key *key)
{
    bool good = false;

    if (message->integrity_sha256_at != 0) {
        good = floe_stun_check_integrity_sha256(message, key->sha256);
    } else if (message->integrity_at != 0) {
        good = floe_stun_check_integrity(message, key->sha1);
    } else {
        return may_be_unsigned(message) ? FLOE_STUN_BELIEVED : FLOE_STUN_NO_INTEGRITY;
    }
    /* A 401 or 438 may be signed with another realm's key: its code cannot be checked. */
    return good || may_be_unsigned(message) ? FLOE_STUN_BELIEVED : FLOE_STUN_BAD_INTEGRITY;
}

/* §9.2.5: "If the request was sent over a reliable transport, the response MUST be discarded, and
 * the layer MUST immediately end the transaction"; but an unsigned 400, and a bid down that is no
 * challenge, are as if they "were never received". */
static bool ends_it(floe_stun_match match, uint16_t code)
{
    return match == FLOE_STUN_BAD_INTEGRITY || (match == FLOE_STUN_NO_INTEGRITY && code != 400) ||
           (match == FLOE_STUN_BID_DOWN && (code == 401 || code == 438));
}

floe_stun_match floe_stun_transaction_match(floe_stun_transaction *transaction,
                                            const floe_stun_message *message,
                                            const floe_address *source, const floe_address *server,
                                            const floe_stun_key *key)
{
    bool response = message->class == FLOE_STUN_SUCCESS || message->class == FLOE_STUN_ERROR;
    floe_stun_match match = FLOE_STUN_BELIEVED;
    floe_span reason;

    if (!floe_stun_transaction_runs(transaction) || !response ||
        message->method != transaction->method ||
        !floe_stun_id_equal(&message->id, &transaction->id)) {
        return FLOE_STUN_NOT_MINE;
    }
    if (!floe_address_equal(source, server)) {
        match = FLOE_STUN_WRONG_SOURCE;
    } else if ((key != NULL || message->class == FLOE_STUN_ERROR) && is_bid_down(message)) {
        match = FLOE_STUN_BID_DOWN;
    } else if (key != NULL) {
        match = match_integrity(message, key);
    }
    if (match != FLOE_STUN_BELIEVED) {
        transaction->dropped = match & 7U;
        if (message->class == FLOE_STUN_SUCCESS ||
            !floe_stun_read_error(message, &transaction->dropped_code, &reason)) {
            transaction->dropped_code = 0;
        }
        if (transaction->reliable && ends_it(match, transaction->dropped_code)) {
            transaction->due = (floe_time){0};
        }
    } else {
        transaction->answered = true;
    }
    return match;
}

/* The TURN allocation's state machine (RFC 8656 §7, §8; RFC 8489 §9.2). */
#include "turn/allocation.h"

#include "base/address.h"
#include "base/memory.h"
#include "turn/peer.h"

#include <stdio.h>
#include <string.h>

#define TRANSPORT_UDP 17
#define TRANSPORT_TCP 6
#define EVEN_AND_NEXT 0x80 /* RFC 8656 §18.7: the R bit */
#define FAMILY_IPV6 2      /* RFC 8656 §18.6 */
#define DEFAULT_LIFETIME 600U
#define TEXT_SIZE 96U /* of what a server says of itself, or of its reasons */
#define SOFTWARE_SIZE 64U
/* A 401 with another nonce is tried once more (T2: the same nonce ends it at once). */
#define REFUSED_IN_ALL 1
/* When a Refresh that was refused is sent again: of a 5xx, as often as a relay is asked about by
 * itself; of another, which may say that the allocation is gone, within T7b's 20 s. Sooner towards
 * the end of the lifetime. */
#define TROUBLE_PAUSE floe_seconds(15)
#define REFUSAL_PAUSE floe_seconds(2)
#define MOVES_SOON floe_seconds(45) /* since it was granted */
#define LEAST_PAUSE floe_seconds(1)
/* What came by the relay so lately says that it stands, though no Refresh is answered so that it can
 * be believed (Pion's refusals are unsigned). */
#define HEARD_WITHIN floe_seconds(20)
#define SERVER_ERROR 500U
/* There are servers (node-turn) that drop an Allocate with an attribute that they do not know,
 * though it is one to be ignored: from this send on one that had no answer goes without wishes. It
 * is the last for which a gathering has time (3.5 s of 5). */
#define SEND_WITHOUT_WISHES 4

const char floe_turn_no_memory[] = "out of memory";

void floe_turn_allocation_init(floe_turn_allocation *allocation, floe_turn_account *account,
                               const floe_address *server, floe_duration rto, bool reliable,
                               const floe_turn_wishes *wishes)
{
    *allocation = (floe_turn_allocation){
        .account = floe_turn_account_share(account),
        .server = *server,
        .rto = rto,
        .reliable = reliable,
        .wishes = *wishes,
        .state = FLOE_TURN_NEW,
        .resume = FLOE_TIME_NEVER,
        .refresh = FLOE_TIME_NEVER,
        .verdict = FLOE_TIME_NEVER,
    };
    floe_stun_transaction_stop(&allocation->transaction);
}

void floe_turn_allocation_wish_as(floe_turn_allocation *allocation,
                                  const floe_turn_allocation *before)
{
    allocation->wishes = before->wishes;
    allocation->other_family = before->other_family;
    allocation->one_at_a_time = before->one_at_a_time;
    allocation->refused_wish = before->refused_wish;
    allocation->plain = before->plain;
}

static void drop_nonce(floe_turn_allocation *allocation)
{
    floe_turn_realm_release(allocation->realm);
    floe_deallocate(allocation->account->allocator, allocation->nonce);
    allocation->realm = NULL;
    allocation->bare = false;
    allocation->nonce = NULL;
    allocation->nonce_size = 0;
}

/* By which the request at hand is signed; NULL: it goes unsigned. */
static const floe_turn_realm *signed_by(const floe_turn_allocation *allocation)
{
    bool bare = allocation->bare && allocation->request != FLOE_TURN_REQUEST_RELEASE;

    return bare ? NULL : allocation->realm;
}

void floe_turn_allocation_free(floe_turn_allocation *allocation)
{
    floe_turn_peers_free(allocation);
    floe_deallocate(allocation->account->allocator, allocation->relayed_too);
    floe_deallocate(allocation->account->allocator, allocation->alternate);
    floe_deallocate(allocation->account->allocator, allocation->ticket);
    floe_deallocate(allocation->account->allocator, allocation->failure.reason);
    floe_deallocate(allocation->account->allocator, allocation->software);
    floe_turn_realm_release(allocation->proven);
    drop_nonce(allocation);
    floe_turn_account_release(allocation->account);
}

static bool take_nonce(floe_turn_allocation *allocation, floe_turn_realm *realm, floe_span nonce)
{
    char *copy = floe_copy_text(allocation->account->allocator, nonce.data, nonce.size);

    if (copy == NULL) {
        return false;
    }
    (void)floe_turn_realm_share(realm);
    drop_nonce(allocation);
    allocation->realm = realm;
    allocation->nonce = copy;
    allocation->nonce_size = (uint16_t)nonce.size;
    allocation->signature++;
    return true;
}

/* Nothing that was said of it counts any more. Of an Allocate that was sent more than once the first may have
 * been granted, and the answer lost: whatever was said to the last (438, as its nonce has expired meanwhile, or
 * 437, as there is one now), what it made is ours. */
static void stop_request(floe_turn_allocation *allocation)
{
    allocation->inherits |= allocation->repeated;
    allocation->repeated = false;
    floe_stun_transaction_stop(&allocation->transaction);
    allocation->verdict = FLOE_TIME_NEVER;
}

static void want(floe_turn_allocation *allocation, floe_turn_request request)
{
    stop_request(allocation);
    allocation->request = (uint8_t)request;
    allocation->wants = true;
}

/* What somebody else has written, as far as it can be shown. */
static void keep_text(const floe_turn_allocation *allocation, char **kept, floe_span text,
                      size_t size)
{
    const floe_allocator *allocator = allocation->account->allocator;
    char shown[TEXT_SIZE];
    char *copy = NULL;

    floe_stun_copy_reason(text, shown, size);
    if (*shown != '\0') {
        copy = floe_copy_text(allocator, shown, strlen(shown));
    }
    floe_deallocate(allocator, *kept);
    *kept = copy;
}

/* Failures. */

static floe_span reason_of(const floe_turn_failure *failure)
{
    return failure->reason != NULL ? floe_span_text(failure->reason) : (floe_span){0};
}

static void set_failure(floe_turn_allocation *allocation, floe_turn_failure_kind kind,
                        uint16_t code, floe_span reason)
{
    allocation->failure.kind = kind;
    allocation->failure.code = code;
    keep_text(allocation, &allocation->failure.reason, reason, TEXT_SIZE);
}

/* Nothing is known of the server but what the account has. False without memory. */
static bool sign_anew(floe_turn_allocation *allocation)
{
    const floe_turn_account *account = allocation->account;

    floe_turn_realm_release(allocation->proven);
    drop_nonce(allocation);
    allocation->proven = NULL;
    allocation->remembered = false;
    allocation->signature++;
    allocation->stale = allocation->refused = 0;
    if (!floe_turn_account_worth_signing(account)) {
        return true;
    }
    allocation->remembered = true;
    allocation->remembered_n = account->learned;
    return take_nonce(allocation, account->realm,
                      floe_span_of(account->nonce, account->nonce_size));
}

/* The one place where the machine ends. */
static floe_turn_event end(floe_turn_allocation *allocation, floe_turn_failure_kind kind,
                           uint16_t code, floe_span reason)
{
    bool allocated = allocation->state == FLOE_TURN_ALLOCATED;

    set_failure(allocation, kind, code, reason);
    allocation->state = FLOE_TURN_ENDED;
    allocation->wants = false;
    allocation->resume = allocation->refresh = FLOE_TIME_NEVER;
    stop_request(allocation);
    return allocated ? FLOE_TURN_LOST : FLOE_TURN_FAILED;
}

static floe_turn_event bad_answer(floe_turn_allocation *allocation, uint16_t code, const char *why)
{
    return end(allocation, FLOE_TURN_FAILURE_BAD_ANSWER, code, floe_span_text(why));
}

static floe_turn_event local_failure(floe_turn_allocation *allocation)
{
    return end(allocation, FLOE_TURN_FAILURE_LOCAL, 0, floe_span_text(floe_turn_no_memory));
}

/* Requests. */

floe_turn_event floe_turn_allocation_begin(floe_turn_allocation *allocation, floe_time now)
{
    uint16_t method =
        allocation->request == FLOE_TURN_REQUEST_ALLOCATE ? FLOE_STUN_ALLOCATE : FLOE_STUN_REFRESH;

    allocation->wants = allocation->refuses_wishes = false;
    if (floe_stun_transaction_start(&allocation->transaction, now, method, allocation->rto,
                                    allocation->reliable, allocation->account->random) != FLOE_OK) {
        return local_failure(allocation);
    }
    return FLOE_TURN_SEND;
}

/* T5. IPv4 is what a server gives by itself; the draft's number of ADDITIONAL-ADDRESS-FAMILY is the
 * one that deployed servers know. A reserved port has its family, and an even one can be of one
 * only (RFC 8656 §7.2). */
static void put_families(const floe_turn_wishes *wishes, floe_stun_writer *writer)
{
    if (wishes->reserved) {
        return;
    }
    if (wishes->families == FLOE_TURN_IPV6) {
        floe_stun_put_u8_reserved(writer, FLOE_STUN_REQUESTED_ADDRESS_FAMILY, FAMILY_IPV6);
    } else if (wishes->families == (FLOE_TURN_IPV4 | FLOE_TURN_IPV6) && !wishes->even_port) {
        floe_stun_put_u8_reserved(writer, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY, FAMILY_IPV6);
        floe_stun_put_u8_reserved(writer, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY_DRAFT, FAMILY_IPV6);
    }
}

static void put_wishes(const floe_turn_wishes *wishes, floe_stun_writer *writer)
{
    floe_stun_put_u8_reserved(writer, FLOE_STUN_REQUESTED_TRANSPORT,
                              wishes->tcp ? TRANSPORT_TCP : TRANSPORT_UDP);
    put_families(wishes, writer);
    if (wishes->reserved) {
        floe_stun_put(writer, FLOE_STUN_RESERVATION_TOKEN,
                      floe_span_of(wishes->reservation, sizeof wishes->reservation));
    } else if (wishes->even_port) {
        floe_stun_put_u8(writer, FLOE_STUN_EVEN_PORT, EVEN_AND_NEXT);
    }
    if (wishes->dont_fragment) {
        floe_stun_put(writer, FLOE_STUN_DONT_FRAGMENT, (floe_span){0});
    }
    if (wishes->mobile) {
        floe_stun_put(writer, FLOE_STUN_MOBILITY_TICKET, (floe_span){0});
    }
}

/* RFC 8489 §9.2.3. */
void floe_turn_allocation_sign(const floe_turn_allocation *allocation,
                               floe_stun_transaction *transaction, floe_stun_writer *writer)
{
    const floe_turn_realm *realm = signed_by(allocation);
    const floe_turn_token *token = allocation->account->token;

    transaction->signature = allocation->signature;
    if (realm == NULL) {
        return;
    }
    if (realm->security.anonymous) {
        floe_stun_put(writer, FLOE_STUN_USERHASH,
                      floe_span_of(realm->userhash, sizeof realm->userhash));
    } else {
        floe_stun_put(writer, FLOE_STUN_USERNAME, floe_span_text(allocation->account->username));
    }
    floe_stun_put(writer, FLOE_STUN_REALM, floe_span_of(realm->name, realm->size));
    floe_stun_put(writer, FLOE_STUN_NONCE, floe_span_of(allocation->nonce, allocation->nonce_size));
    if (token != NULL) {
        floe_stun_put(writer, FLOE_STUN_ACCESS_TOKEN, floe_span_of(token->bytes, token->size));
    }
    if (realm->security.algorithms.size == 0) {
        floe_stun_put_integrity(writer, realm->key->sha1);
        return;
    }
    uint16_t algorithm = (uint16_t)realm->security.algorithm;
    floe_stun_put(writer, FLOE_STUN_PASSWORD_ALGORITHMS, realm->security.algorithms);
    floe_stun_put_password_algorithms(writer, FLOE_STUN_PASSWORD_ALGORITHM, &algorithm, 1);
    floe_stun_put_integrity_sha256(writer, realm->key->sha256);
}

/* RFC 8016 §3.2.1: from another address, be it to keep the allocation or to delete it. */
static void put_ticket(const floe_turn_allocation *allocation, floe_stun_writer *writer)
{
    floe_stun_put(writer, FLOE_STUN_MOBILITY_TICKET,
                  floe_span_of(allocation->ticket, allocation->ticket_size));
}

floe_stun_writer floe_turn_allocation_write_to(const floe_turn_allocation *allocation,
                                               floe_stun_transaction *transaction, void *buffer,
                                               size_t size)
{
    if (transaction->sends > 1 && transaction->signature != allocation->signature) {
        floe_stun_transaction_rename(transaction, allocation->account->random);
    }
    return floe_stun_begin(buffer, size, FLOE_STUN_REQUEST, transaction->method, &transaction->id);
}

floe_span floe_turn_allocation_write(floe_turn_allocation *allocation, void *buffer, size_t size)
{
    floe_stun_writer writer =
        floe_turn_allocation_write_to(allocation, &allocation->transaction, buffer, size);

    if (allocation->request == FLOE_TURN_REQUEST_ALLOCATE) {
        put_wishes(&allocation->wishes, &writer);
    } else if (allocation->request == FLOE_TURN_REQUEST_REFRESH && allocation->moving) {
        put_ticket(allocation, &writer);
    } else if (allocation->request != FLOE_TURN_REQUEST_REFRESH) {
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 0);
        if (allocation->request == FLOE_TURN_REQUEST_RELEASE && allocation->moving) {
            put_ticket(allocation, &writer); /* the server may know us by our old address alone */
        }
    }
    floe_turn_allocation_sign(allocation, &allocation->transaction, &writer);
    return floe_stun_written(&writer);
}

/* Answers. */

/* RFC 8656 §6: of both MD5 and SHA-256 the latter, whatever their order; RFC 8489 §9.2.5 would have
 * the first. False: none that we know. */
static bool choose_algorithm(floe_span offered, floe_stun_password_algorithm *chosen)
{
    uint16_t algorithm;
    floe_span parameters;
    bool found = false;
    size_t at = 0;

    while (floe_stun_next_password_algorithm(offered, &at, &algorithm, &parameters)) {
        if (algorithm == FLOE_STUN_PASSWORD_SHA256 ||
            (algorithm == FLOE_STUN_PASSWORD_MD5 && !found)) {
            *chosen = (floe_stun_password_algorithm)algorithm;
            found = true;
        }
    }
    return found;
}

/* RFC 8489 §9.2.5: what the server offers goes back as it is, by whatever nonce. What the nonce says is
 * offered is there, or the message was not believed (T3). NULL: it is good. */
static const char *read_security(const floe_stun_message *message, floe_span nonce,
                                 floe_turn_security *security)
{
    uint32_t features = floe_stun_nonce_features(nonce);

    *security = (floe_turn_security){
        .algorithm = FLOE_STUN_PASSWORD_MD5,
        .anonymous = (features & FLOE_STUN_FEATURE_USERNAME_ANONYMITY) != 0,
    };
    if (!floe_stun_find(message, FLOE_STUN_PASSWORD_ALGORITHMS, &security->algorithms)) {
        security->algorithms = (floe_span){0};
        return NULL;
    }
    if (security->algorithms.size > FLOE_TURN_ALGORITHMS_MAX) {
        return "it names too many algorithms for passwords: no request has room to repeat them";
    }
    return choose_algorithm(security->algorithms, &security->algorithm)
               ? NULL
               : "it takes passwords by unknown algorithms only";
}

/* The realm that a challenge names, with a reference. NULL: `why` says. */
static floe_turn_realm *realm_of(const floe_turn_allocation *allocation,
                                 const floe_stun_message *message, floe_span nonce,
                                 const char **why)
{
    floe_turn_security security;
    floe_turn_realm *realm = NULL;
    floe_span name;

    *why = read_security(message, nonce, &security);
    if (*why != NULL) {
        return NULL;
    }
    if (!floe_stun_find(message, FLOE_STUN_REALM, &name)) {
        if (signed_by(allocation) == NULL || floe_stun_holds(message, FLOE_STUN_REALM)) {
            *why = "the challenge has no good REALM";
            return NULL;
        }
        name = floe_span_of(allocation->realm->name, allocation->realm->size);
    }
    if (floe_turn_account_realm(allocation->account, name, &security, &realm) != FLOE_OK) {
        *why = floe_turn_no_memory;
        return NULL;
    }
    return realm;
}

static bool is_same_realm(const floe_turn_realm *one, const floe_turn_realm *other)
{
    return other != NULL &&
           floe_turn_realm_is(other, floe_span_of(one->name, one->size), &one->security);
}

/* RFC 8489 §9.2.5: who has once named algorithms, or wanted no user name in clear, does so in each
 * challenge; one that does not is not believed. What nobody has signed proves neither. */
static bool is_weaker(const floe_turn_realm *one, const floe_turn_realm *than)
{
    return (one->security.algorithms.size == 0 && than->security.algorithms.size > 0) ||
           (!one->security.anonymous && than->security.anonymous);
}

const char *floe_turn_allocation_learn(floe_turn_allocation *allocation,
                                       const floe_stun_message *message, bool *same)
{
    const char *why = NULL;
    floe_span nonce;

    if (!floe_stun_find(message, FLOE_STUN_NONCE, &nonce)) {
        return "the challenge has no good NONCE";
    }
    floe_turn_realm *realm = realm_of(allocation, message, nonce, &why);
    if (realm == NULL) {
        return why;
    }
    if (allocation->proven != NULL && is_weaker(realm, allocation->proven)) {
        floe_turn_realm_release(realm);
        return "it asks for less security than the server has asked for: somebody on the way may "
               "have changed it";
    }
    *same = is_same_realm(realm, allocation->realm) &&
            floe_span_equal(nonce, floe_span_of(allocation->nonce, allocation->nonce_size));
    bool learned = take_nonce(allocation, realm, nonce);
    floe_turn_account_learn(allocation->account, realm, nonce);
    floe_turn_realm_release(realm);
    return learned ? NULL : floe_turn_no_memory;
}

bool floe_turn_allocation_answers(floe_turn_allocation *allocation,
                                  const floe_stun_transaction *transaction, uint16_t code,
                                  const floe_stun_message *message, uint8_t *challenges)
{
    /* Another request has learned a newer one meanwhile: this one says nothing of that. */
    bool outdated = transaction->signature != allocation->signature;
    bool same = false;
    uint16_t unknown;

    return (code == 401 || code == 438) && floe_stun_unknown_required(message, &unknown, 1) == 0 &&
           floe_turn_allocation_learn(allocation, message, &same) == NULL &&
           !(same && !outdated && code == 401) && ++*challenges <= FLOE_TURN_STALE_IN_A_ROW;
}

bool floe_turn_speaks_of_the_peer(uint16_t code)
{
    return code == 403 || code == 443 || code == 446 || code == 447;
}

/* As long as a permission is kept before it is renewed (T7). */
#define REFUSED_FOR floe_seconds(240)
#define RETRY_AFTER_SECONDS 5U
#define RETRIES_DOUBLE 6U

floe_turn_event floe_turn_allocation_refused(floe_turn_allocation *allocation, uint16_t code)
{
    if (code == 437 && allocation->affirmed) {
        return floe_turn_allocation_lost(allocation, code, floe_span_text("no such allocation"));
    }
    allocation->denied |= code == 437;
    return FLOE_TURN_DOUBT;
}

bool floe_turn_refuses_peer(uint16_t code)
{
    return code == 403 || code == 443;
}

floe_duration floe_turn_pause_after(uint16_t code, uint8_t *failures)
{
    floe_duration pause = floe_seconds(RETRY_AFTER_SECONDS << *failures);

    *failures = (uint8_t)(*failures + (*failures < RETRIES_DOUBLE));
    return floe_turn_refuses_peer(code) || pause.ns > REFUSED_FOR.ns ? REFUSED_FOR : pause;
}

/* A peer's request was told that it is gone, and no Refresh has been granted since. */
static bool is_denied(const floe_turn_allocation *allocation)
{
    return allocation->denied && !allocation->affirmed;
}

/* RFC 8656 §8.3: 437 alone says that the allocation is gone, and to a peer's request it says so as
 * well (§5). Another error says that the Refresh was not granted: what stands goes on and is asked
 * again, of a 5xx, which is the server's trouble, for as long as the lifetime lasts (RFC 8489
 * §6.3.4), and for half a minute soon while it moves, as nothing comes by it before; of another
 * once. */
static bool goes_on(floe_turn_allocation *allocation, floe_time now, uint16_t code)
{
    bool trouble = code / 100 == 5;
    bool may = allocation->state == FLOE_TURN_ALLOCATED && code != 437 && !is_denied(allocation) &&
               (trouble || (!allocation->refused_before && !allocation->moving));
    floe_time if_granted = floe_time_after(now, floe_seconds(allocation->lifetime));
    bool soon =
        allocation->moving && floe_time_since(if_granted, allocation->expires).ns < MOVES_SOON.ns;
    floe_duration pause = trouble && !soon ? TROUBLE_PAUSE : REFUSAL_PAUSE;
    uint64_t half = floe_time_since(allocation->expires, now).ns / 2;

    pause.ns = pause.ns < half ? pause.ns : half;
    if (!may || pause.ns < LEAST_PAUSE.ns) {
        return false;
    }
    allocation->refused_before = allocation->refused_before || !trouble;
    allocation->second_try = !trouble;
    allocation->paused_once = false;
    allocation->stale = allocation->refused = 0;
    allocation->silent = (floe_duration){0};
    allocation->refresh = floe_time_after(now, pause);
    stop_request(allocation);
    return true;
}

/* T6: what stands there is not to be deleted, which says nothing of an Allocate from another port: that is what
 * is told of it, or that it is another user's. A server in trouble is asked again. */
static floe_turn_event refused_to_clear(floe_turn_allocation *allocation, uint16_t code,
                                        floe_span reason)
{
    bool of_another_user = code == 441;

    if (code / 100 == 5) {
        return end(allocation, FLOE_TURN_FAILURE_ERROR_RESPONSE, code, reason);
    }
    if (of_another_user) {
        allocation->inherits = allocation->made = false;
    }
    (void)end(allocation, FLOE_TURN_FAILURE_ERROR_RESPONSE, of_another_user ? code : 437,
              of_another_user ? reason : (floe_span){0});
    return FLOE_TURN_MISMATCH;
}

/* An error answer that is the end of its request, and unless what stands goes on, of the machine. */
static floe_turn_event refused(floe_turn_allocation *allocation, floe_time now,
                               floe_turn_failure_kind kind, uint16_t code, floe_span reason)
{
    if (allocation->shown && code != 437 && code != 404) {
        allocation->moving = false; /* it may have been good, and the answer lost */
        allocation->shown = code / 100 != 5;
    }
    if (!goes_on(allocation, now, code)) {
        return allocation->request == FLOE_TURN_REQUEST_CLEAR
                   ? refused_to_clear(allocation, code, reason)
                   : end(allocation, kind, code, reason);
    }
    set_failure(allocation, kind, code, reason);
    return FLOE_TURN_REFUSED;
}

/* To an answer, be it to the first of several sends: no longer than it was waited for, behind what nobody
 * had signed even. What goes beyond that is time in which nobody ran. */
static floe_duration measured(const floe_turn_allocation *allocation, floe_time now)
{
    floe_duration took = floe_time_since(now, allocation->transaction.started);
    uint64_t most = floe_stun_transaction_waited(&allocation->transaction, now).ns +
                    allocation->rto.ns + allocation->round_trip.ns;

    return took.ns < most ? took : (floe_duration){most};
}

/* Of several sends the first may be the one that was answered: no more is known of who is further away
 * than a wait. */
static void measure(floe_turn_allocation *allocation, floe_time now)
{
    if (allocation->transaction.sends == 1 || allocation->round_trip.ns == 0) {
        allocation->round_trip = measured(allocation, now);
    }
}

/* What stands is refused by an answer that cannot be known for the server's: anybody on the way may
 * have sent it, and then the server's own comes right behind it. */
static floe_turn_event refused_by_somebody(floe_turn_allocation *allocation, floe_time now,
                                           floe_turn_failure_kind kind, uint16_t code,
                                           floe_span reason)
{
    if (allocation->state != FLOE_TURN_ALLOCATED || signed_by(allocation) == NULL) {
        return refused(allocation, now, kind, code, reason);
    }
    set_failure(allocation, kind, code, reason);
    floe_time heard =
        floe_time_after(floe_time_after(now, allocation->rto), allocation->round_trip);
    allocation->verdict = floe_time_min(allocation->verdict, heard);
    allocation->transaction.due = FLOE_TIME_NEVER; /* it is only listened for */
    return FLOE_TURN_NOTHING;
}

/* RFC 8016 §3.2.1: a NAT may have given us another address, by which the server does not know us. */
static bool may_have_moved(const floe_turn_allocation *allocation)
{
    return allocation->request == FLOE_TURN_REQUEST_REFRESH && !allocation->moving &&
           allocation->ticket != NULL && !allocation->shown;
}

static floe_turn_event show_ticket(floe_turn_allocation *allocation)
{
    floe_turn_allocation_move(allocation);
    allocation->shown = true;
    return FLOE_TURN_PROGRESS;
}

/* Nobody has said otherwise. */
static floe_turn_event believe_refusal(floe_turn_allocation *allocation, floe_time now)
{
    floe_turn_failure failure = allocation->failure;

    if (failure.code == 437 && may_have_moved(allocation)) {
        return show_ticket(allocation);
    }
    return refused(allocation, now, failure.kind, failure.code, reason_of(&failure));
}

/* 401 and 438: the same request goes again, signed with the nonce that came; within bounds. */
static floe_turn_event challenged(floe_turn_allocation *allocation, floe_time now, uint16_t code,
                                  floe_span reason, const floe_stun_message *message)
{
    bool was_signed = signed_by(allocation) != NULL;
    bool first_use = was_signed && allocation->remembered;
    /* A peer's request has learned a newer one meanwhile, which may have spent ours. */
    bool outdated = allocation->transaction.signature != allocation->signature;
    bool same = false;
    const char *why = floe_turn_allocation_learn(allocation, message, &same);

    if (!was_signed) { /* so far away somebody is */
        measure(allocation, now);
    }
    if (why != NULL) {
        return why == floe_turn_no_memory
                   ? local_failure(allocation)
                   : refused_by_somebody(allocation, now, FLOE_TURN_FAILURE_BAD_ANSWER, code,
                                         floe_span_text(why));
    }
    if (first_use) {
        floe_turn_account_judge(allocation->account, false, allocation->remembered_n);
        allocation->remembered = false;
    }
    /* A remembered nonce that fails is normal and counts for nothing. */
    if (was_signed && code == 401 && !first_use && !outdated) {
        allocation->refused++;
    }
    if (code != 438 || first_use) {
        allocation->stale = 0;
    } else if (!outdated) {
        allocation->stale++;
    }
    if (was_signed && code == 401 &&
        ((same && !outdated) || allocation->refused > REFUSED_IN_ALL)) {
        floe_turn_account_unlearn(allocation->account, allocation->account->learned);
        allocation->repeated = allocation->repeated && !same; /* those before were the same bytes */
        return refused_by_somebody(allocation, now, FLOE_TURN_FAILURE_CREDENTIALS, code, reason);
    }
    if (allocation->stale > FLOE_TURN_STALE_IN_A_ROW) {
        return refused_by_somebody(allocation, now, FLOE_TURN_FAILURE_ERROR_RESPONSE, code, reason);
    }
    allocation->has_former = was_signed && allocation->request == FLOE_TURN_REQUEST_REFRESH;
    allocation->former = allocation->transaction.id;
    want(allocation, allocation->request);
    return FLOE_TURN_PROGRESS;
}

/* T7: a minute before its end, or half-way when it is short: before it is over, as RFC 8656 §8 has
 * it, and twice a second at most, as the shortest lifetime that is one is a second. */
static floe_duration refresh_after(uint32_t lifetime)
{
    return lifetime > 120 ? floe_seconds(lifetime - 60)
                          : floe_milliseconds((uint64_t)lifetime * 500U);
}

static void keep_for(floe_turn_allocation *allocation, floe_time now, uint32_t lifetime)
{
    allocation->lifetime = lifetime;
    allocation->refresh = floe_time_after(now, refresh_after(lifetime));
    allocation->expires = floe_time_after(now, floe_seconds(lifetime));
}

static void keep(floe_turn_allocation *allocation, floe_time now, const floe_stun_message *message)
{
    uint32_t lifetime = DEFAULT_LIFETIME;

    (void)floe_stun_read_u32(message, FLOE_STUN_LIFETIME, &lifetime);
    keep_for(allocation, now, lifetime);
    allocation->refused_before = allocation->second_try = allocation->has_former = false;
    allocation->stale = allocation->refused = 0;
    stop_request(allocation);
}

/* Of both families one alone: the first, then the other. */
static bool give_up_family(floe_turn_allocation *allocation)
{
    uint8_t *families = &allocation->wishes.families;

    if (*families == (FLOE_TURN_IPV4 | FLOE_TURN_IPV6)) {
        *families = allocation->wishes.first == FLOE_TURN_IPV6 ? FLOE_TURN_IPV6 : FLOE_TURN_IPV4;
        allocation->other_family = *families ^ (FLOE_TURN_IPV4 | FLOE_TURN_IPV6);
        return true;
    }
    if (allocation->other_family != 0) {
        *families = allocation->other_family;
        allocation->other_family = 0;
        return true;
    }
    return false;
}

/* RFC 8656 §7.2, §7.3: a server that knows the wish for two families gives both, or says why not.
 * Of one that does not, or that was not asked for two beside a port, what it has not given takes an
 * allocation of its own. */
static uint8_t missing_family(const floe_turn_allocation *allocation)
{
    if (allocation->wishes.families == (FLOE_TURN_IPV4 | FLOE_TURN_IPV6) &&
        allocation->family_error == 0 && allocation->relayed_too == NULL) {
        return allocation->relayed.family == FLOE_FAMILY_IPV6 ? FLOE_TURN_IPV4 : FLOE_TURN_IPV6;
    }
    return allocation->one_at_a_time ? allocation->other_family : 0;
}

void floe_turn_drop_relayed(floe_turn_allocation *allocation, size_t n)
{
    if (n == 0) {
        allocation->relayed = *floe_turn_relayed(allocation, 1);
    }
    floe_deallocate(allocation->account->allocator, allocation->relayed_too);
    allocation->relayed_too = NULL;
}

/* RFC 8656 §7.3: of the families that were asked for, or the allocation is deleted. */
static bool sift_families(floe_turn_allocation *allocation)
{
    for (size_t i = 2; i-- > 0;) {
        uint8_t given = floe_turn_relayed(allocation, i)->family;
        unsigned family = given == FLOE_FAMILY_IPV6 ? FLOE_TURN_IPV6 : FLOE_TURN_IPV4;
        if (given != FLOE_FAMILY_NONE && (allocation->wishes.families & family) == 0) {
            floe_turn_drop_relayed(allocation, i);
        }
    }
    return allocation->relayed.family != FLOE_FAMILY_NONE;
}

/* coturn 4.6.1 answers so by the socket from which it was asked for a pair of ports that it has not, once it
 * has said so: another one gets a port. */
static bool is_nowhere(const floe_address *relayed)
{
    return relayed->family == FLOE_FAMILY_NONE || relayed->port == 0 ||
           floe_address_classify(relayed) == FLOE_ADDRESS_UNSPECIFIED;
}

static const char no_relayed[] = "the Allocate answer has no good XOR-RELAYED-ADDRESS";

/* What was made there is no relay. */
static floe_turn_event made_nowhere(floe_turn_allocation *allocation)
{
    floe_turn_event event = bad_answer(allocation, 0, no_relayed);

    allocation->made = false;
    return event == FLOE_TURN_FAILED ? FLOE_TURN_MISMATCH : event;
}

/* What was made stays until its server has deleted it, and is in the way there so long. */
static floe_turn_event wrong_family(floe_turn_allocation *allocation)
{
    const char *why = allocation->wishes.families == FLOE_TURN_IPV6
                          ? "it gives an IPv4 address where IPv6 was asked for"
                          : "it gives an IPv6 address where IPv4 was asked for";
    bool other = give_up_family(allocation);
    floe_turn_event event = bad_answer(allocation, 0, why);

    allocation->refused_wish = true;
    return other && event == FLOE_TURN_FAILED ? FLOE_TURN_MISMATCH : event;
}

/* One of each family at most. NULL: good; else what is wrong, or floe_turn_no_memory. */
static const char *read_relayed(floe_turn_allocation *allocation, const floe_stun_message *message)
{
    const floe_allocator *allocator = allocation->account->allocator;
    floe_address given[2] = {0};
    floe_stun_attribute attribute;
    floe_address address;
    floe_span reason;
    uint8_t family;
    size_t count = 0;
    size_t at = 0;

    while (count < 2 && floe_stun_next_attribute(message, &at, &attribute)) {
        if (attribute.type == FLOE_STUN_XOR_RELAYED_ADDRESS &&
            floe_stun_attribute_address(message, &attribute, &address)) {
            address = floe_address_normalise(address);
            if (count == 0 || address.family != given[0].family) {
                given[count++] = address;
            }
        }
    }
    if (!floe_stun_read_address_error(message, &family, &allocation->family_error, &reason)) {
        allocation->family_error = 0;
    }
    allocation->relayed = given[0];
    floe_deallocate(allocator, allocation->relayed_too);
    allocation->relayed_too = NULL;
    if (count == 2) {
        allocation->relayed_too = floe_allocate(allocator, sizeof *allocation->relayed_too);
        if (allocation->relayed_too == NULL) {
            return floe_turn_no_memory;
        }
        *allocation->relayed_too = given[1];
    }
    return count > 0 ? NULL : no_relayed;
}

/* RFC 8016 §3.1. One that cannot be kept only means that the allocation stays where it is. */
static void read_ticket(floe_turn_allocation *allocation, const floe_stun_message *message)
{
    const floe_allocator *allocator = allocation->account->allocator;
    floe_span ticket;

    if (!allocation->wishes.mobile || /* nobody asked for it, and nobody will use it */
        !floe_stun_find(message, FLOE_STUN_MOBILITY_TICKET, &ticket)) {
        return;
    }
    floe_deallocate(allocator, allocation->ticket);
    allocation->ticket_size = (uint16_t)ticket.size;
    allocation->ticket = ticket.size > 0 && ticket.size <= FLOE_TURN_TICKET_MAX
                             ? floe_allocate(allocator, ticket.size)
                             : NULL;
    if (allocation->ticket != NULL) {
        memcpy(allocation->ticket, ticket.data, ticket.size);
    }
}

static void read_reservation(floe_turn_allocation *allocation, const floe_stun_message *message)
{
    floe_span token;

    allocation->reserves = floe_stun_find(message, FLOE_STUN_RESERVATION_TOKEN, &token);
    if (allocation->reserves) {
        memcpy(allocation->wishes.reservation, token.data, sizeof allocation->wishes.reservation);
    }
}

static floe_turn_event allocated(floe_turn_allocation *allocation, floe_time now,
                                 const floe_stun_message *message)
{
    const char *wrong = read_relayed(allocation, message);

    if (wrong != NULL) {
        return wrong == floe_turn_no_memory ? local_failure(allocation)
                                            : bad_answer(allocation, 0, wrong);
    }
    /* Where it has one family alone, it gives such an address for the other, beside a good one. */
    if (allocation->refused_wish && is_nowhere(floe_turn_relayed(allocation, 0)) &&
        is_nowhere(floe_turn_relayed(allocation, 1))) {
        return made_nowhere(allocation);
    }
    if (!sift_families(allocation)) {
        return wrong_family(allocation);
    }
    allocation->missing = missing_family(allocation);
    if (!floe_stun_read_address(message, FLOE_STUN_XOR_MAPPED_ADDRESS, &allocation->mapped)) {
        allocation->mapped = (floe_address){0};
    }
    read_ticket(allocation, message);
    read_reservation(allocation, message);
    floe_span software = {0};
    (void)floe_stun_find(message, FLOE_STUN_SOFTWARE, &software);
    keep_text(allocation, &allocation->software, software, SOFTWARE_SIZE);
    keep(allocation, now, message);
    if (allocation->lifetime == 0) {
        return bad_answer(allocation, 0, "the Allocate answer gives a lifetime of 0");
    }
    if (allocation->remembered) {
        floe_turn_account_judge(allocation->account, true, allocation->remembered_n);
        allocation->remembered = false;
    }
    if (allocation->bare) { /* who made this asks for no credentials */
        drop_nonce(allocation);
    }
    set_failure(allocation, FLOE_TURN_FAILURE_NONE, 0, (floe_span){0});
    allocation->state = FLOE_TURN_ALLOCATED;
    return FLOE_TURN_SUCCESS;
}

static floe_turn_event refreshed(floe_turn_allocation *allocation, floe_time now,
                                 const floe_stun_message *message)
{
    uint32_t before = allocation->lifetime;

    keep(allocation, now, message);
    read_ticket(allocation, message);
    allocation->moving = allocation->shown = false;
    if (allocation->lifetime == 0) {
        /* RFC 8656 §8.3 has a lifetime of 0 for who asks for one, and a 437 for what is gone: it is
         * no word that the allocation is (node-turn means nothing by it). The next Refresh tells.
         */
        keep_for(allocation, now, before);
    }
    allocation->affirmed = allocation->denied;
    return FLOE_TURN_GRANTED;
}

static floe_turn_event cleared(floe_turn_allocation *allocation)
{
    allocation->inherits = allocation->made = false;
    if (allocation->request == FLOE_TURN_REQUEST_RELEASE) {
        stop_request(allocation);
        return FLOE_TURN_RELEASED;
    }
    want(allocation, FLOE_TURN_REQUEST_ALLOCATE);
    return FLOE_TURN_PROGRESS;
}

/* RFC 8656 §8.3: there is none (any more); or (441) what is there is another user's. */
static bool is_released_by(const floe_turn_allocation *allocation, uint16_t code)
{
    return (code == 437 && (allocation->request == FLOE_TURN_REQUEST_CLEAR ||
                            allocation->request == FLOE_TURN_REQUEST_RELEASE)) ||
           (code == 441 && allocation->request == FLOE_TURN_REQUEST_RELEASE);
}

static floe_turn_event succeeded(floe_turn_allocation *allocation, floe_time now,
                                 const floe_stun_message *message)
{
    switch (allocation->request) {
    case FLOE_TURN_REQUEST_ALLOCATE:
        return allocated(allocation, now, message);
    case FLOE_TURN_REQUEST_REFRESH:
        return refreshed(allocation, now, message);
    case FLOE_TURN_REQUEST_CLEAR:
    case FLOE_TURN_REQUEST_RELEASE:
        break;
    }
    return cleared(allocation);
}

static bool give_up_port(floe_turn_wishes *wishes)
{
    bool had = wishes->even_port || wishes->reserved;

    wishes->even_port = wishes->reserved = false;
    return had;
}

static bool give_up_fragment(floe_turn_wishes *wishes)
{
    bool had = wishes->dont_fragment;

    wishes->dont_fragment = false;
    return had;
}

static bool give_up_mobility(floe_turn_wishes *wishes)
{
    bool had = wishes->mobile;

    wishes->mobile = false;
    return had;
}

typedef enum wish { WISH_FAMILY, WISH_PORT, WISH_FRAGMENT, WISH_MOBILE, WISHES } wish;

/* False: none of them was wished. */
static bool give_up_these(floe_turn_allocation *allocation, const bool these[WISHES])
{
    bool given_up = these[WISH_PORT] && give_up_port(&allocation->wishes);

    given_up |= these[WISH_FRAGMENT] && give_up_fragment(&allocation->wishes);
    given_up |= these[WISH_MOBILE] && give_up_mobility(&allocation->wishes);
    return (these[WISH_FAMILY] && give_up_family(allocation)) || given_up;
}

/* Each wish is given up; what is refused without any has the other family as its last. Silence says
 * nothing of a family. False: there was none. */
static bool go_plain(floe_turn_allocation *allocation)
{
    bool both = allocation->wishes.families == (FLOE_TURN_IPV4 | FLOE_TURN_IPV6);
    bool these[WISHES] = {both, true, true, true};

    if (!give_up_these(allocation, these) &&
        !(allocation->refuses_wishes && give_up_family(allocation))) {
        return false;
    }
    allocation->plain = true;
    allocation->refuses_wishes = false;
    allocation->one_at_a_time |= both; /* loss may have been the reason */
    return true;
}

floe_error floe_turn_allocation_start(floe_turn_allocation *allocation)
{
    if (!sign_anew(allocation)) {
        return FLOE_ERR_NO_MEMORY;
    }
    if (allocation->account->deaf) {
        (void)go_plain(allocation);
    }
    allocation->state = FLOE_TURN_ALLOCATING;
    want(allocation, FLOE_TURN_REQUEST_ALLOCATE);
    return FLOE_OK;
}

/* Those that the server says it does not know; where it says of none, all of them. */
static bool give_up_unknown(floe_turn_allocation *allocation, const floe_stun_message *message)
{
    static const struct {
        uint16_t type;
        wish wish;
    } rows[] = {
        {FLOE_STUN_REQUESTED_ADDRESS_FAMILY, WISH_FAMILY},
        {FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY, WISH_FAMILY},
        {FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY_DRAFT, WISH_FAMILY},
        {FLOE_STUN_EVEN_PORT, WISH_PORT},
        {FLOE_STUN_RESERVATION_TOKEN, WISH_PORT},
        {FLOE_STUN_DONT_FRAGMENT, WISH_FRAGMENT},
        {FLOE_STUN_MOBILITY_TICKET, WISH_MOBILE},
    };
    bool all = !floe_stun_has(message, FLOE_STUN_UNKNOWN_ATTRIBUTES);
    bool unknown[WISHES] = {all, all, all, all};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unknown[rows[i].wish] |= floe_stun_says_unknown(message, rows[i].type);
    }
    allocation->one_at_a_time |= unknown[WISH_FAMILY];
    return give_up_these(allocation, unknown);
}

/* T5: which of the wishes an error speaks of. 400 is what a server says of what it cannot parse;
 * 508, that it has no such port, or knows the reservation no longer (RFC 8656 §7.2), or (coturn)
 * that it has one family alone. */
static bool give_up_wishes(floe_turn_allocation *allocation, uint16_t code,
                           const floe_stun_message *message)
{
    switch (code) {
    case 400:
    case 420:
        return give_up_unknown(allocation, message);
    case 405:
        return give_up_mobility(&allocation->wishes);
    case 440:
    case 443:
        return give_up_family(allocation);
    case 508:
        return give_up_port(&allocation->wishes) || give_up_family(allocation);
    default:
        return false;
    }
}

static bool speaks_of_wishes(uint16_t code)
{
    return code == 400 || code == 405 || code == 420 || code == 440 || code == 443 || code == 508;
}

/* T5: what a server does not know or give it is not asked for again. Why the first family is not to
 * be had is what is told if the other is not either. */
static bool fall_back(floe_turn_allocation *allocation, uint16_t code, floe_span reason,
                      const floe_stun_message *message)
{
    bool first_alone = allocation->other_family != 0;

    if (allocation->request != FLOE_TURN_REQUEST_ALLOCATE ||
        !give_up_wishes(allocation, code, message)) {
        return false;
    }
    allocation->refused_wish = true;
    if (first_alone && allocation->other_family == 0) {
        set_failure(allocation, FLOE_TURN_FAILURE_ERROR_RESPONSE, code, reason);
    }
    want(allocation, FLOE_TURN_REQUEST_ALLOCATE);
    return true;
}

/* RFC 8489 §10. That the alternate may be asked, its owner says. §14.8 would have the message
 * validated first; §10 says that it may be signed, and to the first Allocate, which is not signed,
 * nobody has a key to sign by: coturn redirects there and only there. So that one is followed as it
 * is, and to a signed request a 300 has its code or is dropped (match_integrity). What a forged one
 * is good for: SECURITY.md. */
static floe_turn_event redirected(floe_turn_allocation *allocation,
                                  const floe_stun_message *message, floe_span reason)
{
    const floe_allocator *allocator = allocation->account->allocator;
    floe_span domain = {0};
    floe_address address;
    bool named = floe_stun_read_address(message, FLOE_STUN_ALTERNATE_SERVER, &address);

    (void)floe_stun_find(message, FLOE_STUN_ALTERNATE_DOMAIN, &domain);
    floe_deallocate(allocator, allocation->alternate);
    allocation->alternate =
        named ? floe_allocate(allocator, sizeof *allocation->alternate + domain.size + 1) : NULL;
    if (named && allocation->alternate == NULL) {
        return local_failure(allocation);
    }
    if (named) {
        allocation->alternate->address = address;
    }
    if (named && domain.size > 0) {
        memcpy(allocation->alternate->domain, domain.data, domain.size);
    }
    floe_turn_event event = end(allocation, FLOE_TURN_FAILURE_ERROR_RESPONSE, 300, reason);
    return named && event == FLOE_TURN_FAILED ? FLOE_TURN_REDIRECT : event;
}

/* Of what was sent more than once the first may have deleted it, and the answer was lost: it was there until now. */
static floe_turn_event is_gone(floe_turn_allocation *allocation, uint16_t code, floe_span reason)
{
    if (code == 437 && allocation->transaction.sends > 1) {
        set_failure(allocation, FLOE_TURN_FAILURE_NONE, 0, (floe_span){0});
    } else {
        set_failure(allocation, FLOE_TURN_FAILURE_ERROR_RESPONSE, code, reason);
    }
    return cleared(allocation);
}

/* Of one that nobody had to sign; else `repeated` says so. */
static bool may_be_of_an_earlier_send(const floe_turn_allocation *allocation)
{
    return allocation->request == FLOE_TURN_REQUEST_ALLOCATE && signed_by(allocation) == NULL &&
           allocation->transaction.sends > 1;
}

static floe_turn_event error_response(floe_turn_allocation *allocation, floe_time now,
                                      const floe_stun_message *message)
{
    uint16_t code;
    floe_span reason;

    if (!floe_stun_read_error(message, &code, &reason)) {
        return refused(allocation, now, FLOE_TURN_FAILURE_BAD_ANSWER, 0,
                       floe_span_text("the error answer has no good ERROR-CODE"));
    }
    if (code == 401 || code == 438) {
        return challenged(allocation, now, code, reason, message);
    }
    if (code == 300 && allocation->request == FLOE_TURN_REQUEST_ALLOCATE) {
        return redirected(allocation, message, reason);
    }
    if (fall_back(allocation, code, reason, message)) {
        return FLOE_TURN_PROGRESS;
    }
    if (code == 437 && allocation->request == FLOE_TURN_REQUEST_RELEASE &&
        allocation->ticket != NULL && !allocation->moving) {
        allocation->moving = true; /* it may know us by another address, and by the ticket */
        want(allocation, FLOE_TURN_REQUEST_RELEASE);
        return FLOE_TURN_PROGRESS;
    }
    if (is_released_by(allocation, code)) {
        return is_gone(allocation, code, reason);
    }
    if (code == 500 && !allocation->paused_once) {
        allocation->paused_once = true;
        allocation->resume = floe_time_after(now, allocation->rto);
        stop_request(allocation);
        return FLOE_TURN_PROGRESS;
    }
    if (code == 437 && may_have_moved(allocation)) {
        return show_ticket(allocation);
    }
    if (code == 437) {
        allocation->made = false; /* or no longer ours */
        allocation->inherits |= may_be_of_an_earlier_send(allocation);
    }
    if (code == 441 && allocation->state != FLOE_TURN_ALLOCATED) {
        allocation->inherits = allocation->made = false; /* what stands there is another user's */
        allocation->repeated = false;
    }
    if (allocation->request == FLOE_TURN_REQUEST_ALLOCATE && allocation->failure.code != 0 &&
        speaks_of_wishes(code)) {
        floe_turn_failure first = allocation->failure;
        return end(allocation, first.kind, first.code, reason_of(&first));
    }
    floe_turn_event event =
        refused(allocation, now, FLOE_TURN_FAILURE_ERROR_RESPONSE, code, reason);
    bool of_socket = code == 437 || code == 441;
    return of_socket && event == FLOE_TURN_FAILED ? FLOE_TURN_MISMATCH : event;
}

/* An error that nobody has signed, and that is no challenge. */
static bool is_unsigned_error(const floe_stun_message *message)
{
    uint16_t code;
    floe_span reason;

    return message->class == FLOE_STUN_ERROR && message->integrity_at == 0 &&
           message->integrity_sha256_at == 0 &&
           !(floe_stun_read_error(message, &code, &reason) && (code == 401 || code == 438));
}

/* RFC 8489 §9.2.3.1: the first request to a server is not signed. One that is, by what another client
 * learned, may get answers that say nothing of it: coturn's 300 is unsigned, and so is all that a
 * server says which asks for credentials no more; one that has another realm by now, as behind a
 * restart, or as it is another machine of the same name, may say 437 (coturn: "the realm value is
 * incorrect"), whatever stands there. It is asked as if for the first time. */
static bool begins_unsigned(floe_turn_allocation *allocation, const floe_stun_message *message,
                            floe_stun_match match)
{
    bool says_nothing = match == FLOE_STUN_NO_INTEGRITY ||
                        (match == FLOE_STUN_BELIEVED && is_unsigned_error(message));

    if (!says_nothing || !allocation->remembered ||
        allocation->request != FLOE_TURN_REQUEST_ALLOCATE) {
        return false;
    }
    floe_turn_account_unlearn(allocation->account, allocation->remembered_n);
    allocation->remembered = false;
    allocation->bare = true;
    /* It may have been a success, or forged and one come behind it. */
    allocation->inherits = allocation->inherits || match == FLOE_STUN_NO_INTEGRITY;
    want(allocation, FLOE_TURN_REQUEST_ALLOCATE);
    return true;
}

/* coturn takes a second to give up what a Refresh with lifetime 0 has ended, and says 437 until then,
 * unsigned: the Allocate is sent again meanwhile, as if nothing had come. */
static bool is_not_gone_yet(const floe_turn_allocation *allocation,
                            const floe_stun_message *message)
{
    uint16_t code;
    floe_span reason;

    return allocation->request == FLOE_TURN_REQUEST_ALLOCATE && allocation->reclaimed_once &&
           signed_by(allocation) != NULL && message->integrity_at == 0 &&
           message->integrity_sha256_at == 0 && message->class == FLOE_STUN_ERROR &&
           floe_stun_read_error(message, &code, &reason) && code == 437;
}

static bool wishes_more(const floe_turn_allocation *allocation)
{
    const floe_turn_wishes *wishes = &allocation->wishes;

    return wishes->families == (FLOE_TURN_IPV4 | FLOE_TURN_IPV6) || allocation->other_family != 0 ||
           wishes->even_port || wishes->reserved || wishes->dont_fragment || wishes->mobile ||
           wishes->beside;
}

/* Pion signs none of its refusals: what cannot be believed costs a wish at most. The right answer may be
 * right behind it; then the Allocate goes again, without wishes, or of the other family. */
#define REFUSAL_BELIEVED_AFTER floe_milliseconds(100) /* and a round trip */

static void hear_refusal(floe_turn_allocation *allocation, floe_time now)
{
    if (allocation->request == FLOE_TURN_REQUEST_ALLOCATE && wishes_more(allocation) &&
        speaks_of_wishes(allocation->transaction.dropped_code)) {
        allocation->refuses_wishes = allocation->heeds = true;
        floe_time heard = floe_time_after(now, REFUSAL_BELIEVED_AFTER);
        floe_stun_transaction_hurry(&allocation->transaction,
                                    floe_time_after(heard, allocation->round_trip));
    }
}

/* T6: of what cannot be deleted the server may say so before it knows who asks, as to the Allocate
 * before (may_be_unsigned): it costs a try from another port. */
static bool refuses_to_clear(const floe_turn_allocation *allocation,
                             const floe_stun_message *message)
{
    uint16_t code;
    floe_span reason;

    return allocation->request >= FLOE_TURN_REQUEST_CLEAR && message->class == FLOE_STUN_ERROR &&
           floe_stun_read_error(message, &code, &reason) && (code == 437 || code == 441);
}

/* Whoever sends it has the key: all answers but the challenges are believed for that alone. */
static bool is_signed(const floe_stun_message *message)
{
    uint16_t code;
    floe_span reason;

    return message->class == FLOE_STUN_SUCCESS ||
           (floe_stun_read_error(message, &code, &reason) && code != 401 && code != 437 &&
            code != 438 && code != 441);
}

/* So much security the server asks for itself. */
static void prove(floe_turn_allocation *allocation)
{
    if (allocation->proven != allocation->realm) {
        floe_turn_realm_release(allocation->proven);
        allocation->proven = floe_turn_realm_share(allocation->realm);
    }
}

/* RFC 8489 §6.3.3, §6.3.4: that is the end of the request, and no word of what stands. */
static floe_turn_event not_understood(floe_turn_allocation *allocation, floe_time now,
                                      const floe_stun_message *message, floe_span why)
{
    uint16_t code = 0;
    floe_span reason;
    bool challenge = message->class == FLOE_STUN_ERROR &&
                     floe_stun_read_error(message, &code, &reason) && (code == 401 || code == 438);

    return (challenge ? refused_by_somebody : refused)(allocation, now,
                                                       FLOE_TURN_FAILURE_BAD_ANSWER, 0, why);
}

/* coturn looks for who has a ticket before it looks at the signature, and signs no answer then: where it
 * is the only one that comes, the ticket is tried, and decides. */
static bool may_know_no_more(const floe_turn_allocation *allocation)
{
    return allocation->state == FLOE_TURN_ALLOCATED && allocation->ticket != NULL &&
           allocation->request == FLOE_TURN_REQUEST_REFRESH &&
           (allocation->transaction.dropped_code == 437 ||
            (allocation->moving && allocation->transaction.dropped_code != 0));
}

/* A Refresh was challenged, by somebody; and here is the server's own answer to it. */
static bool answers_former(const floe_turn_allocation *allocation, const floe_address *source,
                           const floe_stun_message *message)
{
    floe_stun_transaction former = {
        .id = allocation->former, .method = FLOE_STUN_REFRESH, .sends = 1};

    return allocation->state == FLOE_TURN_ALLOCATED && allocation->has_former &&
           allocation->request == FLOE_TURN_REQUEST_REFRESH && allocation->proven != NULL &&
           message->class == FLOE_STUN_SUCCESS &&
           floe_stun_transaction_match(&former, message, source, &allocation->server,
                                       allocation->proven->key) == FLOE_STUN_BELIEVED;
}

floe_turn_event floe_turn_allocation_receive(floe_turn_allocation *allocation, floe_time now,
                                             const floe_address *source,
                                             const floe_stun_message *message,
                                             floe_stun_match *match)
{
    const floe_turn_realm *realm = signed_by(allocation);
    const floe_stun_key *key = realm != NULL ? realm->key : NULL;
    uint16_t unknown;

    *match = floe_stun_transaction_match(&allocation->transaction, message, source,
                                         &allocation->server, key);
    if (*match == FLOE_STUN_NOT_MINE && answers_former(allocation, source, message)) {
        *match = FLOE_STUN_BELIEVED;
        allocation->wants = false;
        return succeeded(allocation, now, message);
    }
    if (*match == FLOE_STUN_NO_INTEGRITY && may_know_no_more(allocation)) {
        return refused_by_somebody(allocation, now, FLOE_TURN_FAILURE_ERROR_RESPONSE,
                                   allocation->transaction.dropped_code, (floe_span){0});
    }
    if (*match == FLOE_STUN_NO_INTEGRITY && refuses_to_clear(allocation, message)) {
        *match = FLOE_STUN_BELIEVED;
    }
    if (*match == FLOE_STUN_NO_INTEGRITY) {
        hear_refusal(allocation, now);
    }
    if (begins_unsigned(allocation, message, *match)) {
        return FLOE_TURN_PROGRESS;
    }
    if (*match != FLOE_STUN_BELIEVED) {
        return FLOE_TURN_NOTHING;
    }
    if (is_not_gone_yet(allocation, message)) {
        *match = FLOE_STUN_NO_INTEGRITY;
        allocation->transaction.answered = false;
        allocation->transaction.dropped = FLOE_STUN_NO_INTEGRITY;
        allocation->transaction.dropped_code = 437;
        return FLOE_TURN_NOTHING;
    }
    allocation->silent = (floe_duration){0};
    if (realm != NULL && is_signed(message)) {
        prove(allocation);
        measure(allocation, now);
    }
    if (allocation->request == FLOE_TURN_REQUEST_ALLOCATE) {
        allocation->account->deaf |= allocation->plain && allocation->ignored && !allocation->heeds;
        allocation->heeds |= !allocation->plain;
    }
    if (message->class == FLOE_STUN_SUCCESS && allocation->request == FLOE_TURN_REQUEST_ALLOCATE) {
        allocation->made = true;
        allocation->inherits = allocation->repeated = false;
    }
    if (floe_stun_unknown_required(message, &unknown, 1) > 0) {
        char why[64];
        (void)snprintf(why, sizeof why, "the answer has the unknown attribute 0x%04x", unknown);
        return not_understood(allocation, now, message, floe_span_text(why));
    }
    return message->class == FLOE_STUN_SUCCESS ? succeeded(allocation, now, message)
                                               : error_response(allocation, now, message);
}

static void send_without_wishes(floe_turn_allocation *allocation)
{
    bool ignored = allocation->transaction.sends == SEND_WITHOUT_WISHES && !allocation->heeds;

    if (allocation->transaction.sends == SEND_WITHOUT_WISHES - 1) {
        allocation->ignored = allocation->beside; /* no outage: this one will arrive */
    }
    if (allocation->request == FLOE_TURN_REQUEST_ALLOCATE &&
        (ignored || allocation->refuses_wishes) && go_plain(allocation)) {
        allocation->inherits =
            true; /* of an earlier send, whose answer was lost, be it to who has not signed */
        floe_stun_transaction_rename(&allocation->transaction, allocation->account->random);
    }
}

/* What is a wish as a whole is not to be had, as somebody has said, and nobody else anything. */
static bool is_refused_whole(const floe_turn_allocation *allocation)
{
    return allocation->refuses_wishes && allocation->wishes.beside;
}

static floe_turn_event refused_whole(floe_turn_allocation *allocation)
{
    allocation->inherits =
        floe_turn_allocation_stands(allocation); /* an earlier send may be heard */
    return end(allocation, FLOE_TURN_FAILURE_ERROR_RESPONSE, allocation->transaction.dropped_code,
               (floe_span){0});
}

/* For as long as a transaction lasts, though the one at hand has begun later. */
static bool has_been_silent(const floe_turn_allocation *allocation, floe_time now)
{
    floe_duration waited = floe_stun_transaction_waited(&allocation->transaction, now);

    return allocation->silent.ns > 0 &&
           allocation->silent.ns + waited.ns >= floe_stun_transaction_lasts(allocation->rto).ns;
}

floe_turn_event floe_turn_allocation_time(floe_turn_allocation *allocation, floe_time now)
{
    if (floe_time_reached(now, allocation->resume)) {
        allocation->resume = FLOE_TIME_NEVER;
        want(allocation, allocation->request);
    }
    if (floe_time_reached(now, allocation->refresh)) {
        allocation->refresh = FLOE_TIME_NEVER;
        allocation->paused_once = allocation->second_try = false;
        want(allocation, FLOE_TURN_REQUEST_REFRESH);
    }
    if (floe_time_reached(now, allocation->verdict)) {
        return believe_refusal(allocation, now);
    }
    bool stands = floe_turn_allocation_stands(allocation);
    switch (floe_stun_transaction_time(&allocation->transaction, now)) {
    case FLOE_STUN_SEND_AGAIN:
        if (!has_been_silent(allocation, now)) {
            allocation->repeated = allocation->request == FLOE_TURN_REQUEST_ALLOCATE && stands;
            send_without_wishes(allocation);
            return is_refused_whole(allocation) ? refused_whole(allocation) : FLOE_TURN_SEND;
        }
        stop_request(allocation);
        /* fall through */
    case FLOE_STUN_GIVE_UP:
        if (allocation->refuses_wishes && go_plain(allocation)) { /* by a stream */
            want(allocation, FLOE_TURN_REQUEST_ALLOCATE);
            return FLOE_TURN_PROGRESS;
        }
        if (is_refused_whole(allocation)) {
            return refused_whole(allocation);
        }
        if (allocation->request == FLOE_TURN_REQUEST_REFRESH &&
            floe_time_since(now, allocation->heard).ns < HEARD_WITHIN.ns &&
            goes_on(allocation, now, SERVER_ERROR)) {
            set_failure(allocation, FLOE_TURN_FAILURE_TIMEOUT, 0, (floe_span){0});
            return FLOE_TURN_REFUSED;
        }
        allocation->inherits = stands; /* it may have been heard */
        if (allocation->remembered && allocation->transaction.dropped != FLOE_STUN_BELIEVED) {
            floe_turn_account_unlearn(allocation->account, allocation->remembered_n);
        }
        return end(allocation, FLOE_TURN_FAILURE_TIMEOUT, 0, (floe_span){0});
    case FLOE_STUN_WAIT:
        break;
    }
    return FLOE_TURN_NOTHING;
}

floe_time floe_turn_allocation_deadline(const floe_turn_allocation *allocation)
{
    floe_time deadline = floe_time_min(allocation->transaction.due, allocation->verdict);

    deadline = floe_time_min(deadline, allocation->resume);
    return floe_time_min(deadline, allocation->refresh);
}

floe_turn_event floe_turn_allocation_lost(floe_turn_allocation *allocation, uint16_t code,
                                          floe_span reason)
{
    if (code == 437) {
        allocation->made = false;
    } else { /* an Allocate that was under way may have been heard */
        allocation->inherits = floe_turn_allocation_stands(allocation);
    }
    return end(allocation, FLOE_TURN_FAILURE_ERROR_RESPONSE, code, reason);
}

void floe_turn_refresh_now(floe_turn_allocation *allocation, floe_time now)
{
    /* Never: none is kept, or one is under way. A second try has its pause. */
    if (!floe_time_is_never(allocation->refresh) && !allocation->second_try) {
        allocation->refresh = now;
    }
}

/* `until`: as far as we have listened. */
static void refresh_once_more(floe_turn_allocation *allocation, floe_time now, floe_time until)
{
    const floe_stun_transaction *transaction = &allocation->transaction;

    floe_turn_refresh_now(allocation, now);
    if (allocation->request == FLOE_TURN_REQUEST_REFRESH && !transaction->reliable &&
        transaction->sends > 1) {
        allocation->silent.ns += floe_stun_transaction_waited(transaction, until).ns;
        allocation->refresh = now;
    }
}

void floe_turn_refresh_soon(floe_turn_allocation *allocation, floe_time now)
{
    refresh_once_more(allocation, now, now);
}

bool floe_turn_refresh_awake(floe_turn_allocation *allocation, floe_time now)
{
    bool slept = floe_time_reached(now, allocation->transaction.due);

    refresh_once_more(allocation, now, slept ? (floe_time){0} : now);
    return slept;
}

void floe_turn_refresh_anew(floe_turn_allocation *allocation)
{
    allocation->silent = (floe_duration){0};
    want(allocation, FLOE_TURN_REQUEST_REFRESH);
}

void floe_turn_allocation_move(floe_turn_allocation *allocation)
{
    allocation->moving = true;
    allocation->silent = (floe_duration){0};
    allocation->second_try = false;
    allocation->refresh = FLOE_TIME_NEVER;
    allocation->mapped = (floe_address){0}; /* RFC 8016: nobody tells the new one */
    allocation->resume = FLOE_TIME_NEVER;
    want(allocation, FLOE_TURN_REQUEST_REFRESH);
}

bool floe_turn_allocation_reclaim(floe_turn_allocation *allocation)
{
    if (allocation->reclaimed_once) {
        return false;
    }
    allocation->reclaimed_once = true;
    allocation->state = FLOE_TURN_ALLOCATING;
    want(allocation, FLOE_TURN_REQUEST_CLEAR);
    return true;
}

bool floe_turn_allocation_stands(const floe_turn_allocation *allocation)
{
    /* A signed Allocate under way may succeed after we are gone; an answer that could not be used
     * has made an allocation all the same. */
    return allocation->made || allocation->inherits ||
           (allocation->request == FLOE_TURN_REQUEST_ALLOCATE &&
            (signed_by(allocation) != NULL || allocation->reclaimed_once) &&
            floe_stun_transaction_runs(&allocation->transaction));
}

bool floe_turn_allocation_release(floe_turn_allocation *allocation)
{
    bool owed = floe_turn_allocation_stands(allocation);

    (void)end(allocation, FLOE_TURN_FAILURE_NONE, 0, (floe_span){0});
    allocation->inherits = owed; /* until its server has said that it is not there */
    allocation->made = false;
    if (owed) {
        want(allocation, FLOE_TURN_REQUEST_RELEASE);
    }
    return owed;
}

void floe_turn_allocation_inherit(floe_turn_allocation *allocation)
{
    (void)sign_anew(allocation); /* else the server's challenge tells all */
    allocation->inherits = true;
}

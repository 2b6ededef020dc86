/* turn/allocation and turn/account: the state machine against a scripted server (T1, T2, T6, T7).
 */
#include "support.h"

#include "base/address.h"
#include "base/memory.h"
#include "turn/allocation.h"

#include <stdio.h>
#include <string.h>

/* What the scripted server answers to the request at hand. */
typedef struct answer {
    uint16_t code; /* 0: success */
    const char *realm;
    const char *nonce;
    const char *sign_with; /* password; NULL: unsigned */
    const char *relayed;
    const char *mapped;
    int lifetime;   /* -1: none */
    uint16_t extra; /* an attribute of this type, empty; 0: none */
    const char *relayed_too;
    uint16_t family_error; /* ADDRESS-ERROR-CODE for IPv6, under the draft's number */
    const char *alternate;
    const char *domain;
    const uint16_t *algorithms; /* PASSWORD-ALGORITHMS; two of them, */
    size_t more_algorithms;     /* or so many */
    bool sha256;                /* signs that way */
    const char *ticket;         /* MOBILITY-TICKET */
    const char *reservation;    /* RESERVATION-TOKEN */
    uint16_t unknown[3];        /* UNKNOWN-ATTRIBUTES */
    bool no_code;               /* an error that says none */
    const floe_stun_id *to;     /* the request that it answers; NULL: the latest */
} answer;

typedef struct fixture {
    counting_allocator memory;
    seeded_random random;
    floe_turn_account *account;
    floe_turn_allocation allocation;
    floe_address server;
    uint64_t now_ms;
} fixture;

static floe_time now(const fixture *f)
{
    return floe_time_after((floe_time){0}, floe_milliseconds(f->now_ms));
}

static void begin_wishes(fixture *f, floe_turn_wishes wishes)
{
    floe_turn_allocation_init(&f->allocation, f->account, &f->server, floe_milliseconds(500), false,
                              &wishes);
    assert_int_equal(floe_turn_allocation_start(&f->allocation), FLOE_OK);
}

static void begin_families(fixture *f, unsigned families)
{
    begin_wishes(f, (floe_turn_wishes){.families = (uint8_t)families});
}

static void begin_allocation(fixture *f)
{
    begin_families(f, FLOE_TURN_IPV4);
}

static void begin_again(fixture *f, unsigned families)
{
    floe_turn_allocation_free(&f->allocation);
    begin_families(f, families);
}

/* Of a user that no server has challenged yet. */
static void begin_anew(fixture *f)
{
    floe_turn_allocation_free(&f->allocation);
    floe_turn_account_release(f->account);
    assert_int_equal(floe_turn_account_new(&f->memory.table, &f->random.table, "s", "user",
                                           "secret", NULL, &f->account),
                     FLOE_OK);
    begin_allocation(f);
}

static int set_up(void **state)
{
    static fixture f;

    memset(&f, 0, sizeof f);
    counting_init(&f.memory);
    seeded_init(&f.random, 42);
    f.server = address_of("203.0.113.2:3478");
    assert_int_equal(floe_turn_account_new(&f.memory.table, &f.random.table, "udp a 3478", "user",
                                           "secret", NULL, &f.account),
                     FLOE_OK);
    begin_allocation(&f);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    floe_turn_allocation_free(&f->allocation);
    floe_turn_account_release(f->account);
    assert_int_equal(f->memory.live, 0);
    return 0;
}

/* Lets the machine send, and parses what it sends. `bytes` has room for it. */
static void sent(fixture *f, uint8_t *bytes, floe_stun_message *message)
{
    assert_true(f->allocation.wants);
    assert_int_equal(floe_turn_allocation_begin(&f->allocation, now(f)), FLOE_TURN_SEND);
    assert_false(f->allocation.wants);
    floe_span request = floe_turn_allocation_write(&f->allocation, bytes, FLOE_TURN_REQUEST_SIZE);
    assert_int_equal(floe_stun_parse(request, message), FLOE_STUN_PARSED);
    assert_int_equal(message->class, FLOE_STUN_REQUEST);
}

static void put_what_is_rare(floe_stun_writer *writer, const answer *a)
{
    if (a->relayed_too != NULL) {
        floe_address relayed = address_of(a->relayed_too);
        floe_stun_put_address(writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &relayed);
    }
    if (a->family_error != 0) {
        floe_stun_put_address_error(writer, FLOE_STUN_ADDRESS_ERROR_CODE_DRAFT, 2, a->family_error,
                                    floe_span_text("no"));
    }
    if (a->alternate != NULL) {
        floe_address alternate = address_of(a->alternate);
        floe_stun_put_address(writer, FLOE_STUN_ALTERNATE_SERVER, &alternate);
    }
    if (a->domain != NULL) {
        floe_stun_put(writer, FLOE_STUN_ALTERNATE_DOMAIN, floe_span_text(a->domain));
    }
    if (a->ticket != NULL) {
        floe_stun_put(writer, FLOE_STUN_MOBILITY_TICKET, floe_span_text(a->ticket));
    }
    if (a->reservation != NULL) {
        floe_stun_put(writer, FLOE_STUN_RESERVATION_TOKEN, floe_span_text(a->reservation));
    }
    if (a->unknown[0] != 0) {
        floe_stun_put_unknown_attributes(writer, a->unknown,
                                         a->unknown[1] == 0   ? 1U
                                         : a->unknown[2] == 0 ? 2U
                                                              : 3U);
    }
    if (a->algorithms != NULL) {
        floe_stun_put_password_algorithms(writer, FLOE_STUN_PASSWORD_ALGORITHMS, a->algorithms,
                                          a->more_algorithms > 0 ? a->more_algorithms : 2);
    }
}

static floe_turn_event respond(fixture *f, const answer *a)
{
    uint8_t bytes[2048];
    floe_stun_match match;
    floe_stun_message message;
    floe_stun_key *key = NULL;
    floe_stun_writer writer = floe_stun_begin(
        bytes, sizeof bytes, a->code == 0 && !a->no_code ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR,
        f->allocation.transaction.method, a->to != NULL ? a->to : &f->allocation.transaction.id);

    if (a->code != 0) {
        floe_stun_put_error(&writer, a->code, floe_span_text("why"));
    }
    if (a->realm != NULL) {
        floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text(a->realm));
    }
    if (a->nonce != NULL) {
        floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text(a->nonce));
    }
    if (a->relayed != NULL) {
        floe_address relayed = address_of(a->relayed);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &relayed);
    }
    if (a->mapped != NULL) {
        floe_address mapped = address_of(a->mapped);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    }
    if (a->lifetime >= 0) {
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, (uint32_t)a->lifetime);
    }
    if (a->extra != 0) {
        floe_stun_put(&writer, a->extra, floe_span_text(""));
    }
    put_what_is_rare(&writer, a);
    if (a->sign_with != NULL) {
        assert_int_equal(
            floe_stun_key_long_term(&floe_default_allocator,
                                    a->sha256 ? FLOE_STUN_PASSWORD_SHA256 : FLOE_STUN_PASSWORD_MD5,
                                    floe_span_text("user"), floe_span_text("r"),
                                    floe_span_text(a->sign_with), &key),
            FLOE_OK);
        if (a->sha256) {
            floe_stun_put_integrity_sha256(&writer, key->sha256);
        } else {
            floe_stun_put_integrity(&writer, key->sha1);
        }
    }
    assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
    floe_turn_event event =
        floe_turn_allocation_receive(&f->allocation, now(f), &f->server, &message, &match);
    floe_stun_key_release(key);
    if (event == FLOE_TURN_FAILED && a->code == 0) { /* what has no code ends by none */
        assert_int_equal(f->allocation.failure.code, 0);
    }
    return event;
}

static const answer challenge = {.code = 401, .realm = "r", .nonce = "n1", .lifetime = -1};
static const answer success = {.sign_with = "secret",
                               .relayed = "198.51.100.9:5000",
                               .mapped = "192.0.2.7:700",
                               .lifetime = 600};

/* Behind the challenge. */
static void sent_signed(fixture *f, uint8_t *bytes, floe_stun_message *message)
{
    sent(f, bytes, message);
    assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
    sent(f, bytes, message);
}

static void allocate_for(fixture *f, int lifetime)
{
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer granted = success;

    granted.lifetime = lifetime;
    sent_signed(f, bytes, &message);
    assert_int_equal(respond(f, &granted), FLOE_TURN_SUCCESS);
}

static void allocate(fixture *f)
{
    allocate_for(f, 600);
}

static void t1_allocates_after_a_challenge(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    floe_span value;
    uint8_t transport;
    floe_address relayed = address_of("198.51.100.9:5000");
    floe_address mapped = address_of("192.0.2.7:700");

    sent(f, bytes, &message);
    assert_int_equal(message.method, FLOE_STUN_ALLOCATE);
    assert_true(floe_stun_read_u8(&message, FLOE_STUN_REQUESTED_TRANSPORT, &transport));
    assert_int_equal(transport, 17);
    assert_false(floe_stun_has(&message, FLOE_STUN_USERNAME));
    assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_true(floe_stun_find(&message, FLOE_STUN_NONCE, &value));
    assert_true(floe_span_equal(value, floe_span_text("n1")));
    assert_true(floe_stun_find(&message, FLOE_STUN_USERNAME, &value));
    assert_true(floe_span_equal(value, floe_span_text("user")));
    assert_true(floe_stun_check_integrity(&message, f->allocation.realm->key->sha1));
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
    assert_true(floe_address_equal(&f->allocation.relayed, &relayed));
    assert_true(floe_address_equal(&f->allocation.mapped, &mapped));
    assert_int_equal(f->allocation.state, FLOE_TURN_ALLOCATED);
}

static void t2_the_same_nonce_refused_twice_is_the_end(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    sent_signed(f, bytes, &message);
    assert_int_equal(respond(f, &challenge), FLOE_TURN_FAILED);
    assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_CREDENTIALS);
    assert_int_equal(f->allocation.failure.code, 401);
    assert_false(f->allocation.wants);
    assert_true(floe_time_is_never(floe_turn_allocation_deadline(&f->allocation)));
}

static void t2_fresh_nonces_do_not_make_a_loop(void **state)
{
    static const char *const nonces[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    floe_turn_event event = FLOE_TURN_PROGRESS;
    size_t rounds = 0;

    for (; rounds < 10 && event == FLOE_TURN_PROGRESS; rounds++) {
        answer again = {.code = 401, .realm = "r", .nonce = nonces[rounds], .lifetime = -1};
        sent(f, bytes, &message);
        event = respond(f, &again);
    }
    assert_int_equal(event, FLOE_TURN_FAILED);
    assert_int_equal(rounds, 3);
}

/* When it is due. */
static void send_refresh(fixture *f, uint8_t *bytes, floe_stun_message *message)
{
    f->now_ms = floe_duration_milliseconds((floe_duration){f->allocation.refresh.ns});
    (void)floe_turn_allocation_time(&f->allocation, now(f));
    sent(f, bytes, message);
}

/* The refusal of what stands that nobody has signed: it is listened for another answer for an RTO. */
static floe_turn_event listen_on(fixture *f)
{
    f->now_ms += 499;
    assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_NOTHING);
    f->now_ms += 1;
    return floe_turn_allocation_time(&f->allocation, now(f));
}

/* Situation 23: each request is answered by 438 first. */
static void t2_a_nonce_for_one_use_only_works_and_is_bounded(void **state)
{
    static const char *const nonces[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer stale = {.code = 438, .realm = "r", .nonce = "n2", .lifetime = -1};

    sent_signed(f, bytes, &message);
    assert_int_equal(respond(f, &stale), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);

    for (int second = 0; second < 2; second++) { /* T7: one that is refused is sent once more */
        f->now_ms = floe_duration_milliseconds((floe_duration){f->allocation.refresh.ns});
        assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_NOTHING);
        floe_turn_event event = FLOE_TURN_PROGRESS;
        size_t rounds = 0;
        for (; rounds < 10 && event == FLOE_TURN_PROGRESS; rounds++) {
            stale.nonce = nonces[rounds];
            sent(f, bytes, &message);
            event = respond(f, &stale);
        }
        assert_int_equal(event, FLOE_TURN_NOTHING);
        assert_int_equal(listen_on(f), second ? FLOE_TURN_LOST : FLOE_TURN_REFUSED);
        assert_int_equal(f->allocation.failure.code, 438);
        assert_int_equal(rounds, 4);
    }
}

/* RFC 8489 §9.2.5: to a signed request no answer counts that is not signed, whatever its code, but the
 * challenges, 437 and 441 (coturn signs none of them); §6.3.4: an error without ERROR-CODE ends the request. */
static void t2_unsigned_answers_to_signed_requests(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer unsigned_success = success;

    unsigned_success.sign_with = NULL;
    sent_signed(f, bytes, &message);
    for (uint16_t code = 300; code < 700; code++) {
        const answer refusal = {.code = code, .lifetime = -1};
        if (code != 401 && code != 438 && code != 437 && code != 441) {
            assert_int_equal(respond(f, &refusal), FLOE_TURN_NOTHING);
        }
    }
    assert_int_equal(respond(f, &unsigned_success), FLOE_TURN_NOTHING);
    const answer says_none = {.no_code = true, .sign_with = "secret", .lifetime = -1};
    assert_int_equal(respond(f, &says_none), FLOE_TURN_FAILED);
    assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_BAD_ANSWER);
    assert_non_null(strstr(f->allocation.failure.reason, "ERROR-CODE"));
}

static void t2_a_changed_or_empty_realm_is_taken(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    floe_span value;
    answer empty = {.code = 401, .realm = "", .nonce = "n1", .lifetime = -1};
    answer other = {.code = 401, .realm = "r", .nonce = "n1", .lifetime = -1};

    sent(f, bytes, &message);
    assert_int_equal(respond(f, &empty), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_true(floe_stun_find(&message, FLOE_STUN_REALM, &value));
    assert_int_equal(value.size, 0);
    assert_int_equal(respond(f, &other), FLOE_TURN_PROGRESS); /* another realm: another key */
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
}

static void t2_a_challenge_without_nonce_or_realm_is_an_error(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer half = {.code = 401, .realm = "r", .lifetime = -1};

    sent(f, bytes, &message);
    assert_int_equal(respond(f, &half), FLOE_TURN_FAILED);
    assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_BAD_ANSWER);
    /* The first has to name a realm; a later one may leave the one that it named. */
    const answer no_realm = {.code = 401, .nonce = "n1", .lifetime = -1};
    const answer stale = {.code = 438, .nonce = "n2", .lifetime = -1};
    begin_again(f, FLOE_TURN_IPV4);
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &no_realm), FLOE_TURN_FAILED);
    assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_BAD_ANSWER);
    /* RFC 8489 §14.9: one that is too long is none that was left out. */
    char text[764 + 1];
    memset(text, 'r', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t too_long = 0; too_long < 2; too_long++) {
        const answer long_realm = {
            .code = 438, .realm = text + 1 - too_long, .nonce = "n2", .lifetime = -1};
        begin_anew(f);
        sent_signed(f, bytes, &message);
        assert_int_equal(respond(f, &long_realm), too_long ? FLOE_TURN_FAILED : FLOE_TURN_PROGRESS);
    }
    assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_BAD_ANSWER);
    begin_anew(f);
    sent_signed(f, bytes, &message);
    assert_int_equal(respond(f, &stale), FLOE_TURN_PROGRESS);
}

/* Three 438 in a row behind the challenge, and not a fourth. */
static void t2_how_many_stale_nonces_are_borne(void **state)
{
    static const char *const nonces[] = {"a", "b", "c", "d"};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    sent(f, bytes, &message);
    assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
    for (size_t i = 0; i < 4; i++) {
        const answer stale = {.code = 438, .realm = "r", .nonce = nonces[i], .lifetime = -1};
        sent(f, bytes, &message);
        assert_int_equal(respond(f, &stale), i < 3 ? FLOE_TURN_PROGRESS : FLOE_TURN_FAILED);
    }
}

/* The second allocation of an account: with what the first learned. */
static void t2_a_remembered_nonce_that_holds_saves_the_round_trip(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    allocate(f);
    assert_false(floe_turn_account_holds_for_all(f->account));
    floe_turn_allocation_free(&f->allocation);
    begin_allocation(f);
    sent(f, bytes, &message);
    assert_true(message.integrity_at != 0);
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
    assert_true(floe_turn_account_holds_for_all(f->account));
}

static void t2_a_remembered_nonce_that_does_not_hold_costs_nothing(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer stale = {.code = 438, .realm = "r", .nonce = "n2", .lifetime = -1};

    allocate(f);
    floe_turn_allocation_free(&f->allocation);
    begin_allocation(f);
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &stale), FLOE_TURN_PROGRESS);
    assert_false(floe_turn_account_worth_signing(f->account)); /* per client, it seems */
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
    assert_false(floe_turn_account_holds_for_all(f->account));
    floe_turn_allocation_free(&f->allocation);
    begin_allocation(f);
    sent(f, bytes, &message);
    assert_true(message.integrity_at == 0);
}

/* RFC 8489 §9.2.3.1, §10: what answers without integrity where nobody of ours has been believed may
 * be a server that points elsewhere, or asks for no credentials any more. */
static void t2_a_remembered_nonce_is_forgotten_where_answers_are_unsigned(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer elsewhere = {.code = 300, .alternate = "203.0.113.3:3478", .lifetime = -1};
    answer open = success;

    allocate(f);
    begin_again(f, FLOE_TURN_IPV4);
    sent(f, bytes, &message);
    assert_true(message.integrity_at != 0);
    assert_int_equal(respond(f, &elsewhere), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_true(message.integrity_at == 0);
    assert_int_equal(respond(f, &elsewhere), FLOE_TURN_REDIRECT);
    assert_false(floe_turn_account_worth_signing(f->account));

    begin_anew(f);
    allocate(f);
    begin_again(f, FLOE_TURN_IPV4);
    sent(f, bytes, &message);
    open.sign_with = NULL;
    assert_int_equal(respond(f, &open), FLOE_TURN_PROGRESS);
    assert_true(floe_turn_allocation_stands(&f->allocation)); /* it may be one that was made */
    sent(f, bytes, &message);
    assert_true(message.integrity_at == 0);
    assert_int_equal(respond(f, &open), FLOE_TURN_SUCCESS);
    /* One that was signed with the server's own nonce is not unsigned again (R5). */
    begin_anew(f);
    sent_signed(f, bytes, &message);
    assert_int_equal(respond(f, &open), FLOE_TURN_NOTHING);
}

/* L7: what was not believed may have been forged, and the answer to the signed request come behind
 * it: what that may have made is given back by the nonce by which it was asked for. Who has made one
 * for who does not sign is not asked by a nonce either. */
static void l7_what_an_unsigned_answer_hides_is_released(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer open = success;

    open.sign_with = NULL;
    for (int made = 0; made < 2; made++) {
        begin_anew(f);
        allocate(f);
        begin_again(f, FLOE_TURN_IPV4);
        sent(f, bytes, &message);
        assert_int_equal(respond(f, &open), FLOE_TURN_PROGRESS);
        sent(f, bytes, &message);
        assert_true(message.integrity_at == 0);
        assert_false(floe_turn_allocation_challenged(&f->allocation));
        if (made == 1) {
            assert_int_equal(respond(f, &open), FLOE_TURN_SUCCESS);
            assert_null(f->allocation.realm);
        }
        assert_true(floe_turn_allocation_release(&f->allocation));
        (void)floe_turn_allocation_begin(&f->allocation, now(f));
        floe_span last = floe_turn_allocation_write(&f->allocation, bytes, sizeof bytes);
        assert_int_equal(floe_stun_parse(last, &message), FLOE_STUN_PARSED);
        assert_int_equal(message.integrity_at != 0, made == 0);
    }
}

/* What is refused is not what the next client begins with. */
static void t2_refused_credentials_are_not_remembered(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    sent_signed(f, bytes, &message);
    assert_int_equal(respond(f, &challenge), FLOE_TURN_FAILED);
    assert_false(floe_turn_account_worth_signing(f->account));
}

/* A server that was silent until it was asked without wishes, and answered other requests meanwhile
 * (node-turn), is asked without them from then on; where nothing was answered it may have been loss. */
static void t5_a_server_that_hears_no_wishes_is_remembered(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    for (int beside = 0; beside < 2; beside++) {
        begin_anew(f);
        begin_again(f, FLOE_TURN_IPV4 | FLOE_TURN_IPV6);
        sent(f, bytes, &message);
        if (beside == 1) {
            floe_turn_allocation_beside(&f->allocation);
        }
        while (f->allocation.transaction.sends < 4) {
            f->now_ms += 500;
            (void)floe_turn_allocation_time(&f->allocation, now(f));
        }
        assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
        sent(f, bytes, &message);
        assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
        begin_again(f, FLOE_TURN_IPV4 | FLOE_TURN_IPV6);
        sent(f, bytes, &message);
        assert_int_equal(floe_stun_has(&message, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY), beside == 0);
    }
}

/* The fourth send goes by another id and without wishes: 437 may mean what the first three made,
 * whose answer was lost. It is deleted, and not left for another port. */
static void t5_a_send_without_wishes_may_meet_what_an_earlier_one_made(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer mismatch = {.code = 437, .lifetime = -1};

    begin_again(f, FLOE_TURN_IPV4 | FLOE_TURN_IPV6);
    sent(f, bytes, &message);
    while (f->allocation.transaction.sends < 4) {
        f->now_ms += 500;
        (void)floe_turn_allocation_time(&f->allocation, now(f));
    }
    assert_int_equal(respond(f, &mismatch), FLOE_TURN_MISMATCH);
    assert_true(
        floe_turn_allocation_stands(&f->allocation)); /* the owner reclaims it, or releases */
}

static void send_again(fixture *f)
{
    f->now_ms += 500;
    assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_SEND);
}

/* An Allocate was granted, and the answer lost. Whatever its second send is told, what is there is our own: it
 * is what 437 speaks of, and what is released. Not where the same bytes, or whose they are, were refused. */
static void t6_what_an_earlier_send_made_is_ours(void **state)
{
    static const struct {
        answer says;
        bool ours;
    } rows[] = {
        {{.code = 437, .sign_with = "secret", .lifetime = -1}, true},
        {{.code = 437, .lifetime = -1}, true},
        {{.code = 438, .realm = "r", .nonce = "n2", .lifetime = -1}, true},
        {{.code = 401, .realm = "r", .nonce = "n2", .lifetime = -1}, true},
        {{.code = 438, .realm = "r", .lifetime = -1}, true},
        {{.code = 500, .sign_with = "secret", .lifetime = -1}, true},
        {{.code = 486, .sign_with = "secret", .lifetime = -1}, true},
        {{.code = 403, .sign_with = "secret", .lifetime = -1}, true},
        {{.code = 300, .sign_with = "secret", .lifetime = -1}, true},
        {{.no_code = true, .sign_with = "secret", .lifetime = -1}, true},
        {{.code = 441, .sign_with = "secret", .lifetime = -1}, false},
        {{.code = 401, .realm = "r", .nonce = "n1", .lifetime = -1}, false},
    };
    const answer mismatch = {.code = 437, .sign_with = "secret", .lifetime = -1};
    fixture *f = *state;

    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        bool twice = i % 2 == 1;
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        begin_anew(f);
        sent(f, bytes, &message);
        send_again(f); /* what was not signed has made nothing */
        assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
        assert_false(floe_turn_allocation_stands(&f->allocation));
        sent(f, bytes, &message);
        if (twice) {
            send_again(f);
        }
        (void)respond(f, &rows[i / 2].says);
        f->now_ms += 500; /* a pause may be over */
        (void)floe_turn_allocation_time(&f->allocation, now(f));
        if (f->allocation.wants) {
            sent(f, bytes, &message);
            assert_int_equal(respond(f, &mismatch), FLOE_TURN_MISMATCH);
        }
        assert_int_equal(f->allocation.inherits, twice && rows[i / 2].ours);
        assert_int_equal(floe_turn_allocation_release(&f->allocation), twice && rows[i / 2].ours);
        assert_int_equal(f->allocation.wants, twice && rows[i / 2].ours);
    }
}

/* RFC 8656 §7.4: until the server says whose it is. */
static void t6_what_an_earlier_send_did_not_make(void **state)
{
    const answer stale = {.code = 438, .realm = "r", .nonce = "n2", .lifetime = -1};
    const answer anothers = {.code = 441, .sign_with = "secret", .lifetime = -1};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    sent_signed(f, bytes, &message);
    send_again(f);
    assert_int_equal(respond(f, &stale), FLOE_TURN_PROGRESS);
    assert_true(floe_turn_allocation_stands(&f->allocation));
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &anothers), FLOE_TURN_MISMATCH);
    assert_false(floe_turn_allocation_stands(&f->allocation));
}

/* By a stream it is sent once, and may have been granted all the same. */
static void t6_what_a_stream_has_not_answered_may_be_ours(void **state)
{
    const floe_turn_wishes wishes = {.families = FLOE_TURN_IPV4};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    floe_turn_allocation_free(&f->allocation);
    floe_turn_allocation_init(&f->allocation, f->account, &f->server, floe_milliseconds(500), true,
                              &wishes);
    assert_int_equal(floe_turn_allocation_start(&f->allocation), FLOE_OK);
    sent_signed(f, bytes, &message);
    f->now_ms += 39500;
    assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_FAILED);
    assert_true(floe_turn_allocation_release(&f->allocation));
}

/* Nor is that the end of what was there until now: who waits for its room asks. */
static void t6_what_an_earlier_send_has_deleted(void **state)
{
    const answer gone = {.code = 437, .sign_with = "secret", .lifetime = -1};
    const answer anothers = {.code = 441, .sign_with = "secret", .lifetime = -1};
    fixture *f = *state;

    for (int i = 0; i < 4; i++) {
        const answer *says = i < 2 ? &gone : &anothers;
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        begin_anew(f);
        allocate(f);
        assert_true(floe_turn_allocation_release(&f->allocation));
        sent(f, bytes, &message);
        if (i % 2 == 1) {
            send_again(f);
        }
        assert_int_equal(respond(f, says), FLOE_TURN_RELEASED);
        assert_int_equal(f->allocation.failure.code, i == 1 ? 0 : says->code);
        assert_false(floe_turn_allocation_stands(&f->allocation));
    }
}

/* The same where nobody has to sign. */
static void t6_what_an_earlier_send_made_for_anybody_is_ours(void **state)
{
    const answer mismatch = {.code = 437, .lifetime = -1};
    const answer full = {.code = 486, .lifetime = -1};
    fixture *f = *state;

    for (int twice = 0; twice < 2; twice++) {
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        for (int is_full = 0; is_full < 2; is_full++) {
            begin_anew(f);
            sent(f, bytes, &message);
            if (twice) {
                send_again(f);
            }
            (void)respond(f, is_full ? &full : &mismatch);
            assert_int_equal(floe_turn_allocation_stands(&f->allocation), twice && !is_full);
        }
    }
}

/* What is had is had, however often it was asked for. */
static void t6_what_was_sent_twice_and_granted_is_inherited_by_nobody(void **state)
{
    const answer gone = {.code = 437, .sign_with = "secret", .lifetime = -1};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    sent_signed(f, bytes, &message);
    send_again(f);
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
    assert_true(floe_turn_allocation_stands(&f->allocation));
    send_refresh(f, bytes, &message);
    send_again(f);
    assert_int_equal(respond(f, &gone), FLOE_TURN_LOST);
    assert_false(floe_turn_allocation_stands(&f->allocation));
}

static void t6_errors_end_it_with_their_code(void **state)
{
    static const uint16_t codes[] = {300, 400, 403, 420, 441, 442, 486, 508};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        answer error = {.code = codes[i], .lifetime = -1};
        floe_turn_allocation_free(&f->allocation);
        begin_allocation(f);
        sent(f, bytes, &message);
        assert_int_equal(respond(f, &error),
                         codes[i] == 441 ? FLOE_TURN_MISMATCH : FLOE_TURN_FAILED);
        assert_int_equal(f->allocation.failure.code, codes[i]);
        assert_string_equal(f->allocation.failure.reason, "why");
    }
}

static void t6_500_is_tried_again_once_after_a_pause(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer error = {.code = 500, .lifetime = -1};

    sent(f, bytes, &message);
    assert_int_equal(respond(f, &error), FLOE_TURN_PROGRESS);
    assert_false(f->allocation.wants);
    assert_true(floe_turn_allocation_deadline(&f->allocation).ns == 500000000);
    f->now_ms = 500;
    (void)floe_turn_allocation_time(&f->allocation, now(f));
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &error), FLOE_TURN_FAILED);
}

/* RFC 8489 §6.3.4: nothing is done of what an error says that is not understood. */
static void t6_an_error_that_is_not_understood_is_the_end(void **state)
{
    static const uint16_t codes[] = {300, 401, 420, 437, 438, 500};
    fixture *f = *state;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        answer error = {.code = codes[i],
                        .realm = "r",
                        .nonce = "n1",
                        .lifetime = -1,
                        .alternate = "203.0.113.77:99",
                        .unknown = {FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY},
                        .extra = 0x7ABC};
        floe_turn_allocation_free(&f->allocation);
        begin_families(f, FLOE_TURN_IPV4 | FLOE_TURN_IPV6);
        sent(f, bytes, &message);
        assert_int_equal(respond(f, &error), FLOE_TURN_FAILED);
        assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_BAD_ANSWER);
        assert_non_null(strstr(f->allocation.failure.reason, "0x7abc"));
        assert_false(f->allocation.wants);
    }
}

/* RFC 8656 §8.3: 437 to the deletion of what a crash has left: it has gone by itself. */
static void t6_437_to_a_deletion_is_a_success(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    const answer mismatch = {.code = 437, .sign_with = "secret", .lifetime = -1};

    sent_signed(f, bytes, &message);
    assert_int_equal(respond(f, &mismatch), FLOE_TURN_MISMATCH);
    assert_true(floe_turn_allocation_reclaim(&f->allocation));
    sent(f, bytes, &message);
    assert_int_equal(message.method, FLOE_STUN_REFRESH);
    assert_int_equal(respond(f, &mismatch), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_int_equal(message.method, FLOE_STUN_ALLOCATE);
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
}

static void t6_437_can_be_reclaimed_once(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    uint32_t lifetime;
    answer mismatch = {.code = 437, .sign_with = "secret", .lifetime = -1};
    answer cleared = {.sign_with = "secret", .lifetime = 0};

    sent_signed(f, bytes, &message);
    assert_int_equal(respond(f, &mismatch), FLOE_TURN_MISMATCH);
    assert_true(floe_turn_allocation_reclaim(&f->allocation));
    sent(f, bytes, &message);
    assert_int_equal(message.method, FLOE_STUN_REFRESH);
    assert_true(floe_stun_read_u32(&message, FLOE_STUN_LIFETIME, &lifetime));
    assert_int_equal(lifetime, 0);
    assert_int_equal(respond(f, &cleared), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_int_equal(message.method, FLOE_STUN_ALLOCATE);
    assert_int_equal(respond(f, &mismatch), FLOE_TURN_MISMATCH);
    assert_false(floe_turn_allocation_reclaim(&f->allocation));
}

static void t6_an_answer_with_an_unknown_attribute_is_an_error(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer strange = success;

    strange.extra = 0x7ABC;
    sent_signed(f, bytes, &message);
    assert_int_equal(respond(f, &strange), FLOE_TURN_FAILED);
    assert_non_null(strstr(f->allocation.failure.reason, "0x7abc"));
}

static void bad_success_answers_are_errors(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer rows[2] = {success, success};

    rows[0].relayed = NULL;
    rows[1].lifetime = 0;
    for (size_t i = 0; i < 2; i++) {
        floe_turn_allocation_free(&f->allocation);
        f->account->scope = FLOE_TURN_NONCE_PER_CLIENT;
        begin_allocation(f);
        sent_signed(f, bytes, &message);
        assert_int_equal(respond(f, &rows[i]), FLOE_TURN_FAILED);
        assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_BAD_ANSWER);
    }
}

typedef struct refresh_row {
    int lifetime;
    uint64_t refresh_ms;
} refresh_row;

static void t7_refreshes_a_minute_early_or_half_way(void **state)
{
    static const refresh_row rows[] = {{600, 540000}, {3600, 3540000}, {121, 61000},
                                       {120, 60000},  {100, 50000},    {10, 5000},
                                       {2, 1000},     {1, 500},        {-1, 540000}};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        answer row = success;
        row.lifetime = rows[i].lifetime;
        floe_turn_allocation_free(&f->allocation);
        f->account->scope = FLOE_TURN_NONCE_FOR_ALL;
        begin_allocation(f);
        sent(f, bytes, &message);
        if (i == 0) {
            assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
            sent(f, bytes, &message);
        }
        assert_int_equal(respond(f, &row), FLOE_TURN_SUCCESS);
        assert_true(f->allocation.refresh.ns == rows[i].refresh_ms * 1000000);
    }
}

static void t7_a_refresh_keeps_it_and_a_failed_one_loses_it(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer kept = {.sign_with = "secret", .lifetime = 300};
    answer gone = {.code = 437, .sign_with = "secret", .lifetime = -1};

    allocate(f);
    f->now_ms = 540000;
    (void)floe_turn_allocation_time(&f->allocation, now(f));
    sent(f, bytes, &message);
    assert_int_equal(message.method, FLOE_STUN_REFRESH);
    assert_false(floe_stun_has(&message, FLOE_STUN_LIFETIME));
    assert_int_equal(respond(f, &kept), FLOE_TURN_GRANTED);
    assert_true(f->allocation.refresh.ns == UINT64_C(780000) * 1000000);
    f->now_ms = 780000;
    (void)floe_turn_allocation_time(&f->allocation, now(f));
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &gone), FLOE_TURN_LOST);
}

/* The next Refresh, and what came of its answer. */
static floe_turn_event refresh_by(fixture *f, uint16_t code)
{
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer error = {.code = code, .sign_with = "secret", .lifetime = code == 0 ? 600 : -1};

    send_refresh(f, bytes, &message);
    assert_int_equal(message.method, FLOE_STUN_REFRESH);
    return respond(f, &error);
}

/* RFC 8656 §8.3, RFC 8489 §6.3.4: 437 alone says that the allocation is gone. */
static void t7_a_refresh_that_is_refused_once_costs_nothing(void **state)
{
    static const uint16_t codes[] = {300, 400, 403, 405, 420, 440, 441,
                                     442, 443, 486, 501, 503, 508, 600};
    fixture *f = *state;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        begin_anew(f);
        allocate(f);
        f->allocation.paused_once = true;         /* what a 500 has else is another matter */
        for (int twice = 0; twice < 2; twice++) { /* counted anew */
            assert_int_equal(refresh_by(f, codes[i]), FLOE_TURN_REFUSED);
            assert_int_equal(f->allocation.state, FLOE_TURN_ALLOCATED);
            uint64_t refused = f->now_ms;
            assert_int_equal(refresh_by(f, 0), FLOE_TURN_GRANTED);
            assert_int_equal(f->now_ms - refused, codes[i] / 100 == 5 ? 15000 : 2000);
        }
    }
}

/* RFC 8656 §8.3: nor does a challenge end what stands by itself: anybody can send one (RFC 8489
 * §9.2.4), and a server may not find the user for a moment. */
static void t7_a_challenge_alone_ends_no_allocation(void **state)
{
    static const answer challenges[] = {
        {.code = 401, .realm = "r", .nonce = "n1", .lifetime = -1}, /* the nonce in use */
        {.code = 401, .lifetime = -1},
        {.code = 438, .realm = "r", .lifetime = -1},
    };
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    for (size_t i = 0; i < sizeof challenges / sizeof *challenges; i++) {
        for (int again = 0; again < 2; again++) {
            begin_anew(f);
            allocate(f);
            send_refresh(f, bytes, &message);
            assert_int_equal(respond(f, &challenges[i]), FLOE_TURN_NOTHING);
            assert_int_equal(listen_on(f), FLOE_TURN_REFUSED);
            if (!again) {
                assert_int_equal(refresh_by(f, 0), FLOE_TURN_GRANTED);
                continue;
            }
            send_refresh(f, bytes, &message);
            assert_int_equal(respond(f, &challenges[i]), FLOE_TURN_NOTHING);
            assert_int_equal(listen_on(f), FLOE_TURN_LOST);
        }
    }
}

/* T7: the second try has its pause, whoever doubts meanwhile; a 5xx is none of the two. */
static void t7_the_second_try_has_its_pause(void **state)
{
    fixture *f = *state;

    allocate(f);
    assert_int_equal(refresh_by(f, 503), FLOE_TURN_REFUSED);
    assert_int_equal(refresh_by(f, 400), FLOE_TURN_REFUSED);
    floe_time due = f->allocation.refresh;
    floe_turn_refresh_now(&f->allocation, now(f));
    assert_int_equal(f->allocation.refresh.ns, due.ns);
    assert_int_equal(refresh_by(f, 0), FLOE_TURN_GRANTED);
    floe_turn_refresh_now(&f->allocation, now(f));
    assert_true(floe_time_reached(now(f), f->allocation.refresh));
}

static void t7_a_refresh_that_is_refused_again_and_again(void **state)
{
    static const int lifetimes[] = {600, 300, 30, 10};
    fixture *f = *state;

    allocate(f);
    assert_int_equal(refresh_by(f, 403), FLOE_TURN_REFUSED);
    assert_int_equal(refresh_by(f, 403), FLOE_TURN_LOST);
    assert_int_equal(f->allocation.failure.code, 403);
    for (size_t i = 0; i < sizeof lifetimes / sizeof *lifetimes; i++) {
        uint64_t began = f->now_ms;
        begin_anew(f);
        allocate_for(f, lifetimes[i]);
        unsigned refusals = 0;
        while (refresh_by(f, 503) == FLOE_TURN_REFUSED && refusals < 100) {
            refusals++;
        }
        assert_in_range(refusals, 2, 10); /* to the lifetime's end, and no further */
        assert_in_range(f->now_ms - began, (unsigned)lifetimes[i] * 1000 - 3000,
                        (unsigned)lifetimes[i] * 1000);
    }
}

static void t7_a_doubt_is_asked_by_refresh_at_once(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer refreshed = {.sign_with = "secret", .lifetime = 600};
    answer mismatch = {.code = 437, .sign_with = "secret", .lifetime = -1};

    floe_turn_refresh_now(&f->allocation, now(f)); /* there is none yet */
    assert_true(floe_time_is_never(f->allocation.refresh));
    allocate(f);
    f->now_ms = 7000;
    floe_turn_refresh_now(&f->allocation, now(f));
    assert_true(floe_time_reached(now(f), floe_turn_allocation_deadline(&f->allocation)));
    assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_NOTHING);
    sent(f, bytes, &message);
    assert_int_equal(message.method, FLOE_STUN_REFRESH);
    floe_stun_id id = f->allocation.transaction.id;
    floe_turn_refresh_now(&f->allocation, now(f)); /* the one under way tells */
    assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_NOTHING);
    assert_false(f->allocation.wants);
    assert_true(floe_stun_id_equal(&id, &f->allocation.transaction.id));
    assert_int_equal(respond(f, &refreshed), FLOE_TURN_GRANTED);
    assert_int_equal(floe_turn_allocation_deadline(&f->allocation).ns,
                     floe_time_after(now(f), floe_seconds(540)).ns);
    floe_turn_refresh_now(&f->allocation, now(f));
    assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_NOTHING);
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &mismatch), FLOE_TURN_LOST);
    assert_int_equal(f->allocation.failure.code, 437);
    floe_turn_refresh_now(&f->allocation, now(f)); /* it is gone */
    assert_true(floe_time_is_never(floe_turn_allocation_deadline(&f->allocation)));
}

static void release_is_asked_for_where_something_is_owed(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    uint32_t lifetime;

    sent(f, bytes, &message);
    assert_false(floe_turn_allocation_release(&f->allocation)); /* nothing signed was sent */
    floe_turn_allocation_free(&f->allocation);
    begin_allocation(f);
    sent_signed(f, bytes, &message);
    assert_true(floe_turn_allocation_release(&f->allocation)); /* it may yet succeed there */
    floe_turn_allocation_free(&f->allocation);
    f->account->scope = FLOE_TURN_NONCE_PER_CLIENT;
    begin_allocation(f);
    allocate(f);
    assert_true(floe_turn_allocation_release(&f->allocation));
    (void)floe_turn_allocation_begin(&f->allocation, now(f));
    floe_span last = floe_turn_allocation_write(&f->allocation, bytes, sizeof bytes);
    assert_int_equal(floe_stun_parse(last, &message), FLOE_STUN_PARSED);
    assert_int_equal(message.method, FLOE_STUN_REFRESH);
    assert_true(floe_stun_read_u32(&message, FLOE_STUN_LIFETIME, &lifetime));
    assert_int_equal(lifetime, 0);
    assert_true(message.integrity_at != 0);
}

/* Another Allocate from here was given up, which may have made one: this one's end releases it,
 * unless it has made its own, which shows that there was none. */
static void release_is_owed_for_what_it_inherits(void **state)
{
    fixture *f = *state;
    answer full = {.code = 486, .sign_with = "secret", .lifetime = -1};
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    sent_signed(f, bytes, &message);
    f->allocation.inherits = true;
    assert_int_equal(respond(f, &full), FLOE_TURN_FAILED);
    assert_true(floe_turn_allocation_release(&f->allocation));
    floe_turn_allocation_free(&f->allocation);
    f->account->scope = FLOE_TURN_NONCE_PER_CLIENT;
    begin_allocation(f);
    f->allocation.inherits = true;
    allocate(f);
    assert_false(f->allocation.inherits);
}

static void an_unsigned_success_to_a_signed_request_is_not_believed(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer forged = success;

    sent_signed(f, bytes, &message);
    forged.sign_with = NULL;
    assert_int_equal(respond(f, &forged), FLOE_TURN_NOTHING);
    forged.sign_with = "guess";
    assert_int_equal(respond(f, &forged), FLOE_TURN_NOTHING);
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
}

/* RFC 7635: the token goes along, and the MAC key is the integrity key, whatever the realm. */
static void s3_oauth(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_turn_token token = {.key_size = 20, .size = 3, .bytes = {1, 2, 3}};
    floe_stun_message message;
    floe_turn_account *account;
    floe_stun_key *key;
    floe_span value;

    memset(token.key, 'k', token.key_size);
    assert_int_equal(floe_turn_account_new(&f->memory.table, &f->random.table, "s", "kid", NULL,
                                           &token, &account),
                     FLOE_OK);
    floe_turn_allocation_free(&f->allocation);
    floe_turn_allocation_init(&f->allocation, account, &f->server, floe_milliseconds(500), false,
                              &(floe_turn_wishes){.families = FLOE_TURN_IPV4});
    assert_int_equal(floe_turn_allocation_start(&f->allocation), FLOE_OK);
    sent(f, bytes, &message);
    assert_false(floe_stun_has(&message, FLOE_STUN_ACCESS_TOKEN)); /* nothing before it is asked */
    assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_true(floe_stun_find(&message, FLOE_STUN_ACCESS_TOKEN, &value));
    assert_true(floe_span_equal(value, floe_span_of(token.bytes, token.size)));
    assert_true(floe_stun_find(&message, FLOE_STUN_USERNAME, &value));
    assert_true(floe_span_equal(value, floe_span_text("kid")));
    assert_int_equal(
        floe_stun_key_short_term(&f->memory.table, floe_span_of(token.key, token.key_size), &key),
        FLOE_OK);
    assert_true(floe_stun_check_integrity(&message, key->sha1));
    floe_stun_key_release(key);
    assert_true(floe_turn_account_is(account, "kid", NULL, &token));
    assert_false(floe_turn_account_is(account, "kid", "kid", NULL));
    token.key[3] = 'x';
    assert_false(floe_turn_account_is(account, "kid", NULL, &token));
    floe_turn_account_release(account);
}

#define BOTH (FLOE_TURN_IPV4 | FLOE_TURN_IPV6)

/* Which families a request names: 'r'equested and 'a'dditional, by the standard's number, and 'd'
 * by the draft's. */
static void assert_asks(fixture *f, const char *right)
{
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    char asked[8] = "";
    uint8_t family = 2;

    sent(f, bytes, &message);
    if (floe_stun_read_u8(&message, FLOE_STUN_REQUESTED_ADDRESS_FAMILY, &family)) {
        (void)strcat(asked, "r");
    }
    if (floe_stun_read_u8(&message, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY, &family)) {
        (void)strcat(asked, "a");
    }
    if (floe_stun_read_u8(&message, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY_DRAFT, &family)) {
        (void)strcat(asked, "d");
    }
    assert_int_equal(family, 2);
    assert_string_equal(asked, right);
}

static void t5_families_that_are_asked_for(void **state)
{
    fixture *f = *state;

    assert_asks(f, "");
    begin_again(f, FLOE_TURN_IPV6);
    assert_asks(f, "r");
    begin_again(f, BOTH);
    assert_asks(f, "ad");
}

static void t5_both_families_in_one_allocation(void **state)
{
    fixture *f = *state;
    answer both = success;

    begin_again(f, BOTH);
    assert_asks(f, "ad");
    assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
    assert_asks(f, "ad");
    both.relayed_too = "[2001:db8::9]:5001";
    assert_int_equal(respond(f, &both), FLOE_TURN_SUCCESS);
    assert_int_equal(f->allocation.relayed.family, FLOE_FAMILY_IPV4);
    assert_int_equal(f->allocation.relayed_too->family, FLOE_FAMILY_IPV6);
    assert_int_equal(f->allocation.relayed_too->port, 5001);
    assert_int_equal(f->allocation.family_error, 0);
    assert_int_equal(f->allocation.missing, 0);
}

static void t5_two_of_one_family_are_one(void **state)
{
    fixture *f = *state;
    answer twice = success;

    begin_again(f, BOTH);
    assert_asks(f, "ad");
    twice.sign_with = NULL;
    twice.relayed_too = "198.51.100.10:5001";
    assert_int_equal(respond(f, &twice), FLOE_TURN_SUCCESS);
    assert_int_equal(f->allocation.relayed.port, 5000);
    assert_int_equal(floe_turn_relayed(&f->allocation, 1)->family, FLOE_FAMILY_NONE);
    assert_int_equal(f->allocation.missing, FLOE_TURN_IPV6); /* it does not know the wish */
}

static void t5_one_family_fails_and_the_other_stays(void **state)
{
    fixture *f = *state;
    answer partial = success;

    begin_again(f, BOTH);
    assert_asks(f, "ad");
    partial.sign_with = NULL;
    partial.family_error = 440;
    assert_int_equal(respond(f, &partial), FLOE_TURN_SUCCESS);
    assert_int_equal(floe_turn_relayed(&f->allocation, 1)->family, FLOE_FAMILY_NONE);
    assert_int_equal(f->allocation.family_error, 440);
    assert_int_equal(f->allocation.missing, 0);
}

/* What takes an allocation of its own is what a server has not been asked for, as it does not know
 * the wish for two; not what it says it has not. */
static void t5_the_other_family_of_who_does_not_know_the_wish(void **state)
{
    static const uint16_t codes[] = {400, 420, 440, 443, 508};
    fixture *f = *state;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const answer refused = {.code = codes[i], .lifetime = -1};
        answer first = success;
        first.sign_with = NULL;
        floe_turn_allocation_free(&f->allocation);
        begin_wishes(f, (floe_turn_wishes){.families = BOTH, .first = FLOE_TURN_IPV4});
        assert_asks(f, "ad");
        assert_int_equal(respond(f, &refused), FLOE_TURN_PROGRESS);
        assert_asks(f, "");
        assert_int_equal(respond(f, &first), FLOE_TURN_SUCCESS);
        assert_int_equal(f->allocation.missing, i < 2 ? FLOE_TURN_IPV6 : 0);
    }
}

/* A wish never costs the relay: whatever it says of both families, it is asked for one, that of the
 * base first; then for the other. */
static void t5_both_families_refused_are_asked_for_one_by_one(void **state)
{
    static const uint16_t codes[] = {400, 420, 440, 443, 508};
    fixture *f = *state;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        for (int ipv6 = 0; ipv6 < 2; ipv6++) {
            const answer refused = {.code = codes[i], .lifetime = -1};
            const answer none = {.code = 440, .lifetime = -1};
            floe_turn_allocation_free(&f->allocation);
            begin_wishes(f, (floe_turn_wishes){.families = BOTH,
                                               .first = ipv6 ? FLOE_TURN_IPV6 : FLOE_TURN_IPV4});
            assert_asks(f, "ad");
            assert_int_equal(respond(f, &refused), FLOE_TURN_PROGRESS);
            assert_asks(f, ipv6 ? "r" : "");
            assert_int_equal(respond(f, &refused), FLOE_TURN_PROGRESS);
            assert_asks(f, ipv6 ? "" : "r");
            assert_int_equal(respond(f, &none), FLOE_TURN_FAILED);
            assert_int_equal(f->allocation.failure.code, codes[i]); /* of the first */
        }
    }
    /* What is not of the families ends it at once. */
    const answer quota = {.code = 486, .lifetime = -1};
    begin_again(f, BOTH);
    assert_asks(f, "ad");
    assert_int_equal(respond(f, &quota), FLOE_TURN_FAILED);
}

/* Servers that drop what they do not know, though they may ignore it: the fourth packet, 3.5 s
 * after the first, is the last that a gathering waits for, and goes without wishes. */
static void t5_an_allocate_without_answer_goes_without_wishes(void **state)
{
    static const uint64_t sends[] = {500, 1500, 3500, 7500};
    fixture *f = *state;

    for (int answered = 0; answered < 2; answered++) {
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        f->now_ms = 0;
        floe_turn_allocation_free(&f->allocation);
        begin_wishes(f,
                     (floe_turn_wishes){.families = BOTH, .first = FLOE_TURN_IPV6, .mobile = true});
        sent(f, bytes, &message);
        if (answered) {
            assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
            sent(f, bytes, &message);
        }
        for (size_t i = 0; i < sizeof sends / sizeof *sends; i++) {
            floe_stun_id id = f->allocation.transaction.id;
            bool plain = !answered && i >= 2;
            f->now_ms = sends[i];
            assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_SEND);
            floe_span request = floe_turn_allocation_write(&f->allocation, bytes, sizeof bytes);
            assert_int_equal(floe_stun_parse(request, &message), FLOE_STUN_PARSED);
            assert_int_equal(floe_stun_has(&message, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY), !plain);
            assert_int_equal(floe_stun_has(&message, FLOE_STUN_MOBILITY_TICKET), !plain);
            assert_int_equal(floe_stun_has(&message, FLOE_STUN_REQUESTED_ADDRESS_FAMILY), plain);
            assert_int_equal(floe_stun_id_equal(&id, &f->allocation.transaction.id),
                             answered || i != 2);
        }
    }
}

/* Pion signs no refusal: of an even port, say. It is not believed, and what it speaks of is not wished
 * again: in the next packet, or by a stream in another Allocate. */
static void t5_a_refusal_that_nobody_signed_costs_the_wish_alone(void **state)
{
    static const uint16_t codes[] = {400, 405, 420, 440, 443, 508};
    fixture *f = *state;
    const floe_turn_wishes wishes = {.families = FLOE_TURN_IPV4, .even_port = true};

    for (size_t i = 0; i < 2 * sizeof codes / sizeof *codes; i++) {
        bool stream = i % 2 == 1;
        const answer refusal = {.code = codes[i / 2], .lifetime = -1};
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        begin_anew(f);
        floe_turn_allocation_free(&f->allocation);
        floe_turn_allocation_init(&f->allocation, f->account, &f->server, floe_milliseconds(500),
                                  stream, &wishes);
        assert_int_equal(floe_turn_allocation_start(&f->allocation), FLOE_OK);
        sent_signed(f, bytes, &message);
        assert_true(floe_stun_has(&message, FLOE_STUN_EVEN_PORT));
        assert_int_equal(respond(f, &refusal), FLOE_TURN_NOTHING);
        f->now_ms += 100;
        assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)),
                         stream ? FLOE_TURN_PROGRESS : FLOE_TURN_SEND);
        if (stream) {
            sent(f, bytes, &message);
        } else {
            floe_span request = floe_turn_allocation_write(&f->allocation, bytes, sizeof bytes);
            assert_int_equal(floe_stun_parse(request, &message), FLOE_STUN_PARSED);
        }
        assert_false(floe_stun_has(&message, FLOE_STUN_EVEN_PORT));
        assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
    }
}

/* The server may be far away, and its own answer under way for as long as its challenge was. */
static void t5_a_refusal_that_nobody_signed_waits_for_the_servers_answer(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    const answer refusal = {.code = 508, .lifetime = -1};

    begin_anew(f);
    floe_turn_allocation_free(&f->allocation);
    begin_families(f, BOTH);
    sent(f, bytes, &message);
    f->now_ms += 300;
    assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &refusal), FLOE_TURN_NOTHING);
    f->now_ms += 300;
    assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_NOTHING);
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
}

/* A server further away than a wait: its challenge came behind the second send. */
static void t5_a_refusal_that_nobody_signed_waits_for_who_is_far_away(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    const answer refusal = {.code = 508, .lifetime = -1};

    begin_anew(f);
    floe_turn_allocation_free(&f->allocation);
    begin_families(f, BOTH);
    sent(f, bytes, &message);
    f->now_ms += 500;
    assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_SEND);
    f->now_ms += 100;
    assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &refusal), FLOE_TURN_NOTHING);
    f->now_ms += 499;
    assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_NOTHING);
}

/* Each family in its turn, as where the refusals are signed. */
static void t5_refusals_that_nobody_signed_leave_the_other_family(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    const answer refusal = {.code = 440, .lifetime = -1};

    begin_anew(f);
    floe_turn_allocation_free(&f->allocation);
    begin_wishes(f, (floe_turn_wishes){.families = BOTH, .first = FLOE_TURN_IPV6});
    sent_signed(f, bytes, &message);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(respond(f, &refusal), FLOE_TURN_NOTHING);
        f->now_ms += 100;
        assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_SEND);
        (void)floe_turn_allocation_write(&f->allocation, bytes, sizeof bytes);
    }
    assert_int_equal(f->allocation.wishes.families, FLOE_TURN_IPV4);
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
}

/* Silence says nothing of a family: of who is asked without wishes the first is asked for until that is
 * answered. */
static void t5_silence_costs_no_family(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    begin_anew(f);
    floe_turn_allocation_free(&f->allocation);
    f->account->deaf = true;
    begin_wishes(f, (floe_turn_wishes){.families = BOTH, .first = FLOE_TURN_IPV4});
    sent_signed(f, bytes, &message);
    for (int sends = 1; sends < 5; sends++) {
        f->now_ms += 500U << (sends - 1);
        assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_SEND);
        (void)floe_turn_allocation_write(&f->allocation, bytes, sizeof bytes);
    }
    assert_int_equal(f->allocation.wishes.families, FLOE_TURN_IPV4);
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
    assert_int_equal(f->allocation.missing, FLOE_TURN_IPV6);
}

/* What is asked for beside another is a wish as a whole: nobody waits for it any longer. */
static void t5_a_refusal_that_nobody_signed_ends_what_is_asked_for_beside(void **state)
{
    fixture *f = *state;
    const answer refusal = {.code = 440, .lifetime = -1};

    for (int stream = 0; stream < 2; stream++) {
        const floe_turn_wishes wishes = {.families = FLOE_TURN_IPV6, .beside = true};
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        begin_anew(f);
        floe_turn_allocation_free(&f->allocation);
        floe_turn_allocation_init(&f->allocation, f->account, &f->server, floe_milliseconds(500),
                                  stream != 0, &wishes);
        assert_int_equal(floe_turn_allocation_start(&f->allocation), FLOE_OK);
        sent_signed(f, bytes, &message);
        assert_int_equal(respond(f, &refusal), FLOE_TURN_NOTHING);
        f->now_ms += 100;
        assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_FAILED);
        assert_int_equal(f->allocation.failure.code, 440);
    }
}

/* Who refuses a wish has heard it, signed or not: its silence before was loss. */
static void t5_who_refuses_a_wish_is_not_deaf(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    const answer refusal = {.code = 440, .lifetime = -1};

    begin_anew(f);
    floe_turn_allocation_free(&f->allocation);
    begin_families(f, BOTH);
    sent_signed(f, bytes, &message);
    for (int i = 0; i < 2; i++) {
        floe_turn_allocation_beside(&f->allocation);
        f->now_ms += 2000;
        assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_SEND);
    }
    assert_int_equal(respond(f, &refusal), FLOE_TURN_NOTHING);
    f->now_ms += 100;
    assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_SEND);
    (void)floe_turn_allocation_write(&f->allocation, bytes, sizeof bytes);
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
    assert_false(f->account->deaf);
}

/* coturn 4.6.1, of whose ports no two are left side by side: 508, and then, by the same socket, a success
 * without an address. */
static void t6_an_allocation_at_no_address(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    const answer none = {.code = 508, .lifetime = -1, .sign_with = "secret"};
    answer nowhere = success;

    nowhere.relayed = "0.0.0.0:0";
    begin_anew(f);
    floe_turn_allocation_free(&f->allocation);
    begin_wishes(f, (floe_turn_wishes){.families = FLOE_TURN_IPV4, .even_port = true});
    sent_signed(f, bytes, &message);
    assert_int_equal(respond(f, &none), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_false(floe_stun_has(&message, FLOE_STUN_EVEN_PORT));
    assert_int_equal(respond(f, &nowhere), FLOE_TURN_MISMATCH);
    assert_false(floe_turn_allocation_stands(&f->allocation));
}

/* coturn 4.6.1 that listens on IPv6 alone gives such an address for IPv4, beside the good one: after a refused wish too. */
static void t6_an_address_for_one_of_two_families(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    const answer no_mobility = {.code = 405, .lifetime = -1, .sign_with = "secret"};
    answer one = success;

    one.relayed = "0.0.0.0:0";
    one.relayed_too = "[2001:db8::5]:5";
    begin_anew(f);
    floe_turn_allocation_free(&f->allocation);
    begin_wishes(f, (floe_turn_wishes){.families = BOTH, .mobile = true});
    sent_signed(f, bytes, &message);
    assert_int_equal(respond(f, &no_mobility), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &one), FLOE_TURN_SUCCESS);
    assert_true(floe_turn_allocation_stands(&f->allocation));
}

/* coturn, restarted with another realm, says 437 to a request that is signed by the one of before, and
 * signs it not: that is no word of what stands on our port. */
static void t2_a_server_may_have_another_realm_by_now(void **state)
{
    static const uint16_t codes[] = {437, 441, 400};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const answer foreign = {.code = codes[i], .lifetime = -1};
        begin_anew(f);
        allocate_for(f, 600);
        begin_again(f, FLOE_TURN_IPV4);
        sent(f, bytes, &message);
        assert_true(floe_stun_has(&message, FLOE_STUN_REALM));
        assert_int_equal(respond(f, &foreign), FLOE_TURN_PROGRESS);
        sent(f, bytes, &message);
        assert_int_equal(message.method, FLOE_STUN_ALLOCATE);
        assert_false(floe_stun_has(&message, FLOE_STUN_REALM));
        assert_null(f->account->realm); /* nor does the next client try that */
        assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
        sent(f, bytes, &message);
        assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
    }
}

/* And that is over with its Allocate: what comes later finds no time set. */
static void t5_a_refusal_that_nobody_signed_is_over_with_its_request(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    const answer refusal = {.code = 508, .lifetime = -1};

    begin_anew(f);
    floe_turn_allocation_free(&f->allocation);
    begin_families(f, BOTH);
    sent_signed(f, bytes, &message);
    assert_int_equal(respond(f, &refusal), FLOE_TURN_NOTHING);
    assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
    assert_int_equal(respond(f, &success), FLOE_TURN_NOTHING); /* the network has doubled it */
    assert_true(floe_turn_allocation_deadline(&f->allocation).ns > now(f).ns + 1000000000);
}

/* RFC 8656 §7.3: what was not asked for is no relay, and the server is told so. */
static void t5_a_family_that_was_not_asked_for_is_released(void **state)
{
    fixture *f = *state;
    answer other = success;
    answer both = success;
    const answer none = {.code = 440, .lifetime = -1};

    other.sign_with = both.sign_with = NULL;
    both.relayed_too = "[2001:db8::9]:5001";
    begin_again(f, FLOE_TURN_IPV6);
    assert_asks(f, "r");
    assert_int_equal(respond(f, &other), FLOE_TURN_FAILED);
    assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_BAD_ANSWER);
    assert_non_null(strstr(f->allocation.failure.reason, "IPv4"));
    assert_true(floe_turn_allocation_release(&f->allocation));
    /* One of two is not: it stays. */
    begin_again(f, FLOE_TURN_IPV6);
    assert_asks(f, "r");
    assert_int_equal(respond(f, &both), FLOE_TURN_SUCCESS);
    assert_int_equal(f->allocation.relayed.family, FLOE_FAMILY_IPV6);
    assert_int_equal(floe_turn_relayed(&f->allocation, 1)->family, FLOE_FAMILY_NONE);
    /* The other family is wanted, too: it is asked for by itself. */
    floe_turn_allocation_free(&f->allocation);
    begin_wishes(f, (floe_turn_wishes){.families = BOTH, .first = FLOE_TURN_IPV6});
    assert_asks(f, "ad");
    assert_int_equal(respond(f, &none), FLOE_TURN_PROGRESS);
    assert_asks(f, "r");
    assert_int_equal(respond(f, &other), FLOE_TURN_MISMATCH);
    assert_true(floe_turn_allocation_stands(
        &f->allocation)); /* what is in the way there until it is deleted */
    floe_turn_allocation before = f->allocation;
    begin_wishes(f, (floe_turn_wishes){.families = BOTH, .first = FLOE_TURN_IPV6});
    floe_turn_allocation_wish_as(&f->allocation, &before);
    assert_asks(f, "");
    assert_int_equal(respond(f, &other), FLOE_TURN_SUCCESS);
    assert_int_equal(f->allocation.relayed.family, FLOE_FAMILY_IPV4);
    floe_turn_allocation_free(&before);
}

/* RFC 8489 §14.13: of a 420 what it names, and nothing else, is given up. */
static void t5_420_costs_what_it_names(void **state)
{
    static const struct {
        uint16_t unknown[3];
        const char *left; /* of families, fragment, port and mobility */
    } rows[] = {
        {{FLOE_STUN_DONT_FRAGMENT}, "b-pm"},
        {{FLOE_STUN_EVEN_PORT}, "bf-m"},
        {{FLOE_STUN_MOBILITY_TICKET}, "bfp-"},
        {{FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY}, "4fpm"},
        {{FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY_DRAFT, FLOE_STUN_DONT_FRAGMENT}, "4-pm"},
        {{FLOE_STUN_EVEN_PORT, FLOE_STUN_EVEN_PORT, FLOE_STUN_MOBILITY_TICKET}, "bf--"},
        {{0}, "4---"},
        {{FLOE_STUN_REQUESTED_TRANSPORT}, NULL},
    };
    fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        answer unknown = {.code = 420, .lifetime = -1};
        memcpy(unknown.unknown, rows[i].unknown, sizeof unknown.unknown);
        floe_turn_allocation_free(&f->allocation);
        begin_wishes(
            f, (floe_turn_wishes){
                   .families = BOTH, .dont_fragment = true, .even_port = true, .mobile = true});
        sent(f, bytes, &message);
        floe_turn_event event = respond(f, &unknown);
        assert_int_equal(event, rows[i].left == NULL ? FLOE_TURN_FAILED : FLOE_TURN_PROGRESS);
        if (rows[i].left != NULL) {
            const floe_turn_wishes *left = &f->allocation.wishes;
            char text[] = {left->families == BOTH ? 'b' : '4', left->dont_fragment ? 'f' : '-',
                           left->even_port ? 'p' : '-', left->mobile ? 'm' : '-', '\0'};
            assert_string_equal(text, rows[i].left);
        }
    }
    /* IPv6 alone is no wish: without it there is nothing that was asked for. */
    const answer unknown = {.code = 420, .lifetime = -1};
    begin_again(f, FLOE_TURN_IPV6);
    assert_asks(f, "r");
    assert_int_equal(respond(f, &unknown), FLOE_TURN_FAILED);
    assert_int_equal(f->allocation.failure.code, 420);
}

/* A request is sent; whether it has the attribute. */
static bool sends_with(fixture *f, uint16_t method, uint16_t attribute)
{
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    sent(f, bytes, &message);
    assert_int_equal(message.method, method);
    return floe_stun_has(&message, attribute);
}

/* RFC 8016: a ticket comes with the allocation, and a new one with each move. */
static void t10_an_allocation_moves(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    floe_span ticket;
    answer first = success;
    answer moved = {.sign_with = "secret", .lifetime = 600, .ticket = "second"};
    answer kept = {.sign_with = "secret", .lifetime = 600};

    floe_turn_allocation_free(&f->allocation);
    begin_wishes(f, (floe_turn_wishes){.families = FLOE_TURN_IPV4, .mobile = true});
    sent(f, bytes, &message);
    assert_true(floe_stun_find(&message, FLOE_STUN_MOBILITY_TICKET, &ticket));
    assert_int_equal(ticket.size, 0);
    assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
    assert_true(sends_with(f, FLOE_STUN_ALLOCATE, FLOE_STUN_MOBILITY_TICKET));
    first.ticket = "first";
    assert_int_equal(respond(f, &first), FLOE_TURN_SUCCESS);
    floe_turn_allocation_move(&f->allocation);
    sent(f, bytes, &message);
    assert_int_equal(message.method, FLOE_STUN_REFRESH);
    assert_true(floe_stun_find(&message, FLOE_STUN_MOBILITY_TICKET, &ticket));
    assert_true(floe_span_equal(ticket, floe_span_text("first")));
    /* From another address comes another nonce. */
    const answer stale = {.code = 438, .realm = "r", .nonce = "n2", .lifetime = -1};
    assert_int_equal(respond(f, &stale), FLOE_TURN_PROGRESS);
    assert_true(sends_with(f, FLOE_STUN_REFRESH, FLOE_STUN_MOBILITY_TICKET));
    assert_int_equal(respond(f, &moved), FLOE_TURN_GRANTED);
    assert_false(f->allocation.moving);
    /* One that only keeps it shows no ticket. */
    f->now_ms = 540000;
    (void)floe_turn_allocation_time(&f->allocation, now(f));
    assert_false(sends_with(f, FLOE_STUN_REFRESH, FLOE_STUN_MOBILITY_TICKET));
    assert_int_equal(respond(f, &kept), FLOE_TURN_GRANTED);
    floe_turn_allocation_move(&f->allocation);
    sent(f, bytes, &message);
    assert_true(floe_stun_find(&message, FLOE_STUN_MOBILITY_TICKET, &ticket));
    assert_true(floe_span_equal(ticket, floe_span_text("second")));
    /* A server that does not know it any more. */
    const answer unknown = {.code = 437, .sign_with = "secret", .lifetime = -1};
    assert_int_equal(respond(f, &unknown), FLOE_TURN_LOST);
}

/* L7: released while it moves, it is named by its ticket, as whoever asks comes from elsewhere. */
static void t10_a_release_while_it_moves(void **state)
{
    fixture *f = *state;
    answer first = success;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    for (int moves = 0; moves < 2; moves++) {
        floe_span ticket = {0};
        uint32_t lifetime = 1;
        floe_turn_allocation_free(&f->allocation);
        begin_wishes(f, (floe_turn_wishes){.families = FLOE_TURN_IPV4, .mobile = true});
        sent(f, bytes, &message);
        first.sign_with = NULL;
        first.ticket = "ticket";
        assert_int_equal(respond(f, &first), FLOE_TURN_SUCCESS);
        if (moves) {
            floe_turn_allocation_move(&f->allocation);
        }
        assert_true(floe_turn_allocation_release(&f->allocation));
        (void)floe_turn_allocation_begin(&f->allocation, now(f));
        floe_span request = floe_turn_allocation_write(&f->allocation, bytes, sizeof bytes);
        assert_int_equal(floe_stun_parse(request, &message), FLOE_STUN_PARSED);
        assert_int_equal(message.method, FLOE_STUN_REFRESH);
        assert_true(floe_stun_read_u32(&message, FLOE_STUN_LIFETIME, &lifetime));
        assert_int_equal(lifetime, 0);
        assert_int_equal(floe_stun_find(&message, FLOE_STUN_MOBILITY_TICKET, &ticket), moves);
        assert_true(!moves || floe_span_equal(ticket, floe_span_text("ticket")));
        /* Or the NAT has given us another address: who is not known by it is by the ticket. */
        const answer unknown = {.code = 437, .lifetime = -1};
        floe_turn_event event = respond(f, &unknown);
        if (!moves) {
            assert_int_equal(event, FLOE_TURN_PROGRESS);
            sent(f, bytes, &message);
            assert_true(floe_stun_find(&message, FLOE_STUN_MOBILITY_TICKET, &ticket));
            event = respond(f, &unknown);
        }
        assert_int_equal(event, FLOE_TURN_RELEASED);
    }
}

static void t10_405_is_asked_without(void **state)
{
    fixture *f = *state;
    const answer forbidden = {.code = 405, .lifetime = -1};

    floe_turn_allocation_free(&f->allocation);
    begin_wishes(f, (floe_turn_wishes){.families = FLOE_TURN_IPV4, .mobile = true});
    assert_true(sends_with(f, FLOE_STUN_ALLOCATE, FLOE_STUN_MOBILITY_TICKET));
    assert_int_equal(respond(f, &forbidden), FLOE_TURN_PROGRESS);
    assert_false(sends_with(f, FLOE_STUN_ALLOCATE, FLOE_STUN_MOBILITY_TICKET));
    assert_int_equal(respond(f, &forbidden), FLOE_TURN_FAILED);
}

static void t10_a_ticket_too_large_is_not_kept(void **state)
{
    static char large[FLOE_TURN_TICKET_MAX + 2];
    fixture *f = *state;
    answer first = success;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    for (size_t size = FLOE_TURN_TICKET_MAX; size <= FLOE_TURN_TICKET_MAX + 1; size++) {
        floe_turn_allocation_free(&f->allocation);
        begin_wishes(f, (floe_turn_wishes){.families = FLOE_TURN_IPV4, .mobile = true});
        sent(f, bytes, &message);
        memset(large, 't', size);
        large[size] = '\0';
        first.sign_with = NULL;
        first.ticket = large;
        assert_int_equal(respond(f, &first), FLOE_TURN_SUCCESS);
        assert_int_equal(f->allocation.ticket != NULL, size == FLOE_TURN_TICKET_MAX);
    }
}

/* RFC 8656 §18.7, §18.10: the next port is for whoever shows the token. */
static void even_port_and_reservation(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    floe_span value;
    answer reserved = success;
    floe_turn_wishes wishes = {.families = BOTH, .even_port = true};
    const char *asked[] = {"ad", "", "r"};

    floe_turn_allocation_free(&f->allocation);
    begin_wishes(f, wishes);
    sent(f, bytes, &message);
    assert_true(floe_stun_find(&message, FLOE_STUN_EVEN_PORT, &value));
    assert_int_equal(value.size, 1);
    assert_int_equal(value.data[0], 0x80);
    assert_false(floe_stun_has(&message, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY));
    reserved.sign_with = NULL;
    reserved.reservation = "12345678";
    assert_int_equal(respond(f, &reserved), FLOE_TURN_SUCCESS);
    assert_true(f->allocation.reserves);
    assert_memory_equal(f->allocation.wishes.reservation, "12345678", 8);
    wishes.even_port = false;
    wishes.reserved = true;
    memcpy(wishes.reservation, "12345678", 8);
    floe_turn_allocation_free(&f->allocation);
    begin_wishes(f, wishes);
    sent(f, bytes, &message);
    assert_true(floe_stun_find(&message, FLOE_STUN_RESERVATION_TOKEN, &value));
    assert_true(floe_span_equal(value, floe_span_text("12345678")));
    assert_false(floe_stun_has(&message, FLOE_STUN_EVEN_PORT));
    assert_false(floe_stun_has(&message, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY_DRAFT));
    /* It came too late: any port is better than none. */
    const answer gone = {.code = 508, .lifetime = -1};
    assert_int_equal(respond(f, &gone), FLOE_TURN_PROGRESS);
    assert_false(f->allocation.wishes.reserved);
    for (size_t i = 0; i < 3; i++) {
        assert_asks(f, asked[i]);
        assert_int_equal(respond(f, &gone), i < 2 ? FLOE_TURN_PROGRESS : FLOE_TURN_FAILED);
    }
    assert_int_equal(f->allocation.failure.code, 508);
}

static void k1_dont_fragment_where_it_works(void **state)
{
    fixture *f = *state;
    const answer unknown = {.code = 420, .lifetime = -1};

    floe_turn_allocation_free(&f->allocation);
    begin_wishes(f, (floe_turn_wishes){.families = FLOE_TURN_IPV4, .dont_fragment = true});
    assert_true(sends_with(f, FLOE_STUN_ALLOCATE, FLOE_STUN_DONT_FRAGMENT));
    assert_int_equal(respond(f, &unknown), FLOE_TURN_PROGRESS);
    assert_false(sends_with(f, FLOE_STUN_ALLOCATE, FLOE_STUN_DONT_FRAGMENT));
    assert_false(f->allocation.wishes.dont_fragment);
}

static const uint16_t both_algorithms[] = {FLOE_STUN_PASSWORD_SHA256, FLOE_STUN_PASSWORD_MD5};

static void t3_sha256_and_user_hashes(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    floe_span value;
    answer good = success;
    const answer asks = {.code = 401,
                         .realm = "r",
                         .nonce = "obMatJos2wAAAxyz",
                         .lifetime = -1,
                         .algorithms = both_algorithms};
    const floe_span parts[] = {floe_span_text("user:r")};
    uint8_t hash[FLOE_SHA256_SIZE];

    sent(f, bytes, &message);
    assert_int_equal(respond(f, &asks), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_int_equal(floe_digest(FLOE_HASH_SHA256, parts, 1, hash), FLOE_OK);
    assert_true(floe_stun_find(&message, FLOE_STUN_USERHASH, &value));
    assert_true(floe_span_equal(value, floe_span_of(hash, sizeof hash)));
    assert_false(floe_stun_has(&message, FLOE_STUN_USERNAME));
    assert_true(floe_stun_find(&message, FLOE_STUN_PASSWORD_ALGORITHMS, &value));
    assert_int_equal(value.size, 8);
    assert_true(floe_stun_find(&message, FLOE_STUN_PASSWORD_ALGORITHM, &value));
    assert_int_equal(value.data[1], FLOE_STUN_PASSWORD_SHA256);
    assert_int_equal(message.integrity_at, 0);
    assert_true(floe_stun_check_integrity_sha256(&message, f->allocation.realm->key->sha256));
    good.sha256 = true;
    assert_int_equal(respond(f, &good), FLOE_TURN_SUCCESS);
}

/* RFC 8656 §6: of both, SHA-256, whatever their order. */
static void t3_sha256_is_taken_where_it_is_offered(void **state)
{
    static const uint16_t md5_first[] = {FLOE_STUN_PASSWORD_MD5, FLOE_STUN_PASSWORD_SHA256};
    static const uint16_t unknown_first[] = {99, FLOE_STUN_PASSWORD_SHA256};
    static const uint16_t md5[] = {FLOE_STUN_PASSWORD_MD5, 99};
    static const uint16_t unknown_only[] = {99, 98};
    const uint16_t *const offers[] = {md5_first, unknown_first, both_algorithms, md5, unknown_only};
    fixture *f = *state;

    for (int i = 0; i < 5; i++) {
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        floe_span value;
        const answer asks = {.code = 401,
                             .realm = i == 0 ? "a" : "b",
                             .nonce = "obMatJos2gAAA",
                             .lifetime = -1,
                             .algorithms = offers[i]};
        begin_anew(f);
        sent(f, bytes, &message);
        if (i == 4) {
            assert_int_equal(respond(f, &asks), FLOE_TURN_FAILED);
            assert_non_null(strstr(f->allocation.failure.reason, "unknown algorithms"));
            return;
        }
        assert_int_equal(respond(f, &asks), FLOE_TURN_PROGRESS);
        sent(f, bytes, &message);
        assert_true(floe_stun_find(&message, FLOE_STUN_PASSWORD_ALGORITHM, &value));
        assert_int_equal(value.data[1],
                         i == 3 ? FLOE_STUN_PASSWORD_MD5 : FLOE_STUN_PASSWORD_SHA256);
        assert_true(floe_stun_has(&message, FLOE_STUN_USERNAME));
    }
}

/* SECURITY.md, RFC 8489 §6.3.4: who can see our requests but has no key ends nothing that stands, as the
 * server's own answer comes right behind; however often. */
static void t7_what_nobody_has_signed_ends_nothing(void **state)
{
    static const answer forged[] = {
        {.code = 401, .realm = "r", .nonce = "n1", .lifetime = -1}, /* the nonce in use */
        {.code = 401, .lifetime = -1},
        {.code = 401, .realm = "r", .nonce = "n2", .extra = 0x7fff, .lifetime = -1},
        {.code = 438, .realm = "r", .nonce = "n2", .extra = 0x7fff, .lifetime = -1},
        {.code = 438, .realm = "r", .nonce = "obMatJos2gAAAxyz", .lifetime = -1},
    };
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer good = {.sign_with = "secret", .lifetime = 600};

    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        begin_anew(f);
        allocate(f);
        for (int again = 0; again < 5; again++) {
            send_refresh(f, bytes, &message);
            assert_int_equal(respond(f, &forged[i]), FLOE_TURN_NOTHING);
            f->now_ms += 100;
            assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_NOTHING);
            assert_int_equal(respond(f, &good), FLOE_TURN_GRANTED);
        }
    }
}

/* Likewise, challenges that are answered: the server's own answer to the request before is believed. */
static void t7_the_answer_to_a_request_that_somebody_challenged(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    char nonce[16];

    for (uint16_t code = 401; code <= 438; code += 37) {
        begin_anew(f);
        allocate(f);
        for (int again = 0; again < 20; again++) {
            const answer forged = {.code = code, .realm = "r", .nonce = nonce, .lifetime = -1};
            (void)snprintf(nonce, sizeof nonce, "forged %d", again);
            send_refresh(f, bytes, &message);
            floe_stun_id id = message.id;
            const answer good = {.sign_with = "secret", .lifetime = 600, .to = &id};
            assert_int_equal(respond(f, &forged), FLOE_TURN_PROGRESS);
            if (again % 2 != 0) {
                sent(f, bytes, &message);
            }
            assert_int_equal(respond(f, &good), FLOE_TURN_GRANTED);
            assert_false(f->allocation.wants);
        }
    }
}

/* What nobody has signed is listened behind for a round trip more than an RTO. */
static void t7_the_way_to_the_server_may_be_long(void **state)
{
    const answer forged = {.code = 401, .realm = "r", .nonce = "n1", .lifetime = -1};
    const answer good = {.sign_with = "secret", .lifetime = 600};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    allocate(f);
    for (int again = 0; again < 5; again++) {
        send_refresh(f, bytes, &message);
        if (again > 0) {
            assert_int_equal(respond(f, &forged), FLOE_TURN_NOTHING);
        }
        f->now_ms += again == 0 ? 450 : 900;
        (void)floe_turn_allocation_time(&f->allocation, now(f));
        assert_int_equal(respond(f, &good), FLOE_TURN_GRANTED);
    }
}

/* RFC 8489 §6.2.1: what another request of the relay's learns between the time to send again and the
 * sending makes other bytes, which are another transaction. */
static void t2_what_is_signed_anew_has_another_id(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    allocate(f);
    send_refresh(f, bytes, &message);
    floe_stun_id id = f->allocation.transaction.id;
    f->now_ms += 500;
    assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_SEND);
    f->allocation.signature++;
    (void)floe_turn_allocation_write(&f->allocation, bytes, sizeof bytes);
    assert_false(floe_stun_id_equal(&id, &f->allocation.transaction.id));
}

/* T6: what stands there is another user's, who deletes nothing of it: Pion says so without a signature. */
static void t6_another_users_allocation_is_not_deleted(void **state)
{
    static const uint16_t codes[] = {437, 441};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    const answer mismatch = {.code = 437, .lifetime = -1};

    for (size_t i = 0; i < 2; i++) {
        const answer refusal = {.code = codes[i], .lifetime = -1};
        begin_anew(f);
        sent_signed(f, bytes, &message);
        assert_int_equal(respond(f, &mismatch), FLOE_TURN_MISMATCH);
        assert_true(floe_turn_allocation_reclaim(&f->allocation));
        sent(f, bytes, &message);
        assert_int_equal(message.method, FLOE_STUN_REFRESH);
        assert_int_equal(respond(f, &refusal),
                         codes[i] == 441 ? FLOE_TURN_MISMATCH : FLOE_TURN_PROGRESS);
    }
}

/* T6: why what stands there is not deleted is no word of what another port would be given: the Allocate's own
 * refusal is told, or that it is another user's. */
static void t6_what_is_not_deleted_ends_no_allocate(void **state)
{
    static const uint16_t codes[] = {400, 401, 403, 420, 441, 442, 486};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    const answer mismatch = {.code = 437, .lifetime = -1};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const answer refusal = {.code = codes[i],
                                .lifetime = -1,
                                .realm = "r",
                                .nonce = "n1",
                                .sign_with = codes[i] != 401 ? "secret" : NULL};
        begin_anew(f);
        sent_signed(f, bytes, &message);
        assert_int_equal(respond(f, &mismatch), FLOE_TURN_MISMATCH);
        assert_true(floe_turn_allocation_reclaim(&f->allocation));
        sent(f, bytes, &message);
        floe_turn_event event = respond(f, &refusal);
        if (event == FLOE_TURN_PROGRESS) { /* 401 by another nonce is tried once more */
            sent(f, bytes, &message);
            event = respond(f, &refusal);
        }
        assert_int_equal(event, FLOE_TURN_MISMATCH);
        assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_ERROR_RESPONSE);
        assert_int_equal(f->allocation.failure.code, codes[i] == 441 ? 441 : 437);
        assert_false(floe_turn_allocation_stands(&f->allocation));
    }
}

/* T6, L12: what another machine of this account has left is released until its server says that it is gone, or never
 * was ours. */
static void t6_what_is_left_is_released(void **state)
{
    static const answer ends[] = {{.sign_with = "secret", .lifetime = 0},
                                  {.code = 437, .lifetime = -1},
                                  {.code = 441, .lifetime = -1},
                                  {.code = 403, .sign_with = "secret", .lifetime = -1},
                                  {.code = 503, .sign_with = "secret", .lifetime = -1}};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    uint32_t lifetime;

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        floe_turn_event event = FLOE_TURN_FAILED;
        begin_anew(f);
        floe_turn_allocation_inherit(&f->allocation);
        assert_true(floe_turn_allocation_release(&f->allocation));
        for (int again = 0; again < 2 && event == FLOE_TURN_FAILED; again++) {
            f->allocation.wants = true;
            sent(f, bytes, &message);
            assert_int_equal(message.method, FLOE_STUN_REFRESH);
            if (message.integrity_at == 0) {
                assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
                sent(f, bytes, &message);
            }
            assert_true(floe_stun_read_u32(&message, FLOE_STUN_LIFETIME, &lifetime));
            assert_int_equal(lifetime, 0);
            event = respond(f, &ends[i]);
            assert_int_equal(floe_turn_allocation_stands(&f->allocation),
                             event == FLOE_TURN_FAILED);
        }
        assert_int_equal(event, i < 3 ? FLOE_TURN_RELEASED : FLOE_TURN_FAILED);
    }
    begin_anew(f);
    floe_turn_allocation_inherit(&f->allocation);
    assert_true(floe_turn_allocation_release(&f->allocation));
    sent(f, bytes, &message);
    floe_turn_event event = FLOE_TURN_SEND;
    while (event == FLOE_TURN_SEND) {
        event = floe_turn_allocation_time(&f->allocation,
                                          floe_turn_allocation_deadline(&f->allocation));
    }
    assert_int_equal(event, FLOE_TURN_FAILED);
    assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_TIMEOUT);
    assert_true(floe_turn_allocation_stands(&f->allocation));
}

/* And without memory it stands, for all that we know. */
static void t6_memory_fails_as_it_is_released(void **state)
{
    static const answer deleted = {.sign_with = "secret", .lifetime = 0};
    fixture *f = *state;
    bool succeeded = false;

    for (size_t n = 1; !succeeded; n++) {
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        begin_anew(f);
        f->memory.calls = 0;
        f->memory.fail_at = n;
        floe_turn_allocation_inherit(&f->allocation);
        assert_true(floe_turn_allocation_release(&f->allocation));
        sent(f, bytes, &message);
        floe_turn_event event =
            message.integrity_at == 0 ? respond(f, &challenge) : FLOE_TURN_PROGRESS;
        if (event == FLOE_TURN_PROGRESS) {
            if (f->allocation.wants) {
                sent(f, bytes, &message);
            }
            event = respond(f, &deleted);
        }
        assert_int_equal(floe_turn_allocation_stands(&f->allocation), event != FLOE_TURN_RELEASED);
        succeeded = f->memory.calls < n;
        assert_true(!succeeded || event == FLOE_TURN_RELEASED);
        f->memory.fail_at = 0;
    }
}

/* A process that stood still for a minute is no server that is a minute away. */
static void t7_time_in_which_nobody_ran_is_no_round_trip(void **state)
{
    const answer refusal = {.code = 401, .realm = "r", .nonce = "n1", .lifetime = -1};
    const answer good = {.sign_with = "secret", .lifetime = 600};
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    allocate(f);
    send_refresh(f, bytes, &message);
    f->now_ms += 60000;
    assert_int_equal(respond(f, &good), FLOE_TURN_GRANTED);
    send_refresh(f, bytes, &message);
    assert_int_equal(respond(f, &refusal), FLOE_TURN_NOTHING);
    f->now_ms += 1600; /* three RTOs */
    assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_REFUSED);
}

/* RFC 8489 §9.2.5: only what the server itself has asked for is the least that it asks for. A forged 438
 * that asks for more makes its honest one no weaker. */
static void t3_what_nobody_has_signed_raises_no_bar(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    const answer more = {.code = 438,
                         .realm = "r",
                         .nonce = "obMatJos2wAAAxyz",
                         .lifetime = -1,
                         .algorithms = both_algorithms};
    const answer honest = {.code = 438, .realm = "r", .nonce = "n3", .lifetime = -1};
    answer good = {.sign_with = "secret", .lifetime = 600};

    for (int allocated = 0; allocated < 2; allocated++) {
        begin_anew(f);
        if (allocated) {
            allocate(f);
            send_refresh(f, bytes, &message);
        } else {
            good = success;
            sent_signed(f, bytes, &message);
        }
        assert_int_equal(respond(f, &more), FLOE_TURN_PROGRESS);
        sent(f, bytes, &message);
        assert_int_equal(respond(f, &honest), FLOE_TURN_PROGRESS);
        sent(f, bytes, &message);
        assert_int_equal(respond(f, &good), allocated ? FLOE_TURN_GRANTED : FLOE_TURN_SUCCESS);
        good = (answer){.sign_with = "secret", .lifetime = 600};
    }
}

/* RFC 8489 §6.3.3, §6.3.4, RFC 8656 §8.3: an answer that cannot be understood ends its request, which is
 * sent once more, and not what stands. */
static void t7_an_answer_that_is_not_understood_ends_no_allocation(void **state)
{
    static const answer odd[] = {
        {.sign_with = "secret", .lifetime = 600, .extra = 0x7fff},
        {.code = 503, .sign_with = "secret", .lifetime = -1, .extra = 0x7fff},
        {.no_code = true, .sign_with = "secret", .lifetime = -1},
    };
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        begin_anew(f);
        allocate(f);
        send_refresh(f, bytes, &message);
        assert_int_equal(respond(f, &odd[i]), FLOE_TURN_REFUSED);
        assert_int_equal(refresh_by(f, 0), FLOE_TURN_GRANTED);
    }
}

/* RFC 8016 §3.2.1: who is not known by his address any more shows his ticket; where the 437 is not signed
 * (coturn), when nothing else has come for an RTO. A ticket that is not known is the end. */
static void t10_a_server_that_knows_us_no_more_is_shown_the_ticket(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer first = success;
    answer moved = {.sign_with = "secret", .lifetime = 600, .ticket = "second"};

    first.ticket = "first";
    for (int row = 0; row < 4; row++) {
        bool is_signed = row % 2 != 0;
        bool known = row / 2 != 0;
        const answer gone = {.code = 437, .sign_with = is_signed ? "secret" : NULL, .lifetime = -1};
        begin_anew(f);
        floe_turn_allocation_free(&f->allocation);
        begin_wishes(f, (floe_turn_wishes){.families = FLOE_TURN_IPV4, .mobile = true});
        sent_signed(f, bytes, &message);
        assert_int_equal(respond(f, &first), FLOE_TURN_SUCCESS);
        send_refresh(f, bytes, &message);
        assert_false(floe_stun_has(&message, FLOE_STUN_MOBILITY_TICKET));
        assert_int_equal(respond(f, &gone), is_signed ? FLOE_TURN_PROGRESS : FLOE_TURN_NOTHING);
        assert_true(is_signed || listen_on(f) == FLOE_TURN_PROGRESS);
        sent(f, bytes, &message);
        assert_true(floe_stun_has(&message, FLOE_STUN_MOBILITY_TICKET));
        if (known) {
            assert_int_equal(respond(f, &moved), FLOE_TURN_GRANTED);
            continue;
        }
        floe_turn_event event = respond(f, &gone);
        assert_int_equal(is_signed ? event : listen_on(f), FLOE_TURN_LOST);
    }
    /* coturn says 404 of a ticket that it does not know; what is refused otherwise may have been taken,
     * and the answer lost: it is asked as before. */
    static const uint16_t codes[] = {404, 400, 503};
    for (size_t i = 0; i < 3; i++) {
        const answer gone = {.code = 437, .sign_with = "secret", .lifetime = -1};
        const answer refusal = {
            .code = codes[i], .sign_with = i == 0 ? NULL : "secret", .lifetime = -1};
        begin_anew(f);
        floe_turn_allocation_free(&f->allocation);
        begin_wishes(f, (floe_turn_wishes){.families = FLOE_TURN_IPV4, .mobile = true});
        sent_signed(f, bytes, &message);
        assert_int_equal(respond(f, &first), FLOE_TURN_SUCCESS);
        send_refresh(f, bytes, &message);
        assert_int_equal(respond(f, &gone), FLOE_TURN_PROGRESS);
        sent(f, bytes, &message);
        assert_int_equal(respond(f, &refusal), i == 0 ? FLOE_TURN_NOTHING : FLOE_TURN_REFUSED);
        if (i == 0) {
            assert_int_equal(listen_on(f), FLOE_TURN_LOST);
            continue;
        }
        send_refresh(f, bytes, &message);
        assert_false(floe_stun_has(&message, FLOE_STUN_MOBILITY_TICKET));
        if (codes[i] == 503) { /* its server was in trouble: the ticket is shown again */
            assert_int_equal(respond(f, &gone), FLOE_TURN_PROGRESS);
            sent(f, bytes, &message);
            assert_true(floe_stun_has(&message, FLOE_STUN_MOBILITY_TICKET));
        }
        assert_int_equal(respond(f, &moved), FLOE_TURN_GRANTED);
    }
}

/* RFC 8489 §9.2.5: the retry has them all; a list so long that no request has room for it is told at
 * once, of an Allocate and of what is asked for a peer. */
static void t3_algorithms_that_do_not_fit(void **state)
{
    uint16_t list[FLOE_TURN_ALGORITHMS_MAX / 4 + 1] = {FLOE_STUN_PASSWORD_SHA256};
    fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        floe_span value;
        const answer asks = {.code = 401,
                             .realm = "r",
                             .nonce = "obMatJos2gAAA",
                             .lifetime = -1,
                             .algorithms = list,
                             .more_algorithms = FLOE_TURN_ALGORITHMS_MAX / 4 + i};
        begin_anew(f);
        sent(f, bytes, &message);
        if (i == 1) {
            assert_int_equal(respond(f, &asks), FLOE_TURN_FAILED);
            assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_BAD_ANSWER);
            assert_non_null(strstr(f->allocation.failure.reason, "too many algorithms"));
            return;
        }
        assert_int_equal(respond(f, &asks), FLOE_TURN_PROGRESS);
        sent(f, bytes, &message);
        assert_true(floe_stun_find(&message, FLOE_STUN_PASSWORD_ALGORITHMS, &value));
        assert_int_equal(value.size, FLOE_TURN_ALGORITHMS_MAX);
    }
}

/* What the nonce's bits promise and the message does not hold: somebody took it out (§9.2.1). No request goes
 * by it, and the one that is under way goes on: the server's own challenge may be right behind. */
static void t3_a_bid_down_is_refused(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    const answer stripped = {
        .code = 401, .realm = "r", .nonce = "obMatJos2gAAAxyz", .lifetime = -1};
    answer whole = stripped;
    answer good = success;

    whole.algorithms = both_algorithms;
    good.sha256 = true;
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &stripped), FLOE_TURN_NOTHING);
    assert_int_equal(f->allocation.transaction.dropped, FLOE_STUN_BID_DOWN);
    assert_false(f->allocation.wants || floe_turn_account_worth_signing(f->account));
    assert_int_equal(respond(f, &whole), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &good), FLOE_TURN_SUCCESS);
    /* Where nothing else comes, that is why. */
    begin_anew(f);
    sent(f, bytes, &message);
    floe_turn_event event = respond(f, &stripped);
    for (int sends = 1; event != FLOE_TURN_FAILED; sends++) {
        assert_true(sends <= FLOE_STUN_RC);
        f->now_ms = floe_turn_allocation_deadline(&f->allocation).ns / 1000000;
        event = floe_turn_allocation_time(&f->allocation, now(f));
    }
    assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_TIMEOUT);
    assert_int_equal(f->allocation.transaction.dropped, FLOE_STUN_BID_DOWN);
}

/* RFC 8489 §9.2.5: nor by a challenge that asks for less than the server did before: each request
 * shows what it asked for. */
static void t3_a_bid_down_by_a_nonce_without_features(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer good = success;
    const answer asks = {.code = 401,
                         .realm = "r",
                         .nonce = "obMatJos2wAAAxyz",
                         .lifetime = -1,
                         .algorithms = both_algorithms};
    const answer less = {.code = 438, .realm = "r", .nonce = "n2", .lifetime = -1};

    sent(f, bytes, &message);
    assert_int_equal(respond(f, &asks), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    good.sha256 = true;
    assert_int_equal(respond(f, &good), FLOE_TURN_SUCCESS);
    for (int twice = 0; twice < 2; twice++) {
        send_refresh(f, bytes, &message);
        assert_int_equal(message.method, FLOE_STUN_REFRESH);
        assert_true(floe_stun_has(&message, FLOE_STUN_PASSWORD_ALGORITHMS));
        assert_true(floe_stun_has(&message, FLOE_STUN_USERHASH));
        assert_true(floe_stun_check_integrity_sha256(&message, f->allocation.realm->key->sha256));
        assert_int_equal(respond(f, &less), FLOE_TURN_NOTHING);
        assert_int_equal(listen_on(f), twice ? FLOE_TURN_LOST : FLOE_TURN_REFUSED);
    }
    assert_string_equal(f->account->nonce, "obMatJos2wAAAxyz"); /* the next client's */
}

/* The same in a 438 to any request. */
static void t3_a_bid_down_by_a_stale_nonce(void **state)
{
    static const uint16_t methods[] = {FLOE_STUN_ALLOCATE, FLOE_STUN_REFRESH};
    fixture *f = *state;
    const answer stripped = {
        .code = 438, .realm = "r", .nonce = "obMatJos2gAAAxyz", .lifetime = -1};

    for (size_t i = 0; i < 2; i++) {
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        begin_anew(f);
        sent_signed(f, bytes, &message);
        if (methods[i] == FLOE_STUN_REFRESH) {
            assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
            f->now_ms += 540000;
            assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_NOTHING);
            sent(f, bytes, &message);
        }
        assert_int_equal(message.method, methods[i]);
        assert_int_equal(respond(f, &stripped), FLOE_TURN_NOTHING);
        assert_int_equal(f->allocation.transaction.dropped, FLOE_STUN_BID_DOWN);
        assert_false(f->allocation.wants);
        assert_string_equal(f->allocation.nonce, "n1");
        assert_int_equal(respond(f, &success),
                         methods[i] == FLOE_STUN_REFRESH ? FLOE_TURN_GRANTED : FLOE_TURN_SUCCESS);
    }
}

/* RFC 8489 §9.2.5: they go back as they came. */
static void t3_algorithms_count_without_the_cookie(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    answer asks = challenge;

    asks.algorithms = both_algorithms;
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &asks), FLOE_TURN_PROGRESS);
    sent(f, bytes, &message);
    assert_true(floe_stun_has(&message, FLOE_STUN_PASSWORD_ALGORITHMS));
    assert_true(floe_stun_has(&message, FLOE_STUN_PASSWORD_ALGORITHM));
    assert_true(message.integrity_sha256_at != 0);
}

/* RFC 8489 §9.2.5: on a stream an answer without a right integrity ends the transaction at once,
 * and says so; an unsigned 400 is as none, and what is rightly unsigned goes on. */
static void r5_on_a_stream_a_forged_answer_is_the_end(void **state)
{
    static const answer rows[] = {
        {.code = 508, .lifetime = -1},
        {.code = 508, .lifetime = -1, .sign_with = "other"},
        {.relayed = "198.51.100.9:5000", .lifetime = 600},
        {.code = 400, .lifetime = -1},
        {.code = 438, .realm = "r", .nonce = "n2", .lifetime = -1},
        {.sign_with = "secret",
         .nonce = "obMatJos2gAAAn2",
         .relayed = "198.51.100.9:5000",
         .lifetime = 600},
        {.code = 438, .realm = "r", .nonce = "obMatJos2gAAAn2", .lifetime = -1},
        {.code = 401, .realm = "r", .nonce = "obMatJos2gAAAn2", .lifetime = -1},
    };
    fixture *f = *state;
    const floe_turn_wishes wishes = {.families = FLOE_TURN_IPV4};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        floe_turn_allocation_free(&f->allocation);
        floe_turn_account_release(f->account);
        assert_int_equal(floe_turn_account_new(&f->memory.table, &f->random.table, "s", "user",
                                               "secret", NULL, &f->account),
                         FLOE_OK);
        floe_turn_allocation_init(&f->allocation, f->account, &f->server, floe_milliseconds(500),
                                  true, &wishes);
        assert_int_equal(floe_turn_allocation_start(&f->allocation), FLOE_OK);
        sent_signed(f, bytes, &message);
        floe_turn_event event = respond(f, &rows[i]);
        assert_int_equal(event, i == 4 ? FLOE_TURN_PROGRESS : FLOE_TURN_NOTHING);
        bool ends = floe_time_reached(now(f), floe_turn_allocation_deadline(&f->allocation));
        assert_int_equal(ends, i < 3 || i > 5);
        if (ends) {
            assert_int_equal(floe_turn_allocation_time(&f->allocation, now(f)), FLOE_TURN_FAILED);
            assert_int_equal(f->allocation.transaction.dropped, i == 1  ? FLOE_STUN_BAD_INTEGRITY
                                                                : i > 5 ? FLOE_STUN_BID_DOWN
                                                                        : FLOE_STUN_NO_INTEGRITY);
        } else if (i != 4) { /* as if it had not come: the right one still may */
            assert_int_equal(respond(f, &success), FLOE_TURN_SUCCESS);
        }
    }
}

static void t4_300_names_another_server(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    floe_address other = address_of("203.0.113.77:99");
    const answer elsewhere = {
        .code = 300, .lifetime = -1, .alternate = "203.0.113.77:99", .domain = "other.example"};
    const answer nowhere = {.code = 300, .lifetime = -1};

    sent(f, bytes, &message);
    assert_int_equal(respond(f, &elsewhere), FLOE_TURN_REDIRECT);
    assert_true(floe_address_equal(&f->allocation.alternate->address, &other));
    assert_string_equal(f->allocation.alternate->domain, "other.example");
    /* No name is none: nothing could be compared with it. */
    const answer unnamed = {
        .code = 300, .lifetime = -1, .alternate = "203.0.113.77:99", .domain = ""};
    begin_again(f, FLOE_TURN_IPV4);
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &unnamed), FLOE_TURN_REDIRECT);
    assert_string_equal(f->allocation.alternate->domain, "");
    begin_again(f, FLOE_TURN_IPV4);
    sent(f, bytes, &message);
    assert_int_equal(respond(f, &nowhere), FLOE_TURN_FAILED);
    assert_int_equal(f->allocation.failure.code, 300);
}

/* RFC 8489 §10, §14.8: to an Allocate that is not signed there is nothing to sign by. To one that is,
 * a 300 is signed or none. */
static void t4_a_300_is_believed_as_its_request_allows(void **state)
{
    static const struct {
        bool challenged;
        const char *sign_with;
        floe_turn_event event;
    } rows[] = {{false, NULL, FLOE_TURN_REDIRECT},
                {true, NULL, FLOE_TURN_NOTHING},
                {true, "other", FLOE_TURN_NOTHING},
                {true, "secret", FLOE_TURN_REDIRECT}};
    fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        const answer elsewhere = {.code = 300,
                                  .lifetime = -1,
                                  .alternate = "203.0.113.77:99",
                                  .sign_with = rows[i].sign_with};
        begin_anew(f);
        sent(f, bytes, &message);
        if (rows[i].challenged) {
            assert_int_equal(respond(f, &challenge), FLOE_TURN_PROGRESS);
            sent(f, bytes, &message);
        }
        assert_int_equal(message.integrity_at != 0, rows[i].challenged);
        assert_int_equal(respond(f, &elsewhere), rows[i].event);
    }
}

static void the_longest_request_fits(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    char username[509];
    char text[764];
    floe_turn_token token = {.key_size = 64, .size = sizeof token.bytes};
    floe_stun_message message;
    floe_turn_account *account;
    floe_turn_realm *realm;

    memset(username, 'u', sizeof username - 1);
    static const uint8_t algorithms[FLOE_TURN_ALGORITHMS_MAX];
    const floe_turn_security security = {.algorithm = FLOE_STUN_PASSWORD_SHA256,
                                         .algorithms = floe_span_of(algorithms, sizeof algorithms)};
    const floe_turn_wishes wishes = {.families = FLOE_TURN_IPV4 | FLOE_TURN_IPV6,
                                     .mobile = true,
                                     .dont_fragment = true,
                                     .even_port = true};
    username[sizeof username - 1] = '\0';
    memset(text, 'r', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(floe_turn_account_new(&f->memory.table, &f->random.table, "s", username, NULL,
                                           &token, &account),
                     FLOE_OK);
    assert_int_equal(floe_turn_account_realm(account, floe_span_text(text), &security, &realm),
                     FLOE_OK);
    floe_turn_account_learn(account, realm, floe_span_text(text));
    floe_turn_realm_release(realm);
    floe_turn_allocation_free(&f->allocation);
    floe_turn_allocation_init(&f->allocation, account, &f->server, floe_milliseconds(500), false,
                              &wishes);
    floe_turn_account_release(account);
    assert_int_equal(floe_turn_allocation_start(&f->allocation), FLOE_OK);
    sent(f, bytes, &message);
    assert_in_range(message.bytes.size, 3400, FLOE_TURN_REQUEST_SIZE - FLOE_TURN_TICKET_MAX - 4);
}

/* Lets the machine send what is signed with that nonce. */
static void signs_with(fixture *f, const char *nonce)
{
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    floe_span value;

    sent(f, bytes, &message);
    assert_true(floe_stun_find(&message, FLOE_STUN_NONCE, &value));
    assert_true(floe_span_equal(value, floe_span_text(nonce)));
}

/* It goes on with all that it was told, or fails by it: never with the half of it. */
static void each_allocation_of_memory_may_fail(void **state)
{
    static const answer stale = {.code = 438, .realm = "r", .nonce = "n2", .lifetime = -1};
    fixture *f = *state;
    bool succeeded = false;

    for (size_t n = 1; !succeeded; n++) {
        uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
        floe_stun_message message;
        floe_turn_allocation_free(&f->allocation);
        floe_turn_account_release(f->account);
        assert_int_equal(f->memory.live, 0);
        assert_int_equal(floe_turn_account_new(&f->memory.table, &f->random.table, "udp a 3478",
                                               "user", "secret", NULL, &f->account),
                         FLOE_OK);
        begin_allocation(f);
        f->memory.calls = 0;
        f->memory.fail_at = n;
        sent(f, bytes, &message);
        floe_turn_event event = respond(f, &challenge);
        if (event == FLOE_TURN_PROGRESS) {
            signs_with(f, "n1");
            event = respond(f, &stale);
        }
        if (event == FLOE_TURN_PROGRESS) {
            signs_with(f, "n2");
            event = respond(f, &success);
            assert_int_equal(event, FLOE_TURN_SUCCESS);
            succeeded = f->memory.calls < n;
        } else {
            assert_int_equal(event, FLOE_TURN_FAILED);
            assert_int_equal(f->allocation.failure.kind, FLOE_TURN_FAILURE_LOCAL);
        }
        f->memory.fail_at = 0;
    }
}

/* RFC 8489 §9.2.2: the key is of OpaqueString(realm), without quotes and trailing NULs. */
static void the_key_of_a_realm(void **state)
{
#define ROW(realm, keyed)                                                                          \
    {                                                                                              \
        floe_span_of(realm, sizeof(realm) - 1), keyed                                              \
    }
    const struct {
        floe_span realm;
        const char *keyed;
    } rows[] = {
        ROW("r", "r"),
        ROW("\"r\"", "r"),
        ROW("r\0\0", "r"),
        ROW("\"r\"\0", "r"),
        ROW("\"", "\""),
        ROW("", ""),
        ROW("r\xC2\xA0s", "r s"),     /* U+00A0, a space */
        ROW("e\xCC\x81", "\xC3\xA9"), /* to NFC */
        ROW("r\xE9", "r\xE9"),        /* no UTF-8: as it came */
        ROW("r\r\n", "r\r\n"),        /* nor are control characters of the profile */
    };
#undef ROW
    static const floe_turn_security plain = {.algorithm = FLOE_STUN_PASSWORD_MD5,
                                             .anonymous = true};
    fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_turn_realm *realm;
        floe_stun_key *key;
        floe_span bytes = floe_span_text("what is signed");
        floe_span keyed = floe_span_text(rows[i].keyed);
        uint8_t codes[2][FLOE_SHA256_SIZE];
        uint8_t userhash[FLOE_SHA256_SIZE];
        assert_int_equal(floe_turn_account_realm(f->account, rows[i].realm, &plain, &realm),
                         FLOE_OK);
        /* It goes back as it came. */
        assert_true(floe_span_equal(floe_span_of(realm->name, realm->size), rows[i].realm));
        assert_int_equal(floe_stun_key_long_term(&f->memory.table, FLOE_STUN_PASSWORD_MD5,
                                                 floe_span_text("user"), keyed,
                                                 floe_span_text("secret"), &key),
                         FLOE_OK);
        assert_int_equal(floe_mac_compute(realm->key->sha1, &bytes, 1, codes[0]), FLOE_OK);
        assert_int_equal(floe_mac_compute(key->sha1, &bytes, 1, codes[1]), FLOE_OK);
        assert_memory_equal(codes[0], codes[1], FLOE_SHA1_SIZE);
        assert_int_equal(floe_stun_userhash(floe_span_text("user"), keyed, userhash), FLOE_OK);
        assert_memory_equal(realm->userhash, userhash, sizeof userhash);
        floe_stun_key_release(key);
        floe_turn_realm_release(realm);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_key_of_a_realm),
        TEST(t5_a_server_that_hears_no_wishes_is_remembered),
        TEST(t5_a_send_without_wishes_may_meet_what_an_earlier_one_made),
        TEST(t2_refused_credentials_are_not_remembered),
        TEST(l7_what_an_unsigned_answer_hides_is_released),
        TEST(t2_a_remembered_nonce_is_forgotten_where_answers_are_unsigned),
        TEST(t7_a_challenge_alone_ends_no_allocation),
        TEST(t7_the_second_try_has_its_pause),
        TEST(t7_a_refresh_that_is_refused_again_and_again),
        TEST(t7_a_refresh_that_is_refused_once_costs_nothing),
        TEST(t1_allocates_after_a_challenge),
        TEST(t2_the_same_nonce_refused_twice_is_the_end),
        TEST(t2_fresh_nonces_do_not_make_a_loop),
        TEST(t2_a_nonce_for_one_use_only_works_and_is_bounded),
        TEST(t2_unsigned_answers_to_signed_requests),
        TEST(t2_a_changed_or_empty_realm_is_taken),
        TEST(t2_a_challenge_without_nonce_or_realm_is_an_error),
        TEST(t2_how_many_stale_nonces_are_borne),
        TEST(t2_a_remembered_nonce_that_holds_saves_the_round_trip),
        TEST(t2_a_remembered_nonce_that_does_not_hold_costs_nothing),
        TEST(t6_what_an_earlier_send_made_is_ours),
        TEST(t6_what_an_earlier_send_made_for_anybody_is_ours),
        TEST(t6_what_an_earlier_send_did_not_make),
        TEST(t6_what_a_stream_has_not_answered_may_be_ours),
        TEST(t6_what_an_earlier_send_has_deleted),
        TEST(t6_what_was_sent_twice_and_granted_is_inherited_by_nobody),
        TEST(t6_errors_end_it_with_their_code),
        TEST(t6_500_is_tried_again_once_after_a_pause),
        TEST(t6_an_error_that_is_not_understood_is_the_end),
        TEST(t6_437_to_a_deletion_is_a_success),
        TEST(t6_what_is_left_is_released),
        TEST(t6_memory_fails_as_it_is_released),
        TEST(t6_437_can_be_reclaimed_once),
        TEST(t6_what_is_not_deleted_ends_no_allocate),
        TEST(t6_an_answer_with_an_unknown_attribute_is_an_error),
        TEST(bad_success_answers_are_errors),
        TEST(t7_refreshes_a_minute_early_or_half_way),
        TEST(t7_a_refresh_keeps_it_and_a_failed_one_loses_it),
        TEST(t7_a_doubt_is_asked_by_refresh_at_once),
        TEST(release_is_asked_for_where_something_is_owed),
        TEST(release_is_owed_for_what_it_inherits),
        TEST(an_unsigned_success_to_a_signed_request_is_not_believed),
        TEST(s3_oauth),
        TEST(t5_families_that_are_asked_for),
        TEST(t5_both_families_in_one_allocation),
        TEST(t5_two_of_one_family_are_one),
        TEST(t5_one_family_fails_and_the_other_stays),
        TEST(t5_both_families_refused_are_asked_for_one_by_one),
        TEST(t5_the_other_family_of_who_does_not_know_the_wish),
        TEST(t5_an_allocate_without_answer_goes_without_wishes),
        TEST(t5_a_refusal_that_nobody_signed_costs_the_wish_alone),
        TEST(t5_a_refusal_that_nobody_signed_waits_for_the_servers_answer),
        TEST(t5_a_refusal_that_nobody_signed_is_over_with_its_request),
        TEST(t5_a_refusal_that_nobody_signed_waits_for_who_is_far_away),
        TEST(t5_refusals_that_nobody_signed_leave_the_other_family),
        TEST(t5_silence_costs_no_family),
        TEST(t5_a_refusal_that_nobody_signed_ends_what_is_asked_for_beside),
        TEST(t5_who_refuses_a_wish_is_not_deaf),
        TEST(t6_an_allocation_at_no_address),
        TEST(t6_an_address_for_one_of_two_families),
        TEST(t2_a_server_may_have_another_realm_by_now),
        TEST(t5_a_family_that_was_not_asked_for_is_released),
        TEST(t5_420_costs_what_it_names),
        TEST(t10_an_allocation_moves),
        TEST(t10_a_release_while_it_moves),
        TEST(t10_405_is_asked_without),
        TEST(t10_a_ticket_too_large_is_not_kept),
        TEST(even_port_and_reservation),
        TEST(k1_dont_fragment_where_it_works),
        TEST(t3_sha256_and_user_hashes),
        TEST(t3_sha256_is_taken_where_it_is_offered),
        TEST(t3_algorithms_that_do_not_fit),
        TEST(t7_what_nobody_has_signed_ends_nothing),
        TEST(t7_the_answer_to_a_request_that_somebody_challenged),
        TEST(t7_the_way_to_the_server_may_be_long),
        TEST(t2_what_is_signed_anew_has_another_id),
        TEST(t6_another_users_allocation_is_not_deleted),
        TEST(t7_time_in_which_nobody_ran_is_no_round_trip),
        TEST(t3_what_nobody_has_signed_raises_no_bar),
        TEST(t7_an_answer_that_is_not_understood_ends_no_allocation),
        TEST(t10_a_server_that_knows_us_no_more_is_shown_the_ticket),
        TEST(t3_a_bid_down_is_refused),
        TEST(t3_a_bid_down_by_a_stale_nonce),
        TEST(t3_a_bid_down_by_a_nonce_without_features),
        TEST(t3_algorithms_count_without_the_cookie),
        TEST(r5_on_a_stream_a_forged_answer_is_the_end),
        TEST(t4_300_names_another_server),
        TEST(t4_a_300_is_believed_as_its_request_allows),
        TEST(the_longest_request_fits),
        TEST(each_allocation_of_memory_may_fail),
    };
    return cmocka_run_group_tests_name("turn allocation", tests, NULL, NULL);
}

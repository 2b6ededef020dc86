/* turn/stream: Connect, ConnectionAttempt and ConnectionBind against a scripted server (RFC 6062).
 */
#include "support.h"

#include "base/address.h"
#include "turn/stream.h"

#include <string.h>

typedef struct fixture {
    counting_allocator memory;
    seeded_random random;
    floe_turn_account *account;
    floe_turn_allocation allocation;
    floe_address server;
    floe_address peer;
    floe_turn_stream stream;
    floe_time now;
} fixture;

/* An answer to the transaction: an error, or a success with this CONNECTION-ID (0: without). */
static floe_stun_message answer_to(fixture *f, const floe_stun_transaction *transaction,
                                   uint8_t *bytes, size_t size, uint16_t code, const char *nonce,
                                   uint32_t connection_id)
{
    floe_stun_message message;
    floe_stun_writer writer =
        floe_stun_begin(bytes, size, code == 0 ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR,
                        transaction->method, &transaction->id);

    if (code != 0) {
        floe_stun_put_error(&writer, code, floe_span_text("why"));
    }
    if (nonce != NULL) {
        floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text("r"));
        floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text(nonce));
    }
    if (connection_id != 0) {
        floe_stun_put_u32(&writer, FLOE_STUN_CONNECTION_ID, connection_id);
    }
    if (transaction->method == FLOE_STUN_ALLOCATE && code == 0) {
        floe_address relayed = address_of("198.51.100.9:5000");
        floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &relayed);
    }
    if (nonce == NULL) {
        floe_stun_put_integrity(&writer, f->allocation.realm->key->sha1);
    }
    assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
    return message;
}

static floe_turn_event respond(fixture *f, uint16_t code, const char *nonce, uint32_t connection_id)
{
    uint8_t bytes[512];
    floe_stun_match match;
    floe_stun_message message =
        answer_to(f, &f->stream.transaction, bytes, sizeof bytes, code, nonce, connection_id);
    floe_turn_event event =
        floe_turn_stream_receive(&f->allocation, f->now, &f->stream, &f->server, &message, &match);

    assert_int_equal(match, FLOE_STUN_BELIEVED);
    return event;
}

static floe_turn_event allocate_step(fixture *f, uint16_t code, const char *nonce)
{
    uint8_t bytes[512];
    floe_stun_match match;

    assert_int_equal(floe_turn_allocation_begin(&f->allocation, f->now), FLOE_TURN_SEND);
    floe_stun_message message =
        answer_to(f, &f->allocation.transaction, bytes, sizeof bytes, code, nonce, 0);
    return floe_turn_allocation_receive(&f->allocation, f->now, &f->server, &message, &match);
}

static int set_up(void **state)
{
    static fixture f;
    const floe_turn_wishes wishes = {.families = FLOE_TURN_IPV4, .tcp = true};

    memset(&f, 0, sizeof f);
    counting_init(&f.memory);
    seeded_init(&f.random, 42);
    f.server = address_of("203.0.113.2:3478");
    f.peer = address_of("192.0.2.50:4000");
    f.now = floe_time_after((floe_time){0}, floe_seconds(1000));
    assert_int_equal(floe_turn_account_new(&f.memory.table, &f.random.table, "s", "user", "secret",
                                           NULL, &f.account),
                     FLOE_OK);
    floe_turn_allocation_init(&f.allocation, f.account, &f.server, floe_milliseconds(500), true,
                              &wishes);
    assert_int_equal(floe_turn_allocation_start(&f.allocation), FLOE_OK);
    assert_int_equal(allocate_step(&f, 401, "n"), FLOE_TURN_PROGRESS);
    assert_int_equal(allocate_step(&f, 0, NULL), FLOE_TURN_SUCCESS);
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

static floe_stun_message written(fixture *f, uint8_t *bytes, size_t size)
{
    floe_stun_message message;

    assert_int_equal(
        floe_stun_parse(floe_turn_stream_write(&f->allocation, &f->stream, bytes, size), &message),
        FLOE_STUN_PARSED);
    assert_true(floe_stun_check_integrity(&message, f->allocation.realm->key->sha1));
    return message;
}

static void t12_the_allocation_asks_for_tcp(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_stun_message message;
    uint8_t transport = 0;

    assert_int_equal(
        floe_stun_parse(floe_turn_allocation_write(&f->allocation, bytes, sizeof bytes), &message),
        FLOE_STUN_PARSED);
    assert_true(floe_stun_read_u8(&message, FLOE_STUN_REQUESTED_TRANSPORT, &transport));
    assert_int_equal(transport, 6);
}

static void t12_connect_then_bind(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    floe_address address;
    uint32_t id = 0;

    assert_int_equal(floe_turn_stream_connect(&f->allocation, f->now, &f->stream, &f->peer),
                     FLOE_TURN_SEND);
    floe_stun_message message = written(f, bytes, sizeof bytes);
    assert_int_equal(message.method, FLOE_STUN_CONNECT);
    assert_true(floe_stun_read_address(&message, FLOE_STUN_XOR_PEER_ADDRESS, &address));
    assert_true(floe_address_equal(&address, &f->peer));
    assert_int_equal(respond(f, 0, NULL, 77), FLOE_TURN_SUCCESS);
    assert_int_equal(f->stream.state, FLOE_TURN_STREAM_OFFERED);
    assert_int_equal(floe_turn_stream_bind(&f->allocation, f->now, &f->stream), FLOE_TURN_SEND);
    message = written(f, bytes, sizeof bytes);
    assert_int_equal(message.method, FLOE_STUN_CONNECTION_BIND);
    assert_true(floe_stun_read_u32(&message, FLOE_STUN_CONNECTION_ID, &id));
    assert_int_equal(id, 77);
    assert_int_equal(respond(f, 0, NULL, 0), FLOE_TURN_SUCCESS);
    assert_int_equal(f->stream.state, FLOE_TURN_STREAM_BOUND);
}

static void t12_a_peer_that_connects(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FLOE_TURN_REQUEST_SIZE];
    uint32_t id = 0;

    floe_turn_stream_accept(&f->stream, 78, &f->peer);
    assert_int_equal(floe_turn_stream_time(&f->stream, f->now), FLOE_TURN_NOTHING);
    assert_int_equal(floe_turn_stream_bind(&f->allocation, f->now, &f->stream), FLOE_TURN_SEND);
    floe_stun_message message = written(f, bytes, sizeof bytes);
    assert_true(floe_stun_read_u32(&message, FLOE_STUN_CONNECTION_ID, &id));
    assert_int_equal(id, 78);
}

static void t12_what_fails_it(void **state)
{
    static const uint16_t codes[] = {403, 443, 446, 447};
    static const uint16_t doubtful[] = {400, 437, 442, 486, 500};
    fixture *f = *state;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        (void)floe_turn_stream_connect(&f->allocation, f->now, &f->stream, &f->peer);
        assert_int_equal(respond(f, codes[i], NULL, 0), FLOE_TURN_FAILED);
        assert_int_equal(f->stream.code, codes[i]);
    }
    /* T7b: the allocation may be gone; its Refresh tells. */
    for (size_t i = 0; i < sizeof doubtful / sizeof *doubtful; i++) {
        (void)floe_turn_stream_connect(&f->allocation, f->now, &f->stream, &f->peer);
        assert_int_equal(respond(f, doubtful[i], NULL, 0), FLOE_TURN_DOUBT);
        assert_int_equal(f->stream.code, doubtful[i]);
        assert_int_equal(f->allocation.state, FLOE_TURN_ALLOCATED);
    }
    /* A success that names no connection. */
    (void)floe_turn_stream_connect(&f->allocation, f->now, &f->stream, &f->peer);
    assert_int_equal(respond(f, 0, NULL, 0), FLOE_TURN_FAILED);
    /* Silence, until Ti is over. */
    (void)floe_turn_stream_connect(&f->allocation, f->now, &f->stream, &f->peer);
    assert_int_equal(floe_turn_stream_time(&f->stream, floe_time_after(f->now, floe_seconds(39))),
                     FLOE_TURN_NOTHING);
    assert_int_equal(floe_turn_stream_time(&f->stream, floe_time_after(f->now, floe_seconds(40))),
                     FLOE_TURN_FAILED);
}

/* RFC 8489 §6.3.3, §6.3.4: with a required attribute that is not known a success is none, and no
 * challenge is answered. */
static void t12_an_answer_that_is_not_understood(void **state)
{
    static const struct {
        bool binds;
        uint16_t code;
        uint16_t extra;
        floe_turn_event event;
    } rows[] = {{false, 0, 0, FLOE_TURN_SUCCESS},     {false, 0, 0x7ABC, FLOE_TURN_DOUBT},
                {true, 0, 0, FLOE_TURN_SUCCESS},      {true, 0, 0x7ABC, FLOE_TURN_DOUBT},
                {false, 438, 0, FLOE_TURN_SEND},      {false, 438, 0x7ABC, FLOE_TURN_DOUBT},
                {true, 438, 0, FLOE_TURN_SEND},       {true, 438, 0x7ABC, FLOE_TURN_DOUBT},
                {false, 0, 0x8ABC, FLOE_TURN_SUCCESS}};
    fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[512];
        floe_stun_message message;
        floe_stun_match match;
        floe_stun_transaction *transaction = &f->stream.transaction;
        if (rows[i].binds) {
            floe_turn_stream_accept(&f->stream, 78, &f->peer);
            (void)floe_turn_stream_bind(&f->allocation, f->now, &f->stream);
        } else {
            (void)floe_turn_stream_connect(&f->allocation, f->now, &f->stream, &f->peer);
        }
        floe_stun_writer writer = floe_stun_begin(
            bytes, sizeof bytes, rows[i].code == 0 ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR,
            transaction->method, &transaction->id);
        if (rows[i].code != 0) {
            floe_stun_put_error(&writer, rows[i].code, floe_span_text("stale"));
            floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text("r"));
            floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text("another"));
        } else if (!rows[i].binds) {
            floe_stun_put_u32(&writer, FLOE_STUN_CONNECTION_ID, 77);
        }
        if (rows[i].extra != 0) {
            floe_stun_put(&writer, rows[i].extra, (floe_span){0});
        }
        floe_stun_put_integrity(&writer, f->allocation.realm->key->sha1);
        assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
        assert_int_equal(floe_turn_stream_receive(&f->allocation, f->now, &f->stream, &f->server,
                                                  &message, &match),
                         rows[i].event);
        assert_int_equal(match, FLOE_STUN_BELIEVED);
    }
}

static void t2_challenges_are_answered_within_bounds(void **state)
{
    static const char *const nonces[] = {"a", "b", "c", "d"};
    uint8_t request[FLOE_TURN_REQUEST_SIZE];
    fixture *f = *state;

    (void)floe_turn_stream_connect(&f->allocation, f->now, &f->stream, &f->peer);
    for (size_t i = 0; i < FLOE_TURN_STALE_IN_A_ROW; i++) {
        assert_int_equal(respond(f, 438, nonces[i], 0), FLOE_TURN_SEND);
    }
    assert_int_equal(respond(f, 438, nonces[3], 0), FLOE_TURN_DOUBT);
    (void)floe_turn_stream_connect(&f->allocation, f->now, &f->stream, &f->peer);
    (void)floe_turn_stream_write(&f->allocation, &f->stream, request, sizeof request);
    assert_int_equal(respond(f, 401, "d", 0), FLOE_TURN_DOUBT); /* the same nonce: it is final */
}

static void t2_a_success_restores_its_patience(void **state)
{
    static const char *const nonces[] = {"a", "b", "c", "d", "e", "g"};
    fixture *f = *state;

    (void)floe_turn_stream_connect(&f->allocation, f->now, &f->stream, &f->peer);
    for (size_t i = 0; i < FLOE_TURN_STALE_IN_A_ROW; i++) {
        assert_int_equal(respond(f, 438, nonces[i], 0), FLOE_TURN_SEND);
    }
    assert_int_equal(respond(f, 0, NULL, 77), FLOE_TURN_SUCCESS);
    assert_int_equal(floe_turn_stream_bind(&f->allocation, f->now, &f->stream), FLOE_TURN_SEND);
    for (size_t i = 0; i < FLOE_TURN_STALE_IN_A_ROW; i++) {
        assert_int_equal(respond(f, 438, nonces[FLOE_TURN_STALE_IN_A_ROW + i], 0), FLOE_TURN_SEND);
    }
}

/* RFC 6062 §4.3: what was refused is asked again after a pause that grows, of a refused peer after
 * as long as a permission is kept; and after so long unused its failures are forgotten. */
static void t12_after_a_failure_it_rests(void **state)
{
    static const uint64_t pauses[] = {5, 10, 20, 40, 80, 160, 240, 240, 240};
    fixture *f = *state;

    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        (void)floe_turn_stream_connect(&f->allocation, f->now, &f->stream, &f->peer);
        assert_int_equal(respond(f, 447, NULL, 0), FLOE_TURN_FAILED);
        floe_turn_stream_rest(&f->stream, f->now);
        assert_int_equal(f->stream.state, FLOE_TURN_STREAM_RESTING);
        assert_int_equal(floe_time_since(f->stream.again, f->now).ns, floe_seconds(pauses[i]).ns);
        floe_time end = floe_time_after(f->stream.again, floe_seconds(300));
        assert_int_equal(floe_turn_stream_deadline(&f->stream).ns, end.ns);
        assert_int_equal(floe_turn_stream_time(&f->stream, (floe_time){end.ns - 1}),
                         FLOE_TURN_NOTHING);
        assert_int_equal(floe_turn_stream_time(&f->stream, end), FLOE_TURN_FAILED);
    }
    floe_turn_stream_accept(&f->stream, 5, &f->peer); /* it is another */
    (void)floe_turn_stream_connect(&f->allocation, f->now, &f->stream, &f->peer);
    assert_int_equal(respond(f, 403, NULL, 0), FLOE_TURN_FAILED);
    floe_turn_stream_rest(&f->stream, f->now);
    assert_int_equal(floe_time_since(f->stream.again, f->now).ns, floe_seconds(240).ns);
    /* An answer to what it no longer asks is nobody's. */
    uint8_t bytes[512];
    floe_stun_match match;
    floe_stun_message late = answer_to(f, &f->stream.transaction, bytes, sizeof bytes, 0, NULL, 99);
    assert_int_equal(
        floe_turn_stream_receive(&f->allocation, f->now, &f->stream, &f->server, &late, &match),
        FLOE_TURN_NOTHING);
    assert_int_equal(f->stream.state, FLOE_TURN_STREAM_RESTING);
}

/* RFC 8656 §10.2, §11.3; RFC 6062 §6.2: which codes speak of the peer, and which of them refuse it. */
static void t12_codes_that_speak_of_the_peer(void **state)
{
    (void)state;
    for (unsigned code = 300; code < 700; code++) {
        bool refused = code == 403 || code == 443;
        uint8_t failures = 0;
        assert_int_equal(floe_turn_refuses_peer((uint16_t)code), refused);
        assert_int_equal(floe_turn_speaks_of_the_peer((uint16_t)code),
                         refused || code == 446 || code == 447);
        assert_int_equal(floe_turn_pause_after((uint16_t)code, &failures).ns,
                         floe_seconds(refused ? 240 : 5).ns);
        assert_int_equal(failures, 1);
    }
}

static floe_error no_bytes(void *user, void *bytes, size_t size)
{
    (void)user;
    (void)bytes;
    (void)size;
    return FLOE_ERR_RANDOM;
}

static void without_randomness_it_fails(void **state)
{
    fixture *f = *state;
    floe_random broken = {.fill = no_bytes};

    f->account->random = &broken;
    assert_int_equal(floe_turn_stream_connect(&f->allocation, f->now, &f->stream, &f->peer),
                     FLOE_TURN_FAILED);
    f->account->random = &f->random.table;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(t12_the_allocation_asks_for_tcp),
        TEST(t12_connect_then_bind),
        TEST(t12_a_peer_that_connects),
        TEST(t12_what_fails_it),
        TEST(t12_an_answer_that_is_not_understood),
        TEST(t2_challenges_are_answered_within_bounds),
        TEST(t2_a_success_restores_its_patience),
        TEST(t12_after_a_failure_it_rests),
        TEST(t12_codes_that_speak_of_the_peer),
        TEST(without_randomness_it_fails),
    };
    return cmocka_run_group_tests_name("turn stream", tests, NULL, NULL);
}

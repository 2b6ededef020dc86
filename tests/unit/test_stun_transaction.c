/* stun/transaction: retransmission, and the table of forged answers (docs/rules.md R5). */
#include "support.h"

#include "base/address.h"
#include "base/memory.h"
#include "stun/transaction.h"
#include "stun/writer.h"

static floe_time at_ms(uint64_t ms)
{
    return floe_time_after((floe_time){0}, floe_milliseconds(ms));
}

static void start(floe_stun_transaction *transaction, bool reliable)
{
    seeded_random random;

    seeded_init(&random, 7);
    assert_int_equal(floe_stun_transaction_start(transaction, at_ms(0), FLOE_STUN_ALLOCATE,
                                                 floe_milliseconds(500), reliable, &random.table),
                     FLOE_OK);
}

/* RFC 8489 §6.2.1 with an RTO of 500 ms. */
static void sends_seven_times_then_gives_up(void **state)
{
    static const uint64_t times[] = {500, 1500, 3500, 7500, 15500, 31500};
    floe_stun_transaction transaction;

    (void)state;
    start(&transaction, false);
    for (size_t i = 0; i < 6; i++) {
        assert_true(transaction.due.ns == at_ms(times[i]).ns);
        assert_int_equal(floe_stun_transaction_time(&transaction, at_ms(times[i] - 1)),
                         FLOE_STUN_WAIT);
        assert_int_equal(floe_stun_transaction_time(&transaction, at_ms(times[i])),
                         FLOE_STUN_SEND_AGAIN);
    }
    assert_true(transaction.due.ns == at_ms(39500).ns);
    assert_int_equal(floe_stun_transaction_time(&transaction, at_ms(39500)), FLOE_STUN_GIVE_UP);
    assert_false(floe_stun_transaction_runs(&transaction));
    assert_true(floe_time_is_never(transaction.due));
    assert_int_equal(floe_stun_transaction_time(&transaction, at_ms(99999)), FLOE_STUN_WAIT);
}

/* What has ended has no other time. */
static void hurried_only_while_it_runs(void **state)
{
    floe_stun_transaction transaction;

    (void)state;
    start(&transaction, false);
    floe_stun_transaction_hurry(&transaction, at_ms(100));
    assert_true(transaction.due.ns == at_ms(100).ns);
    floe_stun_transaction_hurry(&transaction, at_ms(200));
    assert_true(transaction.due.ns == at_ms(100).ns);
    floe_stun_transaction_stop(&transaction);
    floe_stun_transaction_hurry(&transaction, at_ms(300));
    assert_true(floe_time_is_never(transaction.due));
    start(&transaction, true);
    floe_stun_transaction_hurry(&transaction, at_ms(100));
    assert_int_equal(floe_stun_transaction_time(&transaction, at_ms(100)), FLOE_STUN_GIVE_UP);
}

static void on_a_stream_it_is_sent_once_and_waits_as_long(void **state)
{
    floe_stun_transaction transaction;

    (void)state;
    start(&transaction, true);
    assert_true(transaction.due.ns == at_ms(39500).ns);
    assert_int_equal(floe_stun_transaction_time(&transaction, at_ms(39500)), FLOE_STUN_GIVE_UP);
}

/* What is wrong with a forged answer. */
typedef enum answer_flaw {
    RIGHT,
    OTHER_ID,
    OTHER_METHOD,
    A_REQUEST,
    AN_INDICATION,
    OTHER_IP,
    OTHER_PORT,
    OTHER_FAMILY,
    NO_INTEGRITY,
    WRONG_KEY,
    CHANGED_AFTER_SIGNING,
    ERROR_WITHOUT_INTEGRITY, /* 486: must be signed */
    CUT_SHA256,
} answer_flaw;

static floe_stun_match match_forged(floe_stun_transaction *transaction, answer_flaw flaw,
                                    floe_stun_key *key, floe_stun_key *other)
{
    static const floe_stun_id foreign = {{9}};
    uint8_t bytes[256];
    floe_address server = address_of("203.0.113.2:3478");
    floe_address source = server;
    floe_stun_message message;
    floe_stun_class class = flaw == A_REQUEST                 ? FLOE_STUN_REQUEST
                            : flaw == AN_INDICATION           ? FLOE_STUN_INDICATION
                            : flaw == ERROR_WITHOUT_INTEGRITY ? FLOE_STUN_ERROR
                                                              : FLOE_STUN_SUCCESS;
    floe_stun_writer writer = floe_stun_begin(
        bytes, sizeof bytes, class, flaw == OTHER_METHOD ? FLOE_STUN_REFRESH : FLOE_STUN_ALLOCATE,
        flaw == OTHER_ID ? &foreign : &transaction->id);

    floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
    if (flaw == ERROR_WITHOUT_INTEGRITY) {
        floe_stun_put_error(&writer, 486, floe_span_text("Full"));
    } else if (flaw == CUT_SHA256) {
        floe_stun_put(&writer, FLOE_STUN_MESSAGE_INTEGRITY_SHA256, floe_span_text("12345678"));
    } else if (flaw != NO_INTEGRITY) {
        floe_stun_put_integrity(&writer, flaw == WRONG_KEY ? other->sha1 : key->sha1);
    }
    if (flaw == CHANGED_AFTER_SIGNING) {
        bytes[FLOE_STUN_HEADER_SIZE + 7] ^= 1;
    }
    assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
    if (flaw == OTHER_IP) {
        source = address_of("203.0.113.3:3478");
    } else if (flaw == OTHER_PORT) {
        source.port++;
    } else if (flaw == OTHER_FAMILY) {
        source = address_of("[2001:db8::2]:3478");
    }
    return floe_stun_transaction_match(transaction, &message, &source, &server, key);
}

static void each_forged_answer_is_ignored_and_the_right_one_believed(void **state)
{
    static const floe_stun_match expected[] = {
        [OTHER_ID] = FLOE_STUN_NOT_MINE,
        [OTHER_METHOD] = FLOE_STUN_NOT_MINE,
        [A_REQUEST] = FLOE_STUN_NOT_MINE,
        [AN_INDICATION] = FLOE_STUN_NOT_MINE,
        [OTHER_IP] = FLOE_STUN_WRONG_SOURCE,
        [OTHER_PORT] = FLOE_STUN_WRONG_SOURCE,
        [OTHER_FAMILY] = FLOE_STUN_WRONG_SOURCE,
        [NO_INTEGRITY] = FLOE_STUN_NO_INTEGRITY,
        [WRONG_KEY] = FLOE_STUN_BAD_INTEGRITY,
        [CHANGED_AFTER_SIGNING] = FLOE_STUN_BAD_INTEGRITY,
        [ERROR_WITHOUT_INTEGRITY] = FLOE_STUN_NO_INTEGRITY,
        [CUT_SHA256] = FLOE_STUN_BAD_INTEGRITY,
    };
    floe_stun_transaction transaction;
    floe_stun_key *key;
    floe_stun_key *other;

    (void)state;
    start(&transaction, false);
    assert_int_equal(floe_stun_key_short_term(&floe_default_allocator, floe_span_text("a"), &key),
                     FLOE_OK);
    assert_int_equal(floe_stun_key_short_term(&floe_default_allocator, floe_span_text("b"), &other),
                     FLOE_OK);
    for (answer_flaw flaw = OTHER_ID; flaw <= CUT_SHA256; flaw++) {
        floe_stun_transaction before = transaction;
        assert_int_equal(match_forged(&transaction, flaw, key, other), expected[flaw]);
        /* Nothing is otherwise but that it is known why it was dropped. */
        bool mine = expected[flaw] != FLOE_STUN_NOT_MINE;
        assert_int_equal(transaction.dropped, mine ? expected[flaw] : before.dropped);
        assert_int_equal(transaction.dropped_code, flaw == ERROR_WITHOUT_INTEGRITY ? 486 : 0);
        before.dropped = transaction.dropped;
        before.dropped_code = transaction.dropped_code;
        assert_memory_equal(&before, &transaction, sizeof before);
        assert_int_equal(match_forged(&transaction, RIGHT, key, other), FLOE_STUN_BELIEVED);
    }
    floe_stun_transaction_stop(&transaction);
    assert_int_equal(match_forged(&transaction, RIGHT, key, other), FLOE_STUN_NOT_MINE);
    floe_stun_key_release(key);
    floe_stun_key_release(other);
}

/* RFC 8489 §9.2.5: the challenges alone; and 437, which coturn says to an Allocate before it has
 * looked at the signature. */
static void challenges_may_come_unsigned(void **state)
{
    static const uint16_t codes[] = {401, 438, 437, 300, 400, 403, 420, 500};

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        for (int wrong_key = 0; wrong_key < 2; wrong_key++) {
            bool challenge = i < 3;
            uint8_t bytes[128];
            floe_stun_transaction transaction;
            floe_address server = address_of("203.0.113.2:3478");
            floe_stun_key *key;
            floe_stun_key *other;
            floe_stun_message message;
            start(&transaction, false);
            assert_int_equal(
                floe_stun_key_short_term(&floe_default_allocator, floe_span_text("a"), &key),
                FLOE_OK);
            assert_int_equal(
                floe_stun_key_short_term(&floe_default_allocator, floe_span_text("b"), &other),
                FLOE_OK);
            floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_ERROR,
                                                      FLOE_STUN_ALLOCATE, &transaction.id);
            floe_stun_put_error(&writer, codes[i], floe_span_text(""));
            if (wrong_key) {
                floe_stun_put_integrity(&writer, other->sha1);
            }
            assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message),
                             FLOE_STUN_PARSED);
            assert_int_equal(
                floe_stun_transaction_match(&transaction, &message, &server, &server, key),
                challenge   ? FLOE_STUN_BELIEVED
                : wrong_key ? FLOE_STUN_BAD_INTEGRITY
                            : FLOE_STUN_NO_INTEGRITY);
            assert_int_equal(transaction.dropped_code, challenge ? 0 : codes[i]);
            /* To a request that was not signed each of them is an answer. */
            assert_int_equal(
                floe_stun_transaction_match(&transaction, &message, &server, &server, NULL),
                FLOE_STUN_BELIEVED);
            floe_stun_key_release(key);
            floe_stun_key_release(other);
        }
    }
}

/* To any other request it says that there is no allocation: who forges that ends one. */
static void t6_437_is_believed_of_an_allocate_alone(void **state)
{
    static const uint16_t methods[] = {FLOE_STUN_ALLOCATE, FLOE_STUN_REFRESH,
                                       FLOE_STUN_CREATE_PERMISSION, FLOE_STUN_CHANNEL_BIND};
    floe_address server = address_of("203.0.113.2:3478");
    floe_stun_key *key;

    (void)state;
    assert_int_equal(floe_stun_key_short_term(&floe_default_allocator, floe_span_text("a"), &key),
                     FLOE_OK);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        uint8_t bytes[128];
        floe_stun_transaction transaction;
        floe_stun_message message;
        start(&transaction, false);
        transaction.method = methods[i];
        floe_stun_writer writer =
            floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_ERROR, methods[i], &transaction.id);
        floe_stun_put_error(&writer, 437, floe_span_text("Mismatch"));
        assert_int_equal(floe_stun_parse(floe_stun_written(&writer), &message), FLOE_STUN_PARSED);
        assert_int_equal(floe_stun_transaction_match(&transaction, &message, &server, &server, key),
                         i == 0 ? FLOE_STUN_BELIEVED : FLOE_STUN_NO_INTEGRITY);
    }
    floe_stun_key_release(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_seven_times_then_gives_up),
        cmocka_unit_test(hurried_only_while_it_runs),
        cmocka_unit_test(on_a_stream_it_is_sent_once_and_waits_as_long),
        cmocka_unit_test(each_forged_answer_is_ignored_and_the_right_one_believed),
        cmocka_unit_test(challenges_may_come_unsigned),
        cmocka_unit_test(t6_437_is_believed_of_an_allocate_alone),
    };
    return cmocka_run_group_tests_name("stun transaction", tests, NULL, NULL);
}

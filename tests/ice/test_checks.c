/* One agent, and a peer that is played by hand: what its checks are like, which answers it believes, and what it makes of
 * the peer's checks. */
#include "hand.h"

#include "stun/writer.h"

#include <stdio.h>
#include <string.h>

/* ── Pairs and their order ── */

static void i4_pair_priority_is_the_rfcs(void **state)
{
    (void)state;
    /* RFC 8445 §6.1.2.3: 2^32 × MIN(G,D) + 2 × MAX(G,D) + (G>D ? 1 : 0). */
    assert_true(floe_ice_pair_priority(1, 2) == 0x100000004U);
    assert_true(floe_ice_pair_priority(2, 1) == 0x100000005U);
    assert_true(floe_ice_pair_priority(7, 7) == 0x70000000eU);
    assert_true(floe_ice_pair_priority(2130706431, 1694498815) == 7277816997797167103U);
    assert_true(floe_ice_pair_priority(0x7fffffff, 0x7fffffff) == 0x7ffffffffffffffeU);
}

static void i4_the_best_pair_is_checked_first_and_one_each_ta(void **state)
{
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 100 198.51.100.1 1 typ relay raddr 0.0.0.0 rport 9"),
                     FLOE_OK);
    assert_int_equal(add(&f, "b 1 udp 300 198.51.100.3 3 typ host"), FLOE_OK);
    assert_int_equal(add(&f, "c 1 udp 200 198.51.100.2 2 typ srflx raddr 0.0.0.0 rport 9"),
                     FLOE_OK);
    run_until(&f, 100);
    assert_int_equal(f.count, 3);
    assert_int_equal(f.sent[0].to.port, 1); /* it was there when nothing else was */
    assert_int_equal(f.sent[1].to.port, 3);
    assert_int_equal(f.sent[2].to.port, 2);
    for (size_t i = 1; i < f.count; i++) {
        assert_int_equal(f.sent[i].at.ns - f.sent[i - 1].at.ns, 5000000);
    }
    end(&f);
}

static void i4_of_one_foundation_one_is_checked_until_it_is_slow(void **state)
{
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "same 1 udp 300 198.51.100.1 1 typ host"), FLOE_OK);
    assert_int_equal(add(&f, "same 1 udp 200 198.51.100.2 2 typ host"), FLOE_OK);
    assert_int_equal(pair_to(&f, "198.51.100.1:1").state, FLOE_ICE_PAIR_IN_PROGRESS);
    assert_int_equal(pair_to(&f, "198.51.100.2:2").state, FLOE_ICE_PAIR_FROZEN);
    run_until(&f, 400);
    assert_int_equal(checks_to(&f, "198.51.100.2:2"), 0);
    run_until(&f, 510); /* one RTO is over */
    assert_int_equal(checks_to(&f, "198.51.100.2:2"), 1);
    end(&f);
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "same 1 udp 300 198.51.100.1 1 typ host"), FLOE_OK);
    assert_int_equal(add(&f, "same 1 udp 200 198.51.100.2 2 typ host"), FLOE_OK);
    assert_int_equal(add(&f, "same 1 udp 100 198.51.100.3 3 typ host"), FLOE_OK);
    respond(&f); /* what worked for one may work for the others (§7.2.5.3.3) */
    run_until(&f, 20);
    assert_int_equal(checks_to(&f, "198.51.100.2:2"), 1);
    assert_int_equal(checks_to(&f, "198.51.100.3:3"), 1);
    end(&f);
}

static void i6_a_triggered_check_goes_before_others(void **state)
{
    fixture f;
    char text[128];

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    for (unsigned i = 1; i <= 9; i++) {
        (void)snprintf(text, sizeof text, "f%u 1 udp %u 198.51.100.%u 4000 typ host", i, 1000 - i,
                       i);
        assert_int_equal(add(&f, text), FLOE_OK);
    }
    check(&f, "198.51.100.9:4000", &usual);
    run_until(&f, 6);
    assert_int_equal(last_check(&f)->to.ip[3], 9);
    run_until(&f, 11);
    assert_int_equal(last_check(&f)->to.ip[3], 2);
    end(&f);
}

/* Two bases of one foundation are not checked side by side. */
static void i4_local_foundations_count(void **state)
{
    fixture f;
    floe_candidate_list *list = NULL;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(floe_core_get_local_candidates(f.core, &list), FLOE_OK);
    floe_candidate second_one = *list->candidates[0];
    second_one.id = second_one.base_id = 50;
    second_one.priority--;
    const floe_core_output output = {.kind = FLOE_CORE_CANDIDATE, .candidate = &second_one};
    floe_ice_core_output(f.ice, f.now, &output);
    floe_candidate_list_free(list);
    add_peer(&f);
    assert_int_equal(pair_count(&f), 2);
    assert_int_equal(pair_to(&f, peer).local_id, 50);
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_FROZEN);
    end(&f);
}

static void i4_pairs_are_bounded(void **state)
{
    fixture f;
    char text[128];
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;

    (void)state;
    options.max_pairs = 10;
    begin_with(&f, &options);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    for (unsigned i = 1; i <= 64; i++) {
        (void)snprintf(text, sizeof text, "f%u 1 udp %u 198.51.100.%u 4000 typ host", i, 1000 + i,
                       i);
        assert_int_equal(add(&f, text), FLOE_OK);
    }
    assert_int_equal(pair_count(&f), 10);
    assert_int_equal(pair_to(&f, "198.51.100.64:4000").remote_address.port, 4000);
    assert_int_equal(pair_to(&f, "198.51.100.20:4000").remote_address.port, 0);
    assert_int_equal(add(&f, "g 1 udp 7 198.51.100.200 4000 typ host"), FLOE_ERR_INVALID_STATE);
    end(&f);
}

static void i4_pairs_have_one_family_and_component(void **state)
{
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 100 2001:db8::1 1 typ host"), FLOE_OK);
    assert_int_equal(add(&f, "b 2 udp 300 198.51.100.3 3 typ host"), FLOE_OK);
    assert_int_equal(pair_count(&f), 0);
    end(&f);
}

/* ── Our checks ── */

static void i5_a_check_has_what_the_rfc_asks(void **state)
{
    fixture f;
    char username[600];
    floe_span value;
    uint32_t priority = 0;
    uint64_t tie_breaker = 0;
    floe_stun_key *key = NULL;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(f.count, 1);
    floe_stun_message message = message_of(&f.sent[0]);
    assert_int_equal(message.class, FLOE_STUN_REQUEST);
    assert_int_equal(message.method, FLOE_STUN_BINDING);
    (void)snprintf(username, sizeof username, "%s:%s", remote_user, f.local.username_fragment);
    assert_true(floe_stun_find(&message, FLOE_STUN_USERNAME, &value));
    assert_true(floe_span_equal(value, floe_span_text(username)));
    assert_true(floe_stun_read_u32(&message, FLOE_STUN_PRIORITY, &priority));
    assert_int_equal(priority, 110U << 24 | (2130706431U & 0xffffff)); /* of a peer reflexive one */
    assert_true(floe_stun_read_u64(&message, FLOE_STUN_ICE_CONTROLLING, &tie_breaker));
    assert_false(floe_stun_has(&message, FLOE_STUN_ICE_CONTROLLED));
    assert_false(floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE));
    assert_true(message.fingerprint_at != 0);
    assert_int_equal(
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text(remote_password), &key),
        FLOE_OK);
    assert_true(floe_stun_check_integrity(&message, key->sha1));
    floe_stun_key_release(key);
    end(&f);
}

static void i5_it_is_sent_seven_times_in_39_seconds(void **state)
{
    static const unsigned at[] = {1, 501, 1501, 3501, 7501, 15501, 31501};
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLED);
    run_until(&f, 39499);
    assert_int_equal(f.count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(f.sent[i].at.ns / 1000000, at[i]);
        assert_int_equal(f.sent[i].size, f.sent[0].size); /* the very same bytes */
        assert_memory_equal(f.sent[i].data, f.sent[0].data, f.sent[0].size);
    }
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_IN_PROGRESS);
    run_until(&f, 39600);
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_FAILED);
    assert_int_equal(pair_to(&f, peer).failure, FLOE_ICE_FAILURE_TIMEOUT);
    end(&f);
}

static void i5_answers_that_are_not_believed(void **state)
{
    static const response forged[] = {
        {.wrong_id = true},
        {.password = "somebodyElse+/0123456789"},
        {.password = ""},
        {.code = 400, .password = ""},
        {.code = 487, .password = "somebodyElse+/0123456789"},
        {.from = "203.0.113.9:7000", .password = ""},
    };
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        respond_to(&f, &f.sent[0], &forged[i]);
        assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_IN_PROGRESS);
        assert_int_equal(floe_ice_get_role(f.ice), FLOE_ICE_ROLE_CONTROLLING);
        assert_false(f.delivered);
    }
    respond_to(&f, &f.sent[0], &(response){0});
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_SUCCEEDED);
    end(&f);
}

static void i5_answers_that_fail_the_pair(void **state)
{
    static const struct {
        response what;
        floe_ice_failure failure;
        uint16_t code;
    } rows[] = {
        {{.from = "203.0.113.9:7000"}, FLOE_ICE_FAILURE_NOT_SYMMETRIC, 0},
        {{.from = "198.51.100.7:7001"}, FLOE_ICE_FAILURE_NOT_SYMMETRIC, 0},
        {{.code = 400}, FLOE_ICE_FAILURE_ERROR_CODE, 400},
        {{.code = 500}, FLOE_ICE_FAILURE_ERROR_CODE, 500},
        {{.unknown = true}, FLOE_ICE_FAILURE_BAD_ANSWER, 0},
        {{.nothing = true}, FLOE_ICE_FAILURE_BAD_ANSWER, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        begin(&f);
        start(&f, FLOE_ICE_ROLE_CONTROLLING);
        add_peer(&f);
        respond_to(&f, &f.sent[0], &rows[i].what);
        assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_FAILED);
        assert_int_equal(pair_to(&f, peer).failure, rows[i].failure);
        assert_int_equal(pair_to(&f, peer).error_code, rows[i].code);
        assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_ERR_NOT_CONNECTED);
        end(&f);
    }
}

static void i5_icmp_sends_again_and_then_counts(void **state)
{
    fixture f;
    floe_address to = address_of(peer);

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    floe_core_unreachable(f.core, f.now, f.channel, &to, FLOE_UNREACHABLE_PORT, f.sent[0].data,
                          f.sent[0].size);
    outputs(&f);
    run_until(&f, 2);
    assert_int_equal(f.count, 2); /* at once */
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_IN_PROGRESS);
    run_until(&f, 1100); /* the core tells it once a second */
    floe_core_unreachable(f.core, f.now, f.channel, &to, FLOE_UNREACHABLE_PORT, f.sent[1].data,
                          f.sent[1].size);
    outputs(&f);
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_FAILED);
    assert_int_equal(pair_to(&f, peer).failure, FLOE_ICE_FAILURE_UNREACHABLE);
    /* The peer may only begin: the rest of the schedule goes on, and an answer to it counts. */
    size_t before = f.count;
    run_until(&f, 10000);
    assert_true(f.count > before);
    respond(&f);
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_SUCCEEDED);
    end(&f);
}

static void i5_an_address_that_nobody_knew_is_peer_reflexive(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLED);
    assert_int_equal(pair_to(&f, peer).local_type, FLOE_CANDIDATE_TYPE_HOST);
    respond_to(&f, &f.sent[0], &(response){.mapped = "203.0.113.50:1234"});
    assert_int_equal(pair_to(&f, peer).local_type, FLOE_CANDIDATE_TYPE_PRFLX);
    assert_true(pair_to(&f, peer).priority ==
                floe_ice_pair_priority(2130706431, 110U << 24 | (2130706431U & 0xffffff)));
    end(&f);
}

static void i16_an_address_that_does_not_answer_gets_fifty(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLED);
    request what = usual;
    what.role = FLOE_STUN_ICE_CONTROLLING;
    size_t checks = checks_to(&f, peer);
    for (unsigned i = 0; i < 200; i++) { /* each asks for a triggered check */
        f.count = 0;
        check(&f, peer, &what);
        run_until(&f, ms(&f) + 10);
        checks += checks_to(&f, peer);
    }
    assert_in_range(checks, 50, 53); /* and one a second, as it asks */
    run_until(&f, ms(&f) + 1000);
    f.count = 0;
    check(&f, peer, &what);
    run_until(&f, ms(&f) + 60000);
    assert_int_equal(checks_to(&f, peer), 1);
    assert_int_equal(pair_to(&f, peer).failure, FLOE_ICE_FAILURE_TOO_MANY_CHECKS);
    f.count = 0;
    check(&f, peer, &what); /* it begins only now */
    run_until(&f, ms(&f) + 100);
    respond(&f);
    assert_true(pair_to(&f, peer).valid);
    end(&f);
}

/* ── The peer's checks ── */

static void i6_a_check_is_answered(void **state)
{
    fixture f;
    floe_address mapped;
    floe_address from = address_of("203.0.113.77:99");
    floe_stun_key *key = NULL;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    check(&f, "203.0.113.77:99", &usual);
    floe_stun_message message = message_of(&f.sent[0]);
    assert_int_equal(message.class, FLOE_STUN_SUCCESS);
    assert_true(floe_address_equal(&f.sent[0].to, &from));
    assert_true(floe_stun_read_address(&message, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped));
    assert_true(floe_address_equal(&mapped, &from));
    assert_int_equal(
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text(f.local.password), &key),
        FLOE_OK);
    assert_true(floe_stun_check_integrity(&message, key->sha1));
    floe_stun_key_release(key);
    assert_true(message.fingerprint_at != 0);
    /* Nobody knew the source: a triggered check goes there at once (§7.3.1.3, §7.3.1.4). */
    assert_int_equal(f.count, 2);
    assert_true(is_check(&f.sent[1]));
    assert_int_equal(pair_to(&f, "203.0.113.77:99").remote_type, FLOE_CANDIDATE_TYPE_PRFLX);
    assert_true(pair_to(&f, "203.0.113.77:99").priority ==
                floe_ice_pair_priority(2130706431, 1862270975));
    end(&f);
}

static void i6_checks_that_are_refused(void **state)
{
    fixture f;
    request what;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    const struct {
        request what;
        unsigned code;
    } rows[] = {
        {{.username = "", .priority = 5, .role = FLOE_STUN_ICE_CONTROLLED}, 400},
        {{.password = "", .priority = 5, .role = FLOE_STUN_ICE_CONTROLLED}, 400},
        {{.password = "somebodyElse+/0123456789", .priority = 5, .role = FLOE_STUN_ICE_CONTROLLED},
         401},
        {{.username = "nobody:remo", .priority = 5, .role = FLOE_STUN_ICE_CONTROLLED}, 401},
        {{.role = FLOE_STUN_ICE_CONTROLLED}, 400},
        {{.priority = 5, .role = FLOE_STUN_ICE_CONTROLLED, .unknown = true}, 420},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        f.count = 0;
        what = rows[i].what;
        check(&f, peer, &what);
        assert_int_equal(answered(&f), rows[i].code);
        assert_int_equal(f.count, 1);
        assert_int_equal(pair_count(&f), 0);
    }
    end(&f);
}

static void i6_roles_in_conflict(void **state)
{
    /* RFC 8445 §7.3.1.1; a peer whose tie-breaker is 0 loses, and one with all bits wins. */
    static const struct {
        floe_ice_role ours;
        uint16_t theirs;
        uint64_t tie_breaker;
        unsigned code;
        floe_ice_role then;
    } rows[] = {
        {FLOE_ICE_ROLE_CONTROLLING, FLOE_STUN_ICE_CONTROLLING, 0, 487, FLOE_ICE_ROLE_CONTROLLING},
        {FLOE_ICE_ROLE_CONTROLLING, FLOE_STUN_ICE_CONTROLLING, UINT64_MAX, 0,
         FLOE_ICE_ROLE_CONTROLLED},
        {FLOE_ICE_ROLE_CONTROLLED, FLOE_STUN_ICE_CONTROLLED, 0, 0, FLOE_ICE_ROLE_CONTROLLING},
        {FLOE_ICE_ROLE_CONTROLLED, FLOE_STUN_ICE_CONTROLLED, UINT64_MAX, 487,
         FLOE_ICE_ROLE_CONTROLLED},
        {FLOE_ICE_ROLE_CONTROLLING, FLOE_STUN_ICE_CONTROLLED, UINT64_MAX, 0,
         FLOE_ICE_ROLE_CONTROLLING},
        {FLOE_ICE_ROLE_CONTROLLED, FLOE_STUN_ICE_CONTROLLING, 0, 0, FLOE_ICE_ROLE_CONTROLLED},
        {FLOE_ICE_ROLE_CONTROLLED, 0, 0, 0, FLOE_ICE_ROLE_CONTROLLED}, /* an old draft's */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        request what = usual;
        begin(&f);
        start(&f, rows[i].ours);
        what.role = rows[i].theirs;
        what.tie_breaker = rows[i].tie_breaker;
        check(&f, peer, &what);
        assert_int_equal(answered(&f), rows[i].code);
        assert_int_equal(floe_ice_get_role(f.ice), rows[i].then);
        assert_int_equal(pair_count(&f), rows[i].code == 0);
        end(&f);
    }
}

static void i6_487_changes_the_role_and_the_tie_breaker(void **state)
{
    fixture f;
    uint64_t first = 0;
    uint64_t then = 0;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    floe_stun_message message = message_of(&f.sent[0]);
    assert_true(floe_stun_read_u64(&message, FLOE_STUN_ICE_CONTROLLING, &first));
    respond_to(&f, &f.sent[0], &(response){.code = 487});
    assert_int_equal(floe_ice_get_role(f.ice), FLOE_ICE_ROLE_CONTROLLED);
    run_until(&f, 10);
    assert_int_equal(f.count, 2); /* it is checked again in the other role (§7.2.5.1) */
    message = message_of(&f.sent[1]);
    assert_true(floe_stun_read_u64(&message, FLOE_STUN_ICE_CONTROLLED, &then));
    assert_true(first != then);
    /* The old answer once more says nothing. */
    respond_to(&f, &f.sent[0], &(response){.code = 487});
    assert_int_equal(floe_ice_get_role(f.ice), FLOE_ICE_ROLE_CONTROLLED);
    respond(&f);
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_SUCCEEDED);
    end(&f);
}

/* Its bytes are others, so its id is (RFC 8489 §5). */
static void i6_what_is_sent_again_in_another_role_has_another_id(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "b 1 udp 100 198.51.100.8 8 typ host"), FLOE_OK);
    run_until(&f, 20);
    sent first = *last_check(&f);
    assert_int_equal(first.to.port, 8);
    respond_to(&f, &f.sent[0], &(response){.code = 487});
    run_until(&f, 507);
    floe_stun_message then = message_of(last_check(&f));
    floe_stun_message before = message_of(&first);
    assert_int_equal(last_check(&f)->to.port, 8);
    assert_false(floe_stun_id_equal(&then.id, &before.id));
    assert_true(floe_stun_has(&then, FLOE_STUN_ICE_CONTROLLED));
    respond_to(&f, &first, &(response){0}); /* the answer to the first is good all the same */
    assert_int_equal(pair_to(&f, "198.51.100.8:8").state, FLOE_ICE_PAIR_SUCCEEDED);
    end(&f);
}

static void i6_a_peer_that_is_never_content(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    for (unsigned i = 0; i < 100; i++) {
        respond_to(&f, last_check(&f), &(response){.code = 487});
        run_until(&f, ms(&f) + 10);
    }
    assert_int_equal(pair_to(&f, peer).failure, FLOE_ICE_FAILURE_ROLES);
    assert_true(f.count <= 12);
    end(&f);
}

static void i6_who_checks_from_everywhere_is_bounded(void **state)
{
    fixture f;
    char from[64];

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    for (unsigned i = 0; i < 1000; i++) {
        f.count = 0;
        (void)snprintf(from, sizeof from, "203.0.113.%u:%u", 1 + i % 200, 1000 + i);
        check(&f, from, &usual);
        assert_true(pair_count(&f) <= 16);
    }
    end(&f);
}

static void i2_checks_before_the_start_are_made_up_for(void **state)
{
    fixture f;

    (void)state;
    begin(&f);
    check(&f, peer, &usual);
    assert_int_equal(answered(&f), 0);
    assert_int_equal(f.count, 1); /* answered, and whom to check is not known yet */
    comes(&f, peer, "data", 4);
    assert_true(f.delivered);
    request other = usual;
    char username[600];
    (void)snprintf(username, sizeof username, "%s:somebody", f.local.username_fragment);
    other.username = username;
    check(&f, "203.0.113.1:1", &other);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    run_until(&f, 100);
    assert_int_equal(checks_to(&f, peer), 1);
    assert_int_equal(checks_to(&f, "203.0.113.1:1"), 0); /* another one's */
    assert_string_equal(f.states, "checking");
    end(&f);
}

static void i2_who_checks_before_the_start_is_bounded(void **state)
{
    fixture f;
    char from[64];

    (void)state;
    begin(&f);
    size_t before = f.memory.live;
    for (unsigned i = 0; i < 1000; i++) {
        f.count = 0;
        (void)snprintf(from, sizeof from, "203.0.113.%u:%u", 1 + i % 200, 1000 + i);
        check(&f, from, &usual);
    }
    assert_true(f.memory.live <= before + 32);
    end(&f);
}

/* ── Candidates ── */

static void i9_candidates_that_come_twice_or_for_another(void **state)
{
    fixture f;

    (void)state;
    begin(&f);
    assert_int_equal(add(&f, "a 1 udp 100 198.51.100.1 1 typ host ufrag other"), FLOE_OK);
    assert_int_equal(add(&f, "b 1 udp 100 198.51.100.2 1 typ host ufrag remo"), FLOE_OK);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(pair_count(&f), 1);
    assert_int_equal(add(&f, "c 1 udp 100 198.51.100.3 1 typ host ufrag other"), FLOE_OK);
    assert_int_equal(add(&f, "b 1 udp 100 198.51.100.2 1 typ host"), FLOE_OK);
    assert_int_equal(pair_count(&f), 1);
    assert_int_equal(add(&f, NULL), FLOE_OK);
    assert_int_equal(add(&f, "d 1 udp 100 198.51.100.4 1 typ host"),
                     FLOE_OK); /* behind their end */
    end(&f);
}

static void i9_what_is_signalled_takes_over_what_a_check_has_shown(void **state)
{
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    check(&f, peer, &usual);
    assert_int_equal(pair_to(&f, peer).remote_type, FLOE_CANDIDATE_TYPE_PRFLX);
    add_peer(&f);
    assert_int_equal(pair_count(&f), 1);
    assert_int_equal(pair_to(&f, peer).remote_type, FLOE_CANDIDATE_TYPE_HOST);
    assert_true(pair_to(&f, peer).priority == floe_ice_pair_priority(2130706431, 2130706431));
    end(&f);
}

static bool no_198(void *user_data, const floe_address *address)
{
    (void)user_data;
    return address->ip[0] != 198;
}

static bool changes(void *user_data, const floe_address *address)
{
    const bool *allows = user_data;

    (void)address;
    return *allows;
}

static void i15_addresses_that_are_refused(void **state)
{
    static const char *const refused[] = {
        "a 1 udp 100 0.0.0.0 1 typ host",
        "a 1 udp 100 :: 1 typ host",
        "a 1 udp 100 224.0.0.1 1 typ host",
        "a 1 udp 100 ff02::1 1 typ host",
        "a 1 udp 100 255.255.255.255 1 typ host",
        "a 1 udp 100 127.0.0.1 1 typ host",
        "a 1 udp 100 ::1 1 typ host",
        "a 1 udp 100 203.0.113.1 0 typ host",
        "a 1 udp 100 ::ffff:127.0.0.1 1 typ host",
        "a 1 udp 100 198.51.100.1 1 typ host",
    };
    fixture f;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;

    (void)state;
    options.remote_filter = no_198;
    begin_with(&f, &options);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(add(&f, refused[i]), FLOE_ERR_INVALID_ARGUMENT);
        assert_non_null(strstr(floe_last_error(), "the remote address"));
    }
    f.count = 0;
    check(&f, peer, &usual); /* by the filter: nothing goes there, and nothing is heard */
    run_until(&f, 1000);
    assert_int_equal(f.count, 0);
    assert_int_equal(pair_count(&f), 0);
    comes(&f, peer, "data", 4);
    assert_false(f.delivered);
    end(&f);
    begin_with(&f, &options); /* before the start too */
    check(&f, peer, &usual);
    assert_int_equal(f.count, 0);
    comes(&f, peer, "data", 4);
    assert_false(f.delivered);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    comes(&f, peer, "data", 4);
    assert_false(f.delivered);
    end(&f);
    bool allows = true;
    options.remote_filter = changes;
    options.remote_filter_user_data = &allows;
    begin_with(&f, &options);
    check(&f, peer, &usual);
    allows = false; /* it has changed its mind */
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    comes(&f, peer, "data", 4);
    assert_false(f.delivered);
    end(&f);
    options = (floe_ice_options)FLOE_ICE_OPTIONS_INIT;
    options.loopback = true;
    begin_with(&f, &options);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 100 127.0.0.1 1 typ host"), FLOE_OK);
    end(&f);
}

/* Not even who guesses the address of a host that policy hides is answered. */
static void i19_what_is_hidden_answers_nobody(void **state)
{
    fixture f;

    (void)state;
    hidden = relays = true;
    begin(&f);
    hidden = relays = false;
    assert_int_not_equal(f.channel, 0);
    check(&f, peer, &usual);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    add_peer(&f);
    check(&f, peer, &usual);
    run_until(&f, 5000);
    assert_int_equal(f.count, 0);
    assert_int_equal(pair_count(&f), 1); /* by the relay */
    end(&f);
}

/* ── Nomination and data ── */

static void i7_a_host_pair_is_nominated_at_once(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_ERR_NOT_CONNECTED);
    respond(&f);
    assert_string_equal(f.states, "checking connected");
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1),
                     FLOE_OK); /* no nomination is waited for */
    outputs(&f);
    f.count = 0;
    run_until(&f, 20);
    assert_int_equal(f.count, 1);
    floe_stun_message message = message_of(&f.sent[0]);
    assert_true(floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE));
    assert_false(f.has_selected);
    respond(&f);
    assert_true(f.has_selected && f.selected.nominated && f.selected.selected);
    assert_int_equal(add(&f, "b 1 udp 100 198.51.100.8 8 typ host"), FLOE_OK);
    assert_int_equal(add(&f, NULL), FLOE_OK);
    assert_string_equal(f.states, "checking connected"); /* as long as another is checked */
    f.answers = peer;
    run_until(&f, 45000);
    assert_string_equal(f.states, "checking connected completed");
    end(&f);
}

static void i7_others_wait_for_better_ones(void **state)
{
    static const struct {
        const char *candidate;
        unsigned at;
    } rows[] = {
        {"a 1 udp 100 198.51.100.7 7000 typ srflx raddr 0.0.0.0 rport 9", 501},
        {"a 1 udp 100 198.51.100.7 7000 typ prflx raddr 0.0.0.0 rport 9", 1001},
        {"a 1 udp 100 198.51.100.7 7000 typ relay raddr 0.0.0.0 rport 9", 2001},
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        begin(&f);
        start(&f, FLOE_ICE_ROLE_CONTROLLING);
        assert_int_equal(add(&f, rows[i].candidate), FLOE_OK);
        respond(&f);
        f.count = 0;
        run_until(&f, rows[i].at - 1);
        assert_int_equal(f.count, 0);
        run_until(&f, rows[i].at);
        assert_int_equal(f.count, 1);
        end(&f);
        /* Where no better one can come, there is nothing to wait for. */
        begin(&f);
        start(&f, FLOE_ICE_ROLE_CONTROLLING);
        assert_int_equal(add(&f, rows[i].candidate), FLOE_OK);
        assert_int_equal(add(&f, NULL), FLOE_OK);
        respond(&f);
        run_until(&f, 10);
        floe_stun_message message = message_of(last_check(&f));
        assert_true(floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE));
        end(&f);
    }
}

static void i7_the_controlled_side_follows(void **state)
{
    fixture f;
    request what = usual;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLED);
    what.role = FLOE_STUN_ICE_CONTROLLING;
    what.use_candidate = true;
    check(&f, peer, &what); /* before our own check is answered (§7.3.1.5) */
    assert_false(f.has_selected);
    run_until(&f, 10);
    respond(&f);
    assert_true(f.has_selected);
    end(&f);
}

/* The peer has nominated before we started, and in the same role. */
static void i7_a_nomination_outlives_the_mending_of_roles(void **state)
{
    fixture f;
    request what = usual;

    (void)state;
    begin(&f);
    what.role = FLOE_STUN_ICE_CONTROLLING;
    what.tie_breaker = UINT64_MAX;
    what.use_candidate = true;
    check(&f, peer, &what);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 100 198.51.100.7 7000 typ relay raddr 0.0.0.0 rport 9"),
                     FLOE_OK);
    run_until(&f, 10);
    respond(&f);
    assert_false(f.has_selected); /* we would wait for better ones */
    what.use_candidate = false;
    check(&f, peer, &what);
    assert_int_equal(floe_ice_get_role(f.ice), FLOE_ICE_ROLE_CONTROLLED);
    assert_true(f.has_selected);
    end(&f);
}

static void i7_of_an_old_peers_nominations_the_best_counts(void **state)
{
    fixture f;
    request what = usual;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLED);
    what.role = FLOE_STUN_ICE_CONTROLLING;
    what.use_candidate = true;
    assert_int_equal(add(&f, "a 1 udp 300 198.51.100.3 3 typ host"), FLOE_OK);
    respond(&f);
    run_until(&f, 10);
    assert_int_equal(add(&f, "b 1 udp 200 198.51.100.2 2 typ host"), FLOE_OK);
    respond(&f);
    check(&f, "198.51.100.3:3", &what);
    check(&f, "198.51.100.2:2", &what);
    assert_int_equal(f.selected.remote_address.port, 3);
    assert_int_equal(f.selections, 1);
    end(&f);
    /* One that checks first and nominates when it has chosen means its last word. */
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLED);
    assert_int_equal(add(&f, "a 1 udp 300 198.51.100.3 3 typ host"), FLOE_OK);
    respond(&f);
    run_until(&f, 10);
    assert_int_equal(add(&f, "b 1 udp 200 198.51.100.2 2 typ host"), FLOE_OK);
    respond(&f);
    check(&f, "198.51.100.3:3", &what);
    what.use_candidate = false;
    check(&f, "198.51.100.2:2", &what);
    what.use_candidate = true;
    check(&f, "198.51.100.2:2", &what);
    assert_int_equal(f.selected.remote_address.port, 2);
    end(&f);
}

static void i7_a_pair_that_is_withdrawn_is_chosen_no_more(void **state)
{
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 300 198.51.100.3 3 typ host"), FLOE_OK);
    respond(&f);
    run_until(&f, 10);
    respond(&f);
    assert_true(f.has_selected);
    const floe_candidate gone = {.id = f.selected.local_id};
    const floe_core_output output = {.kind = FLOE_CORE_CANDIDATE_WITHDRAWN, .candidate = &gone};
    floe_ice_core_output(f.ice, f.now, &output);
    outputs(&f);
    assert_false(f.has_selected);
    assert_int_equal(pair_count(&f), 0);
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_ERR_NOT_CONNECTED);
    assert_string_equal(f.states, "checking connected checking");
    end(&f);
}

static void i18_data_comes_from_whom_a_check_has_shown(void **state)
{
    fixture f;
    const uint8_t dtls[] = {22, 254, 253, 0};

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    comes(&f, peer, dtls, sizeof dtls);
    assert_false(f.delivered); /* anybody may stand there yet */
    check(&f, peer, &usual);
    comes(&f, peer, dtls, sizeof dtls);
    assert_true(f.delivered);
    comes(&f, "198.51.100.7:7001", dtls, sizeof dtls);
    assert_false(f.delivered);
    end(&f);
}

static void i8_it_does_not_fail_before_its_time(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, NULL), FLOE_OK);
    respond_to(&f, &f.sent[0], &(response){.code = 500}); /* the only pair has failed */
    run_until(&f, 39500);
    assert_string_equal(f.states, "checking");
    run_until(&f, 39502);
    assert_string_equal(f.states, "checking failed");
    check(&f, peer, &usual); /* the peer need not wait (RFC 7675 §5.2) */
    assert_int_equal(answered(&f), 403);
    f.count = 0;
    run_until(&f, 100000);
    assert_int_equal(f.count, 0);
    assert_string_equal(f.states, "checking failed");
    end(&f);
    /* As long as a candidate may come, it does not fail either. */
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    run_until(&f, 100000);
    assert_string_equal(f.states, "checking");
    assert_int_equal(add(&f, NULL), FLOE_OK);
    assert_string_equal(f.states, "checking failed");
    end(&f);
}

/* ── Consent ── */

/* Controls, and has chosen a host pair, whose checks are answered. */
static void connect(fixture *f)
{
    begin(f);
    start(f, FLOE_ICE_ROLE_CONTROLLING);
    f->answers = peer;
    add_peer(f);
    assert_int_equal(add(f, NULL), FLOE_OK);
    run_until(f, 20);
    assert_string_equal(f->states, "checking connected completed");
    f->count = 0;
}

static void i10_consent_is_asked_every_few_seconds(void **state)
{
    fixture f;
    uint64_t shortest = UINT64_MAX;
    uint64_t longest = 0;

    (void)state;
    connect(&f);
    run_until(&f, 600000);
    assert_in_range(f.count, 600 / 5 - 8, 600 / 5 + 30);
    for (size_t i = 1; i < f.count; i++) {
        uint64_t wait = (f.sent[i].at.ns - f.sent[i - 1].at.ns) / 1000000;
        shortest = wait < shortest ? wait : shortest;
        longest = wait > longest ? wait : longest;
        floe_stun_message message = message_of(&f.sent[i]);
        assert_true(floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE)); /* it means what it says */
    }
    assert_true(shortest >= 3999 && longest <= 6000 && longest > shortest + 200);
    assert_string_equal(f.states, "checking connected completed");
    end(&f);
}

/* Of many agents in one process those that are due together are so at once: one wake-up for all. */
static void i21_consent_is_due_at_the_same_moments(void **state)
{
    fixture f;

    (void)state;
    connect(&f);
    run_until(&f, 600000);
    for (size_t i = 0; i < f.count; i++) {
        assert_int_equal(f.sent[i].at.ns % 20000000, 0);
    }
    end(&f);
}

static void i10_without_an_answer_nothing_is_sent(void **state)
{
    fixture f;

    (void)state;
    connect(&f);
    f.answers = NULL;
    uint64_t last = ms(&f);
    run_until(&f, last + 4900);
    assert_string_equal(f.states, "checking connected completed");
    run_until(&f, last + 5500);
    assert_string_equal(f.states, "checking connected completed disconnected");
    run_until(&f, last + 29900);
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_OK);
    outputs(&f);
    run_until(&f, last + 30100);
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_ERR_NOT_CONNECTED);
    assert_false(f.has_selected);
    assert_int_equal(pair_to(&f, peer).failure, FLOE_ICE_FAILURE_CONSENT);
    assert_true(checks_to(&f, peer) < 50);
    f.count = 0;
    run_until(&f, last + 200000);
    assert_int_equal(f.count, 0);
    assert_string_equal(f.states, "checking connected completed disconnected checking failed");
    end(&f);
}

static void i10_it_may_come_back(void **state)
{
    fixture f;

    (void)state;
    connect(&f);
    f.answers = NULL;
    run_until(&f, 12000);
    assert_string_equal(f.states, "checking connected completed disconnected");
    f.answers = peer;
    run_until(&f, 14000);
    assert_string_equal(f.states, "checking connected completed disconnected completed");
    run_until(&f, 100000);
    assert_string_equal(f.states, "checking connected completed disconnected completed");
    end(&f);
}

/* What comes shows that the way leads here, and is no consent. */
static void i10_data_is_a_sign_of_life_and_no_consent(void **state)
{
    fixture f;

    (void)state;
    connect(&f);
    f.answers = NULL;
    uint64_t last = ms(&f);
    while (ms(&f) < last + 29000) {
        comes(&f, peer, "data", 4);
        run_until(&f, ms(&f) + 1000);
    }
    assert_string_equal(f.states, "checking connected completed");
    while (ms(&f) < last + 31000) {
        comes(&f, peer, "data", 4);
        run_until(&f, ms(&f) + 1000);
    }
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_ERR_NOT_CONNECTED);
    end(&f);
}

static void i10_403_ends_it_at_once(void **state)
{
    fixture f;

    (void)state;
    connect(&f);
    f.answers = NULL;
    run_until(&f, 7000);
    respond_to(&f, last_check(&f), &(response){.code = 403, .password = ""}); /* by nobody */
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_OK);
    respond_to(&f, last_check(&f), &(response){.code = 403});
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_ERR_NOT_CONNECTED);
    assert_int_equal(pair_to(&f, peer).error_code, 403);
    assert_int_equal(pair_to(&f, peer).failure, FLOE_ICE_FAILURE_CONSENT);
    end(&f);
}

static void i10_what_is_not_used_lapses_and_is_checked_again(void **state)
{
    fixture f;
    static const char *const other = "198.51.100.8:8";

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    respond(&f);
    f.answers = peer;
    run_until(&f, 10);
    assert_int_equal(add(&f, "b 1 udp 100 198.51.100.8 8 typ host"), FLOE_OK);
    run_until(&f, 20);
    f.answers = NULL;
    respond(&f);
    f.answers = peer;
    assert_true(pair_to(&f, other).valid);
    run_until(&f, 29000);
    assert_true(pair_to(&f, other).valid);
    run_until(&f, 31000);
    assert_false(pair_to(&f, other).valid);
    assert_int_equal(pair_to(&f, other).state, FLOE_ICE_PAIR_SUCCEEDED);
    f.answers = NULL;
    f.count = 0;
    while (checks_to(&f, peer) == 0) {
        run_until(&f, ms(&f) + 10);
    }
    respond_to(&f, last_check(&f), &(response){.code = 403});
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_ERR_NOT_CONNECTED);
    run_until(&f, ms(&f) + 10);
    assert_int_equal(checks_to(&f, other), 1);
    respond(&f);
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_OK);
    end(&f);
}

/* ── Failover ── */

static const char *const second = "198.51.100.8:8";
static const char *const third = "198.51.100.9:9";

/* Another pair works too, and is worth less. */
static void connect_two(fixture *f)
{
    begin(f);
    start(f, FLOE_ICE_ROLE_CONTROLLING);
    f->answers = peer;
    add_peer(f);
    run_until(f, 20);
    assert_int_equal(add(f, "b 1 udp 100 198.51.100.8 8 typ host"), FLOE_OK);
    respond(f);
    assert_int_equal(add(f, NULL), FLOE_OK);
    run_until(f, 30);
    assert_true(pair_to(f, second).valid);
    f->count = 0;
}

static uint16_t sends_to(fixture *f)
{
    assert_int_equal(floe_ice_send(f->ice, f->now, "x", 1), FLOE_OK);
    outputs(f);
    return f->sent[f->count - 1].to.port;
}

static void i13_the_backup_is_kept_ready(void **state)
{
    fixture f;

    (void)state;
    connect_two(&f);
    for (unsigned i = 0; i < 12; i++) {
        f.answers = peer;
        size_t before = checks_to(&f, second);
        while (checks_to(&f, second) == before) {
            run_until(&f, ms(&f) + 100);
        }
        assert_in_range(ms(&f), 25000 * (i + 1), 25200 * (i + 1) + 100);
        assert_int_equal(last_check(&f)->to.port, 8);
        floe_stun_message message = message_of(last_check(&f));
        assert_false(floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE));
        f.answers = NULL;
        respond(&f);
    }
    assert_true(pair_to(&f, second).valid);
    end(&f);
}

static void i13_the_backup_is_of_another_network_if_it_can_be(void **state)
{
    floe_ice ice = {0};
    floe_ice_base bases[3] = {{.network_id = 1}, {.network_id = 1}, {.network_id = 2}};
    floe_remote_candidate remotes[2] = {{.address = address_of(peer)},
                                        {.address = address_of(second)}};
    floe_candidate_pair pairs[5] = {{.base = &bases[0], .remote = &remotes[0], .value = 9},
                                    {.base = &bases[0], .remote = &remotes[0], .value = 8},
                                    {.base = &bases[1], .remote = &remotes[1], .value = 7},
                                    {.base = &bases[2], .remote = &remotes[0], .value = 6},
                                    {.base = &bases[2], .remote = &remotes[1], .value = 5}};

    (void)state;
    floe_list_init(&ice.pairs);
    for (size_t i = 0; i < 5; i++) {
        pairs[i].valid = true;
        floe_list_append(&ice.pairs, &pairs[i].link);
    }
    ice.selected = &pairs[0];
    assert_ptr_equal(floe_ice_backup(&ice), &pairs[4]); /* and to another address */
    pairs[4].silent = true;
    assert_ptr_equal(floe_ice_backup(&ice), &pairs[3]);
    pairs[3].silent = true;
    assert_ptr_equal(floe_ice_backup(&ice), &pairs[2]);
    pairs[1].valid = pairs[2].valid = false;
    assert_null(floe_ice_backup(&ice));
}

static void i13_icmp_moves_data_at_once(void **state)
{
    fixture f;
    floe_address to = address_of(peer);

    (void)state;
    connect_two(&f);
    f.answers = NULL;
    assert_int_equal(sends_to(&f), 7000);
    floe_core_unreachable(f.core, f.now, f.channel, &to, FLOE_UNREACHABLE_HOST, NULL, 0);
    outputs(&f);
    assert_int_equal(sends_to(&f), 8);
    assert_int_equal(f.states[0] != '\0' && strstr(f.states, "disconnected") == NULL, 1);
    run_until(&f, ms(&f) + 20);
    assert_true(checks_to(&f, peer) >= 1); /* it is asked */
    floe_stun_message message = message_of(last_check(&f));
    assert_int_equal(last_check(&f)->to.port, 8);
    assert_true(floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE));
    comes(&f, peer, "data", 4); /* what comes does not show that anything arrives */
    assert_int_equal(sends_to(&f), 8);
    respond_to(&f, latest_to(&f, peer), &(response){0}); /* but ICMP may be forged: that does */
    assert_int_equal(sends_to(&f), 7000);
    end(&f);
}

/* Checks for consent are no checks of an address that has never answered: who answers no more for a while has as many as at
 * the beginning. */
static void i16_who_has_answered_is_asked_again(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    respond(&f);
    run_until(&f, 34000);
    assert_false(pair_to(&f, peer).valid);
    for (unsigned i = 0; i < 20; i++) {
        f.count = 0;
        check(&f, peer, &usual);
        run_until(&f, ms(&f) + 1000);
    }
    respond(&f);
    assert_true(pair_to(&f, peer).valid);
    end(&f);
}

/* Answers each check after that time, for so long. */
static void answer_late(fixture *f, uint64_t end, uint64_t delay)
{
    floe_address to = address_of(peer);

    while (ms(f) < end) {
        run_until(f, ms(f) + 10);
        for (size_t i = 0; i < f->count;) {
            sent one = f->sent[i];
            bool is_for_peer = is_check(&one) && floe_address_equal(&one.to, &to);
            if (is_for_peer && ms(f) < one.at.ns / 1000000 + delay) {
                i++;
                continue;
            }
            memmove(&f->sent[i], &f->sent[i + 1], (--f->count - i) * sizeof one);
            if (is_for_peer) {
                respond_to(f, &one, &(response){0});
            }
        }
    }
}

/* RFC 7675 §5.1: what is answered has consent, however long that takes. */
static void i10_a_round_trip_of_seconds_is_no_silence(void **state)
{
    static const uint64_t round_trips[] = {1100, 1900, 2400, 4500};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        fixture f;
        begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
        both_end(&f);
        answer_late(&f, 200000, round_trips[i]);
        assert_string_equal(f.states, "checking connected completed");
        assert_in_range(pair_to(&f, peer).current_round_trip.ns / 1000000, round_trips[i],
                        round_trips[i] + 20);
        end(&f);
    }
}

/* The agent has failed, and said so. */
static void i10_an_answer_behind_the_end_says_nothing(void **state)
{
    fixture f;

    (void)state;
    connect(&f);
    both_end(&f);
    f.answers = NULL;
    while (floe_ice_get_state(f.ice) != FLOE_ICE_STATE_FAILED) {
        f.count = f.count > SENT_MAX / 2 ? 0 : f.count;
        run_until(&f, ms(&f) + 100);
    }
    respond(&f);
    assert_false(pair_to(&f, peer).valid);
    assert_false(f.has_selected);
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_ERR_NOT_CONNECTED);
    end(&f);
}

/* A better one that answers now and then is not chosen in turn. */
static void i13_what_was_silent_has_to_work_for_a_while(void **state)
{
    fixture f;

    (void)state;
    connect_two(&f);
    f.answers = second;
    run_until(&f, ms(&f) + 20000);
    assert_int_equal(f.selected.remote_address.port, 8);
    f.count = 0;
    while (checks_to(&f, peer) == 0) {
        run_until(&f, ms(&f) + 100);
    }
    respond_to(&f, latest_to(&f, peer), &(response){0});
    f.count = 0;
    run_until(&f, ms(&f) + 1900);
    assert_int_equal(checks_to(&f, peer), 0);
    assert_int_equal(sends_to(&f), 8);
    run_until(&f, ms(&f) + 200);
    assert_true(checks_to(&f, peer) > 0);
    end(&f);
}

/* Who waits for room waits at a pair that takes nothing any more. */
static void i13_another_pair_is_writable(void **state)
{
    fixture f;
    floe_address to = address_of(peer);
    const floe_core_output *told;
    const floe_ice_output *output;
    bool is_writable = false;

    (void)state;
    connect_two(&f);
    f.answers = NULL;
    while (floe_ice_send(f.ice, f.now, f.data, sizeof f.data) == FLOE_OK) {
    }
    floe_core_unreachable(f.core, f.now, f.channel, &to, FLOE_UNREACHABLE_HOST, NULL, 0);
    while (floe_core_poll(f.core, f.now, &told) && told->kind != FLOE_CORE_UNREACHABLE) {
    }
    floe_ice_core_output(f.ice, f.now, told);
    while (floe_ice_poll(f.ice, &output)) {
        is_writable = is_writable || output->kind == FLOE_ICE_WRITABLE;
    }
    assert_true(is_writable);
    end(&f);
}

/* Three pairs work, of which the best is chosen. */
static void connect_three(fixture *f)
{
    begin(f);
    start(f, FLOE_ICE_ROLE_CONTROLLING);
    f->answers = peer;
    add_peer(f);
    assert_int_equal(add(f, "b 1 udp 100 198.51.100.8 8 typ host"), FLOE_OK);
    assert_int_equal(add(f, "c 1 udp 50 198.51.100.9 9 typ host"), FLOE_OK);
    run_until(f, 20);
    respond_to(f, latest_to(f, third), &(response){0});
    respond_to(f, latest_to(f, second), &(response){0});
    run_until(f, 1000);
    assert_int_equal(f->selected.remote_address.port, 7000);
}

/* It is known only while its nomination is under way that the next best one is silent too. */
static void i13_a_nomination_of_a_silent_pair_is_given_up(void **state)
{
    fixture f;

    (void)state;
    connect_three(&f);
    f.answers = third;
    run_until(&f, ms(&f) + 7500);
    assert_int_equal(f.selected.remote_address.port, 9);
    end(&f);
}

/* Others that have worked were not looked after since. */
static void i10_what_has_lapsed_is_asked_when_nothing_answers(void **state)
{
    fixture f;

    (void)state;
    connect_three(&f);
    while (ms(&f) < 90000) {
        f.count = 0;
        run_until(&f, ms(&f) + 1000);
    }
    assert_false(pair_to(&f, third).valid);
    f.count = 0;
    f.answers = third;
    run_until(&f, ms(&f) + 12000);
    assert_int_equal(sends_to(&f), 9);
    end(&f);
}

/* Though nothing answered when it was asked in the silence: what has ended then ends again with consent. */
static void i10_what_was_asked_in_a_silence_is_asked_behind_it(void **state)
{
    fixture f;

    (void)state;
    connect_three(&f);
    for (uint64_t end = 90000; ms(&f) < end + 32000; run_until(&f, ms(&f) + 1000)) {
        f.count = 0;
        f.answers = ms(&f) < end ? peer : NULL;
    }
    assert_false(f.has_selected);
    f.count = 0;
    f.answers = third;
    run_until(&f, ms(&f) + 6000);
    assert_int_equal(sends_to(&f), 9);
    end(&f);
}

/* The chosen one is silent, and while another takes its place a better one comes, by which data goes from then on. */
static void i13_a_nomination_that_is_passed_by_is_given_up(void **state)
{
    static const char better[] = "198.51.100.10:10";
    fixture f;

    (void)state;
    connect_three(&f);
    f.answers = NULL;
    while (sends_to(&f) == 7000) {
        f.count = 0;
        run_until(&f, ms(&f) + 100);
    }
    assert_int_equal(sends_to(&f), 8);
    assert_int_equal(add(&f, "d 1 udp 150 198.51.100.10 10 typ host"), FLOE_OK);
    f.answers = better;
    run_until(&f, ms(&f) + 500);
    assert_int_equal(f.selected.remote_address.port, 10);
    end(&f);
}

/* Others that have worked are asked meanwhile, which is no news. */
static void i1_it_is_completed_behind_a_silence(void **state)
{
    fixture f;

    (void)state;
    connect_three(&f);
    both_end(&f);
    for (uint64_t end = 90000; ms(&f) < end + 20000; run_until(&f, ms(&f) + 1000)) {
        f.count = 0;
        f.answers = ms(&f) < end || ms(&f) > end + 7000 ? peer : NULL;
    }
    assert_string_equal(f.states, "checking connected completed disconnected completed");
    end(&f);
}

static void i13_a_silent_pair_is_replaced(void **state)
{
    fixture f;

    (void)state;
    connect_two(&f);
    f.answers = second;
    uint64_t last = ms(&f);
    run_until(&f, last + 5500);
    assert_int_equal(sends_to(&f), 8);
    assert_int_equal(f.selected.remote_address.port, 8);
    run_until(&f, last + 60000);
    assert_null(strstr(f.states, "disconnected"));
    assert_string_equal(f.states + strlen(f.states) - 9, "completed");
    end(&f);
}

/* Something comes by it all the time, but no check is answered: what we send does not arrive. */
static void i13_a_way_that_is_open_in_one_direction_is_replaced(void **state)
{
    fixture f;

    (void)state;
    connect_two(&f);
    f.answers = second;
    uint64_t last = ms(&f);
    while (ms(&f) < last + 12000 && sends_to(&f) != 8) {
        comes(&f, peer, "data", 4);
        run_until(&f, ms(&f) + 100);
    }
    assert_int_equal(sends_to(&f), 8);
    comes(&f, peer, "data", 4); /* that it comes takes nothing back */
    assert_int_equal(sends_to(&f), 8);
    run_until(&f, ms(&f) + 1000);
    comes(&f, peer, "data", 4);
    assert_int_equal(f.selected.remote_address.port, 8);
    end(&f);
    connect(&f); /* where there is no other, there is nothing to be had by that */
    f.answers = NULL;
    for (last = ms(&f); ms(&f) < last + 20000; run_until(&f, ms(&f) + 100)) {
        comes(&f, peer, "data", 4);
    }
    assert_null(strstr(f.states, "disconnected"));
    end(&f);
}

static void i13_a_better_pair_takes_over_once_it_has_worked(void **state)
{
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    f.answers = second;
    assert_int_equal(add(&f, "b 1 udp 100 198.51.100.8 8 typ host"), FLOE_OK);
    run_until(&f, 20);
    assert_int_equal(f.selected.remote_address.port, 8);
    run_until(&f, 9000);
    f.answers = peer;
    add_peer(&f);
    assert_true(pair_to(&f, peer).valid);
    f.count = 0;
    run_until(&f, 10990); /* it has worked for 2 s soon, and the other was chosen 10 s ago */
    assert_int_equal(f.selected.remote_address.port, 8);
    run_until(&f, 11030);
    assert_int_equal(f.selected.remote_address.port, 7000);
    end(&f);
}

/* The pair that is nominated takes over until the silent one is heard again; its nomination, whose answer is lost, goes on. */
static void i13_a_nomination_is_sent_until_it_is_answered(void **state)
{
    fixture f;
    floe_address other = address_of(second);
    unsigned nominations = 0;

    (void)state;
    connect_two(&f);
    f.answers = peer;
    run_until(&f, 12000); /* of the other nothing has come for long */
    comes(&f, peer, "data", 4);
    f.answers = NULL;
    f.count = 0;
    while (checks_to(&f, second) == 0) {
        run_until(&f, ms(&f) + 10);
    }
    run_until(&f, ms(&f) + 50); /* it is in use, and so it is asked for consent */
    comes(&f, peer, "data", 4);
    f.count = 0;
    for (uint64_t at = ms(&f); at < 28000; at += 500) {
        run_until(&f, at);
        comes(&f, peer, "data", 4);
    }
    for (size_t i = 0; i < f.count; i++) {
        floe_stun_message message = message_of(&f.sent[i]);
        nominations += floe_address_equal(&f.sent[i].to, &other) &&
                       floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE);
    }
    assert_true(nominations >= 3);
    f.answers = second;
    answer_new(&f);
    assert_true(pair_to(&f, second).selected);
    end(&f);
}

/* As long as the nomination of another pair is on its way, consent of the chosen one does not take it back. */
static void i13_consent_takes_no_nomination_back(void **state)
{
    fixture f;
    floe_address old = address_of(second);
    bool nominating = false;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    f.answers = second;
    assert_int_equal(add(&f, "b 1 udp 100 198.51.100.8 8 typ host"), FLOE_OK);
    run_until(&f, 9000);
    f.answers = peer;
    add_peer(&f);
    f.answers = NULL; /* the nomination is not answered */
    f.count = 0;
    for (uint64_t at = 9100; at < 20000; at += 100) {
        run_until(&f, at);
        comes(&f, second, "data", 4);
    }
    bool took_back = false;
    uint64_t begun = 0;
    for (size_t i = 0; i < f.count; i++) {
        floe_stun_message message = message_of(&f.sent[i]);
        bool nominates = floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE);
        bool is_old = floe_address_equal(&f.sent[i].to, &old);
        uint64_t at_ms = f.sent[i].at.ns / 1000000;
        took_back = took_back || (nominating && is_old && nominates);
        begun = begun == 0 && nominates && !is_old ? at_ms : begun;
        assert_true(!took_back || at_ms >= begun + 5000);
        assert_true(!took_back || is_old || !nominates);
        nominating = nominating || (nominates && !is_old);
    }
    assert_true(nominating && took_back); /* when nobody has answered for 5 s, it does */
    end(&f);
}

/* What has worked before may be checked again, because the peer does: that is no reason to tell of it. */
static void i1_it_stays_completed(void **state)
{
    static const floe_core_output no_more = {.kind = FLOE_CORE_CANDIDATE};
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLED);
    f.answers = second;
    assert_int_equal(add(&f, "b 1 udp 100 198.51.100.8 8 typ host"), FLOE_OK);
    f.answers = peer;
    add_peer(&f);
    run_until(&f, 20);
    request nominates = usual;
    nominates.role = FLOE_STUN_ICE_CONTROLLING;
    nominates.use_candidate = true;
    check(&f, peer, &nominates);
    assert_int_equal(add(&f, NULL), FLOE_OK);
    floe_ice_core_output(f.ice, f.now, &no_more);
    outputs(&f);
    assert_string_equal(f.states, "checking connected completed");
    run_until(&f, 40000);
    assert_false(pair_to(&f, second).valid); /* it has lapsed */
    nominates.use_candidate = false;
    check(&f, second, &nominates);
    run_until(&f, 40100);
    assert_string_equal(f.states, "checking connected completed");
    f.answers = second;
    answer_new(&f);
    assert_true(pair_to(&f, second).valid);
    check(&f, "198.51.100.99:9", &nominates); /* this one is new */
    assert_string_equal(f.states, "checking connected completed connected");
    end(&f);
}

/* ── Restart ── */

static const char *const other_password = "anotherPassword+/0123456789";

static floe_error start_again(fixture *f, const char *user, const char *password)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;

    (void)snprintf(remote.username_fragment, sizeof remote.username_fragment, "%s", user);
    (void)snprintf(remote.password, sizeof remote.password, "%s", password);
    floe_error error = floe_ice_start(f->ice, f->now, &remote, floe_ice_get_role(f->ice));
    outputs(f);
    return error;
}

/* The remote side alone has new parameters. */
static void i11_the_old_pair_serves_until_another_is_chosen(void **state)
{
    fixture f;
    floe_span value;

    (void)state;
    connect(&f);
    unsigned selections = f.selections;
    assert_int_equal(start_again(&f, remote_user, remote_password), FLOE_ERR_INVALID_STATE);
    assert_int_equal(start_again(&f, "other", other_password), FLOE_OK);
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_OK);
    outputs(&f);
    assert_int_equal(f.selections, selections);
    assert_string_equal(f.states, "checking connected completed connected");
    comes(&f, peer, "data", 4);
    assert_true(f.delivered);
    /* Its consent goes on, by its own credentials. */
    f.count = 0;
    run_until(&f, ms(&f) + 12000);
    assert_true(checks_to(&f, peer) >= 2);
    floe_stun_message message = message_of(last_check(&f));
    assert_true(floe_stun_find(&message, FLOE_STUN_USERNAME, &value));
    assert_true(value.size > 5 && memcmp(value.data, "remo:", 5) == 0);
    floe_stun_key *key = NULL;
    assert_int_equal(
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text(remote_password), &key),
        FLOE_OK);
    assert_true(floe_stun_check_integrity(&message, key->sha1));
    floe_stun_key_release(key);
    assert_string_equal(f.states, "checking connected completed connected");
    /* The new one: on the same addresses. */
    f.answers = NULL;
    f.count = 0;
    add_peer(&f);
    message = message_of(last_check(&f));
    assert_true(floe_stun_find(&message, FLOE_STUN_USERNAME, &value));
    assert_true(memcmp(value.data, "other:", 6) == 0);
    respond_to(&f, last_check(&f), &(response){0}); /* by the old password */
    assert_int_equal(f.selections, selections);
    respond_to(&f, last_check(&f), &(response){.password = other_password});
    run_until(&f, ms(&f) + 10);
    respond_to(&f, last_check(&f), &(response){.password = other_password});
    assert_int_equal(f.selections, selections + 1);
    assert_int_equal(pair_count(&f), 1);
    assert_int_equal(add(&f, NULL), FLOE_OK);
    assert_string_equal(f.states, "checking connected completed connected completed");
    end(&f);
}

static void i11_data_moves_when_another_is_chosen_not_before(void **state)
{
    fixture f;

    (void)state;
    connect(&f);
    assert_int_equal(start_again(&f, "other", other_password), FLOE_OK);
    f.answers = NULL;
    assert_int_equal(add(&f, "b 1 udp 300 198.51.100.8 8 typ host"), FLOE_OK);
    respond_to(&f, last_check(&f), &(response){.password = other_password});
    assert_true(pair_to(&f, "198.51.100.8:8").valid);
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_OK);
    outputs(&f);
    assert_int_equal(f.sent[f.count - 1].to.port, 7000);
    run_until(&f, ms(&f) + 10);
    respond_to(&f, last_check(&f), &(response){.password = other_password});
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_OK);
    outputs(&f);
    assert_int_equal(f.sent[f.count - 1].to.port, 8);
    comes(&f, peer, "data", 4); /* the peer may still be about to move */
    assert_true(f.delivered);
    end(&f);
}

/* The core was restarted: the peer's checks name us as before until it knows. */
static void i11_checks_of_before_a_restart(void **state)
{
    fixture f;
    floe_parameters before;

    (void)state;
    connect(&f);
    before = f.local;
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    assert_int_equal(floe_core_get_local_parameters(f.core, &f.local), FLOE_OK);
    assert_string_not_equal(f.local.username_fragment, before.username_fragment);
    floe_parameters today = f.local;
    f.local = before;
    check(&f, peer, &usual);
    assert_int_equal(answered(&f), 0);
    check(&f, "203.0.113.5:5", &usual); /* the agent is not restarted yet: it takes them */
    assert_int_equal(pair_to(&f, "203.0.113.5:5").remote_type, FLOE_CANDIDATE_TYPE_PRFLX);
    assert_int_equal(start_again(&f, remote_user, remote_password), FLOE_OK);
    size_t pairs = pair_count(&f);
    check(&f, "203.0.113.6:6", &usual);
    assert_int_equal(answered(&f), 0);
    assert_int_equal(pair_count(&f), pairs); /* no pair of the new generation */
    f.answers = NULL;
    for (unsigned i = 0; i < 10; i++) { /* they show that the old pair lives */
        check(&f, peer, &usual);
        run_until(&f, ms(&f) + 1000);
    }
    assert_null(strstr(f.states, "disconnected"));
    f.local = today;
    check(&f, "203.0.113.6:6", &usual);
    assert_int_equal(pair_count(&f), pairs + 1);
    end(&f);
}

/* Whether a check of such a username succeeds. */
static bool answers_named(fixture *f, const floe_parameters *ours, const char *theirs)
{
    char username[600];
    request named = usual;
    size_t count = f->count;

    (void)snprintf(username, sizeof username, "%s:%s", ours->username_fragment, theirs);
    named.username = username;
    named.password = ours->password;
    check(f, "203.0.113.7:7", &named);
    for (size_t i = count; i < f->count; i++) {
        if (f->sent[i].to.port == 7 && !is_check(&f->sent[i])) {
            assert_int_equal(answered(f), 0);
            return true;
        }
    }
    return false;
}

/* Chromium checks by its new name before it knows ours. */
static void i11_a_check_of_two_generations_is_not_answered(void **state)
{
    fixture f;
    floe_parameters before;

    (void)state;
    connect(&f);
    before = f.local;
    assert_true(answers_named(&f, &before, remote_user));
    assert_false(answers_named(&f, &before, "other")); /* the peer has restarted, and we have not */
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    assert_int_equal(floe_core_get_local_parameters(f.core, &f.local), FLOE_OK);
    assert_true(answers_named(&f, &before, remote_user));
    assert_false(answers_named(&f, &before, "other"));
    assert_int_equal(start_again(&f, "other", other_password), FLOE_OK);
    assert_true(answers_named(&f, &before, remote_user));
    assert_false(answers_named(&f, &before, "other"));
    assert_false(answers_named(&f, &f.local, remote_user));
    assert_true(answers_named(&f, &f.local, "other"));
    end(&f);
    connect(&f);
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    assert_int_equal(floe_core_get_local_parameters(f.core, &f.local), FLOE_OK);
    assert_true(answers_named(&f, &f.local, "other")); /* who it is, we are still to hear (I2) */
    end(&f);
}

/* So many of a generation that is not known. */
static size_t waiting(const fixture *f)
{
    const floe_ring *coming = &f->ice->coming;
    size_t count = 0;

    for (const floe_list *one = coming->first; one != NULL; one = floe_ring_next(coming, one)) {
        count++;
    }
    return count;
}

/* The peer's new candidates may overtake its new parameters. */
static void i9_candidates_of_a_generation_that_is_still_to_come(void **state)
{
    fixture f;

    (void)state;
    connect(&f);
    assert_int_equal(add(&f, "n 1 udp 300 198.51.100.8 8 typ host ufrag other"), FLOE_OK);
    assert_int_equal(add(&f, "n 1 udp 300 198.51.100.8 8 typ host ufrag other"), FLOE_OK);
    assert_int_equal(add(&f, "n 1 udp 300 198.51.100.9 9 typ host ufrag strange"), FLOE_OK);
    for (int i = 0; i < 200; i++) { /* no more than there may be */
        char text[128];
        (void)snprintf(text, sizeof text, "m 1 udp 200 198.51.101.%d 10 typ host ufrag other", i);
        assert_int_equal(add(&f, text), FLOE_OK);
    }
    assert_int_equal(pair_count(&f), 1);
    assert_int_equal(waiting(&f), 64);
    assert_int_equal(start_again(&f, "other", other_password), FLOE_OK);
    assert_int_equal(waiting(&f), 0);
    assert_int_equal(pair_count(&f), 64 + 1); /* the strange one gave way; and that of before */
    assert_int_equal(pair_to(&f, "198.51.100.8:8").priority >> 32, 300);
    assert_int_equal(start_again(&f, "strange", other_password), FLOE_OK); /* forgotten */
    assert_int_equal(pair_count(&f), 1);
    end(&f);
}

/* And one of them is withdrawn again, and their end comes too. */
static void i9_the_end_of_a_generation_that_is_still_to_come(void **state)
{
    static const char gone[] = "n 1 udp 300 198.51.100.9 9 typ host ufrag other";
    fixture f;

    (void)state;
    connect(&f);
    assert_int_equal(add(&f, NULL), FLOE_OK);
    assert_int_equal(add(&f, "n 1 udp 300 198.51.100.8 8 typ host ufrag other"), FLOE_OK);
    assert_int_equal(add(&f, gone), FLOE_OK);
    assert_int_equal(take_away(&f, gone), FLOE_OK);
    assert_int_equal(add(&f, "n 1 udp 300 198.51.100.8 8 typ host ufrag third"), FLOE_OK);
    assert_int_equal(add(&f, NULL), FLOE_OK);
    assert_int_equal(start_again(&f, "other", other_password), FLOE_OK);
    assert_int_equal(pair_count(&f), 1 + 1);
    assert_int_equal(pair_to(&f, "198.51.100.9:9").remote_address.port, 0);
    assert_true(f.ice->remote_end);
    assert_int_equal(start_again(&f, "third", other_password), FLOE_OK);
    assert_false(f.ice->remote_end);
    assert_int_equal(pair_count(&f), 1); /* what came before another start is forgotten */
    end(&f);
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING); /* or it is the present one's, and is late */
    assert_int_equal(add(&f, "n 1 udp 300 198.51.100.8 8 typ host ufrag other"), FLOE_OK);
    assert_int_equal(add(&f, NULL), FLOE_OK);
    assert_true(f.ice->remote_end);
    assert_int_equal(start_again(&f, "other", other_password), FLOE_OK);
    assert_false(f.ice->remote_end);
    end(&f);
}

static void i11_an_agent_that_has_failed_begins_anew(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, NULL), FLOE_OK);
    run_until(&f, 41000);
    assert_string_equal(f.states, "checking failed");
    assert_int_equal(start_again(&f, "other", other_password), FLOE_OK);
    assert_string_equal(f.states, "checking failed checking");
    add_peer(&f);
    respond_to(&f, last_check(&f), &(response){.password = other_password});
    assert_string_equal(f.states, "checking failed checking connected");
    end(&f);
}

/* The old pair dies before another is found. */
static void i11_the_old_pair_may_end_before(void **state)
{
    fixture f;

    (void)state;
    connect(&f);
    f.answers = NULL;
    assert_int_equal(start_again(&f, "other", other_password), FLOE_OK);
    run_until(&f, ms(&f) + 36000);
    assert_false(f.has_selected);
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_ERR_NOT_CONNECTED);
    assert_int_equal(start_again(&f, "third", other_password), FLOE_OK);
    end(&f);
    connect(&f); /* or it is silent, another one carries data, and there is one more restart */
    assert_int_equal(start_again(&f, "other", other_password), FLOE_OK);
    f.answers = NULL;
    run_until(&f, ms(&f) + 7000);
    assert_int_equal(add(&f, "b 1 udp 300 198.51.100.8 8 typ host"), FLOE_OK);
    respond_to(&f, last_check(&f), &(response){.password = other_password});
    assert_int_equal(sends_to(&f), 8);
    assert_int_equal(start_again(&f, "third", other_password), FLOE_OK);
    assert_int_equal(sends_to(&f), 8);
    end(&f);
    connect(&f); /* or its candidate goes */
    assert_int_equal(start_again(&f, "other", other_password), FLOE_OK);
    const floe_candidate gone = {.id = f.selected.local_id};
    const floe_core_output output = {.kind = FLOE_CORE_CANDIDATE_WITHDRAWN, .candidate = &gone};
    floe_ice_core_output(f.ice, f.now, &output);
    outputs(&f);
    assert_false(f.has_selected);
    assert_int_equal(pair_count(&f), 0);
    end(&f);
}

/* ── Lite ── */

/* It makes no pair of a check that does not nominate, and delivers what comes from there before its start and behind it. */
static void i12_a_lite_agent_delivers_what_came_early(void **state)
{
    fixture f;

    (void)state;
    lite = true;
    begin(&f);
    lite = false;
    check(&f, peer, &usual);
    for (unsigned i = 0; i < 2; i++) {
        f.delivered = false;
        comes(&f, peer, "data", 4);
        assert_true(f.delivered);
        if (i == 0) {
            start(&f, FLOE_ICE_ROLE_CONTROLLED);
        }
    }
    end(&f);
}

static void i12_a_lite_agent_follows(void **state)
{
    fixture f;
    request what = usual;

    (void)state;
    lite = true;
    begin(&f);
    lite = false;
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(floe_ice_get_role(f.ice), FLOE_ICE_ROLE_CONTROLLED);
    add_peer(&f);
    check(&f, peer, &what); /* of a peer that takes itself for the controlled one */
    assert_int_equal(answered(&f), 0);
    assert_int_equal(floe_ice_get_role(f.ice), FLOE_ICE_ROLE_CONTROLLED);
    what.role = FLOE_STUN_ICE_CONTROLLING;
    check(&f, peer, &what);
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_ERR_NOT_CONNECTED);
    comes(&f, peer, "data", 4);
    assert_true(f.delivered);
    what.use_candidate = true;
    check(&f, peer, &what);
    assert_int_equal(f.selected.remote_address.port, 7000);
    assert_int_equal(sends_to(&f), 7000);
    what.use_candidate = false;
    check(&f, second, &what);
    what.use_candidate = true;
    what.priority = 5;
    check(&f, second, &what); /* its last word, though it is worth less */
    assert_int_equal(sends_to(&f), 8);
    run_until(&f, 29000);
    check(&f, second, &what);
    run_until(&f, 58000);
    assert_int_equal(sends_to(&f), 8);
    run_until(&f, 60000);
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_ERR_NOT_CONNECTED);
    for (size_t i = 0; i < f.count; i++) {
        assert_false(is_check(&f.sent[i]));
    }
    end(&f);
}

/* ── Several on one gatherer ── */

/* The second agent's remote side is at `second`; its checks name "fork". */
static void i3_packets_belong_to_one_of_several(void **state)
{
    fixture f;
    floe_ice *fork = NULL;
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    floe_candidate *candidate = NULL;
    char username[600];
    const floe_packet *packet;
    floe_address source = address_of(second);
    floe_check named = {.authenticated = true};
    floe_packet made = {.candidate_id = 1, .kind = FLOE_PACKET_STUN};

    (void)state;
    connect(&f);
    (void)snprintf(remote.username_fragment, sizeof remote.username_fragment, "fork");
    (void)snprintf(remote.password, sizeof remote.password, "%s", other_password);
    assert_int_equal(floe_ice_new(f.core, NULL, &f.random.table, &fork), FLOE_OK);
    assert_int_equal(floe_ice_start(fork, f.now, &remote, FLOE_ICE_ROLE_CONTROLLING), FLOE_OK);
    assert_int_equal(floe_candidate_parse("f 1 udp 100 198.51.100.8 8 typ host", &candidate),
                     FLOE_OK);
    assert_int_equal(floe_ice_add_remote_candidate(fork, f.now, candidate), FLOE_OK);
    floe_candidate_free(candidate);
    outputs(&f);
    (void)snprintf(username, sizeof username, "%s:fork", f.local.username_fragment);
    (void)snprintf(named.remote_username_fragment, sizeof named.remote_username_fragment, "fork");
    made.check = &named;
    assert_true(floe_ice_owns(fork, &made));
    assert_false(floe_ice_owns(f.ice, &made));
    (void)snprintf(named.remote_username_fragment, sizeof named.remote_username_fragment, "remo");
    assert_true(floe_ice_owns(f.ice, &made));
    (void)snprintf(named.remote_username_fragment, sizeof named.remote_username_fragment, "nobody");
    assert_false(floe_ice_owns(f.ice, &made) || floe_ice_owns(fork, &made));
    /* The answer to the second one's check, and data. */
    sent first = *last_check(&f);
    assert_int_equal(first.to.port, 8);
    uint8_t bytes[256];
    floe_stun_message asked = message_of(&first);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &asked.id);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &f.socket);
    sign(&writer, other_password);
    floe_stun_put_fingerprint(&writer);
    floe_span all = floe_stun_written(&writer);
    for (unsigned i = 0; i < 2; i++) {
        floe_core_datagram(f.core, f.now, f.channel, &source,
                           i == 0 ? (const void *)all.data : "hi", i == 0 ? all.size : 2);
        while (floe_core_packet(f.core, f.now, &packet)) {
            assert_true(floe_ice_owns(fork, packet));
            assert_false(floe_ice_owns(f.ice, packet));
            assert_int_equal(floe_ice_packet(fork, f.now, packet), i == 1);
        }
    }
    assert_int_equal(floe_ice_send(fork, f.now, "x", 1), FLOE_OK);
    outputs(&f);
    assert_int_equal(f.sent[f.count - 1].to.port, 8);
    assert_int_equal(sends_to(&f), 7000);
    assert_false(floe_ice_owns(NULL, &made));
    floe_ice_free(fork);
    end(&f);
}

/* ── Statistics ── */

static void i17_what_is_counted(void **state)
{
    fixture f;
    floe_ice_statistics all = FLOE_ICE_STATISTICS_INIT;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    run_until(&f, 101);
    respond(&f); /* 100 ms later */
    run_until(&f, 120);
    f.answers = peer;
    outputs(&f); /* the nomination, 14 ms later */
    floe_ice_pair pair = pair_to(&f, peer);
    assert_int_equal(pair.requests_sent, 1);
    assert_int_equal(pair.consent_requests_sent, 1);
    assert_int_equal(pair.responses_received, 2);
    assert_true(pair.total_round_trip.ns >= 100000000U + pair.current_round_trip.ns - 1);
    assert_int_equal(floe_ice_send(f.ice, f.now, "12345", 5), FLOE_OK);
    outputs(&f);
    run_until(&f, 200);
    comes(&f, peer, "123", 3);
    comes(&f, "203.0.113.7:7", "no", 2);
    check(&f, peer, &usual);
    pair = pair_to(&f, peer);
    assert_int_equal(pair.packets_sent, 1);
    assert_int_equal(pair.bytes_sent, 5);
    assert_int_equal(pair.packets_received, 1);
    assert_int_equal(pair.bytes_received, 3);
    assert_int_equal(pair.last_packet_sent.ns, 120000000);
    assert_int_equal(pair.last_packet_received.ns, 200000000);
    assert_int_equal(pair.requests_received, 1);
    assert_int_equal(pair.responses_sent, 1);
    assert_int_equal(pair.packets_discarded_on_send, 0);
    while (floe_ice_send(f.ice, f.now, f.data, 1000) == FLOE_OK) {
    }
    pair = pair_to(&f, peer);
    assert_int_equal(pair.packets_discarded_on_send, 1);
    assert_int_equal(pair.bytes_discarded_on_send, 1000);
    assert_int_equal(floe_ice_get_statistics(f.ice, &all), FLOE_OK);
    assert_int_equal(all.role, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(all.state, FLOE_ICE_STATE_CONNECTED);
    assert_int_equal(all.packets_sent, pair.packets_sent);
    assert_int_equal(all.bytes_received, 3);
    assert_int_equal(all.selected_candidate_pair_changes, 1);
    assert_int_equal(take_away(&f, "f1 1 udp 2130706431 198.51.100.7 7000 typ host"), FLOE_OK);
    assert_int_equal(floe_ice_get_statistics(f.ice, &all), FLOE_OK);
    assert_int_equal(all.packets_sent, pair.packets_sent); /* of a pair that is no more */
    assert_int_equal(all.bytes_received, 3);
    assert_string_equal(all.ice_local_username_fragment, f.local.username_fragment);
    assert_int_equal(floe_ice_get_statistics(NULL, &all), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_ice_get_statistics(f.ice, NULL), FLOE_ERR_INVALID_ARGUMENT);
    end(&f);
}

/* ── Misuse ── */

static void i1_misuse_is_named(void **state)
{
    fixture f;
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    floe_ice *none = NULL;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    const floe_ice_output *output;

    (void)state;
    begin(&f);
    assert_int_equal(floe_ice_new(NULL, NULL, &f.random.table, &none), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_ice_new(f.core, NULL, NULL, &none), FLOE_ERR_INVALID_ARGUMENT);
    options.pacing_ms = 4;
    assert_int_equal(floe_ice_new(f.core, &options, &f.random.table, &none),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_string_equal(floe_last_error(), "options.pacing_ms is 4, not 5 to 10000");
    f.random.fails = true;
    assert_int_equal(floe_ice_new(f.core, NULL, &f.random.table, &none), FLOE_ERR_RANDOM);
    f.random.fails = false;
    assert_int_equal(floe_ice_start(NULL, f.now, &remote, FLOE_ICE_ROLE_CONTROLLED),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_ice_start(f.ice, f.now, &remote, FLOE_ICE_ROLE_CONTROLLED),
                     FLOE_ERR_INVALID_ARGUMENT);
    (void)snprintf(remote.username_fragment, sizeof remote.username_fragment, "remo");
    (void)snprintf(remote.password, sizeof remote.password, "short");
    assert_int_equal(floe_ice_start(f.ice, f.now, &remote, FLOE_ICE_ROLE_CONTROLLED),
                     FLOE_ERR_INVALID_ARGUMENT);
    (void)snprintf(remote.password, sizeof remote.password, "a password: 22 characters");
    assert_int_equal(floe_ice_start(f.ice, f.now, &remote, FLOE_ICE_ROLE_CONTROLLED),
                     FLOE_ERR_INVALID_ARGUMENT);
    (void)snprintf(remote.password, sizeof remote.password, "%s", remote_password);
    assert_int_equal(floe_ice_start(f.ice, f.now, &remote, (floe_ice_role)3),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_ice_get_role(f.ice), 0);
    assert_int_equal(floe_ice_start(f.ice, f.now, &remote, FLOE_ICE_ROLE_CONTROLLED), FLOE_OK);
    assert_int_equal(floe_ice_start(f.ice, f.now, &remote, FLOE_ICE_ROLE_CONTROLLED),
                     FLOE_ERR_INVALID_STATE);
    floe_ice_close(f.ice, f.now);
    floe_ice_close(f.ice, f.now);
    assert_int_equal(add(&f, NULL), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_ice_send(f.ice, f.now, "x", 1), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_ice_start(f.ice, f.now, &remote, FLOE_ICE_ROLE_CONTROLLED),
                     FLOE_ERR_INVALID_STATE);
    assert_string_equal(f.states, "closed");
    check(&f, peer, &usual);
    assert_int_equal(f.count, 0);
    floe_ice_free(NULL);
    floe_ice_close(NULL, f.now);
    floe_ice_time(NULL, f.now);
    floe_ice_core_output(NULL, f.now, NULL);
    assert_false(floe_ice_packet(NULL, f.now, NULL));
    assert_false(floe_ice_poll(NULL, &output));
    assert_int_equal(floe_ice_get_pairs(NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_ice_deadline(NULL).ns, UINT64_MAX);
    floe_ice_pair_list_free(NULL);
    end(&f);
}

static void i1_numbers_have_names(void **state)
{
    (void)state;
    assert_string_equal(floe_ice_role_name(FLOE_ICE_ROLE_CONTROLLED), "controlled");
    assert_string_equal(floe_ice_role_name((floe_ice_role)3), "");
    assert_string_equal(floe_ice_state_name(FLOE_ICE_STATE_CLOSED), "closed");
    assert_string_equal(floe_ice_state_name((floe_ice_state)-1), "");
    assert_string_equal(floe_ice_pair_state_name(FLOE_ICE_PAIR_IN_PROGRESS), "in-progress");
    assert_string_equal(floe_ice_pair_state_name((floe_ice_pair_state)0), "");
    assert_string_equal(floe_ice_failure_name(FLOE_ICE_FAILURE_ROLES), "roles");
    assert_string_equal(floe_ice_failure_name(FLOE_ICE_FAILURE_NONE), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i4_pair_priority_is_the_rfcs),
        cmocka_unit_test(i4_the_best_pair_is_checked_first_and_one_each_ta),
        cmocka_unit_test(i4_of_one_foundation_one_is_checked_until_it_is_slow),
        cmocka_unit_test(i6_a_triggered_check_goes_before_others),
        cmocka_unit_test(i4_local_foundations_count),
        cmocka_unit_test(i4_pairs_are_bounded),
        cmocka_unit_test(i4_pairs_have_one_family_and_component),
        cmocka_unit_test(i5_a_check_has_what_the_rfc_asks),
        cmocka_unit_test(i5_it_is_sent_seven_times_in_39_seconds),
        cmocka_unit_test(i5_answers_that_are_not_believed),
        cmocka_unit_test(i5_answers_that_fail_the_pair),
        cmocka_unit_test(i5_icmp_sends_again_and_then_counts),
        cmocka_unit_test(i5_an_address_that_nobody_knew_is_peer_reflexive),
        cmocka_unit_test(i16_an_address_that_does_not_answer_gets_fifty),
        cmocka_unit_test(i6_a_check_is_answered),
        cmocka_unit_test(i6_checks_that_are_refused),
        cmocka_unit_test(i6_roles_in_conflict),
        cmocka_unit_test(i6_487_changes_the_role_and_the_tie_breaker),
        cmocka_unit_test(i6_what_is_sent_again_in_another_role_has_another_id),
        cmocka_unit_test(i6_a_peer_that_is_never_content),
        cmocka_unit_test(i6_who_checks_from_everywhere_is_bounded),
        cmocka_unit_test(i2_checks_before_the_start_are_made_up_for),
        cmocka_unit_test(i2_who_checks_before_the_start_is_bounded),
        cmocka_unit_test(i9_candidates_that_come_twice_or_for_another),
        cmocka_unit_test(i9_what_is_signalled_takes_over_what_a_check_has_shown),
        cmocka_unit_test(i15_addresses_that_are_refused),
        cmocka_unit_test(i19_what_is_hidden_answers_nobody),
        cmocka_unit_test(i7_a_host_pair_is_nominated_at_once),
        cmocka_unit_test(i7_others_wait_for_better_ones),
        cmocka_unit_test(i7_the_controlled_side_follows),
        cmocka_unit_test(i7_a_nomination_outlives_the_mending_of_roles),
        cmocka_unit_test(i7_of_an_old_peers_nominations_the_best_counts),
        cmocka_unit_test(i7_a_pair_that_is_withdrawn_is_chosen_no_more),
        cmocka_unit_test(i18_data_comes_from_whom_a_check_has_shown),
        cmocka_unit_test(i8_it_does_not_fail_before_its_time),
        cmocka_unit_test(i10_consent_is_asked_every_few_seconds),
        cmocka_unit_test(i21_consent_is_due_at_the_same_moments),
        cmocka_unit_test(i10_without_an_answer_nothing_is_sent),
        cmocka_unit_test(i10_it_may_come_back),
        cmocka_unit_test(i10_data_is_a_sign_of_life_and_no_consent),
        cmocka_unit_test(i10_403_ends_it_at_once),
        cmocka_unit_test(i10_what_is_not_used_lapses_and_is_checked_again),
        cmocka_unit_test(i13_the_backup_is_kept_ready),
        cmocka_unit_test(i13_the_backup_is_of_another_network_if_it_can_be),
        cmocka_unit_test(i13_icmp_moves_data_at_once),
        cmocka_unit_test(i13_a_silent_pair_is_replaced),
        cmocka_unit_test(i13_a_way_that_is_open_in_one_direction_is_replaced),
        cmocka_unit_test(i13_a_better_pair_takes_over_once_it_has_worked),
        cmocka_unit_test(i13_a_nomination_is_sent_until_it_is_answered),
        cmocka_unit_test(i13_consent_takes_no_nomination_back),
        cmocka_unit_test(i1_it_stays_completed),
        cmocka_unit_test(i11_the_old_pair_serves_until_another_is_chosen),
        cmocka_unit_test(i11_data_moves_when_another_is_chosen_not_before),
        cmocka_unit_test(i9_candidates_of_a_generation_that_is_still_to_come),
        cmocka_unit_test(i9_the_end_of_a_generation_that_is_still_to_come),
        cmocka_unit_test(i16_who_has_answered_is_asked_again),
        cmocka_unit_test(i10_a_round_trip_of_seconds_is_no_silence),
        cmocka_unit_test(i10_an_answer_behind_the_end_says_nothing),
        cmocka_unit_test(i13_what_was_silent_has_to_work_for_a_while),
        cmocka_unit_test(i13_another_pair_is_writable),
        cmocka_unit_test(i13_a_nomination_of_a_silent_pair_is_given_up),
        cmocka_unit_test(i10_what_has_lapsed_is_asked_when_nothing_answers),
        cmocka_unit_test(i10_what_was_asked_in_a_silence_is_asked_behind_it),
        cmocka_unit_test(i13_a_nomination_that_is_passed_by_is_given_up),
        cmocka_unit_test(i1_it_is_completed_behind_a_silence),
        cmocka_unit_test(i12_a_lite_agent_delivers_what_came_early),
        cmocka_unit_test(i11_checks_of_before_a_restart),
        cmocka_unit_test(i11_a_check_of_two_generations_is_not_answered),
        cmocka_unit_test(i11_an_agent_that_has_failed_begins_anew),
        cmocka_unit_test(i11_the_old_pair_may_end_before),
        cmocka_unit_test(i12_a_lite_agent_follows),
        cmocka_unit_test(i3_packets_belong_to_one_of_several),
        cmocka_unit_test(i17_what_is_counted),
        cmocka_unit_test(i1_misuse_is_named),
        cmocka_unit_test(i1_numbers_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

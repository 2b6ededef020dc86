/* What has worked, and is silent for a while: when it is asked again, what takes its place, and when it is over. */
#include "hand.h"

#include <stdio.h>
#include <string.h>

#define STEP 50

static const char *const second = "198.51.100.8:8000";
static const char *const third = "198.51.100.9:9000";
static const char *const low_peer = "a 1 udp 1000 198.51.100.7 7000 typ host";
static const char *const better_second = "b 1 udp 2130706431 198.51.100.8 8000 typ host";
static const char *const two_others[] = {"b 1 udp 2000 198.51.100.8 8000 typ host",
                                         "c 1 udp 1000 198.51.100.9 9000 typ host"};

static bool is_to(const sent *one, const char *to)
{
    floe_address address = address_of(to);

    return is_check(one) && floe_address_equal(&address, &one->to);
}

static void answer(fixture *f, const char *to)
{
    size_t count = f->count;

    for (size_t i = 0; i < count; i++) {
        if (is_to(&f->sent[i], to) && !f->sent[i].is_answered) {
            f->sent[i].is_answered = true;
            sent one = f->sent[i];
            respond_to(f, &one, &(response){0});
        }
    }
}

/* So long, while those answer; what was sent is in f->sent for the last step alone. */
static void live_until(fixture *f, uint64_t end, const char *const *who)
{
    for (uint64_t at = ms(f) + STEP; at <= end; at += STEP) {
        f->count = 0;
        run_until(f, at);
        for (const char *const *one = who; *one != NULL; one++) {
            answer(f, *one);
        }
    }
    f->count = 0;
}

#define ANSWERED_BY(...)                                                                           \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define NOBODY ((const char *const[]){NULL})

/* One works, and others may come. */
static void begin_answered(fixture *f, const floe_ice_options *options)
{
    begin_with(f, options);
    start(f, FLOE_ICE_ROLE_CONTROLLING);
    add_peer(f);
    run_until(f, 20);
    answer(f, peer);
}

/* Three work at first: one is in use, one is kept ready, and the third lapses. */
static void let_lapse(fixture *f, const floe_ice_options *options, uint64_t until)
{
    begin_answered(f, options);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(add(f, two_others[i]), FLOE_OK);
    }
    live_until(f, 1000, ANSWERED_BY(peer, second, third));
    live_until(f, until, ANSWERED_BY(peer, second));
    assert_false(pair_to(f, third).valid);
}

/* The peer's check comes through for a moment, and our own does not: that says nothing of later. */
static void i10_what_has_worked_is_asked_again_though_it_failed(void **state)
{
    fixture f;

    (void)state;
    let_lapse(&f, NULL, 100000);
    check(&f, third, &usual);
    live_until(&f, 300000, ANSWERED_BY(peer, second));
    assert_int_equal(pair_to(&f, third).state, FLOE_ICE_PAIR_FAILED);
    live_until(&f, 312000, ANSWERED_BY(third));
    assert_true(pair_to(&f, third).valid);
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_CONNECTED);
    end(&f);
}

/* However long consent lasts, and whenever it comes back. */
static void i10_what_has_lapsed_is_asked_as_long_as_it_is_silent(void **state)
{
    static const uint32_t timeouts[] = {30000, 120000, 600000, 600000};
    static const unsigned back[] = {22, 45, 45, 250};
    fixture f;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
        options.consent_timeout_ms = timeouts[i];
        let_lapse(&f, &options, timeouts[i] + 80000);
        uint64_t end_of_all = ms(&f);
        live_until(&f, end_of_all + back[i] * 1000, NOBODY);
        live_until(&f, ms(&f) + 5000, ANSWERED_BY(third));
        assert_true(pair_to(&f, third).valid);
        end(&f);
    }
}

/* Consent is over after 30 s, and what has worked before is asked once more. */
static void i8_it_fails_soon_behind_the_last_consent(void **state)
{
    fixture f;

    (void)state;
    let_lapse(&f, NULL, 100000);
    both_end(&f);
    live_until(&f, 126000, NOBODY);
    assert_int_not_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_FAILED);
    live_until(&f, 150000, NOBODY);
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_FAILED);
    end(&f);
}

/* Nothing works for a while, then one of two others does. */
static void i1_it_is_not_complete_before_all_are_checked(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLED);
    run_until(&f, 20);
    answer(&f, peer);
    check(&f, peer, &plain_check);
    check(&f, peer, &nominating_check);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(add(&f, two_others[i]), FLOE_OK);
    }
    both_end(&f);
    live_until(&f, 1000, ANSWERED_BY(peer, second, third));
    live_until(&f, 100000, ANSWERED_BY(peer));
    while (floe_ice_get_state(f.ice) != FLOE_ICE_STATE_CHECKING) {
        live_until(&f, ms(&f) + STEP, NOBODY);
    }
    live_until(&f, ms(&f) + 500, NOBODY);
    check(&f, second, &nominating_check);
    live_until(&f, ms(&f) + 500, ANSWERED_BY(second));
    assert_int_equal(pair_to(&f, third).state, FLOE_ICE_PAIR_IN_PROGRESS);
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_CONNECTED);
    end(&f);
}

/* Answers that come 1.5 s behind each check, of which one is lost. */
static void i10_a_long_round_trip_that_is_not_known_yet(void **state)
{
    static const struct {
        uint32_t disconnected_after_ms;
        unsigned round_trip_ms;
        bool loses;
    } rows[] = {{5000, 1500, true},  {1000, 2500, false}, {1000, 2500, true},
                {5000, 2500, false}, {5000, 2500, true},  {2000, 2500, false}};
    static sent on_the_way[400];
    fixture f;

    (void)state;
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
        size_t count = 0;
        size_t answered = 0;
        bool loses = rows[row].loses;
        options.disconnected_after_ms = rows[row].disconnected_after_ms;
        begin_with(&f, &options);
        start(&f, FLOE_ICE_ROLE_CONTROLLED);
        add_peer(&f);
        for (uint64_t at = 2; at <= 20000; at += 2) {
            run_until(&f, at);
            for (size_t i = 0; i < f.count; i++) {
                if (loses && pair_to(&f, peer).valid) {
                    loses = false;
                } else {
                    assert_true(count < 400);
                    on_the_way[count++] = f.sent[i];
                }
            }
            f.count = 0;
            while (answered < count &&
                   on_the_way[answered].at.ns / 1000000 + rows[row].round_trip_ms <= at) {
                respond_to(&f, &on_the_way[answered++], &(response){0});
            }
        }
        assert_string_equal(f.states, "checking connected");
        end(&f);
    }
}

/* Several checks go before consent is over, also where the interval is longer than that. */
static void i10_consent_that_is_over_before_it_is_asked_for(void **state)
{
    fixture f;

    (void)state;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    options.consent_ms = 25000;
    options.consent_timeout_ms = 20000;
    begin_with(&f, &options);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    add_peer(&f);
    live_until(&f, 1000, ANSWERED_BY(peer));
    while (ms(&f) < 300000) { /* what comes is no consent */
        comes(&f, peer, "data", 4);
        live_until(&f, ms(&f) + 1000, ANSWERED_BY(peer));
    }
    assert_string_equal(f.states, "checking connected");
    end(&f);
}

/* It answers at once, but not as it should. What is new and works is used at once all the same. */
static void i16_what_answers_badly_is_not_asked_at_once(void **state)
{
    static const char *const fourth = "198.51.100.10:9100";
    static const response bad[] = {{.code = 403}, {.code = 500}, {.from = "203.0.113.9:999"}};
    fixture f;

    (void)state;
    for (size_t row = 0; row < 3; row++) {
        unsigned asked = 0;
        let_lapse(&f, NULL, 100000);
        for (uint64_t at = ms(&f) + 2; at < 112000; at += 2) {
            f.count = 0;
            run_until(&f, at);
            if (at == 110000) {
                assert_int_equal(add(&f, "d 1 udp 500 198.51.100.10 9100 typ host"), FLOE_OK);
            }
            size_t count = f.count;
            for (size_t i = 0; i < count; i++) {
                if (is_to(&f.sent[i], third) && !f.sent[i].is_answered) {
                    f.sent[i].is_answered = true;
                    sent one = f.sent[i];
                    respond_to(&f, &one, &bad[row]);
                    asked++;
                }
            }
            answer(&f, fourth);
            if (at == 110100) {
                assert_true(pair_to(&f, fourth).valid);
            }
        }
        assert_in_range(asked, 1, row == 0 ? 1 : 5);
        end(&f);
    }
}

/* The peer has taken back both candidates that were in use. */
static void i8_what_has_lapsed_is_asked_while_something_may_come(void **state)
{
    fixture f;

    (void)state;
    let_lapse(&f, NULL, 100000);
    both_end(&f);
    (void)take_away(&f, two_others[0]);
    (void)take_away(&f, "a 1 udp 2130706431 198.51.100.7 7000 typ host");
    live_until(&f, ms(&f) + 20000, NOBODY);
    live_until(&f, ms(&f) + 5000, ANSWERED_BY(third));
    assert_true(pair_to(&f, third).valid);
    end(&f);
}

/* The peer has not said that no more candidates come, and its network is away for longer than consent lasts. */
static void i8_what_has_lapsed_is_asked_as_long_as_something_may_come(void **state)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    fixture f;

    (void)state;
    options.consent_timeout_ms = 120000; /* what is sent meanwhile counts nothing (I16) */
    let_lapse(&f, &options, 200000);
    live_until(&f, ms(&f) + 160000, NOBODY);
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_CHECKING);
    live_until(&f, ms(&f) + 11000, ANSWERED_BY(third));
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_CONNECTED);
    end(&f);
}

/* Not for ever; but who has answered and asks now is there. */
static void i16_what_does_not_come_back_is_asked_fifty_times(void **state)
{
    fixture f;

    (void)state;
    let_lapse(&f, NULL, 100000);
    live_until(&f, ms(&f) + 300000, NOBODY);
    run_until(&f, ms(&f) + 60000);
    assert_int_equal(f.count, 0);
    check(&f, third, &usual);
    live_until(&f, ms(&f) + 1000, ANSWERED_BY(third));
    assert_true(pair_to(&f, third).valid);
    end(&f);
}

/* Another address of ours is another way there. */
static void i16_what_has_answered_is_asked_from_another_network(void **state)
{
    fixture f;

    (void)state;
    follows = true;
    let_lapse(&f, NULL, 100000);
    live_until(&f, ms(&f) + 300000, NOBODY);
    own = "192.0.2.2";
    floe_core_network_changed(f.core, f.now);
    outputs(&f);
    live_until(&f, ms(&f) + 2000, ANSWERED_BY(third));
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_CONNECTED);
    own = "192.0.2.1";
    follows = false;
    end(&f);
}

/* What the network says of it is why it has failed. */
static void i5_what_has_worked_is_unreachable(void **state)
{
    fixture f;
    floe_address to = address_of(third);

    (void)state;
    let_lapse(&f, NULL, 100000);
    both_end(&f);
    while (floe_ice_get_state(f.ice) != FLOE_ICE_STATE_FAILED) {
        f.count = 0;
        run_until(&f, ms(&f) + STEP);
        for (size_t i = 0, count = f.count; i < count; i++) {
            sent one = f.sent[i];
            if (is_to(&one, third)) {
                floe_core_unreachable(f.core, f.now, f.channel, &to, FLOE_UNREACHABLE_PORT,
                                      one.data, one.size);
                outputs(&f);
            }
        }
    }
    assert_int_equal(pair_to(&f, third).failure, FLOE_ICE_FAILURE_UNREACHABLE);
    end(&f);
}

/* It is asked each half second, and Ta is longer than that. */
static void i4_what_is_silent_leaves_others_their_turn(void **state)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    fixture f;

    (void)state;
    options.pacing_ms = 1000;
    begin_answered(&f, &options);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(add(&f, two_others[i]), FLOE_OK);
    }
    live_until(&f, 45000, ANSWERED_BY(peer, second, third));
    live_until(&f, 160000, ANSWERED_BY(peer, second));
    assert_false(pair_to(&f, third).valid);
    live_until(&f, ms(&f) + 10000, ANSWERED_BY(third));
    assert_true(pair_to(&f, third).valid);
    end(&f);
}

/* Ta is longer than the time between two checks for consent. */
static void i4_consent_leaves_new_candidates_their_turn(void **state)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    fixture f;

    (void)state;
    options.pacing_ms = 6000;
    begin_with(&f, &options);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, low_peer), FLOE_OK);
    live_until(&f, 30000, ANSWERED_BY(peer));
    assert_int_equal(add(&f, better_second), FLOE_OK);
    live_until(&f, 45000, ANSWERED_BY(peer, second));
    assert_true(pair_to(&f, second).valid);
    live_until(&f, 65000, ANSWERED_BY(peer, second));
    assert_true(pair_to(&f, second).selected);
    assert_string_equal(f.states, "checking connected");
    end(&f);
}

/* One check for consent is lost, and the next one has to wait for Ta. */
static void i10_one_lost_check_is_no_silence(void **state)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    fixture f;

    (void)state;
    options.pacing_ms = 3000;
    begin_with(&f, &options);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    add_peer(&f);
    live_until(&f, 20000, ANSWERED_BY(peer));
    uint64_t lost = 0;
    while (lost == 0) {
        f.count = 0;
        run_until(&f, ms(&f) + STEP);
        lost = checks_to(&f, peer);
    }
    live_until(&f, 60000, ANSWERED_BY(peer));
    assert_string_equal(f.states, "checking connected");
    end(&f);
}

static void i13_the_backup_is_asked_before_its_consent_ends(void **state)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    fixture f;

    (void)state;
    for (options.consent_timeout_ms = 5000; options.consent_timeout_ms <= 20000;
         options.consent_timeout_ms += 15000) { /* and a backup is asked each 25 s */
        begin_answered(&f, &options);
        assert_int_equal(add(&f, two_others[0]), FLOE_OK);
        both_end(&f);
        live_until(&f, 100000, ANSWERED_BY(peer, second));
        assert_true(pair_to(&f, second).valid);
        live_until(&f, ms(&f) + 2000, ANSWERED_BY(second));
        assert_string_equal(f.states, "checking connected completed");
        end(&f);
    }
    options.pacing_ms = 5000; /* no check would be in time */
    options.consent_timeout_ms = 19999;
    floe_ice *none;
    assert_int_equal(floe_ice_new(f.core, &options, &f.random.table, &none),
                     FLOE_ERR_INVALID_ARGUMENT);
}

/* What the peer sends arrives, and our checks do not; no other pair works at the time. */
static void i13_a_way_open_in_one_direction_with_nothing_ready(void **state)
{
    fixture f;
    floe_address to = address_of(third);

    (void)state;
    let_lapse(&f, NULL, 100000);
    (void)take_away(&f, two_others[0]);
    for (uint64_t at = ms(&f) + 10; at < 110000; at += 10) {
        f.count = 0;
        run_until(&f, at);
        answer(&f, third);
        comes(&f, peer, "data", 4);
    }
    f.count = 0;
    assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
    outputs(&f);
    assert_true(f.count > 0 && floe_address_equal(&to, &f.sent[f.count - 1].to));
    end(&f);
}

/* ── Nominations ── */

/* Nothing is chosen yet, and the peer does not answer it. */
static void i13_the_first_nomination_is_given_up(void **state)
{
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, low_peer), FLOE_OK);
    run_until(&f, 20);
    answer(&f, peer);
    run_until(&f, 40);
    assert_true(is_to(latest_to(&f, peer), peer));
    assert_int_equal(add(&f, better_second), FLOE_OK);
    live_until(&f, 4000, ANSWERED_BY(second));
    assert_false(f.has_selected);
    live_until(&f, 6000, ANSWERED_BY(second));
    assert_true(pair_to(&f, second).selected);
    end(&f);
}

static bool nominates(const sent *one)
{
    floe_stun_message message = message_of(one);

    return floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE);
}

/* The better one does not answer its nomination: the peer may have taken it for the last word, so the chosen one is nominated
 * again, and not only when it is next asked for consent. */
/* Nor does it choose, if it is answered after all; it may wait for a relay for long. */
static void i13_the_first_nomination_is_given_up_for_good(void **state)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    fixture f;

    (void)state;
    options.relay_acceptance_ms = 60000;
    begin_with(&f, &options);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, low_peer), FLOE_OK);
    run_until(&f, 20);
    answer(&f, peer);
    run_until(&f, 40);
    sent nomination = *latest_to(&f, peer);
    floe_stun_message message = message_of(&nomination);
    assert_true(floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE));
    assert_int_equal(add(&f, "b 1 udp 2130706431 198.51.100.8 8000 typ relay"), FLOE_OK);
    live_until(&f, 6000, ANSWERED_BY(second));
    for (uint64_t at = ms(&f) + STEP; at <= 12000; at += STEP) {
        f.count = 0;
        run_until(&f, at);
        for (size_t i = 0; i < f.count; i++) {
            message = message_of(&f.sent[i]);
            assert_false(is_to(&f.sent[i], peer) &&
                         floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE));
        }
        answer(&f, second);
    }
    respond_to(&f, &nomination, &(response){0});
    assert_false(pair_to(&f, peer).selected);
    end(&f);
}

static void i13_the_chosen_one_is_nominated_again_at_once(void **state)
{
    fixture f;

    (void)state;
    for (int row = 0; row < 4; row++) {
        floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
        uint64_t nominated = 0;
        uint64_t again = 0;
        options.consent_ms = row < 2 ? 5000 : 25000;
        options.renomination = renominates = row % 2 != 0;
        begin_with(&f, &options);
        start(&f, FLOE_ICE_ROLE_CONTROLLING);
        renominates = false;
        assert_int_equal(add(&f, low_peer), FLOE_OK);
        live_until(&f, 9000, ANSWERED_BY(peer));
        assert_true(pair_to(&f, peer).selected);
        assert_int_equal(add(&f, better_second), FLOE_OK);
        while (again == 0 && ms(&f) < 60000) {
            f.count = 0;
            run_until(&f, ms(&f) + 10);
            for (size_t i = 0; i < f.count; i++) {
                bool does = nominates(&f.sent[i]);
                nominated =
                    does && is_to(&f.sent[i], second) && nominated == 0 ? ms(&f) : nominated;
                again = does && is_to(&f.sent[i], peer) && nominated != 0 ? ms(&f) : again;
            }
            answer(&f, peer);
            if (nominated == 0) {
                answer(&f, second);
            }
        }
        assert_true(nominated != 0 && again > nominated);
        assert_in_range(again - nominated, 4000, 5200);
        end(&f);
    }
}

/* ── Connections ── */

/* It was idle, has ended, and was refused once. */
static void i14_what_was_refused_once_is_connected_to_again(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    assert_int_equal(add(&f, "a 1 udp 2130706431 198.51.100.9 9000 typ host"), FLOE_OK);
    live_until(&f, 200, ANSWERED_BY(third));
    assert_int_equal(add(&f, listening), FLOE_OK);
    connected(&f);
    respond_by(&f, f.connecting, ours_by_tcp);
    assert_true(pair_to(&f, peer).valid);
    disconnected(&f, f.connecting);
    run_until(&f, ms(&f) + 20);
    refused(&f);
    live_until(&f, 60000, ANSWERED_BY(third));
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_FAILED);
    uint32_t before = f.connecting;
    live_until(&f, 68000, NOBODY);
    assert_int_not_equal(f.connecting, before);
    end(&f);
}

/* It is open, and a NAT has forgotten it. */
static void i14_a_connection_in_use_that_nobody_reads(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    uint32_t before = choose_tcp(&f, FLOE_ICE_ROLE_CONTROLLING);
    live_until(&f, ms(&f) + 7000, NOBODY);
    assert_int_not_equal(f.connecting, before);
    connected(&f);
    respond_by(&f, f.connecting, ours_by_tcp);
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_CONNECTED);
    end(&f);
}

/* Where it is connected anew nobody listens for a moment: it is tried again, though not at once. */
static void i14_what_is_refused_is_tried_in_a_while(void **state)
{
    fixture f;
    unsigned tries = 0;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    uint32_t before = choose_tcp(&f, FLOE_ICE_ROLE_CONTROLLING);
    both_end(&f);
    for (uint64_t end = ms(&f) + 20000; ms(&f) < end;) {
        live_until(&f, ms(&f) + STEP, NOBODY);
        if (f.connecting != before) {
            before = f.connecting;
            tries++;
            refused(&f);
        }
    }
    assert_in_range(tries, 4, 9);
    while (f.connecting == before) {
        live_until(&f, ms(&f) + STEP, NOBODY);
    }
    connected(&f);
    respond_by(&f, f.connecting, ours_by_tcp);
    assert_true(pair_to(&f, peer).valid);
    end(&f);
}

/* The peer hears a check first, though data is sent all the time. */
static void i14_a_check_goes_first_by_a_connection_that_is_made_anew(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    uint32_t before = choose_tcp(&f, FLOE_ICE_ROLE_CONTROLLING);
    uint64_t begun = ms(&f);
    for (uint64_t at = begun + 10; f.connecting == before; at += 10) {
        assert_true(at < begun + 16000);
        f.count = 0;
        run_until(&f, at);
        if (at <= begun + 5100) {
            by(&f, before);
            comes(&f, peer, "data", 4);
            by(&f, 0);
        }
        (void)floe_ice_send(f.ice, f.now, "data", 4);
        outputs(&f);
    }
    f.count = 0;
    connected(&f);
    assert_true(f.count > 0 && is_check(&f.sent[0]));
    end(&f);
}

/* A connection took 2 s, and is dead as soon as it stands; another way is ready. */
static void i14_how_long_it_took_to_connect_is_no_round_trip(void **state)
{
    fixture f;
    floe_address to = address_of(second);

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLED, false);
    assert_int_equal(add(&f, two_others[0]), FLOE_OK);
    live_until(&f, 500, ANSWERED_BY(second));
    assert_int_equal(add(&f, listening), FLOE_OK);
    live_until(&f, 2500, ANSWERED_BY(second));
    connected(&f);
    respond_by(&f, f.connecting, ours_by_tcp);
    by(&f, f.connecting);
    check(&f, peer, &plain_check);
    check(&f, peer, &nominating_check);
    by(&f, 0);
    assert_true(pair_to(&f, peer).selected);
    live_until(&f, ms(&f) + 6500, ANSWERED_BY(second));
    assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
    outputs(&f);
    assert_true(f.count > 0 && floe_address_equal(&to, &f.sent[f.count - 1].to));
    end(&f);
}

/* The peer has begun 20 s late, and dies at once. */
static void i10_a_late_answer_is_no_long_round_trip(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLED);
    live_until(&f, 20000, NOBODY);
    while (!pair_to(&f, peer).valid) {
        run_until(&f, ms(&f) + STEP);
        answer(&f, peer);
    }
    live_until(&f, ms(&f) + 6600, NOBODY);
    assert_string_equal(f.states, "checking connected disconnected");
    end(&f);
}

/* All checks that may go to an address have: that it is asked no more, is why it has failed, for good. */
static void i16_too_many_checks_by_tcp(void **state)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    fixture f;

    (void)state;
    options.report_pairs = true;
    tcp = true;
    begin_with(&f, &options);
    tcp = false;
    start(&f, FLOE_ICE_ROLE_CONTROLLED);
    assert_int_equal(add(&f, listening), FLOE_OK);
    connected(&f);
    both_end(&f);
    for (unsigned i = 1; i < 50; i++) {
        by(&f, f.connecting);
        check(&f, peer, &plain_check);
        by(&f, 0);
        run_until(&f, ms(&f) + 50);
    }
    f.count = 0;
    run_until(&f, ms(&f) + 60000);
    assert_int_equal(f.count, 0);
    assert_int_equal(pair_to(&f, peer).failure, FLOE_ICE_FAILURE_TOO_MANY_CHECKS);
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_FAILED);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i10_what_has_worked_is_asked_again_though_it_failed),
        cmocka_unit_test(i10_what_has_lapsed_is_asked_as_long_as_it_is_silent),
        cmocka_unit_test(i8_it_fails_soon_behind_the_last_consent),
        cmocka_unit_test(i1_it_is_not_complete_before_all_are_checked),
        cmocka_unit_test(i10_a_long_round_trip_that_is_not_known_yet),
        cmocka_unit_test(i10_consent_that_is_over_before_it_is_asked_for),
        cmocka_unit_test(i16_what_answers_badly_is_not_asked_at_once),
        cmocka_unit_test(i8_what_has_lapsed_is_asked_while_something_may_come),
        cmocka_unit_test(i13_a_way_open_in_one_direction_with_nothing_ready),
        cmocka_unit_test(i14_a_check_goes_first_by_a_connection_that_is_made_anew),
        cmocka_unit_test(i13_the_first_nomination_is_given_up),
        cmocka_unit_test(i13_the_chosen_one_is_nominated_again_at_once),
        cmocka_unit_test(i14_what_was_refused_once_is_connected_to_again),
        cmocka_unit_test(i14_a_connection_in_use_that_nobody_reads),
        cmocka_unit_test(i14_what_is_refused_is_tried_in_a_while),
        cmocka_unit_test(i10_a_late_answer_is_no_long_round_trip),
        cmocka_unit_test(i16_too_many_checks_by_tcp),
        cmocka_unit_test(i8_what_has_lapsed_is_asked_as_long_as_something_may_come),
        cmocka_unit_test(i16_what_does_not_come_back_is_asked_fifty_times),
        cmocka_unit_test(i5_what_has_worked_is_unreachable),
        cmocka_unit_test(i4_what_is_silent_leaves_others_their_turn),
        cmocka_unit_test(i13_the_backup_is_asked_before_its_consent_ends),
        cmocka_unit_test(i16_what_has_answered_is_asked_from_another_network),
        cmocka_unit_test(i4_consent_leaves_new_candidates_their_turn),
        cmocka_unit_test(i10_one_lost_check_is_no_silence),
        cmocka_unit_test(i14_how_long_it_took_to_connect_is_no_round_trip),
        cmocka_unit_test(i13_the_first_nomination_is_given_up_for_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is lost, with an address, a connection, or an answer, and how it goes on. */
#include "hand.h"

#include <string.h>

static const char *const other = "198.51.100.8:8000";
static const char *const better_other = "b 1 udp 2130706431 198.51.100.8 8000 typ host";
static const char *const worse_other = "b 1 udp 2000 198.51.100.8 8000 typ host";

/* So long, without what was sent meanwhile. By a connection each check is answered, if there is one. */
static void live_until(fixture *f, uint64_t end, uint32_t channel)
{
    for (uint64_t at = ms(f) + 100; at <= end; at += 100) {
        run_until(f, at);
        for (size_t i = 0; channel != 0 && i < f->count; i++) {
            if (is_check(&f->sent[i])) {
                sent one = f->sent[i];
                by(f, channel);
                respond_to(f, &one, &(response){.mapped = ours_by_tcp});
                by(f, 0);
            }
        }
        f->count = 0;
    }
}

/* Another pair, that is kept ready. */
static void add_worse(fixture *f)
{
    assert_int_equal(add(f, worse_other), FLOE_OK);
    run_until(f, ms(f) + 20);
    respond_to(f, latest_to(f, other), &(response){0});
    assert_true(pair_to(f, other).valid);
}

/* ── Time to recover in ── */

static void i8_another_network(void **state)
{
    fixture f;

    (void)state;
    for (uint64_t when = 20000; when <= 60000; when += 40000) {
        follows = true;
        begin(&f);
        start(&f, FLOE_ICE_ROLE_CONTROLLING);
        f.answers = peer;
        add_peer(&f);
        assert_int_equal(add(&f, NULL), FLOE_OK);
        live_until(&f, when, 0);
        assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_COMPLETED);
        own = NULL;
        floe_core_network_changed(f.core, f.now);
        outputs(&f);
        live_until(&f, when + 1000, 0);
        assert_int_equal(pair_count(&f), 0);
        assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_CHECKING);
        own = "192.0.2.2";
        floe_core_network_changed(f.core, f.now);
        outputs(&f);
        live_until(&f, when + 20000, 0);
        assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_COMPLETED);
        /* If none comes, that has an end. */
        own = NULL;
        floe_core_network_changed(f.core, f.now);
        outputs(&f);
        live_until(&f, when + 60000, 0);
        assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_FAILED);
        own = "192.0.2.1";
        follows = false;
        end(&f);
    }
}

/* Nothing is waited for where the peer has not answered for as long already, or has said that it will not. */
static void i8_consent_that_ends_is_the_end(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    f.answers = peer;
    answer_new(&f);
    both_end(&f);
    live_until(&f, 60000, 0);
    f.answers = NULL;
    while (pair_to(&f, peer).valid) {
        live_until(&f, ms(&f) + 100, 0);
    }
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_FAILED);
    end(&f);
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    f.answers = peer;
    answer_new(&f);
    both_end(&f);
    live_until(&f, 60000, 0);
    f.answers = NULL;
    run_until(&f, 66000);
    respond_to(&f, last_check(&f), &(response){.code = 403});
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_FAILED);
    end(&f);
}

/* Who has connected from there is being nominated, by its connection, as what comes next is. */
static uint32_t begin_connected_to(fixture *f, const char *from)
{
    begin_tcp(f, FLOE_ICE_ROLE_CONTROLLED, false);
    assert_int_equal(add(f, connecting), FLOE_OK);
    uint32_t channel = accepted(f, from);
    by(f, channel);
    check(f, from, &plain_check);
    run_until(f, ms(f) + 10);
    respond_by(f, channel, "192.0.2.1:5001");
    by(f, channel);
    check(f, from, &nominating_check);
    return channel;
}

static void i14_who_connects_to_us_may_connect_anew(void **state)
{
    fixture f;
    static const char *const from = "198.51.100.7:33333";
    static const char *const anew = "198.51.100.7:44444";

    (void)state;
    uint32_t one = begin_connected_to(&f, from);
    by(&f, 0);
    both_end(&f);
    live_until(&f, 45000, one);
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_COMPLETED);
    disconnected(&f, one);
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_CHECKING);
    run_until(&f, 46000);
    f.count = 0;
    uint32_t two = accepted(&f, anew);
    by(&f, two);
    check(&f, anew, &nominating_check);
    assert_int_equal(answered(&f), 0);
    run_until(&f, 46010);
    respond_by(&f, two, "192.0.2.1:5001");
    assert_true(pair_to(&f, anew).selected);
    end(&f);
}

/* ── Connections that end ── */

static void i14_a_connection_that_ends_in_a_nomination(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    assert_int_equal(add(&f, listening), FLOE_OK);
    connected(&f);
    respond_by(&f, f.connecting, ours_by_tcp);
    run_until(&f, ms(&f) + 10);
    assert_int_equal(f.count, 2); /* the nomination */
    f.count = 0;
    uint32_t before = f.connecting;
    disconnected(&f, before);
    assert_int_not_equal(f.connecting, before);
    assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
    connected(&f);
    assert_int_equal(f.count, 2);
    floe_stun_message first = message_of(&f.sent[0]);
    assert_true(floe_stun_has(&first, FLOE_STUN_USE_CANDIDATE));
    by(&f, f.connecting);
    respond_to(&f, &f.sent[0], &(response){.mapped = ours_by_tcp});
    assert_true(pair_to(&f, peer).selected);
    end(&f);
}

/* The way by UDP is silent, so that by TCP is nominated; its connection was gone for long. */
static void i14_a_connection_that_turns_out_to_be_gone(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    f.answers = other;
    assert_int_equal(add(&f, better_other), FLOE_OK);
    run_until(&f, ms(&f) + 20);
    assert_true(pair_to(&f, other).selected);
    assert_int_equal(add(&f, listening), FLOE_OK);
    connected(&f);
    uint32_t channel = f.connecting;
    respond_by(&f, channel, ours_by_tcp);
    run_until(&f, 3000);
    f.answers = NULL;
    f.count = 0;
    while (ms(&f) < 12000 && (f.count == 0 || f.sent[f.count - 1].channel != channel)) {
        run_until(&f, ms(&f) + 100);
    }
    assert_true(f.sent[f.count - 1].channel == channel);
    disconnected(&f, channel);
    assert_int_not_equal(f.connecting, channel);
    end(&f);
}

/* It was silent, and another pair was used in its place: then it is chosen no more, and nothing says that it is. */
static void lose_tcp(floe_ice_role role, bool resets)
{
    fixture f;

    begin_tcp(&f, role, false);
    uint32_t channel = choose_tcp(&f, role);
    add_worse(&f);
    both_end(&f);
    run_until(&f, 1000);
    f.count = 0;
    if (resets) { /* what accepts at once resets at once */
        disconnected(&f, channel);
        assert_int_not_equal(f.connecting, channel);
        connected(&f);
        disconnected(&f, f.connecting);
    } else { /* data of the other goes on */
        f.answers = role == FLOE_ICE_ROLE_CONTROLLED ? other : NULL;
        for (uint64_t at = 1000; at < 6400; at += 100) {
            run_until(&f, at);
            comes(&f, other, "data", 4);
            f.count = 0;
        }
        f.answers = NULL;
        disconnected(&f, channel);
    }
    run_until(&f, ms(&f) + 20);
    refused(&f);
    assert_false(pair_to(&f, peer).valid);
    assert_false(pair_to(&f, peer).selected);
    assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
    live_until(&f, 200000, 0);
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_FAILED);
    assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_ERR_NOT_CONNECTED);
    end(&f);
}

static void i14_a_chosen_connection_that_ends_for_good(void **state)
{
    (void)state;
    lose_tcp(FLOE_ICE_ROLE_CONTROLLED, false);
    lose_tcp(FLOE_ICE_ROLE_CONTROLLING, false);
    lose_tcp(FLOE_ICE_ROLE_CONTROLLED, true);
    lose_tcp(FLOE_ICE_ROLE_CONTROLLING, true);
}

/* ── Answers that come late ── */

/* The chosen pair is silent, and the other is chosen: an answer to what nominated the first changes nothing. */
static void answer_late(bool numbers)
{
    fixture f;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    floe_address to = address_of(peer);
    sent old = {0};

    options.renomination = numbers;
    begin_with(&f, &options);
    renominates = numbers;
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    renominates = false;
    f.answers = peer;
    add_peer(&f);
    run_until(&f, ms(&f) + 20);
    f.answers = other;
    assert_int_equal(add(&f, worse_other), FLOE_OK);
    run_until(&f, ms(&f) + 20);
    f.count = 0;
    run_until(&f, 6500);
    assert_true(pair_to(&f, other).selected);
    for (size_t i = 0; i < f.count; i++) {
        floe_stun_message message = message_of(&f.sent[i]);
        if (is_check(&f.sent[i]) && floe_address_equal(&f.sent[i].to, &to) &&
            floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE)) {
            old = f.sent[i];
        }
    }
    assert_true(old.size > 0);
    unsigned selections = f.selections;
    respond_to(&f, &old, &(response){0});
    assert_true(pair_to(&f, peer).valid);
    assert_true(pair_to(&f, other).selected);
    assert_int_equal(f.selections, selections);
    end(&f);
}

static void i13_a_late_answer_takes_no_choice_back(void **state)
{
    (void)state;
    answer_late(false);
    answer_late(true);
}

/* The peer has heard that the other one is chosen, whatever comes by the new connection behind that. */
static void i13_a_connection_made_anew_takes_no_choice_back(void **state)
{
    fixture f;

    (void)state;
    for (int numbers = 0; numbers < 2; numbers++) {
        begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, numbers != 0);
        uint32_t channel = choose_tcp(&f, FLOE_ICE_ROLE_CONTROLLING);
        add_worse(&f);
        run_until(&f, 3000);
        f.count = 0;
        f.answers = other;
        disconnected(&f, channel);
        run_until(&f, ms(&f) + 50);
        assert_true(pair_to(&f, other).selected);
        f.answers = NULL;
        connected(&f);
        sent one = *latest_to(&f, peer);
        floe_stun_message message = message_of(&one);
        assert_false(floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE));
        by(&f, f.connecting);
        respond_to(&f, &one, &(response){.mapped = ours_by_tcp});
        assert_true(pair_to(&f, other).selected);
        end(&f);
    }
}

/* Nothing arrives for half of the time that consent lasts. */
static void i10_an_outage_in_a_nomination(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    respond(&f);
    run_until(&f, 15000);
    f.count = 0;
    run_until(&f, 20000);
    assert_in_range(checks_to(&f, peer), 4, 6); /* each second, and none twice */
    f.answers = peer;
    run_until(&f, 22000);
    assert_true(pair_to(&f, peer).selected);
    end(&f);
}

/* The answer to a check of the chosen pair that went just before another one was nominated. */
static void i13_the_answer_to_the_last_check_before_a_nomination(void **state)
{
    fixture f;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    floe_address to = address_of(peer);

    (void)state;
    options.consent_ms = 1000;
    begin_with(&f, &options);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    f.answers = other;
    assert_int_equal(add(&f, worse_other), FLOE_OK);
    run_until(&f, 9000);
    f.answers = peer;
    add_peer(&f);
    f.answers = NULL;
    f.count = 0;
    bool nominating = false;
    for (uint64_t at = 9010; at < 20000 && !nominating; at += 10) {
        run_until(&f, at);
        comes(&f, other, "data", 4);
        for (size_t i = 0; i < f.count; i++) {
            floe_stun_message message = message_of(&f.sent[i]);
            nominating = nominating || (floe_address_equal(&f.sent[i].to, &to) &&
                                        floe_stun_has(&message, FLOE_STUN_USE_CANDIDATE));
        }
    }
    assert_true(nominating);
    sent before = *latest_to(&f, other);
    floe_stun_message asked = message_of(&before);
    assert_true(floe_stun_has(&asked, FLOE_STUN_USE_CANDIDATE));
    sent nomination = *latest_to(&f, peer);
    respond_to(&f, &nomination, &(response){0});
    assert_true(pair_to(&f, peer).selected);
    respond_to(&f, &before, &(response){0});
    assert_true(pair_to(&f, peer).selected);
    end(&f);
}

/* Its address is gone: another way from there is as bad, and is asked before it is used again. */
static void i13_no_way_from_an_address(void **state)
{
    fixture f;
    floe_address to = address_of(peer);

    (void)state;
    for (int from_here = 0; from_here < 2; from_here++) {
        begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
        f.answers = peer;
        add_peer(&f);
        run_until(&f, ms(&f) + 20);
        add_worse(&f);
        assert_int_equal(add(&f, "p 1 tcp 1000 198.51.100.9 9000 typ host tcptype passive"),
                         FLOE_OK);
        connected(&f);
        respond_by(&f, f.connecting, ours_by_tcp);
        assert_true(pair_to(&f, "198.51.100.9:9000").valid);
        f.answers = NULL;
        f.count = 0;
        floe_core_unreachable(f.core, f.now, f.channel, &to,
                              from_here ? FLOE_UNREACHABLE_NETWORK : FLOE_UNREACHABLE_PORT, NULL,
                              0);
        outputs(&f);
        assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
        outputs(&f);
        assert_int_equal(f.sent[f.count - 1].to.port, from_here ? 9000 : 8000);
        if (from_here) { /* it has worked all the time */
            f.answers = other;
            run_until(&f, ms(&f) + 20);
            f.count = 0;
            assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
            outputs(&f);
            assert_int_equal(f.sent[f.count - 1].to.port, 8000);
        }
        end(&f);
    }
}

/* It was unreachable for a moment. When that which has taken its place is, it is good again. */
static void i13_what_was_doubted_is_asked_again(void **state)
{
    fixture f;
    floe_address to = address_of(peer);
    floe_address then = address_of(other);

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    f.answers = peer;
    add_peer(&f);
    run_until(&f, ms(&f) + 20);
    add_worse(&f);
    run_until(&f, 11000);
    f.count = 0;
    f.answers = other;
    floe_core_unreachable(f.core, f.now, f.channel, &to, FLOE_UNREACHABLE_HOST, NULL, 0);
    outputs(&f);
    run_until(&f, ms(&f) + 500);
    assert_true(pair_to(&f, other).selected);
    f.count = 0;
    f.answers = peer;
    run_until(&f, ms(&f) + 6000);
    f.answers = NULL;
    floe_core_unreachable(f.core, f.now, f.channel, &then, FLOE_UNREACHABLE_HOST, NULL, 0);
    outputs(&f);
    assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
    outputs(&f);
    assert_int_equal(f.sent[f.count - 1].to.port, 7000);
    end(&f);
}

/* ── The peer comes from elsewhere ── */

/* A NAT gives the controlling side another port, and what it checks by goes on to nominate. */
static void rebind(bool numbers, const char *candidate)
{
    fixture f;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    static const char *const moved = "198.51.100.7:7001";
    request again = nominating_check;

    again.nomination = numbers;
    options.renomination = numbers;
    begin_with(&f, &options);
    renominates = numbers;
    start(&f, FLOE_ICE_ROLE_CONTROLLED);
    renominates = false;
    if (candidate != NULL) {
        assert_int_equal(add(&f, candidate), FLOE_OK);
    }
    f.answers = peer;
    check(&f, peer, &plain_check);
    run_until(&f, ms(&f) + 20);
    check(&f, peer, &again);
    run_until(&f, 20000);
    assert_true(pair_to(&f, peer).selected);
    f.answers = moved;
    check(&f, moved, &again);
    run_until(&f, 20020);
    assert_true(pair_to(&f, moved).selected);
    end(&f);
}

static void i13_a_nat_that_forgets(void **state)
{
    (void)state;
    for (int numbers = 0; numbers < 2; numbers++) {
        rebind(numbers != 0, NULL);
        rebind(numbers != 0, "h 1 udp 2130706431 198.51.100.7 7000 typ host");
        rebind(numbers != 0, "h 1 udp 1694498815 198.51.100.7 7000 typ srflx raddr :: rport 9");
    }
}

/* Its connection is gone for the peer alone, who connects anew. */
static void i14_the_peer_connects_anew(void **state)
{
    fixture f;
    static const char *const from = "198.51.100.7:33333";
    static const char *const anew = "198.51.100.7:44444";

    (void)state;
    (void)begin_connected_to(&f, from);
    run_until(&f, 1000);
    assert_true(pair_to(&f, from).selected);
    uint32_t two = accepted(&f, anew);
    by(&f, two);
    check(&f, anew, &nominating_check);
    run_until(&f, 1010);
    respond_by(&f, two, "192.0.2.1:5001");
    assert_true(pair_to(&f, anew).selected);
    end(&f);
}

/* Of a pair that did not work, which works when another one has been chosen. */
static void i7_a_nomination_that_is_over(void **state)
{
    fixture f;

    (void)state;
    for (uint64_t when = 300; when <= 41000; when += 40700) { /* it is under way, or has failed */
        begin(&f);
        start(&f, FLOE_ICE_ROLE_CONTROLLED);
        check(&f, other, &plain_check);
        check(&f, other, &nominating_check);
        run_until(&f, 100);
        f.answers = peer;
        check(&f, peer, &plain_check);
        run_until(&f, 200);
        live_until(&f, when, 0);
        check(&f, peer, &nominating_check);
        assert_true(pair_to(&f, peer).selected);
        f.answers = other;
        check(&f, other, &plain_check);
        run_until(&f, ms(&f) + 1000);
        assert_true(pair_to(&f, other).valid);
        assert_true(pair_to(&f, peer).selected);
        end(&f);
    }
}

/* ── Long waits, and what is on its way ── */

static void i10_consent_may_last_longer_than_fifty_checks(void **state)
{
    fixture f;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;

    (void)state;
    options.consent_timeout_ms = 120000;
    begin_with(&f, &options);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    f.answers = peer;
    add_peer(&f);
    run_until(&f, 2000);
    f.answers = NULL;
    live_until(&f, 119000, 0);
    assert_true(pair_to(&f, peer).valid);
    live_until(&f, 123000, 0);
    assert_false(pair_to(&f, peer).valid);
    assert_int_equal(pair_to(&f, peer).failure, FLOE_ICE_FAILURE_CONSENT);
    end(&f);
}

static void begin_anew(fixture *f)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;

    (void)strcpy(remote.username_fragment, "anew");
    (void)strcpy(remote.password, "anotherPassword+/0123456789");
    assert_int_equal(floe_ice_start(f->ice, f->now, &remote, floe_ice_get_role(f->ice)), FLOE_OK);
    outputs(f);
}

/* Each side may use another pair, until both know that one is chosen anew. */
static void i11_data_of_any_pair_is_delivered(void **state)
{
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLED);
    f.answers = peer;
    add_peer(&f);
    run_until(&f, ms(&f) + 20);
    f.answers = other;
    assert_int_equal(add(&f, worse_other), FLOE_OK);
    run_until(&f, ms(&f) + 20);
    begin_anew(&f);
    comes(&f, peer, "data", 4);
    assert_true(f.delivered);
    comes(&f, other, "data", 4);
    assert_true(f.delivered);
    comes(&f, "198.51.100.9:9", "data", 4);
    assert_false(f.delivered);
    end(&f);
}

/* What is chosen is what was told; and what was used without being chosen is not. */
static void i11_what_was_chosen_before(void **state)
{
    fixture f;
    floe_ice_pair_list *list = NULL;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLED);
    f.answers = peer;
    add_peer(&f);
    run_until(&f, ms(&f) + 20);
    f.answers = NULL;
    begin_anew(&f);
    assert_false(pair_to(&f, peer).selected);
    assert_int_equal(floe_ice_get_selected_pair(f.ice, &list), FLOE_ERR_NOT_CONNECTED);
    assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
    live_until(&f, 40000, 0);
    assert_int_equal(f.selections, 0);
    end(&f);
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLED);
    f.answers = peer;
    add_peer(&f);
    run_until(&f, ms(&f) + 20);
    check(&f, peer, &plain_check);
    check(&f, peer, &nominating_check);
    f.answers = other;
    assert_int_equal(add(&f, worse_other), FLOE_OK);
    live_until(&f, 7000, 0); /* the first is silent */
    assert_int_equal(f.selected.remote_address.port, 7000);
    begin_anew(&f);
    assert_int_equal(floe_ice_get_selected_pair(f.ice, &list), FLOE_OK);
    assert_int_equal(list->pairs[0]->remote_address.port, 8000);
    assert_int_equal(f.selected.remote_address.port, 8000);
    floe_ice_pair_list_free(list);
    end(&f);
}

static void i11_a_name_is_told_after_a_restart(void **state)
{
    static const char *const one[] = {"198.51.100.7"};
    fixture f;
    floe_ice_pair_list *list = NULL;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 100 a.local 7000 typ host"), FLOE_OK);
    f.answers = peer;
    found(&f, "a.local", FLOE_OK, one, 1);
    run_until(&f, ms(&f) + 20);
    begin_anew(&f);
    assert_int_equal(floe_ice_get_selected_pair(f.ice, &list), FLOE_OK);
    assert_string_equal(list->pairs[0]->remote->address, "a.local");
    floe_ice_pair_list_free(list);
    end(&f);
}

/* The checks of a peer that does not know of the restart yet are consent, as we send none. */
static void i12_lite_with_a_peer_of_before(void **state)
{
    fixture f;

    (void)state;
    lite = true;
    begin(&f);
    lite = false;
    start(&f, FLOE_ICE_ROLE_CONTROLLED);
    check(&f, peer, &plain_check);
    check(&f, peer, &nominating_check);
    assert_true(pair_to(&f, peer).selected);
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    begin_anew(&f);
    for (uint64_t at = 1000; at < 60000; at += 4000) {
        run_until(&f, at);
        check(&f, peer, &plain_check);
        assert_int_equal(answered(&f), 0);
        f.count = 0;
        assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
        outputs(&f);
        f.count = 0;
    }
    end(&f);
}

/* Its chosen one was removed, and another one has lapsed, was checked again, and was not answered. */
static void i10_why_there_is_no_pair(void **state)
{
    fixture f;
    static const char *const first = "f1 1 udp 2130706431 198.51.100.7 7000 typ host";
    static const char *const third = "198.51.100.9:9000";

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    f.answers = third;
    assert_int_equal(add(&f, "c 1 udp 1000 198.51.100.9 9000 typ host"), FLOE_OK);
    f.answers = peer;
    assert_int_equal(add(&f, first), FLOE_OK);
    run_until(&f, 20);
    f.answers = other;
    assert_int_equal(add(&f, worse_other), FLOE_OK);
    run_until(&f, 40);
    for (uint64_t at = 100; at < 50000; at += 100) {
        f.answers = at / 100 & 1 ? peer : other;
        run_until(&f, at);
        f.count = 0;
    }
    f.answers = NULL;
    both_end(&f);
    assert_int_equal(take_away(&f, first), FLOE_OK);
    assert_int_equal(take_away(&f, worse_other), FLOE_OK);
    live_until(&f, 200000, 0);
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_FAILED);
    assert_int_equal(floe_ice_get_reason(f.ice), FLOE_ICE_REASON_CONSENT);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i8_another_network),
        cmocka_unit_test(i8_consent_that_ends_is_the_end),
        cmocka_unit_test(i14_who_connects_to_us_may_connect_anew),
        cmocka_unit_test(i14_a_connection_that_ends_in_a_nomination),
        cmocka_unit_test(i14_a_connection_that_turns_out_to_be_gone),
        cmocka_unit_test(i14_a_chosen_connection_that_ends_for_good),
        cmocka_unit_test(i13_a_late_answer_takes_no_choice_back),
        cmocka_unit_test(i13_a_connection_made_anew_takes_no_choice_back),
        cmocka_unit_test(i10_an_outage_in_a_nomination),
        cmocka_unit_test(i13_the_answer_to_the_last_check_before_a_nomination),
        cmocka_unit_test(i13_no_way_from_an_address),
        cmocka_unit_test(i13_what_was_doubted_is_asked_again),
        cmocka_unit_test(i13_a_nat_that_forgets),
        cmocka_unit_test(i14_the_peer_connects_anew),
        cmocka_unit_test(i7_a_nomination_that_is_over),
        cmocka_unit_test(i10_consent_may_last_longer_than_fifty_checks),
        cmocka_unit_test(i11_data_of_any_pair_is_delivered),
        cmocka_unit_test(i11_what_was_chosen_before),
        cmocka_unit_test(i11_a_name_is_told_after_a_restart),
        cmocka_unit_test(i12_lite_with_a_peer_of_before),
        cmocka_unit_test(i10_why_there_is_no_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

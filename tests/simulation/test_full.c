/* A server that is full (T6, RFC 8656 §7.4; stories by hand.h). */
#include "hand.h"
#include "polled.h"

#include <string.h>

/* Who is not asked for a minute is asked when that is over, by whoever wanted a relay: an address
 * to which the machine went over meanwhile. */
static void t6_a_refusal_ends_with_its_minute(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    turn->allocate = FULL;
    h.two_interfaces = true;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "+ host, + srflx, + relay, end, + host, error, + srflx, end");
    turn->allocate = ANSWERS;
    h.two_interfaces = false;
    h.second_alone = true;
    pass(&h, 10000);
    turn->allocates = 0;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "- relay, - host, - srflx, error, end");
    assert_int_equal(h.gone[FLOE_CANDIDATE_TYPE_RELAY], FLOE_WITHDRAWAL_ADDRESS_GONE);
    assert_int_equal(h.gone[FLOE_CANDIDATE_TYPE_HOST], FLOE_WITHDRAWAL_ADDRESS_GONE);
    assert_int_equal(h.gone[FLOE_CANDIDATE_TYPE_SRFLX], FLOE_WITHDRAWAL_ADDRESS_GONE);
    assert_non_null(strstr(h.error, "not asked before a minute is over"));
    assert_int_equal(turn->allocates, 0);
    pass(&h, 60000);
    assert_int_equal(turn->allocates, 0); /* what its owner would not hear of takes no room */
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ relay, end");
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* R1: what a NAT shows of the next address has nothing to do with it. */
static void t6_a_refusal_costs_no_reflexive_candidate(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->allocate = FULL;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, error, + srflx, end");
    assert_non_null(strstr(h.error, "the server answers 486"));
    h.ip = "10.0.5.5:0";
    turn->mapped = "192.0.2.8:900";
    turn->allocates = 0;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "- host, - srflx, + host, error, + srflx, end");
    assert_int_equal(turn->allocates, 0);
    end(&h);
}

/* R6, L11: that a relay is refused says nothing of the mapping that it has shown and kept: lost when
 * a new generation asks for it, and not to be had again, it leaves the reflexive candidate. */
static void t6_a_refusal_costs_no_mapping_that_was_known(void **state)
{
    static const uint16_t codes[] = {486, 508, 403};
    static hand h;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, + relay, end");
        uint32_t id = h.last[FLOE_CANDIDATE_TYPE_SRFLX];
        turn->refresh = FORGOT;
        turn->allocate = SAYS;
        turn->code = codes[i];
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 6000);
        assert_true(says(&h, "+ host, - relay, "));
        assert_true(says(&h, "+ srflx") && says(&h, "error") && says(&h, "end"));
        *h.log = '\0';
        assert_int_equal(h.last[FLOE_CANDIDATE_TYPE_SRFLX], id);
        turn->bindings = 0;
        pass(&h, 45000);
        assert_int_equal(turn->bindings, 3);
        read_log(&h, "");
        end(&h);
    }
}

/* T7: relays that wait to be had again go on waiting, each of them, whoever gathers meanwhile; none
 * asks before the minute is over; and what is had is told, in a new generation too. */
static void t6_a_refusal_ends_nothing_that_waits(void **state)
{
    static hand h;

    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        make(&h, turn_url, 1, defaults);
        h.two_interfaces = true;
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        turn->refresh = FORGOT;
        turn->allocate = FULL;
        pass(&h, 30000);
        read_log(&h, "- relay, error, - relay");
        if (restarts) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        turn->allocates = 0;
        gather(&h);
        pass(&h, 6000);
        read_log(&h, restarts ? "+ host, + host, error, error, + srflx, + srflx, end"
                              : "error, error, end");
        assert_int_equal(turn->allocates, 0);
        turn->refresh = turn->allocate = ANSWERS;
        pass(&h, 120000);
        assert_int_equal(turn->allocates, 2);
        read_log(&h, "+ relay, + relay");
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "end");
        end(&h);
    }
}

/* T5, T12: a wish that is refused so costs the wish, and is not asked for again within the minute. */
static void t6_a_refused_wish_costs_nothing_else(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2?transport=tcp"};
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->alone = true;
    turn->ipv6 = FULL;
    gather(&h);
    pass(&h, 1000);
    assert_int_equal(turn->allocates, 2);
    for (int i = 0; i < 3; i++) {
        gather(&h);
        pass(&h, 1000);
    }
    assert_int_equal(turn->allocates, 2);
    end(&h);

    settings.network_types =
        FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_UDP6 | FLOE_NETWORK_TYPE_TCP4;
    make(&h, urls, 1, settings);
    turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->tcp = FULL;
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    h.ip = "10.0.5.5:0";
    gather(&h);
    pass(&h, 6000);
    assert_non_null(strstr(h.log, "+ relay"));
    assert_int_equal(h.errors, 0);
    end(&h);
}

/* L14, T7: without a list of interfaces nobody asks; what was lost is told when it is had again. */
static void l14_what_is_away_while_no_list_comes(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->refresh = turn->allocate = SILENT;
    pass(&h, 100000);
    read_log(&h, "- relay, error");
    assert_int_equal(h.gone[FLOE_CANDIDATE_TYPE_RELAY], FLOE_WITHDRAWAL_RELAY_LOST);
    h.no_list = true;
    gather(&h);
    pass(&h, 10000);
    read_log(&h, "error, end");
    turn->refresh = turn->allocate = ANSWERS;
    pass(&h, 120000);
    read_log(&h, "+ relay");
    end(&h);
}

/* Its channel takes one packet in 30 ms, as a slow way does; the owner keeps the queue full. */
static void uploads(hand *h, const floe_address *peer, uint64_t milliseconds)
{
    uint8_t data[1200] = {0};

    for (uint64_t at = 0; at < milliseconds; at += 30) {
        uint32_t channel = channel_by_stream(h);
        while (floe_core_send(h->core, h->now, h->last[FLOE_CANDIDATE_TYPE_RELAY], peer, data,
                              sizeof data) == FLOE_OK) {
        }
        floe_core_writable(h->core, h->now, channel);
        while (polled(h->core, h->now, &h->output)) {
            bool taken = h->output.kind == FLOE_CORE_SEND && h->output.channel == channel;
            take(h);
            if (taken) {
                floe_core_blocked(h->core, channel);
            }
        }
        h->now = floe_time_after(h->now, floe_milliseconds(30));
        floe_core_time(h->core, h->now);
    }
}

/* T7b: a request that waits behind our own data, or for a channel that takes nothing, has not been
 * heard by anybody who could answer it. */
static void t7b_a_request_that_has_not_left_is_not_unanswered(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2?transport=tcp"};
    static hand h;
    floe_address peer = address_of("192.0.2.50:900");

    (void)state;
    make(&h, urls, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + relay, end");
    for (int i = 0; i < 2; i++) { /* a permission, then a channel */
        assert_int_equal(
            floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1),
            FLOE_OK);
        pass(&h, 100);
    }
    uploads(&h, &peer, 60000);
    assert_null(strstr(h.log, "- relay"));
    *h.log = '\0';
    assert_true(turn->refreshes >= 3);
    assert_int_equal(turn->allocates, 1);
    floe_core_writable(h.core, h.now, channel_by_stream(&h));
    pass(&h, 13000);
    *h.log = '\0';
    /* Away for eight seconds, in which the Refresh is due; TCP carries on. */
    floe_core_blocked(h.core, channel_by_stream(&h));
    turn->refreshes = 0;
    pass(&h, 20000);
    assert_int_equal(turn->refreshes, 0);
    floe_core_writable(h.core, h.now, channel_by_stream(&h));
    pass(&h, 2000);
    read_log(&h, "");
    assert_int_equal(turn->refreshes, 1);
    assert_int_equal(turn->allocates, 1);
    /* Who takes nothing at all is given up all the same; and who takes what we send, and answers
     * nothing. */
    turn->refresh = SILENT;
    floe_core_blocked(h.core, channel_by_stream(&h));
    pass(&h, 60000);
    read_log(&h, "- relay, + relay");
    *h.log = '\0';
    uploads(&h, &peer, 80000);
    assert_non_null(strstr(h.log, "- relay"));
    end(&h);
}

/* L14, E1: what is lost before its gathering is over is waited for again, and its owner hears what
 * came of that. */
static void l14_a_relay_that_is_lost_meanwhile(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2?transport=tcp", "stun:203.0.113.4"};
    static hand h;
    uint32_t channel = 0;

    (void)state;
    make(&h, urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    with(&h, "203.0.113.4:3478", "192.0.2.7:700")->binding = SILENT;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + relay");
    for (uint32_t i = 0; i < CHANNELS; i++) {
        channel = h.open[i] && h.stream[i] ? i : channel;
    }
    turn->allocate = SILENT;
    floe_core_disconnected(h.core, h.now, channel);
    pass(&h, 5000);
    read_log(&h, "- relay, error, error, end");
    turn->allocate = ANSWERS;
    pass(&h, 60000);
    read_log(&h, "+ relay");
    end(&h);
}

/* L14, E1: a gathering's end is no word against a relay that stands, whose server has not said yet
 * that it has it still. */
static void l14_a_relay_that_stands_is_no_error(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->refresh = turn->binding = SILENT; /* an outage */
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "end");
    turn->refresh = turn->binding = ANSWERS;
    pass(&h, 60000);
    read_log(&h, "");
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* L5, L11, T7b: neither a gathering nor a restart hands out a relay that its server has lost. */
static void t7b_what_is_told_again_was_asked(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->refresh = FORGOT;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, + relay, end");
    turn->refresh = ANSWERS;
    uint32_t host = h.last[FLOE_CANDIDATE_TYPE_HOST];
    uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    assert_int_equal(h.last[FLOE_CANDIDATE_TYPE_HOST], host); /* what goes on keeps its id */
    assert_int_equal(h.last[FLOE_CANDIDATE_TYPE_RELAY], relay);
    assert_int_equal(turn->allocates, 2);
    turn->refresh = FORGOT;
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 1000);
    assert_int_not_equal(h.last[FLOE_CANDIDATE_TYPE_RELAY], relay);
    assert_int_equal(turn->allocates, 3);
    end(&h);
}

/* Its owner gathers while the server is ill: that fails, and the relay comes back all the same. */
static void t7_a_gathering_in_an_outage(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->refresh = FORGOT;
    turn->allocate = STUNNED;
    pass(&h, 20000);
    read_log(&h, "- relay, error");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "error, end");
    turn->refresh = turn->allocate = ANSWERS;
    pass(&h, 60000);
    read_log(&h, "+ relay");
    end(&h);
}

/* A server that allocates and forgets at once is asked after 1, 2, 4 … s, no oftener. */
static void t7_a_server_that_forgets_at_once(void **state)
{
    static hand h;
    floe_address to = address_of("203.0.113.2:3478");

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->refresh = FORGOT;
    gather(&h);
    for (int i = 0; i < 600; i++) { /* a minute, with reasons to ask without end */
        floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_PORT, NULL, 0);
        pass(&h, 100);
    }
    assert_in_range(turn->allocates, 3, 9);
    end(&h);
}

/* T6: a spare socket goes with the relay that it was opened for. */
static void t6_a_spare_socket_is_closed(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700")->allocate = FORGOT;
    for (int i = 0; i < 10; i++) {
        gather(&h);
        pass(&h, 6000);
        assert_int_equal(h.sockets, 1);
    }
    end(&h);
}

/* T5: a server without a pair of ports answers the Allocate behind that by no address at all, from there
 * (coturn 4.6.1): another port of ours, or another connection, has a relay, without the wish. A restart of
 * the server may have brought pairs. */
static void t5_a_server_without_a_pair_of_ports(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        floe_ice_server ice;
        floe_gather_options options = options_of(&ice, urls[i], 1, "u");
        make(&h, urls[i], 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->no_pairs = true;
        options.even_port = true;
        assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
        gather(&h);
        pass(&h, 2000);
        assert_true(says(&h, "+ relay"));
        assert_int_equal(h.errors, 0);
        assert_int_equal(turn->allocates, 2); /* nowhere, and somewhere */
        turn->no_pairs = false;
        turn->nowhere = 0;
        turn->refresh = FORGOT;
        *h.log = '\0';
        pass(&h, 20000);
        assert_true(says(&h, "- relay, + relay"));
        assert_true(turn->even);
        end(&h);
    }
}

/* RFC 8656 §7.4: whose server has been restarted, and is full by then, waits a minute, wherever the services of its
 * name lead: by another port there is no other room. */
static void t6_a_full_server_at_two_ports(void **state)
{
    static const char *const url[] = {"turn:example.org?transport=tcp"};
    floe_settings settings = defaults;
    static hand h;

    (void)state;
    settings.service_discovery = true;
    make(&h, url, 1, settings);
    h.service = "turn.example.org";
    h.places[0] = "203.0.113.2:0";
    h.two_ports = true;
    server *ports[] = {with(&h, "203.0.113.2:3478", "192.0.2.7:700"),
                       with(&h, "203.0.113.2:3479", "192.0.2.7:700")};
    gather(&h);
    pass(&h, 10000);
    assert_true(says(&h, "+ relay"));
    for (size_t i = 0; i < 2; i++) {
        ports[i]->refresh = FORGOT;
        ports[i]->allocate = ports[i]->both = FULL;
    }
    pass(&h, 120000);
    size_t before = ports[0]->allocates + ports[1]->allocates;
    pass(&h, 300000);
    assert_in_range(ports[0]->allocates + ports[1]->allocates - before, 1, 15);
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t5_a_server_without_a_pair_of_ports),
        cmocka_unit_test(t6_a_refusal_ends_with_its_minute),
        cmocka_unit_test(t6_a_refusal_costs_no_reflexive_candidate),
        cmocka_unit_test(t6_a_refusal_costs_no_mapping_that_was_known),
        cmocka_unit_test(t6_a_refusal_ends_nothing_that_waits),
        cmocka_unit_test(t6_a_refused_wish_costs_nothing_else),
        cmocka_unit_test(l14_what_is_away_while_no_list_comes),
        cmocka_unit_test(t7b_a_request_that_has_not_left_is_not_unanswered),
        cmocka_unit_test(l14_a_relay_that_is_lost_meanwhile),
        cmocka_unit_test(l14_a_relay_that_stands_is_no_error),
        cmocka_unit_test(t7b_what_is_told_again_was_asked),
        cmocka_unit_test(t6_a_spare_socket_is_closed),
        cmocka_unit_test(t7_a_gathering_in_an_outage),
        cmocka_unit_test(t7_a_server_that_forgets_at_once),
        cmocka_unit_test(t6_a_full_server_at_two_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

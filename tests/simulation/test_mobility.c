/* Relays that move (RFC 8016; stories by hand.h). */
#include "hand.h"

#include <string.h>

/* One server of tickets has given its relay; nothing of it is read. */
static server *begin_mobile(hand *h, const char *const *urls)
{
    floe_settings settings = defaults;

    settings.mobility = true;
    make(h, urls, 1, settings);
    server *turn = with(h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->tickets = true;
    h->places[0] = "203.0.113.2:0";
    gather(h);
    pass(h, 1000);
    assert_true(says(h, "+ relay, end"));
    *h->log = '\0';
    return turn;
}

/* T10, R1, L11: a relay that has moved knows no mapped address (RFC 8016): what the NAT shows of the
 * address that it has moved to is asked for in each gathering, and kept. */
static void t10_where_a_relay_has_moved_the_mapping_is_asked_for(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_mobile(&h, turn_url);
    h.ip = "10.0.5.5:0";
    turn->mapped = "192.0.2.8:900";
    gather(&h);
    pass(&h, 60000);
    read_log(&h, "- host, - srflx, + host, + srflx, end");
    assert_int_equal(turn->allocates, 1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 60000);
        assert_non_null(strstr(h.log, "+ srflx"));
        assert_null(strstr(h.log, "- "));
        *h.log = '\0';
    }
    turn->mapped = "192.0.2.9:900"; /* the NAT has forgotten it */
    pass(&h, 60000);
    read_log(&h, "- srflx, + srflx");
    assert_int_equal(h.gone[FLOE_CANDIDATE_TYPE_SRFLX], FLOE_WITHDRAWAL_MAPPING_CHANGED);
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* T10, RFC 8016 §3.2.1: a NAT gives us another address, by which the server does not know us: the ticket
 * keeps the relay. */
static void t10_another_address_of_the_nats_costs_no_relay(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_mobile(&h, turn_url);
    turn->forgets = 1;
    turn->mapped = "192.0.2.9:900";
    pass(&h, 16000);
    turn->forgets = 0;
    pass(&h, 60000);
    assert_false(says(&h, "- relay"));
    assert_int_equal(turn->allocates, 1);
    turn->refresh = FORGOT; /* and one that it does not know at all is lost */
    pass(&h, 16000);
    assert_true(says(&h, "- relay, + relay"));
    end(&h);
}

/* Another server shows the change first: then this one shows it by a Binding before its Refresh has the ticket. */
static void t10_what_a_ticket_moves_is_not_lost_before(void **state)
{
    static const char *const urls[] = {"stun:203.0.113.3", "turn:203.0.113.2"};
    floe_settings settings = defaults;
    static hand h;

    (void)state;
    settings.mobility = true;
    make(&h, urls, 2, settings);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->tickets = turn->gives_both = true;
    gather(&h);
    pass(&h, 6000);
    *h.log = '\0';
    turn->allocates = 0;
    stun->mapped = turn->mapped = "192.0.2.9:900";
    turn->forgets = 1;
    turn->refresh = SILENT;
    turn->bindings = 0;
    pass(&h, 11000);
    assert_true(turn->bindings > 0);
    turn->refresh = ANSWERS;
    pass(&h, 5000);
    turn->forgets = 0;
    pass(&h, 60000);
    assert_false(says(&h, "- relay"));
    assert_int_equal(turn->allocates, 0);
    end(&h);
}

/* T10, L11: the address changes, and the way by the new one is silent for a while, or the server in
 * trouble: the relay that stands moves when that is over, be it behind the gathering's end. */
static void t10_a_move_outlives_its_gathering(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:turn.example.org"}};
    static const uint64_t outages[] = {250, 1500, 3000, 4500, 8000, 20000};
    static const doing how[] = {SILENT, SAYS};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 48; row++) {
        server *turn = begin_mobile(&h, urls[row % 2]);
        h.ip = "10.0.5.5:0";
        all(turn, how[row / 4 % 2]);
        turn->code = 503;
        if (row / 2 % 2 == 0) {
            restart(&h);
        } else {
            *h.log = '\0';
            gather(&h);
        }
        pass(&h, outages[row / 8]);
        all(turn, ANSWERS);
        pass(&h, row / 4 % 2 == 0 ? 20000 : 2100);
        assert_int_equal(turn->releases, 0);
        assert_int_equal(turn->allocates, 1);
        assert_true(says(&h, "+ relay") || row / 2 % 2 != 0);
        assert_false(says(&h, "- relay"));
        end(&h);
    }
}

/* T10, T6: a server that is full, and has said so to the address to which a relay moves, is not asked for
 * another: that has its room. */
static void t10_a_relay_moves_to_where_there_is_no_room(void **state)
{
    static hand h;

    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        server *turn = begin_mobile(&h, turn_url);
        turn->room_for_one = 486;
        h.two_interfaces = true;
        gather(&h);
        pass(&h, 1000);
        h.two_interfaces = false;
        h.second_alone = true;
        *h.log = '\0';
        if (restarts) {
            restart(&h);
        } else {
            gather(&h);
        }
        pass(&h, 20000);
        assert_false(says(&h, "- relay"));
        assert_int_equal(says(&h, "+ relay"), restarts);
        assert_false(says(&h, "error"));
        assert_int_equal(turn->releases, 0);
        turn->refreshes = 0;
        pass(&h, 60000);
        assert_in_range(turn->refreshes, 3, 5);
        end(&h);
    }
}

/* T10: two relays wait, and one's own address is back: it is that one's. */
static void t10_an_address_that_is_back_is_its_own_relays(void **state)
{
    static hand h;
    static const uint32_t none = 0;

    (void)state;
    server *turn = begin_mobile(&h, turn_url);
    uint32_t first = h.last[FLOE_CANDIDATE_TYPE_RELAY];
    h.two_interfaces = true;
    turn->port = 60;
    gather(&h);
    pass(&h, 1000);
    uint32_t second = h.last[FLOE_CANDIDATE_TYPE_RELAY];
    assert_true(first != second && second != none);
    h.two_interfaces = false;
    h.second_alone = true;
    gather(&h); /* the first's waits */
    pass(&h, 1000);
    h.second_alone = false;
    h.no_interface = true;
    gather(&h);
    pass(&h, 1000);
    h.no_interface = false;
    h.second_alone = true;
    gather(&h);
    pass(&h, 1000);
    floe_address peer = address_of("198.51.100.77:7");
    assert_int_equal(floe_core_send(h.core, h.now, second, &peer, "x", 1), FLOE_OK);
    pass(&h, 1000);
    assert_int_equal(h.data, 1);
    assert_int_equal(floe_core_send(h.core, h.now, first, &peer, "x", 1), FLOE_OK);
    pass(&h, 1000);
    assert_int_equal(h.data, 1);
    end(&h);
}

/* E2: a URL of TURN that gets no look-up fails, whatever another of its host has given. */
static void e2_another_url_of_the_host_hides_no_failure(void **state)
{
    static const char *const stun[] = {"stun:turn.example.org"};
    static const char *const both[] = {"stun:turn.example.org", "turn:turn.example.org"};
    static hand h;

    (void)state;
    make(&h, stun, 1, defaults);
    with(&h, "203.0.113.3:3478", "192.0.2.7:701");
    h.places[0] = "203.0.113.3:0";
    gather(&h);
    pass(&h, 1000);
    h.late_names = true;
    set(&h, both, 2);
    *h.log = '\0';
    gather(&h);
    pass(&h, 6000);
    assert_true(says(&h, "error"));
    assert_true(says(&h, "end"));
    end(&h);
}

/* L11: restarts behind one in which another relay was had, as the first was silent, tell that one: what
 * was told last; and what the NAT shows. */
static void l11_restarts_in_calm_tell_one_relay(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t tcp = 0; tcp < 2; tcp++) {
        server *turn = begin_with_relay(&h, urls[tcp]);
        turn->refresh = SILENT;
        turn->port = 60;
        restart(&h);
        pass(&h, 3000);
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        turn->refresh = ANSWERS;
        for (int i = 0; i < 3; i++) {
            *h.log = '\0';
            restart(&h);
            pass(&h, 5000);
            assert_true(says(&h, "+ relay"));
            assert_int_equal(says(&h, "+ srflx"), !tcp);
            assert_false(says(&h, "- "));
            assert_int_equal(h.last[FLOE_CANDIDATE_TYPE_RELAY], relay);
        }
        end(&h);
    }
}

/* E1: UDP is blocked, and the same port answers by TCP: that is what is said. */
static void e1_a_port_that_is_closed_to_udp_alone(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:203.0.113.2?transport=tcp"};
    static hand h;

    (void)state;
    make(&h, urls, 2, defaults);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700")->deaf_to = 1;
    gather(&h);
    pass(&h, 6000);
    assert_true(says(&h, "+ relay"));
    assert_non_null(strstr(h.error, "is UDP port 3478 open"));
    end(&h);
}

/* T10: a network that comes and goes beside another leaves no more relays each time. */
static void t10_a_network_that_comes_and_goes(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mobility = true;
    make(&h, turn_url, 1, settings);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->tickets = true;
    h.two_interfaces = true;
    gather(&h);
    pass(&h, 1000);
    for (int i = 0; i < 12; i++) {
        h.second_alone = i % 2 == 0;
        h.two_interfaces = !h.second_alone;
        gather(&h);
        pass(&h, 10000);
    }
    turn->refreshes = 0;
    pass(&h, 60000);
    assert_in_range(turn->refreshes, 7, 9); /* one for each address */
    assert_int_equal(h.sockets, 2);
    end(&h);
}

/* T10, T7: a server in trouble is not asked each two seconds for ever to let a relay move. */
static void t10_a_server_in_trouble_has_its_pauses(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_mobile(&h, turn_url);
    h.ip = "10.0.5.5:0";
    turn->allocate = turn->both = turn->refresh = SAYS;
    turn->code = 503;
    turn->refreshes = 0;
    gather(&h);
    pass(&h, 300000);
    assert_in_range(turn->refreshes, 25, 40);
    end(&h);
}

/* T10: a network goes before the other comes: the relay waits, with a restart or without, with other
 * credentials too (L12). What waits too long has expired. */
static void t10_a_network_goes_before_another_comes(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 16; row++) {
        bool restarts = row / 2 % 2 != 0;
        size_t how = row / 4; /* for a moment; for minutes; for ever; another user then */
        server *turn = begin_mobile(&h, urls[row % 2]);
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        h.no_interface = true;
        gather(&h);
        floe_address peer = address_of("198.51.100.77:7");
        for (int i = 0; how != 2 && i < 10; i++) { /* to nowhere, and not kept */
            pass(&h, how == 1 ? 30000 : 100);
            assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
        }
        pass(&h, how == 2 ? 700000 : 0);
        assert_int_equal(floe_core_doubt(h.core, h.now, relay),
                         how == 2 ? FLOE_ERR_NOT_FOUND : FLOE_OK);
        if (how == 2) {
            assert_true(says(&h, "- relay"));
            end(&h);
            continue;
        }
        h.no_interface = false;
        h.ip = how == 1 ? "10.0.5.5:0" : NULL;
        *h.log = '\0';
        if (how == 3) {
            set_user(&h, urls[row % 2], "another");
            turn->port = 60;
        }
        if (restarts) {
            restart(&h);
        } else {
            gather(&h);
        }
        pass(&h, 5000);
        assert_int_equal(says(&h, "+ relay"), how == 3 || restarts);
        assert_false(says(&h, "- relay"));
        assert_int_equal(turn->allocates, how == 3 ? 2 : 1);
        assert_int_equal(turn->releases, 0);
        assert_int_equal(h.data, 0);
        pass(&h, 60000);
        turn->refreshes = 0;
        pass(&h, 60000);
        assert_in_range(turn->refreshes, 3, 5); /* the former user's has left */
        end(&h);
    }
}

/* T10: an address goes: of two relays of one server's name, whose first is dead and not ended yet, the
 * living one moves. */
static void t10_the_living_relay_moves(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mobility = true;
    make(&h, named_url, 1, settings);
    server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:701");
    first->tickets = second->tickets = true;
    second->port = 50;
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "203.0.113.3:0";
    gather(&h);
    pass(&h, 1000);
    all(first, SILENT);
    restart(&h);
    pass(&h, 6000);
    h.ip = "10.0.5.5:0";
    gather(&h);
    pass(&h, 60000);
    assert_int_equal(second->allocates, 1);
    assert_int_equal(second->releases, 0);
    end(&h);
}

/* R1, R2: what the NAT shows of a base is asked by a Binding where an Allocate was sure to show it, and
 * does not: nobody answers it, it has gone by another port, or its answer names no mapped address. */
static void r2_what_an_allocate_does_not_show(void **state)
{
    static hand h;

    (void)state;
    for (int row = 0; row < 3; row++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->guarded = true;
        gather(&h);
        pass(&h, 1000);
        h.two_interfaces = true; /* by its Allocate the nonce is known to hold for another socket */
        gather(&h);
        pass(&h, 1000);
        h.two_interfaces = false;
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        turn->bindings = turn->allocates = 0;
        h.ip = "10.0.5.5:0";
        turn->mapped = "192.0.2.8:900";
        turn->allocate = turn->both = row == 0 ? SILENT : ANSWERS;
        turn->strangers = row == 1 ? 2 : 0; /* what nobody has signed is asked anew */
        turn->shows_nothing = row == 2;
        turn->port = 50;
        gather(&h);
        pass(&h, 6000);
        assert_non_null(strstr(h.log, "+ srflx"));
        assert_int_equal(strstr(h.log, "+ relay") != NULL, row != 0);
        assert_true(turn->bindings > 0);
        end(&h);
    }
}

/* T10, R2: nor does a Refresh that moves one show it, though the server's nonce holds for all and
 * each request is answered at once. */
static void t10_a_move_shows_no_mapping(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mobility = true;
    make(&h, turn_url, 1, settings);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = turn->tickets = true;
    gather(&h);
    pass(&h, 1000);
    h.two_interfaces = true; /* by its Allocate the nonce is known to hold for another socket */
    gather(&h);
    pass(&h, 1000);
    h.two_interfaces = false;
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    turn->bindings = turn->allocates = 0;
    h.ip = "10.0.5.5:0";
    turn->mapped = "192.0.2.8:900";
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "- host, - srflx, + host, + srflx, end");
    assert_int_equal(turn->allocates, 0);
    assert_int_equal(turn->bindings, 1);
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t10_another_address_of_the_nats_costs_no_relay),
        cmocka_unit_test(t10_what_a_ticket_moves_is_not_lost_before),
        cmocka_unit_test(t10_the_living_relay_moves),
        cmocka_unit_test(t10_a_move_outlives_its_gathering),
        cmocka_unit_test(t10_a_network_that_comes_and_goes),
        cmocka_unit_test(t10_a_relay_moves_to_where_there_is_no_room),
        cmocka_unit_test(e1_a_port_that_is_closed_to_udp_alone),
        cmocka_unit_test(l11_restarts_in_calm_tell_one_relay),
        cmocka_unit_test(e2_another_url_of_the_host_hides_no_failure),
        cmocka_unit_test(t10_an_address_that_is_back_is_its_own_relays),
        cmocka_unit_test(t10_a_server_in_trouble_has_its_pauses),
        cmocka_unit_test(t10_a_network_goes_before_another_comes),
        cmocka_unit_test(t10_where_a_relay_has_moved_the_mapping_is_asked_for),
        cmocka_unit_test(t10_a_move_shows_no_mapping),
        cmocka_unit_test(r2_what_an_allocate_does_not_show),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

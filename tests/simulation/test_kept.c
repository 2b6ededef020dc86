/* What is kept and had again: addresses, relays, bindings (stories by hand.h). */
#include "hand.h"
#include "polled.h"

#include <stdio.h>
#include <string.h>

/* ── Addresses ── */

/* P4, RFC 4862 §5.5.4: no gathering begins on a deprecated address, and what goes on there goes on:
 * the socket, its candidates, its relay, over gatherings and a restart, until the address is gone.
 */
static void p4_what_stands_on_a_deprecated_address_stays(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    h.deprecated = h.two_interfaces = true;
    turn->deaf_to = 2; /* the new address's socket: what it finds is not the matter here */
    gather(&h);
    pass(&h, 6000);
    assert_null(strstr(h.log, "- "));
    assert_int_equal(h.sockets, 2);
    assert_int_equal(turn->allocates, 1);
    *h.log = '\0';
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 6000);
    assert_int_equal(turn->allocates, 1);
    assert_int_equal(h.sockets, 2);
    *h.log = '\0';
    h.no_interface = true;
    gather(&h);
    pass(&h, 1000);
    assert_non_null(strstr(h.log, "- relay"));
    assert_int_equal(h.sockets, 0);
    h.no_interface = false;
    gather(&h);
    pass(&h, 6000);
    assert_int_equal(h.sockets, 1); /* no new one on it */
    end(&h);
}

/* L12, R4: a server that is asked by UDP no more shows nothing of the socket: its reflexive candidate
 * goes, and it is not asked, though a relay stands there by TCP. */
static void l12_a_url_by_tcp_keeps_no_mapping(void **state)
{
    static const char *const urls[][2] = {{"turn:203.0.113.2", "turn:203.0.113.2?transport=tcp"},
                                          {"stun:203.0.113.2", "turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t stun = 0; stun < 2; stun++) {
        make(&h, urls[stun], 2, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        read_log(&h,
                 stun ? "+ host, + srflx, + relay, end" : "+ host, + srflx, + relay, + relay, end");
        set(&h, &urls[stun][1], 1);
        gather(&h);
        pass(&h, 1000);
        read_log(&h, stun ? "- srflx, end" : "- relay, - srflx, end");
        turn->bindings = 0;
        pass(&h, 60000);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 6000);
        read_log(&h, "+ host, + relay, end");
        assert_int_equal(turn->bindings, 0);
        end(&h);
    }
}

/* L12, RFC 8445 §9: other credentials for the same server (those that expire, say) cut nothing: data
 * goes on by the relay at hand for half a minute after another is had, in which the peer can hear of
 * that; where none is to be had it stays, and is told. */
static void l12_other_credentials_cut_nothing(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 12; row++) {
        const char *const *url = urls[row % 2];
        bool restarts = row / 2 % 2 != 0;
        doing does = row / 4 == 0 ? ANSWERS : row / 4 == 1 ? REFUSES : SILENT;
        make(&h, url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        assert_non_null(strstr(h.log, "+ relay, end"));
        *h.log = '\0';
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        floe_address peer = address_of("198.51.100.77:7");
        set_user(&h, url, "another");
        turn->port = 50;
        turn->allocate = turn->both = does;
        if (restarts) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        gather(&h);
        for (size_t s = 0; s < 29; s++) {
            assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
            pass(&h, 1000);
            assert_int_equal(h.data, s + 1);
        }
        assert_null(strstr(h.log, "- relay"));
        assert_int_equal(strstr(h.log, "+ relay") != NULL, does == ANSWERS || restarts);
        assert_int_equal(h.last[FLOE_CANDIDATE_TYPE_RELAY] == relay, does != ANSWERS);
        *h.log = '\0';
        pass(&h, 10000);
        read_log(&h, does == ANSWERS ? "- relay" : "");
        assert_true(does == SILENT ||
                    turn->releases == (does == ANSWERS)); /* what it may have heard */
        turn->allocate = turn->both = ANSWERS;
        pass(&h, 300000);
        read_log(&h, "");
        gather(&h);
        pass(&h, 60000);
        read_log(&h, does == ANSWERS ? "end" : "+ relay, end, - relay");
        end(&h);
    }
}

/* L12, T6: where the server has room for one alone, or knows our one port by the former user, the
 * former relay makes room for the new one. */
static void l12_a_former_relay_makes_room(void **state)
{
    static const uint16_t codes[] = {486, 508, 441};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        set_user(&h, turn_url, "1700000000:user"); /* the time counts for nothing */
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        set_user(&h, turn_url, "1800000000:user");
        turn->port = 50;
        turn->room_for_one = codes[i];
        gather(&h);
        pass(&h, 4000);
        read_log(&h, "- relay, + relay, end");
        pass(&h, 300000);
        read_log(&h, "");
        end(&h);
    }
    /* Of two users' the one whose quota it is, whichever comes last. */
    static const char *const by_udp[] = {"turn:203.0.113.2"};
    static const char *const by_tcp[] = {"turn:203.0.113.2?transport=tcp"};
    for (size_t last = 0; last < 2; last++) {
        floe_ice_server users[2];
        floe_gather_options options = options_of(&users[last], by_udp, 1, "1700000000:user");
        (void)options_of(&users[1 - last], by_udp, 1, "another");
        options.ice_servers = users;
        options.ice_server_count = 2;
        make(&h, by_udp, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, + relay, + relay, end");
        set_user(&h, by_tcp, "1800000000:user");
        turn->port = 50;
        turn->allocate = turn->both = FULL;
        gather(&h);
        pass(&h, 100);
        read_log(&h, "- relay");
        turn->allocate = turn->both = ANSWERS;
        pass(&h, 3000);
        read_log(&h, "+ relay, - relay, - srflx, end");
        end(&h);
    }
    /* Another user's quota is not this one's. */
    server *turn = begin_with_relay(&h, turn_url);
    set_user(&h, turn_url, "another");
    turn->allocate = turn->both = FULL;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "error, end");
    pass(&h, 60000);
    read_log(&h, "");
    end(&h);
}

/* L12: users that change there and back within the half minute, and another that is lost in it: what is
 * the last to serve stays. */
static void l12_a_former_relay_may_be_wanted_again(void **state)
{
    static hand h;

    (void)state;
    for (int row = 0; row < 4; row++) {
        bool lost = row % 2 != 0;
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        floe_address peer = address_of("198.51.100.77:7");
        set_user(&h, turn_url, "another");
        turn->port = 50;
        if (row / 2 != 0) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        gather(&h);
        pass(&h, 5000);
        assert_int_not_equal(h.last[FLOE_CANDIDATE_TYPE_RELAY], relay);
        *h.log = '\0';
        if (lost) {
            turn->forgets = 2; /* the new one's socket */
            turn->allocate = turn->both = SILENT;
        } else {
            set_user(&h, turn_url, "user");
            gather(&h);
        }
        pass(&h, 70000);
        relay = row == 3 ? h.last[FLOE_CANDIDATE_TYPE_RELAY] : relay; /* it is told again */
        assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
        assert_true(lost || row == 0 || strstr(h.log, "- relay") != NULL);
        assert_true(row != 3 || strstr(h.log, "+ relay") != NULL);
        end(&h);
    }
}

/* L11, T7b: that the other server of a name answers first, as two Refreshes are lost, ends no relay that
 * stands; in a gathering of its own generation it stays. */
static void l11_a_relay_whose_refreshes_are_lost_stays(void **state)
{
    static hand h;

    (void)state;
    make(&h, named_url, 1, defaults);
    server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    with(&h, "203.0.113.3:3478", "192.0.2.7:701")->port = 50;
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "203.0.113.3:0";
    gather(&h);
    pass(&h, 1000);
    uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
    *h.log = '\0';
    first->refresh = SILENT;
    gather(&h);
    pass(&h, 1000);
    first->refresh = ANSWERS;
    pass(&h, 60000);
    read_log(&h, "end");
    first->refresh = SILENT;
    gather(&h);
    pass(&h, 2000);
    first->refresh = ANSWERS;
    pass(&h, 60000);
    assert_null(strstr(h.log, "- relay"));
    floe_address peer = address_of("198.51.100.77:7");
    assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
    end(&h);
}

/* L14, L12: what a former relay's server says of it is no result of the gathering that asks for another:
 * it neither is told as found, nor begins the stragglers' grace. */
static void l12_a_former_relay_counts_for_nothing(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 14500); /* it is asked about within the gathering */
    *h.log = '\0';
    set_user(&h, turn_url, "another");
    turn->port = 50;
    turn->allocate = turn->both = SILENT;
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 1200);
    read_log(&h, "+ host, + srflx");
    turn->allocate = turn->both = ANSWERS;
    pass(&h, 2000);
    read_log(&h, "+ relay, end");
    pass(&h, 60000);
    read_log(&h, "- relay");
    end(&h);
}

/* L12: a server that was taken away and is given again before that has been gathered with keeps its
 * relay; the one in between had none. */
static void l12_a_server_that_is_given_again_keeps_its_relay(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    set_user(&h, turn_url, "another");
    turn->allocate = turn->both = SILENT;
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 1000);
    set_user(&h, turn_url, "user");
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 10000);
    assert_null(strstr(h.log, "- relay"));
    assert_non_null(strstr(h.log, "+ relay"));
    pass(&h, 600000);
    assert_null(strstr(h.log, "- relay"));
    assert_int_equal(turn->releases, 0);
    end(&h);
}

/* L5, R6: a name that leads elsewhere by the next gathering: what the old address shows goes with it,
 * and nobody is asked there any more. A look-up that fails changes nothing. */
static void r6_a_server_that_has_moved_shows_nothing(void **state)
{
    static const char *const url[] = {"stun:stun.example.org"};
    static hand h;

    (void)state;
    make(&h, url, 1, defaults);
    server *old = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    (void)with(&h, "203.0.113.5:3478", "192.0.2.7:701"); /* a NAT with a mapping for each */
    h.places[0] = "203.0.113.2:0";
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, end");
    h.places[0] = NULL;
    gather(&h);
    pass(&h, 6000);
    assert_null(strstr(h.log, "-"));
    *h.log = '\0';
    h.places[0] = "203.0.113.5:0";
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "+ srflx, - srflx, end");
    old->bindings = 0;
    pass(&h, 60000);
    assert_int_equal(old->bindings, 0);
    end(&h);
}

/* R6: nor does it when the relay that stood where it was is lost only behind the gathering's end. */
static void r6_a_relay_that_is_lost_later_leaves_no_mapping(void **state)
{
    static hand h;

    (void)state;
    server *old = lose_a_named_server(&h, named_url, defaults);
    (void)with(&h, "203.0.113.5:3478", "192.0.2.7:701"); /* a NAT with a mapping for each */
    h.places[0] = "203.0.113.5:0";
    gather(&h);
    pass(&h, 10000);
    read_log(&h, "+ srflx, + relay, end");
    pass(&h, 60000);
    read_log(&h, "- relay, - srflx");
    old->bindings = 0;
    pass(&h, 60000);
    assert_int_equal(old->bindings, 0);
    end(&h);
}

/* R6: as long as nothing answers at the new place, what the old one shows is what there is. */
static void r6_a_server_whose_new_place_is_silent_shows_what_it_did(void **state)
{
    static const char *const url[] = {"stun:stun.example.org"};
    static hand h;

    (void)state;
    make(&h, url, 1, defaults);
    server *old = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *new = with(&h, "203.0.113.5:3478", "192.0.2.7:701");
    h.places[0] = "203.0.113.2:0";
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, end");
    h.places[0] = "203.0.113.5:0";
    new->binding = SILENT;
    gather(&h);
    pass(&h, 60000);
    read_log(&h, "error, end");
    assert_in_range(old->bindings, 5, 7); /* it is kept */
    new->binding = ANSWERS;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "+ srflx, - srflx, end");
    end(&h);
}

/* S6, L14: what is known of a domain waits for a better target of which nothing is heard; but nobody
 * has a straggler's grace who has not been asked. */
static void s6_a_target_that_waits_is_asked_before_the_end(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:example.org?transport=udp"};
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.service_discovery = true;
    make(&h, urls, 2, settings);
    (void)with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    with(&h, "203.0.113.5:3478", "192.0.2.7:700")->port = 50;
    h.unheard = "a.example.org";
    h.service = "b.example.org";
    h.places[0] = "203.0.113.5:0";
    gather(&h);
    pass(&h, 450);
    read_log(&h, "+ host, + srflx, + relay");
    pass(&h, 150);
    read_log(&h, "+ relay");
    pass(&h, 500);
    read_log(&h, "end");
    end(&h);
}

/* ── Relays ── */

/* T5: an outage is no reason to show a server no wishes for as long as the api lives. */
static void t5_an_outage_makes_no_server_deaf(void **state)
{
    static hand h;

    (void)state;
    for (uint64_t ms = 0; ms < 3500; ms += 100) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->allocate = turn->both = turn->binding = SILENT;
        gather(&h);
        pass(&h, ms);
        turn->allocate = turn->both = turn->binding = ANSWERS;
        pass(&h, 10000);
        assert_non_null(strstr(h.log, "+ relay"));
        turn->refresh = FORGOT;
        turn->wishes = 0;
        pass(&h, 15500);
        assert_true(turn->wishes > 0);
        end(&h);
    }
}

/* RFC 8445 §5.1.1.3: of one foundation are candidates of one type, base and server that were got by one
 * transport, and no others. */
static void c6_a_foundation_has_one_transport_to_the_server(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:203.0.113.2?transport=tcp"};
    static hand h;
    floe_candidate_list *list;
    char foundations[2][64] = {"", ""};
    size_t relays = 0;

    (void)state;
    make(&h, urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    assert_int_equal(turn->allocates, 2);
    assert_int_equal(floe_core_get_local_candidates(h.core, &list), FLOE_OK);
    for (size_t i = 0; i < list->count && relays < 2; i++) {
        if (list->candidates[i]->type == FLOE_CANDIDATE_TYPE_RELAY) {
            (void)snprintf(foundations[relays++], sizeof *foundations, "%s",
                           list->candidates[i]->foundation);
        }
    }
    assert_int_equal(relays, 2);
    assert_string_not_equal(foundations[0], foundations[1]);
    floe_candidate_list_free(list);
    end(&h);
}

/* RFC 8656 §11.4, §12.4: data may be empty; what has neither data nor ICMP is dropped. */
static void k1_data_of_no_bytes(void **state)
{
    static const floe_stun_id id = {{1}};
    static const uint8_t nothing[1];
    static hand h;
    floe_packet packet;
    uint8_t bytes[128];

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    floe_core_receive_packets(h.core, true);
    floe_address peer = address_of("198.51.100.77:7");
    uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
    for (int i = 0; i < 2; i++) { /* the second one is why a channel is bound */
        assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, nothing, 0), FLOE_OK);
        pass(&h, 1000);
        assert_int_equal(h.data, (size_t)i + 1);
    }
    for (int has_data = 0; has_data < 2; has_data++) {
        floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_INDICATION,
                                                  FLOE_STUN_DATA_INDICATION, &id);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &peer);
        if (has_data) {
            floe_stun_put(&writer, FLOE_STUN_DATA, floe_span_of(nothing, 0));
        }
        deliver(&h, 1, turn, &writer);
        assert_int_equal(arrived(h.core, h.now, &packet), has_data != 0);
    }
    assert_int_equal(packet.size, 0);
    const uint8_t channel_data[] = {0x40, 0x00, 0x00, 0x00};
    floe_address source = address_of(turn->address);
    floe_core_datagram(h.core, h.now, 1, &source, channel_data, sizeof channel_data);
    assert_true(arrived(h.core, h.now, &packet));
    assert_int_equal(packet.size, 0);
    assert_true(floe_address_equal(&packet.peer, &peer));
    end(&h);
}

/* R6: what the server showed where it was goes with the relay that is had elsewhere; nobody keeps it. */
static void r6_a_relay_that_is_had_elsewhere_leaves_no_mapping(void **state)
{
    static hand h;

    (void)state;
    server *first = lose_a_named_server(&h, named_url, defaults);
    (void)with(&h, "203.0.113.3:3478", "192.0.2.7:701"); /* a NAT with a mapping for each */
    h.places[0] = "203.0.113.3:0";
    pass(&h, 150000);
    read_log(&h, "- relay, error, + relay, - srflx, + srflx");
    first->bindings = 0;
    pass(&h, 60000);
    assert_int_equal(first->bindings, 0);
    end(&h);
}

/* T6, RFC 8656 §3.2: two URLs lead to one server, and each asks from a socket of its own: neither
 * meets the other's allocation, nor spends its nonces. */
static void t6_each_url_of_a_server_has_its_own_socket(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:turn.example.org"};
    static hand h;

    (void)state;
    make(&h, urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = true;
    h.places[0] = "203.0.113.2:0";
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, + relay, end");
    assert_int_equal(h.sockets, 2);
    assert_int_equal(turn->allocates, 2);
    end(&h);
}

/* S6, L5, L11: of two servers by one name one dies, and its owner restarts or gathers: the other is asked
 * beside the question whether the relay of before stands, and has given what there is within a
 * second or two. */
static void l11_a_restart_asks_the_other_server_of_a_name(void **state)
{
    static const char *const urls[][1] = {{"turn:turn.example.org"},
                                          {"turn:turn.example.org?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 4; row++) {
        make(&h, urls[row % 2], 1, defaults);
        server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        with(&h, "203.0.113.3:3478", "192.0.2.7:701")->port = 50;
        h.places[0] = "203.0.113.2:0";
        h.places[1] = "203.0.113.3:0";
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        first->allocate = first->both = first->refresh = first->binding = SILENT;
        if (row / 2 != 0) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        gather(&h);
        pass(&h, 2000);
        assert_non_null(strstr(h.log, "+ relay"));
        assert_int_equal(strstr(h.log, "+ srflx") != NULL, row % 2 == 0);
        assert_non_null(strstr(h.log, "end"));
        first->allocate = first->both = first->refresh = first->binding = ANSWERS;
        *h.log = '\0';
        pass(&h, 60000); /* its own generation goes on with it, the next has another */
        read_log(&h, row == 2   ? "+ srflx, - relay"
                     : row != 0 ? "- relay" /* by TCP for its silence */
                                : "");
        end(&h);
    }
}

/* R6: a restart in an outage withdraws what nobody answers for. It is told again once it is had, as a relay is, and as
 * another mapping would be; what its owner never had waits for the next gathering (L4). */
static void r6_what_silence_has_withdrawn_is_told_again(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"stun:203.0.113.2"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 6; row++) {
        bool restarts = row / 2 == 0;
        bool had = row / 2 < 2;
        make(&h, urls[row % 2], 1, defaults);
        server *by = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        all(by, had ? ANSWERS : SILENT);
        gather(&h);
        pass(&h, 10000);
        *h.log = '\0';
        all(by, SILENT);
        if (restarts) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        gather(&h);
        pass(&h, 10000);
        bool withdrawn = says(&h, "- srflx"); /* or its relay may know still */
        assert_true(withdrawn ? had : !restarts);
        *h.log = '\0';
        all(by, ANSWERS);
        pass(&h, 40000);
        assert_int_equal(says(&h, "+ srflx"), withdrawn);
        *h.log = '\0';
        pass(&h, 60000);
        assert_false(says(&h, "srflx"));
        end(&h);
    }
}

static size_t reflexive(const hand *h)
{
    return candidates_of(h, FLOE_CANDIDATE_TYPE_SRFLX);
}

/* R6: likewise over several restarts in one outage, where the server's host says that nobody is there, and where two
 * servers have shown one mapping, be it that one of them was believed for its relay's sake. */
static void r6_what_was_shown_is_shown_again_by_whom_it_was_shown(void **state)
{
    static const char *const urls[][2] = {{"stun:203.0.113.2", "stun:203.0.113.3"},
                                          {"turn:203.0.113.2", "stun:203.0.113.3"},
                                          {"stun:203.0.113.2", "turn:203.0.113.3"},
                                          {"turn:203.0.113.2", "turn:203.0.113.3"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 96; row++) {
        size_t restarts = 1 + row / 4 % 3;
        doing silence = row / 12 % 2 == 0 ? SILENT : STUNNED;
        bool two_mappings = row / 24 % 2 == 1;
        make(&h, urls[row % 4], row / 48 == 0 ? 2 : 1, defaults);
        server *one = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        server *other =
            with(&h, "203.0.113.3:3478", two_mappings ? "192.0.2.7:800" : "192.0.2.7:700");
        other->port = 40;
        gather(&h);
        pass(&h, 20000);
        size_t had = reflexive(&h);
        assert_in_range(had, 1, 2);
        all(one, silence);
        all(other, silence);
        for (size_t i = 0; i < restarts; i++) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
            gather(&h);
            pass(&h, 12000);
        }
        all(one, ANSWERS);
        all(other, ANSWERS);
        pass(&h, 60000);
        assert_int_equal(reflexive(&h), had);
        end(&h);
    }
}

/* R6, L12: what a server showed that is no longer asked, the former user's relay by another has seen too; it is waited
 * for, and where it is gone its server is asked. */
static void r6_a_former_relay_tells_what_another_server_showed(void **state)
{
    static const char *const before[][2] = {{"stun:203.0.113.9", "turn:203.0.113.2"},
                                            {"turn:203.0.113.9", "turn:203.0.113.2"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 6; row++) {
        bool gone = row / 2 == 1;
        make(&h, before[row % 2], 2, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        with(&h, "203.0.113.9:3478", "192.0.2.7:700")->port = 40;
        turn->binding = row / 2 == 2 ? SILENT : ANSWERS;
        gather(&h);
        pass(&h, 60000);
        assert_int_equal(reflexive(&h), 1);
        *h.log = '\0';
        turn->refresh = gone ? FORGOT : ANSWERS;
        turn->port = 80;
        set_user(&h, turn_url, "another");
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 1000);
        assert_false(says(&h, "- srflx"));
        assert_true(says(&h, "+ srflx"));
        assert_true(says(&h, "end"));
        pass(&h, 120000);
        assert_int_equal(reflexive(&h), 1);
        end(&h);
    }
}

/* Nor is it waited for where nobody is to see what it shows, or another server has shown it. */
static void r6_what_a_former_relay_alone_shows_is_waited_for(void **state)
{
    static const char *const before[] = {"stun:203.0.113.9", "turn:203.0.113.2"};
    static const char *const behind[] = {"turn:203.0.113.2", "stun:203.0.113.8"};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 2; row++) {
        floe_ice_server ice;
        make(&h, before, 2, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        with(&h, "203.0.113.9:3478", "192.0.2.7:700");
        with(&h, "203.0.113.8:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 60000);
        *h.log = '\0';
        turn->port = 80;
        floe_gather_options options = options_of(&ice, behind, row == 0 ? 2 : 1, "another");
        options.gather_policy = row == 0 ? FLOE_GATHER_POLICY_ALL : FLOE_GATHER_POLICY_RELAY;
        assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        turn->refresh = SILENT;
        gather(&h);
        pass(&h, 100);
        read_log(&h, row == 0 ? "+ host, + srflx, + relay, end" : "+ relay, end");
        end(&h);
    }
}

/* R6: what is shown by another, or may be shown to nobody, is not asked for; what a gathering has not asked, as its
 * server's name was not known, is. */
static void r6_what_is_lost_is_asked_for_by_who_needs_it(void **state)
{
    static const char *const urls[] = {"stun:203.0.113.2", "stun:203.0.113.3"};
    static const char *const name[] = {"stun:stun.example.org"};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 6; row++) {
        bool named = row >= 4;
        make(&h, named ? name : urls, row < 2 ? 2 : 1, defaults);
        server *one = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        server *other = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        h.places[0] = "203.0.113.2:0";
        gather(&h);
        pass(&h, 20000);
        all(one, row == 1 ? REFUSES : row == 5 ? SILENT : STUNNED);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, named ? 25000 : 10000); /* the question is under way, where it is silent */
        if (row == 2 || row == 3) {
            set_with(&h, urls, 1, FLOE_GATHER_POLICY_RELAY);
        }
        if (row >= 2) {
            h.places[0] = NULL;
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
            gather(&h);
            pass(&h, 20000);
        }
        one->bindings = other->bindings = 0;
        pass(&h, 600000);
        if (named) {
            all(one, ANSWERS);
            pass(&h, 60000);
            assert_int_equal(reflexive(&h), 1);
        } else {
            assert_in_range(one->bindings, 0, 1);
            assert_int_equal(reflexive(&h), row < 2);
        }
        end(&h);
    }
}

/* R6: of two servers without Bindings, whose users are other ones twice, the second time soon: what the first gathering
 * has lost is waited for as well. */
static void r6_what_was_lost_is_waited_for_by_the_next_gathering(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.3", "turn:203.0.113.4"};
    static const char *const users[] = {"second", "third"};
    static hand h;

    (void)state;
    for (uint64_t first = 4900; first <= 6100; first += 150) {
        make(&h, urls, 2, defaults);
        with(&h, "203.0.113.3:3478", "192.0.2.7:700")->binding = SILENT;
        server *other = with(&h, "203.0.113.4:3478", "192.0.2.7:700");
        other->binding = SILENT;
        gather(&h);
        pass(&h, 30000);
        for (size_t i = 0; i < 2; i++) {
            floe_ice_server ice;
            floe_gather_options options = options_of(&ice, urls, 2, users[i]);
            assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
            *h.log = '\0';
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
            gather(&h);
            pass(&h, i == 0 ? first : 60000);
        }
        assert_int_equal(reflexive(&h), 1);
        end(&h);
    }
}

/* R6: of two that showed one mapping one has shown it again, and is away at the next restart, in which the other is back:
 * that one shows it. */
static void r6_either_of_two_shows_again_what_both_showed(void **state)
{
    static const char *const urls[] = {"stun:203.0.113.2", "stun:203.0.113.3"};
    static const doing away[] = {SILENT, REFUSES};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 4; row++) {
        make(&h, urls, 2, defaults);
        server *one = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        server *other = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 20000);
        all(one, SILENT);
        all(other, SILENT);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 30000);
        all(other, ANSWERS);
        pass(&h, 60000);
        assert_int_equal(reflexive(&h), 1);
        all(other, away[row % 2]);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, row / 2 == 0 ? 1000 : 60000);
        all(one, ANSWERS);
        pass(&h, 120000);
        assert_int_equal(reflexive(&h), 1);
        end(&h);
    }
}

/* L11, S6: behind a restart that has found the living server of a name each other finds it, though the
 * dead one's relay, which comes first, is not ended yet. */
static void l11_each_restart_finds_the_living_server_of_a_name(void **state)
{
    static const char *const urls[][1] = {{"turn:turn.example.org"},
                                          {"turn:turn.example.org?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t tcp = 0; tcp < 2; tcp++) {
        make(&h, urls[tcp], 1, defaults);
        server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:701");
        second->port = 50;
        h.places[0] = "203.0.113.2:0";
        h.places[1] = "203.0.113.3:0";
        gather(&h);
        pass(&h, 1000);
        first->allocate = first->both = first->refresh = first->binding = SILENT;
        for (size_t i = 0; i < 4; i++) {
            *h.log = '\0';
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
            gather(&h);
            pass(&h, i == 0 ? 2200 : 1000);
            assert_non_null(strstr(h.log, "+ relay"));
            assert_int_equal(strstr(h.log, "+ srflx") != NULL, tcp == 0);
            assert_non_null(strstr(h.log, "end"));
            pass(&h, 3000);
        }
        assert_int_equal(second->allocates, 1);
        *h.log = '\0';
        pass(&h, 60000);
        assert_null(strstr(h.log, "+ "));
        end(&h);
    }
}

/* L11: what a restart is about to ask anew is answered in that moment: it is had, and asked no more. */
static void l11_what_comes_before_it_is_asked_anew(void **state)
{
    static hand h;

    (void)state;
    for (int steps = 0; steps < 6; steps++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->allocate = SILENT;
        gather(&h);
        pass(&h, 2500);
        turn->allocate = ANSWERS;
        floe_stun_message request = {
            .class = FLOE_STUN_REQUEST, .method = FLOE_STUN_ALLOCATE, .id = h.allocate};
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        for (int step = 0; step < steps; step++) {
            h.now = floe_core_deadline(h.core);
            floe_core_time(h.core, h.now);
            settle(&h);
        }
        if (turn->allocates == 3) { /* it is not asked anew yet */
            succeed(&h, 1, turn, &request);
        }
        pass(&h, 30000);
        assert_in_range(turn->allocates, 3, 4);
        read_log(&h, "+ host, + srflx, + host, + srflx, + relay, end");
        end(&h);
    }
}

/* L11: a gathering behind an outage is a new question: it does not wait for the turn of a Refresh that
 * was sent long ago; and owners who restart keep nothing alive that is dead. */
static void l11_a_gathering_asks_anew_what_is_unanswered(void **state)
{
    static hand h;

    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        server *turn = begin_with_relay(&h, turn_url);
        pass(&h, 13500); /* a Refresh is about to be sent */
        turn->allocate = turn->both = turn->refresh = turn->binding = SILENT;
        pass(&h, 10000);
        turn->allocate = turn->both = turn->refresh = turn->binding = ANSWERS;
        *h.log = '\0';
        if (restarts) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        gather(&h);
        pass(&h, 200);
        read_log(&h, restarts ? "+ host, + srflx, + relay, end" : "end");
        assert_int_equal(turn->allocates, 1);
        turn->allocate = turn->both = turn->refresh = turn->binding = SILENT;
        pass(&h, 16000);
        *h.log = '\0';
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
            gather(&h);
            pass(&h, 6000);
        }
        assert_true(turn->allocates > 1); /* it was given up, and is asked for again */
        end(&h);
    }
}

/* T7, L12: other credentials find no server at the moment when they are set; the relay by those of before
 * is lost at once, or later, or they expire: it is asked for again by the new ones, as it would be
 * by the old. */
static void l12_a_former_relay_that_is_lost_is_asked_for_by_the_new_user(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 12; row++) {
        size_t how =
            row / 4; /* it is lost before the other user is set, or behind it; or it expires */
        server *turn = begin_with_relay(&h, urls[row % 2]);
        turn->code = 500;
        turn->allocate = turn->both = turn->binding = how == 2 ? SAYS : STUNNED;
        turn->refresh = how == 2 ? ANSWERS : how == 1 ? SILENT : STUNNED;
        pass(&h, how == 0 ? 40000 : 0);
        set_user(&h, urls[row % 2], "another");
        if (row / 2 % 2 != 0) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        gather(&h);
        pass(&h, 7000);
        assert_non_null(strstr(h.log, "end"));
        bool lost = says(&h, "- srflx");
        assert_int_equal(lost, (how == 0 && row % 2 == 0) || row == 6);
        turn->allocate = turn->both = turn->binding = ANSWERS;
        turn->refresh = how == 2 ? SAYS : FORGOT;
        turn->code = 401;
        turn->port = 60;
        *h.log = '\0';
        for (size_t i = 0; i < 70 && strstr(h.log, "+ relay") == NULL; i++) {
            pass(&h, 1000);
        }
        turn->refresh = ANSWERS;
        pass(&h, 60000);
        char log[48];
        (void)snprintf(log, sizeof log, "%s%s+ relay", how == 0 ? "" : "- relay, ",
                       lost ? "+ srflx, " : "");
        read_log(&h, log);
        end(&h);
    }
}

/* L12, E2: two relays of one user's, each lost: what comes first serves, and that the other is not to be
 * had is no error. */
static void l12_of_two_that_were_lost_one_serves(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->port = 60;
    set_user(&h, turn_url, "another");
    gather(&h);
    pass(&h, 1000);
    set_user(&h, turn_url, "user");
    gather(&h);
    pass(&h, 100);
    *h.log = '\0';
    turn->forgets = 1;
    turn->allocate = turn->both = SILENT;
    for (size_t i = 0; i < 20 && !says(&h, "- relay"); i++) {
        pass(&h, 1000);
    }
    turn->allocate = turn->both = ANSWERS;
    turn->deaf_to = 1;
    turn->forgets = 2;
    pass(&h, 100000);
    read_log(&h, "- relay, - relay, + relay");
    end(&h);
}

/* E1: what a former user's relay hears of the server is heard, too. */
static void e1_a_former_relay_is_answered(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    pass(&h, 12000);
    turn->deaf_to = 2;
    set_user(&h, turn_url, "another");
    turn->binding = SILENT;
    gather(&h);
    pass(&h, 6000);
    assert_true(says(&h, "error"));
    assert_non_null(strstr(h.error, "answers"));
    end(&h);
}

/* L11: of several relays of a server's name one is told in a generation, by whose server says first that
 * it stands; what another loses or says does not stall the gathering, nor is it an error. */
static void l11_of_several_relays_one_is_told(void **state)
{
    static const char *const urls[] = {"turn:turn.example.org", "stun:203.0.113.9"};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 4; row++) {
        begin_with_two(&h, urls, 2);
        server *first = &h.servers[0];
        server *second = &h.servers[1];
        all(first, row == 3 ? SILENT : ANSWERS);
        if (row ==
            1) { /* it was restarted; and the other, of which that is not known yet, is dead */
            first->refresh = FORGOT;
            all(second, SILENT);
        }
        if (row == 3) {
            all(second, SILENT);
            h.errors = 0;
            gather(&h);
            pass(&h, 6000);
            assert_int_equal(h.errors, 1); /* of the other server */
            end(&h);
            continue;
        }
        restart(&h);
        pass(&h, 200);
        assert_true(says(&h, row == 1 ? "+ srflx, - relay, + relay" : "+ relay"));
        if (row ==
            2) { /* lost within the gathering: the other is told instead, or it is had again */
            second->refresh = FORGOT; /* which was told last, and so is told now */
            floe_core_woke(h.core, h.now);
        }
        pass(&h, 6000);
        assert_true(says(&h, "end"));
        first->refresh = ANSWERS;
        second->refresh = row == 1 ? SILENT : ANSWERS;
        *h.log = '\0';
        pass(&h, 120000);
        read_log(&h, "- relay");
        first->refreshes = second->refreshes = 0;
        pass(&h, 600000);
        assert_true(first->refreshes == 0 || second->refreshes == 0);
        end(&h);
    }
}

/* L12, T6: what the server still holds of the former user by our socket is a stranger's to the new one:
 * 437, or 441 as coturn says, which no Allocate from there can mend. */
static void l12_a_former_users_socket_is_left_to_it(void **state)
{
    static const uint16_t codes[] = {437, 441};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 4; row++) {
        server *turn = begin_with_relay(&h, turn_url);
        turn->former = 1; /* the base's socket */
        turn->code = codes[row % 2];
        if (row / 2 != 0) { /* lost in an outage, which is over when the other user is set */
            all(turn, SILENT);
            turn->former = 0;
            pass(&h, 60000);
            all(turn, ANSWERS);
            turn->former = 1;
        } else { /* credentials that expire while others have met trouble */
            all(turn, SAYS);
            turn->code = 500;
            turn->former = 0;
        }
        set_user(&h, turn_url, "another");
        restart(&h);
        pass(&h, 7000);
        if (row / 2 == 0) {
            turn->code = codes[row % 2];
            turn->former = 1;
            all(turn, ANSWERS);
        }
        turn->port = 60;
        pass(&h, 60000);
        assert_true(says(&h, "+ relay"));
        *h.log = '\0';
        pass(&h, 60000);
        read_log(&h, "");
        end(&h);
    }
}

/* L12: with a quota of one the new user has nothing, by whichever port, as long as the former's stands: its
 * release was lost in an outage, so it is deleted by the former user's credentials. */
static void l12_what_a_former_user_has_left_in_an_outage(void **state)
{
    static hand h;

    (void)state;
    for (uint64_t renewed = 5000; renewed < 50000; renewed += 5000) { /* so far into the outage */
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->guarded = turn->signs = true;
        set_user(&h, turn_url, "1700000000:user");
        gather(&h);
        pass(&h, 1000);
        assert_true(says(&h, "+ relay"));
        all(turn, SILENT);
        turn->deaf_to = 1;
        pass(&h, renewed);
        set_user(&h, turn_url, "1800000000:user");
        restart(&h);
        pass(&h, 60000 - renewed);
        *h.log = '\0';
        all(turn, ANSWERS);
        turn->deaf_to = 0;
        turn->former = 1; /* the base's socket */
        turn->former_user = "1700000000:user";
        turn->code = 441;
        turn->room_for_one = 486;
        turn->releases = 0;
        turn->port = 60;
        pass(&h, 40000);
        assert_true(says(&h, "+ relay"));
        end(&h);
    }
}

/* R6, L12: a server that shows the mapping by its Allocate alone (coturn: --no-stun, --secure-stun) is shown it
 * by the former relay, which keeps it for as long as a candidate stands on it; its owner has the new one. */
static void r6_a_former_relay_keeps_the_mapping(void **state)
{
    static const doing bindings[] = {SILENT, REFUSES, ANSWERS};
    static hand h;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        bool shows = bindings[i] == ANSWERS;
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->binding = bindings[i];
        gather(&h);
        pass(&h, 6000);
        assert_true(says(&h, "+ srflx, + relay") || says(&h, "+ relay, + srflx"));
        *h.log = '\0';
        set_user(&h, turn_url, "another");
        turn->port = 60;
        restart(&h);
        pass(&h, 2000); /* and that holds nothing up */
        assert_true(says(&h, "+ srflx") && says(&h, "+ relay") && says(&h, "end"));
        *h.log = '\0';
        pass(&h, 100000);
        read_log(&h, "- relay");
        assert_int_equal(turn->releases, shows ? 1 : 0);
        restart(&h);
        pass(&h, 2000);
        assert_true(says(&h, "+ srflx") && says(&h, "+ relay") && says(&h, "end"));
        assert_int_equal(h.errors, 0);
        end(&h);
    }
}

/* R6: who shows the mapping by Bindings, too, is asked by one: the former relay says nothing of it then. */
static void r6_a_former_relay_is_no_answer_where_bindings_are(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = true; /* so a Binding goes beside the Allocate */
    gather(&h);
    pass(&h, 1000);
    all(turn, SILENT);
    set_user(&h, turn_url, "another");
    restart(&h);
    pass(&h, 9000);
    all(turn, ANSWERS);
    turn->port = 60;
    for (int i = 0; i < 2; i++) {
        *h.log = '\0';
        restart(&h);
        pass(&h, 6000);
        assert_true(says(&h, "+ srflx") && says(&h, "+ relay"));
    }
    end(&h);
}

/* R6, L12: of several users one relay is had behind an outage, and is told; what was kept for its mapping alone asks
 * for none. */
static void r6_what_was_kept_for_a_mapping_asks_for_nothing(void **state)
{
    static hand h;

    (void)state;
    for (uint64_t outage = 48000; outage <= 72000; outage += 4000) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->binding = SILENT;
        gather(&h);
        pass(&h, 6000);
        set_user(&h, turn_url, "another");
        turn->port = 60;
        gather(&h);
        pass(&h, 60000);
        gather(&h);
        pass(&h, 60000);
        all(turn, SILENT);
        pass(&h, outage);
        all(turn, ANSWERS);
        turn->binding = SILENT;
        pass(&h, 100000);
        gather(&h);
        pass(&h, 60000);
        *h.log = '\0';
        restart(&h);
        pass(&h, 6000);
        assert_true(says(&h, "+ relay"));
        assert_null(strstr(strstr(h.log, "+ relay") + 1, "+ relay"));
        end(&h);
    }
}

/* L12, L14: one server has no room before the former relay has gone, the other has: the first is no straggler,
 * and nobody is told of a failure that is none. */
static void l12_room_that_is_made_is_waited_for(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:203.0.113.3"};
    static hand h;

    (void)state;
    make(&h, urls, 2, defaults);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *full = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    full->port = 40;
    for (int i = 0; i < 2; i++) {
        floe_ice_server ice;
        floe_gather_options options =
            options_of(&ice, urls, 2, i == 0 ? "1700000000:user" : "1800000000:user");
        assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
        full->room_for_one = i == 0 ? 0 : 486;
        full->releases = 0;
        h.servers[0].port += 100;
        full->port += 200;
        *h.log = '\0';
        gather(&h);
        pass(&h, 4000);
    }
    read_log(&h, "+ relay, - relay, + relay, end");
    assert_int_equal(h.errors, 0);
    end(&h);
    make(&h, urls, 2, defaults); /* as long as the gathering lasts */
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    full = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    set_user(&h, urls + 1, "1800000000:user");
    full->allocate = full->both = FULL;
    gather(&h);
    pass(&h, 6000);
    assert_non_null(strstr(h.error, "486"));
    end(&h);
}

/* T6: likewise where the new user's own Allocate has gone unanswered, and might have made what is there:
 * that it is another user's is what the server says. */
static void t6_what_stands_there_is_another_users(void **state)
{
    static const uint16_t codes[] = {437, 441};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 4; row++) {
        for (uint64_t outage = 45000; outage < 120000; outage += 3500) {
            make(&h, turn_url, 1, defaults);
            server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
            bool guarded = row / 2 == 0;
            turn->guarded = turn->signs = guarded;
            gather(&h);
            pass(&h, 20000);
            all(turn, SILENT);
            turn->guarded = false;
            pass(&h, 10000);
            set_user(&h, turn_url, "another");
            restart(&h);
            pass(&h, outage);
            assert_true(says(&h, "- relay"));
            *h.log = '\0';
            all(turn, ANSWERS);
            turn->guarded = guarded;
            turn->former = 1; /* the base's socket */
            turn->code = codes[row % 2];
            turn->port = 60;
            pass(&h, 60000);
            assert_true(says(&h, "+ relay"));
            *h.log = '\0';
            pass(&h, 60000);
            read_log(&h, "");
            end(&h);
        }
    }
}

/* L12: an outage in which a former relay's half minute ends, with a restart in it: neither is told before
 * its server has said that it stands, and the former goes when the other is there. */
static void l12_a_former_relay_goes_behind_an_outage(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->port = 50;
    set_user(&h, turn_url, "another");
    gather(&h);
    pass(&h, 28000);
    read_log(&h, "+ relay, end");
    all(turn, SILENT);
    restart(&h);
    pass(&h, 4000);
    read_log(&h, "+ host");
    pass(&h, 12000);
    all(turn, ANSWERS);
    *h.log = '\0';
    pass(&h, 30000);
    assert_true(says(&h, "+ relay"));
    *h.log = '\0';
    pass(&h, 60000);
    turn->refreshes = 0;
    pass(&h, 600000);
    assert_in_range(turn->refreshes, 38, 42); /* one of them is kept */
    end(&h);
}

/* T12, T5: what is asked for beside a relay is asked of the server that has given it, though what stood
 * beside the one before is not known to be dead yet. */
static void t12_a_relay_for_tcp_of_the_living_server(void **state)
{
    static const char *const urls[] = {"turn:turn.example.org?transport=tcp"};
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4;
    make(&h, urls, 1, settings);
    server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:701");
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "203.0.113.3:0";
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + relay, + relay, + relay, end");
    all(first, SILENT);
    first->tcp = SILENT;
    restart(&h);
    pass(&h, 3000);
    assert_int_equal(second->allocates, 2);
    read_log(&h, "+ host, + relay, + relay, + relay, end");
    end(&h);
}

/* L11, L14: who waits for his turn beside one that is silent has it before the others' grace ends the
 * gathering: the other server of a name, beside a URL that is answered at once. */
static void l14_who_waits_beside_the_silent_is_asked(void **state)
{
    static const char *const urls[] = {"turn:turn.example.org", "turn:203.0.113.4"};
    static hand h;

    (void)state;
    make(&h, urls, 2, defaults);
    server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    with(&h, "203.0.113.3:3478", "192.0.2.7:701")->port = 50;
    with(&h, "203.0.113.4:3478", "192.0.2.7:702")->port = 60;
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "203.0.113.3:0";
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    all(first, SILENT);
    restart(&h);
    pass(&h, 1200);
    assert_non_null(strstr(strstr(h.log, "+ relay") + 1, "+ relay"));
    assert_true(says(&h, "end"));
    end(&h);
}

/* T1, L11: the relay of an interface's other family is a reason to ask for none only where it stands: a
 * family may have died. */
static void t1_a_family_that_has_died_keeps_no_relay_away(void **state)
{
    static const char *const places[] = {"203.0.113.2:0", "[2001:db8:2::2]:0"};
    static const char *const servers[] = {"203.0.113.2:3478", "[2001:db8:2::2]:3478"};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 6; row++) {
        size_t dead = row % 2;
        floe_settings settings = defaults;
        make(&h, named_url, 1, settings);
        h.ipv6 = "[2001:db8:1::2]:0";
        for (size_t i = 0; i < 2; i++) {
            with(&h, servers[i], i == 0 ? "192.0.2.7:700" : "[2001:db8:1::2]:40000")->port =
                50 * (unsigned)i;
            h.places[i] = places[i];
        }
        all(&h.servers[1 - dead], SILENT); /* so that this family has the relay */
        gather(&h);
        pass(&h, 6000);
        assert_true(says(&h, "+ relay"));
        all(&h.servers[1 - dead], ANSWERS);
        all(&h.servers[dead], SILENT);
        *h.log = '\0';
        if (row / 2 == 0) {
            restart(&h);
        } else if (row / 2 == 1) {
            gather(&h);
        }
        pass(&h, row / 2 < 2 ? 2500 : 100000); /* T7: by itself, behind T7b */
        assert_true(says(&h, "+ relay"));
        assert_int_equal(says(&h, "end"), row / 2 < 2);
        end(&h);
    }
}

/* T4, T7: what is asked for anew, as the last of those that others have sent us to was silent, is sent
 * the same way once more. */
static void t4_the_way_to_another_server_is_gone_again(void **state)
{
    static hand h;

    (void)state;
    for (size_t restarts = 1; restarts <= 3; restarts++) {
        make(&h, turn_url, 1, defaults);
        with(&h, "203.0.113.2:3478", "192.0.2.7:700")->alternate = "203.0.113.3:3478";
        with(&h, "203.0.113.3:3478", "192.0.2.7:700")->alternate = "203.0.113.4:3478";
        server *last = with(&h, "203.0.113.4:3478", "192.0.2.7:700");
        all(last, SILENT);
        gather(&h);
        for (size_t i = 1; i <= restarts; i++) {
            pass(&h, 4000);
            all(last, i == restarts ? ANSWERS : SILENT);
            restart(&h);
        }
        pass(&h, 1000);
        assert_true(says(&h, "+ relay"));
        end(&h);
    }
}

/* L11, L14: the relay stands by a socket of its own, as the credentials were renewed: what the NAT shows
 * of the base's is waited for, though its first Binding is lost. */
static void l14_a_lost_binding_beside_a_relay_of_another_socket(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    set_user(&h, turn_url, "another");
    turn->port = 60;
    restart(&h);
    pass(&h, 60000);
    for (uint64_t at = 0; at < 20000; at += 500) {
        pass(&h, 500);
        turn->binding = SILENT;
        restart(&h);
        pass(&h, 200);
        turn->binding = ANSWERS;
        *h.log = '\0';
        pass(&h, 1000);
        assert_true(says(&h, "+ srflx"));
        assert_false(says(&h, "- srflx"));
    }
    end(&h);
}

/* L11, S4: a relay that was silent at a restart, when another was asked for beside it, is back when its
 * owner gathers: it leaves; at once it is told again if that other is lost meanwhile. */
static void l11_a_relay_that_is_back_behind_another_leaves(void **state)
{
    static hand h;

    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        server *turn = begin_with_relay(&h, turn_url);
        turn->refresh = SILENT;
        turn->port = 60;
        restart(&h);
        pass(&h, 3000);
        assert_true(says(&h, "+ relay"));
        turn->refresh = ANSWERS;
        *h.log = '\0';
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "end");
        if (lost) {
            turn->forgets = 2; /* the other's socket */
            turn->allocate = turn->both = STUNNED;
            pass(&h, 16000);
            assert_true(says(&h, "- relay"));
            assert_true(says(&h, "+ relay"));
        }
        pass(&h, 40000);
        turn->refreshes = 0;
        pass(&h, 60000);
        assert_in_range(turn->refreshes, 3, 5);
        end(&h);
    }
}

/* E2, L11: a name whose look-up takes longer than a restart's gathering is no failure of a URL by which
 * a candidate has been told in it. */
static void e2_a_slow_name_server_at_a_restart(void **state)
{
    static const char *const urls[][2] = {{"turn:203.0.113.2", "stun:turn.example.org"},
                                          {"turn:turn.example.org", "stun:turn.example.org"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 2; row++) {
        make(&h, urls[row], 2, defaults);
        with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        with(&h, "203.0.113.3:3478", "192.0.2.7:701");
        h.places[0] = "203.0.113.3:0";
        gather(&h);
        pass(&h, 1000);
        h.late_names = true;
        for (int i = 0; i < 2; i++) {
            restart(&h);
            pass(&h, 6000);
            assert_true(says(&h, "+ srflx"));
            assert_true(says(&h, "end"));
            assert_false(says(&h, "error"));
            *h.log = '\0';
        }
        end(&h);
    }
}

/* E1: of a server that has given a relay, and is silent about it, no word is said of a password. */
static void e1_a_relay_that_is_silent(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = true;
    gather(&h);
    pass(&h, 10000);
    all(turn, SILENT);
    turn->guarded = false;
    restart(&h);
    pass(&h, 6000);
    assert_non_null(strstr(h.error, "is it down?"));
    end(&h);
}

/* L10, T7: what a pool has not found, or may have lost since it was made, is asked for by who gathers: it
 * was made in an outage; before there was an address; its relay was lost; there is another address by
 * now. What it has is told at once. */
static void l10_a_pool_of_bad_times_is_gathered_anew(void **state)
{
    static const uint64_t lasts[] = {7000, 5000, 21000, 9000, 5000};
    static hand h;
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, turn_url, 1, "user");

    (void)state;
    options.candidate_pool_size = 1;
    for (size_t row = 0; row < 5; row++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        h.no_interface = row == 1;
        all(turn, row == 0 ? SILENT : ANSWERS);
        assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
        floe_core_time(h.core, h.now);
        pass(&h, 1000);
        all(turn, row == 2 ? STUNNED : row == 0 ? SILENT : ANSWERS);
        pass(&h, lasts[row] - 1000);
        read_log(&h, "");
        all(turn, ANSWERS);
        h.no_interface = false;
        h.ip = row == 3 ? "10.0.5.5:0" : NULL;
        gather(&h);
        assert_true(row != 4 || says(&h, "+ host, + srflx, + relay"));
        pass(&h, 1000);
        assert_true(says(&h, row == 3 ? "- host" : "+ host"));
        assert_true(says(&h, "+ srflx"));
        assert_true(says(&h, "+ relay"));
        assert_true(says(&h, "end"));
        assert_false(says(&h, "error"));
        end(&h);
    }
}

/* L4, L11: TURN is silent while Bindings are answered, and restarts ask for another beside the silent
 * relay: what is had behind the gathering comes in that one's place, and is told. */
static void l11_what_was_asked_beside_is_told(void **state)
{
    static hand h;

    (void)state;
    for (uint64_t before = 15500; before <= 18500; before += 500) {
        server *turn = begin_with_relay(&h, turn_url);
        pass(&h, 19000);
        turn->allocate = turn->both = turn->refresh = SILENT;
        pass(&h, before);
        restart(&h);
        pass(&h, 2500);
        restart(&h);
        pass(&h, 6000);
        all(turn, ANSWERS);
        turn->port = 60;
        pass(&h, 100000);
        assert_true(says(&h, "+ relay"));
        turn->refreshes = 0;
        pass(&h, 60000);
        assert_in_range(turn->refreshes, 3, 5);
        end(&h);
    }
}

/* L11, T1: an outage of one family over a restart: the other's relay is told, and is the only one when
 * both are there. */
static void t1_one_family_s_relay_is_told_behind_an_outage(void **state)
{
    static const char *const one_each[] = {"203.0.113.2:0", "[2001:db8:2::2]:0"};
    static hand h;

    (void)state;
    for (uint64_t outage = 1000; outage <= 6000; outage += 1000) {
        begin_dual(&h, one_each, 2, 0);
        all(&h.servers[1], ANSWERS);
        all(&h.servers[0], SILENT);
        restart(&h);
        pass(&h, outage);
        all(&h.servers[0], ANSWERS);
        pass(&h, 100000);
        restart(&h);
        pass(&h, 60000);
        h.servers[0].refreshes = h.servers[1].refreshes = 0;
        pass(&h, 600000);
        assert_true(h.servers[0].refreshes == 0 || h.servers[1].refreshes == 0);
        assert_in_range(h.servers[0].refreshes + h.servers[1].refreshes, 38, 42);
        end(&h);
    }
}

/* L11, R2: a server's new process leaves the Refresh of what the old one had unanswered (Pion): a restart
 * has a relay and the reflexive candidate of it all the same, be it beside another URL. */
static void l11_who_forgets_in_silence_is_asked_anew(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:203.0.113.3"};
    static hand h;

    (void)state;
    for (size_t count = 1; count <= 2; count++) {
        make(&h, urls, count, defaults);
        server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        with(&h, "203.0.113.3:3478", "192.0.2.7:701")->port = 50;
        gather(&h);
        pass(&h, 1000);
        first->refresh = SILENT;
        first->port = 10;
        *h.log = '\0';
        restart(&h);
        pass(&h, count == 1 ? 2000 : 300);
        assert_true(says(&h, "+ srflx"));
        assert_true(count == 1 || strstr(strstr(h.log, "+ srflx") + 1, "+ srflx") != NULL);
        pass(&h, 900);
        assert_true(says(&h, count == 1 ? "+ relay" : "+ relay, "));
        assert_true(says(&h, "end"));
        assert_int_equal(first->allocates, 2);
        end(&h);
    }
}

/* L11, T7: a name that can't be looked up when its owner restarts hides no relay that stands, nor what
 * the NAT shows its server. */
static void l11_a_restart_without_names_finds_what_stands(void **state)
{
    static hand h;

    (void)state;
    make(&h, named_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    h.places[0] = "203.0.113.2:0";
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    h.places[0] = NULL;
    for (int late = 0; late < 2; late++) {
        h.late_names = late == 1;
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 7000);
        assert_non_null(strstr(h.log, "+ relay"));
        assert_non_null(strstr(h.log, "+ srflx"));
        assert_null(strstr(h.log, "- "));
        assert_null(strstr(h.log, "error"));
        *h.log = '\0';
    }
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* L11, T7: an outage that begins before a restart and ends behind its gathering: the relays that
 * outlive it are told as soon as that is known. */
static void l11_a_relay_that_outlives_an_outage_is_told(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t tcp = 0; tcp < 2; tcp++) {
        make(&h, urls[tcp], 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        turn->refresh = turn->allocate = turn->both = turn->binding = SILENT;
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 7000);
        assert_null(strstr(h.log, "+ relay"));
        assert_non_null(strstr(h.log, "end"));
        *h.log = '\0';
        turn->refresh = turn->allocate = turn->both = turn->binding = ANSWERS;
        if (tcp) { /* it has been sent once, and is behind TCP's */
            floe_stun_message request = {.method = FLOE_STUN_REFRESH, .id = h.refresh};
            succeed(&h, channel_by_stream(&h), turn, &request);
        }
        pass(&h, 30000);
        assert_non_null(strstr(h.log, "+ relay"));
        assert_null(strstr(h.log, "- "));
        assert_int_equal(h.last[FLOE_CANDIDATE_TYPE_RELAY], relay);
        *h.log = '\0';
        turn->refresh = FORGOT; /* and that it is lost is told as well */
        turn->allocate = turn->both = STUNNED;
        pass(&h, 20000);
        assert_non_null(strstr(h.log, "- relay, error"));
        end(&h);
    }
}

/* T5, E1: who has answered an Allocate that wishes for both families is not silent because of that
 * wish, so its renewal, after whatever time, is asked with it; and that it once answered is told.
 */
static void t5_a_server_that_was_away_is_asked_for_both_families_again(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    assert_true(turn->wished);
    turn->refresh = FORGOT;
    turn->allocate = SILENT;
    pass(&h, 70000);
    read_log(&h, "- relay, error");
    assert_non_null(strstr(h.error, "203.0.113.2 has answered before"));
    turn->refresh = ANSWERS;
    turn->allocate = ANSWERS;
    pass(&h, 60000);
    read_log(&h, "+ relay");
    assert_true(turn->wished);
    end(&h);
}

/* T5: a server that ignores the wish for both families, or does not know it, is asked for the other
 * by an allocation of its own, from a port of its own; one that says that it has none is not. */
static void t5_a_family_that_takes_an_allocation_of_its_own(void **state)
{
    static hand h;

    (void)state;
    for (int i = 0; i < 2; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->alone = i == 0;
        turn->both = i == 0 ? ANSWERS : UNKNOWN;
        gather(&h);
        pass(&h, 400);
        read_log(&h, "+ host, + srflx, + relay, + relay, end");
        assert_int_equal(h.sockets, 2);
        turn->allocates = turn->refreshes = 0;
        pass(&h, 60000);
        assert_int_equal(turn->refreshes, 2 * 4); /* each is kept */
        gather(&h);
        pass(&h, 400);
        read_log(&h, "end"); /* both stand */
        assert_int_equal(turn->allocates, 0);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 400);
        read_log(&h, "+ host, + srflx, + relay, + relay, end");
        turn->refresh = FORGOT; /* both are lost, and had again */
        pass(&h, 16000);
        turn->refresh = ANSWERS;
        pass(&h, 16000);
        read_log(&h, "- relay, + relay, - relay, + relay");
        assert_int_equal(h.sockets, 2);
        h.no_interface = true;
        turn->releases = 0;
        gather(&h);
        pass(&h, 400);
        assert_int_equal(turn->releases, 2);
        assert_int_equal(h.sockets, 0);
        end(&h);
    }
}

/* T5: once the first allocation, had again, gives both families, the second is not needed. One that
 * was lost with it is asked for no more; one that stands serves to the end of its generation, and is
 * given back by the next, untold. */
static void t5_a_second_allocation_that_is_not_needed_any_more(void **state)
{
    static hand h;

    (void)state;
    for (int stands = 0; stands < 2; stands++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->alone = true;
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, + relay, + relay, end");
        assert_int_equal(h.sockets, 2);
        turn->alone = false; /* it is another by now, and knows both */
        turn->gives_both = true;
        if (stands) {
            turn->deaf_to = 1;
            pass(&h, 60000);
            read_log(&h, "- relay");
            turn->deaf_to = 0;
        } else {
            turn->refresh = FORGOT;
            pass(&h, 16000);
            turn->refresh = ANSWERS;
        }
        pass(&h, 120000);
        read_log(&h, stands ? "+ relay, + relay" : "- relay, + relay, + relay, - relay");
        assert_int_equal(h.sockets, stands ? 2 : 1);
        gather(&h);
        pass(&h, 60000);
        read_log(&h, "end");
        turn->releases = 0;
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 60000);
        read_log(&h, stands ? "+ host, + srflx, + relay, + relay, - relay, end"
                            : "+ host, + srflx, + relay, + relay, end");
        assert_int_equal(turn->releases, (size_t)stands);
        assert_int_equal(h.sockets, 1);
        end(&h);
    }
}

/* T5, L4, E2: the first is not to be had when a new generation gathers: the second, which stands, is
 * told before its end, and that is no error. */
static void t5_the_second_allocation_stands_alone(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->alone = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, + relay, end");
    turn->deaf_to = 1;
    pass(&h, 60000);
    read_log(&h, "- relay");
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 60000);
    read_log(&h, "+ host, + relay, - srflx, end");
    turn->deaf_to = 0;
    pass(&h, 120000);
    read_log(&h, "+ srflx, + relay"); /* it is back */
    gather(&h);
    pass(&h, 60000);
    read_log(&h, "end");
    end(&h);
}

/* E2: both allocations of a server are refused for good, one behind the other: with the latter the
 * address has failed, and that is told once, with the word that nothing of the URL is left. */
static void e2_the_second_allocation_is_refused_last(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->alone = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, + relay, end");
    turn->refresh = FORGOT;
    turn->allocate = turn->ipv6 = REFUSES;
    pass(&h, 60000);
    read_log(&h, "- relay, - relay, error");
    assert_true(h.url_failed);
    end(&h);
}

/* That the other family is not to be had is no error, and leaves nothing behind. */
static void t5_a_family_that_is_not_to_be_had(void **state)
{
    static const doing ends[] = {REFUSES, FAMILY, UNKNOWN, STUNNED, SILENT};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->alone = true;
        turn->ipv6 = ends[i];
        gather(&h);
        pass(&h, 1000); /* the straggler's grace is the most that it costs */
        read_log(&h, "+ host, + srflx, + relay, end");
        assert_int_equal(h.sockets, 1);
        end(&h);
    }
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->both = FAMILY; /* it has one family, and says so */
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    assert_int_equal(turn->allocates, 2);
    end(&h);
}

/* T5: an Allocate without wishes may be loss's doing: the other family is not lost with it. */
static void t5_a_family_that_loss_has_cost(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->allocate = SILENT;
    gather(&h);
    pass(&h, 3000);
    turn->allocate = ANSWERS;
    pass(&h, 2500);
    read_log(&h, "+ host, + srflx, + relay, + relay, end");
    end(&h);
}

/* L7, RFC 8656 §5: whoever has asked in vain cannot know that he was not heard, and gives back what
 * he may have been given. */
static void l7_an_allocate_that_ran_out_is_released(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.gather_timeout_ms = FLOE_NEVER;
    make(&h, turn_url, 1, settings);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = true;
    turn->allocate = SILENT;
    gather(&h);
    pass(&h, 39000);
    assert_int_equal(turn->releases, 0);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, error, end");
    assert_int_equal(turn->releases, 1);
    end(&h);
}

/* T6: where it may be ours that stands there, as the way was lost for a while, 437 deletes that; be
 * it of a server that signs no errors (Pion). */
static void t6_437_that_nobody_has_signed(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->refresh = turn->allocate = STUNNED;
    pass(&h, 20000);
    read_log(&h, "- relay, error");
    turn->refresh = turn->allocate = ANSWERS;
    turn->holds = true;
    turn->releases = 0;
    pass(&h, 10000);
    read_log(&h, "+ relay");
    assert_int_equal(turn->releases, 1);
    end(&h);
}

/* ── Bindings (R6) ── */

/* What Allocate has shown is kept though the server answers no Binding, and though a second
 * gathering asks in vain. */
static void r6_a_server_that_answers_no_binding(void **state)
{
    static hand h;

    (void)state;
    for (int i = 0; i < 2; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->binding = i == 0 ? SILENT : REFUSES;
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, + relay, end");
        gather(&h);
        pass(&h, 400);
        read_log(&h, "end"); /* nobody waits for the Binding */
        turn->refreshes = 0;
        pass(&h, 60000);
        assert_int_equal(turn->refreshes, 4); /* each Tr, which keeps the mapping */
        read_log(&h, "");
        end(&h);
    }
}

/* Two servers behind one mapping: whichever answers keeps it, at the second gathering too. */
static void r6_whoever_answers_keeps_the_mapping(void **state)
{
    static const doing ends[] = {SILENT, REFUSES, STUNNED};
    static hand h;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        make(&h, stun_urls, 2, defaults);
        server *first = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        server *second = with(&h, "203.0.113.4:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, end");
        first->binding = ends[i];
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "error, end"); /* the candidate stays */
        second->bindings = 0;
        pass(&h, 60000);
        assert_int_equal(second->bindings, 4);
        read_log(&h, "");
        end(&h);
    }
}

/* A silent server's mapping of an earlier gathering goes on being kept while it is listed. */
static void r6_a_silent_server_ends_no_mapping(void **state)
{
    static hand h;

    (void)state;
    make(&h, stun_urls, 1, defaults);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    stun->binding = SILENT;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "error, end");
    stun->binding = ANSWERS;
    stun->bindings = 0;
    pass(&h, 60000);
    assert_in_range(stun->bindings, 3, 4);
    read_log(&h, "");
    end(&h);
}

/* R6: a Binding that goes beside a relay's Refresh is under way when a gathering begins, and the relay is
 * then lost and not to be had again: the mapping is kept all the same. */
static void r6_a_gathering_ends_no_keepalive(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->refresh = turn->binding = SILENT;
    turn->bindings = 0;
    while (turn->bindings == 0) {
        pass(&h, 10);
    }
    turn->refresh = FORGOT;
    turn->allocate = FULL;
    turn->binding = ANSWERS;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "- relay, error, end");
    turn->bindings = 0;
    pass(&h, 45000);
    assert_int_equal(turn->bindings, 3);
    read_log(&h, "");
    end(&h);
}

/* L12: of two URLs of one address one goes; what both stood on stays, and is kept. */
static void r6_a_url_goes_and_the_mapping_stays(void **state)
{
    static hand h;

    (void)state;
    make(&h, both_urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    set(&h, turn_url, 1);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "end");
    turn->refreshes = 0;
    pass(&h, 60000);
    assert_int_equal(turn->refreshes, 4);
    read_log(&h, "");
    set(&h, both_urls, 1); /* and the relay goes, the mapping not */
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, end");
    turn->bindings = 0;
    pass(&h, 60000);
    assert_int_equal(turn->bindings, 4);
    read_log(&h, "");
    end(&h);
}

/* A NAT that gives another address: the relay on it is asked for at once. */
static void r6_another_mapping_is_a_reason_to_ask(void **state)
{
    static hand h;

    (void)state;
    make(&h, both_urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 6000);
    *h.log = '\0';
    turn->mapped = "192.0.2.7:701";
    turn->refresh = FORGOT;
    pass(&h, 16000);
    read_log(&h, "- relay, - srflx, + srflx, + relay");
    end(&h);
}

/* Two servers saw one address of the NAT (RFC 4787 §4.1), and one sees another by now: the other
 * one is asked at once, and without its word the first address is none any more. */
static void r6_a_mapping_that_two_saw_has_changed(void **state)
{
    static const doing ends[] = {ANSWERS, SILENT, REFUSES, STUNNED};
    static hand h;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        make(&h, stun_urls, 2, defaults);
        server *first = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        server *second = with(&h, "203.0.113.4:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 10000);
        read_log(&h, "+ host, + srflx, end");
        first->mapped = "192.0.2.7:701";
        second->binding = ends[i];
        second->bindings = 0;
        pass(&h, 6000);
        assert_true(second->bindings > 0);
        pass(&h, 40000);
        read_log(&h, ends[i] == ANSWERS ? "+ srflx" : "+ srflx, - srflx");
        second->bindings = 0;
        pass(&h, 60000);
        assert_int_equal(second->bindings, ends[i] == ANSWERS ? 4 : 0);
        end(&h);
    }
}

/* Of several that saw it all are asked at the same time: it is believed no longer once nobody has said so in the time of
 * one. */
static void r6_a_mapping_that_many_saw_has_changed(void **state)
{
    static const char *const urls[] = {"stun:203.0.113.3", "stun:203.0.113.4", "stun:203.0.113.5"};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 2;
         row++) { /* before and behind the first keepalives, which one of them has */
        make(&h, urls, 3, defaults);
        server *first = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        server *others[] = {with(&h, "203.0.113.4:3478", "192.0.2.7:700"),
                            with(&h, "203.0.113.5:3478", "192.0.2.7:700")};
        gather(&h);
        pass(&h, row == 0 ? 10000 : 40000);
        read_log(&h, "+ host, + srflx, end");
        first->mapped = "192.0.2.7:701";
        others[0]->binding = others[1]->binding = SILENT;
        pass(&h, 15000 + 40000);
        read_log(&h, "+ srflx, - srflx");
        end(&h);
    }
}

/* L12: the same options again change nothing, however many other users there were meanwhile. */
static void l12_the_same_options_again(void **state)
{
    static hand h;
    floe_core *others[100];

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    for (size_t i = 0; i < 100; i++) {
        char user[16];
        floe_ice_server ice;
        (void)snprintf(user, sizeof user, "user%zu", i);
        floe_gather_options options = options_of(&ice, turn_url, 1, user);
        assert_int_equal(floe_core_new(h.shared, &options, &others[i]), FLOE_OK);
    }
    set(&h, turn_url, 1);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "end");
    assert_int_equal(turn->allocates, 1);
    assert_int_equal(turn->releases, 0);
    for (size_t i = 0; i < 100; i++) {
        floe_core_free(others[i]);
    }
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t6_each_url_of_a_server_has_its_own_socket),
        cmocka_unit_test(r6_a_relay_that_is_had_elsewhere_leaves_no_mapping),
        cmocka_unit_test(l11_a_restart_asks_the_other_server_of_a_name),
        cmocka_unit_test(r6_what_silence_has_withdrawn_is_told_again),
        cmocka_unit_test(r6_what_was_shown_is_shown_again_by_whom_it_was_shown),
        cmocka_unit_test(r6_a_former_relay_tells_what_another_server_showed),
        cmocka_unit_test(r6_what_a_former_relay_alone_shows_is_waited_for),
        cmocka_unit_test(r6_what_is_lost_is_asked_for_by_who_needs_it),
        cmocka_unit_test(r6_what_was_lost_is_waited_for_by_the_next_gathering),
        cmocka_unit_test(r6_either_of_two_shows_again_what_both_showed),
        cmocka_unit_test(l11_each_restart_finds_the_living_server_of_a_name),
        cmocka_unit_test(l11_a_gathering_asks_anew_what_is_unanswered),
        cmocka_unit_test(l11_what_comes_before_it_is_asked_anew),
        cmocka_unit_test(l12_a_former_relay_that_is_lost_is_asked_for_by_the_new_user),
        cmocka_unit_test(l12_of_two_that_were_lost_one_serves),
        cmocka_unit_test(e1_a_former_relay_is_answered),
        cmocka_unit_test(l11_of_several_relays_one_is_told),
        cmocka_unit_test(l12_a_former_users_socket_is_left_to_it),
        cmocka_unit_test(l12_what_a_former_user_has_left_in_an_outage),
        cmocka_unit_test(l12_room_that_is_made_is_waited_for),
        cmocka_unit_test(r6_a_former_relay_keeps_the_mapping),
        cmocka_unit_test(r6_a_former_relay_is_no_answer_where_bindings_are),
        cmocka_unit_test(r6_what_was_kept_for_a_mapping_asks_for_nothing),
        cmocka_unit_test(t6_what_stands_there_is_another_users),
        cmocka_unit_test(l12_a_former_relay_goes_behind_an_outage),
        cmocka_unit_test(t12_a_relay_for_tcp_of_the_living_server),
        cmocka_unit_test(l14_who_waits_beside_the_silent_is_asked),
        cmocka_unit_test(t1_a_family_that_has_died_keeps_no_relay_away),
        cmocka_unit_test(t1_one_family_s_relay_is_told_behind_an_outage),
        cmocka_unit_test(l11_who_forgets_in_silence_is_asked_anew),
        cmocka_unit_test(l11_what_was_asked_beside_is_told),
        cmocka_unit_test(l10_a_pool_of_bad_times_is_gathered_anew),
        cmocka_unit_test(e2_a_slow_name_server_at_a_restart),
        cmocka_unit_test(e1_a_relay_that_is_silent),
        cmocka_unit_test(l11_a_relay_that_is_back_behind_another_leaves),
        cmocka_unit_test(t4_the_way_to_another_server_is_gone_again),
        cmocka_unit_test(l14_a_lost_binding_beside_a_relay_of_another_socket),
        cmocka_unit_test(l11_a_restart_without_names_finds_what_stands),
        cmocka_unit_test(l11_a_relay_that_outlives_an_outage_is_told),
        cmocka_unit_test(l7_an_allocate_that_ran_out_is_released),
        cmocka_unit_test(t6_437_that_nobody_has_signed),
        cmocka_unit_test(t5_a_family_that_loss_has_cost),
        cmocka_unit_test(t5_a_server_that_was_away_is_asked_for_both_families_again),
        cmocka_unit_test(t5_a_family_that_takes_an_allocation_of_its_own),
        cmocka_unit_test(t5_a_second_allocation_that_is_not_needed_any_more),
        cmocka_unit_test(t5_the_second_allocation_stands_alone),
        cmocka_unit_test(e2_the_second_allocation_is_refused_last),
        cmocka_unit_test(t5_a_family_that_is_not_to_be_had),
        cmocka_unit_test(p4_what_stands_on_a_deprecated_address_stays),
        cmocka_unit_test(r6_a_server_that_answers_no_binding),
        cmocka_unit_test(r6_whoever_answers_keeps_the_mapping),
        cmocka_unit_test(r6_a_silent_server_ends_no_mapping),
        cmocka_unit_test(r6_a_gathering_ends_no_keepalive),
        cmocka_unit_test(r6_a_url_goes_and_the_mapping_stays),
        cmocka_unit_test(r6_a_server_whose_new_place_is_silent_shows_what_it_did),
        cmocka_unit_test(s6_a_target_that_waits_is_asked_before_the_end),
        cmocka_unit_test(c6_a_foundation_has_one_transport_to_the_server),
        cmocka_unit_test(k1_data_of_no_bytes),
        cmocka_unit_test(t5_an_outage_makes_no_server_deaf),
        cmocka_unit_test(r6_a_server_that_has_moved_shows_nothing),
        cmocka_unit_test(r6_a_relay_that_is_lost_later_leaves_no_mapping),
        cmocka_unit_test(r6_another_mapping_is_a_reason_to_ask),
        cmocka_unit_test(r6_a_mapping_that_two_saw_has_changed),
        cmocka_unit_test(r6_a_mapping_that_many_saw_has_changed),
        cmocka_unit_test(l12_other_credentials_cut_nothing),
        cmocka_unit_test(l11_a_relay_whose_refreshes_are_lost_stays),
        cmocka_unit_test(l12_a_former_relay_may_be_wanted_again),
        cmocka_unit_test(l12_a_former_relay_counts_for_nothing),
        cmocka_unit_test(l12_a_former_relay_makes_room),
        cmocka_unit_test(l12_a_server_that_is_given_again_keeps_its_relay),
        cmocka_unit_test(l12_the_same_options_again),
        cmocka_unit_test(l12_a_url_by_tcp_keeps_no_mapping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

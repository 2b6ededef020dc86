/* What the owner is told, and what goes out: packets, checks, errors, names (stories by hand.h). */
#include "hand.h"

#include "base/memory.h"
#include "polled.h"
#include "stun/key.h"

#include <stdio.h>
#include <string.h>

/* ── Ways that are full (K1) ── */

static size_t fill(hand *h, floe_candidate_type by, const char *peer)
{
    static const uint8_t data[1000];
    floe_address to = address_of(peer);
    size_t taken = 0;
    floe_error error;

    while ((error = floe_core_send(h->core, h->now, h->last[by], &to, data, sizeof data)) ==
           FLOE_OK) {
        taken++;
    }
    assert_int_equal(error, FLOE_ERR_QUEUE_FULL);
    return taken;
}

/* The writable event is of the way that was full: not of another that drains, and not before there
 * is room; and what was taken goes out, headers and all. */
static void k1_writable_is_of_the_way_that_was_full(void **state)
{
    static const uint8_t data[1000];
    static hand h;
    floe_address peer = address_of("192.0.2.99:7000");

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->permission = SILENT;
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    size_t taken = fill(&h, FLOE_CANDIDATE_TYPE_RELAY, "192.0.2.77:7000");
    for (int i = 0; i < 100; i++) {
        assert_int_equal(floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_HOST], &peer,
                                        data, sizeof data),
                         FLOE_OK);
        settle(&h);
    }
    assert_int_equal(h.data, 100);
    read_log(&h, "");
    turn->permission = ANSWERS;
    pass(&h, 2000);
    assert_int_equal(h.data, 100 + taken);
    read_log(&h, "relay writable");
    end(&h);
}

/* Two ways that have room again before anybody has heard of the one: each is told. */
static void k1_two_ways_that_have_room_again_are_told(void **state)
{
    static const uint8_t data[1000];
    static hand h;
    floe_address peer = address_of("192.0.2.99:7000");

    (void)state;
    make(&h, turn_url, 1, defaults);
    (void)with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    h.two_interfaces = true;
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    for (uint32_t way = 1; way <= 2; way++) { /* its channel, and its host's id */
        floe_core_blocked(h.core, way);
        while (floe_core_send(h.core, h.now, way, &peer, data, sizeof data) == FLOE_OK) {
        }
    }
    floe_core_writable(h.core, h.now, 1);
    floe_core_writable(h.core, h.now, 2);
    settle(&h);
    read_log(&h, "writable?, host writable");
    end(&h);
}

/* The way goes with who waits for it: it is told once, and then that the candidate is gone. */
static void k1_a_full_way_that_goes_is_told(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->permission = SILENT;
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    (void)fill(&h, FLOE_CANDIDATE_TYPE_RELAY, "192.0.2.77:7000");
    turn->refresh = FORGOT;
    pass(&h, 15000);
    read_log(&h, "relay writable, - relay, + relay");
    turn->refresh = ANSWERS;
    floe_core_blocked(h.core, 1);
    (void)fill(&h, FLOE_CANDIDATE_TYPE_HOST, "192.0.2.99:7000");
    h.no_interface = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, host writable, - host, - srflx, end");
    end(&h);
}

/* ── Ids ── */

static uint32_t base_of(const hand *h, floe_candidate_type type)
{
    floe_candidate_list *list;
    uint32_t id = 0;

    assert_int_equal(floe_core_get_local_candidates(h->core, &list), FLOE_OK);
    for (size_t i = 0; i < list->count; i++) {
        if (list->candidates[i]->type == type) {
            id = list->candidates[i]->base_id;
            assert_int_equal(list->candidates[i]->family, FLOE_FAMILY_IPV4);
        }
    }
    floe_candidate_list_free(list);
    return id;
}

/* K2, RFC 8445 §6.1.2.4: a reflexive candidate says whose socket it has, which is what packets
 * name: the host, be it by a name; itself where policy hides that. A relay is its own base. */
static void k2_a_candidate_tells_its_base(void **state)
{
    static const uint8_t data[] = "data";
    static hand h;

    (void)state;
    for (int row = 0; row < 3; row++) {
        bool hidden = row == 2;
        floe_settings settings = defaults;
        floe_ice_server ice;
        floe_gather_options options = options_of(&ice, both_urls, 2, "user");
        floe_address peer = address_of("198.51.100.77:7");
        floe_packet came;
        settings.mdns_mode = row == 1 ? FLOE_MDNS_MODE_QUERY_AND_GATHER : settings.mdns_mode;
        options.gather_policy = hidden ? FLOE_GATHER_POLICY_NOHOST : FLOE_GATHER_POLICY_ALL;
        make(&h, both_urls, 2, settings);
        assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
        (void)with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        read_log(&h, hidden     ? "+ srflx, + relay, end"
                     : row == 1 ? "publish, + host, + srflx, + relay, end"
                                : "+ host, + srflx, + relay, end");
        uint32_t base = h.last[hidden ? FLOE_CANDIDATE_TYPE_SRFLX : FLOE_CANDIDATE_TYPE_HOST];
        assert_int_equal(base_of(&h, FLOE_CANDIDATE_TYPE_SRFLX), base);
        assert_int_equal(base_of(&h, FLOE_CANDIDATE_TYPE_HOST), hidden ? 0 : base);
        assert_int_equal(base_of(&h, FLOE_CANDIDATE_TYPE_RELAY), h.last[FLOE_CANDIDATE_TYPE_RELAY]);
        floe_core_receive_packets(h.core, true);
        floe_core_datagram(h.core, h.now, 1, &peer, data, sizeof data);
        assert_true(arrived(h.core, h.now, &came));
        assert_int_equal(came.candidate_id, base);
        end(&h);
    }
}

/* P1, L12: under a policy that was tightened a gathering asks no STUN server and waits for none,
 * and nothing is named that it hides: in packets, in what is withdrawn. */
static void p1_a_tightened_policy_asks_and_shows_nothing(void **state)
{
    static const uint8_t data[] = "data";
    static const char *const urls[] = {"stun:203.0.113.3", "turn:203.0.113.2"};
    static hand h;
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, urls, 2, "user");
    floe_address peer = address_of("198.51.100.77:7");
    floe_packet came;

    (void)state;
    make(&h, urls, 2, defaults);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:701");
    (void)with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    options.gather_policy = FLOE_GATHER_POLICY_RELAY;
    assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
    stun->binding = SILENT;
    stun->bindings = 0;
    gather(&h);
    pass(&h, 300);
    read_log(&h, "end"); /* the relay stands; nobody waits for what is not wanted */
    assert_int_equal(stun->bindings, 0);
    floe_core_receive_packets(h.core, true);
    floe_core_datagram(h.core, h.now, 1, &peer, data, sizeof data);
    assert_true(arrived(h.core, h.now, &came));
    assert_int_equal(came.candidate_id, 0);
    h.no_interface = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, end");
    end(&h);
}

/* ── Peers that are not reached ── */

static void comes_back(hand *h, const char *peer, const void *data, size_t size)
{
    floe_address to = address_of(peer);

    floe_core_unreachable(h->core, h->now, 1, &to, FLOE_UNREACHABLE_PORT, data, size);
    settle(h);
}

/* K1: the owner hears of his own packets that came back, once a second for each peer, and of few
 * peers, as ICMP can be forged; not of what the gatherer itself has sent, nor by a candidate that
 * he is not shown. */
static void k1_a_peer_that_is_not_reached_is_told(void **state)
{
    static const uint8_t data[] = "data";
    static const uint8_t refresh[20] = {0x00, 0x04, 0, 0, 0x21, 0x12, 0xA4, 0x42};
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 6000);
    *h.log = '\0';
    comes_back(&h, "198.51.100.77:7", data, sizeof data);
    read_log(&h, "198.51.100.77:7 not reached by host: 1");
    comes_back(&h, "198.51.100.77:7", data, sizeof data);
    read_log(&h, "");
    pass(&h, 1000);
    comes_back(&h, "198.51.100.77:7", NULL, 0);
    read_log(&h, "198.51.100.77:7 not reached by host: 1");
    comes_back(&h, turn->address, data, sizeof data);
    comes_back(&h, "203.0.113.9:3478", refresh, sizeof refresh); /* of a server that is gone */
    read_log(&h, "");
    for (unsigned port = 1; port <= 1000; port++) {
        floe_address to = address_of("198.51.100.78:0");
        to.port = (uint16_t)port;
        floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_HOST, data, sizeof data);
    }
    h.unreached = 0;
    settle(&h);
    assert_int_equal(h.unreached, 15); /* beside the one of before */
    *h.log = '\0';
    end(&h);

    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, turn_url, 1, "user");
    options.gather_policy = FLOE_GATHER_POLICY_RELAY;
    make(&h, turn_url, 1, defaults);
    assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
    (void)with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ relay, end");
    comes_back(&h, "198.51.100.77:7", data, sizeof data);
    read_log(&h, "");
    end(&h);
}

/* K1: what this machine will not send to a relay's server (its address is gone, say) was the
 * owner's, whether it goes by a Send indication or by a channel: he hears of it, and the server is
 * asked. What the gatherer itself would send is not his. */
static void k1_what_does_not_leave_by_a_relay_is_told(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    floe_address to = address_of(turn->address);
    floe_address peer = address_of("198.51.100.77:7");
    for (int channel = 0; channel < 2; channel++) {
        for (size_t i = 0; i < 10; i++) { /* so many that a channel is bound */
            assert_int_equal(
                floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1),
                FLOE_OK);
            pass(&h, 100);
            if (channel == 0 && h.data > 0) {
                break;
            }
        }
        pass(&h, 6000);
        assert_int_equal(h.packet[0] >> 6, channel);
        size_t asked = turn->refreshes;
        floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_NETWORK, h.packet,
                              h.packet_size);
        pass(&h, 100);
        read_log(&h, "198.51.100.77:7 not reached by relay: 3");
        assert_int_equal(turn->refreshes, asked + 1);
        pass(&h, 6000);
    }
    /* The port that nothing listens on is the server's, not the peer's. */
    floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_PORT, h.packet, h.packet_size);
    pass(&h, 100);
    read_log(&h, "198.51.100.77:7 not reached by relay: 2");
    pass(&h, 6000);
    static const uint8_t refresh[20] = {0x00, 0x04, 0, 0, 0x21, 0x12, 0xA4, 0x42};
    floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_NETWORK, refresh, sizeof refresh);
    floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_NETWORK, h.packet, 1);
    pass(&h, 100);
    read_log(&h, "");
    end(&h);
}

/* K1: a permission that is refused for a reason that is none of the peer's, or of which nothing is
 * heard, is the end of what waited for it: the owner hears of it, and of nothing where nothing
 * waited. The relay stands, and the next request goes in its time. */
static void k1_what_no_permission_was_had_for_is_told(void **state)
{
    static const struct {
        doing does;
        uint64_t for_ms;
    } rows[] = {{UNKNOWN, 300}, {SILENT, 40000}};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        server *turn = begin_with_relay(&h, turn_url);
        floe_address peer = address_of("198.51.100.77:7");
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        turn->permission = rows[i].does;
        assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
        pass(&h, rows[i].for_ms);
        read_log(&h, "198.51.100.77:7 not reached by relay: 2");
        pass(&h, 60000); /* asked for again in vain, as nothing waits */
        read_log(&h, "");
        assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
        turn->permission = ANSWERS;
        pass(&h, 60000);
        read_log(&h, "");
        assert_int_equal(h.data, 1);
        turn->permission = rows[i].does; /* a renewal: what is sent meanwhile goes */
        for (size_t second = 0; second < 230; second++) {
            assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
            pass(&h, 1000);
        }
        read_log(&h, "");
        assert_int_equal(h.data, 231);
        end(&h);
    }
}

/* K1, RFC 8656 §7.4: that the server will not have a peer is told once, though it is asked again. */
static void k1_a_peer_that_is_refused_is_told_once(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->permission = REFUSES;
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    floe_address peer = address_of("198.51.100.77:7");
    assert_int_equal(
        floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1), FLOE_OK);
    pass(&h, 1200000);
    assert_int_equal(h.unreached, 1);
    end(&h);
}

/* RFC 8656 §11.1, §12.5: a driver that is late has not told that permission and channel are over,
 * and nothing is sent by them: it waits until they are had again. */
static void k1_nothing_goes_by_a_permission_that_is_over(void **state)
{
    /* The channel, of the second packet, stands; it does not. */
    static const uint64_t late_s[] = {301, 597, 600, 641};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof late_s / sizeof *late_s; i++) {
        make(&h, turn_url, 1, defaults);
        (void)with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        floe_address peer = address_of("198.51.100.77:7");
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        for (size_t n = 0; n < 2; n++) { /* the second takes a channel */
            assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
            pass(&h, 1000);
        }
        h.now = floe_time_after(h.now, floe_seconds(late_s[i]));
        assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
        settle(&h);
        assert_int_equal(h.data, 2);
        pass(&h, 1000);
        assert_int_equal(h.data, 3);
        assert_int_equal(h.packet[0] >> 6, i < 2); /* ChannelData; a Send indication */
        end(&h);
    }
}

static bool away; /* the server is */
static uint64_t bound_ms;
static bool hears; /* but its answers are lost, while it is away */

static uint64_t ms_of(const hand *h)
{
    return h->now.ns / 1000000;
}

static bool binds_channels(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    (void)channel;
    (void)by;
    if (request->method == FLOE_STUN_CHANNEL_BIND && (!away || hears)) {
        bound_ms = ms_of(h);
    }
    return away;
}

/* The same behind an outage in which the renewal is under way: the server is back, the channel is over there, and
 * data goes on by the permission, until a channel is had again. And where the renewal has arrived, and its answer
 * has not, nothing is lost. */
static void k1_nothing_goes_by_a_channel_that_is_over(void **state)
{
    static const struct {
        uint32_t rto_ms;
        unsigned from_s;
        unsigned back_s;
        bool arrives;
    } rows[] = {{2000, 530, 605, false}, {3000, 538, 604, false}, {2000, 530, 605, true}};
    floe_settings settings = defaults;
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t by_channel = 0;
        size_t by_permission = 0;
        settings.rto_ms = rows[i].rto_ms;
        hears = rows[i].arrives;
        away = false;
        make(&h, turn_url, 1, settings);
        with(&h, "203.0.113.2:3478", "192.0.2.7:700")->plays = binds_channels;
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        floe_core_receive_packets(h.core, true);
        floe_address peer = address_of("198.51.100.77:7");
        for (unsigned second = 0; second < 700; second++) {
            size_t before = h.data;
            away = second >= rows[i].from_s && second < rows[i].back_s;
            assert_int_equal(
                floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1),
                FLOE_OK);
            settle(&h);
            if (second == 0) {
                pass(&h, 1000);
                continue;
            }
            assert_int_equal(h.data, before + 1); /* it has a permission throughout */
            bool is_channel_data = h.packet[0] >> 6 == 1;
            assert_true(!is_channel_data || ms_of(&h) < bound_ms + 600000);
            by_channel += is_channel_data && second >= rows[i].back_s;
            by_permission += !is_channel_data && second >= rows[i].back_s;
            pass(&h, 1000);
        }
        assert_true(by_channel > 0 && by_permission > 0);
        read_log(&h, "");
        end(&h);
    }
}

static uint16_t
    bid_down_code; /* somebody on the way answers the next Allocate by it; 0: nobody does */

static bool is_bid_down(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    bool is_signed = floe_stun_has(request, FLOE_STUN_USERNAME);

    if (request->method == FLOE_STUN_ALLOCATE && bid_down_code != 0 &&
        is_signed == (bid_down_code == 438)) {
        uint8_t bytes[128];
        floe_stun_writer writer =
            floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_ERROR, request->method, &request->id);
        floe_stun_put_error(&writer, bid_down_code, floe_span_text("Who?"));
        floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text("r"));
        floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text("obMatJos2gAAAx"));
        deliver(h, channel, by, &writer);
        bid_down_code = 0;
    }
    return false;
}

/* RFC 8489 §9.2.5, R5: a challenge whose algorithms somebody has taken out costs nothing where the server's own
 * answer comes behind it. */
static void r5_a_bid_down_ends_nothing(void **state)
{
    static hand h;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->guarded = true;
        turn->plays = is_bid_down;
        bid_down_code = i == 0 ? 401 : 438;
        gather(&h);
        pass(&h, 8000);
        assert_int_equal(bid_down_code, 0);
        read_log(&h, "+ host, + srflx, + relay, end");
        assert_int_equal(turn->allocates, 1);
        end(&h);
    }
}

/* RFC 8656 §11.6: the relay's server has ICMP from the peer's side, and the owner hears of each
 * condition; of a packet that was too large, or too long on its way, by a word of its own. */
static void k1_a_relays_server_says_that_a_peer_is_not_reached(void **state)
{
    static const struct {
        const char *peer;
        uint8_t type;
        uint8_t code;
        int reason; /* 0: nothing is told */
    } rows[] = {
        {"198.51.100.77:7", 3, 3, FLOE_UNREACHABLE_PORT},
        {"198.51.100.78:7", 3, 1, FLOE_UNREACHABLE_HOST},
        {"198.51.100.79:7", 3, 4, FLOE_UNREACHABLE_TOO_BIG},
        {"198.51.100.80:7", 11, 0, FLOE_UNREACHABLE_EXPIRED},
        {"198.51.100.81:7", 11, 1, FLOE_UNREACHABLE_EXPIRED},
        {"198.51.100.82:7", 8, 0, 0},
    };
    static const floe_stun_id id = {{1}};
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        floe_address peer = address_of(rows[row].peer);
        char told[64] = "";
        for (int permitted = 0; permitted < 2; permitted++) {
            uint8_t bytes[128];
            floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_INDICATION,
                                                      FLOE_STUN_DATA_INDICATION, &id);
            floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &peer);
            floe_stun_put_icmp(&writer, rows[row].type, rows[row].code, 1280);
            deliver(&h, 1, turn, &writer);
            settle(&h);
            /* First there is no permission for the peer yet, so nothing was sent to it. */
            if (permitted == 1 && rows[row].reason != 0) {
                (void)snprintf(told, sizeof told, "%s not reached by relay: %d", rows[row].peer,
                               rows[row].reason);
            }
            read_log(&h, told);
            assert_int_equal(
                floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1),
                FLOE_OK);
            pass(&h, 1000);
        }
    }
    end(&h);
}

/* The owner's word that a path is dead has the relay's server and the NAT asked at once. */
static void t7b_what_its_owner_doubts_is_asked(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 6000);
    *h.log = '\0';
    turn->refreshes = 0;
    assert_int_equal(floe_core_doubt(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_HOST]), FLOE_OK);
    pass(&h, 100);
    assert_int_equal(turn->refreshes, 0);
    assert_int_equal(floe_core_doubt(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_SRFLX]), FLOE_OK);
    pass(&h, 100);
    assert_int_equal(turn->refreshes, 1); /* by which the relay keeps the mapping */
    read_log(&h, "");
    turn->refresh = FORGOT;
    assert_int_equal(floe_core_doubt(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY]), FLOE_OK);
    pass(&h, 2000);
    read_log(&h, "- relay, + relay");
    assert_int_equal(floe_core_doubt(h.core, h.now, 4711), FLOE_ERR_NOT_FOUND);
    end(&h);

    make(&h, stun_urls, 1, defaults);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    stun->mapped = "192.0.2.7:701";
    assert_int_equal(floe_core_doubt(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_SRFLX]), FLOE_OK);
    pass(&h, 100);
    read_log(&h, "- srflx, + srflx");
    floe_core_close(h.core, h.now);
    assert_int_equal(floe_core_doubt(h.core, h.now, 1), FLOE_ERR_INVALID_STATE);
    end(&h);
}

/* ── The driver ── */

/* L14: a list that never comes ends gathering at the timeout, and nothing spins. */
static void l14_a_list_that_never_comes(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    h.no_list = true;
    gather(&h);
    pass(&h, 10000);
    read_log(&h, "error, end");
    h.no_list = false;
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    end(&h);
}

/* T7, R6: a list that could not be had leaves what goes on as it is; of a restart whose list fails the
 * relay is told once its server has said that it stands. */
static void l14_a_list_that_fails_leaves_what_goes_on(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    h.no_list = true;
    gather(&h);
    pass(&h, 10000);
    read_log(&h, "error, end");
    turn->refresh = FORGOT;
    pass(&h, 16000);
    read_log(&h, "- relay, + relay");
    turn->refresh = ANSWERS;
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 60000);
    read_log(&h, "error, - host, - srflx, end, + srflx, + relay");
    h.no_list = false;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, end");
    end(&h);
}

/* L10, L11: a pool that is filled after a restart holds the word that a candidate is gone; what it
 * speaks of stays until that is told. */
static void l10_a_pool_that_holds_withdrawals(void **state)
{
    static hand h;
    floe_ice_server ice;

    (void)state;
    (void)begin_with_relay(&h, turn_url);
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    floe_gather_options options = options_of(&ice, turn_url, 1, "user");
    options.candidate_pool_size = 1;
    assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
    h.no_interface = true;
    pass(&h, 1000);
    assert_int_equal(h.sockets, 0);
    read_log(&h, "");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, - host, - srflx, end");
    end(&h);
}

/* T1, L11: of a base and a server there is one relay, though a restart comes while it is asked for, at
 * two addresses of its name: whichever answers first, and whether the new generation knows the list of
 * interfaces, the name and the addresses by then. What is too many is given back. */
static void l11_one_relay_of_those_that_a_restart_finds_under_way(void **state)
{
    enum { BEFORE_GATHERING, BEFORE_NAMES, BEHIND_NAMES, ELSEWHERE, MOMENTS };
    static hand h;

    (void)state;
    for (int moment = 0; moment < MOMENTS; moment++) {
        make(&h, named_url, 1, defaults);
        h.places[0] = "203.0.113.2:0";
        h.places[1] = "203.0.113.4:0";
        for (size_t i = 0; i < 3; i++) {
            static const char *const addresses[] = {"203.0.113.2:3478", "203.0.113.4:3478",
                                                    "203.0.113.6:3478"};
            server *turn = with(&h, addresses[i], "192.0.2.7:700");
            turn->port = 10 * (unsigned)i;
            turn->allocate = SILENT;
        }
        gather(&h);
        pass(&h, 1400);
        assert_int_equal(h.servers[1].allocates, 2);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        *h.log = '\0';
        if (moment == ELSEWHERE) {
            h.places[0] = "203.0.113.6:0";
            h.places[1] = NULL;
        }
        h.late_names = moment == BEFORE_NAMES;
        if (moment != BEFORE_GATHERING) {
            gather(&h);
            pass(&h, 10);
        }
        for (size_t i = 0; i < 3; i++) {
            h.servers[i].allocate = ANSWERS;
        }
        pass(&h, 400);
        if (moment == BEFORE_GATHERING) {
            gather(&h);
        }
        for (size_t i = 0; i < h.query_count; i++) {
            answer_look_up(&h, h.queries[i]);
        }
        pass(&h, 60000);
        read_log(&h, "+ host, + srflx, + relay, end");
        size_t stand = 0;
        for (size_t i = 0; i < 3; i++) {
            h.servers[i].refreshes = 0;
        }
        pass(&h, 60000);
        for (size_t i = 0; i < 3; i++) {
            stand += h.servers[i].refreshes > 0;
        }
        assert_int_equal(stand, 1);
        read_log(&h, "");
        end(&h);
    }
}

/* R6: two servers have shown one mapping, and a gathering is over without a word of either: who of
 * them answers later tells that it has changed, whichever had told it. */
static void r6_of_two_silent_servers_either_tells(void **state)
{
    static hand h;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make(&h, stun_urls, 2, defaults);
        (void)with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        (void)with(&h, "203.0.113.4:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, end");
        h.servers[0].binding = h.servers[1].binding = SILENT;
        gather(&h);
        pass(&h, 6000);
        read_log(&h, "error, error, end");
        h.servers[i].binding = ANSWERS;
        h.servers[i].mapped = "192.0.2.7:701";
        pass(&h, 120000);
        assert_non_null(strstr(h.log, "+ srflx"));
        assert_non_null(strstr(h.log, "- srflx"));
        end(&h);
    }
}

/* L11: a restart right behind the end of a candidate: its id is told as gone all the same. */
static void l11_a_restart_swallows_no_withdrawal(void **state)
{
    static hand h;

    (void)state;
    (void)begin_with_relay(&h, turn_url);
    h.no_interface = true;
    assert_int_equal(floe_core_start(h.core, h.now), FLOE_OK);
    while (strstr(h.log, "- relay") == NULL) { /* the first of three */
        assert_true(polled(h.core, h.now, &h.output));
        take(&h);
    }
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    h.no_interface = false;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, + host, + srflx, + relay, - host, - srflx, end");
    end(&h);
}

/* L11, L12: what the policy held back and a restart has made stale is told once it is found again,
 * by the fragment of today, and not because the policy lets it. */
static void l11_a_loosened_policy_tells_what_is_found(void **state)
{
    static hand h;
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, stun_urls, 1, "user");

    (void)state;
    make(&h, stun_urls, 1, defaults);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    options.gather_policy = FLOE_GATHER_POLICY_RELAY;
    assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
    gather(&h);
    pass(&h, 1000);
    set(&h, stun_urls, 1);
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    *h.log = '\0';
    stun->binding = SILENT;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "+ host, error, - srflx, end");
    end(&h);
}

static void set_types(hand *h, const char *const *urls, size_t count, uint32_t types)
{
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, urls, count, "user");

    options.candidate_types = types;
    assert_int_equal(floe_core_set_options(h->core, h->now, &options), FLOE_OK);
}

static size_t listed(const hand *h)
{
    floe_candidate_list *list;

    assert_int_equal(floe_core_get_local_candidates(h->core, &list), FLOE_OK);
    size_t count = list->count;
    floe_candidate_list_free(list);
    return count;
}

/* P8, L12: types that are left out later: a relay is released as that of a server that is taken away;
 * what else was told is listed no more, as under a stricter policy. Wanted again, they are told. */
static void p8_other_types_with_the_next_gathering(void **state)
{
    static hand h;

    (void)state;
    make(&h, both_urls, 2, defaults);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    assert_int_equal(listed(&h), 3);
    set_types(&h, both_urls, 2, FLOE_GATHER_TYPE_HOST | FLOE_GATHER_TYPE_SRFLX);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, end");
    assert_int_equal(h.gone[FLOE_CANDIDATE_TYPE_RELAY], FLOE_WITHDRAWAL_RELEASED);
    assert_int_equal(listed(&h), 2);
    set_types(&h, both_urls, 2, FLOE_GATHER_TYPE_RELAY);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ relay, end");
    assert_int_equal(listed(&h), 1);
    set_types(&h, both_urls, 2, 0);
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    *h.log = '\0';
    gather(&h);
    pass(&h, 1000);
    assert_int_equal(listed(&h), 3);
    end(&h);
    /* Hosts that come behind a reflexive candidate without a NAT. */
    make(&h, stun_urls, 1, defaults);
    with(&h, "203.0.113.3:3478", "10.0.1.2:40000");
    set_types(&h, stun_urls, 1, FLOE_GATHER_TYPE_SRFLX);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ srflx, end");
    set_types(&h, stun_urls, 1, 0);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, end");
    end(&h);
}

/* R2: a server that is full shows the mapped address all the same, whoever asks. */
static void r2_a_full_server_shows_the_mapping(void **state)
{
    static hand h;
    floe_ice_server ice;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->allocate = REFUSES;
    for (int i = 0; i < 4; i++) {
        floe_gather_options options = options_of(&ice, turn_url, 1, "user");
        gather(&h);
        pass(&h, 6000);
        assert_non_null(strstr(h.log, "+ srflx"));
        *h.log = '\0';
        floe_core_close(h.core, h.now);
        settle(&h);
        floe_core_free(h.core);
        assert_int_equal(floe_core_new(h.shared, &options, &h.core), FLOE_OK);
    }
    end(&h);
}

/* ── Checks ── */

/* A check by these credentials; false: it did not come to the owner. */
static bool check(floe_core *core, floe_time now, uint32_t channel,
                  const floe_parameters *parameters, bool odd, floe_packet *packet)
{
    static uint8_t bytes[600];
    floe_stun_id id = {.bytes = {1, 2, 3}};
    floe_address peer = address_of("192.0.2.99:7000");
    char username[300];
    floe_stun_key *key;

    assert_int_equal(floe_stun_key_short_term(&floe_default_allocator,
                                              floe_span_text(parameters->password), &key),
                     FLOE_OK);
    (void)snprintf(username, sizeof username, "%s:them", parameters->username_fragment);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(username));
    if (odd) {
        floe_stun_put_u32(&writer, (floe_stun_attribute_type)0x7fff, 1);
    }
    floe_stun_put_integrity(&writer, key->sha1);
    floe_span data = floe_stun_written(&writer);
    floe_core_receive_packets(core, true);
    floe_core_datagram(core, now, channel, &peer, data.data, data.size);
    floe_stun_key_release(key);
    return arrived(core, now, packet);
}

/* L11, L13, RFC 8445 §9: after a restart each component believes checks by the new parameters; by
 * those of before until the new ones have been used. */
static void l11_the_former_credentials_hold_for_a_while(void **state)
{
    static hand h;
    static hand other;
    floe_parameters old = FLOE_PARAMETERS_INIT;
    floe_parameters new = FLOE_PARAMETERS_INIT;
    floe_packet packet;

    (void)state;
    make(&h, turn_url, 1, defaults);
    memset(&other, 0, sizeof other);
    other.now = h.now;
    other.next_port = 41000;
    assert_int_equal(floe_core_new_associated(h.core, &other.core), FLOE_OK);
    gather(&h);
    gather(&other);
    assert_int_equal(floe_core_get_local_parameters(h.core, &old), FLOE_OK);
    hand *both[] = {&h, &other};
    for (size_t i = 0; i < 2; i++) {
        assert_true(check(both[i]->core, h.now, 1, &old, false, &packet));
        assert_true(packet.check->authenticated && !packet.check->former);
    }
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    assert_int_equal(floe_core_get_local_parameters(h.core, &new), FLOE_OK);
    for (size_t i = 0; i < 2; i++) {
        floe_core *core = both[i]->core;
        assert_true(check(core, h.now, 1, &old, false, &packet));
        assert_true(packet.check->authenticated && packet.check->former);
        assert_int_equal(floe_core_answer_check(core, h.now, &packet, 0), FLOE_OK);
        assert_true(check(core, h.now, 1, &new, false, &packet));
        assert_true(packet.check->authenticated && !packet.check->former);
        assert_true(check(core, h.now, 1, &old, false, &packet));
        assert_false(packet.check->authenticated);
        assert_int_equal(floe_core_answer_check(core, h.now, &packet, 0), FLOE_ERR_PERMISSION);
        assert_int_equal(floe_core_answer_check(core, h.now, &packet, 401), FLOE_OK);
        assert_int_equal(floe_core_answer_check(core, h.now, &packet, FLOE_ANSWER_ANYBODY),
                         FLOE_OK);
    }
    floe_core_close(other.core, h.now);
    settle(&other);
    floe_core_free(other.core);
    end(&h);
}

static bool believes(hand *h, const floe_parameters *parameters)
{
    floe_packet packet;

    assert_true(check(h->core, h->now, 1, parameters, false, &packet));
    floe_error error = floe_core_answer_check(h->core, h->now, &packet, 0);
    assert_int_equal(error == FLOE_OK, packet.check->authenticated);
    return packet.check->authenticated;
}

/* L11, RFC 8445 §9, RFC 7675: restarts of which the other side does not hear end no consent: it goes on
 * by what it has used last. */
static void l11_what_the_other_side_uses_outlives_restarts(void **state)
{
    static hand h;
    floe_parameters all[6];

    (void)state;
    make(&h, turn_url, 1, defaults);
    gather(&h);
    for (size_t i = 0; i < 6; i++) {
        all[i] = (floe_parameters)FLOE_PARAMETERS_INIT;
        assert_int_equal(floe_core_get_local_parameters(h.core, &all[i]), FLOE_OK);
        assert_true(i == 1 || i == 3 || i == 4 || believes(&h, &all[i]));
        assert_true(i == 5 || believes(&h, &all[i < 2 ? 0 : 2]));
        assert_int_equal(believes(&h, &all[i == 4 ? 3 : 0]), i < 2 || i == 4);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    }
    assert_true(believes(&h, &all[5]));
    assert_false(believes(&h, &all[3]));
    end(&h);
}

/* The next packet that goes out. */
static bool is_signed_by(hand *h, const char *password)
{
    floe_stun_message message;
    floe_stun_key *key;

    do {
        assert_true(polled(h->core, h->now, &h->output));
    } while (h->output.kind != FLOE_CORE_SEND);
    assert_int_equal(floe_stun_parse(floe_span_of(h->output.data, h->output.data_size), &message),
                     FLOE_STUN_PARSED);
    assert_int_equal(
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text(password), &key), FLOE_OK);
    bool is = floe_stun_check_integrity(&message, key->sha1);
    floe_stun_key_release(key);
    return is;
}

/* L16: checks by a fragment of the owner's, of any length, before and after a restart; the answer to one
 * that came just before is by the credentials that it was by. */
static void l16_checks_by_own_credentials(void **state)
{
    static const size_t lengths[][2] = {{4, 22}, {8, 24}, {9, 24}, {64, 64}, {256, 256}};
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    gather(&h);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        floe_restart_options own = FLOE_RESTART_OPTIONS_INIT;
        floe_parameters before = FLOE_PARAMETERS_INIT;
        floe_parameters after = FLOE_PARAMETERS_INIT;
        char texts[2][257] = {{0}};
        floe_packet packet;
        memset(texts[0], (int)('a' + i), lengths[i][0]);
        memset(texts[1], (int)('A' + i), lengths[i][1]);
        own.username_fragment = texts[0];
        own.password = texts[1];
        assert_int_equal(floe_core_get_local_parameters(h.core, &before), FLOE_OK);
        assert_true(check(h.core, h.now, 1, &before, false, &packet));
        assert_true(packet.check->authenticated);
        assert_int_equal(floe_core_restart_with(h.core, h.now, &own), FLOE_OK);
        settle(&h);
        assert_int_equal(floe_core_answer_check(h.core, h.now, &packet, 0), FLOE_OK);
        assert_true(is_signed_by(&h, before.password));
        assert_int_equal(floe_core_get_local_parameters(h.core, &after), FLOE_OK);
        assert_string_equal(after.username_fragment, texts[0]);
        assert_true(believes(&h, &before));
        assert_true(believes(&h, &after));
        assert_false(believes(&h, &before));
        (void)snprintf(before.password, sizeof before.password, "%s", after.password);
        (void)snprintf(before.username_fragment, sizeof before.username_fragment, "%.*s",
                       (int)lengths[i][0] - 1, after.username_fragment);
        assert_false(believes(&h, &before));
        gather(&h);
        floe_candidate_list *list;
        assert_int_equal(floe_core_get_local_candidates(h.core, &list), FLOE_OK);
        assert_true(list->count > 0);
        assert_string_equal(list->candidates[0]->username_fragment, texts[0]);
        floe_candidate_list_free(list);
        floe_gatherer_statistics *statistics;
        assert_int_equal(floe_core_get_statistics(h.core, &statistics), FLOE_OK);
        assert_true(statistics->candidate_count > 0);
        assert_string_equal(statistics->candidates[0]->candidate->username_fragment, texts[0]);
        floe_gatherer_statistics_free(statistics);
    }
    end(&h);
}

/* RFC 8489 §6.3.1: what must be understood and is not is told, and a 420 names it. */
static void k2_what_a_check_has_that_nobody_knows(void **state)
{
    static hand h;
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_packet packet;
    floe_stun_message message;
    floe_span unknown;

    (void)state;
    make(&h, stun_urls, 1, defaults);
    gather(&h);
    assert_int_equal(floe_core_get_local_parameters(h.core, &parameters), FLOE_OK);
    assert_true(check(h.core, h.now, 1, &parameters, true, &packet));
    assert_int_equal(packet.kind, FLOE_PACKET_STUN);
    assert_int_equal(packet.check->unknown_attribute_count, 1);
    assert_int_equal(packet.check->unknown_attributes[0], 0x7fff);
    settle(&h);
    assert_int_equal(floe_core_answer_check(h.core, h.now, &packet, 420), FLOE_OK);
    do {
        assert_true(polled(h.core, h.now, &h.output));
    } while (h.output.kind != FLOE_CORE_SEND);
    assert_int_equal(floe_stun_parse(floe_span_of(h.output.data, h.output.data_size), &message),
                     FLOE_STUN_PARSED);
    assert_true(floe_stun_find(&message, FLOE_STUN_UNKNOWN_ATTRIBUTES, &unknown));
    assert_memory_equal(unknown.data, "\x7f\xff", 2);
    end(&h);
}

/* K1, RFC 7983: what floe asked for itself is not the owner's, however late it comes; and what
 * only begins like STUN is none. */
static void k1_answers_of_our_own_are_not_the_owners(void **state)
{
    static hand h;
    uint8_t bytes[64];
    floe_stun_id others = {.bytes = {9}};
    floe_packet packet;

    (void)state;
    make(&h, both_urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    assert_int_equal(h.binding_count, 1);
    floe_core_receive_packets(h.core, true);
    static const uint16_t methods[] = {FLOE_STUN_BINDING, FLOE_STUN_ALLOCATE, FLOE_STUN_REFRESH,
                                       FLOE_STUN_CREATE_PERMISSION, FLOE_STUN_DATA_INDICATION};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS,
                                                  methods[i], i == 0 ? &h.binding : &others);
        deliver(&h, 1, turn, &writer);
        assert_false(arrived(h.core, h.now, &packet));
    }
    /* But a peer may stand where a STUN server does: what it answers to the owner is the owner's.
     */
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &others);
    deliver(&h, 1, turn, &writer);
    assert_true(arrived(h.core, h.now, &packet));
    set(&h, stun_urls, 1); /* the relay goes, and what it had under way comes */
    gather(&h);
    pass(&h, 6000);
    floe_address server_address = address_of(turn->address);
    floe_core_datagram(h.core, h.now, 1, &server_address, "\x40\0\0\4data", 8);
    assert_false(arrived(h.core, h.now, &packet));
    floe_address peer = address_of("192.0.2.99:7000");
    floe_core_datagram(h.core, h.now, 1, &peer, "\1hello", 6);
    assert_true(arrived(h.core, h.now, &packet));
    assert_int_equal(packet.kind, FLOE_PACKET_OTHER);
    floe_core_datagram(h.core, h.now, 1, &peer, "HELLO", 5);
    assert_true(arrived(h.core, h.now, &packet));
    assert_int_equal(packet.kind, FLOE_PACKET_OTHER);
    end(&h);
}

/* A peer whose permission had no place among those that are asked for, for as long as one that is not
 * used is known, is dropped: who waits to send to it hears that. */
static void k1_a_peer_that_never_had_its_turn(void **state)
{
    static hand h;
    static const uint8_t big[1200];
    char text[FLOE_ADDRESS_TEXT_SIZE];
    floe_error error;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    turn->permission = SILENT;
    uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof text, "192.0.2.%u:900", 100 + i);
        floe_address peer = address_of(text);
        assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
    }
    floe_address last = address_of("192.0.3.1:900");
    do {
        error = floe_core_send(h.core, h.now, relay, &last, big, sizeof big);
    } while (error == FLOE_OK);
    assert_int_equal(error, FLOE_ERR_QUEUE_FULL);
    size_t writable = 0;
    for (size_t second = 0; second < 3600; second++) {
        *h.log = '\0';
        pass(&h, 1000);
        writable += strstr(h.log, "relay writable") != NULL;
    }
    assert_int_equal(writable, 1);
    assert_in_range(h.unreached, 70, 101); /* 16 in one second, where many go at once */
    end(&h);
}

/* What several relays have under way that go together, be one of them by TCP, is nobody's; and it is
 * so for a while, not for the socket's life: a server that one no longer uses may be a peer's. */
static void k1_what_relays_that_have_gone_have_under_way(void **state)
{
    static const char *const urls[][2] = {{"turn:203.0.113.2", "turn:203.0.113.5"},
                                          {"turn:203.0.113.2", "turn:203.0.113.5?transport=tcp"}};
    static hand h;
    floe_packet packet;

    (void)state;
    for (size_t tcp = 0; tcp < 2; tcp++) {
        make(&h, urls[tcp], 2, defaults);
        floe_address from[] = {
            address_of(with(&h, "203.0.113.2:3478", "192.0.2.7:700")->address),
            address_of(with(&h, "203.0.113.5:3478", "192.0.2.7:700")->address),
        };
        h.servers[1].port = 50;
        floe_core_receive_packets(h.core, true);
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, + relay, + relay, end");
        set(&h, stun_urls, 1);
        gather(&h);
        for (size_t i = 0; i < 2 - tcp; i++) {
            floe_core_datagram(h.core, h.now, 1, &from[i], "\x40\1\0\4data", 8);
            assert_false(arrived(h.core, h.now, &packet));
        }
        pass(&h, 60000);
        for (size_t i = 0; i < 2; i++) {
            floe_core_datagram(h.core, h.now, 1, &from[i], "\xc3QUIC", 5);
            assert_true(arrived(h.core, h.now, &packet));
        }
        end(&h);
    }
}

/* Nor is what it asked for before a restart, of whichever server. */
static void k1_answers_to_what_a_restart_has_ended(void **state)
{
    static hand h;
    uint8_t bytes[64];
    floe_packet packet;

    (void)state;
    make(&h, stun_urls, 2, defaults);
    with(&h, "203.0.113.3:3478", "192.0.2.7:700")->binding = SILENT;
    with(&h, "203.0.113.4:3478", "192.0.2.7:700")->binding = SILENT;
    floe_core_receive_packets(h.core, true);
    gather(&h);
    pass(&h, 50);
    assert_int_equal(h.binding_count, 2);
    for (size_t restarts = 0; restarts < 3; restarts++) {
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 50);
    }
    assert_int_equal(h.binding_count, 8);
    for (size_t i = 0; i < h.binding_count; i++) {
        floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS,
                                                  FLOE_STUN_BINDING, &h.bindings[i]);
        deliver(&h, 1, &h.servers[i % 2], &writer);
        assert_false(arrived(h.core, h.now, &packet));
    }
    end(&h);
}

/* However many servers the base asks; and an id that nobody has drawn is nobody's. */
static void k1_answers_to_more_servers_than_a_few(void **state)
{
    static hand h;
    static char texts[SERVERS][3][32];
    const char *urls[SERVERS];
    uint8_t bytes[64];
    floe_packet packet;
    static const floe_stun_id none;

    (void)state;
    for (size_t i = 0; i < SERVERS; i++) {
        (void)snprintf(texts[i][0], sizeof texts[i][0], "stun:203.0.113.%zu", i + 1);
        (void)snprintf(texts[i][1], sizeof texts[i][1], "203.0.113.%zu:3478", i + 1);
        (void)snprintf(texts[i][2], sizeof texts[i][2], "192.0.2.7:%zu", 700 + i);
        urls[i] = texts[i][0];
    }
    make(&h, urls, SERVERS, defaults);
    for (size_t i = 0; i < SERVERS; i++) {
        (void)with(&h, texts[i][1], texts[i][2]);
    }
    floe_core_receive_packets(h.core, true);
    gather(&h);
    pass(&h, 1000);
    assert_int_equal(h.binding_count, SERVERS);
    pass(&h, 15500); /* each keeps a mapping of its own */
    assert_int_equal(h.binding_count, 2 * SERVERS);
    for (size_t i = 0; i < h.binding_count; i++) {
        floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS,
                                                  FLOE_STUN_BINDING, &h.bindings[i]);
        deliver(&h, 1, &h.servers[i % SERVERS], &writer);
        assert_false(arrived(h.core, h.now, &packet));
    }
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &none);
    deliver(&h, 1, &h.servers[0], &writer);
    assert_true(arrived(h.core, h.now, &packet));
    end(&h);
}

/* R6: what is contradicted is believed until its server was asked, which it is not while there is
 * no randomness for a request. */
static void r6_without_randomness_nothing_is_disproved(void **state)
{
    static hand h;

    (void)state;
    make(&h, stun_urls, 2, defaults);
    server *one = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    server *other = with(&h, "203.0.113.4:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, end");
    one->binding = SILENT;
    pass(&h, 14200);
    assert_int_equal(one->bindings, 2);
    uint8_t bytes[64];
    floe_address moved = address_of("192.0.2.7:701");
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &h.binding);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &moved);
    h.random.fails = true;
    deliver(&h, 1, one, &writer);
    pass(&h, 1000);
    assert_int_equal(other->bindings, 1); /* it could not be asked */
    assert_null(strstr(h.log, "- srflx"));
    h.random.fails = false;
    pass(&h, 16000);
    assert_true(other->bindings > 1);
    assert_null(strstr(h.log, "- srflx"));
    end(&h);
}

/* ── What errors say ── */

/* E1: that answers came, though not to what was asked now, is told, and the port is not doubted. */
static void e1_answers_that_come_late(void **state)
{
    static hand h;
    uint8_t bytes[64];

    (void)state;
    make(&h, stun_urls, 1, defaults);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    stun->binding = SILENT;
    gather(&h);
    pass(&h, 6000);
    assert_non_null(strstr(h.error, "is UDP port 3478 open"));
    gather(&h);
    pass(&h, 100);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &h.bindings[0]);
    deliver(&h, 1, stun, &writer);
    pass(&h, 6000);
    assert_int_equal(h.errors, 2);
    assert_non_null(strstr(h.error, "late"));
    assert_null(strstr(h.error, "open"));
    end(&h);
}

static void e1_a_server_that_answers_something_else(void **state)
{
    static hand h;

    (void)state;
    make(&h, both_urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->binding = SILENT;
    turn->allocate = REFUSES;
    gather(&h);
    pass(&h, 6000);
    assert_int_equal(h.errors, 2);
    assert_non_null(strstr(h.error, "answers other requests from here"));
    end(&h);
}

static void e1_a_server_that_answers_another_address_of_ours(void **state)
{
    static hand h;

    (void)state;
    make(&h, stun_urls, 1, defaults);
    h.two_interfaces = true;
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    stun->deaf_to = 2;
    gather(&h);
    pass(&h, 6000);
    assert_int_equal(h.errors, 1);
    assert_non_null(strstr(h.error, "answers another address of ours"));
    end(&h);
}

/* R2, L5: whose relay has a socket of its own shows by that nothing of the base's mapping: each
 * gathering asks for it. */
static void l5_a_mapping_that_was_not_to_be_had_at_first(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->strangers = 1;
    turn->binding = REFUSES;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + relay, end");
    turn->binding = ANSWERS;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ srflx, end");
    turn->bindings = 0;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "end");
    assert_int_equal(turn->bindings, 1);
    end(&h);
}

/* T7b: and one that goes on as there was no list. */
static void t7b_a_refusal_where_there_is_no_list(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    h.no_list = true;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "error, end");
    turn->refresh = turn->allocate = REFUSES;
    pass(&h, 36000); /* the second time ends it */
    read_log(&h, "- relay, error");
    assert_non_null(strstr(h.error, "403"));
    end(&h);
}

/* T7b: a relay whose server refuses it while the list of interfaces is awaited goes with a word. */
static void t7b_a_refusal_before_the_list_of_interfaces(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 14000);
    turn->refresh = turn->allocate = REFUSES; /* the second time ends it */
    pass(&h, 2000);
    *h.log = '\0';
    h.no_list = true;
    gather(&h);
    pass(&h, 3000); /* and then it is asked for anew */
    read_log(&h, "- relay, error");
    assert_non_null(strstr(h.error, "403"));
    end(&h);
}

/* E1: and if it is one of a name's addresses that does, that says nothing of the other. */
static void e1_another_address_of_the_server_that_answers(void **state)
{
    static const char *const named[] = {"stun:stun.example"};
    static const char *const places[][2] = {{"203.0.113.2:0", "203.0.113.3:0"},
                                            {"203.0.113.3:0", "203.0.113.2:0"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        static hand h;
        make(&h, named, 1, defaults);
        h.two_interfaces = true;
        server *stun = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        stun->deaf_to = 2;
        all(with(&h, "203.0.113.3:3478", "192.0.2.7:700"), SILENT);
        h.places[0] = places[i][0];
        h.places[1] = places[i][1];
        gather(&h);
        pass(&h, 6000);
        assert_int_equal(h.errors, 1);
        assert_null(strstr(h.error, "203.0.113.3 answers"));
        end(&h);
    }
}

/* E1: who had answered by TCP, and is connected with no more, is rather down than behind a closed port. */
static void e1_a_server_by_tcp_that_has_answered_before(void **state)
{
    static const char *const url[] = {"turn:203.0.113.2?transport=tcp"};
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, url);
    h.no_tcp = true;
    turn->refresh = FORGOT;
    pass(&h, 90000);
    assert_true(says(&h, "- relay, error"));
    assert_non_null(
        strstr(h.error, "203.0.113.2 has answered before, and no TCP connection comes"));
    end(&h);
    make(&h, url, 1, defaults);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    h.no_tcp = true;
    gather(&h);
    pass(&h, 6000);
    assert_non_null(strstr(h.error, "is TCP port 3478 open to 203.0.113.2?"));
    end(&h);
}

/* E1: who refuses one address of ours, and does not hear the other, is there. */
static void e1_a_refusal_is_an_answer(void **state)
{
    static const char *const url[] = {"stun:203.0.113.2"};
    static hand h;

    (void)state;
    make(&h, url, 1, defaults);
    h.two_interfaces = true;
    server *stun = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    stun->binding = REFUSES;
    stun->deaf_to = 2;
    gather(&h);
    pass(&h, 6000);
    assert_non_null(strstr(h.error, "answers another address of ours"));
    end(&h);
}

/* ── What went out ── */

static void no_trace(void *user_data, const floe_trace_event *event)
{
    (void)user_data;
    (void)event;
}

/* Every request that goes out is in the trace as it goes, that which releases a relay among them.
 */
static void on_trace_has_the_release_at_close(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.on_trace = no_trace;
    make(&h, turn_url, 1, settings);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    assert_string_equal(h.trace, "sent Allocate");
    *h.trace = '\0';
    floe_core_close(h.core, h.now);
    settle(&h);
    assert_string_equal(h.trace, "sent Refresh");
    assert_int_equal(h.servers[0].releases, 1);
    end(&h);
}

/* Of all entries: how often something was asked, and how many have failed. */
static size_t counted(const hand *h, size_t *failed)
{
    floe_gatherer_statistics *statistics = NULL;
    size_t sum = 0;

    *failed = 0;
    assert_int_equal(floe_core_get_statistics(h->core, &statistics), FLOE_OK);
    for (size_t i = 0; i < statistics->server_count; i++) {
        const floe_server_statistics *of = statistics->servers[i];
        sum += of->requests + of->retransmissions;
        *failed += of->progress == FLOE_SERVER_PROGRESS_FAILED && of->code == 701;
    }
    floe_gatherer_statistics_free(statistics);
    return sum;
}

/* E1: of a name's two addresses one is dead and the other says why: that is told, whichever is first. */
static void e1_of_two_addresses_who_answers_tells(void **state)
{
    static const char *const places[][2] = {{"203.0.113.2:0", "203.0.113.3:0"},
                                            {"203.0.113.3:0", "203.0.113.2:0"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        static hand h;
        make(&h, named_url, 1, defaults);
        all(with(&h, "203.0.113.2:3478", "192.0.2.7:700"), SILENT);
        server *refuses = with(&h, "203.0.113.3:3478", "192.0.2.7:701");
        refuses->allocate = REFUSES;
        h.places[0] = places[i][0];
        h.places[1] = places[i][1];
        gather(&h);
        pass(&h, 6000);
        assert_int_equal(h.errors, 1);
        assert_non_null(strstr(h.error, "403"));
        end(&h);
    }
}

/* L15: of an answer that comes twice, and ends nothing the first time, as anybody may have sent it. */
static void l15_an_answer_that_comes_twice(void **state)
{
    static hand h;
    floe_gatherer_statistics *statistics = NULL;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = true;
    gather(&h);
    pass(&h, 1000);
    turn->twice = true;
    turn->refresh = SAYS;
    turn->code = 401;
    pass(&h, 60000);
    assert_int_equal(floe_core_get_statistics(h.core, &statistics), FLOE_OK);
    for (size_t i = 0; i < statistics->server_count; i++) {
        assert_true(statistics->servers[i]->responses <= statistics->servers[i]->requests);
    }
    floe_gatherer_statistics_free(statistics);
    end(&h);
}

/* L15: a retransmission that is due when its server is given up, by a timer that comes late, does
 * not go out, and is in neither of the two. */
static void l15_what_was_due_and_did_not_go_out(void **state)
{
    static hand h;
    floe_settings settings = defaults;
    size_t failed;

    (void)state;
    settings.on_trace = no_trace;
    make(&h, stun_urls, 1, settings);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    stun->binding = SILENT;
    gather(&h);
    settle(&h);
    h.now = floe_time_after(h.now, floe_milliseconds(5050));
    floe_core_time(h.core, h.now);
    settle(&h);
    read_log(&h, "+ host, error, end");
    assert_int_equal(stun->bindings, 1);
    assert_int_equal(counted(&h, &failed), 1);
    assert_int_equal(failed, 1);
    assert_string_equal(h.trace, "sent Binding");
    end(&h);
}

/* L15: a relay that goes on asking when the gathering has given it up is one entry, which has
 * failed, and each packet is counted once. */
static void l15_a_relay_that_outlives_its_gathering_is_counted_once(void **state)
{
    static hand h;
    size_t failed;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    turn->refresh = FORGOT;
    turn->allocate = SILENT;
    pass(&h, 20000);
    gather(&h);
    pass(&h, 12000);
    assert_int_equal(counted(&h, &failed),
                     turn->bindings + turn->allocates + turn->refreshes + turn->releases);
    assert_int_equal(failed, 1);
    end(&h);
}

/* Its pair has no attempt any more, which would have kept the count. */
static void l15_a_relay_that_ends_behind_its_gathering_is_counted(void **state)
{
    static hand h;
    size_t failed;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->code = 403;
    gather(&h);
    pass(&h, 1000);
    turn->refresh = FORGOT;
    turn->allocate = SAYS;
    pass(&h, 80000);
    read_log(&h, "+ host, + srflx, + relay, end, - relay, error");
    assert_int_equal(counted(&h, &failed),
                     turn->bindings + turn->allocates + turn->refreshes + turn->releases);
    end(&h);
    /* Or it has another's alone, which had failed before. */
    make(&h, named_url, 1, defaults);
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "203.0.113.3:0";
    server *refuses = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    refuses->allocate = refuses->both = REFUSES;
    turn = with(&h, "203.0.113.3:3478", "192.0.2.7:701");
    gather(&h);
    pass(&h, 20000);
    assert_true(says(&h, "+ relay"));
    all(turn, REFUSES);
    turn->binding = ANSWERS;
    pass(&h, 80000);
    assert_true(says(&h, "- relay") && says(&h, "error"));
    size_t came = 0;
    for (size_t i = 0; i < h.server_count; i++) {
        came += h.servers[i].bindings + h.servers[i].allocates + h.servers[i].refreshes;
    }
    assert_int_equal(counted(&h, &failed), came);
    end(&h);
}

/* L15: an answer comes while a retransmission waits to be polled: that is over, and does not leave
 * behind it, nor is it counted. */
static void l15_what_is_answered_while_it_waits(void **state)
{
    static hand h;
    size_t failed;

    (void)state;
    for (size_t refused = 0; refused < 2; refused++) {
        make(&h, stun_urls, 1, defaults);
        server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        stun->binding = SILENT;
        gather(&h);
        pass(&h, 100);
        assert_int_equal(stun->bindings, 1);
        h.now = floe_core_deadline(h.core);
        floe_core_time(h.core, h.now);
        floe_stun_message request = {.method = FLOE_STUN_BINDING, .id = h.binding};
        if (refused) {
            refuse(&h, 1, stun, &request, 400);
        } else {
            succeed(&h, 1, stun, &request);
        }
        pass(&h, 6000);
        assert_int_equal(stun->bindings, 1);
        assert_int_equal(counted(&h, &failed), 1);
        end(&h);
    }
}

/* L15, T1: an Allocate that gives way to the other family's relay, unanswered, has not succeeded, though
 * the address has its reflexive candidate. */
static void l15_an_allocate_that_gives_way(void **state)
{
    static const char *const named[] = {"turn:turn.example"};
    static hand h;
    floe_gatherer_statistics *statistics;
    size_t unanswered = 0;

    (void)state;
    make(&h, named, 1, defaults);
    h.ipv6 = "[2001:db8:1::2]:0";
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "[2001:db8:f::2]:0";
    server *v4 = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *v6 = with(&h, "[2001:db8:f::2]:3478", "[2001:db8:1::2]:700");
    v4->allocate = v4->both = v6->allocate = v6->both = SILENT;
    gather(&h);
    pass(&h, 400);
    v6->allocate = v6->both = ANSWERS;
    pass(&h, 6000);
    assert_non_null(strstr(h.log, "+ relay"));
    assert_true(v4->allocates > 0 && v6->allocates > 0);
    assert_int_equal(floe_core_get_statistics(h.core, &statistics), FLOE_OK);
    for (size_t i = 0; i < statistics->server_count; i++) {
        const floe_server_statistics *of = statistics->servers[i];
        if (of->responses == 0) {
            unanswered++;
            assert_string_equal(of->method, "Allocate");
            assert_int_equal(of->progress, FLOE_SERVER_PROGRESS_FAILED);
        }
    }
    assert_int_equal(unanswered, 1);
    floe_gatherer_statistics_free(statistics);
    end(&h);
}

/* ── Names ── */

/* P1: under a policy that tells no hosts no name stands for one on the link, and that one is taken
 * there is nothing to tell, from the moment of gather on. */
static void p1_a_name_under_a_policy_that_tells_no_hosts(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mdns_mode = FLOE_MDNS_MODE_QUERY_AND_GATHER;
    make(&h, turn_url, 1, settings);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "publish, + host, + srflx, + relay, end");
    set_with(&h, turn_url, 1, FLOE_GATHER_POLICY_RELAY);
    h.no_list = true;
    gather(&h);
    read_log(&h, "unpublish");
    floe_core_name_taken(h.core, h.now, h.name);
    settle(&h);
    read_log(&h, "");
    h.no_list = false;
    pass(&h, 6000);
    *h.log = '\0'; /* that there was no list */
    set(&h, turn_url, 1);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "publish, + host, end");
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_answers_to_what_a_restart_has_ended),
        cmocka_unit_test(k1_answers_to_more_servers_than_a_few),
        cmocka_unit_test(r6_without_randomness_nothing_is_disproved),
        cmocka_unit_test(e1_answers_that_come_late),
        cmocka_unit_test(e1_a_server_that_answers_something_else),
        cmocka_unit_test(e1_a_server_that_answers_another_address_of_ours),
        cmocka_unit_test(e1_another_address_of_the_server_that_answers),
        cmocka_unit_test(t7b_a_refusal_before_the_list_of_interfaces),
        cmocka_unit_test(t7b_a_refusal_where_there_is_no_list),
        cmocka_unit_test(l5_a_mapping_that_was_not_to_be_had_at_first),
        cmocka_unit_test(on_trace_has_the_release_at_close),
        cmocka_unit_test(e1_a_refusal_is_an_answer),
        cmocka_unit_test(e1_a_server_by_tcp_that_has_answered_before),
        cmocka_unit_test(e1_of_two_addresses_who_answers_tells),
        cmocka_unit_test(l15_an_answer_that_comes_twice),
        cmocka_unit_test(l15_what_was_due_and_did_not_go_out),
        cmocka_unit_test(l15_a_relay_that_outlives_its_gathering_is_counted_once),
        cmocka_unit_test(l15_a_relay_that_ends_behind_its_gathering_is_counted),
        cmocka_unit_test(l15_what_is_answered_while_it_waits),
        cmocka_unit_test(l15_an_allocate_that_gives_way),
        cmocka_unit_test(p1_a_name_under_a_policy_that_tells_no_hosts),
        cmocka_unit_test(l14_a_list_that_fails_leaves_what_goes_on),
        cmocka_unit_test(l10_a_pool_that_holds_withdrawals),
        cmocka_unit_test(r6_of_two_silent_servers_either_tells),
        cmocka_unit_test(l11_a_restart_swallows_no_withdrawal),
        cmocka_unit_test(l11_one_relay_of_those_that_a_restart_finds_under_way),
        cmocka_unit_test(l11_a_loosened_policy_tells_what_is_found),
        cmocka_unit_test(p8_other_types_with_the_next_gathering),
        cmocka_unit_test(r2_a_full_server_shows_the_mapping),
        cmocka_unit_test(k1_a_peer_that_is_refused_is_told_once),
        cmocka_unit_test(k1_writable_is_of_the_way_that_was_full),
        cmocka_unit_test(k1_two_ways_that_have_room_again_are_told),
        cmocka_unit_test(k1_a_full_way_that_goes_is_told),
        cmocka_unit_test(l14_a_list_that_never_comes),
        cmocka_unit_test(l11_the_former_credentials_hold_for_a_while),
        cmocka_unit_test(l11_what_the_other_side_uses_outlives_restarts),
        cmocka_unit_test(l16_checks_by_own_credentials),
        cmocka_unit_test(k2_what_a_check_has_that_nobody_knows),
        cmocka_unit_test(k1_answers_of_our_own_are_not_the_owners),
        cmocka_unit_test(k1_what_relays_that_have_gone_have_under_way),
        cmocka_unit_test(k1_a_peer_that_never_had_its_turn),
        cmocka_unit_test(k2_a_candidate_tells_its_base),
        cmocka_unit_test(p1_a_tightened_policy_asks_and_shows_nothing),
        cmocka_unit_test(k1_a_peer_that_is_not_reached_is_told),
        cmocka_unit_test(k1_what_does_not_leave_by_a_relay_is_told),
        cmocka_unit_test(k1_what_no_permission_was_had_for_is_told),
        cmocka_unit_test(k1_nothing_goes_by_a_permission_that_is_over),
        cmocka_unit_test(k1_nothing_goes_by_a_channel_that_is_over),
        cmocka_unit_test(r5_a_bid_down_ends_nothing),
        cmocka_unit_test(k1_a_relays_server_says_that_a_peer_is_not_reached),
        cmocka_unit_test(t7b_what_its_owner_doubts_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

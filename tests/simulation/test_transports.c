/* Relays by TCP, TLS and DTLS, of both families, by redirects, and the data that goes through them
 * (T1 to T9, T4b, K1), in the simulated network. */
#include "sim.h"

#include <string.h>

static sim_report report;

static const sim_seen *run(const sim_config *config)
{
    if (!sim_run(config, NULL, &report)) {
        (void)sim_run(config, stderr, &report);
        fail_msg("%s", report.violation);
    }
    return &report.gatherers[0];
}

static size_t relays_of(const sim_seen *seen)
{
    size_t count = 0;

    for (size_t i = 0; i < seen->candidate_count; i++) {
        count +=
            seen->candidates[i].type == FLOE_CANDIDATE_TYPE_RELAY && !seen->candidates[i].withdrawn;
    }
    return count;
}

static sim_server *by(sim_config *config, floe_protocol transport, sim_temper temper)
{
    sim_config_simple(config);
    sim_server *server = sim_add_server(config, true, "203.0.113.1", temper);
    sim_server_transport(server, transport);
    return server;
}

static const floe_protocol connected[] = {FLOE_PROTOCOL_TCP, FLOE_PROTOCOL_TLS, FLOE_PROTOCOL_DTLS};

/* Round trips of 50 ms: one for the connection, and for the handshake of TLS 1.3 one, of TLS 1.2
 * two, of DTLS 1.2 with its cookie three; two for the Allocate and its challenge. */
static void t8_t9_a_relay_by_each_transport(void **state)
{
    static const struct {
        floe_protocol transport;
        bool old_tls;
        unsigned round_trips;
    } cases[] = {{FLOE_PROTOCOL_TCP, false, 3},
                 {FLOE_PROTOCOL_TLS, false, 4},
                 {FLOE_PROTOCOL_TLS, true, 5},
                 {FLOE_PROTOCOL_DTLS, true, 5}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sim_config config;
        by(&config, cases[i].transport, SIM_GOOD)->old_tls = cases[i].old_tls;
        const sim_seen *seen = run(&config);
        assert_int_equal(relays_of(seen), 1);
        assert_int_equal(seen->error_count, 0);
        assert_in_range(seen->complete_ms, cases[i].round_trips * 50,
                        cases[i].round_trips * 50 + 10);
        assert_int_equal(seen->allocations, 1);
    }
}

/* Whatever the order of their URLs. */
static void t11_udp_dtls_tcp_tls_by_priority(void **state)
{
    static const floe_protocol urls[] = {FLOE_PROTOCOL_TLS, FLOE_PROTOCOL_TCP, FLOE_PROTOCOL_DTLS,
                                         FLOE_PROTOCOL_UDP};
    static const char *const addresses[] = {"203.0.113.1", "203.0.113.2", "203.0.113.3",
                                            "203.0.113.4"};
    uint32_t priorities[FLOE_PROTOCOL_DTLS + 1] = {0};
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    for (size_t i = 0; i < 4; i++) {
        sim_server_transport(sim_add_server(&config, true, addresses[i], SIM_GOOD), urls[i]);
    }
    const sim_seen *seen = run(&config);
    assert_int_equal(relays_of(seen), 4);
    for (size_t i = 0; i < seen->candidate_count; i++) {
        const sim_seen_candidate *candidate = &seen->candidates[i];
        if (candidate->type == FLOE_CANDIDATE_TYPE_RELAY) {
            priorities[candidate->relay_protocol] = candidate->priority;
        }
    }
    assert_true(priorities[FLOE_PROTOCOL_UDP] > priorities[FLOE_PROTOCOL_DTLS]);
    assert_true(priorities[FLOE_PROTOCOL_DTLS] > priorities[FLOE_PROTOCOL_TCP]);
    assert_true(priorities[FLOE_PROTOCOL_TCP] > priorities[FLOE_PROTOCOL_TLS]);
    assert_true(priorities[FLOE_PROTOCOL_TLS] > 0);
}

static void t8_the_second_gatherer_resumes(void **state)
{
    (void)state;
    for (int old = 0; old < 2; old++) {
        sim_config config;
        by(&config, FLOE_PROTOCOL_TLS, SIM_GOOD)->old_tls = old == 1;
        config.gatherers = 2;
        (void)run(&config);
        assert_int_equal(relays_of(&report.gatherers[1]), 1);
        /* TLS 1.2 saves a round trip; TLS 1.3 saves the certificate. */
        assert_in_range(report.gatherers[1].complete_ms, 200, 210);
    }
}

/* However the network cuts the stream, with the handshake in it. */
static void t8_streams_cut_anywhere(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 64; seed++) {
        for (size_t i = 0; i < 3; i++) {
            sim_config config;
            by(&config, connected[i], SIM_GOOD);
            config.seed = seed;
            config.packets = 5;
            config.packets_ms = 7;
            const sim_seen *seen = run(&config);
            assert_int_equal(relays_of(seen), 1);
            assert_int_equal(seen->candidates[1].got, 5);
        }
    }
}

/* Whatever goes wrong: one error event, in time, and it says what. */
static void t8_each_failure_is_told_once(void **state)
{
    static const struct {
        sim_temper temper;
        const char *tcp;
        const char *tls;
        const char *dtls;
    } cases[] = {
        {SIM_SILENT, "is 203.0.113.1 a TURN server?", "no TLS handshake in 5000 ms",
         "not one packet came back from UDP port 5349 of 203.0.113.1 in 5000 ms"},
        {SIM_PORT_CLOSED, "TCP port 3478", "TCP port 5349", "UDP port 5349"},
        {SIM_GARBAGE, "", "", "no DTLS handshake"},
        {SIM_HANGS_UP, "203.0.113.1 closed the connection without an answer",
         "203.0.113.1 closed the connection during the handshake", "not one packet came back"},
        {SIM_ENDS_IN_MESSAGE, "203.0.113.1 closed the connection",
         "203.0.113.1 closed the connection", "no answer"},
        {SIM_WRONG_PASSWORD, "401", "401", "401"},
        {SIM_BID_DOWN, "PASSWORD-ALGORITHMS", "PASSWORD-ALGORITHMS", "PASSWORD-ALGORITHMS"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t k = 0; k < 3; k++) {
            sim_config config;
            const char *const texts[] = {cases[i].tcp, cases[i].tls, cases[i].dtls};
            by(&config, connected[k], cases[i].temper);
            const sim_seen *seen = run(&config);
            assert_int_equal(relays_of(seen), 0);
            assert_int_equal(seen->error_count, 1);
            assert_true(seen->errors[0].url_failed);
            if (strstr(seen->errors[0].text, texts[k]) == NULL) {
                fail_msg("\"%s\" is not in \"%s\"", texts[k], seen->errors[0].text);
            }
        }
    }
}

/* A handshake or an Allocate that hangs at every piece that the client sends. */
static void t8_hanging_at_every_flight(void **state)
{
    (void)state;
    for (uint16_t flight = 0; flight < 5; flight++) {
        for (size_t i = 0; i < 3; i++) {
            sim_config config;
            by(&config, connected[i], SIM_HANGS)->code = flight;
            const sim_seen *seen = run(&config);
            bool done = relays_of(seen) == 1;
            assert_int_equal(seen->error_count, done ? 0 : 1);
            assert_true(done ? seen->complete_ms < 5000 : seen->complete_ms == 5000);
            assert_false(done && flight < 2);
        }
    }
}

static void t8_certificates_fail_the_url_once(void **state)
{
    static const char *const texts[TLS_CERTIFICATES] = {
        [TLS_WRONG_NAME] = "/CN=other.example",
        [TLS_COMMON_NAME_ONLY] = "not for this host",
        [TLS_WRONG_CA] = "signature failure",
        [TLS_SELF_SIGNED] = "self-signed",
        [TLS_EXPIRED] = "has expired",
        [TLS_NOT_YET_VALID] = "not yet valid",
        [TLS_EMBEDDED_NUL] = "not for this host",
        [TLS_WEAK_KEY] = "too weak",
        [TLS_LONG_CHAIN] = "",
    };

    (void)state;
    for (int kind = 0; kind < TLS_CERTIFICATES; kind++) {
        for (size_t i = 1; i < 3; i++) {
            sim_config config;
            by(&config, connected[i], SIM_GOOD)->certificate = (tls_certificate)kind;
            sim_add_interface(&config, "eth1", "10.0.2.2");
            sim_add_interface(&config, "eth2", "10.0.3.2");
            const sim_seen *seen = run(&config);
            if (kind == TLS_RIGHT) {
                assert_int_equal(relays_of(seen), 3);
                continue;
            }
            assert_int_equal(relays_of(seen), 0);
            assert_int_equal(seen->error_count, 1); /* on three interfaces */
            assert_string_equal(seen->errors[0].address, "");
            assert_int_equal(seen->errors[0].code, 701);
            assert_non_null(strstr(seen->errors[0].text, texts[kind]));
        }
    }
}

/* RFC 7443: what ends TLS in front of the server may insist on a protocol of its own (ALPN): we come
 * again without any, from each address once, and the next gatherer of the api at once. */
static void t8_a_server_with_a_protocol_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 1; i < 3; i++) {
        sim_config config;
        by(&config, connected[i], SIM_GOOD)->other_protocol = true;
        sim_add_interface(&config, "eth1", "10.0.2.2");
        sim_add_interface(&config, "eth2", "10.0.3.2");
        const sim_seen *seen = run(&config);
        assert_int_equal(relays_of(seen), 3);
        assert_int_equal(seen->error_count, 0);
    }
}

static void t8_a_connection_that_breaks_gives_a_new_relay(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        sim_config config;
        by(&config, connected[i], SIM_GOOD);
        config.remap_at_ms = 2000;
        config.run_ms = 700000; /* a NAT that forgets: keepalives find it out, or the Refresh */
        const sim_seen *seen = run(&config);
        assert_int_equal(relays_of(seen), 1);
        assert_int_equal(seen->candidate_count, 3);
        assert_true(seen->candidates[1].withdrawn);
        assert_true(seen->candidates[2].at_ms < 125000);
    }
}

static void t9_dtls_outlives_loss(void **state)
{
#ifdef _WIN32
    skip(); /* OpenSSL asks the system for the time there, not the world (stream.c) */
#endif
    size_t good = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        sim_config config;
        by(&config, FLOE_PROTOCOL_DTLS, SIM_GOOD);
        config.seed = seed;
        config.loss = 100;
        config.settings.gather_timeout_ms = FLOE_NEVER;
        good += relays_of(run(&config)) == 1;
    }
    assert_true(good >= 49);
}

/* T7b: an outage of ten seconds, whenever it comes between two Refreshes or with one, costs no relay. */
static void t7b_an_outage_ends_no_relay_by_dtls(void **state)
{
#ifdef _WIN32
    skip(); /* as above */
#endif
    (void)state;
    for (uint64_t at = 14000; at <= 16000; at += 100) {
        sim_config config;
        by(&config, FLOE_PROTOCOL_DTLS, SIM_GOOD);
        config.run_ms = 70000;
        (void)sim_add_action(&config, SIM_TOGGLE, at);
        (void)sim_add_action(&config, SIM_TOGGLE, at + 10000);
        const sim_seen *seen = run(&config);
        assert_int_equal(relays_of(seen), 1);
        assert_null(strstr(seen->log, "withdrawn"));
    }
}

/* ── Families ── */

static sim_server *dual(sim_config *config, floe_protocol transport)
{
    sim_server *server = by(config, transport, SIM_GOOD);

    sim_add_interface(config, "eth0", "2a00::2");
    server->by_name = true;
    (void)strcpy(server->other_ip, "2a00:ffff::1");
    return server;
}

static void t1_the_family_that_answers_first_goes_on(void **state)
{
    (void)state;
    for (int transport = FLOE_PROTOCOL_UDP; transport <= FLOE_PROTOCOL_DTLS; transport++) {
        for (unsigned round_trip = 10; round_trip <= 410; round_trip += 50) {
            sim_config config;
            dual(&config, (floe_protocol)transport)->round_trip_ms = round_trip;
            const sim_seen *seen = run(&config);
            assert_int_equal(relays_of(seen), 1);
            assert_int_equal(seen->error_count, 0);
            assert_int_equal(seen->allocations, 1); /* nothing is left of the other */
        }
    }
}

static void t1_a_broken_family_costs_a_quarter_of_a_second(void **state)
{
    (void)state;
    for (int transport = FLOE_PROTOCOL_UDP; transport <= FLOE_PROTOCOL_DTLS; transport++) {
        for (size_t broken = 0; broken < 2; broken++) {
            sim_config config;
            dual(&config, (floe_protocol)transport)->old_tls = true;
            config.interfaces[broken].path = SIM_PATH_SWALLOWS;
            const sim_seen *seen = run(&config);
            assert_int_equal(relays_of(seen), 1);
            for (size_t i = 0; i < seen->candidate_count; i++) {
                assert_true(seen->candidates[i].at_ms <= 250 + 50 + 250 + 10);
            }
        }
    }
}

/* Whichever family's name is known first: that the other has the relay is nothing to wait for. */
static void t1_who_yields_does_not_wait(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        sim_config config;
        dual(&config, FLOE_PROTOCOL_UDP)->round_trip_ms = 1;
        config.seed = seed;
        assert_in_range(run(&config)->complete_ms, 2, 200);
    }
}

static void t1_both_families_keep_their_reflexive_candidates(void **state)
{
    sim_config config;
    size_t count = 0;

    (void)state;
    dual(&config, FLOE_PROTOCOL_UDP);
    const sim_seen *seen = run(&config);
    for (size_t i = 0; i < seen->candidate_count; i++) {
        bool srflx = seen->candidates[i].type == FLOE_CANDIDATE_TYPE_SRFLX;
        count += srflx;
        assert_true(!srflx || seen->candidates[i].at_ms < 120);
    }
    assert_int_equal(count, 2);
}

static void t5_one_allocation_has_both_families(void **state)
{
    (void)state;
    for (int transport = FLOE_PROTOCOL_UDP; transport <= FLOE_PROTOCOL_DTLS; transport++) {
        sim_config config;
        by(&config, (floe_protocol)transport, SIM_GOOD)->families = FLOE_TURN_IPV4 | FLOE_TURN_IPV6;
        config.packets = 4;
        config.packets_ms = 50;
        const sim_seen *seen = run(&config);
        assert_int_equal(relays_of(seen), 2);
        assert_int_equal(seen->allocations, 1);
        for (size_t i = 0; i < seen->candidate_count; i++) {
            assert_int_equal(seen->candidates[i].got, 4);
        }
    }
}

/* T5, W1: a coturn with one external address, of IPv4, names that for who asks for IPv6, too. What was made so is given
 * back, and coturn lets it go only a second later: from another port, or connection, it is asked for IPv4 at once. */
static void t5_an_external_address_of_the_other_family(void **state)
{
    (void)state;
    for (int transport = FLOE_PROTOCOL_UDP; transport <= FLOE_PROTOCOL_TCP; transport++) {
        sim_config config;
        sim_config_simple(&config);
        (void)snprintf(config.interfaces[0].ip, sizeof config.interfaces[0].ip, "2001:db8:1::2");
        sim_server *server = sim_add_server(&config, true, "2001:db8:2::2", SIM_GOOD);
        sim_server_transport(server, (floe_protocol)transport);
        server->families = FLOE_TURN_IPV4 | FLOE_TURN_IPV6;
        server->make = SIM_COTURN_V4_ON_V6;
        const sim_seen *seen = run(&config);
        assert_int_equal(relays_of(seen), 1);
        assert_int_equal(seen->error_count, 0);
        assert_in_range(seen->complete_ms, 100, 1200);
    }
}

static void t5_network_types_say_which(void **state)
{
    (void)state;
    for (int both = 0; both < 2; both++) {
        sim_config config;
        by(&config, FLOE_PROTOCOL_UDP, SIM_GOOD)->families = FLOE_TURN_IPV4 | FLOE_TURN_IPV6;
        config.settings.network_types = FLOE_NETWORK_TYPE_UDP4;
        config.settings.network_types |= both == 1 ? FLOE_NETWORK_TYPE_UDP6 : 0;
        assert_int_equal(relays_of(run(&config)), both + 1);
    }
}

/* ── How requests are signed (T3) ── */

/* T7: the way to the server is broken for longer than one try takes: it is tried again and again.
 */
static void t7_a_relay_that_cannot_be_had_again_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        sim_config config;
        by(&config, connected[i], SIM_GOOD);
        config.remap_at_ms = 5000;
        config.run_ms = 1300000;
        (void)sim_add_action(&config, SIM_SEND, 5100); /* finds out, where it is a stream */
        sim_add_action(&config, SIM_TOGGLE, 5120)->value = 0;
        sim_add_action(&config, SIM_TOGGLE, 900000)->value = 0;
        const sim_seen *seen = run(&config);
        assert_int_equal(relays_of(seen), 1);
        assert_int_equal(seen->error_count, 1); /* told once that it can't be had */
    }
}

/* T12, RFC 6062: the owner connects by the active candidate, and is connected to at the passive one
 * once it has let the peer in. A server that has none of it costs nothing but the question. */
/* H1, T12: where nobody gathers UDP, servers are asked by TCP alone, for relays for TCP. */
static void t12_tcp_alone(void **state)
{
    (void)state;
    for (int transport = FLOE_PROTOCOL_UDP; transport <= FLOE_PROTOCOL_DTLS; transport++) {
        bool stream = transport == FLOE_PROTOCOL_TCP || transport == FLOE_PROTOCOL_TLS;
        size_t count[3] = {0};
        sim_config config;
        by(&config, (floe_protocol)transport, SIM_GOOD)->tcp = true;
        config.settings.network_types = FLOE_NETWORK_TYPE_TCP4;
        config.packets = 4;
        config.packets_ms = 300;
        const sim_seen *seen = run(&config);
        for (size_t i = 0; i < seen->candidate_count; i++) {
            const sim_seen_candidate *candidate = &seen->candidates[i];
            count[candidate->tcp_type] += candidate->type == FLOE_CANDIDATE_TYPE_RELAY;
            assert_int_not_equal(candidate->tcp_type, FLOE_TCP_TYPE_NONE);
            if (candidate->tcp_type == FLOE_TCP_TYPE_ACTIVE) {
                assert_int_equal(candidate->got, 4);
            }
        }
        assert_int_equal(count[FLOE_TCP_TYPE_ACTIVE], stream ? 1 : 0);
        assert_int_equal(count[FLOE_TCP_TYPE_PASSIVE], stream ? 1 : 0);
        assert_int_equal(seen->error_count, 0);
        assert_int_equal(seen->allocations, stream ? 1 : 0);
    }
}

static void t12_relays_for_tcp(void **state)
{
    (void)state;
    for (int transport = FLOE_PROTOCOL_UDP; transport <= FLOE_PROTOCOL_DTLS; transport++) {
        for (int offered = 0; offered < 2; offered++) {
            bool stream = transport == FLOE_PROTOCOL_TCP || transport == FLOE_PROTOCOL_TLS;
            size_t active = 0;
            size_t passive = 0;
            sim_config config;
            by(&config, (floe_protocol)transport, SIM_GOOD)->tcp = offered == 1;
            config.settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4;
            config.packets = 4;
            config.packets_ms = 300;
            const sim_seen *seen = run(&config);
            for (size_t i = 0; i < seen->candidate_count; i++) {
                const sim_seen_candidate *candidate = &seen->candidates[i];
                if (candidate->type != FLOE_CANDIDATE_TYPE_RELAY) {
                    continue;
                }
                if (candidate->tcp_type == FLOE_TCP_TYPE_ACTIVE) {
                    active++;
                    assert_int_equal(candidate->port, 9);
                    assert_int_equal(candidate->sent, 4);
                    assert_int_equal(candidate->got, 4);
                } else if (candidate->tcp_type == FLOE_TCP_TYPE_PASSIVE) {
                    passive++;
                    assert_int_equal(candidate->got, 1); /* what the peer says first */
                }
            }
            assert_int_equal(active, stream && offered == 1 ? 1 : 0);
            assert_int_equal(passive, active);
            assert_int_equal(seen->error_count, 0);
            assert_int_equal(seen->allocations, 1 + active);
        }
    }
}

/* T10: the address goes, another is there: the relay stays as it is, and data with it. Of a server
 * that does not move allocations it is another relay. */
static void t10_a_relay_outlives_its_address(void **state)
{
    (void)state;
    for (int transport = FLOE_PROTOCOL_UDP; transport <= FLOE_PROTOCOL_DTLS; transport++) {
        for (int mobile = 0; mobile < 2; mobile++) {
            sim_config config;
            by(&config, (floe_protocol)transport, SIM_GOOD)->mobile = mobile == 1;
            sim_add_interface(&config, "wlan0", "10.0.2.2")->up = false;
            config.settings.mobility = true;
            config.run_ms = 60000;
            sim_add_action(&config, SIM_TOGGLE, 3000)->value = 0; /* the first goes, */
            sim_add_action(&config, SIM_TOGGLE, 3000)->value = 1; /* the second comes */
            (void)sim_add_action(&config, SIM_GATHER, 3001);
            (void)sim_add_action(&config, SIM_SEND, 9000);
            const sim_seen *seen = run(&config);
            size_t told = 0;
            size_t withdrawn = 0;
            for (size_t i = 0; i < seen->candidate_count; i++) {
                bool relay = seen->candidates[i].type == FLOE_CANDIDATE_TYPE_RELAY;
                told += relay;
                withdrawn += relay && seen->candidates[i].withdrawn;
                if (relay && !seen->candidates[i].withdrawn) {
                    assert_int_equal(seen->candidates[i].sent, 1);
                    assert_int_equal(seen->candidates[i].got, 1);
                }
            }
            assert_int_equal(told, mobile == 1 ? 1 : 2);
            assert_int_equal(withdrawn, mobile == 1 ? 0 : 1);
            if (mobile == 1) { /* else the old one cannot be released: its address is gone */
                assert_int_equal(seen->allocations, 1);
            }
            assert_int_equal(seen->error_count, 0);
            assert_int_equal(seen->ends, 2);
        }
    }
}

static void t3_sha256_and_user_hashes_all_the_way(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        sim_config config;
        sim_server *server = by(&config, FLOE_PROTOCOL_UDP, SIM_GOOD);
        server->sha256 = (kind & 1) != 0;
        server->anonymous = (kind & 2) != 0;
        server->lifetime = 100;
        config.gatherers = 2;
        config.run_ms = 600000;
        config.packets = 3;
        config.packets_ms = 100;
        const sim_seen *seen = run(&config);
        assert_int_equal(relays_of(seen), 1);
        assert_int_equal(relays_of(&report.gatherers[1]), 1);
        assert_int_equal(seen->error_count, 0);
    }
}

/* ── Redirects (T4, T4b) ── */

/* The one that needs nine is given up: eight are the most. */
static void t4_eight_redirects_are_followed(void **state)
{
    (void)state;
    for (int transport = FLOE_PROTOCOL_UDP; transport <= FLOE_PROTOCOL_DTLS; transport++) {
        sim_config config;
        sim_config_simple(&config);
        for (unsigned i = 0; i < SIM_SERVERS_MAX; i++) {
            char ip[48];
            (void)snprintf(ip, sizeof ip, "203.0.113.%u", i + 1);
            bool last = i == SIM_SERVERS_MAX - 1;
            sim_server *server = sim_add_server(&config, true, ip, last ? SIM_GOOD : SIM_REDIRECTS);
            sim_server_transport(server, (floe_protocol)transport);
            server->redirect = i + 2;
        }
        config.settings.straggler_grace_ms = 5000;
        const sim_seen *seen = run(&config);
        assert_int_equal(relays_of(seen), SIM_SERVERS_MAX - 1);
        assert_int_equal(seen->error_count, 1);
        assert_non_null(strstr(seen->errors[0].text, "eight times"));
    }
}

static void t4_redirects_that_lead_nowhere(void **state)
{
    static const struct {
        unsigned first;
        unsigned second;
        const char *text;
    } cases[] = {
        {1, 0, "back to where we have been"}, /* itself */
        {0, 0, "an impossible address"},      /* 127.0.0.1 */
        {2, 1, "back to where we have been"}, /* there and back */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sim_config config;
        by(&config, FLOE_PROTOCOL_UDP, SIM_REDIRECTS)->redirect = cases[i].first;
        if (cases[i].second != 0) {
            sim_add_server(&config, true, "203.0.113.2", SIM_REDIRECTS)->redirect = cases[i].second;
        }
        const sim_seen *seen = run(&config);
        assert_int_equal(relays_of(seen), 0);
        assert_int_equal(seen->error_count, config.server_count);
        assert_non_null(strstr(seen->errors[0].text, cases[i].text));
    }
}

/* What the alternate server does not do is not told as the fault of who named it. */
static void e1_an_alternate_server_that_is_silent(void **state)
{
    sim_config config;

    (void)state;
    by(&config, FLOE_PROTOCOL_UDP, SIM_REDIRECTS)->redirect = 2;
    sim_add_server(&config, false, "203.0.113.9", SIM_SILENT);
    const sim_seen *seen = run(&config);
    assert_int_equal(relays_of(seen), 0);
    bool told = false;
    for (size_t i = 0; i < seen->error_count; i++) {
        const char *text = seen->errors[i].text;
        told |= strstr(text, "no answer") != NULL && strstr(text, "open to 203.0.113.9?") != NULL &&
                strstr(text, "(203.0.113.1 sent us there: 300)") != NULL;
    }
    assert_true(told);
}

/* Two URLs of one server, and one port only: the allocation that is there is ours, and stays. */
static void t6_our_own_allocation_is_no_strangers(void **state)
{
    sim_config config;

    (void)state;
    by(&config, FLOE_PROTOCOL_UDP, SIM_GOOD);
    sim_add_server(&config, true, "203.0.113.2", SIM_REDIRECTS)->redirect = 1;
    config.settings.port_min = config.settings.port_max = 5000;
    const sim_seen *seen = run(&config);
    assert_int_equal(relays_of(seen), 1);
    assert_int_equal(seen->allocations, 1);
    assert_int_equal(seen->error_count, 1);
    config.settings.port_max = 5001;
    seen = run(&config);
    assert_int_equal(relays_of(seen), 2);
    assert_int_equal(seen->error_count, 0);
}

/* ── Data (K1) ── */

/* Two relays on one server by two URLs, on two sockets as it has them by their 5-tuples: both move
 * to another address, where each has a socket of its own again. */
static void t10_two_relays_of_one_server_move(void **state)
{
    (void)state;
    sim_config config;
    by(&config, FLOE_PROTOCOL_UDP, SIM_GOOD)->mobile = true;
    sim_add_server(&config, true, "203.0.113.2", SIM_REDIRECTS)->redirect = 1;
    sim_add_interface(&config, "wlan0", "10.0.2.2")->up = false;
    config.settings.mobility = true;
    config.run_ms = 60000;
    sim_add_action(&config, SIM_TOGGLE, 3000)->value = 0; /* the first goes, */
    sim_add_action(&config, SIM_TOGGLE, 3000)->value = 1; /* the second comes */
    (void)sim_add_action(&config, SIM_GATHER, 3001);
    (void)sim_add_action(&config, SIM_SEND, 30000);
    const sim_seen *seen = run(&config);
    assert_int_equal(relays_of(seen), 2);
    for (size_t i = 0; i < seen->candidate_count; i++) {
        if (seen->candidates[i].type == FLOE_CANDIDATE_TYPE_RELAY) {
            assert_false(seen->candidates[i].withdrawn);
            assert_int_equal(seen->candidates[i].got, 1);
        }
    }
    assert_int_equal(seen->allocations, 2);
    assert_int_equal(seen->error_count, 0);
}

/* The redirected Allocate is given up unanswered; what stands on its 5-tuple is the other URL's. */
static void t6_giving_up_does_not_delete_our_own(void **state)
{
    sim_config config;

    (void)state;
    by(&config, FLOE_PROTOCOL_UDP, SIM_GOOD)->round_trip_ms = 400;
    sim_add_server(&config, true, "203.0.113.2", SIM_REDIRECTS)->redirect = 1;
    config.settings.gather_timeout_ms = 850;
    const sim_seen *seen = run(&config);
    assert_int_equal(relays_of(seen), 1);
    assert_int_equal(seen->error_count, 1);
    assert_int_equal(seen->allocations, 1);
}

/* Two Allocates of one socket are under way to one server when the gatherer is closed, one of them
 * by a redirect: at whatever moment that is, nothing is left there (check.c). */
static void l7_closed_while_two_lead_to_one_server(void **state)
{
    (void)state;
    for (uint64_t ms = 1; ms < 250; ms++) {
        sim_config config;
        by(&config, FLOE_PROTOCOL_UDP, SIM_GOOD)->round_trip_ms = 45;
        sim_server *server = sim_add_server(&config, true, "203.0.113.2", SIM_REDIRECTS);
        server->redirect = 1;
        server->round_trip_ms = 1;
        config.close_at_ms = ms;
        const sim_seen *seen = run(&config);
        assert_true(ms < 240 || relays_of(seen) == 2); /* until both have theirs */
    }
}

/* Likewise when new options take one of the URLs away, and its Allocate is given up: if that made
 * the allocation, the other, which is refused then, deletes it. */
static void l7_one_url_goes_while_two_lead_to_one_server(void **state)
{
    (void)state;
    for (uint64_t ms = 1; ms < 250; ms++) {
        sim_config config;
        by(&config, FLOE_PROTOCOL_UDP, SIM_GOOD)->round_trip_ms = 45;
        sim_server *server = sim_add_server(&config, true, "203.0.113.2", SIM_REDIRECTS);
        server->redirect = 1;
        server->round_trip_ms = 1;
        (void)sim_add_action(&config, SIM_RESTART, ms);
        sim_add_action(&config, SIM_SET_OPTIONS, ms)->value = 2; /* the one that redirects */
        (void)sim_add_action(&config, SIM_GATHER, ms);
        assert_int_equal(relays_of(run(&config)) % 2, 1); /* those before the restart, and it */
    }
}

/* T12: a relay for TCP that is under way at a restart belongs to the gathering behind it. */
static void l4_a_restart_before_the_relay_for_tcp(void **state)
{
    (void)state;
    for (uint64_t ms = 1; ms < 250; ms++) {
        sim_config config;
        by(&config, FLOE_PROTOCOL_TCP, SIM_GOOD)->tcp = true;
        config.settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4;
        (void)sim_add_action(&config, SIM_RESTART, ms);
        (void)sim_add_action(&config, SIM_GATHER, ms + 10);
        const sim_seen *seen = run(&config);
        assert_int_equal(seen->state, FLOE_GATHERER_STATE_CLOSED);
        assert_true(relays_of(seen) >= 2); /* for UDP, and for TCP */
    }
}

static void k1_packets_come_back_on_every_candidate(void **state)
{
    (void)state;
    for (int transport = FLOE_PROTOCOL_UDP; transport <= FLOE_PROTOCOL_DTLS; transport++) {
        sim_config config;
        by(&config, (floe_protocol)transport, SIM_GOOD);
        sim_add_server(&config, false, "203.0.113.2", SIM_GOOD);
        config.run_ms = 2000000;
        config.packets = 1500; /* for longer than a channel lasts */
        config.packets_ms = 1000;
        const sim_seen *seen = run(&config);
        assert_int_equal(seen->candidate_count, 3);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(seen->candidates[i].sent, 1500);
            assert_int_equal(seen->candidates[i].got, 1500);
        }
    }
}

/* T10: a peer that is first sent to while the relay's connection is made anew has its permission as
 * soon as that is there, and not when a transaction would have given up. */
static void t10_a_peer_first_sent_to_under_way(void **state)
{
    (void)state;
    for (int transport = FLOE_PROTOCOL_UDP; transport <= FLOE_PROTOCOL_DTLS; transport++) {
        for (uint64_t ms = 3001; ms < 3200; ms += 7) {
            sim_config config;
            by(&config, (floe_protocol)transport, SIM_GOOD)->mobile = true;
            sim_add_interface(&config, "wlan0", "10.0.2.2")->up = false;
            config.settings.mobility = true;
            config.run_ms = 12000;
            sim_add_action(&config, SIM_TOGGLE, 3000)->value = 0;
            sim_add_action(&config, SIM_TOGGLE, 3000)->value = 1;
            (void)sim_add_action(&config, SIM_GATHER, 3001);
            (void)sim_add_action(&config, SIM_SEND, ms);
            (void)sim_add_action(&config, SIM_SEND, 8000);
            const sim_seen *seen = run(&config);
            for (size_t i = 0; i < seen->candidate_count; i++) {
                bool relay = seen->candidates[i].type == FLOE_CANDIDATE_TYPE_RELAY;
                assert_true(!relay || seen->candidates[i].got > 0);
            }
        }
    }
}

/* Relays for TCP, with peers that come and go, and relays that move to another address. */
static void with_all_of_it(sim_config *config, floe_protocol transport)
{
    by(config, transport, SIM_GOOD)->tcp = true;
    config->servers[0].mobile = true;
    sim_add_interface(config, "wlan0", "10.0.2.2")->up = false;
    config->settings.mobility = true;
    config->settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4;
    config->packets = 3;
    config->packets_ms = 10;
    sim_add_action(config, SIM_TOGGLE, 900)->value = 0;
    sim_add_action(config, SIM_TOGGLE, 900)->value = 1;
    (void)sim_add_action(config, SIM_GATHER, 901);
    (void)sim_add_action(config, SIM_SEND, 1500);
    config->run_ms = 7000;
}

static void close_at_every_millisecond(void **state)
{
    (void)state;
    for (int transport = FLOE_PROTOCOL_TCP; transport <= FLOE_PROTOCOL_DTLS; transport++) {
        for (uint64_t ms = 1; ms < 300; ms += 3) {
            sim_config config;
            dual(&config, (floe_protocol)transport);
            config.close_at_ms = ms;
            const sim_seen *seen = run(&config);
            assert_true(ms > 1 || relays_of(seen) == 0);
            assert_true(ms < 298 || relays_of(seen) > 0);
        }
        for (uint64_t ms = 150; ms < 1700; ms += 7) {
            sim_config config;
            with_all_of_it(&config, (floe_protocol)transport);
            config.close_at_ms = ms;
            const sim_seen *seen = run(&config);
            assert_true(ms < 400 || relays_of(seen) > 0);
        }
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (int transport = FLOE_PROTOCOL_TCP; transport <= FLOE_PROTOCOL_DTLS; transport++) {
        sim_config config;
        dual(&config, (floe_protocol)transport);
        config.packets = 2;
        config.packets_ms = 10;
        config.run_ms = 7000;
        assert_true(relays_of(run(&config)) > 0);
        size_t all = report.allocations;
        for (size_t n = 1; n <= all; n++) {
            config.fail_at = n;
            (void)run(&config);
        }
    }
    for (int transport = FLOE_PROTOCOL_UDP; transport <= FLOE_PROTOCOL_DTLS; transport++) {
        sim_config config;
        with_all_of_it(&config, (floe_protocol)transport);
        assert_true(relays_of(run(&config)) > 0);
        size_t all = report.allocations;
        for (size_t n = 1; n <= all; n++) {
            config.fail_at = n;
            (void)run(&config);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t8_t9_a_relay_by_each_transport),
        cmocka_unit_test(t11_udp_dtls_tcp_tls_by_priority),
        cmocka_unit_test(t8_the_second_gatherer_resumes),
        cmocka_unit_test(t8_streams_cut_anywhere),
        cmocka_unit_test(t8_each_failure_is_told_once),
        cmocka_unit_test(t8_hanging_at_every_flight),
        cmocka_unit_test(t8_certificates_fail_the_url_once),
        cmocka_unit_test(t8_a_server_with_a_protocol_of_its_own),
        cmocka_unit_test(t8_a_connection_that_breaks_gives_a_new_relay),
        cmocka_unit_test(t9_dtls_outlives_loss),
        cmocka_unit_test(t7b_an_outage_ends_no_relay_by_dtls),
        cmocka_unit_test(t1_the_family_that_answers_first_goes_on),
        cmocka_unit_test(t1_a_broken_family_costs_a_quarter_of_a_second),
        cmocka_unit_test(t1_both_families_keep_their_reflexive_candidates),
        cmocka_unit_test(t1_who_yields_does_not_wait),
        cmocka_unit_test(t5_one_allocation_has_both_families),
        cmocka_unit_test(t5_an_external_address_of_the_other_family),
        cmocka_unit_test(t5_network_types_say_which),
        cmocka_unit_test(t7_a_relay_that_cannot_be_had_again_at_once),
        cmocka_unit_test(t12_relays_for_tcp),
        cmocka_unit_test(t12_tcp_alone),
        cmocka_unit_test(t10_a_relay_outlives_its_address),
        cmocka_unit_test(t10_a_peer_first_sent_to_under_way),
        cmocka_unit_test(t3_sha256_and_user_hashes_all_the_way),
        cmocka_unit_test(t4_eight_redirects_are_followed),
        cmocka_unit_test(t4_redirects_that_lead_nowhere),
        cmocka_unit_test(e1_an_alternate_server_that_is_silent),
        cmocka_unit_test(t10_two_relays_of_one_server_move),
        cmocka_unit_test(t6_our_own_allocation_is_no_strangers),
        cmocka_unit_test(t6_giving_up_does_not_delete_our_own),
        cmocka_unit_test(l7_closed_while_two_lead_to_one_server),
        cmocka_unit_test(l7_one_url_goes_while_two_lead_to_one_server),
        cmocka_unit_test(l4_a_restart_before_the_relay_for_tcp),
        cmocka_unit_test(k1_packets_come_back_on_every_candidate),
        cmocka_unit_test(close_at_every_millisecond),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("transports", tests, NULL, NULL);
}

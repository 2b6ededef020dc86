/* The rules of docs/rules.md in the simulated network, one situation a test. */
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

static size_t count_of(const sim_seen *seen, floe_candidate_type type)
{
    size_t count = 0;

    for (size_t i = 0; i < seen->candidate_count; i++) {
        count += seen->candidates[i].type == type;
    }
    return count;
}

static const sim_seen_candidate *first_of(const sim_seen *seen, floe_candidate_type type)
{
    for (size_t i = 0; i < seen->candidate_count; i++) {
        if (seen->candidates[i].type == type) {
            return &seen->candidates[i];
        }
    }
    fail_msg("no candidate of type %d", (int)type);
    return NULL;
}

#define HOST FLOE_CANDIDATE_TYPE_HOST
#define SRFLX FLOE_CANDIDATE_TYPE_SRFLX
#define RELAY FLOE_CANDIDATE_TYPE_RELAY

/* ── Life ── */

static void l4_all_three_kinds_come(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, false, "203.0.113.1", SIM_GOOD);
    sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
    const sim_seen *seen = run(&config);
    assert_int_equal(count_of(seen, HOST), 1);
    assert_int_equal(count_of(seen, SRFLX), 1);
    assert_int_equal(count_of(seen, RELAY), 1);
    assert_int_equal(seen->error_count, 0);
    assert_in_range(first_of(seen, SRFLX)->at_ms, 50, 60);
    assert_in_range(seen->complete_ms, 100, 110);
    assert_string_equal(first_of(seen, SRFLX)->related, "10.0.1.2");
}

/* No adapter at all. */
static void l4_without_an_interface_it_is_complete_at_once(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    config.interface_count = 0;
    sim_add_server(&config, false, "203.0.113.1", SIM_GOOD);
    sim_add_server(&config, true, "203.0.113.2", SIM_NAME_UNKNOWN);
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->candidate_count, 0);
    assert_int_equal(seen->error_count, 0);
    assert_int_equal(seen->ends, 1);
    assert_int_equal(seen->complete_ms, 0);
}

/* Close at every step of a gathering; the invariants of check.c do the asserting. */
static void l7_close_at_every_millisecond(void **state)
{
    sim_config config;

    (void)state;
    for (uint64_t ms = 1; ms < 200; ms++) {
        sim_config_simple(&config);
        sim_add_interface(&config, "eth1", "2a00::2");
        sim_add_server(&config, false, "203.0.113.1", SIM_GOOD);
        sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
        sim_add_server(&config, true, "203.0.113.3", SIM_MISMATCH)->by_name = true;
        sim_add_server(&config, true, "2a00::9", SIM_GOOD);
        config.close_at_ms = ms;
        const sim_seen *seen = run(&config);
        /* From before the first request to behind the last answer. */
        assert_true(ms > 1 || count_of(seen, FLOE_CANDIDATE_TYPE_SRFLX) == 0);
        assert_true(ms < 10 || count_of(seen, FLOE_CANDIDATE_TYPE_HOST) == 2);
        assert_true(ms < 199 || (count_of(seen, FLOE_CANDIDATE_TYPE_SRFLX) == 2 &&
                                 count_of(seen, FLOE_CANDIDATE_TYPE_RELAY) > 1));
    }
}

/* T1, R2: one relay for both families of an interface; the other family's address is asked what the
 * NAT shows all the same, at the server's second address too if nobody is at the first. */
static void t1_who_yields_still_asks_what_the_nat_shows(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    (void)snprintf(config.interfaces[0].name, sizeof config.interfaces[0].name, "eth0");
    sim_add_interface(&config, "eth0", "2a00::2")->mapping = SIM_NAT_NONE;
    sim_server *server = sim_add_server(&config, true, "203.0.113.1", SIM_GOOD);
    server->by_name = true;
    (void)snprintf(server->first_ip, sizeof server->first_ip, "203.0.113.100");
    (void)snprintf(server->other_ip, sizeof server->other_ip, "2a00:ffff::1");
    config.settings.straggler_grace_ms = 20000;
    config.settings.gather_timeout_ms = 20000;
    const sim_seen *seen = run(&config);
    assert_int_equal(count_of(seen, RELAY), 1);
    assert_int_equal(count_of(seen, SRFLX), 1);
    assert_int_equal(seen->error_count, 0);
    assert_in_range(seen->complete_ms, 100, 1000);
}

/* E2: the look-up for the one family that we have is cut short, the other's was answered: that is a
 * failure of ours, and not a name that does not apply. check.c asserts. */
static void e2_a_look_up_that_is_cut_short(void **state)
{
    sim_config config;

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        for (uint32_t ms = 1; ms < 60; ms += 3) {
            sim_config_simple(&config);
            config.seed = seed;
            sim_interface *ipv6 = sim_add_interface(&config, "eth1", "2a00::2");
            ipv6->open_failures = 2;
            ipv6->open_error = FLOE_ERR_SYSTEM;
            sim_server *server = sim_add_server(&config, false, "203.0.113.1", SIM_SILENT);
            server->by_name = true;
            (void)snprintf(server->other_ip, sizeof server->other_ip, "2a00:ffff::1");
            config.settings.gather_timeout_ms = ms;
            (void)run(&config);
        }
    }
}

/* ── L14: it never stalls ── */

static void l14_a_dead_stun_server_costs_the_grace(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, false, "203.0.113.1", SIM_SILENT);
    sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
    const sim_seen *seen = run(&config);
    assert_int_equal(count_of(seen, SRFLX), 1);
    assert_int_equal(count_of(seen, RELAY), 1);
    assert_int_equal(seen->error_count, 1);
    assert_true(seen->errors[0].url_failed);
    assert_int_equal(seen->errors[0].code, 701);
    assert_in_range(seen->complete_ms, 600, 610);
}

static void l14_a_dead_turn_server_alone_costs_the_timeout(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, false, "203.0.113.1", SIM_GOOD);
    sim_add_server(&config, true, "203.0.113.2", SIM_SILENT);
    assert_in_range(run(&config)->complete_ms, 5000, 5000);
    config.settings.gather_timeout_ms = 1234;
    assert_in_range(run(&config)->complete_ms, 1234, 1234);
}

static void l14_closed_ports_end_it_in_one_round_trip(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, false, "203.0.113.1", SIM_PORT_CLOSED);
    sim_add_server(&config, true, "203.0.113.2", SIM_PORT_CLOSED);
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->error_count, 2);
    assert_in_range(seen->complete_ms, 50, 70);
    assert_non_null(strstr(seen->errors[0].text, "port 3478"));
}

/* A VPN that swallows packets, a broken IPv6 path. */
static void l14_a_path_that_swallows_packets_costs_the_grace(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_interface(&config, "tun0", "10.8.0.2")->path = SIM_PATH_SWALLOWS;
    sim_add_interface(&config, "eth0", "2a00::2")->path = SIM_PATH_SWALLOWS;
    sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
    sim_add_server(&config, true, "2a00::9", SIM_GOOD);
    const sim_seen *seen = run(&config);
    assert_int_equal(count_of(seen, RELAY), 1);
    assert_int_equal(seen->error_count, 2);
    assert_true(seen->complete_ms < 650);
}

static void l14_no_route_ends_a_pair_at_once(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    config.interfaces[0].path = SIM_PATH_NO_ROUTE;
    sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->error_count, 1);
    assert_true(seen->complete_ms < 10);
}

static void l14_a_silent_name_server_costs_the_grace(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, false, "203.0.113.1", SIM_NAME_SILENT);
    sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->error_count, 1);
    assert_string_equal(seen->errors[0].address, "");
    assert_true(seen->complete_ms < 650);
}

static void l14_never_means_until_the_transactions_end(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    config.settings.gather_timeout_ms = FLOE_NEVER;
    sim_add_server(&config, false, "203.0.113.1", SIM_SILENT);
    const sim_seen *seen = run(&config);
    assert_in_range(seen->complete_ms, 39500, 39500);
    assert_int_equal(seen->packets_sent_at_complete, 7);
    assert_non_null(strstr(seen->errors[0].text, "7 packets"));
}

/* Many bases under slow pacing: nobody is called silent who has not been asked. */
static void l14_the_grace_waits_for_the_pacing(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    config.settings.pacing_ms = 200;
    for (int i = 2; i < 6; i++) {
        char ip[16];
        (void)snprintf(ip, sizeof ip, "10.0.%d.2", i);
        sim_add_interface(&config, "eth1", ip);
    }
    sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
    sim_add_server(&config, false, "203.0.113.3", SIM_GOOD);
    const sim_seen *seen = run(&config);
    assert_int_equal(count_of(seen, RELAY), 5);
    assert_int_equal(seen->error_count, 0);
}

/* ── Servers ── */
static void s6_names_with_one_family_or_none(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_interface(&config, "eth0", "2a00::2");
    sim_add_server(&config, false, "203.0.113.1", SIM_GOOD)->by_name = true;
    sim_add_server(&config, false, "2a00::9", SIM_GOOD)->by_name = true;
    sim_add_server(&config, false, "203.0.113.2", SIM_NAME_UNKNOWN);
    const sim_seen *seen = run(&config);
    assert_int_equal(count_of(seen, SRFLX), 2);
    assert_int_equal(seen->error_count, 1);
    assert_non_null(strstr(seen->errors[0].text, "server2.sim.example"));
    assert_true(seen->errors[0].url_failed);
}

/* S6: all addresses of a name are tried, a quarter of a second apart, or at once after an error. */
static void s6_the_second_address_of_a_name_serves(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_server *server = sim_add_server(&config, true, "203.0.113.1", SIM_GOOD);
    server->by_name = true;
    (void)snprintf(server->first_ip, sizeof server->first_ip, "203.0.113.200");
    const sim_seen *seen = run(&config);
    assert_int_equal(count_of(seen, RELAY), 1);
    assert_int_equal(count_of(seen, SRFLX), 1);
    assert_int_equal(seen->error_count, 0);
    assert_in_range(first_of(seen, RELAY)->at_ms, 350, 420);
    assert_in_range(seen->complete_ms, 350, 420); /* the first is not waited for any more */
    server->first_closed = true;
    seen = run(&config);
    assert_int_equal(seen->error_count, 0);
    assert_in_range(first_of(seen, RELAY)->at_ms, 150, 220);
    server->temper = SIM_SILENT;
    seen = run(&config);
    assert_int_equal(seen->error_count, 1);
    assert_true(seen->errors[0].url_failed);
}

/* Harmless things are no errors. */
static void e2_a_server_of_the_other_family_is_no_error(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, false, "2a00::9", SIM_GOOD);
    sim_add_server(&config, true, "2a00::a", SIM_GOOD)->by_name = true;
    assert_int_equal(run(&config)->error_count, 0);
}

static void s2_wrong_password_is_one_401_and_no_loop(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, true, "203.0.113.1", SIM_WRONG_PASSWORD);
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->error_count, 1);
    assert_int_equal(seen->errors[0].code, 401);
    assert_true(seen->packets_sent_at_complete <= 3); /* Allocate, Binding, Allocate */
}

/* ── Policy ── */

/* P1's "nowhere", which check.c looks for in every text. */
static void p1_policies(void **state)
{
    static const size_t expected[3][3] = {{1, 1, 1}, {0, 1, 1}, {0, 0, 1}};

    (void)state;
    for (int policy = 0; policy < 3; policy++) {
        sim_config config;
        sim_config_simple(&config);
        config.policy = (floe_gather_policy)policy;
        sim_add_server(&config, false, "203.0.113.1", SIM_GOOD);
        sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
        sim_add_server(&config, true, "203.0.113.3", SIM_PORT_CLOSED);
        const sim_seen *seen = run(&config);
        assert_int_equal(count_of(seen, HOST), expected[policy][0]);
        assert_int_equal(count_of(seen, SRFLX), expected[policy][1]);
        assert_int_equal(count_of(seen, RELAY), expected[policy][2]);
        assert_int_equal(seen->error_count, 1);
        if (policy != FLOE_GATHER_POLICY_ALL) {
            assert_string_equal(seen->errors[0].address, "");
        }
        if (policy == FLOE_GATHER_POLICY_NOHOST) {
            assert_string_equal(first_of(seen, SRFLX)->related, "0.0.0.0");
            assert_int_equal(first_of(seen, SRFLX)->related_port, 9);
        }
        if (policy == FLOE_GATHER_POLICY_RELAY) {
            assert_string_equal(first_of(seen, RELAY)->related, "0.0.0.0");
            assert_int_equal(first_of(seen, RELAY)->related_port, 9);
        }
    }
}

/* Without a NAT the reflexive address is the host's: under nohost it must not come out. */
static void p1_nohost_without_nat_shows_no_host(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    config.policy = FLOE_GATHER_POLICY_NOHOST;
    config.interfaces[0].mapping = SIM_NAT_NONE;
    sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->candidate_count, 1);
    assert_string_equal(first_of(seen, RELAY)->related, "0.0.0.0");
}

typedef struct address_row {
    const char *ip;
    bool flags[4]; /* up, temporary, deprecated, tentative */
    bool loopback; /* asked for */
    bool link_local;
    size_t hosts;
} address_row;

/* P3, P4 */
static void p4_which_addresses_are_used(void **state)
{
    static const address_row rows[] = {
        {"10.0.0.1", {true}, false, false, 1},
        {"10.0.0.1", {false}, false, false, 0},
        {"10.0.0.1", {true, false, true}, false, false, 1}, /* there is no other */
        {"10.0.0.1", {true, false, false, true}, false, false, 0},
        {"127.0.0.1", {true}, false, false, 0},
        {"127.0.0.1", {true}, true, false, 1},
        {"::1", {true}, false, false, 0},
        {"::1", {true}, true, false, 1},
        {"169.254.9.9", {true}, false, false, 1},
        {"fe80::1", {true}, false, false, 0},
        {"fe80::1", {true}, false, true, 1},
        {"fec0::1", {true}, true, true, 0},
        {"::10.0.0.1", {true}, true, true, 0},
        {"::ffff:10.0.0.1", {true}, true, true, 0},
        {"ff02::1", {true}, true, true, 0},
        {"2a00::1", {true}, false, false, 1},
        {"2a00::1", {true, true}, false, false, 1},
        {"fd00::1", {true}, false, false, 1},
        {"0.0.0.0", {true}, false, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sim_config config;
        sim_config_simple(&config);
        config.interface_count = 0;
        sim_interface *interface = sim_add_interface(&config, "x", rows[i].ip);
        interface->up = rows[i].flags[0];
        interface->temporary = rows[i].flags[1];
        interface->deprecated = rows[i].flags[2];
        interface->tentative = rows[i].flags[3];
        config.settings.loopback = rows[i].loopback;
        config.settings.link_local = rows[i].link_local;
        if (run(&config)->candidate_count != rows[i].hosts) {
            fail_msg("row %zu, %s", i, rows[i].ip);
        }
    }
}

static void p2_network_types(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_interface(&config, "eth0", "2a00::2");
    sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
    config.settings.network_types = FLOE_NETWORK_TYPE_UDP6;
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->candidate_count, 1);
    assert_string_equal(first_of(seen, HOST)->address, "2a00::2");
    assert_int_equal(seen->error_count, 0); /* the server does not apply */
    config.settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    seen = run(&config);
    assert_int_equal(count_of(seen, HOST), 1);
    assert_int_equal(count_of(seen, RELAY), 1);
}

static void p4_temporary_addresses_stand_for_stable_ones(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    config.interface_count = 0;
    sim_add_interface(&config, "eth0", "2a00::1");
    sim_add_interface(&config, "eth0", "2a00::77")->temporary = true;
    sim_add_interface(&config, "eth0", "2a00:1::1"); /* another prefix */
    sim_add_interface(&config, "eth0", "fe80::1");   /* often made of the adapter's number */
    sim_add_interface(&config, "eth1", "fe80::2");
    config.settings.link_local = true;
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->candidate_count, 3);
    assert_string_equal(seen->candidates[0].address, "2a00::77");
    assert_string_equal(seen->candidates[1].address, "2a00:1::1");
    assert_string_equal(seen->candidates[2].address, "fe80::2");
}

static void p5_port_ranges(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    config.settings.port_min = 7000;
    config.settings.port_max = 7002;
    config.interfaces[0].open_failures = 2;
    config.interfaces[0].open_error = FLOE_ERR_ADDRESS_IN_USE;
    const sim_seen *seen = run(&config);
    assert_int_equal(count_of(seen, HOST), 1);
    assert_in_range(first_of(seen, HOST)->port, 7000, 7002);
    config.interfaces[0].open_failures = 3;
    seen = run(&config);
    assert_int_equal(seen->candidate_count, 0);
    assert_int_equal(seen->error_count, 1);
    assert_non_null(strstr(seen->errors[0].text, "from 7000 to 7002"));
    config.interfaces[0].open_failures = 1;
    config.interfaces[0].open_error = FLOE_ERR_NO_DESCRIPTORS;
    sim_add_interface(&config, "eth1", "10.0.2.2"); /* the others go on */
    seen = run(&config);
    assert_int_equal(count_of(seen, HOST), 1);
    assert_non_null(strstr(seen->errors[0].text, "out of file descriptors"));
    /* It begins anywhere in the range. */
    unsigned ports = 0;
    sim_config_simple(&config);
    config.settings.port_min = 7000;
    config.settings.port_max = 7002;
    for (config.seed = 1; config.seed <= 32; config.seed++) {
        ports |= 1U << (first_of(run(&config), HOST)->port - 7000);
    }
    assert_int_equal(ports, 7);
}

/* ── Reflexive ── */
static void r3_how_many_reflexive_candidates(void **state)
{
    static const struct {
        sim_nat mapping;
        size_t srflx;
    } rows[] = {{SIM_NAT_NONE, 0},
                {SIM_NAT_ENDPOINT_INDEPENDENT, 1},
                {SIM_NAT_ADDRESS_DEPENDENT, 2},
                {SIM_NAT_ADDRESS_AND_PORT_DEPENDENT, 2}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        sim_config config;
        sim_config_simple(&config);
        config.interfaces[0].mapping = rows[i].mapping;
        sim_add_server(&config, false, "203.0.113.1", SIM_GOOD);
        sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
        const sim_seen *seen = run(&config);
        assert_int_equal(count_of(seen, SRFLX), rows[i].srflx);
        assert_int_equal(seen->error_count, 0);
    }
}

static void r1_one_server_as_stun_and_turn_is_asked_once(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
    sim_add_server(&config, false, "203.0.113.2", SIM_GOOD);
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->error_count, 0);
    assert_int_equal(seen->packets_sent_at_complete, 3); /* Allocate, Binding, Allocate */
}

static void r5_forged_answers_change_nothing(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, false, "203.0.113.1", SIM_FORGED_FIRST);
    sim_add_server(&config, true, "203.0.113.2", SIM_FORGED_FIRST);
    const sim_seen *seen = run(&config); /* check.c: every candidate leads somewhere */
    assert_int_equal(count_of(seen, SRFLX), 1);
    assert_int_equal(count_of(seen, RELAY), 1);
    assert_int_equal(seen->error_count, 0);
    assert_true(report.dropped >= 7);
}

/* A lost packet loses no candidate. */
static void r5_lost_packets_are_sent_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        sim_config config;
        sim_config_simple(&config);
        config.seed = seed;
        config.loss = 200;
        config.settings.gather_timeout_ms = FLOE_NEVER;
        sim_add_server(&config, false, "203.0.113.1", SIM_GOOD);
        sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
        const sim_seen *seen = run(&config);
        assert_int_equal(count_of(seen, RELAY), 1);
        assert_int_equal(count_of(seen, SRFLX), 1);
    }
}
static void r6_a_new_mapping_is_a_new_candidate(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, false, "203.0.113.1", SIM_GOOD);
    config.remap_at_ms = 20000;
    const sim_seen *seen = run(&config);
    assert_int_equal(count_of(seen, SRFLX), 2);
    assert_true(first_of(seen, SRFLX)->withdrawn);
    assert_in_range(seen->candidates[2].at_ms, 30000, 30200);
}

static void r6_bindings_are_kept_alive(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, false, "203.0.113.1", SIM_GOOD);
    config.run_ms = 61000;
    assert_int_equal(run(&config)->packets_sent, 1 + 4);
    config.settings.keepalive_ms = 5000;
    assert_int_equal(run(&config)->packets_sent, 1 + 12);
}

/* Two servers that show one mapping need one keepalive; without a NAT none is needed. */
static void r6_what_is_redundant_is_not_kept(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, false, "203.0.113.1", SIM_GOOD);
    sim_add_server(&config, false, "203.0.113.2", SIM_GOOD);
    config.run_ms = 61000;
    assert_int_equal(run(&config)->packets_sent, 2 + 4);
    config.interfaces[0].mapping = SIM_NAT_NONE;
    assert_int_equal(run(&config)->packets_sent, 2);
    sim_add_server(&config, true, "203.0.113.3", SIM_GOOD);
    assert_int_equal(run(&config)->packets_sent, 2 + 3 + 4 + 1); /* the relay's, and its release */
}

/* ── Relays ── */

/* Figures of T2 and R2: the second gatherer of an api. */
static void t2_the_second_gatherer_needs_one_packet(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_server *server = sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
    server->nonce = SIM_NONCE_FOR_ALL;
    config.gatherers = 3;
    (void)run(&config);
    assert_int_equal(report.gatherers[0].packets_sent_at_complete, 3);
    /* The second tries the remembered nonce, a Binding beside it for safety. */
    assert_in_range(report.gatherers[1].complete_ms, 50, 56);
    /* From then on it is known to hold. */
    assert_int_equal(report.gatherers[2].packets_sent_at_complete, 1);
    assert_in_range(report.gatherers[2].complete_ms, 50, 50);
    assert_int_equal(count_of(&report.gatherers[2], SRFLX), 1);
    assert_int_equal(count_of(&report.gatherers[2], RELAY), 1);
    server->nonce = SIM_NONCE_PER_CLIENT;
    (void)run(&config);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(count_of(&report.gatherers[i], RELAY), 1);
        assert_in_range(report.gatherers[i].complete_ms, 100, 110);
    }
}

/* Another port; and where there is none, the stranger's allocation is deleted. */
static void t6_437_is_outlived(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, true, "203.0.113.2", SIM_MISMATCH);
    const sim_seen *seen = run(&config);
    assert_int_equal(count_of(seen, RELAY), 1);
    assert_int_equal(seen->error_count, 0);
    config.settings.port_min = config.settings.port_max = 7000;
    seen = run(&config);
    assert_int_equal(count_of(seen, RELAY), 1);
    assert_int_equal(seen->error_count, 0);
}

/* A server that answers 437 whatever is done: one error, and no waiting for the timeout. */
static void t6_437_for_ever_is_one_error(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, true, "203.0.113.2", SIM_ERROR_CODE)->code = 437;
    for (int fixed = 0; fixed < 2; fixed++) {
        config.settings.port_min = config.settings.port_max = fixed ? 7000 : 0;
        const sim_seen *seen = run(&config);
        assert_int_equal(seen->error_count, 1);
        assert_int_equal(seen->errors[0].code, 437);
        assert_true(seen->complete_ms < 600);
    }
}
static void t6_a_quota_stops_the_third(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_interface(&config, "eth1", "10.0.2.2");
    sim_add_interface(&config, "eth2", "10.0.3.2");
    sim_add_server(&config, true, "203.0.113.2", SIM_FULL_AFTER_TWO);
    const sim_seen *seen = run(&config);
    assert_int_equal(count_of(seen, RELAY), 2);
    assert_int_equal(seen->error_count, 1);
    assert_int_equal(seen->errors[0].code, 486);
    assert_false(seen->errors[0].url_failed);
}

/* So many local addresses, for relays alone, and a server for all of them. */
static void ask_by_many(sim_config *config, unsigned addresses, sim_temper temper)
{
    sim_config_simple(config);
    for (unsigned n = 1; n < addresses; n++) {
        char ip[48];
        (void)snprintf(ip, sizeof ip, "10.0.%u.2", n + 1);
        sim_add_interface(config, "eth1", ip);
    }
    config->settings.addresses_max = 48;
    config->settings.pacing_ms = 50;
    config->policy = FLOE_GATHER_POLICY_RELAY;
    sim_add_server(config, true, "203.0.113.2", temper);
}

/* T6: on a server that has said that it is full the other addresses do not ask at all. */
static void t6_nobody_asks_a_server_that_is_full(void **state)
{
    sim_config config;
    unsigned packets[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        ask_by_many(&config, 3 + 20 * i, SIM_FULL_AFTER_TWO);
        const sim_seen *seen = run(&config);
        packets[i] = seen->packets_sent_at_complete;
        /* Two have a relay, each of the others is told the 486. */
        assert_int_equal(count_of(seen, FLOE_CANDIDATE_TYPE_RELAY), 2);
        assert_int_equal(seen->error_count, config.interface_count - 2);
        for (size_t n = 0; n < seen->error_count; n++) {
            assert_int_equal(seen->errors[n].code, 486);
        }
    }
    assert_in_range(packets[1], 1, packets[0] + 8);
}

/* RFC 8656 §7.4: who was told that his credentials are wrong asks the same server no more, from
 * whatever address of his; each hears of it. */
static void s2_wrong_credentials_are_tried_once(void **state)
{
    sim_config config;
    unsigned packets[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        ask_by_many(&config, 8 + 20 * i, SIM_WRONG_PASSWORD);
        const sim_seen *seen = run(&config);
        packets[i] = seen->packets_sent_at_complete;
        assert_int_equal(seen->error_count, config.interface_count);
        for (size_t n = 0; n < seen->error_count; n++) {
            assert_int_equal(seen->errors[n].code, 401);
            assert_non_null(strstr(seen->errors[n].text, "refuses the username"));
        }
    }
    assert_int_equal(packets[1], packets[0]);
    assert_in_range(packets[0], 2, 10);
}

static void t7_a_lost_allocation_is_withdrawn_and_asked_for_again(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, true, "203.0.113.2", SIM_FORGETS);
    config.run_ms = 700000;
    const sim_seen *seen = run(&config);
    assert_true(first_of(seen, RELAY)->withdrawn);
    assert_false(first_of(seen, SRFLX)->withdrawn);
    /* And it is asked for again by itself. */
    assert_int_equal(seen->candidates[seen->candidate_count - 1].type, RELAY);
    assert_false(seen->candidates[seen->candidate_count - 1].withdrawn);
}

/* ── Candidates ── */

/* Adapters first, then the families in turn. */
static void c4_order_of_interfaces(void **state)
{
    static const char *const expected[] = {"2a00:1::1", "10.0.1.2", "10.0.5.2",
                                           "2a00:2::1", "10.0.3.2", "10.0.4.2"};
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    config.interfaces[0].adapter = FLOE_ADAPTER_WIRED;
    sim_add_interface(&config, "wg0", "10.0.4.2")->adapter = FLOE_ADAPTER_VPN;
    sim_add_interface(&config, "wwan0", "10.0.3.2")->adapter = FLOE_ADAPTER_CELLULAR;
    sim_add_interface(&config, "wlan0", "2a00:2::1")->adapter = FLOE_ADAPTER_UNKNOWN;
    sim_add_interface(&config, "wlan0", "10.0.5.2")->adapter = FLOE_ADAPTER_WIRELESS;
    sim_add_interface(&config, "eth0", "2a00:1::1")->adapter = FLOE_ADAPTER_WIRED;
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->candidate_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(seen->candidates[i].address, expected[i]);
        if (i > 0) {
            assert_true(seen->candidates[i].priority < seen->candidates[i - 1].priority);
        }
    }
    assert_int_equal(seen->candidates[0].priority, 2130706431);
}

static void c6_foundations(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_interface(&config, "eth1", "10.0.2.2");
    sim_add_server(&config, false, "203.0.113.1", SIM_GOOD);
    sim_add_server(&config, true, "203.0.113.2", SIM_GOOD);
    config.interfaces[0].mapping = config.interfaces[1].mapping = SIM_NAT_ADDRESS_DEPENDENT;
    const sim_seen *seen = run(&config);
    for (size_t i = 0; i < seen->candidate_count; i++) {
        const sim_seen_candidate *a = &seen->candidates[i];
        assert_int_equal(strlen(a->foundation), 8);
        for (size_t j = 0; j < i; j++) {
            const sim_seen_candidate *b = &seen->candidates[j];
            /* Two relays of one server share the relayed IP; all else here differs. */
            bool same = a->type == RELAY && b->type == RELAY;
            assert_int_equal(strcmp(a->foundation, b->foundation) == 0, same);
        }
    }
}

/* C6: they tell nothing of an address to who has seen those of another gatherer. */
static void c6_foundations_are_each_gatherers_own(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    config.gatherers = 2;
    const sim_seen *first = run(&config);
    assert_string_equal(first->candidates[0].address, report.gatherers[1].candidates[0].address);
    assert_string_not_equal(first->candidates[0].foundation,
                            report.gatherers[1].candidates[0].foundation);
}

/* ── Memory ── */

/* Every allocation fails in turn, through a whole gathering of every kind of thing: nothing is
 * lost, gathering ends, and the owner is told. */
static void every_allocation_fails_in_turn(void **state)
{
    sim_config config;
    size_t told = 0;

    (void)state;
    sim_config_simple(&config);
    sim_add_interface(&config, "eth0", "2a00::2");
    sim_add_server(&config, false, "203.0.113.1", SIM_GOOD);
    sim_add_server(&config, true, "203.0.113.2", SIM_MISMATCH);
    sim_add_server(&config, true, "203.0.113.3", SIM_GOOD)->by_name = true;
    sim_add_server(&config, true, "2a00::9", SIM_WRONG_PASSWORD);
    sim_add_server(&config, false, "203.0.113.4", SIM_ERROR_CODE);
    config.remap_at_ms = 20000;
    (void)run(&config);
    size_t all = report.allocations;
    assert_true(all > 50);
    for (size_t n = 1; n <= all; n++) {
        config.fail_at = n;
        const sim_seen *seen = run(&config);
        bool said = seen->start_failed || seen->state == FLOE_GATHERER_STATE_NEW;
        for (size_t i = 0; i < seen->error_count; i++) {
            said = said || strstr(seen->errors[i].text, "out of memory") != NULL;
        }
        told += said;
        assert_int_equal(report.left_memory, 0);
    }
    /* The rest are pieces that can be done without: a remembered nonce, the server's own words. */
    assert_true(told * 10 >= all * 7);
}

/* W8: an allocation may have both families, and each external stands for its own. Of the one that the
 * rule says nothing of, what the server gave is told as it is. */
static void w8_each_family_has_its_own_externals(void **state)
{
    static const char *const externals[] = {"198.18.5.5"};
    static const floe_address_rewrite_mode modes[] = {FLOE_ADDRESS_REWRITE_MODE_APPEND,
                                                      FLOE_ADDRESS_REWRITE_MODE_REPLACE};
    sim_config config;

    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        floe_address_rewrite_rule rule = {.size = sizeof rule,
                                          .external = externals,
                                          .external_count = 1,
                                          .cidr = "10.0.0.0/8",
                                          .as_candidate_type = RELAY,
                                          .mode = modes[i]};
        sim_config_simple(&config);
        sim_add_server(&config, true, "203.0.113.2", SIM_GOOD)->families = 3;
        config.settings.address_rewrite_rules = &rule;
        config.settings.address_rewrite_rule_count = 1;
        const sim_seen *seen = run(&config);
        bool appends = modes[i] == FLOE_ADDRESS_REWRITE_MODE_APPEND;
        assert_int_equal(count_of(seen, RELAY), appends ? 3 : 2);
        assert_non_null(strstr(seen->log, "relay 198.18.5.5"));
        assert_non_null(strstr(seen->log, "relay 2001:db8:1::64"));
        assert_int_equal(strstr(seen->log, "relay 203.0.113.2") != NULL, appends);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l4_all_three_kinds_come),
        cmocka_unit_test(l4_without_an_interface_it_is_complete_at_once),
        cmocka_unit_test(l7_close_at_every_millisecond),
        cmocka_unit_test(e2_a_look_up_that_is_cut_short),
        cmocka_unit_test(t1_who_yields_still_asks_what_the_nat_shows),
        cmocka_unit_test(l14_a_dead_stun_server_costs_the_grace),
        cmocka_unit_test(l14_a_dead_turn_server_alone_costs_the_timeout),
        cmocka_unit_test(l14_closed_ports_end_it_in_one_round_trip),
        cmocka_unit_test(l14_a_path_that_swallows_packets_costs_the_grace),
        cmocka_unit_test(l14_no_route_ends_a_pair_at_once),
        cmocka_unit_test(l14_a_silent_name_server_costs_the_grace),
        cmocka_unit_test(l14_never_means_until_the_transactions_end),
        cmocka_unit_test(l14_the_grace_waits_for_the_pacing),
        cmocka_unit_test(s6_names_with_one_family_or_none),
        cmocka_unit_test(s6_the_second_address_of_a_name_serves),
        cmocka_unit_test(e2_a_server_of_the_other_family_is_no_error),
        cmocka_unit_test(s2_wrong_password_is_one_401_and_no_loop),
        cmocka_unit_test(p1_policies),
        cmocka_unit_test(p1_nohost_without_nat_shows_no_host),
        cmocka_unit_test(p2_network_types),
        cmocka_unit_test(p4_which_addresses_are_used),
        cmocka_unit_test(p4_temporary_addresses_stand_for_stable_ones),
        cmocka_unit_test(p5_port_ranges),
        cmocka_unit_test(r3_how_many_reflexive_candidates),
        cmocka_unit_test(r1_one_server_as_stun_and_turn_is_asked_once),
        cmocka_unit_test(r5_forged_answers_change_nothing),
        cmocka_unit_test(r5_lost_packets_are_sent_again),
        cmocka_unit_test(r6_a_new_mapping_is_a_new_candidate),
        cmocka_unit_test(r6_bindings_are_kept_alive),
        cmocka_unit_test(r6_what_is_redundant_is_not_kept),
        cmocka_unit_test(t2_the_second_gatherer_needs_one_packet),
        cmocka_unit_test(t6_437_is_outlived),
        cmocka_unit_test(t6_437_for_ever_is_one_error),
        cmocka_unit_test(t6_a_quota_stops_the_third),
        cmocka_unit_test(t6_nobody_asks_a_server_that_is_full),
        cmocka_unit_test(s2_wrong_credentials_are_tried_once),
        cmocka_unit_test(t7_a_lost_allocation_is_withdrawn_and_asked_for_again),
        cmocka_unit_test(c4_order_of_interfaces),
        cmocka_unit_test(c6_foundations),
        cmocka_unit_test(c6_foundations_are_each_gatherers_own),
        cmocka_unit_test(every_allocation_fails_in_turn),
        cmocka_unit_test(w8_each_family_has_its_own_externals),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}

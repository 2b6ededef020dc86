/* Two agents in worlds that are made by hand. */
#include "meet.h"

#include <string.h>

static void meet(const meet_config *config, meet_report *report)
{
    if (!meet_run(config, NULL, report)) {
        fail_msg("%s", report->why);
    }
}

static void run(const meet_config *config, meet_report *report)
{
    char why[256];

    meet(config, report);
    if (!meet_model_agrees(config, report, why, sizeof why)) {
        fail_msg("the model: %s", why);
    }
}

/* Both know all of each other, and a round trip is 48 ms. */
static void i20_connected_after_one_round_trip(void **state)
{
    meet_config config;
    meet_report report;

    (void)state;
    meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ADDRESS_AND_PORT_DEPENDENT);
    config.sides[0].start_at_ms = config.sides[1].start_at_ms = 1000;
    run(&config, &report);
    for (unsigned n = 0; n < 2; n++) {
        assert_true(report.sides[n].connected_ms <= 1001 + 48 + 24 + 10);
        assert_true(report.sides[n].data_ms <= 1001 + 48 + 24 + 24 + 10);
        assert_int_equal(report.sides[n].came, 21);
    }
}

/* RFC 4787's kinds, each against itself; what must connect does, by the model's word. */
static void i7_nats_of_all_kinds(void **state)
{
    (void)state;
    for (unsigned mapping = 0; mapping < 3; mapping++) {
        for (unsigned filtering = 0; filtering < 3; filtering++) {
            for (unsigned turn = 0; turn < 2; turn++) {
                meet_config config;
                meet_report report;
                meet_plain(&config, (meet_kind)mapping, (meet_kind)filtering);
                config.sides[0].turn = turn == 1;
                config.sides[1].turn = turn == 1;
                config.run_ms = 100000;
                run(&config, &report);
                if (turn == 1) {
                    assert_int_not_equal(report.sides[0].connected_ms, UINT32_MAX);
                }
            }
        }
    }
}

static void i20_relay_to_relay(void **state)
{
    meet_config config;
    meet_report report;

    (void)state;
    meet_plain(&config, MEET_ADDRESS_AND_PORT_DEPENDENT, MEET_ADDRESS_AND_PORT_DEPENDENT);
    for (unsigned n = 0; n < 2; n++) {
        config.sides[n].turn = true;
        config.sides[n].policy = FLOE_GATHER_POLICY_RELAY;
        config.sides[n].start_at_ms = 1000;
    }
    run(&config, &report);
    assert_int_equal(report.sides[0].selected.local_type, FLOE_CANDIDATE_TYPE_RELAY);
    assert_int_equal(report.sides[0].selected.remote_type, FLOE_CANDIDATE_TYPE_RELAY);
    for (unsigned n = 0; n < 2; n++) {
        assert_true(report.sides[n].connected_ms <= 1001 + 2 * 48 + 40);
    }
}

/* Two links, behind each a relay of the same server: each side's first pair of the one foundation is the other's second. */
static void i4_pairs_do_not_freeze_each_other(void **state)
{
    meet_config config;
    meet_report report;

    (void)state;
    meet_plain(&config, MEET_ADDRESS_DEPENDENT, MEET_ADDRESS_AND_PORT_DEPENDENT);
    config.sides[0].turn = true;
    config.sides[0].interface_count = 2;
    config.sides[0].interfaces[1] = (meet_interface){"192.168.0.2", 3};
    config.routers[2] = config.routers[0];
    config.sides[0].trickle_ms = 700;
    for (config.seed = 1; config.seed < 100; config.seed++) {
        run(&config, &report);
    }
}

/* Two NATs that show another port to each address and let everybody in call forth new checks for ever. */
static void i16_checks_do_not_echo_for_ever(void **state)
{
    meet_config config;
    meet_report report;

    (void)state;
    meet_plain(&config, MEET_ADDRESS_AND_PORT_DEPENDENT, MEET_ENDPOINT_INDEPENDENT);
    config.run_ms = 100000;
    run(&config, &report);
    assert_int_equal(report.sides[0].state, FLOE_ICE_STATE_FAILED);
    assert_int_equal(report.sides[1].state, FLOE_ICE_STATE_FAILED);
    assert_true(report.sides[0].checks < 2000);
}

/* A router that refuses by ICMP what comes before its own side has sent something. */
static void i5_icmp_of_a_router_that_is_not_open_yet(void **state)
{
    meet_config config;
    meet_report report;

    (void)state;
    meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ADDRESS_DEPENDENT);
    config.routers[0].icmp = config.routers[1].icmp = true;
    config.routers[1].mapping = MEET_ADDRESS_DEPENDENT;
    config.sides[0].start_at_ms = 5000;
    run(&config, &report);
    assert_true(report.sides[0].connected_ms < 14000);
}

static void i6_both_control_and_both_are_controlled(void **state)
{
    (void)state;
    for (unsigned role = 1; role < 3; role++) {
        for (uint64_t seed = 1; seed < 60; seed++) {
            meet_config config;
            meet_report report;
            meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ENDPOINT_INDEPENDENT);
            config.seed = seed;
            config.loss = seed % 3 == 0 ? 50 : 0;
            config.jitter_ms = (unsigned)seed % 20;
            for (unsigned n = 0; n < 2; n++) {
                config.sides[n].role = (floe_ice_role)role;
                config.sides[n].start_at_ms = (unsigned)(seed * (n + 3) * 37 % 500);
            }
            run(&config, &report);
            assert_int_equal(report.sides[0].role + report.sides[1].role,
                             FLOE_ICE_ROLE_CONTROLLING + FLOE_ICE_ROLE_CONTROLLED);
            assert_true(report.same_pair);
        }
    }
}

/* I1, I2, I9: all orders connect. */
static void i2_every_order_connects(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 81; order++) {
        static const unsigned at[] = {0, 300, 2000};
        meet_config config;
        meet_report report;
        meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ADDRESS_DEPENDENT);
        config.sides[0].gather_at_ms = at[order % 3];
        config.sides[1].gather_at_ms = at[order / 3 % 3];
        config.sides[0].start_at_ms = at[order / 9 % 3];
        config.sides[1].start_at_ms = at[order / 27];
        run(&config, &report);
        assert_int_equal(report.sides[0].state, FLOE_ICE_STATE_COMPLETED);
        assert_int_equal(report.sides[1].state, FLOE_ICE_STATE_COMPLETED);
    }
}

/* The chosen pair's way goes silent; another link of the first side's works. */
static void i13_another_link_takes_over(void **state)
{
    (void)state;
    for (unsigned role = 1; role < 3; role++) {
        for (uint64_t seed = 1; seed < 40; seed++) {
            meet_config config;
            meet_report report;
            meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ADDRESS_DEPENDENT);
            config.seed = seed;
            config.loses_first = seed % 2 == 0;
            config.sides[0].role = (floe_ice_role)role;
            config.sides[1].role = (floe_ice_role)(3 - role);
            config.sides[0].interface_count = 2;
            config.sides[0].interfaces[1] = (meet_interface){"192.168.0.2", 3};
            config.routers[2] = config.routers[0];
            config.jitter_ms = (unsigned)seed % 7;
            config.cut_at_ms = 60000 + (unsigned)seed * 313;
            config.cut_ms = 60000;
            config.cuts_first = true;
            config.run_ms = 110000;
            meet(&config, &report);
            for (unsigned n = 0; n < 2; n++) {
                assert_true(report.sides[n].gap_ms > 50 + config.jitter_ms || config.loses_first);
                assert_true(report.sides[n].gap_ms < 5500 + 200);
                assert_int_equal(report.sides[n].state, FLOE_ICE_STATE_COMPLETED);
            }
            assert_true(report.same_pair);
            /* The first side moves in the same moment; the other hears of it where the first controls. */
            if (config.loses_first) {
                assert_true(report.sides[1].gap_ms <= 50 + 30);
                assert_true(report.sides[0].gap_ms <= 50 + 150 || role == 2);
            }
        }
    }
}

/* What makes the chosen pair's way fail makes others fail that share it, which nobody has looked at for a while: the peer has
 * several addresses, and may send only by what was nominated last. */
static void i13_a_way_that_fails_takes_others_with_it(void **state)
{
    static const meet_direction open[] = {MEET_NEITHER, MEET_IN, MEET_OUT};

    (void)state;
    for (unsigned seed = 0; seed < 72; seed++) {
        meet_config config;
        meet_report report;
        meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ENDPOINT_INDEPENDENT);
        config.seed = seed + 1;
        /* Else one of the peer's addresses fails, which is the first side's. */
        bool fails_here = seed % 3 != 2;
        meet_side *ours = &config.sides[fails_here ? 0 : 1];
        meet_side *theirs = &config.sides[fails_here ? 1 : 0];
        ours->interface_count = 2;
        ours->interfaces[1] = (meet_interface){"192.168.2.2", 3};
        ours->role = FLOE_ICE_ROLE_CONTROLLING;
        theirs->role = FLOE_ICE_ROLE_CONTROLLED;
        config.routers[2] = config.routers[fails_here ? 0 : 1];
        theirs->interface_count = 2 + seed % 2;
        for (unsigned i = 0; i < theirs->interface_count; i++) {
            theirs->interfaces[i] = (meet_interface){.router = 0};
            (void)snprintf(theirs->interfaces[i].ip, sizeof theirs->interfaces[i].ip,
                           "192.0.2.11%u", 3 + i);
        }
        theirs->lite = seed / 2 % 2 == 0;
        theirs->stun = false;
        config.cut_at_ms = (seed / 12 % 2 == 0 ? 3000 : 60000) + seed * 331;
        config.cut_ms = 60000;
        config.cuts_first = true;
        config.cut_is_open = open[seed / 4 % 3];
        config.run_ms = config.cut_at_ms + 50000;
        meet(&config, &report);
        /* What does not arrive is known by the peer alone, which does not say so, when an answer is awaited in vain. */
        unsigned out = config.cut_is_open == MEET_IN ? 11200 : 5700;
        assert_in_range(report.sides[0].gap_ms, 0, fails_here ? 5700 : 11200);
        assert_in_range(report.sides[1].gap_ms, 0, fails_here ? out : 11200);
        assert_true(report.same_pair);
    }
}

/* The other side knows of the restart, and the first one not of its answer: its checks have both old names. */
static void i11_a_restart_of_one_side_that_hears_of_it_late(void **state)
{
    (void)state;
    for (unsigned both = 0; both < 2; both++) {
        for (unsigned late = 2000; late < 25000; late += 7500) {
            meet_config config;
            meet_report report;
            meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ENDPOINT_INDEPENDENT);
            config.restart_at_ms = 50000;
            config.restart_late_ms = late;
            config.restart_both = both == 1;
            config.run_ms = 150000;
            meet(&config, &report);
            for (unsigned n = 0; n < 2; n++) {
                assert_int_equal(report.sides[n].state, FLOE_ICE_STATE_COMPLETED);
                assert_int_equal(report.sides[n].disconnected_ms, UINT32_MAX);
            }
        }
    }
}

static void i11_no_packet_is_lost_by_a_restart(void **state)
{
    (void)state;
    for (unsigned both = 0; both < 2; both++) {
        for (unsigned relay = 0; relay < 2; relay++) {
            for (unsigned late = 0; late < 1500; late += 149) {
                meet_config config;
                meet_report report;
                meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ADDRESS_DEPENDENT);
                config.run_ms = 100000;
                config.restart_at_ms = 20000;
                config.restart_late_ms = late;
                config.restart_both = both == 1;
                config.sides[0].turn = config.sides[1].turn = relay == 1;
                config.sides[0].policy =
                    relay == 1 ? FLOE_GATHER_POLICY_RELAY : FLOE_GATHER_POLICY_ALL;
                run(&config, &report); /* the model counts them */
                assert_true(report.sides[0].sent > 500);
                assert_int_equal(report.sides[0].state, FLOE_ICE_STATE_COMPLETED);
                assert_int_equal(report.sides[1].state, FLOE_ICE_STATE_COMPLETED);
            }
        }
    }
}

/* A lite side answers, and sends no checks; both, and none is sent at all. */
static void i12_lite_on_either_side_and_on_both(void **state)
{
    (void)state;
    for (unsigned which = 1; which < 4; which++) {
        for (unsigned role = 1; role < 5; role++) {
            meet_config config;
            meet_report report;
            meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ADDRESS_DEPENDENT);
            config.run_ms = 100000;
            for (unsigned n = 0; n < 2; n++) {
                config.sides[n].lite = (which & 1U << n) != 0;
                config.sides[n].role = (floe_ice_role)((role - 1) / (n + 1) % 2 + 1);
                if (config.sides[n].lite) {
                    config.sides[n].interfaces[0] = (meet_interface){"192.0.2.9", 0};
                    config.sides[n].interfaces[0].ip[8] = (char)('5' + n);
                }
            }
            meet(&config, &report);
            assert_true(report.same_pair);
            for (unsigned n = 0; n < 2; n++) {
                assert_int_equal(report.sides[n].state, FLOE_ICE_STATE_COMPLETED);
                assert_int_equal(report.sides[n].came, 21);
                assert_true(report.sides[n].selected.valid);
                assert_true(report.sides[n].requests > 0 || config.sides[n].lite);
                assert_true(report.sides[n].requests == 0 || !config.sides[n].lite);
            }
            if (which < 3) {
                assert_int_equal(report.sides[which - 1].role, FLOE_ICE_ROLE_CONTROLLED);
                assert_int_equal(report.sides[2 - which].role, FLOE_ICE_ROLE_CONTROLLING);
            }
        }
    }
}

/* A lite side that hears nothing any more sends nothing any more. */
static void i12_lite_without_checks_for_long(void **state)
{
    meet_config config;
    meet_report report;

    (void)state;
    meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ADDRESS_DEPENDENT);
    config.sides[1].lite = true;
    config.sides[1].interfaces[0] = (meet_interface){"192.0.2.9", 0};
    config.cut_at_ms = 50000;
    config.cut_ms = 60000;
    config.run_ms = 100000;
    assert_true(meet_run(&config, NULL, &report));
    assert_int_equal(report.sides[0].state, FLOE_ICE_STATE_FAILED);
    assert_int_equal(report.sides[1].state, FLOE_ICE_STATE_FAILED);
}

/* Each allocation of the agents fails in turn: nothing leaks, and what can be done without it is done. */
static void i15_every_allocation_fails_in_turn(void **state)
{
    meet_config config;
    meet_report report;
    unsigned connected = 0;

    (void)state;
    meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ADDRESS_DEPENDENT);
    config.sides[0].turn = config.sides[1].turn = true;
    config.sides[0].tcp = config.sides[1].tcp = true;
    config.sides[1].interfaces[1] = (meet_interface){"192.0.2.77", 0};
    config.sides[1].interface_count = 2;
    config.run_ms = 60000;
    config.restart_at_ms = 20000;
    config.restart_both = true;
    assert_true(meet_run(&config, NULL, &report));
    size_t allocations = report.allocations;
    assert_true(allocations > 10);
    for (config.fail_at = 1; config.fail_at <= allocations; config.fail_at++) {
        if (!meet_run(&config, NULL, &report)) {
            fail_msg("allocation %zu: %s", config.fail_at, report.why);
        }
        connected += report.sides[0].connected_ms != UINT32_MAX &&
                     report.sides[1].connected_ms != UINT32_MAX;
    }
    assert_int_equal(connected, allocations); /* there is always another pair */
}

/* A firewall lets TCP through alone, and one side can be connected to, whoever controls, and whoever begins. */
static void i14_where_udp_is_blocked(void **state)
{
    meet_config config;
    meet_report report;

    (void)state;
    for (unsigned n = 0; n < 8; n++) {
        meet_plain(&config, MEET_ADDRESS_AND_PORT_DEPENDENT, MEET_ADDRESS_AND_PORT_DEPENDENT);
        config.no_udp = true;
        config.run_ms = 100000;
        config.sides[0].tcp = config.sides[1].tcp = true;
        config.sides[0].turn = config.sides[1].turn = true; /* by UDP, which does not help */
        config.sides[n & 1].interfaces[0] = (meet_interface){"192.0.2.77", 0};
        config.sides[0].role = n & 2 ? FLOE_ICE_ROLE_CONTROLLING : FLOE_ICE_ROLE_CONTROLLED;
        config.sides[1].role = n & 2 ? FLOE_ICE_ROLE_CONTROLLED : FLOE_ICE_ROLE_CONTROLLING;
        config.sides[0].start_at_ms = 700;
        config.sides[n & 1].trickle_ms = 300;
        config.sides[1 - (n & 1)].hides_hosts = n & 4; /* who connects need not say so before */
        config.restart_at_ms = n & 4 ? 50000 : 0;
        config.restart_both = true;
        run(&config, &report);
        assert_true(report.sides[0].connected_ms < 2000);
        assert_true(report.same_pair);
    }
    meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ENDPOINT_INDEPENDENT);
    config.no_udp = true;
    config.run_ms = 100000;
    config.sides[0].tcp = config.sides[1].tcp = true;
    run(&config, &report); /* neither can be connected to */
    assert_int_equal(report.sides[0].state, FLOE_ICE_STATE_FAILED);
}

/* Where UDP works it is used. */
static void i14_udp_is_better(void **state)
{
    meet_config config;
    meet_report report;

    (void)state;
    meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ENDPOINT_INDEPENDENT);
    config.sides[0].tcp = config.sides[1].tcp = true;
    config.sides[1].interfaces[0] = (meet_interface){"192.0.2.77", 0};
    run(&config, &report);
    assert_int_equal(report.sides[0].selected_protocol, FLOE_PROTOCOL_UDP);
    config.no_udp = true;
    run(&config, &report);
    assert_int_equal(report.sides[0].selected_protocol, FLOE_PROTOCOL_TCP);
}

/* The other side is on the same links, knows nothing of policies, and sends to whatever it is told. */
static void near_each_other(meet_config *config)
{
    meet_plain(config, MEET_ENDPOINT_INDEPENDENT, MEET_ENDPOINT_INDEPENDENT);
    for (unsigned n = 0; n < 2; n++) {
        meet_side *side = &config->sides[n];
        side->interfaces[0] =
            n == 0 ? (meet_interface){"10.0.0.2", 1} : (meet_interface){"10.0.0.3", 1};
        side->interfaces[1] =
            n == 0 ? (meet_interface){"10.9.0.2", 2} : (meet_interface){"10.9.0.3", 2};
        side->interface_count = 2;
        side->turn = side->tcp = true;
        side->trickle_ms = 300;
    }
    config->run_ms = 120000;
    config->restart_at_ms = 50000;
    config->restart_both = true;
}

static void i19_no_check_leaves_by_what_is_hidden(void **state)
{
    meet_config config;
    meet_report report;

    (void)state;
    for (unsigned n = 0; n < 8; n++) {
        near_each_other(&config);
        config.seed = n;
        config.sides[n & 1].policy = FLOE_GATHER_POLICY_RELAY;
        config.sides[1 - (n & 1)].policy =
            n & 2 ? FLOE_GATHER_POLICY_RELAY : FLOE_GATHER_POLICY_ALL;
        config.sides[n & 1].gather_at_ms = n & 4 ? 2000 : 0;
        run(&config, &report);
        assert_int_not_equal(report.sides[0].connected_ms, UINT32_MAX);
    }
    for (unsigned n = 0; n < 6; n++) {
        near_each_other(&config);
        config.seed = n;
        config.sides[n & 1].ip_handling = (floe_ip_handling)(1 + n / 2);
        meet(&config, &report); /* the model knows nothing of it */
        assert_true((report.sides[0].connected_ms != UINT32_MAX) == (n < 4));
    }
}

/* ── Steps ── */

static void what_steps_do(void **state)
{
    static meet_config config;
    meet_report plain;
    meet_report report;
    char why[256];

    (void)state;
    meet_plain(&config, MEET_ENDPOINT_INDEPENDENT, MEET_ENDPOINT_INDEPENDENT);
    for (unsigned n = 0; n < 2; n++) {
        config.sides[n].interfaces[0] =
            n == 0 ? (meet_interface){"192.0.2.2", 0} : (meet_interface){"192.0.2.3", 0};
        config.sides[n].stun = false;
    }
    run(&config, &plain);
    config.steps[0] = (meet_step){.at_ms = 0, .act = MEET_DROP, .value = 3};
    config.steps[1] = (meet_step){.at_ms = 0, .act = MEET_DROP, .value = 3};
    config.step_count = 2;
    assert_true(meet_run(&config, NULL, &report));
    assert_true(report.sides[0].connected_ms > plain.sides[0].connected_ms + 400);
    assert_true(meet_ends_well(&config, &report, why, sizeof why));
    config.steps[0] = (meet_step){.at_ms = 1000, .act = MEET_INTERFACE};
    config.steps[1] = (meet_step){.at_ms = 2000, .act = MEET_SEND, .side = 1};
    assert_true(meet_run(&config, NULL, &report));
    assert_false(meet_ends_well(&config, &report, why, sizeof why)); /* it does not come back */
    config.wild = true;
    assert_true(meet_run(&config, NULL, &report));
    assert_true(meet_ends_well(&config, &report, why, sizeof why));
}

/* As fuzz/ice_two, of bytes that nobody has chosen. */
static void worlds_with_steps_end_well(void **state)
{
    static meet_config config;
    seeded_random random;
    meet_report report;
    char why[256];
    uint8_t bytes[150];

    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        seeded_init(&random, seed);
        (void)random.table.fill(random.table.user_data, bytes, sizeof bytes);
        size_t size = seeded_below(&random, sizeof bytes + 1);
        meet_of_bytes(bytes, size, &config);
        if (!meet_run(&config, NULL, &report) ||
            !meet_ends_well(&config, &report, why, sizeof why)) {
            fail_msg("seed %u: %s", (unsigned)seed, report.failed ? report.why : why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i20_connected_after_one_round_trip),
        cmocka_unit_test(i7_nats_of_all_kinds),
        cmocka_unit_test(i20_relay_to_relay),
        cmocka_unit_test(i4_pairs_do_not_freeze_each_other),
        cmocka_unit_test(i16_checks_do_not_echo_for_ever),
        cmocka_unit_test(i5_icmp_of_a_router_that_is_not_open_yet),
        cmocka_unit_test(i6_both_control_and_both_are_controlled),
        cmocka_unit_test(i2_every_order_connects),
        cmocka_unit_test(i13_another_link_takes_over),
        cmocka_unit_test(i13_a_way_that_fails_takes_others_with_it),
        cmocka_unit_test(i11_a_restart_of_one_side_that_hears_of_it_late),
        cmocka_unit_test(i12_lite_on_either_side_and_on_both),
        cmocka_unit_test(i12_lite_without_checks_for_long),
        cmocka_unit_test(i11_no_packet_is_lost_by_a_restart),
        cmocka_unit_test(i19_no_check_leaves_by_what_is_hidden),
        cmocka_unit_test(i14_where_udp_is_blocked),
        cmocka_unit_test(i14_udp_is_better),
        cmocka_unit_test(i15_every_allocation_fails_in_turn),
        cmocka_unit_test(what_steps_do),
        cmocka_unit_test(worlds_with_steps_end_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Gathering again, restarts, pools, new options, the associated gatherer (rules L5, L10 to L13,
 * L15), and an interruption at every step of a recorded gather. */
#include "polled.h"
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

/* One of each kind, a name, a 437, and both families. */
static void config_of_all(sim_config *config)
{
    sim_config_simple(config);
    sim_add_interface(config, "eth1", "2a00::2");
    sim_add_server(config, false, "203.0.113.1", SIM_GOOD);
    sim_add_server(config, true, "203.0.113.2", SIM_GOOD);
    sim_add_server(config, true, "203.0.113.3", SIM_MISMATCH)->by_name = true;
    sim_add_server(config, true, "2a00::9", SIM_GOOD);
    config->run_ms = 20000;
}

static size_t live(const sim_seen *seen)
{
    size_t count = 0;

    for (size_t i = 0; i < seen->candidate_count; i++) {
        count += !seen->candidates[i].withdrawn;
    }
    return count;
}

static void l5_gathering_again_reports_only_what_is_new(void **state)
{
    sim_config config;

    (void)state;
    config_of_all(&config);
    size_t once = run(&config)->candidate_count;
    sim_add_action(&config, SIM_GATHER, 5000);
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->candidate_count, once);
    assert_int_equal(seen->completes, 2);
    assert_int_equal(seen->ends, 2);
}

static void l5_an_address_that_comes_or_goes_is_noticed(void **state)
{
    sim_config config;

    (void)state;
    config_of_all(&config);
    size_t all = run(&config)->candidate_count;
    sim_add_action(&config, SIM_TOGGLE, 5000)->value = 1;
    sim_add_action(&config, SIM_GATHER, 5001);
    const sim_seen *seen = run(&config);
    size_t without = live(seen);
    assert_true(without > 0 && without < all);
    sim_add_action(&config, SIM_TOGGLE, 9000)->value = 1;
    sim_add_action(&config, SIM_GATHER, 9001);
    assert_int_equal(live(run(&config)), all);
}

static void l5_a_server_that_failed_gets_another_chance(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, true, "203.0.113.1", SIM_PORT_CLOSED);
    sim_add_action(&config, SIM_GATHER, 2000);
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->error_count, 2);
    assert_true(seen->errors[1].url_failed);
}

/* Each gathering looks its names up, and says of which nobody has an address. */
static void l5_a_name_without_an_address_is_told_each_time(void **state)
{
    sim_config config;

    (void)state;
    for (sim_temper temper = SIM_NAME_UNKNOWN; temper <= SIM_NAME_SILENT; temper++) {
        sim_config_simple(&config);
        sim_add_server(&config, true, "203.0.113.1", temper);
        sim_add_action(&config, SIM_GATHER, 10000);
        const sim_seen *seen = run(&config);
        assert_int_equal(seen->ends, 2);
        assert_int_equal(seen->error_count, 2);
        assert_string_equal(seen->errors[0].text, seen->errors[1].text);
        assert_true(seen->errors[1].url_failed);
    }
}

static void l11_a_restart_uses_what_still_serves(void **state)
{
    sim_config config;

    (void)state;
    config_of_all(&config);
    config.run_ms = 5000;
    const sim_seen *seen = run(&config);
    size_t once = seen->candidate_count;
    unsigned packets = seen->packets_sent;
    sim_add_action(&config, SIM_RESTART, 2000);
    sim_add_action(&config, SIM_GATHER, 2100);
    seen = run(&config);
    assert_int_equal(live(seen), once);
    assert_int_equal(seen->candidate_count, 2 * once);
    /* One Binding for each binding, no Allocate. */
    assert_in_range(seen->packets_sent, packets + 1, packets + 6);
    for (size_t i = 0; i < once; i++) {
        bool found = false;
        for (size_t k = once; k < 2 * once; k++) {
            const sim_seen_candidate *a = &seen->candidates[i];
            const sim_seen_candidate *b = &seen->candidates[k];
            found = found || (a->type == b->type && strcmp(a->address, b->address) == 0 &&
                              a->port == b->port && strcmp(a->foundation, b->foundation) == 0);
        }
        assert_true(found); /* C6: foundations are consistent over generations */
    }
}

static void l11_a_restart_in_the_middle_tells_nothing_more(void **state)
{
    sim_config config;

    (void)state;
    config_of_all(&config);
    sim_add_action(&config, SIM_RESTART, 60);
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->state, FLOE_GATHERER_STATE_CLOSED);
    assert_int_equal(seen->completes, 0);
    assert_int_equal(seen->ends, 0);
    /* The hosts were there, and what the servers showed, but no relay yet: it was the middle. */
    assert_true(seen->candidate_count > 2);
    for (size_t i = 0; i < seen->candidate_count; i++) {
        assert_true(seen->candidates[i].at_ms <= 60);
        assert_int_not_equal(seen->candidates[i].type, FLOE_CANDIDATE_TYPE_RELAY);
    }
}

/* The relay that its server has forgotten is asked for again, which this generation was in a hurry
 * not to wait for: neither it nor the address behind the NAT that it shows is told late. */
static void l4_a_renewed_relay_tells_nothing_late(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_interface(&config, "eth1", "2a00::2");
    sim_add_server(&config, false, "2a00::9", SIM_GOOD);
    sim_server *server = sim_add_server(&config, true, "203.0.113.2", SIM_FORGETS);
    server->round_trip_ms = 125;
    server->lifetime = 47;
    config.settings.straggler_grace_ms = 73;
    config.run_ms = 60000;
    sim_add_action(&config, SIM_RESTART, 60);
    sim_add_action(&config, SIM_GATHER, 5000);
    const sim_seen *seen = run(&config);
    size_t relays = 0;
    assert_int_equal(seen->completes, 1);
    for (size_t i = 0; i < seen->candidate_count; i++) {
        const sim_seen_candidate *made = &seen->candidates[i];
        assert_false(made->type == FLOE_CANDIDATE_TYPE_SRFLX && made->at_ms >= 5000);
        relays += made->type == FLOE_CANDIDATE_TYPE_RELAY;
    }
    assert_int_equal(relays, 0);
}

#define WITH(servers, policy) ((servers) | (uint32_t)(policy) << SIM_POLICY_SHIFT)

static void l12_options_take_effect_at_the_next_gathering(void **state)
{
    sim_config config;

    (void)state;
    config_of_all(&config);
    size_t all = run(&config)->candidate_count;
    sim_add_action(&config, SIM_SET_OPTIONS, 2000)->value = WITH(1U, FLOE_GATHER_POLICY_ALL);
    assert_int_equal(live(run(&config)), all); /* not yet */
    sim_add_action(&config, SIM_GATHER, 3000);
    const sim_seen *seen = run(&config);
    for (size_t i = 0; i < seen->candidate_count; i++) {
        bool relay = seen->candidates[i].type == FLOE_CANDIDATE_TYPE_RELAY;
        assert_true(!relay || seen->candidates[i].withdrawn);
    }
    sim_add_action(&config, SIM_SET_OPTIONS, 4000)->value = WITH(15U, FLOE_GATHER_POLICY_ALL);
    sim_add_action(&config, SIM_GATHER, 5000);
    assert_int_equal(live(run(&config)), all);
}
static void l12_a_loosened_policy_tells_what_was_held_back(void **state)
{
    sim_config config;

    (void)state;
    config_of_all(&config);
    size_t all = run(&config)->candidate_count;
    config.policy = FLOE_GATHER_POLICY_RELAY;
    size_t relays = run(&config)->candidate_count;
    assert_true(relays > 0 && relays < all);
    sim_add_action(&config, SIM_SET_OPTIONS, 2000)->value = WITH(15U, FLOE_GATHER_POLICY_ALL);
    sim_add_action(&config, SIM_GATHER, 3000);
    const sim_seen *seen = run(&config);
    assert_int_equal(live(seen), all);
    assert_int_equal(seen->candidate_count, all);
}

static void l12_a_tightened_policy_takes_nothing_back(void **state)
{
    sim_config config;

    (void)state;
    config_of_all(&config);
    size_t all = run(&config)->candidate_count;
    sim_add_action(&config, SIM_SET_OPTIONS, 2000)->value = WITH(15U, FLOE_GATHER_POLICY_RELAY);
    sim_add_action(&config, SIM_GATHER, 3000);
    const sim_seen *seen = run(&config);
    assert_int_equal(seen->candidate_count, all);
    assert_int_equal(live(seen), all);
}
static void l10_a_pool_is_filled_before_it_is_asked_for(void **state)
{
    sim_config config;

    (void)state;
    config_of_all(&config);
    size_t all = run(&config)->candidate_count;
    config.pool = true;
    config.gather_at_ms = 2000;
    const sim_seen *seen = run(&config);
    assert_int_equal(live(seen), all);
    assert_int_equal(seen->ends, 1);
    for (size_t i = 0; i < all; i++) {
        assert_int_equal(seen->candidates[i].at_ms, 2000); /* all at once, when it is asked for */
    }
    config.gather_at_ms = 70; /* in the middle */
    assert_int_equal(live(run(&config)), all);
    config.gather_at_ms = 0; /* at once */
    assert_int_equal(live(run(&config)), all);
    config.gather_at_ms = 30000; /* never: all is released at close */
    assert_int_equal(run(&config)->candidate_count, 0);
}

/* A relay that is lost and had again in a full pool: nobody is told of the first, and the second
 * comes before the end; it is lost in its turn, when gathering asks whether it stands. */
static void l10_the_end_of_a_pool_is_its_end(void **state)
{
    sim_config config;

    (void)state;
    sim_config_simple(&config);
    sim_add_server(&config, true, "203.0.113.2", SIM_FORGETS);
    config.pool = true;
    config.run_ms = 705000;
    config.gather_at_ms = 700000;
    const sim_seen *seen = run(&config);
    assert_string_equal(seen->log, "gathering | host 10.0.1.2 | srflx 198.51.100.10 for 10.0.1.2 | "
                                   "relay 203.0.113.2 for 198.51.100.10 | withdrawn relay | "
                                   "relay 203.0.113.2 for 198.51.100.10 | complete | end | closed");
}

static void l10_new_options_throw_the_pool_away(void **state)
{
    sim_config config;

    (void)state;
    config_of_all(&config);
    config.pool = true;
    config.gather_at_ms = 2000;
    size_t all = run(&config)->candidate_count;
    sim_add_action(&config, SIM_SET_OPTIONS, 1000)->value = WITH(1U, FLOE_GATHER_POLICY_ALL);
    const sim_seen *seen = run(&config);
    assert_in_range(seen->candidate_count, 3,
                    all - 2); /* two hosts and the first server's; no relay */
    for (size_t i = 0; i < seen->candidate_count; i++) {
        assert_int_not_equal(seen->candidates[i].type, FLOE_CANDIDATE_TYPE_RELAY);
    }
    assert_int_equal(seen->ends, 1);
}

/* An interruption at every single step; check.c asserts. */
static void walk(bool pool, bool at_once, const sim_action_kind *kinds, size_t count)
{
    sim_config config;

    config_of_all(&config);
    config.run_ms = 4000;
    config.pool = pool;
    config.gather_at_ms = pool ? 55 : 0;
    (void)run(&config);
    size_t steps = report.steps;
    assert_in_range(steps, 50, 5000);
    for (size_t step = 1; step <= steps; step++) {
        config.action_count = 0;
        for (size_t i = 0; i < count; i++) {
            sim_action *action = sim_add_action(&config, kinds[i], 0);
            action->at_step = step + (i > 1 && !at_once ? 3 * i : 0);
            action->value = kinds[i] == SIM_SET_OPTIONS ? WITH(6U, FLOE_GATHER_POLICY_NOHOST) : 0;
        }
        (void)run(&config);
    }
}

static void l5_l7_interrupted_at_every_step(void **state)
{
    static const sim_action_kind close[] = {SIM_CLOSE};
    static const sim_action_kind restart[] = {SIM_RESTART};
    static const sim_action_kind restart_gather[] = {SIM_RESTART, SIM_GATHER};
    static const sim_action_kind options[] = {SIM_SET_OPTIONS, SIM_RESTART, SIM_GATHER};
    static const sim_action_kind late_options[] = {SIM_RESTART, SIM_SET_OPTIONS, SIM_GATHER};
    static const sim_action_kind toggle[] = {SIM_TOGGLE, SIM_GATHER, SIM_TOGGLE, SIM_GATHER};
    static const sim_action_kind all[] = {SIM_RESTART, SIM_GATHER, SIM_RESTART,
                                          SIM_GATHER,  SIM_GATHER, SIM_CLOSE};

    (void)state;
    for (int i = 0; i < 4; i++) {
        bool pool = i % 2 == 1;
        bool at_once = i / 2 == 1;
        walk(pool, at_once, close, 1);
        walk(pool, at_once, restart, 1);
        walk(pool, at_once, restart_gather, 2);
        walk(pool, at_once, options, 3);
        walk(pool, at_once, late_options, 3);
        walk(pool, at_once, toggle, 4);
        walk(pool, at_once, all, 6);
    }
}

static void every_allocation_fails_in_turn(void **state)
{
    sim_config config;

    (void)state;
    config_of_all(&config);
    sim_add_action(&config, SIM_GATHER, 2000);
    sim_add_action(&config, SIM_SET_OPTIONS, 3000)->value = WITH(7U, FLOE_GATHER_POLICY_NOHOST);
    sim_add_action(&config, SIM_RESTART, 4000);
    sim_add_action(&config, SIM_GATHER, 5000);
    sim_add_action(&config, SIM_TOGGLE, 6000);
    sim_add_action(&config, SIM_GATHER, 7000);
    size_t told = run(&config)->candidate_count;
    size_t all = report.allocations;
    size_t less = 0;
    assert_true(told >= 10); /* all kinds, from all servers, and those of another generation */
    for (size_t n = 1; n <= all; n++) {
        config.fail_at = n;
        less += run(&config)->candidate_count < told;
        assert_int_equal(report.left_memory, 0);
    }
    assert_in_range(less, 1, all - 1); /* some cost a candidate, and some none */
}

/* ── The associated gatherer (L13), on the core alone ── */

static void l13_an_associated_gatherer(void **state)
{
    counting_allocator memory;
    seeded_random random;
    floe_settings settings = FLOE_SETTINGS_INIT;
    const char *urls[] = {"stun:203.0.113.1"};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_interface_address list = {.interface_name = "eth0", .interface_index = 1, .up = true};
    static floe_core_output output;
    floe_core_shared *shared;
    floe_core *first;
    floe_core *second;
    floe_core *third;
    floe_parameters a = FLOE_PARAMETERS_INIT;
    floe_parameters b = FLOE_PARAMETERS_INIT;
    floe_time now = {1};
    bool seen = false;

    (void)state;
    counting_init(&memory);
    seeded_init(&random, 7);
    settings.allocator = &memory.table;
    server.urls = urls;
    server.url_count = 1;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    assert_int_equal(floe_core_shared_new(&settings, &random.table, &shared), FLOE_OK);
    assert_int_equal(floe_core_new(shared, &options, &first), FLOE_OK);
    assert_int_equal(floe_core_new_associated(first, &second), FLOE_OK);
    assert_int_equal(floe_core_new_associated(first, &third), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_core_new_associated(second, &third), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_core_restart(second, now), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_core_get_local_parameters(first, &a), FLOE_OK);
    assert_int_equal(floe_core_get_local_parameters(second, &b), FLOE_OK);
    assert_string_equal(a.username_fragment, b.username_fragment);
    assert_string_equal(a.password, b.password);
    assert_int_equal(floe_core_start(second, now), FLOE_OK);
    assert_int_equal(floe_core_state(first), FLOE_GATHERER_STATE_NEW);
    list.address = address_of("10.0.1.2:0");
    while (polled(second, now, &output)) {
        if (output.kind == FLOE_CORE_LIST_INTERFACES) {
            floe_core_interfaces(second, now, &list, 1);
        } else if (output.kind == FLOE_CORE_OPEN) {
            floe_address local = address_of("10.0.1.2:4000");
            floe_core_opened(second, now, output.channel, &local);
        } else if (output.kind == FLOE_CORE_CANDIDATE) {
            seen = true;
            assert_int_equal(output.candidate->component, 2);
            /* RFC 8445 §5.1.2.1: 256 - component. */
            assert_int_equal(output.candidate->priority, 2130706430);
        }
    }
    assert_true(seen);
    char before[257];
    (void)snprintf(before, sizeof before, "%s", a.password);
    assert_int_equal(floe_core_restart(first, now), FLOE_OK);
    assert_int_equal(floe_core_get_local_parameters(first, &a), FLOE_OK);
    assert_int_equal(floe_core_get_local_parameters(second, &b), FLOE_OK);
    assert_string_not_equal(a.password, before);
    assert_string_equal(a.password, b.password);
    assert_int_equal(floe_core_state(second), FLOE_GATHERER_STATE_NEW);
    floe_core_free(first);
    assert_int_equal(floe_core_state(second), FLOE_GATHERER_STATE_NEW);
    floe_core_free(second);
    floe_core_shared_free(shared);
    assert_int_equal(memory.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l5_gathering_again_reports_only_what_is_new),
        cmocka_unit_test(l5_an_address_that_comes_or_goes_is_noticed),
        cmocka_unit_test(l5_a_server_that_failed_gets_another_chance),
        cmocka_unit_test(l5_a_name_without_an_address_is_told_each_time),
        cmocka_unit_test(l10_a_pool_is_filled_before_it_is_asked_for),
        cmocka_unit_test(l10_the_end_of_a_pool_is_its_end),
        cmocka_unit_test(l10_new_options_throw_the_pool_away),
        cmocka_unit_test(l11_a_restart_uses_what_still_serves),
        cmocka_unit_test(l11_a_restart_in_the_middle_tells_nothing_more),
        cmocka_unit_test(l4_a_renewed_relay_tells_nothing_late),
        cmocka_unit_test(l12_options_take_effect_at_the_next_gathering),
        cmocka_unit_test(l12_a_loosened_policy_tells_what_was_held_back),
        cmocka_unit_test(l12_a_tightened_policy_takes_nothing_back),
        cmocka_unit_test(l13_an_associated_gatherer),
        cmocka_unit_test(l5_l7_interrupted_at_every_step),
        cmocka_unit_test(every_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}

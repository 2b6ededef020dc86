/* The peer's candidates: names, and those that it withdraws. */
#include "hand.h"

#include <stdio.h>
#include <string.h>

static const char *const named = "n 1 udp 2130706431 Abc-1.local 7000 typ host";

/* ── Names ── */

static void i15_a_name_is_looked_up(void **state)
{
    static const char *const one[] = {"198.51.100.7"};
    fixture f;
    floe_ice_pair_list *list = NULL;
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, named), FLOE_OK);
    assert_string_equal(f.names, "Abc-1.local");
    assert_string_equal(f.states, "checking");
    assert_int_equal(pair_count(&f), 0);
    found(&f, "abc-1.LOCAL.", FLOE_OK, one, 1);
    assert_int_equal(checks_to(&f, peer), 1);
    assert_int_equal(floe_ice_get_pairs(f.ice, &list), FLOE_OK);
    assert_int_equal(list->count, 1);
    assert_int_equal(floe_candidate_format(list->pairs[0]->remote, text, sizeof text), FLOE_OK);
    assert_string_equal(text, "candidate:n 1 udp 2130706431 Abc-1.local 7000 typ host");
    floe_ice_pair_list_free(list);
    found(&f, "abc-1.local", FLOE_OK, one, 1); /* that has ended */
    assert_int_equal(pair_count(&f), 1);
    assert_int_equal(add(&f, named), FLOE_OK);
    assert_string_equal(f.names, "Abc-1.local");
    respond(&f);
    assert_string_equal(f.states, "checking connected");
    end(&f);
}

/* None, many, of both families, and what would be refused. */
static void i15_names_with_any_number_of_addresses(void **state)
{
    static const char *const many[] = {"198.51.100.7", "127.0.0.1", "2001:db8::7",
                                       "198.51.100.8", "0.0.0.0",   "198.51.100.7"};
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, named), FLOE_OK);
    assert_int_equal(add(&f, "o 1 udp 100 none.local 7000 typ host"), FLOE_OK);
    assert_string_equal(f.names, "Abc-1.local none.local");
    found(&f, "none.local", FLOE_OK, NULL, 0);
    assert_int_equal(pair_count(&f), 0);
    found(&f, "Abc-1.local", FLOE_OK, many, 6);
    assert_int_equal(pair_count(&f), 2);
    run_until(&f, 510); /* they have one foundation */
    assert_true(checks_to(&f, "198.51.100.7:7000") > 0);
    assert_int_equal(checks_to(&f, "198.51.100.8:7000"), 1);
    end(&f);
}

static void i15_a_name_is_looked_up_once(void **state)
{
    static const char *const one[] = {"198.51.100.7"};
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, named), FLOE_OK);
    assert_int_equal(add(&f, "n 1 udp 2130706430 abc-1.local 7001 typ host"), FLOE_OK);
    assert_string_equal(f.names, "Abc-1.local");
    found(&f, "abc-1.local", FLOE_OK, one, 1);
    assert_int_equal(pair_count(&f), 2);
    assert_int_equal(pair_to(&f, "198.51.100.7:7001").remote_address.port, 7001);
    static const char *const lines[] = {"n 1 udp 3 two.local 7002 typ host",
                                        "n 1 udp 2 TWO.local 7003 typ host"};
    for (size_t i = 0; i < 2; i++) { /* both, before anybody has asked what is to be looked up */
        floe_candidate *candidate = NULL;
        assert_int_equal(floe_candidate_parse(lines[i], &candidate), FLOE_OK);
        assert_int_equal(floe_ice_add_remote_candidate(f.ice, f.now, candidate), FLOE_OK);
        floe_candidate_free(candidate);
    }
    outputs(&f);
    assert_string_equal(f.names, "Abc-1.local two.local");
    found(&f, "two.local", FLOE_OK, one, 1);
    assert_int_equal(pair_count(&f), 4);
    end(&f);
}

static void i15_which_names_are_looked_up(void **state)
{
    fixture f;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 100 host.example.com 1 typ host"), FLOE_ERR_UNSUPPORTED);
    assert_non_null(strstr(floe_last_error(), "resolve_names"));
    floe_candidate no_name = {.foundation = "a",
                              .component = 1,
                              .protocol = FLOE_PROTOCOL_UDP,
                              .priority = 100,
                              .address = "a..local",
                              .port = 1,
                              .type = FLOE_CANDIDATE_TYPE_HOST};
    assert_int_equal(floe_ice_add_remote_candidate(f.ice, f.now, &no_name),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(add(&f, "a 1 udp 100 a.local 0 typ host"), FLOE_ERR_INVALID_ARGUMENT);
    assert_string_equal(f.names, "");
    end(&f);
    options.no_local_names = true;
    options.resolve_names = true;
    begin_with(&f, &options);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, named), FLOE_ERR_UNSUPPORTED);
    assert_int_equal(add(&f, "a 1 udp 100 host.example.com 1 typ host"), FLOE_OK);
    assert_string_equal(f.names, "host.example.com");
    end(&f);
}

/* A peer makes us look up no more than it may have candidates, and no answer makes more of them. */
static void i15_names_are_bounded(void **state)
{
    static const char *const many[] = {"198.51.100.1", "198.51.100.2", "198.51.100.3"};
    fixture f;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;

    (void)state;
    options.max_remote_candidates = 3;
    begin_with(&f, &options);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 103 a.local 1 typ host"), FLOE_OK);
    assert_int_equal(add(&f, "b 1 udp 102 b.local 2 typ host"), FLOE_OK);
    assert_int_equal(add(&f, "c 1 udp 101 c.local 3 typ host"), FLOE_OK);
    assert_int_equal(add(&f, "d 1 udp 100 d.local 4 typ host"), FLOE_ERR_INVALID_STATE);
    assert_int_equal(add(&f, "d 1 udp 100 198.51.100.9 4 typ host"), FLOE_ERR_INVALID_STATE);
    found(&f, "a.local", FLOE_OK, many, 3);
    assert_int_equal(pair_count(&f), 1);
    found(&f, "b.local", FLOE_ERR_NOT_FOUND, NULL, 0);
    assert_int_equal(add(&f, "d 1 udp 100 d.local 4 typ host"), FLOE_ERR_INVALID_STATE);
    assert_int_equal(take_away(&f, "b 1 udp 102 b.local 2 typ host"), FLOE_OK);
    found(&f, "c.local", FLOE_OK, many, 3);
    assert_int_equal(pair_count(&f), 3);
    end(&f);
}

/* The end of candidates counts when the look-ups have ended. */
static void i15_it_does_not_fail_while_names_are_looked_up(void **state)
{
    static const char *const one[] = {"198.51.100.7"};
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, named), FLOE_OK);
    assert_int_equal(add(&f, NULL), FLOE_OK);
    run_until(&f, 60000);
    assert_string_equal(f.states, "checking");
    found(&f, "abc-1.local", FLOE_OK, one, 1);
    respond(&f);
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_CONNECTED);
    end(&f);
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, named), FLOE_OK);
    assert_int_equal(add(&f, NULL), FLOE_OK);
    run_until(&f, 60000);
    found(&f, "abc-1.local", FLOE_ERR_TIMED_OUT, NULL, 0);
    assert_string_equal(f.states, "checking failed");
    end(&f);
}

/* A look-up that ends when nobody waits for it any more, and one before the start. */
static void i15_look_ups_of_before(void **state)
{
    static const char *const one[] = {"198.51.100.7"};
    fixture f;
    floe_parameters remote = FLOE_PARAMETERS_INIT;

    (void)state;
    begin(&f);
    assert_int_equal(add(&f, "a 1 udp 100 a.local 1 typ host ufrag remo"), FLOE_OK);
    assert_int_equal(add(&f, "b 1 udp 100 b.local 2 typ host ufrag another"), FLOE_OK);
    assert_int_equal(add(&f, "c 1 udp 100 c.local 3 typ host ufrag another"), FLOE_OK);
    found(&f, "c.local", FLOE_OK, one, 1);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    found(&f, "a.local", FLOE_OK, one, 1);
    found(&f, "b.local", FLOE_OK, one, 1);
    assert_int_equal(pair_count(&f), 1);
    assert_int_equal(add(&f, "d 1 udp 100 d.local 4 typ host"), FLOE_OK);
    assert_int_equal(take_away(&f, "d 1 udp 100 D.local 4 typ host"), FLOE_OK);
    found(&f, "d.local", FLOE_OK, one, 1);
    assert_int_equal(pair_count(&f), 1);
    assert_int_equal(add(&f, "e 1 udp 100 e.local 5 typ host"), FLOE_OK);
    (void)snprintf(remote.username_fragment, sizeof remote.username_fragment, "anew");
    (void)snprintf(remote.password, sizeof remote.password, "%s", remote_password);
    assert_int_equal(floe_ice_start(f.ice, f.now, &remote, FLOE_ICE_ROLE_CONTROLLING), FLOE_OK);
    found(&f, "e.local", FLOE_OK, one, 1);
    assert_int_equal(pair_count(&f), 0);
    assert_int_equal(add(&f, "g 1 udp 100 g.local 5 typ host"), FLOE_OK);
    floe_ice_close(f.ice, f.now);
    found(&f, "g.local", FLOE_OK, one, 1);
    floe_ice_looked_up(NULL, f.now, "g.local", FLOE_OK, NULL, 0);
    floe_ice_looked_up(f.ice, f.now, NULL, FLOE_OK, NULL, 0);
    end(&f);
}

/* What a check has shown before takes the name. */
static void i15_a_name_of_what_a_check_has_shown(void **state)
{
    static const char *const one[] = {"198.51.100.7"};
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    check(&f, peer, &usual);
    assert_int_equal(add(&f, named), FLOE_OK);
    found(&f, "abc-1.local", FLOE_OK, one, 1);
    assert_int_equal(pair_count(&f), 1);
    assert_int_equal(pair_to(&f, peer).remote_type, FLOE_CANDIDATE_TYPE_HOST);
    respond(&f);
    assert_int_equal(take_away(&f, named), FLOE_OK);
    assert_int_equal(pair_count(&f), 0);
    end(&f);
}

static void i15_names_without_memory(void **state)
{
    static const char *const one[] = {"198.51.100.7"};
    fixture f;

    (void)state;
    for (size_t n = 1; n < 8; n++) {
        begin(&f);
        f.memory.fail_at = f.memory.calls + n;
        f.memory.fail_count = 1;
        if (add(&f, "a 1 udp 100 a.local 1 typ host ufrag remo") == FLOE_ERR_NO_MEMORY) {
            assert_int_equal(add(&f, "a 1 udp 100 a.local 1 typ host ufrag remo"), FLOE_OK);
        }
        found(&f, "a.local", FLOE_OK, one, 1);
        f.memory.fail_at = 0;
        start(&f, FLOE_ICE_ROLE_CONTROLLING);
        (void)take_away(&f, "a 1 udp 100 a.local 1 typ host ufrag remo");
        assert_int_equal(pair_count(&f), 0);
        end(&f);
    }
}

/* ── Candidates that are withdrawn ── */

static const char *const first = "a 1 udp 2130706431 198.51.100.7 7000 typ host";
static const char *const second = "b 1 udp 1694498815 198.51.100.8 8000 typ srflx raddr :: rport 9";

/* Signalling that replays what a server has said that was started again, ahead of its parameters: the same port, and more
 * candidates than there may be. */
static void i9_candidates_of_generations_that_are_over(void **state)
{
    static const char *const one[] = {"198.51.100.9"};
    fixture f;
    char text[128];

    (void)state;
    begin(&f);
    for (unsigned i = 0; i < 10; i++) {
        (void)snprintf(text, sizeof text, "n 1 udp 100 n%u.local 7000 typ host ufrag dead", i);
        assert_int_equal(add(&f, text), FLOE_OK);
    }
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(text, sizeof text, "a 1 udp 100 198.51.100.%u %u typ host ufrag dead%u",
                       i % 100 + 100, 1000 + i, i / 50);
        assert_int_equal(add(&f, text), FLOE_OK);
    }
    assert_int_equal(add(&f, "a 1 udp 100 198.51.100.7 7000 typ host ufrag dead"), FLOE_OK);
    assert_int_equal(add(&f, "a 1 udp 100 198.51.100.7 7000 typ host ufrag remo"), FLOE_OK);
    assert_int_equal(add(&f, "b 1 udp 100 b.local 7000 typ host ufrag dead"), FLOE_OK);
    assert_int_equal(add(&f, "b 1 udp 100 b.local 7000 typ host ufrag remo"), FLOE_OK);
    assert_int_equal(add(&f, "c 1 udp 100 198.51.100.8 7000 typ host ufrag dead"), FLOE_OK);
    assert_int_equal(add(&f, "c 1 udp 100 198.51.100.8 7000 typ host"), FLOE_OK); /* anybody's */
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    run_until(&f, 20);
    assert_int_equal(pair_count(&f), 2);
    assert_int_equal(pair_to(&f, peer).remote_address.port, 7000);
    assert_int_equal(pair_to(&f, "198.51.100.8:7000").remote_address.port, 7000);
    found(&f, "b.local", FLOE_OK, one, 1);
    assert_int_equal(pair_count(&f), 3);
    assert_int_equal(pair_to(&f, "198.51.100.9:7000").remote_address.port, 7000);
    end(&f);
}

/* A look-up ends at an address that has come before, of a generation that is over. */
static void i9_a_name_has_an_address_of_another_generation(void **state)
{
    static const char *const one[] = {"198.51.100.7"};
    fixture f;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        begin(&f);
        if (i == 0) {
            assert_int_equal(add(&f, "a 1 udp 100 198.51.100.7 7000 typ host ufrag dead"), FLOE_OK);
        } else {
            assert_int_equal(add(&f, "a 1 udp 100 old.local 7000 typ host ufrag dead"), FLOE_OK);
            found(&f, "old.local", FLOE_OK, one, 1);
        }
        assert_int_equal(add(&f, "a 1 udp 100 new.local 7000 typ host ufrag remo"), FLOE_OK);
        found(&f, "new.local", FLOE_OK, one, 1);
        start(&f, FLOE_ICE_ROLE_CONTROLLING);
        run_until(&f, 20);
        assert_int_equal(pair_count(&f), 1);
        assert_int_equal(checks_to(&f, peer), 1);
        end(&f);
    }
}

/* Two names of one generation have one address, and what is removed is that of the generation that it names. */
static void i9_one_address_of_two_names(void **state)
{
    static const char *const one[] = {"198.51.100.7"};
    static const char *const dead = "a 1 udp 100 198.51.100.7 7000 typ host ufrag dead";
    fixture f;

    (void)state;
    begin(&f);
    assert_int_equal(add(&f, "a 1 udp 100 one.local 7000 typ host ufrag remo"), FLOE_OK);
    found(&f, "one.local", FLOE_OK, one, 1);
    assert_int_equal(take_away(&f, dead), FLOE_ERR_NOT_FOUND);
    assert_int_equal(add(&f, "b 1 udp 100 two.local 7000 typ host"), FLOE_OK);
    found(&f, "two.local", FLOE_OK, one, 1);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(pair_count(&f), 1);
    end(&f);
    begin(&f);
    assert_int_equal(add(&f, dead), FLOE_OK);
    assert_int_equal(add(&f, "b 1 udp 100 two.local 7000 typ host ufrag remo"), FLOE_OK);
    found(&f, "two.local", FLOE_OK, one, 1);
    assert_int_equal(take_away(&f, dead), FLOE_OK);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(pair_count(&f), 1);
    end(&f);
}

/* It names the present generation, as Chromium's do. */
static void i15_a_name_of_this_generation(void **state)
{
    static const char *const chromiums = "a 1 udp 2130706431 one.local 7000 typ host ufrag remo";
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, chromiums), FLOE_OK);
    assert_int_equal(take_away(&f, chromiums), FLOE_OK);
    assert_int_equal(add(&f, chromiums), FLOE_OK);
    end(&f);
}

/* A name of a generation that is over, and more addresses than there is room for: no other name gives way, as all of them
 * are being looked at. */
static void i9_a_look_up_puts_out_no_other_name(void **state)
{
    static const char *const lines[] = {"a 1 udp 100 x.local 1000 typ host ufrag dead",
                                        "b 1 udp 99 x.local 2000 typ host ufrag remo",
                                        "c 1 udp 98 x.local 3000 typ host ufrag remo",
                                        "d 1 udp 97 x.local 4000 typ host ufrag remo",
                                        "e 1 udp 96 x.local 5000 typ host ufrag remo"};
    static const char *const two[] = {"198.51.100.7", "198.51.100.8"};
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    fixture f;

    (void)state;
    options.max_remote_candidates = 6;
    begin_with(&f, &options);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(add(&f, lines[i]), FLOE_OK);
    }
    found(&f, "x.local", FLOE_OK, two, 2);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    run_until(&f, 20);
    assert_true(pair_count(&f) >= 4 && pair_count(&f) <= 6);
    end(&f);
}

/* Names count as candidates do. */
static void i9_names_of_generations_that_are_over(void **state)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    char text[128];
    fixture f;

    (void)state;
    options.max_remote_candidates = 4;
    begin_with(&f, &options);
    for (unsigned i = 0; i < 4; i++) {
        (void)snprintf(text, sizeof text, "n 1 udp 100 n%u.local 7000 typ host ufrag dead", i);
        assert_int_equal(add(&f, text), FLOE_OK);
    }
    assert_int_equal(add(&f, "a 1 udp 100 198.51.100.7 7000 typ host ufrag remo"), FLOE_OK);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    run_until(&f, 20);
    assert_int_equal(pair_count(&f), 1);
    end(&f);
}

static void i9_a_candidate_is_removed(void **state)
{
    fixture f;

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, first), FLOE_OK);
    assert_int_equal(add(&f, second), FLOE_OK);
    assert_int_equal(take_away(&f, "a 1 udp 1 198.51.100.7 7000 typ host ufrag another"), FLOE_OK);
    assert_int_equal(take_away(&f, "a 2 udp 1 198.51.100.7 7000 typ host"), FLOE_ERR_NOT_FOUND);
    assert_int_equal(take_away(&f, "a 1 udp 1 198.51.100.7 7001 typ host"), FLOE_ERR_NOT_FOUND);
    assert_int_equal(take_away(&f, "a 1 udp 1 x.local 7001 typ host"), FLOE_ERR_NOT_FOUND);
    assert_int_equal(pair_count(&f), 2);
    assert_int_equal(take_away(&f, first), FLOE_OK);
    assert_int_equal(take_away(&f, first), FLOE_ERR_NOT_FOUND);
    assert_int_equal(pair_count(&f), 1);
    size_t before = checks_to(&f, "198.51.100.7:7000");
    run_until(&f, 5000);
    assert_int_equal(checks_to(&f, "198.51.100.7:7000"), before);
    assert_int_equal(add(&f, first), FLOE_OK); /* it may come again */
    assert_int_equal(pair_count(&f), 2);
    assert_int_equal(floe_ice_remove_remote_candidate(f.ice, f.now, NULL),
                     FLOE_ERR_INVALID_ARGUMENT);
    floe_ice_close(f.ice, f.now);
    assert_int_equal(take_away(&f, first), FLOE_ERR_INVALID_STATE);
    end(&f);
}

static void i9_the_pair_in_use_is_removed(void **state)
{
    fixture f;

    (void)state;
    begin(&f);
    f.answers = "198.51.100.8:8000";
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, first), FLOE_OK);
    respond(&f);
    assert_int_equal(add(&f, second), FLOE_OK);
    run_until(&f, 300);
    respond_to(&f, &f.sent[1], &(response){0});
    assert_true(pair_to(&f, "198.51.100.7:7000").selected);
    assert_true(pair_to(&f, "198.51.100.8:8000").valid);
    assert_int_equal(take_away(&f, first), FLOE_OK);
    assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
    outputs(&f);
    assert_int_equal(f.sent[f.count - 1].to.port, 8000);
    comes(&f, "198.51.100.7:7000", "late", 4); /* it was on its way */
    assert_true(f.delivered);
    run_until(&f, 1000);
    assert_true(pair_to(&f, "198.51.100.8:8000").selected);
    assert_int_equal(f.selected.remote_address.port, 8000);
    end(&f);
}

/* The last one: nothing is in use any more, and another may still come. */
static void i9_the_last_pair_is_removed(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    respond(&f);
    assert_int_equal(take_away(&f, first), FLOE_OK);
    assert_false(f.has_selected);
    assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_ERR_NOT_CONNECTED);
    assert_string_equal(f.states, "checking connected checking");
    end(&f);
}

/* Of a name: what is on its way from its address is delivered; and an address that was signalled as such too stays. */
static void i9_a_name_is_removed(void **state)
{
    static const char *const one[] = {"198.51.100.7"};
    static const char *const name = "a 1 udp 100 a.local 7000 typ host";
    fixture f;

    (void)state;
    for (int both = 0; both < 2; both++) {
        begin(&f);
        start(&f, FLOE_ICE_ROLE_CONTROLLING);
        assert_int_equal(add(&f, name), FLOE_OK);
        found(&f, "a.local", FLOE_OK, one, 1);
        respond(&f);
        if (both) {
            assert_int_equal(add(&f, first), FLOE_OK);
        }
        assert_int_equal(take_away(&f, name), FLOE_OK);
        assert_int_equal(pair_count(&f), both);
        comes(&f, "198.51.100.7:7000", "late", 4);
        assert_true(f.delivered);
        end(&f);
    }
}

/* Who has connected from it goes with it; and is it, though it is signalled after the check. */
static void i14_an_active_one_comes_late_and_goes(void **state)
{
    fixture f;
    static const char *const from = "198.51.100.7:33333";
    static const char *const active = "a 1 tcp 1675624447 198.51.100.7 9 typ host tcptype active";

    (void)state;
    tcp = true;
    begin(&f);
    tcp = false;
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    uint32_t one = accepted(&f, from);
    uint32_t two = accepted(&f, "198.51.100.9:33333");
    by(&f, two);
    check(&f, "198.51.100.9:33333", &usual);
    by(&f, one);
    check(&f, from, &usual);
    assert_int_equal(pair_to(&f, from).remote_type, FLOE_CANDIDATE_TYPE_PRFLX);
    assert_int_equal(add(&f, active), FLOE_OK);
    assert_int_equal(pair_to(&f, from).remote_type, FLOE_CANDIDATE_TYPE_HOST);
    assert_int_equal(pair_to(&f, "198.51.100.9:33333").remote_type, FLOE_CANDIDATE_TYPE_PRFLX);
    run_until(&f, ms(&f) + 20);
    respond_to(&f, latest_to(&f, from), &(response){.mapped = "192.0.2.1:5001"});
    assert_true(pair_to(&f, from).valid);
    assert_int_equal(take_away(&f, active), FLOE_OK);
    assert_int_equal(pair_count(&f), 1);
    end(&f);
}

/* Without memory nothing that works ends, and what was not taken is taken when it comes again. */
static void i15_candidates_without_memory(void **state)
{
    (void)state;
    for (int shown = 0; shown < 2; shown++) {
        floe_error error = FLOE_ERR_NO_MEMORY;
        for (uint32_t n = 1; error != FLOE_OK; n++) {
            fixture f;
            begin(&f);
            start(&f, FLOE_ICE_ROLE_CONTROLLED);
            f.answers = "198.51.100.7:7000";
            if (shown) {
                request what = usual;
                what.role = FLOE_STUN_ICE_CONTROLLING;
                check(&f, f.answers, &what);
                run_until(&f, ms(&f) + 20);
                what.use_candidate = true;
                check(&f, f.answers, &what);
            }
            f.memory.fail_at = f.memory.calls + n;
            f.memory.fail_count = 1;
            error = add(&f, first);
            f.memory.fail_at = 0;
            assert_true(!shown || pair_to(&f, f.answers).selected);
            if (!shown && error != FLOE_OK) {
                floe_candidate_list *list = NULL;
                assert_int_equal(floe_ice_get_remote_candidates(f.ice, &list), FLOE_OK);
                assert_int_equal(list->count, 0);
                floe_candidate_list_free(list);
            }
            assert_int_equal(add(&f, first), FLOE_OK);
            assert_int_equal(pair_count(&f), 1);
            end(&f);
        }
    }
}

/* A name that is signalled again after a restart is looked up already: that is for both. */
static void i15_a_name_of_before_comes_again(void **state)
{
    static const char *const one[] = {"198.51.100.7"};
    fixture f;
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    char name[64];

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 100 a.local 7000 typ host"), FLOE_OK);
    (void)snprintf(remote.username_fragment, sizeof remote.username_fragment, "anew");
    (void)snprintf(remote.password, sizeof remote.password, "%s", remote_password);
    assert_int_equal(floe_ice_start(f.ice, f.now, &remote, FLOE_ICE_ROLE_CONTROLLING), FLOE_OK);
    assert_int_equal(add(&f, "a 1 udp 100 A.local 7000 typ host"), FLOE_OK);
    assert_string_equal(f.names, "a.local"); /* once */
    found(&f, "a.local", FLOE_OK, one, 1);
    assert_int_equal(pair_count(&f), 1);
    assert_int_equal(take_away(&f, "a 1 udp 100 a.local 7000 typ host"), FLOE_OK);
    assert_int_equal(add(&f, "a 1 udp 100 a.local 7000 typ host"), FLOE_OK);
    assert_string_equal(f.names, "a.local a.local"); /* it had ended */
    f.names[0] = '\0';
    for (unsigned i = 0; i < 200;
         i++) { /* who signals and withdraws for ever does not fill the memory */
        (void)snprintf(name, sizeof name, "n 1 udp 100 n%u.local 7000 typ host", i);
        assert_int_equal(add(&f, name), FLOE_OK);
        assert_int_equal(take_away(&f, name), FLOE_OK);
        f.names[0] = '\0';
    }
    assert_int_equal(add(&f, "n 1 udp 100 n199.local 7000 typ host"), FLOE_OK);
    assert_string_equal(f.names, "");
    assert_int_equal(add(&f, "n 1 udp 100 n0.local 7000 typ host"), FLOE_OK); /* forgotten */
    assert_string_equal(f.names, "n0.local");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i15_a_name_is_looked_up),
        cmocka_unit_test(i15_names_with_any_number_of_addresses),
        cmocka_unit_test(i15_a_name_is_looked_up_once),
        cmocka_unit_test(i15_which_names_are_looked_up),
        cmocka_unit_test(i15_names_are_bounded),
        cmocka_unit_test(i15_it_does_not_fail_while_names_are_looked_up),
        cmocka_unit_test(i15_look_ups_of_before),
        cmocka_unit_test(i15_a_name_of_what_a_check_has_shown),
        cmocka_unit_test(i15_names_without_memory),
        cmocka_unit_test(i9_candidates_of_generations_that_are_over),
        cmocka_unit_test(i9_names_of_generations_that_are_over),
        cmocka_unit_test(i9_a_name_has_an_address_of_another_generation),
        cmocka_unit_test(i9_one_address_of_two_names),
        cmocka_unit_test(i15_a_name_of_this_generation),
        cmocka_unit_test(i9_a_look_up_puts_out_no_other_name),
        cmocka_unit_test(i9_a_candidate_is_removed),
        cmocka_unit_test(i9_the_pair_in_use_is_removed),
        cmocka_unit_test(i9_the_last_pair_is_removed),
        cmocka_unit_test(i9_a_name_is_removed),
        cmocka_unit_test(i14_an_active_one_comes_late_and_goes),
        cmocka_unit_test(i15_candidates_without_memory),
        cmocka_unit_test(i15_a_name_of_before_comes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

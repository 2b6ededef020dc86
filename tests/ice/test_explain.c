/* Why no pair works, in words. */
#include "hand.h"

#include <stdio.h>
#include <string.h>

static void says(const fixture *f, floe_ice_reason reason, const char *part)
{
    char text[FLOE_ICE_EXPLANATION_SIZE];

    assert_int_equal(floe_ice_explain(f->ice, text, sizeof text), FLOE_OK);
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", text, part);
    }
    assert_string_equal(floe_ice_reason_name(floe_ice_get_reason(f->ice)),
                        floe_ice_reason_name(reason));
}

static void pair_says(const fixture *f, const char *wanted)
{
    char text[FLOE_ICE_EXPLANATION_SIZE];
    floe_ice_pair_list *list = NULL;

    assert_int_equal(floe_ice_get_pairs(f->ice, &list), FLOE_OK);
    assert_int_equal(floe_ice_explain_pair(list->pairs[0], text, sizeof text), FLOE_OK);
    if (strstr(text, wanted) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", text, wanted);
    }
    floe_ice_pair_list_free(list);
}

static const floe_core_output no_more = {.kind = FLOE_CORE_CANDIDATE};

/* What is not told any more on either side. */
static void fails(fixture *f)
{
    (void)add(f, NULL);
    floe_ice_core_output(f->ice, f->now, &no_more);
    run_until(f, ms(f) + 90000);
    assert_int_equal(floe_ice_get_state(f->ice), FLOE_ICE_STATE_FAILED);
}

static void i22_how_it_stands(void **state)
{
    fixture f;
    char text[8];

    (void)state;
    begin(&f);
    says(&f, FLOE_ICE_REASON_NOT_STARTED, "has not been started");
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    says(&f, FLOE_ICE_REASON_NO_REMOTE_CANDIDATE,
         "No connection yet: the remote side has given no candidate (0 pairs). Look at");
    assert_int_equal(add(&f, "a 1 udp 100 a.local 1 typ host"), FLOE_OK);
    says(&f, FLOE_ICE_REASON_NONE, "No connection yet, names are looked up (0 pairs).");
    add_peer(&f);
    says(&f, FLOE_ICE_REASON_NONE, "(1 pair: 1 still to be checked).");
    pair_says(&f, "From 192.0.2.1 5000 (host) to 198.51.100.7:7000 (host): it is being checked.");
    respond(&f);
    says(&f, FLOE_ICE_REASON_NONE,
         "Data goes from a host candidate to 198.51.100.7:7000 (host), and no pair is chosen yet.");
    run_until(&f, 10);
    respond(&f);
    says(&f, FLOE_ICE_REASON_NONE, "Data goes from a host candidate to 198.51.100.7:7000 (host).");
    pair_says(&f, "it works, and is chosen.");
    run_until(&f, 11000);
    says(&f, FLOE_ICE_REASON_NONE, "nothing has come from there for a while.");
    assert_int_equal(floe_ice_explain(f.ice, text, sizeof text), FLOE_ERR_BUFFER_TOO_SMALL);
    assert_string_equal(text, "Data go");
    assert_int_equal(floe_ice_explain(f.ice, text, 0), FLOE_ERR_BUFFER_TOO_SMALL);
    floe_ice_close(f.ice, f.now);
    says(&f, FLOE_ICE_REASON_NONE, "closed");
    assert_int_equal(floe_ice_explain(NULL, text, 8), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_ice_explain_pair(NULL, text, 8), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_ice_get_reason(NULL), FLOE_ICE_REASON_NONE);
    assert_string_equal(floe_ice_reason_name((floe_ice_reason)99), "");
    end(&f);
}

static void i22_without_candidates(void **state)
{
    fixture f;
    const floe_candidate gone = {.id = 1};
    const floe_core_output withdrawn = {.kind = FLOE_CORE_CANDIDATE_WITHDRAWN, .candidate = &gone};

    (void)state;
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    fails(&f);
    says(&f, FLOE_ICE_REASON_NO_REMOTE_CANDIDATE, "No connection: the remote side has given no");
    end(&f);
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 100 127.0.0.1 1 typ host"), FLOE_ERR_INVALID_ARGUMENT);
    fails(&f);
    says(&f, FLOE_ICE_REASON_NO_REMOTE_CANDIDATE,
         "the remote side has no candidate but what this side refuses (0 pairs). Look at their "
         "addresses");
    end(&f);
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 100 a.local 1 typ host"), FLOE_OK);
    found(&f, "a.local", FLOE_ERR_NOT_FOUND, NULL, 0);
    fails(&f);
    says(&f, FLOE_ICE_REASON_NAMES, "are names");
    end(&f);
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    add_peer(&f);
    floe_ice_core_output(f.ice, f.now, &withdrawn);
    fails(&f);
    says(&f, FLOE_ICE_REASON_NO_LOCAL_CANDIDATE, "this side has no candidate (0 pairs)");
    end(&f);
    begin(&f);
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 100 2001:db8::1 1 typ host"), FLOE_OK);
    fails(&f);
    says(&f, FLOE_ICE_REASON_NO_PAIR, "address families");
    end(&f);
    tcp = true;
    begin(&f);
    tcp = false;
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 tcp 100 198.51.100.7 9 typ host tcptype active"), FLOE_OK);
    says(&f, FLOE_ICE_REASON_NONE, "No connection yet (0 pairs)."); /* the peer has to connect */
    fails(&f);
    says(&f, FLOE_ICE_REASON_SILENCE, "nothing has come from the remote side");
    end(&f);
}

static void i22_nothing_works(void **state)
{
    fixture f;
    const request wrong = {
        .priority = 1, .role = FLOE_STUN_ICE_CONTROLLED, .password = "anybodyElse+/0123456789"};

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    fails(&f);
    says(&f, FLOE_ICE_REASON_SILENCE,
         "nothing has come from the remote side (1 pair: 1 timed out).");
    says(&f, FLOE_ICE_REASON_SILENCE, "a TURN server helps");
    pair_says(&f, "no answer came: a NAT or firewall");
    end(&f);
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "r 1 udp 1 203.0.113.9 1 typ relay raddr :: rport 9"), FLOE_OK);
    fails(&f);
    says(&f, FLOE_ICE_REASON_SILENCE, "2 pairs: 2 timed out");
    says(&f, FLOE_ICE_REASON_SILENCE, "turns: over TCP");
    end(&f);
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    check(&f, peer, &usual);
    fails(&f);
    says(&f, FLOE_ICE_REASON_ONE_WAY, "checks arrive");
    pair_says(&f, "though the remote side's checks did");
    end(&f);
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    check(&f, peer, &wrong);
    says(&f, FLOE_ICE_REASON_CREDENTIALS, "1 checks and 0 answers");
    fails(&f);
    says(&f, FLOE_ICE_REASON_CREDENTIALS, "latest restart?");
    end(&f);
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    respond_to(&f, last_check(&f), &(response){.code = 401, .password = ""});
    fails(&f);
    says(&f, FLOE_ICE_REASON_CREDENTIALS, "0 checks and 1 answers");
    end(&f);
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    respond_to(&f, last_check(&f), &(response){.code = 500});
    fails(&f);
    says(&f, FLOE_ICE_REASON_REFUSED, "1 answered with an error (500)");
    pair_says(&f, "the remote side refuses the check (error 500).");
    end(&f);
}

/* Checks that name a remote side that we have not been told of. */
static void i22_a_peer_with_another_name(void **state)
{
    fixture f;
    char username[300];
    request other = usual;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    (void)snprintf(username, sizeof username, "%s:another", f.local.username_fragment);
    other.username = username;
    check(&f, peer, &other);
    fails(&f);
    says(&f, FLOE_ICE_REASON_CREDENTIALS, "1 checks");
    end(&f);
}

/* Also who has checked before, and has ended since. */
static void i22_the_network_refuses(void **state)
{
    fixture f;
    const floe_core_output icmp = {.kind = FLOE_CORE_UNREACHABLE,
                                   .candidate_id = 1,
                                   .remote = address_of(peer),
                                   .unreachable = FLOE_UNREACHABLE_PORT};

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    floe_ice_core_output(f.ice, f.now, &icmp);
    floe_ice_time(f.ice, f.now);
    outputs(&f);
    floe_ice_core_output(f.ice, f.now, &icmp);
    says(&f, FLOE_ICE_REASON_UNREACHABLE, "1 unreachable");
    check(&f, peer, &usual);
    for (unsigned i = 0; i < 2; i++) {
        run_until(&f, ms(&f) + 100);
        floe_ice_core_output(f.ice, f.now, &icmp);
    }
    says(&f, FLOE_ICE_REASON_UNREACHABLE, "1 unreachable). Does the remote side still run?");
    pair_says(&f, "ICMP");
    end(&f);
}

static void i22_it_has_worked(void **state)
{
    fixture f;

    (void)state;
    begin_with_peer(&f, FLOE_ICE_ROLE_CONTROLLING);
    respond(&f);
    run_until(&f, 60000);
    says(&f, FLOE_ICE_REASON_CONSENT, "No connection yet: it has worked");
    fails(&f);
    says(&f, FLOE_ICE_REASON_CONSENT, "No connection: it has worked");
    pair_says(&f, "it has worked");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i22_how_it_stands),       cmocka_unit_test(i22_without_candidates),
        cmocka_unit_test(i22_nothing_works),       cmocka_unit_test(i22_a_peer_with_another_name),
        cmocka_unit_test(i22_the_network_refuses), cmocka_unit_test(i22_it_has_worked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Pairs by TCP (RFC 6544). */
#include "hand.h"

#include <stdio.h>
#include <string.h>

static const char *const both = "s 1 tcp 1667235839 198.51.100.7 7000 typ host tcptype so";

static void i14_active_to_passive(void **state)
{
    fixture f;
    uint32_t priority = 0;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    assert_int_equal(add(&f, connecting), FLOE_OK);
    assert_int_equal(add(&f, both), FLOE_OK);
    assert_int_equal(pair_count(&f), 0);
    assert_int_equal(add(&f, listening), FLOE_OK);
    assert_int_equal(pair_count(&f), 1);
    assert_int_equal(f.ends[f.connecting].port, 7000);
    run_until(&f, 100);
    assert_int_equal(f.count, 0);
    connected(&f);
    assert_int_equal(f.count, 1); /* a check is the first thing that it says */
    assert_true(is_check(&f.sent[0]));
    floe_stun_message message = message_of(&f.sent[0]);
    assert_true(floe_stun_read_u32(&message, FLOE_STUN_PRIORITY, &priority));
    assert_int_equal(priority >> 24, 83);
    assert_int_equal(priority >> 21 & 7, 4);
    run_until(&f, 4000);
    assert_int_equal(f.count, 1); /* and it is sent once */
    respond_by(&f, f.connecting, "192.0.2.1:6000");
    assert_string_equal(f.states, "checking connected");
    floe_ice_pair pair = pair_to(&f, peer);
    assert_true(pair.valid);
    assert_int_equal(pair.local_type, FLOE_CANDIDATE_TYPE_HOST);
    assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
    outputs(&f);
    assert_memory_equal(f.sent[f.count - 1].data, "data", 4);
    by(&f, f.connecting);
    comes(&f, peer, "back", 4);
    assert_true(f.delivered);
    end(&f);
}

/* By the NAT of this side. */
static void i14_an_active_one_behind_a_nat(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    assert_int_equal(add(&f, listening), FLOE_OK);
    connected(&f);
    respond_by(&f, f.connecting, "203.0.113.77:4444");
    assert_int_equal(pair_to(&f, peer).local_type, FLOE_CANDIDATE_TYPE_PRFLX);
    end(&f);
}

static void i14_who_connects_to_us(void **state)
{
    fixture f;
    floe_ice_pair_list *list = NULL;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    assert_int_equal(add(&f, connecting), FLOE_OK);
    uint32_t channel = accepted(&f, "198.51.100.7:33333");
    by(&f, channel);
    check(&f, "198.51.100.7:33333", &usual);
    assert_int_equal(answered(&f), 0);
    assert_int_equal(pair_count(&f), 1);
    run_until(&f, 10);
    assert_int_equal(checks_to(&f, "198.51.100.7:33333"), 1); /* by the same connection */
    assert_int_equal(last_check(&f)->channel, channel);
    respond_by(&f, channel, "192.0.2.1:5001");
    assert_string_equal(f.states, "checking connected");
    assert_int_equal(floe_ice_get_pairs(f.ice, &list), FLOE_OK);
    assert_int_equal(list->pairs[0]->local->protocol, FLOE_PROTOCOL_TCP);
    assert_int_equal(list->pairs[0]->local->tcp_type, FLOE_TCP_TYPE_PASSIVE);
    assert_int_equal(list->pairs[0]->local->type, FLOE_CANDIDATE_TYPE_HOST);
    assert_int_equal(list->pairs[0]->remote->tcp_type, FLOE_TCP_TYPE_ACTIVE);
    assert_int_equal(list->pairs[0]->remote_type, FLOE_CANDIDATE_TYPE_HOST); /* by its address */
    floe_ice_pair_list_free(list);
    channel = accepted(&f, "198.51.100.8:44444"); /* of whom nobody has told */
    by(&f, channel);
    check(&f, "198.51.100.8:44444", &usual);
    assert_int_equal(pair_to(&f, "198.51.100.8:44444").remote_type, FLOE_CANDIDATE_TYPE_PRFLX);
    end(&f);
}

/* Pairs of one protocol alone: the same address for UDP and for TCP. */
static void i14_pairs_of_one_protocol(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    assert_int_equal(add(&f, listening), FLOE_OK);
    add_peer(&f);
    assert_int_equal(pair_count(&f), 2);
    check(&f, peer, &usual); /* by UDP */
    assert_int_equal(pair_count(&f), 2);
    assert_int_equal(take_away(&f, listening), FLOE_OK);
    assert_int_equal(pair_count(&f), 1);
    end(&f);
    begin(&f); /* no candidate for TCP of ours */
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, listening), FLOE_OK);
    assert_int_equal(pair_count(&f), 0);
    end(&f);
}

static void i14_a_connection_that_is_refused(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    assert_int_equal(add(&f, listening), FLOE_OK);
    refused(&f);
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_FAILED);
    assert_int_equal(pair_to(&f, peer).failure, FLOE_ICE_FAILURE_UNREACHABLE);
    end(&f);
}

/* Others of the foundation do not wait for one that does not answer. */
static void i14_slow_by_tcp(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    assert_int_equal(add(&f, listening), FLOE_OK);
    uint32_t first = f.connecting;
    assert_int_equal(add(&f, "p 1 tcp 100 198.51.100.8 8000 typ host tcptype passive"), FLOE_OK);
    run_until(&f, 400);
    assert_int_equal(f.connecting, first);
    run_until(&f, 510);
    assert_int_equal(f.ends[f.connecting].port, 8000);
    end(&f);
}

/* The pair in use: a check goes first by the new connection, and then what is sent. */
static void i14_a_connection_in_use_that_ends(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    (void)choose_tcp(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_true(pair_to(&f, peer).selected);
    uint32_t before = f.connecting;
    size_t count = f.count;
    disconnected(&f, before);
    assert_int_not_equal(f.connecting, before);
    assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
    connected(&f);
    assert_int_equal(f.count, count + 2);
    assert_true(is_check(&f.sent[count]));
    assert_memory_equal(f.sent[count + 1].data, "data", 4);
    assert_true(pair_to(&f, peer).selected);
    by(&f, f.connecting);
    respond(&f);
    by(&f, 0);
    run_until(&f, 2000);
    disconnected(&f, f.connecting);
    refused(&f);
    run_until(&f, 2600); /* the next check cannot be sent */
    assert_false(pair_to(&f, peer).valid);
    assert_int_equal(pair_to(&f, peer).failure, FLOE_ICE_FAILURE_UNREACHABLE);
    end(&f);
}

/* The peer restarts and ends its connections, the one with our new check in it too (Pion): another one is made for the new
 * generation, and says nothing of the old one. */
static void i14_a_connection_that_ends_in_a_restart(void **state)
{
    fixture f;
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    floe_span username;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    (void)choose_tcp(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    (void)snprintf(remote.username_fragment, sizeof remote.username_fragment, "other");
    (void)snprintf(remote.password, sizeof remote.password, "anotherPassword+/0123456789");
    assert_int_equal(floe_ice_start(f.ice, f.now, &remote, FLOE_ICE_ROLE_CONTROLLING), FLOE_OK);
    outputs(&f);
    size_t count = f.count;
    assert_int_equal(add(&f, listening), FLOE_OK);
    run_until(&f, ms(&f) + 10);
    assert_int_equal(f.count, count + 1); /* by the connection that there is */
    uint32_t before = f.connecting;
    disconnected(&f, before);
    assert_int_not_equal(f.connecting, before);
    connected(&f);
    assert_int_equal(f.count, count + 2);
    assert_true(is_check(&f.sent[count + 1]));
    floe_stun_message message = message_of(&f.sent[count + 1]);
    assert_true(floe_stun_find(&message, FLOE_STUN_USERNAME, &username));
    assert_memory_equal(username.data, "other:", 6);
    by(&f, f.connecting);
    respond_to(&f, &f.sent[count + 1],
               &(response){.mapped = "192.0.2.1:6000", .password = remote.password});
    by(&f, 0);
    assert_true(pair_to(&f, peer).valid);
    end(&f);
}

/* A check that is lost with its connection goes by one more, and no further. */
static void i14_connections_that_end_before_the_answer(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    assert_int_equal(add(&f, listening), FLOE_OK);
    connected(&f);
    uint32_t before = f.connecting;
    disconnected(&f, before);
    assert_int_not_equal(f.connecting, before);
    connected(&f);
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_IN_PROGRESS);
    disconnected(&f, f.connecting);
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_FAILED);
    assert_int_equal(pair_to(&f, peer).failure, FLOE_ICE_FAILURE_UNREACHABLE);
    end(&f);
}

/* After a restart Pion may leave a connection open that it reads no more. */
static void i14_a_connection_that_nobody_reads(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    assert_int_equal(add(&f, listening), FLOE_OK);
    connected(&f);
    uint32_t first = f.connecting;
    run_until(&f, 4900);
    assert_int_equal(f.connecting, first);
    run_until(&f, 5100);
    assert_int_not_equal(f.connecting, first);
    size_t count = f.count;
    connected(&f);
    assert_int_equal(f.count, count + 1);
    by(&f, f.connecting);
    respond(&f);
    by(&f, 0);
    assert_true(pair_to(&f, peer).valid);
    end(&f);
}

/* The pair of before goes on by the connection that the checks of the new generation go by: the peer may not know of it yet. */
static void i11_a_restart_ends_no_connection_that_is_read(void **state)
{
    fixture f;
    floe_parameters remote = FLOE_PARAMETERS_INIT;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    (void)choose_tcp(&f, FLOE_ICE_ROLE_CONTROLLING);
    uint32_t connection = f.connecting;
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    (void)snprintf(remote.username_fragment, sizeof remote.username_fragment, "other");
    (void)snprintf(remote.password, sizeof remote.password, "anotherPassword+/0123456789");
    assert_int_equal(floe_ice_start(f.ice, f.now, &remote, FLOE_ICE_ROLE_CONTROLLING), FLOE_OK);
    outputs(&f);
    assert_int_equal(add(&f, listening), FLOE_OK);
    for (int second = 0; second < 30; second++) {
        by(&f, f.connecting);
        comes(&f, peer, "data", 4);
        by(&f, 0);
        run_until(&f, ms(&f) + 1000);
    }
    assert_int_equal(f.connecting, connection);
    end(&f);
}

/* Three connections, and in all as long as RFC 8489 §6.2.2 has a request wait. */
static void i14_connections_that_nobody_reads(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    assert_int_equal(add(&f, listening), FLOE_OK);
    connected(&f);
    run_until(&f, 5100);
    connected(&f);
    run_until(&f, 15100);
    uint32_t third = f.connecting;
    connected(&f);
    run_until(&f, 39000);
    assert_int_equal(f.connecting, third);
    assert_int_equal(pair_to(&f, peer).state, FLOE_ICE_PAIR_IN_PROGRESS);
    run_until(&f, 40000);
    assert_int_equal(pair_to(&f, peer).failure, FLOE_ICE_FAILURE_TIMEOUT);
    assert_int_equal(checks_to(&f, peer), 3);
    end(&f);
}

/* Who has connected to us is not to be reached any more: another pair is used in the same moment. */
static void i14_who_has_connected_to_us_goes(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    uint32_t channel = accepted(&f, "198.51.100.7:33333");
    by(&f, channel);
    check(&f, "198.51.100.7:33333", &usual);
    respond_by(&f, channel, "192.0.2.1:5001");
    run_until(&f, 1100);
    respond_by(&f, channel, "192.0.2.1:5001");
    assert_true(pair_to(&f, "198.51.100.7:33333").selected);
    check(&f, "198.51.100.9:9999", &usual); /* by UDP */
    run_until(&f, 1200);
    respond(&f);
    assert_true(pair_to(&f, "198.51.100.9:9999").valid);
    disconnected(&f, channel);
    assert_int_equal(pair_to(&f, "198.51.100.7:33333").state, FLOE_ICE_PAIR_FAILED);
    assert_int_equal(floe_ice_send(f.ice, f.now, "data", 4), FLOE_OK);
    outputs(&f);
    assert_int_equal(f.sent[f.count - 1].to.port, 9999);
    end(&f);
}

/* One that is not in use is checked again before it is used. */
static void i14_an_idle_connection_that_ends(void **state)
{
    fixture f;

    (void)state;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    f.answers = peer;
    add_peer(&f);
    f.answers = NULL;
    run_until(&f, 20);
    respond(&f);
    assert_int_equal(add(&f, "p 1 tcp 100 198.51.100.8 8000 typ host tcptype passive"), FLOE_OK);
    run_until(&f, 40);
    connected(&f);
    respond_by(&f, f.connecting, "192.0.2.1:6000");
    assert_true(pair_to(&f, "198.51.100.8:8000").valid);
    uint32_t before = f.connecting;
    disconnected(&f, before);
    assert_false(pair_to(&f, "198.51.100.8:8000").valid);
    run_until(&f, 60);
    assert_int_not_equal(f.connecting, before);
    connected(&f);
    respond_by(&f, f.connecting, "192.0.2.1:6000");
    assert_true(pair_to(&f, "198.51.100.8:8000").valid);
    end(&f);
}

/* A relay for TCP lets in who may connect to its passive candidate (RFC 6062 §4.4), and who is behind a NAT by the address
 * that the NAT shows; and its active candidate asks the server to connect. */
static void i14_relays_for_tcp(void **state)
{
    fixture f;

    (void)state;
    relays = true;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    relays = false;
    assert_int_equal(add(&f, "u 1 udp 1694498815 203.0.113.50 7000 typ srflx raddr :: rport 9"),
                     FLOE_OK);
    run_until(&f, 200);
    assert_string_equal(f.permitted, "203.0.113.50"); /* by the relay for UDP */
    assert_int_equal(add(&f, connecting), FLOE_OK);
    run_until(&f, 400);
    assert_string_equal(f.permitted, "203.0.113.50 203.0.113.50 198.51.100.7");
    assert_int_equal(pair_count(&f), 2); /* by UDP */
    assert_int_equal(add(&f, "q 1 tcp 100 198.51.100.9 9000 typ host tcptype passive"), FLOE_OK);
    assert_int_equal(pair_count(&f), 4); /* and by TCP, from the host and from the relay */
    run_until(&f, 600);
    assert_non_null(strstr(f.permitted, "198.51.100.9")); /* the server is to connect there */
    end(&f);
    relays = late = true;
    begin_tcp(&f, FLOE_ICE_ROLE_CONTROLLING, false);
    relays = false;
    assert_int_equal(add(&f, connecting), FLOE_OK);
    run_until(&f, 100);
    assert_string_equal(f.permitted, "");
    late = false;
    outputs(&f);
    run_until(&f, 200);
    assert_string_equal(f.permitted, "198.51.100.7");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i14_active_to_passive),
        cmocka_unit_test(i14_an_active_one_behind_a_nat),
        cmocka_unit_test(i14_who_connects_to_us),
        cmocka_unit_test(i14_pairs_of_one_protocol),
        cmocka_unit_test(i14_a_connection_that_is_refused),
        cmocka_unit_test(i14_slow_by_tcp),
        cmocka_unit_test(i14_a_connection_that_nobody_reads),
        cmocka_unit_test(i14_connections_that_nobody_reads),
        cmocka_unit_test(i11_a_restart_ends_no_connection_that_is_read),
        cmocka_unit_test(i14_relays_for_tcp),
        cmocka_unit_test(i14_a_connection_in_use_that_ends),
        cmocka_unit_test(i14_a_connection_that_ends_in_a_restart),
        cmocka_unit_test(i14_connections_that_end_before_the_answer),
        cmocka_unit_test(i14_who_has_connected_to_us_goes),
        cmocka_unit_test(i14_an_idle_connection_that_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

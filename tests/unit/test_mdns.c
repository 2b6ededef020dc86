/* mdns: the responder's and the querier's rules (RFC 6762), and hostile neighbours. */
#include "support.h"

#include "mdns/mdns.h"

#include <stdio.h>
#include <string.h>

#define NAME "6c1ecf1b-8e65-4f4e-9a5b-6ad1bd2ea4b5.local"

static const floe_mdns_link eth0 = {2, FLOE_FAMILY_IPV4};
static const floe_mdns_link eth1 = {3, FLOE_FAMILY_IPV4};

typedef struct fixture {
    counting_allocator memory;
    seeded_random random;
    floe_mdns *mdns;
    floe_time now;
    floe_address own;
    floe_address neighbour;
    floe_mdns_output output;
    floe_mdns_message message;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    floe_mdns_link links[] = {eth0};

    memset(&f, 0, sizeof f);
    counting_init(&f.memory);
    seeded_init(&f.random, 5);
    f.mdns = floe_mdns_new(&f.memory.table, &f.random.table);
    assert_non_null(f.mdns);
    f.now = (floe_time){1000000000};
    f.own = address_of("10.0.1.2:0");
    f.neighbour = address_of("10.0.1.9:5353");
    floe_mdns_set_links(f.mdns, f.now, links, 1);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    floe_mdns_free(f->mdns);
    assert_int_equal(f->memory.live, 0);
    return 0;
}

static void pass(fixture *f, uint64_t ms)
{
    f->now.ns += ms * 1000000;
    floe_mdns_time(f->mdns, f->now);
}

/* The next packet that is sent, parsed; false: there is none. */
static bool sent(fixture *f)
{
    while (floe_mdns_poll(f->mdns, &f->output)) {
        if (f->output.kind == FLOE_MDNS_SEND) {
            assert_true(floe_mdns_parse(f->output.data, f->output.size, &f->message));
            return true;
        }
    }
    return false;
}

static size_t count_sent(fixture *f)
{
    size_t count = 0;

    while (sent(f)) {
        count++;
    }
    return count;
}

static void publish(fixture *f, bool probe)
{
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &f->own, probe), FLOE_OK);
}

/* Publishes, and lets both announcements go. */
static void publish_and_settle(fixture *f)
{
    publish(f, false);
    assert_int_equal(count_sent(f), 1);
    pass(f, 1000);
    assert_int_equal(count_sent(f), 1);
    pass(f, 5000);
}

static void receive(fixture *f, const uint8_t *data, size_t size)
{
    uint8_t *exact = exact_copy(data, size, 0);

    floe_mdns_receive(f->mdns, f->now, &eth0, &f->neighbour, exact, size);
    exact_free(exact, 0);
}

/* A query for both families in one message, as others write it. */
static size_t query_both(const char *name, uint8_t *data, size_t room)
{
    static const uint8_t aaaa[] = {0xc0, 12, 0, 28, 0, 1};
    size_t size = floe_mdns_write_query(name, FLOE_FAMILY_IPV4, NULL, data, room);

    assert_true(size > 0 && room - size >= sizeof aaaa);
    memcpy(&data[size], aaaa, sizeof aaaa);
    data[5] = 2;
    return size + sizeof aaaa;
}

/* A query; `top`: the unicast-response bit. */
static void ask(fixture *f, const char *name, bool top)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    size_t size = query_both(name, data, sizeof data);

    if (top) { /* the class of the first question stands behind its name and type */
        size_t at = 12;
        while (data[at] != 0) {
            at += data[at] + 1U;
        }
        data[at + 3] |= 0x80;
    }
    receive(f, data, size);
}

static void say(fixture *f, const char *name, const char *address, uint32_t ttl)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    floe_address theirs = address_of(address);
    floe_mdns_answer answer = {
        .name = name, .address = &theirs, .family = theirs.family, .ttl = ttl};
    size_t size = floe_mdns_write_answer(&answer, data, sizeof data);

    assert_true(size > 0);
    receive(f, data, size);
}

static void h2_announced_twice_and_answered(void **state)
{
    fixture *f = *state;

    publish(f, false);
    assert_true(sent(f));
    assert_true(f->message.response);
    assert_int_equal(f->output.to.family, FLOE_FAMILY_NONE);
    assert_int_equal(f->message.record_count, 1);
    assert_string_equal(f->message.records[0].name, NAME);
    assert_int_equal(f->message.records[0].ttl, 120);
    assert_memory_equal(f->message.records[0].address.ip, f->own.ip, 16);
    assert_false(sent(f));
    pass(f, 999);
    assert_false(sent(f));
    pass(f, 1);
    assert_true(sent(f));
    pass(f, 100000);
    assert_false(sent(f));
    ask(f, NAME, false);
    assert_true(sent(f));
    assert_int_equal(f->message.record_count, 1);
    ask(f, "other.local", false);
    assert_false(sent(f));
}

static void h2_never_more_than_once_a_second(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    for (int i = 0; i < 500; i++) {
        ask(f, NAME, false);
    }
    assert_int_equal(count_sent(f), 1);
    pass(f, 999);
    assert_int_equal(count_sent(f), 0);
    pass(f, 1); /* those that asked meanwhile are answered now, all at once */
    assert_int_equal(count_sent(f), 1);
    pass(f, 10000);
    assert_int_equal(count_sent(f), 0);
}

/* The second announcement too: a probe had its answer a moment before it was due. */
static void h2_not_even_to_announce(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    floe_address theirs = address_of("10.0.1.9:0");

    publish(f, false);
    assert_int_equal(count_sent(f), 1);
    pass(f, 900);
    receive(f, data, floe_mdns_write_query(NAME, FLOE_FAMILY_NONE, &theirs, data, sizeof data));
    assert_int_equal(count_sent(f), 1); /* §6: a probe is answered after a quarter of a second */
    pass(f, 100);
    assert_int_equal(count_sent(f), 0);
    pass(f, 900);
    assert_int_equal(count_sent(f), 1);
}

static void h2_names_without_regard_to_case(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    ask(f, "6C1ECF1B-8E65-4F4E-9A5B-6AD1BD2EA4B5.LOCAL", false);
    assert_int_equal(count_sent(f), 1);
}

static void h2_unicast_when_asked_and_lately_said(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    ask(f, NAME, true);
    assert_true(sent(f));
    assert_true(floe_address_equal(&f->output.to, &f->neighbour));
    pass(f, 31000); /* a quarter of the TTL has passed: all others want to hear it again */
    ask(f, NAME, true);
    assert_true(sent(f));
    assert_int_equal(f->output.to.family, FLOE_FAMILY_NONE);
}

static void h2_known_answers_are_not_given(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    floe_mdns_answer known = {
        .name = NAME, .address = &f->own, .family = FLOE_FAMILY_IPV4, .ttl = 60};

    publish_and_settle(f);
    /* An answer's records, under a query's header and question. */
    size_t query = query_both(NAME, data, sizeof data);
    uint8_t answer[FLOE_MDNS_MESSAGE_SIZE];
    size_t size = floe_mdns_write_answer(&known, answer, sizeof answer);
    memcpy(&data[query], &answer[12], size - 12);
    data[7] = 1;  /* one answer */
    data[11] = 1; /* the NSEC beside it */
    receive(f, data, query + size - 12);
    assert_int_equal(count_sent(f), 0);
    known.ttl = 59; /* less than half of its time: it is said again */
    size = floe_mdns_write_answer(&known, answer, sizeof answer);
    memcpy(&data[query], &answer[12], size - 12);
    receive(f, data, query + size - 12);
    assert_int_equal(count_sent(f), 1);
    /* With TC set more known answers may follow: they are waited for (RFC 6762 7.2). */
    pass(f, 5000);
    query = query_both(NAME, data, sizeof data);
    data[2] |= 0x02;
    receive(f, data, query);
    assert_int_equal(count_sent(f), 0);
    known.ttl = 120;
    size = floe_mdns_write_answer(&known, answer, sizeof answer);
    answer[2] &= 0x7f; /* a query without questions */
    receive(f, answer, size);
    pass(f, 600);
    assert_int_equal(count_sent(f), 0);
    receive(f, data, query);
    pass(f, 500);
    assert_int_equal(count_sent(f), 1); /* nothing followed */
}

static void h2_legacy_askers_get_id_question_and_short_ttl(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    publish_and_settle(f);
    size_t size = query_both(NAME, data, sizeof data);
    data[0] = 0x12;
    data[1] = 0x34;
    f->neighbour.port = 40000;
    receive(f, data, size);
    assert_true(sent(f));
    assert_int_equal(f->output.to.port, 40000);
    assert_int_equal(f->message.id, 0x1234);
    assert_int_equal(f->message.question_count, 1);
    assert_int_equal(f->message.records[0].ttl, 10);
}

static void h2_goodbye_with_the_last_owner(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    publish(f, false); /* the other component's */
    floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    assert_false(sent(f));
    floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    assert_true(sent(f));
    assert_int_equal(f->message.records[0].ttl, 0);
    floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    assert_false(sent(f));
    ask(f, NAME, false);
    assert_false(sent(f));
}

static void h2_probed_three_times_first(void **state)
{
    fixture *f = *state;

    publish(f, true);
    for (int i = 0; i < 3; i++) {
        assert_true(sent(f));
        assert_false(f->message.response);
        assert_int_equal(f->message.records[0].section, FLOE_MDNS_AUTHORITY);
        assert_false(sent(f));
        ask(f, NAME, false);
        assert_false(sent(f)); /* it is not ours yet */
        pass(f, 250);
    }
    assert_true(sent(f));
    assert_true(f->message.response);
}

static bool taken(fixture *f)
{
    while (floe_mdns_poll(f->mdns, &f->output)) {
        if (f->output.kind == FLOE_MDNS_TAKEN) {
            return true;
        }
    }
    return false;
}

static void h2_a_probe_that_is_answered_means_taken(void **state)
{
    fixture *f = *state;

    publish(f, true);
    say(f, NAME, "10.0.1.9:0", 120);
    assert_true(taken(f));
    assert_string_equal(f->output.name, NAME);
    pass(f, 10000);
    assert_false(sent(f));
}

static void h2_another_claims_our_name(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    say(f, NAME, "10.0.1.2:0", 120); /* our own words */
    assert_false(sent(f));
    say(f, NAME, "10.0.1.9:0", 0); /* their goodbye */
    assert_false(sent(f));
    say(f, NAME, "10.0.1.9:0", 120);
    assert_int_equal(count_sent(f), 1); /* we say that it is ours */
    for (int i = 0; i < 100; i++) {
        say(f, NAME, "10.0.1.9:0", 120);
    }
    assert_int_equal(count_sent(f), 0); /* a flood is not answered */
    assert_false(taken(f));
    pass(f, 1500);
    say(f, NAME, "10.0.1.9:0", 120);
    assert_true(taken(f)); /* they insist */
}

static void h2_two_that_probe_at_once(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    floe_address lower = address_of("10.0.1.1:0");
    floe_address higher = address_of("10.0.1.3:0");

    publish(f, true);
    assert_int_equal(count_sent(f), 1);
    receive(f, data, floe_mdns_write_query(NAME, FLOE_FAMILY_NONE, &lower, data, sizeof data));
    pass(f, 250);
    assert_int_equal(count_sent(f), 1); /* we go on */
    receive(f, data, floe_mdns_write_query(NAME, FLOE_FAMILY_NONE, &higher, data, sizeof data));
    pass(f, 250);
    assert_int_equal(count_sent(f), 0); /* we wait a second, and begin again */
    pass(f, 750);
    assert_int_equal(count_sent(f), 1);
}

static void h2_a_link_that_comes_hears_of_it(void **state)
{
    fixture *f = *state;
    floe_mdns_link links[] = {eth0, eth1};

    publish_and_settle(f);
    floe_mdns_set_links(f->mdns, f->now, links, 2);
    assert_int_equal(count_sent(f), 2);
    floe_mdns_set_links(f->mdns, f->now, links, 2);
    assert_int_equal(count_sent(f), 0);
}

/* ── Look-ups ── */

static bool resolved(fixture *f)
{
    while (floe_mdns_poll(f->mdns, &f->output)) {
        if (f->output.kind == FLOE_MDNS_RESOLVED) {
            return true;
        }
    }
    return false;
}

static void look_up(fixture *f, const char *name, uint64_t ms, void *asker)
{
    assert_int_equal(floe_mdns_look_up(f->mdns, f->now, name, floe_milliseconds(ms), asker),
                     FLOE_OK);
}

static void h2_a_name_is_found(void **state)
{
    fixture *f = *state;
    int asker;

    look_up(f, "Peer.local", 5000, &asker);
    assert_true(sent(f));
    assert_false(f->message.response);
    /* One question each: Chromium's responder passes over a query with two. */
    assert_int_equal(f->message.question_count, 1);
    assert_true(f->message.questions[0].ipv4 && !f->message.questions[0].ipv6);
    assert_true(sent(f));
    assert_int_equal(f->message.question_count, 1);
    assert_true(f->message.questions[0].ipv6 && !f->message.questions[0].ipv4);
    assert_false(sent(f));
    say(f, "peer.local", "10.0.1.77:0", 120);
    assert_true(resolved(f));
    assert_ptr_equal(f->output.asker, &asker);
    assert_int_equal(f->output.error, FLOE_OK);
    assert_int_equal(f->output.addresses[0].ip[3], 77);
    assert_false(resolved(f));
}

static void h2_nobody_answers(void **state)
{
    fixture *f = *state;
    size_t queries = 0;

    look_up(f, "peer.local", 5000, NULL);
    for (int i = 0; i < 50; i++) {
        queries += count_sent(f);
        pass(f, 100);
        if (i < 49) {
            assert_false(f->output.kind == FLOE_MDNS_RESOLVED);
        }
    }
    assert_true(resolved(f));
    assert_int_equal(f->output.error, FLOE_ERR_TIMED_OUT);
    assert_int_equal(queries, 6); /* two each, after 0, 1 and 3 seconds */
}

static void h2_one_question_for_many_askers(void **state)
{
    fixture *f = *state;
    int askers[10];

    for (int i = 0; i < 10; i++) {
        look_up(f, "peer.local", 5000, &askers[i]);
    }
    assert_int_equal(count_sent(f), 2); /* one for each family */
    floe_mdns_forget(f->mdns, &askers[0]);
    pass(f, 1000);
    say(f, "peer.local", "10.0.1.77:0", 120);
    for (int i = 1; i < 10; i++) {
        assert_true(resolved(f));
    }
    assert_false(resolved(f));
}

static void h2_look_ups_in_parallel_are_bounded(void **state)
{
    fixture *f = *state;
    char name[32];

    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "peer-%d.local", i);
        look_up(f, name, 2000, NULL);
    }
    assert_int_equal(count_sent(f), 2 * FLOE_MDNS_QUERIES_MAX);
    say(f, "peer-3.local", "10.0.1.77:0", 120);
    assert_true(resolved(f));
    assert_int_equal(count_sent(f), 2); /* the next has its turn */
    pass(f, 2000);
    for (int i = 0; i < 99; i++) {
        assert_true(resolved(f));
        assert_int_equal(f->output.error, FLOE_ERR_TIMED_OUT);
    }
}

static void h2_our_own_name_needs_no_question(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    look_up(f, NAME, 5000, NULL);
    assert_true(resolved(f));
    assert_memory_equal(f->output.addresses[0].ip, f->own.ip, 16);
}

/* An answer that comes from another port than 5353 did not come from a responder (RFC 6762 6). */
static void h2_answers_from_other_ports_do_not_count(void **state)
{
    fixture *f = *state;

    look_up(f, "peer.local", 5000, NULL);
    f->neighbour.port = 5354;
    say(f, "peer.local", "10.0.1.77:0", 120);
    assert_false(resolved(f));
}

/* ── Hostile neighbours ── */

static void hostile_messages(void **state)
{
    fixture *f = *state;
    static uint8_t data[9000];

    publish_and_settle(f);
    look_up(f, "peer.local", 100000, NULL);
    (void)count_sent(f);
    /* Truncated at every byte. */
    size_t size = floe_mdns_write_query(NAME, FLOE_FAMILY_NONE, &f->own, data, sizeof data);
    for (size_t n = 0; n < size; n++) {
        receive(f, data, n);
    }
    /* A compression pointer to itself, and two in a circle. */
    static const uint8_t loop[] = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1};
    static const uint8_t circle[] = {0, 0, 0,    0,  0,    2,  0, 0, 0, 0,
                                     0, 0, 0xc0, 14, 0xc0, 12, 0, 1, 0, 1};
    receive(f, loop, sizeof loop);
    receive(f, circle, sizeof circle);
    /* Thousands of questions for our name: one answer. */
    pass(f, 5000);
    (void)count_sent(f);
    memset(data, 0, 12);
    size_t used = floe_mdns_write_query(NAME, FLOE_FAMILY_IPV4, NULL, data, sizeof data);
    unsigned count = 1;
    while (used + 6 <= sizeof data) { /* each of the rest: a pointer to the first's name */
        static const uint8_t again[] = {0xc0, 12, 0, 1, 0, 1};
        memcpy(&data[used], again, sizeof again);
        used += sizeof again;
        count++;
    }
    data[4] = (uint8_t)(count >> 8);
    data[5] = (uint8_t)count;
    receive(f, data, used);
    assert_in_range(count_sent(f), 0, 1);
    /* Noise. */
    for (int i = 0; i < 20000; i++) {
        size = seeded_below(&f->random, 200);
        for (size_t k = 0; k < size; k++) {
            data[k] = (uint8_t)seeded_next(&f->random);
        }
        receive(f, data, size);
    }
    assert_in_range(count_sent(f), 0, 2);
    /* It lives on. */
    pass(f, 5000);
    (void)count_sent(f);
    ask(f, NAME, false);
    assert_int_equal(count_sent(f), 1);
}

/* Whatever is asked, what waits to be sent stays bounded when nobody polls. */
static void hostile_floods_stay_bounded(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    f->neighbour.port = 1; /* legacy askers are answered each */
    for (int i = 0; i < 5000; i++) {
        ask(f, NAME, false);
    }
    assert_in_range(count_sent(f), 1, 512);
}

static void every_allocation_fails_in_turn(void **state)
{
    (void)state;
    for (size_t n = 1; n < 40; n++) {
        counting_allocator memory;
        seeded_random random;
        floe_mdns_link link = eth0;
        floe_mdns_output output;
        floe_time now = {1000000000};
        floe_address own = address_of("10.0.1.2:0");
        counting_init(&memory);
        memory.fail_at = n;
        memory.fail_count = 1;
        seeded_init(&random, 5);
        floe_mdns *mdns = floe_mdns_new(&memory.table, &random.table);
        if (mdns == NULL) {
            continue;
        }
        floe_mdns_set_links(mdns, now, &link, 1);
        (void)floe_mdns_publish(mdns, now, NAME, &own, false);
        (void)floe_mdns_look_up(mdns, now, "peer.local", floe_milliseconds(100), NULL);
        for (int i = 0; i < 20; i++) {
            now.ns += 100000000;
            floe_mdns_time(mdns, now);
            while (floe_mdns_poll(mdns, &output)) {
            }
        }
        floe_mdns_unpublish(mdns, now, NAME, &own);
        floe_mdns_free(mdns);
        assert_int_equal(memory.live, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(h2_announced_twice_and_answered),
        TEST(h2_never_more_than_once_a_second),
        TEST(h2_not_even_to_announce),
        TEST(h2_names_without_regard_to_case),
        TEST(h2_unicast_when_asked_and_lately_said),
        TEST(h2_known_answers_are_not_given),
        TEST(h2_legacy_askers_get_id_question_and_short_ttl),
        TEST(h2_goodbye_with_the_last_owner),
        TEST(h2_probed_three_times_first),
        TEST(h2_a_probe_that_is_answered_means_taken),
        TEST(h2_another_claims_our_name),
        TEST(h2_two_that_probe_at_once),
        TEST(h2_a_link_that_comes_hears_of_it),
        TEST(h2_a_name_is_found),
        TEST(h2_nobody_answers),
        TEST(h2_one_question_for_many_askers),
        TEST(h2_look_ups_in_parallel_are_bounded),
        TEST(h2_our_own_name_needs_no_question),
        TEST(h2_answers_from_other_ports_do_not_count),
        TEST(hostile_messages),
        TEST(hostile_floods_stay_bounded),
        cmocka_unit_test(every_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests_name("mdns", tests, NULL, NULL);
}

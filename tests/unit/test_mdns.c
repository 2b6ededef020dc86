/* mdns: the responder's and the querier's rules (RFC 6762), and hostile neighbours. */
#include "support.h"

#include "mdns/mdns.h"

#include <stdio.h>
#include <string.h>

#define NAME "6c1ecf1b-8e65-4f4e-9a5b-6ad1bd2ea4b5.local"

static const floe_mdns_link eth0 = {2, FLOE_FAMILY_IPV4};
static const floe_mdns_link eth0_v6 = {2, FLOE_FAMILY_IPV6};
static const floe_mdns_link eth1 = {3, FLOE_FAMILY_IPV4};

typedef struct fixture {
    counting_allocator memory;
    seeded_random random;
    floe_mdns *mdns;
    floe_time now;
    floe_address own;
    floe_mdns_arrival arrival; /* of what a neighbour says */
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
    f.arrival =
        (floe_mdns_arrival){eth0, address_of("10.0.1.9:5353"), .to_group = true, .neighbour = true};
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

/* The addresses in the message at hand. */
static size_t count_addresses(const fixture *f)
{
    size_t count = 0;

    for (size_t i = 0; i < f->message.record_count; i++) {
        count += f->message.records[i].address.family != FLOE_FAMILY_NONE;
    }
    return count;
}

/* Whether it says that there is nothing else. */
static bool says_no_more(const fixture *f)
{
    return count_addresses(f) < f->message.record_count;
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
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &f->own, eth0.interface_index, probe),
                     FLOE_OK);
}

/* Lets go what is to be said, and a while behind it. */
static void settle(fixture *f)
{
    for (int i = 0; i < 5; i++) {
        (void)count_sent(f);
        pass(f, 1000);
    }
    assert_int_equal(count_sent(f), 0);
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

    floe_mdns_receive(f->mdns, f->now, &f->arrival, exact, size);
    exact_free(exact, 0);
}

/* A query for both families in one message, as others write it. */
static size_t query_both(const char *name, uint8_t *data, size_t room)
{
    static const uint8_t aaaa[] = {0xc0, 12, 0, 28, 0, 1};
    size_t size = floe_mdns_write_query(name, FLOE_FAMILY_IPV4, data, room);

    assert_true(size > 0 && room - size >= sizeof aaaa);
    memcpy(&data[size], aaaa, sizeof aaaa);
    data[5] = 2;
    return size + sizeof aaaa;
}

/* A query for whatever the name has; `top`: the unicast-response bit. */
static void ask(fixture *f, const char *name, bool top)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    size_t size = floe_mdns_write_query(name, FLOE_FAMILY_IPV4, data, sizeof data);

    data[size - 3] = 255;
    data[size - 2] |= top ? 0x80 : 0;
    receive(f, data, size);
}

static size_t write_answer(const char *name, const floe_address *address, uint32_t ttl,
                           uint8_t *data)
{
    floe_mdns_answer answer = {.name = name, .count = 1};

    answer.addresses[0].address = *address;
    answer.addresses[0].ttl = ttl;
    answer.addresses[0].place = FLOE_MDNS_AS_ANSWER;
    return floe_mdns_write_answer(&answer, data, FLOE_MDNS_MESSAGE_SIZE);
}

/* A probe for our name, by somebody who proposes that. */
static void probe(fixture *f, const char *proposed)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    floe_address theirs = address_of(proposed);

    receive(f, data, floe_mdns_write_probe(NAME, &theirs, 1, data, sizeof data));
}

static void say(fixture *f, const char *name, const char *address, uint32_t ttl)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    floe_address theirs = address_of(address);
    size_t size = write_answer(name, &theirs, ttl, data);

    assert_true(size > 0);
    receive(f, data, size);
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
    assert_int_equal(
        floe_mdns_look_up(f->mdns, f->now, name, FLOE_FAMILY_NONE, floe_milliseconds(ms), asker),
        FLOE_OK);
}

static void h2_announced_twice_and_answered(void **state)
{
    fixture *f = *state;

    publish(f, false);
    assert_true(sent(f));
    assert_true(f->message.response);
    assert_int_equal(f->output.to.family, FLOE_FAMILY_NONE);
    assert_int_equal(count_addresses(f), 1);
    assert_true(says_no_more(f));
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
    assert_int_equal(count_addresses(f), 1);
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

    publish(f, false);
    assert_int_equal(count_sent(f), 1);
    pass(f, 900);
    probe(f, "10.0.1.9:0");
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
    assert_true(floe_address_equal(&f->output.to, &f->arrival.source));
    /* §6.1: beside an address stands that there is nothing else. */
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    size_t size = floe_mdns_write_query(NAME, FLOE_FAMILY_IPV4, data, sizeof data);
    data[size - 2] |= 0x80;
    receive(f, data, size);
    assert_true(sent(f));
    assert_int_equal(f->output.to.port, f->arrival.source.port);
    assert_int_equal(f->message.record_count, 2);
    assert_int_equal(f->message.records[0].section, FLOE_MDNS_ANSWER);
    assert_int_equal(f->message.records[1].section, FLOE_MDNS_ADDITIONAL);
    assert_true(says_no_more(f));
    pass(f, 31000); /* a quarter of the TTL has passed: all others want to hear it again */
    ask(f, NAME, true);
    assert_true(sent(f));
    assert_int_equal(f->output.to.family, FLOE_FAMILY_NONE);
}

/* The records of an answer, under a query's header and question. */
static size_t query_with_known(fixture *f, uint32_t ttl, uint8_t *data)
{
    uint8_t answer[FLOE_MDNS_MESSAGE_SIZE];
    size_t query = floe_mdns_write_query(NAME, FLOE_FAMILY_IPV4, data, FLOE_MDNS_MESSAGE_SIZE);
    size_t size = write_answer(NAME, &f->own, ttl, answer);

    memcpy(&data[query], &answer[12], size - 12);
    data[7] = 1; /* one answer */
    return query + size - 12;
}

static void h2_known_answers_are_not_given(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    publish_and_settle(f);
    receive(f, data, query_with_known(f, 60, data));
    assert_int_equal(count_sent(f), 0);
    receive(f, data, query_with_known(f, 59, data)); /* less than half of its time */
    assert_int_equal(count_sent(f), 1);
}

/* §7.2: with TC set more known answers may follow, from the same host. */
static void h2_known_answers_are_waited_for(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    uint8_t known[FLOE_MDNS_MESSAGE_SIZE];

    publish_and_settle(f);
    size_t query = floe_mdns_write_query(NAME, FLOE_FAMILY_IPV4, data, sizeof data);
    size_t size = write_answer(NAME, &f->own, 120, known);
    data[2] |= 0x02;
    known[2] &= 0x7f; /* a query without questions */
    receive(f, data, query);
    assert_int_equal(count_sent(f), 0);
    receive(f, known, size);
    pass(f, 600);
    assert_int_equal(count_sent(f), 0); /* it knew */
    receive(f, data, query);
    pass(f, 399);
    assert_int_equal(count_sent(f), 0);
    pass(f, 101);
    assert_int_equal(count_sent(f), 1); /* nothing followed */
    pass(f, 5000);
    receive(f, data, query);
    f->arrival.source = address_of("10.0.1.8:5353");
    receive(f, known, size); /* what another knows is nothing to the asker */
    pass(f, 500);
    assert_int_equal(count_sent(f), 1);
    pass(f, 5000);
    receive(f, data, query);
    f->arrival.source = address_of("10.0.1.9:5353");
    receive(f, data, query); /* two wait for it */
    receive(f, known, size);
    pass(f, 500);
    assert_int_equal(count_sent(f), 1);
}

/* How long it takes till something is sent: it is at hand then. In steps of a millisecond. */
static uint64_t time_to_answer(fixture *f)
{
    for (uint64_t ms = 0; ms < 5000; ms++) {
        if (sent(f)) {
            return ms;
        }
        pass(f, 1);
    }
    fail_msg("nothing is sent");
    return 0;
}

/* §6: who goes on to say what it knows makes nothing be said twice in a second. */
static void h2_known_answers_hasten_nothing(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    publish_and_settle(f);
    ask(f, NAME, false);
    assert_int_equal(count_sent(f), 1);
    size_t size = floe_mdns_write_query(NAME, FLOE_FAMILY_IPV4, data, sizeof data);
    data[2] |= 0x02;
    receive(f, data, size);
    pass(f, 10);
    data[5] = 0; /* no question, and more to come */
    receive(f, data, 12);
    assert_int_equal(time_to_answer(f), 990);
    assert_int_equal(count_addresses(f), 1);
}

/* §7.2: a question with the unicast-response bit waits for them as well. */
static void h2_known_answers_are_waited_for_by_unicast_too(void **state)
{
    fixture *f = *state;
    floe_address third = address_of("[2001:db8::7]:0");
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    uint8_t known[FLOE_MDNS_MESSAGE_SIZE];

    publish(f, false);
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &third, 2, false), FLOE_OK);
    settle(f);
    size_t query = query_both(NAME, data, sizeof data);
    size_t size = write_answer(NAME, &f->own, 120, known);
    data[2] |= 0x02;
    data[query - 8] |= 0x80;
    data[query - 2] |= 0x80;
    known[2] &= 0x7f;
    receive(f, data, query);
    assert_in_range(time_to_answer(f), 400, 500);
    assert_true(floe_address_equal(&f->output.to, &f->arrival.source));
    assert_int_equal(count_addresses(f), 2); /* all that it wants, in one */
    assert_int_equal(f->message.records[1].section, FLOE_MDNS_ANSWER);
    pass(f, 5000);
    assert_int_equal(count_sent(f), 0);
    receive(f, data, query);
    receive(f, known, size);
    assert_in_range(time_to_answer(f), 400, 500);
    assert_int_equal(count_addresses(f), 1); /* what it knows is left out */
    assert_int_equal(f->message.records[0].address.family, FLOE_FAMILY_IPV6);
    /* It goes on and on: each time it is waited for. */
    receive(f, data, query);
    pass(f, 390);
    known[2] |= 0x02;
    known[7] = 0;
    receive(f, known, 12);
    assert_in_range(time_to_answer(f), 400, 500);
    assert_false(sent(f));
    /* Another wants to hear it by multicast: both do. */
    receive(f, data, query);
    f->arrival.source = address_of("10.0.1.8:5353");
    ask(f, NAME, false);
    assert_true(sent(f));
    assert_int_equal(f->output.to.family, FLOE_FAMILY_NONE);
    assert_int_equal(count_addresses(f), 2);
    /* And not within a second of the last time, whoever came first. */
    receive(f, data, query);
    f->arrival.source = address_of("10.0.1.9:5353");
    ask(f, NAME, false);
    receive(f, data, query);
    assert_int_equal(time_to_answer(f), 1000);
    assert_int_equal(f->output.to.family, FLOE_FAMILY_NONE);
    pass(f, 5000);
    assert_int_equal(count_sent(f), 0);
}

/* §6.3: one of several questions may be another machine's, so that both would answer in one moment.
 */
static void h2_several_questions_are_answered_a_moment_later(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    uint64_t soonest = 1000;
    uint64_t latest = 0;

    publish_and_settle(f);
    for (int i = 0; i < 200; i++) {
        bool direct = i % 2 == 1;
        size_t size = query_both(NAME, data, sizeof data);
        data[size - 8] |= direct ? 0x80 : 0;
        data[size - 2] |= direct ? 0x80 : 0;
        receive(f, data, size);
        uint64_t ms = time_to_answer(f);
        soonest = ms < soonest ? ms : soonest;
        latest = ms > latest ? ms : latest;
        assert_int_equal(f->output.to.port, direct ? f->arrival.source.port : 0);
        assert_int_equal(count_addresses(f), 1);
        assert_true(says_no_more(f));
        pass(f, 2000);
        assert_false(sent(f));
    }
    assert_in_range(soonest, 20, 25);
    assert_in_range(latest, 115, 120);
    /* Whoever asks again and again is answered no later. */
    size_t size = query_both(NAME, data, sizeof data);
    data[size - 8] |= 0x80;
    data[size - 2] |= 0x80;
    for (int i = 0; i < 120; i++) {
        receive(f, data, size);
        pass(f, 1);
    }
    assert_in_range(count_sent(f), 1, 6);
}

/* §6.3, §8.1: who probes is told at once, however it asks, and however often. */
static void h2_a_name_is_defended_at_once(void **state)
{
    fixture *f = *state;
    floe_address theirs = address_of("10.0.1.9:0");
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    publish_and_settle(f);
    size_t size = floe_mdns_write_probe(NAME, &theirs, 1, data, sizeof data);
    data[2] |= 0x02;
    receive(f, data, size);
    assert_true(sent(f));
    assert_int_equal(count_addresses(f), 1);
    for (int i = 0; i < 3; i++) {
        pass(f, 250);
        receive(f, data, size);
        assert_int_equal(count_sent(f), 1);
    }
    /* Though it has asked for the name before. */
    pass(f, 5000);
    size_t query = floe_mdns_write_query(NAME, FLOE_FAMILY_IPV4, data, sizeof data);
    data[2] |= 0x02;
    receive(f, data, query);
    assert_false(sent(f));
    size = floe_mdns_write_probe(NAME, &theirs, 1, data, sizeof data);
    data[2] |= 0x02;
    receive(f, data, size);
    assert_true(sent(f));
    /* By unicast, where it wants that; and beside another question. */
    pass(f, 250);
    uint8_t more[FLOE_MDNS_MESSAGE_SIZE];
    static const uint8_t again[] = {0xc0, 12, 0, 255, 0x80, 1};
    memcpy(more, data, query);
    more[query - 2] |= 0x80;
    memcpy(&more[query], again, sizeof again);
    memcpy(&more[query + sizeof again], &data[query], size - query);
    more[5] = 2;
    receive(f, more, size + sizeof again);
    assert_true(sent(f));
    assert_true(floe_address_equal(&f->output.to, &f->arrival.source));
}

/* But not for more names than the machine can look through for each packet: those are told at once.
 */
static void h2_known_answers_are_waited_for_by_some(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    char name[32];

    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "host-%d.local", i);
        assert_int_equal(floe_mdns_publish(f->mdns, f->now, name, &f->own, 2, false), FLOE_OK);
    }
    settle(f);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "host-%d.local", i);
        size_t size = floe_mdns_write_query(name, FLOE_FAMILY_IPV4, data, sizeof data);
        data[2] |= 0x02;
        receive(f, data, size);
    }
    assert_int_equal(count_sent(f), 36);
    pass(f, 500);
    assert_int_equal(count_sent(f), 64);
    for (int i = 0; i < 100; i++) { /* nor those who wait to be told by unicast */
        (void)snprintf(name, sizeof name, "host-%d.local", i);
        size_t size = query_both(name, data, sizeof data);
        data[size - 8] |= 0x80;
        data[size - 2] |= 0x80;
        receive(f, data, size);
    }
    assert_int_equal(count_sent(f), 36);
    pass(f, 120);
    assert_int_equal(count_sent(f), 64);
}

#define SHOUTED "6C1ECF1B-8E65-4F4E-9A5B-6AD1BD2EA4B5.local"

/* §6.7: the question comes back as it was asked. */
static void h2_legacy_askers_get_id_question_and_short_ttl(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    publish_and_settle(f);
    size_t size = query_both(SHOUTED, data, sizeof data);
    data[0] = 0x12;
    data[1] = 0x34;
    f->arrival.source.port = 40000;
    receive(f, data, size);
    assert_true(sent(f));
    assert_int_equal(f->output.to.port, 40000);
    assert_memory_equal(&f->output.data[12], &data[12], size - 12);
    assert_int_equal(f->message.question_count, 0);
    /* As a response it says no questions; as a query it would. */
    f->output.data[2] &= 0x7f;
    assert_true(floe_mdns_parse(f->output.data, f->output.size, &f->message));
    assert_int_equal(f->message.id, 0x1234);
    assert_int_equal(f->message.question_count, 2);
    assert_int_equal(count_addresses(f), 1);
    for (size_t i = 0; i < f->message.record_count; i++) {
        assert_int_equal(f->message.records[i].ttl, 10);
        assert_false(f->message.records[i].flush);
    }
    /* ANY stays ANY. */
    static const uint8_t any[] = {0, 255, 0, 1};
    size = floe_mdns_write_query(SHOUTED, FLOE_FAMILY_IPV4, data, sizeof data);
    memcpy(&data[size - 4], any, sizeof any);
    receive(f, data, size);
    assert_true(sent(f));
    assert_memory_equal(&f->output.data[12], &data[12], size - 12);
    assert_int_equal(count_addresses(f), 1);
}

/* §6.7, §10.1: whose goodbye is still to come is no answer any more; a legacy asker would keep it. */
static void h2_legacy_askers_are_told_no_address_that_is_gone(void **state)
{
    fixture *f = *state;
    floe_address second = address_of("10.0.1.7:0");

    publish(f, false);
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &second, 2, false), FLOE_OK);
    settle(f);
    ask(f, NAME, false);
    assert_true(sent(f));
    floe_mdns_unpublish(f->mdns, f->now, NAME, &second);
    f->arrival.source.port = 40000;
    ask(f, NAME, false);
    assert_true(sent(f));
    assert_int_equal(f->output.to.port, 40000);
    assert_int_equal(count_addresses(f), 1);
    assert_memory_equal(f->message.records[0].address.ip, f->own.ip, 16);
    pass(f, 1000); /* and the goodbye comes all the same */
    assert_true(sent(f));
    assert_int_equal(count_addresses(f), 2);
}

/* An answer that nobody has polled goes with all the rest (tear_down counts). */
static void h2_an_answer_that_was_not_polled(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    f->arrival.source.port = 40000;
    ask(f, NAME, false);
}

/* §10.1: others keep what was announced, though the name has gone back to probing since. */
static void h2_goodbye_of_a_disputed_name(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    say(f, NAME, "10.0.1.9:0", 120);
    pass(f, 400);
    assert_true(sent(f)); /* a probe */
    floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    assert_true(sent(f));
    assert_int_equal(f->message.record_count, 1);
    assert_int_equal(f->message.records[0].ttl, 0);
    publish(f, true); /* of what was never announced nobody has to hear */
    pass(f, 251);
    (void)count_sent(f);
    floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    assert_false(sent(f));
}

/* The next packet that says goodbye of this address, on this interface; so much later, or 0: none
 * within ten seconds. Before it comes nothing there, or `probes`. */
static uint64_t time_to_goodbye(fixture *f, const floe_address *address, uint32_t interface_index,
                                bool probes)
{
    for (uint64_t ms = 1; ms < 10000; ms++) {
        pass(f, 1);
        while (sent(f)) {
            for (size_t i = 0; i < f->message.record_count; i++) {
                const floe_mdns_record *record = &f->message.records[i];
                if (record->ttl == 0 && floe_address_same_ip(&record->address, address)) {
                    return ms;
                }
            }
            assert_true(f->output.link.interface_index != interface_index ||
                        (probes && !f->message.response));
        }
    }
    return 0;
}

/* §10.1: of an address that goes while its name is disputed, or had gone just before, others are told
 * when the name is ours again; and at once on a link where nothing of it is left. */
static void h2_goodbye_of_an_address_of_a_disputed_name(void **state)
{
    fixture *f = *state;
    floe_address second = address_of("[2001:db8::7]:0");
    floe_address third = address_of("10.0.2.7:0");
    floe_mdns_link links[] = {eth0, eth1};
    const floe_mdns_arrival here = f->arrival;

    for (int before = 0; before < 2; before++) {
        publish(f, false);
        assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &second, 2, false), FLOE_OK);
        settle(f);
        ask(f, NAME, false);
        assert_true(sent(f)); /* a goodbye has to wait */
        if (before == 1) {
            floe_mdns_unpublish(f->mdns, f->now, NAME, &second);
        }
        say(f, NAME, "10.0.1.250:0", 120);
        if (before == 0) {
            floe_mdns_unpublish(f->mdns, f->now, NAME, &second);
        }
        assert_in_range(time_to_goodbye(f, &second, 2, true), 750, 1100);
        assert_int_equal(count_addresses(f), 2);
        settle(f);
        ask(f, NAME, false);
        assert_true(sent(f));
        assert_int_equal(count_addresses(f), 1);
        pass(f, 5000);
        floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
        (void)count_sent(f);
    }
    floe_mdns_set_links(f->mdns, f->now, links, 2);
    for (int before = 0; before < 2; before++) {
        publish(f, false);
        assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &third, 3, false), FLOE_OK);
        settle(f);
        f->arrival.link = eth1;
        ask(f, NAME, false);
        assert_true(sent(f));
        f->arrival = here;
        if (before == 1) {
            floe_mdns_unpublish(f->mdns, f->now, NAME, &third);
        }
        say(f, NAME, "10.0.1.250:0", 120);
        if (before == 0) {
            floe_mdns_unpublish(f->mdns, f->now, NAME, &third);
        }
        assert_int_equal(time_to_goodbye(f, &third, 3, false), 1000);
        assert_int_equal(f->output.link.interface_index, 3);
        assert_int_equal(count_addresses(f), 1);
        settle(f);
        floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
        (void)count_sent(f);
    }
    /* It comes back before that: it is probed for there as everywhere, and there is no goodbye. */
    publish(f, false);
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &third, 3, false), FLOE_OK);
    settle(f);
    say(f, NAME, "10.0.1.250:0", 120);
    floe_mdns_unpublish(f->mdns, f->now, NAME, &third);
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &third, 3, false), FLOE_OK);
    size_t probes = 0;
    for (int ms = 0; ms < 5000; ms++) {
        pass(f, 1);
        while (sent(f)) {
            bool there = f->output.link.interface_index == 3;
            probes += there && !f->message.response;
            assert_true(!there || !f->message.response || probes == 3);
            for (size_t i = 0; i < f->message.record_count; i++) {
                assert_int_equal(f->message.records[i].ttl, 120);
            }
        }
    }
    assert_int_equal(probes, 3);
    f->arrival.link = eth1;
    ask(f, NAME, false);
    assert_true(sent(f));
    assert_int_equal(count_addresses(f), 1);
}

#define LINKS 4
#define ADDRESSES 6

static const floe_mdns_link each_link[LINKS] = {
    {2, FLOE_FAMILY_IPV4}, {2, FLOE_FAMILY_IPV6}, {3, FLOE_FAMILY_IPV4}, {3, FLOE_FAMILY_IPV6}};

/* A name whose addresses come and go, and what its neighbours have in their caches. */
typedef struct household {
    seeded_random random;
    floe_address addresses[ADDRESSES]; /* the first four on one interface, two on the other */
    size_t count;                      /* so many are there now, */
    bool there[ADDRESSES];             /* these */
    bool known[LINKS][ADDRESSES];
    bool lost; /* another has the name */
} household;

static uint32_t interface_at(size_t k)
{
    return k < 4 ? 2 : 3;
}

static void come_or_go(fixture *f, household *h)
{
    size_t k = seeded_below(&h->random, ADDRESSES);

    if (!h->there[k]) {
        assert_int_equal(
            floe_mdns_publish(f->mdns, f->now, NAME, &h->addresses[k], interface_at(k), false),
            FLOE_OK);
    } else if (h->count > 1) {
        floe_mdns_unpublish(f->mdns, f->now, NAME, &h->addresses[k]);
    } else {
        return;
    }
    h->count = h->there[k] ? h->count - 1 : h->count + 1;
    h->there[k] = !h->there[k];
}

static void happen(fixture *f, household *h)
{
    f->arrival.link = each_link[seeded_below(&h->random, LINKS)];
    switch (seeded_below(&h->random, 4)) {
    case 0:
        ask(f, NAME, false);
        break;
    case 1:
        say(f, NAME, seeded_below(&h->random, 2) == 0 ? "10.0.1.250:0" : "[2001:db8::99]:0", 120);
        break;
    default:
        come_or_go(f, h);
    }
}

/* §10.2: what is said of a family is all of it, as the cache-flush bit says. */
static void remember(const fixture *f, household *h)
{
    size_t n = 0;

    while (each_link[n].interface_index != f->output.link.interface_index ||
           each_link[n].family != f->output.link.family) {
        n++;
    }
    for (size_t k = 0; f->message.response && k < ADDRESSES; k++) {
        for (size_t i = 0; i < f->message.record_count; i++) {
            const floe_mdns_record *record = &f->message.records[i];
            if (record->address.family == h->addresses[k].family) {
                h->known[n][k] = false;
            }
        }
        for (size_t i = 0; i < f->message.record_count; i++) {
            const floe_mdns_record *record = &f->message.records[i];
            if (floe_address_same_ip(&record->address, &h->addresses[k])) {
                h->known[n][k] = record->ttl > 0;
            }
        }
    }
}

static void go_on(fixture *f, household *h, uint64_t ms)
{
    for (; ms > 0; ms--) {
        pass(f, 1);
        while (floe_mdns_poll(f->mdns, &f->output)) {
            h->lost = h->lost || f->output.kind == FLOE_MDNS_TAKEN;
            if (f->output.kind == FLOE_MDNS_SEND) {
                assert_true(floe_mdns_parse(f->output.data, f->output.size, &f->message));
                remember(f, h);
            }
        }
    }
}

/* §10.1: whatever happens to a name that stays ours, in the end the machines on each link know its
 * addresses there, and none that has gone. */
static void h2_neighbours_know_the_addresses_that_there_are(void **state)
{
    static const char *addresses[ADDRESSES] = {"10.0.1.2:0",      "10.0.1.3:0",
                                               "[2001:db8::2]:0", "[2001:db8::3]:0",
                                               "10.0.2.2:0",      "[2001:db8:1::2]:0"};
    fixture *f = *state;
    size_t kept = 0;

    for (uint64_t seed = 1; seed <= 200; seed++) {
        household h = {.lost = false};
        seeded_init(&h.random, seed);
        for (size_t k = 0; k < ADDRESSES; k++) {
            h.addresses[k] = address_of(addresses[k]);
        }
        floe_mdns_free(f->mdns);
        f->mdns = floe_mdns_new(&f->memory.table, &f->random.table);
        assert_non_null(f->mdns);
        floe_mdns_set_links(f->mdns, f->now, each_link, LINKS);
        for (int i = 0; i < 30 && !h.lost; i++) {
            happen(f, &h);
            go_on(f, &h, seeded_below(&h.random, i % 3 == 0 ? 3000 : 300));
        }
        go_on(f, &h, h.lost ? 0 : 10000);
        for (size_t n = 0; n < LINKS && !h.lost; n++) {
            for (size_t k = 0; k < ADDRESSES; k++) {
                bool there = h.there[k] && interface_at(k) == each_link[n].interface_index;
                if (h.known[n][k] != there) {
                    fail_msg("seed %llu: %s on link %zu is%s known", (unsigned long long)seed,
                             addresses[k], n, there ? " not" : "");
                }
            }
        }
        kept += !h.lost;
    }
    assert_true(kept > 50);
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

/* Until the next packet that is sent; how long it took. */
static uint64_t wait_for_sent(fixture *f)
{
    uint64_t ms = 0;

    while (!sent(f)) {
        assert_true(ms < 100000);
        pass(f, 1);
        ms++;
    }
    return ms;
}

/* §8.1: after a moment, so that those who are switched on together do not probe together. */
static void h2_probed_three_times_first(void **state)
{
    fixture *f = *state;
    uint64_t shortest = UINT64_MAX;
    uint64_t longest = 0;

    for (int i = 0; i < 50; i++) {
        publish(f, true);
        uint64_t ms = wait_for_sent(f);
        shortest = ms < shortest ? ms : shortest;
        longest = ms > longest ? ms : longest;
        floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    }
    assert_in_range(longest, 150, 250);
    assert_in_range(shortest, 0, 100);
    publish(f, true);
    (void)wait_for_sent(f);
    for (int i = 0; i < 3; i++) {
        assert_false(f->message.response);
        assert_int_equal(f->message.records[0].section, FLOE_MDNS_AUTHORITY);
        assert_false(sent(f));
        ask(f, NAME, false);
        assert_false(sent(f)); /* it is not ours yet */
        assert_int_equal(wait_for_sent(f), 250);
    }
    assert_true(f->message.response);
}

static void h2_a_probe_that_is_answered_means_taken(void **state)
{
    fixture *f = *state;

    publish(f, true);
    say(f, NAME, "10.0.1.9:0", 120); /* before it was asked for: it may be stale */
    assert_false(taken(f));
    (void)wait_for_sent(f);
    say(f, NAME, "10.0.1.9:0", 120);
    assert_true(taken(f));
    assert_string_equal(f->output.name, NAME);
    pass(f, 10000);
    assert_false(sent(f));
}

/* §8.1: "any conflicting response", of whatever type: here a CNAME. Once the name is ours a record
 * of another type is no conflict (§9). */
static void h2_a_probe_that_is_answered_by_another_record(void **state)
{
    static const uint8_t cname[] = {0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 120, 0, 2, 0xc0, 12};
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    size_t size = floe_mdns_write_query(NAME, FLOE_FAMILY_IPV4, data, sizeof data);
    data[2] = 0x84; /* a response, */
    data[7] = 1;    /* with one answer */
    memcpy(&data[size], cname, sizeof cname);
    size += sizeof cname;
    publish(f, false);
    receive(f, data, size);
    pass(f, 2000);
    receive(f, data, size);
    assert_false(taken(f));
    floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    (void)count_sent(f);
    publish(f, true);
    (void)wait_for_sent(f);
    receive(f, data, size);
    assert_true(taken(f));
    assert_string_equal(f->output.name, NAME);
}

static void h2_another_claims_our_name(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    say(f, NAME, "10.0.1.2:0", 120); /* our own words */
    assert_false(sent(f));
    say(f, NAME, "10.0.1.9:0", 0); /* their goodbye */
    assert_false(sent(f));
    pass(f, 1000);
    for (int i = 0; i < 100;
         i++) { /* §9: it is asked for again; §8.1: what was said before is stale */
        say(f, NAME, "10.0.1.9:0", 120);
        ask(f, NAME, false); /* and is not ours meanwhile */
    }
    assert_false(taken(f));
    assert_in_range(wait_for_sent(f), 100, 250);
    for (int i = 0; i < 2; i++) {
        assert_false(f->message.response);
        assert_int_equal(wait_for_sent(f), 250);
    }
    assert_int_equal(wait_for_sent(f), 250); /* nobody has it */
    assert_true(f->message.response);
    settle(f);
    say(f, NAME, "10.0.1.9:0", 120);
    (void)wait_for_sent(f);
    say(f, NAME, "10.0.1.9:0", 120);
    assert_true(taken(f)); /* they have it */
}

/* A name that is ours on one link is not lost at once on another: whoever has it there may just
 * lose it to us here. Both links are asked. */
static void h2_a_name_is_kept_or_lost_as_a_whole(void **state)
{
    fixture *f = *state;
    floe_mdns_link links[] = {eth0, eth0_v6};

    publish_and_settle(f);
    say(f, NAME, "10.0.1.9:0", 120); /* so that it is probed for from now on */
    look_up(f, NAME, 100, NULL);
    assert_false(resolved(f)); /* and is nobody's meanwhile */
    for (int i = 0; i < 20; i++) {
        pass(f, 250);
        (void)count_sent(f);
    }
    floe_mdns_set_links(f->mdns, f->now, links, 2);
    (void)wait_for_sent(f);
    assert_int_equal(f->output.link.family, FLOE_FAMILY_IPV6);
    assert_false(f->message.response);
    f->arrival.link = eth0_v6;
    say(f, NAME, "10.0.1.9:0", 120);
    assert_false(taken(f));
    pass(f, 250);
    assert_int_equal(count_sent(f), 2); /* a probe on each */
    say(f, NAME, "10.0.1.9:0", 120);
    assert_true(taken(f));
}

/* §8.1: fifteen conflicts within ten seconds, and each probing waits for five. */
static void h2_conflicts_without_end(void **state)
{
    fixture *f = *state;
    uint64_t ms = 0;

    for (int i = 0; i < 15; i++) {
        publish(f, false);
        assert_true(sent(f));
        say(f, NAME, "10.0.1.9:0", 120);
        ms = wait_for_sent(f);
        assert_false(f->message.response);
        floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
        assert_in_range(ms, 100, 250);
    }
    publish(f, false);
    assert_true(sent(f));
    say(f, NAME, "10.0.1.9:0", 120);
    assert_in_range(wait_for_sent(f), 5000, 5250);
    pass(f, 20000); /* it has been quiet */
    settle(f);
    say(f, NAME, "10.0.1.9:0", 120);
    assert_in_range(wait_for_sent(f), 100, 250);
}

/* §6.6: another has the link forget our record before its time. */
static void h2_our_record_with_too_short_a_life(void **state)
{
    static const uint32_t lives[] = {0, 10, 59};
    fixture *f = *state;

    publish_and_settle(f);
    for (size_t i = 0; i < 3; i++) {
        say(f, NAME, "10.0.1.2:0", lives[i]);
        assert_true(sent(f));
        assert_true(f->message.response);
        assert_int_equal(f->message.records[0].ttl, 120);
        assert_int_equal(f->output.to.family, FLOE_FAMILY_NONE);
        say(f, NAME, "10.0.1.2:0", lives[i]);
        assert_int_equal(count_sent(f), 0); /* once a second */
        settle(f);
    }
    say(f, NAME, "10.0.1.2:0", 60);
    assert_int_equal(count_sent(f), 0);
}

/* §8: after a sleep, or a while without carrier, the link may be another. */
static void h2_a_name_is_probed_for_again_on_another_link(void **state)
{
    fixture *f = *state;
    floe_mdns_link links[] = {eth0, eth1};

    floe_mdns_set_links(f->mdns, f->now, links, 2);
    publish(f, true);
    for (int i = 0; i < 10; i++) {
        (void)count_sent(f);
        pass(f, 500);
    }
    floe_mdns_renew(f->mdns, f->now, &eth1); /* on which it does not stand */
    pass(f, 5000);
    assert_false(sent(f));
    floe_mdns_renew(f->mdns, f->now, NULL);
    ask(f, NAME, false);
    (void)wait_for_sent(f);
    for (int i = 0; i < 3; i++) {
        assert_false(f->message.response);
        assert_int_equal(wait_for_sent(f), 250);
    }
    assert_true(f->message.response);
    floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    (void)count_sent(f);
    publish_and_settle(f);
    floe_mdns_renew(f->mdns, f->now, &eth0); /* one of random bits is announced */
    assert_true(sent(f));
    assert_true(f->message.response);
}

/* ── Machines with one name ── */

#define MACHINES 3
#define ETHERNETS 2

typedef struct packet {
    uint64_t at;
    size_t from;
    size_t to;
    floe_mdns_link link;
    size_t size;
    uint8_t data[512];
} packet;

typedef struct machine {
    counting_allocator memory;
    seeded_random random;
    floe_mdns *mdns;
    bool has_it;
    size_t network[ETHERNETS]; /* where the cable leads */
} machine;

typedef struct neighbourhood {
    seeded_random random;
    floe_time now;
    size_t count; /* of machines */
    machine machines[MACHINES];
    bool calm; /* nothing is lost, nobody moves */
    size_t packet_count;
    packet packets[512];
    size_t answers[MACHINES];
} neighbourhood;

static floe_address address_at(size_t n, size_t ethernet)
{
    floe_address address = address_of("10.0.0.0:5353");

    /* On the one network the first machine's data are the greatest, on the other the last one's. */
    address.ip[2] = (uint8_t)ethernet;
    address.ip[3] = (uint8_t)(ethernet == 0 ? 10 + n : 20 - n);
    return address;
}

static void deliver(neighbourhood *h, size_t from, size_t ethernet, const floe_mdns_output *output)
{
    size_t network = h->machines[from].network[ethernet];

    assert_true(output->size <= sizeof h->packets[0].data);
    for (size_t to = 0; to < h->count; to++) {
        for (uint32_t e = 0; e < ETHERNETS; e++) {
            bool lost = !h->calm && seeded_below(&h->random, 5) == 0;
            if (h->machines[to].network[e] != network || lost ||
                h->packet_count == sizeof h->packets / sizeof *h->packets) {
                continue;
            }
            packet *one = &h->packets[h->packet_count++];
            one->at = h->now.ns + 1000000 * (1 + (uint64_t)seeded_below(&h->random, 20));
            one->from = from;
            one->to = to;
            one->link = (floe_mdns_link){2 + e, output->link.family};
            one->size = output->size;
            memcpy(one->data, output->data, output->size);
        }
    }
}

static void hear_from(neighbourhood *h, size_t n, const floe_mdns_output *output)
{
    static floe_mdns_message message;

    if (output->kind == FLOE_MDNS_TAKEN) {
        assert_true(h->machines[n].has_it);
        h->machines[n].has_it = false;
        return;
    }
    assert_int_equal(output->kind, FLOE_MDNS_SEND);
    assert_true(floe_mdns_parse(output->data, output->size, &message));
    h->answers[n] += message.response;
    deliver(h, n, output->link.interface_index - 2, output);
}

static void step(neighbourhood *h)
{
    static floe_mdns_output output;

    h->now.ns += 1000000;
    for (size_t i = 0; i < h->packet_count;) {
        if (h->packets[i].at > h->now.ns) {
            i++;
            continue;
        }
        packet one = h->packets[i];
        h->packets[i] = h->packets[--h->packet_count];
        floe_mdns_arrival arrival = {one.link, address_at(one.from, 0), true, true};
        floe_mdns_receive(h->machines[one.to].mdns, h->now, &arrival, one.data, one.size);
    }
    for (size_t n = 0; n < h->count; n++) {
        floe_mdns *mdns = h->machines[n].mdns;
        if (floe_time_reached(h->now, floe_mdns_deadline(mdns))) {
            floe_mdns_time(mdns, h->now);
        }
        while (floe_mdns_poll(mdns, &output)) {
            hear_from(h, n, &output);
        }
    }
}

/* Somebody asks for the name on each network, in one moment. */
static void ask_all(neighbourhood *h)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    size_t size = query_both("camera.local", data, sizeof data);

    for (size_t n = 0; n < h->count; n++) {
        for (uint32_t e = 0; e < ETHERNETS; e++) {
            floe_mdns_arrival arrival = {
                {2 + e, FLOE_FAMILY_IPV4}, address_of("10.0.0.99:5353"), true, true};
            floe_mdns_receive(h->machines[n].mdns, h->now, &arrival, data, size);
        }
    }
}

static void begin_neighbourhood(neighbourhood *h, uint64_t seed)
{
    static const floe_mdns_link links[] = {
        {2, FLOE_FAMILY_IPV4}, {2, FLOE_FAMILY_IPV6}, {3, FLOE_FAMILY_IPV4}, {3, FLOE_FAMILY_IPV6}};
    bool probes = seed % 3 != 0; /* or a name of random bits, as luck would have it */

    memset(h, 0, sizeof *h);
    seeded_init(&h->random, seed);
    h->now = (floe_time){1000000000};
    for (size_t n = 0; n < 2 + seed % 2; n++) {
        machine *one = &h->machines[n];
        counting_init(&one->memory);
        seeded_init(&one->random, 1000 * seed + n);
        one->mdns = floe_mdns_new(&one->memory.table, &one->random.table);
        one->has_it = true;
        h->count++;
        floe_mdns_set_links(one->mdns, h->now, links, 4);
        for (uint32_t e = 0; e < ETHERNETS; e++) {
            floe_address address = address_at(n, e);
            one->network[e] = 10 * n + e;
            assert_int_equal(
                floe_mdns_publish(one->mdns, h->now, "camera.local", &address, 2 + e, probes),
                FLOE_OK);
        }
        for (uint64_t ms = seeded_below(&h->random, 400); ms > 0; ms--) {
            step(h);
        }
    }
}

/* A cable is put elsewhere, which its machine sees or does not; somebody asks; a machine sleeps. */
static void shake(neighbourhood *h)
{
    machine *one = &h->machines[seeded_below(&h->random, (uint32_t)h->count)];
    uint32_t e = seeded_below(&h->random, ETHERNETS);
    floe_mdns_link link = {2 + e, FLOE_FAMILY_IPV4};

    switch (seeded_below(&h->random, 4)) {
    case 0:
        one->network[e] = seeded_below(&h->random, 3);
        break;
    case 1:
        one->network[e] = seeded_below(&h->random, 3);
        floe_mdns_renew(one->mdns, h->now, &link);
        break;
    case 2:
        floe_mdns_renew(one->mdns, h->now, NULL);
        break;
    default:
        ask_all(h);
    }
}

static size_t count_owners(const neighbourhood *h)
{
    size_t owners = 0;

    for (size_t n = 0; n < h->count; n++) {
        owners += h->machines[n].has_it;
    }
    return owners;
}

/* §9: whatever happens on the way, of machines that are on one link in the end exactly one has the
 * name and answers for it; the others know that they have not. */
static void h2_of_machines_with_one_name_one_keeps_it(void **state)
{
    static neighbourhood h;

    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        begin_neighbourhood(&h, seed);
        for (int i = 0; i < 20; i++) {
            for (uint64_t ms = seeded_below(&h.random, 700); ms > 0; ms--) {
                step(&h);
            }
            shake(&h);
            assert_in_range(count_owners(&h), 1, MACHINES);
        }
        h.calm = true;
        for (size_t n = 0; n < h.count; n++) { /* each network is one, or both are */
            h.machines[n].network[0] = 0;
            h.machines[n].network[1] = seed % 5 == 0 ? 0 : 1;
        }
        for (int ms = 0; ms < 30000; ms++) {
            if (ms % 1500 == 0) {
                ask_all(&h);
            }
            if (ms == 20000) {
                memset(h.answers, 0, sizeof h.answers);
            }
            step(&h);
        }
        if (count_owners(&h) != 1) {
            fail_msg("seed %llu: %zu have it", (unsigned long long)seed, count_owners(&h));
        }
        for (size_t n = 0; n < h.count; n++) {
            assert_int_equal(h.answers[n] > 0, h.machines[n].has_it);
            floe_mdns_free(h.machines[n].mdns);
            assert_int_equal(h.machines[n].memory.live, 0);
        }
    }
}

static void h2_two_that_probe_at_once(void **state)
{
    fixture *f = *state;

    publish(f, true);
    (void)wait_for_sent(f);
    probe(f, "10.0.1.1:0");
    assert_int_equal(wait_for_sent(f), 250); /* we go on */
    probe(f, "10.0.1.3:0");
    assert_int_equal(wait_for_sent(f), 1000); /* we wait a second, and begin again */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wait_for_sent(f), 250);
        assert_false(f->message.response);
    }
    assert_int_equal(wait_for_sent(f), 250);
    assert_true(f->message.response);
}

/* §8.2: all that is proposed is compared, in order; of two that begin alike the longer one wins. */
static void h2_proposals_are_compared_whole(void **state)
{
    static const struct {
        const char *theirs[3];
        bool they_win;
    } rows[] = {
        {{"10.0.1.2:0", "10.0.1.7:0"}, false},                   /* the same */
        {{"10.0.1.7:0", "10.0.1.2:0"}, false},                   /* in another order */
        {{"10.0.1.2:0"}, false},                                 /* less */
        {{"10.0.1.2:0", "10.0.1.7:0", "[2001:db8::9]:0"}, true}, /* more */
        {{"10.0.1.2:0", "10.0.1.8:0"}, true},
        {{"10.0.1.2:0", "10.0.1.6:0"}, false},
        {{"[2001:db8::9]:0"}, true}, /* AAAA comes after A */
        {{"10.0.1.1:0", "10.0.1.9:0"}, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)tear_down(state);
        assert_int_equal(set_up(state), 0);
        fixture *f = *state;
        floe_address second = address_of("10.0.1.7:0");
        floe_address theirs[3];
        size_t count = 0;
        uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
        publish(f, true);
        assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &second, 2, true), FLOE_OK);
        (void)wait_for_sent(f);
        assert_int_equal(count_addresses(f), 2);
        while (count < 3 && rows[i].theirs[count] != NULL) {
            theirs[count] = address_of(rows[i].theirs[count]);
            count++;
        }
        receive(f, data, floe_mdns_write_probe(NAME, theirs, count, data, sizeof data));
        assert_int_equal(wait_for_sent(f), rows[i].they_win ? 1000 : 250);
    }
}

/* §8.2: records of other types count as well, each at its type's place: a HINFO (13) behind A and
 * before AAAA. */
static void h2_proposals_of_other_types(void **state)
{
    static const struct {
        const char *ours;
        const char *theirs; /* beside the HINFO; NULL: nothing */
        bool they_win;
    } rows[] = {{"10.0.1.2:0", NULL, true},
                {"10.0.1.2:0", "10.0.1.2:0", true},
                {"10.0.1.2:0", "10.0.1.1:0", false},
                {"10.0.1.2:0", "10.0.1.3:0", true},
                {"[2001:db8::2]:0", NULL, false},
                {"[2001:db8::2]:0", "10.0.1.9:0", false},
                {"10.0.1.2:0", "[2001:db8::9]:0", true}};
    static const uint8_t hinfo[] = {0xc0, 12, 0, 13, 0, 1, 0, 0, 0, 120, 0, 4, 1, 'a', 1, 'b'};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)tear_down(state);
        assert_int_equal(set_up(state), 0);
        fixture *f = *state;
        floe_address theirs = address_of(rows[i].theirs != NULL ? rows[i].theirs : "0.0.0.0:0");
        uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
        size_t size =
            floe_mdns_write_probe(NAME, &theirs, rows[i].theirs != NULL ? 1 : 0, data, sizeof data);
        memcpy(&data[size], hinfo, sizeof hinfo);
        data[9]++;
        f->own = address_of(rows[i].ours);
        publish(f, true);
        (void)wait_for_sent(f);
        receive(f, data, size + sizeof hinfo);
        assert_int_equal(wait_for_sent(f), rows[i].they_win ? 1000 : 250);
    }
}

/* Whatever is sent to the group comes back to who sent it, and on another interface too that is on
 * the same link. */
static void h2_our_own_words_are_no_rivals(void **state)
{
    static const floe_mdns_link links[] = {{2, FLOE_FAMILY_IPV4}, {3, FLOE_FAMILY_IPV4}};
    fixture *f = *state;
    floe_address others[] = {address_of("10.0.1.7:0"), address_of("10.0.1.8:0")};
    unsigned probes = 0;
    unsigned announced = 0;

    floe_mdns_set_links(f->mdns, f->now, links, 2);
    publish(f, true);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &others[i], 2 + i, true),
                         FLOE_OK);
    }
    for (int i = 0; i < 1001; i++) {
        while (floe_mdns_poll(f->mdns, &f->output)) {
            assert_int_equal(f->output.kind, FLOE_MDNS_SEND);
            assert_true(floe_mdns_parse(f->output.data, f->output.size, &f->message));
            probes += !f->message.response;
            announced += f->message.response;
            for (size_t k = 0; k < 2; k++) {
                f->arrival.link = links[k];
                receive(f, f->output.data, f->output.size);
            }
        }
        pass(f, 1);
    }
    assert_int_equal(probes, 6);
    assert_int_equal(announced, 2); /* within 250 ms and three times 250 ms */
}

static void h2_a_link_that_comes_hears_of_it(void **state)
{
    fixture *f = *state;
    floe_mdns_link links[] = {eth0, eth0_v6};

    publish_and_settle(f);
    floe_mdns_set_links(f->mdns, f->now, links, 2);
    assert_true(sent(f));
    assert_int_equal(f->output.link.family, FLOE_FAMILY_IPV6);
    assert_false(sent(f)); /* the other has heard it */
    floe_mdns_set_links(f->mdns, f->now, links, 2);
    assert_int_equal(count_sent(f), 0);
    pass(f, 1000);
    assert_int_equal(count_sent(f), 1);
    floe_mdns_set_links(f->mdns, f->now, &links[1], 1);
    pass(f, 5000);
    ask(f, NAME, false); /* on a link that is gone */
    assert_int_equal(count_sent(f), 0);
    f->arrival.link = eth0_v6;
    ask(f, NAME, false);
    assert_int_equal(count_sent(f), 1);
}

/* §8.3: a name is announced once a second on a link, however often links come and go. */
static void h2_links_that_stay_hear_it_once(void **state)
{
    fixture *f = *state;
    floe_mdns_link links[] = {eth0, eth1};
    size_t count = 0;

    publish_and_settle(f);
    for (int i = 0; i < 10; i++) {
        floe_mdns_set_links(f->mdns, f->now, links, 1 + (size_t)i % 2);
        count += count_sent(f);
        pass(f, 10);
    }
    assert_int_equal(count, 0);
}

/* The address is on this interface, and, if it is not 0, on that one too. */
static void stand(fixture *f, const floe_address *address, uint32_t first, uint32_t second)
{
    floe_interface_address list[] = {{.interface_index = first, .address = *address},
                                     {.interface_index = second, .address = *address}};

    floe_mdns_set_interfaces(f->mdns, f->now, list, second != 0 ? 2 : 1);
}

/* §6.2: addresses of another interface are not said on a link. */
static void h2_an_address_is_said_on_its_own_links(void **state)
{
    fixture *f = *state;
    floe_mdns_link links[] = {eth0, eth1};
    floe_address second = address_of("10.0.2.2:0");

    floe_mdns_set_links(f->mdns, f->now, links, 2);
    publish(f, false);
    assert_true(sent(f));
    assert_int_equal(f->output.link.interface_index, eth0.interface_index);
    assert_false(sent(f));
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &second, eth1.interface_index, false),
                     FLOE_OK);
    assert_true(sent(f));
    assert_int_equal(f->output.link.interface_index, eth1.interface_index);
    assert_int_equal(count_addresses(f), 1);
    assert_int_equal(f->message.records[0].address.ip[2], 2);
    assert_false(sent(f));
    settle(f);
    ask(f, NAME, false);
    assert_true(sent(f));
    assert_int_equal(f->message.records[0].address.ip[2], 1);
    /* It has moved: an adapter was plugged in anew. */
    pass(f, 10000);
    stand(f, &f->own, eth1.interface_index, 0);
    assert_true(sent(f));
    assert_int_equal(f->output.link.interface_index, eth1.interface_index);
    assert_int_equal(count_addresses(f), 2);
    assert_false(sent(f));
}

/* Its socket is bound to the address, where it was. */
static void h2_an_address_on_two_interfaces_stays_where_it_is(void **state)
{
    fixture *f = *state;
    floe_mdns_link links[] = {eth0, eth1};

    floe_mdns_set_links(f->mdns, f->now, links, 2);
    publish(f, false);
    assert_true(sent(f));
    settle(f);
    pass(f, 10000);
    stand(f, &f->own, eth0.interface_index, eth1.interface_index);
    assert_false(sent(f));
    stand(f, &f->own, eth1.interface_index, eth0.interface_index);
    assert_false(sent(f));
    ask(f, NAME, false);
    assert_true(sent(f));
    assert_int_equal(f->output.link.interface_index, eth0.interface_index);
}

/* One that moves while its going is still to be said, and is taken up again there. */
static void h2_an_address_comes_back_on_another_interface(void **state)
{
    fixture *f = *state;
    floe_mdns_link links[] = {eth0, eth1};
    floe_address second = address_of("10.0.1.3:0");

    floe_mdns_set_links(f->mdns, f->now, links, 2);
    publish(f, false);
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &second, eth0.interface_index, false),
                     FLOE_OK);
    assert_true(sent(f)); /* so that the going has to wait */
    floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    stand(f, &f->own, eth1.interface_index, 0);
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &f->own, eth1.interface_index, false),
                     FLOE_OK);
    bool there = false;
    while (sent(f)) {
        there = there || f->output.link.interface_index == eth1.interface_index;
    }
    assert_true(there);
    assert_int_equal(count_addresses(f), 1);
}

/* §6: the addresses of each family may come in a message of their own, and neither ends the question for
 * the other, but soon. */
static void h2_each_family_has_its_own_answer(void **state)
{
    fixture *f = *state;
    int six = 6;
    int four = 4;

    for (int comes = 0; comes < 2; comes++) {
        publish_and_settle(f);
        assert_int_equal(floe_mdns_look_up(f->mdns, f->now, "nas.local", FLOE_FAMILY_IPV6,
                                           floe_milliseconds(3000), &six),
                         FLOE_OK);
        assert_int_equal(floe_mdns_look_up(f->mdns, f->now, "nas.local", FLOE_FAMILY_IPV4,
                                           floe_milliseconds(3000), &four),
                         FLOE_OK);
        (void)count_sent(f);
        f->arrival.source = address_of("10.0.1.9:5353");
        say(f, "nas.local", "[2001:db8:1::1]:0", 120);
        assert_true(resolved(f));
        assert_ptr_equal(f->output.asker, &six);
        assert_int_equal(f->output.address_count, 1);
        assert_false(resolved(f));
        if (comes) {
            pass(f, 20);
            say(f, "nas.local", "10.0.1.9:0", 120);
        } else {
            pass(f, 149);
            assert_false(resolved(f));
            pass(f, 1);
        }
        assert_true(resolved(f));
        assert_ptr_equal(f->output.asker, &four);
        assert_int_equal(f->output.error, comes ? FLOE_OK : FLOE_ERR_TIMED_OUT);
        pass(f, 5000);
        floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
        pass(f, 5000);
        (void)count_sent(f);
    }
}

/* A name has as many links as there may be, and not one more. */
static void h2_as_many_links_as_there_may_be(void **state)
{
    fixture *f = *state;
    floe_mdns_link links[FLOE_MDNS_LINKS_MAX + 1];

    for (uint32_t i = 0; i <= FLOE_MDNS_LINKS_MAX; i++) {
        links[i] = (floe_mdns_link){100 + i, FLOE_FAMILY_IPV4};
    }
    look_up(f, "peer.local", 5000, NULL);
    for (size_t count = 1; count <= FLOE_MDNS_LINKS_MAX + 1; count++) {
        size_t expected = count < FLOE_MDNS_LINKS_MAX ? count : FLOE_MDNS_LINKS_MAX;
        char name[32];
        floe_mdns_set_links(f->mdns, f->now, links, count);
        pass(f, 10000);
        (void)count_sent(f);
        (void)snprintf(name, sizeof name, "peer-%zu.local", count);
        look_up(f, name, 1000, NULL);
        assert_int_equal(count_sent(f), 2 * expected);
    }
    floe_mdns_set_links(f->mdns, f->now, links, 0);
    pass(f, 10000);
    look_up(f, "peer-0.local", 1000, NULL);
    assert_int_equal(count_sent(f), 0);
}

/* ── Every question, and whole sets ── */

/* A query of one type. */
static void ask_type(fixture *f, const char *name, uint8_t type)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    size_t size = floe_mdns_write_query(name, FLOE_FAMILY_IPV4, data, sizeof data);

    data[size - 3] = type;
    receive(f, data, size);
}

/* §5.3, §6: in whatever order they stand, and however many. */
static void h2_every_question_is_answered(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    publish_and_settle(f);
    size_t size = query_both(NAME, data, sizeof data);
    data[size - 7] = 28; /* AAAA first, then A */
    data[size - 3] = 1;
    receive(f, data, size);
    assert_true(sent(f));
    assert_int_equal(count_addresses(f), 1);
    assert_true(says_no_more(f));
    assert_false(sent(f));
    /* Each record has a second of its own: to have said that there is no other is not to have said
     * the address. */
    pass(f, 5000);
    ask_type(f, NAME, 1);
    assert_int_equal(count_sent(f), 1);
    pass(f, 900);
    probe(f, "10.0.1.9:0"); /* the address alone may be said again, and is */
    assert_true(sent(f));
    assert_false(says_no_more(f));
    pass(f, 100);
    ask_type(f, NAME, 28);
    assert_true(sent(f));
    assert_int_equal(count_addresses(f), 0);
    assert_true(says_no_more(f));
    /* §6.1: what the name does not have at all is said, too. */
    pass(f, 5000);
    ask_type(f, NAME, 65);
    assert_true(sent(f));
    assert_true(says_no_more(f));
}

static void h2_a_question_and_then_the_other(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    ask_type(f, NAME, 28);
    assert_true(sent(f));
    size_t addresses = count_addresses(f);
    pass(f, 1);
    ask_type(f, NAME, 1);
    if (sent(f)) {
        addresses += count_addresses(f);
    }
    assert_int_equal(addresses, 1); /* within a millisecond, and once */
}

/* §10.2: with the cache-flush bit all addresses of a kind go together. */
static void h2_record_sets_are_told_whole(void **state)
{
    fixture *f = *state;
    floe_address second = address_of("10.0.1.7:0");
    floe_address third = address_of("[2001:db8::7]:0");
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    publish_and_settle(f);
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &second, 2, false), FLOE_OK);
    assert_true(sent(f));
    assert_int_equal(count_addresses(f), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(f->message.records[i].flush);
        assert_int_equal(f->message.records[i].ttl, 120);
    }
    settle(f);
    /* Who knows one of them is told both. */
    receive(f, data, query_with_known(f, 120, data));
    assert_true(sent(f));
    assert_int_equal(count_addresses(f), 2);
    pass(f, 5000);
    /* Both families. */
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &third, 2, false), FLOE_OK);
    settle(f);
    ask_type(f, NAME, 28);
    assert_true(sent(f));
    assert_int_equal(count_addresses(f), 3);
    assert_int_equal(f->message.records[0].address.family, FLOE_FAMILY_IPV6);
    assert_int_equal(f->message.records[1].section, FLOE_MDNS_ADDITIONAL);
    /* The goodbye of one has those that stay. */
    pass(f, 5000);
    floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    assert_true(sent(f));
    uint32_t ttl[2] = {9, 9};
    for (size_t i = 0; i < f->message.record_count; i++) {
        const floe_mdns_record *record = &f->message.records[i];
        if (record->address.family == FLOE_FAMILY_IPV4) {
            ttl[record->address.ip[3] == 7] = record->ttl;
        }
    }
    assert_int_equal(ttl[0], 0);
    assert_int_equal(ttl[1], 120);
    settle(f);
    ask(f, NAME, false);
    assert_true(sent(f));
    assert_int_equal(count_addresses(f), 2);
    /* It comes back before its goodbye is said: none is. */
    floe_mdns_unpublish(f->mdns, f->now, NAME, &second);
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &second, 2, false), FLOE_OK);
    pass(f, 1000);
    while (sent(f)) {
        for (size_t i = 0; i < f->message.record_count; i++) {
            assert_int_equal(f->message.records[i].ttl, 120);
        }
    }
    /* The last of a family goes: that there is none is said. */
    pass(f, 5000);
    floe_mdns_unpublish(f->mdns, f->now, NAME, &third);
    assert_true(sent(f));
    assert_true(says_no_more(f));
    pass(f, 5000);
    ask_type(f, NAME, 28);
    assert_true(sent(f));
    assert_true(says_no_more(f));
    for (size_t i = 0; i < f->message.record_count; i++) {
        assert_int_not_equal(f->message.records[i].address.family, FLOE_FAMILY_IPV6);
    }
}

static void h2_a_goodbye_has_the_address(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    ask_type(f, NAME, 28); /* the latest that was said is that there is no other */
    assert_int_equal(count_sent(f), 1);
    floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    assert_true(sent(f));
    assert_int_equal(count_addresses(f), 1);
    assert_int_equal(f->message.records[0].ttl, 0);
}

static void h2_more_addresses_than_a_message_has_room_for(void **state)
{
    fixture *f = *state;

    for (uint8_t i = 0; i < FLOE_MDNS_RECORDS_MAX; i++) {
        floe_address address = address_of("[2001:db8::]:0");
        address.ip[15] = i;
        assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &address, 2, false), FLOE_OK);
    }
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &f->own, 2, false),
                     FLOE_ERR_INVALID_ARGUMENT);
    settle(f);
    ask_type(f, NAME, 28);
    assert_true(sent(f));
    assert_int_equal(count_addresses(f), FLOE_MDNS_RECORDS_MAX);
}

static bool contains(const fixture *f, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i + size <= f->output.size; i++) {
        if (memcmp(&f->output.data[i], bytes, size) == 0) {
            return true;
        }
    }
    return false;
}

/* §6.1, §18: an authoritative response, whose NSEC has a bit for each family that there is. */
static void h2_an_answer_byte_by_byte(void **state)
{
    static const uint8_t ipv4[] = {0, 1, 0x40};
    static const uint8_t both[] = {0, 4, 0x40, 0, 0, 8};
    static const uint8_t ipv6[] = {0, 4, 0, 0, 0, 8};
    fixture *f = *state;
    floe_address other = address_of("[2001:db8::7]:0");

    publish(f, false);
    assert_true(sent(f));
    assert_int_equal(f->output.data[0] | f->output.data[1], 0); /* no id */
    assert_int_equal(f->output.data[2], 0x84);
    assert_int_equal(f->output.data[3], 0);
    assert_true(contains(f, ipv4, sizeof ipv4));
    settle(f);
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &other, 2, false), FLOE_OK);
    assert_true(sent(f));
    assert_true(contains(f, both, sizeof both));
    settle(f);
    floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    assert_true(sent(f));
    assert_true(contains(f, ipv6, sizeof ipv6));
}

/* What was to be said on a link that is gone is not said on the one that has its place. */
static void h2_nothing_is_said_on_a_link_that_is_gone(void **state)
{
    fixture *f = *state;
    floe_address second = address_of("10.0.1.7:0");

    publish(f, false);
    look_up(f, "peer.local", 60000, NULL);
    floe_mdns_set_links(f->mdns, f->now, &eth1, 1);
    assert_int_equal(count_sent(f), 0); /* what is asked there is asked in 20 ms */
    /* Nor on the same one, when it comes again. */
    floe_mdns_set_links(f->mdns, f->now, &eth0, 1);
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &second, 2, false), FLOE_OK);
    settle(f);
    ask(f, NAME, false);
    assert_int_equal(count_sent(f), 1);
    floe_mdns_unpublish(f->mdns, f->now, NAME, &second); /* its goodbye waits for a second */
    floe_mdns_set_links(f->mdns, f->now, &eth1, 1);
    floe_mdns_set_links(f->mdns, f->now, &eth0, 1);
    size_t said = 0;
    for (int i = 0; i < 5; i++) {
        while (sent(f)) {
            for (size_t k = 0; k < f->message.record_count; k++) {
                assert_int_equal(f->message.records[k].ttl, 120);
            }
            said += f->message.response;
        }
        pass(f, 1000);
    }
    assert_int_equal(said, 2);
    floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
    floe_mdns_set_links(f->mdns, f->now, &eth1, 1);
    while (sent(f)) { /* questions alone */
        assert_false(f->message.response);
    }
}

/* What was to be said of a name that is given up is said no more, but for its goodbye. */
static void h2_nothing_is_said_of_a_name_that_is_gone(void **state)
{
    fixture *f = *state;

    for (int probe = 0; probe < 2; probe++) {
        publish(f, probe == 1);
        pass(f, probe == 1 ? 250 : 0);
        floe_mdns_unpublish(f->mdns, f->now, NAME, &f->own);
        for (int i = 0; i < 3; i++) {
            while (sent(f)) {
                assert_true(f->message.response);
                assert_int_equal(f->message.records[0].ttl, 0);
            }
            pass(f, 1000);
        }
    }
}

/* Addresses come and go for as long as the name lives. */
static void h2_addresses_without_end(void **state)
{
    fixture *f = *state;

    publish(f, false);
    for (uint8_t i = 10; i < 110; i++) {
        floe_address address = address_of("10.0.1.0:0");
        address.ip[3] = i;
        assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &address, 2, false), FLOE_OK);
        settle(f);
        floe_mdns_unpublish(f->mdns, f->now, NAME, &address);
        settle(f);
        ask(f, NAME, false);
        assert_true(sent(f));
        assert_int_equal(count_addresses(f), 1);
        settle(f);
    }
}

/* One for each that asks, by the link where it asks. */
static void h2_answers_to_one_asker_alone(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    f->arrival.source.port = 40000;
    for (int i = 0; i < 500; i++) {
        ask(f, NAME, false);
        assert_true(sent(f));
        assert_int_equal(f->output.link.interface_index, eth0.interface_index);
        assert_true(floe_address_equal(&f->output.to, &f->arrival.source));
        assert_false(sent(f));
    }
    ask(f, "other.local", false);
    assert_false(sent(f));
}

/* ── Of the link only ── */

/* §11, §5.5: what was sent to this machine alone counts from its neighbours alone. */
static void h2_nothing_is_believed_from_off_the_link(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    publish_and_settle(f);
    look_up(f, "peer.local", 5000, NULL);
    (void)count_sent(f);
    f->arrival.source = address_of("192.0.2.9:5353");
    f->arrival.to_group = f->arrival.neighbour = false;
    say(f, "peer.local", "6.6.6.6:0", 120);
    assert_false(resolved(f));
    for (int i = 0; i < 2; i++) { /* as if they insisted on our name */
        say(f, NAME, "6.6.6.6:0", 120);
        pass(f, 1500);
    }
    assert_false(taken(f));
    settle(f);
    ask(f, NAME, false);
    assert_int_equal(count_sent(f), 0);
    f->arrival.source.port = 40000;
    ask(f, NAME, false);
    assert_int_equal(count_sent(f), 0);
    /* By multicast it is of the link, whatever its source; but nothing goes out to there. */
    f->arrival.to_group = true;
    ask(f, NAME, false);
    assert_int_equal(count_sent(f), 0);
    f->arrival.source.port = 5353;
    ask(f, NAME, true);
    assert_true(sent(f));
    assert_int_equal(f->output.to.family, FLOE_FAMILY_NONE);
    look_up(f, "peer.local", 5000, NULL);
    say(f, "peer.local", "10.0.1.77:0", 120);
    assert_true(resolved(f));
    assert_int_equal(f->output.error, FLOE_OK);
    /* A neighbour's question to us alone is answered to it alone. */
    settle(f);
    f->arrival.to_group = false;
    f->arrival.neighbour = true;
    f->arrival.source = address_of("10.0.1.9:5353");
    ask(f, NAME, false);
    assert_true(sent(f));
    assert_true(floe_address_equal(&f->output.to, &f->arrival.source));
    receive(f, data, 0);
}

/* §6: what a question did not ask to be sent to us alone is no answer to it; and none of ours asks
 * for that, as another program of this machine might get it (§15.1). */
static void h2_no_answer_comes_to_us_alone(void **state)
{
    fixture *f = *state;

    look_up(f, "peer.local", 5000, NULL);
    assert_true(sent(f));
    assert_false(f->message.questions[0].unicast);
    (void)count_sent(f);
    f->arrival.to_group = false;
    say(f, "peer.local", "10.0.1.77:0", 120);
    assert_false(resolved(f));
    publish(f, true);
    (void)wait_for_sent(f);
    assert_false(f->message.questions[0].unicast);
    say(f, NAME, "10.0.1.77:0", 120);
    assert_false(taken(f));
    f->arrival.to_group = true;
    say(f, "peer.local", "10.0.1.77:0", 120);
    assert_true(resolved(f));
    say(f, NAME, "10.0.1.77:0", 120);
    assert_true(taken(f));
}

/* What stands in the authority section of a response says nothing. */
static void h2_authority_is_for_probes_alone(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    look_up(f, "peer.local", 5000, NULL);
    floe_address theirs = address_of("10.0.1.77:0");
    size_t size = floe_mdns_write_probe("peer.local", &theirs, 1, data, sizeof data);
    data[2] |= 0x80;
    receive(f, data, size);
    assert_false(resolved(f));
}

/* ── Look-ups ── */

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
    assert_string_equal(f->output.name, "peer.local");
    assert_int_equal(f->output.address_count, 1);
    assert_int_equal(f->output.addresses[0].ip[3], 77);
    assert_false(resolved(f));
}

/* §5.2: after 0, 1, 3, 7 and 15 seconds. */
static void h2_nobody_answers(void **state)
{
    static const unsigned seconds[] = {0, 1, 3, 7, 15};
    fixture *f = *state;
    size_t n = 0;

    look_up(f, "peer.local", 20000, NULL);
    for (unsigned ms = 0; ms < 20000; ms += 100) {
        size_t asked = count_sent(f);
        assert_int_equal(asked, n < 5 && ms == 1000 * seconds[n] ? 2 : 0);
        n += asked > 0;
        assert_int_not_equal(f->output.kind, FLOE_MDNS_RESOLVED);
        pass(f, 100);
    }
    assert_int_equal(n, 5);
    assert_true(resolved(f));
    assert_int_equal(f->output.error, FLOE_ERR_TIMED_OUT);
    assert_string_equal(f->output.name, "peer.local");
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

/* However many there are, each ends in its time; and those that nobody answers do not hold back
 * those that somebody would. */
static void h2_look_ups_without_number(void **state)
{
    fixture *f = *state;
    char name[32];
    size_t asked = 0;
    size_t ended = 0;
    bool found = false;

    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof name, "dead-%d.local", i);
        look_up(f, name, 1000, NULL);
    }
    assert_int_equal(count_sent(f), 2 * FLOE_MDNS_BURST);
    for (int ms = 0; ms < 1000; ms++) {
        pass(f, 1);
        asked += count_sent(f);
        assert_true(f->output.kind != FLOE_MDNS_RESOLVED || ms == 999);
    }
    assert_in_range(asked, 1900, 2000);
    pass(f, 0);
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof name, "dead-%d.local", i);
        look_up(f, name, 5000, NULL);
        look_up(f, name, 1000, NULL);
    }
    look_up(f, "live.local", 5000, &found);
    for (int ms = 0; ms < 5001; ms++) {
        while (floe_mdns_poll(f->mdns, &f->output)) {
            if (f->output.kind == FLOE_MDNS_RESOLVED) {
                ended++;
                found = found || f->output.error == FLOE_OK;
            } else {
                assert_true(floe_mdns_parse(f->output.data, f->output.size, &f->message));
                if (strcmp(f->message.questions[0].name, "live.local") == 0) {
                    say(f, "live.local", "10.0.1.77:0", 120);
                }
            }
        }
        pass(f, 1);
    }
    assert_true(found);
    assert_int_equal(ended, 6001);
    pass(f, 1000); /* for which no name is asked for again */
    assert_int_equal(floe_mdns_deadline(f->mdns).ns, UINT64_MAX);
}

/* Of a name that has not had its turn nobody can say that there was no answer. */
static void h2_more_names_than_can_be_asked_for(void **state)
{
    fixture *f = *state;
    char name[32];
    size_t timed_out = 0;
    size_t never_asked = 0;

    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof name, "dead-%d.local", i);
        look_up(f, name, 100, NULL);
    }
    for (int ms = 0; ms < 101; ms++) {
        pass(f, 1);
        while (floe_mdns_poll(f->mdns, &f->output)) {
            timed_out +=
                f->output.kind == FLOE_MDNS_RESOLVED && f->output.error == FLOE_ERR_TIMED_OUT;
            never_asked +=
                f->output.kind == FLOE_MDNS_RESOLVED && f->output.error == FLOE_ERR_QUEUE_FULL;
        }
    }
    assert_int_equal(timed_out + never_asked, 500);
    assert_in_range(timed_out, FLOE_MDNS_BURST + 98, FLOE_MDNS_BURST + 100);
}

/* The first questions of others go before what is asked again. */
static void h2_dead_names_do_not_starve_a_live_one(void **state)
{
    fixture *f = *state;
    char name[32];
    uint64_t ms = 0;

    for (int i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof name, "dead-%d.local", i);
        look_up(f, name, 5000, NULL);
    }
    for (int i = 0; i < 1000; i++) { /* until they are to be asked again */
        pass(f, 1);
        (void)count_sent(f);
    }
    look_up(f, "live.local", 5000, NULL);
    while (strcmp(f->message.questions[0].name, "live.local") != 0) {
        ms += wait_for_sent(f);
    }
    assert_in_range(ms, 0, 1);
}

/* One that is asked for once more before its turn keeps it. */
static void h2_who_is_asked_for_twice_keeps_its_turn(void **state)
{
    fixture *f = *state;
    char name[32];
    bool came = false;

    for (int i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof name, "peer-%d.local", i);
        look_up(f, name, 5000, NULL);
    }
    pass(f, 2);
    (void)count_sent(f);
    look_up(f, "peer-100.local", 5000, NULL);
    while (strcmp(f->message.questions[0].name, "peer-150.local") != 0) {
        (void)wait_for_sent(f);
        came = came || strcmp(f->message.questions[0].name, "peer-100.local") == 0;
    }
    assert_true(came);
}

/* §5.2: a second apart; but who asks anew does not wait for the end of another's pause. */
static void h2_a_second_look_up_asks_at_once(void **state)
{
    fixture *f = *state;

    look_up(f, "peer.local", 60000, NULL);
    for (int i = 0; i < 160; i++) {
        pass(f, 100);
        (void)count_sent(f);
    }
    look_up(f, "PEER.local.", 5000, NULL);
    assert_int_equal(count_sent(f), 2);
    look_up(f, "peer.local", 5000, NULL);
    assert_int_equal(count_sent(f), 0);
    pass(f, 1000);
    assert_int_equal(count_sent(f), 2);
    pass(f, 1999);
    assert_int_equal(count_sent(f), 0);
    pass(f, 1);
    assert_int_equal(count_sent(f), 2);
}

/* Who asks where there is no link yet is heard on the first that comes. */
static void h2_a_link_that_comes_is_asked(void **state)
{
    fixture *f = *state;

    floe_mdns_set_links(f->mdns, f->now, NULL, 0);
    look_up(f, "peer.local", 60000, NULL);
    assert_int_equal(count_sent(f), 0);
    pass(f, 20000);
    pass(f, 1000);
    assert_int_equal(count_sent(f), 0);
    floe_mdns_set_links(f->mdns, f->now, &eth0, 1);
    pass(f, 19); /* §5.2: others have seen it come as well */
    assert_int_equal(count_sent(f), 0);
    pass(f, 101);
    assert_int_equal(count_sent(f), 2);
}

/* A link that others are on from now on is asked again, for what is still looked for. */
static void h2_a_link_with_others_on_it_is_asked(void **state)
{
    fixture *f = *state;

    look_up(f, "peer.local", 60000, NULL);
    for (int i = 0; i < 2; i++) {
        for (int ms = 0; ms < 5000; ms += 100) {
            (void)count_sent(f);
            pass(f, 100);
        }
        assert_int_equal(count_sent(f), 0);
        floe_mdns_renew(f->mdns, f->now, i == 0 ? NULL : &eth0);
        pass(f, 19);
        assert_int_equal(count_sent(f), 0);
        pass(f, 101);
        assert_int_equal(count_sent(f), 2);
    }
    pass(f, 500);
    floe_mdns_renew(f->mdns, f->now, &eth1); /* which there is not */
    pass(f, 120);
    assert_int_equal(count_sent(f), 0);
}

/* Whoever sleeps until the deadline is late for nothing. */
static void h2_the_deadline_is_when_something_is_due(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    assert_int_equal(floe_mdns_deadline(f->mdns).ns, UINT64_MAX);
    ask(f, NAME, false);
    assert_int_equal(count_sent(f), 1);
    pass(f, 300);
    ask(f, NAME, false); /* it is said a second after the last time */
    assert_int_equal(floe_mdns_deadline(f->mdns).ns, f->now.ns + 700000000);
    pass(f, 700);
    assert_int_equal(count_sent(f), 1);
    assert_int_equal(floe_mdns_deadline(f->mdns).ns, UINT64_MAX);
}

/* Who has gone hears nothing, though the end was to be told already. */
/* RFC 6762 §5.2: the second between the first two questions is the link's, whoever asks. */
static void h2_look_ups_again_and_again(void **state)
{
    fixture *f = *state;
    size_t asked = 0;

    for (int i = 0; i < 400; i++) {
        look_up(f, "peer.local", 20, NULL);
        asked += count_sent(f);
        pass(f, 25);
        asked += count_sent(f);
    }
    assert_int_equal(asked, 2 * 10); /* for either family, in ten seconds */
    pass(f, 1000);
    assert_int_equal(floe_mdns_deadline(f->mdns).ns, UINT64_MAX);
    look_up(f, "peer.local", 5000, NULL);
    assert_int_equal(count_sent(f), 2);
}

static void h2_who_has_gone_is_told_nothing(void **state)
{
    fixture *f = *state;
    int asker;

    look_up(f, "peer.local", 5000, &asker);
    say(f, "peer.local", "10.0.1.77:0", 120);
    floe_mdns_forget(f->mdns, &asker);
    assert_false(resolved(f));
    look_up(f, "peer.local", 5000, &asker);
    floe_mdns_forget(f->mdns, &asker);
    assert_int_equal(floe_mdns_deadline(f->mdns).ns, UINT64_MAX);
    assert_false(sent(f));
}

/* Without memory nothing is left behind, and the next try is as good as the first. */
static void h2_a_name_without_memory(void **state)
{
    fixture *f = *state;
    size_t before = f->memory.live;

    for (size_t n = 1; n <= 2; n++) {
        f->memory.fail_at = f->memory.calls + n;
        f->memory.fail_count = 1;
        assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &f->own, 2, false),
                         FLOE_ERR_NO_MEMORY);
        assert_int_equal(f->memory.live, before);
    }
    publish_and_settle(f);
}

/* What is to be told waits, whoever polls late. */
static void h2_nothing_that_is_to_be_told_is_lost(void **state)
{
    fixture *f = *state;
    bool told = false;
    size_t ended = 0;

    publish(f, true);
    (void)wait_for_sent(f);
    say(f, NAME, "10.0.1.9:0", 120);
    for (int i = 0; i < 5000; i++) { /* packets without number, and nobody polls */
        pass(f, 100);
        f->arrival.source.port = 1;
        ask(f, NAME, false);
        look_up(f, "peer.local", 50, NULL);
    }
    pass(f, 100);
    while (floe_mdns_poll(f->mdns, &f->output)) {
        told = told || f->output.kind == FLOE_MDNS_TAKEN;
        ended += f->output.kind == FLOE_MDNS_RESOLVED;
    }
    assert_true(told);
    assert_int_equal(ended, 5000);
}

/* §16: in whatever case, with a dot at the end or without, and what is not ASCII as well. */
static void h2_names_are_compared_as_names(void **state)
{
    static const char *const spelled[] = {"x.local", "X.LOCAL", "x.local.", "X.Local."};
    fixture *f = *state;

    for (size_t i = 0; i < 4; i++) {
        look_up(f, spelled[i], 5000, NULL);
        say(f, spelled[3 - i], "10.0.1.77:0", 120);
        assert_true(resolved(f));
        assert_int_equal(f->output.error, FLOE_OK);
    }
    look_up(f, "Jos\xc3\xa9 s.local", 5000, NULL);
    say(f, "jos\\195\\169\\032s.local", "10.0.1.77:0", 120);
    assert_true(resolved(f));
    assert_int_equal(f->output.error, FLOE_OK);
    look_up(f, "..local", 5000, NULL);
    assert_true(resolved(f));
    assert_int_equal(f->output.error, FLOE_ERR_NOT_FOUND);
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, "Mine.LOCAL.", &f->own, 2, false), FLOE_OK);
    settle(f);
    ask(f, "mine.local", false);
    assert_int_equal(count_sent(f), 1);
    floe_mdns_unpublish(f->mdns, f->now, "MINE.local", &f->own);
    assert_int_equal(count_sent(f), 1);
}

/* A link-local address is of use with its scope alone. */
static void h2_link_local_addresses_have_their_scope(void **state)
{
    fixture *f = *state;
    floe_address own = address_of("[fe80::2]:0");

    look_up(f, "peer.local", 5000, NULL);
    say(f, "peer.local", "[fe80::77]:0", 120);
    assert_true(resolved(f));
    assert_int_equal(f->output.addresses[0].scope_id, eth0.interface_index);
    own.scope_id = eth0.interface_index;
    assert_int_equal(floe_mdns_publish(f->mdns, f->now, NAME, &own, 2, false), FLOE_OK);
    look_up(f, NAME, 5000, NULL);
    assert_true(resolved(f));
    assert_int_equal(f->output.addresses[0].scope_id, eth0.interface_index);
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
    f->arrival.source.port = 5354;
    say(f, "peer.local", "10.0.1.77:0", 120);
    assert_false(resolved(f));
}

/* Byte `at` of what is asked, and of what is answered, is that one: neither counts. */
static void is_passed_over(fixture *f, size_t at, uint8_t with)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    floe_address theirs = address_of("10.0.1.77:0");

    size_t size = floe_mdns_write_query(NAME, FLOE_FAMILY_IPV4, data, sizeof data);
    data[at] = with;
    receive(f, data, size);
    assert_int_equal(count_sent(f), 0);
    size = write_answer("peer.local", &theirs, 120, data);
    data[at] = (uint8_t)(with | (at == 2 ? 0x84 : 0));
    receive(f, data, size);
    assert_false(resolved(f));
}

/* §18.3, §18.11. */
static void h2_other_opcodes_and_response_codes(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    look_up(f, "peer.local", 60000, NULL);
    (void)count_sent(f);
    for (uint8_t code = 1; code < 16; code++) {
        is_passed_over(f, 2, (uint8_t)(code << 3));
        is_passed_over(f, 3, code);
    }
    ask_type(f, NAME, 1);
    assert_int_equal(count_sent(f), 1);
}

/* §6: name, type and class are all to be the same. */
static void h2_other_classes(void **state)
{
    static const uint8_t chaos = 3;
    static const uint8_t any = 255;
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    floe_address theirs = address_of("10.0.1.77:0");

    publish_and_settle(f);
    size_t size = floe_mdns_write_query(NAME, FLOE_FAMILY_IPV4, data, sizeof data);
    data[size - 1] = chaos;
    receive(f, data, size);
    assert_int_equal(count_sent(f), 0);
    data[size - 1] = any;
    receive(f, data, size);
    assert_int_equal(count_sent(f), 1);
    look_up(f, "peer.local", 60000, NULL);
    (void)count_sent(f);
    size = write_answer("peer.local", &theirs, 120, data);
    data[size - 11] = chaos; /* TTL, length and address stand behind it */
    receive(f, data, size);
    assert_false(resolved(f));
    data[size - 11] = 1;
    receive(f, data, size);
    assert_true(resolved(f));
}

/* §6.1: "MUST NOT ignore an entire message just because that message contains one or more NSEC
 * record(s)" that cannot be parsed; nor for what else is new to us, or broken, beside the answer. */
static void h2_what_cannot_be_read_costs_itself_alone(void **state)
{
    static const struct {
        uint8_t type;
        uint8_t size;
        uint8_t data[8];
    } rows[] = {
        {47, 5, {0xc0, 0x0c, 0x00, 0x01, 0x40}},       /* NSEC: as it should be */
        {47, 5, {0xff, 0xff, 0x00, 0x01, 0x40}},       /* a name that points nowhere */
        {47, 7, {0x3f, 'a', 'b', 'c', 0, 0x01, 0x40}}, /* one that is longer than the message */
        {47, 6, {0x41, 'a', 0x00, 0x00, 0x01, 0x40}},  /* one of a label of an unknown kind */
        {47, 0, {0}},                                  /* nothing */
        {47, 5, {0xc0, 0x0c, 0x00, 0x20, 0x40}},       /* a bitmap that is longer than that */
        {16, 3, {0x09, 'a', 'b'}},                     /* TXT */
        {28, 4, {10, 0, 1, 9}},                        /* AAAA */
        {1, 3, {10, 0, 1}},                            /* A */
        {65, 1, {1}},                                  /* HTTPS */
    };
    static const uint8_t head[] = {0xc0, 0x0c, 0, 0, 0x80, 1, 0, 0, 0, 120, 0, 0};
    fixture *f = *state;
    floe_address theirs = address_of("10.0.1.77:0");
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    publish_and_settle(f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int query = 0; query < 2; query++) {
            size_t size = query ? floe_mdns_write_query(NAME, FLOE_FAMILY_IPV4, data, sizeof data)
                                : write_answer("peer.local", &theirs, 120, data);
            uint8_t *rest = &data[size];
            memcpy(rest, head, sizeof head);
            rest[3] = rows[i].type;
            rest[11] = rows[i].size;
            memcpy(&rest[sizeof head], rows[i].data, rows[i].size);
            data[11] = 1; /* an additional record */
            size += sizeof head + rows[i].size;
            look_up(f, "peer.local", 60000, NULL);
            (void)count_sent(f);
            receive(f, data, size);
            if (query) {
                assert_int_equal(count_sent(f), 1);
            } else {
                assert_true(resolved(f));
                assert_int_equal(f->output.address_count, 1);
            }
            pass(f, 65000);
            while (floe_mdns_poll(f->mdns, &f->output)) {
                assert_int_not_equal(f->output.kind, FLOE_MDNS_TAKEN);
            }
            /* But one that ends before its end says nothing. */
            receive(f, data, size - 1);
            assert_false(sent(f));
        }
    }
}

/* §7.1: those that the asker knows stand among the answers of its question. */
static void h2_known_answers_are_answers(void **state)
{
    fixture *f = *state;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    publish_and_settle(f);
    size_t size = query_with_known(f, 120, data);
    data[7] = 0;
    for (size_t counted = 9; counted <= 11; counted += 2) { /* authority, additional */
        data[counted] = 1;
        receive(f, data, size);
        assert_int_equal(count_sent(f), 1);
        data[counted] = 0;
        pass(f, 5000);
    }
    data[7] = 1;
    receive(f, data, size);
    assert_int_equal(count_sent(f), 0);
}

/* ── Messages at their bounds ── */

/* A name of so many plain letters and spaces, of which each is written in four characters. */
static size_t name_of(char *text, size_t letters, size_t spaces)
{
    size_t at = 0;

    for (size_t i = 0; i < letters + spaces; i++) {
        if (i % 50 == 49 && i < letters) {
            text[at++] = '.';
        } else if (i < letters) {
            text[at++] = 'a';
        } else {
            memcpy(&text[at], "\\032", 4);
            at += 4;
        }
    }
    text[at] = '\0';
    return at;
}

static void h2_names_at_their_bounds(void **state)
{
    char name[FLOE_MDNS_NAME_SIZE];
    char text[512];

    (void)state;
    assert_false(floe_mdns_name("", name));
    assert_false(floe_mdns_name(".", name));
    assert_false(floe_mdns_name("a..b", name));
    assert_true(floe_mdns_name("a", name));
    assert_string_equal(name, "a");
    assert_true(floe_mdns_name("AMZ@[`{amz.LOCAL.", name));
    assert_string_equal(name, "amz@[`{amz.local");
    for (size_t spaces = 5; spaces < 9; spaces++) {
        for (size_t letters = 235; letters + spaces < 253; letters++) {
            size_t size = name_of(text, letters, spaces);
            assert_int_equal(floe_mdns_name(text, name), size < FLOE_MDNS_NAME_SIZE);
            if (size < FLOE_MDNS_NAME_SIZE) {
                assert_string_equal(name, text);
            }
        }
    }
}

/* What is written needs its room to the byte, and a name. */
static void h2_messages_have_the_room_that_they_need(void **state)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    floe_address address = address_of("10.0.1.77:0");
    floe_mdns_answer answer = {
        .name = "a.local", .count = 1, .ipv4 = true, .negative = FLOE_MDNS_BESIDE};

    (void)state;
    answer.addresses[0].address = address;
    answer.addresses[0].place = FLOE_MDNS_AS_ANSWER;
    size_t query = floe_mdns_write_query("a.local", FLOE_FAMILY_IPV4, data, sizeof data);
    size_t asked = floe_mdns_write_probe("a.local", &address, 1, data, sizeof data);
    size_t size = floe_mdns_write_answer(&answer, data, sizeof data);
    assert_int_equal(query, 12 + 9 + 4);
    assert_true(asked > query && size > asked);
    for (size_t room = 0; room < size + 2; room++) {
        assert_int_equal(floe_mdns_write_query("a.local", FLOE_FAMILY_IPV4, data, room),
                         room < query ? 0 : query);
        assert_int_equal(floe_mdns_write_probe("a.local", &address, 1, data, room),
                         room < asked ? 0 : asked);
        assert_int_equal(floe_mdns_write_answer(&answer, data, room), room < size ? 0 : size);
    }
    assert_int_equal(floe_mdns_write_query("a..b", FLOE_FAMILY_IPV4, data, sizeof data), 0);
    assert_int_equal(floe_mdns_write_probe("a..b", &address, 1, data, sizeof data), 0);
    answer.name = "a..b";
    assert_int_equal(floe_mdns_write_answer(&answer, data, sizeof data), 0);
    answer.count = 0;
    assert_int_equal(floe_mdns_write_answer(&answer, data, sizeof data), 0);
}

/* A message of so many questions, or records, for one name; the sections' counts stand at 4 to 11. */
static size_t many(size_t section, unsigned count, uint8_t *data, size_t room)
{
    static const uint8_t first[] = {1, 'a', 5, 'l', 'o', 'c', 'a', 'l', 0};
    static const uint8_t rest[] = {0, 1, 0, 1, 0, 0, 0, 120, 0, 4, 10, 0, 1, 77};
    size_t at = 12;

    memset(data, 0, 12);
    data[5 + 2 * section] = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        size_t size = section == 0 ? 4 : sizeof rest;
        assert_true(at + sizeof first + size <= room);
        memcpy(&data[at], i == 0 ? first : (const uint8_t[]){0xc0, 12}, i == 0 ? sizeof first : 2);
        at += i == 0 ? sizeof first : 2;
        memcpy(&data[at], rest, size);
        at += size;
    }
    return at;
}

static void h2_a_message_has_so_many_items(void **state)
{
    static uint8_t data[9000];
    static floe_mdns_message message;

    (void)state;
    for (unsigned count = 0; count < FLOE_MDNS_ITEMS_MAX + 5; count++) {
        unsigned most = count < FLOE_MDNS_ITEMS_MAX ? count : FLOE_MDNS_ITEMS_MAX;
        for (size_t section = 0; section < 4; section++) {
            size_t size = many(section, count, data, sizeof data);
            assert_true(floe_mdns_parse(data, size, &message));
            assert_int_equal(message.question_count, section == 0 ? most : 0);
            assert_int_equal(message.record_count, section == 0 ? 0 : most);
            data[2] = 0x84; /* of a response neither questions count nor authority */
            assert_true(floe_mdns_parse(data, size, &message));
            assert_true(message.response);
            assert_int_equal(message.question_count, 0);
            assert_int_equal(message.record_count, section % 2 == 0 ? 0 : most);
        }
    }
    memset(data, 0, 12);
    assert_true(floe_mdns_parse(data, 12, &message));
    assert_false(floe_mdns_parse(data, 11, &message));
    /* An address without one. */
    size_t size = many(1, 1, data, sizeof data);
    data[size - 5] = 0;
    assert_true(!floe_mdns_parse(data, size - 4, &message) || message.record_count == 0);
}

/* Two records: the data of the first, which nobody reads, are pointers, each to the one before, and
 * `first` is where the first of them leads; the second's name is the last of them. */
static size_t chain(unsigned pointers, unsigned first, uint8_t *data)
{
    static const uint8_t head[] = {5, 'l', 'o', 'c', 'a', 'l', 0, 0, 16, 0, 1, 0, 0, 0, 120};
    static const uint8_t rest[] = {0, 1, 0, 1, 0, 0, 0, 120, 0, 4, 10, 0, 1, 77};
    size_t size = 2 * (size_t)(pointers - 1);
    size_t at = 12;
    size_t to = first;

    memset(data, 0, 12);
    data[7] = 2;
    memcpy(&data[at], head, sizeof head);
    at += sizeof head;
    data[at++] = (uint8_t)(size >> 8);
    data[at++] = (uint8_t)size;
    for (unsigned i = 0; i < pointers; i++) {
        data[at] = (uint8_t)(0xC0 | to >> 8);
        data[at + 1] = (uint8_t)to;
        to = at;
        at += 2;
    }
    memcpy(&data[at], rest, sizeof rest);
    return at + sizeof rest;
}

/* RFC 1035 §4.1.4: pointers lead back, and no name costs more than its length. */
static void h2_pointers_lead_back_and_are_few(void **state)
{
    static uint8_t data[9000];
    static floe_mdns_message message;
    static const struct {
        unsigned pointers;
        unsigned first;
        bool good;
    } cases[] = {
        {1, 12, true},    {2, 12, true},     {127, 12, true},
        {128, 12, false}, {4000, 12, false},                 /* too many */
        {1, 29, false},   {1, 30, false},    {2, 31, false}, /* to itself, and forward */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = chain(cases[i].pointers, cases[i].first, data);
        assert_int_equal(floe_mdns_parse(data, size, &message), cases[i].good);
    }
}

/* Each machine's trees are of a shape that nobody else can reckon. */
static void h2_a_machine_begins_with_randomness(void **state)
{
    fixture *f = *state;
    seeded_random before = f->random;

    floe_mdns *other = floe_mdns_new(&f->memory.table, &f->random.table);
    assert_non_null(other);
    assert_int_not_equal(seeded_next(&before), seeded_next(&f->random));
    floe_mdns_free(other);
    floe_mdns_free(NULL);
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
    size_t size = floe_mdns_write_probe(NAME, &f->own, 1, data, sizeof data);
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
    settle(f);
    memset(data, 0, 12);
    size_t used = floe_mdns_write_query(NAME, FLOE_FAMILY_IPV4, data, sizeof data);
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
    settle(f);
    ask(f, NAME, false);
    assert_int_equal(count_sent(f), 1);
}

/* Whatever is asked, what waits to be sent stays bounded when nobody polls. */
static void hostile_floods_stay_bounded(void **state)
{
    fixture *f = *state;

    publish_and_settle(f);
    f->arrival.source.port = 1; /* legacy askers are answered each */
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
        (void)floe_mdns_publish(mdns, now, NAME, &own, link.interface_index, n % 2 == 0);
        (void)floe_mdns_look_up(mdns, now, "peer.local", FLOE_FAMILY_NONE, floe_milliseconds(100),
                                NULL);
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
        TEST(h2_known_answers_are_waited_for),
        TEST(h2_known_answers_hasten_nothing),
        TEST(h2_known_answers_are_waited_for_by_unicast_too),
        TEST(h2_several_questions_are_answered_a_moment_later),
        TEST(h2_a_name_is_defended_at_once),
        TEST(h2_known_answers_are_waited_for_by_some),
        TEST(h2_legacy_askers_get_id_question_and_short_ttl),
        TEST(h2_legacy_askers_are_told_no_address_that_is_gone),
        TEST(h2_an_answer_that_was_not_polled),
        TEST(h2_goodbye_of_a_disputed_name),
        TEST(h2_goodbye_of_an_address_of_a_disputed_name),
        TEST(h2_neighbours_know_the_addresses_that_there_are),
        TEST(h2_goodbye_with_the_last_owner),
        TEST(h2_probed_three_times_first),
        TEST(h2_a_probe_that_is_answered_means_taken),
        TEST(h2_a_probe_that_is_answered_by_another_record),
        TEST(h2_another_claims_our_name),
        TEST(h2_a_name_is_kept_or_lost_as_a_whole),
        TEST(h2_conflicts_without_end),
        TEST(h2_our_record_with_too_short_a_life),
        TEST(h2_a_name_is_probed_for_again_on_another_link),
        cmocka_unit_test(h2_of_machines_with_one_name_one_keeps_it),
        TEST(h2_two_that_probe_at_once),
        TEST(h2_proposals_are_compared_whole),
        TEST(h2_proposals_of_other_types),
        TEST(h2_our_own_words_are_no_rivals),
        TEST(h2_a_link_that_comes_hears_of_it),
        TEST(h2_links_that_stay_hear_it_once),
        TEST(h2_an_address_is_said_on_its_own_links),
        TEST(h2_an_address_on_two_interfaces_stays_where_it_is),
        TEST(h2_an_address_comes_back_on_another_interface),
        TEST(h2_as_many_links_as_there_may_be),
        TEST(h2_each_family_has_its_own_answer),
        TEST(h2_every_question_is_answered),
        TEST(h2_a_question_and_then_the_other),
        TEST(h2_record_sets_are_told_whole),
        TEST(h2_a_goodbye_has_the_address),
        TEST(h2_more_addresses_than_a_message_has_room_for),
        TEST(h2_an_answer_byte_by_byte),
        TEST(h2_nothing_is_said_on_a_link_that_is_gone),
        TEST(h2_nothing_is_said_of_a_name_that_is_gone),
        TEST(h2_addresses_without_end),
        TEST(h2_answers_to_one_asker_alone),
        TEST(h2_nothing_is_believed_from_off_the_link),
        TEST(h2_no_answer_comes_to_us_alone),
        TEST(h2_authority_is_for_probes_alone),
        TEST(h2_a_name_is_found),
        TEST(h2_nobody_answers),
        TEST(h2_one_question_for_many_askers),
        TEST(h2_look_ups_without_number),
        TEST(h2_more_names_than_can_be_asked_for),
        TEST(h2_dead_names_do_not_starve_a_live_one),
        TEST(h2_who_is_asked_for_twice_keeps_its_turn),
        TEST(h2_a_second_look_up_asks_at_once),
        TEST(h2_nothing_that_is_to_be_told_is_lost),
        TEST(h2_a_link_that_comes_is_asked),
        TEST(h2_a_link_with_others_on_it_is_asked),
        TEST(h2_a_name_without_memory),
        TEST(h2_the_deadline_is_when_something_is_due),
        TEST(h2_look_ups_again_and_again),
        TEST(h2_who_has_gone_is_told_nothing),
        TEST(h2_names_are_compared_as_names),
        TEST(h2_link_local_addresses_have_their_scope),
        TEST(h2_our_own_name_needs_no_question),
        TEST(h2_answers_from_other_ports_do_not_count),
        TEST(h2_other_opcodes_and_response_codes),
        TEST(h2_other_classes),
        TEST(h2_what_cannot_be_read_costs_itself_alone),
        TEST(h2_known_answers_are_answers),
        TEST(h2_names_at_their_bounds),
        TEST(h2_messages_have_the_room_that_they_need),
        TEST(h2_a_message_has_so_many_items),
        TEST(h2_pointers_lead_back_and_are_few),
        TEST(h2_a_machine_begins_with_randomness),
        TEST(hostile_messages),
        TEST(hostile_floods_stay_bounded),
        cmocka_unit_test(every_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests_name("mdns", tests, NULL, NULL);
}

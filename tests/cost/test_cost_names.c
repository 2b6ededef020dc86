/* How multicast DNS's work grows with the names that are answered for and asked for, counted in the
 * steps of its program: what comes of one packet, or of one name more, costs the same however many
 * there are, but for the logarithm of finding it. No clock is read. */
#include "cost/steps.h"
#include "support.h"

#include "mdns/mdns.h"

#include <stdio.h>
#include <stdlib.h>

static const floe_mdns_link eth0 = {2, FLOE_FAMILY_IPV4};

typedef struct many_names {
    counting_allocator memory;
    seeded_random random;
    floe_mdns *mdns;
    floe_time now;
    floe_mdns_output output;
} many_names;

static void poll_all(many_names *m)
{
    while (floe_mdns_poll(m->mdns, &m->output)) {
    }
}

static void pass(many_names *m, uint64_t ms)
{
    m->now.ns += ms * 1000000;
    floe_mdns_time(m->mdns, m->now);
    poll_all(m);
}

static void publish(many_names *m, size_t n)
{
    char name[32];
    floe_address address = address_of("10.0.0.1:0");

    (void)snprintf(name, sizeof name, "name-%zu.local", n);
    assert_int_equal(floe_mdns_publish(m->mdns, m->now, name, &address, 2, false), FLOE_OK);
}

static void look_up(many_names *m, size_t n)
{
    char name[32];

    (void)snprintf(name, sizeof name, "peer-%zu.local", n);
    assert_int_equal(
        floe_mdns_look_up(m->mdns, m->now, name, FLOE_FAMILY_NONE, floe_seconds(1000), m), FLOE_OK);
}

/* Names that are announced, and look-ups that nobody has answered yet. */
static void begin(many_names *m, size_t names, size_t look_ups)
{
    counting_init(&m->memory);
    seeded_init(&m->random, 7);
    m->now = (floe_time){1000000000};
    m->mdns = floe_mdns_new(&m->memory.table, &m->random.table);
    assert_non_null(m->mdns);
    floe_mdns_set_links(m->mdns, m->now, &eth0, 1);
    for (size_t i = 0; i < names; i++) {
        publish(m, i);
    }
    for (size_t i = 0; i < look_ups; i++) {
        look_up(m, i);
    }
    for (int i = 0; i < 10; i++) {
        pass(m, 1000);
    }
}

static void end(many_names *m)
{
    floe_mdns_free(m->mdns);
    assert_int_equal(m->memory.live, 0);
}

static void receive(many_names *m, const uint8_t *data, size_t size)
{
    floe_mdns_arrival arrival = {eth0, address_of("10.0.0.9:5353"), true, true};

    assert_true(size > 0);
    floe_mdns_receive(m->mdns, m->now, &arrival, data, size);
    poll_all(m);
    (void)floe_mdns_deadline(m->mdns);
}

static void ask_for(many_names *m, const char *name)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    receive(m, data, floe_mdns_write_query(name, FLOE_FAMILY_IPV4, data, sizeof data));
}

static void answer_for(many_names *m, const char *name)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    floe_mdns_answer answer = {.name = name, .count = 1};

    answer.addresses[0].address = address_of("10.0.0.9:0");
    answer.addresses[0].ttl = 120;
    answer.addresses[0].place = FLOE_MDNS_AS_ANSWER;
    receive(m, data, floe_mdns_write_answer(&answer, data, sizeof data));
}

/* What happens once, whatever the number of names. */
static void ask_a_stranger(many_names *m)
{
    ask_for(m, "printer.local");
}

static void ask_one(many_names *m)
{
    ask_for(m, "name-77.local");
}

static void ask_and_a_second_later(many_names *m)
{
    ask_for(m, "name-78.local");
    pass(m, 1000);
}

static void answer_of_a_stranger(many_names *m)
{
    answer_for(m, "printer.local");
}

static void answer_of_one(many_names *m)
{
    answer_for(m, "peer-77.local");
}

static void one_name_more(many_names *m)
{
    publish(m, 1000000);
    poll_all(m);
    (void)floe_mdns_deadline(m->mdns);
}

static void one_name_less(many_names *m)
{
    floe_address address = address_of("10.0.0.1:0");

    floe_mdns_unpublish(m->mdns, m->now, "name-79.local", &address);
    poll_all(m);
}

static void one_look_up_more(many_names *m)
{
    look_up(m, 1000000);
    poll_all(m);
    (void)floe_mdns_deadline(m->mdns);
}

static void one_asker_less(many_names *m)
{
    floe_mdns_forget(m->mdns, &steps);
}

static uint64_t steps_of(size_t names, size_t look_ups, void (*once)(many_names *m))
{
    many_names m = {0};

    begin(&m, names, look_ups);
    steps = 0;
    once(&m);
    uint64_t taken = steps;
    end(&m);
    assert_true(taken > 0);
    return taken;
}

static void work_does_not_grow_with_the_names(void **state)
{
    static void (*const what[])(many_names * m) = {
        ask_a_stranger, ask_one,       ask_and_a_second_later, answer_of_a_stranger, answer_of_one,
        one_name_more,  one_name_less, one_look_up_more,       one_asker_less};

    (void)state;
    for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
        uint64_t few = steps_of(100, 100, what[i]);
        uint64_t many = steps_of(1600, 1600, what[i]);
        if (getenv("COST_SHOWN") != NULL) {
            print_message("%zu: %llu %llu\n", i, (unsigned long long)few, (unsigned long long)many);
        }
        assert_true(many < 2 * few + 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_does_not_grow_with_the_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

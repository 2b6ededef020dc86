/* core: relays and bases by what they are found by: those beside each other, and who is due; and the
 * priorities of many candidates of one base. */
#include "polled.h"
#include "support.h"

#include "base/time.h"
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/server/server.h"
#include "core/socket/way.h"
#include "core/source/relay_inside.h"

#include <floe/core.h>
#include <string.h>

typedef struct fixture {
    counting_allocator memory;
    seeded_random random;
    floe_core_shared *shared;
    floe_core *core;
} fixture;

static void make(fixture *f)
{
    const char *url = "turn:203.0.113.2";
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;

    memset(f, 0, sizeof *f);
    counting_init(&f->memory);
    seeded_init(&f->random, 7);
    settings.allocator = &f->memory.table;
    server.urls = &url;
    server.url_count = 1;
    server.username = "user";
    server.credential = "secret";
    options.ice_servers = &server;
    options.ice_server_count = 1;
    assert_int_equal(floe_core_shared_new(&settings, &f->random.table, &f->shared), FLOE_OK);
    assert_int_equal(floe_core_new(f->shared, &options, &f->core), FLOE_OK);
}

static void end(fixture *f)
{
    floe_core_free(f->core);
    floe_core_shared_free(f->shared);
    assert_int_equal(f->memory.live, 0);
}

static floe_base *open_base(fixture *f, const char *ip, uint32_t interface_index)
{
    floe_address address;

    assert_int_equal(floe_address_parse(ip, &address), FLOE_OK);
    floe_base *base = floe_base_new(f->core, &address);
    assert_non_null(base);
    floe_base_set_interface(f->core, base, interface_index);
    floe_base_open(f->core, base);
    floe_base_set_state(f->core, base, FLOE_BASE_OPEN);
    return base;
}

static floe_relay *new_relay(fixture *f, floe_base *base)
{
    const floe_server *server = &f->core->set->servers[0];
    floe_place place = {.transport = FLOE_PROTOCOL_UDP};

    assert_int_equal(floe_address_parse("203.0.113.2", &place.address), FLOE_OK);
    floe_relay *relay = floe_relay_create(f->core, base, server, (floe_relay_kind){0}, &place);
    assert_non_null(relay);
    return relay;
}

static void assert_rivals(const floe_base *base, floe_base *const *expected, size_t count)
{
    size_t at = 0;

    FLOE_BASE_RIVALS(rival, base)
    {
        assert_true(at < count);
        assert_ptr_equal(rival, expected[at++]);
    }
    assert_int_equal(at, count);
}

/* T1: of one interface, and the other family; whichever came to it when. */
static void rivals_are_those_of_an_interface(void **state)
{
    fixture f;

    (void)state;
    make(&f);
    floe_base *a4 = open_base(&f, "192.0.2.1", 1);
    floe_base *a6 = open_base(&f, "2001:db8::1", 1);
    floe_base *b6 = open_base(&f, "2001:db8:1::1", 2);
    floe_base *a6_too = open_base(&f, "2001:db8::2", 1);
    floe_base *nowhere4 = open_base(&f, "192.0.2.2", 0);
    floe_base *nowhere6 = open_base(&f, "2001:db8:2::1", 0);
    assert_rivals(a4, (floe_base *[]){a6, a6_too}, 2);
    assert_rivals(a6_too, (floe_base *[]){a4}, 1);
    assert_rivals(b6, NULL, 0);
    assert_rivals(nowhere4, NULL, 0);
    assert_rivals(nowhere6, NULL, 0);
    floe_base_set_interface(f.core, b6, 1); /* between the two, by its age */
    assert_rivals(a4, (floe_base *[]){a6, b6, a6_too}, 3);
    floe_base_set_interface(f.core, a4, 2);
    assert_rivals(a4, NULL, 0);
    assert_rivals(a6, NULL, 0);
    floe_base_set_interface(f.core, a4, 1);
    floe_base_set_interface(f.core, a6, 0);
    assert_rivals(a4, (floe_base *[]){b6, a6_too}, 2);
    floe_base_free(f.core, b6);
    assert_rivals(a4, (floe_base *[]){a6_too}, 1);
    end(&f);
}

static void assert_beside(const floe_base *base, floe_relay *const *expected, size_t count)
{
    size_t at = 0;

    FLOE_RELAYS_BESIDE(relay, base)
    {
        assert_true(at < count);
        assert_ptr_equal(relay, expected[at++]);
    }
    assert_int_equal(at, count);
}

static void relays_are_found_by_their_bases(void **state)
{
    fixture f;

    (void)state;
    make(&f);
    floe_base *a4 = open_base(&f, "192.0.2.1", 1);
    floe_base *b4 = open_base(&f, "192.0.2.2", 2);
    floe_base *a6 = open_base(&f, "2001:db8::1", 1);
    floe_relay *first = new_relay(&f, a4);
    floe_relay *other = new_relay(&f, b4);
    floe_relay *third = new_relay(&f, a6);
    floe_relay *fourth = new_relay(&f, a4);
    assert_beside(a4, (floe_relay *[]){first, fourth, third}, 3);
    assert_beside(a6, (floe_relay *[]){third, first, fourth}, 3);
    assert_beside(b4, (floe_relay *[]){other}, 1);
    floe_relay_stand_on(first, b4, b4); /* before the one that was there, as it is older */
    assert_beside(b4, (floe_relay *[]){first, other}, 2);
    assert_true(floe_relay_is_used(other, b4));
    assert_beside(a4, (floe_relay *[]){fourth, third}, 2);
    assert_ptr_equal(floe_relay_next_on(b4, first), other);
    floe_base *spare = floe_base_spare(f.core, a4);
    assert_non_null(spare);
    floe_relay_stand_on(first, spare, a4);
    assert_beside(a4, (floe_relay *[]){first, fourth, third}, 3);
    assert_ptr_equal(floe_relay_next_on(spare, NULL), first);
    assert_null(floe_relay_next_on(spare, first));
    assert_ptr_equal(floe_relay_next_on(a4, NULL), fourth);
    assert_null(floe_relay_next_on(a4, fourth));
    assert_false(floe_relay_is_used(other, b4));
    floe_relay_free(f.core, first);
    assert_null(floe_relay_next_on(spare, NULL));
    end(&f);
}

static void a_relay_that_was_touched_is_looked_at(void **state)
{
    fixture f;
    floe_time soon = {1000};
    floe_time later = {2000};

    (void)state;
    make(&f);
    floe_base *base = open_base(&f, "192.0.2.1", 1);
    floe_relay *one = new_relay(&f, base);
    floe_relay *two = new_relay(&f, base);
    assert_true(floe_time_is_never(floe_relays_deadline(f.core)));
    one->leaves = later; /* it is new: nobody knows when it is due */
    assert_int_equal(floe_relays_deadline(f.core).ns, later.ns);
    floe_relays_settle(f.core);
    assert_int_equal(floe_relays_deadline(f.core).ns, later.ns);
    floe_relay_touch(f.core, two);
    two->leaves = soon;
    assert_int_equal(floe_relays_deadline(f.core).ns, soon.ns);
    two->leaves = later;
    floe_relays_settle(f.core);
    floe_relay_touch(f.core, one);
    one->leaves = FLOE_TIME_NEVER;
    assert_int_equal(floe_relays_deadline(f.core).ns, later.ns);
    floe_relays_touch(f.core);
    two->leaves = FLOE_TIME_NEVER;
    floe_relays_settle(f.core);
    assert_true(floe_time_is_never(floe_relays_deadline(f.core)));
    end(&f);
}

/* How long silence is borne counts from when the channel has taken the question. */
static void what_becomes_of_a_connection_touches_its_relay(void **state)
{
    fixture f;
    floe_time now = {1000};
    floe_place place = {.transport = FLOE_PROTOCOL_TCP};

    (void)state;
    make(&f);
    floe_base *base = open_base(&f, "192.0.2.1", 1);
    assert_int_equal(floe_address_parse("203.0.113.2", &place.address), FLOE_OK);
    floe_relay *relay =
        floe_relay_make(f.core, now, base, &f.core->set->servers[0], (floe_relay_kind){0}, &place);
    assert_non_null(relay);
    assert_non_null(relay->connection);
    floe_relays_settle(f.core);
    assert_false(relay->is_touched);
    floe_connection_blocked(f.core, relay->connection->channel);
    assert_true(relay->is_touched);
    floe_relays_settle(f.core);
    floe_connection_writable(f.core, now, relay->connection);
    assert_true(relay->is_touched);
    end(&f);
}

static uint32_t priority_of_next(fixture *f, floe_base *base, uint16_t port)
{
    floe_address mapped;

    assert_int_equal(floe_address_parse("198.51.100.1", &mapped), FLOE_OK);
    mapped.port = port;
    floe_finding finding = {.type = FLOE_CANDIDATE_TYPE_SRFLX,
                            .base = base,
                            .transport = FLOE_PROTOCOL_UDP,
                            .address = &mapped};
    assert_true(floe_found_add(f->core, (floe_time){0}, &finding));
    const floe_found *last = NULL;
    FLOE_FOUND_ON(found, base)
    {
        last = found;
    }
    return last->priority;
}

/* C4: of more candidates than a base has room for each has the next that is free, one that has become so too. */
static void each_has_the_next_priority_that_is_free(void **state)
{
    fixture f;

    (void)state;
    make(&f);
    floe_base *base = open_base(&f, "192.0.2.1", 1);
    floe_base *behind = open_base(&f, "192.0.2.2", 2);
    f.core->interfaces_known = true;
    base->rank = 200;
    behind->rank = 201; /* eight below it */
    uint32_t first = priority_of_next(&f, base, 1000);
    for (uint16_t i = 1; i < 20; i++) {
        assert_int_equal(priority_of_next(&f, base, (uint16_t)(1000 + i)), first - i * 256U);
    }
    assert_int_equal(priority_of_next(&f, behind, 2000), first - 20 * 256U);
    assert_int_equal(priority_of_next(&f, base, 2001), first - 21 * 256U);
    floe_found *first_found = FLOE_CHAIN_FIRST(&base->found, floe_found, of_base);
    floe_found *found = FLOE_CHAIN_NEXT(&base->found, first_found, floe_found, of_base);
    uint32_t free_again = found->priority;
    floe_found_free(f.core, found);
    assert_int_equal(priority_of_next(&f, base, 2002), free_again);
    assert_int_equal(priority_of_next(&f, base, 2003), first - 22 * 256U);
    end(&f);
}

/* What waits on a base goes in rows, as many as are wanted; the rest is polled as ever. */
static void what_waits_on_a_socket_is_taken_in_rows(void **state)
{
    static const uint8_t bytes[2000];
    const floe_span large = floe_span_of(bytes, 1000);
    const floe_span small = floe_span_of(bytes, 10);
    static floe_core_output output;
    floe_core_row rows[4];
    floe_address to = floe_address_ipv4(0xCB007105, 7);
    floe_time now = {1};
    fixture f;

    (void)state;
    make(&f);
    floe_base *base = open_base(&f, "10.0.0.2", 1);
    while (polled(f.core, now, &output)) {
    }
    assert_int_equal(floe_core_poll_more(f.core, base->channel, 64, 65000, rows, 4), 0);
    assert_int_equal(floe_core_poll_more(f.core, base->channel + 1, 64, 65000, rows, 4), 0);
    for (unsigned i = 0; i < 12; i++) {
        assert_int_equal(floe_base_send(f.core, base, 100000, &to, i == 6 ? &small : &large, 1),
                         FLOE_OK);
    }
    assert_true(polled(f.core, now, &output));
    assert_int_equal(output.kind, FLOE_CORE_SEND);
    assert_int_equal(output.data_size, 1000);
    /* So many; so many bytes; so many rows. */
    assert_int_equal(floe_core_poll_more(f.core, base->channel, 2, 65000, rows, 4), 1);
    assert_true(rows[0].count == 2 && rows[0].size == 1000 &&
                floe_address_equal(&rows[0].remote, &to));
    assert_int_equal(floe_core_poll_more(f.core, base->channel, 64, 1999, rows, 4), 1);
    assert_true(rows[0].count == 1 && rows[0].size == 1000);
    assert_int_equal(floe_core_poll_more(f.core, base->channel, 64, 65000, rows, 1), 1);
    assert_true(rows[0].count == 2 && rows[0].size == 1000);
    assert_int_equal(floe_core_poll_more(f.core, base->channel, 4, 65000, rows, 4), 2);
    assert_true(rows[0].count == 1 && rows[0].size == 10);
    assert_true(rows[1].count == 3 && rows[1].size == 1000);
    assert_true(polled(f.core, now, &output)); /* one of two */
    assert_int_equal(output.kind, FLOE_CORE_SEND);
    floe_core_blocked(f.core, base->channel);
    assert_int_equal(floe_core_poll_more(f.core, base->channel, 64, 65000, rows, 4), 0);
    floe_core_writable(f.core, now, base->channel);
    assert_int_equal(floe_core_poll_more(f.core, base->channel, 64, 65000, rows, 4), 1);
    assert_false(polled(f.core, now, &output));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rivals_are_those_of_an_interface),
        cmocka_unit_test(relays_are_found_by_their_bases),
        cmocka_unit_test(a_relay_that_was_touched_is_looked_at),
        cmocka_unit_test(what_becomes_of_a_connection_touches_its_relay),
        cmocka_unit_test(each_has_the_next_priority_that_is_free),
        cmocka_unit_test(what_waits_on_a_socket_is_taken_in_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What an ICE agent costs (I21): a packet the same however many pairs there are, and little beside the core's work, counted in
 * steps of the program; and how many bytes one keeps that is connected. No clock is read. */
#include "cost/steps.h"
#include "ice/hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const data = "\x80 as RTP begins";

/* Connected, and so many more pairs that nothing has come of. */
static void begin_among(fixture *f, unsigned others)
{
    char text[128];

    begin_with_peer(f, FLOE_ICE_ROLE_CONTROLLING);
    respond(f);
    run_until(f, 10);
    respond(f);
    assert_true(pair_to(f, peer).selected);
    for (unsigned i = 0; i < others; i++) {
        (void)snprintf(text, sizeof text, "f%u 1 udp %u 198.51.100.%u 9000 typ host", i, 9000 - i,
                       100 + i);
        assert_int_equal(add(f, text), FLOE_OK);
    }
}

typedef struct taken {
    uint64_t core_send;
    uint64_t send;
    uint64_t packet;
    uint64_t owns;
} taken;

/* Each is done once before it is counted. */
static taken steps_among(unsigned others)
{
    static fixture f;
    taken one = {0};
    const floe_packet *packet;
    floe_address from = address_of(peer);
    uint8_t *bytes = exact_copy(data, strlen(data), 0);

    begin_among(&f, others);
    uint32_t id = pair_to(&f, peer).local_id;
    for (unsigned i = 0; i < 2; i++) {
        steps = 0;
        assert_int_equal(floe_core_send(f.core, f.now, id, &from, data, strlen(data)), FLOE_OK);
        one.core_send = steps;
        outputs(&f);
        steps = 0;
        assert_int_equal(floe_ice_send(f.ice, f.now, data, strlen(data)), FLOE_OK);
        one.send = steps;
        outputs(&f);
        floe_core_datagram(f.core, f.now, f.channel, &from, bytes, strlen(data));
        assert_true(floe_core_packet(f.core, f.now, &packet));
        steps = 0;
        assert_true(floe_ice_owns(f.ice, packet));
        one.owns = steps;
        steps = 0;
        assert_true(floe_ice_packet(f.ice, f.now, packet));
        one.packet = steps;
    }
    exact_free(bytes, 0);
    end(&f);
    return one;
}

static void i21_a_packet_costs_no_more_among_many_pairs(void **state)
{
    taken few = steps_among(0);
    taken many = steps_among(60);

    (void)state;
    if (getenv("COST_SHOWN") != NULL) {
        print_message("core send %llu, send %llu, packet %llu, owns %llu\n",
                      (unsigned long long)few.core_send, (unsigned long long)few.send,
                      (unsigned long long)few.packet, (unsigned long long)few.owns);
    }
    assert_int_equal(many.send, few.send);
    assert_int_equal(many.packet, few.packet);
    assert_int_equal(many.owns, few.owns);
    /* Beside the core's own work, so the bound holds however the compiler optimizes. */
    assert_true(3 * (few.send - few.core_send) <= few.core_send);
    assert_true(3 * few.packet <= few.core_send);
}

/* ── Memory ── */

/* Two local and two remote candidates, four pairs, beside what OpenSSL keeps for a key. */
#define KEPT_MOST 3300

static size_t kept;

static void *allocate(void *user_data, size_t size)
{
    size_t *block = malloc(sizeof(max_align_t) + size);

    (void)user_data;
    if (block == NULL) {
        return NULL;
    }
    *block = size;
    kept += size;
    return (char *)block + sizeof(max_align_t);
}

static void deallocate(void *user_data, void *memory)
{
    (void)user_data;
    if (memory != NULL) {
        size_t *block = (size_t *)(void *)((char *)memory - sizeof(max_align_t));
        kept -= *block;
        free(block);
    }
}

static void i21_what_an_agent_keeps(void **state)
{
    static const floe_allocator counted = {.allocate = allocate, .deallocate = deallocate};
    static fixture f;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;

    (void)state;
    options.allocator = &counted;
    relays = true; /* a host and a relay */
    begin_with(&f, &options);
    relays = false;
    start(&f, FLOE_ICE_ROLE_CONTROLLING);
    assert_int_equal(add(&f, "a 1 udp 2130706431 198.51.100.7 7000 typ host"), FLOE_OK);
    check(&f, peer, &usual); /* ours is cancelled, and another is triggered (RFC 8445 §7.3.1.4) */
    f.answers = peer;
    assert_int_equal(add(&f, "b 1 udp 2000 198.51.100.8 8000 typ relay raddr :: rport 9"), FLOE_OK);
    assert_int_equal(add(&f, NULL), FLOE_OK);
    for (unsigned s = 30; s < 90 && floe_ice_get_state(f.ice) != FLOE_ICE_STATE_COMPLETED; s++) {
        run_until(&f, s * 1000U);
    }
    run_until(&f, ms(&f) + 10000); /* and some checks for consent later */
    assert_int_equal(floe_ice_get_state(f.ice), FLOE_ICE_STATE_COMPLETED);
    assert_int_equal(pair_count(&f), 4);
    if (getenv("COST_SHOWN") != NULL) {
        print_message("%zu bytes\n", kept);
    }
    assert_true(kept < KEPT_MOST);
    end(&f);
    assert_int_equal(kept, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i21_a_packet_costs_no_more_among_many_pairs),
        cmocka_unit_test(i21_what_an_agent_keeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

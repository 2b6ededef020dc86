/* What an attacker off the path has to guess: transaction ids, ports, names and passwords. They are
 * as good as the bytes that they are made of: each value as likely as any other, whatever came
 * before. A seeded source, so that the figures are the same each time. */
#include "support.h"

#include "base/random.h"
#include "polled.h"
#include "stun/transaction.h"

#include <floe/core.h>
#include <stdlib.h>
#include <string.h>

enum { IDS = 1000000, PORTS = 1000, GATHERERS = 1000000 };

/* Pearson's chi square of counts that should be equal; its mean is bins - 1, its deviation the root
 * of twice that. Six deviations are one chance in 10^9. */
static void assert_even(const unsigned *counts, size_t bins, unsigned all)
{
    double expected = (double)all / (double)bins;
    double sum = 0;
    double mean = (double)bins - 1;

    for (size_t i = 0; i < bins; i++) {
        sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    double beyond = (sum - mean) * (sum - mean) / (2 * mean);
    if (beyond > 36) {
        fail_msg("chi square %.1f of %zu bins", sum, bins);
    }
}

static void numbers_below_a_bound_are_even(void **state)
{
    /* Of 2^32 values a third would come twice if none were thrown away. */
    const uint32_t bound = 3U << 30;
    unsigned counts[3] = {0};
    seeded_random random;
    uint32_t value;

    (void)state;
    seeded_init(&random, 1);
    for (int i = 0; i < IDS; i++) {
        assert_int_equal(floe_random_below(&random.table, bound, &value), FLOE_OK);
        assert_true(value < bound);
        counts[value >> 30]++;
    }
    assert_even(counts, 3, IDS);
}

static void ice_chars_are_even(void **state)
{
    unsigned counts[64] = {0};
    seeded_random random;
    char text[65];

    (void)state;
    seeded_init(&random, 2);
    for (int i = 0; i < IDS / 64; i++) {
        assert_int_equal(floe_random_ice_chars(&random.table, text, 64), FLOE_OK);
        for (const char *at = text; *at != '\0'; at++) {
            counts[strchr(floe_ice_chars, *at) - floe_ice_chars]++;
        }
    }
    assert_even(counts, 64, IDS / 64 * 64);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, FLOE_STUN_ID_SIZE);
}

/* R5, RFC 8489 §5: each byte is even, and tells nothing of the one before or the next id's. */
static void transaction_ids_are_even_and_their_own(void **state)
{
    static unsigned of_byte[FLOE_STUN_ID_SIZE][256];
    static unsigned of_change[FLOE_STUN_ID_SIZE][256];
    static unsigned of_neighbours[256];
    floe_stun_id *ids = calloc(IDS, sizeof *ids);
    seeded_random random;

    (void)state;
    assert_non_null(ids);
    seeded_init(&random, 3);
    for (int i = 0; i < IDS; i++) {
        floe_stun_transaction transaction;
        assert_int_equal(floe_stun_transaction_start(&transaction, (floe_time){1}, 1,
                                                     floe_milliseconds(500), false, &random.table),
                         FLOE_OK);
        ids[i] = transaction.id;
        for (size_t n = 0; n < FLOE_STUN_ID_SIZE; n++) {
            of_byte[n][ids[i].bytes[n]]++;
            of_change[n][ids[i].bytes[n] ^ (i > 0 ? ids[i - 1].bytes[n] : 0)]++;
        }
        of_neighbours[(ids[i].bytes[4] - ids[i].bytes[5]) & 255]++;
    }
    for (size_t n = 0; n < FLOE_STUN_ID_SIZE; n++) {
        assert_even(of_byte[n], 256, IDS);
        assert_even(of_change[n], 256, IDS);
    }
    assert_even(of_neighbours, 256, IDS);
    qsort(ids, IDS, sizeof *ids, compare_ids);
    for (int i = 1; i < IDS; i++) {
        assert_memory_not_equal(&ids[i - 1], &ids[i], sizeof *ids);
    }
    free(ids);
}

typedef struct gathered {
    char username_fragment[16];
    char password[32];
    uint16_t port;
} gathered;

static gathered gather(floe_core_shared *shared)
{
    static floe_core_output output;
    floe_interface_address list = {.interface_name = "eth0",
                                   .interface_index = 1,
                                   .up = true,
                                   .address = address_of("10.0.1.2:0")};
    floe_time now = {1000000000};
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    gathered made = {.port = 0};
    floe_core *core;

    assert_int_equal(floe_core_new(shared, NULL, &core), FLOE_OK);
    assert_int_equal(floe_core_get_local_parameters(core, &parameters), FLOE_OK);
    memcpy(made.username_fragment, parameters.username_fragment, 9);
    memcpy(made.password, parameters.password, 25);
    assert_int_equal(floe_core_start(core, now), FLOE_OK);
    while (made.port == 0 && polled(core, now, &output)) {
        if (output.kind == FLOE_CORE_LIST_INTERFACES) {
            floe_core_interfaces(core, now, &list, 1);
        } else if (output.kind == FLOE_CORE_OPEN) {
            made.port = output.local.port;
        }
    }
    floe_core_free(core);
    return made;
}

static int compare_passwords(const void *a, const void *b)
{
    return strcmp(((const gathered *)a)->password, ((const gathered *)b)->password);
}

/* P5, L3: the first port of the range, and what the other side must know. */
static void ports_and_passwords_are_even_and_their_own(void **state)
{
    static unsigned of_port[PORTS];
    static unsigned of_change[PORTS];
    static unsigned of_char[64];
    gathered *all = calloc(GATHERERS, sizeof *all);
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_core_shared *shared;
    seeded_random random;

    (void)state;
    assert_non_null(all);
    seeded_init(&random, 4);
    settings.port_min = 50000;
    settings.port_max = 50000 + PORTS - 1;
    assert_int_equal(floe_core_shared_new(&settings, &random.table, &shared), FLOE_OK);
    for (int i = 0; i < GATHERERS; i++) {
        all[i] = gather(shared);
        assert_in_range(all[i].port, settings.port_min, settings.port_max);
        of_port[all[i].port - settings.port_min]++;
        unsigned before = i > 0 ? all[i - 1].port : settings.port_min;
        of_change[(all[i].port + PORTS - before) % PORTS]++;
        of_char[strchr(floe_ice_chars, all[i].username_fragment[0]) - floe_ice_chars]++;
        assert_int_equal(strlen(all[i].username_fragment), 8);
        assert_int_equal(strlen(all[i].password), 24);
    }
    floe_core_shared_free(shared);
    assert_even(of_port, PORTS, GATHERERS);
    assert_even(of_change, PORTS, GATHERERS);
    assert_even(of_char, 64, GATHERERS);
    qsort(all, GATHERERS, sizeof *all, compare_passwords);
    for (int i = 1; i < GATHERERS; i++) {
        assert_string_not_equal(all[i - 1].password, all[i].password);
    }
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_below_a_bound_are_even),
        cmocka_unit_test(ice_chars_are_even),
        cmocka_unit_test(transaction_ids_are_even_and_their_own),
        cmocka_unit_test(ports_and_passwords_are_even_and_their_own),
    };
    return cmocka_run_group_tests_name("randomness", tests, NULL, NULL);
}

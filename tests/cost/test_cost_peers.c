/* How a relay's work grows with its peers, counted in the steps of its program: what comes of one
 * packet, or of one peer's upkeep, costs the same however many there are, but for the logarithm of
 * finding it. No clock is read. */
#include "cost/relayed.h"
#include "cost/steps.h"
#include "support.h"

#include <stdlib.h>

#define FEW 10
#define MANY 4000

/* The most that one of them takes. */
static uint64_t steps_of(relayed *r, size_t peers, bool (*once)(relayed *r, size_t peer))
{
    uint64_t most = 0;

    for (size_t i = 0; i < FEW; i++) {
        steps = 0;
        assert_true(once(r, i * (peers / FEW)));
        most = steps > most ? steps : most;
    }
    assert_true(most > 0);
    return most;
}

static void show(const char *what, uint64_t few, uint64_t many)
{
    if (getenv("COST_SHOWN") != NULL) {
        print_message("%s: %llu %llu\n", what, (unsigned long long)few, (unsigned long long)many);
    }
}

static void a_packet_costs_no_more_among_many_peers(void **state)
{
    static const struct {
        const char *what;
        bool (*once)(relayed *r, size_t peer);
    } rows[] = {{"out", relayed_send},
                {"in", relayed_receive},
                {"in by indication", relayed_receive_indication}};
    relayed *few = relayed_new(FEW);
    relayed *many = relayed_new(MANY);

    (void)state;
    assert_true(few != NULL && many != NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t of_few = steps_of(few, FEW, rows[i].once);
        uint64_t of_many = steps_of(many, MANY, rows[i].once);
        show(rows[i].what, of_few, of_many);
        assert_true(of_many < 3 * of_few + 500);
    }
    relayed_free(few);
    relayed_free(many);
}

/* What a relay of its own does in that time is little beside it. */
static uint64_t upkeep_of_one(size_t peers)
{
    relayed *r = relayed_new(peers);

    assert_non_null(r);
    steps = 0;
    assert_true(relayed_wait(r, 245) >= peers); /* each asks for its permission again */
    uint64_t taken = steps / peers;
    relayed_free(r);
    return taken;
}

static void upkeep_costs_no_more_among_many_peers(void **state)
{
    uint64_t few = upkeep_of_one(FEW);
    uint64_t many = upkeep_of_one(MANY);

    (void)state;
    show("upkeep", few, many);
    assert_true(many < 3 * few + 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_costs_no_more_among_many_peers),
        cmocka_unit_test(upkeep_costs_no_more_among_many_peers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

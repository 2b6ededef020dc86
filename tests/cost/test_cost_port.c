/* How the work of one port grows with the gatherers on it, counted in the steps of its program: what comes of one
 * packet, or of one more gatherer, costs the same however many there are (H3). No clock is read. */
#include "cost/shared_port.h"
#include "cost/steps.h"
#include "support.h"

#include <stdlib.h>

#define FEW 10
#define MANY 4000

/* The most that one of them takes. */
static uint64_t steps_of(shared_port *s, size_t count, bool (*once)(shared_port *s, size_t n))
{
    uint64_t most = 0;

    for (size_t i = 0; i < FEW; i++) {
        steps = 0;
        assert_true(once(s, i * (count / FEW)));
        most = steps > most ? steps : most;
    }
    assert_true(most > 0);
    return most;
}

static void h3_a_packet_costs_no_more_among_many_gatherers(void **state)
{
    static const struct {
        const char *what;
        bool (*once)(shared_port *s, size_t n);
    } rows[] = {{"data in", shared_port_data},
                {"a check", shared_port_check},
                {"data out", shared_port_send},
                {"a stranger's check", shared_port_stranger},
                {"another gatherer", shared_port_another}};
    shared_port *few = shared_port_new(FEW);
    shared_port *many = shared_port_new(MANY);

    (void)state;
    assert_true(few != NULL && many != NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t of_few = steps_of(few, FEW, rows[i].once);
        uint64_t of_many = steps_of(many, MANY, rows[i].once);
        if (getenv("COST_SHOWN") != NULL) {
            print_message("%s: %llu %llu\n", rows[i].what, (unsigned long long)of_few,
                          (unsigned long long)of_many);
        }
        assert_true(of_many < 2 * of_few + 100);
    }
    shared_port_free(few);
    shared_port_free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h3_a_packet_costs_no_more_among_many_gatherers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

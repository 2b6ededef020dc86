/* How the core's work grows, counted in the steps of its program: what is twice as much to gather
 * may cost little more than twice as much. The core is compiled so that each of its basic blocks
 * says that it was reached; no clock is read. */
#include "cost/many.h"
#include "cost/steps.h"
#include "support.h"

#include <stdlib.h>

/* A host, what the NAT shows of it, its relays. */
static size_t candidates_of_an_address(size_t servers, many_kind kind)
{
    return kind == MANY_RELAYS ? 2 + servers : kind == MANY_ANSWER ? 2 : 1;
}

static uint64_t steps_of(size_t addresses, size_t servers, many_kind kind)
{
    steps = 0;
    many_result result = many_gather(addresses, servers, kind);
    bool good = kind == MANY_ANSWER || kind == MANY_RELAYS;

    assert_true(result.complete);
    assert_true(result.sent >= addresses * servers);
    assert_int_equal(result.candidates, addresses * candidates_of_an_address(servers, kind));
    assert_int_equal(result.errors, good ? 0 : addresses * servers);
    assert_true(steps > 0);
    return steps;
}

/* What is linear is 2, what is quadratic 4; a search costs the logarithm of how many there are. */
static void assert_linear(many_kind kind)
{
    uint64_t one = steps_of(200, 10, kind);
    uint64_t twice_the_addresses = steps_of(400, 10, kind);
    uint64_t few = steps_of(50, 10, kind);
    uint64_t twice_the_servers = steps_of(50, 20, kind);

    if (getenv("COST_SHOWN") != NULL) {
        print_message("%d: %llu %llu, %llu %llu\n", (int)kind, (unsigned long long)one,
                      (unsigned long long)twice_the_addresses, (unsigned long long)few,
                      (unsigned long long)twice_the_servers);
    }
    assert_true(4 * twice_the_addresses < 9 * one);
    /* A base's Bindings are a list, and so are its relays. */
    assert_true(4 * twice_the_servers < (kind == MANY_RELAYS ? 11 : 10) * few);
}

static void work_is_linear_where_servers_answer(void **state)
{
    (void)state;
    assert_linear(MANY_ANSWER);
}

static void work_is_linear_where_servers_are_silent(void **state)
{
    (void)state;
    assert_linear(MANY_SILENT);
}

static void work_is_linear_where_servers_refuse(void **state)
{
    (void)state;
    assert_linear(MANY_REFUSING);
}

static void work_is_linear_where_servers_give_relays(void **state)
{
    (void)state;
    assert_linear(MANY_RELAYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_linear_where_servers_answer),
        cmocka_unit_test(work_is_linear_where_servers_are_silent),
        cmocka_unit_test(work_is_linear_where_servers_refuse),
        cmocka_unit_test(work_is_linear_where_servers_give_relays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

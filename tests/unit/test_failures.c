/* What `floe gather` and `floe turn check` tell once, as it has one cause. */
#include "support.h"

#include "cli/failures.h"

static void one_cause_with_other_numbers(void **state)
{
    static const char *const alike[][2] = {
        {"203.0.113.2 asked for a password, and has not answered in 4892 ms since: is it slow?",
         "203.0.113.2 asked for a password, and has not answered in 4850 ms since: is it slow?"},
        {"only 17 of 105 packets came back through the relay, 84 % are lost",
         "only 11 of 105 packets came back through the relay, 90 % are lost"},
        {"no answer (packets: 9)", "no answer (packets: 12)"},
        {"in 99 ms", "in 100 ms"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
        assert_true(same_cause(alike[i][0], alike[i][1]));
        assert_true(same_cause(alike[i][1], alike[i][0]));
    }
}

static void another_place_is_another_cause(void **state)
{
    static const char *const differ[][2] = {
        {"refused by TCP port 3478 of 203.0.113.2: nothing",
         "refused by TCP port 3478 of 203.0.113.99: nothing"},
        {"refused by TCP port 3478 of 203.0.113.2: nothing",
         "refused by TCP port 3478 of 103.0.113.2: nothing"},
        {"refused by TCP port 3478 of 203.0.113.2", "refused by TCP port 5349 of 203.0.113.2"},
        {"refused by 2001:db8::1", "refused by 2001:db8::2"},
        {"refused by 2001:db8::1:0:1", "refused by 2001:db8::1:2:1"},
        {"no way to turn1.example", "no way to turn2.example"},
        {"in 5 ms", "in 5 s"},
        {"in 5 ms", "in ms"},
        {"in 5", "in 5 ms"},
        {"in ", "in 5"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof differ / sizeof *differ; i++) {
        assert_false(same_cause(differ[i][0], differ[i][1]));
        assert_false(same_cause(differ[i][1], differ[i][0]));
        assert_true(same_cause(differ[i][0], differ[i][0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_cause_with_other_numbers),
        cmocka_unit_test(another_place_is_another_cause),
    };
    return cmocka_run_group_tests_name("failures", tests, NULL, NULL);
}

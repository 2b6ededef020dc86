/* Worlds that change, with features on purpose: what chance hardly brings together. */
#include "change.h"

static sim_changing plan;
static sim_report report;

static void run_with(uint64_t seed, const char *const *names, size_t count)
{
    sim_changing_with(seed, names, count, &plan);
    if (!sim_check_changing(&plan, &report)) {
        sim_changing_print(&plan, stderr);
        fail_msg("seed %u: %s", (unsigned)seed, report.violation);
    }
}

static void each_feature_alone(void **state)
{
    (void)state;
    for (size_t n = 0; n < sim_feature_count(); n++) {
        const char *const name[] = {sim_feature_name(n)};
        run_with(4 * n, name, 1); /* of those that are run by another way, too */
    }
}

/* RFC 8656 §18.10: a reservation is its server's, whatever is on the way. */
static void ports_behind_a_proxy(void **state)
{
    static const char *const names[] = {"a pair of ports", "a proxy", "TURN by TCP"};

    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        run_with(seed, names, 3);
    }
}

/* RFC 5928: a domain whose names lead to two servers, which come and go. */
static void names_of_servers_that_go(void **state)
{
    static const char *const names[][3] = {
        {"a name of two servers", "a server is down for a while", "gathers again"},
        {"a server by two names", "a server restarts", "renews credentials in outages"},
        {"S-NAPTR", "a server moves", "restarts"}};

    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        run_with(seed, names[seed % 3], 3);
    }
}

/* coturn, which answers a realm of before by an unsigned 437, as if another allocation stood there. */
static void realms_that_change(void **state)
{
    static const char *const names[][2] = {{"a server changes its realm", "gathers again"},
                                           {"a server changes its realm", "sends always"},
                                           {"a server changes its realm", "TURN by TCP"},
                                           {"a server changes its realm", "a name of two servers"}};

    (void)state;
    for (uint64_t seed = 1; seed <= 80; seed++) {
        run_with(seed, names[seed % 4], 2);
    }
}

/* R6, T7: what an owner had before is there again, though nobody gathers for it. */
static void restarts_while_servers_are_silent(void **state)
{
    static const char *const names[][2] = {{"restarts in outages", "a second TURN server"},
                                           {"restarts in outages", "a symmetric NAT"},
                                           {"restarts in outages", "no Binding"},
                                           {"restarts in outages", "a server as stun: and turn:"}};

    (void)state;
    for (uint64_t seed = 1; seed <= 80; seed++) {
        run_with(seed, names[seed % 4], 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_feature_alone),
        cmocka_unit_test(realms_that_change),
        cmocka_unit_test(restarts_while_servers_are_silent),
        cmocka_unit_test(ports_behind_a_proxy),
        cmocka_unit_test(names_of_servers_that_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

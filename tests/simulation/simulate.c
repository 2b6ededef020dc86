/* Runs worlds of many seeds; replays one with its trace.
 *
 *     simulate FIRST COUNT      seeds FIRST … FIRST+COUNT-1; stops at the first that fails
 *     simulate --seed N         that one, with its trace on standard output */
#include "sim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool run_seed(uint64_t seed, FILE *trace, sim_report *report)
{
    sim_config config;

    sim_config_of_seed(seed, &config);
    return sim_run(&config, trace, report);
}

int main(int count, char **words)
{
    static sim_report report;
    static sim_report again;

    if (count == 3 && strcmp(words[1], "--seed") == 0) {
        bool good = run_seed(strtoull(words[2], NULL, 10), stdout, &report);
        (void)printf("%s\n", good ? "every invariant held" : report.violation);
        return good ? 0 : 1;
    }
    uint64_t first = count > 1 ? strtoull(words[1], NULL, 10) : 1;
    uint64_t seeds = count > 2 ? strtoull(words[2], NULL, 10) : 1000;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        if (!run_seed(seed, NULL, &report)) {
            (void)printf("seed %" PRIu64 ": %s\nreplay it: %s --seed %" PRIu64 "\n", seed,
                         report.violation, words[0], seed);
            (void)printf("%" PRIu64 " passed, 1 failed\n", seed - first);
            return 1;
        }
        /* The same seed, the same trace: checked on every 16th. */
        if (seed % 16 == 0) {
            (void)run_seed(seed, NULL, &again);
            if (again.trace_hash != report.trace_hash) {
                (void)printf("seed %" PRIu64 ": two runs, two traces\n", seed);
                return 1;
            }
        }
    }
    (void)printf("%" PRIu64 " passed, 0 failed\n", seeds);
    return 0;
}

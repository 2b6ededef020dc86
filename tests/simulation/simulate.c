/* Runs worlds of many seeds; replays one with its trace.
 *
 *     simulate FIRST COUNT [JOBS]   seeds FIRST … FIRST+COUNT-1, in so many processes; each stops
 *                                   at the first that fails, and makes it small
 *     simulate --seed N|FILE        that one, with its trace on standard output
 *     simulate --shrink N|FILE      a small world that fails as that one does, with its trace
 *
 * FILE: an input of the fuzz target. */
#include "shrink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static sim_report report;
static sim_report again;

/* Of a seed's number, or of a file that the fuzzer has written. */
static bool config_of(const char *word, sim_config *config)
{
    static uint8_t bytes[65536];
    FILE *file;

    if (word[strspn(word, "0123456789")] == '\0') {
        sim_config_of_seed(strtoull(word, NULL, 10), config);
        return true;
    }
    file = fopen(word, "rb");
    if (file == NULL) {
        perror(word);
        return false;
    }
    sim_config_of_bytes(bytes, fread(bytes, 1, sizeof bytes, file), config);
    (void)fclose(file);
    return true;
}

static bool show(const sim_config *config)
{
    bool good = sim_run(config, stdout, &report);

    (void)printf("%s\n", good ? "every invariant held" : report.violation);
    sim_print(config, stdout);
    return good;
}

/* Of a world that fails, whose report is there. */
static void show_small(sim_config *config, FILE *trace)
{
    sim_shrink(config, &report);
    if (trace != NULL) {
        (void)sim_run(config, trace, &report);
    }
    (void)printf("in this small world: %s\n", report.violation);
    sim_print(config, stdout);
}

static bool shrink(sim_config *config)
{
    bool good = sim_run(config, NULL, &report);

    if (good) {
        (void)printf("every invariant held\n");
    } else {
        show_small(config, stdout);
    }
    return good;
}

/* Every `step`-th seed from `first` on. */
static bool run_seeds(const char *program, uint64_t first, uint64_t end, uint64_t step)
{
    for (uint64_t seed = first; seed < end; seed += step) {
        sim_config config;
        sim_config_of_seed(seed, &config);
        if (!sim_run(&config, NULL, &report)) {
            (void)printf("seed %" PRIu64 ": %s\nreplay it: %s --seed %" PRIu64 "\n", seed,
                         report.violation, program, seed);
            show_small(&config, NULL);
            return false;
        }
        /* The same seed, the same trace: checked on every 16th or so. */
        if (seed / step % 16 == 0) {
            (void)sim_run(&config, NULL, &again);
            if (again.trace_hash != report.trace_hash) {
                (void)printf("seed %" PRIu64 ": two runs, two traces\n", seed);
                return false;
            }
        }
    }
    return true;
}

/* How many of the processes found a seed that fails, or died. */
static unsigned run_jobs(const char *program, uint64_t first, uint64_t count, unsigned jobs)
{
    unsigned failed = 0;

    (void)fflush(stdout);
    for (unsigned job = 0; job < jobs; job++) {
        pid_t child = fork();
        if (child == 0) {
            bool good = run_seeds(program, first + job, first + count, jobs);
            (void)fflush(stdout);
            exit(good ? 0 : 1);
        }
        failed += child < 0;
    }
    for (int status; wait(&status) > 0;) {
        failed += status != 0;
    }
    return failed;
}

int main(int count, char **words)
{
    uint64_t first = count > 1 ? strtoull(words[1], NULL, 10) : 1;
    uint64_t seeds = count > 2 ? strtoull(words[2], NULL, 10) : 1000;
    unsigned jobs = count > 3 ? (unsigned)strtoul(words[3], NULL, 10) : 1;

    bool whole = count == 3 && strcmp(words[1], "--seed") == 0;
    bool small = count == 3 && strcmp(words[1], "--shrink") == 0;
    if (whole || small) {
        sim_config config;
        return config_of(words[2], &config) && (small ? shrink(&config) : show(&config)) ? 0 : 1;
    }
    unsigned failed = run_jobs(words[0], first, seeds, jobs > 0 ? jobs : 1);
    if (failed == 0) {
        (void)printf("%" PRIu64 " passed, 0 failed\n", seeds);
    } else {
        (void)printf("of %" PRIu64 " seeds some failed, %u at least\n", seeds, failed);
    }
    return failed == 0 ? 0 : 1;
}

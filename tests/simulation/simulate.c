/* Runs worlds of many seeds; replays one with its trace.
 *
 *     simulate FIRST COUNT [JOBS]   seeds FIRST … FIRST+COUNT-1, in so many processes; each stops
 *                                   at the first that fails, and makes it small
 *                                   (compilers that order draws otherwise would show in the sum
 *                                   of all traces, which is the last word)
 *     simulate --seed N|FILE        that one, with its trace on standard output
 *     simulate --shrink N|FILE      a small world that fails as that one does, with its trace
 *     simulate --changing FIRST COUNT [JOBS], --changing-seed N [FEATURES], --changing-shrink N
 *                                   the same for worlds that change (change.h)
 *     simulate --muxed …            the same of worlds that do not change, under a mux (H3)
 *     simulate --survey FIRST COUNT  those that fail, one a line: seed, what
 *     simulate --changing-survey FIRST COUNT  likewise: seed, what, features
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
static uint64_t hashes; /* of the traces, added up */
static bool muxed;

static void config_of_number(uint64_t seed, sim_config *config)
{
    sim_config_of_seed(seed, config);
    config->settings.udp_mux_port = muxed ? FLOE_ANY_PORT : 0;
}

/* Of a seed's number, or of a file that the fuzzer has written. */
static bool config_of(const char *word, sim_config *config)
{
    static uint8_t bytes[65536];
    FILE *file;

    if (word[strspn(word, "0123456789")] == '\0') {
        config_of_number(strtoull(word, NULL, 10), config);
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
    sim_config other;

    if (good && !sim_check(config, &report) && sim_same_way(config, &other)) {
        (void)printf("by the way that must not matter:\n");
        (void)sim_run(&other, stdout, &again);
        good = false;
    }
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
    bool good = sim_check(config, &report);

    if (good) {
        (void)printf("every invariant held\n");
    } else {
        show_small(config, stdout);
    }
    return good;
}

static bool run_changing_seeds(const char *program, uint64_t first, uint64_t end, uint64_t step)
{
    static sim_changing plan;

    for (uint64_t seed = first; seed < end; seed += step) {
        sim_changing_of_seed(seed, NULL, &plan);
        if (!sim_check_changing(&plan, &report)) {
            (void)printf("seed %" PRIu64 ": %s\n", seed, report.violation);
            (void)fflush(stdout); /* to make it small takes a while */
            sim_shrink_changing(&plan, &report);
            (void)printf("small: %s\nreplay it: %s --changing-seed %" PRIu64 " %" PRIx64 " %" PRIx64
                         "\n",
                         report.violation, program, seed, plan.features[0], plan.features[1]);
            sim_changing_print(&plan, stdout);
            return false;
        }
        hashes += report.trace_hash;
        if (seed / step % 16 == 0) {
            (void)sim_run_changing(&plan, NULL, &again, NULL);
            if (again.trace_hash != report.trace_hash) {
                (void)printf("seed %" PRIu64 ": two runs, two traces\n", seed);
                return false;
            }
        }
    }
    return true;
}

/* All that fail, each with what it fails by. */
static bool survey_plain(uint64_t first, uint64_t end)
{
    bool good = true;

    for (uint64_t seed = first; seed < end; seed++) {
        sim_config config;
        config_of_number(seed, &config);
        if (!sim_check(&config, &report)) {
            good = false;
            (void)printf("%" PRIu64 "\t%s\n", seed, report.violation);
            (void)fflush(stdout);
        }
    }
    return good;
}

/* Likewise, and small. */
static bool survey(uint64_t first, uint64_t end)
{
    static sim_changing plan;
    bool good = true;

    for (uint64_t seed = first; seed < end; seed++) {
        sim_changing_of_seed(seed, NULL, &plan);
        if (!sim_check_changing(&plan, &report)) {
            good = false;
            sim_shrink_changing(&plan, &report);
            (void)printf("%" PRIu64 "\t%s\t", seed, report.violation);
            for (size_t n = 0; n < sim_feature_count(); n++) {
                if ((plan.features[n / 64] >> (n % 64) & 1) != 0) {
                    (void)printf("%s; ", sim_feature_name(n));
                }
            }
            (void)printf("\n");
            (void)fflush(stdout);
        }
    }
    return good;
}

/* That seed, with its trace; of its features those that the words say. */
static bool show_changing(int count, char **words)
{
    static sim_changing plan;
    uint64_t only[2] = {UINT64_MAX, UINT64_MAX};

    for (int i = 3; i < count && i < 5; i++) {
        only[i - 3] = strtoull(words[i], NULL, 16);
    }
    sim_changing_of_seed(strtoull(words[2], NULL, 10), only, &plan);
    if (strcmp(words[1], "--changing-shrink") == 0 && !sim_check_changing(&plan, &report)) {
        sim_shrink_changing(&plan, &report);
    }
    bool good = sim_run_changing(&plan, stdout, &report, NULL);
    if (good && !sim_check_changing(&plan, &report)) {
        static sim_changing other;
        sim_other_way(&plan, &other);
        (void)printf("the other way round:\n");
        (void)sim_run_changing(&other, stdout, &again, NULL);
        good = false;
    }
    (void)printf("%s\n", good ? "every invariant held" : report.violation);
    sim_changing_print(&plan, stdout);
    return good;
}

/* Every `step`-th seed from `first` on. */
static bool run_seeds(const char *program, uint64_t first, uint64_t end, uint64_t step)
{
    for (uint64_t seed = first; seed < end; seed += step) {
        sim_config config;
        config_of_number(seed, &config);
        if (!sim_check(&config, &report)) {
            (void)printf("seed %" PRIu64 ": %s\nreplay it: %s --seed %" PRIu64 "\n", seed,
                         report.violation, program, seed);
            (void)fflush(stdout);
            show_small(&config, NULL);
            return false;
        }
        hashes += report.trace_hash;
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

typedef bool (*seeds_runner)(const char *program, uint64_t first, uint64_t end, uint64_t step);

/* How many of the processes found a seed that fails, or died; and all their hashes. */
static unsigned run_jobs(seeds_runner run, const char *program, uint64_t first, uint64_t count,
                         unsigned jobs)
{
    unsigned failed = 0;
    int ends[2];

    if (pipe(ends) != 0) {
        perror("pipe");
        return jobs;
    }
    (void)fflush(stdout);
    for (unsigned job = 0; job < jobs; job++) {
        pid_t child = fork();
        if (child == 0) {
            bool good = run(program, first + job, first + count, jobs);
            (void)fflush(stdout);
            bool handed = write(ends[1], &hashes, sizeof hashes) == sizeof hashes;
            exit(good && handed ? 0 : 1);
        }
        failed += child < 0;
    }
    (void)close(ends[1]);
    for (uint64_t one; read(ends[0], &one, sizeof one) == sizeof one;) {
        hashes += one;
    }
    (void)close(ends[0]);
    for (int status; wait(&status) > 0;) {
        failed += status != 0;
    }
    return failed;
}

int main(int count, char **words)
{
    muxed = count > 1 && strcmp(words[1], "--muxed") == 0;
    if (muxed) {
        words[1] = words[0];
        words++;
        count--;
    }
    bool changing = count > 1 && strcmp(words[1], "--changing") == 0;

    if (count > 2 &&
        (strcmp(words[1], "--changing-seed") == 0 || strcmp(words[1], "--changing-shrink") == 0)) {
        return show_changing(count, words) ? 0 : 1;
    }
    if (count > 3 &&
        (strcmp(words[1], "--changing-survey") == 0 || strcmp(words[1], "--survey") == 0)) {
        uint64_t from = strtoull(words[2], NULL, 10);
        uint64_t to = from + strtoull(words[3], NULL, 10);
        return (words[1][2] == 's' ? survey_plain(from, to) : survey(from, to)) ? 0 : 1;
    }
    const char *program = words[0];
    count -= changing;
    words += changing;
    uint64_t first = count > 1 ? strtoull(words[1], NULL, 10) : 1;
    uint64_t seeds = count > 2 ? strtoull(words[2], NULL, 10) : 1000;
    unsigned jobs = count > 3 ? (unsigned)strtoul(words[3], NULL, 10) : 1;

    bool whole = count == 3 && strcmp(words[1], "--seed") == 0;
    bool small = count == 3 && strcmp(words[1], "--shrink") == 0;
    if (whole || small) {
        sim_config config;
        return config_of(words[2], &config) && (small ? shrink(&config) : show(&config)) ? 0 : 1;
    }
    unsigned failed = run_jobs(changing ? run_changing_seeds : run_seeds, program, first, seeds,
                               jobs > 0 ? jobs : 1);
    if (failed == 0) {
        (void)printf("%" PRIu64 " passed, 0 failed; all their traces: %016" PRIx64 "\n", seeds,
                     hashes);
    } else {
        (void)printf("of %" PRIu64 " seeds some failed, %u at least\n", seeds, failed);
    }
    return failed == 0 ? 0 : 1;
}

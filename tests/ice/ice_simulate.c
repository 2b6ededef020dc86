/* Worlds of seeds, one after another.
 *
 *     ice_simulate FIRST COUNT      prints how many hold, a number of all their traces, and how fast they connect
 *     ice_simulate --seed N         one, with its trace
 *     ice_simulate --file INPUT     one with steps, of an input of fuzz/ice_two */
#include "meet.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a;
    unsigned y = *(const unsigned *)b;

    return (x > y) - (x < y);
}

static bool holds(const meet_config *config, FILE *trace, meet_report *report)
{
    char why[256];

    if (!meet_run(config, trace, report)) {
        (void)printf("seed %" PRIu64 ": %s\n", config->seed, report->why);
        return false;
    }
    if (!meet_model_agrees(config, report, why, sizeof why)) {
        (void)printf("seed %" PRIu64 ": the model: %s\n", config->seed, why);
        return false;
    }
    return true;
}

/* From when both sides were known to each other to when the later of them was connected. */
static unsigned took(const meet_config *config, const meet_report *report)
{
    unsigned known = report->known_ms;
    unsigned connected = report->sides[0].connected_ms > report->sides[1].connected_ms
                             ? report->sides[0].connected_ms
                             : report->sides[1].connected_ms;

    for (unsigned n = 0; n < 2; n++) {
        unsigned start = config->sides[n].start_at_ms + 1;
        known = start > known ? start : known;
    }
    return connected > known ? connected - known : 0;
}

static int show_file(const char *path)
{
    static meet_config config;
    uint8_t bytes[4096];
    meet_report report;
    char why[256];
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    meet_of_bytes(bytes, size, &config);
    meet_print(&config, stdout);
    if (!meet_run(&config, stdout, &report)) {
        (void)printf("%s\n", report.why);
        return 1;
    }
    if (!meet_ends_well(&config, &report, why, sizeof why)) {
        (void)printf("%s\n", why);
        return 1;
    }
    return 0;
}

int main(int count, char **words)
{
    meet_config config;
    meet_report report;

    if (count == 3 && strcmp(words[1], "--file") == 0) {
        return show_file(words[2]);
    }

    if (count == 3 && strcmp(words[1], "--seed") == 0) {
        meet_of_seed(strtoull(words[2], NULL, 10), &config);
        meet_print(&config, stdout);
        return holds(&config, stdout, &report) ? 0 : 1;
    }
    uint64_t first = count > 1 ? strtoull(words[1], NULL, 10) : 1;
    uint64_t seeds = count > 2 ? strtoull(words[2], NULL, 10) : 1000;
    unsigned *times = calloc(seeds + 1, sizeof *times);
    size_t connected = 0;
    uint64_t failed = 0;
    uint64_t hashes = 0;
    unsigned verdicts[3] = {0};

    for (uint64_t seed = first; times != NULL && seed < first + seeds; seed++) {
        meet_of_seed(seed, &config);
        failed += !holds(&config, NULL, &report);
        hashes += report.hash;
        verdicts[meet_model_of(&config).connects]++;
        if (report.sides[0].connected_ms != UINT32_MAX &&
            report.sides[1].connected_ms != UINT32_MAX) {
            times[connected++] = took(&config, &report);
        }
    }
    if (times != NULL && connected > 0) {
        qsort(times, connected, sizeof *times, compare);
        (void)printf("%zu connected (%u must, %u may, %u cannot), after both sides were known by "
                     "%u ms (median), %u ms (9 of 10)\n",
                     connected, verdicts[MEET_MUST], verdicts[MEET_MAY], verdicts[MEET_CANNOT],
                     times[connected / 2], times[connected * 9 / 10]);
    }
    free(times);
    (void)printf("%" PRIu64 " passed, %" PRIu64 " failed; all their traces: %016" PRIx64 "\n",
                 seeds - failed, failed, hashes);
    return failed == 0 ? 0 : 1;
}

/* Gatherers for a long time on a bad network:
 *
 *     lab-soak SECONDS USERNAME CREDENTIAL PEER PORT TRUE-ADDRESSES URL…
 *
 * Residents live all the time: they gather again each 20 s, and send a packet to the peer on each
 * candidate each second; visitors gather, close and go, one after another. Fails when a candidate
 * has another address than TRUE-ADDRESSES ("10.0.1. 203.0.113.", by how they begin), when a
 * gathering does not end, when something is left behind, or when a resident has not all three kinds
 * at the end, before which the network is to be left in peace. A line a minute says how it stands.
 */
#include "counted.h"

#include <dirent.h>
#include <floe/floe.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KINDS (FLOE_CANDIDATE_TYPE_RELAY + 1)
#define RESIDENTS 20
#define VISITORS 10
#define GATHER_AGAIN_S 20
/* The gather timeout is 5 s; a machine may stand still. */
#define STALLED_S 60

typedef struct guest {
    floe_gatherer *gatherer;
    double since; /* it gathers */
} guest;

static const char *true_addresses;
static floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
static floe_address peer;
static atomic_uint candidates, withdrawn, errors, echoes, wrong;
static unsigned gatherings;

static double seconds(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool is_true(const char *address)
{
    const char *at = true_addresses;

    while (*at != '\0') {
        size_t length = strcspn(at, " ");
        if (strncmp(address, at, length) == 0) {
            return true;
        }
        at += length + strspn(at + length, " ");
    }
    return false;
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    (void)user_data;
    if (candidate == NULL) {
        return;
    }
    candidates++;
    if (!is_true(candidate->address)) {
        wrong++;
        (void)printf("wrong: %s %s\n", floe_candidate_type_name(candidate->type),
                     candidate->address);
    }
}

static void on_withdrawn(void *user_data, const floe_candidate *candidate)
{
    (void)user_data;
    (void)candidate;
    withdrawn++;
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    (void)user_data;
    (void)error;
    errors++;
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    (void)user_data;
    echoes += packet->size == 4;
}

static void begin(floe_api *api, guest *of)
{
    if (of->gatherer == NULL && floe_gatherer_new(api, &options, &of->gatherer) != FLOE_OK) {
        (void)printf("wrong: %s\n", floe_last_error());
        wrong++;
        return;
    }
    (void)floe_gatherer_on_local_candidate(of->gatherer, on_candidate, NULL);
    (void)floe_gatherer_on_candidate_withdrawn(of->gatherer, on_withdrawn, NULL);
    (void)floe_gatherer_on_error(of->gatherer, on_error, NULL);
    (void)floe_gatherer_on_packet(of->gatherer, on_packet, NULL);
    of->since = seconds();
    gatherings += floe_gatherer_gather(of->gatherer) == FLOE_OK;
}

static bool complete(const guest *of)
{
    bool done = floe_gatherer_state(of->gatherer) == FLOE_GATHERER_STATE_COMPLETE;

    if (!done && seconds() - of->since > STALLED_S) {
        (void)printf("wrong: a gathering does not end\n");
        wrong++;
    }
    return done;
}

/* A packet on each candidate. How many there are of each kind. */
static void speak(const guest *of, unsigned kinds[KINDS])
{
    floe_candidate_list *list = NULL;

    memset(kinds, 0, KINDS * sizeof *kinds);
    if (floe_gatherer_get_local_candidates(of->gatherer, &list) != FLOE_OK) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        const floe_candidate *candidate = list->candidates[i];
        kinds[candidate->type]++;
        (void)floe_gatherer_send(of->gatherer, candidate->id, &peer, "ping", 4);
    }
    floe_candidate_list_free(list);
}

static size_t count_in(const char *directory)
{
    DIR *open = opendir(directory);
    size_t count = 0;

    while (open != NULL && readdir(open) != NULL) {
        count++;
    }
    (void)closedir(open);
    return count - 2;
}

static long resident_kilobytes(void)
{
    long all = 0;
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file != NULL) {
        (void)!fscanf(file, "%ld %ld", &all, &pages);
        (void)fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void report(double at)
{
    (void)printf(
        "%5.0f s: %u gatherings, %u candidates, %u withdrawn, %u errors, %u echoes; %ld KB, "
        "%zu pieces, %zu descriptors, %zu threads\n",
        at, gatherings, candidates, withdrawn, errors, echoes, resident_kilobytes(), (size_t)live,
        count_in("/proc/self/fd"), count_in("/proc/self/task"));
    (void)fflush(stdout);
}

/* Each resident has all that there is to have, now that it is calm. */
static void check_residents(guest *residents)
{
    for (unsigned i = 0; i < RESIDENTS; i++) {
        unsigned kinds[KINDS];
        speak(&residents[i], kinds);
        if (kinds[FLOE_CANDIDATE_TYPE_HOST] == 0 || kinds[FLOE_CANDIDATE_TYPE_SRFLX] == 0 ||
            kinds[FLOE_CANDIDATE_TYPE_RELAY] == 0) {
            wrong++;
            (void)printf("wrong: resident %u has %u host, %u srflx, %u relay\n", i,
                         kinds[FLOE_CANDIDATE_TYPE_HOST], kinds[FLOE_CANDIDATE_TYPE_SRFLX],
                         kinds[FLOE_CANDIDATE_TYPE_RELAY]);
        }
    }
}

static void soak(floe_api *api, double length)
{
    static guest residents[RESIDENTS];
    static guest visitors[VISITORS];
    double start = seconds();
    double spoken = start;
    double reported = start;

    for (double now = start; now - start < length && wrong == 0; now = seconds()) {
        bool speaks = now - spoken >= 1;
        for (unsigned i = 0; i < RESIDENTS; i++) {
            unsigned kinds[KINDS];
            if (residents[i].gatherer == NULL ||
                (complete(&residents[i]) && now - residents[i].since > GATHER_AGAIN_S)) {
                begin(api, &residents[i]);
            } else if (speaks) {
                speak(&residents[i], kinds);
            }
        }
        for (unsigned i = 0; i < VISITORS; i++) {
            if (visitors[i].gatherer != NULL && complete(&visitors[i])) {
                floe_gatherer_free(visitors[i].gatherer);
                visitors[i].gatherer = NULL;
            }
            if (visitors[i].gatherer == NULL) {
                begin(api, &visitors[i]);
            }
        }
        spoken = speaks ? now : spoken;
        if (now - reported >= 60) {
            report(now - start);
            reported = now;
        }
        (void)usleep(20000);
    }
    check_residents(residents);
    report(seconds() - start);
    for (unsigned i = 0; i < RESIDENTS; i++) {
        floe_gatherer_free(residents[i].gatherer);
    }
    for (unsigned i = 0; i < VISITORS; i++) {
        floe_gatherer_free(visitors[i].gatherer);
    }
}

int main(int count, char **words)
{
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api = NULL;

    if (count < 8 || floe_address_parse(words[4], &peer) != FLOE_OK) {
        return 2;
    }
    peer.port = (uint16_t)atoi(words[5]);
    true_addresses = words[6];
    server.urls = (const char *const *)&words[7];
    server.url_count = (size_t)count - 7;
    server.username = words[2];
    server.credential = words[3];
    options.ice_servers = &server;
    options.ice_server_count = 1;
    settings.allocator = &counted;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    settings.tls_ca_file = getenv("LAB_CA");
    if (floe_api_new(&settings, &api) != FLOE_OK) {
        (void)printf("wrong: %s\n", floe_last_error());
        return 1;
    }
    floe_api_free(api); /* what libuv makes once in a process is made */
    size_t descriptors = count_in("/proc/self/fd");
    (void)floe_api_new(&settings, &api);
    soak(api, atof(words[1]));
    floe_api_free(api);
    if (live != 0 || count_in("/proc/self/fd") != descriptors) {
        wrong++;
        (void)printf("wrong: left behind: %zu pieces, %zu descriptors\n", (size_t)live,
                     count_in("/proc/self/fd") - descriptors);
    }
    (void)printf("soak: %s\n", wrong == 0 ? "all good" : "FAILED");
    return wrong == 0 ? 0 : 1;
}

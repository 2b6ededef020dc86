/* How soon a gatherer that is continual tells of an address that comes or goes, counted from the kernel's
 * event, and what it costs to watch a network that changes all the time. In a network namespace, as root:
 *
 *     network [CHANGES [SECONDS]]      one line of JSON: medians and worsts in ms, CPU in ms a second */
#include "clock.h"

#include <floe/floe.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHANGES_MAX 1000

/* ── What is told ── */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static double told; /* when the latest was; 0: nothing since */
static unsigned ends;

static void tell(void)
{
    (void)pthread_mutex_lock(&lock);
    told = now_ms();
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&lock);
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    (void)user_data;
    if (candidate != NULL) {
        tell();
    } else {
        (void)pthread_mutex_lock(&lock);
        ends++;
        (void)pthread_cond_signal(&changed);
        (void)pthread_mutex_unlock(&lock);
    }
}

static void on_withdrawn(void *user_data, const floe_candidate *candidate)
{
    (void)user_data;
    (void)candidate;
    tell();
}

static void wait_for_end(unsigned wanted)
{
    (void)pthread_mutex_lock(&lock);
    while (ends < wanted) {
        (void)pthread_cond_wait(&changed, &lock);
    }
    (void)pthread_mutex_unlock(&lock);
}

/* ── The kernel ── */

static int monitor(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    return fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

static void run(const char *command)
{
    if (system(command) != 0) {
        (void)fprintf(stderr, "network: \"%s\" fails\n", command);
        exit(1);
    }
}

/* The kernel's event by this command, to what is told of it. */
static double one_change(int fd, FILE *ip, const char *command)
{
    char event[8192];

    (void)pthread_mutex_lock(&lock);
    told = 0;
    unsigned before = ends;
    (void)pthread_mutex_unlock(&lock);
    (void)fprintf(ip, "%s\n", command);
    (void)fflush(ip);
    (void)recv(fd, event, sizeof event, 0);
    double began = now_ms();
    wait_for_end(before + 1);
    return told - began;
}

static int compare(const void *a, const void *b)
{
    double one = *(const double *)a;
    double other = *(const double *)b;

    return (one > other) - (one < other);
}

static void print(const char *name, double *times, unsigned count)
{
    qsort(times, count, sizeof *times, compare);
    (void)printf("\"%s_median\":%.1f,\"%s_worst\":%.1f,", name, times[count / 2], name,
                 times[count - 1]);
}

static double cpu_of_unrest(FILE *ip, unsigned seconds)
{
    double before = cpu_ms();

    for (unsigned i = 0; i < 100 * seconds; i++) {
        (void)fprintf(ip, "addr %s 10.77.7.1/24 dev bench1\n", i % 2 == 0 ? "add" : "del");
        (void)fflush(ip);
        (void)usleep(10000);
    }
    return (cpu_ms() - before) / seconds;
}

int main(int count, char **words)
{
    static double found[CHANGES_MAX];
    static double gone[CHANGES_MAX];
    unsigned changes = count > 1 ? (unsigned)atoi(words[1]) : 50;
    unsigned seconds = count > 2 ? (unsigned)atoi(words[2]) : 10;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_gatherer *gatherer;
    floe_api *api;

    run("ip link add bench0 type veth peer name bench1; ip addr add 10.77.0.1/24 dev bench0; "
        "ip link set bench1 up; ip link set bench0 up; sleep 2");
    int fd = monitor();
    FILE *ip = popen("ip -batch -", "w");
    options.continual = true;
    if (changes == 0 || changes > CHANGES_MAX || seconds == 0 || fd < 0 || ip == NULL ||
        floe_api_new(NULL, &api) != FLOE_OK ||
        floe_gatherer_new(api, &options, &gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "network: it cannot be measured\n");
        return 1;
    }
    (void)floe_gatherer_on_local_candidate(gatherer, on_candidate, NULL);
    (void)floe_gatherer_on_candidate_withdrawn(gatherer, on_withdrawn, NULL);
    (void)floe_gatherer_gather(gatherer);
    wait_for_end(1);
    for (unsigned i = 0; i < changes; i++) {
        found[i] = one_change(fd, ip, "addr add 10.77.5.1/24 dev bench0");
        (void)usleep(1100000); /* no loose plug (N2) */
        gone[i] = one_change(fd, ip, "addr del 10.77.5.1/24 dev bench0");
        (void)usleep(1100000);
    }
    (void)printf("{");
    print("found_ms", found, changes);
    print("withdrawn_ms", gone, changes);
    (void)printf("\"cpu_ms_a_second\":%.2f}\n", cpu_of_unrest(ip, seconds));
    (void)pclose(ip);
    floe_api_free(api);
    return 0;
}

/* How soon packets take another way when the one in use is lost: two sides in one process, each with two addresses, in a network
 * namespace of its own, as root.
 *
 *     failover address|silence|one-way [TIMES]
 *
 * `address`: the address in use goes. `silence`: what comes from it and to it is dropped from then on (nftables), and nobody says
 * so; `one-way`: only what comes from it. A packet goes each millisecond. Prints a line of JSON: milliseconds from the kernel's event, or from the rule, until the first packet
 * by the other way has come. */
#include "clock.h"

#include <floe/floe.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMES_MAX 100

static void run(const char *command)
{
    if (system(command) != 0) {
        (void)fprintf(stderr, "failover: \"%s\" fails\n", command);
        exit(1);
    }
}

typedef struct side {
    floe_api *api;
    floe_gatherer *gatherer;
    floe_transport *transport;
    struct side *other;
    atomic_bool connected;
} side;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static char lost[FLOE_ADDRESS_TEXT_SIZE]; /* the address that packets no longer come from */
static double came;                       /* when the first did from another; 0: not yet */

static bool keep(void *data, const floe_address *address)
{
    const unsigned *third = data;

    return address->family == FLOE_FAMILY_IPV4 && address->ip[0] == 10 && address->ip[2] == *third;
}

static void on_candidate(void *data, const floe_candidate *candidate)
{
    side *s = data;

    if (candidate != NULL) { /* the end never comes of a network that is followed */
        (void)floe_transport_add_remote_candidate(s->other->transport, candidate);
    }
}

static void on_withdrawn(void *data, const floe_candidate *candidate)
{
    side *s = data;

    (void)floe_transport_remove_remote_candidate(s->other->transport, candidate);
}

static void on_state(void *data, floe_ice_state state)
{
    side *s = data;

    atomic_store(&s->connected, state == FLOE_ICE_STATE_CONNECTED);
}

static void on_packet(void *data, const floe_packet *packet)
{
    char from[FLOE_ADDRESS_TEXT_SIZE];

    (void)data;
    (void)floe_address_format(&packet->peer, from, sizeof from);
    (void)pthread_mutex_lock(&lock);
    if (lost[0] != '\0' && came == 0 && strcmp(from, lost) != 0) {
        came = now_ms();
        (void)pthread_cond_signal(&changed);
    }
    (void)pthread_mutex_unlock(&lock);
}

static void begin(side *s, side *other, unsigned *third)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    s->other = other;
    settings.ip_filter = keep;
    settings.filter_user_data = third;
    options.continual = true;
    if (floe_api_new(&settings, &s->api) != FLOE_OK ||
        floe_gatherer_new(s->api, &options, &s->gatherer) != FLOE_OK ||
        floe_transport_new(s->gatherer, NULL, &s->transport) != FLOE_OK) {
        (void)fprintf(stderr, "failover: %s\n", floe_last_error());
        exit(1);
    }
    (void)floe_gatherer_on_local_candidate(s->gatherer, on_candidate, s);
    (void)floe_gatherer_on_candidate_withdrawn(s->gatherer, on_withdrawn, s);
    (void)floe_transport_on_state_change(s->transport, on_state, s);
    (void)floe_transport_on_packet(s->transport, on_packet, s);
}

static void start(side *s, floe_ice_role role)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;

    (void)floe_gatherer_get_local_parameters(s->other->gatherer, &remote);
    (void)floe_transport_start(s->transport, &remote, role);
    (void)floe_gatherer_gather(s->gatherer);
}

static int monitor(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    return fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ? fd : -1;
}

/* The local address in use; it is to be one of two that work. */
static bool find_used(floe_transport *transport, char *used, size_t size)
{
    floe_ice_pair_list *pairs;
    unsigned valid = 0;

    used[0] = '\0';
    if (floe_transport_get_pairs(transport, &pairs) != FLOE_OK) {
        return false;
    }
    for (size_t i = 0; i < pairs->count; i++) {
        const floe_ice_pair *pair = pairs->pairs[i];
        valid += pair->valid && pair->state == FLOE_ICE_PAIR_SUCCEEDED;
        if (pair->selected) {
            (void)snprintf(used, size, "%s", pair->local->address);
        }
    }
    floe_ice_pair_list_free(pairs);
    return used[0] != '\0' && valid >= 2;
}

typedef enum loss { ADDRESS, SILENCE, ONE_WAY } loss;

static double one_loss(side *a, loss how, int fd)
{
    char used[FLOE_ADDRESS_TEXT_SIZE];
    char command[512];
    char event[8192];

    /* Nothing is new any more: a better way takes over once in ten seconds at most. */
    char before[FLOE_ADDRESS_TEXT_SIZE] = "";
    for (double since = now_ms(); now_ms() - since < 13000; (void)usleep(10000)) {
        if (!find_used(a->transport, used, sizeof used) || strcmp(used, before) != 0) {
            (void)snprintf(before, sizeof before, "%s", used);
            since = now_ms();
        }
    }
    (void)pthread_mutex_lock(&lock);
    (void)snprintf(lost, sizeof lost, "%s", used);
    came = 0;
    (void)pthread_mutex_unlock(&lock);
    const char *device = used[strlen(used) - 1] == '1' ? "fail0" : "fail1";
    if (how == ADDRESS) {
        (void)snprintf(command, sizeof command, "ip addr del %s/24 dev %s", used, device);
    } else {
        (void)snprintf(
            command, sizeof command,
            "nft add table ip fail; nft 'add chain ip fail out { type filter hook input "
            "priority 0; }'; for way in %s; do nft add rule ip fail out ip $way %s drop; done",
            how == SILENCE ? "saddr daddr" : "saddr", used);
    }
    if (how != ADDRESS) {
        run(command);
    } else {
        FILE *shell = popen(command, "r");
        (void)recv(fd, event, sizeof event, 0);
        double began = now_ms();
        (void)pthread_mutex_lock(&lock);
        while (came == 0) {
            (void)pthread_cond_wait(&changed, &lock);
        }
        double took = came - began;
        lost[0] = '\0';
        (void)pthread_mutex_unlock(&lock);
        (void)pclose(shell);
        (void)snprintf(command, sizeof command, "ip addr add %s/24 dev %s", used, device);
        run(command);
        (void)recv(fd, event, sizeof event, 0);
        return took;
    }
    double began = now_ms();
    (void)pthread_mutex_lock(&lock);
    came = 0;
    while (came == 0) {
        (void)pthread_cond_wait(&changed, &lock);
    }
    double took = came - began;
    lost[0] = '\0';
    (void)pthread_mutex_unlock(&lock);
    run("nft delete table ip fail");
    return took;
}

static void *send_all_the_time(void *data)
{
    side *s = data;

    for (;;) {
        (void)floe_transport_send(s->transport, "packet", 6);
        (void)usleep(1000);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double one = *(const double *)a;
    double other = *(const double *)b;

    return (one > other) - (one < other);
}

int main(int count, char **words)
{
    static unsigned thirds[2] = {0, 1};
    static double took[TIMES_MAX];
    loss how = ADDRESS;
    unsigned times = count > 2 ? (unsigned)atoi(words[2]) : 5;
    side a = {0};
    side b = {0};
    pthread_t sender;

    if (count > 1 && strcmp(words[1], "silence") == 0) {
        how = SILENCE;
    } else if (count > 1 && strcmp(words[1], "one-way") == 0) {
        how = ONE_WAY;
    }
    run("ip link set lo up; for n in 0 1; do ip link add fail$n type veth peer name far$n; "
        "ip link set far$n up; ip link set fail$n up; done; sleep 2; "
        "ip addr add 10.7.0.1/24 dev fail0; ip addr add 10.8.0.2/24 dev fail1; "
        "ip addr add 10.7.1.1/24 dev fail0; ip addr add 10.8.1.2/24 dev fail1");
    int fd = monitor();
    begin(&a, &b, &thirds[0]);
    begin(&b, &a, &thirds[1]);
    start(&a, FLOE_ICE_ROLE_CONTROLLING);
    start(&b, FLOE_ICE_ROLE_CONTROLLED);
    while (!atomic_load(&a.connected) || !atomic_load(&b.connected)) {
        (void)usleep(1000);
    }
    (void)pthread_create(&sender, NULL, send_all_the_time, &a);
    for (unsigned i = 0; i < times && i < TIMES_MAX; i++) {
        took[i] = one_loss(&a, how, fd);
    }
    qsort(took, times, sizeof *took, compare);
    (void)printf("{\"median_ms\":%.1f,\"worst_ms\":%.1f}\n", took[times / 2], took[times - 1]);
    (void)fflush(stdout);
    _exit(0); /* with all that runs */
}

/* How soon two sides connect, and what it costs: two processes, each with N transports. They tell each other everything by a
 * UNIX socket first, then start in the same moment, so that what is measured is the agent alone.
 *
 *     connect listen|dial SOCKET N [--server URL USERNAME CREDENTIAL] [--relay] [--port] [--fork] [--idle SECONDS]
 *
 * --port: all gatherers of a process share one UDP port. --fork: the listening side has one gatherer for all its transports.
 * Prints a line of JSON: milliseconds from the start until the first packet could be sent, until connected, and until a packet
 * came (medians and worst); CPU from the start until all of that; peak RSS; what it costs when idle. */
#include "clock.h"

#include <floe/floe.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static long rss_kb(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;

    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) {
        pages = 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void check(floe_error error, const char *what)
{
    if (error != FLOE_OK) {
        (void)fprintf(stderr, "connect: %s: %s\n", what, floe_last_error());
        exit(1);
    }
}

typedef struct one {
    floe_gatherer *gatherer;
    floe_transport *transport;
    bool complete;
    double started;
    double sent;
    double connected;
    double came;
} one;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned complete;
static unsigned done; /* to whom all has happened */

static void look(one *of)
{
    if (of->sent != 0 && of->connected != 0 && of->came != 0) {
        done++;
        (void)pthread_cond_signal(&changed);
    }
}

static void on_candidate(void *data, const floe_candidate *candidate)
{
    one *of = data;

    (void)pthread_mutex_lock(&lock);
    if (candidate == NULL && !of->complete) {
        of->complete = true;
        complete++;
        (void)pthread_cond_signal(&changed);
    }
    (void)pthread_mutex_unlock(&lock);
}

static void on_state(void *data, floe_ice_state state)
{
    one *of = data;

    if (state == FLOE_ICE_STATE_FAILED) {
        char text[FLOE_ICE_EXPLANATION_SIZE] = "";
        (void)floe_transport_explain(of->transport, text, sizeof text);
        (void)fprintf(stderr, "connect: %s\n", text);
        exit(1);
    }
    if (state != FLOE_ICE_STATE_CONNECTED && state != FLOE_ICE_STATE_COMPLETED) {
        return;
    }
    (void)pthread_mutex_lock(&lock);
    if (of->connected == 0) {
        of->connected = now_ms() - of->started;
        if (floe_transport_send(of->transport, "first", 5) == FLOE_OK) {
            of->sent = now_ms() - of->started;
        }
        look(of);
    }
    (void)pthread_mutex_unlock(&lock);
}

static void on_packet(void *data, const floe_packet *packet)
{
    one *of = data;

    (void)packet;
    (void)pthread_mutex_lock(&lock);
    if (of->came == 0) { /* by now it may not be started: the other side has been */
        of->came = of->started != 0 ? now_ms() - of->started : 0.001;
        look(of);
    }
    (void)pthread_mutex_unlock(&lock);
}

static bool wait_until(const unsigned *count, unsigned wanted, unsigned ms)
{
    struct timespec until;
    int failed = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&lock);
    while (*count < wanted && failed == 0) {
        failed = pthread_cond_timedwait(&changed, &lock, &until);
    }
    bool there = *count >= wanted;
    (void)pthread_mutex_unlock(&lock);
    return there;
}

/* A thousand packets at once are more than a socket has room for. */
static void send_again(const one *all, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)floe_transport_send(all[i].transport, "again", 5);
        if (i % 50 == 49) {
            (void)usleep(1000);
        }
    }
}

/* ── The other process ── */

static FILE *meet(bool listens, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (listens) {
        (void)unlink(path);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1) != 0) {
            perror("connect: bind");
            exit(1);
        }
        int accepted = accept(fd, NULL, NULL);
        (void)close(fd);
        fd = accepted;
    } else {
        for (int i = 0; connect(fd, (struct sockaddr *)&address, sizeof address) != 0; i++) {
            if (i == 1000) {
                perror("connect: connect");
                exit(1);
            }
            (void)usleep(10000);
        }
    }
    return fdopen(fd, "r+");
}

/* The other one says something, or is gone. */
static void await_word(FILE *from)
{
    char word[8];

    if (fgets(word, sizeof word, from) == NULL) {
        (void)fprintf(stderr, "connect: the other process is gone\n");
    }
}

static void say(FILE *to, unsigned index, const one *of)
{
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_candidate_list *list;
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    check(floe_gatherer_get_local_parameters(of->gatherer, &parameters), "parameters");
    (void)fprintf(to, "P %u %s %s\n", index, parameters.username_fragment, parameters.password);
    check(floe_gatherer_get_local_candidates(of->gatherer, &list), "candidates");
    for (size_t i = 0; i < list->count; i++) {
        check(floe_candidate_format(list->candidates[i], text, sizeof text), "format");
        (void)fprintf(to, "C %u %s\n", index, text);
    }
    (void)fprintf(to, "E %u\n", index);
    floe_candidate_list_free(list);
}

static void hear(FILE *from, one *all, unsigned count, floe_parameters *remote)
{
    char line[2048];
    unsigned ends = 0;

    while (ends < count && fgets(line, sizeof line, from) != NULL) {
        unsigned index;
        int at = 0;
        floe_candidate *candidate;
        (void)sscanf(line, "%*c %u %n", &index, &at);
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == 'P') {
            remote[index] = (floe_parameters)FLOE_PARAMETERS_INIT;
            (void)sscanf(line, "P %*u %256s %256s", remote[index].username_fragment,
                         remote[index].password);
        } else if (line[0] == 'C') {
            check(floe_candidate_parse(line + at, &candidate), "parse");
            check(floe_transport_add_remote_candidate(all[index].transport, candidate), "add");
            floe_candidate_free(candidate);
        } else if (line[0] == 'E') {
            check(floe_transport_add_remote_candidate(all[index].transport, NULL), "end");
            ends++;
        }
    }
}

/* ── Figures ── */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_times(const char *name, one *all, unsigned count, size_t offset)
{
    double *times = calloc(count, sizeof *times);

    for (unsigned i = 0; times != NULL && i < count; i++) {
        times[i] = *(double *)(void *)((char *)&all[i] + offset);
    }
    if (times != NULL) {
        qsort(times, count, sizeof *times, compare);
        (void)printf("\"%s_ms\":%.1f,\"%s_worst_ms\":%.1f,", name, times[count / 2], name,
                     times[count - 1]);
    }
    free(times);
}

int main(int argc, char **argv)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    const char *url = NULL;
    bool forks = false;
    unsigned idle = 0;
    floe_api *api;

    if (argc < 4) {
        (void)fprintf(stderr, "connect listen|dial SOCKET N [...]\n");
        return 2;
    }
    bool listens = strcmp(argv[1], "listen") == 0;
    unsigned count = (unsigned)strtoul(argv[3], NULL, 10);
    settings.loopback = getenv("LOOPBACK") != NULL;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    for (int i = 4; i < argc; i++) {
        if (strcmp(argv[i], "--server") == 0 && i + 3 < argc) {
            url = argv[i + 1];
            server.urls = &url;
            server.url_count = 1;
            server.username = argv[i + 2];
            server.credential = argv[i + 3];
            options.ice_servers = &server;
            options.ice_server_count = 1;
            i += 3;
        } else if (strcmp(argv[i], "--relay") == 0) {
            options.gather_policy = FLOE_GATHER_POLICY_RELAY;
        } else if (strcmp(argv[i], "--port") == 0) {
            settings.udp_mux_port = FLOE_ANY_PORT;
        } else if (strcmp(argv[i], "--fork") == 0) {
            forks = listens;
        } else if (strcmp(argv[i], "--idle") == 0 && i + 1 < argc) {
            idle = (unsigned)strtoul(argv[++i], NULL, 10);
        }
    }
    one *all = calloc(count, sizeof *all);
    floe_parameters *remote = calloc(count, sizeof *remote);
    FILE *other = meet(listens, argv[2]);
    floe_ice_options ice = FLOE_ICE_OPTIONS_INIT;
    if (all == NULL || remote == NULL || other == NULL) {
        return 1;
    }
    ice.loopback = settings.loopback;
    check(floe_api_new(&settings, &api), "api");
    long empty = rss_kb();
    for (unsigned i = 0; i < count; i++) {
        if (forks && i > 0) {
            all[i].gatherer = all[0].gatherer;
        } else {
            check(floe_gatherer_new(api, &options, &all[i].gatherer), "gatherer");
            (void)floe_gatherer_on_local_candidate(all[i].gatherer, on_candidate, &all[i]);
        }
        check(floe_transport_new(all[i].gatherer, &ice, &all[i].transport), "transport");
        (void)floe_transport_on_state_change(all[i].transport, on_state, &all[i]);
        (void)floe_transport_on_packet(all[i].transport, on_packet, &all[i]);
    }
    for (unsigned i = 0; i < (forks ? 1 : count); i++) {
        check(floe_gatherer_gather(all[i].gatherer), "gather");
    }
    (void)wait_until(&complete, forks ? 1 : count, 60000);
    /* One after the other: both writing would fill the socket. */
    for (int turn = 0; turn < 2; turn++) {
        if ((turn == 0) == listens) {
            for (unsigned i = 0; i < count; i++) {
                say(other, i, &all[i]);
            }
            (void)fflush(other);
        } else {
            hear(other, all, count, remote);
        }
    }
    if (listens) {
        (void)fputs("go\n", other);
        (void)fflush(other);
    } else {
        await_word(other);
    }
    double cpu = cpu_ms();
    double began = now_ms();
    for (unsigned i = 0; i < count; i++) {
        (void)pthread_mutex_lock(&lock);
        all[i].started = now_ms();
        (void)pthread_mutex_unlock(&lock);
        check(floe_transport_start(all[i].transport, &remote[i],
                                   listens ? FLOE_ICE_ROLE_CONTROLLING : FLOE_ICE_ROLE_CONTROLLED),
              "start");
    }
    while (!wait_until(&done, count, 500)) {
        send_again(all, count);
    }
    double wall = now_ms() - began;
    cpu = cpu_ms() - cpu;
    (void)printf("{\"side\":\"%s\",\"transports\":%u,", argv[1], count);
    print_times("sent", all, count, offsetof(one, sent));
    print_times("connected", all, count, offsetof(one, connected));
    print_times("came", all, count, offsetof(one, came));
    (void)printf("\"ms\":%.1f,\"cpu_ms\":%.1f,\"rss_kb\":%ld", wall, cpu, rss_kb());
    (void)fputs("done\n", other);
    (void)fflush(other);
    while (poll(&(struct pollfd){.fd = fileno(other), .events = POLLIN}, 1, 500) == 0) {
        send_again(all, count); /* the other side still waits for some */
    }
    await_word(other);
    if (idle > 0) {
        floe_api_statistics before = FLOE_API_STATISTICS_INIT;
        floe_api_statistics after = FLOE_API_STATISTICS_INIT;
        sleep(3); /* what the beginning takes is over */
        (void)floe_api_get_statistics(api, &before);
        cpu = cpu_ms();
        sleep(idle);
        cpu = cpu_ms() - cpu;
        (void)floe_api_get_statistics(api, &after);
        (void)printf(",\"idle_cpu_ms_a_second\":%.1f,\"packets_a_second\":%.0f,\"bytes_each\":%.0f",
                     cpu / idle,
                     (double)(after.packets_sent - before.packets_sent + after.packets_received -
                              before.packets_received) /
                         idle,
                     (double)(rss_kb() - empty) * 1024 / count);
    }
    (void)printf("}\n");
    (void)fflush(stdout);
    /* The other side is not to lose us before it is done. */
    send_again(all, count);
    (void)fputs("bye\n", other);
    (void)fflush(other);
    await_word(other);
    for (unsigned i = 0; i < count; i++) {
        floe_transport_free(all[i].transport);
    }
    floe_api_free(api);
    free(all);
    free(remote);
    (void)fclose(other);
    return 0;
}

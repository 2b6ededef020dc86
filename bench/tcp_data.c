/* Data over TCP (RFC 6544, RFC 4571): between a host candidate and a process beside on loopback that takes what comes, or
 * sends as fast as it can. Packets a second, and CPU for each packet, of the measured process alone.
 *
 *     tcp_data out|in floe PACKETS
 *     tcp_data out floor PACKETS      the same frames by send(2), one a call
 *     tcp_data in floor PACKETS       the same bytes by recv(2), 65,536 at once, and each frame is found
 *
 * Prints {"packets":…,"ms":…,"cpu_us":…}, microseconds of CPU for each packet. */
#include "clock.h"

#include <arpa/inet.h>
#include <floe/floe.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define PAYLOAD 1200
#define FRAME (PAYLOAD + 2)

typedef struct measured {
    uv_loop_t loop;
    floe_gatherer *gatherer;
    floe_address peer;
    uint32_t active;
    bool in;
    bool complete;
    uint64_t packets;
    uint64_t done;
    uint64_t began;
    double cpu;
} measured;

static void print(uint64_t packets, uint64_t began, double cpu)
{
    (void)printf("{\"packets\":%" PRIu64 ",\"ms\":%.1f,\"cpu_us\":%.3f}\n", packets,
                 (double)(uv_hrtime() - began) / 1e6, (cpu_us() - cpu) / (double)packets);
}

static void make_frame(uint8_t frame[static FRAME])
{
    memset(frame, 0x80, FRAME);
    frame[0] = PAYLOAD >> 8;
    frame[1] = PAYLOAD & 255;
}

/* The process beside: it waits for a connection, and for its first bytes. */
static pid_t beside(bool sends, struct sockaddr_in *at)
{
    static uint8_t room[65536];
    static uint8_t frames[48 * FRAME];
    socklen_t size = sizeof *at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (listener < 0 || bind(listener, (struct sockaddr *)at, size) != 0 ||
        listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)at, &size) != 0) {
        return -1;
    }
    pid_t process = fork();
    if (process != 0) {
        (void)close(listener);
        return process;
    }
    int fd = accept(listener, NULL, NULL);
    for (size_t i = 0; i < sizeof frames; i += FRAME) {
        make_frame(&frames[i]);
    }
    ssize_t done = recv(fd, room, sizeof room, 0);
    while (done > 0) {
        done =
            sends ? send(fd, frames, sizeof frames, MSG_NOSIGNAL) : recv(fd, room, sizeof room, 0);
    }
    _exit(0);
}

/* ── The floor ── */

static int run_floor(bool in, uint64_t packets)
{
    static uint8_t frame[FRAME];
    static uint8_t room[65536];
    struct sockaddr_in at;
    uint64_t bytes = 0;
    int on = 1;
    pid_t process = beside(in, &at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    make_frame(frame);
    if (process < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        return 1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)send(fd, frame, FRAME, 0);
    double cpu = cpu_us();
    uint64_t began = uv_hrtime();
    while (bytes < packets * FRAME) {
        ssize_t now = in ? recv(fd, room, sizeof room, 0) : send(fd, frame, FRAME, 0);
        if (now <= 0) {
            return 1;
        }
        bytes += (uint64_t)now;
    }
    print(packets, began, cpu);
    (void)kill(process, SIGKILL);
    (void)waitpid(process, NULL, 0);
    return 0;
}

/* ── floe ── */

static void count(measured *of)
{
    if (of->done++ == 0) {
        of->cpu = cpu_us();
        of->began = uv_hrtime();
    } else if (of->done == of->packets + 1) {
        print(of->packets, of->began, of->cpu);
        uv_stop(&of->loop);
    }
}

static void send_more(measured *of)
{
    static uint8_t packet[PAYLOAD];

    memset(packet, 0x80, sizeof packet);
    while (of->done <= of->packets && floe_gatherer_send(of->gatherer, of->active, &of->peer,
                                                         packet, sizeof packet) == FLOE_OK) {
        if (of->in) {
            return; /* it says that we are there */
        }
        count(of);
    }
}

static void on_writable(void *user_data, uint32_t id)
{
    (void)id;
    send_more(user_data);
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    (void)packet;
    count(user_data);
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    measured *of = user_data;

    if (candidate == NULL) {
        send_more(of);
    } else if (candidate->tcp_type == FLOE_TCP_TYPE_ACTIVE &&
               strcmp(candidate->address, "127.0.0.1") == 0) {
        of->active = candidate->id;
    }
}

static int run_floe(bool in, uint64_t packets)
{
    measured of = {.in = in, .packets = packets};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api = NULL;
    struct sockaddr_in at;
    pid_t process = beside(in, &at);

    (void)floe_address_parse("127.0.0.1", &of.peer);
    of.peer.port = ntohs(at.sin_port);
    (void)uv_loop_init(&of.loop);
    settings.loop = &of.loop;
    settings.loopback = true;
    settings.network_types = FLOE_NETWORK_TYPE_TCP4;
    if (process < 0 || floe_api_new(&settings, &api) != FLOE_OK ||
        floe_gatherer_new(api, NULL, &of.gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "%s\n", floe_last_error());
        return 1;
    }
    (void)floe_gatherer_on_local_candidate(of.gatherer, on_candidate, &of);
    (void)floe_gatherer_on_writable(of.gatherer, on_writable, &of);
    (void)floe_gatherer_on_packet(of.gatherer, on_packet, &of);
    (void)floe_gatherer_gather(of.gatherer);
    (void)uv_run(&of.loop, UV_RUN_DEFAULT);
    (void)kill(process, SIGKILL);
    (void)waitpid(process, NULL, 0);
    floe_api_free(api);
    return 0;
}

int main(int words, char **word)
{
    if (words != 4) {
        return 2;
    }
    bool in = strcmp(word[1], "in") == 0;
    uint64_t packets = strtoull(word[3], NULL, 10);

    return strcmp(word[2], "floe") == 0 ? run_floe(in, packets) : run_floor(in, packets);
}

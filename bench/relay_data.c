/* Data out: through one relay over UDP, one way, to a peer that throws it away. Data in: to a host candidate, from a
 * process beside that sends as fast as it can. Packets a second and CPU for each packet, of the measured process alone.
 *
 *     relay_data floe ADDRESS USERNAME CREDENTIAL PEER PORT PACKETS
 *     relay_data floor ADDRESS PORT PACKETS           the same bytes by sendmmsg(2), and nothing else
 *     relay_data segments ADDRESS PORT PACKETS        the same by UDP_SEGMENT: what the kernel has best
 *     relay_data in floe|floor one|segments ADDRESS PACKETS   received; `segments`: they come by UDP_SEGMENT, and the
 *                                                     floor asks for UDP_GRO
 *
 * Prints {"packets":…,"ms":…,"cpu_us":…}, microseconds of CPU for each packet. */
#include "clock.h"

#include <arpa/inet.h>
#include <floe/floe.h>
#include <inttypes.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define PAYLOAD 1200
#define CHANNEL_HEADER 4
#define BATCH 32
#define SEGMENTS 48 /* that a datagram of IPv4's largest size has room for */

static void print(uint64_t packets, uint64_t began, double cpu)
{
    (void)printf("{\"packets\":%" PRIu64 ",\"ms\":%.1f,\"cpu_us\":%.3f}\n", packets,
                 (double)(uv_hrtime() - began) / 1e6, (cpu_us() - cpu) / (double)packets);
}

/* ── The floor ── */

/* How many of the packets one call has sent. */
static uint64_t send_segments(int fd, const struct sockaddr_in *to)
{
    static uint8_t packets[SEGMENTS][CHANNEL_HEADER + PAYLOAD];
    struct iovec parts = {.iov_base = packets, .iov_len = sizeof packets};
    union {
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr aligned;
    } control = {0};
    struct msghdr message = {.msg_name = (void *)to,
                             .msg_namelen = sizeof *to,
                             .msg_iov = &parts,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *segment = CMSG_FIRSTHDR(&message);
    uint16_t size = sizeof packets[0];

    segment->cmsg_level = SOL_UDP;
    segment->cmsg_type = UDP_SEGMENT;
    segment->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(segment), &size, sizeof size);
    return sendmsg(fd, &message, 0) > 0 ? SEGMENTS : 0;
}

static int run_floor(char **words, bool segments)
{
    static uint8_t packet[CHANNEL_HEADER + PAYLOAD] = {0x40, 0, PAYLOAD >> 8, PAYLOAD & 0xff};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[3]))};
    struct iovec part = {.iov_base = packet, .iov_len = sizeof packet};
    struct mmsghdr batch[BATCH] = {0};
    uint64_t packets = strtoull(words[4], NULL, 10);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0 || inet_pton(AF_INET, words[2], &to.sin_addr) != 1) {
        return 1;
    }
    for (size_t i = 0; i < BATCH; i++) {
        batch[i].msg_hdr = (struct msghdr){
            .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1};
    }
    double cpu = cpu_us();
    uint64_t began = uv_hrtime();
    for (uint64_t sent = 0; sent < packets;) {
        int now = segments ? (int)send_segments(fd, &to) : sendmmsg(fd, batch, BATCH, 0);
        sent += now > 0 ? (uint64_t)now : 0;
    }
    print(packets, began, cpu);
    (void)close(fd);
    return 0;
}

/* ── floe ── */

typedef struct sender {
    uv_loop_t loop;
    uv_timer_t warm;
    floe_gatherer *gatherer;
    uint32_t relay_id;
    floe_address peer;
    uint64_t packets;
    uint64_t sent;
    uint64_t began; /* 0: the channel is not bound yet */
    double cpu;
} sender;

static void fill(sender *of)
{
    static const uint8_t payload[PAYLOAD];

    while (of->sent < of->packets && floe_gatherer_send(of->gatherer, of->relay_id, &of->peer,
                                                        payload, sizeof payload) == FLOE_OK) {
        of->sent++;
    }
    if (of->sent == of->packets && of->began != 0) {
        print(of->packets, of->began, of->cpu);
        uv_stop(&of->loop);
    }
}

static void on_writable(void *user_data, uint32_t candidate_id)
{
    (void)candidate_id;
    fill(user_data);
}

static void on_warm(uv_timer_t *timer)
{
    sender *of = timer->data;

    of->cpu = cpu_us();
    of->began = uv_hrtime();
    fill(of);
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    sender *of = user_data;

    if (candidate != NULL) {
        of->relay_id = candidate->id;
        return;
    }
    /* Two packets ask for the permission and the channel; a second later both are there. */
    for (int i = 0; i < 2; i++) {
        (void)floe_gatherer_send(of->gatherer, of->relay_id, &of->peer, "x", 1);
    }
    (void)uv_timer_start(&of->warm, on_warm, 1000, 0);
}

static int run_floe(char **words)
{
    sender of = {0};
    const char *urls[] = {words[2]};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_api *api = NULL;

    (void)uv_loop_init(&of.loop);
    (void)uv_timer_init(&of.loop, &of.warm);
    of.warm.data = &of;
    of.packets = strtoull(words[7], NULL, 10);
    (void)floe_address_parse(words[5], &of.peer);
    of.peer.port = (uint16_t)atoi(words[6]);
    settings.loop = &of.loop;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    server.urls = urls;
    server.url_count = 1;
    server.username = words[3];
    server.credential = words[4];
    options.ice_servers = &server;
    options.ice_server_count = 1;
    options.gather_policy = FLOE_GATHER_POLICY_RELAY;
    if (floe_api_new(&settings, &api) != FLOE_OK ||
        floe_gatherer_new(api, &options, &of.gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "%s\n", floe_last_error());
        return 1;
    }
    (void)floe_gatherer_on_local_candidate(of.gatherer, on_candidate, &of);
    (void)floe_gatherer_on_writable(of.gatherer, on_writable, &of);
    (void)floe_gatherer_gather(of.gatherer);
    (void)uv_run(&of.loop, UV_RUN_DEFAULT);
    floe_gatherer_free(of.gatherer);
    floe_api_free(api);
    return 0;
}

/* ── In ── */

#define WARM 20000U /* packets that come before it is measured */

/* The process that sends, for ever. */
static pid_t send_from_beside(const struct sockaddr_in *to, bool segments)
{
    static uint8_t packet[CHANNEL_HEADER + PAYLOAD];
    struct iovec part = {.iov_base = packet, .iov_len = sizeof packet};
    struct mmsghdr batch[BATCH] = {0};
    pid_t process = fork();

    if (process != 0) {
        return process;
    }
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    for (size_t i = 0; i < BATCH; i++) {
        batch[i].msg_hdr = (struct msghdr){
            .msg_name = (void *)to, .msg_namelen = sizeof *to, .msg_iov = &part, .msg_iovlen = 1};
    }
    while (getppid() != 1) {
        if (segments) {
            (void)send_segments(fd, to);
        } else {
            (void)sendmmsg(fd, batch, BATCH, 0);
        }
    }
    _exit(0);
}

static void end(pid_t process)
{
    (void)kill(process, SIGKILL);
    (void)waitpid(process, NULL, 0);
}

/* How many packets one message is. */
static uint64_t packets_of(const struct mmsghdr *message)
{
    return (message->msg_len + CHANNEL_HEADER + PAYLOAD - 1) / (CHANNEL_HEADER + PAYLOAD);
}

static int receive_floor(struct sockaddr_in address, bool segments, uint64_t packets)
{
    static uint8_t room[BATCH][65536];
    struct mmsghdr batch[BATCH] = {0};
    struct iovec parts[BATCH];
    struct sockaddr_in from[BATCH];
    socklen_t size = sizeof address;
    int on = 1;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    double cpu = 0;
    uint64_t began = 0;

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
        (segments && setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0)) {
        return 1;
    }
    pid_t beside = send_from_beside(&address, segments);
    for (uint64_t got = 0; got < WARM + packets;) {
        for (size_t i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){.iov_base = room[i], .iov_len = sizeof room[i]};
            batch[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                               .msg_namelen = sizeof from[i],
                                               .msg_iov = &parts[i],
                                               .msg_iovlen = 1};
        }
        int now = recvmmsg(fd, batch, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < now; i++) {
            got += packets_of(&batch[i]);
        }
        if (began == 0 && got >= WARM) {
            cpu = cpu_us();
            began = uv_hrtime();
            got = WARM;
        }
    }
    print(packets, began, cpu);
    end(beside);
    return 0;
}

typedef struct receiver {
    uv_loop_t loop;
    struct sockaddr_in address;
    floe_gatherer *gatherer;
    bool segments;
    uint64_t packets;
    uint64_t got;
    uint64_t began;
    double cpu;
    pid_t beside;
} receiver;

static void on_packet(void *user_data, const floe_packet *packet)
{
    receiver *of = user_data;

    (void)packet;
    of->got++;
    if (of->got == WARM) {
        of->cpu = cpu_us();
        of->began = uv_hrtime();
    } else if (of->got == WARM + of->packets) {
        print(of->packets, of->began, of->cpu);
        uv_stop(&of->loop);
    }
}

static void on_host(void *user_data, const floe_candidate *candidate)
{
    receiver *of = user_data;

    if (candidate != NULL) {
        of->address.sin_port = htons(candidate->port);
    } else {
        of->beside = send_from_beside(&of->address, of->segments);
    }
}

static int receive_floe(struct sockaddr_in address, bool segments, uint64_t packets)
{
    receiver of = {.address = address, .segments = segments, .packets = packets};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api = NULL;

    (void)uv_loop_init(&of.loop);
    settings.loop = &of.loop;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    if (floe_api_new(&settings, &api) != FLOE_OK ||
        floe_gatherer_new(api, NULL, &of.gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "%s\n", floe_last_error());
        return 1;
    }
    (void)floe_gatherer_on_local_candidate(of.gatherer, on_host, &of);
    (void)floe_gatherer_on_packet(of.gatherer, on_packet, &of);
    (void)floe_gatherer_gather(of.gatherer);
    (void)uv_run(&of.loop, UV_RUN_DEFAULT);
    end(of.beside);
    floe_gatherer_free(of.gatherer);
    floe_api_free(api);
    return 0;
}

static int run_in(char **words)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    bool segments = strcmp(words[3], "segments") == 0;
    uint64_t packets = strtoull(words[5], NULL, 10);

    if (inet_pton(AF_INET, words[4], &address.sin_addr) != 1) {
        return 2;
    }
    return strcmp(words[2], "floe") == 0 ? receive_floe(address, segments, packets)
                                         : receive_floor(address, segments, packets);
}

int main(int count, char **words)
{
    if (count == 6 && strcmp(words[1], "in") == 0) {
        return run_in(words);
    }
    if (count == 5 && (strcmp(words[1], "floor") == 0 || strcmp(words[1], "segments") == 0)) {
        return run_floor(words, strcmp(words[1], "segments") == 0);
    }
    if (count == 8 && strcmp(words[1], "floe") == 0) {
        return run_floe(words);
    }
    return 2;
}

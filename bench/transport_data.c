/* Data by a transport, beside the same by its gatherer alone: packets of 1,200 bytes to or from another process on the same
 * machine, CPU for each packet, of the measured process alone.
 *
 *     transport_data out gatherer|transport PACKETS
 *     transport_data in gatherer|transport one|queued|segments PACKETS
 *
 * In both cases a transport is connected; `gatherer` leaves it aside for the data. `segments`: they come by UDP_SEGMENT.
 * `queued`: the other process sends some and then waits, and this one reads only when they are all there, so that how often
 * it wakes does not depend on which of the two is faster. Prints {"packets":…,"ms":…,"cpu_us":…}. */
#include "clock.h"

#include <arpa/inet.h>
#include <floe/floe.h>
#include <inttypes.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define PAYLOAD 1200
#define FIRST_OF_RTP 0x80U /* what comes is looked at: data begin as RTP does (RFC 7983) */
#define SEGMENTS 48
#define BATCH 32
#define QUEUED (2 * BATCH) /* the socket's buffer holds them */
#define WARM 20000U

typedef struct side {
    uv_loop_t loop;
    FILE *to;
    FILE *from;
    floe_gatherer *gatherer;
    floe_transport *transport;
    bool connected;
    bool by_transport;
    bool out;
    bool queued;
    int turns[2]; /* of sending and of reading, where they take turns */
    uint32_t id;
    floe_address peer;
    uint64_t packets;
    uint64_t count; /* sent, or come */
    uint64_t began;
    double cpu;
} side;

static void on_candidate(void *data, const floe_candidate *candidate)
{
    side *s = data;
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    char text[FLOE_CANDIDATE_TEXT_SIZE] = "";

    if (candidate == NULL) {
        (void)fputs("\n", s->to);
        (void)fflush(s->to);
        return;
    }
    (void)floe_gatherer_get_local_parameters(s->gatherer, &parameters);
    (void)floe_candidate_format(candidate, text, sizeof text);
    (void)fprintf(s->to, "%s %s %s\n", parameters.username_fragment, parameters.password, text);
}

static void on_state(void *data, floe_ice_state state)
{
    side *s = data;

    s->connected = state == FLOE_ICE_STATE_CONNECTED || state == FLOE_ICE_STATE_COMPLETED;
}

/* The other process sends, and this one waits until it has. */
static void let_send(side *s)
{
    char turn = 0;

    (void)!write(s->turns[0], &turn, 1);
    (void)!read(s->turns[0], &turn, 1);
}

static void count_one(side *s)
{
    s->count++;
    if (s->count == WARM) {
        s->cpu = cpu_us();
        s->began = uv_hrtime();
    } else if (s->count == WARM + s->packets) {
        (void)printf("{\"packets\":%" PRIu64 ",\"ms\":%.1f,\"cpu_us\":%.3f}\n", s->packets,
                     (double)(uv_hrtime() - s->began) / 1e6,
                     (cpu_us() - s->cpu) / (double)s->packets);
        (void)fflush(stdout);
        uv_stop(&s->loop);
    }
    if (s->queued && s->count % QUEUED == 0) {
        let_send(s);
    }
}

static void on_packet(void *data, const floe_packet *packet)
{
    side *s = data;

    if (packet->size == PAYLOAD) {
        count_one(s);
    }
}

/* One that belongs to no transport. */
static void on_stray(void *data, const floe_packet *packet)
{
    on_packet(data, packet);
}

static void send_all(side *s)
{
    static uint8_t packet[PAYLOAD] = {FIRST_OF_RTP};

    while (s->count < WARM + s->packets) {
        floe_error error =
            s->by_transport
                ? floe_transport_send(s->transport, packet, sizeof packet)
                : floe_gatherer_send(s->gatherer, s->id, &s->peer, packet, sizeof packet);
        if (error != FLOE_OK) {
            return; /* there is room again, and it is told */
        }
        count_one(s);
    }
}

static void on_transport_writable(void *data)
{
    send_all(data);
}

static void on_writable(void *data, uint32_t id)
{
    (void)id;
    send_all(data);
}

static void begin(side *s, floe_api **api, floe_ice_role role, uv_loop_t *loop)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    char line[2048];

    settings.loop = loop;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    settings.loopback = options.loopback = true;
    if (floe_api_new(&settings, api) != FLOE_OK ||
        floe_gatherer_new(*api, NULL, &s->gatherer) != FLOE_OK ||
        floe_transport_new(s->gatherer, &options, &s->transport) != FLOE_OK) {
        (void)fprintf(stderr, "transport_data: %s\n", floe_last_error());
        exit(1);
    }
    (void)floe_gatherer_on_local_candidate(s->gatherer, on_candidate, s);
    (void)floe_transport_on_state_change(s->transport, on_state, s);
    (void)floe_gatherer_gather(s->gatherer);
    if (loop != NULL) {
        for (int i = 0; i < 1000; i++) {
            (void)uv_run(loop, UV_RUN_NOWAIT);
            (void)usleep(100);
        }
    }
    while (fgets(line, sizeof line, s->from) != NULL && line[0] != '\n') {
        floe_candidate *candidate;
        int at = 0;
        (void)sscanf(line, "%256s %256s %n", remote.username_fragment, remote.password, &at);
        line[strcspn(line, "\n")] = '\0';
        if (floe_candidate_parse(line + at, &candidate) == FLOE_OK) {
            (void)floe_transport_add_remote_candidate(s->transport, candidate);
            floe_candidate_free(candidate);
        }
    }
    (void)floe_transport_add_remote_candidate(s->transport, NULL);
    (void)floe_transport_start(s->transport, &remote, role);
}

/* The descriptor of the socket with that port, which floe has in this process. */
static int socket_of(uint16_t port)
{
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in local;
        socklen_t size = sizeof local;
        int kind = 0;
        socklen_t kind_size = sizeof kind;
        if (getsockname(fd, (struct sockaddr *)&local, &size) == 0 && local.sin_family == AF_INET &&
            ntohs(local.sin_port) == port &&
            getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &kind_size) == 0 && kind == SOCK_DGRAM) {
            return fd;
        }
    }
    return -1;
}

static void send_for_ever(const side *s, int fd, const struct sockaddr_in *to, bool segments)
{
    static uint8_t packets[SEGMENTS][PAYLOAD];
    struct iovec whole = {.iov_base = packets, .iov_len = sizeof packets};
    struct iovec one = {.iov_base = packets, .iov_len = PAYLOAD};
    struct mmsghdr batch[BATCH] = {0};
    union {
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr aligned;
    } control = {0};
    uint16_t size = PAYLOAD;
    struct msghdr message = {.msg_name = (void *)to,
                             .msg_namelen = sizeof *to,
                             .msg_iov = &whole,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    for (size_t i = 0; i < SEGMENTS; i++) {
        packets[i][0] = FIRST_OF_RTP;
    }
    header->cmsg_level = IPPROTO_UDP;
    header->cmsg_type = UDP_SEGMENT;
    header->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(header), &size, sizeof size);
    for (size_t i = 0; i < BATCH; i++) {
        batch[i].msg_hdr = (struct msghdr){
            .msg_name = (void *)to, .msg_namelen = sizeof *to, .msg_iov = &one, .msg_iovlen = 1};
    }
    while (getppid() != 1) {
        if (segments) {
            (void)sendmsg(fd, &message, 0);
        } else if (s->queued) {
            char turn = 0;
            (void)!read(s->turns[1], &turn, 1);
            for (int i = 0; i < QUEUED / BATCH; i++) {
                (void)sendmmsg(fd, batch, BATCH, 0);
            }
            (void)!write(s->turns[1], &turn, 1);
        } else {
            (void)sendmmsg(fd, batch, BATCH, 0);
        }
    }
}

static void on_another(void *data, const floe_candidate *candidate)
{
    uint16_t *port = data;

    *port = candidate != NULL ? candidate->port : *port;
}

/* What is no pair's comes by a socket of floe's too, so that both are sent alike. */
static uint16_t port_of_another(floe_api *api)
{
    static uint16_t port;
    floe_gatherer *another = NULL;

    if (floe_gatherer_new(api, NULL, &another) == FLOE_OK) {
        (void)floe_gatherer_on_local_candidate(another, on_another, &port);
        (void)floe_gatherer_gather(another);
        (void)usleep(100000);
    }
    return port;
}

/* The other process: it connects, and then sends as fast as it can, or leaves what comes to the kernel. */
static void be_beside(side *s, bool segments)
{
    floe_api *api;
    floe_ice_pair_list *pairs;

    begin(s, &api, FLOE_ICE_ROLE_CONTROLLED, NULL);
    while (floe_transport_get_selected_pair(s->transport, &pairs) != FLOE_OK) {
        (void)usleep(1000);
    }
    if (s->out) {
        for (;;) {
            (void)pause();
        }
    }
    const floe_ice_pair *pair = pairs->pairs[0];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(pair->remote_address.port)};
    memcpy(&to.sin_addr, pair->remote_address.ip, 4);
    int fd = socket_of(s->by_transport ? pair->local->port : port_of_another(api));
    (void)usleep(200000);
    send_for_ever(s, fd, &to, segments);
    _exit(0);
}

int main(int argc, char **argv)
{
    side s = {0};
    int there[2];
    int back[2];
    floe_api *api;
    floe_ice_pair_list *pairs;

    if (argc < 4 || (strcmp(argv[1], "in") == 0 && argc < 5)) {
        (void)fprintf(stderr, "transport_data out gatherer|transport PACKETS\n"
                              "transport_data in gatherer|transport one|queued|segments PACKETS\n");
        return 2;
    }
    s.out = strcmp(argv[1], "out") == 0;
    s.by_transport = strcmp(argv[2], "transport") == 0;
    s.queued = !s.out && strcmp(argv[3], "queued") == 0;
    s.packets = strtoull(argv[argc - 1], NULL, 10);
    if (pipe(there) != 0 || pipe(back) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, s.turns) != 0) {
        return 1;
    }
    pid_t beside = fork();
    s.to = fdopen(beside == 0 ? back[1] : there[1], "w");
    s.from = fdopen(beside == 0 ? there[0] : back[0], "r");
    if (beside == 0) {
        be_beside(&s, !s.out && strcmp(argv[3], "segments") == 0);
    }
    (void)uv_loop_init(&s.loop);
    begin(&s, &api, FLOE_ICE_ROLE_CONTROLLING, &s.loop);
    (void)floe_transport_on_packet(s.transport, on_packet, &s);
    (void)floe_transport_on_writable(s.transport, on_transport_writable, &s);
    (void)floe_gatherer_on_packet(s.gatherer, s.by_transport ? NULL : on_stray, &s);
    (void)floe_gatherer_on_writable(s.gatherer, s.by_transport ? NULL : on_writable, &s);
    while (floe_transport_get_selected_pair(s.transport, &pairs) != FLOE_OK) {
        (void)uv_run(&s.loop, UV_RUN_NOWAIT);
        (void)usleep(100);
    }
    s.id = pairs->pairs[0]->local_id;
    s.peer = pairs->pairs[0]->remote_address;
    floe_ice_pair_list_free(pairs);
    if (s.out) {
        send_all(&s);
    } else if (s.queued) {
        let_send(&s);
    }
    (void)uv_run(&s.loop, UV_RUN_DEFAULT);
    (void)kill(beside, SIGKILL);
    (void)waitpid(beside, NULL, 0);
    floe_transport_free(s.transport);
    floe_gatherer_free(s.gatherer);
    floe_api_free(api);
    return 0;
}

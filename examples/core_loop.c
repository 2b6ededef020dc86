/* Gathers with only the core, poll(2) and no libuv. <floe/core.h> describes this loop.
 *
 *     core_loop URL [USERNAME CREDENTIAL]        the URL's host has to be an IP address
 *
 * cc core_loop.c $(pkg-config --cflags --libs floe libcrypto) */
#include <arpa/inet.h>
#include <floe/core.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHANNELS_MAX 64

static struct pollfd sockets[CHANNELS_MAX]; /* indexed by channel; fd -1: no socket */

static floe_time now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (floe_time){(uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec};
}

static floe_error fill_random(void *user_data, void *bytes, size_t size)
{
    (void)user_data;
    return RAND_bytes(bytes, (int)size) == 1 ? FLOE_OK : FLOE_ERR_RANDOM;
}

static floe_address to_floe(const struct sockaddr_storage *from)
{
    const struct sockaddr_in *ipv4 = (const void *)from;
    const struct sockaddr_in6 *ipv6 = (const void *)from;
    floe_address address = {0};

    if (from->ss_family == AF_INET) {
        address.family = FLOE_FAMILY_IPV4;
        address.port = ntohs(ipv4->sin_port);
        memcpy(address.ip, &ipv4->sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        address.family = FLOE_FAMILY_IPV6;
        address.port = ntohs(ipv6->sin6_port);
        memcpy(address.ip, &ipv6->sin6_addr, 16);
    }
    return address;
}

static socklen_t to_socket(const floe_address *address, struct sockaddr_storage *to)
{
    struct sockaddr_in *ipv4 = (void *)to;
    struct sockaddr_in6 *ipv6 = (void *)to;

    memset(to, 0, sizeof *to);
    if (address->family == FLOE_FAMILY_IPV4) {
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(address->port);
        memcpy(&ipv4->sin_addr, address->ip, 4);
        return sizeof *ipv4;
    }
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = htons(address->port);
    memcpy(&ipv6->sin6_addr, address->ip, 16);
    return sizeof *ipv6;
}

static void list_interfaces(floe_core *core)
{
    floe_interface_address list[64] = {0};
    struct ifaddrs *all = NULL;
    size_t count = 0;

    (void)getifaddrs(&all);
    for (struct ifaddrs *one = all; one != NULL && count < 64; one = one->ifa_next) {
        if (one->ifa_addr != NULL) {
            struct sockaddr_storage copy = {0};
            memcpy(&copy, one->ifa_addr,
                   one->ifa_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                        : sizeof(struct sockaddr_in));
            list[count].interface_name = one->ifa_name;
            list[count].interface_index = if_nametoindex(one->ifa_name);
            list[count].up = (one->ifa_flags & IFF_UP) != 0;
            list[count].loopback = (one->ifa_flags & IFF_LOOPBACK) != 0;
            list[count].address = to_floe(&copy);
            count += list[count].address.family != FLOE_FAMILY_NONE;
        }
    }
    floe_core_interfaces(core, now(), list, count);
    freeifaddrs(all);
}

static void open_channel(floe_core *core, const floe_core_output *output)
{
    struct sockaddr_storage local;
    socklen_t size = to_socket(&output->local, &local);
    int fd = output->channel < CHANNELS_MAX ? socket(local.ss_family, SOCK_DGRAM, 0) : -1;

    if (fd < 0 || bind(fd, (void *)&local, size) != 0 || getsockname(fd, (void *)&local, &size)) {
        floe_core_open_failed(core, now(), output->channel, FLOE_ERR_SYSTEM);
        return;
    }
    floe_address bound = to_floe(&local);
    sockets[output->channel] = (struct pollfd){.fd = fd, .events = POLLIN};
    floe_core_opened(core, now(), output->channel, &bound);
}

/* Handles the core's outputs until there are none left. Returns true if gathering is complete. */
static bool do_outputs(floe_core *core)
{
    const floe_core_output *output;
    struct sockaddr_storage remote;
    char text[FLOE_CANDIDATE_TEXT_SIZE];
    bool ended = false;

    while (floe_core_poll(core, now(), &output)) {
        switch (output->kind) {
        case FLOE_CORE_LIST_INTERFACES:
            list_interfaces(core);
            break;
        case FLOE_CORE_OPEN:
            open_channel(core, output);
            break;
        case FLOE_CORE_CLOSE:
            (void)close(sockets[output->channel].fd);
            sockets[output->channel].fd = -1;
            break;
        case FLOE_CORE_SEND: {
            socklen_t size = to_socket(&output->remote, &remote);
            (void)sendto(sockets[output->channel].fd, output->data, output->data_size, MSG_DONTWAIT,
                         (void *)&remote, size);
            break;
        }
        case FLOE_CORE_RESOLVE: /* this example does not look up names */
            floe_core_resolved(core, now(), output->query, FLOE_ERR_NOT_FOUND, NULL, 0);
            break;
        case FLOE_CORE_CANDIDATE:
            ended = ended || output->candidate == NULL;
            if (output->candidate != NULL &&
                floe_candidate_format(output->candidate, text, sizeof text) == FLOE_OK) {
                (void)puts(text);
            }
            break;
        case FLOE_CORE_CANDIDATE_ERROR:
            (void)fprintf(stderr, "%s\n", output->error->text);
            break;
        default:
            break;
        }
    }
    return ended;
}

static void wait_and_read(floe_core *core)
{
    uint64_t at = now().ns;
    uint64_t due = floe_core_deadline(core).ns;
    int wait = due == UINT64_MAX ? -1 : due > at ? (int)((due - at + 999999) / 1000000) : 0;

    (void)poll(sockets, CHANNELS_MAX, wait);
    for (uint32_t channel = 0; channel < CHANNELS_MAX; channel++) {
        if ((sockets[channel].revents & POLLIN) != 0) {
            uint8_t data[2048];
            struct sockaddr_storage from;
            socklen_t from_size = sizeof from;
            ssize_t size = recvfrom(sockets[channel].fd, data, sizeof data, MSG_DONTWAIT,
                                    (void *)&from, &from_size);
            if (size >= 0) {
                floe_address source = to_floe(&from);
                floe_core_datagram(core, now(), channel, &source, data, (size_t)size);
            }
        }
    }
    floe_core_time(core, now());
}

int main(int count, char **words)
{
    const char *urls[] = {count > 1 ? words[1] : "stun:192.0.2.1"};
    const floe_random random = {.fill = fill_random};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_core_shared *shared;
    floe_core *core;

    for (size_t i = 0; i < CHANNELS_MAX; i++) {
        sockets[i].fd = -1;
    }
    server.urls = urls;
    server.url_count = 1;
    server.username = count > 2 ? words[2] : NULL;
    server.credential = count > 3 ? words[3] : NULL;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    if (floe_core_shared_new(NULL, &random, &shared) != FLOE_OK ||
        floe_core_new(shared, &options, &core) != FLOE_OK) {
        (void)fprintf(stderr, "core_loop: %s\n", floe_last_error());
        return 2;
    }
    (void)floe_core_start(core, now());
    while (!do_outputs(core)) {
        wait_and_read(core);
    }
    floe_core_close(core, now());
    (void)do_outputs(core);
    floe_core_free(core);
    floe_core_shared_free(shared);
    return 0;
}

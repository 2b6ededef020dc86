/* The sockets of core_loop.c and core_connect.c: what a program does for a core with poll(2), UDP alone. */
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

/* What concerns sockets and names; false: the output is something else. */
static bool do_output(floe_core *core, const floe_core_output *output)
{
    struct sockaddr_storage remote;

    switch (output->kind) {
    case FLOE_CORE_LIST_INTERFACES:
        list_interfaces(core);
        return true;
    case FLOE_CORE_OPEN:
        open_channel(core, output);
        return true;
    case FLOE_CORE_CLOSE:
        (void)close(sockets[output->channel].fd);
        sockets[output->channel].fd = -1;
        return true;
    case FLOE_CORE_SEND: {
        socklen_t size = to_socket(&output->remote, &remote);
        (void)sendto(sockets[output->channel].fd, output->data, output->data_size, MSG_DONTWAIT,
                     (void *)&remote, size);
        return true;
    }
    case FLOE_CORE_RESOLVE: /* these examples do not look up names */
        floe_core_resolved(core, now(), output->query, FLOE_ERR_NOT_FOUND, NULL, 0);
        return true;
    default:
        return false;
    }
}

/* Waits until then at most, or until something has come, and hands that to the core. `after` is called for each datagram; NULL:
 * nothing is. */
static void wait_and_read(floe_core *core, floe_time until, void (*after)(void *data), void *user)
{
    uint64_t at = now().ns;
    int wait = until.ns == UINT64_MAX ? -1
               : until.ns > at        ? (int)((until.ns - at + 999999) / 1000000)
                                      : 0;

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
                if (after != NULL) {
                    after(user);
                }
            }
        }
    }
    floe_core_time(core, now());
}

static void no_sockets(void)
{
    for (size_t i = 0; i < CHANNELS_MAX; i++) {
        sockets[i].fd = -1;
    }
}

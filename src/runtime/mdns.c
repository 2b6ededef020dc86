/* Two sockets on port 5353, shared with whoever else answers on this machine, and a timer. */
#include "runtime/mdns.h"

#include "base/memory.h"
#include "mdns/mdns.h"
#include "runtime/runtime.h"

#include <errno.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct mdns_socket {
    floe_mdns_service *service;
    uint8_t family;
    int fd; /* -1: there is none */
    uv_poll_t poll;
} mdns_socket;

struct floe_mdns_service {
    floe_api *api;
    floe_mdns *machine;
    mdns_socket sockets[2]; /* IPv4, IPv6 */
    uv_timer_t timer;
    unsigned open_handles;
    bool closing;
    floe_mdns_output output;
};

bool floe_mdns_is_built_in(void)
{
    return true;
}

static floe_error fill_random(void *user_data, void *bytes, size_t size)
{
    (void)user_data;
    return RAND_bytes(bytes, (int)size) == 1 ? FLOE_OK : FLOE_ERR_RANDOM;
}

static void pump(floe_mdns_service *service);

/* ── Sockets ── */

static bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static int open_ipv4(void)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(FLOE_MDNS_PORT)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -1;
    }
    /* Only what comes to groups that this socket has joined; TTL 255 as §11 wants it. */
    bool good = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
                set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) &&
                set_option(fd, IPPROTO_IP, IP_PKTINFO, 1) &&
                set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 255) &&
                set_option(fd, IPPROTO_IP, IP_TTL, 255) &&
                set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0) &&
                bind(fd, (struct sockaddr *)&local, sizeof local) == 0;
    if (!good) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static int open_ipv6(void)
{
    struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_port = htons(FLOE_MDNS_PORT)};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -1;
    }
    bool good = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
                set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) &&
                set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
                set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
                set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255) &&
                set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255) &&
                set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0) &&
                bind(fd, (struct sockaddr *)&local, sizeof local) == 0;
    if (!good) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static struct in_addr group4(void)
{
    return (struct in_addr){htonl(0xe00000fbU)}; /* 224.0.0.251 */
}

static struct in6_addr group6(void)
{
    return (struct in6_addr){{{0xff, 0x02, [15] = 0xfb}}}; /* ff02::fb */
}

/* Joined already is as good as joined. */
static bool join(const floe_mdns_service *service, const floe_mdns_link *link)
{
    int result;

    if (link->family == FLOE_FAMILY_IPV4) {
        struct ip_mreqn request = {.imr_multiaddr = group4(),
                                   .imr_ifindex = (int)link->interface_index};
        result = setsockopt(service->sockets[0].fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request,
                            sizeof request);
    } else {
        struct ipv6_mreq request = {.ipv6mr_multiaddr = group6(),
                                    .ipv6mr_interface = link->interface_index};
        result = setsockopt(service->sockets[1].fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request,
                            sizeof request);
    }
    return result == 0 || errno == EADDRINUSE;
}

static void set_links(floe_mdns_service *service)
{
    const floe_interfaces *interfaces = &service->api->interfaces;
    floe_mdns_link links[FLOE_MDNS_LINKS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < interfaces->count && count < FLOE_MDNS_LINKS_MAX; i++) {
        const floe_interface_address *one = &interfaces->list[i];
        floe_mdns_link link = {one->interface_index, one->address.family};
        bool known = !one->up || floe_address_classify(&one->address) == FLOE_ADDRESS_LOOPBACK ||
                     service->sockets[link.family == FLOE_FAMILY_IPV6].fd < 0;
        for (size_t k = 0; k < count && !known; k++) {
            known =
                links[k].interface_index == link.interface_index && links[k].family == link.family;
        }
        if (!known && join(service, &link)) {
            links[count++] = link;
        }
    }
    floe_mdns_set_links(service->machine, floe_runtime_now(), links, count);
}

static void send_output(const floe_mdns_service *service, const floe_mdns_output *output)
{
    bool ipv6 = output->link.family == FLOE_FAMILY_IPV6;
    bool group = output->to.family == FLOE_FAMILY_NONE;
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control = {0};
    struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(FLOE_MDNS_PORT)};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(FLOE_MDNS_PORT)};
    struct iovec data = {.iov_base = (void *)(uintptr_t)output->data, .iov_len = output->size};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control};

    if (ipv6) {
        to6.sin6_addr = group6();
        to6.sin6_scope_id = output->link.interface_index;
        if (!group) {
            memcpy(&to6.sin6_addr, output->to.ip, 16);
            to6.sin6_port = htons(output->to.port);
        }
        message.msg_name = &to6;
        message.msg_namelen = sizeof to6;
        message.msg_controllen = CMSG_SPACE(sizeof(struct in6_pktinfo));
        control.header.cmsg_level = IPPROTO_IPV6;
        control.header.cmsg_type = IPV6_PKTINFO;
        control.header.cmsg_len = CMSG_LEN(sizeof(struct in6_pktinfo));
        struct in6_pktinfo info = {.ipi6_ifindex = output->link.interface_index};
        memcpy(CMSG_DATA(&control.header), &info, sizeof info);
    } else {
        to4.sin_addr = group4();
        if (!group) {
            memcpy(&to4.sin_addr, output->to.ip, 4);
            to4.sin_port = htons(output->to.port);
        }
        message.msg_name = &to4;
        message.msg_namelen = sizeof to4;
        message.msg_controllen = CMSG_SPACE(sizeof(struct in_pktinfo));
        control.header.cmsg_level = IPPROTO_IP;
        control.header.cmsg_type = IP_PKTINFO;
        control.header.cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
        struct in_pktinfo info = {.ipi_ifindex = (int)output->link.interface_index};
        memcpy(CMSG_DATA(&control.header), &info, sizeof info);
    }
    (void)sendmsg(service->sockets[ipv6].fd, &message, 0); /* lost is lost: it is said again */
}

static bool take_source(struct msghdr *message, const struct sockaddr_storage *from,
                        floe_address *source, floe_mdns_link *link)
{
    for (struct cmsghdr *one = CMSG_FIRSTHDR(message); one != NULL;
         one = CMSG_NXTHDR(message, one)) {
        if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(one), sizeof info);
            link->interface_index = (uint32_t)info.ipi_ifindex;
        } else if (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(one), sizeof info);
            link->interface_index = info.ipi6_ifindex;
        }
    }
    *source = (floe_address){.family = link->family};
    if (from->ss_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, from, sizeof ipv4);
        memcpy(source->ip, &ipv4.sin_addr, 4);
        source->port = ntohs(ipv4.sin_port);
    } else {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, from, sizeof ipv6);
        memcpy(source->ip, &ipv6.sin6_addr, 16);
        source->port = ntohs(ipv6.sin6_port);
    }
    return link->interface_index != 0;
}

#define READS_AT_A_TIME 16

static void on_readable(uv_poll_t *poll, int status, int events)
{
    mdns_socket *of = poll->data;
    floe_mdns_service *service = of->service;
    uint8_t data[9000]; /* RFC 6762 §17 */
    union {
        struct cmsghdr header;
        char room[256];
    } control;

    (void)status;
    (void)events;
    for (int i = 0; i < READS_AT_A_TIME && of->fd >= 0; i++) {
        struct sockaddr_storage from = {0};
        struct iovec iov = {.iov_base = data, .iov_len = sizeof data};
        struct msghdr message = {.msg_name = &from,
                                 .msg_namelen = sizeof from,
                                 .msg_iov = &iov,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = sizeof control};
        ssize_t size = recvmsg(of->fd, &message, 0);
        floe_mdns_link link = {.family = of->family};
        floe_address source;
        if (size < 0) {
            break;
        }
        if (take_source(&message, &from, &source, &link)) {
            floe_mdns_receive(service->machine, floe_runtime_now(), &link, &source, data,
                              (size_t)size);
        }
    }
    pump(service);
}

/* ── The machine's outputs ── */

static void on_timer(uv_timer_t *timer)
{
    floe_mdns_service *service = timer->data;

    floe_mdns_time(service->machine, floe_runtime_now());
    pump(service);
}

static void arm_timer(floe_mdns_service *service)
{
    floe_time due = floe_mdns_deadline(service->machine);

    if (floe_time_is_never(due)) {
        (void)uv_timer_stop(&service->timer);
        return;
    }
    (void)uv_timer_start(&service->timer, on_timer, floe_clock_wait(service->api->loop, due), 0);
}

static void name_taken(floe_api *api, const char *name)
{
    uv_mutex_lock(&api->lock);
    FLOE_LIST_EACH(gatherer, &api->gatherers, floe_gatherer, link)
    {
        floe_core_name_taken(gatherer->core, floe_runtime_now(), name);
        floe_gatherer_wake(gatherer);
    }
    uv_mutex_unlock(&api->lock);
}

/* The lock is not held. */
static void pump(floe_mdns_service *service)
{
    floe_mdns_output *output = &service->output;

    while (!service->closing && floe_mdns_poll(service->machine, output)) {
        switch (output->kind) {
        case FLOE_MDNS_SEND:
            send_output(service, output);
            break;
        case FLOE_MDNS_RESOLVED:
            ((floe_mdns_asker *)output->asker)
                ->done(output->asker, output->error, output->addresses, output->address_count);
            break;
        case FLOE_MDNS_TAKEN:
            name_taken(service->api, output->name);
            break;
        }
    }
    if (!service->closing) {
        arm_timer(service);
    }
}

/* ── Beginning and end ── */

static void on_handle_closed(uv_handle_t *handle)
{
    floe_mdns_service *service;
    floe_api *api;

    if (handle->type == UV_TIMER) {
        service = handle->data;
    } else {
        service = ((mdns_socket *)handle->data)->service;
    }
    api = service->api;
    if (--service->open_handles == 0) {
        floe_mdns_free(service->machine);
        floe_deallocate(&api->allocator, service);
    }
    floe_api_handle_closed(api);
}

static void start_socket(floe_mdns_service *service, size_t n)
{
    mdns_socket *of = &service->sockets[n];

    of->service = service;
    of->family = n == 0 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
    of->fd = n == 0 ? open_ipv4() : open_ipv6();
    if (of->fd < 0) {
        return;
    }
    if (uv_poll_init(service->api->loop, &of->poll, of->fd) != 0) {
        (void)close(of->fd);
        of->fd = -1;
        return;
    }
    of->poll.data = of;
    service->open_handles++;
    floe_api_handle_opened(service->api);
    (void)uv_poll_start(&of->poll, UV_READABLE, on_readable);
}

static floe_mdns_service *service_of(floe_api *api)
{
    static const floe_random random = {.fill = fill_random};

    if (api->mdns != NULL || api->mdns_mode == FLOE_MDNS_MODE_OFF) {
        return api->mdns;
    }
    floe_mdns_service *service = floe_allocate(&api->allocator, sizeof *service);
    floe_mdns *machine = floe_mdns_new(&api->allocator, &random);
    if (service == NULL || machine == NULL) {
        floe_deallocate(&api->allocator, service);
        floe_mdns_free(machine);
        return NULL;
    }
    service->api = api;
    service->machine = machine;
    (void)uv_timer_init(api->loop, &service->timer);
    service->timer.data = service;
    service->open_handles = 1;
    floe_api_handle_opened(api);
    start_socket(service, 0);
    start_socket(service, 1);
    api->mdns = service;
    (void)floe_interfaces_update(&api->interfaces);
    set_links(service);
    return service;
}

/* Has the outputs done without the lock, once the loop comes round. */
static void soon(floe_mdns_service *service)
{
    (void)uv_timer_start(&service->timer, on_timer, 0, 0);
}

void floe_mdns_service_publish(floe_api *api, const floe_core_output *output)
{
    floe_mdns_service *service = service_of(api);

    if (service != NULL) {
        /* A name of the owner's own is asked for first; ours are made of random bits. */
        (void)floe_mdns_publish(service->machine, floe_runtime_now(), output->name, &output->local,
                                api->mdns_name_given);
        soon(service);
    }
}

void floe_mdns_service_unpublish(floe_api *api, const floe_core_output *output)
{
    if (api->mdns != NULL) {
        floe_mdns_unpublish(api->mdns->machine, floe_runtime_now(), output->name, &output->local);
        soon(api->mdns);
    }
}

bool floe_mdns_service_look_up(floe_api *api, const char *name, uint32_t timeout_ms,
                               floe_mdns_asker *asker)
{
    floe_mdns_service *service = service_of(api);

    if (service == NULL || floe_mdns_look_up(service->machine, floe_runtime_now(), name,
                                             floe_milliseconds(timeout_ms), asker) != FLOE_OK) {
        return false;
    }
    soon(service);
    return true;
}

void floe_mdns_service_links(floe_api *api)
{
    if (api->mdns != NULL && !api->mdns->closing) {
        set_links(api->mdns);
        soon(api->mdns);
    }
}

void floe_mdns_service_close(floe_api *api)
{
    floe_mdns_service *service = api->mdns;

    if (service == NULL || service->closing) {
        return;
    }
    while (floe_mdns_poll(service->machine, &service->output)) {
        if (service->output.kind == FLOE_MDNS_SEND) { /* the goodbyes */
            send_output(service, &service->output);
        }
    }
    service->closing = true;
    api->mdns = NULL;
    for (size_t n = 0; n < 2; n++) {
        mdns_socket *of = &service->sockets[n];
        if (of->fd >= 0) {
            (void)uv_poll_stop(&of->poll);
            (void)close(of->fd);
            of->fd = -1;
            uv_close((uv_handle_t *)&of->poll, on_handle_closed);
        }
    }
    uv_close((uv_handle_t *)&service->timer, on_handle_closed);
}

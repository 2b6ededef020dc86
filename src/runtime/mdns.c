/* Two sockets on port 5353, shared with whoever else answers on this machine, and a timer. */
#include "runtime/mdns.h"

#include "base/error.h"
#include "base/memory.h"
#include "mdns/mdns.h"
#include "runtime/runtime.h"
#include "runtime/system.h"

#include <errno.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct mdns_socket {
    floe_mdns_service *service;
    uint8_t family;
    int fd;           /* -1: there is none, */
    floe_error error; /* for this reason */
    uv_poll_t poll;
} mdns_socket;

/* A link, and why what is said does not get there. */
typedef struct mdns_link {
    floe_mdns_link link;
    bool up;
    bool named; /* names stand there */
    floe_error error;
} mdns_link;

struct floe_mdns_service {
    floe_api *api;
    floe_mdns *machine;
    mdns_socket sockets[2]; /* IPv4, IPv6 */
    mdns_link links[FLOE_MDNS_LINKS_MAX];
    size_t link_count;
    unsigned version; /* of the interfaces that they are made of; 0: of none */
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
    return floe_entropy_draw(bytes, size);
}

static void pump(floe_mdns_service *service);

/* ── Sockets ── */

static bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* -1, with the error that there was. */
static int close_in_vain(int fd)
{
    int error = errno;

    (void)close(fd);
    errno = error;
    return -1;
}

static int open_ipv4(void)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(FLOE_MDNS_PORT)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -1;
    }
    /* TTL 255 as §11 wants it. Only what comes to groups that this socket has joined, where the
     * kernel can do that. */
    (void)set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    bool good = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
                set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) &&
                set_option(fd, IPPROTO_IP, IP_PKTINFO, 1) &&
                set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 255) &&
                set_option(fd, IPPROTO_IP, IP_TTL, 255) &&
                bind(fd, (struct sockaddr *)&local, sizeof local) == 0;
    return good ? fd : close_in_vain(fd);
}

static int open_ipv6(void)
{
    struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_port = htons(FLOE_MDNS_PORT)};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -1;
    }
    (void)set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    bool good = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
                set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) &&
                set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
                set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
                set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255) &&
                set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255) &&
                bind(fd, (struct sockaddr *)&local, sizeof local) == 0;
    return good ? fd : close_in_vain(fd);
}

static floe_error system_error(const char *what)
{
    return floe_uv_failed(uv_translate_sys_error(errno), what);
}

static struct in_addr group4(void)
{
    return (struct in_addr){htonl(0xe00000fbU)}; /* 224.0.0.251 */
}

static struct in6_addr group6(void)
{
    return (struct in6_addr){{{0xff, 0x02, [15] = 0xfb}}}; /* ff02::fb */
}

static void start_socket(floe_mdns_service *service, size_t n);

/* As a member of the link's group, or no more. */
static bool set_membership(const floe_mdns_service *service, const floe_mdns_link *link,
                           bool member)
{
    if (link->family == FLOE_FAMILY_IPV4) {
        struct ip_mreqn request = {.imr_multiaddr = group4(),
                                   .imr_ifindex = (int)link->interface_index};
        return setsockopt(service->sockets[0].fd, IPPROTO_IP,
                          member ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request,
                          sizeof request) == 0;
    }
    struct ipv6_mreq request = {.ipv6mr_multiaddr = group6(),
                                .ipv6mr_interface = link->interface_index};
    return setsockopt(service->sockets[1].fd, IPPROTO_IPV6,
                      member ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request, sizeof request) == 0;
}

/* Joined already is as good as joined. FLOE_ERR_QUEUE_FULL: the kernel allows no more memberships
 * (net.ipv4.igmp_max_memberships). */
static floe_error join(const floe_mdns_service *service, const floe_mdns_link *link)
{
    if (set_membership(service, link, true) || errno == EADDRINUSE) {
        return FLOE_OK;
    }
    return errno == ENOBUFS && link->family == FLOE_FAMILY_IPV4
               ? floe_fail(FLOE_ERR_QUEUE_FULL,
                           "joining the group: net.ipv4.igmp_max_memberships allows no more")
               : system_error("joining the group");
}

static mdns_link *find_in(mdns_link *links, size_t count, const floe_mdns_link *wanted)
{
    for (size_t i = 0; i < count; i++) {
        const floe_mdns_link *link = &links[i].link;
        if (link->interface_index == wanted->interface_index && link->family == wanted->family) {
            return &links[i];
        }
    }
    return NULL;
}

static mdns_link *find_link(floe_mdns_service *service, uint32_t interface_index, uint8_t family)
{
    floe_mdns_link wanted = {interface_index, family};

    return find_in(service->links, service->link_count, &wanted);
}

/* Adds those of the interfaces that are up, or of those that are not; with names, or without. */
static void add_links(floe_mdns_service *service, bool up, bool named, mdns_link *former,
                      size_t former_count)
{
    const floe_interfaces *interfaces = &service->api->interfaces;

    for (size_t i = 0; i < interfaces->count && service->link_count < FLOE_MDNS_LINKS_MAX; i++) {
        const floe_interface_address *one = &interfaces->list[i];
        floe_mdns_link link = {one->interface_index, one->address.family};
        if (one->up == up && floe_address_classify(&one->address) != FLOE_ADDRESS_LOOPBACK &&
            find_link(service, link.interface_index, link.family) == NULL &&
            (up || find_in(former, former_count, &link) != NULL) &&
            floe_mdns_has_names_on(service->machine, link.interface_index) == named) {
            service->links[service->link_count++] =
                (mdns_link){.link = link, .up = up, .named = named};
        }
    }
}

/* The n-th link, by what the last one without a name gives up, if need be. */
static floe_error join_instead(floe_mdns_service *service, size_t n)
{
    mdns_link *one = &service->links[n];
    floe_error error = join(service, &one->link);

    for (size_t i = service->link_count; error == FLOE_ERR_QUEUE_FULL && i > n + 1; i--) {
        const mdns_link *other = &service->links[i - 1];
        if (one->named && !other->named && other->link.family == one->link.family &&
            set_membership(service, &other->link, false)) {
            error = join(service, &one->link);
        }
    }
    return error;
}

/* Those of the interfaces that are up, whether they can be spoken on or not; those with names
 * first, as there may be more than we can have. Who has lost its carrier may have it again at any
 * time, and may be spoken on before that is known: its link stays. */
static void list_links(floe_mdns_service *service, mdns_link *former, size_t former_count)
{
    service->link_count = 0;
    add_links(service, true, true, former, former_count);
    add_links(service, false, true, former, former_count);
    add_links(service, true, false, former, former_count);
    add_links(service, false, false, former, former_count);
    /* The kernel counts a membership for as long as the socket has it, even of an interface that is
     * gone: those come first. */
    for (size_t i = 0; i < former_count; i++) {
        if (find_in(service->links, service->link_count, &former[i].link) == NULL) {
            (void)set_membership(service, &former[i].link, false);
        }
    }
    for (size_t i = 0; i < service->link_count; i++) {
        mdns_link *one = &service->links[i];
        const mdns_socket *of = &service->sockets[one->link.family == FLOE_FAMILY_IPV6];
        one->error = of->fd < 0 ? of->error : join_instead(service, i);
    }
}

/* Whoever held the port may have gone: it is tried again each time. Whether there are new ones. */
static bool start_sockets(floe_mdns_service *service)
{
    bool started = false;

    for (size_t n = 0; n < 2; n++) {
        if (service->sockets[n].fd < 0) {
            start_socket(service, n);
            started = started || service->sockets[n].fd >= 0;
        }
    }
    return started;
}

static void set_links(floe_mdns_service *service)
{
    const floe_interfaces *interfaces = &service->api->interfaces;
    floe_mdns_link links[FLOE_MDNS_LINKS_MAX];
    mdns_link former[FLOE_MDNS_LINKS_MAX];
    size_t former_count = service->link_count;
    size_t count = 0;

    if (!start_sockets(service) && service->version == interfaces->version) {
        return;
    }
    service->version = interfaces->version;
    memcpy(former, service->links, sizeof former);
    list_links(service, former, former_count);
    for (size_t i = 0; i < service->link_count; i++) {
        if (service->links[i].error == FLOE_OK) {
            links[count++] = service->links[i].link;
        }
    }
    floe_mdns_set_links(service->machine, floe_runtime_now(), links, count);
    floe_mdns_set_interfaces(service->machine, floe_runtime_now(), interfaces->list,
                             interfaces->count);
    for (size_t i = 0; i < service->link_count; i++) { /* §8: what the cable leads to is unknown */
        const mdns_link *link = &service->links[i];
        const mdns_link *was = find_in(former, former_count, &link->link);
        if (link->up && was != NULL && !was->up) {
            floe_mdns_renew(service->machine, floe_runtime_now(), &link->link);
        }
    }
}

static void names_failed(floe_api *api, uint32_t interface_index, floe_error error)
{
    uv_mutex_lock(&api->lock);
    FLOE_LIST_EACH(gatherer, &api->gatherers, floe_gatherer, link)
    {
        floe_core_names_failed(gatherer->core, floe_gatherer_now(gatherer), interface_index, error);
        floe_gatherer_wake(gatherer);
    }
    uv_mutex_unlock(&api->lock);
}

/* Whether the link, and not the moment, is at fault: a packet that is lost is said again, and an
 * interface that is going, or coming, is told of elsewhere. */
static bool is_of_the_link(int error)
{
    static const int passing[] = {EAGAIN,        EWOULDBLOCK, EINTR,  ENOBUFS, ENOMEM,
                                  EADDRNOTAVAIL, ENETDOWN,    ENODEV, ENXIO};

    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        if (error == passing[i]) {
            return false;
        }
    }
    return true;
}

/* The lock is not held. */
static void after_sending(floe_mdns_service *service, const floe_mdns_output *output, bool sent)
{
    const int failed = errno;
    mdns_link *link = find_link(service, output->link.interface_index, output->link.family);

    if (link == NULL || output->to.family != FLOE_FAMILY_NONE) {
        return;
    }
    if (sent) {
        link->error = FLOE_OK;
    } else if (link->error == FLOE_OK && is_of_the_link(failed)) {
        link->error = system_error("sending by multicast DNS");
        names_failed(service->api, link->link.interface_index, link->error);
    }
}

/* Lost is lost: it is said again. */
static bool send_output(const floe_mdns_service *service, const floe_mdns_output *output)
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
    return sendmsg(service->sockets[ipv6].fd, &message, 0) >= 0;
}

/* By which interface it came, and whether to the group. */
static void take_destination(struct msghdr *message, floe_mdns_arrival *arrival)
{
    struct in_addr ipv4 = group4();
    struct in6_addr ipv6 = group6();

    for (struct cmsghdr *one = CMSG_FIRSTHDR(message); one != NULL;
         one = CMSG_NXTHDR(message, one)) {
        if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(one), sizeof info);
            arrival->link.interface_index = (uint32_t)info.ipi_ifindex;
            arrival->to_group = memcmp(&info.ipi_addr, &ipv4, sizeof ipv4) == 0;
        } else if (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(one), sizeof info);
            arrival->link.interface_index = info.ipi6_ifindex;
            arrival->to_group = memcmp(&info.ipi6_addr, &ipv6, sizeof ipv6) == 0;
        }
    }
}

static void take_source(const struct sockaddr_storage *from, floe_address *source)
{
    if (from->ss_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, from, sizeof ipv4);
        source->family = FLOE_FAMILY_IPV4;
        memcpy(source->ip, &ipv4.sin_addr, 4);
        source->port = ntohs(ipv4.sin_port);
    } else {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, from, sizeof ipv6);
        source->family = FLOE_FAMILY_IPV6;
        memcpy(source->ip, &ipv6.sin6_addr, 16);
        source->port = ntohs(ipv6.sin6_port);
    }
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

    (void)events;
    if (status < 0) { /* an error that is pending has stopped it: it is read below */
        (void)uv_poll_start(poll, UV_READABLE, on_readable);
    }
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
        floe_mdns_arrival arrival = {.link = {.family = of->family}};
        if (size < 0) {
            break;
        }
        take_destination(&message, &arrival);
        take_source(&from, &arrival.source);
        arrival.neighbour = floe_interfaces_are_near(&service->api->interfaces,
                                                     arrival.link.interface_index, &arrival.source);
        floe_mdns_receive(service->machine, floe_runtime_now(), &arrival, data, (size_t)size);
    }
    pump(service);
}

/* ── The machine's outputs ── */

static void on_timer(uv_timer_t *timer)
{
    floe_mdns_service *service = timer->data;

    floe_clock_look(&service->api->clock);
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
        floe_core_name_taken(gatherer->core, floe_gatherer_now(gatherer), name);
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
            after_sending(service, output, send_output(service, output));
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

static void handle_closed(floe_mdns_service *service)
{
    floe_api *api = service->api;

    if (--service->open_handles == 0) {
        floe_mdns_free(service->machine);
        floe_deallocate(&api->allocator, service);
    }
    floe_api_handle_closed(api);
}

static void on_handle_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void on_socket_closed(uv_handle_t *handle)
{
    handle_closed(((mdns_socket *)handle->data)->service);
}

static void handle_opened(floe_mdns_service *service)
{
    service->open_handles++;
    floe_api_handle_opened(service->api);
}

static void start_socket(floe_mdns_service *service, size_t n)
{
    mdns_socket *of = &service->sockets[n];

    of->service = service;
    of->family = n == 0 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
    of->fd = n == 0 ? open_ipv4() : open_ipv6();
    if (of->fd < 0) {
        of->error = system_error("UDP port 5353");
        return;
    }
    int failed = uv_poll_init(service->api->loop, &of->poll, of->fd);
    if (failed != 0) {
        of->error = floe_uv_failed(failed, "UDP port 5353");
        (void)close(of->fd);
        of->fd = -1;
        return;
    }
    of->poll.data = of;
    handle_opened(service);
    (void)uv_poll_start(&of->poll, UV_READABLE, on_readable);
}

static floe_mdns_service *begin_service(floe_api *api)
{
    static const floe_random random = {.fill = fill_random};
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
    handle_opened(service);
    service->sockets[0].fd = service->sockets[1].fd = -1;
    return service;
}

/* ── Links that come and go ── */

/* With the links as they are now. NULL: off, or without memory. */
static floe_mdns_service *service_of(floe_api *api)
{
    if (api->mdns == NULL && api->mdns_mode != FLOE_MDNS_MODE_OFF) {
        api->mdns = begin_service(api);
    }
    if (api->mdns != NULL && floe_interfaces_update(&api->interfaces) == FLOE_OK) {
        set_links(api->mdns);
    }
    if (api->mdns != NULL) {
        floe_changes_begin(&api->changes);
    }
    return api->mdns;
}

/* Has the outputs done without the lock, once the loop comes round. */
static void soon(floe_mdns_service *service)
{
    (void)uv_timer_start(&service->timer, on_timer, 0, 0);
}

/* Why some link of the interface does not hear of its names. On the loopback nobody is to. */
static floe_error link_error(floe_mdns_service *service, const floe_core_output *output)
{
    static const uint8_t families[] = {FLOE_FAMILY_IPV4, FLOE_FAMILY_IPV6};
    floe_error error = floe_address_classify(&output->local) == FLOE_ADDRESS_LOOPBACK
                           ? FLOE_OK
                           : FLOE_ERR_QUEUE_FULL; /* too many links */

    for (size_t i = 0; i < 2; i++) {
        const mdns_link *link = find_link(service, output->interface_index, families[i]);
        if (link != NULL && link->error != FLOE_OK) {
            return link->error;
        }
        error = link != NULL ? FLOE_OK : error;
    }
    return error;
}

floe_error floe_mdns_service_publish(floe_api *api, const floe_core_output *output)
{
    floe_mdns_service *service = service_of(api);

    if (service == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    /* A name of the owner's own is asked for first; ours are made of random bits. */
    floe_error error =
        floe_mdns_publish(service->machine, floe_runtime_now(), output->name, &output->local,
                          output->interface_index, api->mdns_name_given);
    soon(service);
    if (error == FLOE_OK && (error = link_error(service, output)) == FLOE_ERR_QUEUE_FULL) {
        service->version = 0; /* its interface is one with names now, and takes another's place */
        set_links(service);
        error = link_error(service, output);
    }
    return error;
}

void floe_mdns_service_unpublish(floe_api *api, const floe_core_output *output)
{
    if (api->mdns != NULL) {
        floe_mdns_unpublish(api->mdns->machine, floe_runtime_now(), output->name, &output->local);
        soon(api->mdns);
    }
}

floe_error floe_mdns_service_look_up(floe_api *api, const char *name, uint8_t family,
                                     uint32_t timeout_ms, floe_mdns_asker *asker)
{
    floe_mdns_service *service = service_of(api);

    if (service == NULL) {
        return api->mdns_mode == FLOE_MDNS_MODE_OFF ? FLOE_ERR_INVALID_STATE : FLOE_ERR_NO_MEMORY;
    }
    if (service->sockets[0].fd < 0 && service->sockets[1].fd < 0) {
        return service->sockets[0].error;
    }
    floe_error error = floe_mdns_look_up(service->machine, floe_runtime_now(), name, family,
                                         floe_milliseconds(timeout_ms), asker);
    soon(service);
    return error;
}

void floe_mdns_service_forget(floe_api *api, const floe_mdns_asker *asker)
{
    if (api->mdns != NULL) {
        floe_mdns_forget(api->mdns->machine, asker);
    }
}

void floe_mdns_service_links(floe_api *api)
{
    if (api->mdns != NULL) {
        set_links(api->mdns);
        soon(api->mdns);
    }
}

void floe_mdns_service_woke(floe_api *api, bool after_long)
{
    if (api->mdns != NULL) {
        if (after_long) {
            floe_mdns_renew(api->mdns->machine, floe_runtime_now(), NULL);
        }
        soon(api->mdns);
    }
}

void floe_mdns_service_close(floe_api *api)
{
    floe_mdns_service *service = api->mdns;

    if (service == NULL) {
        return;
    }
    while (floe_mdns_poll(service->machine, &service->output)) {
        if (service->output.kind == FLOE_MDNS_SEND) { /* the goodbyes */
            (void)send_output(service, &service->output);
        }
    }
    service->closing = true;
    api->mdns = NULL;
    for (size_t n = 0; n < 2; n++) {
        mdns_socket *of = &service->sockets[n];
        if (of->fd >= 0) {
            uv_close((uv_handle_t *)&of->poll, on_socket_closed);
            (void)close(of->fd);
            of->fd = -1;
        }
    }
    uv_close((uv_handle_t *)&service->timer, on_handle_closed);
}

/* Interfaces on Linux by rtnetlink, which alone tells temporary, deprecated and tentative IPv6
 * addresses, and what kind of link it is. */
#include "base/error.h"
#include "base/memory.h"
#include "runtime/interfaces.h"
#include "runtime/system.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* libmnl's own macros convert without a cast. */
#define EACH_ATTRIBUTE(attribute, header, offset)                                                  \
    for ((attribute) = mnl_nlmsg_get_payload_offset(header, offset);                               \
         mnl_attr_ok(attribute, (int)((const char *)mnl_nlmsg_get_payload_tail(header) -           \
                                      (const char *)(attribute)));                                 \
         (attribute) = mnl_attr_next(attribute))
#define EACH_NESTED(attribute, nest)                                                               \
    for ((attribute) = mnl_attr_get_payload(nest); mnl_attr_ok(                                    \
             attribute, (int)((const char *)mnl_attr_get_payload(nest) +                           \
                              mnl_attr_get_payload_len(nest) - (const char *)(attribute)));        \
         (attribute) = mnl_attr_next(attribute))

/* One link of the dump, until the addresses have found it. */
typedef struct link_info {
    uint32_t index;
    bool up;
    bool loopback;
    floe_adapter adapter;
    char name[32];
} link_info;

typedef struct dump {
    floe_interfaces *interfaces;
    link_info *links;
    size_t link_count;
    size_t link_room;
    int by_ioctl; /* a socket to ask for links that netlink does not tell of; FLOE_NO_SOCKET: it does */
    floe_error error;
} dump;

static bool name_in(const char *name, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(name, *list) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_wireless(const char *name)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/sys/class/net/%.31s/phy80211", name);
    return access(path, F_OK) == 0;
}

/* What kind of adapter it is, as far as the kernel says: by the link's kind, then its hardware. */
static floe_adapter adapter_of(const char *name, const char *kind, unsigned hardware)
{
    static const char *const tunnels[] = {"tun",    "wireguard", "ipip", "gre", "gretap",
                                          "ip6gre", "ip6tnl",    "sit",  "vti", "vti6",
                                          "xfrm",   "ppp",       NULL};
    static const char *const wired[] = {"veth", "vlan", "bond", "team", "macvlan", "ipvlan", NULL};

    if (strcmp(kind, "wwan") == 0 || hardware == 519 /* ARPHRD_RAWIP */) {
        return FLOE_ADAPTER_CELLULAR;
    }
    if (name_in(kind, tunnels) || hardware == ARPHRD_PPP || hardware == ARPHRD_NONE ||
        hardware == ARPHRD_TUNNEL || hardware == ARPHRD_TUNNEL6) {
        return FLOE_ADAPTER_VPN;
    }
    if (is_wireless(name)) {
        return FLOE_ADAPTER_WIRELESS;
    }
    return hardware == ARPHRD_ETHER && (*kind == '\0' || name_in(kind, wired))
               ? FLOE_ADAPTER_WIRED
               : FLOE_ADAPTER_UNKNOWN;
}

static link_info *add_link(dump *state)
{
    const floe_allocator *allocator = state->interfaces->allocator;

    if (state->link_count == state->link_room) {
        size_t room = state->link_room == 0 ? 16 : 2 * state->link_room;
        link_info *links = floe_allocate(allocator, room * sizeof *links);
        if (links == NULL) {
            state->error = FLOE_ERR_NO_MEMORY;
            return NULL;
        }
        if (state->link_count > 0) {
            memcpy(links, state->links, state->link_count * sizeof *links);
        }
        floe_deallocate(allocator, state->links);
        state->links = links;
        state->link_room = room;
    }
    return &state->links[state->link_count++];
}

static void set_flags(floe_interface_address *entry, uint32_t flags)
{
    bool ipv6 = entry->address.family == FLOE_FAMILY_IPV6;

    /* The bit of temporary IPv6 addresses means something else in IPv4. */
    entry->temporary = ipv6 && (flags & IFA_F_TEMPORARY) != 0;
    entry->deprecated = (flags & IFA_F_DEPRECATED) != 0;
    entry->tentative = (flags & IFA_F_DADFAILED) != 0 ||
                       ((flags & IFA_F_TENTATIVE) != 0 && (flags & IFA_F_OPTIMISTIC) == 0);
}

static int on_link(const struct nlmsghdr *header, void *data)
{
    dump *state = data;
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
    const struct nlattr *attribute;
    const char *kind = "";
    const char *name = "";

    EACH_ATTRIBUTE(attribute, header, sizeof *info)
    {
        if (mnl_attr_get_type(attribute) == IFLA_IFNAME) {
            name = mnl_attr_get_str(attribute);
        } else if (mnl_attr_get_type(attribute) == IFLA_LINKINFO) {
            const struct nlattr *inner;
            EACH_NESTED(inner, attribute)
            {
                if (mnl_attr_get_type(inner) == IFLA_INFO_KIND) {
                    kind = mnl_attr_get_str(inner);
                }
            }
        }
    }
    link_info *link = add_link(state);
    if (link == NULL) {
        return MNL_CB_ERROR;
    }
    link->index = (uint32_t)info->ifi_index;
    link->up = (info->ifi_flags & IFF_UP) != 0 && (info->ifi_flags & IFF_RUNNING) != 0;
    link->loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
    link->adapter = adapter_of(name, kind, info->ifi_type);
    (void)snprintf(link->name, sizeof link->name, "%s", name);
    return MNL_CB_OK;
}

/* ── Without netlink, or without all of it (N0) ── */

/* By its name, where nothing else is said. */
static floe_adapter adapter_by_name(const char *name)
{
    static const struct {
        const char *begins;
        floe_adapter adapter;
    } names[] = {{"wlan", FLOE_ADAPTER_WIRELESS},
                 {"rmnet", FLOE_ADAPTER_CELLULAR},
                 {"ccmni", FLOE_ADAPTER_CELLULAR},
                 {"tun", FLOE_ADAPTER_VPN},
                 {"eth", FLOE_ADAPTER_WIRED}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(name, names[i].begins, strlen(names[i].begins)) == 0) {
            return names[i].adapter;
        }
    }
    return FLOE_ADAPTER_UNKNOWN;
}

/* What ioctl tells of a link, which `request` names. */
static link_info *link_by_ioctl(dump *state, struct ifreq *request)
{
    char name[IFNAMSIZ];
    link_info *link;

    memcpy(name, request->ifr_name, sizeof name);
    name[sizeof name - 1] = '\0';
    if (ioctl(state->by_ioctl, SIOCGIFFLAGS, request) != 0 || (link = add_link(state)) == NULL) {
        return NULL;
    }
    unsigned flags = (unsigned short)request->ifr_flags;
    link->up = (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0;
    link->loopback = (flags & IFF_LOOPBACK) != 0;
    bool known = ioctl(state->by_ioctl, SIOCGIFHWADDR, request) == 0;
    link->adapter =
        known ? adapter_of(name, "", request->ifr_hwaddr.sa_family) : adapter_by_name(name);
    link->index =
        ioctl(state->by_ioctl, SIOCGIFINDEX, request) == 0 ? (uint32_t)request->ifr_ifindex : 0;
    (void)snprintf(link->name, sizeof link->name, "%s", name);
    return link;
}

static const link_info *find_link(dump *state, uint32_t index)
{
    struct ifreq request = {.ifr_ifindex = (int)index};

    for (size_t i = 0; i < state->link_count; i++) {
        if (state->links[i].index == index) {
            return &state->links[i];
        }
    }
    return state->by_ioctl != FLOE_NO_SOCKET && ioctl(state->by_ioctl, SIOCGIFNAME, &request) == 0
               ? link_by_ioctl(state, &request)
               : NULL;
}

static floe_error add_ipv4(dump *state, struct ifreq *request)
{
    struct sockaddr_in address;
    struct sockaddr_in mask = {0};
    uint32_t bits;
    uint8_t length = 0;

    memcpy(&address, &request->ifr_addr, sizeof address);
    if (address.sin_family != AF_INET) {
        return FLOE_OK;
    }
    if (ioctl(state->by_ioctl, SIOCGIFNETMASK, request) == 0) {
        memcpy(&mask, &request->ifr_netmask, sizeof mask);
    }
    for (bits = ntohl(mask.sin_addr.s_addr); bits != 0; bits <<= 1) {
        length++;
    }
    const link_info *link = link_by_ioctl(state, request);
    if (link == NULL) {
        return state->error;
    }
    floe_interface_address entry = {.size = sizeof entry,
                                    .interface_index = link->index,
                                    .adapter = link->adapter,
                                    .up = link->up,
                                    .loopback = link->loopback};
    entry.address.family = FLOE_FAMILY_IPV4;
    memcpy(entry.address.ip, &address.sin_addr, 4);
    return floe_interfaces_add(state->interfaces, link->name, length, &entry);
}

static floe_error list_ipv4(dump *state)
{
    struct ifreq requests[128];
    struct ifconf all = {.ifc_len = sizeof requests, .ifc_req = requests};
    floe_error error = FLOE_OK;

    if (ioctl(state->by_ioctl, SIOCGIFCONF, &all) != 0) {
        return floe_fail(FLOE_ERR_SYSTEM, "SIOCGIFCONF: %s", strerror(errno));
    }
    for (size_t i = 0; error == FLOE_OK && i < (size_t)all.ifc_len / sizeof *requests; i++) {
        error = add_ipv4(state, &requests[i]);
    }
    return error;
}

/* A line of /proc/net/if_inet6: the address, then the index, the length of its prefix, its scope and
 * its flags in hexadecimal, and the name. */
static floe_error add_ipv6(dump *state, const char *line)
{
    struct ifreq request = {0};
    floe_interface_address entry = {.size = sizeof entry};
    unsigned index;
    unsigned length;
    unsigned scope;
    unsigned flags;
    char hex[33];

    if (sscanf(line, "%32s %x %x %x %x %15s", hex, &index, &length, &scope, &flags,
               request.ifr_name) != 6) {
        return FLOE_OK;
    }
    for (size_t i = 0; i < sizeof entry.address.ip; i++) {
        unsigned byte;
        if (sscanf(&hex[2 * i], "%2x", &byte) != 1) {
            return FLOE_OK;
        }
        entry.address.ip[i] = (uint8_t)byte;
    }
    const link_info *link = link_by_ioctl(state, &request);
    if (link == NULL) {
        return state->error;
    }
    entry.interface_index = index;
    entry.adapter = link->adapter;
    entry.up = link->up;
    entry.loopback = link->loopback;
    entry.address.family = FLOE_FAMILY_IPV6;
    entry.address.scope_id = scope == 0x20 /* the link's */ ? index : 0;
    set_flags(&entry, flags);
    return floe_interfaces_add(state->interfaces, link->name,
                               (uint8_t)(length <= 128 ? length : 128), &entry);
}

static floe_error list_ipv6(dump *state)
{
    FILE *file = fopen("/proc/net/if_inet6", "re");
    floe_error error = FLOE_OK;
    char line[128];

    while (file != NULL && error == FLOE_OK && fgets(line, sizeof line, file) != NULL) {
        error = add_ipv6(state, line);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return error;
}

static floe_error read_without_netlink(dump *state)
{
    state->by_ioctl = floe_system_socket(AF_INET, SOCK_DGRAM);
    if (state->by_ioctl == FLOE_NO_SOCKET) {
        return floe_fail(FLOE_ERR_SYSTEM, "no interfaces: %s", strerror(errno));
    }
    floe_error error = list_ipv4(state);
    return error == FLOE_OK ? list_ipv6(state) : error;
}

/* ── By netlink ── */

static int on_address(const struct nlmsghdr *header, void *data)
{
    dump *state = data;
    const struct ifaddrmsg *info = mnl_nlmsg_get_payload(header);
    const link_info *link = find_link(state, info->ifa_index);
    const struct nlattr *attribute;
    const struct nlattr *local = NULL;
    const struct nlattr *address = NULL;
    uint32_t flags = info->ifa_flags;
    size_t size = info->ifa_family == AF_INET ? 4 : 16;

    if (link == NULL || (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)) {
        return MNL_CB_OK;
    }
    EACH_ATTRIBUTE(attribute, header, sizeof *info)
    {
        switch (mnl_attr_get_type(attribute)) {
        case IFA_LOCAL:
            local = attribute;
            break;
        case IFA_ADDRESS:
            address = attribute;
            break;
        case IFA_FLAGS:
            flags = mnl_attr_get_u32(attribute);
            break;
        default:
            break;
        }
    }
    /* On a point-to-point link IFA_ADDRESS is the other end's. */
    const struct nlattr *own = local != NULL ? local : address;
    if (own == NULL || mnl_attr_get_payload_len(own) != size) {
        return MNL_CB_OK;
    }
    floe_interface_address entry = {.size = sizeof entry,
                                    .interface_index = link->index,
                                    .adapter = link->adapter,
                                    .up = link->up,
                                    .loopback = link->loopback || info->ifa_scope == RT_SCOPE_HOST};
    entry.address.family = size == 4 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
    memcpy(entry.address.ip, mnl_attr_get_payload(own), size);
    if (info->ifa_scope == RT_SCOPE_LINK && size == 16) {
        entry.address.scope_id = link->index;
    }
    set_flags(&entry, flags);
    uint8_t prefix_length =
        info->ifa_prefixlen <= 8 * size ? info->ifa_prefixlen : (uint8_t)(8 * size);
    state->error = floe_interfaces_add(state->interfaces, link->name, prefix_length, &entry);
    return state->error == FLOE_OK ? MNL_CB_OK : MNL_CB_ERROR;
}

/* A sandbox, or Android. */
static bool is_forbidden(int error)
{
    return error == EACCES || error == EPERM || error == EAFNOSUPPORT || error == EPROTONOSUPPORT;
}

/* EINTR: a signal of the host's came, or the list changed while it was dumped (libmnl's word for
 * NLM_F_DUMP_INTR); once more then. */
static floe_error netlink_failed(const char *what)
{
    floe_error error = errno == EMFILE || errno == ENFILE ? FLOE_ERR_NO_DESCRIPTORS
                       : errno == EINTR                   ? FLOE_ERR_CANCELED
                       : is_forbidden(errno)              ? FLOE_ERR_PERMISSION
                                                          : FLOE_ERR_SYSTEM;

    return floe_fail(error, "netlink: %s: %s", what, strerror(errno));
}

static floe_error run_dump(struct mnl_socket *socket, uint16_t type, mnl_cb_t callback, dump *state)
{
    _Alignas(struct nlmsghdr) char buffer[32768]; /* as the kernel fills at most */
    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
    int result = MNL_CB_OK;

    header->nlmsg_type = type;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = type;
    struct rtgenmsg *request = mnl_nlmsg_put_extra_header(header, sizeof *request);
    request->rtgen_family = AF_UNSPEC;
    if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0) {
        return netlink_failed("send");
    }
    while (result > MNL_CB_STOP) {
        ssize_t size = mnl_socket_recvfrom(socket, buffer, sizeof buffer);
        if (size < 0) {
            return netlink_failed("receive");
        }
        result =
            mnl_cb_run(buffer, (size_t)size, type, mnl_socket_get_portid(socket), callback, state);
    }
    if (result == MNL_CB_ERROR) {
        return state->error != FLOE_OK ? state->error : netlink_failed("dump");
    }
    return FLOE_OK;
}

/* Who may not bind it has its address by what is sent; and who is not told of links asks for each
 * that has an address. */
static floe_error dump_all(dump *state, struct mnl_socket *socket)
{
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 && !is_forbidden(errno)) {
        return netlink_failed("bind");
    }
    floe_error error = run_dump(socket, RTM_GETLINK, on_link, state);
    if (error == FLOE_ERR_PERMISSION) {
        state->by_ioctl = floe_system_socket(AF_INET, SOCK_DGRAM);
        error = FLOE_OK;
    }
    return error == FLOE_OK ? run_dump(socket, RTM_GETADDR, on_address, state) : error;
}

static floe_error read_once(floe_interfaces *interfaces)
{
    dump state = {.interfaces = interfaces, .by_ioctl = FLOE_NO_SOCKET};
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    floe_error error;

    if (socket != NULL) {
        error = dump_all(&state, socket);
        (void)mnl_socket_close(socket);
    } else {
        error = is_forbidden(errno) ? FLOE_ERR_PERMISSION : netlink_failed("socket");
    }
    if (error == FLOE_ERR_PERMISSION && interfaces->count == 0) {
        error = read_without_netlink(&state);
    }
    if (state.by_ioctl != FLOE_NO_SOCKET) {
        floe_system_close(state.by_ioctl);
    }
    floe_deallocate(interfaces->allocator, state.links);
    return error;
}

#define TRIES_MAX 20

floe_error floe_interfaces_read(floe_interfaces *interfaces)
{
    floe_error error = FLOE_ERR_CANCELED;

    for (int i = 0; i < TRIES_MAX && error == FLOE_ERR_CANCELED; i++) {
        interfaces->count = 0;
        error = read_once(interfaces);
    }
    return error == FLOE_ERR_CANCELED ? floe_fail(FLOE_ERR_SYSTEM, "the interfaces never rest")
                                      : error;
}

/* Of rules the kernel has numbers alone. */
#define RULES (1U << (RTNLGRP_IPV4_RULE - 1) | 1U << (RTNLGRP_IPV6_RULE - 1))

/* A second socket hears of every change; what it says is not looked at. */
bool floe_interfaces_changed(floe_interfaces *interfaces)
{
    char buffer[8192];
    bool changed = false;

    if (interfaces->monitor == NULL) {
        struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
        unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
        groups |= RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RULES;
        if (socket != NULL && mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) < 0) {
            (void)mnl_socket_close(socket);
            socket = NULL;
        }
        interfaces->monitor = socket;
        return true;
    }
    for (;;) {
        ssize_t size = mnl_socket_recvfrom(interfaces->monitor, buffer, sizeof buffer);
        if (size < 0 && errno != ENOBUFS && errno != ENOSPC /* one longer than the buffer */) {
            return changed;
        }
        changed = true;
    }
}

uv_os_sock_t floe_interfaces_watched(const floe_interfaces *interfaces)
{
    return interfaces->monitor != NULL ? mnl_socket_get_fd(interfaces->monitor) : FLOE_NO_SOCKET;
}

void floe_interfaces_monitor_free(floe_interfaces *interfaces)
{
    if (interfaces->monitor != NULL) {
        (void)mnl_socket_close(interfaces->monitor);
    }
}

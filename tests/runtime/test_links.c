/* Multicast DNS on real links: two machines, each a network namespace, with a cable between them;
 * and what comes to the first one from beyond. Without the right to make namespaces it is skipped.
 */
#include "support.h"

#include "mdns/message.h"
#include "own_network.h"

#include <errno.h>
#include <fcntl.h>
#include <floe/floe.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ── The clock that goes on while a machine sleeps ── */

static atomic_int slept; /* seconds */

#pragma GCC visibility push(default)

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);

    if (result == 0 && clock == CLOCK_BOOTTIME) {
        now->tv_sec += atomic_load(&slept);
    }
    return result;
}

/* ── What goes to multicast DNS does not for a while ── */

static atomic_int sending_fails; /* the error; 0: it goes */
static atomic_uint not_sent;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    int error = atomic_load(&sending_fails);

    if (error != 0) {
        atomic_fetch_add(&not_sent, 1);
        errno = error;
        return -1;
    }
    return (ssize_t)syscall(SYS_sendmsg, fd, message, flags);
}

#pragma GCC visibility pop

/* ── The machines ── */

static int here = -1;  /* where the library runs */
static int there = -1; /* its neighbour's */
static pid_t holder;   /* keeps that one, and goes with this process */

static void enter(int network)
{
    assert_int_equal(setns(network, CLONE_NEWNET), 0);
}

/* A command of the shell's, on that machine; whether it succeeded. */
static bool run(int network, const char *format, ...)
{
    char command[512];
    int status = -1;
    va_list words;

    va_start(words, format);
    (void)vsnprintf(command, sizeof command, format, words);
    va_end(words);
    pid_t child = fork();
    if (child == 0) {
        if (setns(network, CLONE_NEWNET) == 0) {
            (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        }
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static int this_network(void)
{
    /* Addresses are there at once, where that can be said. */
    (void)own_network_write("/proc/sys/net/ipv6/conf/all/accept_dad", "0");
    (void)own_network_write("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
    return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* Both ends are up; the kernel sees that in its own time. */
static bool carries(unsigned n)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool good = false;

    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "eth%u", n);
    for (int i = 0; i < 6000 && !good; i++) {
        good = ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) != 0;
        if (!good) {
            (void)usleep(10000);
        }
    }
    (void)close(fd);
    return good;
}

/* A cable, with the N-th networks of either family on it. */
static bool lay_cable(unsigned n, bool ipv6)
{
    return run(here, "ip link add eth%u type veth peer name eth%u netns %d", n, n, (int)holder) &&
           run(here, "ip link set eth%u addrgenmode none && ip addr add 10.91.%u.2/24 dev eth%u", n,
               n, n) &&
           run(there, "ip addr add 10.91.%u.9/24 dev eth%u", n, n) &&
           run(there, "ip addr add 2001:db8:91:%u::9/64 dev eth%u nodad && ip link set eth%u up", n,
               n, n) &&
           (!ipv6 || run(here, "ip addr add 2001:db8:91:%u::2/64 dev eth%u nodad", n, n)) &&
           run(here, "ip link set eth%u up", n) && carries(n);
}

static bool make_machines(void)
{
    int told[2];
    char byte;

    if (!own_network_begin() || (there = this_network()) < 0 || pipe(told) != 0) {
        return false;
    }
    holder = fork();
    if (holder == 0) { /* until the other end is gone */
        (void)close(told[1]);
        _exit(read(told[0], &byte, 1) == 0 ? 0 : 1);
    }
    (void)close(told[0]);
    (void)fcntl(told[1], F_SETFD, FD_CLOEXEC);
    return holder > 0 && unshare(CLONE_NEWNET) == 0 && (here = this_network()) >= 0 &&
           run(here, "ip link set lo up") && run(there, "ip link set lo up") &&
           lay_cable(1, true) &&
           /* What lies behind the neighbour. */
           run(there, "ip addr add 10.92.0.2/32 dev lo && ip addr add 2001:db8:92::2/128 dev lo") &&
           run(here, "ip route add 10.92.0.0/24 via 10.91.1.9") &&
           run(here, "ip route add 2001:db8:92::/64 via 2001:db8:91:1::9");
}

/* ── The neighbour ── */

static const char *const group4 = "224.0.0.251:5353";
static const char *const group6 = "[ff02::fb]:5353";

typedef union any_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
} any_address;

/* In text, with its port; a link-local one or a group on this interface. */
static socklen_t to_socket_address(const char *text, unsigned interface_index, any_address *address)
{
    floe_address plain = address_of(text);

    memset(address, 0, sizeof *address);
    if (plain.family == FLOE_FAMILY_IPV4) {
        address->ipv4.sin_family = AF_INET;
        address->ipv4.sin_port = htons(plain.port);
        memcpy(&address->ipv4.sin_addr, plain.ip, 4);
        return sizeof address->ipv4;
    }
    address->ipv6.sin6_family = AF_INET6;
    address->ipv6.sin6_port = htons(plain.port);
    address->ipv6.sin6_scope_id = interface_index;
    memcpy(&address->ipv6.sin6_addr, plain.ip, 16);
    return sizeof address->ipv6;
}

typedef struct neighbour {
    int fd;
    unsigned interface_index;
    floe_mdns_message message; /* the latest, */
    int hops;                  /* and how many it had left */
} neighbour;

static void join(const neighbour *n, int family)
{
    any_address group;
    int on = 1;

    if (family == AF_INET) {
        (void)to_socket_address(group4, 0, &group);
        struct ip_mreqn request = {.imr_multiaddr = group.ipv4.sin_addr,
                                   .imr_ifindex = (int)n->interface_index};
        assert_int_equal(setsockopt(n->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request),
                         0);
        assert_int_equal(setsockopt(n->fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request),
                         0);
        assert_int_equal(setsockopt(n->fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on), 0);
    } else {
        (void)to_socket_address(group6, 0, &group);
        struct ipv6_mreq request = {.ipv6mr_multiaddr = group.ipv6.sin6_addr,
                                    .ipv6mr_interface = n->interface_index};
        int index = (int)n->interface_index;
        assert_int_equal(setsockopt(n->fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request),
                         0);
        assert_int_equal(setsockopt(n->fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index),
                         0);
        assert_int_equal(setsockopt(n->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), 0);
        assert_int_equal(setsockopt(n->fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on), 0);
    }
}

/* Speaks from that address and port, and, on port 5353, hears the group of that family alone. */
static neighbour neighbour_at(const char *from, unsigned cable)
{
    char name[16];
    any_address local;
    socklen_t size = to_socket_address(from, 0, &local);
    int on = 1;
    neighbour n;

    (void)snprintf(name, sizeof name, "eth%u", cable);
    enter(there);
    n.interface_index = if_nametoindex(name);
    n.fd = socket(local.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(n.fd >= 0);
    assert_int_equal(setsockopt(n.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    join(&n, local.any.sa_family);
    assert_int_equal(bind(n.fd, &local.any, size), 0);
    enter(here);
    return n;
}

static void send_to(const neighbour *n, const char *to, const uint8_t *data, size_t size)
{
    any_address remote;
    socklen_t remote_size = to_socket_address(to, n->interface_index, &remote);

    assert_true(size > 0);
    for (int i = 0; i < 100; i++) { /* an address that was just given may need a moment */
        if (sendto(n->fd, data, size, 0, &remote.any, remote_size) == (ssize_t)size) {
            return;
        }
        (void)usleep(50000);
    }
    fail_msg("to %s: %s", to, strerror(errno));
}

static void ask(const neighbour *n, const char *to, const char *name, floe_family family)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];

    send_to(n, to, data, floe_mdns_write_query(name, family, data, sizeof data));
}

static void claim(const neighbour *n, const char *to, const char *name, const char *address)
{
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    floe_mdns_answer answer = {.name = name, .count = 1};

    answer.addresses[0].address = address_of(address);
    answer.addresses[0].ttl = FLOE_MDNS_TTL;
    answer.addresses[0].place = FLOE_MDNS_AS_ANSWER;
    send_to(n, to, data, floe_mdns_write_answer(&answer, data, sizeof data));
}

/* Asked for as they are in join(), they are all that is told beside the data. */
static int hops_of(struct msghdr *message)
{
    const struct cmsghdr *told = CMSG_FIRSTHDR(message);
    int hops = -1;

    if (told != NULL) {
        memcpy(&hops, CMSG_DATA(told), sizeof hops);
    }
    return hops;
}

/* The next message; false: none comes in this time. */
static bool hear(neighbour *n, int ms)
{
    uint8_t data[9000];
    union {
        struct cmsghdr header;
        char room[64];
    } control;
    struct pollfd wait = {.fd = n->fd, .events = POLLIN};

    while (poll(&wait, 1, ms) == 1) {
        struct iovec iov = {.iov_base = data, .iov_len = sizeof data};
        struct msghdr message = {.msg_iov = &iov,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = sizeof control};
        ssize_t size = recvmsg(n->fd, &message, 0);
        n->hops = size > 0 ? hops_of(&message) : -1;
        if (size > 0 && floe_mdns_parse(data, (size_t)size, &n->message)) {
            return true;
        }
    }
    return false;
}

static bool has_record(const floe_mdns_message *message, const char *name, const char *address)
{
    floe_address wanted = address_of(address);

    for (size_t i = 0; i < message->record_count; i++) {
        const floe_mdns_record *record = &message->records[i];
        if (strcmp(record->name, name) == 0 && record->ttl > 0 &&
            record->address.family == wanted.family &&
            memcmp(record->address.ip, wanted.ip, 16) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether that is the answer. */
static bool finds(neighbour *n, const char *to, const char *name, const char *address)
{
    ask(n, to, name, (floe_family)address_of(address).family);
    while (hear(n, 1000)) {
        if (n->message.response && has_record(&n->message, name, address)) {
            return true;
        }
    }
    return false;
}

/* Asks, on a slow machine more than once. */
static void find(neighbour *n, const char *to, const char *name, const char *address)
{
    for (int i = 0; i < 60; i++) {
        if (finds(n, to, name, address)) {
            return;
        }
    }
    fail_msg("%s is not found at %s", name, to);
}

/* Until it is said, though this neighbour asks nothing. */
static void wait_for_word(neighbour *n, const char *name, const char *address)
{
    for (int i = 0; i < 60; i++) {
        while (hear(n, 1000)) {
            if (n->message.response && has_record(&n->message, name, address)) {
                return;
            }
        }
    }
    fail_msg("nobody speaks of %s", name);
}

/* Until the name is asked for. */
static void wait_for_question(neighbour *n, const char *name)
{
    for (int i = 0; i < 60; i++) {
        while (hear(n, 1000)) {
            if (!n->message.response && n->message.question_count > 0 &&
                strcmp(n->message.questions[0].name, name) == 0) {
                return;
            }
        }
    }
    fail_msg("nobody asks for %s", name);
}

/* ── The library's owner ── */

typedef struct owner {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    floe_api *api;
    floe_gatherer *gatherer;
    const char *keep; /* which addresses, by their beginning in text */
    unsigned ends;    /* of gatherings */
    unsigned hosts;
    char names[8][80]; /* of theirs */
    unsigned withdrawn;
    unsigned errors;
    char error[512];
    unsigned found; /* look-ups that have ended */
    floe_error result;
    floe_address address;
    size_t address_count;
} owner;

static void on_candidate(void *data, const floe_candidate *candidate)
{
    owner *o = data;

    (void)pthread_mutex_lock(&o->lock);
    if (candidate == NULL) {
        o->ends++;
    } else if (o->hosts < 8) {
        (void)snprintf(o->names[o->hosts++], sizeof o->names[0], "%s", candidate->address);
    }
    (void)pthread_cond_broadcast(&o->changed);
    (void)pthread_mutex_unlock(&o->lock);
}

static void on_withdrawn(void *data, const floe_candidate *candidate)
{
    owner *o = data;

    (void)candidate;
    (void)pthread_mutex_lock(&o->lock);
    o->withdrawn++;
    (void)pthread_cond_broadcast(&o->changed);
    (void)pthread_mutex_unlock(&o->lock);
}

static void on_error(void *data, const floe_candidate_error *error)
{
    owner *o = data;

    (void)pthread_mutex_lock(&o->lock);
    o->errors++;
    (void)snprintf(o->error, sizeof o->error, "%s", error->text);
    (void)pthread_cond_broadcast(&o->changed);
    (void)pthread_mutex_unlock(&o->lock);
}

static void on_look_up(void *data, const floe_look_up_result *result)
{
    owner *o = data;

    (void)pthread_mutex_lock(&o->lock);
    o->found++;
    o->result = result->error;
    o->address_count = result->address_count;
    if (result->address_count > 0) {
        o->address = result->addresses[0];
    }
    (void)pthread_cond_broadcast(&o->changed);
    (void)pthread_mutex_unlock(&o->lock);
}

/* Until the count is reached; a minute is for ever. */
static void wait_for(owner *o, const unsigned *count, unsigned wanted)
{
    struct timespec limit;
    int failed = 0;

    (void)clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 60;
    (void)pthread_mutex_lock(&o->lock);
    while (*count < wanted && failed == 0) {
        failed = pthread_cond_timedwait(&o->changed, &o->lock, &limit);
    }
    (void)pthread_mutex_unlock(&o->lock);
    assert_int_equal(failed, 0);
}

static bool keep(void *data, const floe_address *address)
{
    const owner *o = data;
    char text[FLOE_ADDRESS_TEXT_SIZE];

    return floe_address_format(address, text, sizeof text) == FLOE_OK &&
           strncmp(text, o->keep, strlen(o->keep)) == 0;
}

static void gather(owner *o)
{
    unsigned wanted = o->ends + 1;

    assert_int_equal(floe_gatherer_gather(o->gatherer), FLOE_OK);
    wait_for(o, &o->ends, wanted);
}

static bool alive; /* what the test at hand has made */

static void begin(owner *o, const char *kept, const char *name)
{
    floe_settings settings = FLOE_SETTINGS_INIT;

    if (alive) {
        fail_msg("a test before this one has failed, and left its gatherer");
    }
    alive = true;
    memset(o, 0, sizeof *o);
    (void)pthread_mutex_init(&o->lock, NULL);
    (void)pthread_cond_init(&o->changed, NULL);
    o->keep = kept;
    settings.allocator = &memory_counted;
    settings.mdns_mode = FLOE_MDNS_MODE_QUERY_AND_GATHER;
    settings.mdns_name = name;
    settings.ip_filter = keep;
    settings.filter_user_data = o;
    assert_int_equal(floe_api_new(&settings, &o->api), FLOE_OK);
    assert_int_equal(floe_gatherer_new(o->api, NULL, &o->gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_on_local_candidate(o->gatherer, on_candidate, o), FLOE_OK);
    assert_int_equal(floe_gatherer_on_candidate_withdrawn(o->gatherer, on_withdrawn, o), FLOE_OK);
    assert_int_equal(floe_gatherer_on_error(o->gatherer, on_error, o), FLOE_OK);
    gather(o);
    assert_int_equal(o->hosts, 1);
    assert_non_null(strstr(o->names[0], ".local"));
}

static void end(owner *o)
{
    floe_gatherer_free(o->gatherer);
    floe_api_free(o->api);
    assert_int_equal(memory_live(), 0);
    alive = false;
    (void)pthread_mutex_destroy(&o->lock);
    (void)pthread_cond_destroy(&o->changed);
}

/* ── The rules ── */

static void h2_found_by_who_speaks_one_family_alone(void **state)
{
    static const char *const addresses[] = {"10.91.1.2", "2001:db8:91:1::2"};
    owner o;

    (void)state;
    for (int i = 0; i < 2; i++) {
        char text[80];
        begin(&o, addresses[i], NULL);
        (void)snprintf(text, sizeof text, i == 0 ? "%s:0" : "[%s]:0", addresses[i]);
        neighbour by_ipv4 = neighbour_at("0.0.0.0:5353", 1);
        find(&by_ipv4, group4, o.names[0], text);
        assert_int_equal(by_ipv4.hops, 255); /* RFC 6762 §11 */
        (void)close(by_ipv4.fd);
        neighbour by_ipv6 = neighbour_at("[::]:5353", 1);
        find(&by_ipv6, group6, o.names[0], text);
        assert_int_equal(by_ipv6.hops, 255);
        (void)close(by_ipv6.fd);
        assert_int_equal(o.errors, 0);
        end(&o);
    }
}

/* RFC 6762 §11, §5.5: what comes to this machine alone from beyond its links is neither answered
 * nor believed; its neighbours' is. Answers come in the order of the questions, so that one to the
 * latter shows that there is none to the former. */
static void h2_of_the_link_only(void **state)
{
    static const struct {
        const char *kept;
        const char *address; /* this machine's */
        const char *near;
        const char *far;
        const char *group;
        const char *speaker; /* for the group */
        const char *right;
        const char *wrong;
    } rows[] = {
        {"10.91.1.2", "10.91.1.2:5353", "10.91.1.9", "10.92.0.2", "224.0.0.251:5353",
         "0.0.0.0:5353", "10.91.1.77:0", "6.6.6.6:0"},
        {"2001:db8:91:1::2", "[2001:db8:91:1::2]:5353", "[2001:db8:91:1::9]", "[2001:db8:92::2]",
         "[ff02::fb]:5353", "[::]:5353", "[2001:db8:91:1::77]:0", "[2001:db8:66::6]:0"},
    };
    owner o;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char far_legacy[64];
        char far_full[64];
        char near_legacy[64];
        (void)snprintf(far_legacy, sizeof far_legacy, "%s:40000", rows[i].far);
        (void)snprintf(far_full, sizeof far_full, "%s:5353", rows[i].far);
        (void)snprintf(near_legacy, sizeof near_legacy, "%s:40001", rows[i].near);
        begin(&o, rows[i].kept, NULL);
        neighbour group = neighbour_at(rows[i].speaker, 1);
        find(&group, rows[i].group, o.names[0], rows[i].address);
        neighbour stranger = neighbour_at(far_legacy, 1);
        neighbour forger = neighbour_at(far_full, 1);
        neighbour near = neighbour_at(near_legacy, 1);
        floe_family family = i == 0 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
        ask(&stranger, rows[i].address, o.names[0], family);
        ask(&forger, rows[i].address, o.names[0], family);
        find(&near, rows[i].address, o.names[0], rows[i].address);
        assert_int_equal(near.message.records[0].ttl, FLOE_MDNS_LEGACY_TTL);
        assert_int_equal(near.hops, 255);
        assert_false(hear(&stranger, 0));
        assert_false(hear(&forger, 0));
        assert_int_equal(floe_api_look_up(o.api, "victim.local", 60000, on_look_up, &o), FLOE_OK);
        wait_for_question(&group, "victim.local");
        claim(&forger, rows[i].address, "victim.local", rows[i].wrong);
        claim(&forger, rows[i].address, o.names[0], rows[i].wrong);
        (void)usleep(1100000); /* "they insist", RFC 6762 §9 */
        claim(&forger, rows[i].address, o.names[0], rows[i].wrong);
        claim(&group, rows[i].group, "victim.local", rows[i].right);
        wait_for(&o, &o.found, 1);
        floe_address right = address_of(rows[i].right);
        assert_int_equal(o.result, FLOE_OK);
        assert_memory_equal(o.address.ip, right.ip, 16);
        find(&group, rows[i].group, o.names[0], rows[i].address);
        assert_int_equal(o.withdrawn, 0);
        (void)close(group.fd);
        (void)close(stranger.fd);
        (void)close(forger.fd);
        (void)close(near.fd);
        end(&o);
    }
}

static void h2_a_link_local_address_has_its_scope(void **state)
{
    owner o;

    (void)state;
    begin(&o, "10.91.1.2", NULL);
    neighbour n = neighbour_at("[::]:5353", 1);
    assert_int_equal(floe_api_look_up(o.api, "Near.LOCAL.", 60000, on_look_up, &o), FLOE_OK);
    wait_for_question(&n, "near.local");
    claim(&n, group6, "near.local", "[fe80::77]:0");
    wait_for(&o, &o.found, 1);
    assert_int_equal(o.result, FLOE_OK);
    assert_int_equal(o.address.scope_id, if_nametoindex("eth1"));
    (void)close(n.fd);
    end(&o);
}

/* One's own name is found without asking, and stays. */
static void h2_ones_own_name_stays(void **state)
{
    owner o;

    (void)state;
    begin(&o, "10.91.1.2", NULL);
    assert_int_equal(floe_api_look_up(o.api, o.names[0], 60000, on_look_up, &o), FLOE_OK);
    wait_for(&o, &o.found, 1);
    assert_int_equal(o.result, FLOE_OK);
    neighbour n = neighbour_at("0.0.0.0:5353", 1);
    find(&n, group4, o.names[0], "10.91.1.2:0");
    assert_int_equal(o.withdrawn, 0);
    assert_int_equal(o.hosts, 1);
    (void)close(n.fd);
    end(&o);
}

/* I15: a transport looks up what the peer's candidates show. */
static void i15_a_name_of_the_peer_is_looked_up(void **state)
{
    owner o;
    floe_transport *transport;
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    char line[512];
    floe_candidate *candidate;
    bool found = false;

    (void)state;
    begin(&o, "10.91.1.2", NULL);
    assert_int_equal(floe_transport_new(o.gatherer, NULL, &transport), FLOE_OK);
    (void)snprintf(remote.username_fragment, sizeof remote.username_fragment, "peer");
    (void)snprintf(remote.password, sizeof remote.password, "%s", "aPasswordOfThePeersSide");
    assert_int_equal(floe_transport_start(transport, &remote, FLOE_ICE_ROLE_CONTROLLING), FLOE_OK);
    (void)snprintf(line, sizeof line, "candidate:1 1 udp 2130706431 %s 9999 typ host", o.names[0]);
    assert_int_equal(floe_candidate_parse(line, &candidate), FLOE_OK);
    assert_int_equal(floe_transport_add_remote_candidate(transport, candidate), FLOE_OK);
    for (int i = 0; i < 60000 && !found; i++) {
        floe_ice_pair_list *pairs;
        assert_int_equal(floe_transport_get_pairs(transport, &pairs), FLOE_OK);
        for (size_t n = 0; n < pairs->count; n++) {
            char text[FLOE_ADDRESS_TEXT_SIZE];
            (void)floe_address_format_with_port(&pairs->pairs[n]->remote_address, text,
                                                sizeof text);
            found = strcmp(text, "10.91.1.2:9999") == 0;
            assert_string_equal(pairs->pairs[n]->remote->address, o.names[0]);
        }
        floe_ice_pair_list_free(pairs);
        (void)usleep(1000);
    }
    assert_true(found);
    floe_candidate_free(candidate);
    assert_int_equal(
        floe_candidate_parse("candidate:2 1 udp 1 nobody-has-this.local 9999 typ host", &candidate),
        FLOE_OK);
    assert_int_equal(floe_transport_add_remote_candidate(transport, candidate), FLOE_OK);
    floe_candidate_free(candidate);
    (void)usleep(20000);
    floe_transport_free(transport); /* while it is looked up */
    assert_int_equal(
        floe_candidate_parse("candidate:2 1 udp 1 nobody-has-this.local 9999 typ host", &candidate),
        FLOE_OK);
    for (int i = 0; i < 300; i++) { /* or as that begins */
        assert_int_equal(floe_transport_new(o.gatherer, NULL, &transport), FLOE_OK);
        assert_int_equal(floe_transport_add_remote_candidate(transport, candidate), FLOE_OK);
        (void)usleep((useconds_t)(i % 30) * 10);
        floe_transport_free(transport);
    }
    floe_candidate_free(candidate);
    (void)usleep(5500000); /* a look-up that went on has ended */
    end(&o);
}

/* What comes while a name is published: another interface, and on that one another family. */
static void h2_links_that_come(void **state)
{
    owner o;

    (void)state;
    begin(&o, "10.91.", NULL);
    assert_true(lay_cable(2, false));
    for (int i = 0; i < 60000 && o.hosts < 2; i++) { /* the kernel tells of it in its own time */
        gather(&o);
        (void)usleep(1000);
    }
    assert_int_equal(o.hosts, 2);
    neighbour n = neighbour_at("0.0.0.0:5353", 2);
    find(&n, group4, o.names[1], "10.91.2.2:0");
    (void)close(n.fd);
    assert_true(run(here, "ip addr add 2001:db8:91:2::2/64 dev eth2 nodad"));
    n = neighbour_at("[::]:5353", 2);
    bool found = false;
    for (int i = 0; i < 60 && !found; i++) {
        gather(&o);
        found = finds(&n, group6, o.names[1], "10.91.2.2:0");
    }
    assert_true(found);
    (void)close(n.fd);
    n = neighbour_at("0.0.0.0:5353", 1);
    find(&n, group4, o.names[0], "10.91.1.2:0"); /* the first one stays */
    (void)close(n.fd);
    assert_true(run(here, "ip link del eth2"));
    end(&o);
}

/* The neighbour's end of the cable; until this one sees it. */
static void set_carrier(unsigned n, bool up)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(run(there, "ip link set eth%u %s", n, up ? "up" : "down"));
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "eth%u", n);
    do {
        (void)usleep(10000);
        assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &request), 0);
    } while (((request.ifr_flags & IFF_RUNNING) != 0) != up);
    (void)close(fd);
}

/* Has the api look at its links: somebody looks a name up. */
static void look_at_links(owner *o)
{
    for (int i = 0; i < 3; i++) { /* the kernel tells of them in its own time */
        unsigned wanted = o->found + 1;
        assert_int_equal(floe_api_look_up(o->api, "nobody.local", 500, on_look_up, o), FLOE_OK);
        wait_for(o, &o->found, wanted);
    }
}

static void find_on(unsigned cable, const char *name, const char *address)
{
    neighbour n = neighbour_at("0.0.0.0:5353", cable);

    find(&n, group4, name, address);
    (void)close(n.fd);
}

/* Nobody gathers, and nobody asks anew: the kernel's word is enough. */
static void h2_links_that_come_while_nothing_gathers(void **state)
{
    owner o;

    (void)state;
    assert_true(lay_cable(2, false));
    begin(&o, "10.91.2.2", NULL);
    find_on(2, o.names[0], "10.91.2.2:0");
    assert_int_equal(floe_api_look_up(o.api, "late.local", 60000, on_look_up, &o), FLOE_OK);
    assert_true(run(here, "ip link del eth2"));
    assert_true(lay_cable(2, false)); /* another interface of the same name */
    neighbour n = neighbour_at("0.0.0.0:5353", 2);
    wait_for_question(&n, "late.local");
    claim(&n, group4, "late.local", "10.91.2.9:0");
    wait_for(&o, &o.found, 1);
    assert_int_equal(o.result, FLOE_OK);
    find(&n, group4, o.names[0], "10.91.2.2:0");
    (void)close(n.fd);
    assert_true(run(here, "ip link del eth2"));
    end(&o);
}

static void h2_a_link_that_loses_its_carrier_for_a_while(void **state)
{
    owner o;

    (void)state;
    assert_true(lay_cable(2, false));
    begin(&o, "10.91.2.2", NULL);
    find_on(2, o.names[0], "10.91.2.2:0");
    set_carrier(2, false);
    look_at_links(&o);
    neighbour n = neighbour_at("0.0.0.0:5353", 2);
    set_carrier(2, true);
    wait_for_word(&n, o.names[0], "10.91.2.2:0"); /* RFC 6762 §8: the link may be another */
    (void)close(n.fd);
    find_on(2, o.names[0], "10.91.2.2:0");
    assert_int_equal(o.withdrawn, 0);
    assert_true(run(here, "ip link del eth2"));
    end(&o);
}

/* RFC 6762 §8: the machine may be elsewhere. What looks at the clock is whatever happens next. */
static void h2_a_machine_that_has_slept(void **state)
{
    owner o;

    (void)state;
    begin(&o, "10.91.1.2", "My-Host.local");
    neighbour n = neighbour_at("0.0.0.0:5353", 1);
    find(&n, group4, "my-host.local", "10.91.1.2:0");
    while (hear(&n, 1500)) { /* both announcements */
    }
    atomic_fetch_add(&slept, 60);
    assert_int_equal(floe_api_look_up(o.api, "nobody.local", 500, on_look_up, &o), FLOE_OK);
    wait_for_question(&n, "my-host.local");
    assert_int_equal(n.message.records[0].section, FLOE_MDNS_AUTHORITY); /* a probe */
    wait_for_word(&n, "my-host.local", "10.91.1.2:0");
    wait_for(&o, &o.found, 1);
    assert_int_equal(o.withdrawn, 0);
    (void)close(n.fd);
    end(&o);
}

/* The kernel allows a socket so many memberships, and counts those of links that are gone. */
static void h2_links_that_go_and_come_without_end(void **state)
{
    owner o;

    (void)state;
    if (!run(here, "echo 2 >/proc/sys/net/ipv4/igmp_max_memberships")) {
        skip();
    }
    begin(&o, "10.91.", NULL);
    for (unsigned i = 1; i <= 3; i++) {
        assert_true(lay_cable(2, false));
        for (int k = 0; k < 60000 && o.hosts < 1 + i; k++) {
            gather(&o);
            (void)usleep(1000);
        }
        assert_int_equal(o.hosts, 1 + i);
        find_on(2, o.names[i], "10.91.2.2:0");
        assert_true(run(here, "ip link del eth2"));
        for (int k = 0; k < 60000 && o.withdrawn < i; k++) {
            gather(&o);
            (void)usleep(1000);
        }
        assert_int_equal(o.withdrawn, i);
    }
    assert_int_equal(o.errors, 0);
    assert_true(run(here, "echo 20 >/proc/sys/net/ipv4/igmp_max_memberships"));
    end(&o);
}

/* And of fewer memberships than interfaces those with names have theirs. */
static void h2_more_links_than_memberships(void **state)
{
    owner o;

    (void)state;
    if (!run(here, "echo 1 >/proc/sys/net/ipv4/igmp_max_memberships")) {
        skip();
    }
    assert_true(lay_cable(2, false));
    begin(&o, "10.91.2.2", NULL);
    find_on(2, o.names[0], "10.91.2.2:0");
    assert_int_equal(o.errors, 0);
    o.keep = "10.91."; /* both */
    gather(&o);
    assert_int_equal(o.hosts, 2);
    assert_int_equal(o.errors, 1);
    assert_non_null(strstr(o.error, "net.ipv4.igmp_max_memberships"));
    find_on(2, o.names[0], "10.91.2.2:0");
    end(&o);
    assert_true(run(here, "ip link del eth2; echo 20 >/proc/sys/net/ipv4/igmp_max_memberships"));
}

static void h2_an_address_on_two_interfaces(void **state)
{
    owner o;

    (void)state;
    assert_true(lay_cable(2, false));
    begin(&o, "10.91.2.2", NULL);
    find_on(2, o.names[0], "10.91.2.2:0");
    assert_true(run(here, "ip link add twin type veth peer name other && ip link set other up && "
                          "ip addr add 10.91.2.2/32 dev twin && ip link set twin up"));
    look_at_links(&o);
    find_on(2, o.names[0], "10.91.2.2:0");
    assert_true(run(here, "ip link del twin && ip link del eth2"));
    end(&o);
}

static bool skipped; /* which ctest is to be told: 77 */

/* As a system does that ends the connections of a network, or of a user. */
static void h2_an_error_on_the_socket(void **state)
{
    owner o;

    (void)state;
    begin(&o, "10.91.1.2", NULL);
    find_on(1, o.names[0], "10.91.1.2:0");
    if (run(here, "ss -H -n -K -u -a sport = 5353 2>/dev/null | grep -q 5353")) {
        find_on(1, o.names[0], "10.91.1.2:0");
    } else {
        skipped = true;
    }
    end(&o);
}

static bool has_withdrawn(owner *o)
{
    (void)pthread_mutex_lock(&o->lock);
    bool withdrawn = o->withdrawn > 0;
    (void)pthread_mutex_unlock(&o->lock);
    return withdrawn;
}

static void h2_another_machine_has_the_name(void **state)
{
    owner o;

    (void)state;
    begin(&o, "10.91.1.2", "My-Host.local");
    assert_string_equal(o.names[0], "My-Host.local");
    neighbour n = neighbour_at("0.0.0.0:5353", 1);
    for (int i = 0; i < 600 && !has_withdrawn(&o); i++) { /* while it probes, or insisting later */
        claim(&n, group4, "MY-HOST.local", "10.91.1.9:0");
        (void)usleep(100000);
    }
    wait_for(&o, &o.withdrawn, 1);
    wait_for(&o, &o.hosts, 2);
    assert_string_not_equal(o.names[1], "My-Host.local");
    find(&n, group4, o.names[1], "10.91.1.2:0");
    (void)close(n.fd);
    end(&o);
}

/* Who has the port for himself. */
static int hold_port(int family)
{
    any_address local;
    socklen_t size = to_socket_address(family == AF_INET ? "0.0.0.0:5353" : "[::]:5353", 0, &local);
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int on = 1;

    assert_true(fd >= 0);
    if (family == AF_INET6) {
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), 0);
    }
    assert_int_equal(bind(fd, &local.any, size), 0);
    return fd;
}

static void h2_the_port_cannot_be_had(void **state)
{
    int holders[] = {hold_port(AF_INET), hold_port(AF_INET6)};
    owner o;

    (void)state;
    begin(&o, "10.91.1.2", NULL);
    wait_for(&o, &o.errors, 1);
    assert_non_null(strstr(o.error, "another program holds UDP port 5353"));
    assert_int_equal(floe_api_look_up(o.api, "peer.local", 60000, on_look_up, &o), FLOE_OK);
    wait_for(&o, &o.found, 1);
    assert_int_equal(o.result, FLOE_ERR_ADDRESS_IN_USE);
    (void)close(holders[0]);
    (void)close(holders[1]);
    gather(&o); /* by now it can be had */
    neighbour n = neighbour_at("0.0.0.0:5353", 1);
    find(&n, group4, o.names[0], "10.91.1.2:0");
    assert_int_equal(o.errors, 1);
    (void)close(n.fd);
    end(&o);
}

static void h2_nothing_can_be_sent(void **state)
{
    owner o;

    (void)state;
    if (!run(here, "nft add table inet wall 2>/dev/null && "
                   "nft 'add chain inet wall out { type filter hook output priority 0; }' && "
                   "nft add rule inet wall out udp dport 5353 drop")) {
        skipped = true;
        skip();
    }
    begin(&o, "10.91.1.2", NULL);
    wait_for(&o, &o.errors, 1);
    assert_non_null(strstr(o.error, "does a local firewall forbid UDP port 5353?"));
    assert_true(run(here, "nft delete table inet wall"));
    end(&o);
}

/* What a moment has no room for, and a link that is going or coming, is no fault of the link's. */
static void h2_what_could_not_be_sent_for_a_moment(void **state)
{
    static const int errors[] = {EAGAIN,        EINTR,    ENOBUFS, ENOMEM,
                                 EADDRNOTAVAIL, ENETDOWN, ENODEV,  ENXIO};

    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        owner o;
        atomic_store(&not_sent, 0);
        atomic_store(&sending_fails, errors[i]);
        begin(&o, "10.91.1.2", NULL);
        for (int k = 0; k < 6000 && atomic_load(&not_sent) == 0; k++) {
            (void)usleep(10000);
        }
        assert_true(atomic_load(&not_sent) > 0);
        atomic_store(&sending_fails, 0);
        find_on(1, o.names[0], "10.91.1.2:0");
        assert_int_equal(o.errors, 0);
        end(&o);
    }
}

/* What the kernel tells of it is longer than most: each of its names is in there. */
static void n2_a_change_of_a_link_with_many_names(void **state)
{
    owner o;

    (void)state;
    assert_true(lay_cable(2, false));
    assert_true(run(here, "for i in $(seq 100); do "
                          "ip link property add dev eth2 altname $(printf x%%0110d $i) || exit; "
                          "done"));
    begin(&o, "10.91.2.2", NULL);
    gather(&o);
    set_carrier(2, false);
    for (int i = 0; i < 600 && !has_withdrawn(&o); i++) {
        gather(&o);
        (void)usleep(10000);
    }
    assert_int_equal(o.withdrawn, 1);
    assert_true(run(here, "ip link del eth2"));
    end(&o);
}

/* However many there are, each ends. */
static void h2_each_look_up_ends(void **state)
{
    owner o;

    (void)state;
    begin(&o, "10.91.1.2", NULL);
    for (unsigned i = 0; i < 600; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "dead-%u.local", i);
        assert_int_equal(floe_api_look_up(o.api, name, 1000, on_look_up, &o), FLOE_OK);
    }
    wait_for(&o, &o.found, 600);
    end(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h2_found_by_who_speaks_one_family_alone),
        cmocka_unit_test(h2_of_the_link_only),
        cmocka_unit_test(h2_a_link_local_address_has_its_scope),
        cmocka_unit_test(h2_ones_own_name_stays),
        cmocka_unit_test(i15_a_name_of_the_peer_is_looked_up),
        cmocka_unit_test(h2_links_that_come),
        cmocka_unit_test(h2_links_that_come_while_nothing_gathers),
        cmocka_unit_test(h2_a_link_that_loses_its_carrier_for_a_while),
        cmocka_unit_test(h2_a_machine_that_has_slept),
        cmocka_unit_test(h2_links_that_go_and_come_without_end),
        cmocka_unit_test(h2_more_links_than_memberships),
        cmocka_unit_test(h2_an_address_on_two_interfaces),
        cmocka_unit_test(h2_an_error_on_the_socket),
        cmocka_unit_test(n2_a_change_of_a_link_with_many_names),
        cmocka_unit_test(h2_another_machine_has_the_name),
        cmocka_unit_test(h2_the_port_cannot_be_had),
        cmocka_unit_test(h2_nothing_can_be_sent),
        cmocka_unit_test(h2_what_could_not_be_sent_for_a_moment),
        cmocka_unit_test(h2_each_look_up_ends),
    };

    if (!make_machines()) {
        (void)printf("no network namespaces, or no ip(8): skipped\n");
        return 77;
    }
    int failed = cmocka_run_group_tests_name("links", tests, NULL, NULL);
    return failed != 0 ? failed : skipped ? 77 : 0;
}

/* A network that changes, on real interfaces: in a network namespace of our own, with commands of
 * iproute2's. Without the right to make one it is skipped. */
#include "support.h"

#include "base/memory.h"
#include "own_network.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <floe/floe.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ── Netlink that tells of nothing, or too much ── */

static atomic_bool deaf;    /* there is no netlink that tells: a sandbox */
static atomic_bool none;    /* there is no netlink at all */
static atomic_bool android; /* nobody may bind it, or ask it for links */
static atomic_bool overrun; /* once: too much was told, and is lost */

#pragma GCC visibility push(default)
/* The C library declares addresses as transparent unions, which only another compiler's extension
 * can repeat. */
#pragma GCC diagnostic ignored "-Wpedantic"

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
    static int (*real)(int, const struct sockaddr *, socklen_t);
    struct sockaddr_nl netlink;

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "bind");
    }
    if (address->sa_family == AF_NETLINK && size >= sizeof netlink) {
        memcpy(&netlink, address, sizeof netlink);
        if (atomic_load(&android) || (netlink.nl_groups != 0 && atomic_load(&deaf))) {
            errno = EACCES;
            return -1;
        }
    }
    return real(fd, address, size);
}

int socket(int domain, int kind, int protocol)
{
    static int (*real)(int, int, int);

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "socket");
    }
    if (domain == AF_NETLINK && atomic_load(&none)) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return real(domain, kind, protocol);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
               socklen_t room)
{
    static ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
    struct nlmsghdr header;

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "sendto");
    }
    if (to != NULL && to->sa_family == AF_NETLINK && size >= sizeof header &&
        atomic_load(&android)) {
        memcpy(&header, data, sizeof header);
        if (header.nlmsg_type == RTM_GETLINK) {
            errno = EACCES;
            return -1;
        }
    }
    return real(fd, data, size, flags, to, room);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    static ssize_t (*real)(int, struct msghdr *, int);

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "recvmsg");
    }
    ssize_t size = real(fd, message, flags);
    const struct sockaddr_nl *from = message->msg_name;
    if (size > 0 && from != NULL && from->nl_family == AF_NETLINK && from->nl_groups != 0 &&
        atomic_exchange(&overrun, false)) {
        errno = ENOBUFS;
        return -1;
    }
    return size;
}

#pragma GCC visibility pop

/* ── The machine ── */

static bool run(const char *format, ...)
{
    char command[512];
    va_list words;

    va_start(words, format);
    (void)vsnprintf(command, sizeof command, format, words);
    va_end(words);
    return system(command) == 0;
}

static bool there_is_one;

/* Each test begins with a cable, eth0, that has one address. */
static int begin(void **state)
{
    (void)state;
    return !there_is_one ||
                   run("ip link add eth0 type veth peer name far && ip addr add 10.7.0.1/24 dev "
                       "eth0 && ip link set far up && ip link set eth0 up && "
                       "until ip -br link show eth0 | grep -q ' UP '; do sleep 0.01; done")
               ? 0
               : -1;
}

static int end(void **state)
{
    (void)state;
    return !there_is_one || run("for i in $(ip -o link | sed 's/^[0-9]*: *//; s/[:@].*//'); do ip "
                                "link del $i; done 2>&-; :")
               ? 0
               : -1;
}

/* ── What is told ── */

typedef struct heard {
    pthread_mutex_t lock;
    char log[8192];
} heard;

static void say(heard *to, const char *format, ...)
{
    va_list words;

    (void)pthread_mutex_lock(&to->lock);
    size_t used = strlen(to->log);
    va_start(words, format);
    (void)vsnprintf(to->log + used, sizeof to->log - used, format, words);
    va_end(words);
    (void)pthread_mutex_unlock(&to->lock);
}

/* Waits until the log has the words, and takes off all up to them. */
static void expect(heard *from, const char *words)
{
    static char was[sizeof from->log];
    bool has = false;

    for (int i = 0; i < 2000 && !has; i++) {
        (void)pthread_mutex_lock(&from->lock);
        memcpy(was, from->log, sizeof was);
        const char *found = strstr(was, words);
        has = found != NULL;
        if (has) {
            (void)snprintf(from->log, sizeof from->log, "%s", found + strlen(words));
        }
        (void)pthread_mutex_unlock(&from->lock);
        (void)usleep(10000);
    }
    if (!has) {
        fail_msg("\"%s\" is not in \"%s\"", words, was);
    }
}

static void expect_nothing(heard *from)
{
    (void)usleep(400000);
    (void)pthread_mutex_lock(&from->lock);
    if (*from->log != '\0') {
        fail_msg("\"%s\" is told", from->log);
    }
    (void)pthread_mutex_unlock(&from->lock);
}

static void on_candidate(void *data, const floe_candidate *candidate)
{
    if (candidate != NULL) {
        say(data, "+ %s; ", candidate->address);
    } else {
        say(data, "end; ");
    }
}

static void on_withdrawn(void *data, const floe_candidate *candidate)
{
    say(data, "- %s; ", candidate->address);
}

static void on_state(void *data, enum floe_gatherer_state state)
{
    say(data, "%s; ", floe_gatherer_state_name(state));
}

static void on_network(void *data, const floe_network_change *change)
{
    char address[FLOE_ADDRESS_TEXT_SIZE];

    (void)floe_address_format(&change->address, address, sizeof address);
    if (change->address.scope_id == 0) {
        say(data, "%s %s %s%s%s%s; ", floe_network_change_name(change->change),
            change->interface_name, address, change->up ? "" : " down",
            change->tentative ? " tentative" : "", change->default_route ? " default" : "");
    }
    assert_int_equal(change->size, sizeof *change);
}

static void on_trace(void *data, const floe_trace_event *event)
{
    if (event->kind == FLOE_TRACE_WARNING) {
        say(data, "warning: %s; ", event->detail);
    }
}

typedef struct scene {
    heard heard; /* of the gatherer, or of the api */
    heard warned;
    floe_api *api;
    floe_gatherer *gatherer;
} scene;

static scene *scene_begin(floe_settings settings)
{
    scene *made = calloc(1, sizeof *made);

    assert_non_null(made);
    (void)pthread_mutex_init(&made->heard.lock, NULL);
    (void)pthread_mutex_init(&made->warned.lock, NULL);
    settings.allocator = &memory_counted;
    settings.on_trace = on_trace;
    settings.trace_user_data = &made->warned;
    assert_int_equal(floe_api_new(&settings, &made->api), FLOE_OK);
    return made;
}

static scene *scene_gathers(floe_settings settings)
{
    scene *made = scene_begin(settings);
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    options.continual = true;
    assert_int_equal(floe_gatherer_new(made->api, &options, &made->gatherer), FLOE_OK);
    (void)floe_gatherer_on_local_candidate(made->gatherer, on_candidate, &made->heard);
    (void)floe_gatherer_on_candidate_withdrawn(made->gatherer, on_withdrawn, &made->heard);
    (void)floe_gatherer_on_state_change(made->gatherer, on_state, &made->heard);
    assert_int_equal(floe_gatherer_gather(made->gatherer), FLOE_OK);
    expect(&made->heard, "gathering; + 10.7.0.1; complete; end; ");
    return made;
}

static void scene_ends(scene *of)
{
    floe_api_free(of->api);
    assert_int_equal(memory_live(), 0);
    (void)pthread_mutex_destroy(&of->heard.lock);
    (void)pthread_mutex_destroy(&of->warned.lock);
    free(of);
}

static const floe_settings defaults = FLOE_SETTINGS_INIT;

static void need_network(void)
{
    if (!there_is_one) {
        skip();
    }
}

/* ── A gatherer ── */

/* N1, N2: addresses that come and go. */
static void n1_the_kernel_tells_of_changes(void **state)
{
    (void)state;
    need_network();
    scene *s = scene_gathers(defaults);
    assert_true(run("ip addr add 10.7.1.1/24 dev eth0"));
    expect(&s->heard, "gathering; + 10.7.1.1; complete; end; ");
    assert_true(run("ip addr del 10.7.0.1/24 dev eth0; ip addr add 10.7.2.1/24 dev eth0"));
    expect(&s->heard, "- 10.7.0.1; ");
    expect(&s->heard, "+ 10.7.2.1; complete; end; ");
    assert_true(run("ip link set eth0 down"));
    expect(&s->heard, "complete; end; ");
    assert_true(run("ip link set eth0 up"));
    expect(&s->heard, "+ 10.7.2.1; complete; end; ");
    assert_true(run("ip link add br0 type bridge; ip link set br0 up; ip link del br0"));
    expect_nothing(&s->heard);
    scene_ends(s);
}

/* N2: duplicate detection takes its time. */
static void n2_tentative_until_the_kernel_says_so(void **state)
{
    (void)state;
    need_network();
    scene *s = scene_gathers(defaults);
    assert_true(run("ip addr add fd07::1/64 dev eth0"));
    expect(&s->heard, "gathering; + fd07::1; complete; end; ");
    scene_ends(s);
}

/* N5: by the kernel's routes, and only where they matter. */
static void n5_the_default_route_moves(void **state)
{
    floe_settings settings = defaults;

    (void)state;
    need_network();
    assert_true(run("ip link add eth1 type veth peer name far1 && ip addr add 10.8.0.1/24 dev eth1 "
                    "&& ip link set far1 up && ip link set eth1 up && "
                    "ip route add default via 10.7.0.2"));
    settings.ip_handling = FLOE_IP_HANDLING_DEFAULT_ROUTE_AND_LOCAL;
    scene *s = scene_gathers(settings);
    assert_true(run("ip route replace default via 10.8.0.2"));
    expect(&s->heard, "- 10.7.0.1; ");
    expect(&s->heard, "+ 10.8.0.1; ");
    expect(&s->heard, "end; ");
    assert_true(run("ip route add default via 10.7.0.2 table 7"));
    expect_nothing(&s->heard);
    assert_true(run("ip rule add table 7")); /* which no route is */
    expect(&s->heard, "- 10.8.0.1; ");
    expect(&s->heard, "+ 10.7.0.1; ");
    scene_ends(s);
}

/* N1: more was told than there was room for. */
static void n1_an_overrun_is_a_change(void **state)
{
    (void)state;
    need_network();
    scene *s = scene_gathers(defaults);
    atomic_store(&overrun, true);
    assert_true(run("ip addr add 10.7.1.1/24 dev eth0"));
    expect(&s->heard, "gathering; + 10.7.1.1; complete; end; ");
    assert_false(atomic_load(&overrun));
    scene_ends(s);
}

/* N1: where nothing tells of changes one looks, and says so. */
static void n1_without_word_of_changes_one_looks(void **state)
{
    (void)state;
    need_network();
    atomic_store(&deaf, true);
    scene *s = scene_gathers(defaults);
    expect(&s->warned, "listed every 2 s");
    assert_true(run("ip addr add 10.7.1.1/24 dev eth0"));
    expect(&s->heard, "gathering; + 10.7.1.1; complete; end; ");
    assert_int_equal(floe_api_on_network_change(s->api, on_network, &s->heard), FLOE_OK);
    (void)usleep(300000);
    assert_true(run("ip addr add 10.7.3.1/24 dev eth0"));
    expect(&s->heard, "added eth0 10.7.3.1; ");
    atomic_store(&deaf, false);
    (void)usleep(2500000); /* from now on something does */
    assert_true(run("ip addr add 10.7.2.1/24 dev eth0"));
    expect(&s->heard, "+ 10.7.2.1; ");
    scene_ends(s);
}

/* N0: Android's netlink is neither bound nor asked for links; and a sandbox has none. */
static void n0_what_netlink_does_not_say_is_asked_elsewhere(void **state)
{
    atomic_bool *const ways[] = {&android, &none};

    (void)state;
    need_network();
    assert_true(run("ip addr add fd07::1/64 dev eth0 nodad && ip link set lo up"));
    for (size_t i = 0; i < 2; i++) {
        atomic_store(ways[i], true);
        scene *s = scene_begin(defaults);
        floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
        options.continual = true;
        assert_int_equal(floe_gatherer_new(s->api, &options, &s->gatherer), FLOE_OK);
        (void)floe_gatherer_on_local_candidate(s->gatherer, on_candidate, &s->heard);
        (void)floe_gatherer_on_candidate_withdrawn(s->gatherer, on_withdrawn, &s->heard);
        assert_int_equal(floe_gatherer_gather(s->gatherer), FLOE_OK);
        expect(&s->heard, "+ fd07::1; + 10.7.0.1; end; ");
        expect(&s->warned, "listed every 2 s");
        assert_true(run("ip addr add 10.7.1.1/24 dev eth0"));
        expect(&s->heard, "+ 10.7.1.1; end; ");
        assert_true(run("ip addr add fd07::2/64 dev eth0"));
        expect(&s->heard, "+ fd07::2; end; ");
        assert_true(run("ip link set eth0 down"));
        expect(&s->heard, "- 10.7.1.1; ");
        scene_ends(s);
        atomic_store(ways[i], false);
        assert_true(run("ip link set eth0 up; ip addr del 10.7.1.1/24 dev eth0; "
                        "ip addr flush scope global dev eth0; ip addr add 10.7.0.1/24 dev eth0; "
                        "ip addr add fd07::1/64 dev eth0 nodad; "
                        "until ip -br link show eth0 | grep -q ' UP '; do sleep 0.01; done"));
    }
}

/* N1: who hears of changes is freed amid them, and another begins. */
static void n1_changes_amid_which_gatherers_end(void **state)
{
    (void)state;
    need_network();
    for (int i = 0; i < 20; i++) {
        scene *s = scene_gathers(defaults);
        assert_true(run("ip addr add 10.7.1.1/24 dev eth0"));
        (void)usleep((useconds_t)(i * 7000));
        floe_gatherer_free(s->gatherer);
        assert_true(run("ip addr del 10.7.1.1/24 dev eth0"));
        scene_ends(s);
    }
}

/* ── The owner ── */

/* N3: which interface, which address, what changed. */
static void n3_the_owner_hears_of_changes(void **state)
{
    (void)state;
    need_network();
    scene *s = scene_begin(defaults);
    assert_int_equal(floe_api_on_network_change(NULL, on_network, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_api_on_network_change(s->api, on_network, &s->heard), FLOE_OK);
    expect_nothing(&s->heard);
    assert_true(run("ip addr add 10.7.1.1/24 dev eth0"));
    expect(&s->heard, "added eth0 10.7.1.1; ");
    assert_true(run("ip addr del 10.7.1.1/24 dev eth0"));
    expect(&s->heard, "removed eth0 10.7.1.1; ");
    assert_true(run("ip link set eth0 down"));
    expect(&s->heard, "changed eth0 10.7.0.1 down; ");
    assert_true(run("ip link set eth0 name lan0"));
    expect(&s->heard, "changed lan0 10.7.0.1 down; ");
    assert_true(run("ip link set lan0 up"));
    expect(&s->heard, "changed lan0 10.7.0.1; ");
    assert_true(run("ip addr add fd07::1/64 dev lan0"));
    expect(&s->heard, "added lan0 fd07::1 tentative; ");
    expect(&s->heard, "changed lan0 fd07::1; ");
    assert_int_equal(floe_api_on_network_change(s->api, NULL, NULL), FLOE_OK);
    assert_true(run("ip addr add 10.7.1.1/24 dev lan0"));
    expect_nothing(&s->heard);
    assert_int_equal(floe_api_on_network_change(s->api, on_network, &s->heard), FLOE_OK);
    expect_nothing(&s->heard);
    assert_true(run("ip addr add 10.7.2.1/24 dev lan0"));
    expect(&s->heard, "added lan0 10.7.2.1; ");
    scene_ends(s);
}

/* N3, N5 */
static void n3_the_owner_hears_of_the_default_route(void **state)
{
    floe_settings settings = defaults;

    (void)state;
    need_network();
    settings.ip_handling = FLOE_IP_HANDLING_DEFAULT_ROUTE_ONLY;
    scene *s = scene_begin(settings);
    assert_int_equal(floe_api_on_network_change(s->api, on_network, &s->heard), FLOE_OK);
    expect_nothing(&s->heard);
    assert_true(run("ip route add default via 10.7.0.2"));
    expect(&s->heard, "changed eth0 10.7.0.1 default; ");
    scene_ends(s);
}

typedef struct slow {
    atomic_bool runs;
    atomic_uint calls;
} slow;

static void on_network_slowly(void *data, const floe_network_change *change)
{
    slow *of = data;

    (void)change;
    atomic_store(&of->runs, true);
    atomic_fetch_add(&of->calls, 1);
    (void)usleep(300000);
    atomic_store(&of->runs, false);
}

/* N3: once another function is set, or none, the former one runs no more. */
static void n3_a_handler_that_was_replaced_has_ended(void **state)
{
    slow of = {0};

    (void)state;
    need_network();
    scene *s = scene_begin(defaults);
    assert_int_equal(floe_api_on_network_change(s->api, on_network_slowly, &of), FLOE_OK);
    (void)usleep(200000);
    assert_true(run("ip addr add 10.7.1.1/24 dev eth0; ip addr add 10.7.2.1/24 dev eth0"));
    while (!atomic_load(&of.runs)) {
        (void)usleep(1000);
    }
    assert_int_equal(floe_api_on_network_change(s->api, NULL, NULL), FLOE_OK);
    assert_false(atomic_load(&of.runs));
    assert_int_equal(atomic_load(&of.calls), 1);
    scene_ends(s);
}

static void on_network_frees(void *data, const floe_network_change *change)
{
    scene *of = data;

    (void)change;
    floe_api *api = of->api;
    of->api = NULL;
    say(&of->heard, "freed; ");
    floe_api_free(api);
}

/* L7: in any callback, this one too; nothing is called afterwards. */
static void n3_the_api_is_freed_in_the_handler(void **state)
{
    (void)state;
    need_network();
    scene *s = scene_begin(defaults);
    assert_int_equal(floe_api_on_network_change(s->api, on_network_frees, s), FLOE_OK);
    (void)usleep(200000);
    assert_true(run("ip addr add 10.7.1.1/24 dev eth0; ip addr add 10.7.2.1/24 dev eth0"));
    expect(&s->heard, "freed; ");
    for (int i = 0; i < 500 && memory_live() != 0; i++) {
        (void)usleep(10000);
    }
    expect_nothing(&s->heard);
    scene_ends(s);
}

static void n3_changes_have_names(void **state)
{
    (void)state;
    assert_string_equal(floe_network_change_name(FLOE_NETWORK_ADDED), "added");
    assert_string_equal(floe_network_change_name(FLOE_NETWORK_REMOVED), "removed");
    assert_string_equal(floe_network_change_name(FLOE_NETWORK_CHANGED), "changed");
    assert_string_equal(floe_network_change_name((floe_network_change_kind)7), "");
}

int main(void)
{
#define ON_A_CABLE(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        ON_A_CABLE(n1_the_kernel_tells_of_changes),
        ON_A_CABLE(n2_tentative_until_the_kernel_says_so),
        ON_A_CABLE(n5_the_default_route_moves),
        ON_A_CABLE(n1_an_overrun_is_a_change),
        ON_A_CABLE(n1_without_word_of_changes_one_looks),
        ON_A_CABLE(n0_what_netlink_does_not_say_is_asked_elsewhere),
        ON_A_CABLE(n1_changes_amid_which_gatherers_end),
        ON_A_CABLE(n3_the_owner_hears_of_changes),
        ON_A_CABLE(n3_the_owner_hears_of_the_default_route),
        ON_A_CABLE(n3_a_handler_that_was_replaced_has_ended),
        ON_A_CABLE(n3_the_api_is_freed_in_the_handler),
        cmocka_unit_test(n3_changes_have_names),
    };

    there_is_one = own_network_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A machine that sleeps: the clock that goes on meanwhile does so by this program's word, and the
 * kernel's, that it has woken, comes by it too. That what is kept alive is asked for shows in its
 * candidate, as each answer of the server names another address. */
#include "support.h"

#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <floe/floe.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static atomic_int slept; /* seconds */
static atomic_int watched = -1;
static atomic_uint looks;        /* at the clock */
static atomic_bool tells = true; /* there is somebody who tells of waking */

#pragma GCC visibility push(default)
#pragma GCC diagnostic ignored "-Wpedantic"

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);

    atomic_fetch_add(&looks, clock == CLOCK_BOOTTIME);
    if (result == 0 && clock == CLOCK_BOOTTIME) {
        now->tv_sec += atomic_load(&slept);
    }
    return result;
}

int timerfd_create(clockid_t clock, int flags)
{
    int made = -1;

    assert_int_equal(clock, CLOCK_REALTIME);
    assert_true((flags & TFD_CLOEXEC) != 0);
    errno = ENOSYS;
    if (atomic_load(&tells)) {
        made = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        atomic_store(&watched, made);
    }
    return made;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *was)
{
    (void)to;
    (void)was;
    assert_int_equal(fd, atomic_load(&watched));
    assert_int_equal(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
    return 0;
}

#pragma GCC visibility pop

static void sleep_for(int seconds)
{
    uint64_t one = 1;

    atomic_fetch_add(&slept, seconds);
    if (atomic_load(&tells)) {
        assert_int_equal(write(atomic_load(&watched), &one, sizeof one), sizeof one);
    }
}

/* The word of it is not taken yet. */
static bool waits(void)
{
    struct pollfd polled = {.fd = atomic_load(&watched), .events = POLLIN};

    return poll(&polled, 1, 0) > 0;
}

typedef struct owner {
    atomic_uint ended;
    atomic_uint withdrawn;
} owner;

static void on_candidate(void *data, const floe_candidate *candidate)
{
    owner *o = data;

    atomic_fetch_add(&o->ended, candidate == NULL);
}

static void on_withdrawn(void *data, const floe_candidate *candidate)
{
    owner *o = data;

    assert_int_equal(candidate->type, FLOE_CANDIDATE_TYPE_SRFLX);
    atomic_fetch_add(&o->withdrawn, 1);
}

/* A minute is for ever. */
static void wait_for(atomic_uint *count, unsigned wanted)
{
    for (int i = 0; atomic_load(count) < wanted; i++) {
        assert_true(i < 60000);
        (void)usleep(1000);
    }
}

static void begin(floe_api *api, uint16_t port, owner *o, floe_gatherer **gatherer)
{
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    char url[64];
    const char *urls[] = {url};

    (void)snprintf(url, sizeof url, "stun:127.0.0.1:%u", port);
    server.urls = urls;
    server.url_count = 1;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    assert_int_equal(floe_gatherer_new(api, &options, gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_on_local_candidate(*gatherer, on_candidate, o), FLOE_OK);
    assert_int_equal(floe_gatherer_on_candidate_withdrawn(*gatherer, on_withdrawn, o), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(*gatherer), FLOE_OK);
}

static floe_gatherer *gather(floe_api **api, owner *o)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_gatherer *gatherer = NULL;

    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    settings.keepalive_ms = 3600000; /* the most */
    assert_int_equal(floe_api_new(&settings, api), FLOE_OK);
    begin(*api, test_server_port, o, &gatherer);
    wait_for(&o->ended, 1);
    return gatherer;
}

static void end(floe_api *api, floe_gatherer *gatherer)
{
    floe_gatherer_free(gatherer);
    floe_api_free(api);
    assert_int_equal(memory_live(), 0);
}

static void n4_awake_again_it_asks_at_once(void **state)
{
    owner o = {0};
    floe_api *api;
    floe_gatherer *gatherer = gather(&api, &o);

    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        sleep_for(90);
        wait_for(&o.withdrawn, i);
    }
    end(api, gatherer);
}

/* No sleep of these is long, but together they are. */
static void n4_what_comes_due_in_sleep_is_done_when_awake(void **state)
{
    owner o = {0};
    floe_api *api;
    floe_gatherer *gatherer = gather(&api, &o);

    (void)state;
    for (int i = 0; i < 1810; i++) {
        sleep_for(2);
        while (waits()) { /* until it is noticed, so that they do not add up to a long one */
            (void)usleep(100);
        }
        assert_true(i >= 1795 || atomic_load(&o.withdrawn) == 0);
    }
    wait_for(&o.withdrawn, 1);
    end(api, gatherer);
}

/* Where nothing tells of it the next timer does, whosever that is. */
static void n4_without_word_of_it_a_timer_finds_out(void **state)
{
    owner o = {0};
    owner of_other = {0};
    floe_api *api;
    floe_gatherer *other;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof name;
    int silent = socket(AF_INET, SOCK_DGRAM, 0);

    (void)state;
    assert_int_equal(bind(silent, (struct sockaddr *)&name, size), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&name, &size), 0);
    atomic_store(&tells, false);
    floe_gatherer *gatherer = gather(&api, &o);
    sleep_for(90);
    assert_int_equal(atomic_load(&o.withdrawn), 0);
    begin(api, ntohs(name.sin_port), &of_other, &other);
    wait_for(&o.withdrawn, 1);
    floe_gatherer_free(other);
    end(api, gatherer);
    (void)close(silent);
    atomic_store(&tells, true);
}

/* A loop that comes before its time comes again and again until it is: it would look at the clock
 * without end. */
static void an_idle_loop_sleeps_until_something_is_due(void **state)
{
    owner o = {0};
    owner of_other = {0};
    floe_api *api;
    floe_gatherer *other;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof name;
    char packet[100];
    int silent = socket(AF_INET, SOCK_DGRAM, 0);

    (void)state;
    assert_int_equal(bind(silent, (struct sockaddr *)&name, size), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&name, &size), 0);
    floe_gatherer *gatherer = gather(&api, &o);
    begin(api, ntohs(name.sin_port), &of_other, &other);
    assert_true(recv(silent, packet, sizeof packet, 0) > 0);
    unsigned before = atomic_load(&looks);
    for (int i = 0; i < 2; i++) { /* sent again after half a second, and after one */
        assert_true(recv(silent, packet, sizeof packet, 0) > 0);
    }
    assert_in_range(atomic_load(&looks) - before, 1, 60);
    floe_gatherer_free(other);
    end(api, gatherer);
    (void)close(silent);
}

/* What was sent, and came back, by what the trace says. */
typedef struct traced {
    owner of;
    unsigned sent;
    unsigned came; /* as ICMP, or as an answer */
    unsigned back; /* how often the time of an event was before that of the one before */
    uint64_t latest;
} traced;

/* The ICMP of the first request and the answer to the second wait together when the sockets are looked at, as the
 * loop stands still behind each: less than would have it read sockets before it looks at its timers (L14). */
static void on_trace(void *data, const floe_trace_event *event)
{
    traced *t = data;

    t->back += event->elapsed.ns < t->latest;
    t->latest = event->elapsed.ns;
    t->came += event->kind == FLOE_TRACE_UNREACHABLE || event->kind == FLOE_TRACE_RECEIVED;
    if (event->kind == FLOE_TRACE_SENT) {
        t->sent++;
        (void)usleep(10000);
    }
}

/* An ICMP error is told at the time at which it is heard, a datagram at that of the look at the socket. */
static void a_core_is_told_no_earlier_time_than_before(void **state)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_api *api;
    floe_gatherer *gatherer;
    traced t = {0};
    char url[64];
    const char *urls[] = {"stun:127.0.0.1:9", url};

    (void)state;
    (void)snprintf(url, sizeof url, "stun:127.0.0.1:%u", test_server_port);
    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    settings.on_trace = on_trace;
    settings.trace_user_data = &t;
    settings.trace_level = FLOE_TRACE_LEVEL_PACKET;
    server.urls = urls;
    server.url_count = 2;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
    for (unsigned i = 0; i < 5; i++) {
        t.latest = 0;
        atomic_store(&t.of.ended, 0);
        assert_int_equal(floe_gatherer_new(api, &options, &gatherer), FLOE_OK);
        assert_int_equal(floe_gatherer_on_local_candidate(gatherer, on_candidate, &t.of), FLOE_OK);
        assert_int_equal(floe_gatherer_gather(gatherer), FLOE_OK);
        wait_for(&t.of.ended, 1);
        floe_gatherer_free(gatherer);
    }
    floe_api_free(api);
    assert_int_equal(memory_live(), 0);
    assert_true(t.sent >= 10);
    assert_true(t.came >= 10);
    assert_int_equal(t.back, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(n4_awake_again_it_asks_at_once),
        cmocka_unit_test(n4_what_comes_due_in_sleep_is_done_when_awake),
        cmocka_unit_test(n4_without_word_of_it_a_timer_finds_out),
        cmocka_unit_test(an_idle_loop_sleeps_until_something_is_due),
        cmocka_unit_test(a_core_is_told_no_earlier_time_than_before),
    };
    return cmocka_run_group_tests_name("clock", tests, test_server_start, test_server_stop);
}

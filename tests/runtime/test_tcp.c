/* Candidates for TCP on real sockets: two gatherers on loopback, and strangers who connect. */
#include "support.h"

#include "base/memory.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <errno.h>
#include <floe/floe.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

typedef struct side {
    floe_gatherer *gatherer;
    const char *ip;
    uint32_t active;
    uint32_t passive;
    uint32_t so;
    floe_address address; /* of the passive one */
    bool complete;
    bool closed;
    bool answers;
    unsigned packets;
    unsigned checks; /* of them, that are of who knows us */
    unsigned unreached;
    size_t bytes;
    uint32_t sum; /* of all bytes */
    uint32_t last_id;
    floe_address last_peer;
    bool writable;
} side;

typedef struct pair {
    uv_loop_t loop;
    floe_api *api;
    side a;
    side b;
} pair;

static unsigned accepts; /* of the test's own loop, so of one thread */

#pragma GCC visibility push(default)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" /* of the address GNU's has a union */

int accept4(int fd, struct sockaddr *from, socklen_t *size, int flags)
{
    accepts++;
    return (int)syscall(SYS_accept4, fd, from, size, flags);
}

#pragma GCC diagnostic pop
#pragma GCC visibility pop

static uint32_t sum_of(const uint8_t *data, size_t size)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < size; i++) {
        sum = sum * 31 + data[i];
    }
    return sum;
}

static void on_packet(void *data, const floe_packet *packet)
{
    side *s = data;

    s->packets++;
    s->bytes += packet->size;
    s->sum += sum_of(packet->data, packet->size);
    s->last_id = packet->candidate_id;
    s->last_peer = packet->peer;
    if (packet->check != NULL) {
        s->checks += packet->check->authenticated;
        if (s->answers) {
            assert_int_equal(floe_gatherer_answer_check(s->gatherer, packet, 0), FLOE_OK);
        }
    }
}

static void on_candidate(void *data, const floe_candidate *candidate)
{
    side *s = data;

    if (candidate == NULL) {
        s->complete = true;
    } else if (candidate->tcp_type == FLOE_TCP_TYPE_ACTIVE &&
               strcmp(candidate->address, s->ip) == 0) {
        s->active = candidate->id;
    } else if (candidate->tcp_type == FLOE_TCP_TYPE_SO && strcmp(candidate->address, s->ip) == 0) {
        s->so = candidate->id;
    } else if (candidate->tcp_type == FLOE_TCP_TYPE_PASSIVE &&
               strcmp(candidate->address, s->ip) == 0) {
        s->passive = candidate->id;
        assert_int_equal(floe_candidate_address(candidate, &s->address), FLOE_OK);
    }
}

static void on_writable(void *data, uint32_t id)
{
    (void)id;
    ((side *)data)->writable = true;
}

static void on_unreachable(void *data, uint32_t id, const floe_address *peer,
                           floe_unreachable reason)
{
    (void)id;
    (void)peer;
    assert_int_equal(reason, FLOE_UNREACHABLE_PORT);
    ((side *)data)->unreached++;
}

static void turn(pair *p)
{
    (void)uv_run(&p->loop, UV_RUN_NOWAIT);
    (void)usleep(100);
}

/* Until the expression is true; what hangs fails after a minute. */
#define TURN_UNTIL(p, what)                                                                        \
    for (uint64_t began = uv_hrtime(); !(what);) {                                                 \
        turn(p);                                                                                   \
        if (uv_hrtime() - began > 60000000000U) {                                                  \
            fail_msg("waited in vain for " #what);                                                 \
        }                                                                                          \
    }

static void begin(side *s, floe_api *api, const char *ip)
{
    memset(s, 0, sizeof *s);
    s->ip = ip;
    s->answers = true;
    assert_int_equal(floe_gatherer_new(api, NULL, &s->gatherer), FLOE_OK);
    (void)floe_gatherer_on_local_candidate(s->gatherer, on_candidate, s);
    (void)floe_gatherer_on_packet(s->gatherer, on_packet, s);
    (void)floe_gatherer_on_writable(s->gatherer, on_writable, s);
    (void)floe_gatherer_on_unreachable(s->gatherer, on_unreachable, s);
    assert_int_equal(floe_gatherer_gather(s->gatherer), FLOE_OK);
}

static void make_with(pair *p, const char *ip, uint32_t types, bool simultaneous)
{
    floe_settings settings = FLOE_SETTINGS_INIT;

    assert_int_equal(uv_loop_init(&p->loop), 0);
    settings.loop = &p->loop;
    settings.loopback = true;
    settings.network_types = types;
    settings.tcp_simultaneous_open = simultaneous;
    assert_int_equal(floe_api_new(&settings, &p->api), FLOE_OK);
    begin(&p->a, p->api, ip);
    begin(&p->b, p->api, ip);
    TURN_UNTIL(p, p->a.complete && p->b.complete);
}

static void make(pair *p, const char *ip, uint32_t types)
{
    make_with(p, ip, types, false);
}

static void unmake(pair *p)
{
    floe_gatherer_free(p->a.gatherer);
    floe_gatherer_free(p->b.gatherer);
    floe_api_free(p->api);
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&p->loop), 0);
}

/* A check that this gatherer will believe, or one signed with another password. */
static floe_span check_for(const side *to, uint8_t *bytes, size_t size, bool good)
{
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_stun_key *key = NULL;
    const floe_stun_id id = {{9}};
    char name[300];

    assert_int_equal(floe_gatherer_get_local_parameters(to->gatherer, &parameters), FLOE_OK);
    assert_int_equal(floe_stun_key_short_term(&floe_default_allocator,
                                              floe_span_text(good ? parameters.password : "wrong"),
                                              &key),
                     FLOE_OK);
    (void)snprintf(name, sizeof name, "%s:them", parameters.username_fragment);
    floe_stun_writer writer =
        floe_stun_begin(bytes, size, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(name));
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_put_fingerprint(&writer);
    floe_stun_key_release(key);
    return floe_stun_written(&writer);
}

static void exchange(pair *p)
{
    static uint8_t data[65507];
    uint8_t check[512];
    uint32_t sum = 0;
    size_t size = 0;
    unsigned count = 0;

    floe_span request = check_for(&p->b, check, sizeof check, true);
    assert_int_equal(floe_gatherer_send(p->b.gatherer, p->b.passive, &p->a.address, "x", 1),
                     FLOE_ERR_NOT_CONNECTED);
    assert_int_equal(
        floe_gatherer_send(p->a.gatherer, p->a.active, &p->b.address, request.data, request.size),
        FLOE_OK);
    TURN_UNTIL(p, p->a.packets == 1); /* the answer */
    assert_int_equal(p->b.checks, 1);
    assert_int_equal(p->b.last_id, p->b.passive);
    assert_int_equal(p->a.last_id, p->a.active);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    p->b.bytes = p->b.sum = 0;
    for (size_t each = 1; each <= sizeof data; each += 1 + each / 3) {
        floe_error error;
        do {
            error = floe_gatherer_send(p->a.gatherer, p->a.active, &p->b.address, data, each);
            turn(p);
        } while (error == FLOE_ERR_QUEUE_FULL);
        assert_int_equal(error, FLOE_OK);
        sum += sum_of(data, each);
        size += each;
        count++;
    }
    TURN_UNTIL(p, p->b.packets == 1 + count);
    assert_int_equal(p->b.bytes, size);
    assert_int_equal(p->b.sum, sum);
    p->a.packets = 0;
    assert_int_equal(floe_gatherer_send(p->b.gatherer, p->b.passive, &p->b.last_peer, "back", 4),
                     FLOE_OK);
    TURN_UNTIL(p, p->a.packets == 1);
}

static void h1_between_two_gatherers_by_tcp(void **state)
{
    pair p;

    (void)state;
    make(&p, "127.0.0.1", FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4);
    exchange(&p);
    unmake(&p);
    make(&p, "127.0.0.1", FLOE_NETWORK_TYPE_TCP4);
    exchange(&p);
    unmake(&p);
}

static void h1_by_ipv6(void **state)
{
    pair p;

    (void)state;
    make(&p, "::1", FLOE_NETWORK_TYPE_TCP6);
    if (p.a.passive == 0) {
        unmake(&p);
        skip();
    }
    exchange(&p);
    unmake(&p);
}

/* From the port that listens, and goes on to. */
static void h1_simultaneous_open_from_its_port(void **state)
{
    pair p;
    uint8_t check[512];

    (void)state;
    make_with(&p, "127.0.0.1", FLOE_NETWORK_TYPE_TCP4, true);
    assert_true(p.a.so != 0 && p.b.so != 0);
    floe_span request = check_for(&p.b, check, sizeof check, true);
    assert_int_equal(
        floe_gatherer_send(p.a.gatherer, p.a.so, &p.b.address, request.data, request.size),
        FLOE_OK);
    TURN_UNTIL(&p, p.a.packets == 1);
    assert_int_equal(p.b.last_peer.port, p.a.address.port);
    assert_int_equal(p.a.last_id, p.a.so);
    assert_int_equal(floe_gatherer_send(p.b.gatherer, p.b.so, &p.a.address, "back", 4), FLOE_OK);
    TURN_UNTIL(&p, p.a.packets == 2);
    p.a.packets = p.b.packets = 0;
    request = check_for(&p.a, check, sizeof check, true);
    assert_int_equal(
        floe_gatherer_send(p.b.gatherer, p.b.active, &p.a.address, request.data, request.size),
        FLOE_OK);
    TURN_UNTIL(&p, p.b.packets == 1);
    assert_int_equal(p.a.last_id, p.a.passive);
    unmake(&p);
}

static void h1_nobody_listens(void **state)
{
    pair p;
    floe_address nobody;

    (void)state;
    make(&p, "127.0.0.1", FLOE_NETWORK_TYPE_TCP4);
    nobody = p.b.address;
    floe_gatherer_close(p.b.gatherer);
    turn(&p);
    assert_int_equal(floe_gatherer_send(p.a.gatherer, p.a.active, &nobody, "x", 1), FLOE_OK);
    TURN_UNTIL(&p, p.a.unreached == 1);
    assert_int_equal(floe_gatherer_send(p.a.gatherer, p.a.active, &nobody, "x", 1),
                     FLOE_ERR_NOT_CONNECTED);
    unmake(&p);
}

/* ── Strangers ── */

static int stranger(const side *to)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(to->address.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Whether the other side has ended it. */
static bool is_over(int fd)
{
    char byte;
    ssize_t size = recv(fd, &byte, 1, MSG_DONTWAIT);

    return size == 0 || (size < 0 && errno != EAGAIN);
}

static void say(int fd, const void *data, size_t size)
{
    (void)send(fd, data, size, MSG_NOSIGNAL);
}

static void reset(int fd)
{
    struct linger now = {.l_onoff = 1};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)close(fd);
}

/* H1: whatever they say, or do not, they are let go of, and others are unharmed. */
static void h1_strangers_by_tcp(void **state)
{
    pair p;
    uint8_t check[514];
    int fds[80];

    (void)state;
    make(&p, "127.0.0.1", FLOE_NETWORK_TYPE_TCP4);
    exchange(&p);
    unsigned packets = p.b.packets;
    floe_span wrong = check_for(&p.b, check + 2, sizeof check - 2, false);
    check[0] = 0;
    check[1] = (uint8_t)wrong.size;
    for (int what = 0; what < 4; what++) {
        int fd = stranger(&p.b);
        say(fd,
            what == 0   ? (const void *)"\0\5hello"
            : what == 1 ? "\377\377and so on"
            : what == 2 ? "GET / HTTP/1.1\r\n\r\n"
                        : (const void *)check,
            what == 3   ? wrong.size + 2
            : what == 0 ? 7
                        : 11);
        TURN_UNTIL(&p, is_over(fd));
        (void)close(fd);
    }
    for (size_t size = 0; size < wrong.size + 2; size += 9) { /* gone at each step */
        int fd = stranger(&p.b);
        say(fd, check, size);
        for (int i = 0; i < 3; i++) {
            turn(&p);
        }
        reset(fd);
        turn(&p);
    }
    /* More than may be silent: some are closed at once, and the rest in their time. */
    for (size_t i = 0; i < 80; i++) {
        fds[i] = stranger(&p.b);
        turn(&p);
    }
    for (size_t i = 0; i < 80; i++) {
        TURN_UNTIL(&p, is_over(fds[i]));
        (void)close(fds[i]);
    }
    assert_int_equal(p.b.packets, packets);
    p.a.packets = 0;
    assert_int_equal(floe_gatherer_send(p.b.gatherer, p.b.passive, &p.b.last_peer, "back", 4),
                     FLOE_OK);
    TURN_UNTIL(&p, p.a.packets == 1);
    unmake(&p);
}

/* Who connects before packets are wanted waits until they are. */
static void h1_before_packets_are_wanted(void **state)
{
    pair p;
    uint8_t check[514];

    (void)state;
    make(&p, "127.0.0.1", FLOE_NETWORK_TYPE_TCP4);
    floe_gatherer_free(p.b.gatherer);
    memset(&p.b, 0, sizeof p.b);
    p.b.ip = "127.0.0.1";
    assert_int_equal(floe_gatherer_new(p.api, NULL, &p.b.gatherer), FLOE_OK);
    (void)floe_gatherer_on_local_candidate(p.b.gatherer, on_candidate, &p.b);
    assert_int_equal(floe_gatherer_gather(p.b.gatherer), FLOE_OK);
    TURN_UNTIL(&p, p.b.complete);
    int fd = stranger(&p.b);
    floe_span right = check_for(&p.b, check + 2, sizeof check - 2, true);
    check[0] = 0;
    check[1] = (uint8_t)right.size;
    say(fd, check, right.size + 2);
    for (int i = 0; i < 100; i++) {
        turn(&p);
    }
    assert_false(is_over(fd));
    (void)floe_gatherer_on_packet(p.b.gatherer, on_packet, &p.b);
    TURN_UNTIL(&p, p.b.checks == 1);
    (void)close(fd);
    unmake(&p);
}

/* Who connects while there are no descriptors is let in once there are. */
static void h1_without_descriptors(void **state)
{
    struct rlimit before;
    struct rlimit none;
    pair p;
    uint8_t check[514];

    (void)state;
    make(&p, "127.0.0.1", FLOE_NETWORK_TYPE_TCP4);
    floe_span right = check_for(&p.b, check + 2, sizeof check - 2, true);
    check[0] = 0;
    check[1] = (uint8_t)right.size;
    int fd = stranger(&p.b);
    say(fd, check, right.size + 2);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)fd;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    accepts = 0;
    for (int i = 0; i < 500; i++) {
        turn(&p);
    }
    assert_true(accepts > 0 && accepts < 250); /* it is not tried in each turn */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(p.b.checks, 0);
    TURN_UNTIL(&p, p.b.checks == 1);
    (void)close(fd);
    unmake(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h1_between_two_gatherers_by_tcp),
        cmocka_unit_test(h1_by_ipv6),
        cmocka_unit_test(h1_simultaneous_open_from_its_port),
        cmocka_unit_test(h1_nobody_listens),
        cmocka_unit_test(h1_strangers_by_tcp),
        cmocka_unit_test(h1_before_packets_are_wanted),
        cmocka_unit_test(h1_without_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

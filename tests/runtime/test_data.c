/* Data on candidates through real sockets (K1, K2): between two gatherers on loopback; every
 * callback and a close in the same instant; several threads. */
#include "support.h"

#include "turn.h"

#include "base/memory.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <floe/floe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#ifdef __linux__
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#endif

typedef enum side_action {
    NOTHING,
    CLOSE,
    GRACEFUL_CLOSE,
    FREE,
    RESTART,
    GATHER,
    NO_HANDLER,
    SEND,
    FREE_API,
    ACTIONS,
} side_action;

typedef struct side {
    floe_api *api;
    floe_gatherer *gatherer;
    struct side *other;
    uint32_t id; /* of its host candidate on 127.0.0.1 */
    floe_address address;
    atomic_bool complete; /* id and address are told */
    bool closed;
    atomic_bool writable;
    atomic_bool unreached;
    floe_unreachable reason;
    atomic_uint packets;
    size_t bytes;
    uint32_t last_id;
    floe_address last_peer;
    char last[64];
    side_action action; /* with packet number `at` */
    unsigned at;
    bool over;       /* no packet may come any more */
    uint16_t answer; /* code; 1: does not answer checks */
    bool authenticated;
    char remote_fragment[257];
} side;

static void act(side *s)
{
    switch (s->action) {
    case CLOSE:
        assert_int_equal(floe_gatherer_close(s->gatherer), FLOE_OK);
        s->over = true;
        break;
    case GRACEFUL_CLOSE:
        assert_int_equal(floe_gatherer_graceful_close(s->gatherer), FLOE_ERR_WOULD_DEADLOCK);
        s->over = true;
        break;
    case FREE:
        floe_gatherer_free(s->gatherer);
        s->gatherer = NULL;
        s->over = true;
        break;
    case RESTART:
        assert_int_equal(floe_gatherer_restart(s->gatherer), FLOE_OK);
        break;
    case GATHER:
        assert_int_equal(floe_gatherer_gather(s->gatherer), FLOE_OK);
        break;
    case NO_HANDLER:
        assert_int_equal(floe_gatherer_on_packet(s->gatherer, NULL, NULL), FLOE_OK);
        s->over = true;
        break;
    case SEND:
        (void)floe_gatherer_send(s->gatherer, s->id, &s->last_peer, "back", 4);
        break;
    case FREE_API:
        floe_api_free(s->api);
        s->api = NULL;
        s->gatherer = s->other->gatherer = NULL;
        s->over = s->other->over = true;
        break;
    default:
        break;
    }
}

static void on_packet(void *data, const floe_packet *packet)
{
    side *s = data;

    assert_false(s->over || s->closed);
    s->bytes += packet->size;
    s->last_id = packet->candidate_id;
    s->last_peer = packet->peer;
    memcpy(s->last, packet->data, packet->size < sizeof s->last ? packet->size : sizeof s->last);
    if (packet->check != NULL && s->answer != 1) {
        s->authenticated = packet->check->authenticated;
        (void)snprintf(s->remote_fragment, sizeof s->remote_fragment, "%s",
                       packet->check->remote_username_fragment);
        assert_int_equal(floe_gatherer_answer_check(s->gatherer, packet, s->answer), FLOE_OK);
    }
    if (atomic_fetch_add(&s->packets, 1) + 1 == s->at) {
        act(s);
    }
}

static void on_candidate(void *data, const floe_candidate *candidate)
{
    side *s = data;

    if (candidate == NULL) {
        atomic_store(&s->complete, true);
    } else if (strcmp(candidate->address, "127.0.0.1") == 0) {
        assert_int_equal(floe_address_parse(candidate->address, &s->address), FLOE_OK);
        s->address.port = candidate->port;
        s->id = candidate->id;
    }
}

static void on_state(void *data, enum floe_gatherer_state state)
{
    side *s = data;

    s->closed = s->closed || state == FLOE_GATHERER_STATE_CLOSED;
}

static void on_unreachable(void *data, uint32_t candidate_id, const floe_address *peer,
                           floe_unreachable reason)
{
    side *s = data;

    assert_int_equal(candidate_id, s->id);
    s->last_peer = *peer;
    s->reason = reason;
    atomic_store(&s->unreached, true);
}

static void on_writable(void *data, uint32_t candidate_id)
{
    side *s = data;

    (void)candidate_id;
    atomic_store(&s->writable, true);
}

static void begin(side *s, floe_api *api, side *other)
{
    memset(s, 0, sizeof *s);
    s->api = api;
    s->other = other;
    s->answer = 1;
    assert_int_equal(floe_gatherer_new(api, NULL, &s->gatherer), FLOE_OK);
    (void)floe_gatherer_on_local_candidate(s->gatherer, on_candidate, s);
    (void)floe_gatherer_on_state_change(s->gatherer, on_state, s);
    (void)floe_gatherer_on_packet(s->gatherer, on_packet, s);
    (void)floe_gatherer_on_writable(s->gatherer, on_writable, s);
    assert_int_equal(floe_gatherer_gather(s->gatherer), FLOE_OK);
}

typedef struct pair {
    uv_loop_t loop;
    floe_api *api;
    side a;
    side b;
} pair;

static void make_with(pair *p, const floe_settings *given)
{
    floe_settings settings = *given;

    assert_int_equal(uv_loop_init(&p->loop), 0);
    settings.loop = &p->loop;
    settings.loopback = true;
    assert_int_equal(floe_api_new(&settings, &p->api), FLOE_OK);
    begin(&p->a, p->api, &p->b);
    begin(&p->b, p->api, &p->a);
    turn_until(&p->loop, &p->a.complete);
    turn_until(&p->loop, &p->b.complete);
    assert_true(p->a.id != 0 && p->b.id != 0);
}

static void make(pair *p, uint32_t queue)
{
    floe_settings settings = FLOE_SETTINGS_INIT;

    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    settings.send_queue_size = queue;
    make_with(p, &settings);
}

static void unmake(pair *p)
{
    floe_gatherer_free(p->a.gatherer);
    floe_gatherer_free(p->b.gatherer);
    if (p->a.api != NULL && p->b.api != NULL) {
        floe_api_free(p->api);
    }
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&p->loop), 0);
}

static floe_error send_to(side *from, const side *to, const void *data, size_t size)
{
    return floe_gatherer_send(from->gatherer, from->id, &to->address, data, size);
}

/* Of every size, alone and in runs that the kernel takes as one (UDP_SEGMENT), with a shorter last.
 */
static void k1_packets_of_every_size(void **state)
{
    static uint8_t bytes[65507];
    pair p;
    size_t sent = 0;
    unsigned count = 0;

    (void)state;
    make(&p, 0);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    for (size_t size = 0; size < 1500; size += 13) {
        for (int i = 0; i < 3; i++) {
            assert_int_equal(send_to(&p.a, &p.b, bytes, i < 2 ? size : size / 2), FLOE_OK);
            sent += i < 2 ? size : size / 2;
            count++;
        }
        turn_until_packets(&p.loop, &p.b.packets, count);
    }
    assert_int_equal(send_to(&p.a, &p.b, bytes, sizeof bytes), FLOE_OK);
    turn_until_packets(&p.loop, &p.b.packets, count + 1);
    assert_int_equal(p.b.bytes, sent + sizeof bytes);
    assert_memory_equal(p.b.last, bytes, sizeof p.b.last);
    assert_int_equal(p.b.last_id, p.b.id);
    assert_int_equal(p.b.last_peer.port, p.a.address.port);
    unmake(&p);
}

#if defined __linux__ && defined UDP_GRO
static atomic_uint refused; /* for another reason than want of room */
static unsigned calls;      /* of the test's own loop, so of one thread */
static size_t cut_most;     /* of how many bytes a datagram was that went with others as one */
static int cut_error;       /* what is said of one piece for many datagrams; 0: it is taken */
static size_t cut_from;     /* where they are of so many bytes or more */
static unsigned fails;      /* so many calls more fail, whatever they are of */

/* 0: it is one datagram. */
static size_t size_of_each(const struct msghdr *message)
{
    uint16_t size = 0;

    if (message->msg_controllen > 0) {
        memcpy(&size, CMSG_DATA(CMSG_FIRSTHDR(message)), sizeof size);
    }
    return size;
}

#pragma GCC visibility push(default)

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    size_t each = size_of_each(&messages[0].msg_hdr);

    calls++;
    if (fails > 0) {
        fails--;
        errno = cut_error;
        return -1;
    }
    if (each > 0 && cut_error != 0 && each >= cut_from) {
        errno = cut_error;
        return -1;
    }
    cut_most = each > cut_most ? each : cut_most;
    int sent = (int)syscall(SYS_sendmmsg, fd, messages, count, flags);

    atomic_fetch_add(&refused, sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR);
    return sent;
}

#pragma GCC visibility pop

/* The socket of the candidate is asked to hand over several datagrams as one. */
static bool hands_over_many(const side *s)
{
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in local;
        socklen_t size = sizeof local;
        int on = 0;
        socklen_t on_size = sizeof on;
        if (getsockname(fd, (struct sockaddr *)&local, &size) == 0 && local.sin_family == AF_INET &&
            ntohs(local.sin_port) == s->address.port) {
            return getsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, &on_size) == 0 && on == 1;
        }
    }
    return false;
}

/* The kernel takes and gives many at once, and is given no more than it takes (K3). */
static void k3_the_kernel_takes_and_gives_many_at_once(void **state)
{
    static const uint8_t bytes[2600];
    pair p;

    (void)state;
    if (!MANY_AT_ONCE) {
        skip();
    }
    make(&p, 1U << 20);
    atomic_store(&refused, 0);
    for (unsigned round = 1; round <= 1000 && (round < 4 || !hands_over_many(&p.b)); round++) {
        for (unsigned i = 0; i < 30; i++) {
            assert_int_equal(send_to(&p.a, &p.b, bytes, sizeof bytes), FLOE_OK);
        }
        turn_until_packets(&p.loop, &p.b.packets, 30 * round);
    }
    assert_true(hands_over_many(&p.b));
    assert_false(hands_over_many(&p.a)); /* to which nothing has come */
    assert_int_equal(atomic_load(&refused), 0);
    unmake(&p);
}

static unsigned warnings;
static char warning_of[FLOE_ADDRESS_TEXT_SIZE];

static void on_trace(void *data, const floe_trace_event *event)
{
    (void)data;
    if (event->kind == FLOE_TRACE_WARNING) {
        assert_non_null(strstr(event->detail, "UDP_SEGMENT"));
        (void)floe_address_format_with_port(&event->remote, warning_of, sizeof warning_of);
        warnings++;
    }
}

static void make_traced(pair *p)
{
    floe_settings settings = FLOE_SETTINGS_INIT;

    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    settings.on_trace = on_trace;
    make_with(p, &settings);
    warnings = 0;
    cut_error = 0;
}

/* So many of this size arrive, all. How many calls that took. */
static unsigned send_many(pair *p, size_t size, unsigned count)
{
    static const uint8_t bytes[1500];
    unsigned before = atomic_load(&p->b.packets);

    calls = 0;
    cut_most = 0;
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(send_to(&p->a, &p->b, bytes, size), FLOE_OK);
    }
    turn_until_packets(&p->loop, &p->b.packets, before + count);
    assert_int_equal(atomic_load(&p->b.packets), before + count);
    return calls;
}

/* Where the kernel cuts nothing, or the path takes no datagrams of this size, they go one by one, in one call, and no
 * one asks again: of the smaller ones that it does take many still go as one (K3). */
static void k3_what_the_kernel_does_not_cut_goes_one_by_one(void **state)
{
    char text[FLOE_ADDRESS_TEXT_SIZE];
    pair p;

    (void)state;
    if (!MANY_AT_ONCE) {
        skip();
    }
    make_traced(&p);
    cut_error = EINVAL;
    cut_from = 1300;
    (void)floe_address_format_with_port(&p.b.address, text, sizeof text);
    assert_int_equal(send_many(&p, 1400, 20), 2);
    assert_int_equal(cut_most, 0);
    assert_int_equal(warnings, 1);
    assert_string_equal(warning_of, text);
    assert_int_equal(send_many(&p, 1400, 20), 1);
    assert_int_equal(send_many(&p, 1350, 20), 2);
    assert_int_equal(send_many(&p, 1200, 20), 1);
    assert_int_equal(cut_most, 1200);
    assert_int_equal(warnings, 2);
    cut_error = EIO; /* whatever their size */
    cut_from = 0;
    assert_int_equal(send_many(&p, 1200, 20), 2);
    assert_int_equal(send_many(&p, 100, 20), 1);
    assert_int_equal(warnings, 3);
    unmake(&p);
    make_traced(&p);
    cut_error = EINVAL; /* so it is not for their size */
    cut_from = 0;
    assert_int_equal(send_many(&p, 400, 20), 2);
    assert_int_equal(send_many(&p, 100, 20), 1);
    assert_int_equal(warnings, 1);
    cut_error = 0;
    unmake(&p);
}

/* What comes back for another packet is told with the next send: many still go as one, and none is lost. */
static void k3_an_error_for_another_packet_loses_none_of_many(void **state)
{
    pair p;

    (void)state;
    if (!MANY_AT_ONCE) {
        skip();
    }
    make_traced(&p);
    cut_error = ECONNREFUSED;
    cut_from = SIZE_MAX;
    fails = 1;
    assert_int_equal(send_many(&p, 1200, 20), 2);
    assert_int_equal(cut_most, 1200);
    assert_int_equal(send_many(&p, 1200, 20), 1);
    assert_int_equal(cut_most, 1200);
    assert_int_equal(warnings, 0);
    unmake(&p);
}

/* A packet that does not go is told of, and those behind it go. */
static void k3_those_behind_one_that_cannot_be_sent_go(void **state)
{
    static const uint8_t bytes[1500];
    pair p;

    (void)state;
    if (!MANY_AT_ONCE) {
        skip();
    }
    make_traced(&p);
    (void)floe_gatherer_on_unreachable(p.a.gatherer, on_unreachable, &p.a);
    cut_error = EHOSTUNREACH;
    cut_from = SIZE_MAX;
    fails = 2; /* and once more, as the first may have been for another */
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(send_to(&p.a, &p.b, bytes, 1200), FLOE_OK);
    }
    turn_until_packets(&p.loop, &p.b.packets, 39);
    turn_until(&p.loop, &p.a.unreached);
    assert_int_equal(p.a.reason, FLOE_UNREACHABLE_HOST);
    unmake(&p);
}
#endif

/* What the kernel puts together (UDP_GRO, once data comes in bulk) comes out as it was sent. */
static void k1_packets_in_bulk_stay_packets(void **state)
{
    static const uint8_t bytes[1000];
    size_t sent = 0;
    pair p;

    (void)state;
    make(&p, 1U << 20);
    for (unsigned round = 1; round <= 8; round++) {
        for (unsigned i = 0; i < 60; i++) {
            size_t size = round % 2 == 0 ? sizeof bytes : sizeof bytes - 60 + i; /* each alone */
            assert_int_equal(send_to(&p.a, &p.b, bytes, size), FLOE_OK);
            sent += size;
        }
        turn_until_packets(&p.loop, &p.b.packets, 60 * round);
        assert_int_equal(p.b.bytes, sent);
    }
    unmake(&p);
}

static void k1_what_cannot_be_sent(void **state)
{
    static uint8_t bytes[65508];
    floe_address wrong = {0};
    pair p;

    (void)state;
    make(&p, 0);
    assert_int_equal(send_to(&p.a, &p.b, bytes, sizeof bytes), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_send(p.a.gatherer, 4711, &p.b.address, "x", 1),
                     FLOE_ERR_NOT_FOUND);
    assert_int_equal(floe_gatherer_send(p.a.gatherer, p.a.id, NULL, "x", 1),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_send(p.a.gatherer, p.a.id, &p.b.address, NULL, 1),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_send(NULL, p.a.id, &p.b.address, "x", 1),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_address_parse("::1", &wrong), FLOE_OK);
    wrong.port = 9;
    assert_int_equal(floe_gatherer_send(p.a.gatherer, p.a.id, &wrong, "x", 1),
                     FLOE_ERR_INVALID_ARGUMENT);
    wrong = p.b.address;
    wrong.port = 0;
    assert_int_equal(floe_gatherer_send(p.a.gatherer, p.a.id, &wrong, "x", 1),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_close(p.a.gatherer), FLOE_OK);
    assert_int_equal(send_to(&p.a, &p.b, "x", 1), FLOE_ERR_INVALID_STATE);
    unmake(&p);
}

/* The loop stands still, so the queue fills; once it turns there is room again, and nothing is lost
 * of what was taken. */
static void k1_a_full_queue_says_so_and_when_it_is_not(void **state)
{
    static const uint8_t bytes[1000];
    unsigned taken = 0;
    pair p;

    (void)state;
    make(&p, 16384);
    while (send_to(&p.a, &p.b, bytes, sizeof bytes) == FLOE_OK) {
        taken++;
        assert_true(taken < 100);
    }
    assert_true(taken >= 8);
    assert_int_equal(send_to(&p.a, &p.b, bytes, sizeof bytes), FLOE_ERR_QUEUE_FULL);
    assert_false(atomic_load(&p.a.writable));
    turn_until(&p.loop, &p.a.writable);
    turn_until_packets(&p.loop, &p.b.packets, taken);
    assert_int_equal(send_to(&p.a, &p.b, bytes, sizeof bytes), FLOE_OK);
    unmake(&p);
}

/* What comes back by ICMP, and what the kernel refuses to send (loopback leads nowhere else). */
static void k1_a_peer_that_is_not_reached_is_told(void **state)
{
    floe_address elsewhere = {0};
    pair p;

    (void)state;
    if (!ICMP_IS_HEARD) {
        skip();
    }
    make(&p, 0);
    assert_int_equal(floe_gatherer_on_unreachable(NULL, NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_doubt(NULL, 1), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_on_unreachable(p.a.gatherer, on_unreachable, &p.a), FLOE_OK);
    assert_int_equal(floe_gatherer_doubt(p.a.gatherer, p.a.id), FLOE_OK);
    assert_int_equal(floe_address_parse_with_port("192.0.2.1:9", &elsewhere), FLOE_OK);
    assert_int_equal(floe_gatherer_send(p.a.gatherer, p.a.id, &elsewhere, "x", 1), FLOE_OK);
    turn_until(&p.loop, &p.a.unreached);
    assert_true(floe_address_equal(&p.a.last_peer, &elsewhere));
#ifdef __linux__
    floe_gatherer_free(p.b.gatherer); /* its port is closed */
    p.b.gatherer = NULL;
    for (int i = 0; i < 3; i++) { /* the loop's, until the socket is gone */
        (void)uv_run(&p.loop, UV_RUN_NOWAIT);
    }
    atomic_store(&p.a.unreached, false);
    assert_int_equal(send_to(&p.a, &p.b, "x", 1), FLOE_OK);
    turn_until(&p.loop, &p.a.unreached);
    assert_true(floe_address_equal(&p.a.last_peer, &p.b.address));
    assert_int_equal(p.a.reason, FLOE_UNREACHABLE_PORT);
#endif
    unmake(&p);
}

/* Loopback carries the largest packet whole. */
static void k1_packets_that_nobody_may_fragment(void **state)
{
    static const uint8_t bytes[65507];
    floe_settings settings = FLOE_SETTINGS_INIT;
    pair p;

    (void)state;
    settings.dont_fragment = true; /* both families: an IPv6 socket has an option of its own */
    make_with(&p, &settings);
    assert_int_equal(send_to(&p.a, &p.b, bytes, 1400), FLOE_OK);
    assert_int_equal(send_to(&p.a, &p.b, bytes, sizeof bytes), FLOE_OK);
    assert_int_equal(send_to(&p.a, &p.b, bytes, 1), FLOE_OK);
    turn_until_packets(&p.loop, &p.b.packets, 3);
    unmake(&p);
}

/* ── Checks (K2) ── */

static size_t make_check(const pair *p, const char *password, uint8_t *bytes, size_t size)
{
    floe_parameters a = FLOE_PARAMETERS_INIT;
    floe_parameters b = FLOE_PARAMETERS_INIT;
    floe_stun_id id = {.bytes = "transaction"};
    floe_stun_key *key = NULL;
    char username[600];

    assert_int_equal(floe_gatherer_get_local_parameters(p->a.gatherer, &a), FLOE_OK);
    assert_int_equal(floe_gatherer_get_local_parameters(p->b.gatherer, &b), FLOE_OK);
    (void)snprintf(username, sizeof username, "%s:%s", b.username_fragment, a.username_fragment);
    password = password != NULL ? password : b.password;
    assert_int_equal(
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text(password), &key), FLOE_OK);
    floe_stun_writer writer =
        floe_stun_begin(bytes, size, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(username));
    floe_stun_put_u32(&writer, FLOE_STUN_PRIORITY, 1845501695);
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_put_fingerprint(&writer);
    floe_stun_key_release(key);
    return floe_stun_written(&writer).size;
}

static void k2_checks_are_handed_over_and_answered(void **state)
{
    static const struct {
        const char *password;
        uint16_t code;
        bool authenticated;
    } rows[] = {{NULL, 0, true}, {NULL, 487, true}, {"wrong password wrong pw", 401, false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_parameters a = FLOE_PARAMETERS_INIT;
        uint8_t bytes[1024];
        pair p;
        make(&p, 0);
        p.b.answer = rows[i].code;
        size_t size = make_check(&p, rows[i].password, bytes, sizeof bytes);
        assert_int_equal(send_to(&p.a, &p.b, bytes, size), FLOE_OK);
        turn_until_packets(&p.loop, &p.a.packets, 1); /* the answer */
        assert_int_equal(p.b.authenticated, rows[i].authenticated);
        assert_int_equal(floe_gatherer_get_local_parameters(p.a.gatherer, &a), FLOE_OK);
        assert_string_equal(p.b.remote_fragment, a.username_fragment);
        assert_int_equal((uint8_t)p.a.last[0], 0x01);
        assert_int_equal((uint8_t)p.a.last[1], rows[i].code == 0 ? 0x01 : 0x11);
        unmake(&p);
    }
}

/* ── A callback and a close in the same instant ── */

/* Ten packets in one read, and in packet k each thing that an owner may do. */
static void anything_in_packet_k_of_one_read(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= 10; at += 3) {
        for (side_action action = CLOSE; action < ACTIONS; action++) {
            pair p;
            make(&p, 0);
            p.b.action = action;
            p.b.at = at;
            for (int i = 0; i < 10; i++) {
                assert_int_equal(send_to(&p.a, &p.b, "packet", 6), FLOE_OK);
            }
            turn_until_packets(&p.loop, &p.b.packets, at);
            for (int i = 0; i < 20; i++) {
                (void)uv_run(&p.loop, UV_RUN_NOWAIT);
            }
            assert_true(!p.b.over || atomic_load(&p.b.packets) == at);
            unmake(&p);
        }
    }
}

/* ── Threads ── */

typedef struct worker {
    pthread_t thread;
    side *from;
    const side *to;
    uint64_t seed;
    atomic_bool *stop;
} worker;

static void *work(void *data)
{
    static const uint8_t bytes[1200];
    worker *w = data;
    seeded_random random;

    seeded_init(&random, w->seed);
    while (!atomic_load(w->stop)) {
        floe_error error = send_to(w->from, w->to, bytes, seeded_below(&random, sizeof bytes));
        assert_true(error == FLOE_OK || error == FLOE_ERR_QUEUE_FULL ||
                    error == FLOE_ERR_INVALID_STATE || error == FLOE_ERR_NOT_FOUND);
        if (seeded_below(&random, 50) == 0) {
            (void)floe_gatherer_on_packet(w->from->gatherer, on_packet, w->from);
        }
        if (error != FLOE_OK) {
            (void)usleep(200);
        }
    }
    return NULL;
}

/* Four threads send on two gatherers, whose packets cross on the loop's thread; then one is closed,
 * the others going on. */
static void threads_send_while_one_closes(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 4; round++) {
        floe_settings settings = FLOE_SETTINGS_INIT;
        atomic_bool stop = false;
        worker workers[4];
        floe_api *api;
        static side a;
        static side b;
        settings.loopback = true;
        settings.network_types = FLOE_NETWORK_TYPE_UDP4;
        assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
        begin(&a, api, &b);
        begin(&b, api, &a);
        for (int i = 0; i < 60000 && !(atomic_load(&a.complete) && atomic_load(&b.complete)); i++) {
            (void)usleep(1000);
        }
        assert_true(atomic_load(&a.complete) && atomic_load(&b.complete));
        side *sides[] = {&a, &b};
        for (uint64_t i = 0; i < 4; i++) {
            workers[i] = (worker){.from = sides[i % 2],
                                  .to = sides[(i + 1) % 2],
                                  .seed = 4 * round + i,
                                  .stop = &stop};
            assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
        }
        for (int i = 0; i < 60000 && atomic_load(&b.packets) < 500; i++) {
            (void)usleep(1000);
        }
        assert_true(atomic_load(&b.packets) >= 500);
        if (round % 2 == 0) {
            assert_int_equal(floe_gatherer_close(a.gatherer), FLOE_OK);
        } else {
            assert_int_equal(floe_gatherer_graceful_close(a.gatherer), FLOE_OK);
        }
        (void)usleep(20000);
        atomic_store(&stop, true);
        for (int i = 0; i < 4; i++) {
            (void)pthread_join(workers[i].thread, NULL);
        }
        floe_gatherer_free(a.gatherer);
        floe_gatherer_free(b.gatherer);
        floe_api_free(api);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_packets_of_every_size),
#if defined __linux__ && defined UDP_GRO
        cmocka_unit_test(k3_the_kernel_takes_and_gives_many_at_once),
        cmocka_unit_test(k3_what_the_kernel_does_not_cut_goes_one_by_one),
        cmocka_unit_test(k3_an_error_for_another_packet_loses_none_of_many),
        cmocka_unit_test(k3_those_behind_one_that_cannot_be_sent_go),
#endif
        cmocka_unit_test(k1_packets_in_bulk_stay_packets),
        cmocka_unit_test(k1_what_cannot_be_sent),
        cmocka_unit_test(k1_a_full_queue_says_so_and_when_it_is_not),
        cmocka_unit_test(k1_a_peer_that_is_not_reached_is_told),
        cmocka_unit_test(k1_packets_that_nobody_may_fragment),
        cmocka_unit_test(k2_checks_are_handed_over_and_answered),
        cmocka_unit_test(anything_in_packet_k_of_one_read),
        cmocka_unit_test(threads_send_while_one_closes),
    };
    return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}

/* The gatherers of an api share its loop: one that sends as much as it can holds up no other, nor
 * its own timers and sockets (K1). */
#include "support.h"

#include "server.h"

#include <arpa/inet.h>
#include <floe/floe.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

typedef struct owner {
    floe_gatherer *gatherer;
    floe_address sink; /* where the flood goes */
    uint32_t host;
    atomic_bool reflexive;
    atomic_bool ended;
    atomic_bool stops;
    atomic_uint turns; /* writable events */
} owner;

static void on_candidate(void *data, const floe_candidate *candidate)
{
    owner *o = data;

    if (candidate == NULL) {
        atomic_store(&o->ended, true);
    } else if (candidate->type == FLOE_CANDIDATE_TYPE_HOST) {
        o->host = candidate->id;
    } else {
        atomic_store(&o->reflexive, true);
    }
}

/* As much as is taken; the writable event asks for more. */
static void flood(owner *o)
{
    static const char packet[1000];

    while (!atomic_load(&o->stops) &&
           floe_gatherer_send(o->gatherer, o->host, &o->sink, packet, sizeof packet) == FLOE_OK) {
    }
}

static void on_writable(void *data, uint32_t candidate_id)
{
    owner *o = data;

    (void)candidate_id;
    atomic_fetch_add(&o->turns, 1);
    flood(o);
}

/* A minute is for ever. */
static void wait_for(const char *what, const atomic_bool *flag)
{
    for (int i = 0; !atomic_load(flag); i++) {
        if (i == 60000) {
            fail_msg("waited in vain for %s", what);
        }
        (void)usleep(1000);
    }
}

static void gather(floe_api *api, owner *o)
{
    char url[64];
    const char *urls[] = {url};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    (void)snprintf(url, sizeof url, "stun:127.0.0.1:%u", test_server_port);
    server.urls = urls;
    server.url_count = 1;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    assert_int_equal(floe_gatherer_new(api, &options, &o->gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_on_local_candidate(o->gatherer, on_candidate, o), FLOE_OK);
    assert_int_equal(floe_gatherer_on_writable(o->gatherer, on_writable, o), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(o->gatherer), FLOE_OK);
    wait_for("the end of a gathering", &o->ended);
    assert_true(atomic_load(&o->reflexive));
}

static void k1_a_flood_on_one_gatherer_holds_up_no_other(void **state)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof name;
    floe_settings settings = FLOE_SETTINGS_INIT;
    owner flooding = {.sink = {.family = FLOE_FAMILY_IPV4, .ip = {127, 0, 0, 1}}};
    floe_api *api;
    int sink = socket(AF_INET, SOCK_DGRAM, 0); /* is never read */

    (void)state;
    assert_int_equal(bind(sink, (struct sockaddr *)&name, size), 0);
    assert_int_equal(getsockname(sink, (struct sockaddr *)&name, &size), 0);
    flooding.sink.port = ntohs(name.sin_port);
    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    settings.gather_timeout_ms = FLOE_NEVER;
    settings.straggler_grace_ms = FLOE_NEVER;
    assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
    gather(api, &flooding);
    flood(&flooding);
    for (int i = 0; i < 3; i++) {
        owner other = {0};
        unsigned turns = atomic_load(&flooding.turns);
        gather(api, &other);
        assert_int_equal(floe_gatherer_graceful_close(other.gatherer), FLOE_OK);
        floe_gatherer_free(other.gatherer);
        for (int wait = 0; atomic_load(&flooding.turns) == turns; wait++) {
            assert_true(wait < 60000); /* the flood goes on */
            (void)usleep(1000);
        }
    }
    atomic_store(&flooding.ended, false);
    atomic_store(&flooding.reflexive, false);
    assert_int_equal(floe_gatherer_restart(flooding.gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(flooding.gatherer), FLOE_OK);
    wait_for("the gatherer that floods itself", &flooding.ended);
    atomic_store(&flooding.stops, true);
    floe_gatherer_free(flooding.gatherer);
    floe_api_free(api);
    assert_int_equal(memory_live(), 0);
    (void)close(sink);
}

/* ── Reading, on a loop of the program's own ── */

#define SEGMENTS 64U

typedef struct reader {
    uv_loop_t loop;
    floe_api *api;
    floe_gatherer *gatherer;
    int from; /* a socket that sends to it */
    uint16_t port;
    unsigned count; /* of packets that came */
} reader;

static void on_host(void *data, const floe_candidate *candidate)
{
    reader *r = data;

    r->port = candidate != NULL ? candidate->port : r->port;
}

static void on_packet(void *data, const floe_packet *packet)
{
    reader *r = data;

    (void)packet;
    r->count++;
}

static void begin_reading(reader *r)
{
    floe_settings settings = FLOE_SETTINGS_INIT;

    *r = (reader){.from = socket(AF_INET, SOCK_DGRAM, 0)};
    assert_int_equal(uv_loop_init(&r->loop), 0);
    settings.loop = &r->loop;
    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    assert_int_equal(floe_api_new(&settings, &r->api), FLOE_OK);
    assert_int_equal(floe_gatherer_new(r->api, NULL, &r->gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_on_local_candidate(r->gatherer, on_host, r), FLOE_OK);
    assert_int_equal(floe_gatherer_on_packet(r->gatherer, on_packet, r), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(r->gatherer), FLOE_OK);
    for (int i = 0; r->port == 0 && i < 10000; i++) {
        (void)uv_run(&r->loop, UV_RUN_NOWAIT);
        (void)usleep(1000);
    }
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(r->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(connect(r->from, (struct sockaddr *)&to, sizeof to), 0);
}

static void end_reading(reader *r)
{
    floe_gatherer_free(r->gatherer);
    floe_api_free(r->api);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&r->loop), 0);
    (void)close(r->from);
    assert_int_equal(memory_live(), 0);
}

/* A program that draws, and runs the loop once a frame: what came meanwhile is read then, and nothing piles up. */
static void k1_a_slow_loop_reads_all_that_came(void **state)
{
    static const char data[] = {(char)0x80, 1, 2, 3};
    reader r;

    (void)state;
    begin_reading(&r);
    for (unsigned frame = 1; frame <= 20; frame++) {
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(send(r.from, data, sizeof data, 0), sizeof data);
        }
        (void)usleep(3000);
        (void)uv_run(&r.loop, UV_RUN_NOWAIT);
        assert_int_equal(r.count, 3 * frame);
    }
    end_reading(&r);
}

/* Many that the kernel hands over as few: what a turn gives is bounded by how many they are. */
static void k1_a_turn_gives_only_so_many(void **state)
{
    static char data[SEGMENTS];
    int size = 1;
    unsigned sent = 0;
    reader r;

    (void)state;
    begin_reading(&r);
    memset(data, 0x80, sizeof data);
    for (unsigned i = 0; i < 40; i++) { /* so that it is read in batches */
        assert_int_equal(send(r.from, data, 4, 0), 4);
    }
    (void)uv_run(&r.loop, UV_RUN_NOWAIT);
    assert_int_equal(r.count, 40);
    if (setsockopt(r.from, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) != 0) {
        print_message("skipped: no UDP_SEGMENT\n");
        end_reading(&r);
        skip();
    }
    r.count = 0;
    while (sent < 60 * SEGMENTS && send(r.from, data, sizeof data, MSG_DONTWAIT) == sizeof data) {
        sent += SEGMENTS;
    }
    for (unsigned last = UINT_MAX; r.count != last;) {
        last = r.count;
        (void)uv_run(&r.loop, UV_RUN_NOWAIT);
        assert_true(r.count - last <= 1024);
    }
    assert_true(sent > 1024);
    end_reading(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_a_flood_on_one_gatherer_holds_up_no_other),
        cmocka_unit_test(k1_a_slow_loop_reads_all_that_came),
        cmocka_unit_test(k1_a_turn_gives_only_so_many),
    };
    return cmocka_run_group_tests_name("fairness", tests, test_server_start, test_server_stop);
}

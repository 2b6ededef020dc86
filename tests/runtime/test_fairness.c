/* The gatherers of an api share its loop: one that sends as much as it can holds up no other, nor
 * its own timers and sockets (K1). */
#include "support.h"

#include "server.h"

#include <arpa/inet.h>
#include <floe/floe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_a_flood_on_one_gatherer_holds_up_no_other),
    };
    return cmocka_run_group_tests_name("fairness", tests, test_server_start, test_server_stop);
}

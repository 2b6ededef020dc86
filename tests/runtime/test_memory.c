/* Every allocation fails in turn, floe's own and those of OpenSSL and c-ares within it, through a
 * life in which every function of the API that allocates is called: gathering of all kinds,
 * packets, look-ups, statistics, restart, new options, the associated gatherer. What must hold each
 * time: nobody hangs, a call says that it has no memory or does what it is for, the api gathers all
 * once there is memory again, and none of it is left. */
#include "support.h"

#include "awaited.h"
#include "base/address.h"
#include "meeters.h"

#include <ares.h>
#include <floe/floe.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t failing;    /* which allocation */
static uint32_t mux_port; /* 0: each gatherer has sockets of its own */

static void check(bool good, const char *what)
{
    if (!good) {
        memory_fail(0);
        fail_msg("allocation %zu fails: %s: %s", failing, what, floe_last_error());
    }
}

/* A call has done what it is for, or has no memory. */
static bool done(floe_error error, const char *call)
{
    check(error == FLOE_OK || error == FLOE_ERR_NO_MEMORY, call);
    return error == FLOE_OK;
}

/* libuv ends the process when it has no memory: it is not asked to do without. */
static bool watch_libraries(void)
{
    return memory_watch_openssl() &&
           ares_library_init_mem(ARES_LIB_INIT_ALL, memory_malloc, free, memory_realloc) == 0;
}

/* ── A life ── */

static void on_trace(void *data, const floe_trace_event *event)
{
    (void)data;
    assert_non_null(event->method);
}

static void on_packet(void *data, const floe_packet *packet)
{
    (void)data;
    assert_true(packet->size > 0);
}

static void gather(floe_gatherer *gatherer, awaited *o)
{
    unsigned ends = o->ends;

    if (done(floe_gatherer_gather(gatherer), "gather")) {
        check(awaited_end(o, ends + 1), "gathering never ends");
    }
}

static void listen_to(floe_gatherer *gatherer, awaited *o)
{
    awaited_init(o);
    (void)done(floe_gatherer_on_local_candidate(gatherer, awaited_candidate, o),
               "on_local_candidate");
    (void)done(floe_gatherer_on_error(gatherer, awaited_error, o), "on_error");
    (void)done(floe_gatherer_on_packet(gatherer, on_packet, NULL), "on_packet");
}

/* From each candidate to itself. Where it is refused the server says so later. */
static void send_packets(floe_gatherer *gatherer)
{
    floe_candidate_list *list = NULL;

    if (!done(floe_gatherer_get_local_candidates(gatherer, &list), "get_local_candidates")) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        floe_address peer = floe_address_ipv4(0x7F000001, (uint16_t)list->candidates[i]->port);
        floe_error error = floe_gatherer_send(gatherer, list->candidates[i]->id, &peer, "hello", 5);
        check(error == FLOE_OK || error == FLOE_ERR_NO_MEMORY || error == FLOE_ERR_PERMISSION,
              "send");
    }
    floe_candidate_list_free(list);
}

static void read_statistics(floe_gatherer *gatherer)
{
    floe_gatherer_statistics *statistics = NULL;

    if (done(floe_gatherer_get_statistics(gatherer, &statistics), "get_statistics")) {
        floe_gatherer_statistics_free(statistics);
    }
}

static void with_associated(floe_gatherer *gatherer)
{
    floe_gatherer *associated = NULL;
    awaited o;

    if (!done(floe_gatherer_create_associated(gatherer, &associated), "create_associated")) {
        return;
    }
    listen_to(associated, &o);
    gather(associated, &o);
    floe_gatherer_free(associated);
    awaited_destroy(&o);
}

static void on_look_up(void *data, const floe_look_up_result *result)
{
    atomic_bool *told = data;

    assert_non_null(result->name);
    atomic_store(told, true);
}

/* One that was begun ends, though it be without memory. */
static void look_up(floe_api *api)
{
    static atomic_bool told;

    atomic_store(&told, false);
    floe_error error = floe_api_look_up(api, "nobody.local", 10, on_look_up, &told);
    check(error == FLOE_OK || error == FLOE_ERR_NO_MEMORY || error == FLOE_ERR_INVALID_STATE,
          "look_up");
    for (int i = 0; i < 60000 && error == FLOE_OK && !atomic_load(&told); i++) {
        (void)usleep(1000);
    }
    check(error != FLOE_OK || atomic_load(&told), "a look-up never ends");
}

static void live(floe_api *api, const awaited_options *all)
{
    floe_gatherer *gatherer = NULL;
    awaited o;

    if (!done(floe_gatherer_new(api, &all->options, &gatherer), "gatherer_new")) {
        return;
    }
    listen_to(gatherer, &o);
    gather(gatherer, &o);
    send_packets(gatherer);
    read_statistics(gatherer);
    look_up(api);
    floe_restart_options own = FLOE_RESTART_OPTIONS_INIT;
    own.username_fragment = "longerThanTheOnesThatFloeMakes";
    if (done(floe_gatherer_restart_with(gatherer, &own), "restart")) {
        (void)done(floe_gatherer_set_options(gatherer, &all->options), "set_options");
        gather(gatherer, &o);
    }
    if (mux_port == 0) {
        with_associated(gatherer);
    }
    floe_gatherer_free(gatherer);
    awaited_destroy(&o);
}

/* With memory: all is there. A machine that stands still for longer than the straggler grace costs
 * a try. */
static bool gathers_all(floe_api *api, const awaited_options *all)
{
    bool good = false;

    for (int i = 0; i < 20 && !good; i++) {
        floe_gatherer *gatherer = NULL;
        awaited o;
        check(floe_gatherer_new(api, &all->options, &gatherer) == FLOE_OK, "a new gatherer");
        listen_to(gatherer, &o);
        gather(gatherer, &o);
        good = awaited_all(&o);
        floe_gatherer_free(gatherer);
        awaited_destroy(&o);
    }
    return good;
}

/* Whether there was an n-th allocation, which failed. */
static bool try_allocation(size_t n, floe_mdns_mode mdns)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    awaited_options all;
    floe_api *api = NULL;

    failing = n;
    awaited_options_init(&all);
    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    settings.mdns_mode = mdns;
    settings.on_trace = on_trace;
    settings.straggler_grace_ms = 50;
    settings.udp_mux_port = mux_port;
    memory_fail(n);
    if (done(floe_api_new(&settings, &api), "api_new")) {
        live(api, &all);
        bool came = memory_failed();
        memory_fail(0);
        check(gathers_all(api, &all), "the api is no good afterwards");
        floe_api_free(api);
        check(memory_live() == 0, "memory is left");
        return came;
    }
    check(memory_live() == 0, "memory is left by api_new");
    return true;
}

/* ── Two transports that meet (part I of the rules) ── */

/* What is asked of a transport. */
static void ask(floe_transport *transport)
{
    floe_ice_pair_list *pairs;
    floe_candidate_list *list;
    floe_candidate *candidate;

    if (done(floe_transport_get_pairs(transport, &pairs), "get_pairs")) {
        floe_ice_pair_list_free(pairs);
    }
    if (done(floe_transport_get_remote_candidates(transport, &list), "get_remote_candidates")) {
        floe_candidate_list_free(list);
    }
    floe_error error = floe_transport_get_selected_pair(transport, &pairs);
    check(error == FLOE_OK || error == FLOE_ERR_NOT_CONNECTED || error == FLOE_ERR_NO_MEMORY,
          "get_selected_pair");
    if (error == FLOE_OK) {
        floe_ice_pair_list_free(pairs);
    }
    error = floe_transport_send(transport, "x", 1);
    check(error == FLOE_OK || error == FLOE_ERR_NOT_CONNECTED || error == FLOE_ERR_NO_MEMORY,
          "send");
    if (done(floe_candidate_parse("candidate:9 1 udp 1 nobody.local 9 typ host", &candidate),
             "parse")) {
        error = floe_transport_add_remote_candidate(transport, candidate);
        check(error == FLOE_OK || error == FLOE_ERR_NO_MEMORY || error == FLOE_ERR_INVALID_STATE,
              "add");
        floe_candidate_free(candidate);
    }
}

/* Whether they have met. Without memory for something they may not. */
static bool meet(floe_api *api, unsigned patience_ms)
{
    meeters all;
    bool met = false;

    if (meeters_begin(&all, api, done)) {
        met = meeters_met(&all, patience_ms);
        ask(all.side[0].transport);
        if (met && meeters_restart(&all)) {
            met = meeters_met(&all, patience_ms);
        }
    }
    meeters_end(&all);
    return met;
}

static bool try_meeting(size_t n)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api = NULL;

    failing = n;
    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    memory_fail(0);
    check(floe_api_new(&settings, &api) == FLOE_OK, "api_new");
    memory_fail(n);
    (void)meet(api, 300);
    bool came = memory_failed();
    memory_fail(0);
    check(meet(api, 60000), "the api is no good afterwards");
    floe_api_free(api);
    check(memory_live() == 0, "memory is left");
    return came;
}

static void every_allocation_of_two_transports_may_fail(void **state)
{
    size_t n = 1;

    (void)state;
    while (try_meeting(n)) {
        n++;
    }
    print_message("%zu allocations\n", n - 1);
    assert_true(n > 50);
}

static void try_all(floe_mdns_mode mdns)
{
    size_t n = 1;

    (void)try_allocation(0, mdns); /* what is made once in a process is made */
    unsigned threads = entries_of("/proc/self/task");
    unsigned descriptors = entries_of("/proc/self/fd");
    while (try_allocation(n, mdns)) {
        n++;
    }
    print_message("%zu allocations\n", n - 1);
    assert_true(n > 100);
    assert_threads(threads);
    assert_int_equal(entries_of("/proc/self/fd"), descriptors);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    try_all(FLOE_MDNS_MODE_OFF);
}

/* H3. */
static void every_allocation_may_fail_under_a_mux(void **state)
{
    (void)state;
    mux_port = FLOE_ANY_PORT;
    try_all(FLOE_MDNS_MODE_OFF);
    mux_port = 0;
}

#if HAS_MDNS
static void every_allocation_may_fail_with_names(void **state)
{
    (void)state;
    try_all(FLOE_MDNS_MODE_QUERY_AND_GATHER);
}
#endif

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_allocation_may_fail_under_a_mux),
        cmocka_unit_test(every_allocation_of_two_transports_may_fail),
#if HAS_MDNS
        cmocka_unit_test(every_allocation_may_fail_with_names),
#endif
    };

    if (!LEAKS_ARE_SEEN && !watch_libraries()) {
        return 1;
    }
    choose_tests(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests_name("memory", tests, awaited_server_start, awaited_server_stop);
}

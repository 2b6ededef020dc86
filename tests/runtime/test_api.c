/* The public API on real sockets and threads: its functions in every state, closing at any moment,
 * other threads' calls, the caller's own loop, and no descriptors left. (What callbacks may call:
 * test_lifetime.) */
#include "support.h"

#include "moments.h"
#include "server.h"

#include <floe/floe.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

/* ── A gatherer and what its owner sees ── */

typedef struct owner {
    moment_listener listener;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    floe_api *api;
    floe_gatherer *gatherer;
    bool gone; /* the gatherer was freed */
    bool seen[MOMENTS];
    unsigned running; /* callbacks */
    bool late;        /* a callback began when none may */
} owner;

static void happened(moment_listener *listener, the_moment moment, const void *thing)
{
    owner *o = (owner *)(void *)listener;

    (void)thing;
    (void)pthread_mutex_lock(&o->lock);
    o->running++;
    o->late = o->late || o->gone;
    (void)pthread_mutex_unlock(&o->lock);
    (void)sched_yield(); /* for who would not wait for it */
    (void)pthread_mutex_lock(&o->lock);
    o->seen[moment] = true;
    o->running--;
    (void)pthread_cond_broadcast(&o->changed);
    (void)pthread_mutex_unlock(&o->lock);
}

static void make_api_by(owner *o, floe_settings settings)
{
    memset(o, 0, sizeof *o);
    o->listener.happened = happened;
    (void)pthread_mutex_init(&o->lock, NULL);
    (void)pthread_cond_init(&o->changed, NULL);
    settings.loopback = true;
    settings.keepalive_ms = 1000;
    settings.on_trace = listener_traced;
    settings.trace_user_data = &o->listener;
    assert_int_equal(floe_api_new(&settings, &o->api), FLOE_OK);
}

static void make_api(owner *o, uv_loop_t *loop)
{
    floe_settings settings = FLOE_SETTINGS_INIT;

    settings.allocator = &memory_counted;
    settings.loop = loop;
    make_api_by(o, settings);
}

/* One STUN server that answers, one port where nobody listens. */
static void make_pool(owner *o, uint8_t pool)
{
    static char good[64];
    const char *urls[] = {good, "stun:127.0.0.1:9"};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    (void)snprintf(good, sizeof good, "stun:127.0.0.1:%u", test_server_port);
    server.urls = urls;
    server.url_count = 2;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    options.candidate_pool_size = pool;
    assert_int_equal(floe_gatherer_new(o->api, &options, &o->gatherer), FLOE_OK);
    listen_to(&o->listener, o->gatherer);
}

static void make_gatherer(owner *o)
{
    make_pool(o, 0);
}

/* A test that hangs is a failure, but slowness is none: a minute is for ever. */
static struct timespec a_minute_hence(void)
{
    struct timespec limit;

    (void)clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 60;
    return limit;
}

/* With the lock held; it is let go of when the minute is over, which fails the test. */
static void wait_for(pthread_cond_t *changed, pthread_mutex_t *lock, const struct timespec *limit)
{
    if (pthread_cond_timedwait(changed, lock, limit) != 0) {
        (void)pthread_mutex_unlock(lock);
        fail_msg("waited in vain");
    }
}

static void wait_until(owner *o, bool *flag)
{
    struct timespec limit = a_minute_hence();

    (void)pthread_mutex_lock(&o->lock);
    while (!*flag) {
        wait_for(&o->changed, &o->lock, &limit);
    }
    (void)pthread_mutex_unlock(&o->lock);
}

/* The same for one who turns the loop himself. */
static void turn_until(uv_loop_t *loop, const bool *flag)
{
    uint64_t began = uv_hrtime();

    while (!*flag) {
        (void)uv_run(loop, UV_RUN_NOWAIT);
        (void)usleep(100);
        if (uv_hrtime() - began > 60000000000U) {
            fail_msg("waited in vain");
        }
    }
}

static void end(owner *o)
{
    floe_gatherer_free(o->gatherer);
    (void)pthread_mutex_lock(&o->lock);
    o->gone = true;
    (void)pthread_mutex_unlock(&o->lock);
    floe_api_free(o->api);
    assert_int_equal(memory_live(), 0);
    assert_false(o->late);
    (void)pthread_mutex_destroy(&o->lock);
    (void)pthread_cond_destroy(&o->changed);
}

/* ── From outside ── */

static void calls_in_every_state(void **state)
{
    owner o;
    floe_parameters before = FLOE_PARAMETERS_INIT;
    floe_parameters after = FLOE_PARAMETERS_INIT;
    floe_candidate_list *list;

    (void)state;
    make_api(&o, NULL);
    make_gatherer(&o);
    assert_int_equal(floe_gatherer_state(o.gatherer), FLOE_GATHERER_STATE_NEW);
    assert_int_equal(floe_gatherer_get_local_parameters(o.gatherer, &before), FLOE_OK);
    assert_int_equal(strlen(before.username_fragment), 8);
    assert_int_equal(strlen(before.password), 24);
    assert_int_equal(floe_gatherer_get_local_candidates(o.gatherer, &list), FLOE_OK);
    assert_int_equal(list->count, 0);
    floe_candidate_list_free(list);
    assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_ERR_INVALID_STATE);
    wait_until(&o, &o.seen[ON_END]);
    assert_int_equal(floe_gatherer_state(o.gatherer), FLOE_GATHERER_STATE_COMPLETE);
    assert_int_equal(floe_gatherer_get_local_parameters(o.gatherer, &after), FLOE_OK);
    assert_string_equal(before.password, after.password);
    assert_int_equal(floe_gatherer_get_local_candidates(o.gatherer, &list), FLOE_OK);
    assert_true(list->count >= 2);
    for (size_t i = 0; i < list->count; i++) {
        char text[FLOE_CANDIDATE_TEXT_SIZE];
        assert_int_equal(floe_candidate_format(list->candidates[i], text, sizeof text), FLOE_OK);
        assert_string_equal(list->candidates[i]->username_fragment, before.username_fragment);
    }
    floe_candidate_list_free(list);
    assert_int_equal(floe_gatherer_graceful_close(o.gatherer), FLOE_OK);
    assert_true(o.seen[ON_CLOSED]);
    assert_int_equal(o.running, 0);
    assert_int_equal(floe_gatherer_graceful_close(o.gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_close(o.gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_state(o.gatherer), FLOE_GATHERER_STATE_CLOSED);
    assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_gatherer_get_local_parameters(o.gatherer, &after),
                     FLOE_ERR_INVALID_STATE);
    assert_int_equal(floe_gatherer_get_local_candidates(o.gatherer, &list), FLOE_ERR_INVALID_STATE);
    end(&o);
}

/* L10: servers are asked before anybody gathers, and what came of it is told once somebody does. */
static void l10_a_pool_begins_at_once(void **state)
{
    owner o;

    (void)state;
    make_api(&o, NULL);
    make_pool(&o, 1);
    wait_until(&o, &o.seen[ON_TRACE]);
    assert_false(o.seen[ON_CANDIDATE]);
    assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_OK);
    wait_until(&o, &o.seen[ON_END]);
    assert_true(o.seen[ON_CANDIDATE]);
    end(&o);
}

/* RFC 8445 §9: both are other ones. */
static void l11_a_restart_changes_ufrag_and_password(void **state)
{
    floe_parameters before = FLOE_PARAMETERS_INIT;
    floe_parameters after = FLOE_PARAMETERS_INIT;
    owner o;

    (void)state;
    make_api(&o, NULL);
    make_gatherer(&o);
    assert_int_equal(floe_gatherer_get_local_parameters(o.gatherer, &before), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_OK);
    wait_until(&o, &o.seen[ON_END]);
    assert_int_equal(floe_gatherer_restart(o.gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_get_local_parameters(o.gatherer, &after), FLOE_OK);
    assert_string_not_equal(before.username_fragment, after.username_fragment);
    assert_string_not_equal(before.password, after.password);
    floe_restart_options own = FLOE_RESTART_OPTIONS_INIT;
    own.username_fragment = "theOwnersOwn";
    assert_int_equal(floe_gatherer_restart_with(o.gatherer, &own), FLOE_OK);
    assert_int_equal(floe_gatherer_get_local_parameters(o.gatherer, &before), FLOE_OK);
    assert_string_equal(before.username_fragment, "theOwnersOwn");
    assert_string_not_equal(before.password, after.password);
    assert_int_equal(floe_gatherer_restart_with(o.gatherer, &own), FLOE_ERR_INVALID_ARGUMENT);
    end(&o);
}

static void null_is_an_error(void **state)
{
    floe_api *api;
    floe_gatherer *gatherer;
    floe_parameters parameters;
    floe_candidate_list *list;

    (void)state;
    assert_int_equal(floe_api_new(NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_new(NULL, NULL, &gatherer), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_gather(NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_restart(NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_restart_with(NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_set_options(NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_create_associated(NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_get_statistics(NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_close(NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_graceful_close(NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_get_local_parameters(NULL, &parameters),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_get_local_candidates(NULL, &list), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_on_local_candidate(NULL, NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_on_candidate_withdrawn(NULL, NULL, NULL),
                     FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_on_state_change(NULL, NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_on_error(NULL, NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_state(NULL), FLOE_GATHERER_STATE_CLOSED);
    assert_int_equal(floe_api_get_statistics(NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    floe_gatherer_free(NULL);
    floe_api_free(NULL);
    floe_candidate_list_free(NULL);
    assert_int_equal(floe_api_new(NULL, &api), FLOE_OK);
    assert_int_equal(floe_gatherer_new(api, NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_new(api, NULL, &gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_get_local_parameters(gatherer, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_gatherer_get_local_candidates(gatherer, NULL), FLOE_ERR_INVALID_ARGUMENT);
    floe_api_free(api); /* takes the gatherer with it */
}

/* L9. */
typedef struct handlers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    floe_gatherer *gatherer;
    unsigned first;
    unsigned second;
    unsigned states;
    bool complete;
} handlers;

static void second_handler(void *data, const floe_candidate *candidate)
{
    handlers *h = data;

    (void)pthread_mutex_lock(&h->lock);
    h->second++;
    h->complete = candidate == NULL;
    (void)pthread_cond_broadcast(&h->changed);
    (void)pthread_mutex_unlock(&h->lock);
}

/* Replaces itself, and takes another away. */
static void first_handler(void *data, const floe_candidate *candidate)
{
    handlers *h = data;

    assert_non_null(candidate);
    (void)pthread_mutex_lock(&h->lock);
    h->first++;
    (void)pthread_mutex_unlock(&h->lock);
    assert_int_equal(floe_gatherer_on_local_candidate(h->gatherer, second_handler, h), FLOE_OK);
    assert_int_equal(floe_gatherer_on_state_change(h->gatherer, NULL, NULL), FLOE_OK);
}

static void count_states(void *data, enum floe_gatherer_state state)
{
    handlers *h = data;

    (void)state;
    (void)pthread_mutex_lock(&h->lock);
    h->states++;
    (void)pthread_cond_broadcast(&h->changed);
    (void)pthread_mutex_unlock(&h->lock);
}

/* L11: whoever restarts one component has restarted the other, which hears of it without a call. */
static void l11_a_restart_is_told_to_the_other_component(void **state)
{
    owner o;
    handlers h = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    floe_gatherer *other;

    (void)state;
    make_api(&o, NULL);
    make_gatherer(&o);
    assert_int_equal(floe_gatherer_create_associated(o.gatherer, &other), FLOE_OK);
    assert_int_equal(floe_gatherer_on_local_candidate(other, second_handler, &h), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(other), FLOE_OK);
    (void)pthread_mutex_lock(&h.lock);
    struct timespec limit = a_minute_hence();
    while (!h.complete) {
        wait_for(&h.changed, &h.lock, &limit);
    }
    (void)pthread_mutex_unlock(&h.lock);
    assert_int_equal(floe_gatherer_on_state_change(other, count_states, &h), FLOE_OK);
    assert_int_equal(floe_gatherer_restart(o.gatherer), FLOE_OK);
    (void)pthread_mutex_lock(&h.lock);
    while (h.states == 0) {
        wait_for(&h.changed, &h.lock, &limit);
    }
    (void)pthread_mutex_unlock(&h.lock);
    floe_gatherer_free(other);
    end(&o);
}

static void l9_handlers_late_removed_and_replaced(void **state)
{
    owner o;
    handlers h = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

    (void)state;
    make_api(&o, NULL);
    make_gatherer(&o);
    h.gatherer = o.gatherer;
    assert_int_equal(floe_gatherer_on_local_candidate(o.gatherer, first_handler, &h), FLOE_OK);
    assert_int_equal(floe_gatherer_on_state_change(o.gatherer, count_states, &h), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_OK);
    (void)pthread_mutex_lock(&h.lock);
    struct timespec limit = a_minute_hence();
    while (!h.complete) {
        wait_for(&h.changed, &h.lock, &limit);
    }
    assert_int_equal(h.first, 1);
    assert_true(h.second >= 2);    /* the other host candidate, and the end */
    assert_int_equal(h.states, 1); /* gathering; complete came when nobody listened */
    (void)pthread_mutex_unlock(&h.lock);
    /* A handler that is set late sees what comes after. */
    assert_int_equal(floe_gatherer_on_state_change(o.gatherer, count_states, &h), FLOE_OK);
    assert_int_equal(floe_gatherer_graceful_close(o.gatherer), FLOE_OK);
    assert_int_equal(h.states, 2);
    end(&o);
}

/* H2: names in place of addresses; our own are found at once, and an api may be freed while others
 * are looked for. */
typedef struct names {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char name[80];
    bool complete;
    unsigned found;
    unsigned not_found;
} names;

static void on_named(void *data, const floe_candidate *candidate)
{
    names *n = data;

    (void)pthread_mutex_lock(&n->lock);
    if (candidate == NULL) {
        n->complete = true;
    } else {
        (void)snprintf(n->name, sizeof n->name, "%s", candidate->address);
    }
    (void)pthread_cond_broadcast(&n->changed);
    (void)pthread_mutex_unlock(&n->lock);
}

static void on_look_up(void *data, const floe_look_up_result *result)
{
    names *n = data;

    (void)pthread_mutex_lock(&n->lock);
    n->found += result->error == FLOE_OK && result->address_count > 0;
    n->not_found += result->error == FLOE_ERR_TIMED_OUT;
    (void)pthread_cond_broadcast(&n->changed);
    (void)pthread_mutex_unlock(&n->lock);
}

static void h2_names_and_look_ups(void **state)
{
    names n = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_gatherer *gatherer;
    floe_api *api;

    (void)state;
    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.mdns_mode = FLOE_MDNS_MODE_QUERY_AND_GATHER;
    if (floe_api_new(&settings, &api) != FLOE_OK) {
        assert_non_null(strstr(floe_last_error(), "not built in"));
        return;
    }
    assert_int_equal(floe_gatherer_new(api, NULL, &gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_on_local_candidate(gatherer, on_named, &n), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(gatherer), FLOE_OK);
    (void)pthread_mutex_lock(&n.lock);
    struct timespec limit = a_minute_hence();
    while (!n.complete) {
        wait_for(&n.changed, &n.lock, &limit);
    }
    assert_non_null(strstr(n.name, ".local"));
    (void)pthread_mutex_unlock(&n.lock);
    assert_int_equal(floe_api_look_up(api, n.name, 0, on_look_up, &n), FLOE_OK);
    assert_int_equal(floe_api_look_up(api, "nobody.local", 50, on_look_up, &n), FLOE_OK);
    (void)pthread_mutex_lock(&n.lock);
    while (n.found + n.not_found < 2) {
        wait_for(&n.changed, &n.lock, &limit);
    }
    assert_int_equal(n.found, 1);
    (void)pthread_mutex_unlock(&n.lock);
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "nobody-%d.local", i);
        assert_int_equal(floe_api_look_up(api, name, 60000, on_look_up, &n), FLOE_OK);
    }
    floe_api_free(api);
    assert_int_equal(n.found + n.not_found, 2); /* nobody is called any more */
    assert_int_equal(memory_live(), 0);
}

/* What multicast DNS has opened there is closed, and the api goes with it. */
static void h2_all_is_freed_on_the_callers_loop(void **state)
{
    names n = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    settings.loop = &loop;
    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.mdns_mode = FLOE_MDNS_MODE_QUERY_AND_GATHER;
    if (floe_api_new(&settings, &api) == FLOE_OK) {
        assert_int_equal(floe_api_look_up(api, "nobody.local", 50, on_look_up, &n), FLOE_OK);
        while (n.found + n.not_found == 0) {
            (void)uv_run(&loop, UV_RUN_ONCE);
        }
        floe_api_free(api);
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(memory_live(), 0);
}

/* ── Look-ups that are cancelled ── */

static void on_probe(void *data, const floe_look_up_result *result)
{
    (void)data;
    (void)result;
}

typedef struct seeker {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    floe_api *api;
    unsigned calls;
    bool running;
    bool cancels; /* in its handler */
} seeker;

static void on_sought(void *data, const floe_look_up_result *result)
{
    seeker *s = data;

    assert_non_null(result->name);
    (void)pthread_mutex_lock(&s->lock);
    s->calls++;
    s->running = true;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    (void)usleep(2000); /* for who would not wait for it */
    if (s->cancels) {
        assert_int_equal(floe_api_cancel_look_ups(s->api, on_sought, s), FLOE_OK);
    }
    (void)pthread_mutex_lock(&s->lock);
    s->running = false;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
}

static seeker *seek(floe_api *api, unsigned count, uint32_t timeout_ms)
{
    seeker *s = calloc(1, sizeof *s);

    assert_non_null(s);
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->changed, NULL);
    s->api = api;
    for (unsigned i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "Nobody-%u.LOCAL.", i);
        assert_int_equal(floe_api_look_up(api, name, timeout_ms, on_sought, s), FLOE_OK);
    }
    return s;
}

static void wait_for_call(seeker *s)
{
    struct timespec limit = a_minute_hence();

    (void)pthread_mutex_lock(&s->lock);
    while (s->calls == 0) {
        wait_for(&s->changed, &s->lock, &limit);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

/* Once it has returned the owner's data may go. */
static unsigned cancel(seeker *s)
{
    assert_int_equal(floe_api_cancel_look_ups(s->api, on_sought, s), FLOE_OK);
    unsigned calls = s->calls;
    assert_false(s->running);
    memset(s, 0xa5, sizeof *s);
    free(s);
    return calls;
}

static void h2_look_ups_are_cancelled(void **state)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api;

    (void)state;
    settings.allocator = &memory_counted;
    assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
    if (floe_api_look_up(api, "nobody.local", 1, on_probe, NULL) != FLOE_OK) {
        floe_api_free(api); /* not built in */
        return;
    }
    /* At any moment: before they begin, while they are under way, while a handler runs. */
    for (unsigned i = 0; i < 100; i++) {
        seeker *s = seek(api, 5, 1 + i % 7);
        (void)usleep(i * 100);
        (void)cancel(s);
    }
    /* A handler that runs is waited for; in one, nobody is. */
    for (int i = 0; i < 10; i++) {
        seeker *s = seek(api, 3, 1);
        wait_for_call(s);
        assert_in_range(cancel(s), 1, 3);
    }
    seeker *s = seek(api, 0, 1);
    s->cancels = true;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(floe_api_look_up(api, "nobody.local", 20, on_sought, s), FLOE_OK);
    }
    /* Those of others go on. */
    seeker *other = seek(api, 1, 100);
    wait_for_call(other);
    assert_int_equal(cancel(s), 1);
    assert_int_equal(cancel(other), 1);
    assert_int_equal(floe_api_cancel_look_ups(api, on_sought, NULL), FLOE_OK); /* there is none */
    s = seek(api, 50, 60000);
    assert_int_equal(cancel(s), 0);
    floe_api_free(api);
    assert_int_equal(memory_live(), 0);
}

/* L7, L8: closed at every moment after the start, by another thread. */
static void another_thread_closes_at_any_moment(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        owner o;
        make_api(&o, NULL);
        make_gatherer(&o);
        assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_OK);
        (void)usleep(i * 200);
        if (i % 3 == 0) {
            assert_int_equal(floe_gatherer_graceful_close(o.gatherer), FLOE_OK);
            assert_int_equal(o.running, 0);
        } else if (i % 3 == 1) {
            assert_int_equal(floe_gatherer_close(o.gatherer), FLOE_OK);
        }
        end(&o);
    }
}

/* Random calls from four threads on shared gatherers: for the sanitizers. */
typedef struct worker {
    pthread_t thread;
    owner *o;
    uint64_t seed;
} worker;

static void *work(void *data)
{
    worker *w = data;
    seeded_random random;

    seeded_init(&random, w->seed);
    for (int i = 0; i < 300; i++) {
        floe_gatherer *gatherer = w->o->gatherer;
        floe_parameters parameters = FLOE_PARAMETERS_INIT;
        floe_candidate_list *list = NULL;
        floe_gatherer *mine = NULL;
        floe_gatherer_statistics *statistics = NULL;
        switch (seeded_below(&random, 12)) {
        case 0:
            (void)floe_gatherer_gather(gatherer);
            break;
        case 1:
            (void)floe_gatherer_get_local_parameters(gatherer, &parameters);
            break;
        case 2:
            (void)floe_gatherer_get_local_candidates(gatherer, &list);
            floe_candidate_list_free(list);
            break;
        case 3:
            (void)floe_gatherer_state(gatherer);
            break;
        case 4:
            listen_to(&w->o->listener, gatherer);
            break;
        case 6:
            (void)floe_gatherer_restart(gatherer);
            break;
        case 7:
            (void)floe_gatherer_set_options(gatherer, NULL);
            break;
        case 8:
            (void)floe_gatherer_get_statistics(gatherer, &statistics);
            floe_gatherer_statistics_free(statistics);
            break;
        case 9:
            if (floe_gatherer_create_associated(gatherer, &mine) == FLOE_OK) {
                (void)floe_gatherer_gather(mine);
                floe_gatherer_free(mine);
            }
            break;
        case 5:
            if (i > 250) {
                (void)floe_gatherer_close(gatherer);
            }
            break;
        default:
            assert_int_equal(floe_gatherer_new(w->o->api, NULL, &mine), FLOE_OK);
            (void)floe_gatherer_gather(mine);
            if (seeded_below(&random, 2) == 0) {
                (void)floe_gatherer_graceful_close(mine);
            }
            floe_gatherer_free(mine);
            break;
        }
    }
    return NULL;
}

static void four_threads_call_at_random(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 5; round++) {
        owner o;
        worker workers[4];
        make_api(&o, NULL);
        make_gatherer(&o);
        for (uint64_t i = 0; i < 4; i++) {
            workers[i] = (worker){.o = &o, .seed = 4 * round + i};
            assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
        }
        for (int i = 0; i < 4; i++) {
            (void)pthread_join(workers[i].thread, NULL);
        }
        end(&o);
    }
}

/* ── Filters (P2) ── */

typedef struct filters {
    owner *o;
    unsigned interfaces;
    unsigned addresses;
    bool closes;
} filters;

static bool keep_loopback(void *data, const char *name)
{
    filters *f = data;

    f->interfaces++;
    if (f->closes) { /* a filter may call anything, as every callback may */
        assert_int_equal(floe_gatherer_close(f->o->gatherer), FLOE_OK);
    }
    return strcmp(name, "lo") == 0;
}

static bool keep_ipv4(void *data, const floe_address *address)
{
    filters *f = data;

    f->addresses++;
    return address->family == FLOE_FAMILY_IPV4;
}

static void p2_filters_keep_what_they_say(void **state)
{
    (void)state;
    /* Both filters, a close within them, and each filter alone. */
    for (int kind = 0; kind < 4; kind++) {
        bool closes = kind == 1;
        owner o = {.listener = {happened}};
        filters f = {.o = &o, .closes = closes};
        floe_settings settings = FLOE_SETTINGS_INIT;
        floe_candidate_list *list;

        (void)pthread_mutex_init(&o.lock, NULL);
        (void)pthread_cond_init(&o.changed, NULL);
        settings.allocator = &memory_counted;
        settings.loopback = true;
        settings.interface_filter = kind != 3 ? keep_loopback : NULL;
        settings.ip_filter = kind != 2 ? keep_ipv4 : NULL;
        settings.filter_user_data = &f;
        assert_int_equal(floe_api_new(&settings, &o.api), FLOE_OK);
        make_gatherer(&o);
        assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_OK);
        wait_until(&o, &o.seen[closes ? ON_CLOSED : ON_END]);
        assert_int_equal(f.interfaces >= 1, kind != 3);
        assert_int_equal(f.addresses >= 1, kind != 2);
        if (!closes) {
            assert_int_equal(floe_gatherer_get_local_candidates(o.gatherer, &list), FLOE_OK);
            for (size_t i = 0; i < list->count; i++) {
                assert_true(kind == 3 || strcmp(list->candidates[i]->interface_name, "lo") == 0);
                assert_true(kind == 2 || strchr(list->candidates[i]->address, ':') == NULL);
            }
            assert_true(list->count >= 1);
            floe_candidate_list_free(list);
        } else {
            assert_false(o.seen[ON_CANDIDATE]);
        }
        end(&o);
    }
}

/* ── The caller's own loop ── */

static void the_callers_own_loop(void **state)
{
    uv_loop_t loop;
    owner o;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    make_api(&o, &loop);
    make_gatherer(&o);
    assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_OK);
    assert_false(o.seen[ON_GATHERING]); /* nothing happens but in the loop */
    turn_until(&loop, &o.seen[ON_END]);
    assert_int_equal(floe_gatherer_graceful_close(o.gatherer), FLOE_ERR_WOULD_DEADLOCK);
    floe_gatherer_free(o.gatherer);
    floe_api_free(o.api);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(memory_live(), 0);
}

static void note_sent(void *data, const floe_trace_event *event)
{
    bool *sent = data;

    *sent = *sent || event->kind == FLOE_TRACE_SENT;
}

typedef struct reflexive {
    bool reflexive;
    bool end;
} reflexive;

static void note_reflexive(void *data, const floe_candidate *candidate)
{
    reflexive *told = data;

    if (candidate == NULL) {
        told->end = true;
    } else if (candidate->type == FLOE_CANDIDATE_TYPE_SRFLX) {
        told->reflexive = true;
    }
}

/* L14: what has come while the loop stood still is read before it is too late. */
static void a_loop_that_stood_still_misses_no_answer(void **state)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    uv_loop_t loop;
    owner o = {.listener.happened = happened,
               .lock = PTHREAD_MUTEX_INITIALIZER,
               .changed = PTHREAD_COND_INITIALIZER};
    filters loopback = {.o = &o};
    bool sent = false;
    reflexive told = {0};

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    settings.loop = &loop;
    settings.loopback = true;
    settings.interface_filter = keep_loopback;
    settings.filter_user_data = &loopback;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    settings.gather_timeout_ms = 300;
    settings.on_trace = note_sent;
    settings.trace_user_data = &sent;
    assert_int_equal(floe_api_new(&settings, &o.api), FLOE_OK);
    make_gatherer(&o);
    assert_int_equal(floe_gatherer_on_local_candidate(o.gatherer, note_reflexive, &told), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_OK);
    turn_until(&loop, &sent);
    (void)usleep(400000);
    turn_until(&loop, &told.end);
    assert_true(told.reflexive);
    floe_gatherer_free(o.gatherer);
    floe_api_free(o.api);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void free_api(void *data, const floe_candidate *candidate)
{
    floe_api **api = data;

    assert_non_null(candidate);
    assert_non_null(*api); /* it is called once */
    floe_api_free(*api);
    *api = NULL;
}

/* The loop is run to its end by one thread, and everything is freed within a callback of it. */
static void everything_is_freed_within_a_callback_of_the_callers_loop(void **state)
{
    uv_loop_t loop;
    owner o;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    make_api(&o, &loop);
    make_gatherer(&o);
    assert_int_equal(floe_gatherer_on_local_candidate(o.gatherer, free_api, &o.api), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_OK);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_null(o.api);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(memory_live(), 0);
}

/* ── The host's signals and processes ── */

static atomic_uint signals_here;
static atomic_uint signals_elsewhere;
static pthread_t main_thread;

static void on_signal(int number)
{
    (void)number;
    atomic_fetch_add(
        pthread_equal(pthread_self(), main_thread) ? &signals_here : &signals_elsewhere, 1);
}

/* A signal to the process is the host's threads' alone, however long they do not take it. */
static void signals_are_the_hosts(void **state)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;
    sigset_t usr1;
    owner o;

    (void)state;
    main_thread = pthread_self();
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    (void)sigemptyset(&usr1);
    (void)sigaddset(&usr1, SIGUSR1);
    make_api(&o, NULL);
    make_gatherer(&o);
    assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_OK);
    wait_until(&o, &o.seen[ON_END]);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &usr1, NULL), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0); /* pending, as nobody takes it */
    (void)usleep(20000);
    assert_int_equal(atomic_load(&signals_elsewhere), 0);
    assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &usr1, NULL), 0);
    assert_int_equal(atomic_load(&signals_here), 1);
    end(&o);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* ── Running out of descriptors ── */

static void without_descriptors_it_says_so(void **state)
{
    struct rlimit before;
    floe_api *api;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (rlim_t limit = 3; limit < 40; limit++) {
        struct rlimit low = {.rlim_cur = limit, .rlim_max = before.rlim_max};
        owner o;
        floe_settings settings = FLOE_SETTINGS_INIT;
        settings.allocator = &memory_counted;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        floe_error error = floe_api_new(&settings, &api);
        if (error != FLOE_OK) {
            assert_int_equal(error, FLOE_ERR_NO_DESCRIPTORS);
            assert_int_equal(memory_live(), 0);
            assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
            continue;
        }
        floe_api_free(api);
        make_api(&o, NULL);
        make_gatherer(&o);
        assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_OK);
        wait_until(&o, &o.seen[ON_END]);
        assert_true(o.seen[ON_CANDIDATE] || o.seen[ON_ERROR]);
        end(&o);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    }
}

/* ── Memory of an api ── */

typedef struct metered {
    pthread_mutex_t lock;
    size_t live;
    size_t most;
} metered;

static void *take_metered(void *user_data, size_t size)
{
    metered *meter = user_data;
    max_align_t *block = malloc(sizeof *block + size);

    if (block != NULL) {
        memcpy(block, &size, sizeof size);
        (void)pthread_mutex_lock(&meter->lock);
        meter->live += size;
        meter->most = meter->live > meter->most ? meter->live : meter->most;
        (void)pthread_mutex_unlock(&meter->lock);
        return block + 1;
    }
    return NULL;
}

static void give_back_metered(void *user_data, void *memory)
{
    metered *meter = user_data;
    max_align_t *block = (max_align_t *)memory - 1;
    size_t size;

    memcpy(&size, block, sizeof size);
    (void)pthread_mutex_lock(&meter->lock);
    meter->live -= size;
    (void)pthread_mutex_unlock(&meter->lock);
    free(block);
}

/* An api takes little until it has a socket, and then the buffer that its settings say. */
static void an_api_takes_what_its_settings_say(void **state)
{
    static const uint32_t buffers[] = {0, 65536, 2097152};

    (void)state;
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        metered meter = {.lock = PTHREAD_MUTEX_INITIALIZER};
        const floe_allocator allocator = {&meter, take_metered, give_back_metered};
        size_t buffer = buffers[i] != 0 ? buffers[i] : 262144;
        floe_settings settings = FLOE_SETTINGS_INIT;
        owner o;
        settings.allocator = &allocator;
        settings.receive_buffer_size = buffers[i];
        make_api_by(&o, settings);
        assert_in_range(meter.most, 1, 32768);
        make_gatherer(&o);
        assert_int_equal(floe_gatherer_gather(o.gatherer), FLOE_OK);
        wait_until(&o, &o.seen[ON_END]);
        assert_in_range(meter.most, buffer, buffer + 65536);
        end(&o);
        assert_int_equal(meter.live, 0);
    }
    floe_api_statistics statistics;
    floe_api_statistics_init(&statistics, sizeof statistics);
    assert_int_equal(statistics.size, sizeof statistics);
    floe_api *api;
    floe_settings settings = FLOE_SETTINGS_INIT;
    settings.receive_buffer_size = 65535;
    assert_int_equal(floe_api_new(&settings, &api), FLOE_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(floe_last_error(), "receive_buffer_size"));
    settings.receive_buffer_size = 2097153;
    assert_int_equal(floe_api_new(&settings, &api), FLOE_ERR_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_in_every_state),
        cmocka_unit_test(l10_a_pool_begins_at_once),
        cmocka_unit_test(l9_handlers_late_removed_and_replaced),
        cmocka_unit_test(h2_names_and_look_ups),
        cmocka_unit_test(h2_all_is_freed_on_the_callers_loop),
        cmocka_unit_test(h2_look_ups_are_cancelled),
        cmocka_unit_test(l11_a_restart_changes_ufrag_and_password),
        cmocka_unit_test(l11_a_restart_is_told_to_the_other_component),
        cmocka_unit_test(null_is_an_error),
        cmocka_unit_test(another_thread_closes_at_any_moment),
        cmocka_unit_test(four_threads_call_at_random),
        cmocka_unit_test(p2_filters_keep_what_they_say),
        cmocka_unit_test(the_callers_own_loop),
        cmocka_unit_test(a_loop_that_stood_still_misses_no_answer),
        cmocka_unit_test(everything_is_freed_within_a_callback_of_the_callers_loop),
        cmocka_unit_test(signals_are_the_hosts),
        cmocka_unit_test(without_descriptors_it_says_so),
        cmocka_unit_test(an_api_takes_what_its_settings_say),
    };
    return cmocka_run_group_tests_name("api", tests, test_server_start, test_server_stop);
}

/* A callback and a call in the same instant: every callback × every function; and of those that
 * end, begin or use a gatherer × which thread it comes from × how much is in flight. What must
 * hold: nobody hangs, no callback begins once a free or a graceful close has returned, a call has
 * the result that is written down for it, and nothing is left. */
#include "support.h"

#include "moments.h"
#include "server.h"

#include <floe/floe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef enum the_call {
    CLOSE,
    GRACEFUL_CLOSE,
    FREE,
    RESTART,
    GATHER,
    SET_HANDLERS,
    SEND,
    CALLS, /* those that come from other threads too; the rest from within the callback */
    RESTART_AND_GATHER = CALLS,
    SET_OPTIONS,
    GET_PARAMETERS,
    GET_CANDIDATES,
    GET_STATISTICS,
    NEW_GATHERER,
    CREATE_ASSOCIATED,
    FREE_API,
    ALL_CALLS,
} the_call;

typedef enum the_caller {
    ITSELF,           /* the callback */
    ANOTHER,          /* a thread that the callback has woken, and runs beside */
    ANOTHER_MEANTIME, /* the same, and the callback stays until the call has begun */
    CALLERS,
} the_caller;

/* What is in flight at that moment. */
typedef enum the_flight {
    ONE,    /* one event of each kind, one packet */
    MANY,   /* six servers, ten packets */
    K_OF_N, /* the same, and the call comes in the fifth event of its kind, which for packets is in
               the middle of one read */
    FLIGHTS,
} the_flight;

typedef struct owner {
    moment_listener listener;
    floe_api *api;
    floe_gatherer *gatherer;
    /* Held during the call that is tried: who brings the moment about makes none beside it, nor
     * uses what is gone. */
    pthread_mutex_t lock;
    bool freed;
    bool api_freed;
    the_moment moment;
    the_call call;
    the_caller caller;
    unsigned at; /* the event of its kind in which the call comes */
    unsigned packets;
    atomic_uint events[MOMENTS];
    atomic_uint id; /* of the host candidate */
    atomic_uint port;
    atomic_bool woken;
    atomic_int thread; /* that makes the call, from when it begins; 0: not yet */
    atomic_bool acted;
    atomic_bool gone; /* no callback may begin any more */
    atomic_bool late; /* one has */
} owner;

/* ── The calls ── */

static floe_error send_to_itself(owner *o)
{
    floe_address self;

    (void)floe_address_parse("127.0.0.1", &self);
    self.port = (uint16_t)atomic_load(&o->port);
    return floe_gatherer_send(o->gatherer, atomic_load(&o->id), &self, "packet", 6);
}

/* Makes another gatherer, if it can, and leaves it in the middle of its work. */
static floe_error make_another(owner *o)
{
    floe_gatherer *other = NULL;
    floe_error error = o->call == NEW_GATHERER
                           ? floe_gatherer_new(o->api, NULL, &other)
                           : floe_gatherer_create_associated(o->gatherer, &other);

    if (error == FLOE_OK) {
        assert_int_equal(floe_gatherer_gather(other), FLOE_OK);
        floe_gatherer_free(other);
    }
    return error;
}

static floe_error call(owner *o)
{
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_api_statistics all = FLOE_API_STATISTICS_INIT;
    floe_gatherer_statistics *statistics = NULL;
    floe_candidate_list *list = NULL;
    floe_error error = FLOE_OK;

    switch (o->call) {
    case CLOSE:
        assert_int_equal(floe_gatherer_close(o->gatherer), FLOE_OK);
        return floe_gatherer_close(o->gatherer);
    case GRACEFUL_CLOSE:
        return floe_gatherer_graceful_close(o->gatherer);
    case FREE:
        o->freed = true;
        floe_gatherer_free(o->gatherer);
        return FLOE_OK;
    case RESTART:
        return floe_gatherer_restart(o->gatherer);
    case GATHER:
        return floe_gatherer_gather(o->gatherer);
    case SET_HANDLERS:
        listen_to(&o->listener, o->gatherer);
        return FLOE_OK;
    case SEND:
        error = send_to_itself(o);
        /* There may be no candidate yet. */
        return error == FLOE_ERR_NOT_FOUND || error == FLOE_ERR_INVALID_ARGUMENT ? FLOE_OK : error;
    case RESTART_AND_GATHER:
        error = floe_gatherer_restart(o->gatherer);
        return error == FLOE_OK ? floe_gatherer_gather(o->gatherer) : error;
    case SET_OPTIONS:
        return floe_gatherer_set_options(o->gatherer, NULL);
    case GET_PARAMETERS:
        return floe_gatherer_get_local_parameters(o->gatherer, &parameters);
    case GET_CANDIDATES:
        error = floe_gatherer_get_local_candidates(o->gatherer, &list);
        floe_candidate_list_free(list);
        return error;
    case GET_STATISTICS:
        assert_int_equal(floe_api_get_statistics(o->api, &all), FLOE_OK);
        error = floe_gatherer_get_statistics(o->gatherer, &statistics);
        floe_gatherer_statistics_free(statistics);
        return error;
    case NEW_GATHERER:
    case CREATE_ASSOCIATED:
        return make_another(o);
    default:
        o->freed = o->api_freed = true;
        floe_api_free(o->api);
        return FLOE_OK;
    }
}

/* What the call is to return within a callback, where nothing else happens meanwhile. */
static floe_error expected(const owner *o, enum floe_gatherer_state state)
{
    switch (o->call) {
    case GRACEFUL_CLOSE:
        return FLOE_ERR_WOULD_DEADLOCK;
    case GATHER: /* L5 */
        return state == FLOE_GATHERER_STATE_COMPLETE ? FLOE_OK : FLOE_ERR_INVALID_STATE;
    case CLOSE:
    case FREE:
    case SET_HANDLERS:
    case NEW_GATHERER:
    case FREE_API:
        return FLOE_OK;
    default:
        return state == FLOE_GATHERER_STATE_CLOSED ? FLOE_ERR_INVALID_STATE : FLOE_OK;
    }
}

static void act(owner *o)
{
    (void)pthread_mutex_lock(&o->lock);
    enum floe_gatherer_state state = floe_gatherer_state(o->gatherer);
    atomic_store(&o->thread, gettid());
    floe_error error = call(o);
    if (o->caller == ITSELF) {
        assert_true(state >= FLOE_GATHERER_STATE_GATHERING);
        assert_int_equal(error, expected(o, state));
    } else { /* the gatherer may have gone on since */
        bool may_be_refused = o->call == RESTART || o->call == GATHER || o->call == SEND;
        assert_true(error == FLOE_OK || (may_be_refused && error == FLOE_ERR_INVALID_STATE));
    }
    atomic_store(&o->gone, o->freed || (o->call == GRACEFUL_CLOSE && error == FLOE_OK));
    atomic_store(&o->acted, true);
    (void)pthread_mutex_unlock(&o->lock);
}

static void wait_for(const atomic_bool *flag, const char *what)
{
    for (int i = 0; !atomic_load(flag); i++) {
        if (i == 600000) {
            fail_msg("waited in vain: %s", what);
        }
        (void)usleep(100);
    }
}

static void *act_elsewhere(void *data)
{
    owner *o = data;

    wait_for(&o->woken, "the moment");
    act(o);
    return NULL;
}

/* The other thread has made its call, or stands in it and waits: for the callback, that is. */
static void wait_for_call(const owner *o)
{
    for (int waits = 0; !atomic_load(&o->acted) && waits < 5;) {
        char path[64];
        char state = '?';
        (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", atomic_load(&o->thread));
        FILE *file = fopen(path, "r");
        if (file != NULL) {
            (void)!fscanf(file, "%*d (%*[^)]) %c", &state);
            (void)fclose(file);
        }
        waits = state == 'S' ? waits + 1 : 0;
        (void)usleep(200);
    }
}

/* ── The callbacks ── */

static void note(owner *o, const floe_candidate *candidate)
{
    if (candidate->type == FLOE_CANDIDATE_TYPE_HOST) {
        atomic_store(&o->port, candidate->port);
        atomic_store(&o->id, candidate->id);
    }
}

static void happened(moment_listener *listener, the_moment moment, const void *thing)
{
    owner *o = (owner *)(void *)listener;
    bool gone = atomic_load(&o->gone);

    if (moment == ON_PACKET && ((const floe_packet *)thing)->size != 6) {
        return; /* an answer to a question that was taken back */
    }
    if (moment == ON_CANDIDATE) {
        note(o, thing);
    }
    /* They wait in the socket while this runs, so one read has them all. */
    for (unsigned i = 0; moment == ON_END && o->events[ON_END] == 0 && i < o->packets; i++) {
        (void)send_to_itself(o);
    }
    unsigned nth = atomic_fetch_add(&o->events[moment], 1) + 1;
    if (gone) {
        atomic_store(&o->late, true);
        return;
    }
    if (moment != o->moment || nth != o->at) {
        return;
    }
    if (o->caller == ITSELF) {
        act(o);
        return;
    }
    atomic_store(&o->woken, true);
    if (o->caller == ANOTHER_MEANTIME) {
        wait_for_call(o);
        if (o->call == FREE) {
            atomic_store(&o->gone, true); /* it waits for this callback, and for no other */
        }
    }
}

/* ── One of each ── */

static void make(owner *o, the_flight flight)
{
    static char good[64];
    const char *urls[] = {good,
                          "stun:127.0.0.1:9",
                          "stun:127.0.0.1:10",
                          "stun:127.0.0.1:11",
                          "stun:127.0.0.1:12",
                          "stun:127.0.0.1:13"};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_settings settings = FLOE_SETTINGS_INIT;

    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    settings.on_trace = listener_traced;
    settings.trace_user_data = &o->listener;
    (void)snprintf(good, sizeof good, "stun:127.0.0.1:%u", test_server_port);
    server.urls = urls;
    server.url_count = flight == ONE ? 2 : 6;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    assert_int_equal(floe_api_new(&settings, &o->api), FLOE_OK);
    assert_int_equal(floe_gatherer_new(o->api, &options, &o->gatherer), FLOE_OK);
    listen_to(&o->listener, o->gatherer);
}

/* Makes the moment come: a second gathering finds that the NAT shows another address (server.h), so
 * what the first one found is withdrawn. Of some events there is one only in a gathering. */
static void bring_about(owner *o)
{
    assert_int_equal(floe_gatherer_gather(o->gatherer), FLOE_OK);
    for (int i = 0; i < 600000 && !atomic_load(&o->acted) && !atomic_load(&o->woken); i++) {
        bool complete = atomic_load(&o->events[ON_END]) > 0;
        (void)pthread_mutex_lock(&o->lock);
        if (complete && !o->freed && o->moment == ON_CLOSED) {
            (void)floe_gatherer_close(o->gatherer);
        } else if (complete && !o->freed && o->moment != ON_PACKET) {
            (void)floe_gatherer_gather(o->gatherer);
        }
        (void)pthread_mutex_unlock(&o->lock);
        (void)usleep(100);
    }
    wait_for(&o->acted, "the call");
}

static void try_one(the_moment moment, the_call each, the_caller caller, the_flight flight)
{
    owner o = {.listener = {happened}, .moment = moment, .call = each, .caller = caller};
    pthread_t thread;

    (void)pthread_mutex_init(&o.lock, NULL);
    o.at = flight == K_OF_N && moment != ON_CLOSED ? 5 : 1;
    o.packets = flight == ONE ? 1 : 10;
    make(&o, flight);
    if (caller != ITSELF) {
        assert_int_equal(pthread_create(&thread, NULL, act_elsewhere, &o), 0);
    }
    bring_about(&o);
    if (caller != ITSELF) {
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    if (!o.freed) {
        floe_gatherer_free(o.gatherer);
        atomic_store(&o.gone, true);
    }
    if (!o.api_freed) {
        floe_api_free(o.api);
    }
    for (int i = 0; i < 60000 && o.api_freed && memory_live() > 0; i++) {
        (void)usleep(1000); /* an api freed in a callback ends by itself */
    }
    assert_int_equal(memory_live(), 0);
    assert_false(atomic_load(&o.late));
    (void)pthread_mutex_destroy(&o.lock);
}

/* gatherer.h: in a callback every function may be called, floe_gatherer_free too. */
static void cve_2026_32942_every_callback_may_call_every_function(void **state)
{
    (void)state;
    for (the_moment moment = 0; moment < MOMENTS; moment++) {
        for (the_call each = 0; each < ALL_CALLS; each++) {
            try_one(moment, each, ITSELF, ONE);
        }
    }
}

static void every_callback_every_call_every_thread(void **state)
{
    unsigned tried = 0;

    (void)state;
    for (the_moment moment = 0; moment < MOMENTS; moment++) {
        for (the_call each = 0; each < CALLS; each++) {
            for (the_caller caller = 0; caller < CALLERS; caller++) {
                for (the_flight flight = 0; flight < FLIGHTS; flight++) {
                    try_one(moment, each, caller, flight);
                    tried++;
                }
            }
        }
    }
    print_message("%u of callback, call, thread and flight\n", tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cve_2026_32942_every_callback_may_call_every_function),
        cmocka_unit_test(every_callback_every_call_every_thread),
    };

    return cmocka_run_group_tests_name("lifetime", tests, test_server_start, test_server_stop);
}

#include "runtime/clock.h"

#include "runtime/runtime.h"
#include "runtime/system.h"

/* Sleep that is worth a look at what stands at NATs and servers; and such as counts at all. */
#define SLEPT_LONG_NS 5000000000U
#define SLEPT_NS 100000000U

floe_time floe_runtime_now(void)
{
    return (floe_time){floe_system_now()};
}

void floe_clock_read(floe_clock_reading *reading)
{
    *reading = (floe_clock_reading){.now = floe_runtime_now(), .tick = floe_system_tick()};
}

floe_time floe_clock_recent(floe_clock_reading *reading)
{
    uint64_t tick = floe_system_tick();

    if (tick == 0 || tick != reading->tick) {
        floe_clock_read(reading);
    }
    return reading->now;
}

uint64_t floe_clock_wait(const uv_loop_t *loop, floe_time due)
{
    floe_time now = floe_runtime_now();
    uint64_t left = due.ns > now.ns ? (due.ns - now.ns + 999999U) / 1000000U : 0;
    uint64_t awake = uv_hrtime() / 1000000U;
    uint64_t from = uv_now(loop); /* libuv counts from when its loop's turn began */

    return left + (awake > from ? awake - from : 0);
}

/* How long the machine has slept, since some moment: by how much the two clocks differ. Who is held
 * up between the two looks looks again. */
static uint64_t slept(void)
{
    uint64_t before;
    uint64_t after;
    uint64_t awake;
    int tries = 0;

    do {
        before = floe_system_now();
        awake = uv_hrtime();
        after = floe_system_now();
    } while (after - before > SLEPT_NS / 2 && ++tries < 10);
    return before - awake;
}

void floe_clock_look(floe_clock *clock)
{
    floe_api *api = clock->api;
    uint64_t now = slept();
    int64_t more = (int64_t)(now - clock->slept);

    if (more < (int64_t)SLEPT_NS) {
        return;
    }
    clock->slept = now;
    uv_mutex_lock(&api->lock);
    FLOE_LIST_EACH(gatherer, &api->gatherers, floe_gatherer, link)
    {
        if (more >= (int64_t)SLEPT_LONG_NS) {
            floe_core_woke(gatherer->core, floe_gatherer_now(gatherer));
        }
        floe_gatherer_wake(gatherer);
    }
    uv_mutex_unlock(&api->lock);
    floe_timers_set_anew(&api->timers);
    floe_mdns_service_woke(api, more >= (int64_t)SLEPT_LONG_NS);
    if (more >= (int64_t)SLEPT_LONG_NS) {
        floe_resolver_woke(&api->resolver);
    }
}

static void on_watched(uv_poll_t *poll, int status, int events)
{
    floe_clock *clock = poll->data;

    (void)status;
    (void)events;
    floe_system_watch_clock_again(clock->watched);
    floe_clock_look(clock);
}

void floe_clock_start(floe_clock *clock, floe_api *api)
{
    clock->api = api;
    clock->slept = slept();
    clock->watched = floe_system_watch_clock();
    if (clock->watched == FLOE_NO_SOCKET) {
        return;
    }
    if (uv_poll_init_socket(api->loop, &clock->poll, clock->watched) != 0) {
        floe_system_close(clock->watched);
        clock->watched = FLOE_NO_SOCKET;
        return;
    }
    clock->poll.data = clock;
    floe_api_handle_opened(api);
    (void)uv_poll_start(&clock->poll, UV_READABLE, on_watched);
}

static void on_closed(uv_handle_t *handle)
{
    floe_clock *clock = handle->data;

    floe_api_handle_closed(clock->api);
}

void floe_clock_close(floe_clock *clock)
{
    if (clock->watched != FLOE_NO_SOCKET) {
        uv_close((uv_handle_t *)&clock->poll, on_closed);
        floe_system_close(clock->watched);
        clock->watched = FLOE_NO_SOCKET;
    }
}

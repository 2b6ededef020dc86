#include "runtime/timers.h"

#include "runtime/runtime.h"

/* The lock is held, and nobody else's thread is in between. */
static void arm(floe_timers *timers);

/* Under the lock. Who becomes due meanwhile is so in the loop's next turn. */
static void take_due(floe_timers *timers, floe_list *turn)
{
    floe_time now = floe_runtime_now();
    floe_alarm *alarm;

    while ((alarm = floe_agenda_due(&timers->agenda, now)) != NULL) {
        floe_gatherer *gatherer = FLOE_CONTAINER(alarm, floe_gatherer, alarm);
        floe_agenda_set(&timers->agenda, alarm, FLOE_TIME_NEVER);
        floe_list_remove(&gatherer->ready); /* here it is pumped as well */
        floe_list_append(turn, &gatherer->ready);
    }
    for (floe_gatherer *of; (of = floe_transports_due(timers->api)) != NULL;) {
        floe_list_remove(&of->ready);
        floe_list_append(turn, &of->ready);
    }
}

static void on_due(uv_timer_t *timer)
{
    floe_timers *timers = timer->data;
    floe_api *api = timers->api;
    floe_list turn;
    floe_list *link;

    timers->due = FLOE_TIME_NEVER;
    floe_list_init(&turn);
    floe_api_turn_begins(api);
    uv_mutex_lock(&api->lock);
    take_due(timers, &turn);
    while ((link = floe_list_take(&turn)) != NULL) {
        floe_gatherer *gatherer = FLOE_CONTAINER(link, floe_gatherer, ready);
        floe_core_time(gatherer->core, floe_gatherer_now(gatherer));
        uv_mutex_unlock(&api->lock);
        floe_gatherer_pump(gatherer);
        uv_mutex_lock(&api->lock);
    }
    arm(timers);
    uv_mutex_unlock(&api->lock);
    (void)floe_api_turn_ends(api);
}

/* libuv's timers come before its sockets. When the loop stood still for a while, what has arrived
 * meanwhile is read first, so that nothing is given up whose answer is there (L14). */
#define STOOD_STILL_MS 20U

static void on_timer(uv_timer_t *timer)
{
    floe_timers *timers = timer->data;
    floe_time late = floe_time_after(timers->due, floe_milliseconds(STOOD_STILL_MS));

    floe_clock_look(&timers->api->clock);
    if (floe_time_reached(floe_runtime_now(), late)) {
        (void)uv_timer_start(timer, on_due, 1, 0); /* the loop's next turn */
    } else {
        on_due(timer);
    }
}

static void arm(floe_timers *timers)
{
    floe_time due = floe_time_min(floe_agenda_deadline(&timers->agenda),
                                  floe_agenda_deadline(&timers->transports));

    if (due.ns == timers->due.ns) {
        return;
    }
    timers->due = due;
    if (floe_time_is_never(due)) {
        (void)uv_timer_stop(&timers->timer);
        return;
    }
    (void)uv_timer_start(&timers->timer, on_timer, floe_clock_wait(timers->api->loop, due), 0);
}

void floe_timers_set(floe_timers *timers, floe_gatherer *gatherer)
{
    bool closed = floe_core_state(gatherer->core) == FLOE_GATHERER_STATE_CLOSED;

    floe_agenda_set(&timers->agenda, &gatherer->alarm,
                    closed ? FLOE_TIME_NEVER : floe_core_deadline(gatherer->core));
    arm(timers);
}

void floe_timers_set_anew(floe_timers *timers)
{
    timers->due = FLOE_TIME_NEVER;
    arm(timers);
}

void floe_timers_start(floe_timers *timers, floe_api *api)
{
    timers->api = api;
    timers->due = FLOE_TIME_NEVER;
    floe_agenda_init(&timers->agenda);
    floe_agenda_init(&timers->transports);
    (void)uv_timer_init(api->loop, &timers->timer);
    timers->timer.data = timers;
    floe_api_handle_opened(api);
}

static void on_closed(uv_handle_t *handle)
{
    floe_timers *timers = handle->data;

    floe_api_handle_closed(timers->api);
}

void floe_timers_close(floe_timers *timers)
{
    uv_close((uv_handle_t *)&timers->timer, on_closed);
}

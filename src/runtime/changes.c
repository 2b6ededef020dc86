#include "runtime/changes.h"

#include "runtime/runtime.h"
#include "runtime/system.h"

/* Changes come in crowds (a hundred links of containers): they are heard at once when there was
 * none for a while, and else together. It is part of the 100 ms in which a gatherer sees to one
 * (N2; QUIET in core/plan/network.c). */
#define PAUSE_MS 15U
/* Whoever has the list read for himself has it read so often. */
#define LOOK_MS 100U
/* Where nothing tells of changes. */
#define POLL_MS 2000U

static void watch(floe_changes *changes);

/* ── Who is to hear ── */

static bool any_continual(floe_api *api)
{
    bool any = false;

    uv_mutex_lock(&api->lock);
    FLOE_LIST_EACH(gatherer, &api->gatherers, floe_gatherer, link)
    {
        any = any || floe_core_is_continual(gatherer->core);
    }
    uv_mutex_unlock(&api->lock);
    return any;
}

/* Their cores decide when they want to see the list. */
static void tell_gatherers(floe_api *api)
{
    uv_mutex_lock(&api->lock);
    api->interfaces_known = false;
    FLOE_LIST_EACH(gatherer, &api->gatherers, floe_gatherer, link)
    {
        if (floe_core_is_continual(gatherer->core)) {
            floe_core_network_changed(gatherer->core, floe_gatherer_now(gatherer));
            floe_timers_set(&api->timers, gatherer);
        }
    }
    uv_mutex_unlock(&api->lock);
}

/* ── Those who do not look for themselves ── */

static void look(floe_changes *changes)
{
    floe_api *api = changes->api;

    changes->looked = uv_now(api->loop);
    if (floe_interfaces_update(&api->interfaces) == FLOE_OK) {
        floe_mdns_service_links(api);
    }
}

static void on_look(uv_timer_t *timer)
{
    floe_changes *changes = timer->data;

    changes->look_set = false;
    look(changes);
}

static void look_soon(floe_changes *changes)
{
    floe_api *api = changes->api;
    uint64_t now = uv_now(api->loop);

    if (api->mdns == NULL || changes->look_set) {
        return;
    }
    if (now >= changes->looked + LOOK_MS) {
        look(changes);
        return;
    }
    changes->look_set = true;
    (void)uv_timer_start(&changes->timer, on_look, changes->looked + LOOK_MS - now, 0);
}

/* ── How it comes to light ── */

static void on_pause_over(uv_timer_t *pause)
{
    watch(pause->data);
}

static void on_change(uv_poll_t *poll, int status, int events)
{
    floe_changes *changes = poll->data;

    (void)status;
    (void)events;
    (void)uv_poll_stop(poll);
    (void)uv_timer_start(&changes->pause, on_pause_over, PAUSE_MS, 0);
    floe_interfaces_hear(&changes->api->interfaces);
    tell_gatherers(changes->api);
    look_soon(changes);
}

/* Whether there is anything that tells. */
static bool begin_poll(floe_changes *changes)
{
    floe_api *api = changes->api;
    uv_os_sock_t watched = floe_interfaces_watched(&api->interfaces);

    if (!changes->has_poll && watched != FLOE_NO_SOCKET &&
        uv_poll_init_socket(api->loop, &changes->poll, watched) == 0) {
        changes->poll.data = changes;
        changes->has_poll = true;
        floe_api_handle_opened(api);
    }
    return changes->has_poll;
}

static void on_poll(uv_timer_t *pause)
{
    floe_changes *changes = pause->data;

    floe_interfaces_hear(&changes->api->interfaces);
    tell_gatherers(changes->api);
    watch(changes);
}

/* Once for each time that it begins. */
static void warn(floe_api *api)
{
    uv_mutex_lock(&api->lock);
    FLOE_LIST_EACH(gatherer, &api->gatherers, floe_gatherer, link)
    {
        if (floe_core_is_continual(gatherer->core)) {
            floe_core_warn(gatherer->core, floe_gatherer_now(gatherer), 0, NULL,
                           "the system does not tell of changes of the network: its interfaces "
                           "are listed every 2 s");
            floe_gatherer_wake(gatherer);
            break;
        }
    }
    uv_mutex_unlock(&api->lock);
}

static void watch(floe_changes *changes)
{
    floe_api *api = changes->api;
    bool continual = any_continual(api);

    changes->watches = continual || api->mdns != NULL;
    if (!changes->watches) {
        return;
    }
    if (begin_poll(changes)) {
        (void)uv_poll_start(&changes->poll, UV_READABLE, on_change);
        return;
    }
    changes->watches = continual;
    if (continual) {
        if (!changes->polls) {
            changes->polls = true;
            warn(api);
        }
        (void)uv_timer_start(&changes->pause, on_poll, POLL_MS, 0);
    }
}

/* ── Its life ── */

void floe_changes_init(floe_changes *changes, floe_api *api)
{
    changes->api = api;
    changes->poll.data = changes->pause.data = changes->timer.data = changes;
}

void floe_changes_begin(floe_changes *changes)
{
    floe_api *api = changes->api;

    if (changes->watches || changes->closing) {
        return;
    }
    if (!changes->begun) {
        (void)uv_timer_init(api->loop, &changes->pause);
        (void)uv_timer_init(api->loop, &changes->timer);
        changes->pause.data = changes->timer.data = changes;
        floe_api_handle_opened(api);
        floe_api_handle_opened(api);
        changes->begun = true;
    }
    watch(changes);
}

static void on_closed(uv_handle_t *handle)
{
    floe_changes *changes = handle->data;

    floe_api_handle_closed(changes->api);
}

void floe_changes_close(floe_changes *changes)
{
    changes->closing = true;
    if (changes->begun) {
        uv_close((uv_handle_t *)&changes->pause, on_closed);
        uv_close((uv_handle_t *)&changes->timer, on_closed);
    }
    if (changes->has_poll) {
        uv_close((uv_handle_t *)&changes->poll, on_closed);
    }
}

#include "runtime/changes.h"

#include "base/address.h"

#include "runtime/runtime.h"
#include "runtime/system.h"

#include <string.h>

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

/* Whether he hears of more. The lock is not held while his function runs. */
static bool tell_owner(floe_api *api, floe_network_change_kind kind,
                       const floe_interface_address *one)
{
    const floe_network_change change = {
        .size = sizeof change,
        .change = kind,
        .interface_name = one->interface_name,
        .interface_index = one->interface_index,
        .address = one->address,
        .up = one->up,
        .temporary = one->temporary,
        .deprecated = one->deprecated,
        .tentative = one->tentative,
        .default_route = one->default_route,
    };

    uv_mutex_lock(&api->lock);
    floe_network_change_handler handler = api->stopping ? NULL : api->on_network_change;
    void *user_data = api->network_change_data;
    api->network_told = handler != NULL;
    uv_mutex_unlock(&api->lock);
    if (handler == NULL) {
        return false;
    }
    handler(user_data, &change);
    uv_mutex_lock(&api->lock);
    api->network_told = false;
    floe_api_tell_waiting(api);
    uv_mutex_unlock(&api->lock);
    return true;
}

static const floe_interface_address *find(const floe_interfaces *in,
                                          const floe_interface_address *one)
{
    for (size_t i = 0; i < in->count; i++) {
        if (in->list[i].interface_index == one->interface_index &&
            floe_address_same_ip(&in->list[i].address, &one->address)) {
            return &in->list[i];
        }
    }
    return NULL;
}

static bool differs(const floe_interface_address *one, const floe_interface_address *other)
{
    return strcmp(one->interface_name, other->interface_name) != 0 || one->up != other->up ||
           one->temporary != other->temporary || one->deprecated != other->deprecated ||
           one->tentative != other->tentative || one->default_route != other->default_route;
}

/* What has gone goes first: an address may be on another interface by now. */
static void tell_differences(floe_api *api, const floe_interfaces *before,
                             const floe_interfaces *now)
{
    bool more = true;

    for (size_t i = 0; more && i < before->count; i++) {
        if (find(now, &before->list[i]) == NULL) {
            more = tell_owner(api, FLOE_NETWORK_REMOVED, &before->list[i]);
        }
    }
    for (size_t i = 0; more && i < now->count; i++) {
        const floe_interface_address *was = find(before, &now->list[i]);
        if (was == NULL) {
            more = tell_owner(api, FLOE_NETWORK_ADDED, &now->list[i]);
        } else if (differs(was, &now->list[i])) {
            more = tell_owner(api, FLOE_NETWORK_CHANGED, &now->list[i]);
        }
    }
}

static bool read_list(floe_api *api)
{
    if (floe_interfaces_update(&api->interfaces) != FLOE_OK) {
        return false;
    }
    if (api->wants_default_route) {
        floe_interfaces_mark_default_route(&api->interfaces);
    }
    return true;
}

/* Without memory the next look tells it. */
static void tell_changes(floe_changes *changes)
{
    floe_interfaces before = changes->seen;
    bool knew = changes->knows;

    floe_interfaces_init(&changes->seen, &changes->api->allocator);
    if (floe_interfaces_copy(&changes->seen, &changes->api->interfaces) != FLOE_OK) {
        changes->seen = before;
        return;
    }
    changes->knows = true;
    if (knew) {
        tell_differences(changes->api, &before, &changes->seen);
    }
    floe_interfaces_free(&before);
}

static void look(floe_changes *changes)
{
    floe_api *api = changes->api;

    changes->looked = uv_now(api->loop);
    if (read_list(api)) {
        floe_mdns_service_links(api);
        if (changes->listens) {
            tell_changes(changes);
        }
    }
}

static bool owner_listens(floe_api *api)
{
    uv_mutex_lock(&api->lock);
    bool listens = api->on_network_change != NULL;
    uv_mutex_unlock(&api->lock);
    return listens;
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

    if ((api->mdns == NULL && !changes->listens) || changes->look_set) {
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
    look_soon(changes);
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

    changes->watches = continual || changes->listens || api->mdns != NULL;
    if (!changes->watches) {
        return;
    }
    if (begin_poll(changes)) {
        (void)uv_poll_start(&changes->poll, UV_READABLE, on_change);
        return;
    }
    changes->watches = continual || changes->listens;
    if (changes->watches) {
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
    floe_interfaces_init(&changes->seen, &api->allocator);
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

void floe_changes_listen(floe_changes *changes)
{
    bool listens = owner_listens(changes->api);

    if (listens == changes->listens) {
        return;
    }
    changes->listens = listens;
    changes->knows = false;
    if (listens) {
        look(changes);
        floe_changes_begin(changes);
    }
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

/* The owner's own look-ups of .local names. */
#include "base/error.h"
#include "base/name.h"
#include "runtime/runtime.h"

#include <string.h>

struct floe_look_up {
    floe_list link; /* in api->look_ups, or in api->look_ups_begun */
    floe_mdns_asker asker;
    floe_api *api;
    uint32_t timeout_ms;
    bool begun;
    bool cancelled; /* its owner is not called any more */
    floe_look_up_handler handler;
    void *user_data;
    char name[256];
};

static void done(floe_mdns_asker *asker, floe_error error, const floe_address *addresses,
                 size_t count)
{
    floe_look_up *look_up = FLOE_CONTAINER(asker, floe_look_up, asker);
    floe_api *api = look_up->api;
    floe_look_up_result result = {
        .name = look_up->name, .error = error, .addresses = addresses, .address_count = count};

    uv_mutex_lock(&api->lock);
    floe_list_remove(&look_up->link);
    if (!api->stopping && !look_up->cancelled) {
        api->look_up_told = look_up;
        uv_mutex_unlock(&api->lock);
        look_up->handler(look_up->user_data, &result);
        uv_mutex_lock(&api->lock);
        api->look_up_told = NULL;
        floe_api_tell_waiting(api);
    }
    uv_mutex_unlock(&api->lock);
    floe_deallocate(&api->allocator, look_up);
}

static void begin(floe_api *api, floe_look_up *look_up)
{
    floe_error error = floe_mdns_service_look_up(api, look_up->name, FLOE_FAMILY_NONE,
                                                 look_up->timeout_ms, &look_up->asker);

    if (error != FLOE_OK) {
        done(&look_up->asker, error, NULL, 0);
    }
}

static void let_go(floe_api *api, floe_look_up *look_up)
{
    if (look_up->begun) {
        floe_mdns_service_forget(api, &look_up->asker);
    }
    floe_deallocate(&api->allocator, look_up);
}

/* How many in one turn of the loop: then the gatherers, the sockets and the timers have theirs. */
#define LOOK_UPS_A_TURN 256

/* The next that waits; NULL: there is none. One that is to be begun stands among those that are:
 * whoever cancels it meanwhile finds it. */
static floe_look_up *take(floe_api *api, bool *cancelled)
{
    uv_mutex_lock(&api->lock);
    floe_list *link = api->stopping ? NULL : floe_list_take(&api->look_ups);
    floe_look_up *look_up = link != NULL ? FLOE_CONTAINER(link, floe_look_up, link) : NULL;
    *cancelled = look_up != NULL && look_up->cancelled;
    if (look_up != NULL && !*cancelled) {
        look_up->begun = true;
        floe_list_append(&api->look_ups_begun, &look_up->link);
    }
    uv_mutex_unlock(&api->lock);
    return look_up;
}

void floe_look_ups_begin(floe_api *api)
{
    floe_look_up *look_up;
    bool cancelled;

    for (int i = 0; i < LOOK_UPS_A_TURN; i++) {
        if ((look_up = take(api, &cancelled)) == NULL) {
            return;
        }
        if (cancelled) {
            let_go(api, look_up);
        } else {
            begin(api, look_up);
        }
    }
    (void)uv_async_send(&api->wake);
}

static void drop(floe_api *api, floe_list *list)
{
    FLOE_LIST_EACH_SAFE(look_up, list, floe_look_up, link)
    {
        floe_list_remove(&look_up->link);
        floe_deallocate(&api->allocator, look_up);
    }
}

void floe_look_ups_drop(floe_api *api)
{
    uv_mutex_lock(&api->lock);
    drop(api, &api->look_ups);
    drop(api, &api->look_ups_begun);
    uv_mutex_unlock(&api->lock);
}

bool floe_look_up_is_told_to(const floe_api *api, floe_look_up_handler handler)
{
    return api->look_up_told != NULL && api->look_up_told->handler == handler;
}

static bool is_of(const floe_look_up *look_up, floe_look_up_handler handler, const void *user_data)
{
    return look_up != NULL && look_up->handler == handler && look_up->user_data == user_data;
}

floe_error floe_api_cancel_look_ups(floe_api *api, floe_look_up_handler handler, void *user_data)
{
    if (api == NULL || handler == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_api_cancel_look_ups: NULL");
    }
    uv_mutex_lock(&api->lock);
    bool elsewhere = !floe_on_loop_thread(api);
    FLOE_LIST_EACH(look_up, &api->look_ups, floe_look_up, link)
    {
        look_up->cancelled = look_up->cancelled || is_of(look_up, handler, user_data);
    }
    FLOE_LIST_EACH_SAFE(look_up, &api->look_ups_begun, floe_look_up, link)
    {
        if (is_of(look_up, handler, user_data)) { /* the loop's thread lets go of it */
            look_up->cancelled = true;
            floe_list_remove(&look_up->link);
            floe_list_append(&api->look_ups, &look_up->link);
        }
    }
    (void)uv_async_send(&api->wake);
    while (elsewhere && is_of(api->look_up_told, handler, user_data)) {
        floe_api_wait(api);
    }
    uv_mutex_unlock(&api->lock);
    return FLOE_OK;
}

floe_error floe_api_look_up(floe_api *api, const char *name, uint32_t timeout_ms,
                            floe_look_up_handler handler, void *user_data)
{
    size_t size = name != NULL ? strlen(name) : 0;

    if (api == NULL || name == NULL || handler == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_api_look_up: NULL");
    }
    if (size >= sizeof((floe_look_up *)0)->name) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "the name \"%.80s...\" has %zu bytes, more than 255", name, size);
    }
    if (!floe_name_is_local(name)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "the name \"%.80s\" does not end in .local",
                         name);
    }
    if (timeout_ms > 60000) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "timeout_ms is %u, not 1 to 60000", timeout_ms);
    }
    if (api->mdns_mode == FLOE_MDNS_MODE_OFF || !floe_mdns_is_built_in()) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "multicast DNS is off, or not built in");
    }
    floe_look_up *look_up = floe_allocate(&api->allocator, sizeof *look_up);
    if (look_up == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    look_up->asker.done = done;
    look_up->api = api;
    look_up->timeout_ms = timeout_ms == 0 ? 5000 : timeout_ms;
    look_up->handler = handler;
    look_up->user_data = user_data;
    memcpy(look_up->name, name, size);
    uv_mutex_lock(&api->lock);
    floe_list_append(&api->look_ups, &look_up->link);
    (void)uv_async_send(&api->wake);
    uv_mutex_unlock(&api->lock);
    return FLOE_OK;
}

/* The api: its loop and thread, its beginning and its end. */
#include "base/error.h"
#include "runtime/runtime.h"
#include "runtime/system.h"

#include <stdlib.h>
#include <string.h>

bool floe_on_loop_thread(const floe_api *api)
{
    uv_thread_t self = uv_thread_self();

    return uv_thread_equal(&self, &api->thread) != 0;
}

/* The end. */

static void discard(floe_api *api)
{
    floe_allocator allocator = api->allocator;

    floe_core_shared_free(api->shared);
    floe_known_hosts_free(&api->known_hosts, &allocator);
    floe_table_free(&allocator, &api->mux_sockets);
    floe_entropy_free(&api->entropy);
    floe_udp_batch_free(&api->batch, &allocator);
    floe_deallocate(&allocator, api);
}

static void destroy(floe_api *api)
{
    floe_interfaces_free(&api->interfaces);
    floe_interfaces_free(&api->changes.seen);
    uv_cond_destroy(&api->changed);
    uv_mutex_destroy(&api->lock);
    discard(api);
}

/* On the caller's loop nobody joins: the last handle that closes takes the api with it. */
static void destroy_if_done(floe_api *api)
{
    if (!api->owns_loop && api->stopping && api->open_handles == 0 &&
        floe_list_empty(&api->gatherers)) {
        destroy(api);
    }
}

void floe_api_wait(floe_api *api)
{
    api->waiting++;
    uv_cond_wait(&api->changed, &api->lock);
    api->waiting--;
}

void floe_api_tell_waiting(floe_api *api)
{
    if (api->waiting > 0) {
        uv_cond_broadcast(&api->changed);
    }
}

void floe_api_callback_over(floe_api *api)
{
    uv_mutex_lock(&api->lock);
    api->running = NULL;
    (void)floe_clock_recent(&api->clock_reading);
    floe_api_tell_waiting(api);
}

void floe_api_handle_opened(floe_api *api)
{
    api->open_handles++;
}

void floe_api_handle_closed(floe_api *api)
{
    api->open_handles--;
    destroy_if_done(api);
}

static void on_wake_closed(uv_handle_t *handle)
{
    floe_api_handle_closed(handle->data);
}

/* Who waits for the thread at the end would wait for ever. The name is OpenSSL's
 * (SSL_CTX_set_default_verify_paths(3)). */
static void read_trust_file(floe_api *api)
{
    const char *named = getenv("SSL_CERT_FILE");

    floe_core_shared_read_trust(api->shared, named == NULL || floe_system_can_be_read(named));
}

/* In a thread of its own: those of libuv's may be busy with the program's work for long, and it
 * ends the process if it cannot make them. */
static void read_trust(void *data)
{
    floe_api *api = data;

    floe_system_block_signals();
    read_trust_file(api);
    uv_mutex_lock(&api->lock);
    api->trust_read = true;
    (void)uv_async_send(&api->wake);
    uv_mutex_unlock(&api->lock);
}

/* The lock is held. */
static void tell_trust_read(floe_api *api)
{
    FLOE_LIST_EACH(gatherer, &api->gatherers, floe_gatherer, link)
    {
        if (floe_core_state(gatherer->core) != FLOE_GATHERER_STATE_CLOSED) {
            floe_core_trust_read(gatherer->core, floe_gatherer_now(gatherer));
            floe_gatherer_wake(gatherer);
        }
    }
}

/* Without a thread it is read here: all wait for it, once. While there is one the cores hear of that
 * first, and ask again. */
void floe_api_read_trust(floe_api *api)
{
    if (api->trust_reads || !floe_core_shared_wants_trust(api->shared)) {
        return;
    }
    api->trust_reads = uv_thread_create(&api->trust_thread, read_trust, api) == 0;
    if (!api->trust_reads) {
        read_trust_file(api);
        tell_trust_read(api);
    }
}

static void end_trust_thread(floe_api *api)
{
    if (api->trust_reads) {
        (void)uv_thread_join(&api->trust_thread);
        api->trust_reads = false;
    }
}

static void look_at_trust(floe_api *api)
{
    uv_mutex_lock(&api->lock);
    bool read = api->trust_read;
    api->trust_read = false;
    uv_mutex_unlock(&api->lock);
    if (read) {
        end_trust_thread(api); /* it has nothing left to do */
        uv_mutex_lock(&api->lock);
        tell_trust_read(api);
        uv_mutex_unlock(&api->lock);
    }
}

void floe_api_turn_begins(floe_api *api)
{
    uv_mutex_lock(&api->lock);
    api->in_turn = true;
    uv_mutex_unlock(&api->lock);
}

/* The lock is held before and after. */
static void pump(floe_api *api, floe_gatherer *gatherer)
{
    uv_mutex_unlock(&api->lock);
    floe_gatherer_pump(gatherer);
    uv_mutex_lock(&api->lock);
}

/* What all of them have given the mux goes together. */
static void pump_ready(floe_api *api)
{
    floe_list turn;
    floe_list *link;

    floe_list_init(&turn);
    while ((link = floe_list_take(&api->ready)) != NULL) {
        floe_list_append(&turn, link);
    }
    while ((link = floe_list_take(&turn)) != NULL) {
        pump(api, FLOE_CONTAINER(link, floe_gatherer, ready));
    }
    if (api->mux != NULL && floe_list_linked(&api->mux->ready)) {
        pump(api, api->mux);
    }
}

bool floe_api_turn_ends(floe_api *api)
{
    uv_mutex_lock(&api->lock);
    pump_ready(api);
    api->in_turn = false;
    api->interfaces_known = false;
    bool all_done = floe_list_empty(&api->ready);
    if (!all_done) {
        (void)uv_async_send(&api->wake);
    }
    uv_mutex_unlock(&api->lock);
    return all_done;
}

static void shut_down(floe_api *api)
{
    if (!uv_is_closing((uv_handle_t *)&api->wake)) {
        floe_mdns_service_close(api);
        floe_changes_close(&api->changes);
        floe_look_ups_drop(api);
        floe_resolver_close(&api->resolver);
        floe_clock_close(&api->clock);
        floe_timers_close(&api->timers);
        floe_watch_close(&api->watch);
        end_trust_thread(api);
        uv_close((uv_handle_t *)&api->wake, on_wake_closed);
    }
}

static void on_wake(uv_async_t *wake)
{
    floe_api *api = wake->data;

    /* Read before the ready ones are taken: what became ready before the api was freed is among
     * them, and nothing becomes ready afterwards. */
    uv_mutex_lock(&api->lock);
    bool stopping = api->stopping;
    api->in_turn = true;
    uv_mutex_unlock(&api->lock);
    look_at_trust(api);
    floe_resolver_give(&api->resolver);
    if (!stopping) {
        floe_changes_listen(&api->changes);
    }
    floe_look_ups_begin(api);
    if (floe_api_turn_ends(api) && stopping) {
        shut_down(api);
    }
}

/* The loop thread of our own. */
static void run_loop(void *data)
{
    floe_api *api = data;

    floe_system_block_signals();
    (void)uv_run(api->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&api->own_loop);
    uv_mutex_lock(&api->lock);
    bool frees_itself = api->frees_itself;
    uv_mutex_unlock(&api->lock);
    if (frees_itself) {
        destroy(api);
    }
}

void floe_api_free(floe_api *api)
{
    if (api == NULL) {
        return;
    }
    uv_mutex_lock(&api->lock);
    bool waits = api->owns_loop && !floe_on_loop_thread(api);
    uv_thread_t thread = api->thread;
    floe_transports_drop(api); /* before their gatherers, which they need not hear of */
    FLOE_LIST_EACH(gatherer, &api->gatherers, floe_gatherer, link)
    {
        if (!gatherer->freed) {
            floe_gatherer_let_go(gatherer);
        }
    }
    api->stopping = true;
    api->frees_itself = !waits;
    if (!waits && api->owns_loop) {
        floe_system_detach(thread);
    }
    (void)uv_async_send(&api->wake);
    uv_mutex_unlock(&api->lock);
    if (waits) {
        (void)uv_thread_join(&thread);
        destroy(api);
    }
}

floe_error floe_uv_failed(int status, const char *what)
{
    floe_error error = FLOE_ERR_SYSTEM;

    switch (status) {
    case UV_EMFILE:
    case UV_ENFILE:
        error = FLOE_ERR_NO_DESCRIPTORS;
        break;
    case UV_ENOMEM:
    case UV_ENOBUFS:
        error = FLOE_ERR_NO_MEMORY;
        break;
    case UV_EADDRINUSE:
        error = FLOE_ERR_ADDRESS_IN_USE;
        break;
    case UV_EADDRNOTAVAIL:
        error = FLOE_ERR_ADDRESS_NOT_AVAILABLE;
        break;
    case UV_ENOSPC: /* epoll_ctl's */
        error = FLOE_ERR_NO_WATCHES;
        break;
    case UV_EACCES:
    case UV_EPERM:
        error = FLOE_ERR_PERMISSION;
        break;
    default:
        break;
    }
    return floe_fail(error, "%s: %s", what, uv_strerror(status));
}

/* The beginning. */

static floe_error start_loop(floe_api *api, uv_loop_t *given)
{
    int failed = 0;

    api->owns_loop = given == NULL;
    api->loop = given != NULL ? given : &api->own_loop;
    if (api->owns_loop) {
        failed = floe_system_loop_init(&api->own_loop);
        if (failed != 0) {
            return floe_uv_failed(failed, "uv_loop_init");
        }
    }
    failed = uv_async_init(api->loop, &api->wake, on_wake);
    if (failed == 0) {
        api->wake.data = api;
        floe_api_handle_opened(api);
        floe_watch_init(&api->watch, api);
        floe_timers_start(&api->timers, api);
        floe_clock_start(&api->clock, api);
        api->thread = uv_thread_self();
        if (!api->owns_loop) {
            return FLOE_OK;
        }
        /* Held until the new thread's id is written, which its first callbacks ask for. */
        uv_mutex_lock(&api->lock);
        failed = uv_thread_create(&api->thread, run_loop, api);
        uv_mutex_unlock(&api->lock);
        if (failed == 0) {
            return FLOE_OK;
        }
        floe_clock_close(&api->clock);
        floe_timers_close(&api->timers);
        uv_close((uv_handle_t *)&api->wake, NULL);
        (void)uv_run(api->loop, UV_RUN_DEFAULT);
    }
    if (api->owns_loop) {
        (void)uv_loop_close(&api->own_loop);
    }
    return floe_uv_failed(failed, "starting the loop");
}

static floe_error check_files(const floe_settings *given)
{
    const struct {
        const char *setting;
        const char *path;
    } files[] = {{"tls_ca_file", given->tls_ca_file},
                 {"tls_certificate_file", given->tls_certificate_file},
                 {"tls_key_file", given->tls_key_file}};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (files[i].path != NULL && !floe_system_can_be_read(files[i].path)) {
            return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "settings.%s \"%.120s\": it is no file",
                             files[i].setting, files[i].path);
        }
    }
    return FLOE_OK;
}

floe_error floe_api_new(const floe_settings *settings, floe_api **api)
{
    floe_settings given = {0};

    if (api == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_api_new: api is NULL");
    }
    if (settings != NULL) {
        floe_take_struct(&given, settings, FLOE_SETTINGS_SIZES);
        given.size = sizeof given;
    }
    floe_error error = check_files(&given);
    if (error != FLOE_OK) {
        return error;
    }
    floe_allocator allocator = given.allocator != NULL ? *given.allocator : floe_default_allocator;
    floe_api *made = floe_allocate(&allocator, sizeof *made);
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    made->allocator = allocator;
    made->on_trace = given.on_trace;
    made->trace_user_data = given.trace_user_data;
    made->interface_filter = given.interface_filter;
    made->ip_filter = given.ip_filter;
    made->filter_user_data = given.filter_user_data;
    floe_list_init(&made->gatherers);
    floe_list_init(&made->ready);
    floe_list_init(&made->transports);
    floe_list_init(&made->transports_ready);
    floe_list_init(&made->look_ups);
    floe_list_init(&made->look_ups_begun);
    floe_list_init(&made->known_hosts);
    made->mdns_mode = given.mdns_mode;
    made->dont_fragment = given.dont_fragment;
    made->wants_default_route = given.ip_handling == FLOE_IP_HANDLING_DEFAULT_ROUTE_AND_LOCAL ||
                                given.ip_handling == FLOE_IP_HANDLING_DEFAULT_ROUTE_ONLY;
    made->mdns_name_given = given.mdns_name != NULL;
    floe_interfaces_init(&made->interfaces, &made->allocator);
    floe_changes_init(&made->changes, made);
    floe_resolver_init(&made->resolver, made);
    floe_entropy_init(&made->entropy);
    const floe_random random = {.fill = floe_entropy_fill, .user_data = &made->entropy};
    error = floe_core_shared_new(&given, &random, &made->shared);
    if (error == FLOE_OK) {
        floe_core_shared_promise_trust(made->shared);
        error = floe_known_hosts_take(&made->known_hosts, &made->allocator, &given);
    }
    if (error == FLOE_OK && given.mdns_mode == FLOE_MDNS_MODE_QUERY_AND_GATHER &&
        !floe_mdns_is_built_in()) {
        error = floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                          "settings.mdns_mode asks for multicast DNS, which is not built in");
    }
    floe_udp_batch_init(&made->batch,
                        given.receive_buffer_size != 0 ? given.receive_buffer_size : 262144);
    if (error == FLOE_OK && uv_mutex_init(&made->lock) != 0) {
        error = floe_fail(FLOE_ERR_SYSTEM, "a mutex can't be made");
    } else if (error == FLOE_OK && uv_cond_init(&made->changed) != 0) {
        uv_mutex_destroy(&made->lock);
        error = floe_fail(FLOE_ERR_SYSTEM, "a condition variable can't be made");
    }
    if (error != FLOE_OK) {
        discard(made);
        return error;
    }
    if (given.udp_mux_port != 0 || given.tcp_mux_port != 0) {
        error = floe_gatherer_new_mux(made);
    }
    if (error == FLOE_OK) {
        error = start_loop(made, given.loop);
    }
    if (error != FLOE_OK) {
        floe_gatherer_drop_mux(made);
        destroy(made);
        return error;
    }
    *api = made;
    return FLOE_OK;
}

floe_error floe_api_get_statistics(floe_api *api, floe_api_statistics *statistics)
{
    if (api == NULL || statistics == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_api_get_statistics: NULL");
    }
    uv_mutex_lock(&api->lock);
    floe_api_statistics now = api->statistics;
    now.packets_dropped = floe_core_shared_dropped(api->shared);
    uv_mutex_unlock(&api->lock);
    floe_give_struct(statistics, &now, FLOE_API_STATISTICS_SIZES);
    return FLOE_OK;
}

floe_error floe_api_on_network_change(floe_api *api, floe_network_change_handler handler,
                                      void *user_data)
{
    if (api == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_api_on_network_change: NULL");
    }
    uv_mutex_lock(&api->lock);
    bool elsewhere = !floe_on_loop_thread(api);
    api->on_network_change = handler;
    api->network_change_data = user_data;
    (void)uv_async_send(&api->wake);
    while (elsewhere && api->network_told) {
        floe_api_wait(api);
    }
    uv_mutex_unlock(&api->lock);
    return FLOE_OK;
}

const char *floe_network_change_name(floe_network_change_kind kind)
{
    static const char *const names[] = {"", "added", "removed", "changed"};

    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "";
}

void floe_api_statistics_init(floe_api_statistics *statistics, size_t size)
{
    floe_init_struct(statistics, size);
}

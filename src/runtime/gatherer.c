/* The public gatherer: calls from any thread go into its core, the core's outputs are done and told
 * on the loop thread. */
#include "base/error.h"
#include "runtime/runtime.h"
#include "runtime/system.h"

static void make_ready(floe_gatherer *gatherer)
{
    if (gatherer != NULL && !floe_list_linked(&gatherer->ready)) {
        floe_list_append(&gatherer->api->ready, &gatherer->ready);
        if (!gatherer->api->in_turn) {
            (void)uv_async_send(&gatherer->api->wake);
        }
    }
}

/* What is called of a gatherer may be its mux's work. */
void floe_gatherer_wake(floe_gatherer *gatherer)
{
    gatherer->api->interfaces_known = false;
    make_ready(gatherer);
    make_ready(gatherer->api->mux);
}

/* Those that the mux has given something. */
static void wake_touched(floe_gatherer *mux)
{
    floe_core *touched;

    while ((touched = floe_core_mux_touched(mux->core)) != NULL) {
        make_ready(floe_core_user(touched));
    }
}

floe_time floe_gatherer_now(floe_gatherer *gatherer)
{
    floe_clock_read(&gatherer->api->clock_reading);
    return gatherer->api->clock_reading.now;
}

/* What is done of a gatherer in one go is done at one time, unless the owner's functions take long: behind each of them
 * the clock is read again, unless the reading of before is still good. */
floe_time floe_gatherer_recent(const floe_gatherer *gatherer)
{
    return floe_clock_recent(&gatherer->api->clock_reading);
}

floe_time floe_gatherer_latest(const floe_gatherer *gatherer)
{
    return gatherer->api->clock_reading.now;
}

/* ── The loop thread's side ── */

/* A handle of libuv's lives until its close callback has run; only then may the memory go. */
static bool may_go(const floe_gatherer *gatherer)
{
    return gatherer->given_back && gatherer->quiet && gatherer->open_handles == 0 &&
           !gatherer->pumping && !floe_list_linked(&gatherer->ready);
}

static void go_if_done(floe_gatherer *gatherer)
{
    floe_api *api = gatherer->api;

    uv_mutex_lock(&api->lock);
    bool done = may_go(gatherer);
    if (done) {
        floe_list_remove(&gatherer->link);
        floe_core_free(gatherer->core);
        api->mux = api->mux == gatherer ? NULL : api->mux;
        make_ready(api->mux); /* what that had open is closed */
    }
    uv_mutex_unlock(&api->lock);
    if (done) {
        floe_transports_free(gatherer);
        floe_deallocate(&api->allocator, gatherer->data);
        floe_deallocate(&api->allocator, gatherer);
    }
}

/* Counts the api's handle last: with it the api may go. */
void floe_gatherer_handle_closed(floe_gatherer *gatherer)
{
    floe_api *api = gatherer->api;

    gatherer->open_handles--;
    go_if_done(gatherer);
    floe_api_handle_closed(api);
}

void floe_gatherer_handle_opened(floe_gatherer *gatherer)
{
    gatherer->open_handles++;
    floe_api_handle_opened(gatherer->api);
}

/* The lock is released while the user's function runs. */
static void begin_callback(floe_gatherer *gatherer)
{
    gatherer->api->running = gatherer;
    uv_mutex_unlock(&gatherer->api->lock);
}

static void end_callback(floe_gatherer *gatherer)
{
    floe_api_callback_over(gatherer->api);
}

static void give(const floe_gatherer *gatherer, const floe_packet *packet)
{
    floe_gatherer *to = floe_core_user(floe_core_packet_owner(gatherer->core));
    const floe_data_handlers *data = to->data;

    if (floe_transports_take(to, packet)) {
        if (to != gatherer) {
            make_ready(to);
        }
    } else if (!to->freed && data != NULL && data->on_packet != NULL) {
        floe_packet_handler handler = data->on_packet;
        void *user_data = data->packet_data;
        begin_callback(to);
        handler(user_data, packet);
        end_callback(to);
    }
}

void floe_gatherer_give_packets(floe_gatherer *gatherer)
{
    const floe_packet *packet;

    while (floe_core_packet(gatherer->core, floe_gatherer_latest(gatherer), &packet)) {
        give(gatherer, packet);
    }
}

static void on_datagram(floe_udp *udp, const floe_address *source, const void *data, size_t size,
                        bool again)
{
    floe_gatherer *gatherer = udp->owner;

    gatherer->api->statistics.packets_received++;
    gatherer->api->statistics.bytes_received += size;
    const floe_packet *packet = again ? floe_core_datagram_again(gatherer->core, data, size) : NULL;
    if (packet != NULL) {
        give(gatherer, packet);
        return;
    }
    floe_core_datagram(gatherer->core, floe_gatherer_latest(gatherer), udp->channel, source, data,
                       size);
    floe_gatherer_give_packets(gatherer);
}

static void on_unreachable(floe_udp *udp, const floe_address *remote, floe_unreachable reason,
                           const void *data, size_t size)
{
    floe_core_unreachable(udp->owner->core, floe_gatherer_now(udp->owner), udp->channel, remote,
                          reason, data, size);
}

static void warn_if_uncut(const floe_udp *udp)
{
    floe_address *uncut = &udp->owner->api->batch.uncut;

    if (uncut->family != 0) {
        floe_core_warn(udp->owner->core, floe_gatherer_now(udp->owner), udp->channel, uncut,
                       "the system cuts no datagrams of this size from one piece (UDP_SEGMENT): "
                       "they are sent one by one");
        uncut->family = 0;
    }
}

static void send_held(floe_udp *udp)
{
    floe_gatherer *gatherer = udp->owner;

    floe_udp_send_held(udp, &gatherer->api->batch, on_unreachable);
    warn_if_uncut(udp);
    if (floe_queue_empty(&udp->held)) {
        floe_watch_writable(&gatherer->api->watch, udp, false);
        floe_core_writable(gatherer->core, floe_gatherer_now(gatherer), udp->channel);
    }
}

void floe_gatherer_socket_ready(floe_udp *udp, bool errors, bool writable)
{
    floe_gatherer *gatherer = udp->owner;
    floe_api *api = gatherer->api;

    uv_mutex_lock(&api->lock);
    floe_clock_read(&api->clock_reading);
    if (writable && !floe_queue_empty(&udp->held)) {
        send_held(udp);
    }
    if (floe_udp_is_open(udp)) {
        floe_udp_read(udp, &api->batch, errors, on_datagram, on_unreachable);
    }
    uv_mutex_unlock(&api->lock);
    floe_gatherer_pump(gatherer);
}

/* One of the mux's, by its channel. */
typedef struct floe_shared_socket {
    floe_table_node node;
    floe_udp *udp;
} floe_shared_socket;

static floe_shared_socket *find_shared(const floe_api *api, uint32_t channel)
{
    uint64_t hash = floe_table_hash(&api->mux_sockets, &channel, sizeof channel);

    for (floe_table_node *node = floe_table_find(&api->mux_sockets, hash); node != NULL;
         node = floe_table_next(node)) {
        floe_shared_socket *shared = FLOE_CONTAINER(node, floe_shared_socket, node);
        if (shared->udp->channel == channel) {
            return shared;
        }
    }
    return NULL;
}

/* False without memory. */
static bool add_shared(floe_api *api, floe_udp *udp)
{
    floe_shared_socket *shared = floe_allocate(&api->allocator, sizeof *shared);

    if (shared == NULL) {
        return false;
    }
    shared->udp = udp;
    if (!floe_table_insert(
            &api->allocator, &api->mux_sockets, &shared->node,
            floe_table_hash(&api->mux_sockets, &udp->channel, sizeof udp->channel))) {
        floe_deallocate(&api->allocator, shared);
        return false;
    }
    return true;
}

static void remove_shared(floe_api *api, uint32_t channel)
{
    floe_shared_socket *shared = find_shared(api, channel);

    if (shared != NULL) {
        floe_table_remove(&api->mux_sockets, &shared->node);
        floe_deallocate(&api->allocator, shared);
    }
}

static floe_udp *find_socket(floe_gatherer *gatherer, uint32_t channel)
{
    if (gatherer == gatherer->api->mux) {
        const floe_shared_socket *shared = find_shared(gatherer->api, channel);
        return shared != NULL ? shared->udp : NULL;
    }
    FLOE_RING_EACH(udp, &gatherer->sockets, floe_udp, link)
    {
        if (udp->channel == channel) {
            return udp;
        }
    }
    return NULL;
}

static floe_error open_socket(floe_gatherer *gatherer, uint32_t channel, floe_address *local)
{
    floe_api *api = gatherer->api;
    floe_udp *udp = floe_allocate(&api->allocator, sizeof *udp);

    if (udp == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    floe_error error = floe_udp_batch_begin(&api->batch, &api->allocator);
    int failed = error == FLOE_OK ? floe_watch_begin(&api->watch) : 0;
    if (failed != 0) {
        error = floe_uv_failed(failed, "epoll");
    } else if (error == FLOE_OK) {
        error = floe_udp_open(&udp->fd, local);
    }
    if (error != FLOE_OK) {
        floe_deallocate(&api->allocator, udp);
        return error;
    }
    udp->owner = gatherer;
    udp->channel = channel;
    if (api->dont_fragment) {
        floe_udp_forbid_fragments(udp, local->family == FLOE_FAMILY_IPV4);
    }
    udp->cut = UINT16_MAX;
    if (gatherer->data != NULL && gatherer->data->listens &&
        (failed = floe_watch_add(&api->watch, udp)) != 0) {
        floe_watch_remove(&api->watch, udp);
        return floe_uv_failed(failed, "a socket can't be watched");
    }
    if (gatherer == api->mux && !add_shared(api, udp)) {
        floe_watch_remove(&api->watch, udp);
        return FLOE_ERR_NO_MEMORY;
    }
    floe_ring_append(&gatherer->sockets, &udp->link);
    return FLOE_OK;
}

static void close_socket(floe_gatherer *gatherer, uint32_t channel)
{
    floe_udp *udp = find_socket(gatherer, channel);
    floe_tcp *tcp = floe_tcp_of_channel(gatherer, channel);
    floe_listening *listening = floe_listening_of_channel(gatherer, channel);

    if (tcp != NULL) {
        floe_tcp_close(tcp);
    }
    if (listening != NULL) {
        floe_listening_close(listening);
    }
    if (udp != NULL) {
        if (gatherer == gatherer->api->mux) {
            remove_shared(gatherer->api, channel);
        }
        floe_ring_remove(&gatherer->sockets, &udp->link);
        floe_watch_remove(&gatherer->api->watch, udp);
    }
}

static void flush(floe_gatherer *gatherer, floe_udp *udp)
{
    bool waited = !floe_queue_empty(&udp->held);

    floe_udp_flush(udp, &gatherer->api->batch, on_unreachable);
    warn_if_uncut(udp);
    if (!waited && !floe_queue_empty(&udp->held)) {
        floe_core_blocked(gatherer->core, udp->channel);
        floe_watch_writable(&gatherer->api->watch, udp, true);
    }
}

/* The application's packets that wait on the same socket go at once with the batch, from where they wait: *udp is NULL
 * then. How many bytes they are. */
static size_t add_more(floe_gatherer *gatherer, floe_udp **udp)
{
    floe_core_row rows[FLOE_UDP_ROWS];
    floe_udp_batch *batch = &gatherer->api->batch;
    size_t bytes;
    size_t wanted = floe_udp_batch_wants(batch, &bytes);
    size_t count = floe_core_poll_more(gatherer->core, (*udp)->channel, wanted, bytes, rows,
                                       FLOE_UDP_ROWS - batch->count);

    bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += rows[i].count * rows[i].size;
    }
    floe_udp_batch_refer(batch, rows, count);
    if (count > 0) {
        flush(gatherer, *udp);
        *udp = NULL;
    }
    return bytes;
}

static void call_candidate_handler(floe_gatherer *gatherer, floe_local_candidate_handler handler,
                                   void *user_data, const floe_candidate *candidate)
{
    if (handler != NULL) {
        begin_callback(gatherer);
        handler(user_data, candidate);
        end_callback(gatherer);
    }
}

static void tell_owner(floe_gatherer *gatherer, const floe_core_output *output)
{
    const floe_data_handlers *data = gatherer->data;
    floe_api *api = gatherer->api;

    floe_transports_hear(gatherer, output);
    if (gatherer->freed) {
        return;
    }
    switch (output->kind) {
    case FLOE_CORE_CANDIDATE:
        call_candidate_handler(gatherer, gatherer->on_local_candidate,
                               gatherer->local_candidate_data, output->candidate);
        break;
    case FLOE_CORE_CANDIDATE_WITHDRAWN:
        call_candidate_handler(gatherer, gatherer->on_candidate_withdrawn,
                               gatherer->candidate_withdrawn_data, output->candidate);
        break;
    case FLOE_CORE_STATE:
        if (gatherer->on_state_change != NULL) {
            floe_state_change_handler handler = gatherer->on_state_change;
            void *user_data = gatherer->state_change_data;
            begin_callback(gatherer);
            handler(user_data, output->state);
            end_callback(gatherer);
        }
        break;
    case FLOE_CORE_CANDIDATE_ERROR:
        if (gatherer->on_error != NULL) {
            floe_error_handler handler = gatherer->on_error;
            void *user_data = gatherer->error_data;
            begin_callback(gatherer);
            handler(user_data, output->error);
            end_callback(gatherer);
        }
        break;
    case FLOE_CORE_WRITABLE:
        if (data != NULL && data->on_writable != NULL) {
            floe_writable_handler handler = data->on_writable;
            void *user_data = data->writable_data;
            begin_callback(gatherer);
            handler(user_data, output->candidate_id);
            end_callback(gatherer);
        }
        break;
    case FLOE_CORE_UNREACHABLE:
        if (data != NULL && data->on_unreachable != NULL) {
            floe_unreachable_handler handler = data->on_unreachable;
            void *user_data = data->unreachable_data;
            begin_callback(gatherer);
            handler(user_data, output->candidate_id, &output->remote, output->unreachable);
            end_callback(gatherer);
        }
        break;
    case FLOE_CORE_TRACE:
        begin_callback(gatherer);
        api->on_trace(api->trace_user_data, output->trace);
        end_callback(gatherer);
        break;
    default:
        break;
    }
}

/* What the user's filters keep; the lock is not held. */
static size_t filter_addresses(const floe_api *api, floe_interface_address *kept)
{
    const floe_interfaces *all = &api->interfaces;
    size_t count = 0;

    for (size_t i = 0; i < all->count; i++) {
        const floe_interface_address *one = &all->list[i];
        if ((api->interface_filter == NULL ||
             api->interface_filter(api->filter_user_data, one->interface_name)) &&
            (api->ip_filter == NULL || api->ip_filter(api->filter_user_data, &one->address))) {
            kept[count++] = *one;
        }
    }
    return count;
}

/* With filters: a list of its own for this gatherer. The api's list changes on this thread alone.
 */
static void give_filtered(floe_gatherer *gatherer)
{
    floe_api *api = gatherer->api;
    size_t room = api->interfaces.count > 0 ? api->interfaces.count : 1;
    floe_interface_address *kept = floe_allocate(&api->allocator, room * sizeof *kept);

    if (kept == NULL) {
        floe_core_interfaces_failed(gatherer->core, floe_gatherer_now(gatherer),
                                    FLOE_ERR_NO_MEMORY);
        return;
    }
    begin_callback(gatherer);
    size_t count = filter_addresses(api, kept);
    end_callback(gatherer);
    floe_core_interfaces(gatherer->core, floe_gatherer_now(gatherer), kept, count);
    floe_deallocate(&api->allocator, kept);
}

static void list_interfaces(floe_gatherer *gatherer)
{
    floe_api *api = gatherer->api;

    /* The list is this thread's alone, and the kernel may take its time for a long one: who calls
     * meanwhile does not wait for that, and has it asked again. */
    bool known = api->interfaces_known;
    api->interfaces_known = true;
    uv_mutex_unlock(&api->lock);
    floe_error error = known ? FLOE_OK : floe_interfaces_update(&api->interfaces);
    api->wants_default_route = api->wants_default_route || floe_core_is_continual(gatherer->core);
    if (error == FLOE_OK && api->wants_default_route) {
        floe_interfaces_mark_default_route(&api->interfaces); /* routes change by themselves */
    }
    if (error == FLOE_OK && !known) {
        floe_mdns_service_links(api);
    }
    uv_mutex_lock(&api->lock);
    if (error != FLOE_OK) {
        api->interfaces_known = false;
        floe_core_interfaces_failed(gatherer->core, floe_gatherer_now(gatherer), error);
    } else if ((api->interface_filter != NULL || api->ip_filter != NULL) && !gatherer->freed) {
        give_filtered(gatherer);
    } else {
        floe_core_interfaces(gatherer->core, floe_gatherer_recent(gatherer), api->interfaces.list,
                             api->interfaces.count);
    }
    if (floe_core_is_continual(gatherer->core)) {
        uv_mutex_unlock(&api->lock);
        floe_changes_begin(&api->changes);
        uv_mutex_lock(&api->lock);
    }
}

static void open_channel(floe_gatherer *gatherer, const floe_core_output *output)
{
    floe_address local = output->local;
    if (output->protocol == FLOE_PROTOCOL_TCP) {
        floe_error refused = floe_tcp_open(gatherer, output);
        if (refused != FLOE_OK) {
            floe_core_open_failed(gatherer->core, floe_gatherer_now(gatherer), output->channel,
                                  refused);
        }
        return;
    }
    floe_error error = open_socket(gatherer, output->channel, &local);

    if (error == FLOE_OK) {
        floe_core_opened(gatherer->core, floe_gatherer_recent(gatherer), output->channel, &local);
    } else {
        floe_core_open_failed(gatherer->core, floe_gatherer_now(gatherer), output->channel, error);
    }
}

static void begin_listening(floe_gatherer *gatherer, const floe_core_output *output)
{
    floe_address local = output->local;
    floe_error error = floe_listen(gatherer, output->channel, &local);

    if (error == FLOE_OK) {
        floe_core_opened(gatherer->core, floe_gatherer_recent(gatherer), output->channel, &local);
    } else {
        floe_core_open_failed(gatherer->core, floe_gatherer_now(gatherer), output->channel, error);
    }
}

/* Names are this thread's alone too: nobody waits for what is done about them. */
static void publish(floe_gatherer *gatherer, const floe_core_output *output)
{
    uv_mutex_unlock(&gatherer->api->lock);
    floe_error error = floe_mdns_service_publish(gatherer->api, output);
    uv_mutex_lock(&gatherer->api->lock);
    if (error != FLOE_OK) {
        floe_core_names_failed(gatherer->core, floe_gatherer_now(gatherer), output->interface_index,
                               error);
    }
}

static void unpublish(floe_gatherer *gatherer, const floe_core_output *output)
{
    uv_mutex_unlock(&gatherer->api->lock);
    floe_mdns_service_unpublish(gatherer->api, output);
    uv_mutex_lock(&gatherer->api->lock);
}

static void resolve(floe_gatherer *gatherer, const floe_core_output *output)
{
    uv_mutex_unlock(&gatherer->api->lock);
    floe_resolver_begin(&gatherer->api->resolver, gatherer, output->query, output->name,
                        output->record, NULL);
    uv_mutex_lock(&gatherer->api->lock);
}

static void do_output(floe_gatherer *gatherer, const floe_core_output *output)
{
    switch (output->kind) {
    case FLOE_CORE_LIST_INTERFACES:
        list_interfaces(gatherer);
        break;
    case FLOE_CORE_OPEN:
        open_channel(gatherer, output);
        break;
    case FLOE_CORE_LISTEN:
        begin_listening(gatherer, output);
        break;
    case FLOE_CORE_CLOSE:
        close_socket(gatherer, output->channel);
        break;
    case FLOE_CORE_RESOLVE:
        resolve(gatherer, output);
        break;
    case FLOE_CORE_PUBLISH:
        publish(gatherer, output);
        break;
    case FLOE_CORE_UNPUBLISH:
        unpublish(gatherer, output);
        break;
    default:
        tell_owner(gatherer, output);
        break;
    }
}

/* How much of a gatherer's is done in one turn of the loop: then the other gatherers, the sockets
 * and the timers have theirs. */
#define OUTPUTS_A_TURN 256U
#define BYTES_A_TURN 524288U

/* Packets for one socket are collected, and go together as soon as something else comes, or nothing
 * more does. A packet that cannot be sent is an input again, with outputs of its own. Whether the
 * turn ended before the outputs did; it ends with a writable event too, as who hears of that fills
 * the queue again. */
static bool do_outputs(floe_gatherer *gatherer)
{
    floe_api *api = gatherer->api;
    const floe_core_output *output = NULL;
    floe_udp *udp = NULL;
    size_t bytes = 0;
    bool over = false;

    for (unsigned count = 0;; count++) {
        over = over || count >= OUTPUTS_A_TURN || bytes >= BYTES_A_TURN;
        if (over) {
            if (udp != NULL) {
                flush(gatherer, udp);
            }
            return true;
        }
        bool more = floe_core_poll(gatherer->core, floe_gatherer_recent(gatherer), &output);
        bytes += more && output->kind == FLOE_CORE_SEND ? output->data_size : 0;
        bool joins =
            more && output->kind == FLOE_CORE_SEND && udp != NULL &&
            udp->channel == output->channel &&
            floe_udp_batch_add(&api->batch, &output->remote, output->data, output->data_size);
        if (joins) {
            bytes += add_more(gatherer, &udp);
            continue;
        }
        if (udp != NULL) {
            flush(gatherer, udp);
            udp = NULL;
            if (!more) {
                continue;
            }
        }
        if (!more) {
            return false;
        }
        if (output->kind != FLOE_CORE_SEND) {
            over = output->kind == FLOE_CORE_WRITABLE;
            do_output(gatherer, output);
            continue;
        }
        udp = find_socket(gatherer, output->channel);
        floe_tcp *tcp = udp == NULL ? floe_tcp_of_channel(gatherer, output->channel) : NULL;
        if (udp != NULL) {
            (void)floe_udp_batch_add(&api->batch, &output->remote, output->data, output->data_size);
            bytes += add_more(gatherer, &udp);
        } else if (tcp != NULL) {
            floe_tcp_send(tcp, output->data, output->data_size);
        }
    }
}

static void finish(floe_gatherer *gatherer)
{
    gatherer->quiet = true;
    floe_resolver_forget(&gatherer->api->resolver, gatherer);
    floe_api_tell_waiting(gatherer->api);
}

static bool wants_packets(const floe_gatherer *gatherer)
{
    return gatherer->data != NULL &&
           (gatherer->data->on_packet != NULL || floe_transports_exist(gatherer));
}

/* A socket on which nothing has been sent is not read until the owner wants packets. Where there
 * is no room to watch it now, there may be later. */
static void listen_if_wanted(floe_gatherer *gatherer)
{
    floe_data_handlers *data = gatherer->data;

    if (data != NULL && wants_packets(gatherer) && !data->listens) {
        data->listens = true;
        FLOE_RING_EACH(udp, &gatherer->sockets, floe_udp, link)
        {
            data->listens = floe_watch_add(&gatherer->api->watch, udp) == 0 && data->listens;
        }
        FLOE_RING_EACH(listening, &gatherer->listeners, floe_listening, link)
        {
            floe_listening_begin(listening);
        }
    }
}

void floe_gatherer_pump(floe_gatherer *gatherer)
{
    floe_api *api = gatherer->api;

    uv_mutex_lock(&api->lock);
    if (gatherer->pumping) {
        uv_mutex_unlock(&api->lock); /* an outer call polls on */
        return;
    }
    gatherer->pumping = true;
    floe_list_remove(&gatherer->ready);
    listen_if_wanted(gatherer);
    floe_clock_read(&api->clock_reading);
    if (do_outputs(gatherer)) {
        floe_gatherer_wake(gatherer); /* behind the others */
    } else if (floe_core_state(gatherer->core) == FLOE_GATHERER_STATE_CLOSED && !gatherer->quiet) {
        finish(gatherer);
    }
    floe_transports_report(api);
    floe_timers_set(&api->timers, gatherer);
    gatherer->pumping = false;
    if (gatherer == api->mux) {
        wake_touched(gatherer);
    } else {
        make_ready(api->mux);
    }
    floe_api_read_trust(api);
    uv_mutex_unlock(&api->lock);
    go_if_done(gatherer);
}

/* ── The caller's side ── */

static floe_error null_gatherer(const char *function)
{
    return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "%s: NULL", function);
}

static floe_gatherer *new_handle(floe_api *api)
{
    floe_gatherer *made = floe_allocate(&api->allocator, sizeof *made);

    if (made != NULL) {
        made->api = api;
        floe_tree_init(&made->connections);
    }
    return made;
}

/* The core is made, or the error is why not. The lock is held. */
static floe_error add_handle(floe_gatherer *made, floe_error error, floe_gatherer **gatherer)
{
    floe_api *api = made->api;

    if (error != FLOE_OK) {
        floe_deallocate(&api->allocator, made);
        return error;
    }
    floe_list_append(&api->gatherers, &made->link);
    floe_core_set_user(made->core, made);
    if (!floe_time_is_never(floe_core_deadline(made->core))) {
        floe_gatherer_wake(made); /* a pool begins at once (L10) */
    }
    *gatherer = made;
    return FLOE_OK;
}

floe_error floe_gatherer_new(floe_api *api, const floe_gather_options *options,
                             floe_gatherer **gatherer)
{
    if (api == NULL || gatherer == NULL) {
        return null_gatherer("floe_gatherer_new");
    }
    floe_gatherer *made = new_handle(api);
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    uv_mutex_lock(&api->lock);
    floe_error error = add_handle(made, floe_core_new(api->shared, options, &made->core), gatherer);
    uv_mutex_unlock(&api->lock);
    return error;
}

floe_error floe_gatherer_new_mux(floe_api *api)
{
    floe_gatherer *made = new_handle(api);
    floe_data_handlers *data =
        made != NULL ? floe_allocate(&api->allocator, sizeof *made->data) : NULL;
    floe_core *core = data != NULL ? floe_core_shared_mux(api->shared) : NULL;

    if (core == NULL) {
        floe_deallocate(&api->allocator, data);
        floe_deallocate(&api->allocator, made);
        return FLOE_ERR_NO_MEMORY;
    }
    data->listens = true;
    made->data = data;
    made->core = core;
    return add_handle(made, FLOE_OK, &api->mux);
}

void floe_gatherer_drop_mux(floe_api *api)
{
    if (api->mux != NULL) {
        floe_list_remove(&api->mux->link);
        floe_deallocate(&api->allocator, api->mux->data);
        floe_deallocate(&api->allocator, api->mux);
        api->mux = NULL;
    }
}

floe_error floe_gatherer_create_associated(floe_gatherer *gatherer, floe_gatherer **associated)
{
    if (gatherer == NULL || associated == NULL) {
        return null_gatherer("floe_gatherer_create_associated");
    }
    floe_api *api = gatherer->api;
    floe_gatherer *made = new_handle(api);
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    uv_mutex_lock(&api->lock);
    floe_error error =
        add_handle(made, floe_core_new_associated(gatherer->core, &made->core), associated);
    if (error == FLOE_OK) {
        made->associated = gatherer;
        made->is_associated = true;
        gatherer->associated = made;
    }
    uv_mutex_unlock(&api->lock);
    return error;
}

void floe_gatherer_let_go(floe_gatherer *gatherer)
{
    floe_core_close(gatherer->core, floe_gatherer_now(gatherer));
    gatherer->freed = gatherer->given_back = true;
    if (gatherer->associated != NULL) {
        gatherer->associated->associated = NULL;
        gatherer->associated = NULL;
    }
    floe_transports_abandon(gatherer);
    floe_gatherer_wake(gatherer);
}

void floe_gatherer_free(floe_gatherer *gatherer)
{
    if (gatherer == NULL) {
        return;
    }
    floe_api *api = gatherer->api;
    uv_mutex_lock(&api->lock);
    bool elsewhere = !floe_on_loop_thread(api);
    /* Freed first, so that no callback begins; then the one that runs is waited for. Until it is
     * given back the loop thread leaves the memory alone. */
    gatherer->freed = true;
    while (elsewhere && api->running == gatherer) {
        floe_api_wait(api);
    }
    floe_gatherer_let_go(gatherer);
    uv_mutex_unlock(&api->lock);
}

floe_error floe_gatherer_gather(floe_gatherer *gatherer)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_gather");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error = floe_core_start(gatherer->core, floe_gatherer_now(gatherer));
    if (error == FLOE_OK) {
        floe_gatherer_wake(gatherer);
    }
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

floe_error floe_gatherer_restart_here(floe_gatherer *gatherer, const floe_restart_options *options)
{
    floe_error error = floe_core_restart_with(gatherer->core, floe_gatherer_now(gatherer), options);

    if (error == FLOE_OK) {
        floe_transports_restarted(gatherer);
        floe_gatherer_wake(gatherer);
        if (gatherer->associated != NULL) {
            floe_transports_restarted(gatherer->associated);
            floe_gatherer_wake(gatherer->associated);
        }
    }
    return error;
}

floe_error floe_gatherer_restart(floe_gatherer *gatherer)
{
    return floe_gatherer_restart_with(gatherer, NULL);
}

floe_error floe_gatherer_restart_with(floe_gatherer *gatherer, const floe_restart_options *options)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_restart");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error = floe_gatherer_restart_here(gatherer, options);
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

floe_error floe_gatherer_set_options(floe_gatherer *gatherer, const floe_gather_options *options)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_set_options");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error = floe_core_set_options(gatherer->core, floe_gatherer_now(gatherer), options);
    if (error == FLOE_OK) {
        floe_gatherer_wake(gatherer);
    }
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

/* What the cores have given away, and has not gone. The lock is held. */
static size_t held_here(const floe_gatherer *gatherer)
{
    size_t held = 0;

    FLOE_RING_EACH(udp, &gatherer->sockets, floe_udp, link)
    {
        held += floe_queue_used(&udp->held);
    }
    for (const floe_tcp *tcp = NULL; (tcp = floe_tcp_next(gatherer, tcp)) != NULL;) {
        held += floe_tcp_waiting(tcp);
    }
    return held;
}

floe_error floe_gatherer_get_statistics(floe_gatherer *gatherer,
                                        floe_gatherer_statistics **statistics)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_get_statistics");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error = floe_core_get_statistics(gatherer->core, statistics);
    if (error == FLOE_OK) {
        (*statistics)->waiting += held_here(gatherer);
    }
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

floe_error floe_gatherer_get_local_parameters(floe_gatherer *gatherer, floe_parameters *parameters)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_get_local_parameters");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error = floe_core_get_local_parameters(gatherer->core, parameters);
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

floe_error floe_gatherer_get_local_candidates(floe_gatherer *gatherer, floe_candidate_list **list)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_get_local_candidates");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error = floe_core_get_local_candidates(gatherer->core, list);
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

enum floe_gatherer_state floe_gatherer_state(floe_gatherer *gatherer)
{
    if (gatherer == NULL) {
        return FLOE_GATHERER_STATE_CLOSED;
    }
    uv_mutex_lock(&gatherer->api->lock);
    enum floe_gatherer_state state = floe_core_state(gatherer->core);
    uv_mutex_unlock(&gatherer->api->lock);
    return state;
}

floe_error floe_gatherer_on_local_candidate(floe_gatherer *gatherer,
                                            floe_local_candidate_handler handler, void *user_data)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_on_local_candidate");
    }
    uv_mutex_lock(&gatherer->api->lock);
    gatherer->on_local_candidate = handler;
    gatherer->local_candidate_data = user_data;
    uv_mutex_unlock(&gatherer->api->lock);
    return FLOE_OK;
}

floe_error floe_gatherer_on_candidate_withdrawn(floe_gatherer *gatherer,
                                                floe_local_candidate_handler handler,
                                                void *user_data)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_on_candidate_withdrawn");
    }
    uv_mutex_lock(&gatherer->api->lock);
    gatherer->on_candidate_withdrawn = handler;
    gatherer->candidate_withdrawn_data = user_data;
    uv_mutex_unlock(&gatherer->api->lock);
    return FLOE_OK;
}

floe_error floe_gatherer_on_state_change(floe_gatherer *gatherer, floe_state_change_handler handler,
                                         void *user_data)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_on_state_change");
    }
    uv_mutex_lock(&gatherer->api->lock);
    gatherer->on_state_change = handler;
    gatherer->state_change_data = user_data;
    uv_mutex_unlock(&gatherer->api->lock);
    return FLOE_OK;
}

floe_error floe_gatherer_on_error(floe_gatherer *gatherer, floe_error_handler handler,
                                  void *user_data)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_on_error");
    }
    uv_mutex_lock(&gatherer->api->lock);
    gatherer->on_error = handler;
    gatherer->error_data = user_data;
    uv_mutex_unlock(&gatherer->api->lock);
    return FLOE_OK;
}

floe_error floe_gatherer_want_data(floe_gatherer *gatherer)
{
    if (gatherer->data == NULL) {
        gatherer->data = floe_allocate(&gatherer->api->allocator, sizeof *gatherer->data);
    }
    return gatherer->data == NULL ? FLOE_ERR_NO_MEMORY : FLOE_OK;
}

/* To take a handler away needs no memory. The lock is held. */
static floe_error make_data_handlers(floe_gatherer *gatherer, bool wanted)
{
    return wanted ? floe_gatherer_want_data(gatherer) : FLOE_OK;
}

floe_error floe_gatherer_on_packet(floe_gatherer *gatherer, floe_packet_handler handler,
                                   void *user_data)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_on_packet");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error = make_data_handlers(gatherer, handler != NULL);
    if (error == FLOE_OK) {
        error = floe_core_receive_packets(gatherer->core,
                                          handler != NULL || floe_transports_exist(gatherer));
    }
    if (error == FLOE_OK && gatherer->data != NULL) {
        gatherer->data->on_packet = handler;
        gatherer->data->packet_data = user_data;
    }
    if (error == FLOE_OK && handler != NULL) {
        floe_gatherer_wake(gatherer);
    }
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

floe_error floe_gatherer_on_writable(floe_gatherer *gatherer, floe_writable_handler handler,
                                     void *user_data)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_on_writable");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error = make_data_handlers(gatherer, handler != NULL);
    if (error == FLOE_OK && gatherer->data != NULL) {
        gatherer->data->on_writable = handler;
        gatherer->data->writable_data = user_data;
    }
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

floe_error floe_gatherer_on_unreachable(floe_gatherer *gatherer, floe_unreachable_handler handler,
                                        void *user_data)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_on_unreachable");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error = make_data_handlers(gatherer, handler != NULL);
    if (error == FLOE_OK && gatherer->data != NULL) {
        gatherer->data->on_unreachable = handler;
        gatherer->data->unreachable_data = user_data;
    }
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

floe_error floe_gatherer_doubt(floe_gatherer *gatherer, uint32_t candidate_id)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_doubt");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error = floe_core_doubt(gatherer->core, floe_gatherer_now(gatherer), candidate_id);
    if (error == FLOE_OK) {
        floe_gatherer_wake(gatherer);
    }
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

floe_error floe_gatherer_send(floe_gatherer *gatherer, uint32_t candidate_id,
                              const floe_address *peer, const void *data, size_t size)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_send");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error = floe_core_send(gatherer->core, floe_gatherer_recent(gatherer), candidate_id,
                                      peer, data, size);
    if (error == FLOE_OK) {
        floe_gatherer_wake(gatherer);
    }
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

floe_error floe_gatherer_answer_check(floe_gatherer *gatherer, const floe_packet *packet,
                                      uint16_t code)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_answer_check");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_error error =
        floe_core_answer_check(gatherer->core, floe_gatherer_now(gatherer), packet, code);
    if (error == FLOE_OK) {
        floe_gatherer_wake(gatherer);
    }
    uv_mutex_unlock(&gatherer->api->lock);
    return error;
}

floe_error floe_gatherer_close(floe_gatherer *gatherer)
{
    if (gatherer == NULL) {
        return null_gatherer("floe_gatherer_close");
    }
    uv_mutex_lock(&gatherer->api->lock);
    floe_core_close(gatherer->core, floe_gatherer_now(gatherer));
    floe_gatherer_wake(gatherer);
    uv_mutex_unlock(&gatherer->api->lock);
    return FLOE_OK;
}

floe_error floe_gatherer_graceful_close(floe_gatherer *gatherer)
{
    floe_error error = floe_gatherer_close(gatherer);

    if (error != FLOE_OK) {
        return error;
    }
    floe_api *api = gatherer->api;
    if (floe_on_loop_thread(api)) {
        return floe_fail(FLOE_ERR_WOULD_DEADLOCK,
                         "floe_gatherer_graceful_close on the loop thread: closed, not waited for");
    }
    uv_mutex_lock(&api->lock);
    while (!gatherer->quiet || api->running == gatherer) {
        floe_api_wait(api);
    }
    uv_mutex_unlock(&api->lock);
    return FLOE_OK;
}

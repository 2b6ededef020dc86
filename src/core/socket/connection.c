/* Connections: the way to a server by TCP, TLS or DTLS, through a proxy or not. Each layer is a
 * machine of its own; here their bytes are handed on:
 *
 *     channel ── proxy (until it has connected) ── TLS or DTLS ── frames ── the owner
 *
 * A transport is no second state machine of the allocation: that sees a way that is ready, or one
 * that has failed. */
#include "core/socket/connection.h"

#include "core/candidate/base.h"
#include "core/config/allowed.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/trace.h"
#include "core/server/server.h"
#include "core/socket/connection_trace.h"
#include "core/socket/way.h"

#include <stdio.h>
#include <string.h>

#define PLAIN_SIZE ((size_t)16384)
/* So much goes at once; more than one frame of RFC 4571 is. */
#define PIECE_MAX ((size_t)131072)
/* For one that nobody's gathering bounds: an allocation that is asked for again. */
/* Of what is no TURN server's. */
#define QUOTED_MIN 4
#define QUOTED_MAX 40
#define CONNECT_WITHIN floe_seconds(30)

static bool is_secure(const floe_connection *connection)
{
    return connection->transport == FLOE_PROTOCOL_TLS ||
           connection->transport == FLOE_PROTOCOL_DTLS;
}

static bool is_stream(const floe_connection *connection)
{
    return connection->transport != FLOE_PROTOCOL_DTLS;
}

/* ── How it is found, and what hangs on it ── */

static int compare_channels(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a;
    uint32_t other = *(const uint32_t *)b;

    return (one > other) - (one < other);
}

static const floe_tree_kind by_channel = {compare_channels,
                                          FLOE_TREE_KEY(floe_connection, by_channel, channel), 8};

static floe_connection *find(const floe_core *core, uint32_t channel)
{
    floe_tree_node *node =
        core->connections != NULL
            ? floe_tree_find(&by_channel, &core->connections->by_channel, &channel)
            : NULL;

    return node != NULL ? FLOE_CONTAINER(node, floe_connection, by_channel) : NULL;
}

const floe_list *floe_connections_of(const floe_core *core)
{
    return core->connections != NULL ? &core->connections->all : floe_list_none();
}

floe_connection *floe_connection_of_channel(const floe_core *core, uint32_t channel)
{
    floe_connection *connection = find(core, channel);

    return connection != NULL && connection->state < FLOE_CONNECTION_CLOSING ? connection : NULL;
}

/* Whatever of it counts for when it is due, or for its owner, may be another. */
static void changed(floe_core *core, floe_connection *connection)
{
    floe_agenda_set_numbered(&core->connections->times, &connection->alarm,
                             floe_time_min(connection->give_up, connection->retransmit),
                             connection->alarm.order);
    if (connection->owner != NULL && connection->calls->changed != NULL) {
        connection->calls->changed(core, connection->owner);
    }
}

/* ── Beginning and end ── */

static bool secure_context(floe_core *core)
{
    floe_core_shared *shared = core->shared;
    static const floe_secure_options defaults;

    if (shared->plain == NULL) {
        shared->plain = floe_allocate(&shared->allocator, 2 * PLAIN_SIZE);
    }
    if (shared->secure == NULL &&
        floe_secure_context_new(&shared->allocator, &defaults, &shared->secure) != FLOE_OK) {
        return false;
    }
    if (shared->trust_promised) {
        floe_secure_context_promise_trust(shared->secure);
    }
    return shared->plain != NULL;
}

static bool add_secure(floe_core *core, floe_time now, floe_connection *connection,
                       const floe_connection_plan *plan)
{
    char peer[FLOE_HOST_SIZE + 24];

    if (!is_secure(connection)) {
        return true;
    }
    if (core->shared->insecure && !core->shared->insecure_told) {
        core->shared->insecure_told = true;
        floe_asked by = {.local = &connection->base->local,
                         .remote = &connection->remote,
                         .url = plan->url->text};
        floe_trace_packet(core, now, FLOE_TRACE_WARNING, &by, NULL,
                          "certificates of servers are not checked");
    }
    (void)snprintf(peer, sizeof peer, "%s %s %u",
                   floe_protocol_name((floe_protocol)plan->transport), plan->host, plan->url->port);
    connection->secure = secure_context(core) ? floe_secure_new(core->shared->secure, plan->host,
                                                                peer, !is_stream(connection))
                                              : NULL;
    return connection->secure != NULL;
}

static bool add_proxy(const floe_core *core, floe_connection *connection,
                      const floe_connection_plan *plan)
{
    char host[FLOE_ADDRESS_TEXT_SIZE];

    if (plan->url == NULL || !floe_url_proxied(core->shared, plan->url)) {
        return true;
    }
    connection->proxy = floe_allocate(&core->shared->allocator, sizeof *connection->proxy);
    if (connection->proxy == NULL) {
        return false;
    }
    connection->remote = plan->proxy; /* whomever the server has pointed to */
    if (plan->redirected) {
        (void)floe_address_format(&plan->server, host, sizeof host);
        floe_proxy_init(connection->proxy, core->shared->proxy, host, plan->server.port);
    } else {
        floe_proxy_init(connection->proxy, core->shared->proxy, plan->url->host, plan->url->port);
    }
    return true;
}

/* Made with the first. False: there is no memory for them. */
static bool has_lists(floe_core *core)
{
    floe_connections *made;

    if (core->connections == NULL) {
        made = floe_allocate(&core->shared->allocator, sizeof *made);
        if (made == NULL) {
            return false;
        }
        floe_list_init(&made->all);
        floe_tree_init(&made->by_channel);
        floe_agenda_init(&made->times);
        floe_agenda_init(&made->asks);
        core->connections = made;
    }
    return true;
}

static floe_connection *make(floe_core *core, floe_time now, const floe_connection_plan *plan)
{
    floe_connection *made =
        has_lists(core) ? floe_allocate(&core->shared->allocator, sizeof *made) : NULL;

    if (made == NULL) {
        return NULL;
    }
    made->calls = plan->calls;
    made->owner = plan->owner;
    made->base = plan->base;
    made->transport = plan->transport;
    made->local = plan->local.family != FLOE_FAMILY_NONE
                      ? plan->local
                      : floe_address_with_port(plan->base->local, 0);
    made->remote = plan->server;
    made->channel =
        plan->channel != 0 ? plan->channel : floe_shared_number(core->shared, &core->last_channel);
    made->state = FLOE_CONNECTION_OPENING;
    made->started = now;
    made->give_up = floe_time_after(now, CONNECT_WITHIN);
    made->retransmit = FLOE_TIME_NEVER;
    made->holds = plan->holds;
    floe_framer_init(&made->framer, &core->shared->allocator);
    if (plan->stun_alone) {
        made->framer.measure = floe_frame_measure_stun;
    }
    floe_list_append(&core->connections->all, &made->link);
    floe_tree_insert(&by_channel, &core->connections->by_channel, &made->by_channel);
    made->alarm.order = ++core->connections->times.numbers;
    changed(core, made);
    made->story = floe_connection_story_new(core, plan);
    return made;
}

floe_connection *floe_connection_new(floe_core *core, floe_time now,
                                     const floe_connection_plan *plan)
{
    floe_connection *made = make(core, now, plan);

    if (made == NULL) {
        return NULL;
    }
    if (!add_secure(core, now, made, plan) || !add_proxy(core, made, plan)) {
        floe_connection_free(core, made);
        return NULL;
    }
    floe_tell(core, &made->output, FLOE_OUTPUT_CONNECT);
    return made;
}

floe_connection *floe_connection_accepted(floe_core *core, floe_time now,
                                          const floe_connection_plan *plan)
{
    floe_connection *made = make(core, now, plan);

    if (made != NULL) {
        made->opened = true;
        made->state = FLOE_CONNECTION_READY;
        floe_connection_give_up_at(core, made, FLOE_TIME_NEVER);
        floe_connection_tell(core, now, made, FLOE_TRACE_CONNECTED);
    }
    return made;
}

void floe_connection_give_up_at(floe_core *core, floe_connection *connection, floe_time when)
{
    connection->give_up = when;
    changed(core, connection);
}

floe_connection *floe_connection_receiving(const floe_core *core)
{
    return core->connections != NULL ? core->connections->receiving : NULL;
}

void floe_connection_receives(floe_core *core, floe_connection *connection)
{
    if (core->connections != NULL) {
        core->connections->receiving = connection;
    }
}

void floe_connection_free(floe_core *core, floe_connection *connection)
{
    const floe_allocator *allocator = &core->shared->allocator;

    if (floe_connection_receiving(core) == connection) {
        floe_connection_receives(core, NULL);
    }
    floe_untell(&connection->output);
    floe_untell(&connection->send_output);
    floe_list_remove(&connection->link);
    floe_tree_remove(&by_channel, &core->connections->by_channel, &connection->by_channel);
    floe_agenda_set_numbered(&core->connections->times, &connection->alarm, FLOE_TIME_NEVER,
                             connection->alarm.order);
    floe_secure_free(connection->secure);
    floe_deallocate(allocator, connection->proxy);
    floe_framer_release(&connection->framer);
    floe_queue_release(allocator, &connection->queue);
    floe_deallocate(allocator, connection->story);
    floe_deallocate(allocator, connection);
}

/* Whoever walks the list of connections, or is inside of this one, must not lose it. */
static void shut(floe_core *core, floe_connection *connection)
{
    floe_way_gone(core, &connection->full_for);
    floe_connection_disown(connection);
    if (connection->state == FLOE_CONNECTION_OPENING) { /* what it holds goes nowhere */
        floe_queue_release(&core->shared->allocator, &connection->queue);
    }
    connection->give_up = connection->retransmit = FLOE_TIME_NEVER;
    changed(core, connection);
    if (connection->opened) {
        connection->state = FLOE_CONNECTION_CLOSING;
        floe_tell(core, &connection->output, FLOE_OUTPUT_DISCONNECT);
    } else {
        connection->state = FLOE_CONNECTION_ENDED;
        core->connections_ended = true;
        floe_untell(&connection->output);
    }
}

size_t floe_connection_waiting(const floe_connection *connection)
{
    return floe_queue_used(&connection->queue) +
           (connection->secure != NULL ? floe_secure_waiting(connection->secure) : 0);
}

static bool anything_waits(const floe_connection *connection)
{
    return !floe_queue_empty(&connection->queue) ||
           (connection->secure != NULL && floe_secure_waiting(connection->secure) > 0);
}

static void tell_waiting(floe_core *core, floe_connection *connection)
{
    if (!connection->blocked && anything_waits(connection)) {
        floe_tell(core, &connection->send_output, FLOE_OUTPUT_SEND_CONNECTION);
    }
}

void floe_connection_close(floe_core *core, floe_connection *connection)
{
    if (connection->state == FLOE_CONNECTION_READY && connection->secure != NULL) {
        floe_secure_close(connection->secure);
        tell_waiting(core, connection);
    }
    if (connection->state < FLOE_CONNECTION_CLOSING) {
        shut(core, connection);
    }
}

/* The queue of outputs was emptied: what has to be said still is said anew. */
void floe_connection_end(floe_core *core, floe_connection *connection)
{
    floe_connection_close(core, connection);
    tell_waiting(core, connection);
    if (connection->state == FLOE_CONNECTION_CLOSING) {
        floe_untell(&connection->output); /* behind what waits */
        floe_tell(core, &connection->output, FLOE_OUTPUT_DISCONNECT);
    }
}

/* One that is closing, too: it has said then what it could. */
void floe_connection_blocked(floe_core *core, uint32_t channel)
{
    floe_connection *connection = find(core, channel);

    if (connection != NULL) {
        connection->blocked = true;
        changed(core, connection);
    }
}

void floe_connection_requested(floe_connection *connection)
{
    connection->ahead = connection->taken + floe_connection_waiting(connection);
}

bool floe_connection_request_left(const floe_connection *connection)
{
    return !connection->blocked && connection->ahead <= connection->taken;
}

/* What the driver had in hand is on its way. */
static void accept_taken(floe_connection *connection)
{
    connection->ahead -=
        connection->ahead < connection->taken ? connection->ahead : connection->taken;
    connection->taken = 0;
}

/* A channel that had no room has it again: the other side takes what we send, and the answer to
 * what has not left before now is owed from now on. */
void floe_connection_writable(floe_core *core, floe_time now, floe_connection *connection)
{
    if (connection->blocked) {
        connection->accepted = now;
    }
    if (connection->blocked && connection->ahead > 0 && connection->owner != NULL &&
        connection->calls->leaves != NULL) {
        connection->calls->leaves(connection->owner, now);
    }
    connection->blocked = false;
    accept_taken(connection);
    changed(core, connection);
    tell_waiting(core, connection);
}

void floe_connections_sweep(floe_core *core)
{
    if (!core->connections_ended) {
        return;
    }
    core->connections_ended = false;
    FLOE_LIST_EACH_SAFE(connection, floe_connections_of(core), floe_connection, link)
    {
        if (connection->state == FLOE_CONNECTION_ENDED) {
            floe_connection_free(core, connection);
        }
    }
}

floe_failure floe_connection_failure(const floe_connection *connection, floe_failure_kind kind,
                                     floe_time now)
{
    floe_duration elapsed = floe_time_since(now, connection->started);

    return (floe_failure){.kind = (uint8_t)kind,
                          .stage = connection->state,
                          .transport = connection->transport,
                          .elapsed_ms = (uint32_t)floe_duration_milliseconds(elapsed),
                          .remote = connection->remote,
                          .answered = connection->heard && !is_stream(connection)};
}

void floe_connection_failed(floe_core *core, floe_time now, floe_connection *connection,
                            floe_failure failure)
{
    void *owner = connection->owner;

    floe_connection_tell_failure(core, now, connection, &failure);
    connection->failed = true;
    shut(core, connection);
    if (owner != NULL) {
        connection->calls->gone(core, now, owner, failure);
    } else {
        floe_failure_release(core->shared, &failure);
    }
}

static void fail_with(floe_core *core, floe_time now, floe_connection *connection,
                      floe_failure_kind kind, const char *reason)
{
    floe_failure failure = floe_connection_failure(connection, kind, now);

    floe_failure_set_reason(core, &failure, reason);
    floe_connection_failed(core, now, connection, failure);
}

static void fail_secure(floe_core *core, floe_time now, floe_connection *connection)
{
    floe_failure failure = floe_connection_failure(connection, FLOE_FAILURE_SECURE, now);

    failure.detail = floe_secure_goes_without_protocol(connection->secure);
    floe_failure_set_reason(core, &failure, floe_secure_failure(connection->secure));
    floe_connection_failed(core, now, connection, failure);
}

/* ── Sending ── */

static floe_error push_plain(floe_core *core, floe_connection *connection, size_t limit,
                             const floe_span *parts, size_t count)
{
    return floe_queue_push(&core->shared->allocator, &connection->queue, limit, &connection->remote,
                           parts, count);
}

/* TLS wants a message in one piece. The other half of the room: what came may stand in the first.
 */
static floe_error push_secure(floe_core *core, floe_connection *connection, size_t limit,
                              const floe_span *parts, size_t count)
{
    floe_writer writer = floe_writer_of(core->shared->plain + PLAIN_SIZE, PLAIN_SIZE);

    if (floe_secure_waiting(connection->secure) > limit) {
        return FLOE_ERR_QUEUE_FULL;
    }
    floe_span whole = parts[0];
    if (count > 1) {
        for (size_t i = 0; i < count; i++) {
            floe_write_bytes(&writer, parts[i].data, parts[i].size);
        }
        whole = floe_span_of(writer.data, writer.at);
    }
    if (!writer.failed && floe_secure_write(connection->secure, whole)) {
        return FLOE_OK;
    }
    if (floe_secure_over(
            connection->secure)) { /* its owner hears of it in its time, which is now */
        connection->give_up = (floe_time){0};
        changed(core, connection);
    }
    return FLOE_ERR_NO_MEMORY;
}

floe_error floe_connection_send(floe_core *core, floe_connection *connection, size_t limit,
                                const floe_span *parts, size_t count)
{
    bool ready = connection->state == FLOE_CONNECTION_READY;

    if (!ready && !connection->holds) {
        return FLOE_OK;
    }
    floe_error error = connection->secure != NULL
                           ? push_secure(core, connection, limit, parts, count)
                           : push_plain(core, connection, limit, parts, count);
    if (ready) {
        tell_waiting(core, connection);
    }
    return error;
}

bool floe_connection_poll_open(floe_core *core, floe_time now, floe_connection *connection,
                               floe_core_output *output)
{
    connection->opened = true;
    output->kind = FLOE_CORE_OPEN;
    output->channel = connection->channel;
    output->protocol = is_stream(connection) ? FLOE_PROTOCOL_TCP : FLOE_PROTOCOL_UDP;
    output->local = connection->local;
    output->remote = connection->remote;
    floe_connection_tell(core, now, connection, FLOE_TRACE_CONNECTS);
    return true;
}

/* Behind all that waits, as long as the channel takes it. */
bool floe_connection_poll_close(floe_core *core, floe_time now, floe_connection *connection,
                                floe_core_output *output)
{
    if (!connection->blocked && anything_waits(connection)) {
        tell_waiting(core, connection);
        floe_tell(core, &connection->output, FLOE_OUTPUT_DISCONNECT);
        return false;
    }
    output->kind = FLOE_CORE_CLOSE;
    output->channel = connection->channel;
    floe_connection_tell(core, now, connection, FLOE_TRACE_CLOSED);
    floe_connection_free(core, connection);
    return true;
}

bool floe_connection_poll_send(floe_core *core, floe_connection *connection,
                               floe_core_output *output)
{
    floe_address remote;
    floe_span data = {0};

    if (connection->blocked) {
        return false;
    }
    accept_taken(connection);
    size_t waiting = floe_connection_waiting(connection);
    /* To a peer many packets go as one piece, as they stand: it is a stream. */
    size_t most = connection->holds ? SIZE_MAX : 1;
    if (floe_queue_take_row(&connection->queue, most, PIECE_MAX, &remote, &data) == 0 &&
        connection->secure != NULL) {
        data = floe_secure_take(connection->secure, output->room->data, sizeof output->room->data);
    }
    connection->taken = waiting - floe_connection_waiting(connection);
    changed(core, connection);
    output->kind = FLOE_CORE_SEND;
    output->channel = connection->channel;
    output->remote = connection->remote;
    output->data = data.data;
    output->data_size = data.size;
    floe_way_drained(core, &connection->full_for, floe_connection_waiting(connection));
    tell_waiting(core, connection);
    return data.size > 0;
}

/* ── Layer by layer ── */

static void become_ready(floe_core *core, floe_time now, floe_connection *connection)
{
    connection->state = FLOE_CONNECTION_READY;
    connection->connecting = floe_time_since(now, connection->started);
    connection->give_up = FLOE_TIME_NEVER;
    changed(core, connection);
    if (connection->holds) {
        tell_waiting(core, connection);
    }
    if (connection->owner != NULL && connection->calls->ready != NULL) {
        connection->calls->ready(core, now, connection->owner);
    }
}

static void set_timer(floe_core *core, floe_connection *connection, floe_time now)
{
    floe_duration left;

    connection->retransmit =
        connection->secure != NULL && floe_secure_timeout(connection->secure, &left)
            ? floe_time_after(now, left)
            : FLOE_TIME_NEVER;
    changed(core, connection);
}

/* Decrypts the next piece into connection->plain. False: there is none. */
static bool decrypt(floe_core *core, floe_time now, floe_connection *connection)
{
    size_t size = 0;
    floe_secure_result result = floe_secure_read(connection->secure, &connection->input,
                                                 core->shared->plain, PLAIN_SIZE, &size);

    tell_waiting(core, connection);
    set_timer(core, connection, now);
    switch (result) {
    case FLOE_SECURE_READY:
        floe_connection_tell(core, now, connection, FLOE_TRACE_SECURED);
        become_ready(core, now, connection);
        return true;
    case FLOE_SECURE_DATA:
        connection->plain = floe_span_of(core->shared->plain, size);
        return true;
    case FLOE_SECURE_CLOSED:
        fail_with(core, now, connection, FLOE_FAILURE_CLOSED, "");
        return false;
    case FLOE_SECURE_FAILED:
        fail_secure(core, now, connection);
        return false;
    case FLOE_SECURE_WAITS:
        break;
    }
    connection->input = (floe_span){0};
    return false;
}

static void begin_security(floe_core *core, floe_time now, floe_connection *connection)
{
    if (connection->secure == NULL) {
        become_ready(core, now, connection);
        return;
    }
    connection->state = FLOE_CONNECTION_SECURING;
    changed(core, connection);
    (void)decrypt(core, now, connection); /* nothing has come: it says hello */
}

static void write_to_proxy(floe_core *core, floe_connection *connection)
{
    uint8_t request[FLOE_PROXY_REQUEST_SIZE];
    floe_span data = floe_proxy_write(connection->proxy, request, sizeof request);

    (void)push_plain(core, connection, FLOE_CONTROL_ROOM, &data, 1);
    floe_wipe(request, sizeof request);
    tell_waiting(core, connection);
}

static void pass_proxy(floe_core *core, floe_time now, floe_connection *connection)
{
    switch (floe_proxy_read(connection->proxy, &connection->input)) {
    case FLOE_PROXY_SEND:
        write_to_proxy(core, connection);
        break;
    case FLOE_PROXY_READY:
        floe_connection_tell(core, now, connection, FLOE_TRACE_PROXIED);
        floe_deallocate(&core->shared->allocator, connection->proxy);
        connection->proxy = NULL;
        begin_security(core, now, connection);
        break;
    case FLOE_PROXY_FAILED:
        fail_with(core, now, connection, FLOE_FAILURE_PROXY, connection->proxy->failure);
        break;
    case FLOE_PROXY_WAITS:
        break;
    }
}

void floe_connection_opened(floe_core *core, floe_time now, floe_connection *connection,
                            const floe_address *local)
{
    connection->local.port = local->port;
    floe_connection_tell(core, now, connection, FLOE_TRACE_CONNECTED);
    if (connection->proxy != NULL) {
        connection->state = FLOE_CONNECTION_PROXYING;
        changed(core, connection);
        write_to_proxy(core, connection);
    } else {
        begin_security(core, now, connection);
    }
}

/* The next message of what is decrypted. */
static floe_frame_result next_frame(floe_connection *connection, floe_span *frame)
{
    if (is_stream(connection)) {
        return floe_framer_next(&connection->framer, &connection->plain, frame);
    }
    *frame = connection->plain; /* a datagram is a message */
    connection->plain = (floe_span){0};
    return frame->size > 0 ? FLOE_FRAME_WHOLE : FLOE_FRAME_INCOMPLETE;
}

void floe_connection_feed(floe_connection *connection, const void *data, size_t size)
{
    connection->input = floe_span_of(data, size);
    connection->heard = true;
}

/* Whether there is a message, or the connection has come nearer to one. */
static bool take_layer(floe_core *core, floe_time now, floe_connection *connection)
{
    if (connection->state == FLOE_CONNECTION_PROXYING) {
        if (connection->input.size > 0) {
            pass_proxy(core, now, connection);
            return true;
        }
        return false;
    }
    if (connection->secure != NULL) {
        return decrypt(core, now, connection);
    }
    connection->plain = connection->input;
    connection->input = (floe_span){0};
    return connection->plain.size > 0;
}

/* What somebody else serves there its first line tells a person. Before there is an allocation nothing of that is a
 * peer's. */
static void fail_stranger(floe_core *core, floe_time now, floe_connection *connection)
{
    const floe_framer *framer = &connection->framer;
    floe_span front =
        framer->used > 0 ? floe_span_of(framer->held, framer->used) : connection->plain;
    bool ours = framer->measure == floe_frame_measure_stun;
    char text[128];
    size_t line = 0;

    while (ours && line < front.size && line < QUOTED_MAX && front.data[line] >= 0x20 &&
           front.data[line] < 0x7F) {
        line++;
    }
    line = line < QUOTED_MIN ? 0 : line;
    (void)snprintf(text, sizeof text,
                   "it sends neither STUN nor ChannelData%s%.*s%s: is it a TURN server?",
                   line > 0 ? ", but \"" : "", (int)line, line > 0 ? (const char *)front.data : "",
                   line > 0 ? "\"" : "");
    fail_with(core, now, connection, FLOE_FAILURE_BAD_ANSWER, text);
}

bool floe_connection_next(floe_core *core, floe_time now, floe_connection *connection,
                          floe_packet *packet)
{
    floe_span frame;

    while (connection->state < FLOE_CONNECTION_CLOSING) {
        floe_frame_result result = connection->state == FLOE_CONNECTION_READY
                                       ? next_frame(connection, &frame)
                                       : FLOE_FRAME_INCOMPLETE;
        if (result == FLOE_FRAME_WHOLE) {
            if (connection->owner != NULL &&
                connection->calls->message(core, now, connection->owner, frame, packet)) {
                return true;
            }
        } else if (result == FLOE_FRAME_BROKEN) {
            fail_stranger(core, now, connection);
        } else if (!take_layer(core, now, connection)) {
            break;
        }
    }
    connection->input = connection->plain = (floe_span){0};
    return false;
}

/* ── Time ── */

static void look_at_clock(floe_core *core, floe_time now, floe_connection *connection)
{
    if (floe_time_reached(now, connection->give_up)) {
        bool broken = connection->state == FLOE_CONNECTION_READY && connection->secure != NULL;
        fail_with(core, now, connection, broken ? FLOE_FAILURE_MEMORY : FLOE_FAILURE_TIMEOUT, "");
    } else if (floe_time_reached(now, connection->retransmit)) {
        if (!floe_secure_time(connection->secure)) {
            fail_secure(core, now, connection);
            return;
        }
        tell_waiting(core, connection);
        set_timer(core, connection, now);
    }
}

/* In the order in which they were made, each once. */
void floe_connections_time(floe_core *core, floe_time now)
{
    floe_alarm *alarm;
    uint64_t last = 0;

    while (core->connections != NULL &&
           (alarm = floe_agenda_due_above(&core->connections->times, now, last)) != NULL) {
        last = alarm->order;
        look_at_clock(core, now, FLOE_CONTAINER(alarm, floe_connection, alarm));
    }
}

floe_time floe_connections_deadline(const floe_core *core)
{
    return core->connections != NULL ? floe_agenda_deadline(&core->connections->times)
                                     : FLOE_TIME_NEVER;
}

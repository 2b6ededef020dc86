/* The streams of a relay for TCP (RFC 6062): data of the owner's to and from its peers, each by a
 * connection of its own to the server. A packet is framed as ICE over TCP has it (RFC 4571). */
#include "core/source/stream.h"

#include "base/error.h"
#include "core/candidate/packet.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/failure.h"
#include "core/outbox/outbox.h"
#include "core/outbox/trace.h"
#include "core/outbox/unreachable.h"
#include "core/server/server.h"
#include "core/socket/connection.h"
#include "core/socket/way.h"
#include "core/source/peers.h"
#include "core/source/relay.h"
#include "turn/peer.h"

/* Of one relay; a peer that has connected counts as one that we have. */
#define STREAMS_MAX 64U
#define FRAMED_MAX ((size_t)65535)

/* What waits to be sent is not to be had any more. */
static void let_go(floe_core *core, floe_stream *stream)
{
    floe_way_gone(core, &stream->full_for);
    if (stream->connection != NULL) {
        floe_connection_disown(stream->connection);
        floe_connection_close(core, stream->connection);
        stream->connection = NULL;
    }
    floe_queue_release(&core->shared->allocator, &stream->held);
}

static void end(floe_core *core, floe_stream *stream)
{
    let_go(core, stream);
    floe_ring_remove(&stream->relay->streams, &stream->link);
    floe_deallocate(&core->shared->allocator, stream);
}

static bool rests(const floe_stream *stream)
{
    return stream->turn.state == FLOE_TURN_STREAM_RESTING;
}

static bool is_bound(const floe_stream *stream)
{
    return stream->turn.state == FLOE_TURN_STREAM_BOUND;
}

/* There is none any more, or none was to be had, which is remembered: who sends it packet after packet is no reason
 * to ask the server as often. */
static void fail(floe_core *core, floe_time now, floe_stream *stream)
{
    if (is_bound(stream) || (!stream->accepted && !rests(stream))) {
        floe_unreached_ended(
            core, now,
            floe_packet_id(stream->relay->base, stream->relay,
                           stream->accepted ? FLOE_TCP_TYPE_PASSIVE : FLOE_TCP_TYPE_ACTIVE,
                           stream->turn.peer.family),
            &stream->turn.peer,
            floe_turn_refuses_peer(stream->turn.code) ? FLOE_UNREACHABLE_PROHIBITED
                                                      : FLOE_UNREACHABLE_HOST);
    }
    if (stream->accepted || is_bound(stream) || rests(stream)) {
        end(core, stream);
        return;
    }
    let_go(core, stream);
    floe_turn_stream_rest(&stream->turn, now);
}

void floe_streams_end(floe_core *core, floe_relay *relay)
{
    FLOE_RING_EACH_SAFE(stream, &relay->streams, floe_stream, link)
    {
        end(core, stream);
    }
}

static floe_stream *find(const floe_relay *relay, const floe_address *peer, bool accepted)
{
    FLOE_RING_EACH(stream, &relay->streams, floe_stream, link)
    {
        if (stream->accepted == accepted && floe_address_equal(&stream->turn.peer, peer)) {
            return stream;
        }
    }
    return NULL;
}

/* NULL: no memory, or too many. For a new one the first that rests is forgotten. */
static floe_stream *add(floe_core *core, floe_relay *relay)
{
    floe_stream *resting = NULL;
    size_t count = 0;

    FLOE_RING_EACH(stream, &relay->streams, floe_stream, link)
    {
        resting = resting == NULL && rests(stream) ? stream : resting;
        count++;
    }
    if (count == STREAMS_MAX && resting != NULL) {
        end(core, resting);
        count--;
    }
    floe_stream *made =
        count < STREAMS_MAX ? floe_allocate(&core->shared->allocator, sizeof *made) : NULL;
    if (made != NULL) {
        made->relay = relay;
        floe_ring_append(&relay->streams, &made->link);
    }
    return made;
}

/* ── Out ── */

static floe_error push(floe_core *core, floe_stream *stream, size_t limit, floe_span data)
{
    uint8_t length[2] = {(uint8_t)(data.size >> 8), (uint8_t)data.size};
    floe_span parts[] = {floe_span_of(length, sizeof length), data};

    return is_bound(stream) ? floe_connection_send(core, stream->connection, limit, parts, 2)
                            : floe_queue_push(&core->shared->allocator, &stream->held, limit,
                                              &stream->turn.peer, &data, 1);
}

static void send_request(floe_core *core, floe_time now, floe_stream *stream, floe_connection *by)
{
    uint8_t request[FLOE_TURN_REQUEST_SIZE];
    floe_span data =
        floe_turn_stream_write(&stream->relay->turn, &stream->turn, request, sizeof request);

    if (data.size > 0 && by != NULL && by->state == FLOE_CONNECTION_READY &&
        floe_connection_send(core, by, core->shared->queue_limit + FLOE_CONTROL_ROOM, &data, 1) ==
            FLOE_OK) {
        floe_relay_request_leaves(core, now, stream->relay, &stream->turn.transaction, NULL,
                                  data.size);
    }
}

static void send_held(floe_core *core, floe_stream *stream)
{
    floe_address nobody;
    floe_span data;

    while (floe_queue_take(&stream->held, &nobody, &data)) {
        (void)push(core, stream, FLOE_NO_LIMIT, data);
    }
    floe_queue_release(&core->shared->allocator, &stream->held);
    stream->connection->full_for = stream->full_for;
    stream->full_for = 0;
    floe_way_drained(core, &stream->connection->full_for,
                     floe_connection_waiting(stream->connection));
}

static bool open_connection(floe_core *core, floe_time now, floe_stream *stream);

/* The one place where the machine's events become something; false: there is none to the peer. */
static bool happened(floe_core *core, floe_time now, floe_stream *stream, floe_turn_event event)
{
    floe_relay *relay = stream->relay;

    floe_relay_touch(core, relay);
    switch (event) {
    case FLOE_TURN_SEND:
        send_request(core, now, stream,
                     stream->turn.state == FLOE_TURN_STREAM_ASKING ? relay->connection
                                                                   : stream->connection);
        return true;
    case FLOE_TURN_SUCCESS:
        if (is_bound(stream)) {
            stream->connection->framer.measure = floe_frame_measure_rfc4571;
            send_held(core, stream);
            return true;
        }
        if (open_connection(core, now, stream)) {
            return true;
        }
        fail(core, now, stream);
        return false;
    case FLOE_TURN_DOUBT:
        floe_turn_refresh_now(&relay->turn, now);
        /* fall through */
    case FLOE_TURN_FAILED:
        fail(core, now, stream);
        return false;
    case FLOE_TURN_LOST:
        floe_relay_lost(core, now, relay);
        return false;
    default:
        return true;
    }
}

/* What the server may let in is known by a permission (RFC 8656 §9). */
static floe_error let_in(floe_core *core, floe_time now, floe_relay *relay,
                         const floe_address *peer)
{
    floe_error error = floe_relay_permit(core, now, relay, peer);

    return error != FLOE_OK ? error
                            : floe_fail(FLOE_ERR_NOT_CONNECTED,
                                        "the peer has not connected to the relay; it may now");
}

/* A connection to the peer was not to be had. RFC 6062 §6.3: 446 and 447 are of the peer and of the
 * moment; the others say that it is refused. */
static floe_error not_had(const floe_stream *stream)
{
    return floe_turn_refuses_peer(stream->turn.code)
               ? floe_send_refused()
               : floe_fail(FLOE_ERR_NOT_CONNECTED,
                           "the relay's server has not connected to the peer; it is asked again "
                           "in a while");
}

floe_error floe_stream_send(floe_core *core, floe_time now, floe_relay *relay,
                            floe_tcp_type tcp_type, const floe_address *peer, floe_span data)
{
    floe_stream *stream = find(relay, peer, tcp_type == FLOE_TCP_TYPE_PASSIVE);

    size_t limit = relay->connection != NULL && relay->connection->secure != NULL
                       ? FLOE_SECURE_DATA_MAX
                       : FRAMED_MAX;

    if (data.size > limit) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "%zu bytes are more than the relay takes, %zu",
                         data.size, limit);
    }
    if (stream == NULL && tcp_type == FLOE_TCP_TYPE_PASSIVE) {
        return let_in(core, now, relay, peer);
    }
    if (tcp_type == FLOE_TCP_TYPE_PASSIVE) {
        floe_relay_uses_peer(core, now, relay, peer); /* it may connect anew */
    }
    bool asks = stream == NULL || rests(stream);
    if (stream != NULL && asks && !floe_time_reached(now, stream->turn.again)) {
        return not_had(stream);
    }
    if (stream == NULL) {
        stream = add(core, relay);
        if (stream == NULL) {
            return floe_send_no_room();
        }
    }
    if (asks) {
        floe_turn_event event = floe_turn_stream_connect(&relay->turn, now, &stream->turn, peer);
        if (!happened(core, now, stream, event)) {
            return floe_fail(FLOE_ERR_RANDOM, "no randomness for a Connect request");
        }
    }
    floe_error error = push(core, stream, core->shared->queue_limit, data);
    return floe_send_result(core, error,
                            is_bound(stream) ? &stream->connection->full_for : &stream->full_for);
}

/* ── In ── */

/* RFC 6062 §4.4: a peer has connected. Without room the server gives it up after 30 s. */
void floe_stream_attempted(floe_core *core, floe_time now, floe_relay *relay,
                           const floe_stun_message *message)
{
    uint32_t connection_id;
    floe_address peer;

    if (!floe_stun_read_u32(message, FLOE_STUN_CONNECTION_ID, &connection_id) ||
        !floe_stun_read_address(message, FLOE_STUN_XOR_PEER_ADDRESS, &peer) ||
        !floe_turn_peer_permits(&relay->turn, &peer) || find(relay, &peer, true) != NULL) {
        core->shared->dropped++;
        return;
    }
    floe_stream *stream = add(core, relay);
    if (stream == NULL) {
        return;
    }
    stream->accepted = true;
    floe_relay_trace(core, now, FLOE_TRACE_RECEIVED, relay, NULL, message, "");
    floe_turn_stream_accept(&stream->turn, connection_id, &peer);
    if (!open_connection(core, now, stream)) {
        end(core, stream);
    }
}

static floe_turn_event receive(floe_core *core, floe_time now, floe_stream *stream,
                               const floe_address *source, const floe_stun_message *message,
                               floe_stun_match *match)
{
    floe_relay *relay = stream->relay;
    floe_stun_transaction before = stream->turn.transaction;
    floe_relay_touch(core, relay); /* what cannot be believed is remembered too */
    floe_turn_event event =
        floe_turn_stream_receive(&relay->turn, now, &stream->turn, source, message, match);

    if (floe_stun_is_forged(*match)) {
        floe_relay_trace(core, now, FLOE_TRACE_DROPPED, relay, &before, message,
                         floe_trace_of_forged(*match));
    } else if (*match == FLOE_STUN_BELIEVED) {
        floe_relay_trace(core, now, FLOE_TRACE_RECEIVED, relay, &before, message, "");
    }
    return event;
}

bool floe_stream_answered(floe_core *core, floe_time now, floe_relay *relay,
                          const floe_address *source, const floe_stun_message *message)
{
    FLOE_RING_EACH(stream, &relay->streams, floe_stream, link)
    {
        floe_stun_match match;
        if (stream->turn.state != FLOE_TURN_STREAM_ASKING) {
            continue;
        }
        floe_turn_event event = receive(core, now, stream, source, message, &match);
        if (match == FLOE_STUN_BELIEVED) {
            (void)happened(core, now, stream, event);
            return true;
        }
    }
    return false;
}

/* The answer to ConnectionBind; anything else ends it. */
static void take_answer(floe_core *core, floe_time now, floe_stream *stream, floe_span frame)
{
    floe_relay *relay = stream->relay;
    floe_stun_message message;
    floe_stun_match match = FLOE_STUN_NOT_MINE;
    floe_turn_event event = FLOE_TURN_FAILED;

    if (floe_stun_parse(frame, &message) == FLOE_STUN_PARSED) {
        event = receive(core, now, stream, &relay->turn.server, &message, &match);
    }
    (void)happened(core, now, stream, match == FLOE_STUN_BELIEVED ? event : FLOE_TURN_FAILED);
}

static bool message(floe_core *core, floe_time now, void *owner, floe_span frame,
                    floe_packet *packet)
{
    floe_stream *stream = owner;

    if (stream->turn.state != FLOE_TURN_STREAM_BOUND) {
        take_answer(core, now, stream, frame);
        return false;
    }
    floe_reader reader = floe_reader_of(frame.data, frame.size);
    (void)floe_read_u16(&reader);
    return floe_relay_deliver(
        core, stream->relay, stream->accepted ? FLOE_TCP_TYPE_PASSIVE : FLOE_TCP_TYPE_ACTIVE,
        &stream->turn.peer, floe_read_span(&reader, floe_reader_left(&reader)), packet);
}

static void connected(floe_core *core, floe_time now, void *owner)
{
    floe_stream *stream = owner;

    (void)happened(core, now, stream,
                   floe_turn_stream_bind(&stream->relay->turn, now, &stream->turn));
}

static void disconnected(floe_core *core, floe_time now, void *owner, floe_failure failure)
{
    floe_stream *stream = owner;

    floe_relay_touch(core, stream->relay);
    stream->connection = NULL;
    floe_failure_release(core->shared, &failure); /* the owner's packets go nowhere, is all */
    fail(core, now, stream);
}

static void unreachable(floe_core *core, floe_time now, void *owner, floe_unreachable reason)
{
    floe_relay_unreachable(core, now, ((floe_stream *)owner)->relay, reason, true);
}

static void changed(floe_core *core, void *owner)
{
    floe_relay_touch(core, ((floe_stream *)owner)->relay);
}

static const floe_connection_owner connection_owner = {.ready = connected,
                                                       .message = message,
                                                       .gone = disconnected,
                                                       .changed = changed,
                                                       .unreachable = unreachable};

/* A connection of its own, which is bound once it stands. */
static bool open_connection(floe_core *core, floe_time now, floe_stream *stream)
{
    stream->connection = floe_relay_connect(core, now, stream->relay, &connection_owner, stream);
    return stream->connection != NULL;
}

/* ── Time ── */

void floe_streams_time(floe_core *core, floe_time now, floe_relay *relay)
{
    FLOE_RING_EACH_SAFE(stream, &relay->streams, floe_stream, link)
    {
        floe_stun_transaction before = stream->turn.transaction;
        bool asks = !rests(stream);
        floe_turn_event event = floe_turn_stream_time(&stream->turn, now);
        if (asks && event == FLOE_TURN_FAILED) {
            floe_relay_trace(core, now, FLOE_TRACE_GAVE_UP, relay, &before, NULL, "");
        }
        (void)happened(core, now, stream, event);
    }
}

floe_time floe_streams_deadline(const floe_relay *relay)
{
    floe_time deadline = FLOE_TIME_NEVER;

    FLOE_RING_EACH(stream, &relay->streams, floe_stream, link)
    {
        deadline = floe_time_min(deadline, floe_turn_stream_deadline(&stream->turn));
    }
    return deadline;
}

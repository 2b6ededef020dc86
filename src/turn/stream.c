/* Connect and ConnectionBind. */
#include "turn/stream.h"

static floe_turn_event ask(const floe_turn_allocation *allocation, floe_time now,
                           floe_turn_stream *stream, uint16_t method)
{
    return floe_stun_transaction_start(&stream->transaction, now, method, allocation->rto, true,
                                       allocation->account->random) == FLOE_OK
               ? FLOE_TURN_SEND
               : FLOE_TURN_FAILED;
}

floe_turn_event floe_turn_stream_connect(const floe_turn_allocation *allocation, floe_time now,
                                         floe_turn_stream *stream, const floe_address *peer)
{
    *stream = (floe_turn_stream){
        .peer = *peer, .state = FLOE_TURN_STREAM_ASKING, .failures = stream->failures};
    return ask(allocation, now, stream, FLOE_STUN_CONNECT);
}

void floe_turn_stream_accept(floe_turn_stream *stream, uint32_t connection_id,
                             const floe_address *peer)
{
    *stream = (floe_turn_stream){
        .peer = *peer, .connection_id = connection_id, .state = FLOE_TURN_STREAM_OFFERED};
    floe_stun_transaction_stop(&stream->transaction);
}

floe_turn_event floe_turn_stream_bind(const floe_turn_allocation *allocation, floe_time now,
                                      floe_turn_stream *stream)
{
    stream->state = FLOE_TURN_STREAM_BINDING;
    return ask(allocation, now, stream, FLOE_STUN_CONNECTION_BIND);
}

floe_span floe_turn_stream_write(const floe_turn_allocation *allocation, floe_turn_stream *stream,
                                 void *buffer, size_t size)
{
    floe_stun_writer writer =
        floe_turn_allocation_write_to(allocation, &stream->transaction, buffer, size);

    if (stream->transaction.method == FLOE_STUN_CONNECT) {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &stream->peer);
    } else {
        floe_stun_put_u32(&writer, FLOE_STUN_CONNECTION_ID, stream->connection_id);
    }
    floe_turn_allocation_sign(allocation, &stream->transaction, &writer);
    return floe_stun_written(&writer);
}

static floe_turn_event succeeded(floe_turn_allocation *allocation, floe_turn_stream *stream,
                                 uint16_t method, const floe_stun_message *message)
{
    floe_turn_allocation_granted(allocation);
    stream->challenges = 0;
    if (method == FLOE_STUN_CONNECTION_BIND) {
        stream->state = FLOE_TURN_STREAM_BOUND;
        return FLOE_TURN_SUCCESS;
    }
    if (!floe_stun_read_u32(message, FLOE_STUN_CONNECTION_ID, &stream->connection_id)) {
        return FLOE_TURN_FAILED;
    }
    stream->state = FLOE_TURN_STREAM_OFFERED;
    return FLOE_TURN_SUCCESS;
}

static floe_turn_event refused(floe_turn_allocation *allocation, floe_time now,
                               floe_turn_stream *stream, uint16_t method,
                               const floe_stun_message *message)
{
    floe_span reason;

    (void)floe_stun_read_error(message, &stream->code, &reason);
    if (floe_turn_allocation_answers(allocation, &stream->transaction, stream->code, message,
                                     &stream->challenges)) {
        return ask(allocation, now, stream, method);
    }
    return floe_turn_speaks_of_the_peer(stream->code)
               ? FLOE_TURN_FAILED
               : floe_turn_allocation_refused(allocation, stream->code);
}

floe_turn_event floe_turn_stream_receive(floe_turn_allocation *allocation, floe_time now,
                                         floe_turn_stream *stream, const floe_address *source,
                                         const floe_stun_message *message, floe_stun_match *match)
{
    const floe_stun_key *key = allocation->realm != NULL ? allocation->realm->key : NULL;
    uint16_t method = stream->transaction.method;

    *match = floe_stun_transaction_match(&stream->transaction, message, source, &allocation->server,
                                         key);
    if (*match != FLOE_STUN_BELIEVED) {
        return FLOE_TURN_NOTHING;
    }
    floe_stun_transaction_stop(&stream->transaction);
    return floe_stun_succeeded(message) ? succeeded(allocation, stream, method, message)
                                        : refused(allocation, now, stream, method, message);
}

/* Beyond that its failures are of the past. */
#define FORGOTTEN_AFTER floe_seconds(300)

void floe_turn_stream_rest(floe_turn_stream *stream, floe_time now)
{
    floe_stun_transaction_stop(&stream->transaction);
    stream->state = FLOE_TURN_STREAM_RESTING;
    stream->again = floe_time_after(now, floe_turn_pause_after(stream->code, &stream->failures));
}

floe_time floe_turn_stream_deadline(const floe_turn_stream *stream)
{
    return stream->state == FLOE_TURN_STREAM_RESTING
               ? floe_time_after(stream->again, FORGOTTEN_AFTER)
               : stream->transaction.due;
}

floe_turn_event floe_turn_stream_time(floe_turn_stream *stream, floe_time now)
{
    if (stream->state == FLOE_TURN_STREAM_RESTING) {
        return floe_time_reached(now, floe_turn_stream_deadline(stream)) ? FLOE_TURN_FAILED
                                                                         : FLOE_TURN_NOTHING;
    }
    return floe_stun_transaction_time(&stream->transaction, now) == FLOE_STUN_GIVE_UP
               ? FLOE_TURN_FAILED
               : FLOE_TURN_NOTHING;
}

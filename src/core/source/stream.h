/* The streams of a relay for TCP (RFC 6062). */
#ifndef FLOE_CORE_SOURCE_STREAM_H
#define FLOE_CORE_SOURCE_STREAM_H

#include "base/queue.h"
#include "core/types.h"
#include "turn/stream.h"

#include <floe/core.h>

/* A connection of a relay for TCP to one peer (RFC 6062). */
struct floe_stream {
    floe_list link; /* in relay->streams */
    floe_relay *relay;
    floe_connection *connection; /* NULL: the server has not offered it yet */
    floe_turn_stream turn;
    bool accepted;   /* the peer has connected to us */
    floe_queue held; /* packets that wait until it is bound */
    uint32_t full_for;
};

floe_error floe_stream_send(floe_core *core, floe_time now, floe_relay *relay,
                            floe_tcp_type tcp_type, const floe_address *peer, floe_span data);
/* A ConnectionAttempt indication came. */
void floe_stream_attempted(floe_core *core, floe_time now, floe_relay *relay,
                           const floe_stun_message *message);
/* Whether the message answers a Connect. */
bool floe_stream_answered(floe_core *core, floe_time now, floe_relay *relay,
                          const floe_address *source, const floe_stun_message *message);
void floe_streams_end(floe_core *core, floe_relay *relay);
void floe_streams_time(floe_core *core, floe_time now, floe_relay *relay);
floe_time floe_streams_deadline(const floe_relay *relay);

#endif

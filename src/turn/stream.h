/* The connections of a TCP allocation (RFC 6062): one to each peer, which is asked for by Connect
 * or announced by ConnectionAttempt; then a connection of its own to the server is bound to it. */
#ifndef FLOE_TURN_STREAM_H
#define FLOE_TURN_STREAM_H

#include "turn/allocation.h"

typedef enum floe_turn_stream_state {
    FLOE_TURN_STREAM_ASKING,  /* Connect is under way */
    FLOE_TURN_STREAM_OFFERED, /* the server has it for us: a connection is to be bound */
    FLOE_TURN_STREAM_BINDING, /* ConnectionBind is under way, on that connection */
    FLOE_TURN_STREAM_BOUND,   /* what comes and goes there is the peer's */
    FLOE_TURN_STREAM_RESTING, /* none was to be had; it is not asked for before `again` */
} floe_turn_stream_state;

typedef struct floe_turn_stream {
    floe_address peer;
    floe_stun_transaction transaction;
    uint32_t connection_id;
    uint8_t state; /* a floe_turn_stream_state */
    uint8_t challenges;
    uint8_t failures; /* in a row: connections to the peer that were not had */
    uint16_t code;    /* of the answer that failed it; 0: none */
    floe_time again;  /* of one that rests */
} floe_turn_stream;

/* Asks for one to the peer, or again for one that rests. FLOE_TURN_SEND: write, and send by the
 * allocation's own connection. FLOE_TURN_FAILED: no randomness. */
floe_turn_event floe_turn_stream_connect(const floe_turn_allocation *allocation, floe_time now,
                                         floe_turn_stream *stream, const floe_address *peer);
/* The server says that a peer has connected. */
void floe_turn_stream_accept(floe_turn_stream *stream, uint32_t connection_id,
                             const floe_address *peer);
/* The other connection stands. FLOE_TURN_SEND: write, and send there. FLOE_TURN_FAILED likewise. */
floe_turn_event floe_turn_stream_bind(const floe_turn_allocation *allocation, floe_time now,
                                      floe_turn_stream *stream);
/* Its current request. */
floe_span floe_turn_stream_write(const floe_turn_allocation *allocation, floe_turn_stream *stream,
                                 void *buffer, size_t size);
/* FLOE_TURN_SUCCESS: it is OFFERED or BOUND now. FLOE_TURN_SEND: the request goes again, signed
 * anew. FLOE_TURN_FAILED: it is not to be had, and goes. FLOE_TURN_DOUBT: so it is, and the
 * allocation may be gone as well. */
floe_turn_event floe_turn_stream_receive(floe_turn_allocation *allocation, floe_time now,
                                         floe_turn_stream *stream, const floe_address *source,
                                         const floe_stun_message *message, floe_stun_match *match);
/* FLOE_TURN_FAILED: no answer came; or one that rests was not asked for again for so long that it
 * may be forgotten. */
floe_turn_event floe_turn_stream_time(floe_turn_stream *stream, floe_time now);
floe_time floe_turn_stream_deadline(const floe_turn_stream *stream);
/* None was to be had. RFC 8656 §7.4: what is refused is not asked for again as if it were not. */
void floe_turn_stream_rest(floe_turn_stream *stream, floe_time now);

#endif

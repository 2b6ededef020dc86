/* The owner's packets by a relay, to its peers and from them. */
#ifndef FLOE_CORE_SOURCE_PEERS_H
#define FLOE_CORE_SOURCE_PEERS_H

#include "core/types.h"
#include "stun/message.h"

#include <floe/core.h>

/* Whom a datagram to its server, as it went out, carries the owner's data to (data.c). False: it
 * carries none, or not all of it is there. */
bool floe_relay_peer_of(const floe_relay *relay, floe_time now, floe_span sent, floe_address *peer);

typedef enum floe_taken {
    FLOE_TAKEN_NOT,    /* it was for somebody else */
    FLOE_TAKEN,        /* it was for the relay itself, or nothing */
    FLOE_TAKEN_PACKET, /* a packet for the owner */
} floe_taken;

/* A packet of the owner's to a peer. FLOE_ERR_QUEUE_FULL: too much waits; FLOE_ERR_PERMISSION: its
 * server will not have the peer. */
floe_error floe_relay_send(floe_core *core, floe_time now, floe_relay *relay,
                           const floe_address *to, floe_span data);
/* What came from `source` may be the relay's: ChannelData, or the parsed message. */
floe_taken floe_relay_take(floe_core *core, floe_time now, floe_relay *relay,
                           const floe_address *source, floe_span frame,
                           const floe_stun_message *message, floe_packet *packet);
/* A message of its connection. Whether it is a packet for the owner. */
bool floe_relay_message(floe_core *core, floe_time now, floe_relay *relay, floe_span frame,
                        floe_packet *packet);
/* Asks for a permission for the peer, and keeps it. */
floe_error floe_relay_permit(floe_core *core, floe_time now, floe_relay *relay,
                             const floe_address *peer);
/* Something is sent to it, by whichever port: what lets it in is kept (RFC 8656 §9). */
void floe_relay_uses_peer(floe_core *core, floe_time now, floe_relay *relay,
                          const floe_address *address);
/* A packet of the peer's for the owner, if he wants it. */
bool floe_relay_deliver(floe_core *core, const floe_relay *relay, floe_tcp_type tcp_type,
                        const floe_address *peer, floe_span data, floe_packet *packet);
void floe_relay_peers_time(floe_core *core, floe_time now, floe_relay *relay);
/* It has another connection: what its peers asked by the one before, and was not answered, goes. */
void floe_relay_peers_again(floe_core *core, floe_time now, floe_relay *relay);
/* The allocation is over: what waited for its peers goes nowhere. */
void floe_relay_drop_peers(floe_core *core, floe_relay *relay);

#endif

/* Peers by TCP (RFC 6544): who has connected to a base's listener, and to whom we have connected from its address. A
 * packet is framed by RFC 4571. */
#ifndef FLOE_CORE_SOCKET_TCP_PEER_H
#define FLOE_CORE_SOCKET_TCP_PEER_H

#include "base/bytes.h"
#include "core/types.h"

#include <floe/core.h>

/* Of one listener: who has not shown a check of ours; and beyond these, who has connected, or to whom
 * we have. */
#define FLOE_TCP_UNPROVEN_MAX 64U
#define FLOE_TCP_PEERS_MAX 1000U

/* Sends a packet by the base's candidate of this type. */
floe_error floe_tcp_peer_send(floe_core *core, floe_time now, floe_base *base,
                              floe_tcp_type tcp_type, const floe_address *peer, floe_span data);
/* What is sent to him next connects anew, if nothing has come from him since then. */
void floe_tcp_peer_hang_up(floe_core *core, floe_base *base, floe_tcp_type tcp_type,
                           const floe_address *peer, floe_time since);
/* Somebody has connected: by which channel, this one or (0) another; 0: there is no room for him. */
uint32_t floe_tcp_peer_accept(floe_core *core, floe_time now, floe_listener *listener,
                              const floe_address *peer, uint32_t channel);
/* Whose connection it is; NULL: no peer's. */
floe_tcp_peer *floe_tcp_peer_of(const floe_connection *connection);
/* Whether the first thing that he said is still to be looked at, which has just come. */
bool floe_tcp_peer_is_unproven(const floe_tcp_peer *peer);
/* It was a check of ours, or it was not, and he has to go. */
void floe_tcp_peer_prove(floe_core *core, floe_tcp_peer *peer, bool good);
/* The base goes: nobody is connected any more. */
void floe_tcp_peers_end(floe_core *core, floe_listener *listener);

#endif

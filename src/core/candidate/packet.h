/* What comes in for the owner. */
#ifndef FLOE_CORE_CANDIDATE_PACKET_H
#define FLOE_CORE_CANDIDATE_PACKET_H

#include "base/bytes.h"
#include "core/types.h"

#include <floe/core.h>

/* For the owner, if it wants any: what came by the relay's peer, or (NULL) on the base's own socket
 * or by one of its TCP candidates, and is nothing of the gatherer's. */
bool floe_deliver(floe_core *core, const floe_base *base, const floe_relay *relay,
                  floe_tcp_type tcp_type, const floe_address *peer, floe_span data,
                  floe_packet *packet);
/* The id that packets carry which come on the base's socket, or by the relay for such peers; 0:
 * none of those candidates is shown. */
uint32_t floe_packet_id(const floe_base *base, const floe_relay *relay, floe_tcp_type tcp_type,
                        uint8_t family);

#endif

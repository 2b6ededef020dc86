/* What comes in for the owner: by which candidate, and what it is (K1). */
#include "core/candidate/packet.h"

#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"

/* Of those that share a socket the host's, whenever it was told: its name may be the second one. */
uint32_t floe_packet_id(const floe_base *base, const floe_relay *relay, floe_tcp_type tcp_type,
                        uint8_t family)
{
    bool of_host = false;
    uint32_t id = 0;

    FLOE_FOUND_ON(found, base)
    {
        bool relayed = found->type == FLOE_CANDIDATE_TYPE_RELAY;
        bool fits = relay != NULL
                        ? floe_found_relay(found) == relay && found->address.family == family &&
                              found->tcp_type == (uint8_t)tcp_type
                        : !relayed && found->tcp_type == (uint8_t)tcp_type;
        bool host = found->type == FLOE_CANDIDATE_TYPE_HOST;
        bool better = id == 0 || (host == of_host ? found->id < id : host);
        if (fits && !found->hidden && !found->withdrawn && better) {
            id = found->id;
            of_host = host;
        }
    }
    return id;
}

bool floe_deliver(floe_core *core, const floe_base *base, const floe_relay *relay,
                  floe_tcp_type tcp_type, const floe_address *peer, floe_span data,
                  floe_packet *packet)
{
    if (packet == NULL || !core->wants_packets) {
        core->shared->dropped++;
        return false;
    }
    *packet = (floe_packet){.candidate_id = floe_packet_id(base, relay, tcp_type, peer->family),
                            .peer = *peer,
                            .data = data.data,
                            .size = data.size,
                            .kind = floe_packet_kind_of(data)};
    if (packet->kind == FLOE_PACKET_STUN) {
        packet->kind = floe_stun_is(data) ? FLOE_PACKET_STUN : FLOE_PACKET_OTHER;
    } else if (packet->kind == FLOE_PACKET_CHANNEL_DATA) {
        packet->kind = FLOE_PACKET_OTHER; /* that was the relay's */
    }
    return true;
}

/* The owner's packets out, by any candidate (K1, K2). */
#include "base/error.h"
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/gatherer/face.h"
#include "core/socket/tcp_peer.h"
#include "core/socket/way.h"
#include "core/source/binding.h"
#include "core/source/peers.h"
#include "core/source/relay.h"
#include "core/source/stream.h"
#include "core/source/tcp_mapping.h"

static const floe_found *find(const floe_core *core, uint32_t id)
{
    FLOE_RING_EACH(found, &core->found, floe_found, link)
    {
        if (found->id == id && !found->withdrawn) {
            return found;
        }
    }
    return NULL;
}

floe_error floe_gather_send(floe_core *core, floe_time now, uint32_t candidate_id,
                            const floe_address *peer, const void *data, size_t size)
{
    if (core == NULL || peer == NULL || (data == NULL && size > 0)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_send: NULL");
    }
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is closed");
    }
    if (size > FLOE_DATA_MAX) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "%zu bytes are more than UDP takes, %u", size,
                         FLOE_DATA_MAX);
    }
    const floe_found *found = find(core, candidate_id);
    if (found == NULL) {
        return floe_fail(FLOE_ERR_NOT_FOUND, "no candidate has the id %u", candidate_id);
    }
    floe_address to = *peer;
    if (to.family != floe_found_family(found) || to.port == 0) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "the peer's address does not fit the candidate");
    }
    floe_span span = floe_span_of(data, size);
    floe_core_is_told(core, now);
    core->sender = candidate_id;
    if (found->type == FLOE_CANDIDATE_TYPE_RELAY) {
        floe_relay *relay = floe_found_relay(found);
        if (relay == NULL || relay->turn.state != FLOE_TURN_ALLOCATED) {
            return floe_fail(FLOE_ERR_NOT_FOUND, "the relay is gone");
        }
        floe_relay_touch(core, relay);
        return floe_relay_is_for_tcp(core, relay)
                   ? floe_stream_send(core, now, relay, (floe_tcp_type)found->tcp_type, &to, span)
                   : floe_relay_send(core, now, relay, &to, span);
    }
    floe_base *base = found->base;
    if (found->tcp_type != FLOE_TCP_TYPE_NONE) {
        return floe_tcp_peer_send(core, now, base, (floe_tcp_type)found->tcp_type, &to, span);
    }
    if (base->state != FLOE_BASE_OPEN) {
        return floe_fail(FLOE_ERR_NOT_FOUND, "the candidate's socket is closed");
    }
    floe_error error = floe_base_send(core, base, core->shared->queue_limit, &to, &span, 1);
    return floe_send_result(core, error, floe_base_full_for(base));
}

void floe_gather_hang_up(floe_core *core, floe_time now, uint32_t candidate_id,
                         const floe_address *peer, floe_time since)
{
    bool runs = core != NULL && peer != NULL && core->state != FLOE_GATHERER_STATE_CLOSED;
    const floe_found *found = runs ? find(core, candidate_id) : NULL;

    if (found != NULL && found->type != FLOE_CANDIDATE_TYPE_RELAY &&
        found->tcp_type != FLOE_TCP_TYPE_NONE) {
        floe_core_is_told(core, now);
        floe_tcp_peer_hang_up(core, found->base, (floe_tcp_type)found->tcp_type, peer, since);
    }
}

floe_error floe_gather_doubt(floe_core *core, floe_time now, uint32_t candidate_id)
{
    if (core == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_doubt: NULL");
    }
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is closed");
    }
    const floe_found *found = find(core, candidate_id);
    if (found == NULL) {
        return floe_fail(FLOE_ERR_NOT_FOUND, "no candidate has the id %u", candidate_id);
    }
    floe_relay *relay = floe_found_relay(found);
    floe_binding *binding = floe_found_binding(found);
    if (relay != NULL) {
        floe_relay_verify(core, relay, now, false);
    }
    if (binding != NULL) {
        floe_binding_doubt(core, now, binding);
        floe_relays_doubt(core, now, found->base, &binding->remote);
    }
    if (floe_found_tcp_mapping(found) != NULL) {
        floe_tcp_mapping_doubt(core, now, floe_found_tcp_mapping(found));
    }
    return FLOE_OK;
}

floe_error floe_core_receive_packets(floe_core *core, bool wanted)
{
    if (core == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_receive_packets: NULL");
    }
    if (wanted && core->arrival == NULL) {
        core->arrival = floe_allocate(&core->shared->allocator, sizeof *core->arrival);
        if (core->arrival == NULL) {
            return FLOE_ERR_NO_MEMORY;
        }
    }
    core->wants_packets = wanted;
    return FLOE_OK;
}

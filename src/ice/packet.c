/* What arrives by the core's packets: the peer's checks, answers to ours, and data. */
#include "ice/ice.h"

/* Something that is neither a check nor data of the application's. */
static bool take_stun(floe_ice *ice, floe_time now, const floe_packet *packet)
{
    floe_stun_message message;

    if (packet->kind != FLOE_PACKET_STUN ||
        floe_stun_parse(floe_span_of(packet->data, packet->size), &message) != FLOE_STUN_PARSED ||
        message.method != FLOE_STUN_BINDING) {
        return false;
    }
    floe_ice_check_answered(ice, now, packet, &message);
    floe_ice_settle(ice, now);
    return true;
}

/* By a pair that is no more, it is the agent's alone. */
static void count_data(floe_ice *ice, floe_time now, floe_candidate_pair *pair, size_t size)
{
    if (pair != NULL) {
        floe_ice_count_received(now, pair, size);
    } else {
        ice->gone.packets_received++;
        ice->gone.bytes_received += size;
    }
}

/* Data, if it is from whom a check has shown to be the peer (RFC 8445 §12.1). */
static bool take_data(floe_ice *ice, floe_time now, const floe_packet *packet)
{
    floe_candidate_pair *pair = floe_ice_pair_of(ice, packet->candidate_id, &packet->peer);
    bool is_of_former = ice->former != NULL && pair != NULL && ice->former->base == pair->base &&
                        floe_address_equal(&ice->former->remote->address, &packet->peer);
    if (is_of_former) { /* the one that is in use, whatever pair of today has the same addresses */
        pair = ice->former;
    }
    if (pair != NULL) {
        bool was_silent = pair->silent;
        floe_ice_consent_heard(ice, now, pair);
        if (was_silent) {
            floe_ice_settle(ice, now);
        }
    }
    bool is_data = (pair != NULL && pair->heard) ||
                   (floe_ice_arrival_was_early(ice, packet->candidate_id, &packet->peer) &&
                    !floe_ice_remote_is_refused(ice, &packet->peer));
    if (is_data) {
        count_data(ice, now, pair, packet->size);
    }
    return is_data;
}

bool floe_ice_take_packet(floe_ice *ice, floe_time now, const floe_packet *packet)
{
    if (ice->state == FLOE_ICE_STATE_CLOSED) {
        return false;
    }
    if (packet->check != NULL) {
        floe_ice_arrival(ice, now, packet);
        floe_ice_settle(ice, now);
        return false;
    }
    return !take_stun(ice, now, packet) && take_data(ice, now, packet);
}

static bool owns_check(const floe_ice *ice, const char *username_fragment)
{
    return (ice->session != NULL && floe_ice_is_remote(ice->session, username_fragment)) ||
           (ice->former_session != NULL &&
            floe_ice_is_remote(ice->former_session, username_fragment));
}

bool floe_ice_owns_packet(const floe_ice *ice, const floe_packet *packet)
{
    floe_stun_message message;

    if (packet->check != NULL) {
        return owns_check(ice, packet->check->remote_username_fragment);
    }
    if (packet->kind == FLOE_PACKET_STUN &&
        floe_stun_parse(floe_span_of(packet->data, packet->size), &message) == FLOE_STUN_PARSED &&
        message.method == FLOE_STUN_BINDING && message.class != FLOE_STUN_INDICATION) {
        return floe_ice_check_is_ours(ice, &message.id);
    }
    return floe_ice_has_pair(ice, packet->candidate_id, &packet->peer) ||
           floe_ice_arrival_was_early(ice, packet->candidate_id, &packet->peer);
}

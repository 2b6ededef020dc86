/* The owner's packets by a relay (K1, K2): to its peers and from them. */
#include "core/source/peers.h"

#include "base/error.h"
#include "base/icmp.h"
#include "core/candidate/base.h"
#include "core/candidate/packet.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/trace.h"
#include "core/outbox/unreachable.h"
#include "core/server/server.h"
#include "core/socket/connection.h"
#include "core/socket/way.h"
#include "core/source/relay.h"
#include "core/source/stream.h"
#include "turn/peer.h"

#include <string.h>

/* ── Out ── */

/* To the relay's server, by whatever way it has. */
static floe_error to_server(floe_core *core, floe_relay *relay, size_t limit,
                            const floe_span *parts, size_t count)
{
    if (!floe_relay_has_way(relay)) {
        return FLOE_OK; /* it moves */
    }
    if (relay->connection != NULL) {
        return floe_connection_send(core, relay->connection, limit, parts, count);
    }
    return floe_base_send(core, relay->base, limit, &relay->turn.server, parts, count);
}

/* A peer's request: what does not fit now is sent again in its time. By a connection that is made
 * anew, for a relay that moves, it goes once that has (RFC 8016 §3.2): nothing repeats it there. */
static void send_request(floe_core *core, floe_time now, floe_relay *relay, floe_turn_peer *peer)
{
    if (relay->state == FLOE_RELAY_MOVES && relay->turn.reliable) {
        return;
    }
    uint8_t request[FLOE_TURN_REQUEST_SIZE];
    floe_span data = floe_turn_peer_write(&relay->turn, peer, request, sizeof request);
    size_t limit = core->shared->queue_limit + FLOE_CONTROL_ROOM;

    if (data.size > 0 && floe_relay_has_way(relay) &&
        to_server(core, relay, limit, &data, 1) == FLOE_OK) {
        floe_relay_request_leaves(core, now, relay, &peer->transaction, NULL, data.size);
    }
}

static floe_error send_wrapped(floe_core *core, floe_relay *relay, const floe_turn_peer *peer,
                               size_t limit, floe_span data)
{
    static const uint8_t zeros[4];
    uint8_t header[FLOE_TURN_HEADER_SIZE];
    bool padded = relay->turn.reliable || !peer->bound;
    floe_span parts[] = {
        floe_turn_peer_header(&relay->turn, peer, data.size, header, sizeof header), data,
        floe_span_of(zeros, padded ? (4 - data.size % 4) % 4 : 0)};

    if (parts[0].size == 0) {
        return floe_fail(FLOE_ERR_RANDOM, "no randomness for a Send indication");
    }
    return to_server(core, relay, limit, parts, padded ? 3 : 2);
}

/* The way to the server, and how much waits there; NULL: nothing has ever. */
static uint32_t *way_of(floe_relay *relay, size_t *waiting)
{
    if (relay->connection != NULL) {
        *waiting = floe_connection_waiting(relay->connection);
        return &relay->connection->full_for;
    }
    *waiting = floe_base_waiting(relay->base);
    return floe_base_full_for(relay->base);
}

/* Nothing waits for the peer's permission any more; what waits on the way behind it may. */
static void let_go(floe_core *core, floe_relay *relay, floe_turn_peer *peer)
{
    size_t waiting;
    uint32_t *way = way_of(relay, &waiting);

    floe_queue_release(&core->shared->allocator, &peer->held);
    floe_way_drained(core, &peer->full_for, waiting);
    if (way != NULL && peer->full_for != 0) {
        *way = peer->full_for;
        peer->full_for = 0;
    }
}

/* The permission is there: what waited for it goes. */
static void release_held(floe_core *core, floe_relay *relay, floe_turn_peer *peer)
{
    floe_address nobody;
    floe_span data;

    while (floe_queue_take(&peer->held, &nobody, &data)) {
        (void)send_wrapped(core, relay, peer, FLOE_NO_LIMIT, data);
    }
    let_go(core, relay, peer);
}

/* No permission was to be had: what waits for it will not leave. */
static void tell_unsent(floe_core *core, floe_time now, const floe_relay *relay,
                        const floe_turn_peer *peer)
{
    if (peer->refused || !floe_queue_empty(&peer->held)) {
        floe_unreached_tell(
            core, now, floe_packet_id(relay->base, relay, FLOE_TCP_TYPE_NONE, peer->address.family),
            &peer->address, peer->refused ? FLOE_UNREACHABLE_PROHIBITED : FLOE_UNREACHABLE_HOST);
    }
}

static void peer_event(floe_core *core, floe_time now, floe_relay *relay, floe_turn_peer *peer,
                       floe_turn_event event)
{
    switch (event) {
    case FLOE_TURN_SEND:
        send_request(core, now, relay, peer);
        break;
    case FLOE_TURN_SUCCESS:
        release_held(core, relay, peer);
        if (floe_turn_peer_goes_on(&relay->turn, now, peer) == FLOE_TURN_SEND) {
            send_request(core, now, relay, peer);
        }
        break;
    case FLOE_TURN_DOUBT:
        floe_relay_verify(core, relay, now, false);
        if (peer->code == 437) { /* the relay goes, or it is asked again: what waits can */
            break;
        }
        /* fall through */
    case FLOE_TURN_FAILED:
        tell_unsent(core, now, relay, peer);
        let_go(core, relay, peer);
        break;
    case FLOE_TURN_LOST:
        floe_relay_lost(core, now, relay);
        break;
    default:
        break;
    }
}

/* Its owner may wait for room on its way. */
static void drop_peer(floe_core *core, floe_relay *relay, floe_turn_peer *peer)
{
    floe_way_gone(core, &peer->full_for);
    floe_turn_peer_free(&relay->turn, peer);
}

void floe_relay_drop_peers(floe_core *core, floe_relay *relay)
{
    floe_turn_peer *peer;

    while ((peer = floe_turn_peer_next(&relay->turn, NULL)) != NULL) {
        drop_peer(core, relay, peer);
    }
}

/* In doubt what else is due waits for the next input, which is at once: by then the relay's own word
 * is out, or that it is lost. */
void floe_relay_peers_time(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_turn_event event = FLOE_TURN_NOTHING;
    floe_turn_peer *peer;

    while (event != FLOE_TURN_DOUBT && (peer = floe_turn_peers_due(&relay->turn, now)) != NULL) {
        floe_stun_transaction before = peer->transaction;
        event = floe_turn_peer_time(&relay->turn, now, peer);
        if (event == FLOE_TURN_FAILED) {
            tell_unsent(core, now, relay, peer);
            drop_peer(core, relay, peer);
        } else {
            if (event == FLOE_TURN_DOUBT) {
                floe_relay_trace(core, now, FLOE_TRACE_GAVE_UP, relay, &before, NULL, "");
            }
            peer_event(core, now, relay, peer, event);
        }
    }
}

void floe_relay_peers_again(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_turn_peer *peer;

    for (unsigned i = 0;
         relay->turn.reliable && (peer = floe_turn_peer_asking(&relay->turn, i)) != NULL; i++) {
        send_request(core, now, relay, peer);
    }
}

/* NULL: no memory, or too many. */
static floe_turn_peer *peer_of(floe_core *core, floe_time now, floe_relay *relay,
                               const floe_address *to)
{
    floe_turn_peer *peer = floe_turn_peer_find(&relay->turn, to);

    if (peer == NULL) {
        peer = floe_turn_peer_add(&relay->turn, now, to);
        if (peer != NULL) {
            peer_event(core, now, relay, peer, floe_turn_peer_time(&relay->turn, now, peer));
        }
    }
    return peer;
}

floe_error floe_relay_permit(floe_core *core, floe_time now, floe_relay *relay,
                             const floe_address *address)
{
    floe_turn_peer *peer = peer_of(core, now, relay, address);

    if (peer == NULL) {
        return floe_send_no_room();
    }
    peer_event(core, now, relay, peer, floe_turn_peer_used(&relay->turn, now, peer));
    return peer->refused ? floe_send_refused() : FLOE_OK;
}

void floe_relay_uses_peer(floe_core *core, floe_time now, floe_relay *relay,
                          const floe_address *address)
{
    floe_turn_peer *peer = floe_turn_peer_of_ip(&relay->turn, address);

    if (peer != NULL) {
        peer_event(core, now, relay, peer, floe_turn_peer_used(&relay->turn, now, peer));
    } else { /* it has lapsed, as nothing was sent for long */
        (void)floe_relay_permit(core, now, relay, address);
    }
}

floe_error floe_relay_send(floe_core *core, floe_time now, floe_relay *relay,
                           const floe_address *to, floe_span data)
{
    size_t limit = relay->connection != NULL && relay->connection->secure != NULL
                       ? FLOE_SECURE_DATA_MAX
                       : FLOE_DATA_MAX - 64;

    if (data.size > limit) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "%zu bytes are more than the relay takes, %zu",
                         data.size, limit);
    }
    floe_turn_peer *peer = peer_of(core, now, relay, to);
    if (peer == NULL) {
        return floe_send_no_room();
    }
    if (peer->refused) {
        return floe_send_refused();
    }
    if (floe_relay_waits_for_address(relay)) {
        return FLOE_OK; /* nothing is kept for when it moves, which may be minutes from now */
    }
    floe_relay_sends(core, relay, now);
    floe_turn_peer_expire(&relay->turn, now, peer);
    size_t room = core->shared->queue_limit;
    size_t waiting;
    floe_error error = peer->permitted ? send_wrapped(core, relay, peer, room, data)
                                       : floe_queue_push(&core->shared->allocator, &peer->held,
                                                         room, to, &data, 1);
    error =
        floe_send_result(core, error, peer->permitted ? way_of(relay, &waiting) : &peer->full_for);
    if (error != FLOE_OK) {
        return error;
    }
    if (floe_turn_peer_used(&relay->turn, now, peer) == FLOE_TURN_SEND) {
        send_request(core, now, relay, peer);
    }
    return FLOE_OK;
}

/* ── In ── */

bool floe_relay_deliver(floe_core *core, const floe_relay *relay, floe_tcp_type tcp_type,
                        const floe_address *peer, floe_span data, floe_packet *packet)
{
    return floe_deliver(core, relay->base, relay, tcp_type, peer, data, packet);
}

/* RFC 8489 §6.3.2: one that is not understood is discarded. */
static bool understood(const floe_stun_message *indication)
{
    uint16_t unknown;

    return floe_stun_unknown_required(indication, &unknown, 1) == 0;
}

/* RFC 8656 §11.4: only from a peer with a permission. §11.6: one with ICMP has no data; it says
 * that what was sent to the peer did not arrive. */
static bool take_indication(floe_core *core, floe_time now, floe_relay *relay,
                            const floe_stun_message *message, floe_packet *packet)
{
    floe_address peer;
    floe_span data;
    uint8_t type;
    uint8_t code;
    uint32_t mtu;

    if (understood(message) && floe_stun_read_address(message, FLOE_STUN_XOR_PEER_ADDRESS, &peer) &&
        floe_turn_peer_permits(&relay->turn, &peer)) {
        if (floe_stun_find(message, FLOE_STUN_DATA, &data)) {
            floe_turn_peer_heard(&relay->turn, now, &peer);
            return floe_relay_deliver(core, relay, FLOE_TCP_TYPE_NONE, &peer, data, packet);
        }
        if (floe_stun_read_icmp(message, &type, &code, &mtu)) {
            floe_asked by = {
                .local = &relay->base->local, .remote = &peer, .url = relay->server->url->text};
            floe_trace_packet(core, now, FLOE_TRACE_UNREACHABLE, &by, message,
                              "ICMP from the peer's side, as the relay's server says");
            floe_unreachable reason;
            if (floe_icmp_relayed_reason((floe_family)peer.family, type, code, &reason)) {
                floe_unreached_tell(
                    core, now, floe_packet_id(relay->base, relay, FLOE_TCP_TYPE_NONE, peer.family),
                    &peer, reason);
            }
            return false;
        }
    }
    core->shared->dropped++;
    return false;
}

static bool take_channel_data(floe_core *core, floe_time now, floe_relay *relay, floe_span frame,
                              floe_packet *packet)
{
    floe_turn_peer *peer = NULL;
    uint16_t channel;
    floe_span data;

    if (floe_channel_data_parse(frame, &channel, &data)) {
        peer = floe_turn_peer_of_channel(&relay->turn, now, channel);
    }
    if (peer == NULL) {
        core->shared->dropped++;
        return false;
    }
    peer->used = now;
    return floe_relay_deliver(core, relay, FLOE_TCP_TYPE_NONE, &peer->address, data, packet);
}

bool floe_relay_peer_of(const floe_relay *relay, floe_time now, floe_span sent, floe_address *peer)
{
    floe_reader reader = floe_reader_of(sent.data, sent.size);
    uint16_t channel = floe_read_u16(&reader);
    floe_stun_message message;

    if (!reader.failed && channel >> 14 == 1) { /* RFC 8656 §12: ChannelData begins with 01 */
        const floe_turn_peer *of = floe_turn_peer_of_channel(&relay->turn, now, channel);
        *peer = of != NULL ? of->address : (floe_address){0};
        return of != NULL;
    }
    return floe_stun_parse(sent, &message) == FLOE_STUN_PARSED &&
           message.class == FLOE_STUN_INDICATION && message.method == FLOE_STUN_SEND &&
           floe_stun_read_address(&message, FLOE_STUN_XOR_PEER_ADDRESS, peer);
}

/* An answer to a peer's request. */
static bool take_answer(floe_core *core, floe_time now, floe_relay *relay,
                        const floe_address *source, const floe_stun_message *message)
{
    floe_turn_peer *peer;

    for (unsigned i = 0; (peer = floe_turn_peer_asking(&relay->turn, i)) != NULL; i++) {
        floe_stun_transaction before = peer->transaction;
        floe_stun_match match;
        floe_turn_event event =
            floe_turn_peer_receive(&relay->turn, now, peer, source, message, &match);
        if (floe_stun_is_forged(match)) {
            core->shared->dropped++;
            floe_relay_trace(core, now, FLOE_TRACE_DROPPED, relay, &before, message,
                             floe_trace_of_forged(match));
            return true;
        }
        if (match == FLOE_STUN_BELIEVED) {
            floe_relay_trace(core, now, FLOE_TRACE_RECEIVED, relay, &before, message, "");
            peer_event(core, now, relay, peer, event);
            return true;
        }
    }
    return false;
}

static floe_taken take(floe_core *core, floe_time now, floe_relay *relay,
                       const floe_address *source, floe_span frame,
                       const floe_stun_message *message, floe_packet *packet)
{
    if (message == NULL) {
        bool servers = relay->turn.state == FLOE_TURN_ALLOCATED &&
                       floe_may_be_channel_data(frame) &&
                       floe_address_equal(source, &relay->turn.server);
        if (!servers) {
            return FLOE_TAKEN_NOT;
        }
        return take_channel_data(core, now, relay, frame, packet) ? FLOE_TAKEN_PACKET : FLOE_TAKEN;
    }
    if (message->class == FLOE_STUN_INDICATION && message->method == FLOE_STUN_DATA_INDICATION) {
        if (relay->turn.state != FLOE_TURN_ALLOCATED ||
            !floe_address_equal(source, &relay->turn.server)) {
            return FLOE_TAKEN_NOT;
        }
        return take_indication(core, now, relay, message, packet) ? FLOE_TAKEN_PACKET : FLOE_TAKEN;
    }
    if (message->class == FLOE_STUN_INDICATION && message->method == FLOE_STUN_CONNECTION_ATTEMPT) {
        if (!floe_relay_is_for_tcp(core, relay) || relay->turn.state != FLOE_TURN_ALLOCATED) {
            return FLOE_TAKEN_NOT;
        }
        if (understood(message)) {
            floe_stream_attempted(core, now, relay, message);
        }
        return FLOE_TAKEN;
    }
    return floe_relay_receive(core, now, relay, source, message) ||
                   floe_stream_answered(core, now, relay, source, message) ||
                   take_answer(core, now, relay, source, message)
               ? FLOE_TAKEN
               : FLOE_TAKEN_NOT;
}

floe_taken floe_relay_take(floe_core *core, floe_time now, floe_relay *relay,
                           const floe_address *source, floe_span frame,
                           const floe_stun_message *message, floe_packet *packet)
{
    if (relay->state == FLOE_RELAY_LEFT && message != NULL &&
        floe_relay_receive(core, now, relay, source, message)) {
        floe_relay_touch(core, relay);
        return FLOE_TAKEN;
    }
    if (!floe_relay_lives(relay)) {
        return FLOE_TAKEN_NOT;
    }
    uint64_t dropped = core->shared->dropped;
    floe_taken taken = take(core, now, relay, source, frame, message, packet);
    if (taken != FLOE_TAKEN_NOT) {
        floe_relay_touch(core, relay);
    }
    /* An answer that cannot be believed is no sign of life. */
    if (taken != FLOE_TAKEN_NOT && (message == NULL || core->shared->dropped == dropped)) {
        floe_relay_heard(relay, now);
    }
    return taken;
}

bool floe_relay_message(floe_core *core, floe_time now, floe_relay *relay, floe_span frame,
                        floe_packet *packet)
{
    floe_address server = relay->turn.server;
    floe_stun_message parsed;
    const floe_stun_message *message = NULL;

    if (floe_packet_kind_of(frame) == FLOE_PACKET_STUN) {
        if (floe_stun_parse(frame, &parsed) != FLOE_STUN_PARSED) {
            core->shared->dropped++;
            return false;
        }
        message = &parsed;
    }
    floe_taken taken = floe_relay_take(core, now, relay, &server, frame, message, packet);
    core->shared->dropped += taken == FLOE_TAKEN_NOT;
    return taken == FLOE_TAKEN_PACKET;
}

/* The owner's packets (K1, K2): out on any candidate, in with the candidate and the
 * peer. */
#include "base/error.h"
#include "base/icmp.h"
#include "core/gatherer.h"
#include "turn/peer.h"

#include <string.h>

/* The largest UDP payload. */
#define DATA_MAX 65507U

/* ── Out ── */

static const floe_found *find(const floe_core *core, uint32_t id)
{
    FLOE_LIST_EACH(found, &core->found, floe_found, link)
    {
        if (found->id == id && !found->withdrawn) {
            return found;
        }
    }
    return NULL;
}

floe_error floe_send_result(const floe_core *core, floe_error error, uint32_t *full_for)
{
    if (error == FLOE_ERR_QUEUE_FULL) {
        *full_for = core->sender;
        return floe_fail(error, "more waits to be sent than settings.send_queue_size");
    }
    return error == FLOE_ERR_NO_MEMORY ? floe_fail(error, "no memory for a packet that waits")
                                       : error;
}

void floe_way_gone(floe_core *core, uint32_t *full_for)
{
    FLOE_LIST_EACH(found, &core->found, floe_found, link)
    {
        if (*full_for != 0 && found->id == *full_for) {
            floe_tell(core, &found->writable_output, FLOE_OUTPUT_WRITABLE);
        }
    }
    *full_for = 0;
}

/* Below half there is room again. */
void floe_way_drained(floe_core *core, uint32_t *full_for, size_t waiting)
{
    if (*full_for != 0 && waiting < core->shared->queue_limit / 2) {
        floe_way_gone(core, full_for);
    }
}

static floe_error push(floe_core *core, floe_base *base, size_t limit, const floe_address *remote,
                       const floe_span *parts, size_t count)
{
    floe_error error =
        floe_queue_push(&core->shared->allocator, &base->queue, limit, remote, parts, count);

    if (error == FLOE_OK && !base->blocked) {
        floe_tell(core, &base->send_output, FLOE_OUTPUT_SEND_BASE);
    }
    return error;
}

void floe_base_writable(floe_core *core, floe_base *base)
{
    base->blocked = false;
    if (!floe_queue_empty(&base->queue)) {
        floe_tell(core, &base->send_output, FLOE_OUTPUT_SEND_BASE);
    }
}

bool floe_base_poll_send(floe_core *core, floe_base *base, floe_core_output *output)
{
    floe_span data;

    if (base->blocked || !floe_queue_take(&base->queue, &output->remote, &data)) {
        return false;
    }
    output->kind = FLOE_CORE_SEND;
    output->channel = base->channel;
    output->data = data.data;
    output->data_size = data.size;
    floe_way_drained(core, &base->full_for, base->queue.used);
    if (!floe_queue_empty(&base->queue)) {
        floe_tell(core, &base->send_output, FLOE_OUTPUT_SEND_BASE);
    }
    return true;
}

size_t floe_connection_waiting(const floe_connection *connection)
{
    return connection->queue.used +
           (connection->secure != NULL ? floe_secure_waiting(connection->secure) : 0);
}

size_t floe_waiting(const floe_core *core)
{
    size_t waiting = 0;

    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        waiting += base->queue.used;
    }
    FLOE_LIST_EACH(connection, &core->connections, floe_connection, link)
    {
        waiting += floe_connection_waiting(connection);
    }
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        FLOE_LIST_EACH(peer, &relay->turn.peers, floe_turn_peer, link)
        {
            waiting += peer->held.used;
        }
        FLOE_LIST_EACH(stream, &relay->streams, floe_stream, link)
        {
            waiting += stream->held.used;
        }
    }
    return waiting;
}

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
    return push(core, relay->base, limit, &relay->turn.server, parts, count);
}

static void trace_peer(floe_core *core, floe_time now, floe_trace_kind kind,
                       const floe_relay *relay, const floe_stun_transaction *transaction,
                       const floe_stun_message *message, const char *detail)
{
    floe_trace_packet(core, now, kind, relay->base, &relay->turn.server, relay->server, transaction,
                      message, detail);
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
    return to_server(core, relay, limit, parts, 3);
}

/* The way to the server, and how much waits there. */
static uint32_t *way_of(floe_relay *relay, size_t *waiting)
{
    if (relay->connection != NULL) {
        *waiting = floe_connection_waiting(relay->connection);
        return &relay->connection->full_for;
    }
    *waiting = relay->base->queue.used;
    return &relay->base->full_for;
}

/* Nothing waits for the peer's permission any more; what waits on the way behind it may. */
static void let_go(floe_core *core, floe_relay *relay, floe_turn_peer *peer)
{
    size_t waiting;
    uint32_t *way = way_of(relay, &waiting);

    floe_queue_release(&core->shared->allocator, &peer->held);
    floe_way_drained(core, &peer->full_for, waiting);
    *way = peer->full_for != 0 ? peer->full_for : *way;
    peer->full_for = 0;
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
        floe_relay_verify(relay, now, false);
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
    FLOE_LIST_EACH_SAFE(peer, &relay->turn.peers, floe_turn_peer, link)
    {
        drop_peer(core, relay, peer);
    }
}

void floe_relay_peers_time(floe_core *core, floe_time now, floe_relay *relay)
{
    FLOE_LIST_EACH_SAFE(peer, &relay->turn.peers, floe_turn_peer, link)
    {
        floe_stun_transaction before = peer->transaction;
        floe_turn_event event = floe_turn_peer_time(&relay->turn, now, peer);
        if (event == FLOE_TURN_FAILED) {
            tell_unsent(core, now, relay, peer);
            drop_peer(core, relay, peer);
        } else {
            if (event == FLOE_TURN_DOUBT) {
                trace_peer(core, now, FLOE_TRACE_GAVE_UP, relay, &before, NULL, "");
            }
            peer_event(core, now, relay, peer, event);
        }
    }
}

void floe_relay_peers_again(floe_core *core, floe_time now, floe_relay *relay)
{
    FLOE_LIST_EACH(peer, &relay->turn.peers, floe_turn_peer, link)
    {
        if (relay->turn.reliable && floe_stun_transaction_runs(&peer->transaction)) {
            send_request(core, now, relay, peer);
        }
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

floe_error floe_send_no_room(void)
{
    return floe_fail(FLOE_ERR_NO_MEMORY, "no room for another peer of the relay");
}

floe_error floe_send_refused(void)
{
    return floe_fail(FLOE_ERR_PERMISSION, "the relay's server refuses this peer");
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
    bool known = false;

    FLOE_LIST_EACH(peer, &relay->turn.peers, floe_turn_peer, link)
    {
        if (floe_address_same_ip(&peer->address, address)) {
            known = true;
            peer_event(core, now, relay, peer, floe_turn_peer_used(&relay->turn, now, peer));
        }
    }
    if (!known) { /* it has lapsed, as nothing was sent for long */
        (void)floe_relay_permit(core, now, relay, address);
    }
}

static floe_error send_by_relay(floe_core *core, floe_time now, floe_relay *relay,
                                const floe_address *to, floe_span data)
{
    size_t limit = relay->connection != NULL && relay->connection->secure != NULL
                       ? FLOE_SECURE_DATA_MAX
                       : DATA_MAX - 64;

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
    floe_relay_sends(relay, now);
    floe_turn_peer_expire(peer, now);
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

floe_error floe_core_send(floe_core *core, floe_time now, uint32_t candidate_id,
                          const floe_address *peer, const void *data, size_t size)
{
    if (core == NULL || peer == NULL || (data == NULL && size > 0)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_send: NULL");
    }
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is closed");
    }
    if (size > DATA_MAX) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "%zu bytes are more than UDP takes, %u", size,
                         DATA_MAX);
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
    core->sender = candidate_id;
    if (found->type == FLOE_CANDIDATE_TYPE_RELAY) {
        floe_relay *relay = found->relay;
        if (relay == NULL || relay->turn.state != FLOE_TURN_ALLOCATED) {
            return floe_fail(FLOE_ERR_NOT_FOUND, "the relay is gone");
        }
        return relay->kind.tcp
                   ? floe_stream_send(core, now, relay, (floe_tcp_type)found->tcp_type, &to, span)
                   : send_by_relay(core, now, relay, &to, span);
    }
    floe_base *base = found->base;
    if (base->state != FLOE_BASE_OPEN) {
        return floe_fail(FLOE_ERR_NOT_FOUND, "the candidate's socket is closed");
    }
    return floe_send_result(core, push(core, base, core->shared->queue_limit, &to, &span, 1),
                            &base->full_for);
}

floe_error floe_core_doubt(floe_core *core, floe_time now, uint32_t candidate_id)
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
    if (found->relay != NULL) {
        floe_relay_verify(found->relay, now, false);
    }
    if (found->binding != NULL) {
        floe_binding_doubt(core, now, found->binding);
        floe_relays_doubt(core, now, found->base, &found->binding->remote);
    }
    return FLOE_OK;
}

/* ── In ── */

void floe_core_receive_packets(floe_core *core, bool wanted)
{
    if (core != NULL) {
        core->wants_packets = wanted;
    }
}

/* Of those that share a socket the host's, whenever it was told: its name may be the second one. */
uint32_t floe_packet_id(const floe_base *base, const floe_relay *relay, floe_tcp_type tcp_type,
                        uint8_t family)
{
    bool of_host = false;
    uint32_t id = 0;

    FLOE_LIST_EACH(found, &base->found, floe_found, of_base)
    {
        bool relayed = found->type == FLOE_CANDIDATE_TYPE_RELAY;
        bool fits = relay != NULL ? found->relay == relay && found->address.family == family &&
                                        found->tcp_type == (uint8_t)tcp_type
                                  : !relayed;
        bool host = found->type == FLOE_CANDIDATE_TYPE_HOST;
        bool better = id == 0 || (host == of_host ? found->id < id : host);
        if (fits && !found->hidden && !found->withdrawn && better) {
            id = found->id;
            of_host = host;
        }
    }
    return id;
}

static bool deliver(floe_core *core, const floe_base *base, const floe_relay *relay,
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
    if (packet->kind == FLOE_PACKET_STUN) {
        packet->check = floe_check_read(core, data);
    }
    return true;
}

/* TURN's methods are nobody else's; a Binding is told by its transaction. */
bool floe_base_asked(const floe_base *base, const floe_stun_message *message)
{
    if (message->class == FLOE_STUN_REQUEST) {
        return false;
    }
    if (message->method >= FLOE_STUN_ALLOCATE && message->method <= FLOE_STUN_CONNECTION_ATTEMPT) {
        return true;
    }
    if (message->method != FLOE_STUN_BINDING || message->class == FLOE_STUN_INDICATION) {
        return false;
    }
    FLOE_LIST_EACH(binding, &base->bindings, floe_binding, link)
    {
        if (binding->counters.requests > 0 &&
            floe_stun_id_equal(&binding->transaction.id, &message->id)) {
            return true;
        }
    }
    for (size_t i = 0; i < base->formers; i++) {
        if (floe_stun_id_equal(&base->former[i], &message->id)) {
            return true;
        }
    }
    return false;
}

/* RFC 8656 §12: what a server sends that is not STUN is ChannelData; of a reserved number (table 3)
 * or an unknown one (§12.6) it is dropped. */
static bool is_of_channels(floe_span data)
{
    floe_packet_kind kind = floe_packet_kind_of(data);

    return kind == FLOE_PACKET_CHANNEL_DATA || kind == FLOE_PACKET_OTHER;
}

/* So long a server may send what it had for a relay, or has not heard that this has gone. Behind that
 * the port is a peer's as any other: an SFU may have TURN, ICE and QUIC on one. */
#define UNDER_WAY_FOR floe_seconds(30)

void floe_base_forgets_farewells(floe_core *core, floe_time now, floe_base *base)
{
    FLOE_LIST_EACH_SAFE(farewell, &base->farewells, floe_farewell, link)
    {
        if (floe_time_reached(now, farewell->until)) {
            floe_list_remove(&farewell->link);
            floe_deallocate(&core->shared->allocator, farewell);
        }
    }
}

void floe_base_bids_farewell(floe_core *core, floe_time now, floe_base *base,
                             const floe_address *server)
{
    floe_farewell *made = floe_allocate(&core->shared->allocator, sizeof *made);

    floe_base_forgets_farewells(core, now, base);
    if (made != NULL) { /* else its data is taken for a peer's, who is to cope with that */
        made->server = *server;
        made->until = floe_time_after(now, UNDER_WAY_FOR);
        floe_list_append(&base->farewells, &made->link);
    }
}

bool floe_base_had(floe_core *core, floe_time now, floe_base *base, const floe_address *source,
                   floe_span data)
{
    floe_base_forgets_farewells(core, now, base);
    FLOE_LIST_EACH(farewell, &base->farewells, floe_farewell, link)
    {
        if (floe_address_equal(&farewell->server, source)) {
            return is_of_channels(data);
        }
    }
    return false;
}

bool floe_base_deliver(floe_core *core, const floe_base *base, const floe_address *source,
                       floe_span data, floe_packet *packet)
{
    return deliver(core, base, NULL, FLOE_TCP_TYPE_NONE, source, data, packet);
}

bool floe_relay_deliver(floe_core *core, const floe_relay *relay, floe_tcp_type tcp_type,
                        const floe_address *peer, floe_span data, floe_packet *packet)
{
    return deliver(core, relay->base, relay, tcp_type, peer, data, packet);
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
            floe_trace_packet(core, now, FLOE_TRACE_UNREACHABLE, relay->base, &peer, relay->server,
                              NULL, message,
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
    floe_turn_peer_heard(&relay->turn, now, &peer->address);
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
    FLOE_LIST_EACH(peer, &relay->turn.peers, floe_turn_peer, link)
    {
        floe_stun_transaction before = peer->transaction;
        floe_stun_match match;
        floe_turn_event event =
            floe_turn_peer_receive(&relay->turn, now, peer, source, message, &match);
        if (floe_stun_is_forged(match)) {
            core->shared->dropped++;
            trace_peer(core, now, FLOE_TRACE_DROPPED, relay, &before, message,
                       "its integrity does not match");
            return true;
        }
        if (match == FLOE_STUN_BELIEVED) {
            trace_peer(core, now, FLOE_TRACE_RECEIVED, relay, &before, message, "");
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
        bool servers = relay->turn.state == FLOE_TURN_ALLOCATED && is_of_channels(frame) &&
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
        if (!relay->kind.tcp || relay->turn.state != FLOE_TURN_ALLOCATED) {
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
    if (!floe_relay_lives(relay)) {
        return FLOE_TAKEN_NOT;
    }
    uint64_t dropped = core->shared->dropped;
    floe_taken taken = take(core, now, relay, source, frame, message, packet);
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

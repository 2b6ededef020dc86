/* Peers by TCP: each by a connection of its own, framed as ICE over TCP has it (RFC 6544 §3, RFC 4571). */
#include "core/socket/tcp_peer.h"

#include "base/error.h"
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/candidate/listener.h"
#include "core/candidate/packet.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/failure.h"
#include "core/outbox/unreachable.h"
#include "core/socket/connection.h"
#include "core/socket/way.h"

/* H1: so long who has connected has for a check. */
#define PROVEN_WITHIN floe_seconds(5)
/* Where nobody listens, it is tried again behind so long: who sends packet after packet is no reason
 * to connect as often. */
#define RESTS_FOR floe_seconds(1)

typedef struct peer_key {
    floe_address address;
    floe_tcp_type tcp_type; /* of our candidate */
} peer_key;

struct floe_tcp_peer {
    floe_tree_node node;
    peer_key key;
    floe_listener *listener;
    floe_connection *connection; /* NULL: none was to be had, and he is left alone */
    floe_time again;             /* until then */
    floe_time heard;             /* something came by it */
    bool unproven;
};

static int compare(const void *a, const void *b)
{
    const peer_key *one = a;
    const peer_key *other = b;
    int order = floe_address_order_ip(&one->address, &other->address);

    if (order == 0) {
        order = (int)one->address.port - (int)other->address.port;
    }
    return order != 0 ? order : (int)one->tcp_type - (int)other->tcp_type;
}

static const floe_tree_kind by_address = {compare, FLOE_TREE_KEY(floe_tcp_peer, node, key), 12};

static floe_tcp_peer *peer_at(floe_tree_node *node)
{
    return node != NULL ? FLOE_CONTAINER(node, floe_tcp_peer, node) : NULL;
}

static floe_tcp_peer *find(const floe_listener *listener, floe_tcp_type tcp_type,
                           const floe_address *address)
{
    peer_key key = {.address = *address, .tcp_type = tcp_type};

    return peer_at(floe_tree_find(&by_address, &listener->peers, &key));
}

static bool is_accepted(const floe_tcp_peer *peer)
{
    return peer->key.tcp_type == FLOE_TCP_TYPE_PASSIVE;
}

static uint16_t *count_of(const floe_tcp_peer *peer)
{
    return is_accepted(peer) ? &peer->listener->accepted : &peer->listener->connected;
}

/* ── Beginning and end ── */

static floe_tcp_peer *add(floe_core *core, floe_listener *listener, floe_tcp_type tcp_type,
                          const floe_address *address)
{
    floe_tcp_peer *made = floe_allocate(&core->shared->allocator, sizeof *made);

    if (made != NULL) {
        made->key = (peer_key){.address = *address, .tcp_type = tcp_type};
        made->listener = listener;
        floe_tree_insert(&by_address, &listener->peers, &made->node);
        (*count_of(made))++;
    }
    return made;
}

static void proven(floe_tcp_peer *peer)
{
    peer->listener->unproven -= peer->unproven;
    peer->unproven = false;
}

static void let_go(floe_core *core, floe_tcp_peer *peer)
{
    if (peer->connection != NULL) {
        floe_connection_disown(peer->connection);
        floe_connection_close(core, peer->connection);
        peer->connection = NULL;
    }
}

static void end(floe_core *core, floe_tcp_peer *peer)
{
    let_go(core, peer);
    proven(peer);
    (*count_of(peer))--;
    floe_tree_remove(&by_address, &peer->listener->peers, &peer->node);
    floe_deallocate(&core->shared->allocator, peer);
}

void floe_tcp_peers_end(floe_core *core, floe_listener *listener)
{
    floe_tcp_peer *peer;

    while (listener != NULL && (peer = peer_at(floe_tree_first(&listener->peers))) != NULL) {
        end(core, peer);
    }
}

/* ── What comes of a connection ── */

/* Who has connected first says who he is, by a check (H1); an empty frame is nothing. */
static bool message(floe_core *core, floe_time now, void *owner, floe_span frame,
                    floe_packet *packet)
{
    floe_tcp_peer *peer = owner;
    floe_reader reader = floe_reader_of(frame.data, frame.size);

    peer->heard = now;
    (void)floe_read_u16(&reader);
    floe_span data = floe_read_span(&reader, floe_reader_left(&reader));
    return data.size > 0 && floe_deliver(core, peer->listener->base, NULL, peer->key.tcp_type,
                                         &peer->key.address, data, packet);
}

/* That none was to be had is remembered for a while. */
static void gone(floe_core *core, floe_time now, void *owner, floe_failure failure)
{
    floe_tcp_peer *peer = owner;
    bool tried = failure.stage == FLOE_CONNECTION_OPENING;
    uint8_t detail = failure.detail;
    bool told = failure.kind == FLOE_FAILURE_UNREACHABLE;

    floe_failure_release(core->shared, &failure);
    peer->connection = NULL;
    if (!peer->unproven) { /* else nobody has heard of him */
        floe_unreached_ended(
            core, now, floe_packet_id(peer->listener->base, NULL, peer->key.tcp_type, 0),
            &peer->key.address, told ? (floe_unreachable)detail : FLOE_UNREACHABLE_HOST);
    }
    if (tried) {
        peer->again = floe_time_after(now, RESTS_FOR);
    } else {
        end(core, peer);
    }
}

static const floe_connection_owner owner_of_peers = {.message = message, .gone = gone};

floe_tcp_peer *floe_tcp_peer_of(const floe_connection *connection)
{
    return connection != NULL && connection->calls == &owner_of_peers ? connection->owner : NULL;
}

/* From the port of what listens, unless the candidate has none. */
static floe_connection_plan plan_for(floe_tcp_peer *peer)
{
    static const floe_address any = {0};

    return (floe_connection_plan){
        .calls = &owner_of_peers,
        .owner = peer,
        .base = peer->listener->base,
        .server = peer->key.address,
        .local = peer->key.tcp_type == FLOE_TCP_TYPE_ACTIVE ? any : peer->listener->local,
        .transport = FLOE_PROTOCOL_TCP,
        .host = "",
        .holds = true};
}

/* ── Who connects ── */

uint32_t floe_tcp_peer_accept(floe_core *core, floe_time now, floe_listener *listener,
                              const floe_address *peer, uint32_t channel)
{
    floe_tcp_peer *former = find(listener, FLOE_TCP_TYPE_PASSIVE, peer);

    if (former != NULL) { /* who connects anew from there has lost it */
        end(core, former);
    }
    if (listener->unproven == FLOE_TCP_UNPROVEN_MAX ||
        listener->accepted == FLOE_TCP_PEERS_MAX + FLOE_TCP_UNPROVEN_MAX) {
        return 0;
    }
    floe_tcp_peer *made = add(core, listener, FLOE_TCP_TYPE_PASSIVE, peer);
    if (made == NULL) {
        return 0;
    }
    floe_connection_plan plan = plan_for(made);
    plan.channel = channel;
    made->connection = floe_connection_accepted(core, now, &plan);
    if (made->connection == NULL) {
        end(core, made);
        return 0;
    }
    made->unproven = true;
    listener->unproven++;
    made->connection->framer.measure = floe_frame_measure_check;
    floe_connection_give_up_at(core, made->connection, floe_time_after(now, PROVEN_WITHIN));
    return made->connection->channel;
}

bool floe_tcp_peer_is_unproven(const floe_tcp_peer *peer)
{
    return peer->unproven;
}

void floe_tcp_peer_prove(floe_core *core, floe_tcp_peer *peer, bool good)
{
    if (!good || peer->listener->accepted - peer->listener->unproven >= (int)FLOE_TCP_PEERS_MAX) {
        end(core, peer);
        return;
    }
    proven(peer);
    peer->connection->framer.measure = floe_frame_measure_rfc4571;
    floe_connection_give_up_at(core, peer->connection, FLOE_TIME_NEVER);
}

/* ── Out ── */

static bool rests(const floe_tcp_peer *peer)
{
    return peer->connection == NULL;
}

/* Those that are left alone make room for others. */
static void forget_resting(floe_core *core, const floe_listener *listener)
{
    floe_tcp_peer *next;

    for (floe_tcp_peer *peer = peer_at(floe_tree_first(&listener->peers)); peer != NULL;
         peer = next) {
        next = peer_at(floe_tree_next(&by_address, &listener->peers, &peer->node));
        if (rests(peer)) {
            end(core, peer);
        }
    }
}

static floe_tcp_peer *connect_to(floe_core *core, floe_time now, floe_listener *listener,
                                 floe_tcp_type tcp_type, const floe_address *address)
{
    if (listener->connected == FLOE_TCP_PEERS_MAX) {
        forget_resting(core, listener);
    }
    floe_tcp_peer *made =
        listener->connected < FLOE_TCP_PEERS_MAX ? add(core, listener, tcp_type, address) : NULL;
    if (made == NULL) {
        return NULL;
    }
    floe_connection_plan plan = plan_for(made);
    made->connection = floe_connection_new(core, now, &plan);
    if (made->connection == NULL) {
        end(core, made);
        return NULL;
    }
    made->connection->framer.measure = floe_frame_measure_rfc4571;
    return made;
}

floe_error floe_tcp_peer_send(floe_core *core, floe_time now, floe_base *base,
                              floe_tcp_type tcp_type, const floe_address *peer, floe_span data)
{
    uint8_t length[2] = {(uint8_t)(data.size >> 8), (uint8_t)data.size};
    floe_span parts[] = {floe_span_of(length, sizeof length), data};
    floe_listener *listener = base->listener;
    floe_tcp_peer *to = find(listener, tcp_type, peer);

    if (to == NULL && tcp_type == FLOE_TCP_TYPE_SO) { /* whose SYN came before ours */
        to = find(listener, FLOE_TCP_TYPE_PASSIVE, peer);
        to = to != NULL && !to->unproven ? to : NULL;
    }
    if (tcp_type == FLOE_TCP_TYPE_PASSIVE && (to == NULL || to->unproven)) {
        return floe_fail(FLOE_ERR_NOT_CONNECTED, "the peer has not connected to the candidate");
    }
    if (to != NULL && rests(to)) {
        if (!floe_time_reached(now, to->again)) {
            return floe_fail(FLOE_ERR_NOT_CONNECTED,
                             "no connection to the peer; it is tried again in a while");
        }
        end(core, to);
        to = NULL;
    }
    if (to == NULL) {
        to = connect_to(core, now, listener, tcp_type, peer);
        if (to == NULL) {
            return floe_fail(FLOE_ERR_NO_MEMORY, "no room for another peer of the candidate");
        }
    }
    return floe_send_result(
        core, floe_connection_send(core, to->connection, core->shared->queue_limit, parts, 2),
        &to->connection->full_for);
}

void floe_tcp_peer_hang_up(floe_core *core, floe_base *base, floe_tcp_type tcp_type,
                           const floe_address *peer, floe_time since)
{
    floe_tcp_peer *to = base->listener != NULL ? find(base->listener, tcp_type, peer) : NULL;

    if (to != NULL && !rests(to) && to->heard.ns < since.ns) {
        end(core, to);
    }
}

/* The way of each input to the part that it is for. */
#include "base/name.h"
#include "core/candidate/base.h"
#include "core/candidate/host.h"
#include "core/candidate/packet.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/gatherer/check.h"
#include "core/gatherer/face.h"
#include "core/gatherer/life.h"
#include "core/outbox/failure.h"
#include "core/outbox/trace.h"
#include "core/outbox/unreachable.h"
#include "core/plan/bases.h"
#include "core/plan/names.h"
#include "core/plan/network.h"
#include "core/plan/pair.h"
#include "core/plan/renewal.h"
#include "core/plan/servers.h"
#include "core/server/server.h"
#include "core/socket/connection.h"
#include "core/socket/tcp_peer.h"
#include "core/socket/way.h"
#include "core/source/binding.h"
#include "core/source/pacer.h"
#include "core/source/peers.h"
#include "core/source/relay.h"
#include "core/source/tcp_mapping.h"

#include <string.h>

/* The list was asked for, and is not there yet. */
static bool awaits_interfaces(const floe_core *core)
{
    return core->state == FLOE_GATHERER_STATE_GATHERING && core->interfaces_asked &&
           !core->interfaces_known;
}

/* A list whose addresses are as large as a driver of another release has them, in this one's;
 * NULL: out of memory. */
static floe_interface_address *list_of_ours(const floe_core *core,
                                            const floe_interface_address *list, size_t count)
{
    floe_interface_address *ours = floe_allocate(&core->shared->allocator, count * sizeof *ours);

    for (size_t i = 0; ours != NULL && i < count; i++) {
        floe_take_nth(&ours[i], list, i, FLOE_INTERFACE_ADDRESS_SIZES);
    }
    return ours;
}

static void gather_by(floe_core *core, floe_time now, const floe_interface_address *list,
                      size_t count)
{
    core->interfaces_known = true;
    floe_network_saw(core, list, count);
    floe_renewal_prepare(core, now);
    floe_bases_update(core, now, list, count);
    floe_servers_begin(core);
    floe_pairs_make_all(core, now); /* those that are open already */
}

/* N1: the network may have changed. */
static void follow(floe_core *core, floe_time now, const floe_interface_address *list, size_t count)
{
    bool whole = core->state == FLOE_GATHERER_STATE_COMPLETE;

    if (!floe_network_judge(core, now, list, count)) {
        return;
    }
    if (whole) {
        floe_core_gather_change(core, now);
    }
    floe_network_apply(core, now, list, count, whole);
}

void floe_gather_interfaces(floe_core *core, floe_time now, const floe_interface_address *list,
                            size_t count)
{
    floe_interface_address *ours = NULL;

    if (!awaits_interfaces(core) && !floe_network_awaits(core)) {
        return;
    }
    if (count > 0 && floe_struct_size(list, FLOE_INTERFACE_ADDRESS_SIZES.first) != sizeof *list) {
        ours = list_of_ours(core, list, count);
        if (ours == NULL) {
            floe_gather_interfaces_failed(core, now, FLOE_ERR_NO_MEMORY);
            return;
        }
        list = ours;
    }
    if (awaits_interfaces(core)) {
        gather_by(core, now, list, count);
    } else {
        follow(core, now, list, count);
    }
    floe_deallocate(&core->shared->allocator, ours);
    floe_core_settle(core, now);
}

void floe_gather_follow(floe_core *core, floe_time now, const floe_interface_address *list,
                        size_t count)
{
    floe_network_forget(core);
    floe_network_asks(core);
    if (floe_network_awaits(core)) {
        floe_gather_interfaces(core, now, list, count);
    }
    floe_network_hears(core);
}

void floe_gather_interfaces_failed(floe_core *core, floe_time now, floe_error error)
{
    if (awaits_interfaces(core)) {
        floe_interfaces_unknown(core, now, error);
        if (floe_core_is_member(core)) {
            core->share->supply(core->share, now);
        }
        floe_core_settle(core, now);
    } else if (floe_network_awaits(core)) {
        floe_network_unknown(core, now);
    }
}

void floe_gather_resolved(floe_core *core, floe_time now, uint32_t query, floe_error error,
                          const floe_address *addresses, size_t count)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_relays_touch(core);
    if (floe_names_addresses(core, now, query, error, addresses, count)) {
        floe_pairs_make_all(core, now);
    }
    floe_core_settle(core, now);
}

void floe_gather_services_resolved(floe_core *core, floe_time now, uint32_t query, floe_error error,
                                   const floe_service_record *records, size_t count)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_service_record ours[FLOE_SERVICES_MAX];
    count = count < FLOE_SERVICES_MAX ? count : FLOE_SERVICES_MAX;
    for (size_t i = 0; i < count; i++) {
        ours[i] = (floe_service_record){0};
        floe_take_nth(&ours[i], records, i, FLOE_SERVICE_RECORD_SIZES);
    }
    floe_relays_touch(core);
    if (floe_names_services(core, now, query, error, ours, count)) {
        floe_pairs_make_all(core, now);
    }
    floe_core_settle(core, now);
}

void floe_gather_names_failed(floe_core *core, floe_time now, uint32_t interface_index,
                              floe_error error)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (base->published && base->interface_index == interface_index) {
            floe_base_name_unheard(core, base, error);
        }
    }
    floe_core_settle(core, now);
}

void floe_gather_name_taken(floe_core *core, floe_time now, const char *name)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (base->named != NULL && floe_name_same(base->named->text, name)) {
            floe_base_name_taken(core, now, base);
        }
    }
    floe_core_settle(core, now);
}

/* NULL: there is none. */
static floe_listener *opening_listener(const floe_core *core, uint32_t channel)
{
    floe_listener *listener =
        core->state != FLOE_GATHERER_STATE_CLOSED ? floe_listener_of_channel(core, channel) : NULL;

    return listener != NULL && listener->state == FLOE_BASE_OPENING ? listener : NULL;
}

void floe_gather_opened(floe_core *core, floe_time now, uint32_t channel, const floe_address *local)
{
    floe_base *base = floe_base_of_channel(core, channel);
    floe_connection *connection = floe_connection_of_channel(core, channel);

    if (connection != NULL && connection->state == FLOE_CONNECTION_OPENING) {
        floe_connection_opened(core, now, connection, local);
        floe_core_settle(core, now);
        return;
    }
    floe_listener *listener = base == NULL ? opening_listener(core, channel) : NULL;
    if (listener != NULL) {
        floe_base_listens(core, now, listener, local);
        floe_core_settle(core, now);
        return;
    }
    if (base == NULL || base->state != FLOE_BASE_OPENING ||
        core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_base_opened(core, now, base, local);
    floe_core_settle(core, now);
}

uint32_t floe_gather_accepted(floe_core *core, floe_time now, uint32_t channel,
                              const floe_address *remote, uint32_t by)
{
    floe_listener *listener = floe_listener_of_channel(core, channel);

    floe_core_is_told(core, now);
    if (listener == NULL || listener->state != FLOE_BASE_OPEN ||
        core->state == FLOE_GATHERER_STATE_CLOSED) {
        return 0;
    }
    floe_address from = floe_address_normalise(*remote);
    uint32_t accepted = floe_tcp_peer_accept(core, now, listener, &from, by);
    floe_core_settle(core, now);
    return accepted;
}

void floe_gather_open_failed(floe_core *core, floe_time now, uint32_t channel, floe_error error)
{
    floe_base *base = floe_base_of_channel(core, channel);
    floe_connection *connection = floe_connection_of_channel(core, channel);

    if (connection != NULL && connection->state == FLOE_CONNECTION_OPENING) {
        floe_failure failure = floe_connection_failure(connection, FLOE_FAILURE_OPEN, now);
        failure.detail = (uint8_t)-error;
        connection->opened = false; /* there is nothing to close */
        floe_connection_failed(core, now, connection, failure);
        floe_core_settle(core, now);
        return;
    }
    floe_listener *listener = base == NULL ? opening_listener(core, channel) : NULL;
    if (listener != NULL) {
        floe_base_cannot_listen(core, now, listener, error);
        floe_core_settle(core, now);
        return;
    }
    if (base == NULL || base->state != FLOE_BASE_OPENING ||
        core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_base_open_failed(core, now, base, error);
    floe_core_settle(core, now);
}

static void drop_packet(floe_core *core, floe_time now, const floe_base *base,
                        const floe_address *source, const floe_stun_message *message,
                        const char *why)
{
    floe_asked by = {.local = &base->local, .remote = source};

    core->shared->dropped++;
    floe_trace_packet(core, now, FLOE_TRACE_DROPPED, &by, message, why);
}

static const char *why_no_stun(floe_stun_parse_result result)
{
    switch (result) {
    case FLOE_STUN_NOT_STUN:
        return "no STUN message";
    case FLOE_STUN_BAD_LENGTH:
        return "its STUN length is wrong";
    case FLOE_STUN_BAD_ATTRIBUTE:
        return "an attribute reaches beyond its end";
    case FLOE_STUN_BAD_FINGERPRINT:
        return "its fingerprint is wrong";
    case FLOE_STUN_PARSED:
        break;
    }
    return "";
}

/* By the relays of this server, or by the others: an answer may come from elsewhere, and is known for that. */
static floe_taken give_relays(floe_core *core, floe_time now, floe_base *base,
                              const floe_address *source, floe_span data,
                              const floe_stun_message *message, floe_packet *packet, bool others)
{
    FLOE_RELAYS_ON(relay, base)
    {
        if (relay->connection == NULL &&
            floe_address_equal(&relay->turn.server, source) != others) {
            floe_taken taken = floe_relay_take(core, now, relay, source, data, message, packet);
            if (taken != FLOE_TAKEN_NOT) {
                return taken;
            }
        }
    }
    return FLOE_TAKEN_NOT;
}

/* Whose it is: a relay's, which asks for no Binding, or a binding's. `message` is NULL for what is no STUN. */
static floe_taken give(floe_core *core, floe_time now, floe_base *base, const floe_address *source,
                       floe_span data, const floe_stun_message *message, floe_packet *packet)
{
    floe_taken taken = FLOE_TAKEN_NOT;

    if (message == NULL || message->method != FLOE_STUN_BINDING) {
        taken = give_relays(core, now, base, source, data, message, packet, false);
    }
    if (taken == FLOE_TAKEN_NOT && message != NULL && message->method != FLOE_STUN_BINDING) {
        taken = give_relays(core, now, base, source, data, message, packet, true);
    }
    if (taken != FLOE_TAKEN_NOT) {
        return taken;
    }
    FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
    {
        if (message != NULL && floe_binding_receive(core, now, binding, source, message)) {
            return FLOE_TAKEN;
        }
    }
    return FLOE_TAKEN_NOT;
}

/* NULL: nobody wants any. */
static floe_packet *room_for_packet(const floe_core *core)
{
    return core->arrival != NULL ? &core->arrival->packet : NULL;
}

/* What has come for the owner, if anything has: a check is read, whoever it is for. */
static void hold_packet(floe_core *core, bool any)
{
    floe_packet *packet = room_for_packet(core);

    core->has_packet = any;
    if (any && packet->kind == FLOE_PACKET_STUN) {
        packet->check = floe_check_read(core, floe_span_of(packet->data, packet->size));
    }
}

static void nothing_has_come(floe_core *core)
{
    core->has_packet = false;
    if (core->arrival != NULL) {
        core->arrival->repeats = false;
    }
}

/* A trunk gives its members what is not for itself. */
static bool datagram_on_base(floe_core *core, floe_time now, floe_base *base,
                             const floe_address *source, floe_span data)
{
    floe_address from = floe_address_normalise(*source);
    floe_stun_message message;

    floe_stun_parse_result result = floe_stun_parse(data, &message);
    bool parsed = result == FLOE_STUN_PARSED;
    floe_taken taken =
        give(core, now, base, &from, data, parsed ? &message : NULL, room_for_packet(core));
    bool asked = taken == FLOE_TAKEN_NOT && parsed && floe_base_asked(base, &message);
    if (asked && message.class != FLOE_STUN_INDICATION) {
        floe_pairs_late_answer(core, base, &from);
    }
    bool no_answer = !parsed || message.class == FLOE_STUN_REQUEST;
    if (taken == FLOE_TAKEN_NOT && no_answer && core->state == FLOE_GATHERER_STATE_GATHERING) {
        floe_pairs_garbled(core, base, &from);
    }
    if (taken == FLOE_TAKEN_NOT && core->wants_packets && !asked && !floe_core_is_trunk(core) &&
        !floe_base_had(core, now, base, &from, data)) {
        (void)floe_deliver(core, base, NULL, FLOE_TCP_TYPE_NONE, &from, data,
                           room_for_packet(core));
        core->arrival->repeats = core->arrival->packet.kind != FLOE_PACKET_STUN;
        core->arrival->as_of = core->settled;
        taken = FLOE_TAKEN_PACKET;
    }
    hold_packet(core, taken == FLOE_TAKEN_PACKET);
    if (taken == FLOE_TAKEN_NOT && !floe_core_is_trunk(core)) {
        drop_packet(core, now, base, &from, parsed ? &message : NULL,
                    parsed ? "nobody asked for it" : why_no_stun(result));
    }
    if (!core->has_packet) {
        floe_core_settle(core, now);
    }
    return taken != FLOE_TAKEN_NOT;
}

/* The next packet of who is connected. What a peer says first is looked at here, as that he knows us is
 * for the credentials to say (H1). */
static void next_on_connection(floe_core *core, floe_time now, floe_connection *connection)
{
    hold_packet(core, floe_connection_next(core, now, connection, room_for_packet(core)));
    floe_tcp_peer *peer = floe_tcp_peer_of(connection);
    if (core->has_packet && peer != NULL && floe_tcp_peer_is_unproven(peer)) {
        const floe_check *check = core->arrival->packet.check;
        core->has_packet = check != NULL && check->authenticated;
        core->shared->dropped += !core->has_packet;
        floe_tcp_peer_prove(core, peer, core->has_packet);
    }
}

static void bytes_on_connection(floe_core *core, floe_time now, floe_connection *connection,
                                const void *data, size_t size)
{
    floe_connection_feed(connection, data, size);
    next_on_connection(core, now, connection);
    floe_connection_receives(core, core->has_packet ? connection : NULL);
    floe_core_settle(core, now);
}

bool floe_gather_datagram(floe_core *core, floe_time now, uint32_t channel,
                          const floe_address *source, const void *data, size_t size)
{
    floe_base *base = floe_base_of_channel(core, channel);
    floe_connection *connection;

    floe_core_is_told(core, now);
    nothing_has_come(core);
    floe_connection_receives(core, NULL);
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return false;
    }
    if (base != NULL) {
        return datagram_on_base(core, now, base, source, floe_span_of(data, size));
    }
    connection = floe_connection_of_channel(core, channel);
    if (connection == NULL || connection->state == FLOE_CONNECTION_OPENING) {
        return false;
    }
    if (!floe_address_equal(source, &connection->remote)) {
        core->shared->dropped++;
        return false;
    }
    bytes_on_connection(core, now, connection, data, size);
    return true;
}

const floe_packet *floe_gather_datagram_again(floe_core *core, const void *data, size_t size)
{
    floe_arrival *arrival = core->arrival;

    if (arrival == NULL || !arrival->repeats || arrival->as_of != core->settled ||
        core->state == FLOE_GATHERER_STATE_CLOSED || !core->wants_packets ||
        floe_packet_kind_of(floe_span_of(data, size)) != arrival->packet.kind) {
        return NULL;
    }
    arrival->packet.data = data;
    arrival->packet.size = size;
    return &arrival->packet;
}

bool floe_gather_take_packet(floe_core *core, const floe_packet *packet, uint32_t id)
{
    nothing_has_come(core);
    if (core->state == FLOE_GATHERER_STATE_CLOSED || !core->wants_packets) {
        core->shared->dropped++;
        return false;
    }
    core->arrival->packet = *packet;
    core->arrival->packet.candidate_id = id;
    core->arrival->packet.check = NULL;
    hold_packet(core, true);
    return true;
}

void floe_gather_stream(floe_core *core, floe_time now, uint32_t channel, const void *data,
                        size_t size)
{
    floe_connection *connection = floe_connection_of_channel(core, channel);

    core->has_packet = false;
    floe_connection_receives(core, NULL);
    if (core->state == FLOE_GATHERER_STATE_CLOSED || connection == NULL ||
        connection->state == FLOE_CONNECTION_OPENING) {
        return;
    }
    if (size > 0) {
        bytes_on_connection(core, now, connection, data, size);
        return;
    }
    floe_connection_failed(core, now, connection,
                           floe_connection_failure(connection, FLOE_FAILURE_CLOSED, now));
    floe_core_settle(core, now);
}

void floe_gather_disconnected(floe_core *core, floe_time now, uint32_t channel)
{
    floe_gather_stream(core, now, channel, NULL, 0);
}

void floe_gather_trust_read(floe_core *core, floe_time now)
{
    floe_packet none; /* before a relay is asked for there are no packets */

    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    core->has_packet = false;
    floe_connection_receives(core, NULL);
    FLOE_LIST_EACH(connection, floe_connections_of(core), floe_connection, link)
    {
        if (connection->state == FLOE_CONNECTION_SECURING) {
            while (floe_connection_next(core, now, connection, &none)) {
            }
        }
    }
    floe_core_settle(core, now);
}

bool floe_gather_packet(floe_core *core, floe_time now, const floe_packet **packet)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        core->has_packet = false; /* by what the owner did with the one before */
        floe_connection_receives(core, NULL);
    }
    floe_connection *receiving = floe_connection_receiving(core);
    if (!core->has_packet && receiving != NULL) {
        next_on_connection(core, now, receiving);
        if (!core->has_packet) {
            floe_connection_receives(core, NULL);
            floe_core_settle(core, now);
        }
    }
    if (!core->has_packet) {
        return false;
    }
    core->has_packet = false;
    *packet = &core->arrival->packet;
    return true;
}

void floe_gather_blocked(floe_core *core, uint32_t channel)
{
    floe_base *base = floe_base_of_channel(core, channel);

    if (base != NULL) {
        base->blocked = true;
    } else {
        floe_connection_blocked(core, channel);
    }
}

void floe_gather_writable(floe_core *core, floe_time now, uint32_t channel)
{
    floe_base *base = floe_base_of_channel(core, channel);
    floe_connection *connection = floe_connection_of_channel(core, channel);

    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    if (base != NULL) {
        floe_base_writable(core, base);
    } else if (connection != NULL) {
        floe_connection_writable(core, now, connection);
    }
    floe_core_settle(core, now);
}

/* What came back with the error, if it is enough to tell the transaction, must be what we sent. */
static bool is_ours(const floe_stun_transaction *transaction, const void *data, size_t size)
{
    if (!floe_stun_transaction_runs(transaction) || data == NULL) {
        return data == NULL && floe_stun_transaction_runs(transaction);
    }
    floe_reader reader = floe_reader_of(data, size);
    floe_read_skip(&reader, 8);
    floe_span id = floe_read_span(&reader, FLOE_STUN_ID_SIZE);
    return reader.failed ||
           floe_span_equal(id, floe_span_of(transaction->id.bytes, sizeof transaction->id.bytes));
}

/* TURN's messages are none but ours, be it that who asked is gone. */
static bool is_turn(const void *data, size_t size)
{
    floe_reader reader = floe_reader_of(data, data != NULL ? size : 0);
    unsigned type = floe_read_u16(&reader);
    floe_read_skip(&reader, 2);
    uint32_t cookie = floe_read_u32(&reader);
    unsigned method = (type & 0x3E00U) >> 2 | (type & 0xE0U) >> 1 | (type & 0xFU);

    return !reader.failed && cookie == FLOE_STUN_MAGIC_COOKIE && method != FLOE_STUN_BINDING;
}

void floe_gather_warn(floe_core *core, floe_time now, uint32_t channel, const floe_address *remote,
                      const char *detail)
{
    const floe_base *base = floe_base_of_channel(core, channel);
    const floe_address nowhere = {0};

    if (core->state != FLOE_GATHERER_STATE_CLOSED) {
        floe_trace_warning(core, now, base != NULL ? &base->local : &nowhere,
                           remote != NULL ? remote : &nowhere, detail);
    }
}

/* The port is the relay's server's, and not the one that the owner would think of. */
static floe_unreachable of_peer(floe_unreachable reason)
{
    return reason == FLOE_UNREACHABLE_PORT ? FLOE_UNREACHABLE_HOST : reason;
}

void floe_gather_unreachable(floe_core *core, floe_time now, uint32_t channel,
                             const floe_address *remote, floe_unreachable reason, const void *data,
                             size_t size)
{
    floe_base *base = floe_base_of_channel(core, channel);
    floe_connection *connection = floe_connection_of_channel(core, channel);
    floe_address to = floe_address_normalise(*remote);

    if (connection != NULL && core->state != FLOE_GATHERER_STATE_CLOSED) {
        if (connection->state != FLOE_CONNECTION_READY) {
            floe_failure failure =
                floe_connection_failure(connection, FLOE_FAILURE_UNREACHABLE, now);
            failure.detail = (uint8_t)reason;
            floe_connection_failed(core, now, connection, failure);
        } else if (connection->owner != NULL && connection->calls->unreachable != NULL) {
            connection->calls->unreachable(core, now, connection->owner, reason);
        }
        floe_core_settle(core, now);
        return;
    }
    if (base == NULL || core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_span sent = floe_span_of(data, data != NULL ? size : 0);
    bool of_server = is_turn(data, size);
    FLOE_RELAYS_ON(relay, base)
    {
        if (floe_relay_lives(relay) && relay->transport == FLOE_PROTOCOL_UDP &&
            floe_address_equal(&relay->turn.server, &to)) {
            floe_address peer;
            of_server = true;
            if (floe_relay_peer_of(relay, now, sent, &peer)) { /* the owner's, in its wrapping */
                floe_unreached_tell(core, now,
                                    floe_packet_id(base, relay, FLOE_TCP_TYPE_NONE, peer.family),
                                    &peer, of_peer(reason));
            }
            floe_relay_unreachable(core, now, relay, reason,
                                   is_ours(&relay->turn.transaction, data, size));
        }
    }
    FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
    {
        bool to_it = floe_address_equal(&binding->remote, &to);
        of_server = of_server || to_it;
        if (to_it && is_ours(&binding->transaction, data, size)) {
            floe_binding_unreachable(core, now, binding, reason);
        }
    }
    if (!of_server) { /* so it was the owner's */
        floe_unreached_tell(core, now, floe_packet_id(base, NULL, FLOE_TCP_TYPE_NONE, 0), &to,
                            reason);
    }
    floe_core_settle(core, now);
}

void floe_gather_network_changed(floe_core *core, floe_time now)
{
    floe_core_is_told(core, now);
    floe_network_changed(core, now);
}

static void look_at_network(floe_core *core, floe_time now)
{
    if (floe_time_reached(now, floe_network_deadline(core))) {
        floe_network_asks(core);
        floe_tell(core, &core->list_output, FLOE_OUTPUT_LIST_INTERFACES);
    }
}

void floe_gather_time(floe_core *core, floe_time now)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    look_at_network(core, now);
    floe_core_begin_pool(core, now);
    floe_relays_time(core, now);
    floe_connections_time(core, now);
    floe_tcp_mappings_time(core, now);
    floe_bindings_time(core, now);
    floe_core_settle(core, now);
}

void floe_gather_woke(floe_core *core, floe_time now)
{
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
        {
            floe_binding_doubt(core, now, binding);
        }
        floe_tcp_mappings_doubt(core, now, base);
    }
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        floe_relay_woke(core, relay, now);
    }
    floe_network_changed(core, now);
    floe_gather_time(core, now);
}

floe_time floe_gather_deadline(const floe_core *core)
{
    floe_time deadline = floe_time_min(core->give_up, core->grace);

    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return FLOE_TIME_NEVER;
    }
    if (floe_core_pool_is_due(core)) {
        return (floe_time){0};
    }
    deadline = floe_time_min(deadline, core->services_end);
    deadline = floe_time_min(deadline, floe_network_deadline(core));
    deadline = floe_time_min(deadline, floe_pacer_deadline(core));
    deadline = floe_time_min(deadline, floe_pairs_deadline(core));
    deadline = floe_time_min(deadline, floe_relays_deadline(core));
    deadline = floe_time_min(deadline, floe_connections_deadline(core));
    deadline = floe_time_min(deadline, floe_tcp_mappings_deadline(core));
    return floe_time_min(deadline, floe_agenda_deadline(&core->agenda));
}

/* Permissions and channels. */
#include "turn/peer.h"

#include "base/address.h"
#include "base/memory.h"
#include "stun/framing.h"

#include <string.h>

/* RFC 8656 §9 and §12: a permission lasts 300 s, a channel 600 s (T7). They count from when they
 * were asked for: the server may answer what is sent again without counting anew. */
#define PERMISSION_AFTER floe_seconds(240)
#define PERMISSION_LASTS floe_seconds(300)
#define CHANNEL_AFTER floe_seconds(540)
#define CHANNEL_LASTS floe_seconds(600)
/* Beyond its end, and for so long no other number is the peer's (RFC 8656 §12). */
#define CHANNEL_RESTS floe_seconds(300)
/* One to which nothing has gone for so long lapses: the next packet asks anew. */
#define UNUSED_AFTER floe_seconds(300)

floe_turn_peer *floe_turn_peer_find(const floe_turn_allocation *allocation,
                                    const floe_address *address)
{
    FLOE_LIST_EACH(peer, &allocation->peers, floe_turn_peer, link)
    {
        if (floe_address_equal(&peer->address, address)) {
            return peer;
        }
    }
    return NULL;
}

void floe_turn_peer_heard(floe_turn_allocation *allocation, floe_time now,
                          const floe_address *address)
{
    floe_turn_peer *peer = floe_turn_peer_find(allocation, address);

    if (peer != NULL) {
        peer->used = now;
    }
}

/* Data may overtake the answer that says that it may come. */
static bool asks(const floe_turn_peer *peer, uint16_t method)
{
    return floe_stun_transaction_runs(&peer->transaction) && peer->transaction.method == method;
}

floe_turn_peer *floe_turn_peer_of_channel(const floe_turn_allocation *allocation, floe_time now,
                                          uint16_t channel)
{
    FLOE_LIST_EACH(peer, &allocation->peers, floe_turn_peer, link)
    {
        if (peer->channel == channel && !floe_time_reached(now, peer->channel_ends)) {
            return peer;
        }
    }
    return NULL;
}

bool floe_turn_peer_permits(const floe_turn_allocation *allocation, const floe_address *address)
{
    FLOE_LIST_EACH(peer, &allocation->peers, floe_turn_peer, link)
    {
        if ((peer->permitted || asks(peer, FLOE_STUN_CREATE_PERMISSION)) &&
            floe_address_same_ip(&peer->address, address)) {
            return true;
        }
    }
    return false;
}

floe_turn_peer *floe_turn_peer_add(floe_turn_allocation *allocation, floe_time now,
                                   const floe_address *address)
{
    const floe_allocator *allocator = allocation->account->allocator;

    if (allocation->peer_count >= FLOE_TURN_PEERS_MAX) {
        return NULL;
    }
    floe_turn_peer *made = floe_allocate(allocator, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->address = *address;
    made->used = made->permission = now;
    made->permission_ends = made->channel_due = FLOE_TIME_NEVER;
    floe_stun_transaction_stop(&made->transaction);
    floe_list_append(&allocation->peers, &made->link);
    allocation->peer_count++;
    return made;
}

/* Data goes without a channel, and not without a permission, which so has the better part. */
static bool has_room(const floe_turn_allocation *allocation, uint16_t method)
{
    return allocation->outstanding < (method == FLOE_STUN_CHANNEL_BIND
                                          ? FLOE_TURN_OUTSTANDING_MAX / 2
                                          : FLOE_TURN_OUTSTANDING_MAX);
}

/* When what it is to ask for is due; while there is no room, whose end makes some tells. */
static floe_time asked_at(const floe_turn_allocation *allocation, const floe_turn_peer *peer)
{
    return floe_time_min(
        has_room(allocation, FLOE_STUN_CREATE_PERMISSION) ? peer->permission : FLOE_TIME_NEVER,
        has_room(allocation, FLOE_STUN_CHANNEL_BIND) ? peer->channel_due : FLOE_TIME_NEVER);
}

static void stop(floe_turn_allocation *allocation, floe_turn_peer *peer)
{
    if (floe_stun_transaction_runs(&peer->transaction)) {
        allocation->outstanding--;
    }
    floe_stun_transaction_stop(&peer->transaction);
}

void floe_turn_peer_free(floe_turn_allocation *allocation, floe_turn_peer *peer)
{
    const floe_allocator *allocator = allocation->account->allocator;

    stop(allocation, peer);
    floe_list_remove(&peer->link);
    allocation->peer_count--;
    floe_queue_release(allocator, &peer->held);
    floe_deallocate(allocator, peer);
}

static bool channel_taken(const floe_turn_allocation *allocation, uint16_t channel)
{
    FLOE_LIST_EACH(peer, &allocation->peers, floe_turn_peer, link)
    {
        if (peer->channel == channel) {
            return true;
        }
    }
    return false;
}

/* Numbers go round, as one that has lapsed must rest for 300 s (RFC 8656 §12). */
static bool choose_channel(floe_turn_allocation *allocation, floe_turn_peer *peer)
{
    for (unsigned i = 0; i <= FLOE_CHANNEL_LAST - FLOE_CHANNEL_FIRST; i++) {
        uint16_t channel = (uint16_t)(FLOE_CHANNEL_FIRST + allocation->next_channel);
        allocation->next_channel = (uint16_t)((allocation->next_channel + 1U) %
                                              (FLOE_CHANNEL_LAST - FLOE_CHANNEL_FIRST + 1));
        if (!channel_taken(allocation, channel)) {
            peer->channel = channel;
            return true;
        }
    }
    return false;
}

static floe_time retry_time(floe_turn_peer *peer, floe_time now)
{
    return floe_time_after(now, floe_turn_pause_after(0, &peer->failures));
}

/* Where there is no room for another it is due until there is. */
static floe_turn_event ask(floe_turn_allocation *allocation, floe_time now, floe_turn_peer *peer,
                           uint16_t method)
{
    if (!has_room(allocation, method)) {
        *(method == FLOE_STUN_CHANNEL_BIND ? &peer->channel_due : &peer->permission) = now;
        return FLOE_TURN_NOTHING;
    }
    if (floe_stun_transaction_start(&peer->transaction, now, method, allocation->rto,
                                    allocation->reliable, allocation->random) != FLOE_OK) {
        peer->permission = retry_time(peer, now); /* no randomness */
        return FLOE_TURN_NOTHING;
    }
    allocation->outstanding++;
    return FLOE_TURN_SEND;
}

/* K1: a channel once more than one packet goes to it. */
static bool wants_channel(const floe_turn_allocation *allocation, const floe_turn_peer *peer)
{
    if (allocation->wishes.dont_fragment || allocation->wishes.tcp) {
        return false; /* RFC 8656 §12.5: ChannelData cannot ask for it; RFC 6062 has none */
    }
    return peer->permitted && !peer->bound && !peer->no_channel && peer->sent > 1 &&
           !floe_stun_transaction_runs(&peer->transaction);
}

static floe_turn_event bind_channel(floe_turn_allocation *allocation, floe_time now,
                                    floe_turn_peer *peer)
{
    if (peer->channel == 0 && !choose_channel(allocation, peer)) {
        peer->no_channel = true;
        return FLOE_TURN_NOTHING;
    }
    floe_turn_event event = ask(allocation, now, peer, FLOE_STUN_CHANNEL_BIND);
    if (event == FLOE_TURN_SEND) { /* the last of its packets may be the one that arrives */
        peer->channel_ends = floe_time_after(
            floe_time_after(now, floe_stun_transaction_lasts(allocation->rto)), CHANNEL_LASTS);
    }
    return event;
}

floe_turn_event floe_turn_peer_goes_on(floe_turn_allocation *allocation, floe_time now,
                                       floe_turn_peer *peer)
{
    return wants_channel(allocation, peer) ? bind_channel(allocation, now, peer)
                                           : FLOE_TURN_NOTHING;
}

floe_turn_event floe_turn_peer_used(floe_turn_allocation *allocation, floe_time now,
                                    floe_turn_peer *peer)
{
    peer->used = now;
    peer->sent += peer->sent < UINT32_MAX;
    if (peer->rests) {
        peer->rests = false;
        peer->permission = FLOE_TIME_NEVER;
        return ask(allocation, now, peer, FLOE_STUN_CREATE_PERMISSION);
    }
    return floe_turn_peer_goes_on(allocation, now, peer);
}

/* Until when the server may know of it. While it may let something in, that is delivered; and asked
 * for another number for the same peer it would refuse. */
static floe_time known_until(const floe_turn_peer *peer)
{
    floe_time permission = peer->permitted ? peer->permission_ends : (floe_time){0};
    floe_time channel =
        peer->channel != 0 ? floe_time_after(peer->channel_ends, CHANNEL_RESTS) : (floe_time){0};

    return floe_time_reached(permission, channel) ? permission : channel;
}

/* It is not used any more. */
static floe_turn_event lapse(floe_time now, floe_turn_peer *peer)
{
    floe_time until = known_until(peer);

    peer->bound = peer->refused = false;
    if (floe_time_reached(now, until)) {
        return FLOE_TURN_FAILED;
    }
    peer->rests = true;
    peer->no_channel = false; /* one that comes back may ask again */
    peer->channel_due = FLOE_TIME_NEVER;
    peer->permission = until;
    return FLOE_TURN_NOTHING;
}

/* What was asked for was not had. It ends nothing that stands: without a channel Send indications
 * go on, and a permission does not depend on a channel. */
static void not_had(floe_time now, floe_turn_peer *peer, uint16_t method)
{
    peer->challenges = 0;
    if (method == FLOE_STUN_CHANNEL_BIND) {
        peer->bound = false;
        peer->no_channel = true;
        peer->channel_due = floe_time_after(now, PERMISSION_AFTER);
    } else {
        peer->permission = retry_time(peer, now);
    }
}

void floe_turn_peer_expire(floe_turn_peer *peer, floe_time now)
{
    if (floe_time_reached(now, peer->permission_ends)) {
        peer->permission_ends = FLOE_TIME_NEVER;
        peer->permitted = false;
    }
    if (peer->bound && floe_time_reached(now, peer->channel_ends)) {
        peer->bound = false;
    }
}

floe_turn_event floe_turn_peer_time(floe_turn_allocation *allocation, floe_time now,
                                    floe_turn_peer *peer)
{
    floe_turn_peer_expire(peer, now);
    switch (floe_stun_transaction_time(&peer->transaction, now)) {
    case FLOE_STUN_SEND_AGAIN:
        return FLOE_TURN_SEND;
    case FLOE_STUN_GIVE_UP:
        allocation->outstanding--;
        peer->code = 0;
        not_had(now, peer, peer->transaction.method);
        return FLOE_TURN_DOUBT;
    case FLOE_STUN_WAIT:
        break;
    }
    if (floe_stun_transaction_runs(&peer->transaction)) {
        return FLOE_TURN_NOTHING;
    }
    bool permission = floe_time_reached(now, peer->permission);
    bool channel = floe_time_reached(now, peer->channel_due);
    if (!permission && !channel) {
        return FLOE_TURN_NOTHING;
    }
    if (floe_time_since(now, peer->used).ns >= UNUSED_AFTER.ns) {
        return lapse(now, peer);
    }
    if (permission) { /* without it a channel serves nobody */
        peer->permission = FLOE_TIME_NEVER;
        return ask(allocation, now, peer, FLOE_STUN_CREATE_PERMISSION);
    }
    peer->channel_due = FLOE_TIME_NEVER;
    return bind_channel(allocation, now, peer);
}

floe_time floe_turn_peer_deadline(const floe_turn_allocation *allocation,
                                  const floe_turn_peer *peer)
{
    floe_time due = floe_stun_transaction_runs(&peer->transaction) ? peer->transaction.due
                                                                   : asked_at(allocation, peer);

    return floe_time_min(due, peer->permission_ends);
}

floe_span floe_turn_peer_write(const floe_turn_allocation *allocation, floe_turn_peer *peer,
                               void *buffer, size_t size)
{
    floe_stun_writer writer =
        floe_turn_allocation_write_to(allocation, &peer->transaction, buffer, size);

    if (peer->transaction.method == FLOE_STUN_CHANNEL_BIND) {
        floe_stun_put_u16_reserved(&writer, FLOE_STUN_CHANNEL_NUMBER, peer->channel);
    }
    floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &peer->address);
    floe_turn_allocation_sign(allocation, &peer->transaction, &writer);
    return floe_stun_written(&writer);
}

/* Either of them installs or renews the permission (RFC 8656 §12.2). */
static floe_turn_event succeeded(floe_turn_allocation *allocation, floe_time now,
                                 floe_turn_peer *peer, uint16_t method)
{
    floe_time asked = peer->transaction.started;
    bool first = !peer->permitted;

    floe_turn_allocation_granted(allocation);
    peer->challenges = peer->failures = 0;
    peer->code = 0;
    peer->refused = false;
    peer->permitted = true;
    peer->permission_ends = floe_time_after(asked, PERMISSION_LASTS);
    if (method == FLOE_STUN_CHANNEL_BIND) {
        peer->bound = true;
        peer->no_channel = false;
        peer->channel_due = floe_time_after(asked, CHANNEL_AFTER);
    } else {
        peer->permission = floe_time_after(asked, PERMISSION_AFTER);
    }
    if (first) {
        return FLOE_TURN_SUCCESS;
    }
    return wants_channel(allocation, peer) ? bind_channel(allocation, now, peer)
                                           : FLOE_TURN_NOTHING;
}

static floe_turn_event refused(floe_turn_allocation *allocation, floe_time now,
                               floe_turn_peer *peer, uint16_t method,
                               const floe_stun_message *message)
{
    floe_span reason;
    uint16_t code = 0;

    (void)floe_stun_read_error(message, &code, &reason);
    if (floe_turn_allocation_answers(allocation, &peer->transaction, code, message,
                                     &peer->challenges)) {
        return ask(allocation, now, peer, method);
    }
    peer->code = code;
    not_had(now, peer, method);
    if (!floe_turn_speaks_of_the_peer(code)) {
        return floe_turn_allocation_refused(allocation, code);
    }
    if (method == FLOE_STUN_CHANNEL_BIND) {
        return FLOE_TURN_NOTHING;
    }
    bool known = peer->refused; /* and nothing waits for it */
    peer->refused = true;
    peer->permission = floe_time_after(now, PERMISSION_AFTER);
    return known ? FLOE_TURN_NOTHING : FLOE_TURN_FAILED;
}

floe_turn_event floe_turn_peer_receive(floe_turn_allocation *allocation, floe_time now,
                                       floe_turn_peer *peer, const floe_address *source,
                                       const floe_stun_message *message, floe_stun_match *match)
{
    const floe_stun_key *key = allocation->realm != NULL ? allocation->realm->key : NULL;
    uint16_t method = peer->transaction.method;

    *match =
        floe_stun_transaction_match(&peer->transaction, message, source, &allocation->server, key);
    if (*match != FLOE_STUN_BELIEVED) {
        return FLOE_TURN_NOTHING;
    }
    stop(allocation, peer);
    return floe_stun_succeeded(message) ? succeeded(allocation, now, peer, method)
                                        : refused(allocation, now, peer, method, message);
}

floe_span floe_turn_peer_header(const floe_turn_allocation *allocation, const floe_turn_peer *peer,
                                size_t data_size, void *buffer, size_t size)
{
    floe_stun_id id;

    if (peer->bound) {
        floe_writer writer = floe_writer_of(buffer, size);
        floe_write_u16(&writer, peer->channel);
        floe_write_u16(&writer, (uint16_t)data_size);
        return floe_span_of(buffer, writer.at);
    }
    if (floe_random_fill(allocation->random, id.bytes, sizeof id.bytes) != FLOE_OK) {
        return (floe_span){0};
    }
    floe_stun_writer writer =
        floe_stun_begin(buffer, size, FLOE_STUN_INDICATION, FLOE_STUN_SEND, &id);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &peer->address);
    if (allocation->wishes.dont_fragment) {
        floe_stun_put(&writer, FLOE_STUN_DONT_FRAGMENT, (floe_span){0});
    }
    floe_stun_put_open(&writer, FLOE_STUN_DATA, data_size);
    return floe_stun_written(&writer);
}

/* Permissions and channels. */
#include "turn/peer.h"

#include "base/address.h"
#include "base/assert.h"
#include "base/list.h"
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

/* ── Where they are found ── */

/* Of one IP address and port what has no scope comes first. */
static int compare_addresses(const void *a, const void *b)
{
    const floe_address *one = a;
    const floe_address *other = b;
    int order = floe_address_order_ip(one, other);

    if (order == 0) {
        order = one->port - other->port;
    }
    return order != 0 ? order
                      : (one->scope_id > other->scope_id) - (one->scope_id < other->scope_id);
}

static int compare_channels(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

static const floe_tree_kind by_address = {compare_addresses,
                                          FLOE_TREE_KEY(floe_turn_peer, by_address, address), 1};
static const floe_tree_kind by_channel = {compare_channels,
                                          FLOE_TREE_KEY(floe_turn_peer, by_channel, channel), 2};
static const floe_tree_kind by_let_in = {compare_addresses,
                                         FLOE_TREE_KEY(floe_turn_peer, let_in, address), 3};

static floe_turn_peer *of_address(floe_tree_node *node)
{
    return node != NULL ? FLOE_CONTAINER(node, floe_turn_peer, by_address) : NULL;
}

static floe_turn_peer *of_channel(const floe_turn_peers *peers, uint16_t channel)
{
    floe_tree_node *node = floe_tree_find(&by_channel, &peers->by_channel, &channel);

    return node != NULL ? FLOE_CONTAINER(node, floe_turn_peer, by_channel) : NULL;
}

/* Made with the first: who has no peer pays for none. NULL: no memory. */
static floe_turn_peers *peers_of(floe_turn_allocation *allocation)
{
    if (allocation->peers != NULL) {
        return allocation->peers;
    }
    floe_turn_peers *made = floe_allocate(allocation->account->allocator, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    floe_tree_init(&made->by_address);
    floe_tree_init(&made->by_channel);
    floe_tree_init(&made->let_in);
    floe_agenda_init(&made->permissions);
    floe_agenda_init(&made->channels);
    floe_agenda_init(&made->ends);
    allocation->peers = made;
    return made;
}

floe_turn_peer *floe_turn_peer_find(const floe_turn_allocation *allocation,
                                    const floe_address *address)
{
    const floe_turn_peers *peers = allocation->peers;

    if (peers == NULL) {
        return NULL;
    }
    if (peers->latest != NULL && address->scope_id == 0 &&
        floe_address_is(&peers->latest->address, address)) {
        return peers->latest;
    }
    floe_address key = *address;
    key.scope_id = 0; /* a missing one equals any */
    floe_turn_peer *peer = of_address(floe_tree_from(&by_address, &peers->by_address, &key));
    if (peer != NULL && !floe_address_equal(&peer->address, address)) {
        peer = of_address(floe_tree_find(&by_address, &peers->by_address, address));
    }
    allocation->peers->latest = peer;
    return peer;
}

floe_turn_peer *floe_turn_peer_next(const floe_turn_allocation *allocation,
                                    const floe_turn_peer *peer)
{
    const floe_turn_peers *peers = allocation->peers;

    if (peers == NULL) {
        return NULL;
    }
    return of_address(peer == NULL
                          ? floe_tree_first(&peers->by_address)
                          : floe_tree_next(&by_address, &peers->by_address, &peer->by_address));
}

/* The first of the tree that has this IP address. */
static floe_tree_node *of_ip(const floe_tree_kind *kind, const floe_tree *tree,
                             const floe_address *address)
{
    floe_address key = *address;

    key.port = 0;
    key.scope_id = 0;
    floe_tree_node *node = floe_tree_from(kind, tree, &key);
    while (node != NULL) {
        const floe_address *found = (const void *)((const char *)node + kind->key);
        if (floe_address_same_ip(found, address)) {
            return node;
        }
        /* Another scope's, or another address */
        node = floe_address_order_ip(found, address) == 0 ? floe_tree_next(kind, tree, node) : NULL;
    }
    return NULL;
}

floe_turn_peer *floe_turn_peer_of_ip(const floe_turn_allocation *allocation,
                                     const floe_address *address)
{
    const floe_turn_peers *peers = allocation->peers;

    if (peers == NULL) {
        return NULL;
    }
    floe_tree_node *node = of_ip(&by_let_in, &peers->let_in, address);
    return node != NULL ? FLOE_CONTAINER(node, floe_turn_peer, let_in)
                        : of_address(of_ip(&by_address, &peers->by_address, address));
}

floe_turn_peer *floe_turn_peer_asking(const floe_turn_allocation *allocation, unsigned i)
{
    const floe_turn_peers *peers = allocation->peers;

    return peers != NULL && i < peers->outstanding ? peers->asking[i] : NULL;
}

void floe_turn_peer_heard(floe_turn_allocation *allocation, floe_time now,
                          const floe_address *address)
{
    floe_turn_peer *peer = floe_turn_peer_find(allocation, address);

    if (peer != NULL) {
        peer->used = now;
    }
}

floe_turn_peer *floe_turn_peer_of_channel(const floe_turn_allocation *allocation, floe_time now,
                                          uint16_t channel)
{
    floe_turn_peer *peer =
        allocation->peers != NULL ? of_channel(allocation->peers, channel) : NULL;

    return peer != NULL && !floe_time_reached(now, peer->channel_ends) ? peer : NULL;
}

bool floe_turn_peer_permits(const floe_turn_allocation *allocation, const floe_address *address)
{
    return allocation->peers != NULL &&
           of_ip(&by_let_in, &allocation->peers->let_in, address) != NULL;
}

/* Data may overtake the answer that says that it may come. */
static bool may_come(const floe_turn_peer *peer)
{
    return peer->permitted || (floe_stun_transaction_runs(&peer->transaction) &&
                               peer->transaction.method == FLOE_STUN_CREATE_PERMISSION);
}

/* What is due at one instant goes in the order in which the peers came. */
static void set(floe_agenda *agenda, floe_alarm *alarm, floe_time when, const floe_turn_peer *peer)
{
    floe_agenda_set_numbered(agenda, alarm, when, peer->number);
}

/* After whatever may have changed when something is due for it, or whether its data may come. */
static void enter(floe_turn_peers *peers, floe_turn_peer *peer)
{
    bool runs = floe_stun_transaction_runs(&peer->transaction);

    set(&peers->permissions, &peer->asks, runs ? FLOE_TIME_NEVER : peer->permission, peer);
    set(&peers->channels, &peer->binds, runs ? FLOE_TIME_NEVER : peer->channel_due, peer);
    set(&peers->ends, &peer->ends, peer->permission_ends, peer);
    if (!may_come(peer)) {
        floe_tree_remove(&by_let_in, &peers->let_in, &peer->let_in);
    } else if (!floe_tree_has(&peer->let_in)) {
        floe_tree_insert(&by_let_in, &peers->let_in, &peer->let_in);
    }
}

floe_turn_peer *floe_turn_peer_add(floe_turn_allocation *allocation, floe_time now,
                                   const floe_address *address)
{
    floe_turn_peers *peers = peers_of(allocation);

    if (peers == NULL || peers->count >= FLOE_TURN_PEERS_MAX) {
        return NULL;
    }
    floe_turn_peer *made = floe_allocate(allocation->account->allocator, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    FLOE_ASSERT(floe_turn_peer_find(allocation, address) == NULL);
    made->address = *address;
    made->used = made->permission = now;
    made->permission_ends = made->channel_due = FLOE_TIME_NEVER;
    floe_stun_transaction_stop(&made->transaction);
    floe_tree_insert(&by_address, &peers->by_address, &made->by_address);
    made->number = peers->made++;
    peers->count++;
    enter(peers, made);
    return made;
}

/* Data goes without a channel, and not without a permission, which so has the better part. */
static bool has_room(const floe_turn_peers *peers, uint16_t method)
{
    return peers->outstanding < (method == FLOE_STUN_CHANNEL_BIND ? FLOE_TURN_OUTSTANDING_MAX / 2
                                                                  : FLOE_TURN_OUTSTANDING_MAX);
}

/* When what it is to ask for is due; while there is no room, whose end makes some tells. */
static floe_time asked_at(const floe_turn_peers *peers, const floe_turn_peer *peer)
{
    return floe_time_min(
        has_room(peers, FLOE_STUN_CREATE_PERMISSION) ? peer->permission : FLOE_TIME_NEVER,
        has_room(peers, FLOE_STUN_CHANNEL_BIND) ? peer->channel_due : FLOE_TIME_NEVER);
}

static void asks_no_more(floe_turn_peers *peers, const floe_turn_peer *peer)
{
    unsigned i = 0;

    while (peers->asking[i] != peer) {
        i++;
    }
    peers->outstanding--;
    memmove(&peers->asking[i], &peers->asking[i + 1],
            (peers->outstanding - i) * sizeof *peers->asking);
}

static void stop(floe_turn_peers *peers, floe_turn_peer *peer)
{
    if (floe_stun_transaction_runs(&peer->transaction)) {
        asks_no_more(peers, peer);
    }
    floe_stun_transaction_stop(&peer->transaction);
}

void floe_turn_peer_free(floe_turn_allocation *allocation, floe_turn_peer *peer)
{
    const floe_allocator *allocator = allocation->account->allocator;
    floe_turn_peers *peers = allocation->peers;

    stop(peers, peer);
    floe_tree_remove(&by_address, &peers->by_address, &peer->by_address);
    floe_tree_remove(&by_channel, &peers->by_channel, &peer->by_channel);
    floe_tree_remove(&by_let_in, &peers->let_in, &peer->let_in);
    floe_agenda_set(&peers->permissions, &peer->asks, FLOE_TIME_NEVER);
    floe_agenda_set(&peers->channels, &peer->binds, FLOE_TIME_NEVER);
    floe_agenda_set(&peers->ends, &peer->ends, FLOE_TIME_NEVER);
    peers->count--;
    peers->latest = NULL;
    floe_queue_release(allocator, &peer->held);
    floe_deallocate(allocator, peer);
}

void floe_turn_peers_free(floe_turn_allocation *allocation)
{
    floe_turn_peer *peer;

    while ((peer = floe_turn_peer_next(allocation, NULL)) != NULL) {
        floe_turn_peer_free(allocation, peer);
    }
    floe_deallocate(allocation->account->allocator, allocation->peers);
    allocation->peers = NULL;
}

/* Numbers go round, as one that has lapsed must rest for 300 s (RFC 8656 §12). */
static bool choose_channel(floe_turn_peers *peers, floe_turn_peer *peer)
{
    for (unsigned i = 0; i <= FLOE_CHANNEL_LAST - FLOE_CHANNEL_FIRST; i++) {
        uint16_t channel = (uint16_t)(FLOE_CHANNEL_FIRST + peers->next_channel);
        peers->next_channel =
            (uint16_t)((peers->next_channel + 1U) % (FLOE_CHANNEL_LAST - FLOE_CHANNEL_FIRST + 1));
        if (of_channel(peers, channel) == NULL) {
            peer->channel = channel;
            floe_tree_insert(&by_channel, &peers->by_channel, &peer->by_channel);
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
    if (!has_room(allocation->peers, method)) {
        floe_time *due = method == FLOE_STUN_CHANNEL_BIND ? &peer->channel_due : &peer->permission;
        *due = floe_time_min(*due, now); /* who sends more meanwhile keeps its turn */
        return FLOE_TURN_NOTHING;
    }
    if (floe_stun_transaction_start(&peer->transaction, now, method, allocation->rto,
                                    allocation->reliable, allocation->account->random) != FLOE_OK) {
        peer->permission = retry_time(peer, now); /* no randomness */
        return FLOE_TURN_NOTHING;
    }
    allocation->peers->asking[allocation->peers->outstanding++] = peer;
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
    if (peer->channel == 0 && !choose_channel(allocation->peers, peer)) {
        peer->no_channel = true;
        return FLOE_TURN_NOTHING;
    }
    floe_turn_event event = ask(allocation, now, peer, FLOE_STUN_CHANNEL_BIND);
    if (event == FLOE_TURN_SEND) { /* to listen for: the last of its packets may have arrived */
        peer->channel_ends = floe_time_after(
            floe_time_after(now, floe_stun_transaction_lasts(allocation->rto)), CHANNEL_LASTS);
    }
    return event;
}

static floe_turn_event bind_if_wanted(floe_turn_allocation *allocation, floe_time now,
                                      floe_turn_peer *peer)
{
    return wants_channel(allocation, peer) ? bind_channel(allocation, now, peer)
                                           : FLOE_TURN_NOTHING;
}

floe_turn_event floe_turn_peer_goes_on(floe_turn_allocation *allocation, floe_time now,
                                       floe_turn_peer *peer)
{
    floe_turn_event event = bind_if_wanted(allocation, now, peer);

    enter(allocation->peers, peer);
    return event;
}

/* What the server may no longer know by now is over. Whether its permission is. */
static bool expire(floe_time now, floe_turn_peer *peer)
{
    bool permission = floe_time_reached(now, peer->permission_ends);

    if (permission) {
        peer->permission_ends = FLOE_TIME_NEVER;
        peer->permitted = false;
    }
    if (peer->bound && floe_time_reached(now, peer->channel_serves)) {
        peer->bound = false; /* its renewal may be under way, or wait for its turn */
    }
    return permission;
}

void floe_turn_peer_expire(floe_turn_allocation *allocation, floe_time now, floe_turn_peer *peer)
{
    if (expire(now, peer)) {
        enter(allocation->peers, peer);
    }
}

floe_turn_event floe_turn_peer_used(floe_turn_allocation *allocation, floe_time now,
                                    floe_turn_peer *peer)
{
    bool asks = expire(now, peer) || peer->rests;
    floe_turn_event event;

    peer->used = now;
    peer->sent += peer->sent < UINT32_MAX;
    if (!asks && !wants_channel(allocation, peer)) {
        return FLOE_TURN_NOTHING; /* so it is nearly always: nothing is due at another time for it */
    }
    if (peer->rests) {
        peer->rests = false;
        peer->permission = FLOE_TIME_NEVER;
        event = ask(allocation, now, peer, FLOE_STUN_CREATE_PERMISSION);
    } else {
        event = bind_if_wanted(allocation, now, peer);
    }
    enter(allocation->peers, peer);
    return event;
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

static floe_turn_event in_time(floe_turn_allocation *allocation, floe_time now,
                               floe_turn_peer *peer)
{
    (void)expire(now, peer);
    switch (floe_stun_transaction_time(&peer->transaction, now)) {
    case FLOE_STUN_SEND_AGAIN:
        return FLOE_TURN_SEND;
    case FLOE_STUN_GIVE_UP:
        asks_no_more(allocation->peers, peer);
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

floe_turn_event floe_turn_peer_time(floe_turn_allocation *allocation, floe_time now,
                                    floe_turn_peer *peer)
{
    floe_turn_event event = in_time(allocation, now, peer);

    enter(allocation->peers, peer);
    return event;
}

floe_time floe_turn_peer_deadline(const floe_turn_allocation *allocation,
                                  const floe_turn_peer *peer)
{
    floe_time due = floe_stun_transaction_runs(&peer->transaction)
                        ? peer->transaction.due
                        : asked_at(allocation->peers, peer);

    return floe_time_min(due, peer->permission_ends);
}

/* Which of the two is due earlier; at one instant, who was there first. */
static floe_turn_peer *earlier(const floe_turn_allocation *allocation, floe_turn_peer *one,
                               floe_turn_peer *other)
{
    if (one == NULL) {
        return other;
    }
    floe_time ones = floe_turn_peer_deadline(allocation, one);
    floe_time others = floe_turn_peer_deadline(allocation, other);
    bool is = others.ns != ones.ns ? others.ns < ones.ns : other->number < one->number;
    return is ? other : one;
}

/* The one that is due next; NULL: there is none. */
static floe_turn_peer *next_due(const floe_turn_allocation *allocation)
{
    const floe_turn_peers *peers = allocation->peers;
    floe_turn_peer *next = NULL;
    floe_alarm *alarm;

    if (peers == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < peers->outstanding; i++) {
        next = earlier(allocation, next, peers->asking[i]);
    }
    if ((alarm = floe_agenda_first(&peers->ends)) != NULL) {
        next = earlier(allocation, next, FLOE_CONTAINER(alarm, floe_turn_peer, ends));
    }
    if ((alarm = floe_agenda_first(&peers->permissions)) != NULL) {
        next = earlier(allocation, next, FLOE_CONTAINER(alarm, floe_turn_peer, asks));
    }
    if ((alarm = floe_agenda_first(&peers->channels)) != NULL) {
        next = earlier(allocation, next, FLOE_CONTAINER(alarm, floe_turn_peer, binds));
    }
    return next;
}

static floe_time next_deadline(const floe_turn_allocation *allocation)
{
    const floe_turn_peer *next = next_due(allocation);

    return next != NULL ? floe_turn_peer_deadline(allocation, next) : FLOE_TIME_NEVER;
}

floe_turn_peer *floe_turn_peers_due(const floe_turn_allocation *allocation, floe_time now)
{
    return floe_time_reached(now, next_deadline(allocation)) ? next_due(allocation) : NULL;
}

static bool is_entered(const floe_turn_allocation *allocation, const floe_turn_peer *peer)
{
    bool runs = floe_stun_transaction_runs(&peer->transaction);

    return floe_turn_peer_find(allocation, &peer->address) == peer &&
           (peer->channel == 0 || of_channel(allocation->peers, peer->channel) == peer) &&
           floe_tree_has(&peer->let_in) == may_come(peer) &&
           floe_alarm_is_set(&peer->ends, peer->permission_ends) &&
           floe_alarm_is_set(&peer->asks, runs ? FLOE_TIME_NEVER : peer->permission) &&
           floe_alarm_is_set(&peer->binds, runs ? FLOE_TIME_NEVER : peer->channel_due);
}

bool floe_turn_peers_agree(const floe_turn_allocation *allocation)
{
    floe_time due = FLOE_TIME_NEVER;
    unsigned count = 0;
    unsigned running = 0;

    for (const floe_turn_peer *peer = NULL;
         (peer = floe_turn_peer_next(allocation, peer)) != NULL;) {
        if (!is_entered(allocation, peer)) {
            return false;
        }
        due = floe_time_min(due, floe_turn_peer_deadline(allocation, peer));
        running += floe_stun_transaction_runs(&peer->transaction);
        count++;
    }
    const floe_turn_peers *peers = allocation->peers;
    return peers == NULL || (count == peers->count && running == peers->outstanding &&
                             due.ns == next_deadline(allocation).ns);
}

floe_time floe_turn_peers_deadline(const floe_turn_allocation *allocation)
{
    FLOE_ASSERT(floe_turn_peers_agree(allocation));
    return next_deadline(allocation);
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
        peer->channel_serves = floe_time_after(asked, CHANNEL_LASTS);
    } else {
        peer->permission = floe_time_after(asked, PERMISSION_AFTER);
    }
    if (expire(now, peer)) { /* the first send of it may be the one that was granted, long ago */
        peer->permission = now;
        return FLOE_TURN_NOTHING;
    }
    return first ? FLOE_TURN_SUCCESS : bind_if_wanted(allocation, now, peer);
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
    (void)expire(now, peer);
    stop(allocation->peers, peer);
    floe_turn_event event = floe_stun_succeeded(message)
                                ? succeeded(allocation, now, peer, method)
                                : refused(allocation, now, peer, method, message);
    enter(allocation->peers, peer);
    return event;
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
    if (floe_random_fill(allocation->account->random, id.bytes, sizeof id.bytes) != FLOE_OK) {
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

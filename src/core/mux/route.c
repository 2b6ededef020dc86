/* Who hears what arrives (H3): an answer goes to who asked, by its transaction; a request to whose username fragment it
 * has; all else to the member that is known to have the other end. What cannot be told apart is
 * dropped. */
#include "base/error.h"
#include "core/candidate/base.h"
#include "core/gatherer/check.h"
#include "core/gatherer/credentials.h"
#include "core/gatherer/face.h"
#include "core/mux/mux.h"
#include "stun/message.h"

#include <string.h>

/* ── Remote addresses ── */

/* The claims of a part on remote addresses, at most: on those that it has only sent to, and on the others; the
 * oldest goes. */
enum { CLAIMS_MAX = 1024 };
/* RFC 7675 §5.1: so long a check says who is there. */
#define PROVEN_FOR floe_seconds(30)

typedef struct floe_route_key {
    uint64_t scope;
    uint8_t address[16];
    uint16_t port;
    uint16_t family;
} floe_route_key;

/* A remote address on a path, and whose it may be: by what each of them knows, the latest last. */
typedef struct floe_route {
    floe_table_node node;
    floe_route_key key;
    floe_ring claims[FLOE_CLAIMS]; /* floe_claim.of_route */
    floe_ring trunks;              /* likewise: those for whom a server is there */
    size_t sent;                   /* so many have only sent there */
} floe_route;

typedef struct floe_claim {
    floe_table_node node; /* in mux->claims */
    floe_list of_route;
    floe_list of_part;
    floe_route *route;
    floe_part *part;
    floe_time since;
    uint8_t by;     /* a floe_claim_kind */
    bool allocates; /* a trunk has asked for an allocation there */
} floe_claim;

uint64_t floe_scope_of_socket(const floe_mux_socket *socket)
{
    return socket->channel;
}

uint64_t floe_scope_of_relay(const floe_part *trunk, uint32_t id)
{
    return (uint64_t)(trunk->number | 0x80000000U) << 32 | id;
}

static floe_route_key key_of(uint64_t scope, const floe_address *remote)
{
    floe_route_key key;

    memset(&key, 0, sizeof key); /* whole, as its bytes are compared */
    key.scope = scope;
    memcpy(key.address, remote->ip, sizeof key.address);
    key.port = remote->port;
    key.family = remote->family;
    return key;
}

static floe_route *find_route(const floe_mux *mux, const floe_route_key *key)
{
    uint64_t hash = floe_table_hash(&mux->routes, key, sizeof *key);

    for (floe_table_node *node = floe_table_find(&mux->routes, hash); node != NULL;
         node = floe_table_next(node)) {
        floe_route *route = FLOE_CONTAINER(node, floe_route, node);
        if (memcmp(&route->key, key, sizeof *key) == 0) {
            return route;
        }
    }
    return NULL;
}

static uint64_t hash_of_claim(const floe_mux *mux, const floe_route *route, const floe_part *part)
{
    const void *both[] = {route, part};

    return floe_table_hash(&mux->claims, both, sizeof both);
}

static floe_claim *claim_of(const floe_route *route, const floe_part *part)
{
    const floe_mux *mux = part->mux;
    floe_table_node *node =
        route != NULL ? floe_table_find(&mux->claims, hash_of_claim(mux, route, part)) : NULL;

    for (; node != NULL; node = floe_table_next(node)) {
        floe_claim *claim = FLOE_CONTAINER(node, floe_claim, node);
        if (claim->route == route && claim->part == part) {
            return claim;
        }
    }
    return NULL;
}

/* Those that others can make us have stand apart from those that are known by more. */
static floe_ring *list_of(const floe_claim *claim)
{
    return claim->by == FLOE_CLAIM_SENT ? &claim->part->claims : &claim->part->proven;
}

static floe_ring *place_of(const floe_claim *claim)
{
    return claim->part->share.part == FLOE_SHARE_TRUNK ? &claim->route->trunks
                                                       : &claim->route->claims[claim->by];
}

static void put(floe_claim *claim)
{
    floe_ring_append(place_of(claim), &claim->of_route);
    floe_ring_append(list_of(claim), &claim->of_part);
    claim->route->sent += claim->by == FLOE_CLAIM_SENT;
    claim->part->claim_count += claim->by == FLOE_CLAIM_SENT;
    claim->part->proven_count += claim->by != FLOE_CLAIM_SENT;
}

static void take(floe_claim *claim)
{
    floe_ring_remove(place_of(claim), &claim->of_route);
    floe_ring_remove(list_of(claim), &claim->of_part);
    claim->route->sent -= claim->by == FLOE_CLAIM_SENT;
    claim->part->claim_count -= claim->by == FLOE_CLAIM_SENT;
    claim->part->proven_count -= claim->by != FLOE_CLAIM_SENT;
}

static bool is_empty(const floe_route *route)
{
    bool empty = floe_ring_empty(&route->trunks);

    for (size_t i = 0; i < FLOE_CLAIMS; i++) {
        empty = empty && floe_ring_empty(&route->claims[i]);
    }
    return empty;
}

static void drop_claim(floe_claim *claim)
{
    floe_route *route = claim->route;
    floe_mux *mux = claim->part->mux;

    take(claim);
    floe_table_remove(&mux->claims, &claim->node);
    floe_deallocate(&mux->shared->allocator, claim);
    if (is_empty(route)) {
        floe_table_remove(&mux->routes, &route->node);
        floe_deallocate(&mux->shared->allocator, route);
    }
}

void floe_routes_forget(floe_part *part)
{
    FLOE_RING_EACH_SAFE(claim, &part->claims, floe_claim, of_part)
    {
        drop_claim(claim);
    }
    FLOE_RING_EACH_SAFE(known, &part->proven, floe_claim, of_part)
    {
        drop_claim(known);
    }
}

static void drop_oldest(floe_part *part)
{
    if (part->claim_count > CLAIMS_MAX) {
        drop_claim(FLOE_RING_FIRST(&part->claims, floe_claim, of_part));
    }
    if (part->proven_count > CLAIMS_MAX) {
        drop_claim(FLOE_RING_FIRST(&part->proven, floe_claim, of_part));
    }
}

/* NULL without memory. */
static floe_route *new_route(floe_mux *mux, const floe_route_key *key)
{
    const floe_allocator *allocator = &mux->shared->allocator;
    floe_route *route = floe_allocate(allocator, sizeof *route);

    if (route == NULL) {
        return NULL;
    }
    route->key = *key;
    if (!floe_table_insert(allocator, &mux->routes, &route->node,
                           floe_table_hash(&mux->routes, key, sizeof *key))) {
        floe_deallocate(allocator, route);
        return NULL;
    }
    return route;
}

/* Without memory what comes from there is dropped, until the next packet goes there. */
static void new_claim(floe_part *part, floe_time now, const floe_route_key *key, floe_claim_kind by)
{
    floe_mux *mux = part->mux;
    const floe_allocator *allocator = &mux->shared->allocator;
    floe_claim *claim = floe_allocate(allocator, sizeof *claim);
    floe_route *route = claim != NULL ? find_route(mux, key) : NULL;

    if (claim != NULL && route == NULL) {
        route = new_route(mux, key);
    }
    if (route != NULL) {
        *claim = (floe_claim){.route = route, .part = part, .since = now, .by = (uint8_t)by};
        if (floe_table_insert(allocator, &mux->claims, &claim->node,
                              hash_of_claim(mux, route, part))) {
            put(claim);
            drop_oldest(part);
            return;
        }
        if (is_empty(route)) {
            floe_table_remove(&mux->routes, &route->node);
            floe_deallocate(allocator, route);
        }
    }
    floe_deallocate(allocator, claim);
}

/* Most of what goes out goes to who answered last, so that claim is looked at before the tables are. */
static floe_claim *claim_on(const floe_part *part, const floe_route_key *key)
{
    floe_list *link = floe_ring_last(&part->proven);
    floe_claim *last = link != NULL ? FLOE_CONTAINER(link, floe_claim, of_part) : NULL;

    return last != NULL && memcmp(&last->route->key, key, sizeof *key) == 0
               ? last
               : claim_of(find_route(part->mux, key), part);
}

void floe_route_claim(floe_part *part, floe_time now, uint64_t scope, const floe_address *remote,
                      floe_claim_kind by)
{
    floe_address plain = floe_address_normalise(*remote);
    floe_route_key key = key_of(scope, &plain);
    floe_claim *claim = claim_on(part, &key);

    if (claim == NULL) {
        new_claim(part, now, &key, by);
    } else if ((uint8_t)by >= claim->by && by != FLOE_CLAIM_SENT) { /* it is the latest again */
        take(claim);
        claim->by = (uint8_t)by;
        claim->since = now;
        put(claim);
        drop_oldest(part);
    }
}

static floe_claim *last_of(const floe_ring *ring)
{
    floe_list *link = floe_ring_last(ring);

    return link != NULL ? FLOE_CONTAINER(link, floe_claim, of_route) : NULL;
}

static bool is_fresh(const floe_claim *claim, floe_time now)
{
    return claim != NULL && !floe_time_reached(now, floe_time_after(claim->since, PROVEN_FOR));
}

/* Who knows most, of late, and alone; else who knew last; else who alone sends there. */
floe_part *floe_route_member(const floe_mux *mux, floe_time now, uint64_t scope,
                             const floe_address *remote)
{
    floe_route_key key = key_of(scope, remote);
    const floe_route *route = find_route(mux, &key);
    const floe_claim *latest = NULL;

    for (int by = FLOE_CLAIM_ANSWERED; route != NULL && by > FLOE_CLAIM_SENT; by--) {
        const floe_claim *last = last_of(&route->claims[by]);
        if (is_fresh(last, now)) {
            floe_list *link = floe_ring_previous(&route->claims[by], &last->of_route);
            bool alone = link == NULL || !is_fresh(FLOE_CONTAINER(link, floe_claim, of_route), now);
            return alone ? last->part : NULL;
        }
        bool later = last != NULL && (latest == NULL || last->since.ns > latest->since.ns);
        latest = later ? last : latest;
    }
    if (latest == NULL && route != NULL && route->sent == 1) {
        latest = last_of(&route->claims[FLOE_CLAIM_SENT]);
    }
    return latest != NULL ? latest->part : NULL;
}

bool floe_route_trunks(const floe_mux *mux, uint64_t scope, const floe_address *remote,
                       bool (*call)(floe_part *part, void *data), void *data)
{
    floe_route_key key = key_of(scope, remote);
    const floe_route *route = find_route(mux, &key);

    FLOE_RING_EACH(claim, route != NULL ? &route->trunks : &(floe_ring){0}, floe_claim, of_route)
    {
        if (call(claim->part, data)) {
            return true;
        }
    }
    return false;
}

/* ── Transactions ── */

/* So many of a part that are under way are known, and for so long (RFC 8489 §6.2.1: 39.5 s). */
enum { SENT_MAX = 1024 };
#define SENT_FOR floe_seconds(40)

typedef struct floe_sent {
    floe_table_node node;
    floe_list link; /* in part->sent */
    floe_stun_id id;
    floe_part *part;
    floe_time until;
} floe_sent;

static floe_sent *find_sent(const floe_mux *mux, const uint8_t *id)
{
    uint64_t hash = floe_table_hash(&mux->sent, id, FLOE_STUN_ID_SIZE);

    for (floe_table_node *node = floe_table_find(&mux->sent, hash); node != NULL;
         node = floe_table_next(node)) {
        floe_sent *sent = FLOE_CONTAINER(node, floe_sent, node);
        if (memcmp(sent->id.bytes, id, FLOE_STUN_ID_SIZE) == 0) {
            return sent;
        }
    }
    return NULL;
}

static void drop_sent(floe_sent *sent)
{
    floe_part *part = sent->part;

    floe_table_remove(&part->mux->sent, &sent->node);
    floe_ring_remove(&part->sent, &sent->link);
    part->sent_count--;
    floe_deallocate(&part->mux->shared->allocator, sent);
}

void floe_sent_forget(floe_part *part)
{
    FLOE_RING_EACH_SAFE(sent, &part->sent, floe_sent, link)
    {
        drop_sent(sent);
    }
}

static void drop_old(const floe_part *part, floe_time now)
{
    while (part->sent.first != NULL) {
        floe_sent *sent = FLOE_CONTAINER(part->sent.first, floe_sent, link);
        if (!floe_time_reached(now, sent->until) && part->sent_count < SENT_MAX) {
            break;
        }
        drop_sent(sent);
    }
}

/* The first 20 bytes of a STUN message, if it is one: its type and transaction. */
static bool read_header(floe_span data, unsigned *type, const uint8_t **id)
{
    floe_reader reader = floe_reader_of(data.data, data.size);

    *type = floe_read_u16(&reader);
    floe_read_skip(&reader, 2);
    uint32_t cookie = floe_read_u32(&reader);
    *id = floe_read_span(&reader, FLOE_STUN_ID_SIZE).data;
    return !reader.failed && (*type & 0xC000U) == 0 && cookie == FLOE_STUN_MAGIC_COOKIE;
}

/* RFC 8489 §5: of the type the two bits that are the class. */
enum { CLASS = 0x0110, REQUEST = 0x0000, INDICATION = 0x0010 };

void floe_sent_note(floe_part *part, floe_time now, floe_span data)
{
    floe_mux *mux = part->mux;
    const uint8_t *id;
    unsigned type;

    if (!read_header(data, &type, &id) || (type & CLASS) != REQUEST) {
        return;
    }
    drop_old(part, now);
    floe_sent *sent = find_sent(mux, id);
    if (sent != NULL) {
        return; /* once more */
    }
    sent = floe_allocate(&mux->shared->allocator, sizeof *sent);
    if (sent == NULL || !floe_table_insert(&mux->shared->allocator, &mux->sent, &sent->node,
                                           floe_table_hash(&mux->sent, id, FLOE_STUN_ID_SIZE))) {
        floe_deallocate(&mux->shared->allocator, sent);
        return; /* its answer is lost, like any other that gets lost */
    }
    memcpy(sent->id.bytes, id, sizeof sent->id.bytes);
    sent->part = part;
    sent->until = floe_time_after(now, SENT_FOR);
    floe_ring_append(&part->sent, &sent->link);
    part->sent_count++;
}

bool floe_sent_is_answer(const void *data, size_t size)
{
    const uint8_t *id;
    unsigned type;

    return read_header(floe_span_of(data, size), &type, &id) && (type & CLASS) != REQUEST &&
           (type & CLASS) != INDICATION;
}

floe_part *floe_sent_answered(const floe_mux *mux, floe_span data)
{
    const uint8_t *id;
    unsigned type;

    if (!read_header(data, &type, &id) || (type & CLASS) == REQUEST ||
        (type & CLASS) == INDICATION) {
        return NULL;
    }
    const floe_sent *sent = find_sent(mux, id);
    return sent != NULL ? sent->part : NULL;
}

floe_part *floe_sent_by(const floe_mux *mux, floe_span data)
{
    const uint8_t *id;
    unsigned type;
    const floe_sent *sent = read_header(data, &type, &id) ? find_sent(mux, id) : NULL;

    return sent != NULL ? sent->part : NULL;
}

void floe_route_note(floe_part *trunk, uint64_t scope, const floe_address *remote, floe_span data)
{
    const uint8_t *id;
    unsigned type;

    if (read_header(data, &type, &id) && type == FLOE_STUN_ALLOCATE) { /* a request: no class */
        floe_address plain = floe_address_normalise(*remote);
        floe_route_key key = key_of(scope, &plain);
        floe_claim *claim = claim_of(find_route(trunk->mux, &key), trunk);
        if (claim != NULL) {
            claim->allocates = true;
        }
    }
}

bool floe_trunk_is_beside(const floe_share *share, uint32_t channel, const floe_address *server)
{
    const floe_part *trunk = FLOE_CONTAINER(share, floe_part, share);
    const floe_end *end = floe_end_of(trunk->mux, channel);

    if (end == NULL || end->socket == NULL) {
        return false;
    }
    floe_route_key key = key_of(floe_scope_of_socket(end->socket), server);
    const floe_route *route = find_route(trunk->mux, &key);
    FLOE_RING_EACH(claim, route != NULL ? &route->trunks : &(floe_ring){0}, floe_claim, of_route)
    {
        if (claim->part != trunk && claim->allocates) {
            return true;
        }
    }
    return false;
}

/* ── Username fragments ── */

struct floe_mux_name {
    floe_table_node node;
    floe_list of_part;
    floe_part *part;
    size_t size;
    char text[];
};

static floe_mux_name *find_name(const floe_mux *mux, floe_span text)
{
    uint64_t hash = floe_table_hash(&mux->names, text.data, text.size);

    for (floe_table_node *node = floe_table_find(&mux->names, hash); node != NULL;
         node = floe_table_next(node)) {
        floe_mux_name *name = FLOE_CONTAINER(node, floe_mux_name, node);
        if (floe_span_equal(floe_span_of(name->text, name->size), text)) {
            return name;
        }
    }
    return NULL;
}

static void drop_name(floe_mux_name *name)
{
    floe_mux *mux = name->part->mux;

    floe_table_remove(&mux->names, &name->node);
    floe_ring_remove(&name->part->names, &name->of_part);
    floe_deallocate(&mux->shared->allocator, name);
}

void floe_names_leave(floe_part *member)
{
    FLOE_RING_EACH_SAFE(name, &member->names, floe_mux_name, of_part)
    {
        drop_name(name);
    }
}

/* Those of before a restart hold for as long as the member takes checks by them. */
static void drop_those_of_before(floe_part *member)
{
    FLOE_RING_EACH_SAFE(name, &member->names, floe_mux_name, of_part)
    {
        if (!floe_check_knows(member->core, floe_span_of(name->text, name->size))) {
            drop_name(name);
        }
    }
}

static floe_error taken(const char *username_fragment)
{
    return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                     "options.username_fragment \"%.32s\" is another gatherer's of the same mux",
                     username_fragment);
}

floe_error floe_name_is_free(const floe_part *member, const floe_restart_options *options)
{
    floe_restart_options own = {0};

    if (options != NULL) {
        floe_take_struct(&own, options, FLOE_RESTART_OPTIONS_SIZES);
    }
    const floe_mux_name *name = own.username_fragment != NULL
                                    ? find_name(member->mux, floe_span_text(own.username_fragment))
                                    : NULL;
    return name != NULL && name->part != member ? taken(own.username_fragment) : FLOE_OK;
}

floe_mux_name *floe_name_reserve(const floe_part *member)
{
    return floe_allocate(&member->mux->shared->allocator,
                         sizeof(floe_mux_name) + FLOE_CREDENTIAL_MOST + 1);
}

void floe_name_release(const floe_part *member, floe_mux_name *reserve)
{
    floe_deallocate(&member->mux->shared->allocator, reserve);
}

floe_error floe_name_add(floe_part *member, const char *username_fragment, floe_mux_name **reserve)
{
    floe_mux *mux = member->mux;
    floe_span text = floe_span_text(username_fragment);

    const floe_mux_name *known = find_name(mux, text);
    if (known != NULL) { /* one of its own of before serves */
        return known->part == member ? FLOE_OK : taken(username_fragment);
    }
    floe_mux_name *name = floe_allocate(&mux->shared->allocator, sizeof *name + text.size + 1);
    if (name == NULL && reserve != NULL) { /* it is larger than it need be */
        name = *reserve;
        *reserve = NULL;
    }
    if (name == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    name->part = member;
    name->size = text.size;
    memcpy(name->text, text.data, text.size);
    if (!floe_table_insert(&mux->shared->allocator, &mux->names, &name->node,
                           floe_table_hash(&mux->names, text.data, text.size))) {
        floe_deallocate(&mux->shared->allocator, name);
        return FLOE_ERR_NO_MEMORY;
    }
    floe_ring_append(&member->names, &name->of_part);
    drop_those_of_before(member);
    return FLOE_OK;
}

/* USERNAME is "LOCAL:REMOTE" (RFC 8445 §7.2.2); it is found without a look at the rest. */
floe_part *floe_name_asked(const floe_mux *mux, floe_span data)
{
    floe_reader reader = floe_reader_of(data.data, data.size);
    const uint8_t *id;
    unsigned type;

    if (!read_header(data, &type, &id) || (type & CLASS) != REQUEST) {
        return NULL;
    }
    floe_read_skip(&reader, 20);
    while (!reader.failed && floe_reader_left(&reader) >= 4) {
        unsigned attribute = floe_read_u16(&reader);
        size_t size = floe_read_u16(&reader);
        floe_span value = floe_read_span(&reader, size);
        if (attribute == FLOE_STUN_USERNAME && !reader.failed) {
            const uint8_t *colon = memchr(value.data, ':', value.size);
            size_t ours = colon != NULL ? (size_t)(colon - value.data) : value.size;
            const floe_mux_name *name = find_name(mux, floe_span_of(value.data, ours));
            return name != NULL ? name->part : NULL;
        }
        floe_read_skip(&reader, (4 - size % 4) % 4);
    }
    return NULL;
}

/* ── What arrives ── */

void floe_member_heard(floe_part *member, floe_time now, uint64_t scope)
{
    const floe_packet *packet = &member->core->arrival->packet;
    floe_span data = floe_span_of(packet->data, packet->size);

    if (packet->kind == FLOE_PACKET_STUN && floe_sent_answered(member->mux, data) == member) {
        floe_route_claim(member, now, scope, &packet->peer, FLOE_CLAIM_ANSWERED);
    }

    if (packet->check != NULL && packet->check->authenticated) {
        floe_route_claim(member, now, scope, &packet->peer, FLOE_CLAIM_CHECKED);
    }
}

typedef struct arriving {
    floe_time now;
    const floe_mux_socket *socket;
    const floe_address *source;
    const void *data;
    size_t size;
} arriving;

/* A trunk takes what it has asked for, and what comes by its relay. */
static bool give_trunk(floe_part *part, void *data)
{
    const arriving *it = data;
    const floe_end *end = floe_end_on(part, it->socket);

    if (end == NULL) {
        return false;
    }
    bool taken =
        floe_gather_datagram(part->core, it->now, end->number, it->source, it->data, it->size);
    if (taken) {
        part->mux->arriving = part;
        floe_part_touch(part);
    }
    return taken;
}

static bool give_member(floe_part *member, const arriving *it)
{
    const floe_end *end = floe_end_on(member, it->socket);

    if (end == NULL) {
        return false;
    }
    (void)floe_gather_datagram(member->core, it->now, end->number, it->source, it->data, it->size);
    if (member->core->has_packet) {
        member->mux->receiver = member;
        floe_member_heard(member, it->now, floe_scope_of_socket(it->socket));
    }
    floe_part_touch(member);
    return true;
}

static bool give_part(floe_part *part, arriving *it)
{
    return part->share.part == FLOE_SHARE_TRUNK ? give_trunk(part, it) : give_member(part, it);
}

/* By a socket that several share. */
static bool take_shared(floe_mux *mux, arriving *it)
{
    floe_span data = floe_span_of(it->data, it->size);
    uint64_t scope = floe_scope_of_socket(it->socket);
    const uint8_t *id;
    unsigned type;

    if (read_header(data, &type, &id) && (type & CLASS) != INDICATION) {
        floe_part *part =
            (type & CLASS) == REQUEST ? floe_name_asked(mux, data) : floe_sent_answered(mux, data);
        return part != NULL && give_part(part, it);
    }
    if (floe_route_trunks(mux, scope, it->source, give_trunk, it)) {
        return true;
    }
    floe_part *member = floe_route_member(mux, it->now, scope, it->source);
    return member != NULL && give_member(member, it);
}

bool floe_mux_datagram(floe_mux *mux, floe_time now, uint32_t channel, const floe_address *source,
                       const void *data, size_t size)
{
    floe_mux_socket *socket = floe_mux_socket_of_channel(mux, channel);
    floe_address from = floe_address_normalise(*source);
    arriving it = {.now = now, .socket = socket, .source = &from, .data = data, .size = size};

    mux->receiver = mux->arriving = NULL;
    mux->owner = NULL;
    if (socket == NULL) { /* of one alone */
        floe_end *end = floe_end_of(mux, channel);
        if (end != NULL) {
            (void)floe_gather_datagram(end->part->core, now, channel, source, data, size);
            mux->arriving = end->part;
            floe_part_touch(end->part);
        }
        return end != NULL;
    }
    bool taken = take_shared(mux, &it);
    mux->shared->dropped += !taken;
    return taken;
}

bool floe_mux_packet(floe_mux *mux, floe_time now, const floe_packet **packet)
{
    while (mux->receiver != NULL || mux->arriving != NULL) {
        floe_part *member = mux->receiver;
        const floe_packet *relayed;
        if (member != NULL && floe_gather_packet(member->core, now, packet)) {
            mux->owner = member->core;
            return true;
        }
        mux->receiver = NULL;
        if (mux->arriving != NULL && floe_gather_packet(mux->arriving->core, now, &relayed)) {
            floe_trunk_packet(mux->arriving, now, relayed);
        } else {
            mux->arriving = NULL;
        }
    }
    return false;
}

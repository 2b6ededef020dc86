#include "meet.h"

#include "base/address.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/time.h"
#include "stun/writer.h"

#include <stdlib.h>
#include <string.h>

#define PACKET_MAX 1500
#define SOCKETS 64
#define MAPPINGS 4096
#define ALLOCATIONS (16 + 2 * MEET_STEPS)
#define PEERS 256 /* of each */
#define ALLOWED 64
#define TARGETS 2048
#define IDS 8192
#define CONNECTIONS 512
#define LISTENERS 16
#define MS UINT64_C(1000000)
#define DATA_FOR_MS 30000U /* from a cut on */

typedef enum happening {
    PACKET,
    ICMP,
    CONNECTS,  /* at who listens */
    CONNECTED, /* at who has connected */
    REFUSED,
    BYTES, /* none: it ends */
    GATHER,
    START,
    SIGNAL,
    SIGNAL_END,
    DATA,
    RESTART,
    ANSWER,
    STEP,
    NOTHING
} happening;

typedef struct event {
    uint64_t at;
    uint64_t order;
    happening kind;
    unsigned side;    /* whose input it is */
    unsigned link;    /* PACKET: 1 + the router whose link it stays on; 0: it comes from outside */
    uint32_t channel; /* ICMP */
    size_t connection;
    unsigned end;
    floe_address from;
    floe_address to;
    size_t size;
    uint8_t data[PACKET_MAX];
} event;

typedef struct socket {
    uint32_t channel;
    floe_address local;
    unsigned router;
} socket;

/* By TCP. Its first end is who connects. */
typedef struct connection {
    bool open[2];
    unsigned side[2];
    uint32_t channel[2];
    uint32_t listener;
    floe_address seen[2]; /* as the other end sees it */
    uint64_t last[2];     /* until when bytes to this end are on their way */
} connection;

typedef struct mapping {
    unsigned router;
    floe_address inside;
    floe_address towards;
    floe_address outside;
    floe_address allowed[ALLOWED]; /* the latest */
    size_t allowed_count;
    size_t allowed_next;
} mapping;

typedef struct allocation {
    floe_address client;
    floe_address relayed;
    floe_address permitted[PEERS];
    size_t permitted_count;
    floe_address channels[PEERS];
    uint16_t numbers[PEERS];
    size_t channel_count;
    bool gone;
} allocation;

/* An address that an agent sends to. */
typedef struct target {
    floe_address address;
    unsigned unanswered;
    uint64_t let_again;
    uint64_t answered; /* when it did last; 0: never */
} target;

typedef struct agent {
    unsigned n;
    const meet_side *side;
    floe_core_shared *shared;
    floe_core *core;
    floe_ice *ice;
    socket sockets[SOCKETS];
    size_t socket_count;
    socket listeners[LISTENERS];
    size_t listener_count;
    target targets[TARGETS];
    size_t target_count;
    uint64_t answered; /* when anybody did last */
    floe_ice_state state;
    bool started;
    uint64_t last_data;
    uint64_t last_signal;
    uint64_t floor; /* no candidate is signalled before */
    uint64_t last_new_check;
    floe_stun_id ids[IDS]; /* of the latest checks */
    unsigned id_count;
    bool probed;
    bool probe_came;
    uint32_t probe_id;
    floe_address probe_peer;
    bool has_lost; /* its first interface */
    meet_seen *seen;
} agent;

typedef struct world {
    const meet_config *config;
    meet_report *report;
    FILE *trace;
    seeded_random random;
    seeded_random secrets;
    counting_allocator memory;
    uint64_t now;
    uint64_t order;
    event **events;
    size_t event_count;
    size_t event_room;
    agent agents[2];
    mapping mappings[MAPPINGS];
    size_t mapping_count;
    allocation allocations[ALLOCATIONS];
    size_t allocation_count;
    connection connections[CONNECTIONS];
    size_t connection_count;
    uint16_t port;
    const meet_step *fates[4 * MEET_STEPS]; /* of the next packets */
    size_t fate_count;
    size_t fate_at;
    bool quiet;
} world;

static bool is_cut(const world *w)
{
    uint64_t from = w->config->cut_at_ms * MS;

    return w->config->cut_ms > 0 && w->now >= from && w->now < from + w->config->cut_ms * MS;
}

static void say(world *w, const char *format, ...) FLOE_PRINTF(2, 3);
static void violated(world *w, const char *format, ...) FLOE_PRINTF(2, 3);

static void say(world *w, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (int i = 0; i < size && i < (int)sizeof line; i++) { /* FNV-1a */
        w->report->hash = (w->report->hash ^ (uint8_t)line[i]) * 0x100000001b3U;
    }
    w->report->hash = (w->report->hash ^ w->now) * 0x100000001b3U;
    if (w->trace != NULL) {
        (void)fprintf(w->trace, "%9.3f %s\n", (double)w->now / 1e6, line);
    }
}

static void violated(world *w, const char *format, ...)
{
    va_list arguments;

    if (!w->report->failed) {
        w->report->failed = true;
        va_start(arguments, format);
        (void)vsnprintf(w->report->why, sizeof w->report->why, format, arguments);
        va_end(arguments);
        say(w, "VIOLATED: %s", w->report->why);
    }
}

static floe_time now_of(const world *w)
{
    return (floe_time){w->now};
}

static const char *text(const floe_address *address)
{
    static char texts[4][FLOE_ADDRESS_TEXT_SIZE];
    static unsigned next;

    return floe_address_text(address, texts[next++ % 4]);
}

/* ── Events: a heap by (at, order) ── */

static bool before(const event *a, const event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static event *add_event(world *w, happening kind, uint64_t at)
{
    if (w->event_count == w->event_room) {
        w->event_room = w->event_room == 0 ? 64 : 2 * w->event_room;
        w->events = realloc(w->events, w->event_room * sizeof(event *));
    }
    event *one = calloc(1, sizeof *one);
    one->kind = kind;
    one->at = at;
    one->order = w->order++;
    size_t n = w->event_count++;
    while (n > 0 && before(one, w->events[(n - 1) / 2])) {
        w->events[n] = w->events[(n - 1) / 2];
        n = (n - 1) / 2;
    }
    w->events[n] = one;
    return one;
}

static event *take_event(world *w)
{
    event *first = w->events[0];
    event *last = w->events[--w->event_count];
    size_t n = 0;

    for (size_t child; (child = 2 * n + 1) < w->event_count; n = child) {
        child += child + 1 < w->event_count && before(w->events[child + 1], w->events[child]);
        if (before(last, w->events[child])) {
            break;
        }
        w->events[n] = w->events[child];
    }
    w->events[n] = last;
    return first;
}

/* ── The server ── */

static floe_address server(void)
{
    return address_of("203.0.113.1:3478");
}

static bool is_relay(const floe_address *address)
{
    floe_address relay = address_of("203.0.113.2:1");

    return floe_address_same_ip(address, &relay);
}

/* NULL: it passes. */
static const meet_step *take_fate(world *w)
{
    if (w->quiet || w->fate_at == w->fate_count) {
        return NULL;
    }
    return w->fates[w->fate_at++];
}

static bool is_of_server(const event *packet)
{
    floe_address at = server();

    return floe_address_equal(&packet->from, &at) || floe_address_equal(&packet->to, &at);
}

/* What becomes of it. */
static void meets(world *w, const meet_step *fate, event *packet)
{
    static const char *const words[] = {"passes", "is dropped", "comes twice", "is late",
                                        "is spoiled"};
    event *again;

    say(w, "%s to %s %s", text(&packet->from), text(&packet->to), words[fate->act]);
    switch (fate->act) {
    case MEET_DROP:
        packet->kind = NOTHING;
        break;
    case MEET_REPEAT:
        again = add_event(w, PACKET, packet->at + 4 * fate->value * MS);
        again->from = packet->from;
        again->to = packet->to;
        again->link = packet->link;
        again->size = packet->size;
        memcpy(again->data, packet->data, packet->size);
        break;
    case MEET_SPOIL:
        if (is_of_server(packet)) { /* which believes all here, and in life only what is signed */
            packet->kind = NOTHING;
        } else if (packet->size > 0) {
            packet->data[fate->value % packet->size] ^= (uint8_t)(1U << fate->value % 8);
        }
        break;
    default:
        break;
    }
}

static void carry(world *w, const floe_address *from, const floe_address *to, unsigned link,
                  unsigned delay_ms, const void *data, size_t size)
{
    unsigned jitter = w->config->jitter_ms > 0 && !w->quiet
                          ? seeded_below(&w->random, w->config->jitter_ms + 1)
                          : 0;

    if ((is_cut(w) && !w->config->cuts_first) || w->config->no_udp) {
        return;
    }
    if (!w->quiet && w->config->loss > 0 && seeded_below(&w->random, 1000) < w->config->loss) {
        say(w, "lost: %s to %s", text(from), text(to));
        return;
    }
    if (size > PACKET_MAX) {
        violated(w, "a packet of %zu bytes", size);
        return;
    }
    const meet_step *fate = take_fate(w);
    unsigned late = fate != NULL && fate->act == MEET_DELAY ? 4U * fate->value : 0;
    event *one = add_event(w, PACKET, w->now + (delay_ms + jitter + late) * MS);
    one->from = *from;
    one->to = *to;
    one->link = link;
    one->size = size;
    memcpy(one->data, data, size);
    if (fate != NULL) {
        meets(w, fate, one);
    }
}

static unsigned delay_to(const world *w, const floe_address *to)
{
    for (unsigned n = 0; n < 2; n++) {
        const agent *a = &w->agents[n];
        for (size_t i = 0; i < a->socket_count; i++) {
            if (floe_address_equal(&a->sockets[i].local, to)) {
                return a->side->delay_ms;
            }
        }
        for (size_t m = 0; m < w->mapping_count; m++) {
            for (size_t i = 0; i < a->socket_count; i++) {
                if (floe_address_equal(&w->mappings[m].outside, to) &&
                    floe_address_equal(&w->mappings[m].inside, &a->sockets[i].local)) {
                    return a->side->delay_ms;
                }
            }
        }
    }
    return 1;
}

static void from_server(world *w, const floe_address *from, const floe_address *to, floe_span bytes)
{
    carry(w, from, to, 0, delay_to(w, to), bytes.data, bytes.size);
}

static allocation *allocation_of(world *w, const floe_address *client)
{
    for (size_t i = 0; i < w->allocation_count; i++) {
        if (!w->allocations[i].gone && floe_address_equal(&w->allocations[i].client, client)) {
            return &w->allocations[i];
        }
    }
    return NULL;
}

static bool permits(const allocation *of, const floe_address *peer)
{
    for (size_t i = 0; i < of->permitted_count; i++) {
        if (floe_address_same_ip(&of->permitted[i], peer)) {
            return true;
        }
    }
    return false;
}

static void permit(world *w, allocation *of, const floe_address *peer)
{
    if (permits(of, peer)) {
        return;
    }
    if (of->permitted_count == sizeof of->permitted / sizeof *of->permitted) {
        violated(w, "the simulated server has no room for permissions");
        return;
    }
    of->permitted[of->permitted_count++] = *peer;
}

static void bind_channel(world *w, allocation *of, uint16_t number, const floe_address *peer)
{
    for (size_t i = 0; i < of->channel_count; i++) {
        if (of->numbers[i] == number) {
            return;
        }
    }
    if (of->channel_count == sizeof of->channels / sizeof *of->channels) {
        violated(w, "the simulated server has no room for channels");
        return;
    }
    of->numbers[of->channel_count] = number;
    of->channels[of->channel_count++] = *peer;
    permit(w, of, peer);
}

static void relay_out(world *w, allocation *of, const floe_address *peer, floe_span data)
{
    if (of != NULL && permits(of, peer)) {
        from_server(w, &of->relayed, peer, data);
    }
}

/* A packet came to a relayed address. */
static void relay_in(world *w, const event *packet)
{
    uint8_t buffer[PACKET_MAX + 100];
    floe_address from = server();

    for (size_t i = 0; i < w->allocation_count; i++) {
        allocation *of = &w->allocations[i];
        if (of->gone || !floe_address_equal(&of->relayed, &packet->to) ||
            !permits(of, &packet->from)) {
            continue;
        }
        for (size_t c = 0; c < of->channel_count; c++) {
            if (floe_address_equal(&of->channels[c], &packet->from)) {
                floe_writer writer = floe_writer_of(buffer, sizeof buffer);
                floe_write_u16(&writer, of->numbers[c]);
                floe_write_u16(&writer, (uint16_t)packet->size);
                floe_write_bytes(&writer, packet->data, packet->size);
                from_server(w, &from, &of->client, floe_span_of(buffer, writer.at));
                return;
            }
        }
        floe_stun_id id = {{0}};
        (void)floe_random_fill(&w->random.table, id.bytes, sizeof id.bytes);
        floe_stun_writer writer = floe_stun_begin(buffer, sizeof buffer, FLOE_STUN_INDICATION,
                                                  FLOE_STUN_DATA_INDICATION, &id);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &packet->from);
        floe_stun_put(&writer, FLOE_STUN_DATA, floe_span_of(packet->data, packet->size));
        from_server(w, &from, &of->client, floe_stun_written(&writer));
        return;
    }
    say(w, "the relay %s does not take a packet of %s", text(&packet->to), text(&packet->from));
}

static void take_peers(world *w, allocation *of, const floe_stun_message *request)
{
    floe_stun_attribute attribute;
    floe_address peer;
    uint16_t number = 0;

    for (size_t at = 0; floe_stun_next_attribute(request, &at, &attribute);) {
        if (attribute.type == FLOE_STUN_XOR_PEER_ADDRESS &&
            floe_stun_attribute_address(request, &attribute, &peer)) {
            permit(w, of, &peer);
            if (request->method == FLOE_STUN_CHANNEL_BIND &&
                floe_stun_read_u16(request, FLOE_STUN_CHANNEL_NUMBER, &number)) {
                bind_channel(w, of, number, &peer);
            }
        }
    }
}

static allocation *allocate(world *w, const floe_address *client)
{
    allocation *of = allocation_of(w, client);

    if (of == NULL && w->allocation_count < ALLOCATIONS) {
        of = &w->allocations[w->allocation_count++];
        *of = (allocation){.client = *client, .relayed = address_of("203.0.113.2:1")};
        of->relayed.port = (uint16_t)(49000 + 7 * w->allocation_count);
    }
    return of;
}

static void answer(world *w, const floe_address *client, const floe_stun_message *request)
{
    uint8_t buffer[512];
    floe_address from = server();
    uint32_t lifetime = 600;
    uint16_t code = 0;
    uint8_t family = 1;
    allocation *of = allocation_of(w, client);

    switch (request->method) {
    case FLOE_STUN_BINDING:
        break;
    case FLOE_STUN_ALLOCATE:
        (void)floe_stun_read_u8(request, FLOE_STUN_REQUESTED_ADDRESS_FAMILY, &family);
        of = family == 1 ? allocate(w, client) : NULL;
        code = family != 1 ? 440 : of == NULL ? 508 : 0;
        break;
    case FLOE_STUN_REFRESH:
        (void)floe_stun_read_u32(request, FLOE_STUN_LIFETIME, &lifetime);
        code = of == NULL ? 437 : 0;
        if (of != NULL && lifetime == 0) {
            of->gone = true;
        }
        break;
    default:
        code = of == NULL ? 437 : 0;
        if (of != NULL) {
            take_peers(w, of, request);
        }
        break;
    }
    floe_stun_writer writer =
        floe_stun_begin(buffer, sizeof buffer, code == 0 ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR,
                        request->method, &request->id);
    if (code != 0) {
        floe_stun_put_error(&writer, code, (floe_span){0});
    } else {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, client);
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, lifetime);
        if (request->method == FLOE_STUN_ALLOCATE) {
            floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &of->relayed);
        }
    }
    floe_stun_put_fingerprint(&writer);
    from_server(w, &from, client, floe_stun_written(&writer));
}

static void to_server(world *w, const event *packet)
{
    floe_stun_message message;
    floe_span bytes = floe_span_of(packet->data, packet->size);
    floe_address peer;
    floe_span data;
    allocation *of = allocation_of(w, &packet->from);

    if (packet->size >= 4 && packet->data[0] >= 0x40 && packet->data[0] < 0x50) {
        uint16_t number = (uint16_t)(packet->data[0] << 8 | packet->data[1]);
        size_t size = (size_t)(packet->data[2] << 8 | packet->data[3]);
        for (size_t i = 0; of != NULL && size + 4 <= packet->size && i < of->channel_count; i++) {
            if (of->numbers[i] == number) {
                relay_out(w, of, &of->channels[i], floe_span_of(packet->data + 4, size));
            }
        }
        return;
    }
    if (floe_stun_parse(bytes, &message) != FLOE_STUN_PARSED) {
        return;
    }
    if (message.class == FLOE_STUN_REQUEST) {
        answer(w, &packet->from, &message);
    } else if (message.method == FLOE_STUN_SEND &&
               floe_stun_read_address(&message, FLOE_STUN_XOR_PEER_ADDRESS, &peer) &&
               floe_stun_find(&message, FLOE_STUN_DATA, &data)) {
        relay_out(w, of, &peer, data);
    }
}

/* ── Routers ── */

static bool same(meet_kind kind, const floe_address *a, const floe_address *b)
{
    return kind == MEET_ENDPOINT_INDEPENDENT ||
           (kind == MEET_ADDRESS_DEPENDENT ? floe_address_same_ip(a, b) : floe_address_equal(a, b));
}

/* What is seen of the socket outside; family none: the table is full. */
static floe_address map_out(world *w, const socket *from, const floe_address *to)
{
    const meet_router *router = &w->config->routers[from->router - 1];
    mapping *at = NULL;
    char outside[48];

    for (size_t i = 0; i < w->mapping_count && at == NULL; i++) {
        mapping *one = &w->mappings[i];
        if (one->router == from->router && floe_address_equal(&one->inside, &from->local) &&
            (!router->translates || same(router->mapping, &one->towards, to))) {
            at = one;
        }
    }
    if (at == NULL) {
        if (w->mapping_count == MAPPINGS) {
            violated(w, "the simulated routers are full");
            return (floe_address){0};
        }
        at = &w->mappings[w->mapping_count++];
        *at = (mapping){.router = from->router, .inside = from->local, .towards = *to};
        at->outside = from->local;
        if (router->translates) {
            (void)snprintf(outside, sizeof outside, "198.51.100.%u:%u", 10 + from->router,
                           20000U + 3U * (unsigned)w->mapping_count);
            at->outside = address_of(outside);
        }
    }
    bool known = false;
    for (size_t i = 0; i < at->allowed_count; i++) {
        known = known || floe_address_equal(&at->allowed[i], to);
    }
    if (!known) {
        at->allowed[at->allowed_next++ % ALLOWED] = *to;
        at->allowed_count += at->allowed_count < ALLOWED;
    }
    return at->outside;
}

/* False: it is not let in. `at` becomes the address inside. */
static bool map_in(const world *w, const floe_address *from, floe_address *at, unsigned *router)
{
    for (size_t i = 0; i < w->mapping_count; i++) {
        const mapping *one = &w->mappings[i];
        if (!floe_address_equal(&one->outside, at)) {
            continue;
        }
        *router = one->router;
        for (size_t k = 0; k < one->allowed_count; k++) {
            if (same(w->config->routers[one->router - 1].filtering, &one->allowed[k], from)) {
                *at = one->inside;
                return true;
            }
        }
    }
    return false;
}

static socket *socket_at(world *w, const floe_address *local, agent **owner)
{
    for (unsigned n = 0; n < 2; n++) {
        for (size_t i = 0; i < w->agents[n].socket_count; i++) {
            if (floe_address_equal(&w->agents[n].sockets[i].local, local)) {
                *owner = &w->agents[n];
                return &w->agents[n].sockets[i];
            }
        }
    }
    return NULL;
}

static void returned(world *w, agent *a, const socket *from, const floe_address *to,
                     const void *data, size_t size)
{
    event *one = add_event(w, ICMP, w->now + 2 * (uint64_t)a->side->delay_ms * MS);

    one->side = a->n;
    one->channel = from->channel;
    one->to = *to;
    one->size = size < PACKET_MAX ? size : PACKET_MAX;
    memcpy(one->data, data, one->size);
}

/* ── What leaves, and what that has to keep to ── */

static target *target_of(world *w, agent *a, const floe_address *to)
{
    for (size_t i = 0; i < a->target_count; i++) {
        if (floe_address_equal(&a->targets[i].address, to)) {
            return &a->targets[i];
        }
    }
    if (a->target_count == TARGETS) {
        violated(w, "an agent sends to more than %d addresses", TARGETS);
        return &a->targets[0];
    }
    a->targets[a->target_count] = (target){.address = *to};
    return &a->targets[a->target_count++];
}

/* Ta, of new transactions. (Where roles are mended, one that is sent again has another id.) */
static void look_at_pace(world *w, agent *a, const floe_stun_message *message)
{
    bool mends = w->config->sides[0].role == w->config->sides[1].role;

    for (unsigned i = 0; i < a->id_count && i < IDS; i++) {
        if (floe_stun_id_equal(&a->ids[i], &message->id)) {
            return;
        }
    }
    if (!mends && a->id_count > 0 && w->now - a->last_new_check < 5 * MS) {
        violated(w, "I4: side %u begins two checks in %llu us", a->n,
                 (unsigned long long)(w->now - a->last_new_check) / 1000);
    }
    a->ids[a->id_count++ % IDS] = message->id;
    a->last_new_check = w->now;
}

/* What has answered may be asked again, from a new address of ours (I16). */
static void new_ways(agent *a)
{
    for (size_t i = 0; i < a->target_count; i++) {
        a->targets[i].unanswered = a->targets[i].answered != 0 ? 0 : a->targets[i].unanswered;
    }
}

/* I16. */
static void look_at(world *w, agent *a, const floe_address *to, floe_span data, bool relayed)
{
    floe_stun_message message;
    target *at = target_of(w, a, to);
    bool under_consent = at->answered != 0 && w->now <= a->answered + 30000 * MS;

    if (floe_stun_parse(data, &message) == FLOE_STUN_PARSED &&
        message.method == FLOE_STUN_BINDING) {
        a->seen->checks++;
        if (message.class == FLOE_STUN_REQUEST) {
            if (!relayed) { /* those that waited for a permission leave together */
                look_at_pace(w, a, &message);
            }
            a->seen->requests++;
            at->unanswered += !under_consent;
        }
        if (at->unanswered > 50 && !under_consent && message.class == FLOE_STUN_REQUEST) {
            violated(w, "I16: side %u has sent %u checks to %s, which does not answer", a->n,
                     at->unanswered, text(to));
        }
    } else if (a->side->lite) { /* whom it answers is whom it sends to */
    } else if (at->answered == 0) {
        violated(w, "I16: side %u sends data to %s, which has answered nothing", a->n, text(to));
    } else if (w->now > at->answered + 30000 * MS) {
        violated(w, "I10: side %u sends data to %s without consent", a->n, text(to));
    }
}

/* Of what is sent through the server too. */
static void look_at_sent(world *w, agent *a, const floe_address *to, floe_span data)
{
    floe_stun_message message;
    floe_address peer;
    floe_span inner;
    floe_address at = server();

    if (!floe_address_equal(to, &at)) {
        look_at(w, a, to, data, false);
    } else if (floe_stun_parse(data, &message) == FLOE_STUN_PARSED &&
               message.method == FLOE_STUN_SEND &&
               floe_stun_read_address(&message, FLOE_STUN_XOR_PEER_ADDRESS, &peer) &&
               floe_stun_find(&message, FLOE_STUN_DATA, &inner)) {
        look_at(w, a, &peer, inner, true);
    }
}

static bool by_cut(const world *w, const agent *a, const floe_address *local,
                   meet_direction direction)
{
    floe_address first;

    return is_cut(w) && w->config->cuts_first && w->config->cut_is_open != direction && a->n == 0 &&
           floe_address_parse(a->side->interfaces[0].ip, &first) == FLOE_OK &&
           floe_address_same_ip(&first, local);
}

/* I19. */
static void look_at_way(world *w, const agent *a, const floe_address *local, const floe_address *to)
{
    floe_address first;
    floe_address at = server();

    if (a->side->policy == FLOE_GATHER_POLICY_RELAY && !floe_address_equal(to, &at)) {
        violated(w, "I19: side %u, which is to use relays alone, sends to %s", a->n, text(to));
    }
    if (a->side->ip_handling == FLOE_IP_HANDLING_ALL) {
        return;
    }
    if (a->side->ip_handling == FLOE_IP_HANDLING_PROXY_ONLY ||
        floe_address_parse(a->side->interfaces[0].ip, &first) != FLOE_OK ||
        !floe_address_same_ip(&first, local)) {
        violated(w, "I19: side %u sends to %s from %s", a->n, text(to), text(local));
    }
}

/* ── TCP: nothing is lost, and all comes in its order ── */

static socket *listener_at(world *w, const floe_address *local, agent **owner)
{
    for (unsigned n = 0; n < 2; n++) {
        for (size_t i = 0; i < w->agents[n].listener_count; i++) {
            if (floe_address_equal(&w->agents[n].listeners[i].local, local)) {
                *owner = &w->agents[n];
                return &w->agents[n].listeners[i];
            }
        }
    }
    return NULL;
}

static unsigned router_of(const agent *a, const floe_address *local)
{
    floe_address ip;

    for (size_t i = 0; i < a->side->interface_count; i++) {
        if (floe_address_parse(a->side->interfaces[i].ip, &ip) == FLOE_OK &&
            floe_address_same_ip(&ip, local)) {
            return a->side->interfaces[i].router;
        }
    }
    return 0;
}

/* From inside to outside, and on one link. Nobody comes in through a router, and who tries hears nothing. */
static void connects(world *w, agent *a, const floe_core_output *output)
{
    agent *owner = NULL;
    unsigned router = router_of(a, &output->local);
    const socket *listener = listener_at(w, &output->remote, &owner);
    char outside[48];

    if (w->connection_count == CONNECTIONS) {
        violated(w, "more than %d connections", CONNECTIONS);
        return;
    }
    say(w, "%u: connects to %s", a->n, text(&output->remote));
    look_at_way(w, a, &output->local, &output->remote);
    connection *one = &w->connections[w->connection_count++];
    *one = (connection){.open = {true, false}, .side = {a->n, 1 - a->n}};
    one->channel[0] = output->channel;
    one->seen[0] = output->local;
    one->seen[0].port = ++w->port;
    one->seen[1] = output->remote;
    if (listener == NULL || owner == a || (listener->router != 0 && listener->router != router)) {
        return;
    }
    one->listener = listener->channel;
    if (router != 0 && router != listener->router && w->config->routers[router - 1].translates) {
        (void)snprintf(outside, sizeof outside, "198.51.100.%u:%u", 10 + router, one->seen[0].port);
        one->seen[0] = address_of(outside);
    }
    unsigned delay = a->side->delay_ms + owner->side->delay_ms;
    add_event(w, CONNECTS, w->now + delay * MS)->connection = w->connection_count - 1;
}

static connection *connection_of(world *w, const agent *a, uint32_t channel, unsigned *end)
{
    for (size_t i = w->connection_count; i > 0; i--) {
        connection *one = &w->connections[i - 1];
        for (*end = 0; *end < 2; (*end)++) {
            if (one->open[*end] && one->side[*end] == a->n && one->channel[*end] == channel) {
                return one;
            }
        }
    }
    return NULL;
}

/* To the other end. */
static void pass_bytes(world *w, connection *by, unsigned end, const uint8_t *data, size_t size)
{
    const meet_config *config = w->config;
    uint64_t at = w->now + (config->sides[0].delay_ms + config->sides[1].delay_ms) * MS;
    uint64_t cut_ends = (config->cut_at_ms + config->cut_ms + 200) * MS;
    size_t part = size;

    at = is_cut(w) && at < cut_ends ? cut_ends : at;
    at = at < by->last[1 - end] ? by->last[1 - end] : at;
    by->last[1 - end] = at;
    do {
        part = size < PACKET_MAX ? size : PACKET_MAX;
        event *one = add_event(w, BYTES, at);
        one->connection = (size_t)(by - w->connections);
        one->end = 1 - end;
        one->size = part;
        memcpy(one->data, data, part);
        data += part;
        size -= part;
    } while (size > 0);
}

static void leaves_by(world *w, agent *a, connection *by, unsigned end,
                      const floe_core_output *output)
{
    floe_reader reader = floe_reader_of(output->data, output->data_size);

    say(w, "%u: %zu bytes by TCP to %s", a->n, output->data_size, text(&by->seen[1 - end]));
    while (floe_reader_left(&reader) > 2) {
        size_t size = floe_read_u16(&reader);
        look_at(w, a, &by->seen[1 - end], floe_read_span(&reader, size), true);
    }
    if (floe_reader_left(&reader) > 0) {
        violated(w, "side %u sends half a frame", a->n);
    }
    if (output->data_size > 0) {
        pass_bytes(w, by, end, output->data, output->data_size);
    }
}

static bool closes(world *w, const agent *a, uint32_t channel)
{
    unsigned end;
    connection *one = connection_of(w, a, channel, &end);

    if (one == NULL) {
        return false;
    }
    one->open[end] = false;
    if (one->open[1 - end]) {
        pass_bytes(w, one, end, (const uint8_t *)"", 0);
    }
    return true;
}

static void leaves(world *w, agent *a, const floe_core_output *output)
{
    unsigned end;
    connection *by = connection_of(w, a, output->channel, &end);

    if (by != NULL) {
        leaves_by(w, a, by, end, output);
        return;
    }
    socket *from = NULL;
    agent *owner = NULL;
    floe_address to = output->remote;

    for (size_t i = 0; i < a->socket_count; i++) {
        from = a->sockets[i].channel == output->channel ? &a->sockets[i] : from;
    }
    if (from == NULL) {
        violated(w, "side %u sends by a channel that is not open", a->n);
        return;
    }
    look_at_sent(w, a, &to, floe_span_of(output->data, output->data_size));
    look_at_way(w, a, &from->local, &to);
    if (by_cut(w, a, &from->local, MEET_OUT)) {
        return;
    }
    say(w, "%u: %s to %s, %zu bytes", a->n, text(&from->local), text(&to), output->data_size);
    const socket *neighbour = socket_at(w, &to, &owner);
    if (neighbour != NULL && from->router != 0 && neighbour->router == from->router) {
        carry(w, &from->local, &to, from->router, 1, output->data, output->data_size);
        return;
    }
    if (neighbour != NULL && neighbour->router != 0 &&
        w->config->routers[neighbour->router - 1].translates) {
        return; /* a private address of somebody else's network: it leads nowhere */
    }
    floe_address source = from->local;
    if (from->router != 0) {
        source = map_out(w, from, &to);
    }
    carry(w, &source, &to, 0, a->side->delay_ms + delay_to(w, &to), output->data,
          output->data_size);
}

/* ── What comes ── */

static bool is_data(const floe_packet *packet)
{
    return packet->size >= 2 && memcmp(packet->data, "da", 2) == 0;
}

static void take_data(world *w, agent *a, const floe_packet *packet)
{
    a->seen->came++;
    if (a->last_data != 0 && w->now >= w->config->cut_at_ms * MS &&
        w->now < (w->config->cut_at_ms + DATA_FOR_MS) * MS &&
        w->now - a->last_data > a->seen->gap_ms * MS) {
        a->seen->gap_ms = (unsigned)((w->now - a->last_data) / MS);
    }
    a->last_data = w->now;
    if (a->seen->data_ms == UINT32_MAX) {
        a->seen->data_ms = (unsigned)(w->now / MS);
    }
    if (packet->size >= 5 && memcmp(packet->data, "dapro", 5) == 0) {
        a->probe_came = true;
        a->probe_id = packet->candidate_id;
        a->probe_peer = packet->peer;
    }
}

static void hears(world *w, agent *a, const floe_packet *packet)
{
    floe_stun_message message;

    if (packet->kind == FLOE_PACKET_STUN && packet->check == NULL &&
        floe_stun_parse(floe_span_of(packet->data, packet->size), &message) == FLOE_STUN_PARSED &&
        (message.integrity_at != 0)) {
        target *at = target_of(w, a, &packet->peer);
        at->unanswered = 0;
        at->answered = a->answered = w->now;
    }
    if (packet->check != NULL) { /* who has answered, and asks now, is there */
        target *at = target_of(w, a, &packet->peer);
        if (at->answered != 0) {
            at->unanswered = 0;
        } else if (at->unanswered >= 50 && w->now >= at->let_again) { /* one for its own */
            at->unanswered = 49;
            at->let_again = w->now + 1000 * MS;
        }
    }
    bool is_for_application = floe_ice_packet(a->ice, now_of(w), packet);
    if (is_for_application) {
        say(w, "%u: data from %s by %u", a->n, text(&packet->peer), packet->candidate_id);
        take_data(w, a, packet);
    } else if (is_data(packet) && w->memory.fail_at == 0 && !w->config->wild &&
               a->state != FLOE_ICE_STATE_FAILED) { /* which makes no pair of a new connection */
        violated(w, "side %u drops data of the other side's", a->n);
    }
}

static void comes(world *w, const event *packet)
{
    floe_address at = server();
    floe_address to = packet->to;
    agent *owner = NULL;
    unsigned router = 0;
    const floe_packet *inner;

    if (floe_address_equal(&to, &at)) {
        to_server(w, packet);
        return;
    }
    if (is_relay(&to)) {
        relay_in(w, packet);
        return;
    }
    const socket *direct = socket_at(w, &to, &owner);
    bool is_open = direct != NULL && (direct->router == 0 || direct->router == packet->link);
    if (!is_open && !map_in(w, &packet->from, &to, &router)) {
        agent *sender = NULL;
        floe_address from = packet->from;
        bool tells = router != 0 && w->config->routers[router - 1].icmp;
        unsigned back = 0;
        say(w, "not let in: %s to %s", text(&packet->from), text(&packet->to));
        if (tells &&
            (socket_at(w, &from, &sender) != NULL || map_in(w, &packet->to, &from, &back))) {
            const socket *by = socket_at(w, &from, &sender);
            if (by != NULL) {
                returned(w, sender, by, &packet->to, packet->data, packet->size);
            }
        }
        return;
    }
    const socket *by = socket_at(w, &to, &owner);
    if (by == NULL) {
        return;
    }
    if (by_cut(w, owner, &by->local, MEET_IN)) {
        return;
    }
    floe_core_datagram(owner->core, now_of(w), by->channel, &packet->from, packet->data,
                       packet->size);
    while (floe_core_packet(owner->core, now_of(w), &inner)) {
        hears(w, owner, inner);
    }
}

static void connection_happens(world *w, const event *one)
{
    connection *by = &w->connections[one->connection];
    const floe_packet *inner;
    unsigned end = one->kind == CONNECTS ? 1 : one->kind == BYTES ? one->end : 0;
    agent *a = &w->agents[by->side[end]];
    unsigned delay = w->config->sides[0].delay_ms + w->config->sides[1].delay_ms;

    if (one->kind == CONNECTS) {
        by->channel[1] =
            by->open[0] ? floe_core_accepted(a->core, now_of(w), by->listener, &by->seen[0]) : 0;
        by->open[1] = by->channel[1] != 0;
        add_event(w, by->open[1] ? CONNECTED : REFUSED, w->now + delay * MS)->connection =
            one->connection;
        return;
    }
    if (!by->open[end]) {
        return;
    }
    if (one->kind == CONNECTED) {
        floe_address local = by->seen[0]; /* the agent does not look at it */
        floe_core_opened(a->core, now_of(w), by->channel[0], &local);
        return;
    }
    if (one->kind == REFUSED) {
        floe_core_unreachable(a->core, now_of(w), by->channel[0], &by->seen[1],
                              FLOE_UNREACHABLE_PORT, NULL, 0);
        return;
    }
    floe_core_stream(a->core, now_of(w), by->channel[end], one->data, one->size);
    while (floe_core_packet(a->core, now_of(w), &inner)) {
        hears(w, a, inner);
    }
}

/* ── The driver ── */

static void listens(world *w, agent *a, const floe_core_output *output)
{
    floe_address local = output->local;

    if (a->listener_count == LISTENERS) {
        floe_core_open_failed(a->core, now_of(w), output->channel, FLOE_ERR_SYSTEM);
        return;
    }
    local.port = local.port != 0 ? local.port : ++w->port;
    a->listeners[a->listener_count++] =
        (socket){.channel = output->channel, .local = local, .router = router_of(a, &local)};
    floe_core_opened(a->core, now_of(w), output->channel, &local);
}

static void opens(world *w, agent *a, const floe_core_output *output)
{
    floe_address local = output->local;

    if (output->protocol == FLOE_PROTOCOL_TCP) {
        connects(w, a, output);
        return;
    }
    if (output->protocol != FLOE_PROTOCOL_UDP || a->socket_count == SOCKETS) {
        floe_core_open_failed(a->core, now_of(w), output->channel, FLOE_ERR_SYSTEM);
        return;
    }
    local.port = local.port != 0 ? local.port : ++w->port;
    socket *one = &a->sockets[a->socket_count++];
    *one = (socket){.channel = output->channel, .local = local, .router = router_of(a, &local)};
    floe_core_opened(a->core, now_of(w), output->channel, &local);
}

static void lists(world *w, agent *a)
{
    static const char *const names[] = {"eth0", "eth1", "eth2"};
    floe_interface_address list[MEET_INTERFACES];
    size_t count = 0;

    for (size_t i = 0; i < a->side->interface_count; i++) {
        if (i == 0 && (a->has_lost || (a->n == 0 && w->config->loses_first && is_cut(w)))) {
            continue;
        }
        list[count] = (floe_interface_address)FLOE_INTERFACE_ADDRESS_INIT;
        list[count].interface_name = names[i];
        list[count].interface_index = (uint32_t)i + 1;
        list[count].up = true;
        list[count].default_route = i == 0 || a->side->ip_handling == FLOE_IP_HANDLING_ALL;
        (void)floe_address_parse(a->side->interfaces[i].ip, &list[count++].address);
    }
    floe_core_interfaces(a->core, now_of(w), list, count);
}

static void signals(world *w, agent *a, const floe_candidate *candidate)
{
    unsigned late = a->side->trickle_ms > 0 ? seeded_below(&w->random, a->side->trickle_ms) : 0;
    uint64_t at = w->now + late * MS;

    at = at < a->floor ? a->floor : at;

    if (candidate == NULL) {
        if (!a->side->does_not_end) {
            add_event(w, SIGNAL_END, a->last_signal > at ? a->last_signal : at)->side = 1 - a->n;
        }
        return;
    }
    if (candidate->type == FLOE_CANDIDATE_TYPE_HOST && a->side->hides_hosts) {
        return;
    }
    event *one = add_event(w, SIGNAL, at);
    one->side = 1 - a->n;
    (void)floe_candidate_format(candidate, (char *)one->data, sizeof one->data);
    say(w, "%u: %s", a->n, (char *)one->data);
    a->last_signal = at > a->last_signal ? at : a->last_signal;
}

static bool core_outputs(world *w, agent *a)
{
    const floe_core_output *output;
    bool any = false;

    while (floe_core_poll(a->core, now_of(w), &output)) {
        any = true;
        switch (output->kind) {
        case FLOE_CORE_LIST_INTERFACES:
            lists(w, a);
            break;
        case FLOE_CORE_OPEN:
            opens(w, a, output);
            break;
        case FLOE_CORE_LISTEN:
            listens(w, a, output);
            break;
        case FLOE_CORE_CLOSE:
            if (closes(w, a, output->channel)) {
                break;
            }
            for (size_t i = 0; i < a->listener_count; i++) {
                if (a->listeners[i].channel == output->channel) {
                    a->listeners[i] = a->listeners[--a->listener_count];
                    break;
                }
            }
            for (size_t i = 0; i < a->socket_count; i++) {
                if (a->sockets[i].channel == output->channel) {
                    a->sockets[i] = a->sockets[--a->socket_count];
                    break;
                }
            }
            break;
        case FLOE_CORE_SEND:
            leaves(w, a, output);
            break;
        case FLOE_CORE_CANDIDATE:
            new_ways(a);
            signals(w, a, output->candidate);
            break;
        default:
            break;
        }
        floe_ice_core_output(a->ice, now_of(w), output);
    }
    return any;
}

/* ORTC's graph, as floe/ice.h tells it. */
static bool may_follow(floe_ice_state from, floe_ice_state to)
{
    static const unsigned next[] = {
        [FLOE_ICE_STATE_NEW] = 1U << FLOE_ICE_STATE_CHECKING,
        [FLOE_ICE_STATE_CHECKING] = 1U << FLOE_ICE_STATE_CONNECTED | 1U << FLOE_ICE_STATE_FAILED,
        [FLOE_ICE_STATE_CONNECTED] = 1U << FLOE_ICE_STATE_COMPLETED |
                                     1U << FLOE_ICE_STATE_DISCONNECTED |
                                     1U << FLOE_ICE_STATE_CHECKING | 1U << FLOE_ICE_STATE_FAILED,
        [FLOE_ICE_STATE_COMPLETED] = 1U << FLOE_ICE_STATE_CONNECTED |
                                     1U << FLOE_ICE_STATE_DISCONNECTED |
                                     1U << FLOE_ICE_STATE_CHECKING | 1U << FLOE_ICE_STATE_FAILED,
        [FLOE_ICE_STATE_DISCONNECTED] = 1U << FLOE_ICE_STATE_CONNECTED |
                                        1U << FLOE_ICE_STATE_COMPLETED |
                                        1U << FLOE_ICE_STATE_CHECKING | 1U << FLOE_ICE_STATE_FAILED,
        [FLOE_ICE_STATE_FAILED] = 1U << FLOE_ICE_STATE_CHECKING,
        [FLOE_ICE_STATE_CLOSED] = 0,
    };
    return to == FLOE_ICE_STATE_CLOSED || (next[from] & 1U << to) != 0;
}

static void state_is(world *w, agent *a, floe_ice_state state)
{
    unsigned ms = (unsigned)(w->now / MS);

    say(w, "%u: %s", a->n, floe_ice_state_name(state));
    if (!may_follow(a->state, state)) {
        violated(w, "I1: side %u goes from %s to %s", a->n, floe_ice_state_name(a->state),
                 floe_ice_state_name(state));
    }
    a->state = state;
    if (state == FLOE_ICE_STATE_CONNECTED && a->seen->connected_ms == UINT32_MAX) {
        a->seen->connected_ms = ms;
        add_event(w, DATA, w->now)->side = a->n;
    }
    if (state == FLOE_ICE_STATE_DISCONNECTED && a->seen->disconnected_ms == UINT32_MAX) {
        a->seen->disconnected_ms = ms;
    }
    if (state == FLOE_ICE_STATE_FAILED) {
        a->seen->failed_ms = ms;
        if (ms < a->side->start_at_ms + 39500U && !w->config->wild) {
            violated(w, "I8: side %u fails %u ms after its start", a->n, ms - a->side->start_at_ms);
        }
    }
}

static bool ice_outputs(world *w, agent *a)
{
    const floe_ice_output *output;
    bool any = false;

    while (floe_ice_poll(a->ice, &output)) {
        any = true;
        if (output->kind == FLOE_ICE_STATE) {
            state_is(w, a, output->state);
        } else if (output->kind == FLOE_ICE_SELECTED_PAIR) {
            a->seen->has_selected = output->pair != NULL;
            if (output->pair != NULL) {
                a->seen->selected = *output->pair;
                a->seen->selected_protocol = output->pair->local->protocol;
                if (a->seen->selected_ms == UINT32_MAX) {
                    a->seen->selected_ms = (unsigned)(w->now / MS);
                }
                say(w, "%u: by %u (%s) to %s (%s)", a->n, output->pair->local_id,
                    floe_candidate_type_name(output->pair->local_type),
                    text(&output->pair->remote_address),
                    floe_candidate_type_name(output->pair->remote_type));
            }
        }
    }
    return any;
}

static void all_outputs(world *w)
{
    unsigned rounds = 0;
    bool any = true;

    while (any && rounds++ < 1000) {
        any = false;
        for (unsigned n = 0; n < 2; n++) {
            any = core_outputs(w, &w->agents[n]) || any;
            any = ice_outputs(w, &w->agents[n]) || any;
        }
    }
    if (any) {
        violated(w, "the outputs do not end");
    }
}

static floe_error parameters_of(const agent *a, floe_parameters *parameters)
{
    *parameters = (floe_parameters)FLOE_PARAMETERS_INIT;
    floe_error error = floe_core_get_local_parameters(a->core, parameters);
    parameters->renomination = a->side->options.renomination;
    return error;
}

static void start(world *w, agent *a)
{
    floe_parameters parameters;
    floe_error error = parameters_of(&w->agents[1 - a->n], &parameters);

    if (error == FLOE_OK) {
        error = floe_ice_start(a->ice, now_of(w), &parameters, a->side->role);
    }
    say(w, "%u: starts as %s: %s", a->n, floe_ice_role_name(a->side->role),
        floe_error_string(error));
    if (error == FLOE_ERR_NO_MEMORY) { /* nothing has changed: it can be called again */
        error = floe_ice_start(a->ice, now_of(w), &parameters, a->side->role);
    }
    if (error != FLOE_OK) {
        violated(w, "side %u cannot start: %s", a->n, floe_last_error());
    }
    a->started = error == FLOE_OK;
}

static void start_again(world *w, agent *a)
{
    floe_parameters parameters;
    floe_error error = parameters_of(&w->agents[1 - a->n], &parameters);

    for (unsigned i = 0; i < 2 && (i == 0 || error == FLOE_ERR_NO_MEMORY); i++) {
        error = floe_ice_start(a->ice, now_of(w), &parameters, floe_ice_get_role(a->ice));
    }
    for (size_t i = 0; i < a->target_count; i++) { /* by these parameters they have got none yet */
        a->targets[i].unanswered = 0;
    }
    say(w, "%u: starts again: %s", a->n, floe_error_string(error));
    if (error == FLOE_ERR_INVALID_STATE && w->config->wild) {
        return; /* two restarts at once, of which it has heard already */
    }
    if (error != FLOE_OK) {
        violated(w, "side %u cannot start again: %s", a->n, floe_last_error());
    }
}

static void gather_again(world *w, agent *a)
{
    uint64_t late = w->config->restart_late_ms * MS;

    say(w, "%u: restarts", a->n);
    if (floe_core_restart(a->core, now_of(w)) != FLOE_OK ||
        floe_core_start(a->core, now_of(w)) != FLOE_OK) {
        violated(w, "side %u cannot restart its core", a->n);
    }
    a->floor = w->now + late + 1;
}

/* Its candidates are told once more: they count for a new generation of the other side's. */
static void resignal(world *w, agent *a)
{
    floe_candidate_list *list = NULL;

    if (floe_core_get_local_candidates(a->core, &list) == FLOE_OK) {
        for (size_t i = 0; i < list->count; i++) {
            signals(w, a, list->candidates[i]);
        }
    }
    floe_candidate_list_free(list);
    if (floe_core_state(a->core) == FLOE_GATHERER_STATE_COMPLETE) {
        signals(w, a, NULL);
    }
}

/* The other side hears of it, and answers. */
static void answers_restart(world *w, agent *a)
{
    if (w->config->restart_both) {
        gather_again(w, a);
    }
    start_again(w, a);
    event *one = add_event(w, ANSWER, w->now + w->config->restart_late_ms * MS);
    one->side = 1 - a->n;
    one->size = 1;
}

static void signalled(world *w, agent *a, const char *line)
{
    floe_candidate *candidate = NULL;

    if (floe_candidate_parse(line, &candidate) == FLOE_OK) {
        floe_error error = floe_ice_add_remote_candidate(a->ice, now_of(w), candidate);
        say(w, "%u: is told %s: %s", a->n, line, floe_error_string(error));
        if (error == FLOE_ERR_NO_MEMORY) {
            (void)floe_ice_add_remote_candidate(a->ice, now_of(w), candidate);
        }
        floe_candidate_free(candidate);
    }
    if (w->config->restart_at_ms == 0 || w->now < w->config->restart_at_ms * MS) {
        w->report->known_ms = (unsigned)(w->now / MS);
    }
}

static void send_data(world *w, agent *a)
{
    char data[16];

    (void)snprintf(data, sizeof data, "data%u", a->seen->sent);
    if (floe_ice_send(a->ice, now_of(w), data, strlen(data)) == FLOE_OK) {
        a->seen->sent++;
    }
    if (a->seen->sent < 20) {
        add_event(w, DATA, w->now + 50 * MS)->side = a->n;
    } else if (w->config->restart_at_ms > 0) {
        uint64_t restart = w->config->restart_at_ms * MS;
        uint64_t next = w->now < restart - 1000 * MS ? restart - 1000 * MS : w->now + 20 * MS;
        if (next < restart + 10000 * MS) {
            add_event(w, DATA, next)->side = a->n;
        }
    } else if (w->config->cut_ms > 0) {
        uint64_t cut = w->config->cut_at_ms * MS;
        uint64_t step = w->config->cuts_first ? 50 * MS : 1000 * MS;
        if (w->now < cut - 1000 * MS) {
            add_event(w, DATA, cut - 1000 * MS)->side = a->n;
        } else if (!w->config->cuts_first || w->now < cut + DATA_FOR_MS * MS) {
            add_event(w, DATA, w->now + step)->side = a->n;
        }
    }
}

/* ── Steps ── */

static void tell_one(world *w, agent *a, uint8_t value)
{
    char line[200];
    floe_candidate_list *list = NULL;

    (void)snprintf(line, sizeof line, "t%u 1 udp %u 203.0.113.%u %u typ %s", value % 8U,
                   1000U + value * 8000000U, 100U + value % 8U, 4000U + value / 8U,
                   value % 2 == 0 ? "host" : "srflx raddr 0.0.0.0 rport 9");
    if (value >= 128 &&
        floe_core_get_local_candidates(w->agents[1 - a->n].core, &list) == FLOE_OK) {
        if (list->count > 0) {
            (void)floe_candidate_format(list->candidates[value % list->count], line, sizeof line);
        }
        floe_candidate_list_free(list);
    }
    signalled(w, a, line);
}

static void take_one_away(world *w, agent *a, uint8_t value)
{
    floe_candidate_list *list = NULL;

    if (floe_ice_get_remote_candidates(a->ice, &list) == FLOE_OK && list->count > 0) {
        const floe_candidate *one = list->candidates[value % list->count];
        floe_error error = floe_ice_remove_remote_candidate(a->ice, now_of(w), one);
        say(w, "%u: %s:%u is taken away: %s", a->n, one->address, one->port,
            floe_error_string(error));
        for (size_t i = 0; i < a->target_count; i++) { /* it may come again */
            a->targets[i].unanswered = 0;
        }
    }
    floe_candidate_list_free(list);
}

static void refuse_one(world *w, agent *a, uint8_t value)
{
    if (a->socket_count > 0 && a->target_count > 0) {
        const floe_address *to = &a->targets[value % a->target_count].address;
        say(w, "%u: ICMP from %s", a->n, text(to));
        floe_core_unreachable(a->core, now_of(w), a->sockets[value % a->socket_count].channel, to,
                              value < 128 ? FLOE_UNREACHABLE_PORT : FLOE_UNREACHABLE_NETWORK, NULL,
                              0);
    }
}

static void look_again(world *w, agent *a)
{
    say(w, "%u: its first interface %s", a->n, a->has_lost ? "has gone" : "is there");
    (void)floe_core_start(a->core, now_of(w));
}

static void restarts(world *w, agent *a)
{
    if (w->agents[0].started && w->agents[1].started) {
        gather_again(w, a);
        add_event(w, ANSWER, w->now + w->config->restart_late_ms * MS)->side = 1 - a->n;
    }
}

static void take_step(world *w, const meet_step *step)
{
    agent *a = &w->agents[step->side];
    unsigned packets = step->act == MEET_DROP ? 1 + step->value % 4U : 1;

    switch (step->act) {
    case MEET_SEND:
        a->seen->sent += floe_ice_send(a->ice, now_of(w), "dastep", 6) == FLOE_OK;
        break;
    case MEET_TELL:
        tell_one(w, a, step->value);
        break;
    case MEET_TAKE_AWAY:
        take_one_away(w, a, step->value);
        break;
    case MEET_TELL_END:
        (void)floe_ice_add_remote_candidate(a->ice, now_of(w), NULL);
        break;
    case MEET_RESTART:
        restarts(w, a);
        break;
    case MEET_INTERFACE:
        a->has_lost = !a->has_lost;
        look_again(w, a);
        break;
    case MEET_REFUSE:
        refuse_one(w, a, step->value);
        break;
    default:
        while (packets-- > 0) {
            w->fates[w->fate_count++] = step;
        }
        break;
    }
}

/* Everything is there again, and both begin anew. */
static void mend(world *w)
{
    say(w, "everything is mended");
    w->fate_at = w->fate_count;
    for (unsigned n = 0; n < 2; n++) {
        w->agents[n].has_lost = false;
        gather_again(w, &w->agents[n]);
    }
    for (unsigned n = 0; n < 2; n++) {
        start_again(w, &w->agents[n]);
    }
    all_outputs(w);
}

static void happens(world *w, const event *one)
{
    agent *a = &w->agents[one->side];

    switch (one->kind) {
    case PACKET:
        comes(w, one);
        break;
    case ICMP:
        say(w, "%u: ICMP from %s", a->n, text(&one->to));
        floe_core_unreachable(a->core, now_of(w), one->channel, &one->to, FLOE_UNREACHABLE_PORT,
                              one->data, one->size);
        break;
    case CONNECTS:
    case CONNECTED:
    case REFUSED:
    case BYTES:
        connection_happens(w, one);
        break;
    case GATHER:
        (void)floe_core_start(a->core, now_of(w));
        break;
    case START:
        start(w, a);
        break;
    case SIGNAL:
        signalled(w, a, (const char *)one->data);
        break;
    case SIGNAL_END:
        say(w, "%u: is told that no more come", a->n);
        (void)floe_ice_add_remote_candidate(a->ice, now_of(w), NULL);
        break;
    case DATA:
        send_data(w, a);
        break;
    case RESTART:
        if (a->state == FLOE_ICE_STATE_CONNECTED || a->state == FLOE_ICE_STATE_COMPLETED) {
            gather_again(w, a);
            add_event(w, ANSWER, w->now + w->config->restart_late_ms * MS)->side = 1 - a->n;
        }
        break;
    case ANSWER:
        if (one->size == 0) {
            answers_restart(w, a);
        } else {
            start_again(w, a);
            if (!w->config->restart_both) { /* the candidates of before are those of today */
                resignal(w, &w->agents[1 - a->n]);
            }
        }
        break;
    case STEP:
        take_step(w, &w->config->steps[one->size]);
        break;
    case NOTHING:
        break;
    }
}

static uint64_t deadline(const world *w)
{
    uint64_t at = w->event_count > 0 ? w->events[0]->at : UINT64_MAX;

    for (unsigned n = 0; n < 2; n++) {
        uint64_t core = floe_core_deadline(w->agents[n].core).ns;
        uint64_t ice = floe_ice_deadline(w->agents[n].ice).ns;
        at = core < at ? core : at;
        at = ice < at ? ice : at;
    }
    return at > w->now ? at : w->now;
}

static void run_until(world *w, uint64_t end)
{
    unsigned still = 0;

    for (uint64_t at; !w->report->failed && (at = deadline(w)) <= end;) {
        still = at == w->now ? still + 1 : 0;
        if (still > 10000) {
            violated(w, "the world does not rest");
        }
        w->now = at;
        if (w->event_count > 0 && w->events[0]->at <= at) {
            event *one = take_event(w);
            happens(w, one);
            free(one);
        }
        for (unsigned n = 0; n < 2; n++) {
            floe_core_time(w->agents[n].core, now_of(w));
            floe_ice_time(w->agents[n].ice, now_of(w));
        }
        all_outputs(w);
    }
    w->now = end > w->now ? end : w->now;
}

/* ── The life of a world ── */

static bool make(world *w, agent *a)
{
    static const char *const stun = "stun:203.0.113.1:3478";
    static const char *const turn = "turn:203.0.113.1:3478";
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server servers[2] = {FLOE_ICE_SERVER_INIT, FLOE_ICE_SERVER_INIT};
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_ice_options ice = a->side->options;

    settings.ice_lite = a->side->lite;
    settings.ip_handling = a->side->ip_handling;
    if (a->side->tcp) {
        settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_UDP6 |
                                 FLOE_NETWORK_TYPE_TCP4 | FLOE_NETWORK_TYPE_TCP6;
    }
    servers[0].urls = &stun;
    servers[0].url_count = 1;
    servers[1].urls = &turn;
    servers[1].url_count = 1;
    servers[1].username = "user";
    servers[1].credential = "password";
    options.ice_servers = a->side->stun ? servers : servers + 1;
    options.ice_server_count = (size_t)a->side->stun + a->side->turn;
    options.gather_policy = a->side->policy;
    ice.size = sizeof ice;
    ice.allocator = &w->memory.table;
    if (floe_core_shared_new(&settings, &w->secrets.table, &a->shared) != FLOE_OK ||
        floe_core_new(a->shared, &options, &a->core) != FLOE_OK ||
        floe_core_receive_packets(a->core, true) != FLOE_OK) {
        violated(w, "no core: %s", floe_last_error());
        return false;
    }
    floe_error error = floe_ice_new(a->core, &ice, &w->secrets.table, &a->ice);
    if (error == FLOE_ERR_NO_MEMORY) {
        error = floe_ice_new(a->core, &ice, &w->secrets.table, &a->ice);
    }
    if (error != FLOE_OK) {
        violated(w, "no agent: %s", floe_last_error());
    }
    return error == FLOE_OK;
}

static bool selected_of(const agent *a, floe_ice_pair *selected)
{
    floe_ice_pair_list *list = NULL;
    bool found = false;

    if (floe_ice_get_pairs(a->ice, &list) != FLOE_OK) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->pairs[i]->selected) {
            *selected = *list->pairs[i];
            found = true;
        }
    }
    floe_ice_pair_list_free(list);
    return found;
}

static bool same_selection(const floe_ice_pair *a, const floe_ice_pair *b)
{
    return a->local_id == b->local_id && floe_address_equal(&a->remote_address, &b->remote_address);
}

/* In a quiet world each side sends once more: it comes by the other's chosen pair, if both have chosen the same. False:
 * meanwhile one has chosen another. */
static bool probe(world *w)
{
    floe_ice_pair before[2] = {{0}, {0}};
    bool stays = true;

    w->quiet = true;
    w->report->probes++;
    for (unsigned n = 0; n < 2; n++) {
        (void)selected_of(&w->agents[n], &before[n]);
    }
    for (unsigned n = 0; n < 2; n++) {
        (void)floe_ice_send(w->agents[n].ice, now_of(w), "daprobe", 7);
    }
    all_outputs(w);
    run_until(w, w->now + 2000 * MS);
    bool both = true;
    for (unsigned n = 0; n < 2; n++) {
        floe_ice_pair selected;
        const agent *a = &w->agents[n];
        if (!selected_of(a, &selected)) {
            both = false;
            continue;
        }
        stays = stays && same_selection(&selected, &before[n]);
        bool is_by_it = a->probe_came && a->probe_id == selected.local_id &&
                        floe_address_equal(&a->probe_peer, &selected.remote_address);
        if (!is_by_it) {
            both = false;
            say(w, "%u: the probe %s", n, a->probe_came ? "came by another pair" : "did not come");
        }
    }
    w->report->same_pair = both;
    return stays;
}

static void finish(world *w)
{
    for (unsigned n = 0; n < 2; n++) {
        agent *a = &w->agents[n];
        a->seen->state = a->ice != NULL ? floe_ice_get_state(a->ice) : FLOE_ICE_STATE_CLOSED;
        a->seen->role = a->ice != NULL ? floe_ice_get_role(a->ice) : 0;
        floe_ice_close(a->ice, now_of(w));
        floe_ice_free(a->ice);
        floe_core_free(a->core);
        floe_core_shared_free(a->shared);
    }
    while (w->event_count > 0) {
        free(take_event(w));
    }
    free(w->events);
    w->report->allocations = w->memory.calls;
    if (w->memory.live != 0) {
        violated(w, "%zu pieces of memory are left", w->memory.live);
    }
}

bool meet_run(const meet_config *config, FILE *trace, meet_report *report)
{
    world *w = calloc(1, sizeof *w);
    bool made = true;

    *report = (meet_report){.hash = 0xcbf29ce484222325U};
    w->config = config;
    w->report = report;
    w->trace = trace;
    w->now = MS;
    w->port = 30000;
    seeded_init(&w->random, config->seed);
    seeded_init(&w->secrets, config->seed + 0x5eed);
    counting_init(&w->memory);
    w->memory.fail_at = config->fail_at;
    w->memory.fail_count = 1;
    for (unsigned n = 0; n < 2; n++) {
        agent *a = &w->agents[n];
        a->n = n;
        a->side = &config->sides[n];
        a->state = FLOE_ICE_STATE_NEW;
        a->seen = &report->sides[n];
        *a->seen = (meet_seen){.connected_ms = UINT32_MAX,
                               .selected_ms = UINT32_MAX,
                               .failed_ms = UINT32_MAX,
                               .disconnected_ms = UINT32_MAX,
                               .data_ms = UINT32_MAX};
        made = made && make(w, a);
        add_event(w, GATHER, w->now + a->side->gather_at_ms * MS)->side = n;
        add_event(w, START, w->now + a->side->start_at_ms * MS)->side = n;
        if (config->loses_first && n == 0) {
            add_event(w, GATHER, config->cut_at_ms * MS)->side = n;
        }
        if (config->restart_at_ms > 0 && n == 0) {
            add_event(w, RESTART, config->restart_at_ms * MS)->side = n;
        }
    }
    for (size_t i = 0; i < config->step_count; i++) {
        add_event(w, STEP, config->steps[i].at_ms * MS)->size = i;
    }
    if (made) {
        run_until(w, config->run_ms * MS);
        if (config->wild && !report->failed) {
            mend(w);
            run_until(w, w->now + 50000 * MS);
        }
        if (!report->failed) {
            for (unsigned n = 0; n < 3 && !probe(w); n++) {
                say(w, "another pair is chosen meanwhile");
            }
        }
    }
    finish(w);
    free(w);
    return !report->failed;
}

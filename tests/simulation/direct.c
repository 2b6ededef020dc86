/* Peers by TCP (RFC 6544), with no server between: those that connect to what listens, of whom some know who we are and
 * others do not, or say so; and those to whom we connect, who send back what they get. */
#include "world.h"

#include "base/memory.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <stdlib.h>
#include <string.h>

#define MS 1000000U
#define IN_SIZE 70000

/* What one does who has connected. */
typedef enum direct_temper {
    DIRECT_GOOD, /* first a check, then a word */
    DIRECT_GOOD_LATE,
    DIRECT_SILENT,
    DIRECT_LIAR,        /* a length, and not as much */
    DIRECT_SLOW,        /* a byte a second */
    DIRECT_EMPTY,       /* frames of nothing */
    DIRECT_NO_CHECK,    /* a word, and no check */
    DIRECT_WRONG_UFRAG, /* a check of somebody else's */
    DIRECT_WRONG_KEY,   /* one that he cannot sign */
    DIRECT_NOISE,
    DIRECT_RESET, /* is gone as soon as he is there */
    DIRECT_TEMPER_COUNT,
} direct_temper;

struct sim_direct {
    sim_direct *next;
    uint32_t channel;
    size_t life;
    bool accepted;
    direct_temper temper;
    floe_address peer;
    uint64_t opened;
    uint64_t down_at; /* when the latest bytes come */
    size_t piece;     /* the size into which they are cut */
    bool over;
    size_t in_size;
    uint8_t in[IN_SIZE];
};

static bool is_good(const sim_direct *direct)
{
    return !direct->accepted || direct->temper <= DIRECT_GOOD_LATE;
}

static sim_direct *find(const sim_world *world, uint32_t channel)
{
    for (sim_direct *one = world->directs; one != NULL; one = one->next) {
        if (one->channel == channel && one->life == world->life && !one->over) {
            return one;
        }
    }
    return NULL;
}

static sim_direct *add(sim_world *world, uint32_t channel, const floe_address *peer)
{
    static const size_t pieces[] = {1, 2, 3, 17, 100, PACKET_MAX};
    sim_direct *made = calloc(1, sizeof *made);

    if (made == NULL) {
        abort();
    }
    made->channel = channel;
    made->life = world->life;
    made->peer = *peer;
    made->opened = made->down_at = world->now;
    made->piece = pieces[seeded_below(&world->random, 6)];
    made->next = world->directs;
    world->directs = made;
    return made;
}

void directs_free(sim_world *world)
{
    while (world->directs != NULL) {
        sim_direct *first = world->directs;
        world->directs = first->next;
        free(first);
    }
}

/* ── What a peer says ── */

static sim_event *event_of(sim_world *world, const sim_direct *direct, sim_event_kind kind,
                           uint64_t at)
{
    sim_event *event = world_add_event(world, kind, at);

    event->channel = direct->channel;
    event->life = direct->life;
    return event;
}

/* In pieces of any size, joined with what comes behind it or not. */
static void say(sim_world *world, sim_direct *direct, floe_span data, uint64_t after)
{
    uint64_t at = world->now + after;

    direct->down_at = at > direct->down_at ? at : direct->down_at;
    for (size_t i = 0; i < data.size; i += direct->piece) {
        size_t left = data.size - i;
        sim_event *event = event_of(world, direct, SIM_EVENT_STREAM_DOWN, direct->down_at);
        event->size = left < direct->piece ? left : direct->piece;
        memcpy(event->data, data.data + i, event->size);
    }
}

static void say_frame(sim_world *world, sim_direct *direct, floe_span data, uint64_t after)
{
    uint8_t frame[PACKET_MAX + 2] = {(uint8_t)(data.size >> 8), (uint8_t)data.size};

    memcpy(&frame[2], data.data, data.size);
    say(world, direct, floe_span_of(frame, data.size + 2), after);
}

static void say_check(sim_world *world, sim_direct *direct, const char *ufrag, const char *password,
                      uint64_t after)
{
    floe_stun_key *key = NULL;
    floe_stun_id id = {.bytes = {1, 2, 3, 4}};
    uint8_t bytes[512];
    char name[300];

    if (floe_stun_key_short_term(&floe_default_allocator, floe_span_text(password), &key) !=
        FLOE_OK) {
        abort();
    }
    (void)snprintf(name, sizeof name, "%s:peer", ufrag);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(name));
    floe_stun_put_u32(&writer, FLOE_STUN_PRIORITY, 1);
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_put_fingerprint(&writer);
    floe_stun_key_release(key);
    say_frame(world, direct, floe_stun_written(&writer), after);
}

static void say_first(sim_world *world, sim_direct *direct)
{
    static const uint8_t liar[] = {0xff, 0xff, 0, 1, 2, 3};
    static const uint8_t noise[] = {0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 77};
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_span hello = floe_span_text("hello");

    if (floe_core_get_local_parameters(world->core, &parameters) != FLOE_OK) {
        return;
    }
    switch (direct->temper) {
    case DIRECT_GOOD:
    case DIRECT_GOOD_LATE:
        say_check(world, direct, parameters.username_fragment, parameters.password,
                  direct->temper == DIRECT_GOOD ? 20 * MS : 4000ULL * MS);
        say_frame(world, direct, (floe_span){hello.data, 0}, 0);
        say_frame(world, direct, hello, 0);
        break;
    case DIRECT_LIAR:
        say(world, direct, floe_span_of(liar, sizeof liar), 10 * MS);
        break;
    case DIRECT_SLOW:
        direct->piece = 1;
        for (uint8_t i = 0; i < 30; i++) {
            say(world, direct, floe_span_of(&i, 1), i * 1000ULL * MS);
        }
        break;
    case DIRECT_EMPTY:
        for (unsigned i = 0; i < 20; i++) {
            say_frame(world, direct, (floe_span){hello.data, 0}, i * 700ULL * MS);
        }
        break;
    case DIRECT_NO_CHECK:
        say_frame(world, direct, hello, 10 * MS);
        break;
    case DIRECT_WRONG_UFRAG:
        say_check(world, direct, "abcd", parameters.password, 10 * MS);
        say_frame(world, direct, hello, 0);
        break;
    case DIRECT_WRONG_KEY:
        say_check(world, direct, parameters.username_fragment, "not this one, surely", 10 * MS);
        say_frame(world, direct, hello, 0);
        break;
    case DIRECT_NOISE:
        say(world, direct, floe_span_of(noise, sizeof noise), 10 * MS);
        break;
    case DIRECT_RESET:
        (void)event_of(world, direct, SIM_EVENT_BROKEN, world->now + 5 * MS);
        break;
    default:
        break;
    }
}

/* ── Those that connect ── */

/* Who they are and when they come is for the seed to say. */
void direct_listens(sim_world *world, const sim_socket *listener)
{
    unsigned count = seeded_below(&world->random, 6);

    for (unsigned i = 0; i < count; i++) {
        sim_event *event =
            world_add_event(world, SIM_EVENT_PEER_CONNECTS,
                            world->now + seeded_below(&world->random, 4000) * (uint64_t)MS);
        event->channel = listener->channel;
        event->life = world->life;
        event->from = world_peer(listener->local.family == FLOE_FAMILY_IPV6);
        event->from.port = (uint16_t)(20000 + world->next_port++ % 20000);
        event->query = seeded_below(&world->random, DIRECT_TEMPER_COUNT);
    }
}

void direct_connects(sim_world *world, const sim_event *event)
{
    const sim_socket *listener = world_socket(world, event->channel);
    char from[FLOE_ADDRESS_TEXT_SIZE];

    if (listener == NULL || !listener->open || !listener->listens || world->core == NULL ||
        world->down[listener->interface] || world->socket_count == SOCKETS_MAX) {
        return;
    }
    uint32_t channel = floe_core_accepted(world->core, world_time(world),
                                          core_channel(listener->channel), &event->from);
    world_trace(world, "%s connects as %u, of kind %u", floe_address_text(&event->from, from),
                channel, event->query);
    if (channel == 0) {
        return;
    }
    channel |= listener->channel & ~core_channel(UINT32_MAX);
    world->sockets[world->socket_count++] = (sim_socket){.channel = channel,
                                                         .local = listener->local,
                                                         .interface = listener->interface,
                                                         .open = true,
                                                         .stream = true,
                                                         .remote = event->from};
    sim_direct *direct = add(world, channel, &event->from);
    direct->accepted = true;
    direct->temper = (direct_temper)event->query;
    say_first(world, direct);
}

/* ── Those to whom we connect ── */

bool direct_open(sim_world *world, const sim_socket *socket, bool refuses)
{
    if (world_peer_of(&socket->remote) == 2) {
        return false;
    }
    if (refuses) {
        sim_event *event = world_add_event(world, SIM_EVENT_UNREACHABLE, world->now + 50 * MS);
        event->channel = socket->channel;
        event->to = socket->remote;
        event->reason = FLOE_UNREACHABLE_PORT;
        event->life = world->life;
    } else {
        sim_direct *direct = add(world, socket->channel, &socket->remote);
        (void)event_of(world, direct, SIM_EVENT_CONNECTED, world->now + 50 * MS);
    }
    return true;
}

/* ── What is sent to them ── */

/* He who has connected hears the answer to his check; to whom we connect sends back what comes. */
static void take_frames(sim_world *world, sim_direct *direct)
{
    size_t size;

    while (direct->in_size >= 2 &&
           direct->in_size >= (size = 2 + (size_t)(direct->in[0] << 8 | direct->in[1]))) {
        if (!direct->accepted) {
            say(world, direct, floe_span_of(direct->in, size), 50 * MS);
        }
        memmove(direct->in, direct->in + size, direct->in_size - size);
        direct->in_size -= size;
    }
}

bool direct_send(sim_world *world, const sim_socket *socket, floe_span data, bool up)
{
    sim_direct *direct = find(world, socket->channel);

    if (direct == NULL) {
        return false;
    }
    if (!is_good(direct)) {
        world_violated(world, "H1: %zu bytes to who has not shown a check", data.size);
    }
    if (direct->in_size + data.size > IN_SIZE) {
        world_violated(world, "RFC 4571: a frame without end");
    } else if (up) {
        memcpy(direct->in + direct->in_size, data.data, data.size);
        direct->in_size += data.size;
        take_frames(world, direct);
    }
    return true;
}

bool direct_close(sim_world *world, uint32_t channel)
{
    sim_direct *direct = find(world, channel);

    if (direct != NULL) {
        direct->over = true;
    }
    return direct != NULL;
}

bool direct_is(const sim_world *world, uint32_t channel)
{
    return find(world, channel) != NULL;
}

/* ── What must be so ── */

void check_direct(sim_world *world, const floe_packet *packet)
{
    const sim_direct *one = world->reading != 0 ? find(world, world->reading) : NULL;

    if (one != NULL && !is_good(one)) {
        world_violated(world, "H1: a packet of who has not shown a check");
    }
    if (one != NULL && !floe_address_equal(&one->peer, &packet->peer)) {
        world_violated(world, "K1: a packet of one peer under the name of another");
    }
}

/* H1: who has not shown a check in 5 s is closed. */
void check_directs(sim_world *world)
{
    for (const sim_direct *one = world->directs; one != NULL; one = one->next) {
        const sim_socket *socket =
            one->life == world->life ? world_socket(world, one->channel) : NULL;
        if (socket != NULL && socket->open && !one->over && !is_good(one) &&
            world->now - one->opened > 5000ULL * MS) {
            world_violated(world, "H1: who has not shown a check stays");
        }
    }
}

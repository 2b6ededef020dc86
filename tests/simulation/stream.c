/* The simulation's transports other than plain datagrams: TCP connections, and TLS and DTLS on the
 * server's side, by a real TLS server. Streams come in pieces of any size, and in order. */
#include "world.h"

#include "tls.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define IN_SIZE 70000

/* One for each client's address at a server. */
struct sim_association {
    sim_association *next;
    size_t server;
    floe_address client; /* as it is seen from outside of its NAT */
    floe_address seen;   /* by the server: the proxy, if it leads there by one */
    sim_tunnel *tunnel;  /* NULL: it leads there by none */
    bool asking;         /* the proxy, which is yet to connect: there is no server */
    uint32_t channel;    /* of a stream */
    size_t life;         /* of which gatherer */
    tls_connection *tls; /* NULL: plain */
    bool over;           /* nothing comes or goes any more */
    bool cut;            /* bytes were lost with the interface that went down */
    bool bound;          /* it is a peer's (RFC 6062) */
    unsigned flights;    /* of the client, in the handshake and behind it */
    unsigned piece;      /* the size into which the stream is cut */
    uint64_t up_at;      /* when the latest bytes arrive at the server */
    uint64_t down_at;
    size_t in_size;
    uint8_t in[IN_SIZE];
};

/* ── The clock of DTLS ── */

static const sim_world *clock_of;

void world_set_clock(const sim_world *world)
{
    clock_of = world;
}

/* OpenSSL counts the retransmissions of DTLS by it: in a world it is the world's. */
__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict time,
                                                        void *restrict zone)
{
    struct timespec real;

    (void)zone;
    if (clock_of != NULL) {
        time->tv_sec = (long)(1700000000 + clock_of->now / 1000000000);
        time->tv_usec = (int)(clock_of->now % 1000000000 / 1000);
        return 0;
    }
    (void)clock_gettime(CLOCK_REALTIME, &real);
    time->tv_sec = (long)real.tv_sec;
    time->tv_usec = (int)(real.tv_nsec / 1000);
    return 0;
}

/* ── Associations ── */

static bool is_stream(const sim_server *server)
{
    return server->transport == FLOE_PROTOCOL_TCP || server->transport == FLOE_PROTOCOL_TLS;
}

/* STUN servers for UDP serve TCP too (R4). */
static bool has_stream(const sim_association *association)
{
    return association->channel != 0;
}

static bool is_secure(const sim_server *server)
{
    return server->transport == FLOE_PROTOCOL_TLS || server->transport == FLOE_PROTOCOL_DTLS;
}

/* Made once for all worlds, as it costs. */
static tls_server *server_of(const sim_server *server)
{
    static tls_server *made[TLS_CERTIFICATES][2][2][2][2];
    bool datagrams = server->transport == FLOE_PROTOCOL_DTLS;
    tls_server **one = &made[server->certificate][datagrams][server->old_tls]
                            [server->wants_certificate][server->other_protocol];

    if (*one == NULL) {
        *one = tls_server_new(&(tls_options){.certificate = server->certificate,
                                             .datagrams = datagrams,
                                             .newest = !server->old_tls ? 0
                                                       : datagrams      ? DTLS1_2_VERSION
                                                                        : TLS1_2_VERSION,
                                             .wants_certificate = server->wants_certificate,
                                             .other_protocol = server->other_protocol,
                                             .no_tickets = true});
    }
    return *one;
}

static sim_association *find(const sim_world *world, size_t server, const floe_address *client)
{
    for (sim_association *one = world->associations; one != NULL; one = one->next) {
        if (one->server == server && !one->over && one->life == world->life &&
            floe_address_equal(&one->seen, client)) {
            return one;
        }
    }
    return NULL;
}

static sim_association *of_channel(const sim_world *world, uint32_t channel)
{
    for (sim_association *one = world->associations; one != NULL; one = one->next) {
        if (one->channel == channel && one->life == world->life) {
            return one;
        }
    }
    return NULL;
}

static void begin_security(sim_association *association, const sim_server *server)
{
    association->tls = is_secure(server) ? tls_accept(server_of(server)) : NULL;
}

/* SIZE_MAX: with the proxy. */
static sim_association *associate(sim_world *world, size_t server, const floe_address *client,
                                  uint32_t channel)
{
    static const unsigned pieces[] = {1, 2, 3, 5, 17, 100, 600, PACKET_MAX};
    sim_association *made = calloc(1, sizeof *made);

    if (made == NULL) {
        abort();
    }
    made->server = server;
    made->client = made->seen = *client;
    made->channel = channel;
    made->life = world->life;
    made->piece = pieces[seeded_below(&world->random, 8)];
    if (server != SIZE_MAX) {
        begin_security(made, &world->config->servers[server]);
    } else {
        made->tunnel = calloc(1, sizeof *made->tunnel);
        made->asking = true;
        made->seen = (floe_address){0};
    }
    made->next = world->associations;
    world->associations = made;
    return made;
}

void associations_free(sim_world *world)
{
    while (world->associations != NULL) {
        sim_association *first = world->associations;
        world->associations = first->next;
        tls_connection_free(first->tls);
        free(first->tunnel);
        free(first);
    }
}

/* ── To the client ── */

/* What is lost on the way comes later. */
static uint64_t stream_delay(sim_world *world, size_t server)
{
    uint64_t delay = world_one_way(world, server);

    while (world->config->loss > 0 && seeded_below(&world->random, 1000) < world->config->loss) {
        delay += 200000000;
    }
    return delay;
}

static sim_event *stream_event(sim_world *world, const sim_association *association,
                               sim_event_kind kind, uint64_t at)
{
    sim_event *event = world_add_event(world, kind, at);

    event->server = association->server;
    event->from = association->client;
    event->channel = association->channel;
    event->life = association->life;
    return event;
}

static void stream_down(sim_world *world, sim_association *association, floe_span data)
{
    uint64_t arrives = world->now + stream_delay(world, association->server);
    size_t piece = data.size < 16384 ? association->piece : PACKET_MAX;

    arrives = arrives > association->down_at ? arrives : association->down_at;
    association->down_at = arrives;
    for (size_t at = 0; at < data.size; at += piece) {
        size_t left = data.size - at;
        sim_event *event = stream_event(world, association, SIM_EVENT_STREAM_DOWN, arrives);
        event->size = left < piece ? left : piece;
        memcpy(event->data, data.data + at, event->size);
    }
}

/* The server ends the connection, behind what it has said. */
static void hang_up(sim_world *world, sim_association *association)
{
    if (has_stream(association)) {
        uint64_t arrives = world->now + stream_delay(world, association->server);
        arrives = arrives > association->down_at ? arrives : association->down_at;
        (void)stream_event(world, association, SIM_EVENT_STREAM_DOWN, arrives);
    }
    association->over = true;
}

static void raw_down(sim_world *world, sim_association *association, floe_span data)
{
    if (has_stream(association)) {
        stream_down(world, association, data);
    } else {
        floe_address from =
            server_address_for(world, association->server, association->client.family);
        world_answer_datagram(world, association->server, &from, &association->client, data);
    }
}

static void take_down(sim_world *world, sim_association *association)
{
    static uint8_t bytes[65536];
    size_t size;

    while ((size = tls_take(association->tls, bytes, sizeof bytes)) > 0) {
        raw_down(world, association, floe_span_of(bytes, size));
    }
}

static bool served_by_stream;

bool stream_is_served(void)
{
    return served_by_stream;
}

bool association_answer(sim_world *world, size_t server, const floe_address *client, floe_span data)
{
    const sim_server *of = &world->config->servers[server];
    sim_association *association = find(world, server, client);
    uint8_t padded[PACKET_MAX] = {0};
    size_t size = is_stream(of) ? (data.size + 3) / 4 * 4 : data.size; /* RFC 8656 §12.5 */

    if (of->transport == FLOE_PROTOCOL_UDP && !served_by_stream) {
        return false;
    }
    if (association == NULL) {
        return true;
    }
    memcpy(padded, data.data, data.size);
    if (of->temper == SIM_ENDS_IN_MESSAGE) {
        size /= 2;
    }
    if (association->tls == NULL) {
        raw_down(world, association, floe_span_of(padded, size));
    } else {
        (void)tls_write(association->tls, floe_span_of(padded, size));
        take_down(world, association);
    }
    if (of->temper == SIM_ENDS_IN_MESSAGE) {
        hang_up(world, association);
    }
    return true;
}

/* ── From the client ── */

static void say(sim_world *world, sim_association *association, floe_span data)
{
    if (association->tls == NULL) {
        raw_down(world, association, data);
    } else {
        (void)tls_write(association->tls, data);
        take_down(world, association);
    }
}

void association_bind(sim_world *world, size_t server, const floe_address *client,
                      floe_span greeting)
{
    sim_association *association = find(world, server, client);

    if (association == NULL || association->bound) {
        world_violated(world, "RFC 6062: ConnectionBind on no connection of its own");
        return;
    }
    association->bound = true;
    if (greeting.size > 0) {
        say(world, association, greeting);
    }
}

/* STUN messages and ChannelData, one after the other; of a datagram, the one. */
static void serve_plain(sim_world *world, sim_association *association, floe_span plain)
{
    if (association->bound) {
        say(world, association, plain);
        return;
    }
    if (!has_stream(association)) {
        server_receive(world, association->server, &association->seen, plain);
        return;
    }
    if (association->in_size + plain.size > IN_SIZE) {
        world_violated(world, "a message on a stream without end");
        return;
    }
    memcpy(association->in + association->in_size, plain.data, plain.size);
    association->in_size += plain.size;
    while (association->in_size >= 4) {
        const uint8_t *in = association->in;
        bool channel = in[0] >= 0x40;
        size_t length = (size_t)(in[2] << 8 | in[3]);
        size_t size = channel ? 4 + (length + 3) / 4 * 4 : 20 + length;
        if (association->in_size < size) {
            return;
        }
        served_by_stream = true;
        server_receive(world, association->server, &association->seen,
                       floe_span_of(in, channel ? 4 + length : size));
        served_by_stream = false;
        memmove(association->in, association->in + size, association->in_size - size);
        association->in_size -= size;
    }
}

static void say_noise(sim_world *world, sim_association *association)
{
    uint8_t noise[64];

    for (size_t i = 0; i < sizeof noise; i++) {
        noise[i] = (uint8_t)seeded_next(&world->random);
    }
    raw_down(world, association, floe_span_of(noise, sizeof noise));
}

/* The server sees an address of the proxy's, and a port for each connection. */
static void tunnel(sim_world *world, sim_association *association, floe_span data)
{
    uint8_t answer[512];
    size_t size = 0;
    size_t server = SIZE_MAX;
    sim_tunnel_result result =
        proxy_receive(world, association->tunnel, data, answer, &size, &server);

    if (result == SIM_TUNNEL_IS_OPEN) {
        association->asking = false;
        association->server = server;
        association->seen = proxy_address(world, FLOE_FAMILY_IPV4);
        association->seen.port = (uint16_t)(30000 + world->next_port++ % 10000);
        begin_security(association, &world->config->servers[server]);
    }
    if (size > 0) {
        stream_down(world, association, floe_span_of(answer, size));
    }
    if (result == SIM_TUNNEL_ENDS) {
        hang_up(world, association);
    }
}

static void receive(sim_world *world, sim_association *association, floe_span data)
{
    if (association->asking) {
        if (!association->over) {
            tunnel(world, association, data);
        }
        return;
    }

    static uint8_t plain[65536];
    const sim_server *server = &world->config->servers[association->server];
    size_t size;

    association->flights++;
    if (association->over || server->temper == SIM_SILENT ||
        (server->temper == SIM_HANGS && association->flights > server->code)) {
        return;
    }
    if (server->temper == SIM_GARBAGE) {
        say_noise(world, association);
        return;
    }
    if (server->temper == SIM_HANGS_UP) {
        hang_up(world, association);
        return;
    }
    if (association->tls == NULL) {
        serve_plain(world, association, data);
        return;
    }
    if (!tls_feed(association->tls, data, plain, sizeof plain, &size) || size == 0) {
        tls_tick(association->tls);
    }
    take_down(world, association);
    while (size > 0) {
        serve_plain(world, association, floe_span_of(plain, size));
        (void)tls_feed(association->tls, (floe_span){0}, plain, sizeof plain, &size);
    }
}

bool association_receive(sim_world *world, size_t server, const floe_address *client,
                         floe_span data)
{
    if (world->config->servers[server].transport != FLOE_PROTOCOL_DTLS) {
        return false;
    }
    sim_association *association = find(world, server, client);
    if (association == NULL) {
        association = associate(world, server, client, 0);
    }
    receive(world, association, data);
    return true;
}

static void forget(sim_world *world, const sim_association *association)
{
    if (!association->asking) {
        server_forget(world, association->server, &association->seen);
    }
}

void stream_open(sim_world *world, sim_socket *socket, size_t server, bool refused,
                 const floe_address *client)
{
    uint64_t delay = 2 * stream_delay(world, server);

    if (refused) {
        sim_event *event = world_add_event(world, SIM_EVENT_UNREACHABLE, world->now + delay);
        event->channel = socket->channel;
        event->to = socket->remote;
        event->reason = FLOE_UNREACHABLE_PORT;
        event->life = world->life;
        return;
    }
    sim_association *association = associate(world, server, client, socket->channel);
    (void)stream_event(world, association, SIM_EVENT_CONNECTED, world->now + delay);
}

bool stream_reaches(sim_world *world, uint32_t channel, bool up)
{
    sim_association *association = of_channel(world, channel);

    if (association != NULL && !up) {
        association->cut = true;
    }
    return up && (association == NULL || !association->cut);
}

void stream_send(sim_world *world, const sim_socket *socket, floe_span data, bool up)
{
    sim_association *association = of_channel(world, socket->channel);

    if (association == NULL) {
        world_violated(world, "bytes on a connection that is none");
        return;
    }
    if (association->over || !stream_reaches(world, socket->channel, up)) {
        return;
    }
    if (!world_use_mapping(world, &association->client)) {
        (void)stream_event(world, association, SIM_EVENT_BROKEN,
                           world->now + 2 * stream_delay(world, association->server));
        association->over = true;
        return;
    }
    uint64_t arrives = world->now + stream_delay(world, association->server);
    arrives = arrives > association->up_at ? arrives : association->up_at;
    association->up_at = arrives;
    for (size_t at = 0; at < data.size; at += PACKET_MAX) {
        size_t left = data.size - at;
        sim_event *event = stream_event(world, association, SIM_EVENT_STREAM_UP, arrives);
        event->size = left < PACKET_MAX ? left : PACKET_MAX;
        memcpy(event->data, data.data + at, event->size);
    }
}

void stream_up(sim_world *world, const sim_event *event)
{
    for (sim_association *one = world->associations; one != NULL; one = one->next) {
        if (one->channel == event->channel && one->life == event->life &&
            floe_address_equal(&one->client, &event->from)) {
            if (event->size == 0) { /* the client has closed it */
                one->over = true;
                forget(world, one); /* and what was on its way */
                return;
            }
            receive(world, one, floe_span_of(event->data, event->size));
            return;
        }
    }
}

void stream_close(sim_world *world, uint32_t channel)
{
    sim_association *association = of_channel(world, channel);

    if (association != NULL) {
        forget(world, association);
        (void)stream_event(world, association, SIM_EVENT_STREAM_UP,
                           association->up_at > world->now ? association->up_at : world->now);
    }
}

void streams_break(sim_world *world, size_t server, bool cut_alone)
{
    for (sim_association *one = world->associations; one != NULL; one = one->next) {
        if (one->server == server && !one->over && (one->cut || !cut_alone)) {
            if (has_stream(one)) {
                (void)stream_event(world, one, SIM_EVENT_BROKEN,
                                   world->now + world_one_way(world, server));
            }
            one->over = true;
        }
    }
}

void streams_by_proxy_break(sim_world *world)
{
    for (sim_association *one = world->associations; one != NULL; one = one->next) {
        if (one->tunnel != NULL && !one->over) {
            forget(world, one);
            (void)stream_event(world, one, SIM_EVENT_BROKEN,
                               world->now + world_one_way(world, one->server));
            one->over = true;
        }
    }
}

const floe_address *stream_client(const sim_world *world, const floe_address *seen)
{
    floe_address proxy = proxy_address(world, seen->family);

    for (const sim_association *one = world->associations;
         one != NULL && floe_address_same_ip(&proxy, seen); one = one->next) {
        if (floe_address_equal(&one->seen, seen)) {
            return &one->client;
        }
    }
    return seen;
}

bool stream_is_for_proxy(const sim_world *world, uint32_t channel)
{
    const sim_association *association = of_channel(world, channel);

    return association != NULL && association->asking;
}

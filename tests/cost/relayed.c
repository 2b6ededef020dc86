#include "cost/relayed.h"

#include "base/address.h"
#include "base/time.h"
#include "polled.h"
#include "stun/writer.h"

#include <floe/core.h>
#include <stdlib.h>
#include <string.h>

struct relayed {
    floe_core_shared *shared;
    floe_core *core;
    floe_core_output output;
    floe_time now;
    uint64_t random;
    floe_address server;
    uint32_t socket;
    uint32_t relay;                 /* the candidate's id; 0: it is not there */
    size_t requests;                /* of the gatherer's */
    size_t packets;                 /* of the owner's, that have left */
    uint16_t channels[RELAYED_MAX]; /* of each peer; 0: it has none */
};

/* Ids that differ, each time the same ones. */
static floe_error fill(void *user_data, void *bytes, size_t size)
{
    uint64_t *state = user_data;
    uint8_t *to = bytes;

    for (size_t i = 0; i < size; i++) {
        *state = *state * 6364136223846793005U + 1442695040888963407U;
        to[i] = (uint8_t)(*state >> 56);
    }
    return FLOE_OK;
}

static floe_address address_of_peer(size_t peer)
{
    return floe_address_ipv4(0xc6120000U + (uint32_t)(peer / 100), (uint16_t)(1000 + peer % 100));
}

static size_t peer_of(const floe_address *address)
{
    return (size_t)(address->ip[2] * 256U + address->ip[3]) * 100 + address->port - 1000;
}

static void bind_channel(relayed *r, const floe_stun_message *request)
{
    floe_address peer;
    floe_span number;

    if (floe_stun_read_address(request, FLOE_STUN_XOR_PEER_ADDRESS, &peer) &&
        floe_stun_find(request, FLOE_STUN_CHANNEL_NUMBER, &number)) {
        r->channels[peer_of(&peer)] = (uint16_t)(number.data[0] << 8 | number.data[1]);
    }
}

/* From the server; whether it is a packet of a peer's. */
static bool comes(relayed *r, floe_span data)
{
    floe_packet packet;

    floe_core_datagram(r->core, r->now, r->socket, &r->server, data.data, data.size);
    return arrived(r->core, r->now, &packet);
}

static void serve(relayed *r)
{
    uint8_t bytes[FLOE_CORE_DATA_SIZE];
    uint8_t answer[256];
    floe_address mapped = floe_address_ipv4(0xc0000207U, 700);
    floe_address given = floe_address_ipv4(0xc6336409U, 5000);
    floe_span sent = floe_span_of(bytes, r->output.data_size);
    floe_stun_message request;

    memcpy(bytes, r->output.data, sent.size);
    if (floe_stun_parse(sent, &request) != FLOE_STUN_PARSED || request.class != FLOE_STUN_REQUEST) {
        r->packets++;
        return;
    }
    r->requests++;
    r->socket = r->output.channel;
    if (request.method == FLOE_STUN_CHANNEL_BIND) {
        bind_channel(r, &request);
    }
    floe_stun_writer writer =
        floe_stun_begin(answer, sizeof answer, FLOE_STUN_SUCCESS, request.method, &request.id);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &given);
    floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
    floe_span written = floe_stun_written(&writer);
    (void)comes(r, written);
}

static void settle(relayed *r)
{
    floe_interface_address eth0 = {.interface_name = "eth0",
                                   .interface_index = 1,
                                   .up = true,
                                   .address = floe_address_ipv4(0x0a000102U, 0)};

    while (polled(r->core, r->now, &r->output)) {
        floe_address local = floe_address_with_port(r->output.local, 4000);
        switch (r->output.kind) {
        case FLOE_CORE_LIST_INTERFACES:
            floe_core_interfaces(r->core, r->now, &eth0, 1);
            break;
        case FLOE_CORE_OPEN:
            floe_core_opened(r->core, r->now, r->output.channel, &local);
            break;
        case FLOE_CORE_SEND:
            serve(r);
            break;
        case FLOE_CORE_CANDIDATE:
            if (r->output.candidate != NULL &&
                r->output.candidate->type == FLOE_CANDIDATE_TYPE_RELAY) {
                r->relay = r->output.candidate->id;
            }
            break;
        default:
            break;
        }
    }
}

/* As a driver does it behind each input: it looks when it is to come again. */
static void run(relayed *r)
{
    settle(r);
    (void)floe_core_deadline(r->core);
}

size_t relayed_wait(relayed *r, unsigned seconds)
{
    floe_time then = floe_time_after(r->now, floe_seconds(seconds));
    size_t before = r->requests;
    floe_time due;

    while ((due = floe_core_deadline(r->core)).ns <= then.ns) {
        r->now = floe_time_max(r->now, due);
        floe_core_time(r->core, r->now);
        settle(r);
    }
    r->now = then;
    return r->requests - before;
}

bool relayed_send(relayed *r, size_t peer)
{
    static const uint8_t data[1200];
    floe_address address = address_of_peer(peer);
    size_t before = r->packets;

    bool good = floe_core_send(r->core, r->now, r->relay, &address, data, sizeof data) == FLOE_OK;
    run(r);
    return good && r->packets == before + 1;
}

static bool arrives(relayed *r, floe_span data)
{
    bool is = comes(r, data);

    floe_core_time(r->core, r->now);
    run(r);
    return is;
}

bool relayed_receive(relayed *r, size_t peer)
{
    uint8_t frame[4 + 1200] = {(uint8_t)(r->channels[peer] >> 8), (uint8_t)r->channels[peer],
                               1200 >> 8, 1200 & 255};

    return arrives(r, floe_span_of(frame, sizeof frame));
}

bool relayed_receive_indication(relayed *r, size_t peer)
{
    uint8_t bytes[256];
    floe_address address = address_of_peer(peer);
    floe_stun_id id = {{1}};
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_INDICATION, FLOE_STUN_DATA_INDICATION, &id);

    floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &address);
    floe_stun_put(&writer, FLOE_STUN_DATA, floe_span_text("data"));
    return arrives(r, floe_stun_written(&writer));
}

/* The first packet to one waits for its permission, the second asks for a channel. */
static bool begin(relayed *r, size_t peers)
{
    bool good = floe_core_start(r->core, r->now) == FLOE_OK;

    floe_core_receive_packets(r->core, true);
    settle(r);
    (void)relayed_wait(r, 2);
    for (size_t i = 0; good && i < peers; i++) {
        good = r->relay != 0 && relayed_send(r, i) && relayed_send(r, i) && r->channels[i] != 0;
    }
    return good;
}

relayed *relayed_new(size_t peers)
{
    static const char *const urls[] = {"turn:203.0.113.2"};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    relayed *r = calloc(1, sizeof *r);

    if (r == NULL) {
        return NULL;
    }
    r->random = 1;
    r->now = (floe_time){UINT64_C(1000000000000)};
    r->server = floe_address_ipv4(0xcb007102U, 3478);
    server.urls = urls;
    server.url_count = 1;
    server.username = "user";
    server.credential = "secret";
    options.ice_servers = &server;
    options.ice_server_count = 1;
    floe_random random = {.fill = fill, .user_data = &r->random};
    if (floe_core_shared_new(&settings, &random, &r->shared) != FLOE_OK ||
        floe_core_new(r->shared, &options, &r->core) != FLOE_OK || !begin(r, peers)) {
        relayed_free(r);
        return NULL;
    }
    return r;
}

void relayed_free(relayed *r)
{
    if (r->core != NULL) {
        floe_core_close(r->core, r->now);
        settle(r);
    }
    floe_core_free(r->core);
    floe_core_shared_free(r->shared);
    free(r);
}

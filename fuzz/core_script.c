/* The core, driven by the input as a script: inputs in any order, answers made to fit the requests
 * that it sends and then bent, time in any steps. What must hold: it never sends after close, it
 * comes to rest, and it gives back its memory. Built a second time with GATHERERS 2: two in one
 * shared part, the second one associated with the first or not, and packets of one that come to the
 * other. */
#include "base/memory.h"
#include "core/config/shared.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <floe/core.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef GATHERERS
#define GATHERERS 1
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the gatherers have in common. */
typedef struct stage {
    floe_reader reader;
    floe_time now;
    uint64_t random;
} stage;

typedef struct script {
    stage *stage;
    floe_core *core;
    uint32_t channel; /* of the latest packet */
    floe_address server;
    floe_stun_message request;
    uint8_t request_bytes[FLOE_CORE_DATA_SIZE];
    bool has_request;
    uint32_t listener; /* the latest */
    uint64_t streams;  /* which channels are connections, the lowest 64 */
    bool closed;
    uint32_t query;
    char name[80]; /* the latest that was published */
} script;

static floe_error fill_random(void *user_data, void *bytes, size_t size)
{
    stage *all = user_data;
    uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++) {
        all->random = all->random * 6364136223846793005U + 1442695040888963407U;
        at[i] = (uint8_t)(all->random >> 56);
    }
    return FLOE_OK;
}

static void list_interfaces(script *s)
{
    floe_interface_address list[3] = {
        {.interface_name = "a", .interface_index = 1, .up = true},
        {.interface_name = "b", .interface_index = 2, .up = true},
        {.interface_name = "b", .interface_index = 2, .up = true, .temporary = true},
    };
    uint8_t which = floe_read_u8(&s->stage->reader);

    list[0].address = (floe_address){.family = FLOE_FAMILY_IPV4, .ip = {10, 0, 0, 1}};
    list[1].address = (floe_address){.family = FLOE_FAMILY_IPV6, .ip = {0x2a, 0, [15] = 1}};
    list[2].address = (floe_address){.family = FLOE_FAMILY_IPV6, .ip = {0x2a, 0, [15] = which}};
    floe_core_interfaces(s->core, s->stage->now, list, which % 4U);
}

static void open_channel(script *s, const floe_core_output *output)
{
    floe_address local = output->local;
    uint8_t choice = floe_read_u8(&s->stage->reader);

    if (choice % 8 == 7) {
        floe_core_open_failed(s->core, s->stage->now, output->channel,
                              choice > 100 ? FLOE_ERR_ADDRESS_IN_USE : FLOE_ERR_SYSTEM);
        return;
    }
    if (output->protocol == FLOE_PROTOCOL_TCP) {
        s->streams |= 1ULL << output->channel % 64;
    }
    local.port = (uint16_t)(1000 + output->channel);
    floe_core_opened(s->core, s->stage->now, output->channel, &local);
}

/* In ChannelData, in DTLS, or as it is. */
static bool is_owners(floe_span data)
{
    return data.size >= 4 &&
           (floe_packet_kind_of(data) != FLOE_PACKET_OTHER || memcmp(data.data, "own", 3) == 0);
}

static bool is_stream(const script *s)
{
    return (s->streams >> s->channel % 64 & 1) != 0;
}

/* A request that can be answered; what goes by TLS cannot be read. */
static void sent(script *s, const floe_core_output *output)
{
    floe_span data = floe_span_of(output->data, output->data_size);

    s->channel = output->channel;
    s->server = output->remote;
    if (data.size > sizeof s->request_bytes) {
        return; /* much data of the owner's */
    }
    memcpy(s->request_bytes, data.data, data.size);
    if (floe_stun_parse(floe_span_of(s->request_bytes, data.size), &s->request) ==
        FLOE_STUN_PARSED) {
        s->has_request = true;
    } else if (!is_stream(s) && !is_owners(data)) {
        abort();
    }
}

static void do_outputs(script *s)
{
    const floe_core_output *output;

    for (int i = 0; floe_core_poll(s->core, s->stage->now, &output); i++) {
        if (i > 100000) {
            abort(); /* it never rests */
        }
        switch (output->kind) {
        case FLOE_CORE_LIST_INTERFACES:
            list_interfaces(s);
            break;
        case FLOE_CORE_LISTEN:
            s->listener = output->channel;
            open_channel(s, output);
            break;
        case FLOE_CORE_OPEN:
            open_channel(s, output);
            break;
        case FLOE_CORE_SEND:
            sent(s, output);
            break;
        case FLOE_CORE_RESOLVE:
            s->query = output->query;
            break;
        case FLOE_CORE_PUBLISH:
            (void)snprintf(s->name, sizeof s->name, "%s", output->name);
            break;
        case FLOE_CORE_CANDIDATE:
        case FLOE_CORE_CANDIDATE_WITHDRAWN:
        case FLOE_CORE_CANDIDATE_ERROR:
            if (s->closed) {
                abort();
            }
            break;
        default:
            break;
        }
    }
}

static void give(script *s, floe_span bytes);

/* A peer connects, and says that he knows us, or something like it. */
static void connects(script *s)
{
    const floe_address peer = {.family = FLOE_FAMILY_IPV4, .port = 9000, .ip = {192, 0, 2, 1}};
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    const floe_stun_id id = {{1}};
    floe_stun_key *key = NULL;
    uint8_t frame[512] = {0};
    uint8_t bend = floe_read_u8(&s->stage->reader);
    uint32_t channel = floe_core_accepted(s->core, s->stage->now, s->listener, &peer);
    char name[300];

    if (channel == 0 || floe_core_get_local_parameters(s->core, &parameters) != FLOE_OK ||
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text(parameters.password),
                                 &key) != FLOE_OK) {
        return;
    }
    (void)snprintf(name, sizeof name, "%s:them", parameters.username_fragment);
    floe_stun_writer writer =
        floe_stun_begin(&frame[2], sizeof frame - 2, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(name));
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_key_release(key);
    size_t size = floe_stun_written(&writer).size;
    frame[1] = (uint8_t)size;
    frame[bend % (size + 2)] ^= bend / 128U;
    s->channel = channel;
    s->streams |= 1ULL << channel % 64;
    give(s, floe_span_of(frame, size + 2));
}

/* To the channel at hand, as what that is. */
static void give(script *s, floe_span bytes)
{
    const floe_packet *packet;

    if (is_stream(s)) {
        floe_core_stream(s->core, s->stage->now, s->channel, bytes.data, bytes.size);
    } else {
        floe_core_datagram(s->core, s->stage->now, s->channel, &s->server, bytes.data, bytes.size);
    }
    while (floe_core_packet(s->core, s->stage->now, &packet)) {
        if (s->closed) {
            abort();
        }
        (void)floe_core_answer_check(s->core, s->stage->now, packet, 487);
    }
}

/* An answer to the latest request: class and attributes as the script says, signed or not. */
static void answer(script *s)
{
    uint8_t bytes[1024];
    uint8_t shape = floe_read_u8(&s->stage->reader);
    uint8_t flips = floe_read_u8(&s->stage->reader);
    floe_address address = {.family = FLOE_FAMILY_IPV4, .port = 7, .ip = {203, 0, 113, 7}};
    floe_stun_key *key = NULL;

    if (!s->has_request) {
        return;
    }
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, (shape & 1) != 0 ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR,
                        s->request.method, &s->request.id);
    if ((shape & 1) == 0) {
        static const uint16_t codes[] = {300, 400, 401, 401, 437, 438, 486, 500};
        floe_stun_put_error(&writer, codes[floe_read_u8(&s->stage->reader) % 8U],
                            floe_span_text("x"));
    }
    if ((shape & 2) != 0) {
        uint8_t nonce = floe_read_u8(&s->stage->reader);
        floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text("r"));
        floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_of(&nonce, 1));
    }
    if ((shape & 4) != 0) {
        address.ip[3] = floe_read_u8(&s->stage->reader);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &address);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &address);
    }
    if ((shape & 8) != 0) {
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, floe_read_u32(&s->stage->reader));
    }
    if ((shape & 16) != 0) {
        floe_stun_put(&writer, floe_read_u16(&s->stage->reader), floe_span_text("?"));
    }
    if ((shape & 32) != 0 &&
        floe_stun_key_long_term(&floe_default_allocator, FLOE_STUN_PASSWORD_MD5,
                                floe_span_text("u"), floe_span_text("r"), floe_span_text("p"),
                                &key) == FLOE_OK) {
        floe_stun_put_integrity(&writer, key->sha1);
        floe_stun_key_release(key);
    }
    floe_span made = floe_stun_written(&writer);
    if ((flips & 0x80) != 0 && made.size > 0) {
        bytes[flips % made.size] ^= (uint8_t)(1 + floe_read_u8(&s->stage->reader));
    }
    if ((flips & 0x40) != 0) {
        s->server.port ^= 1;
    }
    give(s, made);
    if ((flips & 0x40) != 0) {
        s->server.port ^= 1;
    }
}

static void raw_datagram(script *s)
{
    size_t size = floe_read_u8(&s->stage->reader);
    size_t left = floe_reader_left(&s->stage->reader);
    floe_span bytes = floe_read_span(&s->stage->reader, size < left ? size : left);

    give(s, bytes);
}

static void resolved(script *s)
{
    uint8_t choice = floe_read_u8(&s->stage->reader);
    floe_address addresses[3] = {
        {.family = FLOE_FAMILY_IPV4, .ip = {203, 0, 113, 1}},
        {.family = FLOE_FAMILY_IPV4, .ip = {203, 0, 113, 2}},
        {.family = FLOE_FAMILY_IPV6, .ip = {0x2a, 1, [15] = 9}},
    };

    floe_core_resolved(s->core, s->stage->now, s->query - choice / 128U,
                       choice % 4 == 3 ? FLOE_ERR_NOT_FOUND : FLOE_OK, addresses, choice % 4U);
    s->query--;
}

/* What the owner may do at any moment. */
static void act(script *s)
{
    static const char *const urls[] = {"turn:203.0.113.1", "stun:203.0.113.2", "turn:a.example"};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    uint8_t choice = floe_read_u8(&s->stage->reader);

    switch (choice % 4) {
    case 0:
        (void)floe_core_start(s->core, s->stage->now);
        break;
    case 1:
        (void)floe_core_restart(s->core, s->stage->now);
        break;
    case 2:
        server.urls = urls;
        server.url_count = choice / 4 % 4U;
        server.username = "u";
        server.credential = "p";
        options.ice_servers = &server;
        options.ice_server_count = server.url_count > 0;
        options.gather_policy = (floe_gather_policy)(choice / 16 % 3U);
        options.candidate_pool_size = choice / 64 % 2U;
        (void)floe_core_set_options(s->core, s->stage->now, &options);
        break;
    default:
        floe_core_name_taken(s->core, s->stage->now, s->name);
        break;
    }
}

/* A packet of the owner, on a candidate or on none. */
static void owner_sends(script *s)
{
    const floe_address peer = {.family = FLOE_FAMILY_IPV4, .port = 9000, .ip = {192, 0, 2, 1}};

    (void)floe_core_send(s->core, s->stage->now, floe_read_u8(&s->stage->reader) % 16U, &peer,
                         "own packet", 10);
}

static void step(script *s)
{
    switch (floe_read_u8(&s->stage->reader) % 16) {
    case 15:
        connects(s);
        break;
    case 10:
        owner_sends(s);
        break;
    case 11:
        floe_core_disconnected(s->core, s->stage->now, s->channel);
        break;
    case 12:
        floe_core_blocked(s->core, s->channel);
        break;
    case 13:
        floe_core_writable(s->core, s->stage->now, s->channel);
        break;
    case 14:
        floe_core_services_resolved(s->core, s->stage->now, s->query, FLOE_ERR_NOT_FOUND, NULL, 0);
        s->query--;
        break;
    case 8:
        act(s);
        break;
    case 0:
    case 1:
        answer(s);
        break;
    case 2:
        raw_datagram(s);
        break;
    case 3:
        s->stage->now.ns += (uint64_t)floe_read_u16(&s->stage->reader) * 1000000U;
        floe_core_time(s->core, s->stage->now);
        break;
    case 4: {
        floe_time deadline = floe_core_deadline(s->core);
        if (deadline.ns != UINT64_MAX && deadline.ns > s->stage->now.ns) {
            s->stage->now = deadline;
        }
        floe_core_time(s->core, s->stage->now);
        break;
    }
    case 5:
        resolved(s);
        break;
    case 6:
        floe_core_unreachable(s->core, s->stage->now, s->channel, &s->server,
                              (floe_unreachable)(1 + floe_read_u8(&s->stage->reader) % 5U),
                              s->request_bytes, floe_read_u8(&s->stage->reader) % 29U);
        break;
    case 7:
        if (floe_read_u8(&s->stage->reader) % 16 == 0) {
            s->closed = true;
            floe_core_close(s->core, s->stage->now);
        }
        break;
    default:
        s->channel = floe_read_u8(&s->stage->reader) % 8U;
        break;
    }
}

static void begin(script *all, floe_core_shared *shared, const floe_gather_options *options)
{
    stage *at = all[0].stage;

    for (size_t i = 0; i < GATHERERS; i++) {
        all[i].stage = at;
        bool associated = i > 0 && floe_reader_left(&at->reader) % 2 == 1;
        floe_error error = associated ? floe_core_new_associated(all[0].core, &all[i].core)
                                      : floe_core_new(shared, options, &all[i].core);
        if (error != FLOE_OK || floe_core_start(all[i].core, at->now) != FLOE_OK) {
            abort();
        }
    }
}

/* A restart of one is one of its associated gatherer, and what is learned of an account is the
 * other's too: both may have outputs. */
static void all_outputs(script *all)
{
    for (size_t i = 0; i < GATHERERS; i++) {
        if (all[i].core != NULL) {
            do_outputs(&all[i]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const urls[] = {"stun:203.0.113.1",
                                       "turn:203.0.113.1",
                                       "turn:a.example",
                                       "turn:[2a01::9]:80",
                                       "turns:203.0.113.3",
                                       "turn:203.0.113.4?transport=tcp",
                                       "turns:x.example?transport=udp",
                                       "stun:b.example"};
    stage common = {.reader = floe_reader_of(data, size), .now = {1000000000U}};
    script all[GATHERERS] = {{.stage = &common}};
    floe_random random = {.user_data = &common, .fill = fill_random};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_core_shared *shared;
    uint8_t setup = floe_read_u8(&common.reader);

    settings.port_min = settings.port_max = (setup & 4) != 0 ? 5000 : 0;
    settings.on_trace = (setup & 8) != 0 ? (void (*)(void *, const floe_trace_event *))abort : NULL;
    settings.tls_insecure = true; /* the system's certificates take longer to read than all else */
    settings.network_types = (setup >> 4) < 9   ? 0
                             : (setup & 4) != 0 ? FLOE_NETWORK_TYPE_TCP4 | FLOE_NETWORK_TYPE_TCP6
                                                : FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4;
    server.urls = urls;
    server.url_count = (setup >> 4) % 9U;
    server.username = "u";
    server.credential = "p";
    options.ice_servers = &server;
    options.ice_server_count = server.url_count > 0;
    options.gather_policy = (floe_gather_policy)((setup & 3U) % 3U);
    settings.mdns_mode = (setup & 3U) == 3 ? FLOE_MDNS_MODE_QUERY_AND_GATHER : FLOE_MDNS_MODE_QUERY;
    if (floe_core_shared_new(&settings, &random, &shared) != FLOE_OK) {
        abort();
    }
    begin(all, shared, &options);
    for (size_t i = 0; i < GATHERERS; i++) {
        floe_core_receive_packets(all[i].core, (setup & 8) == 0);
    }
    all_outputs(all);
    while (floe_reader_left(&common.reader) > 0) {
        step(&all[GATHERERS == 1 ? 0 : floe_read_u8(&common.reader) % GATHERERS]);
        all_outputs(all);
    }
    for (size_t i = 0; i < GATHERERS; i++) {
        all[i].closed = true;
        floe_core_close(all[i].core, common.now);
        all_outputs(all);
        if (floe_core_state(all[i].core) != FLOE_GATHERER_STATE_CLOSED) {
            abort();
        }
        floe_core_free(all[i].core);
        all[i].core = NULL;
    }
    floe_core_shared_free(shared);
    return 0;
}

/* The core, driven by the input as a script: inputs in any order, answers made to fit the requests
 * that it sends and then bent, time in any steps. What must hold: it never sends after close, it
 * comes to rest, and it gives back its memory. */
#include "base/memory.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <floe/core.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct script {
    floe_reader reader;
    floe_core *core;
    floe_time now;
    uint32_t channel; /* of the latest packet */
    floe_address server;
    floe_stun_message request;
    uint8_t request_bytes[FLOE_CORE_DATA_SIZE];
    bool has_request;
    bool closed;
    uint32_t query;
    uint64_t random;
    char name[80]; /* the latest that was published */
} script;

static floe_error fill_random(void *user_data, void *bytes, size_t size)
{
    script *s = user_data;
    uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++) {
        s->random = s->random * 6364136223846793005U + 1442695040888963407U;
        at[i] = (uint8_t)(s->random >> 56);
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
    uint8_t which = floe_read_u8(&s->reader);

    list[0].address = (floe_address){.family = FLOE_FAMILY_IPV4, .ip = {10, 0, 0, 1}};
    list[1].address = (floe_address){.family = FLOE_FAMILY_IPV6, .ip = {0x2a, 0, [15] = 1}};
    list[2].address = (floe_address){.family = FLOE_FAMILY_IPV6, .ip = {0x2a, 0, [15] = which}};
    floe_core_interfaces(s->core, s->now, list, which % 4U);
}

static void open_channel(script *s, const floe_core_output *output)
{
    floe_address local = output->local;
    uint8_t choice = floe_read_u8(&s->reader);

    if (choice % 8 == 7) {
        floe_core_open_failed(s->core, s->now, output->channel,
                              choice > 100 ? FLOE_ERR_ADDRESS_IN_USE : FLOE_ERR_SYSTEM);
        return;
    }
    local.port = (uint16_t)(1000 + output->channel);
    floe_core_opened(s->core, s->now, output->channel, &local);
}

static void do_outputs(script *s)
{
    static floe_core_output output;

    for (int i = 0; floe_core_poll(s->core, s->now, &output); i++) {
        if (i > 100000) {
            abort(); /* it never rests */
        }
        switch (output.kind) {
        case FLOE_CORE_LIST_INTERFACES:
            list_interfaces(s);
            break;
        case FLOE_CORE_OPEN:
            open_channel(s, &output);
            break;
        case FLOE_CORE_SEND:
            if (floe_stun_parse(floe_span_of(output.data, output.data_size), &s->request) !=
                FLOE_STUN_PARSED) {
                abort();
            }
            memcpy(s->request_bytes, output.data, output.data_size);
            (void)floe_stun_parse(floe_span_of(s->request_bytes, output.data_size), &s->request);
            s->has_request = true;
            s->channel = output.channel;
            s->server = output.remote;
            break;
        case FLOE_CORE_RESOLVE:
            s->query = output.query;
            break;
        case FLOE_CORE_PUBLISH:
            (void)snprintf(s->name, sizeof s->name, "%s", output.name);
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

/* An answer to the latest request: class and attributes as the script says, signed or not. */
static void answer(script *s)
{
    uint8_t bytes[1024];
    uint8_t shape = floe_read_u8(&s->reader);
    uint8_t flips = floe_read_u8(&s->reader);
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
        floe_stun_put_error(&writer, codes[floe_read_u8(&s->reader) % 8U], floe_span_text("x"));
    }
    if ((shape & 2) != 0) {
        uint8_t nonce = floe_read_u8(&s->reader);
        floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text("r"));
        floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_of(&nonce, 1));
    }
    if ((shape & 4) != 0) {
        address.ip[3] = floe_read_u8(&s->reader);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &address);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &address);
    }
    if ((shape & 8) != 0) {
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, floe_read_u32(&s->reader));
    }
    if ((shape & 16) != 0) {
        floe_stun_put(&writer, floe_read_u16(&s->reader), floe_span_text("?"));
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
        bytes[flips % made.size] ^= (uint8_t)(1 + floe_read_u8(&s->reader));
    }
    if ((flips & 0x40) != 0) {
        s->server.port ^= 1;
    }
    floe_core_datagram(s->core, s->now, s->channel, &s->server, made.data, made.size);
    if ((flips & 0x40) != 0) {
        s->server.port ^= 1;
    }
}

static void raw_datagram(script *s)
{
    size_t size = floe_read_u8(&s->reader);
    size_t left = floe_reader_left(&s->reader);
    floe_span bytes = floe_read_span(&s->reader, size < left ? size : left);

    floe_core_datagram(s->core, s->now, s->channel, &s->server, bytes.data, bytes.size);
}

static void resolved(script *s)
{
    uint8_t choice = floe_read_u8(&s->reader);
    floe_address addresses[3] = {
        {.family = FLOE_FAMILY_IPV4, .ip = {203, 0, 113, 1}},
        {.family = FLOE_FAMILY_IPV4, .ip = {203, 0, 113, 2}},
        {.family = FLOE_FAMILY_IPV6, .ip = {0x2a, 1, [15] = 9}},
    };

    floe_core_resolved(s->core, s->now, s->query - choice / 128U,
                       choice % 4 == 3 ? FLOE_ERR_NOT_FOUND : FLOE_OK, addresses, choice % 4U);
    s->query--;
}

/* What the owner may do at any moment. */
static void act(script *s)
{
    static const char *const urls[] = {"turn:203.0.113.1", "stun:203.0.113.2", "turn:a.example"};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    uint8_t choice = floe_read_u8(&s->reader);

    switch (choice % 4) {
    case 0:
        (void)floe_core_start(s->core, s->now);
        break;
    case 1:
        (void)floe_core_restart(s->core, s->now);
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
        (void)floe_core_set_options(s->core, s->now, &options);
        break;
    default:
        floe_core_name_taken(s->core, s->now, s->name);
        break;
    }
}

static void step(script *s)
{
    switch (floe_read_u8(&s->reader) % 10) {
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
        s->now.ns += (uint64_t)floe_read_u16(&s->reader) * 1000000U;
        floe_core_time(s->core, s->now);
        break;
    case 4: {
        floe_time deadline = floe_core_deadline(s->core);
        if (deadline.ns != UINT64_MAX && deadline.ns > s->now.ns) {
            s->now = deadline;
        }
        floe_core_time(s->core, s->now);
        break;
    }
    case 5:
        resolved(s);
        break;
    case 6:
        floe_core_unreachable(s->core, s->now, s->channel, &s->server,
                              (floe_unreachable)(1 + floe_read_u8(&s->reader) % 5U),
                              s->request_bytes, floe_read_u8(&s->reader) % 29U);
        break;
    case 7:
        if (floe_read_u8(&s->reader) % 16 == 0) {
            s->closed = true;
            floe_core_close(s->core, s->now);
        }
        break;
    default:
        s->channel = floe_read_u8(&s->reader) % 8U;
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const urls[] = {"stun:203.0.113.1",  "turn:203.0.113.1", "turn:a.example",
                                       "turn:[2a01::9]:80", "turns:x.example",  "stun:b.example"};
    script s = {.reader = floe_reader_of(data, size), .now = {1000000000U}};
    floe_random random = {.user_data = &s, .fill = fill_random};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_core_shared *shared;
    uint8_t setup = floe_read_u8(&s.reader);

    settings.port_min = settings.port_max = (setup & 4) != 0 ? 5000 : 0;
    settings.on_trace = (setup & 8) != 0 ? (void (*)(void *, const floe_trace_event *))abort : NULL;
    server.urls = urls;
    server.url_count = (setup >> 4) % 7U;
    server.username = "u";
    server.credential = "p";
    options.ice_servers = &server;
    options.ice_server_count = server.url_count > 0;
    options.gather_policy = (floe_gather_policy)((setup & 3U) % 3U);
    settings.mdns_mode = (setup & 3U) == 3 ? FLOE_MDNS_MODE_QUERY_AND_GATHER : FLOE_MDNS_MODE_QUERY;
    if (floe_core_shared_new(&settings, &random, &shared) != FLOE_OK ||
        floe_core_new(shared, &options, &s.core) != FLOE_OK ||
        floe_core_start(s.core, s.now) != FLOE_OK) {
        abort();
    }
    do_outputs(&s);
    while (floe_reader_left(&s.reader) > 0) {
        step(&s);
        do_outputs(&s);
    }
    s.closed = true;
    floe_core_close(s.core, s.now);
    do_outputs(&s);
    if (floe_core_state(s.core) != FLOE_GATHERER_STATE_CLOSED) {
        abort();
    }
    floe_core_free(s.core);
    floe_core_shared_free(shared);
    return 0;
}

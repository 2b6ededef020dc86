#include "cost/many.h"

#include "base/address.h"
#include "base/memory.h"
#include "base/time.h"
#include "polled.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <floe/core.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESSES_MAX 1000
#define SERVERS_MAX 100
#define CANDIDATES_MAX (22 * ADDRESSES_MAX)

typedef struct many {
    floe_core *core;
    floe_time now;
    size_t addresses;
    many_kind kind;
    floe_stun_key *key; /* of the user at TURN servers */
    many_result result;
    floe_core_output output;
} many;

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

static floe_address address_on(size_t n, uint16_t port)
{
    return floe_address_ipv4(0x0a000001U + (uint32_t)(n / 250 << 8) + (uint32_t)(n % 250), port);
}

static void list_interfaces(many *m)
{
    static floe_interface_address list[ADDRESSES_MAX];

    for (size_t i = 0; i < m->addresses; i++) {
        list[i] = (floe_interface_address){.interface_name = "eth0",
                                           .interface_index = (uint32_t)i + 1,
                                           .up = true,
                                           .address = address_on(i, 0)};
    }
    floe_core_interfaces(m->core, m->now, list, m->addresses);
}

/* Each socket is behind a NAT of its own. */
static floe_address mapped_of(uint32_t channel)
{
    return floe_address_ipv4(0xc0000207U, (uint16_t)(1000 + channel));
}

#define REALM "floe.test"

/* RFC 8656 §7.2: who does not sign is asked to; who does has a port of its own. There is no IPv6. */
static floe_stun_writer answer_as_turn(many *m, const floe_stun_message *request, void *bytes,
                                       size_t size)
{
    floe_address relayed =
        floe_address_ipv4(0xc6336400U + m->output.remote.ip[3], (uint16_t)m->output.channel);
    floe_address mapped = mapped_of(m->output.channel);
    floe_span name;

    if (!floe_stun_find(request, FLOE_STUN_USERNAME, &name)) {
        floe_stun_writer writer =
            floe_stun_begin(bytes, size, FLOE_STUN_ERROR, request->method, &request->id);
        floe_stun_put_error(&writer, 401, (floe_span){0});
        floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text(REALM));
        floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text("nonce"));
        return writer;
    }
    floe_stun_writer writer =
        floe_stun_begin(bytes, size, FLOE_STUN_SUCCESS, request->method, &request->id);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &relayed);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    if (floe_stun_has(request, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY)) {
        floe_stun_put_address_error(&writer, FLOE_STUN_ADDRESS_ERROR_CODE, 2, 440, (floe_span){0});
    }
    floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
    floe_stun_put_integrity(&writer, m->key->sha1);
    return writer;
}

static floe_stun_writer answer_as_stun(const many *m, const floe_stun_message *request, void *bytes,
                                       size_t size)
{
    bool refuses = m->kind == MANY_REFUSING;
    floe_address mapped = mapped_of(m->output.channel);
    floe_stun_writer writer = floe_stun_begin(
        bytes, size, refuses ? FLOE_STUN_ERROR : FLOE_STUN_SUCCESS, request->method, &request->id);

    if (refuses) {
        floe_stun_put_error(&writer, 500, (floe_span){0});
    } else {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    }
    return writer;
}

static void answer(many *m)
{
    uint8_t request[FLOE_CORE_DATA_SIZE];
    uint8_t bytes[256];
    floe_stun_message message;
    floe_address from = m->output.remote;
    uint32_t channel = m->output.channel;

    m->result.sent++;
    memcpy(request, m->output.data, m->output.data_size);
    if (m->kind == MANY_SILENT ||
        floe_stun_parse(floe_span_of(request, m->output.data_size), &message) != FLOE_STUN_PARSED) {
        return;
    }
    floe_stun_writer writer = message.method == FLOE_STUN_BINDING
                                  ? answer_as_stun(m, &message, bytes, sizeof bytes)
                                  : answer_as_turn(m, &message, bytes, sizeof bytes);
    floe_span written = floe_stun_written(&writer);
    floe_core_datagram(m->core, m->now, channel, &from, written.data, written.size);
}

static void settle(many *m)
{
    while (polled(m->core, m->now, &m->output)) {
        floe_address local = m->output.local;
        switch (m->output.kind) {
        case FLOE_CORE_LIST_INTERFACES:
            list_interfaces(m);
            break;
        case FLOE_CORE_OPEN:
            local.port = (uint16_t)(4000 + m->output.channel);
            floe_core_opened(m->core, m->now, m->output.channel, &local);
            break;
        case FLOE_CORE_SEND:
            answer(m);
            break;
        case FLOE_CORE_STATE:
            m->result.complete |= m->output.state == FLOE_GATHERER_STATE_COMPLETE;
            break;
        case FLOE_CORE_CANDIDATE:
            m->result.candidates += m->output.candidate != NULL;
            break;
        case FLOE_CORE_CANDIDATE_ERROR:
            m->result.errors++;
            break;
        default:
            break;
        }
    }
}

static int by_value(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a;
    uint32_t second = *(const uint32_t *)b;

    return (first > second) - (first < second);
}

/* The type's preference leads, so it is enough to compare whole priorities. */
static bool are_unique(const floe_core *core)
{
    static uint32_t priorities[CANDIDATES_MAX];
    floe_candidate_list *list;
    bool unique = floe_core_get_local_candidates(core, &list) == FLOE_OK;

    if (!unique || list->count > CANDIDATES_MAX) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        priorities[i] = list->candidates[i]->priority;
    }
    qsort(priorities, list->count, sizeof *priorities, by_value);
    for (size_t i = 1; i < list->count; i++) {
        unique = unique && priorities[i] != priorities[i - 1];
    }
    floe_candidate_list_free(list);
    return unique;
}

static void gather(many *m)
{
    (void)floe_core_start(m->core, m->now);
    settle(m);
    for (size_t turns = 0; !m->result.complete && turns < 10000000; turns++) {
        floe_time due = floe_core_deadline(m->core);
        m->now = due.ns > m->now.ns ? due : m->now;
        floe_core_time(m->core, m->now);
        settle(m);
    }
    m->result.unique = are_unique(m->core);
    floe_core_close(m->core, m->now);
    settle(m);
}

static floe_error make_core(many *m, floe_core_shared *shared, size_t servers)
{
    static char texts[SERVERS_MAX][32];
    static const char *urls[SERVERS_MAX];
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    bool turn = m->kind == MANY_RELAYS;

    for (size_t i = 0; i < servers; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%s:203.0.113.%zu", turn ? "turn" : "stun",
                       i + 1);
        urls[i] = texts[i];
    }
    server.urls = urls;
    server.url_count = servers;
    server.username = turn ? "user" : NULL;
    server.credential = turn ? "secret" : NULL;
    options.ice_servers = &server;
    options.ice_server_count = servers > 0;
    return floe_core_new(shared, &options, &m->core);
}

many_result many_gather(size_t addresses, size_t servers, many_kind kind)
{
    uint64_t state = 1;
    floe_random random = {.fill = fill, .user_data = &state};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_core_shared *shared;
    many m = {.now = {UINT64_C(1000000000000)}, .addresses = addresses, .kind = kind};

    settings.addresses_max = FLOE_UNLIMITED;
    settings.gather_timeout_ms = 3600000;
    if (floe_core_shared_new(&settings, &random, &shared) != FLOE_OK) {
        return m.result;
    }
    if (floe_stun_key_long_term(&floe_default_allocator, FLOE_STUN_PASSWORD_MD5,
                                floe_span_text("user"), floe_span_text(REALM),
                                floe_span_text("secret"), &m.key) == FLOE_OK &&
        make_core(&m, shared, servers) == FLOE_OK) {
        gather(&m);
    }
    floe_core_free(m.core);
    floe_stun_key_release(m.key);
    floe_core_shared_free(shared);
    return m.result;
}

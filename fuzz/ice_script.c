/* An agent whose peer does whatever it likes: the bytes are a script of candidates, checks, answers to its checks, other
 * packets, and what its owner and the network do. What is sent is bounded, and it comes to rest. */
#include "base/address.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/time.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <floe/ice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SENT_MAX 32
#define STEPS_MAX 400

static const char *const users[] = {"remo", "other", "third"};
static const char *const password = "remotePassword+/0123456789";

typedef struct session {
    floe_reader script;
    floe_core_shared *shared;
    floe_core *core;
    floe_ice *ice;
    floe_time now;
    uint32_t channel;
    floe_address socket;
    unsigned user;
    struct {
        floe_stun_id id;
        floe_address to;
    } sent[SENT_MAX]; /* the latest checks */
    unsigned count;
    uint32_t listener;
    uint32_t connection;     /* the latest by TCP */
    floe_address other;      /* its other end */
    unsigned without_answer; /* checks since anything was answered or restarted */
} session;

static uint64_t state;

static floe_error next_random(void *user_data, void *bytes, size_t size)
{
    uint8_t *at = bytes;

    (void)user_data;
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        at[i] = (uint8_t)(state >> 56);
    }
    return FLOE_OK;
}

static const floe_random randomness = {.fill = next_random};

static floe_address place(uint8_t which)
{
    return floe_address_ipv4(0xc6336400U + which % 16U, (uint16_t)(7000U + which / 16U));
}

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void outputs(session *s)
{
    const floe_core_output *output;
    const floe_ice_output *event;
    floe_interface_address one = FLOE_INTERFACE_ADDRESS_INIT;

    while (floe_core_poll(s->core, s->now, &output)) {
        floe_stun_message message;
        if (output->kind == FLOE_CORE_LIST_INTERFACES) {
            one.interface_name = "eth0";
            one.up = true;
            one.default_route = true;
            one.address = floe_address_ipv4(0xc0000201U, 0);
            floe_core_interfaces(s->core, s->now, &one, 1);
        } else if (output->kind == FLOE_CORE_LISTEN) {
            s->listener = output->channel;
            s->socket = floe_address_with_port(output->local, 5001);
            floe_core_opened(s->core, s->now, output->channel, &s->socket);
        } else if (output->kind == FLOE_CORE_OPEN && output->protocol == FLOE_PROTOCOL_TCP) {
            s->connection = output->channel;
            s->other = output->remote;
        } else if (output->kind == FLOE_CORE_CLOSE && output->channel == s->connection) {
            s->connection = 0;
        } else if (output->kind == FLOE_CORE_OPEN) {
            s->channel = output->channel;
            s->socket = floe_address_with_port(output->local, 5000);
            floe_core_opened(s->core, s->now, output->channel, &s->socket);
        } else if (output->kind == FLOE_CORE_SEND &&
                   floe_stun_parse(floe_span_of(output->data, output->data_size), &message) ==
                       FLOE_STUN_PARSED &&
                   message.class == FLOE_STUN_REQUEST) {
            s->sent[s->count % SENT_MAX].id = message.id;
            s->sent[s->count++ % SENT_MAX].to = output->remote;
            must(++s->without_answer <= 50 * 65); /* I16: 64 addresses at most */
        }
        floe_ice_core_output(s->ice, s->now, output);
    }
    while (floe_ice_poll(s->ice, &event)) {
        must(event->pair == NULL || event->pair->remote != NULL);
        must(event->kind != FLOE_ICE_STATE || floe_ice_state_name(event->state)[0] != '\0');
    }
}

static void comes(session *s, const floe_address *from, floe_span bytes)
{
    const floe_packet *packet;

    floe_core_datagram(s->core, s->now, s->channel, from, bytes.data, bytes.size);
    while (floe_core_packet(s->core, s->now, &packet)) {
        (void)floe_ice_owns(s->ice, packet);
        (void)floe_ice_packet(s->ice, s->now, packet);
    }
}

/* By the latest connection, in a frame. */
static void comes_by_tcp(session *s, floe_span bytes)
{
    const floe_packet *packet;
    uint8_t length[2] = {(uint8_t)(bytes.size >> 8), (uint8_t)bytes.size};

    if (s->connection == 0) {
        return;
    }
    floe_core_stream(s->core, s->now, s->connection, length, sizeof length);
    floe_core_stream(s->core, s->now, s->connection, bytes.data, bytes.size);
    while (floe_core_packet(s->core, s->now, &packet)) {
        (void)floe_ice_owns(s->ice, packet);
        (void)floe_ice_packet(s->ice, s->now, packet);
    }
}

/* It stands, it is refused, it ends, or somebody connects to us. */
static void connection_happens(session *s, uint8_t what)
{
    floe_address local = s->socket;

    if (what % 4 == 3) {
        floe_address from = place(what);
        uint32_t made = floe_core_accepted(s->core, s->now, s->listener, &from);
        s->connection = made != 0 ? made : s->connection;
        s->other = made != 0 ? from : s->other;
    } else if (s->connection == 0) {
        return;
    } else if (what % 4 == 0) {
        floe_core_opened(s->core, s->now, s->connection, &local);
    } else if (what % 4 == 1) {
        floe_core_unreachable(s->core, s->now, s->connection, &s->other, FLOE_UNREACHABLE_PORT,
                              NULL, 0);
    } else {
        floe_core_disconnected(s->core, s->now, s->connection);
        s->connection = 0;
    }
}

static void pass_time(session *s, uint8_t much)
{
    floe_time end = floe_time_after(s->now, floe_milliseconds((uint64_t)much * much * 2));
    unsigned steps = 0;

    for (;;) {
        floe_time at = floe_time_min(floe_core_deadline(s->core), floe_ice_deadline(s->ice));
        if (at.ns > end.ns) {
            break;
        }
        must(++steps < 100000);
        s->now = floe_time_max(at, s->now);
        floe_core_time(s->core, s->now);
        floe_ice_time(s->ice, s->now);
        outputs(s);
    }
    s->now = end;
}

static void sign(floe_stun_writer *writer, const char *by)
{
    floe_stun_key *key = NULL;

    if (floe_stun_key_short_term(&floe_default_allocator, floe_span_text(by), &key) == FLOE_OK) {
        floe_stun_put_integrity(writer, key->sha1);
        floe_stun_key_release(key);
    }
    floe_stun_put_fingerprint(writer);
}

static void check(session *s)
{
    uint8_t bytes[512];
    char username[300];
    uint8_t flags = floe_read_u8(&s->script);
    floe_address from = place(floe_read_u8(&s->script));
    floe_parameters local = FLOE_PARAMETERS_INIT;
    floe_stun_id id = {{0}};

    (void)floe_core_get_local_parameters(s->core, &local);
    (void)floe_random_fill(&randomness, id.bytes, sizeof id.bytes);
    (void)snprintf(username, sizeof username, "%s:%s", local.username_fragment,
                   users[flags & 64 ? (s->user + 1) % 3 : s->user]);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(username));
    floe_stun_put_u32(&writer, FLOE_STUN_PRIORITY, floe_read_u8(&s->script) * 0x10101U);
    floe_stun_put_u64(&writer, flags & 1 ? FLOE_STUN_ICE_CONTROLLING : FLOE_STUN_ICE_CONTROLLED,
                      flags & 2 ? UINT64_MAX : 0);
    if (flags & 4) {
        floe_stun_put(&writer, FLOE_STUN_USE_CANDIDATE, (floe_span){0});
    }
    if (flags & 8) {
        floe_stun_put_u32(&writer, 0x7ffe, 0);
    }
    sign(&writer, flags & 16 ? password : local.password);
    if (flags & 128) {
        comes_by_tcp(s, floe_stun_written(&writer));
    } else {
        comes(s, &from, floe_stun_written(&writer));
    }
}

static void answer(session *s)
{
    static const uint16_t codes[] = {0, 0, 0, 487, 400, 403, 401, 500};
    uint8_t bytes[256];
    uint8_t flags = floe_read_u8(&s->script);
    uint8_t which = floe_read_u8(&s->script);

    if (s->count == 0) {
        return;
    }
    unsigned n = (s->count - 1 - which % SENT_MAX % s->count) % SENT_MAX;
    uint16_t code = codes[flags & 7];
    floe_address from = flags & 8 ? place(which) : s->sent[n].to;
    floe_address mapped = flags & 16 ? place((uint8_t)(which + 3)) : s->socket;
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, code == 0 ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR,
                        FLOE_STUN_BINDING, &s->sent[n].id);
    if (code != 0) {
        floe_stun_put_error(&writer, code, (floe_span){0});
    } else if (!(flags & 32)) {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    }
    sign(&writer, flags & 64 ? "somebodyElse+/0123456789" : password);
    s->without_answer = 0;
    if (flags & 128) {
        comes_by_tcp(s, floe_stun_written(&writer));
    } else {
        comes(s, &from, floe_stun_written(&writer));
    }
}

/* Adds one, or removes it. */
static void add(session *s, bool removes)
{
    static const char *const types[] = {"host", "srflx", "prflx", "relay"};
    static const char *const tcp_types[] = {"tcptype active", "tcptype passive", "tcptype so"};
    char text[200];
    char address[FLOE_ADDRESS_TEXT_SIZE];
    uint8_t what = floe_read_u8(&s->script);
    floe_address at = place(floe_read_u8(&s->script));
    floe_candidate *candidate = NULL;

    (void)floe_address_format(&at, address, sizeof address);
    if (at.ip[3] % 4 == 3) {
        (void)snprintf(address, sizeof address, "%c.local", 'a' + at.ip[3]);
    }
    (void)snprintf(text, sizeof text, "f%u 1 %s %u %s %u typ %s %s", what / 16,
                   what & 8 ? "tcp" : "udp", 1U + what * 65793U, address, at.port, types[what % 4],
                   what & 8 ? tcp_types[what / 16 % 3] : "");
    if (floe_candidate_parse(text, &candidate) == FLOE_OK) {
        if (removes) {
            (void)floe_ice_remove_remote_candidate(s->ice, s->now, candidate);
            s->without_answer = 0;
        } else {
            (void)floe_ice_add_remote_candidate(s->ice, s->now, candidate);
        }
        floe_candidate_free(candidate);
    }
}

static void looked_up(session *s)
{
    char name[] = "a.local";
    floe_address found[4];
    uint8_t how = floe_read_u8(&s->script);
    size_t count = how >> 4 & 3;

    name[0] = (char)('a' + how % 16);
    for (size_t i = 0; i < count; i++) {
        found[i] = place((uint8_t)(how + i));
    }
    floe_ice_looked_up(s->ice, s->now, name, how & 128 ? FLOE_ERR_TIMED_OUT : FLOE_OK, found,
                       count);
}

static void start(session *s, uint8_t how)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;

    if (how & 4) {
        (void)floe_core_restart(s->core, s->now);
        (void)floe_core_start(s->core, s->now);
    }
    s->user = how & 2 ? (s->user + 1) % 3 : s->user;
    (void)snprintf(remote.username_fragment, sizeof remote.username_fragment, "%s", users[s->user]);
    (void)snprintf(remote.password, sizeof remote.password, "%s", password);
    remote.ice_lite = (how & 24) == 24;
    (void)floe_ice_start(s->ice, s->now, &remote,
                         how & 1 ? FLOE_ICE_ROLE_CONTROLLING : FLOE_ICE_ROLE_CONTROLLED);
    s->without_answer = 0;
}

static void withdraw(session *s, uint8_t id)
{
    const floe_candidate gone = {.id = id % 3};
    const floe_core_output output = {.kind = FLOE_CORE_CANDIDATE_WITHDRAWN, .candidate = &gone};

    floe_ice_core_output(s->ice, s->now, &output);
}

static void unreachable(session *s, uint8_t where)
{
    const floe_core_output output = {.kind = FLOE_CORE_UNREACHABLE,
                                     .candidate_id = 1,
                                     .remote = place(where),
                                     .unreachable = FLOE_UNREACHABLE_PORT};

    floe_ice_core_output(s->ice, s->now, &output);
}

static void step(session *s)
{
    uint8_t what = floe_read_u8(&s->script);
    uint8_t size;
    floe_address from;

    switch (what % 15) {
    case 0:
        add(s, false);
        break;
    case 1:
        (void)floe_ice_add_remote_candidate(s->ice, s->now, NULL);
        break;
    case 2:
        check(s);
        break;
    case 3:
    case 4:
        answer(s);
        break;
    case 5:
        pass_time(s, floe_read_u8(&s->script));
        break;
    case 6:
        (void)floe_ice_send(s->ice, s->now, "data", 4);
        break;
    case 7:
        unreachable(s, floe_read_u8(&s->script));
        break;
    case 8:
        start(s, floe_read_u8(&s->script));
        break;
    case 9:
        from = place(floe_read_u8(&s->script));
        size = floe_read_u8(&s->script);
        comes(s, &from, floe_read_span(&s->script, size % 64));
        break;
    case 10:
        withdraw(s, floe_read_u8(&s->script));
        break;
    case 11:
        add(s, true);
        break;
    case 12:
        looked_up(s);
        break;
    case 13:
        connection_happens(s, floe_read_u8(&s->script));
        break;
    default:
        pass_time(s, 3);
        break;
    }
    outputs(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    session s = {.script = floe_reader_of(data, size), .now = {1000000}};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    uint8_t how = floe_read_u8(&s.script);

    state = 1;
    settings.ice_lite = how == 255;
    options.report_pairs = (how & 32) != 0;
    options.renomination = (how & 2) != 0;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    if (how & 16) {
        settings.network_types |= FLOE_NETWORK_TYPE_TCP4;
    }
    if (floe_core_shared_new(&settings, &randomness, &s.shared) != FLOE_OK ||
        floe_core_new(s.shared, NULL, &s.core) != FLOE_OK ||
        floe_core_receive_packets(s.core, true) != FLOE_OK ||
        floe_ice_new(s.core, &options, &randomness, &s.ice) != FLOE_OK) {
        abort();
    }
    (void)floe_core_start(s.core, s.now);
    outputs(&s);
    if (how & 1) {
        start(&s, how);
    }
    for (unsigned steps = 0; steps < STEPS_MAX && floe_reader_left(&s.script) > 0; steps++) {
        step(&s);
    }
    pass_time(&s, 255);
    floe_ice_pair_list *list = NULL;
    if (floe_ice_get_pairs(s.ice, &list) == FLOE_OK) {
        must(list->count <= 101);
        floe_ice_pair_list_free(list);
    }
    if (how & 64) {
        floe_ice_close(s.ice, s.now);
    }
    floe_ice_free(s.ice);
    floe_core_free(s.core);
    floe_core_shared_free(s.shared);
    return 0;
}

#include "cost/shared_port.h"

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

#define CHECK_SIZE 256

typedef struct session {
    floe_core *core;
    uint32_t host; /* its candidate */
    size_t check_size;
    uint8_t check[CHECK_SIZE]; /* its peer's */
} session;

struct shared_port {
    floe_core_shared *shared;
    floe_core *mux;
    floe_core_output output;
    floe_time now;
    uint64_t random;
    uint32_t socket;
    bool complete; /* the one that gathers */
    uint32_t host;
    size_t count;
    session gatherers[];
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

static floe_address peer_of(size_t n)
{
    return floe_address_ipv4(0xc6120000U + (uint32_t)(n / 100), (uint16_t)(1000 + n % 100));
}

static void do_output(shared_port *s, floe_core *core)
{
    floe_interface_address one = {.interface_name = "eth0",
                                  .interface_index = 1,
                                  .up = true,
                                  .default_route = true,
                                  .address = floe_address_ipv4(0x0a000102U, 0)};
    floe_address local = s->output.local;

    switch (s->output.kind) {
    case FLOE_CORE_LIST_INTERFACES:
        floe_core_interfaces(core, s->now, &one, 1);
        break;
    case FLOE_CORE_OPEN:
        local.port = 5000;
        s->socket = s->output.channel;
        floe_core_opened(core, s->now, s->output.channel, &local);
        break;
    case FLOE_CORE_CANDIDATE:
        s->complete = s->output.candidate == NULL;
        s->host = s->output.candidate != NULL ? s->output.candidate->id : s->host;
        break;
    default:
        break;
    }
}

/* The mux, and the gatherer at hand. */
static void settle(shared_port *s, floe_core *core)
{
    bool any;

    do {
        any = false;
        while (polled(s->mux, s->now, &s->output)) {
            any = true;
            do_output(s, s->mux);
        }
        while (core != NULL && polled(core, s->now, &s->output)) {
            any = true;
            do_output(s, core);
        }
        while (floe_core_mux_touched(s->mux) != NULL) {
        }
    } while (any);
}

static floe_core *gathered(shared_port *s)
{
    floe_core *core;

    if (floe_core_new(s->shared, NULL, &core) != FLOE_OK) {
        return NULL;
    }
    s->complete = false;
    (void)floe_core_receive_packets(core, true);
    (void)floe_core_start(core, s->now);
    settle(s, core);
    return core;
}

static size_t write_check(const char *ours, const char *password, uint8_t *bytes)
{
    static const floe_stun_id id = {.bytes = {1, 2, 3}};
    floe_stun_key *key;
    char name[300];

    if (floe_stun_key_short_term(&floe_default_allocator, floe_span_text(password), &key) !=
        FLOE_OK) {
        return 0;
    }
    (void)snprintf(name, sizeof name, "%s:peer", ours);
    floe_stun_writer writer =
        floe_stun_begin(bytes, CHECK_SIZE, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(name));
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_put_fingerprint(&writer);
    floe_stun_key_release(key);
    return floe_stun_written(&writer).size;
}

static bool add(shared_port *s, session *g)
{
    floe_parameters parameters = FLOE_PARAMETERS_INIT;

    g->core = gathered(s);
    if (g->core == NULL || floe_core_get_local_parameters(g->core, &parameters) != FLOE_OK) {
        return false;
    }
    g->host = s->host;
    g->check_size = write_check(parameters.username_fragment, parameters.password, g->check);
    s->count++;
    return s->complete && shared_port_check(s, (size_t)(g - s->gatherers));
}

shared_port *shared_port_new(size_t gatherers)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    shared_port *s = calloc(1, sizeof *s + gatherers * sizeof *s->gatherers);

    if (s == NULL) {
        return NULL;
    }
    const floe_random random = {.fill = fill, .user_data = &s->random};
    settings.udp_mux_port = 5000;
    s->now = floe_time_after((floe_time){0}, floe_seconds(1000));
    if (floe_core_shared_new(&settings, &random, &s->shared) != FLOE_OK) {
        free(s);
        return NULL;
    }
    s->mux = floe_core_shared_mux(s->shared);
    for (size_t i = 0; i < gatherers; i++) {
        if (!add(s, &s->gatherers[i])) {
            shared_port_free(s);
            return NULL;
        }
    }
    return s;
}

static void leave(shared_port *s, floe_core *core)
{
    floe_core_close(core, s->now);
    settle(s, core);
    floe_core_free(core);
}

void shared_port_free(shared_port *s)
{
    for (size_t i = 0; i < s->count; i++) {
        leave(s, s->gatherers[i].core);
    }
    floe_core_shared_free(s->shared);
    free(s);
}

/* Whose packet it is. */
static floe_core *comes(shared_port *s, const floe_address *from, const void *data, size_t size)
{
    const floe_packet *packet;
    floe_core *owner = NULL;

    floe_core_datagram(s->mux, s->now, s->socket, from, data, size);
    while (floe_core_packet(s->mux, s->now, &packet)) {
        owner = floe_core_packet_owner(s->mux);
    }
    settle(s, owner);
    return owner;
}

bool shared_port_data(shared_port *s, size_t gatherer)
{
    static const uint8_t data[1200] = {0x80};
    floe_address from = peer_of(gatherer);

    return comes(s, &from, data, sizeof data) == s->gatherers[gatherer].core;
}

bool shared_port_check(shared_port *s, size_t gatherer)
{
    const session *g = &s->gatherers[gatherer];
    floe_address from = peer_of(gatherer);

    return comes(s, &from, g->check, g->check_size) == g->core;
}

bool shared_port_send(shared_port *s, size_t gatherer)
{
    static const uint8_t data[1200] = {0x80};
    const session *g = &s->gatherers[gatherer];
    floe_address to = peer_of(gatherer);

    if (floe_core_send(g->core, s->now, g->host, &to, data, sizeof data) != FLOE_OK) {
        return false;
    }
    settle(s, g->core);
    return true;
}

bool shared_port_stranger(shared_port *s, size_t from)
{
    static uint8_t check[CHECK_SIZE];
    static size_t size;
    floe_address source = peer_of(from + 100000);

    if (size == 0) {
        size = write_check("stranger", "a password of theirs, of 22", check);
    }
    memcpy(&check[8], &from, 4); /* a transaction of its own */
    return comes(s, &source, check, size) == NULL;
}

bool shared_port_another(shared_port *s, size_t n)
{
    floe_core *core = gathered(s);

    (void)n;
    if (core == NULL) {
        return false;
    }
    leave(s, core);
    return s->complete;
}

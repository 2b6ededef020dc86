/* The simulation's STUN and TURN server, written from RFC 8489 and RFC 8656, with a switch for each
 * kind of misbehaviour. */
#include "world.h"

#include "base/memory.h"
#include "stun/key.h"

#include <string.h>

#define REALM "sim.example"
#define USERNAME "user"
#define PASSWORD "password"

static floe_stun_key *server_key(void)
{
    floe_stun_key *key = NULL;

    (void)floe_stun_key_long_term(&floe_default_allocator, FLOE_STUN_PASSWORD_MD5,
                                  floe_span_text(USERNAME), floe_span_text(REALM),
                                  floe_span_text(PASSWORD), &key);
    return key;
}

static unsigned *one_use_nonce(sim_world *world, const sim_server *server,
                               const floe_address *client)
{
    size_t n = (size_t)(server - world->config->servers);
    sim_counter *counters = world->one_use_nonces;
    size_t i = 0;

    while (i < world->one_use_nonce_count &&
           (counters[i].server != n || !floe_address_equal(&counters[i].client, client))) {
        i++;
    }
    if (i == sizeof world->one_use_nonces / sizeof *counters) {
        world_violated(world, "the simulation's table of nonces is full");
        return &counters[0].count;
    }
    if (i == world->one_use_nonce_count) {
        counters[world->one_use_nonce_count++] = (sim_counter){.server = n, .client = *client};
    }
    return &counters[i].count;
}

static void nonce_for(sim_world *world, const sim_server *server, const floe_address *client,
                      char *nonce, size_t size)
{
    switch (server->nonce) {
    case SIM_NONCE_FOR_ALL:
        (void)snprintf(nonce, size, "for-all-%u", server->port);
        break;
    case SIM_NONCE_PER_CLIENT:
        (void)snprintf(nonce, size, "client-%08x", floe_address_hash(client));
        break;
    default:
        (void)snprintf(nonce, size, "once-%u", *one_use_nonce(world, server, client));
        break;
    }
}

typedef struct server_reply {
    sim_world *world;
    size_t server;
    floe_address client;
    floe_stun_key *key; /* NULL: unsigned */
    uint8_t bytes[1024];
    floe_stun_writer writer;
} server_reply;

static void begin_reply(server_reply *reply, const floe_stun_message *request,
                        floe_stun_class class)
{
    reply->writer =
        floe_stun_begin(reply->bytes, sizeof reply->bytes, class, request->method, &request->id);
}

static void send_reply(server_reply *reply)
{
    floe_address from = server_address(reply->world, reply->server);

    if (reply->key != NULL) {
        floe_stun_put_integrity(&reply->writer, reply->key->sha1);
    }
    world_answer(reply->world, reply->server, &from, &reply->client,
                 floe_stun_written(&reply->writer));
}

static void reply_error(server_reply *reply, const floe_stun_message *request, uint16_t code)
{
    begin_reply(reply, request, FLOE_STUN_ERROR);
    floe_stun_put_error(&reply->writer, code, floe_span_text("Simulated"));
    send_reply(reply);
}

static void challenge(server_reply *reply, const floe_stun_message *request, uint16_t code)
{
    char nonce[64];
    const sim_server *server = &reply->world->config->servers[reply->server];

    (*one_use_nonce(reply->world, server, &reply->client))++;
    nonce_for(reply->world, server, &reply->client, nonce, sizeof nonce);
    begin_reply(reply, request, FLOE_STUN_ERROR);
    floe_stun_put_error(&reply->writer, code, floe_span_text("Challenge"));
    floe_stun_put(&reply->writer, FLOE_STUN_REALM, floe_span_text(REALM));
    floe_stun_put(&reply->writer, FLOE_STUN_NONCE, floe_span_text(nonce));
    reply->key = NULL;
    send_reply(reply);
}

/* Long-term credentials (RFC 8489 §9.2.4). True: the request is authenticated. */
static bool authenticate(server_reply *reply, const floe_stun_message *request)
{
    const sim_server *server = &reply->world->config->servers[reply->server];
    char right[64];
    floe_span nonce;

    if (request->integrity_at == 0) {
        challenge(reply, request, 401);
        return false;
    }
    nonce_for(reply->world, server, &reply->client, right, sizeof right);
    if (!floe_stun_find(request, FLOE_STUN_NONCE, &nonce) ||
        !floe_span_equal(nonce, floe_span_text(right))) {
        challenge(reply, request, 438);
        return false;
    }
    if (server->nonce == SIM_NONCE_ONE_USE) {
        (*one_use_nonce(reply->world, server, &reply->client))++;
    }
    if (server->temper == SIM_WRONG_PASSWORD ||
        !floe_stun_check_integrity(request, reply->key->sha1)) {
        challenge(reply, request, 401);
        return false;
    }
    return true;
}

static void drop_allocation(sim_world *world, sim_allocation *allocation)
{
    *allocation = world->allocations[--world->allocation_count];
}

static sim_allocation *find_allocation(sim_world *world, size_t server, const floe_address *client)
{
    for (size_t i = 0; i < world->allocation_count; i++) {
        sim_allocation *allocation = &world->allocations[i];
        if (allocation->server == server && floe_address_equal(&allocation->client, client)) {
            if (world->now <= allocation->expires) {
                return allocation;
            }
            drop_allocation(world, allocation);
            return NULL;
        }
    }
    return NULL;
}

static sim_allocation *add_allocation(sim_world *world, size_t server, const floe_address *client)
{
    sim_allocation *allocation = &world->allocations[world->allocation_count];

    if (world->allocation_count == ALLOCATIONS_MAX) {
        world_violated(world, "the simulation's table of allocations is full");
        return &world->allocations[0];
    }
    world->allocation_count++;
    *allocation = (sim_allocation){.server = server, .client = *client};
    allocation->relayed = server_address(world, server);
    allocation->relayed.port = (uint16_t)(50000 + world->next_port++ % 10000);
    return allocation;
}

static void put_mapped(server_reply *reply)
{
    sim_world *world = reply->world;
    floe_address mapped = reply->client;

    if (world->config->servers[reply->server].temper == SIM_LOOPBACK_ADDRESSES) {
        mapped = floe_address_ipv4(0x7F000001, 5);
    }
    floe_stun_put_address(&reply->writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
}

static void reply_allocated(server_reply *reply, const floe_stun_message *request,
                            const sim_allocation *allocation)
{
    const sim_server *server = &reply->world->config->servers[reply->server];
    floe_address relayed = allocation->relayed;

    begin_reply(reply, request, FLOE_STUN_SUCCESS);
    if (server->temper != SIM_NO_ADDRESSES) {
        if (server->temper == SIM_LOOPBACK_ADDRESSES) {
            relayed = floe_address_ipv4(0x7F000001, relayed.port);
        }
        floe_stun_put_address(&reply->writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &relayed);
        put_mapped(reply);
    }
    if (server->temper == SIM_UNKNOWN_ATTRIBUTE) {
        floe_stun_put(&reply->writer, 0x7FFF, floe_span_text("?"));
    }
    floe_stun_put_u32(&reply->writer, FLOE_STUN_LIFETIME, server->lifetime);
    send_reply(reply);
}

static void on_allocate(server_reply *reply, const floe_stun_message *request)
{
    sim_world *world = reply->world;
    const sim_server *server = &world->config->servers[reply->server];
    sim_allocation *allocation = find_allocation(world, reply->server, &reply->client);

    if (allocation == NULL && server->temper == SIM_MISMATCH &&
        world->allocated[reply->server]++ == 0) {
        allocation = add_allocation(world, reply->server, &reply->client);
        allocation->strange = true;
        allocation->expires = world->now + 600000000000U;
    }
    if (allocation != NULL && floe_stun_id_equal(&allocation->id, &request->id)) {
        reply_allocated(reply, request, allocation); /* a retransmission, answered again */
        return;
    }
    if (allocation != NULL) {
        reply_error(reply, request, 437); /* RFC 8656 §7.2, step 3 */
        return;
    }
    if (server->temper == SIM_FULL_AFTER_TWO && world->allocated[reply->server] >= 2) {
        reply_error(reply, request, 486);
        return;
    }
    world->allocated[reply->server]++;
    allocation = add_allocation(world, reply->server, &reply->client);
    allocation->expires = world->now + server->lifetime * 1000000000ULL;
    allocation->id = request->id;
    reply_allocated(reply, request, allocation);
}

static void on_refresh(server_reply *reply, const floe_stun_message *request)
{
    sim_world *world = reply->world;
    const sim_server *server = &world->config->servers[reply->server];
    sim_allocation *allocation = find_allocation(world, reply->server, &reply->client);
    uint32_t lifetime = server->lifetime;

    if (allocation == NULL || server->temper == SIM_FORGETS) {
        if (allocation != NULL) {
            drop_allocation(world, allocation);
        }
        reply_error(reply, request, 437);
        return;
    }
    (void)floe_stun_read_u32(request, FLOE_STUN_LIFETIME, &lifetime);
    if (lifetime == 0) {
        drop_allocation(world, allocation);
    } else {
        allocation->expires = world->now + lifetime * 1000000000ULL;
    }
    begin_reply(reply, request, FLOE_STUN_SUCCESS);
    floe_stun_put_u32(&reply->writer, FLOE_STUN_LIFETIME, lifetime);
    send_reply(reply);
}

static void on_binding(server_reply *reply, const floe_stun_message *request)
{
    const sim_server *server = &reply->world->config->servers[reply->server];

    reply->key = NULL;
    begin_reply(reply, request, FLOE_STUN_SUCCESS);
    if (server->temper == SIM_UNKNOWN_ATTRIBUTE) {
        floe_stun_put(&reply->writer, 0x7FFF, floe_span_text("?"));
    }
    if (server->temper != SIM_NO_ADDRESSES) {
        put_mapped(reply);
    }
    send_reply(reply);
}

static void answer_with_noise(server_reply *reply, floe_span data)
{
    sim_world *world = reply->world;
    floe_address from = server_address(world, reply->server);
    uint8_t noise[256];
    size_t size = seeded_below(&world->random, sizeof noise);

    for (size_t i = 0; i < size; i++) {
        noise[i] = (uint8_t)seeded_next(&world->random);
    }
    /* Now and then it begins like a right answer. */
    size_t good = seeded_below(&world->random, FLOE_STUN_HEADER_SIZE + 1);
    for (size_t i = 0; i < good && i < size && i < data.size; i++) {
        noise[i] = data.data[i];
    }
    if (size > 1) {
        noise[0] |= 1;
    }
    world_answer(world, reply->server, &from, &reply->client, floe_span_of(noise, size));
}

/* Each kind of forged success for the request: what R5 asks never to be believed. */
static void forge(server_reply *reply, const floe_stun_message *request)
{
    sim_world *world = reply->world;
    floe_address from = server_address(world, reply->server);
    floe_address evil = floe_address_ipv4(0x06060606, 666);

    for (int kind = 0; kind < 4; kind++) {
        floe_stun_id id = request->id;
        floe_address source = from;
        uint8_t bytes[256];
        if (kind == 0) {
            id.bytes[3] ^= 1;
        } else if (kind == 1) {
            source.port++;
        } else if (kind == 2) {
            source.ip[3] ^= 1;
        } else if (request->integrity_at == 0) {
            continue; /* the last kind is an unsigned answer to a signed request */
        }
        floe_stun_writer writer =
            floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, request->method, &id);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &evil);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &evil);
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
        world_answer(world, reply->server, &source, &reply->client, floe_stun_written(&writer));
    }
}

static void serve(server_reply *reply, const floe_stun_message *request)
{
    const sim_server *server = &reply->world->config->servers[reply->server];

    if (server->temper == SIM_FORGED_FIRST) {
        forge(reply, request);
    }
    if (request->method == FLOE_STUN_BINDING) {
        if (server->temper == SIM_ERROR_CODE) {
            reply->key = NULL;
            reply_error(reply, request, server->code);
        } else {
            on_binding(reply, request);
        }
        return;
    }
    if (!server->turn || !authenticate(reply, request)) {
        return;
    }
    if (server->temper == SIM_ERROR_CODE) {
        reply_error(reply, request, server->code);
    } else if (request->method == FLOE_STUN_ALLOCATE) {
        on_allocate(reply, request);
    } else if (request->method == FLOE_STUN_REFRESH) {
        on_refresh(reply, request);
    }
}

void server_receive(sim_world *world, size_t server, const floe_address *client, floe_span data)
{
    floe_stun_message request;
    server_reply reply = {.world = world, .server = server, .client = *client};
    sim_temper temper = world->config->servers[server].temper;

    if (temper == SIM_SILENT) {
        return;
    }
    if (temper == SIM_GARBAGE) {
        answer_with_noise(&reply, data);
        return;
    }
    if (floe_stun_parse(data, &request) != FLOE_STUN_PARSED || request.class != FLOE_STUN_REQUEST) {
        world_violated(world, "a server got something that is no STUN request");
        return;
    }
    floe_stun_key *key = server_key();
    reply.key = key;
    serve(&reply, &request);
    floe_stun_key_release(key);
}

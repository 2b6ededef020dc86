/* The simulation's STUN and TURN server, written from RFC 8489 and RFC 8656, with a switch for each
 * kind of misbehaviour. */
#include "world.h"

#include "base/memory.h"
#include "stun/key.h"

#include <string.h>

#define REALM "sim.example"
#define USERNAME "user"
#define OTHER_USERNAME "other"
#define PASSWORD "password"

/* Of the life at hand. */
static const char *realm_of(const sim_world *world, size_t server, char *text, size_t size)
{
    unsigned life = world->config->servers[server].realms ? world->restarts[server] : 0;

    (void)snprintf(text, size, life > 0 ? "life-%u." REALM : REALM, life);
    return text;
}

static floe_stun_key *server_key(const sim_world *world, size_t n, bool other)
{
    const sim_server *server = &world->config->servers[n];
    floe_stun_key *key = NULL;
    char realm[48];

    (void)floe_stun_key_long_term(
        &floe_default_allocator,
        server->sha256 ? FLOE_STUN_PASSWORD_SHA256 : FLOE_STUN_PASSWORD_MD5,
        floe_span_text(other ? OTHER_USERNAME : USERNAME),
        floe_span_text(realm_of(world, n, realm, sizeof realm)), floe_span_text(PASSWORD), &key);
    return key;
}

/* ── Access tokens (RFC 7635) ── */

#define TOKEN "token-%u"

void sim_token(unsigned number, char token[static SIM_TOKEN_SIZE], char key[static SIM_TOKEN_SIZE])
{
    (void)snprintf(token, SIM_TOKEN_SIZE, TOKEN, number);
    (void)snprintf(key, SIM_TOKEN_SIZE, "key-of-" TOKEN "-----", number);
}

/* That of the request's token, by which its integrity is to be, whatever the realm (RFC 7635 §5);
 * NULL: it has none that is good. */
static floe_stun_key *token_key(const sim_server *server, const floe_stun_message *request)
{
    char text[SIM_TOKEN_SIZE] = "";
    char token[SIM_TOKEN_SIZE];
    char key_text[SIM_TOKEN_SIZE];
    floe_stun_key *key = NULL;
    unsigned number = 0;
    floe_span shown;

    if (!floe_stun_find(request, FLOE_STUN_ACCESS_TOKEN, &shown) || shown.size >= sizeof text) {
        return NULL;
    }
    memcpy(text, shown.data, shown.size);
    if (sscanf(text, TOKEN, &number) == 1 && number >= server->token_from) {
        sim_token(number, token, key_text);
        (void)floe_stun_key_short_term(&floe_default_allocator, floe_span_text(key_text), &key);
    }
    return key;
}

/* RFC 7635 §4: each request that is signed by a token shows it; nobody else sees one. */
static void check_token(sim_world *world, const sim_server *server,
                        const floe_stun_message *request)
{
    bool is_signed = request->integrity_at != 0 || request->integrity_sha256_at != 0;
    bool shown = floe_stun_has(request, FLOE_STUN_ACCESS_TOKEN);

    if (shown != (server->oauth && is_signed)) {
        world_violated(world, "RFC 7635 4.1: %s of %s %s an access token",
                       floe_stun_method_name(request->method), server->oauth ? "OAuth" : "no OAuth",
                       shown ? "shows" : "shows not");
    }
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
    /* RFC 8489 §9.2: the cookie, and which of the two features there are. */
    static const char *const cookies[] = {"", "obMatJos2QAAA", "obMatJos2gAAA", "obMatJos2wAAA"};
    bool algorithms = server->sha256 || server->temper == SIM_BID_DOWN;
    const char *cookie = cookies[2 * algorithms + server->anonymous];
    unsigned life = world->restarts[server - world->config->servers];
    char suffix[16] = "";

    if (life > 0) {
        (void)snprintf(suffix, sizeof suffix, "-%u", life);
    }
    switch (server->nonce) {
    case SIM_NONCE_FOR_ALL:
        (void)snprintf(nonce, size, "%sfor-all-%u%s", cookie, server->port, suffix);
        break;
    case SIM_NONCE_PER_CLIENT:
        (void)snprintf(nonce, size, "%sclient-%08x%s", cookie, floe_address_hash(client), suffix);
        break;
    default:
        (void)snprintf(nonce, size, "%sonce-%u%s", cookie, *one_use_nonce(world, server, client),
                       suffix);
        break;
    }
}

typedef struct server_reply {
    sim_world *world;
    size_t server;
    floe_address client;
    floe_stun_key *key; /* NULL: unsigned */
    bool other;         /* the request is of the other user */
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
    floe_address from = server_address_for(reply->world, reply->server, reply->client.family);

    if (reply->key != NULL && reply->world->config->servers[reply->server].sha256) {
        floe_stun_put_integrity_sha256(&reply->writer, reply->key->sha256);
    } else if (reply->key != NULL) {
        floe_stun_put_integrity(&reply->writer, reply->key->sha1);
    }
    world_answer(reply->world, reply->server, &from, &reply->client,
                 floe_stun_written(&reply->writer));
}

/* RFC 8656 §7.4: it is not sent again so before its user has changed something. */
static bool ends_allocate(uint16_t code)
{
    return code == 400 || code == 401 || code == 403 || code == 420 || code == 440 || code == 441 ||
           code == 442;
}

/* RFC 8656 §7.4: a full server is asked again a minute later, for each kind of relay, by each URL that leads there. */
static void check_patience(const server_reply *reply)
{
    sim_world *world = reply->world;
    uint64_t *at =
        &world->full_at[reply->server][world->full_count[reply->server]++ % SIM_FULL_MAX];

    if (*at != 0 && *at + 60000000000U > world->now && world->config->interface_count == 1) {
        world_violated(world, "RFC 8656 7.4: server %zu is full, and is asked %d times a minute",
                       reply->server, SIM_FULL_MAX);
    }
    *at = world->now;
}

static void reply_error(server_reply *reply, const floe_stun_message *request, uint16_t code)
{
    if (reply->world->config->servers[reply->server].make == SIM_PION) {
        reply->key = NULL;
    }
    if (request->method == FLOE_STUN_ALLOCATE && ends_allocate(code)) {
        reply->world->said_no[reply->server] = true;
    }
    if (request->method == FLOE_STUN_ALLOCATE && (code == 486 || code == 508)) {
        check_patience(reply);
    }
    begin_reply(reply, request, FLOE_STUN_ERROR);
    floe_stun_put_error(&reply->writer, code, floe_span_text("Simulated"));
    send_reply(reply);
}

static void challenge(server_reply *reply, const floe_stun_message *request, uint16_t code)
{
    char nonce[64];
    char realm[48];
    const sim_server *server = &reply->world->config->servers[reply->server];

    if (request->method == FLOE_STUN_ALLOCATE && code == 401 &&
        floe_stun_has(request, FLOE_STUN_NONCE)) {
        reply->world->said_no[reply->server] = true;
    }
    (*one_use_nonce(reply->world, server, &reply->client))++;
    nonce_for(reply->world, server, &reply->client, nonce, sizeof nonce);
    begin_reply(reply, request, FLOE_STUN_ERROR);
    floe_stun_put_error(&reply->writer, code, floe_span_text("Challenge"));
    floe_stun_put(&reply->writer, FLOE_STUN_REALM,
                  floe_span_text(realm_of(reply->world, reply->server, realm, sizeof realm)));
    floe_stun_put(&reply->writer, FLOE_STUN_NONCE, floe_span_text(nonce));
    if (server->sha256 && server->temper != SIM_BID_DOWN) {
        static const uint16_t algorithms[] = {FLOE_STUN_PASSWORD_SHA256, FLOE_STUN_PASSWORD_MD5};
        floe_stun_put_password_algorithms(&reply->writer, FLOE_STUN_PASSWORD_ALGORITHMS, algorithms,
                                          2);
    }
    if (server->oauth) {
        floe_stun_put(&reply->writer, FLOE_STUN_THIRD_PARTY_AUTHORIZATION,
                      floe_span_text("tokens.sim.example"));
    }
    reply->key = NULL;
    send_reply(reply);
}

/* coturn, of a realm that is not its own, before it looks at the nonce; and it signs that not. */
static bool is_of_another_realm(server_reply *reply, const floe_stun_message *request)
{
    char realm[48];
    floe_span said;

    (void)realm_of(reply->world, reply->server, realm, sizeof realm);
    if (!floe_stun_find(request, FLOE_STUN_REALM, &said) ||
        floe_span_equal(said, floe_span_text(realm))) {
        return false;
    }
    reply->key = NULL;
    reply_error(reply, request, request->method == FLOE_STUN_ALLOCATE ? 437 : 441);
    return true;
}

/* Long-term credentials (RFC 8489 §9.2.4). True: the request is authenticated. */
static bool authenticate(server_reply *reply, const floe_stun_message *request)
{
    const sim_server *server = &reply->world->config->servers[reply->server];
    char right[64];
    floe_span nonce;

    if (request->integrity_at == 0 && request->integrity_sha256_at == 0) {
        challenge(reply, request, 401);
        return false;
    }
    if (is_of_another_realm(reply, request)) {
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
    bool good = reply->key == NULL ? false
                : server->sha256   ? floe_stun_check_integrity_sha256(request, reply->key->sha256)
                                   : floe_stun_check_integrity(request, reply->key->sha1);
    if (server->anonymous == floe_stun_has(request, FLOE_STUN_USERNAME)) {
        world_violated(reply->world, "T3: USERHASH where it is not asked for, or not where it is");
    }
    if (server->make == SIM_PION && (server->temper == SIM_WRONG_PASSWORD || !good)) {
        reply_error(reply, request, 400);
        return false;
    }
    if (server->temper == SIM_WRONG_PASSWORD || !good) {
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
    return allocation;
}

/* Its address of that family, with a port of the allocation's own; `even`: and one below it that
 * nobody has. */
static floe_address relayed_address(sim_world *world, size_t server, unsigned family, bool even)
{
    char text[48];
    floe_address address = {0};

    (void)snprintf(text, sizeof text, family == FLOE_TURN_IPV4 ? "192.0.2.%zu" : "2001:db8:1::%zx",
                   100 + server);
    (void)floe_address_parse(text, &address);
    floe_address own = server_address_for(world, server, address.family);
    address = own.family == address.family ? own : address;
    if (even && world->next_port % 2 == 1) {
        world->next_port++;
    }
    address.port = (uint16_t)(50000 + world->next_port++ % 10000);
    if (even) {
        world->next_port++;
    }
    return address;
}

static bool wishes_for_both(const floe_stun_message *request)
{
    return floe_stun_has(request, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY) ||
           floe_stun_has(request, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY_DRAFT);
}

static unsigned asked_families(const floe_stun_message *request)
{
    uint8_t family = 1;

    (void)floe_stun_read_u8(request, FLOE_STUN_REQUESTED_ADDRESS_FAMILY, &family);
    return wishes_for_both(request) ? FLOE_TURN_IPV4 | FLOE_TURN_IPV6
           : family == 2            ? FLOE_TURN_IPV6
                                    : FLOE_TURN_IPV4;
}

/* RFC 8656 §7.2: which families the request asks for, and which are missing. */
static unsigned wanted_families(const sim_server *server, const floe_stun_message *request)
{
    unsigned asked = asked_families(request);

    return server->make == SIM_P1_STUN && wishes_for_both(request) ? FLOE_TURN_IPV4 : asked;
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

    begin_reply(reply, request, FLOE_STUN_SUCCESS);
    for (int i = 0; i < 2 && server->temper != SIM_NO_ADDRESSES; i++) {
        floe_address relayed = allocation->relayed[i];
        if (server->temper == SIM_LOOPBACK_ADDRESSES) {
            relayed = floe_address_ipv4(0x7F000001, relayed.port);
        }
        if (relayed.family != FLOE_FAMILY_NONE) {
            floe_stun_put_address(&reply->writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &relayed);
        }
    }
    if (server->temper != SIM_NO_ADDRESSES) {
        put_mapped(reply);
    }
    unsigned missing = wanted_families(server, request) & ~server->families;
    if (missing != 0 && server->make != SIM_PION) {
        floe_stun_put_address_error(&reply->writer, FLOE_STUN_ADDRESS_ERROR_CODE_DRAFT,
                                    missing == FLOE_TURN_IPV4 ? 1 : 2, 440,
                                    floe_span_text("Simulated"));
    }
    if (server->temper == SIM_UNKNOWN_ATTRIBUTE) {
        floe_stun_put(&reply->writer, 0x7FFF, floe_span_text("?"));
    }
    if (allocation->ticket != 0) {
        floe_stun_put_u32(&reply->writer, FLOE_STUN_MOBILITY_TICKET, allocation->ticket);
    }
    if (allocation->reservation != 0) {
        floe_stun_put_u64(&reply->writer, FLOE_STUN_RESERVATION_TOKEN, allocation->reservation);
    }
    floe_stun_put_u32(&reply->writer, FLOE_STUN_LIFETIME, server->lifetime);
    send_reply(reply);
}

static bool wants_tcp(const floe_stun_message *request)
{
    uint8_t transport = 0;

    return floe_stun_read_u8(request, FLOE_STUN_REQUESTED_TRANSPORT, &transport) && transport == 6;
}

/* ── Pairs of ports (RFC 8656 §7.2) ── */

typedef struct wished_port {
    bool even;
    bool next;      /* and the next is to be kept */
    uint64_t token; /* of the one that is to be had; 0: none */
    sim_reservation *kept;
} wished_port;

/* RFC 8656 §7.1, RFC 6062 §4.1: what no client says together. */
static wished_port read_port(sim_world *world, const floe_stun_message *request)
{
    wished_port wish = {.even = false};
    uint8_t bits = 0;
    bool family = floe_stun_has(request, FLOE_STUN_REQUESTED_ADDRESS_FAMILY);

    wish.even = floe_stun_read_u8(request, FLOE_STUN_EVEN_PORT, &bits);
    wish.next = (bits & 0x80) != 0;
    (void)floe_stun_read_u64(request, FLOE_STUN_RESERVATION_TOKEN, &wish.token);
    if ((wish.token != 0 && (wish.even || family || wishes_for_both(request))) ||
        (wish.next && wishes_for_both(request)) ||
        ((wish.even || wish.token != 0) && wants_tcp(request))) {
        world_violated(world, "RFC 8656 7.1: an Allocate with a port and what excludes it");
    }
    return wish;
}

/* That of the token, once; NULL: it has expired, or is another's by now. */
static sim_reservation *find_reservation(sim_world *world, size_t server, uint64_t token)
{
    size_t room = sizeof world->reservations / sizeof *world->reservations;

    for (size_t i = 0; i < world->reservation_count && i < room; i++) {
        sim_reservation *one = &world->reservations[i];
        if (one->server == server && one->token == token) {
            return one->expires >= world->now ? one : NULL;
        }
    }
    if (world->reservation_count <= room) {
        world_violated(world, "RFC 8656 18.10: a token that server %zu never gave", server);
    }
    return NULL;
}

static void keep_next_port(sim_world *world, sim_allocation *allocation, unsigned family)
{
    size_t room = sizeof world->reservations / sizeof *world->reservations;
    floe_address next = allocation->relayed[family];

    next.port++;
    allocation->reservation = 7000 + world->reservation_count;
    world->reservations[world->reservation_count++ % room] =
        (sim_reservation){.server = allocation->server,
                          .token = allocation->reservation,
                          .relayed = next,
                          .expires = world->now + 30000000000U};
}

/* False: the wish is refused. */
static bool grant_port(server_reply *reply, const floe_stun_message *request, wished_port *wish)
{
    static const uint16_t unknown[] = {FLOE_STUN_EVEN_PORT, FLOE_STUN_RESERVATION_TOKEN};
    const sim_server *server = &reply->world->config->servers[reply->server];

    if (!wish->even && wish->token == 0) {
        return true;
    }
    if (server->ports == SIM_PORTS_UNKNOWN) {
        begin_reply(reply, request, FLOE_STUN_ERROR);
        floe_stun_put_error(&reply->writer, 420, floe_span_text("Simulated"));
        floe_stun_put_unknown_attributes(&reply->writer, unknown, 2);
        send_reply(reply);
        return false;
    }
    if (wish->token != 0) {
        wish->kept = find_reservation(reply->world, reply->server, wish->token);
    }
    if (server->ports == SIM_PORTS_REFUSED || (wish->token != 0 && wish->kept == NULL)) {
        reply_error(reply, request, 508);
        return false;
    }
    return true;
}

/* What it says of a wish for addresses that those servers do not fulfil; 0: nothing. */
static uint16_t code_of_make(const sim_server *server, const floe_stun_message *request)
{
    uint8_t family = 1;

    (void)floe_stun_read_u8(request, FLOE_STUN_REQUESTED_ADDRESS_FAMILY, &family);
    if (server->make == SIM_COTURN_ONE_ADDRESS) {
        return wishes_for_both(request) || family == 2 ? 440 : 0;
    }
    if (server->make == SIM_COTURN_V4_ON_V6) {
        return wishes_for_both(request) ? 440 : 0;
    }
    if (server->make == SIM_COTURN_508) {
        return wishes_for_both(request) ? 508 : family == 2 ? 440 : 0;
    }
    return 0;
}

/* It says 437 before it has looked at the signature. */
static bool is_coturn(sim_make make)
{
    return make >= SIM_COTURN && make <= SIM_COTURN_V4_ON_V6;
}

/* None: that one is refused. */
static unsigned given_families(const sim_server *server, const floe_stun_message *request,
                               const sim_reservation *kept)
{
    unsigned wanted = wanted_families(server, request);
    unsigned given = wanted & server->families;

    if (kept != NULL) {
        return kept->relayed.family == FLOE_FAMILY_IPV6 ? FLOE_TURN_IPV6 : FLOE_TURN_IPV4;
    }
    if (server->make == SIM_PION) {
        return (server->families & FLOE_TURN_IPV4) != 0 ? FLOE_TURN_IPV4 : FLOE_TURN_IPV6;
    }
    return wanted == FLOE_TURN_IPV4 && given != wanted ? 0 : given;
}

static void give_addresses(sim_world *world, sim_allocation *allocation, unsigned given,
                           const wished_port *port)
{
    for (unsigned i = 0; i < 2; i++) {
        if ((given >> i & 1) != 0) {
            allocation->relayed[i] = port->kept != NULL ? port->kept->relayed
                                                        : relayed_address(world, allocation->server,
                                                                          1U << i, port->even);
        }
    }
    if (port->kept != NULL) {
        port->kept->expires = 0;
    } else if (port->next && world->config->servers[allocation->server].ports == SIM_PORTS_KEPT) {
        keep_next_port(world, allocation, given == FLOE_TURN_IPV6);
    }
}

/* coturn takes a second to let go what was deleted. */
static bool is_letting_go(const server_reply *reply)
{
    const sim_world *world = reply->world;

    if (!is_coturn(world->config->servers[reply->server].make)) {
        return false;
    }
    for (size_t i = 0; i < world->release_count; i++) {
        const sim_release *one = &world->releases[i];
        if (one->of.server == reply->server && world->now - one->at < 1000000000U &&
            floe_address_equal(&one->of.client, &reply->client)) {
            return true;
        }
    }
    return false;
}

static void on_allocate(server_reply *reply, const floe_stun_message *request)
{
    sim_world *world = reply->world;
    const sim_server *server = &world->config->servers[reply->server];
    bool tcp = wants_tcp(request);
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
    if (allocation != NULL || is_letting_go(reply)) {
        /* RFC 8656 §7.2, step 3; coturn says 441 of another user's */
        bool others =
            is_coturn(server->make) && allocation != NULL && allocation->other != reply->other;
        if (is_coturn(server->make)) {
            reply->key = NULL;
        }
        reply_error(reply, request, others ? 441 : 437);
        return;
    }
    if (server->temper == SIM_FULL_AFTER_TWO && world->allocated[reply->server] >= 2) {
        reply_error(reply, request, 486);
        return;
    }
    if (tcp && !server->tcp) {
        reply_error(reply, request, 442);
        return;
    }
    bool mobile = floe_stun_has(request, FLOE_STUN_MOBILITY_TICKET);
    if (server->make == SIM_PION) { /* to which it is an optional attribute that it does not know */
        mobile = false;
    }
    if (mobile && !server->mobile) {
        reply_error(reply, request, 405);
        return;
    }
    wished_port port = read_port(world, request);
    if (!grant_port(reply, request, &port)) {
        return;
    }
    uint16_t code = code_of_make(server, request);
    if (code != 0) {
        reply_error(reply, request, code);
        return;
    }
    unsigned given = given_families(server, request, port.kept);
    if (given == 0) {
        reply_error(reply, request, 440);
        return;
    }
    world->allocated[reply->server]++;
    allocation = add_allocation(world, reply->server, &reply->client);
    give_addresses(world, allocation, given, &port);
    if (server->make == SIM_COTURN_V4_ON_V6 && given == FLOE_TURN_IPV6) {
        allocation->relayed[1] = relayed_address(world, reply->server, FLOE_TURN_IPV4, false);
    }
    allocation->made = world->now;
    allocation->life = world->life;
    allocation->other = reply->other;
    allocation->asked = port.kept != NULL ? given : asked_families(request);
    allocation->expires = world->now + server->lifetime * 1000000000ULL;
    allocation->id = request->id;
    allocation->tcp = tcp;
    allocation->ticket = mobile || server->tickets ? ++world->next_ticket : 0;
    reply_allocated(reply, request, allocation);
}

/* RFC 8016 §3.2: it belongs to whoever shows its ticket, and has a new one from then on. */
static sim_allocation *move_allocation(server_reply *reply, const floe_stun_message *request)
{
    sim_world *world = reply->world;
    uint32_t ticket = 0;

    (void)floe_stun_read_u32(request, FLOE_STUN_MOBILITY_TICKET, &ticket);
    for (size_t i = 0; i < world->allocation_count; i++) {
        sim_allocation *allocation = &world->allocations[i];
        if (allocation->server != reply->server || ticket == 0) {
            continue;
        }
        if (floe_stun_id_equal(&allocation->moved_by, &request->id)) {
            return allocation; /* a retransmission */
        }
        if (allocation->ticket == ticket && world->now <= allocation->expires) {
            allocation->client = reply->client;
            allocation->ticket = ++world->next_ticket;
            allocation->moved_by = request->id;
            return allocation;
        }
    }
    return NULL;
}

static void on_refresh(server_reply *reply, const floe_stun_message *request)
{
    sim_world *world = reply->world;
    const sim_server *server = &world->config->servers[reply->server];
    bool moves = floe_stun_has(request, FLOE_STUN_MOBILITY_TICKET);
    sim_allocation *allocation = moves ? move_allocation(reply, request)
                                       : find_allocation(world, reply->server, &reply->client);
    uint32_t lifetime = server->lifetime;

    if (allocation == NULL || server->temper == SIM_FORGETS) {
        if (allocation != NULL) {
            drop_allocation(world, allocation);
        }
        if (server->make != SIM_PION) {
            reply_error(reply, request, 437);
        }
        return;
    }
    (void)floe_stun_read_u32(request, FLOE_STUN_LIFETIME, &lifetime);
    if (lifetime == 0) {
        if (world->release_count < sizeof world->releases / sizeof *world->releases) {
            world->releases[world->release_count++] =
                (sim_release){.of = *allocation, .at = world->now};
        }
        drop_allocation(world, allocation);
    } else {
        allocation->expires = world->now + lifetime * 1000000000ULL;
    }
    begin_reply(reply, request, FLOE_STUN_SUCCESS);
    if (moves) {
        floe_stun_put_u32(&reply->writer, FLOE_STUN_MOBILITY_TICKET, allocation->ticket);
    }
    floe_stun_put_u32(&reply->writer, FLOE_STUN_LIFETIME,
                      server->make == SIM_NODE_TURN ? 0 : lifetime);
    send_reply(reply);
}

static void redirect(server_reply *reply, const floe_stun_message *request)
{
    sim_world *world = reply->world;
    const sim_server *server = &world->config->servers[reply->server];
    floe_address to = floe_address_ipv4(0x7F000001, server->port);

    if (server->redirect > 0) {
        to = server_address_for(world, server->redirect - 1, reply->client.family);
    }
    begin_reply(reply, request, FLOE_STUN_ERROR);
    floe_stun_put_error(&reply->writer, 300, floe_span_text("Elsewhere"));
    floe_stun_put_address(&reply->writer, FLOE_STUN_ALTERNATE_SERVER, &to);
    if (server->transport == FLOE_PROTOCOL_UDP) { /* which has no use for it */
        floe_stun_put(&reply->writer, FLOE_STUN_ALTERNATE_DOMAIN,
                      floe_span_text("elsewhere.example.org"));
    }
    send_reply(reply);
}

/* ── Peers ── */

static bool read_peer(server_reply *reply, const floe_stun_message *request,
                      const sim_allocation *allocation, unsigned *peer)
{
    floe_address address;

    if (allocation == NULL) {
        sim_make make = reply->world->config->servers[reply->server].make;
        reply_error(reply, request, make == SIM_COTURN ? 400 : 437);
        return false;
    }
    *peer = floe_stun_read_address(request, FLOE_STUN_XOR_PEER_ADDRESS, &address)
                ? world_peer_of(&address)
                : 2;
    if (*peer == 2) {
        world_violated(reply->world, "K1: a permission for nobody that was sent to");
        return false;
    }
    if ((reply->world->config->servers[reply->server].refuses_peer >> *peer & 1) != 0) {
        world_peer_refused(reply->world, reply->server, *peer);
        reply_error(reply, request, 403);
        return false;
    }
    if (allocation->relayed[*peer].family == FLOE_FAMILY_NONE) {
        reply_error(reply, request, 443);
        return false;
    }
    return true;
}

/* ── RFC 6062 ── */

static uint32_t offer(sim_world *world, const server_reply *reply, bool greets)
{
    if (world->offer_count == sizeof world->offers / sizeof *world->offers) {
        world_violated(world, "the simulation's table of connections is full");
        return 0;
    }
    uint32_t id = 1000 + (uint32_t)world->offer_count;
    world->offers[world->offer_count++] =
        (sim_offer){.server = reply->server, .id = id, .greets = greets};
    return id;
}

static void on_connect(server_reply *reply, const floe_stun_message *request)
{
    sim_world *world = reply->world;
    const sim_allocation *allocation = find_allocation(world, reply->server, &reply->client);
    unsigned peer;

    if (!read_peer(reply, request, allocation, &peer)) {
        return;
    }
    if (!allocation->tcp) {
        world_violated(world, "RFC 6062: Connect on an allocation for UDP");
        return;
    }
    begin_reply(reply, request, FLOE_STUN_SUCCESS);
    floe_stun_put_u32(&reply->writer, FLOE_STUN_CONNECTION_ID, offer(world, reply, false));
    send_reply(reply);
}

static void on_connection_bind(server_reply *reply, const floe_stun_message *request)
{
    static const uint8_t hello[] = {0, 5, 'h', 'e', 'l', 'l', 'o'};
    sim_world *world = reply->world;
    uint32_t id = 0;

    (void)floe_stun_read_u32(request, FLOE_STUN_CONNECTION_ID, &id);
    for (size_t i = 0; i < world->offer_count; i++) {
        sim_offer *offered = &world->offers[i];
        if (offered->server == reply->server && offered->id == id && id != 0) {
            offered->id = 0;
            begin_reply(reply, request, FLOE_STUN_SUCCESS);
            send_reply(reply);
            association_bind(world, reply->server, &reply->client,
                             floe_span_of(hello, offered->greets ? sizeof hello : 0));
            return;
        }
    }
    world_violated(world, "RFC 6062: ConnectionBind to a connection that is none");
}

/* The peer connects as soon as it may. */
static void attempt(server_reply *reply, unsigned peer)
{
    sim_world *world = reply->world;
    floe_address from = server_address_for(world, reply->server, reply->client.family);
    floe_address address = world_peer(peer);
    floe_stun_id id = {.bytes = {(uint8_t)world->offer_count}};
    uint8_t bytes[128];
    floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_INDICATION,
                                              FLOE_STUN_CONNECTION_ATTEMPT, &id);

    address.port = (uint16_t)(20000 + world->offer_count);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &address);
    floe_stun_put_u32(&writer, FLOE_STUN_CONNECTION_ID, offer(world, reply, true));
    world_answer(world, reply->server, &from, &reply->client, floe_stun_written(&writer));
}

#define SECONDS 1000000000ULL

static void on_create_permission(server_reply *reply, const floe_stun_message *request)
{
    sim_world *world = reply->world;
    sim_allocation *allocation = find_allocation(world, reply->server, &reply->client);
    unsigned peer;

    if (read_peer(reply, request, allocation, &peer)) {
        bool first = allocation->permitted[peer] == 0;
        allocation->permitted[peer] = world->now + 300 * SECONDS;
        begin_reply(reply, request, FLOE_STUN_SUCCESS);
        send_reply(reply);
        if (allocation->tcp && first) {
            attempt(reply, peer);
        }
    }
}

static void on_channel_bind(server_reply *reply, const floe_stun_message *request)
{
    sim_world *world = reply->world;
    sim_allocation *allocation = find_allocation(world, reply->server, &reply->client);
    uint16_t channel = 0;
    unsigned peer;

    if (!read_peer(reply, request, allocation, &peer)) {
        return;
    }
    (void)floe_stun_read_u16(request, FLOE_STUN_CHANNEL_NUMBER, &channel);
    bool taken = allocation->channels[1 - peer] == channel ||
                 (allocation->bound[peer] > world->now && allocation->channels[peer] != channel);
    if (channel < 0x4000 || channel > 0x4FFF || taken) {
        world_violated(world, "RFC 8656 12.2: channel 0x%04x cannot be bound", channel);
        return;
    }
    allocation->channels[peer] = channel;
    allocation->bound[peer] = world->now + 600 * SECONDS;
    allocation->permitted[peer] = world->now + 300 * SECONDS;
    if (world->config->servers[reply->server].make == SIM_NODE_TURN) {
        reply->key = NULL;
    }
    begin_reply(reply, request, FLOE_STUN_SUCCESS);
    send_reply(reply);
}

/* It goes to the peer, and comes back. */
static void to_peer(sim_world *world, const sim_allocation *allocation, unsigned peer,
                    floe_span data)
{
    if (allocation->permitted[peer] <= world->now) {
        /* What was sent through the allocation before this one may come late. */
        if (world->config->remap_at_ms == 0 && world->config->action_count == 0 &&
            world->change == NULL) {
            world_violated(world, "K1: data to a peer without a permission");
        }
        return;
    }
    sim_event *event = world_add_event(world, SIM_EVENT_FROM_PEER, world->now + 20000000);
    event->server = allocation->server;
    event->life = allocation->life;
    event->from = allocation->client;
    event->to = allocation->relayed[peer];
    event->family = (uint8_t)peer;
    event->size = data.size;
    memcpy(event->data, data.data, data.size);
}

static void on_send(server_reply *reply, const floe_stun_message *message)
{
    sim_allocation *allocation = find_allocation(reply->world, reply->server, &reply->client);
    floe_address address;
    floe_span data;

    if (allocation != NULL &&
        floe_stun_read_address(message, FLOE_STUN_XOR_PEER_ADDRESS, &address) &&
        floe_stun_find(message, FLOE_STUN_DATA, &data) && world_peer_of(&address) < 2) {
        to_peer(reply->world, allocation, world_peer_of(&address), data);
    }
}

static void on_channel_data(sim_world *world, size_t server, const floe_address *client,
                            floe_span frame)
{
    sim_allocation *allocation = find_allocation(world, server, client);
    uint16_t channel = (uint16_t)(frame.data[0] << 8 | frame.data[1]);
    size_t size = (size_t)(frame.data[2] << 8 | frame.data[3]);

    if (size + 4 > frame.size) {
        world_violated(world, "RFC 8656 12.5: ChannelData longer than it is");
        return;
    }
    for (unsigned peer = 0; allocation != NULL && peer < 2; peer++) {
        if (allocation->channels[peer] == channel && allocation->bound[peer] > world->now) {
            to_peer(world, allocation, peer, floe_span_of(frame.data + 4, size));
        }
    }
}

void server_from_peer(sim_world *world, const sim_event *event)
{
    const sim_allocation *allocation = find_allocation(world, event->server, &event->from);
    floe_address from = server_address_for(world, event->server, event->from.family);
    unsigned peer = event->family;
    floe_address address = world_peer(peer);
    uint8_t bytes[PACKET_MAX];

    if (allocation == NULL || allocation->permitted[peer] <= world->now ||
        !floe_address_equal(&allocation->relayed[peer], &event->to)) {
        return;
    }
    if (allocation->bound[peer] > world->now) {
        floe_writer writer = floe_writer_of(bytes, sizeof bytes);
        floe_write_u16(&writer, allocation->channels[peer]);
        floe_write_u16(&writer, (uint16_t)event->size);
        floe_write_bytes(&writer, event->data, event->size);
        world_answer(world, event->server, &from, &event->from, floe_span_of(bytes, writer.at));
        return;
    }
    floe_stun_id id = {.bytes = {(uint8_t)event->order, (uint8_t)(event->order >> 8)}};
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_INDICATION, FLOE_STUN_DATA_INDICATION, &id);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &address);
    floe_stun_put(&writer, FLOE_STUN_DATA, floe_span_of(event->data, event->size));
    world_answer(world, event->server, &from, &event->from, floe_stun_written(&writer));
}

void server_forget(sim_world *world, size_t server, const floe_address *client)
{
    sim_allocation *allocation = find_allocation(world, server, client);

    if (allocation != NULL && allocation->ticket == 0) {
        drop_allocation(world, allocation);
    }
}

void server_restarts(sim_world *world, size_t server)
{
    world->restarts[server]++;
    for (size_t i = world->allocation_count; i-- > 0;) {
        if (world->allocations[i].server == server) {
            drop_allocation(world, &world->allocations[i]);
        }
    }
}

static void on_binding(server_reply *reply, const floe_stun_message *request)
{
    const sim_server *server = &reply->world->config->servers[reply->server];

    reply->key = NULL;
    begin_reply(reply, request, FLOE_STUN_SUCCESS);
    if (server->make == SIM_STUND) { /* RFC 3489 §11.2: SOURCE-ADDRESS, CHANGED-ADDRESS */
        static const uint8_t address[] = {0, 1, 0x0D, 0x96, 203, 0, 113, 9};
        floe_stun_put(&reply->writer, 0x0004, floe_span_of(address, sizeof address));
        floe_stun_put(&reply->writer, 0x0005, floe_span_of(address, sizeof address));
    }
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
    floe_address from = server_address_for(world, reply->server, reply->client.family);
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
    floe_address from = server_address_for(world, reply->server, reply->client.family);
    floe_address evil = floe_address_ipv4(0x06060606, 666);

    floe_protocol transport = world->config->servers[reply->server].transport;
    bool connected = transport != FLOE_PROTOCOL_UDP || stream_is_served();
    bool stream = connected && transport != FLOE_PROTOCOL_DTLS;
    for (int kind = 0; kind < 5; kind++) {
        if ((connected && (kind == 1 || kind == 2)) || (stream && kind >= 3)) {
            continue; /* nobody else has the connection; RFC 8489 §9.2.5: that would end it */
        }
        floe_stun_id id = request->id;
        floe_address source = from;
        uint8_t bytes[256];
        if (kind == 0) {
            id.bytes[3] ^= 1;
        } else if (kind == 1) {
            source.port++;
        } else if (kind == 2) {
            source.ip[3] ^= 1;
        } else if (request->integrity_at == 0 && request->integrity_sha256_at == 0) {
            continue; /* the last kinds are unsigned answers to a signed request */
        }
        floe_stun_writer writer =
            floe_stun_begin(bytes, sizeof bytes, kind == 4 ? FLOE_STUN_ERROR : FLOE_STUN_SUCCESS,
                            request->method, &id);
        if (kind == 4) { /* one that speaks of a wish (T5) */
            floe_stun_put_error(&writer, 508, floe_span_text("Forged"));
            world_answer(world, reply->server, &source, &reply->client, floe_stun_written(&writer));
            continue;
        }
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
    if ((server->drops >> request->method & 1) != 0 ||
        (server->make == SIM_NODE_TURN && request->method == FLOE_STUN_ALLOCATE &&
         wishes_for_both(request))) {
        return;
    }
    if (request->method == FLOE_STUN_BINDING) {
        if (server->temper == SIM_ERROR_CODE || (server->fails >> FLOE_STUN_BINDING & 1) != 0) {
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
    if (server->temper == SIM_ERROR_CODE || (server->fails >> request->method & 1) != 0) {
        for (unsigned peer = 0; peer < 2 && server->code == 403; peer++) {
            world_peer_refused(reply->world, reply->server, peer);
        }
        reply->world->lied[reply->server] |= server->code == 437 || server->code == 441;
        reply_error(reply, request, server->code);
        return;
    }
    if (server->temper == SIM_REDIRECTS && request->method == FLOE_STUN_ALLOCATE) {
        redirect(reply, request);
        return;
    }
    const sim_allocation *allocation = find_allocation(reply->world, reply->server, &reply->client);
    if (allocation != NULL && allocation->other != reply->other &&
        request->method != FLOE_STUN_ALLOCATE) {
        reply_error(reply, request, 441);
        return;
    }
    switch (request->method) {
    case FLOE_STUN_ALLOCATE:
        on_allocate(reply, request);
        break;
    case FLOE_STUN_REFRESH:
        on_refresh(reply, request);
        break;
    case FLOE_STUN_CREATE_PERMISSION:
        on_create_permission(reply, request);
        break;
    case FLOE_STUN_CHANNEL_BIND:
        on_channel_bind(reply, request);
        break;
    case FLOE_STUN_CONNECT:
        on_connect(reply, request);
        break;
    case FLOE_STUN_CONNECTION_BIND:
        on_connection_bind(reply, request);
        break;
    default:
        break;
    }
}

void server_receive(sim_world *world, size_t server, const floe_address *client, floe_span data)
{
    floe_stun_message request;
    server_reply reply = {.world = world, .server = server, .client = *client};
    sim_temper temper = world->config->servers[server].temper;

    check_secrets(world, "a server", data);
    bool datagrams = world->config->servers[server].transport == FLOE_PROTOCOL_UDP;
    if (temper == SIM_SILENT || (datagrams && (temper == SIM_HANGS || temper == SIM_HANGS_UP ||
                                               temper == SIM_ENDS_IN_MESSAGE))) {
        return;
    }
    if (temper == SIM_GARBAGE) {
        answer_with_noise(&reply, data);
        return;
    }
    if (data.size >= 4 && data.data[0] >= 0x40 && data.data[0] < 0x50) {
        on_channel_data(world, server, client, data);
        return;
    }
    if (floe_stun_parse(data, &request) != FLOE_STUN_PARSED ||
        (request.class != FLOE_STUN_REQUEST && request.class != FLOE_STUN_INDICATION)) {
        world_violated(world, "a server got something that is no STUN request");
        return;
    }
    if (request.class == FLOE_STUN_INDICATION) {
        if (request.method == FLOE_STUN_SEND) {
            on_send(&reply, &request);
        }
        return;
    }
    floe_span name;
    reply.other = floe_stun_find(&request, FLOE_STUN_USERNAME, &name) &&
                  floe_span_equal(name, floe_span_text(OTHER_USERNAME));
    const sim_server *of = &world->config->servers[server];
    floe_stun_key *key =
        of->oauth ? token_key(of, &request) : server_key(world, server, reply.other);
    check_token(world, of, &request);
    reply.key = key;
    serve(&reply, &request);
    floe_stun_key_release(key);
}

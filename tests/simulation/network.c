/* The network of a world: addresses, NATs, and the ways of packets. */
#include "world.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ── Addresses ── */

floe_address server_address(const sim_world *world, size_t server)
{
    floe_address address = {0};

    (void)floe_address_parse(world->config->servers[server].ip, &address);
    address.port = world->config->servers[server].port;
    return address;
}

floe_address server_address_for(const sim_world *world, size_t server, uint8_t family)
{
    floe_address address = server_address(world, server);
    floe_address other = {0};

    if (address.family != family &&
        floe_address_parse(world->config->servers[server].other_ip, &other) == FLOE_OK) {
        other.port = address.port;
        return other;
    }
    return address;
}

bool server_was_at(const sim_world *world, size_t server, const floe_address *address)
{
    floe_address was;

    if (floe_address_parse(world->config->servers[server].was_ip, &was) != FLOE_OK) {
        return false;
    }
    was.port = world->config->servers[server].port;
    return floe_address_equal(&was, address);
}

floe_address world_peer(unsigned n)
{
    floe_address address = {0};

    (void)floe_address_parse(n == 0 ? "198.18.0.1" : "2001:2::1", &address);
    address.port = 7000;
    return address;
}

unsigned world_peer_of(const floe_address *address)
{
    unsigned n = 0;

    for (; n < 2; n++) {
        floe_address peer = world_peer(n);
        if (floe_address_equal(&peer, address)) {
            break;
        }
    }
    return n;
}

/* The address that a name has before the right one; false: none. */
bool server_first_address(const sim_world *world, size_t server, floe_address *address)
{
    const sim_server *of = &world->config->servers[server];

    if (!of->by_name || floe_address_parse(of->first_ip, address) != FLOE_OK) {
        return false;
    }
    address->port = of->port;
    return true;
}

/* RFC 4291 §2.2, RFC 1034 §3.1: the same host, written otherwise. */
static void respell(const char *url, char *other, size_t size)
{
    const char *colons = strstr(url, "::");
    const char *dot = strstr(url, ".example");

    if (colons != NULL) {
        (void)snprintf(other, size, "%.*s:0:0%s", (int)(colons - url), url, colons);
        for (char *at = strchr(other, ':'); *at != '\0' && *at != '?'; at++) {
            *at = (char)toupper((unsigned char)*at);
        }
    } else if (dot != NULL) {
        int host = (int)(dot - url) + (int)strlen(".example");
        (void)snprintf(other, size, "%.*s.%s", host, url, url + host);
    } else {
        const char *host = strchr(url, ':') + 1;
        int length = (int)strcspn(host, ":?");
        (void)snprintf(other, size, "%.*s[::ffff:%.*s]%s", (int)(host - url), url, length, host,
                       host + length);
    }
}

void sim_server_url(const sim_config *config, size_t n, char *to, size_t size)
{
    const sim_server *server = &config->servers[n];
    char url[128];
    bool ipv6 = strchr(server->ip, ':') != NULL;
    bool secure = server->transport == FLOE_PROTOCOL_TLS || server->transport == FLOE_PROTOCOL_DTLS;
    const char *scheme = secure ? "turns" : server->turn ? "turn" : "stun";
    const char *query = server->transport == FLOE_PROTOCOL_TCP    ? "?transport=tcp"
                        : server->transport == FLOE_PROTOCOL_TLS  ? "?transport=tcp"
                        : server->transport == FLOE_PROTOCOL_DTLS ? "?transport=udp"
                                                                  : "";

    if (server->by_name && server->no_port) {
        (void)snprintf(url, sizeof url, "%s:server%zu.sim.example%s", scheme, n, query);
    } else if (server->by_name) {
        (void)snprintf(url, sizeof url, "%s:server%zu.sim.example:%u%s", scheme, n, server->port,
                       query);
    } else {
        (void)snprintf(url, sizeof url, "%s:%s%s%s:%u%s", scheme, ipv6 ? "[" : "", server->ip,
                       ipv6 ? "]" : "", server->port, query);
    }
    if (config->respelt) {
        respell(url, to, size);
    } else {
        (void)snprintf(to, size, "%s", url);
    }
}

/* ── NAT ── */

static floe_address key_of(sim_nat kind, const floe_address *towards)
{
    floe_address key = *towards;

    if (kind == SIM_NAT_ENDPOINT_INDEPENDENT) {
        return (floe_address){0};
    }
    if (kind == SIM_NAT_ADDRESS_DEPENDENT) {
        key.port = 0;
    }
    return key;
}

static floe_address outside_address(sim_world *world, size_t interface, uint8_t family)
{
    char text[64];
    floe_address address = {0};

    (void)snprintf(text, sizeof text,
                   family == FLOE_FAMILY_IPV4 ? "198.51.100.%zu" : "2001:db8:ffff::%zx",
                   10 + interface);
    (void)floe_address_parse(text, &address);
    address.port = (uint16_t)(20000 + world->next_port++ % 20000);
    return address;
}

static void remember_allowed(sim_world *world, sim_mapping *mapping, const floe_address *to)
{
    for (size_t i = 0; i < mapping->allowed_count; i++) {
        if (floe_address_equal(&mapping->allowed[i], to)) {
            return;
        }
    }
    if (mapping->allowed_count == sizeof mapping->allowed / sizeof *mapping->allowed) {
        world_violated(world, "the simulation's table of a NAT's filter is full");
        return;
    }
    mapping->allowed[mapping->allowed_count++] = *to;
}

/* RFC 4787 §4.3: what nothing has gone out by for so long is forgotten. */
static bool has_expired(const sim_world *world, const sim_mapping *mapping)
{
    uint64_t lifetime = world->config->interfaces[mapping->interface].nat_lifetime_ms * 1000000ULL;

    return mapping->dead || (lifetime != 0 && world->now - mapping->last_out > lifetime);
}

/* Room for another: in a long life those that have been dead for long are used again, once there is
 * no other. */
static sim_mapping *new_mapping(sim_world *world)
{
    bool full = world->mapping_count == MAPPINGS_MAX;

    for (size_t i = 0; world->change != NULL && full && i < world->mapping_count; i++) {
        sim_mapping *mapping = &world->mappings[i];
        if (has_expired(world, mapping) && world->now - mapping->last_out > 1000000000000ULL) {
            return mapping;
        }
    }
    if (full) {
        world_violated(world, "the simulation's table of mappings is full");
        return NULL;
    }
    return &world->mappings[world->mapping_count++];
}

/* The mapping by which a packet leaves; NULL: there is no NAT. */
static sim_mapping *map_outwards(sim_world *world, const sim_socket *socket, const floe_address *to)
{
    const sim_interface *interface = &world->config->interfaces[socket->interface];
    floe_address key = key_of(interface->mapping, to);
    sim_mapping *found = NULL;

    if (interface->mapping == SIM_NAT_NONE) {
        return NULL;
    }
    for (size_t i = 0; i < world->mapping_count; i++) {
        sim_mapping *mapping = &world->mappings[i];
        if (!has_expired(world, mapping) && floe_address_equal(&mapping->inside, &socket->local) &&
            floe_address_equal(&mapping->towards, &key)) {
            found = mapping;
        }
    }
    if (found == NULL) {
        found = new_mapping(world);
        if (found == NULL) {
            return &world->mappings[0];
        }
        *found =
            (sim_mapping){.inside = socket->local, .towards = key, .interface = socket->interface};
        found->outside = outside_address(world, socket->interface, to->family);
    }
    found->last_out = world->now;
    remember_allowed(world, found, to);
    return found;
}

static bool let_in(const sim_world *world, const sim_mapping *mapping, const floe_address *from)
{
    sim_nat filtering = world->config->interfaces[mapping->interface].filtering;

    if (filtering == SIM_NAT_NONE || filtering == SIM_NAT_ENDPOINT_INDEPENDENT) {
        return true;
    }
    for (size_t i = 0; i < mapping->allowed_count; i++) {
        if (filtering == SIM_NAT_ADDRESS_DEPENDENT
                ? floe_address_same_ip(&mapping->allowed[i], from)
                : floe_address_equal(&mapping->allowed[i], from)) {
            return true;
        }
    }
    return false;
}

bool world_map_inwards(const sim_world *world, const floe_address *from, floe_address *to)
{
    for (size_t i = 0; i < world->mapping_count; i++) {
        const sim_mapping *mapping = &world->mappings[i];
        if (floe_address_equal(&mapping->outside, to)) {
            *to = mapping->inside;
            return !has_expired(world, mapping) && let_in(world, mapping, from);
        }
    }
    return true; /* no NAT */
}

/* mapping_count: there is none. */
static size_t mapping_at(const sim_world *world, const floe_address *seen)
{
    const floe_address *outside = stream_client(world, seen);
    size_t n = 0;

    while (n < world->mapping_count && !floe_address_equal(&world->mappings[n].outside, outside)) {
        n++;
    }
    return n;
}

bool world_mapping_is_dead(const sim_world *world, const floe_address *outside)
{
    size_t n = mapping_at(world, outside);

    return n < world->mapping_count && has_expired(world, &world->mappings[n]);
}

bool world_use_mapping(sim_world *world, const floe_address *outside)
{
    size_t n = mapping_at(world, outside);

    if (n == world->mapping_count) {
        return true; /* no NAT */
    }
    if (has_expired(world, &world->mappings[n])) {
        return false;
    }
    world->mappings[n].last_out = world->now;
    return true;
}

/* ── Packets ── */

uint64_t world_one_way(sim_world *world, size_t server)
{
    uint64_t delay = server < world->config->server_count
                         ? world->config->servers[server].round_trip_ms * 500000ULL
                         : 5000000; /* the proxy */

    if (world->config->jitter_ms > 0) {
        delay += seeded_below(&world->random, world->config->jitter_ms * 1000) * 1000ULL;
    }
    return delay;
}

static bool happens(sim_world *world, unsigned per_thousand)
{
    return per_thousand > 0 && seeded_below(&world->random, 1000) < per_thousand;
}

static void add_packet(sim_world *world, sim_event_kind kind, size_t server,
                       const floe_address *from, const floe_address *to, floe_span data)
{
    unsigned copies = happens(world, world->config->duplication) ? 2 : 1;

    if (happens(world, world->config->loss)) {
        world_trace(world, "lost");
        return;
    }
    for (unsigned i = 0; i < copies; i++) {
        sim_event *event = world_add_event(world, kind, world->now + world_one_way(world, server));
        event->server = server;
        event->life = world->life;
        event->from = *from;
        event->to = *to;
        event->size = data.size < PACKET_MAX ? data.size : PACKET_MAX;
        if (data.size > 0) {
            memcpy(event->data, data.data, event->size);
        }
    }
}

void world_answer(sim_world *world, size_t server, const floe_address *from, const floe_address *to,
                  floe_span data)
{
    if (!association_answer(world, server, to, data)) {
        add_packet(world, SIM_EVENT_TO_CLIENT, server, from, to, data);
    }
}

void world_answer_datagram(sim_world *world, size_t server, const floe_address *from,
                           const floe_address *to, floe_span data)
{
    add_packet(world, SIM_EVENT_TO_CLIENT, server, from, to, data);
}

sim_socket *world_socket(sim_world *world, uint32_t channel)
{
    for (size_t i = 0; i < world->socket_count; i++) {
        if (world->sockets[i].channel == channel) {
            return &world->sockets[i];
        }
    }
    return NULL;
}

/* ICMP port unreachable, with the beginning of the packet. */
static void refuse(sim_world *world, size_t server, uint32_t channel,
                   const floe_core_output *output)
{
    sim_event *event = world_add_event(world, SIM_EVENT_UNREACHABLE,
                                       world->now + 2 * world_one_way(world, server));

    event->channel = channel;
    event->to = output->remote;
    event->reason = FLOE_UNREACHABLE_PORT;
    event->size = output->data_size < 28 ? output->data_size : 28;
    memcpy(event->data, output->data, event->size);
}

size_t world_server_at(const sim_world *world, const floe_address *remote, bool *refuses)
{
    for (size_t i = 0; i < world->config->server_count; i++) {
        const sim_server *server = &world->config->servers[i];
        floe_address address = server_address_for(world, i, remote->family);
        floe_address first;
        bool is_first =
            server_first_address(world, i, &first) && floe_address_equal(&first, remote);
        bool is_server = floe_address_equal(&address, remote);
        *refuses =
            (is_first && server->first_closed) || (is_server && server->temper == SIM_PORT_CLOSED);
        if (*refuses || is_server) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* What the socket's packets look like outside. */
static floe_address outside_of(sim_world *world, const sim_socket *socket,
                               const floe_address *remote)
{
    sim_mapping *mapping = map_outwards(world, socket, remote);

    return mapping != NULL ? mapping->outside : socket->local;
}

/* The peer sends back what it gets. */
static void echo(sim_world *world, const floe_address *from, const floe_address *peer,
                 floe_span data)
{
    if (world->config->server_count > 0 || world->config->loss == 0) {
        sim_event *event = world_add_event(world, SIM_EVENT_TO_CLIENT, world->now + 20000000);
        event->from = *peer;
        event->to = *from;
        event->size = data.size < PACKET_MAX ? data.size : PACKET_MAX;
        memcpy(event->data, data.data, event->size);
    }
}

void world_send_from(sim_world *world, sim_socket *socket, const floe_core_output *output)
{
    const sim_interface *interface = &world->config->interfaces[socket->interface];
    floe_span data = floe_span_of(output->data, output->data_size);
    bool refuses = false;

    if (interface->path == SIM_PATH_NO_ROUTE) {
        floe_core_unreachable(world_io(world), world_time(world), output->channel, &output->remote,
                              FLOE_UNREACHABLE_NETWORK, output->data, output->data_size);
        return;
    }
    if (interface->path == SIM_PATH_SWALLOWS || world->down[socket->interface]) {
        return;
    }
    floe_address from = outside_of(world, socket, &output->remote);
    if (world_peer_of(&output->remote) < 2) {
        echo(world, &from, &output->remote, data);
        return;
    }
    size_t server = world_server_at(world, &output->remote, &refuses);
    if (refuses) {
        refuse(world, server, socket->channel, output);
    } else if (server != SIZE_MAX) {
        add_packet(world, SIM_EVENT_TO_SERVER, server, &from, &output->remote, data);
    }
}

uint32_t world_interface_index(const sim_config *config, size_t n)
{
    size_t i = 0;

    while (strcmp(config->interfaces[i].name, config->interfaces[n].name) != 0) {
        i++;
    }
    return (uint32_t)i + 1;
}

/* A peer does not listen yet, now and then; where nothing is left to chance he does. */
static bool peer_refuses(sim_world *world)
{
    return world->config->loss > 0 && seeded_below(&world->random, 4) == 0;
}

void world_connect(sim_world *world, sim_socket *socket)
{
    const sim_interface *interface = &world->config->interfaces[socket->interface];
    bool refuses = false;
    bool proxied = proxy_is_at(world, &socket->remote);
    size_t server = world_server_at(world, &socket->remote, &refuses);

    if (proxied) {
        refuses = world->config->proxy.temper == SIM_PROXY_CLOSED;
    }
    if (interface->path == SIM_PATH_NO_ROUTE) {
        floe_core_unreachable(world_io(world), world_time(world), core_channel(socket->channel),
                              &socket->remote, FLOE_UNREACHABLE_NETWORK, NULL, 0);
    } else if (interface->path == SIM_PATH_GOOD && !world->down[socket->interface] &&
               direct_open(world, socket, peer_refuses(world))) {
        return;
    } else if ((server != SIZE_MAX || proxied) && interface->path == SIM_PATH_GOOD &&
               !world->down[socket->interface]) {
        floe_address client = outside_of(world, socket, &socket->remote);
        stream_open(world, socket, server, refuses, &client);
    }
}

/* Two may have one address. */
size_t world_interface_with(const sim_world *world, const floe_address *local)
{
    size_t found = world->config->interface_count;

    for (size_t n = 0; n < world->config->interface_count; n++) {
        floe_address address;
        (void)floe_address_parse(world->config->interfaces[n].ip, &address);
        if (floe_address_same_ip(&address, local) &&
            (found == world->config->interface_count || world->down[found])) {
            found = n;
        }
    }
    return found;
}

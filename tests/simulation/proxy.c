/* The simulation's proxy, written from RFC 9110 §9.3.6, RFC 7617, RFC 1928 and RFC 1929; and what
 * must stay secret. It is asked for servers by the names and addresses that options have of them,
 * and lets nothing through before it has connected. */
#include "world.h"

#include "base/address.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROXY_IP "192.0.2.80"
#define PROXY_IP_OF_SIX "2001:db8:80::1"
#define PROXY_NAME "proxy.sim.example"
#define PROXY_PORT 3128
#define PROXY_USER "user"
#define PROXY_PASSWORD "PROXYSECRET"
#define PROXY_BASIC "dXNlcjpQUk9YWVNFQ1JFVA==" /* user:PROXYSECRET */

enum {
    STEP_FIRST,
    STEP_PASSWORD,
    STEP_CONNECT,
    STEP_OVER,
};

const char *sim_proxy_url(const sim_proxy *proxy)
{
    static const char *const urls[2][2][2] = {
        {{"http://" PROXY_IP ":3128", "http://" PROXY_USER ":" PROXY_PASSWORD "@" PROXY_IP ":3128"},
         {"http://" PROXY_NAME ":3128",
          "http://" PROXY_USER ":" PROXY_PASSWORD "@" PROXY_NAME ":3128"}},
        {{"socks5://" PROXY_IP ":3128",
          "socks5://" PROXY_USER ":" PROXY_PASSWORD "@" PROXY_IP ":3128"},
         {"socks5://" PROXY_NAME ":3128",
          "socks5://" PROXY_USER ":" PROXY_PASSWORD "@" PROXY_NAME ":3128"}},
    };

    return proxy->kind == SIM_PROXY_NONE
               ? NULL
               : urls[proxy->kind == SIM_PROXY_SOCKS5][proxy->by_name][proxy->password];
}

floe_address proxy_address(const sim_world *world, uint8_t family)
{
    const sim_proxy *proxy = &world->config->proxy;
    floe_address address = {0};

    if (proxy->kind != SIM_PROXY_NONE && (family == FLOE_FAMILY_IPV4 || proxy->by_name)) {
        (void)floe_address_parse(family == FLOE_FAMILY_IPV4 ? PROXY_IP : PROXY_IP_OF_SIX, &address);
        address.port = PROXY_PORT;
    }
    return address;
}

bool proxy_is_at(const sim_world *world, const floe_address *remote)
{
    floe_address address = proxy_address(world, remote->family);

    return address.family != FLOE_FAMILY_NONE && floe_address_equal(&address, remote);
}

/* ── What must stay secret ── */

static bool holds(floe_span data, const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i + size <= data.size; i++) {
        if (data.data[i] == (uint8_t)*text && memcmp(data.data + i, text, size) == 0) {
            return true;
        }
    }
    return false;
}

void check_secrets(sim_world *world, const char *whose, floe_span data)
{
    if (world->config->proxy.password &&
        (holds(data, PROXY_PASSWORD) || holds(data, PROXY_BASIC))) {
        world_violated(world, "T8: %s is told the proxy's password", whose);
    }
}

/* ── What it is asked for ── */

/* The server by its name, as the URL has it. */
static size_t server_named(const sim_world *world, const char *host)
{
    char *end;

    host += strncasecmp(host, "also.", 5) == 0 ? 5 : 0; /* by its other name */
    size_t n = strncasecmp(host, "server", 6) == 0 && isdigit((unsigned char)host[6])
                   ? (size_t)strtoul(host + 6, &end, 10)
                   : SIZE_MAX;

    return n < world->config->server_count &&
                   (strcasecmp(end, ".sim.example") == 0 || strcasecmp(end, ".sim.example.") == 0)
               ? n
               : SIZE_MAX;
}

static size_t server_at(const sim_world *world, const floe_address *address)
{
    for (size_t i = 0; i < world->config->server_count; i++) {
        floe_address one = server_address_for(world, i, address->family);
        if (floe_address_equal(&one, address)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static size_t target(sim_world *world, const char *host, uint16_t port)
{
    floe_address address;
    size_t n;

    if (floe_address_parse(host, &address) == FLOE_OK) {
        address = floe_address_normalise(address);
        address.port = port;
        n = server_at(world, &address);
    } else {
        n = server_named(world, host);
    }
    if (n == SIZE_MAX || world->config->servers[n].port != port ||
        (world->config->servers[n].transport != FLOE_PROTOCOL_TCP &&
         world->config->servers[n].transport != FLOE_PROTOCOL_TLS)) {
        world_violated(world, "T8: the proxy is asked for %s %u, which nobody has named", host,
                       port);
        return SIZE_MAX;
    }
    return n;
}

/* ── What it answers ── */

typedef struct proxy_reply {
    sim_world *world;
    sim_tunnel *tunnel;
    floe_writer writer;
} proxy_reply;

/* That server's temper decides, unless the proxy's own does. */
static sim_tunnel_result connect_to(proxy_reply *reply, size_t server, uint16_t forbidden,
                                    uint16_t *code)
{
    sim_temper temper =
        server < SIM_SERVERS_MAX ? reply->world->config->servers[server].temper : SIM_PORT_CLOSED;

    reply->tunnel->step = STEP_OVER;
    *code = 0;
    if (reply->world->config->proxy.temper == SIM_PROXY_FORBIDS) {
        *code = forbidden;
    } else if (temper == SIM_NAME_SILENT) {
        return SIM_TUNNEL_WAITS;
    } else if (temper == SIM_PORT_CLOSED || temper == SIM_NAME_UNKNOWN) {
        *code = forbidden == 403 ? 502 : 5;
    }
    reply->world->proxy_refusals += *code != 0;
    return *code == 0 ? SIM_TUNNEL_IS_OPEN : SIM_TUNNEL_ENDS;
}

/* ── HTTP ── */

static sim_tunnel_result say_http(proxy_reply *reply, const char *line, sim_tunnel_result result)
{
    static const char before[] = "HTTP/1.1 ";
    static const char behind[] = "\r\nVia: 1.1 proxy\r\n\r\n";

    floe_write_bytes(&reply->writer, before, sizeof before - 1);
    floe_write_bytes(&reply->writer, line, strlen(line));
    floe_write_bytes(&reply->writer, behind, sizeof behind - 1);
    return result;
}

static sim_tunnel_result deny_http(proxy_reply *reply)
{
    reply->tunnel->step = STEP_OVER;
    reply->world->proxy_refusals++;
    return say_http(reply, "407 Proxy Authentication Required", SIM_TUNNEL_ENDS);
}

static sim_tunnel_result receive_http(proxy_reply *reply, size_t *server)
{
    sim_world *world = reply->world;
    sim_tunnel *tunnel = reply->tunnel;
    const sim_proxy *proxy = &world->config->proxy;
    char *text = (char *)tunnel->in;
    char host[260] = "";
    char again[260] = "";
    char *end;
    uint16_t code;

    text[tunnel->used < sizeof tunnel->in ? tunnel->used : sizeof tunnel->in - 1] = '\0';
    end = strstr(text, "\r\n\r\n");
    if (end == NULL) {
        return SIM_TUNNEL_WAITS;
    }
    if ((size_t)(end - text) + 4 != tunnel->used) {
        world_violated(world, "T8: something goes to the proxy before it has connected");
    }
    if (sscanf(text, "CONNECT %255s HTTP/1.1\r\nHost: %255s\r\n", host, again) != 2 ||
        strcmp(host, again) != 0) {
        world_violated(world, "RFC 9110 9.3.6: the proxy is asked \"%.60s\"", text);
        return SIM_TUNNEL_ENDS;
    }
    bool shown = strstr(text, "\r\nProxy-Authorization: Basic " PROXY_BASIC "\r\n") != NULL;
    if (proxy->password != (strstr(text, "Authorization") != NULL) || proxy->password != shown) {
        world_violated(world, "RFC 7617: the proxy is shown another password than its own");
    }
    if (proxy->temper == SIM_PROXY_DENIES) {
        return deny_http(reply);
    }
    char *colon = strrchr(host, ':');
    unsigned long port = colon != NULL ? strtoul(colon + 1, NULL, 10) : 0;
    if (colon != NULL) {
        *colon = '\0';
    }
    size_t size = strlen(host);
    bool bracketed = *host == '[' && host[size - 1] == ']';
    if (bracketed) {
        host[size - 1] = '\0';
    }
    *server = target(world, host + bracketed, (uint16_t)port);
    sim_tunnel_result result = connect_to(reply, *server, 403, &code);
    if (result == SIM_TUNNEL_IS_OPEN && seeded_below(&world->random, 4) == 0) {
        (void)say_http(reply, "100 Continue", result); /* RFC 9110 §15.2 */
    }
    return result == SIM_TUNNEL_WAITS ? result
           : code == 403              ? say_http(reply, "403 Forbidden", result)
           : code != 0                ? say_http(reply, "502 Bad Gateway", result)
                                      : say_http(reply, "200 Connected", result);
}

/* ── SOCKS5 ── */

static sim_tunnel_result say_socks(proxy_reply *reply, uint8_t version, uint8_t code,
                                   unsigned next_step)
{
    floe_write_u8(&reply->writer, version);
    floe_write_u8(&reply->writer, code);
    reply->tunnel->step = next_step;
    reply->world->proxy_refusals += next_step == STEP_OVER;
    return next_step == STEP_OVER ? SIM_TUNNEL_ENDS : SIM_TUNNEL_WAITS;
}

static sim_tunnel_result choose_method(proxy_reply *reply, floe_reader *reader)
{
    bool wanted = reply->world->config->proxy.password;
    uint8_t version = floe_read_u8(reader);
    uint8_t count = floe_read_u8(reader);
    floe_span methods = floe_read_span(reader, count);
    bool offered = false;

    if (reader->failed) {
        return SIM_TUNNEL_WAITS;
    }
    for (size_t i = 0; i < methods.size; i++) {
        offered = offered || methods.data[i] == (wanted ? 2 : 0);
    }
    if (version != 5 || !offered) {
        world_violated(reply->world, "RFC 1928 3: the proxy's method is not offered");
    }
    return say_socks(reply, 5, wanted ? 2 : 0, wanted ? STEP_PASSWORD : STEP_CONNECT);
}

static sim_tunnel_result look_at_password(proxy_reply *reply, floe_reader *reader)
{
    uint8_t version = floe_read_u8(reader);
    floe_span user = floe_read_span(reader, floe_read_u8(reader));
    floe_span password = floe_read_span(reader, floe_read_u8(reader));

    if (reader->failed) {
        return SIM_TUNNEL_WAITS;
    }
    if (version != 1 || !floe_span_equal(user, floe_span_text(PROXY_USER)) ||
        !floe_span_equal(password, floe_span_text(PROXY_PASSWORD))) {
        world_violated(reply->world, "RFC 1929: the proxy is shown another password than its own");
    }
    bool denied = reply->world->config->proxy.temper == SIM_PROXY_DENIES;
    return say_socks(reply, 1, denied, denied ? STEP_OVER : STEP_CONNECT);
}

static sim_tunnel_result connect_socks(proxy_reply *reply, floe_reader *reader, size_t *server)
{
    sim_world *world = reply->world;
    floe_span head = floe_read_span(reader, 4);
    char host[260] = "";
    uint16_t code;

    if (reader->failed) {
        return SIM_TUNNEL_WAITS;
    }
    if (head.data[3] == 3) {
        floe_span name = floe_read_span(reader, floe_read_u8(reader));
        (void)snprintf(host, sizeof host, "%.*s", (int)name.size, (const char *)name.data);
    } else {
        floe_address address = {.family = head.data[3] == 1 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6};
        size_t size = head.data[3] == 1 ? 4 : 16;
        floe_span ip = floe_read_span(reader, size);
        if (ip.size == size) {
            memcpy(address.ip, ip.data, size);
        }
        (void)floe_address_format(&address, host, sizeof host);
    }
    uint16_t port = floe_read_u16(reader);
    if (reader->failed) {
        return SIM_TUNNEL_WAITS;
    }
    *server = target(world, host, port);
    sim_tunnel_result result = connect_to(reply, *server, 2, &code);
    if (result != SIM_TUNNEL_WAITS) {
        const uint8_t answer[] = {5, (uint8_t)code, 0, 1, 192, 0, 2, 80, 1, 1};
        floe_write_bytes(&reply->writer, answer, sizeof answer);
    }
    return result;
}

static sim_tunnel_result receive_socks(proxy_reply *reply, size_t *server)
{
    sim_tunnel *tunnel = reply->tunnel;
    floe_reader reader = floe_reader_of(tunnel->in, tunnel->used);
    unsigned step = tunnel->step;
    sim_tunnel_result result = step == STEP_FIRST      ? choose_method(reply, &reader)
                               : step == STEP_PASSWORD ? look_at_password(reply, &reader)
                                                       : connect_socks(reply, &reader, server);

    if (!reader.failed) {
        if (floe_reader_left(&reader) > 0) {
            world_violated(reply->world, "T8: the proxy is told more than it has asked for");
        }
        tunnel->used = 0;
    }
    return result;
}

sim_tunnel_result proxy_receive(sim_world *world, sim_tunnel *tunnel, floe_span data,
                                uint8_t *answer, size_t *size, size_t *server)
{
    const sim_proxy *proxy = &world->config->proxy;
    proxy_reply reply = {.world = world, .tunnel = tunnel, .writer = floe_writer_of(answer, 512)};
    sim_tunnel_result result = SIM_TUNNEL_WAITS;

    if (tunnel->step == STEP_OVER || proxy->temper == SIM_PROXY_SILENT) {
        return SIM_TUNNEL_WAITS;
    }
    if (proxy->temper == SIM_PROXY_HANGS_UP) {
        tunnel->step = STEP_OVER;
        return SIM_TUNNEL_ENDS;
    }
    if (data.size >= sizeof tunnel->in - tunnel->used) {
        world_violated(world, "T8: the proxy is told a tale without end");
        return SIM_TUNNEL_ENDS;
    }
    memcpy(tunnel->in + tunnel->used, data.data, data.size);
    tunnel->used += data.size;
    result = proxy->kind == SIM_PROXY_HTTP ? receive_http(&reply, server)
                                           : receive_socks(&reply, server);
    *size = reply.writer.at;
    return result;
}

/* Parsing server URLs (S1). */
#include "core/text/url.h"

#include "base/address.h"
#include "base/error.h"
#include "base/name.h"

#include <stdio.h>
#include <string.h>

typedef struct scheme {
    const char *name;
    bool turn;
    bool secure;
} scheme;

static const scheme schemes[] = {
    {"stun", false, false},
    {"stuns", false, true},
    {"turn", true, false},
    {"turns", true, true},
};

static floe_error bad(const char *text, const char *why)
{
    return floe_fail(FLOE_ERR_SYNTAX, "URL \"%.160s\": %s", text, why);
}

static const char *parse_scheme(const char *text, floe_url *url)
{
    const char *colon = strchr(text, ':');

    for (size_t i = 0; colon != NULL && i < sizeof schemes / sizeof *schemes; i++) {
        if (floe_ascii_is(text, (size_t)(colon - text), schemes[i].name)) {
            url->turn = schemes[i].turn;
            url->secure = schemes[i].secure;
            return colon + 1;
        }
    }
    return NULL;
}

/* The port's digits, up to `end`: RFC 3986 §3.2.3 lets there be none, which is as without the
 * colon.
 */
static bool parse_port(const char *text, const char *end, floe_url *url)
{
    unsigned port = 0;

    if (text == end) {
        return true;
    }
    for (; text < end && port <= 65535; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        port = port * 10 + (unsigned)(*text - '0');
    }
    if (port == 0 || port > 65535) {
        return false;
    }
    url->port = (uint16_t)port;
    url->has_port = true;
    return true;
}

/* RFC 3986 §6.2.2: in lower case, what is percent-encoded without need (§2.3) as it is. */
static bool normalise(const char *text, size_t size, floe_url *url)
{
    bool good = floe_percent_decode(text, size, url->host, FLOE_HOST_SIZE);

    for (char *at = url->host; good && *at != '\0'; at++) {
        *at = floe_ascii_lower(*at);
    }
    return good;
}

/* A literal in one form, whatever it was written in: RFC 5952, or that of the IPv4 address that it
 * maps. */
static void take_literal(floe_url *url)
{
    url->literal = floe_address_normalise(url->literal);
    (void)floe_address_format(&url->literal, url->host, FLOE_HOST_SIZE);
}

static const char *parse_bracketed(const char *text, const char *end, floe_url *url)
{
    const char *bracket = memchr(text, ']', (size_t)(end - text));

    if (bracket == NULL ||
        !floe_address_parse_span(text + 1, (size_t)(bracket - text - 1), &url->literal) ||
        url->literal.family != FLOE_FAMILY_IPV6) {
        return NULL;
    }
    take_literal(url);
    return bracket + 1;
}

static const char *parse_host(const char *text, const char *end, floe_url *url)
{
    if (*text == '[') {
        return parse_bracketed(text, end, url);
    }
    const char *colon = memchr(text, ':', (size_t)(end - text));
    const char *behind = colon != NULL ? colon : end;
    if (!normalise(text, (size_t)(behind - text), url)) {
        return NULL;
    }
    if (!floe_address_parse_span(url->host, strlen(url->host), &url->literal)) {
        return floe_name_valid(url->host, strlen(url->host)) ? behind : NULL;
    }
    if (url->literal.family != FLOE_FAMILY_IPV4) {
        return NULL;
    }
    take_literal(url);
    return behind;
}

static size_t host_size(const floe_url *url)
{
    size_t size = strlen(url->host);

    return size > 0 && url->host[size - 1] == '.' ? size - 1 : size;
}

void floe_url_place(const floe_url *url, char *place)
{
    (void)snprintf(place, FLOE_URL_PLACE_SIZE, "%s %.*s %u", floe_protocol_name(url->transport),
                   (int)host_size(url), url->host, url->port);
}

bool floe_url_same_place(const floe_url *a, const floe_url *b)
{
    return a->turn == b->turn && a->transport == b->transport && a->port == b->port &&
           host_size(a) == host_size(b) && memcmp(a->host, b->host, host_size(a)) == 0;
}

bool floe_url_is_turn(const floe_url *url)
{
    return *url->text == 't' || *url->text == 'T';
}

static floe_error parse_query(const char *text, const char *query, floe_url *url)
{
    static const char key[] = "transport=";

    if (!url->turn) {
        return bad(text, "a stun or stuns URL has no \"?\" part");
    }
    if (strncmp(query, key, sizeof key - 1) != 0) {
        return bad(text, "the only \"?\" part is \"?transport=udp\" or \"?transport=tcp\"");
    }
    query += sizeof key - 1;
    url->has_transport = true;
    if (floe_ascii_is(query, strlen(query), "udp")) {
        url->transport = url->secure ? FLOE_PROTOCOL_DTLS : FLOE_PROTOCOL_UDP;
    } else if (floe_ascii_is(query, strlen(query), "tcp")) {
        url->transport = url->secure ? FLOE_PROTOCOL_TLS : FLOE_PROTOCOL_TCP;
    } else {
        return bad(text, "the transport is neither udp nor tcp");
    }
    return FLOE_OK;
}

floe_error floe_url_parse(const char *text, floe_url *url, char *host)
{
    *url = (floe_url){.host = host, .text = text};
    const char *at = parse_scheme(text, url);

    if (at == NULL) {
        return bad(text, "it begins with none of stun:, stuns:, turn:, turns:");
    }
    const char *end = at + strcspn(at, "?");
    if (strpbrk(at, "@/#") != NULL) {
        return bad(text, "user info, a path or a fragment has no place in it");
    }
    at = parse_host(at, end, url);
    if (at == NULL) {
        return bad(text, "the host is no name, no IPv4 address and no [IPv6 address]");
    }
    url->port = url->secure ? 5349 : 3478;
    if (at < end && (*at != ':' || !parse_port(at + 1, end, url))) {
        return bad(text, "the port is no number from 1 to 65535");
    }
    url->transport = url->secure ? FLOE_PROTOCOL_TLS : FLOE_PROTOCOL_UDP;
    if (*end == '?') {
        floe_error error = parse_query(text, end + 1, url);
        if (error != FLOE_OK) {
            return error;
        }
    }
    url->literal.port = url->port;
    return FLOE_OK;
}

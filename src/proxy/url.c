/* The URL of a proxy. */
#include "base/address.h"
#include "base/error.h"
#include "base/name.h"
#include "proxy/proxy.h"

#include <string.h>

static bool read_port(const char *text, size_t size, uint16_t *port)
{
    uint32_t value = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || value > 65535) {
            return false;
        }
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    *port = (uint16_t)value;
    return size > 0 && value > 0 && value <= 65535;
}

static bool read_user(const char *text, size_t size, floe_proxy_server *server)
{
    const char *colon = memchr(text, ':', size);
    size_t user = colon != NULL ? (size_t)(colon - text) : size;

    return user > 0 && floe_percent_decode(text, user, server->username, sizeof server->username) &&
           (colon == NULL || floe_percent_decode(colon + 1, size - user - 1, server->password,
                                                 sizeof server->password));
}

/* What the proxy's protocol can say. NULL: it can. */
static const char *why_not_by(const floe_proxy_server *server)
{
    if (server->kind == FLOE_PROXY_SOCKS5 && *server->username != '\0' &&
        *server->password == '\0') {
        return "a SOCKS5 proxy's user has a password of 1 to 255 bytes (RFC 1929)";
    }
    if (server->kind == FLOE_PROXY_HTTP && strchr(server->username, ':') != NULL) {
        return "an HTTP proxy's user has no colon in it (RFC 7617)";
    }
    return NULL;
}

static bool read_host(const char *text, size_t size, floe_proxy_server *server)
{
    bool bracketed = size > 1 && text[0] == '[' && text[size - 1] == ']';
    size_t length = bracketed ? size - 2 : size;

    if (length == 0 || length >= sizeof server->host) {
        return false;
    }
    memcpy(server->host, bracketed ? text + 1 : text, length);
    server->host[length] = '\0';
    bool is_address = floe_address_parse(server->host, &server->literal) == FLOE_OK;
    if (!is_address) {
        server->literal = (floe_address){0};
    }
    bool ipv6 = is_address && server->literal.family == FLOE_FAMILY_IPV6;
    return ipv6 == bracketed && strpbrk(server->host, " \t\r\n/?#[]") == NULL;
}

floe_error floe_proxy_parse(const char *text, floe_proxy_server *server)
{
    static const struct {
        const char *scheme;
        floe_proxy_kind kind;
        uint16_t port;
    } kinds[] = {{"http://", FLOE_PROXY_HTTP, 8080}, {"socks5://", FLOE_PROXY_SOCKS5, 1080}};
    floe_proxy_server made = {0};
    const char *at = NULL;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t size = strlen(kinds[i].scheme);
        if (floe_ascii_same(text, kinds[i].scheme, size)) { /* RFC 3986 §3.1: in any case */
            made.kind = kinds[i].kind;
            made.port = kinds[i].port;
            at = text + size;
        }
    }
    if (at == NULL) {
        return floe_fail(FLOE_ERR_SYNTAX, "the proxy is no http:// or socks5:// URL");
    }
    size_t size = strlen(at);
    if (size > 0 && at[size - 1] == '/') {
        size--;
    }
    const char *user_end = NULL;
    for (size_t i = 0; i < size; i++) {
        user_end = at[i] == '@' ? &at[i] : user_end;
    }
    if (user_end != NULL) {
        if (!read_user(at, (size_t)(user_end - at), &made)) {
            return floe_fail(FLOE_ERR_SYNTAX, "the proxy's user and password are malformed");
        }
        const char *why = why_not_by(&made);
        if (why != NULL) {
            return floe_fail(FLOE_ERR_SYNTAX, "%s", why);
        }
        size -= (size_t)(user_end + 1 - at);
        at = user_end + 1;
    }
    size_t host = size;
    for (size_t i = 0; i < size; i++) {
        bool port_follows = at[i] == ':' && memchr(at + i, ']', size - i) == NULL;
        if (port_follows && memchr(at, ':', i) != NULL && at[0] != '[') {
            return floe_fail(FLOE_ERR_SYNTAX, "the proxy's IPv6 address wants brackets");
        }
        host = port_follows ? i : host;
    }
    if (host < size && !read_port(at + host + 1, size - host - 1, &made.port)) {
        return floe_fail(FLOE_ERR_SYNTAX, "the proxy's port is malformed");
    }
    if (!read_host(at, host, &made)) {
        return floe_fail(FLOE_ERR_SYNTAX, "the proxy's host is malformed");
    }
    *server = made;
    return FLOE_OK;
}

/* The conversation with the proxy. */
#include "proxy/proxy.h"

#include "base/address.h"
#include "base/crypto.h"
#include "base/name.h"

#include <stdio.h>
#include <string.h>

enum {
    STATE_HTTP,     /* the status line and headers */
    STATE_METHOD,   /* SOCKS: which authentication */
    STATE_PASSWORD, /* SOCKS: whether the password is right */
    STATE_REPLY,    /* SOCKS: whether it is connected */
    STATE_ENDED,
};

void floe_proxy_init(floe_proxy *proxy, const floe_proxy_server *server, const char *host,
                     uint16_t port)
{
    *proxy = (floe_proxy){.server = server,
                          .port = port,
                          .state = server->kind == FLOE_PROXY_HTTP ? STATE_HTTP : STATE_METHOD};
    (void)snprintf(proxy->host, sizeof proxy->host, "%s", host);
}

static void write_text(floe_writer *writer, const char *text)
{
    floe_write_bytes(writer, text, strlen(text));
}

/* RFC 7617: sent at once, as we were told to authenticate; so a second 407 means that it is wrong.
 */
static void write_authorization(floe_writer *writer, const floe_proxy_server *server)
{
    char both[2 * sizeof server->username];
    char encoded[4 * sizeof both / 3 + 8];
    int size = snprintf(both, sizeof both, "%s:%s", server->username, server->password);

    floe_base64_encode(floe_span_of(both, (size_t)size), encoded);
    write_text(writer, "Proxy-Authorization: Basic ");
    write_text(writer, encoded);
    write_text(writer, "\r\n");
    floe_wipe(both, sizeof both);
    floe_wipe(encoded, sizeof encoded);
}

static void write_http(const floe_proxy *proxy, floe_writer *writer)
{
    char target[sizeof proxy->host + 16];
    bool ipv6 = strchr(proxy->host, ':') != NULL;

    (void)snprintf(target, sizeof target, "%s%s%s:%u", ipv6 ? "[" : "", proxy->host,
                   ipv6 ? "]" : "", proxy->port);
    write_text(writer, "CONNECT ");
    write_text(writer, target);
    write_text(writer, " HTTP/1.1\r\nHost: ");
    write_text(writer, target);
    write_text(writer, "\r\n");
    if (*proxy->server->username != '\0') {
        write_authorization(writer, proxy->server);
    }
    write_text(writer, "\r\n");
}

/* RFC 1928 §3: no authentication, and by password if we have one. */
static void write_methods(const floe_proxy *proxy, floe_writer *writer)
{
    bool password = *proxy->server->username != '\0';

    floe_write_u8(writer, 5);
    floe_write_u8(writer, password ? 2 : 1);
    floe_write_u8(writer, 0);
    if (password) {
        floe_write_u8(writer, 2);
    }
}

static void write_counted(floe_writer *writer, const char *text)
{
    floe_write_u8(writer, (uint8_t)strlen(text)); /* at most 255, as their rooms are */
    write_text(writer, text);
}

static void write_connect(const floe_proxy *proxy, floe_writer *writer)
{
    floe_address address;

    floe_write_u8(writer, 5);
    floe_write_u8(writer, 1);
    floe_write_u8(writer, 0);
    if (floe_address_parse(proxy->host, &address) != FLOE_OK) {
        floe_write_u8(writer, 3);
        write_counted(writer, proxy->host);
    } else {
        bool ipv4 = address.family == FLOE_FAMILY_IPV4;
        floe_write_u8(writer, ipv4 ? 1 : 4);
        floe_write_bytes(writer, address.ip, ipv4 ? 4 : 16);
    }
    floe_write_u16(writer, proxy->port);
}

floe_span floe_proxy_write(const floe_proxy *proxy, void *buffer, size_t size)
{
    floe_writer writer = floe_writer_of(buffer, size);

    switch (proxy->state) {
    case STATE_HTTP:
        write_http(proxy, &writer);
        break;
    case STATE_METHOD:
        write_methods(proxy, &writer);
        break;
    case STATE_PASSWORD: /* RFC 1929 §2 */
        floe_write_u8(&writer, 1);
        write_counted(&writer, proxy->server->username);
        write_counted(&writer, proxy->server->password);
        break;
    case STATE_REPLY:
        write_connect(proxy, &writer);
        break;
    default:
        break;
    }
    return writer.failed ? (floe_span){0} : floe_span_of(buffer, writer.at);
}

static floe_proxy_result fail(floe_proxy *proxy, const char *why)
{
    proxy->state = STATE_ENDED;
    (void)snprintf(proxy->failure, sizeof proxy->failure, "%s", why);
    return FLOE_PROXY_FAILED;
}

/* HTTP. */

static floe_proxy_result http_ended(floe_proxy *proxy)
{
    char why[sizeof proxy->failure];

    if (proxy->status >= 200 && proxy->status < 300) {
        proxy->state = STATE_ENDED;
        return FLOE_PROXY_READY;
    }
    if (proxy->status == 407 && proxy->challenges && !proxy->basic) {
        return fail(proxy, "it wants another scheme than Basic, the only one that is spoken here "
                           "(407)");
    }
    if (proxy->status == 407 || proxy->status == 401) { /* 401: tinyproxy, of a wrong password */
        (void)snprintf(why, sizeof why,
                       *proxy->server->username != '\0'
                           ? "it refuses the user name or password (%u)"
                           : "it wants a user name and password (%u)",
                       proxy->status);
        return fail(proxy, why);
    }
    (void)snprintf(why, sizeof why,
                   proxy->status >= 500 ? "it answers %u to CONNECT: can it reach port %u there?"
                                        : "it answers %u to CONNECT: do its rules allow port %u?",
                   proxy->status, proxy->port);
    return fail(proxy, why);
}

/* "HTTP/1.x NNN" */
static bool read_status(floe_proxy *proxy)
{
    const uint8_t *head = proxy->head;
    uint16_t status = 0;

    if (proxy->line < 12 || memcmp(head, "HTTP/1.", 7) != 0 || head[8] != ' ') {
        return false;
    }
    for (size_t i = 9; i < 12; i++) {
        if (head[i] < '0' || head[i] > '9') {
            return false;
        }
        status = (uint16_t)(status * 10 + (head[i] - '0'));
    }
    proxy->status = status;
    return true;
}

/* In any case of the letters. */
static bool has_at(floe_span line, size_t at, const char *text)
{
    size_t size = strlen(text);

    return at + size <= line.size && floe_ascii_same((const char *)line.data + at, text, size);
}

/* RFC 9110 §11.7.1: a list of challenges, each a scheme and perhaps parameters behind it. */
static void read_challenges(floe_proxy *proxy)
{
    static const char name[] = "proxy-authenticate:";
    bool whole = proxy->line <= sizeof proxy->head;
    floe_span line = floe_span_of(proxy->head, whole ? proxy->line : sizeof proxy->head);
    bool begins = true; /* an element of the list */

    if (!has_at(line, 0, name)) {
        return;
    }
    proxy->challenges = true;
    proxy->basic = proxy->basic || !whole; /* what was not kept may name it */
    for (size_t i = sizeof name - 1; i < line.size; i++) {
        uint8_t character = line.data[i];
        bool space = character == ' ' || character == '\t';
        if (begins && has_at(line, i, "basic")) {
            size_t behind = i + 5;
            proxy->basic =
                proxy->basic || behind == line.size || memchr(" \t,", line.data[behind], 3) != NULL;
        }
        begins = character == ',' || (begins && space);
    }
}

static floe_proxy_result read_http(floe_proxy *proxy, floe_span *input)
{
    floe_reader reader = floe_reader_of(input->data, input->size);

    while (floe_reader_left(&reader) > 0) {
        uint8_t byte = floe_read_u8(&reader);
        if (++proxy->read > FLOE_PROXY_ANSWER_MAX) {
            return fail(proxy, "its answer has no end");
        }
        if (byte != '\n') {
            if (byte != '\r') {
                if (proxy->line < sizeof proxy->head) {
                    proxy->head[proxy->line] = byte;
                }
                proxy->line++;
            }
            continue;
        }
        if (proxy->status == 0 && !read_status(proxy)) {
            return fail(proxy, "it does not speak HTTP: is it a proxy?");
        }
        if (proxy->line == 0 && proxy->status < 200 && proxy->status != 101) {
            proxy->status = 0; /* RFC 9110 §15.2: an interim answer, and the answer follows */
            proxy->challenges = proxy->basic = false;
            continue;
        }
        if (proxy->line == 0) {
            *input = floe_read_span(&reader, floe_reader_left(&reader));
            return http_ended(proxy);
        }
        read_challenges(proxy);
        proxy->line = 0;
    }
    *input = (floe_span){0};
    return FLOE_PROXY_WAITS;
}

/* SOCKS. */

static floe_proxy_result method_chosen(floe_proxy *proxy)
{
    if (proxy->head[0] != 5) {
        return fail(proxy, "it does not speak SOCKS5: is it a proxy?");
    }
    if (proxy->head[1] == 0) {
        proxy->state = STATE_REPLY;
        return FLOE_PROXY_SEND;
    }
    if (proxy->head[1] == 2 && *proxy->server->username != '\0') {
        proxy->state = STATE_PASSWORD;
        return FLOE_PROXY_SEND;
    }
    return fail(proxy, *proxy->server->username != '\0' ? "it takes no authentication by password"
                                                        : "it wants a user name and password");
}

static floe_proxy_result replied(floe_proxy *proxy)
{
    /* RFC 1928 §6. */
    static const char *const replies[] = {"",
                                          "it has failed",
                                          "its rules forbid it",
                                          "it cannot reach the server's network",
                                          "it cannot reach the server, or knows no such name",
                                          "nothing listens there",
                                          "it had no answer in its time",
                                          "it does not know CONNECT",
                                          "it does not know this kind of address"};
    uint8_t reply = proxy->head[1];

    if (proxy->head[0] == 5 && reply == 0) {
        proxy->state = STATE_ENDED;
        return FLOE_PROXY_READY;
    }
    return fail(proxy, proxy->head[0] == 5 && reply < sizeof replies / sizeof *replies
                           ? replies[reply]
                           : "it gives an unknown answer");
}

/* How many bytes the answer at hand has, as far as can be told by now. */
static uint32_t socks_size(const floe_proxy *proxy)
{
    if (proxy->state != STATE_REPLY) {
        return 2;
    }
    if (proxy->read < 5) {
        return 5;
    }
    switch (proxy->head[3]) {
    case 1:
        return 10;
    case 4:
        return 22;
    case 3:
        return 7U + proxy->head[4];
    default:
        return 5; /* malformed: nothing more is read */
    }
}

static floe_proxy_result read_socks(floe_proxy *proxy, floe_span *input)
{
    floe_reader reader = floe_reader_of(input->data, input->size);

    while (proxy->read < socks_size(proxy)) {
        if (floe_reader_left(&reader) == 0) {
            *input = (floe_span){0};
            return FLOE_PROXY_WAITS;
        }
        proxy->head[proxy->read++] = floe_read_u8(&reader);
    }
    *input = floe_read_span(&reader, floe_reader_left(&reader));
    proxy->read = 0;
    switch (proxy->state) {
    case STATE_METHOD:
        return method_chosen(proxy);
    case STATE_PASSWORD:
        if (proxy->head[1] != 0) {
            return fail(proxy, "it refuses the user name or password");
        }
        proxy->state = STATE_REPLY;
        return FLOE_PROXY_SEND;
    default:
        return replied(proxy);
    }
}

floe_proxy_result floe_proxy_read(floe_proxy *proxy, floe_span *input)
{
    if (proxy->state == STATE_ENDED) {
        return FLOE_PROXY_WAITS;
    }
    return proxy->state == STATE_HTTP ? read_http(proxy, input) : read_socks(proxy, input);
}

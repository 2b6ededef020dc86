/* Getting through a proxy: HTTP CONNECT (RFC 9110 §9.3.6) with basic authentication (RFC 7617), and
 * SOCKS5 (RFC 1928) with user and password (RFC 1929), as a machine that is fed the stream's bytes
 * and gives bytes. The proxy resolves the target's name. */
#ifndef FLOE_PROXY_PROXY_H
#define FLOE_PROXY_PROXY_H

#include "base/bytes.h"

#include <floe/address.h>
#include <floe/error.h>

#include <stdbool.h>

typedef enum floe_proxy_kind {
    FLOE_PROXY_NONE,
    FLOE_PROXY_HTTP,
    FLOE_PROXY_SOCKS5,
} floe_proxy_kind;

/* "http://[USER:PASSWORD@]HOST[:PORT]" or "socks5://…"; ports 8080 and 1080. */
typedef struct floe_proxy_server {
    floe_proxy_kind kind;
    uint16_t port;
    floe_address literal; /* the host as an address; family none when it is a name */
    char host[256];
    char username[256];
    char password[256];
} floe_proxy_server;

/* FLOE_ERR_SYNTAX says what is wrong, and shows no password. */
floe_error floe_proxy_parse(const char *text, floe_proxy_server *server);

/* The longest answer that is read, and so all that a proxy can make us hold. */
#define FLOE_PROXY_ANSWER_MAX 8192

/* The longest request: two lines with a host, and 512 bytes in base64. */
#define FLOE_PROXY_REQUEST_SIZE 2048

typedef struct floe_proxy {
    const floe_proxy_server *server;
    uint8_t state; /* what is awaited; private */
    uint16_t port;
    uint16_t status; /* of the answer at hand */
    uint32_t read;   /* bytes of it */
    uint32_t line;   /* of HTTP: bytes of the line at hand */
    bool challenges; /* by a scheme at least, and by Basic */
    bool basic;
    uint8_t head[264]; /* the beginning of what is awaited; of HTTP: of the line at hand */
    char host[256];
    char failure[160];
} floe_proxy;

typedef enum floe_proxy_result {
    FLOE_PROXY_WAITS, /* the input is used up */
    FLOE_PROXY_SEND,  /* write, and send it; then feed on */
    FLOE_PROXY_READY, /* what follows in the input is the target's */
    FLOE_PROXY_FAILED,
} floe_proxy_result;

/* `server` lives as long as it does. What `floe_proxy_write` gives is to be sent first. */
void floe_proxy_init(floe_proxy *proxy, const floe_proxy_server *server, const char *host,
                     uint16_t port);
/* Takes from the front of *input. */
floe_proxy_result floe_proxy_read(floe_proxy *proxy, floe_span *input);
floe_span floe_proxy_write(const floe_proxy *proxy, void *buffer, size_t size);

#endif

/* Server URLs: RFC 7064 (stun, stuns) and RFC 7065 (turn, turns). */
#ifndef FLOE_CORE_URL_H
#define FLOE_CORE_URL_H

#include <floe/address.h>
#include <floe/candidate.h>
#include <stdbool.h>
#include <stddef.h>

/* Room for the longest host name (RFC 1035 §2.3.4) and a NUL. */
#define FLOE_HOST_SIZE 256

typedef struct floe_url {
    bool turn;               /* turn or turns; else stun or stuns */
    bool secure;             /* stuns or turns */
    floe_protocol transport; /* UDP, TCP, TLS or DTLS */
    uint16_t port;
    bool has_port;             /* the URL names it; else it is the default */
    bool has_transport;        /* likewise */
    floe_address literal;      /* the host as an address; family none when it is a name */
    char host[FLOE_HOST_SIZE]; /* in lower case */
} floe_url;

/* A DNS name: letters, digits, hyphens, underscores; labels of 1 to 63 characters between single
 * dots, one dot at the end allowed; nothing that others would read as an IPv4 address. */
bool floe_name_valid(const char *text, size_t size);

/* FLOE_ERR_SYNTAX names the URL and what is wrong with it. */
floe_error floe_url_parse(const char *text, floe_url *url);

#endif

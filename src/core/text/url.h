/* Server URLs: RFC 7064 (stun, stuns) and RFC 7065 (turn, turns). */
#ifndef FLOE_CORE_URL_H
#define FLOE_CORE_URL_H

#include "base/name.h"

#include <floe/address.h>
#include <floe/candidate.h>
#include <stdbool.h>
#include <stddef.h>

/* Room for the longest host name (RFC 1035 §2.3.4) and a NUL. */
#define FLOE_HOST_SIZE FLOE_NAME_SIZE

typedef struct floe_url {
    bool turn;               /* turn or turns, for a relay; else it is asked as a STUN server */
    bool secure;             /* stuns or turns */
    floe_protocol transport; /* UDP, TCP, TLS or DTLS */
    uint16_t port;
    bool has_port;        /* the URL names it; else it is the default */
    bool has_transport;   /* likewise */
    floe_address literal; /* the host as an address; family none when it is a name */
    char *host;           /* in lower case, a literal in its one form */
    const char *text;     /* as it was given */
} floe_url;

/* S4: whether both are one place: how a host is written makes no difference. */
bool floe_url_same_place(const floe_url *a, const floe_url *b);
/* Whether it says turn or turns, whatever it is asked for. */
bool floe_url_is_turn(const floe_url *url);
/* That place as a text, which is the same for the same place. */
#define FLOE_URL_PLACE_SIZE (FLOE_HOST_SIZE + 16)
void floe_url_place(const floe_url *url, char *place);

/* FLOE_ERR_SYNTAX names the URL and what is wrong with it. The host is written to `host`, of
 * FLOE_HOST_SIZE, which is to live as long as `url` does, as is the text. */
floe_error floe_url_parse(const char *text, floe_url *url, char *host);

#endif

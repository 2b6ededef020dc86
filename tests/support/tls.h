/* The other side of TLS and DTLS, for tests: certificates of every kind, right and wrong, and a
 * server that is fed bytes and gives bytes. By OpenSSL, like the code under test, whose use of it
 * is what is tested. */
#ifndef FLOE_TESTS_TLS_H
#define FLOE_TESTS_TLS_H

#include "base/bytes.h"

typedef enum tls_certificate {
    TLS_RIGHT, /* for turn.example, *.wild.example, 192.0.2.1, 2001:db8::1, and the servers of the
                  simulation */
    TLS_WRONG_NAME,
    TLS_COMMON_NAME_ONLY, /* the right name, where it does not count any more */
    TLS_WRONG_CA,
    TLS_SELF_SIGNED,
    TLS_EXPIRED,
    TLS_NOT_YET_VALID,
    TLS_EMBEDDED_NUL, /* "turn.example\0.evil.example" */
    TLS_WEAK_KEY,     /* RSA of 1024 bits */
    TLS_LONG_CHAIN,   /* a thousand certificates behind the right one */
    TLS_CERTIFICATES,
} tls_certificate;

/* A file with the certificate of the authority that the right ones are of; it goes with the
 * process. And: a file with a certificate and its key, "client.example", of that authority. */
const char *tls_ca_file(void);
const char *tls_client_file(void);
/* SHA-256 of a certificate, in hex. */
void tls_fingerprint(tls_certificate certificate, char *text, size_t size);
/* Certificate and key in PEM; false: no file can be written there. */
bool tls_write_files(tls_certificate certificate, const char *certificate_file,
                     const char *key_file);
/* Adds a list of revoked certificates to a file (RFC 5280 §5): the authority's, or one of another
 * name; it has this certificate, and another follows in so many seconds, or should have. */
bool tls_add_crl(const char *file, bool of_the_authority, tls_certificate revoked, long next);

typedef struct tls_options {
    tls_certificate certificate;
    bool datagrams;
    int newest; /* TLS1_2_VERSION and so on; 0: the newest there is */
    bool wants_certificate;
    bool other_protocol; /* it insists on one of its own, of who offers any (ALPN) */
    bool no_tickets; /* sessions are remembered instead: every flight has always the same size */
} tls_options;

/* What outlives one association: its sessions' keys. */
typedef struct tls_server tls_server;
tls_server *tls_server_new(const tls_options *options);
void tls_server_free(tls_server *server);

typedef struct tls_connection tls_connection;
tls_connection *tls_accept(tls_server *server);
void tls_connection_free(tls_connection *connection);
/* Bytes from the client; of DTLS one datagram. Plain bytes that come of it go to `plain`; of DTLS
 * one message, and feeding nothing gives the next. False: it has failed, or is over. */
bool tls_feed(tls_connection *connection, floe_span bytes, void *plain, size_t room, size_t *size);
bool tls_write(tls_connection *connection, floe_span plain);
/* Bytes for the client; of DTLS one datagram; 0: none. */
size_t tls_take(tls_connection *connection, void *buffer, size_t room);
/* Of DTLS: time has passed. */
void tls_tick(tls_connection *connection);
/* What SNI said; "" for nothing. Whether the client proposed stun.turn. */
const char *tls_server_name(const tls_connection *connection);
bool tls_speaks_turn(const tls_connection *connection);
bool tls_has_client_certificate(const tls_connection *connection);
void tls_say_goodbye(tls_connection *connection);

#endif

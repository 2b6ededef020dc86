/* TLS and DTLS to a server (T8, T9; RFC 8489 §6.2.3, RFC 7443, RFC 7350) as a machine
 * that is fed the network's bytes and gives bytes: OpenSSL with its I/O in memory.
 *
 *     feed bytes ──> floe_secure_read ──> plain bytes, or: it is ready, it has failed, it is over
 *     floe_secure_write ──> floe_secure_take ──> bytes for the network
 *
 * DTLS counts its retransmissions by OpenSSL's own clock, which may be set back; all else knows no
 * time. */
#ifndef FLOE_SECURE_SECURE_H
#define FLOE_SECURE_SECURE_H

#include "base/bytes.h"
#include "base/time.h"

#include <floe/allocator.h>
#include <floe/error.h>

/* What servers are trusted, and who we are: for all associations of an api. */
typedef struct floe_secure_options {
    const char *ca_file;          /* PEM; NULL: the system's trust store */
    const char *certificate_file; /* PEM, with its chain; NULL: none */
    const char *key_file;         /* PEM */
    const char *fingerprint;      /* SHA-256 of the server's certificate in hex, colons allowed; it
                                     alone is trusted then. NULL: none */
    bool insecure;                /* certificates are not checked */
} floe_secure_options;

/* It keeps the sessions too, so that the next association with a server resumes. */
typedef struct floe_secure_context floe_secure_context;

/* FLOE_ERR_INVALID_ARGUMENT names the option that cannot be used, and why. */
floe_error floe_secure_context_new(const floe_allocator *allocator,
                                   const floe_secure_options *options,
                                   floe_secure_context **context);
void floe_secure_context_free(floe_secure_context *context);

/* The system's file of all authorities takes tens of milliseconds to read, and is read once a
 * certificate wants one that the system's folder has not: by the handshake itself, unless somebody
 * has promised to read it apart. Then the handshake waits, with all that comes, and the context
 * wants it (true once); _read_trust may run in another thread; and floe_secure_read goes on. */
void floe_secure_context_promise_trust(floe_secure_context *context);
bool floe_secure_context_wants_trust(floe_secure_context *context);
void floe_secure_context_read_trust(floe_secure_context *context, bool readable);

/* The largest datagram that it makes (T9). */
#define FLOE_SECURE_MTU 1200

typedef struct floe_secure floe_secure;

/* An association with `host`, a DNS name or an address without brackets, known among sessions as
 * `peer`; the handshake begins with the first read. NULL without memory. */
floe_secure *floe_secure_new(floe_secure_context *context, const char *host, const char *peer,
                             bool datagrams);
void floe_secure_free(floe_secure *secure);

typedef enum floe_secure_result {
    FLOE_SECURE_WAITS,  /* the input is used up */
    FLOE_SECURE_READY,  /* the handshake has just ended: read on */
    FLOE_SECURE_DATA,   /* plain bytes: read on */
    FLOE_SECURE_CLOSED, /* the other side has said that it ends here */
    FLOE_SECURE_FAILED, /* floe_secure_failure says why */
} floe_secure_result;

/* Takes from the front of *input, which is one datagram at most for DTLS. Plain bytes go to
 * `buffer`; *size says how many. */
floe_secure_result floe_secure_read(floe_secure *secure, floe_span *input, void *buffer,
                                    size_t room, size_t *size);
/* Plain bytes to be sent, once it is ready. False: without memory, which is the end of a stream's
 * association, or it is over. */
bool floe_secure_write(floe_secure *secure, floe_span data);
/* Says the end to the other side. */
void floe_secure_close(floe_secure *secure);
/* Bytes for the network; empty: none. Of a stream as many as `buffer` has room for; of DTLS one
 * datagram, however large, which stands where it is until the next call. */
floe_span floe_secure_take(floe_secure *secure, void *buffer, size_t room);
/* How much waits to be taken. */
size_t floe_secure_waiting(const floe_secure *secure);

/* DTLS: how long until the flight at hand is to be sent again; false: none is. And: looks whether
 * it is time. False: it has failed. */
bool floe_secure_timeout(const floe_secure *secure, floe_duration *left);
bool floe_secure_time(floe_secure *secure);

/* Whether nothing can come or go by it any more. */
bool floe_secure_over(const floe_secure *secure);
/* It has failed as the peer takes no protocol of ours; the next association with it names none. */
bool floe_secure_goes_without_protocol(const floe_secure *secure);
/* One sentence. */
const char *floe_secure_failure(const floe_secure *secure);
/* "TLSv1.3"; "" before it is ready. */
const char *floe_secure_version(const floe_secure *secure);
bool floe_secure_resumed(const floe_secure *secure);
/* The server's certificate: its subject, and until when it is valid, in seconds since 1970. False:
 * none has been seen. */
/* The names that it has (RFC 5280 §4.2.1.6), "turn.example.org, 192.0.2.1"; "": none, or none has been
 * seen. */
const char *floe_secure_names(const floe_secure *secure);
/* How it was checked, or is to be: "checked for the host". */
const char *floe_secure_check(const floe_secure *secure);
bool floe_secure_certificate(const floe_secure *secure, char *subject, size_t size,
                             int64_t *not_after);

#endif

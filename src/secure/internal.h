/* Inside src/secure: what an association and its context are made of. */
#ifndef FLOE_SECURE_INTERNAL_H
#define FLOE_SECURE_INTERNAL_H

#include "base/list.h"
#include "base/memory.h"
#include "base/queue.h"
#include "secure/secure.h"

#include <openssl/ssl.h>
#include <stdatomic.h>

#define FLOE_SECURE_FINGERPRINT_SIZE ((size_t)32)

struct floe_secure_context {
    const floe_allocator *allocator;
    SSL_CTX *stream;      /* NULL: not needed yet */
    SSL_CTX *datagram;    /* likewise */
    X509_STORE *system;   /* its trust store, if that is asked; NULL: not yet */
    X509_LOOKUP *file;    /* of that store: all authorities, for which its folder was not enough */
    atomic_bool has_file; /* they have been read */
    atomic_uint reads;    /* that have ended, well or not */
    unsigned asked;       /* `reads` when one was asked for last, plus 1; 0: none was */
    bool promised;        /* somebody else reads them */
    bool wanted;          /* and has not heard of it yet */
    BIO_METHOD *method;
    floe_list sessions;
    floe_list plain; /* peers that take no protocol of ours (ALPN) */
    char *ca_file;
    char *certificate_file;
    char *key_file;
    uint8_t fingerprint[FLOE_SECURE_FINGERPRINT_SIZE];
    bool pinned;
    bool insecure;
};

struct floe_secure {
    floe_secure_context *context;
    SSL *ssl;             /* NULL: the handshake has not begun */
    SSL_SESSION *session; /* that it resumes then; NULL: none */
    char *peer;
    const char *host; /* behind the peer's name */
    bool datagrams;
    bool ready;
    bool over;          /* failed or closed */
    bool protocolled;   /* it names one (ALPN) */
    bool unprotocolled; /* as the peer takes no protocol of ours */
    unsigned pause;     /* DTLS: before the flight at hand is sent again, in microseconds */
    int alert;          /* DTLS: what came in clear, and waits to be believed; -1: nothing */
    bool wants_trust;   /* the handshake stands until the system's authorities have been read */
    bool waited;        /* it has stood so: no second time */
    unsigned waits;     /* context->reads when it began to */
    floe_queue kept;    /* what has come meanwhile, by pieces or datagrams */
    floe_span rest;     /* of the first of them */
    floe_span *input;
    floe_list outgoing; /* what OpenSSL has written */
    size_t waiting;
    size_t unasked; /* of that, what the peer has made us write */
    void *taken;    /* the datagram that was taken last */
    char failure[512];
    char subject[96];
    char names[160];
    int64_t not_after;
};

/* RFC 7443 §2: who names a protocol may meet a server that insists on one of its own, as those do that
 * end TLS in front of others (Go's). It is known by its name from then on, and gets none. */
void floe_secure_peer_is_plain(floe_secure_context *context, const char *peer);
bool floe_secure_is_plain(const floe_secure_context *context, const char *peer);
/* An object of OpenSSL's for the association; NULL without memory. */
SSL *floe_secure_ssl_new(floe_secure_context *context, bool datagrams);
/* OpenSSL's I/O of the association, in memory. */
BIO *floe_secure_bio_new(floe_secure *secure);
void floe_secure_drop_outgoing(floe_secure *secure);
/* Sessions by peer: the context takes the session over; takes one out for use. */
void floe_secure_session_keep(floe_secure_context *context, const char *peer, SSL_SESSION *session);
SSL_SESSION *floe_secure_session_take(floe_secure_context *context, const char *peer);

#endif

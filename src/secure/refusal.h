/* Why a certificate is refused, in a sentence for whoever runs the server, or chose what to trust. */
#ifndef FLOE_SECURE_REFUSAL_H
#define FLOE_SECURE_REFUSAL_H

#include <openssl/x509_vfy.h>
#include <stddef.h>

/* What is known of it beside OpenSSL's code. */
typedef struct floe_secure_refusal {
    X509 *certificate;     /* the one of the chain that is at fault */
    X509_STORE_CTX *store; /* by which it was looked at */
    const char *host;      /* whom we want */
    const char *names;     /* whom it is for; "": nobody */
} floe_secure_refusal;

void floe_secure_refusal_text(const floe_secure_refusal *of, long code, char *text, size_t size);

#endif

/* The keys of STUN's credential mechanisms (RFC 8489 §9), made ready once for a credential. */
#ifndef FLOE_STUN_KEY_H
#define FLOE_STUN_KEY_H

#include "base/crypto.h"
#include "stun/message.h"

/* A prepared key. Not for two threads at a time. */
typedef struct floe_stun_key {
    const floe_allocator *allocator;
    floe_mac *sha1;   /* for MESSAGE-INTEGRITY */
    floe_mac *sha256; /* for MESSAGE-INTEGRITY-SHA256 */
} floe_stun_key;

/* §9.1.1: the password itself is the key. */
floe_error floe_stun_key_short_term(const floe_allocator *allocator, floe_span password,
                                    floe_stun_key **key);
/* §9.2.2, §18.5.1: MD5 or SHA-256 of username ":" realm ":" password. */
floe_error floe_stun_key_long_term(const floe_allocator *allocator,
                                   floe_stun_password_algorithm algorithm, floe_span username,
                                   floe_span realm, floe_span password, floe_stun_key **key);
/* NULL is fine. */
void floe_stun_key_release(floe_stun_key *key);

/* §14.4: SHA-256 of username ":" realm. */
floe_error floe_stun_userhash(floe_span username, floe_span realm,
                              uint8_t userhash[FLOE_SHA256_SIZE]);

#endif

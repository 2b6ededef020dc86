/* Digests and message authentication: the one door to OpenSSL's libcrypto for stun, turn and core.
 */
#ifndef FLOE_BASE_CRYPTO_H
#define FLOE_BASE_CRYPTO_H

#include "base/bytes.h"

#include <floe/allocator.h>
#include <floe/error.h>

#define FLOE_MD5_SIZE 16
#define FLOE_SHA1_SIZE 20
#define FLOE_SHA256_SIZE 32

typedef enum floe_hash { FLOE_HASH_MD5, FLOE_HASH_SHA1, FLOE_HASH_SHA256 } floe_hash;

/* The digest of all parts, one behind the other, into `digest` (the hash's size). */
floe_error floe_digest(floe_hash hash, const floe_span *parts, size_t count, uint8_t *digest);

/* An HMAC key, made ready once and used for many messages. Not for two threads at a time. */
typedef struct floe_mac floe_mac;

floe_error floe_mac_new(const floe_allocator *allocator, floe_hash hash, floe_span key,
                        floe_mac **mac);
void floe_mac_free(floe_mac *mac);
/* The HMAC of all parts, one behind the other, into `code` (the hash's size). */
floe_error floe_mac_compute(floe_mac *mac, const floe_span *parts, size_t count, uint8_t *code);

/* RFC 4648 §4, with its padding; blanks and other characters are errors. At most `room` bytes. */
bool floe_base64_decode(const char *text, uint8_t *to, size_t room, size_t *size);
/* The other way; `text` has room for 4 characters for each 3 bytes begun, and a NUL. */
void floe_base64_encode(floe_span bytes, char *text);

/* Compares in a time that does not depend on where the two differ. */
bool floe_same_secret(const void *a, const void *b, size_t size);
/* Overwrites a secret; the compiler does not drop it. */
void floe_wipe(void *secret, size_t size);

#endif

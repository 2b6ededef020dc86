/* Randomness through a table, so that a simulation can bring its own. */
#ifndef FLOE_BASE_RANDOM_H
#define FLOE_BASE_RANDOM_H

#include <floe/random.h>
#include <stddef.h>
#include <stdint.h>

/* The 64 ice-chars of RFC 8445 §5.3, in the order in which they are base64's digits (RFC 4648 §4).
 */
extern const char floe_ice_chars[65];

floe_error floe_random_fill(const floe_random *random, void *to, size_t size);
/* `count` characters of RFC 8445's ice-char and a NUL: 6 random bits each. */
floe_error floe_random_ice_chars(const floe_random *random, char *to, size_t count);
/* An even choice of 0 … bound-1. */
floe_error floe_random_below(const floe_random *random, uint32_t bound, uint32_t *value);

#endif

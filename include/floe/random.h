/* Where randomness comes from, for those who drive the core themselves. */
#ifndef FLOE_RANDOM_H
#define FLOE_RANDOM_H

#include <floe/error.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A source of cryptographic randomness: transaction ids, ufrags and passwords are made of it. */
typedef struct floe_random {
    void *user_data;
    /** Fills `size` bytes; FLOE_OK or an error, which the floe call at hand then returns. */
    floe_error (*fill)(void *user_data, void *bytes, size_t size);
} floe_random;

#ifdef __cplusplus
}
#endif
#endif

/* The source of randomness, for programs that drive the core themselves. */
#ifndef FLOE_RANDOM_H
#define FLOE_RANDOM_H

#include <floe/error.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A source of cryptographic randomness. Transaction ids, username fragments and passwords are made
 *  from it. This struct never changes. */
typedef struct floe_random {
    void *user_data;
    /** Fills `size` bytes. Returns FLOE_OK or an error; the floe function that called it then
     *  returns that error. */
    floe_error (*fill)(void *user_data, void *bytes, size_t size);
} floe_random;

#ifdef __cplusplus
}
#endif
#endif

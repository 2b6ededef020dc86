/* Where the library's memory comes from. */
#ifndef FLOE_ALLOCATOR_H
#define FLOE_ALLOCATOR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A table of memory functions. floe calls them from any thread that calls floe, and from the loop
 * thread. NULL from allocate is out of memory: an error that the caller sees, never an abort.
 * (libuv, c-ares and OpenSSL have memory functions of their own: uv_replace_allocator and so on.)
 */
typedef struct floe_allocator {
    void *user_data;
    /** size is never 0; aligned as malloc's; the content need not be zero. */
    void *(*allocate)(void *user_data, size_t size);
    /** memory is never NULL. */
    void (*deallocate)(void *user_data, void *memory);
} floe_allocator;

#ifdef __cplusplus
}
#endif
#endif

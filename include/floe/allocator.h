/* Where the library's memory comes from. */
#ifndef FLOE_ALLOCATOR_H
#define FLOE_ALLOCATOR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A table of memory functions. floe calls them from the loop thread and from any thread that calls
 * floe. If allocate returns NULL, the memory is exhausted: the caller gets an error, floe never
 * aborts. (libuv, c-ares and OpenSSL have their own memory functions, see uv_replace_allocator and
 * so on.) This struct never changes.
 */
typedef struct floe_allocator {
    void *user_data;
    /** size is never 0. The memory must be aligned like malloc's. It need not be zeroed. */
    void *(*allocate)(void *user_data, size_t size);
    /** memory is never NULL. */
    void (*deallocate)(void *user_data, void *memory);
} floe_allocator;

#ifdef __cplusplus
}
#endif
#endif

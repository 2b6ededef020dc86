/* Memory through the owner's table of functions. */
#ifndef FLOE_BASE_MEMORY_H
#define FLOE_BASE_MEMORY_H

#include <floe/allocator.h>
#include <stddef.h>

/* malloc and free. */
extern const floe_allocator floe_default_allocator;

/* Zeroed memory, or NULL with the thread's last error set. */
void *floe_allocate(const floe_allocator *allocator, size_t size);
/* NULL is fine. */
void floe_deallocate(const floe_allocator *allocator, void *memory);
/* A copy of `size` bytes with a NUL behind them. */
char *floe_copy_text(const floe_allocator *allocator, const void *text, size_t size);
/* Between a public struct of this release, of `size` bytes, and the caller's, which begins with its
 * own size (0: this release's): copies what both have. The rest of `to` stays as it is. */
void floe_take_struct(void *to, const void *callers, size_t size);
void floe_give_struct(void *callers, const void *from, size_t size);

#endif

/* Memory through the owner's table of functions; the default table is malloc's. */
#include "base/memory.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static void *default_allocate(void *user_data, size_t size)
{
    (void)user_data;
    return malloc(size);
}

static void default_deallocate(void *user_data, void *memory)
{
    (void)user_data;
    free(memory);
}

const floe_allocator floe_default_allocator = {
    .allocate = default_allocate,
    .deallocate = default_deallocate,
};

void *floe_allocate(const floe_allocator *allocator, size_t size)
{
    void *memory = allocator->allocate(allocator->user_data, size);

    if (memory == NULL) {
        floe_fail(FLOE_ERR_NO_MEMORY, "out of memory: no %zu bytes", size);
        return NULL;
    }
    return memset(memory, 0, size);
}

void floe_deallocate(const floe_allocator *allocator, void *memory)
{
    if (memory != NULL) {
        allocator->deallocate(allocator->user_data, memory);
    }
}

char *floe_copy_text(const floe_allocator *allocator, const void *text, size_t size)
{
    char *copy = floe_allocate(allocator, size + 1);

    if (copy != NULL && size > 0) {
        memcpy(copy, text, size);
    }
    return copy;
}

/* How much of the caller's struct both know. */
static size_t common_size(const void *callers, size_t size)
{
    size_t callers_size;

    memcpy(&callers_size, callers, sizeof callers_size);
    return callers_size != 0 && callers_size < size ? callers_size : size;
}

void floe_take_struct(void *to, const void *callers, size_t size)
{
    memcpy(to, callers, common_size(callers, size));
}

void floe_give_struct(void *callers, const void *from, size_t size)
{
    memcpy(callers, from, common_size(callers, size));
}

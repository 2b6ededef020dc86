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

void floe_put_text(char *to, size_t room, const char *text)
{
    size_t size = strlen(text);

    size = size < room ? size : room - 1;
    memcpy(to, text, size);
    to[size] = '\0';
}

size_t floe_struct_size(const void *callers, size_t first)
{
    size_t size;

    memcpy(&size, callers, sizeof size);
    return size != 0 ? size : first;
}

/* How much of the caller's struct both know. */
static size_t common_size(const void *callers, floe_struct_sizes sizes)
{
    size_t size = floe_struct_size(callers, sizes.first);

    return size < sizes.now ? size : sizes.now;
}

void floe_take_struct(void *to, const void *callers, floe_struct_sizes sizes)
{
    memcpy(to, callers, common_size(callers, sizes));
}

void floe_take_nth(void *to, const void *callers, size_t n, floe_struct_sizes sizes)
{
    const char *nth = (const char *)callers + n * floe_struct_size(callers, sizes.first);

    memcpy(to, nth, common_size(callers, sizes));
}

void floe_give_struct(void *callers, const void *from, floe_struct_sizes sizes)
{
    size_t size = common_size(callers, sizes);

    if (size > sizeof size) {
        memcpy((char *)callers + sizeof size, (const char *)from + sizeof size, size - sizeof size);
    }
}

void floe_init_struct(void *callers, size_t size)
{
    if (callers != NULL && size >= sizeof size) {
        memset(callers, 0, size);
        memcpy(callers, &size, sizeof size);
    }
}

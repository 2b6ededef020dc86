/* An allocator that counts the pieces that are out. */
#ifndef FLOE_LAB_COUNTED_H
#define FLOE_LAB_COUNTED_H

#include <floe/allocator.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_size_t live;

static void *counted_allocate(void *user_data, size_t size)
{
    (void)user_data;
    atomic_fetch_add(&live, 1);
    return malloc(size);
}

static void counted_deallocate(void *user_data, void *memory)
{
    (void)user_data;
    atomic_fetch_sub(&live, 1);
    free(memory);
}

static const floe_allocator counted = {.allocate = counted_allocate,
                                       .deallocate = counted_deallocate};

#endif

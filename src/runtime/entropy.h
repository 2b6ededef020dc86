/* Random bytes of the system's, drawn by the block: a system call for each identifier would cost
 * more than all else that is done to make one. */
#ifndef FLOE_RUNTIME_ENTROPY_H
#define FLOE_RUNTIME_ENTROPY_H

#include "base/random.h"

#include <stddef.h>

typedef struct floe_entropy {
    struct floe_entropy_block *block; /* NULL: each draw asks the system */
} floe_entropy;

/* For floe_random.fill, without the rest: straight from the system. Any thread. */
floe_error floe_entropy_draw(void *bytes, size_t size);

/* The block is wiped as it is used; a process that has been forked has an empty one. One thread at
 * a time. */
void floe_entropy_init(floe_entropy *entropy);
/* For floe_random.fill, with a floe_entropy. */
floe_error floe_entropy_fill(void *entropy, void *bytes, size_t size);
void floe_entropy_free(floe_entropy *entropy);

#endif

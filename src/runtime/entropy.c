#include "runtime/entropy.h"

#include "base/crypto.h"
#include "runtime/system.h"

#include <string.h>

/* All zero, as a forked process finds it: empty. */
struct floe_entropy_block {
    size_t left;
    uint8_t bytes[4000];
};

floe_error floe_entropy_draw(void *bytes, size_t size)
{
    return floe_system_random(bytes, size) ? FLOE_OK : FLOE_ERR_RANDOM;
}

void floe_entropy_init(floe_entropy *entropy)
{
    entropy->block = floe_system_own_pages(sizeof *entropy->block);
}

floe_error floe_entropy_fill(void *user_data, void *bytes, size_t size)
{
    floe_entropy *entropy = user_data;
    struct floe_entropy_block *block = entropy->block;

    if (block == NULL || size > sizeof block->bytes) {
        return floe_entropy_draw(bytes, size);
    }
    if (block->left < size) {
        if (floe_entropy_draw(block->bytes, sizeof block->bytes) != FLOE_OK) {
            block->left = 0;
            return FLOE_ERR_RANDOM;
        }
        block->left = sizeof block->bytes;
    }
    block->left -= size;
    memcpy(bytes, &block->bytes[block->left], size);
    floe_wipe(&block->bytes[block->left], size);
    return FLOE_OK;
}

void floe_entropy_free(floe_entropy *entropy)
{
    if (entropy->block != NULL) {
        floe_wipe(entropy->block, sizeof *entropy->block);
        floe_system_free_pages(entropy->block, sizeof *entropy->block);
    }
}

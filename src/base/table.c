#include "base/table.h"

#include "base/memory.h"

#include <string.h>

enum { FIRST_ROOM = 16 };

void floe_table_init(floe_table *table, const uint64_t key[2])
{
    *table = (floe_table){.key = {key[0], key[1]}};
}

void floe_table_free(const floe_allocator *allocator, floe_table *table)
{
    floe_deallocate(allocator, table->chains);
    table->chains = NULL;
    table->room = table->count = 0;
}

/* Every bit of the input reaches every bit of the result: a product's halves joined. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t low = (a & 0xffffffffU) * (b & 0xffffffffU);
    uint64_t one = (a >> 32) * (b & 0xffffffffU) + (low >> 32);
    uint64_t other = (a & 0xffffffffU) * (b >> 32) + (one & 0xffffffffU);

    return ((a >> 32) * (b >> 32) + (one >> 32) + (other >> 32)) ^
           (other << 32 | (low & 0xffffffffU));
}

uint64_t floe_table_hash(const floe_table *table, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t hash = table->key[0] ^ size;

    for (; size > 0; at += sizeof hash) {
        uint64_t part = 0;
        size_t taken = size < sizeof part ? size : sizeof part;
        memcpy(&part, at, taken);
        hash = mix(hash ^ part, table->key[1] | 1U) ^ part;
        size -= taken;
        if (size == 0) {
            break;
        }
    }
    return mix(hash ^ table->key[1], table->key[0] | 1U);
}

static floe_table_node **chain_of(const floe_table *table, uint64_t hash)
{
    return &table->chains[hash & (table->room - 1)];
}

static void put(const floe_table *table, floe_table_node *node)
{
    floe_table_node **chain = chain_of(table, node->hash);

    node->next = *chain;
    *chain = node;
}

static void grow(const floe_allocator *allocator, floe_table *table)
{
    size_t room = table->room > 0 ? table->room * 2 : FIRST_ROOM;
    floe_table grown = {.room = room};

    grown.chains = floe_allocate(allocator, room * sizeof *grown.chains);
    if (grown.chains == NULL) {
        return;
    }
    for (size_t i = 0; i < table->room; i++) {
        for (floe_table_node *node = table->chains[i], *next; node != NULL; node = next) {
            next = node->next;
            put(&grown, node);
        }
    }
    floe_deallocate(allocator, table->chains);
    table->chains = grown.chains;
    table->room = room;
}

bool floe_table_insert(const floe_allocator *allocator, floe_table *table, floe_table_node *node,
                       uint64_t hash)
{
    if (table->count >= table->room) {
        grow(allocator, table);
    }
    if (table->room == 0) {
        return false;
    }
    node->hash = hash;
    node->in = true;
    put(table, node);
    table->count++;
    return true;
}

void floe_table_remove(floe_table *table, floe_table_node *node)
{
    if (!node->in) {
        return;
    }
    floe_table_node **at = chain_of(table, node->hash);
    while (*at != node) {
        at = &(*at)->next;
    }
    *at = node->next;
    node->in = false;
    table->count--;
}

floe_table_node *floe_table_find(const floe_table *table, uint64_t hash)
{
    floe_table_node *node = table->room > 0 ? *chain_of(table, hash) : NULL;

    while (node != NULL && node->hash != hash) {
        node = node->next;
    }
    return node;
}

floe_table_node *floe_table_next(const floe_table_node *node)
{
    uint64_t hash = node->hash;

    do {
        node = node->next;
    } while (node != NULL && node->hash != hash);
    return (floe_table_node *)node;
}

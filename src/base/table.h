/* A hash table whose links stand inside the things in it: to find costs the same however many there are. What has the
 * same hash is in one chain; who asks compares. The hash is keyed, so that who chooses the keys does not
 * choose the chains. */
#ifndef FLOE_BASE_TABLE_H
#define FLOE_BASE_TABLE_H

#include <floe/allocator.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct floe_table_node {
    struct floe_table_node *next;
    uint64_t hash;
    bool in;
} floe_table_node;

typedef struct floe_table {
    floe_table_node **chains;
    size_t room; /* so many chains, a power of two; 0: none yet */
    size_t count;
    uint64_t key[2];
} floe_table;

/* The key is random. */
void floe_table_init(floe_table *table, const uint64_t key[2]);
/* Nothing in it is freed. */
void floe_table_free(const floe_allocator *allocator, floe_table *table);
uint64_t floe_table_hash(const floe_table *table, const void *bytes, size_t size);
/* False without memory for the first chains; later ones grow longer without it. */
bool floe_table_insert(const floe_allocator *allocator, floe_table *table, floe_table_node *node,
                       uint64_t hash);
/* One that is in none stays so. */
void floe_table_remove(floe_table *table, floe_table_node *node);
/* The first with this hash, and the next behind one; NULL: there is none. */
floe_table_node *floe_table_find(const floe_table *table, uint64_t hash);
floe_table_node *floe_table_next(const floe_table_node *node);

#endif

/* A search tree whose links stand inside the things in it, as a list's do: to put something in
 * never allocates, so it never fails, and to find, put in or take out costs a logarithm of how many
 * there are. Which of two stands above the other is drawn by lot (a treap), of where they
 * stand in memory and the kind's seed, so whoever chooses the keys does not choose the depth. */
#ifndef FLOE_BASE_TREE_H
#define FLOE_BASE_TREE_H

#include "base/list.h"
#include "base/time.h"

#include <stddef.h>

/* One of all zeros is in no tree. */
typedef struct floe_tree_node {
    struct floe_tree_node *lower; /* NULL: it is in no tree */
    struct floe_tree_node *higher;
} floe_tree_node;

/* What trees of one kind have in common: it stands for as long as they do. */
typedef struct floe_tree_kind {
    int (*compare)(const void *a, const void *b); /* of keys, as strcmp does it */
    int32_t key;                                  /* so far behind its node */
    uint32_t seed;
} floe_tree_kind;

/* Of which kind it is knows who asks: there are many trees of few kinds. */
typedef struct floe_tree {
    floe_tree_node *root;
} floe_tree;

/* Where a key is, as a member of what has the node; or that is the key, as a whole. */
#define FLOE_TREE_KEY(type, node, key)                                                             \
    ((int32_t)offsetof(type, key) - (int32_t)offsetof(type, node))
#define FLOE_TREE_WHOLE(type, node) (-(int32_t)offsetof(type, node))

void floe_tree_init(floe_tree *tree);
/* The node is in no tree, and no other in this one has an equal key. The key stays as it is while
 * the node is in. */
void floe_tree_insert(const floe_tree_kind *kind, floe_tree *tree, floe_tree_node *node);
/* One that is in no tree stays so. */
void floe_tree_remove(const floe_tree_kind *kind, floe_tree *tree, floe_tree_node *node);
/* That with this key; the first whose key is not before this one; the first of all. NULL: there is
 * none. */
floe_tree_node *floe_tree_find(const floe_tree_kind *kind, const floe_tree *tree, const void *key);
floe_tree_node *floe_tree_from(const floe_tree_kind *kind, const floe_tree *tree, const void *key);
floe_tree_node *floe_tree_first(const floe_tree *tree);
/* The one behind this one, which is in the tree; NULL: it is the last. */
floe_tree_node *floe_tree_next(const floe_tree_kind *kind, const floe_tree *tree,
                               const floe_tree_node *node);

static inline bool floe_tree_has(const floe_tree_node *node)
{
    return node->lower != NULL;
}

/* What is due when, in that order; of those that are due at one instant, by the number that their owner gives
 * them, and by who was set first. */
typedef struct floe_agenda {
    floe_tree_node *root; /* of a tree of alarms */
    uint64_t numbers;     /* so many has the owner given */
} floe_agenda;

/* One of all zeros is on no agenda. */
typedef struct floe_alarm {
    floe_tree_node node;
    floe_list beside; /* others of its instant and number; the first alone is in the tree */
    floe_time when;
    uint64_t order;
} floe_alarm;

void floe_agenda_init(floe_agenda *agenda);
/* Whether it is due then; never: it is on no agenda. */
bool floe_alarm_is_set(const floe_alarm *alarm, floe_time when);
/* FLOE_TIME_NEVER takes it off. However many are due at one instant, they cost the tree one node. */
void floe_agenda_set(floe_agenda *agenda, floe_alarm *alarm, floe_time when);
/* As that; of those that are due at one instant the lower number comes first, whoever was set first. */
void floe_agenda_set_numbered(floe_agenda *agenda, floe_alarm *alarm, floe_time when,
                              uint64_t number);
/* The next; NULL: there is none. */
floe_alarm *floe_agenda_first(const floe_agenda *agenda);
/* That which is due, the first of them; NULL: there is none. */
floe_alarm *floe_agenda_due(const floe_agenda *agenda, floe_time now);
/* Of all that is due, whenever it was, the first above this number. */
floe_alarm *floe_agenda_due_above(floe_agenda *agenda, floe_time now, uint64_t number);
/* When something is; never: nothing is on it. */
floe_time floe_agenda_deadline(const floe_agenda *agenda);

#endif

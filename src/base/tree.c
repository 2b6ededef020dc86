#include "base/tree.h"

#include "base/list.h"

void floe_tree_init(floe_tree *tree, int (*compare)(const void *a, const void *b), uint64_t seed)
{
    *tree = (floe_tree){.compare = compare, .lots = seed};
}

/* As splitmix64 has it. */
static uint64_t draw(floe_tree *tree)
{
    uint64_t lot = tree->lots += 0x9e3779b97f4a7c15U;

    lot = (lot ^ lot >> 30) * 0xbf58476d1ce4e5b9U;
    lot = (lot ^ lot >> 27) * 0x94d049bb133111ebU;
    return lot ^ lot >> 31;
}

void floe_tree_insert(floe_tree *tree, floe_tree_node *node, const void *key)
{
    floe_tree_node **at = &tree->root;

    node->key = key;
    node->lot = draw(tree);
    while (*at != NULL && (*at)->lot >= node->lot) {
        at = tree->compare(key, (*at)->key) < 0 ? &(*at)->lower : &(*at)->higher;
    }
    floe_tree_node *rest = *at;
    floe_tree_node **lower = &node->lower;
    floe_tree_node **higher = &node->higher;
    *at = node;
    while (rest != NULL) { /* what stood here is parted, below the node */
        if (tree->compare(rest->key, key) < 0) {
            *lower = rest;
            lower = &rest->higher;
            rest = rest->higher;
        } else {
            *higher = rest;
            higher = &rest->lower;
            rest = rest->lower;
        }
    }
    *lower = *higher = NULL;
}

void floe_tree_remove(floe_tree *tree, floe_tree_node *node)
{
    floe_tree_node **at = &tree->root;

    if (!floe_tree_has(node)) {
        return;
    }
    while (*at != node) {
        at = tree->compare(node->key, (*at)->key) < 0 ? &(*at)->lower : &(*at)->higher;
    }
    floe_tree_node *lower = node->lower;
    floe_tree_node *higher = node->higher;
    while (lower != NULL && higher != NULL) { /* the two parts are joined in its place */
        if (lower->lot >= higher->lot) {
            *at = lower;
            at = &lower->higher;
            lower = lower->higher;
        } else {
            *at = higher;
            at = &higher->lower;
            higher = higher->lower;
        }
    }
    *at = lower != NULL ? lower : higher;
    *node = (floe_tree_node){0};
}

floe_tree_node *floe_tree_from(const floe_tree *tree, const void *key)
{
    floe_tree_node *found = NULL;

    for (floe_tree_node *at = tree->root; at != NULL;) {
        if (tree->compare(at->key, key) < 0) {
            at = at->higher;
        } else {
            found = at;
            at = at->lower;
        }
    }
    return found;
}

floe_tree_node *floe_tree_find(const floe_tree *tree, const void *key)
{
    floe_tree_node *found = floe_tree_from(tree, key);

    return found != NULL && tree->compare(found->key, key) == 0 ? found : NULL;
}

floe_tree_node *floe_tree_first(const floe_tree *tree)
{
    floe_tree_node *at = tree->root;

    while (at != NULL && at->lower != NULL) {
        at = at->lower;
    }
    return at;
}

/* ── An agenda ── */

static int compare_alarms(const void *a, const void *b)
{
    const floe_alarm *one = a;
    const floe_alarm *other = b;

    if (one->when.ns != other->when.ns) {
        return one->when.ns < other->when.ns ? -1 : 1;
    }
    return (one->order > other->order) - (one->order < other->order);
}

void floe_agenda_init(floe_agenda *agenda, uint64_t seed)
{
    floe_tree_init(&agenda->tree, compare_alarms, seed);
    agenda->set = 0;
}

void floe_agenda_set(floe_agenda *agenda, floe_alarm *alarm, floe_time when)
{
    if (floe_tree_has(&alarm->node) && alarm->when.ns == when.ns) {
        return;
    }
    floe_tree_remove(&agenda->tree, &alarm->node);
    if (!floe_time_is_never(when)) {
        alarm->when = when;
        alarm->order = ++agenda->set;
        floe_tree_insert(&agenda->tree, &alarm->node, alarm);
    }
}

floe_alarm *floe_agenda_first(const floe_agenda *agenda)
{
    floe_tree_node *first = floe_tree_first(&agenda->tree);

    return first != NULL ? FLOE_CONTAINER(first, floe_alarm, node) : NULL;
}

floe_alarm *floe_agenda_due(const floe_agenda *agenda, floe_time now)
{
    floe_alarm *first = floe_agenda_first(agenda);

    return first != NULL && floe_time_reached(now, first->when) ? first : NULL;
}

floe_time floe_agenda_deadline(const floe_agenda *agenda)
{
    const floe_alarm *first = floe_agenda_first(agenda);

    return first != NULL ? first->when : FLOE_TIME_NEVER;
}

#include "base/tree.h"

/* Behind the last of each way down. */
static floe_tree_node leaf;

void floe_tree_init(floe_tree *tree)
{
    *tree = (floe_tree){.root = &leaf};
}

/* As splitmix64 mixes. */
static uint64_t lot_of(const floe_tree_kind *kind, const floe_tree_node *node)
{
    uint64_t lot = (uintptr_t)node + kind->seed * 0x9e3779b97f4a7c15U;

    lot = (lot ^ lot >> 30) * 0xbf58476d1ce4e5b9U;
    lot = (lot ^ lot >> 27) * 0x94d049bb133111ebU;
    return lot ^ lot >> 31;
}

static bool stands_above(const floe_tree_kind *kind, const floe_tree_node *node,
                         const floe_tree_node *other)
{
    return node != &leaf && lot_of(kind, node) >= lot_of(kind, other);
}

static const void *key_of(const floe_tree_kind *kind, const floe_tree_node *node)
{
    return (const char *)node + kind->key;
}

void floe_tree_insert(const floe_tree_kind *kind, floe_tree *tree, floe_tree_node *node)
{
    const void *key = key_of(kind, node);
    floe_tree_node **at = &tree->root;

    while (stands_above(kind, *at, node)) {
        at = kind->compare(key, key_of(kind, *at)) < 0 ? &(*at)->lower : &(*at)->higher;
    }
    floe_tree_node *rest = *at;
    floe_tree_node **lower = &node->lower;
    floe_tree_node **higher = &node->higher;
    *at = node;
    while (rest != &leaf) { /* what stood here is parted, below the node */
        if (kind->compare(key_of(kind, rest), key) < 0) {
            *lower = rest;
            lower = &rest->higher;
            rest = rest->higher;
        } else {
            *higher = rest;
            higher = &rest->lower;
            rest = rest->lower;
        }
    }
    *lower = *higher = &leaf;
}

void floe_tree_remove(const floe_tree_kind *kind, floe_tree *tree, floe_tree_node *node)
{
    floe_tree_node **at = &tree->root;

    if (!floe_tree_has(node)) {
        return;
    }
    while (*at != node) {
        int order = kind->compare(key_of(kind, node), key_of(kind, *at));
        at = order < 0 ? &(*at)->lower : &(*at)->higher;
    }
    floe_tree_node *lower = node->lower;
    floe_tree_node *higher = node->higher;
    while (lower != &leaf && higher != &leaf) { /* the two parts are joined in its place */
        if (stands_above(kind, lower, higher)) {
            *at = lower;
            at = &lower->higher;
            lower = lower->higher;
        } else {
            *at = higher;
            at = &higher->lower;
            higher = higher->lower;
        }
    }
    *at = lower != &leaf ? lower : higher;
    *node = (floe_tree_node){0};
}

floe_tree_node *floe_tree_from(const floe_tree_kind *kind, const floe_tree *tree, const void *key)
{
    floe_tree_node *found = NULL;

    for (floe_tree_node *at = tree->root; at != &leaf;) {
        if (kind->compare(key_of(kind, at), key) < 0) {
            at = at->higher;
        } else {
            found = at;
            at = at->lower;
        }
    }
    return found;
}

floe_tree_node *floe_tree_find(const floe_tree_kind *kind, const floe_tree *tree, const void *key)
{
    floe_tree_node *found = floe_tree_from(kind, tree, key);

    return found != NULL && kind->compare(key_of(kind, found), key) == 0 ? found : NULL;
}

floe_tree_node *floe_tree_first(const floe_tree *tree)
{
    floe_tree_node *at = tree->root;

    while (at != &leaf && at->lower != &leaf) {
        at = at->lower;
    }
    return at != &leaf ? at : NULL;
}

floe_tree_node *floe_tree_next(const floe_tree_kind *kind, const floe_tree *tree,
                               const floe_tree_node *node)
{
    floe_tree_node *found = NULL;

    for (floe_tree_node *at = tree->root; at != &leaf;) {
        if (kind->compare(key_of(kind, node), key_of(kind, at)) < 0) {
            found = at;
            at = at->lower;
        } else {
            at = at->higher;
        }
    }
    return found;
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

static const floe_tree_kind alarms = {compare_alarms, FLOE_TREE_WHOLE(floe_alarm, node), 1};

static floe_tree tree_of(const floe_agenda *agenda)
{
    return (floe_tree){.root = agenda->root};
}

void floe_agenda_init(floe_agenda *agenda)
{
    *agenda = (floe_agenda){.root = &leaf};
}

static floe_alarm *alarm_of(floe_tree_node *node)
{
    return node != NULL ? FLOE_CONTAINER(node, floe_alarm, node) : NULL;
}

bool floe_alarm_is_set(const floe_alarm *alarm, floe_time when)
{
    bool is_on = floe_tree_has(&alarm->node) || floe_list_linked(&alarm->beside);

    return is_on ? alarm->when.ns == when.ns : floe_time_is_never(when);
}

/* The next of its ring stands in the tree then. */
static void take_off(floe_tree *tree, floe_alarm *alarm)
{
    floe_alarm *next = floe_list_linked(&alarm->beside)
                           ? FLOE_CONTAINER(alarm->beside.next, floe_alarm, beside)
                           : NULL;

    floe_list_remove(&alarm->beside);
    if (floe_tree_has(&alarm->node)) {
        floe_tree_remove(&alarms, tree, &alarm->node);
        if (next != NULL) {
            floe_tree_insert(&alarms, tree, &next->node);
        }
    }
}

/* Beside those of its instant and number. */
static void put_on(floe_tree *tree, floe_alarm *alarm)
{
    floe_alarm *first = alarm_of(floe_tree_find(&alarms, tree, alarm));

    if (first != NULL) {
        floe_list_append(&first->beside, &alarm->beside);
    } else {
        floe_list_init(&alarm->beside);
        floe_tree_insert(&alarms, tree, &alarm->node);
    }
}

void floe_agenda_set_numbered(floe_agenda *agenda, floe_alarm *alarm, floe_time when,
                              uint64_t number)
{
    floe_tree tree = tree_of(agenda);

    if (floe_alarm_is_set(alarm, when)) {
        return;
    }
    take_off(&tree, alarm);
    if (!floe_time_is_never(when)) {
        alarm->when = when;
        alarm->order = number;
        put_on(&tree, alarm);
    }
    agenda->root = tree.root;
}

void floe_agenda_set(floe_agenda *agenda, floe_alarm *alarm, floe_time when)
{
    floe_agenda_set_numbered(agenda, alarm, when, 0);
}

floe_alarm *floe_agenda_first(const floe_agenda *agenda)
{
    floe_tree tree = tree_of(agenda);

    return alarm_of(floe_tree_first(&tree));
}

floe_alarm *floe_agenda_due(const floe_agenda *agenda, floe_time now)
{
    floe_alarm *first = floe_agenda_first(agenda);

    return first != NULL && floe_time_reached(now, first->when) ? first : NULL;
}

floe_alarm *floe_agenda_due_above(floe_agenda *agenda, floe_time now, uint64_t order)
{
    floe_alarm key = {.when = now, .order = order + 1};
    floe_alarm *late;

    while ((late = floe_agenda_first(agenda)) != NULL && late->when.ns < now.ns) {
        floe_agenda_set_numbered(agenda, late, now,
                                 late->order); /* so that their order alone counts */
    }
    floe_tree tree = tree_of(agenda);
    floe_alarm *found = alarm_of(floe_tree_from(&alarms, &tree, &key));

    return found != NULL && found->when.ns == now.ns ? found : NULL;
}

floe_time floe_agenda_deadline(const floe_agenda *agenda)
{
    const floe_alarm *first = floe_agenda_first(agenda);

    return first != NULL ? first->when : FLOE_TIME_NEVER;
}

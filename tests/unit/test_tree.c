/* base: search trees, and agendas made of them. */
#include "support.h"

#include "base/tree.h"

#include <string.h>

#define COUNT 1000

typedef struct thing {
    floe_tree_node node;
    int key;
} thing;

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static const floe_tree_kind things_by_key = {compare, FLOE_TREE_KEY(thing, node, key), 3};

/* Against an array; each step finds what is there, and what comes behind what is not. */
static void trees_find_what_was_put_in(void **state)
{
    static thing things[COUNT];
    seeded_random random;
    floe_tree tree;
    int key = -1;

    (void)state;
    seeded_init(&random, 3);
    floe_tree_init(&tree);
    assert_null(floe_tree_first(&tree));
    for (int round = 0; round < 20 * COUNT; round++) {
        thing *one = &things[seeded_below(&random, COUNT)];
        one->key = (int)(one - things);
        if (floe_tree_has(&one->node)) {
            assert_ptr_equal(floe_tree_find(&things_by_key, &tree, &one->key), &one->node);
            floe_tree_remove(&things_by_key, &tree, &one->node);
        } else {
            assert_null(floe_tree_find(&things_by_key, &tree, &one->key));
            floe_tree_insert(&things_by_key, &tree, &one->node);
        }
        key = (int)seeded_below(&random, COUNT);
        int next = key;
        while (next < COUNT && !floe_tree_has(&things[next].node)) {
            next++;
        }
        assert_ptr_equal(floe_tree_from(&things_by_key, &tree, &key),
                         next < COUNT ? &things[next].node : NULL);
        if (next == key && next < COUNT) {
            int after = key + 1;
            assert_ptr_equal(floe_tree_next(&things_by_key, &tree, &things[key].node),
                             floe_tree_from(&things_by_key, &tree, &after));
        }
    }
    for (int i = 0; i < COUNT; i++) {
        floe_tree_remove(&things_by_key, &tree, &things[i].node); /* in it or not */
        assert_false(floe_tree_has(&things[i].node));
    }
    assert_null(floe_tree_first(&tree));
}

static size_t depth_of(const floe_tree_node *node)
{
    size_t lower = node != NULL ? depth_of(node->lower) : 0;
    size_t higher = node != NULL ? depth_of(node->higher) : 0;

    return node == NULL ? 0 : 1 + (lower > higher ? lower : higher);
}

/* In order, as a stranger may choose it: the tree is not a list. */
static void trees_are_not_deep(void **state)
{
    static thing things[10 * COUNT];
    floe_tree tree;

    (void)state;
    floe_tree_init(&tree);
    for (int i = 0; i < 10 * COUNT; i++) {
        things[i].key = i;
        floe_tree_insert(&things_by_key, &tree, &things[i].node);
    }
    assert_in_range(depth_of(tree.root), 14, 60);
}

static void agendas_say_what_is_due(void **state)
{
    floe_alarm alarms[4];
    floe_agenda agenda;

    (void)state;
    memset(alarms, 0, sizeof alarms);
    floe_agenda_init(&agenda);
    assert_true(floe_time_is_never(floe_agenda_deadline(&agenda)));
    floe_agenda_set(&agenda, &alarms[0], FLOE_TIME_NEVER);
    assert_null(floe_agenda_first(&agenda));
    floe_agenda_set(&agenda, &alarms[2], (floe_time){20});
    floe_agenda_set(&agenda, &alarms[1], (floe_time){20});
    floe_agenda_set(&agenda, &alarms[3], (floe_time){10});
    floe_agenda_set(&agenda, &alarms[2], (floe_time){20}); /* it keeps its turn */
    assert_int_equal(floe_agenda_deadline(&agenda).ns, 10);
    assert_null(floe_agenda_due(&agenda, (floe_time){9}));
    assert_ptr_equal(floe_agenda_due(&agenda, (floe_time){10}), &alarms[3]);
    floe_agenda_set(&agenda, &alarms[3], (floe_time){30});
    assert_ptr_equal(floe_agenda_due(&agenda, (floe_time){40}), &alarms[2]);
    floe_agenda_set(&agenda, &alarms[2], FLOE_TIME_NEVER);
    assert_ptr_equal(floe_agenda_due(&agenda, (floe_time){40}), &alarms[1]);
    floe_agenda_set(&agenda, &alarms[1], FLOE_TIME_NEVER);
    assert_ptr_equal(floe_agenda_first(&agenda), &alarms[3]);
    floe_agenda_set(&agenda, &alarms[3], FLOE_TIME_NEVER);
    assert_null(floe_agenda_first(&agenda));
}

/* Against an array: who is due first, and was set first of those. */
static void agendas_keep_many_of_one_instant(void **state)
{
    enum { ALARMS = 40, INSTANTS = 6 };
    static floe_alarm alarms[ALARMS];
    uint64_t set[ALARMS] = {0}; /* when it was; 0: it is not */
    seeded_random random;
    floe_agenda agenda;

    (void)state;
    seeded_init(&random, 5);
    floe_agenda_init(&agenda);
    for (uint64_t round = 1; round <= 20 * (uint64_t)COUNT; round++) {
        size_t at = seeded_below(&random, ALARMS);
        uint64_t when = seeded_below(&random, INSTANTS);
        bool off = when == 0;
        if (off || set[at] == 0 || alarms[at].when.ns != when) {
            set[at] = off ? 0 : round;
        }
        floe_agenda_set(&agenda, &alarms[at], off ? FLOE_TIME_NEVER : (floe_time){when});
        const floe_alarm *first = NULL;
        for (size_t i = 0; i < ALARMS; i++) {
            bool before = set[i] != 0 &&
                          (first == NULL || alarms[i].when.ns < first->when.ns ||
                           (alarms[i].when.ns == first->when.ns && set[i] < set[first - alarms]));
            first = before ? &alarms[i] : first;
        }
        assert_ptr_equal(floe_agenda_first(&agenda), first);
    }
}

static void agendas_have_another_order_of_one_instant(void **state)
{
    floe_alarm alarms[3];
    floe_agenda agenda;

    (void)state;
    memset(alarms, 0, sizeof alarms);
    floe_agenda_init(&agenda);
    floe_agenda_set_numbered(&agenda, &alarms[2], (floe_time){20}, 2);
    floe_agenda_set_numbered(&agenda, &alarms[1], (floe_time){20}, 1);
    floe_agenda_set_numbered(&agenda, &alarms[0], (floe_time){30}, 0);
    for (int i = 0; i < 3; i++) {
        int first = (int[]){1, 2, 0}[i];
        assert_ptr_equal(floe_agenda_first(&agenda), &alarms[first]);
        floe_agenda_set_numbered(&agenda, &alarms[first], FLOE_TIME_NEVER, (uint64_t)first);
    }
    assert_null(floe_agenda_first(&agenda));
}

/* Whoever is late has no turn before others by that: what is due has the order of its owner's. */
static void agendas_say_what_is_due_in_its_owners_order(void **state)
{
    floe_alarm alarms[4];
    floe_agenda agenda;

    (void)state;
    memset(alarms, 0, sizeof alarms);
    floe_agenda_init(&agenda);
    for (uint64_t i = 0; i < 4; i++) {
        floe_agenda_set_numbered(&agenda, &alarms[i], (floe_time){40 - 10 * i}, i + 1);
    }
    assert_null(floe_agenda_due_above(&agenda, (floe_time){9}, 0));
    assert_ptr_equal(floe_agenda_due_above(&agenda, (floe_time){30}, 0), &alarms[1]);
    assert_ptr_equal(floe_agenda_due_above(&agenda, (floe_time){30}, 2), &alarms[2]);
    assert_ptr_equal(floe_agenda_due_above(&agenda, (floe_time){30}, 3), &alarms[3]);
    assert_null(floe_agenda_due_above(&agenda, (floe_time){30}, 4));
    floe_agenda_set_numbered(&agenda, &alarms[1], FLOE_TIME_NEVER, 2);
    floe_agenda_set_numbered(&agenda, &alarms[0], (floe_time){20}, 1); /* late from the first */
    assert_ptr_equal(floe_agenda_due_above(&agenda, (floe_time){30}, 0), &alarms[0]);
    assert_ptr_equal(floe_agenda_due_above(&agenda, (floe_time){30}, 1), &alarms[2]);
    floe_agenda_set_numbered(&agenda, &alarms[1], (floe_time){31}, 2);
    assert_int_equal(alarms[1].order, 2);
    assert_ptr_equal(floe_agenda_due_above(&agenda, (floe_time){30}, 1), &alarms[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_find_what_was_put_in),
        cmocka_unit_test(trees_are_not_deep),
        cmocka_unit_test(agendas_say_what_is_due),
        cmocka_unit_test(agendas_keep_many_of_one_instant),
        cmocka_unit_test(agendas_have_another_order_of_one_instant),
        cmocka_unit_test(agendas_say_what_is_due_in_its_owners_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

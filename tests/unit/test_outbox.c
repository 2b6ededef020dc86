/* The queue of outputs: in turn, from the middle, from the end. */
#include "support.h"

#include "core/outbox/outbox.h"

#include <string.h>

enum { COUNT = 4 };

typedef struct fixture {
    floe_outputs queue;
    floe_output outputs[COUNT];
} fixture;

static void fill(fixture *f)
{
    memset(f, 0, sizeof *f);
    floe_outputs_init(&f->queue);
    for (size_t i = 0; i < COUNT; i++) {
        assert_false(floe_is_told(&f->outputs[i]));
        floe_outputs_append(&f->queue, &f->outputs[i]);
        assert_true(floe_is_told(&f->outputs[i]));
    }
}

static void what_waits_goes_in_turn(void **state)
{
    fixture f;

    (void)state;
    fill(&f);
    for (size_t i = 0; i < COUNT; i++) {
        assert_false(floe_outputs_empty(&f.queue));
        assert_ptr_equal(floe_outputs_take(&f.queue), &f.outputs[i]);
        assert_false(floe_is_told(&f.outputs[i]));
    }
    assert_true(floe_outputs_empty(&f.queue));
    assert_null(floe_outputs_take(&f.queue));
}

/* Each in turn is taken off, and the queue goes on as if it had never been there. */
static void what_is_taken_back_is_not_told(void **state)
{
    (void)state;
    for (size_t gone = 0; gone < COUNT; gone++) {
        fixture f;
        floe_output another = {0};
        fill(&f);
        floe_untell(&f.outputs[gone]);
        assert_false(floe_is_told(&f.outputs[gone]));
        floe_untell(&f.outputs[gone]);
        floe_outputs_append(&f.queue, &another);
        for (size_t i = 0; i < COUNT; i++) {
            if (i != gone) {
                assert_ptr_equal(floe_outputs_take(&f.queue), &f.outputs[i]);
            }
        }
        assert_ptr_equal(floe_outputs_take(&f.queue), &another);
        assert_true(floe_outputs_empty(&f.queue));
    }
}

static void one_alone_leaves_an_empty_queue(void **state)
{
    floe_outputs queue;
    floe_output output = {0};

    (void)state;
    floe_outputs_init(&queue);
    for (size_t i = 0; i < 2; i++) {
        floe_outputs_append(&queue, &output);
        floe_untell(&output);
        assert_true(floe_outputs_empty(&queue));
    }
    floe_outputs_append(&queue, &output);
    assert_ptr_equal(floe_outputs_take(&queue), &output);
}

static void what_stays_can_be_walked(void **state)
{
    fixture f;
    size_t seen = 0;

    (void)state;
    fill(&f);
    FLOE_OUTPUTS_EACH(output, &f.queue)
    {
        if (seen++ % 2 == 0) {
            floe_untell(output);
        }
    }
    assert_int_equal(seen, COUNT);
    assert_ptr_equal(floe_outputs_take(&f.queue), &f.outputs[1]);
    assert_ptr_equal(floe_outputs_take(&f.queue), &f.outputs[3]);
    assert_null(floe_outputs_take(&f.queue));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_goes_in_turn),
        cmocka_unit_test(what_is_taken_back_is_not_told),
        cmocka_unit_test(one_alone_leaves_an_empty_queue),
        cmocka_unit_test(what_stays_can_be_walked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Restarts of `floe connect --json`: two sides whose lines come late, twice, and in another order. */
#include "support.h"

#include "cli/generations.h"

#include <stdio.h>
#include <string.h>

#define WORLDS 20000
#define LINES_MAX 400

/* Parameters on their way. */
typedef struct line {
    unsigned at;
    int to;
    unsigned name;
    uint32_t number;
} line;

typedef struct side {
    generations generations;
    unsigned made;   /* so many parameters: the last are its present ones */
    unsigned peer;   /* whose it has started with, and */
    unsigned own;    /* with its own of then; 0: not */
    unsigned latest; /* when its last line arrives, where none overtakes another */
} side;

typedef struct world {
    uint64_t seed;
    unsigned now;
    bool numbered[2]; /* what that side tells arrives with its number */
    bool ordered;     /* lines may come twice, but none overtakes another */
    side sides[2];
    line lines[LINES_MAX];
    size_t count;
} world;

static unsigned draw(world *of, unsigned below)
{
    of->seed = of->seed * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(of->seed >> 33) % below;
}

static floe_parameters parameters_of(int whose, unsigned name)
{
    floe_parameters parameters = FLOE_PARAMETERS_INIT;

    (void)snprintf(parameters.username_fragment, sizeof parameters.username_fragment, "%c%u",
                   "ab"[whose], name);
    (void)snprintf(parameters.password, sizeof parameters.password, "%c%u", "cd"[whose], name);
    return parameters;
}

static void put_line(world *of, line one)
{
    assert_true(of->count < LINES_MAX);
    of->lines[of->count++] = one;
}

static void tell(world *of, int from)
{
    side *who = &of->sides[from];
    line one = {.to = 1 - from, .name = ++who->made};

    one.number = of->numbered[from] ? who->generations.own : 0;
    one.at = of->now + 1 + draw(of, 50);
    if (of->ordered && one.at <= who->latest) {
        one.at = who->latest + 1;
    }
    who->latest = one.at;
    put_line(of, one);
    while (draw(of, 4) == 0) { /* again, at any time */
        one.at += 1 + draw(of, 200);
        put_line(of, one);
    }
}

static void hear(world *of, const line *one)
{
    side *who = &of->sides[one->to];
    floe_parameters parameters = parameters_of(1 - one->to, one->name);
    generation_news news = generations_hear(&who->generations, &parameters, one->number);

    if (news == GENERATION_RESTARTS) {
        tell(of, one->to);
    }
    if (news != GENERATION_OLD) {
        who->own = who->made;
        who->peer = one->name;
    }
    if (news == GENERATION_STARTS && generations_may_restart(&who->generations)) {
        tell(of, one->to);
    }
}

/* False: none is on its way. */
static bool deliver_next(world *of)
{
    size_t next = 0;

    for (size_t i = 1; i < of->count; i++) {
        next = of->lines[i].at < of->lines[next].at ? i : next;
    }
    if (of->count == 0) {
        return false;
    }
    line one = of->lines[next];
    of->lines[next] = of->lines[--of->count];
    of->now = one.at > of->now ? one.at : of->now;
    hear(of, &one);
    return true;
}

static void begin(world *of, uint64_t seed, bool first_numbered, bool second_numbered)
{
    memset(of, 0, sizeof *of);
    of->seed = seed;
    of->numbered[0] = first_numbered;
    of->numbered[1] = second_numbered;
    of->ordered = !first_numbered || !second_numbered;
    for (int i = 0; i < 2; i++) {
        generations_init(&of->sides[i].generations);
        tell(of, i);
    }
}

static void restart(world *of, int which)
{
    if (generations_restart(&of->sides[which].generations)) {
        tell(of, which);
    }
}

/* Nothing is on its way any more: each has started with what is the other's. */
static void expect_agreement(world *of)
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(of->sides[i].own, of->sides[i].made);
        assert_int_equal(of->sides[i].peer, of->sides[1 - i].made);
    }
    assert_true(of->ordered || of->sides[0].generations.own == of->sides[1].generations.own);
    generations_free(&of->sides[0].generations);
    generations_free(&of->sides[1].generations);
}

/* Bursts of either side or both, at any time; each restart leads to one answer at most. */
static void run(uint64_t seed, bool first_numbered, bool second_numbered)
{
    world of;
    unsigned restarts = 0;

    begin(&of, seed, first_numbered, second_numbered);
    for (unsigned bursts = draw(&of, 6); bursts > 0; bursts--) {
        for (unsigned delivered = draw(&of, 8); delivered > 0; delivered--) {
            (void)deliver_next(&of);
        }
        for (unsigned size = 1 + draw(&of, 4); size > 0; size--) {
            restart(&of, (int)draw(&of, 2));
            restarts++;
        }
    }
    while (deliver_next(&of)) {
    }
    /* And a first line that was overtaken may be another process's. */
    assert_true(of.sides[0].made + of.sides[1].made <= 2 + 2 * restarts + (of.ordered ? 0 : 4));
    expect_agreement(&of);
}

static void restarts_of_both_come_to_an_end(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        run(seed, true, true);
    }
}

static void restarts_without_numbers_come_to_an_end(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        run(seed, false, false);
    }
}

/* As where SDP goes one way, and JSON the other. */
static void numbers_that_are_lost_in_one_direction(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        run(seed, seed % 2 == 0, seed % 2 != 0);
    }
}

static generation_news hear_of(generations *of, const char *name, uint32_t number)
{
    floe_parameters parameters = FLOE_PARAMETERS_INIT;

    (void)snprintf(parameters.username_fragment, sizeof parameters.username_fragment, "%s", name);
    return generations_hear(of, &parameters, number);
}

static void what_was_heard_is_no_restart(void **state)
{
    generations of;

    (void)state;
    generations_init(&of);
    assert_int_equal(hear_of(&of, "one", 0), GENERATION_STARTS);
    assert_int_equal(hear_of(&of, "one", 0), GENERATION_OLD);
    generations_restart(&of);
    assert_int_equal(hear_of(&of, "one", 0), GENERATION_OLD); /* it is no answer either */
    assert_int_equal(hear_of(&of, "two", 0), GENERATION_STARTS);
    assert_int_equal(hear_of(&of, "one", 0), GENERATION_OLD);
    assert_int_equal(hear_of(&of, "three", 0), GENERATION_RESTARTS);
    assert_int_equal(hear_of(&of, "two", 0), GENERATION_OLD);
    generations_free(&of);
}

/* Twice in one burst, and the other side has heard of the first alone. */
static void the_answer_to_a_former_restart_is_passed_over(void **state)
{
    generations of;

    (void)state;
    generations_init(&of);
    assert_int_equal(hear_of(&of, "one", 1), GENERATION_STARTS);
    generations_restart(&of);
    generations_restart(&of);
    assert_int_equal(hear_of(&of, "two", 2), GENERATION_OLD);
    assert_int_equal(hear_of(&of, "three", 3), GENERATION_STARTS);
    generations_free(&of);
}

static void one_that_was_overtaken_is_old(void **state)
{
    generations of;

    (void)state;
    generations_init(&of);
    assert_int_equal(hear_of(&of, "three", 3), GENERATION_RESTARTS);
    assert_int_equal(of.own, 3);
    assert_int_equal(hear_of(&of, "two", 2), GENERATION_OLD);
    generations_free(&of);
}

/* The other side's process was started again. */
static void another_agent_is_met_by_a_restart(void **state)
{
    generations of;
    generations other;

    (void)state;
    generations_init(&of);
    generations_init(&other);
    assert_int_equal(hear_of(&of, "one", 1), GENERATION_STARTS);
    generations_restart(&of);
    assert_int_equal(hear_of(&of, "two", 2), GENERATION_STARTS);
    assert_int_equal(hear_of(&of, "anew", 1), GENERATION_RESTARTS);
    assert_int_equal(hear_of(&other, "ours", of.own), GENERATION_RESTARTS);
    assert_int_equal(hear_of(&of, "answer", other.own), GENERATION_STARTS);
    generations_free(&of);
    generations_free(&other);
}

/* Its first line was never told us, but a later one's was. */
static void another_agent_begins_at_one(void **state)
{
    generations of;

    (void)state;
    generations_init(&of);
    assert_int_equal(hear_of(&of, "three", 3), GENERATION_RESTARTS);
    assert_int_equal(hear_of(&of, "anew", 1), GENERATION_RESTARTS);
    assert_int_equal(of.own, 4);
    generations_free(&of);
}

/* Somebody says the highest number that there is. */
static void numbers_end(void **state)
{
    generations of;

    (void)state;
    generations_init(&of);
    assert_int_equal(hear_of(&of, "last", GENERATION_MAX), GENERATION_RESTARTS);
    assert_int_equal(hear_of(&of, "again", GENERATION_MAX), GENERATION_OLD);
    generations_free(&of);
}

/* From a channel that all hear. */
static void our_own_come_back(void **state)
{
    generations of;
    floe_parameters own = FLOE_PARAMETERS_INIT;

    (void)state;
    generations_init(&of);
    (void)snprintf(own.username_fragment, sizeof own.username_fragment, "own");
    generations_told(&of, &own);
    assert_int_equal(hear_of(&of, "own", 1), GENERATION_OLD);
    assert_int_equal(hear_of(&of, "one", 1), GENERATION_STARTS);
    generations_free(&of);
}

/* Who tells no numbers, and whose signalling gives only the latest description. */
static void a_restart_waits_for_what_is_awaited(void **state)
{
    generations of;

    (void)state;
    generations_init(&of);
    assert_false(generations_restart(&of)); /* nobody is there yet */
    assert_int_equal(hear_of(&of, "one", 0), GENERATION_STARTS);
    assert_true(generations_may_restart(&of));
    assert_false(generations_may_restart(&of));
    assert_false(generations_restart(&of));
    assert_false(generations_restart(&of));
    assert_int_equal(hear_of(&of, "two", 0), GENERATION_STARTS);
    assert_true(generations_may_restart(&of));
    assert_int_equal(hear_of(&of, "three", 0), GENERATION_STARTS);
    assert_false(generations_may_restart(&of));
    assert_int_equal(hear_of(&of, "four", 0), GENERATION_RESTARTS);
    generations_free(&of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restarts_of_both_come_to_an_end),
        cmocka_unit_test(restarts_without_numbers_come_to_an_end),
        cmocka_unit_test(numbers_that_are_lost_in_one_direction),
        cmocka_unit_test(what_was_heard_is_no_restart),
        cmocka_unit_test(the_answer_to_a_former_restart_is_passed_over),
        cmocka_unit_test(one_that_was_overtaken_is_old),
        cmocka_unit_test(another_agent_is_met_by_a_restart),
        cmocka_unit_test(another_agent_begins_at_one),
        cmocka_unit_test(numbers_end),
        cmocka_unit_test(our_own_come_back),
        cmocka_unit_test(a_restart_waits_for_what_is_awaited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

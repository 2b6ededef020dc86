#include "cli/generations.h"

#include <stdlib.h>
#include <string.h>

/* The last that were heard or told: what comes again is no restart. */
#define HEARD_MAX 256

struct generation_heard {
    generation_heard *next;
    uint32_t number; /* as it was told */
    char text[];     /* the username fragment and the password, each with its zero */
};

void generations_init(generations *of)
{
    *of = (generations){.own = 1, .awaits = true};
}

bool generations_restart(generations *of)
{
    of->waits = of->awaits && (of->unnumbered || of->other == 0);
    if (of->waits) {
        return false;
    }
    of->own += of->own < GENERATION_MAX;
    of->awaits = true;
    return true;
}

bool generations_may_restart(generations *of)
{
    bool may = of->waits;

    of->waits = false;
    return may && generations_restart(of);
}

static bool is_same(const generation_heard *one, const floe_parameters *parameters)
{
    return strcmp(one->text, parameters->username_fragment) == 0 &&
           strcmp(&one->text[strlen(one->text) + 1], parameters->password) == 0;
}

static bool was_heard(const generations *of, const floe_parameters *parameters)
{
    const generation_heard *one = of->heard;

    while (one != NULL && !is_same(one, parameters)) {
        one = one->next;
    }
    return one != NULL;
}

/* Another agent is there now, as one that was started again is: it begins to count anew. */
static bool is_of_another(const generations *of, uint32_t number)
{
    const generation_heard *one = of->heard;

    if (number == 1 && of->other > 1) { /* or it comes late: one more restart mends that */
        return true;
    }
    while (one != NULL && one->number != number) {
        one = one->next;
    }
    return one != NULL && number != 0;
}

static void forget_oldest(generations *of)
{
    generation_heard **last = &of->heard;
    unsigned count = 0;

    while (*last != NULL && count < HEARD_MAX) {
        last = &(*last)->next;
        count++;
    }
    free(*last); /* it is the only one behind them */
    *last = NULL;
}

static bool remember(generations *of, const floe_parameters *parameters, uint32_t number)
{
    size_t first = strlen(parameters->username_fragment) + 1;
    size_t second = strlen(parameters->password) + 1;
    generation_heard *one = malloc(sizeof *one + first + second);

    if (one != NULL) {
        one->next = of->heard;
        one->number = number;
        memcpy(one->text, parameters->username_fragment, first);
        memcpy(&one->text[first], parameters->password, second);
        of->heard = one;
        forget_oldest(of);
    }
    return one != NULL;
}

void generations_told(generations *of, const floe_parameters *parameters)
{
    (void)remember(of, parameters, 0);
}

/* As an offer or an answer is known in SDP: whatever comes while one is awaited is the answer. */
static generation_news hear_without_number(generations *of)
{
    bool is_answer = of->awaits;

    of->unnumbered = true;
    of->awaits = false;
    of->own += !is_answer && of->own < GENERATION_MAX; /* the other side may hear our numbers */
    return is_answer ? GENERATION_STARTS : GENERATION_RESTARTS;
}

generation_news generations_hear(generations *of, const floe_parameters *parameters,
                                 uint32_t number)
{
    bool of_another = is_of_another(of, number);

    if (was_heard(of, parameters) || !remember(of, parameters, number)) {
        return GENERATION_OLD;
    }
    if (number == 0) {
        return hear_without_number(of);
    }
    if (of_another) {
        of->other = number;
        if (of->own == GENERATION_MAX) { /* what we told would be nothing new */
            return GENERATION_OLD;
        }
        of->own++;
        return GENERATION_RESTARTS;
    }
    if (number <= of->other) { /* overtaken */
        return GENERATION_OLD;
    }
    of->other = number;
    of->awaits = number < of->own;
    if (number > of->own) {
        of->own = number;
        return GENERATION_RESTARTS;
    }
    return number < of->own ? GENERATION_OLD : GENERATION_STARTS; /* its answer is still to come */
}

void generations_free(generations *of)
{
    generation_heard *one;

    while ((one = of->heard) != NULL) {
        of->heard = one->next;
        free(one);
    }
}

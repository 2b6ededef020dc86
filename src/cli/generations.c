#include "cli/generations.h"

#include <stdlib.h>
#include <string.h>

/* All that were heard: an old one that was forgotten would be a restart. */
struct generation_heard {
    generation_heard *next;
    uint32_t number; /* as it was told */
    char text[];     /* the username fragment and the password, each with its zero */
};

void generations_init(generations *of)
{
    *of = (generations){.own = 1};
}

void generations_restart(generations *of)
{
    of->own++;
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

    while (one != NULL && one->number != number) {
        one = one->next;
    }
    return one != NULL && number != 0;
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
    }
    return one != NULL;
}

generation_news generations_hear(generations *of, const floe_parameters *parameters,
                                 uint32_t number)
{
    bool of_another = is_of_another(of, number);
    uint32_t at = number != 0 ? number : of->other + 1;

    if (was_heard(of, parameters) || !remember(of, parameters, number)) {
        return GENERATION_OLD;
    }
    if (of_another) {
        of->other = at;
        of->own++;
        return GENERATION_RESTARTS;
    }
    if (at <= of->other) { /* overtaken */
        return GENERATION_OLD;
    }
    of->other = at;
    if (at > of->own) {
        of->own = at;
        return GENERATION_RESTARTS;
    }
    /* With a lower one than ours its answer to ours is still to come; who tells no number may have answered. */
    return at < of->own && number != 0 ? GENERATION_OLD : GENERATION_STARTS;
}

void generations_free(generations *of)
{
    generation_heard *one;

    while ((one = of->heard) != NULL) {
        of->heard = one->next;
        free(one);
    }
}

#include "runtime/held.h"

#include "base/error.h"
#include "base/memory.h"

#include <string.h>

static bool is_same(const floe_candidate *a, const floe_candidate *b)
{
    return a->component == b->component && a->protocol == b->protocol && a->port == b->port &&
           strcmp(a->address, b->address) == 0;
}

bool floe_is_among(const floe_candidate *one, const floe_candidate *const *candidates, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_same(one, candidates[i])) {
            return true;
        }
    }
    return false;
}

static void drop(floe_held *held, const floe_allocator *allocator, floe_held_candidate *one)
{
    floe_ring_remove(&held->candidates, &one->link);
    floe_deallocate(allocator, one);
}

floe_error floe_held_add(floe_held *held, const floe_allocator *allocator,
                         const floe_candidate *candidate, uint32_t most)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];
    uint32_t count = 0;

    floe_error error = floe_candidate_format(candidate, text, sizeof text);
    if (error != FLOE_OK) {
        return error;
    }
    FLOE_RING_EACH(one, &held->candidates, floe_held_candidate, link)
    {
        if (strcmp(one->text, text) == 0) {
            return FLOE_OK;
        }
        count++;
    }
    if (count >= most) {
        return floe_fail(FLOE_ERR_INVALID_STATE,
                         "there are %u remote candidates of component 2 already", most);
    }
    size_t size = strlen(text) + 1;
    floe_held_candidate *one = floe_allocate(allocator, sizeof *one + size);
    if (one == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    memcpy(one->text, text, size);
    floe_ring_append(&held->candidates, &one->link);
    return FLOE_OK;
}

/* Whether it is said to go, of what it says. */
typedef bool (*goes_fn)(const void *data, const floe_candidate *candidate);

/* How many. */
static size_t drop_some(floe_held *held, const floe_allocator *allocator, goes_fn goes,
                        const void *data)
{
    size_t count = 0;

    FLOE_RING_EACH_SAFE(one, &held->candidates, floe_held_candidate, link)
    {
        floe_candidate *there = NULL;
        if (floe_candidate_parse(one->text, &there) == FLOE_OK && goes(data, there)) {
            drop(held, allocator, one);
            count++;
        }
        floe_candidate_free(there);
    }
    return count;
}

static bool is_it(const void *data, const floe_candidate *candidate)
{
    return is_same(candidate, data);
}

floe_error floe_held_remove(floe_held *held, const floe_allocator *allocator,
                            const floe_candidate *candidate)
{
    return drop_some(held, allocator, is_it, candidate) > 0
               ? FLOE_OK
               : floe_fail(FLOE_ERR_NOT_FOUND, "there is no such remote candidate");
}

typedef struct candidates {
    const floe_candidate *const *all;
    size_t count;
} candidates;

static bool is_of_none(const void *data, const floe_candidate *candidate)
{
    const candidates *these = data;

    return !floe_is_among(candidate, these->all, these->count);
}

void floe_held_retain(floe_held *held, const floe_allocator *allocator,
                      const floe_candidate *const *all, size_t count)
{
    const candidates these = {all, count};

    (void)drop_some(held, allocator, is_of_none, &these);
}

static bool is_of_another(const void *data, const floe_candidate *candidate)
{
    return candidate->username_fragment == NULL || strcmp(candidate->username_fragment, data) != 0;
}

void floe_held_restart(floe_held *held, const floe_allocator *allocator,
                       const char *username_fragment)
{
    (void)drop_some(held, allocator, is_of_another, username_fragment);
}

void floe_held_free(floe_held *held, const floe_allocator *allocator)
{
    FLOE_RING_EACH_SAFE(one, &held->candidates, floe_held_candidate, link)
    {
        drop(held, allocator, one);
    }
}

/* Interfaces that come and go (N2): a loose plug, a radio at the edge of its cell. */
#include "core/plan/restless.h"

#include "base/address.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/plan/choice.h"

#include <string.h>

/* So many changes in this time, and it is left alone until it has been quiet for that one. */
#define CHANGES 10U
#define WITHIN floe_seconds(10)
#define QUIET floe_seconds(5)

typedef struct restless {
    floe_list link;
    floe_time times[CHANGES]; /* the latest, in a ring */
    uint32_t count;           /* of all changes; the latest stands before its place */
    uint32_t index;
    uint64_t state; /* what is there of it: another number where that is something else */
    bool held;      /* it is left alone */
    char name[];    /* one that comes again has another index; "": it has none */
} restless;

static bool is_of(const restless *one, const char *name, uint32_t index)
{
    return *one->name != '\0' ? name != NULL && strcmp(one->name, name) == 0 : one->index == index;
}

static restless *find(const floe_list *all, const char *name, uint32_t index)
{
    FLOE_LIST_EACH(one, all, restless, link)
    {
        if (is_of(one, name, index)) {
            return one;
        }
    }
    return NULL;
}

static floe_time last_of(const restless *one)
{
    return one->times[(one->count + CHANGES - 1) % CHANGES];
}

/* Whatever the order of its addresses. */
static uint64_t state_of(const floe_core *core, const restless *one,
                         const floe_interface_address *list, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        if (is_of(one, list[i].interface_name, list[i].interface_index) &&
            floe_choice_permits(core, &list[i])) {
            uint64_t hash = floe_address_hash(&list[i].address);
            sum += (hash ^ hash >> 29) * 0x9E3779B97F4A7C15U; /* odd, with bits all over */
        }
    }
    return sum;
}

static void note_change(restless *one, floe_time now)
{
    one->times[one->count++ % CHANGES] = now;
    if (one->count >= CHANGES &&
        !floe_time_reached(now, floe_time_after(one->times[one->count % CHANGES], WITHIN))) {
        one->held = true;
    }
}

static void forget(floe_core *core, restless *one)
{
    floe_list_remove(&one->link);
    floe_deallocate(&core->shared->allocator, one);
}

void floe_restless_look(floe_core *core, floe_list *all, floe_time now,
                        const floe_interface_address *list, size_t count)
{
    FLOE_LIST_EACH_SAFE(one, all, restless, link)
    {
        uint64_t state = state_of(core, one, list, count);
        if (state != one->state) {
            one->state = state;
            note_change(one, now);
        }
        if (floe_time_reached(now, floe_time_after(last_of(one), one->held ? QUIET : WITHIN))) {
            forget(core, one);
        }
    }
}

floe_time floe_restless_until(const floe_list *all, const char *name, uint32_t index)
{
    const restless *one = find(all, name, index);

    return one != NULL && one->held ? floe_time_after(last_of(one), QUIET) : (floe_time){0};
}

void floe_restless_note(floe_core *core, floe_list *all, floe_time now, const char *name,
                        uint32_t index, const floe_interface_address *list, size_t count)
{
    size_t size = name != NULL ? strlen(name) : 0;

    if (find(all, name, index) != NULL) {
        return; /* it was looked at */
    }
    restless *made = floe_allocate(&core->shared->allocator, sizeof *made + size + 1);
    if (made == NULL) {
        return; /* it may come and go once more */
    }
    if (size > 0) {
        memcpy(made->name, name, size);
    }
    made->index = index;
    made->state = state_of(core, made, list, count);
    floe_list_append(all, &made->link);
    note_change(made, now);
}

void floe_restless_free(floe_core *core, floe_list *all)
{
    FLOE_LIST_EACH_SAFE(one, all, restless, link)
    {
        forget(core, one);
    }
}

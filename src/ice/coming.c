/* Candidates of the peer's that name a username fragment which the agent does not know (I9): the peer has restarted, and they
 * have come before its parameters. They wait for the next start, and whoever they do not name then is not to come any more. */
#include "base/memory.h"
#include "base/ring.h"
#include "ice/ice.h"

#include <string.h>

typedef struct coming {
    floe_list link;
    char text[]; /* that names its username fragment */
} coming;

static void drop(floe_ice *ice, coming *one)
{
    floe_ring_remove(&ice->coming, &one->link);
    floe_deallocate(&ice->allocator, one);
}

void floe_ice_coming_free(floe_ice *ice)
{
    FLOE_RING_EACH_SAFE(one, &ice->coming, coming, link)
    {
        drop(ice, one);
    }
}

/* How many there are; all that there may be, if this one is among them. */
static uint32_t count(const floe_ice *ice, const char *text)
{
    uint32_t there = 0;

    FLOE_RING_EACH(one, &ice->coming, coming, link)
    {
        if (strcmp(one->text, text) == 0) {
            return ice->options.max_remote_candidates;
        }
        there++;
    }
    return there;
}

floe_error floe_ice_coming_take(floe_ice *ice, const floe_candidate *candidate)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    if (floe_candidate_format(candidate, text, sizeof text) != FLOE_OK ||
        count(ice, text) >= ice->options.max_remote_candidates) {
        return FLOE_OK; /* as if it were of nobody's */
    }
    size_t size = strlen(text) + 1;
    coming *one = floe_allocate(&ice->allocator, sizeof *one + size);
    if (one == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    memcpy(one->text, text, size);
    floe_ring_append(&ice->coming, &one->link);
    return FLOE_OK;
}

/* What cannot be taken now could not have been before, when nobody was told so. */
static void take(floe_ice *ice, const coming *one)
{
    floe_candidate *candidate = NULL;

    if (floe_candidate_parse(one->text, &candidate) == FLOE_OK &&
        !floe_ice_remote_is_of_another(ice, candidate->username_fragment)) {
        (void)floe_ice_remote_take(ice, candidate);
    }
    floe_candidate_free(candidate);
}

void floe_ice_coming_came(floe_ice *ice)
{
    FLOE_RING_EACH_SAFE(one, &ice->coming, coming, link)
    {
        take(ice, one);
        drop(ice, one);
    }
}

/* Candidates of the peer's that name a username fragment which the agent does not know (I9): the peer has restarted, and they
 * have come before its parameters. They wait for the next start, and whoever they do not name then is not to come any more. So
 * does the end of candidates that comes behind them. */
#include "base/memory.h"
#include "base/ring.h"
#include "ice/ice.h"

#include <string.h>

typedef struct coming {
    floe_list link;
    const char *username_fragment; /* behind the text */
    char text[];
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

static coming *find(const floe_ice *ice, const char *text)
{
    FLOE_RING_EACH(one, &ice->coming, coming, link)
    {
        if (strcmp(one->text, text) == 0) {
            return one;
        }
    }
    return NULL;
}

/* Where there are as many as may be, the first of another generation gives way, as that is more likely over. False: all are of
 * this one. */
static bool make_room(floe_ice *ice, const char *username_fragment)
{
    uint32_t count = 0;
    coming *other = NULL;

    FLOE_RING_EACH(one, &ice->coming, coming, link)
    {
        bool is_other = strcmp(one->username_fragment, username_fragment) != 0;
        other = other == NULL && is_other ? one : other;
        count++;
    }
    if (count < ice->options.max_remote_candidates) {
        return true;
    }
    if (other != NULL) {
        drop(ice, other);
    }
    return other != NULL;
}

floe_error floe_ice_coming_take(floe_ice *ice, const floe_candidate *candidate)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];
    const char *username_fragment = candidate->username_fragment;

    if (floe_candidate_format(candidate, text, sizeof text) != FLOE_OK || find(ice, text) != NULL ||
        !make_room(ice, username_fragment)) {
        return FLOE_OK; /* as if it were of nobody's */
    }
    size_t size = strlen(text) + 1;
    size_t more = strlen(username_fragment) + 1;
    coming *one = floe_allocate(&ice->allocator, sizeof *one + size + more);
    if (one == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    memcpy(one->text, text, size);
    memcpy(one->text + size, username_fragment, more);
    one->username_fragment = one->text + size;
    floe_ring_append(&ice->coming, &one->link);
    return FLOE_OK;
}

void floe_ice_coming_remove(floe_ice *ice, const floe_candidate *candidate)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    if (floe_candidate_format(candidate, text, sizeof text) == FLOE_OK) {
        coming *one = find(ice, text);
        if (one != NULL) {
            drop(ice, one);
        }
    }
}

/* What cannot be taken now could not have been before, when nobody was told so. */
static bool take(floe_ice *ice, const coming *one)
{
    floe_candidate *candidate = NULL;
    bool is_now = floe_candidate_parse(one->text, &candidate) == FLOE_OK &&
                  !floe_ice_remote_is_of_another(ice, candidate->username_fragment);

    if (is_now) {
        (void)floe_ice_remote_take(ice, candidate);
    }
    floe_candidate_free(candidate);
    return is_now;
}

void floe_ice_coming_came(floe_ice *ice)
{
    bool have_come = false;

    FLOE_RING_EACH_SAFE(one, &ice->coming, coming, link)
    {
        have_come = take(ice, one) || have_come;
        drop(ice, one);
    }
    ice->remote_end = ice->remote_end || (have_come && ice->coming_end);
    ice->coming_end = false;
}

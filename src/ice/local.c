/* Our side's candidates, as the core reports them, by the bases that they share. */
#include "ice/ice.h"

#include <string.h>

floe_ice_base *floe_ice_base_of(const floe_ice *ice, uint32_t id)
{
    FLOE_LIST_EACH(base, &ice->bases, floe_ice_base, link)
    {
        if (base->id == id) {
            return base;
        }
    }
    return NULL;
}

static floe_local_candidate *candidate_of(const floe_ice_base *base, uint32_t id)
{
    FLOE_LIST_EACH(candidate, &base->candidates, floe_local_candidate, link)
    {
        if (candidate->id == id) {
            return candidate;
        }
    }
    return NULL;
}

/* The one that stands for all: that with the base's id. Before it is told, and when it has gone, the core's rule is
 * followed (floe_candidate.base_id): the host candidate, or the one with the lowest id. */
static const floe_local_candidate *first_of(const floe_ice_base *base)
{
    const floe_local_candidate *first = candidate_of(base, base->id);

    if (first != NULL) {
        return first;
    }
    FLOE_LIST_EACH(one, &base->candidates, floe_local_candidate, link)
    {
        bool is_host = one->type == FLOE_CANDIDATE_TYPE_HOST;
        if (first == NULL || is_host > (first->type == FLOE_CANDIDATE_TYPE_HOST) ||
            (is_host == (first->type == FLOE_CANDIDATE_TYPE_HOST) && one->id < first->id)) {
            first = one;
        }
    }
    return first;
}

static floe_ice_base *new_base(floe_ice *ice, const floe_candidate *candidate)
{
    floe_ice_base *base = floe_allocate(&ice->allocator, sizeof *base);

    if (base != NULL) {
        floe_list_init(&base->candidates);
        base->id = candidate->base_id;
        base->network_id = candidate->network_id;
        base->component = candidate->component;
        base->family = (uint8_t)candidate->family;
        base->tcp_type = (uint8_t)candidate->tcp_type;
        floe_list_append(&ice->bases, &base->link);
    }
    return base;
}

static void free_base(floe_ice *ice, floe_ice_base *base)
{
    floe_list *link;

    while ((link = floe_list_take(&base->candidates)) != NULL) {
        floe_deallocate(&ice->allocator, FLOE_CONTAINER(link, floe_local_candidate, link));
    }
    floe_list_remove(&base->link);
    floe_deallocate(&ice->allocator, base);
}

static uint32_t number_of(floe_ice *ice, const char *foundation)
{
    FLOE_LIST_EACH(base, &ice->bases, floe_ice_base, link)
    {
        FLOE_LIST_EACH(candidate, &base->candidates, floe_local_candidate, link)
        {
            if (strcmp(candidate->foundation, foundation) == 0) {
                return candidate->foundation_number;
            }
        }
    }
    return ++ice->foundation_count;
}

static floe_local_candidate *new_candidate(floe_ice *ice, floe_ice_base *base,
                                           const floe_candidate *from)
{
    floe_local_candidate *candidate = floe_allocate(&ice->allocator, sizeof *candidate);

    if (candidate != NULL) {
        candidate->id = from->id;
        candidate->type = from->type;
        candidate->priority = from->priority;
        floe_put_text(candidate->foundation, sizeof candidate->foundation, from->foundation);
        candidate->foundation_number = number_of(ice, candidate->foundation);
        (void)floe_candidate_address(from, &candidate->address); /* a name has none */
        floe_list_append(&base->candidates, &candidate->link);
    }
    return candidate;
}

floe_error floe_ice_local_take(floe_ice *ice, const floe_candidate *from)
{
    floe_ice_base *base = floe_ice_base_of(ice, from->base_id);
    bool made = base == NULL;

    /* Nobody is connected to at the same time: whose SYN comes first is not known (RFC 6544 §4.1). */
    if (from->tcp_type == FLOE_TCP_TYPE_SO || (base != NULL && candidate_of(base, from->id))) {
        return FLOE_OK;
    }
    base = made ? new_base(ice, from) : base;
    if (base == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    if (new_candidate(ice, base, from) == NULL) {
        if (made) {
            free_base(ice, base);
        }
        return FLOE_ERR_NO_MEMORY;
    }
    const floe_local_candidate *first = first_of(base);
    bool other = first != base->first;
    base->first = first;
    ice->unsettled = true;
    if (made) {
        return floe_ice_pairs_of_base(ice, base);
    }
    if (other) {
        floe_ice_pairs_revalue(ice);
    }
    return FLOE_OK;
}

static void withdraw(floe_ice *ice, floe_ice_base *base, floe_local_candidate *candidate)
{
    floe_list_remove(&candidate->link);
    if (floe_list_empty(&base->candidates)) {
        floe_ice_pairs_of_base_end(ice, base);
        free_base(ice, base);
    } else if (candidate == base->first) {
        base->first = first_of(base);
        base->id = base->first->id;
        floe_ice_pairs_revalue(ice);
    }
    floe_deallocate(&ice->allocator, candidate);
    ice->unsettled = true;
}

void floe_ice_local_withdrawn(floe_ice *ice, uint32_t id)
{
    FLOE_LIST_EACH(base, &ice->bases, floe_ice_base, link)
    {
        floe_local_candidate *candidate = candidate_of(base, id);
        if (candidate != NULL) {
            withdraw(ice, base, candidate);
            return;
        }
    }
}

floe_error floe_ice_local_list(floe_ice *ice)
{
    floe_candidate_list *list = NULL;
    floe_error error = floe_core_get_local_candidates(ice->core, &list);

    for (size_t i = 0; error == FLOE_OK && i < list->count; i++) {
        error = floe_ice_local_take(ice, list->candidates[i]);
    }
    floe_candidate_list_free(list);
    return error;
}

void floe_ice_locals_free(floe_ice *ice)
{
    FLOE_LIST_EACH_SAFE(base, &ice->bases, floe_ice_base, link)
    {
        free_base(ice, base);
    }
}

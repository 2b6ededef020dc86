/* The checklist (RFC 8445 §6.1.2): in which order pairs are checked, and which wait for others. */
#include "ice/ice.h"

void floe_ice_checklist_put(floe_ice *ice, floe_candidate_pair *pair)
{
    floe_list *before = &ice->pairs;

    FLOE_LIST_EACH(other, &ice->pairs, floe_candidate_pair, link)
    {
        if (other->priority < pair->priority) {
            before = &other->link;
            break;
        }
    }
    floe_list_append(before, &pair->link);
}

/* ── Foundations ── */

static bool is_active(const floe_candidate_pair *pair)
{
    return (pair->state == FLOE_ICE_PAIR_WAITING || pair->state == FLOE_ICE_PAIR_IN_PROGRESS) &&
           !pair->slow;
}

static floe_pair_group *group_of(floe_ice *ice, uint32_t local, uint32_t remote)
{
    FLOE_LIST_EACH(group, &ice->groups, floe_pair_group, link)
    {
        if (group->local == local && group->remote == remote) {
            return group;
        }
    }
    floe_pair_group *group = floe_allocate(&ice->allocator, sizeof *group);
    if (group != NULL) {
        group->local = local;
        group->remote = remote;
        floe_list_append(&ice->groups, &group->link);
    }
    return group;
}

static floe_pair_group *group_for(floe_ice *ice, const floe_candidate_pair *pair)
{
    return group_of(ice, pair->base->first->foundation_number, pair->remote->foundation_number);
}

bool floe_ice_checklist_group(floe_ice *ice, floe_candidate_pair *pair)
{
    pair->group = group_for(ice, pair);
    if (pair->group == NULL) {
        return false;
    }
    pair->group->pairs++;
    pair->group->active += is_active(pair);
    return true;
}

void floe_ice_checklist_ungroup(floe_ice *ice, floe_candidate_pair *pair)
{
    floe_pair_group *group = pair->group;

    pair->group = NULL;
    if (group == NULL) {
        return;
    }
    group->active -= is_active(pair);
    if (--group->pairs == 0) {
        floe_list_remove(&group->link);
        floe_deallocate(&ice->allocator, group);
    }
}

void floe_ice_checklist_regroup(floe_ice *ice, floe_candidate_pair *pair)
{
    floe_pair_group *group = group_for(ice, pair);

    if (group == NULL) {
        return;
    }
    group->pairs++; /* so it stays, if it is the same */
    floe_ice_checklist_ungroup(ice, pair);
    pair->group = group;
    group->active += is_active(pair);
}

/* ── States ── */

void floe_ice_pair_to(floe_ice *ice, floe_candidate_pair *pair, floe_ice_pair_state state)
{
    ice->unsettled = true;
    if (pair->group == NULL) {
        pair->state = (uint8_t)state;
        return;
    }
    ice->in_state[pair->state]--;
    pair->group->active -= is_active(pair);
    pair->state = (uint8_t)state;
    ice->in_state[pair->state]++;
    pair->group->active += is_active(pair);
}

void floe_ice_checklist_is_slow(floe_ice *ice, floe_candidate_pair *pair)
{
    pair->group->active -= is_active(pair);
    pair->slow = true;
    ice->unsettled = true;
}

void floe_ice_checklist_thaw(floe_ice *ice)
{
    if (ice->in_state[FLOE_ICE_PAIR_FROZEN] == 0) {
        return;
    }
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->state == FLOE_ICE_PAIR_FROZEN && pair->group->active == 0) {
            floe_ice_pair_to(ice, pair, FLOE_ICE_PAIR_WAITING);
        }
    }
}

void floe_ice_checklist_unfreeze(floe_ice *ice, const floe_candidate_pair *succeeded)
{
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->state == FLOE_ICE_PAIR_FROZEN && pair->group == succeeded->group) {
            floe_ice_pair_to(ice, pair, FLOE_ICE_PAIR_WAITING);
        }
    }
}

void floe_ice_checklist_trigger(floe_ice *ice, floe_candidate_pair *pair)
{
    if (pair->state != FLOE_ICE_PAIR_SUCCEEDED && pair->state != FLOE_ICE_PAIR_WAITING) {
        floe_ice_pair_to(ice, pair, FLOE_ICE_PAIR_WAITING);
    }
    if (!floe_list_linked(&pair->triggered)) {
        floe_list_append(&ice->triggered, &pair->triggered);
    }
    ice->unsettled = true;
}

floe_candidate_pair *floe_ice_checklist_next(const floe_ice *ice)
{
    if (!floe_list_empty(&ice->triggered)) {
        return FLOE_CONTAINER(ice->triggered.next, floe_candidate_pair, triggered);
    }
    if (ice->in_state[FLOE_ICE_PAIR_WAITING] == 0) {
        return NULL;
    }
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->state == FLOE_ICE_PAIR_WAITING) {
            return pair;
        }
    }
    return NULL;
}

bool floe_ice_checklist_is_busy(const floe_ice *ice)
{
    if (ice->session->lite) {
        return false;
    }
    return !floe_list_empty(&ice->triggered) || ice->in_state[FLOE_ICE_PAIR_FROZEN] > 0 ||
           ice->in_state[FLOE_ICE_PAIR_WAITING] > 0 || ice->in_state[FLOE_ICE_PAIR_IN_PROGRESS] > 0;
}

bool floe_ice_checklist_has_new(const floe_ice *ice)
{
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (!pair->has_worked && pair->state != FLOE_ICE_PAIR_FAILED) {
            return true;
        }
    }
    return false;
}

floe_duration floe_ice_checklist_rto(const floe_ice *ice)
{
    uint64_t count =
        ice->in_state[FLOE_ICE_PAIR_WAITING] + ice->in_state[FLOE_ICE_PAIR_IN_PROGRESS];
    floe_duration all = floe_milliseconds(ice->options.pacing_ms * count);
    floe_duration least = floe_milliseconds(500);

    return all.ns > least.ns ? all : least;
}

/* Candidate pairs (RFC 8445 §6.1.2): which there are, what each is worth, and their end. */
#include "base/address.h"
#include "ice/ice.h"

/* RFC 6544 §4.5. */
#define PORT_OF_NOBODY 9

uint64_t floe_ice_pair_priority(uint32_t controlling, uint32_t controlled)
{
    uint64_t g = controlling;
    uint64_t d = controlled;

    return ((g < d ? g : d) << 32) + 2 * (g > d ? g : d) + (g > d);
}

static uint64_t priority_of(const floe_ice *ice, uint32_t local, uint32_t remote)
{
    return ice->role == FLOE_ICE_ROLE_CONTROLLING ? floe_ice_pair_priority(local, remote)
                                                  : floe_ice_pair_priority(remote, local);
}

void floe_ice_pair_value(const floe_ice *ice, floe_candidate_pair *pair)
{
    pair->priority = priority_of(ice, pair->base->first->priority, pair->remote->priority);
    pair->value = pair->valid ? priority_of(ice, pair->mapped_priority, pair->remote->priority) : 0;
}

/* RFC 6544 §4.2, as the core has it: the type preference of one for TCP is lower, and reflexive ones have other
 * direction preferences than hosts. */
uint32_t floe_ice_reflexive_priority(const floe_ice_base *base)
{
    uint32_t rest = base->first->priority & 0xffffff;

    if (base->tcp_type == FLOE_TCP_TYPE_NONE) {
        return 110U << 24 | rest;
    }
    uint32_t direction = base->tcp_type == FLOE_TCP_TYPE_ACTIVE ? 4 : 2;
    return 83U << 24 | direction << 21 | (rest & 0x1fffff);
}

static bool is_link_local(const floe_address *address)
{
    return address->family == FLOE_FAMILY_IPV6 &&
           floe_address_classify(address) == FLOE_ADDRESS_LINK_LOCAL;
}

/* §6.1.2.2. Of a base that shows only a name nobody knows which kind its address is. */
static bool fit(const floe_ice_base *base, const floe_remote_candidate *remote)
{
    const floe_address *local = &base->first->address;

    return base->family == remote->address.family && base->component == remote->component &&
           (base->tcp_type == FLOE_TCP_TYPE_NONE) == (remote->tcp_type == FLOE_TCP_TYPE_NONE) &&
           (local->family == FLOE_FAMILY_NONE ||
            is_link_local(local) == is_link_local(&remote->address));
}

/* RFC 6544 §6.2: who connects is the active one. A passive one has a pair when somebody has connected, and has sent a
 * check. */
static bool may_be_checked(const floe_ice_base *base, const floe_remote_candidate *remote)
{
    return fit(base, remote) &&
           (base->tcp_type == FLOE_TCP_TYPE_NONE ||
            (base->tcp_type == FLOE_TCP_TYPE_ACTIVE && remote->tcp_type == FLOE_TCP_TYPE_PASSIVE));
}

static floe_candidate_pair *find(const floe_ice *ice, const floe_ice_base *base,
                                 const floe_remote_candidate *remote)
{
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->base == base && pair->remote == remote) {
            return pair;
        }
    }
    return NULL;
}

/* §6.1.2.5: where there are as many as may be, the last goes that nothing has come of, if it is worth less than the
 * new one. One that a check asks for goes before others. */
static bool make_room(floe_ice *ice, uint64_t priority, bool asked_for)
{
    floe_candidate_pair *last = NULL;

    if (ice->pair_count < ice->options.max_pairs) {
        return true;
    }
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (!pair->valid && !pair->heard && pair->state != FLOE_ICE_PAIR_IN_PROGRESS) {
            last = pair;
        }
    }
    if (last == NULL || (last->priority >= priority && !asked_for)) {
        return false;
    }
    floe_ice_pair_end(ice, last);
    return true;
}

/* NULL, and FLOE_OK: there is no room. */
static floe_candidate_pair *add(floe_ice *ice, floe_ice_base *base, floe_remote_candidate *remote,
                                bool asked_for, floe_error *error)
{
    uint64_t priority = priority_of(ice, base->first->priority, remote->priority);

    *error = FLOE_OK;
    if (!make_room(ice, priority, asked_for)) {
        return NULL;
    }
    floe_candidate_pair *pair = floe_allocate(&ice->allocator, sizeof *pair);
    *error = FLOE_ERR_NO_MEMORY;
    if (pair == NULL) {
        return NULL;
    }
    pair->base = base;
    pair->remote = remote;
    pair->session = ice->session;
    pair->state = FLOE_ICE_PAIR_FROZEN;
    if (!floe_ice_checklist_group(ice, pair)) {
        floe_deallocate(&ice->allocator, pair);
        return NULL;
    }
    *error = FLOE_OK;
    floe_list_init(&pair->triggered);
    floe_stun_transaction_stop(&pair->transaction);
    floe_ice_pair_value(ice, pair);
    floe_ice_checklist_put(ice, pair);
    ice->pair_count++;
    ice->in_state[pair->state]++;
    ice->unsettled = true;
    return pair;
}

/* Who is lite has a pair where it is nominated, if the peer is not lite as well. */
static bool makes_pairs(const floe_ice *ice)
{
    return ice->session != NULL && (!ice->session->lite || ice->session->remote_lite);
}

floe_error floe_ice_pairs_of_base(floe_ice *ice, floe_ice_base *base)
{
    floe_error error = FLOE_OK;

    ice->lets_in = ice->lets_in || base->tcp_type == FLOE_TCP_TYPE_PASSIVE;
    if (!makes_pairs(ice)) {
        return FLOE_OK;
    }
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (remote->has_answered) { /* not on this way */
            remote->unanswered = 0;
        }
        /* One that checks have shown has its pair with the base that they came to (§7.3.1.3). */
        if (error == FLOE_OK && remote->signalled && may_be_checked(base, remote) &&
            find(ice, base, remote) == NULL) {
            (void)add(ice, base, remote, false, &error);
        }
    }
    return error;
}

floe_error floe_ice_pairs_of_remote(floe_ice *ice, floe_remote_candidate *remote)
{
    floe_error error = FLOE_OK;

    ice->lets_in = true;
    if (!makes_pairs(ice)) {
        return FLOE_OK;
    }
    FLOE_LIST_EACH(base, &ice->bases, floe_ice_base, link)
    {
        if (error == FLOE_OK && may_be_checked(base, remote) && find(ice, base, remote) == NULL) {
            (void)add(ice, base, remote, false, &error);
        }
    }
    return error;
}

floe_candidate_pair *floe_ice_pair_need(floe_ice *ice, floe_ice_base *base,
                                        floe_remote_candidate *remote)
{
    floe_candidate_pair *pair = find(ice, base, remote);
    floe_error error;

    return pair != NULL ? pair : fit(base, remote) ? add(ice, base, remote, true, &error) : NULL;
}

static bool connects_to_us(const floe_ice *ice, const floe_ice_base *base)
{
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (remote->tcp_type == FLOE_TCP_TYPE_ACTIVE && remote->component == base->component &&
            remote->address.family == base->family) {
            return true;
        }
    }
    return false;
}

/* Behind a NAT an active one connects from another address than it says: from that of a reflexive one for UDP. So all are
 * let in, by their IP addresses. What is sent goes nowhere, as nobody has connected from this port. */
static void let_in_to(floe_ice *ice, floe_time now, const floe_ice_base *base)
{
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (remote->signalled && remote->address.family == base->family) {
            floe_address at = floe_address_with_port(remote->address, PORT_OF_NOBODY);
            (void)floe_core_send(ice->core, now, base->id, &at, "", 0);
        }
    }
}

void floe_ice_let_in(floe_ice *ice, floe_time now)
{
    if (!ice->lets_in) {
        return;
    }
    ice->lets_in = false;
    FLOE_LIST_EACH(base, &ice->bases, floe_ice_base, link)
    {
        if (base->tcp_type == FLOE_TCP_TYPE_PASSIVE &&
            base->first->type == FLOE_CANDIDATE_TYPE_RELAY && connects_to_us(ice, base)) {
            let_in_to(ice, now, base);
        }
    }
}

static bool is_by(const floe_candidate_pair *pair, uint32_t candidate_id, const floe_address *peer)
{
    return pair->base->id == candidate_id &&
           (floe_address_is(&pair->remote->address, peer) || /* but for its scope */
            floe_address_equal(&pair->remote->address, peer));
}

/* What nearly every packet comes by: the pair in use, or that of the packet before. */
static floe_candidate_pair *usual_pair_of(const floe_ice *ice, uint32_t candidate_id,
                                          const floe_address *peer)
{
    floe_candidate_pair *likely[] = {ice->selected, ice->latest};

    for (size_t i = 0; i < sizeof likely / sizeof *likely; i++) {
        if (likely[i] != NULL && is_by(likely[i], candidate_id, peer)) {
            return likely[i];
        }
    }
    return NULL;
}

bool floe_ice_has_pair(const floe_ice *ice, uint32_t candidate_id, const floe_address *peer)
{
    return usual_pair_of(ice, candidate_id, peer) != NULL ||
           floe_ice_pair_among(ice, candidate_id, peer) != NULL ||
           (ice->former != NULL && is_by(ice->former, candidate_id, peer));
}

floe_candidate_pair *floe_ice_pair_among(const floe_ice *ice, uint32_t candidate_id,
                                         const floe_address *peer)
{
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (is_by(pair, candidate_id, peer)) {
            return pair;
        }
    }
    return NULL;
}

floe_candidate_pair *floe_ice_pair_of(floe_ice *ice, uint32_t candidate_id,
                                      const floe_address *peer)
{
    floe_candidate_pair *pair = usual_pair_of(ice, candidate_id, peer);

    if (pair != NULL) {
        return pair;
    }
    pair = floe_ice_pair_among(ice, candidate_id, peer);
    if (pair != NULL) {
        ice->latest = pair;
        return pair;
    }
    return ice->former != NULL && is_by(ice->former, candidate_id, peer) ? ice->former : NULL;
}

void floe_ice_pair_leaves(floe_ice *ice, floe_candidate_pair *pair)
{
    floe_ice_check_cancel(ice, pair);
    floe_list_remove(&pair->triggered);
    floe_list_remove(&pair->link);
    floe_ice_checklist_ungroup(ice, pair);
    ice->in_state[pair->state]--;
    ice->pair_count--;
    floe_ice_nomination_ends(ice, pair);
    ice->unsettled = true;
}

void floe_ice_pair_end(floe_ice *ice, floe_candidate_pair *pair)
{
    floe_ice_pair_leaves(ice, pair);
    floe_ice_count_gone(ice, pair);
    ice->consent_ended = ice->consent_ended && !pair->valid;
    floe_agenda_set(&ice->consents, &pair->consent, FLOE_TIME_NEVER);
    ice->watched = ice->watched == pair ? NULL : ice->watched;
    ice->backup = ice->backup == pair ? NULL : ice->backup;
    ice->latest = ice->latest == pair ? NULL : ice->latest;
    if (ice->best == pair) {
        floe_ice_find_best(ice);
    }
    if (ice->selected == pair) {
        floe_ice_select(ice, NULL);
    }
    floe_deallocate(&ice->allocator, pair->former);
    floe_deallocate(&ice->allocator, pair);
}

void floe_ice_pairs_of_base_end(floe_ice *ice, const floe_ice_base *base)
{
    if (ice->former != NULL && ice->former->base == base) {
        floe_ice_former_end(ice);
    }
    FLOE_LIST_EACH_SAFE(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->base == base) {
            floe_ice_pair_end(ice, pair);
        }
    }
}

void floe_ice_pairs_revalue(floe_ice *ice)
{
    floe_list all;
    floe_list *link;

    floe_list_init(&all);
    while ((link = floe_list_take(&ice->pairs)) != NULL) {
        floe_list_append(&all, link);
    }
    while ((link = floe_list_take(&all)) != NULL) {
        floe_candidate_pair *pair = FLOE_CONTAINER(link, floe_candidate_pair, link);
        floe_ice_pair_value(ice, pair);
        floe_ice_checklist_put(ice, pair);
    }
    floe_ice_find_best(ice);
    ice->unsettled = true;
}

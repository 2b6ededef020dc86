/* The peer's candidates: those that are signalled (RFC 8838), and those that its checks show (RFC 8445 §7.3.1.3). They
 * are in a stranger's hand: each address is looked at, and their number is bounded (I15). */
#include "base/address.h"
#include "base/error.h"
#include "ice/ice.h"

#include <stdio.h>
#include <string.h>

static bool is_at(const floe_remote_candidate *remote, const floe_remote_candidate *like)
{
    return remote->component == like->component && remote->tcp_type == like->tcp_type &&
           floe_address_equal(&remote->address, &like->address);
}

/* Of the generation that it names, if it names one. */
static floe_remote_candidate *find(const floe_ice *ice, const floe_remote_candidate *like)
{
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        bool is_of_another = like->username_fragment != NULL && remote->username_fragment != NULL &&
                             strcmp(like->username_fragment, remote->username_fragment) != 0;
        if (is_at(remote, like) && !is_of_another) {
            return remote;
        }
    }
    return NULL;
}

/* Why nothing is sent there; NULL: it is. */
static const char *refusal(const floe_ice *ice, const floe_address *address)
{
    if (address->port == 0) {
        return "has port 0";
    }
    switch (floe_address_classify(address)) {
    case FLOE_ADDRESS_UNSPECIFIED:
        return "is unspecified";
    case FLOE_ADDRESS_MULTICAST:
        return "is multicast";
    case FLOE_ADDRESS_BROADCAST:
        return "is broadcast";
    case FLOE_ADDRESS_LOOPBACK:
        if (!ice->options.loopback) {
            return "is loopback (options.loopback)";
        }
        break;
    default:
        break;
    }
    if (ice->options.remote_filter != NULL &&
        !ice->options.remote_filter(ice->options.remote_filter_user_data, address)) {
        return "is refused by options.remote_filter";
    }
    return NULL;
}

bool floe_ice_remote_is_refused(const floe_ice *ice, const floe_address *address)
{
    return refusal(ice, address) != NULL;
}

static void leave_name(floe_ice *ice, floe_remote_candidate *remote)
{
    if (remote->name != NULL) {
        ice->nameless += --remote->name->addresses == 0;
        remote->name = NULL;
    }
}

static void take_name(floe_ice *ice, floe_remote_candidate *remote, floe_remote_name *name)
{
    leave_name(ice, remote);
    remote->name = name;
    if (name != NULL) {
        ice->nameless -= name->addresses++ == 0;
    }
}

static void free_remote(floe_ice *ice, floe_remote_candidate *remote)
{
    floe_ice_remote_leaves(ice, remote);
    floe_deallocate(&ice->allocator, remote->username_fragment);
    floe_deallocate(&ice->allocator, remote);
}

void floe_ice_remote_drop(floe_ice *ice, floe_remote_candidate *remote)
{
    FLOE_LIST_EACH_SAFE(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->remote == remote) {
            floe_ice_pair_end(ice, pair);
        }
    }
    free_remote(ice, remote);
}

static bool has_valid_pair(const floe_ice *ice, const floe_remote_candidate *remote)
{
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->remote == remote && pair->valid) {
            return true;
        }
    }
    return false;
}

/* Where there are as many as may be, one that only checks have shown, and that has led to nothing, gives way. */
bool floe_ice_remotes_have_room(floe_ice *ice)
{
    if (ice->remote_count + ice->nameless < ice->options.max_remote_candidates) {
        return true;
    }
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (!remote->signalled && !has_valid_pair(ice, remote)) {
            floe_ice_remote_drop(ice, remote);
            return true;
        }
    }
    return false;
}

bool floe_ice_remote_is_superseded(const floe_ice *ice, const char *before, const char *now)
{
    return ice->session == NULL && before != NULL && (now == NULL || strcmp(before, now) != 0);
}

/* Before the start the same address of two generations is two candidates: the later word counts, but which that is of a name
 * and an address nobody knows. */
static floe_remote_candidate *find_of_generation(floe_ice *ice, const floe_remote_candidate *like)
{
    FLOE_LIST_EACH_SAFE(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (!is_at(remote, like)) {
            continue;
        }
        if (!floe_ice_remote_is_superseded(ice, remote->username_fragment,
                                           like->username_fragment)) {
            return remote;
        }
        if (like->name == NULL) {
            floe_ice_remote_drop(ice, remote);
        }
    }
    return NULL;
}

static bool forget_one(floe_ice *ice, const char *username_fragment)
{
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (floe_ice_remote_is_superseded(ice, remote->username_fragment, username_fragment)) {
            floe_ice_remote_drop(ice, remote);
            return true;
        }
    }
    return floe_ice_name_forget(ice, username_fragment);
}

bool floe_ice_remotes_make_room(floe_ice *ice, const char *username_fragment)
{
    bool goes_on = username_fragment != NULL;

    while (!floe_ice_remotes_have_room(ice) &&
           goes_on) { /* one of a name leaves that, which counts */
        goes_on = forget_one(ice, username_fragment);
    }
    return floe_ice_remotes_have_room(ice);
}

static floe_remote_candidate *add(floe_ice *ice, const floe_address *address, uint16_t component)
{
    floe_remote_candidate *remote = floe_allocate(&ice->allocator, sizeof *remote);

    if (remote != NULL) {
        remote->address = *address;
        remote->component = component;
        floe_list_append(&ice->remotes, &remote->link);
        ice->remote_count++;
    }
    return remote;
}

static uint32_t number_of(floe_ice *ice, const char *foundation)
{
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (remote->foundation_number != 0 && strcmp(remote->foundation, foundation) == 0) {
            return remote->foundation_number;
        }
    }
    return ++ice->foundation_count;
}

static void take_signalled(floe_ice *ice, floe_remote_candidate *remote,
                           const floe_remote_candidate *like)
{
    remote->signalled = true;
    remote->type = like->type;
    remote->tcp_type = like->tcp_type;
    remote->priority = like->priority;
    remote->related = like->related;
    remote->foundation_number = 0;
    memcpy(remote->foundation, like->foundation, sizeof remote->foundation);
    remote->foundation_number = number_of(ice, like->foundation);
    take_name(ice, remote, like->name);
}

/* The foundation is another one now, so it is in other groups. */
static void regroup(floe_ice *ice, const floe_remote_candidate *remote)
{
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->remote == remote) {
            floe_ice_checklist_regroup(ice, pair);
        }
    }
    floe_ice_pairs_revalue(ice);
}

bool floe_ice_remote_is_of_another(const floe_ice *ice, const char *username_fragment)
{
    return ice->session != NULL && username_fragment != NULL &&
           !floe_ice_is_remote(ice->session, username_fragment);
}

/* The port of an active candidate says nothing (RFC 6544 §4.5): who connects from its address is that. */
static bool is_end_of(const floe_remote_candidate *shown, const floe_remote_candidate *active)
{
    return !shown->signalled && shown->tcp_type == FLOE_TCP_TYPE_ACTIVE && active->signalled &&
           active->tcp_type == FLOE_TCP_TYPE_ACTIVE && active->component == shown->component &&
           floe_address_same_ip(&active->address, &shown->address);
}

static void be_end_of(floe_remote_candidate *shown, const floe_remote_candidate *active)
{
    shown->type = active->type;
    shown->priority = active->priority;
    shown->related = active->related;
    memcpy(shown->foundation, active->foundation, sizeof shown->foundation);
    shown->foundation_number = active->foundation_number;
}

static void take_active(const floe_ice *ice, floe_remote_candidate *shown)
{
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (is_end_of(shown, remote)) {
            be_end_of(shown, remote);
            return;
        }
    }
}

/* The active one is signalled after somebody has connected from it. */
static void take_connected(floe_ice *ice, const floe_remote_candidate *active)
{
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (is_end_of(remote, active) && remote->type == FLOE_CANDIDATE_TYPE_PRFLX) {
            be_end_of(remote, active);
            regroup(ice, remote);
        }
    }
}

static floe_error take_new(floe_ice *ice, const floe_remote_candidate *like)
{
    bool is_counted = like->name != NULL && like->name->addresses == 0; /* by its name so far */

    bool has_room = is_counted || (like->name != NULL /* all names are being looked at */
                                       ? floe_ice_remotes_have_room(ice)
                                       : floe_ice_remotes_make_room(ice, like->username_fragment));

    if (!has_room) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "there are %u remote candidates already",
                         ice->options.max_remote_candidates);
    }
    floe_remote_candidate *remote = add(ice, &like->address, like->component);
    if (remote == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    take_signalled(ice, remote, like);
    if (ice->session == NULL && like->username_fragment != NULL) {
        remote->username_fragment = floe_copy_text(&ice->allocator, like->username_fragment,
                                                   strlen(like->username_fragment));
        if (remote->username_fragment == NULL) {
            free_remote(ice, remote);
            return FLOE_ERR_NO_MEMORY;
        }
    }
    floe_error error = floe_ice_pairs_of_remote(ice, remote);
    if (error != FLOE_OK) {
        floe_ice_remote_drop(ice, remote);
    } else if (remote->tcp_type == FLOE_TCP_TYPE_ACTIVE) {
        take_connected(ice, remote);
    }
    return error;
}

floe_error floe_ice_remote_add(floe_ice *ice, const floe_remote_candidate *as)
{
    floe_remote_candidate like = *as;
    char text[FLOE_ADDRESS_TEXT_SIZE];

    like.address = floe_address_normalise(as->address);
    const char *why = refusal(ice, &like.address);
    if (why != NULL) {
        ice->has_refused = true;
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "the remote address %s %s",
                         floe_address_text(&like.address, text), why);
    }
    floe_remote_candidate *remote = find_of_generation(ice, &like);
    ice->unsettled = true;
    if (remote == NULL) {
        return take_new(ice, &like);
    }
    if (!remote->signalled) {
        take_signalled(ice, remote, &like);
        regroup(ice, remote);
    } else if (like.name == NULL) { /* it stays without its name */
        leave_name(ice, remote);
    }
    return floe_ice_pairs_of_remote(ice, remote); /* those that there was no memory for */
}

void floe_ice_remote_read(const floe_candidate *from, floe_remote_candidate *remote)
{
    *remote = (floe_remote_candidate){
        .address = {.port = from->port},
        .priority = from->priority,
        .component = from->component,
        .type = (uint8_t)from->type,
        .tcp_type = (uint8_t)from->tcp_type,
        .username_fragment = (char *)(uintptr_t)from->username_fragment,
    };
    floe_put_text(remote->foundation, sizeof remote->foundation, from->foundation);
    if (from->related_address != NULL &&
        floe_address_parse(from->related_address, &remote->related) == FLOE_OK) {
        remote->related.port = from->related_port;
    }
}

floe_error floe_ice_remote_take(floe_ice *ice, const floe_candidate *from)
{
    floe_remote_candidate like;

    if (floe_ice_remote_is_of_another(ice, from->username_fragment)) {
        return floe_ice_coming_take(ice, from);
    }
    floe_ice_remote_read(from, &like);
    return floe_candidate_address(from, &like.address) == FLOE_OK ? floe_ice_remote_add(ice, &like)
                                                                  : floe_ice_name_take(ice, from);
}

void floe_ice_remote_withdraw(floe_ice *ice, floe_remote_candidate *remote)
{
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (pair->remote == remote && pair->heard) {
            floe_ice_arrival_expect(ice, pair->base->id, &remote->address);
        }
    }
    floe_ice_remote_drop(ice, remote);
}

/* Who has connected from an active one goes with it. */
static void withdraw_connected(floe_ice *ice, const floe_remote_candidate *active)
{
    FLOE_LIST_EACH_SAFE(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (is_end_of(remote, active) && remote->foundation_number == active->foundation_number) {
            floe_ice_remote_withdraw(ice, remote);
        }
    }
}

floe_error floe_ice_remote_remove(floe_ice *ice, const floe_candidate *from)
{
    floe_remote_candidate like;
    bool removed = false;

    if (floe_ice_remote_is_of_another(ice, from->username_fragment)) {
        floe_ice_coming_remove(ice, from);
        return FLOE_OK;
    }
    floe_ice_remote_read(from, &like);
    if (floe_candidate_address(from, &like.address) != FLOE_OK) {
        removed = floe_ice_name_remove(ice, from);
    } else {
        like.address = floe_address_normalise(like.address);
        floe_remote_candidate *remote = find(ice, &like);
        removed = remote != NULL && remote->signalled;
        if (removed) {
            withdraw_connected(ice, remote);
            floe_ice_remote_withdraw(ice, remote);
        }
    }
    return removed ? FLOE_OK : floe_fail(FLOE_ERR_NOT_FOUND, "there is no such remote candidate");
}

/* Whether another one may be looked at that only a check has shown. The first that has had its time gives way. */
static bool may_be_shown(floe_ice *ice, floe_time now, uint32_t base)
{
    bool is_urgent = ice->selected == NULL && !floe_time_is_never(ice->failure_at);
    floe_duration least = is_urgent ? FLOE_ICE_SHOWN_FOR : FLOE_ICE_SHOWN_FOR_THEN;
    size_t count = 0;
    floe_remote_candidate *old = NULL;

    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (!remote->signalled && remote->shown_to == base && !has_valid_pair(ice, remote)) {
            count++;
            if (old == NULL && floe_time_reached(now, floe_time_after(remote->shown, least))) {
                old = remote;
            }
        }
    }
    if (count < FLOE_ICE_SHOWN_MAX) {
        return floe_ice_remotes_have_room(ice);
    }
    if (old != NULL) {
        floe_ice_remote_drop(ice, old);
    }
    return old != NULL;
}

/* Of who has connected to us, or to whom we have (RFC 6544 §7.2): on a passive candidate it is an active one, or one for
 * simultaneous-open, whose connection came first. */
static bool is_other_end(const floe_ice_base *base, const floe_remote_candidate *remote)
{
    switch (base->tcp_type) {
    case FLOE_TCP_TYPE_ACTIVE:
        return remote->tcp_type == FLOE_TCP_TYPE_PASSIVE;
    case FLOE_TCP_TYPE_PASSIVE:
        return remote->tcp_type == FLOE_TCP_TYPE_ACTIVE || remote->tcp_type == FLOE_TCP_TYPE_SO;
    default:
        return remote->tcp_type == FLOE_TCP_TYPE_NONE;
    }
}

static floe_remote_candidate *find_shown(const floe_ice *ice, const floe_address *address,
                                         const floe_ice_base *base)
{
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (remote->component == base->component && is_other_end(base, remote) &&
            floe_address_equal(&remote->address, address)) {
            return remote;
        }
    }
    return NULL;
}

floe_remote_candidate *floe_ice_remote_shown(floe_ice *ice, floe_time now,
                                             const floe_address *address, const floe_ice_base *base,
                                             uint32_t priority)
{
    floe_remote_candidate *remote = find_shown(ice, address, base);

    if (remote != NULL) {
        return remote;
    }
    if (refusal(ice, address) != NULL || !may_be_shown(ice, now, base->id)) {
        return NULL;
    }
    remote = add(ice, address, base->component);
    if (remote != NULL) {
        remote->type = FLOE_CANDIDATE_TYPE_PRFLX;
        remote->priority = priority;
        remote->shown = now;
        remote->shown_to = base->id;
        /* "an arbitrary value, different from the foundations of all other remote candidates": theirs are ice-char. */
        remote->foundation_number = ++ice->foundation_count;
        (void)snprintf(remote->foundation, sizeof remote->foundation, "prflx-%u",
                       remote->foundation_number);
        remote->tcp_type = base->tcp_type == FLOE_TCP_TYPE_ACTIVE    ? FLOE_TCP_TYPE_PASSIVE
                           : base->tcp_type == FLOE_TCP_TYPE_PASSIVE ? FLOE_TCP_TYPE_ACTIVE
                                                                     : FLOE_TCP_TYPE_NONE;
        if (remote->tcp_type == FLOE_TCP_TYPE_ACTIVE) {
            take_active(ice, remote);
        }
    }
    return remote;
}

void floe_ice_remotes_sift(floe_ice *ice)
{
    floe_ice_names_sift(ice);
    FLOE_LIST_EACH_SAFE(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (floe_ice_remote_is_of_another(ice, remote->username_fragment) ||
            find(ice, remote) != remote) { /* or it is there already, by another name */
            free_remote(ice, remote);
        } else {
            floe_deallocate(&ice->allocator, remote->username_fragment);
            remote->username_fragment = NULL;
        }
    }
}

void floe_ice_remote_leaves(floe_ice *ice, floe_remote_candidate *remote)
{
    leave_name(ice, remote);
    floe_list_remove(&remote->link);
    ice->remote_count--;
}

void floe_ice_remotes_free(floe_ice *ice)
{
    FLOE_LIST_EACH_SAFE(remote, &ice->remotes, floe_remote_candidate, link)
    {
        free_remote(ice, remote);
    }
    floe_ice_names_free(ice);
}

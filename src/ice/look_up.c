/* Candidates of the peer's that show a name (I15): who drives the agent looks it up. The names are in a stranger's hand: which
 * kinds are looked up, how many, and what comes of them is bounded. */
#include "base/error.h"
#include "base/name.h"
#include "ice/ice.h"

#include <string.h>

static floe_remote_name *find(const floe_ice *ice, const floe_remote_candidate *as,
                              const char *text)
{
    FLOE_LIST_EACH(name, &ice->names, floe_remote_name, link)
    {
        if (name->as.component == as->component && name->as.tcp_type == as->tcp_type &&
            name->as.address.port == as->address.port && floe_name_same(name->text, text)) {
            return name;
        }
    }
    return NULL;
}

static floe_error refusal(const floe_ice *ice, const char *text)
{
    if (!floe_name_valid(text, strlen(text))) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "the remote candidate's name \"%.80s\" cannot be one", text);
    }
    if (floe_name_is_local(text) ? ice->options.no_local_names : !ice->options.resolve_names) {
        return floe_fail(FLOE_ERR_UNSUPPORTED,
                         "the remote candidate shows a name, which is not to be looked up (%s)",
                         floe_name_is_local(text) ? "options.no_local_names"
                                                  : "options.resolve_names");
    }
    return FLOE_OK;
}

/* Its candidate is gone, and the look-up is not: of one name there is one at a time. */
static bool is_left(const floe_ice *ice, const char *text)
{
    FLOE_LIST_EACH(name, &ice->look_ups, floe_remote_name, link)
    {
        if (floe_name_same(name->text, text)) {
            return true;
        }
    }
    return false;
}

static bool is_looked_up(const floe_ice *ice, const char *text)
{
    FLOE_LIST_EACH(name, &ice->names, floe_remote_name, link)
    {
        if (name->asked && !name->known && floe_name_same(name->text, text)) {
            return true;
        }
    }
    return is_left(ice, text);
}

static void end_look_up(floe_ice *ice, floe_remote_name *name)
{
    floe_list_remove(&name->link);
    floe_deallocate(&ice->allocator, name);
    ice->look_up_count--;
}

/* Who signals one name after the other, and withdraws each, does not fill the memory. */
static void leave_look_up(floe_ice *ice, floe_remote_name *name)
{
    if (ice->look_up_count == ice->options.max_remote_candidates) {
        end_look_up(ice, FLOE_CONTAINER(ice->look_ups.next, floe_remote_name, link));
    }
    floe_list_append(&ice->look_ups, &name->link);
    ice->look_up_count++;
}

void floe_ice_look_ups_free(floe_ice *ice)
{
    while (!floe_list_empty(&ice->look_ups)) {
        end_look_up(ice, FLOE_CONTAINER(ice->look_ups.next, floe_remote_name, link));
    }
}

static void free_name(floe_ice *ice, floe_remote_name *name)
{
    floe_list_remove(&name->link);
    ice->looking_up -= !name->known;
    ice->nameless -= name->addresses == 0;
    floe_deallocate(&ice->allocator, name->as.username_fragment);
    name->as.username_fragment = NULL;
    if (name->asked && !name->known && !is_looked_up(ice, name->text)) {
        leave_look_up(ice, name);
    } else {
        floe_deallocate(&ice->allocator, name);
    }
}

static floe_remote_name *add(floe_ice *ice, const floe_remote_candidate *as,
                             const floe_candidate *from)
{
    size_t size = strlen(from->address) + 1;
    floe_remote_name *name = floe_allocate(&ice->allocator, sizeof *name + size);

    if (name == NULL) {
        return NULL;
    }
    name->as = *as;
    name->as.username_fragment = NULL;              /* that is the caller's */
    name->asked = is_looked_up(ice, from->address); /* that is for both */
    memcpy(name->text, from->address, size);
    floe_list_append(&ice->names, &name->link);
    ice->looking_up++;
    ice->nameless++;
    if (ice->session == NULL && from->username_fragment != NULL) {
        name->as.username_fragment = floe_copy_text(&ice->allocator, from->username_fragment,
                                                    strlen(from->username_fragment));
        if (name->as.username_fragment == NULL) {
            free_name(ice, name);
            return NULL;
        }
    }
    return name;
}

static void drop(floe_ice *ice, floe_remote_name *name)
{
    FLOE_LIST_EACH_SAFE(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (remote->name == name) {
            floe_ice_remote_withdraw(ice, remote);
        }
    }
    free_name(ice, name);
    ice->unsettled = true;
}

bool floe_ice_name_forget(floe_ice *ice, const char *username_fragment)
{
    FLOE_LIST_EACH(name, &ice->names, floe_remote_name, link)
    {
        if (floe_ice_remote_is_superseded(ice, name->as.username_fragment, username_fragment)) {
            drop(ice, name);
            return true;
        }
    }
    return false;
}

floe_error floe_ice_name_take(floe_ice *ice, const floe_candidate *candidate)
{
    floe_remote_candidate as;
    floe_error error = refusal(ice, candidate->address);

    if (error != FLOE_OK) {
        return error;
    }
    floe_ice_remote_read(candidate, &as);
    if (as.address.port == 0) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "the remote candidate %.80s has port 0",
                         candidate->address);
    }
    floe_remote_name *same = find(ice, &as, candidate->address);
    if (same != NULL &&
        floe_ice_remote_is_superseded(ice, same->as.username_fragment, as.username_fragment)) {
        drop(ice, same);
        same = NULL;
    }
    if (same != NULL) {
        return FLOE_OK;
    }
    if (!floe_ice_remotes_make_room(ice, as.username_fragment)) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "there are %u remote candidates already",
                         ice->options.max_remote_candidates);
    }
    ice->unsettled = true;
    return add(ice, &as, candidate) != NULL ? FLOE_OK : FLOE_ERR_NO_MEMORY;
}

floe_remote_name *floe_ice_name_copy(const floe_ice *ice, const floe_remote_name *name)
{
    size_t size = name != NULL ? strlen(name->text) + 1 : 0;
    floe_remote_name *copy =
        name != NULL ? floe_allocate(&ice->allocator, sizeof *copy + size) : NULL;

    if (copy != NULL) {
        copy->as = name->as;
        memcpy(copy->text, name->text, size);
    }
    return copy;
}

bool floe_ice_name_remove(floe_ice *ice, const floe_candidate *candidate)
{
    floe_remote_candidate as;

    floe_ice_remote_read(candidate, &as);
    floe_remote_name *name = find(ice, &as, candidate->address);
    if (name != NULL) {
        drop(ice, name);
    }
    return name != NULL;
}

const char *floe_ice_name_to_ask(floe_ice *ice)
{
    if (ice->looking_up == 0) {
        return NULL;
    }
    FLOE_LIST_EACH(name, &ice->names, floe_remote_name, link)
    {
        if (!name->known && !name->asked) {
            FLOE_LIST_EACH(other, &ice->names, floe_remote_name, link)
            {
                other->asked = other->asked || floe_name_same(other->text, name->text);
            }
            return name->text;
        }
    }
    return NULL;
}

/* What is refused, and what there is no room for, is left out. */
static void take_addresses(floe_ice *ice, floe_remote_name *name, const floe_address *addresses,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        floe_remote_candidate like = name->as;
        like.address = addresses[i];
        like.address.port = name->as.address.port;
        like.name = name;
        (void)floe_ice_remote_add(ice, &like);
    }
}

void floe_ice_names_found(floe_ice *ice, const char *text, floe_error error,
                          const floe_address *addresses, size_t count)
{
    FLOE_LIST_EACH_SAFE(left, &ice->look_ups, floe_remote_name, link)
    {
        if (floe_name_same(left->text, text)) {
            end_look_up(ice, left);
        }
    }
    FLOE_LIST_EACH(name, &ice->names, floe_remote_name, link)
    {
        if (!name->asked || name->known || !floe_name_same(name->text, text)) {
            continue;
        }
        name->known = true;
        name->error = (int8_t)(error != FLOE_OK || count > 0 ? error : FLOE_ERR_NOT_FOUND);
        ice->looking_up--;
        ice->unsettled = true;
        if (error == FLOE_OK) {
            take_addresses(ice, name, addresses, count);
        }
    }
}

void floe_ice_names_sift(floe_ice *ice)
{
    FLOE_LIST_EACH_SAFE(name, &ice->names, floe_remote_name, link)
    {
        if (floe_ice_remote_is_of_another(ice, name->as.username_fragment)) {
            drop(ice, name);
        } else {
            floe_deallocate(&ice->allocator, name->as.username_fragment);
            name->as.username_fragment = NULL;
        }
    }
}

void floe_ice_names_free(floe_ice *ice)
{
    FLOE_LIST_EACH_SAFE(name, &ice->names, floe_remote_name, link)
    {
        free_name(ice, name);
    }
}

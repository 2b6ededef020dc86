/* Which addresses of this machine are gathered on (P2 to P4, P6, P7), and in which order (C4). */
#include "core/plan/choice.h"

#include "core/candidate/base.h"
#include "core/config/allowed.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/outbox.h"
#include "core/outbox/trace.h"

#include <string.h>

/* An entry of the list. */
struct floe_choice_entry {
    floe_tree_node node;
    const floe_interface_address *address;
    size_t place;   /* in the list */
    uint16_t order; /* how early it comes; of equal ones, the first in the list */
    bool usable;
    bool eligible;
    bool chosen;
};

/* RFC 8828 §5.2: modes 2 and 3 keep to the default route; mode 4 to a proxy, which is connected to
 * from wherever it can be. */
static bool handled(const floe_core *core, const floe_interface_address *candidate)
{
    switch ((floe_ip_handling)core->shared->ip_handling) {
    case FLOE_IP_HANDLING_ALL:
        break;
    case FLOE_IP_HANDLING_DEFAULT_ROUTE_AND_LOCAL:
    case FLOE_IP_HANDLING_DEFAULT_ROUTE_ONLY:
        return candidate->default_route;
    case FLOE_IP_HANDLING_PROXY_ONLY:
        return core->shared->proxy != NULL;
    }
    return true;
}

static bool is_link_local(const floe_interface_address *candidate)
{
    return floe_address_classify(&candidate->address) == FLOE_ADDRESS_LINK_LOCAL;
}

/* What is on the loopback interface leads nowhere, unless others have a route to it. */
static bool is_loopback(const floe_interface_address *candidate)
{
    return candidate->loopback ||
           floe_address_classify(&candidate->address) == FLOE_ADDRESS_LOOPBACK;
}

bool floe_choice_permits(const floe_core *core, const floe_interface_address *candidate)
{
    const floe_core_shared *shared = core->shared;
    uint8_t family = candidate->address.family;
    bool wanted = floe_gathers_udp(shared, family) || floe_listens(core, family);

    return candidate->up && !candidate->tentative && wanted && handled(core, candidate) &&
           floe_address_usable(shared, &candidate->address);
}

/* P4, RFC 4862 §5.5.4: nothing begins on a deprecated address, and what goes on there goes on. */
static bool goes_on(const floe_core *core, const floe_interface_address *candidate)
{
    return floe_choice_permits(core, candidate) && candidate->deprecated &&
           floe_bases_stand_on(core, &candidate->address);
}

/* RFC 4862 §5.5.4: nothing begins on a deprecated address where another of the family can be used:
 * which families have one. A last address is better than none. */
static void find_preferred(const floe_core *core, const floe_interface_address *list, size_t count,
                           bool preferred[2])
{
    preferred[0] = preferred[1] = false;
    for (size_t i = 0; i < count; i++) {
        bool good = floe_choice_permits(core, &list[i]) && !list[i].deprecated &&
                    !is_loopback(&list[i]) && !is_link_local(&list[i]);
        if (good || goes_on(core, &list[i])) {
            preferred[list[i].address.family == FLOE_FAMILY_IPV6] = true;
        }
    }
}

/* P2 to P4, P6. */
static bool usable(const floe_core *core, const floe_interface_address *candidate)
{
    return floe_choice_permits(core, candidate) && !candidate->deprecated;
}

/* A stable IPv6 address beside a temporary one of the same prefix (RFC 8981 §3.1) on the same
 * interface stays out: it would tell who we are for longer than needed. So does a link-local one,
 * often made of the adapter's own number (RFC 8445 §5.1.1.1). */
static bool outdone_by_temporary(const floe_core *core, const floe_interface_address *list,
                                 size_t count, const floe_interface_address *stable)
{
    if (stable->temporary || stable->address.family != FLOE_FAMILY_IPV6) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].temporary && list[i].interface_index == stable->interface_index &&
            list[i].address.family == FLOE_FAMILY_IPV6 && floe_choice_permits(core, &list[i]) &&
            (!list[i].deprecated || stable->deprecated) &&
            (is_link_local(stable) || memcmp(list[i].address.ip, stable->address.ip, 8) == 0)) {
            return true;
        }
    }
    return false;
}

/* How early an address comes: adapters first (C4), then what is not deprecated, then global before
 * local scope (RFC 6724). */
static uint16_t order_of(const floe_interface_address *candidate)
{
    static const uint8_t adapters[] = {
        [FLOE_ADAPTER_WIRED] = 0,    [FLOE_ADAPTER_WIRELESS] = 1, [FLOE_ADAPTER_UNKNOWN] = 2,
        [FLOE_ADAPTER_CELLULAR] = 3, [FLOE_ADAPTER_VPN] = 4,
    };
    unsigned adapter =
        (size_t)candidate->adapter < sizeof adapters ? adapters[candidate->adapter] : adapters[0];
    unsigned scope = 0;

    if (is_loopback(candidate)) {
        return 1000;
    }
    switch (floe_address_classify(&candidate->address)) {
    case FLOE_ADDRESS_PRIVATE:
        /* The usual thing in IPv4; in IPv6 (RFC 4193) it stands behind global ones. */
        scope = candidate->address.family == FLOE_FAMILY_IPV6;
        break;
    case FLOE_ADDRESS_LINK_LOCAL:
        scope = 2;
        break;
    default:
        break;
    }
    return (uint16_t)(10 * adapter + scope + (candidate->deprecated ? 5 : 0));
}

static int compare(const void *a, const void *b)
{
    const floe_choice_entry *one = a;
    const floe_choice_entry *other = b;

    if (one->order != other->order) {
        return one->order < other->order ? -1 : 1;
    }
    return (one->place > other->place) - (one->place < other->place);
}

static int compare_by_ip(const void *a, const void *b)
{
    const floe_choice_entry *one = a;
    const floe_choice_entry *other = b;
    int order = floe_address_order_ip(&one->address->address, &other->address->address);

    return order != 0 ? order : compare(a, b);
}

static const floe_tree_kind by_merit = {compare, FLOE_TREE_WHOLE(floe_choice_entry, node), 1};
static const floe_tree_kind by_ip = {compare_by_ip, FLOE_TREE_WHOLE(floe_choice_entry, node), 2};

static floe_choice_entry *entry_of(floe_tree_node *node)
{
    return node != NULL ? FLOE_CONTAINER(node, floe_choice_entry, node) : NULL;
}

/* One address on two interfaces is one address: the earliest of them that is usable. */
static bool outdone_by_twin(const floe_tree *usable_ones, const floe_choice_entry *entry)
{
    floe_choice_entry key = {.address = entry->address};
    const floe_choice_entry *other;

    /* Those of one address, whatever their scope, stand side by side. */
    while ((other = entry_of(floe_tree_from(&by_ip, usable_ones, &key))) != entry) {
        if (floe_address_same_ip(&other->address->address, &entry->address->address)) {
            return true;
        }
        key.order = other->order;
        key.place = other->place + 1;
    }
    return false;
}

/* P7: costly, while a better network works; one that has link-local addresses alone does not, a VPN
 * is only as good as what is under it, and what is of no known kind may be a bridge of this
 * machine's. */
static bool outdone_by_cheaper(const floe_core *core, const floe_interface_address *list,
                               size_t count, const floe_interface_address *entry)
{
    if (!core->shared->avoid_costly_networks || entry->adapter != FLOE_ADAPTER_CELLULAR) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bool better =
            list[i].adapter == FLOE_ADAPTER_WIRED || list[i].adapter == FLOE_ADAPTER_WIRELESS;
        if (better && !is_loopback(&list[i]) &&
            floe_address_classify(&list[i].address) != FLOE_ADDRESS_LINK_LOCAL &&
            usable(core, &list[i])) {
            return true;
        }
    }
    return false;
}

/* The kinds of adapter in their turn; at last loopback, with what they leave. */
static const uint8_t kinds[FLOE_CHOICE_KINDS - 1] = {FLOE_ADAPTER_WIRED, FLOE_ADAPTER_WIRELESS,
                                                     FLOE_ADAPTER_UNKNOWN, FLOE_ADAPTER_CELLULAR,
                                                     FLOE_ADAPTER_VPN};

static size_t kind_of(const floe_interface_address *entry)
{
    size_t kind = 0;
    floe_adapter adapter =
        entry->adapter <= FLOE_ADAPTER_VPN ? entry->adapter : FLOE_ADAPTER_UNKNOWN;

    while (kind < sizeof kinds && (is_loopback(entry) || adapter != kinds[kind])) {
        kind++;
    }
    return kind;
}

static void choose(floe_choice *choice, floe_tree *from, floe_choice_entry *entry)
{
    entry->chosen = true;
    floe_tree_remove(&by_merit, from, &entry->node);
    floe_tree_insert(&by_merit, &choice->chosen[entry->address->address.family == FLOE_FAMILY_IPV6],
                     &entry->node);
}

/* P7: each of these kinds in turn gives its best, until the cap is reached. How many are left of
 * it. */
static uint32_t choose_in_turn(floe_choice *choice, floe_tree *eligible, size_t count,
                               uint32_t left)
{
    bool any = true;

    while (any && left > 0) {
        any = false;
        for (size_t i = 0; i < count && left > 0; i++) {
            floe_choice_entry *best = entry_of(floe_tree_first(&eligible[i]));
            if (best != NULL) {
                choose(choice, &eligible[i], best);
                any = true;
                left--;
            }
        }
    }
    return left;
}

static void choose_of_family(floe_choice *choice, uint8_t family)
{
    floe_tree eligible[FLOE_CHOICE_KINDS];
    uint32_t left = choice->core->shared->addresses_max;

    for (size_t i = 0; i < FLOE_CHOICE_KINDS; i++) {
        floe_tree_init(&eligible[i]);
    }
    for (size_t i = 0; i < choice->count; i++) {
        floe_choice_entry *entry = &choice->entries[i];
        if (entry->eligible && entry->address->address.family == family) {
            floe_tree_insert(&by_merit, &eligible[kind_of(entry->address)], &entry->node);
        }
    }
    left = choose_in_turn(choice, eligible, FLOE_CHOICE_KINDS - 1, left);
    (void)choose_in_turn(choice, &eligible[FLOE_CHOICE_KINDS - 1], 1, left);
}

/* Of those that are there for want of others the best. */
static void keep_one_deprecated(floe_choice *choice, uint8_t family)
{
    floe_choice_entry *best = NULL;

    for (size_t i = 0; i < choice->count; i++) {
        floe_choice_entry *entry = &choice->entries[i];
        if (!entry->eligible || !entry->address->deprecated ||
            entry->address->address.family != family || goes_on(choice->core, entry->address)) {
            continue;
        }
        if (best != NULL) {
            (compare(entry, best) < 0 ? best : entry)->eligible = false;
        }
        best = entry->eligible ? entry : best;
    }
}

bool floe_choice_begin(floe_choice *choice, floe_core *core, const floe_interface_address *list,
                       size_t count)
{
    floe_tree usable_ones;
    bool preferred[2];

    *choice = (floe_choice){.core = core, .count = count, .last_family = FLOE_FAMILY_IPV4};
    if (count > 0 && count <= SIZE_MAX / sizeof *choice->entries) {
        choice->entries = floe_allocate(&core->shared->allocator, count * sizeof *choice->entries);
    }
    if (count > 0 && choice->entries == NULL) {
        floe_core_out_of_memory(core);
        return false;
    }
    find_preferred(core, list, count, preferred);
    floe_tree_init(&usable_ones);
    for (size_t i = 0; i < 2; i++) {
        floe_tree_init(&choice->chosen[i]);
    }
    for (size_t i = 0; i < count; i++) {
        floe_choice_entry *entry = &choice->entries[i];
        entry->address = &list[i];
        entry->place = i;
        entry->order = order_of(&list[i]);
        bool wanted = !list[i].deprecated || !preferred[list[i].address.family == FLOE_FAMILY_IPV6];
        entry->usable = wanted && floe_choice_permits(core, &list[i]);
        if (entry->usable) {
            floe_tree_insert(&by_ip, &usable_ones, &entry->node);
        }
    }
    for (size_t i = 0; i < count; i++) {
        floe_choice_entry *entry = &choice->entries[i];
        entry->eligible = goes_on(core, &list[i]) ||
                          (entry->usable && !outdone_by_temporary(core, list, count, &list[i]) &&
                           !outdone_by_twin(&usable_ones, entry) &&
                           !outdone_by_cheaper(core, list, count, &list[i]));
    }
    keep_one_deprecated(choice, FLOE_FAMILY_IPV4);
    keep_one_deprecated(choice, FLOE_FAMILY_IPV6);
    choose_of_family(choice, FLOE_FAMILY_IPV4);
    choose_of_family(choice, FLOE_FAMILY_IPV6);
    return true;
}

/* RFC 8421 §4: IPv6 first and the families in turn, within a kind of adapter. */
const floe_interface_address *floe_choice_next(floe_choice *choice)
{
    bool ipv6 = choice->last_family != FLOE_FAMILY_IPV6;
    floe_choice_entry *due = entry_of(floe_tree_first(&choice->chosen[ipv6]));
    floe_choice_entry *other = entry_of(floe_tree_first(&choice->chosen[!ipv6]));

    if (due == NULL || (other != NULL && other->order / 10 < due->order / 10)) {
        due = other;
        ipv6 = !ipv6;
    }
    if (due == NULL) {
        return NULL;
    }
    floe_tree_remove(&by_merit, &choice->chosen[ipv6], &due->node);
    choice->last_family = due->address->address.family;
    return due->address;
}

void floe_choice_end(floe_choice *choice, floe_time now)
{
    floe_core *core = choice->core;

    for (size_t i = 0; i < choice->count; i++) {
        if (choice->entries[i].eligible && !choice->entries[i].chosen) {
            floe_trace_left_out(core, now, &choice->entries[i].address->address,
                                "the cap on addresses leaves it out");
        }
    }
    floe_choice_drop(choice);
}

void floe_choice_drop(floe_choice *choice)
{
    floe_deallocate(&choice->core->shared->allocator, choice->entries);
}

/* Which addresses of this machine are gathered on (P2 to P4, P6, P7), and in which order (C4). */
#include "core/gatherer.h"

#include <string.h>

/* What becomes of an entry of the list. */
enum {
    MARK_NOT_USED,
    MARK_ELIGIBLE,
    MARK_CHOSEN,
    MARK_LEFT_OUT, /* by the cap */
    MARK_GIVEN,
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

bool floe_address_usable(const floe_core_shared *shared, const floe_address *address)
{
    switch (floe_address_classify(address)) {
    case FLOE_ADDRESS_LOOPBACK:
        return shared->loopback;
    case FLOE_ADDRESS_LINK_LOCAL:
        return address->family == FLOE_FAMILY_IPV4 || shared->link_local;
    case FLOE_ADDRESS_UNSPECIFIED:
    case FLOE_ADDRESS_MULTICAST:
    case FLOE_ADDRESS_BROADCAST:
    case FLOE_ADDRESS_SITE_LOCAL:
    case FLOE_ADDRESS_IPV4_COMPATIBLE:
    case FLOE_ADDRESS_IPV4_MAPPED:
        return false;
    default:
        return address->family != FLOE_FAMILY_NONE;
    }
}

/* Apart from whether the address is deprecated. */
static bool permitted(const floe_core *core, const floe_interface_address *candidate)
{
    const floe_core_shared *shared = core->shared;
    uint32_t type = candidate->address.family == FLOE_FAMILY_IPV4 ? FLOE_NETWORK_TYPE_UDP4
                                                                  : FLOE_NETWORK_TYPE_UDP6;

    return candidate->up && !candidate->tentative && (shared->network_types & type) != 0 &&
           handled(core, candidate) && floe_address_usable(shared, &candidate->address);
}

/* P2 to P4, P6. */
static bool usable(const floe_core *core, const floe_interface_address *candidate)
{
    return permitted(core, candidate) && !candidate->deprecated;
}

/* P4, RFC 4862 §5.5.4: nothing begins on a deprecated address, and what goes on there goes on. */
static bool goes_on(const floe_core *core, const floe_interface_address *candidate)
{
    return permitted(core, candidate) && candidate->deprecated &&
           floe_bases_stand_on(core, &candidate->address);
}

/* A stable IPv6 address beside a temporary one of the same prefix (RFC 8981 §3.1) on the same
 * interface stays out: it would tell who we are for longer than needed. */
static bool outdone_by_temporary(const floe_core *core, const floe_interface_address *list,
                                 size_t count, const floe_interface_address *stable)
{
    if (stable->temporary || stable->address.family != FLOE_FAMILY_IPV6) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].temporary && list[i].interface_index == stable->interface_index &&
            list[i].address.family == FLOE_FAMILY_IPV6 && usable(core, &list[i]) &&
            memcmp(list[i].address.ip, stable->address.ip, 8) == 0) {
            return true;
        }
    }
    return false;
}

/* What is on the loopback interface leads nowhere, unless others have a route to it. */
static bool is_loopback(const floe_interface_address *candidate)
{
    return candidate->loopback ||
           floe_address_classify(&candidate->address) == FLOE_ADDRESS_LOOPBACK;
}

/* How early an address comes: adapters first (C4), then what is not deprecated, then global before
 * local scope (RFC 6724). */
static unsigned order_of(const floe_interface_address *candidate)
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
    return 10 * adapter + scope + (candidate->deprecated ? 5 : 0);
}

static bool earlier(const floe_interface_address *a, const floe_interface_address *b)
{
    return order_of(a) < order_of(b) || (order_of(a) == order_of(b) && a < b);
}

/* One address on two interfaces is one address. */
static bool outdone_by_twin(const floe_core *core, const floe_interface_address *list, size_t count,
                            const floe_interface_address *entry)
{
    for (size_t i = 0; i < count; i++) {
        if (&list[i] != entry && floe_address_same_ip(&list[i].address, &entry->address) &&
            usable(core, &list[i]) && earlier(&list[i], entry)) {
            return true;
        }
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

/* `adapter`: a floe_adapter, loopback apart. */
enum { ANY_ADAPTER = -1, ON_LOOPBACK = -2 };

static bool is_of_kind(const floe_interface_address *entry, int adapter)
{
    if (adapter == ANY_ADAPTER) {
        return true;
    }
    return is_loopback(entry) ? adapter == ON_LOOPBACK : (int)entry->adapter == adapter;
}

static const floe_interface_address *best_marked(const floe_choice *choice, uint8_t mark,
                                                 uint8_t family, int adapter)
{
    const floe_interface_address *best = NULL;

    for (size_t i = 0; i < choice->count; i++) {
        const floe_interface_address *entry = &choice->list[i];
        if (choice->marks[i] == mark && entry->address.family == family &&
            is_of_kind(entry, adapter) && (best == NULL || earlier(entry, best))) {
            best = entry;
        }
    }
    return best;
}

/* Each of these kinds in turn gives its best, until the cap is reached. How many are left of it. */
static uint32_t choose_in_turn(floe_choice *choice, uint8_t family, const int *kinds, size_t count,
                               uint32_t left)
{
    bool any = true;

    while (any && left > 0) {
        any = false;
        for (size_t i = 0; i < count && left > 0; i++) {
            const floe_interface_address *best =
                best_marked(choice, MARK_ELIGIBLE, family, kinds[i]);
            if (best != NULL) {
                choice->marks[best - choice->list] = MARK_CHOSEN;
                any = true;
                left--;
            }
        }
    }
    return left;
}

/* P7: the kinds of adapter, and loopback with what they leave. */
static void choose_of_family(floe_choice *choice, uint8_t family)
{
    static const int kinds[] = {FLOE_ADAPTER_WIRED, FLOE_ADAPTER_WIRELESS, FLOE_ADAPTER_UNKNOWN,
                                FLOE_ADAPTER_CELLULAR, FLOE_ADAPTER_VPN};
    static const int last[] = {ON_LOOPBACK};
    uint32_t left = choice->core->shared->addresses_max;

    left = choose_in_turn(choice, family, kinds, sizeof kinds / sizeof *kinds, left);
    (void)choose_in_turn(choice, family, last, 1, left);
}

bool floe_choice_begin(floe_choice *choice, floe_core *core, const floe_interface_address *list,
                       size_t count)
{
    *choice =
        (floe_choice){.core = core, .list = list, .count = count, .last_family = FLOE_FAMILY_IPV4};
    choice->marks = floe_allocate(&core->shared->allocator, count > 0 ? count : 1);
    if (choice->marks == NULL) {
        floe_core_out_of_memory(core);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (goes_on(core, &list[i]) ||
            (usable(core, &list[i]) && !outdone_by_temporary(core, list, count, &list[i]) &&
             !outdone_by_twin(core, list, count, &list[i]) &&
             !outdone_by_cheaper(core, list, count, &list[i]))) {
            choice->marks[i] = MARK_ELIGIBLE;
        }
    }
    choose_of_family(choice, FLOE_FAMILY_IPV4);
    choose_of_family(choice, FLOE_FAMILY_IPV6);
    for (size_t i = 0; i < count; i++) {
        if (choice->marks[i] == MARK_ELIGIBLE) {
            choice->marks[i] = MARK_LEFT_OUT;
        }
    }
    return true;
}

/* RFC 8421 §4: IPv6 first and the families in turn, within a kind of adapter. */
const floe_interface_address *floe_choice_next(floe_choice *choice)
{
    bool ipv6 = choice->last_family != FLOE_FAMILY_IPV6;
    const floe_interface_address *due =
        best_marked(choice, MARK_CHOSEN, ipv6 ? FLOE_FAMILY_IPV6 : FLOE_FAMILY_IPV4, ANY_ADAPTER);
    const floe_interface_address *other =
        best_marked(choice, MARK_CHOSEN, ipv6 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6, ANY_ADAPTER);

    if (due == NULL || (other != NULL && order_of(other) / 10 < order_of(due) / 10)) {
        due = other;
    }
    if (due != NULL) {
        choice->marks[due - choice->list] = MARK_GIVEN;
        choice->last_family = due->address.family;
    }
    return due;
}

void floe_choice_end(floe_choice *choice, floe_time now)
{
    floe_core *core = choice->core;

    for (size_t i = 0; i < choice->count; i++) {
        if (choice->marks[i] == MARK_LEFT_OUT) {
            floe_trace_left_out(core, now, &choice->list[i].address,
                                "the cap on addresses leaves it out");
        }
    }
    floe_deallocate(&core->shared->allocator, choice->marks);
}

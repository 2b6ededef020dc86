/* Bases: which local addresses are gathered on (P3, P4), in which order (C4), and their sockets. */
#include "core/gatherer.h"

#include <string.h>

/* RFC 8445 §5.1.1.1 and gatherer.md P2, P3, P4. */
static bool usable(const floe_core *core, const floe_interface_address *candidate)
{
    uint32_t type = candidate->address.family == FLOE_FAMILY_IPV4 ? FLOE_NETWORK_TYPE_UDP4
                                                                  : FLOE_NETWORK_TYPE_UDP6;

    if (!candidate->up || candidate->deprecated || candidate->tentative ||
        (core->shared->network_types & type) == 0) {
        return false;
    }
    switch (floe_address_classify(&candidate->address)) {
    case FLOE_ADDRESS_LOOPBACK:
        return core->shared->loopback;
    case FLOE_ADDRESS_LINK_LOCAL:
        return candidate->address.family == FLOE_FAMILY_IPV4 || core->shared->link_local;
    case FLOE_ADDRESS_UNSPECIFIED:
    case FLOE_ADDRESS_MULTICAST:
    case FLOE_ADDRESS_BROADCAST:
    case FLOE_ADDRESS_SITE_LOCAL:
    case FLOE_ADDRESS_IPV4_COMPATIBLE:
    case FLOE_ADDRESS_IPV4_MAPPED:
        return false;
    default:
        return candidate->address.family != FLOE_FAMILY_NONE;
    }
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

/* How early an address comes: adapters first (C4), then global before local scope (RFC 6724). */
static unsigned order_of(const floe_interface_address *candidate)
{
    static const uint8_t adapters[] = {
        [FLOE_ADAPTER_WIRED] = 0,    [FLOE_ADAPTER_WIRELESS] = 1, [FLOE_ADAPTER_UNKNOWN] = 2,
        [FLOE_ADAPTER_CELLULAR] = 3, [FLOE_ADAPTER_VPN] = 4,
    };
    unsigned adapter =
        (size_t)candidate->adapter < sizeof adapters ? adapters[candidate->adapter] : adapters[0];
    unsigned scope = 0;

    switch (floe_address_classify(&candidate->address)) {
    case FLOE_ADDRESS_PRIVATE:
        /* The usual thing in IPv4; in IPv6 (RFC 4193) it stands behind global ones. */
        scope = candidate->address.family == FLOE_FAMILY_IPV6;
        break;
    case FLOE_ADDRESS_LINK_LOCAL:
        scope = 2;
        break;
    case FLOE_ADDRESS_LOOPBACK:
        return 1000;
    default:
        break;
    }
    return 10 * adapter + scope;
}

static floe_base *base_new(floe_core *core, const floe_address *local)
{
    floe_base *base = floe_allocate(&core->shared->allocator, sizeof *base);

    if (base == NULL) {
        floe_core_out_of_memory(core);
        return NULL;
    }
    base->local = floe_address_with_port(*local, 0);
    base->state = FLOE_BASE_OPENING;
    base->channel = ++core->last_channel;
    floe_list_init(&base->bindings);
    return base;
}

/* P5: a random start in the range, then round. */
static void choose_first_port(floe_core *core, floe_base *base)
{
    const floe_core_shared *shared = core->shared;
    uint32_t range = shared->port_max - shared->port_min + 1U;
    uint32_t offset = 0;

    if (shared->port_min == 0) {
        return;
    }
    (void)floe_random_below(&shared->random, range, &offset);
    base->local.port = (uint16_t)(shared->port_min + offset);
    base->ports_left = (uint16_t)(range - 1);
}

static void open_base(floe_core *core, floe_base *base)
{
    choose_first_port(core, base);
    floe_list_append(&core->bases, &base->link);
    floe_tell(core, &base->output, FLOE_OUTPUT_OPEN);
}

static bool already_based(const floe_core *core, const floe_address *address)
{
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (floe_address_same_ip(&base->local, address)) {
            return true;
        }
    }
    return false;
}

/* The best of the family that is not yet a base; NULL: none is left. */
static const floe_interface_address *
best_left(const floe_core *core, const floe_interface_address *list, size_t count, uint8_t family)
{
    const floe_interface_address *best = NULL;

    for (size_t i = 0; i < count; i++) {
        const floe_interface_address *candidate = &list[i];
        if (candidate->address.family == family && usable(core, candidate) &&
            !already_based(core, &candidate->address) &&
            !outdone_by_temporary(core, list, count, candidate) &&
            (best == NULL || order_of(candidate) < order_of(best))) {
            best = candidate;
        }
    }
    return best;
}

/* RFC 8421 §4: IPv6 first and the families in turn, within a kind of adapter. */
static const floe_interface_address *next_best(const floe_core *core,
                                               const floe_interface_address *list, size_t count,
                                               uint8_t last_family)
{
    uint8_t turn = last_family == FLOE_FAMILY_IPV6 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
    const floe_interface_address *due = best_left(core, list, count, turn);
    const floe_interface_address *other = best_left(
        core, list, count, turn == FLOE_FAMILY_IPV6 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6);

    if (due == NULL || (other != NULL && order_of(other) / 10 < order_of(due) / 10)) {
        return other;
    }
    return due;
}

void floe_bases_new(floe_core *core, const floe_interface_address *list, size_t count)
{
    const floe_interface_address *best;
    uint8_t last_family = FLOE_FAMILY_IPV4;
    uint16_t rank = 0;

    while ((best = next_best(core, list, count, last_family)) != NULL) {
        floe_base *base = base_new(core, &best->address);
        if (base == NULL) {
            return;
        }
        const char *name = best->interface_name != NULL ? best->interface_name : "";
        size_t size = strlen(name);
        memcpy(base->interface_name, name,
               size < sizeof base->interface_name ? size : sizeof base->interface_name - 1);
        base->interface_index = best->interface_index;
        base->rank = rank;
        rank = (uint16_t)(rank < UINT16_MAX ? rank + 1 : rank);
        last_family = best->address.family;
        open_base(core, base);
    }
}

floe_base *floe_base_spare(floe_core *core, const floe_base *original)
{
    floe_base *base = base_new(core, &original->local);

    if (base != NULL) {
        memcpy(base->interface_name, original->interface_name, sizeof base->interface_name);
        base->interface_index = original->interface_index;
        base->rank = original->rank;
        base->spare = true;
        open_base(core, base);
    }
    return base;
}

static void settle_relays(floe_core *core, floe_time now, const floe_base *base)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->base == base && relay->phase == FLOE_RELAY_LIVE) {
            floe_relay_base_settled(core, now, relay);
        }
    }
}

void floe_base_opened(floe_core *core, floe_time now, floe_base *base, const floe_address *local)
{
    static const floe_address none = {0};
    floe_found *found;

    base->state = FLOE_BASE_OPEN;
    base->local.port = local->port;
    if (base->spare) {
        settle_relays(core, now, base);
        return;
    }
    if (floe_found_add(core, FLOE_CANDIDATE_TYPE_HOST, base, NULL, &none, &base->local, &none,
                       &found) != FLOE_OK) {
        floe_core_out_of_memory(core);
    }
    floe_pairs_make(core, now, base);
}

void floe_base_open_failed(floe_core *core, floe_time now, floe_base *base, floe_error error)
{
    const floe_core_shared *shared = core->shared;

    if (error == FLOE_ERR_ADDRESS_IN_USE && base->ports_left > 0) {
        base->ports_left--;
        base->local.port = base->local.port == shared->port_max ? shared->port_min
                                                                : (uint16_t)(base->local.port + 1);
        floe_tell(core, &base->output, FLOE_OUTPUT_OPEN);
        return;
    }
    base->state = FLOE_BASE_FAILED;
    base->local.port = 0;
    if (base->spare) {
        settle_relays(core, now, base);
        return;
    }
    base->failure =
        (floe_failure){.kind = FLOE_FAILURE_OPEN, .detail = (uint8_t)-error, .remote = base->local};
    floe_tell(core, &base->error_output, FLOE_OUTPUT_BASE_ERROR);
}

void floe_base_free(floe_core *core, floe_base *base)
{
    FLOE_LIST_EACH_SAFE(binding, &base->bindings, floe_binding, link)
    {
        floe_binding_free(core, binding);
    }
    floe_untell(&base->output);
    floe_untell(&base->error_output);
    floe_list_remove(&base->link);
    floe_deallocate(&core->shared->allocator, base);
}

floe_base *floe_base_of_channel(floe_core *core, uint32_t channel)
{
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (base->channel == channel) {
            return base;
        }
    }
    return NULL;
}

bool floe_bases_have_family(const floe_core *core, uint8_t family)
{
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (base->local.family == family && base->state != FLOE_BASE_FAILED) {
            return true;
        }
    }
    return false;
}

/* Candidates: which are told, their priority and foundation, and their public form. */
#include "core/candidate/candidate.h"

#include "base/name.h"
#include "core/candidate/packet.h"
#include "core/config/allowed.h"
#include "core/config/rewrite.h"
#include "core/config/shared.h"
#include "core/outbox/counters.h"
#include "core/outbox/policy.h"
#include "core/server/server.h"

#include <stdio.h>
#include <string.h>

/* ── How they are found ── */

static int compare_addresses(const void *a, const void *b)
{
    const floe_found *one = a;
    const floe_found *other = b;
    int order = floe_address_order_ip(&one->address, &other->address);

    if (order == 0) {
        order = one->address.port - other->address.port;
    }
    return order != 0 ? order : (one->id > other->id) - (one->id < other->id);
}

static int compare_priorities(const void *a, const void *b)
{
    const floe_found *one = a;
    const floe_found *other = b;

    if (one->priority != other->priority) {
        return one->priority < other->priority ? -1 : 1;
    }
    return (one->id > other->id) - (one->id < other->id);
}

static const floe_tree_kind by_address = {compare_addresses,
                                          FLOE_TREE_WHOLE(floe_found, by_address), 6};
static const floe_tree_kind by_priority = {compare_priorities,
                                           FLOE_TREE_WHOLE(floe_found, by_priority), 7};

floe_found *floe_found_next_at(const floe_core *core, const floe_address *address, uint32_t last)
{
    floe_found key = {.address = *address, .id = last + 1};
    floe_tree_node *node;

    while ((node = floe_tree_from(&by_address, &core->addresses, &key)) != NULL) {
        floe_found *found = FLOE_CONTAINER(node, floe_found, by_address);
        if (floe_address_order_ip(&found->address, address) != 0 ||
            found->address.port != address->port) {
            break;
        }
        if (floe_address_equal(&found->address, address)) { /* else it is of another scope */
            return found;
        }
        key.id = found->id + 1;
    }
    return NULL;
}

/* ── Priority and foundation ── */

/* C5, RFC 6544 §4.2: whatever a candidate for TCP is, one of its type for UDP comes before it; so much lower the TCP
 * ones of others are (Pion), which is below reflexive ones for UDP. Relays have the lowest that there is, either way. */
#define BELOW_UDP 27U

static uint32_t type_preference_of_tcp(floe_candidate_type type, uint32_t of_udp)
{
    return type == FLOE_CANDIDATE_TYPE_RELAY ? of_udp : of_udp - BELOW_UDP;
}

/* RFC 8445 §5.1.2.2. */
static uint32_t type_preference(floe_candidate_type type)
{
    switch (type) {
    case FLOE_CANDIDATE_TYPE_HOST:
        return 126;
    case FLOE_CANDIDATE_TYPE_PRFLX:
        return 110;
    case FLOE_CANDIDATE_TYPE_SRFLX:
        return 100;
    case FLOE_CANDIDATE_TYPE_RELAY:
        break;
    }
    return 0;
}

static uint32_t priority_of(const floe_core *core, floe_candidate_type type, floe_tcp_type tcp_type,
                            uint32_t local_preference)
{
    uint32_t preference = type_preference(type);

    if (tcp_type != FLOE_TCP_TYPE_NONE) {
        preference = type_preference_of_tcp(type, preference);
    }
    return preference << 24 | local_preference << 8 | (256U - core->component);
}

/* That of the next lower local preference; of the lowest its own. */
static uint32_t preference_below(uint32_t priority)
{
    return (priority >> 8 & 0xffffU) > 0 ? priority - (1U << 8) : priority;
}

static bool priority_taken(const floe_core *core, uint32_t priority)
{
    floe_found key = {.priority = priority};
    floe_tree_node *node = floe_tree_from(&by_priority, &core->priorities, &key);

    return node != NULL && FLOE_CONTAINER(node, floe_found, by_priority)->priority == priority;
}

/* T11: UDP, DTLS, TCP, TLS. */
static uint32_t order_of_transport(uint8_t transport)
{
    switch (transport) {
    case FLOE_PROTOCOL_DTLS:
        return 1;
    case FLOE_PROTOCOL_TCP:
        return 2;
    case FLOE_PROTOCOL_TLS:
        return 3;
    default:
        return 0;
    }
}

/* C5, RFC 6544 §4.2: the direction leads, the other preference has 13 bits. Who is behind a NAT is reached best by who
 * opens at the same time; else it is best to connect oneself. */
static uint32_t tcp_preference(floe_candidate_type type, floe_tcp_type tcp_type, uint32_t other)
{
    static const uint8_t directions[2][4] = {
        {[FLOE_TCP_TYPE_ACTIVE] = 6, [FLOE_TCP_TYPE_PASSIVE] = 4, [FLOE_TCP_TYPE_SO] = 2},
        {[FLOE_TCP_TYPE_SO] = 6, [FLOE_TCP_TYPE_ACTIVE] = 4, [FLOE_TCP_TYPE_PASSIVE] = 2},
    };
    bool reflexive = type == FLOE_CANDIDATE_TYPE_SRFLX || type == FLOE_CANDIDATE_TYPE_PRFLX;

    return ((uint32_t)directions[reflexive][tcp_type] << 13) + (other >> 3);
}

/* Room for a base's candidates by all its servers; for little more than itself, where so many bases
 * come before it that there would be none left for those behind. */
static uint32_t base_preference(const floe_base *base, uint32_t place)
{
    enum { ROOMY = 128, LAST = ROOMY + 32768 / 8 - 1 };
    uint32_t rank = base->rank < LAST ? base->rank : LAST;

    return rank < ROOMY ? 65535U - rank * 256U - place : 32767U - (rank - ROOMY) * 8U - place / 32U;
}

static bool in_run(const floe_core *core, uint32_t priority)
{
    return priority <= core->run_first && priority > core->run_end;
}

/* The highest from `first` on that nobody has, which is taken now. Where bases have more candidates than room
 * for them, those of each push those of the next further down: the latest run is known, and passed at
 * once. */
static uint32_t take_priority(floe_core *core, uint32_t first)
{
    uint32_t priority = first;
    uint32_t below = preference_below(priority);

    while (priority != below && (in_run(core, priority) || priority_taken(core, priority))) {
        bool joins = in_run(core, priority);
        first = joins && core->run_first > first ? core->run_first : first;
        priority = joins ? core->run_end : below;
        below = preference_below(priority);
    }
    if (priority != first) {
        core->run_first = first;
        core->run_end = below;
    }
    return priority;
}

/* C4: the base's rank leads, then the transport to the server and its place; unique for a type and
 * component. */
static uint32_t choose_priority(floe_core *core, floe_candidate_type type, floe_tcp_type tcp_type,
                                const floe_base *base, const floe_server *server, uint8_t transport)
{
    uint32_t place = 0;

    if (server != NULL) {
        place = order_of_transport(transport) * 64 + (server->index < 63 ? server->index : 63U);
    }
    uint32_t local_preference = base_preference(base, place);

    if (tcp_type != FLOE_TCP_TYPE_NONE) {
        local_preference = tcp_preference(type, tcp_type, local_preference);
    }
    return take_priority(core, priority_of(core, type, tcp_type, local_preference));
}

static void keep_foundation(floe_found *found, const uint8_t *digest)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < FLOE_FOUNDATION_SIZE - 1; i++) {
        bits = bits << 6 | (digest[i] & 63U);
    }
    for (size_t i = 0; i < sizeof found->foundation; i++) {
        found->foundation[i] = (uint8_t)(bits >> (40 - 8 * i));
    }
}

static void foundation_text(const floe_found *found, char *text)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < sizeof found->foundation; i++) {
        bits = bits << 8 | found->foundation[i];
    }
    for (size_t i = 0; i < FLOE_FOUNDATION_SIZE - 1; i++) {
        text[i] = floe_ice_chars[bits >> (42 - 6 * i) & 63U];
    }
    text[FLOE_FOUNDATION_SIZE - 1] = '\0';
}

/* C6: a keyed digest of what RFC 8445 §5.1.1.3 lists, so that it is equal iff these are, now and
 * after a restart, and tells nothing of an address that policy hides. */
static floe_error choose_foundation(const floe_core *core, floe_found *found,
                                    const floe_address *server_address)
{
    /* RFC 8445 §5.1.1.2: a relayed candidate is its own base. */
    const floe_address *base =
        found->type == FLOE_CANDIDATE_TYPE_RELAY ? &found->address : &found->base->local;
    uint8_t protocol =
        found->tcp_type == FLOE_TCP_TYPE_NONE ? FLOE_PROTOCOL_UDP : FLOE_PROTOCOL_TCP;
    uint8_t tags[] = {(uint8_t)found->type, protocol, (uint8_t)found->transport, base->family,
                      server_address->family};
    uint8_t digest[FLOE_SHA256_SIZE];
    floe_span parts[] = {
        floe_span_of(core->foundation_secret, sizeof core->foundation_secret),
        floe_span_of(tags, sizeof tags),
        floe_span_of(base->ip, sizeof base->ip),
        floe_span_of(server_address->ip, sizeof server_address->ip),
    };
    floe_error error = floe_digest(FLOE_HASH_SHA256, parts, 4, digest);

    if (error == FLOE_OK) {
        keep_foundation(found, digest);
    }
    return error;
}

bool floe_mapped_address(const floe_core *core, const floe_base *base, const floe_address *told,
                         floe_address *mapped)
{
    floe_address plain = floe_address_normalise(*told);

    /* Without a NAT it is the base's own address, of whatever kind that is; a server cannot know
     * its scope. */
    if (floe_address_same_ip(&plain, &base->local)) {
        *mapped = floe_address_with_port(base->local, plain.port);
        return plain.port != 0;
    }
    *mapped = plain;
    /* NAT64 (RFC 6146) shows an IPv4 address of an IPv6 base; a private one is of some other
     * network that the server is in. */
    floe_address_kind kind = floe_address_classify(&plain);
    bool elsewhere = plain.family != base->local.family &&
                     (kind == FLOE_ADDRESS_PRIVATE || kind == FLOE_ADDRESS_SHARED);
    return floe_address_believable(core->shared, &plain) && !elsewhere;
}

static bool is_own_ip(const floe_core *core, const floe_address *address)
{
    floe_base *base = NULL;

    while ((base = floe_base_on(core, address, base)) != NULL) {
        if (floe_address_same_ip(&base->local, address)) {
            return true;
        }
    }
    return false;
}

/* R3 (RFC 8445 §5.1.3): equal in address and base to one that is there, which has at least its
 * priority, as hosts come before reflexive ones. A relayed candidate is its own base. A host whose
 * address is not shown makes nothing redundant (H2), nor does one that is not gathered (P8); and W9
 * wants a type and address once. */
static bool redundant(const floe_core *core, const floe_found *candidate)
{
    FLOE_FOUND_AT(other, core, &candidate->address)
    {
        if (other->withdrawn || other->stale || other->tcp_type != candidate->tcp_type) {
            continue;
        }
        if (other->type == candidate->type) {
            bool relay = candidate->type == FLOE_CANDIDATE_TYPE_RELAY;
            if (relay || other->base == candidate->base ||
                (candidate->server == NULL && other->server == NULL)) {
                return true;
            }
        } else if (other->base == candidate->base && candidate->type != FLOE_CANDIDATE_TYPE_RELAY &&
                   other->type != FLOE_CANDIDATE_TYPE_RELAY && !floe_hosts_are_veiled(core) &&
                   (core->types & FLOE_GATHER_TYPE_HOST) != 0) {
            return true;
        }
    }
    return false;
}

/* P1, P8. A reflexive candidate that shows a host address (there is no NAT) is hidden like the host.
 * RFC 8828 §5.2, mode 3: of the default route only what a server sees is shown. */
static bool hidden_by_policy(const floe_core *core, const floe_found *candidate)
{
    if (candidate->type == FLOE_CANDIDATE_TYPE_HOST) {
        return !floe_hosts_are_told(core);
    }
    return candidate->type == FLOE_CANDIDATE_TYPE_SRFLX &&
           (!floe_reflexive_is_wanted(core) ||
            (core->policy == FLOE_GATHER_POLICY_NOHOST && is_own_ip(core, &candidate->address)));
}

/* What the related address shows under the policy. */
static floe_address shown_related(const floe_core *core, const floe_found *candidate)
{
    const floe_listener *listener = candidate->base->listener;
    bool by_tcp = candidate->tcp_type != FLOE_TCP_TYPE_NONE && listener != NULL;
    floe_address related = candidate->type == FLOE_CANDIDATE_TYPE_RELAY
                               ? floe_found_related(candidate)
                           : by_tcp ? listener->local
                                    : candidate->base->local;
    bool veiled = core->policy == FLOE_GATHER_POLICY_NOHOST || floe_hosts_are_veiled(core);
    bool hide = core->policy == FLOE_GATHER_POLICY_RELAY || (veiled && is_own_ip(core, &related));

    if (candidate->type == FLOE_CANDIDATE_TYPE_HOST) {
        return (floe_address){0};
    }
    if (hide || related.family == FLOE_FAMILY_NONE) {
        return floe_address_any(candidate->address.family, 9);
    }
    return related;
}

/* Whether one name stands for both, or none. */
static bool same_name(const floe_found *a, const floe_found *b)
{
    const char *one = floe_found_name(a);
    const char *other = floe_found_name(b);

    return one == NULL || other == NULL ? one == other : floe_name_same(one, other);
}

/* The same one in the generation before a restart; NULL: there is none. */
static floe_found *stale_like(const floe_core *core, const floe_found *candidate)
{
    FLOE_FOUND_AT(other, core, &candidate->address)
    {
        if (other->stale && !other->withdrawn && other->type == candidate->type &&
            other->tcp_type == candidate->tcp_type && other->base == candidate->base &&
            floe_found_relay(other) == floe_found_relay(candidate) && same_name(other, candidate)) {
            return other;
        }
    }
    return NULL;
}

static void stand_on(floe_found *found, floe_base *base)
{
    floe_chain_append(&base->found, &found->of_base);
    found->base = base;
}

static void leave_base(floe_found *found)
{
    floe_chain_remove(&found->base->found, &found->of_base);
}

static void unlist(floe_core *core, floe_found *found)
{
    floe_untell(&found->output);
    floe_ring_remove(&core->found, &found->link);
    leave_base(found);
    floe_tree_remove(&by_address, &core->addresses, &found->by_address);
    floe_tree_remove(&by_priority, &core->priorities, &found->by_priority);
    if (in_run(core, found->priority)) {
        core->run_first = core->run_end = 0;
    }
    if (found->type == FLOE_CANDIDATE_TYPE_HOST) {
        floe_deallocate(&core->shared->allocator, found->of.name);
    }
}

/* `related` begins behind the last member, in what is left of the struct's size. */
#define RELAYED_SIZE (offsetof(floe_found, related) + sizeof(floe_shown_address))

static void show_related(floe_found *found, const floe_address *related)
{
    *found->related = (floe_shown_address){.port = related->port, .family = related->family};
    memcpy(found->related->ip, related->ip, sizeof found->related->ip);
}

/* Takes its place in the lists, with an id of its own, or with that of the generation before. */
static floe_found *list(floe_core *core, const floe_found *candidate)
{
    const floe_allocator *allocator = &core->shared->allocator;
    floe_found *made = stale_like(core, candidate);
    bool known = made != NULL;
    uint32_t id = known ? made->id : core->last_id + 1;

    if (known) {
        unlist(core, made);
    } else {
        bool relayed = candidate->type == FLOE_CANDIDATE_TYPE_RELAY;
        made = floe_allocate(allocator, relayed ? RELAYED_SIZE : sizeof *made);
        if (made == NULL) {
            return NULL;
        }
        core->last_id++;
    }
    *made = *candidate;
    made->id = id;
    made->known = known;
    floe_ring_append(&core->found, &made->link);
    stand_on(made, made->base);
    floe_tree_insert(&by_address, &core->addresses, &made->by_address);
    return made;
}

/* What it stands for, or by. */
static void stand_for(floe_found *found, char *name, const floe_finding *finding)
{
    found->by_trunk = finding->trunks_id != 0;
    if (found->by_trunk) {
        found->of.trunks_id = finding->trunks_id;
        return;
    }
    switch (finding->type) {
    case FLOE_CANDIDATE_TYPE_HOST:
        found->of.name = name;
        break;
    case FLOE_CANDIDATE_TYPE_RELAY:
        found->of.relay = finding->relay;
        break;
    case FLOE_CANDIDATE_TYPE_SRFLX:
    case FLOE_CANDIDATE_TYPE_PRFLX:
        if (finding->tcp_type == FLOE_TCP_TYPE_NONE) {
            found->of.binding = finding->binding;
        } else {
            found->of.mapping = finding->mapping;
        }
        break;
    }
}

static bool add_one(floe_core *core, floe_time now, const floe_finding *finding,
                    const floe_address *address)
{
    static const floe_address nowhere = {0};
    const floe_allocator *allocator = &core->shared->allocator;
    const char *name =
        finding->type == FLOE_CANDIDATE_TYPE_HOST ? floe_base_name_of(finding->base) : NULL;
    floe_found found = {.base = finding->base,
                        .server = finding->server,
                        .address = *address,
                        .type = finding->type & 7U,
                        .tcp_type = finding->tcp_type & 3U,
                        .transport = finding->transport & 7U,
                        .found_at = floe_since_start(core, now)};

    if (redundant(core, &found)) {
        return false;
    }
    char *copy = name != NULL ? floe_copy_text(allocator, name, strlen(name)) : NULL;
    stand_for(&found, copy, finding);
    bool good = (name == NULL || copy != NULL) &&
                choose_foundation(core, &found,
                                  finding->remote != NULL ? finding->remote : &nowhere) == FLOE_OK;
    floe_found *made = good ? list(core, &found) : NULL;
    if (made == NULL) {
        floe_deallocate(allocator, copy);
        floe_core_out_of_memory(core);
        return false;
    }
    made->priority = choose_priority(core, finding->type, finding->tcp_type, finding->base,
                                     finding->server, found.transport);
    floe_tree_insert(&by_priority, &core->priorities, &made->by_priority);
    if (finding->type == FLOE_CANDIDATE_TYPE_RELAY) {
        show_related(made, finding->mapped != NULL ? finding->mapped : &nowhere);
    }
    made->hidden = hidden_by_policy(core, made);
    if (!made->hidden) {
        floe_tell(core, &made->output, FLOE_OUTPUT_CANDIDATE);
    }
    return true;
}

/* What a rule says instead of the address, or beside it; the port stays. */
static bool add_externals(floe_core *core, floe_time now, const floe_finding *finding,
                          const floe_rewrite *rule, const floe_address *address)
{
    floe_address external;
    size_t at = 0;
    bool any = false;

    while (floe_rewrite_next(core->shared, rule, address, &at, &external)) {
        external.port = address->port;
        any = add_one(core, now, finding, &external) || any;
    }
    return any;
}

bool floe_found_add(floe_core *core, floe_time now, const floe_finding *finding)
{
    floe_base *base = finding->base;
    bool named = finding->type == FLOE_CANDIDATE_TYPE_HOST && base->named != NULL;
    const floe_rewrite *rule = NULL;
    bool any = false;

    if (!core->interfaces_known) {
        return false; /* between a restart and the next gathering nothing is told (L5) */
    }
    if (floe_core_is_trunk(core)) { /* its members' rules are theirs */
        return add_one(core, now, finding, finding->address);
    }
    if (finding->type != FLOE_CANDIDATE_TYPE_SRFLX && !named) { /* W6, W8 */
        rule =
            floe_rewrite_for(core->shared, finding->type, finding->tcp_type != FLOE_TCP_TYPE_NONE,
                             &base->local, floe_base_interface_name(base));
    }
    if (!floe_rewrite_replaces(rule, finding->address)) {
        any = add_one(core, now, finding, finding->address);
    }
    return add_externals(core, now, finding, rule, finding->address) || any;
}

static void add_rewritten(floe_core *core, floe_time now, floe_base *base, floe_tcp_type tcp_type,
                          const floe_address *local)
{
    floe_finding finding = {.type = FLOE_CANDIDATE_TYPE_SRFLX, .tcp_type = tcp_type, .base = base};
    const floe_rewrite *rule =
        floe_rewrite_for(core->shared, FLOE_CANDIDATE_TYPE_SRFLX, tcp_type != FLOE_TCP_TYPE_NONE,
                         &base->local, floe_base_interface_name(base));

    (void)add_externals(core, now, &finding, rule, local);
}

void floe_found_add_rewritten(floe_core *core, floe_time now, floe_base *base)
{
    const floe_listener *listener = base->listener;

    if (core->shared->ice_lite || !core->interfaces_known) {
        return;
    }
    if (floe_base_has_socket(base)) {
        add_rewritten(core, now, base, FLOE_TCP_TYPE_NONE, &base->local);
    }
    if (listener != NULL && listener->state == FLOE_BASE_OPEN) {
        add_rewritten(core, now, base, FLOE_TCP_TYPE_PASSIVE, &listener->local);
    }
}

void floe_found_withdraw(floe_core *core, floe_found *found, floe_withdrawal why)
{
    if (found->withdrawn) {
        return;
    }
    if (found->hidden || !found->known) {
        floe_found_free(core, found); /* there is nothing to take back */
        return;
    }
    floe_untell(&found->output);
    found->withdrawn = (unsigned)why & 7U;
    if (found->by_trunk) {
        found->of.trunks_id = 0;
    } else if (found->type == FLOE_CANDIDATE_TYPE_RELAY) {
        found->of.relay = NULL;
    } else if (found->type == FLOE_CANDIDATE_TYPE_SRFLX && found->tcp_type != FLOE_TCP_TYPE_NONE) {
        found->of.mapping = NULL;
    } else if (found->type != FLOE_CANDIDATE_TYPE_HOST) {
        found->of.binding = NULL;
    }
    floe_tell(core, &found->output, FLOE_OUTPUT_WITHDRAWN);
}

void floe_found_withdraw_relay(floe_core *core, const floe_base *base, const floe_relay *relay,
                               floe_withdrawal why)
{
    FLOE_FOUND_ON(found, base)
    {
        if (floe_found_relay(found) == relay) {
            floe_found_withdraw(core, found, why);
        }
    }
}

void floe_found_move(const floe_relay *relay, const floe_base *from, floe_base *to)
{
    FLOE_FOUND_ON(found, from)
    {
        if (floe_found_relay(found) == relay) {
            leave_base(found);
            stand_on(found, to);
            found->related[0] = (floe_shown_address){0}; /* it was the old one's, and may show it */
        }
    }
}

void floe_found_hand_over(floe_core *core, const floe_base *base, const floe_binding *from,
                          floe_binding *to, const floe_server *server)
{
    FLOE_FOUND_ON(found, base)
    {
        if (floe_found_binding(found) != from) {
            continue;
        }
        if (to == NULL) {
            floe_found_withdraw(core, found, FLOE_WITHDRAWAL_MAPPING_CHANGED);
        } else {
            found->of.binding = to;
            found->server = server;
        }
    }
}

void floe_found_withdraw_hosts(floe_core *core, const floe_base *base)
{
    FLOE_FOUND_ON(found, base)
    {
        if (found->type == FLOE_CANDIDATE_TYPE_HOST) {
            floe_found_withdraw(core, found,
                                FLOE_WITHDRAWAL_RELEASED); /* for one by another name */
        }
    }
}

void floe_found_writable(floe_core *core, uint32_t id)
{
    FLOE_RING_EACH(found, &core->found, floe_found, link)
    {
        if (found->id == id) {
            found->writable = true;
            floe_tell(core, &core->writable_output, FLOE_OUTPUT_WRITABLE);
        }
    }
}

uint32_t floe_found_poll_writable(floe_core *core)
{
    uint32_t id = 0;

    FLOE_RING_EACH(found, &core->found, floe_found, link)
    {
        if (found->writable && id != 0) { /* that in its turn */
            floe_tell(core, &core->writable_output, FLOE_OUTPUT_WRITABLE);
            break;
        }
        id = found->writable ? found->id : id;
        found->writable = false;
    }
    return id;
}

bool floe_found_counts(const floe_found *found)
{
    return !found->hidden || found->known;
}

static const floe_found *mapped_to(const floe_core *core, const floe_base *base,
                                   const floe_address *mapped)
{
    FLOE_FOUND_AT(found, core, mapped)
    {
        if (floe_found_binding(found) != NULL && found->base == base && floe_found_counts(found)) {
            return found;
        }
    }
    return NULL;
}

bool floe_found_keeps(const floe_core *core, const floe_base *base, const floe_address *mapped)
{
    return mapped_to(core, base, mapped) != NULL;
}

bool floe_found_shows(const floe_core *core, const floe_base *base, const floe_address *mapped)
{
    const floe_found *found = mapped_to(core, base, mapped);

    return found != NULL && !found->hidden;
}

bool floe_found_of_relay(const floe_base *base, const floe_relay *relay)
{
    FLOE_FOUND_ON(found, base)
    {
        if (floe_found_relay(found) == relay && !found->stale) {
            return true;
        }
    }
    return false;
}

bool floe_found_what_it_shows(const floe_core *core, const floe_server *server)
{
    FLOE_RING_EACH(found, &core->found, floe_found, link)
    {
        const floe_server *by = found->server;
        bool reflexive = !server->url->turn && found->type == FLOE_CANDIDATE_TYPE_SRFLX;
        if (by != NULL && !found->stale && !found->withdrawn &&
            (by == server || (reflexive && strcmp(by->url->host, server->url->host) == 0))) {
            return true;
        }
    }
    return false;
}

void floe_found_apply_policy(floe_core *core)
{
    FLOE_RING_EACH(found, &core->found, floe_found, link)
    {
        bool hidden = hidden_by_policy(core, found);
        if (found->withdrawn || found->hidden == hidden) {
            continue;
        }
        found->hidden = hidden;
        if (hidden) {
            floe_untell(&found->output);
        } else if (!found->told && !found->stale) { /* that is told once it is found again */
            floe_tell(core, &found->output, FLOE_OUTPUT_CANDIDATE);
        }
    }
}

void floe_found_outlive(floe_core *core)
{
    FLOE_RING_EACH_SAFE(found, &core->found, floe_found, link)
    {
        floe_untell(&found->output);
        if (!found->known) {
            floe_found_free(core, found);
        } else { /* one that was about to be withdrawn is so at the end of what comes */
            found->stale = true;
            found->told = false;
            found->withdrawn = FLOE_WITHDRAWAL_NONE;
        }
    }
}

/* A relay of which nothing has been told yet is told when its server has said that it stands. */
void floe_found_sweep(floe_core *core)
{
    FLOE_RING_EACH_SAFE(found, &core->found, floe_found, link)
    {
        const floe_relay *relay = floe_found_relay(found);
        if (found->stale && (relay == NULL || floe_found_of_relay(found->base, relay))) {
            floe_found_withdraw(core, found, FLOE_WITHDRAWAL_NOT_FOUND);
        }
    }
}

void floe_found_free(floe_core *core, floe_found *found)
{
    unlist(core, found);
    floe_base_forget(core, found->base);
    floe_deallocate(&core->shared->allocator, found);
}

uint8_t floe_found_family(const floe_found *found)
{
    return found->type == FLOE_CANDIDATE_TYPE_RELAY ? found->address.family
                                                    : found->base->local.family;
}

/* One that is withdrawn has what it was told with: those that shared its socket may be gone. */
static uint32_t base_id_of(const floe_found *found)
{
    if (found->withdrawn) {
        return found->base_id;
    }
    if (found->type == FLOE_CANDIDATE_TYPE_RELAY) {
        return found->id;
    }
    return floe_packet_id(found->base, NULL, (floe_tcp_type)found->tcp_type, 0);
}

void floe_found_view(const floe_core *core, const floe_found *found, floe_candidate *candidate,
                     char *address, char *related, char *foundation)
{
    const char *name = floe_found_name(found);
    floe_address shown = shown_related(core, found);
    bool has_related = shown.family != FLOE_FAMILY_NONE;
    bool relay = found->type == FLOE_CANDIDATE_TYPE_RELAY;

    (void)floe_address_format(&found->address, address, FLOE_ADDRESS_TEXT_SIZE);
    (void)floe_address_format(&shown, related, FLOE_ADDRESS_TEXT_SIZE);
    foundation_text(found, foundation);
    *candidate = (floe_candidate){
        .foundation = foundation,
        .component = core->component,
        .protocol = found->tcp_type == FLOE_TCP_TYPE_NONE ? FLOE_PROTOCOL_UDP : FLOE_PROTOCOL_TCP,
        .tcp_type = (floe_tcp_type)found->tcp_type,
        .priority = found->priority,
        .address = name != NULL ? name : address,
        .port = found->address.port,
        .type = (floe_candidate_type)found->type,
        .related_address = has_related ? related : NULL,
        .related_port = shown.port,
        .url = found->server != NULL ? found->server->url->text : NULL,
        .relay_protocol = relay ? (floe_protocol)found->transport : FLOE_PROTOCOL_NONE,
        .username_fragment = floe_username_fragment(
            found->stale && core->former != NULL ? core->former : &core->credentials),
        .interface_name = floe_base_interface_name(found->base),
        .network_id = found->base->interface_index,
        .sdp_mid = core->set->sdp_mid,
        .sdp_mline_index = core->set->sdp_mline_index,
        .id = found->id,
        .base_id = base_id_of(found),
        .family = (floe_family)floe_found_family(found),
        .withdrawal = (floe_withdrawal)found->withdrawn,
    };
}

/* What a pool holds nobody has asked for; what a tightened policy forbids is not handed out again
 * (L12). */
bool floe_found_listed(const floe_core *core, const floe_found *found)
{
    return !found->hidden && !found->withdrawn && !found->stale && !core->pooled &&
           !hidden_by_policy(core, found);
}

const char *floe_keep_text(const char *text, char **room)
{
    char *copy = *room;
    size_t size = strlen(text) + 1;

    memcpy(copy, text, size);
    *room += size;
    return copy;
}

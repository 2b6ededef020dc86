/* Candidates: which are told, their priority and foundation, and their public form. */
#include "base/crypto.h"
#include "base/error.h"
#include "core/gatherer.h"

#include <stdio.h>
#include <string.h>

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

#define COMPONENT 1U

static uint32_t priority_of(floe_candidate_type type, uint32_t local_preference)
{
    return type_preference(type) << 24 | local_preference << 8 | (256U - COMPONENT);
}

static bool priority_taken(const floe_core *core, uint32_t priority)
{
    FLOE_LIST_EACH(found, &core->found, floe_found, link)
    {
        if (found->priority == priority) {
            return true;
        }
    }
    return false;
}

/* C4: the base's rank leads, then the server's place; unique for a type and component. */
static uint32_t choose_priority(const floe_core *core, floe_candidate_type type,
                                const floe_base *base, const floe_server *server)
{
    uint32_t rank = base->rank < 255 ? base->rank : 255;
    uint32_t place = server == NULL ? 0 : server->index < 255 ? server->index : 255U;
    uint32_t local_preference = 65535U - (rank << 8) - place;

    while (local_preference > 0 && priority_taken(core, priority_of(type, local_preference))) {
        local_preference--;
    }
    return priority_of(type, local_preference);
}

/* C6: a keyed digest of what RFC 8445 §5.1.1.3 lists, so that it is equal iff these are, now and
 * after a restart, and tells nothing of an address that policy hides. */
static floe_error choose_foundation(const floe_core *core, floe_found *found,
                                    const floe_address *server_address)
{
    /* RFC 8445 §5.1.1.2: a relayed candidate is its own base. */
    const floe_address *base =
        found->type == FLOE_CANDIDATE_TYPE_RELAY ? &found->address : &found->base->local;
    uint8_t transport =
        found->server != NULL ? (uint8_t)found->server->url->transport : FLOE_PROTOCOL_NONE;
    uint8_t tags[] = {found->type, FLOE_PROTOCOL_UDP, transport, base->family,
                      server_address->family};
    uint8_t digest[FLOE_SHA256_SIZE];
    floe_span parts[] = {
        floe_span_of(core->foundation_secret, sizeof core->foundation_secret),
        floe_span_of(tags, sizeof tags),
        floe_span_of(base->ip, sizeof base->ip),
        floe_span_of(server_address->ip, sizeof server_address->ip),
    };
    floe_error error = floe_digest(FLOE_HASH_SHA256, parts, 4, digest);

    for (size_t i = 0; error == FLOE_OK && i < sizeof found->foundation - 1; i++) {
        found->foundation[i] = floe_ice_chars[digest[i] & 63U];
    }
    return error;
}

bool floe_address_believable(const floe_core *core, const floe_address *address)
{
    floe_address plain = floe_address_normalise(*address);

    switch (floe_address_classify(&plain)) {
    case FLOE_ADDRESS_UNSPECIFIED:
    case FLOE_ADDRESS_MULTICAST:
    case FLOE_ADDRESS_BROADCAST:
    case FLOE_ADDRESS_IPV4_COMPATIBLE:
        return false;
    case FLOE_ADDRESS_LOOPBACK:
    case FLOE_ADDRESS_LINK_LOCAL:
        return core->shared->loopback;
    default:
        return plain.port != 0;
    }
}

bool floe_mapped_address(const floe_core *core, const floe_base *base, const floe_address *told,
                         floe_address *mapped)
{
    floe_address plain = floe_address_normalise(*told);

    if (plain.family == base->local.family) {
        /* Without a NAT it is the base's own address, of whatever kind that is; a server cannot
         * know its scope. */
        floe_address unscoped = base->local;
        unscoped.scope_id = 0;
        if (floe_address_same_ip(&plain, &unscoped)) {
            *mapped = floe_address_with_port(base->local, plain.port);
            return plain.port != 0;
        }
    }
    *mapped = plain;
    return floe_address_believable(core, &plain);
}

static bool is_own_ip(const floe_core *core, const floe_address *address)
{
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (floe_address_same_ip(&base->local, address)) {
            return true;
        }
    }
    return false;
}

/* R3 (RFC 8445 §5.1.3): equal in address and base to one that is there, which has at least its
 * priority, as hosts come before reflexive ones. A relayed candidate is its own base. */
static bool redundant(const floe_core *core, const floe_found *candidate)
{
    FLOE_LIST_EACH(other, &core->found, floe_found, link)
    {
        bool same_base = candidate->type == FLOE_CANDIDATE_TYPE_RELAY
                             ? other->type == FLOE_CANDIDATE_TYPE_RELAY
                             : other->base == candidate->base;
        if (!other->withdrawn && same_base &&
            floe_address_equal(&other->address, &candidate->address)) {
            return true;
        }
    }
    return false;
}

/* P1. A reflexive candidate that shows a host address (there is no NAT) is hidden like the host. */
static bool hidden_by_policy(const floe_core *core, const floe_found *candidate)
{
    switch (core->policy) {
    case FLOE_GATHER_POLICY_RELAY:
        return candidate->type != FLOE_CANDIDATE_TYPE_RELAY;
    case FLOE_GATHER_POLICY_NOHOST:
        return candidate->type == FLOE_CANDIDATE_TYPE_HOST ||
               (candidate->type == FLOE_CANDIDATE_TYPE_SRFLX &&
                is_own_ip(core, &candidate->address));
    case FLOE_GATHER_POLICY_ALL:
        break;
    }
    return false;
}

/* What the related address shows under the policy. */
static floe_address shown_related(const floe_core *core, const floe_found *candidate,
                                  const floe_address *related)
{
    bool hide = core->policy == FLOE_GATHER_POLICY_RELAY ||
                (core->policy == FLOE_GATHER_POLICY_NOHOST && is_own_ip(core, related));

    if (candidate->type == FLOE_CANDIDATE_TYPE_HOST) {
        return (floe_address){0};
    }
    if (hide || related->family == FLOE_FAMILY_NONE) {
        return floe_address_any(candidate->address.family, 9);
    }
    return *related;
}

floe_error floe_found_add(floe_core *core, floe_candidate_type type, const floe_base *base,
                          const floe_server *server, const floe_address *remote,
                          const floe_address *address, const floe_address *related,
                          floe_found **found)
{
    floe_found *made = floe_allocate(&core->shared->allocator, sizeof *made);

    *found = NULL;
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    *made =
        (floe_found){.base = base, .server = server, .address = *address, .type = (uint8_t)type};
    if (redundant(core, made)) {
        floe_deallocate(&core->shared->allocator, made);
        return FLOE_OK;
    }
    floe_error error = choose_foundation(core, made, remote);
    if (error != FLOE_OK) {
        floe_deallocate(&core->shared->allocator, made);
        return error;
    }
    made->related = shown_related(core, made, related);
    made->priority = choose_priority(core, type, base, server);
    made->hidden = hidden_by_policy(core, made);
    floe_list_append(&core->found, &made->link);
    if (!made->hidden) {
        floe_tell(core, &made->output, FLOE_OUTPUT_CANDIDATE);
    }
    *found = made;
    return FLOE_OK;
}

void floe_found_withdraw(floe_core *core, floe_found *found)
{
    if (found == NULL || found->withdrawn) {
        return;
    }
    bool waits = floe_list_linked(&found->output.link);
    if (found->hidden || waits) {
        floe_found_free(core, found); /* never told, so there is nothing to take back */
        return;
    }
    found->withdrawn = true;
    floe_tell(core, &found->output, FLOE_OUTPUT_WITHDRAWN);
}

void floe_found_free(floe_core *core, floe_found *found)
{
    floe_untell(&found->output);
    floe_list_remove(&found->link);
    floe_deallocate(&core->shared->allocator, found);
}

void floe_found_view(const floe_core *core, const floe_found *found, floe_candidate *candidate,
                     char *address, char *related)
{
    bool has_related = found->related.family != FLOE_FAMILY_NONE;
    bool relay = found->type == FLOE_CANDIDATE_TYPE_RELAY;

    (void)floe_address_format(&found->address, address, FLOE_ADDRESS_TEXT_SIZE);
    (void)floe_address_format(&found->related, related, FLOE_ADDRESS_TEXT_SIZE);
    *candidate = (floe_candidate){
        .foundation = found->foundation,
        .component = COMPONENT,
        .protocol = FLOE_PROTOCOL_UDP,
        .priority = found->priority,
        .address = address,
        .port = found->address.port,
        .type = (floe_candidate_type)found->type,
        .related_address = has_related ? related : NULL,
        .related_port = found->related.port,
        .url = found->server != NULL ? found->server->text : NULL,
        .relay_protocol = relay ? found->server->url->transport : FLOE_PROTOCOL_NONE,
        .username_fragment = core->username_fragment,
        .interface_name = found->base->interface_name,
        .network_id = found->base->interface_index,
    };
}

/* The list that is handed out: one block, with the allocator that frees it in front. */
typedef struct list_block {
    floe_allocator allocator;
    floe_candidate_list list;
} list_block;

typedef struct list_entry {
    floe_candidate candidate;
    char address[FLOE_ADDRESS_TEXT_SIZE];
    char related[FLOE_ADDRESS_TEXT_SIZE];
    char foundation[9];
    char username_fragment[9];
    char interface_name[32];
} list_entry;

static bool listed(const floe_found *found)
{
    return !found->hidden && !found->withdrawn;
}

static void fill_entry(const floe_core *core, const floe_found *found, list_entry *entry,
                       char **texts)
{
    floe_candidate *candidate = &entry->candidate;

    floe_found_view(core, found, candidate, entry->address, entry->related);
    memcpy(entry->foundation, found->foundation, sizeof entry->foundation);
    memcpy(entry->username_fragment, core->username_fragment, sizeof entry->username_fragment);
    memcpy(entry->interface_name, found->base->interface_name, sizeof entry->interface_name);
    candidate->foundation = entry->foundation;
    candidate->username_fragment = entry->username_fragment;
    candidate->interface_name = entry->interface_name;
    if (candidate->url != NULL) {
        size_t size = strlen(candidate->url) + 1;
        memcpy(*texts, candidate->url, size);
        candidate->url = *texts;
        *texts += size;
    }
}

floe_error floe_core_get_local_candidates(const floe_core *core, floe_candidate_list **list)
{
    size_t count = 0;
    size_t text_size = 0;
    size_t i = 0;

    if (core == NULL || list == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_get_local_candidates: NULL");
    }
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is closed");
    }
    FLOE_LIST_EACH(found, &core->found, floe_found, link)
    {
        if (listed(found)) {
            count++;
            text_size += found->server != NULL ? strlen(found->server->text) + 1 : 0;
        }
    }
    size_t pointers = count * sizeof(floe_candidate *);
    list_block *block =
        floe_allocate(&core->shared->allocator,
                      sizeof *block + pointers + count * sizeof(list_entry) + text_size);
    if (block == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    const floe_candidate **table = (const floe_candidate **)(void *)(block + 1);
    list_entry *entries = (list_entry *)(void *)(table + count);
    char *texts = (char *)(entries + count);
    FLOE_LIST_EACH(found, &core->found, floe_found, link)
    {
        if (listed(found)) {
            fill_entry(core, found, &entries[i], &texts);
            table[i] = &entries[i].candidate;
            i++;
        }
    }
    block->allocator = core->shared->allocator;
    block->list = (floe_candidate_list){.count = count, .candidates = table};
    *list = &block->list;
    return FLOE_OK;
}

void floe_candidate_list_free(floe_candidate_list *list)
{
    if (list != NULL) {
        list_block *block = FLOE_CONTAINER(list, list_block, list);
        floe_allocator allocator = block->allocator;
        floe_deallocate(&allocator, block);
    }
}

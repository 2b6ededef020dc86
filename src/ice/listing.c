/* What is told of pairs: how each stands, and its two candidates, which are put together for it alone. */
#include "base/address.h"
#include "base/candidate_block.h"
#include "base/error.h"
#include "base/name.h"
#include "ice/ice.h"

#include <stdio.h>
#include <string.h>

typedef struct told_texts {
    char foundation[FLOE_FOUNDATION_SIZE];
    char address[FLOE_ADDRESS_TEXT_SIZE];
    char related[FLOE_ADDRESS_TEXT_SIZE];
} told_texts;

typedef struct told_remote {
    floe_candidate candidate;
    told_texts texts;
    char name[FLOE_NAME_SIZE];
} told_remote;

typedef struct told_pair {
    floe_ice_pair pair;
    floe_candidate local;
    told_texts local_texts;
    told_remote remote;
} told_pair;

typedef struct list_block {
    floe_allocator allocator;
    floe_ice_pair_list list;
    floe_candidate_list *locals; /* of the core's, that the pairs point to; NULL: none */
    const floe_ice_pair *pairs[];
} list_block;

/* ── Candidates ── */

static void put_address(floe_candidate *candidate, told_texts *texts, const floe_address *address)
{
    (void)floe_address_format(address, texts->address, sizeof texts->address);
    candidate->address = texts->address;
    candidate->port = address->port;
    candidate->family = (floe_family)address->family;
}

/* One that is not told, or that nobody may know: RFC 8839 §5.1. */
static void put_related(floe_candidate *candidate, told_texts *texts, const floe_address *related,
                        floe_family family)
{
    floe_address hidden = floe_address_any((uint8_t)family, 9);

    if (candidate->type == FLOE_CANDIDATE_TYPE_HOST) {
        return;
    }
    related = related->family != FLOE_FAMILY_NONE ? related : &hidden;
    (void)floe_address_format(related, texts->related, sizeof texts->related);
    candidate->related_address = texts->related;
    candidate->related_port = related->port;
}

/* In ice-char: what is the agent's own has others too, so that it is nobody else's. */
static void put_foundation(floe_candidate *candidate, told_texts *texts, const char *foundation)
{
    size_t at = 0;

    for (const char *from = foundation; *from != '\0'; from++) {
        texts->foundation[at] = *from;
        at += *from != '-';
    }
    texts->foundation[at] = '\0';
    candidate->foundation = texts->foundation;
}

static floe_protocol protocol_of(uint8_t tcp_type)
{
    return tcp_type == FLOE_TCP_TYPE_NONE ? FLOE_PROTOCOL_UDP : FLOE_PROTOCOL_TCP;
}

/* As the core tells it; NULL: it is not the core's any more. */
static const floe_candidate *of_core(const floe_candidate_list *locals, uint32_t id)
{
    for (size_t i = 0; locals != NULL && i < locals->count; i++) {
        if (locals->candidates[i]->id == id) {
            return locals->candidates[i];
        }
    }
    return NULL;
}

/* RFC 8445 §7.2.5.3.1. */
static void make_reflexive(const floe_candidate_pair *pair, told_pair *told)
{
    const floe_local_candidate *first = pair->base->first;
    char foundation[FLOE_FOUNDATION_SIZE];

    (void)snprintf(foundation, sizeof foundation, "prflx%u", pair->base->id);
    put_foundation(&told->local, &told->local_texts, foundation);
    put_address(&told->local, &told->local_texts, &pair->mapped);
    told->local.type = FLOE_CANDIDATE_TYPE_PRFLX;
    told->local.priority = pair->mapped_priority;
    floe_address base =
        first->type == FLOE_CANDIDATE_TYPE_HOST ? first->address : (floe_address){0};
    put_related(&told->local, &told->local_texts, &base, told->local.family);
}

static const floe_local_candidate *shown_by(const floe_candidate_pair *pair)
{
    FLOE_LIST_EACH(candidate, &pair->base->candidates, floe_local_candidate, link)
    {
        if (pair->mapped_type != 0 && candidate->priority == pair->mapped_priority &&
            candidate->type == pair->mapped_type) {
            return candidate;
        }
    }
    return pair->base->first;
}

static void tell_local(const floe_candidate_pair *pair, const floe_candidate_list *locals,
                       told_pair *told)
{
    const floe_local_candidate *one = shown_by(pair);
    const floe_candidate *known = of_core(locals, one->id);

    told->pair.local = &told->local;
    told->local = (floe_candidate){
        .component = pair->base->component,
        .protocol = protocol_of(pair->base->tcp_type),
        .tcp_type = (floe_tcp_type)pair->base->tcp_type,
        .network_id = pair->base->network_id,
        .base_id = pair->base->id,
    };
    if (pair->mapped_type == FLOE_CANDIDATE_TYPE_PRFLX) {
        make_reflexive(pair, told);
    } else if (known != NULL) {
        told->pair.local = known;
    } else {
        static const floe_address hidden = {0};
        floe_address named = floe_address_any(pair->base->family, 9);
        put_foundation(&told->local, &told->local_texts, one->foundation);
        put_address(&told->local, &told->local_texts,
                    one->address.family != FLOE_FAMILY_NONE ? &one->address : &named);
        told->local.type = one->type;
        told->local.priority = one->priority;
        told->local.id = one->id;
        put_related(&told->local, &told->local_texts, &hidden, (floe_family)pair->base->family);
    }
}

static void tell_remote(const floe_remote_candidate *remote, const floe_remote_name *name,
                        told_remote *told)
{
    floe_candidate *candidate = &told->candidate;

    *candidate = (floe_candidate){
        .component = remote->component,
        .protocol = protocol_of(remote->tcp_type),
        .tcp_type = (floe_tcp_type)remote->tcp_type,
        .priority = remote->priority,
        .type = (floe_candidate_type)remote->type,
    };
    put_foundation(candidate, &told->texts, remote->foundation);
    put_address(candidate, &told->texts, &remote->address);
    put_related(candidate, &told->texts, &remote->related, candidate->family);
    if (name != NULL) {
        floe_put_text(told->name, sizeof told->name, name->text);
        candidate->address = told->name;
        candidate->family = FLOE_FAMILY_NONE;
    }
}

/* ── Pairs ── */

static void tell(const floe_ice *ice, const floe_candidate_pair *pair,
                 const floe_candidate_list *locals, told_pair *told)
{
    told->pair = (floe_ice_pair){
        .local_id = pair->base->id,
        .local_type = floe_ice_pair_local_type(pair),
        .remote_type = (floe_candidate_type)pair->remote->type,
        .remote_address = pair->remote->address,
        .priority = pair->valid ? pair->value : pair->priority,
        .state = pair->state,
        .valid = pair->valid,
        .nominated = pair->nominated,
        .selected = pair == floe_ice_told_as_chosen(ice),
        .failure = pair->failure,
        .error_code = pair->error_code,
        .packets_sent = pair->counts.packets_sent,
        .packets_received = pair->counts.packets_received,
        .bytes_sent = pair->counts.bytes_sent,
        .bytes_received = pair->counts.bytes_received,
        .packets_discarded_on_send = pair->counts.packets_discarded,
        .bytes_discarded_on_send = pair->counts.bytes_discarded,
        .last_packet_sent = pair->counts.last_sent,
        .last_packet_received = pair->counts.last_received,
        .requests_sent = pair->counts.requests_sent,
        .requests_received = pair->counts.requests_received,
        .responses_sent = pair->counts.responses_sent,
        .responses_received = pair->counts.responses_received,
        .consent_requests_sent = pair->counts.consent_requests,
        .current_round_trip = pair->timed ? pair->round_trip : (floe_duration){0},
        .total_round_trip = pair->counts.total_round_trip,
    };
    tell_local(pair, locals, told);
    tell_remote(pair->remote, pair->remote->name, &told->remote);
    told->pair.remote = &told->remote.candidate;
}

/* Room for so many; the first is at *told. NULL: no memory. */
static list_block *new_block(const floe_ice *ice, size_t count, told_pair **told)
{
    size_t pointers = count * sizeof(floe_ice_pair *);
    list_block *block =
        floe_allocate(&ice->allocator, sizeof *block + pointers + count * sizeof(told_pair));

    if (block == NULL) {
        return NULL;
    }
    block->allocator = ice->allocator;
    block->list.pairs = block->pairs;
    *told = (told_pair *)(void *)((char *)(block + 1) + pointers);
    /* A core that is closed has none: then they are told as far as the agent knows them. */
    if (floe_core_get_local_candidates(ice->core, &block->locals) == FLOE_ERR_NO_MEMORY) {
        floe_ice_pair_list_free(&block->list);
        return NULL;
    }
    return block;
}

static void put(const floe_ice *ice, list_block *block, const floe_candidate_pair *pair,
                told_pair *told)
{
    tell(ice, pair, block->locals, told);
    block->pairs[block->list.count++] = &told->pair;
}

floe_error floe_ice_get_pairs(const floe_ice *ice, floe_ice_pair_list **list)
{
    told_pair *told;

    if (ice == NULL || list == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_get_pairs: NULL");
    }
    list_block *block = new_block(ice, ice->pair_count + (ice->former != NULL), &told);
    if (block == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        put(ice, block, pair, told++);
    }
    if (ice->former != NULL) {
        put(ice, block, ice->former, told);
    }
    *list = &block->list;
    return FLOE_OK;
}

floe_error floe_ice_get_selected_pair(const floe_ice *ice, floe_ice_pair_list **list)
{
    told_pair *told;

    if (ice == NULL || list == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_get_selected_pair: NULL");
    }
    if (floe_ice_told_as_chosen(ice) == NULL) {
        return floe_fail(FLOE_ERR_NOT_CONNECTED, "no pair of candidates is chosen");
    }
    list_block *block = new_block(ice, 1, &told);
    if (block == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    put(ice, block, floe_ice_told_as_chosen(ice), told);
    *list = &block->list;
    return FLOE_OK;
}

void floe_ice_pair_list_free(floe_ice_pair_list *list)
{
    if (list != NULL) {
        list_block *block = FLOE_CONTAINER(list, list_block, list);
        floe_allocator allocator = block->allocator;
        floe_candidate_list_free(block->locals);
        floe_deallocate(&allocator, block);
    }
}

const floe_ice_pair *floe_ice_pair_tell(floe_ice *ice, const floe_candidate_pair *pair)
{
    told_pair *told;

    list_block *block = new_block(ice, 1, &told);
    if (block == NULL) {
        return NULL;
    }
    put(ice, block, pair, told);
    ice->told = &block->list;
    return block->pairs[0];
}

/* ── Changes (I22) ── */

static uint32_t standing(const floe_ice *ice, const floe_candidate_pair *pair)
{
    return (uint32_t)pair->state | (uint32_t)pair->valid << 3 | (uint32_t)pair->nominated << 4 |
           (uint32_t)(pair == floe_ice_told_as_chosen(ice)) << 5 | (uint32_t)pair->failure << 8 |
           (uint32_t)pair->error_code << 16;
}

static const floe_ice_pair *tell_news(floe_ice *ice, floe_candidate_pair *pair)
{
    uint32_t now = standing(ice, pair);
    const floe_ice_pair *told = pair->told != now ? floe_ice_pair_tell(ice, pair) : NULL;

    if (told != NULL) {
        pair->told = now;
    }
    return told;
}

const floe_ice_pair *floe_ice_pair_news(floe_ice *ice)
{
    const floe_ice_pair *told = ice->former != NULL ? tell_news(ice, ice->former) : NULL;

    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        if (told == NULL) {
            told = tell_news(ice, pair);
        }
    }
    return told;
}

/* ── The peer's candidates ── */

static bool is_signalled(const floe_remote_candidate *remote)
{
    return remote->signalled && remote->name == NULL;
}

floe_error floe_ice_get_remote_candidates(const floe_ice *ice, floe_candidate_list **list)
{
    size_t count = 0;

    if (ice == NULL || list == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_get_remote_candidates: NULL");
    }
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        count += is_signalled(remote);
    }
    FLOE_LIST_EACH(name, &ice->names, floe_remote_name, link)
    {
        count++;
    }
    size_t pointers = count * sizeof(floe_candidate *);
    floe_candidate_block *block =
        floe_allocate(&ice->allocator, sizeof *block + pointers + count * sizeof(told_remote));
    if (block == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    const floe_candidate **table = (const floe_candidate **)(void *)(block + 1);
    told_remote *told = (told_remote *)(void *)((char *)(block + 1) + pointers);
    block->allocator = ice->allocator;
    block->list.candidates = table;
    FLOE_LIST_EACH(remote, &ice->remotes, floe_remote_candidate, link)
    {
        if (is_signalled(remote)) {
            tell_remote(remote, NULL, told);
            table[block->list.count++] = &told++->candidate;
        }
    }
    FLOE_LIST_EACH(name, &ice->names, floe_remote_name, link)
    {
        tell_remote(&name->as, name, told);
        table[block->list.count++] = &told++->candidate;
    }
    *list = &block->list;
    return FLOE_OK;
}

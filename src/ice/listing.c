/* What is told of pairs. */
#include "base/error.h"
#include "ice/ice.h"

void floe_ice_pair_tell(const floe_ice *ice, const floe_candidate_pair *pair, floe_ice_pair *told)
{
    *told = (floe_ice_pair){
        .local_id = pair->base->id,
        .local_type = floe_ice_pair_local_type(pair),
        .remote_type = pair->remote->type,
        .remote_address = pair->remote->address,
        .priority = pair->valid ? pair->value : pair->priority,
        .state = pair->state,
        .valid = pair->valid,
        .nominated = pair->nominated,
        .selected = pair == (ice->selected != NULL ? ice->selected : ice->former),
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
        .current_round_trip = pair->round_trip,
        .total_round_trip = pair->counts.total_round_trip,
    };
}

typedef struct list_block {
    floe_allocator allocator;
    floe_ice_pair_list list;
    const floe_ice_pair *pairs[];
} list_block;

floe_error floe_ice_get_pairs(const floe_ice *ice, floe_ice_pair_list **list)
{
    if (ice == NULL || list == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_ice_get_pairs: NULL");
    }
    size_t count = ice->pair_count + (ice->former != NULL);
    size_t pointers = count * sizeof(floe_ice_pair *);
    list_block *block =
        floe_allocate(&ice->allocator, sizeof *block + pointers + count * sizeof(floe_ice_pair));
    if (block == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    floe_ice_pair *told = (floe_ice_pair *)(void *)((char *)(block + 1) + pointers);
    block->allocator = ice->allocator;
    block->list.pairs = block->pairs;
    FLOE_LIST_EACH(pair, &ice->pairs, floe_candidate_pair, link)
    {
        floe_ice_pair_tell(ice, pair, told);
        block->pairs[block->list.count++] = told++;
    }
    if (ice->former != NULL) {
        floe_ice_pair_tell(ice, ice->former, told);
        block->pairs[block->list.count++] = told;
    }
    *list = &block->list;
    return FLOE_OK;
}

void floe_ice_pair_list_free(floe_ice_pair_list *list)
{
    if (list != NULL) {
        list_block *block = FLOE_CONTAINER(list, list_block, list);
        floe_allocator allocator = block->allocator;
        floe_deallocate(&allocator, block);
    }
}

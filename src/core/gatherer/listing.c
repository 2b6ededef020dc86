/* The list of candidates that is handed out (L3). */
#include "base/candidate_block.h"
#include "base/error.h"
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/server/server.h"

#include <stdio.h>
#include <string.h>

typedef struct list_entry {
    floe_candidate candidate;
    char address[FLOE_ADDRESS_TEXT_SIZE];
    char related[FLOE_ADDRESS_TEXT_SIZE];
    char foundation[FLOE_FOUNDATION_SIZE];
    char interface_name[FLOE_INTERFACE_NAME_MAX + 1];
} list_entry;

static size_t texts_of(const floe_core *core, const floe_found *found)
{
    size_t mid = core->set->sdp_mid != NULL ? strlen(core->set->sdp_mid) + 1 : 0;
    size_t url = found->server != NULL ? strlen(found->server->url->text) + 1 : 0;
    size_t name = floe_found_name(found) != NULL ? strlen(floe_found_name(found)) + 1 : 0;

    return url + name + mid;
}

static void fill_entry(const floe_core *core, const floe_found *found,
                       const char *username_fragment, list_entry *entry, char **texts)
{
    floe_candidate *candidate = &entry->candidate;

    floe_found_view(core, found, candidate, entry->address, entry->related, entry->foundation);
    (void)snprintf(entry->interface_name, sizeof entry->interface_name, "%s",
                   candidate->interface_name);
    candidate->username_fragment = username_fragment;
    candidate->interface_name = entry->interface_name;
    if (candidate->url != NULL) {
        candidate->url = floe_keep_text(candidate->url, texts);
    }
    if (candidate->sdp_mid != NULL) {
        candidate->sdp_mid = floe_keep_text(candidate->sdp_mid, texts);
    }
    if (candidate->address != entry->address) {
        candidate->address = floe_keep_text(candidate->address, texts);
    }
}

floe_error floe_core_get_local_candidates(const floe_core *core, floe_candidate_list **list)
{
    size_t count = 0;
    size_t text_size;
    size_t i = 0;

    if (core == NULL || list == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_get_local_candidates: NULL");
    }
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is closed");
    }
    text_size = strlen(floe_username_fragment(&core->credentials)) + 1;
    FLOE_RING_EACH(found, &core->found, floe_found, link)
    {
        if (floe_found_listed(core, found)) {
            count++;
            text_size += texts_of(core, found);
        }
    }
    size_t pointers = count * sizeof(floe_candidate *);
    floe_candidate_block *block =
        floe_allocate(&core->shared->allocator,
                      sizeof *block + pointers + count * sizeof(list_entry) + text_size);
    if (block == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    const floe_candidate **table = (const floe_candidate **)(void *)(block + 1);
    list_entry *entries = (list_entry *)(void *)(table + count);
    char *texts = (char *)(entries + count);
    /* All that are listed are of this generation. */
    const char *fragment = floe_keep_text(floe_username_fragment(&core->credentials), &texts);
    FLOE_RING_EACH(found, &core->found, floe_found, link)
    {
        if (floe_found_listed(core, found)) {
            fill_entry(core, found, fragment, &entries[i], &texts);
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
        floe_candidate_block *block = FLOE_CONTAINER(list, floe_candidate_block, list);
        floe_allocator allocator = block->allocator;
        floe_deallocate(&allocator, block);
    }
}

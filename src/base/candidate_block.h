/* A list of candidates that is handed out: one block, with the allocator that frees it in front (floe_candidate_list_free). */
#ifndef FLOE_BASE_CANDIDATE_BLOCK_H
#define FLOE_BASE_CANDIDATE_BLOCK_H

#include <floe/allocator.h>
#include <floe/candidate.h>

typedef struct floe_candidate_block {
    floe_allocator allocator;
    floe_candidate_list list;
} floe_candidate_block;

#endif

/* Remote candidates of component 2 that have come before the transport of that component was made: they are for it. */
#ifndef FLOE_RUNTIME_HELD_H
#define FLOE_RUNTIME_HELD_H

#include "base/ring.h"

#include <floe/allocator.h>
#include <floe/candidate.h>

typedef struct floe_held {
    floe_ring candidates; /* floe_held_candidate.link */
} floe_held;

typedef struct floe_held_candidate {
    floe_list link;
    char text[];
} floe_held_candidate;

/* Whether one of the candidates is at its place. */
bool floe_is_among(const floe_candidate *one, const floe_candidate *const *candidates,
                   size_t count);
/* One that is there already changes nothing. */
floe_error floe_held_add(floe_held *held, const floe_allocator *allocator,
                         const floe_candidate *candidate, uint32_t most);
floe_error floe_held_remove(floe_held *held, const floe_allocator *allocator,
                            const floe_candidate *candidate);
/* Those that are not among these go. */
void floe_held_retain(floe_held *held, const floe_allocator *allocator,
                      const floe_candidate *const *candidates, size_t count);
/* The other side has restarted: those that do not name this username fragment are of before. */
void floe_held_restart(floe_held *held, const floe_allocator *allocator,
                       const char *username_fragment);
/* All go. */
void floe_held_free(floe_held *held, const floe_allocator *allocator);

#endif

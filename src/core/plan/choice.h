/* Which addresses of this machine are gathered on. */
#ifndef FLOE_CORE_PLAN_CHOICE_H
#define FLOE_CORE_PLAN_CHOICE_H

#include "base/tree.h"
#include "core/types.h"

#include <floe/core.h>

/* Of adapters, and loopback. */
#define FLOE_CHOICE_KINDS ((size_t)6)

typedef struct floe_choice_entry floe_choice_entry;

/* The addresses of a list that are gathered on, one after another, best first. */
typedef struct floe_choice {
    floe_core *core;
    floe_choice_entry *entries; /* one for each of the list */
    size_t count;
    floe_tree chosen[2]; /* of IPv4, of IPv6 */
    uint8_t last_family;
} floe_choice;

/* Whether it could be gathered on at all, be it deprecated. */
bool floe_choice_permits(const floe_core *core, const floe_interface_address *candidate);
/* False without memory. */
bool floe_choice_begin(floe_choice *choice, floe_core *core, const floe_interface_address *list,
                       size_t count);
/* NULL: no more. */
const floe_interface_address *floe_choice_next(floe_choice *choice);
/* Tells the trace of those that the cap leaves out (P7). */
void floe_choice_end(floe_choice *choice, floe_time now);
/* Without a word: it was a look. */
void floe_choice_drop(floe_choice *choice);

#endif

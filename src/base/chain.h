/* A list as base/ring.h has them, by one pointer an element, for what has many: what is taken off costs a step for each
 * in front of it. The last is followed by the first, and the list is known by its last. All zeros is an empty one. */
#ifndef FLOE_BASE_CHAIN_H
#define FLOE_BASE_CHAIN_H

#include "base/list.h"

typedef struct floe_chained {
    struct floe_chained *next; /* of the last: the first */
} floe_chained;

typedef struct floe_chain {
    floe_chained *last; /* NULL: it is empty */
} floe_chain;

static inline bool floe_chain_empty(const floe_chain *chain)
{
    return chain->last == NULL;
}

/* The link is on no chain. */
static inline void floe_chain_append(floe_chain *chain, floe_chained *link)
{
    if (chain->last == NULL) {
        link->next = link;
    } else {
        link->next = chain->last->next;
        chain->last->next = link;
    }
    chain->last = link;
}

/* The link is on this one. */
static inline void floe_chain_remove(floe_chain *chain, floe_chained *link)
{
    floe_chained *before = chain->last;

    while (before->next != link) {
        before = before->next;
    }
    before->next = link->next;
    if (chain->last == link) {
        chain->last = before != link ? before : NULL;
    }
}

/* NULL: there is none, as for the next. */
#define FLOE_CHAIN_FIRST(chain, type, member)                                                      \
    ((chain)->last != NULL ? FLOE_CONTAINER((chain)->last->next, type, member) : NULL)
#define FLOE_CHAIN_NEXT(chain, element, type, member)                                              \
    (&(element)->member != (chain)->last ? FLOE_CONTAINER((element)->member.next, type, member)    \
                                         : NULL)

/* Walks the chain; the element at hand must not leave it meanwhile. */
#define FLOE_CHAIN_EACH(element, chain, type, member)                                              \
    for (type *element = FLOE_CHAIN_FIRST(chain, type, member); element != NULL;                   \
         element = FLOE_CHAIN_NEXT(chain, element, type, member))

/* Walks the chain; the element at hand may leave it, but no other. */
#define FLOE_CHAIN_EACH_SAFE(element, chain, type, member)                                         \
    for (type *element = FLOE_CHAIN_FIRST(chain, type, member), *element##_next = NULL;            \
         element != NULL &&                                                                        \
         (element##_next = FLOE_CHAIN_NEXT(chain, element, type, member), true);                   \
         element = element##_next)

#endif

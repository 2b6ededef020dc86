/* A list as base/list.h has them, by one pointer: to the first, before which the last stands. It takes half the room of
 * a list, as most things have several and most of these are empty; in return what is taken off has to say off which.
 * All zeros is an empty one. */
#ifndef FLOE_BASE_RING_H
#define FLOE_BASE_RING_H

#include "base/list.h"

typedef struct floe_ring {
    floe_list *first; /* NULL: it is empty */
} floe_ring;

static inline bool floe_ring_empty(const floe_ring *ring)
{
    return ring->first == NULL;
}

/* Whether the link is on a ring. A link of all zeros is on none. */
static inline bool floe_ring_linked(const floe_list *link)
{
    return link->next != NULL;
}

/* NULL: there is none, as for the next two. */
static inline floe_list *floe_ring_last(const floe_ring *ring)
{
    return ring->first != NULL ? ring->first->previous : NULL;
}

static inline floe_list *floe_ring_next(const floe_ring *ring, const floe_list *link)
{
    return link->next != ring->first ? link->next : NULL;
}

static inline floe_list *floe_ring_previous(const floe_ring *ring, const floe_list *link)
{
    return link != ring->first ? link->previous : NULL;
}

/* Puts it in front of the other; NULL: at the end. */
static inline void floe_ring_insert(floe_ring *ring, floe_list *before, floe_list *link)
{
    if (ring->first == NULL) {
        floe_list_init(link);
    } else {
        floe_list_append(before != NULL ? before : ring->first, link);
    }
    if (before == ring->first) {
        ring->first = link;
    }
}

static inline void floe_ring_append(floe_ring *ring, floe_list *link)
{
    floe_ring_insert(ring, NULL, link);
}

/* Takes the link off the ring; one that is on none stays so. */
static inline void floe_ring_remove(floe_ring *ring, floe_list *link)
{
    if (!floe_ring_linked(link)) {
        return;
    }
    if (ring->first == link) {
        ring->first = floe_ring_next(ring, link);
    }
    link->previous->next = link->next;
    link->next->previous = link->previous;
    *link = (floe_list){0};
}

/* Takes the first link off, NULL when the ring is empty. */
static inline floe_list *floe_ring_take(floe_ring *ring)
{
    floe_list *link = ring->first;

    if (link != NULL) {
        floe_ring_remove(ring, link);
    }
    return link;
}

/* NULL: there is none, as for the next. */
#define FLOE_RING_FIRST(ring, type, member)                                                        \
    ((ring)->first != NULL ? FLOE_CONTAINER((ring)->first, type, member) : NULL)
#define FLOE_RING_NEXT(ring, element, type, member)                                                \
    ((element)->member.next != (ring)->first                                                       \
         ? FLOE_CONTAINER((element)->member.next, type, member)                                    \
         : NULL)

/* Walks the ring; the element at hand must not leave it meanwhile. */
#define FLOE_RING_EACH(element, ring, type, member)                                                \
    for (type *element = FLOE_RING_FIRST(ring, type, member); element != NULL;                     \
         element = FLOE_RING_NEXT(ring, element, type, member))

/* Walks the ring; the element at hand may leave it, but no other. */
#define FLOE_RING_EACH_SAFE(element, ring, type, member)                                           \
    for (type *element = FLOE_RING_FIRST(ring, type, member), *element##_next = NULL;              \
         element != NULL && (element##_next = FLOE_RING_NEXT(ring, element, type, member), true);  \
         element = element##_next)

#endif

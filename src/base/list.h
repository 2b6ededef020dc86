/* A doubly linked list whose links stand inside the things listed: to put something on a list never
 * allocates, so it never fails. */
#ifndef FLOE_BASE_LIST_H
#define FLOE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct floe_list {
    struct floe_list *previous;
    struct floe_list *next;
} floe_list;

/* The struct of type `type` whose member `member` the link is. */
#define FLOE_CONTAINER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Walks the list; the element at hand must not leave the list meanwhile. */
#define FLOE_LIST_EACH(element, list, type, member)                                                \
    for (type *element = FLOE_CONTAINER((list)->next, type, member); &element->member != (list);   \
         element = FLOE_CONTAINER(element->member.next, type, member))

/* Walks the list; the element at hand may leave it, but no other. */
#define FLOE_LIST_EACH_SAFE(element, list, type, member)                                           \
    for (type *element = FLOE_CONTAINER((list)->next, type, member),                               \
              *element##_next = FLOE_CONTAINER(element->member.next, type, member);                \
         &element->member != (list); element = element##_next,                                     \
              element##_next = FLOE_CONTAINER(element->member.next, type, member))

/* Makes an empty list, or a link that is on no list. */
static inline void floe_list_init(floe_list *list)
{
    list->previous = list->next = list;
}

/* An empty one, in the place of one that is not there. */
static inline const floe_list *floe_list_none(void)
{
    static const floe_list none = {.previous = (floe_list *)&none, .next = (floe_list *)&none};

    return &none;
}

static inline bool floe_list_empty(const floe_list *list)
{
    return list->next == list;
}

/* Whether the link is on a list. A link of all zeros is on none. */
static inline bool floe_list_linked(const floe_list *link)
{
    return link->next != NULL && link->next != link;
}

static inline void floe_list_append(floe_list *list, floe_list *link)
{
    link->previous = list->previous;
    link->next = list;
    list->previous->next = link;
    list->previous = link;
}

/* Takes the link off its list; one that is on none stays so. */
static inline void floe_list_remove(floe_list *link)
{
    if (floe_list_linked(link)) {
        link->previous->next = link->next;
        link->next->previous = link->previous;
    }
    floe_list_init(link);
}

/* Takes the first link off, NULL when the list is empty. */
static inline floe_list *floe_list_take(floe_list *list)
{
    floe_list *link = list->next;

    if (link == list) {
        return NULL;
    }
    floe_list_remove(link);
    return link;
}

#endif

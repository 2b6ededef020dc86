/* Packets that wait to be sent, in one piece of memory that grows as it is needed. */
#ifndef FLOE_BASE_QUEUE_H
#define FLOE_BASE_QUEUE_H

#include "base/bytes.h"

#include <floe/address.h>
#include <floe/allocator.h>
#include <floe/error.h>

/* Packets of one size to one address, one directly behind another. */
typedef struct floe_queue_run {
    size_t size; /* of each */
    size_t count;
    floe_address remote;
} floe_queue_run;

/* What is known of the piece, in front of it. */
typedef struct floe_queue_ring {
    size_t room;
    size_t head;   /* where what is taken next stands */
    size_t filled; /* so many bytes from there on are taken up */
    size_t used;   /* what the packets count for */
    size_t last; /* the run that a packet like it extends: where it begins, or that it is `first` */
    floe_queue_run first; /* what is left of the run from which packets are taken */
    uint8_t bytes[];      /* behind a size_t, as its runs want it */
} floe_queue_ring;

/* One pointer, as each socket and each peer has a queue, and most stay empty. */
typedef struct floe_queue {
    floe_queue_ring *ring; /* NULL: nothing has waited yet */
} floe_queue;

/* Appends the parts as one packet. FLOE_ERR_QUEUE_FULL: more than `limit` bytes would wait, each packet counted with a
 * header; FLOE_ERR_NO_MEMORY. Packets of one size to one address stand in one piece, as far as the ring has it. */
floe_error floe_queue_push(const floe_allocator *allocator, floe_queue *queue, size_t limit,
                           const floe_address *remote, const floe_span *parts, size_t count);
/* Takes the first; it stands where it is until the next push. False: there is none. */
bool floe_queue_take(floe_queue *queue, floe_address *remote, floe_span *packet);
/* The same for the first of one size and address that stand one directly behind another: how many, at most `count`, and
 * no more than `bytes` of them. */
size_t floe_queue_take_row(floe_queue *queue, size_t count, size_t bytes, floe_address *remote,
                           floe_span *packets);
/* So many bytes wait, each packet counted with a header. */
static inline size_t floe_queue_used(const floe_queue *queue)
{
    return queue->ring != NULL ? queue->ring->used : 0;
}
static inline bool floe_queue_empty(const floe_queue *queue)
{
    return floe_queue_used(queue) == 0;
}
void floe_queue_release(const floe_allocator *allocator, floe_queue *queue);

#endif

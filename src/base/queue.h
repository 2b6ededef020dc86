/* Packets that wait to be sent, in one piece of memory that grows as it is needed. */
#ifndef FLOE_BASE_QUEUE_H
#define FLOE_BASE_QUEUE_H

#include "base/bytes.h"

#include <floe/address.h>
#include <floe/allocator.h>
#include <floe/error.h>

/* What is known of the piece, in front of it. */
typedef struct floe_queue_ring {
    size_t room;
    size_t head;
    size_t used;
    uint8_t bytes[]; /* behind a size_t, as its entries want it */
} floe_queue_ring;

/* One pointer, as each socket and each peer has a queue, and most stay empty. */
typedef struct floe_queue {
    floe_queue_ring *ring; /* NULL: nothing has waited yet */
} floe_queue;

/* Appends the parts as one packet. FLOE_ERR_QUEUE_FULL: it would hold more than `limit` bytes;
 * FLOE_ERR_NO_MEMORY. */
floe_error floe_queue_push(const floe_allocator *allocator, floe_queue *queue, size_t limit,
                           const floe_address *remote, const floe_span *parts, size_t count);
/* Takes the first; it stands where it is until the next push. False: there is none. */
bool floe_queue_take(floe_queue *queue, floe_address *remote, floe_span *packet);
/* So many bytes of its memory are taken. */
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

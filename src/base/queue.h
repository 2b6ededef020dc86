/* Packets that wait to be sent, in one piece of memory that grows as it is needed. */
#ifndef FLOE_BASE_QUEUE_H
#define FLOE_BASE_QUEUE_H

#include "base/bytes.h"

#include <floe/address.h>
#include <floe/allocator.h>

typedef struct floe_queue {
    uint8_t *bytes;
    size_t room;
    size_t head;
    size_t used;
} floe_queue;

/* Appends the parts as one packet. False: it would hold more than `limit` bytes, or no memory. */
bool floe_queue_push(const floe_allocator *allocator, floe_queue *queue, size_t limit,
                     const floe_address *remote, const floe_span *parts, size_t count);
/* Takes the first; it stands where it is until the next push. False: there is none. */
bool floe_queue_take(floe_queue *queue, floe_address *remote, floe_span *packet);
static inline bool floe_queue_empty(const floe_queue *queue)
{
    return queue->used == 0;
}
void floe_queue_release(const floe_allocator *allocator, floe_queue *queue);

#endif

/* Queues of packets: a ring that holds each packet in one piece. */
#include "base/queue.h"

#include "base/crypto.h"
#include "base/memory.h"

#include <string.h>

typedef struct entry {
    size_t size;  /* of the packet; SKIP: nothing more stands behind here */
    size_t taken; /* of the ring, this header included */
    floe_address remote;
} entry;

#define SKIP SIZE_MAX
#define LEAST_ROOM ((size_t)4096)

static size_t aligned(size_t size)
{
    return (size + _Alignof(entry) - 1) / _Alignof(entry) * _Alignof(entry);
}

static bool grow(const floe_allocator *allocator, floe_queue *queue, size_t room)
{
    floe_queue larger = {.ring = floe_allocate(allocator, sizeof(floe_queue_ring) + room)};
    floe_address remote;
    floe_span packet;

    if (larger.ring == NULL) {
        return false;
    }
    larger.ring->room = room;
    while (floe_queue_take(queue, &remote, &packet)) {
        (void)floe_queue_push(allocator, &larger, room, &remote, &packet, 1);
    }
    floe_queue_release(allocator, queue);
    *queue = larger;
    return true;
}

/* Room for `size` bytes in one piece behind what is there; NULL: there is none. */
static uint8_t *reserve(floe_queue_ring *ring, size_t size)
{
    if (ring == NULL) {
        return NULL;
    }
    if (ring->used == 0) {
        ring->head = 0;
    }
    if (ring->used + size > ring->room) {
        return NULL;
    }
    size_t tail = (ring->head + ring->used) % ring->room;
    bool wrapped = ring->head + ring->used >= ring->room;
    size_t behind = wrapped ? ring->head - tail : ring->room - tail;
    if (size <= behind) {
        return &ring->bytes[tail];
    }
    if (wrapped || size > ring->head) {
        return NULL;
    }
    if (behind >= sizeof(entry)) {
        ((entry *)(void *)&ring->bytes[tail])->size = SKIP;
    }
    ring->used += behind;
    return ring->bytes;
}

floe_error floe_queue_push(const floe_allocator *allocator, floe_queue *queue, size_t limit,
                           const floe_address *remote, const floe_span *parts, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        size += parts[i].size;
    }
    size_t taken = sizeof(entry) + aligned(size);
    uint8_t *at = reserve(queue->ring, taken);
    while (at == NULL) {
        size_t room = queue->ring == NULL ? LEAST_ROOM : 2 * queue->ring->room;
        if (floe_queue_used(queue) + taken > limit || room / 2 > limit + taken) {
            return FLOE_ERR_QUEUE_FULL;
        }
        if (!grow(allocator, queue, room)) {
            return FLOE_ERR_NO_MEMORY;
        }
        at = reserve(queue->ring, taken);
    }
    entry *made = (entry *)(void *)at;
    *made = (entry){.size = size, .taken = taken, .remote = *remote};
    at += sizeof *made;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0) {
            memcpy(at, parts[i].data, parts[i].size);
            at += parts[i].size;
        }
    }
    queue->ring->used += taken;
    return FLOE_OK;
}

bool floe_queue_take(floe_queue *queue, floe_address *remote, floe_span *packet)
{
    floe_queue_ring *ring = queue->ring;

    if (ring == NULL || ring->used == 0) {
        return false;
    }
    size_t behind = ring->room - ring->head;
    const entry *first = (const entry *)(const void *)&ring->bytes[ring->head];
    if (behind < sizeof *first || first->size == SKIP) {
        ring->used -= behind;
        ring->head = 0;
        first = (const entry *)(const void *)ring->bytes;
    }
    *remote = first->remote;
    *packet = floe_span_of(first + 1, first->size);
    ring->used -= first->taken;
    ring->head = (ring->head + first->taken) % ring->room;
    return true;
}

void floe_queue_release(const floe_allocator *allocator, floe_queue *queue)
{
    if (queue->ring != NULL) { /* a proxy's password may have stood there */
        floe_wipe(queue->ring->bytes, queue->ring->room);
    }
    floe_deallocate(allocator, queue->ring);
    *queue = (floe_queue){0};
}

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
    floe_queue larger = {.bytes = floe_allocate(allocator, room), .room = room};
    floe_address remote;
    floe_span packet;

    if (larger.bytes == NULL) {
        return false;
    }
    while (floe_queue_take(queue, &remote, &packet)) {
        (void)floe_queue_push(allocator, &larger, room, &remote, &packet, 1);
    }
    floe_queue_release(allocator, queue);
    *queue = larger;
    return true;
}

/* Room for `size` bytes in one piece behind what is there; NULL: there is none. */
static uint8_t *reserve(floe_queue *queue, size_t size)
{
    if (queue->used == 0) {
        queue->head = 0;
    }
    if (queue->used + size > queue->room) {
        return NULL;
    }
    size_t tail = (queue->head + queue->used) % (queue->room == 0 ? 1 : queue->room);
    bool wrapped = queue->head + queue->used >= queue->room;
    size_t behind = wrapped ? queue->head - tail : queue->room - tail;
    if (size <= behind) {
        return &queue->bytes[tail];
    }
    if (wrapped || size > queue->head) {
        return NULL;
    }
    if (behind >= sizeof(entry)) {
        ((entry *)(void *)&queue->bytes[tail])->size = SKIP;
    }
    queue->used += behind;
    return queue->bytes;
}

floe_error floe_queue_push(const floe_allocator *allocator, floe_queue *queue, size_t limit,
                           const floe_address *remote, const floe_span *parts, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        size += parts[i].size;
    }
    size_t taken = sizeof(entry) + aligned(size);
    uint8_t *at = reserve(queue, taken);
    while (at == NULL) {
        size_t room = queue->room == 0 ? LEAST_ROOM : 2 * queue->room;
        if (queue->used + taken > limit || room / 2 > limit + taken) {
            return FLOE_ERR_QUEUE_FULL;
        }
        if (!grow(allocator, queue, room)) {
            return FLOE_ERR_NO_MEMORY;
        }
        at = reserve(queue, taken);
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
    queue->used += taken;
    return FLOE_OK;
}

bool floe_queue_take(floe_queue *queue, floe_address *remote, floe_span *packet)
{
    if (queue->used == 0) {
        return false;
    }
    size_t behind = queue->room - queue->head;
    const entry *first = (const entry *)(const void *)&queue->bytes[queue->head];
    if (behind < sizeof *first || first->size == SKIP) {
        queue->used -= behind;
        queue->head = 0;
        first = (const entry *)(const void *)queue->bytes;
    }
    *remote = first->remote;
    *packet = floe_span_of(first + 1, first->size);
    queue->used -= first->taken;
    queue->head = (queue->head + first->taken) % queue->room;
    return true;
}

void floe_queue_release(const floe_allocator *allocator, floe_queue *queue)
{
    if (queue->bytes != NULL) {
        floe_wipe(queue->bytes, queue->room); /* a proxy's password may have stood there */
    }
    floe_deallocate(allocator, queue->bytes);
    *queue = (floe_queue){0};
}

/* Queues of packets: a ring in which packets of one size to one address stand one directly behind another, a run, so
 * that many can be handed on as one piece. */
#include "base/queue.h"

#include "base/address.h"
#include "base/crypto.h"
#include "base/memory.h"

#include <string.h>

/* In front of its packets. */
typedef floe_queue_run run;

#define SKIP SIZE_MAX /* as a size: nothing more stands behind here */
#define NO_RUN SIZE_MAX
#define FIRST_RUN (SIZE_MAX - 1)
#define LEAST_ROOM ((size_t)4096)

static size_t aligned(size_t size)
{
    return (size + _Alignof(run) - 1) / _Alignof(run) * _Alignof(run);
}

/* What a packet counts for, whatever stands beside it. */
static size_t weight(size_t size)
{
    return sizeof(run) + aligned(size);
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
    larger.ring->last = NO_RUN;
    while (floe_queue_take(queue, &remote, &packet)) {
        (void)floe_queue_push(allocator, &larger, SIZE_MAX / 2, &remote, &packet, 1);
    }
    floe_queue_release(allocator, queue);
    *queue = larger;
    return true;
}

/* A place in the ring. (A division would take longer than all else that is done for a packet.) */
static size_t wrapped(const floe_queue_ring *ring, size_t at)
{
    return at >= ring->room ? at - ring->room : at;
}

static run *run_at(floe_queue_ring *ring, size_t at)
{
    return (run *)(void *)&ring->bytes[at];
}

/* What is free in one piece behind what is there, which begins at *tail. */
static size_t free_behind(const floe_queue_ring *ring, size_t *tail)
{
    *tail = wrapped(ring, ring->head + ring->filled);
    if (ring->filled == ring->room) {
        return 0;
    }
    return *tail < ring->head ? ring->head - *tail : ring->room - *tail;
}

/* Room behind the latest packet, if this one is like it; NULL: it is not, or there is none. */
static uint8_t *extend(floe_queue_ring *ring, const floe_address *remote, size_t size)
{
    if (ring->last == NO_RUN) {
        return NULL;
    }
    run *last = ring->last == FIRST_RUN ? &ring->first : run_at(ring, ring->last);
    size_t tail;
    if (last->size != size || !floe_address_is(&last->remote, remote) ||
        size > free_behind(ring, &tail) ||
        tail == 0) { /* beyond the ring's end it would stand apart */
        return NULL;
    }
    last->count++;
    ring->filled += size;
    return &ring->bytes[tail];
}

/* Room for a run of its own, in one piece; NULL: there is none. */
static uint8_t *begin(floe_queue_ring *ring, const floe_address *remote, size_t size)
{
    size_t tail;
    size_t behind = free_behind(ring, &tail);
    size_t gap = aligned(tail) - tail;
    size_t taken = sizeof(run) + size;

    if (gap + taken > behind) {
        /* From the ring's start on, if there is room before what is there. */
        if (tail < ring->head || ring->filled == ring->room || taken > ring->head) {
            return NULL;
        }
        if (gap + sizeof(run) <= behind) {
            run_at(ring, tail + gap)->size = SKIP;
        }
        ring->filled += behind;
        tail = gap = 0;
    }
    ring->last = tail + gap;
    *run_at(ring, ring->last) = (run){.size = size, .count = 1, .remote = *remote};
    ring->filled += gap + taken;
    return &ring->bytes[ring->last + sizeof(run)];
}

static uint8_t *reserve(floe_queue_ring *ring, const floe_address *remote, size_t size)
{
    if (ring == NULL) {
        return NULL;
    }
    if (ring->used == 0) {
        ring->head = ring->filled = ring->first.count = 0;
        ring->last = NO_RUN;
    }
    uint8_t *at = extend(ring, remote, size);
    return at != NULL ? at : begin(ring, remote, size);
}

floe_error floe_queue_push(const floe_allocator *allocator, floe_queue *queue, size_t limit,
                           const floe_address *remote, const floe_span *parts, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > limit) { /* so that their sum fits */
            return FLOE_ERR_QUEUE_FULL;
        }
        size += parts[i].size;
    }
    if (floe_queue_used(queue) + weight(size) > limit) {
        return FLOE_ERR_QUEUE_FULL;
    }
    uint8_t *at = reserve(queue->ring, remote, size);
    while (at == NULL) {
        if (!grow(allocator, queue, queue->ring == NULL ? LEAST_ROOM : 2 * queue->ring->room)) {
            return FLOE_ERR_NO_MEMORY;
        }
        at = reserve(queue->ring, remote, size);
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0) {
            memcpy(at, parts[i].data, parts[i].size);
            at += parts[i].size;
        }
    }
    queue->ring->used += weight(size);
    return FLOE_OK;
}

/* The run from which packets are taken: its header makes room at once, as the run may go on for ever. */
static void open_next(floe_queue_ring *ring)
{
    size_t behind = ring->room - ring->head;
    size_t gap = aligned(ring->head) - ring->head;

    if (gap + sizeof(run) > behind || run_at(ring, ring->head + gap)->size == SKIP) {
        ring->filled -= behind;
        ring->head = gap = 0;
    }
    ring->first = *run_at(ring, ring->head + gap);
    if (ring->last == ring->head + gap) {
        ring->last = FIRST_RUN;
    }
    ring->head = wrapped(ring, ring->head + gap + sizeof(run));
    ring->filled -= gap + sizeof(run);
}

size_t floe_queue_take_row(floe_queue *queue, size_t count, size_t bytes, floe_address *remote,
                           floe_span *packets)
{
    floe_queue_ring *ring = queue->ring;

    if (ring == NULL || ring->used == 0) {
        return 0;
    }
    if (ring->first.count == 0) {
        open_next(ring);
    }
    size_t size = ring->first.size;
    size_t taken = count < ring->first.count ? count : ring->first.count;
    if (size > 0 && taken > bytes / size) {
        taken = bytes / size;
    }
    *remote = ring->first.remote;
    *packets = floe_span_of(&ring->bytes[ring->head], taken * size);
    ring->first.count -= taken;
    ring->head = wrapped(ring, ring->head + taken * size);
    ring->filled -= taken * size;
    ring->used -= taken * weight(size);
    return taken;
}

bool floe_queue_take(floe_queue *queue, floe_address *remote, floe_span *packet)
{
    return floe_queue_take_row(queue, 1, SIZE_MAX, remote, packet) == 1;
}

void floe_queue_release(const floe_allocator *allocator, floe_queue *queue)
{
    if (queue->ring != NULL) { /* a proxy's password may have stood there */
        floe_wipe(queue->ring->bytes, queue->ring->room);
    }
    floe_deallocate(allocator, queue->ring);
    *queue = (floe_queue){0};
}

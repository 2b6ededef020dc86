/* What waits to be sent: on a base's socket; and who hears when there is room again, be it on a
 * connection, or where a peer's permission is waited for. */
#include "core/socket/way.h"

#include "base/error.h"
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/outbox.h"

floe_error floe_send_result(const floe_core *core, floe_error error, uint32_t *full_for)
{
    if (error == FLOE_ERR_QUEUE_FULL) {
        *full_for = core->sender;
        return floe_fail(error, "more waits to be sent than settings.send_queue_size");
    }
    return error == FLOE_ERR_NO_MEMORY ? floe_fail(error, "no memory for a packet that waits")
                                       : error;
}

void floe_way_gone(floe_core *core, uint32_t *full_for)
{
    if (full_for == NULL || *full_for == 0) { /* so it is nearly always */
        return;
    }
    floe_found_writable(core, *full_for);
    *full_for = 0;
}

/* Below half there is room again. */
void floe_way_drained(floe_core *core, uint32_t *full_for, size_t waiting)
{
    if (*full_for != 0 && waiting < core->shared->queue_limit / 2) {
        floe_way_gone(core, full_for);
    }
}

/* NULL without memory. */
static floe_base_sending *sending_of(floe_core *core, floe_base *base)
{
    if (base->sending == NULL) {
        base->sending = floe_allocate(&core->shared->allocator, sizeof *base->sending);
        if (base->sending != NULL) {
            base->sending->base = base;
        }
    }
    return base->sending;
}

floe_error floe_base_send(floe_core *core, floe_base *base, size_t limit,
                          const floe_address *remote, const floe_span *parts, size_t count)
{
    floe_base_sending *sending = sending_of(core, base);

    if (sending == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    floe_error error =
        floe_queue_push(&core->shared->allocator, &sending->queue, limit, remote, parts, count);
    if (error == FLOE_OK && !base->blocked) {
        floe_tell(core, &sending->output, FLOE_OUTPUT_SEND_BASE);
    }
    return error;
}

void floe_base_writable(floe_core *core, floe_base *base)
{
    base->blocked = false;
    if (floe_base_waiting(base) > 0) {
        floe_tell(core, &base->sending->output, FLOE_OUTPUT_SEND_BASE);
    }
}

bool floe_base_poll_send(floe_core *core, floe_base_sending *sending, floe_core_output *output)
{
    floe_base *base = sending->base;
    floe_span data;

    if (base->blocked || !floe_queue_take(&sending->queue, &output->remote, &data)) {
        return false;
    }
    output->kind = FLOE_CORE_SEND;
    output->channel = base->channel;
    output->data = data.data;
    output->data_size = data.size;
    floe_way_drained(core, &sending->full_for, floe_queue_used(&sending->queue));
    if (!floe_queue_empty(&sending->queue)) {
        floe_tell(core, &sending->output, FLOE_OUTPUT_SEND_BASE);
    }
    return true;
}

size_t floe_base_poll_more(floe_core *core, floe_base *base, size_t count, size_t bytes,
                           floe_core_row *rows, size_t room)
{
    floe_base_sending *sending = base->sending;
    floe_span data;
    size_t taken = 0;

    if (sending == NULL || base->blocked) {
        return 0;
    }
    for (floe_core_row *row = rows; taken < room; row++, taken++) {
        row->count = floe_queue_take_row(&sending->queue, count, bytes, &row->remote, &data);
        if (row->count == 0) {
            break;
        }
        row->data = data.data;
        row->size = data.size / row->count;
        count -= row->count;
        bytes -= data.size;
    }
    floe_way_drained(core, &sending->full_for, floe_queue_used(&sending->queue));
    if (floe_queue_empty(&sending->queue)) {
        floe_untell(&sending->output);
    }
    return taken;
}

floe_error floe_send_no_room(void)
{
    return floe_fail(FLOE_ERR_NO_MEMORY, "no room for another peer of the relay");
}

floe_error floe_send_refused(void)
{
    return floe_fail(FLOE_ERR_PERMISSION, "the relay's server refuses this peer");
}

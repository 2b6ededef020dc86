/* The queue of outputs: what is told the owner, and what is asked of the driver, in its order. */
#include "core/outbox/outbox.h"

#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/trace.h"

enum { END = UINT8_MAX }; /* the kind of a queue's end, by which it is known */

void floe_outputs_init(floe_outputs *queue)
{
    queue->end = (floe_output){.next = &queue->end, .kind = END};
    queue->last = &queue->end;
}

/* The other is behind it; what stands there comes behind that. */
static void put_behind(floe_output *output, floe_output *other)
{
    other->next = output->next;
    output->next = other;
}

void floe_outputs_append(floe_outputs *queue, floe_output *output)
{
    put_behind(queue->last, output);
    queue->last = output;
}

static void prepend(floe_outputs *queue, floe_output *output)
{
    put_behind(&queue->end, output);
    if (queue->last == &queue->end) {
        queue->last = output;
    }
}

/* Takes off what is behind it. */
static void take_behind(floe_output *output)
{
    floe_output *taken = output->next;

    output->next = taken->next;
    taken->next = NULL;
    if (output->next->kind == END) { /* it was the last */
        FLOE_CONTAINER(output->next, floe_outputs, end)->last = output;
    }
}

floe_output *floe_outputs_take(floe_outputs *queue)
{
    floe_output *first = queue->end.next;

    if (first == &queue->end) {
        return NULL;
    }
    take_behind(&queue->end);
    return first;
}

/* What stands in front of it. */
static floe_output *before(floe_output *output)
{
    floe_output *other = output->next;

    while (other->next != output) {
        other = other->next;
    }
    return other;
}

void floe_untell(floe_output *output)
{
    if (floe_is_told(output)) {
        take_behind(before(output));
    }
}

/* What the owner sees, as against what it is to do. */
static bool is_event(floe_output_kind kind)
{
    switch (kind) {
    case FLOE_OUTPUT_CANDIDATE:
    case FLOE_OUTPUT_WITHDRAWN:
    case FLOE_OUTPUT_NEW:
    case FLOE_OUTPUT_GATHERING:
    case FLOE_OUTPUT_COMPLETE:
    case FLOE_OUTPUT_END_OF_CANDIDATES:
    case FLOE_OUTPUT_PAIR_ERROR:
    case FLOE_OUTPUT_SERVER_ERROR:
    case FLOE_OUTPUT_BASE_ERROR:
    case FLOE_OUTPUT_LISTENER_ERROR:
    case FLOE_OUTPUT_LIST_ERROR:
    case FLOE_OUTPUT_MEMORY_ERROR:
    case FLOE_OUTPUT_TOLD_ERROR:
    case FLOE_OUTPUT_UNREACHABLE:
        return true;
    case FLOE_OUTPUT_WRITABLE:
    case FLOE_OUTPUT_CONNECT:
    case FLOE_OUTPUT_DISCONNECT:
    case FLOE_OUTPUT_SEND_CONNECTION:
    case FLOE_OUTPUT_SEND_BASE:
    case FLOE_OUTPUT_LIST_INTERFACES:
    case FLOE_OUTPUT_OPEN:
    case FLOE_OUTPUT_CLOSE:
    case FLOE_OUTPUT_LISTEN:
    case FLOE_OUTPUT_UNLISTEN:
    case FLOE_OUTPUT_SEND_BINDING:
    case FLOE_OUTPUT_SEND_RELAY:
    case FLOE_OUTPUT_RESOLVE:
    case FLOE_OUTPUT_PUBLISH:
    case FLOE_OUTPUT_UNPUBLISH:
    case FLOE_OUTPUT_CLOSED:
    case FLOE_OUTPUT_TRACE:
        break;
    }
    return false;
}

floe_outputs *floe_held(const floe_core *core)
{
    return core->pool != NULL ? &core->pool->held : NULL;
}

/* What a pool finds after it was complete (a relay that was lost is there again) comes before the
 * end of candidates all the same: nobody has been told of that yet. */
static void end_last(floe_core *core)
{
    floe_untell(&core->complete_output);
    floe_outputs_append(&core->pool->held, &core->complete_output);
}

/* What a mux does, where the core is of one. */
static bool is_work(const floe_core *core, floe_output_kind kind)
{
    switch (kind) {
    case FLOE_OUTPUT_OPEN:
    case FLOE_OUTPUT_CLOSE:
    case FLOE_OUTPUT_LISTEN:
    case FLOE_OUTPUT_UNLISTEN:
    case FLOE_OUTPUT_CONNECT:
    case FLOE_OUTPUT_DISCONNECT:
    case FLOE_OUTPUT_SEND_CONNECTION:
    case FLOE_OUTPUT_SEND_BASE:
        return floe_core_is_member(core);
    default:
        return false;
    }
}

static void give_work(floe_share *share, floe_output *output)
{
    floe_outputs_append(&share->work, output);
    if (!floe_list_linked(&share->ready)) {
        floe_list_append(share->busy, &share->ready);
    }
}

void floe_tell(floe_core *core, floe_output *output, floe_output_kind kind)
{
    if (floe_is_told(output)) {
        return;
    }
    if (is_work(core, kind)) {
        output->kind = (uint8_t)kind;
        give_work(core->share, output);
    } else {
        bool hold = core->pooled && is_event(kind);
        bool complete =
            hold && output != &core->complete_output && floe_is_told(&core->complete_output);
        output->kind = (uint8_t)kind;
        floe_outputs_append(hold ? &core->pool->held : &core->outputs, output);
        if (complete) {
            end_last(core);
        }
    }
}

void floe_tell_next(floe_core *core, floe_output *output, floe_output_kind kind)
{
    output->kind = (uint8_t)kind;
    prepend(&core->outputs, output);
}

void floe_tell_before_end(floe_core *core, floe_output *output, floe_output_kind kind)
{
    floe_tell(core, output, kind);
    if (floe_is_told(&core->complete_output) &&
        core->complete_output.kind == FLOE_OUTPUT_COMPLETE) {
        floe_untell(output);
        put_behind(before(&core->complete_output), output);
    }
}

void floe_core_out_of_memory(floe_core *core)
{
    floe_tell(core, &core->memory_output, FLOE_OUTPUT_MEMORY_ERROR);
}

floe_told_error *floe_copy_error(const floe_core *core, const floe_candidate_error *error)
{
    floe_told_error *told = floe_allocate(&core->shared->allocator, sizeof *told);

    if (told == NULL) {
        return NULL;
    }
    told->error = *error;
    floe_put_text(told->url, sizeof told->url, error->url != NULL ? error->url : "");
    floe_put_text(told->text, sizeof told->text, error->text);
    told->error.url = error->url != NULL ? told->url : NULL;
    told->error.text = told->text;
    floe_put_text(told->address, sizeof told->address,
                  error->address != NULL ? error->address : "");
    told->error.address = error->address != NULL ? told->address : NULL;
    return told;
}

void floe_tell_error(floe_core *core, const floe_candidate_error *error)
{
    floe_told_error *told = floe_copy_error(core, error);

    if (told == NULL) {
        floe_core_out_of_memory(core);
        return;
    }
    floe_tell(core, &told->output, FLOE_OUTPUT_TOLD_ERROR);
}

void floe_untell_error(const floe_core *core, floe_output *output)
{
    floe_untell(output);
    floe_deallocate(&core->shared->allocator, FLOE_CONTAINER(output, floe_told_error, output));
}

/* It is in no queue any more. */
static void drop(floe_core *core, floe_output *output)
{
    if (output->kind == FLOE_OUTPUT_TOLD_ERROR) {
        floe_untell_error(core, output);
    } else if (output->kind == FLOE_OUTPUT_TRACE) {
        floe_deallocate(&core->shared->allocator, FLOE_CONTAINER(output, floe_trace_node, output));
    }
}

static void drop_all(floe_core *core, floe_outputs *queue)
{
    floe_output *output;

    while (queue != NULL && (output = floe_outputs_take(queue)) != NULL) {
        drop(core, output);
    }
}

void floe_untell_all(floe_core *core)
{
    drop_all(core, floe_held(core));
    drop_all(core, &core->outputs);
    drop_all(core, floe_core_is_member(core) ? &core->share->work : NULL);
}

void floe_untell_events(floe_core *core)
{
    floe_outputs stay;
    floe_output *output;

    drop_all(core, floe_held(core));
    floe_outputs_init(&stay);
    while ((output = floe_outputs_take(&core->outputs)) != NULL) {
        if (is_event((floe_output_kind)output->kind) ||
            output->kind == FLOE_OUTPUT_LIST_INTERFACES) {
            drop(core, output);
        } else {
            floe_outputs_append(&stay, output);
        }
    }
    while ((output = floe_outputs_take(&stay)) != NULL) {
        floe_outputs_append(&core->outputs, output);
    }
}

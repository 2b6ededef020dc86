/* The queue of outputs. An output is a link inside the thing that it speaks of, so telling never allocates
 * and never fails; who frees the thing takes its outputs off first (floe_untell). */
#ifndef FLOE_CORE_OUTBOX_OUTBOX_H
#define FLOE_CORE_OUTBOX_OUTBOX_H

#include "base/list.h"

#include <floe/core.h>

typedef enum floe_output_kind {
    FLOE_OUTPUT_LIST_INTERFACES,
    FLOE_OUTPUT_OPEN,
    FLOE_OUTPUT_CLOSE,
    FLOE_OUTPUT_SEND_BINDING,
    FLOE_OUTPUT_SEND_RELAY,
    FLOE_OUTPUT_CONNECT,
    FLOE_OUTPUT_DISCONNECT,
    FLOE_OUTPUT_SEND_CONNECTION,
    FLOE_OUTPUT_SEND_BASE,
    FLOE_OUTPUT_WRITABLE,
    FLOE_OUTPUT_UNREACHABLE,
    FLOE_OUTPUT_RESOLVE,
    FLOE_OUTPUT_PUBLISH,
    FLOE_OUTPUT_UNPUBLISH,
    FLOE_OUTPUT_CANDIDATE,
    FLOE_OUTPUT_WITHDRAWN,
    FLOE_OUTPUT_NEW,
    FLOE_OUTPUT_GATHERING,
    FLOE_OUTPUT_COMPLETE,
    FLOE_OUTPUT_END_OF_CANDIDATES,
    FLOE_OUTPUT_CLOSED,
    FLOE_OUTPUT_PAIR_ERROR,
    FLOE_OUTPUT_SERVER_ERROR,
    FLOE_OUTPUT_BASE_ERROR,
    FLOE_OUTPUT_LIST_ERROR,
    FLOE_OUTPUT_MEMORY_ERROR,
    FLOE_OUTPUT_TRACE,
} floe_output_kind;

typedef struct floe_output {
    floe_list link;
    uint8_t kind; /* a floe_output_kind */
} floe_output;

/* Puts it at the end of the queue; one that waits already stays where it is. What the owner is to
 * see of a pool's gathering is held until it is asked for (L10). */
void floe_tell(floe_core *core, floe_output *output, floe_output_kind kind);
/* Of what belongs to a gathering whose end has not been told yet: so who goes at the end hears of
 * it.
 */
void floe_tell_before_end(floe_core *core, floe_output *output, floe_output_kind kind);
/* Puts it behind the output that is polled at the moment. */
void floe_tell_next(floe_core *core, floe_output *output, floe_output_kind kind);

/* What a pool holds. */
const floe_list *floe_held(const floe_core *core);

/* Takes it off the queue if it waits there. */
static inline void floe_untell(floe_output *output)
{
    floe_list_remove(&output->link);
}

/* Takes off everything that the owner would see; what is to be done stays. */
void floe_untell_events(floe_core *core);
/* Takes off everything. */
void floe_untell_all(floe_core *core);
/* Out of memory somewhere inside: the owner is told once. */
void floe_core_out_of_memory(floe_core *core);

#endif

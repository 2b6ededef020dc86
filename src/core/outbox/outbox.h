/* The queue of outputs. An output is a link inside the thing that it speaks of, so telling never allocates
 * and never fails; who frees the thing takes its outputs off first (floe_untell). */
#ifndef FLOE_CORE_OUTBOX_OUTBOX_H
#define FLOE_CORE_OUTBOX_OUTBOX_H

#include "base/list.h"
#include "base/time.h"
#include "core/types.h"

#include <floe/core.h>

typedef enum floe_output_kind {
    FLOE_OUTPUT_LIST_INTERFACES,
    FLOE_OUTPUT_OPEN,
    FLOE_OUTPUT_CLOSE,
    FLOE_OUTPUT_LISTEN,
    FLOE_OUTPUT_UNLISTEN,
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
    FLOE_OUTPUT_LISTENER_ERROR,
    FLOE_OUTPUT_LIST_ERROR,
    FLOE_OUTPUT_MEMORY_ERROR,
    FLOE_OUTPUT_TOLD_ERROR,
    FLOE_OUTPUT_TRACE,
} floe_output_kind;

/* A link by one pointer, as each thing has one or two: what goes in turn, which nearly all does, costs a step; what is
 * taken off from the middle, one for each that waits. All zeros: it waits in no queue. */
typedef struct floe_output {
    struct floe_output *next; /* of the last: the queue's end; NULL: it waits in no queue */
    uint8_t kind;             /* a floe_output_kind */
} floe_output;

/* Where outputs wait, in a circle that its end closes. It stays where it was made. */
typedef struct floe_outputs {
    floe_output end;   /* in front of the first */
    floe_output *last; /* the end, if it is empty */
} floe_outputs;

/* Walks the queue; the output at hand may leave it, but no other. */
#define FLOE_OUTPUTS_EACH(output, queue)                                                           \
    for (floe_output *output = (queue)->end.next, *output##_next = output->next;                   \
         output != &(queue)->end; output = output##_next, output##_next = output->next)

/* What a core has of a mux, which stands above all rooms: its work (sockets, and what is sent by them)
 * is not its driver's but the mux's, who hears that there is some. */
typedef enum floe_share_part {
    FLOE_SHARE_FACE,   /* it stands for the mux itself */
    FLOE_SHARE_MEMBER, /* it has the mux's sockets, and its servers are asked by trunks */
    FLOE_SHARE_TRUNK,  /* it asks one server, for all that have it */
} floe_share_part;

typedef struct floe_share {
    uint8_t part;      /* a floe_share_part */
    floe_outputs work; /* of a member: the outputs that its driver does not get */
    floe_list ready;   /* in *busy, while there is something */
    floe_list *busy;
    bool own_sockets;        /* of a trunk: its bases are on none of the mux's */
    floe_time *next_request; /* of a trunk: of all that ask for one member */
    /* Of a member: the n-th core that asks a server for it; NULL: there are no more. */
    const floe_core *(*asks)(const struct floe_share *share, size_t n);
    /* The member waits no longer for this one of its servers. Whether its trunk ends now; else the member
     * has been told that it fails. */
    bool (*hurry)(struct floe_share *share, floe_time now, const floe_server *server);
    /* Whether another trunk may have an allocation at this server by the same socket (RFC 8656 §3.2). */
    bool (*taken)(const struct floe_share *share, uint32_t channel, const floe_address *server);
    /* The member is given what its trunks have, without asking anybody. */
    void (*supply)(struct floe_share *share, floe_time now);
} floe_share;

/* An error that another core was told, with its texts: for who shares what it has asked. */
typedef struct floe_told_error {
    floe_output output;
    floe_candidate_error error;
    char url[300];
    char text[512];
    char address[FLOE_ADDRESS_TEXT_SIZE];
} floe_told_error;

void floe_outputs_init(floe_outputs *queue);
void floe_outputs_append(floe_outputs *queue, floe_output *output);
/* The first, which leaves it; NULL: it is empty. */
floe_output *floe_outputs_take(floe_outputs *queue);

static inline bool floe_outputs_empty(const floe_outputs *queue)
{
    return queue->last == &queue->end;
}

/* Whether it waits to be polled. */
static inline bool floe_is_told(const floe_output *output)
{
    return output->next != NULL;
}

/* A copy, in no queue. NULL without memory. */
floe_told_error *floe_copy_error(const floe_core *core, const floe_candidate_error *error);
/* Its texts are copied. */
void floe_tell_error(floe_core *core, const floe_candidate_error *error);
/* It is told no more, and freed. */
void floe_untell_error(const floe_core *core, floe_output *output);

/* Puts it at the end of the queue; one that waits already stays where it is. What the owner is to
 * see of a pool's gathering is held until it is asked for (L10). */
void floe_tell(floe_core *core, floe_output *output, floe_output_kind kind);
/* Of what belongs to a gathering whose end has not been told yet: so who goes at the end hears of
 * it.
 */
void floe_tell_before_end(floe_core *core, floe_output *output, floe_output_kind kind);
/* Puts it behind the output that is polled at the moment. */
void floe_tell_next(floe_core *core, floe_output *output, floe_output_kind kind);

/* What a pool holds; NULL: there is none. */
floe_outputs *floe_held(const floe_core *core);

/* Takes it off the queue if it waits there. */
void floe_untell(floe_output *output);

/* Takes off everything that the owner would see; what is to be done stays. */
void floe_untell_events(floe_core *core);
/* Takes off everything. */
void floe_untell_all(floe_core *core);
/* Out of memory somewhere inside: the owner is told once. */
void floe_core_out_of_memory(floe_core *core);

#endif

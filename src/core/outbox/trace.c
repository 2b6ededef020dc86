/* Trace events: what happened on the wire, for those who look for a fault; and the one place where
 * a request that goes out is noted. */
#include "core/outbox/trace.h"

#include "core/config/shared.h"
#include "core/core.h"

#include <string.h>

const char *floe_trace_kind_name(floe_trace_kind kind)
{
    static const char *const names[] = {"",         "sent",     "sent again",
                                        "received", "dropped",  "unreachable",
                                        "gave up",  "left out", "warning"};

    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "";
}

/* NULL: nobody listens, or no memory. */
static floe_trace_node *node_of(floe_core *core, floe_time now, floe_trace_kind kind,
                                const floe_asked *asked)
{
    floe_trace_node *node =
        core->shared->trace ? floe_allocate(&core->shared->allocator, sizeof *node) : NULL;

    if (node != NULL) {
        node->event = (floe_trace_event){.kind = kind,
                                         .elapsed = floe_time_since(now, core->started),
                                         .local = *asked->local,
                                         .remote = *asked->remote,
                                         .url = asked->url,
                                         .method = "",
                                         .detail = ""};
    }
    return node;
}

static void fill_transaction(floe_trace_event *event, const floe_stun_transaction *transaction)
{
    event->method = floe_stun_method_name(transaction->method);
    event->sends = transaction->sends;
    memcpy(event->transaction_id, transaction->id.bytes, sizeof event->transaction_id);
}

void floe_trace_packet(floe_core *core, floe_time now, floe_trace_kind kind,
                       const floe_asked *asked, const floe_stun_message *message,
                       const char *detail)
{
    floe_trace_node *node = node_of(core, now, kind, asked);
    floe_span reason;

    if (node == NULL) {
        return;
    }
    floe_trace_event *event = &node->event;
    event->detail = detail;
    if (asked->transaction != NULL) {
        fill_transaction(event, asked->transaction);
        if (message != NULL) {
            event->round_trip = floe_time_since(now, asked->transaction->started);
        }
    }
    if (message != NULL) {
        event->method = floe_stun_method_name(message->method);
        event->bytes = (uint32_t)message->bytes.size;
        memcpy(event->transaction_id, message->id.bytes, sizeof event->transaction_id);
        if (message->class == FLOE_STUN_ERROR) {
            (void)floe_stun_read_error(message, &event->code, &reason);
        }
    }
    floe_tell(core, &node->output, FLOE_OUTPUT_TRACE);
}

void floe_request_leaves(floe_core *core, floe_time now, const floe_leaving *request, size_t size)
{
    bool again = request->asked.transaction->sends > 1;

    if (request->counters != NULL) {
        floe_count_sent(core, request->counters, now, again, size);
    }
    floe_trace_node *node =
        node_of(core, now, again ? FLOE_TRACE_SENT_AGAIN : FLOE_TRACE_SENT, &request->asked);
    if (node == NULL) {
        return;
    }
    fill_transaction(&node->event, request->asked.transaction);
    node->event.bytes = (uint32_t)size;
    if (node->event.sends == 0) {
        node->event.sends = 1; /* a release, to which no answer is awaited */
    }
    if (request->polled) {
        floe_tell_next(core, &node->output, FLOE_OUTPUT_TRACE);
    } else {
        floe_tell(core, &node->output, FLOE_OUTPUT_TRACE);
    }
}

bool floe_poll_request(floe_core *core, floe_time now, const floe_leaving *request,
                       uint32_t channel, floe_span data, floe_core_output *output)
{
    if (data.size == 0) {
        return false;
    }
    floe_request_leaves(core, now, request, data.size);
    output->kind = FLOE_CORE_SEND;
    output->channel = channel;
    output->remote = *request->asked.remote;
    output->data = data.data;
    output->data_size = data.size;
    return true;
}

void floe_trace_warning(floe_core *core, floe_time now, const floe_address *local,
                        const floe_address *remote, const char *detail)
{
    size_t size = strlen(detail) + 1;
    floe_trace_node *node =
        core->shared->trace ? floe_allocate(&core->shared->allocator, sizeof *node + size) : NULL;

    if (node != NULL) {
        char *copy = (char *)(node + 1);
        memcpy(copy, detail, size);
        node->event = (floe_trace_event){.kind = FLOE_TRACE_WARNING,
                                         .elapsed = floe_time_since(now, core->started),
                                         .local = *local,
                                         .remote = *remote,
                                         .method = "",
                                         .detail = copy};
        floe_tell(core, &node->output, FLOE_OUTPUT_TRACE);
    }
}

void floe_trace_left_out(floe_core *core, floe_time now, const floe_address *local,
                         const char *detail)
{
    floe_trace_node *node =
        core->shared->trace ? floe_allocate(&core->shared->allocator, sizeof *node) : NULL;

    if (node != NULL) {
        node->event = (floe_trace_event){.kind = FLOE_TRACE_LEFT_OUT,
                                         .elapsed = floe_time_since(now, core->started),
                                         .local = *local,
                                         .method = "",
                                         .detail = detail};
        floe_tell(core, &node->output, FLOE_OUTPUT_TRACE);
    }
}

/* Trace events: what happened on the wire, for those who look for a fault. */
#include "core/gatherer.h"

#include <string.h>

const char *floe_trace_kind_name(floe_trace_kind kind)
{
    static const char *const names[] = {"",         "sent",     "sent again",
                                        "received", "dropped",  "unreachable",
                                        "gave up",  "left out", "warning"};

    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "";
}

void floe_trace_packet(floe_core *core, floe_time now, floe_trace_kind kind, const floe_base *base,
                       const floe_address *remote, const floe_server *server,
                       const floe_stun_transaction *transaction, const floe_stun_message *message,
                       const char *detail)
{
    floe_span reason;

    if (!core->shared->trace) {
        return;
    }
    floe_trace_node *node = floe_allocate(&core->shared->allocator, sizeof *node);
    if (node == NULL) {
        return;
    }
    floe_trace_event *event = &node->event;
    *event = (floe_trace_event){.kind = kind,
                                .elapsed = floe_time_since(now, core->started),
                                .local = base->local,
                                .remote = *remote,
                                .url = server != NULL ? server->text : NULL,
                                .method = "",
                                .detail = detail};
    if (transaction != NULL) {
        event->method = floe_stun_method_name(transaction->method);
        event->sends = transaction->sends;
        memcpy(event->transaction_id, transaction->id.bytes, sizeof event->transaction_id);
        if (message != NULL) {
            event->round_trip = floe_time_since(now, transaction->started);
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

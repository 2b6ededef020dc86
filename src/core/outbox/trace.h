/* Trace events, and the one place where a request that leaves is noted. */
#ifndef FLOE_CORE_OUTBOX_TRACE_H
#define FLOE_CORE_OUTBOX_TRACE_H

#include "core/outbox/counters.h"
#include "core/outbox/outbox.h"
#include "stun/transaction.h"

typedef struct floe_trace_node {
    floe_output output;
    floe_trace_event event; /* its texts stand behind */
} floe_trace_node;

/* Who is asked, from where, by what. */
typedef struct floe_asked {
    const floe_address *local;
    const floe_address *remote;
    const char *url;                          /* NULL: of none */
    const floe_stun_transaction *transaction; /* NULL: it is no request of ours */
} floe_asked;

/* A request that goes out. */
typedef struct floe_leaving {
    floe_asked asked;
    floe_counters *counters; /* NULL: it is a peer's or a stream's, which statistics do not have */
    bool polled;             /* by the SEND at hand; else a queue has taken it */
} floe_leaving;

/* The one place where what is asked is counted (L15) and traced: as it leaves, be it due before. */
void floe_request_leaves(floe_core *core, floe_time now, const floe_leaving *request, size_t size);
/* The SEND by which it leaves, on the base's channel; false: there is nothing to send. */
bool floe_poll_request(floe_core *core, floe_time now, const floe_leaving *request,
                       uint32_t channel, floe_span data, floe_core_output *output);
/* What follows does nothing unless the settings ask for it, and copies all texts. Without memory the
 * event is lost. */
void floe_trace_packet(floe_core *core, floe_time now, floe_trace_kind kind,
                       const floe_asked *asked, const floe_stun_message *message,
                       const char *detail);
/* Why an answer from where it should come was dropped. */
const char *floe_trace_of_forged(floe_stun_match match);
/* What the driver says, of a socket of ours. */
void floe_trace_warning(floe_core *core, floe_time now, const floe_address *local,
                        const floe_address *remote, const char *detail);
/* A step on the way to a server, whose time is now: a look-up, a connection. The level is its kind's unless
 * it says another. That of the output at hand comes next. */
void floe_trace_step(floe_core *core, floe_time now, const floe_trace_event *event);
void floe_trace_polled_step(floe_core *core, floe_time now, const floe_trace_event *event);
/* Whether such an event would be told, for whom its texts are much work. */
bool floe_trace_wants(const floe_core *core, floe_trace_kind kind, floe_trace_level level);
/* Whether any step would. */
bool floe_trace_wants_steps(const floe_core *core);
/* An address that is not gathered on, and why. */
void floe_trace_left_out(floe_core *core, floe_time now, const floe_address *local,
                         const char *detail);

#endif

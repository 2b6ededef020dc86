/* Trace events: what happened on the wire, for those who look for a fault; and the one place where
 * a request that goes out is noted. */
#include "core/outbox/trace.h"

#include "core/config/shared.h"
#include "core/core.h"

#include <string.h>

/* Longer texts are cut. */
#define TEXT_MAX ((size_t)511)

const char *floe_trace_kind_name(floe_trace_kind kind)
{
    static const char *const names[] = {
        "",         "sent",      "sent again", "received", "dropped", "unreachable",
        "gave up",  "left out",  "warning",    "looks up", "found",   "not found",
        "connects", "connected", "proxied",    "secured",  "failed",  "closed"};

    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "";
}

const char *floe_trace_level_name(floe_trace_level level)
{
    static const char *const names[] = {"", "error", "warning", "info", "packet"};

    return (size_t)level < sizeof names / sizeof *names ? names[level] : "";
}

/* An answer that asks for the next request (a password, a nonce, another server) is no error. */
static floe_trace_level level_of_answer(uint16_t code)
{
    return code == 0 || code == 300 || code == 401 || code == 438 ? FLOE_TRACE_LEVEL_PACKET
                                                                  : FLOE_TRACE_LEVEL_ERROR;
}

static floe_trace_level level_of(const floe_trace_event *event)
{
    switch (event->kind) {
    case FLOE_TRACE_SENT:
    case FLOE_TRACE_SENT_AGAIN:
        return FLOE_TRACE_LEVEL_PACKET;
    case FLOE_TRACE_RECEIVED:
        return level_of_answer(event->code);
    case FLOE_TRACE_DROPPED:
    case FLOE_TRACE_LEFT_OUT:
    case FLOE_TRACE_WARNING:
        return FLOE_TRACE_LEVEL_WARNING;
    case FLOE_TRACE_UNREACHABLE:
    case FLOE_TRACE_GAVE_UP:
    case FLOE_TRACE_FAILED:
        return FLOE_TRACE_LEVEL_ERROR;
    case FLOE_TRACE_LOOKS_UP:
    case FLOE_TRACE_FOUND:
    case FLOE_TRACE_NOT_FOUND: /* unless it says another */
    case FLOE_TRACE_CONNECTS:
    case FLOE_TRACE_CONNECTED:
    case FLOE_TRACE_PROXIED:
    case FLOE_TRACE_SECURED:
    case FLOE_TRACE_CLOSED:
        break;
    }
    return FLOE_TRACE_LEVEL_INFO;
}

bool floe_trace_wants(const floe_core *core, floe_trace_kind kind, floe_trace_level level)
{
    const floe_core_shared *shared = core->shared;

    return shared->trace && (shared->trace_level == FLOE_TRACE_LEVEL_DEFAULT
                                 ? kind <= FLOE_TRACE_WARNING
                                 : level <= (floe_trace_level)shared->trace_level);
}

bool floe_trace_wants_steps(const floe_core *core)
{
    return core->shared->trace && core->shared->trace_level != FLOE_TRACE_LEVEL_DEFAULT;
}

static size_t size_of(const char *text)
{
    size_t size = text != NULL ? strlen(text) : 0;

    return size < TEXT_MAX ? size : TEXT_MAX;
}

/* Into the room behind the event. */
static const char *copy_text(char **room, const char *text)
{
    size_t size = size_of(text);
    char *copy = *room;

    if (text == NULL) {
        return NULL;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    *room += size + 1;
    return copy;
}

/* Whoever its texts belong to may be gone before it is polled. Without memory the event is lost. */
static void tell(floe_core *core, floe_time now, const floe_trace_event *event, bool polled)
{
    floe_trace_level level =
        event->level != FLOE_TRACE_LEVEL_DEFAULT ? event->level : level_of(event);
    size_t texts = size_of(event->url) + size_of(event->detail) + size_of(event->name) +
                   size_of(event->realm) + 4;
    floe_trace_node *node = floe_trace_wants(core, event->kind, level)
                                ? floe_allocate(&core->shared->allocator, sizeof *node + texts)
                                : NULL;

    if (node == NULL) {
        return;
    }
    char *room = (char *)(node + 1);
    node->event = *event;
    node->event.level = level;
    node->event.elapsed = floe_time_since(now, core->started);
    node->event.url = copy_text(&room, event->url);
    node->event.detail = copy_text(&room, event->detail);
    node->event.name = copy_text(&room, event->name);
    node->event.realm = copy_text(&room, event->realm);
    if (polled) {
        floe_tell_next(core, &node->output, FLOE_OUTPUT_TRACE);
    } else {
        floe_tell(core, &node->output, FLOE_OUTPUT_TRACE);
    }
}

void floe_trace_step(floe_core *core, floe_time now, const floe_trace_event *event)
{
    tell(core, now, event, false);
}

void floe_trace_polled_step(floe_core *core, floe_time now, const floe_trace_event *event)
{
    tell(core, now, event, true);
}

static floe_trace_event event_of(floe_trace_kind kind, const floe_asked *asked)
{
    return (floe_trace_event){.kind = kind,
                              .local = *asked->local,
                              .remote = *asked->remote,
                              .url = asked->url,
                              .method = "",
                              .detail = ""};
}

static void fill_transaction(floe_trace_event *event, const floe_stun_transaction *transaction)
{
    event->method = floe_stun_method_name(transaction->method);
    event->sends = transaction->sends;
    memcpy(event->transaction_id, transaction->id.bytes, sizeof event->transaction_id);
}

static void fill_message(floe_trace_event *event, const floe_stun_message *message, char *realm,
                         size_t size)
{
    floe_span text;

    event->method = floe_stun_method_name(message->method);
    event->bytes = (uint32_t)message->bytes.size;
    memcpy(event->transaction_id, message->id.bytes, sizeof event->transaction_id);
    if (message->class == FLOE_STUN_ERROR) {
        (void)floe_stun_read_error(message, &event->code, &text);
        if (floe_stun_find(message, FLOE_STUN_REALM, &text)) {
            floe_stun_copy_reason(text, realm, size);
            event->realm = realm;
        }
    }
}

const char *floe_trace_of_forged(floe_stun_match match)
{
    return match == FLOE_STUN_BID_DOWN ? "its nonce promises PASSWORD-ALGORITHMS, and there is none"
                                       : "its integrity does not match";
}

void floe_trace_packet(floe_core *core, floe_time now, floe_trace_kind kind,
                       const floe_asked *asked, const floe_stun_message *message,
                       const char *detail)
{
    char realm[128];

    if (!core->shared->trace) {
        return;
    }
    floe_trace_event event = event_of(kind, asked);
    event.detail = detail;
    if (asked->transaction != NULL) {
        fill_transaction(&event, asked->transaction);
        if (message != NULL) {
            event.round_trip = floe_time_since(now, asked->transaction->started);
        }
    }
    if (message != NULL) {
        fill_message(&event, message, realm, sizeof realm);
    }
    tell(core, now, &event, false);
}

void floe_request_leaves(floe_core *core, floe_time now, const floe_leaving *request, size_t size)
{
    bool again = request->asked.transaction->sends > 1;

    if (request->counters != NULL) {
        floe_count_sent(core, request->counters, now, again, size);
    }
    if (!core->shared->trace) {
        return;
    }
    floe_trace_event event =
        event_of(again ? FLOE_TRACE_SENT_AGAIN : FLOE_TRACE_SENT, &request->asked);
    fill_transaction(&event, request->asked.transaction);
    event.bytes = (uint32_t)size;
    tell(core, now, &event, request->polled);
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
    floe_asked by = {.local = local, .remote = remote};

    floe_trace_packet(core, now, FLOE_TRACE_WARNING, &by, NULL, detail);
}

void floe_trace_left_out(floe_core *core, floe_time now, const floe_address *local,
                         const char *detail)
{
    const floe_address nowhere = {0};
    floe_asked by = {.local = local, .remote = &nowhere};

    floe_trace_packet(core, now, FLOE_TRACE_LEFT_OUT, &by, NULL, detail);
}

/* What the trace says of look-ups: the name, and the addresses or records that were found, or why there are
 * none. */
#include "core/server/lookup_trace.h"

#include "core/core.h"
#include "core/outbox/trace.h"
#include "stun/message.h"

#include <stdio.h>
#include <string.h>

static const char *record_name(uint8_t record)
{
    switch ((floe_dns_record)record) {
    case FLOE_DNS_A:
        return "A";
    case FLOE_DNS_AAAA:
        return "AAAA";
    case FLOE_DNS_SRV:
        return "SRV";
    case FLOE_DNS_NAPTR:
        return "NAPTR";
    }
    return "";
}

static floe_trace_event event_of(floe_trace_kind kind, const floe_lookup *lookup)
{
    return (floe_trace_event){.kind = kind,
                              .method = record_name(lookup->record),
                              .url = lookup->server->url->text,
                              .name =
                                  lookup->name != NULL ? lookup->name : lookup->server->url->host,
                              .detail = ""};
}

void floe_trace_looks_up(floe_core *core, floe_time now, floe_lookup *lookup)
{
    floe_trace_event event = event_of(FLOE_TRACE_LOOKS_UP, lookup);

    lookup->told = true;
    lookup->asked = now;
    floe_trace_polled_step(core, now, &event);
}

static bool is_service(const floe_lookup *lookup)
{
    return lookup->record == FLOE_DNS_SRV || lookup->record == FLOE_DNS_NAPTR;
}

/* There is an answer, and nothing in it. What else says where the server is, or may yet, stands for it; by
 * one family alone we do not know whether the name has addresses. */
static floe_trace_level level_of_nothing(const floe_lookup *lookup)
{
    bool alone = true;

    FLOE_RING_EACH(other, &lookup->names->lookups, floe_lookup, link)
    {
        if (other != lookup && !other->done) {
            return FLOE_TRACE_LEVEL_INFO;
        }
        alone = alone && (other == lookup || is_service(other));
    }
    return lookup->names->place_count > 0 ? FLOE_TRACE_LEVEL_INFO
           : alone                        ? FLOE_TRACE_LEVEL_WARNING
                                          : FLOE_TRACE_LEVEL_ERROR;
}

/* Most names have no services, and many have one family alone; the host, or the other family, stands for
 * them. */
static floe_trace_level level_without(const floe_lookup *lookup, floe_error error)
{
    bool answered = error == FLOE_OK || error == FLOE_ERR_NOT_FOUND;

    if (is_service(lookup)) {
        return answered ? FLOE_TRACE_LEVEL_INFO : FLOE_TRACE_LEVEL_WARNING;
    }
    return error == FLOE_OK ? level_of_nothing(lookup) : FLOE_TRACE_LEVEL_ERROR;
}

static const char *why_nothing(const floe_lookup *lookup, floe_error error)
{
    if (lookup->left) {
        return "no name server has answered yet, and it is not waited for any longer";
    }
    switch (error) {
    case FLOE_OK:
        return "the name has no such record";
    case FLOE_ERR_NOT_FOUND:
        return "there is no such name";
    case FLOE_ERR_TIMED_OUT:
        return "no name server has an answer";
    default:
        return floe_error_string(error);
    }
}

/* `found` is what there is; "": nothing. */
static void tell(floe_core *core, floe_time now, const floe_lookup *lookup, floe_error error,
                 const char *found)
{
    bool any = error == FLOE_OK && *found != '\0';
    floe_trace_event event = event_of(any ? FLOE_TRACE_FOUND : FLOE_TRACE_NOT_FOUND, lookup);

    event.level = any ? FLOE_TRACE_LEVEL_INFO : level_without(lookup, error);
    event.detail = any ? found : why_nothing(lookup, error);
    event.round_trip = floe_time_since(now, lookup->asked);
    floe_trace_step(core, now, &event);
}

/* Whole, or not at all. */
static void add(char *found, size_t size, const char *text)
{
    size_t used = strlen(found);

    if (used + strlen(text) + 3 < size) {
        (void)snprintf(found + used, size - used, "%s%s", used > 0 ? ", " : "", text);
    }
}

void floe_trace_addresses(floe_core *core, floe_time now, const floe_lookup *lookup,
                          floe_error error, const floe_address *addresses, size_t count)
{
    char found[480] = "";
    char text[FLOE_ADDRESS_TEXT_SIZE];

    if (!lookup->told || !floe_trace_wants_steps(core)) {
        return;
    }
    for (size_t i = 0; error == FLOE_OK && i < count; i++) {
        if (floe_address_format(&addresses[i], text, sizeof text) == FLOE_OK) {
            add(found, sizeof found, text);
        }
    }
    tell(core, now, lookup, error, found);
}

/* Others' bytes as text for people. */
static void copy(const char *from, char *text, size_t size)
{
    floe_stun_copy_reason(floe_span_of(from, from != NULL ? strlen(from) : 0), text, size);
}

static void record_text(const floe_lookup *lookup, const floe_service_record *record, char *text,
                        size_t size)
{
    char service[80];
    char target[200];

    copy(record->service, service, sizeof service);
    copy(record->target, target, sizeof target);
    if (lookup->record == FLOE_DNS_SRV) {
        (void)snprintf(text, size, "%s port %u (priority %u, weight %u)", target, record->port,
                       record->priority, record->weight);
    } else {
        (void)snprintf(text, size, "%s at %s (order %u, preference %u)", service, target,
                       record->priority, record->weight);
    }
}

void floe_trace_services(floe_core *core, floe_time now, const floe_lookup *lookup,
                         floe_error error, const floe_service_record *records, size_t count)
{
    char found[480] = "";
    char text[400];

    if (!lookup->told || !floe_trace_wants_steps(core)) {
        return;
    }
    for (size_t i = 0; error == FLOE_OK && i < count; i++) {
        record_text(lookup, &records[i], text, sizeof text);
        add(found, sizeof found, text);
    }
    tell(core, now, lookup, error, found);
}

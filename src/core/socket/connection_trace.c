/* What the trace says of connections: opened, through a proxy, secured, refused, closed. */
#include "core/socket/connection_trace.h"

#include "core/config/allowed.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/trace.h"

#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE ((size_t)512)

/* The server's own part may be gone before the connection is. */
struct floe_connection_story {
    floe_url url;
    const char *host; /* that the certificate must name */
    bool proxied;
    bool peer; /* it is with a peer: the URL is none */
};

/* There is nothing to be said of it but its addresses. */
static floe_connection_story *story_of_peer(const floe_core *core)
{
    floe_connection_story *made =
        floe_trace_wants_steps(core) ? floe_allocate(&core->shared->allocator, sizeof *made) : NULL;

    if (made != NULL) {
        made->host = "";
        made->peer = true;
    }
    return made;
}

floe_connection_story *floe_connection_story_new(const floe_core *core,
                                                 const floe_connection_plan *plan)
{
    if (plan->url == NULL) {
        return story_of_peer(core);
    }
    size_t text = strlen(plan->url->text) + 1;
    size_t host = strlen(plan->host) + 1;
    size_t url_host = strlen(plan->url->host) + 1;
    floe_connection_story *made =
        floe_trace_wants_steps(core)
            ? floe_allocate(&core->shared->allocator, sizeof *made + text + host + url_host)
            : NULL;

    if (made != NULL) {
        char *room = (char *)(made + 1);
        made->host = memcpy(room + text, plan->host, host);
        made->url = *plan->url;
        made->url.text = memcpy(room, plan->url->text, text);
        made->url.host = memcpy(room + text + host, plan->url->host, url_host);
        made->proxied = floe_url_proxied(core->shared, plan->url);
    }
    return made;
}

static floe_trace_event event_of(floe_trace_kind kind, floe_time now,
                                 const floe_connection *connection)
{
    static const char *const protocols[] = {
        [FLOE_PROTOCOL_TCP] = "TCP", [FLOE_PROTOCOL_TLS] = "TLS", [FLOE_PROTOCOL_DTLS] = "DTLS"};
    bool tcp =
        kind == FLOE_TRACE_CONNECTS || kind == FLOE_TRACE_CONNECTED || kind == FLOE_TRACE_PROXIED;

    return (floe_trace_event){.kind = kind,
                              .local = connection->local,
                              .remote = connection->remote,
                              .method = tcp ? "TCP" : protocols[connection->transport],
                              .round_trip = floe_time_since(now, connection->started),
                              .url = connection->story->url.text,
                              .name = connection->story->host,
                              .detail = ""};
}

/* "TLSv1.3, the certificate /CN=a (its names: a, b) is checked for the host". */
static void secured_text(const floe_secure *secure, char *detail)
{
    char subject[128];
    int64_t not_after;
    const char *names = floe_secure_names(secure);

    if (floe_secure_resumed(secure)) {
        (void)snprintf(detail, DETAIL_SIZE, "%s, an earlier session is resumed",
                       floe_secure_version(secure));
    } else if (floe_secure_certificate(secure, subject, sizeof subject, &not_after)) {
        (void)snprintf(detail, DETAIL_SIZE, "%s, the certificate %s (its names: %s) is %s",
                       floe_secure_version(secure), subject, *names != '\0' ? names : "none",
                       floe_secure_check(secure));
    } else {
        (void)snprintf(detail, DETAIL_SIZE, "%s", floe_secure_version(secure));
    }
}

static bool has_step(const floe_connection *connection, floe_trace_kind kind)
{
    bool stream = connection->transport != FLOE_PROTOCOL_DTLS;

    if (connection->story == NULL) {
        return false;
    }
    if (kind == FLOE_TRACE_CLOSED) { /* of another, why it has failed is told */
        return !connection->failed;
    }
    return stream || kind == FLOE_TRACE_SECURED;
}

void floe_connection_tell(floe_core *core, floe_time now, const floe_connection *connection,
                          floe_trace_kind kind)
{
    char detail[DETAIL_SIZE] = "";

    if (!has_step(connection, kind) || !floe_trace_wants(core, kind, FLOE_TRACE_LEVEL_INFO)) {
        return;
    }
    floe_trace_event event = event_of(kind, now, connection);
    event.detail = detail;
    if (kind == FLOE_TRACE_SECURED) {
        secured_text(connection->secure, detail);
    } else if (kind == FLOE_TRACE_CONNECTS) {
        event.round_trip = (floe_duration){0}; /* it begins */
        (void)snprintf(detail, sizeof detail, "%s",
                       connection->story->proxied ? "to the proxy" : "");
    }
    if (kind == FLOE_TRACE_CONNECTS || kind == FLOE_TRACE_CLOSED) {
        floe_trace_polled_step(core, now, &event);
    } else {
        floe_trace_step(core, now, &event);
    }
}

/* It was good until then, and who counts on it tells what that means. */
static void tell_closed(floe_core *core, floe_time now, floe_trace_event *event)
{
    event->kind = FLOE_TRACE_CLOSED;
    event->level = FLOE_TRACE_LEVEL_WARNING;
    event->detail = "by the other side";
    floe_trace_step(core, now, event);
}

static void peer_text(const floe_failure *failure, char *detail)
{
    bool accepted = failure->stage == FLOE_CONNECTION_READY;
    const char *why =
        failure->kind == FLOE_FAILURE_OPEN      ? floe_error_string((floe_error)-failure->detail)
        : failure->kind != FLOE_FAILURE_TIMEOUT ? "refused by the peer, or on the way there"
        : accepted                              ? "no connectivity check has come in time"
                                                : "no answer in time";

    (void)snprintf(detail, DETAIL_SIZE, "%s", why);
}

void floe_connection_tell_failure(floe_core *core, floe_time now, const floe_connection *connection,
                                  const floe_failure *failure)
{
    const floe_connection_story *story = connection->story;
    char detail[DETAIL_SIZE] = "";

    if (story == NULL) {
        return;
    }
    floe_trace_event event = event_of(FLOE_TRACE_FAILED, now, connection);
    if (failure->kind == FLOE_FAILURE_CLOSED && failure->stage == FLOE_CONNECTION_READY) {
        tell_closed(core, now, &event);
        return;
    }
    if (story->peer) {
        peer_text(failure, detail);
    } else {
        floe_failure_text(core, failure, &story->url, detail, sizeof detail);
    }
    const char *names = connection->secure != NULL ? floe_secure_names(connection->secure) : "";
    /* Unless the sentence says them. */
    if (failure->kind == FLOE_FAILURE_SECURE && *names != '\0' && strstr(detail, names) == NULL) {
        size_t used = strlen(detail);
        (void)snprintf(detail + used, sizeof detail - used, " (its names: %s; asked for: %s)",
                       names, story->host);
    }
    event.detail = detail;
    floe_trace_step(core, now, &event);
}

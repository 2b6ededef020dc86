/* JSON lines of `floe connect` beside those of `floe gather`: floe-json(5). */
#include "cli/base64.h"
#include "cli/connect_run.h"
#include "cli/json.h"

#include <stdlib.h>

static void put(json_t *line, const char *key, json_t *value)
{
    (void)json_object_set_new(line, key, value);
}

static json_t *begin(const connect_run *run, const char *event)
{
    json_t *line = json_object();

    put(line, "event", json_text(event));
    put(line, "ms", json_milliseconds(connect_ms(run)));
    return line;
}

void events_transport(const connect_run *run, floe_ice_state state)
{
    json_t *line = begin(run, "transport");

    put(line, "state", json_text(floe_ice_state_name(state)));
    put(line, "role", json_text_or_null(floe_ice_role_name(floe_transport_role(run->transport))));
    json_write_line(standard_output, line);
}

static void put_candidate(json_t *line, const char *key, const floe_candidate *candidate)
{
    char text[4096] = "";

    (void)floe_candidate_format(candidate, text, sizeof text);
    put(line, key, json_text(text));
}

void events_pair(const connect_run *run, const floe_ice_pair *pair)
{
    json_t *line = begin(run, "pair");
    bool measured = pair->current_round_trip.ns != 0;
    bool failed = pair->state == FLOE_ICE_PAIR_FAILED;
    char why[FLOE_ICE_EXPLANATION_SIZE] = "";

    if (failed) {
        (void)floe_ice_explain_pair(pair, why, sizeof why);
    }
    put_candidate(line, "local", pair->local);
    put_candidate(line, "remote", pair->remote);
    put(line, "state", json_text(floe_ice_pair_state_name(pair->state)));
    put(line, "nominated", json_boolean(pair->nominated));
    put(line, "selected", json_boolean(pair->selected));
    put(line, "round_trip_ms",
        measured ? json_milliseconds((double)pair->current_round_trip.ns / 1e6) : json_null());
    put(line, "failure", json_text_or_null(floe_ice_failure_name(pair->failure)));
    put(line, "why", json_text_or_null(why));
    json_write_line(standard_output, line);
}

void events_packet(const connect_run *run, const floe_packet *packet)
{
    char *text = malloc(BASE64_SIZE(packet->size));

    if (text != NULL) {
        json_t *line = begin(run, "packet");
        base64_encode(packet->data, packet->size, text);
        put(line, "data", json_text(text));
        json_write_line(standard_output, line);
    }
    free(text);
}

void events_consent_lost(const connect_run *run)
{
    json_write_line(standard_output, begin(run, "consent_lost"));
}

void events_failed(const connect_run *run)
{
    json_t *line = begin(run, "failed");
    char why[FLOE_ICE_EXPLANATION_SIZE] = "";

    (void)floe_transport_explain(run->transport, why, sizeof why);
    put(line, "reason",
        json_text_or_null(floe_ice_reason_name(floe_transport_get_reason(run->transport))));
    put(line, "why", json_text_or_null(why));
    json_write_line(standard_output, line);
}

/* JSON lines of `floe gather`: floe-json(5). */
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"

#include <string.h>
#include <sys/resource.h>

/* Two decimals: a hundredth of a millisecond is as fine as a clock across threads is worth. */
json_t *json_milliseconds(double ms)
{
    return json_real((double)(int64_t)(ms * 100 + 0.5) / 100);
}

static void put(json_t *line, const char *key, json_t *value)
{
    (void)json_object_set_new(line, key, value);
}

static json_t *begin_event(const char *event, unsigned gatherer)
{
    json_t *line = json_object();

    put(line, "event", json_text(event));
    put(line, "gatherer", json_integer(gatherer));
    return line;
}

static json_t *begin_timed(const char *event, unsigned gatherer, double ms)
{
    json_t *line = begin_event(event, gatherer);

    put(line, "ms", json_milliseconds(ms));
    return line;
}

static json_t *text_unless_empty(const char *text)
{
    return text != NULL && *text != '\0' ? json_text(text) : json_null();
}

/* Of a set that was given, the words. */
static void put_set(json_t *line, const char *name, uint32_t set, const char *const *words)
{
    json_t *list = set != 0 ? json_array() : NULL;

    for (size_t i = 0; list != NULL && words[i] != NULL; i++) {
        if ((set >> i & 1U) != 0) {
            (void)json_array_append_new(list, json_text(words[i]));
        }
    }
    if (list != NULL) {
        put(line, name, list);
    }
}

void events_start(const gather_report *report)
{
    json_t *line = json_start(command_face_of(report->command->kind)->name);

    put_set(line, "types", report->command->types, gather_type_names);
    put_set(line, "relay_transports", report->command->relay_transports, relay_transport_names);
    json_write_line(standard_output, line);
}

void events_parameters(unsigned gatherer, const floe_parameters *parameters, uint32_t generation)
{
    json_t *line = begin_event("parameters", gatherer);

    put(line, "username_fragment", json_text(parameters->username_fragment));
    put(line, "password", json_text(parameters->password));
    put(line, "ice_lite", json_boolean(parameters->ice_lite));
    put(line, "generation", json_integer(generation));
    json_write_line(standard_output, line);
}

void events_state(unsigned gatherer, double ms, enum floe_gatherer_state state)
{
    json_t *line = begin_timed("state", gatherer, ms);

    put(line, "state", json_text(floe_gatherer_state_name(state)));
    json_write_line(standard_output, line);
}

void events_candidate(unsigned gatherer, double ms, const floe_candidate *candidate, bool withdrawn)
{
    json_t *line = begin_timed(withdrawn ? "withdrawn" : "candidate", gatherer, ms);

    if (withdrawn) {
        put(line, "reason", text_unless_empty(floe_withdrawal_name(candidate->withdrawal)));
    }
    json_add_candidate(line, candidate);
    put(line, "username_fragment", json_text_or_null(candidate->username_fragment));
    json_write_line(standard_output, line);
}

void events_error(unsigned gatherer, double ms, const floe_candidate_error *error)
{
    json_t *line = begin_timed("error", gatherer, ms);

    put(line, "url", json_text_or_null(error->url));
    put(line, "address", json_text_or_null(error->address));
    put(line, "port", error->address != NULL ? json_integer(error->port) : json_null());
    put(line, "code", json_integer(error->code));
    put(line, "reason", text_unless_empty(floe_failure_reason_name(error->reason)));
    put(line, "text", json_text(error->text));
    put(line, "url_failed", json_boolean(error->url_failed));
    json_write_line(standard_output, line);
}

void events_network(double ms, const floe_network_change *change)
{
    json_t *line = json_object();
    char address[FLOE_ADDRESS_TEXT_SIZE];

    (void)floe_address_format(&change->address, address, sizeof address);
    put(line, "event", json_text("network"));
    put(line, "ms", json_milliseconds(ms));
    put(line, "interface", json_text(change->interface_name));
    put(line, "address", json_text(address));
    put(line, "change", json_text(floe_network_change_name(change->change)));
    put(line, "up", json_boolean(change->up));
    put(line, "temporary", json_boolean(change->temporary));
    put(line, "deprecated", json_boolean(change->deprecated));
    put(line, "tentative", json_boolean(change->tentative));
    json_write_line(standard_output, line);
}

static const char *reason_of(const server_row *row)
{
    return row->result == SERVER_NOT_ASKED ? row->why : floe_failure_reason_name(row->reason);
}

static void server_event(unsigned gatherer, double ms, const server_row *row)
{
    json_t *line = begin_timed("server", gatherer, ms);
    bool known = *row->address != '\0';

    put(line, "url", json_text(row->url));
    put(line, "number", json_integer((json_int_t)row->number));
    put(line, "address", text_unless_empty(row->address));
    put(line, "port", known ? json_integer(row->port) : json_null());
    put(line, "transport", text_unless_empty(floe_protocol_name(row->transport)));
    put(line, "result", json_text(server_result_name(row->result)));
    put(line, "round_trip_ms",
        row->round_trip.ns != 0 ? json_milliseconds((double)row->round_trip.ns / 1e6)
                                : json_null());
    put(line, "requests", json_integer(row->requests));
    put(line, "answers", json_integer(row->responses));
    put(line, "shared", json_boolean(row->shared));
    put(line, "srflx", json_integer(row->srflx));
    put(line, "relay", json_integer(row->relays));
    put(line, "reason", text_unless_empty(reason_of(row)));
    put(line, "text", text_unless_empty(row->text));
    json_write_line(standard_output, line);
}

void events_servers(unsigned gatherer, double ms, const server_table *servers)
{
    for (size_t i = 0; i < servers->count; i++) {
        server_event(gatherer, ms, &servers->rows[i]);
    }
}

static json_t *way(const way_facts *facts)
{
    return facts->tried ? json_boolean(facts->works) : json_null();
}

void events_verdict(unsigned gatherer, double ms, const network_facts *facts)
{
    json_t *line = begin_timed("network", gatherer, ms);
    char text[256];

    put(line, "udp", way(&facts->udp));
    put(line, "tcp", way(&facts->connected));
    put(line, "ipv4", way(&facts->ipv4));
    put(line, "ipv6", way(&facts->ipv6));
    put(line, "nat", json_text_or_null(nat_kind_name(facts->nat)));
    put(line, "private_relay", text_unless_empty(facts->private_relay));
    verdict_text(facts, text, sizeof text);
    put(line, "text", text_unless_empty(text));
    json_write_line(standard_output, line);
}

void events_end(unsigned gatherer, double ms, const char *username_fragment)
{
    json_t *line = begin_timed("end", gatherer, ms);

    put(line, "username_fragment", json_text_or_null(username_fragment));
    json_write_line(standard_output, line);
}

void events_summary(const gather_report *report, const floe_api_statistics *statistics)
{
    const report_summary *summary = &report->summary;
    server_counts servers = servers_count(&report->servers);
    json_t *line = json_object();
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    put(line, "event", json_text("summary"));
    put(line, "gatherers", json_integer(summary->gatherers));
    put(line, "host", json_integer(summary->host));
    put(line, "srflx", json_integer(summary->srflx));
    put(line, "relay", json_integer(summary->relay));
    put(line, "withdrawn", json_integer(summary->withdrawn));
    put(line, "servers", json_integer(servers.all));
    put(line, "servers_answered", json_integer(servers.answered));
    put(line, "servers_failed", json_integer(servers.failed));
    put(line, "servers_not_asked", json_integer(servers.not_asked));
    put(line, "errors", json_integer(summary->errors));
    put(line, "interrupted", json_boolean(summary->interrupted));
    put(line, "ms", json_milliseconds(summary->ms));
    put(line, "cpu_ms", json_milliseconds(cpu));
    put(line, "peak_rss_kb", json_integer(usage.ru_maxrss));
    put(line, "packets_sent", json_integer((json_int_t)statistics->packets_sent));
    put(line, "packets_received", json_integer((json_int_t)statistics->packets_received));
    json_write_line(standard_output, line);
}

/* -v and --trace: what happened on the network, for people and as JSON lines. */
#include "cli/json.h"
#include "cli/output.h"
#include "cli/report.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static double to_ms(floe_duration duration)
{
    return (double)duration.ns / 1e6;
}

static void format_address(char *text, size_t size, const floe_address *address)
{
    *text = '\0';
    (void)floe_address_format_with_port(address, text, size);
}

/* Where the text behind the time and the kind begins, on a line of its own too. */
#define TRACE_INDENT 23

/* A terminal's lines are broken between words; what is piped is one line an event. */
static void print_in_lines(const char *text)
{
    struct winsize size = {0};
    bool terminal = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    size_t width = terminal && size.ws_col > 2 * TRACE_INDENT ? size.ws_col : SIZE_MAX;
    size_t column = 0;

    while (strlen(text) + column > width) {
        size_t end = width - column;
        while (end > 0 && text[end] != ' ') {
            end--;
        }
        if (end <= (column == 0 ? TRACE_INDENT : 0)) { /* one word, which the terminal breaks */
            break;
        }
        output_print(standard_error, "%.*s\n%*s", (int)end, text, TRACE_INDENT, "");
        text += end + 1;
        column = TRACE_INDENT;
    }
    output_print(standard_error, "%s\n", text);
}

/* A port that is not known yet is not shown. */
static void format_end(char *text, size_t size, const floe_address *address)
{
    *text = '\0';
    if (address->port != 0) {
        format_address(text, size, address);
    } else if (address->family != FLOE_FAMILY_NONE) {
        (void)floe_address_format(address, text, size);
    }
}

/* "10.0.1.2:4711 -> 203.0.113.2:3478"; what comes from there the other way. */
static void format_way(char *text, size_t size, const floe_trace_event *event)
{
    bool comes = event->kind == FLOE_TRACE_RECEIVED || event->kind == FLOE_TRACE_DROPPED;
    char local[80];
    char remote[80];

    format_end(local, sizeof local, &event->local);
    format_end(remote, sizeof remote, &event->remote);
    (void)snprintf(text, size, "%s%s%s", local,
                   *remote == '\0' || *local == '\0' ? ""
                   : comes                           ? " <- "
                                                     : " -> ",
                   remote);
}

/* Unless the address says it already. */
static const char *name_beside(const floe_trace_event *event)
{
    char ip[FLOE_ADDRESS_TEXT_SIZE] = "";

    (void)floe_address_format(&event->remote, ip, sizeof ip);
    return event->name != NULL && strcmp(event->name, ip) != 0 ? event->name : "";
}

/* What came of it: " 401 realm "example.org" in 3.1 ms". */
static void format_outcome(char *text, size_t size, const floe_trace_event *event)
{
    char code[16] = "";
    char took[40] = "";

    if (event->code != 0) {
        (void)snprintf(code, sizeof code, " error %u", event->code);
    }
    if (event->round_trip.ns != 0 && event->kind != FLOE_TRACE_CLOSED) {
        (void)snprintf(took, sizeof took, " in %.1f ms", to_ms(event->round_trip));
    }
    (void)snprintf(text, size, "%s%s%s%s%s", code, event->realm != NULL ? " realm \"" : "",
                   event->realm != NULL ? event->realm : "", event->realm != NULL ? "\"" : "",
                   took);
}

/* Time, kind, method; for whom, by which way; what came of it. */
static void print_trace(const floe_trace_event *event)
{
    char line[1600];
    char way[180];
    char outcome[240];
    const char *name = name_beside(event);

    format_way(way, sizeof way, event);
    format_outcome(outcome, sizeof outcome, event);
    (void)snprintf(line, sizeof line, "%9.2f  %-11s %s%s%s%s%s%s%s%s", to_ms(event->elapsed),
                   floe_trace_kind_name(event->kind), event->method,
                   *event->method != '\0' ? " " : "", name,
                   *name != '\0' && *way != '\0' ? " " : "", way, outcome,
                   *event->detail != '\0' ? ": " : "", event->detail);
    print_in_lines(line);
}

static void on_trace(void *user_data, const floe_trace_event *event)
{
    gather_report *report = user_data;
    char local[80];
    char remote[80];
    char id[25];

    live_hears(report, event);
    if (event->kind == FLOE_TRACE_UNREACHABLE) {
        failures_note_unreachable(&report->failures, &event->remote);
    }
    if (!report->command->verbose && report->command->trace_file == NULL) {
        return;
    }
    format_address(local, sizeof local, &event->local);
    format_address(remote, sizeof remote, &event->remote);
    for (size_t i = 0; i < sizeof event->transaction_id; i++) {
        (void)snprintf(&id[2 * i], 3, "%02x", event->transaction_id[i]);
    }
    if (report->command->verbose) {
        screen_clear(&report->screen);
        print_trace(event);
    }
    if (report->command->trace_file == NULL) {
        return;
    }
    json_t *line = json_object();
    (void)json_object_set_new(line, "event", json_text(floe_trace_kind_name(event->kind)));
    (void)json_object_set_new(line, "ms", json_milliseconds(to_ms(event->elapsed)));
    (void)json_object_set_new(line, "method", json_text_or_null(event->method));
    (void)json_object_set_new(line, "local", json_text(local));
    (void)json_object_set_new(line, "remote", json_text(remote));
    (void)json_object_set_new(line, "transaction", json_text(id));
    (void)json_object_set_new(line, "sends", json_integer(event->sends));
    (void)json_object_set_new(line, "code",
                              event->code != 0 ? json_integer(event->code) : json_null());
    (void)json_object_set_new(
        line, "round_trip_ms",
        event->round_trip.ns != 0 ? json_milliseconds(to_ms(event->round_trip)) : json_null());
    (void)json_object_set_new(line, "url", json_text_or_null(event->url));
    (void)json_object_set_new(line, "detail", json_text_or_null(event->detail));
    (void)json_object_set_new(line, "level", json_text(floe_trace_level_name(event->level)));
    (void)json_object_set_new(line, "name", json_text_or_null(event->name));
    (void)json_object_set_new(line, "realm", json_text_or_null(event->realm));
    json_write_line(trace_output, line);
}

void report_use_trace(gather_report *report, floe_settings *settings)
{
    bool all = report->command->trace_file != NULL || report->command->verbose || report->live;

    settings->on_trace = on_trace;
    settings->trace_level = all ? FLOE_TRACE_LEVEL_PACKET : FLOE_TRACE_LEVEL_ERROR;
    settings->trace_user_data = report;
}

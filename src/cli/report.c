/* The table, the progress line, the JSON lines and the trace. */
#include "cli/report.h"

#include "cli/json.h"
#include "cli/output.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

bool report_init(gather_report *report, const gather_command *command)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    *report = (gather_report){.command = command};
    report->terminal = isatty(STDOUT_FILENO) && (term == NULL || strcmp(term, "dumb") != 0);
    report->colour = report->terminal && (no_colour == NULL || *no_colour == '\0');
    if (command->trace_file != NULL) {
        int failed = output_open_trace(command->trace_file);
        if (failed != 0) {
            output_print(standard_error, "floe: --trace \"%s\": %s\n", command->trace_file,
                         strerror(failed));
            return false;
        }
    }
    return true;
}

void report_free(gather_report *report)
{
    for (size_t i = 0; i < report->failure_count; i++) {
        free(report->failures[i].url);
        free(report->failures[i].address);
        free(report->failures[i].text);
    }
    free(report->failures);
}

/* ── JSON ── */

/* Two decimals: a hundredth of a millisecond is as fine as a clock across threads is worth. */
static json_t *milliseconds(double ms)
{
    return json_real((double)(int64_t)(ms * 100 + 0.5) / 100);
}

static json_t *begin_event(const char *event, unsigned gatherer)
{
    json_t *line = json_object();

    (void)json_object_set_new(line, "event", json_text(event));
    (void)json_object_set_new(line, "gatherer", json_integer(gatherer));
    return line;
}

static bool json_events(const gather_report *report)
{
    return report->command->format == CANDIDATE_FIELDS && report->command->json &&
           !report->command->quiet;
}

static void json_candidate(unsigned gatherer, double ms, const floe_candidate *candidate,
                           bool withdrawn)
{
    json_t *line = begin_event(withdrawn ? "withdrawn" : "candidate", gatherer);

    (void)json_object_set_new(line, "ms", milliseconds(ms));
    json_add_candidate(line, candidate);
    json_write_line(standard_output, line);
}

static void json_error(unsigned gatherer, double ms, const floe_candidate_error *error)
{
    json_t *line = begin_event("error", gatherer);

    (void)json_object_set_new(line, "ms", milliseconds(ms));
    (void)json_object_set_new(line, "url", json_text_or_null(error->url));
    (void)json_object_set_new(line, "address", json_text_or_null(error->address));
    (void)json_object_set_new(line, "port",
                              error->address != NULL ? json_integer(error->port) : json_null());
    (void)json_object_set_new(line, "code", json_integer(error->code));
    (void)json_object_set_new(line, "text", json_text(error->text));
    (void)json_object_set_new(line, "url_failed", json_boolean(error->url_failed));
    json_write_line(standard_output, line);
}

/* ── The table ── */

#define COLUMNS "%-6s %-42s %-24s %-8s %-32s %-10s %8s"

static const char *colour_of(const gather_report *report, floe_candidate_type type)
{
    if (!report->colour) {
        return "";
    }
    return type == FLOE_CANDIDATE_TYPE_HOST    ? "\033[32m"
           : type == FLOE_CANDIDATE_TYPE_SRFLX ? "\033[36m"
                                               : "\033[35m";
}

static void clear_progress(gather_report *report)
{
    if (report->progress_shown) {
        output_print(standard_output, "\r\033[K");
        report->progress_shown = false;
    }
}

static void print_header(gather_report *report)
{
    if (!report->header_printed) {
        report->header_printed = true;
        output_print(standard_output, "%s" COLUMNS "%s\n", report->colour ? "\033[1m" : "", "type",
                     "address", "related address", "protocol", "server", "interface", "ms",
                     report->colour ? "\033[0m" : "");
    }
}

static void format_endpoint(char *text, size_t size, const char *address, unsigned port)
{
    bool ipv6 = strchr(address, ':') != NULL;

    (void)snprintf(text, size, "%s%s%s:%u", ipv6 ? "[" : "", address, ipv6 ? "]" : "", port);
}

static void print_candidate(gather_report *report, double ms, const floe_candidate *candidate,
                            bool withdrawn)
{
    char address[80];
    char related[80] = "";
    char protocol[16];
    char when[32];
    const char *relay = floe_protocol_name(candidate->relay_protocol);

    clear_progress(report);
    print_header(report);
    format_endpoint(address, sizeof address, candidate->address, candidate->port);
    if (candidate->related_address != NULL) {
        format_endpoint(related, sizeof related, candidate->related_address,
                        candidate->related_port);
    }
    (void)snprintf(protocol, sizeof protocol, "%s%s%s", floe_protocol_name(candidate->protocol),
                   *relay != '\0' ? " / " : "", relay);
    (void)snprintf(when, sizeof when, "%.1f", ms);
    output_print(standard_output, "%s" COLUMNS "%s%s\n", colour_of(report, candidate->type),
                 floe_candidate_type_name(candidate->type), address, related, protocol,
                 candidate->url != NULL ? candidate->url : "", candidate->interface_name, when,
                 report->colour ? "\033[0m" : "", withdrawn ? "  withdrawn" : "");
}

static size_t terminal_width(void)
{
    struct winsize size = {0};

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* One line, whatever the terminal's width: what is wrapped could not be cleared. As many names as
 * there is room for, and how many more. */
void report_progress(gather_report *report, double ms)
{
    static const char begin[] = "waiting for ";
    char names[512] = "";
    char end[48];
    size_t shown = 0;
    size_t awaited = 0;
    size_t used = 0;

    if (!report->terminal || report->command->json || report->command->quiet) {
        return;
    }
    for (size_t i = 0; i < report->command->url_count; i++) {
        awaited += !report->answered[i];
    }
    if (awaited == 0) {
        return;
    }
    size_t room = terminal_width();
    room = room > sizeof begin + sizeof end ? room - sizeof begin - sizeof end : 0;
    room = room < sizeof names ? room : sizeof names - 1;
    for (size_t i = 0; i < report->command->url_count; i++) {
        const char *url = report->command->urls[i];
        size_t size = strlen(url) + (shown > 0 ? 2 : 0);
        if (!report->answered[i] && size <= room - used) {
            (void)snprintf(&names[used], sizeof names - used, "%s%s", shown > 0 ? ", " : "", url);
            used += size;
            shown++;
        }
    }
    if (shown == awaited) {
        (void)snprintf(end, sizeof end, " (%.1f s)", ms / 1000);
    } else {
        (void)snprintf(end, sizeof end, "%s%zu %s (%.1f s)", shown > 0 ? " and " : "",
                       awaited - shown, shown > 0 ? "more" : "servers", ms / 1000);
    }
    output_print(standard_output, "\r\033[K%s%s%s", begin, names, end);
    report->progress_shown = true;
}

/* Where a URL that the library has taken leads, in one form for all spellings: the host's address
 * or name, and the port. */
static void server_of(const char *url, char *text, size_t size)
{
    const char *host = strchr(url, ':') + 1;
    bool secure = host[-2] == 's' || host[-2] == 'S';
    bool bracketed = *host == '[';
    const char *end = host + strcspn(host, bracketed ? "]" : ":?");
    const char *rest = end + bracketed;
    unsigned long port = *rest == ':' ? strtoul(rest + 1, NULL, 10) : secure ? 5349 : 3478;
    char name[300];
    floe_address address;

    host += bracketed;
    end -= end > host && end[-1] == '.'; /* a name may end in a dot */
    (void)snprintf(name, sizeof name, "%.*s", (int)(end - host), host);
    if (floe_address_parse(name, &address) == FLOE_OK) {
        (void)floe_address_format(&address, name, sizeof name);
    }
    /* An address of IPv4 in IPv6's clothes (RFC 4291 §2.5.5.2). */
    bool mapped = strncasecmp(name, "::ffff:", 7) == 0 && strchr(name, '.') != NULL;
    (void)snprintf(text, size, "%s %lu", mapped ? &name[7] : name, port);
}

static bool same_server(const char *a, const char *b)
{
    char one[400];
    char other[400];

    server_of(a, one, sizeof one);
    server_of(b, other, sizeof other);
    return strcasecmp(one, other) == 0;
}

/* As they are written, or in another spelling of the host and the port. */
static bool same_url(const char *a, const char *b)
{
    const char *query_of_a = strchr(a, '?');
    const char *query_of_b = strchr(b, '?');
    size_t scheme = strcspn(a, ":");

    return strncasecmp(a, b, scheme + 1) == 0 && same_server(a, b) &&
           strcasecmp(query_of_a != NULL ? query_of_a : "", query_of_b != NULL ? query_of_b : "") ==
               0;
}

static void mark_answered(gather_report *report, const char *url)
{
    for (size_t i = 0; url != NULL && i < report->command->url_count; i++) {
        report->answered[i] = report->answered[i] || same_url(report->command->urls[i], url);
    }
}

/* One server is asked once, however many URLs lead to it. */
void report_asked(gather_report *report, const char *url)
{
    for (size_t i = 0; i < report->command->url_count; i++) {
        report->asked[i] = report->asked[i] || same_server(report->command->urls[i], url);
    }
}

/* ── Events ── */

void report_parameters(gather_report *report, unsigned gatherer, const floe_parameters *parameters)
{
    if (json_events(report)) {
        json_t *line = begin_event("parameters", gatherer);
        (void)json_object_set_new(line, "username_fragment",
                                  json_text(parameters->username_fragment));
        (void)json_object_set_new(line, "password", json_text(parameters->password));
        (void)json_object_set_new(line, "ice_lite", json_boolean(parameters->ice_lite));
        json_write_line(standard_output, line);
    }
}

void report_state(gather_report *report, unsigned gatherer, double ms,
                  enum floe_gatherer_state state)
{
    if (json_events(report)) {
        json_t *line = begin_event("state", gatherer);
        (void)json_object_set_new(line, "ms", milliseconds(ms));
        (void)json_object_set_new(line, "state", json_text(floe_gatherer_state_name(state)));
        json_write_line(standard_output, line);
    }
}

void report_candidate(gather_report *report, unsigned gatherer, double ms,
                      const floe_candidate *candidate, bool withdrawn)
{
    unsigned one = withdrawn ? UINT_MAX : 1; /* less, or more */

    report->families |= report_family(candidate);
    report->summary.found = true;
    report->summary.host += candidate->type == FLOE_CANDIDATE_TYPE_HOST ? one : 0;
    report->summary.srflx += candidate->type == FLOE_CANDIDATE_TYPE_SRFLX ? one : 0;
    report->summary.relay += candidate->type == FLOE_CANDIDATE_TYPE_RELAY ? one : 0;
    mark_answered(report, candidate->url);
    if (report->command->format != CANDIDATE_FIELDS) {
        if (!withdrawn) {
            write_candidate(standard_output, candidate, report->command->format);
        }
    } else if (json_events(report)) {
        json_candidate(gatherer, ms, candidate, withdrawn);
    } else if (!report->command->json && !report->command->quiet) {
        print_candidate(report, ms, candidate, withdrawn);
    }
}

void report_end(gather_report *report, unsigned gatherer, double ms)
{
    clear_progress(report);
    if (json_events(report)) {
        json_t *line = begin_event("end", gatherer);
        (void)json_object_set_new(line, "ms", milliseconds(ms));
        json_write_line(standard_output, line);
    }
}

static char *copy(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

static bool same(const char *a, const char *b)
{
    return (a == NULL || b == NULL) ? a == b : strcmp(a, b) == 0;
}

/* Kept for the end, where each server is told with its reason; a thousand gatherers that fail alike
 * make one line. */
static void keep_failure(gather_report *report, const floe_candidate_error *error)
{
    for (size_t i = 0; i < report->failure_count; i++) {
        report_failure *known = &report->failures[i];
        if (same(known->url, error->url) && same(known->address, error->address) &&
            same(known->text, error->text)) {
            known->times++;
            return;
        }
    }
    report_failure *grown =
        realloc(report->failures, (report->failure_count + 1) * sizeof *report->failures);
    if (grown == NULL) {
        return;
    }
    report->failures = grown;
    grown[report->failure_count++] = (report_failure){.url = copy(error->url),
                                                      .address = copy(error->address),
                                                      .text = copy(error->text),
                                                      .code = error->code,
                                                      .times = 1};
}

unsigned report_family(const floe_candidate *candidate)
{
    return candidate->type == FLOE_CANDIDATE_TYPE_RELAY ? 0 : FAMILY_BIT(candidate->family);
}

void report_not_asked_text(const gather_command *command, unsigned families, char *text,
                           size_t size)
{
    const unsigned ipv4 = FAMILY_BIT(FLOE_FAMILY_IPV4);
    const unsigned ipv6 = FAMILY_BIT(FLOE_FAMILY_IPV6);
    uint32_t types = command->settings.network_types;

    if (families == 0) { /* what is wanted, where nothing shows what there is */
        families |= types == 0 || (types & FLOE_NETWORK_TYPE_UDP4) != 0 ? ipv4 : 0;
        families |= types == 0 || (types & FLOE_NETWORK_TYPE_UDP6) != 0 ? ipv6 : 0;
    }
    if (families == ipv4 || families == ipv6) {
        const char *name = families == ipv4 ? "IPv4" : "IPv6";
        (void)snprintf(text, size,
                       "it was not asked: it has no %s address, and floe gathers only on %s here",
                       name, name);
        return;
    }
    (void)snprintf(text, size,
                   "it was not asked: it has no address of a family (IPv4, IPv6) that floe gathers "
                   "on here");
}

/* Whether the options leave something to be had from it. */
static bool is_of_use(const gather_command *command, const char *url)
{
    return command->rule_count == 0 &&
           (command->policy != FLOE_GATHER_POLICY_RELAY || strncasecmp(url, "turn", 4) == 0);
}

void report_not_asked(gather_report *report, unsigned gatherer)
{
    for (size_t i = 0; i < report->command->url_count; i++) {
        const char *url = report->command->urls[i];
        if (report->asked[i] || report->answered[i] || !is_of_use(report->command, url)) {
            continue;
        }
        report->summary.not_asked++;
        report->summary.failed++;
        report->answered[i] = true; /* it is not awaited */
        if (json_events(report)) {
            json_t *line = begin_event("not_asked", gatherer);
            (void)json_object_set_new(line, "url", json_text(url));
            json_write_line(standard_output, line);
        }
        if (!report->command->json) {
            char text[128];
            report_not_asked_text(report->command, report->families, text, sizeof text);
            keep_failure(report, &(floe_candidate_error){.url = url, .text = text});
        }
    }
}

void report_error(gather_report *report, unsigned gatherer, double ms,
                  const floe_candidate_error *error)
{
    report->summary.errors++;
    report->summary.failed += error->url_failed || error->url == NULL;
    if (error->url != NULL) {
        report_asked(report, error->url);
    }
    if (error->url_failed) {
        mark_answered(report, error->url);
    }
    if (report->command->json) {
        json_error(gatherer, ms, error);
    } else {
        keep_failure(report, error);
    }
}

static void print_failures(const gather_report *report, output *to)
{
    for (size_t i = 0; i < report->failure_count; i++) {
        const report_failure *failure = &report->failures[i];
        output_print(to, "%sfailed%s  %s", report->colour ? "\033[31m" : "",
                     report->colour ? "\033[0m" : "",
                     failure->url != NULL ? failure->url : "local socket");
        if (failure->address != NULL) {
            output_print(to, " from %s", failure->address);
        }
        if (failure->times > 1) {
            output_print(to, " (%u times)", failure->times);
        }
        output_print(to, ": %s", failure->text != NULL ? option_words(failure->text) : "");
        output_print(to, failure->code != 0 ? " [%u]\n" : "\n", failure->code);
    }
}

void report_summary_line(gather_report *report, const floe_api_statistics *statistics)
{
    const report_summary *summary = &report->summary;
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    clear_progress(report);
    if (report->command->json) {
        json_t *line = json_object();
        (void)json_object_set_new(line, "event", json_text("summary"));
        (void)json_object_set_new(line, "gatherers", json_integer(summary->gatherers));
        (void)json_object_set_new(line, "host", json_integer(summary->host));
        (void)json_object_set_new(line, "srflx", json_integer(summary->srflx));
        (void)json_object_set_new(line, "relay", json_integer(summary->relay));
        (void)json_object_set_new(line, "errors", json_integer(summary->errors));
        (void)json_object_set_new(line, "not_asked", json_integer(summary->not_asked));
        (void)json_object_set_new(line, "ms", milliseconds(summary->ms));
        (void)json_object_set_new(line, "cpu_ms", milliseconds(cpu));
        (void)json_object_set_new(line, "peak_rss_kb", json_integer(usage.ru_maxrss));
        (void)json_object_set_new(line, "packets_sent",
                                  json_integer((json_int_t)statistics->packets_sent));
        (void)json_object_set_new(line, "packets_received",
                                  json_integer((json_int_t)statistics->packets_received));
        json_write_line(standard_output, line);
        return;
    }
    if (report->command->format != CANDIDATE_FIELDS) {
        print_failures(report, standard_error); /* what stands beside is for others to read */
        return;
    }
    print_failures(report, standard_output);
    output_print(standard_output,
                 "%u host, %u srflx, %u relay in %.1f ms; %llu packets sent, %llu received\n",
                 summary->host, summary->srflx, summary->relay, summary->ms,
                 (unsigned long long)statistics->packets_sent,
                 (unsigned long long)statistics->packets_received);
    if (!summary->found && summary->errors == 0) {
        output_print(
            standard_output,
            "No local address is left: is an interface up, and do the filters allow one?\n");
    } else if (report->command->url_count == 0) {
        output_print(standard_output, "No server was named. Try: floe gather stun:HOST, or "
                                      "floe gather -u NAME -c SECRET turn:HOST\n");
    }
}

/* ── Trace ── */

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

    format_address(local, sizeof local, &event->local);
    format_address(remote, sizeof remote, &event->remote);
    for (size_t i = 0; i < sizeof event->transaction_id; i++) {
        (void)snprintf(&id[2 * i], 3, "%02x", event->transaction_id[i]);
    }
    if (report->command->verbose) {
        clear_progress(report);
        print_trace(event);
    }
    if (report->command->trace_file == NULL) {
        return;
    }
    json_t *line = json_object();
    (void)json_object_set_new(line, "event", json_text(floe_trace_kind_name(event->kind)));
    (void)json_object_set_new(line, "ms", milliseconds(to_ms(event->elapsed)));
    (void)json_object_set_new(line, "method", json_text_or_null(event->method));
    (void)json_object_set_new(line, "local", json_text(local));
    (void)json_object_set_new(line, "remote", json_text(remote));
    (void)json_object_set_new(line, "transaction", json_text(id));
    (void)json_object_set_new(line, "sends", json_integer(event->sends));
    (void)json_object_set_new(line, "code",
                              event->code != 0 ? json_integer(event->code) : json_null());
    (void)json_object_set_new(line, "round_trip_ms",
                              event->round_trip.ns != 0 ? milliseconds(to_ms(event->round_trip))
                                                        : json_null());
    (void)json_object_set_new(line, "url", json_text_or_null(event->url));
    (void)json_object_set_new(line, "detail", json_text_or_null(event->detail));
    (void)json_object_set_new(line, "level", json_text(floe_trace_level_name(event->level)));
    (void)json_object_set_new(line, "name", json_text_or_null(event->name));
    (void)json_object_set_new(line, "realm", json_text_or_null(event->realm));
    json_write_line(trace_output, line);
}

void report_use_trace(gather_report *report, floe_settings *settings)
{
    if (report->command->trace_file != NULL || report->command->verbose) {
        settings->on_trace = on_trace;
        settings->trace_level = FLOE_TRACE_LEVEL_PACKET;
        settings->trace_user_data = report;
    }
}

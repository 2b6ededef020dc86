/* What happens, told as the command wants it: as a table, as JSON lines, or as candidates alone. */
#include "cli/report.h"

#include "cli/json.h"
#include "cli/output.h"
#include "cli/rest_user.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

bool report_init(gather_report *report, const gather_command *command)
{
    *report = (gather_report){.command = command};
    screen_init(&report->screen, command->colour);
    report->live = report->screen.terminal && command->hold != 0 && !command->json &&
                   !command->quiet && command->format == CANDIDATE_FIELDS;
    if (command->trace_file != NULL) {
        int failed = output_open_trace(command->trace_file);
        if (failed != 0) {
            screen_tell("floe: --trace \"%s\": %s", command->trace_file, strerror(failed));
            return false;
        }
    }
    return true;
}

void report_free(gather_report *report)
{
    failures_free(&report->failures);
    servers_free(&report->servers);
}

static bool is_json(const gather_report *report)
{
    return report->command->json && report->command->format == CANDIDATE_FIELDS;
}

static bool tells_events(const gather_report *report)
{
    return is_json(report) && !report->command->quiet;
}

static bool is_table(const gather_report *report)
{
    return !report->command->json && report->command->format == CANDIDATE_FIELDS;
}

static bool tells_rows(const gather_report *report)
{
    return is_table(report) && !report->command->quiet;
}

/* ── Events ── */

void report_start(const gather_report *report)
{
    if (is_json(report)) {
        events_start(report);
    }
}

void report_parameters(gather_report *report, unsigned gatherer, const floe_parameters *parameters,
                       uint32_t generation)
{
    if (tells_events(report)) {
        events_parameters(gatherer, parameters, generation);
    }
}

void report_state(gather_report *report, unsigned gatherer, double ms,
                  enum floe_gatherer_state state)
{
    if (tells_events(report)) {
        events_state(gatherer, ms, state);
    }
}

static const char *why_gone(const floe_candidate *candidate)
{
    switch (candidate->withdrawal) {
    case FLOE_WITHDRAWAL_RELAY_LOST:
        return "its server has lost it or does not answer, or a NAT has forgotten the way to it; "
               "floe "
               "asks for another";
    case FLOE_WITHDRAWAL_MAPPING_CHANGED:
        return "the NAT shows another address now";
    case FLOE_WITHDRAWAL_ADDRESS_GONE:
        return "its local address is gone";
    case FLOE_WITHDRAWAL_RELEASED:
        return "another took its place";
    case FLOE_WITHDRAWAL_NOT_FOUND:
        return "it was not found again";
    case FLOE_WITHDRAWAL_NONE:
        break;
    }
    return "it serves no longer";
}

static void tell_withdrawn(gather_report *report, double ms, const floe_candidate *candidate)
{
    char address[80];
    char line[300];

    format_endpoint(address, sizeof address, candidate->address, candidate->port);
    (void)snprintf(line, sizeof line, "%-6s %s withdrawn: %s",
                   floe_candidate_type_name(candidate->type), address, why_gone(candidate));
    if (report->live && report->holding) {
        live_tell(report, line);
    } else {
        screen_clear(&report->screen);
        output_print(standard_output, "%s (after %.1f s)\n", line, ms / 1000);
    }
}

static void tell_new(gather_report *report, const floe_candidate *candidate)
{
    size_t number = report_number(report, candidate->url);
    char address[80];
    char line[200];

    format_endpoint(address, sizeof address, candidate->address, candidate->port);
    (void)snprintf(line, sizeof line, "%-6s %s found", floe_candidate_type_name(candidate->type),
                   address);
    if (number != 0) {
        size_t used = strlen(line);
        (void)snprintf(&line[used], sizeof line - used, ", by [%zu]", number);
    }
    live_tell(report, line);
}

static void tell_row(gather_report *report, double ms, const floe_candidate *candidate,
                     bool withdrawn)
{
    if (withdrawn) {
        tell_withdrawn(report, ms, candidate);
    } else if (report->live && report->holding) {
        tell_new(report, candidate);
    } else {
        table_row(report, ms, candidate);
    }
}

void report_candidate(gather_report *report, unsigned gatherer, double ms,
                      const floe_candidate *candidate, bool withdrawn)
{
    unsigned one = withdrawn ? UINT_MAX : 1; /* less, or more */

    report->summary.found = true;
    report->summary.withdrawn += withdrawn;
    report->summary.host += candidate->type == FLOE_CANDIDATE_TYPE_HOST ? one : 0;
    report->summary.srflx += candidate->type == FLOE_CANDIDATE_TYPE_SRFLX ? one : 0;
    report->summary.relay += candidate->type == FLOE_CANDIDATE_TYPE_RELAY ? one : 0;
    if (report->command->format != CANDIDATE_FIELDS) {
        if (!withdrawn) {
            write_candidate(standard_output, candidate, report->command->format);
        }
    } else if (tells_events(report)) {
        events_candidate(gatherer, ms, candidate, withdrawn);
    } else if (tells_rows(report)) {
        tell_row(report, ms, candidate, withdrawn);
    }
}

/* What is said of an address beside its change. */
static const char *state_of_address(const floe_network_change *change)
{
    if (change->change == FLOE_NETWORK_REMOVED) {
        return "";
    }
    return !change->up          ? ", its interface is down"
           : change->tentative  ? ", tentative"
           : change->deprecated ? ", deprecated"
                                : "";
}

void report_network(gather_report *report, double ms, const floe_network_change *change)
{
    char address[FLOE_ADDRESS_TEXT_SIZE];
    char line[200];

    if (tells_events(report)) {
        events_network(ms, change);
    } else if (tells_rows(report)) {
        (void)floe_address_format(&change->address, address, sizeof address);
        (void)snprintf(line, sizeof line, "network: %s of %s %s%s", address, change->interface_name,
                       floe_network_change_name(change->change), state_of_address(change));
        if (report->live && report->holding) {
            live_tell(report, line);
        } else {
            screen_clear(&report->screen);
            output_print(standard_output, "%s (after %.1f s)\n", line, ms / 1000);
        }
    }
}

static void tell_error_amid_hold(gather_report *report, const floe_candidate_error *error)
{
    size_t number = report_number(report, error->url);
    char line[1200];

    (void)snprintf(line, sizeof line, "[%zu] failed: %s", number, error->text);
    if (report->live) {
        live_tell(report, line);
    } else if (tells_rows(report)) {
        output_print(standard_output, "%s\n", line);
    }
}

/* The command's words, and what it knows beside. */
static const char *words_of(const gather_report *report, const floe_candidate_error *error,
                            char *text, size_t size)
{
    char ended[80] = "";

    if (error->reason == FLOE_FAILURE_REASON_CREDENTIALS) {
        rest_user_text(report->command->username, time(NULL), ended, sizeof ended);
    }
    (void)snprintf(text, size, "%s%s%s%s", option_words(error->text), *ended != '\0' ? " (" : "",
                   ended, *ended != '\0' ? ")" : "");
    return text;
}

void report_error(gather_report *report, unsigned gatherer, double ms,
                  const floe_candidate_error *of)
{
    char text[FAILURE_TEXT_SIZE];
    floe_candidate_error told = *of;
    const floe_candidate_error *error = &told;

    told.text = words_of(report, of, text, sizeof text);
    report->summary.errors++;
    report->summary.failed += error->url_failed || error->url == NULL;
    report->failures.shared = report->command->settings.udp_mux_port != 0;
    bool first = failures_add(&report->failures, error);
    if (is_json(report)) {
        events_error(gatherer, ms, error);
    } else if (report->holding && first && is_table(report)) {
        tell_error_amid_hold(report, error);
    }
}

void report_servers(gather_report *report, unsigned gatherer, double ms,
                    const floe_gatherer_statistics *statistics, bool of_all)
{
    server_table of_one = {0};
    server_table *table = of_all ? &report->servers : &of_one;
    network_facts facts = network_facts_of(statistics, report->command->settings.proxy != NULL);

    if (of_all || tells_events(report)) {
        servers_update(table, report->command, statistics, &report->failures);
        for (size_t i = 0; i < table->count; i++) {
            const server_row *row = &table->rows[i];
            if (row->result == SERVER_FAILED) {
                network_facts_add_failure(&facts, row->transport, row->reason);
            }
        }
    }
    if (of_all) {
        server_counts counts = servers_count(table);
        report->facts = facts;
        report->summary.not_asked += counts.not_asked;
        report->summary.failed += counts.not_asked;
    }
    if (tells_events(report)) {
        events_servers(gatherer, ms, table);
        events_verdict(gatherer, ms, &facts);
    }
    servers_free(&of_one);
}

void report_end(gather_report *report, unsigned gatherer, double ms, floe_gatherer *of)
{
    if (!report->holding) {
        screen_clear(&report->screen);
    }
    if (tells_events(report)) {
        floe_parameters own = FLOE_PARAMETERS_INIT;
        (void)floe_gatherer_get_local_parameters(of, &own);
        events_end(gatherer, ms, own.username_fragment);
    }
}

/* ── Progress ── */

/* "... 2 of 20 still silent: [3] stun:203.0.113.99, [7] turn:turn.example.org, 0.6 s" */
void report_progress(gather_report *report, double ms, const floe_gatherer_statistics *statistics)
{
    char line[1024];
    size_t names = 0;

    if (!report->screen.terminal || !tells_rows(report)) {
        return;
    }
    servers_update(&report->servers, report->command, statistics, &report->failures);
    server_counts counts = servers_count(&report->servers);
    if (counts.awaited == 0) {
        return;
    }
    size_t used =
        (size_t)snprintf(line, sizeof line, "... %.1f s, %u of %u still silent:", ms / 1000,
                         counts.awaited, counts.all);
    for (size_t i = 0; i < report->servers.count && used < sizeof line; i++) {
        const server_row *row = &report->servers.rows[i];
        if (row->result == SERVER_ASKED) {
            int wrote = snprintf(&line[used], sizeof line - used, "%s [%zu] %s",
                                 names++ > 0 ? "," : "", row->number, row->url);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
    }
    line[79] = '\0'; /* so that a terminal that becomes narrower does not break it */
    screen_draw(&report->screen, line);
}

/* ── The end ── */

static void format_servers(const server_counts *of, char *text, size_t size)
{
    *text = '\0';
    if (of->all == 0) {
        return;
    }
    if (of->failed > 0) {
        (void)snprintf(text, size, "%u of %u servers failed; ", of->failed, of->all);
    }
    if (of->not_asked > 0) {
        size_t used = strlen(text);
        (void)snprintf(&text[used], size - used, "%u of %u servers not asked; ", of->not_asked,
                       of->all);
    }
    if (of->awaited > 0) {
        size_t used = strlen(text);
        (void)snprintf(&text[used], size - used, "%u of %u servers silent; ", of->awaited, of->all);
    }
    unsigned wanted = of->all - of->needless;
    if (*text == '\0' && wanted == 0) {
        (void)snprintf(text, size, "no server is asked; ");
    } else if (*text == '\0' && wanted == 1) {
        (void)snprintf(text, size, "the server answers; ");
    } else if (*text == '\0') {
        (void)snprintf(text, size, "all %u servers answer; ", wanted);
    }
}

/* Several gatherers have one port, and by it one relay of each server. */
static bool shares(const gather_report *report)
{
    return report->command->settings.udp_mux_port != 0 && report->command->gatherers > 1;
}

/* "2 host, 1 srflx, 3 relay; 1 of 3 servers failed; 0.60 s; 9 packets out, 6 in"; of a hold, what stands at
 * its end. */
static void tell_counts(const gather_report *report, const floe_api_statistics *statistics)
{
    const report_summary *summary = &report->summary;
    server_counts counts = servers_count(&report->servers);
    char servers[120];
    char text[400];

    format_servers(&counts, servers, sizeof servers);
    if (report->holding) {
        (void)snprintf(servers, sizeof servers, "%u withdrawn; ", summary->withdrawn);
    }
    (void)snprintf(text, sizeof text,
                   "%s%u host, %u srflx, %u relay%s; %s%.2f s; %llu packets out, %llu in",
                   report->holding ? "held: " : "", summary->host, summary->srflx, summary->relay,
                   shares(report) ? ", shared" : "", servers, summary->ms / 1000,
                   (unsigned long long)statistics->packets_sent,
                   (unsigned long long)statistics->packets_received);
    screen_print_wrapped(standard_output, text, 0, 0);
}

void report_result(gather_report *report, const floe_api_statistics *statistics)
{
    screen_clear(&report->screen);
    if (report->command->format != CANDIDATE_FIELDS) {
        block_print(report, standard_error, true); /* what stands beside is for others to read */
        return;
    }
    if (!is_table(report)) {
        return;
    }
    block_print(report, standard_output, report->command->quiet);
    tell_counts(report, statistics);
    if (report->command->url_count == 0 && report->summary.found) {
        screen_print_wrapped(standard_output,
                             "No server was named. Try: floe gather stun:HOST, or floe gather -u "
                             "NAME -c SECRET turn:HOST",
                             0, 0);
    }
}

void report_over(gather_report *report, const floe_api_statistics *statistics)
{
    screen_clear(&report->screen);
    if (is_json(report)) {
        events_summary(report, statistics);
    } else if (!report->holding) {
        report_result(report, statistics);
    } else if (is_table(report)) {
        tell_counts(report, statistics); /* of candidates: those that stand */
    }
}

/* What is held, on a terminal: a line for each server that has given something, drawn over each second. */
#include "cli/output.h"
#include "cli/report.h"

#include <string.h>
#include <uv.h>

void live_begin(gather_report *report)
{
    report->holding = true;
    report->view.since = uv_hrtime();
}

void live_hears(gather_report *report, const floe_trace_event *event)
{
    size_t number = event->kind == FLOE_TRACE_RECEIVED ? report_number(report, event->url) : 0;

    if (!report->live || number == 0) {
        return;
    }
    report->view.heard[number - 1] = uv_hrtime();
    if (event->code == 0 &&
        (strcmp(event->method, "Allocate") == 0 || strcmp(event->method, "Refresh") == 0)) {
        report->view.refreshed[number - 1] = uv_hrtime();
    }
}

static unsigned seconds_since(uint64_t then)
{
    return (unsigned)((uv_hrtime() - then) / 1000000000U);
}

static void format_hold(const gather_report *report, char *text, size_t size)
{
    unsigned held = seconds_since(report->view.since);

    (void)snprintf(text, size, "%02u:%02u:%02u", held / 3600, held / 60 % 60, held % 60);
}

/* "srflx, relay 4+6" */
static const char *standing_of(const server_row *row)
{
    static const char *const words[2][4] = {
        {"nothing stands", "relay 4", "relay 6", "relay 4+6"},
        {"srflx", "srflx, relay 4", "srflx, relay 6", "srflx, relay 4+6"},
    };

    return words[row->srflx > 0][(row->relay4 ? 1 : 0) + (row->relay6 ? 2 : 0)];
}

static size_t server_line(const gather_report *report, const server_row *row, char *text,
                          size_t size)
{
    const live_view *view = &report->view;
    size_t at = row->number - 1;
    char heard[48] = "";
    char lasts[48] = "";

    if (view->heard[at] != 0) {
        (void)snprintf(heard, sizeof heard, "  answer %u s ago (%u/%u)",
                       seconds_since(view->heard[at]), row->responses, row->requests);
    }
    if (row->lifetime != 0 && view->refreshed[at] != 0) {
        unsigned past = seconds_since(view->refreshed[at]);
        unsigned left = row->lifetime > past ? row->lifetime - past : 0;
        (void)snprintf(lasts, sizeof lasts, "  relay for %u:%02u", left / 60, left % 60);
    }
    int wrote = snprintf(text, size, "\n[%zu] %-4s %.0f ms%s%s  %s", row->number,
                         floe_protocol_name(row->transport), (double)row->round_trip.ns / 1e6,
                         heard, lasts, standing_of(row));
    return wrote > 0 && (size_t)wrote < size ? (size_t)wrote : 0;
}

void live_draw(gather_report *report, const floe_gatherer_statistics *statistics)
{
    char lines[8000];
    char held[24];
    const report_summary *summary = &report->summary;

    if (!report->live || !report->holding) {
        return;
    }
    if (statistics != NULL) {
        servers_update(&report->servers, report->command, statistics, &report->failures);
    }
    format_hold(report, held, sizeof held);
    size_t used = (size_t)snprintf(lines, sizeof lines,
                                   "holding %s: %u host, %u srflx, %u relay   ^C ends and releases "
                                   "the relays",
                                   held, summary->host, summary->srflx, summary->relay);
    for (size_t i = 0; i < report->servers.count; i++) {
        const server_row *row = &report->servers.rows[i];
        if (row->result == SERVER_ANSWERED || row->responses > 0) {
            used += server_line(report, row, &lines[used], sizeof lines - used);
        }
    }
    lines[used] = '\0';
    screen_draw(&report->screen, lines);
}

void live_tell(gather_report *report, const char *line)
{
    char held[24];

    screen_clear(&report->screen);
    format_hold(report, held, sizeof held);
    output_print(standard_output, "%s  ", held);
    screen_print_wrapped(standard_output, line, 10, 10);
}

/* The table of candidates: columns from what is in them and from the width, which may change meanwhile. */
#include "cli/output.h"
#include "cli/report.h"

#include <string.h>

/* Of the widest address of IPv4 with its port. */
#define IPV4_COLUMNS 21
/* A row is no longer than that, where the terminal is wider and the columns do without. */
#define NARROW_MAX 100
#define TIME_COLUMNS 7

typedef struct row {
    const char *type;
    char address[80];
    char related[80];
    char by[32];
    char server[24]; /* "[1]" */
    const char *url;
    const char *interface_name;
    char when[24];
    const char *note; /* behind it all */
    paint colour;
} row;

void format_endpoint(char *text, size_t size, const char *address, unsigned port)
{
    bool ipv6 = strchr(address, ':') != NULL;

    (void)snprintf(text, size, "%s%s%s:%u", ipv6 ? "[" : "", address, ipv6 ? "]" : "", port);
}

size_t report_number(const gather_report *report, const char *url)
{
    for (size_t i = 0; url != NULL && i < report->command->url_count; i++) {
        if (same_url(report->command->urls[i], url)) {
            return i + 1;
        }
    }
    return 0;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t server_columns(const gather_report *report)
{
    size_t widest = 0;

    for (size_t i = 0; i < report->command->url_count; i++) {
        widest = larger(widest, strlen(report->command->urls[i]) + (i < 9 ? 4 : i < 99 ? 5 : 6));
    }
    return widest;
}

static void note_widths(gather_report *report, const row *one)
{
    table_widths *widths = &report->widths;

    widths->address = larger(larger(widths->address, IPV4_COLUMNS), strlen(one->address));
    widths->related = larger(larger(widths->related, IPV4_COLUMNS), strlen(one->related));
    widths->interface = larger(larger(widths->interface, 9), strlen(one->interface_name));
}

/* Of no server and no rule there is nothing but host candidates. */
static bool has_related(const gather_report *report)
{
    return report->command->url_count > 0 || report->command->rule_count > 0;
}

static size_t wide_columns(const gather_report *report)
{
    const table_widths *widths = &report->widths;
    size_t servers = server_columns(report);
    size_t related = has_related(report) ? widths->related + 2 : 0;

    return 7 + widths->address + 2 + related + (servers > 0 ? servers + 8 : 0) + widths->interface +
           1 + TIME_COLUMNS;
}

static void print_wide(const gather_report *report, const row *one)
{
    const table_widths *widths = &report->widths;
    int servers = (int)server_columns(report);
    char server[300];

    (void)snprintf(server, sizeof server, "%s%s%s", one->server, *one->server != '\0' ? " " : "",
                   one->url);
    output_print(standard_output, "%s%-6s %-*s  ", screen_paint(&report->screen, one->colour),
                 one->type, (int)widths->address, one->address);
    if (has_related(report)) {
        output_print(standard_output, "%-*s  ", (int)widths->related, one->related);
    }
    if (servers > 0) {
        output_print(standard_output, "%-4s  %-*s  ", one->by, servers, server);
    }
    output_print(standard_output, "%-*s %*s%s%s%s\n", (int)widths->interface, one->interface_name,
                 TIME_COLUMNS, one->when, *one->note != '\0' ? "  " : "", one->note,
                 screen_paint(&report->screen, PAINT_PLAIN));
}

/* What stands between the address and the time: where from, by which server, or on which interface. */
static void middle_of(const row *one, char *text, size_t size)
{
    bool relay = *one->by != '\0';
    bool host = *one->server == '\0' && *one->related == '\0';
    char related[sizeof one->related];

    (void)snprintf(related, sizeof related, "%s", one->related);
    char *port = strrchr(related, ':');
    if (port != NULL) {
        *port = '\0';
    }
    if (host) {
        (void)snprintf(text, size, "%s", one->interface_name);
        return;
    }
    (void)snprintf(text, size, "%s%s", relay ? "over " : "from ", relay ? one->by : related);
    size_t used = strlen(text);
    (void)snprintf(&text[used], size - used, "%*s %s%s%s", (int)(used < 15 ? 15 - used : 0), "",
                   one->server, *one->note != '\0' ? " " : "", one->note);
}

static void print_narrow(const gather_report *report, const row *one)
{
    size_t width = screen_width() - 1;
    const char *begin = screen_paint(&report->screen, one->colour);
    const char *end = screen_paint(&report->screen, PAINT_PLAIN);
    char middle[200];

    width = width < NARROW_MAX ? width : NARROW_MAX;
    middle_of(one, middle, sizeof middle);
    size_t room = width - TIME_COLUMNS;
    size_t fits = 7 + report->widths.address + 2 + screen_columns(middle);
    if (fits <= room) {
        int gap = (int)(room - fits);
        output_print(standard_output, "%s%-6s %-*s  %s%*s%*s%s\n", begin, one->type,
                     (int)report->widths.address, one->address, middle, gap, "", TIME_COLUMNS,
                     one->when, end);
        return;
    }
    size_t own = 7 + strlen(one->address);
    if (own + 2 + screen_columns(middle) <= room) { /* though not below those before */
        output_print(standard_output, "%s%-6s %s%*s%s%*s%s\n", begin, one->type, one->address,
                     (int)(room - own - screen_columns(middle)), "", middle, TIME_COLUMNS,
                     one->when, end);
        return;
    }
    int gap = (int)(room > own ? room - own : 0);
    output_print(standard_output, "%s%-6s %s%*s%*s\n       %s%s\n", begin, one->type, one->address,
                 gap, "", TIME_COLUMNS, one->when, middle, end);
}

static void print_row(gather_report *report, const row *one)
{
    bool wide = wide_columns(report) < screen_width();

    if (wide && (!report->widths.wide || !report->widths.started)) {
        print_wide(report, &(row){.type = "type",
                                  .address = "address",
                                  .related = "related",
                                  .by = "by",
                                  .url = "server",
                                  .interface_name = "interface",
                                  .when = "ms",
                                  .note = "",
                                  .colour = PAINT_BOLD});
    }
    report->widths.started = true;
    report->widths.wide = wide;
    if (wide) {
        print_wide(report, one);
    } else {
        print_narrow(report, one);
    }
}

void table_row(gather_report *report, double ms, const floe_candidate *candidate)
{
    size_t number = report_number(report, candidate->url);
    bool relay = candidate->relay_protocol != FLOE_PROTOCOL_NONE;
    row one = {.type = floe_candidate_type_name(candidate->type),
               .url = candidate->url != NULL ? candidate->url : "",
               .interface_name = candidate->interface_name,
               .note = candidate->tcp_type == FLOE_TCP_TYPE_ACTIVE    ? "tcp active"
                       : candidate->tcp_type == FLOE_TCP_TYPE_PASSIVE ? "tcp passive"
                       : candidate->tcp_type == FLOE_TCP_TYPE_SO      ? "tcp so"
                                                                      : "",
               .colour = candidate->type == FLOE_CANDIDATE_TYPE_HOST    ? PAINT_GREEN
                         : candidate->type == FLOE_CANDIDATE_TYPE_SRFLX ? PAINT_CYAN
                                                                        : PAINT_MAGENTA};

    format_endpoint(one.address, sizeof one.address, candidate->address, candidate->port);
    if (candidate->related_address != NULL) {
        format_endpoint(one.related, sizeof one.related, candidate->related_address,
                        candidate->related_port);
    }
    (void)snprintf(one.by, sizeof one.by, "%s",
                   relay ? floe_protocol_name(candidate->relay_protocol) : "");
    if (number != 0) {
        (void)snprintf(one.server, sizeof one.server, "[%zu]", number);
    }
    (void)snprintf(one.when, sizeof one.when, ms < 10 ? "%.1f" : "%.0f", ms);
    screen_clear(&report->screen);
    note_widths(report, &one);
    print_row(report, &one);
}

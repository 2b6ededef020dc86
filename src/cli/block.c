/* The end of the screen: a line for each server, what failed from which local addresses, the network. */
#include "cli/output.h"
#include "cli/report.h"

#include <string.h>

/* "[1] not asked " */
#define LABEL_COLUMNS 9

static const char *label_of(server_result result)
{
    static const char *const labels[] = {"silent", "ok", "same", "not asked", "FAILED"};

    return labels[result];
}

static paint colour_of(server_result result)
{
    return result == SERVER_ANSWERED                               ? PAINT_GREEN
           : result == SERVER_FAILED || result == SERVER_NOT_ASKED ? PAINT_RED
                                                                   : PAINT_PLAIN;
}

static const server_row *another_that_answers(const server_table *servers, const server_row *row,
                                              bool connected)
{
    for (size_t i = 0; i < servers->count; i++) {
        const server_row *one = &servers->rows[i];
        bool by = one->transport == FLOE_PROTOCOL_TCP || one->transport == FLOE_PROTOCOL_TLS;
        if (one->number != row->number && one->responses > 0 && by == connected) {
            return one;
        }
    }
    return NULL;
}

/* What is known beside: that silence is the server's, and not the network's, or the other way round. */
static void hint_of(const server_table *servers, const server_row *row, char *text, size_t size)
{
    bool datagrams = row->transport == FLOE_PROTOCOL_UDP || row->transport == FLOE_PROTOCOL_DTLS;
    const server_row *same = another_that_answers(servers, row, !datagrams);
    const server_row *other = another_that_answers(servers, row, datagrams);

    *text = '\0';
    if (row->reason != FLOE_FAILURE_REASON_TIMEOUT || row->responses > 0 ||
        row->transport == FLOE_PROTOCOL_NONE) {
        return;
    }
    if (same != NULL) {
        (void)snprintf(text, size, " (%s to [%zu] works)", datagrams ? "UDP" : "TCP", same->number);
    } else if (other != NULL) {
        (void)snprintf(text, size, " (%s to [%zu] works)", datagrams ? "TCP" : "UDP",
                       other->number);
    }
}

/* What it gave: "udp   51 ms  srflx, relay 4+6". */
static void gift_of(const server_row *row, char *text, size_t size)
{
    char took[32] = "";
    const char *families = row->relay4 && row->relay6 ? " 4+6" : row->relay6 ? " 6" : " 4";

    if (row->round_trip.ns != 0) {
        (void)snprintf(took, sizeof took, "%.0f ms", (double)row->round_trip.ns / 1e6);
    }
    (void)snprintf(text, size, "%-4s  %7s  %s%s%s%s", floe_protocol_name(row->transport), took,
                   row->srflx > 0 ? "srflx" : "", row->srflx > 0 && row->relays > 0 ? ", " : "",
                   row->relays > 0 ? "relay" : "", row->relays > 0 ? families : "");
    if (row->srflx == 0 && row->relays == 0) {
        (void)snprintf(text, size, "%-4s  %7s  nothing new", floe_protocol_name(row->transport),
                       took);
    }
}

/* Which of its URL's addresses it is, from 1 on; 0: there is but one. */
static size_t address_number(const server_table *servers, const server_row *row)
{
    size_t rows = 0;
    size_t before = 0;

    for (size_t i = 0; i < servers->count; i++) {
        rows += servers->rows[i].number == row->number;
        before += servers->rows[i].number == row->number && &servers->rows[i] < row;
    }
    return rows > 1 ? before + 1 : 0;
}

/* With its address, where it has several. */
static void name_of(const server_table *servers, const server_row *row, char *text, size_t size)
{
    bool several = address_number(servers, row) > 0;

    (void)snprintf(text, size, "%s%s%s", row->url, several ? " " : "", several ? row->address : "");
}

/* "[2]", or "[2.1]" where its URL has several addresses. */
static void number_of(const server_table *servers, const server_row *row, char *text, size_t size)
{
    size_t address = address_number(servers, row);
    int used = snprintf(text, size, "[%zu", row->number);

    if (address > 0) {
        used += snprintf(text + used, size - (size_t)used, ".%zu", address);
    }
    (void)snprintf(text + used, size - (size_t)used, "]");
}

static int number_columns(const server_table *servers)
{
    size_t widest = 3;
    char text[48];

    for (size_t i = 0; i < servers->count; i++) {
        number_of(servers, &servers->rows[i], text, sizeof text);
        widest = strlen(text) > widest ? strlen(text) : widest;
    }
    return (int)widest;
}

static size_t indent_of(const server_table *servers)
{
    return (size_t)number_columns(servers) + LABEL_COLUMNS + 2;
}

static size_t name_columns(const server_table *servers)
{
    size_t widest = 0;
    char name[400];

    for (size_t i = 0; i < servers->count; i++) {
        name_of(servers, &servers->rows[i], name, sizeof name);
        size_t columns = screen_columns(name);
        widest = columns > widest && columns <= 40 ? columns : widest;
    }
    return widest;
}

static void print_text(output *to, const char *text, size_t column, size_t indent)
{
    size_t width = screen_width_of(to);

    if (column + 2 + screen_columns(text) > width) { /* on lines of its own */
        output_print(to, "\n%*s", (int)indent, "");
        screen_print_wrapped(to, text, indent, indent);
    } else {
        output_print(to, "  ");
        screen_print_wrapped(to, text, column + 2, indent);
    }
}

static void print_server(const gather_report *report, output *to, const server_row *row)
{
    const server_table *servers = &report->servers;
    char number[48];
    char name[400];
    char text[800];
    char hint[64];
    bool coloured = to == standard_output;
    int width = (int)name_columns(servers);

    number_of(servers, row, number, sizeof number);
    name_of(servers, row, name, sizeof name);
    if (row->result == SERVER_ANSWERED) {
        gift_of(row, text, sizeof text);
    } else {
        hint_of(servers, row, hint, sizeof hint);
        (void)snprintf(text, sizeof text, "%s%s",
                       *row->text != '\0'            ? row->text
                       : row->result == SERVER_ASKED ? "no answer so far"
                                                     : floe_failure_reason_name(row->reason),
                       hint);
    }
    output_print(to, "%-*s %s%-*s%s %-*s", number_columns(servers), number,
                 coloured ? screen_paint(&report->screen, colour_of(row->result)) : "",
                 LABEL_COLUMNS, label_of(row->result),
                 coloured ? screen_paint(&report->screen, PAINT_PLAIN) : "", width, name);
    size_t taken = screen_columns(name);
    taken = taken > (size_t)width ? taken : (size_t)width;
    print_text(to, text, indent_of(servers) + taken, indent_of(servers));
}

/* "from 15 local addresses (10.9.1.1 ... 10.9.15.1)" */
static void addresses_of(const failure *of, char *text, size_t size)
{
    if (of->address_count == 1) {
        (void)snprintf(text, size, "from %s", of->addresses[0]);
    } else {
        (void)snprintf(text, size, "from %zu local addresses (%s ... %s)", of->address_count,
                       of->addresses[0], of->addresses[of->address_count - 1]);
    }
    if (of->times > 1) {
        size_t used = strlen(text);
        (void)snprintf(&text[used], size - used, ", %u times", of->times);
    }
}

/* The row of the failure's URL, and of its addresses one that tells the same, if there is any. */
static const server_row *row_of(const server_table *servers, const failure *of, const char *words)
{
    const server_row *found = NULL;

    for (size_t i = 0; of->url != NULL && i < servers->count; i++) {
        const server_row *row = &servers->rows[i];
        if (same_url(row->url, of->url) &&
            (found == NULL || strncmp(row->text, words, strlen(words)) == 0)) {
            found = row;
        }
    }
    return found;
}

/* What the server's own line does not say: that it was from some local addresses, and what else was told. */
static void print_failure(const gather_report *report, output *to, const failure *of)
{
    const char *words = of->text != NULL ? of->text : "";
    const server_row *row = row_of(&report->servers, of, words);
    bool said = row != NULL && strncmp(row->text, words, strlen(words)) == 0;
    char from[300] = "";
    char text[1200];
    int indent = (int)indent_of(&report->servers);

    if (of->address_count > 0) {
        addresses_of(of, from, sizeof from);
    } else if (of->times > 1) {
        (void)snprintf(from, sizeof from, "%u times", of->times);
    }
    if (said && of->address_count < 2 && of->times < 2) {
        return;
    }
    (void)snprintf(text, sizeof text, "%s%s%s", from, *from != '\0' && !said ? ": " : "",
                   said ? "" : words);
    if (row == NULL) {
        output_print(to, "%*s%-*s ", indent - LABEL_COLUMNS - 1, "", LABEL_COLUMNS, "FAILED");
    } else {
        output_print(to, "%*s", indent, "");
    }
    screen_print_wrapped(to, text, (size_t)indent, (size_t)indent);
}

static void print_failures_of(const gather_report *report, output *to, const char *url)
{
    for (size_t i = 0; i < report->failures.count; i++) {
        const failure *one = &report->failures.items[i];
        if ((one->url == NULL) == (url == NULL) && (url == NULL || same_url(one->url, url))) {
            print_failure(report, to, one);
        }
    }
}

static void print_labelled(output *to, const char *label, const char *text)
{
    if (*text != '\0') {
        output_print(to, "%-9s ", label);
        screen_print_wrapped(to, text, 10, 10);
    }
}

static void print_network(const gather_report *report, output *to)
{
    char text[400];

    network_text(&report->facts, text, sizeof text);
    print_labelled(to, "network", text);
    if (*report->facts.private_relay != '\0') {
        private_relay_text(report->facts.private_relay, text, sizeof text);
        print_labelled(to, "warning", text);
    }
    verdict_text(&report->facts, text, sizeof text);
    print_labelled(to, "verdict", text);
}

void block_print(const gather_report *report, output *to, bool failed)
{
    const server_table *servers = &report->servers;

    if (!failed && servers->count > 0) {
        output_print(to, "\n");
    }
    for (size_t i = 0; i < servers->count; i++) {
        const server_row *row = &servers->rows[i];
        bool last = i + 1 == servers->count || servers->rows[i + 1].number != row->number;
        bool bad = row->result == SERVER_FAILED || row->result == SERVER_NOT_ASKED;
        if (!failed || bad) {
            print_server(report, to, row);
        }
        if (last && (!failed || bad)) {
            print_failures_of(report, to, row->url);
        }
    }
    print_failures_of(report, to, NULL);
    if (!failed) {
        print_network(report, to);
    }
}

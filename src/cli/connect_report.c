/* What people see of the pairs that are tried, and of the one that is chosen. */
#include "cli/connect_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_COLUMNS 13
#define SIDE_COLUMNS 32
#define INDENT 4

output *connect_output(const connect_run *run)
{
    return run->mode == CONNECT_LINES ? standard_output : standard_error;
}

void connect_tell(connect_run *run, const char *format, ...)
{
    va_list arguments;
    char text[2048];

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    screen_clear(&run->report.screen);
    screen_print_wrapped(connect_output(run), text, 0, INDENT);
}

/* "srflx 203.0.113.1:40000", or "tcp passive host …". */
static void side_text(const floe_candidate *candidate, char *text, size_t size)
{
    char endpoint[300];

    format_endpoint(endpoint, sizeof endpoint, candidate->address, candidate->port);
    (void)snprintf(text, size, "%s %s%s", floe_candidate_type_name(candidate->type), endpoint,
                   candidate->protocol == FLOE_PROTOCOL_TCP ? " tcp" : "");
}

static void round_trip_text(const floe_ice_pair *pair, char *text, size_t size)
{
    *text = '\0';
    if (pair->current_round_trip.ns != 0) {
        (void)snprintf(text, size, "%.1f ms", (double)pair->current_round_trip.ns / 1e6);
    }
}

static const char *state_word(const floe_ice_pair *pair)
{
    switch (pair->state) {
    case FLOE_ICE_PAIR_FROZEN:
    case FLOE_ICE_PAIR_WAITING:
        return "waiting";
    case FLOE_ICE_PAIR_IN_PROGRESS:
        return "trying";
    case FLOE_ICE_PAIR_SUCCEEDED:
        return pair->selected ? "chosen" : "works";
    case FLOE_ICE_PAIR_FAILED:
        return "failed";
    }
    return "";
}

static void row_text(const floe_ice_pair *pair, char *text, size_t size)
{
    char local[340];
    char remote[340];
    char took[32];

    side_text(pair->local, local, sizeof local);
    side_text(pair->remote, remote, sizeof remote);
    round_trip_text(pair, took, sizeof took);
    (void)snprintf(text, size, "%-*s%-*s  %-*s%s%s", STATE_COLUMNS, state_word(pair), SIDE_COLUMNS,
                   local, *took != '\0' ? SIDE_COLUMNS : 0, remote, *took != '\0' ? "  " : "",
                   took);
}

/* ── While they are tried ── */

void pairs_draw(connect_run *run)
{
    floe_ice_pair_list *list = NULL;
    char lines[8000] = "";
    size_t used = 0;

    if (!run->drawing || floe_transport_get_pairs(run->transport, &list) != FLOE_OK) {
        return;
    }
    for (size_t i = 0; i < list->count && used + 900 < sizeof lines; i++) {
        char row[800];
        row_text(list->pairs[i], row, sizeof row);
        used += (size_t)snprintf(&lines[used], sizeof lines - used, "%s%s", i > 0 ? "\n" : "", row);
    }
    if (list->count > 0) {
        screen_draw(&run->report.screen, lines);
    }
    floe_ice_pair_list_free(list);
}

/* Whether its state is another one than was told; from now on it is told. */
static bool is_news(connect_run *run, const floe_ice_pair *pair)
{
    size_t i = 0;

    while (i < run->told_count &&
           (run->told[i].local_id != pair->local_id ||
            !floe_address_equal(&run->told[i].remote, &pair->remote_address))) {
        i++;
    }
    if (i == TOLD_PAIRS) {
        return true;
    }
    bool news = i == run->told_count || run->told[i].state != pair->state;
    run->told[i] = (told_pair){pair->local_id, pair->remote_address, pair->state};
    run->told_count += i == run->told_count;
    return news;
}

void pairs_tell(connect_run *run, const floe_ice_pair *pair)
{
    bool waits = pair->state == FLOE_ICE_PAIR_FROZEN || pair->state == FLOE_ICE_PAIR_WAITING;
    char row[800];

    if (is_news(run, pair) && !waits) {
        row_text(pair, row, sizeof row);
        output_print(connect_output(run), "%s\n", row);
    }
}

/* ── The chosen one ── */

void pairs_tell_chosen(connect_run *run, const floe_ice_pair *pair)
{
    char local[340];
    char remote[340];
    char took[32];
    bool first = run->chosen.local_id == 0;

    side_text(pair->local, local, sizeof local);
    side_text(pair->remote, remote, sizeof remote);
    round_trip_text(pair, took, sizeof took);
    connect_tell(run, "%s%s%s by %s to %s%s%s", screen_paint(&run->report.screen, PAINT_GREEN),
                 first ? "connected" : "now", screen_paint(&run->report.screen, PAINT_PLAIN), local,
                 remote, *took != '\0' ? ", round trip " : "", took);
}

/* ── Where none works ── */

static void tell_pair(output *to, const floe_ice_pair *pair)
{
    char text[FLOE_ICE_EXPLANATION_SIZE] = "";

    row_text(pair, text, sizeof text);
    output_print(to, "%s\n", text);
    if (pair->state == FLOE_ICE_PAIR_FAILED &&
        floe_ice_explain_pair(pair, text, sizeof text) == FLOE_OK && *text != '\0') {
        output_print(to, "%*s", INDENT, "");
        screen_print_wrapped(to, text, INDENT, INDENT);
    }
}

void pairs_tell_failure(connect_run *run)
{
    char text[FLOE_ICE_EXPLANATION_SIZE] = "";
    floe_ice_pair_list *list = NULL;
    output *to = connect_output(run);

    screen_clear(&run->report.screen);
    if (floe_transport_get_pairs(run->transport, &list) == FLOE_OK) {
        for (size_t i = 0; i < list->count; i++) {
            tell_pair(to, list->pairs[i]);
        }
        floe_ice_pair_list_free(list);
    }
    (void)floe_transport_explain(run->transport, text, sizeof text);
    screen_tell("floe: connect: %s", *text != '\0' ? text : "no pair of candidates works");
}

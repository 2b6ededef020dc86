/* `floe turn check` on a terminal: a grid of addresses and transports, or a table where there is room, drawn anew in place
 * until all rows have ended. */
#include "cli/check_lines.h"
#include "cli/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL 12
#define TABLE_WIDTH 120
/* Where there are more servers, only those are told of at length that have not all been well. */
#define SERVERS_AT_LENGTH 6

/* One line of the grid: an address, and its row for each transport. */
typedef struct grid_line {
    const check_row *rows[CHECK_TRANSPORTS];
    const check_row *first;
    bool with_port; /* the same address stands in another line too */
} grid_line;

typedef struct grid {
    grid_line *lines;
    size_t count;
    bool used[CHECK_TRANSPORTS];
} grid;

static int width_of_screen(int *height)
{
    size_t width = screen_width();

    *height = (int)screen_height();
    return width != SIZE_MAX ? (int)width : 80;
}

static const char *address_of(const check_row *row)
{
    return *row->address != '\0' ? row->address : row->host;
}

static void place_row(grid *of, const check_row *row)
{
    grid_line *same = NULL;

    of->used[row->transport] = true;
    for (size_t i = 0; i < of->count; i++) {
        grid_line *line = &of->lines[i];
        if (strcmp(line->first->host, row->host) != 0 ||
            strcmp(address_of(line->first), address_of(row)) != 0) {
            continue;
        }
        same = line;
        if (line->rows[row->transport] == NULL) {
            line->rows[row->transport] = row;
            return;
        }
    }
    grid_line *line = &of->lines[of->count++];
    *line = (grid_line){.first = row, .with_port = same != NULL};
    line->rows[row->transport] = row;
    if (same != NULL) {
        same->with_port = true;
    }
}

/* False: no memory. */
static bool make_grid(const turn_checker *checker, grid *of)
{
    *of = (grid){.lines = calloc(checker->row_count + 1, sizeof *of->lines)};
    for (size_t i = 0; of->lines != NULL && i < checker->row_count; i++) {
        place_row(of, &checker->rows[i]);
    }
    return of->lines != NULL;
}

static void label_of(const grid_line *line, char *text, size_t size)
{
    const char *address = address_of(line->first);
    bool ipv6 = strchr(address, ':') != NULL;

    if (line->with_port) {
        (void)snprintf(text, size, "%s%s%s:%u", ipv6 ? "[" : "", address, ipv6 ? "]" : "",
                       line->first->port);
    } else {
        (void)snprintf(text, size, "%s", address);
    }
}

/* ── What stands in a cell ── */

static double time_of(const check_row *row)
{
    return row->round_trip_ms > 0 ? row->round_trip_ms : row->data_round_trip_ms;
}

static paint colour_of(const check_row *row)
{
    static const paint colours[] = {
        [CHECK_WAITS] = PAINT_PLAIN, [CHECK_RUNS] = PAINT_YELLOW,   [CHECK_OK] = PAINT_GREEN,
        [CHECK_FAILED] = PAINT_RED,  [CHECK_SKIPPED] = PAINT_PLAIN, [CHECK_STOPPED] = PAINT_YELLOW};

    return colours[row->state];
}

static void say_state(const turn_checker *checker, const check_row *row, char *text, size_t size)
{
    switch (row->state) {
    case CHECK_WAITS:
        (void)snprintf(text, size, "%s", row->again ? "again soon" : "waits");
        break;
    case CHECK_RUNS:
        (void)snprintf(text, size, "%.1f s ...", (double)(uv_hrtime() - row->began) / 1e9);
        break;
    case CHECK_OK:
        (void)snprintf(text, size, "ok %4.0f ms", time_of(row));
        break;
    case CHECK_FAILED:
        (void)snprintf(text, size, "FAILED (%u)", check_cause_of(checker, row));
        break;
    case CHECK_SKIPPED:
        (void)snprintf(text, size, "-");
        break;
    case CHECK_STOPPED:
        (void)snprintf(text, size, "stopped");
        break;
    }
}

static void add_cell(const turn_checker *checker, check_text *to, const check_row *row)
{
    char text[40] = "";

    if (row != NULL) {
        say_state(checker, row, text, sizeof text);
    }
    check_text_cell(to, row != NULL ? colour_of(row) : PAINT_PLAIN, CELL, text);
}

/* ── The grid ── */

static int label_columns(const grid *of, int width)
{
    char label[FLOE_ADDRESS_TEXT_SIZE + 256];
    int widest = 7;
    int cells = 0;

    for (size_t i = 0; i < CHECK_TRANSPORTS; i++) {
        cells += of->used[i];
    }
    for (size_t i = 0; i < of->count; i++) {
        label_of(&of->lines[i], label, sizeof label);
        widest = (int)strlen(label) + 2 > widest ? (int)strlen(label) + 2 : widest;
    }
    int most = width - CELL * cells;
    return widest < most ? widest : most > 4 ? most : 4;
}

static void add_grid(const turn_checker *checker, const grid *of, check_text *to)
{
    int columns = label_columns(of, to->width);
    const char *host = "";
    char label[FLOE_ADDRESS_TEXT_SIZE + 256];

    check_text_cell(to, PAINT_PLAIN, columns, "");
    for (size_t i = 0; i < CHECK_TRANSPORTS; i++) {
        if (of->used[i]) {
            check_text_cell(to, PAINT_BOLD, CELL, check_transport_name((check_transport)i));
        }
    }
    check_text_add(to, "\n");
    for (size_t i = 0; i < of->count; i++) {
        const grid_line *line = &of->lines[i];
        const check_row *first = line->first;
        if (strcmp(first->host, host) != 0 && strcmp(first->host, address_of(first)) != 0) {
            check_text_add(to, "%.*s:\n", to->width - 1, first->host);
        }
        host = first->host;
        label_of(line, label, sizeof label);
        check_text_cell(to, PAINT_PLAIN, columns, label);
        if ((int)strlen(label) > columns - 1) {
            check_text_add(to, "\n");
            check_text_cell(to, PAINT_PLAIN, columns, "");
        }
        for (size_t j = 0; j < CHECK_TRANSPORTS; j++) {
            if (of->used[j]) {
                add_cell(checker, to, line->rows[j]);
            }
        }
        check_text_add(to, "\n");
    }
}

/* ── The table ── */

static int server_columns(const turn_checker *checker)
{
    int widest = 8;

    for (size_t i = 0; i < checker->row_count; i++) {
        int size = (int)strlen(address_of(&checker->rows[i])) + 10;
        widest = size > widest ? size : widest;
    }
    return widest;
}

/* Of what stands behind the server's column. */
#define TABLE_REST 100

static void add_number(check_text *to, int columns, bool known, const char *format, double number)
{
    char text[40] = "-";

    if (known) {
        (void)snprintf(text, sizeof text, format, number); /* NOLINT: each a literal */
    }
    check_text_cell(to, PAINT_PLAIN, columns, text);
}

static void add_tls(check_text *to, const check_row *row)
{
    char text[40] = "-";

    if (*row->tls != '\0') {
        const char *version = strchr(row->tls, 'v');
        (void)snprintf(text, sizeof text, "%s", version != NULL ? version + 1 : row->tls);
    }
    if (*row->certificate != '\0') {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, " %ld d", check_days_left(row));
    }
    check_text_cell(to, PAINT_PLAIN, 11, text);
}

static void add_relay_and_data(check_text *to, const check_row *row)
{
    bool has[2] = {false, false};
    char text[40];

    for (size_t i = 0; i < row->relay_count; i++) {
        has[strchr(row->relays[i], ':') != NULL] = true;
    }
    (void)snprintf(text, sizeof text, "%s / %s", has[0] ? "yes" : "no", has[1] ? "yes" : "no");
    check_text_cell(to, PAINT_PLAIN, 11, row->relay_count > 0 ? text : "-");
    (void)snprintf(text, sizeof text, "%u of %u", row->received, row->sent);
    check_text_cell(to, PAINT_PLAIN, 13, row->sent > 0 ? text : "-");
}

static void add_table_row(const turn_checker *checker, check_text *to, const check_row *row,
                          int columns)
{
    static const char *const outsides[] = {"not tried", "open", "CLOSED"};
    const char *address = address_of(row);
    bool ipv6 = strchr(address, ':') != NULL;
    char text[FLOE_ADDRESS_TEXT_SIZE + 272];
    bool ended = row->state != CHECK_WAITS && row->state != CHECK_RUNS;

    (void)snprintf(text, sizeof text, "%s%s%s:%u", ipv6 ? "[" : "", address, ipv6 ? "]" : "",
                   row->port);
    check_text_cell(to, PAINT_PLAIN, columns, text);
    check_text_cell(to, PAINT_PLAIN, 6, check_transport_name(row->transport));
    if (ended) {
        add_number(to, 9, row->connect_ms > 0, "%.0f ms", row->connect_ms);
        add_tls(to, row);
        add_number(to, 9, row->round_trip_ms > 0, "%.0f ms", row->round_trip_ms);
        add_relay_and_data(to, row);
        add_number(to, 6, row->sent > 0, "%.0f%%", check_loss(row));
        add_number(to, 7, row->mbit > 0, "%.2f", row->mbit);
        bool mute = row->outward == OUTSIDE_CLOSED;
        check_text_cell(to, mute || row->outside == OUTSIDE_CLOSED ? PAINT_RED : PAINT_PLAIN, 11,
                        row->relay_count == 0 ? "-"
                        : mute                ? "OUT CLOSED"
                                              : outsides[row->outside]);
    }
    say_state(checker, row, text, sizeof text);
    check_text_cell(to, colour_of(row), 0, row->state == CHECK_OK ? "ok" : text);
    check_text_add(to, "\n");
}

static void add_table(const turn_checker *checker, check_text *to)
{
    static const struct {
        const char *name;
        int columns;
    } heads[] = {{"by", 6},    {"connect", 9}, {"tls", 11}, {"answer", 9},   {"relay 4/6", 11},
                 {"data", 13}, {"loss", 6},    {"rate", 7}, {"outside", 11}, {"result", 0}};
    int columns = server_columns(checker);

    check_text_cell(to, PAINT_BOLD, columns, "server");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        check_text_cell(to, PAINT_BOLD, heads[i].columns, heads[i].name);
    }
    check_text_add(to, "\n");
    const char *host = "";
    for (size_t i = 0; i < checker->row_count; i++) {
        const check_row *row = &checker->rows[i];
        if (strcmp(row->host, host) != 0 && strcmp(row->host, address_of(row)) != 0) {
            check_text_add(to, "%.*s:\n", to->width - 1, row->host);
        }
        host = row->host;
        add_table_row(checker, to, row, columns);
    }
}

static bool is_wide(const turn_checker *checker, int width)
{
    return width >= TABLE_WIDTH && server_columns(checker) + TABLE_REST <= width;
}

static void add_rows(const turn_checker *checker, const grid *of, check_text *to)
{
    if (is_wide(checker, to->width)) {
        add_table(checker, to);
    } else {
        add_grid(checker, of, to);
    }
}

/* ── Drawing ── */

static void erase(turn_checker *checker, int width)
{
    int lines = check_text_lines(&checker->drawn, width);

    if (lines > 0) {
        output_print(standard_output, "\033[%dA\r\033[J", lines);
    }
    check_text_free(&checker->drawn);
}

/* Where there is no room for all rows. */
static void add_progress(const turn_checker *checker, check_text *to)
{
    check_counts counts = check_count(checker);
    size_t ended = counts.ok + counts.failed + counts.skipped;

    check_text_add(to, "%zu of %zu checked, %zu failed, %.1f s\n", ended, checker->row_count,
                   counts.failed, (double)(uv_hrtime() - checker->began) / 1e9);
}

void check_grid_draw(turn_checker *checker)
{
    int height;
    int width = width_of_screen(&height);
    check_text text = {.on = &checker->report->screen, .width = width};
    grid of;

    if (!make_grid(checker, &of)) {
        return;
    }
    add_rows(checker, &of, &text);
    if (check_text_lines(&text, width) >= height) {
        check_text_free(&text);
        text = (check_text){.on = &checker->report->screen, .width = width};
        add_progress(checker, &text);
    }
    free(of.lines);
    erase(checker, width);
    output_print(standard_output, "%s", text.text != NULL ? text.text : "");
    checker->drawn = text;
}

/* ── The end ── */

#define LABEL 14

static void add_labelled(check_text *to, const char *label, check_text *text)
{
    if (text->size > 0) {
        check_text_sentence(to, PAINT_PLAIN, label, LABEL, text->text);
    }
    check_text_free(text);
}

/* Each transport's share, and once what all say alike. */
static void add_all_data(check_text *to, const grid_line *line)
{
    check_text text = {0};

    for (size_t i = 0; i < CHECK_TRANSPORTS; i++) {
        const check_row *row = line->rows[i];
        if (row == NULL || row->relay_count == 0) {
            continue;
        }
        check_text_add(&text, "%s%s ", text.size > 0 ? "; " : "",
                       check_transport_name((check_transport)i));
        if (row->sent == 0) {
            check_text_add(&text, "not tested");
        } else {
            check_text_add(&text, "%u/%u%s", row->received, row->sent,
                           row->by_outside ? " from outside" : "");
        }
        if (row->received > 0) {
            check_text_add(&text, ", %.0f ms", row->data_round_trip_ms);
        }
    }
    add_labelled(to, "data", &text);
}

static void add_all_outside(check_text *to, const grid_line *line)
{
    check_text before = {0};

    for (size_t i = 0; i < CHECK_TRANSPORTS; i++) {
        const check_row *row = line->rows[i];
        check_text text = {0};
        if (row == NULL || row->relay_count == 0) {
            continue;
        }
        if (row->outside == OUTSIDE_OPEN) {
            check_text_add(&text, "packets from here pass: the relay ports are open%s",
                           check_outward_word(row));
        } else {
            check_add_outside(&text, row);
        }
        if (before.size == 0 || strcmp(before.text, text.text) != 0) {
            check_text_sentence(to, PAINT_PLAIN, before.size == 0 ? "from outside" : "", LABEL,
                                text.text);
        }
        check_text_free(&before);
        before = text;
    }
    check_text_free(&before);
}

static int tells_of_tcp(const check_row *row)
{
    return row->tcp_relay ? 3 : row->tcp_known ? 2 : row->tcp_asked;
}

/* The first of whose server something is known; of those with a relay, one that tells of relays for TCP. */
static const check_row *row_with(const grid_line *line, bool relay)
{
    const check_row *found = NULL;

    for (size_t i = 0; i < CHECK_TRANSPORTS; i++) {
        const check_row *row = line->rows[i];
        bool has = row != NULL && (relay ? row->relay_count > 0 : *row->certificate != '\0');
        if (has && (found == NULL || (relay && tells_of_tcp(row) > tells_of_tcp(found)))) {
            found = row;
        }
    }
    return found;
}

static void add_certificate(check_text *to, const check_row *row)
{
    check_text text = {0};
    long days = check_days_left(row);

    check_text_add(&text, "%s, %ld day%s left, %s%s", row->certificate, days, days == 1 ? "" : "s",
                   *row->tls != '\0' ? row->tls : "refused",
                   row->verified >= 0 ? ", NOT CHECKED (--insecure)" : "");
    add_labelled(to, "certificate", &text);
}

/* Whoever has that port instead of a TURN server. */
static bool add_stranger(check_text *to, const grid_line *line)
{
    bool any = false;

    for (size_t i = 0; i < CHECK_TRANSPORTS; i++) {
        const check_row *row = line->rows[i];
        if (row != NULL && row->relay_count == 0 && *row->secured != '\0') {
            check_text_add(to, "\n%.*s\n", to->width - 1, address_of(line->first));
            check_text_sentence(to, PAINT_PLAIN, check_transport_name((check_transport)i), LABEL,
                                row->secured);
            any = true;
        }
    }
    return any;
}

/* Where another transport has another relayed address, another server has answered: that of a balancer. */
static void add_other_relays(check_text *to, const grid_line *line, const check_row *of)
{
    for (size_t i = 0; i < CHECK_TRANSPORTS; i++) {
        const check_row *row = line->rows[i];
        if (row != NULL && row->relay_count > 0 && strcmp(row->relays[0], of->relays[0]) != 0 &&
            strcmp(row->relays[0], of->relays[1]) != 0) {
            check_text text = {0};
            check_text_add(&text, "by %s %s%s%s: is there another server behind this address?",
                           check_transport_name((check_transport)i), row->relays[0],
                           row->relay_count > 1 ? " and " : "", row->relays[1]);
            add_labelled(to, "", &text);
        }
    }
}

static void add_server(check_text *to, const grid_line *line)
{
    const check_row *relay = row_with(line, true);
    const check_row *secure = row_with(line, false);
    check_text text = {0};

    if (relay != NULL) {
        check_text_add(&text, "%s", *relay->software != '\0' ? relay->software : "a TURN server");
        if (*relay->realm != '\0') {
            check_text_add(&text, ", realm \"%s\"", relay->realm);
        }
        check_text_add(&text, "; sign-in: %s",
                       *relay->authentication != '\0' ? relay->authentication : "none");
    }
    if ((relay == NULL && add_stranger(to, line)) || (relay == NULL && secure == NULL)) {
        return;
    }
    check_text_add(to, "\n%.*s\n", to->width - 1, address_of(line->first));
    add_labelled(to, "server", &text);
    if (secure != NULL) {
        add_certificate(to, secure);
    }
    if (relay != NULL) {
        text = (check_text){0};
        check_add_relays(&text, relay);
        check_text_add(&text, "; TCP relays: %s, mobility: %s", check_tcp_word(relay),
                       relay->mobility ? "yes" : "no");
        add_labelled(to, "relays", &text);
        add_other_relays(to, line, relay);
        add_all_data(to, line);
        add_all_outside(to, line);
    }
}

static bool is_all_well(const grid_line *line)
{
    for (size_t i = 0; i < CHECK_TRANSPORTS; i++) {
        if (line->rows[i] != NULL && line->rows[i]->state != CHECK_OK) {
            return false;
        }
    }
    return true;
}

static void add_causes(const turn_checker *checker, check_text *to)
{
    unsigned last = 0;

    for (size_t i = 0; i < checker->row_count; i++) {
        const check_row *row = &checker->rows[i];
        unsigned number = row->state == CHECK_FAILED ? check_cause_of(checker, row) : 0;
        if (number > last) {
            char label[16];
            (void)snprintf(label, sizeof label, "(%u)", number);
            check_text_sentence(to, PAINT_RED, label, LABEL, row->error);
            last = number;
        } else if (row->state == CHECK_SKIPPED) {
            check_text_sentence(to, PAINT_PLAIN, "not checked", LABEL, row->error);
        }
    }
}

void check_grid_end(turn_checker *checker, int status)
{
    int height;
    int width = width_of_screen(&height);
    check_text text = {.on = &checker->report->screen, .width = width};
    grid of;

    erase(checker, width);
    if (!make_grid(checker, &of)) {
        return;
    }
    add_rows(checker, &of, &text);
    for (size_t i = 0; i < of.count; i++) {
        if (of.count <= SERVERS_AT_LENGTH || !is_all_well(&of.lines[i])) {
            add_server(&text, &of.lines[i]);
        }
    }
    check_text_add(&text, "\n");
    check_add_warnings(&text, checker);
    add_causes(checker, &text);
    check_add_summary(&text, checker, status);
    free(of.lines);
    output_write(standard_output, text.text, text.size);
    check_text_free(&text);
}

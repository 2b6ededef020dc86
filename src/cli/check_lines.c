/* A row in lines, for a pipe; and what stands behind all rows, there and on a terminal. */
#include "cli/check_lines.h"

#include "cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INDENT "       "

static void add_answers(check_text *to, const check_row *row)
{
    if (row->round_trip_ms > 0) { /* else each request was sent more than once */
        check_text_add(to, "in %.0f ms, ", row->round_trip_ms);
    }
    check_text_add(to, "%s",
                   *row->authentication != '\0' ? row->authentication : "no authentication");
    if (*row->realm != '\0') {
        check_text_add(to, ", realm \"%s\"", row->realm);
    }
    if (*row->software != '\0') {
        check_text_add(to, ", %s", row->software);
    }
    check_text_add(to, "\n");
}

void check_add_relays(check_text *to, const check_row *row)
{
    bool ipv4 = strchr(row->relays[0], ':') == NULL;

    check_text_add(to, "%s%s%s for %" PRIu32 " s", row->relays[0],
                   row->relay_count > 1 ? " and " : "", row->relays[1], row->lifetime);
    if (row->family_error != 0) {
        check_text_add(to, "; no %s relay (%u)", ipv4 ? "IPv6" : "IPv4", row->family_error);
    }
}

const char *check_tcp_word(const check_row *row)
{
    return row->tcp_relay                     ? "yes"
           : !check_is_stream(row->transport) ? "not asked over UDP"
           : !row->tcp_asked                  ? "not asked for (--network-types)"
           : row->tcp_known                   ? "no"
                                              : "it does not say";
}

void check_add_data(check_text *to, const check_row *row)
{
    if (row->sent == 0) {
        check_text_add(to, "not tested");
    } else {
        check_text_add(to, "%u of %u packets came back%s", row->received, row->sent,
                       row->by_outside ? " from outside" : "");
    }
    if (row->received > 0) {
        check_text_add(to, ", in %.0f ms", row->data_round_trip_ms);
    }
    if (row->mbit > 0) {
        check_text_add(to, ", %.2f Mbit/s", row->mbit);
    }
    if (row->loop == LOOP_REFUSED) {
        check_text_add(to, " (it denies itself as a peer: %u)", row->loop_code);
    }
}

const char *check_outward_word(const check_row *row)
{
    return row->outward == OUTSIDE_CLOSED ? "; nothing comes back" : "";
}

void check_add_outside(check_text *to, const check_row *row)
{
    if (row->outside == OUTSIDE_OPEN) {
        check_text_add(to, "%s -> %s passes: the relay ports are open%s", row->outside_from,
                       row->outside_to, check_outward_word(row));
    } else if (row->outside == OUTSIDE_CLOSED) {
        check_text_add(to, "%u packets to %s did not arrive", row->tries, row->outside_to);
    } else {
        check_text_add(to, "not tried: %s", row->outside_why);
    }
}

static void add_row(check_text *to, const check_row *row)
{
    if (row->connect_ms > 0) {
        check_text_add(to, INDENT "connected     in %.0f ms%s%s%s\n", row->connect_ms,
                       *row->tls != '\0' ? ", " : "", row->tls, row->resumed ? ", resumed" : "");
    }
    if (*row->certificate != '\0') {
        long days = check_days_left(row);
        check_text_add(to, INDENT "certificate   %s, %ld day%s left%s\n", row->certificate, days,
                       days == 1 ? "" : "s",
                       row->verified >= 0 ? ", NOT CHECKED (--insecure)" : "");
    }
    if (row->relay_count == 0 && *row->secured != '\0') {
        check_text_add(to, INDENT "tls           %s\n", row->secured);
    }
    if (row->relay_count > 0) {
        check_text_add(to, INDENT "answers       ");
        add_answers(to, row);
        check_text_add(to, INDENT "relays        ");
        check_add_relays(to, row);
        check_text_add(to, "\n" INDENT "offers        mobility: %s, TCP allocations: %s\n",
                       row->mobility ? "yes" : "no", check_tcp_word(row));
        check_text_add(to, INDENT "data          ");
        check_add_data(to, row);
        check_text_add(to, "\n");
        check_text_add(to, INDENT "from outside  ");
        check_add_outside(to, row);
        check_text_add(to, "\n");
    }
}

static const char *word_of(const check_row *row)
{
    return row->state == CHECK_OK ? "ok" : row->state == CHECK_FAILED ? "FAILED" : "-";
}

static void write_all(check_text *text)
{
    if (text->size > 0) {
        output_write(standard_output, text->text, text->size);
    }
    check_text_free(text);
}

/* As it is told to people: what came of it, at which address. */
void check_lines_row(const turn_checker *checker, const check_row *row)
{
    check_text text = {.on = &checker->report->screen};
    paint colour = row->state == CHECK_OK       ? PAINT_GREEN
                   : row->state == CHECK_FAILED ? PAINT_RED
                                                : PAINT_PLAIN;
    const char *family = check_family_name(row->family);

    check_text_cell(&text, colour, 6, word_of(row));
    check_text_add(&text, " %s%s%s%s%s\n", row->url, *family != '\0' ? " over " : "", family,
                   *row->server != '\0' ? ", " : "", row->server);
    add_row(&text, row);
    if (*row->error != '\0') {
        check_text_add(&text, INDENT "%s%s\n",
                       row->state == CHECK_SKIPPED ? "not checked   " : "what is wrong ",
                       row->error);
    }
    if (row->again) {
        check_text_add(&text, INDENT "tried         twice%s, in %.1f s\n",
                       row->state == CHECK_FAILED ? ""
                       : row->crowded != 0        ? ": the first time it refused"
                                                  : ": the first time no answer came",
                       row->took_ms / 1000);
    }
    write_all(&text);
}

/* ── Behind the rows ── */

/* Whether an earlier row has the same. */
static bool was_said(const turn_checker *checker, size_t at, int kind)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(checker->rows[i].warnings[kind], checker->rows[at].warnings[kind]) == 0) {
            return true;
        }
    }
    return false;
}

void check_add_warnings(check_text *to, const turn_checker *checker)
{
    for (int kind = 0; kind < WARNINGS; kind++) {
        for (size_t i = 0; i < checker->row_count; i++) {
            const check_row *row = &checker->rows[i];
            if (*row->warnings[kind] != '\0' && !was_said(checker, i, kind)) {
                check_text_sentence(to, PAINT_YELLOW, "warning", 14, row->warnings[kind]);
            }
        }
    }
}

static void add_count(check_text *to, size_t count, const char *one, const char *more)
{
    if (count > 0) {
        check_text_add(to, ", %zu %s", count, count == 1 ? one : more);
    }
}

void check_add_summary(check_text *to, const turn_checker *checker, int status)
{
    check_counts counts = check_count(checker);
    size_t all = checker->row_count - counts.skipped;

    check_text_add(to, "%zu of %zu work%s", counts.ok, all, counts.ok == 1 ? "s" : "");
    add_count(to, counts.causes, "cause to look at", "causes to look at");
    add_count(to, counts.warnings, "warning", "warnings");
    add_count(to, counts.skipped, "not checked", "not checked");
    add_count(to, counts.stopped, "not finished", "not finished");
    check_text_add(to, "; exit %d, %.1f s\n", status, (double)(uv_hrtime() - checker->began) / 1e9);
}

void check_lines_end(const turn_checker *checker, int status)
{
    check_text text = {.on = &checker->report->screen};

    check_add_warnings(&text, checker);
    check_add_summary(&text, checker, status);
    write_all(&text);
}

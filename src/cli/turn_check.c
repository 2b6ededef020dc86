/* `floe turn check`: a relay by each transport at each address of each server, side by side, and packets through it. */
#include "cli/check.h"
#include "cli/output.h"
#include "cli/screen.h"
#include "cli/turn.h"

#include <stdlib.h>
#include <string.h>

/* How often the screen is drawn anew, and what waits is looked at. */
#define REDRAW_MS 100
/* How long a server may count an allocation that was released. */
#define RELEASED_MS 2000

enum {
    EXIT_WELL = 0,
    EXIT_SOME_FAILED = 1,
    EXIT_WRONG_USAGE = 2,
    EXIT_NOTHING_WORKS = 3,
    EXIT_WARNINGS = 4,
};

static bool on_screen(const turn_checker *checker)
{
    return checker->report->screen.terminal && !checker->command->json &&
           !checker->command->verbose;
}

/* ── What has ended is shown ── */

static bool has_ended(const check_row *row)
{
    return row->state == CHECK_OK || row->state == CHECK_FAILED || row->state == CHECK_SKIPPED;
}

/* In the order of the rows, as far as none is missing. */
static void show(turn_checker *checker)
{
    while (checker->shown < checker->row_count && has_ended(&checker->rows[checker->shown])) {
        const check_row *row = &checker->rows[checker->shown++];
        if (checker->command->json) {
            check_json_row(row);
        } else {
            check_lines_row(checker, row);
        }
    }
}

/* After an interrupt: those that have ended behind one that has not. */
static void show_rest(turn_checker *checker)
{
    for (; checker->shown < checker->row_count; checker->shown++) {
        const check_row *row = &checker->rows[checker->shown];
        if (has_ended(row) && checker->command->json) {
            check_json_row(row);
        } else if (has_ended(row)) {
            check_lines_row(checker, row);
        }
    }
}

/* ── Which row is next ── */

static bool same_place(const check_row *a, const check_row *b)
{
    return strcmp(a->host, b->host) == 0 && strcmp(a->address, b->address) == 0;
}

/* A quota, or ports, that our own allocations of other rows have used up: a server may count them for a while after they
 * were released. */
static bool is_full_of_us(const turn_checker *checker, const check_row *row)
{
    if ((row->code != 486 && row->code != 508) || row->relay_count > 0 || row->again) {
        return false;
    }
    for (size_t i = 0; i < checker->row_count; i++) {
        const check_row *other = &checker->rows[i];
        if (other != row && same_place(other, row) &&
            (other->relay_count > 0 || other->state == CHECK_RUNS || other->state == CHECK_WAITS)) {
            return true;
        }
    }
    return false;
}

/* It answers, but not this: a way that loses packets may have lost all of one request's. */
static bool has_lost_answers(const check_row *row)
{
    return row->heard && row->relay_count == 0 && !row->again &&
           strcmp(row->reason, floe_failure_reason_name(FLOE_FAILURE_REASON_TIMEOUT)) == 0;
}

static void put_off(check_row *row)
{
    check_row fresh = {.transport = row->transport,
                       .family = row->family,
                       .port = row->port,
                       .reason = "",
                       .crowded = row->crowded,
                       .before_ms = row->took_ms,
                       .again = true};

    fresh.url_number = row->url_number;
    memcpy(fresh.url, row->url, sizeof fresh.url);
    memcpy(fresh.host, row->host, sizeof fresh.host);
    memcpy(fresh.address, row->address, sizeof fresh.address);
    *row = fresh;
}

static check_row *next_row(turn_checker *checker, bool again)
{
    for (size_t i = 0; i < checker->row_count; i++) {
        if (checker->rows[i].state == CHECK_WAITS && checker->rows[i].again == again) {
            return &checker->rows[i];
        }
    }
    return NULL;
}

static void begin(turn_checker *checker, check_row *row)
{
    if (!check_run_begin(checker, row)) {
        checker->broken = true;
    }
}

/* Those that are put off have the server to themselves, one after the other. */
static void begin_more(turn_checker *checker)
{
    check_row *row;

    while (!checker->broken && checker->running < checker->command->jobs &&
           (row = next_row(checker, false)) != NULL) {
        begin(checker, row);
    }
    if (!checker->broken && checker->running == 0 && (row = next_row(checker, true)) != NULL &&
        uv_hrtime() - checker->ended >= RELEASED_MS * UINT64_C(1000000)) {
        begin(checker, row);
    }
}

static bool is_over(turn_checker *checker)
{
    return checker->running == 0 &&
           (checker->broken || checker->interrupted.came ||
            (next_row(checker, false) == NULL && next_row(checker, true) == NULL));
}

static void go_on(turn_checker *checker)
{
    if (!checker->interrupted.came) {
        begin_more(checker);
    }
    if (is_over(checker)) {
        uv_stop(&checker->loop);
    }
}

void check_row_ended(turn_checker *checker, struct check_run *run, check_row *row)
{
    (void)run;
    checker->ended = uv_hrtime();
    check_verdict(checker, row);
    if (row->state == CHECK_FAILED && !checker->interrupted.came &&
        (is_full_of_us(checker, row) || has_lost_answers(row))) {
        put_off(row);
    }
    if (!on_screen(checker)) {
        show(checker);
    }
    go_on(checker);
}

static void on_timer(uv_timer_t *timer)
{
    turn_checker *checker = timer->data;

    if (on_screen(checker)) {
        check_grid_draw(checker);
    }
    go_on(checker);
}

static void on_interrupt(void *data)
{
    turn_checker *checker = data;

    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (checker->runs[i] != NULL) {
            check_run_stop(checker->runs[i]);
        }
    }
    if (checker->running == 0) {
        uv_stop(&checker->loop);
    }
}

/* ── The end ── */

static int status_of(const turn_checker *checker)
{
    check_counts counts = check_count(checker);

    return checker->broken                                   ? EXIT_WRONG_USAGE
           : checker->interrupted.came                       ? EXIT_INTERRUPTED
           : counts.ok == 0                                  ? EXIT_NOTHING_WORKS
           : counts.failed > 0                               ? EXIT_SOME_FAILED
           : counts.warnings > 0 && checker->command->strict ? EXIT_WARNINGS
                                                             : EXIT_WELL;
}

/* What was not finished, each by its name. */
static void tell_stopped(const turn_checker *checker)
{
    const char *before = "floe: turn check: interrupted; not finished: ";

    for (size_t i = 0; i < checker->row_count; i++) {
        const check_row *row = &checker->rows[i];
        if (row->state == CHECK_WAITS || row->state == CHECK_STOPPED) {
            output_print(standard_error, "%s%s%s%s", before, row->url,
                         *row->address != '\0' && strcmp(row->address, row->host) != 0 ? " at "
                                                                                       : "",
                         strcmp(row->address, row->host) != 0 ? row->address : "");
            before = ", ";
        }
    }
    output_print(standard_error, "%s", *before == ',' ? "\n" : "");
}

static void tell_end(turn_checker *checker, int status)
{
    if (on_screen(checker)) {
        check_grid_end(checker, status);
    } else {
        show_rest(checker);
    }
    if (checker->command->json) {
        check_json_summary(checker, status);
    } else if (!on_screen(checker)) {
        check_lines_end(checker, status);
    }
    if (checker->interrupted.came) {
        tell_stopped(checker);
    } else if (check_count(checker).skipped == checker->row_count) {
        screen_tell("floe: turn check: nothing was checked: no local address is of the same "
                    "family (IPv4, IPv6) as an address of the servers");
    }
}

static void run_all(turn_checker *checker)
{
    (void)uv_timer_init(&checker->loop, &checker->timer);
    checker->timer.data = checker;
    (void)uv_timer_start(&checker->timer, on_timer, 0, REDRAW_MS);
    (void)uv_run(&checker->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&checker->timer, NULL);
}

static void choose_settings(turn_checker *checker, gather_command *command)
{
    command->settings.loop = &checker->loop;
    if (command->settings.network_types == 0) {
        command->settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_UDP6 |
                                          FLOE_NETWORK_TYPE_TCP4 | FLOE_NETWORK_TYPE_TCP6;
    }
    command->settings.mobility = true; /* to see whether the server has it */
    use_filters(command);
    checker->settings = command->settings;
}

int turn_check(gather_command *command, const gather_report *report)
{
    turn_checker checker = {.command = command, .report = report, .began = uv_hrtime()};
    int status = EXIT_WRONG_USAGE;

    if (command->url_count == 0) {
        screen_tell("floe: turn check: no server given: add turn:HOST or turns:HOST");
        return EXIT_WRONG_USAGE;
    }
    if (interrupt_start(&checker.interrupted, &checker.loop, on_interrupt, &checker) != 0) {
        return EXIT_NOTHING_WORKS;
    }
    choose_settings(&checker, command);
    bool planned = check_plan(&checker, &status);
    if (planned && command->json) {
        json_write_start("turn check");
    }
    if (planned && !checker.interrupted.came) {
        run_all(&checker);
    }
    interrupt_stop(&checker.interrupted);
    (void)uv_run(&checker.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&checker.loop);
    if (planned) {
        status = status_of(&checker);
        if (!checker.broken) {
            tell_end(&checker, status);
        }
    }
    check_runs_free(&checker);
    check_plan_free(&checker);
    return status;
}

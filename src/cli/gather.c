/* `floe gather`: gatherers on the command's own loop, rounds of them one after another, the hold at
 * the end, and the interrupt. */
#include "cli/gather.h"

#include "cli/credentials.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/no_address.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/watch.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
    EXIT_ALL_ANSWERED = 0,
    EXIT_SERVER_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_CANDIDATE = 3,
};

typedef struct gather_run gather_run;

/* One gatherer of the round at hand. */
typedef struct gather_slot {
    gather_run *run;
    floe_gatherer *gatherer;
    unsigned number;
    bool complete; /* has been, in this round: what comes then is the network's doing */
    uint64_t started;
} gather_slot;

struct gather_run {
    gather_command command;
    gather_report report;
    uv_loop_t loop;
    uv_timer_t progress;
    uv_timer_t hold;
    uv_timer_t tick;    /* of a hold */
    uint64_t addresses; /* that the machine had when it was last gathered */
    bool gathering;     /* a round is under way */
    interrupt interrupted;
    floe_api *api;
    gather_slot *slots;
    unsigned rounds;   /* begun */
    unsigned complete; /* gatherers of this round that are */
    unsigned closed;
    uint64_t started;
    double round_ms; /* of all rounds together */
    bool failed_to_start;
};

static double since(uint64_t started)
{
    return (double)(uv_hrtime() - started) / 1e6;
}

static void begin_round(gather_run *run);

static void close_handle(void *handle)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* Where there is nothing to gather on, and no server's failure says why. */
static void tell_no_address(gather_run *run)
{
    const gather_command *command = &run->command;
    bool fields = command->format == CANDIDATE_FIELDS;
    char text[900];

    if (run->report.summary.found || run->report.summary.errors > 0 || run->interrupted.came) {
        return;
    }
    if (!nothing_wanted_text(command, text, sizeof text)) {
        no_address_text(&command->filters, text, sizeof text);
    }
    if (command->json && fields) {
        report_error(&run->report, 0, run->round_ms,
                     &(floe_candidate_error){
                         .code = 701, .reason = FLOE_FAILURE_REASON_LOCAL, .text = text});
    } else {
        screen_print_wrapped(fields ? standard_output : standard_error, text, 0, 0);
    }
}

/* Nothing more will happen: the loop ends by itself. */
static void end_run(gather_run *run)
{
    close_handle(&run->progress);
    close_handle(&run->hold);
    close_handle(&run->tick);
    interrupt_stop(&run->interrupted);
    for (unsigned i = 0; run->slots != NULL && i < run->command.gatherers; i++) {
        floe_gatherer_free(run->slots[i].gatherer);
        run->slots[i].gatherer = NULL;
    }
    floe_api_statistics statistics = FLOE_API_STATISTICS_INIT;
    (void)floe_api_get_statistics(run->api, &statistics);
    run->report.summary.ms = run->round_ms;
    run->report.summary.interrupted = run->interrupted.came;
    if (!run->failed_to_start) {
        bool json = run->command.json && run->command.format == CANDIDATE_FIELDS;
        if (json) { /* its summary is the last */
            tell_no_address(run);
        }
        report_over(&run->report, &statistics);
        if (!json) {
            tell_no_address(run);
        }
    }
    floe_api_free(run->api);
}

static void close_all(gather_run *run)
{
    (void)uv_timer_stop(&run->progress);
    (void)uv_timer_stop(&run->tick);
    if (run->gathering) { /* it is interrupted */
        run->round_ms += since(run->started);
        run->gathering = false;
    }
    for (unsigned i = 0; i < run->command.gatherers; i++) {
        (void)floe_gatherer_close(run->slots[i].gatherer);
    }
}

static void on_hold_over(uv_timer_t *timer)
{
    close_all(timer->data);
}

/* Addresses that came or went are gathered on, or let go: that tells what of the candidates is dead. */
static void look_at_addresses(gather_run *run)
{
    uint64_t now = watch_addresses();

    if (now == 0 || now == run->addresses) {
        return;
    }
    run->addresses = now;
    failures_free(&run->report.failures); /* what failed then was told */
    for (unsigned i = 0; i < run->command.gatherers; i++) {
        if (floe_gatherer_gather(run->slots[i].gatherer) != FLOE_OK) {
            run->addresses = 0; /* it is gathering: in a second again */
        }
    }
}

static void on_tick(uv_timer_t *timer)
{
    gather_run *run = timer->data;
    floe_gatherer_statistics *all = NULL;

    if (!run->command.continual) { /* else it does so itself */
        look_at_addresses(run);
    }
    if (run->report.live && floe_gatherer_get_statistics(run->slots[0].gatherer, &all) == FLOE_OK) {
        live_draw(&run->report, all);
        floe_gatherer_statistics_free(all);
    }
}

static void begin_hold(gather_run *run)
{
    floe_api_statistics statistics = FLOE_API_STATISTICS_INIT;

    (void)floe_api_get_statistics(run->api, &statistics);
    run->report.summary.ms = run->round_ms;
    report_result(&run->report, &statistics);
    live_begin(&run->report);
    (void)uv_timer_start(&run->tick, on_tick, 0, 1000);
    if (run->command.hold > 0) {
        (void)uv_timer_start(&run->hold, on_hold_over, (uint64_t)(run->command.hold * 1000), 0);
    }
}

static void on_round_complete(gather_run *run)
{
    run->round_ms += since(run->started);
    run->gathering = false;
    (void)uv_timer_stop(&run->progress);
    if (run->rounds < run->command.repeat || run->command.hold == 0) {
        close_all(run);
    } else {
        begin_hold(run);
    }
}

static void on_closed(gather_run *run)
{
    if (++run->closed < run->command.gatherers) {
        return;
    }
    if (run->interrupted.came || run->rounds == run->command.repeat) {
        end_run(run);
    } else {
        begin_round(run);
    }
}

static void on_state(void *user_data, enum floe_gatherer_state state)
{
    gather_slot *slot = user_data;

    report_state(&slot->run->report, slot->number, since(slot->started), state);
    if (state == FLOE_GATHERER_STATE_GATHERING && slot->complete) {
        failures_free(&slot->run->report.failures); /* what failed then was told */
    }
    if (state == FLOE_GATHERER_STATE_CLOSED) {
        on_closed(slot->run);
    }
}

/* A server that has no address of a family that is gathered on is no error to the library; to who
 * named it, it is one. */
static void look_at_servers(const gather_slot *slot, double ms)
{
    gather_run *run = slot->run;
    bool first = slot == &run->slots[0];
    bool told = run->command.json && !run->command.quiet;
    floe_gatherer_statistics *all = NULL;

    if ((first || told) && floe_gatherer_get_statistics(slot->gatherer, &all) == FLOE_OK) {
        report_servers(&run->report, slot->number, ms, all, first && !run->report.holding);
        floe_gatherer_statistics_free(all);
    }
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    gather_slot *slot = user_data;
    gather_run *run = slot->run;
    double ms = since(slot->started);

    if (candidate != NULL) {
        report_candidate(&run->report, slot->number, ms, candidate, false);
        return;
    }
    look_at_servers(slot, ms);
    report_end(&run->report, slot->number, ms, slot->gatherer);
    run->complete += !slot->complete;
    if (!slot->complete && run->complete == run->command.gatherers) {
        slot->complete = true;
        on_round_complete(run);
    }
    slot->complete = true;
}

static void on_network(void *user_data, const floe_network_change *change)
{
    gather_run *run = user_data;

    if (run->slots[0].started != 0) {
        report_network(&run->report, since(run->slots[0].started), change);
    }
}

static void on_withdrawn(void *user_data, const floe_candidate *candidate)
{
    gather_slot *slot = user_data;

    report_candidate(&slot->run->report, slot->number, since(slot->started), candidate, true);
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    gather_slot *slot = user_data;

    report_error(&slot->run->report, slot->number, since(slot->started), error);
}

static void on_progress(uv_timer_t *timer)
{
    gather_run *run = timer->data;
    floe_gatherer_statistics *all = NULL;

    if (run->report.screen.terminal &&
        floe_gatherer_get_statistics(run->slots[0].gatherer, &all) == FLOE_OK) {
        report_progress(&run->report, since(run->started), all);
        floe_gatherer_statistics_free(all);
    }
}

static void on_interrupt(void *data)
{
    close_all(data);
}

static floe_error new_gatherer(gather_run *run, gather_slot *slot)
{
    floe_ice_server servers[SERVERS_MAX];
    floe_gather_options options;

    command_gather_options(&run->command, servers, &options);
    floe_error error = floe_gatherer_new(run->api, &options, &slot->gatherer);
    if (error != FLOE_OK) {
        return error;
    }
    (void)floe_gatherer_on_local_candidate(slot->gatherer, on_candidate, slot);
    (void)floe_gatherer_on_candidate_withdrawn(slot->gatherer, on_withdrawn, slot);
    (void)floe_gatherer_on_state_change(slot->gatherer, on_state, slot);
    (void)floe_gatherer_on_error(slot->gatherer, on_error, slot);
    return FLOE_OK;
}

static bool make_gatherers(gather_run *run)
{
    for (unsigned i = 0; i < run->command.gatherers; i++) {
        gather_slot *slot = &run->slots[i];
        floe_gatherer_free(slot->gatherer);
        *slot = (gather_slot){.run = run, .number = run->rounds * run->command.gatherers + i};
        if (new_gatherer(run, slot) != FLOE_OK) {
            screen_tell("floe: gather: %s", option_words(floe_last_error()));
            return false;
        }
        if (slot->number == 0) { /* what is wrong with the options has been told by now */
            report_start(&run->report);
        }
        floe_parameters parameters = FLOE_PARAMETERS_INIT;
        (void)floe_gatherer_get_local_parameters(slot->gatherer, &parameters);
        report_parameters(&run->report, slot->number, &parameters, 1);
    }
    return true;
}

static void begin_round(gather_run *run)
{
    run->complete = run->closed = 0;
    if (!make_gatherers(run)) {
        run->failed_to_start = true;
        end_run(run);
        return;
    }
    run->rounds++;
    run->report.summary.gatherers += run->command.gatherers;
    run->started = uv_hrtime();
    run->gathering = true;
    if (run->command.hold != 0) { /* what it may find to be others, while it holds */
        run->addresses = watch_addresses();
    }
    for (unsigned i = 0; i < run->command.gatherers; i++) {
        run->slots[i].started = uv_hrtime();
        (void)floe_gatherer_gather(run->slots[i].gatherer);
    }
    (void)uv_timer_start(&run->progress, on_progress, 100, 100);
}

/* False after a line on standard error. */
static bool init_handles(gather_run *run)
{
    if (interrupt_start(&run->interrupted, &run->loop, on_interrupt, run) != 0) {
        return false;
    }
    (void)uv_timer_init(&run->loop, &run->progress);
    (void)uv_timer_init(&run->loop, &run->hold);
    (void)uv_timer_init(&run->loop, &run->tick);
    run->progress.data = run->hold.data = run->tick.data = run;
    return true;
}

static int exit_status(const gather_run *run)
{
    const report_summary *summary = &run->report.summary;

    if (run->failed_to_start) {
        return EXIT_USAGE;
    }
    if (run->interrupted.came) {
        return EXIT_INTERRUPTED;
    }
    if (!summary->found) {
        return EXIT_NO_CANDIDATE;
    }
    return summary->failed > 0 ? EXIT_SERVER_FAILED : EXIT_ALL_ANSWERED;
}

static int run_command(gather_run *run)
{
    if (!report_init(&run->report, &run->command)) {
        return EXIT_USAGE;
    }
    if (!init_handles(run)) {
        return EXIT_NO_CANDIDATE;
    }
    run->command.settings.loop = &run->loop;
    use_filters(&run->command);
    report_use_trace(&run->report, &run->command.settings);
    run->slots = calloc(run->command.gatherers, sizeof *run->slots);
    floe_error error =
        run->slots != NULL ? floe_api_new(&run->command.settings, &run->api) : FLOE_ERR_NO_MEMORY;
    if (error != FLOE_OK) {
        screen_tell("floe: gather: %s", run->slots != NULL ? option_words(floe_last_error())
                                                           : floe_error_string(error));
        run->failed_to_start = true;
        end_run(run);
    } else {
        if (run->command.continual) {
            (void)floe_api_on_network_change(run->api, on_network, run);
        }
        begin_round(run);
    }
    (void)uv_run(&run->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&run->loop);
    if (error == FLOE_OK) {
        return exit_status(run);
    }
    return error == FLOE_ERR_INVALID_ARGUMENT || error == FLOE_ERR_SYNTAX ? EXIT_USAGE
                                                                          : EXIT_NO_CANDIDATE;
}

int gather_main(int count, char **words)
{
    static gather_run run;
    int status = EXIT_USAGE;

    if (parse_command(COMMAND_GATHER, count, words, &run.command) && ask_credential(&run.command)) {
        if (run.command.help) {
            print_command_help(COMMAND_GATHER);
            status = 0;
        } else {
            status = run_command(&run);
        }
    }
    free(run.slots);
    report_free(&run.report);
    free_command(&run.command);
    return status;
}

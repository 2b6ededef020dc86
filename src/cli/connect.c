/* `floe connect`: a gatherer and a transport on the command's own loop, their life and their end. */
#include "cli/connect.h"

#include "cli/connect_run.h"
#include "cli/credentials.h"
#include "cli/help.h"
#include "cli/no_address.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_MS 100

double connect_ms(const connect_run *run)
{
    return (double)(uv_hrtime() - run->started) / 1e6;
}

static bool is_json(const connect_run *run)
{
    return run->mode == CONNECT_JSON;
}

/* ── The end ── */

void connect_end(connect_run *run, int status)
{
    if (run->ending) {
        return;
    }
    run->ending = true;
    run->status = status;
    screen_clear(&run->report.screen);
    (void)uv_timer_stop(&run->patience);
    (void)uv_timer_stop(&run->redraw);
    (void)uv_timer_stop(&run->hold);
    (void)uv_timer_stop(&run->pace);
    (void)uv_timer_stop(&run->goodbye);
    (void)uv_timer_stop(&run->give_up);
    input_stop(&run->in);
    input_stop(&run->tickets.of_file);
    (void)floe_gatherer_close(run->gatherer);
}

void connect_fail(connect_run *run)
{
    if (!run->ending) {
        if (is_json(run)) {
            events_failed(run);
        } else {
            pairs_tell_failure(run);
        }
        connect_end(run, CONNECT_FAILED);
    }
}

/* Who types says goodbye. With --pipe that would say that all has been sent. */
static void on_interrupt(void *data)
{
    connect_run *run = data;

    if (run->connected && run->mode == CONNECT_LINES && !run->talk.finishing) {
        talk_finish(run, EXIT_INTERRUPTED);
    } else {
        connect_end(run, EXIT_INTERRUPTED);
    }
}

/* ── The gatherer ── */

static void tell_no_candidate(connect_run *run)
{
    const gather_command *command = &run->command;
    char text[900];

    if (run->report.summary.errors > 0) {
        screen_tell("floe: connect: there is no candidate");
        return;
    }
    if (!nothing_wanted_text(command, text, sizeof text)) {
        no_address_text(&command->filters, text, sizeof text);
    }
    screen_tell("floe: connect: %s", text);
}

static void look_at_servers(connect_run *run)
{
    floe_gatherer_statistics *all = NULL;

    if (floe_gatherer_get_statistics(run->gatherer, &all) == FLOE_OK) {
        report_servers(&run->report, 0, connect_ms(run), all, true);
        floe_gatherer_statistics_free(all);
    }
}

/* Where it is continual, more may come at any time: the other side is told of no end. */
static void on_gathered(connect_run *run)
{
    if (is_json(run)) {
        look_at_servers(run);
        if (!run->command.continual) {
            report_end(&run->report, 0, connect_ms(run), run->gatherer);
        }
    }
    if (!run->found && !run->command.continual) {
        tell_no_candidate(run);
        if (is_json(run)) {
            events_failed(run);
        }
        connect_end(run, CONNECT_FAILED);
    } else if (!is_json(run)) {
        tickets_hear(run, true);
    }
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    connect_run *run = user_data;

    if (candidate == NULL) {
        on_gathered(run);
        return;
    }
    run->found = true;
    if (is_json(run)) {
        report_candidate(&run->report, 0, connect_ms(run), candidate, false);
    } else {
        tickets_hear(run, false);
    }
}

static void on_withdrawn(void *user_data, const floe_candidate *candidate)
{
    connect_run *run = user_data;

    if (is_json(run)) {
        report_candidate(&run->report, 0, connect_ms(run), candidate, true);
    }
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    connect_run *run = user_data;

    if (is_json(run)) {
        report_error(&run->report, 0, connect_ms(run), error);
        return;
    }
    run->report.summary.errors++;
    if (failures_add(&run->report.failures, error)) {
        screen_clear(&run->report.screen);
        screen_tell("floe: connect: %s%s%s", error->url != NULL ? error->url : "",
                    error->url != NULL ? ": " : "", option_words(error->text));
    }
}

static void on_gatherer_state(void *user_data, enum floe_gatherer_state state)
{
    connect_run *run = user_data;

    if (is_json(run)) {
        report_state(&run->report, 0, connect_ms(run), state);
    }
    run->closed = state == FLOE_GATHERER_STATE_CLOSED;
}

static void on_network(void *user_data, const floe_network_change *change)
{
    connect_run *run = user_data;

    if (is_json(run)) {
        report_network(&run->report, connect_ms(run), change);
    }
}

/* ── The transport ── */

static void on_connected(connect_run *run)
{
    run->connected = true;
    (void)uv_timer_stop(&run->give_up);
    if (is_json(run)) {
        remote_connected(run);
    } else if (run->mode == CONNECT_PIPE) {
        talk_begin(run);
    }
}

static void on_failed(connect_run *run)
{
    if (run->talk.finishing || (run->talk.said && run->mode == CONNECT_LINES)) {
        connect_end(run, run->status); /* both have said all */
    } else {
        connect_fail(run);
    }
}

static void on_transport_state(void *user_data, floe_ice_state state)
{
    connect_run *run = user_data;

    if (run->ending) {
        return;
    }
    if (is_json(run)) {
        events_transport(run, state);
    }
    if (state == FLOE_ICE_STATE_CONNECTED || state == FLOE_ICE_STATE_COMPLETED) {
        on_connected(run);
    } else if (state == FLOE_ICE_STATE_DISCONNECTED && !is_json(run)) {
        connect_tell(run, "the other side is silent");
    } else if (state == FLOE_ICE_STATE_FAILED) {
        on_failed(run);
    }
}

static bool is_chosen(const connect_run *run, const floe_ice_pair *pair)
{
    return run->chosen.local_id == pair->local_id &&
           floe_address_equal(&run->chosen.remote, &pair->remote_address);
}

static void on_pair(void *user_data, const floe_ice_pair *pair)
{
    connect_run *run = user_data;

    if (run->ending) {
        return;
    }
    if (!is_json(run)) {
        pairs_tell(run, pair);
        return;
    }
    events_pair(run, pair);
    if (pair->failure == FLOE_ICE_FAILURE_CONSENT && is_chosen(run, pair)) {
        events_consent_lost(run);
    }
}

static void on_chosen(void *user_data, const floe_ice_pair *pair)
{
    connect_run *run = user_data;

    if (run->ending || pair == NULL) {
        return;
    }
    if (!is_json(run)) {
        pairs_draw(run); /* as they stand now, for good */
        if (run->report.screen.line_count > 0) {
            output_print(standard_output, "\n");
            run->report.screen.line_count = 0;
        }
        run->drawing = false;
        pairs_tell_chosen(run, pair);
    }
    run->chosen = (told_pair){pair->local_id, pair->remote_address, pair->state};
    if (run->mode == CONNECT_LINES) {
        talk_begin(run);
    }
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    connect_run *run = user_data;

    if (run->ending) {
        return;
    }
    if (!is_json(run)) {
        talk_hear(run, packet);
    } else if (talk_is_read(run)) {
        events_packet(run, packet);
    }
}

static void on_writable(void *user_data)
{
    connect_run *run = user_data;

    if (run->ending) {
        return;
    }
    if (is_json(run)) {
        remote_writable(run);
    } else {
        talk_writable(run);
    }
}

/* The side that has the other's ticket before it has given its own is as one that answers an offer. */
static floe_ice_role role_of(const connect_run *run, bool was_first)
{
    if (!was_first) {
        return floe_transport_role(run->transport);
    }
    if (run->command.role != 0) {
        return run->command.role;
    }
    return !is_json(run) && !run->tickets.own_given ? FLOE_ICE_ROLE_CONTROLLED
                                                    : FLOE_ICE_ROLE_CONTROLLING;
}

static void on_give_up(uv_timer_t *timer)
{
    connect_run *run = timer->data;

    connect_tell(run, "not connected after %.1f s: given up",
                 (double)run->command.patience_ms / 1000);
    connect_fail(run);
}

bool connect_start(connect_run *run, const floe_parameters *remote, bool was_first)
{
    if (floe_transport_start(run->transport, remote, role_of(run, was_first)) == FLOE_OK) {
        if (was_first && run->command.patience_ms != 0) {
            (void)uv_timer_start(&run->give_up, on_give_up, run->command.patience_ms, 0);
        }
        return true;
    }
    screen_tell("floe: connect: %s", option_words(floe_last_error()));
    return false;
}

/* ── The beginning ── */

static void on_redraw(uv_timer_t *timer)
{
    pairs_draw(timer->data);
}

static floe_error new_gatherer(connect_run *run)
{
    floe_ice_server servers[SERVERS_MAX];
    floe_gather_options options;

    command_gather_options(&run->command, servers, &options);
    floe_error error = floe_gatherer_new(run->api, &options, &run->gatherer);
    if (error == FLOE_OK) {
        (void)floe_gatherer_on_local_candidate(run->gatherer, on_candidate, run);
        (void)floe_gatherer_on_candidate_withdrawn(run->gatherer, on_withdrawn, run);
        (void)floe_gatherer_on_state_change(run->gatherer, on_gatherer_state, run);
        (void)floe_gatherer_on_error(run->gatherer, on_error, run);
    }
    return error;
}

static floe_error new_transport(connect_run *run)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;

    options.loopback = run->command.settings.loopback;
    options.failed_after_ms = run->command.patience_ms;
    options.report_pairs =
        is_json(run) || (run->mode == CONNECT_LINES && !run->report.screen.terminal);
    floe_error error = floe_transport_new(run->gatherer, &options, &run->transport);
    if (error == FLOE_OK) {
        (void)floe_transport_on_state_change(run->transport, on_transport_state, run);
        (void)floe_transport_on_selected_pair_change(run->transport, on_chosen, run);
        (void)floe_transport_on_packet(run->transport, on_packet, run);
        (void)floe_transport_on_writable(run->transport, on_writable, run);
        if (options.report_pairs) {
            (void)floe_transport_on_pair_change(run->transport, on_pair, run);
        }
    }
    return error;
}

static floe_error begin(connect_run *run)
{
    floe_error error = floe_api_new(&run->command.settings, &run->api);

    if (error == FLOE_OK) {
        error = new_gatherer(run);
    }
    if (error == FLOE_OK) {
        error = new_transport(run);
    }
    if (error != FLOE_OK) {
        screen_tell("floe: connect: %s", option_words(floe_last_error()));
        return error;
    }
    if (run->command.continual) {
        (void)floe_api_on_network_change(run->api, on_network, run);
    }
    run->started = uv_hrtime();
    if (is_json(run)) {
        report_start(&run->report);
        remote_begin(run);
    } else if (!tickets_begin(run)) {
        return FLOE_ERR_INVALID_ARGUMENT;
    }
    (void)uv_timer_start(&run->redraw, on_redraw, REDRAW_MS, REDRAW_MS);
    run->report.summary.gatherers = 1;
    return floe_gatherer_gather(run->gatherer);
}

static void init_timers(connect_run *run)
{
    uv_timer_t *timers[] = {&run->patience, &run->redraw,  &run->hold,
                            &run->pace,     &run->goodbye, &run->give_up};

    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
        (void)uv_timer_init(&run->loop, timers[i]);
        timers[i]->data = run;
    }
}

static void tell_summary(connect_run *run)
{
    floe_api_statistics statistics = FLOE_API_STATISTICS_INIT;

    if (is_json(run)) {
        (void)floe_api_get_statistics(run->api, &statistics);
        run->report.summary.ms = connect_ms(run);
        run->report.summary.interrupted = run->interrupted.came;
        report_over(&run->report, &statistics);
    }
    if (run->talk.lost > 0) {
        screen_tell("floe: connect: %llu packets were lost, as nobody read the output",
                    run->talk.lost);
    }
}

static void clean_up(connect_run *run)
{
    uv_handle_t *timers[] = {(uv_handle_t *)&run->patience, (uv_handle_t *)&run->redraw,
                             (uv_handle_t *)&run->hold,     (uv_handle_t *)&run->pace,
                             (uv_handle_t *)&run->goodbye,  (uv_handle_t *)&run->give_up};

    input_stop(&run->in);
    input_stop(&run->tickets.of_file);
    floe_transport_free(run->transport);
    floe_gatherer_free(run->gatherer);
    floe_api_free(run->api);
    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
        uv_close(timers[i], NULL);
    }
    interrupt_stop(&run->interrupted);
    (void)uv_run(&run->loop, UV_RUN_NOWAIT);
    if (!input_is_idle(&run->in) || !input_is_idle(&run->tickets.of_file)) {
        _exit(output_end(
            run->status)); /* nobody types any more, and the thread that reads can't be stopped */
    }
    (void)uv_run(&run->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&run->loop);
}

static int run_command(connect_run *run)
{
    run->status = CONNECT_FAILED;
    if (!report_init(&run->report, &run->command)) {
        return CONNECT_USAGE;
    }
    run->report.live = false;
    if (interrupt_start(&run->interrupted, &run->loop, on_interrupt, run) != 0) {
        return CONNECT_FAILED;
    }
    init_timers(run);
    run->command.settings.loop = &run->loop;
    use_filters(&run->command);
    report_use_trace(&run->report, &run->command.settings);
    floe_error error = begin(run);
    if (error == FLOE_OK) {
        while (!run->closed) {
            (void)uv_run(&run->loop, UV_RUN_ONCE);
        }
        tell_summary(run);
    } else {
        run->status = error == FLOE_ERR_INVALID_ARGUMENT || error == FLOE_ERR_SYNTAX ||
                              error == FLOE_ERR_INVALID_ACCESS
                          ? CONNECT_USAGE
                          : CONNECT_FAILED;
    }
    clean_up(run);
    return run->status;
}

int connect_main(int count, char **words)
{
    static connect_run run;
    int status = CONNECT_USAGE;
    gather_command *command = &run.command;

    if (parse_command(COMMAND_CONNECT, count, words, command) && ask_credential(command)) {
        run.mode = command->json ? CONNECT_JSON : command->pipe ? CONNECT_PIPE : CONNECT_LINES;
        if (command->help) {
            print_command_help(COMMAND_CONNECT);
            status = 0;
        } else {
            status = run_command(&run);
        }
    }
    input_free(&run.in);
    input_free(&run.tickets.of_file);
    free(run.remote.packet);
    generations_free(&run.remote.generations);
    free(run.remote.ended);
    report_free(&run.report);
    free_command(command);
    return status;
}

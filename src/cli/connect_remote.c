/* `floe connect --json`: standard input is the signalling channel. */
#include "cli/connect_run.h"

#include <stdlib.h>
#include <string.h>

#define LINGER_MS 500

static void tell_wrong(const connect_run *run, const char *why)
{
    screen_tell("floe: connect: line %u, column 1: %s", run->remote.from.line, option_words(why));
}

/* ── Parameters (RFC 8445 §9) ── */

static void tell_parameters(connect_run *run)
{
    floe_parameters own = FLOE_PARAMETERS_INIT;

    if (floe_gatherer_get_local_parameters(run->gatherer, &own) == FLOE_OK) {
        generations_told(&run->remote.generations, &own);
        report_parameters(&run->report, 0, &own, run->remote.generations.own);
    }
}

static bool restart(connect_run *run)
{
    if (floe_transport_restart(run->transport) != FLOE_OK) {
        tell_wrong(run, floe_last_error());
        return false;
    }
    tell_parameters(run);
    return true;
}

static bool is_present(const connect_run *run, const char *username_fragment)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;

    return floe_transport_get_remote_parameters(run->transport, &remote) == FLOE_OK &&
           strcmp(remote.username_fragment, username_fragment) == 0;
}

static void take_parameters(connect_run *run, const floe_parameters *parameters,
                            uint32_t generation)
{
    remote_side *remote = &run->remote;
    generation_news news = generations_hear(&remote->generations, parameters, generation);

    if (news == GENERATION_OLD || (news == GENERATION_RESTARTS && !restart(run))) {
        return;
    }
    if (connect_start(run, parameters, !remote->known)) {
        remote->known = true;
        if (remote->ended != NULL && is_present(run, remote->ended)) {
            (void)floe_transport_add_remote_candidate(run->transport, NULL);
        }
    }
    if (generations_may_restart(&remote->generations)) {
        (void)restart(run);
    }
}

/* ── What else is asked for ── */

/* The end of a generation whose parameters have not come waits for them. */
static bool ends_later(connect_run *run, const char *username_fragment)
{
    if (username_fragment == NULL || is_present(run, username_fragment)) {
        return false;
    }
    free(run->remote.ended);
    run->remote.ended = strdup(username_fragment);
    return true;
}

static void take_candidate(connect_run *run, const floe_candidate *candidate)
{
    if (floe_transport_add_remote_candidate(run->transport, candidate) != FLOE_OK &&
        candidate != NULL) {
        tell_wrong(run, floe_last_error());
    }
}

static void remove_candidate(connect_run *run, const floe_candidate *candidate)
{
    if (floe_transport_remove_remote_candidate(run->transport, candidate) != FLOE_OK) {
        tell_wrong(run, floe_last_error());
    }
}

/* Where there is no room, it waits, and what comes behind it with it. */
static void send_packet(connect_run *run, const void *data, size_t size)
{
    floe_error error = floe_transport_send(run->transport, data, size);

    if (error == FLOE_ERR_QUEUE_FULL) {
        run->remote.packet = malloc(size + 1);
        run->remote.size = size;
        if (run->remote.packet != NULL) {
            memcpy(run->remote.packet, data, size);
        }
    } else if (error != FLOE_OK) {
        tell_wrong(run, floe_last_error());
    }
}

static void on_message(void *user_data, const signal_message *message)
{
    connect_run *run = user_data;

    switch (message->kind) {
    case SIGNAL_PARAMETERS:
        take_parameters(run, message->parameters, message->generation);
        break;
    case SIGNAL_CANDIDATE:
        if (message->candidate != NULL || !ends_later(run, message->username_fragment)) {
            take_candidate(run, message->candidate);
        }
        break;
    case SIGNAL_REMOVE:
        remove_candidate(run, message->candidate);
        break;
    case SIGNAL_SEND:
        send_packet(run, message->data, message->size);
        break;
    case SIGNAL_RESTART:
        if (generations_restart(&run->remote.generations)) {
            (void)restart(run);
        }
        break;
    case SIGNAL_WRONG:
        screen_tell("floe: connect: %s", message->why);
        break;
    }
}

/* ── The input ── */

static void on_hold_over(uv_timer_t *timer)
{
    talk_finish(timer->data, CONNECT_WAS_CONNECTED);
}

/* A moment at least: the other side's checks are to be answered. */
static void begin_hold(connect_run *run)
{
    double least = (double)LINGER_MS / 1000;
    double hold = run->command.hold > least || run->command.hold < 0 ? run->command.hold : least;

    if (hold > 0 && !uv_is_active((uv_handle_t *)&run->hold)) {
        (void)uv_timer_start(&run->hold, on_hold_over, (uint64_t)(hold * 1000), 0);
    }
}

/* The other side says nothing more. */
static void take_end(connect_run *run)
{
    if (run->in.error != 0) {
        screen_tell("floe: connect: standard input: %s", uv_strerror(run->in.error));
    }
    if (!run->remote.known) {
        screen_tell("floe: connect: standard input ended before the other side's parameters came");
        connect_fail(run);
        return;
    }
    (void)floe_transport_add_remote_candidate(run->transport, NULL);
    if (run->connected) {
        begin_hold(run);
    }
}

void remote_ready(void *data)
{
    connect_run *run = data;
    char *line;
    size_t size;

    while (!run->ending && run->remote.packet == NULL && input_line(&run->in, &line, &size)) {
        if (!input_is_rest(&run->in)) { /* whose line was told as too long */
            signalling_line(&run->remote.from, line, size);
        }
    }
    if (run->ending || run->remote.packet != NULL) {
        return;
    }
    if (input_is_over(&run->in)) {
        take_end(run);
    } else {
        input_read(&run->in);
    }
}

void remote_begin(connect_run *run)
{
    generations_init(&run->remote.generations);
    tell_parameters(run);
    signalling_init(&run->remote.from, on_message, run);
    input_init(&run->in, &run->loop, 0, NULL, remote_ready, run);
    input_read(&run->in);
}

void remote_writable(connect_run *run)
{
    void *packet = run->remote.packet;

    if (packet != NULL) {
        run->remote.packet = NULL;
        send_packet(run, packet, run->remote.size);
        free(packet);
        remote_ready(run);
    }
}

void remote_connected(connect_run *run)
{
    if (input_is_over(&run->in)) {
        begin_hold(run);
    }
}

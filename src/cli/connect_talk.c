/* What goes to the other side, and what comes from there: lines that people type, or with --pipe bytes as they are. Each
 * side says goodbye when it sends nothing more, as nothing else shows its end. */
#include "cli/connect_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The reader of standard output may be so far behind. */
#define UNREAD_MAX (16U << 20)
#define PACE_MS 5
/* What --pipe sends at once, in time. */
#define BURST_S 0.02
/* A goodbye may be lost: it is said again, later each time, until the other side has said its own. */
#define GOODBYE_FIRST_MS 100
#define GOODBYE_LAST_MS 5000
/* And so often at the end, which nobody answers. */
#define GOODBYES_AT_END 3
#define GOODBYE_AT_END_MS 50
/* Of what waits nothing has gone for so long. */
#define STALLED_MS 10000

/* ── Goodbye ── */

/* No line that is typed is so, and bytes only by an accident that does not happen: it has the name of whom it is for, who
 * may not know the sender's ticket yet. */
static size_t goodbye_text(const char *username_fragment, char *text, size_t size)
{
    int used = snprintf(text, size, "floe: goodbye to %s\n", username_fragment);

    return (size_t)used < size ? (size_t)used : size - 1;
}

static void send_goodbye(connect_run *run)
{
    char text[320];
    size_t size = goodbye_text(run->tickets.other.username_fragment, text, sizeof text);

    (void)floe_transport_send(run->transport, text, size); /* another one follows */
    run->talk.goodbyes++;
}

static bool is_goodbye(const connect_run *run, const floe_packet *packet)
{
    floe_parameters own = FLOE_PARAMETERS_INIT;
    char text[320];

    if (floe_gatherer_get_local_parameters(run->gatherer, &own) != FLOE_OK) {
        return false;
    }
    size_t size = goodbye_text(own.username_fragment, text, sizeof text);
    return packet->size == size && memcmp(packet->data, text, size) == 0;
}

static void on_goodbye_again(uv_timer_t *timer)
{
    connect_run *run = timer->data;
    uint64_t wait = GOODBYE_FIRST_MS;

    send_goodbye(run);
    for (unsigned i = 1; i < run->talk.goodbyes && wait < GOODBYE_LAST_MS; i++) {
        wait *= 2;
    }
    (void)uv_timer_start(timer, on_goodbye_again, wait, 0);
}

/* ── The end ── */

static size_t still_waiting(connect_run *run)
{
    floe_gatherer_statistics *statistics = NULL;
    size_t waiting = 0;

    if (floe_gatherer_get_statistics(run->gatherer, &statistics) == FLOE_OK) {
        waiting = statistics->waiting;
    }
    floe_gatherer_statistics_free(statistics);
    return waiting;
}

static void on_finishing(uv_timer_t *timer)
{
    connect_run *run = timer->data;
    talk *of = &run->talk;
    size_t waiting = still_waiting(run);
    uint64_t now = uv_now(&run->loop);

    if (waiting < of->waiting) {
        of->waiting = waiting;
        of->shrunk = now;
    }
    if (run->mode != CONNECT_JSON && of->goodbyes < GOODBYES_AT_END) {
        send_goodbye(run);
    } else if (waiting == 0) {
        connect_end(run, run->status);
    } else if (now - of->shrunk >= STALLED_MS) {
        screen_tell("floe: connect: of what waits to be sent nothing has gone for %d seconds",
                    STALLED_MS / 1000);
        connect_end(run, CONNECT_FAILED);
    }
}

void talk_finish(connect_run *run, int status)
{
    if (run->talk.finishing || run->ending) {
        return;
    }
    run->talk.finishing = true;
    run->talk.goodbyes = 0;
    run->talk.waiting = SIZE_MAX;
    run->talk.shrunk = uv_now(&run->loop);
    run->status = status;
    (void)uv_timer_stop(&run->hold);
    (void)uv_timer_start(&run->goodbye, on_finishing, 0, GOODBYE_AT_END_MS);
}

static void on_hold_over(uv_timer_t *timer)
{
    talk_finish(timer->data, CONNECT_WAS_CONNECTED);
}

/* Nothing more is to be sent. Who types has seen what came; of a pipe the rest may come yet. */
static void say_goodbye(connect_run *run)
{
    bool hears_on = run->mode == CONNECT_PIPE || (run->command.hold != 0 && !run->talk.heard);

    if (run->talk.said) {
        return;
    }
    run->talk.said = true;
    if (run->talk.heard || !hears_on) {
        talk_finish(run, CONNECT_WAS_CONNECTED);
        return;
    }
    if (run->mode == CONNECT_PIPE) {
        on_goodbye_again(&run->goodbye);
    }
    if (run->command.hold_given && run->command.hold >= 0) {
        (void)uv_timer_start(&run->hold, on_hold_over, (uint64_t)(run->command.hold * 1000), 0);
    }
}

/* ── What goes ── */

/* A line that is longer than a packet goes in several. */
static bool next_packet(connect_run *run)
{
    talk *of = &run->talk;
    const char *bytes;
    char *line;
    size_t size;

    if (of->size > 0) {
        return true;
    }
    if (run->mode == CONNECT_PIPE) {
        of->size = input_bytes(&run->in, &bytes, CONNECT_PACKET_MAX);
        memcpy(of->packet, bytes, of->size);
        return of->size > 0;
    }
    if (!input_line(&run->in, &line, &size)) {
        return false;
    }
    of->size = size < CONNECT_PACKET_MAX ? size : CONNECT_PACKET_MAX - 1;
    memcpy(of->packet, line, of->size);
    if (of->size < size) {
        input_split(&run->in, line, size, of->size);
    }
    of->packet[of->size++] = '\n';
    return true;
}

/* Whether so much may go now: UDP does not say what a path can bear. */
static bool has_budget(connect_run *run)
{
    talk *of = &run->talk;
    double rate = (double)run->command.rate;
    uint64_t now = uv_hrtime();

    if (run->mode != CONNECT_PIPE || rate == 0) {
        return true;
    }
    double most = rate * BURST_S > CONNECT_PACKET_MAX ? rate * BURST_S : CONNECT_PACKET_MAX;
    of->budget += of->refilled != 0 ? (double)(now - of->refilled) / 1e9 * rate : most;
    of->budget = of->budget < most ? of->budget : most;
    of->refilled = now;
    return of->budget >= (double)of->size;
}

static void on_pace(uv_timer_t *timer)
{
    talk_pump(timer->data);
}

/* Whether it went. */
static bool send_one(connect_run *run)
{
    talk *of = &run->talk;

    if (!has_budget(run)) {
        (void)uv_timer_start(&run->pace, on_pace, PACE_MS, 0);
        return false;
    }
    floe_error error = floe_transport_send(run->transport, of->packet, of->size);
    of->full = error == FLOE_ERR_QUEUE_FULL;
    if (error == FLOE_ERR_NOT_CONNECTED) { /* for now: the state says when it works again */
        (void)uv_timer_start(&run->pace, on_pace, GOODBYE_FIRST_MS, 0);
        return false;
    }
    if (error != FLOE_OK && !of->full) {
        screen_tell("floe: connect: %s", option_words(floe_last_error()));
        connect_end(run, CONNECT_FAILED);
    }
    if (error != FLOE_OK) {
        return false;
    }
    of->budget -= (double)of->size;
    of->size = 0;
    return true;
}

static void end_input(connect_run *run)
{
    run->talk.over = true;
    if (input_has_hung_up(&run->in)) { /* SIGHUP comes later, if it comes to us at all */
        interrupt_come(&run->interrupted);
    } else if (run->in.error != 0) {
        screen_tell("floe: connect: standard input: %s", uv_strerror(run->in.error));
        connect_end(run, CONNECT_FAILED);
    } else {
        say_goodbye(run);
    }
}

void talk_pump(connect_run *run)
{
    talk *of = &run->talk;

    if (!of->begun || of->full || of->over || of->finishing || run->ending) {
        return;
    }
    while (next_packet(run)) {
        if (!send_one(run)) {
            return;
        }
    }
    if (input_is_over(&run->in)) {
        end_input(run);
    } else {
        input_read(&run->in);
    }
}

static void on_input(void *data)
{
    talk_pump(data);
}

void talk_writable(connect_run *run)
{
    run->talk.full = false;
    talk_pump(run);
}

/* ── What comes ── */

/* The other side's bytes are not to play with our terminal: control characters, also those of UTF-8 (C2 80 to C2 9F), are
 * shown as ?. */
static void print_line(const connect_run *run, const char *text, size_t size)
{
    char shown[4096];
    size_t used = 0;

    (void)run;
    size -= size > 0 && text[size - 1] == '\n';
    size -= size > 0 && text[size - 1] == '\r';
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool is_high = byte == 0xC2 && i + 1 < size && (unsigned char)text[i + 1] >= 0x80 &&
                       (unsigned char)text[i + 1] < 0xA0;
        bool is_control = (byte < 0x20 && byte != '\t') || byte == 0x7F || is_high;
        shown[used++] = is_control ? '?' : text[i];
        i += is_high;
        if (used == sizeof shown || i + 1 >= size) {
            output_print(standard_output, "%.*s", (int)used, shown);
            used = 0;
        }
    }
}

bool talk_is_read(connect_run *run)
{
    bool is_read = output_has_room(standard_output, UNREAD_MAX, 0);

    run->talk.lost += !is_read;
    return is_read;
}

static void show(connect_run *run, const floe_packet *packet)
{
    if (!talk_is_read(run)) {
        return;
    }
    if (run->mode == CONNECT_PIPE) {
        output_write(standard_output, packet->data, packet->size);
    } else {
        output_print(standard_output, run->tickets.other_taken || !run->report.screen.terminal
                                          ? "< "
                                          : "\n< "); /* behind the question */
        print_line(run, packet->data, packet->size);
        output_print(standard_output, "\n");
    }
}

/* Lines are between two: with one gone, nobody reads what is typed. Bytes may still go the other way, if they are not
 * typed. */
static void hear_goodbye(connect_run *run)
{
    talk *of = &run->talk;

    if (of->heard) {
        return;
    }
    of->heard = true;
    if (run->mode == CONNECT_LINES) {
        connect_tell(run, "the other side has ended");
    }
    if (run->mode == CONNECT_LINES || run->in.terminal) {
        of->over = true;
    }
    if (of->said || of->over) { /* also where it was met before its ticket was pasted */
        talk_finish(run, CONNECT_WAS_CONNECTED);
    }
}

void talk_hear(connect_run *run, const floe_packet *packet)
{
    if (is_goodbye(run, packet)) {
        hear_goodbye(run);
    } else {
        show(run, packet);
    }
}

void talk_begin(connect_run *run)
{
    talk *of = &run->talk;

    if (of->begun) {
        return;
    }
    of->begun = true;
    run->in.ready = on_input;
    talk_pump(run); /* nothing, where it has said goodbye already */
}

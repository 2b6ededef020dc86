/* The exchange of tickets: ours is printed, and the other side's is asked for until there is a good one. */
#include "cli/connect_run.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ── Ours ── */

static bool is_asked_of_a_person(const connect_run *run)
{
    const ticket_exchange *tickets = &run->tickets;

    return tickets->from != NULL && tickets->from->terminal;
}

static void ask(const connect_run *run)
{
    if (is_asked_of_a_person(run) && run->tickets.own_given && !run->tickets.other_taken) {
        output_print(standard_error, "%s",
                     *run->tickets.pending != '\0' ? "the rest of it: "
                                                   : "The other side's ticket: ");
    }
}

static void give_own(connect_run *run)
{
    floe_parameters own = FLOE_PARAMETERS_INIT;
    floe_candidate_list *list = NULL;
    char text[TICKET_TEXT_SIZE];

    if (floe_gatherer_get_local_parameters(run->gatherer, &own) != FLOE_OK ||
        floe_gatherer_get_local_candidates(run->gatherer, &list) != FLOE_OK) {
        return;
    }
    ticket_encode(&own, list, text);
    floe_candidate_list_free(list);
    run->tickets.own_given = true;
    if (is_asked_of_a_person(run)) {
        screen_print_wrapped(standard_error,
                             "Your ticket, for the other side and nobody else, as it has the "
                             "password:",
                             0, 0);
    }
    output_print(connect_output(run), "%s\n", text); /* in one line, however wide */
    memset(text, 0, sizeof text);
    memset(&own, 0, sizeof own);
    ask(run);
}

/* One without candidates would be of no use. */
static void give_own_if_ready(connect_run *run)
{
    if (run->tickets.gathered && run->found && !run->tickets.own_given && !run->ending) {
        give_own(run);
    }
}

static void on_patience_over(uv_timer_t *timer)
{
    connect_run *run = timer->data;

    run->tickets.gathered = true;
    give_own_if_ready(run);
}

void tickets_hear(connect_run *run, bool complete)
{
    run->tickets.gathered = run->tickets.gathered || complete;
    give_own_if_ready(run);
}

/* ── The other side's ── */

static bool is_ours(connect_run *run, const floe_parameters *other)
{
    floe_parameters own = FLOE_PARAMETERS_INIT;

    return floe_gatherer_get_local_parameters(run->gatherer, &own) == FLOE_OK &&
           strcmp(own.username_fragment, other->username_fragment) == 0 &&
           strcmp(own.password, other->password) == 0;
}

/* All of them are in it. */
static void begin_checks(connect_run *run, const ticket *of)
{
    run->tickets.other_taken = true;
    run->tickets.other = of->parameters;
    if (!connect_start(run, &of->parameters, true)) {
        connect_end(run, CONNECT_FAILED);
        return;
    }
    for (size_t i = 0; i < of->count; i++) {
        if (floe_transport_add_remote_candidate(run->transport, of->candidates[i]) != FLOE_OK) {
            screen_tell("floe: connect: %s: left out: %s", of->candidates[i]->address,
                        option_words(floe_last_error()));
        }
    }
    (void)floe_transport_add_remote_candidate(run->transport, NULL);
    run->drawing = run->mode == CONNECT_LINES && run->report.screen.terminal;
}

static void refuse(connect_run *run, const char *why)
{
    screen_tell("floe: connect: %s", why);
    run->tickets.pending[0] = '\0';
}

/* What has come so far may be the beginning of one that goes on in the next line. */
static void try_pending(connect_run *run)
{
    ticket other;
    ticket_result result = ticket_decode(run->tickets.pending, &other);

    if (result == TICKET_GOOD && is_ours(run, &other.parameters)) {
        refuse(run, "this is your own ticket: the other side's is wanted");
    } else if (result == TICKET_GOOD) {
        run->tickets.pending[0] = '\0';
        begin_checks(run, &other);
    } else if (result == TICKET_CUT && is_asked_of_a_person(run)) {
        screen_tell("floe: connect: the ticket is not whole yet: paste the rest of it, or press "
                    "Enter twice to begin again");
    } else if (result != TICKET_CUT) {
        refuse(run, ticket_why(result));
    }
    if (result == TICKET_GOOD) {
        ticket_free(&other);
    }
}

static void take_line(connect_run *run, const char *line)
{
    char *pending = run->tickets.pending;
    size_t size = strlen(pending);
    size_t more = strlen(line);
    const char *begin = line + strspn(line, " \t\r");

    bool again =
        run->tickets.empty; /* one alone is in what was pasted with two ends of each line */
    run->tickets.empty = *begin == '\0';
    if (*begin == '\0') {
        if (size > 0 && again) {
            refuse(run, ticket_why(TICKET_CUT));
        }
        return;
    }
    if (strncmp(begin, "floe", strlen("floe")) == 0) { /* another one */
        if (size > 0 && !is_asked_of_a_person(run)) {
            refuse(run, ticket_why(TICKET_CUT));
        }
        size = 0;
    }
    if (more >= TICKET_TEXT_SIZE - size) {
        refuse(run, ticket_why(TICKET_DAMAGED));
        return;
    }
    memcpy(&pending[size], line, more + 1);
    try_pending(run);
}

/* Nothing more comes, and none was good. */
static void take_end(connect_run *run)
{
    const input *from = run->tickets.from;
    const char *name = from->file != NULL ? from->file : "standard input";

    if (input_has_hung_up(from)) {
        interrupt_come(&run->interrupted);
        return;
    }
    if (from->error != 0) {
        screen_tell("floe: connect: %s: %s", name, uv_strerror(from->error));
    } else if (*run->tickets.pending != '\0') {
        refuse(run, ticket_why(TICKET_CUT));
    } else {
        screen_tell("floe: connect: %s ended, and no ticket of the other side has come", name);
    }
    connect_end(run, from == &run->in ? CONNECT_FAILED : CONNECT_USAGE);
}

void tickets_ready(void *data)
{
    connect_run *run = data;
    input *from = run->tickets.from;
    char *line;
    size_t size;
    bool any = false;

    while (!run->ending && !run->tickets.other_taken && input_line(from, &line, &size)) {
        take_line(run, line);
        any = true;
    }
    if (run->ending) {
        return;
    }
    if (run->tickets.other_taken) {
        if (from == &run->in) {
            talk_pump(run);
        }
    } else if (input_is_over(from)) {
        take_end(run);
    } else {
        if (any) {
            ask(run);
        }
        input_read(from);
    }
}

/* ── The beginning ── */

static bool take_remote(connect_run *run, const char *text)
{
    ticket other;
    ticket_result result = ticket_decode(text, &other);

    if (result != TICKET_GOOD) {
        screen_tell("floe: connect: --remote: %s", ticket_why(result));
        return false;
    }
    if (is_ours(run, &other.parameters)) {
        screen_tell("floe: connect: --remote: this is your own ticket");
        ticket_free(&other);
        return false;
    }
    begin_checks(run, &other);
    ticket_free(&other);
    return true;
}

/* Standard input is what is to be sent; the terminal is asked. */
static bool open_terminal(connect_run *run)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (terminal < 0) {
        screen_tell("floe: connect: there is no terminal to ask for the other side's ticket: give "
                    "--remote TICKET or --remote-file FILE");
        return false;
    }
    input_init(&run->tickets.of_file, &run->loop, terminal, NULL, tickets_ready, run);
    return true;
}

bool tickets_begin(connect_run *run)
{
    ticket_exchange *tickets = &run->tickets;
    const gather_command *command = &run->command;

    (void)uv_timer_start(&run->patience, on_patience_over, 2000, 0);
    input_init(&run->in, &run->loop, 0, NULL, tickets_ready, run);
    if (command->remote != NULL) {
        return take_remote(run, command->remote);
    }
    tickets->from = &tickets->of_file;
    if (command->remote_file != NULL) {
        input_init(&tickets->of_file, &run->loop, -1, command->remote_file, tickets_ready, run);
    } else if (run->mode == CONNECT_LINES) {
        tickets->from = &run->in;
    } else if (!open_terminal(run)) {
        return false;
    }
    input_read(tickets->from);
    return true;
}

/* What the other side of `floe connect` says, as lines and as a ticket: what comes of lines is well formed, with one
 * sentence for what is wrong, on a line that there is; what is taken from a ticket makes the same ticket again. */
#include "cli/signalling.h"
#include "cli/ticket.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parameters(const floe_parameters *parameters)
{
    size_t first = strnlen(parameters->username_fragment, 257);
    size_t second = strnlen(parameters->password, 257);

    if (first < 4 || first > 256 || second < 22 || second > 256) {
        abort();
    }
}

/* "line 3, column 17: …", and within a description in JSON "line 3, line 2 of its sdp, column 17: …". */
static bool has_place(const signalling *of, const char *why)
{
    unsigned line = 0;
    unsigned inner = 0;
    unsigned column = 0;
    bool good = of->inner == 0 ? sscanf(why, "line %u, column %u:", &line, &column) == 2
                               : sscanf(why, "line %u, line %u of its sdp, column %u:", &line,
                                        &inner, &column) == 3;

    return good && line == of->line && inner == of->inner && column > 0;
}

static void on_message(void *user_data, const signal_message *message)
{
    const signalling *of = user_data;

    if ((message->kind == SIGNAL_WRONG) != (message->why != NULL)) {
        abort();
    }
    if (message->kind == SIGNAL_WRONG &&
        (!has_place(of, message->why) || strchr(message->why, '\n') != NULL)) {
        abort();
    }
    if (message->kind == SIGNAL_PARAMETERS) {
        check_parameters(message->parameters);
    }
    if (message->kind == SIGNAL_REMOVE && message->candidate == NULL) {
        abort();
    }
    if (message->candidate != NULL && message->candidate->component != 1) {
        abort();
    }
}

static void read_lines(const uint8_t *data, size_t size)
{
    static signalling of;
    size_t at = 0;

    signalling_init(&of, on_message, &of);
    while (at < size) {
        const uint8_t *end = memchr(&data[at], '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - &data[at]) : size - at;
        char *line = malloc(length + 1);
        if (line == NULL) {
            return;
        }
        memcpy(line, &data[at], length);
        line[length] = '\0';
        signalling_line(&of, line, length);
        free(line);
        at += length + 1;
    }
}

/* Of these candidates, in whatever order they came. */
static void make_again(ticket *of)
{
    static char text[TICKET_TEXT_SIZE];
    static ticket again;
    const floe_candidate_list list = {
        .count = of->count, .candidates = (const floe_candidate *const *)(void *)of->candidates};

    ticket_encode(&of->parameters, &list, text);
    if (ticket_decode(text, &again) != TICKET_GOOD || again.count != of->count ||
        memcmp(&again.parameters, &of->parameters, sizeof of->parameters) != 0) {
        abort();
    }
    ticket_free(&again);
}

static void read_ticket(const uint8_t *data, size_t size)
{
    static ticket of;
    char *text = malloc(size + 1);

    if (text == NULL) {
        return;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    ticket_result result = ticket_decode(text, &of);
    if ((result == TICKET_GOOD) != (*ticket_why(result) == '\0')) {
        abort();
    }
    if (result == TICKET_GOOD) {
        check_parameters(&of.parameters);
        make_again(&of);
        ticket_free(&of);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_lines(data, size);
    read_ticket(data, size);
    return 0;
}

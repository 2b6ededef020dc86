#include "cli/signalling.h"

#include "cli/base64.h"
#include "cli/extract.h"
#include "cli/generations.h"

#include <floe/floe.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void signalling_init(signalling *of, signal_handler handler, void *user_data)
{
    *of = (signalling){
        .handler = handler, .user_data = user_data, .parameters = FLOE_PARAMETERS_INIT};
}

static void say(const signalling *of, const signal_message *message)
{
    of->handler(of->user_data, message);
}

static void say_wrong(const signalling *of, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say_wrong(const signalling *of, const char *format, ...)
{
    char why[SIGNAL_WHY_SIZE];
    int used = of->inner > 0
                   ? snprintf(why, sizeof why, "line %u, line %u of its sdp, ", of->line, of->inner)
                   : snprintf(why, sizeof why, "line %u, ", of->line);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(&why[used], sizeof why - (size_t)used, format, arguments);
    va_end(arguments);
    say(of, &(signal_message){.kind = SIGNAL_WRONG, .why = why});
}

/* ── Candidates ── */

/* `column`: where in the line the text begins. Those of other components are of other transports. */
static void say_candidate(const signalling *of, signal_kind kind, const char *text, size_t column)
{
    floe_candidate *candidate = NULL;
    char why[EXTRACT_WHY_SIZE];

    floe_error error = floe_candidate_parse(text, &candidate);
    if (error ==
        FLOE_ERR_UNSUPPORTED) { /* of a transport or type that others have defined (RFC 8839 §5.1) */
        return;
    }
    if (error != FLOE_OK) {
        extract_explain(why, sizeof why, column);
        say_wrong(of, "%s", why);
    } else if (candidate->component == 1) {
        say(of, &(signal_message){.kind = kind, .candidate = candidate});
    }
    floe_candidate_free(candidate);
}

static void say_end(const signalling *of, const char *username_fragment)
{
    say(of, &(signal_message){.kind = SIGNAL_CANDIDATE, .username_fragment = username_fragment});
}

/* ── Parameters ── */

/* What is wrong is told without the text: it may be the password. */
static bool keep(const signalling *of, const char *text, size_t least, const char *name, char *to,
                 size_t column)
{
    if (!is_ice_text(text, least)) {
        say_wrong(of, "column %zu: the %s has not %zu to 256 letters, digits, + and /", column + 1,
                  name, least);
        return false;
    }
    memcpy(to, text, strlen(text) + 1);
    return true;
}

static bool keep_username_fragment(const signalling *of, const char *text,
                                   floe_parameters *parameters, size_t column)
{
    return keep(of, text, 4, "username fragment", parameters->username_fragment, column);
}

static bool keep_password(const signalling *of, const char *text, floe_parameters *parameters,
                          size_t column)
{
    return keep(of, text, 22, "password", parameters->password, column);
}

/* ── SDP (RFC 8839 §5) ── */

/* What has come, if it is both, and again for what comes behind them. */
static void say_parameters_of_sdp(signalling *of)
{
    floe_parameters *parameters = &of->parameters;

    of->holds = false;
    if (*parameters->username_fragment != '\0' && *parameters->password != '\0') {
        say(of, &(signal_message){.kind = SIGNAL_PARAMETERS, .parameters = parameters});
        *parameters->username_fragment = *parameters->password = '\0';
    }
}

/* What stands behind the beginning, and where that is in the line; NULL: it begins otherwise. */
static const char *behind(const char *line, const char *start, size_t *column)
{
    size_t size = strlen(start);

    if (strncmp(line, start, size) != 0) {
        return NULL;
    }
    *column = size;
    return &line[size];
}

/* Whether it is one. */
static bool read_parameter(signalling *of, const char *line)
{
    size_t column = 0;
    const char *value;
    bool is_kept = false;

    if ((value = behind(line, "a=ice-ufrag:", &column)) != NULL) {
        is_kept = keep_username_fragment(of, value, &of->parameters, column);
    } else if ((value = behind(line, "a=ice-pwd:", &column)) != NULL) {
        is_kept = keep_password(of, value, &of->parameters, column);
    } else if ((value = behind(line, "a=ice-options:", &column)) != NULL) {
        of->parameters.renomination = strstr(value, "renomination") != NULL;
    } else if (strcmp(line, "a=ice-lite") == 0) {
        of->parameters.ice_lite = true;
    } else {
        return false;
    }
    if (is_kept && !of->holds) {
        say_parameters_of_sdp(of);
    }
    return true;
}

static void read_candidate(signalling *of, const char *line)
{
    size_t column = 0;

    if (strcmp(line, "a=end-of-candidates") == 0) {
        say_parameters_of_sdp(of);
        say_end(of, NULL);
    } else if (behind(line, "a=candidate:", &column) != NULL) {
        say_parameters_of_sdp(of);
        say_candidate(of, SIGNAL_CANDIDATE, line, 0);
    }
}

/* A line has a letter, and = behind it (RFC 8866 §5). */
static bool is_sdp(const char *line)
{
    return line[0] >= 'a' && line[0] <= 'z' && line[1] == '=';
}

/* Which media description it is in, by their number; one that is named again, as in fragments (RFC 8840 §9), is that one. */
static void read_place(signalling *of, const char *line)
{
    size_t column = 0;
    const char *mid = behind(line, "a=mid:", &column);

    if (line[0] == 'm') {
        of->media++;
    } else if (mid != NULL && of->media == 1 && *of->mid == '\0') {
        (void)snprintf(of->mid, sizeof of->mid, "%s", mid);
    } else if (mid != NULL && strcmp(of->mid, mid) == 0) {
        of->media = 1;
    }
}

static void begin_description(signalling *of)
{
    of->media = 0;
    *of->mid = '\0';
    of->parameters = (floe_parameters)FLOE_PARAMETERS_INIT;
}

/* What is said of the whole session may stand in any order: it waits for the first media description. */
static void read_sdp(signalling *of, const char *line)
{
    if (line[0] == 'v') { /* another description */
        say_parameters_of_sdp(of);
        begin_description(of);
        of->holds = true;
    } else if (line[0] == 'm' && of->holds) {
        say_parameters_of_sdp(of);
    }
    read_place(of, line);
    if (line[0] == 'a' && of->media < 2 && !read_parameter(of, line)) {
        read_candidate(of, line);
    }
}

/* ── JSON ── */

/* Where the text begins in the line; 0: it does not stand there so. */
static size_t place_of(const char *line, const char *text)
{
    char start[32];

    (void)snprintf(start, sizeof start, "%s", text);
    const char *at = strstr(line, start);
    return at != NULL ? (size_t)(at - line) : 0;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void read_parameters(const signalling *of, const json_t *object, const char *line)
{
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    const char *username_fragment = text_of(object, "username_fragment");
    const char *password = text_of(object, "password");
    const json_t *generation = json_object_get(object, "generation");
    double number = json_number_value(generation);

    if (username_fragment == NULL || password == NULL) {
        say_wrong(of, "column 1: parameters need a username_fragment and a password, both texts");
        return;
    }
    if (generation != NULL && !json_is_null(generation) &&
        (number < 1 || number > GENERATION_MAX || number != (uint32_t)number)) {
        say_wrong(of, "column %zu: the generation is no number from 1 to %d",
                  place_of(line, "\"generation\"") + 1, GENERATION_MAX);
        return;
    }
    parameters.ice_lite = json_is_true(json_object_get(object, "ice_lite"));
    if (keep_username_fragment(of, username_fragment, &parameters,
                               place_of(line, "\"username_fragment\"")) &&
        keep_password(of, password, &parameters, place_of(line, "\"password\""))) {
        say(of, &(signal_message){.kind = SIGNAL_PARAMETERS,
                                  .parameters = &parameters,
                                  .generation = (uint32_t)number});
    }
    memset(&parameters, 0, sizeof parameters);
}

/* W3C WebRTC §4.8.1: an empty candidate, or none, is the end. Those of other media descriptions are of other
 * transports, or of the same one again. */
static void read_w3c_candidate(const signalling *of, const json_t *object, const char *line)
{
    const json_t *candidate = json_object_get(object, "candidate");
    const char *text = json_string_value(candidate);
    const char *w3c = text_of(object, "usernameFragment");
    const char *generation = w3c != NULL ? w3c : text_of(object, "username_fragment");
    char whole[2048];

    if (generation != NULL && *generation == '\0') { /* as Pion has it where there is none */
        generation = NULL;
    }

    if (json_is_object(
            candidate)) { /* as a program sends an RTCIceCandidate among other messages */
        read_w3c_candidate(of, candidate, line);
        return;
    }
    if (json_integer_value(json_object_get(object, "sdpMLineIndex")) > 0) {
        return;
    }
    if (text == NULL && !json_is_null(candidate)) {
        say_wrong(of, "column %zu: the candidate is no text", place_of(line, "\"candidate\"") + 1);
    } else if (text == NULL || *text == '\0') {
        say_end(of, generation);
    } else if (generation != NULL && strstr(text, " ufrag ") == NULL &&
               (size_t)snprintf(whole, sizeof whole, "%s ufrag %s", text, generation) <
                   sizeof whole) {
        say_candidate(of, SIGNAL_CANDIDATE, whole, place_of(line, text));
    } else {
        say_candidate(of, SIGNAL_CANDIDATE, text, place_of(line, text));
    }
}

static void read_event(const signalling *of, const json_t *object, const char *line)
{
    const char *event = text_of(object, "event");

    if (event == NULL) {
        say_wrong(of, "column %zu: the event is no text", place_of(line, "\"event\"") + 1);
    } else if (strcmp(event, "parameters") == 0) {
        read_parameters(of, object, line);
    } else if (strcmp(event, "end") == 0) {
        say_end(of, text_of(object, "username_fragment"));
    } else if (strcmp(event, "candidate") == 0) {
        read_w3c_candidate(of, object, line);
    }
}

static void read_send(const signalling *of, const json_t *value, const char *line)
{
    const char *text = json_string_value(value);
    size_t place = place_of(line, "\"send\"");
    size_t length = json_string_length(value);
    uint8_t *data = malloc(length + 1);
    size_t size = 0;
    size_t column = 0;

    if (text == NULL || data == NULL) {
        say_wrong(of, "column %zu: what is to be sent is no text", place + 1);
    } else if (!base64_decode(text, length, data, length, &size, &column)) {
        say_wrong(of, "column %zu: what is to be sent is no Base64, from its letter %zu on",
                  place + 1, column);
    } else {
        say(of, &(signal_message){.kind = SIGNAL_SEND, .data = data, .size = size});
    }
    free(data);
}

static void read_remove(const signalling *of, const json_t *value, const char *line)
{
    const char *text = json_string_value(value);

    if (text == NULL) {
        say_wrong(of, "column %zu: what is to be removed is no text",
                  place_of(line, "\"remove\"") + 1);
    } else {
        say_candidate(of, SIGNAL_REMOVE, text, place_of(line, text));
    }
}

/* The parameters alone, wherever they stand, or the candidates. */
static void read_lines(signalling *of, const char *sdp, bool of_parameters)
{
    char *copy = strdup(sdp);
    char *rest = copy;
    char *line;

    of->media = 0;
    *of->mid = '\0';
    of->inner = 0;
    while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
        of->inner++;
        line[strcspn(line, "\r")] = '\0';
        if (!is_sdp(line)) {
            continue;
        }
        read_place(of, line);
        if (line[0] == 'a' && of->media < 2) {
            if (of_parameters) {
                (void)read_parameter(of, line);
            } else {
                read_candidate(of, line);
            }
        }
    }
    of->inner = 0;
    free(copy);
}

/* W3C WebRTC §4.6.3: the lines are in `sdp`. */
static void read_description(signalling *of, const char *sdp)
{
    begin_description(of);
    of->holds = true;
    read_lines(of, sdp, true);
    say_parameters_of_sdp(of);
    read_lines(of, sdp, false);
    begin_description(of);
}

/* An RTCSessionDescription among a program's own messages: NULL: there is none. */
static const json_t *description_in(const json_t *object)
{
    const json_t *inner = json_object_get(object, "sdp");

    if (inner == NULL) {
        inner = json_object_get(object, "description");
    }
    return json_is_object(inner) && text_of(inner, "sdp") != NULL ? inner : NULL;
}

static void read_object(signalling *of, const json_t *object, const char *line)
{
    const json_t *value;

    if (json_object_get(object, "event") != NULL) {
        read_event(of, object, line);
    } else if (json_object_get(object, "candidate") != NULL) {
        read_w3c_candidate(of, object, line);
    } else if (text_of(object, "sdp") != NULL) {
        read_description(of, text_of(object, "sdp"));
    } else if ((value = description_in(object)) != NULL) {
        read_description(of, text_of(value, "sdp"));
    } else if ((value = json_object_get(object, "send")) != NULL) {
        read_send(of, value, line);
    } else if ((value = json_object_get(object, "remove")) != NULL) {
        read_remove(of, value, line);
    } else if (json_is_true(json_object_get(object, "restart"))) {
        say(of, &(signal_message){.kind = SIGNAL_RESTART});
    } else {
        say_wrong(of, "column 1: an object with none of event, candidate, sdp, send, remove and "
                      "restart");
    }
}

/* What jansson says of an error has what stands near it, which may be the password. */
static void read_json(signalling *of, const char *line, size_t size)
{
    json_error_t error = {.column = 0};
    json_t *object = json_loadb(line, size, 0, &error);

    if (object == NULL) {
        char *near = strstr(error.text, " near ");
        if (near != NULL) {
            *near = '\0';
        }
        say_wrong(of, "column %d: this is no JSON: %.100s", error.column > 0 ? error.column : 1,
                  error.text);
    } else {
        read_object(of, object, line);
    }
    json_decref(object);
}

/* ── Lines ── */

void signalling_line(signalling *of, char *text, size_t size)
{
    const char *nul = memchr(text, '\0', size);

    of->line++;
    if (size > SIGNAL_LINE_MAX) {
        say_wrong(of, "column 1: a line of more than %zu bytes", SIGNAL_LINE_MAX);
        return;
    }
    if (nul != NULL) {
        say_wrong(of, "column %zu: a byte of 0", (size_t)(nul - text) + 1);
        return;
    }
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL) {
        size--;
    }
    text[size] = '\0';
    size_t column = strspn(text, " \t");
    const char *line = &text[column];

    if (*line == '\0') {
        return;
    }
    if (is_sdp(line)) {
        read_sdp(of, line);
        return;
    }
    say_parameters_of_sdp(of); /* the description ended before it came to media */
    if (*line == '{') {
        read_json(of, text, size);
    } else if (strncmp(line, "candidate:", strlen("candidate:")) == 0) {
        say_candidate(of, SIGNAL_CANDIDATE, line, column);
    } else {
        say_wrong(of, "column %zu: neither a JSON object nor a line of SDP", column + 1);
    }
}

/* The command's words: one a line of the input, the first byte says of which command. What is told
 * of a wrong word is one line; a candidate line among them goes through every way to write it, and
 * what is written as JSON is JSON. */
#include "cli/json.h"
#include "cli/options.h"

#include <floe/core.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In the place of cli/output.c: what the command says is written and dropped, but for one output,
 * which is looked at. */
struct output {
    FILE *memory; /* NULL: dropped */
};

static output kept;
static output dropped;
output *const standard_output = &dropped;
output *const standard_error = &dropped;
output *const trace_output = &dropped;

void output_write(output *to, const void *data, size_t size)
{
    if (to->memory != NULL) {
        (void)fwrite(data, 1, size, to->memory);
    }
}

void output_print(output *to, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (size >= 0) {
        output_write(to, text, (size_t)size);
        free(text);
    }
}

static void check_json(const char *text)
{
    json_error_t error;
    json_t *read = json_loads(text, JSON_REJECT_DUPLICATES, &error);

    if (read == NULL || !json_is_object(read) || strchr(text, '\n') != strrchr(text, '\n')) {
        abort();
    }
    json_decref(read);
}

static void write_all_ways(const floe_candidate *candidate)
{
    for (int format = CANDIDATE_FIELDS; format <= CANDIDATE_SDP; format++) {
        char *text = NULL;
        size_t size = 0;
        kept.memory = open_memstream(&text, &size);
        if (kept.memory == NULL) {
            abort();
        }
        if (format == CANDIDATE_FIELDS) {
            json_t *line = json_object();
            json_add_candidate(line, candidate);
            json_write_line(&kept, line);
        } else {
            write_candidate(&kept, candidate, (candidate_format)format);
        }
        (void)fclose(kept.memory);
        if (format != CANDIDATE_SDP) {
            check_json(text);
        }
        free(text);
    }
}

static floe_error no_random(void *user_data, void *bytes, size_t size)
{
    (void)user_data;
    memset(bytes, 7, size);
    return FLOE_OK;
}

/* What the words ask for, as far as it goes without a network. */
static void use_command(gather_command *command)
{
    const floe_random random = {.fill = no_random};
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_core_shared *shared = NULL;
    floe_core *core = NULL;

    use_filters(command);
    static floe_ice_server servers[SERVERS_MAX];
    options.gather_policy = command->policy;
    options.ice_servers = servers;
    options.ice_server_count = command_servers(command, servers);
    if (floe_core_shared_new(&command->settings, &random, &shared) != FLOE_OK) {
        return;
    }
    if (floe_core_new(shared, &options, &core) == FLOE_OK) {
        floe_core_free(core);
    }
    floe_core_shared_free(shared);
}

static void try_command(command_kind kind, int count, char **words)
{
    static gather_command command;

    if (parse_command(kind, count, words, &command)) {
        use_command(&command);
    }
    free_command(&command);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const command_kind kinds[] = {COMMAND_GATHER, COMMAND_TURN_CHECK, COMMAND_TURN_PIPE,
                                         COMMAND_PARSE,  COMMAND_PAIR,       COMMAND_CONNECT};
    char *words[33];
    int count = 0;

    if (size < 1) {
        return 0;
    }
    char *text = malloc(size);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, &data[1], size - 1);
    text[size - 1] = '\0';
    char *rest = text;
    for (char *word = strsep(&rest, "\n"); word != NULL && count < 32; word = strsep(&rest, "\n")) {
        floe_candidate *candidate;
        words[count++] = word;
        if (floe_candidate_parse(word, &candidate) == FLOE_OK) {
            write_all_ways(candidate);
            floe_candidate_free(candidate);
        }
    }
    words[count] = NULL;
    try_command(kinds[data[0] % 6], count, words);
    free(text);
    return 0;
}

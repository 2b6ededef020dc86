/* The floe command: which of its commands is meant. */
#include "cli/completion.h"
#include "cli/connect.h"
#include "cli/gather.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/pair.h"
#include "cli/parse.h"
#include "cli/screen.h"
#include "cli/suggest.h"
#include "cli/turn.h"

#include <floe/floe.h>
#include <stdio.h>
#include <string.h>

#define EXIT_USAGE 2

static int print_version(void)
{
    output_print(
        standard_output,
        "floe %s\n"
        "candidates: host, srflx, relay\n"
        "servers: stun over UDP; turn over UDP, TCP, TLS and DTLS, IPv4 and IPv6, through\n"
        "proxies (HTTP, SOCKS5); SRV and NAPTR\n"
        "names: DNS, multicast DNS\n",
        floe_version());
    return 0;
}

static int version_main(int count, char **words)
{
    static gather_command command;
    int status = EXIT_USAGE;

    if (parse_command(COMMAND_VERSION, count, words, &command)) {
        status = 0;
        if (command.help) {
            print_command_help(COMMAND_VERSION);
        } else {
            (void)print_version();
        }
    }
    free_command(&command);
    return status;
}

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* The command that the words name, and how many words that took; NULL: none. */
static const command_face *named(int count, char **words, int *used)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const command_face *face = &command_faces[i];
        const char *second = strchr(face->name, ' ');
        size_t size = second != NULL ? (size_t)(second - face->name) : strlen(face->name);
        *used = second != NULL ? 2 : 1;
        if (count >= *used && strlen(words[0]) == size &&
            strncmp(words[0], face->name, size) == 0 &&
            (second == NULL || strcmp(words[1], second + 1) == 0)) {
            return face;
        }
    }
    return NULL;
}

/* What is near the first word, or, where that is right, near the second. */
static void tell_unknown(int count, char **words)
{
    char text[256];
    char firsts[COMMAND_COUNT][24];
    suggestion first = suggestion_for(words[0]);
    suggestion second = suggestion_for(count > 1 ? words[1] : "");
    bool begun = false;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *name = command_faces[i].name;
        const char *rest = strchr(name, ' ');
        size_t size = strcspn(name, " ");
        (void)snprintf(firsts[i], sizeof firsts[i], "%.*s", (int)size, name);
        suggestion_offer(&first, firsts[i]);
        if (rest != NULL && strcmp(firsts[i], words[0]) == 0) {
            begun = true;
            suggestion_offer(&second, rest + 1);
        }
    }
    if (begun) {
        (void)snprintf(text, sizeof text, "%s: expected check or pipe", words[0]);
        suggestion_add(&second, "", text, sizeof text);
    } else {
        suggestion_offer(&first, "help");
        (void)snprintf(text, sizeof text, "unknown command %.100s", words[0]);
        suggestion_add(&first, "", text, sizeof text);
    }
    screen_tell("floe: %s (floe --help lists the commands)", text);
}

/* `floe help`, `floe help turn check`, `floe help turn`. */
static int help_main(int count, char **words)
{
    int used;
    const command_face *face = count > 0 ? named(count, words, &used) : NULL;

    if (face != NULL) {
        print_command_help(face->kind);
    } else if (count == 0) {
        print_commands(standard_output);
    } else if (count > 1 || !print_commands_of(standard_output, words[0])) {
        tell_unknown(count, words);
        return EXIT_USAGE;
    }
    return 0;
}

static int run_command(command_kind kind, int count, char **words)
{
    switch (kind) {
    case COMMAND_GATHER:
        return gather_main(count, words);
    case COMMAND_CONNECT:
        return connect_main(count, words);
    case COMMAND_TURN_CHECK:
    case COMMAND_TURN_PIPE:
        return turn_main(kind, count, words);
    case COMMAND_PARSE:
        return parse_main(count, words);
    case COMMAND_COMPLETION:
        if (count == 1 && is_help(words[0])) {
            print_command_help(kind);
            return 0;
        }
        return completion_main(count, words);
    case COMMAND_PAIR:
        return pair_main(count, words);
    case COMMAND_VERSION:
        break;
    }
    return version_main(count, words);
}

static int run(int count, char **words)
{
    int used = 0;

    if (count == 0) {
        print_commands(standard_error);
        return EXIT_USAGE;
    }
    if (is_help(words[0])) {
        return help_main(count - 1, words + 1);
    }
    if (strcmp(words[0], "--version") == 0 || strcmp(words[0], "-V") == 0) {
        return print_version();
    }
    const command_face *face = named(count, words, &used);
    if (face != NULL) {
        return run_command(face->kind, count - used, words + used);
    }
    if (count == 2 && is_help(words[1])) {
        return help_main(1, words);
    }
    tell_unknown(count, words);
    return EXIT_USAGE;
}

int main(int count, char **words)
{
    output_begin();
    return output_end(run(count - 1, words + 1));
}

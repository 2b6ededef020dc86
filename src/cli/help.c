#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 80
#define LEFT 30 /* columns for what an option is called */

static void print_command_line(output *to, const command_face *face)
{
    char left[64];

    (void)snprintf(left, sizeof left, "floe %s %s", face->name, face->words);
    if (strlen(left) > 36) {
        output_print(to, "  %s\n  %-36s %s\n", left, "", face->summary);
    } else {
        output_print(to, "  %-36s %s\n", left, face->summary);
    }
}

void print_commands(output *to)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        print_command_line(to, &command_faces[i]);
    }
    output_print(to, "  %-36s %s\n\n", "floe help COMMAND", "what a command takes");
    output_print(to, "Why does this call not connect?   floe gather -u NAME turn:HOST stun:HOST\n"
                     "Is my TURN server right?          floe turn check -u NAME turn:HOST\n"
                     "Can these two connect?            floe pair OFFER ANSWER\n"
                     "Do they connect?                  floe connect stun:HOST, on each of them\n");
}

bool print_commands_of(output *to, const char *word)
{
    size_t size = strlen(word);
    bool any = false;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *name = command_faces[i].name;
        if (strncmp(name, word, size) == 0 && name[size] == ' ') {
            print_command_line(to, &command_faces[i]);
            any = true;
        }
    }
    return any;
}

/* Broken between words, from this column on. */
static void print_wrapped(const char *text, int column)
{
    int at = column;

    while (*text != '\0') {
        int size = (int)strcspn(text, " ");
        if (at > column && at + 1 + size > WIDTH) {
            output_print(standard_output, "\n%*s", column, "");
            at = column;
        }
        output_print(standard_output, "%s%.*s", at > column ? " " : "", size, text);
        at += size + (at > column);
        text += size;
        text += *text == ' ';
    }
    output_print(standard_output, "\n");
}

static void print_option(const option_face *option)
{
    char left[96];
    int size = snprintf(left, sizeof left, "  %s%c%s --%s%s%s", option->letter ? "-" : " ",
                        option->letter ? option->letter : ' ', option->letter ? "," : " ",
                        option->name, option->value ? " " : "", option->value ? option->value : "");

    if (size > LEFT - 2) {
        output_print(standard_output, "%s\n%*s", left, LEFT, "");
    } else {
        output_print(standard_output, "%-*s", LEFT, left);
    }
    print_wrapped(option->help, LEFT);
}

/* A group is headed if the command takes one of its options. */
static void print_options(command_kind kind)
{
    const char *group = NULL;
    bool times = false;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const option_face *option = &option_faces[i];
        if (option->name == NULL) {
            group = option->help;
        } else if ((option->kinds & kind) != 0) {
            if (group != NULL) {
                output_print(standard_output, "\n%s\n", group);
                group = NULL;
            }
            print_option(option);
            times = times || (option->value != NULL && (strcmp(option->value, "S") == 0 ||
                                                        strcmp(option->value, "MS") == 0));
        }
    }
    if (times) {
        output_print(standard_output,
                     "\nS and MS are times: 500ms, 5s, 2m, 1h, or a number of seconds or\n"
                     "milliseconds.\n");
    }
}

void print_command_help(command_kind kind)
{
    const command_face *face = command_face_of(kind);

    output_print(standard_output, "floe %s%s%s\n\n%s", face->name, *face->words ? " " : "",
                 face->words, face->about);
    print_options(kind);
    if (*face->examples != '\0') {
        output_print(standard_output, "\nExamples\n%s", face->examples);
    }
    output_print(standard_output, "\nExit status\n");
    for (const char *line = face->exit; *line != '\0';) {
        int size = (int)strcspn(line, "\n");
        output_print(standard_output, "  %.*s\n", size, line);
        line += size + (line[size] == '\n');
    }
}

#include "cli/candidate_file.h"

#include "cli/output.h"
#include "cli/screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)64 << 20)

bool is_candidate_file(const char *word)
{
    return strcmp(word, "-") == 0 ||
           (strstr(word, "candidate:") == NULL && access(word, F_OK) == 0);
}

static bool tell_why(const char *command, const char *file, int error)
{
    screen_tell("floe: %s: %s: %s", command, file, strerror(error));
    return false;
}

/* A line with its end; one that is larger than the limit comes in parts. 0: there is none. */
static size_t read_line(FILE *from, char **text, size_t *room)
{
    size_t used = 0;
    int byte = 0;

    while (byte != '\n' && used < LINE_MAX_BYTES) {
        if (used + 2 > *room) {
            size_t more = *room * 2 + 4096;
            char *larger = realloc(*text, more);
            if (larger == NULL) {
                break;
            }
            *text = larger;
            *room = more;
        }
        byte = getc_unlocked(from);
        if (byte == EOF) {
            break;
        }
        (*text)[used++] = (char)byte;
    }
    return used;
}

static void read_lines(extractor *into, FILE *from, void (*before_line)(void *data), void *data)
{
    char *text = NULL;
    size_t room = 0;

    while (!output_failed(standard_output)) {
        size_t size = read_line(from, &text, &room);
        if (size == 0) {
            break;
        }
        if (before_line != NULL) {
            before_line(data);
        }
        extract_line(into, text, size);
    }
    free(text);
}

bool read_candidates(const char *command, const char *file, extract_found found, void *data,
                     void (*before_line)(void *data))
{
    bool standard = strcmp(file, "-") == 0;
    FILE *from = standard ? stdin : fopen(file, "r");
    extractor *into = extract_new(found, data);

    if (from == NULL || into == NULL) {
        int error = from == NULL ? errno : ENOMEM;
        extract_free(into);
        return tell_why(command, file, error);
    }
    if (standard && isatty(STDIN_FILENO)) {
        screen_tell("floe: %s: paste candidates, SDP, JSON or a log, and end with Ctrl-D", command);
    }
    errno = 0;
    read_lines(into, from, before_line, data);
    int error = ferror(from) ? errno : 0;
    extract_free(into);
    if (!standard) {
        (void)fclose(from);
    }
    return error == 0 || tell_why(command, standard ? "standard input" : file, error);
}

bool read_candidates_of_text(const char *text, extract_found found, void *data)
{
    extractor *into = extract_new(found, data);
    char *rest = strdup(text);
    char *line;

    if (into != NULL && rest != NULL) {
        char *words = rest;
        while ((line = strsep(&words, "\n")) != NULL) {
            extract_line(into, line, strlen(line));
        }
    }
    extract_free(into);
    free(rest);
    return into != NULL && rest != NULL;
}

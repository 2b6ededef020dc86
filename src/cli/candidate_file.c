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

/* A file's characters: it may be of UTF-16, as Windows writes them, which its first two bytes show. */
typedef struct source {
    FILE *from;
    bool begun;
    int high;   /* of UTF-16, which of two bytes is the high one, 0 or 1; -1: it is of bytes */
    int second; /* a byte that was read ahead; EOF: none */
} source;

/* The next unit: a byte, or 16 bits; EOF. */
static int next_unit(source *of)
{
    int first = of->second != EOF ? of->second : getc_unlocked(of->from);

    of->second = EOF;
    if (!of->begun && (first == 0xFE || first == 0xFF)) {
        int second = getc_unlocked(of->from);
        of->high = first + second == 0xFE + 0xFF ? first == 0xFF : -1;
        of->second = of->high < 0 ? second : EOF;
        of->begun = true;
        return of->high < 0 ? first : next_unit(of);
    }
    of->begun = true;
    if (of->high < 0 || first == EOF) {
        return first;
    }
    int second = getc_unlocked(of->from);
    return second == EOF ? EOF : of->high == 0 ? first << 8 | second : second << 8 | first;
}

/* In UTF-8; what UTF-16 needs two units for has no place in a candidate, and is replaced. */
static size_t put_unit(const source *of, unsigned unit, char *to)
{
    bool half = unit >= 0xD800 && unit < 0xE000;
    size_t used = 0;

    unit = half ? 0xFFFD : unit;
    if (of->high < 0 || unit < 0x80) {
        to[used++] = (char)unit;
    } else if (unit < 0x800) {
        to[used++] = (char)(0xC0 | unit >> 6);
        to[used++] = (char)(0x80 | (unit & 0x3F));
    } else {
        to[used++] = (char)(0xE0 | unit >> 12);
        to[used++] = (char)(0x80 | (unit >> 6 & 0x3F));
        to[used++] = (char)(0x80 | (unit & 0x3F));
    }
    return used;
}

/* A line with its end; one that is larger than the limit comes in parts. 0: there is none. */
static size_t read_line(source *from, char **text, size_t *room)
{
    size_t used = 0;
    int unit = 0;

    while (unit != '\n' && used < LINE_MAX_BYTES) {
        if (used + 4 > *room) {
            size_t more = *room * 2 + 4096;
            char *larger = realloc(*text, more);
            if (larger == NULL) {
                break;
            }
            *text = larger;
            *room = more;
        }
        unit = next_unit(from);
        if (unit == EOF) {
            break;
        }
        used += put_unit(from, (unsigned)unit, &(*text)[used]);
    }
    return used;
}

static void read_lines(extractor *into, FILE *from, void (*before_line)(void *data), void *data)
{
    source of = {.from = from, .high = -1, .second = EOF};
    char *text = NULL;
    size_t room = 0;

    while (!output_failed(standard_output)) {
        size_t size = read_line(&of, &text, &room);
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

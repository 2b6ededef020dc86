/* Text for people: columns, colours, and sentences that are broken between words. */
#ifndef FLOE_CLI_CHECK_TEXT_H
#define FLOE_CLI_CHECK_TEXT_H

#include "cli/screen.h"

#include <stddef.h>

/* What will be written: grows as it is added to. Without memory it ends where it is. */
typedef struct check_text {
    char *text; /* NUL-terminated; NULL: nothing yet */
    size_t size;
    size_t room;
    const screen *on; /* whose colours it has; NULL: none */
    int width;        /* of the screen; 0: none, no line is broken */
} check_text;

void check_text_add(check_text *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Padded to so many columns; the padding has no colour. */
void check_text_cell(check_text *to, paint colour, int columns, const char *text);
/* A line that begins with `label`; its text stands `indent` columns from the left, and goes on there. */
void check_text_sentence(check_text *to, paint colour, const char *label, int indent,
                         const char *text);
/* How many lines of a screen so wide it takes. */
int check_text_lines(const check_text *of, int width);
void check_text_free(check_text *of);

#endif

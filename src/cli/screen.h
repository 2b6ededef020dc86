/* The terminal at standard output: how wide it is, whether it has colours, and lines at its end that
 * are drawn over: a progress line, a live view. */
#ifndef FLOE_CLI_SCREEN_H
#define FLOE_CLI_SCREEN_H

#include "cli/output.h"

#include <stdbool.h>
#include <stddef.h>

/* The lines that are drawn over, at most. */
#define SCREEN_LINES_MAX 64

/* --color. */
typedef enum colour_mode { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER } colour_mode;

typedef struct screen {
    bool terminal; /* one on which lines can be drawn over */
    bool colour;
    size_t line_count; /* that are shown at its end, and will be drawn over */
    size_t lengths[SCREEN_LINES_MAX];
} screen;

/* NO_COLOR, TERM and whether it is a terminal decide where `mode` does not. */
void screen_init(screen *of, colour_mode mode);
/* In columns; SIZE_MAX: it is no terminal, and lines are as long as they are. */
size_t screen_width(void);
size_t screen_width_of(const output *to);
size_t screen_height(void);
/* Takes away what was drawn last, so that lines can be printed. */
void screen_clear(screen *of);
/* Draws lines with \n between them, in place of those that were drawn last. Each is cut to the width, and
 * the last that do not fit the height are left out. */
void screen_draw(screen *of, const char *lines);

typedef enum paint {
    PAINT_PLAIN,
    PAINT_BOLD,
    PAINT_DIM,
    PAINT_RED,
    PAINT_GREEN,
    PAINT_YELLOW,
    PAINT_CYAN,
    PAINT_MAGENTA,
} paint;

/* What begins it; PAINT_PLAIN ends any. "" without colours. */
const char *screen_paint(const screen *of, paint colour);
/* How many columns the text takes: bytes that go on with a character take none. */
size_t screen_columns(const char *text);
/* Prints the text in lines of the width, broken between words; all but the first line begin with `indent`
 * spaces. `column`: where the first begins. Ends the line. */
void screen_print_wrapped(output *to, const char *text, size_t column, size_t indent);
/* "floe: COMMAND: …", without the line's end, to standard error. */
void screen_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

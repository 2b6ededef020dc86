#include "cli/screen.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* "floe: " */
#define TOLD_INDENT 6

void screen_init(screen *of, colour_mode mode)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool can = isatty(STDOUT_FILENO) && (term == NULL || strcmp(term, "dumb") != 0);
    bool wanted = can && (no_colour == NULL || *no_colour == '\0');

    *of = (screen){.terminal = can,
                   .colour = mode == COLOUR_ALWAYS || (mode == COLOUR_AUTO && wanted)};
}

size_t screen_width_of(const output *to)
{
    struct winsize size = {0};
    int descriptor = to == standard_output ? STDOUT_FILENO : STDERR_FILENO;

    if (!isatty(descriptor)) {
        return SIZE_MAX;
    }
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

size_t screen_width(void)
{
    return screen_width_of(standard_output);
}

size_t screen_height(void)
{
    struct winsize size = {0};

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 ? size.ws_row : 24;
}

static bool goes_on(char byte)
{
    return ((unsigned char)byte & 0xc0U) == 0x80;
}

size_t screen_columns(const char *text)
{
    size_t columns = 0;

    for (; *text != '\0'; text++) {
        columns += !goes_on(*text);
    }
    return columns;
}

/* How many bytes the first columns of a line take. */
static size_t bytes_of(const char *line, size_t size, size_t columns)
{
    size_t at = 0;

    while (at < size && (goes_on(line[at]) || columns > 0)) {
        columns -= !goes_on(line[at]);
        at++;
    }
    return at;
}

/* A terminal that has become narrower may have broken what was drawn: then it takes more rows. */
void screen_clear(screen *of)
{
    if (of->line_count == 0) {
        return;
    }
    size_t width = screen_width();
    size_t rows = 0;
    for (size_t i = 0; i < of->line_count; i++) {
        rows += of->lengths[i] > width ? (of->lengths[i] - 1) / width + 1 : 1;
    }
    if (rows > 1) {
        output_print(standard_output, "\033[%zuA", rows - 1);
    }
    output_print(standard_output, "\r\033[J");
    of->line_count = 0;
}

void screen_draw(screen *of, const char *lines)
{
    size_t width = screen_width();
    size_t rows = screen_height() - 1;
    char drawn[8192];
    size_t used = 0;

    screen_clear(of);
    rows = rows < SCREEN_LINES_MAX ? rows : SCREEN_LINES_MAX;
    while (of->line_count < rows) {
        size_t size = strcspn(lines, "\n");
        size_t kept = bytes_of(lines, size, width - 1);
        if (kept + 2 > sizeof drawn - used) {
            break;
        }
        memcpy(&drawn[used], lines, kept);
        used += kept;
        of->lengths[of->line_count++] = kept < size ? width - 1 : kept;
        if (lines[size] == '\0' || of->line_count == rows) {
            break;
        }
        drawn[used++] = '\n';
        lines += size + 1;
    }
    output_write(standard_output, drawn, used);
}

const char *screen_paint(const screen *of, paint colour)
{
    static const char *const begins[] = {
        [PAINT_PLAIN] = "\033[0m",    [PAINT_BOLD] = "\033[1m",    [PAINT_DIM] = "\033[2m",
        [PAINT_RED] = "\033[31m",     [PAINT_GREEN] = "\033[32m",  [PAINT_CYAN] = "\033[36m",
        [PAINT_MAGENTA] = "\033[35m", [PAINT_YELLOW] = "\033[33m",
    };

    return of->colour ? begins[colour] : "";
}

void screen_print_wrapped(output *to, const char *text, size_t column, size_t indent)
{
    size_t width = screen_width_of(to);

    while (width > indent && column < width && screen_columns(text) > width - column) {
        size_t end = bytes_of(text, strlen(text), width - column);
        while (end > 0 && text[end] != ' ') {
            end--;
        }
        if (end == 0) { /* one word, which is broken where the line ends */
            end = column > indent ? 0 : bytes_of(text, strlen(text), width - column);
        }
        output_print(to, "%.*s\n%*s", (int)end, text, (int)indent, "");
        text += end + (text[end] == ' ');
        column = indent;
    }
    output_print(to, "%s\n", text);
}

void screen_tell(const char *format, ...)
{
    va_list first;
    va_list second;

    va_start(first, format);
    va_copy(second, first);
    int size = vsnprintf(NULL, 0, format, first);
    char *text = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)size + 1, format, second);
        screen_print_wrapped(standard_error, text, 0, TOLD_INDENT);
    }
    va_end(second);
    va_end(first);
    free(text);
}

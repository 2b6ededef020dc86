#include "cli/check_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(check_text *to, size_t more)
{
    if (to->size + more + 1 > to->room) {
        size_t room = 2 * (to->size + more + 1) + 256;
        char *grown = realloc(to->text, room);
        if (grown == NULL) {
            return false;
        }
        to->text = grown;
        to->room = room;
    }
    return true;
}

static void put(check_text *to, const char *text, size_t size)
{
    if (make_room(to, size)) {
        memcpy(to->text + to->size, text, size);
        to->size += size;
        to->text[to->size] = '\0';
    }
}

void check_text_add(check_text *to, const char *format, ...)
{
    char text[1600];
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size > 0) {
        put(to, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
    }
}

static void put_paint(check_text *to, paint colour)
{
    const char *begins = to->on != NULL ? screen_paint(to->on, colour) : "";

    put(to, begins, strlen(begins));
}

void check_text_cell(check_text *to, paint colour, int columns, const char *text)
{
    if (colour != PAINT_PLAIN) {
        put_paint(to, colour);
    }
    put(to, text, strlen(text));
    if (colour != PAINT_PLAIN) {
        put_paint(to, PAINT_PLAIN);
    }
    for (int i = (int)strlen(text); i < columns; i++) {
        put(to, " ", 1);
    }
}

/* So much of it goes on a line with that room: to the end of a word, if any ends there. */
static size_t line_size(const char *text, size_t room)
{
    size_t size = strlen(text);

    if (size <= room) {
        return size;
    }
    for (size = room; size > 0 && text[size] != ' '; size--) {
    }
    return size > 0 ? size : room;
}

void check_text_sentence(check_text *to, paint colour, const char *label, int indent,
                         const char *text)
{
    size_t room = to->width > indent + 20 ? (size_t)(to->width - indent) : 4096;

    check_text_cell(to, colour, indent, label);
    while (true) {
        size_t size = line_size(text, room);
        put(to, text, size);
        put(to, "\n", 1);
        text += size;
        text += strspn(text, " ");
        if (*text == '\0') {
            return;
        }
        check_text_cell(to, PAINT_PLAIN, indent, "");
    }
}

int check_text_lines(const check_text *of, int width)
{
    int lines = 0;
    int column = 0;

    for (const char *at = of->text != NULL ? of->text : ""; *at != '\0'; at++) {
        if (*at == '\033') {
            at += strcspn(at, "mK");
        } else if (*at == '\n') {
            lines += 1 + (column > 0 ? (column - 1) / width : 0);
            column = 0;
        } else {
            column++;
        }
    }
    return lines;
}

void check_text_free(check_text *of)
{
    free(of->text);
    of->text = NULL;
    of->size = of->room = 0;
}

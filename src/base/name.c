/* Host names, compared, and decoded. */
#include "base/name.h"

#include <string.h>

static size_t size_of(const char *name)
{
    size_t size = strlen(name);

    return size > 0 && name[size - 1] == '.' ? size - 1 : size;
}

bool floe_ascii_same(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (floe_ascii_lower(a[i]) != floe_ascii_lower(b[i])) {
            return false;
        }
    }
    return true;
}

bool floe_ascii_is(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && floe_ascii_same(text, word, size);
}

bool floe_name_same(const char *a, const char *b)
{
    size_t size = size_of(a);

    return size == size_of(b) && floe_ascii_same(a, b, size);
}

bool floe_name_is_local(const char *name)
{
    static const char local[] = ".local";
    size_t size = size_of(name);

    return size > sizeof local - 1 &&
           floe_ascii_same(&name[size - (sizeof local - 1)], local, sizeof local - 1);
}

static int hex(char digit)
{
    digit = floe_ascii_lower(digit);
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                          : -1;
}

bool floe_percent_decode(const char *text, size_t size, char *to, size_t room)
{
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        char character = text[i];
        if (character == '%') {
            int high = i + 2 < size ? hex(text[i + 1]) : -1;
            int low = i + 2 < size ? hex(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            character = (char)(high * 16 + low);
            i += 2;
        }
        if (used + 1 >= room || character == '\0') {
            return false;
        }
        to[used++] = character;
    }
    to[used] = '\0';
    return true;
}

/* A name whose last label is all digits would be read as an IPv4 address by others (WHATWG URL). */
static bool looks_like_ipv4(const char *text, size_t size)
{
    size_t digits = 0;

    while (digits < size && text[size - 1 - digits] >= '0' && text[size - 1 - digits] <= '9') {
        digits++;
    }
    return digits > 0 && (digits == size || text[size - 1 - digits] == '.');
}

bool floe_name_valid(const char *text, size_t size)
{
    size_t label = 0;

    if (size == 0 || size >= FLOE_NAME_SIZE || looks_like_ipv4(text, size)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = floe_ascii_lower(text[i]);
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!letter && !(c == '.' && label > 0)) {
            return false;
        }
        label = c == '.' ? 0 : label + 1;
        if (label > 63) {
            return false;
        }
    }
    return true;
}

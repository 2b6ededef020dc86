/* Host names, compared. */
#include "base/name.h"

#include <string.h>

static size_t size_of(const char *name)
{
    size_t size = strlen(name);

    return size > 0 && name[size - 1] == '.' ? size - 1 : size;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (lower(a[i]) != lower(b[i])) {
            return false;
        }
    }
    return true;
}

bool floe_name_same(const char *a, const char *b)
{
    size_t size = size_of(a);

    return size == size_of(b) && same(a, b, size);
}

bool floe_name_is_local(const char *name)
{
    static const char local[] = ".local";
    size_t size = size_of(name);

    return size > sizeof local - 1 &&
           same(&name[size - (sizeof local - 1)], local, sizeof local - 1);
}

/* Host names as DNS compares them, and as URLs have them. */
#ifndef FLOE_BASE_NAME_H
#define FLOE_BASE_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Whatever the locale. */
static inline char floe_ascii_lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

/* Whether so many characters are the same, ASCII letters in either case. */
bool floe_ascii_same(const char *a, const char *b, size_t size);
/* Whether a text of that size is the word. */
bool floe_ascii_is(const char *text, size_t size, const char *word);
/* The longest name as a text (RFC 1035 §2.3.4), and the NUL behind it. */
#define FLOE_NAME_SIZE 256
/* A DNS name: letters, digits, hyphens, underscores; labels of 1 to 63 characters between single
 * dots, one dot at the end allowed; nothing that others would read as an IPv4 address. */
bool floe_name_valid(const char *text, size_t size);
/* Whether two names are one: ASCII letters in either case (RFC 4343), and a dot at the end or none.
 */
bool floe_name_same(const char *a, const char *b);
/* RFC 6762 §3: names that end in .local are looked for on the links, and nowhere else. */
bool floe_name_is_local(const char *name);
/* RFC 3986 §2.1: what a part of a URL says, "%40" being "@". False: that is malformed, says NUL, or
 * has no room in `to`. */
bool floe_percent_decode(const char *text, size_t size, char *to, size_t room);

#endif

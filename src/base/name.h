/* Host names as DNS compares them. */
#ifndef FLOE_BASE_NAME_H
#define FLOE_BASE_NAME_H

#include <stdbool.h>

/* Whether two names are one: ASCII letters in either case (RFC 4343), and a dot at the end or none.
 */
bool floe_name_same(const char *a, const char *b);
/* RFC 6762 §3: names that end in .local are looked for on the links, and nowhere else. */
bool floe_name_is_local(const char *name);

#endif

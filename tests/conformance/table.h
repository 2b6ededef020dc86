/* Tables of cases as text, one case a line, for a person to read and to add to:
 *
 *     key: value | key: value => what must come of it
 *
 * Blank lines and those that begin with # do not count. */
#ifndef FLOE_CONFORMANCE_TABLE_H
#define FLOE_CONFORMANCE_TABLE_H

#include <stddef.h>

#define TABLE_TEXT_SIZE 8192

/* Works out what comes of a case, in the words of the right-hand side. `given` may be written on.
 */
typedef void (*table_case)(char *given, char *result, size_t size);

/* The next "key: value" of a case; a word without a colon has the key "". NULL at the end. */
char *table_next(char **at, char **key);
/* Cuts blanks off both ends. */
char *table_trim(char *text);

/* The kinds of tables. */
void case_of_urls(char *given, char *result, size_t size);
void case_of_candidates(char *given, char *result, size_t size);
void case_of_worlds(char *given, char *result, size_t size);
void case_of_messages(char *given, char *result, size_t size);

#endif

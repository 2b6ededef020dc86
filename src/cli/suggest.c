#include "cli/suggest.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 40

suggestion suggestion_for(const char *word)
{
    size_t size = strlen(word);

    /* A third of the letters may be others, and one of a short word. */
    return (suggestion){.word = word, .distance = size < 3 ? 1 : size / 3 + 1};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters are to be added, left out, replaced or exchanged with their neighbour to make one
 * of the other. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t width = strlen(b);

    for (size_t j = 0; j <= width; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= strlen(a); i++) {
        const size_t *above = rows[(i - 1) % 3];
        size_t *row = rows[i % 3];
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            row[j] =
                least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[strlen(a) % 3][width];
}

void suggestion_offer(suggestion *of, const char *known)
{
    size_t size = strlen(of->word);

    if (size > WORD_MAX || strlen(known) > WORD_MAX || size == 0) {
        return;
    }
    /* The beginning of a word is nearer than any other word. */
    size_t far = size > 2 && strncmp(known, of->word, size) == 0 ? 0 : distance(of->word, known);
    if (far < of->distance) {
        of->best = known;
        of->distance = far;
    }
}

void suggestion_add(const suggestion *of, const char *before, char *text, size_t size)
{
    size_t used = strlen(text);

    if (of->best != NULL) {
        (void)snprintf(&text[used], size - used, "; did you mean %s%s?", before, of->best);
    }
}

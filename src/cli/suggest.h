/* "Did you mean …?": the nearest of some words. */
#ifndef FLOE_CLI_SUGGEST_H
#define FLOE_CLI_SUGGEST_H

#include <stddef.h>

typedef struct suggestion {
    const char *word; /* as it was typed */
    const char *best; /* of those that were offered; NULL: none is near */
    size_t distance;
} suggestion;

suggestion suggestion_for(const char *word);
/* Another word that there is. */
void suggestion_offer(suggestion *of, const char *known);
/* Adds "; did you mean BEFORE…?" to the text, if a word is near. */
void suggestion_add(const suggestion *of, const char *before, char *text, size_t size);

#endif

/* Candidate text: what is taken must be stable: format(parse(x)) is read as itself. */
#include <floe/candidate.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 8192

static bool parse_and_format(const char *in, char *out)
{
    floe_candidate *candidate;

    if (floe_candidate_parse(in, &candidate) != FLOE_OK) {
        if (strncmp(floe_last_error(), "column ", 7) != 0) {
            abort();
        }
        return false;
    }
    if (floe_candidate_format(candidate, out, ROOM) != FLOE_OK || candidate->component == 0 ||
        candidate->component > 256 || candidate->priority == 0) {
        abort();
    }
    floe_candidate_free(candidate);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char once[ROOM];
    static char twice[ROOM];
    char *text = malloc(size + 1);

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    /* An address may grow as it is written in its right form, so only what still fits is read
     * again. */
    if (parse_and_format(text, once) && strlen(once) <= 2048 &&
        (!parse_and_format(once, twice) || strcmp(once, twice) != 0)) {
        abort();
    }
    free(text);
    return 0;
}

/* What one side of `floe connect` hands to the other: its parameters and candidates, in one word. */
#ifndef FLOE_CLI_TICKET_H
#define FLOE_CLI_TICKET_H

#include <floe/candidate.h>
#include <floe/options.h>
#include <stddef.h>

/* More candidates than these are left out: those of the lowest priority. */
#define TICKET_CANDIDATES 64
/* Room for the text of any ticket. */
#define TICKET_TEXT_SIZE 32768

typedef struct ticket {
    floe_parameters parameters;
    floe_candidate *candidates[TICKET_CANDIDATES]; /* owned */
    size_t count;
} ticket;

typedef enum ticket_result {
    TICKET_GOOD,
    /* Nothing but blanks. */
    TICKET_EMPTY,
    /* It begins as no ticket does. */
    TICKET_NONE,
    /* Its end is missing. */
    TICKET_CUT,
    TICKET_DAMAGED,
    TICKET_OF_ANOTHER_VERSION,
} ticket_result;

/* Its text, of the alphabet of base64url, with a NUL. What a peer does not need is left out: the related address, and the
 * foundation's name, as only which foundations are the same counts. */
void ticket_encode(const floe_parameters *parameters, const floe_candidate_list *candidates,
                   char text[TICKET_TEXT_SIZE]);

/* `text` may have blanks and line ends anywhere. *of is to be freed if the result is good. */
ticket_result ticket_decode(const char *text, ticket *of);
void ticket_free(ticket *of);

/* What to tell of one that is not good. */
const char *ticket_why(ticket_result result);

#endif

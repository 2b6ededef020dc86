/* Which generation of ICE parameters each side of `floe connect --json` has, and what those that come ask for (RFC 8445 §9).
 * They may come late, twice, or in another order, and both sides may restart at once, several times. A number goes with the
 * parameters: a side that begins a restart has one more than before, and a side that hears of a higher one than its own
 * restarts, and takes it. Nothing else makes a number, so two sides that only answer come to an end, with the same one. */
#ifndef FLOE_CLI_GENERATIONS_H
#define FLOE_CLI_GENERATIONS_H

#include <floe/options.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* That may be told. */
#define GENERATION_MAX 1000000000

typedef enum generation_news {
    GENERATION_OLD,      /* it was heard before, or another one is to be waited for */
    GENERATION_STARTS,   /* start with it */
    GENERATION_RESTARTS, /* restart, tell our new parameters, and start with it */
} generation_news;

typedef struct generation_heard generation_heard;

typedef struct generations {
    uint32_t own;
    uint32_t other;  /* 0: none was heard */
    bool awaits;     /* the first parameters of the other side, or the answer to ours */
    bool unnumbered; /* the other side tells no numbers */
    bool waits;      /* a restart is to be begun when they have come */
    generation_heard *heard;
} generations;

void generations_init(generations *of);
/* We begin a restart. False: not before what is awaited has come: where no number says so, two answers could not be told from
 * an answer and a restart. */
bool generations_restart(generations *of);
/* Whether one has waited that may begin now, behind GENERATION_STARTS. */
bool generations_may_restart(generations *of);
/* These are our own: where they come back to us, as from a channel that all hear, they are nobody else's. */
void generations_told(generations *of, const floe_parameters *parameters);
/* `number`: 0: none was told, as those who are no floe do: then what comes is the answer, if one is awaited. */
generation_news generations_hear(generations *of, const floe_parameters *parameters,
                                 uint32_t number);
void generations_free(generations *of);

#endif

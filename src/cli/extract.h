/* Takes candidates out of whatever text: SDP, JSON, dumps of browsers, logs. */
#ifndef FLOE_CLI_EXTRACT_H
#define FLOE_CLI_EXTRACT_H

#include <floe/candidate.h>
#include <stdbool.h>
#include <stddef.h>

#define EXTRACT_WHY_SIZE 256

/* Of whom a browser's dump or log says that it is. */
typedef enum extract_side {
    EXTRACT_SIDE_UNKNOWN,
    EXTRACT_SIDE_LOCAL,
    EXTRACT_SIDE_REMOTE,
} extract_side;

typedef struct extract_finding {
    unsigned line;                   /* from 1 */
    const floe_candidate *candidate; /* NULL: it looks like one, and is none */
    extract_side side;
    bool again; /* it was found before, and now it is known whose it is */
    /* What the text does not have of it. */
    bool no_foundation;
    bool no_priority;
    char why[EXTRACT_WHY_SIZE]; /* it is none */
} extract_finding;

typedef void (*extract_found)(void *data, const extract_finding *finding);

typedef struct extractor extractor;

/* NULL: out of memory. */
extractor *extract_new(extract_found found, void *data);
/* The next line, with or without its end; it is changed. What is found is told in the order of the text: of JSON when
 * it has ended, be it with the text. */
void extract_line(extractor *from, char *text, size_t size);
/* Tells what is left. */
void extract_free(extractor *from);
/* Why the library could not read the candidate that begins behind so many bytes of a line: its error counts from there. */
void extract_explain(char *why, size_t size, size_t column);

#endif

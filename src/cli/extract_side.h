/* Whose a candidate in a text is, as dumps and logs of browsers show it: each has those of both sides. */
#ifndef FLOE_CLI_EXTRACT_SIDE_H
#define FLOE_CLI_EXTRACT_SIDE_H

#include "cli/extract.h"

typedef struct side_reader {
    extract_side side; /* what the last mark says */
    unsigned depth;    /* of braces, in this text */
    unsigned marked;   /* how deep the mark stands: it ends with what it stands in */
    const char *read;  /* how far the line is read */
    bool quoted;
    bool escaped;
} side_reader;

/* `in_json`: JSON has begun on a line before. */
void side_begin_line(side_reader *reader, const char *line, bool in_json);
/* What is known of the candidate there, which stands behind the last that was asked for. */
extract_side side_before(side_reader *reader, const char *at);
void side_end_line(side_reader *reader);

#endif

/* JSON lines, and a candidate's fields in them. */
#ifndef FLOE_CLI_JSON_H
#define FLOE_CLI_JSON_H

#include "cli/output.h"

#include <floe/candidate.h>
#include <jansson.h>
#include <stdbool.h>

/* Text of whatever bytes: what is no UTF-8 in it stands as U+FFFD, as it would take the whole key
 * with it. */
json_t *json_text(const char *text);
json_t *json_text_or_null(const char *text);
/* Adds the fields of a candidate event, the canonical text first. */
void json_add_candidate(json_t *line, const floe_candidate *candidate);
/* How a candidate is written for others than people. */
typedef enum candidate_format {
    CANDIDATE_FIELDS, /* the fields of the candidate event */
    CANDIDATE_W3C,    /* RTCIceCandidateInit */
    CANDIDATE_ORTC,   /* ORTC's RTCIceCandidate */
    CANDIDATE_SDP,    /* the line of SDP */
} candidate_format;

/* Writes it on a line of its own; not as CANDIDATE_FIELDS. */
void write_candidate(output *to, const floe_candidate *candidate, candidate_format format);
/* The first line of a stream: which command it is of, and the version of its events. */
json_t *json_start(const char *command);
void json_write_start(const char *command);
/* Writes the object on a line of its own, and frees it. */
void json_write_line(output *to, json_t *line);

#endif

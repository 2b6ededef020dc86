/* JSON lines, and a candidate's fields in them. */
#ifndef FLOE_CLI_JSON_H
#define FLOE_CLI_JSON_H

#include <floe/candidate.h>
#include <jansson.h>
#include <stdio.h>

json_t *json_text_or_null(const char *text);
/* Adds the fields of a candidate event, the canonical text first. */
void json_add_candidate(json_t *line, const floe_candidate *candidate);
/* Writes the object on a line of its own, and frees it. */
void json_write_line(FILE *file, json_t *line);

#endif

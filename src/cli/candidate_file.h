/* Reading candidates for the commands that explain them, from a file, standard input or a word. */
#ifndef FLOE_CLI_CANDIDATE_FILE_H
#define FLOE_CLI_CANDIDATE_FILE_H

#include "cli/extract.h"

/* Whether the word names a file, or standard input ("-"), and is no candidate itself. */
bool is_candidate_file(const char *word);
/* `before_line`: called before each line, NULL: not. False after a line that tells why: the file cannot be read. */
bool read_candidates(const char *command, const char *file, extract_found found, void *data,
                     void (*before_line)(void *data));
bool read_candidates_of_text(const char *text, extract_found found, void *data);

#endif

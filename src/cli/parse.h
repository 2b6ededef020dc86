/* `floe parse`. */
#ifndef FLOE_CLI_PARSE_H
#define FLOE_CLI_PARSE_H

/* Runs it with the words behind "parse"; the exit status. */
int parse_main(int count, char **words);

#endif

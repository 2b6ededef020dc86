/* `floe gather`. */
#ifndef FLOE_CLI_GATHER_H
#define FLOE_CLI_GATHER_H

/* Runs it with the words behind "gather"; the exit status. */
int gather_main(int count, char **words);

#endif

/* `floe pair`. */
#ifndef FLOE_CLI_PAIR_H
#define FLOE_CLI_PAIR_H

/* Runs it with the words behind "pair"; the exit status. */
int pair_main(int count, char **words);

#endif

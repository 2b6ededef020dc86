/* `floe connect`. */
#ifndef FLOE_CLI_CONNECT_H
#define FLOE_CLI_CONNECT_H

/* Runs it with the words behind "connect"; the exit status. */
int connect_main(int count, char **words);

#endif

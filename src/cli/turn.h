/* `floe turn`: check and pipe. */
#ifndef FLOE_CLI_TURN_H
#define FLOE_CLI_TURN_H

#include "cli/options.h"

/* The words behind "turn"; the exit status. */
int turn_main(int count, char **words);

int turn_check(gather_command *command);
int turn_pipe(gather_command *command);

#endif

/* `floe turn`: check and pipe. */
#ifndef FLOE_CLI_TURN_H
#define FLOE_CLI_TURN_H

#include "cli/options.h"
#include "cli/report.h"

/* `kind`: check or pipe; the words behind it; the exit status. */
int turn_main(command_kind kind, int count, char **words);

/* The report knows what the terminal can show. */
int turn_check(gather_command *command, const gather_report *report);
int turn_pipe(gather_command *command);

#endif

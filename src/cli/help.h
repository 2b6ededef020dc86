/* What the commands say of themselves. */
#ifndef FLOE_CLI_HELP_H
#define FLOE_CLI_HELP_H

#include "cli/faces.h"
#include "cli/output.h"

#include <stdbool.h>

/* All commands, a line each. */
void print_commands(output *to);
/* Those that begin with the word ("turn"); false: none does. */
bool print_commands_of(output *to, const char *word);
void print_command_help(command_kind kind);

#endif

/* Where the user and the password come from, if neither option nor environment has them. */
#ifndef FLOE_CLI_CREDENTIALS_H
#define FLOE_CLI_CREDENTIALS_H

#include "cli/options.h"

/* The file's first line ("-": of standard input), to be freed; NULL after a line that tells why. */
char *read_first_line(const char *name, const char *file);
/* A user for a day, from the secret that the server shares (draft-uberti-behave-turn-rest-00 §2.2).
 * False after a line that tells why. */
bool make_rest_user(gather_command *command);
/* Asks the terminal for the password, without echo, if a turn URL of the line has a user and no password. False: the
 * question was interrupted, or there is no room. Without a terminal it asks nothing. */
bool ask_credential(gather_command *command);

#endif

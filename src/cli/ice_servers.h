/* `--ice-servers FILE`: the servers as the APIs of TURN providers hand them out, for an
 * RTCConfiguration. */
#ifndef FLOE_CLI_ICE_SERVERS_H
#define FLOE_CLI_ICE_SERVERS_H

#include "cli/options.h"

/* Adds the file's servers to the command's. False after a line that tells what is wrong. */
bool read_ice_servers(gather_command *command);

#endif

/* Whether the machine's addresses are others than they were. */
#ifndef FLOE_CLI_WATCH_H
#define FLOE_CLI_WATCH_H

#include <stdint.h>

/* A number that is another when an address, its interface or its name is. 0: they can't be listed. */
uint64_t watch_addresses(void);

#endif

/* Why there is no local address to gather on, in a sentence that names the interfaces there are. */
#ifndef FLOE_CLI_NO_ADDRESS_H
#define FLOE_CLI_NO_ADDRESS_H

#include "cli/options.h"

void no_address_text(const gather_filters *filters, char *text, size_t size);

#endif

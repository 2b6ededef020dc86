/* A network namespace of the test's own. */
#ifndef FLOE_TESTS_OWN_NETWORK_H
#define FLOE_TESTS_OWN_NETWORK_H

#include <stdbool.h>

/* From now on this process is in one; false: it may have none. */
bool own_network_begin(void);
/* Writes to a file of the kernel's, as under /proc/sys/net. */
bool own_network_write(const char *path, const char *text);

#endif

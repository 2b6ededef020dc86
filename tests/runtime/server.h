/* A STUN server on loopback, in a thread of its own, for tests of the runtime. Each answer names
 * another mapped address, so that keepalives withdraw candidates. */
#ifndef FLOE_TESTS_RUNTIME_SERVER_H
#define FLOE_TESTS_RUNTIME_SERVER_H

#include <stdint.h>

/* Starts it once for the process; its port. */
uint16_t test_server_start(void);
void test_server_stop(void);

#endif

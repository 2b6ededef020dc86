/* A STUN server on loopback, in a thread of its own, for tests of the runtime. Each answer names
 * another mapped address, so that keepalives withdraw candidates. */
#ifndef FLOE_TESTS_RUNTIME_SERVER_H
#define FLOE_TESTS_RUNTIME_SERVER_H

#include <stdint.h>

/* Set-up and teardown of a group of tests. Signals are not for its thread. */
int test_server_start(void **state);
int test_server_stop(void **state);
extern uint16_t test_server_port;

#endif

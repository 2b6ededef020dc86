/* Turns the test's own loop until something has come; what hangs fails after a minute. */
#ifndef FLOE_TESTS_RUNTIME_TURN_H
#define FLOE_TESTS_RUNTIME_TURN_H

#include <stdatomic.h>
#include <uv.h>

void turn_until(uv_loop_t *loop, const atomic_bool *flag);
void turn_until_packets(uv_loop_t *loop, const atomic_uint *packets, unsigned count);

#endif

/* The steps of what is measured, which is compiled with -fsanitize-coverage=trace-pc for that. */
#ifndef FLOE_TESTS_STEPS_H
#define FLOE_TESTS_STEPS_H

#include <stdint.h>

extern uint64_t steps;

#endif

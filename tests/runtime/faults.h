/* System calls that fail on demand: linked into a test, these stand before the C library's, for
 * floe, libuv, c-ares and libmnl alike. */
#ifndef FLOE_TESTS_RUNTIME_FAULTS_H
#define FLOE_TESTS_RUNTIME_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* A call and an error that its manual names. */
typedef struct fault {
    const char *call;
    int error;
} fault;

/* All of them. */
const fault *faults(size_t *count);
/* From now on the n-th such call (from 1) fails, once. */
void fault_arm(const fault *which, unsigned n);
/* Whether it has. */
bool fault_has_struck(void);
/* No call fails any more; whether one has. */
bool fault_disarm(void);

#endif

/* One gathering on many addresses from many servers, in a network without delay: what grows with
 * them is the core's own work. For the test of how it grows, and for the bench. */
#ifndef FLOE_TESTS_MANY_H
#define FLOE_TESTS_MANY_H

#include <stdbool.h>
#include <stddef.h>

typedef enum many_kind {
    MANY_ANSWER,   /* each server answers at once */
    MANY_SILENT,   /* none answers, so that all time out */
    MANY_REFUSING, /* each answers an error */
    MANY_RELAYS,   /* each is a TURN server, and gives every address a relay */
} many_kind;

typedef struct many_result {
    bool complete;
    bool unique; /* no two candidates of a type have one priority */
    size_t candidates;
    size_t errors;
    size_t sent;
} many_result;

/* Up to 1,000 addresses, and 100 servers. */
many_result many_gather(size_t addresses, size_t servers, many_kind kind);

#endif

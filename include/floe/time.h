/* Instants and durations: both in nanoseconds, each a type of its own, so that neither can be mixed
 * up with the other, nor with a plain number of milliseconds. */
#ifndef FLOE_TIME_H
#define FLOE_TIME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An instant of a monotonic clock, in nanoseconds since whatever moment that clock counts from. */
typedef struct floe_time {
    uint64_t ns;
} floe_time;

/** A length of time, in nanoseconds. */
typedef struct floe_duration {
    uint64_t ns;
} floe_duration;

#ifdef __cplusplus
}
#endif
#endif

/* Points in time and durations, both in nanoseconds. Each has its own type, so that they cannot be
 * confused with each other or with a plain number of milliseconds. These structs never change. */
#ifndef FLOE_TIME_H
#define FLOE_TIME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A point in time of a monotonic clock, in nanoseconds since the clock's own starting point. */
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

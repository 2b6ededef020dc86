/* Arithmetic on instants and durations. Nothing here reads a clock. */
#ifndef FLOE_BASE_TIME_H
#define FLOE_BASE_TIME_H

#include <floe/time.h>
#include <stdbool.h>

#define FLOE_TIME_NEVER ((floe_time){UINT64_MAX})

static inline floe_duration floe_milliseconds(uint64_t count)
{
    return (floe_duration){count * 1000000U};
}

static inline floe_duration floe_seconds(uint64_t count)
{
    return (floe_duration){count * 1000000000U};
}

static inline uint64_t floe_duration_milliseconds(floe_duration duration)
{
    return duration.ns / 1000000U;
}

static inline floe_duration floe_duration_times(floe_duration duration, uint64_t factor)
{
    return (floe_duration){duration.ns * factor};
}

static inline floe_time floe_time_after(floe_time time, floe_duration duration)
{
    return time.ns > UINT64_MAX - duration.ns ? FLOE_TIME_NEVER
                                              : (floe_time){time.ns + duration.ns};
}

/* How long from `from` to `to`; zero when `to` is not later. */
static inline floe_duration floe_time_since(floe_time to, floe_time from)
{
    return (floe_duration){to.ns > from.ns ? to.ns - from.ns : 0};
}

static inline bool floe_time_reached(floe_time now, floe_time when)
{
    return now.ns >= when.ns;
}

static inline bool floe_time_is_never(floe_time time)
{
    return time.ns == UINT64_MAX;
}

static inline floe_time floe_time_min(floe_time a, floe_time b)
{
    return a.ns < b.ns ? a : b;
}

static inline floe_time floe_time_max(floe_time a, floe_time b)
{
    return a.ns > b.ns ? a : b;
}

#endif

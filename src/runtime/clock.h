/* The time that the cores live in: it goes on while the machine sleeps, so that what has expired
 * meanwhile is known to have; and the news that the machine has woken. libuv's timers stand still
 * then. */
#ifndef FLOE_RUNTIME_CLOCK_H
#define FLOE_RUNTIME_CLOCK_H

#include "base/time.h"

#include <floe/gatherer.h>
#include <stdbool.h>
#include <uv.h>

/* The loop thread's alone. */
typedef struct floe_clock {
    floe_api *api;
    uint64_t slept; /* ns, since whatever moment, as of the last look */
    uv_os_sock_t watched;
    uv_poll_t poll; /* of it, if it is not FLOE_NO_SOCKET */
} floe_clock;

floe_time floe_runtime_now(void);
/* A reading that is used again until the system's cheapest clock ticks, which is a few milliseconds: for what is done
 * for each packet. */
typedef struct floe_clock_reading {
    floe_time now;
    uint64_t tick;
} floe_clock_reading;

void floe_clock_read(floe_clock_reading *reading);
floe_time floe_clock_recent(floe_clock_reading *reading);
/* What to give uv_timer_start for it to fire when that is due, in milliseconds. */
uint64_t floe_clock_wait(const uv_loop_t *loop, floe_time due);

/* Without what it takes to be told at once, the timer of the gatherers looks. */
void floe_clock_start(floe_clock *clock, floe_api *api);
void floe_clock_close(floe_clock *clock);
/* Whether the machine has slept since the last look: then the gatherers' timer is set anew, and
 * after some seconds of sleep each core is told. The lock is not held. */
void floe_clock_look(floe_clock *clock);

#endif

/* When each gatherer's core, and each transport's agent, is to be told the time: under one timer of libuv's. */
#ifndef FLOE_RUNTIME_TIMERS_H
#define FLOE_RUNTIME_TIMERS_H

#include "base/tree.h"

#include <floe/gatherer.h>
#include <uv.h>

/* The agendas are changed under the lock; the rest is the loop thread's alone. */
typedef struct floe_timers {
    floe_api *api;
    floe_agenda agenda;     /* floe_gatherer.alarm */
    floe_agenda transports; /* floe_transport.alarm */
    floe_time due;          /* for which the timer is set; never: it is not */
    uv_timer_t timer;
} floe_timers;

void floe_timers_start(floe_timers *timers, floe_api *api);
void floe_timers_close(floe_timers *timers);
/* As its core says now; or it has closed, and has none. The lock is held. */
void floe_timers_set(floe_timers *timers, floe_gatherer *gatherer);
/* The machine has slept, and the timer is late. */
void floe_timers_set_anew(floe_timers *timers);

#endif

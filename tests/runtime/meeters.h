/* Two transports of one api that meet over loopback: their whole life, step by step, for tests in which anything may fail.
 * What each hears is signalled to the other at once. */
#ifndef FLOE_TESTS_RUNTIME_MEETERS_H
#define FLOE_TESTS_RUNTIME_MEETERS_H

#include <floe/floe.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Whether a call has done what it is for; if it may not fail so, the test fails. */
typedef bool (*meeters_judge)(floe_error error, const char *call);

typedef struct meeter {
    floe_gatherer *gatherer;
    floe_transport *transport;
    struct meeter *other;
    atomic_bool connected;
    atomic_bool failed;
    atomic_uint selections;
    atomic_uint packets;
    atomic_uint errors; /* of its gatherer */
} meeter;

typedef struct meeters {
    meeter side[2];
    meeters_judge judge;
} meeters;

/* Makes both, starts both, and they gather. False: a call has failed. In any case meeters_end follows. */
bool meeters_begin(meeters *all, floe_api *api, meeters_judge judge);
/* Until both are connected and have chosen a pair; false: not in time, or one has failed. */
bool meeters_met(meeters *all, unsigned patience_ms);
/* Each sends until the other has something new. */
bool meeters_exchange(meeters *all, unsigned patience_ms);
/* Both restart. False: a call has failed. */
bool meeters_restart(meeters *all);
void meeters_end(meeters *all);

#endif

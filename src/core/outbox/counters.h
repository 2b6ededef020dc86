/* What is counted between a base and a server's address (L15). */
#ifndef FLOE_CORE_OUTBOX_COUNTERS_H
#define FLOE_CORE_OUTBOX_COUNTERS_H

#include "base/time.h"
#include "stun/transaction.h"

#include <floe/core.h>

/* What went to and fro between a base and a server's address. Small, as there is one for each: the
 * times are microseconds, the first two since the start of the gathering; those of 16 and 32 bits
 * saturate. */
typedef struct floe_counters {
    uint16_t requests; /* first sends */
    uint16_t retransmissions;
    uint16_t responses;
    uint32_t first_sent;
    uint32_t first_answered; /* 0: not yet */
    uint32_t round_trip;     /* the latest that could be measured */
    uint32_t round_trips;    /* so many could */
    uint64_t total_round_trip;
    uint64_t bytes_sent;
    uint64_t bytes_received;
} floe_counters;

/* Microseconds since the gathering began. */
uint32_t floe_since_start(const floe_core *core, floe_time now);
void floe_count_sent(const floe_core *core, floe_counters *counters, floe_time now, bool again,
                     size_t size);
void floe_count_received(const floe_core *core, floe_counters *counters, floe_time now,
                         const floe_stun_transaction *transaction,
                         const floe_stun_message *message);

/* Keeps a copy of what has counted something; without memory for it that is missing. */
void floe_counters_keep(const floe_core *core, floe_counters **kept, const floe_counters *counters);

#endif

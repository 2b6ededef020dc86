/* What is counted of the requests to a server (L15). */
#include "core/outbox/counters.h"

#include "core/config/shared.h"
#include "core/core.h"

static uint32_t microseconds(floe_duration duration)
{
    uint64_t count = duration.ns / 1000;

    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

uint32_t floe_since_start(const floe_core *core, floe_time now)
{
    return microseconds(floe_time_since(now, core->started));
}

static void add_16(uint16_t *count)
{
    *count = (uint16_t)(*count < UINT16_MAX ? *count + 1 : UINT16_MAX);
}

void floe_count_sent(const floe_core *core, floe_counters *counters, floe_time now, bool again,
                     size_t size)
{
    if (counters->requests == 0) {
        counters->first_sent = floe_since_start(core, now);
    }
    add_16(again ? &counters->retransmissions : &counters->requests);
    counters->bytes_sent += size;
}

void floe_count_received(const floe_core *core, floe_counters *counters, floe_time now,
                         const floe_stun_transaction *transaction, const floe_stun_message *message)
{
    if (counters->responses == 0) {
        counters->first_answered = floe_since_start(core, now);
    }
    add_16(&counters->responses);
    counters->bytes_received += message->bytes.size;
    if (transaction->sends == 1) { /* RFC 6298 §3: which send is answered is not known else */
        counters->round_trip = microseconds(floe_time_since(now, transaction->started));
        counters->total_round_trip += counters->round_trip;
        counters->round_trips++;
    }
}

void floe_counters_keep(const floe_core *core, floe_counters **kept, const floe_counters *counters)
{
    if (*kept == NULL && counters->requests > 0) {
        *kept = floe_allocate(&core->shared->allocator, sizeof **kept);
    }
    if (*kept != NULL) {
        **kept = *counters;
    }
}

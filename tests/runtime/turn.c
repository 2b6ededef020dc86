#include "turn.h"

#include "support.h"

#include <unistd.h>

#define MINUTE 60000000000U

void turn_until(uv_loop_t *loop, const atomic_bool *flag)
{
    uint64_t began = uv_hrtime();

    while (!atomic_load(flag)) {
        (void)uv_run(loop, UV_RUN_NOWAIT);
        (void)usleep(100);
        if (uv_hrtime() - began > MINUTE) {
            fail_msg("waited in vain");
        }
    }
}

void turn_until_packets(uv_loop_t *loop, const atomic_uint *packets, unsigned count)
{
    uint64_t began = uv_hrtime();

    while (atomic_load(packets) < count) {
        (void)uv_run(loop, UV_RUN_NOWAIT);
        (void)usleep(100);
        if (uv_hrtime() - began > MINUTE) {
            fail_msg("%u packets, not %u", atomic_load(packets), count);
        }
    }
}

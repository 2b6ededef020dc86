/* Two agents in the network of tests/ice, and what happens to them and to their packets, as the input says
 * (meet_of_bytes). What must hold meanwhile is what holds in every such world; in the end the network is whole, and
 * where they can find each other they have, and use the same pair. `ice_simulate --file INPUT` shows one. */
#include "meet.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static meet_config config;
    meet_report report;
    char why[256];

    meet_of_bytes(data, size, &config);
    if (!meet_run(&config, NULL, &report)) {
        (void)fprintf(stderr, "%s\n", report.why);
        abort();
    }
    if (!meet_ends_well(&config, &report, why, sizeof why)) {
        (void)fprintf(stderr, "%s\n", why);
        abort();
    }
    return 0;
}

/* The whole simulation, with its world drawn from the input: every choice of sim_config_of_seed
 * takes two bytes of it, so the fuzzer finds its way to worlds that seeds seldom make. What must
 * hold is what the invariants and the model say. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sim_report report;
    static sim_config config;

    sim_config_of_bytes(data, size, &config);
    if (!sim_run(&config, NULL, &report)) {
        (void)fprintf(stderr, "%s\n", report.violation);
        abort();
    }
    return 0;
}

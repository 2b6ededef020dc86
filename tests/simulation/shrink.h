/* Making a failing world small, and saying what is in it. */
#ifndef FLOE_SIMULATION_SHRINK_H
#define FLOE_SIMULATION_SHRINK_H

#include "sim.h"

/* The world has failed, and `report` says how. It is made as small as it still fails by that rule;
 * the report is the small one's. */
void sim_shrink(sim_config *config, sim_report *report);
void sim_print(const sim_config *config, FILE *to);

#endif

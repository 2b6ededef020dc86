/* Making a failing world small, and saying what is in it. */
#ifndef FLOE_SIMULATION_SHRINK_H
#define FLOE_SIMULATION_SHRINK_H

#include "change.h"

/* The world has failed, and `report` says how. It is made as small as it still fails by that rule;
 * the report is the small one's. */
void sim_shrink(sim_config *config, sim_report *report);
/* Whether two violations complain of the same. */
bool sim_same_rule(const char *a, const char *b);
void sim_print(const sim_config *config, FILE *to);
/* A world that changes, likewise: features that it fails without are left out. */
void sim_shrink_changing(sim_changing *plan, sim_report *report);

#endif

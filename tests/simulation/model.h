/* A second opinion: which candidates and errors must come in a world, and by when, from its
 * description alone. It knows the rules of docs/rules.md and nothing of the core: sets and bounds,
 * no order and no machine. What chance decides (loss, a nonce spent by a copy) it leaves open. */
#ifndef FLOE_SIMULATION_MODEL_H
#define FLOE_SIMULATION_MODEL_H

#include "sim.h"

/* Between so many and so many. */
typedef struct model_range {
    unsigned least;
    unsigned most;
} model_range;

typedef struct model {
    bool speaks;                               /* the world leaves little enough to chance */
    bool gathered_on[SIM_INTERFACES_MAX];      /* a host, if the policy shows it */
    model_range reflexive[SIM_INTERFACES_MAX]; /* with the outside address of that interface */
    model_range relays[SIM_SERVERS_MAX];       /* for UDP, of that URL */
    model_range url_failed[SIM_SERVERS_MAX];   /* events that say so */
    unsigned hosts;
    uint64_t complete_by_ms;
} model;

/* Of the first gathering of each gatherer. */
void model_of(const sim_config *config, model *model);

/* Whether that is what the owner saw; else `why` says what differs. */
bool model_agrees(const model *model, const sim_config *config, const sim_seen *seen, char *why,
                  size_t size);

#endif

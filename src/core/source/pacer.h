/* Pacing (RFC 8445 §14.2): one new transaction each Ta, whoever it is for. */
#ifndef FLOE_CORE_SOURCE_PACER_H
#define FLOE_CORE_SOURCE_PACER_H

#include "base/list.h"
#include "base/time.h"

#include <floe/core.h>

/* Something that wants to send a new request when its turn comes. */
typedef struct floe_paced floe_paced;

struct floe_paced {
    floe_list link;
    void (*begin)(floe_core *core, floe_time now, floe_paced *paced);
};

/* Joins the queue, at its front when `soon`. */
void floe_pace(floe_core *core, floe_paced *paced, bool soon);
/* Leaves it, if it is there. */
void floe_unpace(floe_core *core, floe_paced *paced);
/* Lets those begin whose turn has come. */
/* The first gathering begins: nothing has been sent yet. */
void floe_pacer_begin(floe_core *core, floe_time now);
void floe_pacer_run(floe_core *core, floe_time now);
floe_time floe_pacer_deadline(const floe_core *core);

#endif

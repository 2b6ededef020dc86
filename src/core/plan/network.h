/* The network changes (N1, N2): when to look at it, what of it is news, and what follows. */
#ifndef FLOE_CORE_PLAN_NETWORK_H
#define FLOE_CORE_PLAN_NETWORK_H

#include "base/time.h"
#include "core/types.h"

#include <floe/core.h>

/* A gathering has had this list. */
void floe_network_saw(floe_core *core, const floe_interface_address *list, size_t count);
/* It gathers for a change that others have seen: names that are not known are looked up again behind it. */
void floe_network_look_up_again(floe_core *core, floe_time now);
/* From now on changes can be followed; FLOE_ERR_NO_MEMORY: they cannot. */
floe_error floe_network_begin(floe_core *core);
void floe_network_free(floe_core *core);
/* A gathering lists the interfaces by itself: what was to be looked at it sees. */
void floe_network_forget(floe_core *core);
/* Something may have changed. */
void floe_network_changed(floe_core *core, floe_time now);
/* When to look next; never: nothing is to be seen, or it is not the time for it. */
floe_time floe_network_deadline(const floe_core *core);
/* The list of interfaces is asked for, and whether it was for this. */
void floe_network_asks(floe_core *core);
bool floe_network_awaits(const floe_core *core);
/* It does not wait for that any more. */
void floe_network_hears(floe_core *core);
/* There is no list for now. */
void floe_network_unknown(floe_core *core, floe_time now);
/* Whether anything in the list is news that the owner hears of. What is not is noted. */
bool floe_network_judge(floe_core *core, floe_time now, const floe_interface_address *list,
                        size_t count);
/* It is: while a gathering goes on, what is gone goes, and what is new is gathered on. `whole`: that
 * gathering is for nothing else. */
void floe_network_apply(floe_core *core, floe_time now, const floe_interface_address *list,
                        size_t count, bool whole);

#endif

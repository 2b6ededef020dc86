/* Interfaces that come and go (N2): one that does not rest is left alone until it does. */
#ifndef FLOE_CORE_PLAN_RESTLESS_H
#define FLOE_CORE_PLAN_RESTLESS_H

#include "base/list.h"
#include "base/time.h"
#include "core/types.h"

#include <floe/core.h>

/* Looks at those that have changed lately: which of them have again, which rest by now. */
void floe_restless_look(floe_core *core, floe_list *all, floe_time now,
                        const floe_interface_address *list, size_t count);
/* Until when the interface is left alone, if nothing more happens to it; zero: it is not. */
floe_time floe_restless_until(const floe_list *all, const char *name, uint32_t index);
/* Something is done because it has changed. */
void floe_restless_note(floe_core *core, floe_list *all, floe_time now, const char *name,
                        uint32_t index, const floe_interface_address *list, size_t count);
void floe_restless_free(floe_core *core, floe_list *all);

#endif

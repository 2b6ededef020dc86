/* Which bases there are, and that each is gathered on. */
#ifndef FLOE_CORE_PLAN_BASES_H
#define FLOE_CORE_PLAN_BASES_H

#include "core/candidate/base.h"

/* The usable ones of the list are bases from now on, best first (P3, P4, P7, C4): new ones are
 * opened, those whose address is gone are closed, and open ones gather again. */
void floe_bases_update(floe_core *core, floe_time now, const floe_interface_address *list,
                       size_t count);
void floe_base_opened(floe_core *core, floe_time now, floe_base *base, const floe_address *local);
/* What listens beside its socket, or instead of it. */
void floe_base_listens(floe_core *core, floe_time now, floe_listener *listener,
                       const floe_address *local);
void floe_base_cannot_listen(floe_core *core, floe_time now, floe_listener *listener,
                             floe_error error);
void floe_base_open_failed(floe_core *core, floe_time now, floe_base *base, floe_error error);
void floe_base_tell_failure(floe_core *core, floe_base *base, floe_error error);
void floe_base_tell_no_listener(floe_core *core, floe_base *base, floe_error error);

#endif

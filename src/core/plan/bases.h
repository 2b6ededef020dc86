/* Which bases there are, and that each is gathered on. */
#ifndef FLOE_CORE_PLAN_BASES_H
#define FLOE_CORE_PLAN_BASES_H

#include "core/candidate/base.h"

/* The usable ones of the list are bases from now on, best first (P3, P4, P7, C4): new ones are
 * opened, those whose address is gone are closed, and open ones gather again. */
void floe_bases_update(floe_core *core, floe_time now, const floe_interface_address *list,
                       size_t count);
/* P8: whether a socket could serve for anything that is wanted. */
bool floe_bases_are_wanted(const floe_core *core);
/* N2: a list that is a change. Which bases have their address in it: those are chosen. */
void floe_bases_find(floe_core *core, const floe_interface_address *list, size_t count);
/* Of those that have it not any more. */
static inline bool floe_base_is_gone(const floe_base *base)
{
    return !base->chosen && !base->spare && base->state != FLOE_BASE_CLOSING;
}
/* Whether a base is to be made on the address: there is none, or it went while the last was opened. */
bool floe_bases_lack(const floe_core *core, const floe_address *address);
/* Whether it has a base there whose socket, or what listens beside it, could not be opened. */
bool floe_bases_could_not_open(const floe_core *core, const floe_address *address);
/* One more, or that which had failed; false without memory. */
bool floe_bases_add(floe_core *core, const floe_interface_address *from, uint16_t rank);
/* Its interface has another name, or its address another place among all. */
void floe_base_follows(floe_core *core, floe_base *base, const floe_interface_address *from,
                       uint16_t rank);
/* Those that are gone go. */
void floe_bases_leave(floe_core *core, floe_time now);
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

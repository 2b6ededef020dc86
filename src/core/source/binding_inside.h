/* What the files of a binding know of each other; nobody else does. */
#ifndef FLOE_CORE_SOURCE_BINDING_INSIDE_H
#define FLOE_CORE_SOURCE_BINDING_INSIDE_H

#include "core/source/binding.h"

/* ── binding.c: servers are asked ── */

void floe_binding_set_state(floe_core *core, floe_binding *binding, floe_binding_state state);
/* When it has something to do, if it does not hear before. */
void floe_binding_keep_from(floe_core *core, floe_binding *binding, floe_time when);
bool floe_binding_is_asked(const floe_binding *binding);
/* It was refused, or is not asked, and a relay may know all the same. */
bool floe_binding_waits(const floe_binding *binding);

/* ── binding_shown.c: what they show, and who has it ── */

/* Whether a candidate stands on it, or on one that sees the same and was not answered. */
bool floe_binding_is_wanted(const floe_core *core, const floe_binding *binding);
/* Whether a candidate of the generation before waits to be found again by it. */
bool floe_binding_is_awaited(const floe_binding *binding);
/* Whether what it shows is about to go, whoever of the base's showed it before. */
bool floe_binding_is_missed(const floe_core *core, const floe_binding *binding);
/* Whether its owner had what it showed, nobody shows it now, and he would be told if somebody did. */
bool floe_binding_is_lost(const floe_core *core, const floe_binding *binding);
/* Its owner has what it shows, which is about to go, or to be another's that may not keep it: as a relay that is lost it
 * is told by itself once it is had again. */
void floe_binding_lose(const floe_core *core, floe_binding *binding);
/* Another binding of the base that sees the same address, as far as is known: either keeps the
 * candidate. */
floe_binding *floe_binding_twin(const floe_core *core, const floe_binding *binding);
/* Its candidates stand on it no longer. */
void floe_binding_let_go(floe_core *core, floe_binding *binding);
/* The NAT has given up this address towards one server. Whoever shows one address to two servers
 * has one mapping for both (RFC 4787 §4.1), so it may be gone for the others that saw it: they are
 * asked at once, and who does not answer is believed no longer. */
void floe_bindings_contradict(floe_core *core, floe_time now, floe_base *base,
                              const floe_address *mapped);
/* Those that see the same, and were not answered, let it go: for that nobody need wait, or ask. Whether it was lost. */
bool floe_binding_take_over(floe_core *core, floe_binding *binding);

#endif

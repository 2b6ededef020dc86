/* What the files of pairs know of each other; nobody else does. */
#ifndef FLOE_CORE_PLAN_PAIR_INSIDE_H
#define FLOE_CORE_PLAN_PAIR_INSIDE_H

#include "core/plan/pair.h"

/* ── pair.c: what is counted of them, and told ── */

void floe_pair_set_progress(floe_core *core, floe_pair *pair, floe_progress progress);
/* Its address has answered here, be it something else. */
void floe_attempt_heard(const floe_attempt *attempt);
void floe_attempt_answered(floe_attempt *attempt, bool late);
void floe_attempt_set_progress(floe_core *core, floe_attempt *attempt, floe_progress progress);
/* Its attempts may begin at another time now. */
void floe_pair_set_alarm(floe_core *core, floe_pair *pair);
/* When a pending attempt begins; never: it has, or does not. */
void floe_attempt_set_start(floe_core *core, floe_attempt *attempt, floe_time start);
/* NULL without memory. */
floe_pair *floe_pair_new(floe_core *core, floe_base *base, floe_server *server,
                         floe_relay_kind kind);
/* What one of its addresses has said; it is told if no other of them succeeds. Takes it over. */
void floe_pair_note_failure(floe_core *core, floe_pair *pair, floe_failure failure);
/* One that has yielded has what it is for: that nothing more comes of it is no error. */
void floe_pair_failed(floe_core *core, floe_pair *pair, floe_failure failure);
/* NULL: none pends. */
floe_attempt *floe_pair_first_pending(const floe_pair *pair);

/* ── attempt.c: one address is asked ── */

/* Ends what an attempt has under way; its binding goes on, as others may wait for it. */
void floe_attempt_stop(floe_core *core, floe_time now, floe_attempt *attempt);
/* The next that waits for its turn, or all, begin now. */
void floe_pair_hurry(floe_core *core, floe_pair *pair, floe_time now, bool all);
void floe_attempt_failed(floe_core *core, floe_time now, floe_attempt *attempt,
                         floe_failure failure);
/* One that is not to be asked before others are known is not asked. */
bool floe_pair_may_ask(const floe_core *core, const floe_base *base, const floe_place *place);
/* R2, RFC 5928: where its relay has come by a connection, that shows nothing of the base (R4); the
 * best of the server's places by UDP does, whichever is known or answers first. */
void floe_pair_ask_beside_connection(floe_core *core, const floe_pair *pair);
/* The other family has the relay: this one's addresses are still asked what the NAT shows, and
 * those that have been asked for a relay begin anew. */
void floe_pair_yield(floe_core *core, floe_time now, floe_pair *pair);
/* Whether it waits to hear if a relay of before still stands. */
bool floe_pair_verifies(const floe_pair *pair);
void floe_attempt_succeeded(floe_core *core, floe_time now, floe_attempt *attempt);
floe_binding *floe_attempt_ask_reflexive(floe_core *core, const floe_attempt *attempt);
/* What it had got is lost, and asked for again: the gathering waits for that, if it goes on. */
void floe_attempt_again(floe_core *core, floe_time now, floe_attempt *attempt);
void floe_attempt_asks_reflexive(floe_core *core, const floe_attempt *attempt);

/* ── pair_make.c: which there are ── */

void floe_attempt_attach(floe_core *core, floe_attempt *attempt, floe_relay *relay);
/* NULL without memory. */
floe_attempt *floe_attempt_add(floe_core *core, floe_pair *pair, const floe_place *place);
floe_attempt *floe_attempt_at(const floe_pair *pair, const floe_place *place);
/* Each relay of an earlier gathering that serves as what the pair asks for (L5, L11): its server is
 * asked whether it stands before it is told again (T7b). Of two servers by one name the one may be
 * dead by now, and the other's have been had since. Whether there is one. */
bool floe_pair_verify(floe_core *core, floe_time now, floe_pair *pair);
/* The only attempt of its pair, which goes without it; NULL without memory. */
floe_attempt *floe_pair_add_only(floe_core *core, floe_pair *pair, const floe_place *place);
floe_pair *floe_pair_of(const floe_base *base, const floe_server *server, floe_relay_kind kind);

#endif

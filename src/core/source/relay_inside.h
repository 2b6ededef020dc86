/* What the files of a relay know of each other; nobody else does. */
#ifndef FLOE_CORE_SOURCE_RELAY_INSIDE_H
#define FLOE_CORE_SOURCE_RELAY_INSIDE_H

#include "core/source/relay.h"

/* ── relay.c: an allocation is asked for, and ends ── */

static inline bool floe_relay_is_stream(const floe_relay *relay)
{
    return relay->transport == FLOE_PROTOCOL_TCP || relay->transport == FLOE_PROTOCOL_TLS;
}
static inline bool floe_relay_by_datagrams(const floe_relay *relay)
{
    return relay->transport == FLOE_PROTOCOL_UDP;
}
static inline bool floe_relay_is_quiet(const floe_relay *relay)
{
    return relay->hushed || !floe_time_is_never(relay->leaves);
}
static inline bool floe_relay_awaited(const floe_relay *relay)
{
    return relay->attempt != NULL && relay->attempt->progress == FLOE_PENDING;
}
/* The one place where its state changes. */
void floe_relay_become(floe_relay *relay, floe_relay_state state);
/* The request that is wanted takes its turn, once there is a way to the server. */
void floe_relay_take_turn(floe_core *core, floe_relay *relay, bool soon);
/* By datagrams of the base, to the server. */
bool floe_relay_uses(const floe_relay *relay, const floe_base *base, const floe_address *server);
/* By another of ours. */
bool floe_relay_is_used(const floe_relay *relay, const floe_base *base);
/* Its socket, and the base that it was asked for; both stay as long as it names them. */
void floe_relay_stand_on(floe_relay *relay, floe_base *base, floe_base *origin);
/* A spare socket serves one relay; behind what it has still to send. */
void floe_relay_close_spare(floe_core *core, floe_base *base);
/* For one base, or for an interface's two families (T1). */
bool floe_relay_is_beside(const floe_relay *one, const floe_relay *other);
/* The next of those for this base and for its rivals, behind `last` (NULL: the first); NULL: there is
 * none. */
floe_relay *floe_relay_next_beside(const floe_base *base, const floe_relay *last);
#define FLOE_RELAYS_BESIDE(relay, base)                                                            \
    for (floe_relay *relay = floe_relay_next_beside(base, NULL); relay != NULL;                    \
         relay = floe_relay_next_beside(base, relay))
bool floe_relay_would_be_told_as(const floe_relay *one, const floe_relay *other);
/* What each begins with: its place among the others, but for its machine. */
void floe_relay_enter(floe_core *core, floe_relay *relay, floe_base *base, floe_base *origin,
                      const floe_server *server, floe_relay_kind kind, uint8_t transport);
/* Asks for nothing yet; NULL without memory. */
floe_relay *floe_relay_create(floe_core *core, floe_base *origin, const floe_server *server,
                              floe_relay_kind kind, const floe_place *place);
/* It comes in the other's place. */
void floe_relay_take_after(floe_relay *next, const floe_relay *relay);
void floe_relay_drop_connection(floe_core *core, floe_relay *relay);
/* By a connection what its server may hold is given back before that closes: from another one nobody can. */
void floe_relay_give_back(floe_core *core, floe_time now, floe_relay *relay);
/* Once more from the beginning: at this address, by this account. */
bool floe_relay_restart(floe_core *core, floe_time now, floe_relay *relay,
                        floe_turn_account *account, const floe_address *remote);
void floe_relay_forget_attempt(floe_relay *relay);
/* What a relay leaves: its base, and the one beside which that was opened, if it is a spare. */
void floe_relay_forget_bases(floe_core *core, floe_base *base, floe_base *origin);
/* By a connection messages go at once: what waits there is in its order. */
void floe_relay_send_now(floe_core *core, floe_time now, floe_relay *relay);
/* Another of ours, to which the server has given what stands there. */
floe_relay *floe_relay_ours_beside(const floe_relay *relay);
/* Where others have sent it, and by which name: it is asked for from the beginning. */
void floe_relay_forget_way(const floe_core *core, floe_relay *relay);
/* What stood on it, or what another stood on until now, may be wanted no more (floe_relays_sweep). */
void floe_relay_unsettle(floe_core *core, floe_relay *relay);
/* The one door: whatever ends an allocation, nothing of it goes on behind this. Its candidates are
 * withdrawn; its requests, its peers and its streams stop; its connection closes; the name that an
 * alternate server was given is forgotten. What its server may still hold by datagrams, the machine
 * knows (floe_turn_allocation_stands): the caller gives it back, or asks anew. */
void floe_relay_end_allocation(floe_core *core, floe_time now, floe_relay *relay,
                               floe_withdrawal why);
/* Nothing is left of it; it goes at the end of the input at hand, and its spare socket with it. */
void floe_relay_end(floe_core *core, floe_relay *relay);
bool floe_relay_open_way(floe_core *core, floe_time now, floe_relay *relay);

/* ── relay_left.c: what is left with servers ── */

/* It goes on by the socket of `next`, which may be its own. What its server may have by the one at hand is left; a
 * spare one with nothing left closes. False without memory: it is as it was. */
bool floe_relay_leave_behind(floe_core *core, floe_time now, floe_relay *relay, floe_base *next);
/* It is left itself, released by its machine: its server is asked to delete it. */
void floe_relay_is_left(floe_core *core, floe_time now, floe_relay *relay, floe_time expires);
/* Until when its server may have it. */
floe_time floe_relay_expires(const floe_relay *relay, floe_time now);
floe_time floe_relay_left_deadline(const floe_relay *relay);
void floe_relay_left_time(floe_core *core, floe_time now, floe_relay *relay);
/* What its machine says. */
void floe_relay_left_happened(floe_core *core, floe_time now, floe_relay *relay,
                              floe_turn_event event);
/* It is about to ask from its socket: what is left there by the same account is its own. */
void floe_relay_takes_over(floe_core *core, floe_relay *relay);
/* RFC 8656 §3.2: it has just got an allocation there, so nothing else stands by its socket. */
void floe_relay_nothing_left(floe_core *core, const floe_relay *relay);
/* Something has come from that server: what could not be deleted in an outage is. */
void floe_relays_left_hurry(floe_core *core, floe_time now, const floe_address *server);
/* Refused by this code, for what may be ours: that is deleted, and it asks again behind it. False: there is
 * nothing, or that was done before the latest pause. `released`: one was a moment ago, wherever it stood. */
bool floe_relay_await_deletion(floe_core *core, floe_time now, floe_relay *relay, uint16_t code,
                               bool released);
/* The base's socket is about to close: what is left there expires. */
void floe_relays_leave_nothing(floe_core *core, const floe_base *base);
/* coturn's quotas count "time:user" for the user. */
bool floe_relay_same_user(const floe_turn_account *account, const floe_turn_account *other);

/* ── relay_times.c: when it has something to do ── */

/* It is there, the latest of all; it goes. */
void floe_relay_enter_times(floe_core *core, floe_relay *relay);
void floe_relay_leave_times(floe_core *core, floe_relay *relay);

/* ── relay_events.c: what it hears ── */

floe_time floe_relay_deadline(const floe_relay *relay);
void floe_relay_time(floe_core *core, floe_time now, floe_relay *relay);

/* Its turn has come to send. */
void floe_relay_begin(floe_core *core, floe_time now, floe_paced *paced);
extern const floe_connection_owner floe_relay_connection_owner;

/* ── relay_alive.c: whether its server has it ── */

/* One that has to be repeated takes a Binding with it: whether the server is there. */
void floe_relay_request_goes(floe_core *core, floe_time now, floe_relay *relay);
/* Its server has answered something, be it by what cannot be believed. */
void floe_relay_is_there(floe_core *core, floe_relay *relay);
/* Asked of a relay each Tr: a NAT forgets its mapping (RFC 8445 §11), and a server that was
 * restarted its allocations. */
void floe_relay_set_check(const floe_core *core, floe_time now, floe_relay *relay);
/* When the silence of a server that is known to be there ends it: who has lost it, or is cut off from
 * what it was asked by, may answer nothing that comes so, not even "437". Asked each 15 s by the
 * settings' default, and waited for 5 s, that is T7b's 20 s (by datagrams for 8.5 s, with what is
 * asked anew: loss alone takes no relay that stands), by a connection 35 s; to wait for a
 * transaction's 39.5 s would only show that. Whatever else comes of the relay says that the answer is
 * under way behind it; and a connection that takes what we send, that the question is, behind our own
 * data. Never: it owes no answer, as it cannot have the question yet, or may not be there; that has
 * its 39.5 s. */
floe_time floe_relay_silent_at(const floe_relay *relay);

/* ── relay_told.c: what its owner hears ── */

floe_address floe_relay_mapped_of(const floe_core *core, const floe_relay *relay);
/* The server has it: from an earlier gathering, or moved to where we are now. */
void floe_relay_stands(floe_core *core, floe_time now, floe_relay *relay, bool anew);
/* Whether another serves as what it was for, and stays: of its base, or of the other family's of the
 * interface (T1); by its server, or by the same URL's of whichever credentials. */
bool floe_relay_is_replaced(const floe_core *core, const floe_relay *former);
/* Of a base, or an interface's two families (T1), and a server one relay of a kind is enough: a restart may come while several addresses
 * are asked. */
bool floe_relay_another_serves(const floe_relay *relay);
/* Unless what was there in its place is gone meanwhile: then it is told again, if it stands. */
void floe_relay_leave_now(floe_core *core, floe_time now, floe_relay *relay);
/* What leaves as this one was there in its place is looked at now. */
void floe_relay_let_stay(floe_core *core, floe_time now, const floe_relay *lost);

/* ── relay_move.c: another address ── */

/* Asks from where it is now; false without memory. */
bool floe_relay_begin_move(floe_core *core, floe_time now, floe_relay *relay);

/* ── relay_lost.c: asked for again ── */

/* Why the machine ended, with the transaction as it stood before. */
floe_failure floe_relay_failure_of(const floe_core *core, const floe_relay *relay,
                                   const floe_stun_transaction *transaction, floe_time now);
/* It asked in vain. One that was there before is asked for again: its owner hears once that it is
 * not to be had for now, or the gathering that waits for it. A server that was restarted is where it
 * was; one that does not give back what it has lost may have moved. */
void floe_relay_fail(floe_core *core, floe_time now, floe_relay *relay, floe_failure failure);
/* The allocation is gone: the server was restarted, say. */
void floe_relay_lose(floe_core *core, floe_time now, floe_relay *relay, floe_failure failure);
void floe_relay_ask_again(floe_core *core, floe_time now, floe_relay *relay);
/* Never: it is asked for where it was, or a gathering waits for it. */
floe_time floe_relay_back_at(const floe_relay *relay);

/* ── relay_redirect.c: asked for elsewhere ── */

void floe_relay_redirect(floe_core *core, floe_time now, floe_relay *relay);
bool floe_relay_reclaim(floe_core *core, floe_relay *relay);
/* T6: another local port, once; where there is none, or it may be our own of before, the allocation that
 * stands there is deleted, once, unless it is another user's (441). */
bool floe_relay_mend_mismatch(floe_core *core, floe_time now, floe_relay *relay);

#endif

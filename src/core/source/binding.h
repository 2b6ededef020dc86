/* A base's binding to a server's address (R1, R2, R6). It reports to core->listener; each call may free none but
 * what it says. */
#ifndef FLOE_CORE_SOURCE_BINDING_H
#define FLOE_CORE_SOURCE_BINDING_H

#include "base/chain.h"
#include "base/tree.h"
#include "core/outbox/counters.h"
#include "core/outbox/failure.h"
#include "core/outbox/outbox.h"
#include "core/source/pacer.h"
#include "core/types.h"
#include "stun/transaction.h"

/* What came of it in the gathering at hand. That it is kept alive is another matter: it is for as
 * long as something stands on it. */
typedef enum floe_binding_state {
    FLOE_BINDING_ASKING, /* this gathering has no answer yet */
    FLOE_BINDING_KNOWN,
    FLOE_BINDING_FAILED, /* or not asked */
} floe_binding_state;

struct floe_binding {
    floe_chained link;  /* in base->bindings */
    floe_alarm alarm;   /* on core->agenda: when it has something to do */
    floe_output output; /* SEND */
    floe_paced paced;
    floe_base *base;
    const floe_server *server; /* the URL by which it is told, one that asked for it */
    floe_address remote;
    floe_address mapped; /* family none: not known */
    floe_stun_transaction transaction;
    floe_counters counters;
    floe_time keepalive;
    uint8_t state;     /* a floe_binding_state */
    bool contradicted; /* another has seen the mapped address change: no answer, no more belief */
    bool shown;        /* the server has shown it by a Binding */
    bool lost;         /* its owner had what stood on it: that is told once it is had again */
    bool straggler;    /* it asks, and is waited for no longer than the grace (L14) */
};

/* NULL: the base has none to there. */
floe_binding *floe_binding_find(const floe_base *base, const floe_address *remote);
/* The base's binding to this address; a new one is asked for at once. NULL without memory. */
floe_binding *floe_binding_to(floe_core *core, floe_base *base, const floe_server *server,
                              const floe_address *remote);
/* A TURN server told the mapped address (R2): known without asking, and kept. */
void floe_binding_adopt(floe_core *core, floe_time now, floe_base *base, const floe_server *server,
                        const floe_address *remote, const floe_address *mapped, bool anew);
/* That it asks holds nothing up: there is a relay already, by a way that shows no mapping. */
void floe_binding_straggles(floe_core *core, floe_binding *binding);
/* The output. */
bool floe_binding_poll_send(floe_core *core, floe_time now, floe_binding *binding,
                            floe_core_output *output);
/* Whether a candidate stands on it that nobody but a relay of the base by this server can keep: the server
 * answers no Binding, and no other shows the mapping. */
bool floe_binding_needs_relay(const floe_core *core, const floe_base *base,
                              const floe_address *remote);
/* Whether the server has answered a Binding from the base in this gathering; whether it has once,
 * and not in this. */
bool floe_binding_known(const floe_base *base, const floe_address *remote);
bool floe_binding_once_answered(const floe_base *base, const floe_address *remote);
/* Whether the message was for it. */
bool floe_binding_receive(floe_core *core, floe_time now, floe_binding *binding,
                          const floe_address *source, const floe_stun_message *message);
void floe_binding_unreachable(floe_core *core, floe_time now, floe_binding *binding,
                              floe_unreachable reason);
/* The NAT may have forgotten it: it is asked for at once. */
void floe_binding_doubt(floe_core *core, floe_time now, floe_binding *binding);
/* Asks it, to see that the server answers; though a relay keeps it. */
void floe_binding_ask_beside(floe_core *core, floe_base *base, const floe_address *remote);
/* A relay that this gathering has no other use for is asked whether it stands, and tells; that is waited for. The URL
 * stands for the binding. */
void floe_binding_awaits_relay(floe_core *core, floe_base *base, const floe_server *server,
                               const floe_address *remote);
/* A relay that kept it is gone. */
void floe_binding_relay_gone(floe_core *core, floe_base *base, const floe_address *remote);
void floe_bindings_time(floe_core *core, floe_time now);
/* Gives it up if it is still asking; tells nobody. */
void floe_binding_stop(floe_core *core, floe_time now, floe_binding *binding);
/* Its candidates go to another of the base that sees the same address, or are withdrawn. */
void floe_binding_free(floe_core *core, floe_binding *binding);
/* The server's URL stands for the binding to this address from now on, if none of today's does. */
void floe_binding_claim(floe_core *core, floe_base *base, const floe_server *server,
                        const floe_address *remote);
/* All of the base's go. */
void floe_bindings_end(floe_core *core, floe_base *base);
/* For the next gathering: those that are of use are asked again, the others go. */
void floe_bindings_renew(floe_core *core, floe_base *base);
/* A gathering is over: what stands on them and was not found again is about to be withdrawn. */
void floe_bindings_miss(floe_core *core, floe_base *base);
/* Those go that no server of today has asked for. */
void floe_bindings_sweep(floe_core *core, floe_base *base);
/* Whether it answers what floe itself asked for: late, twice, or to a relay that has gone. */
bool floe_base_asked(const floe_base *base, const floe_stun_message *message);

/* What an answer to a Binding says that the base looks like. False: why it is of no use, in a failure that has the rest
 * already. */
bool floe_binding_read_answer(const floe_core *core, const floe_base *base,
                              const floe_stun_message *message, floe_address *mapped,
                              floe_failure *failure);

#endif

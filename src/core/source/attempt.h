/* One address of a server that is asked, and what bindings and relays report of that. */
#ifndef FLOE_CORE_SOURCE_ATTEMPT_H
#define FLOE_CORE_SOURCE_ATTEMPT_H

#include "core/outbox/counters.h"
#include "core/outbox/failure.h"
#include "core/server/server.h"
#include "core/types.h"

typedef enum floe_progress {
    FLOE_PENDING,
    FLOE_SUCCEEDED,
    FLOE_FAILED,
} floe_progress;

/* One address of a server that is asked for a pair: by whom, and what came of it. */
typedef struct floe_attempt {
    floe_chained link; /* in pair->attempts */
    floe_pair *pair;
    floe_address remote;
    floe_time start; /* never: it has started */
    floe_relay *relay;
    floe_counters *counters; /* of the relay that it had; NULL: none has asked */
    uint8_t transport;       /* a floe_protocol */
    uint8_t progress;        /* a floe_progress */
    bool answered;           /* the address has answered its relay */
    bool late;               /* and what nobody waits for any more */
    bool garbled;            /* and by what is no answer in STUN */
    bool shows; /* its Allocate is to show the mapping (R2): no Binding goes beside it */
    bool vain;  /* its relay has ended before a request could leave */
    bool binds; /* no relay is asked for: it asks the base's binding to the address */
} floe_attempt;

/* Whether it has what a relay has counted that it has no more. */
static inline bool floe_attempt_counted(const floe_attempt *attempt)
{
    return attempt->relay == NULL && attempt->counters != NULL && attempt->counters->requests > 0;
}

/* What bindings and relays report, to who has them asked. */
typedef struct floe_source_listener {
    /* The server's address has answered a binding, or it failed for this reason. */
    void (*binding_known)(floe_core *core, floe_time now, floe_binding *binding);
    void (*binding_failed)(floe_core *core, floe_time now, floe_binding *binding,
                           const floe_failure *failure);
    /* Whether somebody today wants the base's binding there. */
    bool (*is_asked)(const floe_base *base, const floe_address *remote);
    /* The relay of an attempt is there; or is not to be had, which takes the failure over. */
    void (*succeeded)(floe_core *core, floe_time now, floe_attempt *attempt);
    void (*failed)(floe_core *core, floe_time now, floe_attempt *attempt, floe_failure failure);
    /* What it had got is lost, and asked for again: the gathering waits for that, if it goes on. */
    void (*again)(floe_core *core, floe_time now, floe_attempt *attempt);
    /* Its address has answered the relay; or what is over (`late`). */
    void (*answered)(floe_attempt *attempt, bool late);
    /* What its Allocate would show is asked by a Binding, unless one goes: no answer has come, or it
     * will be of another port (R2). */
    void (*asks_reflexive)(floe_core *core, const floe_attempt *attempt);
    /* A relay of an earlier gathering is there: the attempt that would ask for such a one takes it,
     * and asks for none. */
    void (*adopt)(floe_core *core, floe_time now, floe_relay *relay);
    /* It is there again, having been lost. */
    void (*relay_back)(floe_core *core, const floe_relay *relay);
    /* It has ended for good, or its server does not give it back for now: each is told once. Takes
     * the failure over. */
    void (*relay_ended)(floe_core *core, const floe_relay *relay, floe_failure failure,
                        bool for_good);
    /* Whether the base was refused such a relay by this server for good. */
    bool (*refused)(const floe_base *base, const floe_server *server, floe_relay_kind kind);
    /* The server does not give back a relay that was lost: its name may lead elsewhere by now. */
    void (*look_up_again)(floe_core *core, floe_time now, const floe_server *server);
} floe_source_listener;

#endif

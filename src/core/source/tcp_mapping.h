/* What a NAT shows of the port that listens for peers by TCP (R4, RFC 6544 §5.2): a STUN server is asked from that port,
 * by a connection that is kept for as long as what it has shown is a candidate. */
#ifndef FLOE_CORE_SOURCE_TCP_MAPPING_H
#define FLOE_CORE_SOURCE_TCP_MAPPING_H

#include "base/ring.h"
#include "base/tree.h"
#include "core/candidate/base.h"
#include "core/candidate/listener.h"
#include "core/outbox/counters.h"
#include "core/source/attempt.h"
#include "core/source/pacer.h"
#include "core/types.h"

struct floe_tcp_mapping {
    floe_list link;   /* in listener->mappings */
    floe_alarm alarm; /* on core->connections->asks */
    floe_paced paced;
    floe_listener *listener;
    const floe_server *server;
    floe_attempt *attempt;       /* that waits for it; NULL: none */
    floe_connection *connection; /* NULL: none; it is connected to once more at `next` */
    floe_address remote;         /* of the server */
    floe_address mapped;         /* family none: not known */
    floe_stun_transaction transaction;
    floe_counters counters;
    floe_time next;  /* when the server is asked again; never: it is being */
    floe_time begun; /* the connection was */
    uint8_t losses;  /* of connections that did not last, in a row */
    uint8_t in_vain; /* so often since an answer */
    bool answered;   /* by the connection at hand */
    bool had;        /* what it showed was a candidate */
};

/* Each is a floe_tcp_mapping.link. */
static inline const floe_ring *floe_tcp_mappings_of(const floe_base *base)
{
    static const floe_ring none = {0};

    return base->listener != NULL ? &base->listener->mappings : &none;
}

/* Whether the base's listener has reflexive candidates by STUN over TCP. */
bool floe_tcp_mappings_are_wanted(const floe_core *core, const floe_base *base);
/* The attempt's address is asked, or has been; it hears of that. False without memory. */
bool floe_tcp_mapping_ask(floe_core *core, floe_time now, floe_listener *listener,
                          const floe_server *server, floe_attempt *attempt);
/* The attempt is over. */
void floe_tcp_mapping_leave(floe_listener *listener, const floe_attempt *attempt);
/* There is a reason to ask whether it still shows the same. */
void floe_tcp_mapping_doubt(floe_core *core, floe_time now, floe_tcp_mapping *mapping);
void floe_tcp_mappings_doubt(floe_core *core, floe_time now, const floe_base *base);
/* The gathering is complete: those by which no candidate stands end. */
void floe_tcp_mappings_sweep(floe_core *core, const floe_base *base);
/* Their servers have heirs. */
void floe_tcp_mappings_hand_over(const floe_base *base);
/* Whether one is of these servers. */
bool floe_tcp_mappings_have(const floe_base *base, const floe_server_set *set);
/* What listens ends, or the gatherer. */
void floe_tcp_mappings_end(floe_core *core, floe_listener *listener);
void floe_tcp_mappings_time(floe_core *core, floe_time now);
floe_time floe_tcp_mappings_deadline(const floe_core *core);

#endif

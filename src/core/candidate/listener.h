/* What listens on a base's address for the connections of peers (RFC 6544 §5.1), beside its socket for UDP or instead
 * of it. Who has connected is the socket room's to know. */
#ifndef FLOE_CORE_CANDIDATE_LISTENER_H
#define FLOE_CORE_CANDIDATE_LISTENER_H

#include "base/ring.h"
#include "base/tree.h"
#include "core/outbox/outbox.h"
#include "core/types.h"

struct floe_listener {
    floe_base *base;
    floe_output output; /* LISTEN, UNLISTEN */
    floe_output error_output;
    floe_address local;
    uint32_t channel;    /* 0: there is nothing to close */
    uint16_t ports_left; /* of the port range, still to be tried */
    uint8_t state;       /* a floe_base_state */
    uint8_t error;       /* a floe_error, negated: why it has failed */
    bool refused;        /* that was told */
    uint16_t unproven;   /* so many have connected, and have not shown that they know us */
    uint16_t accepted;   /* so many have connected */
    uint16_t connected;  /* and to so many we have connected, or tried to lately */
    floe_tree peers;     /* floe_tcp_peer.node */
    floe_ring mappings;  /* floe_tcp_mapping.link */
};

/* H1: whether there are host candidates for TCP on addresses of this family: under a mux its
 * members have them, if it listens for TCP. */
bool floe_listens(const floe_core *core, uint8_t family);
/* H1: the base has one from now on, if TCP candidates of it would be told. */
void floe_listener_want(floe_core *core, floe_base *base);
/* NULL: there is none. */
floe_listener *floe_listener_of_channel(const floe_core *core, uint32_t channel);
void floe_listener_opened(floe_core *core, floe_listener *listener, const floe_address *local);
/* False: another port of the range is tried (P5). */
bool floe_listener_failed(floe_core *core, floe_listener *listener, floe_error error);
/* Its base goes; and so does it, once the output has been polled. Nobody is connected any more. */
void floe_listener_close(floe_core *core, floe_base *base);
/* The gatherer is closed: what has not been asked for yet is not, and what is open has to be closed. */
void floe_listener_forsake(floe_listener *listener);
void floe_listener_end(floe_core *core, floe_base *base);
void floe_listener_free(floe_core *core, floe_base *base);
/* The outputs. */
bool floe_listener_poll_open(const floe_listener *listener, floe_core_output *output);
bool floe_listener_poll_close(floe_core *core, floe_listener *listener, floe_core_output *output);

#endif

/* A base (RFC 8445 §2.4): a local address with its UDP socket, or its listener, or both. It knows what is counted of it; what stands on it
 * (candidates, bindings, relays, pairs) is others'. */
#ifndef FLOE_CORE_CANDIDATE_BASE_H
#define FLOE_CORE_CANDIDATE_BASE_H

#include "base/address.h"
#include "base/chain.h"
#include "base/queue.h"
#include "base/tree.h"
#include "core/candidate/listener.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/failure.h"
#include "core/outbox/outbox.h"
#include "core/types.h"
#include "stun/message.h"

/* Which servers a gathering asks here. */
typedef enum floe_base_share {
    FLOE_BASE_ASKS_ALL,
    FLOE_BASE_ASKS_MISSING, /* those with which it has no pair */
    FLOE_BASE_ASKS_NOBODY,  /* it stands as it did: another address has changed (N2) */
} floe_base_share;

typedef enum floe_base_state {
    FLOE_BASE_OPENING,
    FLOE_BASE_OPEN,
    FLOE_BASE_FAILED,
    FLOE_BASE_CLOSING, /* its address is gone; goes once CLOSE has been polled */
} floe_base_state;

/* At least so many transactions of a base that are over are known by their ids; four for each
 * Binding, where those are many. */
#define FLOE_FORMER_MIN 8U

/* Of those on one address, in the order in which they were made. */
typedef struct floe_base_key {
    floe_address ip; /* scope and port do not count */
    uint32_t number;
} floe_base_key;

/* The server of a relay that has gone from a base: it may send on for a while. */
typedef struct floe_farewell {
    struct floe_farewell *next; /* of the same base's */
    floe_address server;
    floe_time until;
} floe_farewell;

/* The name that stands for a base's address (H2). */
typedef struct floe_base_named {
    floe_base *base;
    floe_output output; /* PUBLISH, UNPUBLISH */
    char text[];
} floe_base_named;

/* What a base sends of its owner's, from the first packet on. */
struct floe_base_sending {
    floe_base *base;
    floe_output output; /* SEND */
    floe_queue queue;   /* packets that wait */
    uint32_t full_for;  /* as a way has it (core/socket/way.h) */
};

/* The ids of the Bindings of a base that are over: their answers may come yet. */
typedef struct floe_former_ids {
    uint32_t room;  /* in a ring of so many */
    uint32_t next;  /* the place of the next */
    uint32_t count; /* so many are there */
    floe_stun_id ids[];
} floe_former_ids;

/* What has gone from a base, and is known yet; and what has failed there. */
typedef struct floe_base_past {
    floe_base *base;
    floe_output error_output;
    uint8_t failure;         /* a floe_failure_kind: why it failed, or its name did */
    uint8_t error;           /* a floe_error, negated */
    floe_former_ids *former; /* NULL: none */
    floe_farewell *farewells;
    floe_time unsteady; /* until then a NAT that has shown it by another address may go back */
} floe_base_past;

/* A core has no more: what counts bases, or pairs of a server (up to four a base), has 16 bits. */
#define FLOE_BASES_MAX 16000

struct floe_base {  /* there is one for each address: without holes */
    floe_list link; /* in core->bases */
    floe_tree_node by_channel;
    floe_tree_node by_ip;
    floe_base *
        next_of_interface; /* those of one interface go round in the order in which they were made */
    union {                /* its address is what it is found by */
        floe_base_key key;
        floe_address local;
    };
    uint32_t channel;
    floe_output output; /* OPEN, CLOSE */
    uint32_t interface_index;
    uint16_t rank;       /* 0 is best; spares have that of their original */
    uint16_t ports_left; /* of the port range, still to be tried */
    uint16_t binding_count;
    uint8_t state;         /* a floe_base_state */
    uint8_t counted;       /* in which of core->base_counts, a bit each */
    unsigned asks : 2;     /* a floe_base_share */
    bool spare : 1;        /* a second socket for one relay after 437: no candidates of its own */
    bool no_reflexive : 1; /* a rewrite rule says it, so no server is asked (W7) */
    bool loopback : 1;     /* it leads nowhere beyond this machine, or hardly */
    bool chosen : 1;       /* by the list of interfaces at hand */
    bool overdue : 1;      /* the gathering has given it up while it was opening */
    bool answered : 1;     /* some server has answered here */
    bool
        unsettled : 1; /* a relay has come or ended here: nobody may want a mapping any more (R6) */
    bool has_srflx : 1; /* this gathering has found one here, redundant or not */
    bool has_relay : 1;
    bool published : 1; /* its name was */
    bool unheard : 1;   /* and it was told that the link does not hear of it */
    bool blocked : 1;   /* its socket takes no more for now */
    bool
        refused : 1; /* that it cannot be opened was told: a change of the network repeats it not */
    bool gone : 1;   /* its socket; it stays for what is to be told of it still */
    floe_interface_name *interface; /* floe_base_interface_name; NULL: not known */
    floe_base_named *named;         /* floe_base_name_of; NULL: none */
    floe_chain bindings;            /* floe_binding.link, in the order in which they were made */
    floe_chain pairs;               /* floe_pair.of_base */
    floe_chain found;               /* floe_found.of_base, in the order in which they came */
    union {
        floe_ring asked_for; /* floe_relay.of_origin, in the order in which they were made */
        floe_relay *alone;   /* of a spare: the one that it serves */
    };
    uint16_t pending[2];        /* of its pairs, by whether they are for a relay */
    uint16_t asking;            /* of its bindings */
    uint16_t stragglers;        /* and of those */
    floe_base_sending *sending; /* NULL: its owner has sent nothing */
    floe_base_past *past;       /* NULL: nothing has gone, nothing has failed */
    floe_listener *listener;    /* NULL: none, as TCP candidates are not gathered */
};

/* Another socket on the same address; NULL without memory. */
floe_base *floe_base_spare(floe_core *core, const floe_base *original);

/* "": not known. */
static inline const char *floe_base_interface_name(const floe_base *base)
{
    return base->interface != NULL ? base->interface->text : "";
}

/* NULL: none. */
static inline const char *floe_base_name_of(const floe_base *base)
{
    return base->named != NULL ? base->named->text : NULL;
}

/* A spare is asked for nothing: it serves one that was asked for elsewhere. */
static inline const floe_ring *floe_base_asked_for(const floe_base *base)
{
    static const floe_ring none = {0};

    return base->spare ? &none : &base->asked_for;
}

/* So much waits to be sent. */
static inline size_t floe_base_waiting(const floe_base *base)
{
    return base->sending != NULL ? floe_queue_used(&base->sending->queue) : 0;
}

/* NULL: nothing has been sent by it, so there was room for all. */
static inline uint32_t *floe_base_full_for(const floe_base *base)
{
    return base->sending != NULL ? &base->sending->full_for : NULL;
}

/* NULL without memory: what has gone is forgotten at once. */
floe_base_past *floe_base_past_of(const floe_core *core, floe_base *base);
/* What has failed there is to be told; NULL without memory, which is told instead. */
floe_output *floe_base_fails(floe_core *core, floe_base *base, floe_failure_kind kind,
                             floe_error error);
/* Whether it has no socket because of this error. */
bool floe_base_failed_by(const floe_base *base, floe_error error);

/* Whether it has a socket for UDP. */
static inline bool floe_base_has_socket(const floe_base *base)
{
    return base->state == FLOE_BASE_OPEN && base->channel != 0;
}

static inline bool floe_base_awaits_listener(const floe_base *base)
{
    return base->listener != NULL && base->listener->state == FLOE_BASE_OPENING;
}

/* Whether its socket, or what listens beside it, is about to be opened, and a gathering waits for
 * it. */
static inline bool floe_base_awaited(const floe_base *base)
{
    bool opens = base->state == FLOE_BASE_OPENING || floe_base_awaits_listener(base);

    return opens && !base->spare && !base->overdue;
}

/* Something that counts has changed: its state, what it waits for, who has answered. */
void floe_base_changed(floe_core *core, floe_base *base);
/* The next on this IP address, behind `last` (NULL: the first); NULL: there is none. */
floe_base *floe_base_on(const floe_core *core, const floe_address *address, const floe_base *last);
/* There is no socket to close. */
void floe_base_never_opened(floe_core *core, floe_base *base);
/* Of that the socket alone. */
void floe_base_shut(floe_core *core, floe_base *base);
/* On this address, not open yet; NULL without memory. */
floe_base *floe_base_new(floe_core *core, const floe_address *local);
/* Takes its place among the others, and asks for its socket. */
void floe_base_open(floe_core *core, floe_base *base);
/* One that has failed asks for another socket: what listens beside it stays, and who is connected. */
void floe_base_open_again(floe_core *core, floe_base *base);
void floe_base_set_state(floe_core *core, floe_base *base, floe_base_state state);
/* The one on this address, ports apart, that is no spare and does not close; NULL: there is none. */
floe_base *floe_base_of_ip(const floe_core *core, const floe_address *address);
/* T1: whether one relay will do for both, as an allocation may have relayed addresses of both
 * families: the two families of an interface. */
bool floe_bases_are_rivals(const floe_base *base, const floe_base *other);
/* The next of its rivals, behind `last` (NULL: the first); NULL: there is none. */
floe_base *floe_base_next_rival(const floe_base *base, const floe_base *last);
/* Each of them, in the order in which they were made. */
#define FLOE_BASE_RIVALS(rival, base)                                                              \
    for (floe_base *rival = floe_base_next_rival(base, NULL); rival != NULL;                       \
         rival = floe_base_next_rival(base, rival))
/* It is of this interface from now on. */
void floe_base_set_interface(floe_core *core, floe_base *base, uint32_t index);
/* It has no bindings any more. */
void floe_base_free(floe_core *core, floe_base *base);
/* A candidate of it has gone: so does the base, if its socket has, with the last of them. */
void floe_base_forget(floe_core *core, floe_base *base);
floe_base *floe_base_of_channel(const floe_core *core, uint32_t channel);
/* Whether a server at this address is asked from it. */
bool floe_base_asks(const floe_core *core, const floe_base *base, const floe_address *server);
/* Whether any of them would ask a STUN server. */
bool floe_bases_ask_reflexive(const floe_core *core);
bool floe_bases_have_family(const floe_core *core, uint8_t family);
/* Whether a socket of ours is on this address, ports apart. */
bool floe_bases_stand_on(const floe_core *core, const floe_address *address);

/* RFC 8656 §12: what a server sends that is not STUN is ChannelData; of a reserved number (table 3)
 * or an unknown one (§12.6) it is dropped. */
static inline bool floe_may_be_channel_data(floe_span data)
{
    floe_packet_kind kind = floe_packet_kind_of(data);

    return kind == FLOE_PACKET_CHANNEL_DATA || kind == FLOE_PACKET_OTHER;
}

/* A relay by this server goes: what that has under way is nobody's. */
void floe_base_bids_farewell(floe_core *core, floe_time now, floe_base *base,
                             const floe_address *server);
/* Whether it is data that a relay which has gone had under way. */
bool floe_base_had(floe_core *core, floe_time now, floe_base *base, const floe_address *source,
                   floe_span data);
/* Forgets those that are over by now; never: all. */
void floe_base_forgets_farewells(floe_core *core, floe_time now, floe_base *base);

#endif

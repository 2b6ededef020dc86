/* The servers of the options: where each is, and what it has refused. Facts alone: who is asked, and when, is
 * the plan's. */
#ifndef FLOE_CORE_SERVER_SERVER_H
#define FLOE_CORE_SERVER_SERVER_H

#include "base/chain.h"
#include "base/ring.h"
#include "base/time.h"
#include "core/outbox/failure.h"
#include "core/outbox/outbox.h"
#include "core/text/url.h"
#include "core/types.h"
#include "turn/account.h"

typedef struct floe_lookup {
    floe_list link; /* in names->lookups */
    floe_output output;
    floe_server *server;
    floe_names *names;
    char *name; /* NULL: the URL's host */
    uint32_t query;
    uint32_t order; /* of what it finds among the server's places */
    uint16_t port;
    uint8_t shift;      /* of `order`, for what it leads to */
    uint8_t transports; /* that it is about: floe_protocol, bit by bit */
    uint8_t record;     /* a floe_dns_record */
    uint8_t error;      /* a floe_error, negated */
    bool done;
    bool proxy; /* its name is the proxy's, which the owner has chosen */
    bool left;  /* its end was not waited for any longer */
    bool told;  /* to the driver, and when */
    floe_time asked;
    floe_address refused; /* an address that cannot be a server's (T4b); family none: none was */
} floe_lookup;

/* At most so many addresses of one name and family are tried, and as many targets of SRV. */
#define FLOE_ADDRESSES_MAX 8

typedef struct floe_place {
    floe_address address; /* of the server, or of the proxy on the way */
    uint32_t order;       /* those of a better NAPTR or SRV record first */
    uint8_t transport;    /* a floe_protocol: the URL's, or a service's (RFC 5928) */
    bool ready;           /* nothing is looked up still that may come before it */
    bool heard;           /* it has answered somebody here */
} floe_place;

static inline bool floe_place_is(const floe_place *place, const floe_address *address,
                                 uint8_t transport)
{
    return place->transport == transport && floe_address_equal(&place->address, address);
}

/* Where a server is: the look-ups that say so, and what they have said by now, best first. */
struct floe_names {
    floe_ring lookups; /* floe_lookup.link */
    floe_place *places;
    uint16_t place_count;
    bool no_memory; /* for one of the look-ups */
    bool unsure;    /* one for services had no answer */
};

/* As they are looked up once more, and since when. */
typedef struct floe_names_anew {
    floe_names names;
    floe_time since;
} floe_names_anew;

/* Which of the relays that a base has from a server. The first is asked for first; those beside it,
 * once it is there, and that they fail is no error. */
typedef struct floe_relay_kind {
    bool tcp;       /* for TCP to its peers (RFC 6062, T12) */
    uint8_t family; /* this one alone, as the first has the other (T5); 0: as the settings say */
} floe_relay_kind;

static inline bool floe_relay_beside(floe_relay_kind kind)
{
    return kind.tcp || kind.family != 0;
}

static inline bool floe_relay_same_kind(floe_relay_kind a, floe_relay_kind b)
{
    return a.tcp == b.tcp && a.family == b.family;
}

/* 486 or 508: for more allocations it is not asked before then (T6), at this IP address: what else
 * the domain names (S6) is another server, with room of its own. */
typedef struct floe_refusal {
    floe_list link; /* in server->refusals */
    floe_address asked;
    floe_time until;
    uint16_t code;
    bool beside; /* it was asked for one beside the first; which those alone heed */
} floe_refusal;

/* Of a member's: a trunk asks it (mux). */
typedef enum floe_elsewhere {
    FLOE_ELSEWHERE_NOT,     /* nobody is to ask it */
    FLOE_ELSEWHERE_PENDING, /* the gathering waits for the trunk */
    FLOE_ELSEWHERE_SETTLED, /* it has given something */
    FLOE_ELSEWHERE_FAILED,
} floe_elsewhere;

struct floe_server {
    floe_output output; /* FLOE_OUTPUT_SERVER_ERROR */
    const floe_url *url;
    floe_turn_account *account; /* NULL for stun */
    floe_names names;
    floe_place literal; /* where `names` says that it is, if its host is an address */
    floe_names_anew
        *anew;          /* for a relay that it does not give back (T7): then they are its names */
    floe_ring refusals; /* floe_refusal.link */
    floe_chain pairs;   /* floe_pair.of_server */
    /* Of its pairs: how many pend, may still give or have given something, have failed and were not
     * told; and of these those whose failure is the URL's. */
    uint16_t pairs_pending;
    uint16_t pairs_hopeful;
    uint16_t untold;
    uint16_t untold_of_url;
    uint16_t index;    /* its place among the servers */
    bool told_failed;  /* the event that says url_failed is given */
    uint8_t elsewhere; /* a floe_elsewhere: how a trunk stands that asks it */
    floe_server *heir; /* once retired: the same one among those that came after; NULL: none */
    floe_plain_failure failure;
};

/* All of them (P8). */
#define FLOE_GATHER_TYPES (FLOE_GATHER_TYPE_HOST | FLOE_GATHER_TYPE_SRFLX | FLOE_GATHER_TYPE_RELAY)
#define FLOE_RELAY_TRANSPORTS                                                                      \
    (FLOE_RELAY_TRANSPORT_UDP | FLOE_RELAY_TRANSPORT_TCP | FLOE_RELAY_TRANSPORT_TLS |              \
     FLOE_RELAY_TRANSPORT_DTLS)
/* A floe_protocol's floe_relay_transport. */
#define FLOE_TRANSPORT_BIT(protocol) ((uint8_t)(1U << ((protocol)-FLOE_PROTOCOL_UDP)))

/* What the options say. */
typedef struct floe_server_set {
    floe_list link; /* among those that are retired */
    char *sdp_mid;  /* NULL: not said */
    uint16_t sdp_mline_index;
    bool even_port : 1; /* relays of both components side by side */
    bool continual : 1; /* it is gathered when the network changes (N1) */
    uint8_t policy;     /* a floe_gather_policy */
    uint8_t types;      /* floe_gather_type, joined */
    uint8_t transports; /* floe_relay_transport, joined */
    uint16_t count;
    floe_server servers[];
} floe_server_set;

static inline bool floe_server_set_has(const floe_server_set *set, const floe_server *server)
{
    return server != NULL && server >= set->servers && server < set->servers + set->count;
}

/* RFC 8656 §7.4: it has answered so to one who asked there for such a relay. */
void floe_server_refuses(floe_core *core, floe_time now, const floe_server *server,
                         floe_relay_kind kind, const floe_address *asked, uint16_t code);
/* What one of ours had left there is gone: of this server's user, or of another. */
void floe_server_has_room(const floe_core *core, floe_server *server, const floe_address *at,
                          bool same_user);
/* Until when it is not to be asked there for such a relay; NULL: it may be asked. */
const floe_refusal *floe_server_refused(const floe_server *server, floe_time now,
                                        floe_relay_kind kind, const floe_address *address);
/* Whether it is one of those at hand, and not retired. */
bool floe_server_current(const floe_core *core, const floe_server *server);
/* The one that has its URL now, by whatever credentials; NULL: none. */
const floe_server *floe_server_successor(const floe_core *core, const floe_server *server);
/* The URL failed, for a reason that belongs to no base. */
void floe_server_fail(floe_core *core, floe_server *server, floe_failure_kind kind, uint8_t detail);
/* No look-up of it is under way or waits any more. */
void floe_names_forget(const floe_core_shared *shared, floe_server *server);
/* What is looked up anew alone. */
void floe_names_forget_anew(const floe_core_shared *shared, floe_server *server);
/* What that has found is where it is. */
void floe_names_take_over(const floe_core_shared *shared, floe_server *server);
/* Whether one of these look-ups is under way. */
bool floe_names_pending(const floe_names *names);
/* And nothing is known of where it is. */
void floe_names_reset(const floe_core_shared *shared, floe_server *server);
/* Whether a gathering waits for one of its look-ups. */
bool floe_server_pending(const floe_server *server);
/* NULL: nothing is looked up anew. */
static inline floe_names *floe_names_anew_of(const floe_server *server)
{
    return server->anew != NULL ? &server->anew->names : NULL;
}
/* The place's number, or how many there are. */
size_t floe_names_find(const floe_names *names, const floe_address *address, uint8_t transport);
/* Whether it is known to be there. */
bool floe_server_is_at(const floe_server *server, const floe_address *address, uint8_t transport);

#endif

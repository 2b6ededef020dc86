/* Two whole agents, each with its gatherer, in one simulated network: NATs of every kind (RFC 4787), IPv4 and IPv6, a
 * STUN and TURN server, loss, delay, and candidates that are signalled late and in any order. A seed decides all of
 * it; the same seed gives the same trace.
 *
 *     config (by hand, or from a seed) ── meet_run ──> report
 *
 * The simulation of gatherers (tests/simulation) has one machine and its servers; here it is the way between two
 * machines that matters, so this network is one of its own, and its server always does as the RFCs say. */
#ifndef FLOE_ICE_MEET_H
#define FLOE_ICE_MEET_H

#include "support.h"

#include <floe/ice.h>
#include <stdio.h>

#define MEET_INTERFACES 3
#define MEET_ROUTERS 4
#define MEET_STEPS 64

/* RFC 4787 §4.1, §5. */
typedef enum meet_kind {
    MEET_ENDPOINT_INDEPENDENT,
    MEET_ADDRESS_DEPENDENT,
    MEET_ADDRESS_AND_PORT_DEPENDENT,
} meet_kind;

typedef struct meet_router {
    bool translates; /* else it only filters: a firewall */
    meet_kind mapping;
    meet_kind filtering;
    bool icmp; /* says so of what it does not let in */
} meet_router;

typedef struct meet_interface {
    char ip[48];
    unsigned router; /* 1 + which it is behind; 0: none. Behind the same one is the same link */
} meet_interface;

typedef struct meet_side {
    meet_interface interfaces[MEET_INTERFACES];
    size_t interface_count;
    unsigned delay_ms; /* one way, to the middle of the network */
    bool stun;
    bool turn;
    floe_gather_policy policy;
    floe_ice_role role;
    unsigned gather_at_ms;
    unsigned start_at_ms; /* when it learns the other's parameters */
    unsigned trickle_ms;  /* its candidates are signalled so late, at most */
    bool hides_hosts;     /* and those of type host not at all */
    bool lite;
    bool tcp;                     /* host candidates for TCP too */
    floe_ip_handling ip_handling; /* the default route is that of the first interface */
    bool does_not_end;            /* its end of candidates is not signalled */
    floe_ice_options options;
} meet_side;

typedef enum meet_direction { MEET_NEITHER, MEET_IN, MEET_OUT } meet_direction;

/* What happens besides. The first five are what becomes of one packet each, the next that leaves. */
typedef enum meet_act {
    MEET_PASS,
    MEET_DROP, /* some, by the value */
    MEET_REPEAT,
    MEET_DELAY,
    MEET_SPOIL,
    MEET_SEND,
    MEET_TELL, /* the side hears of a candidate of the other side's, or of one that nobody has */
    MEET_TAKE_AWAY,
    MEET_TELL_END,
    MEET_RESTART,
    MEET_INTERFACE, /* its first one goes, or comes back */
    MEET_REFUSE,    /* ICMP says so of an address that it sends to */
    MEET_ACTS
} meet_act;

typedef struct meet_step {
    unsigned at_ms;
    meet_act act;
    unsigned side;
    uint8_t value;
} meet_step;

typedef struct meet_config {
    uint64_t seed;
    meet_side sides[2];
    meet_router routers[MEET_ROUTERS];
    unsigned loss; /* of a thousand */
    unsigned jitter_ms;
    unsigned run_ms;
    unsigned restart_at_ms; /* the first side restarts; 0: never */
    unsigned
        restart_late_ms; /* so late the other hears of it, and so late the first of its answer */
    bool restart_both;   /* the other answers by new parameters of its own */
    unsigned cut_at_ms;  /* from then on nothing arrives, */
    unsigned cut_ms;     /* for so long; 0: never */
    bool cuts_first;     /* only by the first side's first interface; data goes on meanwhile */
    meet_direction cut_is_open; /* and one way remains so */
    bool loses_first;           /* and the system says that it has gone */
    bool no_udp;                /* a firewall lets TCP through alone */
    size_t fail_at;             /* the n-th allocation of memory of the agents fails; 0: none */
    meet_step steps[MEET_STEPS];
    size_t step_count;
    bool
        wild; /* steps take from the sides what they need: in the end both restart, and the network is whole */
} meet_config;

/* What became of one side. */
typedef struct meet_seen {
    floe_ice_state state;
    unsigned connected_ms; /* when; UINT32_MAX: never */
    unsigned selected_ms;
    unsigned failed_ms;
    unsigned disconnected_ms; /* the first time */
    unsigned data_ms;         /* when the first data came */
    floe_ice_role role;
    bool has_selected;
    floe_ice_pair selected; /* without its candidates */
    floe_protocol selected_protocol;
    unsigned gap_ms; /* the longest time between two packets of data, from the cut on */
    unsigned sent;   /* data */
    unsigned came;
    unsigned requests; /* of checks */
    unsigned checks;   /* packets of checks and their answers that left */
} meet_seen;

typedef struct meet_report {
    bool failed;
    char why[256];
    meet_seen sides[2];
    bool same_pair;
    unsigned probes;   /* packets of data to each side that ask for that */
    unsigned known_ms; /* when both had what they needed of each other */
    uint64_t hash;
    size_t allocations;
} meet_report;

/* False: something did not hold. */
bool meet_run(const meet_config *config, FILE *trace, meet_report *report);
void meet_of_seed(uint64_t seed, meet_config *config);
/* A world with steps; any bytes make one. */
void meet_of_bytes(const uint8_t *bytes, size_t size, meet_config *config);
void meet_print(const meet_config *config, FILE *to);
/* Two sides with one IPv4 interface each, behind routers 1 and 2 with these kinds. */
void meet_plain(meet_config *config, meet_kind mapping, meet_kind filtering);

/* ── model.c: what must come of it, from the description alone ── */

typedef enum meet_verdict { MEET_CANNOT, MEET_MAY, MEET_MUST } meet_verdict;

typedef struct meet_model {
    meet_verdict connects;
    meet_verdict directly; /* without a relay */
    unsigned by_ms;
} meet_model;

meet_model meet_model_of(const meet_config *config);
/* False: what came is not what must; `why` says how. */
bool meet_model_agrees(const meet_config *config, const meet_report *report, char *why,
                       size_t size);
/* The same of a world with steps, of which it only says how it ends. */
bool meet_ends_well(const meet_config *config, const meet_report *report, char *why, size_t size);

#endif

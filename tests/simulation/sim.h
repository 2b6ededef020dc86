/* A simulated network around the real core: a virtual clock, interfaces, NATs (RFC 4787), STUN and
 * TURN servers of every temper, loss, duplication and delay. A seed decides all of it; the same
 * seed gives the same trace, byte for byte. After every step the invariants are checked (check.c).
 *
 *     config (by hand, or from a seed) ── sim_run ──> report, trace */
#ifndef FLOE_SIMULATION_SIM_H
#define FLOE_SIMULATION_SIM_H

#include "support.h"
#include "tls.h"

#include "turn/allocation.h"

#include <floe/core.h>
#include <stdbool.h>
#include <stdio.h>

#define SIM_INTERFACES_MAX 48
#define SIM_SERVERS_MAX 10
#define SIM_GATHERERS_MAX 3

/* What becomes of packets that leave by an interface. */
typedef enum sim_path {
    SIM_PATH_GOOD,
    SIM_PATH_SWALLOWS, /* a VPN or a broken IPv6 path: nothing comes back */
    SIM_PATH_NO_ROUTE, /* the system refuses to send */
} sim_path;

/* RFC 4787 §4.1: which packets share a mapping; the same words for §5, filtering. */
typedef enum sim_nat {
    SIM_NAT_NONE,
    SIM_NAT_ENDPOINT_INDEPENDENT,
    SIM_NAT_ADDRESS_DEPENDENT,
    SIM_NAT_ADDRESS_AND_PORT_DEPENDENT,
} sim_nat;

typedef struct sim_interface {
    char ip[48];
    char name[16];
    floe_adapter adapter;
    bool up;
    bool temporary;
    bool deprecated;
    bool tentative;
    bool default_route;
    bool loopback; /* on the loopback interface */
    sim_path path;
    sim_nat mapping;
    sim_nat filtering;
    unsigned open_failures; /* so many opens fail, with `open_error` */
    floe_error open_error;
    uint32_t nat_lifetime_ms; /* of a mapping by which nothing goes out; 0: for ever */
} sim_interface;

typedef enum sim_temper {
    SIM_GOOD,
    SIM_SILENT,
    SIM_PORT_CLOSED,    /* ICMP port unreachable comes back */
    SIM_NAME_UNKNOWN,   /* the name has no address */
    SIM_NAME_SILENT,    /* the name server never answers */
    SIM_WRONG_PASSWORD, /* 401 with the same nonce, again and again */
    SIM_GARBAGE,        /* answers with noise */
    SIM_FORGED_FIRST,   /* a forged answer of every kind goes before the right one */
    SIM_ERROR_CODE,     /* answers every request with `code`, signed where it can be */
    SIM_NO_ADDRESSES,   /* a success without mapped or relayed address */
    SIM_UNKNOWN_ATTRIBUTE,
    SIM_LOOPBACK_ADDRESSES, /* names 127.0.0.1 as mapped and as relayed address */
    SIM_MISMATCH,           /* 437 to the first Allocate from each client port (T6) */
    SIM_FULL_AFTER_TWO,     /* 486 from the third allocation on */
    SIM_FORGETS,            /* loses its allocations after a while: Refresh gets 437 */
    SIM_REDIRECTS,          /* 300 to `redirect` */
    SIM_BID_DOWN,           /* its nonce promises algorithms that somebody has taken out */
    SIM_HANGS,              /* not by UDP: falls silent after `code` pieces from the client */
    SIM_HANGS_UP,           /* likewise: ends the connection at the first */
    SIM_ENDS_IN_MESSAGE,    /* likewise: ends it in the middle of its first answer */
    SIM_TEMPER_COUNT,
} sim_temper;

typedef enum sim_nonce {
    SIM_NONCE_FOR_ALL,
    SIM_NONCE_PER_CLIENT,
    SIM_NONCE_ONE_USE,
    SIM_NONCE_COUNT,
} sim_nonce;

/* Whose ways it has beyond the temper: servers that are in use (what each does was seen of it). */
typedef enum sim_make {
    SIM_BY_THE_RFC,
    SIM_COTURN, /* 4.6.1: 400 to a permission or channel of no allocation, where 437 is due; 437 to
                 * an Allocate is unsigned */
    SIM_COTURN_ONE_ADDRESS, /* external-ip=IP: 440 to who wishes for both families, and for IPv6 */
    SIM_COTURN_508,         /* the same since 2026: 508 to the wish for both */
    SIM_COTURN_V4_ON_V6,    /* external-ip of IPv4 on allocations of IPv6, too */
    SIM_PION,      /* 400 for wrong credentials, and all its errors are unsigned; one family; a
                    * Refresh of what it does not have is not answered */
    SIM_NODE_TURN, /* drops Allocate with attributes that it does not know; ChannelBind is
                    * answered unsigned, every Refresh with LIFETIME 0 */
    SIM_STUND,     /* RFC 3489: SOURCE-ADDRESS, CHANGED-ADDRESS in its answers */
    SIM_P1_STUN,   /* knows no ADDITIONAL-ADDRESS-FAMILY */
} sim_make;

/* RFC 8656 §7.2: what it does for who wishes for an even port, and for the next one (EVEN-PORT,
 * RESERVATION-TOKEN). */
typedef enum sim_ports {
    SIM_PORTS_KEPT,       /* for 30 s the next port is whose token is shown */
    SIM_PORTS_EVEN_ALONE, /* and keeps none */
    SIM_PORTS_REFUSED,    /* 508 */
    SIM_PORTS_UNKNOWN,    /* 420 */
    SIM_PORTS_COUNT,
} sim_ports;

typedef struct sim_server {
    bool turn;
    char ip[48];
    bool by_name;      /* the URL has a name, which resolves to ip */
    bool no_port;      /* and no port, so that services may be looked for */
    char first_ip[48]; /* and to this one before, where nobody is; "": it does not */
    bool first_closed; /* an ICMP error comes back from there */
    uint16_t port;
    sim_temper temper;
    sim_nonce nonce;
    uint16_t code;
    uint32_t lifetime; /* of allocations, seconds */
    unsigned round_trip_ms;
    floe_protocol transport;
    char other_ip[48]; /* where it is too, by the other family; "": it is not */
    char was_ip[48];   /* where it was before it moved, and nobody is now; "": it has not */
    unsigned families; /* that it relays, FLOE_TURN_IPV4 and FLOE_TURN_IPV6 */
    bool sha256;       /* wants MESSAGE-INTEGRITY-SHA256 */
    bool anonymous;    /* and USERHASH */
    bool tcp;          /* gives relays for TCP (RFC 6062); else 442 */
    bool mobile;       /* RFC 8016; else it answers 405 to who asks for it */
    unsigned redirect; /* 1 + the server that is pointed to; 0: 127.0.0.1 */
    tls_certificate certificate;
    bool old_tls; /* TLS 1.2 is the newest that it knows */
    sim_make make;
    uint32_t fails;         /* answers the methods of these bits, by their numbers, with `code` */
    uint32_t drops;         /* and these not at all (coturn --no-stun: Binding) */
    bool tickets;           /* gives MOBILITY-TICKET to who has not asked for it */
    unsigned refuses_peer;  /* 403 to the peers of these bits */
    bool oauth;             /* RFC 7635: takes access tokens, and no passwords */
    unsigned token_from;    /* those before it have expired */
    bool wants_certificate; /* of the client, in TLS and DTLS */
    bool other_protocol;    /* insists on one of its own (ALPN) */
    sim_ports ports;
    unsigned twin; /* 1 + the server that its name leads to as well; 0: to none */
    bool realms; /* each of its lives has a realm of its own: a restart by another configuration */
    bool
        naptr; /* its domain has NAPTR records (RFC 5928), which lead to it by more than one step */
} sim_server;

/* What stands between the client and servers by TCP and TLS. */
typedef enum sim_proxy_kind {
    SIM_PROXY_NONE,
    SIM_PROXY_HTTP,   /* CONNECT (RFC 9110 §9.3.6) */
    SIM_PROXY_SOCKS5, /* RFC 1928 */
} sim_proxy_kind;

typedef enum sim_proxy_temper {
    SIM_PROXY_GOOD,
    SIM_PROXY_SILENT,
    SIM_PROXY_CLOSED,   /* nobody listens */
    SIM_PROXY_FORBIDS,  /* whatever server it is */
    SIM_PROXY_DENIES,   /* whatever the password is */
    SIM_PROXY_HANGS_UP, /* at the first word */
} sim_proxy_temper;

typedef struct sim_proxy {
    sim_proxy_kind kind;
    sim_proxy_temper temper;
    bool by_name;  /* and then it has an address of each family */
    bool password; /* it wants one, and the settings have it */
} sim_proxy;

/* What the owner does, or what happens around, in the middle of a gatherer's life. */
typedef enum sim_action_kind {
    SIM_GATHER,
    SIM_RESTART,
    SIM_SET_OPTIONS, /* value: which servers, bit by bit; policy in the two bits from 30 on */
    SIM_TOGGLE,      /* value: the interface that goes down, or comes up again */
    SIM_NAME_TAKEN,  /* the latest that was published */
    SIM_SEND,        /* a packet on every candidate, to a peer that sends it back */
    SIM_CLOSE,
} sim_action_kind;

typedef struct sim_action {
    sim_action_kind kind;
    uint32_t value;
    uint64_t at_ms; /* after the gatherer was made; or */
    size_t at_step; /* after so many outputs and events; 0: by the time */
} sim_action;

#define SIM_ACTIONS_MAX 8
#define SIM_POLICY_SHIFT 30

typedef struct sim_config {
    uint64_t seed;
    floe_gather_policy policy;
    uint32_t types;      /* floe_gather_type, joined; 0: all */
    uint32_t transports; /* floe_relay_transport, joined; 0: all */
    floe_settings settings;
    sim_interface interfaces[SIM_INTERFACES_MAX];
    size_t interface_count;
    sim_server servers[SIM_SERVERS_MAX];
    size_t server_count;
    sim_proxy proxy;
    size_t gatherers;     /* one after another, in one shared part */
    unsigned loss;        /* of a thousand packets */
    unsigned duplication; /* of a thousand */
    unsigned jitter_ms;   /* so packets overtake one another */
    uint64_t close_at_ms; /* after the start of each gatherer; 0: at the end of its time */
    uint64_t run_ms;      /* how long each gatherer lives */
    uint64_t remap_at_ms; /* the NATs forget all mappings; 0: never */
    size_t fail_at;       /* the n-th allocation of memory fails; 0: none */
    sim_action actions[SIM_ACTIONS_MAX];
    size_t action_count;
    bool pool;             /* gathering begins at making; it is asked for at `gather_at_ms` */
    uint64_t gather_at_ms; /* after the gatherer was made */
    unsigned packets;      /* so many go out on each candidate behind the end of candidates, */
    uint64_t packets_ms;   /* one in so many milliseconds */
    /* What must not matter (same.c). */
    bool backwards;    /* URLs stand in the other order */
    bool respelt;      /* with their hosts in another spelling */
    bool same_options; /* are set again at each step */
    unsigned opens_ms; /* a UDP socket is open so late */
} sim_config;

typedef struct sim_seen_candidate {
    floe_candidate_type type;
    floe_protocol relay_protocol;
    floe_tcp_type tcp_type;
    char text[FLOE_CANDIDATE_TEXT_SIZE];
    char address[64];
    char related[64];
    unsigned port;
    unsigned related_port;
    char url[128];
    char foundation[33];
    uint32_t priority;
    uint64_t at_ms;
    bool withdrawn;
    bool old;    /* of a generation before a restart; withdrawn with it */
    bool gone;   /* and its owner was told that it ended, or that it goes on */
    bool unsure; /* policy has hidden it meanwhile: that it goes may not have been told (L12) */
    uint32_t id;
    uint32_t network;
    unsigned sent; /* packets of the owner */
    unsigned got;  /* that came back */
} sim_seen_candidate;

typedef struct sim_seen_error {
    char url[128];
    char address[64];
    unsigned code;
    char text[512];
    floe_failure_reason reason;
    bool url_failed;
    uint64_t at_ms;
} sim_seen_error;

#define SIM_SEEN_MAX 512

/* What the owner of one gatherer saw. */
typedef struct sim_seen {
    char log[4096]; /* all events, a word or two each, with " | " between them */
    sim_seen_candidate candidates[SIM_SEEN_MAX];
    size_t candidate_count;
    sim_seen_error errors[SIM_SEEN_MAX];
    size_t error_count;
    enum floe_gatherer_state state;
    unsigned ends;        /* NULL candidates */
    unsigned completes;   /* of states */
    size_t first_error;   /* of the gathering at hand */
    bool start_failed;    /* floe_core_new or start returned an error */
    uint64_t complete_ms; /* after its start */
    unsigned packets_sent;
    unsigned packets_sent_at_complete;
    size_t allocations; /* on all servers when its time was over */
} sim_seen;

typedef struct sim_report {
    sim_seen gatherers[SIM_GATHERERS_MAX];
    uint64_t trace_hash;
    size_t steps;       /* of all gatherers */
    uint64_t dropped;   /* packets that were not believed */
    size_t allocations; /* of memory, in all */
    size_t left_memory;
    char violation[512]; /* "" if every invariant held */
} sim_report;

/* Runs the world; `trace` may be NULL. False when an invariant was broken. */
bool sim_run(const sim_config *config, FILE *trace, sim_report *report);
/* And, for every other seed, once more by a way that must not matter: it must come to the same. */
bool sim_check(const sim_config *config, sim_report *report);
/* That way; false: this seed is tried by none. */
bool sim_same_way(const sim_config *config, sim_config *other);
/* The world of a seed. */
void sim_config_of_seed(uint64_t seed, sim_config *config);
/* The world of a script: two bytes a choice (fuzz/simulation.c). */
void sim_config_of_bytes(const uint8_t *data, size_t size, sim_config *config);
/* A quiet world: one IPv4 interface behind an endpoint-independent NAT, no servers, 50 ms away. */
void sim_config_simple(sim_config *config);
/* Adds a server and gives it; its URL is sim_server_url's. */
sim_server *sim_add_server(sim_config *config, bool turn, const char *ip, sim_temper temper);
/* With the port that goes with it. */
void sim_server_transport(sim_server *server, floe_protocol transport);
sim_action *sim_add_action(sim_config *config, sim_action_kind kind, uint64_t at_ms);
sim_interface *sim_add_interface(sim_config *config, const char *name, const char *ip);
/* Whether another server sends its clients to this one. */
bool sim_is_redirected_to(const sim_config *config, size_t n);
/* What the options want of its URL (P8), whatever the policy. */
typedef enum sim_role {
    SIM_LEFT_OUT,
    SIM_FOR_REFLEXIVE, /* be it a TURN server */
    SIM_FOR_RELAY,
} sim_role;
sim_role sim_role_of(const sim_config *config, size_t n);
/* The same under these sets. */
sim_role sim_role_by(const sim_config *config, size_t n, uint32_t types, uint32_t transports);
bool sim_wants(const sim_config *config, floe_candidate_type type);
void sim_server_url(const sim_config *config, size_t n, char *url, size_t size);
/* For settings.proxy; NULL: there is none. */
const char *sim_proxy_url(const sim_proxy *proxy);

#endif

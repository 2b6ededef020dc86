/* Worlds that change for their whole life: servers that restart, fall silent and come back, NATs
 * that forget, interfaces that go and come, a driver that takes its time, and owners who act in
 * episodes with minutes between. Several gatherers of one shared part live at once. Whatever has
 * happened, the audits look at each rest of a core; and at the end, when the network is quiet, a
 * new gatherer must find what the old ones have (fresh.c).
 *
 *     features.c    which of them a seed has, and its world; and what none has
 *     change.c      a run, and its turns
 *     phases.c      what happens to servers, NATs and interfaces
 *     driver.c      answers of a late driver
 *     episodes.c    what owners do
 *     owner.c       what they are told
 *     audit.c       what must hold at each rest
 *     accounting.c  what the world counts
 *     fresh.c       the new gatherer's second opinion */
#ifndef FLOE_SIMULATION_CHANGE_H
#define FLOE_SIMULATION_CHANGE_H

#include "world.h"

#include <floe/statistics.h>

#define SIM_CHANGES_MAX 96
#define SIM_EPISODES_MAX 96
#define SIM_OWNERS_MAX 8
#define SIM_TOLD_MAX 512
#define SIM_WAYS_MAX 1024
#define SIM_REQUESTS_MAX 1024
#define SIM_SENDS_MAX 512

#define SIM_MS 1000000ULL
#define SIM_SECOND 1000000000ULL

/* ── What a seed has decided ── */

typedef enum sim_change_kind {
    SIM_SERVER_RESTARTS,
    SIM_SERVER_IS_SILENT,
    SIM_SERVER_IS_CLOSED,  /* ICMP to each packet, be it a retransmission or data */
    SIM_SERVER_FAILS,      /* `value`: methods, bit by bit; `code` */
    SIM_SERVER_DROPS,      /* `value`: methods */
    SIM_SERVER_REFUSES,    /* `value`: peers: 403 */
    SIM_SERVER_EXPIRES,    /* the credentials are good no longer: 401 to all that is signed */
    SIM_SERVER_IS_SLOW,    /* `value`: round trip, ms */
    SIM_SERVER_MOVES,      /* its name leads elsewhere; it has forgotten all */
    SIM_SERVER_IS_FOREIGN, /* another machine answers TLS and DTLS in its place: a portal, say */
    SIM_SERVER_IS_BACK,    /* as it was at the beginning */
    SIM_NAT_FORGETS,       /* all mappings of the interface */
    SIM_NAT_GOES_BACK, /* to those that it has forgotten last, as a router does to its first line */
    SIM_INTERFACE_GOES,
    SIM_INTERFACE_COMES,
    SIM_INTERFACE_SWALLOWS, /* what leaves by it */
    SIM_INTERFACE_IS_BACK,
    SIM_NETWORK_LOSES, /* `value`: of a thousand packets */
    SIM_NETWORK_IS_BACK,
    SIM_PROCESS_STOPS,  /* for `value` ms nothing reaches the cores, and no timer fires */
    SIM_MACHINE_SLEEPS, /* likewise, and datagrams that come are lost */
    SIM_MACHINE_WAKES,  /* and the driver says so */
    SIM_PROXY_CHANGES,  /* `value`: its temper; all that lead by it break */
    SIM_NAMES_FAIL,     /* multicast DNS is not heard on the interface */
} sim_change_kind;

typedef struct sim_change {
    uint64_t at_ms;
    sim_change_kind kind;
    unsigned n; /* the server, or the interface */
    uint32_t value;
    uint16_t code;
} sim_change;

typedef enum sim_episode_kind {
    SIM_OWNER_GATHERS,
    SIM_OWNER_RESTARTS,      /* and gathers */
    SIM_OWNER_SETS_THE_SAME, /* options, and gathers if `value` is odd */
    SIM_OWNER_SETS_SERVERS,  /* `value`: which, bit by bit; and gathers */
    SIM_OWNER_SETS_USER,     /* `value`: 1: the other one; and gathers */
    SIM_OWNER_SETS_POLICY,   /* `value`; and gathers */
    SIM_OWNER_SETS_TYPES,    /* `value`: and transports, in the next four bits; and gathers */
    SIM_OWNER_SETS_TOKEN,    /* the latest; and gathers */
    SIM_OWNER_SETS_PASSWORD, /* `value`: 1: a wrong one; and gathers */
    SIM_OWNER_SENDS,         /* on each candidate; `value`: how often, 100 ms between */
    SIM_OWNER_IS_CHECKED,    /* by a peer, with the password of today and with that of before */
    SIM_OWNER_LISTS,         /* candidates, statistics */
    SIM_OWNER_MAKES_OTHERS,  /* `value` gatherers of other users, which do nothing */
    SIM_OWNER_LOSES_NAME,    /* the latest that it has published */
    SIM_OWNER_DOUBTS,        /* each candidate */
    SIM_OWNER_IS_DEAF,       /* `value`: 1: wants no packets, until it does again */
    SIM_OWNER_FLOODS,        /* its relays, until one is full; and goes on when it hears of room */
    SIM_OWNER_CLOSES,
    SIM_OWNER_IS_FREED, /* without a word to anybody */
} sim_episode_kind;

typedef struct sim_episode {
    uint64_t at_ms;
    sim_episode_kind kind;
    unsigned owner;
    uint32_t value;
} sim_episode;

/* A driver that takes its time. Of a thousand, so many fail. */
typedef struct sim_lateness {
    uint32_t opens_ms;
    uint32_t opens_fail;
    uint32_t lists_ms;
    uint32_t lists_fail;
    uint32_t names_ms;
    uint32_t names_fail;
    uint32_t timers_ms;
    uint32_t blocks; /* channels, for as long as `blocks_ms` at most */
    uint32_t blocks_ms;
    bool idle_calls;       /* says the time at any moment, and what nobody waits for */
    floe_unreachable icmp; /* why packets do not arrive, other than that nobody listens; 0: so */
    bool timers_first;     /* when a process goes on, before what has come meanwhile */
} sim_lateness;

typedef struct sim_changing {
    uint64_t seed;
    uint64_t features[2]; /* that are on, bit by bit */
    uint64_t life_ms;
    unsigned owners;
    bool associated; /* the second owner has component 2 of the first's */
    sim_config network;
    sim_change changes[SIM_CHANGES_MAX];
    size_t change_count;
    sim_episode episodes[SIM_EPISODES_MAX];
    size_t episode_count;
    sim_lateness late;
    uint32_t also_stun; /* those TURN servers are in the options by a stun: URL too */
    uint32_t twice;     /* those servers are in the options twice, in two spellings */
    uint32_t two_names; /* likewise by two names */
    bool even_port;
    uint64_t second_ms; /* so late the second owner gathers for the first time */
    bool sdp_mid;
    bool client_certificate; /* the settings have one, for TLS and DTLS */
    bool pinned;     /* the settings trust TLS_SELF_SIGNED by its fingerprint, and no other */
    bool each_alone; /* each URL is an ice_server of its own */
    bool pool;       /* a gathering begins when the gatherer is made */
    bool continual;  /* the gatherers are (N1) */
    bool restless;   /* they hear at every moment that the network may have changed */
} sim_changing;

/* ── What the world knows ── */

/* A candidate as its owner was told it. */
typedef struct sim_told {
    uint32_t id;
    floe_candidate_type type;
    floe_tcp_type tcp_type;
    floe_protocol relay_protocol;
    floe_family family; /* of the peers that it can send to */
    uint32_t priority;
    char foundation[33];
    char address[64];
    char related[64];
    char url[128];
    floe_address ip; /* with its port; family none: it is a name */
    uint16_t port;
    uint64_t at;
    bool old;     /* of a generation before, and neither told again nor withdrawn yet */
    bool unsure;  /* policy has hidden it meanwhile: that it goes may not have been told (P1) */
    bool of_host; /* its address is one of this machine */
    bool withdrawn;
    uint64_t gone;    /* when it was withdrawn, or a generation ended without it; 0: it was not */
    uint64_t doubted; /* when its owner did, and it was gone by then; 0: not */
} sim_told;

/* Of requests of a kind. */
typedef struct sim_count {
    unsigned requests; /* new ones */
    unsigned again;    /* retransmissions */
    unsigned answers;  /* the first to each, delivered */
    size_t bytes;      /* of requests */
    unsigned releases;
} sim_count;

/* What has gone from a socket to an address and come back. */
typedef struct sim_way {
    uint32_t channel;
    floe_address remote;
    uint64_t last_out;
    sim_count counts[2]; /* of Binding, and of Allocate and Refresh */
    unsigned releases;
    unsigned errors; /* ICMP, delivered */
    uint64_t last_answer;
    uint64_t last_error;
} sim_way;

typedef struct sim_request {
    floe_stun_id id;
    uint32_t channel;
    uint16_t method;
    uint64_t hash; /* of its bytes */
    bool answered;
    bool refused; /* by its first answer */
    bool release;
} sim_request;

/* A packet of the owner's on a relay, which is to come back. */
typedef struct sim_send {
    uint32_t id; /* of the candidate */
    unsigned owner;
    unsigned number;
    uint64_t at;
    uint64_t due; /* 0: nothing can be said of it, or it has come */
    char url[128];
} sim_send;

/* An error as its owner was told it. */
typedef struct sim_told_error {
    uint64_t hash; /* of its words */
    uint64_t at;
} sim_told_error;

#define SIM_ERRORS_MAX 256

typedef struct sim_owner {
    floe_core *core; /* NULL: it is not made yet, or freed */
    size_t life;
    bool closed;                    /* its owner has closed it */
    bool checks;                    /* is audited: not so a gatherer of which nothing is known */
    enum floe_gatherer_state state; /* as told */
    unsigned completes;
    unsigned ends;
    uint64_t began;       /* when it was asked to gather last */
    uint64_t listed;      /* when it was told what interfaces there are: the gathering itself */
    uint64_t listed_some; /* and when some of the machine's were missing last; 0: never */
    uint64_t completed;   /* when it was complete */
    uint64_t closed_at;
    sim_told told[SIM_TOLD_MAX];
    size_t told_count;
    char published[64][80];
    floe_address published_for[64];
    size_t published_count;
    char password[257]; /* of today */
    char before[257];   /* of the generation before; "": none */
    /* What its options are, and what those of the gathering at hand are. */
    uint32_t servers;
    uint32_t gathered; /* those of the gathering at hand */
    bool other_user;
    unsigned token; /* its number */
    bool wrong_password;
    bool deaf;
    bool name_taken; /* it publishes one that another machine has */
    floe_gather_policy policy;
    floe_gather_policy told_policy;
    uint32_t types; /* P8; 0: all */
    uint32_t told_types;
    uint32_t transports;
    uint32_t left_out; /* servers that give nothing that they are there for, by these */
    uint64_t audited;
    uint64_t changed_options;
    uint64_t other_options; /* likewise, where a restart counts for nothing */
    unsigned events;        /* candidates told and withdrawn, of all time */
    unsigned steps;         /* outputs since the last input */
    unsigned sent_traced;   /* requests that the trace told */
    unsigned sent;          /* and that went out by UDP */
    unsigned begun_traced;  /* look-ups and TCP connections that the trace told */
    unsigned begun;         /* and that were asked for */
    bool still;             /* the gathering at hand began in a world that had rested */
    uint32_t full;          /* the candidate whose queue was full; 0: none */
    bool asks;              /* it was asked to gather, and has not said that it does */
    uint64_t asked_list;    /* for the gathering that began then */
    uint64_t set_out;       /* when it said last that it gathers */
    bool list_failed;       /* since then it could not be told once what interfaces there are */
    bool failed[SIM_SERVERS_MAX];
    bool ports_judged;
    sim_told_error errors[SIM_ERRORS_MAX];
    size_t error_count;
    uint64_t told_relay[SIM_SERVERS_MAX];  /* when one was told last */
    uint64_t told_failed[SIM_SERVERS_MAX]; /* when an error was told last */
    uint64_t heard_401[SIM_SERVERS_MAX];   /* when a 401 came from there by UDP last */
    uint64_t lost_to_401[SIM_SERVERS_MAX]; /* when a relay was lost by that */
} sim_owner;

typedef struct sim_changing_world {
    sim_world *world;
    const sim_changing *plan;
    sim_config network; /* as it is now */
    sim_owner owners[SIM_OWNERS_MAX];
    size_t owner_count;
    sim_way ways[SIM_WAYS_MAX];
    size_t way_count;
    sim_request requests[SIM_REQUESTS_MAX];
    size_t request_count;
    sim_send sends[SIM_SENDS_MAX];
    size_t send_count;
    unsigned sent; /* numbers the owners' packets */
    /* Since when all is well; UINT64_MAX: it is not. */
    uint64_t server_good[SIM_SERVERS_MAX];
    uint64_t data_good[SIM_SERVERS_MAX]; /* what a peer's packets need of it */
    uint64_t interface_good[SIM_INTERFACES_MAX];
    uint64_t interface_at[SIM_INTERFACES_MAX]; /* when it came or went last */
    uint64_t interfaces_at; /* and when any did, or somebody heard of it; 0: never */
    uint64_t network_good;
    uint64_t proxy_good;
    char taken[16][80]; /* names that another machine has */
    size_t taken_count;
    uint64_t stopped_until;            /* the process; 0: it runs */
    bool sleeps;                       /* until then */
    uint64_t expired[SIM_SERVERS_MAX]; /* since when it says 401; 0: it does not */
    uint64_t expired_until[SIM_SERVERS_MAX];
    uint64_t refused[SIM_SERVERS_MAX][2]; /* when a peer was refused by 403 last */
    uint64_t last_change;
    uint64_t asleep;  /* until then no timer fires: after V8 */
    bool quiet;       /* the end: the driver is quick, and nothing fails */
    char fresh[4096]; /* what a new gatherer found: for worlds that must find the same */
} sim_changing_world;

/* ── features.c ── */

#define SIM_FEATURES_MAX 128

size_t sim_feature_count(void);
const char *sim_feature_name(size_t n);
/* The world of a seed; `only`: those of its features that are left; NULL: all. */
void sim_changing_of_seed(uint64_t seed, const uint64_t only[2], sim_changing *plan);
/* With these features and no other. */
void sim_changing_with(uint64_t seed, const char *const *names, size_t count, sim_changing *plan);
void sim_changing_print(const sim_changing *plan, FILE *to);

/* ── change.c ── */

/* False when something did not hold; the report says what. `fresh` (4096) receives what a new
 * gatherer found at the end; may be NULL. */
bool sim_run_changing(const sim_changing *plan, FILE *trace, sim_report *report, char *fresh);
/* And again in worlds that differ from it in what must not matter: they find the same. */
bool sim_check_changing(const sim_changing *plan, sim_report *report);
/* That other world. */
void sim_other_way(const sim_changing *plan, sim_changing *other);
/* Something did not hold: the world has failed. */
void change_violated(sim_changing_world *change, const char *format, ...) FLOE_PRINTF(2, 3);
/* From now on the world's core is this owner's. */
void change_turn(sim_changing_world *change, const sim_owner *owner);
sim_owner *change_owner_of_life(sim_changing_world *change, size_t life);
/* Time passes. */
void change_run_until(sim_changing_world *change, uint64_t end);

/* ── phases.c ── */

void change_plan(sim_changing_world *change);
void change_happens(sim_changing_world *change, const sim_change *what);
/* Everything is as it was at the beginning, and nothing is lost or late any more. */
void change_calm(sim_changing_world *change);
/* Since when the server, the interface and the network between have been good; UINT64_MAX: they
 * are not. */
uint64_t change_good_since(const sim_changing_world *change, size_t server, size_t interface);
/* The server is reached by the settings' proxy (T8). */
bool change_is_proxied(const sim_changing_world *change, size_t server);
/* RFC 8828 §5.2, mode 4: nothing goes but through the proxy. */
bool change_is_proxy_only(const sim_changing_world *change);
/* What the owner has is taken by the server: its password is right, its token of today. */
bool change_is_believed(const sim_changing_world *change, const sim_owner *owner, size_t server);
/* The settings take its certificate, and it takes ours. */
bool change_is_trusted(const sim_changing_world *change, size_t server);
/* An address that settings say instead of another. */
bool change_is_rewritten(const sim_changing_world *change, const floe_address *ip);

/* Whether servers answer early enough for what a gathering finds not to be a matter of chance. */
bool change_is_in_time(const sim_changing_world *change);

/* ── driver.c ── */

void driver_outputs(sim_changing_world *change, sim_owner *owner);
/* An event that is the driver's, or that comes to a core. */
void driver_event(sim_changing_world *change, const sim_event *event);
/* Whether it comes to a core, and waits while the process stands still. */
bool driver_is_input(const sim_event *event);

/* ── owner.c ── */

sim_owner *owner_new(sim_changing_world *change);
/* Makes the core, with its options; false: it could not be made. */
bool owner_make(sim_changing_world *change, sim_owner *owner, floe_core_shared *shared);
void owner_set_options(sim_changing_world *change, sim_owner *owner);
void owner_gather(sim_changing_world *change, sim_owner *owner);
void owner_restart(sim_changing_world *change, sim_owner *owner);
/* Another machine has it, if it is one of the owner's. */
void owner_loses_name(sim_changing_world *change, sim_owner *owner, const char *name);
void owner_close(sim_changing_world *change, sim_owner *owner);
void owner_told(sim_changing_world *change, sim_owner *owner, const floe_core_output *output);
/* The server of a URL of the options; SIZE_MAX: none. */
size_t owner_server_of(const sim_changing_world *change, const char *url);
/* Which one its relays are of: it may redirect. SIZE_MAX: of either of those that its name leads to.
 */
size_t owner_relay_server_of(const sim_changing_world *change, const char *url);
sim_told *owner_candidate(sim_owner *owner, uint32_t id);
/* Whether the policy of its latest gathering lets it see such a candidate. */
bool owner_may_see(const sim_owner *owner, const sim_told *told);
/* One of those that a name leads to, or one of several URLs that lead to it by different names. */
bool owner_server_is_shared(const sim_changing_world *change, size_t server);
/* By a URL of the server's. */
bool owner_lists_relay_of(const sim_changing_world *change, const sim_owner *owner, size_t server);
/* The URLs of its options, of any of their spellings, have the server. */
/* P8. */
void owner_takes_types(const sim_changing_world *change, sim_owner *owner, uint32_t types,
                       uint32_t transports);
bool owner_has_server(const sim_owner *owner, size_t server);
/* Of an address, or of a name that stands for one; false: nobody knows. */
bool owner_address_of(const sim_owner *owner, const char *text, floe_address *address);

/* ── episodes.c ── */

void episode_begins(sim_changing_world *change, const sim_episode *episode);
void episode_packet(sim_world *world, const floe_packet *packet);
void episode_writable(sim_changing_world *change, sim_owner *owner, uint32_t candidate_id);

/* ── audit.c ── */

void audit(sim_changing_world *change, sim_owner *owner);
/* When the gatherer has been closed. */
void audit_closed(sim_changing_world *change, sim_owner *owner);
/* The channel takes no more, and is closed: a release is not waited for (L7). */
void audit_cut_short(sim_changing_world *change, const sim_socket *socket);

/* ── accounting.c ── */

void account_sent(sim_changing_world *change, sim_owner *owner, const sim_socket *socket,
                  const floe_core_output *output);
void account_delivered(sim_changing_world *change, const sim_socket *socket,
                       const floe_address *from, floe_span data);
void account_unreachable(sim_changing_world *change, uint32_t channel, const floe_address *remote);
void account_error(sim_changing_world *change, sim_owner *owner, const floe_candidate_error *error);
void account_trace(sim_changing_world *change, sim_owner *owner, const floe_trace_event *event);
/* The request was refused, whatever came of its retransmission. */
bool account_was_refused(const sim_changing_world *change, const floe_stun_id *id);
/* Nothing is counted that there was not; `exact`: nor is anything left out, of a new gatherer in a
 * quiet world. */
void account_statistics(sim_changing_world *change, sim_owner *owner, bool exact);
/* From the socket to anywhere: when something was sent last; 0: never. */
uint64_t account_last_out(const sim_changing_world *change, uint32_t channel,
                          const floe_address *remote);

/* ── fresh.c ── */

/* Gathers again, and with a new gatherer of the same options; they must agree. */
void fresh_compare(sim_changing_world *change, sim_owner *owner);

#endif

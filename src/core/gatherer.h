/* What a gatherer is made of: private to src/core.
 *
 *     core ── bases      one socket on one local address each
 *          │    └─ bindings   one for each server address that the base asks what it looks like
 *          ├─ servers    one for each URL
 *          ├─ pairs      base × server: what succeeds or fails as one, and is told as one
 *          │    └─ attempts   one for each address of the server
 *          │         ├─ binding (of the base, shared)
 *          │         └─ relay   (a TURN allocation)
 *          ├─ found      the candidates
 *          └─ outputs    what waits to be polled
 *
 * Every output is a link inside the thing that it speaks of, so that telling never allocates. */
#ifndef FLOE_CORE_GATHERER_H
#define FLOE_CORE_GATHERER_H

#include "base/address.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/time.h"
#include "core/url.h"
#include "stun/transaction.h"
#include "turn/allocation.h"

#include <floe/core.h>

/* ── What is shared (shared.c) ── */

struct floe_core_shared {
    floe_allocator allocator;
    floe_random random;
    floe_duration gather_timeout; /* ns UINT64_MAX: never */
    floe_duration straggler_grace;
    floe_duration pacing;
    floe_duration rto;
    floe_duration keepalive;
    uint16_t port_min; /* 0: the kernel chooses */
    uint16_t port_max;
    uint32_t network_types; /* floe_network_type, joined */
    bool loopback;
    bool link_local;
    bool trace;
    uint64_t dropped;   /* packets that were not believed */
    floe_list accounts; /* floe_turn_account.link */
};

/* The account of this user at this server, with a reference for the caller. */
floe_error floe_shared_account(floe_core_shared *shared, const floe_url *url, const char *username,
                               const char *credential, floe_turn_account **account);

/* ── Outputs (output.c) ── */

typedef enum floe_output_kind {
    FLOE_OUTPUT_LIST_INTERFACES,
    FLOE_OUTPUT_OPEN,
    FLOE_OUTPUT_CLOSE,
    FLOE_OUTPUT_SEND_BINDING,
    FLOE_OUTPUT_SEND_RELAY,
    FLOE_OUTPUT_RESOLVE,
    FLOE_OUTPUT_CANDIDATE,
    FLOE_OUTPUT_WITHDRAWN,
    FLOE_OUTPUT_GATHERING,
    FLOE_OUTPUT_COMPLETE,
    FLOE_OUTPUT_END_OF_CANDIDATES,
    FLOE_OUTPUT_CLOSED,
    FLOE_OUTPUT_PAIR_ERROR,
    FLOE_OUTPUT_SERVER_ERROR,
    FLOE_OUTPUT_BASE_ERROR,
    FLOE_OUTPUT_LIST_ERROR,
    FLOE_OUTPUT_MEMORY_ERROR,
    FLOE_OUTPUT_TRACE,
} floe_output_kind;

typedef struct floe_output {
    floe_list link;
    uint8_t kind; /* a floe_output_kind */
} floe_output;

/* Puts it at the end of the queue; one that waits already stays where it is. */
void floe_tell(floe_core *core, floe_output *output, floe_output_kind kind);
/* Takes it off the queue if it waits there. */
static inline void floe_untell(floe_output *output)
{
    floe_list_remove(&output->link);
}

/* ── Failures (failure.c) ── */

typedef enum floe_failure_kind {
    FLOE_FAILURE_NONE,
    FLOE_FAILURE_TIMEOUT,
    FLOE_FAILURE_UNREACHABLE, /* detail: floe_unreachable */
    FLOE_FAILURE_SERVER,      /* the server's own error: code, reason */
    FLOE_FAILURE_CREDENTIALS,
    FLOE_FAILURE_BAD_ANSWER, /* reason says what is wrong with it */
    FLOE_FAILURE_NAME,       /* detail: floe_error of the look-up, negated */
    FLOE_FAILURE_UNSUPPORTED,
    FLOE_FAILURE_OPEN,       /* detail: floe_error of the socket, negated */
    FLOE_FAILURE_INTERFACES, /* detail: floe_error of their list, negated */
    FLOE_FAILURE_MEMORY,
} floe_failure_kind;

typedef struct floe_failure {
    uint8_t kind;
    uint8_t detail;
    uint8_t sends;
    uint16_t code;
    uint32_t elapsed_ms;
    floe_address remote;
    char *reason; /* owned; NULL: none */
} floe_failure;

typedef struct floe_server floe_server;
typedef struct floe_base floe_base;

/* A failure of a request to `remote` as the transaction stands: asked how often, for how long. */
floe_failure floe_failure_of(floe_failure_kind kind, const floe_stun_transaction *transaction,
                             const floe_address *remote, floe_time now);
/* Takes the text over as the reason; without memory there is none. */
void floe_failure_set_reason(const floe_core *core, floe_failure *failure, const char *reason);
void floe_failure_release(const floe_core *core, floe_failure *failure);
/* The STUN code, or 701. */
uint16_t floe_failure_code(const floe_failure *failure);
/* The sentence for a person. `server` is NULL for a base's own failure. */
void floe_failure_text(const floe_core *core, const floe_failure *failure,
                       const floe_server *server, char *text, size_t size);

/* ── Servers (server.c) ── */

typedef enum floe_lookup_state {
    FLOE_LOOKUP_NOT_NEEDED,
    FLOE_LOOKUP_PENDING,
    FLOE_LOOKUP_DONE,
} floe_lookup_state;

typedef struct floe_lookup {
    floe_output output;
    floe_server *server;
    uint32_t query;
    uint8_t family;
    uint8_t state; /* a floe_lookup_state */
    uint8_t error; /* a floe_error, negated */
} floe_lookup;

/* At most so many addresses of one name and family are tried. */
#define FLOE_ADDRESSES_MAX 8

struct floe_server {
    floe_output output; /* FLOE_OUTPUT_SERVER_ERROR */
    char *text;         /* the URL as it was given */
    floe_url *url;
    floe_turn_account *account; /* NULL for stun */
    floe_address *addresses;
    uint16_t address_count;
    uint16_t index;         /* its place among the servers */
    uint16_t refused;       /* 486 or 508: not to be asked again in this gathering (T6) */
    bool told_failed;       /* the event that says url_failed is given */
    floe_lookup lookups[2]; /* IPv4, IPv6 */
    floe_failure failure;
};

/* Checks options and copies them into core->servers (S1, S2, S4). */
floe_error floe_servers_new(floe_core *core, const floe_gather_options *options);
void floe_servers_free(floe_core *core);
/* Looks up what must be looked up, for the families of the bases. */
void floe_servers_begin(floe_core *core);
bool floe_server_pending(const floe_server *server);
void floe_lookup_done(floe_core *core, floe_time now, uint32_t query, floe_error error,
                      const floe_address *addresses, size_t count);
/* Gives up the look-ups that are under way. */
void floe_servers_give_up(floe_core *core, floe_time now);

/* ── Candidates (candidate.c) ── */

typedef struct floe_found {
    floe_list link;     /* in core->found */
    floe_output output; /* FLOE_OUTPUT_CANDIDATE or FLOE_OUTPUT_WITHDRAWN */
    const floe_base *base;
    const floe_server *server; /* NULL for host */
    floe_address address;
    floe_address related; /* family none: there is none */
    uint32_t priority;
    uint8_t type;       /* a floe_candidate_type */
    bool hidden;        /* policy keeps it from being reported; it counts for redundancy */
    bool withdrawn;     /* freed once that has been told */
    char foundation[9]; /* 8 ice-char */
} floe_found;

/* Finds a candidate, learned from `remote` (family none for a host), and tells it unless policy
 * forbids. *found is NULL for one that is redundant (R3). */
floe_error floe_found_add(floe_core *core, floe_candidate_type type, const floe_base *base,
                          const floe_server *server, const floe_address *remote,
                          const floe_address *address, const floe_address *related,
                          floe_found **found);
/* It serves no longer: told if it was told. NULL is fine. */
void floe_found_withdraw(floe_core *core, floe_found *found);
void floe_found_free(floe_core *core, floe_found *found);
/* The public form; `address` and `related` have FLOE_ADDRESS_TEXT_SIZE bytes each. */
void floe_found_view(const floe_core *core, const floe_found *found, floe_candidate *candidate,
                     char *address, char *related);
/* T4b: an address that a server may name. */
bool floe_address_believable(const floe_core *core, const floe_address *address);
/* What a server told the base that it looks like, if that can be. */
bool floe_mapped_address(const floe_core *core, const floe_base *base, const floe_address *told,
                         floe_address *mapped);

/* ── Bases (base.c) ── */

typedef enum floe_base_state {
    FLOE_BASE_OPENING,
    FLOE_BASE_OPEN,
    FLOE_BASE_FAILED,
} floe_base_state;

struct floe_base {
    floe_list link;     /* in core->bases */
    floe_output output; /* OPEN, CLOSE */
    floe_output error_output;
    floe_failure failure;
    floe_address local;
    uint32_t channel;
    uint32_t interface_index;
    uint16_t rank;       /* 0 is best; spares have that of their original */
    uint16_t ports_left; /* of the port range, still to be tried */
    uint8_t state;       /* a floe_base_state */
    bool spare;          /* a second socket for a relay after 437: no candidates of its own */
    bool answered;       /* some server has answered here */
    bool has_srflx;      /* this gathering has found one here, redundant or not */
    bool has_relay;
    char interface_name[32];
    floe_list bindings;
};

/* The usable ones of the list become bases, best first (P3, P4, C4), and are opened. */
void floe_bases_new(floe_core *core, const floe_interface_address *list, size_t count);
/* Another socket on the same address; NULL without memory. */
floe_base *floe_base_spare(floe_core *core, const floe_base *original);
void floe_base_opened(floe_core *core, floe_time now, floe_base *base, const floe_address *local);
void floe_base_open_failed(floe_core *core, floe_time now, floe_base *base, floe_error error);
void floe_base_free(floe_core *core, floe_base *base);
floe_base *floe_base_of_channel(floe_core *core, uint32_t channel);
bool floe_bases_have_family(const floe_core *core, uint8_t family);

/* ── Pacing (pacer.c) ── */

/* Something that wants to send a new request when its turn comes. */
typedef struct floe_paced {
    floe_list link;
    bool relay; /* inside a floe_relay, else inside a floe_binding */
} floe_paced;

/* Joins the queue, at its front when `soon`. */
void floe_pace(floe_core *core, floe_paced *paced, bool soon);
/* Lets those begin whose turn has come. */
void floe_pacer_run(floe_core *core, floe_time now);
floe_time floe_pacer_deadline(const floe_core *core);

/* ── Bindings (binding.c) ── */

typedef enum floe_binding_state {
    FLOE_BINDING_ASKING, /* the first answer is not there yet */
    FLOE_BINDING_KNOWN,  /* and is kept alive */
    FLOE_BINDING_FAILED,
} floe_binding_state;

typedef struct floe_binding {
    floe_list link;     /* in base->bindings */
    floe_output output; /* SEND */
    floe_paced paced;
    floe_base *base;
    const floe_server *server; /* the first that asked for it */
    floe_address remote;
    floe_address mapped; /* family none: not known */
    floe_stun_transaction transaction;
    floe_time keepalive;
    floe_found *found; /* the candidate that it keeps; NULL: none */
    uint8_t state;     /* a floe_binding_state */
} floe_binding;

/* The base's binding to this address; a new one is asked for at once. NULL without memory. */
floe_binding *floe_binding_to(floe_core *core, floe_base *base, const floe_server *server,
                              const floe_address *remote);
/* A TURN server told the mapped address (R2): known without asking, and kept. */
void floe_binding_adopt(floe_core *core, floe_time now, floe_base *base, const floe_server *server,
                        const floe_address *remote, const floe_address *mapped);
void floe_binding_begin(floe_core *core, floe_time now, floe_binding *binding);
floe_span floe_binding_write(const floe_binding *binding, void *buffer, size_t size);
/* Whether the message was for it. */
bool floe_binding_receive(floe_core *core, floe_time now, floe_binding *binding,
                          const floe_address *source, const floe_stun_message *message);
void floe_binding_unreachable(floe_core *core, floe_time now, floe_binding *binding,
                              floe_unreachable reason);
void floe_binding_time(floe_core *core, floe_time now, floe_binding *binding);
floe_time floe_binding_deadline(const floe_binding *binding);
/* Gives it up if it is still asking; tells nobody. */
void floe_binding_stop(floe_binding *binding);
void floe_binding_free(floe_core *core, floe_binding *binding);

/* ── Relays (relay.c) ── */

typedef struct floe_attempt floe_attempt;

typedef enum floe_relay_phase {
    FLOE_RELAY_LIVE,
    FLOE_RELAY_RELEASING, /* goes once its last packet has been polled */
    FLOE_RELAY_ENDED,     /* goes at the end of the input at hand, when nobody walks the list */
} floe_relay_phase;

typedef struct floe_relay {
    floe_list link; /* in core->relays */
    floe_output output;
    floe_paced paced;
    floe_base *base;
    floe_attempt *attempt; /* NULL once its pair has forgotten it */
    const floe_server *server;
    floe_found *found;
    floe_turn_allocation turn;
    uint8_t phase; /* a floe_relay_phase */
} floe_relay;

floe_relay *floe_relay_new(floe_core *core, floe_attempt *attempt, const floe_address *remote);
void floe_relay_begin(floe_core *core, floe_time now, floe_relay *relay);
bool floe_relay_receive(floe_core *core, floe_time now, floe_relay *relay,
                        const floe_address *source, const floe_stun_message *message);
void floe_relay_unreachable(floe_core *core, floe_time now, floe_relay *relay,
                            floe_unreachable reason);
void floe_relay_time(floe_core *core, floe_time now, floe_relay *relay);
/* The base that it waits for is open, or is not to be had. */
void floe_relay_base_settled(floe_core *core, floe_time now, floe_relay *relay);
/* Whether a live relay needs the NAT's mapping from this base to this server. */
bool floe_relays_need(const floe_core *core, const floe_base *base, const floe_address *server);
/* Releases the allocation; it is live no longer. */
void floe_relay_release(floe_core *core, floe_relay *relay);
/* Frees those that have ended. */
void floe_relays_sweep(floe_core *core);
void floe_relay_free(floe_core *core, floe_relay *relay);

/* ── Pairs (pair.c) ── */

typedef enum floe_progress {
    FLOE_PENDING,
    FLOE_SUCCEEDED,
    FLOE_FAILED,
} floe_progress;

struct floe_attempt {
    floe_list link; /* in pair->attempts */
    struct floe_pair *pair;
    floe_address remote;
    floe_time start; /* never: it has started */
    floe_binding *binding;
    floe_relay *relay;
    uint8_t progress; /* a floe_progress */
};

typedef struct floe_pair {
    floe_list link; /* in core->pairs */
    floe_output output;
    floe_base *base;
    floe_server *server;
    floe_list attempts;
    floe_failure failure; /* the latest attempt's */
    uint8_t progress;     /* a floe_progress */
    bool told;            /* its failure */
    bool url_failed;      /* said so when it was told */
} floe_pair;

/* Pairs the base with every server that has addresses for it; pairs that exist stay. */
void floe_pairs_make(floe_core *core, floe_time now, floe_base *base);
void floe_attempt_succeeded(floe_core *core, floe_attempt *attempt);
/* Takes the failure over. */
void floe_attempt_failed(floe_core *core, floe_time now, floe_attempt *attempt,
                         floe_failure failure);
/* A binding was answered, or failed for this reason: its pairs hear of it. */
void floe_pairs_binding_known(floe_core *core, floe_binding *binding);
void floe_pairs_binding_failed(floe_core *core, floe_time now, floe_binding *binding,
                               const floe_failure *failure);
void floe_pairs_time(floe_core *core, floe_time now);
floe_time floe_pairs_deadline(const floe_core *core);
/* Everything pending fails by timeout. */
void floe_pairs_give_up(floe_core *core, floe_time now);
/* Tells the failures that can be told by now. */
void floe_pairs_tell(floe_core *core);
void floe_pair_free(floe_core *core, floe_pair *pair);

/* ── The gatherer itself (gatherer.c), and when it is complete (completion.c) ── */

struct floe_core {
    floe_core_shared *shared;
    enum floe_gatherer_state state;
    floe_gather_policy policy;
    floe_output list_output;
    floe_output list_error_output;
    floe_failure list_failure;
    floe_output gathering_output;
    floe_output complete_output;
    floe_output end_output;
    floe_output closed_output;
    floe_output memory_output;
    floe_list outputs;
    floe_list bases;
    floe_list relays;
    floe_list pairs;
    floe_list found;
    floe_list paced;
    floe_server *servers;
    size_t server_count;
    floe_time started;
    floe_time give_up; /* the gather timeout */
    floe_time grace;   /* when stragglers are given up; never: nobody has answered for them yet */
    floe_time next_request;
    uint32_t last_channel;
    uint32_t last_query;
    bool interfaces_known;
    char username_fragment[9];
    char password[25];
    uint8_t foundation_secret[16];
};

/* Out of memory somewhere inside: the owner is told once. */
void floe_core_out_of_memory(floe_core *core);
void floe_completion_check(floe_core *core, floe_time now);

/* ── Trace (trace.c) ── */

typedef struct floe_trace_node {
    floe_output output;
    floe_trace_event event;
} floe_trace_node;

/* Does nothing unless the settings ask for it. Without memory the event is lost. */
void floe_trace_packet(floe_core *core, floe_time now, floe_trace_kind kind, const floe_base *base,
                       const floe_address *remote, const floe_server *server,
                       const floe_stun_transaction *transaction, const floe_stun_message *message,
                       const char *detail);

#endif

/* What a gatherer is made of: private to src/core.
 *
 *     core ── bases        one socket on one local address each
 *          │    └─ bindings     one for each server address that the base asks what it looks like
 *          ├─ set          the servers, one for each URL
 *          ├─ pairs        base × server: what succeeds or fails as one, and is told as one
 *          │    └─ attempts     one for each address of the server
 *          │         ├─ binding    of the base, shared
 *          │         └─ relay      a TURN allocation
 *          │              └─ streams   of one for TCP, a connection to a peer each
 *          ├─ connections  to servers by TCP, TLS and DTLS: of a relay, or of a stream
 *          ├─ found        the candidates
 *          └─ outputs      what waits to be polled
 *
 * Every output is a link inside the thing that it speaks of, so that telling never allocates. */
#ifndef FLOE_CORE_GATHERER_H
#define FLOE_CORE_GATHERER_H

#include "base/address.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/queue.h"
#include "base/random.h"
#include "base/time.h"
#include "base/tree.h"
#include "core/url.h"
#include "proxy/proxy.h"
#include "secure/secure.h"
#include "stun/framing.h"
#include "stun/transaction.h"
#include "turn/allocation.h"
#include "turn/stream.h"

#include <floe/core.h>

/* ── Address rewrite rules (rewrite.c) ── */

#define FLOE_REWRITE_EXTERNALS_MAX 64

typedef struct floe_rewrite floe_rewrite;

/* Checks the settings' rules and makes them ready. */
floe_error floe_rewrites_new(floe_core_shared *shared, const floe_settings *settings);
void floe_rewrites_free(floe_core_shared *shared);
/* The rule for a candidate of this type on this address; NULL: none. */
const floe_rewrite *floe_rewrite_for(const floe_core_shared *shared, floe_candidate_type type,
                                     const floe_address *local, const char *iface);
/* Whether its addresses, if any, stand in this one's place: the local one, or a relayed one. */
bool floe_rewrite_replaces(const floe_rewrite *rule, const floe_address *address);
/* The rule's next address for that one, from *at = 0 on; false: no more. */
bool floe_rewrite_next(const floe_core_shared *shared, const floe_rewrite *rule,
                       const floe_address *address, size_t *at, floe_address *external);
bool floe_address_within(const floe_address *address, const floe_address *network, unsigned bits);

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
    uint32_t addresses_max; /* of a family; P7 */
    uint8_t ip_handling;    /* a floe_ip_handling */
    uint8_t mdns_mode;      /* a floe_mdns_mode */
    bool ice_lite;
    bool loopback;
    bool link_local;
    bool avoid_costly_networks;
    bool service_discovery;
    bool trace;
    char *mdns_name; /* that the owner gave; NULL: one is made for each address */
    floe_rewrite *rewrites;
    size_t rewrite_count;
    floe_secure_context *secure; /* NULL: no server wants it yet */
    uint8_t *plain;              /* room for what TLS decrypts; with `secure` */
    floe_proxy_server *proxy;    /* NULL: none */
    bool trust_promised;         /* the driver reads the system's authorities */
    size_t queue_limit;          /* bytes that wait to be sent on one way */
    bool insecure;               /* certificates are not checked */
    bool insecure_told;          /* and the trace has been told so */
    bool refuse_low_ports;
    bool mobility;
    bool dont_fragment;
    uint64_t dropped;   /* packets that were not believed */
    floe_list accounts; /* floe_turn_account.link */
};

/* RFC 8828 §5.2, mode 4: nothing leaves but through the proxy. */
static inline bool floe_proxy_only(const floe_core_shared *shared)
{
    return shared->ip_handling == FLOE_IP_HANDLING_PROXY_ONLY;
}

/* The account of this user at this server, with a reference for the caller. */
floe_error floe_shared_account(floe_core_shared *shared, const floe_url *url, const char *username,
                               const char *credential, const floe_turn_token *token,
                               floe_turn_account **account);

/* ── What the settings allow (allowed.c) ── */

/* P3, P4 (RFC 8445 §5.1.1.1): whether such an address may be gathered on, or said. */
bool floe_address_usable(const floe_core_shared *shared, const floe_address *address);
/* T4b: an address that a server may name. */
bool floe_address_believable(const floe_core_shared *shared, const floe_address *address);
/* T4b: whether a TURN server may be asked on this port, for URLs of strangers; be it the URL's,
 * that of an SRV record or of an alternate server. */
bool floe_port_allowed(const floe_core_shared *shared, const floe_url *url, uint16_t port);
/* Whether the URL's server is reached through the settings' proxy. */
bool floe_url_proxied(const floe_core_shared *shared, const floe_url *url);
/* Whom to connect to for it: its own host, or the proxy on the way. The name, for look-ups; its
 * address if it is one; the port. */
const char *floe_next_hop(const floe_core_shared *shared, const floe_url *url,
                          floe_address *literal, uint16_t *port);

/* ── Outputs (output.c) ── */

typedef enum floe_output_kind {
    FLOE_OUTPUT_LIST_INTERFACES,
    FLOE_OUTPUT_OPEN,
    FLOE_OUTPUT_CLOSE,
    FLOE_OUTPUT_SEND_BINDING,
    FLOE_OUTPUT_SEND_RELAY,
    FLOE_OUTPUT_CONNECT,
    FLOE_OUTPUT_DISCONNECT,
    FLOE_OUTPUT_SEND_CONNECTION,
    FLOE_OUTPUT_SEND_BASE,
    FLOE_OUTPUT_WRITABLE,
    FLOE_OUTPUT_UNREACHABLE,
    FLOE_OUTPUT_RESOLVE,
    FLOE_OUTPUT_PUBLISH,
    FLOE_OUTPUT_UNPUBLISH,
    FLOE_OUTPUT_CANDIDATE,
    FLOE_OUTPUT_WITHDRAWN,
    FLOE_OUTPUT_NEW,
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

/* Puts it at the end of the queue; one that waits already stays where it is. What the owner is to
 * see of a pool's gathering is held until it is asked for (L10). */
void floe_tell(floe_core *core, floe_output *output, floe_output_kind kind);
/* Of what belongs to a gathering whose end has not been told yet: so who goes at the end hears of
 * it.
 */
void floe_tell_before_end(floe_core *core, floe_output *output, floe_output_kind kind);
/* Puts it behind the output that is polled at the moment. */
void floe_tell_next(floe_core *core, floe_output *output, floe_output_kind kind);
/* Takes it off the queue if it waits there. */
static inline void floe_untell(floe_output *output)
{
    floe_list_remove(&output->link);
}
/* Takes off everything that the owner would see; what is to be done stays. */
void floe_untell_events(floe_core *core);
/* Takes off everything. */
void floe_untell_all(floe_core *core);
/* Out of memory somewhere inside: the owner is told once. */
void floe_core_out_of_memory(floe_core *core);

/* ── What of this machine is told (policy.c) ── */

/* Whether a name or nothing stands for the host's own addresses. */
bool floe_hosts_are_veiled(const floe_core *core);
/* Whether hosts are told, be it by a name that stands for the address. */
bool floe_hosts_are_told(const floe_core *core);
/* Whether the addresses of this machine may be shown. */
bool floe_hosts_are_shown(const floe_core *core);

/* ── Failures (failure.c) ── */

typedef enum floe_failure_kind {
    FLOE_FAILURE_NONE,
    FLOE_FAILURE_TIMEOUT,
    FLOE_FAILURE_UNREACHABLE, /* detail: floe_unreachable */
    FLOE_FAILURE_SERVER,      /* the server's own error: code, reason */
    FLOE_FAILURE_CREDENTIALS,
    FLOE_FAILURE_BAD_ANSWER, /* reason says what is wrong with it */
    FLOE_FAILURE_NAME,       /* detail: floe_error of the look-up, negated */
    FLOE_FAILURE_ADDRESS,    /* of a name: remote is what it stands for, and cannot be a server's */
    FLOE_FAILURE_SERVICE,    /* the domain says that it has no such service */
    FLOE_FAILURE_UNSUPPORTED,
    FLOE_FAILURE_OPEN,       /* detail: floe_error of the socket, negated */
    FLOE_FAILURE_INTERFACES, /* detail: floe_error of their list, negated */
    FLOE_FAILURE_CLOSED,     /* by the server; detail: the floe_connection_state before */
    FLOE_FAILURE_SECURE, /* TLS or DTLS: reason says which check; detail: another association will
                                be tried otherwise */
    FLOE_FAILURE_PROXY,  /* reason says what it answered */
    FLOE_FAILURE_PORT,   /* a setting refuses remote's port */
    FLOE_FAILURE_PROXY_ONLY, /* nothing may go but by a proxy, and this does not */
    FLOE_FAILURE_PUBLISH,    /* a name is not answered; detail: floe_error, negated */
    FLOE_FAILURE_MEMORY,
} floe_failure_kind;

typedef struct floe_failure {
    uint8_t kind;
    uint8_t detail;
    uint8_t sends;
    uint8_t stage;     /* of a connection, a floe_connection_state; 0: there was none */
    uint8_t transport; /* of a connection, a floe_protocol */
    uint8_t dropped;   /* a floe_stun_match: answers came, of that code, and were not believed */
    bool answered;     /* by a challenge; then no more */
    bool before;       /* the server has answered earlier requests from here */
    bool late;         /* its answers come, to what was asked before this gathering */
    bool beside;       /* it answers other requests from here */
    bool garbled;      /* what comes from there is no answer in STUN */
    bool elsewhere;    /* it has answered another address of ours */
    bool unasked;      /* that was its answer to another request, a short while ago */
    uint16_t code;
    uint32_t elapsed_ms;
    floe_address remote;
    floe_address pointed_by; /* 300: by whom we were sent to `remote`; family none: by nobody */
    char *reason;            /* owned; NULL: none */
} floe_failure;

typedef struct floe_server floe_server;
typedef struct floe_base floe_base;
typedef struct floe_binding floe_binding;
typedef struct floe_relay floe_relay;

/* Of no request: no more than this is to be said of it. */
typedef struct floe_plain_failure {
    uint8_t kind;
    uint8_t detail;
    floe_address remote;
} floe_plain_failure;

floe_failure floe_failure_in_full(const floe_plain_failure *plain);
/* A failure of a request to `remote` as the transaction stands: asked how often, for how long. */
floe_failure floe_failure_of(floe_failure_kind kind, const floe_stun_transaction *transaction,
                             const floe_address *remote, floe_time now);
/* What another try cannot mend: of any request; and of an Allocate, which is not sent again so before
 * its owner has changed something (RFC 8656 §7.4). */
bool floe_failure_is_final(const floe_failure *failure);
bool floe_failure_ends_allocate(const floe_failure *failure);
/* 486, 508: the server gives nobody a relay for a while (RFC 8656 §7.4). */
bool floe_failure_is_full(const floe_failure *failure);
/* Takes the text over as the reason; without memory there is none. */
void floe_failure_set_reason(const floe_core *core, floe_failure *failure, const char *reason);
/* That a server names such an address: "it names an impossible mapped address", which one (where
 * addresses may be shown), and the setting that would let it. */
void floe_failure_set_impossible(const floe_core *core, floe_failure *failure, const char *what,
                                 const floe_address *address);
void floe_failure_release(const floe_core_shared *shared, floe_failure *failure);
/* Takes one over, in the place of what was kept; NULL where there was no memory for it. */
void floe_failure_keep(const floe_core_shared *shared, floe_failure **kept, floe_failure failure);
void floe_failure_drop(const floe_core_shared *shared, floe_failure **kept);
/* What was kept; NULL: that there was no memory. */
const floe_failure *floe_failure_kept(const floe_failure *kept);
/* E2: whether it belongs to the URL and to no base. */
bool floe_failure_of_url(const floe_failure *failure);
/* The STUN code, or 701. */
uint16_t floe_failure_code(const floe_failure *failure);
/* The sentence for a person. `url` is NULL for a base's own failure. */
void floe_failure_text(const floe_core *core, const floe_failure *failure, const floe_url *url,
                       char *text, size_t size);

/* ── Servers (server.c), and the looking up of their names (names.c) ── */

typedef struct floe_names floe_names;

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
    bool proxy;           /* its name is the proxy's, which the owner has chosen */
    floe_address refused; /* an address that cannot be a server's (T4b); family none: none was */
} floe_lookup;

/* At most so many addresses of one name and family are tried, and as many targets of SRV. */
#define FLOE_ADDRESSES_MAX 8

typedef struct floe_place {
    floe_address address; /* of the server, or of the proxy on the way */
    uint32_t order;       /* those of a better NAPTR or SRV record first */
    uint8_t transport;    /* a floe_protocol: the URL's, or a service's (RFC 5928) */
    bool ready;           /* nothing is looked up still that may come before it */
} floe_place;

static inline bool floe_place_is(const floe_place *place, const floe_address *address,
                                 uint8_t transport)
{
    return place->transport == transport && floe_address_equal(&place->address, address);
}

/* Where a server is: the look-ups that say so, and what they have said by now, best first. */
struct floe_names {
    floe_list lookups; /* floe_lookup.link */
    floe_place *places;
    uint16_t place_count;
    bool no_memory; /* for one of the look-ups */
    bool unsure;    /* one for services had no answer */
};

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

struct floe_server {
    floe_output output; /* FLOE_OUTPUT_SERVER_ERROR */
    char *text;         /* the URL as it was given */
    floe_url *url;
    floe_turn_account *account; /* NULL for stun */
    floe_names names;
    floe_names anew; /* for a relay that it does not give back (T7): then they are its names */
    floe_time anew_since;
    floe_list refusals; /* floe_refusal.link */
    floe_list pairs;    /* floe_pair.of_server */
    /* Of its pairs: how many pend, may still give or have given something, have heard of it, have
     * failed and were not told; and of these those whose failure is the URL's. */
    uint32_t pairs_pending;
    uint32_t pairs_hopeful;
    uint32_t pairs_heard;
    uint32_t untold;
    uint32_t untold_of_url;
    uint16_t index;    /* its place among the servers */
    bool told_failed;  /* the event that says url_failed is given */
    floe_server *heir; /* once retired: the same one among those that came after; NULL: none */
    floe_plain_failure failure;
};

/* What the options say. */
typedef struct floe_server_set {
    floe_list link; /* in core->retired */
    char *sdp_mid;  /* NULL: not said */
    uint16_t sdp_mline_index;
    bool even_port; /* relays of both components side by side */
    floe_gather_policy policy;
    size_t count;
    floe_server servers[];
} floe_server_set;

/* Checks options and copies them (S1, S2, S4). */
floe_error floe_server_set_new(floe_core_shared *shared, const floe_gather_options *options,
                               floe_server_set **set);
/* A copy, for an associated gatherer. NULL without memory. */
floe_server_set *floe_server_set_copy(const floe_core *core, const floe_server_set *set);
void floe_server_set_free(const floe_core_shared *shared, floe_server_set *set);
/* RFC 8656 §7.4: it has answered so to one who asked there for such a relay. */
void floe_server_refuses(floe_core *core, floe_time now, const floe_server *server,
                         floe_relay_kind kind, const floe_address *asked, uint16_t code);
/* Until when it is not to be asked there for such a relay; NULL: it may be asked. */
const floe_refusal *floe_server_refused(const floe_server *server, floe_time now,
                                        floe_relay_kind kind, const floe_address *address);
/* The coming servers take the place of those at hand, which are retired: kept for as long as
 * outputs may speak of them. What is alive of a server that stays goes on. */
void floe_servers_replace(floe_core *core, floe_time now);
/* What was set last is what comes, and its policy holds from now on (L12). */
void floe_servers_advance(floe_core *core);
/* Whether it is the same place, asked by the same user. */
bool floe_server_is(const floe_server *server, const floe_url *url,
                    const floe_turn_account *account);
/* Whether it is one of those at hand, and not retired. */
bool floe_server_current(const floe_core *core, const floe_server *server);
/* The one that has its URL now, by whatever credentials; NULL: none. */
const floe_server *floe_server_successor(const floe_core *core, const floe_server *server);
/* Frees those retired of which nothing speaks any more. */
void floe_servers_bury(floe_core *core);
/* Forgets what the last gathering found out. */
void floe_servers_reset(floe_core *core);
/* Looks up what must be looked up, for the families of the bases. */
void floe_servers_begin(floe_core *core);
/* The URL failed, for a reason that belongs to no base. */
void floe_server_fail(floe_core *core, floe_server *server, floe_failure_kind kind, uint8_t detail);

void floe_names_init(floe_server *server);
void floe_names_begin(floe_core *core, floe_server *server);
/* It does not give back a relay that was lost: its name may lead elsewhere by now. Who tells errors
 * hears nothing of what comes of it; relays that wait do. */
void floe_names_again(floe_core *core, floe_time now, const floe_server *of);
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
/* The place's number, or how many there are. */
size_t floe_names_find(const floe_names *names, const floe_address *address, uint8_t transport);
/* Whether it is known to be there. */
bool floe_server_is_at(const floe_server *server, const floe_address *address, uint8_t transport);
void floe_names_addresses(floe_core *core, floe_time now, uint32_t query, floe_error error,
                          const floe_address *addresses, size_t count);
void floe_names_services(floe_core *core, floe_time now, uint32_t query, floe_error error,
                         const floe_service_record *records, size_t count);
/* How long those for services may take; then the hosts' own addresses stand for them. */
floe_duration floe_names_service_timeout(const floe_core_shared *shared);
void floe_names_without_services(floe_core *core, floe_time now);
/* The output. */
bool floe_lookup_poll(const floe_lookup *lookup, floe_core_output *output);
/* What is known is asked, whatever may be found that comes before it. Whether any begins. */
bool floe_names_wait_no_longer(floe_core *core, floe_time now);
/* Gives up the look-ups that are under way. */
void floe_names_give_up(floe_core *core, floe_time now);

/* ── Candidates (candidate.c) ── */

typedef struct floe_found {
    floe_list link;     /* in core->found */
    floe_list of_base;  /* in base->found */
    floe_output output; /* FLOE_OUTPUT_CANDIDATE or FLOE_OUTPUT_WITHDRAWN */
    floe_output writable_output;
    floe_tree_node by_address;
    floe_tree_node by_priority;
    floe_base *base;
    const floe_server *server; /* NULL for host */
    floe_binding *binding;     /* that keeps a reflexive one; NULL: its base alone does */
    floe_relay *relay;         /* whose a relayed one is; NULL for others */
    char *name;                /* shown for the address (H2); NULL: none */
    floe_address address;
    floe_address related; /* family none: there is none */
    uint32_t id;          /* by which its owner names it */
    uint32_t base_id;     /* as it was told last */
    uint32_t found_at;    /* microseconds since the start of the gathering */
    uint32_t priority;
    uint8_t type;       /* a floe_candidate_type */
    uint8_t tcp_type;   /* a floe_tcp_type; none: it is for UDP */
    uint8_t transport;  /* a floe_protocol, by which its server was asked; none: it has none */
    bool hidden : 1;    /* policy keeps it from being reported; it counts for redundancy */
    bool told : 1;      /* in this generation */
    bool known : 1;     /* in this one or one before: the owner has its id */
    bool stale : 1;     /* of the generation before a restart, and not found again yet */
    bool withdrawn : 1; /* freed once that has been told */
    char foundation[9]; /* 8 ice-char */
} floe_found;

/* What is known of a candidate when it is found. */
typedef struct floe_finding {
    floe_candidate_type type;
    floe_tcp_type tcp_type;
    floe_base *base;
    const floe_server *server; /* NULL: no server told it */
    floe_binding *binding;     /* as in floe_found */
    floe_relay *relay;
    uint8_t transport;          /* a floe_protocol, by which its server was asked */
    const floe_address *remote; /* of the server */
    const floe_address *address;
    const floe_address *related;
} floe_finding;

/* A candidate was found: what the rewrite rules make of it is told, unless policy forbids or it is
 * redundant (R3). Says whether anything was left of it. */
bool floe_found_add(floe_core *core, floe_time now, const floe_finding *finding);
/* Reflexive candidates that a rewrite rule says of the base (W7). */
bool floe_found_add_rewritten(floe_core *core, floe_time now, floe_base *base);
/* How the trees that candidates are found by compare them. */
int floe_found_compare_addresses(const void *a, const void *b);
int floe_found_compare_priorities(const void *a, const void *b);
/* The relay's serve no longer: told if they were told. */
void floe_found_withdraw_relay(floe_core *core, const floe_relay *relay);
/* They stand on another base from now on. */
void floe_found_move(floe_core *core, const floe_relay *relay, floe_base *base);
/* `from` keeps its candidates on the base no longer, `to` does, which sees the same address, and its
 * server. NULL: nobody, and they are withdrawn. */
void floe_found_hand_over(floe_core *core, const floe_base *base, const floe_binding *from,
                          floe_binding *to, const floe_server *server);
/* It serves no longer: told if it was told. */
void floe_found_withdraw(floe_core *core, floe_found *found);
/* The next with this address, behind that of the id `last` (0: the first); NULL: there is none. */
floe_found *floe_found_next_at(const floe_core *core, const floe_address *address, uint32_t last);
/* Each with this address, in the order of their ids. */
#define FLOE_FOUND_AT(found, core, at)                                                             \
    for (floe_found *found = floe_found_next_at(core, at, 0); found != NULL;                       \
         found = floe_found_next_at(core, at, found->id))
/* It may be shown, or has been given out. */
bool floe_found_counts(const floe_found *found);
void floe_found_withdraw_hosts(floe_core *core, const floe_base *base);
/* Copies the text to *room, behind which *room stands then: for lists that are one piece. */
const char *floe_keep_text(const char *text, char **room);
/* Whether it is handed out when it is asked for. */
bool floe_found_listed(const floe_core *core, const floe_found *found);
/* Whether a candidate of the base's with this mapped address may be shown; or has been given out,
 * be it hidden by now. */
bool floe_found_keeps(const floe_core *core, const floe_base *base, const floe_address *mapped);
bool floe_found_shows(const floe_core *core, const floe_base *base, const floe_address *mapped);
/* Whether the relay has one in this generation. */
bool floe_found_of_relay(const floe_core *core, const floe_relay *relay);
/* Whether something of it has been found in this generation; of a STUN server, be it by another URL of
 * its host. */
bool floe_found_what_it_shows(const floe_core *core, const floe_server *server);
/* The policy may be another: what it held back is told, what it forbids is handed out no more. */
void floe_found_apply_policy(floe_core *core);
/* A restart: what goes on keeps its id, and is told anew once it is found again (L11). */
void floe_found_outlive(floe_core *core);
/* Those of the generation before that were not found again are withdrawn. */
void floe_found_sweep(floe_core *core);
void floe_found_free(floe_core *core, floe_found *found);
/* The family of the peers that it can send to: what a rewrite rule shows may be of the other one
 * than its socket (W3). */
uint8_t floe_found_family(const floe_found *found);
/* The public form; `address` and `related` have FLOE_ADDRESS_TEXT_SIZE bytes each. */
void floe_found_view(const floe_core *core, const floe_found *found, floe_candidate *candidate,
                     char *address, char *related);
/* What a server told the base that it looks like, if that can be. */
bool floe_mapped_address(const floe_core *core, const floe_base *base, const floe_address *told,
                         floe_address *mapped);

/* ── Which addresses (choice.c) ── */

/* Of adapters, and loopback. */
#define FLOE_CHOICE_KINDS ((size_t)6)

typedef struct floe_choice_entry floe_choice_entry;

/* The addresses of a list that are gathered on, one after another, best first. */
typedef struct floe_choice {
    floe_core *core;
    floe_choice_entry *entries; /* one for each of the list */
    size_t count;
    floe_tree chosen[2]; /* of IPv4, of IPv6 */
    uint8_t last_family;
} floe_choice;

/* False without memory. */
bool floe_choice_begin(floe_choice *choice, floe_core *core, const floe_interface_address *list,
                       size_t count);
/* NULL: no more. */
const floe_interface_address *floe_choice_next(floe_choice *choice);
/* Tells the trace of those that the cap leaves out (P7). */
void floe_choice_end(floe_choice *choice, floe_time now);

/* ── Ways (data.c) ── */

/* Packets wait on a socket, on a connection, at a peer or stream without its permission. Each such
 * way has a `full_for`: the id of the candidate by which one more did not fit, and which is told
 * when there is room, or when the way is gone; 0: none. */

/* So much waits on it now. */
void floe_way_drained(floe_core *core, uint32_t *full_for, size_t waiting);
/* What waited there goes nowhere any more. */
void floe_way_gone(floe_core *core, uint32_t *full_for);
/* The largest UDP payload. */
#define FLOE_DATA_MAX 65507U
/* By the base's own socket. FLOE_ERR_QUEUE_FULL: more than `limit` bytes would wait then. */
floe_error floe_base_send(floe_core *core, floe_base *base, size_t limit,
                          const floe_address *remote, const floe_span *parts, size_t count);
/* For what was taken already: it goes on, whatever it has come to with its headers. */
#define FLOE_NO_LIMIT (SIZE_MAX / 2)

/* ── Bases (base.c) ── */

typedef enum floe_base_state {
    FLOE_BASE_OPENING,
    FLOE_BASE_OPEN,
    FLOE_BASE_FAILED,
    FLOE_BASE_CLOSING, /* its address is gone; goes once CLOSE has been polled */
} floe_base_state;

/* At least so many transactions of a base that are over are known by their ids; four for each
 * Binding, where those are many. */
#define FLOE_FORMER_MIN 8U

/* What is counted of bases, as somebody asks after every input. */
typedef enum floe_base_count {
    FLOE_BASES_AWAITED,
    FLOE_BASES_STANDING, /* open or to be opened, or not to be had */
    FLOE_BASES_ASKING,   /* of these, with Bindings that this gathering has no answer to */
    FLOE_BASES_WITH_RESULTS,
    /* Where somebody has answered, but nobody with this kind of candidate; and those of them that
     * wait for one. Of reflexive ones, then of relays. */
    FLOE_BASES_WITHOUT,
    FLOE_BASES_WITHOUT_RELAY,
    FLOE_BASES_WAITING,
    FLOE_BASES_WAITING_FOR_RELAY,
    FLOE_BASE_COUNTS,
} floe_base_count;

/* Of those on one address, in the order in which they were made. */
typedef struct floe_base_key {
    floe_address ip; /* scope and port do not count */
    uint32_t number;
} floe_base_key;

struct floe_base {  /* there is one for each address: without holes */
    floe_list link; /* in core->bases */
    floe_tree_node by_channel;
    floe_tree_node by_ip;
    floe_base_key key;
    uint32_t channel;
    floe_output output; /* OPEN, CLOSE */
    floe_output error_output;
    floe_address local;
    uint32_t interface_index;
    uint16_t rank;       /* 0 is best; spares have that of their original */
    uint16_t ports_left; /* of the port range, still to be tried */
    uint8_t state;       /* a floe_base_state */
    uint8_t counted;     /* in which of core->base_counts, a bit each */
    uint8_t failure;     /* a floe_failure_kind: why it failed, or its name did */
    uint8_t error;       /* a floe_error, negated */
    bool spare;          /* a second socket for one relay after 437: no candidates of its own */
    bool no_reflexive;   /* a rewrite rule says it, so no server is asked (W7) */
    bool loopback;       /* it leads nowhere beyond this machine, or hardly */
    bool chosen;         /* by the list of interfaces at hand */
    bool overdue;        /* the gathering has given it up while it was opening */
    bool answered;       /* some server has answered here */
    bool unsettled; /* a relay has come or ended here: nobody may want a mapping any more (R6) */
    bool has_srflx; /* this gathering has found one here, redundant or not */
    bool has_relay;
    bool published; /* its name was */
    bool unheard;   /* and it was told that the link does not hear of it */
    bool blocked;   /* its socket takes no more for now */
    bool gone;      /* its socket; it stays for what is to be told of it still */
    char interface_name[32];
    uint32_t former_next; /* the place of the next of `former` */
    char *name;           /* that stands for its address (H2); NULL: none */
    floe_output name_output;
    floe_list bindings;
    floe_list pairs;     /* floe_pair.of_base */
    floe_list found;     /* floe_found.of_base */
    uint32_t pending[2]; /* of its pairs, by whether they are for a relay */
    uint32_t asking;     /* of its bindings */
    uint32_t stragglers; /* and of those */
    uint32_t binding_count;
    uint32_t relays; /* that use its socket, and that were asked for it: until they are freed */
    uint32_t full_for;
    floe_output send_output;
    floe_queue queue;     /* packets that wait */
    floe_stun_id *former; /* of Bindings that are over: their answers may come yet */
    uint32_t former_room; /* in a ring of so many */
    uint32_t formers;     /* so many are there */
    floe_list farewells;  /* floe_farewell.link */
};

/* The server of a relay that has gone from a base, which may send on for a while. */
typedef struct floe_farewell {
    floe_list link; /* in base->farewells */
    floe_address server;
    floe_time until;
} floe_farewell;

/* The usable ones of the list are bases from now on, best first (P3, P4, P7, C4): new ones are
 * opened, those whose address is gone are closed, and open ones gather again. */
void floe_bases_update(floe_core *core, floe_time now, const floe_interface_address *list,
                       size_t count);
/* Another socket on the same address; NULL without memory. */
floe_base *floe_base_spare(floe_core *core, const floe_base *original);
void floe_base_opened(floe_core *core, floe_time now, floe_base *base, const floe_address *local);
void floe_base_open_failed(floe_core *core, floe_time now, floe_base *base, floe_error error);
/* Whether its socket is about to be opened, and a gathering waits for it. */
static inline bool floe_base_awaited(const floe_base *base)
{
    return base->state == FLOE_BASE_OPENING && !base->spare && !base->overdue;
}
/* Something that counts has changed: its state, what it waits for, who has answered. */
void floe_base_changed(floe_core *core, floe_base *base);
/* How the trees that bases are found by compare them. */
int floe_base_compare_channels(const void *a, const void *b);
int floe_base_compare_ips(const void *a, const void *b);
/* The next on this IP address, behind `last` (NULL: the first); NULL: there is none. */
floe_base *floe_base_on(const floe_core *core, const floe_address *address, const floe_base *last);
void floe_base_tell_failure(floe_core *core, floe_base *base, floe_error error);
/* Closes its socket, behind what it has still to send, and withdraws what stands on it. No relay
 * that is live uses it any more. (standing.c) */
void floe_base_close(floe_core *core, floe_base *base);
/* Of that the socket alone. */
void floe_base_shut(floe_core *core, floe_base *base);
/* On this address, not open yet; NULL without memory. */
floe_base *floe_base_new(floe_core *core, const floe_address *local);
/* Takes its place among the others, and asks for its socket. */
void floe_base_open(floe_core *core, floe_base *base);
void floe_base_set_state(floe_core *core, floe_base *base, floe_base_state state);
/* The one on this address, ports apart, that is no spare and does not close; NULL: there is none. */
floe_base *floe_base_of_ip(const floe_core *core, const floe_address *address);
/* T1: whether one relay will do for both, as an allocation may have relayed addresses of both
 * families: the two families of an interface. */
bool floe_bases_are_rivals(const floe_base *base, const floe_base *other);
/* It has no bindings any more. */
void floe_base_free(floe_core *core, floe_base *base);
/* A candidate of it has gone: so does the base, if its socket has, with the last of them. */
void floe_base_forget(floe_core *core, floe_base *base);
floe_base *floe_base_of_channel(const floe_core *core, uint32_t channel);
/* Whether a server at this address is asked from it. */
bool floe_base_asks(const floe_core *core, const floe_base *base, const floe_address *server);
/* Whether any of them would ask a STUN server. */
bool floe_bases_ask_reflexive(const floe_core *core);
/* Gives it a name that stands for its address, where the settings want one (H2); false without
 * memory. */
bool floe_base_name(floe_core *core, floe_base *base);
/* Publishes that, and tells the host candidate. */
void floe_base_tell_host(floe_core *core, floe_time now, floe_base *base);
void floe_base_unpublish(floe_core *core, floe_base *base);
/* The policy may be another: where it tells no hosts, no name stands for one (P1). */
void floe_bases_apply_policy(floe_core *core);
void floe_base_name_taken(floe_core *core, floe_time now, floe_base *base);
void floe_base_name_unheard(floe_core *core, floe_base *base, floe_error error);
bool floe_bases_have_family(const floe_core *core, uint8_t family);
/* Whether a socket of ours is on this address, ports apart. */
bool floe_bases_stand_on(const floe_core *core, const floe_address *address);

/* ── Pacing (pacer.c) ── */

/* Something that wants to send a new request when its turn comes. */
typedef struct floe_paced floe_paced;

struct floe_paced {
    floe_list link;
    void (*begin)(floe_core *core, floe_time now, floe_paced *paced);
};

/* Joins the queue, at its front when `soon`. */
void floe_pace(floe_core *core, floe_paced *paced, bool soon);
/* Lets those begin whose turn has come. */
void floe_pacer_run(floe_core *core, floe_time now);
floe_time floe_pacer_deadline(const floe_core *core);

/* ── Statistics (statistics.c, L15) ── */

/* What went to and fro between a base and a server's address. Small, as there is one for each: the
 * times are microseconds, the first two since the start of the gathering; those of 16 and 32 bits
 * saturate. */
typedef struct floe_counters {
    uint16_t requests; /* first sends */
    uint16_t retransmissions;
    uint16_t responses;
    uint32_t first_sent;
    uint32_t first_answered; /* 0: not yet */
    uint32_t round_trip;     /* the latest that could be measured */
    uint32_t round_trips;    /* so many could */
    uint64_t total_round_trip;
    uint64_t bytes_sent;
    uint64_t bytes_received;
} floe_counters;

/* Microseconds since the gathering began. */
uint32_t floe_since_start(const floe_core *core, floe_time now);
void floe_count_sent(const floe_core *core, floe_counters *counters, floe_time now, bool again,
                     size_t size);
void floe_count_received(const floe_core *core, floe_counters *counters, floe_time now,
                         const floe_stun_transaction *transaction,
                         const floe_stun_message *message);

/* ── Bindings (binding.c) ── */

/* What came of it in the gathering at hand. That it is kept alive is another matter: it is for as
 * long as something stands on it. */
typedef enum floe_binding_state {
    FLOE_BINDING_ASKING, /* this gathering has no answer yet */
    FLOE_BINDING_KNOWN,
    FLOE_BINDING_FAILED, /* or not asked */
} floe_binding_state;

struct floe_binding {
    floe_list link;     /* in base->bindings */
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
    bool straggler;    /* it asks, and is waited for no longer than the grace (L14) */
};

/* The base's binding to this address; a new one is asked for at once. NULL without memory. */
floe_binding *floe_binding_to(floe_core *core, floe_base *base, const floe_server *server,
                              const floe_address *remote);
/* A TURN server told the mapped address (R2): known without asking, and kept. */
void floe_binding_adopt(floe_core *core, floe_time now, floe_base *base, const floe_server *server,
                        const floe_address *remote, const floe_address *mapped);
/* That it asks holds nothing up: there is a relay already, by a way that shows no mapping. */
void floe_binding_straggles(floe_core *core, floe_binding *binding);
/* The output. */
bool floe_binding_poll_send(floe_core *core, floe_time now, floe_binding *binding,
                            floe_core_output *output);
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
/* Those go that no server of today has asked for. */
void floe_bindings_sweep(floe_core *core, floe_base *base);

/* ── Connections (connection.c) ── */

typedef struct floe_stream floe_stream;

typedef enum floe_connection_state {
    FLOE_CONNECTION_NONE,
    FLOE_CONNECTION_OPENING,  /* a channel is asked for */
    FLOE_CONNECTION_PROXYING, /* the proxy is asked to connect */
    FLOE_CONNECTION_SECURING, /* the handshake of TLS or DTLS */
    FLOE_CONNECTION_READY,
    FLOE_CONNECTION_CLOSING, /* goes once DISCONNECT has been polled */
    FLOE_CONNECTION_ENDED,   /* goes at the end of the input at hand */
} floe_connection_state;

typedef struct floe_connection floe_connection;

/* What its owner hears of it. Each may close it, and have it forget its owner. */
typedef struct floe_connection_owner {
    /* It is ready for messages. */
    void (*ready)(floe_core *core, floe_time now, void *owner);
    /* A message came. Whether it is a packet for the gatherer's owner. */
    bool (*message)(floe_core *core, floe_time now, void *owner, floe_span frame,
                    floe_packet *packet);
    /* It could not be opened, was refused, or is broken: it is the owner's no more. Takes the
     * failure over. */
    void (*gone)(floe_core *core, floe_time now, void *owner, floe_failure failure);
    /* The channel, which had no room, takes again what waited: the latest request leaves now. */
    void (*leaves)(void *owner, floe_time now);
    /* ICMP speaks of it. */
    void (*unreachable)(floe_core *core, floe_time now, void *owner, floe_unreachable reason);
} floe_connection_owner;

/* Where it leads, for whom. */
typedef struct floe_connection_plan {
    const floe_connection_owner *calls;
    void *owner;
    const floe_base *base;
    const floe_url *url;
    const char *text;    /* of the URL, for the trace */
    const char *host;    /* that its certificate must name */
    floe_address server; /* which is asked; behind a proxy, by the URL's own name */
    floe_address proxy;  /* which is connected to, where the URL goes by one */
    uint8_t transport;   /* a floe_protocol */
    bool redirected;     /* `server` is another than the URL's */
    bool stun_alone;     /* nothing else is to come yet */
} floe_connection_plan;

/* A way to a server by TCP, TLS or DTLS. */
struct floe_connection {
    floe_list link;     /* in core->connections */
    floe_output output; /* CONNECT, DISCONNECT */
    floe_output send_output;
    const floe_connection_owner *calls;
    void *owner; /* NULL: it is being closed */
    const floe_base *base;
    uint32_t channel;
    uint8_t state;     /* a floe_connection_state */
    uint8_t transport; /* a floe_protocol */
    bool opened;       /* the driver has heard of it */
    bool blocked;      /* the channel takes no more for now */
    floe_address local;
    floe_address remote; /* the server, or the proxy */
    floe_time started;
    floe_duration connecting; /* how long it took until it was ready */
    floe_time give_up;
    floe_time retransmit; /* DTLS's own timer */
    floe_secure *secure;  /* NULL: plain */
    floe_proxy *proxy;    /* NULL: none, or it has done its part */
    floe_framer framer;
    floe_queue queue; /* plain bytes that wait */
    uint32_t full_for;
    size_t ahead; /* of what the channel has yet to accept: up to the end of the last request */
    size_t taken; /* and of that, what the driver has in hand */
    floe_time accepted; /* when the channel had room again, having had none */
    floe_span input;    /* what came and is not taken yet */
    floe_span plain;    /* likewise, decrypted */
};

/* Opens one; NULL without memory. */
floe_connection *floe_connection_new(floe_core *core, floe_time now,
                                     const floe_connection_plan *plan);
/* Nobody hears of it any more. */
static inline void floe_connection_disown(floe_connection *connection)
{
    connection->owner = NULL;
}
/* Sends a message on it. FLOE_ERR_QUEUE_FULL: more than `limit` bytes would wait then;
 * FLOE_ERR_NO_MEMORY. While it is not ready what is sent is lost, as UDP may lose it. */
floe_error floe_connection_send(floe_core *core, floe_connection *connection, size_t limit,
                                const floe_span *parts, size_t count);
/* A request of the relay's is the latest that waits: it leaves behind all that waited before. */
void floe_connection_requested(floe_connection *connection);
/* Whether the channel has accepted that, and takes more. */
bool floe_connection_request_left(const floe_connection *connection);
/* Says the end to the other side and closes, behind what waits to be sent. */
void floe_connection_close(floe_core *core, floe_connection *connection);
floe_connection *floe_connection_of_channel(const floe_core *core, uint32_t channel);
void floe_connection_opened(floe_core *core, floe_time now, floe_connection *connection,
                            const floe_address *local);
/* It cannot be opened, was refused, or is broken. */
void floe_connection_failed(floe_core *core, floe_time now, floe_connection *connection,
                            floe_failure failure);
/* How it stands, as a failure of this kind. */
floe_failure floe_connection_failure(const floe_connection *connection, floe_failure_kind kind,
                                     floe_time now);
/* Gives it what came, whole datagrams with DTLS; then each message in it is taken in its turn until
 * one is a packet for the owner, who gets it and asks again: true. */
void floe_connection_feed(floe_connection *connection, const void *data, size_t size);
bool floe_connection_next(floe_core *core, floe_time now, floe_connection *connection,
                          floe_packet *packet);
void floe_connection_time(floe_core *core, floe_time now, floe_connection *connection);
floe_time floe_connection_deadline(const floe_connection *connection);
void floe_connections_sweep(floe_core *core);
void floe_connection_blocked(floe_core *core, uint32_t channel);
void floe_connection_writable(floe_core *core, floe_time now, floe_connection *connection);
/* As close, when the gatherer is closed. */
void floe_connection_end(floe_core *core, floe_connection *connection);
void floe_connection_free(floe_core *core, floe_connection *connection);
/* The outputs. */
bool floe_connection_poll_open(floe_connection *connection, floe_core_output *output);
bool floe_connection_poll_close(floe_core *core, floe_connection *connection,
                                floe_core_output *output);
bool floe_connection_poll_send(floe_core *core, floe_connection *connection,
                               floe_core_output *output);

/* ── Relays (relay.c) ── */

typedef struct floe_pair floe_pair;

typedef enum floe_progress {
    FLOE_PENDING,
    FLOE_SUCCEEDED,
    FLOE_FAILED,
} floe_progress;

/* One address of a server that is asked for a pair: by whom, and what came of it. */
typedef struct floe_attempt {
    floe_list link; /* in pair->attempts */
    floe_pair *pair;
    floe_address remote;
    floe_time start; /* never: it has started */
    floe_binding *binding;
    floe_relay *relay;
    floe_counters counters; /* of the relay that it had */
    uint8_t transport;      /* a floe_protocol */
    uint8_t progress;       /* a floe_progress */
    bool answered;          /* the address has answered its relay */
    bool late;              /* and what nobody waits for any more */
    bool garbled;           /* and by what is no answer in STUN */
} floe_attempt;

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

/* Where it stands; relay.c's `become` has what may follow what. */
typedef enum floe_relay_state {
    FLOE_RELAY_ASKED,  /* for the first time: nobody has had it yet */
    FLOE_RELAY_STANDS, /* its server has it */
    FLOE_RELAY_MOVES, /* that has, and is asked to let it move to another address of ours (RFC 8016) */
    FLOE_RELAY_LOST,      /* it was there, and is asked for again */
    FLOE_RELAY_RELEASING, /* goes once its last packet has been polled */
    FLOE_RELAY_ENDED,     /* goes at the end of the input at hand, when nobody walks the list */
} floe_relay_state;

struct floe_relay {
    floe_list link; /* in core->relays */
    floe_output output;
    floe_paced paced;
    floe_base *base;       /* whose socket it uses */
    floe_base *origin;     /* for which it was asked; another than `base` where its port is taken */
    floe_attempt *attempt; /* NULL once its pair has forgotten it */
    const floe_server *server;
    floe_counters counters;
    floe_connection *connection; /* NULL: datagrams from the base */
    floe_turn_allocation turn;
    floe_list streams;     /* floe_stream.link */
    floe_address asked;    /* the address that was asked first; a redirect leads elsewhere */
    floe_address had_at;   /* likewise, of the latest that gave it; family none: none has */
    floe_address *visited; /* redirects: where it has been */
    char *host;            /* the name that its certificate must have; NULL: the URL's */
    floe_time retry;       /* when one that was lost is asked for again; never: it is not */
    floe_time begun;       /* when it was last asked for */
    floe_time check;       /* when its server is asked whether it stands (T7b) */
    floe_time doubted;     /* when that was asked for a reason */
    floe_time owed;        /* since when its server owes an answer, if a request runs */
    floe_time unheard;     /* since when packets go to it and nothing comes back; never: not so */
    uint8_t transport;     /* a floe_protocol, to its server */
    uint8_t state;         /* a floe_relay_state */
    uint8_t losses;        /* in a row */
    uint8_t ignored;       /* sends of its Refresh without an answer, Bindings beside with one */
    uint8_t ignored_send;  /* the latest of them */
    uint8_t rejoined;      /* how often it took another connection after 437 */
    uint8_t redirects;
    floe_relay_kind kind;
    bool in_vain;        /* it was lost, and has not been given since */
    floe_time leaves;    /* when it goes, as another is there in its place; never: there is none */
    uint8_t room;        /* a floe_room */
    bool known;          /* its owner has been told of it once */
    bool hushed;         /* the gathering has given it up: the next one tells it (L4) */
    uint32_t generation; /* in which it was told; 0: in none */
};

/* What a refusal for want of room, or of another's socket, may mean of its server: */
typedef enum floe_room {
    FLOE_ROOM_TAKEN, /* nothing of ours; unless a former user's stands there, which can go */
    FLOE_ROOM_MADE,  /* a former user's was released a moment ago, which takes a server its time */
    FLOE_ROOM_AWAITED, /* that time has been waited for */
} floe_room;

/* Where this relay asks, and who sent it there. */
void floe_failure_of_relay(floe_failure *failure, const floe_relay *relay);
/* Whether anything of it goes on. */
static inline bool floe_relay_lives(const floe_relay *relay)
{
    return relay->state < FLOE_RELAY_RELEASING;
}
/* Whether it is allocated, and reached by the base that it has. */
static inline bool floe_relay_serves(const floe_relay *relay)
{
    return relay->state == FLOE_RELAY_STANDS;
}

/* Whether its server has it: that it is silent, or slow to let it move, ends no gathering's relay (T7b,
 * T10). */
static inline bool floe_relay_is_had(const floe_relay *relay)
{
    return relay->state == FLOE_RELAY_STANDS || relay->state == FLOE_RELAY_MOVES;
}

floe_relay *floe_relay_new(floe_core *core, floe_time now, floe_attempt *attempt);
/* A connection to its server, for itself or a stream of it; NULL without memory. */
floe_connection *floe_relay_connect(floe_core *core, floe_time now, const floe_relay *relay,
                                    const floe_connection_owner *calls, void *owner);
/* The output: its request by datagrams. */
bool floe_relay_poll_send(floe_core *core, floe_time now, floe_relay *relay,
                          floe_core_output *output);
floe_time floe_relay_deadline(const floe_relay *relay);
bool floe_relay_receive(floe_core *core, floe_time now, floe_relay *relay,
                        const floe_address *source, const floe_stun_message *message);
/* Whom a datagram to its server, as it went out, carries the owner's data to (data.c). False: it
 * carries none, or not all of it is there. */
bool floe_relay_peer_of(const floe_relay *relay, floe_time now, floe_span sent, floe_address *peer);
/* A packet to its server did not arrive; `asked`: one of the allocation's own request. */
void floe_relay_unreachable(floe_core *core, floe_time now, floe_relay *relay,
                            floe_unreachable reason, bool asked);
void floe_relay_time(floe_core *core, floe_time now, floe_relay *relay);
/* The base that it waits for is open, or is not to be had. */
void floe_relay_base_settled(floe_core *core, floe_time now, floe_relay *relay);
/* Whether a relay that serves keeps the NAT's mapping from this base to this server, by asking
 * whether its allocation stands, and tells it. One that has moved does not: RFC 8016 has no word of
 * the new mapping. */
bool floe_relays_keep(const floe_core *core, const floe_base *base, const floe_address *server);
/* And one that the next gathering asks. */
bool floe_relays_tell(const floe_core *core, const floe_base *base, const floe_address *server);
/* Asks whether the server still has the allocation (T7b); `soon`: somebody waits to hear, and what has
 * gone unanswered for a while is asked anew. */
void floe_relay_verify(floe_relay *relay, floe_time now, bool soon);
/* We have slept: likewise, and what went unanswered meanwhile was no silence of its server's. */
void floe_relay_woke(floe_relay *relay, floe_time now);
/* There is a reason to, which may come with every packet; of one relay, or of those by this base
 * and server. */
void floe_relay_doubt(floe_relay *relay, floe_time now);
void floe_relays_doubt(floe_core *core, floe_time now, const floe_base *base,
                       const floe_address *server);
/* Whether one of that address of ours has had something from the server since then. */
bool floe_relays_heard(const floe_core *core, const floe_base *base, const floe_address *server,
                       floe_time since);
/* A Binding to this server was answered: that it is there, and that the way is good. */
void floe_relays_answered_beside(floe_core *core, const floe_base *base,
                                 const floe_address *server);
/* A packet of the owner's goes to the relay's server; something came from there. */
void floe_relay_sends(floe_relay *relay, floe_time now);
static inline void floe_relay_heard(floe_relay *relay, floe_time now)
{
    floe_turn_allocation_heard(&relay->turn, now);
    relay->unheard = FLOE_TIME_NEVER;
}
/* Whether it serves as a relay of the base by this server; the first that does, or NULL. */
bool floe_relay_is_of(const floe_relay *relay, const floe_base *base, const floe_server *server,
                      floe_relay_kind kind);
floe_relay *floe_relay_of(const floe_core *core, const floe_base *base, const floe_server *server,
                          floe_relay_kind kind);
/* Whether its server has asked for credentials, and owes an answer since: of who has given it that was
 * long ago. */
bool floe_relay_is_challenged(const floe_relay *relay);
/* Whether something has come by it, its server's word or a peer's, since this gathering began. */
bool floe_relay_is_sure(const floe_core *core, const floe_relay *relay);
/* Whether it was asked for a family that the first, had again, has given as well by now (T5). */
bool floe_relay_needless(const floe_core *core, const floe_relay *relay);
/* One that was asked for before, that nobody waits for any more, and that will do for the
 * attempt: it asks there, or where its server is no longer. NULL: none. */
floe_relay *floe_relay_under_way(const floe_core *core, const floe_attempt *attempt);
/* The base is about to go: its relays move to another or are released. */
void floe_relays_leave_base(floe_core *core, floe_time now, const floe_base *base);
/* It moves, and there is no address to which it could. */
bool floe_relay_waits_for_address(const floe_relay *relay);
/* There may be an address to which those can move that wait for one. */
void floe_relays_move_on(floe_core *core, floe_time now);
/* Whether something can go to its server now; what is sent otherwise is lost, as UDP may lose it.
 */
bool floe_relay_has_way(const floe_relay *relay);
/* What happened to a request of the relay's, its peers' or its streams', for the trace. */
void floe_relay_trace(floe_core *core, floe_time now, floe_trace_kind kind, const floe_relay *relay,
                      const floe_stun_transaction *transaction, const floe_stun_message *message,
                      const char *detail);
/* A request of the relay's, or of its peers' or streams' (no counters), goes out. */
void floe_relay_request_leaves(floe_core *core, floe_time now, const floe_relay *relay,
                               const floe_stun_transaction *transaction, floe_counters *counters,
                               size_t size);
/* Somebody waits for it: one that was lost is asked for now, be it that it has been for a while. */
void floe_relay_hurry(floe_relay *relay, floe_time now);
/* One that is asked for again is asked for at this address instead, for this base; NULL without
 * memory. */
floe_relay *floe_relay_elsewhere(floe_core *core, floe_time now, floe_relay *relay,
                                 floe_base *origin, const floe_place *place);
/* The server's name was looked up anew: those that wait for where it is no longer need not. */
void floe_relays_found_elsewhere(const floe_core *core, floe_time now, const floe_server *server);
/* Its server is full: it leaves the gathering, and asks when that may be asked again if it was there
 * before. One that never was ends: an allocation that nobody hears of would take the room of another.
 */
void floe_relay_await_room(floe_core *core, floe_time now, floe_relay *relay);
/* The gathering is complete: what it has not told waits for the next one (L4), and what nobody needs
 * is given back, unless it has been told in this generation. */
void floe_relays_end_gathering(floe_core *core, floe_time now);
/* Its server is nobody's any more, and nothing stands: one that was there is asked for by the URL's new
 * credentials, where it has such; another is released. */
void floe_relay_pass_on(floe_core *core, floe_time now, floe_relay *relay);
/* Those whose server the owner has taken away go; where it has other credentials, a while after there
 * is another relay by these: until then the peer may have only the former (RFC 8445 §9). One in whose
 * place nothing has come stays, and is told. */
void floe_relays_leave(floe_core *core, floe_time now);
/* The gathering waits for it no longer; it goes on. */
void floe_relay_leave_gathering(const floe_core *core, floe_relay *relay);
/* Releases the allocation, and withdraws its candidates; it is live no longer. */
void floe_relay_release(floe_core *core, floe_time now, floe_relay *relay);
/* Frees those that have ended. */
void floe_relays_sweep(floe_core *core);
void floe_relay_free(floe_core *core, floe_relay *relay);

/* ── Streams (stream.c) ── */

/* A connection of a relay for TCP to one peer (RFC 6062). */
struct floe_stream {
    floe_list link; /* in relay->streams */
    floe_relay *relay;
    floe_connection *connection; /* NULL: the server has not offered it yet */
    floe_turn_stream turn;
    bool accepted;   /* the peer has connected to us */
    floe_queue held; /* packets that wait until it is bound */
    uint32_t full_for;
};

/* FLOE_ERR_PERMISSION: the server will not have the peer. */
floe_error floe_send_refused(void);
floe_error floe_stream_send(floe_core *core, floe_time now, floe_relay *relay,
                            floe_tcp_type tcp_type, const floe_address *peer, floe_span data);
/* A ConnectionAttempt indication came. */
void floe_stream_attempted(floe_core *core, floe_time now, floe_relay *relay,
                           const floe_stun_message *message);
/* Whether the message answers a Connect. */
bool floe_stream_answered(floe_core *core, floe_time now, floe_relay *relay,
                          const floe_address *source, const floe_stun_message *message);
void floe_streams_end(floe_core *core, floe_relay *relay);
void floe_streams_time(floe_core *core, floe_time now, floe_relay *relay);
floe_time floe_streams_deadline(const floe_relay *relay);

/* The allocation was found to be gone. */
void floe_relay_lost(floe_core *core, floe_time now, floe_relay *relay);

/* ── The owner's packets (data.c) and checks among them (check.c) ── */

/* A relay's own requests fit beside the owner's data. */
#define FLOE_CONTROL_ROOM ((size_t)8192)
/* What TLS and DTLS take in one piece. */
#define FLOE_SECURE_DATA_MAX ((size_t)16000)

typedef enum floe_taken {
    FLOE_TAKEN_NOT,    /* it was for somebody else */
    FLOE_TAKEN,        /* it was for the relay itself, or nothing */
    FLOE_TAKEN_PACKET, /* a packet for the owner */
} floe_taken;

/* A packet of the owner's to a peer. FLOE_ERR_QUEUE_FULL: too much waits; FLOE_ERR_PERMISSION: its
 * server will not have the peer. */
floe_error floe_relay_send(floe_core *core, floe_time now, floe_relay *relay,
                           const floe_address *to, floe_span data);
/* What came from `source` may be the relay's: ChannelData, or the parsed message. */
floe_taken floe_relay_take(floe_core *core, floe_time now, floe_relay *relay,
                           const floe_address *source, floe_span frame,
                           const floe_stun_message *message, floe_packet *packet);
/* A message of its connection. Whether it is a packet for the owner. */
bool floe_relay_message(floe_core *core, floe_time now, floe_relay *relay, floe_span frame,
                        floe_packet *packet);
/* What the owner is told of a packet that went, or not: too much waits on the way, and it hears
 * when there is room again; no memory; or there are too many peers. */
floe_error floe_send_result(const floe_core *core, floe_error error, uint32_t *full_for);
floe_error floe_send_no_room(void);
/* Asks for a permission for the peer, and keeps it. */
floe_error floe_relay_permit(floe_core *core, floe_time now, floe_relay *relay,
                             const floe_address *peer);
/* Something is sent to it, by whichever port: what lets it in is kept (RFC 8656 §9). */
void floe_relay_uses_peer(floe_core *core, floe_time now, floe_relay *relay,
                          const floe_address *address);
/* A packet of the peer's for the owner, if he wants it. */
bool floe_relay_deliver(floe_core *core, const floe_relay *relay, floe_tcp_type tcp_type,
                        const floe_address *peer, floe_span data, floe_packet *packet);
/* For the owner, if it wants any: what came by the relay's peer, or (NULL) on the base's own socket
 * and is nothing of the gatherer's. */
bool floe_deliver(floe_core *core, const floe_base *base, const floe_relay *relay,
                  floe_tcp_type tcp_type, const floe_address *peer, floe_span data,
                  floe_packet *packet);
/* Whether it answers what floe itself asked for: late, twice, or to a relay that has gone. */
bool floe_base_asked(const floe_base *base, const floe_stun_message *message);
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
void floe_base_writable(floe_core *core, floe_base *base);
bool floe_base_poll_send(floe_core *core, floe_base *base, floe_core_output *output);
/* How many bytes wait on it. */
size_t floe_connection_waiting(const floe_connection *connection);
void floe_relay_peers_time(floe_core *core, floe_time now, floe_relay *relay);
/* It has another connection: what its peers asked by the one before, and was not answered, goes. */
void floe_relay_peers_again(floe_core *core, floe_time now, floe_relay *relay);
/* The allocation is over: what waited for its peers goes nowhere. */
void floe_relay_drop_peers(floe_core *core, floe_relay *relay);
/* The id that packets carry which come on the base's socket, or by the relay for such peers; 0:
 * none of those candidates is shown. */
uint32_t floe_packet_id(const floe_base *base, const floe_relay *relay, floe_tcp_type tcp_type,
                        uint8_t family);
/* What a Binding request says; NULL: the bytes are none, or there is no memory. */
const floe_check *floe_check_read(floe_core *core, floe_span data);

/* ── Peers that are not reached (unreachable.c) ── */

#define FLOE_UNREACHED_MAX 16

typedef struct floe_unreached floe_unreached;

/* A packet of the owner's from this candidate (0: none that is shown) did not reach the peer. */
void floe_unreached_tell(floe_core *core, floe_time now, uint32_t candidate_id,
                         const floe_address *peer, floe_unreachable reason);
/* The output. */
bool floe_unreached_poll(const floe_output *link, floe_core_output *output);

/* ── Pairs (pair.c) ── */

struct floe_pair {
    floe_list link; /* in core->pairs */
    floe_list of_base;
    floe_list of_server;
    floe_alarm alarm;      /* on core->starts: when the first of its attempts begins */
    floe_tree_node untold; /* in core->untold, if its failure is */
    uint32_t number;       /* its place among all */
    floe_output output;
    floe_base *base;
    floe_server *server;
    floe_list attempts;
    floe_failure *failure; /* the latest attempt's (floe_failure_kept), if it has failed */
    uint8_t progress;      /* a floe_progress */
    floe_relay_kind kind;  /* of the relay that it asks for */
    bool yielded;          /* the relay is the other family's: only what a NAT shows is asked */
    bool heard;            /* its server has answered here, be it something else */
    bool told;             /* its failure */
    bool url_failed;       /* said so when it was told */
};

/* Pairs the base with every server that has addresses for it; pairs that exist stay. */
void floe_pairs_make(floe_core *core, floe_time now, floe_base *base);
/* What its bindings and relays report to. */
extern const floe_source_listener floe_pairs_listener;
/* How core->untold compares them. */
int floe_pair_compare(const void *a, const void *b);
/* It goes on though this gathering asks nobody: its pair, which has succeeded, tells its end. */
void floe_pairs_keep(floe_core *core, floe_relay *relay);
/* An answer came to the base from there, to a request that is over. */
void floe_pairs_late_answer(const floe_core *core, const floe_base *base,
                            const floe_address *source);
/* Something else than an answer in STUN came to the base from there. */
void floe_pairs_garbled(const floe_core *core, const floe_base *base, const floe_address *source);
/* The code of the failure of a binding's pairs, or of a relay's; 0: none. */
uint16_t floe_pairs_code(const floe_binding *binding);
uint16_t floe_pairs_relay_code(const floe_relay *relay);
void floe_pairs_time(floe_core *core, floe_time now);
/* What waits beside the question whether a relay of before stands is asked now. */
void floe_pairs_hurry(floe_core *core, floe_time now);
floe_time floe_pairs_deadline(const floe_core *core);
/* Everything pending fails by timeout. */
void floe_pairs_give_up(floe_core *core, floe_time now);
/* Tells the failures that can be told by now. */
void floe_pairs_tell(floe_core *core);
void floe_pair_free(floe_core *core, floe_pair *pair);

/* ── The gatherer itself (gatherer.c), and when it is complete (completion.c) ── */

/* What the other side proves to have been told of us (RFC 8445 §5.3). */
typedef struct floe_credentials {
    char username_fragment[9]; /* "": there are none */
    char password[25];
    bool used;          /* a check has come by them */
    floe_stun_key *key; /* of the password; NULL: not made yet */
} floe_credentials;

struct floe_core {
    floe_core_shared *shared;
    const floe_source_listener *listener;
    enum floe_gatherer_state state;
    floe_gather_policy policy;
    floe_output list_output;
    floe_output list_error_output;
    floe_output new_output;
    floe_output gathering_output;
    floe_output pool_output; /* GATHERING too: a pool's may wait while the next begins */
    floe_output complete_output;
    floe_output end_output;
    floe_output closed_output;
    floe_output memory_output;
    floe_list outputs;
    floe_list held; /* events of a pool that nobody has asked for yet */
    floe_list bases;
    floe_list relays;
    floe_list connections;
    floe_list pairs;
    floe_agenda agenda; /* floe_binding.alarm */
    floe_agenda starts; /* floe_pair.alarm */
    floe_tree untold;   /* floe_pair.untold, in the order in which they were made */
    floe_tree channels; /* floe_base.by_channel */
    floe_tree ips;      /* floe_base.by_ip */
    uint32_t base_counts[FLOE_BASE_COUNTS];
    floe_list found;
    floe_tree addresses;  /* floe_found.by_address */
    floe_tree priorities; /* floe_found.by_priority */
    floe_list paced;
    floe_server_set *set;
    floe_server_set *coming_set; /* for the gathering that has just begun (L12); NULL: as it is */
    floe_server_set *next_set;   /* for the one after it */
    floe_list retired;
    floe_core *associated; /* the other component's (L13); NULL: none, or it is gone */
    floe_time started;
    floe_time give_up;      /* the gather timeout */
    floe_time services_end; /* when look-ups for services are; never: none began */
    floe_time grace; /* when stragglers are given up; never: nobody has answered for them yet */
    floe_time next_request;
    floe_duration gathering; /* how long the last one took; zero: it is not complete */
    uint32_t last_channel;
    uint32_t last_query;
    uint32_t last_id;
    uint32_t last_pair;
    uint32_t pairs_pending;
    uint32_t generation;        /* counts restarts, from 1 */
    uint32_t sender;            /* the candidate by which the owner sends at the moment */
    floe_error list_error;      /* why list_output failed */
    floe_unreached *unreached;  /* FLOE_UNREACHED_MAX of them; NULL: there was none yet */
    floe_check *check;          /* of the packet at hand; NULL: none has come */
    floe_packet packet;         /* that came by the latest datagram */
    floe_connection *receiving; /* whose bytes are not used up yet */
    char check_by[9];           /* whose username fragment `check` is by */
    bool has_packet;
    uint16_t component;
    bool wants_packets;
    bool has_associated;
    bool made_up;     /* for time in which the program stood still */
    bool pool_wanted; /* gathering begins before it is asked for */
    bool pooled;      /* and has begun so: the owner sees a new gatherer */
    bool gathered;    /* something may be alive from an earlier gathering */
    bool interfaces_known;
    bool interfaces_asked; /* the output was polled */
    bool relays_changed;   /* one has, and is to be freed */
    bool connections_ended;
    floe_credentials credentials;
    floe_credentials former;  /* before the latest restart, until the new ones have been used */
    floe_credentials *in_use; /* of before that, by which the other side went on; NULL: none */
    uint8_t foundation_secret[16];
};

void floe_completion_check(floe_core *core, floe_time now);
/* There is no list of interfaces: the owner is told, and what goes on goes on. */
void floe_interfaces_unknown(floe_core *core, floe_time now, floe_error error);
/* A check has come by those of today. */
void floe_core_credentials_used(floe_core *core);

/* What the last gathering leaves to the next (renewal.c): pairs go, servers are looked up afresh,
 * sockets and allocations that still serve stay. */
void floe_renewal_prepare(floe_core *core, floe_time now);
/* Ends the gathering at hand without a word; everything that can serve the next one stays. */
void floe_renewal_interrupt(floe_core *core, floe_time now);

/* ── Trace (trace.c) ── */

typedef struct floe_trace_node {
    floe_output output;
    floe_trace_event event;
} floe_trace_node;

/* Who is asked, from where, by what. */
typedef struct floe_asked {
    const floe_address *local;
    const floe_address *remote;
    const char *url;                          /* NULL: of none */
    const floe_stun_transaction *transaction; /* NULL: it is no request of ours */
} floe_asked;

/* A request that goes out. */
typedef struct floe_leaving {
    floe_asked asked;
    floe_counters *counters; /* NULL: it is a peer's or a stream's, which statistics do not have */
    bool polled;             /* by the SEND at hand; else a queue has taken it */
} floe_leaving;

/* The one place where what is asked is counted (L15) and traced: as it leaves, be it due before. */
void floe_request_leaves(floe_core *core, floe_time now, const floe_leaving *request, size_t size);
/* The SEND by which it leaves, on the base's channel; false: there is nothing to send. */
bool floe_poll_request(floe_core *core, floe_time now, const floe_leaving *request,
                       uint32_t channel, floe_span data, floe_core_output *output);

/* Does nothing unless the settings ask for it. Without memory the event is lost. */
void floe_trace_packet(floe_core *core, floe_time now, floe_trace_kind kind,
                       const floe_asked *asked, const floe_stun_message *message,
                       const char *detail);
/* An address that is not gathered on, and why. */
void floe_trace_left_out(floe_core *core, floe_time now, const floe_address *local,
                         const char *detail);

#endif

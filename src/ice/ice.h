/* Inside the agent: its state, which its files share. Each file has one concern:
 *
 *     face         the public calls            checklist    order, freezing, what is checked next (RFC 8445 §6.1)
 *     options      checked and copied          check        our checks and their answers (§7.2)
 *     session      whom we talk to             arrival      the peer's checks (§7.3)
 *     local        our candidates              nomination   which pair is used (§8.1)
 *     remote       the peer's                  consent      whether it still works (RFC 7675)
 *     pair         making and ending one       outcome      the state of it all
 *     restart      what stays (§9)             failover     which other pair takes over, and when
 *     lite         what is less (§2.5)         listing      what is told of pairs
 *     look_up      the peer's names            explain      why, in words
 *     packet       what arrives                statistics   what is counted */
#ifndef FLOE_ICE_ICE_H
#define FLOE_ICE_ICE_H

#include "base/address.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/ring.h"
#include "base/time.h"
#include "base/tree.h"
#include "stun/transaction.h"

#include <floe/ice.h>

#define FLOE_FOUNDATION_SIZE 33
/* draft-thatcher-ice-renomination §4: the number of a nomination, of 24 bits. */
#define FLOE_STUN_NOMINATION 0xC001
#define FLOE_ICE_NOMINATION_MASK 0xffffffU
/* I16: an address that never answers gets so many checks at most. */
#define FLOE_ICE_UNANSWERED_MAX 50
/* I14: so often a check goes by another connection of ours, as nobody may read the one that is open. */
#define FLOE_ICE_RECONNECTS_MAX 2
/* So many of the addresses that only checks to one base have shown, and that nothing has come of, are looked at: two NATs
 * that show another port to each address can make each other's checks come from ever new ones. */
#define FLOE_ICE_SHOWN_MAX 16
/* And so long each of them at least: until a pair is chosen or it is late, and then. */
#define FLOE_ICE_SHOWN_FOR floe_seconds(5)
#define FLOE_ICE_SHOWN_FOR_THEN floe_seconds(60)
/* I2: so many checks that came before the start, or from where no pair could be made for, are remembered. */
#define FLOE_ICE_EARLY_MAX 32
/* Roles that are mended more often than this are in conflict for ever. */
#define FLOE_ICE_ROLE_CHANGES_MAX 8

/* The two sides as they name themselves: USERNAME "REMOTE:LOCAL", and the remote password, made ready. */
typedef struct floe_ice_session {
    floe_mac *mac;
    size_t remote_size; /* of the part before the colon */
    bool lite;          /* we send no checks */
    bool remote_lite;   /* the peer does not */
    bool renominates;   /* both know renomination */
    size_t size;
    char username[];
} floe_ice_session;

/* One of the gatherer's candidates. */
typedef struct floe_local_candidate {
    floe_list link; /* on its base */
    uint32_t id;
    uint32_t priority;
    floe_candidate_type type;
    floe_address address;       /* family none: it shows a name */
    uint32_t foundation_number; /* the same where the text is the same */
    char foundation[FLOE_FOUNDATION_SIZE];
} floe_local_candidate;

/* What local candidates share that are sent from in the same way (RFC 8445 §5.1.1): pairs are made of bases
 * (§6.1.2.4). It is known by the id that packets name, and has the priority and the foundation of the candidate
 * with that id. */
typedef struct floe_ice_base {
    floe_list link;
    floe_list candidates;
    const floe_local_candidate *first; /* that with the id, or whatever there is */
    uint32_t id;
    uint32_t network_id;
    uint16_t component;
    uint8_t family;
    uint8_t tcp_type; /* a floe_tcp_type; none: it is for UDP */
} floe_ice_base;

typedef struct floe_remote_name floe_remote_name;

typedef struct floe_remote_candidate {
    floe_list link;
    floe_address address;
    floe_address related; /* family none: it has none */
    uint32_t priority;
    uint16_t component;
    uint8_t unanswered;  /* checks to it since it answered last */
    bool has_answered;   /* once */
    floe_time let_again; /* not before, one more than the fifty goes to who asks */
    bool signalled;      /* else only checks have shown it */
    uint8_t type;        /* a floe_candidate_type */
    uint8_t tcp_type;    /* a floe_tcp_type; none: it is for UDP */
    char foundation[FLOE_FOUNDATION_SIZE];
    uint32_t foundation_number; /* the same where the text is the same */
    floe_time shown;            /* when a check did */
    uint32_t shown_to;          /* the base that it came to */
    floe_remote_name *name;     /* that it was signalled by; NULL: none */
    char *username_fragment;    /* that it names, until the start; NULL: none */
} floe_remote_candidate;

/* One that shows a name (I15): its addresses are candidates once they are known. */
struct floe_remote_name {
    floe_list link;
    floe_remote_candidate as; /* what they have in common: the address is a port */
    uint32_t addresses;       /* so many of the candidates are its own */
    bool asked;               /* its look-up was polled */
    bool known;               /* and has ended */
    int8_t error;             /* a floe_error: how */
    char text[];
};

/* A transaction that is sent no more, but whose answer is still good (RFC 8445 §7.3.1.4). */
typedef struct floe_former_check {
    floe_stun_id id;
    bool controlling;
    bool nominates;
    bool once; /* it was sent so often: the answer is to that */
    floe_time started;
    floe_time until; /* zero: there is none */
} floe_former_check;

/* Checks for consent that are not answered follow each other by 500 ms, later by a second: an answer that takes 6 s is known. */
#define FLOE_FORMER_CHECKS 12

/* Pairs of one foundation (RFC 8445 §5.1.1.3, §6.1.2.6). */
typedef struct floe_pair_group {
    floe_list link;
    uint32_t local; /* foundations, by their numbers */
    uint32_t remote;
    uint32_t pairs;
    uint32_t active; /* so many of them are waiting or in progress */
} floe_pair_group;

/* W3C RTCTransportStats: of pairs that are no more. */
typedef struct floe_data_counts {
    uint64_t packets_sent;
    uint64_t packets_received;
    uint64_t bytes_sent;
    uint64_t bytes_received;
} floe_data_counts;

/* W3C RTCIceCandidatePairStats, as floe_ice_pair has them. */
typedef struct floe_pair_counts {
    uint64_t packets_sent;
    uint64_t packets_received;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t packets_discarded;
    uint64_t bytes_discarded;
    floe_time last_sent;
    floe_time last_received;
    uint32_t requests_sent;
    uint32_t requests_received;
    uint32_t responses_sent;
    uint32_t responses_received;
    uint32_t consent_requests;
    floe_duration total_round_trip;
} floe_pair_counts;

typedef struct floe_candidate_pair {
    floe_list link;      /* on the checklist, the best first */
    floe_list triggered; /* on the triggered-check queue */
    floe_alarm alarm;    /* of the transaction */
    floe_alarm consent;  /* when to look whether it still works */
    floe_ice_base *base;
    floe_remote_candidate *remote;
    const floe_ice_session *session; /* whose credentials its checks have */
    floe_pair_group *group;          /* NULL: it is of before a restart */
    uint64_t priority;               /* of its check */
    uint64_t value;                  /* of what the check has shown; 0: it is not valid */
    uint16_t error_code;
    uint8_t state;   /* a floe_ice_pair_state */
    uint8_t failure; /* a floe_ice_failure */
    bool valid : 1;
    bool nominated : 1;
    bool heard : 1;            /* an authenticated check came by it, or an answer */
    bool wants_nomination : 1; /* the next check has USE-CANDIDATE */
    bool to_be_nominated : 1;  /* the peer's USE-CANDIDATE came before the check has succeeded */
    bool hurried : 1;          /* the check was sent again at once because of ICMP */
    bool slow : 1;             /* its check was not answered at once: no other waits for it */
    bool lapsed : 1;           /* it has worked, and has not been looked after since */
    bool revived : 1;          /* it is checked while what works is silent: that may end */
    bool has_worked : 1;       /* once */
    bool silent : 1;           /* the one in use has not answered for a while */
    bool unanswered : 1;       /* though something comes */
    bool timed : 1;            /* its round trip is known; else it is at most so long */
    bool is_asked : 1;         /* for consent, and has not answered since */
    uint32_t nomination;       /* its number; 0: it has none */
    uint32_t told;             /* how it was when it was told last; 0: it was not */
    /* The check at hand. */
    bool sent_controlling : 1;
    bool sent_nomination : 1;
    uint8_t sent_as; /* ice->naming of then */
    uint8_t next_former;
    uint8_t reconnected; /* so often, as nothing came by a connection */
    floe_stun_transaction transaction;
    floe_former_check *former; /* FLOE_FORMER_CHECKS; NULL: there are none */
    /* Consent, where it is valid. */
    floe_time valid_since;
    floe_time answered;       /* when a check was last */
    floe_time last_heard;     /* when anything came by it */
    floe_time asked;          /* when it was checked last for consent */
    floe_time asked_first;    /* of those since it answered, the first */
    floe_time next_consent;   /* the next, if all is well */
    floe_duration patience;   /* or so long after anything came */
    floe_duration round_trip; /* of the latest answer, where that is known */
    floe_pair_counts counts;
    /* What the latest answer has shown of us. */
    floe_address mapped;
    uint32_t mapped_priority;
    uint8_t mapped_type; /* a floe_candidate_type; 0: it has shown nothing yet */
} floe_candidate_pair;

/* What a check says of it. */
typedef struct floe_nomination {
    bool made;
    uint32_t number; /* 0: it has none */
} floe_nomination;

/* A check that no pair was made for: it came before the start, or there was no room. */
typedef struct floe_early_check {
    floe_list link;
    uint32_t candidate_id;
    floe_address peer;
    uint32_t priority;
    floe_nomination nomination;
    char remote_username_fragment[];
} floe_early_check;

#define FLOE_ICE_REPORTS 32

struct floe_ice {
    floe_core *core;
    floe_allocator allocator;
    floe_random random;
    floe_ice_options options;  /* nothing is 0 where that means a default */
    floe_ice_session *session; /* NULL: not started */
    floe_ice_role role;
    floe_ice_state state;
    uint64_t tie_breaker;
    uint8_t naming; /* counts the changes of role and tie-breaker */
    uint8_t role_changes;
    bool local_end; /* no more candidates come */
    bool remote_end;
    uint32_t looking_up; /* so many names */
    uint32_t nameless;   /* so many names have no address, or none yet */
    bool unsettled;      /* something has changed that may matter for what is next */
    bool lets_in;        /* a relay for TCP may have to be told who connects to it */
    floe_time started;
    /* RFC 8445 §6.1.2. */
    floe_list bases;
    floe_list remotes;
    floe_list names;        /* of the peer's candidates */
    floe_ring coming;       /* its candidates of a generation that is not known yet */
    bool coming_end;        /* and no more of them come */
    floe_list look_ups;     /* names that are looked up for candidates that are gone */
    uint32_t look_up_count; /* so many */
    size_t remote_count;
    uint32_t foundation_count; /* numbers foundations */
    floe_list groups;
    floe_list pairs;
    size_t pair_count;
    size_t in_state[FLOE_ICE_PAIR_FAILED + 1]; /* so many pairs */
    floe_list triggered;
    floe_list early;
    size_t early_count;
    floe_agenda checks;           /* the alarms of transactions */
    floe_agenda consents;         /* and of pairs that work */
    floe_candidate_pair *watched; /* that which is in use, as it was last looked at */
    floe_candidate_pair *backup;  /* that which is kept ready, likewise */
    floe_time selected_at;        /* when the chosen one was */
    floe_data_counts gone;        /* by pairs that are no more */
    uint64_t selections;
    uint32_t
        strange_checks; /* of the generation: not signed by our password, or in no known name */
    uint32_t strange_answers; /* to our checks: not signed by the peer's password */
    floe_time next_check;     /* not before */
    bool has_refused;         /* a candidate of the peer's, of this generation, by its address */
    bool was_consent;         /* the check of the last Ta was one for consent */
    bool has_next;            /* there is one to send then */
    floe_time nomination_at;  /* a wait for better ones ends */
    floe_time failure_at;     /* not before; never: that time has come */
    bool works;               /* a pair can be used, as it was last looked at */
    bool was_complete;        /* likewise, but for a silence */
    bool asked_last;    /* what has worked before was asked once more, behind the last consent */
    bool consent_ended; /* by that the latest pair has ended that worked */
    floe_candidate_pair *latest; /* that a packet came by */
    floe_candidate_pair *best;   /* of the valid ones */
    floe_candidate_pair *selected;
    uint32_t nomination; /* the highest number that was given */
    bool takes_back;     /* the chosen one is to be nominated again, as another was not heard of */
    bool heard_plain;    /* the peer does not nominate by every check */
    floe_candidate_pair *nominating; /* whose nomination is under way */
    floe_time nominating_since;
    /* That which was in use when the agent was restarted, with its own session and remote candidate (RFC 8445 §9). */
    floe_candidate_pair *former;
    floe_ice_session *former_session;
    floe_ice_role former_role;
    bool former_chosen; /* else it was only the best */
    /* What is to be polled: states in order; 0 stands for the selected pair, as it is then. */
    uint8_t reports[FLOE_ICE_REPORTS];
    uint8_t first_report;
    uint8_t report_count;
    bool full; /* a send was told so, and nobody yet that there is room */
    bool writable;
    floe_ice_output output;
    floe_ice_pair_list *told; /* the pair in it; NULL: none */
};

/* ── face ── */

/* What follows from an input. */
void floe_ice_settle(floe_ice *ice, floe_time now);

/* ── packet ── */

bool floe_ice_take_packet(floe_ice *ice, floe_time now, const floe_packet *packet);
bool floe_ice_owns_packet(const floe_ice *ice, const floe_packet *packet);

/* ── options ── */

floe_error floe_ice_take_options(floe_ice *ice, const floe_ice_options *options);

/* ── session ── */

/* Says by floe_last_error what is wrong with them. */
floe_error floe_ice_check_parameters(const floe_parameters *parameters);
/* NULL, and the error: it could not be made. */
floe_ice_session *floe_ice_session_new(const floe_ice *ice, const floe_parameters *remote,
                                       floe_error *error);
void floe_ice_session_free(const floe_ice *ice, floe_ice_session *session);
/* Whether the peer calls itself so. */
bool floe_ice_is_remote(const floe_ice_session *session, const char *username_fragment);
/* Whether we call ourselves otherwise by now: the core was restarted, and the agent was not yet. */
bool floe_ice_is_former(const floe_ice *ice, const floe_ice_session *session);
bool floe_ice_same_session(const floe_ice_session *a, const floe_ice_session *b);

/* ── local ── */

floe_error floe_ice_local_take(floe_ice *ice, const floe_candidate *candidate);
void floe_ice_local_withdrawn(floe_ice *ice, uint32_t id);
/* All that the core has by now. */
floe_error floe_ice_local_list(floe_ice *ice);
floe_ice_base *floe_ice_base_of(const floe_ice *ice, uint32_t id);
void floe_ice_locals_free(floe_ice *ice);

/* ── remote ── */

floe_error floe_ice_remote_take(floe_ice *ice, const floe_candidate *candidate);
/* A check came from there (RFC 8445 §7.3.1.3). NULL: there is no room for it, or it is not to be checked. */
floe_remote_candidate *floe_ice_remote_shown(floe_ice *ice, floe_time now,
                                             const floe_address *address, const floe_ice_base *base,
                                             uint32_t priority);
floe_error floe_ice_remote_remove(floe_ice *ice, const floe_candidate *candidate);
/* What is signalled of one, but for its address and the names. */
void floe_ice_remote_read(const floe_candidate *candidate, floe_remote_candidate *remote);
/* Takes such a one, which has an address. */
floe_error floe_ice_remote_add(floe_ice *ice, const floe_remote_candidate *like);
/* Whether it is of a remote side other than the one that we talk to (I9). */
bool floe_ice_remote_is_of_another(const floe_ice *ice, const char *username_fragment);
/* There are fewer than may be; names without an address count too. */
bool floe_ice_remotes_have_room(floe_ice *ice);
/* Before the start, one that names another generation than this gives way for it, as that is more likely over. */
bool floe_ice_remotes_make_room(floe_ice *ice, const char *username_fragment);
/* Whose a candidate is was said otherwise before the start: the latest word counts. Either may be NULL: it says nothing. */
bool floe_ice_remote_is_superseded(const floe_ice *ice, const char *before, const char *now);
/* Likewise, but what is still on its way from there is delivered. */
void floe_ice_remote_withdraw(floe_ice *ice, floe_remote_candidate *remote);
/* Ends its pairs too. */
void floe_ice_remote_drop(floe_ice *ice, floe_remote_candidate *remote);
/* Nothing is sent there, and what comes from there is not heard (I15). */
bool floe_ice_remote_is_refused(const floe_ice *ice, const floe_address *address);
/* At the start: those that name somebody else go (I9). */
void floe_ice_remotes_sift(floe_ice *ice);
void floe_ice_remotes_free(floe_ice *ice);
/* It belongs to its one pair from now on. */
void floe_ice_remote_leaves(floe_ice *ice, floe_remote_candidate *remote);

/* ── look_up ── */

/* A candidate of the peer's shows a name. */
floe_error floe_ice_name_take(floe_ice *ice, const floe_candidate *candidate);
bool floe_ice_name_remove(floe_ice *ice, const floe_candidate *candidate);
/* The first that names another generation than this, before the start. False: there is none. */
bool floe_ice_name_forget(floe_ice *ice, const char *username_fragment);
/* A look-up has ended: addresses of `text` are candidates from now on. */
void floe_ice_names_found(floe_ice *ice, const char *text, floe_error error,
                          const floe_address *addresses, size_t count);
/* For a pair that outlives it; NULL: it has none, or there is no memory. */
floe_remote_name *floe_ice_name_copy(const floe_ice *ice, const floe_remote_name *name);
/* Which name is to be looked up; NULL: none. */
const char *floe_ice_name_to_ask(floe_ice *ice);
void floe_ice_names_sift(floe_ice *ice);
void floe_ice_names_free(floe_ice *ice);
void floe_ice_look_ups_free(floe_ice *ice);
/* No more candidates of the peer's come: it has said so, and no look-up is under way. */
static inline bool floe_ice_remotes_have_ended(const floe_ice *ice)
{
    return ice->remote_end && ice->looking_up == 0;
}

/* ── coming ── */

/* It is of a generation that is not known (yet). */
floe_error floe_ice_coming_take(floe_ice *ice, const floe_candidate *candidate);
void floe_ice_coming_remove(floe_ice *ice, const floe_candidate *candidate);
/* The agent has been started again: those of this generation are candidates now, the others go. */
void floe_ice_coming_came(floe_ice *ice);
void floe_ice_coming_free(floe_ice *ice);

/* ── pair ── */

/* RFC 8445 §6.1.2.3, of the priorities of the controlling side's candidate and the controlled side's. */
uint64_t floe_ice_pair_priority(uint32_t controlling, uint32_t controlled);
/* Those that a new base, or a new remote candidate, can make. */
floe_error floe_ice_pairs_of_base(floe_ice *ice, floe_ice_base *base);
floe_error floe_ice_pairs_of_remote(floe_ice *ice, floe_remote_candidate *remote);
/* That one, made if it can be; NULL: it cannot, or there is no room. */
floe_candidate_pair *floe_ice_pair_need(floe_ice *ice, floe_ice_base *base,
                                        floe_remote_candidate *remote);
floe_candidate_pair *floe_ice_pair_of(floe_ice *ice, uint32_t candidate_id,
                                      const floe_address *peer);
/* Of the checklist alone, without that of before a restart. */
floe_candidate_pair *floe_ice_pair_among(const floe_ice *ice, uint32_t candidate_id,
                                         const floe_address *peer);
bool floe_ice_has_pair(const floe_ice *ice, uint32_t candidate_id, const floe_address *peer);
void floe_ice_pair_end(floe_ice *ice, floe_candidate_pair *pair);
/* It is none of the checklist's any more. */
void floe_ice_pair_leaves(floe_ice *ice, floe_candidate_pair *pair);
void floe_ice_pairs_of_base_end(floe_ice *ice, const floe_ice_base *base);
/* What it is worth by its candidates, and by what its check has shown. */
void floe_ice_pair_value(const floe_ice *ice, floe_candidate_pair *pair);
/* Priorities are others now, of one side's candidates or of all: the role has changed. */
void floe_ice_pairs_revalue(floe_ice *ice);
/* The check of such a base (RFC 8445 §7.1.1). */
uint32_t floe_ice_reflexive_priority(const floe_ice_base *base);
/* What the peer sees of us, as far as that is known. */
static inline floe_candidate_type floe_ice_pair_local_type(const floe_candidate_pair *pair)
{
    return pair->mapped_type != 0 ? (floe_candidate_type)pair->mapped_type
                                  : pair->base->first->type;
}

/* Relays for TCP let in who may connect to their passive candidates (RFC 6062 §4.4). */
void floe_ice_let_in(floe_ice *ice, floe_time now);

/* ── checklist ── */

void floe_ice_checklist_put(floe_ice *ice, floe_candidate_pair *pair);
/* Its foundation: it is in the group of those that have the same. False: no memory. */
bool floe_ice_checklist_group(floe_ice *ice, floe_candidate_pair *pair);
/* Its foundation is another one now. Without memory it stays where it is: one more pair waits for others, or one less. */
void floe_ice_checklist_regroup(floe_ice *ice, floe_candidate_pair *pair);
void floe_ice_checklist_ungroup(floe_ice *ice, floe_candidate_pair *pair);
void floe_ice_pair_to(floe_ice *ice, floe_candidate_pair *pair, floe_ice_pair_state state);
/* Its check was not answered within one RTO. Pairs of its foundation wait for it no longer: where each side's first pair
 * of a foundation is the other's second, both would wait for the end of what cannot succeed. */
void floe_ice_checklist_is_slow(floe_ice *ice, floe_candidate_pair *pair);
/* Of each foundation that nothing is checked of, the best pair begins to wait (RFC 8445 §6.1.2.6, §6.1.4.2). */
void floe_ice_checklist_thaw(floe_ice *ice);
/* Its check has succeeded (RFC 8445 §7.2.5.3.3). */
void floe_ice_checklist_unfreeze(floe_ice *ice, const floe_candidate_pair *succeeded);
void floe_ice_checklist_trigger(floe_ice *ice, floe_candidate_pair *pair);
/* Which is checked next (§6.1.4.2); NULL: none. */
floe_candidate_pair *floe_ice_checklist_next(const floe_ice *ice);
/* Something is still to be checked, or is being. */
bool floe_ice_checklist_is_busy(const floe_ice *ice);
/* Such a pair has never worked. */
bool floe_ice_checklist_has_new(const floe_ice *ice);
/* RFC 8445 §14.3. */
floe_duration floe_ice_checklist_rto(const floe_ice *ice);

/* ── check ── */

/* The next check is sent after Ta. */
static inline void floe_ice_take_turn(floe_ice *ice, floe_time now, bool for_consent)
{
    ice->was_consent = for_consent;
    ice->next_check = floe_time_after(now, floe_milliseconds(ice->options.pacing_ms));
}
/* Sends its check as a new transaction. */
void floe_ice_check_begin(floe_ice *ice, floe_time now, floe_candidate_pair *pair);
/* Sends one check by a pair that works: it is not sent again. */
void floe_ice_check_once(floe_ice *ice, floe_time now, floe_candidate_pair *pair);
/* Its transaction is due. */
void floe_ice_check_due(floe_ice *ice, floe_time now, floe_candidate_pair *pair);
/* What an answer can come to no more is forgotten. */
void floe_ice_check_forget(const floe_ice *ice, floe_time now, floe_candidate_pair *pair);
/* It is sent no more, but its answer is still good. */
void floe_ice_check_cancel(floe_ice *ice, floe_candidate_pair *pair);
/* An answer, of whatever it may be one. */
void floe_ice_check_answered(floe_ice *ice, floe_time now, const floe_packet *packet,
                             const floe_stun_message *message);
/* Answers to the nominations so far say no more what is chosen: another pair is nominated. */
void floe_ice_check_nominates_anew(floe_ice *ice);
/* Whether it is an answer to a check of ours, by its transaction. */
bool floe_ice_check_is_ours(const floe_ice *ice, const floe_stun_id *id);
/* The network returned something that was sent by it. */
void floe_ice_check_unreachable(floe_ice *ice, floe_time now, floe_candidate_pair *pair,
                                floe_unreachable reason);
void floe_ice_pair_fail(floe_ice *ice, floe_candidate_pair *pair, floe_ice_failure failure);
/* RFC 8445 §7.2.5.1, §7.3.1.1. */
void floe_ice_change_role(floe_ice *ice, floe_ice_role role);

/* ── arrival ── */

/* A check came (I6). */
void floe_ice_arrival(floe_ice *ice, floe_time now, const floe_packet *packet);
/* What came before the start is made up for (I2). */
void floe_ice_arrivals_made_up(floe_ice *ice, floe_time now);
/* One has come from there. */
bool floe_ice_arrival_was_early(const floe_ice *ice, uint32_t candidate_id,
                                const floe_address *peer);
void floe_ice_arrivals_free(floe_ice *ice);
/* Data from there is delivered, though there is no pair for it any more. */
void floe_ice_arrival_expect(floe_ice *ice, uint32_t candidate_id, const floe_address *peer);

/* ── nomination ── */

/* Chooses, where it is time to (I7). */
void floe_ice_nominate(floe_ice *ice, floe_time now);
/* A check that nominates has succeeded, or the peer has nominated a valid pair. */
void floe_ice_nominated(floe_ice *ice, floe_candidate_pair *pair);
/* It is not under way any more, if it was. */
void floe_ice_nomination_ends(floe_ice *ice, floe_candidate_pair *pair);
/* We are controlled from now on: what the peer has nominated before counts. */
void floe_ice_take_nominations(floe_ice *ice);
/* Another pair has become valid, or one is no more. */
void floe_ice_find_best(floe_ice *ice);
void floe_ice_select(floe_ice *ice, floe_candidate_pair *pair);

/* ── failover ── */

/* That which has been chosen: of today, or of before a restart. NULL: none. */
static inline floe_candidate_pair *floe_ice_chosen(const floe_ice *ice)
{
    return ice->selected != NULL ? ice->selected : ice->former;
}

/* Likewise, as it is told: what was used before a restart, and was not chosen, is not. */
static inline floe_candidate_pair *floe_ice_told_as_chosen(const floe_ice *ice)
{
    return ice->selected != NULL || ice->former_chosen ? floe_ice_chosen(ice) : NULL;
}

/* That which data goes by; NULL: none. Where the chosen one is silent, it is another one that is not. */
static inline floe_candidate_pair *floe_ice_in_use(const floe_ice *ice)
{
    floe_candidate_pair *chosen = floe_ice_chosen(ice);
    bool is_needed = chosen == NULL || (chosen->silent && ice->best != NULL && !ice->best->silent);

    return is_needed ? ice->best : chosen;
}
/* Another that works, and answers. */
static inline bool floe_ice_goes_on_beside(const floe_candidate_pair *other,
                                           const floe_candidate_pair *pair)
{
    return other != pair && other->valid && !other->silent;
}
/* What makes one fail makes the other fail too. */
static inline bool floe_ice_share_network(const floe_candidate_pair *a,
                                          const floe_candidate_pair *b)
{
    return a->base == b->base || a->base->network_id == b->base->network_id;
}
static inline bool floe_ice_share_remote(const floe_candidate_pair *a, const floe_candidate_pair *b)
{
    return floe_address_same_ip(&a->remote->address, &b->remote->address);
}
/* Of the others that work, the one to be kept ready; NULL: there is none. */
floe_candidate_pair *floe_ice_backup(const floe_ice *ice);
/* Which pair is to take over from the chosen one, and when. NULL: none. */
floe_candidate_pair *floe_ice_successor(const floe_ice *ice, floe_time *when);

/* ── consent ── */

/* So long after it was asked; where a round trip takes long, not before an answer can be there. */
static inline floe_time floe_ice_answer_by(const floe_candidate_pair *pair, floe_time asked,
                                           uint32_t least_ms)
{
    floe_duration least = floe_milliseconds(least_ms);
    floe_duration wait = floe_duration_times(pair->round_trip, 2);

    return floe_time_after(asked, wait.ns > least.ns ? wait : least);
}
/* It has answered before, and something answers still, or did a moment ago: that was consent (RFC 7675), to checks at least. */
static inline bool floe_ice_has_consented(const floe_ice *ice, const floe_candidate_pair *pair)
{
    return pair->valid || (pair->remote->has_answered && ice->best != NULL);
}
/* I16. */
static inline bool floe_ice_may_be_asked(const floe_ice *ice, const floe_candidate_pair *pair)
{
    return floe_ice_has_consented(ice, pair) || pair->remote->unanswered < FLOE_ICE_UNANSWERED_MAX;
}
/* A check by it was answered. */
void floe_ice_consent_given(floe_ice *ice, floe_time now, floe_candidate_pair *pair);
/* Anything came by it. */
void floe_ice_consent_heard(floe_ice *ice, floe_time now, floe_candidate_pair *pair);
/* It is asked as soon as Ta allows. */
void floe_ice_consent_at_once(floe_ice *ice, floe_time now, floe_candidate_pair *pair);
void floe_ice_consent_due(floe_ice *ice, floe_time now, floe_candidate_pair *pair);
/* The network says that nothing arrives by it; or this machine, that nothing leaves from its base. */
void floe_ice_consent_doubted(floe_ice *ice, floe_time now, floe_candidate_pair *pair,
                              bool of_base);
/* Its connection is gone. */
void floe_ice_consent_broken(floe_ice *ice, floe_time now, floe_candidate_pair *pair);
/* Another pair may be in use now. */
void floe_ice_consent_watch(floe_ice *ice, floe_time now);
/* Where what works is silent, or nothing does, what has worked before is checked again. */
void floe_ice_consent_revive(floe_ice *ice, floe_time now);

/* ── restart ── */

/* Everything begins anew with this session, but for the pair in use. */
void floe_ice_restart_with(floe_ice *ice, floe_ice_session *session, floe_ice_role role);
/* It has been replaced, or works no more. */
void floe_ice_former_end(floe_ice *ice);

/* ── lite ── */

/* Neither side checks anything: no pair is under consent. */
static inline bool floe_ice_are_lite(const floe_ice_session *session)
{
    return session->lite && session->remote_lite;
}
/* Which role it is, where one of the two is lite (RFC 8445 §6.1.1). */
floe_ice_role floe_ice_lite_role(const floe_ice_session *session, floe_ice_role role);
/* A check came to us, who send none. False: there is no pair for it. */
bool floe_ice_lite_take(floe_ice *ice, floe_time now, floe_ice_base *base, const floe_address *peer,
                        uint32_t priority, floe_nomination nomination);
/* Where neither checks: the best pair is used. */
void floe_ice_lite_choose(floe_ice *ice, floe_time now);

/* ── outcome ── */

void floe_ice_outcome(floe_ice *ice, floe_time now);
/* Where nothing works, and nothing is checked any more, it fails. */
bool floe_ice_may_fail(const floe_ice *ice);
void floe_ice_to_state(floe_ice *ice, floe_ice_state state);
void floe_ice_report_selected(floe_ice *ice);
bool floe_ice_take_report(floe_ice *ice, const floe_ice_output **output);

/* ── statistics ── */

static inline void floe_ice_count_sent(floe_time now, floe_candidate_pair *pair, size_t size)
{
    pair->counts.packets_sent++;
    pair->counts.bytes_sent += size;
    pair->counts.last_sent = now;
}
static inline void floe_ice_count_received(floe_time now, floe_candidate_pair *pair, size_t size)
{
    pair->counts.packets_received++;
    pair->counts.bytes_received += size;
    pair->counts.last_received = now;
}
void floe_ice_count_discarded(floe_candidate_pair *pair, size_t size);
/* The pair is no more, and what was counted of it is the agent's. */
void floe_ice_count_gone(floe_ice *ice, const floe_candidate_pair *pair);

/* ── listing ── */

/* It is valid until another one is told. NULL: no memory. */
const floe_ice_pair *floe_ice_pair_tell(floe_ice *ice, const floe_candidate_pair *pair);
/* Likewise one that stands otherwise than when it was told last; NULL: none does, or no memory. */
const floe_ice_pair *floe_ice_pair_news(floe_ice *ice);

#endif

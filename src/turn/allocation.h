/* A TURN allocation (RFC 8656) as one state machine: asked for, kept, released.
 *
 * It does no I/O and waits for its turn: when it `wants` to send a new request its owner lets it
 * `begin` at a moment that suits the pacing; then, and whenever `time` says so, the owner sends
 * what `write` gives. The channel to the server is abstract: `reliable` tells a stream from
 * datagrams, and that is all the difference that the machine makes. */
#ifndef FLOE_TURN_ALLOCATION_H
#define FLOE_TURN_ALLOCATION_H

#include "base/queue.h"
#include "stun/transaction.h"
#include "stun/writer.h"
#include "turn/account.h"

/* Room for the largest request: USERNAME, REALM, NONCE, PASSWORD-ALGORITHMS, ACCESS-TOKEN and
 * MOBILITY-TICKET at their longest, and the rest. */
#define FLOE_TURN_REQUEST_SIZE 4608

/* RFC 8489 sets no bound on the list of algorithms that a request has to repeat: one of 64
 * is taken. */
#define FLOE_TURN_ALGORITHMS_MAX 256U

/* Which families of relayed address are asked for, joined by |. */
#define FLOE_TURN_IPV4 1U
#define FLOE_TURN_IPV6 2U

/* What is asked of the server beside an allocation. What it does not know of, or refuses, is asked
 * for no more: a relay without it is better than none. */
typedef struct floe_turn_wishes {
    uint8_t families; /* FLOE_TURN_IPV4 and so on, joined by | */
    uint8_t first;    /* of both: which one, where the server gives one alone; 0: IPv4 */
    bool tcp : 1;     /* a relay for TCP connections (RFC 6062); its server refuses or gives it */
    bool mobile : 1;  /* that outlives a change of address (RFC 8016) */
    bool dont_fragment : 1; /* that can be told not to fragment (RFC 8656 §18.9) */
    bool even_port : 1; /* an even port, the next one reserved (RFC 8656 §18.7); of one family */
    bool beside : 1;    /* it is all a wish: another one is there, and this need not be had */
    bool reserved : 1;  /* the port that `reservation` names (RFC 8656 §18.10) */
    uint8_t reservation[8]; /* who has an even port is given it, and who shows it asks for none */
} floe_turn_wishes;

/* RFC 8016 sets no bound on a ticket; one is kept up to this size. */
#define FLOE_TURN_TICKET_MAX 1024U

/* RFC 8489 §6.2: no more than ten transactions at a time with a server; one is the allocation's
 * own. What finds no room stays due, and is asked when there is. */
#define FLOE_TURN_OUTSTANDING_MAX 9

/* RFC 8489 sets no bound on 438 in a row; a server that gives each request a new nonce asks for
 * one, and one that never accepts any must not hold us for ever. */
#define FLOE_TURN_STALE_IN_A_ROW 3

typedef enum floe_turn_state {
    FLOE_TURN_NEW,
    FLOE_TURN_ALLOCATING, /* no allocation yet; a request runs or wants to */
    FLOE_TURN_ALLOCATED,
    FLOE_TURN_ENDED, /* failed, lost or released */
} floe_turn_state;

typedef enum floe_turn_request {
    FLOE_TURN_REQUEST_ALLOCATE,
    FLOE_TURN_REQUEST_REFRESH,
    FLOE_TURN_REQUEST_CLEAR,   /* Refresh with lifetime 0 for a stranger's allocation (T6), then
                                  Allocate */
    FLOE_TURN_REQUEST_RELEASE, /* Refresh with lifetime 0 for our own */
} floe_turn_request;

/* What came of feeding the machine. */
typedef enum floe_turn_event {
    FLOE_TURN_NOTHING,
    FLOE_TURN_PROGRESS, /* the server answered, and the machine goes on */
    FLOE_TURN_GRANTED,  /* a Refresh was: the server has the allocation */
    FLOE_TURN_REFUSED,  /* a Refresh was, which says nothing of the allocation: it is asked again;
                           `failure` says why */
    FLOE_TURN_SEND,     /* write, and send it */
    FLOE_TURN_SUCCESS,  /* relayed and mapped address are there */
    FLOE_TURN_FAILED,   /* no allocation; `failure` says why */
    FLOE_TURN_MISMATCH, /* 437, 441, or no address that was asked for: as FAILED, but another local
                           port, or of 437 `reclaim`, can mend it */
    FLOE_TURN_REDIRECT, /* 300: as FAILED, but `alternate` can be asked instead */
    FLOE_TURN_LOST,     /* there was one, and it is gone; `failure` says why. Of a peer's or a
                           stream's request: the server has said so often enough, and the owner
                           ends it */
    FLOE_TURN_RELEASED, /* the server has nothing of this account's here any more; `failure` says how
                           it has told so: by no error where it was there until now */
    FLOE_TURN_DOUBT,    /* of a peer's or a stream's request: the allocation may be gone (T7b); the
                           owner lets it ask, by floe_turn_refresh_now */
} floe_turn_event;

typedef enum floe_turn_failure_kind {
    FLOE_TURN_FAILURE_NONE,
    FLOE_TURN_FAILURE_TIMEOUT,
    FLOE_TURN_FAILURE_ERROR_RESPONSE, /* code and reason are the server's */
    FLOE_TURN_FAILURE_CREDENTIALS,    /* 401 to a request signed with the server's own nonce */
    FLOE_TURN_FAILURE_BAD_ANSWER,     /* reason says what is wrong with it */
    FLOE_TURN_FAILURE_LOCAL,          /* out of memory or of randomness here */
} floe_turn_failure_kind;

typedef struct floe_turn_failure {
    floe_turn_failure_kind kind;
    uint16_t code; /* STUN error code; 0 if none */
    char *reason;  /* printable ASCII, cut to 95 bytes; NULL if none, or no memory */
} floe_turn_failure;

/* Where a server says that it is to be asked instead. */
typedef struct floe_turn_alternate {
    floe_address address;
    char domain[]; /* "": it names none */
} floe_turn_alternate;

typedef struct floe_turn_allocation { /* each relay has one: without holes */
    floe_turn_account *account;
    floe_address server;
    floe_duration rto;
    uint8_t state;      /* a floe_turn_state */
    uint8_t request;    /* a floe_turn_request */
    uint8_t stale;      /* answers 438 in a row */
    uint8_t refused;    /* answers 401 to signed requests */
    uint16_t signature; /* counts the nonces that were learned */
    uint16_t nonce_size;
    uint16_t ticket_size;
    uint16_t family_error; /* why it gave one family only (ADDRESS-ERROR-CODE); 0: it says none */
    unsigned remembered_n;
    uint32_t lifetime; /* seconds */
    floe_turn_wishes wishes;
    floe_stun_id former;  /* of the Refresh under way, if `has_former` */
    uint8_t other_family; /* still to be asked for where it gives one alone; 0: none */
    uint8_t missing;      /* of those wished for, what such a server has not been asked for; 0: none
                           */
    bool reliable : 1;
    bool wants : 1;          /* a new request waits for `begin` */
    bool made : 1;           /* the server has answered an Allocate by a success, however odd */
    bool remembered : 1;     /* the request is signed with what another allocation learned */
    bool paused_once : 1;    /* a 500 was answered by a pause (T6) */
    bool reclaimed_once : 1; /* a 437 was answered by CLEAR */
    bool plain : 1;          /* as nothing was answered, it goes without wishes */
    bool beside : 1;         /* it answers other requests from here meanwhile */
    bool ignored : 1;  /* and was there already when it was sent this one again, with its wishes */
    bool heeds : 1;    /* the server answers who wishes: its silence has another reason */
    bool inherits : 1; /* another Allocate of ours from here was given up; it may have made one */
    bool repeated : 1; /* the one under way was sent before, and may have been granted then */
    bool denied : 1;   /* to a request of a peer's or stream's the server said 437 */
    bool affirmed : 1; /* and granted a Refresh since */
    bool moving : 1;   /* the Refresh under way comes from another address (RFC 8016) */
    bool refuses_wishes : 1; /* somebody has said so to the Allocate under way */
    bool refused_wish : 1;   /* the server has refused one, and was asked without it */
    bool one_at_a_time : 1;  /* as the server does not know the wish for two, or has not heard it */
    bool shown : 1;          /* the ticket, to a server that did not know us by our address */
    bool has_former : 1;     /* the Refresh under way was challenged, as `former` */
    bool second_try : 1;     /* the next Refresh is one, and has its pause */
    bool refused_before : 1; /* its latest Refresh was answered by an error */
    bool bare : 1;           /* requests go unsigned although there is a realm, but for a release */
    bool reserves : 1;       /* the next port is kept for who shows `wishes.reservation` */
    floe_stun_transaction transaction;
    floe_time resume; /* when a pause ends; never if there is none */
    floe_time refresh;
    floe_time expires;        /* the server's word: until then it stands */
    floe_duration silent;     /* how long those before the Refresh under way went unanswered */
    floe_duration round_trip; /* of the latest request that was sent once */
    floe_time verdict;        /* when an unsigned refusal of it is believed; never: there is none */
    floe_time heard;          /* when something came by it, its server's grant or a peer's */

    floe_turn_realm *realm;  /* NULL: requests go unsigned */
    floe_turn_realm *proven; /* by which an answer was signed; NULL: none was */
    char *nonce;

    floe_address relayed;           /* that the server gave first; family none: it gave none */
    floe_address *relayed_too;      /* of the other family; NULL: it gave none, as most do */
    floe_address mapped;            /* family none when the server named none */
    char *software;                 /* of its server, cut to 63 bytes; NULL: it says none */
    uint8_t *ticket;                /* of RFC 8016; NULL: the server gave none */
    floe_turn_alternate *alternate; /* with FLOE_TURN_REDIRECT; NULL: none was named */
    floe_turn_failure failure;

    struct floe_turn_peers *peers; /* peer.h; NULL: it has had none */
} floe_turn_allocation;

/* The n-th relayed address, of two at most, one of each family; family none: there is none. */
static inline const floe_address *floe_turn_relayed(const floe_turn_allocation *allocation,
                                                    size_t n)
{
    static const floe_address none = {0};

    return n == 0                            ? &allocation->relayed
           : allocation->relayed_too != NULL ? allocation->relayed_too
                                             : &none;
}

/* It is of no use; the other one, if there is one, is the first then. */
void floe_turn_drop_relayed(floe_turn_allocation *allocation, size_t n);

/* A reference to the account is taken. */
void floe_turn_allocation_init(floe_turn_allocation *allocation, floe_turn_account *account,
                               const floe_address *server, floe_duration rto, bool reliable,
                               const floe_turn_wishes *wishes);
/* The same server was asked before: what it refuses is not wished for again (T5). */
void floe_turn_allocation_wish_as(floe_turn_allocation *allocation,
                                  const floe_turn_allocation *before);
/* Frees what it holds; sends nothing. */
void floe_turn_allocation_free(floe_turn_allocation *allocation);

/* Asks for an allocation: it wants to begin. */
floe_error floe_turn_allocation_start(floe_turn_allocation *allocation);
/* Its turn has come: after FLOE_TURN_SEND write and send. */
floe_turn_event floe_turn_allocation_begin(floe_turn_allocation *allocation, floe_time now);
/* Writes the current request. Empty when it does not fit or cannot be signed. */
floe_span floe_turn_allocation_write(floe_turn_allocation *allocation, void *buffer, size_t size);
/* Takes a message from the channel. *match tells what it made of it. */
floe_turn_event floe_turn_allocation_receive(floe_turn_allocation *allocation, floe_time now,
                                             const floe_address *source,
                                             const floe_stun_message *message,
                                             floe_stun_match *match);
floe_turn_event floe_turn_allocation_time(floe_turn_allocation *allocation, floe_time now);
/* When `time` is next due. */
floe_time floe_turn_allocation_deadline(const floe_turn_allocation *allocation);
/* After a MISMATCH, where no other local port can be had: deletes the allocation that stands on
 * this 5-tuple, then asks once more (T6). False when that was done already. */
bool floe_turn_allocation_reclaim(floe_turn_allocation *allocation);
/* Begins to write a request, its own or one of its peers'. What has been signed anew since it was sent
 * goes by another id (RFC 8489 §6.2.1: a retransmission is the same bytes). */
floe_stun_writer floe_turn_allocation_write_to(const floe_turn_allocation *allocation,
                                               floe_stun_transaction *transaction, void *buffer,
                                               size_t size);
/* And signs it. */
void floe_turn_allocation_sign(const floe_turn_allocation *allocation,
                               floe_stun_transaction *transaction, floe_stun_writer *writer);
/* Takes realm and nonce of a challenge, 401 or 438, for all that is signed from now on; *same: they
 * are those that were used. NULL: good; else what is wrong with it, or floe_turn_no_memory. */
const char *floe_turn_allocation_learn(floe_turn_allocation *allocation,
                                       const floe_stun_message *message, bool *same);
/* Whether a request beside the allocation's own that was answered by this code goes again, signed
 * anew: 401 and 438, within bounds. *challenges counts them in a row. */
bool floe_turn_allocation_answers(floe_turn_allocation *allocation,
                                  const floe_stun_transaction *transaction, uint16_t code,
                                  const floe_stun_message *message, uint8_t *challenges);
/* Whether a refusal of such a request has its reason in the peer (RFC 8656 §19, RFC 6062 §6.3). All
 * else may mean that the allocation is gone, or the credentials' time: servers say 437, 400
 * (coturn), 401; that is FLOE_TURN_DOUBT. */
bool floe_turn_speaks_of_the_peer(uint16_t code);
extern const char floe_turn_no_memory[];
/* Such a request was refused, by a code that is none of the peer's: FLOE_TURN_DOUBT, or
 * FLOE_TURN_LOST. RFC 8656 §5: a client that gets 437 "MUST assume that the allocation no longer
 * exists"; the first time its Refresh is asked, and has the last word no more if 437 comes again.
 */
floe_turn_event floe_turn_allocation_refused(floe_turn_allocation *allocation, uint16_t code);
/* Such a request was granted: it is there. */
static inline void floe_turn_allocation_granted(floe_turn_allocation *allocation)
{
    allocation->denied = allocation->affirmed = false;
}
/* For how long what such a request was to have is not asked for again: where the server will not
 * have the peer (RFC 8656 §7.4: not the same request again), for long; else 5, 10, 20 … s.
 * *failures counts them in a row. */
floe_duration floe_turn_pause_after(uint16_t code, uint8_t *failures);
/* Whether it will not have the peer, whenever it is asked. */
bool floe_turn_refuses_peer(uint16_t code);
/* Our address has changed: the allocation, which has a ticket, is moved to it; it wants to begin.
 */
void floe_turn_allocation_move(floe_turn_allocation *allocation);
/* The server has answered another request from here: its silence is of this one. */
static inline void floe_turn_allocation_beside(floe_turn_allocation *allocation)
{
    allocation->beside = true;
}
/* Something has come by it that says that it stands. */
static inline void floe_turn_allocation_heard(floe_turn_allocation *allocation, floe_time now)
{
    allocation->heard = now;
}
/* There is reason to doubt that it still stands: `time` asks by Refresh at once. An answer 437, or
 * none, ends it as any Refresh does, a success schedules the next one. Where a Refresh is under way
 * already, that one tells. */
void floe_turn_refresh_now(floe_turn_allocation *allocation, floe_time now);
/* As that, and somebody waits for the answer: where one is under way, and may not be sent again for
 * seconds, another takes its place. How long silence is borne counts from the first. */
void floe_turn_refresh_soon(floe_turn_allocation *allocation, floe_time now);
/* As that, and we have slept, be it for a moment: the wait at hand was none if its time was over
 * meanwhile. Whether it was. */
bool floe_turn_refresh_awake(floe_turn_allocation *allocation, floe_time now);
/* Whether the Refresh under way is such another one. */
static inline bool floe_turn_refreshes_again(const floe_turn_allocation *allocation)
{
    return allocation->silent.ns > 0;
}
/* The Refresh that is under way is not to be hoped for any more: another `wants` to be sent. */
void floe_turn_refresh_anew(floe_turn_allocation *allocation);
/* Its end was found out otherwise: by a request of a peer (437), by the way to the server, or
 * because its owner will ask anew (code 0). */
floe_turn_event floe_turn_allocation_lost(floe_turn_allocation *allocation, uint16_t code,
                                          floe_span reason);
/* Whether the server has answered it, by a challenge at least. */
static inline bool floe_turn_allocation_challenged(const floe_turn_allocation *allocation)
{
    return allocation->realm != NULL && !allocation->bare && !allocation->remembered;
}
/* Whether the server has, or may have by now, an allocation of ours. */
bool floe_turn_allocation_stands(const floe_turn_allocation *allocation);
/* Ends it. True when the server has, or may be about to make, an allocation: then `begin` asks for its
 * deletion, which ends by FLOE_TURN_RELEASED, or by FLOE_TURN_FAILED, and may be begun again. */
bool floe_turn_allocation_release(floe_turn_allocation *allocation);
/* A new machine is that of an allocation which another one may have made from here, by the same account: to
 * be released. */
void floe_turn_allocation_inherit(floe_turn_allocation *allocation);

#endif

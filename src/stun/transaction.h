/* A client transaction (RFC 8489 §6.2): when to send, when to send again, when to give up, and
 * which answers to believe. */
#ifndef FLOE_STUN_TRANSACTION_H
#define FLOE_STUN_TRANSACTION_H

#include "base/random.h"
#include "base/time.h"
#include "stun/key.h"
#include "stun/message.h"

/* What a transaction makes of a message that came. All but FLOE_STUN_BELIEVED leave it as it was:
 * what does not match neither ends nor delays it (R5); but why it was dropped is kept,
 * for who asks why no answer came. */
typedef enum floe_stun_match {
    FLOE_STUN_BELIEVED,
    FLOE_STUN_NOT_MINE,     /* no response, or another transaction's id or method */
    FLOE_STUN_WRONG_SOURCE, /* not from the address that was asked */
    FLOE_STUN_NO_INTEGRITY, /* the code is missing where it is due */
    FLOE_STUN_BAD_INTEGRITY,
    FLOE_STUN_BID_DOWN, /* its nonce promises PASSWORD-ALGORITHMS, and there is none (§9.2.5) */
} floe_stun_match;

typedef struct floe_stun_transaction { /* each binding and relay has one: without holes */
    floe_stun_id id;
    uint16_t method;
    uint8_t sends;        /* how often it was sent; 0: it does not run */
    bool reliable : 1;    /* on a stream: sent once, waits Ti */
    bool answered : 1;    /* to this id, by what was believed; it may go on for all that (401) */
    unsigned dropped : 3; /* a floe_stun_match: why its latest answer was not believed */
    floe_time started;
    floe_time due;         /* when to look again; FLOE_TIME_NEVER when it does not run */
    uint32_t rto;          /* microseconds */
    uint16_t signature;    /* for its owner: what it was signed with */
    uint16_t dropped_code; /* that answer's; 0: it was a success */
} floe_stun_transaction;

/* RFC 8489 §6.2.1: Rc sends, and after the last one Rm times the RTO. */
#define FLOE_STUN_RC 7
#define FLOE_STUN_RM 16

/* Starts it with a fresh random id; the request is to be sent now. */
floe_error floe_stun_transaction_start(floe_stun_transaction *transaction, floe_time now,
                                       uint16_t method, floe_duration rto, bool reliable,
                                       const floe_random *random);
/* Another id from the next send on, as the bytes are others (§5); where no randomness is to be had
 * it keeps its own. What is still under way to the old one is not its answer any more. */
void floe_stun_transaction_rename(floe_stun_transaction *transaction, const floe_random *random);
/* By a stream: the request had to wait for what was sent before it, and leaves only now. */
void floe_stun_transaction_leaves(floe_stun_transaction *transaction, floe_time now);
/* From its start to its giving up (Ti of §6.2.2): what Rc sends and the waits between take. */
floe_duration floe_stun_transaction_lasts(floe_duration rto);
/* If it runs, it is sent again by then at the latest, or given up, if it goes by a stream. */
void floe_stun_transaction_hurry(floe_stun_transaction *transaction, floe_time when);
void floe_stun_transaction_stop(floe_stun_transaction *transaction);
/* How long it has waited for an answer, no longer than its schedule has it: time in which nobody ran
 * is none. By datagrams. */
floe_duration floe_stun_transaction_waited(const floe_stun_transaction *transaction, floe_time now);

static inline bool floe_stun_transaction_runs(const floe_stun_transaction *transaction)
{
    return transaction->sends > 0;
}

typedef enum floe_stun_due {
    FLOE_STUN_WAIT,
    FLOE_STUN_SEND_AGAIN, /* the same bytes once more */
    FLOE_STUN_GIVE_UP,    /* it timed out, and has stopped */
} floe_stun_due;

floe_stun_due floe_stun_transaction_time(floe_stun_transaction *transaction, floe_time now);

/* Whether an answer from where it should come was dropped for what it says of itself. */
static inline bool floe_stun_is_forged(floe_stun_match match)
{
    return match >= FLOE_STUN_NO_INTEGRITY;
}

/* `key`: the one the request was signed with, NULL when it was not. A response to a signed request
 * must be signed, but for the challenges, 401 and 438, which may come from a server that does not
 * know the key (RFC 8489 §9.2.5). By datagrams a forged answer is as none, and the transaction goes
 * on; on a stream nobody else can have put it there, and the transaction ends: its time has come at
 * once, and it gives up. */
floe_stun_match floe_stun_transaction_match(floe_stun_transaction *transaction,
                                            const floe_stun_message *message,
                                            const floe_address *source, const floe_address *server,
                                            const floe_stun_key *key);

#endif

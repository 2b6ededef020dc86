/* A user at a TURN server: the credential, and what is remembered of the server so that the next
 * Allocate can be authenticated at once (T2). */
#ifndef FLOE_TURN_ACCOUNT_H
#define FLOE_TURN_ACCOUNT_H

#include "base/bytes.h"
#include "base/list.h"
#include "base/random.h"
#include "stun/key.h"

/* How a server wants its requests signed (RFC 8489 §9.2): what its challenge says beside the nonce.
 */
typedef struct floe_turn_security {
    floe_span algorithms; /* PASSWORD-ALGORITHMS, to be repeated as it is; empty: there was none, so
                             MD5 and MESSAGE-INTEGRITY */
    floe_stun_password_algorithm algorithm; /* the one that is used of them */
    bool anonymous;                         /* USERHASH instead of USERNAME */
} floe_turn_security;

/* A realm with the account's long-term key in it; shared, as deriving the key costs. */
typedef struct floe_turn_realm {
    const floe_allocator *allocator;
    unsigned references;
    floe_stun_key *key;
    floe_turn_security security; /* its span points behind the name */
    uint8_t userhash[FLOE_SHA256_SIZE];
    size_t size;
    uint8_t name[]; /* size bytes */
} floe_turn_realm;

floe_turn_realm *floe_turn_realm_share(floe_turn_realm *realm);
void floe_turn_realm_release(floe_turn_realm *realm);
/* Whether it has this name, and is to be signed for so. */
bool floe_turn_realm_is(const floe_turn_realm *realm, floe_span name,
                        const floe_turn_security *security);

/* Whether a nonce that one client learned serves another. Servers differ: some make a nonce for
 * each client and answer another's with 438, some sign one for all. */
typedef enum floe_turn_nonce_scope {
    FLOE_TURN_NONCE_UNTRIED,
    FLOE_TURN_NONCE_FOR_ALL,
    FLOE_TURN_NONCE_PER_CLIENT,
} floe_turn_nonce_scope;

/* An OAuth credential (RFC 7635): the MAC key, which is the key of MESSAGE-INTEGRITY whatever the
 * realm, and the token that tells it to the server. */
typedef struct floe_turn_token {
    size_t key_size;
    size_t size;
    uint8_t key[64];
    uint8_t bytes[1024];
} floe_turn_token;

typedef struct floe_turn_account {
    floe_list link; /* in the owner's list of accounts */
    const floe_allocator *allocator;
    const floe_random *random;
    unsigned references;
    char *server;   /* what the owner tells servers apart by */
    char *username; /* with a token: the key id */
    char *password; /* NULL with a token */
    floe_turn_token *token;
    floe_turn_realm *realm; /* the latest that the server named; NULL: none yet */
    char *nonce;            /* the latest, nonce_size bytes; NULL: none yet */
    size_t nonce_size;
    unsigned learned; /* so many nonces */
    unsigned judged;  /* the latest of them that was not accepted of another client */
    floe_turn_nonce_scope scope;
    bool
        deaf; /* it answered once what it had not answered with wishes: no wish is shown it again */
} floe_turn_account;

/* The random table must live as long as the account; all else is copied. A password, or a token and no password. */
floe_error floe_turn_account_new(const floe_allocator *allocator, const floe_random *random,
                                 const char *server, const char *username, const char *password,
                                 const floe_turn_token *token, floe_turn_account **account);
/* Whether it is of this credential. */
bool floe_turn_account_is(const floe_turn_account *account, const char *username,
                          const char *password, const floe_turn_token *token);
floe_turn_account *floe_turn_account_share(floe_turn_account *account);
/* Gives back one reference; the last takes the account off the owner's list. */
void floe_turn_account_release(floe_turn_account *account);

/* The realm by this name, with one reference for the caller; the one at hand if it is the same. */
floe_error floe_turn_account_realm(floe_turn_account *account, floe_span name,
                                   const floe_turn_security *security, floe_turn_realm **realm);
/* Remembers realm and nonce. Without memory for them it forgets, which costs a round trip only. */
void floe_turn_account_learn(floe_turn_account *account, floe_turn_realm *realm, floe_span nonce);
/* What was learned as the n-th is no good: the next client begins as if nobody had asked before. */
void floe_turn_account_unlearn(floe_turn_account *account, unsigned n);
/* A new client used the remembered nonce, the n-th that was learned: was it accepted? */
void floe_turn_account_judge(floe_turn_account *account, bool accepted, unsigned n);
/* Whether a new client had best sign its first request with what is remembered. */
bool floe_turn_account_worth_signing(const floe_turn_account *account);
/* Whether that is known to succeed, barring a nonce that has expired. */
bool floe_turn_account_holds_for_all(const floe_turn_account *account);

#endif

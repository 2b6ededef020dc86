/* Why a server gave nothing, as a value that is passed on, and as a sentence. */
#ifndef FLOE_CORE_OUTBOX_FAILURE_H
#define FLOE_CORE_OUTBOX_FAILURE_H

#include "base/address.h"
#include "base/time.h"
#include "core/text/url.h"
#include "core/types.h"
#include "stun/transaction.h"

#include <floe/core.h>

typedef enum floe_failure_kind {
    FLOE_FAILURE_NONE,
    FLOE_FAILURE_TIMEOUT,
    FLOE_FAILURE_UNREACHABLE, /* detail: floe_unreachable */
    FLOE_FAILURE_SERVER,      /* the server's own error: code, reason */
    FLOE_FAILURE_CREDENTIALS,
    FLOE_FAILURE_BAD_ANSWER, /* reason says what is wrong with it */
    FLOE_FAILURE_NAME,       /* detail: floe_error of the look-up, negated */
    FLOE_FAILURE_LOOKING,    /* the name's look-up had not ended; elapsed_ms: for how long */
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
    bool answered;     /* by a challenge, or by a packet of DTLS; then no more */
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

/* Of no request: no more than this is to be said of it. */
typedef struct floe_plain_failure {
    uint8_t kind;
    uint8_t detail;
    uint32_t elapsed_ms;
    floe_address remote;
} floe_plain_failure;

floe_failure floe_failure_in_full(const floe_plain_failure *plain);
/* A failure of a request to `remote` as the transaction stands: asked how often, for how long. */
floe_failure floe_failure_of(floe_failure_kind kind, const floe_stun_transaction *transaction,
                             const floe_address *remote, floe_time now);
/* What another try cannot mend: an Allocate is not sent again so before its owner has changed something
 * (RFC 8656 §7.4). */
bool floe_failure_ends_allocate(const floe_failure *failure);
/* 486, 508: the server gives nobody a relay for a while (RFC 8656 §7.4). */
bool floe_failure_is_full(const floe_failure *failure);
/* Takes the text over as the reason; without memory there is none. */
void floe_failure_set_reason(const floe_core *core, floe_failure *failure, const char *reason);
/* That a server names such an address: "it names an impossible mapped address", which one (where
 * addresses may be shown), what to look at (": …"; ""), and the setting that would let it. */
void floe_failure_set_impossible(const floe_core *core, floe_failure *failure, const char *what,
                                 const floe_address *address, const char *advice);
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
/* The fixed word. `url` is NULL for a base's own failure. */
floe_failure_reason floe_failure_reason_of(const floe_core_shared *shared,
                                           const floe_failure *failure, const floe_url *url);
/* The sentence for a person. `url` is NULL for a base's own failure. */
void floe_failure_text(const floe_core *core, const floe_failure *failure, const floe_url *url,
                       char *text, size_t size);

typedef enum floe_connection_state {
    FLOE_CONNECTION_NONE,
    FLOE_CONNECTION_OPENING,  /* a channel is asked for */
    FLOE_CONNECTION_PROXYING, /* the proxy is asked to connect */
    FLOE_CONNECTION_SECURING, /* the handshake of TLS or DTLS */
    FLOE_CONNECTION_READY,
    FLOE_CONNECTION_CLOSING, /* goes once DISCONNECT has been polled */
    FLOE_CONNECTION_ENDED,   /* goes at the end of the input at hand */
} floe_connection_state;

#endif

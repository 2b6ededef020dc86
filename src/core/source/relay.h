/* A relay: the gatherer's side of one TURN allocation. Whatever ends it goes through floe_relay_release or the
 * machine's own end; it is freed at the end of the input at hand (floe_relays_sweep), so that a list of relays may
 * be walked while one ends. */
#ifndef FLOE_CORE_SOURCE_RELAY_H
#define FLOE_CORE_SOURCE_RELAY_H

#include "base/tree.h"
#include "core/outbox/counters.h"
#include "core/outbox/failure.h"
#include "core/outbox/outbox.h"
#include "core/server/server.h"
#include "core/socket/connection.h"
#include "core/source/attempt.h"
#include "core/source/pacer.h"
#include "turn/allocation.h"

/* Where it stands; relay.c's `become` has what may follow what. */
typedef enum floe_relay_state {
    FLOE_RELAY_ASKED,  /* for the first time: nobody has had it yet */
    FLOE_RELAY_STANDS, /* its server has it */
    FLOE_RELAY_MOVES, /* that has, and is asked to let it move to another address of ours (RFC 8016) */
    FLOE_RELAY_LOST, /* it was there, and is asked for again */
    FLOE_RELAY_LEFT, /* nobody's any more; its server may have it still, and is asked to delete it */
    FLOE_RELAY_ENDED, /* goes at the end of the input at hand, when nobody walks the list */
} floe_relay_state;

/* T4: up to eight, none twice. */
#define FLOE_REDIRECTS_MAX 8U

/* Where its server has sent it. */
typedef struct floe_redirects {
    floe_address asked; /* the address that was asked first */
    char *host;         /* the name that the certificate must have; NULL: the URL's */
    floe_address visited[FLOE_REDIRECTS_MAX]; /* floe_relay.redirects of them: where it has been */
} floe_redirects;

struct floe_relay {
    floe_list link; /* in core->relays */
    union {
        floe_alarm alarm;  /* on core->times; its order is that in which they were made */
        floe_list touched; /* in core->touched instead, while it is to be set anew: `is_touched` */
    };
    floe_list of_origin;
    floe_output output;
    floe_paced paced;
    floe_base *base;       /* whose socket it uses */
    floe_base *origin;     /* for which it was asked; another than `base` where its port is taken */
    floe_attempt *attempt; /* NULL once its pair has forgotten it */
    const floe_server *server;
    floe_counters counters;
    floe_connection *connection; /* NULL: datagrams from the base */
    floe_turn_allocation turn;
    floe_ring streams; /* floe_stream.link */
    union {
        floe_address had_at; /* what the latest that gave it had been asked as (floe_relay_asked);
                                family none: none has */
        floe_list of_left;   /* in core->left, once it is LEFT */
    };
    floe_redirects *redirected; /* NULL: it has never been */
    floe_time retry;            /* when one that was lost is asked for again; never: it is not */
    floe_time begun;            /* when it was last asked for */
    floe_time check;            /* when its server is asked whether it stands (T7b) */
    floe_time doubted;          /* when that was asked for a reason */
    floe_time owed;             /* since when its server owes an answer, if a request runs */
    floe_time unheard; /* since when packets go to it and nothing comes back; never: not so */
    floe_time leaves;  /* when it goes: as another is there in its place; LEFT, as it expires */
    uint8_t transport; /* a floe_protocol, to its server */
    uint8_t state;     /* a floe_relay_state */
    uint8_t losses;    /* in a row; LEFT: how often it was asked for in vain */
    uint8_t ignored; /* sends of its Refresh without an answer, Bindings beside with one; LEFT: how
                              often it was asked for anew, as its server had answered another */
    uint8_t ignored_send; /* the latest of them */
    uint8_t rejoined;     /* how often it took another connection after 437 */
    uint8_t redirects;
    uint8_t
        differs; /* so often in a row its server has shown another address than its Allocate did */
    floe_relay_kind kind;
    bool is_touched : 1; /* its alarm may be another by now */
    bool in_vain : 1;    /* it was lost, and has not been given since */
    bool known : 1;      /* its owner has been told of it once */
    bool keeps : 1;      /* for a mapping alone (R6): another is there in its place */
    bool heard_of : 1;   /* its server has answered it, or one whose place it has taken */
    /* For what is in its way there, since it was refused, once before each pause; LEFT: its server
     * refuses to delete it, so nobody waits for that. */
    bool waits : 1;
    bool asked_before : 1; /* since it was last lost: what is refused is not wished for again */
    bool hushed : 1;       /* the gathering has given it up: the next one tells it (L4) */
    uint32_t generation;   /* in which it was told; 0: in none */
};

/* Where this relay asks, and who sent it there. */
void floe_failure_of_relay(floe_failure *failure, const floe_relay *relay);

/* The address that was asked first; a redirect leads elsewhere. */
static inline const floe_address *floe_relay_asked(const floe_relay *relay)
{
    return relay->redirected != NULL ? &relay->redirected->asked : &relay->turn.server;
}

/* Whether anything of it goes on. */
static inline bool floe_relay_lives(const floe_relay *relay)
{
    return relay->state < FLOE_RELAY_LEFT;
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

/* The next of those that use this base's socket, behind `last` (NULL: the first), in the order in which they
 * were made; NULL: there is none. */
floe_relay *floe_relay_next_on(const floe_base *base, const floe_relay *last);
/* The one at hand may leave the base, if that is a spare. */
#define FLOE_RELAYS_ON(relay, base)                                                                \
    for (floe_relay *relay = floe_relay_next_on(base, NULL); relay != NULL;                        \
         relay = floe_relay_next_on(base, relay))

/* One that asks for an allocation at once, and that is not for any attempt yet; NULL without memory. */
floe_relay *floe_relay_make(floe_core *core, floe_time now, floe_base *origin,
                            const floe_server *server, floe_relay_kind kind,
                            const floe_place *place);
/* A connection to its server, for itself or a stream of it; NULL without memory. */
floe_connection *floe_relay_connect(floe_core *core, floe_time now, const floe_relay *relay,
                                    const floe_connection_owner *calls, void *owner);
/* The output: its request by datagrams. */
bool floe_relay_poll_send(floe_core *core, floe_time now, floe_relay *relay,
                          floe_core_output *output);
bool floe_relay_receive(floe_core *core, floe_time now, floe_relay *relay,
                        const floe_address *source, const floe_stun_message *message);
/* A packet to its server did not arrive; `asked`: one of the allocation's own request. */
void floe_relay_unreachable(floe_core *core, floe_time now, floe_relay *relay,
                            floe_unreachable reason, bool asked);
/* Something that counts for when it is due may be another. */
void floe_relay_touch(floe_core *core, floe_relay *relay);
/* Of all, as where servers are is another. */
void floe_relays_touch(floe_core *core);
/* Those that are due. */
void floe_relays_time(floe_core *core, floe_time now);
floe_time floe_relays_deadline(const floe_core *core);
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
void floe_relay_verify(floe_core *core, floe_relay *relay, floe_time now, bool soon);
/* We have slept: likewise, and what went unanswered meanwhile was no silence of its server's. */
void floe_relay_woke(floe_core *core, floe_relay *relay, floe_time now);
/* There is a reason to, which may come with every packet; of one relay, or of those by this base
 * and server. */
void floe_relay_doubt(floe_core *core, floe_relay *relay, floe_time now);
void floe_relays_doubt(floe_core *core, floe_time now, const floe_base *base,
                       const floe_address *server);
/* Whether one of that address of ours has had something from the server since then. */
bool floe_relays_heard(const floe_base *base, const floe_address *server, floe_time since);
/* The server shows the base by this address, to what was asked then. The allocations of another one are on another
 * 5-tuple (RFC 8656 §3.2), and what is granted to us now may be of an earlier one of ours: such a relay is lost. False:
 * that was asked too early to say so. */
bool floe_relays_compare(floe_core *core, floe_time now, const floe_base *base,
                         const floe_address *server, const floe_address *mapped, floe_time asked);
/* Whether there is a relay for that. */
bool floe_relays_are_compared(const floe_core *core, const floe_base *base,
                              const floe_address *server);
/* A Binding to this server was answered: that it is there, and that the way is good. */
void floe_relays_answered_beside(floe_core *core, const floe_base *base,
                                 const floe_address *server);
/* A packet of the owner's goes to the relay's server; something came from there. */
void floe_relay_sends(floe_core *core, floe_relay *relay, floe_time now);

static inline void floe_relay_heard(floe_relay *relay, floe_time now)
{
    floe_turn_allocation_heard(&relay->turn, now);
    relay->unheard = FLOE_TIME_NEVER;
}

/* Whether it can go on from another address (T10). */
bool floe_relay_can_move(const floe_relay *relay);
/* Whether it waits for what one of ours has left there to be deleted: some seconds at most. */
bool floe_relay_makes_room(const floe_relay *relay);
/* T12: whether it is for TCP: beside one for UDP, or where nobody gathers UDP. */
bool floe_relay_is_for_tcp(const floe_core *core, const floe_relay *relay);
/* Whether it serves as a relay of the base by this server; the first that does, or NULL. */
bool floe_relay_is_of(const floe_relay *relay, const floe_base *base, const floe_server *server,
                      floe_relay_kind kind);
floe_relay *floe_relay_of(const floe_base *base, const floe_server *server, floe_relay_kind kind);
/* Whether its server has asked for credentials, and owes an answer since: of who has given it that was
 * long ago. */
bool floe_relay_is_challenged(const floe_relay *relay);
/* Whether something has come by it, its server's word or a peer's, since this gathering began. */
bool floe_relay_is_sure(const floe_core *core, const floe_relay *relay);
/* Whether it was asked for a family that the first, had again, has given as well by now (T5). */
bool floe_relay_needless(const floe_relay *relay);
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
void floe_relays_found_elsewhere(floe_core *core, floe_time now, const floe_server *server);
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
/* A gathering begins: of the mappings that former relays keep it hears by them. */
void floe_relays_verify_former(floe_core *core, floe_time now);
/* The gathering waits for it no longer; it goes on. */
void floe_relay_leave_gathering(floe_core *core, floe_relay *relay);
/* Releases the allocation, and withdraws its candidates; it is live no longer. What its server may have
 * by datagrams is LEFT. */
void floe_relay_release(floe_core *core, floe_time now, floe_relay *relay);
/* Likewise; its candidates are withdrawn for this. */
void floe_relay_release_for(floe_core *core, floe_time now, floe_relay *relay, floe_withdrawal why);
/* The gatherer closes: what is left with its server is told once more to go. */
void floe_relay_part(floe_core *core, floe_time now, floe_relay *relay);
/* Frees those that have ended. */
void floe_relays_sweep(floe_core *core);
/* An input is over: those go that have ended, and of the others it is known when they are due. */
void floe_relays_settle(floe_core *core);
void floe_relay_free(floe_core *core, floe_relay *relay);
/* The allocation was found to be gone. */
void floe_relay_lost(floe_core *core, floe_time now, floe_relay *relay);

#endif

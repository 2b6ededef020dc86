/* The peers of an allocation (RFC 8656 §9, §11, §12): a permission as soon as something is to be
 * sent to one, a channel as soon as more follows, both kept for as long as they are used. */
#ifndef FLOE_TURN_PEER_H
#define FLOE_TURN_PEER_H

#include "base/tree.h"
#include "turn/allocation.h"

/* Of one allocation: as many as there are channels. */
#define FLOE_TURN_PEERS_MAX 4096U

typedef struct floe_turn_peer {
    floe_tree_node by_address;
    floe_tree_node by_channel; /* of those that have a number */
    floe_tree_node let_in;     /* of those whose data may come */
    floe_alarm asks;           /* for the permission, as no request of its runs */
    floe_alarm binds;          /* likewise, for the channel */
    floe_alarm ends;           /* its permission */
    floe_address address;
    floe_stun_transaction transaction; /* CreatePermission or ChannelBind */
    floe_time permission;              /* when to ask for it (again) */
    floe_time permission_ends;         /* the server may know it no longer, unless it is renewed */
    floe_time channel_due;             /* when to ask for the channel again */
    floe_time channel_serves;          /* until then the server knows it, for what is sent by it */
    floe_time channel_ends;            /* and from then on no longer, for what comes by it */
    floe_time used;                    /* something was sent to it */
    uint16_t channel;                  /* its number; 0: none was chosen */
    uint16_t code;                     /* that its latest request was refused with; 0: with none */
    bool permitted;                    /* what is sent to it arrives */
    bool bound;                        /* and may go by its channel */
    bool rests;                        /* it is not used; the server may know of it still */
    bool refused;                      /* the server will not have it: nothing can be sent */
    bool no_channel;                   /* nor a channel, before channel_due */
    uint8_t challenges;                /* in a row: 401 and 438 */
    uint8_t failures;                  /* in a row: permissions that were not had */
    uint32_t sent;
    floe_queue held;   /* packets that wait for the permission */
    uint32_t full_for; /* its owner's, by what one more did not fit; 0: nothing */
    uint32_t number;   /* so many were there before it */
} floe_turn_peer;

/* All of an allocation's. A packet, and whatever is due, costs the logarithm of how many there are.
 */
typedef struct floe_turn_peers {
    floe_tree by_address;
    floe_tree by_channel;
    floe_tree let_in; /* by address */
    floe_agenda permissions;
    floe_agenda channels;
    floe_agenda ends;
    floe_turn_peer *asking[FLOE_TURN_OUTSTANDING_MAX]; /* whose requests run */
    floe_turn_peer *latest;                            /* that was looked for; NULL: none */
    uint8_t outstanding;                               /* so many do */
    uint16_t count;
    uint32_t made; /* so many have been */
    uint16_t next_channel;
} floe_turn_peers;

/* NULL: it is not there. */
floe_turn_peer *floe_turn_peer_find(const floe_turn_allocation *allocation,
                                    const floe_address *address);
/* The one behind it, by address; of NULL the first. NULL: there is none. */
floe_turn_peer *floe_turn_peer_next(const floe_turn_allocation *allocation,
                                    const floe_turn_peer *peer);
/* One with this IP address, of any port: one whose data is let in, if there is such. NULL: none. */
floe_turn_peer *floe_turn_peer_of_ip(const floe_turn_allocation *allocation,
                                     const floe_address *address);
/* The i-th of those whose request runs; NULL: there are not so many. */
floe_turn_peer *floe_turn_peer_asking(const floe_turn_allocation *allocation, unsigned i);
/* The one whose channel it is, for as long as the server may use it, whatever has become of its
 * renewal. */
floe_turn_peer *floe_turn_peer_of_channel(const floe_turn_allocation *allocation, floe_time now,
                                          uint16_t channel);
/* Whether a Data indication from this address may be believed: RFC 8656 §11.4; it has a permission,
 * or one is asked for. */
bool floe_turn_peer_permits(const floe_turn_allocation *allocation, const floe_address *address);
/* A new one; `time` then says that its request is to be sent, or that it waits for its turn
 * (FLOE_TURN_OUTSTANDING_MAX): what is due stays so. NULL: no memory, or too many. */
floe_turn_peer *floe_turn_peer_add(floe_turn_allocation *allocation, floe_time now,
                                   const floe_address *address);
void floe_turn_peer_free(floe_turn_allocation *allocation, floe_turn_peer *peer);
/* All of them. */
void floe_turn_peers_free(floe_turn_allocation *allocation);
/* What the server may no longer know by now is over, whether or not `time` was called. */
void floe_turn_peer_expire(floe_turn_allocation *allocation, floe_time now, floe_turn_peer *peer);
/* Something goes to it: FLOE_TURN_SEND if a channel is asked for by that. */
floe_turn_event floe_turn_peer_used(floe_turn_allocation *allocation, floe_time now,
                                    floe_turn_peer *peer);
/* It has been permitted: what it takes now, of what was sent to it before. */
floe_turn_event floe_turn_peer_goes_on(floe_turn_allocation *allocation, floe_time now,
                                       floe_turn_peer *peer);
/* Something came from it, if it is known: who only listens keeps its permission by that too. */
void floe_turn_peer_heard(floe_turn_allocation *allocation, floe_time now,
                          const floe_address *address);
/* FLOE_TURN_SEND: write, and send. FLOE_TURN_DOUBT: no answer came. FLOE_TURN_FAILED: it is not
 * used any more, and goes. */
floe_turn_event floe_turn_peer_time(floe_turn_allocation *allocation, floe_time now,
                                    floe_turn_peer *peer);
floe_time floe_turn_peer_deadline(const floe_turn_allocation *allocation,
                                  const floe_turn_peer *peer);
/* One whose `time` has come; NULL: there is none. */
floe_turn_peer *floe_turn_peers_due(const floe_turn_allocation *allocation, floe_time now);
/* When the next one's comes. */
floe_time floe_turn_peers_deadline(const floe_turn_allocation *allocation);
/* Whether each is found where it is looked for and due when it says so itself: for assertions and
 * tests, as it walks them all. */
bool floe_turn_peers_agree(const floe_turn_allocation *allocation);
/* Its current request. */
floe_span floe_turn_peer_write(const floe_turn_allocation *allocation, floe_turn_peer *peer,
                               void *buffer, size_t size);
/* FLOE_TURN_SUCCESS: what waits can go. FLOE_TURN_SEND: the request goes again, signed anew.
 * FLOE_TURN_FAILED: the server will not have this peer (403, 443). FLOE_TURN_DOUBT: it refuses for
 * a reason that is none of the peer's, `code`; what waits is not to be sent. Each peer has its own
 * patience with challenges: when a nonce expires, all of them hear of it. */
floe_turn_event floe_turn_peer_receive(floe_turn_allocation *allocation, floe_time now,
                                       floe_turn_peer *peer, const floe_address *source,
                                       const floe_stun_message *message, floe_stun_match *match);
/* What goes in front of `data` to the peer (behind it come zeros up to a multiple of four on a
 * stream): a channel's header, or all of a Send indication but the data itself. Empty: it does not
 * fit, or no randomness. */
floe_span floe_turn_peer_header(const floe_turn_allocation *allocation, const floe_turn_peer *peer,
                                size_t data_size, void *buffer, size_t size);
#define FLOE_TURN_HEADER_SIZE 64

#endif

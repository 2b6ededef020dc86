/* The mux (H3): one UDP socket for each local address, and one who asks for each server, for all gatherers of what is
 * shared. It drives the cores below it as a driver would: those of the gatherers, its members, which have no
 * server to ask; and one of its own for each server and its credentials, a trunk, which has that server
 * alone. What the trunks find it gives to the members, and what arrives to whom it is for. To the driver it
 * is one core, its face (core/mux/face.c). */
#ifndef FLOE_CORE_MUX_MUX_H
#define FLOE_CORE_MUX_MUX_H

#include "base/table.h"
#include "base/tree.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/server/server.h"

typedef struct floe_mux_socket floe_mux_socket;

/* What says that a remote address is a part's. */
typedef enum floe_claim_kind {
    FLOE_CLAIM_SENT,     /* it sends there */
    FLOE_CLAIM_CHECKED,  /* a check by its credentials has come from there, as it says */
    FLOE_CLAIM_ANSWERED, /* its own check has been answered from there: whoever it is hears us */
    FLOE_CLAIMS,
} floe_claim_kind;

/* RFC 8445 §14.2: what is asked for one member is paced together, as a gatherer by itself would; not what is asked
 * for all of them (L14). */
typedef struct floe_lane {
    uint32_t users;
    floe_time next_request;
} floe_lane;

/* A core under the mux: a member or a trunk. */
typedef struct floe_mux_name floe_mux_name;

typedef struct floe_part {
    floe_share share;
    floe_mux *mux;
    floe_core *core;
    floe_list link; /* in mux->members or mux->trunks */
    uint32_t number;
    floe_ring ends;       /* floe_end.of_part */
    floe_ring links;      /* floe_link.of_member or .of_trunk */
    floe_lane *lane;      /* NULL: none yet */
    floe_ring claims;     /* floe_claim.of_part, the oldest first: that nobody has proven, */
    floe_ring proven;     /* and those that have been */
    uint32_t claim_count; /* of the former, */
    uint32_t proven_count;
    uint32_t sent_count;
    floe_ring sent; /* floe_sent.link, the oldest first */
    union {
        struct {               /* of a member */
            floe_ring names;   /* floe_mux_name.of_part */
            floe_list touched; /* in mux->touched */
        };
        struct {              /* of a trunk */
            floe_alarm alarm; /* on mux->times */
            floe_time begun;
            uint32_t version; /* of the list of interfaces that it has gathered on */
            bool complete;
            bool asks;           /* not all that it asks has been asked */
            floe_outputs errors; /* floe_told_error.output: what this gathering has told of it */
            uint32_t error_count;
            bool erred; /* so had the one before, which this one, of a change, does not ask again */
            bool apart; /* another user has this server by the mux's sockets: it has its own */
            bool leaving; /* nobody has its server any more */
        };
    };
} floe_part;

/* That a member has a trunk's server. */
typedef struct floe_link {
    floe_list of_member;
    floe_list of_trunk;
    floe_part *member;
    floe_part *trunk;
    bool reflexive; /* the server's own trunk is apart: this one asks it what the NAT shows */
    bool wanted;    /* by the member's latest gathering */
    bool hurries;   /* the member waits no longer */
    bool told;      /* it has been told that the URL fails (E2) */
    uint32_t heard; /* so many of its errors the member has been told, or does not want to be */
    bool late; /* it has joined a gathering that had begun before: its failures are not its own */
} floe_link;

/* A channel or a look-up: whose it is. */
typedef struct floe_end {
    floe_table_node by_number;
    floe_list of_part;   /* or in mux->orphans */
    floe_list of_socket; /* in socket->ends */
    floe_part *part;
    floe_mux_socket *socket; /* NULL: the channel is the part's alone */
    uint32_t number;
    bool is_query;
} floe_end;

struct floe_mux_socket {
    floe_list link; /* in mux->sockets */
    floe_list todo; /* in mux->todo, while it is to be opened or closed */
    floe_address local;
    floe_ring ends;
    uint32_t channel; /* the driver's */
    bool stream;      /* it listens for TCP */
    floe_ring guests; /* floe_guest.link: who has connected, and has not said to whom */
    unsigned guest_count;
    bool open;
    bool closing;
    bool blocked;
    floe_error error; /* why it cannot be opened */
};

struct floe_mux {
    floe_share share;
    floe_core face;
    floe_core_shared *shared;
    floe_list busy;    /* floe_share.ready */
    floe_list touched; /* members whose drivers have something to poll */
    floe_list todo;    /* floe_mux_socket.todo */
    floe_list
        orphans; /* floe_end.of_part: channels of a part that is freed, which are to be closed */
    floe_ring sockets;
    floe_ring members;
    floe_ring trunks;
    floe_agenda times; /* floe_part.alarm */
    floe_table ends;
    floe_table claims; /* floe_claim.node */
    floe_table guests; /* floe_guest.by_channel */
    floe_agenda guest_times;
    floe_list guests_over; /* floe_guest.todo: their connections are to be closed */
    uint8_t *replayed;     /* what a guest had said, while the member reads it */
    floe_table names;      /* floe_mux_name.node */
    floe_table routes;     /* floe_route.node */
    floe_table sent;       /* floe_sent.node */
    uint32_t last_part;
    floe_lane lane;                     /* of trunks for which there was no memory for another */
    floe_time next_request;             /* RFC 8445 §14.2: of all trunks together */
    floe_interface_address *interfaces; /* the latest list, its names behind it */
    size_t interface_count;
    uint32_t version;    /* of that */
    floe_part *receiver; /* a member that has a packet to give */
    floe_part *arriving; /* a trunk that may have some */
    floe_core *owner;    /* of the packet that was given last */
    uint32_t sending;    /* the channel of whose SEND was polled last */
    bool told_closed;
};

static inline floe_part *floe_part_of(const floe_core *core)
{
    return FLOE_CONTAINER(core->share, floe_part, share);
}

/* ── mux.c: parts, sockets, outputs ── */

/* NULL without memory. */
floe_part *floe_part_new(floe_mux *mux, floe_core *core, floe_share_part kind);
/* All trunks end, and the members' sockets go with them; then the state CLOSED is told. */
void floe_mux_close(floe_mux *mux, floe_time now);

/* NULL without memory, or randomness. */
floe_mux *floe_mux_new(floe_core_shared *shared);
void floe_mux_free(floe_mux *mux);
/* The core becomes a member; FLOE_ERR_INVALID_ARGUMENT: another has its username fragment. */
floe_error floe_mux_join(floe_mux *mux, floe_core *core);
/* It asks nobody and has nothing arriving any more; its sockets go as its outputs say. */
void floe_mux_leave(floe_part *member, floe_time now);
/* It is about to be freed. */
void floe_part_free(floe_part *part);
void floe_part_touch(floe_part *part);
/* What the trunk asks is paced with what is asked for the member. */
void floe_trunk_take_lane(floe_part *trunk, floe_part *member);
/* The channel is the part's from now on; NULL without memory. */
floe_end *floe_end_new(floe_part *part, uint32_t number);
/* It is over. A socket that nobody has any more is closed. */
void floe_end_free(floe_end *end);
floe_end *floe_end_of(const floe_mux *mux, uint32_t number);
/* That of the part by this socket; NULL: it has none. */
floe_end *floe_end_on(const floe_part *part, const floe_mux_socket *socket);
floe_mux_socket *floe_mux_socket_of_channel(const floe_mux *mux, uint32_t channel);
bool floe_mux_poll(floe_mux *mux, floe_time now, const floe_core_output **output);
/* What could not be opened may be this time. */
void floe_mux_try_again(floe_mux *mux);
/* What can be opened at once is. */
void floe_mux_open_now(floe_part *member, floe_time now);
void floe_mux_opened(floe_mux *mux, floe_time now, uint32_t channel, const floe_address *local);
void floe_mux_open_failed(floe_mux *mux, floe_time now, uint32_t channel, floe_error error);

/* ── trunk.c: what is asked, and what comes of it ── */

/* The core of the member's n-th trunk; NULL: there are no more. */
const floe_core *floe_member_asks(const floe_share *share, size_t n);
/* floe_share.hurry and .supply. */
bool floe_member_hurries(floe_share *share, floe_time now, const floe_server *server);
void floe_member_is_supplied(floe_share *share, floe_time now);
/* A socket has been opened there: those that have gathered without gather again. */
void floe_trunks_look_again(floe_mux *mux, floe_time now, const floe_address *local);
/* The member gathers on these: its servers are asked, or have been. */
void floe_mux_serve(floe_part *member, floe_time now, const floe_interface_address *list,
                    size_t count);
/* The member is about to follow the network (N1): first its trunks do, those that have not by another's word; and
 * whoever they ask for anew gathers. */
void floe_mux_follow(floe_part *member, floe_time now, const floe_interface_address *list,
                     size_t count);
/* It has: it waits for those that ask for it, and is given what they have. */
void floe_mux_followed(floe_part *member, floe_time now);
/* Gives the member what its trunks have: a base of it has been opened. */
void floe_member_supply(floe_part *member, floe_time now);
/* The member lets go of what no server of its own shows any more. */
void floe_member_settle(floe_part *member, floe_time now);
void floe_trunk_forget_errors(floe_part *trunk);
/* The trunk is about to go: nobody has it any more. */
void floe_trunk_forget_links(floe_part *trunk);
/* Its members look whether all has been asked by now (L14). */
void floe_trunk_asks(floe_part *trunk, floe_time now);
void floe_trunk_unlink(floe_link *link, floe_time now);
/* Whether the output is the driver's. */
bool floe_trunk_output(floe_part *trunk, floe_time now, const floe_core_output *output);
floe_error floe_member_send(floe_part *member, floe_time now, uint32_t candidate_id,
                            const floe_address *peer, const void *data, size_t size);
/* As floe_gatherer_doubt, of what its trunks keep. */
void floe_member_doubt(floe_part *member, floe_time now, uint32_t candidate_id);
/* A packet has come by a trunk's relay. */
void floe_trunk_packet(floe_part *trunk, floe_time now, const floe_packet *packet);

/* ── guest.c: who connects by TCP (H4) ── */

/* By which channel; 0: there is no room for him. */
uint32_t floe_mux_accept(floe_mux *mux, floe_time now, uint32_t channel,
                         const floe_address *remote);
/* Bytes came by this channel, none: it has ended. Whether it is a guest's. */
bool floe_guest_says(floe_mux *mux, floe_time now, uint32_t channel, const void *data, size_t size);
/* Those that have said nothing in time go. */
void floe_guests_time(floe_mux *mux, floe_time now);
/* Whether one's connection is to be closed: that is the driver's next work. */
bool floe_guests_poll(floe_mux *mux, floe_core_output *output);
/* The socket goes. */
void floe_guests_leave(floe_mux *mux, floe_mux_socket *socket);
void floe_guests_free(floe_mux *mux);

/* ── route.c: who hears what arrives ── */

/* A path by which packets come: a socket, or a trunk's relay. */
uint64_t floe_scope_of_socket(const floe_mux_socket *socket);
uint64_t floe_scope_of_relay(const floe_part *trunk, uint32_t id);
/* The part may have the session with this address; of a trunk: a server is there. */
void floe_route_claim(floe_part *part, floe_time now, uint64_t scope, const floe_address *remote,
                      floe_claim_kind by);
/* The trunk has sent this there: if it asks for an allocation, no other may have one there. */
void floe_route_note(floe_part *trunk, uint64_t scope, const floe_address *remote, floe_span data);
/* floe_share.taken. */
bool floe_trunk_is_beside(const floe_share *share, uint32_t channel, const floe_address *server);
void floe_routes_forget(floe_part *part);
/* The member that is at the other end of it; NULL: none, or it cannot be told which. */
floe_part *floe_route_member(const floe_mux *mux, floe_time now, uint64_t scope,
                             const floe_address *remote);
/* Calls for each trunk whose server is there, until one says true. */
bool floe_route_trunks(const floe_mux *mux, uint64_t scope, const floe_address *remote,
                       bool (*call)(floe_part *part, void *data), void *data);
/* The part has sent this: its answer is for it. */
void floe_sent_note(floe_part *part, floe_time now, floe_span data);
/* An answer of ours: anybody can have us send one. */
bool floe_sent_is_answer(const void *data, size_t size);
/* All of the part's. */
void floe_sent_forget(floe_part *part);
/* Whose request this is, which comes back; NULL: nobody's. */
floe_part *floe_sent_by(const floe_mux *mux, floe_span data);
/* Whose request this answers; NULL: nobody's, or it is no answer. */
floe_part *floe_sent_answered(const floe_mux *mux, floe_span data);
/* FLOE_ERR_INVALID_ARGUMENT: another has the name. */
floe_error floe_name_add(floe_part *member, const char *username_fragment, floe_mux_name **reserve);
/* Room for one that is not known yet: with it a member that has a name gets another for sure. NULL: no memory. */
floe_mux_name *floe_name_reserve(const floe_part *member);
void floe_name_release(const floe_part *member, floe_mux_name *reserve);
/* Whether the owner's own one, if any, is no other's. */
floe_error floe_name_is_free(const floe_part *member, const floe_restart_options *options);
void floe_names_leave(floe_part *member);
/* Whose request this is, if a member's: by its USERNAME. */
floe_part *floe_name_asked(const floe_mux *mux, floe_span data);
bool floe_mux_datagram(floe_mux *mux, floe_time now, uint32_t channel, const floe_address *source,
                       const void *data, size_t size);
bool floe_mux_packet(floe_mux *mux, floe_time now, const floe_packet **packet);
/* The member has taken a packet: a check of its own says who is there. */
void floe_member_heard(floe_part *member, floe_time now, uint64_t scope);

#endif

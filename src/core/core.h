/* A gatherer, as its rooms share it: each has its lists and counts here, and knows its own and those of the rooms
 * below it. tools/check-layers holds the sections against the sources: no room names a field of a higher one. */
#ifndef FLOE_CORE_CORE_H
#define FLOE_CORE_CORE_H

#include "base/assert.h"
#include "base/list.h"
#include "base/ring.h"
#include "base/time.h"
#include "base/tree.h"
#include "core/outbox/outbox.h"
#include "core/types.h"
#include "stun/key.h"

#include <floe/core.h>

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

/* What few credentials have: a key, and texts of the owner's (L16) that are longer than floe's own. */
typedef struct floe_credentials_more {
    uint32_t users;     /* both components may have the same */
    floe_stun_key *key; /* of the password; NULL: not made yet */
    char *password;     /* NULL: the texts are not longer */
    char username_fragment[];
} floe_credentials_more;

/* What the other side proves to have been told of us (RFC 8445 §5.3). */
typedef struct floe_credentials {
    char username_fragment[9];
    char password[25];
    bool used;                   /* a check has come by them */
    uint32_t number;             /* which of the gatherer's they are, from 1; 0: there are none */
    floe_credentials_more *more; /* NULL: nothing */
} floe_credentials;

/* Its connections to servers. */
typedef struct floe_connections {
    floe_list all;
    floe_tree by_channel;       /* floe_connection.by_channel */
    floe_agenda times;          /* floe_connection.alarm */
    floe_agenda asks;           /* floe_tcp_mapping.alarm */
    floe_connection *receiving; /* whose bytes are not used up yet */
} floe_connections;

/* L10: what is found before it is asked for. */
typedef struct floe_pool {
    floe_outputs held;  /* events that nobody has asked for yet */
    floe_output output; /* GATHERING too: a pool's may wait while the next begins */
} floe_pool;

/* What came for the owner by the latest input of bytes. */
typedef struct floe_arrival {
    floe_packet packet;
    floe_check *check; /* the latest; NULL: none has come */
    uint32_t check_by; /* the number of the credentials that it is by; 0: of none */
    bool repeats;      /* the packet is data by a base's socket: more like it are the owner's too */
    uint32_t as_of;    /* core->settled of then */
} floe_arrival;

struct floe_core {
    /* ── outbox ── */
    floe_core_shared *shared;
    floe_share *share; /* NULL: it is of no mux */
    floe_outputs outputs;
    floe_pool *pool;             /* NULL: there was none */
    floe_output complete_output; /* COMPLETE, then END_OF_CANDIDATES */
    floe_output memory_output;
    floe_unreached *unreached; /* FLOE_UNREACHED_MAX of them; NULL: there was none yet */
    floe_time started;
    uint8_t policy; /* a floe_gather_policy */
    uint8_t types;  /* floe_gather_type, joined, whatever the policy; P8 */
    bool pooled;    /* gathering has begun before it was asked for: the owner sees a new gatherer */
    uint32_t sender; /* the candidate by which the owner sends at the moment */

    /* ── server ── */
    floe_server_set *set;

    /* ── candidate ── */
    floe_ring bases;
    floe_ring found;
    floe_tree channels;   /* floe_base.by_channel */
    floe_tree ips;        /* floe_base.by_ip */
    floe_tree addresses;  /* floe_found.by_address */
    floe_tree priorities; /* floe_found.by_priority */
    uint32_t run_first;   /* all priorities from this one down are taken, */
    uint32_t run_end;     /* before this one */
    uint16_t base_counts[FLOE_BASE_COUNTS];
    uint32_t last_channel;
    uint32_t last_id;
    floe_core *associated; /* the other component's (L13); NULL: none, or it is gone */
    floe_credentials credentials;
    floe_credentials
        *former; /* before the latest restart, until the new ones have been used; NULL: none */
    uint8_t foundation_secret[16];
    floe_output writable_output; /* of those that are floe_found.writable, one after another */
    uint16_t base_count;
    uint16_t component;
    bool wants_packets;
    bool interfaces_known;

    /* ── socket ── */
    bool connections_ended;
    floe_connections *connections; /* NULL: there was none yet */

    /* ── source ── */
    uint32_t generation; /* counts restarts, from 1 */
    bool relays_changed; /* one has come or ended (floe_base.unsettled) */
    uint8_t state;       /* a floe_gatherer_state */
    const floe_source_listener *listener;
    floe_ring relays;
    floe_agenda times; /* floe_relay.alarm; what it has set counts them */
    floe_ring touched; /* floe_relay.touched */
    floe_ring left;    /* floe_relay.of_left */
    floe_ring paced;
    floe_agenda agenda; /* floe_binding.alarm */
    floe_time next_request;

    /* ── plan ── */
    floe_network *network; /* what is known of its changes; NULL: nobody has asked for that */
    floe_ring pairs;
    floe_agenda starts;          /* floe_pair.alarm */
    floe_tree untold;            /* floe_pair.untold, in the order in which they were made */
    floe_server_set *coming_set; /* for the gathering that has just begun (L12); NULL: as it is */
    floe_server_set *next_set;   /* for the one after it */
    floe_ring retired;
    floe_output list_error_output;
    floe_time give_up;      /* the gather timeout */
    floe_time services_end; /* when look-ups for services are; never: none began */
    floe_time grace; /* when stragglers are given up; never: nobody has answered for them yet */
    floe_duration gathering; /* how long the last one took; zero: it is not complete */
    uint32_t pairs_pending;
    uint32_t last_pair;
    uint32_t last_kept; /* pairs up to this one are of before a change of the network */
    uint32_t last_query;
    uint8_t list_error; /* a floe_error, negated: why the list of interfaces is not to be had */
    bool interfaces_asked : 1; /* the output was polled */
    bool made_up : 1;          /* for time in which the program stood still */
    bool gathered : 1;         /* something may be alive from an earlier gathering */

    /* ── gatherer ── */
    bool pool_wanted : 1; /* gathering begins before it is asked for */
    bool has_packet : 1;
    bool has_associated : 1;
    void *user; /* its driver's own */
    floe_output list_output;
    floe_output new_output; /* NEW, or CLOSED, behind which nothing comes */
    floe_output gathering_output;
    floe_credentials *in_use; /* of before `former`, by which the other side went on; NULL: none */
    uint32_t settled;         /* so many inputs may have changed what arrives where */
    floe_arrival *arrival;    /* NULL: its owner has never wanted packets */
#ifdef FLOE_ASSERTS
    floe_time latest; /* that the driver has said */
#endif
};

static inline bool floe_core_is(const floe_core *core, floe_share_part part)
{
    return core->share != NULL && core->share->part == part;
}

/* Whose sockets are a mux's, and whose servers are asked by trunks. */
static inline bool floe_core_is_member(const floe_core *core)
{
    return floe_core_is(core, FLOE_SHARE_MEMBER);
}

/* Who asks a server for members: what is found is theirs to tell, by their rules. */
static inline bool floe_core_is_trunk(const floe_core *core)
{
    return floe_core_is(core, FLOE_SHARE_TRUNK);
}

static inline const char *floe_username_fragment(const floe_credentials *credentials)
{
    const floe_credentials_more *more = credentials->more;

    return more != NULL && more->password != NULL ? more->username_fragment
                                                  : credentials->username_fragment;
}

static inline const char *floe_password(const floe_credentials *credentials)
{
    const floe_credentials_more *more = credentials->more;

    return more != NULL && more->password != NULL ? more->password : credentials->password;
}

/* The driver's clock never goes back (floe/core.h). */
static inline void floe_core_is_told(floe_core *core, floe_time now)
{
#ifdef FLOE_ASSERTS
    FLOE_ASSERT(floe_time_reached(now, core->latest));
    core->latest = now;
#else
    (void)core;
    (void)now;
#endif
}

#endif

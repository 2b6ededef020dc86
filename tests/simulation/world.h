/* Inside the simulation: the world's state, shared by world.c, server.c and check.c. */
#ifndef FLOE_SIMULATION_WORLD_H
#define FLOE_SIMULATION_WORLD_H

#include "sim.h"

#include "base/address.h"
#include "stun/writer.h"

/* So often an owner of one interface may be told within a minute that a server is full. */
#define SIM_FULL_MAX 32

#define PACKET_MAX 2400

typedef enum sim_event_kind {
    SIM_EVENT_TO_SERVER,
    SIM_EVENT_TO_CLIENT,
    SIM_EVENT_UNREACHABLE,
    SIM_EVENT_RESOLVED,
    SIM_EVENT_ACTION,
    SIM_EVENT_REMAP,
    SIM_EVENT_CONNECTED,   /* a connection stands */
    SIM_EVENT_STREAM_UP,   /* bytes of a connection, at the server */
    SIM_EVENT_STREAM_DOWN, /* at the client; none: the server has ended it */
    SIM_EVENT_BROKEN,      /* a connection was reset */
    SIM_EVENT_WRITABLE,    /* one that was blocked is so no more */
    SIM_EVENT_FROM_PEER,   /* a packet at a relayed address */
    SIM_EVENT_CHANGE,      /* the world changes (change.h), as also by all that follow */
    SIM_EVENT_EPISODE,
    SIM_EVENT_OPENED,
    SIM_EVENT_LISTED,
    SIM_EVENT_PEER_CONNECTS,
    SIM_EVENT_NETWORK, /* the system says that it has changed */
} sim_event_kind;

typedef struct sim_event {
    uint64_t at; /* ns */
    uint64_t order;
    sim_event_kind kind;
    size_t server;
    uint32_t channel;
    size_t life; /* of which gatherer the channel is */
    uint32_t query;
    uint8_t family;
    floe_address from;
    floe_address to;
    floe_unreachable reason;
    const sim_action *action;
    floe_dns_record record;
    size_t size;
    uint8_t data[PACKET_MAX];
} sim_event;

typedef struct sim_socket {
    uint32_t channel;
    floe_address local;
    size_t interface;
    bool open;
    bool opening; /* the driver has not answered yet */
    bool blocked; /* it takes no more for now */
    bool stream;
    bool listens;        /* for connections; then it is a stream too */
    floe_address remote; /* of a stream */
} sim_socket;

typedef struct sim_association sim_association; /* stream.c */
typedef struct sim_direct sim_direct;           /* direct.c */

/* A connection to the proxy, until it leads to a server (proxy.c). */
typedef struct sim_tunnel {
    unsigned step;
    size_t used;
    uint8_t in[2048];
} sim_tunnel;

typedef enum sim_tunnel_result {
    SIM_TUNNEL_WAITS,
    SIM_TUNNEL_IS_OPEN,
    SIM_TUNNEL_ENDS,
} sim_tunnel_result;

typedef struct sim_mapping {
    floe_address inside;
    floe_address towards; /* zero parts that do not count for the NAT's kind */
    floe_address outside;
    floe_address allowed[16]; /* whom it has sent to: for filtering */
    size_t allowed_count;
    size_t interface;
    bool dead;         /* forgotten by the NAT */
    bool came_back;    /* it was, and the NAT has gone back to it */
    uint64_t last_out; /* when a packet went out by it */
} sim_mapping;

typedef struct sim_allocation {
    size_t server;
    floe_address client;
    floe_address relayed[2]; /* family none: that one it has not */
    uint64_t expires;
    uint64_t permitted[2]; /* until when, each peer (world_peer) */
    uint64_t bound[2];
    uint16_t channels[2];
    floe_stun_id id;       /* of the Allocate that made it */
    floe_stun_id moved_by; /* the Refresh that moved it last */
    uint32_t ticket;       /* RFC 8016; 0: it has none */
    bool tcp;              /* RFC 6062 */
    bool strange;          /* left by somebody else: 437 */
    uint64_t made;
    size_t life;          /* of whose gatherer */
    bool other;           /* of the other user */
    bool cut_short;       /* its channel took no more when it was closed, and so no release */
    unsigned asked;       /* families that its Allocate asked for */
    uint64_t reservation; /* the token of the port above its own; 0: that is not kept */
} sim_allocation;

/* A port that waits for who shows its token. */
typedef struct sim_reservation {
    size_t server;
    uint64_t token;
    floe_address relayed;
    uint64_t expires;
} sim_reservation;

/* One that was released by its client (Refresh with a lifetime of 0). */
typedef struct sim_release {
    sim_allocation of;
    uint64_t at;
    bool judged;
} sim_release;

/* How many nonces for one use a server has given a client. */
typedef struct sim_counter {
    size_t server;
    floe_address client;
    unsigned count;
} sim_counter;

/* A peer's connection at a relayed address, which waits to be bound (RFC 6062 §5.3). */
typedef struct sim_offer {
    size_t server;
    uint32_t id; /* 0: it is bound */
    bool greets; /* the peer has connected, and says hello once it can */
} sim_offer;

typedef struct sim_transaction {
    floe_stun_id id;
    uint16_t method;
    floe_address local;
    floe_address to;
    unsigned sends;
    uint64_t last_sent;
    unsigned renamed; /* so many sends of it had gone by other ids */
    bool answered;
} sim_transaction;

#define SOCKETS_MAX 1024
#define MAPPINGS_MAX 1024
#define ALLOCATIONS_MAX 256
#define TRANSACTIONS_MAX 1024

typedef struct sim_world sim_world;

struct sim_world {
    const sim_config *config;
    sim_report *report;
    sim_seen *seen; /* of the gatherer at hand */
    FILE *trace;
    seeded_random random;  /* the network's */
    seeded_random secrets; /* the core's */
    counting_allocator *memory;
    uint64_t now; /* ns */
    uint64_t started;
    uint64_t order;
    sim_event **events; /* a heap by (at, order) */
    size_t event_count;
    size_t event_room;
    floe_core_shared *shared;
    floe_core *core;
    floe_core *mux;                  /* has the core's sockets; NULL: it has them itself */
    bool closing;                    /* floe_core_close was called */
    char published[SOCKETS_MAX][80]; /* names */
    size_t published_count;
    sim_socket sockets[SOCKETS_MAX];
    size_t socket_count;
    sim_mapping mappings[MAPPINGS_MAX];
    size_t mapping_count;
    uint16_t next_port;
    uint32_t next_ticket;
    sim_allocation allocations[ALLOCATIONS_MAX];
    size_t allocation_count;
    sim_reservation reservations[64]; /* the latest */
    size_t reservation_count;
    sim_release releases[64]; /* the first */
    size_t release_count;
    sim_offer offers[256];
    size_t offer_count;
    unsigned allocated[SIM_SERVERS_MAX];
    sim_counter one_use_nonces[1024];
    size_t one_use_nonce_count;
    sim_transaction transactions[TRANSACTIONS_MAX];
    size_t transaction_count;
    uint64_t last_new_transaction;
    unsigned proxy_refusals; /* words of the proxy that it does not connect */
    sim_association *associations;
    sim_direct *directs;
    uint32_t reading; /* the connection that bytes come from; 0: none */
    size_t life;      /* counts the gatherers */
    unsigned open_failures_left[SIM_INTERFACES_MAX];
    bool down[SIM_INTERFACES_MAX];
    size_t steps;                 /* of this gatherer */
    floe_gather_policy policy;    /* of the gathering at hand */
    floe_gather_policy coming[8]; /* of those that have begun and are not told yet */
    size_t coming_count;
    floe_gather_policy next_policy;
    uint32_t servers;              /* which of them the options name, bit by bit */
    bool said_no[SIM_SERVERS_MAX]; /* it has refused an Allocate for good (RFC 8656 §7.4) */
    uint64_t full_at[SIM_SERVERS_MAX][SIM_FULL_MAX]; /* so it has answered lately, in a ring */
    size_t full_count[SIM_SERVERS_MAX];
    bool lied[SIM_SERVERS_MAX]; /* it has said of what stands that it does not, or is not ours */
    unsigned restarts[SIM_SERVERS_MAX]; /* with a restart nonces are forgotten */
    void (*on_packet)(sim_world *world, const floe_packet *packet);
    struct sim_changing_world *change; /* NULL: the world is one of those that do not change */
};

/* In a world that changes there are several gatherers, and a channel is told apart by its upper
 * bits: those of its gatherer's life. */
#define SIM_LIFE_SHIFT 24

static inline uint32_t core_channel(uint32_t channel)
{
    return channel & ((1U << SIM_LIFE_SHIFT) - 1);
}

static inline floe_time world_time(const sim_world *world)
{
    return (floe_time){world->now};
}

/* Whose the sockets, connections and look-ups are. */
static inline floe_core *world_io(const sim_world *world)
{
    return world->mux != NULL ? world->mux : world->core;
}

static inline uint64_t world_ms(const sim_world *world)
{
    return (world->now - world->started) / 1000000;
}

void world_trace(sim_world *world, const char *format, ...) FLOE_PRINTF(2, 3);
/* Records the first broken invariant. */
void world_violated(sim_world *world, const char *format, ...) FLOE_PRINTF(2, 3);
/* A packet from a server's address to an outside address, at the server's distance. */
void world_answer(sim_world *world, size_t server, const floe_address *from, const floe_address *to,
                  floe_span data);
/* By UDP, whatever the server's transport. */
void world_answer_datagram(sim_world *world, size_t server, const floe_address *from,
                           const floe_address *to, floe_span data);
sim_event *world_add_event(sim_world *world, sim_event_kind kind, uint64_t at);
/* One that was taken happens then. */
void world_put_back(sim_world *world, sim_event *event, uint64_t at);
/* The next that happens; there is one. */
sim_event *world_take_event(sim_world *world);
/* What it does to whom: servers, connections, look-ups. */
void world_happen(sim_world *world, const sim_event *event);
/* Gives the core at hand the interfaces. */
void world_list_interfaces(sim_world *world);
/* Those that the latest input brought. */
void world_take_packets(sim_world *world);
/* How long a packet takes to the server. */
uint64_t world_one_way(sim_world *world, size_t server);
sim_socket *world_socket(sim_world *world, uint32_t channel);
/* Which server is there; `refuses`: it is, and says that nobody listens. */
size_t world_server_at(const sim_world *world, const floe_address *remote, bool *refuses);
/* A datagram leaves, as far as the way goes. */
void world_send_from(sim_world *world, sim_socket *socket, const floe_core_output *output);
/* A connection: refused, accepted, or without an answer. */
void world_connect(sim_world *world, sim_socket *socket);
/* The interface with that address, one that is up if it can be; `interface_count`: none has it. */
size_t world_interface_with(const sim_world *world, const floe_address *local);
/* Entries of one name are one interface. */
uint32_t world_interface_index(const sim_config *config, size_t n);
/* The inside address that a packet is for; false when the NAT drops it. */
bool world_map_inwards(const sim_world *world, const floe_address *from, floe_address *to);
bool world_mapping_is_dead(const sim_world *world, const floe_address *outside);
/* A segment leaves by a connection's mapping, which goes on for that (RFC 5382 §5, RFC 6146
 * §3.5.2); false: the NAT has forgotten it. */
bool world_use_mapping(sim_world *world, const floe_address *outside);
/* Whose time OpenSSL is told; NULL: the real one. */
void world_set_clock(const sim_world *world);
/* Somebody out there who sends back what comes; one for each family. */
floe_address world_peer(unsigned n);
/* 0 or 1; 2: it is none of them. */
unsigned world_peer_of(const floe_address *address);
floe_address server_address(const sim_world *world, size_t server);
/* Of that family, if it has one. */
floe_address server_address_for(const sim_world *world, size_t server, uint8_t family);
bool server_first_address(const sim_world *world, size_t server, floe_address *address);
/* Before it moved. */
bool server_was_at(const sim_world *world, size_t server, const floe_address *address);
/* A message came to a server. */
void server_receive(sim_world *world, size_t server, const floe_address *client, floe_span data);
/* A packet of a peer came to a relayed address. */
void server_from_peer(sim_world *world, const sim_event *event);
/* The access token of that number and its MAC key. */
#define SIM_TOKEN_SIZE 40
void sim_token(unsigned number, char token[static SIM_TOKEN_SIZE], char key[static SIM_TOKEN_SIZE]);
/* A peer was refused by 403. */
void world_peer_refused(sim_world *world, size_t server, unsigned peer);
/* It is started anew: allocations and nonces are forgotten. */
void server_restarts(sim_world *world, size_t server);
/* The connection of its client was closed, and the allocation with it. */
void server_forget(sim_world *world, size_t server, const floe_address *client);
/* Of a server for UDP what is being served has come by TCP (stream.c). */
bool stream_is_served(void);
/* Streams, TLS and DTLS (stream.c). False: the server is not of that kind. */
bool association_answer(sim_world *world, size_t server, const floe_address *client,
                        floe_span data);
bool association_receive(sim_world *world, size_t server, const floe_address *client,
                         floe_span data);
/* From now on the connection is a peer's, who sends back what it gets; first it says so much, if
 * anything. */
void association_bind(sim_world *world, size_t server, const floe_address *client,
                      floe_span greeting);
void associations_free(sim_world *world);
/* Who stands behind the address that a server sees: behind one of the proxy's, its client. */
const floe_address *stream_client(const sim_world *world, const floe_address *seen);
/* Whether what is sent on it is for the proxy itself. */
bool stream_is_for_proxy(const sim_world *world, uint32_t channel);
/* All that lead by the proxy break. */
void streams_by_proxy_break(sim_world *world);
/* The proxy (proxy.c). Of that family; none: it has none, or there is no proxy. */
floe_address proxy_address(const sim_world *world, uint8_t family);
bool proxy_is_at(const sim_world *world, const floe_address *remote);
/* Bytes came to it; what it says is in `answer` (512), to which server it connects in `server`. */
sim_tunnel_result proxy_receive(sim_world *world, sim_tunnel *tunnel, floe_span data,
                                uint8_t *answer, size_t *size, size_t *server);
/* Nobody is told the proxy's password, and only servers that ask are shown an access token. */
void check_secrets(sim_world *world, const char *whose, floe_span data);
void stream_open(sim_world *world, sim_socket *socket, size_t server, bool refused,
                 const floe_address *client);
/* Not `up`: it is swallowed on the way, and so is all that comes behind it: a stream has no holes.
 */
void stream_send(sim_world *world, const sim_socket *socket, floe_span data, bool up);
bool stream_reaches(sim_world *world, uint32_t channel, bool up);
void stream_up(sim_world *world, const sim_event *event);
void stream_close(sim_world *world, uint32_t channel);
/* All connections of the server break, or those alone whose way was cut. */
void streams_break(sim_world *world, size_t server, bool cut_alone);
/* Peers by TCP (direct.c): those that will connect to what listens; one does. */
void direct_listens(sim_world *world, const sim_socket *listener);
void direct_connects(sim_world *world, const sim_event *event);
/* A connection to a peer; false: there is none. */
bool direct_open(sim_world *world, const sim_socket *socket, bool refuses);
/* False: the connection is with no peer. */
bool direct_send(sim_world *world, const sim_socket *socket, floe_span data, bool up);
bool direct_close(sim_world *world, uint32_t channel);
bool direct_is(const sim_world *world, uint32_t channel);
void directs_free(sim_world *world);
/* A packet came for the owner; and time has passed. */
void check_direct(sim_world *world, const floe_packet *packet);
void check_directs(sim_world *world);
/* The outputs, as they are polled. */
void check_candidate(sim_world *world, const floe_candidate *candidate);
void check_withdrawn(sim_world *world, const floe_candidate *candidate);
void check_error(sim_world *world, const floe_candidate_error *error);
/* The old generation is over: nothing of it is told any more. */
void check_restarted(sim_world *world);
void check_state(sim_world *world, enum floe_gatherer_state state);
/* Somebody else has it. */
bool forget_name(sim_world *world, const char *name);
void check_published(sim_world *world, const floe_core_output *output);
/* The owner sent this on a candidate; and got this. */
void check_opened(sim_world *world);
void check_sent(sim_world *world, sim_seen_candidate *candidate);
void check_packet(sim_world *world, const floe_packet *packet);
void check_send(sim_world *world, const sim_socket *socket, const floe_address *to, floe_span data);
/* What has come was not dropped. */
void check_answered(sim_world *world, const floe_address *from, floe_span data);
/* When the gatherer has had its time; and when it has been closed. */
void check_before_close(sim_world *world);
/* Of gatherer n: what the model says must be there, and nothing else. */
void check_model(sim_world *world, size_t n);
void check_end(sim_world *world);

#endif

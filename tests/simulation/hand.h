/* What is kept, lost, and had again, told by hand: a clock, one function that plays all servers, and a
 * log of what the owner sees. Each test is a story that a world of the simulator may also happen upon;
 * here it is told on purpose. */
#ifndef FLOE_SIMULATION_HAND_H
#define FLOE_SIMULATION_HAND_H

#include "support.h"

#include "base/address.h"
#include "base/time.h"
#include "stun/writer.h"

#include <floe/core.h>

#define CHANNELS 256
#define SERVERS 40

/* What a server does with a request. */
typedef enum doing {
    ANSWERS,
    SILENT,
    REFUSES, /* 403 */
    FORGOT,  /* 437 to what is not an Allocate */
    STUNNED, /* ICMP port unreachable */
    UNKNOWN, /* 420 */
    FAMILY,  /* 440 */
    FULL,    /* 486 */
    SAYS,    /* its `code` */
    FORGES,  /* 437 that nobody has signed, which is not to be believed */
} doing;

struct hand;

typedef struct server {
    /* It answers itself, or not; false: as below. NULL: likewise. */
    bool (*plays)(struct hand *h, uint32_t channel, struct server *by,
                  const floe_stun_message *request);
    const char *address;
    const char *mapped;
    doing binding;
    doing allocate;
    doing refresh;
    doing permission;
    doing release;   /* a Refresh with lifetime 0 */
    size_t bindings; /* that came */
    size_t allocates;
    size_t refreshes;   /* that keep */
    size_t releases;    /* Refreshes with lifetime 0 */
    bool wished;        /* the latest Allocate was for both families */
    size_t wishes;      /* so many were */
    bool even;          /* and for a pair of ports */
    bool shows_nothing; /* no mapped address in the answer to an Allocate */
    bool alone;         /* and it ignores that: it gives IPv6 to who asks for it alone */
    bool swaps;         /* it gives the family that nobody has asked for */
    bool external;      /* it has one external address, of IPv4, and names that for IPv6, too */
    bool gives_both;    /* addresses of both families, in one allocation, to who asks for them */
    doing both;         /* what it does with who asks for both */
    doing ipv6;         /* and with who asks for IPv6 alone */
    doing tcp;          /* and for a relay for TCP (RFC 6062) */
    uint32_t deaf_to;   /* the channel that it does not hear; 0: none */
    uint32_t forgets;   /* the channel whose Refresh it answers by 437; 0: none */
    uint32_t former;    /* the channel by which another user's allocation stands; 0: none */
    const char *former_user; /* who may delete that; NULL: nobody of ours */
    unsigned port;           /* of the next relayed address */
    size_t strangers;        /* so many Allocates meet another's allocation: 437 */
    bool holds;              /* it has one of ours still: 437 to Allocate until that is released */
    bool guarded;            /* it wants to know who asks, and signs no errors */
    bool signs;              /* but it does */
    const char *alternate;   /* to whom it sends who asks for a relay; NULL: to nobody */
    bool ends_at_once;       /* it says LIFETIME 0 to a Refresh that asks for more (node-turn) */
    bool tickets;            /* its allocations move (RFC 8016) */
    uint16_t code;           /* where it SAYS one */
    uint16_t room_for_one;   /* as long as one stands, another is refused by this code; 0: never */
    bool twice;              /* the network doubles its answers */
    bool deaf;               /* or loses them */
    bool no_pairs;    /* 508 to EVEN-PORT, from where its allocations are nowhere then (coturn) */
    uint32_t nowhere; /* that channel; 0: none */
} server;

typedef struct hand {
    counting_allocator memory;
    seeded_random random;
    floe_core_shared *shared;
    floe_core *core;
    floe_time now;
    server servers[SERVERS];
    size_t server_count;
    bool open[CHANNELS];
    bool stream[CHANNELS]; /* it is a connection */
    size_t sockets;        /* that are open */
    uint16_t next_port;
    bool deprecated;          /* the first interface's address */
    const char *places[3];    /* that a server's name leads to; none: it is not known */
    const char *const *leads; /* the name leads to the next of three each time; NULL: it does not */
    const char *service;      /* the one target of the domain's services; NULL: it has none */
    const char *unheard;      /* a better one, of whose address nothing is heard */
    bool two_ports;           /* that target is at two */
    bool no_services;         /* questions for them go unanswered, those for addresses do not */
    size_t look_ups;
    bool late_names;     /* questions for addresses wait for the test to answer them */
    uint32_t queries[2]; /* these, one for each family */
    size_t query_count;
    bool no_list;      /* LIST_INTERFACES is not answered */
    bool no_interface; /* or with none */
    bool two_interfaces;
    bool one_port;                      /* a second socket is not to be had */
    bool no_tcp;                        /* connections do not come about */
    bool second_alone;                  /* the first has no address any more */
    const char *ipv6;                   /* the first interface's other address; NULL: none */
    const char *ip;                     /* the first interface's; NULL: host_ip */
    const floe_interface_address *list; /* what there is instead of these; NULL: these */
    size_t list_count;
    size_t lists;          /* as often it was asked for */
    bool list_fails;       /* there is none for now */
    bool taken;            /* another program has the ports */
    bool not_there;        /* sockets are not to be had: the address has gone meanwhile */
    bool states;           /* are logged */
    size_t sent[CHANNELS]; /* packets */
    size_t data;           /* packets to the peers that went out */
    uint8_t packet[256];   /* the latest */
    size_t packet_size;
    floe_stun_id refresh; /* the latest */
    floe_stun_id allocate;
    floe_stun_id binding; /* the latest */
    floe_stun_id bindings[2 * SERVERS];
    size_t binding_count;
    char name[64]; /* that was published last */
    char log[2048];
    char trace[1024];        /* what went out */
    uint32_t last[5];        /* ids, by type */
    floe_withdrawal gone[5]; /* why the latest of a type was withdrawn */
    size_t unreached;        /* as often was told */
    size_t errors;
    bool url_failed; /* as the latest error says */
    char error[512];
    floe_core_output output;
} hand;

void deliver(hand *h, uint32_t channel, const server *from, const floe_stun_writer *writer);
void refuse(hand *h, uint32_t channel, const server *by, const floe_stun_message *request,
            uint16_t code);
void succeed(hand *h, uint32_t channel, server *by, const floe_stun_message *request);
doing count(server *by, const floe_stun_message *request);
void answer_look_up(hand *h, uint32_t query);
void take(hand *h);
void settle(hand *h);
/* So many milliseconds pass, from deadline to deadline. */
void pass(hand *h, uint64_t milliseconds);
void read_log(hand *h, const char *wanted);
floe_gather_options options_of(floe_ice_server *ice, const char *const *urls, size_t count,
                               const char *user);
server *with(hand *h, const char *address, const char *mapped);
void set_with(hand *h, const char *const *urls, size_t count, floe_gather_policy policy);
void set(hand *h, const char *const *urls, size_t count);
void gather(hand *h);
void make(hand *h, const char *const *urls, size_t count, floe_settings settings);
void end(hand *h);
uint32_t channel_by_stream(const hand *h);
void all(server *by, doing does);
void restart(hand *h);
/* So many are listed. */
size_t candidates_of(const hand *h, floe_candidate_type type);
/* Whether it was said. */
bool says(const hand *h, const char *word);
extern const floe_settings defaults;
extern const char *const turn_url[];
extern const char *const both_urls[];
extern const char *const named_url[];
extern const char *const stun_urls[];
/* What most stories begin with: one server, which has given all that it has; nothing of it is read. */
server *begin_with_relay(hand *h, const char *const *urls);
/* Two servers by one name, of which the first has given its relay, and the other what the first, silent
 * at a restart, did not. */
void begin_with_two(hand *h, const char *const *urls, size_t count);
/* A server by name, at its first address, has given a relay, and is silent there. */
server *lose_a_named_server(hand *h, const char *const *urls, floe_settings settings);
void set_user(hand *h, const char *const *urls, const char *user);
/* Both families of the interface, and so many addresses of the name. */
void begin_dual(hand *h, const char *const *places, size_t count, size_t has);

#endif

/* What the gatherers of one api share: their settings, checked, and accounts at TURN servers. */
#ifndef FLOE_CORE_CONFIG_SHARED_H
#define FLOE_CORE_CONFIG_SHARED_H

#include "base/list.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/time.h"
#include "core/text/url.h"
#include "core/types.h"
#include "proxy/proxy.h"
#include "secure/secure.h"
#include "turn/account.h"

#include <floe/core.h>

/* The name of an interface, once for all bases on it. */
typedef struct floe_interface_name {
    floe_list link; /* in shared->interface_names */
    size_t users;
    char text[];
} floe_interface_name;

/* A server's URL, once for all gatherers that have it. */
typedef struct floe_shared_url {
    floe_list link; /* in shared->urls */
    size_t users;
    floe_url url;
    char texts[]; /* that it was given as, then its host */
} floe_shared_url;

/* Enough for any request that the core makes. */
#define FLOE_CORE_DATA_SIZE 4608

/* What an output points to. */
struct floe_core_room {
    floe_candidate candidate;
    floe_candidate_error error;
    char address[FLOE_ADDRESS_TEXT_SIZE];
    char related_address[FLOE_ADDRESS_TEXT_SIZE];
    char text[512];
    char name[80];
    uint8_t data[FLOE_CORE_DATA_SIZE];
};

struct floe_core_shared {
    floe_allocator allocator;
    floe_random random;
    floe_duration gather_timeout; /* ns UINT64_MAX: never */
    floe_duration straggler_grace;
    floe_duration pacing;
    floe_duration rto;
    floe_duration keepalive;
    uint16_t port_min; /* 0: the kernel chooses */
    uint16_t port_max;
    uint32_t network_types; /* floe_network_type, joined */
    uint32_t addresses_max; /* of a family; P7 */
    uint8_t ip_handling;    /* a floe_ip_handling */
    uint8_t mdns_mode;      /* a floe_mdns_mode */
    bool ice_lite;
    bool loopback;
    bool link_local;
    bool avoid_costly_networks;
    bool tcp_simultaneous_open;
    bool tcp_reflexive;
    bool service_discovery;
    bool trace;
    uint8_t trace_level; /* a floe_trace_level */
    char *mdns_name;     /* that the owner gave; NULL: one is made for each address */
    floe_rewrite *rewrites;
    size_t rewrite_count;
    floe_secure_context *secure; /* NULL: no server wants it yet */
    uint8_t *plain;              /* room for what TLS decrypts; with `secure` */
    floe_proxy_server *proxy;    /* NULL: none */
    bool trust_promised;         /* the driver reads the system's authorities */
    size_t queue_limit;          /* bytes that wait to be sent on one way */
    bool insecure;               /* certificates are not checked */
    bool insecure_told;          /* and the trace has been told so */
    bool refuse_low_ports;
    bool mobility;
    bool dont_fragment;
    bool muxed;            /* gatherers share their sockets */
    bool tcp_muxed;        /* and listen together for TCP */
    uint16_t udp_mux_port; /* 0: the kernel chooses; and the next */
    uint16_t tcp_mux_port;
    uint32_t last_number;           /* of a channel or look-up, where cores share a driver's */
    floe_mux *mux;                  /* NULL: none was asked for, or nobody has needed it */
    uint64_t dropped;               /* packets that were not believed */
    floe_list accounts;             /* floe_turn_account.link */
    floe_list interface_names;      /* floe_interface_name.link; none that nobody uses */
    floe_list urls;                 /* floe_shared_url.link; likewise */
    floe_core_output output;        /* that was polled last */
    struct floe_trace_node *traced; /* the event that it points to; NULL: none */
    struct floe_core_room room;
};

/* The next number of a kind; `last` is the core's own. Those of a mux are told apart by it. */
static inline uint32_t floe_shared_number(floe_core_shared *shared, uint32_t *last)
{
    return shared->muxed ? ++shared->last_number : ++*last;
}

/* RFC 8828 §5.2, mode 4: nothing leaves but through the proxy. */
static inline bool floe_proxy_only(const floe_core_shared *shared)
{
    return shared->ip_handling == FLOE_IP_HANDLING_PROXY_ONLY;
}

/* Its cores and its mux are gone. NULL is fine. */
void floe_shared_free(floe_core_shared *shared);

/* H1: whether candidates for UDP, or for TCP, are gathered on addresses of this family. */
static inline bool floe_gathers_udp(const floe_core_shared *shared, uint8_t family)
{
    return (shared->network_types &
            (family == FLOE_FAMILY_IPV4 ? FLOE_NETWORK_TYPE_UDP4 : FLOE_NETWORK_TYPE_UDP6)) != 0;
}

static inline bool floe_gathers_tcp(const floe_core_shared *shared, uint8_t family)
{
    return (shared->network_types &
            (family == FLOE_FAMILY_IPV4 ? FLOE_NETWORK_TYPE_TCP4 : FLOE_NETWORK_TYPE_TCP6)) != 0;
}

/* P5: a random port of the range, and how many are left of it; 0 and 0: any. */
void floe_shared_choose_port(const floe_core_shared *shared, uint16_t *port, uint16_t *left);
/* The next in the range, round its end. */
uint16_t floe_shared_next_port(const floe_core_shared *shared, uint16_t port);

/* The account of this user at this server, with a reference for the caller. */
floe_error floe_shared_account(floe_core_shared *shared, const floe_url *url, const char *username,
                               const char *credential, const floe_turn_token *token,
                               floe_turn_account **account);

/* The same URL, with a reference for the caller; NULL without memory. */
const floe_url *floe_shared_url_of(floe_core_shared *shared, const floe_url *url);
/* NULL is fine. */
void floe_shared_forget_url(const floe_core_shared *shared, const floe_url *url);

/* The longest name of an interface that is told. */
#define FLOE_INTERFACE_NAME_MAX 31U

/* With a reference for the caller; NULL without memory. A longer one is cut. */
floe_interface_name *floe_shared_interface_name(floe_core_shared *shared, const char *text);
/* NULL is fine. */
void floe_shared_forget_interface_name(floe_core_shared *shared, floe_interface_name *name);

#endif

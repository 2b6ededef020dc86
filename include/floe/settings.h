/* Settings of an api: what all its gatherers have in common (Pion's SettingEngine). */
#ifndef FLOE_SETTINGS_H
#define FLOE_SETTINGS_H

#include <floe/address.h>
#include <floe/allocator.h>
#include <floe/export.h>
#include <floe/rewrite.h>
#include <floe/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

/** Value of a time setting: no limit. */
#define FLOE_NEVER UINT32_MAX
/** Value of a count setting: no limit. */
#define FLOE_UNLIMITED UINT32_MAX

/** Value of settings.udp_mux_port and tcp_mux_port: any port. */
#define FLOE_ANY_PORT UINT32_MAX

/** How much a trace event matters. */
typedef enum floe_trace_level {
    /** Of settings.trace_level alone: the events of requests and their answers, which are those from
     *  FLOE_TRACE_SENT to FLOE_TRACE_WARNING. */
    FLOE_TRACE_LEVEL_DEFAULT = 0,
    /** Something failed: it was refused, unreachable, not found, or not answered. floe goes on with
     *  what else there is, so this need not mean that gathering fails. */
    FLOE_TRACE_LEVEL_ERROR = 1,
    /** Something was left out, was not believed, or is not as it should be. */
    FLOE_TRACE_LEVEL_WARNING = 2,
    /** A step on the way to a server: a name, a connection, TLS. */
    FLOE_TRACE_LEVEL_INFO = 3,
    /** A request or an answer. */
    FLOE_TRACE_LEVEL_PACKET = 4
} floe_trace_level;

/** What happened on the network. Each kind has one level, but an answer can have two. */
typedef enum floe_trace_kind {
    FLOE_TRACE_SENT = 1,       /**< a request went out for the first time */
    FLOE_TRACE_SENT_AGAIN = 2, /**< a retransmission went out */
    FLOE_TRACE_RECEIVED = 3,   /**< an answer that floe accepted */
    FLOE_TRACE_DROPPED = 4,    /**< a packet that floe did not accept: detail says why */
    FLOE_TRACE_UNREACHABLE =
        5,                   /**< the network or the kernel says that the server is unreachable */
    FLOE_TRACE_GAVE_UP = 6,  /**< a transaction ended without an answer */
    FLOE_TRACE_LEFT_OUT = 7, /**< an address that is not gathered on: detail says why */
    FLOE_TRACE_WARNING = 8,  /**< something that the application should know: detail says what */
    FLOE_TRACE_LOOKS_UP = 9, /**< `name` is looked up */
    FLOE_TRACE_FOUND = 10,   /**< what was found for `name`: detail has the addresses or records */
    /** There is nothing for `name`, or no name server answers: detail says why. A name without
     *  services, or with addresses of one family alone, is usual and has the level "info". */
    FLOE_TRACE_NOT_FOUND = 11,
    /** A TCP connection is opened to `remote`, which is the server or the proxy. */
    FLOE_TRACE_CONNECTS = 12,
    FLOE_TRACE_CONNECTED = 13, /**< the TCP connection is open */
    FLOE_TRACE_PROXIED = 14,   /**< the proxy has connected to the server `name` */
    /** TLS or DTLS is ready: detail has the version, the certificate, how it was checked for `name`,
     *  and whether an earlier session was resumed. */
    FLOE_TRACE_SECURED = 15,
    /** A connection was refused (by the server, the proxy, or the check of the certificate), took
     *  too long, or broke: detail says why. */
    FLOE_TRACE_FAILED = 16,
    /** A connection that had not failed was closed: by floe, unless detail says otherwise. */
    FLOE_TRACE_CLOSED = 17
} floe_trace_kind;

/** One event. It never has a password, a key, or the proxy's user. Pointers are valid during the callback. Only the library makes this
 *  struct; later releases append fields. */
typedef struct floe_trace_event {
    floe_trace_kind kind;
    /** Time since the call of gather. */
    floe_duration elapsed;
    floe_address local;
    floe_address remote;
    /** STUN method (RFC 8489 §18.2): "Binding", "Allocate", "Refresh"; "" if the packet is not
     *  STUN. Of a look-up: "A", "AAAA", "SRV", "NAPTR". Of a connection: "TCP", "TLS", "DTLS". */
    const char *method;
    /** STUN error code of an error response; otherwise 0. */
    uint16_t code;
    /** Size of the STUN message in bytes; 0 if there is none. */
    uint32_t bytes;
    /** How many times the transaction's request has been sent. */
    uint32_t sends;
    /** Time from the first send to the answer; 0 if there is none. How long the look-up took, or
     *  the connection since it was begun. */
    floe_duration round_trip;
    uint8_t transaction_id[12];
    /** The server's URL, or NULL. */
    const char *url;
    /** Why a packet was dropped, and so on (see floe_trace_kind); otherwise "". */
    const char *detail;
    /** Never FLOE_TRACE_LEVEL_DEFAULT. */
    floe_trace_level level;
    /** Of a look-up: the name. Of a connection: the server's host, which the certificate is checked
     *  for. Otherwise NULL. */
    const char *name;
    /** The realm of an error response, in ASCII (other bytes are '?'); otherwise NULL. */
    const char *realm;
} floe_trace_event;

/** "sent", "sent again", "received", "dropped", "unreachable", "gave up", "left out", "warning",
 *  "looks up", "found", "not found", "connects", "connected", "proxied", "secured", "failed",
 *  "closed". Threads: any. */
FLOE_EXPORT const char *floe_trace_kind_name(floe_trace_kind kind);
/** "error", "warning", "info", "packet". Threads: any. */
FLOE_EXPORT const char *floe_trace_level_name(floe_trace_level level);

/** Networks to gather on (Pion NetworkType). Join them with |. */
typedef enum floe_network_type {
    FLOE_NETWORK_TYPE_UDP4 = 1,
    FLOE_NETWORK_TYPE_UDP6 = 2,
    /** Host candidates for TCP (RFC 6544), active and passive: the passive one listens. And relays
     *  for TCP (RFC 6062), active and passive, in addition to those for UDP. They come from TURN
     *  servers that are reached over TCP or TLS and that offer it. */
    FLOE_NETWORK_TYPE_TCP4 = 4,
    FLOE_NETWORK_TYPE_TCP6 = 8 /**< the same over IPv6 */
} floe_network_type;

/** Which addresses others may see: the modes of RFC 8828 §5.2. */
typedef enum floe_ip_handling {
    /** Mode 1: all. */
    FLOE_IP_HANDLING_ALL = 0,
    /** Mode 2: the addresses that the kernel's default routes use, and what servers see of them. */
    FLOE_IP_HANDLING_DEFAULT_ROUTE_AND_LOCAL = 1,
    /** Mode 3: only what servers see of the default routes; none of this machine's own addresses.
     */
    FLOE_IP_HANDLING_DEFAULT_ROUTE_ONLY = 2,
    /** Mode 4: only through settings.proxy. So no UDP at all, and relay candidates only from TURN
     *  servers over TCP and TLS. Every other server is an error that says why it is not asked;
     *  without a proxy, all servers are. The only traffic outside the proxy is the look-up of the
     *  proxy's own name. */
    FLOE_IP_HANDLING_PROXY_ONLY = 3
} floe_ip_handling;

/** Multicast DNS (Pion MulticastDNSMode; draft-ietf-mmusic-mdns-ice-candidates). */
typedef enum floe_mdns_mode {
    /** The peer's .local names can be looked up. */
    FLOE_MDNS_MODE_QUERY = 0,
    /** No multicast DNS. */
    FLOE_MDNS_MODE_OFF = 1,
    /** In addition, host candidates show a name instead of their address. floe answers for the name
     *  on the local links as long as the gatherer lives. */
    FLOE_MDNS_MODE_QUERY_AND_GATHER = 2
} floe_mdns_mode;

/** All zeros (or FLOE_SETTINGS_INIT) means all defaults. */
typedef struct floe_settings {
    /** sizeof(floe_settings), set by FLOE_SETTINGS_INIT; 0 means the size in the first release. */
    size_t size;
    /** The libuv loop to run on; NULL: the api has its own loop and thread. The thread that calls
     *  floe_api_new must be the one that runs the loop. No callback ever runs inside a call to
     *  floe: each runs from within uv_run. What is sent waits in a queue until the loop runs.
     *  Writes of the library never cause a signal (SIGPIPE), on any thread. */
    struct uv_loop_s *loop;
    /** Memory functions; NULL: malloc. Copied. */
    const floe_allocator *allocator;
    /** After this time gathering is complete, and servers that have not answered have failed. 1 to
     *  3,600,000 ms; 0: 5,000; FLOE_NEVER: no limit. */
    uint32_t gather_timeout_ms;
    /** How long to wait for servers that are still silent once others have answered. 1 to 3,600,000
     *  ms; 0: 500; FLOE_NEVER: until the gather timeout. */
    uint32_t straggler_grace_ms;
    /** Ta: the time between two new STUN transactions of a gatherer (RFC 8445 §14.2). Gatherers of
     *  one api are not paced together: if many start at once, the application can spread them. 5 to
     *  10,000 ms; 0: 5. */
    uint32_t pacing_ms;
    /** The first retransmission timeout of STUN over UDP (RFC 8445 §14.3 requires at least 500).
     *  500 to 60,000 ms; 0: 500. */
    uint32_t rto_ms;
    /** Tr: how often a binding is kept alive (RFC 8445 §11 requires at least 15 s; shorter times
     *  are for NATs that forget sooner). It is also how often floe asks a relay's server with a
     *  Refresh (RFC 8656 §8) whether the allocation still exists, as it is gone after a restart of
     *  the server. 1,000 to 3,600,000 ms; 0: 15,000. */
    uint32_t keepalive_ms;
    /** The local ports to use, both ends included, of sockets for UDP and of those that listen for
     *  TCP. 0: no limit (min alone: up to 65535; max alone: from 1024). min above max is an error. */
    uint16_t port_min;
    uint16_t port_max;
    /** Gather on loopback addresses too. Servers on loopback are asked from them, and floe accepts
     *  loopback addresses in what servers answer. */
    bool loopback;
    /** Gather on link-local IPv6 addresses too. They are useful only on the same link. */
    bool link_local;
    /** Called for every packet and every end of a transaction, and for what else `trace_level` asks
     *  for, for troubleshooting; NULL: none. It runs on the loop thread, under the same rules as every other callback, with one exception:
     *  what a closing gatherer sends is reported after floe_gatherer_close has returned. The gather
     *  policy does not hide addresses from it. */
    void (*on_trace)(void *user_data, const floe_trace_event *event);
    void *trace_user_data;
    /** The floe_network_type values to gather on, joined with |; 0: UDP, both families. On a family
     *  that has TCP alone, no UDP socket is opened, and servers are asked over TCP and TLS only. */
    uint32_t network_types;
    /** Decides which interfaces to gather on: true keeps the interface with that name. NULL: all.
     *  If an address is not kept, nothing derived from it (reflexive, relay) is gathered either. It
     *  runs on the loop thread at every gathering, under the same rules as every other callback.
     *  The core alone (floe/core.h) does not call it and uses the driver's list as it is. */
    bool (*interface_filter)(void *user_data, const char *interface_name);
    /** Decides which addresses to gather on, in the same way. Called for the addresses of the
     *  interfaces that are kept. */
    bool (*ip_filter)(void *user_data, const floe_address *address);
    /** Passed to both filters. */
    void *filter_user_data;
    /** RFC 8445 §2.5: only host candidates; servers are not asked. */
    bool ice_lite;
    /** Which addresses others may see. */
    floe_ip_handling ip_handling;
    /** The largest number of local addresses of each family to gather on. floe takes the best by
     *  kind of adapter and scope, spread over the kinds. 0: 16; FLOE_UNLIMITED: all. */
    uint32_t addresses_max;
    /** Leave out cellular networks while a wired or wireless one has an address. An interface of
     *  unknown kind (a bridge, or a container's) does not count for this. */
    bool avoid_costly_networks;
    /** For URLs without a port: look for SRV records, and for turn(s) URLs without a transport also
     *  S-NAPTR records, before the addresses of the host (RFC 8489 §8.1, RFC 5928). The transports
     *  in S-NAPTR are tried in the order of the records. For turns, only secure transports are
     *  tried. With a proxy, only UDP and DTLS are tried, because no connection may bypass the
     *  proxy. If S-NAPTR names no transport, the URL's default is tried. */
    bool service_discovery;
    floe_mdns_mode mdns_mode;
    /** The name to show, "LABEL.local"; NULL: a random one for each address. Give each program its
     *  own name: two programs on one machine are two hosts to multicast DNS (RFC 6762 §9). If they
     *  have the same name and different addresses, one keeps the name, and the other takes a random
     *  one. Copied. */
    const char *mdns_name;
    /** Addresses to show instead of other addresses, or in addition to them. Copied. */
    const floe_address_rewrite_rule *address_rewrite_rules;
    size_t address_rewrite_rule_count;
    /** The older form of these rules (Pion NAT1To1IPs): "EXTERNAL" or "EXTERNAL/LOCAL", at most 64.
     *  Each "EXTERNAL/LOCAL" becomes a rule with `local`. One more rule without `local` has all
     *  external addresses. An error together with address_rewrite_rules. Copied. */
    const char *const *nat_1to1_ips;
    size_t nat_1to1_ip_count;
    /** Host (the default, 0) or srflx. */
    floe_candidate_type nat_1to1_candidate_type;
    /** TLS and DTLS to servers (RFC 8489 §6.2.3). Certificates are checked against the URL's host,
     *  with the system's trust store or with the authorities in this PEM file. Lists of revoked
     *  certificates (CRLs) in the file are used too, RFC 5280 §6.3: if the file has an authority's
     *  list, a certificate of that authority is refused if the list contains it or has expired.
     *  floe does not fetch lists or ask OCSP responders over the network. Files are read when the
     *  api is made; their names are copied. A file that may never end (a pipe, a device) is an
     *  error. If SSL_CERT_FILE, OpenSSL's variable for the system's file, names such a file, it
     *  counts as missing. */
    const char *tls_ca_file;
    /** Our own certificate with its chain, and its key, as PEM files; NULL: none. */
    const char *tls_certificate_file;
    const char *tls_key_file;
    /** SHA-256, in hex, of the only certificate that is trusted, whoever signed it. Colons may
     *  stand between the bytes. NULL: no certificate is pinned. */
    const char *tls_fingerprint;
    /** Check no certificates. Anybody on the path can then read and change what goes to TURN
     *  servers, including the digest of the password. The trace has one warning about it. */
    bool tls_insecure;
    /** "http://[USER:PASSWORD@]HOST[:PORT]" (CONNECT, RFC 9110) or "socks5://…" (RFC 1928, 1929):
     *  the proxy for TURN servers over TCP and TLS. It also looks up their names. UDP and DTLS do
     *  not go through it; FLOE_IP_HANDLING_PROXY_ONLY turns them off. NULL: none. Copied. */
    const char *proxy;
    /** How many bytes may wait on one socket before floe_gatherer_send returns FLOE_ERR_QUEUE_FULL.
     *  4,096 to 67,108,864; 0: 262,144. */
    uint32_t send_queue_size;
    /** Refuse TURN servers on ports below 1024 other than 53, 80 and 443. For programs that get
     *  their URLs from strangers, who could otherwise make them talk to other services (browsers do
     *  the same). */
    bool refuse_low_ports;
    /** Ask TURN servers for allocations that survive a change of our address (RFC 8016). When the
     *  address is gone, the relay moves to another address of its family at the next gathering, and
     *  is otherwise unchanged. A server that refuses this (405) costs a round trip, so it is off by
     *  default. */
    bool mobility;
    /** Send packets that no router may fragment (DONT-FRAGMENT, RFC 8656 §14, §18.9; see RFC 4821
     *  for finding the MTU of the path). A packet that is too large for the first link is lost.
     *  Relays then use Send indications, because ChannelData cannot carry this. If a server does
     *  not support it, its relay works without it. */
    bool dont_fragment;
    /** Memory of an api for what its sockets bring, shared by all of them, and for what is sent at
     *  once. It is allocated when the first socket is opened. Much data at once is read with one
     *  system call for each 65,536 bytes of it. 65,536 to 2,097,152; 0: 262,144. */
    uint32_t receive_buffer_size;
    /** Which events on_trace gets: those of this level and of the lower ones, which matter more.
     *  FLOE_TRACE_LEVEL_ERROR: errors alone; FLOE_TRACE_LEVEL_PACKET: all. */
    floe_trace_level trace_level;
    /** "NAME:ADDRESS": the addresses of hosts that are not looked up. A name may stand several times,
     *  once for each of its addresses; if it has none of a family, it has no address of this family.
     *  For example, to ask one of the servers behind a name: TLS still checks the certificate for the
     *  name. SRV and NAPTR records are looked up all the same; a proxy looks up the server's name
     *  itself. The core alone (floe/core.h) does not use them. Copied. */
    const char *const *host_addresses;
    size_t host_address_count;
    /** All gatherers of the api share one UDP socket for each local address, on this port: 1 to
     *  65,535; FLOE_ANY_PORT: the system chooses one for each address; 0 (the default): each gatherer
     *  has sockets of its own. What arrives is told apart by the username fragment, the transaction,
     *  or the remote address (RFC 8445 §7.2.2); what cannot be told apart is dropped and counted. Each
     *  server is asked once for all gatherers that have it, with the same credentials: they share the
     *  relay, too. Gatherers under a mux have one component (no associated gatherer, no even_port), and
     *  no host candidates for TCP. */
    uint32_t udp_mux_port;
    /** Where network_types asks for TCP: host candidates for simultaneous-open too (RFC 6544 §4.1),
     *  with the port of the passive ones. A send from such a one connects from this port, while the
     *  peer does the same. */
    bool tcp_simultaneous_open;
    /** As udp_mux_port, for host candidates over TCP, where network_types asks for TCP: one listening
     *  socket for each local address. The first thing that comes by a connection must be a check of one
     *  of the gatherers, within 5 s; 64 connections to a socket that have not shown one are kept at
     *  most. Active candidates connect from any port, as without it. 0 (the default): none; then
     *  gatherers under udp_mux_port have no host candidates over TCP. With tcp_mux_port alone, the
     *  sockets for UDP are shared too, on any port. */
    uint32_t tcp_mux_port;
    /** Where network_types asks for TCP: server reflexive candidates for TCP too (RFC 6544 §5.2),
     *  passive ones, and for simultaneous-open if these are gathered. Each stun: server is also asked
     *  over TCP from the port of the passive host candidate, and the connection is kept: the candidate
     *  stands on it. Most STUN servers on the Internet serve UDP alone: that one does not answer over
     *  TCP is no error. Not under a mux, nor with a proxy. Default: no. */
    bool tcp_reflexive;
} floe_settings;

#define FLOE_SETTINGS_INIT FLOE_INIT(floe_settings)

/**
 * What FLOE_SETTINGS_INIT does, as a function: for an assignment in C, and for other languages. All
 * becomes zero except for the struct's own `size`.
 *
 * @param size  sizeof(floe_settings), as the caller was compiled with it.
 *
 * Threads: any.
 */
FLOE_EXPORT void floe_settings_init(floe_settings *settings, size_t size);

#ifdef __cplusplus
}
#endif
#endif

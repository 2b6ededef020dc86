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

/** Value of a time setting: without limit. */
#define FLOE_NEVER UINT32_MAX
/** Value of a count setting: all. */
#define FLOE_UNLIMITED UINT32_MAX

/** What happened on the wire. */
typedef enum floe_trace_kind {
    FLOE_TRACE_SENT = 1,       /**< a request went out for the first time */
    FLOE_TRACE_SENT_AGAIN = 2, /**< a retransmission went out */
    FLOE_TRACE_RECEIVED = 3,   /**< an answer that was believed */
    FLOE_TRACE_DROPPED = 4,    /**< a packet that was not: detail says why */
    FLOE_TRACE_UNREACHABLE =
        5,                   /**< the network or the kernel says that the server can't be reached */
    FLOE_TRACE_GAVE_UP = 6,  /**< a transaction ended without an answer */
    FLOE_TRACE_LEFT_OUT = 7, /**< an address that is not gathered on: detail says why */
    FLOE_TRACE_WARNING = 8   /**< something that the owner should know: detail says what */
} floe_trace_kind;

/** One event of a transaction. Pointers are valid during the callback. */
typedef struct floe_trace_event {
    floe_trace_kind kind;
    /** Since the call of gather. */
    floe_duration elapsed;
    floe_address local;
    floe_address remote;
    /** STUN method (RFC 8489 §18.2): "Binding", "Allocate", "Refresh"; "" if the packet is no STUN.
     */
    const char *method;
    /** STUN error code of an error response; else 0. */
    uint16_t code;
    /** Bytes of STUN message; 0 if none. */
    uint32_t bytes;
    /** How often the transaction's request has been sent. */
    uint32_t sends;
    /** From the first send to the answer; 0 if there is none. */
    floe_duration round_trip;
    uint8_t transaction_id[12];
    /** The server's URL, or NULL. */
    const char *url;
    /** Why a packet was dropped; else "". */
    const char *detail;
} floe_trace_event;

/** "sent", "sent again", "received", "dropped", "unreachable", "gave up",
 *  "left out", "warning". Threads: any. */
FLOE_EXPORT const char *floe_trace_kind_name(floe_trace_kind kind);

/** Networks to gather on (Pion NetworkType); to be joined by |. */
typedef enum floe_network_type {
    FLOE_NETWORK_TYPE_UDP4 = 1,
    FLOE_NETWORK_TYPE_UDP6 = 2,
    /** Relays for TCP (RFC 6062), active and passive, beside those for UDP, by TURN servers that
     * are reached by TCP or TLS and offer it. No host candidates over TCP in this release. */
    FLOE_NETWORK_TYPE_TCP4 = 4,
    FLOE_NETWORK_TYPE_TCP6 = 8 /**< likewise */
} floe_network_type;

/** Which addresses may be shown to others: the modes of RFC 8828 §5.2. */
typedef enum floe_ip_handling {
    /** Mode 1: all. */
    FLOE_IP_HANDLING_ALL = 0,
    /** Mode 2: those that the kernel's default routes use, and what servers see of them. */
    FLOE_IP_HANDLING_DEFAULT_ROUTE_AND_LOCAL = 1,
    /** Mode 3: only what servers see of the default routes; no address of this machine itself. */
    FLOE_IP_HANDLING_DEFAULT_ROUTE_ONLY = 2,
    /** Mode 4: nothing but through settings.proxy; so no UDP at all, and relay candidates by TURN
     *  servers over TCP and TLS alone. Each other server is an error that says why it is not asked,
     *  as all are without a proxy. What is still asked outside of the proxy is its own name. */
    FLOE_IP_HANDLING_PROXY_ONLY = 3
} floe_ip_handling;

/** Multicast DNS (Pion MulticastDNSMode; draft-ietf-mmusic-mdns-ice-candidates). */
typedef enum floe_mdns_mode {
    /** The other side's .local names can be looked up. */
    FLOE_MDNS_MODE_QUERY = 0,
    /** No multicast DNS. */
    FLOE_MDNS_MODE_OFF = 1,
    /** And host candidates show a name instead of their address, answered on the local links for
     *  as long as the gatherer lives. */
    FLOE_MDNS_MODE_QUERY_AND_GATHER = 2
} floe_mdns_mode;

/** All zeros (or FLOE_SETTINGS_INIT) means all defaults. */
typedef struct floe_settings {
    /** sizeof(floe_settings), set by FLOE_SETTINGS_INIT; 0 is taken as the first release's. */
    size_t size;
    /** The libuv loop to run on; NULL: a loop and a thread of the api's own. The calling thread of
     *  floe_api_new is taken to be the one that runs the loop. No callback ever runs inside of a
     *  call to floe: each runs from within uv_run. What is sent waits in a queue until the loop
     *  runs. No signal comes of what the library writes (SIGPIPE), whichever thread it is. */
    struct uv_loop_s *loop;
    /** Memory; NULL: malloc. Copied. */
    const floe_allocator *allocator;
    /** After so long gathering is complete, and what has not answered has failed. 1 to 3,600,000
     * ms; 0: 5,000; FLOE_NEVER: no limit. */
    uint32_t gather_timeout_ms;
    /** How long servers still silent are waited for once others have answered for them. 1 to
     *  3,600,000 ms; 0: 500; FLOE_NEVER: until the gather timeout. */
    uint32_t straggler_grace_ms;
    /** Ta: the time between two new STUN transactions of a gatherer (RFC 8445 §14.2). Gatherers of
     * one api are not paced together: where many begin at once, their owner may spread them. 5 to
     * 10,000 ms; 0: 5. */
    uint32_t pacing_ms;
    /** The first retransmission timeout of STUN over UDP (RFC 8445 §14.3 asks for at least 500).
     *  500 to 60,000 ms; 0: 500. */
    uint32_t rto_ms;
    /** Tr: how often a binding is kept alive (RFC 8445 §11 asks for at least 15 s; less is
     * for NATs that forget sooner), and how often
     * the server of a relay is asked by Refresh (RFC 8656 §8) whether it has the allocation still:
     * one that was restarted has not. 1,000 to 3,600,000 ms; 0: 15,000. */
    uint32_t keepalive_ms;
    /** Local ports to use, both ends included. 0: no bound (min alone: up to 65535; max alone: from
     *  1024). min above max is an error. */
    uint16_t port_min;
    uint16_t port_max;
    /** Gather on loopback addresses too, from which servers on loopback are asked, and believe
     *  servers that name one. */
    bool loopback;
    /** Gather on link-local IPv6 addresses too: of use on the same link only. */
    bool link_local;
    /** Every packet and every end of a transaction, for those who look for a fault; NULL: none.
     * Runs on the loop thread, under the rules of every other callback, but that what a closing
     * gatherer sends is told after floe_gatherer_close has returned. Addresses are not hidden from
     * it by the gather policy. */
    void (*on_trace)(void *user_data, const floe_trace_event *event);
    void *trace_user_data;
    /** The floe_network_type values to gather on, joined by |; 0: UDP, both families. TCP is asked
     *  for beside UDP, never alone. */
    uint32_t network_types;
    /** Which interfaces to gather on: true keeps the one of that name. NULL: all. Whatever is
     * derived from an address that is not kept (reflexive, relay) is not gathered either. Runs on
     * the loop thread at every gathering, under the rules of every other callback; the core alone
     *  (floe/core.h) does not call it: there the owner's list is taken as it is. */
    bool (*interface_filter)(void *user_data, const char *interface_name);
    /** Which addresses, likewise; asked for those of interfaces that are kept. */
    bool (*ip_filter)(void *user_data, const floe_address *address);
    /** For both. */
    void *filter_user_data;
    /** RFC 8445 §2.5: host candidates only; servers are not asked. */
    bool ice_lite;
    /** Which addresses to show. */
    floe_ip_handling ip_handling;
    /** At most so many local addresses of each family are gathered on: the best by kind of adapter
     *  and scope, spread over the kinds. 0: 16; FLOE_UNLIMITED: all. */
    uint32_t addresses_max;
    /** Leave out cellular networks while a wired or wireless one has an address; an interface of
     *  unknown kind (a bridge, a container's) is no reason to. */
    bool avoid_costly_networks;
    /** URLs without a port: look for SRV, and for turn(s) without a transport S-NAPTR, before the
     *  host's addresses (RFC 8489 §8.1, RFC 5928). The transports that S-NAPTR names are tried in
     *  its order, for turns: the secure ones alone, and through no proxy; where it names none, the
     *  URL's default is. */
    bool service_discovery;
    floe_mdns_mode mdns_mode;
    /** The name to show, "LABEL.local"; NULL: a random one for each address. Give each program its
     *  own: two on one machine are two to multicast DNS (RFC 6762 §9), and where their addresses
     *  differ one keeps the name, while the other takes a random one. Copied. */
    const char *mdns_name;
    /** Addresses to show instead of others, or beside them. Copied. */
    const floe_address_rewrite_rule *address_rewrite_rules;
    size_t address_rewrite_rule_count;
    /** The older way to say it (Pion NAT1To1IPs): "EXTERNAL" or "EXTERNAL/LOCAL", at most 64: each
     * of the latter is a rule with `local`; then one rule for all has all externals. Not together
     *  with address_rewrite_rules. Copied. */
    const char *const *nat_1to1_ips;
    size_t nat_1to1_ip_count;
    /** Host (the default, 0) or srflx. */
    floe_candidate_type nat_1to1_candidate_type;
    /** TLS and DTLS to servers (RFC 8489 §6.2.3). Certificates are checked against the URL's host
     * by the system's trust store, or by the authorities in this PEM file. Lists of revoked
     * certificates (CRLs) in it count, RFC 5280 §6.3: what is of an authority whose list is there is
     * refused if that has it, or has expired. No list and no OCSP responder is asked for by the
     * network. Files are read when the api is made; their names are copied. What may never end (a
     * pipe, a device) is an error; as SSL_CERT_FILE, OpenSSL's name of the system's, it is missing. */
    const char *tls_ca_file;
    /** Our own certificate with its chain, and its key: PEM files; NULL: none. */
    const char *tls_certificate_file;
    const char *tls_key_file;
    /** SHA-256 of the one certificate that is trusted, whoever signed it, in hex; colons may stand
     *  between the bytes. NULL: none is pinned. */
    const char *tls_fingerprint;
    /** Check no certificate: anybody on the way can read and change what goes to TURN servers, the
     *  password's digest among it. The trace is warned once. */
    bool tls_insecure;
    /** "http://[USER:PASSWORD@]HOST[:PORT]" (CONNECT, RFC 9110) or "socks5://…" (RFC 1928, 1929):
     *  TURN servers by TCP and TLS are reached through it, and it looks up their names. UDP and
     * DTLS do not go through it; FLOE_IP_HANDLING_PROXY_ONLY keeps them from going at all. NULL:
     * none. Copied. */
    const char *proxy;
    /** How many bytes may wait to be sent on one socket before floe_gatherer_send returns
     *  FLOE_ERR_QUEUE_FULL. 4,096 to 67,108,864; 0: 262,144. */
    uint32_t send_queue_size;
    /** Refuse TURN servers on ports below 1024 other than 53, 80 and 443: for programs whose URLs
     *  come from strangers, who could make them talk to other services (as browsers do). */
    bool refuse_low_ports;
    /** Ask TURN servers for allocations that outlive a change of our address (RFC 8016): when the
     *  address goes, a relay moves to another of its family at the next gathering, and stays as it
     *  is. A server that refuses it (405) costs a round trip, so it is off unless set. */
    bool mobility;
    /** Send packets that no router may fragment (DONT-FRAGMENT, RFC 8656 §14, §18.9; RFC 4821 for
     *  those who probe for the path's MTU). One that is too large for the first link is lost. Relays
     *  use Send indications then, as ChannelData cannot ask for it; a server that cannot do it is not
     *  asked. */
    bool dont_fragment;
} floe_settings;

#define FLOE_SETTINGS_INIT FLOE_INIT(floe_settings)

#ifdef __cplusplus
}
#endif
#endif

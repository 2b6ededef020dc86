/* Settings of an api: what all its gatherers have in common (Pion's SettingEngine). */
#ifndef FLOE_SETTINGS_H
#define FLOE_SETTINGS_H

#include <floe/address.h>
#include <floe/allocator.h>
#include <floe/export.h>
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

/** What happened on the wire. */
typedef enum floe_trace_kind {
    FLOE_TRACE_SENT = 1,       /**< a request went out for the first time */
    FLOE_TRACE_SENT_AGAIN = 2, /**< a retransmission went out */
    FLOE_TRACE_RECEIVED = 3,   /**< an answer that was believed */
    FLOE_TRACE_DROPPED = 4,    /**< a packet that was not: detail says why */
    FLOE_TRACE_UNREACHABLE =
        5,                 /**< the network or the kernel says that the server can't be reached */
    FLOE_TRACE_GAVE_UP = 6 /**< a transaction ended without an answer */
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

/** "sent", "sent again", "received", "dropped", "unreachable", "gave up". Threads: any. */
FLOE_EXPORT const char *floe_trace_kind_name(floe_trace_kind kind);

/** Networks to gather on (Pion NetworkType); to be joined by |. */
typedef enum floe_network_type {
    FLOE_NETWORK_TYPE_UDP4 = 1,
    FLOE_NETWORK_TYPE_UDP6 = 2
} floe_network_type;

/** All zeros (or FLOE_SETTINGS_INIT) means all defaults. */
typedef struct floe_settings {
    /** sizeof(floe_settings), set by FLOE_SETTINGS_INIT; 0 is taken as the first release's. */
    size_t size;
    /** The libuv loop to run on; NULL: a loop and a thread of the api's own. The calling thread of
     *  floe_api_new is taken to be the one that runs the loop. */
    struct uv_loop_s *loop;
    /** Memory; NULL: malloc. Copied. */
    const floe_allocator *allocator;
    /** After so long gathering is complete, and what has not answered has failed. 1 to 3,600,000
     * ms; 0: 5,000; FLOE_NEVER: no limit. */
    uint32_t gather_timeout_ms;
    /** How long servers still silent are waited for once others have answered for them. 1 to
     *  3,600,000 ms; 0: 500; FLOE_NEVER: until the gather timeout. */
    uint32_t straggler_grace_ms;
    /** Ta: the time between two new STUN transactions of a gatherer (RFC 8445 §14.2). 5 to 10,000
     *  ms; 0: 5. */
    uint32_t pacing_ms;
    /** The first retransmission timeout of STUN over UDP (RFC 8445 §14.3 asks for at least 500).
     *  500 to 60,000 ms; 0: 500. */
    uint32_t rto_ms;
    /** Tr: how often a binding is kept alive (RFC 8445 §11 asks for at least 15 s). 1,000 to
     *  3,600,000 ms; 0: 15,000. */
    uint32_t keepalive_ms;
    /** Local ports to use, both ends included. 0: no bound (min alone: up to 65535; max alone: from
     *  1024). min above max is an error. */
    uint16_t port_min;
    uint16_t port_max;
    /** Gather on loopback addresses too, and believe servers that name one. */
    bool loopback;
    /** Gather on link-local IPv6 addresses too: of use on the same link only. */
    bool link_local;
    /** Every packet and every end of a transaction, for those who look for a fault; NULL: none.
     * Runs on the loop thread, under the rules of every other callback. Addresses are not hidden
     * from it by the gather policy. */
    void (*on_trace)(void *user_data, const floe_trace_event *event);
    void *trace_user_data;
    /** The floe_network_type values to gather on, joined by |; 0: all that are built in. */
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
} floe_settings;

#define FLOE_SETTINGS_INIT FLOE_INIT(floe_settings)

#ifdef __cplusplus
}
#endif
#endif

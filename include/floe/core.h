/* The gatherer without I/O, for programs that bring their own loop.
 *
 * The contract: feed inputs, then poll outputs until there are none, then sleep until the next
 * deadline. In full, with `core` made and `now()` a monotonic clock:
 *
 *     floe_core_start(core, now());
 *     for (;;) {
 *         floe_core_output output;
 *         while (floe_core_poll(core, now(), &output)) {
 *             switch (output.kind) {
 *             case FLOE_CORE_LIST_INTERFACES:
 *                 floe_core_interfaces(core, now(), list, count);
 *                 break;
 *             case FLOE_CORE_OPEN: // a UDP socket bound to output.local; port 0: any
 *                 floe_core_opened(core, now(), output.channel, &bound);
 *                 break;
 *             case FLOE_CORE_CLOSE: // the socket of output.channel
 *                 break;
 *             case FLOE_CORE_SEND: // output.data to output.remote, by output.channel
 *                 break;
 *             case FLOE_CORE_RESOLVE: // begin a look-up; when it ends:
 *                 floe_core_resolved(core, now(), output.query, FLOE_OK, addresses, found);
 *                 break;
 *             case FLOE_CORE_CANDIDATE: // output.candidate; NULL: no more will come
 *                 break;
 *             case FLOE_CORE_STATE: // output.state
 *                 break;
 *             default: // see floe_core_output_kind
 *                 break;
 *             }
 *         }
 *         // Until floe_core_deadline(core), for each datagram that comes:
 *         floe_core_datagram(core, now(), channel, &source, data, size);
 *         floe_core_time(core, now());
 *     }
 *
 * examples/core_loop.c is a whole program with poll(2).
 *
 * Threads: a core and all cores of one floe_core_shared belong to one thread at a time.
 * Time: any monotonic clock in nanoseconds; it must never go back. */
#ifndef FLOE_CORE_H
#define FLOE_CORE_H

#include <floe/address.h>
#include <floe/candidate.h>
#include <floe/options.h>
#include <floe/packet.h>
#include <floe/random.h>
#include <floe/settings.h>
#include <floe/statistics.h>
#include <floe/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the gatherers of one api share: settings, and what was learned of TURN servers. */
typedef struct floe_core_shared floe_core_shared;
/** One gatherer. */
typedef struct floe_core floe_core;

/**
 * Makes the shared part.
 *
 * @param settings  copied; NULL: defaults. `loop` and `on_trace`'s function are not used here, but
 *                  trace outputs are made only if on_trace is set.
 * @param random    a source of cryptographic randomness; copied; must not be NULL.
 * @param shared    receives it; freed by floe_core_shared_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT: a setting out of range, named in floe_last_error();
 *         FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_core_shared_new(const floe_settings *settings,
                                            const floe_random *random, floe_core_shared **shared);
/** Frees it; its cores must have been freed before. NULL is fine. */
FLOE_EXPORT void floe_core_shared_free(floe_core_shared *shared);
/** How many packets came that nobody had asked for or could believe, since it was
 *  made. */
FLOE_EXPORT uint64_t floe_core_shared_dropped(const floe_core_shared *shared);

/**
 * The system's file of all certificate authorities takes tens of milliseconds to read, and is read
 * once a server's certificate wants one that the system's folder of them has not. The core does so
 * itself, in the input that brings the certificate, unless the driver has promised to: then that
 * handshake waits; after any input the driver asks whether the file is wanted (true once), has
 * another thread read it, and tells each core by floe_core_trust_read when that is done.
 *
 * Threads: floe_core_shared_read_trust any, while the cores are used, but not freed.
 */
FLOE_EXPORT void floe_core_shared_promise_trust(floe_core_shared *shared);
/** Whether the file is wanted; true once. */
FLOE_EXPORT bool floe_core_shared_wants_trust(floe_core_shared *shared);
/** Reads the file; not `readable`: the driver knows that it can't be, and it counts as missing. */
FLOE_EXPORT void floe_core_shared_read_trust(floe_core_shared *shared, bool readable);

/**
 * Makes a gatherer in state new: nothing is asked of the network.
 *
 * @param shared   lives longer than the core.
 * @param options  copied; NULL: no servers, policy all.
 * @param core     receives it; freed by floe_core_free.
 * @return FLOE_OK; FLOE_ERR_SYNTAX: a URL; FLOE_ERR_INVALID_ACCESS: a turn(s) URL without username
 *         or credential; FLOE_ERR_INVALID_ARGUMENT; FLOE_ERR_NO_MEMORY; FLOE_ERR_RANDOM.
 *         floe_last_error() names the field and the value.
 */
FLOE_EXPORT floe_error floe_core_new(floe_core_shared *shared, const floe_gather_options *options,
                                     floe_core **core);
/** Frees it in any state, at once and without a word to any server: close and poll first. */
FLOE_EXPORT void floe_core_free(floe_core *core);

/** Kinds of adapter, best first for priorities. */
typedef enum floe_adapter {
    FLOE_ADAPTER_UNKNOWN = 0,
    FLOE_ADAPTER_WIRED = 1,
    FLOE_ADAPTER_WIRELESS = 2,
    FLOE_ADAPTER_CELLULAR = 3,
    FLOE_ADAPTER_VPN = 4
} floe_adapter;

/** One address of one interface. */
typedef struct floe_interface_address {
    const char *interface_name;
    uint32_t interface_index;
    floe_adapter adapter;
    floe_address address;
    /** The interface is up and has a carrier. */
    bool up;
    /** RFC 8981 temporary address. */
    bool temporary;
    /** RFC 4862: its preferred lifetime has ended. */
    bool deprecated;
    /** RFC 4862: duplicate detection is under way (and not optimistic), or has failed. */
    bool tentative;
    /** The kernel would send from it to an address far away (RFC 8828 §5.2). */
    bool default_route;
    /** It is on the loopback interface, or the kernel says that it is of this host alone
     * (rtnetlink's scope host): it comes last, and only where there is no other are servers asked
     * from it. */
    bool loopback;
} floe_interface_address;

/** Kinds of DNS records that the core asks for, by their numbers. */
typedef enum floe_dns_record {
    FLOE_DNS_A = 1,
    FLOE_DNS_AAAA = 28,
    FLOE_DNS_SRV = 33,
    FLOE_DNS_NAPTR = 35
} floe_dns_record;

/** An SRV record (RFC 2782), or a NAPTR one (RFC 3403). At most 16 of a look-up are looked at. */
typedef struct floe_service_record {
    /** SRV: the target; NAPTR: the replacement. */
    const char *target;
    /** SRV: the port. */
    uint16_t port;
    /** SRV: the priority; NAPTR: the order. Lower comes first. */
    uint16_t priority;
    /** SRV: the weight, more is chosen more often; NAPTR: the preference, lower comes first. */
    uint16_t weight;
    /** NAPTR: its flag, 'S' or 'A'; 0: it has none, and leads to other NAPTR records (RFC 3958). */
    char flag;
    /** NAPTR: the service, "RELAY:turn.udp". */
    const char *service;
} floe_service_record;

#define FLOE_SERVICES_MAX 16

typedef enum floe_core_output_kind {
    /** Say floe_core_interfaces, or floe_core_interfaces_failed. */
    FLOE_CORE_LIST_INTERFACES = 1,
    /** Open `channel` on `local`: for `protocol` UDP a socket, for TCP a connection from there to
     *  `remote`; say floe_core_opened once it is open (connected), or floe_core_open_failed, or of
     * a connection that the network refuses floe_core_unreachable. */
    FLOE_CORE_OPEN = 2,
    /** Close `channel`; its number is used again for another only after this. */
    FLOE_CORE_CLOSE = 3,
    /** Send `data` to `remote` on `channel`. What a UDP socket will not take at once may be
     * dropped; what a connection will not take has to be kept, and floe_core_blocked said. */
    FLOE_CORE_SEND = 4,
    /** Look up the `record`s of `name`; say floe_core_resolved, or floe_core_services_resolved for
     *  SRV and NAPTR, with `query`. */
    FLOE_CORE_RESOLVE = 5,
    /** Report `candidate`; NULL: this gathering gives no more. */
    FLOE_CORE_CANDIDATE = 6,
    /** Report that `candidate` serves no longer. */
    FLOE_CORE_CANDIDATE_WITHDRAWN = 7,
    /** Report `state`. */
    FLOE_CORE_STATE = 8,
    /** Report `error`. */
    FLOE_CORE_CANDIDATE_ERROR = 9,
    /** Report `trace`. */
    FLOE_CORE_TRACE = 10,
    /** Answer on the links of `interface_index` that `name` is `local` (multicast DNS, RFC 6762);
     *  say floe_core_name_taken should another machine have it, and floe_core_names_failed where
     *  that cannot be done. */
    FLOE_CORE_PUBLISH = 11,
    /** Answer so no longer. */
    FLOE_CORE_UNPUBLISH = 12,
    /** After FLOE_ERR_QUEUE_FULL: there is room again on the way that `candidate_id` sends by. */
    FLOE_CORE_WRITABLE = 13,
    /** Report that what was sent from `candidate_id` to `remote` does not arrive, for the reason
     *  `unreachable`. */
    FLOE_CORE_UNREACHABLE = 14
} floe_core_output_kind;

/** Room for any request that the core makes. */
#define FLOE_CORE_DATA_SIZE 4608

/** One output. It holds what its pointers point to: not to be copied by value. */
typedef struct floe_core_output {
    floe_core_output_kind kind;
    uint32_t channel;
    /** With FLOE_CORE_OPEN: FLOE_PROTOCOL_UDP or FLOE_PROTOCOL_TCP. TLS, DTLS and proxies are the
     *  core's own affair. */
    floe_protocol protocol;
    floe_address local;
    floe_address remote;
    const uint8_t *data;
    size_t data_size;
    uint32_t query;
    floe_dns_record record;
    const char *name;
    /** Of `local`, with FLOE_CORE_PUBLISH. */
    uint32_t interface_index;
    enum floe_gatherer_state state;
    const floe_candidate *candidate;
    const floe_candidate_error *error;
    const floe_trace_event *trace;
    /** With FLOE_CORE_WRITABLE and FLOE_CORE_UNREACHABLE. */
    uint32_t candidate_id;
    floe_unreachable unreachable;
    /** Room for the above; not to be read. */
    struct {
        floe_candidate candidate;
        floe_candidate_error error;
        floe_trace_event trace;
        char address[FLOE_ADDRESS_TEXT_SIZE];
        char related_address[FLOE_ADDRESS_TEXT_SIZE];
        char text[512];
        char name[80];
        uint8_t data[FLOE_CORE_DATA_SIZE];
    } room;
} floe_core_output;

/**
 * Takes the next output. All stand in one queue, in the order in which they happened.
 *
 * @return whether there was one. Its pointers are valid until the next output is taken, whatever
 * else is called meanwhile; those of FLOE_CORE_SEND, until the next call for this core.
 */
FLOE_EXPORT bool floe_core_poll(floe_core *core, floe_time now, floe_core_output *output);
/** When floe_core_time is due next; UINT64_MAX: no deadline. */
FLOE_EXPORT floe_time floe_core_deadline(const floe_core *core);

/** Gathers, in state new or complete; FLOE_ERR_INVALID_STATE in others. See
 *  floe_gatherer_gather. */
FLOE_EXPORT floe_error floe_core_start(floe_core *core, floe_time now);
/** As floe_gatherer_restart. The associated core has restarted too; both may have outputs. */
FLOE_EXPORT floe_error floe_core_restart(floe_core *core, floe_time now);
/** As floe_gatherer_set_options. */
FLOE_EXPORT floe_error floe_core_set_options(floe_core *core, floe_time now,
                                             const floe_gather_options *options);
/** As floe_gatherer_create_associated. Both live as long as they please. */
FLOE_EXPORT floe_error floe_core_new_associated(floe_core *core, floe_core **associated);
/** The interfaces' addresses, after FLOE_CORE_LIST_INTERFACES. Copied. */
FLOE_EXPORT void floe_core_interfaces(floe_core *core, floe_time now,
                                      const floe_interface_address *list, size_t count);
/** Or: the list can't be had. The owner is told why, and gathering is complete without candidates.
 */
FLOE_EXPORT void floe_core_interfaces_failed(floe_core *core, floe_time now, floe_error error);
/**
 * The end of a look-up of addresses.
 *
 * @param error      FLOE_OK: there are `count` addresses, possibly none; FLOE_ERR_NOT_FOUND: no
 * such name; FLOE_ERR_TIMED_OUT: no name server answers; others.
 * @param addresses  of the family asked for; ports are not looked at.
 * A query that is not (or no longer) under way is ignored.
 */
FLOE_EXPORT void floe_core_resolved(floe_core *core, floe_time now, uint32_t query,
                                    floe_error error, const floe_address *addresses, size_t count);
/** The end of a look-up of SRV or NAPTR, likewise. Copied. */
FLOE_EXPORT void floe_core_services_resolved(floe_core *core, floe_time now, uint32_t query,
                                             floe_error error, const floe_service_record *records,
                                             size_t count);
/** Another machine on a link answers to the name that was published, in whatever case it is
 *  spelled: the core takes a new one. */
FLOE_EXPORT void floe_core_name_taken(floe_core *core, floe_time now, const char *name);
/**
 * What was published of this interface's addresses is not heard on some link of it: port 5353
 * cannot be had, or nothing can be sent. The candidates stay, with their addresses hidden; the
 * owner hears once of each, by a candidate error.
 *
 * @param interface_index  that which FLOE_CORE_PUBLISH gave.
 * @param error            FLOE_ERR_ADDRESS_IN_USE: another program holds the port for itself;
 *                         FLOE_ERR_PERMISSION: sending is refused; others.
 */
FLOE_EXPORT void floe_core_names_failed(floe_core *core, floe_time now, uint32_t interface_index,
                                        floe_error error);
/** The channel is open on `local`, whose port is the one that was bound. */
FLOE_EXPORT void floe_core_opened(floe_core *core, floe_time now, uint32_t channel,
                                  const floe_address *local);
/** The channel cannot be opened. FLOE_ERR_ADDRESS_IN_USE makes the core try other ports of a range.
 */
FLOE_EXPORT void floe_core_open_failed(floe_core *core, floe_time now, uint32_t channel,
                                       floe_error error);
/** A datagram came. Anything may stand in it. */
FLOE_EXPORT void floe_core_datagram(floe_core *core, floe_time now, uint32_t channel,
                                    const floe_address *source, const void *data, size_t size);

/** Bytes came on a connection, in whatever pieces; `size` 0: the other side has ended it. They are
 *  used up when it returns, unless floe_core_packet has packets to give. */
FLOE_EXPORT void floe_core_stream(floe_core *core, floe_time now, uint32_t channel,
                                  const void *data, size_t size);
/** The connection was broken (reset, timed out). */
FLOE_EXPORT void floe_core_disconnected(floe_core *core, floe_time now, uint32_t channel);
/** The channel takes no more for now: nothing is sent on it until floe_core_writable, but for the
 *  gatherer's own requests by UDP. Those are to go if they can, or to be dropped: they are repeated
 *  as any that is lost. */
FLOE_EXPORT void floe_core_blocked(floe_core *core, uint32_t channel);
/** It takes more again, and what was kept of it has gone. */
FLOE_EXPORT void floe_core_writable(floe_core *core, floe_time now, uint32_t channel);

/** Whether packets that come for the owner are handed out by floe_core_packet; at first not. */
FLOE_EXPORT void floe_core_receive_packets(floe_core *core, bool wanted);
/**
 * The next packet for the owner in what the latest floe_core_datagram or floe_core_stream brought:
 * to be asked until there is none, before the buffer of that input is used again and before the
 * next input of bytes. It points into that buffer, or for TLS and DTLS into one of the library's.
 *
 * @return whether there was one.
 */
FLOE_EXPORT bool floe_core_packet(floe_core *core, floe_time now, floe_packet *packet);
/** As floe_gatherer_send. */
FLOE_EXPORT floe_error floe_core_send(floe_core *core, floe_time now, uint32_t candidate_id,
                                      const floe_address *peer, const void *data, size_t size);
/** As floe_gatherer_doubt. */
FLOE_EXPORT floe_error floe_core_doubt(floe_core *core, floe_time now, uint32_t candidate_id);
/** As floe_gatherer_answer_check. */
FLOE_EXPORT floe_error floe_core_answer_check(floe_core *core, floe_time now,
                                              const floe_packet *packet, uint16_t code);

/**
 * The network says that a packet to `remote` did not arrive.
 *
 * @param data  the beginning of the packet that came back, as much as is known: when it holds a
 * STUN transaction id, a foreign one is not believed. May be NULL.
 */
FLOE_EXPORT void floe_core_unreachable(floe_core *core, floe_time now, uint32_t channel,
                                       const floe_address *remote, floe_unreachable reason,
                                       const void *data, size_t size);
/** Time has passed. Harmless at any moment; needed at the deadline. */
FLOE_EXPORT void floe_core_time(floe_core *core, floe_time now);
/**
 * The machine has slept, for some seconds at least, and is awake again: NATs and servers may have
 * forgotten meanwhile what is kept alive there. Each mapping and each allocation is asked for at
 * once (RFC 8656 §8); what stands no longer is withdrawn, as ever. Harmless at any moment.
 *
 * A driver whose clock goes on during sleep (CLOCK_BOOTTIME) has deadlines come due in time; one
 * whose clock stands still loses by that call only what the servers have forgotten.
 */
FLOE_EXPORT void floe_core_woke(floe_core *core, floe_time now);
/** Closes: releases relays, then closes channels, then state closed. Twice is fine. */
FLOE_EXPORT void floe_core_close(floe_core *core, floe_time now);

/** The system's authorities have been read (floe_core_shared_read_trust): handshakes that waited
 * for them go on. */
FLOE_EXPORT void floe_core_trust_read(floe_core *core, floe_time now);

/** The gatherer's state, at once, whatever outputs still wait to be polled. */
FLOE_EXPORT enum floe_gatherer_state floe_core_state(const floe_core *core);
/** As floe_gatherer_get_local_parameters. */
FLOE_EXPORT floe_error floe_core_get_local_parameters(const floe_core *core,
                                                      floe_parameters *parameters);
/** As floe_gatherer_get_local_candidates. */
FLOE_EXPORT floe_error floe_core_get_local_candidates(const floe_core *core,
                                                      floe_candidate_list **list);
/** As floe_gatherer_get_statistics; what the driver holds does not count as waiting. */
FLOE_EXPORT floe_error floe_core_get_statistics(const floe_core *core,
                                                floe_gatherer_statistics **statistics);

#ifdef __cplusplus
}
#endif
#endif

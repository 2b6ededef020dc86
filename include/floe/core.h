/* The gatherer without I/O, for programs that bring their own loop.
 *
 * The contract: feed inputs, then poll outputs until there are none, then sleep until the next
 * deadline. The whole loop, where `core` has been made and `now()` is a monotonic clock:
 *
 *     floe_core_start(core, now());
 *     for (;;) {
 *         const floe_core_output *output;
 *         while (floe_core_poll(core, now(), &output)) {
 *             switch (output->kind) {
 *             case FLOE_CORE_LIST_INTERFACES:
 *                 floe_core_interfaces(core, now(), list, count);
 *                 break;
 *             case FLOE_CORE_OPEN: // a UDP socket bound to output->local; port 0: any
 *                 floe_core_opened(core, now(), output->channel, &bound);
 *                 break;
 *             case FLOE_CORE_CLOSE: // the socket of output->channel
 *                 break;
 *             case FLOE_CORE_SEND: // output->data to output->remote, by output->channel
 *                 break;
 *             case FLOE_CORE_RESOLVE: // begin a look-up; when it ends:
 *                 floe_core_resolved(core, now(), output->query, FLOE_OK, addresses, found);
 *                 break;
 *             case FLOE_CORE_CANDIDATE: // output->candidate; NULL: no more will come
 *                 break;
 *             case FLOE_CORE_STATE: // output->state
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
 * examples/core_loop.c is a complete program with poll(2).
 *
 * Threads: use all cores of one floe_core_shared from one thread at a time.
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

/** What the gatherers of one api share: the settings, and what was learned about TURN servers. */
typedef struct floe_core_shared floe_core_shared;
/** One gatherer. */
typedef struct floe_core floe_core;

/**
 * Makes the shared part.
 *
 * @param settings  copied; NULL: defaults. `loop` and the function in `on_trace` are not used here,
 *                  but there are trace outputs only if on_trace is set.
 * @param random    a source of cryptographic randomness; copied; must not be NULL.
 * @param shared    receives it; freed by floe_core_shared_free.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT: a setting is out of range, floe_last_error() names
 *         it; FLOE_ERR_NO_MEMORY.
 */
FLOE_EXPORT floe_error floe_core_shared_new(const floe_settings *settings,
                                            const floe_random *random, floe_core_shared **shared);
/** Frees it. Its cores must have been freed before. NULL is fine. */
FLOE_EXPORT void floe_core_shared_free(floe_core_shared *shared);
/** The number of packets since it was made that floe did not ask for or could not believe. */
FLOE_EXPORT uint64_t floe_core_shared_dropped(const floe_core_shared *shared);

/**
 * It takes tens of milliseconds to read the system's file of all certificate authorities. It is
 * read once, when a server's certificate needs an authority that is not in the system's folder of
 * authorities. By default, the core reads the file itself, in the input that brings the
 * certificate.
 *
 * With this call, the driver promises to read the file instead. Then the handshake waits. After
 * each input, the driver asks whether the file is wanted (floe_core_shared_wants_trust returns true
 * once). It has another thread read the file, and then calls floe_core_trust_read for each core.
 *
 * Threads: floe_core_shared_read_trust may be called from any thread, while the cores are used, but
 * not while they are freed.
 */
FLOE_EXPORT void floe_core_shared_promise_trust(floe_core_shared *shared);
/** Whether the file is wanted; returns true once. */
FLOE_EXPORT bool floe_core_shared_wants_trust(floe_core_shared *shared);
/** Reads the file. If `readable` is false, the driver knows that it cannot be read, and the file
 *  counts as missing. */
FLOE_EXPORT void floe_core_shared_read_trust(floe_core_shared *shared, bool readable);

/**
 * Makes a gatherer in state new. It does not use the network yet.
 *
 * @param shared   lives longer than the core.
 * @param options  copied; NULL: no servers, policy all.
 * @param core     receives it; freed by floe_core_free.
 * @return FLOE_OK; FLOE_ERR_SYNTAX: a URL is malformed; FLOE_ERR_INVALID_ACCESS: a turn(s) URL
 *         without username or credential; FLOE_ERR_INVALID_ARGUMENT; FLOE_ERR_NO_MEMORY;
 *         FLOE_ERR_RANDOM. floe_last_error() names the field and the value.
 */
FLOE_EXPORT floe_error floe_core_new(floe_core_shared *shared, const floe_gather_options *options,
                                     floe_core **core);
/** Frees the core in any state, at once. Nothing is sent to the servers, so close it and poll its
 *  outputs first. */
FLOE_EXPORT void floe_core_free(floe_core *core);

/** Kinds of adapter, the best for priorities first. */
typedef enum floe_adapter {
    FLOE_ADAPTER_UNKNOWN = 0,
    FLOE_ADAPTER_WIRED = 1,
    FLOE_ADAPTER_WIRELESS = 2,
    FLOE_ADAPTER_CELLULAR = 3,
    FLOE_ADAPTER_VPN = 4
} floe_adapter;

/** One address of one interface. */
typedef struct floe_interface_address {
    /** sizeof(floe_interface_address), set by the _INIT macro; 0 means the size in the first
     *  release. In an array, the size of the first address applies to all. */
    size_t size;
    const char *interface_name;
    uint32_t interface_index;
    floe_adapter adapter;
    floe_address address;
    /** The interface is up and has a carrier. */
    bool up;
    /** An RFC 8981 temporary address. */
    bool temporary;
    /** RFC 4862: its preferred lifetime has ended. */
    bool deprecated;
    /** RFC 4862: duplicate detection is running (and the address is not optimistic), or has failed.
     */
    bool tentative;
    /** The kernel would use this address to send to a distant address (RFC 8828 §5.2). */
    bool default_route;
    /** The address is on the loopback interface, or the kernel says that it is only valid on this
     *  host (rtnetlink's scope host). Such an address comes last, and servers are asked from it
     *  only if there is no other address. */
    bool loopback;
} floe_interface_address;

#define FLOE_INTERFACE_ADDRESS_INIT FLOE_INIT(floe_interface_address)

/** What FLOE_INTERFACE_ADDRESS_INIT does, as floe_settings_init. Threads: any. */
FLOE_EXPORT void floe_interface_address_init(floe_interface_address *address, size_t size);

/** Kinds of DNS records that the core asks for, with their DNS numbers. */
typedef enum floe_dns_record {
    FLOE_DNS_A = 1,
    FLOE_DNS_AAAA = 28,
    FLOE_DNS_SRV = 33,
    FLOE_DNS_NAPTR = 35
} floe_dns_record;

/** An SRV record (RFC 2782) or a NAPTR record (RFC 3403). Only the first 16 of a look-up are used.
 */
typedef struct floe_service_record {
    /** sizeof(floe_service_record), set by the _INIT macro; 0 means the size in the first release.
     *  In an array, the size of the first record applies to all. */
    size_t size;
    /** SRV: the target; NAPTR: the replacement. */
    const char *target;
    /** SRV: the port. */
    uint16_t port;
    /** SRV: the priority; NAPTR: the order. Lower comes first. */
    uint16_t priority;
    /** SRV: the weight, higher ones are chosen more often; NAPTR: the preference, lower comes
     *  first. */
    uint16_t weight;
    /** NAPTR: the flag, 'S' or 'A'; 0: the record has none, and leads to other NAPTR records
     *  (RFC 3958). */
    char flag;
    /** NAPTR: the service, for example "RELAY:turn.udp". */
    const char *service;
} floe_service_record;

#define FLOE_SERVICE_RECORD_INIT FLOE_INIT(floe_service_record)

/** What FLOE_SERVICE_RECORD_INIT does, as floe_settings_init. Threads: any. */
FLOE_EXPORT void floe_service_record_init(floe_service_record *record, size_t size);

#define FLOE_SERVICES_MAX 16

typedef enum floe_core_output_kind {
    /** List the interfaces' addresses. Then call floe_core_interfaces or
     *  floe_core_interfaces_failed. */
    FLOE_CORE_LIST_INTERFACES = 1,
    /** Open `channel` on `local`. If `protocol` is UDP, it is a socket; if it is TCP, a connection
     *  from there to `remote`; if `local` has a port then, it is that of a FLOE_CORE_LISTEN, whose
     *  socket goes on to listen there. Call floe_core_opened once it is open (connected), or
     *  floe_core_open_failed. For a connection that the network refuses, call
     *  floe_core_unreachable. */
    FLOE_CORE_OPEN = 2,
    /** Close `channel`: a socket, a connection, or what listens. Its number is used again for another channel only after this. */
    FLOE_CORE_CLOSE = 3,
    /** Send `data` to `remote` on `channel`. If a UDP socket does not take the data at once, you
     *  may drop it. If a connection does not take the data, keep it and call floe_core_blocked. */
    FLOE_CORE_SEND = 4,
    /** Look up the `record`s of `name`. Then call floe_core_resolved, or for SRV and NAPTR
     *  floe_core_services_resolved, with `query`. */
    FLOE_CORE_RESOLVE = 5,
    /** Report `candidate`; NULL: this gathering gives no more candidates. */
    FLOE_CORE_CANDIDATE = 6,
    /** Report that `candidate` no longer works. */
    FLOE_CORE_CANDIDATE_WITHDRAWN = 7,
    /** Report `state`. */
    FLOE_CORE_STATE = 8,
    /** Report `error`. */
    FLOE_CORE_CANDIDATE_ERROR = 9,
    /** Report `trace`. */
    FLOE_CORE_TRACE = 10,
    /** Answer on the links of `interface_index` that `name` has the address `local` (multicast DNS,
     *  RFC 6762). Call floe_core_name_taken if another machine has the name, and
     *  floe_core_names_failed if you cannot answer for it. */
    FLOE_CORE_PUBLISH = 11,
    /** Stop answering for the name. */
    FLOE_CORE_UNPUBLISH = 12,
    /** After FLOE_ERR_QUEUE_FULL: there is room again on the path that `candidate_id` sends
     *  through. */
    FLOE_CORE_WRITABLE = 13,
    /** Report that packets from `candidate_id` to `remote` do not arrive, with the reason
     *  `unreachable`. */
    FLOE_CORE_UNREACHABLE = 14,
    /** Listen on `local` for TCP connections, as `channel`. Call floe_core_opened once the system
     *  accepts them, or floe_core_open_failed; for each that comes, call floe_core_accepted. Only
     *  where settings.network_types asks for TCP. */
    FLOE_CORE_LISTEN = 15
} floe_core_output_kind;

/** One output. Only the library makes this struct; later releases append fields. */
typedef struct floe_core_output {
    floe_core_output_kind kind;
    uint32_t channel;
    /** With FLOE_CORE_OPEN: FLOE_PROTOCOL_UDP or FLOE_PROTOCOL_TCP. The core handles TLS, DTLS and
     *  proxies itself. */
    floe_protocol protocol;
    floe_address local;
    floe_address remote;
    const uint8_t *data;
    size_t data_size;
    uint32_t query;
    floe_dns_record record;
    const char *name;
    /** The interface of `local`, with FLOE_CORE_PUBLISH. */
    uint32_t interface_index;
    enum floe_gatherer_state state;
    const floe_candidate *candidate;
    const floe_candidate_error *error;
    const floe_trace_event *trace;
    /** With FLOE_CORE_WRITABLE and FLOE_CORE_UNREACHABLE. */
    uint32_t candidate_id;
    floe_unreachable unreachable;
    /** The library's own. Do not read it. */
    struct floe_core_room *room;
} floe_core_output;

/**
 * Takes the next output. All outputs are in one queue, in the order in which they happened.
 *
 * @param output  receives a pointer to it; unchanged if there is none.
 * @return whether there was an output. It and what it points to are valid until the next output is
 *         taken from a core of the same floe_core_shared, whatever else is called in between; the
 *         data of FLOE_CORE_SEND is valid until the next call for this core.
 */
FLOE_EXPORT bool floe_core_poll(floe_core *core, floe_time now, const floe_core_output **output);
/** Datagrams to be sent: `count` of `size` bytes each, one directly behind another, to one address. */
typedef struct floe_core_row {
    const uint8_t *data;
    size_t size;
    size_t count;
    floe_address remote;
} floe_core_row;

/**
 * Takes more datagrams at once, after floe_core_poll has given FLOE_CORE_SEND for a UDP socket: the
 * application's own that wait on the same channel. You need not call it, as floe_core_poll gives
 * each of them; it is for drivers that hand many datagrams to the system in one call.
 *
 * @param count  so many datagrams are wanted at most.
 * @param bytes  so many bytes are wanted at most.
 * @param rows   room for `room` rows. What they point to, and what the output before points to, is
 *               valid until the next call for this core.
 * @return how many rows there are.
 */
FLOE_EXPORT size_t floe_core_poll_more(floe_core *core, uint32_t channel, size_t count,
                                       size_t bytes, floe_core_row *rows, size_t room);
/** When to call floe_core_time next; UINT64_MAX: there is no deadline. */
FLOE_EXPORT floe_time floe_core_deadline(const floe_core *core);

/**
 * With settings.udp_mux_port: the core that has the sockets of all gatherers of `shared`, and asks
 * their servers. Drive it like any other core: poll it after each input, of its own or of a gatherer
 * of the same floe_core_shared. All sockets, connections and look-ups are outputs of it, and their
 * inputs go to it; the gatherers' own outputs are their events, the list of interfaces, and their
 * multicast DNS names. It has no candidates. When it is closed, it closes its sockets, and then gives
 * the state closed. It is freed with `shared`.
 *
 * @return NULL: there is no mux, or no memory for it.
 */
FLOE_EXPORT floe_core *floe_core_shared_mux(floe_core_shared *shared);
/** The next gatherer that has outputs to be polled, and perhaps another deadline, because of inputs
 *  to its mux; NULL: there is none. Ask until there is none after each input to the mux. */
FLOE_EXPORT floe_core *floe_core_mux_touched(floe_core *mux);
/** Whose packet floe_core_packet gave last: under a mux one of the gatherers', otherwise the core's
 *  own. */
FLOE_EXPORT floe_core *floe_core_packet_owner(floe_core *core);
/** A pointer of the driver's own, NULL at first. */
FLOE_EXPORT void floe_core_set_user(floe_core *core, void *user);
FLOE_EXPORT void *floe_core_user(const floe_core *core);

/** Starts gathering, in state new or complete; FLOE_ERR_INVALID_STATE in other states. See
 *  floe_gatherer_gather. */
FLOE_EXPORT floe_error floe_core_start(floe_core *core, floe_time now);
/** As floe_gatherer_restart. The associated core restarts too, so poll both for outputs. */
FLOE_EXPORT floe_error floe_core_restart(floe_core *core, floe_time now);
/** As floe_gatherer_restart_with. */
FLOE_EXPORT floe_error floe_core_restart_with(floe_core *core, floe_time now,
                                              const floe_restart_options *options);
/** As floe_gatherer_set_options. */
FLOE_EXPORT floe_error floe_core_set_options(floe_core *core, floe_time now,
                                             const floe_gather_options *options);
/** As floe_gatherer_create_associated. Each of the two cores may be freed before the other. */
FLOE_EXPORT floe_error floe_core_new_associated(floe_core *core, floe_core **associated);
/** The addresses of the interfaces, after FLOE_CORE_LIST_INTERFACES. Copied. Of more than 16,000, the
 *  rest are not used, which is reported as FLOE_ERR_NO_MEMORY is. */
FLOE_EXPORT void floe_core_interfaces(floe_core *core, floe_time now,
                                      const floe_interface_address *list, size_t count);
/** The list of interfaces is not available. The application is told why, and gathering is complete
 *  without candidates. */
FLOE_EXPORT void floe_core_interfaces_failed(floe_core *core, floe_time now, floe_error error);
/**
 * The network may have changed: addresses, links, routes. A core whose options say `continual` asks
 * for the list of interfaces when it wants to see it (FLOE_CORE_LIST_INTERFACES), so call this as
 * often as the system reports anything. Other cores ignore it.
 */
FLOE_EXPORT void floe_core_network_changed(floe_core *core, floe_time now);
/** Whether changes of the network matter to the core: its options say `continual`, and it is not
 *  closed. */
FLOE_EXPORT bool floe_core_is_continual(const floe_core *core);
/**
 * The end of an address look-up. A query that is not under way (any more) is ignored.
 *
 * @param error      FLOE_OK: there are `count` addresses, possibly none; FLOE_ERR_NOT_FOUND: no
 *                   such name; FLOE_ERR_TIMED_OUT: no name server answers; others.
 * @param addresses  of the requested family; ports are ignored.
 */
FLOE_EXPORT void floe_core_resolved(floe_core *core, floe_time now, uint32_t query,
                                    floe_error error, const floe_address *addresses, size_t count);
/** The end of an SRV or NAPTR look-up, in the same way as floe_core_resolved. Copied. */
FLOE_EXPORT void floe_core_services_resolved(floe_core *core, floe_time now, uint32_t query,
                                             floe_error error, const floe_service_record *records,
                                             size_t count);
/** Another machine on a link answers for the published name, in any spelling of upper and lower
 *  case. The core takes a new name. */
FLOE_EXPORT void floe_core_name_taken(floe_core *core, floe_time now, const char *name);
/**
 * The names published for this interface's addresses cannot be resolved on one of its links: port
 * 5353 is not available, or nothing can be sent. The candidates stay, and their addresses stay
 * hidden. The application gets one candidate error for each address.
 *
 * @param interface_index  the value from FLOE_CORE_PUBLISH.
 * @param error            FLOE_ERR_ADDRESS_IN_USE: another program has the port for itself;
 *                         FLOE_ERR_PERMISSION: sending is refused; others.
 */
FLOE_EXPORT void floe_core_names_failed(floe_core *core, floe_time now, uint32_t interface_index,
                                        floe_error error);
/** The channel is open on `local`, which has the port that was bound. */
FLOE_EXPORT void floe_core_opened(floe_core *core, floe_time now, uint32_t channel,
                                  const floe_address *local);
/** The channel cannot be opened. After FLOE_ERR_ADDRESS_IN_USE the core tries other ports of a
 *  range. */
FLOE_EXPORT void floe_core_open_failed(floe_core *core, floe_time now, uint32_t channel,
                                       floe_error error);
/**
 * Somebody has connected to a channel of FLOE_CORE_LISTEN.
 *
 * @param channel  that channel.
 * @param remote   who it is.
 * @return the channel of the connection from now on, as if it had been opened by FLOE_CORE_OPEN; 0:
 *         close it, there is no room for it.
 */
FLOE_EXPORT uint32_t floe_core_accepted(floe_core *core, floe_time now, uint32_t channel,
                                        const floe_address *remote);
/** A datagram arrived. It may contain anything. */
FLOE_EXPORT void floe_core_datagram(floe_core *core, floe_time now, uint32_t channel,
                                    const floe_address *source, const void *data, size_t size);

/**
 * Another datagram arrived with the latest one, on the same channel and from the same source, as Linux hands over several at
 * once (UDP_GRO). Call it when floe_core_packet has given all packets of the latest. It costs less than floe_core_datagram where
 * both are data for the same owner.
 *
 * @return the packet, of floe_core_packet_owner; NULL: nothing has happened, so pass the datagram to floe_core_datagram.
 */
FLOE_EXPORT const floe_packet *floe_core_datagram_again(floe_core *core, const void *data,
                                                        size_t size);

/** Bytes arrived on a connection, in pieces of any size; `size` 0: the other side has ended the
 *  connection. The bytes are used up when this returns, unless floe_core_packet has packets to
 *  give. */
FLOE_EXPORT void floe_core_stream(floe_core *core, floe_time now, uint32_t channel,
                                  const void *data, size_t size);
/** The connection broke (reset, timed out). */
FLOE_EXPORT void floe_core_disconnected(floe_core *core, floe_time now, uint32_t channel);
/** The channel takes no more data for now. Nothing is sent on it until floe_core_writable, except
 *  the gatherer's own requests over UDP. Send these if possible, or drop them: they are
 *  retransmitted like any lost request. */
FLOE_EXPORT void floe_core_blocked(floe_core *core, uint32_t channel);
/** The channel takes data again, and everything that the driver kept for it has been sent. */
FLOE_EXPORT void floe_core_writable(floe_core *core, floe_time now, uint32_t channel);
/** Whether floe_core_packet gives out packets that come for the application; off at first.
 *  FLOE_ERR_NO_MEMORY: it is as it was. */
FLOE_EXPORT floe_error floe_core_receive_packets(floe_core *core, bool wanted);
/**
 * Gives the next packet for the application from the last floe_core_datagram or floe_core_stream.
 * Call it until there is none, before you reuse the buffer of that input and before the next input
 * of bytes. The packet's data is in that buffer, or for TLS and DTLS in a buffer of the library.
 *
 * @param packet  receives a pointer to it, which is valid until the next call of this function, or
 *                the next input of bytes, for this core; unchanged if there is none.
 * @return whether there was a packet.
 */
FLOE_EXPORT bool floe_core_packet(floe_core *core, floe_time now, const floe_packet **packet);
/** Closes the connection by which a host candidate for TCP sends to a peer, if nothing has come by it since `since`: what is
 *  sent to that peer next connects anew, if the candidate is active. For an agent whose checks are not answered, as a
 *  connection may be open that nobody reads. Nothing where there is no such connection or candidate. */
FLOE_EXPORT void floe_core_hang_up(floe_core *core, floe_time now, uint32_t candidate_id,
                                   const floe_address *peer, floe_time since);
/** As floe_gatherer_send. */
FLOE_EXPORT floe_error floe_core_send(floe_core *core, floe_time now, uint32_t candidate_id,
                                      const floe_address *peer, const void *data, size_t size);
/** As floe_gatherer_doubt. */
FLOE_EXPORT floe_error floe_core_doubt(floe_core *core, floe_time now, uint32_t candidate_id);
/** As floe_gatherer_answer_check. */
FLOE_EXPORT floe_error floe_core_answer_check(floe_core *core, floe_time now,
                                              const floe_packet *packet, uint16_t code);

/**
 * The network reports that a packet to `remote` did not arrive.
 *
 * @param data  the beginning of the returned packet, as much as is known. If it contains a STUN
 *              transaction id that is not one of the core's own, the report is not believed. May be
 *              NULL.
 */
FLOE_EXPORT void floe_core_unreachable(floe_core *core, floe_time now, uint32_t channel,
                                       const floe_address *remote, floe_unreachable reason,
                                       const void *data, size_t size);
/**
 * The driver works without something that the system lacks. This becomes a FLOE_TRACE_WARNING, if
 * the settings have on_trace, and a trace_level that includes warnings.
 *
 * @param channel  the socket that it is about.
 * @param remote   to whom it cannot send as usual; NULL: it is about all.
 * @param detail   one sentence that names the system call; copied, cut to 511 bytes.
 */
FLOE_EXPORT void floe_core_warn(floe_core *core, floe_time now, uint32_t channel,
                                const floe_address *remote, const char *detail);
/** Time has passed. You may call this at any moment; you must call it at the deadline. */
FLOE_EXPORT void floe_core_time(floe_core *core, floe_time now);
/**
 * The machine has slept, at least for some seconds, and is awake again. In the meantime, NATs and
 * servers may have forgotten what is kept alive there. The core at once asks for each mapping and
 * each allocation (RFC 8656 §8), and withdraws what no longer exists, as always. You may call this
 * at any moment.
 *
 * If the driver's clock continues during sleep (CLOCK_BOOTTIME), deadlines come due in time. If its
 * clock stands still, and it makes this call, only what the servers have forgotten is lost.
 */
FLOE_EXPORT void floe_core_woke(floe_core *core, floe_time now);
/** Closes the core: first it releases relays, then it closes channels, then state closed follows.
 *  May be called twice. */
FLOE_EXPORT void floe_core_close(floe_core *core, floe_time now);

/** The system's certificate authorities have been read (floe_core_shared_read_trust). Handshakes
 *  that waited for them continue. */
FLOE_EXPORT void floe_core_trust_read(floe_core *core, floe_time now);

/** The current state of the gatherer, even if outputs still wait to be polled. */
FLOE_EXPORT enum floe_gatherer_state floe_core_state(const floe_core *core);
/** As floe_gatherer_get_local_parameters. */
FLOE_EXPORT floe_error floe_core_get_local_parameters(const floe_core *core,
                                                      floe_parameters *parameters);
/** As floe_gatherer_get_local_candidates. */
FLOE_EXPORT floe_error floe_core_get_local_candidates(const floe_core *core,
                                                      floe_candidate_list **list);
/** As floe_gatherer_get_statistics. Bytes that the driver holds do not count as waiting. */
FLOE_EXPORT floe_error floe_core_get_statistics(const floe_core *core,
                                                floe_gatherer_statistics **statistics);

#ifdef __cplusplus
}
#endif
#endif

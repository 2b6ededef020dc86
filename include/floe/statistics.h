/* The statistics of a gatherer (W3C's statistics of candidates and of STUN and TURN servers). */
#ifndef FLOE_STATISTICS_H
#define FLOE_STATISTICS_H

#include <floe/candidate.h>
#include <floe/export.h>
#include <floe/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The progress between a local address and a server. */
typedef enum floe_server_progress {
    FLOE_SERVER_PROGRESS_WAITING = 0,
    FLOE_SERVER_PROGRESS_SUCCEEDED = 1,
    FLOE_SERVER_PROGRESS_FAILED = 2
} floe_server_progress;

/** "waiting", "succeeded", "failed"; "" for any other value. Threads: any. */
FLOE_EXPORT const char *floe_server_progress_name(floe_server_progress progress);

/** One kind of request from one local address to one address of a server. Only the library makes
 *  this struct; later releases append fields. Times count from the call of gather. */
typedef struct floe_server_statistics {
    /** The server's URL, as it was given. */
    const char *url;
    /** "Binding" or "Allocate" (with its Refresh requests). */
    const char *method;
    /** The local address, or the name that replaces it; NULL if policy hides it. */
    const char *address;
    /** 0 with a NULL address. */
    uint16_t port;
    const char *server_address;
    uint16_t server_port;
    floe_server_progress progress;
    /** If a failure ended it: the code of floe_candidate_error; otherwise 0. */
    uint16_t code;
    uint32_t requests;
    uint32_t retransmissions;
    uint32_t responses;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    /** Zero: not sent, or not answered. If something is still used in a later gathering, it keeps
     *  the times of the gathering that it comes from. */
    floe_duration first_sent;
    floe_duration first_answered;
    /** The time from request to answer: of the latest answer, and of all answers together. If a
     *  request was sent more than once, nobody knows which send was answered (RFC 6298 §3), so its
     *  answer counts in neither. Zero: no other answer came. */
    floe_duration round_trip;
    floe_duration total_round_trip;
    /** For a relay's connection: the time from its start until requests could be sent, including
     *  the handshake. Zero: not yet, or over UDP, which has no connection. */
    floe_duration connecting;
    /** "TLSv1.3", "DTLSv1.2"; NULL: not encrypted, or not known yet. */
    const char *tls_version;
    /** The handshake was shortened because it resumed an earlier session of the api (RFC 8446
     *  §2.2). */
    bool tls_resumed;
    /** The subject of the server's certificate, and the end of its validity, in seconds since 1970;
     *  NULL and 0: no certificate was seen (in a resumed handshake there is none). */
    const char *tls_certificate;
    int64_t tls_certificate_until;
    /** How requests are signed: "MESSAGE-INTEGRITY" or "MESSAGE-INTEGRITY-SHA256" (RFC 8489 §9.2),
     *  followed by " by OAuth" for RFC 7635; NULL: the server has not asked for it. */
    const char *authentication;
    /** SOFTWARE in the server's answer, cut to 63 bytes; NULL: it sent none. */
    const char *software;
    /** For an allocation: how many seconds it lasts without a Refresh; 0: there is no allocation.
     */
    uint32_t lifetime;
    /** Why there is a relayed address of only one family (ADDRESS-ERROR-CODE); 0: the server did
     *  not say. */
    uint16_t family_error;
    /** The allocation survives a change of our address (settings.mobility, RFC 8016). */
    bool mobility;
    /** The server can send packets that must not be fragmented (settings.dont_fragment). */
    bool dont_fragment;
    /** The number of answers in total_round_trip. */
    uint32_t round_trips;
    /** What carries the requests to the server: UDP, TCP, TLS or DTLS. */
    floe_protocol transport;
    /** If a failure ended it: what kind of failure. */
    floe_failure_reason reason;
    /** It is asked once for all gatherers of the api that have this server and these credentials
     *  (settings.udp_mux_port): each of them reports the same requests, so sums count them once. */
    bool shared;
} floe_server_statistics;

/** One candidate. Only the library makes this struct; later releases append fields. */
typedef struct floe_candidate_statistics {
    const floe_candidate *candidate;
    /** Time since the call of gather. */
    floe_duration found;
} floe_candidate_statistics;

/** Only the library makes this struct; later releases append fields. */
typedef struct floe_gatherer_statistics {
    size_t server_count;
    const floe_server_statistics *const *servers;
    size_t candidate_count;
    const floe_candidate_statistics *const *candidates;
    /** From the call of gather to complete; zero: not complete yet. */
    floe_duration gathering;
    /** The bytes that wait to be sent, plus what is needed to store them. They may wait for a
     *  socket, for a relay's permission, or for a connection to a server or, through it, to a peer.
     *  On such a connection, bytes that the kernel has not sent yet, or that the other side has not
     *  confirmed, count too if the system reports them. 0: nothing waits. Bytes that a relay's
     *  server holds for a slow peer cannot be seen. */
    size_t waiting;
} floe_gatherer_statistics;

/** Frees statistics and everything that they point to. NULL is fine. Threads: any. Call it before
 *  the floe_api of the gatherer is freed. */
FLOE_EXPORT void floe_gatherer_statistics_free(floe_gatherer_statistics *statistics);

#ifdef __cplusplus
}
#endif
#endif

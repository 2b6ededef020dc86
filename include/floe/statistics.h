/* What a gatherer counts (W3C's statistics of candidates and of STUN and TURN servers). */
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

/** How it stands between a local address and a server. */
typedef enum floe_server_progress {
    FLOE_SERVER_PROGRESS_WAITING = 0,
    FLOE_SERVER_PROGRESS_SUCCEEDED = 1,
    FLOE_SERVER_PROGRESS_FAILED = 2
} floe_server_progress;

/** "waiting", "succeeded", "failed"; "" for another value. Threads: any. */
FLOE_EXPORT const char *floe_server_progress_name(floe_server_progress progress);

/** One kind of request from one local address to one address of a server. Made by the library only;
 *  later releases append fields. Instants count from the call of gather. */
typedef struct floe_server_statistics {
    /** The server's URL, as it was given. */
    const char *url;
    /** "Binding" or "Allocate" (with its Refresh requests). */
    const char *method;
    /** The local address, or the name that stands for it; NULL where policy hides it. */
    const char *address;
    /** 0 with a NULL address. */
    uint16_t port;
    const char *server_address;
    uint16_t server_port;
    floe_server_progress progress;
    /** Of a failure that ended it: the code of floe_candidate_error; else 0. */
    uint16_t code;
    uint32_t requests;
    uint32_t retransmissions;
    uint32_t responses;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    /** Zero: not sent, not answered. What serves on in a later gathering keeps the times of its
     * own. */
    floe_duration first_sent;
    floe_duration first_answered;
    /** From request to answer: of the latest answer, and of all together. Of a request that was
     *  sent more than once it is not known which send was answered (RFC 6298 §3), so its answer
     *  counts in neither. Zero: there was no other. */
    floe_duration round_trip;
    floe_duration total_round_trip;
    /** Of a relay's connection: from its beginning until requests could go, the handshake with it;
     *  zero: not yet, or over UDP, which has none. */
    floe_duration connecting;
    /** "TLSv1.3", "DTLSv1.2"; NULL: plain, or not yet. */
    const char *tls_version;
    /** The handshake was shortened by an earlier one of the api (RFC 8446 §2.2). */
    bool tls_resumed;
    /** The subject of the server's certificate, and until when it is valid, in seconds since
     *  1970; NULL and 0: none was seen (in a resumed handshake there is none). */
    const char *tls_certificate;
    int64_t tls_certificate_until;
    /** How requests are signed: "MESSAGE-INTEGRITY", "MESSAGE-INTEGRITY-SHA256" (RFC 8489 §9.2),
     *  with " by OAuth" behind for RFC 7635; NULL: the server has not asked for it. */
    const char *authentication;
    /** SOFTWARE of the server's answer, cut to 63 bytes; NULL: it says none. */
    const char *software;
    /** Of an allocation: seconds that it lasts without a Refresh; 0: there is none. */
    uint32_t lifetime;
    /** Why there is a relayed address of one family only (ADDRESS-ERROR-CODE); 0: not said. */
    uint16_t family_error;
    /** It outlives a change of our address (settings.mobility, RFC 8016). */
    bool mobility;
    /** Its packets can be kept from being fragmented (settings.dont_fragment). */
    bool dont_fragment;
    /** How many answers total_round_trip is of. */
    uint32_t round_trips;
} floe_server_statistics;

typedef struct floe_candidate_statistics {
    floe_candidate candidate;
    /** Since the call of gather. */
    floe_duration found;
} floe_candidate_statistics;

/** Made by the library only; later releases append fields. */
typedef struct floe_gatherer_statistics {
    size_t server_count;
    const floe_server_statistics *const *servers;
    size_t candidate_count;
    const floe_candidate_statistics *const *candidates;
    /** From the call of gather to complete; zero: not complete. */
    floe_duration gathering;
    /** Bytes that wait to be sent, with what is needed to keep them: for a socket, a relay's
     *  permission, a connection to a server or through it to a peer; what the kernel has not yet
     *  sent on such a connection, or not heard the other side confirm, counts too where the system
     *  tells it. 0: nothing waits. What a relay's server holds for a slow peer is not seen. */
    size_t waiting;
} floe_gatherer_statistics;

/** Frees statistics and all that they point to. NULL is fine. Threads: any. Before the floe_api of
 *  their gatherer is freed. */
FLOE_EXPORT void floe_gatherer_statistics_free(floe_gatherer_statistics *statistics);

#ifdef __cplusplus
}
#endif
#endif

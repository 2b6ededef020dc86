/* ICE candidates, as the gatherer reports them. */
#ifndef FLOE_CANDIDATE_H
#define FLOE_CANDIDATE_H

#include <floe/address.h>
#include <floe/error.h>
#include <floe/export.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** RFC 8445 §4; ORTC RTCIceCandidateType. */
typedef enum floe_candidate_type {
    FLOE_CANDIDATE_TYPE_HOST = 1,
    FLOE_CANDIDATE_TYPE_SRFLX = 2,
    FLOE_CANDIDATE_TYPE_PRFLX = 3,
    FLOE_CANDIDATE_TYPE_RELAY = 4
} floe_candidate_type;

/** ORTC RTCIceProtocol, and what carries TURN to its server (W3C relayProtocol). */
typedef enum floe_protocol {
    FLOE_PROTOCOL_NONE = 0,
    FLOE_PROTOCOL_UDP = 1,
    FLOE_PROTOCOL_TCP = 2,
    FLOE_PROTOCOL_TLS = 3,
    FLOE_PROTOCOL_DTLS = 4
} floe_protocol;

/** RFC 6544 §4.5; ORTC RTCIceTcpCandidateType. */
typedef enum floe_tcp_type {
    FLOE_TCP_TYPE_NONE = 0,
    FLOE_TCP_TYPE_ACTIVE = 1,
    FLOE_TCP_TYPE_PASSIVE = 2,
    FLOE_TCP_TYPE_SO = 3
} floe_tcp_type;

/** A name and value of RFC 8839 §5.1's extensions: "generation" "0". */
typedef struct floe_candidate_extension {
    const char *name;
    /** "" if the text ends behind the name. */
    const char *value;
} floe_candidate_extension;

/** One candidate (RFC 8445 §5.3, RFC 8839 §5.1). Made by the library only; later releases append
 *  fields. Texts are never NULL unless a field says so. */
typedef struct floe_candidate {
    /** 1 to 32 ice-char; equal for two candidates iff RFC 8445 §5.1.1.3 says so. */
    const char *foundation;
    /** 1: RTP, or the only one; 2: RTCP. */
    uint16_t component;
    /** FLOE_PROTOCOL_UDP or FLOE_PROTOCOL_TCP. */
    floe_protocol protocol;
    /** RFC 8445 §5.1.2.1: 1 to 2^31-1, higher is better, unique in its component. */
    uint32_t priority;
    /** IP address as text (RFC 5952 for IPv6, no zone). */
    const char *address;
    /** 1 to 65535. */
    uint16_t port;
    floe_candidate_type type;
    /** FLOE_TCP_TYPE_NONE unless protocol is TCP. */
    floe_tcp_type tcp_type;
    /** The base of a reflexive, the mapped address of a relay candidate; "0.0.0.0" or "::" with
     *  port 9 where policy hides it (RFC 8839 §5.1); NULL for a host candidate. */
    const char *related_address;
    /** 0 for a host candidate. */
    uint16_t related_port;
    /** The server that it was learned from, as the URL was given; NULL for a host candidate. */
    const char *url;
    /** How the relay's server is reached; FLOE_PROTOCOL_NONE unless type is relay. */
    floe_protocol relay_protocol;
    /** The ufrag of the gatherer's parameters (RFC 8839 §5.4). */
    const char *username_fragment;
    /** The interface of its base, for local use: never signalled. */
    const char *interface_name;
    /** The interface's index, for local use. */
    uint32_t network_id;
    /** What else its text says, in the order of the text; a gatherer's own candidates have none. */
    const floe_candidate_extension *extensions;
    size_t extension_count;
    /** The media description that it is for (W3C RTCIceCandidate.sdpMid), as the gatherer's options
     *  have it; NULL: none was named. */
    const char *sdp_mid;
    /** Its index in the SDP (W3C sdpMLineIndex). */
    uint16_t sdp_mline_index;
    /** By which floe_gatherer_send and floe_packet name it: 1 and up, each used once in a
     * gatherer's life; 0 for a parsed one. */
    uint32_t id;
    /** That of its base (RFC 8445 §5.1.1), for local use: the candidates that share a socket have
     * one, by which pairs are pruned (§6.1.2.4), and which packets that come on the socket carry.
     * The host candidate's, or the lowest of those shown where policy hides the host; a relay's is
     * its own. Once that candidate is withdrawn it is another's. 0 for a parsed one. */
    uint32_t base_id;
    /** Of the peers that it can send to, for local use: of its socket, whatever a rewrite rule or a
     *  name shows. Of a parsed one that of its address; FLOE_FAMILY_NONE for a name. */
    floe_family family;
} floe_candidate;

/** Candidates that floe_gatherer_get_local_candidates hands out. */
typedef struct floe_candidate_list {
    size_t count;
    const floe_candidate *const *candidates;
} floe_candidate_list;

/**
 * Frees a list and all that it points to.
 *
 * @param list  may be NULL.
 *
 * Threads: any. Before the floe_api of its gatherer is freed.
 */
FLOE_EXPORT void floe_candidate_list_free(floe_candidate_list *list);

/** Room that suffices for the text of any candidate that floe makes, with its NUL. */
#define FLOE_CANDIDATE_TEXT_SIZE 512

/**
 * Writes the candidate-attribute of RFC 8839 §5.1, "candidate:" in front and "a=" not: what
 * RTCIceCandidateInit carries.
 *
 * @param candidate  the candidate.
 * @param text       receives the text and a NUL.
 * @param size       room at text.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_BUFFER_TOO_SMALL.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_candidate_format(const floe_candidate *candidate, char *text,
                                             size_t size);

/**
 * Reads a candidate-attribute of RFC 8839 §5.1, and what is seen in the wild: "a=candidate:",
 * "candidate:" or nothing in front, an empty foundation, upper-case transport and type, names
 * instead of addresses, raddr, rport and tcptype in any order among unknown extensions (which are
 * kept), a last extension without a value, a zone behind an IPv6 address (which is dropped).
 *
 * Bounds: foundation up to 32 ice-char; component 1 to 256; priority 1 to 2^32-1; ports 0 to 65535;
 * 2,048 bytes in all; 64 extensions.
 *
 * @param text       NUL-terminated; blanks and line ends at its end are skipped.
 * @param candidate  receives it; freed by floe_candidate_free. Addresses are in RFC 5952 form; url
 * and interface_name are NULL; username_fragment and network_id are those of the extensions "ufrag"
 * and "network-id", NULL and 0 without.
 * @return FLOE_OK; FLOE_ERR_SYNTAX: floe_last_error() says at which column (from 1) and why;
 *         FLOE_ERR_UNSUPPORTED: the text is right, but its transport or type is one that others
 * have defined (RFC 8839 §5.1), so that the candidate is to be ignored; FLOE_ERR_INVALID_ARGUMENT
 *         for NULL; FLOE_ERR_NO_MEMORY.
 *
 * Threads: any. Memory: malloc's.
 */
FLOE_EXPORT floe_error floe_candidate_parse(const char *text, floe_candidate **candidate);

/** Frees what floe_candidate_parse gave. NULL is fine. Threads: any. */
FLOE_EXPORT void floe_candidate_free(floe_candidate *candidate);

/**
 * Its address and port, as floe_gatherer_send wants a peer's.
 *
 * @param candidate  parsed, or a gatherer's own.
 * @param address    receives it, without a scope.
 * @return FLOE_OK; FLOE_ERR_SYNTAX: its address is a name, to be looked up (floe_api_look_up)
 * first; FLOE_ERR_INVALID_ARGUMENT for NULL.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_candidate_address(const floe_candidate *candidate,
                                              floe_address *address);

/** "host", "srflx", "prflx", "relay"; "" for another value. Threads: any. */
FLOE_EXPORT const char *floe_candidate_type_name(floe_candidate_type type);
/** "udp", "tcp", "tls", "dtls"; "" for none. Threads: any. */
FLOE_EXPORT const char *floe_protocol_name(floe_protocol protocol);
/** "active", "passive", "so"; "" for none. Threads: any. */
FLOE_EXPORT const char *floe_tcp_type_name(floe_tcp_type type);

/** Why a server gave nothing (W3C RTCPeerConnectionIceErrorEvent, ORTC onerror). Made by the
 * library only; later releases append fields. */
typedef struct floe_candidate_error {
    /** The server's URL as it was given; NULL when no server is at fault (no port left, say). */
    const char *url;
    /** The local address that was used; NULL where policy hides it, or where the failure belongs to
     *  no local address (a name that does not resolve). */
    const char *address;
    /** Its port; 0 with a NULL address. */
    uint16_t port;
    /** 300 to 699: the server's own STUN error code. 701: nothing good came from it. */
    uint16_t code;
    /** One sentence for a person: what happened, and what to look at. UTF-8. */
    const char *text;
    /** With this event the URL has failed on every local address that could ask it. */
    bool url_failed;
} floe_candidate_error;

#ifdef __cplusplus
}
#endif
#endif

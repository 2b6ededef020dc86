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

/** ORTC RTCIceProtocol. Also the protocol that carries TURN to its server (W3C relayProtocol). */
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

/** Why a candidate is withdrawn. Later releases may add more. */
typedef enum floe_withdrawal {
    /** It is not. */
    FLOE_WITHDRAWAL_NONE = 0,
    /** The server has lost the relay, or no longer answers, or the way to it is gone. */
    FLOE_WITHDRAWAL_RELAY_LOST = 1,
    /** The NAT shows another address now, or no server shows this one any more. */
    FLOE_WITHDRAWAL_MAPPING_CHANGED = 2,
    /** The local address is gone, or is no longer used. */
    FLOE_WITHDRAWAL_ADDRESS_GONE = 3,
    /** Another took its place, or its server is no longer in the options. */
    FLOE_WITHDRAWAL_RELEASED = 4,
    /** After a restart it was not found again. */
    FLOE_WITHDRAWAL_NOT_FOUND = 5
} floe_withdrawal;

/** "relay-lost", "mapping-changed", "address-gone", "released", "not-found"; "" for none and any
 *  other value. Threads: any. */
FLOE_EXPORT const char *floe_withdrawal_name(floe_withdrawal why);

/** The name and value of an extension (RFC 8839 §5.1): "generation" "0". This struct never
 *  changes. */
typedef struct floe_candidate_extension {
    const char *name;
    /** "" if the text ends after the name. */
    const char *value;
} floe_candidate_extension;

/** One candidate (RFC 8445 §5.3, RFC 8839 §5.1). Only the library makes this struct; later releases
 *  append fields. Texts are never NULL unless a field says so. */
typedef struct floe_candidate {
    /** 1 to 32 ice-char. Two candidates have the same foundation exactly when RFC 8445 §5.1.1.3
     *  says so. */
    const char *foundation;
    /** 1: RTP, or the only component; 2: RTCP. */
    uint16_t component;
    /** FLOE_PROTOCOL_UDP or FLOE_PROTOCOL_TCP. */
    floe_protocol protocol;
    /** RFC 8445 §5.1.2.1: 1 to 2^31-1. Higher is better. Unique in its component. */
    uint32_t priority;
    /** The IP address as text (RFC 5952 for IPv6, no zone). */
    const char *address;
    /** 1 to 65535. */
    uint16_t port;
    floe_candidate_type type;
    /** FLOE_TCP_TYPE_NONE unless protocol is TCP. */
    floe_tcp_type tcp_type;
    /** For a reflexive candidate its base, for a relay candidate the mapped address. "0.0.0.0" or
     *  "::" with port 9 if policy hides it (RFC 8839 §5.1). NULL for a host candidate. */
    const char *related_address;
    /** 0 for a host candidate. */
    uint16_t related_port;
    /** The URL, as it was given, of the server that the candidate comes from; NULL for a host
     *  candidate. */
    const char *url;
    /** The protocol to the relay's server; FLOE_PROTOCOL_NONE unless type is relay. */
    floe_protocol relay_protocol;
    /** The username fragment in the gatherer's parameters (RFC 8839 §5.4). */
    const char *username_fragment;
    /** The interface of the candidate's base. For local use: never signalled. */
    const char *interface_name;
    /** The index of the interface. For local use. */
    uint32_t network_id;
    /** The other extensions in the candidate's text, in the order of the text. A gatherer's own
     *  candidates have none. */
    const floe_candidate_extension *extensions;
    size_t extension_count;
    /** The media description that the candidate belongs to (W3C RTCIceCandidate.sdpMid), from the
     *  gatherer's options; NULL: none was given. */
    const char *sdp_mid;
    /** The index of the media description in the SDP (W3C sdpMLineIndex). */
    uint16_t sdp_mline_index;
    /** The number that identifies the candidate in floe_gatherer_send and floe_packet: 1 and up,
     *  never used twice in a gatherer's life; 0 for a parsed candidate. */
    uint32_t id;
    /** The id of the candidate's base (RFC 8445 §5.1.1). For local use. Candidates that share a
     *  socket have the same base id. Use it to prune pairs (§6.1.2.4); packets that come in on the
     *  socket carry it too. It is the id of the host candidate, or, if policy hides the host
     *  candidate, the lowest id of those that are shown. A relay candidate is its own base. When
     *  the candidate with this id is withdrawn, the base id changes to that of another candidate. 0
     *  for a parsed candidate. */
    uint32_t base_id;
    /** The family of the peers that it can send to. For local use. It is the family of the
     *  candidate's socket, whatever address or name the candidate shows. For a parsed candidate it
     *  is the family of its address; FLOE_FAMILY_NONE for a name. */
    floe_family family;
    /** Why it is withdrawn, in the event that says so; otherwise FLOE_WITHDRAWAL_NONE. */
    floe_withdrawal withdrawal;
} floe_candidate;

/** The candidates that floe_gatherer_get_local_candidates returns. Only the library makes this
 *  struct; later releases append fields. */
typedef struct floe_candidate_list {
    size_t count;
    const floe_candidate *const *candidates;
} floe_candidate_list;

/**
 * Frees a list and everything that it points to.
 *
 * @param list  may be NULL.
 *
 * Threads: any. Call it before the floe_api of the gatherer is freed.
 */
FLOE_EXPORT void floe_candidate_list_free(floe_candidate_list *list);

/** Enough room for the text of any candidate that floe makes, with its NUL. */
#define FLOE_CANDIDATE_TEXT_SIZE 512

/**
 * Writes the candidate-attribute of RFC 8839 §5.1. The text starts with "candidate:", without "a=",
 * as in RTCIceCandidateInit.
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
 * Parses a candidate-attribute of RFC 8839 §5.1. It also accepts what other programs are known to
 * send: "a=candidate:", "candidate:" or nothing in front; an empty foundation; upper-case transport
 * and type; names instead of addresses; raddr, rport and tcptype in any order among unknown
 * extensions (which are kept); a last extension without a value; a zone after an IPv6 address
 * (which is dropped).
 *
 * Limits: foundation up to 32 ice-char; component 1 to 256; priority 1 to 2^32-1; ports 0 to 65535;
 * 2,048 bytes in all; 64 extensions.
 *
 * @param text       NUL-terminated; blanks and line ends at its end are skipped.
 * @param candidate  receives it; freed by floe_candidate_free. Addresses are in RFC 5952 form. url
 *                   and interface_name are NULL. username_fragment and network_id come from the
 *                   extensions "ufrag" and "network-id"; without these they are NULL and 0.
 * @return FLOE_OK; FLOE_ERR_SYNTAX: floe_last_error() gives the column (from 1) and the reason;
 *         FLOE_ERR_UNSUPPORTED: the text is correct, but its transport or type is one that others
 *         have defined (RFC 8839 §5.1), so ignore the candidate; FLOE_ERR_INVALID_ARGUMENT for
 *         NULL; FLOE_ERR_NO_MEMORY.
 *
 * Threads: any. Memory: malloc's.
 */
FLOE_EXPORT floe_error floe_candidate_parse(const char *text, floe_candidate **candidate);

/** Frees a candidate that floe_candidate_parse made. NULL is fine. Threads: any. */
FLOE_EXPORT void floe_candidate_free(floe_candidate *candidate);

/**
 * Gives the candidate's address and port, in the form that floe_gatherer_send takes for a peer.
 *
 * @param candidate  parsed, or one of a gatherer's own.
 * @param address    receives it, without a scope.
 * @return FLOE_OK; FLOE_ERR_SYNTAX: the candidate shows a name: look it up first
 *         (floe_api_look_up); FLOE_ERR_INVALID_ARGUMENT for NULL.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_candidate_address(const floe_candidate *candidate,
                                              floe_address *address);

/** "host", "srflx", "prflx", "relay"; "" for any other value. Threads: any. */
FLOE_EXPORT const char *floe_candidate_type_name(floe_candidate_type type);
/** "udp", "tcp", "tls", "dtls"; "" for none. Threads: any. */
FLOE_EXPORT const char *floe_protocol_name(floe_protocol protocol);
/** "active", "passive", "so"; "" for none. Threads: any. */
FLOE_EXPORT const char *floe_tcp_type_name(floe_tcp_type type);

/** Why something failed, as one of a few fixed words, for programs. Later releases may add more. */
typedef enum floe_failure_reason {
    /** Nothing failed. */
    FLOE_FAILURE_REASON_NONE = 0,
    /** No answer, or not in time. */
    FLOE_FAILURE_REASON_TIMEOUT = 1,
    /** Refused by ICMP port unreachable or a TCP reset: nothing listens there, or a firewall
     *  rejects. */
    FLOE_FAILURE_REASON_REFUSED = 2,
    /** There is no way there: any other ICMP error, or no route from here. */
    FLOE_FAILURE_REASON_UNREACHABLE = 3,
    /** This machine refuses to send (EPERM). */
    FLOE_FAILURE_REASON_LOCAL_FIREWALL = 4,
    /** The name has no address, none that can be asked, or cannot be looked up. */
    FLOE_FAILURE_REASON_DNS = 5,
    /** The TLS or DTLS handshake failed, or a certificate is not accepted. */
    FLOE_FAILURE_REASON_TLS = 6,
    /** The proxy cannot be reached, or does not let us through. */
    FLOE_FAILURE_REASON_PROXY = 7,
    /** The server refuses the username or the credential, or wants some (401, 441). */
    FLOE_FAILURE_REASON_CREDENTIALS = 8,
    /** The user has all that it may have on the server (486). */
    FLOE_FAILURE_REASON_QUOTA = 9,
    /** The server has nothing left to give (508). */
    FLOE_FAILURE_REASON_CAPACITY = 10,
    /** Any other error that the server answers. */
    FLOE_FAILURE_REASON_SERVER_ERROR = 11,
    /** The answer cannot be used, or cannot be believed, or is not STUN. */
    FLOE_FAILURE_REASON_BAD_ANSWER = 12,
    /** The server closed the connection. */
    FLOE_FAILURE_REASON_CLOSED = 13,
    /** The server, or floe, cannot do this (420, 440, 442; stuns:). */
    FLOE_FAILURE_REASON_UNSUPPORTED = 14,
    /** A setting forbids it, or the server's rules do (403). */
    FLOE_FAILURE_REASON_NOT_ALLOWED = 15,
    /** This machine lacks something: a socket, a port, memory, its list of interfaces. */
    FLOE_FAILURE_REASON_LOCAL = 16
} floe_failure_reason;

/** "timeout", "refused", "unreachable", "local-firewall", "dns", "tls", "proxy", "credentials",
 *  "quota", "capacity", "server-error", "bad-answer", "closed", "unsupported", "not-allowed",
 *  "local"; "" for none and any other value. Threads: any. */
FLOE_EXPORT const char *floe_failure_reason_name(floe_failure_reason reason);

/** Why a server gave no candidate (W3C RTCPeerConnectionIceErrorEvent, ORTC onerror). Only the
 *  library makes this struct; later releases append fields. */
typedef struct floe_candidate_error {
    /** The server's URL as it was given; NULL if no server is at fault (for example no free port).
     */
    const char *url;
    /** The local address that was used. NULL if policy hides it, or if the failure belongs to no
     *  local address (for example a name that does not resolve). */
    const char *address;
    /** The port of the local address; 0 with a NULL address. */
    uint16_t port;
    /** 300 to 699: the server's own STUN error code. 701: any other failure, for example a server
     *  that cannot be reached or gives no usable answer. */
    uint16_t code;
    /** One sentence for people: what happened, and what to check. UTF-8. */
    const char *text;
    /** With this event, the URL has failed on every local address that could ask it. */
    bool url_failed;
    /** What kind of failure it is. */
    floe_failure_reason reason;
} floe_candidate_error;

#ifdef __cplusplus
}
#endif
#endif

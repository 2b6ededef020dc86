/* Packets that arrive on candidates, and the connectivity checks of RFC 8445 among them. */
#ifndef FLOE_PACKET_H
#define FLOE_PACKET_H

#include <floe/address.h>
#include <floe/export.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The protocol of a packet, by its first byte (RFC 7983 §7). */
typedef enum floe_packet_kind {
    FLOE_PACKET_STUN = 0,         /**< 0 to 3, with STUN's cookie and length (RFC 8489 §5) */
    FLOE_PACKET_DTLS = 1,         /**< 20 to 63 */
    FLOE_PACKET_CHANNEL_DATA = 2, /**< 64 to 79: used with relays; the application gets none */
    FLOE_PACKET_RTP = 3,          /**< 128 to 191: RTP and RTCP */
    FLOE_PACKET_OTHER = 4
} floe_packet_kind;

/** The largest number of unknown attributes that a check lists. */
#define FLOE_CHECK_UNKNOWN_MAX 8

/** The contents of a Binding request. An ICE agent needs them to answer it (RFC 8445 §7.3). Only
 *  the library makes this struct; later releases append fields. */
typedef struct floe_check {
    /** Its USERNAME starts with the local username fragment and a colon, and its
     *  MESSAGE-INTEGRITY-SHA256 (or, if it has none, its MESSAGE-INTEGRITY) matches the local
     *  password (RFC 8489 §9.1.3). If this is false, the request is not from the peer: answer 401
     *  or nothing. */
    bool authenticated;
    /** The username fragment and password are those from before the latest restart, which the peer
     *  does not know of yet. The check belongs to the old pair, on which consent and data continue
     *  (RFC 8445 §9). This ends when a check with the current ones has arrived. */
    bool former;
    /** The part after the colon: the peer's username fragment; "" if there is none. */
    char remote_username_fragment[257];
    /** PRIORITY (RFC 8445 §7.1.1); 0: the check has none. */
    uint32_t priority;
    bool use_candidate;
    /** Whether ICE-CONTROLLING or ICE-CONTROLLED is present; which of them; and its tie-breaker. */
    bool has_role;
    bool controlling;
    uint64_t tie_breaker;
    uint8_t transaction_id[12];
    /** Comprehension-required attributes that floe does not know: answer 420 (RFC 8489 §6.3.1), and
     *  the answer names them. The count, and the attributes in their order. */
    uint16_t unknown_attribute_count;
    uint16_t unknown_attributes[FLOE_CHECK_UNKNOWN_MAX];
    /** It has MESSAGE-INTEGRITY-SHA256; then floe_gatherer_answer_check signs its answer with it
     *  too. */
    bool sha256;
} floe_check;

/** A code for floe_gatherer_answer_check: success, even if the request is not authenticated. */
#define FLOE_ANSWER_ANYBODY 1

/** One packet. Only the library makes this struct; later releases append fields. Nothing in it is
 *  valid after the callback. */
typedef struct floe_packet {
    /** The candidate that it arrived on: `id` of floe_candidate. Of several candidates that share a
     *  socket, it is the host candidate's. 0 if policy shows none of them. */
    uint32_t candidate_id;
    /** The sender. With a relay, this is the peer, not the server. */
    floe_address peer;
    /** Points into the buffer that the packet was read into. */
    const void *data;
    size_t size;
    floe_packet_kind kind;
    /** For a STUN Binding request; NULL for everything else. */
    const floe_check *check;
} floe_packet;

/** Why a packet does not reach its destination. */
typedef enum floe_unreachable {
    FLOE_UNREACHABLE_PORT = 1,       /**< ICMP: nothing listens on that port */
    FLOE_UNREACHABLE_HOST = 2,       /**< ICMP: no such host, or no route to it */
    FLOE_UNREACHABLE_NETWORK = 3,    /**< ICMP, or no route from here */
    FLOE_UNREACHABLE_PROHIBITED = 4, /**< ICMP: a router or firewall forbids it */
    FLOE_UNREACHABLE_NOT_SENT = 5,   /**< this machine refused to send it (a local firewall?) */
    /** ICMP, reported by a relay's server: the packet is too large for the path to the peer and
     *  must not be fragmented (settings.dont_fragment). Smaller packets may arrive: this says
     *  nothing against the path. */
    FLOE_UNREACHABLE_TOO_BIG = 6,
    /** ICMP, reported by a relay's server: the packet took too long or too many hops, or some of
     *  its fragments did not arrive. This is about one packet, and says little against the path. */
    FLOE_UNREACHABLE_EXPIRED = 7,
    /** Not sent, because floe could not receive an answer: the system has no room to watch the
     *  socket (see FLOE_ERR_NO_WATCHES). */
    FLOE_UNREACHABLE_NOT_WATCHED = 8
} floe_unreachable;

#ifdef __cplusplus
}
#endif
#endif

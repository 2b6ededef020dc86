/* Packets that come in on candidates, and the checks of RFC 8445 among them. */
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

/** What a packet is (RFC 7983 §7). */
typedef enum floe_packet_kind {
    FLOE_PACKET_STUN = 0,         /**< 0 to 3, with STUN's cookie and length (RFC 8489 §5) */
    FLOE_PACKET_DTLS = 1,         /**< 20 to 63 */
    FLOE_PACKET_CHANNEL_DATA = 2, /**< 64 to 79: a relay's own, so no packet of the owner's is it */
    FLOE_PACKET_RTP = 3,          /**< 128 to 191: RTP and RTCP */
    FLOE_PACKET_OTHER = 4
} floe_packet_kind;

/** As many unknown attributes of a check are told. */
#define FLOE_CHECK_UNKNOWN_MAX 8

/** What a Binding request says, of which an ICE agent makes its answer (RFC 8445 §7.3). Made by the
 *  library only; later releases append fields. */
typedef struct floe_check {
    /** Its USERNAME begins with the local username fragment and a colon, and its
     *  MESSAGE-INTEGRITY-SHA256, or where it has none its MESSAGE-INTEGRITY, is right by the local
     *  password (RFC 8489 §9.1.3). If not, it is not from the peer: answer 401 or nothing. */
    bool authenticated;
    /** They are those of before the latest restart, which the other side has not heard of yet: the
     *  check is of the old pair, on which consent and data go on (RFC 8445 §9). Until a check has
     *  come by those of today. */
    bool former;
    /** What stands behind the colon: the peer's username fragment; "" if there is none. */
    char remote_username_fragment[257];
    /** PRIORITY (RFC 8445 §7.1.1); 0: it has none. */
    uint32_t priority;
    bool use_candidate;
    /** ICE-CONTROLLING or ICE-CONTROLLED is there; and which, and its tie-breaker. */
    bool has_role;
    bool controlling;
    uint64_t tie_breaker;
    uint8_t transaction_id[12];
    /** Comprehension-required attributes that nobody here knows: answer 420 (RFC 8489 §6.3.1),
     *  which names them. So many of them, in their order. */
    uint16_t unknown_attribute_count;
    uint16_t unknown_attributes[FLOE_CHECK_UNKNOWN_MAX];
    /** It has MESSAGE-INTEGRITY-SHA256; then floe_gatherer_answer_check signs its answer so too. */
    bool sha256;
} floe_check;

/** A code for floe_gatherer_answer_check: success, whoever asks. */
#define FLOE_ANSWER_ANYBODY 1

/** One packet. Made by the library only; later releases append fields. Nothing in it outlives the
 *  callback. */
typedef struct floe_packet {
    /** On which candidate it came: `id` of floe_candidate; of those that share a socket the host's.
     *  0 where policy shows none of them. */
    uint32_t candidate_id;
    /** Who sent it: behind a relay, the peer and not the server. */
    floe_address peer;
    /** As it stands in the buffer that it was read into. */
    const void *data;
    size_t size;
    floe_packet_kind kind;
    /** Of a STUN Binding request; NULL for all else. */
    const floe_check *check;
} floe_packet;

/** Why the network will not carry a packet to its destination. */
typedef enum floe_unreachable {
    FLOE_UNREACHABLE_PORT = 1,       /**< ICMP: nobody listens there */
    FLOE_UNREACHABLE_HOST = 2,       /**< ICMP: no such host, or no way to it */
    FLOE_UNREACHABLE_NETWORK = 3,    /**< ICMP, or no route from here */
    FLOE_UNREACHABLE_PROHIBITED = 4, /**< ICMP: a router or firewall on the way forbids it */
    FLOE_UNREACHABLE_NOT_SENT = 5,   /**< this machine refused to send it (a local firewall, say) */
    /** ICMP, as a relay's server says: too large for the way to the peer, and not to be fragmented
     *  (settings.dont_fragment). Smaller ones may arrive: it says nothing against the path. */
    FLOE_UNREACHABLE_TOO_BIG = 6,
    /** ICMP, as a relay's server says: it was on the way for too long, or in too many hops, or some
     *  of its fragments did not arrive. One packet's fate: it says little against the path. */
    FLOE_UNREACHABLE_EXPIRED = 7,
    /** Not sent, as no answer could be heard: the system has no room to watch the socket (see
     *  FLOE_ERR_NO_WATCHES). */
    FLOE_UNREACHABLE_NOT_WATCHED = 8
} floe_unreachable;

#ifdef __cplusplus
}
#endif
#endif

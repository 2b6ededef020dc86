/* The STUN attributes that floe knows, and what each may hold: one table for parser and printer. */
#ifndef FLOE_STUN_ATTRIBUTE_H
#define FLOE_STUN_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum floe_stun_attribute_type {
    /* RFC 8489 §14 */
    FLOE_STUN_MAPPED_ADDRESS = 0x0001,
    FLOE_STUN_USERNAME = 0x0006,
    FLOE_STUN_MESSAGE_INTEGRITY = 0x0008,
    FLOE_STUN_ERROR_CODE = 0x0009,
    FLOE_STUN_UNKNOWN_ATTRIBUTES = 0x000A,
    FLOE_STUN_REALM = 0x0014,
    FLOE_STUN_NONCE = 0x0015,
    FLOE_STUN_MESSAGE_INTEGRITY_SHA256 = 0x001C,
    FLOE_STUN_PASSWORD_ALGORITHM = 0x001D,
    FLOE_STUN_USERHASH = 0x001E,
    FLOE_STUN_XOR_MAPPED_ADDRESS = 0x0020,
    FLOE_STUN_PASSWORD_ALGORITHMS = 0x8002,
    FLOE_STUN_ALTERNATE_DOMAIN = 0x8003,
    FLOE_STUN_SOFTWARE = 0x8022,
    FLOE_STUN_ALTERNATE_SERVER = 0x8023,
    FLOE_STUN_FINGERPRINT = 0x8028,
    /* RFC 8445 §16.1 */
    FLOE_STUN_PRIORITY = 0x0024,
    FLOE_STUN_USE_CANDIDATE = 0x0025,
    FLOE_STUN_ICE_CONTROLLED = 0x8029,
    FLOE_STUN_ICE_CONTROLLING = 0x802A,
    /* RFC 8656 §18 */
    FLOE_STUN_CHANNEL_NUMBER = 0x000C,
    FLOE_STUN_LIFETIME = 0x000D,
    FLOE_STUN_XOR_PEER_ADDRESS = 0x0012,
    FLOE_STUN_DATA = 0x0013,
    FLOE_STUN_XOR_RELAYED_ADDRESS = 0x0016,
    FLOE_STUN_REQUESTED_ADDRESS_FAMILY = 0x0017,
    FLOE_STUN_EVEN_PORT = 0x0018,
    FLOE_STUN_REQUESTED_TRANSPORT = 0x0019,
    FLOE_STUN_DONT_FRAGMENT = 0x001A,
    FLOE_STUN_RESERVATION_TOKEN = 0x0022,
    FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY = 0x8000,
    FLOE_STUN_ADDRESS_ERROR_CODE = 0x8001,
    FLOE_STUN_ICMP = 0x8004,
    /* RFC 8656's two family attributes by their numbers in the draft, which deployed servers use.
     */
    FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY_DRAFT = 0x8032,
    FLOE_STUN_ADDRESS_ERROR_CODE_DRAFT = 0x8033,
    /* RFC 6062 §6.2 */
    FLOE_STUN_CONNECTION_ID = 0x002A,
    /* RFC 7635 §6 */
    FLOE_STUN_ACCESS_TOKEN = 0x001B,
    FLOE_STUN_THIRD_PARTY_AUTHORIZATION = 0x802E,
    /* RFC 8016 §4 */
    FLOE_STUN_MOBILITY_TICKET = 0x8030,
    /* RFC 5780 §7 */
    FLOE_STUN_CHANGE_REQUEST = 0x0003,
    FLOE_STUN_PADDING = 0x0026,
    FLOE_STUN_RESPONSE_PORT = 0x0027,
    FLOE_STUN_RESPONSE_ORIGIN = 0x802B,
    FLOE_STUN_OTHER_ADDRESS = 0x802C,
    /* RFC 3489 §11.2; reserved by RFC 5389 §18.2, and known only to be ignored in responses */
    FLOE_STUN_RESPONSE_ADDRESS = 0x0002,
    FLOE_STUN_SOURCE_ADDRESS = 0x0004,
    FLOE_STUN_CHANGED_ADDRESS = 0x0005,
    FLOE_STUN_REFLECTED_FROM = 0x000B,
} floe_stun_attribute_type;

typedef struct floe_stun_attribute_rule {
    uint16_t type;
    uint16_t shortest; /* of the value, in bytes */
    uint16_t longest;
    const char *name;
} floe_stun_attribute_rule;

/* NULL for an attribute that floe does not know. */
const floe_stun_attribute_rule *floe_stun_attribute_rule_of(uint16_t type);
/* The whole table, for tests that must see every attribute. */
const floe_stun_attribute_rule *floe_stun_attribute_rules(size_t *count);

/* RFC 8489 §14.2: the XOR form hides the address from NATs that rewrite payloads. */
static inline bool floe_stun_attribute_is_xored(uint16_t type)
{
    return type == FLOE_STUN_XOR_MAPPED_ADDRESS || type == FLOE_STUN_XOR_PEER_ADDRESS ||
           type == FLOE_STUN_XOR_RELAYED_ADDRESS;
}

/* RFC 8489 §14: types below 0x8000 must be understood. */
static inline bool floe_stun_comprehension_required(uint16_t type)
{
    return type < 0x8000;
}

#endif

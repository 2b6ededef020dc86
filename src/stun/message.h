/* STUN messages (RFC 8489): parsed in place, without copying, and their attributes read. */
#ifndef FLOE_STUN_MESSAGE_H
#define FLOE_STUN_MESSAGE_H

#include "base/bytes.h"
#include "base/crypto.h"
#include "stun/attribute.h"

#include <floe/address.h>
#include <floe/packet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOE_STUN_MAGIC_COOKIE 0x2112A442U
/* §14.7: so that a CRC of the application's own is not taken for ours. */
#define FLOE_STUN_FINGERPRINT_XOR 0x5354554EU
#define FLOE_STUN_HEADER_SIZE 20
#define FLOE_STUN_ID_SIZE 12

typedef enum floe_stun_class {
    FLOE_STUN_REQUEST = 0,
    FLOE_STUN_INDICATION = 1,
    FLOE_STUN_SUCCESS = 2,
    FLOE_STUN_ERROR = 3,
} floe_stun_class;

typedef enum floe_stun_method {
    FLOE_STUN_BINDING = 0x001,
    FLOE_STUN_ALLOCATE = 0x003,
    FLOE_STUN_REFRESH = 0x004,
    FLOE_STUN_SEND = 0x006,
    FLOE_STUN_DATA_INDICATION = 0x007,
    FLOE_STUN_CREATE_PERMISSION = 0x008,
    FLOE_STUN_CHANNEL_BIND = 0x009,
    FLOE_STUN_CONNECT = 0x00A,
    FLOE_STUN_CONNECTION_BIND = 0x00B,
    FLOE_STUN_CONNECTION_ATTEMPT = 0x00C,
} floe_stun_method;

/* A transaction id; random, so that nobody who does not see the request can answer it. */
typedef struct floe_stun_id {
    uint8_t bytes[FLOE_STUN_ID_SIZE];
} floe_stun_id;

bool floe_stun_id_equal(const floe_stun_id *a, const floe_stun_id *b);

/* A parsed message: a view of the bytes it was parsed from, valid as long as they are. */
typedef struct floe_stun_message {
    floe_span bytes;
    floe_stun_class class;
    uint16_t method;
    floe_stun_id id;
    /* Where the readable attributes end: those behind the first integrity attribute but for
     * MESSAGE-INTEGRITY-SHA256 and FINGERPRINT are not covered by it and are ignored (§14.5). */
    size_t attributes_end;
    /* Where each stands, from the start of the message; 0: it has none. */
    size_t integrity_at;
    size_t integrity_sha256_at;
    size_t fingerprint_at;
} floe_stun_message;

/* Why bytes are no STUN message. */
typedef enum floe_stun_parse_result {
    FLOE_STUN_PARSED,
    FLOE_STUN_NOT_STUN,       /* too short, first bits not 00, or another cookie */
    FLOE_STUN_BAD_LENGTH,     /* the length field is no multiple of 4, or not that of the bytes */
    FLOE_STUN_BAD_ATTRIBUTE,  /* an attribute reaches beyond the message */
    FLOE_STUN_BAD_FINGERPRINT /* FINGERPRINT is not last, or not the CRC of the message */
} floe_stun_parse_result;

/* Parses exactly `bytes`. Attribute values are looked at only when read. */
floe_stun_parse_result floe_stun_parse(floe_span bytes, floe_stun_message *message);

typedef struct floe_stun_attribute {
    uint16_t type;
    floe_span value;
} floe_stun_attribute;

/* Walks the readable attributes: start with *at = 0; false at the end. */
bool floe_stun_next_attribute(const floe_stun_message *message, size_t *at,
                              floe_stun_attribute *attribute);
/* The value of the first attribute of a type (§14: later ones of the same type may be ignored).
 * False when there is none or its length is outside the bounds of the table. */
bool floe_stun_find(const floe_stun_message *message, uint16_t type, floe_span *value);
bool floe_stun_has(const floe_stun_message *message, uint16_t type);
/* Or one that is too short or too long to be read. */
bool floe_stun_holds(const floe_stun_message *message, uint16_t type);

/* Readers of one kind of value each; false when it is absent or malformed. */
bool floe_stun_read_address(const floe_stun_message *message, uint16_t type, floe_address *address);
/* The same of the attribute at hand, for those that may come more than once. */
bool floe_stun_attribute_address(const floe_stun_message *message,
                                 const floe_stun_attribute *attribute, floe_address *address);
bool floe_stun_read_u32(const floe_stun_message *message, uint16_t type, uint32_t *value);
bool floe_stun_read_u64(const floe_stun_message *message, uint16_t type, uint64_t *value);
/* An attribute of one byte or whose first byte is its value: REQUESTED-TRANSPORT, the address
 * families (1: IPv4, 2: IPv6), EVEN-PORT. */
bool floe_stun_read_u8(const floe_stun_message *message, uint16_t type, uint8_t *value);
/* CHANNEL-NUMBER and RESPONSE-PORT: 16 bits and 16 reserved ones. */
bool floe_stun_read_u16(const floe_stun_message *message, uint16_t type, uint16_t *value);
/* ERROR-CODE: 300 … 699 and the server's reason, which is a view and need not be good UTF-8. */
bool floe_stun_read_error(const floe_stun_message *message, uint16_t *code, floe_span *reason);
/* A server's reason as text for people: it ends at the first NUL, without blanks and control
 * characters at its end; others, and bytes beyond ASCII, become '?', what does not fit is cut. */
void floe_stun_copy_reason(floe_span reason, char *text, size_t size);
/* Whether UNKNOWN-ATTRIBUTES (§14.13), where there is one, names this type. */
bool floe_stun_says_unknown(const floe_stun_message *message, uint16_t type);
/* ADDRESS-ERROR-CODE (RFC 8656 §18.12), by either number: which family, and why. */
bool floe_stun_read_address_error(const floe_stun_message *message, uint8_t *family, uint16_t *code,
                                  floe_span *reason);
/* ICMP (RFC 8656 §18.13). */
bool floe_stun_read_icmp(const floe_stun_message *message, uint8_t *type, uint8_t *code,
                         uint32_t *data);

/* RFC 8489 §18.5: what a password is hashed by. */
typedef enum floe_stun_password_algorithm {
    FLOE_STUN_PASSWORD_MD5 = 0x0001,
    FLOE_STUN_PASSWORD_SHA256 = 0x0002,
} floe_stun_password_algorithm;

/* Walks PASSWORD-ALGORITHMS (or PASSWORD-ALGORITHM): start with *at = 0; false at the end, or where
 * an entry reaches beyond the value. */
bool floe_stun_next_password_algorithm(floe_span value, size_t *at, uint16_t *algorithm,
                                       floe_span *parameters);

/* The security feature bits of a nonce that begins with the cookie "obMatJos2" (§9.2); 0 for any
 * other nonce. */
#define FLOE_STUN_FEATURE_PASSWORD_ALGORITHMS 0x800000U
#define FLOE_STUN_FEATURE_USERNAME_ANONYMITY 0x400000U
uint32_t floe_stun_nonce_features(floe_span nonce);

/* Comprehension-required attributes that floe does not know, at most `room` of them; how many there
 * are. Not for writing out: for refusing the message (§6.3.1). Those of RFC 3489 that RFC 5389
 * §12.1 reserves do not count in responses, where old servers put them. */
size_t floe_stun_unknown_required(const floe_stun_message *message, uint16_t *types, size_t room);
/* Whether it is a success response that means what it says: with an unknown comprehension-required
 * attribute a transaction has failed (§6.3.3). */
bool floe_stun_succeeded(const floe_stun_message *message);

/* Whether the message carries the attribute and its code is the right one for `mac`. */
bool floe_stun_check_integrity(const floe_stun_message *message, floe_mac *mac);
bool floe_stun_check_integrity_sha256(const floe_stun_message *message, floe_mac *mac);

/* "Allocate success response", for traces. */
const char *floe_stun_method_name(uint16_t method);
const char *floe_stun_class_name(floe_stun_class class);

/* RFC 7983 §7, as RFC 8656 has it: what a datagram is by its first byte. */
floe_packet_kind floe_packet_kind_of(floe_span bytes);
/* Whether they begin and end as a STUN message does (RFC 8489 §5): the cookie and the length. */
bool floe_stun_is(floe_span bytes);

#endif

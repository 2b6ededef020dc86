/* Writing STUN messages (RFC 8489) into the caller's buffer, padding zeroed. */
#ifndef FLOE_STUN_WRITER_H
#define FLOE_STUN_WRITER_H

#include "stun/message.h"

/* A message being written: begin, then attributes, then integrity, then fingerprint. The header's
 * length is right after every step. `out.failed` tells that the buffer was too small. */
typedef struct floe_stun_writer {
    floe_writer out;
} floe_stun_writer;

floe_stun_writer floe_stun_begin(void *buffer, size_t size, floe_stun_class class, uint16_t method,
                                 const floe_stun_id *id);
/* The message so far; empty when it did not fit. */
floe_span floe_stun_written(const floe_stun_writer *writer);

void floe_stun_put(floe_stun_writer *writer, uint16_t type, floe_span value);
/* The header of a last attribute of `size` bytes, which follow behind the buffer with their
 * padding.
 */
void floe_stun_put_open(floe_stun_writer *writer, uint16_t type, size_t size);
void floe_stun_put_u32(floe_stun_writer *writer, uint16_t type, uint32_t value);
void floe_stun_put_u64(floe_stun_writer *writer, uint16_t type, uint64_t value);
/* EVEN-PORT: one byte, `first`. */
void floe_stun_put_u8(floe_stun_writer *writer, uint16_t type, uint8_t first);
/* REQUESTED-TRANSPORT and address families: a byte and three reserved ones. */
void floe_stun_put_u8_reserved(floe_stun_writer *writer, uint16_t type, uint8_t first);
/* CHANNEL-NUMBER and RESPONSE-PORT: 16 bits and 16 reserved ones. */
void floe_stun_put_u16_reserved(floe_stun_writer *writer, uint16_t type, uint16_t first);
void floe_stun_put_address(floe_stun_writer *writer, uint16_t type, const floe_address *address);
void floe_stun_put_error(floe_stun_writer *writer, uint16_t code, floe_span reason);
/* ADDRESS-ERROR-CODE under the number `type`. */
void floe_stun_put_address_error(floe_stun_writer *writer, uint16_t type, uint8_t family,
                                 uint16_t code, floe_span reason);
void floe_stun_put_unknown_attributes(floe_stun_writer *writer, const uint16_t *types,
                                      size_t count);
void floe_stun_put_icmp(floe_stun_writer *writer, uint8_t type, uint8_t code, uint32_t data);
/* One entry of PASSWORD-ALGORITHMS after another: algorithms without parameters, as the two that
 * exist are. With one algorithm and FLOE_STUN_PASSWORD_ALGORITHM it is that attribute. */
void floe_stun_put_password_algorithms(floe_stun_writer *writer, uint16_t type,
                                       const uint16_t *algorithms, size_t count);

void floe_stun_put_integrity(floe_stun_writer *writer, floe_mac *mac);
void floe_stun_put_integrity_sha256(floe_stun_writer *writer, floe_mac *mac);
void floe_stun_put_fingerprint(floe_stun_writer *writer);

#endif

/* Writing STUN messages through the bounded writer. */
#include "stun/writer.h"

#include <zlib.h>

/* Sets the header's length to what is written, and `more` bytes that will be. */
static void set_length(floe_stun_writer *writer, size_t more)
{
    if (writer->out.failed) {
        return; /* not even the header may be there */
    }
    size_t length = writer->out.at - FLOE_STUN_HEADER_SIZE + more;
    if (length > UINT16_MAX) {
        writer->out.failed = true;
        return;
    }
    floe_write_u16_at(&writer->out, 2, (uint16_t)length);
}

floe_stun_writer floe_stun_begin(void *buffer, size_t size, floe_stun_class class, uint16_t method,
                                 const floe_stun_id *id)
{
    floe_stun_writer writer = {.out = floe_writer_of(buffer, size)};
    unsigned type = (method & 0x000FU) | (method & 0x0070U) << 1 | (method & 0x0F80U) << 2 |
                    ((unsigned)class & 1U) << 4 | ((unsigned)class & 2U) << 7;

    floe_write_u16(&writer.out, (uint16_t)type);
    floe_write_u16(&writer.out, 0);
    floe_write_u32(&writer.out, FLOE_STUN_MAGIC_COOKIE);
    floe_write_bytes(&writer.out, id->bytes, sizeof id->bytes);
    return writer;
}

floe_span floe_stun_written(const floe_stun_writer *writer)
{
    return writer->out.failed ? (floe_span){0} : floe_span_of(writer->out.data, writer->out.at);
}

static void put_header(floe_stun_writer *writer, uint16_t type, size_t size)
{
    if (size > UINT16_MAX) {
        writer->out.failed = true;
        return;
    }
    floe_write_u16(&writer->out, type);
    floe_write_u16(&writer->out, (uint16_t)size);
}

static void pad(floe_stun_writer *writer)
{
    floe_write_zeros(&writer->out, (4 - writer->out.at % 4) % 4);
    set_length(writer, 0);
}

void floe_stun_put(floe_stun_writer *writer, uint16_t type, floe_span value)
{
    put_header(writer, type, value.size);
    floe_write_bytes(&writer->out, value.data, value.size);
    pad(writer);
}

void floe_stun_put_open(floe_stun_writer *writer, uint16_t type, size_t size)
{
    put_header(writer, type, size);
    set_length(writer, (size + 3) / 4 * 4);
}

void floe_stun_put_u64(floe_stun_writer *writer, uint16_t type, uint64_t value)
{
    put_header(writer, type, 8);
    floe_write_u64(&writer->out, value);
    pad(writer);
}

void floe_stun_put_u32(floe_stun_writer *writer, uint16_t type, uint32_t value)
{
    put_header(writer, type, 4);
    floe_write_u32(&writer->out, value);
    pad(writer);
}

void floe_stun_put_u8(floe_stun_writer *writer, uint16_t type, uint8_t first)
{
    put_header(writer, type, 1);
    floe_write_u8(&writer->out, first);
    pad(writer);
}

void floe_stun_put_u8_reserved(floe_stun_writer *writer, uint16_t type, uint8_t first)
{
    floe_stun_put_u32(writer, type, (uint32_t)first << 24);
}

void floe_stun_put_u16_reserved(floe_stun_writer *writer, uint16_t type, uint16_t first)
{
    floe_stun_put_u32(writer, type, (uint32_t)first << 16);
}

void floe_stun_put_address(floe_stun_writer *writer, uint16_t type, const floe_address *address)
{
    bool ipv4 = address->family == FLOE_FAMILY_IPV4;
    bool xored = floe_stun_attribute_is_xored(type);
    size_t ip_size = ipv4 ? 4 : 16;
    floe_reader key = floe_reader_of(writer->out.data, writer->out.at);

    put_header(writer, type, 4 + ip_size);
    floe_write_u8(&writer->out, 0);
    floe_write_u8(&writer->out, ipv4 ? 1 : 2);
    floe_write_u16(&writer->out, xored ? address->port ^ (uint16_t)(FLOE_STUN_MAGIC_COOKIE >> 16)
                                       : address->port);
    floe_read_skip(&key, 4);
    for (size_t i = 0; i < ip_size; i++) {
        floe_write_u8(&writer->out, xored ? address->ip[i] ^ floe_read_u8(&key) : address->ip[i]);
    }
    pad(writer);
}

static void put_error_value(floe_stun_writer *writer, uint16_t type, uint8_t first, uint16_t code,
                            floe_span reason)
{
    put_header(writer, type, 4 + reason.size);
    floe_write_u8(&writer->out, first);
    floe_write_u8(&writer->out, 0);
    floe_write_u8(&writer->out, (uint8_t)(code / 100));
    floe_write_u8(&writer->out, (uint8_t)(code % 100));
    floe_write_bytes(&writer->out, reason.data, reason.size);
    pad(writer);
}

void floe_stun_put_error(floe_stun_writer *writer, uint16_t code, floe_span reason)
{
    put_error_value(writer, FLOE_STUN_ERROR_CODE, 0, code, reason);
}

void floe_stun_put_address_error(floe_stun_writer *writer, uint16_t type, uint8_t family,
                                 uint16_t code, floe_span reason)
{
    put_error_value(writer, type, family == FLOE_FAMILY_IPV4 ? 1 : 2, code, reason);
}

void floe_stun_put_unknown_attributes(floe_stun_writer *writer, const uint16_t *types, size_t count)
{
    put_header(writer, FLOE_STUN_UNKNOWN_ATTRIBUTES, 2 * count);
    for (size_t i = 0; i < count; i++) {
        floe_write_u16(&writer->out, types[i]);
    }
    pad(writer);
}

void floe_stun_put_icmp(floe_stun_writer *writer, uint8_t type, uint8_t code, uint32_t data)
{
    put_header(writer, FLOE_STUN_ICMP, 8);
    floe_write_u16(&writer->out, 0);
    floe_write_u16(&writer->out, (uint16_t)((unsigned)type << 9 | code));
    floe_write_u32(&writer->out, data);
    pad(writer);
}

void floe_stun_put_password_algorithms(floe_stun_writer *writer, uint16_t type,
                                       const uint16_t *algorithms, size_t count)
{
    put_header(writer, type, 4 * count);
    for (size_t i = 0; i < count; i++) {
        floe_write_u16(&writer->out, algorithms[i]);
        floe_write_u16(&writer->out, 0);
    }
    pad(writer);
}

/* The code covers what is written so far under a length that already holds the attribute. */
static void put_code(floe_stun_writer *writer, uint16_t type, size_t size, floe_mac *mac)
{
    uint8_t code[FLOE_SHA256_SIZE];

    set_length(writer, 4 + size);
    floe_span covered = floe_stun_written(writer);
    if (covered.size == 0 || floe_mac_compute(mac, &covered, 1, code) != FLOE_OK) {
        writer->out.failed = true;
        return;
    }
    floe_stun_put(writer, type, floe_span_of(code, size));
}

void floe_stun_put_integrity(floe_stun_writer *writer, floe_mac *mac)
{
    put_code(writer, FLOE_STUN_MESSAGE_INTEGRITY, FLOE_SHA1_SIZE, mac);
}

void floe_stun_put_integrity_sha256(floe_stun_writer *writer, floe_mac *mac)
{
    put_code(writer, FLOE_STUN_MESSAGE_INTEGRITY_SHA256, FLOE_SHA256_SIZE, mac);
}

void floe_stun_put_fingerprint(floe_stun_writer *writer)
{
    set_length(writer, 8);
    floe_span covered = floe_stun_written(writer);
    uLong crc = crc32(0, covered.data, (uInt)covered.size);
    floe_stun_put_u32(writer, FLOE_STUN_FINGERPRINT, (uint32_t)crc ^ FLOE_STUN_FINGERPRINT_XOR);
}

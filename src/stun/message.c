/* Parsing STUN messages and reading their attributes, all through the bounded reader. */
#include "stun/message.h"

#include "base/random.h"

#include <string.h>
#include <zlib.h>

#define ATTRIBUTE_HEADER_SIZE 4

bool floe_stun_id_equal(const floe_stun_id *a, const floe_stun_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* RFC 8489 §5: the class's two bits stand at 4 and 8 of the type, between the method's. */
static uint16_t method_of(uint16_t type)
{
    return (uint16_t)((type & 0x000FU) | (type & 0x00E0U) >> 1 | (type & 0x3E00U) >> 2);
}

static floe_stun_class class_of(uint16_t type)
{
    return (floe_stun_class)((type & 0x0010U) >> 4 | (type & 0x0100U) >> 7);
}

/* One attribute at the reader's place, its padding skipped. */
static bool read_attribute(floe_reader *reader, floe_stun_attribute *attribute)
{
    attribute->type = floe_read_u16(reader);
    uint16_t length = floe_read_u16(reader);
    attribute->value = floe_read_span(reader, length);
    floe_read_skip(reader, (4U - length % 4U) % 4U);
    return !reader->failed;
}

/* What is behind an integrity attribute is not covered by it: only what §14.5 to 14.7 let stand
 * there counts. */
static floe_stun_parse_result note_attribute(floe_stun_message *message,
                                             const floe_stun_attribute *attribute, size_t at)
{
    bool sealed = message->integrity_at != 0 || message->integrity_sha256_at != 0;

    switch (attribute->type) {
    case FLOE_STUN_MESSAGE_INTEGRITY:
        if (!sealed) {
            message->integrity_at = at;
        }
        break;
    case FLOE_STUN_MESSAGE_INTEGRITY_SHA256:
        if (message->integrity_sha256_at == 0) {
            message->integrity_sha256_at = at;
        }
        break;
    case FLOE_STUN_FINGERPRINT:
        if (attribute->value.size != 4 || at + 8 != message->bytes.size) {
            return FLOE_STUN_BAD_FINGERPRINT;
        }
        message->fingerprint_at = at;
        break;
    default:
        if (!sealed) {
            message->attributes_end = at + ATTRIBUTE_HEADER_SIZE + attribute->value.size;
        }
        break;
    }
    return FLOE_STUN_PARSED;
}

static bool fingerprint_right(const floe_stun_message *message)
{
    floe_reader reader = floe_reader_of(message->bytes.data, message->bytes.size);
    floe_span covered = floe_read_span(&reader, message->fingerprint_at);
    uLong crc = crc32(0, covered.data, (uInt)covered.size);

    floe_read_skip(&reader, ATTRIBUTE_HEADER_SIZE);
    return floe_read_u32(&reader) == ((uint32_t)crc ^ FLOE_STUN_FINGERPRINT_XOR);
}

floe_stun_parse_result floe_stun_parse(floe_span bytes, floe_stun_message *message)
{
    if (bytes.size < FLOE_STUN_HEADER_SIZE ||
        (bytes.data[0] & 0xC0U) != 0) { /* data, as most that comes */
        *message = (floe_stun_message){.bytes = bytes};
        return FLOE_STUN_NOT_STUN;
    }
    floe_reader reader = floe_reader_of(bytes.data, bytes.size);
    uint16_t type = floe_read_u16(&reader);
    uint16_t length = floe_read_u16(&reader);
    uint32_t cookie = floe_read_u32(&reader);

    *message = (floe_stun_message){.bytes = bytes,
                                   .class = class_of(type),
                                   .method = method_of(type),
                                   .attributes_end = FLOE_STUN_HEADER_SIZE};
    floe_read_copy(&reader, message->id.bytes, FLOE_STUN_ID_SIZE);
    if (cookie != FLOE_STUN_MAGIC_COOKIE) {
        return FLOE_STUN_NOT_STUN;
    }
    if (length % 4 != 0 || length != floe_reader_left(&reader)) {
        return FLOE_STUN_BAD_LENGTH;
    }
    while (floe_reader_left(&reader) > 0) {
        floe_stun_attribute attribute;
        size_t at = reader.at;

        if (!read_attribute(&reader, &attribute)) {
            return FLOE_STUN_BAD_ATTRIBUTE;
        }
        floe_stun_parse_result result = note_attribute(message, &attribute, at);
        if (result != FLOE_STUN_PARSED) {
            return result;
        }
    }
    return message->fingerprint_at == 0 || fingerprint_right(message) ? FLOE_STUN_PARSED
                                                                      : FLOE_STUN_BAD_FINGERPRINT;
}

bool floe_stun_next_attribute(const floe_stun_message *message, size_t *at,
                              floe_stun_attribute *attribute)
{
    floe_reader reader = floe_reader_of(message->bytes.data, message->bytes.size);

    floe_read_skip(&reader, *at == 0 ? FLOE_STUN_HEADER_SIZE : *at);
    if (reader.at >= message->attributes_end || !read_attribute(&reader, attribute)) {
        return false;
    }
    *at = reader.at;
    return true;
}

bool floe_stun_find(const floe_stun_message *message, uint16_t type, floe_span *value)
{
    const floe_stun_attribute_rule *rule = floe_stun_attribute_rule_of(type);
    floe_stun_attribute attribute;
    size_t at = 0;

    while (floe_stun_next_attribute(message, &at, &attribute)) {
        if (attribute.type == type) {
            *value = attribute.value;
            return rule == NULL || (value->size >= rule->shortest && value->size <= rule->longest);
        }
    }
    return false;
}

bool floe_stun_has(const floe_stun_message *message, uint16_t type)
{
    floe_span value;

    return floe_stun_find(message, type, &value);
}

bool floe_stun_holds(const floe_stun_message *message, uint16_t type)
{
    floe_stun_attribute attribute;
    size_t at = 0;

    while (floe_stun_next_attribute(message, &at, &attribute)) {
        if (attribute.type == type) {
            return true;
        }
    }
    return false;
}

bool floe_stun_read_address(const floe_stun_message *message, uint16_t type, floe_address *address)
{
    floe_stun_attribute attribute = {.type = type};

    return floe_stun_find(message, type, &attribute.value) &&
           floe_stun_attribute_address(message, &attribute, address);
}

bool floe_stun_attribute_address(const floe_stun_message *message,
                                 const floe_stun_attribute *attribute, floe_address *address)
{
    floe_reader reader = floe_reader_of(attribute->value.data, attribute->value.size);

    floe_read_skip(&reader, 1);
    uint8_t family = floe_read_u8(&reader);
    floe_address read = {.port = floe_read_u16(&reader)};
    size_t ip_size = family == 1 ? 4 : 16;

    read.family = family == 1 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
    floe_read_copy(&reader, read.ip, ip_size);
    if (reader.failed || floe_reader_left(&reader) > 0 || (family != 1 && family != 2)) {
        return false;
    }
    if (floe_stun_attribute_is_xored(attribute->type)) {
        /* The key is the cookie and the transaction id: bytes 4 to 19 of the header. */
        floe_reader key = floe_reader_of(message->bytes.data, message->bytes.size);
        floe_read_skip(&key, 4);
        read.port ^= (uint16_t)(FLOE_STUN_MAGIC_COOKIE >> 16);
        for (size_t i = 0; i < ip_size; i++) {
            read.ip[i] ^= floe_read_u8(&key);
        }
    }
    *address = read;
    return true;
}

bool floe_stun_read_u64(const floe_stun_message *message, uint16_t type, uint64_t *value)
{
    floe_span span;

    if (!floe_stun_find(message, type, &span) || span.size != 8) {
        return false;
    }
    floe_reader reader = floe_reader_of(span.data, span.size);
    *value = floe_read_u64(&reader);
    return true;
}

bool floe_stun_read_u32(const floe_stun_message *message, uint16_t type, uint32_t *value)
{
    floe_span span;

    if (!floe_stun_find(message, type, &span) || span.size != 4) {
        return false;
    }
    floe_reader reader = floe_reader_of(span.data, span.size);
    *value = floe_read_u32(&reader);
    return true;
}

bool floe_stun_read_u16(const floe_stun_message *message, uint16_t type, uint16_t *value)
{
    uint32_t both;

    if (!floe_stun_read_u32(message, type, &both)) {
        return false;
    }
    *value = (uint16_t)(both >> 16);
    return true;
}

bool floe_stun_read_u8(const floe_stun_message *message, uint16_t type, uint8_t *value)
{
    floe_span span;

    if (!floe_stun_find(message, type, &span) || span.size == 0) {
        return false;
    }
    *value = span.data[0];
    return true;
}

/* RFC 8489 §14.8 and RFC 8656 §18.12: a byte, 21 bits or so reserved, class, number, reason. */
static bool read_error_value(floe_span value, uint8_t *first, uint16_t *code, floe_span *reason)
{
    floe_reader reader = floe_reader_of(value.data, value.size);

    *first = floe_read_u8(&reader);
    floe_read_skip(&reader, 1);
    unsigned class = floe_read_u8(&reader) & 7U;
    unsigned number = floe_read_u8(&reader);
    if (reader.failed || class < 3 || class > 6 || number > 99) {
        return false;
    }
    *code = (uint16_t)(class * 100 + number);
    *reason = floe_read_span(&reader, floe_reader_left(&reader));
    return true;
}

bool floe_stun_read_error(const floe_stun_message *message, uint16_t *code, floe_span *reason)
{
    floe_span value;
    uint8_t reserved;

    return floe_stun_find(message, FLOE_STUN_ERROR_CODE, &value) &&
           read_error_value(value, &reserved, code, reason);
}

/* Some servers count the padding, or what ends a string in C, into the length. */
static size_t text_size(floe_span text)
{
    const uint8_t *end = text.size > 0 ? memchr(text.data, '\0', text.size) : NULL;
    size_t size = end != NULL ? (size_t)(end - text.data) : text.size;

    while (size > 0 && (text.data[size - 1] <= 0x20 || text.data[size - 1] == 0x7F)) {
        size--;
    }
    return size;
}

void floe_stun_copy_reason(floe_span reason, char *text, size_t size)
{
    size_t whole = text_size(reason);
    size_t used = 0;

    for (; used < whole && used + 1 < size; used++) {
        uint8_t byte = reason.data[used];
        text[used] = byte < 0x20 || byte >= 0x7F ? '?' : (char)byte;
    }
    text[used] = '\0';
}

bool floe_stun_says_unknown(const floe_stun_message *message, uint16_t type)
{
    floe_span value;

    if (!floe_stun_find(message, FLOE_STUN_UNKNOWN_ATTRIBUTES, &value)) {
        return false;
    }
    floe_reader reader = floe_reader_of(value.data, value.size);
    while (floe_reader_left(&reader) >= 2) {
        if (floe_read_u16(&reader) == type) {
            return true;
        }
    }
    return false;
}

bool floe_stun_read_address_error(const floe_stun_message *message, uint8_t *family, uint16_t *code,
                                  floe_span *reason)
{
    floe_span value;
    uint8_t number;

    if (!floe_stun_find(message, FLOE_STUN_ADDRESS_ERROR_CODE, &value) &&
        !floe_stun_find(message, FLOE_STUN_ADDRESS_ERROR_CODE_DRAFT, &value)) {
        return false;
    }
    if (!read_error_value(value, &number, code, reason) || (number != 1 && number != 2)) {
        return false;
    }
    *family = number == 1 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
    return true;
}

bool floe_stun_read_icmp(const floe_stun_message *message, uint8_t *type, uint8_t *code,
                         uint32_t *data)
{
    floe_span value;

    if (!floe_stun_find(message, FLOE_STUN_ICMP, &value)) {
        return false;
    }
    floe_reader reader = floe_reader_of(value.data, value.size);
    floe_read_skip(&reader, 2);
    unsigned both = floe_read_u16(&reader);
    *type = (uint8_t)(both >> 9); /* seven bits of type, nine of code */
    *code = (uint8_t)(both & 0xFFU);
    *data = floe_read_u32(&reader);
    return !reader.failed && (both & 0x100U) == 0;
}

bool floe_stun_next_password_algorithm(floe_span value, size_t *at, uint16_t *algorithm,
                                       floe_span *parameters)
{
    floe_reader reader = floe_reader_of(value.data, value.size);
    floe_stun_attribute entry; /* §14.11: number, length, parameters, padding: as an attribute */

    floe_read_skip(&reader, *at);
    if (!read_attribute(&reader, &entry)) {
        return false;
    }
    *at = reader.at;
    *algorithm = entry.type;
    *parameters = entry.value;
    return true;
}

static int base64_value(uint8_t character)
{
    const char *place = character == 0 ? NULL : strchr(floe_ice_chars, character);

    return place == NULL ? -1 : (int)(place - floe_ice_chars);
}

uint32_t floe_stun_nonce_features(floe_span nonce)
{
    static const char cookie[] = "obMatJos2";
    floe_reader reader = floe_reader_of(nonce.data, nonce.size);
    floe_span begin = floe_read_span(&reader, sizeof cookie - 1);
    uint32_t bits = 0;

    if (!floe_span_equal(begin, floe_span_text(cookie))) {
        return 0;
    }
    for (int i = 0; i < 4; i++) {
        int value = base64_value(floe_read_u8(&reader));
        if (reader.failed || value < 0) {
            return 0;
        }
        bits = bits << 6 | (uint32_t)value;
    }
    return bits;
}

/* RFC 5389 §12.1: "a client MUST ignore any Reserved comprehension-required attributes that might
 * appear in the response", and which may. */
static bool ignored(const floe_stun_message *message, uint16_t type)
{
    bool response = message->class == FLOE_STUN_SUCCESS || message->class == FLOE_STUN_ERROR;

    return response && (type == FLOE_STUN_RESPONSE_ADDRESS || type == FLOE_STUN_SOURCE_ADDRESS ||
                        type == FLOE_STUN_CHANGED_ADDRESS || type == FLOE_STUN_REFLECTED_FROM);
}

size_t floe_stun_unknown_required(const floe_stun_message *message, uint16_t *types, size_t room)
{
    floe_stun_attribute attribute;
    size_t at = 0;
    size_t count = 0;

    while (floe_stun_next_attribute(message, &at, &attribute)) {
        if (floe_stun_comprehension_required(attribute.type) &&
            floe_stun_attribute_rule_of(attribute.type) == NULL &&
            !ignored(message, attribute.type)) {
            if (count < room) {
                types[count] = attribute.type;
            }
            count++;
        }
    }
    return count;
}

bool floe_stun_succeeded(const floe_stun_message *message)
{
    uint16_t unknown;

    return message->class == FLOE_STUN_SUCCESS &&
           floe_stun_unknown_required(message, &unknown, 1) == 0;
}

/* §14.5, 14.6: the HMAC covers the message up to the attribute, with a length field that ends with
 * it. The code is a whole one: neither TURN nor ICE allows for truncated ones (§14.6). */
static bool check_code(const floe_stun_message *message, size_t at, size_t whole, floe_mac *mac)
{
    uint8_t header[4];
    uint8_t right[FLOE_SHA256_SIZE];
    floe_reader reader = floe_reader_of(message->bytes.data, message->bytes.size);
    floe_writer writer = floe_writer_of(header, sizeof header);

    if (at == 0) {
        return false;
    }
    uint16_t type = floe_read_u16(&reader);
    floe_read_skip(&reader, 2);
    floe_span covered = floe_read_span(&reader, at - sizeof header);
    floe_read_skip(&reader, 2);
    uint16_t size = floe_read_u16(&reader);
    floe_span code = floe_read_span(&reader, size);
    if (reader.failed || size != whole) {
        return false;
    }
    floe_write_u16(&writer, type);
    floe_write_u16(&writer, (uint16_t)(at + ATTRIBUTE_HEADER_SIZE + size - FLOE_STUN_HEADER_SIZE));
    floe_span parts[] = {floe_span_of(header, sizeof header), covered};
    return floe_mac_compute(mac, parts, 2, right) == FLOE_OK &&
           floe_same_secret(right, code.data, size);
}

bool floe_stun_check_integrity(const floe_stun_message *message, floe_mac *mac)
{
    return check_code(message, message->integrity_at, FLOE_SHA1_SIZE, mac);
}

bool floe_stun_check_integrity_sha256(const floe_stun_message *message, floe_mac *mac)
{
    return check_code(message, message->integrity_sha256_at, FLOE_SHA256_SIZE, mac);
}

const char *floe_stun_method_name(uint16_t method)
{
    switch (method) {
    case FLOE_STUN_BINDING:
        return "Binding";
    case FLOE_STUN_ALLOCATE:
        return "Allocate";
    case FLOE_STUN_REFRESH:
        return "Refresh";
    case FLOE_STUN_SEND:
        return "Send";
    case FLOE_STUN_DATA_INDICATION:
        return "Data";
    case FLOE_STUN_CREATE_PERMISSION:
        return "CreatePermission";
    case FLOE_STUN_CHANNEL_BIND:
        return "ChannelBind";
    case FLOE_STUN_CONNECT:
        return "Connect";
    case FLOE_STUN_CONNECTION_BIND:
        return "ConnectionBind";
    case FLOE_STUN_CONNECTION_ATTEMPT:
        return "ConnectionAttempt";
    default:
        return "unknown method";
    }
}

const char *floe_stun_class_name(floe_stun_class class)
{
    static const char *const names[] = {"request", "indication", "success response",
                                        "error response"};

    return names[class];
}

bool floe_stun_is(floe_span bytes)
{
    floe_reader reader = floe_reader_of(bytes.data, bytes.size);
    uint16_t type = floe_read_u16(&reader);
    uint16_t length = floe_read_u16(&reader);
    uint32_t cookie = floe_read_u32(&reader);

    return !reader.failed && (type & 0xC000U) == 0 && cookie == FLOE_STUN_MAGIC_COOKIE &&
           length % 4 == 0 && bytes.size == (size_t)FLOE_STUN_HEADER_SIZE + length;
}

floe_packet_kind floe_packet_kind_of(floe_span bytes)
{
    uint8_t first = bytes.size > 0 ? bytes.data[0] : 4;

    if (first <= 3) {
        return FLOE_PACKET_STUN;
    }
    if (first >= 20 && first <= 63) {
        return FLOE_PACKET_DTLS;
    }
    if (first >= 64 && first <= 79) {
        return FLOE_PACKET_CHANNEL_DATA;
    }
    return first >= 128 && first <= 191 ? FLOE_PACKET_RTP : FLOE_PACKET_OTHER;
}

/* Rows about STUN messages (RFC 8489, RFC 8656), in hex; "ID" stands for a transaction id and
 * "COOKIE" for the magic cookie. What comes: class and method, then what a reader of the message
 * sees, in the order of the attributes below; or why it is no message. */
#include "table.h"

#include "support.h"

#include "base/address.h"
#include "stun/message.h"

#include <stdio.h>
#include <string.h>

static const char *const refusals[] = {[FLOE_STUN_NOT_STUN] = "no STUN",
                                       [FLOE_STUN_BAD_LENGTH] = "bad length",
                                       [FLOE_STUN_BAD_ATTRIBUTE] = "bad attribute",
                                       [FLOE_STUN_BAD_FINGERPRINT] = "bad fingerprint"};

static void append(char *result, size_t size, const char *name, const char *value)
{
    size_t used = strlen(result);

    (void)snprintf(result + used, size - used, ", %s %s", name, value);
}

static void write_addresses(const floe_stun_message *message, char *result, size_t size)
{
    static const struct {
        uint16_t type;
        const char *name;
    } types[] = {{FLOE_STUN_MAPPED_ADDRESS, "MAPPED-ADDRESS"},
                 {FLOE_STUN_XOR_MAPPED_ADDRESS, "XOR-MAPPED-ADDRESS"},
                 {FLOE_STUN_XOR_RELAYED_ADDRESS, "XOR-RELAYED-ADDRESS"},
                 {FLOE_STUN_ALTERNATE_SERVER, "ALTERNATE-SERVER"}};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        floe_address address;
        char text[FLOE_ADDRESS_TEXT_SIZE];
        char value[FLOE_ADDRESS_TEXT_SIZE + 8];
        if (floe_stun_read_address(message, types[i].type, &address)) {
            (void)floe_address_format(&address, text, sizeof text);
            (void)snprintf(value, sizeof value,
                           address.family == FLOE_FAMILY_IPV6 ? "[%s]:%u" : "%s:%u", text,
                           address.port);
            append(result, size, types[i].name, value);
        } else if (floe_stun_has(message, types[i].type)) {
            append(result, size, types[i].name, "unreadable");
        }
    }
}

static void write_values(const floe_stun_message *message, char *result, size_t size)
{
    char value[64];
    uint16_t code;
    uint16_t unknown[8];
    uint32_t lifetime;
    floe_span reason;
    floe_span text;

    if (floe_stun_read_error(message, &code, &reason)) {
        (void)snprintf(value, sizeof value, "%u", code);
        append(result, size, "ERROR-CODE", value);
    } else if (floe_stun_has(message, FLOE_STUN_ERROR_CODE)) {
        append(result, size, "ERROR-CODE", "unreadable");
    }
    if (floe_stun_read_u32(message, FLOE_STUN_LIFETIME, &lifetime)) {
        (void)snprintf(value, sizeof value, "%u", lifetime);
        append(result, size, "LIFETIME", value);
    }
    if (floe_stun_find(message, FLOE_STUN_REALM, &text)) {
        (void)snprintf(value, sizeof value, "%.*s", (int)text.size, (const char *)text.data);
        append(result, size, "REALM", value);
    }
    size_t count = floe_stun_unknown_required(message, unknown, 8);
    for (size_t i = 0; i < count && i < 8; i++) {
        (void)snprintf(value, sizeof value, "%04x", unknown[i]);
        append(result, size, "unknown", value);
    }
}

/* The words that stand for bytes are replaced. */
static void spell_out(const char *given, char *hex, size_t size)
{
    static const struct {
        const char *word;
        const char *hex;
    } words[] = {{"COOKIE", "2112a442"}, {"ID", "b7e7a701bc34d686fa87dfae"}};
    size_t used = 0;

    while (*given != '\0' && used + 32 < size) {
        size_t i = 0;
        while (i < 2 && strncmp(given, words[i].word, strlen(words[i].word)) != 0) {
            i++;
        }
        if (i < 2) {
            used += (size_t)snprintf(hex + used, size - used, "%s", words[i].hex);
            given += strlen(words[i].word);
        } else {
            hex[used++] = *given++;
        }
    }
    hex[used] = '\0';
}

void case_of_messages(char *given, char *result, size_t size)
{
    static char hex[TABLE_TEXT_SIZE];
    static uint8_t bytes[TABLE_TEXT_SIZE / 2];
    floe_stun_message message;

    spell_out(given, hex, sizeof hex);
    if (strspn(hex, "0123456789abcdef ") != strlen(hex)) {
        (void)snprintf(result, size, "UNREADABLE hex \"%.80s\"", hex);
        return;
    }
    size_t count = bytes_of_hex(hex, bytes, sizeof bytes);
    uint8_t *copy = exact_copy(bytes, count, 0);
    floe_stun_parse_result parsed = floe_stun_parse(floe_span_of(copy, count), &message);
    if (parsed != FLOE_STUN_PARSED) {
        (void)snprintf(result, size, "%s", refusals[parsed]);
    } else {
        (void)snprintf(result, size, "%s %s", floe_stun_class_name(message.class),
                       floe_stun_method_name(message.method));
        write_addresses(&message, result, size);
        write_values(&message, result, size);
    }
    exact_free(copy, 0);
}

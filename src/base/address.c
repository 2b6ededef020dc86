/* Addresses: text both ways, comparison, and classes. */
#include "base/address.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

typedef struct address_prefix {
    uint8_t ip[16];
    uint8_t bits;
    uint8_t kind;
} address_prefix;

/* The first prefix that fits decides: longer ones stand before those that hold them. */
static const address_prefix ipv4_prefixes[] = {
    {{0}, 8, FLOE_ADDRESS_UNSPECIFIED},          {{127}, 8, FLOE_ADDRESS_LOOPBACK},
    {{169, 254}, 16, FLOE_ADDRESS_LINK_LOCAL},   {{10}, 8, FLOE_ADDRESS_PRIVATE},
    {{172, 16}, 12, FLOE_ADDRESS_PRIVATE},       {{192, 168}, 16, FLOE_ADDRESS_PRIVATE},
    {{100, 64}, 10, FLOE_ADDRESS_SHARED},        {{192, 0, 0}, 24, FLOE_ADDRESS_RESERVED},
    {{192, 0, 2}, 24, FLOE_ADDRESS_RESERVED},    {{198, 18}, 15, FLOE_ADDRESS_RESERVED},
    {{198, 51, 100}, 24, FLOE_ADDRESS_RESERVED}, {{203, 0, 113}, 24, FLOE_ADDRESS_RESERVED},
    {{224}, 4, FLOE_ADDRESS_MULTICAST},          {{255, 255, 255, 255}, 32, FLOE_ADDRESS_BROADCAST},
    {{240}, 4, FLOE_ADDRESS_RESERVED},
};

static const address_prefix ipv6_prefixes[] = {
    {{0}, 128, FLOE_ADDRESS_UNSPECIFIED},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, FLOE_ADDRESS_LOOPBACK},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, FLOE_ADDRESS_IPV4_MAPPED},
    {{0}, 96, FLOE_ADDRESS_IPV4_COMPATIBLE},
    {{0xfe, 0x80}, 10, FLOE_ADDRESS_LINK_LOCAL},
    {{0xfe, 0xc0}, 10, FLOE_ADDRESS_SITE_LOCAL},
    {{0xfc}, 7, FLOE_ADDRESS_PRIVATE},
    {{0xff}, 8, FLOE_ADDRESS_MULTICAST},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, FLOE_ADDRESS_RESERVED},
    {{0x01, 0x00}, 64, FLOE_ADDRESS_RESERVED},
};

static bool has_prefix(const uint8_t ip[16], const address_prefix *prefix)
{
    size_t whole = prefix->bits / 8;
    unsigned rest = prefix->bits % 8;

    if (whole > 0 && ip[0] != prefix->ip[0]) {
        return false; /* so it is for nearly all */
    }
    if (memcmp(ip, prefix->ip, whole) != 0) {
        return false;
    }
    return rest == 0 || ((ip[whole] ^ prefix->ip[whole]) >> (8 - rest)) == 0;
}

floe_address_kind floe_address_classify(const floe_address *address)
{
    bool ipv4 = address->family == FLOE_FAMILY_IPV4;
    const address_prefix *table = ipv4 ? ipv4_prefixes : ipv6_prefixes;
    size_t count = ipv4 ? sizeof ipv4_prefixes / sizeof *ipv4_prefixes
                        : sizeof ipv6_prefixes / sizeof *ipv6_prefixes;

    for (size_t i = 0; i < count; i++) {
        if (has_prefix(address->ip, &table[i])) {
            return (floe_address_kind)table[i].kind;
        }
    }
    return FLOE_ADDRESS_GLOBAL;
}

floe_address floe_address_normalise(floe_address address)
{
    if (address.family == FLOE_FAMILY_IPV6 &&
        floe_address_classify(&address) == FLOE_ADDRESS_IPV4_MAPPED) {
        floe_address ipv4 = {.family = FLOE_FAMILY_IPV4, .port = address.port};
        memcpy(ipv4.ip, &address.ip[12], 4);
        return ipv4;
    }
    return address;
}

floe_address floe_address_ipv4(uint32_t ip, uint16_t port)
{
    return (floe_address){
        .family = FLOE_FAMILY_IPV4,
        .port = port,
        .ip = {(uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip}};
}

floe_address floe_address_with_port(floe_address address, uint16_t port)
{
    address.port = port;
    return address;
}

floe_address floe_address_any(uint8_t family, uint16_t port)
{
    return (floe_address){.family = family, .port = port};
}

bool floe_address_same_ip(const floe_address *a, const floe_address *b)
{
    bool scopes = a->scope_id == b->scope_id || a->scope_id == 0 || b->scope_id == 0;

    return a->family == b->family && scopes && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool floe_address_equal(const floe_address *a, const floe_address *b)
{
    return a->port == b->port && floe_address_same_ip(a, b);
}

int floe_address_order_ip(const floe_address *a, const floe_address *b)
{
    return a->family != b->family ? a->family - b->family : memcmp(a->ip, b->ip, sizeof a->ip);
}

/* FNV-1a: for tables whose keys no stranger chooses. Equal for equal ones, so without the scope. */
uint32_t floe_address_hash(const floe_address *address)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < sizeof address->ip; i++) {
        hash = (hash ^ address->ip[i]) * 16777619U;
    }
    hash = (hash ^ (address->port & 0xffU)) * 16777619U;
    hash = (hash ^ (uint32_t)(address->port >> 8)) * 16777619U;
    return hash;
}

/* Text to address. */

static bool parse_ipv4(const char *text, size_t size, uint8_t ip[4])
{
    size_t at = 0;

    for (size_t part = 0; part < 4; part++) {
        unsigned value = 0;
        size_t digits = 0;

        if (part > 0 && (at == size || text[at++] != '.')) {
            return false;
        }
        while (at < size && text[at] >= '0' && text[at] <= '9' && digits < 3) {
            value = value * 10 + (unsigned)(text[at++] - '0');
            digits++;
        }
        if (digits == 0 || value > 255 || (digits > 1 && text[at - digits] == '0')) {
            return false;
        }
        ip[part] = (uint8_t)value;
    }
    return at == size;
}

static int hex_digit(char character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    return character >= 'A' && character <= 'F' ? character - 'A' + 10 : -1;
}

/* One group of one to four hex digits; the number of characters taken, 0 when there is none. */
static size_t parse_group(const char *text, size_t size, uint16_t *group)
{
    size_t digits = 0;
    unsigned value = 0;

    while (digits < size && digits < 4 && hex_digit(text[digits]) >= 0) {
        value = value << 4 | (unsigned)hex_digit(text[digits]);
        digits++;
    }
    *group = (uint16_t)value;
    return digits;
}

/* RFC 4291 §2.2: eight groups, one run of zeros as "::", IPv4 in the last four bytes. */
static bool parse_ipv6(const char *text, size_t size, uint8_t ip[16])
{
    uint8_t bytes[16] = {0};
    size_t at = 0;
    size_t used = 0;
    size_t gap = SIZE_MAX;

    if (size >= 2 && text[0] == ':' && text[1] == ':') {
        gap = 0;
        at = 2;
    }
    while (at < size) {
        uint16_t group;
        size_t digits = parse_group(&text[at], size - at, &group);

        if (at + digits < size && text[at + digits] == '.') {
            if (used > 12 || !parse_ipv4(&text[at], size - at, &bytes[used])) {
                return false;
            }
            used += 4;
            break;
        }
        if (digits == 0 || used == 16) {
            return false;
        }
        bytes[used++] = (uint8_t)(group >> 8);
        bytes[used++] = (uint8_t)group;
        at += digits;
        if (at == size) {
            break;
        }
        if (text[at++] != ':' || at == size) {
            return false;
        }
        if (text[at] == ':') {
            if (gap != SIZE_MAX) {
                return false;
            }
            gap = used;
            at++;
        }
    }
    if (gap == SIZE_MAX ? used != 16 : used > 14) {
        return false;
    }
    if (gap != SIZE_MAX) {
        memmove(&bytes[gap + 16 - used], &bytes[gap], used - gap);
        memset(&bytes[gap], 0, 16 - used);
    }
    memcpy(ip, bytes, 16);
    return true;
}

bool floe_address_parse_span(const char *text, size_t size, floe_address *address)
{
    floe_address parsed = {0};

    if (parse_ipv4(text, size, parsed.ip)) {
        parsed.family = FLOE_FAMILY_IPV4;
    } else {
        memset(parsed.ip, 0, sizeof parsed.ip);
        if (!parse_ipv6(text, size, parsed.ip)) {
            return false;
        }
        parsed.family = FLOE_FAMILY_IPV6;
    }
    *address = parsed;
    return true;
}

floe_error floe_address_parse(const char *text, floe_address *address)
{
    if (text == NULL || address == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_address_parse: NULL");
    }
    if (!floe_address_parse_span(text, strlen(text), address)) {
        return floe_fail(FLOE_ERR_SYNTAX, "\"%s\" is no IPv4 or IPv6 address", text);
    }
    return FLOE_OK;
}

/* Behind the colon: decimal, without more zeros than it needs. */
static bool parse_port(const char *text, uint16_t *port)
{
    uint32_t value = 0;
    size_t digits = 0;

    while (text[digits] >= '0' && text[digits] <= '9' && digits < 5) {
        value = value * 10 + (uint32_t)(text[digits++] - '0');
    }
    *port = (uint16_t)value;
    return digits > 0 && text[digits] == '\0' && value <= UINT16_MAX &&
           (digits == 1 || text[0] != '0');
}

floe_error floe_address_parse_with_port(const char *text, floe_address *address)
{
    floe_address parsed = {0};

    if (text == NULL || address == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_address_parse_with_port: NULL");
    }
    const char *colon = strrchr(text, ':');
    size_t size = colon != NULL ? (size_t)(colon - text) : 0;
    bool brackets = size > 2 && text[0] == '[' && text[size - 1] == ']';
    size_t around = brackets ? 1 : 0;
    bool good = size > 0 && parse_port(colon + 1, &parsed.port);
    uint16_t port = parsed.port;
    if (!good || !floe_address_parse_span(text + around, size - 2 * around, &parsed) ||
        (parsed.family == FLOE_FAMILY_IPV6) != brackets) {
        return floe_fail(FLOE_ERR_SYNTAX,
                         "\"%s\" is no address with a port: 192.0.2.1:80, [2001:db8::1]:80", text);
    }
    *address = floe_address_with_port(parsed, port);
    return FLOE_OK;
}

/* Address to text. */

/* The longest run of at least two zero groups, the first of equals (RFC 5952 §4.2). */
static void find_zero_run(const uint16_t groups[8], size_t *start, size_t *length)
{
    *start = 8;
    *length = 1;
    for (size_t i = 0; i < 8; i++) {
        size_t run = 0;
        while (i + run < 8 && groups[i + run] == 0) {
            run++;
        }
        if (run > *length) {
            *start = i;
            *length = run;
        }
    }
}

/* Numbers and colons by hand: each candidate has two addresses, and printf takes ten times as long. */
static char *put_number(char *text, unsigned value)
{
    if (value >= 10) {
        text = put_number(text, value / 10);
    }
    *text = (char)('0' + value % 10);
    return text + 1;
}

static char *put_hex(char *text, unsigned value)
{
    if (value >= 16) {
        text = put_hex(text, value / 16);
    }
    *text = "0123456789abcdef"[value % 16];
    return text + 1;
}

static void format_ipv4(const uint8_t ip[4], char *text)
{
    for (size_t i = 0; i < 4; i++) {
        text = put_number(text, ip[i]);
        *text++ = i < 3 ? '.' : '\0';
    }
}

static void format_ipv6(const uint8_t ip[16], char *text)
{
    uint16_t groups[8];
    size_t run_start;
    size_t run_length;

    for (size_t i = 0; i < 8; i++) {
        groups[i] = (uint16_t)(ip[2 * i] << 8 | ip[2 * i + 1]);
    }
    find_zero_run(groups, &run_start, &run_length);
    for (size_t i = 0; i < 8; i++) {
        if (i == run_start) {
            *text++ = ':';
            i += run_length - 1;
            if (i == 7) {
                *text++ = ':';
            }
            continue;
        }
        if (i > 0) {
            *text++ = ':';
        }
        text = put_hex(text, groups[i]);
    }
    *text = '\0';
}

static void format_ip(const floe_address *address, char text[FLOE_ADDRESS_TEXT_SIZE])
{
    static const char mapped[] = "::ffff:";
    const uint8_t *ip = address->ip;

    if (address->family == FLOE_FAMILY_IPV4) {
        format_ipv4(ip, text);
    } else if (address->family != FLOE_FAMILY_IPV6) {
        text[0] = '\0';
    } else if (floe_address_classify(address) == FLOE_ADDRESS_IPV4_MAPPED) {
        /* RFC 5952 §5: a prefix known to hold IPv4 is written with its dots. */
        memcpy(text, mapped, sizeof mapped);
        format_ipv4(&ip[12], &text[sizeof mapped - 1]);
    } else {
        format_ipv6(ip, text);
    }
}

static floe_error give_text(const char *whole, char *text, size_t size)
{
    if (strlen(whole) >= size) {
        return floe_fail(FLOE_ERR_BUFFER_TOO_SMALL, "the address needs %zu bytes, there are %zu",
                         strlen(whole) + 1, size);
    }
    memcpy(text, whole, strlen(whole) + 1);
    return FLOE_OK;
}

floe_error floe_address_format(const floe_address *address, char *text, size_t size)
{
    char whole[FLOE_ADDRESS_TEXT_SIZE];

    if (address == NULL || text == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_address_format: NULL");
    }
    format_ip(address, whole);
    return give_text(whole, text, size);
}

const char *floe_address_text(const floe_address *address, char *text)
{
    char ip[FLOE_ADDRESS_TEXT_SIZE];
    bool brackets = address->family == FLOE_FAMILY_IPV6;

    format_ip(address, ip);
    (void)snprintf(text, FLOE_ADDRESS_TEXT_SIZE, "%s%.45s%s:%u", brackets ? "[" : "", ip,
                   brackets ? "]" : "", address->port);
    return text;
}

floe_error floe_address_format_with_port(const floe_address *address, char *text, size_t size)
{
    char whole[FLOE_ADDRESS_TEXT_SIZE];

    if (address == NULL || text == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_address_format_with_port: NULL");
    }
    bool any = address->family != FLOE_FAMILY_NONE;
    return give_text(any ? floe_address_text(address, whole) : "", text, size);
}

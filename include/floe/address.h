/* An IP address with a port, as the library and its core use it. */
#ifndef FLOE_ADDRESS_H
#define FLOE_ADDRESS_H

#include <floe/error.h>
#include <floe/export.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum floe_family {
    FLOE_FAMILY_NONE = 0, /**< no address */
    FLOE_FAMILY_IPV4 = 4,
    FLOE_FAMILY_IPV6 = 6
} floe_family;

/** An IPv4 or IPv6 transport address. All zeros means no address. Compare with floe_address_equal,
 *  not byte by byte. This struct never changes. */
typedef struct floe_address {
    /** The IP address in network byte order. An IPv4 address is in the first four bytes; the rest
     *  are zero. */
    uint8_t ip[16];
    /** IPv6 scope (the interface index) of a link-local address, otherwise 0. Never shown in text.
     */
    uint32_t scope_id;
    /** Port in host byte order. */
    uint16_t port;
    /** A floe_family. */
    uint8_t family;
    /** Always zero. It is there so that no byte of the struct is undefined. */
    uint8_t reserved;
} floe_address;

/** The purpose of an address, by RFC 6890 (special-purpose registries) and RFC 4291. */
typedef enum floe_address_kind {
    FLOE_ADDRESS_GLOBAL = 0,
    FLOE_ADDRESS_UNSPECIFIED = 1,     /**< 0.0.0.0/8, :: */
    FLOE_ADDRESS_LOOPBACK = 2,        /**< 127/8, ::1 */
    FLOE_ADDRESS_LINK_LOCAL = 3,      /**< 169.254/16, fe80::/10 */
    FLOE_ADDRESS_PRIVATE = 4,         /**< RFC 1918, fc00::/7 */
    FLOE_ADDRESS_SHARED = 5,          /**< 100.64/10: carriers' NAT, RFC 6598 */
    FLOE_ADDRESS_SITE_LOCAL = 6,      /**< fec0::/10, deprecated by RFC 3879 */
    FLOE_ADDRESS_IPV4_COMPATIBLE = 7, /**< ::/96 */
    FLOE_ADDRESS_IPV4_MAPPED = 8,     /**< ::ffff:0:0/96 */
    FLOE_ADDRESS_MULTICAST = 9,
    FLOE_ADDRESS_BROADCAST = 10, /**< 255.255.255.255 */
    FLOE_ADDRESS_RESERVED = 11   /**< documentation, benchmarking, protocol assignments, 240/4 */
} floe_address_kind;

/** Returns the kind of an address, judging by its bits alone. It does not look at the IPv4 address
 *  inside an IPv4-mapped one. Threads: any. */
FLOE_EXPORT floe_address_kind floe_address_classify(const floe_address *address);

/** Enough room for the text of any address and its NUL: "[" 39 characters "]:65535". */
#define FLOE_ADDRESS_TEXT_SIZE 56

/**
 * Parses an IPv4 or IPv6 address: "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1". It accepts no
 * port, no zone, no blanks, and no leading zeros in IPv4 (RFC 6943 §3.1.1). IPv6 is as in RFC 4291
 * §2.2.
 *
 * @param text     NUL-terminated.
 * @param address  receives the address, with port 0. An IPv4-mapped IPv6 address stays IPv6.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_SYNTAX for anything else.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_address_parse(const char *text, floe_address *address);

/**
 * Writes the address without its port: IPv4 in dotted form, IPv6 as in RFC 5952, without the zone.
 *
 * @param address  the address; FLOE_FAMILY_NONE gives "".
 * @param text     receives the text and a NUL.
 * @param size     room at text; FLOE_ADDRESS_TEXT_SIZE is always enough.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_BUFFER_TOO_SMALL.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_address_format(const floe_address *address, char *text, size_t size);

/**
 * Parses an address with its port: "192.0.2.1:80", "[2001:db8::1]:80". The address is as in
 * floe_address_parse, the port is decimal, 0 to 65535.
 *
 * @param text     NUL-terminated.
 * @param address  receives both.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_SYNTAX for anything else.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_address_parse_with_port(const char *text, floe_address *address);

/**
 * Writes the address with its port: "192.0.2.1:80", "[2001:db8::1]:80" (RFC 5952 §6).
 *
 * @param address  the address; FLOE_FAMILY_NONE gives "".
 * @param text     receives the text and a NUL.
 * @param size     room at text; FLOE_ADDRESS_TEXT_SIZE is always enough.
 * @return FLOE_OK; FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_BUFFER_TOO_SMALL.
 *
 * Threads: any.
 */
FLOE_EXPORT floe_error floe_address_format_with_port(const floe_address *address, char *text,
                                                     size_t size);

/**
 * Returns whether two transport addresses are the same: family, IP address, port and scope. A
 * missing scope (0) is equal to any scope, so a parsed fe80::1 is equal to the fe80::1 that a
 * packet came from.
 *
 * @param a  must not be NULL.
 * @param b  must not be NULL.
 *
 * Threads: any.
 */
FLOE_EXPORT bool floe_address_equal(const floe_address *a, const floe_address *b);

#ifdef __cplusplus
}
#endif
#endif

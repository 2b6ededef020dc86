/* What is known of an address from its bits alone. */
#ifndef FLOE_BASE_ADDRESS_H
#define FLOE_BASE_ADDRESS_H

#include <floe/address.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The one place where a v4-mapped spelling (::ffff:a.b.c.d) becomes the IPv4 address that it means.
 * What comes from the network or from a server's answer goes through it before any filter. */
floe_address floe_address_normalise(floe_address address);

floe_address floe_address_ipv4(uint32_t ip, uint16_t port);
floe_address floe_address_with_port(floe_address address, uint16_t port);
/* 0.0.0.0 or ::, of the same family, with this port. */
floe_address floe_address_any(uint8_t family, uint16_t port);
/* As floe_address_equal, but the ports may differ. */
bool floe_address_same_ip(const floe_address *a, const floe_address *b);
/* Families, then the IP addresses: an order, in which scopes do not count. */
int floe_address_order_ip(const floe_address *a, const floe_address *b);
/* The very same, its scope too: in line, as each packet asks. */
static inline bool floe_address_is(const floe_address *a, const floe_address *b)
{
    uint64_t one;
    uint64_t other;
    uint64_t differs;

    memcpy(&one, a->ip, sizeof one);
    memcpy(&other, b->ip, sizeof other);
    differs = one ^ other;
    memcpy(&one, a->ip + sizeof one, sizeof one);
    memcpy(&other, b->ip + sizeof other, sizeof other);
    differs |= one ^ other;
    memcpy(&one, (const uint8_t *)a + 2 * sizeof one, sizeof one);
    memcpy(&other, (const uint8_t *)b + 2 * sizeof other, sizeof other);
    return (differs | (one ^ other)) == 0;
}
uint32_t floe_address_hash(const floe_address *address);
/* "192.0.2.1:80" or "[2001:db8::1]:80". `text` has FLOE_ADDRESS_TEXT_SIZE bytes. */
const char *floe_address_text(const floe_address *address, char *text);
/* As floe_address_parse, for text without a NUL. */
bool floe_address_parse_span(const char *text, size_t size, floe_address *address);

#endif

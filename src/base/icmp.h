/* What ICMP says of a packet that came back. */
#ifndef FLOE_BASE_ICMP_H
#define FLOE_BASE_ICMP_H

#include <floe/packet.h>

/* By type and code of ICMP (RFC 792, RFC 1812 §5.2.7.1) or ICMPv6 (RFC 4443 §3.1). False for what
 * says nothing of the destination (too big, TTL). */
bool floe_icmp_reason(floe_family family, uint8_t type, uint8_t code, floe_unreachable *reason);
/* Of what a relay's server reports (RFC 8656 §11.6), where it is one of these: also why a packet
 * did not arrive though its destination may be reached (FLOE_UNREACHABLE_TOO_BIG, _EXPIRED). */
bool floe_icmp_relayed_reason(floe_family family, uint8_t type, uint8_t code,
                              floe_unreachable *reason);

#endif

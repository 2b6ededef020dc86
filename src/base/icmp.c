/* ICMP's types and codes; which of them say that a destination is not to be reached. */
#include "base/icmp.h"

enum {
    ICMP_UNREACHABLE = 3,
    ICMP_CODE_NETWORK = 0,
    ICMP_CODE_PORT = 3,
    ICMP_CODE_TOO_BIG = 4,
    ICMP_CODE_NETWORK_UNKNOWN = 6,
    ICMP_CODE_NETWORK_PROHIBITED = 9,
    ICMP_CODE_HOST_PROHIBITED = 10,
    ICMP_CODE_FILTERED = 13,
    ICMP_TIME_EXCEEDED = 11,
    ICMP6_UNREACHABLE = 1,
    ICMP6_TOO_BIG = 2,
    ICMP6_TIME_EXCEEDED = 3,
    ICMP6_CODE_NO_ROUTE = 0,
    ICMP6_CODE_PROHIBITED = 1,
    ICMP6_CODE_PORT = 4,
    ICMP6_CODE_POLICY = 5,
};

static floe_unreachable reason_of_ipv4(uint8_t code)
{
    switch (code) {
    case ICMP_CODE_PORT:
        return FLOE_UNREACHABLE_PORT;
    case ICMP_CODE_NETWORK_PROHIBITED:
    case ICMP_CODE_HOST_PROHIBITED:
    case ICMP_CODE_FILTERED:
        return FLOE_UNREACHABLE_PROHIBITED;
    case ICMP_CODE_NETWORK:
    case ICMP_CODE_NETWORK_UNKNOWN:
        return FLOE_UNREACHABLE_NETWORK;
    default:
        return FLOE_UNREACHABLE_HOST;
    }
}

static floe_unreachable reason_of_ipv6(uint8_t code)
{
    switch (code) {
    case ICMP6_CODE_PORT:
        return FLOE_UNREACHABLE_PORT;
    case ICMP6_CODE_PROHIBITED:
    case ICMP6_CODE_POLICY:
        return FLOE_UNREACHABLE_PROHIBITED;
    case ICMP6_CODE_NO_ROUTE:
        return FLOE_UNREACHABLE_NETWORK;
    default:
        return FLOE_UNREACHABLE_HOST;
    }
}

bool floe_icmp_reason(floe_family family, uint8_t type, uint8_t code, floe_unreachable *reason)
{
    bool ipv6 = family == FLOE_FAMILY_IPV6;

    *reason = ipv6 ? reason_of_ipv6(code) : reason_of_ipv4(code);
    return ipv6 ? type == ICMP6_UNREACHABLE : type == ICMP_UNREACHABLE && code != ICMP_CODE_TOO_BIG;
}

bool floe_icmp_relayed_reason(floe_family family, uint8_t type, uint8_t code,
                              floe_unreachable *reason)
{
    bool ipv6 = family == FLOE_FAMILY_IPV6;

    if (floe_icmp_reason(family, type, code, reason)) {
        return true;
    }
    if (ipv6 ? type == ICMP6_TOO_BIG : type == ICMP_UNREACHABLE && code == ICMP_CODE_TOO_BIG) {
        *reason = FLOE_UNREACHABLE_TOO_BIG;
        return true;
    }
    *reason = FLOE_UNREACHABLE_EXPIRED;
    return type == (ipv6 ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED);
}

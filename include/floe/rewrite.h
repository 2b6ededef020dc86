/* Address rewrite rules: show another address instead of the one that a socket has, because the
 * application knows which NAT is in front of the machine (Pion's ICEAddressRewriteRule). */
#ifndef FLOE_REWRITE_H
#define FLOE_REWRITE_H

#include <floe/candidate.h>
#include <floe/error.h>
#include <floe/export.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Pion ICEAddressRewriteMode. */
typedef enum floe_address_rewrite_mode {
    /** Replace for host candidates, append for the others. */
    FLOE_ADDRESS_REWRITE_MODE_UNSPECIFIED = 0,
    /** The external addresses replace the candidate. Without any, the candidate is dropped. */
    FLOE_ADDRESS_REWRITE_MODE_REPLACE = 1,
    /** The candidate comes first, then the external addresses. */
    FLOE_ADDRESS_REWRITE_MODE_APPEND = 2
} floe_address_rewrite_mode;

/**
 * One rule. For a candidate of the rule's type, on a local address, floe looks through the rules in
 * the order in which they are given. The first rule whose `local` is that address wins. If there is
 * none, the most specific rule without `local` wins: one that matches by interface and range, then
 * one by interface, then any other; among equally specific rules, the first. Ports do not change: a
 * host or reflexive candidate keeps the port of the socket, a relay candidate the relayed port.
 *
 * A replace rule for reflexive candidates also means that no STUN server is asked from the
 * addresses that the rule matches.
 */
typedef struct floe_address_rewrite_rule {
    /** sizeof(floe_address_rewrite_rule), set by the _INIT macro; 0 means the size in the first
     *  release. In an array, the size of the first rule applies to all. */
    size_t size;
    /** The IP addresses to show, in this order; blanks around them are ignored. With `local`, all
     *  of them replace that address, whatever their family. With `cidr` alone, they are for local
     *  addresses of the family of `cidr`. With neither, each is for local addresses of its own
     *  family. */
    const char *const *external;
    size_t external_count;
    /** The local address that the rule is for; NULL or "": any. */
    const char *local;
    /** The interface that the rule is for; NULL or "": any. */
    const char *iface;
    /** "10.0.0.0/8": the local addresses that the rule is for; NULL or "": any. Must contain
     *  `local`. */
    const char *cidr;
    /** Host (the default, 0), srflx or relay. */
    floe_candidate_type as_candidate_type;
    floe_address_rewrite_mode mode;
    /** The floe_network_type values of the local addresses that the rule is for, joined with |; 0:
     *  all. UDP and TCP are told apart: by the candidate's own protocol. */
    uint32_t networks;
} floe_address_rewrite_rule;

#define FLOE_ADDRESS_REWRITE_RULE_INIT FLOE_INIT(floe_address_rewrite_rule)

/** What FLOE_ADDRESS_REWRITE_RULE_INIT does, as floe_settings_init. Threads: any. */
FLOE_EXPORT void floe_address_rewrite_rule_init(floe_address_rewrite_rule *rule, size_t size);

/**
 * Parses a rule written as KEY=VALUE,KEY=VALUE…: external (may be repeated), local, iface, cidr,
 * type (host, srflx, relay), mode (replace, append), networks (udp4, udp6, tcp4, tcp6, joined with
 * +). Only the syntax is checked here. The values are checked when the rule is used.
 *
 * @param text  NUL-terminated, at most 2,048 bytes; at most 64 externals.
 * @param rule  receives it; freed by floe_address_rewrite_rule_free.
 * @return FLOE_OK; FLOE_ERR_SYNTAX: floe_last_error() says which word is wrong;
 *         FLOE_ERR_INVALID_ARGUMENT for NULL; FLOE_ERR_NO_MEMORY.
 *
 * Threads: any. Memory: malloc's.
 */
FLOE_EXPORT floe_error floe_address_rewrite_rule_parse(const char *text,
                                                       floe_address_rewrite_rule **rule);

/** Frees a rule that floe_address_rewrite_rule_parse made. NULL is fine. Threads: any. */
FLOE_EXPORT void floe_address_rewrite_rule_free(floe_address_rewrite_rule *rule);

#ifdef __cplusplus
}
#endif
#endif

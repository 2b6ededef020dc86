/* Address rewrite rules: say another address than the one that a socket has, because the owner
 * knows what stands in front of it (Pion's ICEAddressRewriteRule). */
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
    /** The external addresses stand in the candidate's place; without any it is dropped. */
    FLOE_ADDRESS_REWRITE_MODE_REPLACE = 1,
    /** The candidate, then the external addresses. */
    FLOE_ADDRESS_REWRITE_MODE_APPEND = 2
} floe_address_rewrite_mode;

/**
 * One rule. For a candidate of its type, on a local address, the rule is
 * looked for in the order in which they are given: the first whose `local` is that address, else
 * the catch-all (a rule without `local`) that says most of it: its interface and its range, its
 * interface, then any; among equals the first. Ports stay as they are: that of the socket for host
 * and reflexive candidates, the relayed one for relay candidates.
 *
 * A replace rule for reflexive candidates takes the place of asking STUN servers on the addresses
 * that it matches.
 */
typedef struct floe_address_rewrite_rule {
    /** sizeof(floe_address_rewrite_rule), set by the _INIT macro; 0 is taken as the first
     *  release's. The first rule's size is taken for all of an array. */
    size_t size;
    /** IP addresses to say, in this order; blanks around them do not count. With `local` all of
     *  them stand for it, whatever their family; with `cidr` alone, for addresses of its family;
     *  with neither, each for addresses of its own family. */
    const char *const *external;
    size_t external_count;
    /** The local address that it is for; NULL or "": any. */
    const char *local;
    /** The interface that it is for; NULL or "": any. */
    const char *iface;
    /** "10.0.0.0/8": the local addresses that it is for; NULL or "": any. Must hold `local`. */
    const char *cidr;
    /** Host (the default, 0), srflx or relay. */
    floe_candidate_type as_candidate_type;
    floe_address_rewrite_mode mode;
    /** The floe_network_type values of local addresses that it is for, joined by |; 0: all. */
    uint32_t networks;
} floe_address_rewrite_rule;

#define FLOE_ADDRESS_REWRITE_RULE_INIT FLOE_INIT(floe_address_rewrite_rule)

/**
 * Reads a rule written as KEY=VALUE,KEY=VALUE…: external (repeatable), local, iface, cidr, type
 * (host, srflx, relay), mode (replace, append), networks (udp4, udp6, tcp4, tcp6 joined by +). Only
 * the grammar is looked at here; what the values say is checked when the rule is used.
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

/** Frees what floe_address_rewrite_rule_parse gave. NULL is fine. Threads: any. */
FLOE_EXPORT void floe_address_rewrite_rule_free(floe_address_rewrite_rule *rule);

#ifdef __cplusplus
}
#endif
#endif

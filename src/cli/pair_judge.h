/* Whether a pair of candidates of two sides can work, as far as the candidates show it. */
#ifndef FLOE_CLI_PAIR_JUDGE_H
#define FLOE_CLI_PAIR_JUDGE_H

#include <floe/floe.h>
#include <stdbool.h>
#include <stdint.h>

#define SIDE_MAX 256

typedef enum pair_result { PAIR_LIKELY, PAIR_POSSIBLE, PAIR_IMPOSSIBLE } pair_result;

/* The fixed words of the JSON. */
typedef enum pair_reason {
    PAIR_REASON_PUBLIC,       /* one of them is public */
    PAIR_REASON_SAME_NETWORK, /* both are, or may be, in one network */
    PAIR_REASON_HOLE_PUNCHING,
    PAIR_REASON_RELAY,
    PAIR_REASON_HAIRPIN,
    PAIR_REASON_SYMMETRIC_NAT,
    PAIR_REASON_TCP_NAT,
    PAIR_REASON_MDNS,
    PAIR_REASON_NAME,
    PAIR_REASON_LINK_LOCAL,
    PAIR_REASON_LOOPBACK,
    PAIR_REASON_FAMILY,
    PAIR_REASON_TRANSPORT,
    PAIR_REASON_TCPTYPE,
    PAIR_REASON_PRIVATE, /* a private address of another network */
    PAIR_REASON_NO_PUBLIC_ADDRESS,
    PAIR_REASON_UNUSABLE,
    PAIR_REASONS
} pair_reason;

typedef struct pair_side {
    const char *name; /* "A" */
    floe_candidate *candidates[SIDE_MAX];
    unsigned whose[SIDE_MAX]; /* of each: bits, 1 << extract_side */
    size_t count;
    unsigned left_out; /* that its file has of the other side */
    /* By family, FLOE_FAMILY_IPV4 at 0: what the outside sees; family none: not known. */
    floe_address seen_as[2];
    bool symmetric; /* its NAT gives each destination another port */
} pair_side;

typedef struct pair_judgement {
    pair_result result;
    pair_reason reason;
    char text[200];
} pair_judgement;

/* Fills in what the side's candidates together show. */
void pair_learn(pair_side *side);
/* Of candidates with one component. */
void pair_judge(const pair_side *of_a, const floe_candidate *a, const pair_side *of_b,
                const floe_candidate *b, pair_judgement *out);
const char *pair_reason_name(pair_reason reason);
/* RFC 8445 §6.1.2.3. */
uint64_t pair_priority(uint32_t controlling, uint32_t controlled);
/* RFC 8445 §6.1.2.4: a reflexive candidate is checked from its base. Whether that is among the side's. */
bool pair_is_redundant(const pair_side *side, const floe_candidate *candidate);

#endif

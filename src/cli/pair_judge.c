#include "cli/pair_judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *pair_reason_name(pair_reason reason)
{
    static const char *const names[PAIR_REASONS] = {
        "public",    "same-network", "hole-punching", "relay",
        "hairpin",   "symmetric",    "tcp-nat",       "mdns",
        "name",      "link-local",   "loopback",      "family",
        "transport", "tcptype",      "private",       "no-public-address",
        "unusable"};

    return names[reason];
}

uint64_t pair_priority(uint32_t controlling, uint32_t controlled)
{
    uint64_t least = controlling < controlled ? controlling : controlled;
    uint64_t most = controlling < controlled ? controlled : controlling;

    return (least << 32) + 2 * most + (controlling > controlled);
}

/* ── What is known ── */

/* One side of a pair. */
typedef struct pair_end {
    const pair_side *side;
    const floe_candidate *candidate;
    floe_address address; /* family none: a name */
    floe_address_kind kind;
    bool is_private; /* of a network that not everybody is in */
    bool is_alone;   /* and that nobody else is in */
    bool is_nowhere; /* nobody has such an address */
} pair_end;

typedef enum special_use {
    SPECIAL_NONE,
    SPECIAL_PRIVATE,
    SPECIAL_ALONE,
    SPECIAL_NOWHERE
} special_use;

/* IANA's registries of special-purpose addresses (RFC 6890): those that are not globally reachable, beside what
 * floe_address_classify() tells apart. Those of documentation stand for public ones, in documentation. */
static special_use special_use_of(const floe_address *address)
{
    static const struct {
        uint8_t family;
        uint8_t bytes;
        uint8_t ip[8];
        uint8_t last; /* of the byte behind, which bits count */
        special_use use;
    } ranges[] = {
        {FLOE_FAMILY_IPV4, 3, {192, 0, 0, 0}, 0xF8, SPECIAL_ALONE}, /* RFC 7335: 464XLAT, DS-Lite */
        {FLOE_FAMILY_IPV4, 3, {192, 0, 0}, 0, SPECIAL_NOWHERE},
        {FLOE_FAMILY_IPV4, 3, {192, 88, 99}, 0, SPECIAL_NOWHERE},               /* RFC 7526 */
        {FLOE_FAMILY_IPV4, 1, {198, 18}, 0xFE, SPECIAL_PRIVATE},                /* RFC 2544 */
        {FLOE_FAMILY_IPV4, 0, {240}, 0xF0, SPECIAL_NOWHERE},                    /* RFC 1112 */
        {FLOE_FAMILY_IPV6, 6, {0, 0x64, 0xFF, 0x9B, 0, 1}, 0, SPECIAL_PRIVATE}, /* RFC 8215 */
        {FLOE_FAMILY_IPV6, 7, {1}, 0xFE, SPECIAL_NOWHERE},                /* RFC 6666, RFC 9780 */
        {FLOE_FAMILY_IPV6, 6, {0x20, 1, 0, 2}, 0, SPECIAL_PRIVATE},       /* RFC 5180 */
        {FLOE_FAMILY_IPV6, 3, {0x20, 1, 0, 0x10}, 0xF0, SPECIAL_NOWHERE}, /* RFC 4843 */
        {FLOE_FAMILY_IPV6, 2, {0x5F}, 0, SPECIAL_NOWHERE},                /* RFC 9602 */
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        size_t bytes = ranges[i].bytes;
        if (address->family == ranges[i].family && memcmp(address->ip, ranges[i].ip, bytes) == 0 &&
            ((address->ip[bytes] ^ ranges[i].ip[bytes]) & ranges[i].last) == 0) {
            return ranges[i].use;
        }
    }
    return SPECIAL_NONE;
}

static bool is_private_kind(floe_address_kind kind)
{
    return kind == FLOE_ADDRESS_PRIVATE || kind == FLOE_ADDRESS_SHARED ||
           kind == FLOE_ADDRESS_SITE_LOCAL;
}

static pair_end end_of(const pair_side *side, const floe_candidate *candidate)
{
    pair_end end = {.side = side, .candidate = candidate};

    if (floe_address_parse(candidate->address, &end.address) == FLOE_OK) {
        end.kind = floe_address_classify(&end.address);
        special_use use = special_use_of(&end.address);
        end.is_alone = use == SPECIAL_ALONE;
        end.is_nowhere = use == SPECIAL_NOWHERE;
        end.is_private = is_private_kind(end.kind) || use == SPECIAL_PRIVATE || end.is_alone;
    } else {
        end.address.family = FLOE_FAMILY_NONE;
    }
    return end;
}

static size_t index_of(floe_family family)
{
    return family == FLOE_FAMILY_IPV6;
}

static bool same_bits(const floe_address *a, const floe_address *b, size_t bytes)
{
    return a->family == b->family && memcmp(a->ip, b->ip, bytes) == 0;
}

static bool same_ip(const floe_address *a, const floe_address *b)
{
    return same_bits(a, b, a->family == FLOE_FAMILY_IPV4 ? 4 : 16);
}

/* As far as a prefix of the usual size shows it. */
static bool same_network(const floe_address *a, const floe_address *b)
{
    return same_bits(a, b, a->family == FLOE_FAMILY_IPV4 ? 3 : 8);
}

/* 10.0.0.0/8 and 192.168.0.0/16 are hardly one organization's. */
static bool same_range(const floe_address *a, const floe_address *b)
{
    return same_bits(a, b, 1);
}

static const floe_address *seen_as(const pair_end *end)
{
    return &end->side->seen_as[index_of((floe_family)end->address.family)];
}

static bool is_hidden(const floe_candidate *candidate)
{
    return candidate->related_address == NULL || candidate->related_port == 0 ||
           candidate->related_port == 9;
}

/* A name of multicast DNS, behind which browsers hide what host candidates have. */
static bool is_mdns(const char *name)
{
    size_t size = strlen(name);

    return size > 6 && strcmp(&name[size - 6], ".local") == 0;
}

/* A browser hides the bases too: where there is but one, all mappings are its. */
static bool has_one_base(const pair_side *side, const floe_candidate *mapped)
{
    size_t bases = 0;

    for (size_t i = 0; i < side->count; i++) {
        const floe_candidate *one = side->candidates[i];
        bases += one->type == FLOE_CANDIDATE_TYPE_HOST && one->protocol == FLOE_PROTOCOL_UDP &&
                 one->component == mapped->component;
    }
    return bases == 1;
}

/* Two mappings of one base: each server was shown another port, or another address of the NAT's. */
static bool are_two_mappings(const pair_side *side, const floe_candidate *a,
                             const floe_candidate *b)
{
    bool shown = !is_hidden(a) && !is_hidden(b) && a->related_port == b->related_port &&
                 strcmp(a->related_address, b->related_address) == 0;
    bool hidden = is_hidden(a) && is_hidden(b) && has_one_base(side, a);

    return a->type == FLOE_CANDIDATE_TYPE_SRFLX && b->type == FLOE_CANDIDATE_TYPE_SRFLX &&
           (shown || hidden) && a->protocol == b->protocol && a->protocol == FLOE_PROTOCOL_UDP &&
           a->component == b->component && a->family == b->family &&
           (strcmp(a->address, b->address) != 0 || a->port != b->port);
}

void pair_learn(pair_side *side)
{
    for (size_t i = 0; i < side->count; i++) {
        pair_end end = end_of(side, side->candidates[i]);
        bool shown =
            end.candidate->type == FLOE_CANDIDATE_TYPE_SRFLX ||
            end.candidate->type == FLOE_CANDIDATE_TYPE_PRFLX ||
            (end.candidate->type == FLOE_CANDIDATE_TYPE_HOST && end.kind == FLOE_ADDRESS_GLOBAL);
        if (shown && end.address.family != FLOE_FAMILY_NONE && !end.is_private && !end.is_nowhere &&
            seen_as(&end)->family == FLOE_FAMILY_NONE) {
            side->seen_as[index_of((floe_family)end.address.family)] = end.address;
        }
        for (size_t j = 0; j < i; j++) {
            side->symmetric =
                side->symmetric || are_two_mappings(side, side->candidates[i], side->candidates[j]);
        }
    }
}

bool pair_is_redundant(const pair_side *side, const floe_candidate *candidate)
{
    bool reflexive = candidate->type == FLOE_CANDIDATE_TYPE_SRFLX ||
                     candidate->type == FLOE_CANDIDATE_TYPE_PRFLX;

    for (size_t i = 0; reflexive && i < side->count; i++) {
        const floe_candidate *base = side->candidates[i];
        bool shown = !is_hidden(candidate) && base->port == candidate->related_port &&
                     strcmp(base->address, candidate->related_address) == 0;
        if (base->type == FLOE_CANDIDATE_TYPE_HOST && base->component == candidate->component &&
            base->protocol == candidate->protocol &&
            (shown || (is_hidden(candidate) && is_mdns(base->address)))) {
            return true;
        }
    }
    return false;
}

/* ── Judging; each is true if it has judged ── */

static bool judged(pair_judgement *out, pair_result result, pair_reason reason, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));

static bool judged(pair_judgement *out, pair_result result, pair_reason reason, const char *format,
                   ...)
{
    va_list arguments;

    out->result = result;
    out->reason = reason;
    va_start(arguments, format);
    (void)vsnprintf(out->text, sizeof out->text, format, arguments);
    va_end(arguments);
    return true;
}

/* RFC 6544 §5.2. */
static bool types_fit(floe_tcp_type a, floe_tcp_type b)
{
    return (a == FLOE_TCP_TYPE_ACTIVE && b == FLOE_TCP_TYPE_PASSIVE) ||
           (a == FLOE_TCP_TYPE_PASSIVE && b == FLOE_TCP_TYPE_ACTIVE) ||
           (a == FLOE_TCP_TYPE_SO && b == FLOE_TCP_TYPE_SO) || a == FLOE_TCP_TYPE_NONE ||
           b == FLOE_TCP_TYPE_NONE;
}

static bool judge_transport(const pair_end *a, const pair_end *b, pair_judgement *out)
{
    if (a->candidate->protocol != b->candidate->protocol) {
        return judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_TRANSPORT, "UDP and TCP");
    }
    if (a->candidate->protocol == FLOE_PROTOCOL_TCP &&
        !types_fit(a->candidate->tcp_type, b->candidate->tcp_type)) {
        return judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_TCPTYPE, "tcptype %s and %s",
                      floe_tcp_type_name(a->candidate->tcp_type),
                      floe_tcp_type_name(b->candidate->tcp_type));
    }
    return false;
}

/* The outside sees the two sides as two addresses of this family. */
static bool seen_apart(const pair_side *a, const pair_side *b, size_t family)
{
    return a->seen_as[family].family != FLOE_FAMILY_NONE &&
           b->seen_as[family].family != FLOE_FAMILY_NONE &&
           !same_ip(&a->seen_as[family], &b->seen_as[family]);
}

/* A candidate whose address is a name. A name of multicast DNS hides a private address from the other
 * side; its own side knows it, so what is public is reached from there as from any host. */
static bool judge_names(pair_end *a, pair_end *b, pair_judgement *out)
{
    bool first = a->address.family == FLOE_FAMILY_NONE &&
                 (!is_mdns(a->candidate->address) || b->address.family != FLOE_FAMILY_NONE ||
                  is_mdns(b->candidate->address));
    pair_end *named = first ? a : b; /* of two names, the one that is not of multicast DNS */
    const pair_end *other = named == a ? b : a;

    if (named->address.family != FLOE_FAMILY_NONE) {
        return false;
    }
    if (!is_mdns(named->candidate->address)) {
        return judged(out, PAIR_POSSIBLE, PAIR_REASON_NAME,
                      "what the name of %s stands for is not known", named->side->name);
    }
    if (other->address.family != FLOE_FAMILY_NONE && !other->is_private) {
        named->address.family = other->address.family;
        named->kind = FLOE_ADDRESS_PRIVATE;
        named->is_private = true;
        return false;
    }
    if (seen_apart(a->side, b->side, 0) || seen_apart(a->side, b->side, 1)) {
        return judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_MDNS,
                      "a .local name of another network: the two are seen as different addresses");
    }
    return judged(out, PAIR_POSSIBLE, PAIR_REASON_MDNS,
                  "works only in one local network, where multicast DNS passes");
}

static bool is_unusable(const pair_end *end)
{
    bool active = end->candidate->tcp_type == FLOE_TCP_TYPE_ACTIVE;

    return end->is_nowhere || end->kind == FLOE_ADDRESS_UNSPECIFIED ||
           end->kind == FLOE_ADDRESS_MULTICAST || end->kind == FLOE_ADDRESS_BROADCAST ||
           end->candidate->port == 0 || (end->candidate->port == 9 && !active);
}

static bool judge_addresses(const pair_end *a, const pair_end *b, pair_judgement *out)
{
    if (a->address.family != b->address.family) {
        return judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_FAMILY, "IPv4 and IPv6");
    }
    if (is_unusable(a) || is_unusable(b)) {
        return judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_UNUSABLE,
                      "nobody can be reached at the address or port of %s",
                      is_unusable(a) ? a->side->name : b->side->name);
    }
    if (a->kind == FLOE_ADDRESS_LOOPBACK || b->kind == FLOE_ADDRESS_LOOPBACK) {
        return a->kind == b->kind
                   ? judged(out, PAIR_POSSIBLE, PAIR_REASON_LOOPBACK, "works only on one machine")
                   : judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_LOOPBACK,
                            "loopback: only the machine itself reaches it");
    }
    if (a->kind == FLOE_ADDRESS_LINK_LOCAL || b->kind == FLOE_ADDRESS_LINK_LOCAL) {
        return a->kind == b->kind
                   ? judged(out, PAIR_POSSIBLE, PAIR_REASON_LINK_LOCAL, "works only on one link")
                   : judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_LINK_LOCAL,
                            "link-local: only its own link reaches it");
    }
    return false;
}

/* Only who is in the network of a relay with a private address reaches it. */
static bool judge_private_relay(const pair_end *relay, const pair_end *other, pair_judgement *out)
{
    const floe_address *seen = seen_as(relay);
    bool near = same_network(&relay->address, &other->address);
    bool together = seen->family != FLOE_FAMILY_NONE && same_ip(seen, seen_as(other));

    if (!other->is_private) {
        return judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_PRIVATE,
                      "the relay of %s has a private address: is its external-ip set?",
                      relay->side->name);
    }
    if (relay->is_alone || other->is_alone || !same_range(&relay->address, &other->address)) {
        return judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_PRIVATE,
                      "the relay of %s has a private address of another network: is its "
                      "external-ip set?",
                      relay->side->name);
    }
    return judged(out, near && together ? PAIR_LIKELY : PAIR_POSSIBLE, PAIR_REASON_RELAY,
                  near && together ? "by the relay of %s, in one network"
                                   : "the relay of %s has a private address: works only in its "
                                     "network",
                  relay->side->name);
}

/* A relay, and whoever has to reach it; the relay lets in whom it was told of. */
static bool judge_relay(const pair_end *a, const pair_end *b, pair_judgement *out)
{
    bool both = b->candidate->type == FLOE_CANDIDATE_TYPE_RELAY &&
                a->candidate->type == FLOE_CANDIDATE_TYPE_RELAY;
    const pair_end *relay =
        (both ? a->is_private : a->candidate->type == FLOE_CANDIDATE_TYPE_RELAY) ? a : b;
    const pair_end *other = relay == a ? b : a;

    if (relay->candidate->type != FLOE_CANDIDATE_TYPE_RELAY) {
        return false;
    }
    if (relay->is_private) {
        return judge_private_relay(relay, other, out);
    }
    if (other->is_private && seen_as(other)->family == FLOE_FAMILY_NONE) {
        return judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_NO_PUBLIC_ADDRESS,
                      "the relay of %s knows no public address of %s to let in", relay->side->name,
                      other->side->name);
    }
    if (other->candidate->type == FLOE_CANDIDATE_TYPE_RELAY) {
        return judged(out, PAIR_LIKELY, PAIR_REASON_RELAY, "by two relays");
    }
    return judged(out, PAIR_LIKELY, PAIR_REASON_RELAY, "by the relay of %s", relay->side->name);
}

static bool judge_private(const pair_end *a, const pair_end *b, pair_judgement *out)
{
    const floe_address *of_a = seen_as(a);
    const floe_address *of_b = seen_as(b);
    bool known = of_a->family != FLOE_FAMILY_NONE && of_b->family != FLOE_FAMILY_NONE;
    bool near = same_network(&a->address, &b->address);

    if (!a->is_private || !b->is_private) {
        return false;
    }
    if (a->is_alone || b->is_alone) {
        return judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_PRIVATE,
                      "192.0.0.0/29 (464XLAT, DS-Lite): only the machine itself reaches it");
    }
    if (known && !same_ip(of_a, of_b)) {
        char text[2][FLOE_ADDRESS_TEXT_SIZE] = {"", ""};
        (void)floe_address_format(of_a, text[0], sizeof text[0]);
        (void)floe_address_format(of_b, text[1], sizeof text[1]);
        return judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_PRIVATE,
                      "private addresses of different networks: A is seen as %s, B as %s", text[0],
                      text[1]);
    }
    if (!known && !same_range(&a->address, &b->address)) {
        return judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_PRIVATE,
                      "private addresses of different networks");
    }
    if (known && near) {
        return judged(out, PAIR_LIKELY, PAIR_REASON_SAME_NETWORK, "in one network");
    }
    return judged(out, PAIR_POSSIBLE, PAIR_REASON_SAME_NETWORK,
                  known  ? "behind one public address: works if their networks have a route"
                  : near ? "works if this is one network, and not two with the same addresses"
                         : "works if these private networks have a route to each other");
}

static bool is_public_host(const pair_end *end)
{
    return end->candidate->type == FLOE_CANDIDATE_TYPE_HOST && !end->is_private;
}

/* A NAT lets in what answers what went out, and both send at once. */
static bool judge_nats(const pair_end *a, const pair_end *b, pair_judgement *out)
{
    const pair_end *symmetric = a->side->symmetric ? a : b;
    const pair_end *other = symmetric == a ? b : a;
    const pair_end *unseen = seen_as(a)->family == FLOE_FAMILY_NONE ? a : b;

    if (is_public_host(a) && is_public_host(b)) {
        return judged(out, PAIR_LIKELY, PAIR_REASON_PUBLIC,
                      "both are public: works unless a firewall forbids it");
    }
    if (is_public_host(a) || is_public_host(b)) {
        return judged(out, PAIR_LIKELY, PAIR_REASON_PUBLIC,
                      "%s is public, and the other side sends first",
                      is_public_host(a) ? a->side->name : b->side->name);
    }
    if (seen_as(unseen)->family == FLOE_FAMILY_NONE) {
        return judged(out, PAIR_POSSIBLE, PAIR_REASON_NO_PUBLIC_ADDRESS,
                      "no candidate shows how %s looks from outside: the NAT of the other side "
                      "would have to let in anybody",
                      unseen->side->name);
    }
    if (same_ip(seen_as(a), seen_as(b))) {
        return judged(out, PAIR_POSSIBLE, PAIR_REASON_HAIRPIN,
                      "both are behind one NAT, which would have to send packets back inside");
    }
    if (a->candidate->protocol == FLOE_PROTOCOL_TCP) {
        return judged(out, PAIR_POSSIBLE, PAIR_REASON_TCP_NAT, "few NATs let a TCP connection in");
    }
    if (a->side->symmetric && b->side->symmetric) {
        return judged(out, PAIR_IMPOSSIBLE, PAIR_REASON_SYMMETRIC_NAT,
                      "both NATs give each destination another port");
    }
    if (a->side->symmetric || b->side->symmetric) {
        return judged(out, PAIR_POSSIBLE, PAIR_REASON_SYMMETRIC_NAT,
                      "the NAT of %s gives each destination another port: works if that of %s lets "
                      "in any port",
                      symmetric->side->name, other->side->name);
    }
    return judged(out, PAIR_LIKELY, PAIR_REASON_HOLE_PUNCHING,
                  "through the NATs, unless one gives each destination another port");
}

void pair_judge(const pair_side *of_a, const floe_candidate *a, const pair_side *of_b,
                const floe_candidate *b, pair_judgement *out)
{
    pair_end of[2] = {end_of(of_a, a), end_of(of_b, b)};

    (void)(judge_transport(&of[0], &of[1], out) || judge_names(&of[0], &of[1], out) ||
           judge_addresses(&of[0], &of[1], out) || judge_relay(&of[0], &of[1], out) ||
           judge_private(&of[0], &of[1], out) || judge_nats(&of[0], &of[1], out));
}

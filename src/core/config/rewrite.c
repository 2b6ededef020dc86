/* Address rewrite rules (W1 to W10): checked and made ready once for an api, then looked up. */
#include "core/config/rewrite.h"

#include "base/address.h"
#include "base/error.h"
#include "core/config/allowed.h"
#include "core/config/shared.h"

#include <stdlib.h>
#include <string.h>

/* A rule made ready. */
struct floe_rewrite {
    uint8_t type; /* a floe_candidate_type */
    bool replaces;
    uint32_t networks;  /* floe_network_type, joined: of the local addresses that it is for */
    bool own_family;    /* each external stands for addresses of its own family (W3, W8) */
    floe_address local; /* family none: a catch-all */
    floe_address network;
    uint8_t bits;
    char *iface; /* NULL: any */
    floe_address *externals;
    size_t external_count;
};

/* ── Making ready ── */

static bool absent(const char *text)
{
    return text == NULL || *text == '\0';
}

/* An address with blanks around it. */
static bool read_address(const char *text, floe_address *address)
{
    size_t size = strlen(text);

    while (size > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        size--;
    }
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t')) {
        size--;
    }
    return floe_address_parse_span(text, size, address);
}

static bool read_cidr(const char *text, floe_address *network, uint8_t *bits)
{
    const char *slash = strchr(text, '/');
    unsigned value = 0;
    size_t digits = slash != NULL ? strlen(slash + 1) : 0;

    if (digits == 0 || digits > 3 || (digits > 1 && slash[1] == '0') ||
        !floe_address_parse_span(text, (size_t)(slash - text), network)) {
        return false;
    }
    for (const char *at = slash + 1; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(*at - '0');
    }
    *bits = (uint8_t)value;
    return value <= (network->family == FLOE_FAMILY_IPV4 ? 32U : 128U);
}

bool floe_address_within(const floe_address *address, const floe_address *network, unsigned bits)
{
    if (address->family != network->family) {
        return false;
    }
    for (unsigned bit = 0; bit < bits; bit += 8) {
        unsigned differs = address->ip[bit / 8] ^ network->ip[bit / 8];
        unsigned left = bits - bit;
        if (left < 8) {
            differs >>= 8 - left;
        }
        if (differs != 0) {
            return false;
        }
    }
    return true;
}

static floe_error wrong(size_t n, const char *field, const char *value, const char *why)
{
    return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "address_rewrite_rules[%zu].%s \"%.80s\": %s", n,
                     field, value, why);
}

static floe_error read_kind(floe_rewrite *rule, const floe_address_rewrite_rule *given, size_t n)
{
    rule->type = (uint8_t)given->as_candidate_type;
    if (given->as_candidate_type == 0) {
        rule->type = FLOE_CANDIDATE_TYPE_HOST;
    } else if (given->as_candidate_type != FLOE_CANDIDATE_TYPE_HOST &&
               given->as_candidate_type != FLOE_CANDIDATE_TYPE_SRFLX &&
               given->as_candidate_type != FLOE_CANDIDATE_TYPE_RELAY) {
        return wrong(n, "as_candidate_type", floe_candidate_type_name(given->as_candidate_type),
                     "only host, srflx and relay candidates are rewritten");
    }
    switch (given->mode) {
    case FLOE_ADDRESS_REWRITE_MODE_UNSPECIFIED:
        rule->replaces = rule->type == FLOE_CANDIDATE_TYPE_HOST;
        return FLOE_OK;
    case FLOE_ADDRESS_REWRITE_MODE_REPLACE:
        rule->replaces = true;
        return FLOE_OK;
    case FLOE_ADDRESS_REWRITE_MODE_APPEND:
        return FLOE_OK;
    }
    return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                     "address_rewrite_rules[%zu].mode is %d, none of the modes", n,
                     (int)given->mode);
}

static floe_error read_place(floe_rewrite *rule, const floe_address_rewrite_rule *given, size_t n)
{
    if (!absent(given->cidr) && !read_cidr(given->cidr, &rule->network, &rule->bits)) {
        return wrong(n, "cidr", given->cidr, "no ADDRESS/BITS");
    }
    if (absent(given->local)) {
        return FLOE_OK;
    }
    if (!read_address(given->local, &rule->local)) {
        return wrong(n, "local", given->local, "no IP address");
    }
    if (rule->network.family != FLOE_FAMILY_NONE &&
        !floe_address_within(&rule->local, &rule->network, rule->bits)) {
        return wrong(n, "local", given->local, "outside of the rule's cidr");
    }
    return FLOE_OK;
}

static floe_error read_externals(floe_rewrite *rule, const floe_allocator *allocator,
                                 const floe_address_rewrite_rule *given, size_t n)
{
    if (given->external_count == 0) {
        return FLOE_OK;
    }
    if (given->external == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "address_rewrite_rules[%zu].external is NULL, external_count is %zu", n,
                         given->external_count);
    }
    if (given->external_count > FLOE_REWRITE_EXTERNALS_MAX) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "address_rewrite_rules[%zu].external has %zu addresses, more than %d", n,
                         given->external_count, FLOE_REWRITE_EXTERNALS_MAX);
    }
    rule->externals = floe_allocate(allocator, given->external_count * sizeof *rule->externals);
    if (rule->externals == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < given->external_count; i++) {
        const char *text = given->external[i];
        if (text == NULL || !read_address(text, &rule->externals[i])) {
            return wrong(n, "external", text != NULL ? text : "NULL", "no IP address");
        }
        rule->external_count++;
    }
    return FLOE_OK;
}

static bool has_external_of(const floe_rewrite *rule, uint8_t family)
{
    for (size_t i = 0; i < rule->external_count; i++) {
        if (rule->externals[i].family == family) {
            return true;
        }
    }
    return rule->external_count == 0;
}

static const uint32_t of_ipv4 = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4;
static const uint32_t of_ipv6 = FLOE_NETWORK_TYPE_UDP6 | FLOE_NETWORK_TYPE_TCP6;

/* W2, W3: the networks of local addresses that the rule is for. */
static void choose_networks(floe_rewrite *rule, uint32_t networks)
{
    uint8_t only =
        rule->local.family != FLOE_FAMILY_NONE ? rule->local.family : rule->network.family;

    rule->own_family = only == FLOE_FAMILY_NONE || rule->type == FLOE_CANDIDATE_TYPE_RELAY;
    bool ipv4 = only != FLOE_FAMILY_NONE ? only == FLOE_FAMILY_IPV4
                                         : has_external_of(rule, FLOE_FAMILY_IPV4);
    bool ipv6 = only != FLOE_FAMILY_NONE ? only == FLOE_FAMILY_IPV6
                                         : has_external_of(rule, FLOE_FAMILY_IPV6);

    rule->networks = (ipv4 ? of_ipv4 : 0U) | (ipv6 ? of_ipv6 : 0U);
    if (networks != 0) {
        rule->networks &= networks;
    }
}

static floe_error make_ready(floe_rewrite *rule, const floe_allocator *allocator,
                             const floe_address_rewrite_rule *given, size_t n)
{
    const uint32_t all = of_ipv4 | of_ipv6;

    if ((given->networks & ~all) != 0) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "address_rewrite_rules[%zu].networks is 0x%x: only 0x%x has a meaning", n,
                         given->networks, all);
    }
    floe_error error = read_kind(rule, given, n);
    if (error == FLOE_OK) {
        error = read_place(rule, given, n);
    }
    if (error == FLOE_OK) {
        error = read_externals(rule, allocator, given, n);
    }
    if (error != FLOE_OK) {
        return error;
    }
    if (!absent(given->iface)) {
        rule->iface = floe_copy_text(allocator, given->iface, strlen(given->iface));
        if (rule->iface == NULL) {
            return FLOE_ERR_NO_MEMORY;
        }
    }
    choose_networks(rule, given->networks);
    return FLOE_OK;
}

/* W10: each pair is a rule with Local; then one catch-all with all externals. */
static floe_error read_nat_1to1(const floe_settings *settings, floe_address_rewrite_rule *rules,
                                const char **externals, char (*texts)[FLOE_ADDRESS_TEXT_SIZE],
                                size_t *count)
{
    size_t entries = 0;

    for (size_t i = 0; i < settings->nat_1to1_ip_count; i++) {
        const char *entry = settings->nat_1to1_ips[i];
        const char *slash = entry != NULL ? strchr(entry, '/') : NULL;
        size_t size = slash != NULL ? (size_t)(slash - entry) : entry != NULL ? strlen(entry) : 0;
        floe_address address;
        char *external = texts[i];
        if (entry == NULL || size >= FLOE_ADDRESS_TEXT_SIZE) {
            return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "nat_1to1_ips[%zu] is no external address",
                             i);
        }
        memcpy(external, entry, size);
        external[size] = '\0';
        if (!read_address(external, &address) ||
            (slash != NULL && !read_address(slash + 1, &address))) {
            return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                             "nat_1to1_ips[%zu] \"%.80s\" is neither EXTERNAL nor EXTERNAL/LOCAL",
                             i, entry);
        }
        externals[i] = external;
        if (slash != NULL) {
            rules[entries++] = (floe_address_rewrite_rule){
                .external = &externals[i], .external_count = 1, .local = slash + 1};
        }
    }
    rules[entries++] = (floe_address_rewrite_rule){.external = externals,
                                                   .external_count = settings->nat_1to1_ip_count};
    for (size_t i = 0; i < entries; i++) {
        rules[i].as_candidate_type = settings->nat_1to1_candidate_type;
    }
    *count = entries;
    return FLOE_OK;
}

static floe_error add_rules(floe_core_shared *shared, const floe_address_rewrite_rule *first,
                            size_t count)
{
    shared->rewrites = floe_allocate(&shared->allocator, count * sizeof *shared->rewrites);
    if (shared->rewrites == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    for (size_t n = 0; n < count; n++) {
        floe_address_rewrite_rule given = {0};
        floe_take_nth(&given, first, n, FLOE_REWRITE_RULE_SIZES);
        floe_error error =
            make_ready(&shared->rewrites[shared->rewrite_count++], &shared->allocator, &given, n);
        if (error != FLOE_OK) {
            return error;
        }
    }
    return FLOE_OK;
}

static floe_error add_nat_1to1(floe_core_shared *shared, const floe_settings *settings)
{
    const floe_allocator *allocator = &shared->allocator;
    size_t entries = settings->nat_1to1_ip_count;
    floe_address_rewrite_rule *rules = floe_allocate(allocator, (entries + 1) * sizeof *rules);
    const char **externals = floe_allocate(allocator, entries * sizeof *externals);
    char(*texts)[FLOE_ADDRESS_TEXT_SIZE] = floe_allocate(allocator, entries * sizeof *texts);
    size_t count = 0;
    floe_error error = FLOE_ERR_NO_MEMORY;

    if (rules != NULL && externals != NULL && texts != NULL) {
        error = read_nat_1to1(settings, rules, externals, texts, &count);
    }
    if (error == FLOE_OK) {
        error = add_rules(shared, rules, count);
    }
    floe_deallocate(allocator, rules);
    floe_deallocate(allocator, externals);
    floe_deallocate(allocator, texts);
    return error;
}

#define RULES_MAX 65536U

floe_error floe_rewrites_new(floe_core_shared *shared, const floe_settings *settings)
{
    size_t rules = settings->address_rewrite_rule_count;
    size_t entries = settings->nat_1to1_ip_count;

    if ((rules > 0 && settings->address_rewrite_rules == NULL) ||
        (entries > 0 && settings->nat_1to1_ips == NULL)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "settings.%s is NULL, its count is not 0",
                         rules > 0 ? "address_rewrite_rules" : "nat_1to1_ips");
    }
    if (rules > 0 && entries > 0) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings has both address_rewrite_rules and nat_1to1_ips");
    }
    if (rules > RULES_MAX || entries > FLOE_REWRITE_EXTERNALS_MAX) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "settings has more than %u %s",
                         rules > 0 ? RULES_MAX : FLOE_REWRITE_EXTERNALS_MAX,
                         rules > 0 ? "address_rewrite_rules" : "nat_1to1_ips");
    }
    if (entries > 0 && settings->nat_1to1_candidate_type != 0 &&
        settings->nat_1to1_candidate_type != FLOE_CANDIDATE_TYPE_HOST &&
        settings->nat_1to1_candidate_type != FLOE_CANDIDATE_TYPE_SRFLX) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings.nat_1to1_candidate_type is neither host nor srflx");
    }
    if (rules > 0) {
        return add_rules(shared, settings->address_rewrite_rules, rules);
    }
    return entries > 0 ? add_nat_1to1(shared, settings) : FLOE_OK;
}

void floe_rewrites_free(floe_core_shared *shared)
{
    for (size_t i = 0; i < shared->rewrite_count; i++) {
        floe_deallocate(&shared->allocator, shared->rewrites[i].iface);
        floe_deallocate(&shared->allocator, shared->rewrites[i].externals);
    }
    floe_deallocate(&shared->allocator, shared->rewrites);
}

/* ── Look-up (W4) ── */

static bool matches(const floe_rewrite *rule, floe_candidate_type type, bool tcp,
                    const floe_address *local, const char *iface)
{
    uint32_t ipv4 = tcp ? FLOE_NETWORK_TYPE_TCP4 : FLOE_NETWORK_TYPE_UDP4;
    uint32_t ipv6 = tcp ? FLOE_NETWORK_TYPE_TCP6 : FLOE_NETWORK_TYPE_UDP6;
    uint32_t network = local->family == FLOE_FAMILY_IPV4 ? ipv4 : ipv6;

    return rule->type == type && (rule->networks & network) != 0 &&
           (rule->iface == NULL || strcmp(rule->iface, iface) == 0) &&
           (rule->network.family == FLOE_FAMILY_NONE ||
            floe_address_within(local, &rule->network, rule->bits));
}

/* How much a catch-all says of the address. */
static int weight_of(const floe_rewrite *rule, const char *iface)
{
    int cidr = rule->network.family != FLOE_FAMILY_NONE;

    if (rule->iface != NULL) {
        return 2 + cidr;
    }
    return *iface == '\0' ? cidr : 0;
}

const floe_rewrite *floe_rewrite_for(const floe_core_shared *shared, floe_candidate_type type,
                                     bool tcp, const floe_address *local, const char *iface)
{
    const floe_rewrite *best = NULL;
    int best_weight = -1;

    for (size_t i = 0; i < shared->rewrite_count; i++) {
        const floe_rewrite *rule = &shared->rewrites[i];
        if (!matches(rule, type, tcp, local, iface)) {
            continue;
        }
        if (rule->local.family != FLOE_FAMILY_NONE) {
            if (floe_address_same_ip(&rule->local, local)) {
                return rule;
            }
        } else if (weight_of(rule, iface) > best_weight) {
            best = rule;
            best_weight = weight_of(rule, iface);
        }
    }
    return best;
}

bool floe_rewrite_replaces(const floe_rewrite *rule, const floe_address *address)
{
    return rule != NULL && rule->replaces &&
           (!rule->own_family || has_external_of(rule, address->family));
}

/* W9: what may be gathered on may be said; but no address that tells where a machine is wherever it
 * goes, made from its hardware address (RFC 4291 appendix A, RFC 7721 §3). */
static bool showable(const floe_core_shared *shared, const floe_address *address)
{
    bool hardware = address->family == FLOE_FAMILY_IPV6 && address->ip[11] == 0xff &&
                    address->ip[12] == 0xfe &&
                    floe_address_classify(address) != FLOE_ADDRESS_LINK_LOCAL;

    return !hardware && floe_address_usable(shared, address);
}

bool floe_rewrite_next(const floe_core_shared *shared, const floe_rewrite *rule,
                       const floe_address *address, size_t *at, floe_address *external)
{
    while (rule != NULL && *at < rule->external_count) {
        *external = rule->externals[(*at)++];
        if ((!rule->own_family || external->family == address->family) &&
            showable(shared, external)) {
            return true;
        }
    }
    return false;
}

/* ── As text ── */

#define TEXT_MAX 2048U

typedef struct parsed_rule {
    floe_address_rewrite_rule rule;
    const char *externals[FLOE_REWRITE_EXTERNALS_MAX];
    char text[TEXT_MAX + 1]; /* a NUL behind each value */
} parsed_rule;

static floe_error bad_word(const char *key, const char *value, const char *why)
{
    return floe_fail(FLOE_ERR_SYNTAX, "rewrite rule: %.40s \"%.80s\": %s", key, value, why);
}

static floe_error read_networks(char *value, uint32_t *networks)
{
    static const char *const names[] = {"udp4", "udp6", "tcp4", "tcp6"};

    for (char *at = value; at != NULL;) {
        char *plus = strchr(at, '+');
        uint32_t found = 0;
        size_t size = plus != NULL ? (size_t)(plus - at) : strlen(at);
        for (uint32_t i = 0; i < 4; i++) {
            if (strlen(names[i]) == size && strncmp(at, names[i], size) == 0) {
                found = 1U << i;
            }
        }
        if (found == 0) {
            return bad_word("networks", value, "not of udp4, udp6, tcp4, tcp6 joined by +");
        }
        *networks |= found;
        at = plus != NULL ? plus + 1 : NULL;
    }
    return FLOE_OK;
}

static floe_error read_type(const char *value, floe_candidate_type *type)
{
    for (int i = FLOE_CANDIDATE_TYPE_HOST; i <= FLOE_CANDIDATE_TYPE_RELAY; i++) {
        if (strcmp(value, floe_candidate_type_name((floe_candidate_type)i)) == 0) {
            *type = (floe_candidate_type)i;
            return FLOE_OK;
        }
    }
    return bad_word("type", value, "not one of host, srflx, relay");
}

static floe_error read_mode(const char *value, floe_address_rewrite_mode *mode)
{
    if (strcmp(value, "replace") == 0) {
        *mode = FLOE_ADDRESS_REWRITE_MODE_REPLACE;
    } else if (strcmp(value, "append") == 0) {
        *mode = FLOE_ADDRESS_REWRITE_MODE_APPEND;
    } else {
        return bad_word("mode", value, "neither replace nor append");
    }
    return FLOE_OK;
}

static floe_error set_once(const char **field, const char *key, const char *value)
{
    if (*field != NULL) {
        return bad_word(key, value, "given twice");
    }
    *field = value;
    return FLOE_OK;
}

static floe_error read_word(parsed_rule *parsed, char *word)
{
    floe_address_rewrite_rule *rule = &parsed->rule;
    char *value = strchr(word, '=');

    if (value == NULL) {
        return bad_word(word, "", "no KEY=VALUE");
    }
    *value++ = '\0';
    if (strcmp(word, "external") == 0) {
        if (rule->external_count == FLOE_REWRITE_EXTERNALS_MAX) {
            return bad_word(word, value, "too many of them");
        }
        parsed->externals[rule->external_count++] = value;
        return FLOE_OK;
    }
    if (strcmp(word, "local") == 0) {
        return set_once(&rule->local, word, value);
    }
    if (strcmp(word, "iface") == 0) {
        return set_once(&rule->iface, word, value);
    }
    if (strcmp(word, "cidr") == 0) {
        return set_once(&rule->cidr, word, value);
    }
    if (strcmp(word, "type") == 0) {
        return read_type(value, &rule->as_candidate_type);
    }
    if (strcmp(word, "mode") == 0) {
        return read_mode(value, &rule->mode);
    }
    if (strcmp(word, "networks") == 0) {
        return read_networks(value, &rule->networks);
    }
    return bad_word(word, value,
                    "no such key: external, local, iface, cidr, type, mode, networks are");
}

floe_error floe_address_rewrite_rule_parse(const char *text, floe_address_rewrite_rule **rule)
{
    floe_error error = FLOE_OK;

    if (text == NULL || rule == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_address_rewrite_rule_parse: NULL");
    }
    if (memchr(text, '\0', TEXT_MAX + 1) == NULL) {
        return floe_fail(FLOE_ERR_SYNTAX, "rewrite rule: longer than %u bytes", TEXT_MAX);
    }
    parsed_rule *parsed = floe_allocate(&floe_default_allocator, sizeof *parsed);
    if (parsed == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    parsed->rule.size = sizeof parsed->rule;
    parsed->rule.external = parsed->externals;
    memcpy(parsed->text, text, strlen(text));
    for (char *at = parsed->text; at != NULL && error == FLOE_OK;) {
        char *comma = strchr(at, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        error = read_word(parsed, at);
        at = comma != NULL ? comma + 1 : NULL;
    }
    if (error != FLOE_OK) {
        floe_deallocate(&floe_default_allocator, parsed);
        return error;
    }
    *rule = &parsed->rule;
    return FLOE_OK;
}

void floe_address_rewrite_rule_free(floe_address_rewrite_rule *rule)
{
    if (rule != NULL) {
        floe_deallocate(&floe_default_allocator, FLOE_CONTAINER(rule, parsed_rule, rule));
    }
}

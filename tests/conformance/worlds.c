/* Rows about what a gatherer makes of a small world, run in the simulator. Keys:
 *
 *     on: IFACE ADDRESS [FLAG…]     an interface: down, temporary, deprecated, tentative, default,
 *                                   loopback (it is on lo), wireless, cellular, vpn, unknown,
 *                                   swallows, noroute, nat=none, nat=symmetric
 *     server: KIND IP [TEMPER]      stun or turn; good, or one of the tempers below
 *     policy: NAME                  all, nohost, relay
 *     types: NAME …, transports: NAME …    host, srflx, relay; udp, tcp, tls, dtls
 *     rule: …, nat: …, nattype: …   address rewriting
 *     set: NAME[=VALUE] …           settings
 *     fails: ERROR TIMES            so many openings of the latest interface's sockets fail
 *     at MS: ACTION                 gather, restart, toggle N, options MASK POLICY, close
 *     pool: MS                      a pool, asked for after so long
 *     show: candidates|events|errors    what the right-hand side has (candidates)
 *
 * What comes: candidates in order ("srflx 198.51.100.10 for 10.0.0.2"), or a setting's error. A row
 * with a word that is none of these is UNREADABLE (unreadable.table). */
#include "table.h"

#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define RULES_MAX 16

enum { SHOW_CANDIDATES, SHOW_EVENTS, SHOW_ERRORS };

typedef struct world_case {
    sim_config config;
    floe_address_rewrite_rule *parsed[RULES_MAX];
    floe_address_rewrite_rule rules[RULES_MAX];
    size_t rule_count;
    const char *nats[RULES_MAX];
    size_t nat_count;
    int show;
    char wrong[256];   /* a row that can't be read: it fails, whatever it wants */
    char refused[256]; /* a rule that the library does not take */
} world_case;

/* A word and what it stands for. Each kind of word has one table, and one that is in none fails the
 * row: else a misspelt one would say something else and pass. */
typedef struct word {
    const char *name;
    int value;
} word;

static void wrong(world_case *c, const char *what, const char *value)
{
    if (*c->wrong == '\0') {
        (void)snprintf(c->wrong, sizeof c->wrong, "%s \"%.80s\"", what, value != NULL ? value : "");
    }
}

static char *next_word(char **at)
{
    return strtok_r(NULL, " ", at);
}

static bool known(const word *words, size_t count, const char *name, int *value)
{
    for (size_t i = 0; name != NULL && i < count; i++) {
        if (strcmp(words[i].name, name) == 0) {
            *value = words[i].value;
            return true;
        }
    }
    return false;
}

static int value_of(world_case *c, const char *what, const word *words, size_t count,
                    const char *name)
{
    int value = 0;

    if (!known(words, count, name, &value)) {
        wrong(c, what, name);
    }
    return value;
}

#define VALUE_OF(c, what, words, name)                                                             \
    value_of(c, what, words, sizeof(words) / sizeof *(words), name)

static uint32_t set_of(world_case *c, const char *what, const word *words, size_t count,
                       char *value)
{
    char *at = NULL;
    uint32_t set = 0;

    for (char *name = strtok_r(value, " ", &at); name != NULL; name = next_word(&at)) {
        set |= (uint32_t)value_of(c, what, words, count, name);
    }
    return set;
}

#define SET_OF(c, what, words, value) set_of(c, what, words, sizeof(words) / sizeof *(words), value)

static unsigned long number_of(world_case *c, const char *what, const char *text)
{
    char *end = NULL;
    unsigned long number = text != NULL ? strtoul(text, &end, 10) : 0;

    if (text == NULL || *text < '0' || *text > '9' || *end != '\0') {
        wrong(c, what, text);
    }
    return number;
}

/* Whether there is room for one more; a row that has too much is none that can be read. */
static bool room(world_case *c, const char *what, size_t count, size_t max)
{
    if (count >= max) {
        wrong(c, "too many of", what);
    }
    return count < max;
}

/* A part's last word is behind us. */
static void ends(world_case *c, const char *what, char **at)
{
    const char *text = next_word(at);

    if (text != NULL) {
        wrong(c, what, text);
    }
}

static void read_interface(world_case *c, char *value)
{
    enum {
        DOWN,
        TEMPORARY,
        DEPRECATED,
        TENTATIVE,
        DEFAULT,
        ON_LOOPBACK,
        NAT_NONE,
        NAT_SYMMETRIC,
        SWALLOWS,
        NO_ROUTE,
        ADAPTER /* and from here on which */
    };
    static const word flags[] = {{"down", DOWN},
                                 {"temporary", TEMPORARY},
                                 {"deprecated", DEPRECATED},
                                 {"tentative", TENTATIVE},
                                 {"default", DEFAULT},
                                 {"loopback", ON_LOOPBACK},
                                 {"nat=none", NAT_NONE},
                                 {"nat=symmetric", NAT_SYMMETRIC},
                                 {"swallows", SWALLOWS},
                                 {"noroute", NO_ROUTE},
                                 {"unknown", ADAPTER + FLOE_ADAPTER_UNKNOWN},
                                 {"wired", ADAPTER + FLOE_ADAPTER_WIRED},
                                 {"wireless", ADAPTER + FLOE_ADAPTER_WIRELESS},
                                 {"cellular", ADAPTER + FLOE_ADAPTER_CELLULAR},
                                 {"vpn", ADAPTER + FLOE_ADAPTER_VPN}};
    char *at = NULL;
    const char *name = strtok_r(value, " ", &at);
    const char *ip = next_word(&at);

    if (ip == NULL) {
        wrong(c, "interface", value);
        return;
    }
    if (!room(c, "interface", c->config.interface_count, SIM_INTERFACES_MAX)) {
        return;
    }
    sim_interface *interface =
        sim_add_interface(&c->config, strcmp(name, "-") == 0 ? "" : name, ip);
    for (char *flag; (flag = next_word(&at)) != NULL;) {
        int which = VALUE_OF(c, "flag", flags, flag);
        switch (which) {
        case DOWN:
            interface->up = false;
            break;
        case TEMPORARY:
            interface->temporary = true;
            break;
        case DEPRECATED:
            interface->deprecated = true;
            break;
        case TENTATIVE:
            interface->tentative = true;
            break;
        case DEFAULT:
            interface->default_route = true;
            break;
        case ON_LOOPBACK:
            interface->loopback = true;
            break;
        case NAT_NONE:
            interface->mapping = interface->filtering = SIM_NAT_NONE;
            break;
        case NAT_SYMMETRIC:
            interface->mapping = SIM_NAT_ADDRESS_AND_PORT_DEPENDENT;
            break;
        case SWALLOWS:
            interface->path = SIM_PATH_SWALLOWS;
            break;
        case NO_ROUTE:
            interface->path = SIM_PATH_NO_ROUTE;
            break;
        default:
            interface->adapter = (floe_adapter)(which - ADAPTER);
            break;
        }
    }
}

static void read_server(world_case *c, char *value)
{
    static const word kinds[] = {{"stun", false}, {"turn", true}};
    static const word tempers[] = {{"good", SIM_GOOD},
                                   {"silent", SIM_SILENT},
                                   {"closed", SIM_PORT_CLOSED},
                                   {"badname", SIM_NAME_UNKNOWN},
                                   {"password", SIM_WRONG_PASSWORD},
                                   {"error", SIM_ERROR_CODE},
                                   {"mismatch", SIM_MISMATCH},
                                   {"forged", SIM_FORGED_FIRST},
                                   {"loopback", SIM_LOOPBACK_ADDRESSES},
                                   {"full", SIM_FULL_AFTER_TWO},
                                   {"silentname", SIM_NAME_SILENT},
                                   {"garbage", SIM_GARBAGE},
                                   {"noaddress", SIM_NO_ADDRESSES},
                                   {"unknown", SIM_UNKNOWN_ATTRIBUTE}};
    char *at = NULL;
    const char *kind = strtok_r(value, " ", &at);
    const char *ip = next_word(&at);
    const char *temper = next_word(&at);
    const char *code = next_word(&at);
    bool turn = VALUE_OF(c, "server", kinds, kind) != 0;

    if (ip == NULL) {
        wrong(c, "server", value);
        return;
    }
    if (!room(c, "server", c->config.server_count, SIM_SERVERS_MAX)) {
        return;
    }
    sim_server *server = sim_add_server(
        &c->config, turn, ip,
        (sim_temper)VALUE_OF(c, "temper", tempers, temper != NULL ? temper : "good"));
    if (code != NULL) {
        server->code = (uint16_t)number_of(c, "code", code);
    }
    ends(c, "word behind a server", &at);
}

static void read_failures(world_case *c, char *value)
{
    static const word errors[] = {{"in-use", FLOE_ERR_ADDRESS_IN_USE},
                                  {"descriptors", FLOE_ERR_NO_DESCRIPTORS},
                                  {"not-available", FLOE_ERR_ADDRESS_NOT_AVAILABLE},
                                  {"permission", FLOE_ERR_PERMISSION},
                                  {"memory", FLOE_ERR_NO_MEMORY},
                                  {"system", FLOE_ERR_SYSTEM}};
    char *at = NULL;
    const char *name = strtok_r(value, " ", &at);
    const char *times = next_word(&at);

    if (c->config.interface_count == 0) {
        wrong(c, "failure without an interface", value);
        return;
    }
    sim_interface *interface = &c->config.interfaces[c->config.interface_count - 1];
    interface->open_error = (floe_error)VALUE_OF(c, "error", errors, name);
    interface->open_failures = times != NULL ? (unsigned)number_of(c, "times", times) : 1;
    ends(c, "word behind a failure", &at);
}

static floe_gather_policy policy_of(world_case *c, const char *name)
{
    static const word policies[] = {{"all", FLOE_GATHER_POLICY_ALL},
                                    {"nohost", FLOE_GATHER_POLICY_NOHOST},
                                    {"relay", FLOE_GATHER_POLICY_RELAY}};

    return (floe_gather_policy)VALUE_OF(c, "policy", policies, name);
}

static void read_setting(world_case *c, const char *name, const char *value)
{
    enum { LOOPBACK, LINK_LOCAL, LITE, UDP4, UDP6, MAX, MODE, COSTLY, MDNS, TIMEOUT, GRACE, PORT };
    static const word plain[] = {
        {"loopback", LOOPBACK}, {"link-local", LINK_LOCAL}, {"lite", LITE}, {"udp4", UDP4},
        {"udp6", UDP6},         {"avoid-costly", COSTLY},   {"mdns", MDNS}};
    static const word valued[] = {{"max", MAX},         {"mode", MODE},   {"mdns", MDNS},
                                  {"timeout", TIMEOUT}, {"grace", GRACE}, {"port", PORT}};
    floe_settings *settings = &c->config.settings;
    int which = value == NULL ? VALUE_OF(c, "setting", plain, name)
                              : VALUE_OF(c, "setting with a value", valued, name);
    uint32_t number = value != NULL && which != MDNS ? (uint32_t)number_of(c, name, value) : 0;

    switch (which) {
    case LOOPBACK:
        settings->loopback = true;
        break;
    case LINK_LOCAL:
        settings->link_local = true;
        break;
    case LITE:
        settings->ice_lite = true;
        break;
    case UDP4:
        settings->network_types = FLOE_NETWORK_TYPE_UDP4;
        break;
    case UDP6:
        settings->network_types = FLOE_NETWORK_TYPE_UDP6;
        break;
    case MAX:
        settings->addresses_max = number;
        break;
    case MODE:
        settings->ip_handling = (floe_ip_handling)(number - 1);
        break;
    case COSTLY:
        settings->avoid_costly_networks = true;
        break;
    case TIMEOUT:
        settings->gather_timeout_ms = number;
        break;
    case GRACE:
        settings->straggler_grace_ms = number;
        break;
    case PORT:
        settings->port_min = settings->port_max = (uint16_t)number;
        break;
    default:
        settings->mdns_mode = FLOE_MDNS_MODE_QUERY_AND_GATHER;
        settings->mdns_name = value;
        break;
    }
}

static void read_settings(world_case *c, char *value)
{
    char *at = NULL;

    for (char *name = strtok_r(value, " ", &at); name != NULL; name = next_word(&at)) {
        char *equals = strchr(name, '=');
        if (equals != NULL) {
            *equals = '\0';
        }
        read_setting(c, name, equals != NULL ? equals + 1 : NULL);
    }
}

static void read_action(world_case *c, const char *when, char *value)
{
    static const word kinds[] = {{"gather", SIM_GATHER},
                                 {"restart", SIM_RESTART},
                                 {"close", SIM_CLOSE},
                                 {"toggle", SIM_TOGGLE},
                                 {"options", SIM_SET_OPTIONS}};
    char *at = NULL;
    sim_action_kind kind = (sim_action_kind)VALUE_OF(c, "action", kinds, strtok_r(value, " ", &at));

    if (!room(c, "action", c->config.action_count, SIM_ACTIONS_MAX)) {
        return;
    }
    sim_action *action = sim_add_action(&c->config, kind, number_of(c, "time", when));
    if (kind == SIM_TOGGLE) {
        action->value = (uint32_t)number_of(c, "interface to toggle", next_word(&at));
        if (action->value >= c->config.interface_count) {
            wrong(c, "interface to toggle", "none that is before it in the row");
        }
    } else if (kind == SIM_SET_OPTIONS) {
        action->value = (uint32_t)number_of(c, "mask", next_word(&at));
        action->value |= (uint32_t)policy_of(c, next_word(&at)) << SIM_POLICY_SHIFT;
    }
    ends(c, "word behind an action", &at);
}

static void read_rule(world_case *c, const char *value)
{
    if (!room(c, "rule", c->rule_count, RULES_MAX)) {
        return;
    }
    floe_address_rewrite_rule *rule;
    if (floe_address_rewrite_rule_parse(value, &rule) != FLOE_OK) {
        (void)snprintf(c->refused, sizeof c->refused, "%s", floe_last_error());
        return;
    }
    c->parsed[c->rule_count] = rule;
    c->rules[c->rule_count++] = *rule;
}

static void read_part(world_case *c, const char *key, char *value)
{
    static const word types[] = {{"host", FLOE_CANDIDATE_TYPE_HOST},
                                 {"srflx", FLOE_CANDIDATE_TYPE_SRFLX},
                                 {"relay", FLOE_CANDIDATE_TYPE_RELAY}};
    static const word shows[] = {
        {"candidates", SHOW_CANDIDATES}, {"events", SHOW_EVENTS}, {"errors", SHOW_ERRORS}};

    static const word gathered[] = {{"host", FLOE_GATHER_TYPE_HOST},
                                    {"srflx", FLOE_GATHER_TYPE_SRFLX},
                                    {"relay", FLOE_GATHER_TYPE_RELAY}};
    static const word transports[] = {{"udp", FLOE_RELAY_TRANSPORT_UDP},
                                      {"tcp", FLOE_RELAY_TRANSPORT_TCP},
                                      {"tls", FLOE_RELAY_TRANSPORT_TLS},
                                      {"dtls", FLOE_RELAY_TRANSPORT_DTLS}};

    if (strcmp(key, "on") == 0) {
        read_interface(c, value);
    } else if (strcmp(key, "server") == 0) {
        read_server(c, value);
    } else if (strcmp(key, "policy") == 0) {
        c->config.policy = policy_of(c, value);
    } else if (strcmp(key, "types") == 0) {
        c->config.types = SET_OF(c, "type", gathered, value);
    } else if (strcmp(key, "transports") == 0) {
        c->config.transports = SET_OF(c, "transport", transports, value);
    } else if (strcmp(key, "set") == 0) {
        read_settings(c, value);
    } else if (strncmp(key, "at ", 3) == 0) {
        read_action(c, key + 3, value);
    } else if (strcmp(key, "pool") == 0) {
        c->config.pool = true;
        c->config.gather_at_ms = number_of(c, "time", value);
    } else if (strcmp(key, "rule") == 0) {
        read_rule(c, value);
    } else if (strcmp(key, "nat") == 0) {
        if (room(c, "nat", c->nat_count, RULES_MAX)) {
            c->nats[c->nat_count++] = value;
        }
    } else if (strcmp(key, "nattype") == 0) {
        c->config.settings.nat_1to1_candidate_type =
            (floe_candidate_type)VALUE_OF(c, "type", types, value);
    } else if (strcmp(key, "fails") == 0) {
        read_failures(c, value);
    } else if (strcmp(key, "show") == 0) {
        c->show = VALUE_OF(c, "show", shows, value);
    } else {
        wrong(c, "key", key);
    }
}

/* A made-up name is never twice the same. */
static const char *plain_address(const char *address, const floe_settings *settings)
{
    const char *dot = strrchr(address, '.');

    return dot != NULL && strcmp(dot, ".local") == 0 && settings->mdns_name == NULL ? "NAME"
                                                                                    : address;
}

static void write_candidates(const world_case *c, const sim_seen *seen, char *result, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < seen->candidate_count && used < size; i++) {
        const sim_seen_candidate *candidate = &seen->candidates[i];
        if (candidate->withdrawn) {
            continue;
        }
        used += (size_t)snprintf(&result[used], size - used, "%s%s %s", used > 0 ? " | " : "",
                                 floe_candidate_type_name(candidate->type),
                                 plain_address(candidate->address, &c->config.settings));
        if (*candidate->related != '\0' && used < size) {
            used += (size_t)snprintf(&result[used], size - used, " for %s", candidate->related);
        }
    }
    if (used == 0) {
        (void)snprintf(result, size, "nothing");
    }
}

/* "701 timeout stun:192.0.2.1:3478 from 10.0.0.2, url failed: …". */
static void write_errors(const sim_seen *seen, char *result, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < seen->error_count && used < size; i++) {
        const sim_seen_error *error = &seen->errors[i];
        const char *url = *error->url != '\0' ? error->url : "no server";
        used += (size_t)snprintf(&result[used], size - used, "%s%u %s %s from %s%s: %s",
                                 used > 0 ? " | " : "", error->code,
                                 floe_failure_reason_name(error->reason), url,
                                 *error->address != '\0' ? error->address : "nowhere",
                                 error->url_failed ? ", url failed" : "", error->text);
    }
    if (used == 0) {
        (void)snprintf(result, size, "no error");
    }
}

/* A setting that is refused is the result. */
static bool refused(const floe_settings *settings, char *result, size_t size)
{
    seeded_random random;
    floe_core_shared *shared;

    seeded_init(&random, 1);
    if (floe_core_shared_new(settings, &random.table, &shared) == FLOE_OK) {
        floe_core_shared_free(shared);
        return false;
    }
    (void)snprintf(result, size, "error %s", floe_last_error());
    return true;
}

void case_of_worlds(char *given, char *result, size_t size)
{
    static world_case c;
    static sim_report report;
    char *key;
    char *value;

    memset(&c, 0, sizeof c);
    c.config = (sim_config){.seed = 1, .gatherers = 1, .run_ms = 10000};
    c.config.settings = (floe_settings)FLOE_SETTINGS_INIT;
    while ((value = table_next(&given, &key)) != NULL) {
        read_part(&c, key, value);
    }
    c.config.settings.address_rewrite_rules = c.rule_count > 0 ? c.rules : NULL;
    c.config.settings.address_rewrite_rule_count = c.rule_count;
    c.config.settings.nat_1to1_ips = c.nat_count > 0 ? c.nats : NULL;
    c.config.settings.nat_1to1_ip_count = c.nat_count;
    if (*c.wrong != '\0') {
        (void)snprintf(result, size, "UNREADABLE %s", c.wrong);
    } else if (*c.refused != '\0') {
        (void)snprintf(result, size, "error %s", c.refused);
    } else if (!refused(&c.config.settings, result, size)) {
        if (!sim_run(&c.config, NULL, &report)) {
            (void)snprintf(result, size, "VIOLATED %s", report.violation);
        } else if (c.show == SHOW_ERRORS) {
            write_errors(&report.gatherers[0], result, size);
        } else if (c.show == SHOW_EVENTS) {
            (void)snprintf(result, size, "%s", report.gatherers[0].log);
        } else {
            write_candidates(&c, &report.gatherers[0], result, size);
        }
    }
    for (size_t i = 0; i < c.rule_count; i++) {
        floe_address_rewrite_rule_free(c.parsed[i]);
    }
}

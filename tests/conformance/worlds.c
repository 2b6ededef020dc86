/* Rows about what a gatherer makes of a small world, run in the simulator. Keys:
 *
 *     on: IFACE ADDRESS [FLAG…]     an interface: down, temporary, deprecated, tentative, default,
 *                                   wireless, cellular, vpn, unknown, swallows, noroute,
 *                                   nat=none, nat=symmetric
 *     server: KIND IP [TEMPER]      stun or turn; good, or one of the tempers below
 *     policy: NAME                  all, nohost, relay
 *     rule: …, nat: …, nattype: …   address rewriting
 *     set: NAME[=VALUE] …           settings
 *     fails: ERROR TIMES            so many openings of the latest interface's sockets fail
 *     at MS: ACTION                 gather, restart, toggle N, options MASK POLICY, close
 *     pool: MS                      a pool, asked for after so long
 *     show: events|errors           what the right-hand side has, if not candidates
 *
 * What comes: candidates in order ("srflx 198.51.100.10 for 10.0.0.2"), or a setting's error. */
#include "table.h"

#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define RULES_MAX 16

typedef struct world_case {
    sim_config config;
    floe_address_rewrite_rule *parsed[RULES_MAX];
    floe_address_rewrite_rule rules[RULES_MAX];
    size_t rule_count;
    const char *nats[RULES_MAX];
    size_t nat_count;
    bool events;
    bool errors;
    char wrong[256]; /* a row that can't be read */
} world_case;

static void wrong(world_case *c, const char *what, const char *value)
{
    (void)snprintf(c->wrong, sizeof c->wrong, "the row's %s \"%.80s\" can't be read", what, value);
}

static char *next_word(char **at)
{
    return strtok_r(NULL, " ", at);
}

static bool set_adapter(sim_interface *interface, const char *word)
{
    static const char *const names[] = {"unknown", "wired", "wireless", "cellular", "vpn"};

    for (int i = 0; i < 5; i++) {
        if (strcmp(word, names[i]) == 0) {
            interface->adapter = (floe_adapter)i;
            return true;
        }
    }
    return false;
}

static void read_interface(world_case *c, char *value)
{
    char *at = NULL;
    const char *name = strtok_r(value, " ", &at);
    const char *ip = next_word(&at);

    if (name == NULL || ip == NULL) {
        wrong(c, "interface", value);
        return;
    }
    sim_interface *interface =
        sim_add_interface(&c->config, strcmp(name, "-") == 0 ? "" : name, ip);
    for (char *word; (word = next_word(&at)) != NULL;) {
        if (strcmp(word, "down") == 0) {
            interface->up = false;
        } else if (strcmp(word, "temporary") == 0) {
            interface->temporary = true;
        } else if (strcmp(word, "deprecated") == 0) {
            interface->deprecated = true;
        } else if (strcmp(word, "tentative") == 0) {
            interface->tentative = true;
        } else if (strcmp(word, "default") == 0) {
            interface->default_route = true;
        } else if (strcmp(word, "nat=none") == 0) {
            interface->mapping = interface->filtering = SIM_NAT_NONE;
        } else if (strcmp(word, "nat=symmetric") == 0) {
            interface->mapping = SIM_NAT_ADDRESS_AND_PORT_DEPENDENT;
        } else if (strcmp(word, "swallows") == 0) {
            interface->path = SIM_PATH_SWALLOWS;
        } else if (strcmp(word, "noroute") == 0) {
            interface->path = SIM_PATH_NO_ROUTE;
        } else if (!set_adapter(interface, word)) {
            wrong(c, "flag", word);
        }
    }
}

static void read_server(world_case *c, char *value)
{
    static const struct {
        const char *name;
        sim_temper temper;
    } tempers[] = {{"silent", SIM_SILENT},
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

    if (kind == NULL || ip == NULL) {
        wrong(c, "server", value);
        return;
    }
    sim_server *server = sim_add_server(&c->config, strcmp(kind, "turn") == 0, ip, SIM_GOOD);
    server->code = code != NULL ? (uint16_t)strtoul(code, NULL, 10) : server->code;
    for (size_t i = 0; temper != NULL && i < sizeof tempers / sizeof *tempers; i++) {
        if (strcmp(temper, tempers[i].name) == 0) {
            server->temper = tempers[i].temper;
            server->by_name =
                server->temper == SIM_NAME_UNKNOWN || server->temper == SIM_NAME_SILENT;
        }
    }
}

static void read_failures(world_case *c, char *value)
{
    static const struct {
        const char *name;
        floe_error error;
    } errors[] = {{"in-use", FLOE_ERR_ADDRESS_IN_USE},
                  {"descriptors", FLOE_ERR_NO_DESCRIPTORS},
                  {"not-available", FLOE_ERR_ADDRESS_NOT_AVAILABLE},
                  {"permission", FLOE_ERR_PERMISSION},
                  {"memory", FLOE_ERR_NO_MEMORY},
                  {"system", FLOE_ERR_SYSTEM}};
    char *at = NULL;
    const char *name = strtok_r(value, " ", &at);
    const char *times = next_word(&at);
    sim_interface *interface = &c->config.interfaces[c->config.interface_count - 1];

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (strcmp(name, errors[i].name) == 0) {
            interface->open_error = errors[i].error;
            interface->open_failures = times != NULL ? (unsigned)strtoul(times, NULL, 10) : 1;
        }
    }
}

static floe_gather_policy policy_of(const char *name)
{
    return strcmp(name, "relay") == 0    ? FLOE_GATHER_POLICY_RELAY
           : strcmp(name, "nohost") == 0 ? FLOE_GATHER_POLICY_NOHOST
                                         : FLOE_GATHER_POLICY_ALL;
}

static void read_settings(world_case *c, char *value)
{
    floe_settings *settings = &c->config.settings;
    char *at = NULL;

    for (char *word = strtok_r(value, " ", &at); word != NULL; word = next_word(&at)) {
        char *equals = strchr(word, '=');
        unsigned long number = equals != NULL ? strtoul(equals + 1, NULL, 10) : 1;
        if (equals != NULL) {
            *equals = '\0';
        }
        if (strcmp(word, "loopback") == 0) {
            settings->loopback = true;
        } else if (strcmp(word, "link-local") == 0) {
            settings->link_local = true;
        } else if (strcmp(word, "lite") == 0) {
            settings->ice_lite = true;
        } else if (strcmp(word, "udp4") == 0) {
            settings->network_types = FLOE_NETWORK_TYPE_UDP4;
        } else if (strcmp(word, "udp6") == 0) {
            settings->network_types = FLOE_NETWORK_TYPE_UDP6;
        } else if (strcmp(word, "max") == 0) {
            settings->addresses_max = (uint32_t)number;
        } else if (strcmp(word, "mode") == 0) {
            settings->ip_handling = (floe_ip_handling)(number - 1);
        } else if (strcmp(word, "avoid-costly") == 0) {
            settings->avoid_costly_networks = true;
        } else if (strcmp(word, "mdns") == 0) {
            settings->mdns_mode = FLOE_MDNS_MODE_QUERY_AND_GATHER;
            settings->mdns_name = equals != NULL ? equals + 1 : NULL;
        } else if (strcmp(word, "timeout") == 0) {
            settings->gather_timeout_ms = (uint32_t)number;
        } else if (strcmp(word, "grace") == 0) {
            settings->straggler_grace_ms = (uint32_t)number;
        } else if (strcmp(word, "port") == 0) {
            settings->port_min = settings->port_max = (uint16_t)number;
        } else {
            wrong(c, "setting", word);
        }
    }
}

static void read_action(world_case *c, const char *when, char *value)
{
    char *at = NULL;
    const char *what = strtok_r(value, " ", &at);
    const char *number = next_word(&at);
    const char *policy = next_word(&at);
    sim_action *action = sim_add_action(&c->config, SIM_GATHER, strtoull(when, NULL, 10));

    if (strcmp(what, "restart") == 0) {
        action->kind = SIM_RESTART;
    } else if (strcmp(what, "close") == 0) {
        action->kind = SIM_CLOSE;
    } else if (strcmp(what, "toggle") == 0) {
        action->kind = SIM_TOGGLE;
        action->value = (uint32_t)strtoul(number != NULL ? number : "0", NULL, 10);
    } else if (strcmp(what, "options") == 0) {
        action->kind = SIM_SET_OPTIONS;
        action->value = (uint32_t)strtoul(number != NULL ? number : "0", NULL, 10) |
                        (uint32_t)policy_of(policy != NULL ? policy : "") << SIM_POLICY_SHIFT;
    } else if (strcmp(what, "gather") != 0) {
        wrong(c, "action", what);
    }
}

static void read_part(world_case *c, const char *key, char *value)
{
    if (strcmp(key, "on") == 0) {
        read_interface(c, value);
    } else if (strcmp(key, "server") == 0) {
        read_server(c, value);
    } else if (strcmp(key, "policy") == 0) {
        c->config.policy = policy_of(value);
    } else if (strcmp(key, "set") == 0) {
        read_settings(c, value);
    } else if (strncmp(key, "at ", 3) == 0) {
        read_action(c, key + 3, value);
    } else if (strcmp(key, "pool") == 0) {
        c->config.pool = true;
        c->config.gather_at_ms = strtoull(value, NULL, 10);
    } else if (strcmp(key, "rule") == 0) {
        floe_address_rewrite_rule *rule;
        if (floe_address_rewrite_rule_parse(value, &rule) != FLOE_OK) {
            (void)snprintf(c->wrong, sizeof c->wrong, "%s", floe_last_error());
        } else {
            c->parsed[c->rule_count] = rule;
            c->rules[c->rule_count++] = *rule;
        }
    } else if (strcmp(key, "nat") == 0) {
        c->nats[c->nat_count++] = value;
    } else if (strcmp(key, "nattype") == 0) {
        c->config.settings.nat_1to1_candidate_type =
            strcmp(value, "srflx") == 0   ? FLOE_CANDIDATE_TYPE_SRFLX
            : strcmp(value, "relay") == 0 ? FLOE_CANDIDATE_TYPE_RELAY
                                          : FLOE_CANDIDATE_TYPE_HOST;
    } else if (strcmp(key, "fails") == 0) {
        read_failures(c, value);
    } else if (strcmp(key, "show") == 0) {
        c->events = strcmp(value, "events") == 0;
        c->errors = strcmp(value, "errors") == 0;
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

/* "701 stun:192.0.2.1:3478 from 10.0.0.2, url failed: …". */
static void write_errors(const sim_seen *seen, char *result, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < seen->error_count && used < size; i++) {
        const sim_seen_error *error = &seen->errors[i];
        const char *url = *error->url != '\0' ? error->url : "no server";
        used += (size_t)snprintf(&result[used], size - used, "%s%u %s from %s%s: %s",
                                 used > 0 ? " | " : "", error->code, url,
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
        (void)snprintf(result, size, "error %s", c.wrong);
    } else if (!refused(&c.config.settings, result, size)) {
        if (!sim_run(&c.config, NULL, &report)) {
            (void)snprintf(result, size, "VIOLATED %s", report.violation);
        } else if (c.errors) {
            write_errors(&report.gatherers[0], result, size);
        } else if (c.events) {
            (void)snprintf(result, size, "%s", report.gatherers[0].log);
        } else {
            write_candidates(&c, &report.gatherers[0], result, size);
        }
    }
    for (size_t i = 0; i < c.rule_count; i++) {
        floe_address_rewrite_rule_free(c.parsed[i]);
    }
}

/* From a world that fails to a small one that fails by the same rule: whatever can be left out, or
 * made ordinary, is. */
#include "shrink.h"

#include <string.h>

/* "model: 3 relays of turn:192.0.2.1, not 0 to 2": what the complaint is, without of whom and how
 * many. */
static void rule_of(const char *violation, char *rule, size_t size)
{
    const char *end = strstr(violation, " of ");
    size_t used = 0;

    for (; *violation != '\0' && violation != end && used + 1 < size; violation++) {
        if (*violation < '0' || *violation > '9') {
            rule[used++] = *violation;
        }
    }
    rule[used] = '\0';
}

bool sim_same_rule(const char *a, const char *b)
{
    char rules[2][128];

    rule_of(a, rules[0], sizeof rules[0]);
    rule_of(b, rules[1], sizeof rules[1]);
    return strcmp(rules[0], rules[1]) == 0;
}

static void drop_server(sim_config *config, size_t n)
{
    memmove(&config->servers[n], &config->servers[n + 1],
            (config->server_count - n - 1) * sizeof *config->servers);
    config->server_count--;
    for (size_t i = 0; i < config->server_count; i++) {
        unsigned to = config->servers[i].redirect;
        config->servers[i].redirect = to == n + 1 ? 0 : to > n + 1 ? to - 1 : to;
    }
}

static void drop_interface(sim_config *config, size_t n)
{
    memmove(&config->interfaces[n], &config->interfaces[n + 1],
            (config->interface_count - n - 1) * sizeof *config->interfaces);
    config->interface_count--;
}

static void drop_action(sim_config *config, size_t n)
{
    memmove(&config->actions[n], &config->actions[n + 1],
            (config->action_count - n - 1) * sizeof *config->actions);
    config->action_count--;
}

static void make_ordinary(sim_config *config, unsigned what)
{
    const floe_settings settings = FLOE_SETTINGS_INIT;

    switch (what) {
    case 0:
        config->gatherers = 1;
        break;
    case 1:
        config->loss = 0;
        break;
    case 2:
        config->duplication = 0;
        break;
    case 3:
        config->jitter_ms = 0;
        break;
    case 4:
        config->packets = 0;
        break;
    case 5:
        config->remap_at_ms = 0;
        break;
    case 6:
        config->close_at_ms = 0;
        break;
    case 7:
        config->pool = false;
        config->gather_at_ms = 0;
        break;
    case 8:
        config->policy = FLOE_GATHER_POLICY_ALL;
        config->types = config->transports = 0;
        break;
    case 9:
        config->run_ms = config->run_ms > 60000 ? 60000 : 7000;
        break;
    default:
        config->settings = settings;
        break;
    }
}

#define ORDINARY 11

static void make_server_ordinary(sim_server *server, unsigned what)
{
    switch (what) {
    case 0:
        server->temper = SIM_GOOD;
        break;
    case 1:
        server->nonce = SIM_NONCE_FOR_ALL;
        break;
    case 2:
        server->by_name = server->no_port = false;
        *server->first_ip = *server->other_ip = '\0';
        break;
    case 3:
        *server->first_ip = '\0';
        break;
    case 4:
        *server->other_ip = '\0';
        break;
    case 5:
        sim_server_transport(server, FLOE_PROTOCOL_UDP);
        break;
    case 6:
        server->families = FLOE_TURN_IPV4;
        break;
    case 7:
        server->sha256 = server->anonymous = server->old_tls = false;
        break;
    case 8:
        server->tcp = server->mobile = false;
        break;
    default:
        server->certificate = TLS_RIGHT;
        server->round_trip_ms = 20;
        server->lifetime = 600;
        break;
    }
}

#define ORDINARY_SERVER 10

static void make_interface_ordinary(sim_interface *interface, unsigned what)
{
    switch (what) {
    case 0:
        interface->path = SIM_PATH_GOOD;
        break;
    case 1:
        interface->mapping = interface->filtering = SIM_NAT_ENDPOINT_INDEPENDENT;
        break;
    case 2:
        interface->open_failures = 0;
        break;
    default:
        interface->temporary = interface->deprecated = interface->tentative = false;
        break;
    }
}

#define ORDINARY_INTERFACE 4

/* The n-th thing that can be made simpler; false: there are no more. */
static bool simplify(sim_config *config, size_t n)
{
    if (n < config->server_count) {
        drop_server(config, n);
        return true;
    }
    n -= config->server_count;
    if (n < config->interface_count) {
        drop_interface(config, n);
        return true;
    }
    n -= config->interface_count;
    if (n < config->action_count) {
        drop_action(config, n);
        return true;
    }
    n -= config->action_count;
    if (n < ORDINARY) {
        make_ordinary(config, (unsigned)n);
        return true;
    }
    n -= ORDINARY;
    if (n < ORDINARY_SERVER * config->server_count) {
        make_server_ordinary(&config->servers[n / ORDINARY_SERVER],
                             (unsigned)(n % ORDINARY_SERVER));
        return true;
    }
    n -= ORDINARY_SERVER * config->server_count;
    if (n < ORDINARY_INTERFACE * config->interface_count) {
        make_interface_ordinary(&config->interfaces[n / ORDINARY_INTERFACE],
                                (unsigned)(n % ORDINARY_INTERFACE));
        return true;
    }
    return false;
}

void sim_shrink(sim_config *config, sim_report *report)
{
    char violation[sizeof report->violation];

    memcpy(violation, report->violation, sizeof violation);
    for (bool smaller = true; smaller;) {
        sim_config tried = *config;
        smaller = false;
        for (size_t n = 0; simplify(&tried, n); n++) {
            bool differs = memcmp(&tried, config, sizeof tried) != 0;
            if (differs && !sim_check(&tried, report) &&
                sim_same_rule(report->violation, violation)) {
                *config = tried;
                smaller = true;
                n--; /* what was behind it is now here */
            } else {
                tried = *config;
            }
        }
    }
    (void)sim_check(config, report);
}

void sim_print(const sim_config *config, FILE *to)
{
    static const char *const tempers[SIM_TEMPER_COUNT] = {
        "good",        "silent",         "port closed",       "name unknown",
        "name silent", "wrong password", "garbage",           "forged first",
        "error code",  "no addresses",   "unknown attribute", "loopback addresses",
        "mismatch",    "full after two", "forgets",           "redirects",
        "bid down",    "hangs",          "hangs up",          "ends in message"};
    static const char *const actions[] = {"gather",     "restart", "set options", "toggle",
                                          "name taken", "send",    "close"};

    for (size_t i = 0; i < config->interface_count; i++) {
        const sim_interface *one = &config->interfaces[i];
        (void)fprintf(to, "  interface %s %s, adapter %d%s%s%s%s, path %d, NAT %d/%d", one->name,
                      one->ip, (int)one->adapter, one->up ? "" : ", down",
                      one->temporary ? ", temporary" : "", one->deprecated ? ", deprecated" : "",
                      one->tentative ? ", tentative" : "", (int)one->path, (int)one->mapping,
                      (int)one->filtering);
        (void)fprintf(to, one->open_failures > 0 ? ", %u opens fail by %d\n" : "\n",
                      one->open_failures, (int)one->open_error);
    }
    for (size_t i = 0; i < config->server_count; i++) {
        const sim_server *one = &config->servers[i];
        char url[128];
        sim_server_url(config, i, url, sizeof url);
        (void)fprintf(to,
                      "  server %s at %s, before it \"%s\", beside it \"%s\": %s (%u), nonce %d, "
                      "%u ms, lifetime %u, families %u, redirect %u, certificate %d%s%s%s%s\n",
                      url, one->ip, one->first_ip, one->other_ip, tempers[one->temper],
                      (unsigned)one->code, (int)one->nonce, one->round_trip_ms, one->lifetime,
                      one->families, one->redirect, (int)one->certificate,
                      one->sha256 ? ", SHA-256" : "", one->anonymous ? ", USERHASH" : "",
                      one->tcp ? ", TCP" : "", one->mobile ? ", mobile" : "");
    }
    for (size_t i = 0; i < config->action_count; i++) {
        const sim_action *one = &config->actions[i];
        (void)fprintf(to, "  %s %u at %u ms, step %zu\n", actions[one->kind], one->value,
                      (unsigned)one->at_ms, one->at_step);
    }
    (void)fprintf(to,
                  "  policy %d, types %u, transports %u, %zu gatherers, %u ms each, closed at %u; "
                  "loss %u, duplication %u, "
                  "jitter %u ms, remapped at %u; pool %d until %u; %u packets\n",
                  (int)config->policy, config->types, config->transports, config->gatherers,
                  (unsigned)config->run_ms, (unsigned)config->close_at_ms, config->loss,
                  config->duplication, config->jitter_ms, (unsigned)config->remap_at_ms,
                  (int)config->pool, (unsigned)config->gather_at_ms, config->packets);
    (void)fprintf(to,
                  "  settings: timeout %u, grace %u, pacing %u, ports %u-%u, types %u, mDNS %d, "
                  "addresses %u, SRV %d, mobility %d\n",
                  config->settings.gather_timeout_ms, config->settings.straggler_grace_ms,
                  config->settings.pacing_ms, config->settings.port_min, config->settings.port_max,
                  config->settings.network_types, (int)config->settings.mdns_mode,
                  config->settings.addresses_max, (int)config->settings.service_discovery,
                  (int)config->settings.mobility);
}

void sim_shrink_changing(sim_changing *plan, sim_report *report)
{
    static sim_changing smaller;
    static sim_report found;

    for (size_t n = 0; n < sim_feature_count(); n++) {
        uint64_t only[2] = {plan->features[0], plan->features[1]};
        if ((only[n / 64] >> (n % 64) & 1) == 0) {
            continue;
        }
        only[n / 64] &= ~(1ULL << (n % 64));
        sim_changing_of_seed(plan->seed, only, &smaller);
        if (!sim_check_changing(&smaller, &found) &&
            sim_same_rule(found.violation, report->violation)) {
            *plan = smaller;
            *report = found;
        }
    }
}

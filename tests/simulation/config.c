/* Worlds: made by hand, or all of it from a seed. */
#include "sim.h"

#include <string.h>

void sim_config_simple(sim_config *config)
{
    *config = (sim_config){.seed = 1, .gatherers = 1, .run_ms = 60000};
    config->settings = (floe_settings)FLOE_SETTINGS_INIT;
    (void)sim_add_interface(config, "eth0", "10.0.1.2");
}

sim_interface *sim_add_interface(sim_config *config, const char *name, const char *ip)
{
    sim_interface *interface = &config->interfaces[config->interface_count++];

    *interface = (sim_interface){.adapter = FLOE_ADAPTER_WIRED,
                                 .up = true,
                                 .mapping = SIM_NAT_ENDPOINT_INDEPENDENT,
                                 .filtering = SIM_NAT_ADDRESS_AND_PORT_DEPENDENT};
    (void)snprintf(interface->name, sizeof interface->name, "%s", name);
    (void)snprintf(interface->ip, sizeof interface->ip, "%s", ip);
    return interface;
}

sim_action *sim_add_action(sim_config *config, sim_action_kind kind, uint64_t at_ms)
{
    sim_action *action = &config->actions[config->action_count++];

    *action = (sim_action){.kind = kind, .at_ms = at_ms};
    return action;
}

sim_server *sim_add_server(sim_config *config, bool turn, const char *ip, sim_temper temper)
{
    sim_server *server = &config->servers[config->server_count++];

    *server = (sim_server){.turn = turn,
                           .port = 3478,
                           .temper = temper,
                           .by_name = temper == SIM_NAME_UNKNOWN || temper == SIM_NAME_SILENT,
                           .nonce = SIM_NONCE_PER_CLIENT,
                           .code = 403,
                           .lifetime = 600,
                           .round_trip_ms = 50,
                           .transport = FLOE_PROTOCOL_UDP,
                           .families = strchr(ip, ':') != NULL ? FLOE_TURN_IPV6 : FLOE_TURN_IPV4};
    (void)snprintf(server->ip, sizeof server->ip, "%s", ip);
    return server;
}

void sim_server_transport(sim_server *server, floe_protocol transport)
{
    server->transport = transport;
    server->port = transport >= FLOE_PROTOCOL_TLS ? 5349 : 3478;
}

/* ── From a seed ── */

static bool one_in(seeded_random *random, uint32_t n)
{
    return seeded_below(random, n) == 0;
}

static void random_interface(seeded_random *random, sim_config *config, size_t n)
{
    static const char *const strange[] = {
        "127.0.0.1", "::1", "fe80::1", "fec0::1", "169.254.3.3", "::ffff:10.0.0.1", "fd00::5"};
    char ip[48];
    char name[16];

    if (one_in(random, 6)) {
        (void)snprintf(ip, sizeof ip, "%s",
                       strange[seeded_below(random, sizeof strange / sizeof *strange)]);
    } else if (one_in(random, 3)) {
        (void)snprintf(ip, sizeof ip, "2a00:%zu::%x", n + 1, 1 + seeded_below(random, 9));
    } else {
        (void)snprintf(ip, sizeof ip, "10.0.%zu.2", n + 1);
    }
    (void)snprintf(name, sizeof name, "if%u", seeded_below(random, 4));
    sim_interface *interface = sim_add_interface(config, name, ip);
    interface->adapter = (floe_adapter)seeded_below(random, 5);
    interface->up = !one_in(random, 10);
    interface->temporary = one_in(random, 5);
    interface->deprecated = one_in(random, 12);
    interface->tentative = one_in(random, 12);
    interface->mapping = (sim_nat)seeded_below(random, 4);
    interface->filtering = (sim_nat)seeded_below(random, 4);
    interface->path = one_in(random, 8)    ? SIM_PATH_SWALLOWS
                      : one_in(random, 10) ? SIM_PATH_NO_ROUTE
                                           : SIM_PATH_GOOD;
    if (one_in(random, 12)) {
        static const floe_error errors[] = {
            FLOE_ERR_ADDRESS_IN_USE, FLOE_ERR_NO_DESCRIPTORS, FLOE_ERR_ADDRESS_NOT_AVAILABLE,
            FLOE_ERR_PERMISSION,     FLOE_ERR_NO_MEMORY,      FLOE_ERR_SYSTEM};
        interface->open_failures = 1 + seeded_below(random, 3);
        interface->open_error = errors[seeded_below(random, 6)];
    }
}

static void random_server(seeded_random *random, sim_config *config, size_t n)
{
    static const uint16_t codes[] = {300, 400, 401, 403, 420, 437, 438,
                                     441, 442, 486, 500, 508, 599, 699};
    char ip[48];
    sim_temper temper =
        one_in(random, 2) ? SIM_GOOD : (sim_temper)seeded_below(random, SIM_TEMPER_COUNT);

    (void)snprintf(ip, sizeof ip, one_in(random, 3) ? "2a00:ffff::%zu" : "203.0.113.%zu", n + 1);
    sim_server *server = sim_add_server(config, one_in(random, 2), ip, temper);
    server->by_name = server->by_name || one_in(random, 4);
    server->no_port = one_in(random, 2);
    if (one_in(random, 3)) {
        (void)snprintf(server->first_ip, sizeof server->first_ip,
                       strchr(ip, ':') != NULL ? "2a00:ffff::10%zu" : "203.0.113.10%zu", n);
        server->first_closed = one_in(random, 2);
    }
    if (server->by_name && one_in(random, 2)) {
        (void)snprintf(server->other_ip, sizeof server->other_ip,
                       strchr(ip, ':') != NULL ? "203.0.113.%zu" : "2a00:ffff::%zu", n + 1);
    }
    if (server->turn && one_in(random, 2)) {
        sim_server_transport(server, (floe_protocol)(1 + seeded_below(random, 4)));
    }
    if (one_in(random, 3)) {
        server->families = 1 + seeded_below(random, 3);
    }
    server->sha256 = one_in(random, 4);
    server->anonymous = one_in(random, 6);
    server->old_tls = one_in(random, 3);
    server->mobile = one_in(random, 2);
    server->tcp = one_in(random, 2);
    server->certificate =
        one_in(random, 6) ? (tls_certificate)seeded_below(random, TLS_LONG_CHAIN) : TLS_RIGHT;
    server->nonce = (sim_nonce)seeded_below(random, SIM_NONCE_COUNT);
    server->code = codes[seeded_below(random, sizeof codes / sizeof *codes)];
    if (temper == SIM_HANGS) {
        server->code = (uint16_t)seeded_below(random, 6);
    }
    server->lifetime = one_in(random, 2) ? 600 : 20 + seeded_below(random, 600);
    server->round_trip_ms =
        one_in(random, 8) ? seeded_below(random, 3000) : seeded_below(random, 100);
}

bool sim_is_redirected_to(const sim_config *config, size_t n)
{
    for (size_t i = 0; i < config->server_count; i++) {
        if (config->servers[i].temper == SIM_REDIRECTS && config->servers[i].redirect == n + 1) {
            return true;
        }
    }
    return false;
}

static bool has_type(uint32_t types, floe_gather_type type)
{
    return types == 0 || (types & type) != 0;
}

bool sim_wants(const sim_config *config, floe_candidate_type type)
{
    return has_type(config->types, type == FLOE_CANDIDATE_TYPE_HOST    ? FLOE_GATHER_TYPE_HOST
                                   : type == FLOE_CANDIDATE_TYPE_SRFLX ? FLOE_GATHER_TYPE_SRFLX
                                                                       : FLOE_GATHER_TYPE_RELAY);
}

sim_role sim_role_by(const sim_config *config, size_t n, uint32_t types, uint32_t transports)
{
    char url[128];
    bool reflexive = has_type(types, FLOE_GATHER_TYPE_SRFLX);

    sim_server_url(config, n, url, sizeof url);
    if (!config->servers[n].turn) {
        return reflexive ? SIM_FOR_REFLEXIVE : SIM_LEFT_OUT;
    }
    bool secure = strncmp(url, "turns", 5) == 0;
    const char *query = strchr(url, '?');
    bool connected = query != NULL ? strcmp(query, "?transport=tcp") == 0 : secure;
    uint32_t bit = connected && secure ? FLOE_RELAY_TRANSPORT_TLS
                   : connected         ? FLOE_RELAY_TRANSPORT_TCP
                   : secure            ? FLOE_RELAY_TRANSPORT_DTLS
                                       : FLOE_RELAY_TRANSPORT_UDP;
    if (transports != 0 && (transports & bit) == 0) {
        return SIM_LEFT_OUT;
    }
    if (has_type(types, FLOE_GATHER_TYPE_RELAY)) {
        return SIM_FOR_RELAY;
    }
    return reflexive && bit == FLOE_RELAY_TRANSPORT_UDP ? SIM_FOR_REFLEXIVE : SIM_LEFT_OUT;
}

sim_role sim_role_of(const sim_config *config, size_t n)
{
    return sim_role_by(config, n, config->types, config->transports);
}

/* Redirects lead to one of the same transport, itself perhaps; or to 127.0.0.1. */
static void random_redirects(seeded_random *random, sim_config *config)
{
    for (size_t i = 0; i < config->server_count; i++) {
        size_t to = seeded_below(random, (uint32_t)config->server_count);
        if (config->servers[i].temper == SIM_REDIRECTS && config->servers[to].turn &&
            config->servers[to].transport == config->servers[i].transport) {
            config->servers[i].redirect = (unsigned)to + 1;
        }
    }
}

static void random_actions(seeded_random *random, sim_config *config)
{
    size_t count = 1 + seeded_below(random, SIM_ACTIONS_MAX);

    for (size_t i = 0; i < count; i++) {
        sim_action_kind kind = (sim_action_kind)seeded_below(random, SIM_CLOSE);
        sim_action *action = sim_add_action(config, kind, seeded_below(random, 7000));
        action->value = (uint32_t)seeded_next(random);
        if (kind == SIM_SET_OPTIONS) {
            action->value &= ~(3U << SIM_POLICY_SHIFT);
            action->value |= seeded_below(random, 3) << SIM_POLICY_SHIFT;
        }
        if (one_in(random, 3)) {
            action->at_step = 1 + seeded_below(random, 60);
        }
    }
}

/* A world in which little is left to chance, so that the model (model.h) has much to say. */
static void calm(sim_config *config)
{
    config->action_count = 0;
    config->loss = 0;
    config->close_at_ms = config->remap_at_ms = 0;
    config->pool = false;
    config->gather_at_ms = 0;
    config->settings.service_discovery = false;
    config->settings.gather_timeout_ms = config->settings.straggler_grace_ms = 30000;
    config->run_ms = config->run_ms < 60000 ? 60000 : config->run_ms;
}

static void random_config(seeded_random *random, uint64_t seed, sim_config *config)
{
    static const uint64_t lives[] = {7000, 7000, 60000, 1300000};

    *config = (sim_config){.seed = seed, .gatherers = 1 + seeded_below(random, 2)};
    config->settings = (floe_settings)FLOE_SETTINGS_INIT;
    config->policy =
        one_in(random, 2) ? FLOE_GATHER_POLICY_ALL : (floe_gather_policy)seeded_below(random, 3);
    size_t interfaces = seeded_below(random, 9);
    size_t servers = seeded_below(random, 9);
    for (size_t i = 0; i < interfaces; i++) {
        random_interface(random, config, i);
    }
    for (size_t i = 0; i < servers; i++) {
        random_server(random, config, i);
    }
    random_redirects(random, config);
    if (one_in(random, 3)) {
        config->settings.gather_timeout_ms = 1 + seeded_below(random, 6000);
    }
    if (one_in(random, 3)) {
        config->settings.straggler_grace_ms = 1 + seeded_below(random, 2000);
    }
    if (one_in(random, 4)) {
        config->settings.pacing_ms = 5 + seeded_below(random, 50);
    }
    if (one_in(random, 4)) {
        config->settings.port_min = 5000;
        config->settings.port_max = (uint16_t)(5000 + seeded_below(random, 3));
    }
    if (one_in(random, 3)) {
        config->loss = seeded_below(random, 300);
    }
    if (one_in(random, 3)) {
        config->duplication = seeded_below(random, 300);
    }
    if (one_in(random, 3)) {
        config->jitter_ms = seeded_below(random, 100);
    }
    config->run_ms = lives[seeded_below(random, 4)];
    if (one_in(random, 4)) {
        config->close_at_ms = 1 + seeded_below(random, 2000);
    }
    if (one_in(random, 2)) {
        random_actions(random, config);
    }
    config->settings.mobility = one_in(random, 4);
    if (one_in(random, 5)) {
        config->settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_UDP6 |
                                         FLOE_NETWORK_TYPE_TCP4 | FLOE_NETWORK_TYPE_TCP6;
        config->settings.tcp_simultaneous_open = config->seed % 3 == 0;
        config->settings.tcp_reflexive = config->seed % 2 == 0;
    }
    config->settings.service_discovery = one_in(random, 4);
    if (one_in(random, 6)) {
        config->settings.mdns_mode = FLOE_MDNS_MODE_QUERY_AND_GATHER;
    }
    if (one_in(random, 12)) {
        config->settings.addresses_max = 1 + seeded_below(random, 2);
    }
    if (one_in(random, 8)) {
        config->pool = true;
        config->gather_at_ms = seeded_below(random, 3000);
    }
    if (one_in(random, 3)) {
        config->packets = 1 + seeded_below(random, 20);
        config->packets_ms = 1 + seeded_below(random, 100);
    }
    if (one_in(random, 6)) {
        config->remap_at_ms = 1 + seeded_below(random, (uint32_t)config->run_ms);
    }
    if (one_in(random, 3)) {
        calm(config);
    }
    if (one_in(random, 6)) {
        config->types = 1 + seeded_below(random, 7);
    }
    if (one_in(random, 6)) {
        config->transports = 1 + seeded_below(random, 15);
    }
}

void sim_config_of_seed(uint64_t seed, sim_config *config)
{
    seeded_random random;

    seeded_init(&random, seed * 2654435761U + 17);
    random_config(&random, seed, config);
}

void sim_config_of_bytes(const uint8_t *data, size_t size, sim_config *config)
{
    seeded_random random;

    seeded_init(&random, 0);
    random.script = data != NULL ? data : (const uint8_t *)"";
    random.script_left = data != NULL ? size : 0;
    uint64_t seed = seeded_next(&random);
    random_config(&random, seed, config);
}

/* Which worlds that change there are. A seed has some few of many features, so that each is met
 * with each other often, and without the noise of all the rest; whether one is on changes nothing
 * in the others, so a failing world is made small by leaving features out.
 *
 * All settings, all options and all functions that act on a core are drawn or called by some world,
 * but these:
 *
 *     settings.loop, .interface_filter, .ip_filter, .filter_user_data   the runtime's: the core does
 *         not look at them (tests/runtime)
 *     settings.allocator                   the world's own, which counts; memory that runs out is the
 *         other worlds' (sim.h), where it fails at each allocation in turn
 *     settings.nat_1to1_ips together with rules   is refused (tests/unit/test_core_options)
 *     candidate_pool_size above 1          means the same as 1
 *     size of a struct other than today's  tests/unit/test_core_options
 *     more than one component beside the first   there is no such thing
 *     floe_core_shared_promise_trust, _wants_trust, _read_trust   of the system's authorities, which
 *         a world must not depend on (tests/unit/test_secure, tests/runtime); floe_core_trust_read is
 *         called at any moment, when nothing waits for it
 *     floe_core_shared_dropped             what is dropped is nobody's: tests/simulation/test_rules
 *     floe_gatherer_…                      the same calls behind a loop and a lock (tests/runtime)
 */
#include "change.h"

#include <inttypes.h>
#include <string.h>

typedef void (*feature_maker)(seeded_random *random, sim_changing *plan);

static bool one_in(seeded_random *random, uint32_t n)
{
    return seeded_below(random, n) == 0;
}

/* Between the two, each order of magnitude as often. */
static uint64_t about(seeded_random *random, uint64_t least, uint64_t most)
{
    uint64_t top = least;

    for (uint32_t n = seeded_below(random, 12); n > 0 && top * 2 <= most; n--) {
        top *= 2;
    }
    return top + seeded_below(random, (uint32_t)(top > 1 ? top : 1)) % (most - top + 1);
}

/* ── Servers ── */

static unsigned any_server(seeded_random *random, const sim_changing *plan)
{
    return seeded_below(random, (uint32_t)plan->network.server_count);
}

/* One of those; the first TURN server, if the world has one, was made by hand. */
static unsigned turn_server(seeded_random *random, const sim_changing *plan)
{
    unsigned first = any_server(random, plan);

    for (unsigned i = 0; i < plan->network.server_count; i++) {
        unsigned n = (first + i) % (unsigned)plan->network.server_count;
        if (plan->network.servers[n].turn) {
            return n;
        }
    }
    return first;
}

static sim_server *add_server(sim_changing *plan, bool turn, bool six)
{
    char ip[48];

    if (plan->network.server_count == SIM_SERVERS_MAX) {
        return &plan->network.servers[SIM_SERVERS_MAX - 1];
    }
    (void)snprintf(ip, sizeof ip, six ? "2a00:ffff::%zx" : "203.0.113.%zu",
                   plan->network.server_count + 10);
    sim_server *server = sim_add_server(&plan->network, turn, ip, SIM_GOOD);
    server->round_trip_ms = 30;
    return server;
}

static void second_stun(seeded_random *random, sim_changing *plan)
{
    (void)random;
    (void)add_server(plan, false, false);
}

static void second_turn(seeded_random *random, sim_changing *plan)
{
    (void)random;
    (void)add_server(plan, true, false);
}

static void turn_by_tcp(seeded_random *random, sim_changing *plan)
{
    (void)random;
    sim_server_transport(add_server(plan, true, false), FLOE_PROTOCOL_TCP);
}

static void turn_by_tls(seeded_random *random, sim_changing *plan)
{
    sim_server *server = add_server(plan, true, false);

    sim_server_transport(server, one_in(random, 2) ? FLOE_PROTOCOL_TLS : FLOE_PROTOCOL_DTLS);
    server->by_name = true;
}

/* RFC 7635: which take access tokens alone. */
static void access_tokens(seeded_random *random, sim_changing *plan)
{
    plan->network.servers[turn_server(random, plan)].oauth = true;
    for (size_t n = 0; one_in(random, 3) && n < plan->network.server_count; n++) {
        plan->network.servers[n].oauth = true;
    }
}

/* Servers that ask for ours: TLS that goes both ways (RFC 8446 §4.3.2). */
static void client_certificate(seeded_random *random, sim_changing *plan)
{
    turn_by_tls(random, plan);
    for (size_t n = 0; n < plan->network.server_count; n++) {
        plan->network.servers[n].wants_certificate =
            plan->network.servers[n].transport >= FLOE_PROTOCOL_TLS;
    }
    plan->client_certificate = !one_in(random, 3);
}

static void proxy(seeded_random *random, sim_changing *plan)
{
    static const sim_proxy_temper tempers[] = {SIM_PROXY_SILENT, SIM_PROXY_CLOSED,
                                               SIM_PROXY_FORBIDS, SIM_PROXY_DENIES,
                                               SIM_PROXY_HANGS_UP};

    turn_by_tcp(random, plan);
    plan->network.proxy = (sim_proxy){.kind = 1 + seeded_below(random, 2)};
    plan->network.proxy.by_name = one_in(random, 3);
    plan->network.proxy.password = one_in(random, 2);
    if (one_in(random, 6)) {
        plan->network.proxy.temper = tempers[seeded_below(random, 5)];
    }
}

/* RFC 8828 §5.2, mode 4; now and then without any. */
static void proxy_only(seeded_random *random, sim_changing *plan)
{
    if (!one_in(random, 8)) {
        proxy(random, plan);
    }
    plan->network.settings.ip_handling = FLOE_IP_HANDLING_PROXY_ONLY;
}

/* URLs without a port, which services may lead from (RFC 8489 §8.1, RFC 5928). */
static void services(seeded_random *random, sim_changing *plan)
{
    plan->network.settings.service_discovery = true;
    for (size_t n = 0; n < plan->network.server_count; n++) {
        sim_server *server = &plan->network.servers[n];
        server->no_port = !one_in(random, 3);
        server->by_name = server->by_name || server->no_port;
    }
}

/* RFC 8489 §6.2.3: whom to trust otherwise. */
static void other_trust(seeded_random *random, sim_changing *plan)
{
    turn_by_tls(random, plan);
    plan->pinned = one_in(random, 2);
    plan->network.settings.tls_insecure = !plan->pinned;
    for (size_t n = 0; n < plan->network.server_count; n++) {
        static const tls_certificate kinds[] = {TLS_RIGHT, TLS_SELF_SIGNED, TLS_WRONG_NAME,
                                                TLS_EXPIRED};
        plan->network.servers[n].certificate = kinds[seeded_below(random, 4)];
    }
}

static void server_of_six(seeded_random *random, sim_changing *plan)
{
    (void)add_server(plan, one_in(random, 2), true);
}

static void server_by_name(seeded_random *random, sim_changing *plan)
{
    sim_server *server = &plan->network.servers[any_server(random, plan)];

    server->by_name = true;
    if (one_in(random, 2)) {
        (void)snprintf(server->other_ip, sizeof server->other_ip,
                       strchr(server->ip, ':') != NULL ? "203.0.113.%u" : "2a00:ffff::%u",
                       200 + any_server(random, plan));
    }
}

static void server_is_both(seeded_random *random, sim_changing *plan)
{
    unsigned n = turn_server(random, plan);

    if (plan->network.servers[n].turn && plan->network.servers[n].transport == FLOE_PROTOCOL_UDP) {
        plan->also_stun |= 1U << n;
    }
}

static void server_twice(seeded_random *random, sim_changing *plan)
{
    plan->twice |= 1U << any_server(random, plan);
}

static void server_by_two_names(seeded_random *random, sim_changing *plan)
{
    unsigned n = any_server(random, plan);

    if (plan->network.servers[n].transport < FLOE_PROTOCOL_TLS) { /* a certificate has one */
        plan->two_names |= 1U << n;
    }
}

/* As clouds do it: one name, and more than one machine behind it. */
static void name_of_two_servers(seeded_random *random, sim_changing *plan)
{
    sim_server *other = add_server(plan, true, false);
    sim_server *server = &plan->network.servers[1];

    if (other != server) {
        server->by_name = true;
        server->twin = (unsigned)(other - plan->network.servers) + 1;
    }
    other->temper = one_in(random, 6) ? SIM_SILENT : SIM_GOOD;
}

/* RFC 5928 §3: by what the domain says of itself. */
static void naptr(seeded_random *random, sim_changing *plan)
{
    services(random, plan);
    for (size_t n = 0; n < plan->network.server_count; n++) {
        plan->network.servers[n].naptr = plan->network.servers[n].turn;
        plan->network.servers[n].no_port = plan->network.servers[n].by_name = true;
    }
}

static void of_a_make(seeded_random *random, sim_changing *plan)
{
    static const sim_make turn[] = {
        SIM_COTURN, SIM_COTURN_ONE_ADDRESS, SIM_COTURN_508, SIM_COTURN_V4_ON_V6,
        SIM_PION,   SIM_NODE_TURN,          SIM_P1_STUN};
    sim_server *server = &plan->network.servers[turn_server(random, plan)];

    server->make = turn[seeded_below(random, sizeof turn / sizeof *turn)];
    if (server->make == SIM_P1_STUN || server->make == SIM_COTURN_V4_ON_V6) {
        server->families = FLOE_TURN_IPV4 | FLOE_TURN_IPV6;
    }
}

static void coturn(seeded_random *random, sim_changing *plan)
{
    plan->network.servers[turn_server(random, plan)].make = SIM_COTURN;
}

static void stund(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->network.servers[0].make = SIM_STUND;
}

static void no_stun(seeded_random *random, sim_changing *plan)
{
    plan->network.servers[turn_server(random, plan)].drops = 1U << FLOE_STUN_BINDING;
}

static void refuses_binding(seeded_random *random, sim_changing *plan)
{
    sim_server *server = &plan->network.servers[turn_server(random, plan)];

    server->fails = 1U << FLOE_STUN_BINDING;
    server->code = 403;
}

static void relays_both(seeded_random *random, sim_changing *plan)
{
    plan->network.servers[turn_server(random, plan)].families = FLOE_TURN_IPV4 | FLOE_TURN_IPV6;
}

static void nonces(seeded_random *random, sim_changing *plan)
{
    sim_server *server = &plan->network.servers[turn_server(random, plan)];

    server->nonce = one_in(random, 3) ? SIM_NONCE_ONE_USE : SIM_NONCE_FOR_ALL;
}

static void sha256(seeded_random *random, sim_changing *plan)
{
    plan->network.servers[turn_server(random, plan)].sha256 = true;
}

static void short_lifetime(seeded_random *random, sim_changing *plan)
{
    sim_server *server = &plan->network.servers[turn_server(random, plan)];

    server->lifetime = (uint32_t)about(random, 30, 600);
}

static void slow_server(seeded_random *random, sim_changing *plan)
{
    sim_server *server = &plan->network.servers[any_server(random, plan)];

    server->round_trip_ms = (unsigned)about(random, 100, 900);
}

static void mismatch(seeded_random *random, sim_changing *plan)
{
    plan->network.servers[turn_server(random, plan)].temper = SIM_MISMATCH;
}

static void bad_server(seeded_random *random, sim_changing *plan)
{
    static const sim_temper tempers[] = {SIM_SILENT,       SIM_PORT_CLOSED, SIM_WRONG_PASSWORD,
                                         SIM_NAME_UNKNOWN, SIM_NAME_SILENT, SIM_NO_ADDRESSES};
    sim_server *server = add_server(plan, one_in(random, 2), false);

    server->temper = tempers[seeded_below(random, 6)];
    server->by_name = server->temper == SIM_NAME_UNKNOWN || server->temper == SIM_NAME_SILENT;
}

static void always_mismatch(seeded_random *random, sim_changing *plan)
{
    sim_server *server = add_server(plan, true, false);

    (void)random;
    server->fails = 1U << FLOE_STUN_ALLOCATE;
    server->code = 437;
}

/* ── Interfaces ── */

static unsigned any_interface(seeded_random *random, const sim_changing *plan)
{
    return seeded_below(random, (uint32_t)plan->network.interface_count);
}

static void second_interface(seeded_random *random, sim_changing *plan)
{
    sim_interface *interface = sim_add_interface(&plan->network, "wlan0", "10.0.2.2");

    interface->adapter = FLOE_ADAPTER_WIRELESS;
    interface->path = one_in(random, 5) ? SIM_PATH_SWALLOWS : SIM_PATH_GOOD;
}

static void interface_of_six(seeded_random *random, sim_changing *plan)
{
    sim_interface *interface = sim_add_interface(&plan->network, "eth0", "2a00:1::2");

    interface->mapping = one_in(random, 4) ? SIM_NAT_ENDPOINT_INDEPENDENT : SIM_NAT_NONE;
}

static void no_nat(seeded_random *random, sim_changing *plan)
{
    plan->network.interfaces[any_interface(random, plan)].mapping = SIM_NAT_NONE;
}

static void symmetric_nat(seeded_random *random, sim_changing *plan)
{
    sim_interface *interface = &plan->network.interfaces[any_interface(random, plan)];

    interface->mapping =
        one_in(random, 3) ? SIM_NAT_ADDRESS_DEPENDENT : SIM_NAT_ADDRESS_AND_PORT_DEPENDENT;
}

/* REQ-5 of RFC 4787 asks for two minutes; they are seen with 30 s. */
static void nat_expires(seeded_random *random, sim_changing *plan)
{
    sim_interface *interface = &plan->network.interfaces[any_interface(random, plan)];

    interface->nat_lifetime_ms = 1000 * (uint32_t)about(random, 30, 300);
}

/* ── Settings and options ── */

static void short_keepalive(seeded_random *random, sim_changing *plan)
{
    plan->network.settings.keepalive_ms = (uint32_t)about(random, 1000, 30000);
}

static void policy_nohost(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->network.policy = FLOE_GATHER_POLICY_NOHOST;
}

static void policy_relay(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->network.policy = FLOE_GATHER_POLICY_RELAY;
}

/* P8; `least` is among them. */
static uint32_t some_types(seeded_random *random, uint32_t least)
{
    uint32_t types = (least | seeded_below(random, 8)) & 7U;

    return types == 7 ? 0 : types;
}

static void types_left_out(seeded_random *random, sim_changing *plan)
{
    plan->network.types = some_types(random, 1U << seeded_below(random, 3));
    plan->network.transports = one_in(random, 2) ? 1 + seeded_below(random, 15) : 0;
}

static void mdns(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->network.settings.mdns_mode = FLOE_MDNS_MODE_QUERY_AND_GATHER;
}

static void other_names(seeded_random *random, sim_changing *plan)
{
    mdns(random, plan);
    if (one_in(random, 3)) {
        plan->network.settings.mdns_mode = FLOE_MDNS_MODE_OFF;
    }
    plan->network.settings.mdns_name = "floe-in-a-world.local";
}

static void one_family(seeded_random *random, sim_changing *plan)
{
    plan->network.settings.network_types =
        one_in(random, 2) ? FLOE_NETWORK_TYPE_UDP4 : FLOE_NETWORK_TYPE_UDP6;
}

static void tcp_relays(seeded_random *random, sim_changing *plan)
{
    sim_server *server = add_server(plan, true, false);

    sim_server_transport(server, FLOE_PROTOCOL_TCP);
    server->tcp = one_in(random, 2);
    plan->network.settings.network_types = FLOE_NETWORK_TYPE_TCP4 | FLOE_NETWORK_TYPE_TCP6;
    plan->network.settings.tcp_simultaneous_open = one_in(random, 3);
    if (!one_in(random, 4)) {
        plan->network.settings.network_types |= FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_UDP6;
    }
    plan->network.settings.tcp_reflexive = one_in(random, 2);
}

static void port_range(seeded_random *random, sim_changing *plan)
{
    plan->network.settings.port_min = 5000;
    plan->network.settings.port_max = (uint16_t)(5040 + seeded_below(random, 100));
}

static void pacing(seeded_random *random, sim_changing *plan)
{
    plan->network.settings.pacing_ms = 5 + seeded_below(random, 60);
}

static void times_to_wait(seeded_random *random, sim_changing *plan)
{
    plan->network.settings.gather_timeout_ms = (uint32_t)about(random, 2000, 20000);
    plan->network.settings.straggler_grace_ms = (uint32_t)about(random, 200, 5000);
}

static void waits_without_limit(seeded_random *random, sim_changing *plan)
{
    plan->network.settings.straggler_grace_ms = FLOE_NEVER;
    if (one_in(random, 2)) {
        plan->network.settings.gather_timeout_ms = FLOE_NEVER;
    }
}

static void ignore_trace(void *user_data, const floe_trace_event *event)
{
    (void)user_data;
    (void)event;
}

static void traced(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->network.settings.on_trace = ignore_trace;
    plan->network.settings.trace_level = FLOE_TRACE_LEVEL_PACKET;
}

static void dont_fragment(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->network.settings.dont_fragment = true;
}

static void options_of_media(seeded_random *random, sim_changing *plan)
{
    plan->even_port = one_in(random, 2);
    plan->sdp_mid = true;
}

static void two_components(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->associated = true;
    plan->owners = plan->owners < 2 ? 2 : plan->owners;
}

static void two_gatherers(seeded_random *random, sim_changing *plan)
{
    plan->owners = 2 + seeded_below(random, 2);
}

/* RFC 8656 §7.1: for who waits for the first component. */
static void pair_of_ports(seeded_random *random, sim_changing *plan)
{
    two_components(random, plan);
    plan->even_port = true;
    plan->second_ms = about(random, 100, 40000);
    for (size_t n = 0; n < plan->network.server_count; n++) {
        plan->network.servers[n].ports =
            one_in(random, 3) ? (sim_ports)seeded_below(random, SIM_PORTS_COUNT) : SIM_PORTS_KEPT;
    }
}

static void each_alone(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->each_alone = true;
}

static void small_queues(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->network.settings.send_queue_size = 4096;
}

static void rto(seeded_random *random, sim_changing *plan)
{
    plan->network.settings.rto_ms = 500 + seeded_below(random, 500);
}

static void shown_otherwise(seeded_random *random, sim_changing *plan)
{
    static const char *const ips[][1] = {{"192.0.2.77"}, {"2001:db8:9::7/10.0.1.2"}};

    plan->network.settings.nat_1to1_ips = ips[seeded_below(random, 2)];
    plan->network.settings.nat_1to1_ip_count = 1;
    plan->network.settings.nat_1to1_candidate_type =
        one_in(random, 2) ? FLOE_CANDIDATE_TYPE_HOST : FLOE_CANDIDATE_TYPE_SRFLX;
}

static void rewritten(seeded_random *random, sim_changing *plan)
{
    static const char *const says[] = {"192.0.2.78"};
    static const floe_address_rewrite_rule rules[] = {
        {.size = sizeof *rules, .external = says, .external_count = 1, .local = "10.0.1.2"},
        {.size = sizeof *rules,
         .external = says,
         .external_count = 1,
         .iface = "eth0",
         .as_candidate_type = FLOE_CANDIDATE_TYPE_SRFLX,
         .mode = FLOE_ADDRESS_REWRITE_MODE_APPEND},
        {.size = sizeof *rules,
         .external = says,
         .external_count = 1,
         .cidr = "10.0.0.0/8",
         .as_candidate_type = FLOE_CANDIDATE_TYPE_RELAY,
         .mode = FLOE_ADDRESS_REWRITE_MODE_APPEND,
         .networks = FLOE_NETWORK_TYPE_UDP4},
        {.size = sizeof *rules,
         .external = says,
         .external_count = 1,
         .as_candidate_type = FLOE_CANDIDATE_TYPE_SRFLX,
         .mode = FLOE_ADDRESS_REWRITE_MODE_REPLACE}};

    plan->network.settings.nat_1to1_ips = NULL;
    plan->network.settings.nat_1to1_ip_count = 0;
    plan->network.settings.address_rewrite_rules = &rules[seeded_below(random, 4)];
    plan->network.settings.address_rewrite_rule_count = 1;
}

/* The kernel's default routes lead out by the first interface, and by the first of IPv6. */
static void shown_by_route(seeded_random *random, sim_changing *plan)
{
    sim_config *network = &plan->network;
    bool six = false;

    network->settings.ip_handling = one_in(random, 2) ? FLOE_IP_HANDLING_DEFAULT_ROUTE_AND_LOCAL
                                                      : FLOE_IP_HANDLING_DEFAULT_ROUTE_ONLY;
    for (size_t n = 0; n < network->interface_count; n++) {
        bool of_six = strchr(network->interfaces[n].ip, ':') != NULL;
        network->interfaces[n].default_route = n == 0 || (of_six && !six);
        six = six || of_six;
    }
}

static void ice_lite(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->network.settings.ice_lite = true;
}

static void low_ports(seeded_random *random, sim_changing *plan)
{
    sim_server *server = &plan->network.servers[turn_server(random, plan)];

    plan->network.settings.refuse_low_ports = true;
    server->port = one_in(random, 2) ? 443 : 25;
}

static void loopback(seeded_random *random, sim_changing *plan)
{
    sim_interface *interface =
        sim_add_interface(&plan->network, "lo", one_in(random, 2) ? "127.0.0.1" : "::1");

    interface->loopback = true;
    interface->mapping = SIM_NAT_NONE;
    interface->path = SIM_PATH_SWALLOWS; /* no server is there */
    plan->network.settings.loopback = one_in(random, 2);
}

static void link_local(seeded_random *random, sim_changing *plan)
{
    sim_interface *interface =
        sim_add_interface(&plan->network, "eth0", one_in(random, 2) ? "fe80::2" : "169.254.3.3");

    interface->mapping = SIM_NAT_NONE;
    interface->path = SIM_PATH_SWALLOWS;
    plan->network.settings.link_local = one_in(random, 2);
}

static void few_addresses(seeded_random *random, sim_changing *plan)
{
    static const char *const ips[] = {"10.0.4.2", "10.0.5.2", "10.0.6.2"};

    for (size_t i = 0; i < 3; i++) {
        (void)sim_add_interface(&plan->network, "eth0", ips[i]);
    }
    plan->network.settings.addresses_max =
        one_in(random, 4) ? FLOE_UNLIMITED : 1 + seeded_below(random, 3);
}

static void costly(seeded_random *random, sim_changing *plan)
{
    sim_interface *interface = sim_add_interface(&plan->network, "wwan0", "10.0.7.2");

    interface->adapter = FLOE_ADAPTER_CELLULAR;
    plan->network.settings.avoid_costly_networks = one_in(random, 2);
}

static void pool(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->pool = true;
}

/* Another TURN server, which sends everybody to one that stands. */
static void redirects(seeded_random *random, sim_changing *plan)
{
    unsigned to = turn_server(random, plan);
    sim_server *server = add_server(plan, true, strchr(plan->network.servers[to].ip, ':') != NULL);

    if (server != &plan->network.servers[to]) {
        server->temper = SIM_REDIRECTS;
        server->redirect = to + 1;
        sim_server_transport(server, plan->network.servers[to].transport);
    }
}

/* ── What happens ── */

static sim_change *add_change(sim_changing *plan, sim_change_kind kind, unsigned n, uint64_t at_ms)
{
    sim_change *made = &plan->changes[plan->change_count];

    plan->change_count += plan->change_count + 1 < SIM_CHANGES_MAX;
    *made = (sim_change){.at_ms = at_ms, .kind = kind, .n = n};
    return made;
}

static uint64_t some_time(seeded_random *random, const sim_changing *plan)
{
    return about(random, 200, plan->life_ms);
}

/* From one time to another; `back`: what ends it. */
static sim_change *add_phase(seeded_random *random, sim_changing *plan, sim_change_kind kind,
                             sim_change_kind back, unsigned n)
{
    uint64_t from = some_time(random, plan);
    sim_change *begins = add_change(plan, kind, n, from);

    if (!one_in(random, 8)) {
        (void)add_change(plan, back, n, from + about(random, 100, 120000));
    }
    return begins;
}

static sim_episode *add_episode_at(sim_changing *plan, sim_episode_kind kind, unsigned owner,
                                   uint64_t at_ms)
{
    sim_episode *made = &plan->episodes[plan->episode_count];

    plan->episode_count += plan->episode_count + 1 < SIM_EPISODES_MAX;
    *made = (sim_episode){.at_ms = at_ms, .kind = kind, .owner = owner};
    return made;
}

static sim_episode *add_episode(seeded_random *random, sim_changing *plan, sim_episode_kind kind)
{
    uint64_t at_ms = some_time(random, plan);

    return add_episode_at(plan, kind, seeded_below(random, plan->owners), at_ms);
}

static void server_restarts_once(seeded_random *random, sim_changing *plan)
{
    unsigned n = turn_server(random, plan);

    for (uint32_t i = 1 + seeded_below(random, 2); i > 0; i--) {
        (void)add_change(plan, SIM_SERVER_RESTARTS, n, some_time(random, plan));
    }
}

/* By another configuration. */
static void server_changes_realm(seeded_random *random, sim_changing *plan)
{
    unsigned n = turn_server(random, plan);

    plan->network.servers[n].realms = true;
    (void)add_change(plan, SIM_SERVER_RESTARTS, n, some_time(random, plan));
}

/* It is down for a while, with or without ICMP, and has forgotten all. */
static void server_goes_down(seeded_random *random, sim_changing *plan)
{
    unsigned n = turn_server(random, plan);
    uint64_t from = some_time(random, plan);
    uint64_t to = from + about(random, 100, 60000);

    (void)add_change(plan, one_in(random, 2) ? SIM_SERVER_IS_CLOSED : SIM_SERVER_IS_SILENT, n,
                     from);
    (void)add_change(plan, SIM_SERVER_RESTARTS, n, to);
    (void)add_change(plan, SIM_SERVER_IS_BACK, n, to);
}

/* It has forgotten all, and is away for moments again and again. */
static void server_flaps(seeded_random *random, sim_changing *plan)
{
    unsigned n = turn_server(random, plan);
    uint64_t at = some_time(random, plan);

    (void)add_change(plan, SIM_SERVER_RESTARTS, n, at);
    for (int i = 0; i < 12; i++) {
        at += about(random, 100, 10000);
        (void)add_change(plan, SIM_SERVER_IS_CLOSED, n, at);
        at += about(random, 50, 2000);
        (void)add_change(plan, SIM_SERVER_IS_BACK, n, at);
    }
}

static void server_falls_silent(seeded_random *random, sim_changing *plan)
{
    (void)add_phase(random, plan, SIM_SERVER_IS_SILENT, SIM_SERVER_IS_BACK,
                    any_server(random, plan));
}

static void server_is_closed(seeded_random *random, sim_changing *plan)
{
    (void)add_phase(random, plan, SIM_SERVER_IS_CLOSED, SIM_SERVER_IS_BACK,
                    any_server(random, plan));
}

/* Its name gets another address, and at the old one nobody is any more. */
static void server_moves(seeded_random *random, sim_changing *plan)
{
    unsigned n = turn_server(random, plan);

    plan->network.servers[n].by_name = true;
    (void)add_change(plan, SIM_SERVER_MOVES, n, some_time(random, plan));
}

static const uint32_t one_method[] = {1U << FLOE_STUN_BINDING, 1U << FLOE_STUN_REFRESH,
                                      1U << FLOE_STUN_CREATE_PERMISSION,
                                      1U << FLOE_STUN_CHANNEL_BIND, 1U << FLOE_STUN_ALLOCATE};

static void method_fails(seeded_random *random, sim_changing *plan)
{
    static const uint16_t codes[] = {400, 403, 437, 486, 500, 508, 441};
    sim_change *made =
        add_phase(random, plan, SIM_SERVER_FAILS, SIM_SERVER_IS_BACK, turn_server(random, plan));

    made->value = one_method[seeded_below(random, 5)];
    made->code = codes[seeded_below(random, 7)];
}

static void method_is_dropped(seeded_random *random, sim_changing *plan)
{
    sim_change *made =
        add_phase(random, plan, SIM_SERVER_DROPS, SIM_SERVER_IS_BACK, turn_server(random, plan));

    made->value = one_method[seeded_below(random, 5)];
}

static void peers_are_refused(seeded_random *random, sim_changing *plan)
{
    add_phase(random, plan, SIM_SERVER_REFUSES, SIM_SERVER_IS_BACK, turn_server(random, plan))
        ->value = 3;
}

static void credentials_expire(seeded_random *random, sim_changing *plan)
{
    (void)add_phase(random, plan, SIM_SERVER_EXPIRES, SIM_SERVER_IS_BACK,
                    turn_server(random, plan));
}

static void portal_answers(seeded_random *random, sim_changing *plan)
{
    turn_by_tls(random, plan);
    (void)add_phase(random, plan, SIM_SERVER_IS_FOREIGN, SIM_SERVER_IS_BACK,
                    turn_server(random, plan));
}

static void server_gets_slow(seeded_random *random, sim_changing *plan)
{
    sim_change *made =
        add_phase(random, plan, SIM_SERVER_IS_SLOW, SIM_SERVER_IS_BACK, any_server(random, plan));

    made->value = (uint32_t)about(random, 200, 2000);
}

static void nat_forgets(seeded_random *random, sim_changing *plan)
{
    unsigned n = any_interface(random, plan);

    uint64_t at_ms = some_time(random, plan);

    (void)add_change(plan, SIM_NAT_FORGETS, n, at_ms);
    if (at_ms % 2 == 0) {
        (void)add_change(plan, SIM_NAT_GOES_BACK, n, at_ms + 10000 + at_ms % 100000);
    }
}

static void interface_goes(seeded_random *random, sim_changing *plan)
{
    (void)add_phase(random, plan, SIM_INTERFACE_GOES, SIM_INTERFACE_COMES,
                    any_interface(random, plan));
}

/* The interface of that address, whichever feature has added it: no machine has one twice. */
static unsigned interface_of(sim_changing *plan, const char *name, const char *ip)
{
    unsigned n = 0;

    while (n < plan->network.interface_count && strcmp(plan->network.interfaces[n].ip, ip) != 0) {
        n++;
    }
    if (n == plan->network.interface_count) {
        sim_add_interface(&plan->network, name, ip)->up = false;
    }
    return n;
}

/* From one address to another and back: the owner hears of it and gathers, and what is mobile
 * moves, to a base that has yet to be opened. */
static void owner_moves(seeded_random *random, sim_changing *plan)
{
    uint64_t at = some_time(random, plan);
    unsigned from = 0;
    unsigned to = interface_of(plan, "usb0", "10.0.3.2");

    for (int i = 0; i < 4; i++) {
        (void)add_change(plan, SIM_INTERFACE_GOES, from, at);
        (void)add_change(plan, SIM_INTERFACE_COMES, to, at + (one_in(random, 4) ? 1000 : 0));
        (void)add_episode_at(plan, SIM_OWNER_GATHERS, 0, at + about(random, 1, 500));
        add_episode_at(plan, SIM_OWNER_SENDS, 0, at + about(random, 1, 1000))->value = 12;
        unsigned kept = from;
        from = to;
        to = kept;
        at += about(random, 2000, 60000);
    }
}

static void interface_swallows(seeded_random *random, sim_changing *plan)
{
    (void)add_phase(random, plan, SIM_INTERFACE_SWALLOWS, SIM_INTERFACE_IS_BACK,
                    any_interface(random, plan));
}

static void packets_are_lost(seeded_random *random, sim_changing *plan)
{
    sim_change *made = add_phase(random, plan, SIM_NETWORK_LOSES, SIM_NETWORK_IS_BACK, 0);

    made->value = 50 + seeded_below(random, 900);
}

static void packets_are_odd(seeded_random *random, sim_changing *plan)
{
    plan->network.jitter_ms = (unsigned)about(random, 1, 100);
    plan->network.duplication = seeded_below(random, 200);
}

static void process_stops(seeded_random *random, sim_changing *plan)
{
    uint64_t at = one_in(random, 2) ? 1 + seeded_below(random, 200) : some_time(random, plan);

    add_change(plan, SIM_PROCESS_STOPS, 0, at)->value = (uint32_t)about(random, 100, 30000);
    plan->late.timers_first = one_in(random, 2);
}

/* The whole machine, with a clock that goes on (CLOCK_BOOTTIME). */
static void machine_sleeps(seeded_random *random, sim_changing *plan)
{
    uint64_t from = some_time(random, plan);
    uint64_t longest = plan->life_ms > from ? plan->life_ms - from : 1;
    uint64_t slept = 1 + seeded_below(random, (uint32_t)longest);

    add_change(plan, SIM_MACHINE_SLEEPS, 0, from)->value = (uint32_t)slept;
    if (!one_in(random, 4)) { /* a driver need not notice */
        (void)add_change(plan, SIM_MACHINE_WAKES, 0, from + slept);
    }
    plan->late.timers_first = one_in(random, 2);
}

static void proxy_changes(seeded_random *random, sim_changing *plan)
{
    if (plan->network.proxy.kind == SIM_PROXY_NONE) {
        proxy(random, plan);
    }
    for (uint32_t i = 1 + seeded_below(random, 2); i > 0; i--) {
        uint64_t from = some_time(random, plan);
        add_change(plan, SIM_PROXY_CHANGES, 0, from)->value = seeded_below(random, 6);
        add_change(plan, SIM_PROXY_CHANGES, 0, from + about(random, 100, 60000))->value =
            plan->network.proxy.temper;
    }
}

/* One after another; and the owner hears of it, mostly. */
static void tokens_expire(seeded_random *random, sim_changing *plan)
{
    unsigned n = turn_server(random, plan);
    uint64_t at = some_time(random, plan);

    plan->network.servers[n].oauth = true;
    for (uint32_t i = 1 + seeded_below(random, 2); i > 0; i--) {
        (void)add_change(plan, SIM_SERVER_EXPIRES, n, at);
        for (unsigned owner = 0; owner < plan->owners && !one_in(random, 4); owner++) {
            (void)add_episode_at(plan, SIM_OWNER_SETS_TOKEN, owner, at + about(random, 1, 60000));
        }
        at += about(random, 1000, 120000);
    }
}

/* ── The driver ── */

static void late_timers(seeded_random *random, sim_changing *plan)
{
    plan->late.timers_ms = (uint32_t)about(random, 1, 8000);
}

static void late_opens(seeded_random *random, sim_changing *plan)
{
    plan->late.opens_ms = (uint32_t)about(random, 1, 1000);
}

static void mobile(seeded_random *random, sim_changing *plan)
{
    plan->network.settings.mobility = true;
    for (size_t n = 0; n < plan->network.server_count; n++) {
        plan->network.servers[n].mobile = !one_in(random, 4);
        plan->network.servers[n].lifetime = one_in(random, 2) ? 600 : 20 + seeded_below(random, 60);
    }
    if (one_in(random, 2)) {
        owner_moves(random, plan);
        late_opens(random, plan);
    }
}

/* And so would those that did not ask for it, by their server. */
static void tickets_for_all(seeded_random *random, sim_changing *plan)
{
    turn_by_tcp(random, plan);
    for (size_t n = 0; n < plan->network.server_count; n++) {
        plan->network.servers[n].tickets = true;
    }
    owner_moves(random, plan);
    late_opens(random, plan);
}

static void blocked(seeded_random *random, sim_changing *plan)
{
    plan->late.blocks = 20 + seeded_below(random, 300);
    plan->late.blocks_ms = (uint32_t)about(random, 1, 100);
}

static void idle_calls(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->late.idle_calls = true;
}

static void other_icmp(seeded_random *random, sim_changing *plan)
{
    plan->late.icmp = (floe_unreachable)(FLOE_UNREACHABLE_HOST + seeded_below(random, 4));
}

/* Without having slept, too. */
static void wakes_often(seeded_random *random, sim_changing *plan)
{
    for (int i = 0; i < 6; i++) {
        (void)add_change(plan, SIM_MACHINE_WAKES, 0, some_time(random, plan));
    }
}

static void names_fail(seeded_random *random, sim_changing *plan)
{
    mdns(random, plan);
    for (uint32_t i = 1 + seeded_below(random, 2); i > 0; i--) {
        unsigned n = any_interface(random, plan);
        (void)add_change(plan, SIM_NAMES_FAIL, n, some_time(random, plan));
    }
}

static void failing_opens(seeded_random *random, sim_changing *plan)
{
    plan->late.opens_fail = 20 + seeded_below(random, 300);
}

static void late_lists(seeded_random *random, sim_changing *plan)
{
    plan->late.lists_ms = (uint32_t)about(random, 1, 2000);
    plan->late.lists_fail = one_in(random, 2) ? 200 : 0;
}

static void late_names(seeded_random *random, sim_changing *plan)
{
    plan->late.names_ms = (uint32_t)about(random, 50, 6000);
    plan->late.names_fail = one_in(random, 2) ? 200 : 0;
    plan->network.servers[any_server(random, plan)].by_name = true;
}

/* ── Owners ── */

static void gathers_again(seeded_random *random, sim_changing *plan)
{
    for (uint32_t i = 1 + seeded_below(random, 4); i > 0; i--) {
        (void)add_episode(random, plan, SIM_OWNER_GATHERS);
    }
}

/* At each event of the network, as many do. */
static void gathers_often(seeded_random *random, sim_changing *plan)
{
    uint64_t step = about(random, 6000, 20000);

    for (unsigned i = 1; i <= 12; i++) {
        unsigned owner = seeded_below(random, plan->owners);
        (void)add_episode_at(plan, SIM_OWNER_GATHERS, owner, i * step);
    }
}

static void restarts(seeded_random *random, sim_changing *plan)
{
    for (uint32_t i = 1 + seeded_below(random, 2); i > 0; i--) {
        (void)add_episode(random, plan, SIM_OWNER_RESTARTS);
    }
}

static void sets_the_same(seeded_random *random, sim_changing *plan)
{
    for (uint32_t i = 1 + seeded_below(random, 2); i > 0; i--) {
        sim_episode *made = add_episode(random, plan, SIM_OWNER_SETS_THE_SAME);
        made->value = seeded_below(random, 2);
    }
}

static void sets_servers(seeded_random *random, sim_changing *plan)
{
    for (uint32_t i = 1 + seeded_below(random, 2); i > 0; i--) {
        sim_episode *made = add_episode(random, plan, SIM_OWNER_SETS_SERVERS);
        made->value = seeded_below(random, 1024);
    }
}

static void sets_user(seeded_random *random, sim_changing *plan)
{
    add_episode(random, plan, SIM_OWNER_SETS_USER)->value = 1;
    if (one_in(random, 2)) {
        (void)add_episode(random, plan, SIM_OWNER_SETS_USER);
    }
}

/* REST credentials: other ones before the old have expired, whatever the network is like. */
static void renews_in_an_outage(seeded_random *random, sim_changing *plan)
{
    unsigned n = turn_server(random, plan);
    uint64_t at = some_time(random, plan);

    for (unsigned i = 0; i < 3; i++) {
        uint64_t lasts = about(random, 500, 90000);
        (void)add_change(plan, one_in(random, 3) ? SIM_SERVER_IS_CLOSED : SIM_SERVER_IS_SILENT, n,
                         at);
        if (one_in(random, 2)) {
            (void)add_change(plan, SIM_SERVER_RESTARTS, n, at + lasts);
        }
        (void)add_change(plan, SIM_SERVER_IS_BACK, n, at + lasts);
        add_episode_at(plan, SIM_OWNER_SETS_USER, 0, at + about(random, 1, lasts))->value =
            i % 2 == 0;
        (void)add_episode_at(plan, SIM_OWNER_GATHERS, 0, at + lasts + about(random, 1, 20000));
        at += lasts + about(random, 1000, 60000);
    }
}

/* Nobody gathers behind it: what was had before is had again by itself. */
static void restarts_in_an_outage(seeded_random *random, sim_changing *plan)
{
    bool all = one_in(random, 2);
    bool closed = one_in(random, 3);
    unsigned one = seeded_below(random, (uint32_t)plan->network.server_count);
    uint64_t at = some_time(random, plan);
    uint64_t lasts = about(random, 2000, 60000);

    for (unsigned n = 0; n < plan->network.server_count; n++) {
        if (all || n == one) {
            (void)add_change(plan, closed ? SIM_SERVER_IS_CLOSED : SIM_SERVER_IS_SILENT, n, at);
            (void)add_change(plan, SIM_SERVER_IS_BACK, n, at + lasts);
        }
    }
    for (unsigned i = 1 + seeded_below(random, 3); i > 0; i--) {
        add_episode_at(plan, SIM_OWNER_RESTARTS, 0, at + about(random, 1, lasts));
    }
}

static void sets_token(seeded_random *random, sim_changing *plan)
{
    access_tokens(random, plan);
    (void)add_episode(random, plan, SIM_OWNER_SETS_TOKEN);
}

static void sets_policy(seeded_random *random, sim_changing *plan)
{
    for (uint32_t i = 1 + seeded_below(random, 2); i > 0; i--) {
        sim_episode *made = add_episode(random, plan, SIM_OWNER_SETS_POLICY);
        made->value = seeded_below(random, 3);
    }
}

/* Hosts that come behind a reflexive candidate of the same address stand beside it: a new gatherer would
 * not have that. */
static void sets_types(seeded_random *random, sim_changing *plan)
{
    plan->network.types = some_types(random, FLOE_GATHER_TYPE_HOST);
    for (uint32_t i = 1 + seeded_below(random, 2); i > 0; i--) {
        sim_episode *made = add_episode(random, plan, SIM_OWNER_SETS_TYPES);
        made->value = some_types(random, FLOE_GATHER_TYPE_HOST);
        made->value |= one_in(random, 2) ? (1 + seeded_below(random, 15)) << 3 : 0;
    }
}

static void sends(seeded_random *random, sim_changing *plan)
{
    for (uint32_t i = 1 + seeded_below(random, 5); i > 0; i--) {
        sim_episode *made = add_episode(random, plan, SIM_OWNER_SENDS);
        made->value = (uint32_t)about(random, 1, 100);
    }
}

/* So that a channel is refreshed, and permissions. */
static void sends_always(seeded_random *random, sim_changing *plan)
{
    uint64_t step = plan->life_ms / 24;

    (void)random;
    for (unsigned i = 1; i <= 24; i++) {
        add_episode_at(plan, SIM_OWNER_SENDS, 0, 1000 + i * step)->value = 3;
    }
}

static void is_checked(seeded_random *random, sim_changing *plan)
{
    for (uint32_t i = 2 + seeded_below(random, 3); i > 0; i--) {
        (void)add_episode(random, plan, SIM_OWNER_IS_CHECKED);
    }
}

/* Each component before a restart, and after it. */
static void is_checked_over_a_restart(seeded_random *random, sim_changing *plan)
{
    uint64_t at = some_time(random, plan);

    (void)add_episode_at(plan, SIM_OWNER_RESTARTS, 0, at + 1);
    for (unsigned owner = 0; owner < plan->owners; owner++) {
        for (uint64_t later = 0; later < 60000; later += 29000) {
            (void)add_episode_at(plan, SIM_OWNER_IS_CHECKED, owner, at + later);
        }
    }
}

static void floods(seeded_random *random, sim_changing *plan)
{
    small_queues(random, plan);
    for (uint32_t i = 1 + seeded_below(random, 3); i > 0; i--) {
        (void)add_episode(random, plan, SIM_OWNER_FLOODS);
    }
}

static void lists(seeded_random *random, sim_changing *plan)
{
    for (uint32_t i = 1 + seeded_below(random, 3); i > 0; i--) {
        (void)add_episode(random, plan, SIM_OWNER_LISTS);
    }
}

static void others_come(seeded_random *random, sim_changing *plan)
{
    add_episode(random, plan, SIM_OWNER_MAKES_OTHERS)->value = 70;
    add_episode(random, plan, SIM_OWNER_SETS_THE_SAME)->value = 1;
}

static void loses_names(seeded_random *random, sim_changing *plan)
{
    mdns(random, plan);
    (void)add_episode(random, plan, SIM_OWNER_LOSES_NAME);
}

static void sets_password(seeded_random *random, sim_changing *plan)
{
    sim_episode *made = add_episode(random, plan, SIM_OWNER_SETS_PASSWORD);

    made->value = 1;
    if (!one_in(random, 3)) {
        sim_episode *right = add_episode(random, plan, SIM_OWNER_SETS_PASSWORD);
        right->owner = made->owner;
    }
}

static void doubts(seeded_random *random, sim_changing *plan)
{
    for (uint32_t i = 1 + seeded_below(random, 6); i > 0; i--) {
        (void)add_episode(random, plan, SIM_OWNER_DOUBTS);
    }
}

static void is_deaf(seeded_random *random, sim_changing *plan)
{
    sends(random, plan);
    for (uint32_t i = 0; i < 4; i++) {
        add_episode(random, plan, SIM_OWNER_IS_DEAF)->value = i;
    }
}

static void is_freed(seeded_random *random, sim_changing *plan)
{
    (void)add_episode(random, plan, SIM_OWNER_IS_FREED);
}

static void closes(seeded_random *random, sim_changing *plan)
{
    (void)add_episode(random, plan, SIM_OWNER_CLOSES);
}

/* ── The network changes, and is followed (N1) ── */

static void continual(seeded_random *random, sim_changing *plan)
{
    (void)random;
    plan->continual = true;
}

/* Interfaces come and go, now and then, or without rest. */
static void interfaces_flap(seeded_random *random, sim_changing *plan)
{
    unsigned flaps = interface_of(plan, "usb0", "10.0.3.2");
    uint64_t at = some_time(random, plan);
    uint64_t pause = about(random, 10, 20000);

    plan->continual = true;
    for (uint32_t i = 2 + 2 * seeded_below(random, 10); i > 0; i--) {
        (void)add_change(plan, i % 2 == 0 ? SIM_INTERFACE_COMES : SIM_INTERFACE_GOES, flaps, at);
        at += 1 + seeded_below(random, (uint32_t)(2 * pause));
    }
    if (one_in(random, 2)) {
        interface_goes(random, plan);
    }
}

/* ── All of them ── */

/* In the order in which they are applied: what owners there are and what servers, before what
 * happens to them. */
static const struct {
    const char *name;
    feature_maker make;
} features[] = {
    {"two gatherers", two_gatherers},
    {"two components", two_components},
    {"a second STUN server", second_stun},
    {"a second TURN server", second_turn},
    {"TURN by TCP", turn_by_tcp},
    {"TURN by TLS or DTLS", turn_by_tls},
    {"relays for TCP", tcp_relays},
    {"our certificate is asked for", client_certificate},
    {"a proxy", proxy},
    {"nothing but through a proxy", proxy_only},
    {"other trust", other_trust},
    {"a server of IPv6", server_of_six},
    {"stund", stund},
    {"a bad server", bad_server},
    {"a server that says 437 always", always_mismatch},
    {"a second interface", second_interface},
    {"an interface of IPv6", interface_of_six},
    {"a server by name", server_by_name},
    {"a server as stun: and turn:", server_is_both},
    {"a server in two spellings", server_twice},
    {"a server by two names", server_by_two_names},
    {"a name of two servers", name_of_two_servers},
    {"a server that is in use", of_a_make},
    {"coturn", coturn},
    {"no Binding", no_stun},
    {"Binding is refused", refuses_binding},
    {"relays of both families", relays_both},
    {"nonces of another kind", nonces},
    {"access tokens", access_tokens},
    {"services", services},
    {"S-NAPTR", naptr},
    {"SHA-256", sha256},
    {"a port range", port_range},
    {"a short lifetime", short_lifetime},
    {"a slow server", slow_server},
    {"437 at first", mismatch},
    {"no NAT", no_nat},
    {"a symmetric NAT", symmetric_nat},
    {"a NAT that forgets soon", nat_expires},
    {"another keepalive", short_keepalive},
    {"policy nohost", policy_nohost},
    {"policy relay", policy_relay},
    {"types are left out", types_left_out},
    {"mDNS", mdns},
    {"mDNS otherwise", other_names},
    {"one family", one_family},
    {"mobility", mobile},
    {"another pacing", pacing},
    {"other times to wait", times_to_wait},
    {"waits without limit", waits_without_limit},
    {"a trace", traced},
    {"each URL alone", each_alone},
    {"don't fragment", dont_fragment},
    {"options of media", options_of_media},
    {"a pair of ports", pair_of_ports},
    {"small queues", small_queues},
    {"another RTO", rto},
    {"addresses are shown otherwise", shown_otherwise},
    {"addresses are rewritten", rewritten},
    {"packets overtake and double", packets_are_odd},
    {"late timers", late_timers},
    {"blocked channels", blocked},
    {"idle calls", idle_calls},
    {"other ICMP", other_icmp},
    {"tickets for all", tickets_for_all},
    {"late opens", late_opens},
    {"failing opens", failing_opens},
    {"late lists", late_lists},
    {"late names", late_names},
    {"addresses by the default route", shown_by_route},
    {"ICE lite", ice_lite},
    {"low ports are refused", low_ports},
    {"a loopback address", loopback},
    {"a link-local address", link_local},
    {"more addresses than there may be", few_addresses},
    {"a costly network", costly},
    {"a pool", pool},
    {"a server that redirects", redirects},
    {"a server restarts", server_restarts_once},
    {"a server is down for a while", server_goes_down},
    {"a server falls silent", server_falls_silent},
    {"a server is closed", server_is_closed},
    {"a server moves", server_moves},
    {"a method fails", method_fails},
    {"a method is dropped", method_is_dropped},
    {"peers are refused", peers_are_refused},
    {"credentials expire", credentials_expire},
    {"a server gets slow", server_gets_slow},
    {"a NAT forgets", nat_forgets},
    {"an interface goes", interface_goes},
    {"an interface swallows", interface_swallows},
    {"an owner moves", owner_moves},
    {"a server flaps", server_flaps},
    {"a portal answers for a server", portal_answers},
    {"packets are lost", packets_are_lost},
    {"the process stops", process_stops},
    {"the machine sleeps", machine_sleeps},
    {"the proxy changes", proxy_changes},
    {"access tokens expire", tokens_expire},
    {"the driver says awake", wakes_often},
    {"names are not heard", names_fail},
    {"gathers again", gathers_again},
    {"gathers often", gathers_often},
    {"restarts", restarts},
    {"sets the same options", sets_the_same},
    {"sets other servers", sets_servers},
    {"sets another user", sets_user},
    {"renews credentials in outages", renews_in_an_outage},
    {"sets another policy", sets_policy},
    {"sets other types", sets_types},
    {"sends", sends},
    {"sends always", sends_always},
    {"is checked", is_checked},
    {"looks at lists", lists},
    {"other users come", others_come},
    {"loses a name", loses_names},
    {"closes", closes},
    {"is checked over a restart", is_checked_over_a_restart},
    {"floods", floods},
    {"sets a token", sets_token},
    {"sets a password", sets_password},
    {"doubts", doubts},
    {"is deaf", is_deaf},
    {"is freed", is_freed},
    {"a server changes its realm", server_changes_realm},
    {"restarts in outages", restarts_in_an_outage},
    {"is continual", continual},
    {"interfaces flap", interfaces_flap},
};
#define FEATURES (sizeof features / sizeof *features)

_Static_assert(FEATURES <= 128, "features are bits of two words");

size_t sim_feature_count(void)
{
    return FEATURES;
}

const char *sim_feature_name(size_t n)
{
    return features[n].name;
}

static void turn_on(sim_changing *plan, size_t n)
{
    plan->features[n / 64] |= 1ULL << (n % 64);
}

static bool is_on(const sim_changing *plan, size_t n)
{
    return (plan->features[n / 64] >> (n % 64) & 1) != 0;
}

static uint32_t place_of(feature_maker make)
{
    uint32_t n = 0;

    while (features[n].make != make) {
        n++;
    }
    return n;
}

static void choose(seeded_random *random, sim_changing *plan)
{
    const uint32_t first_change = place_of(server_restarts_once);
    const uint32_t first_episode = place_of(gathers_again);

    uint32_t traits = 1 + seeded_below(random, 5);
    uint32_t changes = seeded_below(random, 4);
    uint32_t episodes = seeded_below(random, 4);

    for (; traits > 0; traits--) {
        turn_on(plan, seeded_below(random, first_change));
    }
    for (; changes > 0; changes--) {
        turn_on(plan, first_change + seeded_below(random, first_episode - first_change));
    }
    for (; episodes > 0; episodes--) {
        turn_on(plan, first_episode + seeded_below(random, FEATURES - first_episode));
    }
}

/* Without any feature yet. */
static void begin(seeded_random *random, uint64_t seed, sim_changing *plan)
{
    memset(plan, 0, sizeof *plan);
    seeded_init(random, seed * 0x9E3779B97F4A7C15U + 5);
    plan->seed = seed;
    plan->owners = 1;
    sim_config_simple(&plan->network);
    plan->network.seed = seed;
    plan->life_ms = about(random, 20000, 1500000);
    add_server(plan, false, false);
    add_server(plan, true, false);
}

/* With those that are on. */
static void build(uint64_t seed, sim_changing *plan)
{
    seeded_random random;

    for (size_t n = 0; n < FEATURES; n++) {
        if (is_on(plan, n)) {
            seeded_init(&random, seed * 0x9E3779B97F4A7C15U + 1000003 * (n + 1));
            features[n].make(&random, plan);
        }
    }
    for (size_t n = 0; n < plan->network.server_count; n++) { /* at one port, by one account */
        const sim_server *server = &plan->network.servers[n];
        if (server->twin != 0) {
            plan->network.servers[server->twin - 1].oauth = server->oauth;
            plan->network.servers[server->twin - 1].port = server->port;
        }
    }
    for (size_t n = 0; n < plan->network.server_count; n++) { /* a URL without one says the port */
        sim_server *server = &plan->network.servers[n];
        server->no_port = server->no_port &&
                          server->port == (server->transport >= FLOE_PROTOCOL_TLS ? 5349 : 3478);
    }
    for (size_t n = 0; n < plan->network.server_count;
         n++) { /* the same account, by RFC 8489 §10 */
        sim_server *server = &plan->network.servers[n];
        server->oauth = server->redirect != 0 ? plan->network.servers[server->redirect - 1].oauth
                                              : server->oauth;
    }
    for (unsigned i = 0; i < plan->owners; i++) { /* each gathers soon after its making */
        sim_episode *made = &plan->episodes[plan->episode_count++];
        *made = (sim_episode){
            .at_ms = i == 1 ? 10 + plan->second_ms : 10 * i, .kind = SIM_OWNER_GATHERS, .owner = i};
    }
}

void sim_changing_of_seed(uint64_t seed, const uint64_t only[2], sim_changing *plan)
{
    seeded_random random;

    begin(&random, seed, plan);
    choose(&random, plan);
    if (only != NULL) {
        plan->features[0] &= only[0];
        plan->features[1] &= only[1];
    }
    build(seed, plan);
}

void sim_changing_with(uint64_t seed, const char *const *names, size_t count, sim_changing *plan)
{
    seeded_random random;

    begin(&random, seed, plan);
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < FEATURES; n++) {
            if (strcmp(features[n].name, names[i]) == 0) {
                turn_on(plan, n);
            }
        }
    }
    build(seed, plan);
}

void sim_changing_print(const sim_changing *plan, FILE *to)
{
    (void)fprintf(to, "features %" PRIx64 " %" PRIx64 ", %" PRIu64 " ms:\n", plan->features[0],
                  plan->features[1], plan->life_ms);
    for (size_t n = 0; n < FEATURES; n++) {
        if (is_on(plan, n)) {
            (void)fprintf(to, "    %s\n", features[n].name);
        }
    }
}

/* The model: see model.h. Rules are named as in docs/rules.md. */
#include "model.h"

#include <string.h>

enum { NEVER, PERHAPS, SURELY };

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_ipv6(const char *ip)
{
    return strchr(ip, ':') != NULL;
}

/* ── Which addresses (P2 to P4, P7) ── */

static bool family_is_wanted(const sim_config *config, bool ipv6)
{
    uint32_t types = config->settings.network_types;

    return types == 0 || (types & (ipv6 ? FLOE_NETWORK_TYPE_UDP6 : FLOE_NETWORK_TYPE_UDP4)) != 0;
}

static bool may_ever_be_used(const sim_config *config, const char *ip)
{
    static const char *const never[] = {"127.", "0.", "224.", "::", "fe80:", "fec0:", "ff02:"};

    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        if (begins(ip, never[i])) {
            return false;
        }
    }
    return family_is_wanted(config, is_ipv6(ip));
}

/* RFC 4862 §5.5.4: a deprecated address is for where there is no other. */
static bool has_preferred(const sim_config *config, bool ipv6)
{
    for (size_t n = 0; n < config->interface_count; n++) {
        const sim_interface *one = &config->interfaces[n];
        if (is_ipv6(one->ip) == ipv6 && one->up && !one->deprecated && !one->tentative &&
            !begins(one->ip, "169.254.") && !begins(one->ip, "127.") &&
            may_ever_be_used(config, one->ip)) {
            return true;
        }
    }
    return false;
}

static bool may_be_used(const sim_config *config, const sim_interface *interface)
{
    return interface->up && !interface->tentative && may_ever_be_used(config, interface->ip) &&
           (!interface->deprecated || !has_preferred(config, is_ipv6(interface->ip)));
}

/* Smaller is better: wired, wireless, unknown, cellular, VPN; then global, local, link-local; then
 * the place in the list. */
static unsigned cost_of(const sim_config *config, size_t n)
{
    static const unsigned of_adapter[] = {[FLOE_ADAPTER_WIRED] = 0,
                                          [FLOE_ADAPTER_WIRELESS] = 1,
                                          [FLOE_ADAPTER_UNKNOWN] = 2,
                                          [FLOE_ADAPTER_CELLULAR] = 3,
                                          [FLOE_ADAPTER_VPN] = 4};
    const sim_interface *interface = &config->interfaces[n];
    unsigned scope = begins(interface->ip, "169.254.") ? 2 : begins(interface->ip, "fd") ? 1 : 0;

    return of_adapter[interface->adapter] * 10000 + scope * 1000 + (unsigned)n;
}

/* P4: of the same interface, and of one prefix, or `stable` is link-local. */
static bool tells_more_than(const sim_interface *stable, const sim_interface *temporary)
{
    floe_address one = {0};
    floe_address other = {0};

    (void)floe_address_parse(stable->ip, &one);
    (void)floe_address_parse(temporary->ip, &other);
    return one.family == other.family && strcmp(stable->name, temporary->name) == 0 &&
           (memcmp(one.ip, other.ip, 8) == 0 ||
            floe_address_classify(&one) == FLOE_ADDRESS_LINK_LOCAL);
}

/* The best of those that are left, by one kind of adapter; SIM_INTERFACES_MAX: there is none. */
static size_t best_left(const sim_config *config, const bool *eligible, bool ipv6, unsigned adapter,
                        const model *m)
{
    size_t best = SIM_INTERFACES_MAX;

    for (size_t n = 0; n < config->interface_count; n++) {
        bool fits = eligible[n] && !m->gathered_on[n] &&
                    is_ipv6(config->interfaces[n].ip) == ipv6 &&
                    cost_of(config, n) / 10000 == adapter;
        if (fits && (best == SIM_INTERFACES_MAX || cost_of(config, n) < cost_of(config, best))) {
            best = n;
        }
    }
    return best;
}

/* P7: the best of each kind of adapter, round and round, until the cap is reached or none is left.
 */
static void choose_of_family(const sim_config *config, const bool *eligible, bool ipv6, model *m)
{
    unsigned left = config->settings.addresses_max == 0 ? 16 : config->settings.addresses_max;

    for (bool any = true; any;) {
        any = false;
        for (unsigned adapter = 0; adapter < 5 && left > 0; adapter++) {
            size_t best = best_left(config, eligible, ipv6, adapter, m);
            if (best < SIM_INTERFACES_MAX) {
                m->gathered_on[best] = any = true;
                left--;
            }
        }
    }
}

static void choose(const sim_config *config, model *m)
{
    bool eligible[SIM_INTERFACES_MAX] = {false};

    for (size_t n = 0; n < config->interface_count; n++) {
        const sim_interface *one = &config->interfaces[n];
        eligible[n] = may_be_used(config, one);
        for (size_t k = 0; eligible[n] && k < config->interface_count; k++) {
            const sim_interface *other = &config->interfaces[k];
            if (k == n || !may_be_used(config, other)) {
                continue;
            }
            bool stable_beside_temporary = is_ipv6(one->ip) && !one->temporary &&
                                           other->temporary && tells_more_than(one, other);
            bool twin = strcmp(one->ip, other->ip) == 0 && cost_of(config, k) < cost_of(config, n);
            eligible[n] = !stable_beside_temporary && !twin;
        }
    }
    for (size_t n = 0; n < config->interface_count; n++) { /* of deprecated ones the best */
        const sim_interface *one = &config->interfaces[n];
        for (size_t k = 0; k < config->interface_count && eligible[n] && one->deprecated; k++) {
            const sim_interface *other = &config->interfaces[k];
            eligible[n] = k == n || !eligible[k] || !other->deprecated ||
                          is_ipv6(one->ip) != is_ipv6(other->ip) ||
                          cost_of(config, n) < cost_of(config, k);
        }
    }
    choose_of_family(config, eligible, false, m);
    choose_of_family(config, eligible, true, m);
}

/* Of equal addresses the world knows the way of one: the first that is up. */
static size_t place_of(const sim_config *config, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (config->interfaces[k].up &&
            strcmp(config->interfaces[k].ip, config->interfaces[n].ip) == 0) {
            return k;
        }
    }
    return n;
}

/* P5: whether the socket can be opened, with the ports that may be tried. */
static bool opens(const sim_config *config, size_t n)
{
    const sim_interface *interface = &config->interfaces[place_of(config, n)];
    unsigned ports = config->settings.port_min == 0
                         ? 1
                         : config->settings.port_max - config->settings.port_min + 1U;

    return interface->open_failures == 0 ||
           (interface->open_error == FLOE_ERR_ADDRESS_IN_USE && interface->open_failures < ports);
}

/* ── What a server gives ── */

static bool listens_on(const sim_server *server, bool ipv6)
{
    return is_ipv6(server->ip) == ipv6 || (*server->other_ip != '\0');
}

/* A Binding by UDP. */
static int mapped_by(const sim_server *server)
{
    switch (server->temper) {
    case SIM_GOOD:
    case SIM_FORGED_FIRST:
    case SIM_FORGETS:
        return SURELY;
    case SIM_WRONG_PASSWORD:
    case SIM_MISMATCH:
    case SIM_FULL_AFTER_TWO:
    case SIM_REDIRECTS:
    case SIM_BID_DOWN:
        return server->turn ? PERHAPS : SURELY;
    default:
        return NEVER;
    }
}

static int relayed_by(const sim_config *config, const sim_server *server)
{
    bool secure = server->transport == FLOE_PROTOCOL_TLS || server->transport == FLOE_PROTOCOL_DTLS;

    if (!server->turn || (secure && server->certificate != TLS_RIGHT)) {
        return NEVER;
    }
    switch (server->temper) {
    case SIM_GOOD:
    case SIM_FORGED_FIRST:
    case SIM_FORGETS: {
        bool spent = server->nonce == SIM_NONCE_ONE_USE &&
                     (config->duplication > 0 || config->jitter_ms > 0 ||
                      config->settings.port_min != 0 || server->round_trip_ms >= 400);
        return spent ? PERHAPS : SURELY;
    }
    case SIM_MISMATCH:
    case SIM_FULL_AFTER_TWO:
    case SIM_HANGS:
        return PERHAPS;
    case SIM_REDIRECTS:
        return server->redirect == 0 ? NEVER : PERHAPS;
    default:
        return NEVER;
    }
}

/* T5: addresses of an allocation: those families that are wanted and that the server has. */
static unsigned families_of(const sim_config *config, const sim_server *server)
{
    bool ipv4 = (server->families & FLOE_TURN_IPV4) != 0 && family_is_wanted(config, false);
    bool ipv6 = (server->families & FLOE_TURN_IPV6) != 0 && family_is_wanted(config, true) &&
                server->make != SIM_COTURN_V4_ON_V6;

    return (ipv4 ? 1U : 0U) + (ipv6 ? 1U : 0U);
}

static int least_of(int a, int b)
{
    return a < b ? a : b;
}

/* ── Whether there is time (L14) ── */

/* The longest that the last of it may take: what is before it at the pacer, a name's look-up, an
 * address where nobody is, and round trips. */
static uint64_t longest(const sim_config *config, const sim_server *server, unsigned requests)
{
    uint64_t pacing = config->settings.pacing_ms == 0 ? 5 : config->settings.pacing_ms;
    uint64_t trip = server->round_trip_ms + 2 * config->jitter_ms;
    bool by_tcp = config->settings.tcp_reflexive; /* which connects first (R4) */
    unsigned trips = !server->turn                            ? (by_tcp ? 2 : 1)
                     : server->transport == FLOE_PROTOCOL_UDP ? 4
                                                              : 9;

    if (server->turn && config->settings.mobility) {
        trips++; /* who does not know it says so first */
    }
    return config->opens_ms + pacing * requests + 160 * (1U + config->settings.service_discovery) +
           (*server->first_ip != '\0' ? 300U : 0U) + trips * trip + 20;
}

static uint64_t timeout_of(const sim_config *config)
{
    return config->settings.gather_timeout_ms == 0 ? 5000 : config->settings.gather_timeout_ms;
}

static uint64_t earliest_end(const sim_config *config)
{
    const floe_settings *settings = &config->settings;
    uint64_t timeout = timeout_of(config);
    uint64_t grace = settings->straggler_grace_ms == 0 ? 500 : settings->straggler_grace_ms;

    return timeout < grace ? timeout : grace;
}

/* ── All of it ── */

typedef struct asking {
    const sim_config *config;
    model *m;
    bool open[SIM_INTERFACES_MAX];
    bool left_out[SIM_SERVERS_MAX]; /* P8 */
    unsigned requests;              /* at most, with those that go once more */
} asking;

static bool reaches(const asking *a, size_t n, const sim_server *server)
{
    const sim_interface *interface = &a->config->interfaces[place_of(a->config, n)];

    return a->open[n] && interface->path == SIM_PATH_GOOD &&
           listens_on(server, is_ipv6(interface->ip));
}

static int in_time(const asking *a, const sim_server *server)
{
    bool found_by_chance =
        server->by_name && server->no_port && a->config->settings.service_discovery;

    return !found_by_chance && longest(a->config, server, a->requests) < earliest_end(a->config)
               ? SURELY
               : PERHAPS;
}

/* T1: for one interface by one server, addresses of the other family are not asked as well. */
static bool are_rivals(const asking *a, size_t n, size_t k, const sim_server *server)
{
    const sim_interface *one = &a->config->interfaces[n];
    const sim_interface *other = &a->config->interfaces[k];

    return a->open[k] && listens_on(server, is_ipv6(other->ip)) &&
           is_ipv6(one->ip) != is_ipv6(other->ip) && strcmp(one->name, other->name) == 0;
}

static bool has_rival(const asking *a, size_t n, const sim_server *server)
{
    for (size_t k = 0; k < a->config->interface_count; k++) {
        if (are_rivals(a, n, k, server)) {
            return true;
        }
    }
    return false;
}

/* One of an interface's addresses leads nowhere: how long it is waited for is another matter. */
static bool has_bad_rival(const asking *a, size_t n, const sim_server *server)
{
    const char *name = a->config->interfaces[n].name;

    for (size_t k = 0; k < a->config->interface_count; k++) {
        const sim_interface *other = &a->config->interfaces[k];
        if (a->open[k] && listens_on(server, is_ipv6(other->ip)) &&
            strcmp(other->name, name) == 0 && !reaches(a, k, server)) {
            return true;
        }
    }
    return false;
}

static int relay_verdict(const asking *a, size_t s)
{
    const sim_server *server = &a->config->servers[s];
    int verdict = least_of(relayed_by(a->config, server), in_time(a, server));

    /* Whose allocation stands where this one would. */
    return verdict == SURELY && sim_is_redirected_to(a->config, s) ? PERHAPS : verdict;
}

/* Whether the server gives what it is asked for, to somebody who reaches it. */
static int server_verdict(const asking *a, size_t s)
{
    const sim_server *server = &a->config->servers[s];

    return server->turn ? relay_verdict(a, s) : least_of(mapped_by(server), in_time(a, server));
}

/* R1 to R3: what a NAT shows, as often as it shows another address. */
static void reflexive(const asking *a, size_t n)
{
    const sim_config *config = a->config;
    const sim_interface *interface = &config->interfaces[place_of(config, n)];
    bool hosts_hidden = config->settings.mdns_mode == FLOE_MDNS_MODE_QUERY_AND_GATHER;
    unsigned sure = 0;
    unsigned possible = 0;

    for (size_t s = 0; s < config->server_count; s++) {
        const sim_server *server = &config->servers[s];
        if (a->left_out[s] || !reaches(a, n, server) ||
            (server->turn && server->transport != FLOE_PROTOCOL_UDP)) {
            continue;
        }
        int verdict = least_of(mapped_by(server), in_time(a, server));
        if (server->turn && verdict == SURELY &&
            (has_rival(a, n, server) || relayed_by(config, server) != SURELY)) {
            verdict = PERHAPS;
        }
        sure += verdict == SURELY;
        /* On the way of a redirect each server shows one. */
        possible += verdict == NEVER ? 0 : server->temper == SIM_REDIRECTS ? 9 : 1;
    }
    model_range *range = &a->m->reflexive[n];
    switch (interface->mapping) {
    case SIM_NAT_NONE: /* it is the host's own address */
        range->most = (hosts_hidden || !sim_wants(config, FLOE_CANDIDATE_TYPE_HOST)) &&
                      config->policy == FLOE_GATHER_POLICY_ALL && possible > 0;
        range->least = range->most == 1 && sure > 0;
        break;
    case SIM_NAT_ENDPOINT_INDEPENDENT:
        range->most = possible > 0;
        range->least = sure > 0;
        break;
    default: /* each server has an address of its own */
        range->most = possible;
        range->least = sure;
        break;
    }
    if (config->policy == FLOE_GATHER_POLICY_RELAY ||
        !sim_wants(config, FLOE_CANDIDATE_TYPE_SRFLX)) {
        *range = (model_range){0, 0};
    }
}

/* T1, T5: by each address; where two families of an interface compete, by one of them at least. */
static void relays(const asking *a, size_t s)
{
    const sim_config *config = a->config;
    const sim_server *server = &config->servers[s];
    int verdict = relay_verdict(a, s);
    unsigned each = server->temper == SIM_REDIRECTS ? 2 : families_of(config, server);
    bool counted[SIM_INTERFACES_MAX] = {false};

    for (size_t n = 0; n < config->interface_count; n++) {
        if (a->left_out[s] || !reaches(a, n, server)) {
            continue;
        }
        /* What is lost is had again, and told again, any number of times. */
        bool lost = server->temper == SIM_FORGETS || server->temper == SIM_HANGS ||
                    server->nonce == SIM_NONCE_ONE_USE;
        unsigned times = lost ? 1000 : 1;
        a->m->relays[s].most += verdict == NEVER ? 0 : each * times;
        if (verdict != SURELY || counted[n]) {
            continue;
        }
        if (!has_rival(a, n, server)) {
            a->m->relays[s].least += each;
        } else if (!has_bad_rival(a, n, server)) {
            a->m->relays[s].least += each;
            for (size_t k = n; k < config->interface_count; k++) {
                counted[k] = counted[k] ||
                             strcmp(config->interfaces[k].name, config->interfaces[n].name) == 0;
            }
        }
    }
}

/* E2: once, if nobody gets anything of it; not at all, if everybody does. */
static void failures(const asking *a, size_t s)
{
    const sim_config *config = a->config;
    const sim_server *server = &config->servers[s];
    int best = NEVER;
    bool asked = false;

    for (size_t n = 0; n < config->interface_count; n++) {
        if (!a->open[n] || !listens_on(server, is_ipv6(config->interfaces[n].ip))) {
            continue;
        }
        asked = true;
        if (reaches(a, n, server)) {
            int verdict = server_verdict(a, s);
            bool lost = server->temper == SIM_FORGETS; /* what it gave, before all is complete */
            if (verdict == SURELY && server->turn && (lost || has_bad_rival(a, n, server))) {
                verdict = PERHAPS;
            }
            best = verdict > best ? verdict : best;
        }
    }
    bool wanted = !a->left_out[s] && (server->turn || config->policy != FLOE_GATHER_POLICY_RELAY);
    bool of_name = server->temper == SIM_NAME_UNKNOWN || server->temper == SIM_NAME_SILENT;
    bool cut_short = server->by_name && in_time(a, server) != SURELY;
    if (!wanted || (!asked && !of_name && !cut_short)) {
        return;
    }
    if (of_name || !asked) { /* whether it would have been anybody's business is not known */
        a->m->url_failed[s] = (model_range){0, 1};
    } else {
        a->m->url_failed[s].least = best == NEVER;
        a->m->url_failed[s].most = best != SURELY;
    }
}

/* Nobody is silent, so nobody is waited for longer than he may need. */
static bool everything_answers(const asking *a, uint64_t *last)
{
    const sim_config *config = a->config;

    for (size_t s = 0; s < config->server_count; s++) {
        const sim_server *server = &config->servers[s];
        if (a->left_out[s]) {
            continue;
        }
        int verdict = server_verdict(a, s);
        uint64_t time = longest(config, server, a->requests);
        *last = time > *last ? time : *last;
        for (size_t n = 0; n < config->interface_count; n++) {
            bool asks = a->open[n] && listens_on(server, is_ipv6(config->interfaces[n].ip));
            if (asks && (verdict != SURELY || !reaches(a, n, server))) {
                return false;
            }
        }
        if (server->temper == SIM_NAME_SILENT) {
            return false;
        }
    }
    return true;
}

static bool on_loopback(const sim_config *config)
{
    bool any = false;

    for (size_t n = 0; n < config->interface_count; n++) {
        any = any || config->interfaces[n].loopback;
    }
    return any;
}

static bool leaves_little_to_chance(const sim_config *config)
{
    return config->run_ms > timeout_of(config) && config->action_count == 0 &&
           config->close_at_ms == 0 && config->remap_at_ms == 0 && config->loss == 0 &&
           config->fail_at == 0 && !config->pool && config->gather_at_ms == 0 &&
           config->policy <= FLOE_GATHER_POLICY_RELAY &&
           config->settings.address_rewrite_rule_count == 0 &&
           config->settings.nat_1to1_ip_count == 0 && !config->settings.loopback &&
           !on_loopback(config) && !config->settings.link_local &&
           !config->settings.avoid_costly_networks &&
           config->settings.ip_handling == FLOE_IP_HANDLING_ALL && !config->settings.ice_lite;
}

/* P8: who is left out, and who is as good as a STUN server. */
static const sim_config *by_role(asking *a, const sim_config *config)
{
    static sim_config as_asked;

    as_asked = *config;
    for (size_t s = 0; s < config->server_count; s++) {
        sim_role role = sim_role_of(config, s);
        a->left_out[s] = role == SIM_LEFT_OUT;
        as_asked.servers[s].turn = role == SIM_FOR_RELAY;
    }
    return &as_asked;
}

void model_of(const sim_config *config, model *m)
{
    asking a = {.m = m};

    a.config = config = by_role(&a, config);
    *m = (model){.speaks = leaves_little_to_chance(config), .complete_by_ms = timeout_of(config)};
    if (!m->speaks) {
        return;
    }
    choose(config, m);
    for (size_t n = 0; n < config->interface_count; n++) {
        a.open[n] = m->gathered_on[n] && opens(config, n);
        m->hosts += a.open[n] && config->policy == FLOE_GATHER_POLICY_ALL &&
                    sim_wants(config, FLOE_CANDIDATE_TYPE_HOST);
        for (size_t s = 0; a.open[n] && s < config->server_count; s++) {
            a.requests += 8; /* Allocate, its repetition and TCP's, Binding; and once more each */
        }
    }
    for (size_t n = 0; n < config->interface_count; n++) {
        reflexive(&a, n);
    }
    for (size_t s = 0; s < config->server_count; s++) {
        relays(&a, s);
        failures(&a, s);
    }
    uint64_t last = config->opens_ms;
    if (everything_answers(&a, &last) && last < m->complete_by_ms) {
        m->complete_by_ms = last;
    }
}

/* ── Whether it was so ── */

static bool within(unsigned count, model_range range)
{
    return count >= range.least && count <= range.most;
}

static void outside_of(const sim_config *config, size_t n, char *text, size_t size)
{
    const sim_interface *interface = &config->interfaces[place_of(config, n)];

    if (interface->mapping == SIM_NAT_NONE) {
        (void)snprintf(text, size, "%s", interface->ip);
    } else {
        (void)snprintf(text, size, is_ipv6(interface->ip) ? "2001:db8:ffff::%zx" : "198.51.100.%zu",
                       10 + place_of(config, n));
    }
}

static unsigned candidates_of(const sim_seen *seen, floe_candidate_type type, const char *address,
                              const char *url)
{
    unsigned count = 0;

    for (size_t i = 0; i < seen->candidate_count; i++) {
        const sim_seen_candidate *one = &seen->candidates[i];
        count += one->at_ms <= seen->complete_ms && one->type == type &&
                 one->tcp_type == FLOE_TCP_TYPE_NONE &&
                 (address == NULL || strcmp(one->address, address) == 0) &&
                 (url == NULL || strcmp(one->url, url) == 0);
    }
    return count;
}

static unsigned failures_of(const sim_seen *seen, const char *url)
{
    unsigned count = 0;

    for (size_t i = 0; i < seen->error_count; i++) {
        count += seen->errors[i].at_ms <= seen->complete_ms && seen->errors[i].url_failed &&
                 strcmp(seen->errors[i].url, url) == 0;
    }
    return count;
}

static bool differ(char *why, size_t size, const char *what, const char *of, unsigned seen,
                   model_range range)
{
    (void)snprintf(why, size, "model: %u %s of %s, not %u to %u", seen, what, of, range.least,
                   range.most);
    return false;
}

bool model_agrees(const model *m, const sim_config *config, const sim_seen *seen, char *why,
                  size_t size)
{
    model_range hosts = {m->hosts, m->hosts};
    char of[128];

    if (!m->speaks || seen->start_failed) {
        return true;
    }
    if (seen->completes == 0 || seen->complete_ms > m->complete_by_ms) {
        (void)snprintf(why, size, "model: complete at %u ms, not by %u",
                       (unsigned)seen->complete_ms, (unsigned)m->complete_by_ms);
        return false;
    }
    unsigned count = candidates_of(seen, FLOE_CANDIDATE_TYPE_HOST, NULL, NULL);
    if (!within(count, hosts)) {
        return differ(why, size, "hosts", "this machine", count, hosts);
    }
    for (size_t n = 0; n < config->interface_count; n++) {
        outside_of(config, n, of, sizeof of);
        count = candidates_of(seen, FLOE_CANDIDATE_TYPE_SRFLX, of, NULL);
        if (m->gathered_on[n] && !within(count, m->reflexive[n])) {
            return differ(why, size, "reflexive candidates", of, count, m->reflexive[n]);
        }
    }
    for (size_t s = 0; s < config->server_count; s++) {
        sim_server_url(config, s, of, sizeof of);
        count = candidates_of(seen, FLOE_CANDIDATE_TYPE_RELAY, NULL, of);
        if (!within(count, m->relays[s])) {
            return differ(why, size, "relays", of, count, m->relays[s]);
        }
        count = failures_of(seen, of);
        if (!within(count, m->url_failed[s])) {
            return differ(why, size, "failures", of, count, m->url_failed[s]);
        }
    }
    return true;
}

/* The world of a seed. */
#include "meet.h"

#include "base/bytes.h"

static bool chance(seeded_random *random, unsigned percent)
{
    return seeded_below(random, 100) < percent;
}

static void of_router(seeded_random *random, unsigned n, meet_router *router)
{
    router->translates = n < 3; /* the last is a firewall, for IPv6 */
    router->mapping = (meet_kind)seeded_below(random, 3);
    router->filtering = (meet_kind)seeded_below(random, 3);
    router->icmp = chance(random, 20);
}

static void add_interface(meet_side *side, const char *ip, unsigned router)
{
    meet_interface *one = &side->interfaces[side->interface_count++];

    (void)snprintf(one->ip, sizeof one->ip, "%s", ip);
    one->router = router;
}

static void of_side(seeded_random *random, unsigned n, bool same_link, meet_side *side)
{
    char ip[48];
    bool behind = chance(random, 75);

    if (chance(random, 90)) {
        (void)snprintf(ip, sizeof ip, behind ? "10.0.%u.%u" : "192.0.2.1%u%u", same_link ? 0 : n,
                       2 + n);
        add_interface(side, ip, behind ? (same_link ? 1 : 1 + n) : 0);
    }
    if (side->interface_count == 0 || chance(random, 30)) {
        (void)snprintf(ip, sizeof ip, "2001:db8:%u::%u", n, 2 + n);
        add_interface(side, ip, chance(random, 40) ? 4 - 0 : 0);
        side->interfaces[side->interface_count - 1].router =
            side->interfaces[side->interface_count - 1].router != 0 && n == 0 ? 4 : 0;
    }
    if (chance(random, 20)) {
        (void)snprintf(ip, sizeof ip, "192.168.%u.%u", n, 2 + n);
        add_interface(side, ip, 3);
        if (n == 1) {
            side->interface_count--; /* that link is the first side's alone */
        }
    }
    side->delay_ms = 1 + seeded_below(random, 80);
    side->stun = chance(random, 80);
    side->turn = chance(random, 50);
    side->policy =
        side->turn && chance(random, 15) ? FLOE_GATHER_POLICY_RELAY : FLOE_GATHER_POLICY_ALL;
    side->gather_at_ms = chance(random, 50) ? 0 : seeded_below(random, 3000);
    side->start_at_ms = chance(random, 30) ? 0 : seeded_below(random, 3000);
    side->trickle_ms = chance(random, 30) ? 0 : seeded_below(random, 2000);
    side->hides_hosts = chance(random, 20);
    side->does_not_end = chance(random, 10);
}

void meet_of_seed(uint64_t seed, meet_config *config)
{
    seeded_random random;

    seeded_init(&random, seed);
    seeded_init(&random,
                seeded_next(&random)); /* else the next seed's numbers are these, one later */
    *config = (meet_config){.seed = seed};
    for (unsigned n = 0; n < MEET_ROUTERS; n++) {
        of_router(&random, n, &config->routers[n]);
    }
    bool same_link = chance(&random, 20);
    for (unsigned n = 0; n < 2; n++) {
        of_side(&random, n, same_link, &config->sides[n]);
        config->sides[n].role = chance(&random, 80) ? (floe_ice_role)(1 + n)
                                                    : (floe_ice_role)(1 + seeded_below(&random, 2));
    }
    config->loss = chance(&random, 60) ? 0 : seeded_below(&random, 120);
    config->jitter_ms = chance(&random, 50) ? 0 : seeded_below(&random, 30);
    config->run_ms = 100000;
    if (chance(&random, 30)) {
        config->cut_at_ms = 50000 + seeded_below(&random, 10000);
        config->cut_ms = 500 + seeded_below(&random, 45000);
        config->run_ms = 160000;
    } else if (chance(&random, 40)) {
        config->restart_at_ms = 50000 + seeded_below(&random, 10000);
        config->restart_late_ms = seeded_below(&random, 1000);
        config->restart_both = chance(&random, 70);
        config->run_ms = 160000;
    }
    if (chance(&random, 25)) {
        config->sides[0].tcp = chance(&random, 80);
        config->sides[1].tcp = chance(&random, 80);
        config->no_udp = chance(&random, 30);
    }
}

void meet_plain(meet_config *config, meet_kind mapping, meet_kind filtering)
{
    *config = (meet_config){.seed = 1, .run_ms = 60000};
    for (unsigned n = 0; n < 2; n++) {
        meet_side *side = &config->sides[n];
        config->routers[n] = (meet_router){true, mapping, filtering, false};
        add_interface(side, n == 0 ? "10.0.0.2" : "10.0.1.3", 1 + n);
        side->delay_ms = 12;
        side->stun = true;
        side->role = n == 0 ? FLOE_ICE_ROLE_CONTROLLING : FLOE_ICE_ROLE_CONTROLLED;
    }
}

/* A few packets that are lost or spoiled change nothing: a check is sent seven times. Nor do some candidates more. */
static bool is_wild(const meet_config *config)
{
    unsigned lost = 0;
    unsigned told = 0;

    for (size_t i = 0; i < config->step_count; i++) {
        const meet_step *step = &config->steps[i];
        lost += step->act == MEET_DROP ? 1 + step->value % 4U : step->act == MEET_SPOIL;
        told += step->act == MEET_TELL;
        if (step->act > MEET_TELL) {
            return true;
        }
    }
    return lost > 6 || told > 8;
}

void meet_of_bytes(const uint8_t *bytes, size_t size, meet_config *config)
{
    floe_reader reader = floe_reader_of(bytes, size);
    uint8_t how = floe_read_u8(&reader);
    uint8_t kinds = floe_read_u8(&reader);
    uint8_t more = floe_read_u8(&reader);
    unsigned at = 0;

    meet_plain(config, (meet_kind)(kinds % 3), (meet_kind)(kinds / 3 % 3));
    config->routers[1].mapping = (meet_kind)(kinds / 9 % 3);
    config->routers[2] = config->routers[0];
    for (unsigned n = 0; n < 2; n++) {
        meet_side *side = &config->sides[n];
        side->role = how >> n & 1 ? FLOE_ICE_ROLE_CONTROLLED : FLOE_ICE_ROLE_CONTROLLING;
        side->turn = how >> (2 + n) & 1;
        side->tcp = how >> (4 + n) & 1;
        side->trickle_ms = how & 64 ? 500 : 0;
        side->start_at_ms = n == 0 && how & 128 ? 700 : 0;
        side->options.renomination = (more & 4) != 0;
        if (more >> n & 1) {
            side->interfaces[0] = (meet_interface){.router = 0};
            (void)snprintf(side->interfaces[0].ip, sizeof side->interfaces[0].ip, "192.0.2.1%u%u",
                           n, n + 2);
        }
    }
    if (more & 8) {
        add_interface(&config->sides[0], "192.168.0.2", 3);
    }
    config->restart_both = (more & 16) != 0;
    config->restart_late_ms = more & 32 ? 100 : 0;
    while (floe_reader_left(&reader) > 0 && config->step_count < MEET_STEPS) {
        meet_step *step = &config->steps[config->step_count++];
        uint8_t what = floe_read_u8(&reader);
        unsigned late = floe_read_u8(&reader);
        at += late * late / 10;
        *step = (meet_step){.at_ms = at,
                            .act = (meet_act)(what % 128 % MEET_ACTS),
                            .side = what / 128U,
                            .value = floe_read_u8(&reader)};
    }
    config->wild = is_wild(config);
    config->run_ms = at + 60000;
}

void meet_print(const meet_config *config, FILE *to)
{
    (void)fprintf(to, "seed %llu: loss %u, jitter %u ms, cut at %u for %u ms, restart at %u%s%s\n",
                  (unsigned long long)config->seed, config->loss, config->jitter_ms,
                  config->cut_at_ms, config->cut_ms, config->restart_at_ms,
                  config->restart_both ? " of both" : "", config->no_udp ? ", no UDP" : "");
    for (unsigned n = 0; n < MEET_ROUTERS; n++) {
        const meet_router *router = &config->routers[n];
        (void)fprintf(to, "  router %u: %s mapping %d filtering %d%s\n", n + 1,
                      router->translates ? "NAT" : "firewall", (int)router->mapping,
                      (int)router->filtering, router->icmp ? " ICMP" : "");
    }
    for (unsigned n = 0; n < 2; n++) {
        const meet_side *side = &config->sides[n];
        (void)fprintf(
            to, "  side %u: %s%s%s%s%s%s%s, delay %u, gathers at %u, starts at %u, trickles %u\n",
            n, floe_ice_role_name(side->role), side->stun ? " stun" : "", side->turn ? " turn" : "",
            side->policy == FLOE_GATHER_POLICY_RELAY ? " relay-only" : "",
            side->hides_hosts ? " hides-hosts" : "", side->tcp ? " tcp" : "",
            side->does_not_end ? " does-not-end" : "", side->delay_ms, side->gather_at_ms,
            side->start_at_ms, side->trickle_ms);
        for (size_t i = 0; i < side->interface_count; i++) {
            (void)fprintf(to, "    %s behind %u\n", side->interfaces[i].ip,
                          side->interfaces[i].router);
        }
    }
}

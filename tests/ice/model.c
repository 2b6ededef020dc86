/* A second opinion: whether two sides must find each other, and by when, from the description of the world alone. It
 * knows what NATs do (RFC 4787, and RFC 5128 §3.3 for what passes between two) and nothing of the agent. Where
 * the kinds of two NATs leave it to chance and order, it does not say. */
#include "meet.h"

#include <string.h>

typedef struct place {
    bool sure; /* of what the server shows: where packets are lost, nobody waits for it for ever */
    const meet_side *side;
    const meet_interface *interface;
    const meet_router *router; /* NULL: none */
    bool ipv6;
} place;

static place place_of(const meet_config *config, unsigned side, size_t n, bool sure)
{
    const meet_interface *interface = &config->sides[side].interfaces[n];

    return (place){sure, &config->sides[side], interface,
                   interface->router == 0 ? NULL : &config->routers[interface->router - 1],
                   strchr(interface->ip, ':') != NULL};
}

static bool asks_server(const place *at)
{
    return at->sure && !at->ipv6 && (at->side->stun || at->side->turn);
}

/* The other side is told an address by which it can be reached from outside, if its router lets that in. */
static bool is_known(const place *at)
{
    if (at->router != NULL && at->router->translates) {
        return asks_server(at);
    }
    return !at->side->hides_hosts;
}

static meet_kind mapping_of(const place *at)
{
    return at->router != NULL && at->router->translates ? at->router->mapping
                                                        : MEET_ENDPOINT_INDEPENDENT;
}

static meet_kind filtering_of(const place *at)
{
    return at->router != NULL ? at->router->filtering : MEET_ENDPOINT_INDEPENDENT;
}

/* `a` has one outside address, which `b` knows and sends to: does `a` let that in? */
static bool lets_in(const place *a, const place *b)
{
    if (mapping_of(a) != MEET_ENDPOINT_INDEPENDENT || !is_known(a)) {
        return false;
    }
    switch (filtering_of(a)) {
    case MEET_ENDPOINT_INDEPENDENT: /* what asks a server has opened it; else it has to send to somebody */
        return a->router == NULL || a->router->translates || is_known(b);
    case MEET_ADDRESS_DEPENDENT: /* once it has sent to that IP address itself */
        return is_known(b);
    default:
        return is_known(b) && mapping_of(b) == MEET_ENDPOINT_INDEPENDENT;
    }
}

/* By TCP from the first to the second. */
static bool connects_to(const place *a, const place *b)
{
    return a->side->tcp && b->side->tcp && !b->side->hides_hosts &&
           (b->interface->router == 0 || b->interface->router == a->interface->router);
}

static meet_verdict by_tcp(const place *a, const place *b)
{
    if (a->ipv6 != b->ipv6 || a->side->policy == FLOE_GATHER_POLICY_RELAY ||
        b->side->policy == FLOE_GATHER_POLICY_RELAY) {
        return MEET_CANNOT;
    }
    return connects_to(a, b) || connects_to(b, a) ? MEET_MUST : MEET_CANNOT;
}

static meet_verdict directly(const place *a, const place *b)
{
    if (a->ipv6 != b->ipv6 || a->side->policy == FLOE_GATHER_POLICY_RELAY ||
        b->side->policy == FLOE_GATHER_POLICY_RELAY) {
        return MEET_CANNOT;
    }
    if (a->interface->router != 0 && a->interface->router == b->interface->router) {
        return a->side->hides_hosts && b->side->hides_hosts ? MEET_MAY : MEET_MUST;
    }
    if (lets_in(a, b) || lets_in(b, a)) {
        return MEET_MUST;
    }
    bool both_strict = mapping_of(a) == MEET_ADDRESS_AND_PORT_DEPENDENT &&
                       filtering_of(a) == MEET_ADDRESS_AND_PORT_DEPENDENT &&
                       mapping_of(b) == MEET_ADDRESS_AND_PORT_DEPENDENT &&
                       filtering_of(b) == MEET_ADDRESS_AND_PORT_DEPENDENT;
    return both_strict || (!is_known(a) && !is_known(b)) ? MEET_CANNOT : MEET_MAY;
}

static bool has_relay(const meet_side *side)
{
    bool ipv4 = false;

    for (size_t i = 0; i < side->interface_count; i++) {
        ipv4 = ipv4 || strchr(side->interfaces[i].ip, ':') == NULL;
    }
    return side->turn && ipv4;
}

/* By a relay of the first side's: the second reaches it, and it lets in whom it knows. */
static meet_verdict by_relay(const meet_config *config, unsigned n, bool sure)
{
    const meet_side *other = &config->sides[1 - n];
    meet_verdict verdict = MEET_CANNOT;

    if (!sure || config->no_udp || !has_relay(&config->sides[n])) {
        return MEET_CANNOT;
    }
    if (has_relay(other)) {
        return MEET_MUST;
    }
    for (size_t i = 0; i < other->interface_count; i++) {
        place at = place_of(config, 1 - n, i, sure);
        if (!at.ipv6 && other->policy != FLOE_GATHER_POLICY_RELAY) {
            meet_verdict one = is_known(&at) ? MEET_MUST : MEET_MAY;
            verdict = one > verdict ? one : verdict;
        }
    }
    return verdict;
}

/* Both sides are seen by ever new ports, and each answers from another one: checks call forth others for long. */
static bool may_echo(const meet_config *config)
{
    bool echoes[2] = {false, false};

    for (unsigned n = 0; n < 2; n++) {
        for (size_t i = 0; i < config->sides[n].interface_count; i++) {
            place at = place_of(config, n, i, true);
            echoes[n] = echoes[n] || mapping_of(&at) != MEET_ENDPOINT_INDEPENDENT;
        }
    }
    return echoes[0] && echoes[1];
}

/* From the latest of all that has to be there: a gathering takes a second at most, where nothing is lost. */
static unsigned by_when(const meet_config *config)
{
    unsigned at = 0;

    for (unsigned n = 0; n < 2; n++) {
        const meet_side *side = &config->sides[n];
        unsigned told = side->gather_at_ms + side->trickle_ms;
        at = told > at ? told : at;
        at = side->start_at_ms > at ? side->start_at_ms : at;
    }
    return at + (config->loss > 0 ? 35000 : 4000) + (may_echo(config) ? 15000 : 0);
}

static meet_model with(const meet_config *config, bool sure)
{
    meet_model model = {.connects = MEET_CANNOT, .directly = MEET_CANNOT};

    for (size_t i = 0; i < config->sides[0].interface_count; i++) {
        for (size_t k = 0; k < config->sides[1].interface_count; k++) {
            place a = place_of(config, 0, i, sure);
            place b = place_of(config, 1, k, sure);
            meet_verdict one = config->no_udp ? MEET_CANNOT : directly(&a, &b);
            meet_verdict other = by_tcp(&a, &b);
            one = other > one ? other : one;
            model.directly = one > model.directly ? one : model.directly;
        }
    }
    model.connects = model.directly;
    for (unsigned n = 0; n < 2; n++) {
        meet_verdict one = by_relay(config, n, sure);
        model.connects = one > model.connects ? one : model.connects;
    }
    return model;
}

static meet_verdict both(meet_verdict hopes, meet_verdict fears)
{
    return hopes == fears ? hopes : MEET_MAY;
}

meet_model meet_model_of(const meet_config *config)
{
    meet_model model = with(config, true);

    if (config->loss > 0) {
        meet_model fears = with(config, false);
        model.connects = both(model.connects, fears.connects);
        model.directly = both(model.directly, fears.directly);
    }
    model.by_ms = by_when(config);
    return model;
}

static bool ends(const meet_config *config)
{
    return !config->sides[0].does_not_end && !config->sides[1].does_not_end;
}

/* Nothing arrives for so long: what is told of it, and when, and what is left behind it. */
static bool cut_agrees(const meet_config *config, const meet_seen *seen, unsigned n, char *why,
                       size_t size)
{
    /* After 5 s, and one more for each pair that could take over. */
    unsigned late = config->cut_at_ms + 5000 + 500 + 3000 + 2 * config->jitter_ms;

    for (unsigned i = 0; i < 2; i++) {
        late += config->sides[i].delay_ms;
    }
    if (config->cut_ms > 7000 && config->loss == 0 &&
        (seen->disconnected_ms > late || seen->disconnected_ms < config->cut_at_ms)) {
        (void)snprintf(why, size, "I10: side %u is disconnected after %d ms, and the cut at %u", n,
                       (int)seen->disconnected_ms, config->cut_at_ms);
        return false;
    }
    /* What had lapsed may be found again when the cut is over; there is nothing between that and the end. (Where packets are
     * lost, each side's checks may call forth the other's for longer than the world lasts.) */
    if (config->cut_ms > 37000 && config->loss == 0 && ends(config) && !may_echo(config) &&
        seen->state != FLOE_ICE_STATE_FAILED && seen->state != FLOE_ICE_STATE_COMPLETED) {
        (void)snprintf(why, size, "side %u is %s behind a cut of %u ms", n,
                       floe_ice_state_name(seen->state), config->cut_ms);
        return false;
    }
    return true;
}

bool meet_model_agrees(const meet_config *config, const meet_report *report, char *why, size_t size)
{
    meet_model model = meet_model_of(config);

    for (unsigned n = 0; n < 2; n++) {
        const meet_seen *seen = &report->sides[n];
        if (model.connects == MEET_MUST && seen->connected_ms > model.by_ms) {
            (void)snprintf(why, size, "side %u must be connected after %u ms, and is after %d", n,
                           model.by_ms, (int)seen->connected_ms);
            return false;
        }
        if (model.connects == MEET_CANNOT && seen->connected_ms != UINT32_MAX) {
            (void)snprintf(why, size, "side %u is connected, and cannot be", n);
            return false;
        }
        if (model.connects == MEET_CANNOT && ends(config) && seen->state != FLOE_ICE_STATE_FAILED) {
            (void)snprintf(why, size, "side %u is %s, and should have failed", n,
                           floe_ice_state_name(seen->state));
            return false;
        }
        if (model.connects == MEET_MUST && config->cut_ms > 0 && !config->cuts_first &&
            !cut_agrees(config, seen, n, why, size)) {
            return false;
        }
        if (model.connects == MEET_MUST && ends(config) && config->cut_ms < 20000 &&
            seen->state != FLOE_ICE_STATE_COMPLETED &&
            (seen->state != FLOE_ICE_STATE_CONNECTED || !may_echo(config))) {
            (void)snprintf(why, size, "side %u is %s, and should be completed", n,
                           floe_ice_state_name(seen->state));
            return false;
        }
        /* I11. (Where ports change, what was sent before may come when its way is gone.) */
        if (model.connects == MEET_MUST && config->restart_at_ms > 0 && config->loss == 0 &&
            seen->came != report->sides[1 - n].sent + report->probes) {
            (void)snprintf(why, size, "side %u has had %u packets of %u", n, seen->came,
                           report->sides[1 - n].sent + report->probes);
            return false;
        }
        if (model.connects == MEET_MUST && seen->came == 0) {
            (void)snprintf(why, size, "side %u has had no data", n);
            return false;
        }
    }
    bool both_say = report->sides[0].state == FLOE_ICE_STATE_COMPLETED &&
                    report->sides[1].state == FLOE_ICE_STATE_COMPLETED;
    if (((model.connects == MEET_MUST && config->cut_ms < 20000) || both_say) &&
        !report->same_pair) {
        (void)snprintf(why, size, "the two sides have not chosen the same pair");
        return false;
    }
    bool by_relay = report->sides[0].selected.local_type == FLOE_CANDIDATE_TYPE_RELAY ||
                    report->sides[0].selected.remote_type == FLOE_CANDIDATE_TYPE_RELAY;
    unsigned apart = config->sides[0].start_at_ms > config->sides[1].start_at_ms
                         ? config->sides[0].start_at_ms - config->sides[1].start_at_ms
                         : config->sides[1].start_at_ms - config->sides[0].start_at_ms;
    unsigned late = config->sides[0].trickle_ms + config->sides[1].trickle_ms +
                    config->sides[0].gather_at_ms + config->sides[1].gather_at_ms + apart;
    if (model.directly == MEET_MUST && config->loss == 0 && config->cut_ms == 0 && late == 0 &&
        by_relay) {
        (void)snprintf(why, size, "a relay is chosen, and a direct pair works");
        return false;
    }
    return true;
}

bool meet_ends_well(const meet_config *config, const meet_report *report, char *why, size_t size)
{
    if (meet_model_of(config).connects != MEET_MUST) {
        return true;
    }
    for (unsigned n = 0; n < 2; n++) {
        floe_ice_state state = report->sides[n].state;
        if (state != FLOE_ICE_STATE_COMPLETED && state != FLOE_ICE_STATE_CONNECTED) {
            (void)snprintf(why, size, "side %u is %s in the end", n, floe_ice_state_name(state));
            return false;
        }
    }
    if (!report->same_pair) {
        (void)snprintf(why, size, "the two sides have not chosen the same pair");
    }
    return report->same_pair;
}

#include "cli/verdict.h"

#include <floe/address.h>
#include <stdio.h>
#include <string.h>

const char *nat_kind_name(nat_kind kind)
{
    static const char *const names[] = {NULL, "none", "one-server", "keeps-port", "changes-port"};

    return names[kind];
}

static void note(way_facts *way, bool works)
{
    way->tried = true;
    way->works = way->works || works;
}

static void take_exchange(network_facts *facts, const floe_server_statistics *of)
{
    bool works = of->responses > 0;
    bool connected = of->transport == FLOE_PROTOCOL_TCP || of->transport == FLOE_PROTOCOL_TLS;
    bool ipv6 = strchr(of->server_address, ':') != NULL;

    if (of->requests > 0 || of->reason != FLOE_FAILURE_REASON_NONE) {
        note(connected ? &facts->connected : &facts->udp, works);
        note(ipv6 ? &facts->ipv6 : &facts->ipv4, works);
    }
}

static void take_candidate(network_facts *facts, const floe_candidate *candidate)
{
    bool relay = candidate->type == FLOE_CANDIDATE_TYPE_RELAY;
    bool datagrams = candidate->relay_protocol == FLOE_PROTOCOL_UDP ||
                     candidate->relay_protocol == FLOE_PROTOCOL_DTLS;

    facts->srflx |= candidate->type == FLOE_CANDIDATE_TYPE_SRFLX;
    facts->relays += relay;
    facts->relay_by_udp |= relay && datagrams;
    facts->relay_by_connection |= relay && !datagrams;
    facts->ipv6_here |=
        candidate->type == FLOE_CANDIDATE_TYPE_HOST && candidate->family == FLOE_FAMILY_IPV6;
}

/* How many places have answered a Binding of this socket of IPv4. */
static size_t places_of(const floe_gatherer_statistics *all, const floe_server_statistics *first)
{
    size_t places = 0;

    for (size_t i = 0; i < all->server_count; i++) {
        const floe_server_statistics *of = all->servers[i];
        places += strcmp(of->method, "Binding") == 0 && of->responses > 0 && of->address != NULL &&
                  strcmp(of->address, first->address) == 0 && of->port == first->port;
    }
    return places;
}

static size_t mappings_of(const floe_gatherer_statistics *all, const floe_server_statistics *first)
{
    size_t mappings = 0;

    for (size_t i = 0; i < all->candidate_count; i++) {
        const floe_candidate *one = all->candidates[i]->candidate;
        mappings += one->type == FLOE_CANDIDATE_TYPE_SRFLX && one->related_address != NULL &&
                    strcmp(one->related_address, first->address) == 0 &&
                    one->related_port == first->port;
    }
    return mappings;
}

/* Of the first socket of IPv4 whose Binding was answered. */
static nat_kind nat_of(const floe_gatherer_statistics *all)
{
    for (size_t i = 0; i < all->server_count; i++) {
        const floe_server_statistics *of = all->servers[i];
        if (of->address == NULL || strchr(of->address, '.') == NULL ||
            strcmp(of->method, "Binding") != 0 || of->responses == 0) {
            continue;
        }
        size_t mappings = mappings_of(all, of);
        return mappings == 0            ? NAT_NONE
               : mappings > 1           ? NAT_CHANGES
               : places_of(all, of) > 1 ? NAT_KEEPS
                                        : NAT_ONE_SERVER;
    }
    return NAT_UNKNOWN;
}

network_facts network_facts_of(const floe_gatherer_statistics *statistics)
{
    network_facts facts = {0};

    for (size_t i = 0; i < statistics->server_count; i++) {
        take_exchange(&facts, statistics->servers[i]);
    }
    for (size_t i = 0; i < statistics->candidate_count; i++) {
        take_candidate(&facts, statistics->candidates[i]->candidate);
    }
    facts.nat = nat_of(statistics);
    return facts;
}

void network_facts_add_failure(network_facts *facts, floe_protocol transport,
                               floe_failure_reason reason)
{
    bool connected = transport == FLOE_PROTOCOL_TCP || transport == FLOE_PROTOCOL_TLS;

    if (reason == FLOE_FAILURE_REASON_TIMEOUT || reason == FLOE_FAILURE_REASON_REFUSED ||
        reason == FLOE_FAILURE_REASON_UNREACHABLE) {
        note(connected ? &facts->connected : &facts->udp, false);
    }
}

static const char *way_text(const way_facts *way, const char *works, const char *fails)
{
    return !way->tried ? "" : way->works ? works : fails;
}

void network_text(const network_facts *facts, char *text, size_t size)
{
    static const char *const nats[] = {
        [NAT_UNKNOWN] = "",
        [NAT_NONE] = "no NAT over IPv4",
        [NAT_ONE_SERVER] = "a NAT",
        [NAT_KEEPS] = "the NAT keeps one port for all servers",
        [NAT_CHANGES] = "the NAT gives each server another port",
    };
    const char *parts[] = {
        way_text(&facts->udp, "UDP works", "no answer over UDP"),
        way_text(&facts->connected, "TCP works", "no answer over TCP"),
        way_text(&facts->ipv6, "IPv6 works", "no answer over IPv6"),
        facts->ipv6_here && !facts->ipv6.tried && facts->ipv4.tried ? "IPv6 was not tried" : "",
        nats[facts->nat],
    };
    size_t used = 0;

    *text = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof *parts && used < size; i++) {
        if (*parts[i] != '\0') {
            int wrote = snprintf(&text[used], size - used, "%s%s", used > 0 ? ", " : "", parts[i]);
            used += wrote > 0 ? (size_t)wrote : 0;
        }
    }
}

void verdict_text(const network_facts *facts, char *text, size_t size)
{
    bool relay = facts->relays > 0;
    const char *verdict = "";

    if (!facts->udp.tried && !facts->connected.tried) {
        verdict = "";
    } else if (!facts->udp.works && !facts->connected.works) {
        verdict = "no server answers: calls work within this network at most";
    } else if (!facts->udp.works && facts->udp.tried) {
        verdict = relay
                      ? "UDP is blocked here, or its servers are down: calls will work only by the "
                        "relay over TCP or TLS"
                      : "UDP is blocked here, or its servers are down: calls will fail without a "
                        "relay over TCP or TLS";
    } else if (!facts->udp.tried) {
        verdict = relay ? "calls will work by the relay; whether UDP gets out was not tried" : "";
    } else if (facts->nat == NAT_CHANGES) {
        verdict = relay
                      ? "direct calls will often fail behind such a NAT; the relay will carry them"
                      : "direct calls will often fail behind such a NAT, and there is no relay";
    } else if (facts->nat == NAT_ONE_SERVER) {
        verdict =
            relay ? "calls will work: directly if the NAT keeps its port (a second server tells), "
                    "else by the relay"
                  : "direct calls will work if the NAT keeps its port: a second stun: server "
                    "tells";
    } else if (facts->nat == NAT_UNKNOWN) {
        verdict = relay ? "calls will work by the relay at least" : "";
    } else {
        verdict = relay ? "direct calls should work, and a relay is there if not"
                        : "direct calls should work; without a relay some will not";
    }
    (void)snprintf(text, size, "%s", verdict);
}

#include "cli/verdict.h"

#include <stdio.h>
#include <string.h>

const char *nat_kind_name(nat_kind kind)
{
    static const char *const names[] = {NULL, "none", "one-server", "keeps-port", "changes-port"};

    return names[kind];
}

/* What answers so has got our packets, and is not what was asked for. */
static bool is_strange(floe_failure_reason reason)
{
    return reason == FLOE_FAILURE_REASON_BAD_ANSWER || reason == FLOE_FAILURE_REASON_TLS ||
           reason == FLOE_FAILURE_REASON_CLOSED;
}

static void note(way_facts *way, bool works, floe_failure_reason reason)
{
    way->tried = true;
    way->works = way->works || works;
    way->strange = way->strange || is_strange(reason);
}

static void take_exchange(network_facts *facts, const floe_server_statistics *of)
{
    bool works = of->responses > 0;
    bool connected = of->transport == FLOE_PROTOCOL_TCP || of->transport == FLOE_PROTOCOL_TLS;
    bool ipv6 = strchr(of->server_address, ':') != NULL;

    if (of->requests > 0 || of->reason != FLOE_FAILURE_REASON_NONE) {
        note(connected ? &facts->connected : &facts->udp, works, of->reason);
        note(ipv6 ? &facts->ipv6 : &facts->ipv4, works, of->reason);
    }
}

static bool is_private(const char *text)
{
    floe_address address;

    if (floe_address_parse(text, &address) != FLOE_OK &&
        floe_address_parse_with_port(text, &address) != FLOE_OK) {
        return false;
    }
    floe_address_kind kind = floe_address_classify(&address);
    return kind == FLOE_ADDRESS_PRIVATE || kind == FLOE_ADDRESS_SHARED ||
           kind == FLOE_ADDRESS_LOOPBACK;
}

bool is_private_relay(const char *relay, const char *server)
{
    return is_private(relay) && !is_private(server);
}

void private_relay_text(const char *relay, char *text, size_t size)
{
    (void)snprintf(text, size, "relayed address %s is private: does the server lack --external-ip?",
                   relay);
}

/* Of a relay whose server may be at any of several addresses, by all of them. */
static bool is_lost_to_the_world(const floe_gatherer_statistics *all, const floe_candidate *relay)
{
    bool lost = false;

    for (size_t i = 0; i < all->server_count; i++) {
        const floe_server_statistics *of = all->servers[i];
        if (of->progress == FLOE_SERVER_PROGRESS_SUCCEEDED && strcmp(of->method, "Allocate") == 0 &&
            relay->url != NULL && strcmp(of->url, relay->url) == 0) {
            lost = is_private_relay(relay->address, of->server_address);
            if (!lost) {
                return false;
            }
        }
    }
    return lost;
}

static void take_candidate(network_facts *facts, const floe_gatherer_statistics *all,
                           const floe_candidate *candidate, bool proxied)
{
    bool relay = candidate->type == FLOE_CANDIDATE_TYPE_RELAY;

    facts->ipv6_here |=
        candidate->type == FLOE_CANDIDATE_TYPE_HOST && candidate->family == FLOE_FAMILY_IPV6;
    if (relay && !proxied && is_lost_to_the_world(all, candidate)) {
        (void)snprintf(facts->private_relay, sizeof facts->private_relay, "%s", candidate->address);
    } else {
        facts->relays += relay;
    }
}

/* A name that stands for an address (mDNS) says nothing of a NAT: what is mapped may be the address itself. */
static bool is_ipv4(const char *text)
{
    floe_address address;

    return floe_address_parse(text, &address) == FLOE_OK && address.family == FLOE_FAMILY_IPV4;
}

/* Whether it has shown how a socket of IPv4 looks from beyond the NAT: an error shows nothing, and a server with a private
 * address may be on this side. */
static bool shows(const floe_server_statistics *of, const char *method)
{
    return of->progress == FLOE_SERVER_PROGRESS_SUCCEEDED && of->responses > 0 &&
           strcmp(of->method, method) == 0 && of->transport == FLOE_PROTOCOL_UDP &&
           of->address != NULL && is_ipv4(of->address) && !is_private(of->server_address);
}

static bool same_place(const floe_server_statistics *a, const floe_server_statistics *b)
{
    return a->server_port == b->server_port && strcmp(a->server_address, b->server_address) == 0;
}

static bool same_socket(const floe_server_statistics *a, const floe_server_statistics *b)
{
    return a->port == b->port && strcmp(a->address, b->address) == 0;
}

/* How many places have shown it to this socket. */
static size_t places_of(const floe_gatherer_statistics *all, const floe_server_statistics *first)
{
    size_t places = 0;

    for (size_t i = 0; i < all->server_count; i++) {
        const floe_server_statistics *of = all->servers[i];
        bool again = !(shows(of, "Binding") || shows(of, "Allocate")) || !same_socket(of, first);
        for (size_t j = 0; j < i && !again; j++) {
            const floe_server_statistics *before = all->servers[j];
            again = (shows(before, "Binding") || shows(before, "Allocate")) &&
                    same_socket(before, first) && same_place(before, of);
        }
        places += !again;
    }
    return places;
}

/* Whether one of the URL's servers is beyond the NAT. */
static bool is_beyond(const floe_gatherer_statistics *all, const char *url)
{
    for (size_t i = 0; url != NULL && i < all->server_count; i++) {
        const floe_server_statistics *of = all->servers[i];
        if (strcmp(of->url, url) == 0 && !is_private(of->server_address)) {
            return true;
        }
    }
    return false;
}

static size_t mappings_of(const floe_gatherer_statistics *all, const floe_server_statistics *first)
{
    size_t mappings = 0;

    for (size_t i = 0; i < all->candidate_count; i++) {
        const floe_candidate *one = all->candidates[i]->candidate;
        mappings += one->type == FLOE_CANDIDATE_TYPE_SRFLX && one->related_address != NULL &&
                    strcmp(one->related_address, first->address) == 0 &&
                    one->related_port == first->port && is_beyond(all, one->url);
    }
    return mappings;
}

/* Of the first socket of IPv4 to which one was shown; by an Allocate alone that there is none is not known, as candidates
 * of that kind may not be wanted. */
static nat_kind nat_of(const floe_gatherer_statistics *all)
{
    static const char *const methods[] = {"Binding", "Allocate"};

    for (size_t i = 0; i < 2 * all->server_count; i++) {
        bool binding = i < all->server_count;
        const floe_server_statistics *of = all->servers[i % all->server_count];
        if (!shows(of, methods[!binding])) {
            continue;
        }
        size_t mappings = mappings_of(all, of);
        if (mappings > 0 || binding) {
            return mappings == 0            ? NAT_NONE
                   : mappings > 1           ? NAT_CHANGES
                   : places_of(all, of) > 1 ? NAT_KEEPS
                                            : NAT_ONE_SERVER;
        }
    }
    return NAT_UNKNOWN;
}

network_facts network_facts_of(const floe_gatherer_statistics *statistics, bool proxied)
{
    network_facts facts = {0};

    for (size_t i = 0; i < statistics->server_count; i++) {
        take_exchange(&facts, statistics->servers[i]);
    }
    for (size_t i = 0; i < statistics->candidate_count; i++) {
        take_candidate(&facts, statistics, statistics->candidates[i]->candidate, proxied);
    }
    facts.nat = nat_of(statistics);
    return facts;
}

void network_facts_add_failure(network_facts *facts, floe_protocol transport,
                               floe_failure_reason reason)
{
    bool connected = transport == FLOE_PROTOCOL_TCP || transport == FLOE_PROTOCOL_TLS;

    if (reason == FLOE_FAILURE_REASON_TIMEOUT || reason == FLOE_FAILURE_REASON_REFUSED ||
        reason == FLOE_FAILURE_REASON_UNREACHABLE || is_strange(reason)) {
        note(connected ? &facts->connected : &facts->udp, false, reason);
    }
}

static const char *way_text(const way_facts *way, const char *works, const char *strange,
                            const char *fails)
{
    return !way->tried ? "" : way->works ? works : way->strange ? strange : fails;
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
        way_text(&facts->udp, "UDP works", "over UDP something answers that is no usable server",
                 "no answer over UDP"),
        way_text(&facts->connected, "TCP works",
                 "over TCP something answers that is no usable server", "no answer over TCP"),
        way_text(&facts->ipv6, "IPv6 works", "", "no answer over IPv6"),
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

/* By UDP nothing is had. */
static const char *without_udp(const network_facts *facts)
{
    return facts->udp.strange
               ? (facts->relays > 0
                      ? "what answers by UDP is no usable server: calls go by the relay over TCP "
                        "or TLS at least"
                      : "what answers by UDP is no usable server: calls will fail without a relay")
               : (facts->relays > 0
                      ? "UDP is blocked here, or its servers are down: calls go only by the relay "
                        "over TCP or TLS"
                      : "UDP is blocked here, or its servers are down: calls will fail without a "
                        "relay over TCP or TLS");
}

static const char *verdict_of(const network_facts *facts)
{
    bool relay = facts->relays > 0;

    if (!facts->udp.tried && !facts->connected.tried) {
        return "";
    }
    if (!facts->udp.works && !facts->connected.works) {
        return facts->udp.strange || facts->connected.strange
                   ? "something answers, but no usable server: calls work within this network at "
                     "most"
                   : "no server answers: calls work within this network at most";
    }
    if (!facts->udp.tried) {
        return relay ? "no server was asked over UDP: calls go by the relay" : "";
    }
    if (!facts->udp.works) {
        return without_udp(facts);
    }
    switch (facts->nat) {
    case NAT_CHANGES:
        return relay ? "direct calls will often fail behind such a NAT, and go by the relay"
                     : "direct calls will often fail behind such a NAT, and there is no relay";
    case NAT_ONE_SERVER:
        return relay ? "calls go directly if the NAT keeps its port (a second server tells), else "
                       "by the relay"
                     : "direct calls will work if the NAT keeps its port: a second stun: server "
                       "tells";
    case NAT_UNKNOWN:
        return relay ? "calls go by the relay at least" : "";
    case NAT_NONE:
    case NAT_KEEPS:
        break;
    }
    return relay ? "direct calls should work, and go by the relay if not"
                 : "direct calls should work; without a relay some will not";
}

/* Nothing was sent by the relay. */
void verdict_text(const network_facts *facts, char *text, size_t size)
{
    (void)snprintf(text, size, "%s%s", verdict_of(facts),
                   facts->relays > 0 ? " (not tried: floe turn check does)" : "");
}

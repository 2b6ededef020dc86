/* Things that are counted a second, beside libnice where it is: rewrite rules looked up, candidates
 * read and written; what a packet by a relay costs the core, and a gathering on many addresses. One JSON object. */
#include "base/address.h"
#include "core/config/rewrite.h"
#include "core/config/shared.h"
#include "cost/many.h"
#include "cost/relayed.h"
#include "cost/shared_port.h"

#include <floe/core.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef HAVE_NICE
#include <nice/agent.h>
#endif

static double now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static floe_error fill_zero(void *user_data, void *bytes, size_t size)
{
    (void)user_data;
    memset(bytes, 0, size);
    return FLOE_OK;
}

#define RULES 1000
#define ADDRESSES 100

/* The worst case of a look-up: a table of rules with `local`, none of which matches but the last.
 */
static double look_up_us(void)
{
    static const floe_random random = {.fill = fill_zero};
    static floe_address_rewrite_rule rules[RULES];
    static char texts[RULES][32];
    static const char *external[] = {"203.0.113.5"};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_core_shared *shared;
    size_t found = 0;

    for (size_t i = 0; i < RULES; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "10.%zu.%zu.2", i / 250, i % 250);
        rules[i] = (floe_address_rewrite_rule)FLOE_ADDRESS_REWRITE_RULE_INIT;
        rules[i].external = external;
        rules[i].external_count = 1;
        rules[i].local = texts[i];
    }
    settings.address_rewrite_rules = rules;
    settings.address_rewrite_rule_count = RULES;
    if (floe_core_shared_new(&settings, &random, &shared) != FLOE_OK) {
        return -1;
    }
    double from = now();
    for (size_t round = 0; round < 100; round++) {
        for (size_t i = 0; i < ADDRESSES; i++) {
            floe_address local = floe_address_ipv4(0x0a000002U + (uint32_t)((900 + i) / 250 << 16) +
                                                       (uint32_t)((900 + i) % 250 << 8),
                                                   5);
            found +=
                floe_rewrite_for(shared, FLOE_CANDIDATE_TYPE_HOST, false, &local, "eth0") != NULL;
        }
    }
    double taken = now() - from;
    floe_core_shared_free(shared);
    return found == 100 * ADDRESSES ? taken * 1e6 / (100 * ADDRESSES) : -1;
}

#define PACKETS 200000

/* To each of its peers in turn. */
static double packet_us(relayed *r, size_t peers, bool (*once)(relayed *r, size_t peer))
{
    double from = now();

    for (size_t i = 0; i < PACKETS; i++) {
        if (!once(r, i * 7 % peers)) {
            abort();
        }
    }
    return (now() - from) * 1e6 / PACKETS;
}

static void print_packets(size_t peers)
{
    relayed *r = relayed_new(peers);

    if (r == NULL) {
        abort();
    }
    (void)printf("\"packet_out_us_%zu\":%.2f,", peers, packet_us(r, peers, relayed_send));
    (void)printf("\"packet_in_us_%zu\":%.2f,", peers, packet_us(r, peers, relayed_receive));
    relayed_free(r);
}

static double port_us(shared_port *s, size_t gatherers, bool (*once)(shared_port *s, size_t n))
{
    double from = now();

    for (size_t i = 0; i < PACKETS; i++) {
        if (!once(s, i * 7 % gatherers)) {
            abort();
        }
    }
    return (now() - from) * 1e6 / PACKETS;
}

/* H3. */
static void print_port(size_t gatherers)
{
    shared_port *s = shared_port_new(gatherers);

    if (s == NULL) {
        abort();
    }
    (void)printf("\"port_in_us_%zu\":%.3f,", gatherers, port_us(s, gatherers, shared_port_data));
    (void)printf("\"port_out_us_%zu\":%.3f,", gatherers, port_us(s, gatherers, shared_port_send));
    (void)printf("\"port_check_us_%zu\":%.3f,", gatherers,
                 port_us(s, gatherers, shared_port_check));
    (void)printf("\"port_stranger_us_%zu\":%.3f,", gatherers,
                 port_us(s, PACKETS, shared_port_stranger));
    shared_port_free(s);
}

/* The work of a gathering on 200 addresses from 10 servers, and of whoever answers; the best of five. */
static double many_ms(many_kind kind)
{
    double best = 0;

    for (int i = 0; i < 5; i++) {
        double from = now();
        if (!many_gather(200, 10, kind).complete) {
            abort();
        }
        double taken = (now() - from) * 1e3;
        best = i == 0 || taken < best ? taken : best;
    }
    return best;
}

static const char line[] =
    "candidate:842163049 1 udp 1677729535 203.0.113.1 40000 typ srflx raddr 10.0.1.2 rport 40000";
#define TIMES 200000

static void floe_text(double *parse, double *format)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];
    floe_candidate *candidate;

    double from = now();
    for (int i = 0; i < TIMES; i++) {
        if (floe_candidate_parse(line, &candidate) != FLOE_OK) {
            abort();
        }
        floe_candidate_free(candidate);
    }
    *parse = TIMES / (now() - from);
    (void)floe_candidate_parse(line, &candidate);
    from = now();
    for (int i = 0; i < TIMES; i++) {
        (void)floe_candidate_format(candidate, text, sizeof text);
    }
    *format = TIMES / (now() - from);
    floe_candidate_free(candidate);
}

#ifdef HAVE_NICE
static void nice_text(double *parse, double *format)
{
    NiceAgent *agent = nice_agent_new(NULL, NICE_COMPATIBILITY_RFC5245);
    guint stream = nice_agent_add_stream(agent, 1);
    char sdp[sizeof line + 2];

    (void)snprintf(sdp, sizeof sdp, "a=%s", line);
    double from = now();
    for (int i = 0; i < TIMES; i++) {
        NiceCandidate *candidate = nice_agent_parse_remote_candidate_sdp(agent, stream, sdp);
        if (candidate == NULL) {
            abort();
        }
        nice_candidate_free(candidate);
    }
    *parse = TIMES / (now() - from);
    NiceCandidate *candidate = nice_agent_parse_remote_candidate_sdp(agent, stream, sdp);
    from = now();
    for (int i = 0; i < TIMES; i++) {
        g_free(nice_agent_generate_local_candidate_sdp(agent, candidate));
    }
    *format = TIMES / (now() - from);
    nice_candidate_free(candidate);
    g_object_unref(agent);
}
#else
static void nice_text(double *parse, double *format)
{
    *parse = *format = 0;
}
#endif

int main(void)
{
    double parse;
    double format;
    double nice_parse;
    double nice_format;

    floe_text(&parse, &format);
    nice_text(&nice_parse, &nice_format);
    (void)printf("{");
    print_packets(10);
    print_packets(1000);
    print_packets(4000);
    print_port(1);
    print_port(10000);
    (void)printf("\"many_stun_ms\":%.1f,\"many_turn_ms\":%.1f,", many_ms(MANY_ANSWER),
                 many_ms(MANY_RELAYS));
    (void)printf("\"rewrite_look_up_us\":%.2f,\"parse\":%.0f,\"format\":%.0f,\"nice_parse\":%.0f,"
                 "\"nice_format\":%.0f}\n",
                 look_up_us(), parse, format, nice_parse, nice_format);
    return 0;
}

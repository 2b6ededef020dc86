/* Metamorphic pairs: a world once more, by a way that must not matter. Both must come to the same: no
 * model says what that is. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

/* Nothing is cut short or lost: what is found is no matter of when. */
static bool is_calm(const sim_config *config)
{
    const floe_settings *settings = &config->settings;

    return config->loss == 0 && config->action_count == 0 && config->close_at_ms == 0 &&
           config->remap_at_ms == 0 && !config->pool && config->gather_at_ms == 0 &&
           settings->gather_timeout_ms >= 30000 && settings->straggler_grace_ms >= 30000;
}

/* In any world all goes on as it does, to the nanosecond, however hosts are spelt (S4), and whenever
 * the options are set again that there are (L12); but a pool is thrown away by whatever options
 * (L10). In another order, and when sockets are open later, requests go at other times: then what is
 * lost, and what a timeout cuts short, is not the same. So these two are for calm worlds. */
bool sim_same_way(const sim_config *config, sim_config *other)
{
    uint64_t way = config->seed / 2;

    *other = *config;
    if (config->seed % 2 != 0) {
        return false;
    }
    if (is_calm(config) && way % 4 < 2) {
        other->backwards = way % 4 == 0;
        other->opens_ms = way % 4 == 1 ? 300 : 0;
    } else {
        other->same_options = way % 2 == 0 && !config->pool;
        other->respelt = !other->same_options;
    }
    return true;
}

typedef struct found_set {
    char lines[2 * SIM_SEEN_MAX][384];
    size_t count;
} found_set;

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* T1: of an interface with addresses of both families, and a server with both, it is by the family
 * that answers first that there is a relay. */
static bool is_by_who_is_first(const sim_config *config, const sim_server *server)
{
    for (size_t i = 0; *server->other_ip != '\0' && i < config->interface_count; i++) {
        for (size_t k = 0; k < i; k++) {
            bool one_is_ipv6 = strchr(config->interfaces[i].ip, ':') != NULL;
            bool other_is_ipv6 = strchr(config->interfaces[k].ip, ':') != NULL;
            if (strcmp(config->interfaces[i].name, config->interfaces[k].name) == 0 &&
                one_is_ipv6 != other_is_ipv6) {
                return true;
            }
        }
    }
    return false;
}

/* What no rule promises, as it hangs on who comes first: which relays a server gives that has room
 * for two; of two URLs that lead to one 5-tuple, whose the allocation is (T4); which ones are lost by
 * a nonce that a copy has used up, or not had again yet of a server that forgets (T7); how far one
 * comes that falls silent after so many pieces, copies among them. */
static bool is_promised(const sim_config *config, const char *of)
{
    for (size_t n = 0; n < config->server_count; n++) {
        const sim_server *server = &config->servers[n];
        char url[128];
        sim_server_url(config, n, url, sizeof url);
        if (strcmp(url, of) == 0) {
            bool used_up =
                server->nonce == SIM_NONCE_ONE_USE &&
                (config->duplication > 0 || config->jitter_ms > 0 || server->round_trip_ms >= 400);
            return server->temper != SIM_FULL_AFTER_TWO && server->temper != SIM_FORGETS &&
                   server->temper != SIM_HANGS && server->redirect == 0 &&
                   !sim_is_redirected_to(config, n) && !used_up &&
                   !is_by_who_is_first(config, server);
        }
    }
    return true;
}

/* Not ports, which sockets and NATs give in turn; nor by which server's URL a reflexive candidate is
 * told, which is the one whose answer comes first (R3); nor whose of several is the active one for
 * TCP, of which one is told. Of errors, which URLs give nothing at all: by which code is the last
 * one's to say. */
static void set_of(const sim_config *config, const sim_seen *seen, found_set *set)
{
    set->count = 0;
    for (size_t i = 0; i < seen->candidate_count; i++) {
        const sim_seen_candidate *one = &seen->candidates[i];
        char *line = set->lines[set->count];
        size_t size = sizeof *set->lines;
        const char *ip = strstr(one->address, ".local") != NULL ? "a name" : one->address;
        if (one->withdrawn ||
            (one->type == FLOE_CANDIDATE_TYPE_RELAY && !is_promised(config, one->url))) {
            continue;
        }
        set->count++;
        if (one->type != FLOE_CANDIDATE_TYPE_RELAY) {
            (void)snprintf(line, size, "%s %s for \"%s\" on network %u",
                           floe_candidate_type_name(one->type), ip, one->related,
                           (unsigned)one->network);
        } else if (one->tcp_type == FLOE_TCP_TYPE_ACTIVE) {
            (void)snprintf(line, size, "active relay %s of %s", ip, one->url);
        } else {
            (void)snprintf(line, size, "relay%s %s for \"%s\" on network %u of %s by %s",
                           one->tcp_type == FLOE_TCP_TYPE_PASSIVE ? " for TCP" : "", ip,
                           one->related, (unsigned)one->network, one->url,
                           floe_protocol_name(one->relay_protocol));
        }
    }
    for (size_t i = 0; i < seen->error_count; i++) {
        if (seen->errors[i].url_failed && is_promised(config, seen->errors[i].url)) {
            (void)snprintf(set->lines[set->count++], sizeof *set->lines, "nothing of %s",
                           seen->errors[i].url);
        }
    }
    qsort(set->lines, set->count, sizeof *set->lines, compare);
}

/* The first line that only one of them has. */
static bool sets_differ(const sim_config *config, const sim_seen *one, const sim_seen *other,
                        char *why, size_t size)
{
    static found_set sets[2];
    size_t n = 0;

    set_of(config, one, &sets[0]);
    set_of(config, other, &sets[1]);
    while (n < sets[0].count && n < sets[1].count &&
           strcmp(sets[0].lines[n], sets[1].lines[n]) == 0) {
        n++;
    }
    if (n == sets[0].count && n == sets[1].count) {
        return false;
    }
    bool lacking =
        n == sets[1].count || (n < sets[0].count && strcmp(sets[0].lines[n], sets[1].lines[n]) < 0);
    (void)snprintf(why, size, "there is %s \"%s\"", lacking ? "no" : "also",
                   sets[lacking ? 0 : 1].lines[n]);
    return true;
}

static bool events_differ(const sim_seen *one, const sim_seen *other, char *why, size_t size)
{
    (void)snprintf(why, size, "it goes otherwise");
    return strcmp(one->log, other->log) != 0 || one->packets_sent != other->packets_sent ||
           one->complete_ms != other->complete_ms;
}

static const char *way_of(const sim_config *other)
{
    return other->backwards  ? "with the URLs in the other order"
           : other->opens_ms ? "when sockets are open later"
           : other->respelt  ? "with hosts spelt otherwise"
                             : "with the same options set again";
}

static bool differ(const sim_config *other, const sim_report *one, const sim_report *same,
                   char *why, size_t size)
{
    for (size_t n = 0; n < other->gatherers; n++) {
        const sim_seen *a = &one->gatherers[n];
        const sim_seen *b = &same->gatherers[n];
        if (other->backwards || other->opens_ms > 0 ? sets_differ(other, a, b, why, size)
                                                    : events_differ(a, b, why, size)) {
            return true;
        }
    }
    (void)snprintf(why, size, "there is another trace");
    return other->same_options && one->trace_hash != same->trace_hash;
}

bool sim_check(const sim_config *config, sim_report *report)
{
    static sim_report same;
    sim_config other;
    char why[300];

    if (!sim_run(config, NULL, report)) {
        return false;
    }
    if (!sim_same_way(config, &other)) {
        return true;
    }
    if (!sim_run(&other, NULL, &same)) {
        *report = same;
        return false;
    }
    if (differ(&other, report, &same, why, sizeof why)) {
        (void)snprintf(report->violation, sizeof report->violation, "same: %s %s", way_of(&other),
                       why);
        return false;
    }
    return true;
}

/* Names through real name servers on loopback (name_server.h): addresses, aliases, SRV and NAPTR,
 * what is kept and for how long, servers that are silent, and a list of servers that changes
 * (S6, S7). */
#include "support.h"

#include "awaited.h"
#include "name_server.h"
#include "relay_server.h"
#include "server.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define A 1
#define CNAME 5
#define AAAA 28
#define SRV 33
#define NAPTR 35

static uint16_t relay_port;
static char stun_service[64];
static char turn_service[64];

static name_record of_the_first[] = {
    {"address.test", A, 3600, "127.0.0.1"},
    {"short.test", A, 1, "127.0.0.1"},
    {"alias.test", CNAME, 3600, "middle.test"},
    {"middle.test", CNAME, 3600, "address.test"},
    {"brief.test", CNAME, 1, "address.test"},
    {"cut.test", A, 3600, "127.0.0.1"},
    {"six.test", AAAA, 3600, "2001:db8::1"},
    {"six-here.test", AAAA, 3600, "::1"},
    {"turn.test", NAPTR, 3600, "10 10 s RELAY:turn.udp _turn._udp.turn.test"},
    {"_stun._udp.service.test", SRV, 3600, stun_service},
    {"_turn._udp.turn.test", SRV, 3600, turn_service},
    {"moves.test", A, 3600, "127.0.0.1"},
    {"stun.corp.local", A, 3600, "127.0.0.1"},
    {"late.test", A, 3600, "127.0.0.1"},
    {"late-too.test", A, 3600, "127.0.0.1"},
};
#define COUNT(records) (sizeof(records) / sizeof *(records))

static name_record of_the_second[] = {
    {"moves.test", A, 3600, "127.0.0.2"},
    {"later.test", A, 3600, "127.0.0.1"},
};

/* As many names as are kept (FLOE_NAMES_MAX), and some behind them. */
#define MANY 260
static char many_names[MANY][16];
static name_record of_the_third[1 + MANY] = {{"silent-at-first.test", A, 3600, "127.0.0.1"}};

static bool own_network;

/* Where addresses may come and go. */
static void enter_own_network(void)
{
    own_network = unshare(CLONE_NEWNET) == 0;
    if (own_network) {
        assert_int_equal(system("ip link set lo up"), 0);
    }
}

static int start(void **state)
{
    enter_own_network();
    relay_port = relay_server_start("u", "p"); /* it forks: before there are threads */
    (void)test_server_start(state);
    (void)snprintf(stun_service, sizeof stun_service, "1 1 %u address.test", test_server_port);
    (void)snprintf(turn_service, sizeof turn_service, "1 1 %u address.test", relay_port);
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(many_names[i], sizeof many_names[i], "n%zu.test", i);
        of_the_third[1 + i] = (name_record){many_names[i], A, 3600, "127.0.0.1"};
    }
    name_server_start(0, of_the_first, COUNT(of_the_first));
    name_server_start(1, of_the_second, COUNT(of_the_second));
    name_server_start(2, of_the_third, COUNT(of_the_third));
    return 0;
}

static int stop(void **state)
{
    name_servers_stop();
    relay_server_stop();
    return test_server_stop(state);
}

/* ── One gathering by one URL ── */

typedef struct outcome {
    awaited of; /* first */
    char text[256];
} outcome;

static void on_error(void *data, const floe_candidate_error *error)
{
    outcome *o = data;

    (void)snprintf(o->text, sizeof o->text, "%s", error->text);
    awaited_error(&o->of, error);
}

static floe_api *new_api_on(uv_loop_t *loop)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api = NULL;

    settings.loop = loop;
    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    settings.service_discovery = true;
    settings.gather_timeout_ms = FLOE_NEVER;
    settings.straggler_grace_ms = FLOE_NEVER;
    assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
    return api;
}

static floe_api *new_api(void)
{
    return new_api_on(NULL);
}

static floe_gatherer *make(floe_api *api, const char *url, outcome *o)
{
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_gatherer *gatherer = NULL;

    memset(o, 0, sizeof *o);
    awaited_init(&o->of);
    server.urls = &url;
    server.url_count = 1;
    server.username = "u";
    server.credential = "p";
    options.ice_servers = &server;
    options.ice_server_count = 1;
    assert_int_equal(floe_gatherer_new(api, &options, &gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_on_local_candidate(gatherer, awaited_candidate, o), FLOE_OK);
    assert_int_equal(floe_gatherer_on_error(gatherer, on_error, o), FLOE_OK);
    return gatherer;
}

static floe_gatherer *begin(floe_api *api, const char *url, outcome *o)
{
    floe_gatherer *gatherer = make(api, url, o);

    assert_int_equal(floe_gatherer_gather(gatherer), FLOE_OK);
    return gatherer;
}

static void finish(floe_gatherer *gatherer, outcome *o)
{
    assert_true(awaited_end(&o->of, 1));
    assert_int_equal(floe_gatherer_graceful_close(gatherer), FLOE_OK);
    floe_gatherer_free(gatherer);
    awaited_destroy(&o->of);
}

static outcome gather(floe_api *api, const char *url)
{
    outcome o;

    finish(begin(api, url, &o), &o);
    return o;
}

static const char *stun_url(const char *name)
{
    static char url[128];

    (void)snprintf(url, sizeof url, "stun:%.100s:%u", name, test_server_port);
    return url;
}

static void assert_found(const outcome *o)
{
    if (o->of.of_type[FLOE_CANDIDATE_TYPE_SRFLX] == 0) {
        fail_msg("no reflexive candidate: %s", o->text);
    }
}

static void end(floe_api *api)
{
    floe_api_free(api);
    assert_int_equal(memory_live(), 0);
}

/* ── The names of a peer's candidates (I15) ── */

static floe_error add_named(floe_transport *transport, const char *name, unsigned port)
{
    char line[256];
    floe_candidate *candidate;

    (void)snprintf(line, sizeof line, "candidate:1 1 udp 1 %s %u typ host", name, port);
    assert_int_equal(floe_candidate_parse(line, &candidate), FLOE_OK);
    floe_error error = floe_transport_add_remote_candidate(transport, candidate);
    floe_candidate_free(candidate);
    return error;
}

/* How many pairs there are with that port. */
static unsigned pairs_of(floe_transport *transport, unsigned port)
{
    floe_ice_pair_list *pairs;
    unsigned count = 0;

    assert_int_equal(floe_transport_get_pairs(transport, &pairs), FLOE_OK);
    for (size_t i = 0; i < pairs->count; i++) {
        count += pairs->pairs[i]->remote_address.port == port;
    }
    floe_ice_pair_list_free(pairs);
    return count;
}

static void i15_names_of_a_peer_by_dns(void **state)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    floe_transport *transports[2];
    floe_transport *refuses;
    outcome o;

    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    floe_settings settings = FLOE_SETTINGS_INIT;
    settings.allocator = &memory_counted;
    settings.loopback = true; /* of both families */
    floe_api *api;
    assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
    floe_gatherer *gatherer = begin(api, stun_url("127.0.0.1"), &o);
    options.loopback = true;
    assert_int_equal(floe_transport_new(gatherer, &options, &refuses), FLOE_OK);
    assert_int_equal(add_named(refuses, "address.test", 1000), FLOE_ERR_UNSUPPORTED);
    options.resolve_names = true;
    (void)snprintf(remote.password, sizeof remote.password, "%s", "aPasswordOfThePeersSide");
    for (int i = 0; i < 2; i++) {
        (void)snprintf(remote.username_fragment, sizeof remote.username_fragment, "peer%d", i);
        assert_int_equal(floe_transport_new(gatherer, &options, &transports[i]), FLOE_OK);
        assert_int_equal(floe_transport_start(transports[i], &remote, FLOE_ICE_ROLE_CONTROLLED),
                         FLOE_OK);
        assert_int_equal(add_named(transports[i], "alias.test", 1000), FLOE_OK);
        assert_int_equal(add_named(transports[i], "no-such-name.test", 1001), FLOE_OK);
        assert_int_equal(add_named(transports[i], "six-here.test", 1003), FLOE_OK);
    }
    for (int i = 0; i < 2; i++) {
        for (int n = 0; n < 60000 && (pairs_of(transports[i], 1000) == 0 ||
                                      (own_network && pairs_of(transports[i], 1003) == 0));
             n++) {
            (void)usleep(1000);
        }
        assert_true(pairs_of(transports[i], 1000) > 0);
        assert_true(!own_network || pairs_of(transports[i], 1003) > 0); /* where there is ::1 */
        assert_int_equal(pairs_of(transports[i], 1001), 0);
    }
    assert_int_equal(add_named(transports[0], "short.test", 1002), FLOE_OK);
    floe_transport_free(transports[0]); /* while it is looked up */
    floe_transport_free(transports[1]);
    floe_transport_free(refuses);
    finish(gatherer, &o);
    end(api);
}

/* ── Records ── */

static void s6_addresses_aliases_and_answers_for_tcp_alone(void **state)
{
    static const char *const names[] = {"address.test", "alias.test", "cut.test"};

    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    floe_api *api = new_api();
    for (size_t i = 0; i < COUNT(names); i++) {
        outcome o = gather(api, stun_url(names[i]));
        assert_found(&o);
        assert_int_equal(o.of.errors, 0);
    }
    end(api);
    assert_int_equal(name_servers_signals(), 0);
}

static void s6_services_lead_to_servers(void **state)
{
    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    floe_api *api = new_api();
    outcome o = gather(api, "stun:service.test");
    assert_found(&o);
    o = gather(api, "turn:turn.test");
    assert_int_equal(o.of.of_type[FLOE_CANDIDATE_TYPE_RELAY], 1);
    assert_true(name_server_asked(0, "turn.test", NAPTR) > 0);
    assert_true(name_server_asked(0, "_turn._udp.turn.test", SRV) > 0);
    end(api);
}

static void s6_each_failure_has_its_sentence(void **state)
{
    static const struct {
        const char *name;
        const char *text;
    } rows[] = {
        {"nowhere.test", "is it spelled right"},
        {"six.test", ""},
        {"servfail.test", ""},
        {"silent.test", "no name server has an answer"},
    };

    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    floe_api *api = new_api();
    for (size_t i = 0; i < COUNT(rows); i++) {
        outcome o = gather(api, stun_url(rows[i].name));
        assert_int_equal(o.of.of_type[FLOE_CANDIDATE_TYPE_SRFLX], 0);
        if (strstr(o.text, rows[i].text) == NULL) {
            fail_msg("%s: \"%s\", not \"%s\"", rows[i].name, o.text, rows[i].text);
        }
    }
    end(api);
}

/* An address of IPv6 is asked there: nobody listens, says the kernel. */
static void s6_an_address_of_ipv6(void **state)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api = NULL;

    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    settings.allocator = &memory_counted;
    settings.loopback = true;
    assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
    outcome o = gather(api, "stun:six-here.test:9");
    if (strstr(o.text, "::1") == NULL) { /* where ICMP is heard: nothing listens there */
        fail_msg("%s", o.text);
    }
    end(api);
}

/* A search domain whose server refuses, or fails: the name as it is has its turn (resolv.conf(5)). */
static void s6_a_search_domain_that_is_refused(void **state)
{
    (void)state;
    name_servers_list("nameserver 127.0.0.10\nsearch cluster.refused\noptions ndots:5\n");
    floe_api *api = new_api();
    outcome o = gather(api, stun_url("address.test"));
    assert_found(&o);
    assert_int_equal(o.of.errors, 0);
    assert_true(name_server_asked(0, "address.test.cluster.refused", A) > 0);
    end(api);
}

/* RFC 6762 §3: a name below a domain of ".local" (Active Directory has such) is asked of the name servers
 * first, as the system's resolver does. */
static void s6_a_local_name_that_the_servers_know(void **state)
{
    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    floe_api *api = new_api();
    outcome o = gather(api, stun_url("stun.corp.local"));
    assert_found(&o);
    assert_int_equal(name_server_asked(0, "stun.corp.local", A), 1);
    end(api);
}

/* What the owner says of a host is not looked up: in whatever case, without the families that he names none of. */
static void s6_an_address_that_the_owner_names(void **state)
{
    static const char *const wrong[] = {"",        "nameless",      ":127.0.0.1",
                                        "a.test:", "a.test:b.test", "a.test:[127.0.0.1"};
    static const char *const named[] = {"Named.test:127.0.0.1", "other.test:[2001:db8::1]"};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api = NULL;

    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    settings.host_addresses = named;
    settings.host_address_count = COUNT(named);
    assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
    outcome o = gather(api, stun_url("named.TEST"));
    assert_found(&o);
    o = gather(api, stun_url("other.test"));
    assert_int_equal(o.of.of_type[FLOE_CANDIDATE_TYPE_SRFLX], 0);
    assert_int_equal(name_server_asked(0, "named.TEST", A), 0);
    assert_int_equal(name_server_asked(0, "other.test", A), 0);
    o = gather(api, stun_url("address.test"));
    assert_found(&o);
    end(api);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        settings.host_addresses = &wrong[i];
        settings.host_address_count = 1;
        assert_int_equal(floe_api_new(&settings, &api), FLOE_ERR_INVALID_ARGUMENT);
        assert_non_null(strstr(floe_last_error(), "host_addresses"));
    }
    assert_int_equal(memory_live(), 0);
}

/* ── What is kept ── */

static void s7_a_name_is_kept_for_its_ttl(void **state)
{
    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    floe_api *api = new_api();
    unsigned before = name_server_asked(0, "address.test", A);
    for (int i = 0; i < 3; i++) {
        outcome o = gather(api, stun_url("address.test"));
        assert_found(&o);
    }
    assert_int_equal(name_server_asked(0, "address.test", A), before + 1);
    static const char *const brief[] = {"short.test", "brief.test"}; /* of an alias too */
    for (size_t i = 0; i < COUNT(brief); i++) {
        outcome o = gather(api, stun_url(brief[i]));
        assert_found(&o);
        before = name_server_asked(0, brief[i], A);
        (void)usleep(1200000); /* its TTL is a second */
        o = gather(api, stun_url(brief[i]));
        assert_found(&o);
        assert_int_equal(name_server_asked(0, brief[i], A), before + 1);
    }
    end(api);
}

/* So many are kept, and then the oldest goes. */
static void s7_so_many_names_are_kept(void **state)
{
    (void)state;
    name_servers_list("nameserver 127.0.0.12\n");
    floe_api *api = new_api();
    for (size_t i = 0; i < 256; i++) {
        outcome o = gather(api, stun_url(many_names[i]));
        assert_found(&o);
    }
    (void)gather(api, stun_url(many_names[0]));
    assert_int_equal(name_server_asked(2, many_names[0], A), 1);
    (void)gather(api, stun_url(many_names[256]));
    (void)gather(api, stun_url(many_names[1]));
    assert_int_equal(name_server_asked(2, many_names[1], A), 1);
    (void)gather(api, stun_url(many_names[0])); /* the next oldest goes for it */
    assert_int_equal(name_server_asked(2, many_names[0], A), 2);
    (void)gather(api, stun_url(many_names[1]));
    assert_int_equal(name_server_asked(2, many_names[1], A), 2);
    (void)gather(api, stun_url(many_names[255]));
    assert_int_equal(name_server_asked(2, many_names[255], A), 1);
    end(api);
}

/* ── The list of name servers ── */

static void s7_a_silent_name_server_is_not_the_last(void **state)
{
    (void)state;
    name_servers_list("nameserver 127.0.0.10\nnameserver 127.0.0.11\n");
    floe_api *api = new_api();
    outcome o = gather(api, stun_url("later.test")); /* the first says that it does not exist */
    assert_int_equal(o.of.of_type[FLOE_CANDIDATE_TYPE_SRFLX], 0);
    end(api);
    name_servers_list("nameserver 127.0.0.99\nnameserver 127.0.0.11\n");
    api = new_api();
    o = gather(api, stun_url("later.test"));
    assert_found(&o);
    end(api);
}

/* How long the last of several gatherers takes that ask at once, in ms. */
static uint64_t ask_at_once(const char *const *names, size_t count, outcome *outcomes)
{
    floe_gatherer *gatherers[2];
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    floe_api *api = new_api_on(&loop);
    for (size_t i = 0; i < count; i++) {
        gatherers[i] = begin(api, stun_url(names[i]), &outcomes[i]);
    }
    uint64_t began = uv_hrtime();
    for (size_t i = 0; i < count; i++) {
        while (outcomes[i].of.ends == 0) {
            (void)uv_run(&loop, UV_RUN_ONCE);
        }
    }
    uint64_t took = (uv_hrtime() - began) / 1000000;
    for (size_t i = 0; i < count; i++) {
        floe_gatherer_free(gatherers[i]);
        awaited_destroy(&outcomes[i].of);
    }
    floe_api_free(api);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(memory_live(), 0);
    return took;
}

/* That it is not there comes back as the second question is sent: c-ares waits 0.6 s for the first,
 * if that is all that it hears. A slow machine has some tries. */
static void s7_a_name_server_that_is_not_there_costs_no_time(void **state)
{
    static const char *const names[] = {"later.test", "moves.test"};
    uint64_t best = UINT64_MAX;

    (void)state;
    if (!ICMP_IS_HEARD) {
        skip(); /* nor is it of a server that is not there */
    }
    name_servers_list("nameserver 127.0.0.99\nnameserver 127.0.0.11\n");
    for (int tries = 0; tries < 5 && best >= 500; tries++) {
        outcome outcomes[COUNT(names)];
        uint64_t took = ask_at_once(names, COUNT(names), outcomes);
        assert_found(&outcomes[0]);
        best = took < best ? took : best;
    }
    assert_in_range(best, 0, 499);
}

static void s7_name_servers_that_come_later_are_asked(void **state)
{
    (void)state;
    name_servers_list("");
    floe_api *api = new_api();
    outcome o = gather(api, stun_url("later.test"));
    assert_int_equal(o.of.of_type[FLOE_CANDIDATE_TYPE_SRFLX], 0);
    name_servers_list("nameserver 127.0.0.11\n");
    o = gather(api, stun_url("later.test"));
    assert_found(&o);
    end(api);
}

/* A phone whose network comes up: who gathers while an older look-up is under way, which has been asked
 * for the last time, does not wait for its end; and that nobody has answered is no answer for who
 * comes next. */
static void s7_who_gathers_asks_beside_an_old_look_up(void **state)
{
    outcome outcomes[2];
    floe_gatherer *gatherers[2];

    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    name_server_away(true);
    floe_api *api = new_api();
    outcome o = gather(api, stun_url("late-too.test")); /* to its end, some seconds from now */
    assert_int_equal(o.of.of_type[FLOE_CANDIDATE_TYPE_SRFLX], 0);
    name_server_away(false);
    o = gather(api, stun_url("late-too.test"));
    assert_found(&o);
    name_server_away(true);
    gatherers[0] = begin(api, stun_url("late.test"), &outcomes[0]);
    for (int i = 0; name_server_asked(0, "late.test", A) < 4; i++) {
        assert_true(i < 60000);
        (void)usleep(1000);
    }
    name_server_away(false);
    gatherers[1] = begin(api, stun_url("late.test"), &outcomes[1]);
    for (size_t i = 0; i < 2; i++) {
        finish(gatherers[i], &outcomes[i]);
        assert_found(&outcomes[i]);
    }
    end(api);
}

/* A name below a domain, which no server knows, is asked for on the link, for three seconds: also where
 * two questions for it have been answered; and one that is known by then is held by nobody. */
static void s6_two_refusals_of_a_local_name(void **state)
{
    outcome outcomes[2];
    floe_gatherer *gatherers[2];

    (void)state;
    if (!HAS_MDNS) {
        skip(); /* nor is there a link to be asked */
    }
    name_servers_list("nameserver 127.0.0.10\n");
    name_server_away(true);
    floe_api *api = new_api();
    for (size_t i = 0; i < 2; i++) {
        gatherers[i] = begin(api, stun_url("late.corp.local"), &outcomes[i]);
        (void)usleep(1100000); /* then the second asks beside the first */
    }
    name_server_away(false);
    uint64_t began = uv_hrtime();
    unsigned asked = name_server_asked(0, "late.corp.local", A);
    for (int i = 0; name_server_asked(0, "late.corp.local", A) < asked + 2; i++) {
        assert_true(i < 60000);
        (void)usleep(1000);
    }
    (void)usleep(100000);
    name_servers_list("nameserver 127.0.0.11\n"); /* what is known by now is wanted no more */
    outcome o = gather(api, stun_url("later.test"));
    assert_found(&o);
    finish(gatherers[0], &outcomes[0]);
    assert_in_range((uv_hrtime() - began) / 1000000, 3000, UINT32_MAX);
    finish(gatherers[1], &outcomes[1]);
    end(api);
}

/* A name server that comes up refuses for a moment: who asks then asks anew. */
static void s7_a_refusal_is_not_kept(void **state)
{
    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    floe_api *api = new_api();
    for (unsigned i = 0; i < 3; i++) {
        unsigned before = name_server_asked(0, "servfail.test", A);
        outcome o = gather(api, stun_url("servfail.test"));
        assert_int_equal(o.of.of_type[FLOE_CANDIDATE_TYPE_SRFLX], 0);
        assert_true(name_server_asked(0, "servfail.test", A) > before);
    }
    end(api);
}

/* Another network, or a VPN: what the former servers have said is not believed any more. */
static void s7_other_name_servers_other_addresses(void **state)
{
    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    floe_api *api = new_api();
    outcome o = gather(api, stun_url("moves.test"));
    assert_found(&o);
    unsigned before = name_server_asked(1, "moves.test", A);
    name_servers_list("nameserver 127.0.0.11\n");
    o = gather(api, stun_url("moves.test"));
    assert_int_equal(name_server_asked(1, "moves.test", A), before + 1);
    name_servers_list("nameserver 127.0.0.10\n");
    o = gather(api, stun_url("moves.test"));
    assert_found(&o);
    end(api);
}

/* The list names a stub of this machine's, which has other servers in another network. */
static void s7_another_network_other_addresses(void **state)
{
    (void)state;
    if (!own_network) {
        skip();
    }
    name_servers_list("nameserver 127.0.0.10\n");
    floe_api *api = new_api();
    unsigned before = name_server_asked(0, "address.test", A);
    for (int i = 0; i < 2; i++) {
        outcome o = gather(api, stun_url("address.test"));
        assert_found(&o);
        assert_int_equal(name_server_asked(0, "address.test", A), before + 1);
    }
    assert_int_equal(system("ip address add 192.0.2.7/32 dev lo"), 0);
    outcome o = gather(api, stun_url("address.test"));
    assert_found(&o);
    assert_int_equal(name_server_asked(0, "address.test", A), before + 2);
    assert_int_equal(system("ip address del 192.0.2.7/32 dev lo"), 0);
    end(api);
}

/* A look-up that is under way is asked of the new ones, for all that wait for it. */
static void s7_a_look_up_under_way_outlives_a_change(void **state)
{
    outcome first;
    outcome second;

    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    floe_api *api = new_api();
    floe_gatherer *one = begin(api, stun_url("silent-at-first.test"), &first);
    floe_gatherer *two = begin(api, stun_url("silent-at-first.test"), &second);
    for (int i = 0; name_server_asked(0, "silent-at-first.test", A) == 0; i++) {
        assert_true(i < 60000);
        (void)usleep(1000);
    }
    name_servers_list("nameserver 127.0.0.12\n");
    finish(one, &first);
    finish(two, &second);
    end(api);
}

/* The last word of the former servers, that they are not there, is no answer any more. */
static void s7_a_refusal_by_former_servers_ends_nothing(void **state)
{
    uv_loop_t loop;
    outcome o;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    name_servers_list("nameserver 127.0.0.99\n");
    floe_api *api = new_api_on(&loop);
    floe_gatherer *gatherer = begin(api, stun_url("later.test"), &o);
    (void)uv_run(&loop, UV_RUN_NOWAIT); /* it is asked; that nobody is there waits to be read */
    name_servers_list("nameserver 127.0.0.11\n");
    while (o.of.ends == 0) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    assert_found(&o);
    floe_gatherer_free(gatherer);
    floe_api_free(api);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(memory_live(), 0);
    awaited_destroy(&o.of);
}

/* ── Memory ── */

/* Whatever has no room for a look-up, for a moment or for good, gathering ends, though nothing but
 * the look-up's end ends it. */
static void l14_a_look_up_without_memory_ends(void **state)
{
    static const char *const urls[] = {"stun:service.test", "turn:turn.test"};

    (void)state;
    name_servers_list("nameserver 127.0.0.10\n");
    for (size_t i = 0; i < 2 * COUNT(urls); i++) {
        void (*fail_at)(size_t) = i < COUNT(urls) ? memory_fail : memory_fail_from;
        const char *url = urls[i % COUNT(urls)];
        bool failed = true;
        size_t n = 0;
        while (failed) {
            outcome o;
            floe_api *api = new_api();
            floe_gatherer *gatherer = make(api, url, &o);
            fail_at(++n);
            floe_error error = floe_gatherer_gather(gatherer);
            assert_true(error == FLOE_OK || error == FLOE_ERR_NO_MEMORY);
            assert_true(error != FLOE_OK || awaited_end(&o.of, 1));
            failed = memory_failed();
            memory_fail(0);
            if (o.of.errors > 0 && strstr(o.text, "out of memory") == NULL) {
                fail_msg("%s: allocation %zu fails: \"%s\"", url, n, o.text);
            }
            floe_gatherer_free(gatherer);
            end(api);
            awaited_destroy(&o.of);
        }
        assert_true(n > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s6_addresses_aliases_and_answers_for_tcp_alone),
        cmocka_unit_test(s6_services_lead_to_servers),
        cmocka_unit_test(s6_each_failure_has_its_sentence),
        cmocka_unit_test(s6_an_address_of_ipv6),
        cmocka_unit_test(s6_a_search_domain_that_is_refused),
        cmocka_unit_test(s6_a_local_name_that_the_servers_know),
        cmocka_unit_test(s6_an_address_that_the_owner_names),
        cmocka_unit_test(s7_a_name_is_kept_for_its_ttl),
        cmocka_unit_test(s7_so_many_names_are_kept),
        cmocka_unit_test(s7_a_silent_name_server_is_not_the_last),
        cmocka_unit_test(s7_a_name_server_that_is_not_there_costs_no_time),
        cmocka_unit_test(s7_name_servers_that_come_later_are_asked),
        cmocka_unit_test(s7_who_gathers_asks_beside_an_old_look_up),
        cmocka_unit_test(s6_two_refusals_of_a_local_name),
        cmocka_unit_test(s7_a_refusal_is_not_kept),
        cmocka_unit_test(s7_other_name_servers_other_addresses),
        cmocka_unit_test(s7_another_network_other_addresses),
        cmocka_unit_test(s7_a_look_up_under_way_outlives_a_change),
        cmocka_unit_test(s7_a_refusal_by_former_servers_ends_nothing),
        cmocka_unit_test(l14_a_look_up_without_memory_ends),
        cmocka_unit_test(i15_names_of_a_peer_by_dns),
    };
    return cmocka_run_group_tests_name("names", tests, start, stop);
}

/* Misuse of the API: each row is one thing done wrong, the error that it gives, and a word of its
 * sentence. What is refused leaves nothing behind and changes nothing. */
#include "support.h"

#include <floe/core.h>
#include <floe/floe.h>
#include <stdio.h>
#include <string.h>

/* What a row fills in and calls with; all of it good until the row spoils it. */
typedef struct attempt {
    floe_settings settings;
    floe_gather_options options;
    floe_ice_server server;
    const char *urls[1];
    floe_address_rewrite_rule rule;
    const char *externals[1];
    const char *nats[1];
    char long_text[4096];
    floe_api *api;
    floe_gatherer *gatherer;
} attempt;

typedef floe_error (*misuse)(attempt *a);

typedef struct row {
    const char *name;
    misuse call;
    floe_error error;
    const char *says;
} row;

static floe_error new_api(attempt *a)
{
    floe_api *api = NULL;
    floe_error error = floe_api_new(&a->settings, &api);

    floe_api_free(api);
    return error;
}

static floe_error new_gatherer(attempt *a)
{
    floe_gatherer *gatherer = NULL;
    floe_error error = floe_gatherer_new(a->api, &a->options, &gatherer);

    floe_gatherer_free(gatherer);
    return error;
}

#define SETTING(name, change)                                                                      \
    static floe_error name(attempt *a)                                                             \
    {                                                                                              \
        change;                                                                                    \
        return new_api(a);                                                                         \
    }
#define OPTION(name, change)                                                                       \
    static floe_error name(attempt *a)                                                             \
    {                                                                                              \
        change;                                                                                    \
        return new_gatherer(a);                                                                    \
    }
#define CALL(name, call)                                                                           \
    static floe_error name(attempt *a)                                                             \
    {                                                                                              \
        (void)a;                                                                                   \
        return call;                                                                               \
    }

SETTING(timeout_too_long, a->settings.gather_timeout_ms = 3600001)
SETTING(pacing_too_short, a->settings.pacing_ms = 4)
SETTING(pacing_never, a->settings.pacing_ms = FLOE_NEVER)
SETTING(rto_too_short, a->settings.rto_ms = 499)
SETTING(keepalive_too_short, a->settings.keepalive_ms = 999)
SETTING(ports_crossed, (a->settings.port_min = 9, a->settings.port_max = 8))
SETTING(network_types_unknown, a->settings.network_types = 64)
SETTING(network_types_muxed, (a->settings.network_types = FLOE_NETWORK_TYPE_TCP4,
                              a->settings.udp_mux_port = FLOE_ANY_PORT))
SETTING(ip_handling_unknown, a->settings.ip_handling = (floe_ip_handling)9)
SETTING(mdns_mode_unknown, a->settings.mdns_mode = (floe_mdns_mode)9)
SETTING(mdns_name_bad, a->settings.mdns_name = "a.b.local")
SETTING(rules_missing, a->settings.address_rewrite_rule_count = 1)
SETTING(rules_too_many, (a->settings.address_rewrite_rules = &a->rule,
                         a->settings.address_rewrite_rule_count = 65537))
SETTING(rule_external_missing,
        (a->settings.address_rewrite_rules = &a->rule, a->settings.address_rewrite_rule_count = 1,
         a->rule.external = NULL, a->rule.external_count = 1))
SETTING(rule_external_null, (a->settings.address_rewrite_rules = &a->rule,
                             a->settings.address_rewrite_rule_count = 1, a->externals[0] = NULL))
SETTING(rule_externals_too_many,
        (a->settings.address_rewrite_rules = &a->rule, a->settings.address_rewrite_rule_count = 1,
         a->rule.external_count = 65))
SETTING(rule_mode_unknown,
        (a->settings.address_rewrite_rules = &a->rule, a->settings.address_rewrite_rule_count = 1,
         a->rule.mode = (floe_address_rewrite_mode)7))
SETTING(rule_type_unknown,
        (a->settings.address_rewrite_rules = &a->rule, a->settings.address_rewrite_rule_count = 1,
         a->rule.as_candidate_type = (floe_candidate_type)7))
SETTING(rule_networks_unknown, (a->settings.address_rewrite_rules = &a->rule,
                                a->settings.address_rewrite_rule_count = 1, a->rule.networks = 128))
SETTING(rule_contradicts_itself,
        (a->settings.address_rewrite_rules = &a->rule, a->settings.address_rewrite_rule_count = 1,
         a->rule.local = "10.0.0.2", a->rule.cidr = "2a00::/16"))
SETTING(rules_and_nat,
        (a->settings.address_rewrite_rules = &a->rule, a->settings.address_rewrite_rule_count = 1,
         a->settings.nat_1to1_ips = a->nats, a->settings.nat_1to1_ip_count = 1))
SETTING(nat_null,
        (a->settings.nat_1to1_ips = a->nats, a->settings.nat_1to1_ip_count = 1, a->nats[0] = NULL))
SETTING(nat_type_relay, (a->settings.nat_1to1_ips = a->nats, a->settings.nat_1to1_ip_count = 1,
                         a->settings.nat_1to1_candidate_type = FLOE_CANDIDATE_TYPE_RELAY))
OPTION(policy_unknown, a->options.gather_policy = (floe_gather_policy)3)
OPTION(policy_negative, a->options.gather_policy = (floe_gather_policy)-1)
OPTION(servers_missing, a->options.ice_servers = NULL)
OPTION(urls_missing, a->server.urls = NULL)
OPTION(no_url, a->server.url_count = 0)
OPTION(too_many_urls, a->server.url_count = 1025)
OPTION(url_null, a->urls[0] = NULL)
OPTION(url_bad, a->urls[0] = "http://example.org")
OPTION(url_with_control, a->urls[0] = "turn:a\nb")
OPTION(username_missing, a->server.username = NULL)
OPTION(credential_missing, a->server.credential = "")
OPTION(username_no_utf8, a->server.username = "\xff\xfe")
OPTION(credential_no_utf8, a->server.credential = "a\xc3")
OPTION(username_with_control, a->server.username = "a\nb")
OPTION(username_too_long, (memset(a->long_text, 'u', 509), a->server.username = a->long_text))
OPTION(credential_type_unknown, a->server.credential_type = (floe_credential_type)5)
OPTION(oauth_without_key, a->server.credential_type = FLOE_CREDENTIAL_TYPE_OAUTH)
OPTION(oauth_key_no_base64, (a->server.credential_type = FLOE_CREDENTIAL_TYPE_OAUTH,
                             a->server.mac_key = "!!!!", a->server.access_token = "AAAA"))
OPTION(mid_too_long, (memset(a->long_text, 'm', 256), a->options.sdp_mid = a->long_text))
OPTION(types_unknown, a->options.candidate_types = 8)
OPTION(transports_unknown, a->options.relay_transports = 0x21)
OPTION(fragment_too_short, a->options.username_fragment = "abc")
OPTION(password_too_short, a->options.password = "abc")
CALL(api_null, floe_api_new(&a->settings, NULL))
CALL(gatherer_null, floe_gatherer_new(a->api, &a->options, NULL))
CALL(gather_null, floe_gatherer_gather(NULL))
CALL(restart_null, floe_gatherer_restart(NULL))
CALL(look_up_null, floe_api_look_up(a->api, NULL, 0, NULL, NULL))
static void never(void *data, const floe_look_up_result *result)
{
    (void)data;
    (void)result;
}
CALL(cancel_null, floe_api_cancel_look_ups(NULL, never, NULL))
CALL(cancel_no_handler, floe_api_cancel_look_ups(a->api, NULL, NULL))
CALL(look_up_not_local, floe_api_look_up(a->api, "example.org", 0, never, NULL))
CALL(look_up_too_long, floe_api_look_up(a->api, memset(a->long_text, 'x', 256), 0, never, NULL))
CALL(look_up_timeout, floe_api_look_up(a->api, "a.local", 60001, never, NULL))
static floe_error look_up_off(attempt *a)
{
    floe_api *api = NULL;

    a->settings.mdns_mode = FLOE_MDNS_MODE_OFF;
    assert_int_equal(floe_api_new(&a->settings, &api), FLOE_OK);
    floe_error error = floe_api_look_up(api, "a.local", 0, never, NULL);
    floe_api_free(api);
    return error;
}
static floe_error gather_twice(attempt *a)
{
    assert_int_equal(floe_gatherer_gather(a->gatherer), FLOE_OK);
    return floe_gatherer_gather(a->gatherer); /* still gathering: its server never answers */
}
static floe_error closed(attempt *a, floe_error (*call)(floe_gatherer *gatherer))
{
    assert_int_equal(floe_gatherer_close(a->gatherer), FLOE_OK);
    return call(a->gatherer);
}
CALL(gather_closed, closed(a, floe_gatherer_gather))
CALL(restart_closed, closed(a, floe_gatherer_restart))
static floe_error options_closed(attempt *a)
{
    assert_int_equal(floe_gatherer_close(a->gatherer), FLOE_OK);
    return floe_gatherer_set_options(a->gatherer, &a->options);
}
static floe_error bad_options_later(attempt *a)
{
    a->urls[0] = "turn:";
    return floe_gatherer_set_options(a->gatherer, &a->options);
}
static floe_error associated_twice(attempt *a)
{
    floe_gatherer *first = NULL;
    floe_gatherer *second = NULL;

    assert_int_equal(floe_gatherer_create_associated(a->gatherer, &first), FLOE_OK);
    floe_error error = floe_gatherer_create_associated(a->gatherer, &second);
    floe_gatherer_free(first);
    return error;
}
static floe_error associated_of_associated(attempt *a)
{
    floe_gatherer *first = NULL;
    floe_gatherer *second = NULL;

    assert_int_equal(floe_gatherer_create_associated(a->gatherer, &first), FLOE_OK);
    floe_error error = floe_gatherer_create_associated(first, &second);
    floe_gatherer_free(first);
    return error;
}
static floe_error associated_restart(attempt *a)
{
    floe_gatherer *first = NULL;

    assert_int_equal(floe_gatherer_create_associated(a->gatherer, &first), FLOE_OK);
    floe_error error = floe_gatherer_restart(first);
    floe_gatherer_free(first);
    return error;
}
static floe_error parse_rule_too_long(attempt *a)
{
    floe_address_rewrite_rule *rule;

    memset(a->long_text, 'x', sizeof a->long_text - 1);
    return floe_address_rewrite_rule_parse(a->long_text, &rule);
}
static floe_error format_no_room(attempt *a)
{
    floe_candidate *candidate;

    assert_int_equal(floe_candidate_parse("1 1 udp 1 192.0.2.1 5 typ host", &candidate), FLOE_OK);
    floe_error error = floe_candidate_format(candidate, a->long_text, 10);
    floe_candidate_free(candidate);
    return error;
}

#define ARGUMENT FLOE_ERR_INVALID_ARGUMENT
#define STATE FLOE_ERR_INVALID_STATE
#define ACCESS FLOE_ERR_INVALID_ACCESS
#define SYNTAX FLOE_ERR_SYNTAX
#define ROW(name, error, says)                                                                     \
    {                                                                                              \
#name, name, error, says                                                                   \
    }

static const row rows[] = {
    ROW(timeout_too_long, ARGUMENT, "gather_timeout_ms is 3600001"),
    ROW(pacing_too_short, ARGUMENT, "pacing_ms is 4"),
    ROW(pacing_never, ARGUMENT, "pacing_ms"),
    ROW(rto_too_short, ARGUMENT, "rto_ms is 499"),
    ROW(keepalive_too_short, ARGUMENT, "keepalive_ms is 999"),
    ROW(ports_crossed, ARGUMENT, "port_min is 9"),
    ROW(network_types_unknown, ARGUMENT, "network_types is 0x40"),
    ROW(network_types_muxed, ARGUMENT, "udp_mux_port with"),
    ROW(ip_handling_unknown, ARGUMENT, "ip_handling is 9"),
    ROW(mdns_mode_unknown, ARGUMENT, "mdns_mode is 9"),
    ROW(mdns_name_bad, ARGUMENT, "mdns_name \"a.b.local\""),
    ROW(rules_missing, ARGUMENT, "address_rewrite_rules is NULL"),
    ROW(rules_too_many, ARGUMENT, "more than 65536"),
    ROW(rule_external_missing, ARGUMENT, "address_rewrite_rules[0].external is NULL"),
    ROW(rule_external_null, ARGUMENT, "address_rewrite_rules[0].external"),
    ROW(rule_externals_too_many, ARGUMENT, "65 addresses, more than 64"),
    ROW(rule_mode_unknown, ARGUMENT, "address_rewrite_rules[0].mode is 7"),
    ROW(rule_type_unknown, ARGUMENT, "address_rewrite_rules[0].as_candidate_type"),
    ROW(rule_networks_unknown, ARGUMENT, "address_rewrite_rules[0].networks"),
    ROW(rule_contradicts_itself, ARGUMENT, "outside of the rule's cidr"),
    ROW(rules_and_nat, ARGUMENT, "both"),
    ROW(nat_null, ARGUMENT, "nat_1to1_ips[0]"),
    ROW(nat_type_relay, ARGUMENT, "nat_1to1_candidate_type"),
    ROW(policy_unknown, ARGUMENT, "gather_policy is 3"),
    ROW(policy_negative, ARGUMENT, "gather_policy is -1"),
    ROW(servers_missing, ARGUMENT, "ice_servers is NULL"),
    ROW(urls_missing, ARGUMENT, "ice_servers[0].urls is NULL"),
    ROW(no_url, SYNTAX, "ice_servers[0] has no URL"),
    ROW(too_many_urls, ARGUMENT, "more than 1024 URLs"),
    ROW(url_null, ARGUMENT, "ice_servers[0].urls[0] is NULL"),
    ROW(url_bad, SYNTAX, "http://example.org"),
    ROW(url_with_control, SYNTAX, "the host"),
    ROW(username_missing, ACCESS, "ice_servers[0].username is missing"),
    ROW(credential_missing, ACCESS, "ice_servers[0].credential is missing"),
    ROW(username_no_utf8, SYNTAX, "ice_servers[0].username is no UTF-8"),
    ROW(credential_no_utf8, SYNTAX, "ice_servers[0].credential is no UTF-8"),
    ROW(username_with_control, SYNTAX, "U+000A"),
    ROW(username_too_long, ARGUMENT, "509 bytes, more than 508"),
    ROW(credential_type_unknown, ARGUMENT, "credential_type is 5"),
    ROW(oauth_without_key, ACCESS, "ice_servers[0].mac_key is missing"),
    ROW(oauth_key_no_base64, SYNTAX, "ice_servers[0].mac_key is no base64"),
    ROW(mid_too_long, ARGUMENT, "sdp_mid has 256 bytes"),
    ROW(types_unknown, ARGUMENT, "options.candidate_types is 0x8"),
    ROW(transports_unknown, ARGUMENT, "options.relay_transports is 0x21"),
    ROW(fragment_too_short, ARGUMENT, "options.username_fragment has 3 characters"),
    ROW(password_too_short, ARGUMENT, "options.password has 3 characters"),
    ROW(api_null, ARGUMENT, "floe_api_new"),
    ROW(gatherer_null, ARGUMENT, "floe_gatherer_new"),
    ROW(gather_null, ARGUMENT, "floe_gatherer_gather"),
    ROW(restart_null, ARGUMENT, "floe_gatherer_restart"),
    ROW(look_up_null, ARGUMENT, "floe_api_look_up"),
    ROW(cancel_null, ARGUMENT, "floe_api_cancel_look_ups"),
    ROW(cancel_no_handler, ARGUMENT, "floe_api_cancel_look_ups"),
    ROW(look_up_not_local, ARGUMENT, "does not end in .local"),
    ROW(look_up_too_long, ARGUMENT, "has 256 bytes, more than 255"),
    ROW(look_up_timeout, ARGUMENT, "timeout_ms is 60001"),
    ROW(look_up_off, STATE, "off"),
    ROW(gather_twice, STATE, "gathering"),
    ROW(gather_closed, STATE, "closed"),
    ROW(restart_closed, STATE, "closed"),
    ROW(options_closed, STATE, "closed"),
    ROW(bad_options_later, SYNTAX, "turn:"),
    ROW(associated_twice, STATE, "already"),
    ROW(associated_of_associated, STATE, "itself an associated one"),
    ROW(associated_restart, STATE, "restarts with the one"),
    ROW(parse_rule_too_long, SYNTAX, "longer than 2048"),
    ROW(format_no_room, FLOE_ERR_BUFFER_TOO_SMALL, ""),
};

static void set_up_attempt(attempt *a, const floe_allocator *memory)
{
    memset(a, 0, sizeof *a);
    a->settings = (floe_settings)FLOE_SETTINGS_INIT;
    a->settings.allocator = memory;
    a->settings.loopback = true;
    a->options = (floe_gather_options)FLOE_GATHER_OPTIONS_INIT;
    a->server = (floe_ice_server)FLOE_ICE_SERVER_INIT;
    a->rule = (floe_address_rewrite_rule)FLOE_ADDRESS_REWRITE_RULE_INIT;
    a->externals[0] = "203.0.113.5";
    a->rule.external = a->externals;
    a->rule.external_count = 1;
    a->nats[0] = "203.0.113.5";
    a->urls[0] = "turn:192.0.2.1";
    a->server.urls = a->urls;
    a->server.url_count = 1;
    a->server.username = "u";
    a->server.credential = "c";
    a->options.ice_servers = &a->server;
    a->options.ice_server_count = 1;
    assert_int_equal(floe_api_new(&a->settings, &a->api), FLOE_OK);
    assert_int_equal(floe_gatherer_new(a->api, &a->options, &a->gatherer), FLOE_OK);
}

static void each_misuse_has_its_error(void **state)
{
    static attempt a;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_up_attempt(&a, NULL);
        floe_error error = rows[i].call(&a);
        if (error != rows[i].error) {
            fail_msg("%s: %s", rows[i].name, floe_error_string(error));
        }
        if (strstr(floe_last_error(), rows[i].says) == NULL) {
            fail_msg("%s: \"%s\" does not say \"%s\"", rows[i].name, floe_last_error(),
                     rows[i].says);
        }
        floe_api_free(a.api);
    }
    (void)printf("misuse: %zu rows\n", sizeof rows / sizeof *rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_misuse_has_its_error)};

    return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}

/* core: what is checked at making: URLs (S1), credentials (S2), duplicates (S4), settings (L2), and
 * the text of candidates (C2). */
#include "support.h"

#include "core/core.h"
#include "core/outbox/counters.h"
#include "core/server/server.h"
#include "core/text/url.h"

#include <floe/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void s1_long_names(void **state)
{
    char text[400] = "stun:";
    char host[FLOE_HOST_SIZE];
    floe_url url;

    (void)state;
    memset(&text[5], 'a', 63);
    assert_int_equal(floe_url_parse(text, &url, host), FLOE_OK);
    text[68] = 'a'; /* a label of 64 */
    assert_int_equal(floe_url_parse(text, &url, host), FLOE_ERR_SYNTAX);
    for (size_t i = 0; i < 300; i++) {
        text[5 + i] = i % 2 == 0 ? 'a' : '.';
    }
    assert_int_equal(floe_url_parse(text, &url, host), FLOE_ERR_SYNTAX);
    text[5 + 255] = '\0';
    assert_int_equal(floe_url_parse(text, &url, host), FLOE_OK);
}

/* S1: which bytes a name may have, as they are and percent-encoded. */
static void s1_every_byte_of_a_name(void **state)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    static const char digits[] = "0123456789abcdefABCDEF";

    (void)state;
    for (int c = 1; c < 256; c++) {
        char text[32];
        char host[FLOE_HOST_SIZE];
        floe_url url;
        int small = c >= 'A' && c <= 'Z' ? c + 32 : c;
        (void)snprintf(text, sizeof text, "stun:a%cb", c);
        assert_int_equal(floe_url_parse(text, &url, host),
                         strchr(letters, small) != NULL ? FLOE_OK : FLOE_ERR_SYNTAX);
        if (strchr(letters, small) != NULL) {
            assert_int_equal(url.host[1], small);
        }
        /* "%41" is "a": of those that end with 1 there are 1, A, Q, a and q. */
        (void)snprintf(text, sizeof text, "stun:a%%%c1b", c);
        assert_int_equal(floe_url_parse(text, &url, host),
                         c >= '3' && c <= '7' ? FLOE_OK : FLOE_ERR_SYNTAX);
        (void)snprintf(text, sizeof text, "stun:a%%6%cb", c); /* from "`" to "o" */
        bool good = c != '0' && strchr(digits, c) != NULL;
        assert_int_equal(floe_url_parse(text, &url, host), good ? FLOE_OK : FLOE_ERR_SYNTAX);
        if (good) {
            char value[2] = {(char)c, '\0'};
            assert_int_equal(url.host[1], 0x60 + strtol(value, NULL, 16));
        }
    }
}

typedef struct fixture {
    counting_allocator memory;
    seeded_random random;
    floe_core_shared *shared;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;

    memset(&f, 0, sizeof f);
    counting_init(&f.memory);
    seeded_init(&f.random, 3);
    settings.allocator = &f.memory.table;
    assert_int_equal(floe_core_shared_new(&settings, &f.random.table, &f.shared), FLOE_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    floe_core_shared_free(f->shared);
    assert_int_equal(f->memory.live, 0);
    return 0;
}

static floe_error make(fixture *f, const floe_ice_server *servers, size_t count,
                       size_t *servers_made)
{
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_core *core = NULL;

    options.ice_servers = servers;
    options.ice_server_count = count;
    floe_error error = floe_core_new(f->shared, &options, &core);
    if (error == FLOE_OK) {
        *servers_made = core->set->count;
        floe_core_free(core);
    }
    return error;
}

static void check_server(fixture *f, const char *url, const char *username, const char *credential,
                         floe_error right, const char *named)
{
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    size_t made;

    server.urls = &url;
    server.url_count = 1;
    server.username = username;
    server.credential = credential;
    assert_int_equal(make(f, &server, 1, &made), right);
    if (named != NULL && strstr(floe_last_error(), named) == NULL) {
        fail_msg("\"%s\" does not name %s", floe_last_error(), named);
    }
}

static void s2_credentials(void **state)
{
    fixture *f = *state;
    char longest[510];

    memset(longest, 'u', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    check_server(f, "turn:h", NULL, "c", FLOE_ERR_INVALID_ACCESS, "ice_servers[0].username");
    check_server(f, "turn:h", "", "c", FLOE_ERR_INVALID_ACCESS, "ice_servers[0].username");
    check_server(f, "turn:h", "u", NULL, FLOE_ERR_INVALID_ACCESS, "ice_servers[0].credential");
    check_server(f, "turns:h", "u", "", FLOE_ERR_INVALID_ACCESS, "turns:h");
    check_server(f, "turn:h", "u", "c", FLOE_OK, NULL);
    check_server(f, "stun:h", NULL, NULL, FLOE_OK, NULL);
    check_server(f, "stun:h", "", "", FLOE_OK, NULL);
    check_server(f, "turn:h", longest, "c", FLOE_ERR_INVALID_ARGUMENT, "509 bytes");
    check_server(f, "turn:h", longest + 1, "c", FLOE_OK, NULL);
    check_server(f, "turn:h", "\xff", "c", FLOE_ERR_SYNTAX, "ice_servers[0].username is no UTF-8");
    check_server(f, "turn:h", "u", "a\x01", FLOE_ERR_SYNTAX,
                 "ice_servers[0].credential has U+0001");
    memset(longest, ' ', sizeof longest - 1); /* 509 bytes of no-break spaces and one space */
    for (size_t i = 0; i < 508; i += 2) {
        memcpy(&longest[i], "\xc2\xa0", 2);
    }
    check_server(f, "turn:h", longest, "c", FLOE_OK, NULL); /* 255 once they are prepared */
    check_server(f, "stun:h?x", NULL, NULL, FLOE_ERR_SYNTAX, "stun:h?x");
    check_server(f, NULL, NULL, NULL, FLOE_ERR_INVALID_ARGUMENT, "urls[0]");
}

static void check_oauth(fixture *f, const char *mac_key, const char *access_token, floe_error right,
                        const char *named)
{
    const char *url = "turn:h";
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    size_t made;

    server.urls = &url;
    server.url_count = 1;
    server.username = "kid";
    server.credential_type = FLOE_CREDENTIAL_TYPE_OAUTH;
    server.mac_key = mac_key;
    server.access_token = access_token;
    assert_int_equal(make(f, &server, 1, &made), right);
    if (named != NULL && strstr(floe_last_error(), named) == NULL) {
        fail_msg("\"%s\" does not name %s", floe_last_error(), named);
    }
}

static void s3_oauth(void **state)
{
    fixture *f = *state;

    check_oauth(f, NULL, "AAAA", FLOE_ERR_INVALID_ACCESS, "ice_servers[0].mac_key");
    check_oauth(f, "MDEyMzQ1Njc4OTAxMjM0NTY3ODk=", "", FLOE_ERR_INVALID_ACCESS, "access_token");
    check_oauth(f, "MDEyMzQ1Njc4OTAxMjM0NTY3ODk=", "AAAA", FLOE_OK, NULL);
    check_oauth(f, "MDEyMzQ1Njc4OTAxMjM0NTY3ODk", "AAAA", FLOE_ERR_SYNTAX, "mac_key");
    check_oauth(f, "MDEyMzQ1Njc4OTAxMjM0NTY3OD==", "AA=A", FLOE_ERR_SYNTAX, "access_token");
    check_oauth(f, "MDEy", "AAAA", FLOE_ERR_SYNTAX, "no base64 of 16 to 64");
    check_oauth(f, "MDEyMzQ1Njc4OTAxMjM0NTY3 ODk", "AAAA", FLOE_ERR_SYNTAX, "mac_key");
    check_oauth(f, "MDEyMzQ1Njc4OTAxMjM0NTY3ODk=", "AAA\n", FLOE_ERR_SYNTAX, "access_token");
}

static void s4_duplicates_are_gathered_once(void **state)
{
    fixture *f = *state;
    const char *urls[] = {
        "stun:h",     "STUN:H:3478", "turn:h", "turn:h?transport=udp", "turn:h?transport=tcp",
        "stun:h:3479"};
    floe_ice_server servers[2] = {FLOE_ICE_SERVER_INIT, FLOE_ICE_SERVER_INIT};
    size_t made;

    servers[0].urls = urls;
    servers[0].url_count = 6;
    servers[0].username = "u";
    servers[0].credential = "c";
    servers[1] = servers[0];
    servers[1].username = "other"; /* another user's allocation is another one */
    assert_int_equal(make(f, servers, 1, &made), FLOE_OK);
    assert_int_equal(made, 4);
    assert_int_equal(make(f, servers, 2, &made), FLOE_OK);
    assert_int_equal(made, 6);
}

/* By value: however the place is written, it is one, with one account. */
static void s4_one_place_in_many_spellings(void **state)
{
    static const struct {
        const char *urls[5];
        size_t count;
        size_t made;
    } rows[] = {
        {{"turn:[2001:db8::2]", "turn:[2001:DB8::2]", "turn:[2001:db8:0::2]:3478",
          "turn:[2001:db8:0:0:0:0:0:2]?transport=udp"},
         4,
         1},
        {{"turn:192.0.2.1", "turn:[::ffff:192.0.2.1]", "turn:[::FFFF:C000:201]:"}, 3, 1},
        {{"turn:h.example", "turn:H.example.", "turn:h.%65xample:03478"}, 3, 1},
        {{"turn:h.example", "turn:h.example.org", "turn:h.exampl"}, 3, 3},
        {{"turn:192.0.2.1", "turn:[::192.0.2.1]"}, 2, 2},
    };
    fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_ice_server server = FLOE_ICE_SERVER_INIT;
        size_t made;
        server.urls = rows[i].urls;
        server.url_count = rows[i].count;
        server.username = "u";
        server.credential = "c";
        assert_int_equal(make(f, &server, 1, &made), FLOE_OK);
        assert_int_equal(made, rows[i].made);
    }
}

static void l2_misuse_is_named(void **state)
{
    fixture *f = *state;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_core *core;
    size_t made;

    assert_int_equal(make(f, NULL, 1, &made), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(make(f, &server, 1, &made), FLOE_ERR_SYNTAX);
    server.url_count = 1;
    assert_int_equal(make(f, &server, 1, &made), FLOE_ERR_INVALID_ARGUMENT);
    options.gather_policy = (floe_gather_policy)7;
    assert_int_equal(floe_core_new(f->shared, &options, &core), FLOE_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(floe_last_error(), "gather_policy is 7"));
    assert_int_equal(floe_core_new(NULL, NULL, &core), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_core_new(f->shared, NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
}

/* P8: which of the URLs are asked, and as what. */
static void p8_which_urls_are_asked(void **state)
{
    enum { HOST = 1, SRFLX = 2, RELAY = 4, UDP = 1, TCP = 2, TLS = 4, DTLS = 8 };
    static const char *const urls[] = {"stun:a.example",
                                       "turn:b.example",
                                       "turn:c.example?transport=udp",
                                       "turn:d.example?transport=tcp",
                                       "turns:e.example",
                                       "TURNS:f.example?transport=udp"};
    static const struct {
        uint32_t types;
        uint32_t transports;
        const char *asked; /* by its letter; in capitals: for a relay */
    } rows[] = {
        {0, 0, "aBCDEF"},         {HOST | SRFLX | RELAY, UDP | TCP | TLS | DTLS, "aBCDEF"},
        {0, UDP, "aBC"},          {0, TCP, "aD"},
        {0, TLS, "aE"},           {0, DTLS, "aF"},
        {0, TLS | DTLS, "aEF"},   {RELAY, UDP | TCP, "aBCD"},
        {HOST | SRFLX, 0, "abc"}, {SRFLX, UDP, "abc"},
        {SRFLX, TCP | TLS, "a"},  {HOST, 0, "a"},
        {HOST, DTLS, "a"},
    };
    fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_ice_server server = FLOE_ICE_SERVER_INIT;
        floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
        floe_core *core;
        floe_core *other;
        char asked[16] = "";
        server.urls = urls;
        server.url_count = sizeof urls / sizeof *urls;
        server.username = "u";
        server.credential = "c";
        options.ice_servers = &server;
        options.ice_server_count = 1;
        options.candidate_types = rows[i].types;
        options.relay_transports = rows[i].transports;
        assert_int_equal(floe_core_new(f->shared, &options, &core), FLOE_OK);
        assert_int_equal(floe_core_new_associated(core, &other), FLOE_OK);
        for (size_t k = 0; k < core->set->count; k++) {
            const floe_server *one = &core->set->servers[k];
            asked[k] = (char)(one->url->turn ? *one->url->host - 'a' + 'A' : *one->url->host);
            assert_int_equal(one->account != NULL, one->url->turn);
        }
        assert_string_equal(asked, rows[i].asked);
        assert_int_equal(other->set->count, core->set->count);
        assert_int_equal(other->types, core->types);
        floe_core_free(other);
        floe_core_free(core);
        server.credential = NULL; /* what is left out is checked all the same (S2) */
        assert_int_equal(floe_core_new(f->shared, &options, &core), FLOE_ERR_INVALID_ACCESS);
    }
}

/* ── Credentials of the owner's (L16) ── */

#define FRAGMENT "theirOwn+/09"
#define PASSWORD "aPasswordOfTheOwners+/09"

/* So many times that character; valid until the next call but one. */
static const char *times(char c, size_t count)
{
    static char texts[2][300];
    static size_t last;
    char *text = texts[last++ % 2];

    memset(text, c, count);
    text[count] = '\0';
    return text;
}

static void check_parameters(const floe_core *core, const char *fragment, const char *password)
{
    floe_parameters parameters = FLOE_PARAMETERS_INIT;

    assert_int_equal(floe_core_get_local_parameters(core, &parameters), FLOE_OK);
    if (fragment != NULL) {
        assert_string_equal(parameters.username_fragment, fragment);
    } else {
        assert_int_equal(strlen(parameters.username_fragment), 8);
    }
    if (password != NULL) {
        assert_string_equal(parameters.password, password);
    } else {
        assert_int_equal(strlen(parameters.password), 24);
    }
}

/* RFC 8839 §5.4, at making and at a restart. The sentence says what is wrong, and not the password. */
static void l16_own_credentials_have_their_bounds(void **state)
{
    static const struct {
        size_t fragment; /* so long; 0: none is given */
        size_t password;
        char strange; /* takes the place of the last character; 0: none */
        const char *named;
    } rows[] = {
        {4, 22, 0, NULL},
        {256, 256, 0, NULL},
        {8, 24, 0, NULL},
        {9, 24, 0, NULL},
        {8, 25, 0, NULL},
        {4, 0, 0, NULL},
        {256, 0, 0, NULL},
        {0, 22, 0, NULL},
        {0, 256, 0, NULL},
        {3, 22, 0, "options.username_fragment has 3 characters, not 4 to 256"},
        {257, 22, 0, "options.username_fragment has 257 characters"},
        {4, 21, 0, "options.password has 21 characters, not 22 to 256"},
        {4, 257, 0, "options.password has 257 characters"},
        {5, 0, ':', "options.username_fragment: character 5 is none of"},
        {5, 0, '-', "options.username_fragment: character 5"},
        {5, 0, '\n', "options.username_fragment: character 5"},
        {0, 23, '=', "options.password: character 23 is none of"},
        {0, 23, (char)0xC3, "options.password: character 23"},
    };
    fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
        floe_restart_options again = FLOE_RESTART_OPTIONS_INIT;
        char texts[2][300];
        (void)snprintf(texts[0], sizeof texts[0], "%s", times('f', rows[i].fragment));
        (void)snprintf(texts[1], sizeof texts[1], "%s", times('p', rows[i].password));
        char *last = rows[i].fragment > 0 ? &texts[0][rows[i].fragment - 1]
                                          : &texts[1][rows[i].password - 1];
        *last = rows[i].strange != 0 ? rows[i].strange : *last;
        const char *fragment = rows[i].fragment > 0 ? texts[0] : NULL;
        const char *password = rows[i].password > 0 ? texts[1] : NULL;
        floe_core *core = NULL;
        options.username_fragment = again.username_fragment = fragment;
        options.password = again.password = password;
        floe_error right = rows[i].named == NULL ? FLOE_OK : FLOE_ERR_INVALID_ARGUMENT;
        assert_int_equal(floe_core_new(f->shared, &options, &core), right);
        assert_true(right == FLOE_OK || strstr(floe_last_error(), rows[i].named) != NULL);
        assert_null(strstr(floe_last_error(), "ppp"));
        if (right == FLOE_OK) {
            check_parameters(core, fragment, password);
            assert_int_equal(floe_core_restart(core, (floe_time){1}), FLOE_OK);
        } else {
            assert_int_equal(floe_core_new(f->shared, NULL, &core), FLOE_OK);
        }
        check_parameters(core, NULL, NULL); /* a restart makes new ones (RFC 8445 §9) */
        assert_int_equal(floe_core_restart_with(core, (floe_time){1}, &again), right);
        assert_true(right == FLOE_OK || strstr(floe_last_error(), rows[i].named) != NULL);
        check_parameters(core, right == FLOE_OK ? fragment : NULL,
                         right == FLOE_OK ? password : NULL);
        floe_core_free(core);
    }
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_core *core;
    options.username_fragment = "";
    assert_int_equal(floe_core_new(f->shared, &options, &core), FLOE_ERR_INVALID_ARGUMENT);
}

/* RFC 8839 §4.4.1.1.1: both change, or nobody is told of the restart. Nothing changes by an error. */
static void l16_a_restart_with_what_is_there_is_an_error(void **state)
{
    static const struct {
        const char *fragment;
        const char *password;
        const char *named;
    } rows[] = {
        {FRAGMENT, PASSWORD, "options.username_fragment is the one of now"},
        {FRAGMENT, NULL, "options.username_fragment is the one of now"},
        {NULL, PASSWORD, "options.password is the one of now"},
        {"another", PASSWORD, "options.password is the one of now"},
    };
    fixture *f = *state;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_core *core;

    options.username_fragment = FRAGMENT;
    options.password = PASSWORD;
    assert_int_equal(floe_core_new(f->shared, &options, &core), FLOE_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_restart_options again = FLOE_RESTART_OPTIONS_INIT;
        again.username_fragment = rows[i].fragment;
        again.password = rows[i].password;
        assert_int_equal(floe_core_restart_with(core, (floe_time){1}, &again),
                         FLOE_ERR_INVALID_ARGUMENT);
        assert_non_null(strstr(floe_last_error(), rows[i].named));
        assert_null(strstr(floe_last_error(), PASSWORD));
        check_parameters(core, FRAGMENT, PASSWORD);
    }
    /* Options that are set later do not make a generation. */
    options.username_fragment = "someOther";
    options.password = "!";
    assert_int_equal(floe_core_set_options(core, (floe_time){1}, &options), FLOE_OK);
    check_parameters(core, FRAGMENT, PASSWORD);
    floe_core_free(core);
}

/* L13: both components, whichever goes first; each allocation fails in turn. */
static void l16_both_components_have_them(void **state)
{
    fixture *f = *state;
    floe_restart_options again = FLOE_RESTART_OPTIONS_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    unsigned failed = 0;

    options.username_fragment = FRAGMENT;
    options.password = PASSWORD;
    again.username_fragment = times('g', 256);
    again.password = times('q', 256);
    for (size_t n = 1; failed + 1 == n; n++) {
        floe_core *first = NULL;
        floe_core *second = NULL;
        f->memory.fail_at = f->memory.calls + n;
        bool good = floe_core_new(f->shared, &options, &first) == FLOE_OK &&
                    floe_core_new_associated(first, &second) == FLOE_OK;
        if (good) {
            bool restarted = floe_core_restart_with(first, (floe_time){1}, &again) == FLOE_OK;
            good = restarted && f->memory.calls < f->memory.fail_at;
            check_parameters(first, restarted ? again.username_fragment : FRAGMENT,
                             restarted ? again.password : PASSWORD);
            check_parameters(second, restarted ? again.username_fragment : FRAGMENT,
                             restarted ? again.password : PASSWORD);
        }
        failed += !good;
        floe_core_free(n % 2 == 0 ? first : second);
        floe_core_free(n % 2 == 0 ? second : first);
        f->memory.fail_at = 0;
    }
    assert_in_range(failed, 6, 40);
}

static void check_settings(const floe_settings *settings, const char *named)
{
    seeded_random random;
    floe_core_shared *shared = NULL;

    seeded_init(&random, 1);
    floe_error error = floe_core_shared_new(settings, &random.table, &shared);
    if (named == NULL) {
        assert_int_equal(error, FLOE_OK);
    } else {
        assert_int_equal(error, FLOE_ERR_INVALID_ARGUMENT);
        assert_non_null(strstr(floe_last_error(), named));
    }
    floe_core_shared_free(shared);
}

/* The functions make what the macros make, and write no further. */
#define READY_BY(type, function, init)                                                             \
    do {                                                                                           \
        static const type by_macro = init;                                                         \
        struct {                                                                                   \
            type one;                                                                              \
            uint8_t guard;                                                                         \
        } by_function;                                                                             \
        memset(&by_function, 0xFF, sizeof by_function);                                            \
        function(&by_function.one, sizeof by_function.one);                                        \
        assert_memory_equal(&by_function.one, &by_macro, sizeof by_macro);                         \
        assert_int_equal(by_function.guard, 0xFF);                                                 \
    } while (0)

static void structs_are_made_ready_by_functions_too(void **state)
{
    (void)state;
    READY_BY(floe_settings, floe_settings_init, FLOE_SETTINGS_INIT);
    READY_BY(floe_ice_server, floe_ice_server_init, FLOE_ICE_SERVER_INIT);
    READY_BY(floe_gather_options, floe_gather_options_init, FLOE_GATHER_OPTIONS_INIT);
    READY_BY(floe_restart_options, floe_restart_options_init, FLOE_RESTART_OPTIONS_INIT);
    READY_BY(floe_parameters, floe_parameters_init, FLOE_PARAMETERS_INIT);
    READY_BY(floe_address_rewrite_rule, floe_address_rewrite_rule_init,
             FLOE_ADDRESS_REWRITE_RULE_INIT);
    READY_BY(floe_interface_address, floe_interface_address_init, FLOE_INTERFACE_ADDRESS_INIT);
    READY_BY(floe_service_record, floe_service_record_init, FLOE_SERVICE_RECORD_INIT);
    floe_settings_init(NULL, sizeof(floe_settings));
    assert_int_equal(floe_version_number(), FLOE_VERSION_NUMBER);
}

/* Who drives the core with other addresses than this release's has them all read. */
static void addresses_of_another_size_are_read(void **state)
{
    typedef struct later {
        floe_interface_address one;
        uint64_t appended;
    } later;
    later list[2] = {0};
    seeded_random random;
    const floe_core_output *output;
    floe_core_shared *shared;
    floe_core *core;
    unsigned opened = 0;

    (void)state;
    seeded_init(&random, 1);
    for (size_t i = 0; i < 2; i++) {
        list[i].one = (floe_interface_address){
            .size = sizeof *list, .interface_name = "eth0", .interface_index = 1, .up = true};
        list[i].one.address = address_of(i == 0 ? "192.0.2.1:0" : "192.0.2.2:0");
        list[i].appended = UINT64_MAX;
    }
    assert_int_equal(floe_core_shared_new(NULL, &random.table, &shared), FLOE_OK);
    assert_int_equal(floe_core_new(shared, NULL, &core), FLOE_OK);
    assert_int_equal(floe_core_start(core, (floe_time){1}), FLOE_OK);
    while (floe_core_poll(core, (floe_time){1}, &output)) {
    }
    floe_core_interfaces(core, (floe_time){1}, &list[0].one, 2);
    while (floe_core_poll(core, (floe_time){1}, &output)) {
        if (output->kind == FLOE_CORE_OPEN) {
            assert_int_equal(output->local.ip[3], ++opened);
        }
    }
    assert_int_equal(opened, 2);
    floe_core_free(core);
    floe_core_shared_free(shared);
}

static void l2_settings_have_ranges(void **state)
{
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    check_settings(NULL, NULL);
    check_settings(&settings, NULL);
    settings.size = 0;
    check_settings(&settings, NULL);
    settings.gather_timeout_ms = FLOE_NEVER;
    settings.straggler_grace_ms = FLOE_NEVER;
    check_settings(&settings, NULL);
    settings.gather_timeout_ms = 3600001;
    check_settings(&settings, "gather_timeout_ms is 3600001");
    settings = (floe_settings)FLOE_SETTINGS_INIT;
    settings.pacing_ms = 4;
    check_settings(&settings, "pacing_ms is 4");
    settings.pacing_ms = FLOE_NEVER;
    check_settings(&settings, "pacing_ms");
    settings.pacing_ms = 0;
    settings.rto_ms = 499;
    check_settings(&settings, "rto_ms");
    settings.rto_ms = 0;
    settings.keepalive_ms = 999;
    check_settings(&settings, "keepalive_ms");
    settings.keepalive_ms = 0;
    settings.network_types = 16;
    check_settings(&settings, "network_types is 0x10");
    settings.network_types = FLOE_NETWORK_TYPE_UDP6;
    check_settings(&settings, NULL);
    settings.port_min = 6000;
    settings.port_max = 5999;
    check_settings(&settings, "port_min is 6000");
    settings.port_max = 0; /* P5: up to 65535 */
    check_settings(&settings, NULL);
    settings.port_min = 0;
    settings.port_max = 1023; /* from 1024 */
    check_settings(&settings, "port_min is 1024");
}

/* An application that was compiled when the structs were smaller goes on working. */
static void structs_may_grow(void **state)
{
    fixture *f = *state;
    struct {
        size_t size;
        const char *const *urls;
        size_t url_count;
        const char *username;
        const char *credential;
    } old[2];
    const char *stun = "stun:a";
    const char *turn = "turn:b";
    size_t made;

    for (int i = 0; i < 2; i++) {
        old[i].size = sizeof *old;
        old[i].urls = i == 0 ? &stun : &turn;
        old[i].url_count = 1;
        old[i].username = "u";
        old[i].credential = "c";
    }
    assert_int_equal(make(f, (const floe_ice_server *)(const void *)old, 2, &made), FLOE_OK);
    assert_int_equal(made, 2);
}

static void c2_text(void **state)
{
    floe_candidate candidate = {.foundation = "abc",
                                .component = 1,
                                .protocol = FLOE_PROTOCOL_UDP,
                                .priority = 2130706431,
                                .address = "192.0.2.1",
                                .port = 5000,
                                .type = FLOE_CANDIDATE_TYPE_HOST};
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    (void)state;
    assert_int_equal(floe_candidate_format(&candidate, text, sizeof text), FLOE_OK);
    assert_string_equal(text, "candidate:abc 1 udp 2130706431 192.0.2.1 5000 typ host");
    candidate.type = FLOE_CANDIDATE_TYPE_RELAY;
    candidate.related_address = "::";
    candidate.related_port = 9;
    assert_int_equal(floe_candidate_format(&candidate, text, sizeof text), FLOE_OK);
    assert_string_equal(text,
                        "candidate:abc 1 udp 2130706431 192.0.2.1 5000 typ relay raddr :: rport 9");
    candidate.protocol = FLOE_PROTOCOL_TCP;
    candidate.tcp_type = FLOE_TCP_TYPE_PASSIVE;
    assert_int_equal(floe_candidate_format(&candidate, text, sizeof text), FLOE_OK);
    assert_non_null(strstr(text, " tcp 2130706431 "));
    assert_non_null(strstr(text, " tcptype passive"));
    for (size_t size = 0; size < strlen(text) + 1; size++) {
        char small[FLOE_CANDIDATE_TEXT_SIZE];
        assert_int_equal(floe_candidate_format(&candidate, small, size), FLOE_ERR_BUFFER_TOO_SMALL);
    }
    assert_int_equal(floe_candidate_format(NULL, text, 5), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_candidate_format(&candidate, NULL, 5), FLOE_ERR_INVALID_ARGUMENT);
}

static void names_of_enums(void **state)
{
    (void)state;
    assert_string_equal(floe_gatherer_state_name(FLOE_GATHERER_STATE_NEW), "new");
    assert_string_equal(floe_gatherer_state_name(FLOE_GATHERER_STATE_GATHERING), "gathering");
    assert_string_equal(floe_gatherer_state_name(FLOE_GATHERER_STATE_COMPLETE), "complete");
    assert_string_equal(floe_gatherer_state_name(FLOE_GATHERER_STATE_CLOSED), "closed");
    assert_string_equal(floe_gatherer_state_name((enum floe_gatherer_state)5), "");
    assert_string_equal(floe_candidate_type_name(FLOE_CANDIDATE_TYPE_PRFLX), "prflx");
    assert_string_equal(floe_candidate_type_name((floe_candidate_type)77), "");
    assert_string_equal(floe_protocol_name(FLOE_PROTOCOL_DTLS), "dtls");
    assert_string_equal(floe_protocol_name((floe_protocol)77), "");
    assert_string_equal(floe_tcp_type_name(FLOE_TCP_TYPE_SO), "so");
    assert_string_equal(floe_tcp_type_name((floe_tcp_type)77), "");
    assert_string_equal(floe_trace_kind_name(FLOE_TRACE_DROPPED), "dropped");
    assert_string_equal(floe_trace_kind_name(FLOE_TRACE_CLOSED), "closed");
    assert_string_equal(floe_trace_kind_name((floe_trace_kind)77), "");
    assert_string_equal(floe_trace_level_name(FLOE_TRACE_LEVEL_DEFAULT), "");
    assert_string_equal(floe_trace_level_name(FLOE_TRACE_LEVEL_ERROR), "error");
    assert_string_equal(floe_trace_level_name(FLOE_TRACE_LEVEL_PACKET), "packet");
    assert_string_equal(floe_trace_level_name((floe_trace_level)77), "");
}

/* A year of keepalives is more than 32 bits hold. */
static void l15_bytes_are_counted_in_64_bits(void **state)
{
    const fixture *f = *state;
    floe_stun_transaction transaction = {.sends = 1};
    floe_stun_message message = {.bytes = {.size = UINT32_MAX}};
    floe_counters counters = {0};
    floe_core *core = NULL;

    assert_int_equal(floe_core_new(f->shared, NULL, &core), FLOE_OK);
    for (unsigned i = 0; i < 3; i++) {
        floe_count_sent(core, &counters, (floe_time){0}, i > 0, UINT32_MAX);
        floe_count_received(core, &counters, (floe_time){0}, &transaction, &message);
    }
    assert_true(counters.bytes_sent == 3ULL * UINT32_MAX);
    assert_true(counters.bytes_received == 3ULL * UINT32_MAX);
    floe_core_free(core);
}

/* L15: what is counted of an exchange; a round trip is of what was sent once (RFC 6298 §3). */
static void l15_what_is_counted(void **state)
{
    const fixture *f = *state;
    floe_stun_transaction transaction = {.sends = 1, .started = {5000000}};
    floe_stun_message message = {.bytes = {.size = 32}};
    floe_counters counters = {0};
    floe_core *core = NULL;

    assert_int_equal(floe_core_new(f->shared, NULL, &core), FLOE_OK);
    core->started = (floe_time){1000000};
    floe_count_sent(core, &counters, (floe_time){5000000}, false, 20);
    floe_count_sent(core, &counters, (floe_time){7000000}, true, 20);
    floe_count_received(core, &counters, (floe_time){9000000}, &transaction, &message);
    transaction.sends = 2;
    floe_count_received(core, &counters, (floe_time){12000000}, &transaction, &message);
    floe_count_sent(core, &counters, (floe_time){13000000}, false, 20);
    assert_int_equal(counters.requests, 2);
    assert_int_equal(counters.retransmissions, 1);
    assert_int_equal(counters.responses, 2);
    assert_int_equal(counters.first_sent, 4000);
    assert_int_equal(counters.first_answered, 8000);
    assert_int_equal(counters.round_trip, 4000);
    assert_int_equal(counters.round_trips, 1);
    assert_int_equal(counters.total_round_trip, 4000);
    transaction = (floe_stun_transaction){.sends = 1, .started = {12000000}};
    floe_count_received(core, &counters, (floe_time){15000000}, &transaction, &message);
    assert_int_equal(counters.round_trip, 3000);
    assert_int_equal(counters.round_trips, 2);
    assert_int_equal(counters.total_round_trip, 7000);
    assert_int_equal(counters.bytes_sent, 60);
    assert_int_equal(counters.bytes_received, 96);
    for (unsigned i = 0; i < 70000; i++) {
        floe_count_sent(core, &counters, (floe_time){0}, i % 2 == 0, 1);
        floe_count_sent(core, &counters, (floe_time){0}, i % 2 == 0, 1);
        floe_count_received(core, &counters, (floe_time){0}, &transaction, &message);
    }
    assert_int_equal(counters.requests, UINT16_MAX);
    assert_int_equal(counters.retransmissions, UINT16_MAX);
    assert_int_equal(counters.responses, UINT16_MAX);
    assert_int_equal(floe_since_start(core, (floe_time){1000000 + UINT32_MAX * 1000ULL}),
                     UINT32_MAX);
    assert_int_equal(floe_since_start(core, (floe_time){1000000 + (UINT32_MAX - 1) * 1000ULL}),
                     UINT32_MAX - 1);
    assert_int_equal(floe_since_start(core, (floe_time){1000000 + (UINT32_MAX + 1ULL) * 1000}),
                     UINT32_MAX);
    assert_string_equal(floe_server_progress_name(FLOE_SERVER_PROGRESS_WAITING), "waiting");
    assert_string_equal(floe_server_progress_name(FLOE_SERVER_PROGRESS_SUCCEEDED), "succeeded");
    assert_string_equal(floe_server_progress_name(FLOE_SERVER_PROGRESS_FAILED), "failed");
    assert_string_equal(floe_server_progress_name((floe_server_progress)3), "");
    floe_core_free(core);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s1_long_names),
        cmocka_unit_test(s1_every_byte_of_a_name),
        cmocka_unit_test_setup_teardown(s2_credentials, set_up, tear_down),
        cmocka_unit_test_setup_teardown(s3_oauth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(s4_duplicates_are_gathered_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(s4_one_place_in_many_spellings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(l2_misuse_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(p8_which_urls_are_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(l16_own_credentials_have_their_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(l16_a_restart_with_what_is_there_is_an_error, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(l16_both_components_have_them, set_up, tear_down),
        cmocka_unit_test(l2_settings_have_ranges),
        cmocka_unit_test_setup_teardown(l15_bytes_are_counted_in_64_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(l15_what_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(structs_may_grow, set_up, tear_down),
        cmocka_unit_test(c2_text),
        cmocka_unit_test(names_of_enums),
        cmocka_unit_test(structs_are_made_ready_by_functions_too),
        cmocka_unit_test(addresses_of_another_size_are_read),
    };
    return cmocka_run_group_tests_name("core options", tests, NULL, NULL);
}

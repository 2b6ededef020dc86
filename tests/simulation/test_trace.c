/* What the trace says of the way to a server: names, connections, proxies, TLS and DTLS; and how much of it
 * is asked for. The test is the network: it answers what the core asks by hand. */
#include "support.h"

#include "base/memory.h"
#include "polled.h"
#include "stun/key.h"
#include "stun/writer.h"
#include "tls.h"

#include <floe/core.h>
#include <stdio.h>
#include <string.h>

typedef struct fixture {
    counting_allocator memory;
    seeded_random random;
    floe_core_shared *shared;
    floe_core *core;
    floe_time now;
    uint32_t channel; /* the latest that is no host's */
    floe_address remote;
    bool stream;
    bool ipv6; /* the interface has such an address too */
    uint32_t queries[8];
    size_t query_count;
    tls_connection *tls; /* what is sent goes there; NULL: nowhere */
    tls_server *server;
    size_t errors;
    size_t events;
    floe_address local; /* the latest step's, and how long it took */
    floe_duration took;
    floe_stun_message request; /* the latest */
    uint8_t request_bytes[512];
    char log[4096];     /* "level kind method name: detail", a line each; steps alone */
    char packets[1024]; /* the rest: "level kind code realm", likewise */
    floe_core_output output;
} fixture;

static void ignore(void *user_data, const floe_trace_event *event)
{
    (void)user_data;
    (void)event;
}

static void note(fixture *f, const floe_trace_event *event)
{
    size_t used = strlen(f->log);
    size_t packets = strlen(f->packets);

    f->events++;
    if (event->kind >= FLOE_TRACE_LOOKS_UP) {
        f->local = event->local;
        f->took = event->round_trip;
        (void)snprintf(f->log + used, sizeof f->log - used, "%s %s %s %s: %s\n",
                       floe_trace_level_name(event->level), floe_trace_kind_name(event->kind),
                       event->method, event->name, event->detail);
    } else {
        (void)snprintf(f->packets + packets, sizeof f->packets - packets, "%s %s %u %s\n",
                       floe_trace_level_name(event->level), floe_trace_kind_name(event->kind),
                       event->code, event->realm != NULL ? event->realm : "-");
    }
}

static void give(fixture *f, const void *data, size_t size)
{
    if (f->stream) {
        floe_core_stream(f->core, f->now, f->channel, data, size);
    } else {
        floe_core_datagram(f->core, f->now, f->channel, &f->remote, data, size);
    }
}

/* To the server of TLS, and back what it says. */
static void serve(fixture *f)
{
    static uint8_t bytes[65536];
    uint8_t copy[FLOE_CORE_DATA_SIZE];
    size_t size = f->output.data_size;

    assert_true(size <= sizeof copy);
    memcpy(copy, f->output.data, size);
    if (size <= sizeof f->request_bytes && f->tls == NULL) {
        memcpy(f->request_bytes, copy, size);
        (void)floe_stun_parse(floe_span_of(f->request_bytes, size), &f->request);
    }
    if (f->tls != NULL && f->output.channel == f->channel) {
        size_t plain;
        (void)tls_feed(f->tls, floe_span_of(copy, size), bytes, sizeof bytes, &plain);
        while ((size = tls_take(f->tls, bytes, sizeof bytes)) > 0) {
            give(f, bytes, size);
        }
    }
}

static void take(fixture *f)
{
    floe_interface_address list[] = {{.interface_name = "eth0",
                                      .interface_index = 1,
                                      .up = true,
                                      .address = address_of("10.0.1.2:0")},
                                     {.interface_name = "eth0",
                                      .interface_index = 1,
                                      .up = true,
                                      .address = address_of("[2001:db8::2]:0")}};
    floe_address local = f->output.local;

    switch (f->output.kind) {
    case FLOE_CORE_LIST_INTERFACES:
        floe_core_interfaces(f->core, f->now, list, f->ipv6 ? 2 : 1);
        break;
    case FLOE_CORE_OPEN:
        local.port = (uint16_t)(4000 + f->output.channel);
        f->stream = f->output.protocol == FLOE_PROTOCOL_TCP;
        f->channel = f->output.channel;
        f->remote = f->output.remote;
        if (!f->stream) {
            floe_core_opened(f->core, f->now, f->channel, &local);
        }
        break;
    case FLOE_CORE_RESOLVE:
        f->queries[f->query_count++ % 8] = f->output.query;
        break;
    case FLOE_CORE_SEND:
        serve(f);
        break;
    case FLOE_CORE_TRACE:
        note(f, f->output.trace);
        break;
    case FLOE_CORE_CANDIDATE_ERROR:
        f->errors++;
        break;
    default:
        break;
    }
}

static void settle(fixture *f)
{
    while (polled(f->core, f->now, &f->output)) {
        take(f);
    }
}

static void later(fixture *f, unsigned milliseconds)
{
    f->now = floe_time_after(f->now, floe_milliseconds(milliseconds));
    floe_core_time(f->core, f->now);
    settle(f);
}

static void connect_it(fixture *f)
{
    floe_address local = address_of("10.0.1.2:4711");

    floe_core_opened(f->core, f->now, f->channel, &local);
    settle(f);
}

static void start(fixture *f, const char *url, floe_settings settings, size_t fail_at)
{
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    *f = (fixture){.now = {UINT64_C(1000000000)}, .ipv6 = f->ipv6};
    counting_init(&f->memory);
    seeded_init(&f->random, 1);
    server.urls = &url;
    server.url_count = 1;
    server.username = "user";
    server.credential = "TURNSECRET";
    options.ice_servers = &server;
    options.ice_server_count = 1;
    options.gather_policy = FLOE_GATHER_POLICY_RELAY;
    settings.allocator = &f->memory.table;
    settings.on_trace = ignore;
    assert_int_equal(floe_core_shared_new(&settings, &f->random.table, &f->shared), FLOE_OK);
    assert_int_equal(floe_core_new(f->shared, &options, &f->core), FLOE_OK);
    if (fail_at != 0) {
        f->memory.fail_at = f->memory.calls + fail_at;
        f->memory.fail_count = 1;
    }
    if (floe_core_start(f->core, f->now) == FLOE_OK) {
        settle(f);
    }
}

static void end(fixture *f)
{
    floe_core_close(f->core, f->now);
    settle(f);
    floe_core_free(f->core);
    floe_core_shared_free(f->shared);
    if (f->tls != NULL) {
        tls_connection_free(f->tls);
        tls_server_free(f->server);
    }
    assert_int_equal(f->memory.live, 0);
    assert_null(strstr(f->log, "SECRET"));
}

static floe_settings traced_at(floe_trace_level level)
{
    floe_settings settings = FLOE_SETTINGS_INIT;

    settings.trace_level = level;
    return settings;
}

static void found(fixture *f, size_t query, floe_error error, const char *address)
{
    floe_address one = address != NULL ? address_of(address) : (floe_address){0};

    floe_core_resolved(f->core, f->now, f->queries[query], error, &one, address != NULL);
    settle(f);
}

/* ── Names ── */

static void l17_trace_a_name_that_is_found(void **state)
{
    static fixture f;

    (void)state;
    start(&f, "turn:turn.example", traced_at(FLOE_TRACE_LEVEL_INFO), 0);
    assert_string_equal(f.log, "info looks up A turn.example: \n");
    *f.log = '\0';
    f.now = floe_time_after(f.now, floe_milliseconds(30));
    found(&f, 0, FLOE_OK, "203.0.113.2:0");
    assert_string_equal(f.log, "info found A turn.example: 203.0.113.2\n");
    assert_int_equal(f.took.ns, 30000000);
    end(&f);
}

/* A name that is not known, or that nobody can say anything of, is an error. */
static void l17_trace_a_name_that_is_not_known(void **state)
{
    static const struct {
        floe_error error;
        const char *said;
    } rows[] = {
        {FLOE_ERR_NOT_FOUND, "error not found A turn.example: there is no such name\n"},
        {FLOE_ERR_TIMED_OUT, "error not found A turn.example: no name server has an answer\n"},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start(&f, "turn:turn.example", traced_at(FLOE_TRACE_LEVEL_ERROR), 0);
        found(&f, 0, rows[i].error, NULL);
        assert_string_equal(f.log, rows[i].said);
        assert_int_equal(f.errors, 1);
        end(&f);
    }
    start(&f, "turn:turn.example", traced_at(FLOE_TRACE_LEVEL_ERROR), 0);
    later(&f, 5000);
    assert_string_equal(
        f.log, "error not found A turn.example: no name server has answered yet, and it is not "
               "waited for any longer\n");
    end(&f);
}

/* Of a name without addresses the last that is not there matters: for us, if it has none of the one family that
 * we have. */
static void l17_trace_a_name_without_addresses(void **state)
{
    static fixture f;

    (void)state;
    start(&f, "turn:turn.example", traced_at(FLOE_TRACE_LEVEL_WARNING), 0);
    found(&f, 0, FLOE_OK, NULL);
    assert_string_equal(f.log, "warning not found A turn.example: the name has no such record\n");
    end(&f);
    for (int none = 0; none < 2; none++) {
        f.ipv6 = true;
        start(&f, "turn:turn.example", traced_at(FLOE_TRACE_LEVEL_WARNING), 0);
        found(&f, 1, FLOE_OK, NULL);
        assert_string_equal(f.log, "");
        found(&f, 0, FLOE_OK, none ? NULL : "203.0.113.2:0");
        assert_string_equal(
            f.log, none ? "error not found A turn.example: the name has no such record\n" : "");
        assert_int_equal(f.errors, none);
        end(&f);
    }
}

/* Services that are there, and, which is usual, are not. */
static void l17_trace_services_that_are_there_or_not(void **state)
{
    const floe_service_record naptr = {.target = "_turn._tcp.example.net",
                                       .priority = 1,
                                       .weight = 2,
                                       .flag = 'S',
                                       .service = "RELAY:turn.tcp"};
    floe_settings settings = traced_at(FLOE_TRACE_LEVEL_INFO);
    static fixture f;

    (void)state;
    settings.service_discovery = true;
    start(&f, "turn:turn.example", settings, 0);
    floe_core_services_resolved(f.core, f.now, f.queries[0], FLOE_OK, &naptr, 1);
    settle(&f);
    floe_core_services_resolved(f.core, f.now, f.queries[1], FLOE_ERR_NOT_FOUND, NULL, 0);
    settle(&f);
    assert_string_equal(f.log, "info looks up NAPTR turn.example: \n"
                               "info found NAPTR turn.example: RELAY:turn.tcp at "
                               "_turn._tcp.example.net (order 1, preference 2)\n"
                               "info looks up SRV _turn._tcp.example.net: \n"
                               "info not found SRV _turn._tcp.example.net: there is no such name\n"
                               "info looks up A turn.example: \n");
    end(&f);
}

/* Others' bytes do not reach a terminal. */
static void l17_trace_records_of_strangers_are_text(void **state)
{
    const floe_service_record record = {.target = "a\x1b[2Jb", .port = 1, .priority = 1};
    floe_settings settings = traced_at(FLOE_TRACE_LEVEL_INFO);
    static fixture f;

    (void)state;
    settings.service_discovery = true;
    start(&f, "turn:turn.example?transport=udp", settings, 0);
    floe_core_services_resolved(f.core, f.now, f.queries[0], FLOE_OK, &record, 1);
    settle(&f);
    assert_non_null(strstr(f.log, ": a?[2Jb port 1 (priority 1, weight 0)\n"));
    end(&f);
}

/* ── Connections ── */

static void l17_trace_a_connection_that_is_refused(void **state)
{
    static fixture f;

    (void)state;
    start(&f, "turn:203.0.113.2?transport=tcp", traced_at(FLOE_TRACE_LEVEL_INFO), 0);
    assert_string_equal(f.log, "info connects TCP 203.0.113.2: \n");
    *f.log = '\0';
    floe_core_unreachable(f.core, f.now, f.channel, &f.remote, FLOE_UNREACHABLE_PORT, NULL, 0);
    settle(&f);
    assert_string_equal(f.log, "error failed TCP 203.0.113.2: refused by TCP port 3478 of "
                               "203.0.113.2: nothing listens there, or a firewall rejects\n");
    end(&f);
}

/* By floe, when the gatherer closes; by the other side, before. Its own port is the connection's. */
static void l17_trace_a_connection_that_is_closed(void **state)
{
    static fixture f;

    (void)state;
    for (int theirs = 0; theirs < 2; theirs++) {
        start(&f, "turn:203.0.113.2?transport=tcp", traced_at(FLOE_TRACE_LEVEL_INFO), 0);
        connect_it(&f);
        assert_non_null(strstr(f.log, "info connected TCP 203.0.113.2: \n"));
        assert_int_equal(f.local.port, 4711);
        *f.log = '\0';
        if (theirs) {
            floe_core_disconnected(f.core, f.now, f.channel);
        } else {
            floe_core_close(f.core, f.now);
        }
        settle(&f);
        assert_string_equal(f.log, theirs ? "warning closed TCP 203.0.113.2: by the other side\n"
                                          : "info closed TCP 203.0.113.2: \n");
        end(&f);
    }
}

/* The proxy's user is in no event. */
static void l17_trace_a_proxy_that_connects_or_says_407(void **state)
{
    static const char *const answers[] = {"HTTP/1.1 200 Connected\r\n\r\n",
                                          "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\n\r\n"};
    floe_settings settings = traced_at(FLOE_TRACE_LEVEL_INFO);
    static fixture f;

    (void)state;
    settings.proxy = "http://PROXYUSER:PROXYSECRET@192.0.2.80:3128";
    for (size_t i = 0; i < 2; i++) {
        start(&f, "turn:turn.example?transport=tcp", settings, 0);
        assert_string_equal(f.log, "info connects TCP turn.example: to the proxy\n");
        connect_it(&f);
        floe_core_stream(f.core, f.now, f.channel, answers[i], strlen(answers[i]));
        settle(&f);
        if (i == 0) {
            assert_non_null(strstr(f.log, "info proxied TCP turn.example: \n"));
        } else {
            assert_non_null(strstr(f.log, "error failed TCP turn.example: the proxy 192.0.2.80 "
                                          "does not let us through: it refuses the user name or "
                                          "password (407)\n"));
        }
        assert_null(strstr(f.log, "PROXYUSER"));
        end(&f);
    }
}

/* ── TLS and DTLS ── */

static void start_secure(fixture *f, bool datagrams, tls_certificate certificate,
                         floe_settings settings, size_t fail_at)
{
    tls_options options = {.certificate = certificate, .datagrams = datagrams};

    settings.tls_ca_file = settings.tls_insecure ? NULL : tls_ca_file();
    start(f, datagrams ? "turns:turn.example?transport=udp" : "turns:turn.example", settings,
          fail_at);
    f->server = tls_server_new(&options);
    f->tls = tls_accept(f->server);
    if (f->query_count > 0) {
        found(f, 0, FLOE_OK, "203.0.113.2:0");
    }
    if (f->stream) {
        connect_it(f);
    }
    for (int i = 0; i < 10; i++) {
        later(f, 10);
    }
}

static void l17_trace_what_is_secured(void **state)
{
    static fixture f;

    (void)state;
    for (int datagrams = 0; datagrams < 2; datagrams++) {
        start_secure(&f, datagrams, TLS_RIGHT, traced_at(FLOE_TRACE_LEVEL_INFO), 0);
        assert_non_null(strstr(f.log, datagrams ? "info secured DTLS turn.example: DTLSv1.2, the "
                                                : "info secured TLS turn.example: TLSv1.3, the "));
        assert_non_null(strstr(f.log, "(its names: turn.example, *.wild.example, 192.0.2.1, "
                                      "2001:db8::1"));
        assert_non_null(strstr(f.log, ") is checked for the host\n"));
        end(&f);
    }
    floe_settings settings = traced_at(FLOE_TRACE_LEVEL_INFO);
    settings.tls_insecure = true;
    start_secure(&f, false, TLS_SELF_SIGNED, settings, 0);
    assert_non_null(strstr(f.log, ") is not checked\n"));
    assert_non_null(strstr(f.packets, "warning warning 0 -\n"));
    end(&f);
}

static void l17_trace_a_certificate_that_is_refused(void **state)
{
    static fixture f;

    (void)state;
    for (int datagrams = 0; datagrams < 2; datagrams++) {
        start_secure(&f, datagrams, TLS_WRONG_NAME, traced_at(FLOE_TRACE_LEVEL_ERROR), 0);
        assert_non_null(strstr(f.log, datagrams ? "error failed DTLS turn.example: "
                                                : "error failed TLS turn.example: "));
        assert_non_null(strstr(f.log, "is refused: it is not for this host, turn.example, but for "
                                      "other.example, 192.0.2.99\n"));
        end(&f);
    }
    /* A name with a NUL in it is shown whole. */
    start_secure(&f, false, TLS_EMBEDDED_NUL, traced_at(FLOE_TRACE_LEVEL_ERROR), 0);
    assert_non_null(strstr(f.log, "but for turn.example?.evil.example\n"));
    end(&f);
}

/* ── Levels ── */

/* Who has set on_trace alone gets what there was before there were levels. */
static void l17_trace_without_a_level_the_requests_alone(void **state)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    static fixture f;

    (void)state;
    start_secure(&f, false, TLS_RIGHT, settings, 0);
    assert_string_equal(f.log, "");
    assert_string_equal(f.packets, "packet sent 0 -\n");
    end(&f);
    start_secure(&f, false, TLS_WRONG_NAME, settings, 0);
    assert_int_equal(f.events, 0);
    end(&f);
}

#define REALM "r\xc3\xa9" /* é */

static void sign(floe_stun_writer *writer)
{
    floe_stun_key *key = NULL;

    assert_int_equal(floe_stun_key_long_term(&floe_default_allocator, FLOE_STUN_PASSWORD_MD5,
                                             floe_span_text("user"), floe_span_text(REALM),
                                             floe_span_text("TURNSECRET"), &key),
                     FLOE_OK);
    floe_stun_put_integrity(writer, key->sha1);
    floe_stun_key_release(key);
}

static void answer(fixture *f, uint16_t code)
{
    uint8_t bytes[256];
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_ERROR, f->request.method, &f->request.id);

    floe_stun_put_error(&writer, code, floe_span_text("No"));
    if (code == 401) {
        floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text(REALM));
        floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text("nonce"));
    } else {
        sign(&writer);
    }
    floe_span message = floe_stun_written(&writer);
    give(f, message.data, message.size);
    settle(f);
    later(f, 5);
}

/* What is asked for, a stranger's packet, who one is, and a refusal. */
static void l17_trace_each_level_has_those_below(void **state)
{
    static const struct {
        floe_trace_level level;
        const char *steps;
        const char *packets;
    } rows[] = {
        {FLOE_TRACE_LEVEL_ERROR, "", "error received 403 -\n"},
        {FLOE_TRACE_LEVEL_WARNING, "", "warning dropped 0 -\nerror received 403 -\n"},
        {FLOE_TRACE_LEVEL_INFO,
         "info looks up A turn.example: \ninfo found A turn.example: 203.0.113.2\n",
         "warning dropped 0 -\nerror received 403 -\n"},
        {FLOE_TRACE_LEVEL_PACKET,
         "info looks up A turn.example: \ninfo found A turn.example: 203.0.113.2\n",
         "packet sent 0 -\nwarning dropped 0 -\npacket received 401 r??\npacket sent 0 -\n"
         "error received 403 -\n"},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start(&f, "turn:turn.example", traced_at(rows[i].level), 0);
        found(&f, 0, FLOE_OK, "203.0.113.2:0");
        later(&f, 5);
        f.remote = address_of("203.0.113.2:3478");
        give(&f, "?", 1);
        answer(&f, 401);
        answer(&f, 403);
        assert_string_equal(f.log, rows[i].steps);
        assert_string_equal(f.packets, rows[i].packets);
        end(&f);
    }
}

static void l17_trace_a_level_that_is_none_is_refused(void **state)
{
    floe_settings settings = traced_at((floe_trace_level)5);
    floe_core_shared *shared = NULL;
    seeded_random random;

    (void)state;
    seeded_init(&random, 1);
    assert_int_equal(floe_core_shared_new(&settings, &random.table, &shared),
                     FLOE_ERR_INVALID_ARGUMENT);
}

/* ── Memory ── */

/* Without memory an event is missing, and whatever that was for; nothing is left, and nothing breaks. */
static void l17_trace_memory_that_fails(void **state)
{
    static fixture f;
    bool failed = true;

    (void)state;
    for (size_t n = 1; failed; n++) {
        start_secure(&f, false, TLS_RIGHT, traced_at(FLOE_TRACE_LEVEL_PACKET), n);
        failed = f.memory.calls >= f.memory.fail_at;
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l17_trace_a_name_that_is_found),
        cmocka_unit_test(l17_trace_a_name_that_is_not_known),
        cmocka_unit_test(l17_trace_a_name_without_addresses),
        cmocka_unit_test(l17_trace_services_that_are_there_or_not),
        cmocka_unit_test(l17_trace_records_of_strangers_are_text),
        cmocka_unit_test(l17_trace_a_connection_that_is_refused),
        cmocka_unit_test(l17_trace_a_connection_that_is_closed),
        cmocka_unit_test(l17_trace_a_proxy_that_connects_or_says_407),
        cmocka_unit_test(l17_trace_what_is_secured),
        cmocka_unit_test(l17_trace_a_certificate_that_is_refused),
        cmocka_unit_test(l17_trace_without_a_level_the_requests_alone),
        cmocka_unit_test(l17_trace_each_level_has_those_below),
        cmocka_unit_test(l17_trace_a_level_that_is_none_is_refused),
        cmocka_unit_test(l17_trace_memory_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A server that speaks straight into the core, where the simulated network has no switch for it:
 * what no server should send, which is bounded in memory and time and is one error that says what
 * is wrong; and a thousand relays that are kept for an hour. */
#include "support.h"

#include "base/address.h"
#include "base/random.h"
#include "base/time.h"
#include "polled.h"
#include "stun/writer.h"

#include <floe/core.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fixture {
    counting_allocator memory;
    seeded_random random;
    floe_core_shared *shared;
    floe_core *core;
    floe_time now;
    uint32_t channel; /* to the server */
    floe_stun_message request;
    uint8_t request_bytes[FLOE_CORE_DATA_SIZE];
    size_t requests; /* so many came since the last look */
    size_t relays;
    size_t sockets; /* by UDP, that were opened */
    size_t connections;
    char connected[FLOE_ADDRESS_TEXT_SIZE]; /* whom to, the latest */
    size_t refreshes;                       /* that went out */
    unsigned writable;                      /* events */
    size_t reflexive;
    size_t errors;
    uint64_t bytes; /* that went out */
    size_t packets;
    bool answers; /* what keeps a relay, by itself */
    char error[512];
    uint16_t code;
    bool told;             /* a candidate had it */
    unsigned shown;        /* how often packets held the host's address */
    char sent[512];        /* the first bytes that went out */
    char names[512];       /* that were asked for, with the record's number */
    char trace[1024];      /* what was told: its kind, method and code */
    uint32_t query;        /* the latest */
    uint32_t relay;        /* the latest candidate's id */
    floe_protocol by;      /* and its transport */
    bool both;             /* there is an IPv6 address too */
    floe_address asked;    /* whom the latest Allocate goes to */
    unsigned serves;       /* by itself, by these */
    bool lost;             /* by datagrams nothing stands any more */
    unsigned full;         /* and of these, by these it has no room */
    uint64_t streams;      /* the channels that are connections, a bit each */
    unsigned allocates[2]; /* that came by datagrams; by connections */
    unsigned completed;
    floe_core_output output;
} fixture;

#define SERVES_UDP 1U
#define SERVES_TCP 2U

static const char *const server_address = "203.0.113.2:3478";

/* A message of the server's comes in. */
static void arrive(fixture *f, uint32_t channel, const floe_stun_writer *writer)
{
    floe_address source = address_of(server_address);
    floe_span message = floe_stun_written(writer);

    floe_core_datagram(f->core, f->now, channel, &source, message.data, message.size);
}

static void answer_upkeep(fixture *f)
{
    uint8_t bytes[64];
    floe_address mapped = address_of("192.0.2.7:700");
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, f->request.method, &f->request.id);

    if (f->request.method == FLOE_STUN_BINDING) {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    } else {
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
    }
    arrive(f, f->channel, &writer);
}

/* Serves what goes out by its transport. */
static void serve(fixture *f)
{
    const floe_core_output output = f->output;
    bool stream = (f->streams >> (output.channel & 63U) & 1U) != 0;
    unsigned by = stream ? SERVES_TCP : SERVES_UDP;
    bool full = (f->full & by) != 0;
    floe_address mapped = address_of("192.0.2.7:700");
    floe_address relayed = address_of("198.51.100.9:5000");
    floe_stun_message request;
    uint8_t bytes[256];

    if ((f->serves & by) == 0 ||
        floe_stun_parse(floe_span_of(output.data, output.data_size), &request) !=
            FLOE_STUN_PARSED ||
        request.class != FLOE_STUN_REQUEST) {
        return;
    }
    bool allocate = request.method == FLOE_STUN_ALLOCATE;
    f->allocates[stream] += allocate;
    bool refresh = request.method == FLOE_STUN_REFRESH;
    uint16_t code = allocate && full ? 486 : refresh && f->lost && !stream ? 437 : 0;
    floe_stun_class class = code != 0 ? FLOE_STUN_ERROR : FLOE_STUN_SUCCESS;
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, class, request.method, &request.id);
    if (code != 0) {
        floe_stun_put_error(&writer, code, floe_span_text("No"));
    } else {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &relayed);
        floe_stun_put_address_error(&writer, FLOE_STUN_ADDRESS_ERROR_CODE, 2, 440,
                                    floe_span_text("No"));
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
    }
    floe_span message = floe_stun_written(&writer);
    if (stream) {
        floe_core_stream(f->core, f->now, output.channel, message.data, message.size);
    } else {
        floe_core_datagram(f->core, f->now, output.channel, &output.remote, message.data,
                           message.size);
    }
}

static void take_send(fixture *f)
{
    const floe_core_output *output = &f->output;

    f->bytes += output->data_size;
    for (size_t i = 0; i + 4 <= output->data_size; i++) {
        f->shown += memcmp((const char *)output->data + i, "\x0a\x00\x01\x02", 4) == 0;
    }
    if (f->packets++ == 0 && output->data_size < sizeof f->sent) {
        memcpy(f->sent, output->data, output->data_size);
    }
    if (output->data_size > sizeof f->request_bytes) {
        return;
    }
    memcpy(f->request_bytes, output->data, output->data_size);
    bool parsed = floe_stun_parse(floe_span_of(f->request_bytes, output->data_size), &f->request) ==
                  FLOE_STUN_PARSED;
    f->refreshes += parsed && f->request.method == FLOE_STUN_REFRESH;
    if (parsed && f->request.method == FLOE_STUN_ALLOCATE) {
        f->channel = output->channel;
        f->asked = output->remote;
        f->requests++;
    } else if (f->answers && f->request.class == FLOE_STUN_REQUEST) {
        answer_upkeep(f);
    }
}

static void settle(fixture *f)
{
    floe_interface_address list[] = {{.interface_name = "eth0",
                                      .interface_index = 1,
                                      .up = true,
                                      .address = address_of("10.0.1.2:0")},
                                     {.interface_name = "eth0",
                                      .interface_index = 1,
                                      .up = true,
                                      .address = address_of("[2001:db8::2]:0")}};

    while (polled(f->core, f->now, &f->output)) {
        switch (f->output.kind) {
        case FLOE_CORE_LIST_INTERFACES:
            floe_core_interfaces(f->core, f->now, list, f->both ? 2 : 1);
            break;
        case FLOE_CORE_OPEN: {
            floe_address local = f->output.local;
            local.port = 4000;
            f->channel = f->output.channel;
            f->sockets += f->output.protocol == FLOE_PROTOCOL_UDP;
            if (f->output.protocol == FLOE_PROTOCOL_TCP) {
                f->connections++;
                f->streams |= (uint64_t)1 << (f->output.channel & 63U);
                (void)floe_address_format_with_port(&f->output.remote, f->connected,
                                                    sizeof f->connected);
            }
            floe_core_opened(f->core, f->now, f->output.channel, &local);
            break;
        }
        case FLOE_CORE_SEND:
            take_send(f);
            serve(f);
            break;
        case FLOE_CORE_RESOLVE: {
            size_t used = strlen(f->names);
            (void)snprintf(f->names + used, sizeof f->names - used, "%s %d | ", f->output.name,
                           (int)f->output.record);
            f->query = f->output.query;
            break;
        }
        case FLOE_CORE_CANDIDATE:
            f->completed += f->output.candidate == NULL;
            if (f->output.candidate != NULL) {
                char text[FLOE_CANDIDATE_TEXT_SIZE] = "";
                (void)floe_candidate_format(f->output.candidate, text, sizeof text);
                f->reflexive += f->output.candidate->type == FLOE_CANDIDATE_TYPE_SRFLX;
                f->told = f->told || strstr(text, "10.0.1.2") != NULL;
            }
            if (f->output.candidate != NULL &&
                f->output.candidate->type == FLOE_CANDIDATE_TYPE_RELAY) {
                f->relays++;
                f->relay = f->output.candidate->id;
                f->by = f->output.candidate->relay_protocol;
            }
            break;
        case FLOE_CORE_WRITABLE:
            f->writable++;
            break;
        case FLOE_CORE_TRACE: {
            const floe_trace_event *event = f->output.trace;
            size_t used = strlen(f->trace);
            (void)snprintf(f->trace + used, sizeof f->trace - used, "%s %s %u | ",
                           floe_trace_kind_name(event->kind), event->method, event->code);
            break;
        }
        case FLOE_CORE_CANDIDATE_ERROR:
            f->errors++;
            (void)snprintf(f->error, sizeof f->error, "%s", f->output.error->text);
            f->code = f->output.error->code;
            break;
        default:
            break;
        }
    }
}

/* To when the core wants to be told of the time. */
static void tick(fixture *f)
{
    floe_time due = floe_core_deadline(f->core);

    f->now = due.ns > f->now.ns ? due : f->now;
    floe_core_time(f->core, f->now);
}

/* The program stands still so long. */
static void late(fixture *f, uint64_t milliseconds)
{
    f->now = floe_time_after(f->now, floe_milliseconds(milliseconds));
    floe_core_time(f->core, f->now);
    settle(f);
}

/* So much later, told of the time when the core wants to be. */
static void later(fixture *f, uint64_t milliseconds)
{
    floe_time then = floe_time_after(f->now, floe_milliseconds(milliseconds));
    unsigned turns = 0;

    for (floe_time due; (due = floe_core_deadline(f->core)).ns < then.ns; turns++) {
        assert_true(turns < 100000);
        f->now = due.ns > f->now.ns ? due : f->now;
        floe_core_time(f->core, f->now);
        settle(f);
    }
    f->now = then;
    floe_core_time(f->core, f->now);
    settle(f);
}

static void make(fixture *f, const char *url, floe_gather_policy policy, floe_settings settings)
{
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    memset(f, 0, sizeof *f);
    counting_init(&f->memory);
    seeded_init(&f->random, 7);
    f->now = floe_time_after((floe_time){0}, floe_seconds(1000));
    settings.allocator = &f->memory.table;
    server.urls = &url;
    server.url_count = 1;
    server.username = "user";
    server.credential = "secret";
    options.ice_servers = &server;
    options.ice_server_count = 1;
    options.gather_policy = policy;
    assert_int_equal(floe_core_shared_new(&settings, &f->random.table, &f->shared), FLOE_OK);
    assert_int_equal(floe_core_new(f->shared, &options, &f->core), FLOE_OK);
}

/* Until a relay is asked for. */
static void start_with(fixture *f, const char *url, floe_gather_policy policy,
                       floe_settings settings)
{
    make(f, url, policy, settings);
    assert_int_equal(floe_core_start(f->core, f->now), FLOE_OK);
    settle(f);
    for (int i = 0; i < 20 && f->requests == 0; i++) {
        later(f, 5);
    }
}

/* For relays alone. */
static void start(fixture *f, const char *url, floe_settings settings)
{
    start_with(f, url, FLOE_GATHER_POLICY_RELAY, settings);
}

static void begin(fixture *f, const char *url)
{
    start(f, url, (floe_settings)FLOE_SETTINGS_INIT);
    assert_true(f->requests > 0);
}

static void end(fixture *f)
{
    floe_core_close(f->core, f->now);
    settle(f);
    floe_core_free(f->core);
    floe_core_shared_free(f->shared);
    assert_int_equal(f->memory.live, 0);
}

static floe_stun_writer answer(const fixture *f, uint8_t *bytes, size_t size, floe_stun_class class)
{
    return floe_stun_begin(bytes, size, class, f->request.method, &f->request.id);
}

/* By UDP. */
static void send_answer(fixture *f, const floe_stun_writer *writer)
{
    f->requests = 0;
    arrive(f, f->channel, writer);
    settle(f);
    later(f, 5);
}

static void challenge_with(fixture *f, floe_span realm, floe_span nonce)
{
    uint8_t bytes[4096];
    floe_stun_writer writer = answer(f, bytes, sizeof bytes, FLOE_STUN_ERROR);

    floe_stun_put_error(&writer, 401, floe_span_text("Unauthorized"));
    floe_stun_put(&writer, FLOE_STUN_REALM, realm);
    floe_stun_put(&writer, FLOE_STUN_NONCE, nonce);
    send_answer(f, &writer);
}

/* RFC 8489 §14.10: 763 bytes are the longest nonce. */
static void a_nonce_of_763_bytes_and_of_764(void **state)
{
    static fixture f;
    char nonce[764];

    (void)state;
    memset(nonce, 'n', sizeof nonce);
    begin(&f, "turn:203.0.113.2");
    challenge_with(&f, floe_span_text("r"), floe_span_of(nonce, 763));
    assert_int_equal(f.requests, 1);
    floe_span sent;
    assert_true(floe_stun_find(&f.request, FLOE_STUN_NONCE, &sent));
    assert_int_equal(sent.size, 763);
    end(&f);
    begin(&f, "turn:203.0.113.2");
    challenge_with(&f, floe_span_text("r"), floe_span_of(nonce, 764));
    assert_int_equal(f.errors, 1);
    assert_non_null(strstr(f.error, "NONCE"));
    end(&f);
}

/* Bytes are bytes: they come back as they were. */
static void a_realm_with_quotes_and_nuls(void **state)
{
    static const char realm[] = "\"quoted\"\0\\realm\r\n";
    static fixture f;
    floe_span sent;

    (void)state;
    begin(&f, "turn:203.0.113.2");
    challenge_with(&f, floe_span_of(realm, sizeof realm - 1), floe_span_text("n"));
    assert_int_equal(f.requests, 1);
    assert_true(floe_stun_find(&f.request, FLOE_STUN_REALM, &sent));
    assert_true(floe_span_equal(sent, floe_span_of(realm, sizeof realm - 1)));
    end(&f);
}

/* An IPv4 address, and that there is none of IPv6. */
static void put_relayed(floe_stun_writer *writer, const floe_address *relayed)
{
    floe_stun_put_address(writer, FLOE_STUN_XOR_RELAYED_ADDRESS, relayed);
    floe_stun_put_address_error(writer, FLOE_STUN_ADDRESS_ERROR_CODE, 2, 440, floe_span_text("No"));
}

static void allocated(fixture *f, const char *relayed, uint32_t lifetime)
{
    uint8_t bytes[256];
    floe_stun_writer writer = answer(f, bytes, sizeof bytes, FLOE_STUN_SUCCESS);
    floe_address address = address_of(relayed);

    put_relayed(&writer, &address);
    floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, lifetime);
    send_answer(f, &writer);
}

/* T7: a lifetime of a second is refreshed within it, one of 2^32 - 1 in its time. */
static void lifetimes_of_all_kinds(void **state)
{
    static const struct {
        uint32_t lifetime;
        bool good;
    } rows[] = {{0, false}, {1, true}, {2, true}, {UINT32_MAX, true}};
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(&f, "turn:203.0.113.2");
        allocated(&f, "198.51.100.9:5000", rows[i].lifetime);
        assert_int_equal(f.relays, rows[i].good);
        assert_int_equal(f.errors, !rows[i].good);
        if (!rows[i].good) {
            assert_non_null(strstr(f.error, "lifetime of 0"));
        } else {
            /* In a minute: so often as it needs, or, where it needs none, as a keepalive at most.
             * The answers say 600 s, so the first is the one. */
            floe_time until = floe_time_after(f.now, floe_seconds(60));
            f.answers = true;
            while (floe_core_deadline(f.core).ns < until.ns) {
                assert_true(floe_core_deadline(f.core).ns > f.now.ns || f.packets < 1000);
                tick(&f);
                settle(&f);
            }
            assert_in_range(f.refreshes, rows[i].lifetime != UINT32_MAX, 5);
        }
        end(&f);
    }
}

/* T4b: what an Allocate answer names, in every spelling. */
static void impossible_relayed_addresses(void **state)
{
    static const char *const addresses[] = {
        "0.0.0.0:5000",           "127.0.0.1:5000",     "127.255.255.254:5000",
        "169.254.1.1:5000",       "224.0.0.1:5000",     "255.255.255.255:5000",
        "198.51.100.9:0",         "[::]:5000",          "[::1]:5000",
        "[fe80::1]:5000",         "[ff02::1]:5000",     "[::ffff:127.0.0.1]:5000",
        "[::ffff:0.0.0.0]:5000",  "[::127.0.0.1]:5000", "[::ffff:169.254.1.1]:5000",
        "[::ffff:224.0.0.1]:5000"};
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        begin(&f, "turn:203.0.113.2");
        allocated(&f, addresses[i], 600);
        if (f.relays != 0 || f.errors != 1 || strstr(f.error, "impossible relayed") == NULL) {
            fail_msg("%s: %zu relays, %zu errors, %s", addresses[i], f.relays, f.errors, f.error);
        }
        end(&f);
    }
}

/* T4b: for programs that take URLs from strangers. */
static void ports_of_strangers(void **state)
{
    static const struct {
        const char *url;
        bool asked;
    } rows[] = {{"turn:203.0.113.2:22", false},
                {"turn:203.0.113.2:52", false},
                {"turn:203.0.113.2:53", true},
                {"turn:203.0.113.2:80", true},
                {"turn:203.0.113.2:443", true},
                {"turn:203.0.113.2:1023", false},
                {"turn:203.0.113.2:1024", true},
                {"turn:203.0.113.2", true},
                {"turn:203.0.113.2:1?transport=tcp", false}};
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_settings settings = FLOE_SETTINGS_INIT;
        settings.refuse_low_ports = true;
        start(&f, rows[i].url, settings);
        assert_int_equal(f.requests > 0, rows[i].asked);
        assert_int_equal(f.errors, !rows[i].asked);
        assert_true(rows[i].asked || strstr(f.error, "refuse_low_ports") != NULL);
        end(&f);
    }
}

/* By TCP: endless bytes. Whatever they are, little is kept, and nothing is told twice. */
static void feed(fixture *f, const uint8_t *bytes, size_t size, uint64_t total)
{
    size_t most = f->memory.live;

    for (uint64_t fed = 0; fed < total; fed += size) {
        floe_core_stream(f->core, f->now, f->channel, bytes, size);
        most = f->memory.live > most ? f->memory.live : most;
    }
    settle(f);
    assert_true(most <= f->memory.live + 4);
    assert_true(f->memory.live < 64);
}

static void allocated_by_stream(fixture *f, const char *relayed)
{
    uint8_t bytes[256];
    floe_stun_writer writer = answer(f, bytes, sizeof bytes, FLOE_STUN_SUCCESS);
    floe_address address = address_of(relayed);

    put_relayed(&writer, &address);
    floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
    floe_span message = floe_stun_written(&writer);
    floe_core_stream(f->core, f->now, f->channel, message.data, message.size);
    settle(f);
}

/* ChannelData of a channel that nobody has bound, 4 GB of it. */
static void four_gigabytes_for_no_channel(void **state)
{
    static uint8_t bytes[65536];
    static fixture f;
    uint64_t total = (uint64_t)4 << 30;

    (void)state;
    for (size_t at = 0; at < sizeof bytes; at += 16384) {
        bytes[at] = 0x40;
        bytes[at + 2] = (uint8_t)((16384 - 4) >> 8);
        bytes[at + 3] = (uint8_t)(16384 - 4);
    }
    begin(&f, "turn:203.0.113.2?transport=tcp");
    allocated_by_stream(&f, "198.51.100.9:5000");
    assert_int_equal(f.relays, 1);
    feed(&f, bytes, sizeof bytes, total);
    assert_int_equal(floe_core_shared_dropped(f.shared), total / 16384);
    later(&f, 6000);
    assert_int_equal(f.errors, 0);
    end(&f);
}

/* core.h: on a channel that is blocked nothing more is sent, be it that it closes. */
static void k1_a_blocked_channel_closes_without_a_word(void **state)
{
    static fixture f;
    floe_address peer = address_of("198.18.0.1:7000");
    unsigned sent = 0;
    unsigned closed = 0;

    (void)state;
    for (int blocks = 0; blocks < 2; blocks++) {
        start(&f, "turn:203.0.113.2?transport=tcp", (floe_settings)FLOE_SETTINGS_INIT);
        later(&f, 5);
        allocated_by_stream(&f, "198.51.100.9:5000");
        assert_int_equal(f.relays, 1);
        assert_int_equal(floe_core_send(f.core, f.now, f.relay, &peer, "x", 1), FLOE_OK);
        floe_core_close(f.core, f.now);
        sent = closed = 0;
        while (polled(f.core, f.now, &f.output)) {
            bool ours = f.output.channel == f.channel;
            sent += f.output.kind == FLOE_CORE_SEND && ours;
            closed += f.output.kind == FLOE_CORE_CLOSE && ours;
            if (sent == 1 && blocks == 1) {
                floe_core_blocked(f.core, f.channel);
            }
        }
        assert_int_equal(closed, 1);
        assert_true(blocks == 1 ? sent == 1 : sent > 1);
        end(&f);
    }
}

/* Noise ends the connection with its first bytes, however much follows. */
static void four_gigabytes_of_noise(void **state)
{
    static uint8_t bytes[65536];
    static fixture f;

    (void)state;
    memset(bytes, 0xA5, sizeof bytes);
    begin(&f, "turn:203.0.113.2?transport=tcp");
    feed(&f, bytes, sizeof bytes, (uint64_t)4 << 30);
    assert_int_equal(f.errors, 1);
    assert_non_null(strstr(f.error, "neither STUN nor ChannelData"));
    end(&f);
}

/* Another service is told by its first line, in however many pieces that comes; nothing else of it is. */
static void a_strangers_first_line_is_told(void **state)
{
    static const struct {
        const char *bytes;
        const char *told;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\r\nServer: secret\r\n",
         "ChannelData, but \"HTTP/1.1 400 Bad Request\": is it"},
        {"220 0123456789012345678901234567890123456789",
         "but \"220 012345678901234567890123456789012345\": is it"},
        {"\x01HTTP/1.1 400", "ChannelData: is it"},
        {"HTT\x01", "ChannelData: is it"},
        {"SSH-2.0\x80OpenSSH", "but \"SSH-2.0\": is it"},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(&f, "turn:203.0.113.2?transport=tcp");
        feed(&f, (const uint8_t *)rows[i].bytes, strlen(rows[i].bytes), strlen(rows[i].bytes));
        assert_int_equal(f.errors, 1);
        assert_non_null(strstr(f.error, rows[i].told));
        end(&f);
    }
    begin(&f, "turn:203.0.113.2?transport=tcp");
    for (const char *byte = rows[0].bytes; *byte != '\0'; byte++) {
        floe_core_stream(f.core, f.now, f.channel, byte, 1);
    }
    settle(&f);
    assert_non_null(strstr(f.error, "ChannelData, but \"HTTP"));
    end(&f);
}

/* L7: what waits for a connection goes before its end, the release of the relay with it. */
static void l7_a_close_is_behind_what_waits(void **state)
{
    static fixture f;
    uint8_t bytes[256];
    floe_address relayed = address_of("198.51.100.9:5000");

    (void)state;
    begin(&f, "turn:203.0.113.2?transport=tcp");
    floe_stun_writer writer = answer(&f, bytes, sizeof bytes, FLOE_STUN_SUCCESS);
    put_relayed(&writer, &relayed);
    floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
    floe_span message = floe_stun_written(&writer);
    floe_core_stream(f.core, f.now, f.channel, message.data, message.size);
    settle(&f);
    assert_int_equal(f.relays, 1);
    floe_core_blocked(f.core, f.channel);
    later(&f, 15500);
    floe_core_writable(f.core, f.now, f.channel);
    f.packets = 0;
    floe_core_close(f.core, f.now);
    bool closed = false;
    size_t sent = 0;
    while (polled(f.core, f.now, &f.output)) {
        bool here = f.output.channel == f.channel;
        assert_false(closed && here && f.output.kind == FLOE_CORE_SEND);
        sent += f.output.kind == FLOE_CORE_SEND;
        closed = closed || (here && f.output.kind == FLOE_CORE_CLOSE);
    }
    assert_true(closed);
    assert_int_equal(sent, 2); /* the Refresh that waited, and the last one */
    end(&f);
}

/* What an output points to is there until the next one is taken, whoever calls meanwhile: drivers let
 * their lock go while they tell it or begin a look-up. */
static void what_is_polled_outlives_other_calls(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;
    char fragment[257] = "";
    char name[256] = "";
    const floe_interface_address list[] = {{.interface_name = "eth0",
                                            .interface_index = 1,
                                            .up = true,
                                            .address = address_of("10.0.1.2:0")}};

    (void)state;
    settings.service_discovery = true;
    make(&f, "turn:turn.example.org", FLOE_GATHER_POLICY_ALL, settings);
    assert_int_equal(floe_core_start(f.core, f.now), FLOE_OK);
    while (polled(f.core, f.now, &f.output)) {
        if (f.output.kind == FLOE_CORE_LIST_INTERFACES) {
            floe_core_interfaces(f.core, f.now, list, 1);
        } else if (f.output.kind == FLOE_CORE_OPEN) {
            floe_address local = floe_address_with_port(f.output.local, 4000);
            floe_core_opened(f.core, f.now, f.output.channel, &local);
        } else if (f.output.kind == FLOE_CORE_CANDIDATE && *fragment == '\0') {
            const char *told = f.output.candidate->username_fragment;
            (void)snprintf(fragment, sizeof fragment, "%s", told);
            assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
            assert_string_equal(told, fragment);
            assert_int_equal(floe_core_start(f.core, f.now), FLOE_OK);
        } else if (f.output.kind == FLOE_CORE_RESOLVE && *name == '\0' && *fragment != '\0') {
            (void)snprintf(name, sizeof name, "%s", f.output.name);
            assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
            assert_string_equal(f.output.name, name);
        }
    }
    assert_true(*name != '\0');
    end(&f);
}

/* A length that lies: a message of 65,535 bytes is announced and never comes. */
static void a_length_that_lies(void **state)
{
    static const uint8_t channel[] = {0x40, 0, 0xff, 0xff};
    static const uint8_t message[] = {1, 3, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42};
    static fixture f;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        begin(&f, "turn:203.0.113.2?transport=tcp");
        if (i == 0) {
            feed(&f, message, sizeof message, sizeof message);
        } else {
            allocated_by_stream(&f, "198.51.100.9:5000");
            feed(&f, channel, sizeof channel, sizeof channel);
        }
        for (int k = 0; k < 60000; k += 1000) {
            static const uint8_t zeros[1000];
            feed(&f, zeros, sizeof zeros, sizeof zeros);
        }
        assert_int_equal(f.errors, 0);
        later(&f, 6000);
        assert_int_equal(f.errors, i == 0);
        end(&f);
    }
}

/* T7, T7b, R6: what keeps a relay for an hour is one Refresh each 15 s, for the NAT's sake and to
 * hear that its server has lost it; not a byte more, and no memory. */
static void a_thousand_relays_for_an_hour(void **state)
{
    enum { RELAYS = 1000, HOUR_MS = 3600000, REFRESH_BYTES = 20 };
    fixture *all = calloc(RELAYS, sizeof *all);
    uint64_t bytes = 0;

    (void)state;
    assert_non_null(all);
    for (size_t i = 0; i < RELAYS; i++) {
        begin(&all[i], "turn:203.0.113.2");
        allocated(&all[i], "198.51.100.9:5000", 600);
        assert_int_equal(all[i].relays, 1);
        all[i].bytes = all[i].packets = 0;
        all[i].answers = true;
    }
    for (size_t i = 0; i < RELAYS; i++) {
        fixture *f = &all[i];
        size_t memory = 0;
        floe_time end_of_hour = floe_time_after(f->now, floe_milliseconds(HOUR_MS));
        while (floe_core_deadline(f->core).ns < end_of_hour.ns) {
            tick(f);
            settle(f);
            memory = memory == 0 ? f->memory.live : memory; /* the mapped address is known */
        }
        assert_int_equal(f->memory.live, memory);
        assert_int_equal(f->errors, 0);
        bytes += f->bytes;
    }
    assert_int_equal(bytes, (uint64_t)RELAYS * (HOUR_MS / 15000) * REFRESH_BYTES);
    for (size_t i = 0; i < RELAYS; i++) {
        end(&all[i]);
    }
    free(all);
}

/* Goes from deadline to deadline until an Allocate goes out; how many milliseconds that took. */
static uint64_t until_asked(fixture *f)
{
    floe_time begun = f->now;

    f->requests = 0;
    for (int i = 0; i < 1000 && f->requests == 0; i++) {
        tick(f);
        settle(f);
    }
    assert_int_equal(f->requests, 1);
    return floe_duration_milliseconds(floe_time_since(f->now, begun));
}

static void refuse(fixture *f, uint16_t code)
{
    uint8_t bytes[256];
    floe_stun_writer writer = answer(f, bytes, sizeof bytes, FLOE_STUN_ERROR);

    floe_stun_put_error(&writer, code, floe_span_text("No"));
    arrive(f, f->channel, &writer);
    settle(f);
}

/* T7: a relay that was lost is asked for again at once, then after 1, 2, 4 … 60 s. */
static void t7_pauses_before_a_lost_relay_is_asked_for(void **state)
{
    static const uint64_t pauses[] = {0, 1, 2, 4, 8, 16, 32, 60, 60, 60};
    static fixture f;

    (void)state;
    begin(&f, "turn:203.0.113.2");
    allocated(&f, "198.51.100.9:5000", 600);
    assert_int_equal(f.relays, 1);
    while (f.request.method != FLOE_STUN_REFRESH) { /* T7b: after 15 s */
        tick(&f);
        settle(&f);
    }
    refuse(&f, 437);
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        uint64_t waited = until_asked(&f);
        assert_in_range(waited, pauses[i] * 1000, pauses[i] * 1000 + 100);
        refuse(&f, 599);
    }
    (void)until_asked(&f);
    allocated(&f, "198.51.100.9:5001", 600);
    assert_int_equal(f.relays, 2);
    assert_int_equal(f.errors, 1); /* told once that it can't be had */
    end(&f);
}

/* K1: that the server lets no packet go to a peer is told to who sends one. */
static void k1_a_peer_that_the_server_refuses(void **state)
{
    static fixture f;
    floe_address peer = address_of("192.0.2.77:7000");

    (void)state;
    begin(&f, "turn:203.0.113.2");
    allocated(&f, "198.51.100.9:5000", 600);
    assert_int_equal(floe_core_send(f.core, f.now, f.relay, &peer, "x", 1), FLOE_OK);
    settle(&f);
    assert_int_equal(f.request.method, FLOE_STUN_CREATE_PERMISSION);
    /* Whoever was told that too much waits is told when it does not wait any longer. */
    static const uint8_t packet[1200];
    floe_error error = FLOE_OK;
    while (error == FLOE_OK) {
        error = floe_core_send(f.core, f.now, f.relay, &peer, packet, sizeof packet);
    }
    assert_int_equal(error, FLOE_ERR_QUEUE_FULL);
    refuse(&f, 403);
    settle(&f);
    assert_int_equal(f.writable, 1);
    f.bytes = 0;
    assert_int_equal(floe_core_send(f.core, f.now, f.relay, &peer, "x", 1), FLOE_ERR_PERMISSION);
    assert_non_null(strstr(floe_last_error(), "refuses this peer"));
    settle(&f);
    assert_int_equal(f.bytes, 0);
    end(&f);
}

static void no_trace(void *user_data, const floe_trace_event *event)
{
    (void)user_data;
    (void)event;
}

/* T7b: a refusal that says nothing of the peer (coturn's 400 of an allocation that it has
 * forgotten) has the allocation asked at once; what becomes of that is the relay's, not the peer's.
 * All of it is in the trace. */
static void t7b_a_refusal_that_is_not_of_the_peer(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_address peer = address_of("192.0.2.77:7000");

    (void)state;
    settings.on_trace = no_trace;
    start(&f, "turn:203.0.113.2", settings);
    allocated(&f, "198.51.100.9:5000", 600);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(floe_core_send(f.core, f.now, f.relay, &peer, "x", 1), FLOE_OK);
    }
    settle(&f);
    assert_int_equal(f.request.method, FLOE_STUN_CREATE_PERMISSION);
    *f.trace = '\0';
    refuse(&f, 400);
    later(&f, 5);
    assert_int_equal(f.request.method, FLOE_STUN_REFRESH);
    assert_string_equal(f.trace, "received CreatePermission 400 | sent Refresh 0 | ");
    /* It stands: the peer is asked for again, and nobody is told that it is refused. */
    answer_upkeep(&f);
    assert_int_equal(floe_core_send(f.core, f.now, f.relay, &peer, "x", 1), FLOE_OK);
    *f.trace = '\0';
    later(&f, 5000);
    assert_int_equal(f.request.method, FLOE_STUN_CREATE_PERMISSION);
    assert_string_equal(f.trace, "received Refresh 0 | sent CreatePermission 0 | ");
    answer_upkeep(&f);
    settle(&f);
    assert_int_equal(f.request.method, FLOE_STUN_CHANNEL_BIND);
    assert_non_null(strstr(f.trace, "received CreatePermission 0 | sent ChannelBind 0 | "));
    /* It does not: the relay is lost, and asked for anew. */
    refuse(&f, 400);
    later(&f, 5);
    assert_int_equal(f.request.method, FLOE_STUN_REFRESH);
    refuse(&f, 437);
    (void)until_asked(&f);
    assert_int_equal(floe_core_send(f.core, f.now, f.relay, &peer, "x", 1), FLOE_ERR_NOT_FOUND);
    end(&f);
}

/* RFC 8489 §6.3.2: an indication that is not understood is discarded. RFC 8656 §11.6: one with ICMP
 * has no data, and says something all the same. */
static void t6_indications_of_all_kinds(void **state)
{
    enum { DATA, UNKNOWN, ICMP, STRANGER, KINDS };
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_address peer = address_of("192.0.2.77:7000");
    floe_address stranger = address_of("192.0.2.78:7000");

    (void)state;
    settings.on_trace = no_trace;
    start(&f, "turn:203.0.113.2", settings);
    allocated(&f, "198.51.100.9:5000", 600);
    floe_core_receive_packets(f.core, true);
    assert_int_equal(floe_core_send(f.core, f.now, f.relay, &peer, "x", 1), FLOE_OK);
    settle(&f);
    for (int kind = DATA; kind < KINDS; kind++) {
        uint8_t bytes[128];
        floe_packet packet;
        floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_INDICATION,
                                                  FLOE_STUN_DATA_INDICATION, &f.request.id);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS,
                              kind == STRANGER ? &stranger : &peer);
        if (kind == UNKNOWN) {
            floe_stun_put(&writer, 0x7ABC, (floe_span){0});
        }
        if (kind == ICMP || kind == STRANGER) {
            /* type 3 (destination unreachable), code 3 (port), in 7 and 9 bits */
            floe_stun_put(&writer, FLOE_STUN_ICMP, floe_span_of("\0\0\x06\x03\0\0\0\0", 8));
        } else {
            floe_stun_put(&writer, FLOE_STUN_DATA, floe_span_text("hello"));
        }
        arrive(&f, f.channel, &writer);
        *f.trace = '\0';
        assert_int_equal(arrived(f.core, f.now, &packet), kind == DATA);
        settle(&f);
        assert_string_equal(f.trace, kind == ICMP ? "unreachable Data 0 | " : "");
    }
    end(&f);
}

/* E1: where answers came and could not be believed, nobody is told that none came: their code is
 * told, and why they were dropped. */
static void e1_answers_that_cannot_be_believed(void **state)
{
    static const struct {
        uint16_t code;
        const char *text;
    } rows[] = {
        {508, "the server answers 508 Insufficient Capacity with no MESSAGE-INTEGRITY, which can't "
              "be believed: it has no relay port left"},
        {400, "the server answers 400 Bad Request with no MESSAGE-INTEGRITY, which can't be "
              "believed: are the username and the credential right?"},
        {599, "the server answers 599 with no MESSAGE-INTEGRITY, which can't be believed: look "
              "into the server's log"},
        {0, "the server answers a success with no MESSAGE-INTEGRITY, which can't be believed"},
        {1, "203.0.113.2 asked for a password, and has not answered in "},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(&f, "turn:203.0.113.2");
        challenge_with(&f, floe_span_text("r"), floe_span_text("n"));
        assert_int_equal(f.requests, 1);
        if (rows[i].code == 0) {
            allocated(&f, "198.51.100.9:5000", 600);
        } else if (rows[i].code > 1) {
            refuse(&f, rows[i].code);
        }
        later(&f, 6000);
        assert_int_equal(f.errors, 1);
        assert_int_equal(f.code, 701);
        if (strncmp(f.error, rows[i].text, strlen(rows[i].text)) != 0) {
            fail_msg("%u: %s", rows[i].code, f.error);
        }
        end(&f);
    }
}

/* A server that gives no reason of its own: the code's name stands for it, where it has one. */
static void e1_errors_without_a_reason(void **state)
{
    static const struct {
        uint16_t code;
        const char *reason;
        const char *text;
    } rows[] = {
        {403, "", "the server answers 403 Forbidden: its rules do not allow this user or address"},
        {486, "", "the server answers 486 Allocation Quota Reached: this user has all that"},
        {403, "Go away", "the server answers 403 Go away: its rules do not allow"},
        {599, "", "the server answers 599"},
        {599, "Odd", "the server answers 599 Odd"},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[256];
        begin(&f, "turn:203.0.113.2");
        floe_stun_writer writer = answer(&f, bytes, sizeof bytes, FLOE_STUN_ERROR);
        floe_stun_put_error(&writer, rows[i].code, floe_span_text(rows[i].reason));
        send_answer(&f, &writer);
        assert_int_equal(f.errors, 1);
        assert_int_equal(f.code, rows[i].code);
        if (strncmp(f.error, rows[i].text, strlen(rows[i].text)) != 0) {
            fail_msg("%u: %s", rows[i].code, f.error);
        }
        assert_true(*rows[i].reason != '\0' || rows[i].code != 599 ||
                    strlen(f.error) == strlen(rows[i].text));
        end(&f);
    }
}

static void e1_answers_from_elsewhere(void **state)
{
    static fixture f;

    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        uint8_t bytes[64];
        floe_address elsewhere = address_of("203.0.113.9:3478");
        make(&f, turn ? "turn:203.0.113.2" : "stun:203.0.113.2", FLOE_GATHER_POLICY_ALL,
             (floe_settings)FLOE_SETTINGS_INIT);
        assert_int_equal(floe_core_start(f.core, f.now), FLOE_OK);
        settle(&f);
        floe_stun_writer writer = answer(&f, bytes, sizeof bytes, FLOE_STUN_SUCCESS);
        floe_span message = floe_stun_written(&writer);
        floe_core_datagram(f.core, f.now, f.channel, &elsewhere, message.data, message.size);
        later(&f, 6000);
        assert_int_equal(f.errors, 1);
        assert_non_null(strstr(f.error, "answers came, but not from 203.0.113.2 port 3478"));
        end(&f);
    }
}

/* S3, RFC 2782: the targets of the lowest priority are looked up first; one that has been marked as
 * "not here" (".") never, and port 0 never. */
static void s3_services_in_the_order_of_their_priority(void **state)
{
    static const floe_service_record records[] = {
        {.target = "third.example.org", .port = 3, .priority = 30},
        {.target = "first.example.org", .port = 1, .priority = 10},
        {.target = ".", .port = 9, .priority = 1},
        {.target = "none.example.org", .port = 0, .priority = 2},
        {.target = "second.example.org", .port = 2, .priority = 20},
    };
    floe_settings settings = FLOE_SETTINGS_INIT;
    static fixture f;

    (void)state;
    settings.service_discovery = true;
    start(&f, "turn:example.org?transport=udp", settings);
    assert_string_equal(f.names, "_turn._udp.example.org 33 | ");
    *f.names = '\0';
    floe_core_services_resolved(f.core, f.now, f.query, FLOE_OK, records, 5);
    settle(&f);
    assert_string_equal(f.names, "first.example.org 1 | second.example.org 1 | "
                                 "third.example.org 1 | ");
    end(&f);
}

/* RFC 2782, by RFC 8489 §8.1: of one priority by a draw, in which who weighs more comes first more
 * often; with a weight of 0 hardly ever beside others. */
static void s6_services_are_drawn_by_their_weight(void **state)
{
    static const struct {
        uint16_t a, b;
        unsigned least, most; /* times of 64 that a is the first */
    } rows[] = {{0, 65535, 0, 0}, {1, 1, 20, 44}, {9, 29, 4, 28}, {29, 9, 36, 60}};
    floe_settings settings = FLOE_SETTINGS_INIT;
    static fixture f;

    (void)state;
    settings.service_discovery = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const floe_service_record records[] = {
            {.target = "a.example.org", .port = 1, .priority = 10, .weight = rows[i].a},
            {.target = "b.example.org", .port = 2, .priority = 10, .weight = rows[i].b},
        };
        unsigned first = 0;
        for (uint64_t seed = 1; seed <= 64; seed++) {
            start(&f, "turn:example.org?transport=udp", settings);
            *f.names = '\0';
            seeded_init(&f.random, seed);
            floe_core_services_resolved(f.core, f.now, f.query, FLOE_OK, records, 2);
            settle(&f);
            first += strcmp(f.names, "a.example.org 1 | b.example.org 1 | ") == 0;
            assert_true(strlen(f.names) == strlen("a.example.org 1 | b.example.org 1 | "));
            end(&f);
        }
        assert_in_range(first, rows[i].least, rows[i].most);
    }
}

/* S6, RFC 5928: NAPTR with the flag of SRV, or of an address; the lowest order first, other
 * services and unknown flags left out; by what each serves, "turns" by what is secure alone, and
 * past a proxy by no connection; without any, SRV as if nothing had been asked. */
static void s6_natural_services(void **state)
{
    static const struct {
        floe_service_record records[4];
        size_t count;
        const char *names;
        const char *url; /* NULL: turn:example.org */
        const char *proxy;
    } rows[] = {
        {{{.target = "a.example.org", .priority = 20, .flag = 'A', .service = "RELAY:turn.udp"},
          {.target = "_x._udp.example.org",
           .priority = 10,
           .flag = 's',
           .service = "relay:TURN.TCP:turn.udp"},
          {.target = "b.example.org", .priority = 1, .flag = 'u', .service = "RELAY:turn.udp"},
          {.target = "c.example.org", .priority = 1, .flag = 'A', .service = "RELAY:turn.tcp"}},
         4,
         "c.example.org 1 | _x._udp.example.org 33 | a.example.org 1 | ",
         NULL,
         NULL},
        {{{.target = "a.example.org", .flag = 'A', .service = "RELAY:turn.tcp:turn.udp"},
          {.target = "b.example.org", .priority = 1, .flag = 'A', .service = "RELAY:turn.tcp"},
          {.target = "c.example.org", .priority = 2, .flag = 'A', .service = "RELAY:turn.tls"}},
         3,
         "a.example.org 1 | ",
         NULL,
         "http://192.0.2.80:3128"},
        {{{.target = "a.example.org", .flag = 'A', .service = "RELAY:turn.tcp"},
          {.target = "b.example.org", .priority = 3, .flag = 'A', .service = "RELAY:turn.dtls"},
          {.target = "c.example.org", .priority = 2, .flag = 'A', .service = "RELAY:turn.tls"}},
         3,
         "c.example.org 1 | b.example.org 1 | ",
         "turns:example.org",
         NULL},
        {{{.target = "a.example.org", .flag = 'A', .service = "RELAY:turn.tcp"}},
         1,
         "_turns._tcp.example.org 33 | ",
         "turns:example.org",
         NULL},
        {{{.target = "a.example.org", .priority = 5, .flag = 'a', .service = "RELAY:turn.udp"}},
         1,
         "a.example.org 1 | ",
         NULL,
         NULL},
        {{{.target = "..", .priority = 5, .flag = 'a', .service = "RELAY:turn.udp"},
          {.target = "d.example.org", .priority = 5, .flag = 'a', .service = "turn.udp"},
          {.target = "e.example.org", .priority = 5, .flag = 'a', .service = NULL}},
         3,
         "_turn._udp.example.org 33 | ",
         NULL,
         NULL},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_settings settings = FLOE_SETTINGS_INIT;
        settings.service_discovery = true;
        settings.proxy = rows[i].proxy;
        start(&f, rows[i].url != NULL ? rows[i].url : "turn:example.org", settings);
        assert_string_equal(f.names, "example.org 35 | ");
        *f.names = '\0';
        floe_core_services_resolved(f.core, f.now, f.query, FLOE_OK, rows[i].records,
                                    rows[i].count);
        settle(&f);
        assert_string_equal(f.names, rows[i].names);
        end(&f);
    }
}

/* P8: what the domain offers beside what is wanted is not looked up; a TURN server that is asked for no
 * relay is found by its own service. */
static void p8_services_lead_to_what_is_wanted(void **state)
{
    static const floe_service_record records[] = {
        {.target = "a.example.org", .priority = 1, .flag = 'A', .service = "RELAY:turn.tcp"},
        {.target = "b.example.org", .priority = 2, .flag = 'A', .service = "RELAY:turn.udp"},
        {.target = "c.example.org", .priority = 3, .flag = 'A', .service = "RELAY:turn.tls"},
    };
    static const struct {
        uint32_t types;
        uint32_t transports;
        const char *asked;
        const char *names;
    } rows[] = {
        {0, 0, "example.org 35 | ", "a.example.org 1 | b.example.org 1 | c.example.org 1 | "},
        {0, FLOE_RELAY_TRANSPORT_UDP, "example.org 35 | ", "b.example.org 1 | "},
        {0, FLOE_RELAY_TRANSPORT_UDP | FLOE_RELAY_TRANSPORT_TLS, "example.org 35 | ",
         "b.example.org 1 | c.example.org 1 | "},
        {0, FLOE_RELAY_TRANSPORT_TCP, "", NULL},
        {FLOE_GATHER_TYPE_HOST, 0, "", NULL},
        {FLOE_GATHER_TYPE_SRFLX, 0, "_turn._udp.example.org 33 | ", NULL},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_settings settings = FLOE_SETTINGS_INIT;
        floe_ice_server server = FLOE_ICE_SERVER_INIT;
        floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
        const char *url = "turn:example.org";
        settings.service_discovery = true;
        make(&f, url, FLOE_GATHER_POLICY_ALL, settings);
        server.urls = &url;
        server.url_count = 1;
        server.username = "user";
        server.credential = "secret";
        options.ice_servers = &server;
        options.ice_server_count = 1;
        options.candidate_types = rows[i].types;
        options.relay_transports = rows[i].transports;
        assert_int_equal(floe_core_set_options(f.core, f.now, &options), FLOE_OK);
        assert_int_equal(floe_core_start(f.core, f.now), FLOE_OK);
        settle(&f);
        assert_string_equal(f.names, rows[i].asked);
        *f.names = '\0';
        if (rows[i].names != NULL) {
            floe_core_services_resolved(f.core, f.now, f.query, FLOE_OK, records, 3);
            settle(&f);
            assert_string_equal(f.names, rows[i].names);
        }
        end(&f);
    }
}

/* RFC 3958 §2.2.1, RFC 5928 §3 and its example: a record without a flag leads to others of the
 * kind, within bounds. */
static void s6_natural_services_that_are_not_terminal(void **state)
{
    static const floe_service_record records[] = {
        {.target = "stream.example.net", .priority = 200, .service = "RELAY:turn.tcp:turn.tls"},
        {.target = "datagram.example.net", .priority = 100, .service = "RELAY:turn.udp"}};
    static const floe_service_record terminal[] = {{.target = "_turn._udp.example.com",
                                                    .priority = 100,
                                                    .flag = 'S',
                                                    .service = "RELAY:turn.udp"}};
    static const floe_service_record circle[] = {
        {.target = "example.org", .service = "RELAY:turn.udp"}};
    floe_settings settings = FLOE_SETTINGS_INIT;
    static fixture f;
    unsigned rounds = 0;

    (void)state;
    settings.service_discovery = true;
    start(&f, "turn:example.org", settings);
    *f.names = '\0';
    floe_core_services_resolved(f.core, f.now, f.query, FLOE_OK, records, 2);
    settle(&f);
    assert_string_equal(f.names, "datagram.example.net 35 | stream.example.net 35 | ");
    *f.names = '\0';
    uint32_t stream = f.query;
    floe_core_services_resolved(f.core, f.now, stream - 1, FLOE_OK, terminal, 1);
    settle(&f);
    assert_string_equal(f.names, "_turn._udp.example.com 33 | ");
    *f.names = '\0';
    floe_core_services_resolved(f.core, f.now, stream, FLOE_OK, NULL, 0); /* leads nowhere */
    settle(&f);
    assert_string_equal(f.names, "");
    end(&f);
    start(&f, "turn:example.org", settings);
    do {
        *f.names = '\0';
        floe_core_services_resolved(f.core, f.now, f.query, FLOE_OK, circle, 1);
        settle(&f);
        assert_true(++rounds < 50);
    } while (strcmp(f.names, "example.org 35 | ") == 0);
    assert_string_equal(f.names, "_turn._udp.example.org 33 | ");
    end(&f);
}

static void services(fixture *f, uint32_t query, const floe_service_record *records, size_t count,
                     const char *names)
{
    *f->names = '\0';
    floe_core_services_resolved(f->core, f->now, query, FLOE_OK, records, count);
    settle(f);
    assert_string_equal(f->names, names);
}

/* RFC 5928 §3, §5.1: its zone, in which the domain chooses the transports: each leads to an address
 * and port of its own, they are tried in the domain's order whichever is known first, and the
 * candidate says by which it has come. */
static void s6_transports_that_the_domain_chooses(void **state)
{
    static const floe_service_record net[] = {
        {.target = "datagram.example.net", .priority = 100, .service = "RELAY:turn.udp"},
        {.target = "stream.example.net", .priority = 200, .service = "RELAY:turn.tcp:turn.tls"}};
    static const floe_service_record datagram[] = {{.target = "_turn._udp.example.net",
                                                    .priority = 100,
                                                    .flag = 'S',
                                                    .service = "RELAY:turn.udp"}};
    static const floe_service_record stream[] = {
        {.target = "_turn._tcp.example.net",
         .priority = 100,
         .flag = 'S',
         .service = "RELAY:turn.tcp"},
        {.target = "a.example.net", .priority = 200, .flag = 'A', .service = "RELAY:turn.tls"}};
    static const floe_service_record by_udp[] = {{.target = "a.example.net", .port = 3478}};
    static const floe_service_record by_tcp[] = {{.target = "a.example.net", .port = 5000}};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_address a = address_of("192.0.2.1:0");
    static fixture f;

    (void)state;
    settings.service_discovery = true;
    start(&f, "turn:example.net", settings);
    services(&f, f.query, net, 2, "datagram.example.net 35 | stream.example.net 35 | ");
    uint32_t q = f.query;
    services(&f, q, stream, 2, "_turn._tcp.example.net 33 | a.example.net 1 | ");
    services(&f, q - 1, datagram, 1, "_turn._udp.example.net 33 | ");
    services(&f, q + 1, by_tcp, 1, "a.example.net 1 | ");
    services(&f, q + 3, by_udp, 1, "a.example.net 1 | ");
    floe_core_resolved(f.core, f.now, q + 5, FLOE_OK, &a, 1); /* UDP's */
    floe_core_resolved(f.core, f.now, q + 2, FLOE_OK, &a, 1); /* TLS's */
    floe_core_resolved(f.core, f.now, q + 4, FLOE_OK, &a, 1); /* TCP's */
    settle(&f);
    later(&f, 20);
    assert_int_equal(f.connections, 0);
    assert_true(f.requests > 0);
    assert_int_equal(f.asked.port, 3478);
    later(&f, 250);
    assert_int_equal(f.connections, 1);
    assert_string_equal(f.connected, "192.0.2.1:5000");
    uint32_t channel = f.channel;
    assert_int_equal(f.asked.port, 5000);
    uint8_t bytes[256];
    floe_stun_writer writer = answer(&f, bytes, sizeof bytes, FLOE_STUN_SUCCESS);
    floe_address relayed = address_of("198.51.100.9:5000");
    put_relayed(&writer, &relayed);
    floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
    later(&f, 250);
    assert_int_equal(f.connections, 2);
    assert_string_equal(f.connected, "192.0.2.1:5349");
    floe_span message = floe_stun_written(&writer);
    floe_core_stream(f.core, f.now, channel, message.data, message.size);
    settle(&f);
    assert_int_equal(f.relays, 1);
    assert_int_equal(f.by, FLOE_PROTOCOL_TCP);
    assert_int_equal(f.errors, 0);
    end(&f);
}

typedef struct served {
    unsigned serves;
    unsigned full;
    bool tcp_first; /* of the domain's services; UDP's twice */
    bool one_host;
    uint64_t apart; /* the answers of the look-ups, in ms */
    floe_protocol by;
} served;

/* Three services, whose addresses are known in the order of a permutation. */
static void gather_services(fixture *f, const served *row, unsigned order)
{
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    floe_service_record records[] = {
        {.target = "a.example.org", .priority = 1, .flag = 'A'},
        {.target = "b.example.org", .priority = 2, .flag = 'A'},
        {.target = "c.example.org", .priority = 3, .flag = 'A', .service = "RELAY:turn.udp"}};
    floe_settings settings = FLOE_SETTINGS_INIT;

    settings.service_discovery = true;
    records[row->tcp_first ? 0 : 1].service = "RELAY:turn.tcp";
    records[row->tcp_first ? 1 : 0].service = "RELAY:turn.udp";
    make(f, "turn:example.org", FLOE_GATHER_POLICY_ALL, settings);
    f->serves = row->serves;
    f->full = row->full;
    assert_int_equal(floe_core_start(f->core, f->now), FLOE_OK);
    settle(f);
    floe_core_services_resolved(f->core, f->now, f->query, FLOE_OK, records, 3);
    settle(f);
    uint32_t first = f->query - 2;
    for (size_t i = 0; i < 3; i++) {
        floe_address address =
            floe_address_ipv4(0xC0000201 + (row->one_host ? 0U : orders[order][i]), 0);
        later(f, row->apart);
        floe_core_resolved(f->core, f->now, first + orders[order][i], FLOE_OK, &address, 1);
        settle(f);
    }
    later(f, 8000);
}

/* S6, RFC 5928 §3: whichever service's address is known first, the relay comes by the first that
 * works in the domain's order, and what the NAT shows is had however that comes. */
static void s6_services_known_in_any_order(void **state)
{
    static const served rows[] = {
        {.serves = SERVES_UDP | SERVES_TCP, .by = FLOE_PROTOCOL_UDP},
        {.serves = SERVES_UDP | SERVES_TCP, .apart = 100, .by = FLOE_PROTOCOL_UDP},
        {.serves = SERVES_UDP | SERVES_TCP, .tcp_first = true, .by = FLOE_PROTOCOL_TCP},
        {.serves = SERVES_UDP | SERVES_TCP,
         .tcp_first = true,
         .apart = 100,
         .by = FLOE_PROTOCOL_TCP},
        {.serves = SERVES_UDP | SERVES_TCP,
         .tcp_first = true,
         .one_host = true,
         .apart = 200,
         .by = FLOE_PROTOCOL_TCP},
        {.serves = SERVES_UDP, .tcp_first = true, .apart = 100, .by = FLOE_PROTOCOL_UDP},
        {.serves = SERVES_TCP, .apart = 100, .by = FLOE_PROTOCOL_TCP},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (unsigned order = 0; order < 6; order++) {
            gather_services(&f, &rows[i], order);
            bool reflexive = (rows[i].serves & SERVES_UDP) != 0;
            if (f.relays != 1 || f.by != rows[i].by || f.reflexive != reflexive || f.errors > 0 ||
                f.completed == 0) {
                fail_msg("row %zu, order %u: %zu relays, by %d, %zu reflexive, %zu errors, "
                         "completed %d",
                         i, order, f.relays, (int)f.by, f.reflexive, f.errors, f.completed > 0);
            }
            end(&f);
        }
    }
}

/* T6, RFC 8656 §7.4, RFC 5928 §3: who is full is the server at one address, which is asked by no
 * transport for a minute; the domain's next may have room: it is asked, in a gathering and for a
 * relay that was lost. */
static void t6_a_full_server_is_not_the_next_one(void **state)
{
    static const served elsewhere = {.serves = SERVES_UDP | SERVES_TCP, .full = SERVES_UDP};
    static const served beside = {
        .serves = SERVES_UDP | SERVES_TCP, .full = SERVES_UDP, .one_host = true};
    static const served later_full = {.serves = SERVES_UDP | SERVES_TCP};
    static fixture f;

    (void)state;
    for (unsigned order = 0; order < 6; order++) {
        gather_services(&f, &elsewhere, order);
        assert_int_equal(f.relays, 1);
        assert_int_equal(f.by, FLOE_PROTOCOL_TCP);
        assert_int_equal(f.reflexive, 1);
        assert_int_equal(f.errors, 0);
        assert_int_equal(f.completed, 1);
        assert_int_equal(f.allocates[0], 1);
        later(&f, 30000);
        assert_int_equal(f.allocates[0], 1);
        end(&f);
        gather_services(&f, &beside, order);
        assert_int_equal(f.relays, 0);
        assert_int_equal(f.reflexive, 1);
        assert_int_equal(f.errors, 1);
        assert_int_equal(f.code, 486);
        assert_int_equal(f.completed, 1);
        assert_int_equal(f.allocates[0], 1);
        assert_int_equal(f.allocates[1], 0);
        end(&f);
        gather_services(&f, &later_full, order);
        assert_int_equal(f.by, FLOE_PROTOCOL_UDP);
        f.full = SERVES_UDP;
        f.lost = true;
        later(&f, 20000);
        assert_int_equal(f.relays, 2);
        assert_int_equal(f.by, FLOE_PROTOCOL_TCP);
        assert_int_equal(f.allocates[0], 2);
        end(&f);
    }
}

/* S6: the address of the best service is waited for as long as services are; and what a connection
 * does not show costs the grace. */
static void s6_a_service_whose_address_is_not_known(void **state)
{
    static const floe_service_record records[] = {
        {.target = "a.example.org", .priority = 1, .flag = 'A', .service = "RELAY:turn.udp"},
        {.target = "b.example.org", .priority = 2, .flag = 'A', .service = "RELAY:turn.tcp"}};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_address address = address_of("192.0.2.2:0");
    static fixture f;

    (void)state;
    settings.service_discovery = true;
    make(&f, "turn:example.org", FLOE_GATHER_POLICY_ALL, settings);
    f.serves = SERVES_TCP;
    assert_int_equal(floe_core_start(f.core, f.now), FLOE_OK);
    settle(&f);
    floe_core_services_resolved(f.core, f.now, f.query, FLOE_OK, records, 2);
    settle(&f);
    floe_core_resolved(f.core, f.now, f.query, FLOE_OK, &address, 1);
    settle(&f);
    later(&f, 1200);
    assert_int_equal(f.connections, 0);
    later(&f, 100);
    assert_int_equal(f.connections, 1);
    assert_int_equal(f.relays, 1);
    address = address_of("192.0.2.1:0");
    floe_core_resolved(f.core, f.now, f.query - 1, FLOE_OK, &address, 1);
    settle(&f);
    later(&f, 400);
    assert_int_equal(f.completed, 0); /* a Binding is asked */
    later(&f, 200);
    assert_int_equal(f.completed, 1);
    assert_int_equal(f.errors, 0);
    end(&f);
}

/* S6: a name server that drops what is neither A nor AAAA: after a quarter of the gather timeout
 * the host's own addresses are asked for, and what comes later is not waited for. */
static void s6_services_that_nobody_answers(void **state)
{
    static const floe_service_record late_record[] = {
        {.target = "late.example.org", .port = 3478, .service = ""}};
    static const char *const urls[] = {"turn:example.org", "turn:example.org?transport=udp"};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_address address = address_of("203.0.113.2:0");
    static fixture f;

    (void)state;
    settings.service_discovery = true;
    for (size_t i = 0; i < 2; i++) {
        make(&f, urls[i], FLOE_GATHER_POLICY_RELAY, settings);
        assert_int_equal(floe_core_start(f.core, f.now), FLOE_OK);
        settle(&f);
        uint32_t service = f.query;
        later(&f, 1200);
        *f.names = '\0';
        later(&f, 100);
        assert_string_equal(f.names, "example.org 1 | ");
        floe_core_services_resolved(f.core, f.now, service, FLOE_OK, late_record, 1);
        settle(&f);
        assert_string_equal(f.names, "example.org 1 | ");
        floe_core_resolved(f.core, f.now, f.query, FLOE_OK, &address, 1);
        settle(&f);
        later(&f, 100);
        assert_true(f.requests > 0);
        allocated(&f, "198.51.100.9:5000", 600);
        settle(&f);
        assert_int_equal(f.relays, 1);
        assert_int_equal(f.errors, 0);
        end(&f);
    }
}

/* RFC 2782: a single record with the target "." says that there is decidedly no such service. And a
 * port that a setting refuses is refused wherever it is named. */
static void s6_services_that_are_not_to_be_asked(void **state)
{
    static const struct {
        floe_service_record records[3];
        size_t count;
        const char *names; /* "": it is one error */
        const char *error;
    } rows[] = {
        {{{.target = ".", .port = 0}}, 1, "", "says that it has no such service"},
        {{{.target = ".", .port = 0}, {.target = "a.example.org", .port = 3478}},
         2,
         "a.example.org 1 | ",
         ""},
        {{{.target = "a.example.org", .port = 25}, {.target = "b.example.org", .port = 1023}},
         2,
         "",
         "is refused by settings.refuse_low_ports"},
        {{{.target = "a.example.org", .port = 25},
          {.target = "b.example.org", .port = 443},
          {.target = "c.example.org", .port = 1024, .priority = 1}},
         3,
         "b.example.org 1 | c.example.org 1 | ",
         ""},
        {{{.target = "a.example.org", .port = 0}}, 1, "example.org 1 | ", ""},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_settings settings = FLOE_SETTINGS_INIT;
        settings.service_discovery = true;
        settings.refuse_low_ports = true;
        start(&f, "turn:example.org?transport=udp", settings);
        *f.names = '\0';
        floe_core_services_resolved(f.core, f.now, f.query, FLOE_OK, rows[i].records,
                                    rows[i].count);
        settle(&f);
        assert_string_equal(f.names, rows[i].names);
        assert_int_equal(f.errors, *rows[i].error != '\0');
        if (f.errors > 0) {
            assert_non_null(strstr(f.error, rows[i].error));
        }
        end(&f);
    }
}

/* RFC 2782: whichever's address is known first, they are asked by the priority of their targets. */
static void s6_addresses_in_the_order_of_their_targets(void **state)
{
    static const floe_service_record records[] = {
        {.target = "first.example.org", .port = 1001, .priority = 10},
        {.target = "second.example.org", .port = 1002, .priority = 20},
        {.target = "third.example.org", .port = 1003, .priority = 30},
    };
    static const uint16_t asked[] = {1001, 1002, 1003};
    floe_settings settings = FLOE_SETTINGS_INIT;
    static fixture f;

    (void)state;
    settings.service_discovery = true;
    start(&f, "turn:example.org?transport=udp", settings);
    floe_core_services_resolved(f.core, f.now, f.query, FLOE_OK, records, 3);
    settle(&f);
    for (uint32_t i = 0; i < 3; i++) {
        floe_address address = floe_address_ipv4(0xCB007101 + i, 0);
        floe_core_resolved(f.core, f.now, f.query - i, FLOE_OK, &address, 1);
    }
    for (size_t i = 0; i < 3; i++) {
        for (int k = 0; k < 100 && f.asked.port != asked[i]; k++) {
            later(&f, 5);
            assert_true(i != 1 || f.asked.port != asked[2]);
        }
        assert_int_equal(f.asked.port, asked[i]);
    }
    end(&f);
}

/* E2: a name that stands for what cannot be asked is an error that says so, where one family is
 * asked as well. What the proxy's name stands for is its owner's affair. */
static void e2_names_whose_addresses_are_refused(void **state)
{
    static const struct {
        const char *address; /* NULL: none */
        const char *error;
    } rows[] = {
        {"0.0.0.0:0", "the name example.org stands for 0.0.0.0, which is nobody's address"},
        {"127.0.0.1:0", "stands for 127.0.0.1, which is only asked with settings.loopback"},
        {"224.0.0.1:0", "stands for 224.0.0.1, which can be no server's address"},
        {NULL, NULL},
        {"203.0.113.7:0", NULL},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_address address = {0};
        if (rows[i].address != NULL) {
            address = address_of(rows[i].address);
        }
        start(&f, "turn:example.org", (floe_settings)FLOE_SETTINGS_INIT);
        assert_string_equal(f.names, "example.org 1 | ");
        floe_core_resolved(f.core, f.now, f.query, FLOE_OK, &address, rows[i].address != NULL);
        settle(&f);
        assert_int_equal(f.errors, rows[i].error != NULL);
        if (rows[i].error != NULL) {
            assert_non_null(strstr(f.error, rows[i].error));
        }
        end(&f);
    }
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_address loopback = address_of("127.0.0.1:0");
    settings.proxy = "http://localhost:3128";
    start(&f, "turn:turn.example?transport=tcp", settings);
    assert_string_equal(f.names, "localhost 1 | ");
    floe_core_resolved(f.core, f.now, f.query, FLOE_OK, &loopback, 1);
    settle(&f);
    later(&f, 5);
    assert_int_equal(f.errors, 0);
    assert_non_null(strstr(f.sent, "CONNECT turn.example:3478 HTTP/1.1\r\n"));
    end(&f);
}

/* T4: an alternate server is asked by the proxy as the first was, and by no other way. */
static void t4_a_redirect_stays_behind_the_proxy(void **state)
{
    static const char connected[] = "HTTP/1.1 200 Connected\r\n\r\n";
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_address other = address_of("203.0.113.99:3478");
    uint8_t bytes[256];
    static fixture f;

    (void)state;
    settings.proxy = "http://user:secret@192.0.2.80:3128";
    start(&f, "turn:203.0.113.2?transport=tcp", settings);
    floe_core_stream(f.core, f.now, f.channel, connected, sizeof connected - 1);
    settle(&f);
    later(&f, 5);
    assert_int_equal(f.requests, 1);
    floe_stun_writer writer = answer(&f, bytes, sizeof bytes, FLOE_STUN_ERROR);
    floe_stun_put_error(&writer, 300, floe_span_text("Try Alternate"));
    floe_stun_put_address(&writer, FLOE_STUN_ALTERNATE_SERVER, &other);
    floe_span message = floe_stun_written(&writer);
    f.packets = 0;
    memset(f.sent, 0, sizeof f.sent);
    floe_core_stream(f.core, f.now, f.channel, message.data, message.size);
    settle(&f);
    later(&f, 5);
    assert_non_null(strstr(f.sent, "CONNECT 203.0.113.99:3478 HTTP/1.1\r\n"));
    end(&f);
}

/* RFC 8828 §5.2, mode 4: TURN by TCP and TLS goes through the proxy; no UDP socket is opened, no
 * connection goes elsewhere, nothing of this machine is told. */
static void p6_nothing_goes_but_through_the_proxy(void **state)
{
    static const char *const urls[] = {"turn:turn.example?transport=tcp",
                                       "turns:203.0.113.2?transport=tcp"};
    static const char connected[] = "HTTP/1.1 200 Connected\r\n\r\n";
    static fixture f;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        floe_settings settings = FLOE_SETTINGS_INIT;
        settings.ip_handling = FLOE_IP_HANDLING_PROXY_ONLY;
        settings.proxy = "http://192.0.2.80:3128";
        start_with(&f, urls[i], FLOE_GATHER_POLICY_ALL, settings);
        assert_int_equal(f.sockets, 0);
        assert_int_equal(f.connections, 1);
        assert_string_equal(f.connected, "192.0.2.80:3128");
        assert_string_equal(f.names, ""); /* the proxy looks that up */
        assert_non_null(strstr(f.sent, i == 0 ? "CONNECT turn.example:3478 HTTP/1.1\r\n"
                                              : "CONNECT 203.0.113.2:5349 HTTP/1.1\r\n"));
        floe_core_stream(f.core, f.now, f.channel, connected, sizeof connected - 1);
        settle(&f);
        later(&f, 5);
        if (i == 0) {
            assert_int_equal(f.requests, 1);
            allocated_by_stream(&f, "198.51.100.9:5000");
            assert_int_equal(f.relays, 1);
            assert_int_equal(floe_core_start(f.core, f.now), FLOE_OK); /* and once more */
            later(&f, 5);
        }
        assert_int_equal(f.reflexive, 0);
        assert_int_equal(f.errors, 0);
        assert_false(f.told);
        end(&f);
        assert_int_equal(f.sockets, 0);
    }
}

static void p6_what_goes_through_no_proxy_is_not_asked_and_says_so(void **state)
{
    static const struct {
        const char *url;
        const char *proxy;
        const char *error;
    } rows[] = {
        {"turn:203.0.113.2?transport=tcp", NULL, "and settings.proxy names none"},
        {"turns:203.0.113.2", NULL, "and settings.proxy names none"},
        {"turn:203.0.113.2", NULL, "and settings.proxy names none"},
        {"stun:stun.example", NULL, "and settings.proxy names none"},
        {"turn:203.0.113.2", "socks5://192.0.2.80", "which TURN by TCP or TLS alone goes through"},
        {"turns:203.0.113.2?transport=udp", "socks5://192.0.2.80", "add ?transport=tcp"},
        {"stun:stun.example", "socks5://192.0.2.80", "TURN by TCP or TLS alone"},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_settings settings = FLOE_SETTINGS_INIT;
        settings.ip_handling = FLOE_IP_HANDLING_PROXY_ONLY;
        settings.proxy = rows[i].proxy;
        start_with(&f, rows[i].url, FLOE_GATHER_POLICY_ALL, settings);
        later(&f, 6000);
        assert_int_equal(f.sockets + f.connections, 0);
        assert_int_equal(f.packets, 0);
        assert_string_equal(f.names, "");
        assert_int_equal(f.errors, 1);
        assert_non_null(strstr(f.error, rows[i].error));
        end(&f);
    }
}

/* RFC 8445 §5.1.2.1: unique, however many addresses there are, and the better come first. */
static void c4_priorities_of_two_thousand_addresses(void **state)
{
    enum { ADDRESSES = 2000 };
    static floe_interface_address list[ADDRESSES];
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;
    uint32_t last = UINT32_MAX;
    size_t told = 0;

    (void)state;
    settings.addresses_max = FLOE_UNLIMITED;
    make(&f, "turn:203.0.113.2?transport=tcp", FLOE_GATHER_POLICY_ALL, settings);
    for (uint32_t i = 0; i < ADDRESSES; i++) {
        list[i] = (floe_interface_address){.interface_name = "eth0",
                                           .interface_index = 1,
                                           .up = true,
                                           .address = floe_address_ipv4(0x0a000100U + i, 0)};
    }
    assert_int_equal(floe_core_start(f.core, f.now), FLOE_OK);
    while (told < ADDRESSES && polled(f.core, f.now, &f.output)) {
        if (f.output.kind == FLOE_CORE_LIST_INTERFACES) {
            floe_core_interfaces(f.core, f.now, list, ADDRESSES);
        } else if (f.output.kind == FLOE_CORE_OPEN) {
            floe_address local = floe_address_with_port(f.output.local, 4000);
            floe_core_opened(f.core, f.now, f.output.channel, &local);
        } else if (f.output.kind == FLOE_CORE_CANDIDATE && f.output.candidate != NULL) {
            assert_true(f.output.candidate->priority < last);
            last = f.output.candidate->priority;
            told++;
        }
    }
    assert_int_equal(told, ADDRESSES);
    end(&f);
}

static const floe_server_statistics *allocate_of(const floe_gatherer_statistics *statistics)
{
    for (size_t i = 0; i < statistics->server_count; i++) {
        if (strcmp(statistics->servers[i]->method, "Allocate") == 0) {
            return statistics->servers[i];
        }
    }
    fail_msg("there is no Allocate");
    return NULL;
}

/* RFC 6298 §3 (Karn): 520 ms after the first send, 20 ms after the second, is no round trip. */
static void l15_a_round_trip_is_of_what_was_sent_once(void **state)
{
    static fixture f;
    floe_gatherer_statistics *statistics;

    (void)state;
    for (unsigned lost = 0; lost < 2; lost++) {
        begin(&f, "turn:203.0.113.2");
        late(&f, 20);
        challenge_with(&f, floe_span_text("r"), floe_span_text("n"));
        assert_int_equal(f.requests, 1);
        later(&f, lost * 500 + 15); /* and 5 ms have passed */
        assert_int_equal(floe_core_get_statistics(f.core, &statistics), FLOE_OK);
        assert_int_equal(allocate_of(statistics)->retransmissions, lost);
        floe_gatherer_statistics_free(statistics);
        uint8_t bytes[128];
        floe_stun_writer writer = answer(&f, bytes, sizeof bytes, FLOE_STUN_ERROR);
        floe_stun_put_error(&writer, 438, floe_span_text("Stale Nonce"));
        floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text("r"));
        floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text("m"));
        send_answer(&f, &writer);
        assert_int_equal(floe_core_get_statistics(f.core, &statistics), FLOE_OK);
        const floe_server_statistics *told = allocate_of(statistics);
        assert_int_equal(told->responses, 2);
        assert_int_equal(told->round_trips, 2 - lost);
        assert_int_equal(told->round_trip.ns / 1000000, 20);
        assert_int_equal(told->total_round_trip.ns / 1000000, lost ? 20 : 40);
        floe_gatherer_statistics_free(statistics);
        end(&f);
    }
}

/* L15: by TCP, too, the owner's own data is no request's. */
static void l15_bytes_are_of_requests_by_tcp_as_well(void **state)
{
    static const uint8_t data[1000];
    floe_gatherer_statistics *statistics;
    floe_address peer = address_of("192.0.2.77:7");
    static fixture f;

    (void)state;
    begin(&f, "turn:203.0.113.2?transport=tcp");
    allocated_by_stream(&f, "198.51.100.9:5000");
    uint64_t before = f.bytes;
    assert_int_equal(floe_core_send(f.core, f.now, f.relay, &peer, data, sizeof data), FLOE_OK);
    settle(&f);
    later(&f, 5);
    assert_true(f.bytes > before);
    assert_int_equal(floe_core_get_statistics(f.core, &statistics), FLOE_OK);
    assert_in_range(allocate_of(statistics)->bytes_sent, 1, before);
    floe_gatherer_statistics_free(statistics);
    end(&f);
}

/* T4b: strangers name ports by 300 too. */
static void t4_a_redirect_to_a_low_port(void **state)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    uint8_t bytes[256];
    static fixture f;

    (void)state;
    settings.refuse_low_ports = true;
    for (uint16_t port = 25; port <= 53; port += 28) {
        floe_address other = floe_address_with_port(address_of("203.0.113.99:1"), port);
        start(&f, "turn:203.0.113.2", settings);
        floe_stun_writer writer = answer(&f, bytes, sizeof bytes, FLOE_STUN_ERROR);
        floe_stun_put_error(&writer, 300, floe_span_text("Try Alternate"));
        floe_stun_put_address(&writer, FLOE_STUN_ALTERNATE_SERVER, &other);
        send_answer(&f, &writer);
        assert_int_equal(f.requests, port == 53);
        assert_int_equal(f.errors, port == 25);
        end(&f);
    }
}

/* By a proxy, byte for byte as it comes; TURN only behind its answer. */
static void t8_a_relay_through_a_proxy(void **state)
{
    static const char answer[] = "HTTP/1.1 200 Connected\r\nVia: x\r\n\r\n";
    floe_settings settings = FLOE_SETTINGS_INIT;
    static fixture f;

    (void)state;
    settings.proxy = "http://user:secret@192.0.2.80:3128";
    for (int refused = 0; refused < 2; refused++) {
        start(&f, "turn:203.0.113.2?transport=tcp", settings);
        assert_int_equal(f.requests, 0);
        assert_non_null(strstr(f.sent, "CONNECT 203.0.113.2:3478 HTTP/1.1\r\n"));
        assert_non_null(strstr(f.sent, "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ="));
        if (refused) {
            floe_core_stream(f.core, f.now, f.channel, "HTTP/1.0 403 No\r\n\r\n", 19);
            settle(&f);
            assert_int_equal(f.errors, 1);
            assert_non_null(strstr(f.error, "it answers 403 to CONNECT"));
        } else {
            for (size_t i = 0; i < sizeof answer - 1; i++) {
                floe_core_stream(f.core, f.now, f.channel, &answer[i], 1);
                settle(&f);
            }
            later(&f, 5);
            assert_int_equal(f.requests, 1);
            allocated_by_stream(&f, "198.51.100.9:5000");
            assert_int_equal(f.relays, 1);
        }
        end(&f);
    }
}

/* E1: a network that gives back whatever goes out is not silent, nor is it a server; with whoever
 * reads the packets likewise. */
static void e1_an_echo_is_no_answer_and_no_silence(void **state)
{
    floe_address source = address_of(server_address);
    static fixture f;

    (void)state;
    for (int wanted = 0; wanted < 2; wanted++) {
        begin(&f, "turn:203.0.113.2");
        floe_core_receive_packets(f.core, wanted);
        floe_core_datagram(f.core, f.now, f.channel, &source, f.request.bytes.data,
                           f.request.bytes.size);
        settle(&f);
        later(&f, 6000);
        assert_int_equal(f.errors, 1);
        assert_string_equal(f.error, "203.0.113.2 answers on UDP port 3478, but not in STUN: is it "
                                     "another service, or does this network want a login first?");
        end(&f);
    }
}

/* E1: a proxy that is not there is no server that is not there; nor is a server behind it the
 * proxy, whose address is seen in its place. */
static void e1_a_proxys_fault_is_told_as_the_proxys(void **state)
{
    static const struct {
        const char *url;
        const char *proxy;
        floe_unreachable reason;
        const char *text;
    } rows[] = {
        {"turn:203.0.113.2?transport=tcp", "http://192.0.2.80:3128", FLOE_UNREACHABLE_PORT,
         "refused by TCP port 3128 of the proxy 192.0.2.80: nothing listens there, or a firewall "
         "rejects"},
        {"turn:203.0.113.2?transport=tcp", "socks5://192.0.2.80", FLOE_UNREACHABLE_HOST,
         "the proxy 192.0.2.80 can't be reached (host or protocol unreachable): is it up, or does "
         "a firewall forbid TCP port 1080?"},
        {"turn:203.0.113.2?transport=tcp", NULL, FLOE_UNREACHABLE_PORT,
         "refused by TCP port 3478 of 203.0.113.2: nothing listens there, or a firewall rejects"},
        {"turn:203.0.113.2?transport=tcp", NULL, FLOE_UNREACHABLE_NETWORK,
         "there is no route to 203.0.113.2, from here or on the way"},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_settings settings = FLOE_SETTINGS_INIT;
        settings.proxy = rows[i].proxy;
        start(&f, rows[i].url, settings);
        floe_address to = address_of(f.connected);
        floe_core_unreachable(f.core, f.now, f.channel, &to, rows[i].reason, NULL, 0);
        settle(&f);
        assert_int_equal(f.errors, 1);
        assert_string_equal(f.error, rows[i].text);
        end(&f);
    }
    for (int tls = 0; tls < 2; tls++) {
        floe_settings settings = FLOE_SETTINGS_INIT;
        settings.proxy = "http://192.0.2.80:3128";
        start(&f, tls ? "turns:203.0.113.2" : "turn:203.0.113.2?transport=tcp", settings);
        floe_core_stream(f.core, f.now, f.channel, "HTTP/1.0 200 Yes\r\n\r\n", 20);
        settle(&f);
        later(&f, 6000);
        assert_int_equal(f.errors, 1);
        assert_non_null(strstr(f.error, tls ? "is TCP port 5349 of the server behind the proxy a "
                                            : "is the server behind the proxy a TURN server?"));
        end(&f);
    }
}

/* ── What is given back to the allocator ── */

typedef struct watched {
    size_t size;
    size_t alignment; /* of what follows */
} watched;

static const char *const told_nobody[] = {"TURNSECRET", "PROXYSECRET",
                                          "dXNlcjpQUk9YWVNFQ1JFVA==" /* user:PROXYSECRET */};
static unsigned given_back;

static void *watched_allocate(void *user, size_t size)
{
    watched *made = malloc(sizeof *made + size);

    (void)user;
    if (made == NULL) {
        return NULL;
    }
    made->size = size;
    return made + 1;
}

static void watched_deallocate(void *user, void *memory)
{
    watched *made = (watched *)memory - 1;
    const char *bytes = memory;

    (void)user;
    for (size_t i = 0; i < sizeof told_nobody / sizeof *told_nobody; i++) {
        size_t length = strlen(told_nobody[i]);
        for (size_t at = 0; at + length <= made->size; at++) {
            given_back += memcmp(&bytes[at], told_nobody[i], length) == 0;
        }
    }
    free(made);
}

static void secrets_are_wiped_before_they_are_given_back(void **state)
{
    static const floe_allocator allocator = {.allocate = watched_allocate,
                                             .deallocate = watched_deallocate};
    static const char *const proxies[] = {"http://user:PROXYSECRET@192.0.2.80:3128",
                                          "socks5://user:PROXYSECRET@192.0.2.80:1080"};
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\n\r\n", "\5\2"};
    static const size_t sizes[] = {19, 2};
    static fixture f;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        floe_settings settings = FLOE_SETTINGS_INIT;
        floe_ice_server server = FLOE_ICE_SERVER_INIT;
        floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
        const char *url = "turn:203.0.113.2?transport=tcp";
        memset(&f, 0, sizeof f);
        seeded_init(&f.random, 7);
        given_back = 0;
        settings.allocator = &allocator;
        settings.proxy = proxies[i];
        server.urls = &url;
        server.url_count = 1;
        server.username = "user";
        server.credential = "TURNSECRET";
        options.ice_servers = &server;
        options.ice_server_count = 1;
        assert_int_equal(floe_core_shared_new(&settings, &f.random.table, &f.shared), FLOE_OK);
        assert_int_equal(floe_core_new(f.shared, &options, &f.core), FLOE_OK);
        assert_int_equal(floe_core_start(f.core, f.now), FLOE_OK);
        settle(&f);
        later(&f, 5);
        floe_core_stream(f.core, f.now, f.channel, answers[i], sizes[i]);
        settle(&f);
        later(&f, 5);
        assert_true(f.packets > 1 || i == 0);
        floe_core_close(f.core, f.now);
        settle(&f);
        floe_core_free(f.core);
        floe_core_shared_free(f.shared);
        assert_int_equal(given_back, 0);
    }
}

/* A server of another protocol is known by its first bytes, not by its silence. */
static void t8_another_protocol_is_told_at_once(void **state)
{
    static const char *const greetings[] = {"HTTP/1.1 400 Bad Request\r\n\r\n",
                                            "220 mail.example.org ESMTP\r\n", "SSH-2.0-x\r\n"};
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        begin(&f, "turn:203.0.113.2?transport=tcp");
        floe_core_stream(f.core, f.now, f.channel, greetings[i], strlen(greetings[i]));
        settle(&f);
        assert_int_equal(f.errors, 1);
        assert_non_null(strstr(f.error, "is it a TURN server?"));
        end(&f);
    }
}

/* "prflxion": with names instead of host addresses, nothing that goes out and nothing that is told
 * holds the address, as bytes or as text; a check's own packet would be where a peer sees it. */
static void h2_prflxion_no_byte_shows_the_host(void **state)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_address peer = address_of("192.0.2.77:7000");
    static fixture f;

    (void)state;
    settings.mdns_mode = FLOE_MDNS_MODE_QUERY_AND_GATHER;
    for (int i = 0; i < 2;
         i++) { /* where the policy hides it as well, and where the name alone does */
        floe_gather_policy policy = i == 0 ? FLOE_GATHER_POLICY_RELAY : FLOE_GATHER_POLICY_ALL;
        start_with(&f, "turn:203.0.113.2", policy, settings);
        refuse(&f, 442);
        later(&f, 30000);
        assert_int_equal(f.errors, 1);
        assert_null(strstr(f.error, "10.0.1.2"));
        end(&f);
        start_with(&f, "turn:203.0.113.2", policy, settings);
        allocated(&f, "198.51.100.9:5000", 600);
        assert_int_equal(floe_core_send(f.core, f.now, f.relay, &peer, "x", 1), FLOE_OK);
        settle(&f);
        assert_int_equal(f.relays, 1);
        assert_true(f.packets > 1); /* Allocate, CreatePermission */
        assert_int_equal(f.shown, 0);
        assert_false(f.told);
        end(&f);
    }
}

static void every_function_takes_null(void **state)
{
    floe_address address = address_of("192.0.2.1:1");
    floe_time now = {1};
    floe_core *core = NULL;

    (void)state;
    assert_int_equal(floe_core_new(NULL, NULL, &core), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_core_new_associated(NULL, &core), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_core_start(NULL, now), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_core_set_options(NULL, now, NULL), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_core_restart(NULL, now), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_core_send(NULL, now, 1, &address, "x", 1), FLOE_ERR_INVALID_ARGUMENT);
    assert_int_equal(floe_core_get_local_parameters(NULL, NULL), FLOE_ERR_INVALID_ARGUMENT);
    floe_core_free(NULL);
    floe_core_shared_free(NULL);
}

/* S2: an address that a name server gives twice is asked once. */
static void s2_an_address_that_comes_twice(void **state)
{
    floe_address twice[] = {address_of("203.0.113.2:0"), address_of("203.0.113.2:0"),
                            address_of("203.0.113.2:0")};
    static fixture f;

    (void)state;
    start(&f, "turn:example.org", (floe_settings)FLOE_SETTINGS_INIT);
    floe_core_resolved(f.core, f.now, f.query, FLOE_OK, twice, 3);
    settle(&f);
    later(&f, 5);
    assert_int_equal(f.requests, 1);
    later(&f, 300); /* the second address's time */
    assert_int_equal(f.requests, 1);
    end(&f);
}

/* A name server may write an IPv4 address as IPv6 (RFC 4291 §2.5.5.2): it is the IPv4 one. */
static void s2_an_ipv4_address_in_ipv6_spelling(void **state)
{
    floe_address mapped = address_of("[::ffff:203.0.113.2]:0");
    floe_address wanted = address_of(server_address);
    static fixture f;

    (void)state;
    make(&f, "turn:example.org", FLOE_GATHER_POLICY_RELAY, (floe_settings)FLOE_SETTINGS_INIT);
    f.both = true;
    assert_int_equal(floe_core_start(f.core, f.now), FLOE_OK);
    settle(&f);
    assert_string_equal(f.names, "example.org 1 | example.org 28 | ");
    floe_core_resolved(f.core, f.now, f.query - 1, FLOE_OK, NULL, 0);
    floe_core_resolved(f.core, f.now, f.query, FLOE_OK, &mapped, 1);
    settle(&f);
    later(&f, 5);
    assert_int_equal(f.requests, 1);
    assert_memory_equal(&f.asked, &wanted, sizeof wanted);
    end(&f);
}

/* L14: a program that stood still beyond the timeout, while the answer was on its way, does not
 * take that for a server's silence; who is silent is given up all the same, and later once. */
static void l14_time_in_which_nothing_ran_is_made_up_for(void **state)
{
    static fixture f;

    (void)state;
    begin(&f, "turn:203.0.113.2");
    f.now = floe_time_after(f.now, floe_seconds(7));
    challenge_with(&f, floe_span_text("r"), floe_span_text("n"));
    assert_int_equal(f.requests, 1); /* signed now: its answer is waited for */
    assert_int_equal(f.errors, 0);
    assert_int_equal(floe_core_state(f.core), FLOE_GATHERER_STATE_GATHERING);
    end(&f);

    begin(&f, "turn:203.0.113.2");
    late(&f, 7000);
    assert_int_equal(f.errors, 0);
    late(&f, 7000); /* once */
    assert_int_equal(f.errors, 1);
    end(&f);
}

/* N4: awake again, each mapping and each allocation is asked for at once; nothing else is. */
static void n4_awake_again_it_asks_what_still_stands(void **state)
{
    static fixture f;

    (void)state;
    begin(&f, "turn:203.0.113.2");
    allocated(&f, "198.51.100.9:5000", 600);
    assert_int_equal(f.relays, 1);
    f.answers = true;
    later(&f, 2000);
    size_t before = f.packets;
    later(&f, 2000);
    assert_int_equal(f.packets, before); /* nothing is due */
    floe_core_woke(f.core, f.now);
    settle(&f);
    for (int i = 0; i < 4; i++) {
        later(&f, 5);
    }
    assert_int_equal(f.packets, before + 1); /* the relay's Refresh tells of its mapping too */
    later(&f, 2000);
    assert_int_equal(f.packets, before + 1);
    end(&f);
}

/* R1: servers of RFC 3489's time, with what else they say (RFC 5389 §12.1), and those that XOR
 * only, or both: the XORed one counts. */
static void r1_mapped_address_of_either_kind(void **state)
{
    static fixture f;
    floe_address right = address_of("192.0.2.9:999");
    floe_address other = address_of("127.0.0.1:9"); /* would be an error */

    (void)state;
    for (int kind = 0; kind < 7; kind++) {
        static const uint16_t reserved[] = {0x0002, 0x0004, 0x0005, 0x000B};
        uint8_t bytes[128];
        make(&f, "stun:203.0.113.2", FLOE_GATHER_POLICY_ALL, (floe_settings)FLOE_SETTINGS_INIT);
        assert_int_equal(floe_core_start(f.core, f.now), FLOE_OK);
        settle(&f);
        assert_int_equal(f.request.method, FLOE_STUN_BINDING);
        floe_stun_writer writer = answer(&f, bytes, sizeof bytes, FLOE_STUN_SUCCESS);
        if (kind != 1) {
            floe_stun_put_address(&writer, FLOE_STUN_MAPPED_ADDRESS, kind != 2 ? &right : &other);
        }
        if (kind == 1 || kind == 2) {
            floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &right);
        }
        if (kind >= 3) {
            floe_stun_put_address(&writer, reserved[kind - 3], &other);
        }
        arrive(&f, f.channel, &writer);
        settle(&f);
        assert_int_equal(f.reflexive, 1);
        assert_int_equal(f.errors, 0);
        end(&f);
    }
}

/* An address of the other family is what a translator shows (NAT64); a private one is of a network
 * that only the server is in. */
static void r1_a_mapped_address_of_the_other_family(void **state)
{
    static const struct {
        const char *address;
        bool good;
    } rows[] = {{"[2001:db8::7]:700", true}, {"[fd00::7]:700", false}, {"172.18.0.1:700", true}};
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[128];
        floe_address mapped = address_of(rows[i].address);
        make(&f, "stun:203.0.113.2", FLOE_GATHER_POLICY_ALL, (floe_settings)FLOE_SETTINGS_INIT);
        assert_int_equal(floe_core_start(f.core, f.now), FLOE_OK);
        settle(&f);
        floe_stun_writer writer = answer(&f, bytes, sizeof bytes, FLOE_STUN_SUCCESS);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
        arrive(&f, f.channel, &writer);
        settle(&f);
        assert_int_equal(f.reflexive, rows[i].good);
        assert_int_equal(f.errors, !rows[i].good);
        end(&f);
    }
}

/* ── Strangers ── */

/* R5: whoever guesses ids costs what it takes to look at a packet: nothing is kept or told, and the
 * right answer counts as ever. */
static void a_million_forged_answers(void **state)
{
    static fixture f;
    floe_address evil = address_of("6.6.6.6:666");
    seeded_random guesses;

    (void)state;
    seeded_init(&guesses, 9);
    begin(&f, "turn:203.0.113.2");
    size_t memory = f.memory.live;
    uint64_t bytes_before = f.bytes;
    for (int i = 0; i < 1000000; i++) {
        uint8_t bytes[128];
        floe_stun_id id;
        (void)floe_random_fill(&guesses.table, id.bytes, sizeof id.bytes);
        floe_stun_writer writer =
            floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS,
                            i % 2 ? FLOE_STUN_ALLOCATE : FLOE_STUN_BINDING, &id);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &evil);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &evil);
        arrive(&f, f.channel, &writer);
    }
    settle(&f);
    assert_int_equal(f.memory.live, memory);
    assert_int_equal(f.bytes, bytes_before);
    assert_int_equal(floe_core_shared_dropped(f.shared), 1000000);
    allocated(&f, "198.51.100.9:5000", 600);
    assert_int_equal(f.relays, 1);
    assert_int_equal(f.errors, 0);
    end(&f);
}

/* Nothing goes out for what a stranger sends, so nobody can be hit by way of us. */
static void nothing_is_answered_that_is_not_ours(void **state)
{
    static const char *const packets[] = {
        "00 01 00 00 21 12 a4 42 01 02 03 04 05 06 07 08 09 0a 0b 0c", /* Binding */
        "00 11 00 00 21 12 a4 42 01 02 03 04 05 06 07 08 09 0a 0b 0c", /* its indication */
        "00 03 00 00 21 12 a4 42 01 02 03 04 05 06 07 08 09 0a 0b 0c", /* Allocate */
        "01 01 00 00 21 12 a4 42 01 02 03 04 05 06 07 08 09 0a 0b 0c", /* nobody's success */
        "01 11 00 00 21 12 a4 42 01 02 03 04 05 06 07 08 09 0a 0b 0c", /* nobody's error */
        "00 17 00 00 21 12 a4 42 01 02 03 04 05 06 07 08 09 0a 0b 0c", /* Data */
        "40 00 00 04 01 02 03 04",                                     /* ChannelData */
        "16 fe ff 00 00",                                              /* DTLS */
        "80 60 00 01",                                                 /* RTP */
        "ff",
        ""};
    static fixture f;

    (void)state;
    begin(&f, "turn:203.0.113.2");
    allocated(&f, "198.51.100.9:5000", 600);
    later(&f, 10);
    for (int from = 0; from < 2; from++) {
        floe_address source = address_of(from == 0 ? "192.0.2.66:6" : server_address);
        uint64_t bytes_before = f.bytes;
        for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
            uint8_t bytes[64];
            size_t size = bytes_of_hex(packets[i], bytes, sizeof bytes);
            floe_core_datagram(f.core, f.now, f.channel, &source, bytes, size);
            settle(&f);
        }
        assert_int_equal(f.bytes, bytes_before);
    }
    assert_int_equal(f.errors, 0);
    end(&f);
}

/* ── A day ── */

typedef struct day {
    fixture f;
    unsigned minute;
    unsigned open; /* sockets */
    unsigned most_open;
    unsigned hosts;
    unsigned withdrawn;
} day;

static void answer_all(day *d)
{
    uint8_t bytes[128];
    uint8_t request[FLOE_CORE_DATA_SIZE];
    fixture *f = &d->f;
    floe_stun_message message;
    floe_address mapped = address_of("192.0.2.7:700");
    uint32_t channel = f->output.channel;

    memcpy(request, f->output.data, f->output.data_size);
    if (floe_stun_parse(floe_span_of(request, f->output.data_size), &message) != FLOE_STUN_PARSED ||
        message.class != FLOE_STUN_REQUEST) {
        return;
    }
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, message.method, &message.id);
    mapped.port = (uint16_t)(1000 + channel % 50000);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    if (message.method != FLOE_STUN_BINDING) {
        mapped.ip[0] = 198;
        floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &mapped);
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
    }
    arrive(f, channel, &writer);
}

/* Which addresses there are in this minute: two of five, or one. */
static size_t list_of(const day *d, floe_interface_address *list)
{
    for (unsigned i = 0; i < 2; i++) {
        list[i] = (floe_interface_address){.interface_name = "eth0",
                                           .interface_index = 1 + i,
                                           .up = true,
                                           .address = address_of("10.0.1.2:0")};
        list[i].address.ip[3] = (uint8_t)(2 + (d->minute * (i + 1) + i) % 5);
    }
    bool one = d->minute % 3 == 0 || floe_address_same_ip(&list[0].address, &list[1].address);
    return one ? 1 : 2;
}

static void let_pass(day *d)
{
    floe_interface_address list[2];
    fixture *f = &d->f;

    while (polled(f->core, f->now, &f->output)) {
        floe_address local = f->output.local;
        switch (f->output.kind) {
        case FLOE_CORE_LIST_INTERFACES:
            floe_core_interfaces(f->core, f->now, list, list_of(d, list));
            break;
        case FLOE_CORE_OPEN:
            d->open++;
            d->most_open = d->open > d->most_open ? d->open : d->most_open;
            local.port = (uint16_t)(4000 + f->output.channel % 60000);
            floe_core_opened(f->core, f->now, f->output.channel, &local);
            break;
        case FLOE_CORE_CLOSE:
            d->open--;
            break;
        case FLOE_CORE_SEND:
            answer_all(d);
            break;
        case FLOE_CORE_CANDIDATE:
            d->hosts += f->output.candidate != NULL &&
                        f->output.candidate->type == FLOE_CANDIDATE_TYPE_HOST;
            break;
        case FLOE_CORE_CANDIDATE_WITHDRAWN:
            d->withdrawn++;
            break;
        case FLOE_CORE_CANDIDATE_ERROR:
            f->errors++;
            break;
        default:
            break;
        }
    }
}

/* L11: a day on a network that changes every minute: as many sockets and pieces of memory at its
 * end as after its first hour, what is gone is withdrawn, and nothing fails. */
static void l11_a_day_of_changes(void **state)
{
    static day d;
    fixture *f = &d.f;
    size_t memory = 0;

    (void)state;
    make(f, "turn:203.0.113.2", FLOE_GATHER_POLICY_ALL, (floe_settings)FLOE_SETTINGS_INIT);
    for (d.minute = 0; d.minute < 24 * 60; d.minute++) {
        floe_time next = floe_time_after(f->now, floe_seconds(60));
        assert_int_equal(floe_core_start(f->core, f->now), FLOE_OK);
        let_pass(&d);
        while (floe_core_deadline(f->core).ns < next.ns) {
            tick(f);
            let_pass(&d);
        }
        f->now = next;
        assert_int_equal(floe_core_state(f->core), FLOE_GATHERER_STATE_COMPLETE);
        if (d.minute >= 60 && d.minute % 15 == 0) { /* the same addresses again */
            memory = memory == 0 ? f->memory.live : memory;
            assert_int_equal(f->memory.live, memory);
        }
    }
    assert_int_equal(f->errors, 0);
    assert_in_range(d.most_open, 2, 4);
    assert_true(d.hosts > 1000 && d.withdrawn > 1000);
    floe_core_close(f->core, f->now);
    let_pass(&d);
    assert_int_equal(d.open, 0);
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nonce_of_763_bytes_and_of_764),
        cmocka_unit_test(a_realm_with_quotes_and_nuls),
        cmocka_unit_test(lifetimes_of_all_kinds),
        cmocka_unit_test(impossible_relayed_addresses),
        cmocka_unit_test(ports_of_strangers),
        cmocka_unit_test(four_gigabytes_for_no_channel),
        cmocka_unit_test(four_gigabytes_of_noise),
        cmocka_unit_test(a_strangers_first_line_is_told),
        cmocka_unit_test(l7_a_close_is_behind_what_waits),
        cmocka_unit_test(what_is_polled_outlives_other_calls),
        cmocka_unit_test(a_length_that_lies),
        cmocka_unit_test(t7_pauses_before_a_lost_relay_is_asked_for),
        cmocka_unit_test(k1_a_peer_that_the_server_refuses),
        cmocka_unit_test(t7b_a_refusal_that_is_not_of_the_peer),
        cmocka_unit_test(t6_indications_of_all_kinds),
        cmocka_unit_test(e1_answers_that_cannot_be_believed),
        cmocka_unit_test(e1_answers_from_elsewhere),
        cmocka_unit_test(e1_errors_without_a_reason),
        cmocka_unit_test(s3_services_in_the_order_of_their_priority),
        cmocka_unit_test(s6_services_are_drawn_by_their_weight),
        cmocka_unit_test(s6_natural_services),
        cmocka_unit_test(s6_natural_services_that_are_not_terminal),
        cmocka_unit_test(p8_services_lead_to_what_is_wanted),
        cmocka_unit_test(s6_transports_that_the_domain_chooses),
        cmocka_unit_test(s6_services_known_in_any_order),
        cmocka_unit_test(t6_a_full_server_is_not_the_next_one),
        cmocka_unit_test(s6_a_service_whose_address_is_not_known),
        cmocka_unit_test(s6_services_that_nobody_answers),
        cmocka_unit_test(s6_services_that_are_not_to_be_asked),
        cmocka_unit_test(s6_addresses_in_the_order_of_their_targets),
        cmocka_unit_test(e2_names_whose_addresses_are_refused),
        cmocka_unit_test(t8_a_relay_through_a_proxy),
        cmocka_unit_test(e1_an_echo_is_no_answer_and_no_silence),
        cmocka_unit_test(e1_a_proxys_fault_is_told_as_the_proxys),
        cmocka_unit_test(k1_a_blocked_channel_closes_without_a_word),
        cmocka_unit_test(t4_a_redirect_stays_behind_the_proxy),
        cmocka_unit_test(p6_nothing_goes_but_through_the_proxy),
        cmocka_unit_test(c4_priorities_of_two_thousand_addresses),
        cmocka_unit_test(l15_a_round_trip_is_of_what_was_sent_once),
        cmocka_unit_test(l15_bytes_are_of_requests_by_tcp_as_well),
        cmocka_unit_test(p6_what_goes_through_no_proxy_is_not_asked_and_says_so),
        cmocka_unit_test(t4_a_redirect_to_a_low_port),
        cmocka_unit_test(t8_another_protocol_is_told_at_once),
        cmocka_unit_test(secrets_are_wiped_before_they_are_given_back),
        cmocka_unit_test(h2_prflxion_no_byte_shows_the_host),
        cmocka_unit_test(every_function_takes_null),
        cmocka_unit_test(s2_an_address_that_comes_twice),
        cmocka_unit_test(s2_an_ipv4_address_in_ipv6_spelling),
        cmocka_unit_test(l14_time_in_which_nothing_ran_is_made_up_for),
        cmocka_unit_test(n4_awake_again_it_asks_what_still_stands),
        cmocka_unit_test(r1_mapped_address_of_either_kind),
        cmocka_unit_test(r1_a_mapped_address_of_the_other_family),
        cmocka_unit_test(a_million_forged_answers),
        cmocka_unit_test(nothing_is_answered_that_is_not_ours),
        cmocka_unit_test(l11_a_day_of_changes),
        cmocka_unit_test(a_thousand_relays_for_an_hour),
    };
    return cmocka_run_group_tests_name("direct", tests, NULL, NULL);
}

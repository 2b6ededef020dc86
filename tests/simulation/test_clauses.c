/* What a clause of an RFC asks of who has a relay, told by hand: one server, by UDP or TCP, that
 * answers each method as the test says, and counts. */
#include "support.h"
#include "tls.h"

#include "base/address.h"
#include "base/memory.h"
#include "base/time.h"
#include "polled.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <floe/core.h>
#include <stdio.h>
#include <string.h>

#define CHANNELS 300
#define METHODS 16
#define SILENT 1

enum { ASKED = 1, EVEN_PORT = 2, RESERVATION = 4, DONT_FRAGMENT = 8 };

typedef struct hand {
    counting_allocator memory;
    seeded_random random;
    floe_core_shared *shared;
    floe_core *core;
    floe_time now;
    bool open[CHANNELS];
    bool stream[CHANNELS];
    uint16_t code[METHODS];  /* how it answers each: 0: success; SILENT; else an error */
    unsigned count[METHODS]; /* that came of each */
    uint32_t channel;        /* by which the latest request came */
    floe_stun_id ids[10];    /* of those that are not answered, the latest in a row */
    unsigned silent;
    unsigned sends;     /* Send indications that went out */
    unsigned padding;   /* of their DATA, in bytes; all of them zeros */
    unsigned wishes[2]; /* what the Allocates for UDP and TCP have asked for */
    bool rude;          /* gives each allocation a RESERVATION-TOKEN */
    uint32_t control;   /* by which the latest Allocate came */
    tls_server *tls;    /* by TLS, if it is there */
    tls_connection *secure[CHANNELS];
    const char *alternate_domain;
    unsigned data;            /* what else went out, bytes */
    uint32_t active, passive; /* the relay's candidates for TCP */
    uint32_t relay;           /* or that for UDP */
    size_t errors;
    char error[256];
    char log[512];
    char trace[512]; /* of streams: what was told, its method and code */
    floe_core_output output;
} hand;

static const char *const server_address = "203.0.113.2:3478";
static const char *const udp_url = "turn:203.0.113.2";
static const char *const tcp_url = "turn:203.0.113.2?transport=tcp";

static void say(hand *h, const char *word)
{
    size_t used = strlen(h->log);

    (void)snprintf(h->log + used, sizeof h->log - used, "%s%s", used > 0 ? ", " : "", word);
}

static void trace(hand *h, const floe_trace_event *event)
{
    size_t used = strlen(h->trace);

    if (strncmp(event->method, "Connect", 7) == 0) {
        (void)snprintf(h->trace + used, sizeof h->trace - used, "%s %s %u | ",
                       floe_trace_kind_name(event->kind), event->method, event->code);
    }
}

static void no_trace(void *user_data, const floe_trace_event *event)
{
    (void)user_data;
    (void)event;
}

/* What TLS has to say goes to the client. */
static void flush(hand *h, uint32_t channel)
{
    static uint8_t bytes[65536];
    size_t size;

    while ((size = tls_take(h->secure[channel], bytes, sizeof bytes)) > 0) {
        floe_core_stream(h->core, h->now, channel, bytes, size);
    }
}

static void arrive(hand *h, uint32_t channel, floe_span bytes)
{
    floe_address source = address_of(server_address);

    if (h->secure[channel] != NULL) {
        assert_true(tls_write(h->secure[channel], bytes));
        flush(h, channel);
    } else if (h->stream[channel]) {
        uint8_t copy[512];
        memcpy(copy, bytes.data, bytes.size);
        floe_core_stream(h->core, h->now, channel, copy, bytes.size);
    } else {
        floe_core_datagram(h->core, h->now, channel, &source, bytes.data, bytes.size);
    }
}

static void answer(hand *h, uint32_t channel, const floe_stun_message *request, uint16_t code)
{
    uint8_t bytes[256];
    floe_address relayed = address_of("198.51.100.9:5000");
    floe_address mapped = address_of("192.0.2.7:700");
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, code == 0 ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR,
                        request->method, &request->id);

    if (code != 0) {
        floe_stun_put_error(&writer, code, floe_span_text("No"));
    }
    if (code == 300) { /* says it once */
        floe_address alternate = address_of("203.0.113.77:5349");
        floe_stun_put_address(&writer, FLOE_STUN_ALTERNATE_SERVER, &alternate);
        if (h->alternate_domain != NULL) {
            floe_stun_put(&writer, FLOE_STUN_ALTERNATE_DOMAIN, floe_span_text(h->alternate_domain));
        }
        h->code[request->method] = 0;
    } else if (code == 0 && request->method == FLOE_STUN_ALLOCATE) {
        if (h->rude) {
            floe_stun_put_u64(&writer, FLOE_STUN_RESERVATION_TOKEN, 5001);
        }
        floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &relayed);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    } else if (code == 0 && request->method == FLOE_STUN_BINDING) {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    } else if (code == 0 && request->method == FLOE_STUN_CONNECT) {
        floe_stun_put_u32(&writer, FLOE_STUN_CONNECTION_ID, 77);
    }
    arrive(h, channel, floe_stun_written(&writer));
}

static void note_padding(hand *h, const floe_stun_message *message)
{
    floe_span data;

    h->sends++;
    assert_true(floe_stun_find(message, FLOE_STUN_DATA, &data));
    for (size_t i = data.size; i % 4 != 0; i++) {
        assert_int_equal(data.data[i], 0);
        h->padding++;
    }
}

static void note_wishes(hand *h, uint32_t channel, const floe_stun_message *request)
{
    uint8_t transport = 0;

    assert_true(floe_stun_read_u8(request, FLOE_STUN_REQUESTED_TRANSPORT, &transport));
    h->control = channel;
    h->wishes[transport == 6] |=
        ASKED | (floe_stun_has(request, FLOE_STUN_EVEN_PORT) ? EVEN_PORT : 0U) |
        (floe_stun_has(request, FLOE_STUN_RESERVATION_TOKEN) ? RESERVATION : 0U) |
        (floe_stun_has(request, FLOE_STUN_DONT_FRAGMENT) ? DONT_FRAGMENT : 0U);
}

static void serve(hand *h)
{
    uint8_t copy[FLOE_CORE_DATA_SIZE];
    uint32_t channel = h->output.channel;
    size_t size = h->output.data_size;
    floe_stun_message request = {0};

    assert_true(channel < CHANNELS && h->open[channel] && size <= sizeof copy);
    memcpy(copy, h->output.data, size);
    if (h->secure[channel] != NULL) {
        (void)tls_feed(h->secure[channel], floe_span_of(h->output.data, h->output.data_size), copy,
                       sizeof copy, &size);
        flush(h, channel);
        if (size == 0) {
            return;
        }
    }
    if (floe_stun_parse(floe_span_of(copy, size), &request) != FLOE_STUN_PARSED ||
        request.class != FLOE_STUN_REQUEST) {
        h->data += (unsigned)size;
        if (request.class == FLOE_STUN_INDICATION && request.method == FLOE_STUN_SEND) {
            note_padding(h, &request);
        }
        return;
    }
    if (request.method == FLOE_STUN_ALLOCATE) {
        note_wishes(h, channel, &request);
    }
    assert_true(request.method < METHODS);
    h->count[request.method]++;
    h->channel = channel;
    uint16_t code = h->code[request.method];
    if (code != SILENT) {
        answer(h, channel, &request, code);
    } else {
        h->ids[h->silent++ % 10] = request.id;
    }
}

static void told(hand *h, const floe_candidate *candidate)
{
    if (candidate->type == FLOE_CANDIDATE_TYPE_RELAY) {
        say(h, "+ relay");
        *(candidate->tcp_type == FLOE_TCP_TYPE_ACTIVE    ? &h->active
          : candidate->tcp_type == FLOE_TCP_TYPE_PASSIVE ? &h->passive
                                                         : &h->relay) = candidate->id;
    }
}

static void open(hand *h)
{
    floe_address local = h->output.local;

    assert_true(h->output.channel < CHANNELS);
    h->open[h->output.channel] = true;
    h->stream[h->output.channel] = h->output.protocol == FLOE_PROTOCOL_TCP;
    if (h->tls != NULL && h->stream[h->output.channel]) {
        h->secure[h->output.channel] = tls_accept(h->tls);
    }
    local.port = (uint16_t)(40000 + h->output.channel);
    floe_core_opened(h->core, h->now, h->output.channel, &local);
}

static void settle(hand *h)
{
    floe_interface_address list = {.interface_name = "eth0",
                                   .interface_index = 1,
                                   .up = true,
                                   .address = address_of("10.0.1.2:0")};

    while (polled(h->core, h->now, &h->output)) {
        char text[64];
        switch (h->output.kind) {
        case FLOE_CORE_LIST_INTERFACES:
            floe_core_interfaces(h->core, h->now, &list, 1);
            break;
        case FLOE_CORE_OPEN:
            open(h);
            break;
        case FLOE_CORE_CLOSE:
            h->open[h->output.channel] = false;
            break;
        case FLOE_CORE_SEND:
            serve(h);
            break;
        case FLOE_CORE_CANDIDATE:
            if (h->output.candidate != NULL) {
                told(h, h->output.candidate);
            }
            break;
        case FLOE_CORE_CANDIDATE_WITHDRAWN:
            if (h->output.candidate->type == FLOE_CANDIDATE_TYPE_RELAY) {
                say(h, "- relay");
            }
            break;
        case FLOE_CORE_WRITABLE:
            say(h, "writable");
            break;
        case FLOE_CORE_UNREACHABLE:
            (void)snprintf(text, sizeof text, "unreachable %d", (int)h->output.unreachable);
            say(h, text);
            break;
        case FLOE_CORE_TRACE:
            trace(h, h->output.trace);
            break;
        case FLOE_CORE_CANDIDATE_ERROR:
            h->errors++;
            (void)snprintf(h->error, sizeof h->error, "%s", h->output.error->text);
            break;
        default:
            break;
        }
    }
}

/* So many milliseconds pass, from deadline to deadline. */
static void pass(hand *h, uint64_t milliseconds)
{
    floe_time end = floe_time_after(h->now, floe_milliseconds(milliseconds));

    settle(h);
    for (floe_time due = floe_core_deadline(h->core); due.ns <= end.ns;
         due = floe_core_deadline(h->core)) {
        h->now = due.ns > h->now.ns ? due : h->now;
        floe_core_time(h->core, h->now);
        settle(h);
    }
    h->now = end;
}

static floe_gather_options options_of(floe_ice_server *ice, const char *const *url,
                                      const char *credential)
{
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    *ice = (floe_ice_server)FLOE_ICE_SERVER_INIT;
    ice->urls = url;
    ice->url_count = 1;
    ice->username = "user";
    ice->credential = credential;
    options.ice_servers = ice;
    options.ice_server_count = 1;
    return options;
}

static void make_with(hand *h, const floe_gather_options *options, floe_settings settings)
{
    memset(h, 0, sizeof *h);
    counting_init(&h->memory);
    seeded_init(&h->random, 7);
    h->now = floe_time_after((floe_time){0}, floe_seconds(1000));
    settings.allocator = &h->memory.table;
    assert_int_equal(floe_core_shared_new(&settings, &h->random.table, &h->shared), FLOE_OK);
    assert_int_equal(floe_core_new(h->shared, options, &h->core), FLOE_OK);
}

static void make(hand *h, const char *url, floe_settings settings)
{
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, &url, "secret");

    make_with(h, &options, settings);
}

static void gather(hand *h)
{
    assert_int_equal(floe_core_start(h->core, h->now), FLOE_OK);
    settle(h);
}

static void end(hand *h)
{
    floe_core_close(h->core, h->now);
    settle(h);
    floe_core_free(h->core);
    floe_core_shared_free(h->shared);
    assert_int_equal(h->memory.live, 0);
}

static floe_error send_to(hand *h, uint32_t candidate, const char *peer)
{
    floe_address address = address_of(peer);
    floe_error error = floe_core_send(h->core, h->now, candidate, &address, "x", 1);

    settle(h);
    return error;
}

static void relayed(hand *h, const char *url, bool tcp)
{
    floe_settings settings = FLOE_SETTINGS_INIT;

    settings.network_types = FLOE_NETWORK_TYPE_UDP4 | (tcp ? FLOE_NETWORK_TYPE_TCP4 : 0U);
    settings.on_trace = no_trace; /* it is polled */
    make(h, url, settings);
    gather(h);
    pass(h, 2000);
    *h->log = '\0';
}

/* ── Streams (RFC 6062) ── */

/* RFC 8656 §7.4: what is refused is not asked for again, packet after packet; as by UDP, the next
 * time is after four minutes. Whoever sends hears of it. */
static void t12_a_refused_peer_is_remembered(void **state)
{
    static const uint16_t codes[] = {403, 443};
    static hand h;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        relayed(&h, tcp_url, true);
        h.code[FLOE_STUN_CONNECT] = codes[i];
        assert_int_equal(send_to(&h, h.active, "192.0.2.99:9"), FLOE_OK);
        for (int k = 0; k < 239; k++) {
            assert_int_equal(send_to(&h, h.active, "192.0.2.99:9"), FLOE_ERR_PERMISSION);
            pass(&h, 1000);
        }
        assert_int_equal(h.count[FLOE_STUN_CONNECT], 1);
        /* Another peer is another matter. */
        h.code[FLOE_STUN_CONNECT] = 0;
        assert_int_equal(send_to(&h, h.active, "192.0.2.98:9"), FLOE_OK);
        pass(&h, 1000);
        assert_int_equal(send_to(&h, h.active, "192.0.2.99:9"), FLOE_OK);
        assert_int_equal(h.count[FLOE_STUN_CONNECT], 3);
        assert_true(h.data > 0);
        end(&h);
    }
}

/* RFC 6062 §6.3: 447 is of the moment, as is a server's silence; asked again after 5, 10, 20 s, as
 * for a permission that was not had. */
static void t12_a_peer_that_is_not_had_is_asked_for_more_and_more_seldom(void **state)
{
    static const unsigned pauses[] = {5, 10, 20, 40, 80, 160, 240, 240};
    static hand h;
    size_t asked = 1;
    unsigned at = 0;

    (void)state;
    relayed(&h, tcp_url, true);
    h.code[FLOE_STUN_CONNECT] = 447;
    assert_int_equal(send_to(&h, h.active, "192.0.2.99:9"), FLOE_OK);
    for (unsigned second = 1; asked < sizeof pauses / sizeof *pauses; second++) {
        pass(&h, 1000);
        floe_error error = send_to(&h, h.active, "192.0.2.99:9");
        bool due = second - at == pauses[asked - 1];
        assert_int_equal(error, due ? FLOE_OK : FLOE_ERR_NOT_CONNECTED);
        asked += due;
        at = due ? second : at;
        assert_int_equal(h.count[FLOE_STUN_CONNECT], asked);
    }
    h.code[FLOE_STUN_CONNECT] = 0;
    pass(&h, 240000);
    assert_int_equal(send_to(&h, h.active, "192.0.2.99:9"), FLOE_OK);
    pass(&h, 1000);
    assert_int_equal(send_to(&h, h.active, "192.0.2.99:9"), FLOE_OK);
    assert_true(h.data > 0);
    end(&h);
}

/* What is refused takes nobody's place. */
static void t12_refused_peers_make_room(void **state)
{
    static hand h;
    char peer[32];

    (void)state;
    relayed(&h, tcp_url, true);
    h.code[FLOE_STUN_CONNECT] = 403;
    for (int i = 1; i <= 200; i++) {
        (void)snprintf(peer, sizeof peer, "192.0.2.%d:9", i);
        assert_int_equal(send_to(&h, h.active, peer), FLOE_OK);
    }
    assert_int_equal(h.count[FLOE_STUN_CONNECT], 200);
    end(&h);
}

/* RFC 6062 §4.1: the Allocate for TCP has neither EVEN-PORT, RESERVATION-TOKEN nor DONT-FRAGMENT,
 * where that for UDP has them; nor where a server gives tokens that nobody has asked for. */
static void t12_no_wishes_that_tcp_forbids(void **state)
{
    static hand h;
    static bool open_of_the_first[CHANNELS];
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, &tcp_url, "secret");
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_core *second;

    (void)state;
    options.even_port = true;
    settings.dont_fragment = true;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4;
    make_with(&h, &options, settings);
    h.rude = true;
    assert_int_equal(floe_core_new_associated(h.core, &second), FLOE_OK);
    gather(&h);
    pass(&h, 2000);
    assert_int_equal(h.wishes[0], ASKED | EVEN_PORT | DONT_FRAGMENT);
    assert_int_equal(h.wishes[1], ASKED);
    memset(h.wishes, 0, sizeof h.wishes);

    floe_core *first = h.core;
    memcpy(open_of_the_first, h.open, sizeof h.open);
    memset(h.open, 0, sizeof h.open);
    h.core = second;
    gather(&h);
    pass(&h, 2000);
    assert_int_equal(h.wishes[0], ASKED | RESERVATION | DONT_FRAGMENT);
    assert_int_equal(h.wishes[1], ASKED);
    floe_core_close(h.core, h.now);
    settle(&h);
    floe_core_free(h.core);
    memcpy(h.open, open_of_the_first, sizeof h.open);
    h.core = first;
    end(&h);
}

/* RFC 6062 §4.3: data goes once ConnectionBind has succeeded, and not before. */
static void t12_no_data_before_it_is_bound(void **state)
{
    static hand h;

    (void)state;
    relayed(&h, tcp_url, true);
    h.code[FLOE_STUN_CONNECTION_BIND] = SILENT;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(send_to(&h, h.active, "192.0.2.99:9"), FLOE_OK);
        pass(&h, 1000);
        assert_int_equal(h.count[FLOE_STUN_CONNECTION_BIND], 1);
        assert_int_equal(h.data, 0);
    }
    floe_stun_message request = {
        .class = FLOE_STUN_REQUEST, .method = FLOE_STUN_CONNECTION_BIND, .id = h.ids[0]};
    answer(&h, h.channel, &request, 0);
    settle(&h);
    assert_int_equal(h.data, 3 * (2 + 1)); /* each with its length before it */
    end(&h);
}

static void attempt(hand *h, const char *peer, uint32_t connection_id)
{
    uint8_t bytes[128];
    floe_address address = address_of(peer);
    floe_stun_id id = {{(uint8_t)connection_id}};
    floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_INDICATION,
                                              FLOE_STUN_CONNECTION_ATTEMPT, &id);

    floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &address);
    floe_stun_put_u32(&writer, FLOE_STUN_CONNECTION_ID, connection_id);
    arrive(h, h->control, floe_stun_written(&writer));
    pass(h, 1000);
}

/* RFC 6062 §4.4: who has no permission has not connected, whatever the server says. */
static void t12_a_peer_without_permission(void **state)
{
    static hand h;

    (void)state;
    relayed(&h, tcp_url, true);
    assert_true(h.wishes[1] == ASKED && h.passive != 0);
    assert_int_equal(send_to(&h, h.passive, "192.0.2.50:4000"), FLOE_ERR_NOT_CONNECTED);
    pass(&h, 1000);
    assert_int_equal(h.count[FLOE_STUN_CREATE_PERMISSION], 1);
    attempt(&h, "192.0.2.51:4000", 78);
    assert_int_equal(h.count[FLOE_STUN_CONNECTION_BIND], 0);
    attempt(&h, "192.0.2.50:4001", 79); /* a permission is for all ports */
    assert_int_equal(h.count[FLOE_STUN_CONNECTION_BIND], 1);
    assert_int_equal(send_to(&h, h.passive, "192.0.2.50:4001"), FLOE_OK);
    assert_int_equal(h.data, 2 + 1);
    end(&h);
}

/* L15: what becomes of a stream is in the trace, be it answered, refused or not answered. */
static void l15_streams_are_in_the_trace(void **state)
{
    static const struct {
        uint16_t connect;
        uint16_t bind;
        const char *trace;
    } rows[] = {
        {0, 0,
         "sent Connect 0 | received Connect 0 | sent ConnectionBind 0 | received ConnectionBind 0 "
         "| "},
        {447, 0, "sent Connect 0 | received Connect 447 | "},
        {SILENT, 0, "sent Connect 0 | gave up Connect 0 | "},
        {0, 400,
         "sent Connect 0 | received Connect 0 | sent ConnectionBind 0 | received ConnectionBind "
         "400 | "},
        {0, SILENT,
         "sent Connect 0 | received Connect 0 | sent ConnectionBind 0 | gave up ConnectionBind 0 "
         "| "},
    };
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        relayed(&h, tcp_url, true);
        h.code[FLOE_STUN_CONNECT] = rows[i].connect;
        h.code[FLOE_STUN_CONNECTION_BIND] = rows[i].bind;
        assert_int_equal(send_to(&h, h.active, "192.0.2.99:9"), FLOE_OK);
        pass(&h, 60000);
        assert_string_equal(h.trace, rows[i].trace);
        end(&h);
    }
    relayed(&h, tcp_url, true);
    (void)send_to(&h, h.passive, "192.0.2.50:4000");
    pass(&h, 1000);
    attempt(&h, "192.0.2.50:4001", 79);
    assert_string_equal(h.trace, "received ConnectionAttempt 0 | sent ConnectionBind 0 | received "
                                 "ConnectionBind 0 | ");
    end(&h);
}

/* ── Redirects (RFC 8489 §10) ── */

/* By TLS it is the name of ALTERNATE-DOMAIN that the certificate must have; without one, the name
 * that it had to have before. */
static void t4_the_alternates_name_is_the_one_that_tls_checks(void **state)
{
    static const struct {
        const char *domain;
        const char *name; /* that is asked for; NULL: the handshake fails */
    } rows[] = {{"turn.example", "turn.example"}, {"other.example", NULL}, {NULL, ""}};
    static hand h;
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.tls_ca_file = tls_ca_file();
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make(&h, "turns:192.0.2.1", settings);
        h.tls = tls_server_new(&(tls_options){.certificate = TLS_RIGHT});
        h.code[FLOE_STUN_ALLOCATE] = 300;
        h.alternate_domain = rows[i].domain;
        gather(&h);
        pass(&h, 2000);
        assert_string_equal(h.log, rows[i].name != NULL ? "+ relay" : "");
        assert_int_equal(h.count[FLOE_STUN_ALLOCATE], rows[i].name != NULL ? 2 : 1);
        assert_int_equal(h.errors, rows[i].name == NULL);
        if (rows[i].name != NULL) {
            assert_string_equal(tls_server_name(h.secure[h.control]), rows[i].name);
        }
        end(&h);
        for (size_t k = 0; k < CHANNELS; k++) {
            tls_connection_free(h.secure[k]);
        }
        tls_server_free(h.tls);
    }
}

static uint32_t control_of(const hand *h)
{
    uint32_t control = 0;

    for (uint32_t i = 0; i < CHANNELS; i++) {
        control = h->open[i] && h->stream[i] ? i : control;
    }
    return control;
}

/* T7: a connection breaks, and for a while another machine answers where the server was (the portal of a
 * hotel): its certificate says so, and that is told; the relay is had again behind it. */
static void t7_what_answers_for_the_server_for_a_while(void **state)
{
    static hand h;
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.tls_ca_file = tls_ca_file();
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    make(&h, "turns:192.0.2.1", settings);
    tls_server *right = tls_server_new(&(tls_options){.certificate = TLS_RIGHT});
    tls_server *portal = tls_server_new(&(tls_options){.certificate = TLS_SELF_SIGNED});
    h.tls = right;
    gather(&h);
    pass(&h, 2000);
    assert_string_equal(h.log, "+ relay");
    h.tls = portal;
    floe_core_disconnected(h.core, h.now, control_of(&h));
    pass(&h, 30000);
    assert_string_equal(h.log, "+ relay, - relay");
    assert_int_equal(h.errors, 1);
    h.tls = right;
    pass(&h, 60000);
    assert_string_equal(h.log, "+ relay, - relay, + relay");
    end(&h);
    for (size_t k = 0; k < CHANNELS; k++) {
        tls_connection_free(h.secure[k]);
    }
    tls_server_free(right);
    tls_server_free(portal);
}

/* ── Peers ── */

/* RFC 8656 §10.1, §11.1: XOR-PEER-ADDRESS is of the relayed address's family; another one cannot be
 * asked for, nor sent to. */
static void k1_a_peer_of_the_other_family(void **state)
{
    static hand h;

    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        relayed(&h, tcp ? tcp_url : udp_url, tcp == 1);
        uint32_t relay = tcp ? h.active : h.relay;
        assert_int_equal(send_to(&h, relay, "[2001:db8::99]:9"), FLOE_ERR_INVALID_ARGUMENT);
        pass(&h, 1000);
        assert_int_equal(h.count[FLOE_STUN_CREATE_PERMISSION], 0);
        assert_int_equal(h.count[FLOE_STUN_CONNECT], 0);
        assert_int_equal(h.data, 0);
        assert_int_equal(send_to(&h, relay, "192.0.2.99:9"), FLOE_OK);
        assert_int_equal(h.count[FLOE_STUN_CREATE_PERMISSION] + h.count[FLOE_STUN_CONNECT], 1);
        end(&h);
    }
}

/* RFC 8489 §14: what pads DATA is zeros. */
static void k1_the_padding_of_data_is_zeros(void **state)
{
    static hand h;
    floe_address peer = address_of("192.0.2.99:9");

    (void)state;
    relayed(&h, udp_url, false);
    h.code[FLOE_STUN_CHANNEL_BIND] = SILENT;
    for (size_t size = 0; size <= 4; size++) {
        assert_int_equal(floe_core_send(h.core, h.now, h.relay, &peer, "data", size), FLOE_OK);
        settle(&h);
    }
    pass(&h, 100);
    assert_int_equal(h.sends, 5);
    assert_int_equal(h.padding, 3 + 2 + 1);
    end(&h);
}

static void answer_outstanding(hand *h, uint16_t method, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        floe_stun_message request = {.class = FLOE_STUN_REQUEST, .method = method, .id = h->ids[i]};
        answer(h, h->channel, &request, 0);
    }
    h->silent = 0;
}

/* RFC 8489 §6.2: ten at a time; the others wait for their turn, and nothing is lost. */
static void k1_ten_requests_at_a_time(void **state)
{
    static hand h;
    char peer[32];

    (void)state;
    relayed(&h, udp_url, false);
    h.code[FLOE_STUN_CREATE_PERMISSION] = SILENT;
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(peer, sizeof peer, "192.0.2.%u:9", i + 1);
        assert_int_equal(send_to(&h, h.relay, peer), FLOE_OK);
    }
    assert_in_range(h.count[FLOE_STUN_CREATE_PERMISSION], 1, 10);
    for (unsigned asked = 0; asked < 100;) {
        unsigned outstanding = h.count[FLOE_STUN_CREATE_PERMISSION] - asked;
        assert_in_range(outstanding, 1, 10);
        asked += outstanding;
        answer_outstanding(&h, FLOE_STUN_CREATE_PERMISSION, outstanding);
        pass(&h, 10);
    }
    pass(&h, 300);
    assert_int_equal(h.count[FLOE_STUN_CREATE_PERMISSION], 100);
    assert_int_equal(h.sends, 100);                       /* each packet, by a Send indication */
    assert_int_equal(h.count[FLOE_STUN_CHANNEL_BIND], 0); /* the second takes a channel */
    end(&h);
}

/* K1, RFC 8656 §9: for as long as something is sent to a peer that has connected, it may do so anew. */
static void k1_sending_keeps_what_lets_a_peer_in(void **state)
{
    static hand h;

    (void)state;
    relayed(&h, tcp_url, true);
    (void)send_to(&h, h.passive, "192.0.2.50:4000");
    pass(&h, 1000);
    attempt(&h, "192.0.2.50:4000", 99);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(send_to(&h, h.passive, "192.0.2.50:4000"), FLOE_OK);
        pass(&h, 60000);
    }
    unsigned before = h.count[FLOE_STUN_CONNECTION_BIND];
    attempt(&h, "192.0.2.50:5000", 100);
    assert_int_equal(h.count[FLOE_STUN_CONNECTION_BIND], before + 1);
    assert_in_range(h.count[FLOE_STUN_CREATE_PERMISSION], 4, 8);
    pass(&h, 900000); /* nothing is sent, and it lapses */
    assert_int_equal(send_to(&h, h.passive, "192.0.2.50:4000"), FLOE_OK);
    pass(&h, 1000);
    attempt(&h, "192.0.2.50:6000", 101);
    assert_int_equal(h.count[FLOE_STUN_CONNECTION_BIND], before + 2);
    end(&h);
}

/* Who is silent about channels holds up no permission. */
static void k1_channels_leave_room_for_permissions(void **state)
{
    static hand h;
    char peer[32];

    (void)state;
    relayed(&h, udp_url, false);
    h.code[FLOE_STUN_CHANNEL_BIND] = SILENT;
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(peer, sizeof peer, "192.0.2.%u:9", i / 2 + 1);
        assert_int_equal(send_to(&h, h.relay, peer), FLOE_OK);
    }
    pass(&h, 100);
    assert_int_equal(h.count[FLOE_STUN_CREATE_PERMISSION], 100);
    assert_int_equal(h.sends, 200);
    assert_in_range(h.count[FLOE_STUN_CHANNEL_BIND], 1, 5);
    /* It holds the places no longer than its transactions last. */
    h.code[FLOE_STUN_CHANNEL_BIND] = 0;
    pass(&h, 60000);
    assert_in_range(h.count[FLOE_STUN_CHANNEL_BIND], 96, 200);
    end(&h);
}

/* RFC 8656 §5: 437 says that the allocation is gone. A Refresh is asked first, as 437 may be of a
 * moment; if it is granted and 437 comes again all the same, the relay is taken as gone. */
static void t7b_437_again_and_again(void **state)
{
    static hand h;

    (void)state;
    relayed(&h, udp_url, false);
    h.code[FLOE_STUN_CREATE_PERMISSION] = 437;
    assert_int_equal(send_to(&h, h.relay, "192.0.2.99:9"), FLOE_OK);
    pass(&h, 1000);
    assert_string_equal(h.log, "");
    assert_int_equal(h.count[FLOE_STUN_REFRESH], 1);
    pass(&h, 5000);
    assert_string_equal(h.log, "- relay, + relay");
    /* Once it is granted, all is forgotten. */
    *h.log = '\0';
    for (int i = 0; i < 3; i++) {
        char peer[32];
        (void)snprintf(peer, sizeof peer, "192.0.2.%d:9", 100 + i);
        h.code[FLOE_STUN_CREATE_PERMISSION] = 437;
        assert_int_equal(send_to(&h, h.relay, peer), FLOE_OK);
        h.code[FLOE_STUN_CREATE_PERMISSION] = 0;
        pass(&h, 10000);
    }
    assert_string_equal(h.log, "");
    assert_int_equal(h.sends, 3); /* what waited has gone */
    end(&h);
}

/* RFC 8656 §7.4: who is full is not asked before a minute has gone by, however often somebody
 * gathers, or sets the same options (L12); each gathering hears why. What the owner has changed is
 * asked at once. */
static void t6_who_is_full_is_left_alone_for_a_minute(void **state)
{
    static const uint16_t codes[] = {486, 508};
    static hand h;
    floe_ice_server ice;
    floe_ice_server same_ice;
    floe_gather_options options = options_of(&ice, &udp_url, "another");
    floe_gather_options same = options_of(&same_ice, &udp_url, "secret");

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make(&h, udp_url, (floe_settings)FLOE_SETTINGS_INIT);
        h.code[FLOE_STUN_ALLOCATE] = codes[i];
        gather(&h);
        pass(&h, 2000);
        unsigned asked = h.count[FLOE_STUN_ALLOCATE];
        for (unsigned n = 1; n <= 11; n++) {
            assert_int_equal(h.errors, n);
            assert_non_null(strstr(h.error, codes[i] == 486 ? "486" : "508"));
            if (n % 2 == 0) {
                assert_int_equal(floe_core_set_options(h.core, h.now, &same), FLOE_OK);
            }
            gather(&h);
            pass(&h, 5000);
        }
        assert_int_equal(h.count[FLOE_STUN_ALLOCATE], asked);
        h.code[FLOE_STUN_ALLOCATE] = 0;
        pass(&h, 5000);
        gather(&h);
        pass(&h, 5000);
        assert_true(h.count[FLOE_STUN_ALLOCATE] > asked);
        assert_string_equal(h.log, "+ relay");
        end(&h);

        make(&h, udp_url, (floe_settings)FLOE_SETTINGS_INIT);
        h.code[FLOE_STUN_ALLOCATE] = codes[i];
        gather(&h);
        pass(&h, 2000);
        h.code[FLOE_STUN_ALLOCATE] = 0;
        assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
        gather(&h);
        pass(&h, 2000);
        assert_string_equal(h.log, "+ relay");
        end(&h);
    }
}

/* ── ChannelData (RFC 8656 §12) ── */

/* Table 3, §12.6: of a reserved number or of one that is not bound it is dropped in silence, by a
 * datagram from the server and by a connection, which goes on. */
static void k1_channel_data_of_reserved_numbers(void **state)
{
    static const uint8_t firsts[] = {0x40, 0x4F, 0x50, 0x7F, 0xC0, 0xFF, 0x05};
    static hand h;

    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        relayed(&h, tcp ? tcp_url : udp_url, tcp == 1);
        uint32_t channel = h.channel;
        uint64_t dropped = floe_core_shared_dropped(h.shared);
        floe_core_receive_packets(h.core, true);
        size_t count = tcp ? 4 : sizeof firsts;
        for (size_t i = 0; i < count; i++) {
            const uint8_t bytes[] = {firsts[i], 1, 0, 5, 'd', 'a', 't', 'a', 's', 0, 0, 0};
            floe_packet packet;
            arrive(&h, channel, floe_span_of(bytes, sizeof bytes));
            assert_false(arrived(h.core, h.now, &packet));
        }
        assert_int_equal(floe_core_shared_dropped(h.shared) - dropped, count);
        pass(&h, 20000);
        assert_string_equal(h.log, "");
        end(&h);
    }
}

/* ── Checks ── */

/* RFC 8489 §9.1.3: where MESSAGE-INTEGRITY-SHA256 is there it is what counts, and the answer has
 * it; else MESSAGE-INTEGRITY, and the answer has that. */
static void k2_checks_signed_by_sha256(void **state)
{
    typedef enum code { NONE, RIGHT, WRONG } code;
    static const struct {
        code sha1;
        code sha256;
        bool authenticated;
    } rows[] = {
        {RIGHT, NONE, true}, {NONE, RIGHT, true},   {RIGHT, RIGHT, true}, {WRONG, RIGHT, true},
        {NONE, NONE, false}, {RIGHT, WRONG, false}, {NONE, WRONG, false}, {WRONG, NONE, false},
    };
    static hand h;
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_address source = address_of("192.0.2.50:4000");
    char username[300];
    floe_stun_key *keys[3] = {NULL};

    (void)state;
    relayed(&h, udp_url, false);
    assert_int_equal(floe_core_get_local_parameters(h.core, &parameters), FLOE_OK);
    floe_core_receive_packets(h.core, true);
    (void)snprintf(username, sizeof username, "%s:peer", parameters.username_fragment);
    for (int i = RIGHT; i <= WRONG; i++) {
        assert_int_equal(
            floe_stun_key_short_term(&floe_default_allocator,
                                     floe_span_text(i == RIGHT ? parameters.password : "another"),
                                     &keys[i]),
            FLOE_OK);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t bytes[512];
        floe_stun_id id = {{(uint8_t)(i + 1)}};
        floe_packet packet;
        floe_stun_message answered = {0};
        floe_stun_writer writer =
            floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
        floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(username));
        if (rows[i].sha1 != NONE) {
            floe_stun_put_integrity(&writer, keys[rows[i].sha1]->sha1);
        }
        if (rows[i].sha256 != NONE) {
            floe_stun_put_integrity_sha256(&writer, keys[rows[i].sha256]->sha256);
        }
        floe_stun_put_fingerprint(&writer);
        floe_span check = floe_stun_written(&writer);
        floe_core_datagram(h.core, h.now, 1, &source, check.data, check.size);
        assert_true(arrived(h.core, h.now, &packet));
        assert_non_null(packet.check);
        assert_int_equal(packet.check->authenticated, rows[i].authenticated);
        assert_int_equal(packet.check->sha256, rows[i].sha256 != NONE);
        assert_int_equal(floe_core_answer_check(h.core, h.now, &packet, 0),
                         rows[i].authenticated ? FLOE_OK : FLOE_ERR_PERMISSION);
        if (!rows[i].authenticated) {
            continue;
        }
        assert_true(polled(h.core, h.now, &h.output));
        assert_int_equal(
            floe_stun_parse(floe_span_of(h.output.data, h.output.data_size), &answered),
            FLOE_STUN_PARSED);
        assert_int_equal(answered.integrity_at != 0, rows[i].sha256 == NONE);
        assert_true(rows[i].sha256 == NONE
                        ? floe_stun_check_integrity(&answered, keys[RIGHT]->sha1)
                        : floe_stun_check_integrity_sha256(&answered, keys[RIGHT]->sha256));
    }
    floe_stun_key_release(keys[RIGHT]);
    floe_stun_key_release(keys[WRONG]);
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t12_a_refused_peer_is_remembered),
        cmocka_unit_test(t12_a_peer_that_is_not_had_is_asked_for_more_and_more_seldom),
        cmocka_unit_test(t12_refused_peers_make_room),
        cmocka_unit_test(t12_no_wishes_that_tcp_forbids),
        cmocka_unit_test(t12_no_data_before_it_is_bound),
        cmocka_unit_test(t12_a_peer_without_permission),
        cmocka_unit_test(l15_streams_are_in_the_trace),
        cmocka_unit_test(t4_the_alternates_name_is_the_one_that_tls_checks),
        cmocka_unit_test(t7_what_answers_for_the_server_for_a_while),
        cmocka_unit_test(k1_a_peer_of_the_other_family),
        cmocka_unit_test(k1_the_padding_of_data_is_zeros),
        cmocka_unit_test(k1_ten_requests_at_a_time),
        cmocka_unit_test(k1_channels_leave_room_for_permissions),
        cmocka_unit_test(k1_sending_keeps_what_lets_a_peer_in),
        cmocka_unit_test(t7b_437_again_and_again),
        cmocka_unit_test(t6_who_is_full_is_left_alone_for_a_minute),
        cmocka_unit_test(k1_channel_data_of_reserved_numbers),
        cmocka_unit_test(k2_checks_signed_by_sha256),
    };
    return cmocka_run_group_tests_name("clauses", tests, NULL, NULL);
}

/* core: candidates for TCP (RFC 6544): what listens, who connects to it, and to whom we connect. */
#include "support.h"

#include "base/memory.h"
#include "base/time.h"
#include "polled.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <floe/core.h>
#include <stdio.h>
#include <string.h>

#define CHANNELS 4096
#define SENT_MAX 262144

typedef struct fixture {
    counting_allocator memory;
    seeded_random random;
    floe_core_shared *shared;
    floe_core *core;
    floe_time now;
    const char *ip;    /* this machine's; NULL: it has none */
    bool ports_taken;  /* all that are asked for by their number */
    bool udp_fails;    /* no socket for UDP can be opened */
    bool late;         /* what listens is not answered */
    const char *url;   /* of a STUN server; NULL: none */
    uint32_t listener; /* the latest channel of such a one */
    uint16_t ports[8]; /* that were asked for */
    size_t listens;
    uint32_t opened; /* the latest channel of a connection that was asked for */
    floe_address to; /* and whom it is to */
    floe_address from;
    size_t sockets; /* for UDP, that are open */
    size_t open;    /* channels, of any kind */
    bool is_open[CHANNELS];
    uint8_t sent[SENT_MAX]; /* by connections */
    size_t sent_size;
    uint32_t sent_on;
    uint8_t data[65536]; /* of the latest packet */
    char log[2048];
    uint32_t ids[4]; /* of the hosts, by tcp_type */
    floe_candidate host[4];
    char address[4][80];
    char foundation[4][40];
    char text[4][FLOE_CANDIDATE_TEXT_SIZE];
    char error[512];
    char published[80];
    floe_unreachable unreached;
    floe_core_output output;
} fixture;

static const uint32_t udp_and_tcp = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4;

static void say(fixture *f, const char *what)
{
    size_t used = strlen(f->log);

    (void)snprintf(f->log + used, sizeof f->log - used, "%s%s", used > 0 ? ", " : "", what);
}

static void read_log(fixture *f, const char *wanted)
{
    assert_string_equal(f->log, wanted);
    *f->log = '\0';
}

static void list_interfaces(fixture *f)
{
    floe_interface_address list = {.interface_name = "eth0",
                                   .interface_index = 7,
                                   .up = true,
                                   .default_route = true,
                                   .address = address_of(f->ip != NULL ? f->ip : "10.0.1.2:0")};

    floe_core_interfaces(f->core, f->now, &list, f->ip != NULL);
}

static void told(fixture *f, const char *sign, const floe_candidate *candidate)
{
    char text[64] = "end";

    if (candidate != NULL) {
        (void)snprintf(text, sizeof text, "%s%s%s", sign, floe_protocol_name(candidate->protocol),
                       candidate->type == FLOE_CANDIDATE_TYPE_HOST ? "" : "?");
        if (candidate->protocol == FLOE_PROTOCOL_TCP) {
            (void)snprintf(text, sizeof text, "%s%s%s", sign,
                           floe_tcp_type_name(candidate->tcp_type),
                           candidate->type == FLOE_CANDIDATE_TYPE_HOST ? "" : "?");
        }
        f->host[candidate->tcp_type] = *candidate;
        f->ids[candidate->tcp_type] = *sign == '+' ? candidate->id : 0;
        (void)snprintf(f->address[candidate->tcp_type], sizeof *f->address, "%s",
                       candidate->address);
        (void)snprintf(f->foundation[candidate->tcp_type], sizeof *f->foundation, "%s",
                       candidate->foundation);
        (void)floe_candidate_format(candidate, f->text[candidate->tcp_type], sizeof *f->text);
    }
    say(f, text);
}

static void listen_on(fixture *f)
{
    floe_address local = f->output.local;

    f->ports[f->listens++ % 8] = local.port;
    f->listener = f->output.channel;
    if (f->late) {
        return;
    }
    if (f->ports_taken && local.port != 0) {
        floe_core_open_failed(f->core, f->now, f->output.channel, FLOE_ERR_ADDRESS_IN_USE);
        return;
    }
    local.port = local.port != 0 ? local.port : 4000;
    f->open++;
    f->is_open[f->output.channel] = true;
    floe_core_opened(f->core, f->now, f->output.channel, &local);
}

static void open_channel(fixture *f)
{
    floe_address local = f->output.local;

    if (f->udp_fails && f->output.protocol == FLOE_PROTOCOL_UDP) {
        floe_core_open_failed(f->core, f->now, f->output.channel, FLOE_ERR_ADDRESS_IN_USE);
        return;
    }
    f->open++;
    f->is_open[f->output.channel] = true;
    if (f->output.protocol == FLOE_PROTOCOL_TCP) { /* the test says what comes of it */
        f->opened = f->output.channel;
        f->to = f->output.remote;
        f->from = f->output.local;
        return;
    }
    f->sockets++;
    local.port = local.port != 0 ? local.port : 3000;
    floe_core_opened(f->core, f->now, f->output.channel, &local);
}

static void take(fixture *f)
{
    const floe_core_output *output = &f->output;

    switch (output->kind) {
    case FLOE_CORE_LIST_INTERFACES:
        list_interfaces(f);
        break;
    case FLOE_CORE_LISTEN:
        listen_on(f);
        break;
    case FLOE_CORE_OPEN:
        open_channel(f);
        break;
    case FLOE_CORE_CLOSE:
        assert_true(f->is_open[output->channel] || output->channel == f->listener);
        f->open -= f->is_open[output->channel];
        f->is_open[output->channel] = false;
        break;
    case FLOE_CORE_SEND:
        assert_true(f->is_open[output->channel]);
        assert_true(f->sent_size + output->data_size <= sizeof f->sent);
        memcpy(f->sent + f->sent_size, output->data, output->data_size);
        f->sent_size += output->data_size;
        f->sent_on = output->channel;
        break;
    case FLOE_CORE_CANDIDATE:
        told(f, "+", output->candidate);
        break;
    case FLOE_CORE_CANDIDATE_WITHDRAWN:
        told(f, "-", output->candidate);
        break;
    case FLOE_CORE_CANDIDATE_ERROR:
        say(f, "error");
        (void)snprintf(f->error, sizeof f->error, "%s", output->error->text);
        break;
    case FLOE_CORE_UNREACHABLE:
        say(f, "unreachable");
        f->unreached = output->unreachable;
        break;
    case FLOE_CORE_WRITABLE:
        say(f, "writable");
        break;
    case FLOE_CORE_PUBLISH:
        (void)snprintf(f->published, sizeof f->published, "%s", output->name);
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

static void pass(fixture *f, uint64_t milliseconds)
{
    floe_time end = floe_time_after(f->now, floe_milliseconds(milliseconds));

    settle(f);
    for (floe_time due = floe_core_deadline(f->core); due.ns <= end.ns;
         due = floe_core_deadline(f->core)) {
        f->now = due.ns > f->now.ns ? due : f->now;
        floe_core_time(f->core, f->now);
        settle(f);
    }
    f->now = end;
}

static void make_asking(fixture *f, const floe_settings *given, floe_gather_policy policy,
                        const char *url)
{
    floe_settings settings = *given;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_ice_server server = {.urls = &url, .url_count = 1};

    memset(f, 0, sizeof *f);
    options.ice_servers = &server;
    options.ice_server_count = url != NULL;
    counting_init(&f->memory);
    seeded_init(&f->random, 11);
    f->now = floe_time_after((floe_time){0}, floe_seconds(1000));
    f->ip = "10.0.1.2:0";
    settings.allocator = &f->memory.table;
    options.gather_policy = policy;
    assert_int_equal(floe_core_shared_new(&settings, &f->random.table, &f->shared), FLOE_OK);
    assert_int_equal(floe_core_new(f->shared, &options, &f->core), FLOE_OK);
    assert_int_equal(floe_core_receive_packets(f->core, true), FLOE_OK);
}

static void make_with(fixture *f, const floe_settings *given, floe_gather_policy policy)
{
    make_asking(f, given, policy, NULL);
}

static void gather(fixture *f)
{
    assert_int_equal(floe_core_start(f->core, f->now), FLOE_OK);
    settle(f);
}

static void begin(fixture *f, uint32_t types)
{
    floe_settings settings = FLOE_SETTINGS_INIT;

    settings.network_types = types;
    make_with(f, &settings, FLOE_GATHER_POLICY_ALL);
    gather(f);
}

/* What most stories begin with. */
static void begin_with_tcp(fixture *f)
{
    begin(f, udp_and_tcp);
    read_log(f, "+udp, +active, +passive, end");
}

static void end(fixture *f)
{
    floe_core_close(f->core, f->now);
    settle(f);
    assert_int_equal(f->open, 0);
    floe_core_free(f->core);
    floe_core_shared_free(f->shared);
    assert_int_equal(f->memory.live, 0);
}

/* ── Peers ── */

static floe_address peer_of(unsigned n)
{
    floe_address address = address_of("192.0.2.9:0");

    address.port = (uint16_t)(5000 + n);
    return address;
}

/* 0: there is no room for him. */
static uint32_t connects(fixture *f, unsigned n)
{
    floe_address peer = peer_of(n);
    uint32_t channel = floe_core_accepted(f->core, f->now, f->listener, &peer);

    if (channel != 0) {
        f->open++;
        f->is_open[channel] = true;
    }
    settle(f);
    return channel;
}

/* With its length in front; how long it is. */
static size_t frame_of(uint8_t *frame, floe_span data)
{
    frame[0] = (uint8_t)(data.size >> 8);
    frame[1] = (uint8_t)data.size;
    memmove(&frame[2], data.data, data.size);
    return data.size + 2;
}

/* A check that names this ufrag, signed with this password; NULL: as it is right. */
static size_t check_of(const fixture *f, uint8_t *frame, const char *ufrag, const char *password)
{
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_stun_key *key = NULL;
    const floe_stun_id id = {{7}};
    uint8_t bytes[400];
    char name[300];

    assert_int_equal(floe_core_get_local_parameters(f->core, &parameters), FLOE_OK);
    password = password != NULL ? password : parameters.password;
    assert_int_equal(
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text(password), &key), FLOE_OK);
    (void)snprintf(name, sizeof name, "%s:them",
                   ufrag != NULL ? ufrag : parameters.username_fragment);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(name));
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_put_fingerprint(&writer);
    floe_stun_key_release(key);
    return frame_of(frame, floe_stun_written(&writer));
}

/* Bytes come; how many packets are the owner's, of which the latest is in *packet. */
static size_t comes(fixture *f, uint32_t channel, const void *bytes, size_t size,
                    floe_packet *packet)
{
    uint8_t *exact = exact_copy(bytes, size, 0);
    floe_packet taken;
    size_t count = 0;

    floe_core_stream(f->core, f->now, channel, exact, size);
    while (arrived(f->core, f->now, &taken)) {
        *packet = taken;
        memcpy(f->data, taken.data, taken.size);
        packet->data = f->data;
        count++;
    }
    exact_free(exact, 0);
    settle(f);
    return count;
}

/* Somebody who has shown that he knows us. */
static uint32_t known_peer(fixture *f, unsigned n)
{
    uint8_t frame[512];
    floe_packet packet;
    uint32_t channel = connects(f, n);

    assert_int_not_equal(channel, 0);
    assert_int_equal(comes(f, channel, frame, check_of(f, frame, NULL, NULL), &packet), 1);
    return channel;
}

static floe_error sends(fixture *f, floe_tcp_type by, unsigned n, const char *what)
{
    floe_address peer = peer_of(n);
    floe_error error = floe_core_send(f->core, f->now, f->ids[by], &peer, what, strlen(what));

    settle(f);
    return error;
}

/* ── Which there are ── */

static void h1_active_and_passive(void **state)
{
    static fixture f;
    const floe_candidate *active = &f.host[FLOE_TCP_TYPE_ACTIVE];
    const floe_candidate *passive = &f.host[FLOE_TCP_TYPE_PASSIVE];

    (void)state;
    begin_with_tcp(&f);
    assert_int_equal(active->port, 9);
    assert_int_equal(passive->port, 4000);
    assert_non_null(strstr(f.text[FLOE_TCP_TYPE_ACTIVE], " tcp "));
    assert_non_null(strstr(f.text[FLOE_TCP_TYPE_ACTIVE], " 10.0.1.2 9 typ host tcptype active"));
    assert_non_null(
        strstr(f.text[FLOE_TCP_TYPE_PASSIVE], " 10.0.1.2 4000 typ host tcptype passive"));
    /* C5: of the type 126 - 27; the direction in the upper three bits of the local preference. */
    assert_int_equal(active->priority >> 24, 99);
    assert_int_equal(active->priority >> 21 & 7, 6);
    assert_int_equal(passive->priority >> 24, 99);
    assert_int_equal(passive->priority >> 21 & 7, 4);
    /* C6: TCP is another protocol. */
    assert_string_equal(f.foundation[FLOE_TCP_TYPE_ACTIVE], f.foundation[FLOE_TCP_TYPE_PASSIVE]);
    assert_string_not_equal(f.foundation[FLOE_TCP_TYPE_ACTIVE], f.foundation[FLOE_TCP_TYPE_NONE]);
    assert_int_equal(passive->base_id, passive->id);
    assert_int_equal(active->base_id, active->id);
    assert_int_equal(active->family, FLOE_FAMILY_IPV4);
    end(&f);
}

static void h1_none_unless_asked_for(void **state)
{
    static fixture f;

    (void)state;
    begin(&f, 0);
    read_log(&f, "+udp, end");
    end(&f);
    begin(&f, FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP6);
    read_log(&f, "+udp, end");
    assert_int_equal(f.listens, 0);
    end(&f);
}

static void h1_tcp_alone(void **state)
{
    static fixture f;

    (void)state;
    begin(&f, FLOE_NETWORK_TYPE_TCP4);
    read_log(&f, "+active, +passive, end");
    assert_int_equal(f.sockets, 0);
    assert_int_equal(f.open, 1);
    assert_int_not_equal(known_peer(&f, 1), 0);
    end(&f);
}

/* H3: one port for all is one for UDP. */
static void h3_no_tcp_under_a_mux(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.network_types = udp_and_tcp;
    settings.udp_mux_port = FLOE_ANY_PORT;
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    gather(&f);
    assert_int_equal(f.listens, 0);
    floe_address peer = peer_of(1);
    assert_int_equal(floe_core_accepted(f.core, f.now, 1, &peer), 0);
    floe_core_free(f.core);
    floe_core_shared_free(f.shared);
}

/* P1: what is not told does not listen either. */
static void h1_policies(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    (void)state;
    settings.network_types = udp_and_tcp;
    for (int policy = FLOE_GATHER_POLICY_NOHOST; policy <= FLOE_GATHER_POLICY_RELAY; policy++) {
        make_with(&f, &settings, (floe_gather_policy)policy);
        gather(&f);
        read_log(&f, "end");
        assert_int_equal(f.listens, 0);
        assert_int_equal(floe_core_set_options(f.core, f.now, &options), FLOE_OK);
        gather(&f);
        read_log(&f, "+udp, +active, +passive, end");
        end(&f);
    }
    settings.ip_handling = FLOE_IP_HANDLING_DEFAULT_ROUTE_ONLY;
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    gather(&f);
    assert_int_equal(f.listens, 0);
    end(&f);
}

/* RFC 8445 §2.5: who is lite connects to nobody. */
static void h1_lite_is_passive(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.network_types = udp_and_tcp;
    settings.ice_lite = true;
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    gather(&f);
    read_log(&f, "+udp, +passive, end");
    end(&f);
}

static void h2_names_stand_for_tcp_too(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.network_types = udp_and_tcp;
    settings.mdns_mode = FLOE_MDNS_MODE_QUERY_AND_GATHER;
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    gather(&f);
    read_log(&f, "+udp, +active, +passive, end");
    assert_string_equal(f.address[FLOE_TCP_TYPE_PASSIVE], f.published);
    assert_string_equal(f.address[FLOE_TCP_TYPE_ACTIVE], f.published);
    floe_core_name_taken(f.core, f.now, f.published);
    settle(&f);
    read_log(&f, "-udp, -active, -passive, +udp, +active, +passive");
    assert_string_equal(f.address[FLOE_TCP_TYPE_PASSIVE], f.published);
    end(&f);
}

static void w6_rewritten_too(void **state)
{
    static fixture f;
    static const char *const externals[] = {"192.0.2.200"};
    floe_address_rewrite_rule rule = {.external = externals, .external_count = 1};
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.network_types = udp_and_tcp;
    settings.address_rewrite_rules = &rule;
    settings.address_rewrite_rule_count = 1;
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    gather(&f);
    read_log(&f, "+udp, +active, +passive, end");
    assert_string_equal(f.address[FLOE_TCP_TYPE_PASSIVE], "192.0.2.200");
    assert_int_equal(f.host[FLOE_TCP_TYPE_PASSIVE].port, 4000);
    assert_string_equal(f.address[FLOE_TCP_TYPE_ACTIVE], "192.0.2.200");
    end(&f);
}

/* W2: which networks a rule is for; W7: what it says a NAT shows has the port of what listens. */
static void w2_rules_for_tcp_alone(void **state)
{
    static fixture f;
    static const char *const externals[] = {"192.0.2.200"};
    floe_address_rewrite_rule rule = {.external = externals, .external_count = 1};
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.network_types = udp_and_tcp;
    settings.address_rewrite_rules = &rule;
    settings.address_rewrite_rule_count = 1;
    for (uint32_t networks = FLOE_NETWORK_TYPE_UDP4; networks <= FLOE_NETWORK_TYPE_TCP6;
         networks *= 2) {
        rule.networks = networks;
        make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
        gather(&f);
        read_log(&f, "+udp, +active, +passive, end");
        assert_string_equal(f.address[FLOE_TCP_TYPE_NONE],
                            networks == FLOE_NETWORK_TYPE_UDP4 ? "192.0.2.200" : "10.0.1.2");
        assert_string_equal(f.address[FLOE_TCP_TYPE_PASSIVE],
                            networks == FLOE_NETWORK_TYPE_TCP4 ? "192.0.2.200" : "10.0.1.2");
        end(&f);
    }
    rule.networks = FLOE_NETWORK_TYPE_TCP4;
    rule.as_candidate_type = FLOE_CANDIDATE_TYPE_SRFLX;
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    gather(&f);
    read_log(&f, "+udp, +active, +passive, +passive?, end");
    assert_non_null(
        strstr(f.text[FLOE_TCP_TYPE_PASSIVE],
               " 192.0.2.200 4000 typ srflx raddr 10.0.1.2 rport 4000 tcptype passive"));
    assert_int_equal(f.host[FLOE_TCP_TYPE_PASSIVE].priority >> 24, 73);
    assert_int_equal(f.host[FLOE_TCP_TYPE_PASSIVE].priority >> 21 & 7, 2);
    gather(&f);
    read_log(&f, "end");
    end(&f);
}

static void p5_the_port_range_holds(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.network_types = FLOE_NETWORK_TYPE_TCP4;
    settings.port_min = 6000;
    settings.port_max = 6002;
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    gather(&f);
    assert_in_range(f.host[FLOE_TCP_TYPE_PASSIVE].port, 6000, 6002);
    end(&f);
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    f.ports_taken = true;
    gather(&f);
    assert_int_equal(f.listens, 3);
    for (unsigned port = 6000; port <= 6002; port++) {
        assert_true(f.ports[0] == port || f.ports[1] == port || f.ports[2] == port);
    }
    read_log(&f, "+active, error, end");
    assert_string_equal(
        f.error, "every TCP port from 6000 to 6002 is in use on 10.0.1.2: widen the port range");
    f.ports_taken = false; /* the next gathering tries again */
    gather(&f);
    read_log(&f, "+passive, end");
    end(&f);
}

/* L14: what does not come about does not hold up the end. */
static void l14_a_listener_that_is_not_answered(void **state)
{
    static fixture f;
    floe_address local = address_of("10.0.1.2:4000");

    (void)state;
    begin(&f, 0);
    end(&f);
    floe_settings settings = FLOE_SETTINGS_INIT;
    settings.network_types = udp_and_tcp;
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    f.late = true;
    gather(&f);
    read_log(&f, "+udp");
    pass(&f, 5000);
    read_log(&f, "error, end");
    assert_string_equal(f.error, "no TCP socket on 10.0.1.2: timed out");
    floe_core_opened(f.core, f.now, f.listener, &local);
    settle(&f);
    read_log(&f, "");
    gather(&f);
    read_log(&f, "+active, +passive, end");
    f.is_open[f.listener] = true;
    f.open++;
    end(&f);
}

/* L5, L11: what is unchanged is not told again, and keeps its id over a restart. */
static void l5_gathered_again(void **state)
{
    static fixture f;

    (void)state;
    begin_with_tcp(&f);
    uint32_t channel = known_peer(&f, 1);
    uint32_t id = f.ids[FLOE_TCP_TYPE_PASSIVE];
    gather(&f);
    read_log(&f, "end");
    assert_int_equal(f.listens, 1);
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    settle(&f);
    gather(&f);
    read_log(&f, "+udp, +active, +passive, end");
    assert_int_equal(f.ids[FLOE_TCP_TYPE_PASSIVE], id);
    assert_int_equal(f.listens, 1);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_PASSIVE, 1, "still there"), FLOE_OK);
    assert_int_equal(f.sent_on, channel);
    end(&f);
}

/* The socket for UDP alone is tried again: who is connected by TCP stays, and the candidates. */
static void l5_what_listens_stays_where_udp_fails(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;
    uint32_t ids[4];

    (void)state;
    settings.network_types = udp_and_tcp;
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    f.udp_fails = true;
    gather(&f);
    read_log(&f, "error, +active, +passive, end");
    memcpy(ids, f.ids, sizeof ids);
    uint32_t channel = known_peer(&f, 1);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 2, "under way"), FLOE_OK);
    uint32_t connects = f.opened;
    for (int restarted = 0; restarted < 2; restarted++) {
        if (restarted) {
            assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
            settle(&f);
        }
        *f.error = '\0';
        gather(&f);
        read_log(&f, restarted ? "+active, +passive, error, end" : "error, end");
        assert_non_null(strstr(f.error, "10.0.1.2"));
        assert_memory_equal(ids, f.ids, sizeof ids);
        assert_true(f.is_open[channel] && f.is_open[connects]);
    }
    f.udp_fails = false;
    gather(&f);
    read_log(&f, "+udp, end");
    assert_int_equal(f.listens, 1);
    assert_int_equal(f.sockets, 1);
    assert_true(f.is_open[channel] && f.is_open[connects]);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_PASSIVE, 1, "still there"), FLOE_OK);
    assert_int_equal(f.sent_on, channel);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_NONE, 3, "by UDP"), FLOE_OK);
    end(&f);
}

/* Nor does who connects to nobody's listener lose his connections. */
static void l5_who_connects_stays_where_nothing_opens(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.network_types = udp_and_tcp;
    settings.port_min = settings.port_max = 6000;
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    f.udp_fails = f.ports_taken = true;
    gather(&f);
    uint32_t id = f.ids[FLOE_TCP_TYPE_ACTIVE];
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 2, "under way"), FLOE_OK);
    uint32_t connects = f.opened;
    *f.log = '\0';
    gather(&f);
    read_log(&f, "error, error, end");
    f.udp_fails = f.ports_taken = false;
    gather(&f);
    read_log(&f, "+udp, +passive, end");
    assert_int_equal(f.ids[FLOE_TCP_TYPE_ACTIVE], id);
    assert_true(f.is_open[connects]);
    end(&f);
}

static void n2_an_address_that_is_gone(void **state)
{
    static fixture f;

    (void)state;
    begin_with_tcp(&f);
    uint32_t channel = known_peer(&f, 1);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 2, "under way"), FLOE_OK);
    f.ip = "10.0.3.3:0";
    gather(&f);
    read_log(&f, "-udp, -active, -passive, +udp, +active, +passive, end");
    assert_int_equal(f.open, 2);
    assert_false(f.is_open[channel]);
    f.ip = NULL;
    gather(&f);
    read_log(&f, "-udp, -active, -passive, end");
    assert_int_equal(f.open, 0);
    end(&f);
}

/* L10: what listens does so before it is asked for, and is told then. */
static void l10_a_pool_listens(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    (void)state;
    settings.network_types = udp_and_tcp;
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    options.candidate_pool_size = 1;
    assert_int_equal(floe_core_set_options(f.core, f.now, &options), FLOE_OK);
    floe_core_time(f.core, f.now);
    settle(&f);
    assert_int_equal(f.listens, 1);
    read_log(&f, "");
    gather(&f);
    read_log(&f, "+udp, +active, +passive, end");
    assert_int_equal(f.listens, 1);
    end(&f);
}

/* L13: the other component has its own. */
static void l13_an_associated_gatherer_listens(void **state)
{
    static fixture f;
    static bool of_first[CHANNELS];
    floe_core *first;
    floe_core *second;

    (void)state;
    begin_with_tcp(&f);
    first = f.core;
    memcpy(of_first, f.is_open, sizeof of_first); /* each counts its channels from 1 */
    assert_int_equal(floe_core_new_associated(first, &second), FLOE_OK);
    f.core = second;
    assert_int_equal(floe_core_receive_packets(second, true), FLOE_OK);
    gather(&f);
    read_log(&f, "+udp, +active, +passive, end");
    assert_int_equal(f.host[FLOE_TCP_TYPE_PASSIVE].component, 2);
    assert_int_equal(f.host[FLOE_TCP_TYPE_PASSIVE].priority & 255, 254);
    assert_int_equal(f.listens, 2);
    (void)known_peer(&f, 1); /* by the credentials of both */
    floe_core_close(second, f.now);
    settle(&f);
    floe_core_free(second);
    f.core = first;
    memcpy(f.is_open, of_first, sizeof of_first);
    end(&f);
}

/* ── Who connects ── */

static void h1_a_check_comes_first(void **state)
{
    static fixture f;
    uint8_t frame[4096];
    floe_packet packet;

    (void)state;
    begin_with_tcp(&f);
    uint32_t channel = connects(&f, 1);
    assert_int_equal(comes(&f, channel, "\0\0\0", 3, &packet), 0); /* an empty one is nothing */
    size_t size = check_of(&f, &frame[1], NULL, NULL) - 1;
    assert_int_equal(comes(&f, channel, &frame[2], size, &packet), 1);
    assert_true(packet.check->authenticated);
    assert_int_equal(packet.candidate_id, f.ids[FLOE_TCP_TYPE_PASSIVE]);
    floe_address peer = peer_of(1);
    assert_memory_equal(&packet.peer, &peer, sizeof peer);
    pass(&f, 60000); /* he stays, whatever he says */
    assert_true(f.is_open[channel]);
    assert_int_equal(comes(&f, channel, "\0\5hello", 7, &packet), 1);
    assert_memory_equal(packet.data, "hello", 5);
    assert_int_equal(packet.size, 5);
    end(&f);
}

static void h1_who_does_not_know_us_goes(void **state)
{
    static fixture f;
    static uint8_t frame[4096];
    floe_packet packet;

    (void)state;
    begin_with_tcp(&f);
    for (int what = 0; what < 6; what++) {
        size_t size = what == 0   ? check_of(&f, frame, "abcd", NULL)
                      : what == 1 ? check_of(&f, frame, NULL, "not this password at all")
                      : what == 2 ? frame_of(frame, floe_span_text("hello"))
                      : what == 3 ? frame_of(frame, floe_span_of("\200\0\0\0", 4))
                                  : 2;
        uint32_t channel = connects(&f, (unsigned)what);
        if (what == 4) { /* longer than a check is */
            frame[0] = 0x08;
            frame[1] = 0x01;
        } else if (what == 5) {
            frame[0] = frame[1] = 0xff;
        }
        assert_int_equal(comes(&f, channel, frame, size, &packet), 0);
        assert_false(f.is_open[channel]);
        assert_int_equal(sends(&f, FLOE_TCP_TYPE_PASSIVE, (unsigned)what, "x"),
                         FLOE_ERR_NOT_CONNECTED);
    }
    assert_int_equal(f.sent_size, 0);
    end(&f);
}

/* A check that is right, and what comes behind a wrong one in the same piece. */
static void h1_nothing_comes_behind_a_wrong_check(void **state)
{
    static fixture f;
    uint8_t frames[1024];
    floe_packet packet;

    (void)state;
    begin_with_tcp(&f);
    size_t size = check_of(&f, frames, "abcd", NULL);
    size += check_of(&f, frames + size, NULL, NULL);
    size += frame_of(frames + size, floe_span_text("hello"));
    uint32_t channel = connects(&f, 1);
    assert_int_equal(comes(&f, channel, frames, size, &packet), 0);
    assert_false(f.is_open[channel]);
    end(&f);
}

static void h1_who_says_nothing_is_bounded(void **state)
{
    static fixture f;
    uint32_t channels[64];

    (void)state;
    begin_with_tcp(&f);
    uint32_t known = known_peer(&f, 99);
    size_t before = f.memory.live;
    for (unsigned i = 0; i < 64; i++) {
        channels[i] = connects(&f, i);
        assert_int_not_equal(channels[i], 0);
    }
    assert_int_equal(connects(&f, 64), 0);
    pass(&f, 4999);
    assert_true(f.is_open[channels[63]]);
    assert_int_equal(connects(&f, 64), 0);
    pass(&f, 1);
    for (unsigned i = 0; i < 64; i++) {
        assert_false(f.is_open[channels[i]]);
    }
    assert_int_equal(f.memory.live, before);
    assert_true(f.is_open[known]);
    assert_int_not_equal(connects(&f, 65), 0);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_PASSIVE, 65, "x"), FLOE_ERR_NOT_CONNECTED);
    end(&f);
}

static void h1_who_knows_us_is_bounded(void **state)
{
    static fixture f;
    uint8_t frame[512];
    floe_packet packet;

    (void)state;
    begin_with_tcp(&f);
    for (unsigned i = 0; i < 1000; i++) {
        (void)known_peer(&f, i);
    }
    uint32_t channel = connects(&f, 1000);
    assert_int_not_equal(channel, 0);
    (void)comes(&f, channel, frame, check_of(&f, frame, NULL, NULL), &packet);
    assert_false(f.is_open[channel]);
    end(&f);
}

/* RFC 8445 §9: behind a restart the former credentials hold until the new ones have been used. */
static void l11_a_check_of_before_a_restart(void **state)
{
    static fixture f;
    uint8_t frame[512];
    floe_packet packet;

    (void)state;
    begin_with_tcp(&f);
    size_t size = check_of(&f, frame, NULL, NULL);
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    settle(&f);
    uint32_t channel = connects(&f, 1);
    assert_int_equal(comes(&f, channel, frame, size, &packet), 1);
    assert_true(packet.check->former);
    assert_true(f.is_open[channel]);
    end(&f);
}

/* Who connects anew from where he was has lost the other one. */
static void h1_who_connects_anew(void **state)
{
    static fixture f;

    (void)state;
    begin_with_tcp(&f);
    uint32_t first = known_peer(&f, 1);
    uint32_t second = known_peer(&f, 1);
    assert_false(f.is_open[first]);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_PASSIVE, 1, "x"), FLOE_OK);
    assert_int_equal(f.sent_on, second);
    floe_core_disconnected(f.core, f.now, second);
    settle(&f);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_PASSIVE, 1, "x"), FLOE_ERR_NOT_CONNECTED);
    end(&f);
}

/* However a stream is cut, it is the same packets (RFC 4571). */
static void h1_frames_in_any_pieces(void **state)
{
    static fixture f;
    static uint8_t stream[80000];
    size_t size = 0;
    floe_packet packet;

    (void)state;
    begin_with_tcp(&f);
    for (size_t piece = 1; piece < 70000; piece = piece * 3 + 1) {
        uint32_t channel = connects(&f, (unsigned)piece % 1000);
        size_t packets = 0;
        size = check_of(&f, stream, NULL, NULL);
        size += frame_of(stream + size, floe_span_text("one"));
        size += frame_of(stream + size, floe_span_of("", 0));
        stream[size] = stream[size + 1] = 0xff; /* the longest that there is */
        size += 65537;
        size += frame_of(stream + size, floe_span_text("last"));
        for (size_t at = 0; at < size; at += piece) {
            packets +=
                comes(&f, channel, stream + at, size - at < piece ? size - at : piece, &packet);
        }
        assert_int_equal(packets, 4);
        assert_int_equal(packet.size, 4);
        floe_core_disconnected(f.core, f.now, channel);
        settle(&f);
    }
    end(&f);
}

static void k2_a_check_is_answered(void **state)
{
    static fixture f;
    uint8_t frame[512];
    const floe_packet *packet;
    floe_stun_message message;

    (void)state;
    begin_with_tcp(&f);
    uint32_t channel = connects(&f, 1);
    floe_core_stream(f.core, f.now, channel, frame, check_of(&f, frame, NULL, NULL));
    assert_true(floe_core_packet(f.core, f.now, &packet));
    assert_int_equal(floe_core_answer_check(f.core, f.now, packet, 0), FLOE_OK);
    settle(&f);
    assert_int_equal(f.sent_on, channel);
    assert_int_equal(f.sent[0] << 8 | f.sent[1], f.sent_size - 2);
    assert_int_equal(floe_stun_parse(floe_span_of(f.sent + 2, f.sent_size - 2), &message),
                     FLOE_STUN_PARSED);
    assert_int_equal(message.class, FLOE_STUN_SUCCESS);
    end(&f);
}

/* ── To whom we connect ── */

static void h1_what_is_sent_waits_for_the_connection(void **state)
{
    static fixture f;
    floe_address local = address_of("10.0.1.2:3333");
    floe_packet packet;

    (void)state;
    begin_with_tcp(&f);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 1, "first"), FLOE_OK);
    assert_int_equal(f.to.port, 5001);
    assert_int_equal(f.from.port, 0); /* any */
    assert_int_equal(f.from.ip[3], 2);
    uint32_t channel = f.opened;
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 1, "second"), FLOE_OK);
    assert_int_equal(f.opened, channel); /* the same */
    assert_int_equal(f.sent_size, 0);
    floe_core_opened(f.core, f.now, channel, &local);
    settle(&f);
    assert_int_equal(f.sent_size, 7 + 8);
    assert_memory_equal(f.sent, "\0\5first\0\6second", 15);
    assert_int_equal(comes(&f, channel, "\0\2hi", 4, &packet), 1);
    assert_int_equal(packet.candidate_id, f.ids[FLOE_TCP_TYPE_ACTIVE]);
    floe_core_disconnected(f.core, f.now, channel);
    settle(&f);
    read_log(&f, "unreachable"); /* what is sent next goes by another connection */
    assert_int_equal(f.unreached, FLOE_UNREACHABLE_HOST);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 1, "third"), FLOE_OK);
    assert_int_not_equal(f.opened, channel);
    end(&f);
}

static void h1_a_peer_that_refuses(void **state)
{
    static fixture f;
    floe_address peer = peer_of(1);

    (void)state;
    begin_with_tcp(&f);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 1, "x"), FLOE_OK);
    uint32_t first = f.opened;
    floe_core_unreachable(f.core, f.now, first, &peer, FLOE_UNREACHABLE_PORT, NULL, 0);
    settle(&f);
    read_log(&f, "unreachable");
    assert_int_equal(f.unreached, FLOE_UNREACHABLE_PORT);
    assert_false(f.is_open[first]);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 1, "x"), FLOE_ERR_NOT_CONNECTED);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 2, "x"), FLOE_OK);
    pass(&f, 1000);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 1, "x"), FLOE_OK);
    assert_true(f.is_open[f.opened]);
    pass(&f, 30000); /* nobody answers */
    assert_false(f.is_open[f.opened]);
    end(&f);
}

static void k1_the_queue_of_a_connection_is_bounded(void **state)
{
    static fixture f;
    static uint8_t data[20000];
    floe_address peer = peer_of(1);
    floe_address local = address_of("10.0.1.2:3333");
    floe_error error = FLOE_OK;
    size_t count = 0;

    (void)state;
    begin_with_tcp(&f);
    while (error == FLOE_OK && count < 100) {
        error =
            floe_core_send(f.core, f.now, f.ids[FLOE_TCP_TYPE_ACTIVE], &peer, data, sizeof data);
        count++;
    }
    assert_int_equal(error, FLOE_ERR_QUEUE_FULL);
    settle(&f);
    read_log(&f, "");
    floe_core_opened(f.core, f.now, f.opened, &local);
    settle(&f);
    read_log(&f, "writable");
    assert_int_equal(f.sent_size, (count - 1) * (sizeof data + 2));
    end(&f);
}

/* What is said to him next goes by another connection; who waited for room is told that there is some. */
static void h1_hanging_up(void **state)
{
    static fixture f;
    static uint8_t data[60000];
    floe_address peer = peer_of(1);
    floe_address local = address_of("10.0.1.2:3333");
    floe_packet packet;
    uint32_t active;

    (void)state;
    begin_with_tcp(&f);
    active = f.ids[FLOE_TCP_TYPE_ACTIVE];
    floe_core_hang_up(f.core, f.now, active, &peer, f.now); /* there is none */
    floe_core_hang_up(f.core, f.now, f.ids[FLOE_TCP_TYPE_NONE], &peer, f.now);
    floe_core_hang_up(f.core, f.now, 4711, &peer, f.now);
    floe_core_hang_up(f.core, f.now, active, NULL, f.now);
    floe_core_hang_up(NULL, f.now, active, &peer, f.now);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 1, "first"), FLOE_OK);
    uint32_t channel = f.opened;
    floe_core_opened(f.core, f.now, channel, &local);
    settle(&f);
    floe_core_blocked(f.core, channel);
    while (floe_core_send(f.core, f.now, active, &peer, data, sizeof data) == FLOE_OK) {
    }
    settle(&f);
    read_log(&f, "");
    assert_int_equal(comes(&f, channel, "\0\2hi", 4, &packet), 1);
    floe_time came = f.now;
    pass(&f, 1000);
    floe_core_hang_up(f.core, f.now, active, &peer, came); /* something has come by it */
    settle(&f);
    read_log(&f, "");
    floe_core_hang_up(f.core, f.now, active, &peer, f.now);
    settle(&f);
    read_log(&f, "writable");
    assert_false(f.is_open[channel]);
    f.sent_size = 0;
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 1, "second"), FLOE_OK);
    assert_int_not_equal(f.opened, channel);
    floe_core_opened(f.core, f.now, f.opened, &local);
    settle(&f);
    assert_memory_equal(f.sent, "\0\6second", 8);
    end(&f);
}

/* RFC 6544 §4.1: from the port of what listens; if his SYN came first, he is connected already. */
static void h1_simultaneous_open(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;
    const floe_candidate *so = &f.host[FLOE_TCP_TYPE_SO];
    floe_address local = address_of("10.0.1.2:4000");
    floe_packet packet;

    (void)state;
    settings.network_types = udp_and_tcp;
    settings.tcp_simultaneous_open = true;
    make_with(&f, &settings, FLOE_GATHER_POLICY_ALL);
    gather(&f);
    read_log(&f, "+udp, +active, +passive, +so, end");
    assert_non_null(strstr(f.text[FLOE_TCP_TYPE_SO], " 10.0.1.2 4000 typ host tcptype so"));
    assert_int_equal(so->priority >> 21 & 7, 2);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_SO, 1, "x"), FLOE_OK);
    assert_int_equal(f.from.port, 4000);
    floe_core_opened(f.core, f.now, f.opened, &local);
    settle(&f);
    assert_int_equal(f.sent_size, 3);
    assert_int_equal(comes(&f, f.opened, "\0\2hi", 4, &packet), 1);
    assert_int_equal(packet.candidate_id, so->id);
    uint32_t channel = known_peer(&f, 2);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_SO, 2, "x"), FLOE_OK);
    assert_int_equal(f.sent_on, channel);
    end(&f);
}

/* Those that refuse make room for others. */
static void h1_whom_we_connect_to_is_bounded(void **state)
{
    static fixture f;

    (void)state;
    begin_with_tcp(&f);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, i, "x"), FLOE_OK);
    }
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 1000, "x"), FLOE_ERR_NO_MEMORY);
    floe_core_open_failed(f.core, f.now, f.opened, FLOE_ERR_NO_DESCRIPTORS);
    f.is_open[f.opened] = false;
    f.open--;
    settle(&f);
    read_log(&f, "unreachable");
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 1000, "x"), FLOE_OK);
    end(&f);
}

/* L7: in the midst of all that. */
static void l7_closed_while_it_connects(void **state)
{
    static fixture f;
    uint8_t frame[512];
    floe_packet packet;

    (void)state;
    begin_with_tcp(&f);
    (void)connects(&f, 1);
    uint32_t channel = connects(&f, 2);
    size_t size = check_of(&f, frame, NULL, NULL);
    (void)comes(&f, channel, frame, size - 1, &packet);
    assert_int_equal(sends(&f, FLOE_TCP_TYPE_ACTIVE, 3, "x"), FLOE_OK);
    floe_core_close(f.core, f.now);
    settle(&f);
    assert_int_equal(f.open, 0);
    floe_address peer = peer_of(9);
    assert_int_equal(floe_core_accepted(f.core, f.now, f.listener, &peer), 0);
    floe_core_stream(f.core, f.now, channel, frame + size - 1, 1);
    settle(&f);
    end(&f);
}

/* Whichever allocation fails, nothing is lost with it. */
static void h1_without_memory(void **state)
{
    static fixture f;
    uint8_t frame[512];

    (void)state;
    begin_with_tcp(&f);
    for (size_t n = 1; n < 40; n++) {
        const floe_packet *packet;
        floe_address peer = peer_of((unsigned)n);
        f.memory.fail_at = f.memory.calls + n;
        uint32_t channel = floe_core_accepted(f.core, f.now, f.listener, &peer);
        if (channel != 0) {
            f.open++;
            f.is_open[channel] = true;
            size_t size = check_of(&f, frame, NULL, NULL);
            floe_core_stream(f.core, f.now, channel, frame, size / 2);
            floe_core_stream(f.core, f.now, channel, frame + size / 2, size - size / 2);
            while (floe_core_packet(f.core, f.now, &packet)) {
            }
        }
        (void)sends(&f, FLOE_TCP_TYPE_PASSIVE, (unsigned)n, "x");
        (void)sends(&f, FLOE_TCP_TYPE_ACTIVE, (unsigned)n, "x");
        gather(&f);
    }
    f.memory.fail_at = 0;
    end(&f);
}

/* ── What a NAT shows of what listens (R4, RFC 6544 §5.2) ── */

static const char *const stun_url = "stun:203.0.113.2";

/* The server is connected to, from the port that listens. */
static void reach(fixture *f)
{
    floe_address local = address_of("10.0.1.2:4000");

    assert_int_equal(f->to.port, 3478);
    assert_int_equal(f->from.port, 4000);
    f->sent_size = 0;
    floe_core_opened(f->core, f->now, f->opened, &local);
    pass(f, 10); /* pacing */
    assert_int_equal(f->sent_size, FLOE_STUN_HEADER_SIZE);
}

/* And answers the latest request; NULL: by an error. */
static void answers(fixture *f, const char *mapped)
{
    floe_stun_message request;
    floe_packet packet;
    uint8_t bytes[128];
    const uint8_t *last = f->sent + f->sent_size - FLOE_STUN_HEADER_SIZE;

    assert_int_equal(floe_stun_parse(floe_span_of(last, FLOE_STUN_HEADER_SIZE), &request),
                     FLOE_STUN_PARSED);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, mapped != NULL ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR,
                        FLOE_STUN_BINDING, &request.id);
    if (mapped != NULL) {
        floe_address address = address_of(mapped);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &address);
    } else {
        floe_stun_put_error(&writer, 500, floe_span_text("no"));
    }
    floe_span answer = floe_stun_written(&writer);
    assert_int_equal(comes(f, f->sent_on, answer.data, answer.size, &packet), 0);
}

static void breaks(fixture *f)
{
    floe_core_disconnected(f->core, f->now, f->opened);
    settle(f);
}

static void begin_asking(fixture *f, const floe_settings *more)
{
    floe_settings settings = *more;

    settings.network_types = FLOE_NETWORK_TYPE_TCP4;
    settings.tcp_reflexive = true;
    make_asking(f, &settings, FLOE_GATHER_POLICY_ALL, stun_url);
    gather(f);
}

static void begin_mapped(fixture *f)
{
    const floe_settings plain = FLOE_SETTINGS_INIT;

    begin_asking(f, &plain);
    read_log(f, "+active, +passive");
    reach(f);
    answers(f, "198.51.100.1:700");
    read_log(f, "+passive?, end");
}

static void r4_what_a_nat_shows_of_a_tcp_port(void **state)
{
    static fixture f;
    const floe_candidate *passive = &f.host[FLOE_TCP_TYPE_PASSIVE];

    (void)state;
    begin_mapped(&f);
    assert_non_null(
        strstr(f.text[FLOE_TCP_TYPE_PASSIVE],
               " 198.51.100.1 700 typ srflx raddr 10.0.1.2 rport 4000 tcptype passive"));
    assert_string_equal(passive->url, stun_url);
    assert_int_not_equal(passive->base_id, passive->id);
    /* RFC 6544 §4.2: of what a NAT has to let in, simultaneous-open comes first, passive last. */
    assert_int_equal(passive->priority >> 21 & 7, 2);
    /* It is kept alive, and what peers send comes to the same port. */
    for (int i = 0; i < 3; i++) {
        f.sent_size = 0;
        pass(&f, 15000);
        assert_int_equal(f.sent_size, FLOE_STUN_HEADER_SIZE);
        answers(&f, "198.51.100.1:700");
    }
    read_log(&f, "");
    assert_int_not_equal(known_peer(&f, 1), 0);
    end(&f);
}

static void r4_not_unless_asked_for(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.network_types = FLOE_NETWORK_TYPE_TCP4;
    make_asking(&f, &settings, FLOE_GATHER_POLICY_ALL, stun_url);
    gather(&f);
    pass(&f, 6000);
    assert_int_equal(f.opened, 0);
    end(&f);
    settings.tcp_reflexive = true;
    make_asking(&f, &settings, FLOE_GATHER_POLICY_RELAY, stun_url);
    gather(&f);
    pass(&f, 6000);
    assert_int_equal(f.opened, 0);
    end(&f);
}

/* It waits until the server is connected to once more. */
static void connected_anew(fixture *f)
{
    uint32_t before = f->opened;

    for (int i = 0; f->opened == before; i++) {
        assert_true(i <= 64000);
        pass(f, 1);
    }
}

/* The server is away: nobody is connected to. */
static void fails(fixture *f, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        floe_core_unreachable(f->core, f->now, f->opened, &f->to, FLOE_UNREACHABLE_HOST, NULL, 0);
        settle(f);
        if (i + 1 < times) {
            connected_anew(f);
        }
    }
}

static void r4_for_simultaneous_open_too(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.tcp_simultaneous_open = true;
    begin_asking(&f, &settings);
    read_log(&f, "+active, +passive, +so");
    reach(&f);
    answers(&f, "198.51.100.1:700");
    read_log(&f, "+passive?, +so?, end");
    assert_non_null(strstr(f.text[FLOE_TCP_TYPE_SO],
                           " 198.51.100.1 700 typ srflx raddr 10.0.1.2 rport 4000 tcptype so"));
    breaks(&f);
    pass(&f, 1000);
    fails(&f, 3);
    read_log(&f, "-passive?, -so?");
    end(&f);
}

/* P8: without host candidates there is a port that listens all the same. */
static void r4_where_hosts_are_not_told(void **state)
{
    static fixture f;
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.network_types = FLOE_NETWORK_TYPE_TCP4;
    settings.tcp_reflexive = true;
    make_asking(&f, &settings, FLOE_GATHER_POLICY_NOHOST, stun_url);
    gather(&f);
    reach(&f);
    answers(&f, "198.51.100.1:700");
    read_log(&f, "+passive?, end");
    assert_non_null(strstr(f.text[FLOE_TCP_TYPE_PASSIVE], " raddr 0.0.0.0 rport 9 "));
    end(&f);
}

/* Most STUN servers are for UDP alone. */
static void r4_a_server_without_tcp_is_no_error(void **state)
{
    static fixture f;
    const floe_settings plain = FLOE_SETTINGS_INIT;

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        begin_asking(&f, &plain);
        if (kind == 0) { /* refused */
            floe_core_unreachable(f.core, f.now, f.opened, &f.to, FLOE_UNREACHABLE_PORT, NULL, 0);
        } else if (kind == 1) { /* silent */
            pass(&f, 6000);
        } else {
            reach(&f);
            if (kind == 2) {
                answers(&f, NULL);
            } else {
                breaks(&f);
            }
        }
        settle(&f);
        read_log(&f, "+active, +passive, end");
        pass(&f, 60000);
        assert_int_equal(f.open, 1); /* nobody asks again */
        end(&f);
    }
}

/* Who shows nothing that is not known is not kept connected. */
static void r4_without_a_nat(void **state)
{
    static fixture f;
    const floe_settings plain = FLOE_SETTINGS_INIT;

    (void)state;
    begin_asking(&f, &plain);
    reach(&f);
    answers(&f, "10.0.1.2:4000");
    read_log(&f, "+active, +passive, end");
    assert_int_equal(f.open, 1);
    end(&f);
}

static void r4_the_nat_gives_another_address(void **state)
{
    static fixture f;

    (void)state;
    begin_mapped(&f);
    pass(&f, 15000);
    answers(&f, "198.51.100.1:701");
    read_log(&f, "-passive?, +passive?");
    assert_int_equal(f.host[FLOE_TCP_TYPE_PASSIVE].withdrawal, FLOE_WITHDRAWAL_NONE);
    assert_int_equal(f.host[FLOE_TCP_TYPE_PASSIVE].port, 701);
    end(&f);
}

/* There are servers that end a connection which has no allocation (coturn, after a minute): another one is made, and if it
 * shows the same, nobody hears of that. */
static void r4_a_server_that_ends_connections(void **state)
{
    static fixture f;
    uint32_t before;

    (void)state;
    begin_mapped(&f);
    for (int i = 0; i < 3; i++) {
        for (int n = 0; n < 3; n++) {
            pass(&f, 15000);
            answers(&f, "198.51.100.1:700");
        }
        pass(&f, 10000);
        before = f.opened;
        breaks(&f);
        pass(&f, 1);
        assert_int_not_equal(f.opened, before);
        reach(&f);
        answers(&f, "198.51.100.1:700");
    }
    read_log(&f, "");
    /* One that ends it at once is asked less and less often. */
    for (uint64_t wait = 1000; wait <= 64000; wait *= 2) {
        before = f.opened;
        breaks(&f);
        pass(&f, wait - 1);
        assert_int_equal(f.opened, before);
        pass(&f, 1);
        assert_int_not_equal(f.opened, before);
        reach(&f);
        answers(&f, "198.51.100.1:700");
    }
    read_log(&f, "");
    end(&f);
}

/* With the connection the NAT forgets, in the end. */
static void r4_a_connection_that_breaks(void **state)
{
    static fixture f;

    (void)state;
    begin_mapped(&f);
    breaks(&f);
    connected_anew(&f);
    fails(&f, 2);
    read_log(&f, "");
    connected_anew(&f);
    fails(&f, 1);
    read_log(&f, "-passive?");
    connected_anew(&f);
    fails(&f, 20);
    read_log(&f, "");
    connected_anew(&f);
    reach(&f);
    answers(&f, "198.51.100.1:702");
    read_log(&f, "+passive?");
    end(&f);
}

/* L5: whoever restarts while the server is away has it when it is back. */
static void r4_a_restart_in_an_outage(void **state)
{
    static fixture f;

    (void)state;
    begin_mapped(&f);
    breaks(&f);
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    gather(&f);
    pass(&f, 1);
    fails(&f, 1);
    read_log(&f, "+active, +passive, -passive?, end");
    connected_anew(&f);
    reach(&f);
    answers(&f, "198.51.100.1:700");
    read_log(&f, "+passive?");
    end(&f);
}

/* What is under way serves the new gathering, too: from one port there is one connection to a server. */
static void r4_a_restart_before_the_answer(void **state)
{
    static fixture f;
    const floe_settings plain = FLOE_SETTINGS_INIT;

    (void)state;
    begin_asking(&f, &plain);
    uint32_t connection = f.opened;
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    gather(&f);
    assert_int_equal(f.opened, connection);
    reach(&f);
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    gather(&f);
    assert_int_equal(f.opened, connection);
    *f.log = '\0';
    answers(&f, "198.51.100.1:700");
    read_log(&f, "+passive?, end");
    end(&f);
}

static void r4_what_is_doubted_is_asked(void **state)
{
    static fixture f;

    (void)state;
    begin_mapped(&f);
    f.sent_size = 0;
    assert_int_equal(floe_core_doubt(f.core, f.now, f.ids[FLOE_TCP_TYPE_PASSIVE]), FLOE_OK);
    pass(&f, 10);
    assert_int_equal(f.sent_size, FLOE_STUN_HEADER_SIZE);
    answers(&f, "198.51.100.1:700");
    f.sent_size = 0;
    floe_core_woke(f.core, f.now);
    pass(&f, 10);
    assert_int_equal(f.sent_size, FLOE_STUN_HEADER_SIZE);
    answers(&f, "198.51.100.1:701");
    read_log(&f, "-passive?, +passive?");
    end(&f);
}

/* A keepalive that nobody answers: the connection is dead, be it that nobody says so. */
static void r4_a_server_that_falls_silent(void **state)
{
    static fixture f;

    (void)state;
    begin_mapped(&f);
    uint32_t connection = f.opened;
    pass(&f, 15000 + 39000);
    assert_int_equal(f.opened, connection);
    pass(&f, 1000);
    assert_int_not_equal(f.opened, connection);
    read_log(&f, "");
    fails(&f, 3);
    read_log(&f, "-passive?");
    end(&f);
}

/* L5, L11: it stands, and is told again, by the connection that is there; of a server that is no longer among the
 * options it goes at the end. */
static void r4_gathered_again(void **state)
{
    static fixture f;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    (void)state;
    begin_mapped(&f);
    uint32_t id = f.ids[FLOE_TCP_TYPE_PASSIVE];
    uint32_t connection = f.opened;
    f.sent_size = 0;
    gather(&f);
    pass(&f, 10);
    assert_int_equal(f.sent_size, FLOE_STUN_HEADER_SIZE); /* whether it is as it was */
    answers(&f, "198.51.100.1:700");
    read_log(&f, "end");
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    gather(&f);
    pass(&f, 10);
    answers(&f, "198.51.100.1:700");
    read_log(&f, "+active, +passive, +passive?, end");
    assert_int_equal(f.ids[FLOE_TCP_TYPE_PASSIVE], id);
    assert_int_equal(f.opened, connection);
    assert_int_equal(floe_core_set_options(f.core, f.now, &options), FLOE_OK);
    assert_int_equal(floe_core_restart(f.core, f.now), FLOE_OK);
    gather(&f);
    read_log(&f, "+active, +passive, -passive?, end");
    assert_false(f.is_open[connection]);
    end(&f);
}

static void r4_the_address_goes(void **state)
{
    static fixture f;

    (void)state;
    begin_mapped(&f);
    f.ip = NULL;
    gather(&f);
    pass(&f, 10);
    assert_non_null(strstr(f.log, "-passive?"));
    assert_int_equal(f.open, 0);
    end(&f);
}

/* What is no answer is nothing, in any pieces; what cannot be a message ends the connection. */
static void r4_hostile(void **state)
{
    static fixture f;
    const floe_settings plain = FLOE_SETTINGS_INIT;
    static const uint8_t another[FLOE_STUN_HEADER_SIZE] = {1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 9};
    uint8_t noise[64];
    floe_packet packet;

    (void)state;
    begin_asking(&f, &plain);
    reach(&f);
    for (size_t i = 0; i < sizeof another; i++) {
        assert_int_equal(comes(&f, f.opened, &another[i], 1, &packet), 0);
    }
    answers(&f, "198.51.100.1:700");
    read_log(&f, "+active, +passive, +passive?, end");
    answers(&f, "6.6.6.6:666"); /* once more, to what is over */
    read_log(&f, "");
    memset(noise, 0xff, sizeof noise);
    uint32_t connection = f.opened;
    assert_int_equal(comes(&f, connection, noise, sizeof noise, &packet), 0);
    assert_false(f.is_open[connection]);
    pass(&f, 1000);
    assert_int_not_equal(f.opened, connection);
    read_log(&f, "");
    end(&f);
}

static void r4_without_memory(void **state)
{
    (void)state;
    for (size_t fail_at = 1;; fail_at++) {
        static fixture f;
        const floe_settings plain = FLOE_SETTINGS_INIT;
        begin_asking(&f, &plain);
        if (f.opened == 0) {
            fail();
        }
        f.memory.fail_at = f.memory.calls + fail_at;
        floe_address local = address_of("10.0.1.2:4000");
        floe_core_opened(f.core, f.now, f.opened, &local);
        pass(&f, 10);
        if (f.sent_size > 0) {
            answers(&f, "198.51.100.1:700");
        }
        pass(&f, 20000);
        bool failed = f.memory.calls >= f.memory.fail_at;
        f.memory.fail_at = 0;
        end(&f);
        if (!failed) {
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h1_active_and_passive),
        cmocka_unit_test(h1_none_unless_asked_for),
        cmocka_unit_test(h1_tcp_alone),
        cmocka_unit_test(h3_no_tcp_under_a_mux),
        cmocka_unit_test(h1_policies),
        cmocka_unit_test(h1_lite_is_passive),
        cmocka_unit_test(h2_names_stand_for_tcp_too),
        cmocka_unit_test(w6_rewritten_too),
        cmocka_unit_test(w2_rules_for_tcp_alone),
        cmocka_unit_test(p5_the_port_range_holds),
        cmocka_unit_test(l14_a_listener_that_is_not_answered),
        cmocka_unit_test(l5_gathered_again),
        cmocka_unit_test(l5_what_listens_stays_where_udp_fails),
        cmocka_unit_test(l5_who_connects_stays_where_nothing_opens),
        cmocka_unit_test(n2_an_address_that_is_gone),
        cmocka_unit_test(l10_a_pool_listens),
        cmocka_unit_test(l13_an_associated_gatherer_listens),
        cmocka_unit_test(h1_a_check_comes_first),
        cmocka_unit_test(h1_who_does_not_know_us_goes),
        cmocka_unit_test(h1_nothing_comes_behind_a_wrong_check),
        cmocka_unit_test(h1_who_says_nothing_is_bounded),
        cmocka_unit_test(h1_who_knows_us_is_bounded),
        cmocka_unit_test(l11_a_check_of_before_a_restart),
        cmocka_unit_test(h1_who_connects_anew),
        cmocka_unit_test(h1_frames_in_any_pieces),
        cmocka_unit_test(k2_a_check_is_answered),
        cmocka_unit_test(h1_what_is_sent_waits_for_the_connection),
        cmocka_unit_test(h1_a_peer_that_refuses),
        cmocka_unit_test(k1_the_queue_of_a_connection_is_bounded),
        cmocka_unit_test(h1_hanging_up),
        cmocka_unit_test(h1_simultaneous_open),
        cmocka_unit_test(h1_whom_we_connect_to_is_bounded),
        cmocka_unit_test(l7_closed_while_it_connects),
        cmocka_unit_test(h1_without_memory),
        cmocka_unit_test(r4_what_a_nat_shows_of_a_tcp_port),
        cmocka_unit_test(r4_not_unless_asked_for),
        cmocka_unit_test(r4_for_simultaneous_open_too),
        cmocka_unit_test(r4_where_hosts_are_not_told),
        cmocka_unit_test(r4_a_server_without_tcp_is_no_error),
        cmocka_unit_test(r4_without_a_nat),
        cmocka_unit_test(r4_the_nat_gives_another_address),
        cmocka_unit_test(r4_a_server_that_ends_connections),
        cmocka_unit_test(r4_a_connection_that_breaks),
        cmocka_unit_test(r4_a_restart_in_an_outage),
        cmocka_unit_test(r4_a_restart_before_the_answer),
        cmocka_unit_test(r4_what_is_doubted_is_asked),
        cmocka_unit_test(r4_a_server_that_falls_silent),
        cmocka_unit_test(r4_gathered_again),
        cmocka_unit_test(r4_the_address_goes),
        cmocka_unit_test(r4_hostile),
        cmocka_unit_test(r4_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

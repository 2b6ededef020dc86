/* What is kept, lost, and had again, told by hand: a clock, one function that plays all servers,
 * and a log of what the owner sees. Each test is a story that a world of the simulator may also
 * happen upon; here it is told on purpose. */
#include "support.h"

#include "base/address.h"
#include "base/memory.h"
#include "base/time.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <floe/core.h>
#include <stdio.h>
#include <string.h>

#define CHANNELS 64
#define SERVERS 40

/* What a server does with a request. */
typedef enum doing {
    ANSWERS,
    SILENT,
    REFUSES, /* 403 */
    FORGOT,  /* 437 to what is not an Allocate */
    STUNNED, /* ICMP port unreachable */
    UNKNOWN, /* 420 */
    FAMILY,  /* 440 */
    FULL,    /* 486 */
    SAYS,    /* its `code` */
    FORGES,  /* 437 that nobody has signed, which is not to be believed */
} doing;

typedef struct server {
    const char *address;
    const char *mapped;
    doing binding;
    doing allocate;
    doing refresh;
    doing permission;
    size_t bindings; /* that came */
    size_t allocates;
    size_t refreshes;      /* that keep */
    size_t releases;       /* Refreshes with lifetime 0 */
    bool wished;           /* the latest Allocate was for both families */
    size_t wishes;         /* so many were */
    bool shows_nothing;    /* no mapped address in the answer to an Allocate */
    bool alone;            /* and it ignores that: it gives IPv6 to who asks for it alone */
    bool gives_both;       /* addresses of both families, in one allocation, to who asks for them */
    doing both;            /* what it does with who asks for both */
    doing ipv6;            /* and with who asks for IPv6 alone */
    doing tcp;             /* and for a relay for TCP (RFC 6062) */
    uint32_t deaf_to;      /* the channel that it does not hear; 0: none */
    uint32_t forgets;      /* the channel whose Refresh it answers by 437; 0: none */
    uint32_t former;       /* the channel by which another user's allocation stands; 0: none */
    unsigned port;         /* of the next relayed address */
    size_t strangers;      /* so many Allocates meet another's allocation: 437 */
    bool holds;            /* it has one of ours still: 437 to Allocate until that is released */
    bool guarded;          /* it wants to know who asks, and signs no errors */
    bool signs;            /* but it does */
    const char *alternate; /* to whom it sends who asks for a relay; NULL: to nobody */
    bool ends_at_once;     /* it says LIFETIME 0 to a Refresh that asks for more (node-turn) */
    bool tickets;          /* its allocations move (RFC 8016) */
    uint16_t code;         /* where it SAYS one */
    uint16_t room_for_one; /* as long as one stands, another is refused by this code; 0: never */
    bool twice;            /* the network doubles its answers */
} server;

typedef struct hand {
    counting_allocator memory;
    seeded_random random;
    floe_core_shared *shared;
    floe_core *core;
    floe_time now;
    server servers[SERVERS];
    size_t server_count;
    bool open[CHANNELS];
    bool stream[CHANNELS]; /* it is a connection */
    size_t sockets;        /* that are open */
    uint16_t next_port;
    bool deprecated;          /* the first interface's address */
    const char *places[3];    /* that a server's name leads to; none: it is not known */
    const char *const *leads; /* the name leads to the next of three each time; NULL: it does not */
    const char *service;      /* the one target of the domain's services; NULL: it has none */
    const char *unheard;      /* a better one, of whose address nothing is heard */
    bool no_services;         /* questions for them go unanswered, those for addresses do not */
    size_t look_ups;
    bool late_names;     /* questions for addresses wait for the test to answer them */
    uint32_t queries[2]; /* these, one for each family */
    size_t query_count;
    bool no_list;      /* LIST_INTERFACES is not answered */
    bool no_interface; /* or with none */
    bool two_interfaces;
    bool one_port;       /* a second socket is not to be had */
    bool second_alone;   /* the first has no address any more */
    const char *ipv6;    /* the first interface's other address; NULL: none */
    const char *ip;      /* the first interface's; NULL: host_ip */
    size_t data;         /* packets to the peers that went out */
    uint8_t packet[256]; /* the latest */
    size_t packet_size;
    floe_stun_id refresh; /* the latest */
    floe_stun_id allocate;
    floe_stun_id binding; /* the latest */
    floe_stun_id bindings[2 * SERVERS];
    size_t binding_count;
    char name[64]; /* that was published last */
    char log[2048];
    char trace[1024]; /* what went out */
    uint32_t last[5]; /* ids, by type */
    size_t unreached; /* as often was told */
    size_t errors;
    bool url_failed; /* as the latest error says */
    char error[512];
    floe_core_output output;
} hand;

static const char *const host_ip = "10.0.1.2:0";

static void say(hand *h, const char *word, const floe_candidate *candidate)
{
    size_t used = strlen(h->log);

    (void)snprintf(h->log + used, sizeof h->log - used, "%s%s%s%s", used > 0 ? ", " : "", word,
                   candidate != NULL ? " " : "",
                   candidate != NULL ? floe_candidate_type_name(candidate->type) : "");
}

static floe_stun_writer answer_to(const floe_stun_message *request, uint8_t *bytes, size_t size,
                                  floe_stun_class class)
{
    return floe_stun_begin(bytes, size, class, request->method, &request->id);
}

static void deliver(hand *h, uint32_t channel, const server *from, const floe_stun_writer *writer)
{
    floe_address source = address_of(from->address);
    floe_span message = floe_stun_written(writer);

    for (int i = 0; i <= from->twice; i++) {
        if (h->stream[channel]) {
            floe_core_stream(h->core, h->now, channel, message.data, message.size);
        } else {
            floe_core_datagram(h->core, h->now, channel, &source, message.data, message.size);
        }
    }
}

static void put_integrity(floe_stun_writer *writer, const floe_stun_message *request)
{
    floe_stun_key *key;
    floe_span user;

    assert_true(floe_stun_find(request, FLOE_STUN_USERNAME, &user));

    assert_int_equal(floe_stun_key_long_term(&floe_default_allocator, FLOE_STUN_PASSWORD_MD5, user,
                                             floe_span_text("r"), floe_span_text("secret"), &key),
                     FLOE_OK);
    floe_stun_put_integrity(writer, key->sha1);
    floe_stun_key_release(key);
}

static void refuse(hand *h, uint32_t channel, const server *by, const floe_stun_message *request,
                   uint16_t code)
{
    uint8_t bytes[128];
    floe_stun_writer writer = answer_to(request, bytes, sizeof bytes, FLOE_STUN_ERROR);

    floe_stun_put_error(&writer, code, floe_span_text("No"));
    if (by->signs && floe_stun_has(request, FLOE_STUN_USERNAME)) {
        put_integrity(&writer, request);
    }
    deliver(h, channel, by, &writer);
}

/* RFC 8489 §9.2.4. */
static void challenge(hand *h, uint32_t channel, const server *by, const floe_stun_message *request)
{
    uint8_t bytes[128];
    floe_stun_writer writer = answer_to(request, bytes, sizeof bytes, FLOE_STUN_ERROR);

    floe_stun_put_error(&writer, 401, floe_span_text("Who?"));
    floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text("r"));
    floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text("n"));
    deliver(h, channel, by, &writer);
}

static void redirect(hand *h, uint32_t channel, const server *by, const floe_stun_message *request)
{
    uint8_t bytes[128];
    floe_stun_writer writer = answer_to(request, bytes, sizeof bytes, FLOE_STUN_ERROR);
    floe_address address = address_of(by->alternate);

    floe_stun_put_error(&writer, 300, floe_span_text("There"));
    floe_stun_put_address(&writer, FLOE_STUN_ALTERNATE_SERVER, &address);
    deliver(h, channel, by, &writer);
}

static void succeed(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    uint8_t bytes[256];
    char relayed[64];
    floe_stun_writer writer = answer_to(request, bytes, sizeof bytes, FLOE_STUN_SUCCESS);
    floe_address mapped = address_of(by->mapped);

    if (request->method == FLOE_STUN_ALLOCATE) {
        bool ipv6 = floe_stun_has(request, FLOE_STUN_REQUESTED_ADDRESS_FAMILY);
        (void)snprintf(relayed, sizeof relayed, "%s:%u", ipv6 ? "[2001:db8::9]" : "198.51.100.9",
                       5000 + by->port++);
        floe_address address = address_of(relayed);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &address);
        if (by->wished && by->gives_both) {
            floe_address other = address_of("[2001:db8::9]:0");
            other.port = address.port;
            floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &other);
        } else if (by->wished && !by->alone) {
            floe_stun_put_address_error(&writer, FLOE_STUN_ADDRESS_ERROR_CODE, 2, 440,
                                        floe_span_text("No"));
        }
    }
    if (request->method == FLOE_STUN_BINDING ||
        (request->method == FLOE_STUN_ALLOCATE && !by->shows_nothing)) {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    }
    if (request->method != FLOE_STUN_BINDING) {
        bool zero = by->ends_at_once && request->method == FLOE_STUN_REFRESH;
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, zero ? 0 : 600);
        if (by->tickets) {
            floe_stun_put(&writer, FLOE_STUN_MOBILITY_TICKET, floe_span_text("ticket"));
        }
        if (by->guarded) {
            put_integrity(&writer, request);
        }
    }
    deliver(h, channel, by, &writer);
}

static doing count(server *by, const floe_stun_message *request)
{
    uint32_t lifetime = 1;

    if (request->method == FLOE_STUN_BINDING) {
        by->bindings++;
        return by->binding;
    }
    if (request->method == FLOE_STUN_ALLOCATE) {
        by->allocates++;
        by->wished = floe_stun_has(request, FLOE_STUN_ADDITIONAL_ADDRESS_FAMILY);
        by->wishes += by->wished;
        if (by->room_for_one != 0 && by->releases == 0) {
            by->code = by->room_for_one;
            return SAYS;
        }
        if (by->holds || by->strangers > 0) {
            by->strangers -= by->strangers > 0;
            return FORGOT;
        }
        floe_span transport;
        if (floe_stun_find(request, FLOE_STUN_REQUESTED_TRANSPORT, &transport) &&
            transport.data[0] == 6 && by->tcp != ANSWERS) {
            return by->tcp;
        }
        doing special = by->wished                                                   ? by->both
                        : floe_stun_has(request, FLOE_STUN_REQUESTED_ADDRESS_FAMILY) ? by->ipv6
                                                                                     : ANSWERS;
        return special != ANSWERS ? special : by->allocate;
    }
    if (floe_stun_read_u32(request, FLOE_STUN_LIFETIME, &lifetime) && lifetime == 0) {
        by->releases++;
        by->holds = false;
        return ANSWERS;
    }
    if (request->method == FLOE_STUN_CREATE_PERMISSION) {
        return by->permission;
    }
    by->refreshes++;
    return by->refresh;
}

static void serve(hand *h)
{
    uint8_t copy[FLOE_CORE_DATA_SIZE];
    uint32_t channel = h->output.channel;
    floe_address to = h->output.remote;
    size_t size = h->output.data_size;
    floe_stun_message request;

    assert_true(channel < CHANNELS && h->open[channel]);
    memcpy(copy, h->output.data, size);
    if (h->stream[channel] && memcmp(copy, "CONNECT ", 8) == 0) { /* we play the proxy, too */
        static const char connected[] = "HTTP/1.1 200 OK\r\n\r\n";
        floe_core_stream(h->core, h->now, channel, connected, sizeof connected - 1);
        return;
    }
    if (floe_stun_parse(floe_span_of(copy, size), &request) != FLOE_STUN_PARSED ||
        request.class != FLOE_STUN_REQUEST) {
        h->data++;
        h->packet_size = size < sizeof h->packet ? size : sizeof h->packet;
        memcpy(h->packet, copy, h->packet_size);
        return;
    }
    if (request.method == FLOE_STUN_REFRESH) {
        h->refresh = request.id;
    }
    if (request.method == FLOE_STUN_ALLOCATE) {
        h->allocate = request.id;
    }
    if (request.method == FLOE_STUN_BINDING) {
        h->binding = h->bindings[h->binding_count++ % (2 * SERVERS)] = request.id;
    }
    for (size_t i = 0; i < h->server_count; i++) {
        server *by = &h->servers[i];
        floe_address address = address_of(by->address);
        if (!floe_address_equal(&address, &to) || by->deaf_to == channel) {
            continue;
        }
        if (by->guarded && request.method != FLOE_STUN_BINDING && by->allocate != STUNNED &&
            !floe_stun_has(&request, FLOE_STUN_USERNAME)) {
            challenge(h, channel, by, &request);
            continue;
        }
        if (by->forgets == channel && request.method == FLOE_STUN_REFRESH &&
            !floe_stun_has(&request, FLOE_STUN_MOBILITY_TICKET)) {
            refuse(h, channel, by, &request, 437);
            continue;
        }
        if (by->alternate != NULL && request.method == FLOE_STUN_ALLOCATE) {
            redirect(h, channel, by, &request);
            continue;
        }
        if (by->former == channel && request.method != FLOE_STUN_BINDING) {
            uint32_t lifetime = 1;
            bool allocates = request.method == FLOE_STUN_ALLOCATE;
            (void)floe_stun_read_u32(&request, FLOE_STUN_LIFETIME, &lifetime);
            refuse(h, channel, by, &request, allocates ? by->code : lifetime == 0 ? 441 : 401);
            continue;
        }
        switch (count(by, &request)) {
        case ANSWERS:
            succeed(h, channel, by, &request);
            break;
        case REFUSES:
            refuse(h, channel, by, &request, 403);
            break;
        case FORGOT:
            refuse(h, channel, by, &request, 437);
            break;
        case UNKNOWN:
            refuse(h, channel, by, &request, 420);
            break;
        case FAMILY:
            refuse(h, channel, by, &request, 440);
            break;
        case FULL:
            refuse(h, channel, by, &request, 486);
            break;
        case SAYS:
            refuse(h, channel, by, &request, by->code);
            break;
        case FORGES: {
            uint8_t bytes[256];
            floe_stun_writer writer = answer_to(&request, bytes, sizeof bytes, FLOE_STUN_ERROR);
            floe_stun_put_error(&writer, 437, floe_span_text("gone"));
            deliver(h, channel, by, &writer);
            break;
        }
        case STUNNED:
            floe_core_unreachable(h->core, h->now, channel, &to, FLOE_UNREACHABLE_PORT, copy, size);
            break;
        case SILENT:
            break;
        }
    }
}

static void not_reached(hand *h)
{
    char peer[FLOE_ADDRESS_TEXT_SIZE];
    char text[128];
    int type = 0;

    for (int i = 1; i < 5; i++) {
        type = h->last[i] == h->output.candidate_id ? i : type;
    }
    (void)floe_address_format_with_port(&h->output.remote, peer, sizeof peer);
    (void)snprintf(text, sizeof text, "%s not reached by %s: %d", peer,
                   floe_candidate_type_name((floe_candidate_type)type), (int)h->output.unreachable);
    say(h, text, NULL);
    h->unreached++;
}

static void went_out(hand *h, const floe_trace_event *event)
{
    size_t used = strlen(h->trace);

    if (event->kind == FLOE_TRACE_SENT || event->kind == FLOE_TRACE_SENT_AGAIN) {
        assert_true(event->bytes > 0 && event->sends > 0);
        (void)snprintf(h->trace + used, sizeof h->trace - used, "%s%s %s", used > 0 ? ", " : "",
                       floe_trace_kind_name(event->kind), event->method);
    }
}

static void answer_look_up(hand *h, uint32_t query)
{
    floe_address found[3];
    size_t count = 0;

    while (count < 3 && h->places[count] != NULL) {
        found[count] = address_of(h->places[count]);
        count++;
    }
    floe_core_resolved(h->core, h->now, query, count > 0 ? FLOE_OK : FLOE_ERR_NOT_FOUND, found,
                       count);
}

static void look_up(hand *h)
{
    h->look_ups++;
    h->places[0] = h->leads != NULL ? h->leads[h->look_ups % 3] : h->places[0];
    if (h->output.record == FLOE_DNS_SRV) {
        const floe_service_record records[] = {{.target = h->service, .port = 3478, .priority = 2},
                                               {.target = h->unheard, .port = 3478, .priority = 1}};
        size_t count = h->unheard != NULL ? 2 : 1;
        floe_core_services_resolved(h->core, h->now, h->output.query,
                                    h->no_services ? FLOE_ERR_TIMED_OUT : FLOE_OK, records,
                                    h->no_services ? 0 : count);
        return;
    }
    if (h->unheard != NULL && strcmp(h->output.name, h->unheard) == 0) {
        return;
    }
    if (h->service != NULL && strcmp(h->output.name, h->service) != 0) {
        const floe_address own = address_of("203.0.113.80:0"); /* the domain's, no TURN server */
        floe_core_resolved(h->core, h->now, h->output.query, FLOE_OK, &own, 1);
        return;
    }
    if (h->late_names) {
        h->queries[h->query_count++ % 2] = h->output.query;
        return;
    }
    answer_look_up(h, h->output.query);
}

static void take(hand *h)
{
    const floe_core_output *output = &h->output;
    floe_interface_address list[] = {{.interface_name = "eth0",
                                      .interface_index = 1,
                                      .up = true,
                                      .default_route = true,
                                      .deprecated = h->deprecated,
                                      .address = address_of(h->ip != NULL ? h->ip : host_ip)},
                                     {.interface_name = "wlan0",
                                      .interface_index = 2,
                                      .up = true,
                                      .address = address_of("10.0.9.2:0")}};
    floe_address local = output->local;

    if (h->ipv6 != NULL) {
        list[1] = list[0];
        list[1].address = address_of(h->ipv6);
    }
    switch (output->kind) {
    case FLOE_CORE_LIST_INTERFACES:
        if (!h->no_list) {
            floe_core_interfaces(h->core, h->now, h->second_alone ? list + 1 : list,
                                 h->no_interface                        ? 0
                                 : h->two_interfaces || h->ipv6 != NULL ? 2
                                                                        : 1);
        }
        break;
    case FLOE_CORE_OPEN:
        assert_true(output->channel < CHANNELS);
        h->open[output->channel] = true;
        h->stream[output->channel] = output->protocol == FLOE_PROTOCOL_TCP;
        h->sockets++;
        local.port = ++h->next_port;
        if (h->one_port && h->sockets > 1) {
            h->open[output->channel] = false;
            h->sockets--;
            floe_core_open_failed(h->core, h->now, output->channel, FLOE_ERR_ADDRESS_IN_USE);
            break;
        }
        floe_core_opened(h->core, h->now, output->channel, &local);
        break;
    case FLOE_CORE_CLOSE:
        assert_true(output->channel < CHANNELS && h->open[output->channel]);
        h->open[output->channel] = false;
        h->sockets--;
        break;
    case FLOE_CORE_RESOLVE:
        look_up(h);
        break;
    case FLOE_CORE_SEND:
        serve(h);
        break;
    case FLOE_CORE_CANDIDATE:
        say(h, output->candidate != NULL ? "+" : "end", output->candidate);
        if (output->candidate != NULL) {
            h->last[output->candidate->type] = output->candidate->id;
        }
        break;
    case FLOE_CORE_WRITABLE:
        say(h,
            output->candidate_id == h->last[FLOE_CANDIDATE_TYPE_HOST]    ? "host writable"
            : output->candidate_id == h->last[FLOE_CANDIDATE_TYPE_RELAY] ? "relay writable"
                                                                         : "writable?",
            NULL);
        break;
    case FLOE_CORE_CANDIDATE_WITHDRAWN:
        say(h, "-", output->candidate);
        break;
    case FLOE_CORE_TRACE:
        went_out(h, output->trace);
        break;
    case FLOE_CORE_PUBLISH:
        (void)snprintf(h->name, sizeof h->name, "%s", output->name);
        say(h, "publish", NULL);
        break;
    case FLOE_CORE_UNPUBLISH:
        say(h, "unpublish", NULL);
        break;
    case FLOE_CORE_UNREACHABLE:
        not_reached(h);
        break;
    case FLOE_CORE_CANDIDATE_ERROR:
        say(h, "error", NULL);
        h->errors++;
        h->url_failed = output->error->url_failed;
        (void)snprintf(h->error, sizeof h->error, "%s", output->error->text);
        break;
    default:
        break;
    }
}

static void settle(hand *h)
{
    while (floe_core_poll(h->core, h->now, &h->output)) {
        take(h);
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

static void read_log(hand *h, const char *wanted)
{
    assert_string_equal(h->log, wanted);
    *h->log = '\0';
}

static floe_gather_options options_of(floe_ice_server *ice, const char *const *urls, size_t count,
                                      const char *user)
{
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    *ice = (floe_ice_server)FLOE_ICE_SERVER_INIT;
    ice->urls = urls;
    ice->url_count = count;
    ice->username = user;
    ice->credential = "secret";
    options.ice_servers = ice;
    options.ice_server_count = 1;
    return options;
}

static server *with(hand *h, const char *address, const char *mapped)
{
    server *added = &h->servers[h->server_count++];

    *added = (server){.address = address, .mapped = mapped};
    return added;
}

static void set_with(hand *h, const char *const *urls, size_t count, floe_gather_policy policy)
{
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, urls, count, "user");

    options.gather_policy = policy;
    assert_int_equal(floe_core_set_options(h->core, h->now, &options), FLOE_OK);
}

static void set(hand *h, const char *const *urls, size_t count)
{
    set_with(h, urls, count, FLOE_GATHER_POLICY_ALL);
}

static void gather(hand *h)
{
    assert_int_equal(floe_core_start(h->core, h->now), FLOE_OK);
    settle(h);
}

static void make(hand *h, const char *const *urls, size_t count, floe_settings settings)
{
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, urls, count, "user");

    memset(h, 0, sizeof *h);
    counting_init(&h->memory);
    seeded_init(&h->random, 7);
    h->now = floe_time_after((floe_time){0}, floe_seconds(1000));
    h->next_port = 40000;
    settings.allocator = &h->memory.table;
    assert_int_equal(floe_core_shared_new(&settings, &h->random.table, &h->shared), FLOE_OK);
    assert_int_equal(floe_core_new(h->shared, &options, &h->core), FLOE_OK);
}

static void end(hand *h)
{
    floe_core_close(h->core, h->now);
    settle(h);
    assert_int_equal(h->sockets, 0);
    floe_core_free(h->core);
    floe_core_shared_free(h->shared);
    assert_int_equal(h->memory.live, 0);
}

static uint32_t channel_by_stream(const hand *h)
{
    uint32_t channel = 0;

    for (uint32_t i = 0; i < CHANNELS; i++) {
        channel = h->open[i] && h->stream[i] ? i : channel;
    }
    return channel;
}

static void all(server *by, doing does)
{
    by->allocate = by->both = by->refresh = by->binding = does;
}

static void restart(hand *h)
{
    assert_int_equal(floe_core_restart(h->core, h->now), FLOE_OK);
    gather(h);
}

/* Whether it was said. */
static bool says(const hand *h, const char *word)
{
    return strstr(h->log, word) != NULL;
}

static const floe_settings defaults = FLOE_SETTINGS_INIT;
static const char *const turn_url[] = {"turn:203.0.113.2"};
static const char *const both_urls[] = {"stun:203.0.113.2", "turn:203.0.113.2"};
static const char *const named_url[] = {"turn:turn.example.org"};
static const char *const stun_urls[] = {"stun:203.0.113.3", "stun:203.0.113.4"};

/* What most stories begin with: one server, which has given all that it has; nothing of it is read. */
static server *begin_with_relay(hand *h, const char *const *urls)
{
    make(h, urls, 1, defaults);
    server *turn = with(h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(h);
    pass(h, 1000);
    *h->log = '\0';
    return turn;
}

/* Two servers by one name, of which the first has given its relay, and the other what the first, silent
 * at a restart, did not. */
static void begin_with_two(hand *h, const char *const *urls, size_t count)
{
    make(h, urls, count, defaults);
    server *first = with(h, "203.0.113.2:3478", "192.0.2.7:700");
    with(h, "203.0.113.3:3478", "192.0.2.7:701")->port = 50;
    all(with(h, "203.0.113.9:3478", "192.0.2.7:702"), SILENT);
    h->places[0] = "203.0.113.2:0";
    h->places[1] = "203.0.113.3:0";
    gather(h);
    pass(h, 6000);
    all(first, SILENT);
    restart(h);
    pass(h, 6000);
    assert_true(says(h, "+ relay, end") || says(h, "+ relay, error"));
    *h->log = '\0';
}

/* A server by name, at its first address, has given a relay, and is silent there. */
static server *lose_a_named_server(hand *h, const char *const *urls, floe_settings settings)
{
    make(h, urls, 1, settings);
    h->places[0] = "203.0.113.2:0";
    server *first = with(h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(h);
    pass(h, 1000);
    assert_non_null(strstr(h->log, "+ relay"));
    *h->log = '\0';
    first->binding = first->allocate = first->refresh = SILENT;
    return first;
}

/* ── Addresses ── */

/* P4, RFC 4862 §5.5.4: no gathering begins on a deprecated address, and what goes on there goes on:
 * the socket, its candidates, its relay, over gatherings and a restart, until the address is gone.
 */
static void p4_what_stands_on_a_deprecated_address_stays(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    h.deprecated = h.two_interfaces = true;
    turn->deaf_to = 2; /* the new address's socket: what it finds is not the matter here */
    gather(&h);
    pass(&h, 6000);
    assert_null(strstr(h.log, "- "));
    assert_int_equal(h.sockets, 2);
    assert_int_equal(turn->allocates, 1);
    *h.log = '\0';
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 6000);
    assert_int_equal(turn->allocates, 1);
    assert_int_equal(h.sockets, 2);
    *h.log = '\0';
    h.no_interface = true;
    gather(&h);
    pass(&h, 1000);
    assert_non_null(strstr(h.log, "- relay"));
    assert_int_equal(h.sockets, 0);
    h.no_interface = false;
    gather(&h);
    pass(&h, 6000);
    assert_int_equal(h.sockets, 1); /* no new one on it */
    end(&h);
}

/* L12, R4: a server that is asked by UDP no more shows nothing of the socket: its reflexive candidate
 * goes, and it is not asked, though a relay stands there by TCP. */
static void l12_a_url_by_tcp_keeps_no_mapping(void **state)
{
    static const char *const urls[][2] = {{"turn:203.0.113.2", "turn:203.0.113.2?transport=tcp"},
                                          {"stun:203.0.113.2", "turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t stun = 0; stun < 2; stun++) {
        make(&h, urls[stun], 2, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        read_log(&h,
                 stun ? "+ host, + srflx, + relay, end" : "+ host, + srflx, + relay, + relay, end");
        set(&h, &urls[stun][1], 1);
        gather(&h);
        pass(&h, 1000);
        read_log(&h, stun ? "- srflx, end" : "- relay, - srflx, end");
        turn->bindings = 0;
        pass(&h, 60000);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 6000);
        read_log(&h, "+ host, + relay, end");
        assert_int_equal(turn->bindings, 0);
        end(&h);
    }
}

static void set_user(hand *h, const char *const *urls, const char *user)
{
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, urls, 1, user);

    assert_int_equal(floe_core_set_options(h->core, h->now, &options), FLOE_OK);
}

/* L12, RFC 8445 §9: other credentials for the same server (those that expire, say) cut nothing: data
 * goes on by the relay at hand for half a minute after another is had, in which the peer can hear of
 * that; where none is to be had it stays, and is told. */
static void l12_other_credentials_cut_nothing(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 12; row++) {
        const char *const *url = urls[row % 2];
        bool restarts = row / 2 % 2 != 0;
        doing does = row / 4 == 0 ? ANSWERS : row / 4 == 1 ? REFUSES : SILENT;
        make(&h, url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        assert_non_null(strstr(h.log, "+ relay, end"));
        *h.log = '\0';
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        floe_address peer = address_of("198.51.100.77:7");
        set_user(&h, url, "another");
        turn->port = 50;
        turn->allocate = turn->both = does;
        if (restarts) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        gather(&h);
        for (size_t s = 0; s < 29; s++) {
            assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
            pass(&h, 1000);
            assert_int_equal(h.data, s + 1);
        }
        assert_null(strstr(h.log, "- relay"));
        assert_int_equal(strstr(h.log, "+ relay") != NULL, does == ANSWERS || restarts);
        assert_int_equal(h.last[FLOE_CANDIDATE_TYPE_RELAY] == relay, does != ANSWERS);
        *h.log = '\0';
        pass(&h, 10000);
        read_log(&h, does == ANSWERS ? "- relay" : "");
        assert_true(does == SILENT ||
                    turn->releases == (does == ANSWERS)); /* what it may have heard */
        turn->allocate = turn->both = ANSWERS;
        pass(&h, 300000);
        read_log(&h, "");
        gather(&h);
        pass(&h, 60000);
        read_log(&h, does == ANSWERS ? "end" : "+ relay, end, - relay");
        end(&h);
    }
}

/* L12, T6: where the server has room for one alone, or knows our one port by the former user, the
 * former relay makes room for the new one. */
static void l12_a_former_relay_makes_room(void **state)
{
    static const uint16_t codes[] = {486, 508, 441};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        set_user(&h, turn_url, "1700000000:user"); /* the time counts for nothing */
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        set_user(&h, turn_url, "1800000000:user");
        turn->port = 50;
        turn->room_for_one = codes[i];
        gather(&h);
        pass(&h, 4000);
        read_log(&h, "- relay, + relay, end");
        pass(&h, 300000);
        read_log(&h, "");
        end(&h);
    }
    /* Of two users' the one whose quota it is, whichever comes last. */
    static const char *const by_udp[] = {"turn:203.0.113.2"};
    static const char *const by_tcp[] = {"turn:203.0.113.2?transport=tcp"};
    for (size_t last = 0; last < 2; last++) {
        floe_ice_server users[2];
        floe_gather_options options = options_of(&users[last], by_udp, 1, "1700000000:user");
        (void)options_of(&users[1 - last], by_udp, 1, "another");
        options.ice_servers = users;
        options.ice_server_count = 2;
        make(&h, by_udp, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, + relay, + relay, end");
        set_user(&h, by_tcp, "1800000000:user");
        turn->port = 50;
        turn->allocate = turn->both = FULL;
        gather(&h);
        pass(&h, 100);
        read_log(&h, "- relay");
        turn->allocate = turn->both = ANSWERS;
        pass(&h, 3000);
        read_log(&h, "+ relay, - relay, - srflx, end");
        end(&h);
    }
    /* Another user's quota is not this one's. */
    server *turn = begin_with_relay(&h, turn_url);
    set_user(&h, turn_url, "another");
    turn->allocate = turn->both = FULL;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "error, end");
    pass(&h, 60000);
    read_log(&h, "");
    end(&h);
}

/* L12: users that change there and back within the half minute, and another that is lost in it: what is
 * the last to serve stays. */
static void l12_a_former_relay_may_be_wanted_again(void **state)
{
    static hand h;

    (void)state;
    for (int row = 0; row < 4; row++) {
        bool lost = row % 2 != 0;
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        floe_address peer = address_of("198.51.100.77:7");
        set_user(&h, turn_url, "another");
        turn->port = 50;
        if (row / 2 != 0) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        gather(&h);
        pass(&h, 5000);
        assert_int_not_equal(h.last[FLOE_CANDIDATE_TYPE_RELAY], relay);
        *h.log = '\0';
        if (lost) {
            turn->forgets = 2; /* the new one's socket */
            turn->allocate = turn->both = SILENT;
        } else {
            set_user(&h, turn_url, "user");
            gather(&h);
        }
        pass(&h, 70000);
        relay = row == 3 ? h.last[FLOE_CANDIDATE_TYPE_RELAY] : relay; /* it is told again */
        assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
        assert_true(lost || row == 0 || strstr(h.log, "- relay") != NULL);
        assert_true(row != 3 || strstr(h.log, "+ relay") != NULL);
        end(&h);
    }
}

/* L11, T7b: that the other server of a name answers first, as two Refreshes are lost, ends no relay that
 * stands; in a gathering of its own generation it stays. */
static void l11_a_relay_whose_refreshes_are_lost_stays(void **state)
{
    static hand h;

    (void)state;
    make(&h, named_url, 1, defaults);
    server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    with(&h, "203.0.113.3:3478", "192.0.2.7:701")->port = 50;
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "203.0.113.3:0";
    gather(&h);
    pass(&h, 1000);
    uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
    *h.log = '\0';
    first->refresh = SILENT;
    gather(&h);
    pass(&h, 1000);
    first->refresh = ANSWERS;
    pass(&h, 60000);
    read_log(&h, "end");
    first->refresh = SILENT;
    gather(&h);
    pass(&h, 2000);
    first->refresh = ANSWERS;
    pass(&h, 60000);
    assert_null(strstr(h.log, "- relay"));
    floe_address peer = address_of("198.51.100.77:7");
    assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
    end(&h);
}

/* L14, L12: what a former relay's server says of it is no result of the gathering that asks for another:
 * it neither is told as found, nor begins the stragglers' grace. */
static void l12_a_former_relay_counts_for_nothing(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 14500); /* it is asked about within the gathering */
    *h.log = '\0';
    set_user(&h, turn_url, "another");
    turn->port = 50;
    turn->allocate = turn->both = SILENT;
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 1200);
    read_log(&h, "+ host, + srflx");
    turn->allocate = turn->both = ANSWERS;
    pass(&h, 2000);
    read_log(&h, "+ relay, end");
    pass(&h, 60000);
    read_log(&h, "- relay");
    end(&h);
}

/* L12: a server that was taken away and is given again before that has been gathered with keeps its
 * relay; the one in between had none. */
static void l12_a_server_that_is_given_again_keeps_its_relay(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    set_user(&h, turn_url, "another");
    turn->allocate = turn->both = SILENT;
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 1000);
    set_user(&h, turn_url, "user");
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 10000);
    assert_null(strstr(h.log, "- relay"));
    assert_non_null(strstr(h.log, "+ relay"));
    pass(&h, 600000);
    assert_null(strstr(h.log, "- relay"));
    assert_int_equal(turn->releases, 0);
    end(&h);
}

/* L5, R6: a name that leads elsewhere by the next gathering: what the old address shows goes with it,
 * and nobody is asked there any more. A look-up that fails changes nothing. */
static void r6_a_server_that_has_moved_shows_nothing(void **state)
{
    static const char *const url[] = {"stun:stun.example.org"};
    static hand h;

    (void)state;
    make(&h, url, 1, defaults);
    server *old = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    (void)with(&h, "203.0.113.5:3478", "192.0.2.7:701"); /* a NAT with a mapping for each */
    h.places[0] = "203.0.113.2:0";
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, end");
    h.places[0] = NULL;
    gather(&h);
    pass(&h, 6000);
    assert_null(strstr(h.log, "-"));
    *h.log = '\0';
    h.places[0] = "203.0.113.5:0";
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "+ srflx, - srflx, end");
    old->bindings = 0;
    pass(&h, 60000);
    assert_int_equal(old->bindings, 0);
    end(&h);
}

/* R6: nor does it when the relay that stood where it was is lost only behind the gathering's end. */
static void r6_a_relay_that_is_lost_later_leaves_no_mapping(void **state)
{
    static hand h;

    (void)state;
    server *old = lose_a_named_server(&h, named_url, defaults);
    (void)with(&h, "203.0.113.5:3478", "192.0.2.7:701"); /* a NAT with a mapping for each */
    h.places[0] = "203.0.113.5:0";
    gather(&h);
    pass(&h, 10000);
    read_log(&h, "+ srflx, end");
    pass(&h, 60000);
    read_log(&h, "- relay, - srflx, + relay");
    old->bindings = 0;
    pass(&h, 60000);
    assert_int_equal(old->bindings, 0);
    end(&h);
}

/* R6: as long as nothing answers at the new place, what the old one shows is what there is. */
static void r6_a_server_whose_new_place_is_silent_shows_what_it_did(void **state)
{
    static const char *const url[] = {"stun:stun.example.org"};
    static hand h;

    (void)state;
    make(&h, url, 1, defaults);
    server *old = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *new = with(&h, "203.0.113.5:3478", "192.0.2.7:701");
    h.places[0] = "203.0.113.2:0";
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, end");
    h.places[0] = "203.0.113.5:0";
    new->binding = SILENT;
    gather(&h);
    pass(&h, 60000);
    read_log(&h, "error, end");
    assert_in_range(old->bindings, 5, 7); /* it is kept */
    new->binding = ANSWERS;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "+ srflx, - srflx, end");
    end(&h);
}

/* S6, L14: what is known of a domain waits for a better target of which nothing is heard; but nobody
 * has a straggler's grace who has not been asked. */
static void s6_a_target_that_waits_is_asked_before_the_end(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:example.org?transport=udp"};
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.service_discovery = true;
    make(&h, urls, 2, settings);
    (void)with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    with(&h, "203.0.113.5:3478", "192.0.2.7:700")->port = 50;
    h.unheard = "a.example.org";
    h.service = "b.example.org";
    h.places[0] = "203.0.113.5:0";
    gather(&h);
    pass(&h, 450);
    read_log(&h, "+ host, + srflx, + relay");
    pass(&h, 150);
    read_log(&h, "+ relay");
    pass(&h, 500);
    read_log(&h, "end");
    end(&h);
}

/* ── Mobility ── */

/* T10, R1, L11: a relay that has moved knows no mapped address (RFC 8016): what the NAT shows of the
 * address that it has moved to is asked for in each gathering, and kept. */
static void t10_where_a_relay_has_moved_the_mapping_is_asked_for(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mobility = true;
    make(&h, turn_url, 1, settings);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->tickets = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    h.ip = "10.0.5.5:0";
    turn->mapped = "192.0.2.8:900";
    gather(&h);
    pass(&h, 60000);
    read_log(&h, "- host, - srflx, + host, + srflx, end");
    assert_int_equal(turn->allocates, 1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 60000);
        assert_non_null(strstr(h.log, "+ srflx"));
        assert_null(strstr(h.log, "- "));
        *h.log = '\0';
    }
    turn->mapped = "192.0.2.9:900"; /* the NAT has forgotten it */
    pass(&h, 60000);
    read_log(&h, "- srflx, + srflx");
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* T10, RFC 8016 §3.2.1: a NAT gives us another address, by which the server does not know us: the ticket
 * keeps the relay. */
static void t10_another_address_of_the_nats_costs_no_relay(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mobility = true;
    make(&h, turn_url, 1, settings);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->tickets = true;
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    turn->forgets = 1;
    turn->mapped = "192.0.2.9:900";
    pass(&h, 16000);
    turn->forgets = 0;
    pass(&h, 60000);
    assert_false(says(&h, "- relay"));
    assert_int_equal(turn->allocates, 1);
    turn->refresh = FORGOT; /* and one that it does not know at all is lost */
    pass(&h, 16000);
    assert_true(says(&h, "- relay, + relay"));
    end(&h);
}

/* T10, L11: the address changes, and the way by the new one is silent for a while, or the server in
 * trouble: the relay that stands moves when that is over, be it behind the gathering's end. */
static void t10_a_move_outlives_its_gathering(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:turn.example.org"}};
    static const uint64_t outages[] = {250, 1500, 3000, 4500, 8000, 20000};
    static const doing how[] = {SILENT, SAYS};
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mobility = true;
    for (size_t row = 0; row < 48; row++) {
        make(&h, urls[row % 2], 1, settings);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->tickets = true;
        h.places[0] = "203.0.113.2:0";
        gather(&h);
        pass(&h, 1000);
        h.ip = "10.0.5.5:0";
        all(turn, how[row / 4 % 2]);
        turn->code = 503;
        if (row / 2 % 2 == 0) {
            restart(&h);
        } else {
            *h.log = '\0';
            gather(&h);
        }
        pass(&h, outages[row / 8]);
        all(turn, ANSWERS);
        pass(&h, row / 4 % 2 == 0 ? 20000 : 2100);
        assert_int_equal(turn->releases, 0);
        assert_int_equal(turn->allocates, 1);
        assert_true(says(&h, "+ relay") || row / 2 % 2 != 0);
        assert_false(says(&h, "- relay"));
        end(&h);
    }
}

/* T10, T6: a server that is full, and has said so to the address to which a relay moves, is not asked for
 * another: that has its room. */
static void t10_a_relay_moves_to_where_there_is_no_room(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mobility = true;
    for (int restarts = 0; restarts < 2; restarts++) {
        make(&h, turn_url, 1, settings);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->tickets = true;
        gather(&h);
        pass(&h, 1000);
        turn->room_for_one = 486;
        h.two_interfaces = true;
        gather(&h);
        pass(&h, 1000);
        h.two_interfaces = false;
        h.second_alone = true;
        *h.log = '\0';
        if (restarts) {
            restart(&h);
        } else {
            gather(&h);
        }
        pass(&h, 20000);
        assert_false(says(&h, "- relay"));
        assert_int_equal(says(&h, "+ relay"), restarts);
        assert_false(says(&h, "error"));
        assert_int_equal(turn->releases, 0);
        turn->refreshes = 0;
        pass(&h, 60000);
        assert_in_range(turn->refreshes, 3, 5);
        end(&h);
    }
}

/* T10: two relays wait, and one's own address is back: it is that one's. */
static void t10_an_address_that_is_back_is_its_own_relays(void **state)
{
    static hand h;
    floe_settings settings = defaults;
    static const uint32_t none = 0;

    (void)state;
    settings.mobility = true;
    make(&h, turn_url, 1, settings);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->tickets = true;
    gather(&h);
    pass(&h, 1000);
    uint32_t first = h.last[FLOE_CANDIDATE_TYPE_RELAY];
    h.two_interfaces = true;
    turn->port = 60;
    gather(&h);
    pass(&h, 1000);
    uint32_t second = h.last[FLOE_CANDIDATE_TYPE_RELAY];
    assert_true(first != second && second != none);
    h.two_interfaces = false;
    h.second_alone = true;
    gather(&h); /* the first's waits */
    pass(&h, 1000);
    h.second_alone = false;
    h.no_interface = true;
    gather(&h);
    pass(&h, 1000);
    h.no_interface = false;
    h.second_alone = true;
    gather(&h);
    pass(&h, 1000);
    floe_address peer = address_of("198.51.100.77:7");
    assert_int_equal(floe_core_send(h.core, h.now, second, &peer, "x", 1), FLOE_OK);
    pass(&h, 1000);
    assert_int_equal(h.data, 1);
    assert_int_equal(floe_core_send(h.core, h.now, first, &peer, "x", 1), FLOE_OK);
    pass(&h, 1000);
    assert_int_equal(h.data, 1);
    end(&h);
}

/* E2: a URL of TURN that gets no look-up fails, whatever another of its host has given. */
static void e2_another_url_of_the_host_hides_no_failure(void **state)
{
    static const char *const stun[] = {"stun:turn.example.org"};
    static const char *const both[] = {"stun:turn.example.org", "turn:turn.example.org"};
    static hand h;

    (void)state;
    make(&h, stun, 1, defaults);
    with(&h, "203.0.113.3:3478", "192.0.2.7:701");
    h.places[0] = "203.0.113.3:0";
    gather(&h);
    pass(&h, 1000);
    h.late_names = true;
    set(&h, both, 2);
    *h.log = '\0';
    gather(&h);
    pass(&h, 6000);
    assert_true(says(&h, "error"));
    assert_true(says(&h, "end"));
    end(&h);
}

/* L11: restarts behind one in which another relay was had, as the first was silent, tell that one: what
 * was told last; and what the NAT shows. */
static void l11_restarts_in_calm_tell_one_relay(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t tcp = 0; tcp < 2; tcp++) {
        server *turn = begin_with_relay(&h, urls[tcp]);
        turn->refresh = SILENT;
        turn->port = 60;
        restart(&h);
        pass(&h, 3000);
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        turn->refresh = ANSWERS;
        for (int i = 0; i < 3; i++) {
            *h.log = '\0';
            restart(&h);
            pass(&h, 5000);
            assert_true(says(&h, "+ relay"));
            assert_int_equal(says(&h, "+ srflx"), !tcp);
            assert_false(says(&h, "- "));
            assert_int_equal(h.last[FLOE_CANDIDATE_TYPE_RELAY], relay);
        }
        end(&h);
    }
}

/* E1: UDP is blocked, and the same port answers by TCP: that is what is said. */
static void e1_a_port_that_is_closed_to_udp_alone(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:203.0.113.2?transport=tcp"};
    static hand h;

    (void)state;
    make(&h, urls, 2, defaults);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700")->deaf_to = 1;
    gather(&h);
    pass(&h, 6000);
    assert_true(says(&h, "+ relay"));
    assert_non_null(strstr(h.error, "is UDP port 3478 open"));
    end(&h);
}

/* T10: a network that comes and goes beside another leaves no more relays each time. */
static void t10_a_network_that_comes_and_goes(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mobility = true;
    make(&h, turn_url, 1, settings);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->tickets = true;
    h.two_interfaces = true;
    gather(&h);
    pass(&h, 1000);
    for (int i = 0; i < 12; i++) {
        h.second_alone = i % 2 == 0;
        h.two_interfaces = !h.second_alone;
        gather(&h);
        pass(&h, 10000);
    }
    turn->refreshes = 0;
    pass(&h, 60000);
    assert_in_range(turn->refreshes, 7, 9); /* one for each address */
    assert_int_equal(h.sockets, 2);
    end(&h);
}

/* T10, T7: a server in trouble is not asked each two seconds for ever to let a relay move. */
static void t10_a_server_in_trouble_has_its_pauses(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mobility = true;
    make(&h, turn_url, 1, settings);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->tickets = true;
    gather(&h);
    pass(&h, 1000);
    h.ip = "10.0.5.5:0";
    turn->allocate = turn->both = turn->refresh = SAYS;
    turn->code = 503;
    turn->refreshes = 0;
    gather(&h);
    pass(&h, 300000);
    assert_in_range(turn->refreshes, 25, 40);
    end(&h);
}

/* T10: a network goes before the other comes: the relay waits, with a restart or without, with other
 * credentials too (L12). What waits too long has expired. */
static void t10_a_network_goes_before_another_comes(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mobility = true;
    for (size_t row = 0; row < 16; row++) {
        bool restarts = row / 2 % 2 != 0;
        size_t how = row / 4; /* for a moment; for minutes; for ever; another user then */
        make(&h, urls[row % 2], 1, settings);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->tickets = true;
        gather(&h);
        pass(&h, 1000);
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        h.no_interface = true;
        gather(&h);
        floe_address peer = address_of("198.51.100.77:7");
        for (int i = 0; how != 2 && i < 10; i++) { /* to nowhere, and not kept */
            pass(&h, how == 1 ? 30000 : 100);
            assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
        }
        pass(&h, how == 2 ? 700000 : 0);
        assert_int_equal(floe_core_doubt(h.core, h.now, relay),
                         how == 2 ? FLOE_ERR_NOT_FOUND : FLOE_OK);
        if (how == 2) {
            assert_true(says(&h, "- relay"));
            end(&h);
            continue;
        }
        h.no_interface = false;
        h.ip = how == 1 ? "10.0.5.5:0" : NULL;
        *h.log = '\0';
        if (how == 3) {
            set_user(&h, urls[row % 2], "another");
            turn->port = 60;
        }
        if (restarts) {
            restart(&h);
        } else {
            gather(&h);
        }
        pass(&h, 5000);
        assert_int_equal(says(&h, "+ relay"), how == 3 || restarts);
        assert_false(says(&h, "- relay"));
        assert_int_equal(turn->allocates, how == 3 ? 2 : 1);
        assert_int_equal(turn->releases, 0);
        assert_int_equal(h.data, 0);
        pass(&h, 60000);
        turn->refreshes = 0;
        pass(&h, 60000);
        assert_in_range(turn->refreshes, 3, 5); /* the former user's has left */
        end(&h);
    }
}

/* T10: an address goes: of two relays of one server's name, whose first is dead and not ended yet, the
 * living one moves. */
static void t10_the_living_relay_moves(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mobility = true;
    make(&h, named_url, 1, settings);
    server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:701");
    first->tickets = second->tickets = true;
    second->port = 50;
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "203.0.113.3:0";
    gather(&h);
    pass(&h, 1000);
    all(first, SILENT);
    restart(&h);
    pass(&h, 6000);
    h.ip = "10.0.5.5:0";
    gather(&h);
    pass(&h, 60000);
    assert_int_equal(second->allocates, 1);
    assert_int_equal(second->releases, 0);
    end(&h);
}

/* R1, R2: what the NAT shows of a base is asked by a Binding where an Allocate was sure to show it, and
 * does not: nobody answers it, it has gone by another port, or its answer names no mapped address. */
static void r2_what_an_allocate_does_not_show(void **state)
{
    static hand h;

    (void)state;
    for (int row = 0; row < 3; row++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->guarded = true;
        gather(&h);
        pass(&h, 1000);
        h.two_interfaces = true; /* by its Allocate the nonce is known to hold for another socket */
        gather(&h);
        pass(&h, 1000);
        h.two_interfaces = false;
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        turn->bindings = turn->allocates = 0;
        h.ip = "10.0.5.5:0";
        turn->mapped = "192.0.2.8:900";
        turn->allocate = turn->both = row == 0 ? SILENT : ANSWERS;
        turn->strangers = row == 1;
        turn->shows_nothing = row == 2;
        turn->port = 50;
        gather(&h);
        pass(&h, 6000);
        assert_non_null(strstr(h.log, "+ srflx"));
        assert_int_equal(strstr(h.log, "+ relay") != NULL, row != 0);
        assert_true(turn->bindings > 0);
        end(&h);
    }
}

/* T10, R2: nor does a Refresh that moves one show it, though the server's nonce holds for all and
 * each request is answered at once. */
static void t10_a_move_shows_no_mapping(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mobility = true;
    make(&h, turn_url, 1, settings);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = turn->tickets = true;
    gather(&h);
    pass(&h, 1000);
    h.two_interfaces = true; /* by its Allocate the nonce is known to hold for another socket */
    gather(&h);
    pass(&h, 1000);
    h.two_interfaces = false;
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    turn->bindings = turn->allocates = 0;
    h.ip = "10.0.5.5:0";
    turn->mapped = "192.0.2.8:900";
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "- host, - srflx, + host, + srflx, end");
    assert_int_equal(turn->allocates, 0);
    assert_int_equal(turn->bindings, 1);
    end(&h);
}

/* ── Relays ── */

/* T7, T7b: a server that was restarted knows of no allocation. Its relay goes, and another comes,
 * within 20 s though nothing is sent; nobody's candidate stays behind. */
static void t7b_a_lost_allocation_is_noticed_though_idle(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->refresh = FORGOT;
    pass(&h, 20000);
    read_log(&h, "- relay, + relay");
    assert_int_equal(turn->allocates, 2);
    end(&h);
}

/* T7: an allocation whose every Refresh is refused, though it is no 437, is asked for anew in longer
 * and longer pauses, as any that is lost. */
static void t7_a_relay_that_is_never_renewed(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->refresh = SAYS;
    turn->code = 400;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    pass(&h, 20000); /* T7b */
    read_log(&h, "- relay, + relay");
    pass(&h, 1200000);
    assert_in_range(turn->allocates, 15, 22);
    *h.log = '\0';
    turn->refresh = ANSWERS;
    size_t asked = turn->allocates;
    pass(&h, 600000);
    assert_true(turn->allocates <= asked + 1);
    end(&h);
}

/* T7b, L11: to a gathering a server in trouble has said nothing against the relay that it has given;
 * one that refuses the Refresh for another reason is asked twice, and then for another relay. */
static void t7b_a_refused_refresh_in_a_gathering(void **state)
{
    static const struct {
        uint16_t code;
        bool once;
        const char *log;
        size_t allocates;
    } rows[] = {
        {503, false, "+ host, + srflx, + relay, end", 1},
        {500, false, "+ host, + srflx, + relay, end", 1},
        {400, true, "+ host, + srflx, + relay, end", 1},
        {400, false, "+ host, - relay, + srflx, + relay, end", 3}, /* 437; what held it goes */
    };
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        server *turn = begin_with_relay(&h, turn_url);
        turn->refresh = SAYS;
        turn->code = rows[i].code;
        turn->holds = true;
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 1000);
        turn->refresh = rows[i].once ? ANSWERS : SAYS;
        pass(&h, 3000);
        turn->refresh = ANSWERS;
        pass(&h, 600000);
        read_log(&h, rows[i].log);
        assert_int_equal(turn->allocates, rows[i].allocates);
        end(&h);
    }
}

/* T5: an outage is no reason to show a server no wishes for as long as the api lives. */
static void t5_an_outage_makes_no_server_deaf(void **state)
{
    static hand h;

    (void)state;
    for (uint64_t ms = 0; ms < 3500; ms += 100) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->allocate = turn->both = turn->binding = SILENT;
        gather(&h);
        pass(&h, ms);
        turn->allocate = turn->both = turn->binding = ANSWERS;
        pass(&h, 10000);
        assert_non_null(strstr(h.log, "+ relay"));
        turn->refresh = FORGOT;
        turn->wishes = 0;
        pass(&h, 15500);
        assert_true(turn->wishes > 0);
        end(&h);
    }
}

/* T7b, K1: a 437 to a peer's request is answered by the Refresh that was granted behind it: what is
 * refused later is another matter. */
static void t7b_a_denial_ends_with_the_granted_refresh(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    floe_address peer = address_of("198.51.100.77:7");
    turn->permission = FORGOT;
    assert_int_equal(
        floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1), FLOE_OK);
    pass(&h, 1000);
    turn->permission = SILENT;
    pass(&h, 700000); /* it has lapsed */
    *h.log = '\0';
    turn->refresh = SAYS;
    turn->code = 503;
    pass(&h, 60000);
    read_log(&h, "");
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* T7b, RFC 8656 §5: "no such allocation" to a peer's request, which a Refresh that is refused for
 * another reason does not contradict. */
static void t7b_a_peer_was_told_that_it_is_gone(void **state)
{
    static const uint16_t codes[] = {400, 500, 503};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        server *turn = begin_with_relay(&h, turn_url);
        floe_address peer = address_of("198.51.100.77:7");
        turn->permission = FORGOT;
        turn->refresh = SAYS;
        turn->code = codes[i];
        assert_int_equal(
            floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1),
            FLOE_OK);
        pass(&h, 5000);
        assert_int_equal(turn->allocates, 2);
        assert_non_null(strstr(h.log, "- relay, + relay"));
        end(&h);
    }
}

/* RFC 8445 §5.1.1.3: of one foundation are candidates of one type, base and server that were got by one
 * transport, and no others. */
static void c6_a_foundation_has_one_transport_to_the_server(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:203.0.113.2?transport=tcp"};
    static hand h;
    floe_candidate_list *list;
    char foundations[2][64] = {"", ""};
    size_t relays = 0;

    (void)state;
    make(&h, urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    assert_int_equal(turn->allocates, 2);
    assert_int_equal(floe_core_get_local_candidates(h.core, &list), FLOE_OK);
    for (size_t i = 0; i < list->count && relays < 2; i++) {
        if (list->candidates[i]->type == FLOE_CANDIDATE_TYPE_RELAY) {
            (void)snprintf(foundations[relays++], sizeof *foundations, "%s",
                           list->candidates[i]->foundation);
        }
    }
    assert_int_equal(relays, 2);
    assert_string_not_equal(foundations[0], foundations[1]);
    floe_candidate_list_free(list);
    end(&h);
}

/* RFC 8656 §11.4, §12.4: data may be empty; what has neither data nor ICMP is dropped. */
static void k1_data_of_no_bytes(void **state)
{
    static const floe_stun_id id = {{1}};
    static const uint8_t nothing[1];
    static hand h;
    floe_packet packet;
    uint8_t bytes[128];

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    floe_core_receive_packets(h.core, true);
    floe_address peer = address_of("198.51.100.77:7");
    uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
    for (int i = 0; i < 2; i++) { /* the second one is why a channel is bound */
        assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, nothing, 0), FLOE_OK);
        pass(&h, 1000);
        assert_int_equal(h.data, (size_t)i + 1);
    }
    for (int has_data = 0; has_data < 2; has_data++) {
        floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_INDICATION,
                                                  FLOE_STUN_DATA_INDICATION, &id);
        floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &peer);
        if (has_data) {
            floe_stun_put(&writer, FLOE_STUN_DATA, floe_span_of(nothing, 0));
        }
        deliver(&h, 1, turn, &writer);
        assert_int_equal(floe_core_packet(h.core, h.now, &packet), has_data != 0);
    }
    assert_int_equal(packet.size, 0);
    const uint8_t channel_data[] = {0x40, 0x00, 0x00, 0x00};
    floe_address source = address_of(turn->address);
    floe_core_datagram(h.core, h.now, 1, &source, channel_data, sizeof channel_data);
    assert_true(floe_core_packet(h.core, h.now, &packet));
    assert_int_equal(packet.size, 0);
    assert_true(floe_address_equal(&packet.peer, &peer));
    end(&h);
}

/* T7, P4: of a relay that has been replaced, or has gone with its address, nothing is left, however
 * often that is. */
static void t7_a_relay_that_goes_leaves_nothing_behind(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t tcp = 0; tcp < 2; tcp++) {
        size_t live = 0;
        make(&h, urls[tcp], 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        for (size_t i = 0; i < 10; i++) {
            *h.log = '\0';
            turn->refresh = FORGOT;
            while (turn->allocates < i + 2) {
                pass(&h, 1000);
            }
            turn->refresh = ANSWERS;
            pass(&h, 600000);
            read_log(&h, "- relay, + relay");
            assert_true(i == 0 || h.memory.live == live);
            live = h.memory.live;
        }
        for (size_t i = 0; i < 10; i++) {
            *h.log = '\0';
            h.no_interface = true;
            gather(&h);
            pass(&h, 6000);
            assert_int_equal(h.sockets, 0);
            h.no_interface = false;
            gather(&h);
            pass(&h, 600000);
            assert_non_null(strstr(h.log, "+ relay"));
            assert_true(i == 0 || h.memory.live == live);
            live = h.memory.live;
        }
        end(&h);
    }
}

/* T7b: a success with LIFETIME 0 to a Refresh that asked for more (node-turn) is no word that the
 * allocation is gone: its relay stays, and is asked about as often as any. Once it is gone, the
 * next Refresh says so. */
static void t7b_a_granted_lifetime_of_0_is_no_loss(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->ends_at_once = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    pass(&h, 1500000);
    read_log(&h, "");
    assert_int_equal(turn->allocates, 1);
    assert_in_range(turn->refreshes, 90, 105); /* each Tr */
    turn->refresh = FORGOT;
    pass(&h, 20000);
    read_log(&h, "- relay, + relay");
    end(&h);
}

/* One whose renewal meets ICMP asks no longer, waits, and is freed with nothing listed; a 403 to
 * the next Allocate ends it for good, which its owner is told with the server's reason. */
static void t7_a_renewal_that_meets_icmp(void **state)
{
    static hand h;
    floe_candidate_list *list;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->refresh = FORGOT;
    turn->allocate = STUNNED;
    pass(&h, 20000);
    read_log(&h, "- relay, error"); /* told once that it can't be had */
    size_t asked = turn->allocates;
    pass(&h, 30000);
    assert_in_range(turn->allocates, asked + 1, asked + 4); /* after 1, 2, 4 … s, no oftener */
    read_log(&h, "");
    turn->refresh = ANSWERS;
    turn->allocate = ANSWERS;
    pass(&h, 60000);
    read_log(&h, "+ relay");
    turn->refresh = FORGOT;
    turn->allocate = REFUSES;
    pass(&h, 20000);
    read_log(&h, "- relay, error");
    assert_non_null(strstr(h.error, "403"));
    set(&h, stun_urls, 1);
    gather(&h);
    pass(&h, 6000);
    assert_int_equal(floe_core_get_local_candidates(h.core, &list), FLOE_OK);
    assert_int_equal(list->count, 1); /* the host */
    floe_candidate_list_free(list);
    end(&h);
}

/* E1, E2: a server that is away while it is restarted with another configuration: that the relay is
 * not to be had for now is told, and then the refusal, with which it ends for good, too (RFC 8656
 * §7.4), until somebody gathers. */
static void t7_a_renewal_that_is_refused_for_good(void **state)
{
    static const uint16_t codes[] = {400, 403, 420, 440, 441, 442};
    static hand h;
    char code[8];

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->code = codes[i];
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        turn->refresh = FORGOT;
        turn->allocate = STUNNED;
        pass(&h, 20000);
        read_log(&h, "- relay, error");
        turn->allocate = SAYS;
        pass(&h, 60000);
        read_log(&h, "error");
        (void)snprintf(code, sizeof code, "%u", codes[i]);
        assert_non_null(strstr(h.error, code));
        assert_true(h.url_failed);
        size_t asked = turn->allocates;
        pass(&h, 300000);
        read_log(&h, "");
        assert_int_equal(turn->allocates, asked);
        turn->allocate = ANSWERS;
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ relay, end");
        end(&h);
    }
}

/* T7, L11: a relay of before that a restart has in vain is told when it is back, as any that was lost;
 * and that it is gone again. */
static void t7_a_relay_that_a_restart_did_not_find_is_told_when_it_is_back(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->refresh = FORGOT;
    turn->allocate = SILENT;
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 60000);
    read_log(&h, "+ host, - relay, + srflx, error, end");
    for (int i = 0; i < 2; i++) {
        turn->refresh = turn->allocate = ANSWERS;
        size_t kept = turn->refreshes;
        pass(&h, 120000);
        assert_true(turn->refreshes > kept);
        read_log(&h, "+ relay");
        turn->refresh = FORGOT;
        turn->allocate = SILENT;
        pass(&h, 120000);
        read_log(&h, "- relay, error");
    }
    gather(&h); /* the generation's next is complete without it, too */
    pass(&h, 60000);
    read_log(&h, "error, end");
    turn->refresh = turn->allocate = ANSWERS;
    pass(&h, 120000);
    read_log(&h, "+ relay");
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "end");
    end(&h);
}

/* T7, S7: a server that has moved to another address is found by its name, and nobody asks where it
 * was. */
static void t7_a_server_that_has_moved(void **state)
{
    static hand h;

    (void)state;
    server *first = lose_a_named_server(&h, named_url, defaults);
    server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    h.places[0] = "203.0.113.3:0";
    h.look_ups = 0;
    pass(&h, 150000);
    read_log(&h, "- relay, error, + relay");
    assert_int_equal(second->allocates, 1);
    assert_int_equal(h.look_ups, 1);
    size_t asked = first->allocates;
    pass(&h, 3600000);
    read_log(&h, "");
    assert_int_equal(first->allocates, asked);
    assert_int_equal(h.look_ups, 1);
    first->allocate = first->refresh = ANSWERS;
    second->refresh = FORGOT; /* restarted: it is asked again where it is */
    pass(&h, 16000);
    read_log(&h, "- relay, + relay");
    assert_int_equal(first->allocates, asked);
    end(&h);
}

/* R6: what the server showed where it was goes with the relay that is had elsewhere; nobody keeps it. */
static void r6_a_relay_that_is_had_elsewhere_leaves_no_mapping(void **state)
{
    static hand h;

    (void)state;
    server *first = lose_a_named_server(&h, named_url, defaults);
    (void)with(&h, "203.0.113.3:3478", "192.0.2.7:701"); /* a NAT with a mapping for each */
    h.places[0] = "203.0.113.3:0";
    pass(&h, 150000);
    read_log(&h, "- relay, error, + relay, - srflx");
    first->bindings = 0;
    pass(&h, 60000);
    assert_int_equal(first->bindings, 0);
    end(&h);
}

/* T6, RFC 8656 §3.2: two URLs lead to one server, and each asks from a socket of its own: neither
 * meets the other's allocation, nor spends its nonces. */
static void t6_each_url_of_a_server_has_its_own_socket(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:turn.example.org"};
    static hand h;

    (void)state;
    make(&h, urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = true;
    h.places[0] = "203.0.113.2:0";
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, + relay, end");
    assert_int_equal(h.sockets, 2);
    assert_int_equal(turn->allocates, 2);
    end(&h);
}

/* T7b: there is no second socket for the second URL, and between the Allocates its server is
 * restarted, or a NAT has forgotten the socket and shows it by another port. The first relay is
 * gone, though its Refresh is answered, as if it were the second's. Else the server has the first,
 * and says 437. */
static void t7b_a_relay_that_another_of_its_socket_has_ended(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:turn.example.org"};
    static const struct {
        const char *mapped; /* at the second Allocate */
        size_t stands;      /* 437 to it, so often */
    } rows[] = {{"192.0.2.7:700", 1}, {"192.0.2.7:700", 0}, {"192.0.2.7:701", 0}};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make(&h, urls, 2, defaults);
        h.one_port = true;
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        h.places[0] = "203.0.113.2:0";
        h.late_names = true;
        gather(&h);
        pass(&h, 200);
        read_log(&h, "+ host, + srflx, + relay");
        turn->mapped = rows[i].mapped;
        turn->strangers = rows[i].stands;
        for (size_t k = 0; k < h.query_count; k++) {
            answer_look_up(&h, h.queries[k]);
        }
        pass(&h, 500);
        assert_int_equal(strstr(h.log, "- relay") == NULL, rows[i].stands);
        assert_int_equal(turn->releases, 0); /* it would end the other */
        end(&h);
    }
}

/* T7, E2: a name that is not known, or cannot be looked up, while its server is away leaves
 * everything as it is: the relay is asked for where it was, no second error is told, and the
 * look-ups are not more than the requests. */
/* T7, S6: name servers that give addresses and no services say nothing of where the server is. */
static void t7_a_server_that_is_away_with_its_services(void **state)
{
    static const char *const urls[] = {"turn:example.org?transport=udp"};
    static hand h;
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.service_discovery = true;
    make(&h, urls, 1, settings);
    h.service = "turn.example.org";
    h.places[0] = "203.0.113.2:0";
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *stranger = with(&h, "203.0.113.80:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->binding = turn->allocate = turn->refresh = SILENT;
    h.no_services = true;
    pass(&h, 300000);
    read_log(&h, "- relay, error");
    assert_int_equal(stranger->allocates, 0);
    turn->binding = turn->allocate = turn->refresh = ANSWERS;
    pass(&h, 120000);
    read_log(&h, "+ relay");
    end(&h);
}

static void t7_a_server_that_is_away_with_its_name(void **state)
{
    static hand h;

    (void)state;
    server *turn = lose_a_named_server(&h, named_url, defaults);
    h.places[0] = NULL;
    h.look_ups = 0;
    pass(&h, 600000);
    read_log(&h, "- relay, error");
    assert_true(h.url_failed);
    assert_in_range(h.look_ups, 4, 12);
    turn->binding = turn->allocate = turn->refresh = ANSWERS;
    pass(&h, 120000);
    read_log(&h, "+ relay");
    h.places[0] = "203.0.113.2:0";
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "end");
    end(&h);
}

/* T7: of a name's addresses each is asked in its turn, and what an Allocate that was not answered
 * may have made is given back before the next is asked. */
static void t7_another_address_of_the_name(void **state)
{
    static hand h;

    (void)state;
    server *first = lose_a_named_server(&h, named_url, defaults);
    server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    h.places[1] = "203.0.113.3:0";
    second->allocate = STUNNED;
    pass(&h, 400000);
    read_log(&h, "- relay, error");
    assert_in_range(first->allocates, 14, 60);
    assert_in_range(second->allocates, 2, 8);
    assert_true(first->releases > 0);
    second->allocate = ANSWERS;
    pass(&h, 120000);
    read_log(&h, "+ relay");
    size_t asked = first->allocates;
    pass(&h, 600000);
    assert_int_equal(first->allocates, asked);
    end(&h);
}

/* T7: a server of two by one name that falls silent: the other is asked at once when that is noticed,
 * not behind another transaction with the first. */
static void t7_the_other_server_of_a_name_when_one_falls_silent(void **state)
{
    static const char *const urls[][1] = {{"turn:turn.example.org"},
                                          {"turn:turn.example.org?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t tcp = 0; tcp < 2; tcp++) {
        make(&h, urls[tcp], 1, defaults);
        server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        (void)with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        h.places[0] = "203.0.113.2:0";
        h.places[1] = "203.0.113.3:0";
        gather(&h);
        pass(&h, 1000);
        assert_non_null(strstr(h.log, "+ relay, end"));
        *h.log = '\0';
        first->allocate = first->both = first->refresh = first->binding = SILENT;
        pass(&h, tcp ? 36000 : 55500); /* T7b's 35 s; the transaction's 39.5 s behind Tr */
        assert_non_null(strstr(h.log, "- relay, + relay"));
        end(&h);
    }
}

/* S6, L5, L11: of two servers by one name one dies, and its owner restarts or gathers: the other is asked
 * beside the question whether the relay of before stands, and has given what there is within a
 * second or two. */
static void l11_a_restart_asks_the_other_server_of_a_name(void **state)
{
    static const char *const urls[][1] = {{"turn:turn.example.org"},
                                          {"turn:turn.example.org?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 4; row++) {
        make(&h, urls[row % 2], 1, defaults);
        server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        with(&h, "203.0.113.3:3478", "192.0.2.7:701")->port = 50;
        h.places[0] = "203.0.113.2:0";
        h.places[1] = "203.0.113.3:0";
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        first->allocate = first->both = first->refresh = first->binding = SILENT;
        if (row / 2 != 0) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        gather(&h);
        pass(&h, 2000);
        assert_non_null(strstr(h.log, "+ relay"));
        assert_int_equal(strstr(h.log, "+ srflx") != NULL, row % 2 == 0);
        assert_non_null(strstr(h.log, "end"));
        first->allocate = first->both = first->refresh = first->binding = ANSWERS;
        *h.log = '\0';
        pass(&h, 60000); /* its own generation goes on with it, the next has another */
        read_log(&h, row != 0 ? "- relay" : ""); /* by TCP for its silence */
        end(&h);
    }
}

/* L11, S6: behind a restart that has found the living server of a name each other finds it, though the
 * dead one's relay, which comes first, is not ended yet. */
static void l11_each_restart_finds_the_living_server_of_a_name(void **state)
{
    static const char *const urls[][1] = {{"turn:turn.example.org"},
                                          {"turn:turn.example.org?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t tcp = 0; tcp < 2; tcp++) {
        make(&h, urls[tcp], 1, defaults);
        server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:701");
        second->port = 50;
        h.places[0] = "203.0.113.2:0";
        h.places[1] = "203.0.113.3:0";
        gather(&h);
        pass(&h, 1000);
        first->allocate = first->both = first->refresh = first->binding = SILENT;
        for (size_t i = 0; i < 4; i++) {
            *h.log = '\0';
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
            gather(&h);
            pass(&h, i == 0 ? 2200 : 1000);
            assert_non_null(strstr(h.log, "+ relay"));
            assert_int_equal(strstr(h.log, "+ srflx") != NULL, tcp == 0);
            assert_non_null(strstr(h.log, "end"));
            pass(&h, 3000);
        }
        assert_int_equal(second->allocates, 1);
        *h.log = '\0';
        pass(&h, 60000);
        assert_null(strstr(h.log, "+ "));
        end(&h);
    }
}

/* L11: what a restart is about to ask anew is answered in that moment: it is had, and asked no more. */
static void l11_what_comes_before_it_is_asked_anew(void **state)
{
    static hand h;

    (void)state;
    for (int steps = 0; steps < 6; steps++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->allocate = SILENT;
        gather(&h);
        pass(&h, 2500);
        turn->allocate = ANSWERS;
        floe_stun_message request = {
            .class = FLOE_STUN_REQUEST, .method = FLOE_STUN_ALLOCATE, .id = h.allocate};
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        for (int step = 0; step < steps; step++) {
            h.now = floe_core_deadline(h.core);
            floe_core_time(h.core, h.now);
            settle(&h);
        }
        if (turn->allocates == 3) { /* it is not asked anew yet */
            succeed(&h, 1, turn, &request);
        }
        pass(&h, 30000);
        assert_in_range(turn->allocates, 3, 4);
        read_log(&h, "+ host, + srflx, + host, + srflx, + relay, end");
        end(&h);
    }
}

/* L11: a gathering behind an outage is a new question: it does not wait for the turn of a Refresh that
 * was sent long ago; and owners who restart keep nothing alive that is dead. */
static void l11_a_gathering_asks_anew_what_is_unanswered(void **state)
{
    static hand h;

    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        server *turn = begin_with_relay(&h, turn_url);
        pass(&h, 13500); /* a Refresh is about to be sent */
        turn->allocate = turn->both = turn->refresh = turn->binding = SILENT;
        pass(&h, 10000);
        turn->allocate = turn->both = turn->refresh = turn->binding = ANSWERS;
        *h.log = '\0';
        if (restarts) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        gather(&h);
        pass(&h, 200);
        read_log(&h, restarts ? "+ host, + srflx, + relay, end" : "end");
        assert_int_equal(turn->allocates, 1);
        turn->allocate = turn->both = turn->refresh = turn->binding = SILENT;
        pass(&h, 16000);
        *h.log = '\0';
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
            gather(&h);
            pass(&h, 6000);
        }
        assert_true(turn->allocates > 1); /* it was given up, and is asked for again */
        end(&h);
    }
}

/* T7, L12: other credentials find no server at the moment when they are set; the relay by those of before
 * is lost at once, or later, or they expire: it is asked for again by the new ones, as it would be
 * by the old. */
static void l12_a_former_relay_that_is_lost_is_asked_for_by_the_new_user(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 12; row++) {
        size_t how =
            row / 4; /* it is lost before the other user is set, or behind it; or it expires */
        server *turn = begin_with_relay(&h, urls[row % 2]);
        turn->code = 500;
        turn->allocate = turn->both = turn->binding = how == 2 ? SAYS : STUNNED;
        turn->refresh = how == 2 ? ANSWERS : how == 1 ? SILENT : STUNNED;
        pass(&h, how == 0 ? 40000 : 0);
        set_user(&h, urls[row % 2], "another");
        if (row / 2 % 2 != 0) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        gather(&h);
        pass(&h, 7000);
        assert_non_null(strstr(h.log, "end"));
        turn->allocate = turn->both = turn->binding = ANSWERS;
        turn->refresh = how == 2 ? SAYS : FORGOT;
        turn->code = 401;
        turn->port = 60;
        *h.log = '\0';
        for (size_t i = 0; i < 70 && strstr(h.log, "+ relay") == NULL; i++) {
            pass(&h, 1000);
        }
        turn->refresh = ANSWERS;
        pass(&h, 60000);
        read_log(&h, how == 0 ? "+ relay" : "- relay, + relay");
        end(&h);
    }
}

/* L12, E2: two relays of one user's, each lost: what comes first serves, and that the other is not to be
 * had is no error. */
static void l12_of_two_that_were_lost_one_serves(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->port = 60;
    set_user(&h, turn_url, "another");
    gather(&h);
    pass(&h, 1000);
    set_user(&h, turn_url, "user");
    gather(&h);
    pass(&h, 100);
    *h.log = '\0';
    turn->forgets = 1;
    turn->allocate = turn->both = SILENT;
    for (size_t i = 0; i < 20 && !says(&h, "- relay"); i++) {
        pass(&h, 1000);
    }
    turn->allocate = turn->both = ANSWERS;
    turn->deaf_to = 1;
    turn->forgets = 2;
    pass(&h, 100000);
    read_log(&h, "- relay, - relay, + relay");
    end(&h);
}

/* E1: what a former user's relay hears of the server is heard, too. */
static void e1_a_former_relay_is_answered(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    pass(&h, 12000);
    turn->deaf_to = 2;
    set_user(&h, turn_url, "another");
    turn->binding = SILENT;
    gather(&h);
    pass(&h, 6000);
    assert_true(says(&h, "error"));
    assert_non_null(strstr(h.error, "answers"));
    end(&h);
}

/* L11: of several relays of a server's name one is told in a generation, by whose server says first that
 * it stands; what another loses or says does not stall the gathering, nor is it an error. */
static void l11_of_several_relays_one_is_told(void **state)
{
    static const char *const urls[] = {"turn:turn.example.org", "stun:203.0.113.9"};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 4; row++) {
        begin_with_two(&h, urls, 2);
        server *first = &h.servers[0];
        server *second = &h.servers[1];
        all(first, row == 3 ? SILENT : ANSWERS);
        if (row ==
            1) { /* it was restarted; and the other, of which that is not known yet, is dead */
            first->refresh = FORGOT;
            all(second, SILENT);
        }
        if (row == 3) {
            all(second, SILENT);
            h.errors = 0;
            gather(&h);
            pass(&h, 6000);
            assert_int_equal(h.errors, 1); /* of the other server */
            end(&h);
            continue;
        }
        restart(&h);
        pass(&h, 200);
        assert_true(says(&h, row == 1 ? "- relay, + srflx, + relay" : "+ relay"));
        if (row ==
            2) { /* lost within the gathering: the other is told instead, or it is had again */
            second->refresh = FORGOT; /* which was told last, and so is told now */
            floe_core_woke(h.core, h.now);
        }
        pass(&h, 6000);
        assert_true(says(&h, "end"));
        first->refresh = ANSWERS;
        second->refresh = row == 1 ? SILENT : ANSWERS;
        *h.log = '\0';
        pass(&h, 120000);
        read_log(&h, "- relay");
        first->refreshes = second->refreshes = 0;
        pass(&h, 600000);
        assert_true(first->refreshes == 0 || second->refreshes == 0);
        end(&h);
    }
}

/* T7b, L14: time in which nobody ran, asleep or stopped, is no silence of the server's. */
static void t7b_sleep_is_no_silence(void **state)
{
    static hand h;

    (void)state;
    for (int row = 0; row < 3; row++) {
        server *turn = begin_with_relay(&h, turn_url);
        pass(&h, 13000);
        all(turn,
            SILENT); /* a Refresh is sent in vain before it falls asleep, or awake for a moment */
        pass(&h, row == 0 ? 3500 : 0);
        for (int wakes = 0; wakes < 3 && row < 2; wakes++) {
            h.now = floe_time_after(h.now, floe_seconds(120));
            floe_core_woke(h.core, h.now);
            pass(&h, 1500);
        }
        if (row == 2) { /* stopped, and its owner gathers behind it */
            pass(&h, 3500);
            h.now = floe_time_after(h.now, floe_seconds(60));
            gather(&h);
            pass(&h, 1200);
        }
        all(turn, ANSWERS);
        pass(&h, 30000);
        assert_false(says(&h, "- relay"));
        assert_int_equal(turn->allocates, 1);
        end(&h);
    }
}

/* L12, T6: what the server still holds of the former user by our socket is a stranger's to the new one:
 * 437, or 441 as coturn says, which no Allocate from there can mend. */
static void l12_a_former_users_socket_is_left_to_it(void **state)
{
    static const uint16_t codes[] = {437, 441};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 4; row++) {
        server *turn = begin_with_relay(&h, turn_url);
        turn->former = 1; /* the base's socket */
        turn->code = codes[row % 2];
        if (row / 2 != 0) { /* lost in an outage, which is over when the other user is set */
            all(turn, SILENT);
            turn->former = 0;
            pass(&h, 60000);
            all(turn, ANSWERS);
            turn->former = 1;
        } else { /* credentials that expire while others have met trouble */
            all(turn, SAYS);
            turn->code = 500;
            turn->former = 0;
        }
        set_user(&h, turn_url, "another");
        restart(&h);
        pass(&h, 7000);
        if (row / 2 == 0) {
            turn->code = codes[row % 2];
            turn->former = 1;
            all(turn, ANSWERS);
        }
        turn->port = 60;
        pass(&h, 60000);
        assert_true(says(&h, "+ relay"));
        *h.log = '\0';
        pass(&h, 60000);
        read_log(&h, "");
        end(&h);
    }
}

/* T6: likewise where the new user's own Allocate has gone unanswered, and might have made what is there:
 * that it is another user's is what the server says. */
static void t6_what_stands_there_is_another_users(void **state)
{
    static const uint16_t codes[] = {437, 441};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 4; row++) {
        for (uint64_t outage = 45000; outage < 120000; outage += 3500) {
            make(&h, turn_url, 1, defaults);
            server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
            bool guarded = row / 2 == 0;
            turn->guarded = turn->signs = guarded;
            gather(&h);
            pass(&h, 20000);
            all(turn, SILENT);
            turn->guarded = false;
            pass(&h, 10000);
            set_user(&h, turn_url, "another");
            restart(&h);
            pass(&h, outage);
            assert_true(says(&h, "- relay"));
            *h.log = '\0';
            all(turn, ANSWERS);
            turn->guarded = guarded;
            turn->former = 1; /* the base's socket */
            turn->code = codes[row % 2];
            turn->port = 60;
            pass(&h, 60000);
            assert_true(says(&h, "+ relay"));
            *h.log = '\0';
            pass(&h, 60000);
            read_log(&h, "");
            end(&h);
        }
    }
}

/* L12: an outage in which a former relay's half minute ends, with a restart in it: neither is told before
 * its server has said that it stands, and the former goes when the other is there. */
static void l12_a_former_relay_goes_behind_an_outage(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->port = 50;
    set_user(&h, turn_url, "another");
    gather(&h);
    pass(&h, 28000);
    read_log(&h, "+ relay, end");
    all(turn, SILENT);
    restart(&h);
    pass(&h, 4000);
    read_log(&h, "+ host");
    pass(&h, 12000);
    all(turn, ANSWERS);
    *h.log = '\0';
    pass(&h, 30000);
    assert_true(says(&h, "+ relay"));
    *h.log = '\0';
    pass(&h, 60000);
    turn->refreshes = 0;
    pass(&h, 600000);
    assert_in_range(turn->refreshes, 38, 42); /* one of them is kept */
    end(&h);
}

/* T12, T5: what is asked for beside a relay is asked of the server that has given it, though what stood
 * beside the one before is not known to be dead yet. */
static void t12_a_relay_for_tcp_of_the_living_server(void **state)
{
    static const char *const urls[] = {"turn:turn.example.org?transport=tcp"};
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4;
    make(&h, urls, 1, settings);
    server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:701");
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "203.0.113.3:0";
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + relay, + relay, + relay, end");
    all(first, SILENT);
    first->tcp = SILENT;
    restart(&h);
    pass(&h, 3000);
    assert_int_equal(second->allocates, 2);
    read_log(&h, "+ host, + relay, + relay, + relay, end");
    end(&h);
}

/* L11, L14: who waits for his turn beside one that is silent has it before the others' grace ends the
 * gathering: the other server of a name, beside a URL that is answered at once. */
static void l14_who_waits_beside_the_silent_is_asked(void **state)
{
    static const char *const urls[] = {"turn:turn.example.org", "turn:203.0.113.4"};
    static hand h;

    (void)state;
    make(&h, urls, 2, defaults);
    server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    with(&h, "203.0.113.3:3478", "192.0.2.7:701")->port = 50;
    with(&h, "203.0.113.4:3478", "192.0.2.7:702")->port = 60;
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "203.0.113.3:0";
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    all(first, SILENT);
    restart(&h);
    pass(&h, 1200);
    assert_non_null(strstr(strstr(h.log, "+ relay") + 1, "+ relay"));
    assert_true(says(&h, "end"));
    end(&h);
}

/* T1, L11: the relay of an interface's other family is a reason to ask for none only where it stands: a
 * family may have died. */
static void t1_a_family_that_has_died_keeps_no_relay_away(void **state)
{
    static const char *const places[] = {"203.0.113.2:0", "[2001:db8:2::2]:0"};
    static const char *const servers[] = {"203.0.113.2:3478", "[2001:db8:2::2]:3478"};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 6; row++) {
        size_t dead = row % 2;
        floe_settings settings = defaults;
        make(&h, named_url, 1, settings);
        h.ipv6 = "[2001:db8:1::2]:0";
        for (size_t i = 0; i < 2; i++) {
            with(&h, servers[i], i == 0 ? "192.0.2.7:700" : "[2001:db8:1::2]:40000")->port =
                50 * (unsigned)i;
            h.places[i] = places[i];
        }
        all(&h.servers[1 - dead], SILENT); /* so that this family has the relay */
        gather(&h);
        pass(&h, 6000);
        assert_true(says(&h, "+ relay"));
        all(&h.servers[1 - dead], ANSWERS);
        all(&h.servers[dead], SILENT);
        *h.log = '\0';
        if (row / 2 == 0) {
            restart(&h);
        } else if (row / 2 == 1) {
            gather(&h);
        }
        pass(&h, row / 2 < 2 ? 2500 : 100000); /* T7: by itself, behind T7b */
        assert_true(says(&h, "+ relay"));
        assert_int_equal(says(&h, "end"), row / 2 < 2);
        end(&h);
    }
}

/* T7, L11: an owner who gathers wants what he lost now, however often it was lost before. */
static void t7_who_gathers_does_not_wait_for_pauses(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->refresh = FORGOT;
    for (size_t i = 0; i < 5; i++) {
        restart(&h);
        pass(&h, 300);
        assert_true(says(&h, "+ relay, end"));
        *h.log = '\0';
        pass(&h, 3000);
    }
    end(&h);
}

/* Both families of the interface, and so many addresses of the name. */
static void begin_dual(hand *h, const char *const *places, size_t count, size_t has)
{
    static char of[3][64];

    make(h, named_url, 1, defaults);
    h->ipv6 = "[2001:db8:1::2]:0";
    for (size_t i = 0; i < count; i++) {
        floe_address at = address_of(places[i]);
        at.port = 3478;
        assert_int_equal(floe_address_format_with_port(&at, of[i], sizeof of[i]), FLOE_OK);
        server *made = with(h, of[i], *of[i] == '[' ? "[2001:db8:1::2]:40000" : "192.0.2.7:700");
        made->port = (unsigned)(50 * i);
        all(made, i == has ? ANSWERS : SILENT);
        h->places[i] = places[i];
    }
    gather(h);
    pass(h, 6000);
    assert_true(says(h, "+ relay"));
    *h->log = '\0';
}

/* T1, T7: what is lost is asked for by either family, at each address in its turn; but who has never
 * given it ends nothing by what he says, nor holds up for long who has. */
static void t7_the_other_family_holds_up_nothing(void **state)
{
    static const char *const one_each[] = {"203.0.113.2:0", "[2001:db8:2::2]:0"};
    static const char *const two_of_six[] = {"203.0.113.2:0", "[2001:db8:2::2]:0",
                                             "[2001:db8:2::3]:0"};
    static const char *const two_of_four[] = {"[2001:db8:2::2]:0", "203.0.113.2:0",
                                              "203.0.113.3:0"};
    static const uint16_t codes[] = {400, 401, 403, 441, 442, 486};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) { /* who is another's */
        begin_dual(&h, one_each, 2, 0);
        h.servers[1].code = codes[i];
        all(&h.servers[1], SAYS);
        all(&h.servers[0], SILENT);
        pass(&h, 100000);
        all(&h.servers[0], ANSWERS);
        pass(&h, 130000);
        assert_true(says(&h, "+ relay"));
        end(&h);
    }
    for (int row = 0; row < 2; row++) { /* several that are dead */
        begin_dual(&h, row == 0 ? two_of_six : two_of_four, 3, 0);
        all(&h.servers[0], SILENT);
        pass(&h, 60000);
        all(&h.servers[0], ANSWERS);
        pass(&h, 130000);
        assert_true(says(&h, "+ relay"));
        all(&h.servers[0], SILENT); /* and each is asked */
        all(&h.servers[2], ANSWERS);
        *h.log = '\0';
        pass(&h, 130000);
        assert_true(says(&h, "+ relay"));
        end(&h);
    }
    for (uint64_t away = 9000; away <= 12800; away += 200) { /* up to two seconds behind the loss */
        begin_dual(&h, one_each, 2, 0);
        all(&h.servers[0], STUNNED);
        pass(&h, away);
        all(&h.servers[0], ANSWERS);
        bool lost = says(&h, "- relay");
        pass(&h, 2500);
        assert_int_equal(says(&h, "+ relay"), lost);
        end(&h);
    }
}

/* T7: where a server has moved to is no other than its own place: who refuses there refuses for good, and is
 * told; who answers late is waited for. */
static void t7_a_server_that_has_moved_and_refuses(void **state)
{
    static const uint16_t codes[] = {400, 403, 420, 441};
    static hand h;

    (void)state;
    for (size_t i = 0; i <= sizeof codes / sizeof *codes; i++) {
        bool late = i == sizeof codes / sizeof *codes;
        server *first = lose_a_named_server(&h, named_url, defaults);
        server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:701");
        h.places[0] = "203.0.113.3:0";
        second->code = late ? 0 : codes[i];
        all(second, late ? SILENT : SAYS);
        pass(&h, 120000);
        if (late) { /* one transaction has all its sends */
            all(second, SILENT);
            second->allocates = second->releases = 0;
            pass(&h, 39000);
            assert_in_range(second->allocates, 5, 9);
            all(second, ANSWERS);
            pass(&h, 90000);
            assert_true(says(&h, "+ relay"));
        } else {
            assert_true(says(&h, "error, error"));
            second->allocates = 0;
            pass(&h, 1200000);
            assert_int_equal(second->allocates, 0);
        }
        (void)first;
        end(&h);
    }
}

/* T7: a port that stays closed is tried for three seconds; then the name's other server is asked. */
static void t7_a_port_that_stays_closed(void **state)
{
    static hand h;

    (void)state;
    make(&h, named_url, 1, defaults);
    server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    with(&h, "203.0.113.3:3478", "192.0.2.7:701")->port = 50;
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "203.0.113.3:0";
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    all(first, STUNNED);
    while (!says(&h, "- relay")) {
        pass(&h, 100);
    }
    pass(&h, 3500);
    assert_true(says(&h, "+ relay"));
    end(&h);
}

/* T7, T1: a relay that is lost while another of its kind leaves is asked for again at once; and of one that
 * the other family has given its owner hears why it is refused for good. */
static void t7_what_leaves_is_no_reason_to_wait(void **state)
{
    static const char *const one_each[] = {"203.0.113.2:0", "[2001:db8:2::2]:0"};
    static hand h;

    (void)state;
    begin_dual(&h, one_each, 2, 0);
    all(&h.servers[1], ANSWERS);
    all(&h.servers[0], SILENT);
    restart(&h);
    pass(&h, 2500);
    assert_true(says(&h, "+ relay"));
    all(&h.servers[0], ANSWERS);
    pass(&h, 8000);
    *h.log = '\0';
    h.servers[1].refresh = FORGOT;
    floe_core_woke(h.core, h.now);
    pass(&h, 1000);
    read_log(&h, "- relay, + relay");
    end(&h);
    begin_dual(&h, one_each, 2,
               0); /* without a call it is had by the other family, and lost there */
    all(&h.servers[1], ANSWERS);
    all(&h.servers[0], SILENT);
    pass(&h, 100000);
    assert_true(says(&h, "+ relay"));
    *h.log = '\0';
    h.servers[1].code = 403;
    h.servers[1].refresh = FORGOT;
    h.servers[1].allocate = h.servers[1].both = SAYS;
    pass(&h, 60000);
    assert_true(says(&h, "- relay, error"));
    end(&h);
}

/* T7: a name that leads elsewhere each time that it is asked is no reason to ask without a pause. */
static void t7_a_name_that_leads_elsewhere_each_time(void **state)
{
    static const char *const places[] = {"203.0.113.2:0", "203.0.113.3:0", "203.0.113.4:0"};
    static const char *const servers[] = {"203.0.113.2:3478", "203.0.113.3:3478",
                                          "203.0.113.4:3478"};
    static hand h;

    (void)state;
    make(&h, named_url, 1, defaults);
    for (size_t i = 0; i < 3; i++) {
        (void)with(&h, servers[i], "192.0.2.7:700");
    }
    h.places[0] = places[0];
    gather(&h);
    pass(&h, 1000);
    size_t allocates = 0;
    for (size_t i = 0; i < 3; i++) {
        all(&h.servers[i], STUNNED);
    }
    size_t before = h.look_ups;
    h.leads = places;
    pass(&h, 600000);
    for (size_t i = 0; i < 3; i++) {
        allocates += h.servers[i].allocates;
    }
    assert_in_range(allocates, 5, 400);
    assert_in_range(h.look_ups - before, 5, 800);
    end(&h);
}

/* T7, L11: behind a long outage, in which the relay was lost and is asked for again in vain, a gathering
 * does not wait for the turn of that Allocate, which may be sixteen seconds away. */
static void t7_a_gathering_behind_a_long_outage(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 4; row++) {
        bool tcp = row % 2 != 0; /* where what was asked just now is waited for */
        for (uint64_t outage = 45000; outage < 110000; outage += tcp ? 17000 : 3500) {
            server *turn = begin_with_relay(&h, urls[row % 2]);
            all(turn, SILENT);
            pass(&h, outage);
            all(turn, ANSWERS);
            if (row / 2 == 0) {
                restart(&h);
            } else {
                gather(&h);
            }
            bool lost = says(&h, "- relay");
            *h.log = '\0';
            pass(&h, 4000);
            assert_true(says(&h, "+ relay") || !(lost || row / 2 == 0));
            assert_true(says(&h, "end"));
            end(&h);
        }
    }
}

/* T7: likewise in the first gathering of all, which restarts take on. */
static void t7_restarts_while_the_network_comes_up(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:turn.example.org"}};
    static hand h;

    (void)state;
    for (size_t named = 0; named < 2; named++) {
        for (uint64_t every = 250; every < 5000; every += 250) {
            make(&h, urls[named], 1, defaults);
            h.places[0] = "203.0.113.2:0";
            server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
            all(turn, SILENT);
            gather(&h);
            for (size_t i = 0; i < 4; i++) {
                pass(&h, every);
                if (i == 3) {
                    all(turn, ANSWERS);
                }
                restart(&h);
            }
            pass(&h, 1100);
            assert_true(says(&h, "+ relay"));
            end(&h);
        }
    }
}

/* T4, T7: what is asked for anew, as the last of those that others have sent us to was silent, is sent
 * the same way once more. */
static void t4_the_way_to_another_server_is_gone_again(void **state)
{
    static hand h;

    (void)state;
    for (size_t restarts = 1; restarts <= 3; restarts++) {
        make(&h, turn_url, 1, defaults);
        with(&h, "203.0.113.2:3478", "192.0.2.7:700")->alternate = "203.0.113.3:3478";
        with(&h, "203.0.113.3:3478", "192.0.2.7:700")->alternate = "203.0.113.4:3478";
        server *last = with(&h, "203.0.113.4:3478", "192.0.2.7:700");
        all(last, SILENT);
        gather(&h);
        for (size_t i = 1; i <= restarts; i++) {
            pass(&h, 4000);
            all(last, i == restarts ? ANSWERS : SILENT);
            restart(&h);
        }
        pass(&h, 1000);
        assert_true(says(&h, "+ relay"));
        end(&h);
    }
}

/* L11, L14: the relay stands by a socket of its own, as the credentials were renewed: what the NAT shows
 * of the base's is waited for, though its first Binding is lost. */
static void l14_a_lost_binding_beside_a_relay_of_another_socket(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    set_user(&h, turn_url, "another");
    turn->port = 60;
    restart(&h);
    pass(&h, 60000);
    for (uint64_t at = 0; at < 20000; at += 500) {
        pass(&h, 500);
        turn->binding = SILENT;
        restart(&h);
        pass(&h, 200);
        turn->binding = ANSWERS;
        *h.log = '\0';
        pass(&h, 1000);
        assert_true(says(&h, "+ srflx"));
        assert_false(says(&h, "- srflx"));
    }
    end(&h);
}

/* L11, S4: a relay that was silent at a restart, when another was asked for beside it, is back when its
 * owner gathers: it leaves; at once it is told again if that other is lost meanwhile. */
static void l11_a_relay_that_is_back_behind_another_leaves(void **state)
{
    static hand h;

    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        server *turn = begin_with_relay(&h, turn_url);
        turn->refresh = SILENT;
        turn->port = 60;
        restart(&h);
        pass(&h, 3000);
        assert_true(says(&h, "+ relay"));
        turn->refresh = ANSWERS;
        *h.log = '\0';
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "end");
        if (lost) {
            turn->forgets = 2; /* the other's socket */
            turn->allocate = turn->both = STUNNED;
            pass(&h, 16000);
            assert_true(says(&h, "- relay"));
            assert_true(says(&h, "+ relay"));
        }
        pass(&h, 40000);
        turn->refreshes = 0;
        pass(&h, 60000);
        assert_in_range(turn->refreshes, 3, 5);
        end(&h);
    }
}

/* E2, L11: a name whose look-up takes longer than a restart's gathering is no failure of a URL by which
 * a candidate has been told in it. */
static void e2_a_slow_name_server_at_a_restart(void **state)
{
    static const char *const urls[][2] = {{"turn:203.0.113.2", "stun:turn.example.org"},
                                          {"turn:turn.example.org", "stun:turn.example.org"}};
    static hand h;

    (void)state;
    for (size_t row = 0; row < 2; row++) {
        make(&h, urls[row], 2, defaults);
        with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        with(&h, "203.0.113.3:3478", "192.0.2.7:701");
        h.places[0] = "203.0.113.3:0";
        gather(&h);
        pass(&h, 1000);
        h.late_names = true;
        for (int i = 0; i < 2; i++) {
            restart(&h);
            pass(&h, 6000);
            assert_true(says(&h, "+ srflx"));
            assert_true(says(&h, "end"));
            assert_false(says(&h, "error"));
            *h.log = '\0';
        }
        end(&h);
    }
}

/* E1: of a server that has given a relay, and is silent about it, no word is said of a password. */
static void e1_a_relay_that_is_silent(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = true;
    gather(&h);
    pass(&h, 10000);
    all(turn, SILENT);
    turn->guarded = false;
    restart(&h);
    pass(&h, 6000);
    assert_non_null(strstr(h.error, "is it down?"));
    end(&h);
}

/* L10, T7: what a pool has not found, or may have lost since it was made, is asked for by who gathers: it
 * was made in an outage; before there was an address; its relay was lost; there is another address by
 * now. What it has is told at once. */
static void l10_a_pool_of_bad_times_is_gathered_anew(void **state)
{
    static const uint64_t lasts[] = {7000, 5000, 21000, 9000, 5000};
    static hand h;
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, turn_url, 1, "user");

    (void)state;
    options.candidate_pool_size = 1;
    for (size_t row = 0; row < 5; row++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        h.no_interface = row == 1;
        all(turn, row == 0 ? SILENT : ANSWERS);
        assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
        floe_core_time(h.core, h.now);
        pass(&h, 1000);
        all(turn, row == 2 ? STUNNED : row == 0 ? SILENT : ANSWERS);
        pass(&h, lasts[row] - 1000);
        read_log(&h, "");
        all(turn, ANSWERS);
        h.no_interface = false;
        h.ip = row == 3 ? "10.0.5.5:0" : NULL;
        gather(&h);
        assert_true(row != 4 || says(&h, "+ host, + srflx, + relay"));
        pass(&h, 1000);
        assert_true(says(&h, row == 3 ? "- host" : "+ host"));
        assert_true(says(&h, "+ srflx"));
        assert_true(says(&h, "+ relay"));
        assert_true(says(&h, "end"));
        assert_false(says(&h, "error"));
        end(&h);
    }
}

/* L4, L11: TURN is silent while Bindings are answered, and restarts ask for another beside the silent
 * relay: what is had behind the gathering comes in that one's place, and is told. */
static void l11_what_was_asked_beside_is_told(void **state)
{
    static hand h;

    (void)state;
    for (uint64_t before = 15500; before <= 18500; before += 500) {
        server *turn = begin_with_relay(&h, turn_url);
        pass(&h, 19000);
        turn->allocate = turn->both = turn->refresh = SILENT;
        pass(&h, before);
        restart(&h);
        pass(&h, 2500);
        restart(&h);
        pass(&h, 6000);
        all(turn, ANSWERS);
        turn->port = 60;
        pass(&h, 100000);
        assert_true(says(&h, "+ relay"));
        turn->refreshes = 0;
        pass(&h, 60000);
        assert_in_range(turn->refreshes, 3, 5);
        end(&h);
    }
}

/* L11, T1: an outage of one family over a restart: the other's relay is told, and is the only one when
 * both are there. */
static void t1_one_family_s_relay_is_told_behind_an_outage(void **state)
{
    static const char *const one_each[] = {"203.0.113.2:0", "[2001:db8:2::2]:0"};
    static hand h;

    (void)state;
    for (uint64_t outage = 1000; outage <= 6000; outage += 1000) {
        begin_dual(&h, one_each, 2, 0);
        all(&h.servers[1], ANSWERS);
        all(&h.servers[0], SILENT);
        restart(&h);
        pass(&h, outage);
        all(&h.servers[0], ANSWERS);
        pass(&h, 100000);
        restart(&h);
        pass(&h, 60000);
        h.servers[0].refreshes = h.servers[1].refreshes = 0;
        pass(&h, 600000);
        assert_true(h.servers[0].refreshes == 0 || h.servers[1].refreshes == 0);
        assert_in_range(h.servers[0].refreshes + h.servers[1].refreshes, 38, 42);
        end(&h);
    }
}

/* L11, R2: a server's new process leaves the Refresh of what the old one had unanswered (Pion): a restart
 * has a relay and the reflexive candidate of it all the same, be it beside another URL. */
static void l11_who_forgets_in_silence_is_asked_anew(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2", "turn:203.0.113.3"};
    static hand h;

    (void)state;
    for (size_t count = 1; count <= 2; count++) {
        make(&h, urls, count, defaults);
        server *first = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        with(&h, "203.0.113.3:3478", "192.0.2.7:701")->port = 50;
        gather(&h);
        pass(&h, 1000);
        first->refresh = SILENT;
        first->port = 10;
        *h.log = '\0';
        restart(&h);
        pass(&h, count == 1 ? 2000 : 300);
        assert_true(says(&h, "+ srflx"));
        assert_true(count == 1 || strstr(strstr(h.log, "+ srflx") + 1, "+ srflx") != NULL);
        pass(&h, 900);
        assert_true(says(&h, count == 1 ? "+ relay" : "+ relay, "));
        assert_true(says(&h, "end"));
        assert_int_equal(first->allocates, 2);
        end(&h);
    }
}

/* L11, T7: a name that can't be looked up when its owner restarts hides no relay that stands, nor what
 * the NAT shows its server. */
static void l11_a_restart_without_names_finds_what_stands(void **state)
{
    static hand h;

    (void)state;
    make(&h, named_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    h.places[0] = "203.0.113.2:0";
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    h.places[0] = NULL;
    for (int late = 0; late < 2; late++) {
        h.late_names = late == 1;
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 7000);
        assert_non_null(strstr(h.log, "+ relay"));
        assert_non_null(strstr(h.log, "+ srflx"));
        assert_null(strstr(h.log, "- "));
        assert_null(strstr(h.log, "error"));
        *h.log = '\0';
    }
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* L11, T7: an outage that begins before a restart and ends behind its gathering: the relays that
 * outlive it are told as soon as that is known. */
static void l11_a_relay_that_outlives_an_outage_is_told(void **state)
{
    static const char *const urls[][1] = {{"turn:203.0.113.2"}, {"turn:203.0.113.2?transport=tcp"}};
    static hand h;

    (void)state;
    for (size_t tcp = 0; tcp < 2; tcp++) {
        make(&h, urls[tcp], 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        turn->refresh = turn->allocate = turn->both = turn->binding = SILENT;
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 7000);
        assert_null(strstr(h.log, "+ relay"));
        assert_non_null(strstr(h.log, "end"));
        *h.log = '\0';
        turn->refresh = turn->allocate = turn->both = turn->binding = ANSWERS;
        if (tcp) { /* it has been sent once, and is behind TCP's */
            floe_stun_message request = {.method = FLOE_STUN_REFRESH, .id = h.refresh};
            succeed(&h, channel_by_stream(&h), turn, &request);
        }
        pass(&h, 30000);
        assert_non_null(strstr(h.log, "+ relay"));
        assert_null(strstr(h.log, "- "));
        assert_int_equal(h.last[FLOE_CANDIDATE_TYPE_RELAY], relay);
        *h.log = '\0';
        turn->refresh = FORGOT; /* and that it is lost is told as well */
        turn->allocate = turn->both = STUNNED;
        pass(&h, 20000);
        assert_non_null(strstr(h.log, "- relay, error"));
        end(&h);
    }
}

/* T7b: a relay by which packets come stands, though no Refresh is answered so that it can be believed
 * (Pion refuses unsigned, when credentials have expired): until its lifetime is over, or nothing
 * comes any more. */
static void t7b_a_relay_that_is_heard_stands(void **state)
{
    static const uint8_t data[] = {'x'};
    static const floe_stun_id id = {{1}};
    static hand h;

    (void)state;
    for (size_t quiet = 0; quiet < 2; quiet++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->guarded = true;
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        floe_core_receive_packets(h.core, true);
        floe_address peer = address_of("198.51.100.77:7");
        assert_int_equal(
            floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1),
            FLOE_OK);
        pass(&h, 1000);
        turn->refresh = turn->allocate = turn->both = FORGES;
        turn->binding = SILENT;
        for (size_t s = 0; s < 560; s++) {
            uint8_t bytes[128];
            floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_INDICATION,
                                                      FLOE_STUN_DATA_INDICATION, &id);
            floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &peer);
            floe_stun_put(&writer, FLOE_STUN_DATA, floe_span_of(data, sizeof data));
            if (!quiet || s < 200) {
                deliver(&h, 1, turn, &writer);
                settle(&h);
            }
            if (s == 190) {
                assert_null(strstr(h.log, "- relay"));
            }
            pass(&h, 1000);
        }
        assert_int_equal(strstr(h.log, "- relay") != NULL, quiet != 0);
        pass(&h, 100000);
        assert_non_null(strstr(h.log, "- relay"));
        end(&h);
    }
}

/* T7, L5: who gathers while his relay is asked for where its server is no longer has it where that
 * is now, and one alone. */
static void t7_a_gathering_finds_a_server_that_has_moved(void **state)
{
    static hand h;

    (void)state;
    server *first = lose_a_named_server(&h, named_url, defaults);
    server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    pass(&h, 110000);
    read_log(&h, "- relay, error");
    h.places[0] = "203.0.113.3:0";
    first->allocate = first->refresh = ANSWERS;
    size_t asked = first->allocates;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ relay, end");
    pass(&h, 600000);
    read_log(&h, "");
    assert_int_equal(first->allocates, asked);
    assert_int_equal(second->allocates, 1);
    end(&h);
}

/* T7, T8: so does a proxy that has moved, by its own name. */
static void t7_a_proxy_that_has_moved(void **state)
{
    static hand h;
    static const char *const by_tcp[] = {"turn:turn.example.org?transport=tcp"};
    floe_settings settings = FLOE_SETTINGS_INIT;

    (void)state;
    settings.proxy = "http://proxy.example.net:3478";
    (void)lose_a_named_server(&h, by_tcp, settings);
    server *second = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    h.places[0] = "203.0.113.3:0";
    pass(&h, 150000);
    read_log(&h, "- relay, error, + relay");
    assert_int_equal(second->allocates, 1);
    end(&h);
}

/* T5, E1: who has answered an Allocate that wishes for both families is not silent because of that
 * wish, so its renewal, after whatever time, is asked with it; and that it once answered is told.
 */
static void t5_a_server_that_was_away_is_asked_for_both_families_again(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    assert_true(turn->wished);
    turn->refresh = FORGOT;
    turn->allocate = SILENT;
    pass(&h, 70000);
    read_log(&h, "- relay, error");
    assert_non_null(strstr(h.error, "203.0.113.2 has answered before"));
    turn->refresh = ANSWERS;
    turn->allocate = ANSWERS;
    pass(&h, 60000);
    read_log(&h, "+ relay");
    assert_true(turn->wished);
    end(&h);
}

/* T5: a server that ignores the wish for both families, or does not know it, is asked for the other
 * by an allocation of its own, from a port of its own; one that says that it has none is not. */
static void t5_a_family_that_takes_an_allocation_of_its_own(void **state)
{
    static hand h;

    (void)state;
    for (int i = 0; i < 2; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->alone = i == 0;
        turn->both = i == 0 ? ANSWERS : UNKNOWN;
        gather(&h);
        pass(&h, 400);
        read_log(&h, "+ host, + srflx, + relay, + relay, end");
        assert_int_equal(h.sockets, 2);
        turn->allocates = turn->refreshes = 0;
        pass(&h, 60000);
        assert_int_equal(turn->refreshes, 2 * 4); /* each is kept */
        gather(&h);
        pass(&h, 400);
        read_log(&h, "end"); /* both stand */
        assert_int_equal(turn->allocates, 0);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 400);
        read_log(&h, "+ host, + srflx, + relay, + relay, end");
        turn->refresh = FORGOT; /* both are lost, and had again */
        pass(&h, 16000);
        turn->refresh = ANSWERS;
        pass(&h, 16000);
        read_log(&h, "- relay, + relay, - relay, + relay");
        assert_int_equal(h.sockets, 2);
        h.no_interface = true;
        turn->releases = 0;
        gather(&h);
        pass(&h, 400);
        assert_int_equal(turn->releases, 2);
        assert_int_equal(h.sockets, 0);
        end(&h);
    }
}

/* T5: once the first allocation, had again, gives both families, the second is not needed. One that
 * was lost with it is asked for no more; one that stands serves to the end of its generation, and is
 * given back by the next, untold. */
static void t5_a_second_allocation_that_is_not_needed_any_more(void **state)
{
    static hand h;

    (void)state;
    for (int stands = 0; stands < 2; stands++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->alone = true;
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, + relay, + relay, end");
        assert_int_equal(h.sockets, 2);
        turn->alone = false; /* it is another by now, and knows both */
        turn->gives_both = true;
        if (stands) {
            turn->deaf_to = 1;
            pass(&h, 60000);
            read_log(&h, "- relay");
            turn->deaf_to = 0;
        } else {
            turn->refresh = FORGOT;
            pass(&h, 16000);
            turn->refresh = ANSWERS;
        }
        pass(&h, 120000);
        read_log(&h, stands ? "+ relay, + relay" : "- relay, + relay, + relay, - relay");
        assert_int_equal(h.sockets, stands ? 2 : 1);
        gather(&h);
        pass(&h, 60000);
        read_log(&h, "end");
        turn->releases = 0;
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 60000);
        read_log(&h, stands ? "+ host, + srflx, + relay, + relay, - relay, end"
                            : "+ host, + srflx, + relay, + relay, end");
        assert_int_equal(turn->releases, (size_t)stands);
        assert_int_equal(h.sockets, 1);
        end(&h);
    }
}

/* T5, L4, E2: the first is not to be had when a new generation gathers: the second, which stands, is
 * told before its end, and that is no error. */
static void t5_the_second_allocation_stands_alone(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->alone = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, + relay, end");
    turn->deaf_to = 1;
    pass(&h, 60000);
    read_log(&h, "- relay");
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 60000);
    read_log(&h, "+ host, + relay, - srflx, end");
    turn->deaf_to = 0;
    pass(&h, 120000);
    read_log(&h, "+ relay"); /* it is back */
    gather(&h);
    pass(&h, 60000);
    read_log(&h, "+ srflx, end");
    end(&h);
}

/* T7: a second allocation that is away while a new generation gathers in vain, and back behind its
 * end, is told as the first is. */
static void t7_a_second_allocation_that_is_back_behind_the_end(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->alone = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, + relay, end");
    turn->refresh = FORGOT;
    turn->allocate = turn->both = turn->ipv6 = SILENT;
    pass(&h, 60000);
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    *h.log = '\0';
    gather(&h);
    pass(&h, 30000);
    read_log(&h, "+ host, + srflx, error, end");
    turn->refresh = turn->allocate = turn->both = turn->ipv6 = ANSWERS;
    pass(&h, 300000);
    read_log(&h, "+ relay, + relay");
    gather(&h);
    pass(&h, 30000);
    read_log(&h, "end");
    end(&h);
}

/* E2: both allocations of a server are refused for good, one behind the other: with the latter the
 * address has failed, and that is told once, with the word that nothing of the URL is left. */
static void e2_the_second_allocation_is_refused_last(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->alone = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, + relay, end");
    turn->refresh = REFUSES;
    pass(&h, 60000);
    read_log(&h, "- relay, error, - relay");
    assert_true(h.url_failed);
    end(&h);
}

/* That the other family is not to be had is no error, and leaves nothing behind. */
static void t5_a_family_that_is_not_to_be_had(void **state)
{
    static const doing ends[] = {REFUSES, FAMILY, UNKNOWN, STUNNED, SILENT};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->alone = true;
        turn->ipv6 = ends[i];
        gather(&h);
        pass(&h, 1000); /* the straggler's grace is the most that it costs */
        read_log(&h, "+ host, + srflx, + relay, end");
        assert_int_equal(h.sockets, 1);
        end(&h);
    }
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->both = FAMILY; /* it has one family, and says so */
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    assert_int_equal(turn->allocates, 2);
    end(&h);
}

/* T5: an Allocate without wishes may be loss's doing: the other family is not lost with it. */
static void t5_a_family_that_loss_has_cost(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->allocate = SILENT;
    gather(&h);
    pass(&h, 3000);
    turn->allocate = ANSWERS;
    pass(&h, 2500);
    read_log(&h, "+ host, + srflx, + relay, + relay, end");
    end(&h);
}

/* L7, RFC 8656 §5: whoever has asked in vain cannot know that he was not heard, and gives back what
 * he may have been given. */
static void l7_an_allocate_that_ran_out_is_released(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.gather_timeout_ms = FLOE_NEVER;
    make(&h, turn_url, 1, settings);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = true;
    turn->allocate = SILENT;
    gather(&h);
    pass(&h, 39000);
    assert_int_equal(turn->releases, 0);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, error, end");
    assert_int_equal(turn->releases, 1);
    end(&h);
}

/* T6: where it may be ours that stands there, as the way was lost for a while, 437 deletes that; be
 * it of a server that signs no errors (Pion). */
static void t6_437_that_nobody_has_signed(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->refresh = turn->allocate = STUNNED;
    pass(&h, 20000);
    read_log(&h, "- relay, error");
    turn->refresh = turn->allocate = ANSWERS;
    turn->holds = true;
    turn->releases = 0;
    pass(&h, 10000);
    read_log(&h, "+ relay");
    assert_int_equal(turn->releases, 1);
    end(&h);
}

/* T7b: there are servers (Pion's) that leave a Refresh of what they do not have unanswered. That they
 * answer Bindings meanwhile tells it from loss and from an outage. */
static void t7b_silence_of_a_server_that_is_there(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->refresh = SILENT;
    pass(&h, 22000);
    read_log(&h, "");
    pass(&h, 1500);
    read_log(&h, "- relay, + relay");
    assert_int_equal(turn->allocates, 2);
    end(&h);

    make(&h, turn_url, 1, defaults); /* an outage, behind which the Refresh is answered */
    turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    turn->refresh = turn->binding = SILENT;
    pass(&h, 24000);
    turn->binding = ANSWERS; /* sooner than the Refresh, by chance */
    pass(&h, 7000);
    turn->refresh = ANSWERS;
    pass(&h, 20000);
    read_log(&h, "");
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* node-turn signs a 437 wrongly: what cannot be believed is as silence, and is no sign of life. */
static void t7b_answers_that_cannot_be_believed_are_silence(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->refresh = FORGES;
    pass(&h, 24000);
    read_log(&h, "- relay, + relay");
    end(&h);
}

/* T7b: ICMP to the owner's packets is a reason to ask at once; said to three Refreshes in a row,
 * that nothing listens is believed. */
static void t7b_nothing_listens_any_more(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 6000);
    *h.log = '\0';
    turn->refresh = turn->allocate = STUNNED;
    floe_address to = address_of(turn->address);
    floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_PORT, NULL, 0);
    pass(&h, 1000);
    read_log(&h, "");
    pass(&h, 1000);
    read_log(&h, "- relay, error");
    end(&h);
}

/* T7b: a server that is silent is noticed by TCP within 35 s, where a Refresh is sent once and would
 * be waited for for 39.5 s: its connection ends, and another asks anew. One that says anything
 * is not silent: its answer may be under way behind that. */
static void t7b_silence_by_tcp(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2?transport=tcp"};
    static const uint8_t data[] = {0x40, 0x00, 0x00, 0x04, 1, 2, 3, 4}; /* of some channel */
    static hand h;
    uint32_t channel = 0;

    (void)state;
    make(&h, urls, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + relay, end");
    channel = channel_by_stream(&h);
    turn->refresh = SILENT;
    for (int i = 0; i < 6; i++) {
        pass(&h, 4000);
        floe_core_stream(h.core, h.now, channel, data, sizeof data);
    }
    read_log(&h, "");
    assert_int_equal(turn->refreshes, 1);
    pass(&h, 19900);
    read_log(&h, "");
    pass(&h, 500);
    read_log(&h, "- relay, + relay");
    assert_false(h.open[channel]);
    assert_int_equal(turn->allocates, 2);
    pass(&h, 35000); /* in all, from the latest answer on */
    read_log(&h, "- relay");
    pass(&h, 1000); /* T7: the second loss in a row waits */
    read_log(&h, "+ relay");
    end(&h);
}

/* T7b: an outage that begins when a Refresh goes by TCP, and takes 10 s, costs nothing: TCP, which
 * doubles its waits, has brought it within 20 s. */
static void t7b_an_outage_ends_no_relay_by_a_connection(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2?transport=tcp"};
    static hand h;

    (void)state;
    make(&h, urls, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + relay, end");
    turn->refresh = SILENT;
    while (turn->refreshes == 0) {
        pass(&h, 10);
    }
    pass(&h, 19500);
    turn->refresh = ANSWERS;
    floe_stun_message request = {.method = FLOE_STUN_REFRESH, .id = h.refresh};
    succeed(&h, channel_by_stream(&h), turn, &request);
    pass(&h, 60000);
    read_log(&h, "");
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* ── A server that is full (T6, RFC 8656 §7.4) ── */

/* Who is not asked for a minute is asked when that is over, by whoever wanted a relay: an address
 * to which the machine went over meanwhile. */
static void t6_a_refusal_ends_with_its_minute(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    turn->allocate = FULL;
    h.two_interfaces = true;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "+ host, + srflx, + relay, end, + host, error, + srflx, end");
    turn->allocate = ANSWERS;
    h.two_interfaces = false;
    h.second_alone = true;
    pass(&h, 10000);
    turn->allocates = 0;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "- relay, - host, - srflx, error, end");
    assert_non_null(strstr(h.error, "not asked before a minute is over"));
    assert_int_equal(turn->allocates, 0);
    pass(&h, 60000);
    assert_int_equal(turn->allocates, 0); /* what its owner would not hear of takes no room */
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ relay, end");
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* R1: what a NAT shows of the next address has nothing to do with it. */
static void t6_a_refusal_costs_no_reflexive_candidate(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->allocate = FULL;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, error, + srflx, end");
    assert_non_null(strstr(h.error, "the server answers 486"));
    h.ip = "10.0.5.5:0";
    turn->mapped = "192.0.2.8:900";
    turn->allocates = 0;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "- host, - srflx, + host, error, + srflx, end");
    assert_int_equal(turn->allocates, 0);
    end(&h);
}

/* R6, L11: that a relay is refused says nothing of the mapping that it has shown and kept: lost when
 * a new generation asks for it, and not to be had again, it leaves the reflexive candidate. */
static void t6_a_refusal_costs_no_mapping_that_was_known(void **state)
{
    static const uint16_t codes[] = {486, 508, 403};
    static hand h;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, + relay, end");
        uint32_t id = h.last[FLOE_CANDIDATE_TYPE_SRFLX];
        turn->refresh = FORGOT;
        turn->allocate = SAYS;
        turn->code = codes[i];
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 6000);
        assert_true(says(&h, "+ host, - relay, "));
        assert_true(says(&h, "+ srflx") && says(&h, "error") && says(&h, "end"));
        *h.log = '\0';
        assert_int_equal(h.last[FLOE_CANDIDATE_TYPE_SRFLX], id);
        turn->bindings = 0;
        pass(&h, 45000);
        assert_int_equal(turn->bindings, 3);
        read_log(&h, "");
        end(&h);
    }
}

/* T7: relays that wait to be had again go on waiting, each of them, whoever gathers meanwhile; none
 * asks before the minute is over; and what is had is told, in a new generation too. */
static void t6_a_refusal_ends_nothing_that_waits(void **state)
{
    static hand h;

    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        make(&h, turn_url, 1, defaults);
        h.two_interfaces = true;
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        *h.log = '\0';
        turn->refresh = FORGOT;
        turn->allocate = FULL;
        pass(&h, 30000);
        read_log(&h, "- relay, error, - relay");
        if (restarts) {
            assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        }
        turn->allocates = 0;
        gather(&h);
        pass(&h, 6000);
        read_log(&h, restarts ? "+ host, + host, error, error, + srflx, + srflx, end"
                              : "error, error, end");
        assert_int_equal(turn->allocates, 0);
        turn->refresh = turn->allocate = ANSWERS;
        pass(&h, 120000);
        assert_int_equal(turn->allocates, 2);
        read_log(&h, "+ relay, + relay");
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "end");
        end(&h);
    }
}

/* T5, T12: a wish that is refused so costs the wish, and is not asked for again within the minute. */
static void t6_a_refused_wish_costs_nothing_else(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2?transport=tcp"};
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->alone = true;
    turn->ipv6 = FULL;
    gather(&h);
    pass(&h, 1000);
    assert_int_equal(turn->allocates, 2);
    for (int i = 0; i < 3; i++) {
        gather(&h);
        pass(&h, 1000);
    }
    assert_int_equal(turn->allocates, 2);
    end(&h);

    settings.network_types =
        FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_UDP6 | FLOE_NETWORK_TYPE_TCP4;
    make(&h, urls, 1, settings);
    turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->tcp = FULL;
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    h.ip = "10.0.5.5:0";
    gather(&h);
    pass(&h, 6000);
    assert_non_null(strstr(h.log, "+ relay"));
    assert_int_equal(h.errors, 0);
    end(&h);
}

/* L14, T7: without a list of interfaces nobody asks; what was lost is told when it is had again. */
static void l14_what_is_away_while_no_list_comes(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->refresh = turn->allocate = SILENT;
    pass(&h, 100000);
    read_log(&h, "- relay, error");
    h.no_list = true;
    gather(&h);
    pass(&h, 10000);
    read_log(&h, "error, end");
    turn->refresh = turn->allocate = ANSWERS;
    pass(&h, 120000);
    read_log(&h, "+ relay");
    end(&h);
}

/* Its channel takes one packet in 30 ms, as a slow way does; the owner keeps the queue full. */
static void uploads(hand *h, const floe_address *peer, uint64_t milliseconds)
{
    uint8_t data[1200] = {0};

    for (uint64_t at = 0; at < milliseconds; at += 30) {
        uint32_t channel = channel_by_stream(h);
        while (floe_core_send(h->core, h->now, h->last[FLOE_CANDIDATE_TYPE_RELAY], peer, data,
                              sizeof data) == FLOE_OK) {
        }
        floe_core_writable(h->core, h->now, channel);
        while (floe_core_poll(h->core, h->now, &h->output)) {
            bool taken = h->output.kind == FLOE_CORE_SEND && h->output.channel == channel;
            take(h);
            if (taken) {
                floe_core_blocked(h->core, channel);
            }
        }
        h->now = floe_time_after(h->now, floe_milliseconds(30));
        floe_core_time(h->core, h->now);
    }
}

/* T7b: a request that waits behind our own data, or for a channel that takes nothing, has not been
 * heard by anybody who could answer it. */
static void t7b_a_request_that_has_not_left_is_not_unanswered(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2?transport=tcp"};
    static hand h;
    floe_address peer = address_of("192.0.2.50:900");

    (void)state;
    make(&h, urls, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + relay, end");
    for (int i = 0; i < 2; i++) { /* a permission, then a channel */
        assert_int_equal(
            floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1),
            FLOE_OK);
        pass(&h, 100);
    }
    uploads(&h, &peer, 60000);
    assert_null(strstr(h.log, "- relay"));
    *h.log = '\0';
    assert_true(turn->refreshes >= 3);
    assert_int_equal(turn->allocates, 1);
    floe_core_writable(h.core, h.now, channel_by_stream(&h));
    pass(&h, 13000);
    *h.log = '\0';
    /* Away for eight seconds, in which the Refresh is due; TCP carries on. */
    floe_core_blocked(h.core, channel_by_stream(&h));
    turn->refreshes = 0;
    pass(&h, 20000);
    assert_int_equal(turn->refreshes, 0);
    floe_core_writable(h.core, h.now, channel_by_stream(&h));
    pass(&h, 2000);
    read_log(&h, "");
    assert_int_equal(turn->refreshes, 1);
    assert_int_equal(turn->allocates, 1);
    /* Who takes nothing at all is given up all the same; and who takes what we send, and answers
     * nothing. */
    turn->refresh = SILENT;
    floe_core_blocked(h.core, channel_by_stream(&h));
    pass(&h, 60000);
    read_log(&h, "- relay, + relay");
    *h.log = '\0';
    uploads(&h, &peer, 80000);
    assert_non_null(strstr(h.log, "- relay"));
    end(&h);
}

/* L14, E1: what is lost before its gathering is over is waited for again, and its owner hears what
 * came of that. */
static void l14_a_relay_that_is_lost_meanwhile(void **state)
{
    static const char *const urls[] = {"turn:203.0.113.2?transport=tcp", "stun:203.0.113.4"};
    static hand h;
    uint32_t channel = 0;

    (void)state;
    make(&h, urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    with(&h, "203.0.113.4:3478", "192.0.2.7:700")->binding = SILENT;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + relay");
    for (uint32_t i = 0; i < CHANNELS; i++) {
        channel = h.open[i] && h.stream[i] ? i : channel;
    }
    turn->allocate = SILENT;
    floe_core_disconnected(h.core, h.now, channel);
    pass(&h, 5000);
    read_log(&h, "- relay, error, error, end");
    turn->allocate = ANSWERS;
    pass(&h, 60000);
    read_log(&h, "+ relay");
    end(&h);
}

/* L14, E1: a gathering's end is no word against a relay that stands, whose server has not said yet
 * that it has it still. */
static void l14_a_relay_that_stands_is_no_error(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->refresh = turn->binding = SILENT; /* an outage */
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "end");
    turn->refresh = turn->binding = ANSWERS;
    pass(&h, 60000);
    read_log(&h, "");
    assert_int_equal(turn->allocates, 1);
    end(&h);
}

/* L5, L11, T7b: neither a gathering nor a restart hands out a relay that its server has lost. */
static void t7b_what_is_told_again_was_asked(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->refresh = FORGOT;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, + relay, end");
    turn->refresh = ANSWERS;
    uint32_t host = h.last[FLOE_CANDIDATE_TYPE_HOST];
    uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    assert_int_equal(h.last[FLOE_CANDIDATE_TYPE_HOST], host); /* what goes on keeps its id */
    assert_int_equal(h.last[FLOE_CANDIDATE_TYPE_RELAY], relay);
    assert_int_equal(turn->allocates, 2);
    turn->refresh = FORGOT;
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 1000);
    assert_int_not_equal(h.last[FLOE_CANDIDATE_TYPE_RELAY], relay);
    assert_int_equal(turn->allocates, 3);
    end(&h);
}

/* Its owner gathers while the server is ill: that fails, and the relay comes back all the same. */
static void t7_a_gathering_in_an_outage(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    turn->refresh = FORGOT;
    turn->allocate = STUNNED;
    pass(&h, 20000);
    read_log(&h, "- relay, error");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "error, end");
    turn->refresh = turn->allocate = ANSWERS;
    pass(&h, 60000);
    read_log(&h, "+ relay");
    end(&h);
}

/* A server that allocates and forgets at once is asked after 1, 2, 4 … s, no oftener. */
static void t7_a_server_that_forgets_at_once(void **state)
{
    static hand h;
    floe_address to = address_of("203.0.113.2:3478");

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->refresh = FORGOT;
    gather(&h);
    for (int i = 0; i < 600; i++) { /* a minute, with reasons to ask without end */
        floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_PORT, NULL, 0);
        pass(&h, 100);
    }
    assert_in_range(turn->allocates, 3, 9);
    end(&h);
}

/* T6: a spare socket goes with the relay that it was opened for. */
static void t6_a_spare_socket_is_closed(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700")->allocate = FORGOT;
    for (int i = 0; i < 10; i++) {
        gather(&h);
        pass(&h, 6000);
        assert_int_equal(h.sockets, 1);
    }
    end(&h);
}

/* ── Bindings (R6) ── */

/* What Allocate has shown is kept though the server answers no Binding, and though a second
 * gathering asks in vain. */
static void r6_a_server_that_answers_no_binding(void **state)
{
    static hand h;

    (void)state;
    for (int i = 0; i < 2; i++) {
        make(&h, turn_url, 1, defaults);
        server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        turn->binding = i == 0 ? SILENT : REFUSES;
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, + relay, end");
        gather(&h);
        pass(&h, 400);
        read_log(&h, "end"); /* nobody waits for the Binding */
        turn->refreshes = 0;
        pass(&h, 60000);
        assert_int_equal(turn->refreshes, 4); /* each Tr, which keeps the mapping */
        read_log(&h, "");
        end(&h);
    }
}

/* Two servers behind one mapping: whichever answers keeps it, at the second gathering too. */
static void r6_whoever_answers_keeps_the_mapping(void **state)
{
    static const doing ends[] = {SILENT, REFUSES, STUNNED};
    static hand h;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        make(&h, stun_urls, 2, defaults);
        server *first = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        server *second = with(&h, "203.0.113.4:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, end");
        first->binding = ends[i];
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "error, end"); /* the candidate stays */
        second->bindings = 0;
        pass(&h, 60000);
        assert_int_equal(second->bindings, 4);
        read_log(&h, "");
        end(&h);
    }
}

/* A silent server's mapping of an earlier gathering goes on being kept while it is listed. */
static void r6_a_silent_server_ends_no_mapping(void **state)
{
    static hand h;

    (void)state;
    make(&h, stun_urls, 1, defaults);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    stun->binding = SILENT;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "error, end");
    stun->binding = ANSWERS;
    stun->bindings = 0;
    pass(&h, 60000);
    assert_in_range(stun->bindings, 3, 4);
    read_log(&h, "");
    end(&h);
}

/* R6: a Binding that goes beside a relay's Refresh is under way when a gathering begins, and the relay is
 * then lost and not to be had again: the mapping is kept all the same. */
static void r6_a_gathering_ends_no_keepalive(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    turn->refresh = turn->binding = SILENT;
    turn->bindings = 0;
    while (turn->bindings == 0) {
        pass(&h, 10);
    }
    turn->refresh = FORGOT;
    turn->allocate = FULL;
    turn->binding = ANSWERS;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "- relay, error, end");
    turn->bindings = 0;
    pass(&h, 45000);
    assert_int_equal(turn->bindings, 3);
    read_log(&h, "");
    end(&h);
}

/* L12: of two URLs of one address one goes; what both stood on stays, and is kept. */
static void r6_a_url_goes_and_the_mapping_stays(void **state)
{
    static hand h;

    (void)state;
    make(&h, both_urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    set(&h, turn_url, 1);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "end");
    turn->refreshes = 0;
    pass(&h, 60000);
    assert_int_equal(turn->refreshes, 4);
    read_log(&h, "");
    set(&h, both_urls, 1); /* and the relay goes, the mapping not */
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, end");
    turn->bindings = 0;
    pass(&h, 60000);
    assert_int_equal(turn->bindings, 4);
    read_log(&h, "");
    end(&h);
}

/* A NAT that gives another address: the relay on it is asked for at once. */
static void r6_another_mapping_is_a_reason_to_ask(void **state)
{
    static hand h;

    (void)state;
    make(&h, both_urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 6000);
    *h.log = '\0';
    turn->mapped = "192.0.2.7:701";
    turn->refresh = FORGOT;
    pass(&h, 16000);
    read_log(&h, "- relay, - srflx, + srflx, + relay");
    end(&h);
}

/* Two servers saw one address of the NAT (RFC 4787 §4.1), and one sees another by now: the other
 * one is asked at once, and without its word the first address is none any more. */
static void r6_a_mapping_that_two_saw_has_changed(void **state)
{
    static const doing ends[] = {ANSWERS, SILENT, REFUSES, STUNNED};
    static hand h;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        make(&h, stun_urls, 2, defaults);
        server *first = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        server *second = with(&h, "203.0.113.4:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 10000);
        read_log(&h, "+ host, + srflx, end");
        first->mapped = "192.0.2.7:701";
        second->binding = ends[i];
        second->bindings = 0;
        pass(&h, 6000);
        assert_true(second->bindings > 0);
        pass(&h, 40000);
        read_log(&h, ends[i] == ANSWERS ? "+ srflx" : "+ srflx, - srflx");
        second->bindings = 0;
        pass(&h, 60000);
        assert_int_equal(second->bindings, ends[i] == ANSWERS ? 4 : 0);
        end(&h);
    }
}

/* L12: the same options again change nothing, however many other users there were meanwhile. */
static void l12_the_same_options_again(void **state)
{
    static hand h;
    floe_core *others[100];

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    for (size_t i = 0; i < 100; i++) {
        char user[16];
        floe_ice_server ice;
        (void)snprintf(user, sizeof user, "user%zu", i);
        floe_gather_options options = options_of(&ice, turn_url, 1, user);
        assert_int_equal(floe_core_new(h.shared, &options, &others[i]), FLOE_OK);
    }
    set(&h, turn_url, 1);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "end");
    assert_int_equal(turn->allocates, 1);
    assert_int_equal(turn->releases, 0);
    for (size_t i = 0; i < 100; i++) {
        floe_core_free(others[i]);
    }
    end(&h);
}

/* ── Ways that are full (K1) ── */

static size_t fill(hand *h, floe_candidate_type by, const char *peer)
{
    static const uint8_t data[1000];
    floe_address to = address_of(peer);
    size_t taken = 0;
    floe_error error;

    while ((error = floe_core_send(h->core, h->now, h->last[by], &to, data, sizeof data)) ==
           FLOE_OK) {
        taken++;
    }
    assert_int_equal(error, FLOE_ERR_QUEUE_FULL);
    return taken;
}

/* The writable event is of the way that was full: not of another that drains, and not before there
 * is room; and what was taken goes out, headers and all. */
static void k1_writable_is_of_the_way_that_was_full(void **state)
{
    static const uint8_t data[1000];
    static hand h;
    floe_address peer = address_of("192.0.2.99:7000");

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->permission = SILENT;
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    size_t taken = fill(&h, FLOE_CANDIDATE_TYPE_RELAY, "192.0.2.77:7000");
    for (int i = 0; i < 100; i++) {
        assert_int_equal(floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_HOST], &peer,
                                        data, sizeof data),
                         FLOE_OK);
        settle(&h);
    }
    assert_int_equal(h.data, 100);
    read_log(&h, "");
    turn->permission = ANSWERS;
    pass(&h, 2000);
    assert_int_equal(h.data, 100 + taken);
    read_log(&h, "relay writable");
    end(&h);
}

/* The way goes with who waits for it: it is told once, and then that the candidate is gone. */
static void k1_a_full_way_that_goes_is_told(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->permission = SILENT;
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    (void)fill(&h, FLOE_CANDIDATE_TYPE_RELAY, "192.0.2.77:7000");
    turn->refresh = FORGOT;
    pass(&h, 15000);
    read_log(&h, "relay writable, - relay, + relay");
    turn->refresh = ANSWERS;
    floe_core_blocked(h.core, 1);
    (void)fill(&h, FLOE_CANDIDATE_TYPE_HOST, "192.0.2.99:7000");
    h.no_interface = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, host writable, - host, - srflx, end");
    end(&h);
}

/* ── Ids ── */

static uint32_t base_of(const hand *h, floe_candidate_type type)
{
    floe_candidate_list *list;
    uint32_t id = 0;

    assert_int_equal(floe_core_get_local_candidates(h->core, &list), FLOE_OK);
    for (size_t i = 0; i < list->count; i++) {
        if (list->candidates[i]->type == type) {
            id = list->candidates[i]->base_id;
            assert_int_equal(list->candidates[i]->family, FLOE_FAMILY_IPV4);
        }
    }
    floe_candidate_list_free(list);
    return id;
}

/* K2, RFC 8445 §6.1.2.4: a reflexive candidate says whose socket it has, which is what packets
 * name: the host, be it by a name; itself where policy hides that. A relay is its own base. */
static void k2_a_candidate_tells_its_base(void **state)
{
    static const uint8_t data[] = "data";
    static hand h;

    (void)state;
    for (int row = 0; row < 3; row++) {
        bool hidden = row == 2;
        floe_settings settings = defaults;
        floe_ice_server ice;
        floe_gather_options options = options_of(&ice, both_urls, 2, "user");
        floe_address peer = address_of("198.51.100.77:7");
        floe_packet came;
        settings.mdns_mode = row == 1 ? FLOE_MDNS_MODE_QUERY_AND_GATHER : settings.mdns_mode;
        options.gather_policy = hidden ? FLOE_GATHER_POLICY_NOHOST : FLOE_GATHER_POLICY_ALL;
        make(&h, both_urls, 2, settings);
        assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
        (void)with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        read_log(&h, hidden     ? "+ srflx, + relay, end"
                     : row == 1 ? "publish, + host, + srflx, + relay, end"
                                : "+ host, + srflx, + relay, end");
        uint32_t base = h.last[hidden ? FLOE_CANDIDATE_TYPE_SRFLX : FLOE_CANDIDATE_TYPE_HOST];
        assert_int_equal(base_of(&h, FLOE_CANDIDATE_TYPE_SRFLX), base);
        assert_int_equal(base_of(&h, FLOE_CANDIDATE_TYPE_HOST), hidden ? 0 : base);
        assert_int_equal(base_of(&h, FLOE_CANDIDATE_TYPE_RELAY), h.last[FLOE_CANDIDATE_TYPE_RELAY]);
        floe_core_receive_packets(h.core, true);
        floe_core_datagram(h.core, h.now, 1, &peer, data, sizeof data);
        assert_true(floe_core_packet(h.core, h.now, &came));
        assert_int_equal(came.candidate_id, base);
        end(&h);
    }
}

/* P1, L12: under a policy that was tightened a gathering asks no STUN server and waits for none,
 * and nothing is named that it hides: in packets, in what is withdrawn. */
static void p1_a_tightened_policy_asks_and_shows_nothing(void **state)
{
    static const uint8_t data[] = "data";
    static const char *const urls[] = {"stun:203.0.113.3", "turn:203.0.113.2"};
    static hand h;
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, urls, 2, "user");
    floe_address peer = address_of("198.51.100.77:7");
    floe_packet came;

    (void)state;
    make(&h, urls, 2, defaults);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:701");
    (void)with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    options.gather_policy = FLOE_GATHER_POLICY_RELAY;
    assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
    stun->binding = SILENT;
    stun->bindings = 0;
    gather(&h);
    pass(&h, 300);
    read_log(&h, "end"); /* the relay stands; nobody waits for what is not wanted */
    assert_int_equal(stun->bindings, 0);
    floe_core_receive_packets(h.core, true);
    floe_core_datagram(h.core, h.now, 1, &peer, data, sizeof data);
    assert_true(floe_core_packet(h.core, h.now, &came));
    assert_int_equal(came.candidate_id, 0);
    h.no_interface = true;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, end");
    end(&h);
}

/* ── Peers that are not reached ── */

static void comes_back(hand *h, const char *peer, const void *data, size_t size)
{
    floe_address to = address_of(peer);

    floe_core_unreachable(h->core, h->now, 1, &to, FLOE_UNREACHABLE_PORT, data, size);
    settle(h);
}

/* K1: the owner hears of his own packets that came back, once a second for each peer, and of few
 * peers, as ICMP can be forged; not of what the gatherer itself has sent, nor by a candidate that
 * he is not shown. */
static void k1_a_peer_that_is_not_reached_is_told(void **state)
{
    static const uint8_t data[] = "data";
    static const uint8_t refresh[20] = {0x00, 0x04, 0, 0, 0x21, 0x12, 0xA4, 0x42};
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 6000);
    *h.log = '\0';
    comes_back(&h, "198.51.100.77:7", data, sizeof data);
    read_log(&h, "198.51.100.77:7 not reached by host: 1");
    comes_back(&h, "198.51.100.77:7", data, sizeof data);
    read_log(&h, "");
    pass(&h, 1000);
    comes_back(&h, "198.51.100.77:7", NULL, 0);
    read_log(&h, "198.51.100.77:7 not reached by host: 1");
    comes_back(&h, turn->address, data, sizeof data);
    comes_back(&h, "203.0.113.9:3478", refresh, sizeof refresh); /* of a server that is gone */
    read_log(&h, "");
    for (unsigned port = 1; port <= 1000; port++) {
        floe_address to = address_of("198.51.100.78:0");
        to.port = (uint16_t)port;
        floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_HOST, data, sizeof data);
    }
    h.unreached = 0;
    settle(&h);
    assert_int_equal(h.unreached, 15); /* beside the one of before */
    *h.log = '\0';
    end(&h);

    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, turn_url, 1, "user");
    options.gather_policy = FLOE_GATHER_POLICY_RELAY;
    make(&h, turn_url, 1, defaults);
    assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
    (void)with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ relay, end");
    comes_back(&h, "198.51.100.77:7", data, sizeof data);
    read_log(&h, "");
    end(&h);
}

/* K1: what this machine will not send to a relay's server (its address is gone, say) was the
 * owner's, whether it goes by a Send indication or by a channel: he hears of it, and the server is
 * asked. What the gatherer itself would send is not his. */
static void k1_what_does_not_leave_by_a_relay_is_told(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    floe_address to = address_of(turn->address);
    floe_address peer = address_of("198.51.100.77:7");
    for (int channel = 0; channel < 2; channel++) {
        for (size_t i = 0; i < 10; i++) { /* so many that a channel is bound */
            assert_int_equal(
                floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1),
                FLOE_OK);
            pass(&h, 100);
            if (channel == 0 && h.data > 0) {
                break;
            }
        }
        pass(&h, 6000);
        assert_int_equal(h.packet[0] >> 6, channel);
        size_t asked = turn->refreshes;
        floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_NETWORK, h.packet,
                              h.packet_size);
        pass(&h, 100);
        read_log(&h, "198.51.100.77:7 not reached by relay: 3");
        assert_int_equal(turn->refreshes, asked + 1);
        pass(&h, 6000);
    }
    static const uint8_t refresh[20] = {0x00, 0x04, 0, 0, 0x21, 0x12, 0xA4, 0x42};
    floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_NETWORK, refresh, sizeof refresh);
    floe_core_unreachable(h.core, h.now, 1, &to, FLOE_UNREACHABLE_NETWORK, h.packet, 1);
    pass(&h, 100);
    read_log(&h, "");
    end(&h);
}

/* K1: a permission that is refused for a reason that is none of the peer's, or of which nothing is
 * heard, is the end of what waited for it: the owner hears of it, and of nothing where nothing
 * waited. The relay stands, and the next request goes in its time. */
static void k1_what_no_permission_was_had_for_is_told(void **state)
{
    static const struct {
        doing does;
        uint64_t for_ms;
    } rows[] = {{UNKNOWN, 300}, {SILENT, 40000}};
    static hand h;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        server *turn = begin_with_relay(&h, turn_url);
        floe_address peer = address_of("198.51.100.77:7");
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        turn->permission = rows[i].does;
        assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
        pass(&h, rows[i].for_ms);
        read_log(&h, "198.51.100.77:7 not reached by relay: 2");
        pass(&h, 60000); /* asked for again in vain, as nothing waits */
        read_log(&h, "");
        assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
        turn->permission = ANSWERS;
        pass(&h, 60000);
        read_log(&h, "");
        assert_int_equal(h.data, 1);
        turn->permission = rows[i].does; /* a renewal: what is sent meanwhile goes */
        for (size_t second = 0; second < 230; second++) {
            assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
            pass(&h, 1000);
        }
        read_log(&h, "");
        assert_int_equal(h.data, 231);
        end(&h);
    }
}

/* K1, RFC 8656 §7.4: that the server will not have a peer is told once, though it is asked again. */
static void k1_a_peer_that_is_refused_is_told_once(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->permission = REFUSES;
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    floe_address peer = address_of("198.51.100.77:7");
    assert_int_equal(
        floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1), FLOE_OK);
    pass(&h, 1200000);
    assert_int_equal(h.unreached, 1);
    end(&h);
}

/* RFC 8656 §11.1, §12.5: a driver that is late has not told that permission and channel are over,
 * and nothing is sent by them: it waits until they are had again. */
static void k1_nothing_goes_by_a_permission_that_is_over(void **state)
{
    static const uint64_t late_s[] = {301, 641}; /* the channel stands; it does not */
    static hand h;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make(&h, turn_url, 1, defaults);
        (void)with(&h, "203.0.113.2:3478", "192.0.2.7:700");
        gather(&h);
        floe_address peer = address_of("198.51.100.77:7");
        uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
        for (size_t n = 0; n < 2; n++) { /* the second takes a channel */
            assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
            pass(&h, 1000);
        }
        h.now = floe_time_after(h.now, floe_seconds(late_s[i]));
        assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
        settle(&h);
        assert_int_equal(h.data, 2);
        pass(&h, 1000);
        assert_int_equal(h.data, 3);
        assert_int_equal(h.packet[0] >> 6, i == 0); /* ChannelData; a Send indication */
        end(&h);
    }
}

/* RFC 8656 §11.6: the relay's server has ICMP from the peer's side, and the owner hears of each
 * condition; of a packet that was too large, or too long on its way, by a word of its own. */
static void k1_a_relays_server_says_that_a_peer_is_not_reached(void **state)
{
    static const struct {
        const char *peer;
        uint8_t type;
        uint8_t code;
        int reason; /* 0: nothing is told */
    } rows[] = {
        {"198.51.100.77:7", 3, 3, FLOE_UNREACHABLE_PORT},
        {"198.51.100.78:7", 3, 1, FLOE_UNREACHABLE_HOST},
        {"198.51.100.79:7", 3, 4, FLOE_UNREACHABLE_TOO_BIG},
        {"198.51.100.80:7", 11, 0, FLOE_UNREACHABLE_EXPIRED},
        {"198.51.100.81:7", 11, 1, FLOE_UNREACHABLE_EXPIRED},
        {"198.51.100.82:7", 8, 0, 0},
    };
    static const floe_stun_id id = {{1}};
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        floe_address peer = address_of(rows[row].peer);
        char told[64] = "";
        for (int permitted = 0; permitted < 2; permitted++) {
            uint8_t bytes[128];
            floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_INDICATION,
                                                      FLOE_STUN_DATA_INDICATION, &id);
            floe_stun_put_address(&writer, FLOE_STUN_XOR_PEER_ADDRESS, &peer);
            floe_stun_put_icmp(&writer, rows[row].type, rows[row].code, 1280);
            deliver(&h, 1, turn, &writer);
            settle(&h);
            /* First there is no permission for the peer yet, so nothing was sent to it. */
            if (permitted == 1 && rows[row].reason != 0) {
                (void)snprintf(told, sizeof told, "%s not reached by relay: %d", rows[row].peer,
                               rows[row].reason);
            }
            read_log(&h, told);
            assert_int_equal(
                floe_core_send(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY], &peer, "x", 1),
                FLOE_OK);
            pass(&h, 1000);
        }
    }
    end(&h);
}

/* The owner's word that a path is dead has the relay's server and the NAT asked at once. */
static void t7b_what_its_owner_doubts_is_asked(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 6000);
    *h.log = '\0';
    turn->refreshes = 0;
    assert_int_equal(floe_core_doubt(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_HOST]), FLOE_OK);
    pass(&h, 100);
    assert_int_equal(turn->refreshes, 0);
    assert_int_equal(floe_core_doubt(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_SRFLX]), FLOE_OK);
    pass(&h, 100);
    assert_int_equal(turn->refreshes, 1); /* by which the relay keeps the mapping */
    read_log(&h, "");
    turn->refresh = FORGOT;
    assert_int_equal(floe_core_doubt(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_RELAY]), FLOE_OK);
    pass(&h, 2000);
    read_log(&h, "- relay, + relay");
    assert_int_equal(floe_core_doubt(h.core, h.now, 4711), FLOE_ERR_NOT_FOUND);
    end(&h);

    make(&h, stun_urls, 1, defaults);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    *h.log = '\0';
    stun->mapped = "192.0.2.7:701";
    assert_int_equal(floe_core_doubt(h.core, h.now, h.last[FLOE_CANDIDATE_TYPE_SRFLX]), FLOE_OK);
    pass(&h, 100);
    read_log(&h, "- srflx, + srflx");
    floe_core_close(h.core, h.now);
    assert_int_equal(floe_core_doubt(h.core, h.now, 1), FLOE_ERR_INVALID_STATE);
    end(&h);
}

/* ── The driver ── */

/* L14: a list that never comes ends gathering at the timeout, and nothing spins. */
static void l14_a_list_that_never_comes(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    h.no_list = true;
    gather(&h);
    pass(&h, 10000);
    read_log(&h, "error, end");
    h.no_list = false;
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, + relay, end");
    end(&h);
}

/* T7, R6: a list that could not be had leaves what goes on as it is; of a restart whose list fails the
 * relay is told once its server has said that it stands. */
static void l14_a_list_that_fails_leaves_what_goes_on(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    h.no_list = true;
    gather(&h);
    pass(&h, 10000);
    read_log(&h, "error, end");
    turn->refresh = FORGOT;
    pass(&h, 16000);
    read_log(&h, "- relay, + relay");
    turn->refresh = ANSWERS;
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    gather(&h);
    pass(&h, 60000);
    read_log(&h, "error, - host, - srflx, end, + relay");
    h.no_list = false;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, end");
    end(&h);
}

/* L10, L11: a pool that is filled after a restart holds the word that a candidate is gone; what it
 * speaks of stays until that is told. */
static void l10_a_pool_that_holds_withdrawals(void **state)
{
    static hand h;
    floe_ice_server ice;

    (void)state;
    (void)begin_with_relay(&h, turn_url);
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    floe_gather_options options = options_of(&ice, turn_url, 1, "user");
    options.candidate_pool_size = 1;
    assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
    h.no_interface = true;
    pass(&h, 1000);
    assert_int_equal(h.sockets, 0);
    read_log(&h, "");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, - host, - srflx, end");
    end(&h);
}

/* T1, L11: of a base and a server there is one relay, though a restart comes while it is asked for, at
 * two addresses of its name: whichever answers first, and whether the new generation knows the list of
 * interfaces, the name and the addresses by then. What is too many is given back. */
static void l11_one_relay_of_those_that_a_restart_finds_under_way(void **state)
{
    enum { BEFORE_GATHERING, BEFORE_NAMES, BEHIND_NAMES, ELSEWHERE, MOMENTS };
    static hand h;

    (void)state;
    for (int moment = 0; moment < MOMENTS; moment++) {
        make(&h, named_url, 1, defaults);
        h.places[0] = "203.0.113.2:0";
        h.places[1] = "203.0.113.4:0";
        for (size_t i = 0; i < 3; i++) {
            static const char *const addresses[] = {"203.0.113.2:3478", "203.0.113.4:3478",
                                                    "203.0.113.6:3478"};
            server *turn = with(&h, addresses[i], "192.0.2.7:700");
            turn->port = 10 * (unsigned)i;
            turn->allocate = SILENT;
        }
        gather(&h);
        pass(&h, 1400);
        assert_int_equal(h.servers[1].allocates, 2);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        *h.log = '\0';
        if (moment == ELSEWHERE) {
            h.places[0] = "203.0.113.6:0";
            h.places[1] = NULL;
        }
        h.late_names = moment == BEFORE_NAMES;
        if (moment != BEFORE_GATHERING) {
            gather(&h);
            pass(&h, 10);
        }
        for (size_t i = 0; i < 3; i++) {
            h.servers[i].allocate = ANSWERS;
        }
        pass(&h, 400);
        if (moment == BEFORE_GATHERING) {
            gather(&h);
        }
        for (size_t i = 0; i < h.query_count; i++) {
            answer_look_up(&h, h.queries[i]);
        }
        pass(&h, 60000);
        read_log(&h, "+ host, + srflx, + relay, end");
        size_t stand = 0;
        for (size_t i = 0; i < 3; i++) {
            h.servers[i].refreshes = 0;
        }
        pass(&h, 60000);
        for (size_t i = 0; i < 3; i++) {
            stand += h.servers[i].refreshes > 0;
        }
        assert_int_equal(stand, 1);
        read_log(&h, "");
        end(&h);
    }
}

/* R6: two servers have shown one mapping, and a gathering is over without a word of either: who of
 * them answers later tells that it has changed, whichever had told it. */
static void r6_of_two_silent_servers_either_tells(void **state)
{
    static hand h;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make(&h, stun_urls, 2, defaults);
        (void)with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        (void)with(&h, "203.0.113.4:3478", "192.0.2.7:700");
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, end");
        h.servers[0].binding = h.servers[1].binding = SILENT;
        gather(&h);
        pass(&h, 6000);
        read_log(&h, "error, error, end");
        h.servers[i].binding = ANSWERS;
        h.servers[i].mapped = "192.0.2.7:701";
        pass(&h, 120000);
        assert_non_null(strstr(h.log, "+ srflx"));
        assert_non_null(strstr(h.log, "- srflx"));
        end(&h);
    }
}

/* L11: a restart right behind the end of a candidate: its id is told as gone all the same. */
static void l11_a_restart_swallows_no_withdrawal(void **state)
{
    static hand h;

    (void)state;
    (void)begin_with_relay(&h, turn_url);
    h.no_interface = true;
    assert_int_equal(floe_core_start(h.core, h.now), FLOE_OK);
    while (strstr(h.log, "- relay") == NULL) { /* the first of three */
        assert_true(floe_core_poll(h.core, h.now, &h.output));
        take(&h);
    }
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    h.no_interface = false;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "- relay, + host, + srflx, + relay, - host, - srflx, end");
    end(&h);
}

/* L11, L12: what the policy held back and a restart has made stale is told once it is found again,
 * by the fragment of today, and not because the policy lets it. */
static void l11_a_loosened_policy_tells_what_is_found(void **state)
{
    static hand h;
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, stun_urls, 1, "user");

    (void)state;
    make(&h, stun_urls, 1, defaults);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    options.gather_policy = FLOE_GATHER_POLICY_RELAY;
    assert_int_equal(floe_core_set_options(h.core, h.now, &options), FLOE_OK);
    gather(&h);
    pass(&h, 1000);
    set(&h, stun_urls, 1);
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    *h.log = '\0';
    stun->binding = SILENT;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "+ host, error, - srflx, end");
    end(&h);
}

/* R2: a server that is full shows the mapped address all the same, whoever asks. */
static void r2_a_full_server_shows_the_mapping(void **state)
{
    static hand h;
    floe_ice_server ice;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->allocate = REFUSES;
    for (int i = 0; i < 4; i++) {
        floe_gather_options options = options_of(&ice, turn_url, 1, "user");
        gather(&h);
        pass(&h, 6000);
        assert_non_null(strstr(h.log, "+ srflx"));
        *h.log = '\0';
        floe_core_close(h.core, h.now);
        settle(&h);
        floe_core_free(h.core);
        assert_int_equal(floe_core_new(h.shared, &options, &h.core), FLOE_OK);
    }
    end(&h);
}

/* ── Checks ── */

/* A check by these credentials; false: it did not come to the owner. */
static bool check(floe_core *core, floe_time now, uint32_t channel,
                  const floe_parameters *parameters, bool odd, floe_packet *packet)
{
    static uint8_t bytes[256];
    floe_stun_id id = {.bytes = {1, 2, 3}};
    floe_address peer = address_of("192.0.2.99:7000");
    char username[300];
    floe_stun_key *key;

    assert_int_equal(floe_stun_key_short_term(&floe_default_allocator,
                                              floe_span_text(parameters->password), &key),
                     FLOE_OK);
    (void)snprintf(username, sizeof username, "%s:them", parameters->username_fragment);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(username));
    if (odd) {
        floe_stun_put_u32(&writer, (floe_stun_attribute_type)0x7fff, 1);
    }
    floe_stun_put_integrity(&writer, key->sha1);
    floe_span data = floe_stun_written(&writer);
    floe_core_receive_packets(core, true);
    floe_core_datagram(core, now, channel, &peer, data.data, data.size);
    floe_stun_key_release(key);
    return floe_core_packet(core, now, packet);
}

/* L11, L13, RFC 8445 §9: after a restart each component believes checks by the new parameters; by
 * those of before until the new ones have been used. */
static void l11_the_former_credentials_hold_for_a_while(void **state)
{
    static hand h;
    static hand other;
    floe_parameters old = FLOE_PARAMETERS_INIT;
    floe_parameters new = FLOE_PARAMETERS_INIT;
    floe_packet packet;

    (void)state;
    make(&h, turn_url, 1, defaults);
    memset(&other, 0, sizeof other);
    other.now = h.now;
    other.next_port = 41000;
    assert_int_equal(floe_core_new_associated(h.core, &other.core), FLOE_OK);
    gather(&h);
    gather(&other);
    assert_int_equal(floe_core_get_local_parameters(h.core, &old), FLOE_OK);
    hand *both[] = {&h, &other};
    for (size_t i = 0; i < 2; i++) {
        assert_true(check(both[i]->core, h.now, 1, &old, false, &packet));
        assert_true(packet.check->authenticated && !packet.check->former);
    }
    assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    assert_int_equal(floe_core_get_local_parameters(h.core, &new), FLOE_OK);
    for (size_t i = 0; i < 2; i++) {
        floe_core *core = both[i]->core;
        assert_true(check(core, h.now, 1, &old, false, &packet));
        assert_true(packet.check->authenticated && packet.check->former);
        assert_int_equal(floe_core_answer_check(core, h.now, &packet, 0), FLOE_OK);
        assert_true(check(core, h.now, 1, &new, false, &packet));
        assert_true(packet.check->authenticated && !packet.check->former);
        assert_true(check(core, h.now, 1, &old, false, &packet));
        assert_false(packet.check->authenticated);
        assert_int_equal(floe_core_answer_check(core, h.now, &packet, 0), FLOE_ERR_PERMISSION);
        assert_int_equal(floe_core_answer_check(core, h.now, &packet, 401), FLOE_OK);
        assert_int_equal(floe_core_answer_check(core, h.now, &packet, FLOE_ANSWER_ANYBODY),
                         FLOE_OK);
    }
    floe_core_close(other.core, h.now);
    settle(&other);
    floe_core_free(other.core);
    end(&h);
}

static bool believes(hand *h, const floe_parameters *parameters)
{
    floe_packet packet;

    assert_true(check(h->core, h->now, 1, parameters, false, &packet));
    floe_error error = floe_core_answer_check(h->core, h->now, &packet, 0);
    assert_int_equal(error == FLOE_OK, packet.check->authenticated);
    return packet.check->authenticated;
}

/* L11, RFC 8445 §9, RFC 7675: restarts of which the other side does not hear end no consent: it goes on
 * by what it has used last. */
static void l11_what_the_other_side_uses_outlives_restarts(void **state)
{
    static hand h;
    floe_parameters all[6];

    (void)state;
    make(&h, turn_url, 1, defaults);
    gather(&h);
    for (size_t i = 0; i < 6; i++) {
        all[i] = (floe_parameters)FLOE_PARAMETERS_INIT;
        assert_int_equal(floe_core_get_local_parameters(h.core, &all[i]), FLOE_OK);
        assert_true(i == 1 || i == 3 || i == 4 || believes(&h, &all[i]));
        assert_true(i == 5 || believes(&h, &all[i < 2 ? 0 : 2]));
        assert_int_equal(believes(&h, &all[i == 4 ? 3 : 0]), i < 2 || i == 4);
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
    }
    assert_true(believes(&h, &all[5]));
    assert_false(believes(&h, &all[3]));
    end(&h);
}

/* RFC 8489 §6.3.1: what must be understood and is not is told, and a 420 names it. */
static void k2_what_a_check_has_that_nobody_knows(void **state)
{
    static hand h;
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_packet packet;
    floe_stun_message message;
    floe_span unknown;

    (void)state;
    make(&h, stun_urls, 1, defaults);
    gather(&h);
    assert_int_equal(floe_core_get_local_parameters(h.core, &parameters), FLOE_OK);
    assert_true(check(h.core, h.now, 1, &parameters, true, &packet));
    assert_int_equal(packet.kind, FLOE_PACKET_STUN);
    assert_int_equal(packet.check->unknown_attribute_count, 1);
    assert_int_equal(packet.check->unknown_attributes[0], 0x7fff);
    settle(&h);
    assert_int_equal(floe_core_answer_check(h.core, h.now, &packet, 420), FLOE_OK);
    do {
        assert_true(floe_core_poll(h.core, h.now, &h.output));
    } while (h.output.kind != FLOE_CORE_SEND);
    assert_int_equal(floe_stun_parse(floe_span_of(h.output.data, h.output.data_size), &message),
                     FLOE_STUN_PARSED);
    assert_true(floe_stun_find(&message, FLOE_STUN_UNKNOWN_ATTRIBUTES, &unknown));
    assert_memory_equal(unknown.data, "\x7f\xff", 2);
    end(&h);
}

/* K1, RFC 7983: what floe asked for itself is not the owner's, however late it comes; and what
 * only begins like STUN is none. */
static void k1_answers_of_our_own_are_not_the_owners(void **state)
{
    static hand h;
    uint8_t bytes[64];
    floe_stun_id others = {.bytes = {9}};
    floe_packet packet;

    (void)state;
    make(&h, both_urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    assert_int_equal(h.binding_count, 1);
    floe_core_receive_packets(h.core, true);
    static const uint16_t methods[] = {FLOE_STUN_BINDING, FLOE_STUN_ALLOCATE, FLOE_STUN_REFRESH,
                                       FLOE_STUN_CREATE_PERMISSION, FLOE_STUN_DATA_INDICATION};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS,
                                                  methods[i], i == 0 ? &h.binding : &others);
        deliver(&h, 1, turn, &writer);
        assert_false(floe_core_packet(h.core, h.now, &packet));
    }
    /* But a peer may stand where a STUN server does: what it answers to the owner is the owner's.
     */
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &others);
    deliver(&h, 1, turn, &writer);
    assert_true(floe_core_packet(h.core, h.now, &packet));
    set(&h, stun_urls, 1); /* the relay goes, and what it had under way comes */
    gather(&h);
    pass(&h, 6000);
    floe_address server_address = address_of(turn->address);
    floe_core_datagram(h.core, h.now, 1, &server_address, "\x40\0\0\4data", 8);
    assert_false(floe_core_packet(h.core, h.now, &packet));
    floe_address peer = address_of("192.0.2.99:7000");
    floe_core_datagram(h.core, h.now, 1, &peer, "\1hello", 6);
    assert_true(floe_core_packet(h.core, h.now, &packet));
    assert_int_equal(packet.kind, FLOE_PACKET_OTHER);
    floe_core_datagram(h.core, h.now, 1, &peer, "HELLO", 5);
    assert_true(floe_core_packet(h.core, h.now, &packet));
    assert_int_equal(packet.kind, FLOE_PACKET_OTHER);
    end(&h);
}

/* A peer whose permission had no place among those that are asked for, for as long as one that is not
 * used is known, is dropped: who waits to send to it hears that. */
static void k1_a_peer_that_never_had_its_turn(void **state)
{
    static hand h;
    static const uint8_t big[1200];
    char text[FLOE_ADDRESS_TEXT_SIZE];
    floe_error error;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    turn->permission = SILENT;
    uint32_t relay = h.last[FLOE_CANDIDATE_TYPE_RELAY];
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof text, "192.0.2.%u:900", 100 + i);
        floe_address peer = address_of(text);
        assert_int_equal(floe_core_send(h.core, h.now, relay, &peer, "x", 1), FLOE_OK);
    }
    floe_address last = address_of("192.0.3.1:900");
    do {
        error = floe_core_send(h.core, h.now, relay, &last, big, sizeof big);
    } while (error == FLOE_OK);
    assert_int_equal(error, FLOE_ERR_QUEUE_FULL);
    size_t writable = 0;
    for (size_t second = 0; second < 3600; second++) {
        *h.log = '\0';
        pass(&h, 1000);
        writable += strstr(h.log, "relay writable") != NULL;
    }
    assert_int_equal(writable, 1);
    assert_in_range(h.unreached, 80, 101); /* 16 in one second */
    end(&h);
}

/* What several relays have under way that go together, be one of them by TCP, is nobody's; and it is
 * so for a while, not for the socket's life: a server that one no longer uses may be a peer's. */
static void k1_what_relays_that_have_gone_have_under_way(void **state)
{
    static const char *const urls[][2] = {{"turn:203.0.113.2", "turn:203.0.113.5"},
                                          {"turn:203.0.113.2", "turn:203.0.113.5?transport=tcp"}};
    static hand h;
    floe_packet packet;

    (void)state;
    for (size_t tcp = 0; tcp < 2; tcp++) {
        make(&h, urls[tcp], 2, defaults);
        floe_address from[] = {
            address_of(with(&h, "203.0.113.2:3478", "192.0.2.7:700")->address),
            address_of(with(&h, "203.0.113.5:3478", "192.0.2.7:700")->address),
        };
        h.servers[1].port = 50;
        floe_core_receive_packets(h.core, true);
        gather(&h);
        pass(&h, 1000);
        read_log(&h, "+ host, + srflx, + relay, + relay, end");
        set(&h, stun_urls, 1);
        gather(&h);
        for (size_t i = 0; i < 2 - tcp; i++) {
            floe_core_datagram(h.core, h.now, 1, &from[i], "\x40\1\0\4data", 8);
            assert_false(floe_core_packet(h.core, h.now, &packet));
        }
        pass(&h, 60000);
        for (size_t i = 0; i < 2; i++) {
            floe_core_datagram(h.core, h.now, 1, &from[i], "\xc3QUIC", 5);
            assert_true(floe_core_packet(h.core, h.now, &packet));
        }
        end(&h);
    }
}

/* Nor is what it asked for before a restart, of whichever server. */
static void k1_answers_to_what_a_restart_has_ended(void **state)
{
    static hand h;
    uint8_t bytes[64];
    floe_packet packet;

    (void)state;
    make(&h, stun_urls, 2, defaults);
    with(&h, "203.0.113.3:3478", "192.0.2.7:700")->binding = SILENT;
    with(&h, "203.0.113.4:3478", "192.0.2.7:700")->binding = SILENT;
    floe_core_receive_packets(h.core, true);
    gather(&h);
    pass(&h, 50);
    assert_int_equal(h.binding_count, 2);
    for (size_t restarts = 0; restarts < 3; restarts++) {
        assert_int_equal(floe_core_restart(h.core, h.now), FLOE_OK);
        gather(&h);
        pass(&h, 50);
    }
    assert_int_equal(h.binding_count, 8);
    for (size_t i = 0; i < h.binding_count; i++) {
        floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS,
                                                  FLOE_STUN_BINDING, &h.bindings[i]);
        deliver(&h, 1, &h.servers[i % 2], &writer);
        assert_false(floe_core_packet(h.core, h.now, &packet));
    }
    end(&h);
}

/* However many servers the base asks; and an id that nobody has drawn is nobody's. */
static void k1_answers_to_more_servers_than_a_few(void **state)
{
    static hand h;
    static char texts[SERVERS][3][32];
    const char *urls[SERVERS];
    uint8_t bytes[64];
    floe_packet packet;
    static const floe_stun_id none;

    (void)state;
    for (size_t i = 0; i < SERVERS; i++) {
        (void)snprintf(texts[i][0], sizeof texts[i][0], "stun:203.0.113.%zu", i + 1);
        (void)snprintf(texts[i][1], sizeof texts[i][1], "203.0.113.%zu:3478", i + 1);
        (void)snprintf(texts[i][2], sizeof texts[i][2], "192.0.2.7:%zu", 700 + i);
        urls[i] = texts[i][0];
    }
    make(&h, urls, SERVERS, defaults);
    for (size_t i = 0; i < SERVERS; i++) {
        (void)with(&h, texts[i][1], texts[i][2]);
    }
    floe_core_receive_packets(h.core, true);
    gather(&h);
    pass(&h, 1000);
    assert_int_equal(h.binding_count, SERVERS);
    pass(&h, 15500); /* each keeps a mapping of its own */
    assert_int_equal(h.binding_count, 2 * SERVERS);
    for (size_t i = 0; i < h.binding_count; i++) {
        floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS,
                                                  FLOE_STUN_BINDING, &h.bindings[i]);
        deliver(&h, 1, &h.servers[i % SERVERS], &writer);
        assert_false(floe_core_packet(h.core, h.now, &packet));
    }
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &none);
    deliver(&h, 1, &h.servers[0], &writer);
    assert_true(floe_core_packet(h.core, h.now, &packet));
    end(&h);
}

/* R6: what is contradicted is believed until its server was asked, which it is not while there is
 * no randomness for a request. */
static void r6_without_randomness_nothing_is_disproved(void **state)
{
    static hand h;

    (void)state;
    make(&h, stun_urls, 2, defaults);
    server *one = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    server *other = with(&h, "203.0.113.4:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + srflx, end");
    one->binding = SILENT;
    pass(&h, 14200);
    assert_int_equal(one->bindings, 2);
    uint8_t bytes[64];
    floe_address moved = address_of("192.0.2.7:701");
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &h.binding);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &moved);
    h.random.fails = true;
    deliver(&h, 1, one, &writer);
    pass(&h, 1000);
    assert_int_equal(other->bindings, 1); /* it could not be asked */
    assert_null(strstr(h.log, "- srflx"));
    h.random.fails = false;
    pass(&h, 16000);
    assert_true(other->bindings > 1);
    assert_null(strstr(h.log, "- srflx"));
    end(&h);
}

/* ── What errors say ── */

/* E1: that answers came, though not to what was asked now, is told, and the port is not doubted. */
static void e1_answers_that_come_late(void **state)
{
    static hand h;
    uint8_t bytes[64];

    (void)state;
    make(&h, stun_urls, 1, defaults);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    stun->binding = SILENT;
    gather(&h);
    pass(&h, 6000);
    assert_non_null(strstr(h.error, "is UDP port 3478 open"));
    gather(&h);
    pass(&h, 100);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &h.bindings[0]);
    deliver(&h, 1, stun, &writer);
    pass(&h, 6000);
    assert_int_equal(h.errors, 2);
    assert_non_null(strstr(h.error, "late"));
    assert_null(strstr(h.error, "open"));
    end(&h);
}

static void e1_a_server_that_answers_something_else(void **state)
{
    static hand h;

    (void)state;
    make(&h, both_urls, 2, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->binding = SILENT;
    turn->allocate = REFUSES;
    gather(&h);
    pass(&h, 6000);
    assert_int_equal(h.errors, 2);
    assert_non_null(strstr(h.error, "answers other requests from here"));
    end(&h);
}

static void e1_a_server_that_answers_another_address_of_ours(void **state)
{
    static hand h;

    (void)state;
    make(&h, stun_urls, 1, defaults);
    h.two_interfaces = true;
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    stun->deaf_to = 2;
    gather(&h);
    pass(&h, 6000);
    assert_int_equal(h.errors, 1);
    assert_non_null(strstr(h.error, "answers another address of ours"));
    end(&h);
}

/* R2, L5: whose relay has a socket of its own shows by that nothing of the base's mapping: each
 * gathering asks for it. */
static void l5_a_mapping_that_was_not_to_be_had_at_first(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->strangers = 1;
    turn->binding = REFUSES;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ host, + relay, end");
    turn->binding = ANSWERS;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "+ srflx, end");
    turn->bindings = 0;
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "end");
    assert_int_equal(turn->bindings, 1);
    end(&h);
}

/* T7b: and one that goes on as there was no list. */
static void t7b_a_refusal_where_there_is_no_list(void **state)
{
    static hand h;

    (void)state;
    server *turn = begin_with_relay(&h, turn_url);
    h.no_list = true;
    gather(&h);
    pass(&h, 6000);
    read_log(&h, "error, end");
    turn->refresh = REFUSES;
    pass(&h, 36000); /* the second time ends it */
    read_log(&h, "error, - relay");
    assert_non_null(strstr(h.error, "403"));
    end(&h);
}

/* T7b: a relay whose server refuses it while the list of interfaces is awaited goes with a word. */
static void t7b_a_refusal_before_the_list_of_interfaces(void **state)
{
    static hand h;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 14000);
    turn->refresh = REFUSES; /* the second time ends it */
    pass(&h, 2000);
    *h.log = '\0';
    h.no_list = true;
    gather(&h);
    pass(&h, 2000);
    read_log(&h, "error, - relay");
    assert_non_null(strstr(h.error, "403"));
    end(&h);
}

/* E1: who refuses one address of ours, and does not hear the other, is there. */
static void e1_a_refusal_is_an_answer(void **state)
{
    static const char *const url[] = {"stun:203.0.113.2"};
    static hand h;

    (void)state;
    make(&h, url, 1, defaults);
    h.two_interfaces = true;
    server *stun = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    stun->binding = REFUSES;
    stun->deaf_to = 2;
    gather(&h);
    pass(&h, 6000);
    assert_non_null(strstr(h.error, "answers another address of ours"));
    end(&h);
}

/* ── What went out ── */

static void no_trace(void *user_data, const floe_trace_event *event)
{
    (void)user_data;
    (void)event;
}

/* Every request that goes out is in the trace as it goes, that which releases a relay among them.
 */
static void on_trace_has_the_release_at_close(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.on_trace = no_trace;
    make(&h, turn_url, 1, settings);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    assert_string_equal(h.trace, "sent Allocate");
    *h.trace = '\0';
    floe_core_close(h.core, h.now);
    settle(&h);
    assert_string_equal(h.trace, "sent Refresh");
    assert_int_equal(h.servers[0].releases, 1);
    end(&h);
}

/* Of all entries: how often something was asked, and how many have failed. */
static size_t counted(const hand *h, size_t *failed)
{
    floe_gatherer_statistics *statistics = NULL;
    size_t sum = 0;

    *failed = 0;
    assert_int_equal(floe_core_get_statistics(h->core, &statistics), FLOE_OK);
    for (size_t i = 0; i < statistics->server_count; i++) {
        const floe_server_statistics *of = statistics->servers[i];
        sum += of->requests + of->retransmissions;
        *failed += of->progress == FLOE_SERVER_PROGRESS_FAILED && of->code == 701;
    }
    floe_gatherer_statistics_free(statistics);
    return sum;
}

/* L15: of an answer that comes twice, and ends nothing the first time, as anybody may have sent it. */
static void l15_an_answer_that_comes_twice(void **state)
{
    static hand h;
    floe_gatherer_statistics *statistics = NULL;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    turn->guarded = true;
    gather(&h);
    pass(&h, 1000);
    turn->twice = true;
    turn->refresh = SAYS;
    turn->code = 401;
    pass(&h, 60000);
    assert_int_equal(floe_core_get_statistics(h.core, &statistics), FLOE_OK);
    for (size_t i = 0; i < statistics->server_count; i++) {
        assert_true(statistics->servers[i]->responses <= statistics->servers[i]->requests);
    }
    floe_gatherer_statistics_free(statistics);
    end(&h);
}

/* L15: a retransmission that is due when its server is given up, by a timer that comes late, does
 * not go out, and is in neither of the two. */
static void l15_what_was_due_and_did_not_go_out(void **state)
{
    static hand h;
    floe_settings settings = defaults;
    size_t failed;

    (void)state;
    settings.on_trace = no_trace;
    make(&h, stun_urls, 1, settings);
    server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
    stun->binding = SILENT;
    gather(&h);
    settle(&h);
    h.now = floe_time_after(h.now, floe_milliseconds(5050));
    floe_core_time(h.core, h.now);
    settle(&h);
    read_log(&h, "+ host, error, end");
    assert_int_equal(stun->bindings, 1);
    assert_int_equal(counted(&h, &failed), 1);
    assert_int_equal(failed, 1);
    assert_string_equal(h.trace, "sent Binding");
    end(&h);
}

/* L15: a relay that goes on asking when the gathering has given it up is one entry, which has
 * failed, and each packet is counted once. */
static void l15_a_relay_that_outlives_its_gathering_is_counted_once(void **state)
{
    static hand h;
    size_t failed;

    (void)state;
    make(&h, turn_url, 1, defaults);
    server *turn = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    turn->refresh = FORGOT;
    turn->allocate = SILENT;
    pass(&h, 20000);
    gather(&h);
    pass(&h, 12000);
    assert_int_equal(counted(&h, &failed),
                     turn->bindings + turn->allocates + turn->refreshes + turn->releases);
    assert_int_equal(failed, 1);
    end(&h);
}

/* L15: an answer comes while a retransmission waits to be polled: that is over, and does not leave
 * behind it, nor is it counted. */
static void l15_what_is_answered_while_it_waits(void **state)
{
    static hand h;
    size_t failed;

    (void)state;
    for (size_t refused = 0; refused < 2; refused++) {
        make(&h, stun_urls, 1, defaults);
        server *stun = with(&h, "203.0.113.3:3478", "192.0.2.7:700");
        stun->binding = SILENT;
        gather(&h);
        pass(&h, 100);
        assert_int_equal(stun->bindings, 1);
        h.now = floe_core_deadline(h.core);
        floe_core_time(h.core, h.now);
        floe_stun_message request = {.method = FLOE_STUN_BINDING, .id = h.binding};
        if (refused) {
            refuse(&h, 1, stun, &request, 400);
        } else {
            succeed(&h, 1, stun, &request);
        }
        pass(&h, 6000);
        assert_int_equal(stun->bindings, 1);
        assert_int_equal(counted(&h, &failed), 1);
        end(&h);
    }
}

/* L15, T1: an Allocate that gives way to the other family's relay, unanswered, has not succeeded, though
 * the address has its reflexive candidate. */
static void l15_an_allocate_that_gives_way(void **state)
{
    static const char *const named[] = {"turn:turn.example"};
    static hand h;
    floe_gatherer_statistics *statistics;
    size_t unanswered = 0;

    (void)state;
    make(&h, named, 1, defaults);
    h.ipv6 = "[2001:db8:1::2]:0";
    h.places[0] = "203.0.113.2:0";
    h.places[1] = "[2001:db8:f::2]:0";
    server *v4 = with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    server *v6 = with(&h, "[2001:db8:f::2]:3478", "[2001:db8:1::2]:700");
    v4->allocate = v4->both = v6->allocate = v6->both = SILENT;
    gather(&h);
    pass(&h, 400);
    v6->allocate = v6->both = ANSWERS;
    pass(&h, 6000);
    assert_non_null(strstr(h.log, "+ relay"));
    assert_true(v4->allocates > 0 && v6->allocates > 0);
    assert_int_equal(floe_core_get_statistics(h.core, &statistics), FLOE_OK);
    for (size_t i = 0; i < statistics->server_count; i++) {
        const floe_server_statistics *of = statistics->servers[i];
        if (of->responses == 0) {
            unanswered++;
            assert_string_equal(of->method, "Allocate");
            assert_int_equal(of->progress, FLOE_SERVER_PROGRESS_FAILED);
        }
    }
    assert_int_equal(unanswered, 1);
    floe_gatherer_statistics_free(statistics);
    end(&h);
}

/* ── Names ── */

/* P1: under a policy that tells no hosts no name stands for one on the link, and that one is taken
 * there is nothing to tell, from the moment of gather on. */
static void p1_a_name_under_a_policy_that_tells_no_hosts(void **state)
{
    static hand h;
    floe_settings settings = defaults;

    (void)state;
    settings.mdns_mode = FLOE_MDNS_MODE_QUERY_AND_GATHER;
    make(&h, turn_url, 1, settings);
    with(&h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "publish, + host, + srflx, + relay, end");
    set_with(&h, turn_url, 1, FLOE_GATHER_POLICY_RELAY);
    h.no_list = true;
    gather(&h);
    read_log(&h, "unpublish");
    floe_core_name_taken(h.core, h.now, h.name);
    settle(&h);
    read_log(&h, "");
    h.no_list = false;
    pass(&h, 6000);
    *h.log = '\0'; /* that there was no list */
    set(&h, turn_url, 1);
    gather(&h);
    pass(&h, 1000);
    read_log(&h, "publish, + host, end");
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_answers_to_what_a_restart_has_ended),
        cmocka_unit_test(k1_answers_to_more_servers_than_a_few),
        cmocka_unit_test(r6_without_randomness_nothing_is_disproved),
        cmocka_unit_test(e1_answers_that_come_late),
        cmocka_unit_test(e1_a_server_that_answers_something_else),
        cmocka_unit_test(e1_a_server_that_answers_another_address_of_ours),
        cmocka_unit_test(t7b_a_refusal_before_the_list_of_interfaces),
        cmocka_unit_test(t7_a_server_that_has_moved),
        cmocka_unit_test(t6_each_url_of_a_server_has_its_own_socket),
        cmocka_unit_test(t7b_a_relay_that_another_of_its_socket_has_ended),
        cmocka_unit_test(r6_a_relay_that_is_had_elsewhere_leaves_no_mapping),
        cmocka_unit_test(t7_a_server_that_is_away_with_its_name),
        cmocka_unit_test(t7_a_server_that_is_away_with_its_services),
        cmocka_unit_test(t7_another_address_of_the_name),
        cmocka_unit_test(t7_the_other_server_of_a_name_when_one_falls_silent),
        cmocka_unit_test(l11_a_restart_asks_the_other_server_of_a_name),
        cmocka_unit_test(l11_each_restart_finds_the_living_server_of_a_name),
        cmocka_unit_test(l11_a_gathering_asks_anew_what_is_unanswered),
        cmocka_unit_test(l11_what_comes_before_it_is_asked_anew),
        cmocka_unit_test(l12_a_former_relay_that_is_lost_is_asked_for_by_the_new_user),
        cmocka_unit_test(l12_of_two_that_were_lost_one_serves),
        cmocka_unit_test(e1_a_former_relay_is_answered),
        cmocka_unit_test(l11_of_several_relays_one_is_told),
        cmocka_unit_test(t7b_sleep_is_no_silence),
        cmocka_unit_test(l12_a_former_users_socket_is_left_to_it),
        cmocka_unit_test(t6_what_stands_there_is_another_users),
        cmocka_unit_test(l12_a_former_relay_goes_behind_an_outage),
        cmocka_unit_test(t12_a_relay_for_tcp_of_the_living_server),
        cmocka_unit_test(l14_who_waits_beside_the_silent_is_asked),
        cmocka_unit_test(t1_a_family_that_has_died_keeps_no_relay_away),
        cmocka_unit_test(t7_who_gathers_does_not_wait_for_pauses),
        cmocka_unit_test(t10_another_address_of_the_nats_costs_no_relay),
        cmocka_unit_test(t10_the_living_relay_moves),
        cmocka_unit_test(t10_a_move_outlives_its_gathering),
        cmocka_unit_test(t10_a_network_that_comes_and_goes),
        cmocka_unit_test(t10_a_relay_moves_to_where_there_is_no_room),
        cmocka_unit_test(e1_a_port_that_is_closed_to_udp_alone),
        cmocka_unit_test(l11_restarts_in_calm_tell_one_relay),
        cmocka_unit_test(e2_another_url_of_the_host_hides_no_failure),
        cmocka_unit_test(t10_an_address_that_is_back_is_its_own_relays),
        cmocka_unit_test(t10_a_server_in_trouble_has_its_pauses),
        cmocka_unit_test(t10_a_network_goes_before_another_comes),
        cmocka_unit_test(t7_the_other_family_holds_up_nothing),
        cmocka_unit_test(t7_a_server_that_has_moved_and_refuses),
        cmocka_unit_test(t7_a_port_that_stays_closed),
        cmocka_unit_test(t7_a_gathering_behind_a_long_outage),
        cmocka_unit_test(t7_restarts_while_the_network_comes_up),
        cmocka_unit_test(t7_a_name_that_leads_elsewhere_each_time),
        cmocka_unit_test(t7_what_leaves_is_no_reason_to_wait),
        cmocka_unit_test(t1_one_family_s_relay_is_told_behind_an_outage),
        cmocka_unit_test(l11_who_forgets_in_silence_is_asked_anew),
        cmocka_unit_test(l11_what_was_asked_beside_is_told),
        cmocka_unit_test(l10_a_pool_of_bad_times_is_gathered_anew),
        cmocka_unit_test(e2_a_slow_name_server_at_a_restart),
        cmocka_unit_test(e1_a_relay_that_is_silent),
        cmocka_unit_test(l11_a_relay_that_is_back_behind_another_leaves),
        cmocka_unit_test(t4_the_way_to_another_server_is_gone_again),
        cmocka_unit_test(l14_a_lost_binding_beside_a_relay_of_another_socket),
        cmocka_unit_test(l11_a_restart_without_names_finds_what_stands),
        cmocka_unit_test(l11_a_relay_that_outlives_an_outage_is_told),
        cmocka_unit_test(t7b_a_relay_that_is_heard_stands),
        cmocka_unit_test(t7_a_gathering_finds_a_server_that_has_moved),
        cmocka_unit_test(t7_a_proxy_that_has_moved),
        cmocka_unit_test(t7b_a_refusal_where_there_is_no_list),
        cmocka_unit_test(l5_a_mapping_that_was_not_to_be_had_at_first),
        cmocka_unit_test(l7_an_allocate_that_ran_out_is_released),
        cmocka_unit_test(t6_437_that_nobody_has_signed),
        cmocka_unit_test(t5_a_family_that_loss_has_cost),
        cmocka_unit_test(on_trace_has_the_release_at_close),
        cmocka_unit_test(e1_a_refusal_is_an_answer),
        cmocka_unit_test(l15_an_answer_that_comes_twice),
        cmocka_unit_test(l15_what_was_due_and_did_not_go_out),
        cmocka_unit_test(l15_a_relay_that_outlives_its_gathering_is_counted_once),
        cmocka_unit_test(l15_what_is_answered_while_it_waits),
        cmocka_unit_test(l15_an_allocate_that_gives_way),
        cmocka_unit_test(t10_where_a_relay_has_moved_the_mapping_is_asked_for),
        cmocka_unit_test(t10_a_move_shows_no_mapping),
        cmocka_unit_test(p1_a_name_under_a_policy_that_tells_no_hosts),
        cmocka_unit_test(t7b_answers_that_cannot_be_believed_are_silence),
        cmocka_unit_test(t7b_a_lost_allocation_is_noticed_though_idle),
        cmocka_unit_test(t7_a_relay_that_goes_leaves_nothing_behind),
        cmocka_unit_test(t7b_a_granted_lifetime_of_0_is_no_loss),
        cmocka_unit_test(t7_a_renewal_that_meets_icmp),
        cmocka_unit_test(t7_a_renewal_that_is_refused_for_good),
        cmocka_unit_test(t7_a_relay_that_a_restart_did_not_find_is_told_when_it_is_back),
        cmocka_unit_test(t5_a_server_that_was_away_is_asked_for_both_families_again),
        cmocka_unit_test(t5_a_family_that_takes_an_allocation_of_its_own),
        cmocka_unit_test(t5_a_second_allocation_that_is_not_needed_any_more),
        cmocka_unit_test(t5_the_second_allocation_stands_alone),
        cmocka_unit_test(t7_a_second_allocation_that_is_back_behind_the_end),
        cmocka_unit_test(e2_the_second_allocation_is_refused_last),
        cmocka_unit_test(t5_a_family_that_is_not_to_be_had),
        cmocka_unit_test(t7b_silence_of_a_server_that_is_there),
        cmocka_unit_test(t7b_nothing_listens_any_more),
        cmocka_unit_test(t7b_silence_by_tcp),
        cmocka_unit_test(t7b_an_outage_ends_no_relay_by_a_connection),
        cmocka_unit_test(t6_a_refusal_ends_with_its_minute),
        cmocka_unit_test(t6_a_refusal_costs_no_reflexive_candidate),
        cmocka_unit_test(t6_a_refusal_costs_no_mapping_that_was_known),
        cmocka_unit_test(t6_a_refusal_ends_nothing_that_waits),
        cmocka_unit_test(t6_a_refused_wish_costs_nothing_else),
        cmocka_unit_test(l14_what_is_away_while_no_list_comes),
        cmocka_unit_test(t7b_a_request_that_has_not_left_is_not_unanswered),
        cmocka_unit_test(l14_a_relay_that_is_lost_meanwhile),
        cmocka_unit_test(l14_a_relay_that_stands_is_no_error),
        cmocka_unit_test(t7b_what_is_told_again_was_asked),
        cmocka_unit_test(t6_a_spare_socket_is_closed),
        cmocka_unit_test(t7_a_gathering_in_an_outage),
        cmocka_unit_test(p4_what_stands_on_a_deprecated_address_stays),
        cmocka_unit_test(t7_a_server_that_forgets_at_once),
        cmocka_unit_test(l14_a_list_that_fails_leaves_what_goes_on),
        cmocka_unit_test(l10_a_pool_that_holds_withdrawals),
        cmocka_unit_test(r6_of_two_silent_servers_either_tells),
        cmocka_unit_test(l11_a_restart_swallows_no_withdrawal),
        cmocka_unit_test(l11_one_relay_of_those_that_a_restart_finds_under_way),
        cmocka_unit_test(l11_a_loosened_policy_tells_what_is_found),
        cmocka_unit_test(r2_a_full_server_shows_the_mapping),
        cmocka_unit_test(r6_a_server_that_answers_no_binding),
        cmocka_unit_test(r6_whoever_answers_keeps_the_mapping),
        cmocka_unit_test(r6_a_silent_server_ends_no_mapping),
        cmocka_unit_test(r6_a_gathering_ends_no_keepalive),
        cmocka_unit_test(r6_a_url_goes_and_the_mapping_stays),
        cmocka_unit_test(r6_a_server_whose_new_place_is_silent_shows_what_it_did),
        cmocka_unit_test(s6_a_target_that_waits_is_asked_before_the_end),
        cmocka_unit_test(c6_a_foundation_has_one_transport_to_the_server),
        cmocka_unit_test(k1_data_of_no_bytes),
        cmocka_unit_test(t7_a_relay_that_is_never_renewed),
        cmocka_unit_test(t7b_a_refused_refresh_in_a_gathering),
        cmocka_unit_test(t5_an_outage_makes_no_server_deaf),
        cmocka_unit_test(t7b_a_denial_ends_with_the_granted_refresh),
        cmocka_unit_test(t7b_a_peer_was_told_that_it_is_gone),
        cmocka_unit_test(k1_a_peer_that_is_refused_is_told_once),
        cmocka_unit_test(r6_a_server_that_has_moved_shows_nothing),
        cmocka_unit_test(r6_a_relay_that_is_lost_later_leaves_no_mapping),
        cmocka_unit_test(r6_another_mapping_is_a_reason_to_ask),
        cmocka_unit_test(r6_a_mapping_that_two_saw_has_changed),
        cmocka_unit_test(l12_other_credentials_cut_nothing),
        cmocka_unit_test(l11_a_relay_whose_refreshes_are_lost_stays),
        cmocka_unit_test(l12_a_former_relay_may_be_wanted_again),
        cmocka_unit_test(l12_a_former_relay_counts_for_nothing),
        cmocka_unit_test(l12_a_former_relay_makes_room),
        cmocka_unit_test(l12_a_server_that_is_given_again_keeps_its_relay),
        cmocka_unit_test(r2_what_an_allocate_does_not_show),
        cmocka_unit_test(l12_the_same_options_again),
        cmocka_unit_test(l12_a_url_by_tcp_keeps_no_mapping),
        cmocka_unit_test(k1_writable_is_of_the_way_that_was_full),
        cmocka_unit_test(k1_a_full_way_that_goes_is_told),
        cmocka_unit_test(l14_a_list_that_never_comes),
        cmocka_unit_test(l11_the_former_credentials_hold_for_a_while),
        cmocka_unit_test(l11_what_the_other_side_uses_outlives_restarts),
        cmocka_unit_test(k2_what_a_check_has_that_nobody_knows),
        cmocka_unit_test(k1_answers_of_our_own_are_not_the_owners),
        cmocka_unit_test(k1_what_relays_that_have_gone_have_under_way),
        cmocka_unit_test(k1_a_peer_that_never_had_its_turn),
        cmocka_unit_test(k2_a_candidate_tells_its_base),
        cmocka_unit_test(p1_a_tightened_policy_asks_and_shows_nothing),
        cmocka_unit_test(k1_a_peer_that_is_not_reached_is_told),
        cmocka_unit_test(k1_what_does_not_leave_by_a_relay_is_told),
        cmocka_unit_test(k1_what_no_permission_was_had_for_is_told),
        cmocka_unit_test(k1_nothing_goes_by_a_permission_that_is_over),
        cmocka_unit_test(k1_a_relays_server_says_that_a_peer_is_not_reached),
        cmocka_unit_test(t7b_what_its_owner_doubts_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

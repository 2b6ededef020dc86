/* The hand that tells the stories of hand.h. */
#include "hand.h"

#include "base/memory.h"
#include "polled.h"
#include "stun/key.h"

#include <stdio.h>
#include <string.h>

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

void deliver(hand *h, uint32_t channel, const server *from, const floe_stun_writer *writer)
{
    floe_address source = address_of(from->address);
    floe_span message = floe_stun_written(writer);

    for (int i = from->deaf; i <= from->twice; i++) {
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

void refuse(hand *h, uint32_t channel, const server *by, const floe_stun_message *request,
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

void succeed(hand *h, uint32_t channel, server *by, const floe_stun_message *request)
{
    uint8_t bytes[256];
    char relayed[64];
    floe_stun_writer writer = answer_to(request, bytes, sizeof bytes, FLOE_STUN_SUCCESS);
    floe_address mapped = address_of(by->mapped);

    if (request->method == FLOE_STUN_ALLOCATE) {
        bool asked = floe_stun_has(request, FLOE_STUN_REQUESTED_ADDRESS_FAMILY);
        bool ipv6 = asked != by->swaps && !by->external;
        (void)snprintf(relayed, sizeof relayed, "%s:%u", ipv6 ? "[2001:db8::9]" : "198.51.100.9",
                       5000 + 1000 * (unsigned)(by - h->servers) + by->port++);
        floe_address address = address_of(by->nowhere == channel ? "0.0.0.0:0" : relayed);
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

doing count(server *by, const floe_stun_message *request)
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
        by->even = floe_stun_has(request, FLOE_STUN_EVEN_PORT);
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
        by->holds = by->holds && by->release != ANSWERS;
        return by->release;
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
        if (by->plays != NULL && by->plays(h, channel, by, &request)) {
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
        if (by->no_pairs && floe_stun_has(&request, FLOE_STUN_EVEN_PORT)) {
            by->nowhere = channel;
            refuse(h, channel, by, &request, 508);
            continue;
        }
        if (by->alternate != NULL && request.method == FLOE_STUN_ALLOCATE) {
            redirect(h, channel, by, &request);
            continue;
        }
        if (by->former == channel && request.method != FLOE_STUN_BINDING) {
            uint32_t lifetime = 1;
            bool allocates = request.method == FLOE_STUN_ALLOCATE;
            floe_span user = {0};
            (void)floe_stun_find(&request, FLOE_STUN_USERNAME, &user);
            (void)floe_stun_read_u32(&request, FLOE_STUN_LIFETIME, &lifetime);
            if (lifetime == 0 && by->former_user != NULL &&
                floe_span_equal(user, floe_span_text(by->former_user))) {
                by->former = 0;
                by->releases++;
                succeed(h, channel, by, &request);
                continue;
            }
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

void answer_look_up(hand *h, uint32_t query)
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
    if (h->output.record == FLOE_DNS_NAPTR) {
        const floe_service_record records[] = {
            {.target = "a.example.org", .flag = 'A', .service = "RELAY:turn.tcp"},
            {.target = "b.example.org", .flag = 'A', .service = "RELAY:turn.udp"}};
        floe_core_services_resolved(h->core, h->now, h->output.query, FLOE_OK, records, 2);
        return;
    }
    if (h->output.record == FLOE_DNS_SRV) {
        const floe_service_record records[] = {{.target = h->service, .port = 3478, .priority = 2},
                                               {.target = h->two_ports ? h->service : h->unheard,
                                                .port = h->two_ports ? 3479 : 3478,
                                                .priority = 1}};
        size_t count = h->unheard != NULL || h->two_ports ? 2 : 1;
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

static bool is_tcp_host(const floe_candidate *candidate)
{
    return candidate->type == FLOE_CANDIDATE_TYPE_HOST && candidate->protocol == FLOE_PROTOCOL_TCP;
}

void take(hand *h)
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
        h->lists++;
        if (h->list_fails) {
            floe_core_interfaces_failed(h->core, h->now, FLOE_ERR_SYSTEM);
        } else if (h->list != NULL) {
            floe_core_interfaces(h->core, h->now, h->list, h->list_count);
        } else if (!h->no_list) {
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
        if (h->no_tcp && h->stream[output->channel]) {
            break;
        }
        if (h->not_there || (h->taken && !h->stream[output->channel])) {
            h->open[output->channel] = false;
            h->sockets--;
            floe_core_open_failed(h->core, h->now, output->channel,
                                  h->taken ? FLOE_ERR_ADDRESS_IN_USE
                                           : FLOE_ERR_ADDRESS_NOT_AVAILABLE);
            break;
        }
        floe_core_opened(h->core, h->now, output->channel, &local);
        break;
    case FLOE_CORE_LISTEN:
        assert_true(output->channel < CHANNELS);
        if (h->taken) {
            floe_core_open_failed(h->core, h->now, output->channel, FLOE_ERR_ADDRESS_IN_USE);
            break;
        }
        h->open[output->channel] = h->stream[output->channel] = true;
        h->sockets++;
        local.port = 30000;
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
        h->sent[output->channel]++;
        serve(h);
        break;
    case FLOE_CORE_STATE:
        if (h->states) {
            say(h, floe_gatherer_state_name(output->state), NULL);
        }
        break;
    case FLOE_CORE_CANDIDATE:
        if (output->candidate != NULL && is_tcp_host(output->candidate)) {
            break; /* another story's (tests/unit/test_core_tcp.c) */
        }
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
        if (is_tcp_host(output->candidate)) {
            break;
        }
        say(h, "-", output->candidate);
        h->gone[output->candidate->type] = output->candidate->withdrawal;
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

void settle(hand *h)
{
    while (polled(h->core, h->now, &h->output)) {
        take(h);
    }
}

void pass(hand *h, uint64_t milliseconds)
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

void read_log(hand *h, const char *wanted)
{
    assert_string_equal(h->log, wanted);
    *h->log = '\0';
}

floe_gather_options options_of(floe_ice_server *ice, const char *const *urls, size_t count,
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

server *with(hand *h, const char *address, const char *mapped)
{
    server *added = &h->servers[h->server_count++];

    *added = (server){.address = address, .mapped = mapped};
    return added;
}

void set_with(hand *h, const char *const *urls, size_t count, floe_gather_policy policy)
{
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, urls, count, "user");

    options.gather_policy = policy;
    assert_int_equal(floe_core_set_options(h->core, h->now, &options), FLOE_OK);
}

void set(hand *h, const char *const *urls, size_t count)
{
    set_with(h, urls, count, FLOE_GATHER_POLICY_ALL);
}

void gather(hand *h)
{
    assert_int_equal(floe_core_start(h->core, h->now), FLOE_OK);
    settle(h);
}

void make(hand *h, const char *const *urls, size_t count, floe_settings settings)
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

void end(hand *h)
{
    floe_core_close(h->core, h->now);
    settle(h);
    assert_int_equal(h->sockets, 0);
    floe_core_free(h->core);
    floe_core_shared_free(h->shared);
    assert_int_equal(h->memory.live, 0);
}

uint32_t channel_by_stream(const hand *h)
{
    uint32_t channel = 0;

    for (uint32_t i = 0; i < CHANNELS; i++) {
        channel = h->open[i] && h->stream[i] ? i : channel;
    }
    return channel;
}

void all(server *by, doing does)
{
    by->allocate = by->both = by->refresh = by->binding = does;
}

void restart(hand *h)
{
    assert_int_equal(floe_core_restart(h->core, h->now), FLOE_OK);
    gather(h);
}

size_t candidates_of(const hand *h, floe_candidate_type type)
{
    floe_candidate_list *list = NULL;
    size_t count = 0;

    assert_int_equal(floe_core_get_local_candidates(h->core, &list), FLOE_OK);
    for (size_t i = 0; i < list->count; i++) {
        count += list->candidates[i]->type == type;
    }
    floe_candidate_list_free(list);
    return count;
}

bool says(const hand *h, const char *word)
{
    return strstr(h->log, word) != NULL;
}

const floe_settings defaults = FLOE_SETTINGS_INIT;

const char *const turn_url[] = {"turn:203.0.113.2"};

const char *const both_urls[] = {"stun:203.0.113.2", "turn:203.0.113.2"};

const char *const named_url[] = {"turn:turn.example.org"};

const char *const stun_urls[] = {"stun:203.0.113.3", "stun:203.0.113.4"};

server *begin_with_relay(hand *h, const char *const *urls)
{
    make(h, urls, 1, defaults);
    server *turn = with(h, "203.0.113.2:3478", "192.0.2.7:700");
    gather(h);
    pass(h, 1000);
    *h->log = '\0';
    return turn;
}

void begin_with_two(hand *h, const char *const *urls, size_t count)
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

server *lose_a_named_server(hand *h, const char *const *urls, floe_settings settings)
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

void set_user(hand *h, const char *const *urls, const char *user)
{
    floe_ice_server ice;
    floe_gather_options options = options_of(&ice, urls, 1, user);

    assert_int_equal(floe_core_set_options(h->core, h->now, &options), FLOE_OK);
}

void begin_dual(hand *h, const char *const *places, size_t count, size_t has)
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

/* The driver of an agent, and the peer's checks and answers. */
#include "hand.h"

#include "stun/writer.h"

#include <stdio.h>
#include <string.h>

const char *const remote_user = "remo";
const char *const remote_password = "remotePassword+/0123456789";
const char *const peer = "198.51.100.7:7000";
const char *const listening = "p 1 tcp 1671430143 198.51.100.7 7000 typ host tcptype passive";
const char *const connecting = "a 1 tcp 1675624447 198.51.100.7 9 typ host tcptype active";
const char *const ours_by_tcp = "192.0.2.1:6000";

const request usual = {.priority = 1862270975, .role = FLOE_STUN_ICE_CONTROLLED, .tie_breaker = 5};
const request plain_check = {
    .priority = 1862270975, .role = FLOE_STUN_ICE_CONTROLLING, .tie_breaker = 5};
const request nominating_check = {.priority = 1862270975,
                                  .role = FLOE_STUN_ICE_CONTROLLING,
                                  .tie_breaker = 5,
                                  .use_candidate = true};

bool lite;
bool hidden;
bool tcp;
bool renominates;
bool relays;
bool late;
bool follows;
const char *own = "192.0.2.1"; /* NULL: there is none */

/* ── The driver ── */

static void say(char *log, size_t size, const char *text)
{
    size_t used = strlen(log);

    (void)snprintf(log + used, size - used, "%s%s", used > 0 ? " " : "", text);
}

static void changed(fixture *f, const floe_ice_pair *pair)
{
    char text[128];

    (void)snprintf(text, sizeof text, "%u:%s%s%s%s%s%s", pair->remote_address.port,
                   floe_ice_pair_state_name(pair->state), pair->valid ? "+valid" : "",
                   pair->nominated ? "+nominated" : "", pair->selected ? "+selected" : "",
                   pair->failure != FLOE_ICE_FAILURE_NONE ? "/" : "",
                   floe_ice_failure_name(pair->failure));
    say(f->changes, sizeof f->changes, text);
}

static void record(fixture *f, const floe_core_output *output, const floe_address *to,
                   floe_span data)
{
    assert_true(f->count < SENT_MAX);
    sent *one = &f->sent[f->count++];
    one->at = f->now;
    one->channel = output->channel;
    one->to = *to;
    one->size = data.size;
    one->is_answered = false;
    memcpy(one->data, data.data, data.size);
}

/* The TURN server takes everything, and no key. */
static void to_server(fixture *f, uint32_t channel, floe_span data)
{
    floe_stun_message message;
    floe_stun_attribute attribute;
    floe_address address;
    char text[FLOE_ADDRESS_TEXT_SIZE];

    if (floe_stun_parse(data, &message) != FLOE_STUN_PARSED) { /* ChannelData */
        return;
    }
    if (message.class == FLOE_STUN_REQUEST && message.method != FLOE_STUN_CONNECT) {
        assert_true(f->asked_count < sizeof f->asked / sizeof *f->asked);
        f->asked[f->asked_count].channel = channel;
        f->asked[f->asked_count].method = message.method;
        f->asked[f->asked_count++].id = message.id;
    }
    for (size_t at = 0; floe_stun_next_attribute(&message, &at, &attribute);) {
        bool asks =
            message.method == FLOE_STUN_CREATE_PERMISSION || message.method == FLOE_STUN_CONNECT;
        if (asks && attribute.type == FLOE_STUN_XOR_PEER_ADDRESS &&
            floe_stun_attribute_address(&message, &attribute, &address)) {
            (void)floe_address_format(&address, text, sizeof text);
            say(f->permitted, sizeof f->permitted, text);
        }
    }
}

static void server_answers(fixture *f)
{
    uint8_t bytes[256];
    floe_address relayed = address_of("203.0.113.2:49000");
    floe_address mapped = address_of("192.0.2.1:6000");

    while (f->asked_count > 0 && !late) {
        f->asked_count--;
        uint16_t method = f->asked[f->asked_count].method;
        floe_stun_writer writer = floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, method,
                                                  &f->asked[f->asked_count].id);
        if (method == FLOE_STUN_ALLOCATE) {
            floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &relayed);
        }
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
        floe_span all = floe_stun_written(&writer);
        floe_core_stream(f->core, f->now, f->asked[f->asked_count].channel, all.data, all.size);
        outputs(f);
    }
}

/* By TCP in frames (RFC 4571). */
static void leaves(fixture *f, const floe_core_output *output)
{
    floe_reader reader = floe_reader_of(output->data, output->data_size);

    if (output->channel != f->channel && f->ends[output->channel].port == 3478) {
        to_server(f, output->channel, floe_span_of(output->data, output->data_size));
        return;
    }
    if (output->channel == f->channel) {
        record(f, output, &output->remote, floe_span_of(output->data, output->data_size));
        return;
    }
    while (floe_reader_left(&reader) > 0) {
        size_t size = floe_read_u16(&reader);
        record(f, output, &f->ends[output->channel], floe_read_span(&reader, size));
    }
}

void outputs(fixture *f)
{
    const floe_core_output *output;
    const floe_ice_output *event;
    floe_interface_address one = FLOE_INTERFACE_ADDRESS_INIT;
    floe_address local;

    while (floe_core_poll(f->core, f->now, &output)) {
        switch (output->kind) {
        case FLOE_CORE_LIST_INTERFACES:
            one.interface_name = "eth0";
            one.interface_index = 1;
            one.up = true;
            one.default_route = true;
            assert_int_equal(floe_address_parse(own != NULL ? own : "192.0.2.1", &one.address),
                             FLOE_OK);
            floe_core_interfaces(f->core, f->now, &one, own != NULL);
            break;
        case FLOE_CORE_LISTEN:
            f->listener = output->channel;
            local = output->local;
            local.port = 5001;
            floe_core_opened(f->core, f->now, output->channel, &local);
            break;
        case FLOE_CORE_CLOSE:
            f->closed = output->channel;
            break;
        case FLOE_CORE_OPEN:
            if (output->protocol == FLOE_PROTOCOL_TCP) {
                assert_true(output->channel < HAND_CHANNELS);
                f->connecting = output->channel;
                f->ends[output->channel] = output->remote;
                if (output->remote.port == 3478) {
                    local = address_of("192.0.2.1:6000");
                    floe_core_opened(f->core, f->now, output->channel, &local);
                }
                break;
            }
            f->channel = output->channel;
            f->socket = output->local;
            f->socket.port = 5000;
            floe_core_opened(f->core, f->now, output->channel, &f->socket);
            break;
        case FLOE_CORE_SEND:
            leaves(f, output);
            break;
        default:
            break;
        }
        floe_ice_core_output(f->ice, f->now, output);
    }
    while (floe_ice_poll(f->ice, &event)) {
        if (event->kind == FLOE_ICE_STATE) {
            say(f->states, sizeof f->states, floe_ice_state_name(event->state));
        } else if (event->kind == FLOE_ICE_SELECTED_PAIR) {
            f->selections++;
            f->has_selected = event->pair != NULL;
            if (event->pair != NULL) {
                f->selected = *event->pair;
            }
        } else if (event->kind == FLOE_ICE_LOOK_UP) {
            say(f->names, sizeof f->names, event->name);
        } else if (event->kind == FLOE_ICE_PAIR) {
            changed(f, event->pair);
        }
    }
    server_answers(f);
    answer_new(f);
}

void run_until(fixture *f, uint64_t ms)
{
    floe_time end = {ms * 1000000U};

    for (;;) {
        floe_time at = floe_time_min(floe_core_deadline(f->core), floe_ice_deadline(f->ice));
        if (at.ns > end.ns) {
            break;
        }
        assert_true(at.ns >= f->now.ns);
        f->now = at;
        floe_core_time(f->core, f->now);
        floe_ice_time(f->ice, f->now);
        outputs(f);
    }
    f->now = end;
}

uint64_t ms(const fixture *f)
{
    return f->now.ns / 1000000U;
}

void begin_with(fixture *f, const floe_ice_options *options)
{
    static const char *const url = "turn:203.0.113.1:3478?transport=tcp";
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server servers = FLOE_ICE_SERVER_INIT;
    floe_gather_options gathers = FLOE_GATHER_OPTIONS_INIT;

    settings.ice_lite = lite;
    settings.network_types =
        tcp ? FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_TCP4 : FLOE_NETWORK_TYPE_UDP4;
    memset(f, 0, sizeof *f);
    counting_init(&f->memory);
    seeded_init(&f->random, 7);
    f->now = (floe_time){1000000};
    assert_int_equal(floe_core_shared_new(&settings, &f->random.table, &f->shared), FLOE_OK);
    servers.urls = &url;
    servers.url_count = 1;
    servers.username = "user";
    servers.credential = "password";
    gathers.ice_servers = &servers;
    gathers.ice_server_count = relays;
    gathers.continual = follows;
    gathers.gather_policy = hidden ? FLOE_GATHER_POLICY_RELAY : FLOE_GATHER_POLICY_ALL;
    assert_int_equal(floe_core_new(f->shared, &gathers, &f->core), FLOE_OK);
    assert_int_equal(floe_core_receive_packets(f->core, true), FLOE_OK);
    floe_ice_options all = FLOE_ICE_OPTIONS_INIT;
    if (options != NULL) {
        all = *options;
    }
    all.allocator = all.allocator != NULL ? all.allocator : &f->memory.table;
    assert_int_equal(floe_ice_new(f->core, &all, &f->random.table, &f->ice), FLOE_OK);
    f->local = (floe_parameters)FLOE_PARAMETERS_INIT;
    assert_int_equal(floe_core_get_local_parameters(f->core, &f->local), FLOE_OK);
    assert_int_equal(floe_core_start(f->core, f->now), FLOE_OK);
    outputs(f);
}

void begin(fixture *f)
{
    begin_with(f, NULL);
}

void end(fixture *f)
{
    floe_ice_close(f->ice, f->now);
    floe_ice_free(f->ice);
    floe_core_free(f->core);
    floe_core_shared_free(f->shared);
    assert_int_equal(f->memory.live, 0);
}

void start(fixture *f, floe_ice_role role)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;

    (void)snprintf(remote.username_fragment, sizeof remote.username_fragment, "%s", remote_user);
    (void)snprintf(remote.password, sizeof remote.password, "%s", remote_password);
    remote.renomination = renominates;
    assert_int_equal(floe_ice_start(f->ice, f->now, &remote, role), FLOE_OK);
    outputs(f);
}

floe_error add(fixture *f, const char *text)
{
    floe_candidate *candidate = NULL;

    if (text == NULL) {
        floe_error ended = floe_ice_add_remote_candidate(f->ice, f->now, NULL);
        outputs(f);
        return ended;
    }
    assert_int_equal(floe_candidate_parse(text, &candidate), FLOE_OK);
    floe_error error = floe_ice_add_remote_candidate(f->ice, f->now, candidate);
    floe_candidate_free(candidate);
    outputs(f);
    return error;
}

floe_error take_away(fixture *f, const char *text)
{
    floe_candidate *candidate = NULL;

    assert_int_equal(floe_candidate_parse(text, &candidate), FLOE_OK);
    floe_error error = floe_ice_remove_remote_candidate(f->ice, f->now, candidate);
    floe_candidate_free(candidate);
    outputs(f);
    return error;
}

void found(fixture *f, const char *name, floe_error error, const char *const *addresses,
           size_t count)
{
    floe_address list[128];

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(floe_address_parse(addresses[i], &list[i]), FLOE_OK);
    }
    floe_ice_looked_up(f->ice, f->now, name, error, list, count);
    outputs(f);
}

/* A host candidate at the peer's usual place. */
void add_peer(fixture *f)
{
    assert_int_equal(add(f, "f1 1 udp 2130706431 198.51.100.7 7000 typ host"), FLOE_OK);
}

/* What most stories begin with. */
void begin_with_peer(fixture *f, floe_ice_role role)
{
    begin(f);
    start(f, role);
    add_peer(f);
}

void both_end(fixture *f)
{
    static const floe_core_output no_more = {.kind = FLOE_CORE_CANDIDATE};

    floe_ice_core_output(f->ice, f->now, &no_more);
    assert_int_equal(add(f, NULL), FLOE_OK);
}

void comes(fixture *f, const char *from, const void *data, size_t size)
{
    const floe_packet *packet;
    floe_address source = address_of(from);
    uint8_t *copy = exact_copy(data, size, 0);

    f->delivered = false;
    if (f->by == 0) {
        floe_core_datagram(f->core, f->now, f->channel, &source, copy, size);
    } else {
        uint8_t length[2] = {(uint8_t)(size >> 8), (uint8_t)size};
        floe_core_stream(f->core, f->now, f->by, length, sizeof length);
        floe_core_stream(f->core, f->now, f->by, copy, size);
    }
    while (floe_core_packet(f->core, f->now, &packet)) {
        f->delivered = floe_ice_packet(f->ice, f->now, packet);
    }
    exact_free(copy, 0);
    outputs(f);
}

/* ── TCP ── */

void connected(fixture *f)
{
    floe_address local = address_of("192.0.2.1:6000");

    floe_core_opened(f->core, f->now, f->connecting, &local);
    outputs(f);
}

void refused(fixture *f)
{
    floe_core_unreachable(f->core, f->now, f->connecting, &f->ends[f->connecting],
                          FLOE_UNREACHABLE_PORT, NULL, 0);
    outputs(f);
}

uint32_t accepted(fixture *f, const char *from)
{
    floe_address peer_address = address_of(from);
    uint32_t channel = floe_core_accepted(f->core, f->now, f->listener, &peer_address);

    assert_true(channel != 0 && channel < HAND_CHANNELS);
    f->ends[channel] = peer_address;
    outputs(f);
    return channel;
}

void disconnected(fixture *f, uint32_t channel)
{
    floe_core_disconnected(f->core, f->now, channel);
    outputs(f);
}

void by(fixture *f, uint32_t channel)
{
    f->by = channel;
}

/* ── The peer ── */

void sign(floe_stun_writer *writer, const char *password)
{
    floe_stun_key *key = NULL;

    assert_int_equal(
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text(password), &key), FLOE_OK);
    floe_stun_put_integrity(writer, key->sha1);
    floe_stun_key_release(key);
}

floe_stun_writer write_check(fixture *f, const request *what, void *bytes, size_t size)
{
    char username[600];
    floe_stun_id id = {{0}};

    for (size_t i = 0; i < sizeof id.bytes; i++) {
        id.bytes[i] = (uint8_t)seeded_next(&f->random);
    }
    (void)snprintf(username, sizeof username, "%s:%s", f->local.username_fragment, remote_user);
    floe_stun_writer writer =
        floe_stun_begin(bytes, size, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    const char *name = what->username != NULL ? what->username : username;
    if (name[0] != '\0') {
        floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(name));
    }
    if (what->priority != 0) {
        floe_stun_put_u32(&writer, FLOE_STUN_PRIORITY, what->priority);
    }
    if (what->role != 0) {
        floe_stun_put_u64(&writer, what->role, what->tie_breaker);
    }
    if (what->use_candidate) {
        floe_stun_put(&writer, FLOE_STUN_USE_CANDIDATE, (floe_span){0});
    }
    if (what->nomination != 0) {
        floe_stun_put_u32(&writer, FLOE_STUN_NOMINATION, what->nomination);
    }
    if (what->unknown) {
        floe_stun_put_u32(&writer, 0x7ffe, 1);
    }
    return writer;
}

void check(fixture *f, const char *from, const request *what)
{
    uint8_t bytes[1024];
    floe_stun_writer writer = write_check(f, what, bytes, sizeof bytes);

    const char *password = what->password != NULL ? what->password : f->local.password;
    if (password[0] != '\0') {
        sign(&writer, password);
    }
    floe_stun_put_fingerprint(&writer);
    floe_span all = floe_stun_written(&writer);
    comes(f, from, all.data, all.size);
}

floe_stun_message message_of(const sent *one)
{
    floe_stun_message message;

    assert_int_equal(floe_stun_parse(floe_span_of(one->data, one->size), &message),
                     FLOE_STUN_PARSED);
    return message;
}

bool is_check(const sent *one)
{
    floe_stun_message message;

    return floe_stun_parse(floe_span_of(one->data, one->size), &message) == FLOE_STUN_PARSED &&
           message.class == FLOE_STUN_REQUEST;
}

/* The code of the latest answer; 0: a success. */
unsigned answered(const fixture *f)
{
    for (size_t i = f->count; i > 0; i--) {
        if (!is_check(&f->sent[i - 1])) {
            floe_stun_message message = message_of(&f->sent[i - 1]);
            uint16_t code = 0;
            floe_span reason;
            (void)floe_stun_read_error(&message, &code, &reason);
            assert_true((code == 0) == (message.class == FLOE_STUN_SUCCESS));
            return code;
        }
    }
    fail_msg("nothing was answered");
    return 0;
}

size_t checks_to(const fixture *f, const char *to)
{
    size_t count = 0;
    floe_address address = address_of(to);

    for (size_t i = 0; i < f->count; i++) {
        count += is_check(&f->sent[i]) && floe_address_equal(&f->sent[i].to, &address);
    }
    return count;
}

const sent *latest_to(const fixture *f, const char *to)
{
    floe_address address = address_of(to);

    for (size_t i = f->count; i > 0; i--) {
        if (is_check(&f->sent[i - 1]) && floe_address_equal(&f->sent[i - 1].to, &address)) {
            return &f->sent[i - 1];
        }
    }
    fail_msg("no check to %s", to);
    return NULL;
}

const sent *last_check(const fixture *f)
{
    for (size_t i = f->count; i > 0; i--) {
        if (is_check(&f->sent[i - 1])) {
            return &f->sent[i - 1];
        }
    }
    fail_msg("no check was sent");
    return NULL;
}

floe_stun_writer write_response(const fixture *f, const sent *one, const response *what,
                                void *bytes, size_t size)
{
    floe_stun_message asked = message_of(one);
    floe_address mapped = what->mapped != NULL ? address_of(what->mapped) : f->socket;

    if (what->wrong_id) {
        asked.id.bytes[5] ^= 1;
    }
    floe_stun_writer writer =
        floe_stun_begin(bytes, size, what->code == 0 ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR,
                        FLOE_STUN_BINDING, &asked.id);
    if (what->code != 0) {
        floe_stun_put_error(&writer, what->code, (floe_span){0});
    } else if (!what->nothing) {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    }
    if (what->unknown) {
        floe_stun_put_u32(&writer, 0x7ffe, 1);
    }
    return writer;
}

void respond_to(fixture *f, const sent *one, const response *what)
{
    uint8_t bytes[512];
    char from[FLOE_ADDRESS_TEXT_SIZE];
    floe_stun_writer writer = write_response(f, one, what, bytes, sizeof bytes);

    const char *password = what->password != NULL ? what->password : remote_password;
    if (password[0] != '\0') {
        sign(&writer, password);
    }
    floe_stun_put_fingerprint(&writer);
    floe_span all = floe_stun_written(&writer);
    assert_int_equal(floe_address_format_with_port(&one->to, from, sizeof from), FLOE_OK);
    comes(f, what->from != NULL ? what->from : from, all.data, all.size);
}

void respond(fixture *f)
{
    respond_to(f, last_check(f), &(response){0});
}

void respond_by(fixture *f, uint32_t channel, const char *mapped)
{
    by(f, channel);
    respond_to(f, last_check(f), &(response){.mapped = mapped});
    by(f, 0);
}

void answer_new(fixture *f)
{
    for (size_t i = 0; f->answers != NULL && i < f->count; i++) {
        floe_address to = address_of(f->answers);
        if (!f->sent[i].is_answered && is_check(&f->sent[i]) &&
            floe_address_equal(&f->sent[i].to, &to)) {
            f->sent[i].is_answered = true;
            sent one = f->sent[i];
            respond_to(f, &one, &(response){0});
        }
    }
}

floe_ice_pair pair_to(const fixture *f, const char *remote)
{
    floe_ice_pair_list *list = NULL;
    floe_address address = address_of(remote);
    floe_ice_pair one = {0};

    assert_int_equal(floe_ice_get_pairs(f->ice, &list), FLOE_OK);
    for (size_t i = 0; i < list->count; i++) {
        if (floe_address_equal(&list->pairs[i]->remote_address, &address)) {
            one = *list->pairs[i];
        }
    }
    floe_ice_pair_list_free(list);
    return one;
}

size_t pair_count(const fixture *f)
{
    floe_ice_pair_list *list = NULL;

    assert_int_equal(floe_ice_get_pairs(f->ice, &list), FLOE_OK);
    size_t count = list->count;
    floe_ice_pair_list_free(list);
    return count;
}

void begin_tcp(fixture *f, floe_ice_role role, bool numbers)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;

    options.renomination = numbers;
    tcp = true;
    begin_with(f, &options);
    tcp = false;
    renominates = numbers;
    start(f, role);
    renominates = false;
}

uint32_t choose_tcp(fixture *f, floe_ice_role role)
{
    assert_int_equal(add(f, listening), FLOE_OK);
    connected(f);
    uint32_t channel = f->connecting;
    respond_by(f, channel, ours_by_tcp);
    run_until(f, ms(f) + 10);
    if (role == FLOE_ICE_ROLE_CONTROLLING) {
        respond_by(f, channel, ours_by_tcp);
    } else {
        by(f, channel);
        check(f, peer, &plain_check);
        check(f, peer, &nominating_check);
        by(f, 0);
    }
    assert_true(pair_to(f, peer).selected);
    return channel;
}

/* The world: clock, events, sockets, NATs, and the loop that drives the core by its contract. */
#include "world.h"
#include "polled.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ── Trace and violations ── */

void world_trace(sim_world *world, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    int used = snprintf(line, sizeof line, "%10.3f ", (double)(world->now / 1000) / 1000);

    va_start(arguments, format);
    (void)vsnprintf(&line[used], sizeof line - (size_t)used, format, arguments);
    va_end(arguments);
    for (const char *at = line; *at != '\0'; at++) {
        world->report->trace_hash = (world->report->trace_hash ^ (uint8_t)*at) * 1099511628211U;
    }
    if (world->trace != NULL) {
        (void)fprintf(world->trace, "%s\n", line);
    }
}

void world_violated(sim_world *world, const char *format, ...)
{
    va_list arguments;

    if (*world->report->violation != '\0') {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(world->report->violation, sizeof world->report->violation, format, arguments);
    va_end(arguments);
    world_trace(world, "VIOLATED %s", world->report->violation);
}

/* ── Events: a heap by (at, order) ── */

static bool earlier(const sim_event *a, const sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap_events(sim_world *world, size_t a, size_t b)
{
    sim_event *kept = world->events[a];

    world->events[a] = world->events[b];
    world->events[b] = kept;
}

void world_put_back(sim_world *world, sim_event *event, uint64_t at)
{
    if (world->event_count == world->event_room) {
        world->event_room = world->event_room == 0 ? 64 : 2 * world->event_room;
        world->events = realloc(world->events, world->event_room * sizeof *world->events);
    }
    if (world->events == NULL) {
        abort();
    }
    event->at = at;
    event->order = world->order++;
    size_t n = world->event_count++;
    world->events[n] = event;
    for (; n > 0 && earlier(world->events[n], world->events[(n - 1) / 2]); n = (n - 1) / 2) {
        swap_events(world, n, (n - 1) / 2);
    }
}

sim_event *world_add_event(sim_world *world, sim_event_kind kind, uint64_t at)
{
    sim_event *event = calloc(1, sizeof *event);

    if (event == NULL) {
        abort();
    }
    event->kind = kind;
    world_put_back(world, event, at);
    return event;
}

sim_event *world_take_event(sim_world *world)
{
    sim_event *first = world->events[0];
    size_t n = 0;

    world->events[0] = world->events[--world->event_count];
    for (;;) {
        size_t least = n;
        for (size_t child = 2 * n + 1; child <= 2 * n + 2 && child < world->event_count; child++) {
            if (earlier(world->events[child], world->events[least])) {
                least = child;
            }
        }
        if (least == n) {
            return first;
        }
        swap_events(world, n, least);
        n = least;
    }
}

/* ── The core's outputs ── */

void world_list_interfaces(sim_world *world)
{
    floe_interface_address list[SIM_INTERFACES_MAX] = {0};
    const sim_config *config = world->config;

    for (size_t i = 0; i < config->interface_count; i++) {
        const sim_interface *interface = &config->interfaces[i];
        list[i].interface_name = interface->name;
        list[i].interface_index = world_interface_index(config, i);
        list[i].adapter = interface->adapter;
        list[i].up = !world->down[i];
        list[i].temporary = interface->temporary;
        list[i].deprecated = interface->deprecated;
        list[i].tentative = interface->tentative;
        list[i].default_route = interface->default_route;
        list[i].loopback = interface->loopback;
        (void)floe_address_parse(interface->ip, &list[i].address);
    }
    floe_core_interfaces(world->core, world_time(world), list, config->interface_count);
}

static void open_socket(sim_world *world, const floe_core_output *output)
{
    floe_address local = output->local;
    size_t n = world_interface_with(world, &local);

    if (n == world->config->interface_count || world->socket_count == SOCKETS_MAX) {
        world_violated(world, "a socket on an address that is not ours");
        return;
    }
    if (world->open_failures_left[n] > 0) {
        world->open_failures_left[n]--;
        world_trace(world, "open fails: %s",
                    floe_error_string(world->config->interfaces[n].open_error));
        floe_core_open_failed(world_io(world), world_time(world), output->channel,
                              world->config->interfaces[n].open_error);
        return;
    }
    for (size_t i = 0; local.port != 0 && i < world->socket_count; i++) {
        const sim_socket *other = &world->sockets[i];
        bool same =
            other->stream == (output->protocol == FLOE_PROTOCOL_TCP); /* a port is a protocol's */
        bool owns = output->protocol == FLOE_PROTOCOL_UDP || output->kind == FLOE_CORE_LISTEN;
        if (other->open && same && owns && floe_address_equal(&other->local, &local)) {
            floe_core_open_failed(world_io(world), world_time(world), output->channel,
                                  FLOE_ERR_ADDRESS_IN_USE);
            return;
        }
    }
    if (local.port == 0) {
        local.port = (uint16_t)(40000 + world->next_port++ % 20000);
    }
    sim_socket *socket = &world->sockets[world->socket_count++];
    *socket = (sim_socket){.channel = output->channel,
                           .local = local,
                           .interface = n,
                           .open = true,
                           .stream = output->protocol == FLOE_PROTOCOL_TCP,
                           .listens = output->kind == FLOE_CORE_LISTEN,
                           .remote = output->remote};
    if (socket->listens) {
        direct_listens(world, socket);
    }
    if (socket->stream && !socket->listens) {
        world_connect(world, socket);
    } else if (world->config->opens_ms != 0) {
        sim_event *event = world_add_event(world, SIM_EVENT_OPENED,
                                           world->now + world->config->opens_ms * 1000000ULL);
        event->channel = output->channel;
        event->life = world->life;
    } else {
        floe_core_opened(world_io(world), world_time(world), output->channel, &local);
    }
}

static void resolve(sim_world *world, const floe_core_output *output)
{
    const char *name = strstr(output->name, "server"); /* behind "_turn._udp." for a service */
    size_t server = (size_t)strtoul(name + strlen("server"), NULL, 10);
    bool silent = world->config->servers[server].temper == SIM_NAME_SILENT;
    uint64_t wait = silent ? 20000 : 1 + seeded_below(&world->random, 50);
    sim_event *event = world_add_event(world, SIM_EVENT_RESOLVED, world->now + wait * 1000000);

    event->query = output->query;
    event->record = output->record;
    event->family = output->record == FLOE_DNS_A ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
    event->server = server;
}

static void close_socket(sim_world *world, uint32_t channel)
{
    sim_socket *socket = world_socket(world, channel);

    if (socket == NULL || !socket->open) {
        world_violated(world, "L7: channel %u is closed but was not open", channel);
        return;
    }
    socket->open = false;
    if (socket->stream && !socket->listens && !direct_close(world, channel)) {
        stream_close(world, channel);
    }
}

/* A connection takes no more for a while, now and then. */
static void block(sim_world *world, const sim_socket *socket)
{
    if (world->config->jitter_ms > 0 && seeded_below(&world->random, 8) == 0) {
        floe_core_blocked(world_io(world), socket->channel);
        sim_event *event =
            world_add_event(world, SIM_EVENT_WRITABLE,
                            world->now + (1 + seeded_below(&world->random, 20)) * 1000000ULL);
        event->channel = socket->channel;
        event->life = world->life;
    }
}

static void send_packet(sim_world *world, const floe_core_output *output)
{
    sim_socket *socket = world_socket(world, output->channel);
    char to[FLOE_ADDRESS_TEXT_SIZE];

    world_trace(world, "send %zu bytes on %u to %s", output->data_size, output->channel,
                floe_address_text(&output->remote, to));
    if (socket == NULL) {
        world_violated(world, "a packet on channel %u, which there is not", output->channel);
        return;
    }
    floe_span data = floe_span_of(output->data, output->data_size);
    check_send(world, socket, &output->remote, data);
    if (!socket->stream) {
        world_send_from(world, socket, output);
        return;
    }
    bool up = world->config->interfaces[socket->interface].path == SIM_PATH_GOOD &&
              !world->down[socket->interface];
    if (!direct_send(world, socket, data, up)) {
        stream_send(world, socket, data, up);
    }
    block(world, socket);
}

/* ── What the owner does ── */

static floe_error make_core(sim_world *world, const floe_gather_options *options)
{
    return floe_core_new(world->shared, options, &world->core);
}

static floe_error set_options(sim_world *world, const floe_gather_options *options)
{
    return floe_core_set_options(world->core, world_time(world), options);
}

/* Calls with the options that the world's mask of servers and policy say. */
static floe_error with_options(sim_world *world,
                               floe_error (*call)(sim_world *, const floe_gather_options *))
{
    static char urls[SIM_SERVERS_MAX][128];
    const char *texts[SIM_SERVERS_MAX];
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    for (size_t i = 0; i < world->config->server_count; i++) {
        if ((world->servers >> i & 1U) != 0) {
            sim_server_url(world->config, i, urls[i], sizeof urls[i]);
            texts[server.url_count++] = urls[i];
        }
    }
    for (size_t i = 0; world->config->backwards && i < server.url_count / 2; i++) {
        const char *kept = texts[i];
        texts[i] = texts[server.url_count - 1 - i];
        texts[server.url_count - 1 - i] = kept;
    }
    server.urls = texts;
    server.username = "user";
    server.credential = "password";
    options.ice_servers = &server;
    options.ice_server_count = server.url_count > 0 ? 1 : 0;
    options.gather_policy = world->next_policy;
    options.candidate_types = world->config->types;
    options.relay_transports = world->config->transports;
    options.candidate_pool_size = world->config->pool;
    return call(world, &options);
}

/* A packet on each candidate to the peer of its family; it says whose it is. */
static void send_on_all(sim_world *world)
{
    sim_seen *seen = world->seen;

    for (size_t i = 0; i < seen->candidate_count; i++) {
        sim_seen_candidate *candidate = &seen->candidates[i];
        floe_address peer = world_peer(strchr(candidate->address, ':') != NULL);
        char payload[32] = {0};
        if (candidate->withdrawn || strstr(candidate->address, ".local") != NULL) {
            continue;
        }
        (void)snprintf(payload, sizeof payload, "RTP? no: %u", candidate->id);
        size_t size = sizeof payload - candidate->sent % 7; /* with padding, and without */
        floe_error error =
            floe_core_send(world->core, world_time(world), candidate->id, &peer, payload, size);
        if (error == FLOE_OK) {
            check_sent(world, candidate);
        } else if (error != FLOE_ERR_NOT_FOUND && error != FLOE_ERR_QUEUE_FULL &&
                   error != FLOE_ERR_NOT_CONNECTED && error != FLOE_ERR_PERMISSION &&
                   error != FLOE_ERR_INVALID_STATE && error != FLOE_ERR_NO_MEMORY) {
            world_violated(world, "K1: %s: %s", floe_error_string(error), floe_last_error());
        }
    }
}

static void close_core(sim_world *world)
{
    if (!world->closing) {
        world_trace(world, "close");
        world->closing = true;
        floe_core_close(world->core, world_time(world));
    }
}

/* Memory runs out in any call; all else may fail only for the state. */
static void check_result(sim_world *world, const char *call, floe_error error, bool may_fail)
{
    if (error != FLOE_OK && !(error == FLOE_ERR_INVALID_STATE && may_fail) &&
        world->config->fail_at == 0) {
        world_violated(world, "%s: %s", call, floe_error_string(error));
    }
}

static void policy_comes(sim_world *world)
{
    if (world->coming_count < sizeof world->coming / sizeof *world->coming) {
        world->coming[world->coming_count++] = world->next_policy;
    }
}

static void act(sim_world *world, const sim_action *action)
{
    static const char *const names[] = {"gather",     "restart", "set options", "toggle",
                                        "name taken", "send",    "close"};
    const sim_config *config = world->config;
    enum floe_gatherer_state state = floe_core_state(world->core);
    floe_gather_policy before = world->next_policy;
    floe_error error;
    bool gathers = state == FLOE_GATHERER_STATE_NEW || state == FLOE_GATHERER_STATE_COMPLETE;

    world_trace(world, "action %s %u", names[action->kind], (unsigned)action->value);
    switch (action->kind) {
    case SIM_GATHER:
        if (gathers && (state == FLOE_GATHERER_STATE_COMPLETE || world->coming_count == 0)) {
            policy_comes(world); /* not for a pool, which has begun already */
        }
        check_result(world, "gather", floe_core_start(world->core, world_time(world)), !gathers);
        break;
    case SIM_RESTART:
        if (floe_core_restart(world->core, world_time(world)) == FLOE_OK) {
            check_restarted(world);
            bool pool = state == FLOE_GATHERER_STATE_NEW && world->coming_count > 0;
            world->policy = world->next_policy;
            world->coming_count = 0;
            if (pool) {
                policy_comes(world);
            }
        } else {
            check_result(world, "restart", FLOE_ERR_INVALID_STATE, world->closing);
        }
        break;
    case SIM_SET_OPTIONS:
        world->servers = action->value;
        world->next_policy = (floe_gather_policy)(action->value >> SIM_POLICY_SHIFT);
        error = with_options(world, set_options);
        check_result(world, "set_options", error, world->closing);
        if (error != FLOE_OK) {
            world->next_policy = before;
            break;
        }
        if (state == FLOE_GATHERER_STATE_NEW && config->pool) {
            world->policy = world->next_policy;
            world->coming_count = 0;
            policy_comes(world);
        }
        break;
    case SIM_NAME_TAKEN:
        if (world->published_count > 0 && !world->closing) {
            char name[80];
            (void)snprintf(name, sizeof name, "%s", world->published[world->published_count - 1]);
            (void)forget_name(world, name);
            floe_core_name_taken(world->core, world_time(world), name);
        }
        break;
    case SIM_TOGGLE:
        if (config->interface_count > 0) {
            bool *down = &world->down[action->value % config->interface_count];
            *down = !*down;
        }
        break;
    case SIM_SEND:
        send_on_all(world);
        break;
    case SIM_CLOSE:
        close_core(world);
        break;
    }
}

/* Those actions whose step has come. */
static void act_at_step(sim_world *world)
{
    const sim_config *config = world->config;

    world->steps++;
    world->report->steps++;
    for (size_t i = 0; i < config->action_count; i++) {
        if (config->actions[i].at_step == world->steps) {
            act(world, &config->actions[i]);
        }
    }
}

/* Of the core, or of its mux. */
static bool world_polled(sim_world *world, floe_core_output *output)
{
    if (polled(world->core, world_time(world), output) ||
        (world->mux != NULL && polled(world->mux, world_time(world), output))) {
        return true;
    }
    bool touched = false;
    while (world->mux != NULL && floe_core_mux_touched(world->mux) != NULL) {
        touched = true;
    }
    return touched && polled(world->core, world_time(world), output);
}

static uint64_t world_deadline(const sim_world *world)
{
    uint64_t own = floe_core_deadline(world->core).ns;
    uint64_t other = world->mux != NULL ? floe_core_deadline(world->mux).ns : UINT64_MAX;

    return own < other ? own : other;
}

static void let_time_pass(sim_world *world)
{
    if (world->mux != NULL) {
        floe_core_time(world->mux, world_time(world));
    }
    floe_core_time(world->core, world_time(world));
}

static void do_outputs(sim_world *world)
{
    static floe_core_output output;

    for (;;) {
        act_at_step(world);
        if (!world_polled(world, &output)) {
            return;
        }
        switch (output.kind) {
        case FLOE_CORE_LIST_INTERFACES:
            world_list_interfaces(world);
            break;
        case FLOE_CORE_OPEN:
        case FLOE_CORE_LISTEN:
            check_opened(world);
            open_socket(world, &output);
            break;
        case FLOE_CORE_CLOSE:
            close_socket(world, output.channel);
            break;
        case FLOE_CORE_SEND:
            send_packet(world, &output);
            break;
        case FLOE_CORE_RESOLVE:
            resolve(world, &output);
            break;
        case FLOE_CORE_CANDIDATE:
            check_candidate(world, output.candidate);
            break;
        case FLOE_CORE_CANDIDATE_WITHDRAWN:
            check_withdrawn(world, output.candidate);
            break;
        case FLOE_CORE_STATE:
            check_state(world, output.state);
            break;
        case FLOE_CORE_CANDIDATE_ERROR:
            check_error(world, output.error);
            break;
        case FLOE_CORE_TRACE:
        case FLOE_CORE_WRITABLE:
        case FLOE_CORE_UNREACHABLE:
            break;
        case FLOE_CORE_PUBLISH:
        case FLOE_CORE_UNPUBLISH:
            check_published(world, &output);
            break;
        }
    }
}

/* ── Events ── */

void world_take_packets(sim_world *world)
{
    floe_packet packet;

    while (arrived(world_io(world), world_time(world), &packet)) {
        check_direct(world, &packet);
        world->on_packet(world, &packet);
    }
}

static void stream_to_client(sim_world *world, const sim_event *event)
{
    const sim_socket *socket = world_socket(world, event->channel);

    if (socket != NULL && socket->open &&
        stream_reaches(world, event->channel, !world->down[socket->interface])) {
        uint8_t *exact = exact_copy(event->data, event->size, 0);
        floe_core_stream(world_io(world), world_time(world), core_channel(event->channel), exact,
                         event->size);
        world->reading = event->channel;
        world_take_packets(world);
        world->reading = 0;
        exact_free(exact, 0);
    }
}

/* What concerns a socket of the gatherer at hand. */
static void happen_to_socket(sim_world *world, const sim_event *event)
{
    const sim_socket *socket = world_socket(world, event->channel);

    if (event->life != world->life || world->core == NULL || socket == NULL || !socket->open) {
        return;
    }
    switch (event->kind) {
    case SIM_EVENT_OPENED:
    case SIM_EVENT_CONNECTED:
        floe_core_opened(world_io(world), world_time(world), core_channel(event->channel),
                         &socket->local);
        break;
    case SIM_EVENT_STREAM_DOWN:
        stream_to_client(world, event);
        break;
    case SIM_EVENT_BROKEN:
        floe_core_disconnected(world_io(world), world_time(world), core_channel(event->channel));
        break;
    default:
        floe_core_writable(world_io(world), world_time(world), core_channel(event->channel));
        break;
    }
}

static void to_client(sim_world *world, const sim_event *event)
{
    floe_address to = event->to;

    if (!world_map_inwards(world, &event->from, &to)) {
        return;
    }
    for (size_t i = 0; world->core != NULL && i < world->socket_count; i++) {
        sim_socket *socket = &world->sockets[i];
        if (socket->open && !socket->stream && floe_address_equal(&socket->local, &to)) {
            uint8_t *exact = exact_copy(event->data, event->size, 0);
            uint64_t dropped = floe_core_shared_dropped(world->shared);
            floe_core_datagram(world_io(world), world_time(world), socket->channel, &event->from,
                               exact, event->size);
            if (floe_core_shared_dropped(world->shared) == dropped) {
                check_answered(world, &event->from, floe_span_of(event->data, event->size));
            }
            world_take_packets(world);
            exact_free(exact, 0);
            return;
        }
    }
}

/* RFC 5928 §3, RFC 3958 §2.2: NAPTR leads to another NAPTR, that to SRV or to addresses, and the better
 * target of SRV is gone. */
static void zone_resolved(sim_world *world, const sim_event *event)
{
    static const char *const services[] = {[FLOE_PROTOCOL_UDP] = "RELAY:turn.udp",
                                           [FLOE_PROTOCOL_TCP] = "RELAY:turn.tcp",
                                           [FLOE_PROTOCOL_TLS] = "RELAY:turn.tls",
                                           [FLOE_PROTOCOL_DTLS] = "RELAY:turn.dtls"};
    const sim_server *server = &world->config->servers[event->server];
    const char *service = services[server->transport];
    bool first = strncmp((const char *)event->data, "server", 6) == 0;
    char host[40];
    char gone[64];
    char more[64];
    char srv[64];

    (void)snprintf(host, sizeof host, "server%zu.sim.example", event->server);
    (void)snprintf(gone, sizeof gone, "gone.%s", host);
    (void)snprintf(more, sizeof more, "more.%s", host);
    (void)snprintf(srv, sizeof srv, "_turn._udp.%s", host);
    const floe_service_record to_more[] = {
        {.target = host, .priority = 1, .flag = 'U', .service = service},
        {.target = more, .priority = 2, .service = service},
        {.target = host, .priority = 3, .flag = 'A', .service = "RELAY:turn.none"}};
    const floe_service_record to_services[] = {
        {.target = host, .priority = 2, .flag = 'a', .service = service},
        {.target = srv, .priority = 1, .flag = 's', .service = service},
        {.target = gone, .priority = 1, .weight = 1, .flag = 'A', .service = service}};
    const floe_service_record to_targets[] = {
        {.target = host, .port = server->port, .priority = 2},
        {.target = gone, .port = server->port, .priority = 1},
        {.target = host, .port = server->port, .priority = 2, .weight = 9}};
    floe_core_services_resolved(world_io(world), world_time(world), event->query, FLOE_OK,
                                event->record == FLOE_DNS_SRV ? to_targets
                                : first                       ? to_more
                                                              : to_services,
                                3);
}

/* SRV leads back to the server itself, to nothing, or to names that are none. */
static void services_resolved(sim_world *world, const sim_event *event)
{
    const sim_server *server = &world->config->servers[event->server];
    char target[64];
    floe_service_record records[3] = {
        {.target = target, .port = server->port, .flag = 'A', .service = "RELAY:turn.udp"},
        {.target = ".", .priority = 9},
        {.target = "x..y", .port = 1, .flag = 'S', .service = ":"}};
    if (server->naptr && world->core != NULL) {
        zone_resolved(world, event);
        return;
    }
    size_t count = seeded_below(&world->random, 4);

    (void)snprintf(target, sizeof target, "server%zu.sim.example", event->server);
    if (world->core != NULL) {
        floe_core_services_resolved(world_io(world), world_time(world), event->query,
                                    count == 3 ? FLOE_ERR_TIMED_OUT : FLOE_OK, records,
                                    count == 0 ? 3 : count);
    }
}

static void proxy_resolved(sim_world *world, const sim_event *event)
{
    floe_address address = proxy_address(world, event->family);

    if (world->core != NULL) {
        floe_core_resolved(world_io(world), world_time(world), event->query, FLOE_OK, &address,
                           address.family != FLOE_FAMILY_NONE);
    }
}

static void resolved(sim_world *world, const sim_event *event)
{
    const sim_server *server = &world->config->servers[event->server];
    floe_address addresses[3];
    size_t count = 0;
    bool gone = strncmp((const char *)event->data, "gone.", 5) == 0;
    floe_error error = server->temper == SIM_NAME_UNKNOWN || gone ? FLOE_ERR_NOT_FOUND
                       : server->temper == SIM_NAME_SILENT        ? FLOE_ERR_TIMED_OUT
                                                                  : FLOE_OK;

    count += server_first_address(world, event->server, &addresses[count]) &&
             addresses[count].family == event->family;
    addresses[count] = server_address_for(world, event->server, event->family);
    count += addresses[count].family == event->family;
    if (server->twin != 0) { /* in no order (RFC 1034 §5.3.3) */
        addresses[count] = server_address_for(world, server->twin - 1, event->family);
        count += addresses[count].family == event->family;
        if (count == 2 && seeded_below(&world->random, 2) == 0) {
            floe_address first = addresses[0];
            addresses[0] = addresses[1];
            addresses[1] = first;
        }
    }
    if (world->core != NULL) {
        floe_core_resolved(world_io(world), world_time(world), event->query, error, addresses,
                           error == FLOE_OK ? count : 0);
    }
}

void world_happen(sim_world *world, const sim_event *event)
{
    switch (event->kind) {
    case SIM_EVENT_TO_SERVER:
        if (!association_receive(world, event->server, &event->from,
                                 floe_span_of(event->data, event->size))) {
            server_receive(world, event->server, &event->from,
                           floe_span_of(event->data, event->size));
        }
        break;
    case SIM_EVENT_STREAM_UP:
        stream_up(world, event);
        break;
    case SIM_EVENT_OPENED:
    case SIM_EVENT_CONNECTED:
    case SIM_EVENT_STREAM_DOWN:
    case SIM_EVENT_BROKEN:
    case SIM_EVENT_WRITABLE:
        happen_to_socket(world, event);
        break;
    case SIM_EVENT_PEER_CONNECTS:
        if (event->life == world->life) {
            direct_connects(world, event);
        }
        break;
    case SIM_EVENT_FROM_PEER:
        server_from_peer(world, event);
        break;
    case SIM_EVENT_TO_CLIENT:
        to_client(world, event);
        break;
    case SIM_EVENT_UNREACHABLE:
        if (world->core != NULL && (event->life == 0 || event->life == world->life)) {
            floe_core_unreachable(world_io(world), world_time(world), core_channel(event->channel),
                                  &event->to, event->reason, event->data, event->size);
        }
        break;
    case SIM_EVENT_RESOLVED:
        if (event->record == FLOE_DNS_SRV || event->record == FLOE_DNS_NAPTR) {
            services_resolved(world, event);
        } else if (event->server == SIZE_MAX) {
            proxy_resolved(world, event);
        } else {
            resolved(world, event);
        }
        break;
    case SIM_EVENT_ACTION:
        if (world->core != NULL) {
            act(world, event->action);
        }
        break;
    case SIM_EVENT_REMAP:
        world_trace(world, "the NATs forget");
        for (size_t i = 0; i < world->mapping_count; i++) {
            world->mappings[i].dead = true;
        }
        break;
    default: /* of worlds that change */
        break;
    }
}

/* L12: the same options again change nothing; now or, as the trace is to be the same, later. */
static void set_the_same(sim_world *world)
{
    static floe_core_output output;
    uint64_t deadline = world_deadline(world);

    check_result(world, "set_options", with_options(world, set_options), false);
    if (world_polled(world, &output) || world_deadline(world) != deadline) {
        world_violated(world, "L12: the same options again change something");
    }
}

/* Lets time pass until `end`, by the contract: outputs until there are none, then the next event or
 * the deadline, whichever is first. */
static void run_until(sim_world *world, uint64_t end)
{
    size_t steps = 0;

    for (;;) {
        if (world->core != NULL) {
            do_outputs(world);
        }
        uint64_t deadline = world->core != NULL ? world_deadline(world) : UINT64_MAX;
        uint64_t event_at = world->event_count > 0 ? world->events[0]->at : UINT64_MAX;
        uint64_t next = deadline < event_at ? deadline : event_at;
        if (next > end) {
            world->now = end;
            return;
        }
        /* At the same instant it would come between what else happens then. */
        if (world->config->same_options && world->core != NULL && !world->closing &&
            next > world->now) {
            set_the_same(world);
        }
        if (++steps > 200000) {
            world_violated(world, "the core never rests");
            return;
        }
        world->now = next > world->now ? next : world->now;
        if (event_at <= deadline) {
            sim_event *event = world_take_event(world);
            world_happen(world, event);
            free(event);
        } else {
            let_time_pass(world);
        }
    }
}

/* ── A run ── */

static void add_action(sim_world *world, const sim_action *action, uint64_t at_ms)
{
    world_add_event(world, SIM_EVENT_ACTION, world->now + at_ms * 1000000)->action = action;
}

static void plan(sim_world *world)
{
    static const sim_action gather = {.kind = SIM_GATHER};
    static const sim_action close = {.kind = SIM_CLOSE};
    static const sim_action send = {.kind = SIM_SEND};
    const sim_config *config = world->config;

    for (unsigned i = 0; i < config->packets; i++) {
        uint64_t last = config->run_ms - config->packets * config->packets_ms;
        add_action(world, &send, last + i * config->packets_ms - 2000);
    }
    if (config->close_at_ms != 0) {
        add_action(world, &close, config->close_at_ms);
    }
    if (config->remap_at_ms != 0) {
        world_add_event(world, SIM_EVENT_REMAP, world->now + config->remap_at_ms * 1000000);
    }
    for (size_t i = 0; i < config->action_count; i++) {
        if (config->actions[i].at_step == 0) {
            add_action(world, &config->actions[i], config->actions[i].at_ms);
        }
    }
    if (config->gather_at_ms != 0) {
        add_action(world, &gather, config->gather_at_ms);
    }
}

static bool owner_sends(const sim_config *config)
{
    for (size_t i = 0; i < config->action_count; i++) {
        if (config->actions[i].kind == SIM_SEND) {
            return true;
        }
    }
    return false;
}

static void run_gatherer(sim_world *world, size_t n)
{
    const sim_config *config = world->config;

    world->seen = &world->report->gatherers[n];
    world->seen->state = FLOE_GATHERER_STATE_NEW;
    world->socket_count = 0;
    world->life++;
    world->closing = false;
    world->started = world->now;
    world->last_new_transaction = 0;
    world->transaction_count = 0;
    world->steps = 0;
    world->published_count = 0;
    world->servers = UINT32_MAX;
    world->policy = world->next_policy = config->policy;
    world->coming_count = 0;
    for (size_t i = 0; i < world->config->interface_count; i++) {
        world->down[i] = !world->config->interfaces[i].up;
    }
    world_trace(world, "gatherer %zu", n);
    if (with_options(world, make_core) != FLOE_OK) {
        world->seen->start_failed = true;
        return;
    }
    floe_core_receive_packets(world->core, config->packets > 0 || owner_sends(config));
    plan(world);
    if (config->pool || config->gather_at_ms == 0) {
        policy_comes(world);
    }
    if (config->gather_at_ms == 0 && floe_core_start(world->core, world_time(world)) != FLOE_OK) {
        world->seen->start_failed = true;
    }
    run_until(world, world->now + config->run_ms * 1000000);
    check_directs(world);
    check_before_close(world);
    check_model(world, n);
    if (!world->closing) {
        close_core(world);
        do_outputs(world);
    }
    check_end(world);
    floe_core_free(world->core);
    world->core = NULL;
    run_until(world, world->now + 3000000000U); /* the last packets arrive */
}

/* L7, T7: on a clean network nothing is left on a good server, and nothing has run out there. */
static void check_allocations(sim_world *world)
{
    const sim_config *config = world->config;
    bool clean = config->loss == 0 && config->duplication == 0 && config->jitter_ms == 0 &&
                 config->remap_at_ms == 0 && config->fail_at == 0;

    for (size_t i = 0; i < config->action_count;
         i++) { /* an interface that is down carries nothing */
        clean = clean && config->actions[i].kind != SIM_TOGGLE;
    }

    for (size_t i = 0; clean && i < world->allocation_count; i++) {
        const sim_allocation *allocation = &world->allocations[i];
        const sim_server *server = &config->servers[allocation->server];
        bool kept = server->temper == SIM_GOOD || server->temper == SIM_FORGED_FIRST ||
                    server->temper == SIM_MISMATCH;
        if (kept && !allocation->strange && server->nonce != SIM_NONCE_ONE_USE) {
            world_violated(world, "L7: an allocation was left on server %zu", allocation->server);
        }
    }
}

bool sim_run(const sim_config *config, FILE *trace, sim_report *report)
{
    sim_world *world = calloc(1, sizeof *world);
    counting_allocator memory;
    floe_settings settings = config->settings;

    if (world == NULL) {
        abort();
    }
    *report = (sim_report){.trace_hash = 14695981039346656037U};
    counting_init(&memory);
    memory.fail_at = config->fail_at;
    settings.allocator = &memory.table;
    world->config = config;
    world->report = report;
    world->trace = trace;
    world->memory = &memory;
    world->on_packet = check_packet;
    world->now = 1000000000U;
    seeded_init(&world->random, config->seed);
    seeded_init(&world->secrets, config->seed ^ 0x5555555555555555U);
    for (size_t i = 0; i < config->interface_count; i++) {
        world->open_failures_left[i] = config->interfaces[i].open_failures;
    }
    for (size_t i = 0; i < config->server_count; i++) {
        if (config->servers[i].transport >= FLOE_PROTOCOL_TLS) {
            settings.tls_ca_file = tls_ca_file();
        }
    }
    world_set_clock(world);
    if (floe_core_shared_new(&settings, &world->secrets.table, &world->shared) == FLOE_OK) {
        world->mux = floe_core_shared_mux(world->shared);
        for (size_t n = 0; n < config->gatherers; n++) {
            run_gatherer(world, n);
        }
        check_allocations(world);
        report->dropped = floe_core_shared_dropped(world->shared);
        floe_core_shared_free(world->shared);
    }
    report->allocations = memory.calls;
    report->left_memory = memory.live;
    if (memory.live != 0) {
        world_violated(world, "%zu pieces of memory were not given back", memory.live);
    }
    while (world->event_count > 0) {
        free(world_take_event(world));
    }
    world_set_clock(NULL);
    associations_free(world);
    directs_free(world);
    free(world->events);
    free(world);
    return *report->violation == '\0';
}

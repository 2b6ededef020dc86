/* The driver of a world that changes: it answers late, in any order, or that it could not. */
#include "change.h"

#include "base/address.h"
#include "polled.h"

#include <stdlib.h>
#include <string.h>

static uint64_t wait_of(sim_changing_world *change, uint32_t longest_ms)
{
    return change->quiet || longest_ms == 0
               ? 0
               : (1 + seeded_below(&change->world->random, longest_ms)) * SIM_MS;
}

static bool fails(sim_changing_world *change, uint32_t of_thousand)
{
    return !change->quiet && of_thousand > 0 &&
           seeded_below(&change->world->random, 1000) < of_thousand;
}

static sim_event *later(sim_changing_world *change, sim_event_kind kind, uint64_t wait)
{
    sim_event *event = world_add_event(change->world, kind, change->world->now + wait);

    event->life = change->world->life;
    return event;
}

/* ── Interfaces ── */

static void list_now(sim_changing_world *change)
{
    sim_world *world = change->world;

    sim_owner *owner = change_owner_of_life(change, world->life);

    owner->listed = world->now;
    for (size_t i = 0; i < change->network.interface_count; i++) {
        owner->listed_some = world->down[i] ? world->now : owner->listed_some;
    }
    if (fails(change, change->plan->late.lists_fail)) {
        owner->list_failed = true;
        world_trace(world, "the interfaces can't be listed");
        floe_core_interfaces_failed(world->core, world_time(world), FLOE_ERR_SYSTEM);
    } else {
        world_list_interfaces(world);
    }
}

static void list(sim_changing_world *change)
{
    sim_owner *owner = change_owner_of_life(change, change->world->life);

    if (change->plan->restless && owner->asked_list == owner->began) {
        world_list_interfaces(change->world); /* of which nothing else knows */
        return;
    }
    owner->asked_list = owner->began;
    uint64_t wait = wait_of(change, change->plan->late.lists_ms);

    if (wait == 0) {
        list_now(change);
    } else {
        (void)later(change, SIM_EVENT_LISTED, wait);
    }
}

/* ── Sockets ── */

static void forget_socket(sim_world *world, sim_socket *socket)
{
    *socket = world->sockets[--world->socket_count];
}

static bool port_is_taken(const sim_world *world, const floe_address *local, bool stream)
{
    for (size_t i = 0; i < world->socket_count; i++) {
        if (world->sockets[i].stream == stream &&
            floe_address_equal(&world->sockets[i].local, local)) {
            return true;
        }
    }
    return false;
}

static void opened(sim_changing_world *change, sim_socket *socket)
{
    sim_world *world = change->world;
    floe_address local = socket->local;

    if (fails(change, change->plan->late.opens_fail)) {
        uint32_t channel = core_channel(socket->channel);
        world_trace(world, "channel %u can't be opened", channel);
        forget_socket(world, socket);
        floe_core_open_failed(world->core, world_time(world), channel, FLOE_ERR_SYSTEM);
        return;
    }
    socket->opening = false;
    socket->open = true;
    if (socket->listens) {
        direct_listens(world, socket);
    }
    if (socket->stream && !socket->listens) {
        world_connect(world, socket);
    } else {
        floe_core_opened(world->core, world_time(world), core_channel(socket->channel), &local);
    }
}

/* T8, P6: what the proxy is for goes round it by no way. */
static void check_way(sim_changing_world *change, const floe_core_output *output)
{
    char to[FLOE_ADDRESS_TEXT_SIZE];

    if (output->protocol == FLOE_PROTOCOL_UDP) {
        uint32_t types = change->network.settings.network_types;
        uint32_t udp = output->local.family == FLOE_FAMILY_IPV4 ? FLOE_NETWORK_TYPE_UDP4
                                                                : FLOE_NETWORK_TYPE_UDP6;
        if (types != 0 && (types & udp) == 0) {
            change_violated(change, "H1: a socket for UDP, which nobody has asked for");
        }
        if (change_is_proxy_only(change)) {
            change_violated(change, "P6: a socket for UDP, where nothing goes but by a proxy");
        }
    } else if (change->network.proxy.kind != SIM_PROXY_NONE && output->kind != FLOE_CORE_LISTEN &&
               world_peer_of(&output->remote) == 2 &&
               !proxy_is_at(change->world, &output->remote)) {
        change_violated(change, "T8: a connection to %s goes round the proxy",
                        floe_address_text(&output->remote, to));
    }
}

static void open_socket(sim_changing_world *change, uint32_t channel,
                        const floe_core_output *output)
{
    sim_world *world = change->world;
    floe_address local = output->local;
    size_t interface = world_interface_with(world, &local);

    if (interface == world->config->interface_count || world->socket_count == SOCKETS_MAX) {
        change_violated(change, "a socket on an address that is not ours");
        return;
    }
    check_way(change, output);
    if (world_socket(world, channel) != NULL) {
        change_violated(change, "core.h: channel %u is opened twice", core_channel(channel));
        return;
    }
    bool stream = output->protocol == FLOE_PROTOCOL_TCP;
    bool owns = !stream || output->kind == FLOE_CORE_LISTEN;
    if (local.port != 0 && owns && port_is_taken(world, &local, stream)) {
        floe_core_open_failed(world->core, world_time(world), output->channel,
                              FLOE_ERR_ADDRESS_IN_USE);
        return;
    }
    while (local.port == 0 || (output->local.port == 0 && port_is_taken(world, &local, stream))) {
        local.port = (uint16_t)(40000 + world->next_port++ % 20000);
    }
    sim_socket *socket = &world->sockets[world->socket_count++];
    *socket = (sim_socket){.channel = channel,
                           .local = local,
                           .interface = interface,
                           .opening = true,
                           .stream = stream,
                           .listens = output->kind == FLOE_CORE_LISTEN,
                           .remote = output->remote};
    uint64_t wait = wait_of(change, change->plan->late.opens_ms);
    if (wait == 0) {
        opened(change, socket);
    } else {
        later(change, SIM_EVENT_OPENED, wait)->channel = channel;
    }
}

static void close_socket(sim_changing_world *change, uint32_t channel)
{
    sim_world *world = change->world;
    sim_socket *socket = world_socket(world, channel);

    if (socket == NULL) {
        change_violated(change, "L7: channel %u is closed but was not open", core_channel(channel));
        return;
    }
    if (socket->stream) {
        if (!socket->listens && !direct_close(world, channel)) {
            stream_close(world, channel);
        }
    } else if (socket->blocked) {
        audit_cut_short(change, socket);
    }
    forget_socket(world, socket);
}

/* ── Sending ── */

static bool is_somebody(const sim_changing_world *change, const floe_address *remote)
{
    bool refuses;

    if (world_peer_of(remote) < 2 || world_server_at(change->world, remote, &refuses) != SIZE_MAX) {
        return true;
    }
    for (size_t i = 0; i < change->network.server_count; i++) {
        floe_address first;
        if ((server_first_address(change->world, i, &first) &&
             floe_address_equal(&first, remote)) ||
            server_was_at(change->world, i, remote)) {
            return true;
        }
    }
    return false;
}

/* Now and then it takes no more for a while. */
static void block(sim_changing_world *change, uint32_t channel)
{
    sim_world *world = change->world;
    sim_socket *socket = world_socket(world, channel);

    if (socket != NULL && fails(change, change->plan->late.blocks)) {
        socket->blocked = true;
        floe_core_blocked(world->core, core_channel(channel));
        later(change, SIM_EVENT_WRITABLE, wait_of(change, change->plan->late.blocks_ms))->channel =
            channel;
    }
}

static void send_packet(sim_changing_world *change, sim_owner *owner, uint32_t channel,
                        const floe_core_output *output)
{
    sim_world *world = change->world;
    sim_socket *socket = world_socket(world, channel);
    char to[FLOE_ADDRESS_TEXT_SIZE];

    world_trace(world, "%zu: %zu bytes on %u to %s%s", owner->life, output->data_size,
                output->channel, floe_address_text(&output->remote, to),
                output->data_size > 1 && output->data[0] < 2 ? "" : ", data");
    if (socket == NULL || !socket->open) {
        change_violated(change, "core.h: SEND on channel %u, which is not open", output->channel);
        return;
    }
    if (!socket->stream && !is_somebody(change, &output->remote)) {
        change_violated(change, "a packet to %s, who is no server of ours", to);
    }
    /* core.h: of UDP requests alone, which are repeated. */
    bool request =
        output->data_size > 1 && (output->data[0] & 0xC1) == 0 && (output->data[1] & 0x10) == 0;
    if (socket->blocked && (socket->stream || !request)) {
        change_violated(change, "core.h: SEND on channel %u, which is blocked", output->channel);
    }
    account_sent(change, owner, socket, output);
    if (!socket->stream || !stream_is_for_proxy(world, channel)) {
        check_secrets(world, "the network", floe_span_of(output->data, output->data_size));
    }
    if (socket->stream) {
        floe_span data = floe_span_of(output->data, output->data_size);
        bool up = world->config->interfaces[socket->interface].path == SIM_PATH_GOOD &&
                  !world->down[socket->interface];
        if (!direct_send(world, socket, data, up)) {
            stream_send(world, socket, data, up);
        }
    } else {
        world_send_from(world, socket, output);
    }
    block(change, channel);
}

/* ── Names ── */

static bool is_proxys_name(const sim_changing_world *change, const char *name)
{
    return change->network.proxy.by_name && strcmp(name, "proxy.sim.example") == 0;
}

static uint64_t look_up_takes(sim_changing_world *change)
{
    uint64_t wait = (1 + seeded_below(&change->world->random, 50)) * SIM_MS;

    return wait + wait_of(change, change->plan->late.names_ms);
}

static void resolve(sim_changing_world *change, const floe_core_output *output)
{
    const char *name = strstr(output->name, "server"); /* behind "_turn._udp." for a service */
    size_t server = name != NULL ? (size_t)strtoul(name + strlen("server"), NULL, 10) : SIZE_MAX;

    if (is_proxys_name(change, output->name)) {
        sim_event *event = later(change, SIM_EVENT_RESOLVED, look_up_takes(change));
        event->query = output->query;
        event->family = output->record == FLOE_DNS_A ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
        event->record = output->record;
        event->server = SIZE_MAX;
        return;
    }
    if (server < change->network.server_count &&
        (change_is_proxied(change, server) || change_is_proxy_only(change))) {
        change_violated(change, "T8: a look-up of %s, which is the proxy's to look up",
                        output->name);
    }
    if (server >= change->network.server_count) {
        change_violated(change, "a look-up of %s, which nobody has named", output->name);
        return;
    }
    bool silent = change->network.servers[server].temper == SIM_NAME_SILENT;
    uint64_t wait = silent ? 20 * SIM_SECOND : look_up_takes(change);
    sim_event *event = later(change, SIM_EVENT_RESOLVED, wait);
    event->query = output->query;
    event->record = output->record;
    event->family = output->record == FLOE_DNS_A ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
    event->server = server;
    (void)snprintf((char *)event->data, sizeof event->data, "%s", output->name);
}

/* ── Outputs ── */

static void do_output(sim_changing_world *change, sim_owner *owner, const floe_core_output *output)
{
    uint32_t channel = (uint32_t)owner->life << SIM_LIFE_SHIFT | output->channel;

    owner->begun += output->kind == FLOE_CORE_RESOLVE ||
                    (output->kind == FLOE_CORE_OPEN && output->protocol == FLOE_PROTOCOL_TCP);
    switch (output->kind) {
    case FLOE_CORE_LIST_INTERFACES:
        list(change);
        break;
    case FLOE_CORE_OPEN:
    case FLOE_CORE_LISTEN:
        open_socket(change, channel, output);
        break;
    case FLOE_CORE_CLOSE:
        close_socket(change, channel);
        break;
    case FLOE_CORE_SEND:
        send_packet(change, owner, channel, output);
        break;
    case FLOE_CORE_RESOLVE:
        resolve(change, output);
        break;
    default:
        owner_told(change, owner, output);
        break;
    }
}

static void lose_names(sim_changing_world *change, sim_owner *owner)
{
    for (size_t i = 0; i < 16 && i < change->taken_count; i++) {
        owner_loses_name(change, owner, change->taken[i]);
    }
}

void driver_outputs(sim_changing_world *change, sim_owner *owner)
{
    static floe_core_output output;
    sim_world *world = change->world;

    change_turn(change, owner);
    while (owner->core != NULL && *world->report->violation == '\0' &&
           polled(owner->core, world_time(world), &output)) {
        if (++owner->steps > 20000) {
            change_violated(change, "V8: an input has outputs without end");
            return;
        }
        do_output(change, owner, &output);
        if (owner->name_taken) { /* who has it says so as soon as he hears of it */
            owner->name_taken = false;
            lose_names(change, owner);
        }
    }
}

/* ── Inputs ── */

bool driver_is_input(const sim_event *event)
{
    switch (event->kind) {
    case SIM_EVENT_TO_CLIENT:
    case SIM_EVENT_UNREACHABLE:
    case SIM_EVENT_RESOLVED:
    case SIM_EVENT_CONNECTED:
    case SIM_EVENT_STREAM_DOWN:
    case SIM_EVENT_BROKEN:
    case SIM_EVENT_WRITABLE:
    case SIM_EVENT_OPENED:
    case SIM_EVENT_LISTED:
    case SIM_EVENT_NETWORK:
    case SIM_EVENT_EPISODE:
    case SIM_EVENT_PEER_CONNECTS:
        return true;
    default:
        return false;
    }
}

static void datagram(sim_changing_world *change, const sim_event *event)
{
    sim_world *world = change->world;
    floe_address to = event->to;

    if (!world_map_inwards(world, &event->from, &to)) {
        return;
    }
    for (size_t i = 0; i < world->socket_count; i++) {
        sim_socket *socket = &world->sockets[i];
        if (socket->open && !socket->stream && floe_address_equal(&socket->local, &to)) {
            sim_owner *owner = change_owner_of_life(change, socket->channel >> SIM_LIFE_SHIFT);
            if (owner == NULL || owner->core == NULL || world->down[socket->interface] ||
                world->config->interfaces[socket->interface].path != SIM_PATH_GOOD) {
                return;
            }
            uint8_t *exact = exact_copy(event->data, event->size, 0);
            change_turn(change, owner);
            owner->steps = 0;
            account_delivered(change, socket, &event->from, floe_span_of(exact, event->size));
            floe_core_datagram(world->core, world_time(world), core_channel(socket->channel),
                               &event->from, exact, event->size);
            world_take_packets(world);
            exact_free(exact, 0);
            return;
        }
    }
}

/* What is for one gatherer, of whose life the event or its channel tells. */
static void for_one(sim_changing_world *change, const sim_event *event)
{
    sim_world *world = change->world;
    size_t life = event->channel != 0 ? event->channel >> SIM_LIFE_SHIFT : event->life;
    sim_owner *owner = change_owner_of_life(change, life);
    sim_socket *socket = event->channel != 0 ? world_socket(world, event->channel) : NULL;

    if (owner == NULL || owner->core == NULL || (event->channel != 0 && socket == NULL)) {
        return;
    }
    change_turn(change, owner);
    owner->steps = 0;
    switch (event->kind) {
    case SIM_EVENT_LISTED:
        list_now(change);
        break;
    case SIM_EVENT_NETWORK:
        change->interfaces_at = world->now;
        floe_core_network_changed(world->core, world_time(world));
        break;
    case SIM_EVENT_OPENED:
        if (socket->opening) {
            opened(change, socket);
        }
        break;
    case SIM_EVENT_RESOLVED:
        if (!fails(change, change->plan->late.names_fail)) {
            world_happen(world, event);
        } else if (event->record == FLOE_DNS_SRV || event->record == FLOE_DNS_NAPTR) {
            floe_core_services_resolved(world->core, world_time(world), event->query,
                                        FLOE_ERR_TIMED_OUT, NULL, 0);
        } else {
            floe_core_resolved(world->core, world_time(world), event->query, FLOE_ERR_TIMED_OUT,
                               NULL, 0);
        }
        break;
    case SIM_EVENT_WRITABLE:
        socket->blocked = false;
        world_happen(world, event);
        break;
    case SIM_EVENT_UNREACHABLE:
        account_unreachable(change, event->channel, &event->to);
        if (change->plan->late.icmp != 0 && !socket->stream) {
            floe_core_unreachable(world->core, world_time(world), core_channel(event->channel),
                                  &event->to, change->plan->late.icmp, event->data, event->size);
        } else if (event->order % 4 == 0) { /* core.h: what came back may not be known */
            floe_core_unreachable(world->core, world_time(world), core_channel(event->channel),
                                  &event->to, event->reason, NULL, 0);
        } else {
            world_happen(world, event);
        }
        break;
    default:
        world_happen(world, event);
        break;
    }
}

/* core.h: harmless at any moment. */
static void call_idly(sim_changing_world *change)
{
    sim_world *world = change->world;

    for (size_t i = 0; i < change->owner_count; i++) {
        if (change->owners[i].core != NULL && world->now >= change->stopped_until) {
            change_turn(change, &change->owners[i]);
            floe_core_time(world->core, world_time(world));
            floe_core_trust_read(world->core, world_time(world));
            floe_core_resolved(world->core, world_time(world), 999999, FLOE_OK, NULL, 0);
            floe_core_writable(world->core, world_time(world), 999999);
            floe_core_disconnected(world->core, world_time(world), 999999);
            floe_core_network_changed(world->core, world_time(world));
        }
    }
}

/* N1: where nothing has, that makes no difference. */
static void disturb(sim_changing_world *change)
{
    for (size_t i = 0; i < change->owner_count; i++) {
        if (change->owners[i].core != NULL && change->world->now >= change->stopped_until) {
            change_turn(change, &change->owners[i]);
            floe_core_network_changed(change->world->core, world_time(change->world));
        }
    }
}

void driver_event(sim_changing_world *change, const sim_event *event)
{
    sim_world *world = change->world;
    sim_change what;
    sim_episode episode;

    if (change->plan->late.idle_calls && event->order % 8 == 0) {
        call_idly(change);
    }
    if (change->plan->restless) {
        disturb(change);
    }

    switch (event->kind) {
    case SIM_EVENT_CHANGE:
        memcpy(&what, event->data, sizeof what);
        change_happens(change, &what);
        break;
    case SIM_EVENT_EPISODE:
        memcpy(&episode, event->data, sizeof episode);
        episode_begins(change, &episode);
        break;
    case SIM_EVENT_TO_CLIENT:
        datagram(change, event);
        break;
    case SIM_EVENT_TO_SERVER:
    case SIM_EVENT_FROM_PEER:
    case SIM_EVENT_STREAM_UP:
        world->life = event->life;
        world_happen(world, event);
        break;
    default:
        for_one(change, event);
        break;
    }
}

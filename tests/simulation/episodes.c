/* What the owner of a gatherer does, over its whole life: it gathers again, restarts, has other
 * servers, sends, and is checked by peers. */
#include "change.h"

#include "stun/key.h"

#include "base/memory.h"

#include <string.h>

/* ── Packets ── */

#define PAYLOAD "packet %u of %zu"

static bool sends_are_judged(sim_changing_world *change, const sim_told *told)
{
    const sim_world *world = change->world;
    size_t server = owner_relay_server_of(change, told->url);

    if (told->type != FLOE_CANDIDATE_TYPE_RELAY || told->tcp_type != FLOE_TCP_TYPE_NONE ||
        server == SIZE_MAX || told->ip.family == FLOE_FAMILY_NONE) {
        return false;
    }
    const sim_server *of = &change->network.servers[server];
    uint64_t good = change_good_since(change, SIZE_MAX, SIZE_MAX);
    good = change->data_good[server] > good ? change->data_good[server] : good;
    uint64_t rto = change->network.settings.rto_ms;
    uint64_t noticed = 80 * SIM_SECOND * (rto == 0 ? 500 : rto) / 500;
    return good != UINT64_MAX && world->now > good + noticed && of->nonce != SIM_NONCE_ONE_USE &&
           of->round_trip_ms <= 200 && change->network.jitter_ms == 0 &&
           change->network.duplication == 0 && of->refuses_peer == 0 &&
           change->plan->late.timers_ms < 200 && of->temper != SIM_FORGETS;
}

static void remember_send(sim_changing_world *change, const sim_owner *owner, const sim_told *told,
                          unsigned number)
{
    sim_send *made = &change->sends[change->send_count++ % SIM_SENDS_MAX];

    *made = (sim_send){.id = told->id,
                       .owner = (unsigned)owner->life,
                       .number = number,
                       .at = change->world->now,
                       .due = change->world->now + 3 * SIM_SECOND};
    (void)snprintf(made->url, sizeof made->url, "%s", told->url);
}

/* FLOE_ERR_PERMISSION says that the server refuses this peer: only after a 403 is that so. */
static void check_refusal(sim_changing_world *change, const sim_told *told, unsigned peer)
{
    size_t server = owner_relay_server_of(change, told->url);

    if (server == SIZE_MAX && owner_server_of(change, told->url) != SIZE_MAX) {
        return; /* of which of two? */
    }
    if (server == SIZE_MAX || told->type != FLOE_CANDIDATE_TYPE_RELAY) {
        change_violated(change, "K1: a send on %s is not permitted",
                        floe_candidate_type_name(told->type));
        return;
    }
    uint64_t refused = change->refused[server][peer];
    uint64_t good = change->data_good[server];
    if (refused == 0) {
        change_violated(change, "K1: %s refuses this peer, says a send; it never did", told->url);
    } else if (good != UINT64_MAX && good > refused &&
               change->world->now > good + 400 * SIM_SECOND) {
        change_violated(change, "K1: %s refuses this peer, says a send; it does no more",
                        told->url);
    }
}

static void send_on(sim_changing_world *change, sim_owner *owner, const sim_told *told)
{
    sim_world *world = change->world;
    unsigned peer = told->family == FLOE_FAMILY_IPV6;
    floe_address to = world_peer(peer);
    char payload[64] = {0};
    unsigned number = ++change->sent;

    (void)snprintf(payload, sizeof payload, PAYLOAD, number, owner->life);
    floe_error error =
        floe_core_send(owner->core, world_time(world), told->id, &to, payload, strlen(payload) + 1);
    world_trace(world, "%zu: sends packet %u on %u: %s", owner->life, number, (unsigned)told->id,
                floe_error_string(error));
    if (error == FLOE_OK && !owner->deaf && sends_are_judged(change, told)) {
        remember_send(change, owner, told, number);
    } else if (error == FLOE_ERR_PERMISSION) {
        check_refusal(change, told, peer);
    } else if (error != FLOE_OK && error != FLOE_ERR_QUEUE_FULL &&
               error != FLOE_ERR_NOT_CONNECTED && error != FLOE_ERR_NOT_FOUND) {
        change_violated(change, "K1: send: %s: %s", floe_error_string(error), floe_last_error());
    }
}

/* ── Full queues ── */

static floe_error send_large(sim_changing_world *change, sim_owner *owner, const sim_told *told)
{
    static const char large[1000] = "large";
    floe_address to = world_peer(told->family == FLOE_FAMILY_IPV6);

    return floe_core_send(owner->core, world_time(change->world), told->id, &to, large,
                          sizeof large);
}

static void flood(sim_changing_world *change, sim_owner *owner)
{
    for (size_t i = 0; i < owner->told_count; i++) {
        const sim_told *told = &owner->told[i];
        floe_error error = FLOE_OK;
        if (told->withdrawn || told->type != FLOE_CANDIDATE_TYPE_RELAY ||
            told->ip.family == FLOE_FAMILY_NONE) {
            continue;
        }
        for (int n = 0; n < 64 && error == FLOE_OK; n++) {
            error = send_large(change, owner, told);
        }
        if (error == FLOE_ERR_QUEUE_FULL) {
            owner->full = told->id;
            return; /* the others' ways have their own */
        }
    }
}

/* K1: there is room again: on that way. */
void episode_writable(sim_changing_world *change, sim_owner *owner, uint32_t candidate_id)
{
    const sim_told *told = owner_candidate(owner, owner->full);

    if (owner->full == 0 || owner->full != candidate_id || told == NULL || told->withdrawn) {
        return;
    }
    owner->full = 0;
    floe_error error = send_large(change, owner, told);
    world_trace(change->world, "%zu: room on %u: %s", owner->life, (unsigned)told->id,
                floe_error_string(error));
    if (error == FLOE_ERR_QUEUE_FULL) {
        change_violated(change, "K1: writable is told, and there is no room");
    }
}

static void send_on_all(sim_changing_world *change, sim_owner *owner)
{
    for (size_t i = 0; i < owner->told_count; i++) {
        const sim_told *told = &owner->told[i];
        if (!told->withdrawn && told->ip.family != FLOE_FAMILY_NONE) {
            send_on(change, owner, told);
        }
    }
}

/* K1: what the gatherer itself asked for and had answered is nobody else's. */
static void check_strange(sim_changing_world *change, const floe_packet *packet)
{
    const uint8_t *bytes = packet->data;

    for (size_t n = 0; n < change->network.server_count; n++) {
        floe_address address = server_address_for(change->world, n, packet->peer.family);
        if (floe_address_equal(&address, &packet->peer) && packet->size >= 20 && bytes[0] == 1 &&
            change->network.servers[n].temper != SIM_GARBAGE &&
            change->network.servers[n].temper != SIM_FORGED_FIRST) {
            change_violated(change, "K1: an answer of server %zu comes to the owner", n);
        }
    }
}

/* ── Checks ── */

static struct {
    bool expected;      /* one is under way */
    floe_address local; /* of the socket */
    bool authenticated; /* as it must be */
} check_now;

/* packet.h: on the host's candidate, or on none where policy shows it not. */
static void check_id(sim_changing_world *change, sim_owner *owner, const floe_packet *packet)
{
    const sim_told *told = owner_candidate(owner, packet->candidate_id);
    floe_address ip;

    if (owner->policy != owner->told_policy || owner->types != owner->told_types ||
        owner->state != FLOE_GATHERER_STATE_COMPLETE ||
        change->network.settings.nat_1to1_ip_count > 0 ||
        change->network.settings.address_rewrite_rule_count > 0 ||
        change->network.settings.mdns_name != NULL) {
        return;
    }
    if (packet->candidate_id != 0 && (told == NULL || (told->withdrawn && !told->old))) {
        change_violated(change, "K2: a packet is of candidate %u, which there is not",
                        (unsigned)packet->candidate_id);
    } else if (told != NULL && !owner_may_see(owner, told)) {
        change_violated(change, "P1: a packet is of candidate %u, which policy hides",
                        (unsigned)packet->candidate_id);
    }
    for (size_t i = 0; i < owner->told_count; i++) {
        const sim_told *host = &owner->told[i];
        if (host->type == FLOE_CANDIDATE_TYPE_HOST && !host->withdrawn &&
            owner_may_see(owner, host) && owner_address_of(owner, host->address, &ip) &&
            floe_address_same_ip(&ip, &check_now.local) && packet->candidate_id != host->id &&
            host->port == check_now.local.port) {
            change_violated(change, "K2: a packet is of candidate %u; the host's is %u",
                            (unsigned)packet->candidate_id, (unsigned)host->id);
        }
    }
}

static void check_check(sim_changing_world *change, sim_owner *owner, const floe_packet *packet)
{
    floe_error error;

    if (!check_now.expected) {
        return;
    }
    check_now.expected = false;
    if (packet->check->authenticated != check_now.authenticated) {
        change_violated(change, "K2: a check with the password of %s is %sauthenticated",
                        check_now.authenticated ? "today" : "before",
                        packet->check->authenticated ? "" : "not ");
    }
    check_id(change, owner, packet);
    if (!packet->check->authenticated || packet->candidate_id == 0) {
        return;
    }
    error = floe_core_answer_check(owner->core, world_time(change->world), packet,
                                   change->sent++ % 3 == 0 ? 487 : 0);
    if (error != FLOE_OK && error != FLOE_ERR_QUEUE_FULL) {
        change_violated(change, "K2: answer_check: %s: %s", floe_error_string(error),
                        floe_last_error());
    }
}

void episode_packet(sim_world *world, const floe_packet *packet)
{
    sim_changing_world *change = world->change;
    sim_owner *owner = change_owner_of_life(change, world->life);
    char payload[64] = {0};
    unsigned number = 0;
    size_t life = 0;

    memcpy(payload, packet->data,
           packet->size < sizeof payload ? packet->size : sizeof payload - 1);
    if (owner->deaf) {
        change_violated(change, "K1: a packet comes to an owner who wants none");
    }
    if (packet->check != NULL) {
        check_check(change, owner, packet);
        return;
    }
    if (sscanf(payload, PAYLOAD, &number, &life) != 2) {
        check_strange(change, packet);
        return;
    }
    for (size_t i = 0; i < SIM_SENDS_MAX; i++) {
        if (change->sends[i].number == number) {
            change->sends[i].due = 0;
        }
    }
}

/* The socket is a DTLS connection's, on which no peer sends. */
static bool is_of_dtls(const sim_changing_world *change, const sim_socket *socket)
{
    for (size_t n = 0; n < change->network.server_count; n++) {
        floe_address server = server_address_for(change->world, n, socket->local.family);
        if (change->network.servers[n].transport == FLOE_PROTOCOL_DTLS &&
            account_last_out(change, socket->channel, &server) != 0) {
            return true;
        }
    }
    return false;
}

/* A peer's check on the gatherer's first sockets, signed by this password. */
static void be_checked(sim_changing_world *change, sim_owner *owner, const char *password,
                       bool good)
{
    sim_world *world = change->world;
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_stun_key *key = NULL;
    floe_stun_id id = {.bytes = {7, 7, 7, good}};
    uint8_t bytes[512];
    char name[300];

    if (floe_core_get_local_parameters(owner->core, &parameters) != FLOE_OK ||
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text(password), &key) !=
            FLOE_OK) {
        return;
    }
    (void)snprintf(name, sizeof name, "%s:peer", parameters.username_fragment);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(name));
    floe_stun_put_u32(&writer, FLOE_STUN_PRIORITY, 1);
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_put_fingerprint(&writer);
    floe_stun_key_release(key);
    floe_span request = floe_stun_written(&writer);
    for (size_t i = 0; i < world->socket_count; i++) {
        const sim_socket *socket = &world->sockets[i];
        if (socket->open && !socket->stream && socket->channel >> SIM_LIFE_SHIFT == owner->life &&
            !is_of_dtls(change, socket)) {
            floe_address peer = world_peer(socket->local.family == FLOE_FAMILY_IPV6);
            uint8_t *exact = exact_copy(request.data, request.size, 0);
            check_now.expected = true;
            check_now.authenticated = good;
            check_now.local = socket->local;
            floe_core_datagram(owner->core, world_time(world), core_channel(socket->channel), &peer,
                               exact, request.size);
            world_take_packets(world);
            exact_free(exact, 0);
            if (check_now.expected && !owner->deaf) {
                change_violated(change, "K2: a check does not come to the owner");
            }
            check_now.expected = false;
            return;
        }
    }
}

/* ── Lists ── */

static void look(sim_changing_world *change, sim_owner *owner)
{
    floe_candidate_list *list = NULL;

    if (floe_core_get_local_candidates(owner->core, &list) == FLOE_OK) {
        floe_candidate_list_free(list);
    }
    account_statistics(change, owner, false);
}

/* Other users come and go in the same shared part, which remembers some of them. */
static void make_others(sim_changing_world *change, uint32_t count)
{
    char url[128] = "";
    const char *urls[] = {url};

    for (size_t n = 0; n < change->plan->network.server_count && *url == '\0'; n++) {
        if (change->plan->network.servers[n].turn) {
            sim_server_url(&change->plan->network, n, url, sizeof url);
        }
    }
    for (uint32_t i = 0; i < count && *url != '\0'; i++) {
        char user[32];
        floe_ice_server server = FLOE_ICE_SERVER_INIT;
        floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
        floe_core *core = NULL;
        (void)snprintf(user, sizeof user, "%u:other", i);
        server.urls = urls;
        server.url_count = 1;
        server.username = user;
        server.credential = "password";
        options.ice_servers = &server;
        options.ice_server_count = 1;
        if (floe_core_new(change->world->shared, &options, &core) == FLOE_OK) {
            floe_core_free(core);
        }
    }
}

/* Another machine has the name, and all hear of it who have published it. */
static void lose_name(sim_changing_world *change, const sim_owner *owner)
{
    char name[80];

    if (owner->published_count == 0) {
        return;
    }
    (void)snprintf(name, sizeof name, "%s", owner->published[owner->published_count - 1]);
    (void)snprintf(change->taken[change->taken_count++ % 16], sizeof name, "%s", name);
    for (size_t i = 0; i < change->owner_count; i++) {
        sim_owner *one = &change->owners[i];
        if (one->core != NULL && !one->closed) {
            owner_loses_name(change, one, name);
        }
    }
}

/* ── Episodes ── */

/* One after another, 100 ms between. */
static void again(sim_changing_world *change, const sim_episode *episode)
{
    sim_episode next = *episode;

    if (--next.value > 0 && next.value < 1000) {
        sim_event *event =
            world_add_event(change->world, SIM_EVENT_EPISODE, change->world->now + 100 * SIM_MS);
        event->size = sizeof next;
        memcpy(event->data, &next, sizeof next);
    }
}

static void gather_if_it_may(sim_changing_world *change, sim_owner *owner)
{
    enum floe_gatherer_state state = floe_core_state(owner->core);

    if (state == FLOE_GATHERER_STATE_NEW || state == FLOE_GATHERER_STATE_COMPLETE) {
        owner_gather(change, owner);
    }
}

/* The second component shares what is set for the first only at its making. */
static void set_and_gather(sim_changing_world *change, sim_owner *owner)
{
    owner->changed_options = owner->other_options = change->world->now;
    owner->still = false;
    owner_set_options(change, owner);
    gather_if_it_may(change, owner);
}

/* The latest that there is; once all have it, the servers are good for all. */
static void take_token(sim_changing_world *change, sim_owner *owner)
{
    for (size_t n = 0; n < change->network.server_count; n++) {
        unsigned from = change->network.servers[n].token_from;
        owner->token = owner->token > from ? owner->token : from;
    }
    for (size_t n = 0; n < change->network.server_count; n++) {
        const sim_server *server = &change->network.servers[n];
        const sim_server *planned = &change->plan->network.servers[n];
        bool all = server->oauth && change->expired[n] != 0 && server->temper == planned->temper &&
                   server->drops == planned->drops && server->fails == planned->fails &&
                   server->refuses_peer == planned->refuses_peer;
        for (size_t i = 0; i < change->plan->owners; i++) {
            all = all && change_is_believed(change, &change->owners[i], n);
        }
        if (all) {
            change->server_good[n] = change->data_good[n] = change->world->now;
            change->expired[n] = 0;
        }
    }
}

/* No server has an allocation for it. */
static bool is_gone(const sim_changing_world *change, const sim_told *told)
{
    const sim_world *world = change->world;
    bool stands = told->type != FLOE_CANDIDATE_TYPE_RELAY;

    for (size_t i = 0; i < world->allocation_count; i++) {
        const sim_allocation *one = &world->allocations[i];
        stands = stands ||
                 (one->expires > world->now && (floe_address_equal(&one->relayed[0], &told->ip) ||
                                                floe_address_equal(&one->relayed[1], &told->ip)));
    }
    return !stands;
}

/* T7b: what is listed can be doubted, and nothing else. */
static void doubt_all(sim_changing_world *change, sim_owner *owner)
{
    for (size_t i = 0; i < owner->told_count; i++) {
        sim_told *told = &owner->told[i];
        bool stands = !told->withdrawn;
        floe_error error = floe_core_doubt(owner->core, world_time(change->world), told->id);
        if (stands && owner_may_see(owner, told) && !told->unsure && error != FLOE_OK) {
            change_violated(change, "T7b: doubt of candidate %u: %s", (unsigned)told->id,
                            floe_error_string(error));
        }
        size_t server = owner_relay_server_of(change, told->url);
        bool first =
            told->doubted == 0 || told->doubted < change_good_since(change, server, SIZE_MAX);
        if (error == FLOE_OK && stands && server != SIZE_MAX && first && is_gone(change, told)) {
            told->doubted = change->world->now;
        }
    }
    if (floe_core_doubt(owner->core, world_time(change->world), 1000000) != FLOE_ERR_NOT_FOUND) {
        change_violated(change, "T7b: a candidate that never was can be doubted");
    }
}

static void forget_sends(sim_changing_world *change, const sim_owner *owner)
{
    for (size_t i = 0; i < SIM_SENDS_MAX; i++) {
        change->sends[i].due = change->sends[i].owner == owner->life ? 0 : change->sends[i].due;
    }
}

/* core.h: in any state, at once. What its servers have of it goes in its time. */
static void free_at_once(sim_changing_world *change, sim_owner *owner)
{
    sim_world *world = change->world;

    forget_sends(change, owner);
    floe_core_free(owner->core);
    owner->core = world->core = NULL;
    for (size_t i = world->socket_count; i-- > 0;) {
        if (world->sockets[i].channel >> SIM_LIFE_SHIFT == owner->life) {
            if (world->sockets[i].stream && !world->sockets[i].listens &&
                !direct_close(world, world->sockets[i].channel)) {
                stream_close(world, world->sockets[i].channel);
            }
            world->sockets[i] = world->sockets[--world->socket_count];
        }
    }
}

void episode_begins(sim_changing_world *change, const sim_episode *episode)
{
    static const char *const names[] = {"gathers",        "restarts",      "sets the same options",
                                        "sets servers",   "sets its user", "sets its policy",
                                        "sets its types", "sets a token",  "sets a password",
                                        "sends",          "is checked",    "lists",
                                        "makes others",   "loses a name",  "doubts",
                                        "is deaf",        "floods",        "closes",
                                        "is freed"};
    sim_owner *owner = &change->owners[episode->owner];

    if (owner->core == NULL || owner->closed) {
        return;
    }
    change_turn(change, owner);
    owner->steps = 0;
    world_trace(change->world, "%zu: the owner %s %u", owner->life, names[episode->kind],
                (unsigned)episode->value);
    switch (episode->kind) {
    case SIM_OWNER_GATHERS:
        owner_gather(change, owner);
        break;
    case SIM_OWNER_RESTARTS:
        owner_restart(change, owner);
        gather_if_it_may(change, owner);
        break;
    case SIM_OWNER_SETS_THE_SAME:
        floe_core_time(owner->core, world_time(change->world)); /* what is due by now */
        driver_outputs(change, owner);
        owner->steps = 0;
        owner_set_options(change, owner);
        if (episode->value % 2 == 1) {
            gather_if_it_may(change, owner);
            break;
        }
        driver_outputs(change, owner); /* L12: nothing before the next gathering */
        if (owner->steps > 0) {
            change_violated(change, "L12: the same options have outputs");
        }
        break;
    case SIM_OWNER_SETS_SERVERS:
        owner->servers = episode->value;
        set_and_gather(change, owner);
        break;
    case SIM_OWNER_SETS_USER:
        owner->other_user = episode->value % 2 == 1;
        set_and_gather(change, owner);
        break;
    case SIM_OWNER_SETS_POLICY:
        owner->policy = (floe_gather_policy)(episode->value % 3);
        set_and_gather(change, owner);
        break;
    case SIM_OWNER_SETS_TYPES:
        owner_takes_types(change, owner, episode->value & 7U, episode->value >> 3);
        set_and_gather(change, owner);
        break;
    case SIM_OWNER_SETS_TOKEN:
        take_token(change, owner);
        set_and_gather(change, owner);
        break;
    case SIM_OWNER_SETS_PASSWORD:
        owner->wrong_password = episode->value % 2 == 1;
        set_and_gather(change, owner);
        break;
    case SIM_OWNER_DOUBTS:
        doubt_all(change, owner);
        break;
    case SIM_OWNER_IS_DEAF:
        owner->deaf = episode->value % 2 == 1;
        forget_sends(change, owner);
        floe_core_receive_packets(owner->core, !owner->deaf);
        break;
    case SIM_OWNER_IS_FREED:
        free_at_once(change, owner);
        break;
    case SIM_OWNER_SENDS:
        send_on_all(change, owner);
        again(change, episode);
        break;
    case SIM_OWNER_IS_CHECKED:
        be_checked(change, owner, owner->password, true);
        if (*owner->before != '\0') {
            be_checked(change, owner, owner->before, false);
        }
        break;
    case SIM_OWNER_LISTS:
        look(change, owner);
        break;
    case SIM_OWNER_MAKES_OTHERS:
        make_others(change, episode->value);
        break;
    case SIM_OWNER_LOSES_NAME:
        lose_name(change, owner);
        break;
    case SIM_OWNER_FLOODS:
        flood(change, owner);
        break;
    case SIM_OWNER_CLOSES:
        owner_close(change, owner);
        break;
    }
}

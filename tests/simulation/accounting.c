/* What the world counts of packets, against what a gatherer says of them: statistics, the trace,
 * and the sentences of errors. */
#include "change.h"

#include "base/address.h"

#include <string.h>

static sim_way *find_way(const sim_changing_world *change, uint32_t channel,
                         const floe_address *remote)
{
    size_t count = change->way_count < SIM_WAYS_MAX ? change->way_count : SIM_WAYS_MAX;

    for (size_t i = 0; i < count; i++) {
        const sim_way *way = &change->ways[i];
        if (way->channel == channel && floe_address_equal(&way->remote, remote)) {
            return (sim_way *)(uintptr_t)way;
        }
    }
    return NULL;
}

static sim_way *way_of(sim_changing_world *change, uint32_t channel, const floe_address *remote)
{
    sim_way *way = find_way(change, channel, remote);

    if (way == NULL) { /* the oldest makes room */
        way = &change->ways[change->way_count++ % SIM_WAYS_MAX];
        *way = (sim_way){.channel = channel, .remote = *remote};
    }
    return way;
}

static sim_request *find_request(sim_changing_world *change, const floe_stun_id *id)
{
    for (size_t i = 1; i <= change->request_count && i <= SIM_REQUESTS_MAX; i++) {
        sim_request *one = &change->requests[(change->request_count - i) % SIM_REQUESTS_MAX];
        if (floe_stun_id_equal(&one->id, id)) {
            return one;
        }
    }
    return NULL;
}

static uint64_t hash_of(floe_span data)
{
    uint64_t hash = 14695981039346656037U;

    for (size_t i = 0; i < data.size; i++) {
        hash = (hash ^ data.data[i]) * 1099511628211U;
    }
    return hash;
}

void account_sent(sim_changing_world *change, sim_owner *owner, const sim_socket *socket,
                  const floe_core_output *output)
{
    floe_span data = floe_span_of(output->data, output->data_size);
    floe_stun_message message;

    if (socket->stream) {
        return;
    }
    sim_way *way = way_of(change, socket->channel, &output->remote);
    way->last_out = change->world->now;
    if (world_peer_of(&output->remote) < 2 || floe_stun_parse(data, &message) != FLOE_STUN_PARSED ||
        message.class != FLOE_STUN_REQUEST) {
        return;
    }
    owner->sent++;
    sim_request *known = find_request(change, &message.id);
    uint64_t hash = hash_of(data);
    if (known != NULL) {
        way->again++;
        if (known->hash != hash) {
            change_violated(change, "RFC 8489 5: a retransmission of %s is not the same bytes",
                            floe_stun_method_name(message.method));
        }
        return;
    }
    way->requests++;
    change->requests[change->request_count++ % SIM_REQUESTS_MAX] = (sim_request){
        .id = message.id, .channel = socket->channel, .method = message.method, .hash = hash};
}

void account_delivered(sim_changing_world *change, const sim_socket *socket,
                       const floe_address *from, floe_span data)
{
    floe_stun_message message;
    sim_way *way = find_way(change, socket->channel, from);

    if (way == NULL || floe_stun_parse(data, &message) != FLOE_STUN_PARSED ||
        (message.class != FLOE_STUN_SUCCESS && message.class != FLOE_STUN_ERROR)) {
        return;
    }
    sim_request *request = find_request(change, &message.id);
    if (request != NULL && request->channel == socket->channel) {
        way->answers += !request->answered;
        request->answered = true;
        way->last_answer = change->world->now;
    }
}

void account_unreachable(sim_changing_world *change, uint32_t channel, const floe_address *remote)
{
    sim_way *way = find_way(change, channel, remote);

    if (way != NULL) {
        way->errors++;
        way->last_error = change->world->now;
    }
}

uint64_t account_last_out(const sim_changing_world *change, uint32_t channel,
                          const floe_address *remote)
{
    uint64_t last = 0;
    size_t count = change->way_count < SIM_WAYS_MAX ? change->way_count : SIM_WAYS_MAX;

    for (size_t i = 0; i < count; i++) {
        const sim_way *way = &change->ways[i];
        if (way->channel == channel && way->last_out > last &&
            (remote == NULL || floe_address_equal(&way->remote, remote))) {
            last = way->last_out;
        }
    }
    return last;
}

/* ── The sentences of errors ── */

/* Whether the socket of the way is the owner's and on that address (NULL: any). */
static bool is_from(const sim_changing_world *change, const sim_owner *owner, const sim_way *way,
                    const floe_address *address)
{
    const sim_socket *socket = world_socket(change->world, way->channel);

    return way->channel >> SIM_LIFE_SHIFT == owner->life && socket != NULL &&
           (address == NULL || floe_address_same_ip(address, &socket->local));
}

/* E1: the sentence is true: nothing came, or an ICMP error did. */
void account_error(sim_changing_world *change, sim_owner *owner, const floe_candidate_error *error)
{
    size_t n = error->url != NULL ? owner_server_of(change, error->url) : SIZE_MAX;
    bool silent = strncmp(error->text, "no answer", 9) == 0;
    bool closed = strncmp(error->text, "nothing listens on UDP", 22) == 0;
    bool answered = false;
    bool refused = false;
    floe_address from;

    if (n != SIZE_MAX) {
        owner->failed[n] = true;
        owner->told_failed[n] = change->world->now;
    }
    if (error->address != NULL && !owner_address_of(owner, error->address, &from)) {
        return; /* a name that was taken back since */
    }
    if (n == SIZE_MAX || (!silent && !closed) ||
        change->network.servers[n].transport != FLOE_PROTOCOL_UDP) {
        return;
    }
    size_t count = change->way_count < SIM_WAYS_MAX ? change->way_count : SIM_WAYS_MAX;
    for (size_t i = 0; i < count; i++) {
        const sim_way *way = &change->ways[i];
        floe_address server = server_address_for(change->world, n, way->remote.family);
        if (floe_address_equal(&server, &way->remote) &&
            is_from(change, owner, way, error->address != NULL ? &from : NULL)) {
            answered = answered || way->last_answer >= owner->began;
            refused = refused || way->last_error != 0;
        }
    }
    if (silent && answered && owner->began != 0) {
        change_violated(change, "E1: \"%s\", says %s; there was an answer", error->text,
                        error->url);
    }
    if (closed && !refused && change->network.servers[n].temper != SIM_PORT_CLOSED &&
        !change->network.servers[n].first_closed) {
        change_violated(change, "E1: \"%s\", says %s; nobody refused", error->text, error->url);
    }
}

/* ── The trace ── */

void account_trace(sim_changing_world *change, sim_owner *owner, const floe_trace_event *event)
{
    floe_stun_id id;

    if (event->kind != FLOE_TRACE_SENT && event->kind != FLOE_TRACE_SENT_AGAIN) {
        return;
    }
    memcpy(id.bytes, event->transaction_id, sizeof id.bytes);
    size_t n = event->url != NULL ? owner_server_of(change, event->url) : SIZE_MAX;
    if (n != SIZE_MAX && change->network.servers[n].transport == FLOE_PROTOCOL_UDP) {
        owner->sent_traced++;
    }
}

/* ── Statistics ── */

/* In the first gathering of a gatherer its counters are the world's, request by request. */
void account_statistics(sim_changing_world *change, sim_owner *owner)
{
    floe_gatherer_statistics *statistics = NULL;

    if (floe_core_get_statistics(owner->core, &statistics) != FLOE_OK) {
        return;
    }
    for (size_t i = 0; i < statistics->server_count; i++) {
        const floe_server_statistics *of = statistics->servers[i];
        unsigned asked = 0;
        unsigned again = 0;
        unsigned answered = 0;
        size_t n = owner_server_of(change, of->url);
        if (n == SIZE_MAX || change->network.servers[n].transport != FLOE_PROTOCOL_UDP) {
            continue;
        }
        size_t count = change->way_count < SIM_WAYS_MAX ? change->way_count : SIM_WAYS_MAX;
        for (size_t k = 0; k < count; k++) {
            const sim_way *way = &change->ways[k];
            floe_address server = server_address_for(change->world, n, way->remote.family);
            if (way->channel >> SIM_LIFE_SHIFT == owner->life &&
                floe_address_equal(&server, &way->remote)) {
                asked += way->requests;
                again += way->again;
                answered += way->answers;
            }
        }
        if (change->way_count <= SIM_WAYS_MAX &&
            (of->requests > asked || of->retransmissions > again || of->responses > answered)) {
            change_violated(change,
                            "L15: %s of %s: %u requests, %u again, %u answers; there were %u, %u, "
                            "%u",
                            of->method, of->url, (unsigned)of->requests,
                            (unsigned)of->retransmissions, (unsigned)of->responses, asked, again,
                            answered);
        }
    }
    floe_gatherer_statistics_free(statistics);
}

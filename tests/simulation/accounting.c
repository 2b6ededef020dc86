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

static sim_request *find_request(const sim_changing_world *change, const floe_stun_id *id)
{
    for (size_t i = 1; i <= change->request_count && i <= SIM_REQUESTS_MAX; i++) {
        const sim_request *one = &change->requests[(change->request_count - i) % SIM_REQUESTS_MAX];
        if (floe_stun_id_equal(&one->id, id)) {
            return (sim_request *)(uintptr_t)one;
        }
    }
    return NULL;
}

bool account_was_refused(const sim_changing_world *change, const floe_stun_id *id)
{
    const sim_request *request = find_request(change, id);

    return request != NULL && request->refused;
}

static bool is_release(const floe_stun_message *message)
{
    uint32_t lifetime = 1;

    return message->class == FLOE_STUN_REQUEST && message->method == FLOE_STUN_REFRESH &&
           floe_stun_read_u32(message, FLOE_STUN_LIFETIME, &lifetime) && lifetime == 0;
}

/* NULL: a peer's request, which statistics have not, or a release, which they have if it is for
 * another Allocate (T6). */
static sim_count *count_of(sim_way *way, const floe_stun_message *message)
{
    switch (message->method) {
    case FLOE_STUN_BINDING:
        return &way->counts[0];
    case FLOE_STUN_ALLOCATE:
    case FLOE_STUN_REFRESH:
        return is_release(message) ? NULL : &way->counts[1];
    default:
        return NULL;
    }
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

    if (socket->stream) { /* to a server for UDP: what a NAT shows of a port for TCP (R4) */
        bool refuses;
        size_t n = world_server_at(change->world, &socket->remote, &refuses);
        owner->sent += n != SIZE_MAX && change->network.servers[n].transport == FLOE_PROTOCOL_UDP &&
                       floe_stun_parse(data, &message) == FLOE_STUN_PARSED &&
                       message.class == FLOE_STUN_REQUEST;
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
    sim_count *count = count_of(way, &message);
    way->releases += is_release(&message);
    if (count != NULL) {
        count->bytes += data.size;
        count->again += known != NULL;
        count->requests += known == NULL;
    }
    if (known != NULL) {
        if (known->hash != hash) {
            change_violated(change, "RFC 8489 5: a retransmission of %s is not the same bytes",
                            floe_stun_method_name(message.method));
        }
        return;
    }
    change->requests[change->request_count++ % SIM_REQUESTS_MAX] =
        (sim_request){.id = message.id,
                      .channel = socket->channel,
                      .method = message.method,
                      .release = is_release(&message),
                      .hash = hash};
}

/* Whether it is the server's word that the credentials have expired. */
static void hear(sim_changing_world *change, const sim_socket *socket, const floe_address *from,
                 const floe_stun_message *message)
{
    sim_owner *owner = change_owner_of_life(change, socket->channel >> SIM_LIFE_SHIFT);
    uint16_t code;
    floe_span reason;
    bool refuses;
    size_t n = world_server_at(change->world, from, &refuses);

    if (n != SIZE_MAX && owner != NULL && floe_stun_read_error(message, &code, &reason) &&
        code == 401) {
        owner->heard_401[n] = change->world->now;
    }
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
        sim_count *count = request->release ? NULL : count_of(way, &message);
        if (count != NULL) {
            count->answers += !request->answered;
        }
        request->refused = request->answered ? request->refused : message.class == FLOE_STUN_ERROR;
        request->answered = true;
        way->last_answer = request->release ? way->last_answer : change->world->now;
        hear(change, socket, from, &message);
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

/* Whether the socket of the way is on that address (NULL: any). */
static bool is_from(const sim_changing_world *change, const sim_way *way,
                    const floe_address *address)
{
    const sim_socket *socket = world_socket(change->world, way->channel);

    return socket != NULL && (address == NULL || floe_address_same_ip(address, &socket->local));
}

/* E2: in a gathering a server's word is told once of each address, unless it has given a relay
 * since. */
static void check_told_once(sim_changing_world *change, sim_owner *owner,
                            const floe_candidate_error *error, size_t server)
{
    sim_told_error *last = NULL;
    uint64_t hash = hash_of(floe_span_text(error->text)) ^ hash_of(floe_span_text(error->url)) * 3;

    if (error->address == NULL || change->network.settings.mdns_name != NULL) {
        return; /* it may be each's */
    }
    hash ^= hash_of(floe_span_text(error->address)) * 7;
    for (size_t i = 0; i < owner->error_count && i < SIM_ERRORS_MAX; i++) {
        last = owner->errors[i].hash == hash ? &owner->errors[i] : last;
    }
    if (last == NULL) {
        last = &owner->errors[owner->error_count++ % SIM_ERRORS_MAX];
    } else if (last->at > owner->listed && last->at >= owner->told_relay[server]) {
        change_violated(change, "E3: \"%s\", says %s twice", error->text, error->url);
    }
    *last = (sim_told_error){.hash = hash, .at = change->world->now};
}

/* E1: the sentence is true: to what this gathering asked, once it knew the interfaces, nothing came;
 * or an ICMP error did. */
void account_error(sim_changing_world *change, sim_owner *owner, const floe_candidate_error *error)
{
    size_t n = error->url != NULL ? owner_server_of(change, error->url) : SIZE_MAX;
    bool silent = strncmp(error->text, "no answer", 9) == 0;
    bool closed = strncmp(error->text, "refused by UDP", 14) == 0;
    bool answered = false;
    bool refused = false;
    floe_address from;

    check_secrets(change->world, "the owner", floe_span_text(error->text));
    check_secrets(change->world, "the owner", floe_span_text(error->url != NULL ? error->url : ""));
    if (strstr(error->text, "does not let us through") != NULL &&
        change->world->proxy_refusals == 0) {
        change_violated(change, "E1: \"%s\", says %s; the proxy refused nobody", error->text,
                        error->url);
    }
    if (n != SIZE_MAX) {
        check_told_once(change, owner, error, n);
        owner->failed[n] = true;
        owner->told_failed[n] = change->world->now;
    }
    if (error->address != NULL && !owner_address_of(owner, error->address, &from)) {
        return; /* a name that was taken back since */
    }
    if (n == SIZE_MAX || (!silent && !closed) || change->network.servers[n].redirect != 0 ||
        owner_server_is_shared(change, n) ||
        *change->network.servers[n].was_ip != '\0' || /* which of its addresses is meant? */
        change->network.servers[n].transport != FLOE_PROTOCOL_UDP) {
        return;
    }
    size_t count = change->way_count < SIM_WAYS_MAX ? change->way_count : SIM_WAYS_MAX;
    for (size_t i = 0; i < count; i++) {
        const sim_way *way = &change->ways[i];
        floe_address server = server_address_for(change->world, n, way->remote.family);
        if (floe_address_equal(&server, &way->remote) &&
            way->channel >> SIM_LIFE_SHIFT == owner->life) {
            answered =
                answered || (way->last_answer > owner->began && way->last_answer > owner->listed &&
                             is_from(change, way, error->address != NULL ? &from : NULL));
            refused = refused || way->last_error != 0; /* by a socket that is gone, say */
        }
    }
    /* What was asked before, and comes when the process goes on, is no answer to this. */
    if (silent && answered && owner->began != 0 && change->stopped_until < owner->began) {
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
    const char *const texts[] = {event->detail, event->url, event->name, event->realm};
    floe_stun_id id;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        check_secrets(change->world, "the trace", floe_span_text(texts[i] != NULL ? texts[i] : ""));
    }
    if (*floe_trace_kind_name(event->kind) == '\0' ||
        *floe_trace_level_name(event->level) == '\0') {
        change_violated(change, "on_trace: an event of kind %d and level %d", (int)event->kind,
                        (int)event->level);
    }
    owner->begun_traced += event->kind == FLOE_TRACE_LOOKS_UP || event->kind == FLOE_TRACE_CONNECTS;
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

static bool is_in(unsigned kind, const char *method)
{
    return (strcmp(method, "Binding") == 0) == (kind == 0);
}

static sim_count world_count(const sim_changing_world *change, const sim_owner *owner, size_t n,
                             unsigned kind)
{
    size_t count = change->way_count < SIM_WAYS_MAX ? change->way_count : SIM_WAYS_MAX;
    sim_count sum = {0};

    for (size_t i = 0; i < count; i++) {
        const sim_way *way = &change->ways[i];
        floe_address server = server_address_for(change->world, n, way->remote.family);
        if (way->channel >> SIM_LIFE_SHIFT == owner->life &&
            (floe_address_equal(&server, &way->remote) ||
             server_was_at(change->world, n, &way->remote))) {
            sum.requests += way->counts[kind].requests;
            sum.again += way->counts[kind].again;
            sum.answers += way->counts[kind].answers;
            sum.bytes += way->counts[kind].bytes;
            sum.releases += kind == 1 ? way->releases : 0;
        }
    }
    return sum;
}

static sim_count told_count(const sim_changing_world *change,
                            const floe_gatherer_statistics *statistics, size_t n, unsigned kind)
{
    sim_count sum = {0};

    for (size_t i = 0; i < statistics->server_count; i++) {
        const floe_server_statistics *of = statistics->servers[i];
        bool by_tcp =
            kind == 0 && of->transport == FLOE_PROTOCOL_TCP; /* what goes so is not counted here */
        if (is_in(kind, of->method) && !by_tcp && owner_server_of(change, of->url) == n) {
            sum.requests += of->requests;
            sum.again += of->retransmissions;
            sum.answers += of->responses;
            sum.bytes += of->bytes_sent;
        }
    }
    return sum;
}

static void check_counts(sim_changing_world *change, const sim_owner *owner,
                         const floe_gatherer_statistics *statistics, size_t n, bool exact)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        sim_count is = world_count(change, owner, n, kind);
        sim_count told = told_count(change, statistics, n, kind);
        /* What nobody answers is sent again with other bytes, and then has another id: a request
         * to the world. */
        unsigned told_sends = told.requests + told.again;
        unsigned sends = is.requests + is.again;
        bool more =
            told.requests > is.requests + is.releases || told.answers > is.answers + is.releases;
        /* Whom the server does not know it may answer without a signature: that is not believed.
         * Pion refuses nobody otherwise. */
        bool unsigned_refusals = change->network.servers[n].make == SIM_PION;
        bool less =
            told_sends < sends ||
            (kind == 1 && told.answers < is.answers && is.again == 0 && !unsigned_refusals &&
             change_is_believed(change, owner, n) && change_is_in_time(change));
        if (change->way_count <= SIM_WAYS_MAX &&
            (more || told_sends > sends + is.releases || (exact && less))) {
            change_violated(change,
                            "L15: %s of server %zu: %u requests, %u again, %u answers are told; "
                            "there were %u, %u, %u",
                            kind == 0 ? "Binding" : "Allocate", n, told.requests, told.again,
                            told.answers, is.requests, is.again, is.answers);
        } else if (exact && is.releases == 0 && told.bytes != is.bytes) {
            change_violated(change, "L15: %zu bytes to server %zu are told; there were %zu",
                            told.bytes, n, is.bytes);
        }
    }
}

static bool within(uint64_t ns, uint64_t least, uint64_t most)
{
    return ns >= least && ns <= most;
}

/* Times and progress, in a quiet world. */
static void check_entry(sim_changing_world *change, const sim_owner *owner,
                        const floe_server_statistics *of, size_t n)
{
    uint64_t trip = change->network.servers[n].round_trip_ms * SIM_MS;
    size_t to = owner_relay_server_of(change, of->url); /* who answers in the end */
    uint64_t last = change->network.servers[to].round_trip_ms * SIM_MS;

    if (strcmp(of->method, "Allocate") != 0) {
        last = trip;
    }
    if (of->round_trips > of->responses ||
        (of->retransmissions == 0 && of->round_trips != of->responses)) {
        change_violated(change, "L15: %u round trips are told of %u answers of server %zu",
                        of->round_trips, of->responses, n);
    }
    /* What was sent again is not measured, nor what has no answer, nor is a redirect to a port that is
     * refused followed, or by whom the server does not know: the latest that was may be the first server's then. */
    bool followed = of->retransmissions == 0 && of->responses == of->requests &&
                    !change->network.settings.refuse_low_ports &&
                    change_is_believed(change, owner, n);
    if (of->round_trips > 0 && !within(of->round_trip.ns, last, last + SIM_MS) &&
        (followed || !within(of->round_trip.ns, trip, trip + SIM_MS))) {
        change_violated(change, "L15: a round trip of %llu us to server %zu, which is %u ms away",
                        (unsigned long long)(of->round_trip.ns / 1000), n,
                        change->network.servers[n].round_trip_ms);
    }
    if (of->responses > 0 &&
        (of->total_round_trip.ns < of->round_trips * (last < trip ? last : trip) ||
         of->first_answered.ns < of->first_sent.ns + trip ||
         (of->retransmissions == 0 && of->first_answered.ns > of->first_sent.ns + trip + SIM_MS))) {
        change_violated(change, "L15: the times of server %zu do not fit", n);
    }
    if (of->requests > 0 && of->first_sent.ns > change->world->now - owner->began) {
        change_violated(change, "L15: first asked %llu us after the beginning",
                        (unsigned long long)(of->first_sent.ns / 1000));
    }
    if (strcmp(of->method, "Allocate") == 0 && !owner_lists_relay_of(change, owner, n) &&
        of->progress == FLOE_SERVER_PROGRESS_SUCCEEDED) {
        change_violated(change, "L15: Allocate at server %zu has succeeded, and there is no relay",
                        n);
    }
}

void account_statistics(sim_changing_world *change, sim_owner *owner, bool exact)
{
    floe_gatherer_statistics *statistics = NULL;

    if (floe_core_get_statistics(owner->core, &statistics) != FLOE_OK) {
        return;
    }
    for (size_t n = 0; n < change->network.server_count; n++) {
        if (change->network.servers[n].transport == FLOE_PROTOCOL_UDP) {
            /* What a redirect sends here is told of the URL that it came by. */
            if (change->network.servers[n].redirect == 0 &&
                !sim_is_redirected_to(&change->network, n) && !owner_server_is_shared(change, n)) {
                check_counts(change, owner, statistics, n, exact);
            }
        }
    }
    for (size_t i = 0; exact && i < statistics->server_count; i++) {
        size_t n = owner_server_of(change, statistics->servers[i]->url);
        if (n == SIZE_MAX) {
            change_violated(change, "L15: %s is no server of the options",
                            statistics->servers[i]->url);
        } else if (change->network.servers[n].transport == FLOE_PROTOCOL_UDP &&
                   statistics->servers[i]->transport == FLOE_PROTOCOL_UDP &&
                   !owner_server_is_shared(change, n)) {
            check_entry(change, owner, statistics->servers[i], n);
        }
    }
    uint64_t took = owner->completed > owner->began ? owner->completed - owner->began : 0;
    if (exact && took != 0 && !within(statistics->gathering.ns, took, took + SIM_MS)) {
        change_violated(change, "L15: gathering took %llu us, and %llu are told",
                        (unsigned long long)(took / 1000),
                        (unsigned long long)(statistics->gathering.ns / 1000));
    }
    floe_gatherer_statistics_free(statistics);
}

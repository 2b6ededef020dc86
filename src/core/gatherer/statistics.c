/* Statistics (L15): what was counted of each candidate and of each server. */
#include "base/error.h"
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/gatherer/face.h"
#include "core/outbox/counters.h"
#include "core/outbox/failure.h"
#include "core/outbox/policy.h"
#include "core/plan/pair.h"
#include "core/server/server.h"
#include "core/socket/connection.h"
#include "core/source/attempt.h"
#include "core/source/binding.h"
#include "core/source/relay.h"
#include "core/source/stream.h"
#include "core/source/tcp_mapping.h"
#include "secure/internal.h"
#include "turn/peer.h"

#include <string.h>

const char *floe_server_progress_name(floe_server_progress progress)
{
    static const char *const names[] = {"waiting", "succeeded", "failed"};

    return (size_t)progress < sizeof names / sizeof *names ? names[progress] : "";
}

/* What is handed out: the entries, each with its texts, then the tables of pointers to them, which
 * ask for no more alignment than the entries do; URLs last. */

typedef struct server_entry {
    floe_server_statistics statistics;
    char address[80];
    char server_address[FLOE_ADDRESS_TEXT_SIZE];
    char certificate[96];
    char software[64];
} server_entry;

typedef struct candidate_entry {
    floe_candidate_statistics statistics;
    floe_candidate candidate;
    char address[80];
    char related[FLOE_ADDRESS_TEXT_SIZE];
    char foundation[FLOE_FOUNDATION_SIZE];
    char interface_name[FLOE_INTERFACE_NAME_MAX + 1];
} candidate_entry;

typedef struct statistics_block {
    _Alignas(server_entry) _Alignas(candidate_entry) floe_allocator allocator;
    floe_gatherer_statistics statistics;
    server_entry *server;          /* the next to be filled */
    candidate_entry *candidate;    /* likewise */
    char *text;                    /* room for URLs */
    const char *username_fragment; /* of all candidates that are listed */
    const floe_server_statistics **servers;
    const floe_candidate_statistics **candidates;
} statistics_block;

/* What one exchange is, as the block's filling and its measuring walk over them alike. */
typedef struct exchange {
    const floe_base *base;
    const floe_address *local; /* NULL: the base's */
    const floe_server *server;
    const floe_address *remote;
    const floe_counters *counters;
    const floe_relay *relay; /* that stands; NULL: none */
    const char *method;
    uint8_t transport; /* a floe_protocol */
    floe_server_progress progress;
    const floe_failure *failure; /* that ended it; NULL: none */
    bool shared;                 /* others have it too: it is a trunk's */
} exchange;

typedef void (*exchange_taker)(const floe_core *core, const exchange *taken, void *data);

static floe_server_progress progress_of(uint8_t progress)
{
    return progress == FLOE_SUCCEEDED ? FLOE_SERVER_PROGRESS_SUCCEEDED
           : progress == FLOE_FAILED  ? FLOE_SERVER_PROGRESS_FAILED
                                      : FLOE_SERVER_PROGRESS_WAITING;
}

static void each_binding(const floe_core *owner, const floe_core *core, const floe_base *base,
                         exchange_taker take, void *data)
{
    static const floe_server_progress states[] = {
        [FLOE_BINDING_ASKING] = FLOE_SERVER_PROGRESS_WAITING,
        [FLOE_BINDING_KNOWN] = FLOE_SERVER_PROGRESS_SUCCEEDED,
        [FLOE_BINDING_FAILED] = FLOE_SERVER_PROGRESS_FAILED,
    };

    FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
    {
        exchange one = {.base = base,
                        .server = binding->server,
                        .remote = &binding->remote,
                        .counters = &binding->counters,
                        .method = "Binding",
                        .transport = FLOE_PROTOCOL_UDP,
                        .progress = states[binding->state],
                        .shared = core != owner};
        bool failed = binding->state == FLOE_BINDING_FAILED;
        one.failure = failed ? floe_pairs_failure(binding) : NULL;
        take(owner, &one, data);
    }
}

static const floe_counters nothing;

/* By TCP nothing was had: of the first of its addresses. */
static void failed_by_tcp(const floe_core *core, const floe_pair *pair, exchange_taker take,
                          void *data)
{
    const floe_failure *failure = floe_failure_kept(pair->failure);

    if (floe_pair_by_tcp(pair) && pair->progress == FLOE_FAILED && pair->base->listener != NULL) {
        exchange one = {.base = pair->base,
                        .local = &pair->base->listener->local,
                        .server = pair->server,
                        .remote = &failure->remote,
                        .counters = &nothing,
                        .method = "Binding",
                        .transport = FLOE_PROTOCOL_TCP,
                        .progress = FLOE_SERVER_PROGRESS_FAILED,
                        .failure = failure};
        take(core, &one, data);
    }
}

/* Those that failed are gone. */
static void each_tcp_mapping(const floe_core *core, const floe_base *base, exchange_taker take,
                             void *data)
{
    FLOE_RING_EACH(mapping, floe_tcp_mappings_of(base), floe_tcp_mapping, link)
    {
        bool known = mapping->mapped.family != FLOE_FAMILY_NONE;
        exchange one = {.base = base,
                        .server = mapping->server,
                        .local = &base->listener->local,
                        .remote = &mapping->remote,
                        .counters = &mapping->counters,
                        .method = "Binding",
                        .transport = FLOE_PROTOCOL_TCP,
                        .progress =
                            known ? FLOE_SERVER_PROGRESS_SUCCEEDED : FLOE_SERVER_PROGRESS_WAITING};
        take(core, &one, data);
    }
}

/* Of an attempt that has no relay any more: what was counted, or that nothing could be asked there, as the
 * connection failed. NULL: there is nothing to tell. */
static const floe_counters *told_of(const floe_attempt *attempt)
{
    bool in_vain = attempt->relay == NULL && attempt->vain && attempt->counters == NULL &&
                   attempt->pair->progress == FLOE_FAILED;

    return floe_attempt_counted(attempt) ? attempt->counters : in_vain ? &nothing : NULL;
}

static void each_of(const floe_core *owner, const floe_core *core, exchange_taker take, void *data)
{
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        each_binding(owner, core, base, take, data);
        each_tcp_mapping(owner, base, take, data);
    }
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_relay_lives(relay)) {
            bool made = relay->turn.state == FLOE_TURN_ALLOCATED;
            const floe_failure *failure = made ? NULL : floe_pairs_relay_failure(relay);
            exchange one = {.base = relay->base,
                            .server = relay->server,
                            .remote = &relay->turn.server,
                            .counters = &relay->counters,
                            .relay = relay,
                            .method = "Allocate",
                            .transport = (uint8_t)relay->server->url->transport,
                            .progress = made              ? FLOE_SERVER_PROGRESS_SUCCEEDED
                                        : failure != NULL ? FLOE_SERVER_PROGRESS_FAILED
                                                          : FLOE_SERVER_PROGRESS_WAITING,
                            .failure = failure,
                            .shared = core != owner};
            take(owner, &one, data);
        }
    }
    FLOE_RING_EACH(pair, &core->pairs, floe_pair, link)
    {
        failed_by_tcp(owner, pair, take, data);
        FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            const floe_counters *counters = told_of(attempt);
            if (counters != NULL && pair->server->url->turn) {
                bool last = pair->progress == FLOE_FAILED;
                bool over =
                    pair->yielded || last; /* what it had is gone; or its Binding succeeds */
                exchange one = {.base = pair->base,
                                .server = pair->server,
                                .remote = &attempt->remote,
                                .counters = counters,
                                .method = "Allocate",
                                .transport = (uint8_t)pair->server->url->transport,
                                .progress = over ? FLOE_SERVER_PROGRESS_FAILED
                                                 : progress_of(attempt->progress),
                                .failure = last ? floe_failure_kept(pair->failure) : NULL,
                                .shared = core != owner};
                take(owner, &one, data);
            }
        }
    }
}

/* A member's servers are asked by trunks. */
static void each_exchange(const floe_core *core, exchange_taker take, void *data)
{
    const floe_core *trunk;

    each_of(core, core, take, data);
    for (size_t n = 0;
         floe_core_is_member(core) && (trunk = core->share->asks(core->share, n)) != NULL; n++) {
        each_of(core, trunk, take, data);
    }
}

typedef struct measure {
    size_t servers;
    size_t text;
} measure;

static void measure_exchange(const floe_core *core, const exchange *taken, void *data)
{
    measure *sizes = data;

    (void)core;
    sizes->servers++;
    sizes->text += strlen(taken->server->url->text) + 1;
}

static floe_duration duration_of(uint64_t count)
{
    return (floe_duration){count * 1000};
}

/* What is known of the server beside what was counted. */
static void fill_relay(const floe_relay *relay, server_entry *entry)
{
    floe_server_statistics *statistics = &entry->statistics;
    const floe_connection *connection = relay->connection;
    const floe_secure *secure = connection != NULL ? connection->secure : NULL;

    if (connection != NULL) {
        statistics->connecting = connection->connecting;
    }
    if (secure != NULL && *floe_secure_version(secure) != '\0') {
        statistics->tls_version = floe_secure_version(secure);
        statistics->tls_resumed = floe_secure_resumed(secure);
        if (floe_secure_certificate(secure, entry->certificate, sizeof entry->certificate,
                                    &statistics->tls_certificate_until)) {
            statistics->tls_certificate = entry->certificate;
        }
    }
    if (relay->turn.realm != NULL) {
        bool sha256 = relay->turn.realm->security.algorithms.size > 0;
        bool token = relay->turn.account->token != NULL;
        statistics->authentication =
            sha256  ? token ? "MESSAGE-INTEGRITY-SHA256 by OAuth" : "MESSAGE-INTEGRITY-SHA256"
            : token ? "MESSAGE-INTEGRITY by OAuth"
                    : "MESSAGE-INTEGRITY";
    }
    if (relay->turn.state == FLOE_TURN_ALLOCATED) {
        if (relay->turn.software != NULL) {
            floe_put_text(entry->software, sizeof entry->software, relay->turn.software);
            statistics->software = entry->software;
        }
        statistics->lifetime = relay->turn.lifetime;
        statistics->family_error = relay->turn.family_error;
        statistics->mobility = relay->turn.ticket != NULL;
        statistics->dont_fragment = relay->turn.wishes.dont_fragment;
    }
}

static void fill_exchange(const floe_core *core, const exchange *taken, void *data)
{
    statistics_block *block = data;
    server_entry *entry = block->server++;
    const floe_counters *counters = taken->counters;
    bool named = taken->base->named != NULL && floe_hosts_are_told(core);
    bool shown = named || floe_hosts_are_shown(core);
    const floe_address *local = taken->local != NULL ? taken->local : &taken->base->local;

    if (named) {
        floe_put_text(entry->address, sizeof entry->address, taken->base->named->text);
    } else if (shown) {
        (void)floe_address_format(local, entry->address, sizeof entry->address);
    }
    (void)floe_address_format(taken->remote, entry->server_address, sizeof entry->server_address);
    entry->statistics = (floe_server_statistics){
        .url = floe_keep_text(taken->server->url->text, &block->text),
        .method = taken->method,
        .address = shown ? entry->address : NULL,
        .port = shown ? local->port : 0,
        .server_address = entry->server_address,
        .server_port = taken->remote->port,
        .progress = taken->progress,
        .code = taken->failure != NULL ? floe_failure_code(taken->failure) : 0,
        .requests = counters->requests,
        .retransmissions = counters->retransmissions,
        .responses = counters->responses,
        .bytes_sent = counters->bytes_sent,
        .bytes_received = counters->bytes_received,
        .first_sent = duration_of(counters->first_sent),
        .first_answered = duration_of(counters->first_answered),
        .round_trip = duration_of(counters->round_trip),
        .total_round_trip = duration_of(counters->total_round_trip),
        .round_trips = counters->round_trips,
        .transport = (floe_protocol)taken->transport,
        .reason = taken->failure != NULL
                      ? floe_failure_reason_of(core->shared, taken->failure, taken->server->url)
                      : FLOE_FAILURE_REASON_NONE,
        .shared = taken->shared,
    };
    if (taken->relay != NULL) {
        fill_relay(taken->relay, entry);
    }
    block->servers[block->statistics.server_count++] = &entry->statistics;
}

static void fill_candidate(const floe_core *core, statistics_block *block, const floe_found *found)
{
    candidate_entry *entry = block->candidate++;
    floe_candidate *candidate = &entry->candidate;

    entry->statistics.candidate = candidate;
    floe_found_view(core, found, candidate, entry->address, entry->related, entry->foundation);
    if (candidate->address != entry->address) {
        floe_put_text(entry->address, sizeof entry->address, candidate->address);
        candidate->address = entry->address;
    }
    floe_put_text(entry->interface_name, sizeof entry->interface_name,
                  floe_base_interface_name(found->base));
    candidate->username_fragment = block->username_fragment;
    candidate->interface_name = entry->interface_name;
    if (candidate->url != NULL) {
        candidate->url = floe_keep_text(candidate->url, &block->text);
    }
    if (candidate->sdp_mid != NULL) {
        candidate->sdp_mid = floe_keep_text(candidate->sdp_mid, &block->text);
    }
    entry->statistics.found = duration_of(found->found_at);
    block->candidates[block->statistics.candidate_count++] = &entry->statistics;
}

/* How much waits to be sent, on all ways together. */
static size_t waiting_in_all(const floe_core *core)
{
    size_t waiting = 0;

    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        waiting += floe_base_waiting(base);
    }
    FLOE_LIST_EACH(connection, floe_connections_of(core), floe_connection, link)
    {
        waiting += floe_connection_waiting(connection);
    }
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        for (const floe_turn_peer *peer = NULL;
             (peer = floe_turn_peer_next(&relay->turn, peer)) != NULL;) {
            waiting += floe_queue_used(&peer->held);
        }
        FLOE_RING_EACH(stream, &relay->streams, floe_stream, link)
        {
            waiting += floe_queue_used(&stream->held);
        }
    }
    return waiting;
}

floe_error floe_core_get_statistics(const floe_core *core, floe_gatherer_statistics **statistics)
{
    measure sizes = {0};
    size_t candidates = 0;

    if (core == NULL || statistics == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_get_statistics: NULL");
    }
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is closed");
    }
    sizes.text = strlen(floe_username_fragment(&core->credentials)) + 1;
    each_exchange(core, measure_exchange, &sizes);
    FLOE_RING_EACH(found, &core->found, floe_found, link)
    {
        if (floe_found_listed(core, found)) {
            candidates++;
            sizes.text += found->server != NULL ? strlen(found->server->url->text) + 1 : 0;
            sizes.text += core->set->sdp_mid != NULL ? strlen(core->set->sdp_mid) + 1 : 0;
        }
    }
    statistics_block *block =
        floe_allocate(&core->shared->allocator,
                      sizeof *block + sizes.servers * (sizeof(server_entry) + sizeof(void *)) +
                          candidates * (sizeof(candidate_entry) + sizeof(void *)) + sizes.text);
    if (block == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    block->allocator = core->shared->allocator;
    block->server = (server_entry *)(void *)(block + 1);
    block->candidate = (candidate_entry *)(void *)(block->server + sizes.servers);
    block->servers = (const floe_server_statistics **)(void *)(block->candidate + candidates);
    block->candidates =
        (const floe_candidate_statistics **)(void *)(block->servers + sizes.servers);
    block->text = (char *)(block->candidates + candidates);
    block->username_fragment =
        floe_keep_text(floe_username_fragment(&core->credentials), &block->text);
    block->statistics.servers = block->servers;
    block->statistics.candidates = block->candidates;
    block->statistics.gathering = core->pooled ? (floe_duration){0} : core->gathering;
    block->statistics.waiting = waiting_in_all(core);
    const floe_core *trunk;
    for (size_t n = 0;
         floe_core_is_member(core) && (trunk = core->share->asks(core->share, n)) != NULL; n++) {
        block->statistics.waiting += waiting_in_all(trunk);
    }
    each_exchange(core, fill_exchange, block);
    FLOE_RING_EACH(found, &core->found, floe_found, link)
    {
        if (floe_found_listed(core, found)) {
            fill_candidate(core, block, found);
        }
    }
    *statistics = &block->statistics;
    return FLOE_OK;
}

void floe_gatherer_statistics_free(floe_gatherer_statistics *statistics)
{
    if (statistics != NULL) {
        statistics_block *block = FLOE_CONTAINER(statistics, statistics_block, statistics);
        floe_allocator allocator = block->allocator;
        floe_deallocate(&allocator, block);
    }
}

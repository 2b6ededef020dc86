/* What a NAT shows of the port that listens for peers by TCP: asked by a connection from that port (R4). */
#include "core/source/tcp_mapping.h"

#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/policy.h"
#include "core/outbox/trace.h"
#include "core/server/server.h"
#include "core/socket/connection.h"
#include "core/source/binding.h"
#include "stun/writer.h"

/* There are servers that end a connection which has no allocation: coturn after 60 s. Behind one that has lasted so long
 * another is made at once, behind others so long later, then twice as long each time, up to 64 times. */
#define LASTS floe_seconds(10)
#define AGAIN_AFTER floe_seconds(1)
#define DOUBLED_MAX 6
/* After so many tries in vain what was shown counts as gone. */
#define IN_VAIN_MAX 3

static floe_asked asked(const floe_tcp_mapping *mapping)
{
    return (floe_asked){.local = &mapping->listener->local,
                        .remote = &mapping->remote,
                        .url = mapping->server->url->text,
                        .transaction = &mapping->transaction};
}

bool floe_tcp_mappings_are_wanted(const floe_core *core, const floe_base *base)
{
    /* Under a mux all have one port, from which each server can be asked once. */
    return core->shared->tcp_reflexive && core->share == NULL && core->shared->proxy == NULL &&
           base->listener != NULL && base->listener->state == FLOE_BASE_OPEN &&
           !base->no_reflexive && floe_reflexive_is_wanted(core);
}

static floe_tcp_mapping *find(const floe_listener *listener, const floe_address *remote)
{
    FLOE_RING_EACH(mapping, &listener->mappings, floe_tcp_mapping, link)
    {
        if (floe_address_equal(&mapping->remote, remote)) {
            return mapping;
        }
    }
    return NULL;
}

static void set_alarm(floe_core *core, floe_tcp_mapping *mapping)
{
    floe_agenda_set(&core->connections->asks, &mapping->alarm,
                    floe_time_min(mapping->next, mapping->transaction.due));
}

static void ask_at(floe_core *core, floe_tcp_mapping *mapping, floe_time when)
{
    mapping->next = when;
    set_alarm(core, mapping);
}

/* ── What it shows ── */

/* In this generation. */
static bool stands(const floe_tcp_mapping *mapping)
{
    FLOE_FOUND_ON(found, mapping->listener->base)
    {
        if (floe_found_tcp_mapping(found) == mapping && !found->stale) {
            return true;
        }
    }
    return false;
}

/* Another that shows the same, as far as is known; NULL: there is none. */
static floe_tcp_mapping *twin_of(const floe_tcp_mapping *mapping)
{
    FLOE_RING_EACH(other, &mapping->listener->mappings, floe_tcp_mapping, link)
    {
        if (other != mapping && other->answered &&
            floe_address_equal(&other->mapped, &mapping->mapped)) {
            return other;
        }
    }
    return NULL;
}

/* Its candidates stand on it no longer. */
static void let_go(floe_core *core, floe_tcp_mapping *mapping)
{
    floe_tcp_mapping *twin = twin_of(mapping);

    FLOE_FOUND_ON(found, mapping->listener->base)
    {
        if (floe_found_tcp_mapping(found) != mapping) {
            continue;
        }
        if (twin != NULL) {
            found->of.mapping = twin;
            found->server = twin->server;
            twin->had = true;
        } else {
            floe_found_withdraw(core, found, FLOE_WITHDRAWAL_MAPPING_CHANGED);
        }
    }
    mapping->mapped = (floe_address){0};
}

static void tell(floe_core *core, floe_time now, floe_tcp_mapping *mapping)
{
    floe_finding finding = {.type = FLOE_CANDIDATE_TYPE_SRFLX,
                            .tcp_type = FLOE_TCP_TYPE_PASSIVE,
                            .base = mapping->listener->base,
                            .server = mapping->server,
                            .mapping = mapping,
                            .transport = FLOE_PROTOCOL_TCP,
                            .remote = &mapping->remote,
                            .address = &mapping->mapped};

    bool any = floe_found_add(core, now, &finding);
    if (core->shared->tcp_simultaneous_open) {
        finding.tcp_type = FLOE_TCP_TYPE_SO;
        any = floe_found_add(core, now, &finding) || any;
    }
    mapping->had = mapping->had || any;
}

/* What was there before is told again whenever it is shown; else the gathering tells (L4). */
static void learn(floe_core *core, floe_time now, floe_tcp_mapping *mapping,
                  const floe_address *mapped)
{
    bool gathers = core->state == FLOE_GATHERER_STATE_GATHERING && core->interfaces_known;
    floe_attempt *attempt = mapping->attempt;

    if (!floe_address_equal(&mapping->mapped, mapped)) {
        let_go(core, mapping); /* the NAT has given another */
        mapping->mapped = *mapped;
    }
    mapping->answered = true;
    mapping->in_vain = 0;
    if ((gathers || mapping->had) && !stands(mapping)) {
        tell(core, now, mapping);
    }
    ask_at(core, mapping, floe_time_after(now, core->shared->keepalive));
    mapping->attempt = NULL;
    if (attempt != NULL) {
        core->listener->succeeded(core, now, attempt);
    }
}

/* ── Its end ── */

static void disconnect(floe_core *core, floe_tcp_mapping *mapping)
{
    if (mapping->connection != NULL) {
        floe_connection_disown(mapping->connection);
        floe_connection_close(core, mapping->connection);
        mapping->connection = NULL;
    }
    floe_unpace(core, &mapping->paced);
    floe_stun_transaction_stop(&mapping->transaction);
}

static void end(floe_core *core, floe_tcp_mapping *mapping)
{
    disconnect(core, mapping);
    let_go(core, mapping);
    floe_agenda_set(&core->connections->asks, &mapping->alarm, FLOE_TIME_NEVER);
    floe_ring_remove(&mapping->listener->mappings, &mapping->link);
    floe_deallocate(&core->shared->allocator, mapping);
}

/* When it is connected to once more. */
static void connect_later(floe_core *core, floe_time now, floe_tcp_mapping *mapping)
{
    bool lasted = mapping->answered && floe_time_since(now, mapping->begun).ns >= LASTS.ns;
    floe_duration wait = {AGAIN_AFTER.ns << mapping->losses};

    if (lasted) {
        mapping->losses = 0;
        wait = (floe_duration){0};
    } else {
        mapping->losses = (uint8_t)(mapping->losses + (mapping->losses < DOUBLED_MAX));
    }
    ask_at(core, mapping, floe_time_after(now, wait));
}

/* Who never showed anything does not serve TCP, maybe, and is not asked again before the next gathering. Takes the failure
 * over. */
static void fail(floe_core *core, floe_time now, floe_tcp_mapping *mapping, floe_failure failure)
{
    floe_attempt *attempt = mapping->attempt;

    mapping->attempt = NULL;
    if (!mapping->had) {
        end(core, mapping);
    } else {
        disconnect(core, mapping);
        connect_later(core, now, mapping);
        mapping->in_vain =
            (uint8_t)(mapping->in_vain + (!mapping->answered && mapping->in_vain < IN_VAIN_MAX));
        mapping->answered = false;
        if (mapping->in_vain == IN_VAIN_MAX) {
            let_go(core, mapping);
        }
    }
    if (attempt != NULL) {
        core->listener->failed(core, now, attempt, failure);
    } else {
        floe_failure_release(core->shared, &failure);
    }
}

/* ── Its connection ── */

static void begin(floe_core *core, floe_time now, floe_paced *paced)
{
    floe_tcp_mapping *mapping = FLOE_CONTAINER(paced, floe_tcp_mapping, paced);
    uint8_t request[FLOE_STUN_HEADER_SIZE];
    floe_error error = floe_stun_transaction_start(&mapping->transaction, now, FLOE_STUN_BINDING,
                                                   core->shared->rto, true, &core->shared->random);

    if (error == FLOE_OK) {
        floe_stun_writer writer = floe_stun_begin(request, sizeof request, FLOE_STUN_REQUEST,
                                                  FLOE_STUN_BINDING, &mapping->transaction.id);
        floe_span data = floe_stun_written(&writer);
        error =
            floe_connection_send(core, mapping->connection, core->shared->queue_limit, &data, 1);
    }
    if (error != FLOE_OK) {
        fail(core, now, mapping,
             (floe_failure){.kind = FLOE_FAILURE_MEMORY, .remote = mapping->remote});
        return;
    }
    floe_leaving leaving = {.asked = asked(mapping), .counters = &mapping->counters};
    floe_request_leaves(core, now, &leaving, sizeof request);
    ask_at(core, mapping, FLOE_TIME_NEVER);
}

static void ready(floe_core *core, floe_time now, void *owner)
{
    floe_tcp_mapping *mapping = owner;

    (void)now;
    floe_pace(core, &mapping->paced, false);
}

static bool message(floe_core *core, floe_time now, void *owner, floe_span frame,
                    floe_packet *packet)
{
    floe_tcp_mapping *mapping = owner;
    floe_stun_message answer;
    floe_address mapped;
    floe_failure failure =
        floe_failure_of(FLOE_FAILURE_BAD_ANSWER, &mapping->transaction, &mapping->remote, now);

    (void)packet;
    if (floe_stun_parse(frame, &answer) != FLOE_STUN_PARSED ||
        floe_stun_transaction_match(&mapping->transaction, &answer, &mapping->remote,
                                    &mapping->remote, NULL) != FLOE_STUN_BELIEVED) {
        return false;
    }
    floe_asked by = asked(mapping);
    floe_count_received(core, &mapping->counters, now, &mapping->transaction, &answer);
    floe_trace_packet(core, now, FLOE_TRACE_RECEIVED, &by, &answer, "");
    if (mapping->attempt != NULL) {
        core->listener->answered(mapping->attempt, false);
    }
    floe_stun_transaction_stop(&mapping->transaction);
    if (floe_binding_read_answer(core, mapping->listener->base, &answer, &mapped, &failure)) {
        learn(core, now, mapping, &mapped);
    } else {
        fail(core, now, mapping, failure);
    }
    return false;
}

static void gone(floe_core *core, floe_time now, void *owner, floe_failure failure)
{
    floe_tcp_mapping *mapping = owner;

    mapping->connection = NULL;
    fail(core, now, mapping, failure);
}

static const floe_connection_owner owner_of_mappings = {
    .ready = ready, .message = message, .gone = gone};

static bool connect_to_it(floe_core *core, floe_time now, floe_tcp_mapping *mapping)
{
    floe_connection_plan plan = {.calls = &owner_of_mappings,
                                 .owner = mapping,
                                 .base = mapping->listener->base,
                                 .url = mapping->server->url,
                                 .host = mapping->server->url->host,
                                 .server = mapping->remote,
                                 .local = mapping->listener->local,
                                 .transport = FLOE_PROTOCOL_TCP,
                                 .stun_alone = true};

    mapping->begun = now;
    mapping->answered = false;
    mapping->connection = floe_connection_new(core, now, &plan);
    return mapping->connection != NULL;
}

/* ── Who asks ── */

static floe_tcp_mapping *new_mapping(floe_core *core, floe_time now, floe_listener *listener,
                                     const floe_server *server, const floe_address *remote)
{
    floe_tcp_mapping *made = floe_allocate(&core->shared->allocator, sizeof *made);

    if (made == NULL) {
        return NULL;
    }
    made->listener = listener;
    made->remote = *remote;
    made->server = server;
    made->paced.begin = begin;
    made->next = FLOE_TIME_NEVER;
    floe_stun_transaction_stop(&made->transaction);
    if (!connect_to_it(core, now, made)) {
        floe_deallocate(&core->shared->allocator, made);
        return NULL;
    }
    floe_ring_append(&listener->mappings, &made->link);
    return made;
}

bool floe_tcp_mapping_ask(floe_core *core, floe_time now, floe_listener *listener,
                          const floe_server *server, floe_attempt *attempt)
{
    floe_tcp_mapping *mapping = find(listener, &attempt->remote);

    if (mapping == NULL) {
        mapping = new_mapping(core, now, listener, server, &attempt->remote);
    }
    if (mapping == NULL) {
        return false;
    }
    mapping->server = server;
    if (mapping->attempt != NULL) { /* another name leads there */
        core->listener->succeeded(core, now, attempt);
        return true;
    }
    mapping->attempt = attempt;
    floe_tcp_mapping_doubt(core, now, mapping); /* what it has shown is asked anew */
    return true;
}

void floe_tcp_mapping_doubt(floe_core *core, floe_time now, floe_tcp_mapping *mapping)
{
    if (!floe_time_is_never(mapping->next)) { /* else it is being asked */
        ask_at(core, mapping, now);
    }
}

void floe_tcp_mappings_doubt(floe_core *core, floe_time now, const floe_base *base)
{
    FLOE_RING_EACH(mapping, floe_tcp_mappings_of(base), floe_tcp_mapping, link)
    {
        floe_tcp_mapping_doubt(core, now, mapping);
    }
}

void floe_tcp_mapping_leave(floe_listener *listener, const floe_attempt *attempt)
{
    floe_tcp_mapping *mapping = listener != NULL ? find(listener, &attempt->remote) : NULL;

    if (mapping != NULL && mapping->attempt == attempt) {
        mapping->attempt =
            NULL; /* it goes on: from this port nobody else can be connected there meanwhile */
    }
}

void floe_tcp_mappings_hand_over(const floe_base *base)
{
    FLOE_RING_EACH(mapping, floe_tcp_mappings_of(base), floe_tcp_mapping, link)
    {
        if (mapping->server->heir != NULL) {
            mapping->server = mapping->server->heir;
        }
    }
}

bool floe_tcp_mappings_have(const floe_base *base, const floe_server_set *set)
{
    FLOE_RING_EACH(mapping, floe_tcp_mappings_of(base), floe_tcp_mapping, link)
    {
        if (floe_server_set_has(set, mapping->server)) {
            return true;
        }
    }
    return false;
}

/* Whether its address is still one of its server's. */
static bool is_current(const floe_core *core, const floe_tcp_mapping *mapping)
{
    return floe_server_current(core, mapping->server) &&
           (mapping->answered ||
            floe_server_is_at(mapping->server, &mapping->remote, FLOE_PROTOCOL_UDP));
}

/* It shows what is known without it: there is no NAT, say. */
static bool is_needless(const floe_tcp_mapping *mapping)
{
    const floe_tcp_mapping *twin = twin_of(mapping);

    return mapping->answered && !stands(mapping) && (twin == NULL || !stands(twin));
}

void floe_tcp_mappings_sweep(floe_core *core, const floe_base *base)
{
    FLOE_RING_EACH_SAFE(mapping, floe_tcp_mappings_of(base), floe_tcp_mapping, link)
    {
        if (!is_current(core, mapping) || is_needless(mapping)) {
            end(core, mapping);
        }
    }
}

void floe_tcp_mappings_end(floe_core *core, floe_listener *listener)
{
    floe_tcp_mapping *mapping;

    while (listener != NULL && !floe_ring_empty(&listener->mappings)) {
        mapping = FLOE_RING_FIRST(&listener->mappings, floe_tcp_mapping, link);
        end(core, mapping);
    }
}

void floe_tcp_mappings_time(floe_core *core, floe_time now)
{
    floe_alarm *alarm;

    while (core->connections != NULL &&
           (alarm = floe_agenda_due(&core->connections->asks, now)) != NULL) {
        floe_tcp_mapping *mapping = FLOE_CONTAINER(alarm, floe_tcp_mapping, alarm);
        bool runs = floe_stun_transaction_runs(&mapping->transaction);
        floe_failure failure = floe_failure_of(runs ? FLOE_FAILURE_TIMEOUT : FLOE_FAILURE_MEMORY,
                                               &mapping->transaction, &mapping->remote, now);
        ask_at(core, mapping, FLOE_TIME_NEVER);
        if (runs) {
            if (floe_stun_transaction_time(&mapping->transaction, now) == FLOE_STUN_GIVE_UP) {
                fail(core, now, mapping, failure);
            }
        } else if (mapping->connection != NULL) {
            floe_pace(core, &mapping->paced, false);
        } else if (!connect_to_it(core, now, mapping)) {
            fail(core, now, mapping, failure);
        }
    }
}

floe_time floe_tcp_mappings_deadline(const floe_core *core)
{
    return core->connections != NULL ? floe_agenda_deadline(&core->connections->asks)
                                     : FLOE_TIME_NEVER;
}

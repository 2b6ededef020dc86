/* A base's binding to a server address: asked for once however many URLs want it, gives the server
 * reflexive candidate (R1, R2), and is kept alive for as long as a candidate stands on it, whatever
 * came of it in a later gathering (R6). */
#include "core/source/binding_inside.h"

#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/trace.h"
#include "core/server/server.h"
#include "core/source/relay.h"

static floe_asked asked(const floe_binding *binding)
{
    return (floe_asked){.local = &binding->base->local,
                        .remote = &binding->remote,
                        .url = binding->server->url->text,
                        .transaction = &binding->transaction};
}

static void trace(floe_core *core, floe_time now, floe_trace_kind kind, const floe_binding *binding,
                  const floe_stun_message *message)
{
    floe_asked by = asked(binding);

    floe_trace_packet(core, now, kind, &by, message, "");
}

floe_binding *floe_binding_find(const floe_base *base, const floe_address *remote)
{
    FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
    {
        if (floe_address_equal(&binding->remote, remote)) {
            return binding;
        }
    }
    return NULL;
}

bool floe_binding_known(const floe_base *base, const floe_address *remote)
{
    const floe_binding *binding = floe_binding_find(base, remote);

    return binding != NULL && binding->state == FLOE_BINDING_KNOWN;
}

bool floe_binding_once_answered(const floe_base *base, const floe_address *remote)
{
    const floe_binding *binding = floe_binding_find(base, remote);

    return binding != NULL && binding->counters.responses > 0 &&
           binding->state != FLOE_BINDING_KNOWN;
}

static void begin(floe_core *core, floe_time now, floe_paced *paced);

static floe_binding *binding_new(floe_core *core, floe_base *base, const floe_server *server,
                                 const floe_address *remote)
{
    bool room = base->binding_count < UINT16_MAX;
    floe_binding *binding = room ? floe_allocate(&core->shared->allocator, sizeof *binding) : NULL;

    if (binding == NULL) {
        floe_core_out_of_memory(core);
        return NULL;
    }
    binding->base = base;
    binding->server = server;
    binding->remote = *remote;
    binding->keepalive = FLOE_TIME_NEVER;
    binding->paced.begin = begin;
    binding->state = FLOE_BINDING_FAILED; /* nothing is asked yet */
    floe_stun_transaction_stop(&binding->transaction);
    floe_chain_append(&base->bindings, &binding->link);
    base->binding_count++;
    return binding;
}

void floe_binding_set_state(floe_core *core, floe_binding *binding, floe_binding_state state)
{
    floe_base *base = binding->base;

    base->asking = (uint16_t)(base->asking - (binding->state == FLOE_BINDING_ASKING) +
                              (state == FLOE_BINDING_ASKING));
    base->stragglers = (uint16_t)(base->stragglers - binding->straggler);
    binding->straggler = false;
    binding->state = (uint8_t)state;
    floe_base_changed(core, base);
}

void floe_binding_straggles(floe_core *core, floe_binding *binding)
{
    if (binding->state == FLOE_BINDING_ASKING && !binding->straggler) {
        binding->straggler = true;
        binding->base->stragglers++;
        floe_base_changed(core, binding->base);
    }
}

/* ── When it has something to do ── */

static void set_alarm(floe_core *core, floe_binding *binding)
{
    floe_agenda_set(&core->agenda, &binding->alarm,
                    floe_time_min(binding->keepalive, binding->transaction.due));
}

void floe_binding_keep_from(floe_core *core, floe_binding *binding, floe_time when)
{
    binding->keepalive = when;
    set_alarm(core, binding);
}

static void stop_asking(floe_core *core, floe_binding *binding)
{
    floe_unpace(core, &binding->paced);
    floe_untell(&binding->output); /* a request that waits to leave is over, or answered */
    floe_stun_transaction_stop(&binding->transaction);
    set_alarm(core, binding);
}

static void ask(floe_core *core, floe_binding *binding)
{
    floe_binding_set_state(core, binding, FLOE_BINDING_ASKING);
    floe_binding_keep_from(core, binding, FLOE_TIME_NEVER);
    floe_pace(core, &binding->paced, false);
}

floe_binding *floe_binding_to(floe_core *core, floe_base *base, const floe_server *server,
                              const floe_address *remote)
{
    floe_binding *binding = floe_binding_find(base, remote);

    if (binding == NULL) {
        binding = binding_new(core, base, server, remote);
        if (binding != NULL) {
            ask(core, binding);
        }
        return binding;
    }
    floe_binding_claim(core, base, server, remote);
    bool promised = binding->state == FLOE_BINDING_KNOWN && floe_binding_is_awaited(binding);
    if (binding->state == FLOE_BINDING_FAILED || promised) { /* for another URL, or by no relay */
        ask(core, binding);
    }
    return binding;
}

bool floe_binding_is_asked(const floe_binding *binding)
{
    return floe_ring_linked(&binding->paced.link) ||
           floe_stun_transaction_runs(&binding->transaction);
}

bool floe_binding_waits(const floe_binding *binding)
{
    return binding->state == FLOE_BINDING_ASKING && !floe_binding_is_asked(binding);
}

/* So long an allocation by an address that the NAT shows no more may stand (RFC 8656 §3.2: the default lifetime). */
#define GOES_BACK_WITHIN floe_seconds(600)
/* Who has answered none of so many is not asked again for that (coturn's --no-stun). */
#define IN_VAIN_MAX 3

/* A NAT that has shown the base by another address may go back (a router does, to its first line), and where one of our
 * allocations stands by that, it is what the server grants: so the address is asked for, be it that a relay keeps it. */
static bool watches(const floe_core *core, floe_time now, const floe_binding *binding)
{
    const floe_base_past *past = binding->base->past;

    return past != NULL && !floe_time_reached(now, past->unsteady) &&
           (binding->counters.requests < IN_VAIN_MAX || binding->counters.responses > 0) &&
           floe_relays_are_compared(core, binding->base, &binding->remote);
}

static void become_unsteady(const floe_core *core, floe_time now, floe_base *base)
{
    floe_base_past *past = floe_base_past_of(core, base);

    if (past != NULL) {
        past->unsteady = floe_time_after(now, GOES_BACK_WITHIN);
    }
}

/* Until the next keepalive there is nothing to ask. */
static void rest(floe_core *core, floe_time now, floe_binding *binding)
{
    stop_asking(core, binding);
    floe_binding_keep_from(core, binding, floe_time_after(now, core->shared->keepalive));
}

/* The mapped address is known, for the first time or again. */
static void learn(floe_core *core, floe_time now, floe_binding *binding, const floe_address *mapped)
{
    floe_base *base = binding->base;
    bool first = binding->mapped.family == FLOE_FAMILY_NONE;
    bool gathering = core->state == FLOE_GATHERER_STATE_GATHERING && core->interfaces_known;

    base->answered = true;
    base->has_srflx = base->has_srflx || mapped->family != FLOE_FAMILY_NONE;
    floe_binding_set_state(core, binding, FLOE_BINDING_KNOWN);
    if (mapped->family == FLOE_FAMILY_NONE) {
        return;
    }
    binding->contradicted = false;
    bool changed = !first && !floe_address_equal(&binding->mapped, mapped);
    if (changed) { /* R6: the NAT has given another address; the old one leads nowhere */
        floe_address old = binding->mapped;
        become_unsteady(core, now, base);
        floe_binding_let_go(core, binding);
        floe_bindings_contradict(core, now, base, &old);
        floe_relays_doubt(core, now, base, &binding->remote);
    }
    binding->mapped = *mapped;
    bool back = floe_binding_take_over(core, binding) || binding->lost;
    binding->lost = back && !core->interfaces_known; /* then nothing is told yet */
    if (base->spare || base->no_reflexive || (!changed && !gathering && !back) ||
        !core->interfaces_known) {
        return; /* of a relay that was renewed after its gathering: the next one tells it (L4) */
    }
    floe_finding finding = {.type = FLOE_CANDIDATE_TYPE_SRFLX,
                            .base = base,
                            .server = binding->server,
                            .binding = binding,
                            .transport = FLOE_PROTOCOL_UDP,
                            .remote = &binding->remote,
                            .address = mapped};
    (void)floe_found_add(core, now, &finding);
}

void floe_binding_adopt(floe_core *core, floe_time now, floe_base *base, const floe_server *server,
                        const floe_address *remote, const floe_address *mapped, bool anew)
{
    floe_binding *binding = floe_binding_find(base, remote);

    if (binding == NULL) {
        binding = binding_new(core, base, server, remote);
    } else if (mapped->family == FLOE_FAMILY_NONE) {
        return; /* it goes on asking by itself */
    }
    if (binding == NULL) {
        return;
    }
    floe_binding_claim(core, base, server, remote);
    bool goes_on = floe_binding_is_asked(binding) || !floe_time_is_never(binding->keepalive);
    floe_address shown = *mapped;
    if (!watches(core, now, binding) || !goes_on) {
        rest(core, now, binding);
    } else if (!anew && binding->mapped.family != FLOE_FAMILY_NONE) {
        shown = binding->mapped; /* what is granted says nothing of the NAT */
    }
    learn(core, now, binding, &shown);
    if (anew && watches(core, now, binding) && !floe_binding_is_asked(binding)) {
        floe_binding_keep_from(core, binding, now);
    }
    core->listener->binding_known(core, now, binding);
}

/* A keepalive that fails changes nothing, as the next one asks again; unless there was a reason to
 * doubt, and the server was asked at all. */
static void fail(floe_core *core, floe_time now, floe_binding *binding, const floe_failure *failure)
{
    bool asking = binding->state == FLOE_BINDING_ASKING;
    bool disproved = binding->contradicted && failure->kind != FLOE_FAILURE_MEMORY;

    rest(core, now, binding);
    bool awaited = asking && !disproved && floe_relays_tell(core, binding->base, &binding->remote);
    if ((!asking && !disproved) || awaited) { /* its relay tells, or is gone */
        return;
    }
    if (asking) {
        floe_binding_lose(core, binding);
    }
    floe_binding_set_state(core, binding, FLOE_BINDING_FAILED);
    floe_binding_let_go(core, binding); /* known in an earlier gathering (L5), and no more */
    if (asking) {
        core->listener->binding_failed(core, now, binding, failure);
    }
}

/* Without memory those that are over are forgotten sooner. */
static void make_room_for_ids(const floe_core *core, const floe_base *base, floe_base_past *past)
{
    floe_former_ids *former = past->former;
    uint32_t count = former != NULL ? former->count : 0;
    uint32_t room = former != NULL ? 2 * former->room : FLOE_FORMER_MIN;

    if (former != NULL && 4 * base->binding_count <= former->room) {
        return;
    }
    floe_former_ids *made =
        floe_allocate(&core->shared->allocator, sizeof *made + room * sizeof *made->ids);
    if (made == NULL) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        made->ids[i] = former->ids[(former->next + i) % count]; /* the oldest first */
    }
    made->room = room;
    made->next = made->count = count;
    floe_deallocate(&core->shared->allocator, former);
    past->former = made;
}

/* Its transaction makes room for the next one, or goes with it: an answer that is late, or comes
 * twice, is known by this (K1). */
static void keep_id(const floe_core *core, const floe_binding *binding)
{
    bool asked = binding->counters.requests > 0;
    floe_base_past *past = asked ? floe_base_past_of(core, binding->base) : NULL;

    if (past == NULL) {
        return;
    }
    make_room_for_ids(core, binding->base, past);
    floe_former_ids *former = past->former;
    if (former != NULL) {
        former->ids[former->next] = binding->transaction.id;
        former->next = (former->next + 1) % former->room;
        former->count += former->count < former->room;
    }
}

static void begin(floe_core *core, floe_time now, floe_paced *paced)
{
    floe_binding *binding = FLOE_CONTAINER(paced, floe_binding, paced);

    keep_id(core, binding);
    if (floe_stun_transaction_start(&binding->transaction, now, FLOE_STUN_BINDING,
                                    core->shared->rto, false, &core->shared->random) != FLOE_OK) {
        floe_failure failure = {.kind = FLOE_FAILURE_MEMORY, .remote = binding->remote};
        fail(core, now, binding, &failure);
        return;
    }
    set_alarm(core, binding);
    floe_tell(core, &binding->output, FLOE_OUTPUT_SEND_BINDING);
}

static floe_span write(const floe_binding *binding, void *buffer, size_t size)
{
    floe_stun_writer writer = floe_stun_begin(buffer, size, FLOE_STUN_REQUEST, FLOE_STUN_BINDING,
                                              &binding->transaction.id);

    return floe_stun_written(&writer);
}

bool floe_binding_poll_send(floe_core *core, floe_time now, floe_binding *binding,
                            floe_core_output *output)
{
    floe_leaving request = {
        .asked = asked(binding), .counters = &binding->counters, .polled = true};
    floe_span data = write(binding, output->room->data, sizeof output->room->data);

    return floe_poll_request(core, now, &request, binding->base->channel, data, output);
}

static void read_error(const floe_core *core, const floe_stun_message *message,
                       floe_failure *failure)
{
    char text[96];
    floe_span reason;

    if (!floe_stun_read_error(message, &failure->code, &reason)) {
        floe_failure_set_reason(core, failure, "the error answer has no good ERROR-CODE");
        return;
    }
    failure->kind = FLOE_FAILURE_SERVER;
    floe_stun_copy_reason(reason, text, sizeof text);
    floe_failure_set_reason(core, failure, text);
}

bool floe_binding_read_answer(const floe_core *core, const floe_base *base,
                              const floe_stun_message *message, floe_address *mapped,
                              floe_failure *failure)
{
    floe_address told;
    uint16_t unknown;

    if (floe_stun_unknown_required(message, &unknown, 1) > 0) {
        floe_failure_set_reason(core, failure, "it has an attribute that must be understood");
    } else if (message->class == FLOE_STUN_ERROR) {
        read_error(core, message, failure);
    } else if (!floe_stun_read_address(message, FLOE_STUN_XOR_MAPPED_ADDRESS, &told) &&
               !floe_stun_read_address(message, FLOE_STUN_MAPPED_ADDRESS, &told)) {
        floe_failure_set_reason(core, failure, "it has no good XOR-MAPPED-ADDRESS");
    } else if (!floe_mapped_address(core, base, &told, mapped)) {
        floe_failure_set_impossible(core, failure, "it names an impossible mapped address", &told,
                                    "");
    } else {
        return true;
    }
    return false;
}

static void answer(floe_core *core, floe_time now, floe_binding *binding,
                   const floe_stun_message *message)
{
    floe_address mapped;
    floe_failure failure =
        floe_failure_of(FLOE_FAILURE_BAD_ANSWER, &binding->transaction, &binding->remote, now);

    if (!floe_binding_read_answer(core, binding->base, message, &mapped, &failure)) {
        fail(core, now, binding, &failure);
        floe_failure_release(core->shared, &failure);
    } else {
        floe_base *base = binding->base;
        floe_address remote = binding->remote;
        floe_time asked = binding->transaction.started;
        bool watched = watches(core, now, binding);
        binding->shown = true;
        rest(core, now, binding);
        learn(core, now, binding, &mapped);
        core->listener->binding_known(core, now, binding);
        if (watched && !floe_relays_compare(core, now, base, &remote, &mapped, asked)) {
            floe_binding_ask_beside(core, base, &remote);
        }
    }
}

bool floe_binding_receive(floe_core *core, floe_time now, floe_binding *binding,
                          const floe_address *source, const floe_stun_message *message)
{
    floe_stun_match match =
        floe_stun_transaction_match(&binding->transaction, message, source, &binding->remote, NULL);

    if (match != FLOE_STUN_BELIEVED) {
        return false;
    }
    binding->base->answered = true;
    floe_base_changed(core, binding->base);
    floe_count_received(core, &binding->counters, now, &binding->transaction, message);
    trace(core, now, FLOE_TRACE_RECEIVED, binding, message);
    floe_relays_answered_beside(core, binding->base, &binding->remote);
    answer(core, now, binding, message);
    return true;
}

void floe_binding_unreachable(floe_core *core, floe_time now, floe_binding *binding,
                              floe_unreachable reason)
{
    floe_failure failure =
        floe_failure_of(FLOE_FAILURE_UNREACHABLE, &binding->transaction, &binding->remote, now);

    failure.detail = (uint8_t)reason;
    trace(core, now, FLOE_TRACE_UNREACHABLE, binding, NULL);
    fail(core, now, binding, &failure);
}

/* R6: a packet each Tr if a candidate stands on it, or on one that sees the same and was not answered:
 * whoever is answered first takes it over. A relay that does keeps the mapping itself; but
 * where there is a reason to ask, whoever is answered first tells. */
static void keep_alive(floe_core *core, floe_time now, floe_binding *binding)
{
    bool asked =
        floe_binding_is_lost(core, binding) || binding->contradicted || watches(core, now, binding);

    floe_binding_keep_from(core, binding, FLOE_TIME_NEVER);
    if (!asked && floe_relays_keep(core, binding->base, &binding->remote)) {
        floe_binding_keep_from(core, binding, floe_time_after(now, core->shared->keepalive));
    } else if (asked || floe_binding_is_wanted(core, binding)) {
        floe_pace(core, &binding->paced, false);
    }
}

void floe_binding_doubt(floe_core *core, floe_time now, floe_binding *binding)
{
    if (!floe_time_is_never(binding->keepalive)) { /* else it is being asked, or not kept */
        floe_binding_keep_from(core, binding, now);
    }
}

void floe_binding_ask_beside(floe_core *core, floe_base *base, const floe_address *remote)
{
    floe_binding *binding = floe_binding_find(base, remote);

    if (binding != NULL && !floe_time_is_never(binding->keepalive)) {
        floe_binding_keep_from(core, binding, FLOE_TIME_NEVER);
        floe_pace(core, &binding->paced, false);
    }
}

void floe_binding_awaits_relay(floe_core *core, floe_base *base, const floe_server *server,
                               const floe_address *remote)
{
    floe_binding *binding = floe_binding_find(base, remote);

    floe_binding_claim(core, base, server, remote);
    if (binding != NULL && binding->state == FLOE_BINDING_KNOWN &&
        (floe_binding_is_lost(core, binding) || floe_binding_is_missed(core, binding))) {
        floe_binding_set_state(core, binding, FLOE_BINDING_ASKING);
    }
}

/* A new generation was to hear of the mapping by that (floe_bindings_renew): it asks itself. */
void floe_binding_relay_gone(floe_core *core, floe_base *base, const floe_address *remote)
{
    floe_binding *binding = floe_binding_find(base, remote);

    if (core->state == FLOE_GATHERER_STATE_GATHERING && binding != NULL &&
        (binding->state == FLOE_BINDING_KNOWN || floe_binding_waits(binding)) &&
        floe_server_current(core, binding->server) && floe_binding_is_missed(core, binding)) {
        ask(core, binding);
    }
}

static void look_at_clock(floe_core *core, floe_time now, floe_binding *binding)
{
    if (floe_time_reached(now, binding->keepalive)) {
        keep_alive(core, now, binding);
    }
    floe_failure failure =
        floe_failure_of(FLOE_FAILURE_TIMEOUT, &binding->transaction, &binding->remote, now);
    failure.before = floe_binding_once_answered(binding->base, &binding->remote);
    switch (floe_stun_transaction_time(&binding->transaction, now)) {
    case FLOE_STUN_SEND_AGAIN:
        set_alarm(core, binding);
        floe_tell(core, &binding->output, FLOE_OUTPUT_SEND_BINDING);
        break;
    case FLOE_STUN_GIVE_UP:
        trace(core, now, FLOE_TRACE_GAVE_UP, binding, NULL);
        fail(core, now, binding, &failure);
        break;
    case FLOE_STUN_WAIT:
        break;
    }
}

void floe_bindings_time(floe_core *core, floe_time now)
{
    floe_alarm *alarm;

    while ((alarm = floe_agenda_due(&core->agenda, now)) != NULL) {
        look_at_clock(core, now, FLOE_CONTAINER(alarm, floe_binding, alarm));
    }
}

void floe_binding_stop(floe_core *core, floe_time now, floe_binding *binding)
{
    if (binding->state != FLOE_BINDING_ASKING) {
        return;
    }
    stop_asking(core, binding);
    floe_binding_lose(core, binding);
    floe_binding_set_state(core, binding, FLOE_BINDING_FAILED);
    floe_binding_keep_from(core, binding, floe_time_after(now, core->shared->keepalive));
    const floe_binding *twin = floe_binding_twin(core, binding);
    if (binding->contradicted || (twin != NULL && twin->state == FLOE_BINDING_KNOWN)) {
        floe_binding_let_go(core, binding); /* whoever has answered keeps the candidate */
    }
}

void floe_bindings_renew(floe_core *core, floe_base *base)
{
    FLOE_CHAIN_EACH_SAFE(binding, &base->bindings, floe_binding, link)
    {
        bool kept = floe_relays_tell(core, base, &binding->remote);
        if (!kept && !binding->lost && !floe_found_keeps(core, base, &binding->mapped)) {
            floe_binding_free(core, binding);
            continue;
        }
        stop_asking(core, binding);
        floe_binding_set_state(core, binding, FLOE_BINDING_FAILED); /* unless somebody asks */
        if (kept) {
            floe_binding_set_state(core, binding,
                                   FLOE_BINDING_KNOWN);   /* as its relay will tell (T7b) */
            if (floe_time_is_never(binding->keepalive)) { /* it was being asked */
                floe_binding_keep_from(core, binding, (floe_time){0});
            }
        } else if (floe_server_current(core, binding->server) &&
                   floe_found_shows(core, base, &binding->mapped)) {
            ask(core, binding);
        }
    }
}

void floe_binding_free(floe_core *core, floe_binding *binding)
{
    keep_id(core, binding);
    floe_binding_let_go(core, binding);
    floe_binding_set_state(core, binding, FLOE_BINDING_FAILED);
    floe_agenda_set(&core->agenda, &binding->alarm, FLOE_TIME_NEVER);
    floe_unpace(core, &binding->paced);
    floe_untell(&binding->output);
    binding->base->binding_count--;
    floe_chain_remove(&binding->base->bindings, &binding->link);
    floe_deallocate(&core->shared->allocator, binding);
}

void floe_bindings_end(floe_core *core, floe_base *base)
{
    FLOE_CHAIN_EACH_SAFE(binding, &base->bindings, floe_binding, link)
    {
        floe_binding_free(core, binding);
    }
}

/* TURN's methods are nobody else's; a Binding is told by its transaction. */
bool floe_base_asked(const floe_base *base, const floe_stun_message *message)
{
    if (message->class == FLOE_STUN_REQUEST) {
        return false;
    }
    if (message->method >= FLOE_STUN_ALLOCATE && message->method <= FLOE_STUN_CONNECTION_ATTEMPT) {
        return true;
    }
    if (message->method != FLOE_STUN_BINDING || message->class == FLOE_STUN_INDICATION) {
        return false;
    }
    FLOE_CHAIN_EACH(binding, &base->bindings, floe_binding, link)
    {
        if (binding->counters.requests > 0 &&
            floe_stun_id_equal(&binding->transaction.id, &message->id)) {
            return true;
        }
    }
    const floe_former_ids *former = base->past != NULL ? base->past->former : NULL;
    for (size_t i = 0; former != NULL && i < former->count; i++) {
        if (floe_stun_id_equal(&former->ids[i], &message->id)) {
            return true;
        }
    }
    return false;
}

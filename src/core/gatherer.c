/* The gatherer's life (rules L1 to L9), and the way of each input to the part that it is for. */
#include "core/gatherer.h"

#include "base/error.h"

#include <string.h>

const char *floe_gatherer_state_name(enum floe_gatherer_state state)
{
    static const char *const names[] = {"", "new", "gathering", "complete", "closed"};

    return (size_t)state < sizeof names / sizeof *names ? names[state] : "";
}

static floe_error make_secrets(floe_core *core)
{
    const floe_random *random = &core->shared->random;
    floe_error error = floe_random_ice_chars(random, core->username_fragment, 8);

    if (error == FLOE_OK) {
        error = floe_random_ice_chars(random, core->password, 24);
    }
    if (error == FLOE_OK) {
        error = floe_random_fill(random, core->foundation_secret, sizeof core->foundation_secret);
    }
    return error;
}

static floe_error copy_options(floe_core *core, const floe_gather_options *options)
{
    floe_gather_options given = {0};

    if (options != NULL) {
        floe_take_struct(&given, options, sizeof given);
    }
    if ((unsigned)given.gather_policy > FLOE_GATHER_POLICY_RELAY) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "gather_policy is %d, none of the policies",
                         (int)given.gather_policy);
    }
    core->policy = given.gather_policy;
    return floe_servers_new(core, &given);
}

floe_error floe_core_new(floe_core_shared *shared, const floe_gather_options *options,
                         floe_core **core)
{
    if (shared == NULL || core == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_new: NULL");
    }
    floe_core *made = floe_allocate(&shared->allocator, sizeof *made);
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    made->shared = shared;
    made->state = FLOE_GATHERER_STATE_NEW;
    made->give_up = made->grace = FLOE_TIME_NEVER;
    floe_list_init(&made->outputs);
    floe_list_init(&made->bases);
    floe_list_init(&made->relays);
    floe_list_init(&made->pairs);
    floe_list_init(&made->found);
    floe_list_init(&made->paced);
    floe_error error = copy_options(made, options);
    if (error == FLOE_OK) {
        error = make_secrets(made);
    }
    if (error != FLOE_OK) {
        floe_core_free(made);
        return error;
    }
    *core = made;
    return FLOE_OK;
}

/* Takes every output off the queue unseen. */
static void drop_outputs(floe_core *core)
{
    floe_list *link;

    while ((link = floe_list_take(&core->outputs)) != NULL) {
        floe_output *output = FLOE_CONTAINER(link, floe_output, link);
        if (output->kind == FLOE_OUTPUT_TRACE) {
            floe_deallocate(&core->shared->allocator,
                            FLOE_CONTAINER(output, floe_trace_node, output));
        }
    }
}

/* Everything but the bases, whose sockets are still to be closed. */
static void free_parts(floe_core *core)
{
    FLOE_LIST_EACH_SAFE(pair, &core->pairs, floe_pair, link)
    {
        floe_pair_free(core, pair);
    }
    FLOE_LIST_EACH_SAFE(found, &core->found, floe_found, link)
    {
        floe_found_free(core, found);
    }
}

void floe_core_free(floe_core *core)
{
    if (core == NULL) {
        return;
    }
    drop_outputs(core);
    free_parts(core);
    FLOE_LIST_EACH_SAFE(relay, &core->relays, floe_relay, link)
    {
        floe_relay_free(core, relay);
    }
    FLOE_LIST_EACH_SAFE(base, &core->bases, floe_base, link)
    {
        floe_base_free(core, base);
    }
    floe_servers_free(core);
    floe_allocator allocator = core->shared->allocator;
    floe_wipe(core->password, sizeof core->password);
    floe_deallocate(&allocator, core);
}

void floe_core_out_of_memory(floe_core *core)
{
    floe_tell(core, &core->memory_output, FLOE_OUTPUT_MEMORY_ERROR);
}

/* After every input: paces, and looks whether gathering is complete. */
static void settle(floe_core *core, floe_time now)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_pairs_time(core, now);
    floe_pacer_run(core, now);
    floe_completion_check(core, now);
    floe_relays_sweep(core);
}

/* Inputs. */

floe_error floe_core_start(floe_core *core, floe_time now)
{
    if (core == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_start: NULL");
    }
    if (core->state != FLOE_GATHERER_STATE_NEW) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is %s, not new",
                         floe_gatherer_state_name(core->state));
    }
    core->state = FLOE_GATHERER_STATE_GATHERING;
    core->started = now;
    core->next_request = now;
    core->give_up = floe_time_after(now, core->shared->gather_timeout);
    floe_tell(core, &core->gathering_output, FLOE_OUTPUT_GATHERING);
    floe_tell(core, &core->list_output, FLOE_OUTPUT_LIST_INTERFACES);
    return FLOE_OK;
}

void floe_core_interfaces(floe_core *core, floe_time now, const floe_interface_address *list,
                          size_t count)
{
    if (core->state != FLOE_GATHERER_STATE_GATHERING || core->interfaces_known) {
        return;
    }
    core->interfaces_known = true;
    floe_bases_new(core, list, count);
    floe_servers_begin(core);
    settle(core, now);
}

void floe_core_interfaces_failed(floe_core *core, floe_time now, floe_error error)
{
    if (core->state != FLOE_GATHERER_STATE_GATHERING || core->interfaces_known) {
        return;
    }
    core->interfaces_known = true;
    core->list_failure = (floe_failure){.kind = FLOE_FAILURE_INTERFACES, .detail = (uint8_t)-error};
    floe_tell(core, &core->list_error_output, FLOE_OUTPUT_LIST_ERROR);
    settle(core, now);
}

void floe_core_resolved(floe_core *core, floe_time now, uint32_t query, floe_error error,
                        const floe_address *addresses, size_t count)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_lookup_done(core, now, query, error, addresses, count);
    settle(core, now);
}

void floe_core_opened(floe_core *core, floe_time now, uint32_t channel, const floe_address *local)
{
    floe_base *base = floe_base_of_channel(core, channel);

    if (base == NULL || base->state != FLOE_BASE_OPENING ||
        core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_base_opened(core, now, base, local);
    settle(core, now);
}

void floe_core_open_failed(floe_core *core, floe_time now, uint32_t channel, floe_error error)
{
    floe_base *base = floe_base_of_channel(core, channel);

    if (base == NULL || base->state != FLOE_BASE_OPENING ||
        core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_base_open_failed(core, now, base, error);
    settle(core, now);
}

static void drop_packet(floe_core *core, floe_time now, const floe_base *base,
                        const floe_address *source, const floe_stun_message *message,
                        const char *why)
{
    core->shared->dropped++;
    floe_trace_packet(core, now, FLOE_TRACE_DROPPED, base, source, NULL, NULL, message, why);
}

static const char *why_no_stun(floe_stun_parse_result result)
{
    switch (result) {
    case FLOE_STUN_NOT_STUN:
        return "no STUN message";
    case FLOE_STUN_BAD_LENGTH:
        return "its STUN length is wrong";
    case FLOE_STUN_BAD_ATTRIBUTE:
        return "an attribute reaches beyond its end";
    case FLOE_STUN_BAD_FINGERPRINT:
        return "its fingerprint is wrong";
    case FLOE_STUN_PARSED:
        break;
    }
    return "";
}

static bool give_to_owner(floe_core *core, floe_time now, floe_base *base,
                          const floe_address *source, const floe_stun_message *message)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->base == base && relay->phase == FLOE_RELAY_LIVE &&
            floe_relay_receive(core, now, relay, source, message)) {
            return true;
        }
    }
    FLOE_LIST_EACH(binding, &base->bindings, floe_binding, link)
    {
        if (floe_binding_receive(core, now, binding, source, message)) {
            return true;
        }
    }
    return false;
}

void floe_core_datagram(floe_core *core, floe_time now, uint32_t channel,
                        const floe_address *source, const void *data, size_t size)
{
    floe_base *base = floe_base_of_channel(core, channel);
    floe_address from = floe_address_normalise(*source);
    floe_stun_message message;

    if (base == NULL || core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    from.scope_id =
        0; /* the kernel fills it in for link-local sources; servers are named without */
    floe_stun_parse_result result = floe_stun_parse(floe_span_of(data, size), &message);
    if (result != FLOE_STUN_PARSED) {
        drop_packet(core, now, base, &from, NULL, why_no_stun(result));
    } else if (!give_to_owner(core, now, base, &from, &message)) {
        drop_packet(core, now, base, &from, &message, "nobody asked for it");
    }
    settle(core, now);
}

/* What came back with the error, if it is enough to tell the transaction, must be what we sent. */
static bool is_ours(const floe_stun_transaction *transaction, const void *data, size_t size)
{
    floe_reader reader = floe_reader_of(data, size);

    if (!floe_stun_transaction_runs(transaction)) {
        return false;
    }
    floe_read_skip(&reader, 8);
    floe_span id = floe_read_span(&reader, FLOE_STUN_ID_SIZE);
    return reader.failed ||
           floe_span_equal(id, floe_span_of(transaction->id.bytes, sizeof transaction->id.bytes));
}

void floe_core_unreachable(floe_core *core, floe_time now, uint32_t channel,
                           const floe_address *remote, floe_unreachable reason, const void *data,
                           size_t size)
{
    floe_base *base = floe_base_of_channel(core, channel);
    floe_address to = floe_address_normalise(*remote);

    if (base == NULL || core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    to.scope_id = 0;
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->base == base && relay->phase == FLOE_RELAY_LIVE &&
            floe_address_equal(&relay->turn.server, &to) &&
            is_ours(&relay->turn.transaction, data, size)) {
            floe_relay_unreachable(core, now, relay, reason);
        }
    }
    FLOE_LIST_EACH(binding, &base->bindings, floe_binding, link)
    {
        if (floe_address_equal(&binding->remote, &to) &&
            is_ours(&binding->transaction, data, size)) {
            floe_binding_unreachable(core, now, binding, reason);
        }
    }
    settle(core, now);
}

void floe_core_time(floe_core *core, floe_time now)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->phase == FLOE_RELAY_LIVE) {
            floe_relay_time(core, now, relay);
        }
    }
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        FLOE_LIST_EACH(binding, &base->bindings, floe_binding, link)
        {
            floe_binding_time(core, now, binding);
        }
    }
    settle(core, now);
}

floe_time floe_core_deadline(const floe_core *core)
{
    floe_time deadline = floe_time_min(core->give_up, core->grace);

    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return FLOE_TIME_NEVER;
    }
    deadline = floe_time_min(deadline, floe_pacer_deadline(core));
    deadline = floe_time_min(deadline, floe_pairs_deadline(core));
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        deadline = floe_time_min(deadline, floe_turn_allocation_deadline(&relay->turn));
    }
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        FLOE_LIST_EACH(binding, &base->bindings, floe_binding, link)
        {
            deadline = floe_time_min(deadline, floe_binding_deadline(binding));
        }
    }
    return deadline;
}

/* L7: nothing that waited is told any more; then the last packets, the sockets, the state. */
void floe_core_close(floe_core *core, floe_time now)
{
    (void)now;
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    core->state = FLOE_GATHERER_STATE_CLOSED;
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        bool never_opened = floe_list_linked(&base->output.link) || base->state == FLOE_BASE_FAILED;
        if (never_opened) {
            base->channel = 0;
        }
    }
    drop_outputs(core);
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->phase == FLOE_RELAY_RELEASING) {
            floe_tell(core, &relay->output, FLOE_OUTPUT_SEND_RELAY);
        } else {
            floe_relay_release(core, relay);
        }
    }
    floe_relays_sweep(core);
    free_parts(core);
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (base->channel != 0) {
            floe_tell(core, &base->output, FLOE_OUTPUT_CLOSE);
        }
    }
    floe_tell(core, &core->closed_output, FLOE_OUTPUT_CLOSED);
}

/* What can be asked of it. */

enum floe_gatherer_state floe_core_state(const floe_core *core)
{
    return core->state;
}

floe_error floe_core_get_local_parameters(const floe_core *core, floe_parameters *parameters)
{
    floe_parameters made = {0};

    if (core == NULL || parameters == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_get_local_parameters: NULL");
    }
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is closed");
    }
    made.size = parameters->size == 0 ? sizeof made : parameters->size;
    memcpy(made.username_fragment, core->username_fragment, sizeof core->username_fragment);
    memcpy(made.password, core->password, sizeof core->password);
    floe_give_struct(parameters, &made, sizeof made);
    return FLOE_OK;
}

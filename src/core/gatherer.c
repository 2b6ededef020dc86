/* The gatherer's life (rules L1 to L9), and the way of each input to the part that it is for. */
#include "core/gatherer.h"

#include "base/name.h"

#include "base/error.h"

#include <string.h>

const char *floe_gatherer_state_name(enum floe_gatherer_state state)
{
    static const char *const names[] = {"", "new", "gathering", "complete", "closed"};

    return (size_t)state < sizeof names / sizeof *names ? names[state] : "";
}

static void forget_credentials(floe_credentials *credentials)
{
    floe_stun_key_release(credentials->key);
    floe_wipe(credentials, sizeof *credentials);
    credentials->key = NULL;
}

static void forget_in_use(floe_core *core)
{
    if (core->in_use != NULL) {
        forget_credentials(core->in_use);
        floe_deallocate(&core->shared->allocator, core->in_use);
        core->in_use = NULL;
    }
}

/* The other side has used the former ones, and hears now that there are newer ones than those that it has
 * not used; without memory they are forgotten. */
static void keep_in_use(floe_core *core)
{
    forget_in_use(core);
    core->in_use = floe_allocate(&core->shared->allocator, sizeof *core->in_use);
    if (core->in_use != NULL) {
        *core->in_use = core->former;
        core->former.key = NULL;
    }
}

/* Those of a new generation. The former ones hold until the new ones have been used: the other side
 * hears of them later (RFC 8445 §9); and so do those that it has used last. */
static void take_credentials(floe_core *core, const floe_credentials *made)
{
    if (core->former.used && !core->credentials.used) {
        keep_in_use(core);
    } else if (core->credentials.used) {
        forget_in_use(core);
    }
    forget_credentials(&core->former);
    core->former = core->credentials;
    core->credentials = *made;
    core->credentials.key = NULL;
}

void floe_core_credentials_used(floe_core *core)
{
    forget_credentials(&core->former);
    forget_in_use(core);
}

static floe_error make_credentials(const floe_core *core, floe_credentials *made)
{
    const floe_random *random = &core->shared->random;
    floe_error error = floe_random_ice_chars(random, made->username_fragment, 8);

    made->key = NULL;
    made->used = false;
    return error == FLOE_OK ? floe_random_ice_chars(random, made->password, 24) : error;
}

static floe_core *core_with_lists(floe_core_shared *shared, uint16_t component)
{
    floe_core *core = floe_allocate(&shared->allocator, sizeof *core);

    if (core == NULL) {
        return NULL;
    }
    core->shared = shared;
    core->component = component;
    core->generation = 1;
    core->listener = &floe_pairs_listener;
    core->state = FLOE_GATHERER_STATE_NEW;
    core->give_up = core->grace = core->services_end = FLOE_TIME_NEVER;
    floe_list_init(&core->outputs);
    floe_list_init(&core->held);
    floe_list_init(&core->bases);
    floe_list_init(&core->relays);
    floe_list_init(&core->connections);
    floe_list_init(&core->pairs);
    floe_list_init(&core->found);
    floe_list_init(&core->paced);
    floe_list_init(&core->retired);
    floe_agenda_init(&core->agenda, 1);
    floe_agenda_init(&core->starts, 2);
    floe_tree_init(&core->untold, floe_pair_compare, FLOE_TREE_KEY(floe_pair, untold, number), 3);
    floe_tree_init(&core->channels, floe_base_compare_channels,
                   FLOE_TREE_KEY(floe_base, by_channel, channel), 4);
    floe_tree_init(&core->ips, floe_base_compare_ips, FLOE_TREE_KEY(floe_base, by_ip, key), 5);
    floe_tree_init(&core->addresses, floe_found_compare_addresses,
                   FLOE_TREE_WHOLE(floe_found, by_address), 6);
    floe_tree_init(&core->priorities, floe_found_compare_priorities,
                   FLOE_TREE_WHOLE(floe_found, by_priority), 7);
    return core;
}

static void take_options(floe_gather_options *given, const floe_gather_options *options)
{
    if (options != NULL) {
        floe_take_struct(given, options, sizeof *given);
    }
}

floe_error floe_core_new(floe_core_shared *shared, const floe_gather_options *options,
                         floe_core **core)
{
    floe_gather_options given = {0};

    if (shared == NULL || core == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_new: NULL");
    }
    floe_core *made = core_with_lists(shared, 1);
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    take_options(&given, options);
    floe_error error = floe_server_set_new(shared, &given, &made->set);
    if (error == FLOE_OK) {
        made->policy = made->set->policy;
        made->pool_wanted = given.candidate_pool_size > 0;
        error = make_credentials(made, &made->credentials);
    }
    if (error == FLOE_OK) {
        error = floe_random_fill(&shared->random, made->foundation_secret,
                                 sizeof made->foundation_secret);
    }
    if (error != FLOE_OK) {
        floe_core_free(made);
        return error;
    }
    *core = made;
    return FLOE_OK;
}

floe_error floe_core_new_associated(floe_core *core, floe_core **associated)
{
    if (core == NULL || associated == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_new_associated: NULL");
    }
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is closed");
    }
    if (core->component != 1 || core->has_associated) {
        return floe_fail(FLOE_ERR_INVALID_STATE,
                         core->component != 1 ? "the gatherer is itself an associated one"
                                              : "the gatherer has an associated one already");
    }
    floe_core *made = core_with_lists(core->shared, 2);
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    made->set = floe_server_set_copy(core, core->next_set != NULL     ? core->next_set
                                           : core->coming_set != NULL ? core->coming_set
                                                                      : core->set);
    if (made->set == NULL) {
        floe_core_free(made);
        return FLOE_ERR_NO_MEMORY;
    }
    made->policy = made->set->policy;
    made->pool_wanted = core->pool_wanted || core->pooled;
    take_credentials(made, &core->credentials);
    memcpy(made->foundation_secret, core->foundation_secret, sizeof made->foundation_secret);
    made->associated = core;
    core->associated = made;
    core->has_associated = true;
    *associated = made;
    return FLOE_OK;
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
    if (core->associated != NULL) {
        core->associated->associated = NULL;
    }
    floe_untell_all(core);
    free_parts(core);
    FLOE_LIST_EACH_SAFE(relay, &core->relays, floe_relay, link)
    {
        floe_relay_free(core, relay);
    }
    FLOE_LIST_EACH_SAFE(connection, &core->connections, floe_connection, link)
    {
        floe_connection_free(core, connection);
    }
    FLOE_LIST_EACH_SAFE(base, &core->bases, floe_base, link)
    {
        floe_bindings_end(core, base);
        floe_base_free(core, base);
    }
    floe_server_set_free(core->shared, core->set);
    floe_server_set_free(core->shared, core->coming_set);
    floe_server_set_free(core->shared, core->next_set);
    FLOE_LIST_EACH_SAFE(set, &core->retired, floe_server_set, link)
    {
        floe_server_set_free(core->shared, set);
    }
    floe_allocator allocator = core->shared->allocator;
    floe_deallocate(&allocator, core->unreached);
    floe_deallocate(&allocator, core->check);
    forget_credentials(&core->credentials);
    forget_credentials(&core->former);
    forget_in_use(core);
    floe_deallocate(&allocator, core);
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
    floe_connections_sweep(core);
}

/* Inputs. */

static void begin(floe_core *core, floe_time now)
{
    core->state = FLOE_GATHERER_STATE_GATHERING;
    core->started = now;
    if (!core->gathered) {
        core->next_request = now;
    }
    core->give_up = floe_time_after(now, core->shared->gather_timeout);
    core->services_end = FLOE_TIME_NEVER;
    core->made_up = false;
    core->gathering = (floe_duration){0};
    core->interfaces_known = false;
    core->interfaces_asked = false;
    floe_servers_advance(core);
    floe_found_apply_policy(core);
    floe_bases_apply_policy(core);
    floe_tell(core, &core->list_output, FLOE_OUTPUT_LIST_INTERFACES);
}

/* That it does is told first. */
static void tell_and_begin(floe_core *core, floe_time now)
{
    floe_tell(core, core->pooled ? &core->pool_output : &core->gathering_output,
              FLOE_OUTPUT_GATHERING);
    begin(core, now);
}

/* What another gathering would tell again, if it were so still. */
static bool is_error(const floe_output *output)
{
    switch ((floe_output_kind)output->kind) {
    case FLOE_OUTPUT_PAIR_ERROR:
    case FLOE_OUTPUT_SERVER_ERROR:
    case FLOE_OUTPUT_LIST_ERROR:
        return true;
    case FLOE_OUTPUT_BASE_ERROR: /* its name's is told once */
        return FLOE_CONTAINER(output, floe_base, error_output)->failure == FLOE_FAILURE_OPEN;
    default:
        return false;
    }
}

/* Takes off, of what a pool holds, that somebody has failed. */
static void untell_held_errors(floe_core *core)
{
    FLOE_LIST_EACH_SAFE(output, &core->held, floe_output, link)
    {
        if (is_error(output)) {
            floe_untell(output);
        }
    }
}

/* L10: what it has found is told, in its order; and as that may not be all by now, nor stand any more,
 * gathering begins anew behind it. */
static void use_pool(floe_core *core, floe_time now)
{
    bool again = core->state == FLOE_GATHERER_STATE_COMPLETE;
    floe_list *link;

    core->pooled = false;
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        relay->known = relay->known || floe_found_of_relay(core, relay);
    }
    if (again) {
        untell_held_errors(core);
        floe_untell(&core->complete_output);
        floe_untell(&core->end_output);
    }
    while ((link = floe_list_take(&core->held)) != NULL) {
        floe_list_append(&core->outputs, link);
    }
    if (again) {
        begin(core, now);
    }
}

floe_error floe_core_start(floe_core *core, floe_time now)
{
    if (core == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_start: NULL");
    }
    enum floe_gatherer_state state = floe_core_state(core);
    if (state != FLOE_GATHERER_STATE_NEW && state != FLOE_GATHERER_STATE_COMPLETE) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is %s, not new or complete",
                         floe_gatherer_state_name(state));
    }
    core->pool_wanted = false;
    if (core->pooled) {
        use_pool(core, now);
    } else {
        tell_and_begin(core, now);
    }
    return FLOE_OK;
}

floe_error floe_core_set_options(floe_core *core, floe_time now, const floe_gather_options *options)
{
    floe_gather_options given = {0};
    floe_server_set *set;

    if (core == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_set_options: NULL");
    }
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is closed");
    }
    take_options(&given, options);
    floe_error error = floe_server_set_new(core->shared, &given, &set);
    if (error != FLOE_OK) {
        return error;
    }
    floe_server_set_free(core->shared, core->next_set);
    core->next_set = set;
    if (core->pooled) { /* the pool was filled under other options */
        floe_renewal_interrupt(core, now);
        core->pool_wanted = true;
    }
    if (floe_core_state(core) == FLOE_GATHERER_STATE_NEW) {
        core->pool_wanted = given.candidate_pool_size > 0;
    }
    settle(core, now);
    return FLOE_OK;
}

/* One component: its parameters are there. */
static void restart_one(floe_core *core, floe_time now)
{
    bool seen = floe_core_state(core) != FLOE_GATHERER_STATE_NEW ||
                floe_list_linked(&core->new_output.link); /* of a restart just before */
    bool pooled = core->pooled;

    floe_renewal_interrupt(core, now);
    core->pool_wanted = core->pool_wanted || pooled;
    if (seen) {
        floe_tell(core, &core->new_output, FLOE_OUTPUT_NEW);
    }
    settle(core, now);
}

floe_error floe_core_restart(floe_core *core, floe_time now)
{
    if (core == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_restart: NULL");
    }
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return floe_fail(FLOE_ERR_INVALID_STATE, "the gatherer is closed");
    }
    if (core->component != 1) {
        return floe_fail(FLOE_ERR_INVALID_STATE,
                         "an associated gatherer restarts with the one that it belongs to");
    }
    floe_credentials made;
    floe_error error = make_credentials(core, &made);
    if (error == FLOE_OK) {
        take_credentials(core, &made);
        restart_one(core, now);
        floe_core *other = core->associated;
        if (other != NULL && other->state != FLOE_GATHERER_STATE_CLOSED) {
            take_credentials(other, &made);
            restart_one(other, now);
        }
    }
    floe_wipe(&made, sizeof made);
    return error;
}

/* The list was asked for, and is not there yet. */
static bool awaits_interfaces(const floe_core *core)
{
    return core->state == FLOE_GATHERER_STATE_GATHERING && core->interfaces_asked &&
           !core->interfaces_known;
}

void floe_core_interfaces(floe_core *core, floe_time now, const floe_interface_address *list,
                          size_t count)
{
    if (!awaits_interfaces(core)) {
        return;
    }
    core->interfaces_known = true;
    floe_renewal_prepare(core, now);
    floe_bases_update(core, now, list, count);
    floe_servers_begin(core);
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        floe_pairs_make(core, now, base); /* those that are open already */
    }
    settle(core, now);
}

void floe_core_interfaces_failed(floe_core *core, floe_time now, floe_error error)
{
    if (awaits_interfaces(core)) {
        floe_interfaces_unknown(core, now, error);
        settle(core, now);
    }
}

void floe_core_resolved(floe_core *core, floe_time now, uint32_t query, floe_error error,
                        const floe_address *addresses, size_t count)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_names_addresses(core, now, query, error, addresses, count);
    settle(core, now);
}

void floe_core_services_resolved(floe_core *core, floe_time now, uint32_t query, floe_error error,
                                 const floe_service_record *records, size_t count)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_names_services(core, now, query, error, records, count);
    settle(core, now);
}

void floe_core_names_failed(floe_core *core, floe_time now, uint32_t interface_index,
                            floe_error error)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (base->published && base->interface_index == interface_index) {
            floe_base_name_unheard(core, base, error);
        }
    }
    settle(core, now);
}

void floe_core_name_taken(floe_core *core, floe_time now, const char *name)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (base->name != NULL && floe_name_same(base->name, name)) {
            floe_base_name_taken(core, now, base);
        }
    }
    settle(core, now);
}

void floe_core_opened(floe_core *core, floe_time now, uint32_t channel, const floe_address *local)
{
    floe_base *base = floe_base_of_channel(core, channel);
    floe_connection *connection = floe_connection_of_channel(core, channel);

    if (connection != NULL && connection->state == FLOE_CONNECTION_OPENING) {
        floe_connection_opened(core, now, connection, local);
        settle(core, now);
        return;
    }
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
    floe_connection *connection = floe_connection_of_channel(core, channel);

    if (connection != NULL && connection->state == FLOE_CONNECTION_OPENING) {
        floe_failure failure = floe_connection_failure(connection, FLOE_FAILURE_OPEN, now);
        failure.detail = (uint8_t)-error;
        connection->opened = false; /* there is nothing to close */
        floe_connection_failed(core, now, connection, failure);
        settle(core, now);
        return;
    }
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
    floe_asked by = {.local = &base->local, .remote = source};

    core->shared->dropped++;
    floe_trace_packet(core, now, FLOE_TRACE_DROPPED, &by, message, why);
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

/* Whose it is: a relay's, a binding's. `message` is NULL for what is no STUN. */
static floe_taken give(floe_core *core, floe_time now, floe_base *base, const floe_address *source,
                       floe_span data, const floe_stun_message *message, floe_packet *packet)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->base == base && relay->connection == NULL) {
            floe_taken taken = floe_relay_take(core, now, relay, source, data, message, packet);
            if (taken != FLOE_TAKEN_NOT) {
                return taken;
            }
        }
    }
    FLOE_LIST_EACH(binding, &base->bindings, floe_binding, link)
    {
        if (message != NULL && floe_binding_receive(core, now, binding, source, message)) {
            return FLOE_TAKEN;
        }
    }
    return FLOE_TAKEN_NOT;
}

/* What has come for the owner, if anything has: a check is read, whoever it is for. */
static void hold_packet(floe_core *core, bool any)
{
    core->has_packet = any;
    if (any && core->packet.kind == FLOE_PACKET_STUN) {
        core->packet.check =
            floe_check_read(core, floe_span_of(core->packet.data, core->packet.size));
    }
}

static void datagram_on_base(floe_core *core, floe_time now, floe_base *base,
                             const floe_address *source, floe_span data)
{
    floe_address from = floe_address_normalise(*source);
    floe_stun_message message;

    floe_stun_parse_result result = floe_stun_parse(data, &message);
    bool parsed = result == FLOE_STUN_PARSED;
    floe_taken taken = give(core, now, base, &from, data, parsed ? &message : NULL, &core->packet);
    bool asked = taken == FLOE_TAKEN_NOT && parsed && floe_base_asked(base, &message);
    if (asked && message.class != FLOE_STUN_INDICATION) {
        floe_pairs_late_answer(core, base, &from);
    }
    bool no_answer = !parsed || message.class == FLOE_STUN_REQUEST;
    if (taken == FLOE_TAKEN_NOT && no_answer && core->state == FLOE_GATHERER_STATE_GATHERING) {
        floe_pairs_garbled(core, base, &from);
    }
    if (taken == FLOE_TAKEN_NOT && core->wants_packets && !asked &&
        !floe_base_had(core, now, base, &from, data)) {
        (void)floe_deliver(core, base, NULL, FLOE_TCP_TYPE_NONE, &from, data, &core->packet);
        taken = FLOE_TAKEN_PACKET;
    }
    hold_packet(core, taken == FLOE_TAKEN_PACKET);
    if (taken == FLOE_TAKEN_NOT) {
        drop_packet(core, now, base, &from, parsed ? &message : NULL,
                    parsed ? "nobody asked for it" : why_no_stun(result));
    }
    if (!core->has_packet) {
        settle(core, now);
    }
}

static void bytes_on_connection(floe_core *core, floe_time now, floe_connection *connection,
                                const void *data, size_t size)
{
    floe_connection_feed(connection, data, size);
    hold_packet(core, floe_connection_next(core, now, connection, &core->packet));
    core->receiving = core->has_packet ? connection : NULL;
    settle(core, now);
}

void floe_core_datagram(floe_core *core, floe_time now, uint32_t channel,
                        const floe_address *source, const void *data, size_t size)
{
    floe_base *base = floe_base_of_channel(core, channel);
    floe_connection *connection;

    core->has_packet = false;
    core->receiving = NULL;
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    if (base != NULL) {
        datagram_on_base(core, now, base, source, floe_span_of(data, size));
        return;
    }
    connection = floe_connection_of_channel(core, channel);
    if (connection == NULL || connection->state == FLOE_CONNECTION_OPENING) {
        return;
    }
    if (!floe_address_equal(source, &connection->remote)) {
        core->shared->dropped++;
        return;
    }
    bytes_on_connection(core, now, connection, data, size);
}

void floe_core_stream(floe_core *core, floe_time now, uint32_t channel, const void *data,
                      size_t size)
{
    floe_connection *connection = floe_connection_of_channel(core, channel);

    core->has_packet = false;
    core->receiving = NULL;
    if (core->state == FLOE_GATHERER_STATE_CLOSED || connection == NULL ||
        connection->state == FLOE_CONNECTION_OPENING) {
        return;
    }
    if (size > 0) {
        bytes_on_connection(core, now, connection, data, size);
        return;
    }
    floe_connection_failed(core, now, connection,
                           floe_connection_failure(connection, FLOE_FAILURE_CLOSED, now));
    settle(core, now);
}

void floe_core_disconnected(floe_core *core, floe_time now, uint32_t channel)
{
    floe_core_stream(core, now, channel, NULL, 0);
}

void floe_core_trust_read(floe_core *core, floe_time now)
{
    floe_packet none; /* before a relay is asked for there are no packets */

    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    core->has_packet = false;
    core->receiving = NULL;
    FLOE_LIST_EACH(connection, &core->connections, floe_connection, link)
    {
        if (connection->state == FLOE_CONNECTION_SECURING) {
            while (floe_connection_next(core, now, connection, &none)) {
            }
        }
    }
    settle(core, now);
}

bool floe_core_packet(floe_core *core, floe_time now, floe_packet *packet)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        core->has_packet = false; /* by what the owner did with the one before */
        core->receiving = NULL;
    }
    if (!core->has_packet && core->receiving != NULL) {
        hold_packet(core, floe_connection_next(core, now, core->receiving, &core->packet));
        if (!core->has_packet) {
            core->receiving = NULL;
            settle(core, now);
        }
    }
    if (!core->has_packet) {
        return false;
    }
    core->has_packet = false;
    *packet = core->packet;
    return true;
}

void floe_core_blocked(floe_core *core, uint32_t channel)
{
    floe_base *base = floe_base_of_channel(core, channel);

    if (base != NULL) {
        base->blocked = true;
    } else {
        floe_connection_blocked(core, channel);
    }
}

void floe_core_writable(floe_core *core, floe_time now, uint32_t channel)
{
    floe_base *base = floe_base_of_channel(core, channel);
    floe_connection *connection = floe_connection_of_channel(core, channel);

    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    if (base != NULL) {
        floe_base_writable(core, base);
    } else if (connection != NULL) {
        floe_connection_writable(core, now, connection);
    }
    settle(core, now);
}

/* What came back with the error, if it is enough to tell the transaction, must be what we sent. */
static bool is_ours(const floe_stun_transaction *transaction, const void *data, size_t size)
{
    if (!floe_stun_transaction_runs(transaction) || data == NULL) {
        return data == NULL && floe_stun_transaction_runs(transaction);
    }
    floe_reader reader = floe_reader_of(data, size);
    floe_read_skip(&reader, 8);
    floe_span id = floe_read_span(&reader, FLOE_STUN_ID_SIZE);
    return reader.failed ||
           floe_span_equal(id, floe_span_of(transaction->id.bytes, sizeof transaction->id.bytes));
}

/* TURN's messages are none but ours, be it that who asked is gone. */
static bool is_turn(const void *data, size_t size)
{
    floe_reader reader = floe_reader_of(data, data != NULL ? size : 0);
    unsigned type = floe_read_u16(&reader);
    floe_read_skip(&reader, 2);
    uint32_t cookie = floe_read_u32(&reader);
    unsigned method = (type & 0x3E00U) >> 2 | (type & 0xE0U) >> 1 | (type & 0xFU);

    return !reader.failed && cookie == FLOE_STUN_MAGIC_COOKIE && method != FLOE_STUN_BINDING;
}

void floe_core_unreachable(floe_core *core, floe_time now, uint32_t channel,
                           const floe_address *remote, floe_unreachable reason, const void *data,
                           size_t size)
{
    floe_base *base = floe_base_of_channel(core, channel);
    floe_connection *connection = floe_connection_of_channel(core, channel);
    floe_address to = floe_address_normalise(*remote);

    if (connection != NULL && core->state != FLOE_GATHERER_STATE_CLOSED) {
        if (connection->state != FLOE_CONNECTION_READY) {
            floe_failure failure =
                floe_connection_failure(connection, FLOE_FAILURE_UNREACHABLE, now);
            failure.detail = (uint8_t)reason;
            floe_connection_failed(core, now, connection, failure);
        } else if (connection->owner != NULL) {
            connection->calls->unreachable(core, now, connection->owner, reason);
        }
        settle(core, now);
        return;
    }
    if (base == NULL || core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_span sent = floe_span_of(data, data != NULL ? size : 0);
    bool of_server = is_turn(data, size);
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->base == base && floe_relay_lives(relay) &&
            relay->transport == FLOE_PROTOCOL_UDP && floe_address_equal(&relay->turn.server, &to)) {
            floe_address peer;
            of_server = true;
            if (floe_relay_peer_of(relay, now, sent, &peer)) { /* the owner's, in its wrapping */
                floe_unreached_tell(core, now,
                                    floe_packet_id(base, relay, FLOE_TCP_TYPE_NONE, peer.family),
                                    &peer, reason);
            }
            floe_relay_unreachable(core, now, relay, reason,
                                   is_ours(&relay->turn.transaction, data, size));
        }
    }
    FLOE_LIST_EACH(binding, &base->bindings, floe_binding, link)
    {
        bool to_it = floe_address_equal(&binding->remote, &to);
        of_server = of_server || to_it;
        if (to_it && is_ours(&binding->transaction, data, size)) {
            floe_binding_unreachable(core, now, binding, reason);
        }
    }
    if (!of_server) { /* so it was the owner's */
        floe_unreached_tell(core, now, floe_packet_id(base, NULL, FLOE_TCP_TYPE_NONE, 0), &to,
                            reason);
    }
    settle(core, now);
}

/* L10: a pool begins as soon as the time is known. */
static bool pool_is_due(const floe_core *core)
{
    return core->pool_wanted && core->state == FLOE_GATHERER_STATE_NEW;
}

void floe_core_time(floe_core *core, floe_time now)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    if (pool_is_due(core)) {
        core->pool_wanted = false;
        core->pooled = true;
        tell_and_begin(core, now);
    }
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_relay_lives(relay)) {
            floe_relay_time(core, now, relay);
        }
    }
    FLOE_LIST_EACH(connection, &core->connections, floe_connection, link)
    {
        if (connection->state < FLOE_CONNECTION_CLOSING) {
            floe_connection_time(core, now, connection);
        }
    }
    floe_bindings_time(core, now);
    settle(core, now);
}

void floe_core_woke(floe_core *core, floe_time now)
{
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        FLOE_LIST_EACH(binding, &base->bindings, floe_binding, link)
        {
            floe_binding_doubt(core, now, binding);
        }
    }
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        floe_relay_woke(relay, now);
    }
    floe_core_time(core, now);
}

floe_time floe_core_deadline(const floe_core *core)
{
    floe_time deadline = floe_time_min(core->give_up, core->grace);

    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return FLOE_TIME_NEVER;
    }
    if (pool_is_due(core)) {
        return (floe_time){0};
    }
    deadline = floe_time_min(deadline, core->services_end);
    deadline = floe_time_min(deadline, floe_pacer_deadline(core));
    deadline = floe_time_min(deadline, floe_pairs_deadline(core));
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        deadline = floe_time_min(deadline, floe_relay_deadline(relay));
    }
    FLOE_LIST_EACH(connection, &core->connections, floe_connection, link)
    {
        deadline = floe_time_min(deadline, floe_connection_deadline(connection));
    }
    return floe_time_min(deadline, floe_agenda_deadline(&core->agenda));
}

/* L7: nothing that waited is told any more; then the last packets, the sockets, the state. */
void floe_core_close(floe_core *core, floe_time now)
{
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    core->state = FLOE_GATHERER_STATE_CLOSED;
    core->pooled = false;
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        bool waits = floe_list_linked(&base->output.link) && base->state != FLOE_BASE_CLOSING;
        if (waits || base->state == FLOE_BASE_FAILED) {
            floe_tree_remove(&core->channels, &base->by_channel);
            base->channel = 0; /* never opened */
        }
        if (floe_list_linked(&base->name_output.link)) {
            base->published = base->name_output.kind == FLOE_OUTPUT_UNPUBLISH;
        }
    }
    floe_untell_all(core);
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->state == FLOE_RELAY_RELEASING) {
            floe_tell(core, &relay->output, FLOE_OUTPUT_SEND_RELAY);
        } else {
            floe_relay_release(core, now, relay);
        }
    }
    floe_relays_sweep(core);
    FLOE_LIST_EACH(connection, &core->connections, floe_connection, link)
    {
        floe_connection_end(core, connection);
    }
    floe_connections_sweep(core);
    free_parts(core);
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        floe_base_unpublish(core, base);
        if (base->channel != 0) {
            floe_tell(core, &base->output, FLOE_OUTPUT_CLOSE);
        }
    }
    floe_tell(core, &core->closed_output, FLOE_OUTPUT_CLOSED);
}

/* What can be asked of it. */

enum floe_gatherer_state floe_core_state(const floe_core *core)
{
    return core->pooled ? FLOE_GATHERER_STATE_NEW : core->state;
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
    memcpy(made.username_fragment, core->credentials.username_fragment,
           sizeof core->credentials.username_fragment);
    memcpy(made.password, core->credentials.password, sizeof core->credentials.password);
    made.ice_lite = core->shared->ice_lite;
    floe_give_struct(parameters, &made, sizeof made);
    floe_wipe(made.password, sizeof made.password);
    return FLOE_OK;
}

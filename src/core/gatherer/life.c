/* A gatherer's life (L1 to L13): it is made, gathers, restarts, closes. */
#include "core/gatherer/life.h"

#include "base/error.h"
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/candidate/host.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/gatherer/credentials.h"
#include "core/gatherer/face.h"
#include "core/outbox/failure.h"
#include "core/outbox/outbox.h"
#include "core/plan/completion.h"
#include "core/plan/network.h"
#include "core/plan/pair.h"
#include "core/plan/renewal.h"
#include "core/plan/servers.h"
#include "core/server/server.h"
#include "core/server/server_set.h"
#include "core/socket/connection.h"
#include "core/socket/tcp_peer.h"
#include "core/source/binding.h"
#include "core/source/pacer.h"
#include "core/source/relay.h"
#include "core/source/tcp_mapping.h"

#include <string.h>

const char *floe_gatherer_state_name(enum floe_gatherer_state state)
{
    static const char *const names[] = {"", "new", "gathering", "complete", "closed"};

    return (size_t)state < sizeof names / sizeof *names ? names[state] : "";
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
    floe_outputs_init(&core->outputs);
    floe_agenda_init(&core->times);
    floe_agenda_init(&core->agenda);
    floe_agenda_init(&core->starts);
    floe_tree_init(&core->untold);
    floe_tree_init(&core->channels);
    floe_tree_init(&core->ips);
    floe_tree_init(&core->addresses);
    floe_tree_init(&core->priorities);
    return core;
}

/* FLOE_ERR_NO_MEMORY: it is as it was. */
static floe_error want_pool(floe_core *core, bool wanted)
{
    if (wanted && core->pool == NULL) {
        core->pool = floe_allocate(&core->shared->allocator, sizeof *core->pool);
        if (core->pool == NULL) {
            return FLOE_ERR_NO_MEMORY;
        }
        floe_outputs_init(&core->pool->held);
    }
    core->pool_wanted = wanted;
    return FLOE_OK;
}

/* N1. Likewise; what is there stays, as nobody asks where the options do not say so. */
static floe_error want_changes(floe_core *core, bool wanted)
{
    return wanted ? floe_network_begin(core) : FLOE_OK;
}

static void take_options(floe_gather_options *given, const floe_gather_options *options)
{
    if (options != NULL) {
        floe_take_struct(given, options, FLOE_GATHER_OPTIONS_SIZES);
    }
}

floe_error floe_gather_new(floe_core_shared *shared, const floe_gather_options *options,
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
        made->types = made->set->types;
        error = want_pool(made, given.candidate_pool_size > 0);
    }
    if (error == FLOE_OK) {
        error = want_changes(made, given.continual);
    }
    if (error == FLOE_OK) {
        floe_restart_options own = {.username_fragment = given.username_fragment,
                                    .password = given.password};
        error = floe_credentials_make(made, &own, &made->credentials);
    }
    if (error == FLOE_OK) {
        error = floe_random_fill(&shared->random, made->foundation_secret,
                                 sizeof made->foundation_secret);
    }
    if (error != FLOE_OK) {
        floe_gather_free(made);
        return error;
    }
    *core = made;
    return FLOE_OK;
}

floe_core *floe_gather_new_alone(floe_core_shared *shared, const floe_server *server, uint8_t types,
                                 uint8_t transports)
{
    floe_core *made = core_with_lists(shared, 1);

    if (made == NULL) {
        return NULL;
    }
    made->set = floe_server_set_alone(shared, server, types, transports);
    made->types = types;
    if (made->set == NULL || floe_core_receive_packets(made, true) != FLOE_OK ||
        want_changes(made, true) != FLOE_OK) {
        floe_gather_free(made);
        return NULL;
    }
    return made;
}

floe_error floe_gather_new_associated(floe_core *core, floe_core **associated)
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
    if (made->set == NULL || want_pool(made, core->pool_wanted || core->pooled) != FLOE_OK ||
        want_changes(made, made->set->continual) != FLOE_OK) {
        floe_gather_free(made);
        return FLOE_ERR_NO_MEMORY;
    }
    made->policy = made->set->policy;
    made->types = made->set->types;
    floe_credentials_take(made, &core->credentials);
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
    FLOE_RING_EACH_SAFE(pair, &core->pairs, floe_pair, link)
    {
        floe_pair_free(core, pair);
    }
    FLOE_RING_EACH_SAFE(found, &core->found, floe_found, link)
    {
        floe_found_free(core, found);
    }
}

void floe_gather_free(floe_core *core)
{
    if (core == NULL) {
        return;
    }
    if (core->associated != NULL) {
        core->associated->associated = NULL;
    }
    floe_untell_all(core);
    free_parts(core);
    FLOE_RING_EACH_SAFE(relay, &core->relays, floe_relay, link)
    {
        floe_relay_free(core, relay);
    }
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        floe_tcp_mappings_end(core, base->listener);
        floe_tcp_peers_end(core, base->listener);
    }
    FLOE_LIST_EACH_SAFE(connection, floe_connections_of(core), floe_connection, link)
    {
        floe_connection_free(core, connection);
    }
    FLOE_RING_EACH_SAFE(base, &core->bases, floe_base, link)
    {
        floe_bindings_end(core, base);
        floe_base_free(core, base);
    }
    floe_server_set_free(core->shared, core->set);
    floe_server_set_free(core->shared, core->coming_set);
    floe_server_set_free(core->shared, core->next_set);
    FLOE_RING_EACH_SAFE(set, &core->retired, floe_server_set, link)
    {
        floe_ring_remove(&core->retired, &set->link);
        floe_server_set_free(core->shared, set);
    }
    floe_allocator allocator = core->shared->allocator;
    floe_network_free(core);
    floe_deallocate(&allocator, core->connections);
    floe_deallocate(&allocator, core->pool);
    floe_deallocate(&allocator, core->unreached);
    if (core->arrival != NULL) {
        floe_deallocate(&allocator, core->arrival->check);
        floe_deallocate(&allocator, core->arrival);
    }
    floe_credentials_forget(core);
    floe_deallocate(&allocator, core);
}

void floe_core_settle(floe_core *core, floe_time now)
{
    floe_core_is_told(core, now);
    core->settled++;
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    floe_pairs_time(core, now);
    floe_pacer_run(core, now);
    floe_completion_check(core, now);
    floe_relays_settle(core);
    floe_connections_sweep(core);
}

/* Inputs. */

static void set_out(floe_core *core, floe_time now)
{
    core->state = FLOE_GATHERER_STATE_GATHERING;
    core->started = now;
    core->give_up = floe_time_after(now, core->shared->gather_timeout);
    core->services_end = FLOE_TIME_NEVER;
    core->made_up = false;
    core->gathering = (floe_duration){0};
}

static void begin(floe_core *core, floe_time now)
{
    set_out(core, now);
    if (!core->gathered) {
        floe_pacer_begin(core, now);
    }
    core->interfaces_known = false;
    core->interfaces_asked = false;
    floe_network_forget(core);
    floe_servers_advance(core);
    floe_found_apply_policy(core);
    floe_bases_apply_policy(core);
    floe_untell(&core->list_output); /* behind what has been told meanwhile */
    floe_tell(core, &core->list_output, FLOE_OUTPUT_LIST_INTERFACES);
}

void floe_core_gather_change(floe_core *core, floe_time now)
{
    if (floe_is_told(&core->complete_output) &&
        core->complete_output.kind == FLOE_OUTPUT_COMPLETE) {
        floe_untell(&core->complete_output); /* nobody has heard that it was: it goes on */
    } else {
        floe_tell(core, &core->gathering_output, FLOE_OUTPUT_GATHERING);
    }
    set_out(core, now);
    floe_renewal_of_change(core);
}

/* That it does is told first. */
static void tell_and_begin(floe_core *core, floe_time now)
{
    floe_tell(core, core->pooled ? &core->pool->output : &core->gathering_output,
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
    case FLOE_OUTPUT_LISTENER_ERROR:
        return true;
    case FLOE_OUTPUT_BASE_ERROR: /* its name's is told once */
        return FLOE_CONTAINER(output, floe_base_past, error_output)->failure == FLOE_FAILURE_OPEN;
    default:
        return false;
    }
}

/* Takes off, of what a pool holds, that somebody has failed. */
static void untell_held_errors(floe_core *core)
{
    FLOE_OUTPUTS_EACH(output, floe_held(core))
    {
        if (output->kind == FLOE_OUTPUT_TOLD_ERROR) {
            floe_untell_error(core, output);
        } else if (is_error(output)) {
            floe_untell(output);
        }
    }
}

/* L10: what it has found is told, in its order; and as that may not be all by now, nor stand any more,
 * gathering begins anew behind it. */
static void use_pool(floe_core *core, floe_time now)
{
    bool again = core->state == FLOE_GATHERER_STATE_COMPLETE;
    floe_output *held;

    core->pooled = false;
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        relay->known = relay->known || floe_found_of_relay(relay->base, relay);
    }
    if (again) {
        untell_held_errors(core);
        floe_untell(&core->complete_output);
    }
    while ((held = floe_outputs_take(&core->pool->held)) != NULL) {
        floe_outputs_append(&core->outputs, held);
    }
    if (again) {
        begin(core, now);
    }
}

floe_error floe_gather_start(floe_core *core, floe_time now)
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

floe_error floe_gather_set_options(floe_core *core, floe_time now,
                                   const floe_gather_options *options)
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
    bool is_new = floe_core_state(core) == FLOE_GATHERER_STATE_NEW;
    if (want_changes(core, given.continual) != FLOE_OK ||
        (is_new && want_pool(core, given.candidate_pool_size > 0) != FLOE_OK)) {
        floe_server_set_free(core->shared, set);
        return FLOE_ERR_NO_MEMORY;
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
    floe_core_settle(core, now);
    return FLOE_OK;
}

/* One component: its parameters are there. */
static void restart_one(floe_core *core, floe_time now)
{
    bool seen = floe_core_state(core) != FLOE_GATHERER_STATE_NEW ||
                floe_is_told(&core->new_output); /* of a restart just before */
    bool pooled = core->pooled;

    floe_renewal_interrupt(core, now);
    core->pool_wanted = core->pool_wanted || pooled;
    if (seen) {
        floe_tell(core, &core->new_output, FLOE_OUTPUT_NEW);
    }
    floe_core_settle(core, now);
}

floe_error floe_gather_restart(floe_core *core, floe_time now, const floe_restart_options *options)
{
    floe_restart_options own = {0};

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
    if (options != NULL) {
        floe_take_struct(&own, options, FLOE_RESTART_OPTIONS_SIZES);
    }
    floe_credentials made = {0};
    floe_error error = floe_credentials_make(core, &own, &made);
    if (error == FLOE_OK) {
        error = floe_credentials_are_new(core, &made);
    }
    if (error == FLOE_OK) {
        floe_credentials_take(core, &made);
        restart_one(core, now);
        floe_core *other = core->associated;
        if (other != NULL && other->state != FLOE_GATHERER_STATE_CLOSED) {
            floe_credentials_take(other, &made);
            restart_one(other, now);
        }
    }
    floe_credentials_drop(core, &made);
    return error;
}

bool floe_core_pool_is_due(const floe_core *core)
{
    return core->pool_wanted && core->state == FLOE_GATHERER_STATE_NEW;
}

void floe_core_begin_pool(floe_core *core, floe_time now)
{
    if (floe_core_pool_is_due(core)) {
        core->pool_wanted = false;
        core->pooled = true;
        tell_and_begin(core, now);
    }
}

/* L7: nothing that waited is told any more; then the last packets, the sockets, the state. */
void floe_gather_close(floe_core *core, floe_time now)
{
    floe_core_is_told(core, now);
    if (core->state == FLOE_GATHERER_STATE_CLOSED) {
        return;
    }
    core->state = FLOE_GATHERER_STATE_CLOSED;
    core->pooled = false;
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        bool waits = floe_is_told(&base->output) && base->state != FLOE_BASE_CLOSING;
        if (waits || base->state == FLOE_BASE_FAILED) {
            floe_base_never_opened(core, base);
        }
        if (base->listener != NULL) {
            floe_listener_forsake(base->listener);
        }
        if (base->named != NULL && floe_is_told(&base->named->output)) {
            base->published = base->named->output.kind == FLOE_OUTPUT_UNPUBLISH;
        }
    }
    floe_untell_all(core);
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_relay_lives(relay)) {
            floe_relay_release(core, now, relay);
        } else {
            floe_relay_part(core, now, relay);
        }
    }
    floe_relays_sweep(core);
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        floe_tcp_mappings_end(core, base->listener);
        floe_tcp_peers_end(core, base->listener);
    }
    FLOE_LIST_EACH(connection, floe_connections_of(core), floe_connection, link)
    {
        floe_connection_end(core, connection);
    }
    floe_connections_sweep(core);
    floe_untell_events(core); /* that its candidates are withdrawn */
    free_parts(core);
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        floe_base_unpublish(core, base);
        floe_listener_end(core, base);
        if (base->channel != 0) {
            floe_tell(core, &base->output, FLOE_OUTPUT_CLOSE);
        }
    }
    floe_tell(core, &core->new_output, FLOE_OUTPUT_CLOSED);
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
    floe_put_text(made.username_fragment, sizeof made.username_fragment,
                  floe_username_fragment(&core->credentials));
    floe_put_text(made.password, sizeof made.password, floe_password(&core->credentials));
    made.ice_lite = core->shared->ice_lite;
    floe_give_struct(parameters, &made, FLOE_PARAMETERS_SIZES);
    floe_wipe(made.password, sizeof made.password);
    return FLOE_OK;
}

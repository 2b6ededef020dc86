/* A run of a world that changes: its turns, and its end. */
#include "change.h"

#include <stdlib.h>
#include <string.h>

void change_violated(sim_changing_world *change, const char *format, ...)
{
    char text[400];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    world_violated(change->world, "%s", text);
}

void world_peer_refused(sim_world *world, size_t server, unsigned peer)
{
    if (world->change != NULL) {
        world->change->refused[server][peer] = world->now;
    }
}

void change_turn(sim_changing_world *change, const sim_owner *owner)
{
    change->world->core = owner->core;
    change->world->life = owner->life;
    change->world->closing = owner->closed;
}

sim_owner *change_owner_of_life(sim_changing_world *change, size_t life)
{
    for (size_t i = 0; i < change->owner_count; i++) {
        if (change->owners[i].life == life) {
            return &change->owners[i];
        }
    }
    return NULL;
}

/* ── Turns ── */

/* Outputs of one may be the doing of another: a restart is both components'. */
static void settle(sim_changing_world *change)
{
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < change->owner_count; i++) {
            driver_outputs(change, &change->owners[i]);
        }
    }
    for (size_t i = 0; i < change->owner_count; i++) {
        audit(change, &change->owners[i]);
    }
}

/* When the core's timer fires: late, and not while the process stands still. */
static uint64_t timer_of(const sim_changing_world *change, const sim_owner *owner)
{
    uint64_t due = owner->core != NULL ? floe_core_deadline(owner->core).ns : UINT64_MAX;

    if (due == UINT64_MAX) {
        return due;
    }
    due = due > change->asleep ? due : change->asleep;
    due += change->quiet ? 0 : change->plan->late.timers_ms * SIM_MS;
    return due > change->stopped_until ? due : change->stopped_until;
}

static sim_owner *first_timer(sim_changing_world *change, uint64_t *due)
{
    sim_owner *first = NULL;

    *due = UINT64_MAX;
    for (size_t i = 0; i < change->owner_count; i++) {
        uint64_t one = timer_of(change, &change->owners[i]);
        if (one < *due) {
            *due = one;
            first = &change->owners[i];
        }
    }
    return first;
}

static void take_turn(sim_changing_world *change)
{
    sim_world *world = change->world;
    sim_event *event = world_take_event(world);

    if (event->kind == SIM_EVENT_TO_CLIENT && change->sleeps &&
        world->now < change->stopped_until) {
        free(event);
        return;
    }
    if (driver_is_input(event) && world->now < change->stopped_until) {
        world_put_back(world, event, change->stopped_until);
        return;
    }
    driver_event(change, event);
    free(event);
}

void change_run_until(sim_changing_world *change, uint64_t end)
{
    sim_world *world = change->world;
    uint64_t turns_at = world->now;
    size_t turns = 0;

    while (*world->report->violation == '\0') {
        uint64_t timer;

        settle(change);
        sim_owner *owner = first_timer(change, &timer);
        uint64_t event_at = world->event_count > 0 ? world->events[0]->at : UINT64_MAX;
        bool timers_first =
            timer < event_at || (timer == event_at && change->plan->late.timers_first);
        uint64_t next = timers_first ? timer : event_at;
        if (next > end) {
            world->now = end;
            return;
        }
        turns = next / SIM_SECOND == turns_at / SIM_SECOND ? turns + 1 : 0;
        turns_at = next;
        if (turns > 50000) {
            change_violated(change, "V8: a core never rests");
            change->asleep = world->now + SIM_SECOND;
            turns = 0;
        }
        world->report->steps++;
        world->now = next > world->now ? next : world->now;
        if (timers_first) {
            change_turn(change, owner);
            owner->steps = 0;
            floe_core_time(owner->core, world_time(world));
        } else {
            take_turn(change);
        }
    }
}

/* ── A run ── */

static void begin(sim_changing_world *change, floe_core_shared *shared)
{
    const sim_changing *plan = change->plan;

    for (unsigned i = 0; i < plan->owners; i++) {
        sim_owner *owner = owner_new(change);
        owner->checks = true;
        if (!owner_make(change, owner, i == 1 && plan->associated ? NULL : shared)) {
            change_violated(change, "L2: gatherer %u: %s", i, floe_last_error());
        }
    }
}

/* L7: nothing is left on servers that were there to hear of the end. */
static void check_left(sim_changing_world *change)
{
    const sim_world *world = change->world;

    for (size_t i = 0; i < world->allocation_count; i++) {
        const sim_allocation *allocation = &world->allocations[i];
        const sim_server *server = &change->network.servers[allocation->server];
        const sim_owner *owner = change_owner_of_life(change, allocation->life);
        bool freed = owner != NULL && !owner->closed;
        if (!allocation->strange && allocation->expires > world->now && !freed &&
            server->nonce != SIM_NONCE_ONE_USE && server->fails == 0 && server->drops == 0 &&
            server->temper != SIM_FULL_AFTER_TWO && !account_was_refused(change, &allocation->id) &&
            !world_mapping_is_dead(world, &allocation->client) &&
            allocation->made >= change_good_since(change, allocation->server, SIZE_MAX)) {
            change_violated(change, "L7: an allocation was left on server %zu", allocation->server);
        }
    }
}

static void end(sim_changing_world *change)
{
    sim_world *world = change->world;

    for (size_t i = 0; i < change->owner_count; i++) {
        owner_close(change, &change->owners[i]);
    }
    settle(change);
    for (size_t i = 0; i < change->owner_count; i++) {
        sim_owner *owner = &change->owners[i];
        if (owner->core != NULL) {
            audit_closed(change, owner);
            floe_core_free(owner->core);
            owner->core = NULL;
        }
    }
    world->core = NULL;
    change_run_until(change, world->now + 3 * SIM_SECOND);
    check_left(change);
}

static void run(sim_changing_world *change, floe_core_shared *shared)
{
    sim_world *world = change->world;

    begin(change, shared);
    change_plan(change);
    change_run_until(change, world->now + change->plan->life_ms * SIM_MS);
    change_calm(change);
    change_run_until(change, world->now + 150 * SIM_SECOND);
    unsigned owners = change->plan->owners;
    for (unsigned i = 0; i < owners; i++) {
        fresh_compare(change, &change->owners[i]);
    }
    end(change);
}

bool sim_run_changing(const sim_changing *plan, FILE *trace, sim_report *report, char *fresh)
{
    sim_world *world = calloc(1, sizeof *world);
    sim_changing_world *change = calloc(1, sizeof *change);
    counting_allocator memory;
    char fingerprint[128];
    floe_core_shared *shared = NULL;

    if (world == NULL || change == NULL) {
        abort();
    }
    memset(report, 0, sizeof *report);
    report->trace_hash = 14695981039346656037U;
    counting_init(&memory);
    change->world = world;
    change->plan = plan;
    change->network = plan->network;
    change->network.settings.allocator = &memory.table;
    change->network.settings.proxy = sim_proxy_url(&plan->network.proxy);
    world->change = change;
    world->config = &change->network;
    world->report = report;
    world->seen = &report->gatherers[0];
    world->trace = trace;
    world->memory = &memory;
    world->on_packet = episode_packet;
    world->now = SIM_SECOND;
    seeded_init(&world->random, plan->seed ^ 0x3333333333333333U);
    seeded_init(&world->secrets, plan->seed ^ 0x5555555555555555U);
    for (size_t i = 0; i < plan->network.server_count; i++) {
        if (plan->network.servers[i].transport >= FLOE_PROTOCOL_TLS) {
            change->network.settings.tls_ca_file = tls_ca_file();
            if (plan->client_certificate) {
                change->network.settings.tls_certificate_file = tls_client_file();
                change->network.settings.tls_key_file = tls_client_file();
            }
            if (plan->pinned) {
                tls_fingerprint(TLS_SELF_SIGNED, fingerprint, sizeof fingerprint);
                change->network.settings.tls_fingerprint = fingerprint;
            }
        }
    }
    for (size_t i = 0; i < plan->network.interface_count; i++) {
        world->down[i] = !plan->network.interfaces[i].up;
    }
    world_set_clock(world);
    if (floe_core_shared_new(&change->network.settings, &world->secrets.table, &shared) ==
        FLOE_OK) {
        world->shared = shared;
        run(change, shared);
        for (size_t i = 0; i < change->owner_count; i++) {
            floe_core_free(change->owners[i].core); /* where a violation has ended it */
        }
        floe_core_shared_free(shared);
    } else {
        world_violated(world, "the settings are refused: %s", floe_last_error());
    }
    if (memory.live != 0) {
        world_violated(world, "%zu pieces of memory were not given back", memory.live);
    }
    if (fresh != NULL) {
        (void)snprintf(fresh, sizeof change->fresh, "%s", change->fresh);
    }
    while (world->event_count > 0) {
        free(world_take_event(world));
    }
    world_set_clock(NULL);
    associations_free(world);
    directs_free(world);
    free(world->events);
    free(world);
    free(change);
    return *report->violation == '\0';
}

void sim_other_way(const sim_changing *plan, sim_changing *other)
{
    *other = *plan;
    other->network.backwards = true;
    other->late.opens_ms = other->late.opens_ms < 300 ? 300 : other->late.opens_ms;
}

/* N1: to hear of changes where there are none is to hear of nothing: not a packet, not an event. */
static bool check_undisturbed(const sim_changing *plan, sim_report *report)
{
    static sim_report other_report;
    static sim_changing other;

    for (size_t i = 0; i < plan->change_count; i++) {
        sim_change_kind kind = plan->changes[i].kind;
        bool stops = kind == SIM_PROCESS_STOPS || kind == SIM_MACHINE_SLEEPS;
        if (kind == SIM_INTERFACE_GOES || (stops && plan->late.lists_ms > 0)) {
            return true;
        }
    }
    uint32_t timeout = plan->network.settings.gather_timeout_ms;
    timeout = timeout == 0 ? 5000 : timeout;
    /* Whose list it is cannot be told; the next list has what this had not; or a timer that is late
     * fires earlier for another. */
    if (plan->pool || plan->late.lists_fail > 0 || plan->late.lists_ms >= timeout ||
        plan->late.timers_ms > 0) {
        return true;
    }
    other = *plan;
    other.continual = other.restless = true;
    if (sim_run_changing(&other, NULL, &other_report, NULL)) {
        if (report->trace_hash == other_report.trace_hash) {
            return true;
        }
        (void)snprintf(other_report.violation, sizeof other_report.violation,
                       "N1: it makes a difference to hear that the network may have changed");
    }
    *report = other_report;
    return false;
}

bool sim_check_changing(const sim_changing *plan, sim_report *report)
{
    static sim_report other_report;
    static char found[sizeof((sim_changing_world *)NULL)->fresh];
    static char other_found[sizeof found];
    static sim_changing other;

    if (!sim_run_changing(plan, NULL, report, found)) {
        return false;
    }
    if (plan->seed % 4 == 2 && !plan->continual) {
        return check_undisturbed(plan, report);
    }
    if (plan->seed % 4 != 0) {
        return true;
    }
    sim_other_way(plan, &other);
    if (sim_run_changing(&other, NULL, &other_report, other_found)) {
        if (strcmp(found, other_found) == 0) {
            return true;
        }
        (void)snprintf(other_report.violation, sizeof other_report.violation,
                       "the other way round there is not the same");
    }
    *report = other_report;
    return false;
}

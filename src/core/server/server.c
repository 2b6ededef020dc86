/* A server: whether it is one of today's, where it is, and what it has refused. */
#include "core/server/server.h"

#include "core/config/shared.h"
#include "core/core.h"

bool floe_server_current(const floe_core *core, const floe_server *server)
{
    for (size_t i = 0; i < core->set->count; i++) {
        if (server == &core->set->servers[i]) {
            return true;
        }
    }
    return false;
}

const floe_server *floe_server_successor(const floe_core *core, const floe_server *server)
{
    for (size_t i = 0; i < core->set->count; i++) {
        if (floe_url_same_place(core->set->servers[i].url, server->url)) {
            return &core->set->servers[i];
        }
    }
    return NULL;
}

/* RFC 8656 §7.4: "wait at least 1 minute before trying to create any more allocations on this
 * server". Other options are other servers: what their owner has changed is tried at once. */
#define REFUSED_FOR floe_seconds(60)

/* Those that are over are forgotten, and one that is of the same. */
static void forget_refusals(const floe_core_shared *shared, floe_server *server, floe_time now,
                            const floe_refusal *same)
{
    FLOE_RING_EACH_SAFE(refusal, &server->refusals, floe_refusal, link)
    {
        if (floe_time_reached(now, refusal->until) ||
            (refusal->beside == same->beside &&
             floe_address_same_ip(&refusal->asked, &same->asked))) {
            floe_ring_remove(&server->refusals, &refusal->link);
            floe_deallocate(&shared->allocator, refusal);
        }
    }
}

void floe_server_refuses(floe_core *core, floe_time now, const floe_server *server,
                         floe_relay_kind kind, const floe_address *asked, uint16_t code)
{
    floe_refusal made = {.asked = *asked,
                         .until = floe_time_after(now, REFUSED_FOR),
                         .code = code,
                         .beside = floe_relay_beside(kind)};

    if (!floe_server_current(core, server)) {
        return;
    }
    floe_server *of = &core->set->servers[server->index];
    forget_refusals(core->shared, of, now, &made);
    floe_refusal *refusal = floe_allocate(&core->shared->allocator, sizeof *refusal);
    if (refusal == NULL) {
        floe_core_out_of_memory(core);
        return;
    }
    *refusal = made;
    floe_ring_append(&of->refusals, &refusal->link);
}

void floe_server_has_room(const floe_core *core, floe_server *server, const floe_address *at,
                          bool same_user)
{
    FLOE_RING_EACH_SAFE(refusal, &server->refusals, floe_refusal, link)
    {
        if ((same_user || refusal->code == 508) && floe_address_same_ip(&refusal->asked, at)) {
            floe_ring_remove(&server->refusals, &refusal->link);
            floe_deallocate(&core->shared->allocator, refusal);
        }
    }
}

const floe_refusal *floe_server_refused(const floe_server *server, floe_time now,
                                        floe_relay_kind kind, const floe_address *address)
{
    FLOE_RING_EACH(refusal, &server->refusals, floe_refusal, link)
    {
        if (!floe_time_reached(now, refusal->until) &&
            (!refusal->beside || floe_relay_beside(kind)) &&
            floe_address_same_ip(&refusal->asked, address)) {
            return refusal;
        }
    }
    return NULL;
}

void floe_server_fail(floe_core *core, floe_server *server, floe_failure_kind kind, uint8_t detail)
{
    if (server->told_failed) {
        return;
    }
    server->told_failed = true;
    server->failure = (floe_plain_failure){.kind = (uint8_t)kind, .detail = detail};
    floe_tell(core, &server->output, FLOE_OUTPUT_SERVER_ERROR);
}

static void forget_lookups(const floe_core_shared *shared, floe_names *names)
{
    FLOE_RING_EACH_SAFE(lookup, &names->lookups, floe_lookup, link)
    {
        floe_untell(&lookup->output);
        floe_ring_remove(&names->lookups, &lookup->link);
        floe_deallocate(&shared->allocator, lookup->name);
        floe_deallocate(&shared->allocator, lookup);
    }
}

static void forget_places(const floe_core_shared *shared, const floe_server *server,
                          floe_names *names)
{
    if (names->places != &server->literal) {
        floe_deallocate(&shared->allocator, names->places);
    }
    names->places = NULL;
    names->place_count = 0;
}

void floe_names_forget_anew(const floe_core_shared *shared, floe_server *server)
{
    if (server->anew != NULL) {
        forget_lookups(shared, &server->anew->names);
        forget_places(shared, server, &server->anew->names);
        floe_deallocate(&shared->allocator, server->anew);
        server->anew = NULL;
    }
}

void floe_names_take_over(const floe_core_shared *shared, floe_server *server)
{
    floe_names *anew = &server->anew->names;

    forget_places(shared, server, &server->names);
    server->names.places = anew->places;
    server->names.place_count = anew->place_count;
    anew->places = NULL;
}

void floe_names_forget(const floe_core_shared *shared, floe_server *server)
{
    forget_lookups(shared, &server->names);
    floe_names_forget_anew(shared, server);
}

void floe_names_reset(const floe_core_shared *shared, floe_server *server)
{
    floe_names_forget(shared, server);
    forget_places(shared, server, &server->names);
}

bool floe_names_pending(const floe_names *names)
{
    FLOE_RING_EACH(lookup, &names->lookups, floe_lookup, link)
    {
        if (!lookup->done) {
            return true;
        }
    }
    return false;
}

bool floe_server_pending(const floe_server *server)
{
    return floe_names_pending(&server->names);
}

size_t floe_names_find(const floe_names *names, const floe_address *address, uint8_t transport)
{
    size_t i = 0;

    while (i < names->place_count && !floe_place_is(&names->places[i], address, transport)) {
        i++;
    }
    return i;
}

bool floe_server_is_at(const floe_server *server, const floe_address *address, uint8_t transport)
{
    return floe_names_find(&server->names, address, transport) < server->names.place_count;
}

/* The servers of a member of a mux: a trunk asks each, once for all that have it, and the mux says here what came
 * of it. */
#include "core/plan/elsewhere.h"

#include "core/core.h"

bool floe_elsewhere_pends(const floe_core *core)
{
    for (size_t i = 0; i < core->set->count; i++) {
        if (core->set->servers[i].elsewhere == FLOE_ELSEWHERE_PENDING) {
            return true;
        }
    }
    return false;
}

/* Nobody is silent who has not been asked. */
static bool asks_still(const floe_core *core)
{
    const floe_core *trunk;

    for (size_t n = 0; (trunk = core->share->asks(core->share, n)) != NULL; n++) {
        if (trunk->state == FLOE_GATHERER_STATE_GATHERING &&
            (!trunk->interfaces_known || !floe_ring_empty(&trunk->paced) ||
             trunk->base_counts[FLOE_BASES_AWAITED] > 0)) {
            return true;
        }
    }
    return false;
}

bool floe_elsewhere_has_answered(const floe_core *core)
{
    unsigned waits = 0;
    unsigned has = 0;

    if (asks_still(core)) {
        return false;
    }
    for (size_t i = 0; i < core->set->count; i++) {
        const floe_server *server = &core->set->servers[i];
        unsigned kind = server->url->turn ? 2 : 1;
        waits |= server->elsewhere == FLOE_ELSEWHERE_PENDING ? kind : 0;
        has |= server->elsewhere == FLOE_ELSEWHERE_SETTLED ? kind : 0;
    }
    return waits != 0 && (waits & ~has) == 0;
}

void floe_elsewhere_give_up(floe_core *core, floe_time now)
{
    for (size_t i = 0; i < core->set->count; i++) {
        floe_server *server = &core->set->servers[i];
        if (server->elsewhere == FLOE_ELSEWHERE_PENDING &&
            !core->share->hurry(core->share, now, server)) {
            server->elsewhere = FLOE_ELSEWHERE_FAILED;
        }
    }
    if (floe_time_reached(now, core->give_up)) {
        core->give_up = FLOE_TIME_NEVER;
    }
    core->grace = FLOE_TIME_NEVER;
}

bool floe_elsewhere_any_failed(const floe_core *core)
{
    for (size_t i = 0; i < core->set->count; i++) {
        if (core->set->servers[i].elsewhere == FLOE_ELSEWHERE_FAILED) {
            return true;
        }
    }
    return false;
}

void floe_elsewhere_ask_failed(floe_core *core)
{
    for (size_t i = 0; i < core->set->count; i++) {
        if (core->set->servers[i].elsewhere == FLOE_ELSEWHERE_FAILED) {
            floe_elsewhere_await(&core->set->servers[i]);
        }
    }
}

void floe_elsewhere_await(floe_server *server)
{
    if (server->elsewhere != FLOE_ELSEWHERE_NOT) {
        server->elsewhere = FLOE_ELSEWHERE_PENDING;
    }
}

void floe_elsewhere_end(floe_server *server, bool given)
{
    if (server->elsewhere == FLOE_ELSEWHERE_PENDING) { /* one that failed waits to be asked again */
        server->elsewhere = given ? FLOE_ELSEWHERE_SETTLED : FLOE_ELSEWHERE_FAILED;
    }
}

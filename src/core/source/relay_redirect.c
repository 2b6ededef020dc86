/* Where its server sends a relay: elsewhere (T4, RFC 8489 §10), or to another port of ours (T6). */
#include "core/candidate/base.h"
#include "core/config/allowed.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/failure.h"
#include "core/server/server.h"
#include "core/source/relay_inside.h"
#include "core/source/standing.h"
#include "core/text/url.h"

#include <string.h>

static const char *why_not_there(const floe_core *core, const floe_relay *relay,
                                 const floe_address *to)
{
    if (!floe_address_believable(core->shared, to)) {
        return "it points to an impossible address";
    }
    if (!floe_port_allowed(core->shared, relay->server->url, to->port)) {
        return "it points to a port that settings.refuse_low_ports refuses";
    }
    if (to->family != relay->base->local.family &&
        !floe_url_proxied(core->shared, relay->server->url)) {
        return "it points to an address of the other family";
    }
    if (relay->redirects == FLOE_REDIRECTS_MAX) {
        return "it has pointed elsewhere eight times";
    }
    bool seen = floe_address_equal(to, &relay->turn.server);
    for (size_t i = 0; i < relay->redirects; i++) {
        seen = seen || floe_address_equal(to, &relay->redirected->visited[i]);
    }
    return seen ? "it points back to where we have been" : NULL;
}

/* The name that its certificate must have, where one was given (RFC 8489 §10). */
static bool take_domain(const floe_core *core, floe_relay *relay)
{
    const char *domain = relay->turn.alternate->domain;

    if (*domain == '\0') {
        return true;
    }
    char *copy = floe_copy_text(&core->shared->allocator, domain, strlen(domain));
    if (copy != NULL) {
        floe_deallocate(&core->shared->allocator, relay->redirected->host);
        relay->redirected->host = copy;
    }
    return copy != NULL;
}

static floe_error alternate_account(floe_core *core, const floe_relay *relay,
                                    const floe_address *to, floe_turn_account **account)
{
    const floe_turn_account *own = relay->turn.account;
    char host[FLOE_ADDRESS_TEXT_SIZE];
    floe_url url = *relay->server->url;

    url.host = host;
    (void)floe_address_format(to, host, sizeof host);
    url.port = to->port;
    return floe_shared_account(core->shared, &url, own->username, own->password, own->token,
                               account);
}

void floe_relay_redirect(floe_core *core, floe_time now, floe_relay *relay)
{
    const floe_allocator *allocator = &core->shared->allocator;
    floe_failure failure = {.kind = FLOE_FAILURE_BAD_ANSWER, .remote = relay->turn.server};
    floe_address to = floe_address_normalise(relay->turn.alternate->address);
    floe_turn_account *account = NULL;
    const char *why = why_not_there(core, relay, &to);

    if (why != NULL) {
        floe_failure_set_reason(core, &failure, why);
        floe_relay_fail(core, now, relay, failure);
        return;
    }
    if (relay->redirected == NULL) {
        relay->redirected = floe_allocate(allocator, sizeof *relay->redirected);
        if (relay->redirected != NULL) {
            relay->redirected->asked = relay->turn.server;
        }
    }
    if (relay->redirected != NULL && take_domain(core, relay) &&
        alternate_account(core, relay, &to, &account) == FLOE_OK) {
        relay->redirected->visited[relay->redirects++] = relay->turn.server;
        bool good = floe_relay_restart(core, now, relay, account, &to);
        floe_turn_account_release(account);
        if (good) {
            return;
        }
    }
    failure.kind = FLOE_FAILURE_MEMORY;
    floe_relay_fail(core, now, relay, failure);
}

bool floe_relay_reclaim(floe_core *core, floe_relay *relay)
{
    bool of_another_user = relay->turn.failure.code == 441;
    /* On a socket of a mux stands another trunk's: two names, or a redirect, lead to one server. */
    bool of_another_trunk =
        floe_core_is_trunk(core) && !relay->base->spare && !relay->turn.inherits;

    if (of_another_user || of_another_trunk || floe_relay_ours_beside(relay) != NULL ||
        !floe_turn_allocation_reclaim(&relay->turn)) {
        return false;
    }
    floe_relay_take_turn(core, relay, true);
    return true;
}

/* What is not deleted stays behind. */
static bool take_spare(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_base *spare = floe_base_spare(core, relay->base);

    if (spare == NULL) {
        return false;
    }
    if (!floe_relay_leave_behind(core, now, relay, spare)) {
        floe_base_close(core, spare);
        return false;
    }
    if (relay->attempt != NULL) {
        core->listener->asks_reflexive(core, relay->attempt);
    }
    return true;
}

bool floe_relay_mend_mismatch(floe_core *core, floe_time now, floe_relay *relay)
{
    bool not_cleared = relay->turn.request == FLOE_TURN_REQUEST_CLEAR; /* as the server says */

    if (relay->connection != NULL && !relay->turn.inherits) { /* another one has another port */
        if (relay->rejoined++ > 0) {
            return false;
        }
        floe_relay_give_back(core, now, relay);
        return floe_relay_restart(core, now, relay, relay->turn.account, &relay->turn.server);
    }
    bool refused = relay->turn.failure.code != 0; /* else what it has made itself is no good */
    if (floe_relay_by_datagrams(relay) && refused &&
        ((relay->turn.inherits && floe_relay_reclaim(core, relay)) ||
         floe_relay_await_deletion(core, now, relay, relay->turn.failure.code, false))) {
        return true;
    }
    bool own_first = relay->turn.inherits && !relay->turn.reclaimed_once && !not_cleared;
    bool lets_go =
        relay->turn.reclaimed_once && refused && !not_cleared &&
        relay->turn.failure.code != 441; /* what was deleted: who was there waits for that */
    bool waits = own_first || (lets_go && relay->state != FLOE_RELAY_ASKED);
    if (!relay->base->spare && !waits && take_spare(core, now, relay)) {
        return true;
    }
    return floe_relay_reclaim(core, relay);
}

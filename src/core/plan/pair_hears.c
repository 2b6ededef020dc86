/* What pairs hear of bindings and relays, and of packets that nobody waits for. */
#include "core/candidate/base.h"
#include "core/core.h"
#include "core/outbox/failure.h"
#include "core/plan/names.h"
#include "core/plan/pair_inside.h"
#include "core/server/server.h"
#include "core/source/attempt.h"
#include "core/source/binding.h"
#include "core/source/relay.h"

static floe_pair *pair_of_relay(const floe_relay *relay)
{
    floe_pair *pair = floe_pair_of(relay->origin, relay->server, relay->kind);

    if (pair == NULL || !pair->yielded) {
        return pair;
    }
    FLOE_BASE_RIVALS(rival, pair->base)
    {
        floe_pair *other = floe_pair_of(rival, relay->server, relay->kind);
        if (other != NULL && !other->yielded) {
            return other; /* T1: which is for both families, and had it */
        }
    }
    return NULL;
}

/* Its own address's attempt, or else any: one relay is what the pair wants, and the name may lead
 * elsewhere by now. */
static void adopt(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_place place = {.address = *floe_relay_asked(relay), .transport = relay->transport};
    const floe_pair *pair = pair_of_relay(relay);
    floe_attempt *attempt = pair != NULL ? floe_attempt_at(pair, &place) : NULL;

    if (pair != NULL && (attempt == NULL || attempt->progress != FLOE_PENDING)) {
        attempt = floe_pair_first_pending(pair);
    }
    if (attempt == NULL) {
        return;
    }
    floe_attempt_stop(core, now, attempt);
    attempt->remote = place.address;
    attempt->transport = place.transport;
    floe_attempt_attach(core, attempt, relay);
}

static void relay_back(floe_core *core, const floe_relay *relay)
{
    floe_pair *pair = pair_of_relay(relay);

    if (pair != NULL && pair->progress == FLOE_FAILED) {
        floe_pair_set_progress(core, pair, FLOE_SUCCEEDED);
        pair->server->told_failed = false;
    }
}

static bool refused(const floe_base *base, const floe_server *server, floe_relay_kind kind)
{
    const floe_pair *pair = floe_pair_of(base, server, kind);

    return pair != NULL && pair->progress == FLOE_FAILED &&
           floe_failure_ends_allocate(floe_failure_kept(pair->failure));
}

/* Its attempt has gone with the gathering: what was counted of it stays in another's place (L15). */
static void keep_counters(floe_core *core, floe_pair *pair, const floe_relay *relay)
{
    floe_place place = {.address = *floe_relay_asked(relay), .transport = relay->transport};
    floe_attempt *attempt = relay->attempt == NULL ? floe_attempt_add(core, pair, &place) : NULL;

    if (attempt != NULL) {
        floe_counters_keep(core, &attempt->counters, &relay->counters);
        floe_attempt_set_progress(core, attempt, FLOE_FAILED);
    }
}

/* That nobody answered has been told, and now somebody says why. */
static bool says_more(const floe_pair *pair, const floe_failure *failure)
{
    return pair != NULL && pair->progress == FLOE_FAILED && floe_failure_code(failure) != 701 &&
           floe_failure_code(floe_failure_kept(pair->failure)) == 701;
}

/* Between gatherings, and before one knows the interfaces, nobody looks for what is to be told;
 * while one goes on it does by itself. */
static void relay_ended(floe_core *core, const floe_relay *relay, floe_failure failure,
                        bool for_good)
{
    floe_pair *pair = pair_of_relay(relay);

    if (pair != NULL && for_good) {
        keep_counters(core, pair, relay);
    }
    if (pair != NULL && refused(pair->base, pair->server, pair->kind)) {
        floe_failure_release(core->shared, &failure); /* told before, and nothing has changed */
        return;
    }
    if (for_good || says_more(pair, &failure)) { /* that it was not to be had is another matter */
        relay_back(core, relay);
    }
    if (pair == NULL || pair->progress != FLOE_SUCCEEDED) {
        floe_failure_release(core->shared, &failure);
        return;
    }
    pair->told = pair->url_failed = false; /* of one that succeeded they count for nothing */
    floe_pair_failed(core, pair, failure);
    if (core->state == FLOE_GATHERER_STATE_COMPLETE || !core->interfaces_known) {
        floe_pairs_tell(core);
    }
}

/* Of those on the binding's base. */
static bool asks(const floe_attempt *attempt, const floe_binding *binding)
{
    return attempt->binds && floe_address_equal(&attempt->remote, &binding->remote);
}

static void binding_known(floe_core *core, floe_time now, floe_binding *binding)
{
    FLOE_CHAIN_EACH(pair, &binding->base->pairs, floe_pair, of_base)
    {
        FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            if (floe_address_equal(&attempt->remote, &binding->remote)) {
                floe_attempt_heard(attempt);
            }
            if (asks(attempt, binding) && attempt->progress == FLOE_PENDING) {
                floe_attempt_succeeded(core, now, attempt);
            }
        }
    }
}

static void binding_failed(floe_core *core, floe_time now, floe_binding *binding,
                           const floe_failure *failure)
{
    bool heard = failure->kind == FLOE_FAILURE_SERVER || failure->kind == FLOE_FAILURE_BAD_ANSWER;

    FLOE_CHAIN_EACH(pair, &binding->base->pairs, floe_pair, of_base)
    {
        FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            if (asks(attempt, binding) && attempt->progress == FLOE_PENDING) {
                if (heard) {
                    floe_attempt_heard(attempt);
                }
                floe_failure own = *failure;
                floe_failure_set_reason(core, &own, failure->reason != NULL ? failure->reason : "");
                floe_attempt_failed(core, now, attempt, own);
            }
        }
    }
}

typedef void floe_attempt_note(floe_attempt *attempt);

/* Of those that ask there by the base's address and port. */
static void note_attempts(const floe_core *core, const floe_base *base, const floe_address *source,
                          floe_attempt_note *note)
{
    floe_base *of = NULL;

    while ((of = floe_base_on(core, &base->local, of)) != NULL) {
        if (!floe_address_same_ip(&of->local, &base->local)) {
            continue;
        }
        FLOE_CHAIN_EACH(pair, &of->pairs, floe_pair, of_base)
        {
            FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
            {
                if (floe_address_equal(&attempt->remote, source)) {
                    note(attempt);
                }
            }
        }
    }
}

static void note_late(floe_attempt *attempt)
{
    floe_attempt_answered(attempt, true);
}

void floe_pairs_late_answer(const floe_core *core, const floe_base *base,
                            const floe_address *source)
{
    note_attempts(core, base, source, note_late);
}

static void note_garbled(floe_attempt *attempt)
{
    attempt->garbled = true;
}

void floe_pairs_garbled(const floe_core *core, const floe_base *base, const floe_address *source)
{
    note_attempts(core, base, source, note_garbled);
}

const floe_failure *floe_pairs_failure(const floe_binding *binding)
{
    FLOE_CHAIN_EACH(pair, &binding->base->pairs, floe_pair, of_base)
    {
        FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            if (asks(attempt, binding) && pair->progress == FLOE_FAILED) {
                return floe_failure_kept(pair->failure);
            }
        }
    }
    return NULL;
}

const floe_failure *floe_pairs_relay_failure(const floe_relay *relay)
{
    const floe_pair *pair = pair_of_relay(relay);

    return pair != NULL && pair->progress == FLOE_FAILED ? floe_failure_kept(pair->failure) : NULL;
}

/* Some URL of the gathering leads there: not one that did when it began, and by its end leads
 * elsewhere. */
static bool is_asked(const floe_base *base, const floe_address *remote)
{
    FLOE_CHAIN_EACH(pair, &base->pairs, floe_pair, of_base)
    {
        if (floe_server_is_at(pair->server, remote, FLOE_PROTOCOL_UDP)) {
            return true;
        }
    }
    return false;
}

const floe_source_listener floe_pairs_listener = {.binding_known = binding_known,
                                                  .binding_failed = binding_failed,
                                                  .is_asked = is_asked,
                                                  .succeeded = floe_attempt_succeeded,
                                                  .failed = floe_attempt_failed,
                                                  .again = floe_attempt_again,
                                                  .answered = floe_attempt_answered,
                                                  .asks_reflexive = floe_attempt_asks_reflexive,
                                                  .adopt = adopt,
                                                  .relay_back = relay_back,
                                                  .relay_ended = relay_ended,
                                                  .refused = refused,
                                                  .look_up_again = floe_names_again};

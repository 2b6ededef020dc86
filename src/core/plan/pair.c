/* Pairs of a base and a server: what succeeds or fails as one. What is counted of them, and their failures, each
 * of which is told once (E2). */
#include "core/plan/pair.h"

#include "core/candidate/base.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/plan/pair_inside.h"
#include "core/source/binding.h"
#include "core/source/relay.h"
#include "core/source/tcp_mapping.h"

/* ── What is counted, and listed ──
 *
 * After every input somebody asks whether anything is pending, to be told or to be begun. The
 * answers are kept where a pair changes, so that no walk over all pairs is needed for them. */

static int compare_numbers(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a;
    uint32_t other = *(const uint32_t *)b;

    return (one > other) - (one < other);
}

static const floe_tree_kind by_number = {compare_numbers, FLOE_TREE_KEY(floe_pair, untold, number),
                                         3};

/* E2: of a base and a URL one failure is told: what was asked for beside the first has none. */
static bool is_to_be_told(const floe_pair *pair)
{
    return !pair->told && !floe_relay_beside(pair->kind);
}

/* Its failure is: it is in core->untold, and on no agenda. */
static bool is_untold(const floe_pair *pair)
{
    return pair->progress == FLOE_FAILED && is_to_be_told(pair);
}

static void change(uint16_t *count, bool add)
{
    *count = (uint16_t)(add ? *count + 1 : *count - 1);
}

/* Adds the pair as it stands to what its base and its server count, or takes it away. */
static void tally(floe_core *core, const floe_pair *pair, bool add)
{
    floe_server *server = pair->server;

    if (pair->progress == FLOE_PENDING) {
        change(&pair->base->pending[server->url->turn], add);
        floe_base_changed(core, pair->base);
        change(&server->pairs_pending, add);
        core->pairs_pending += add ? 1U : UINT32_MAX;
    }
    if (pair->progress != FLOE_FAILED) {
        change(&server->pairs_hopeful, add);
    }
    if (is_untold(pair)) {
        change(&server->untold, add);
        if (floe_failure_of_url(floe_failure_kept(pair->failure))) {
            change(&server->untold_of_url, add);
        }
    }
}

/* What is told at one time is so in the order in which the pairs were made. */
static floe_pair *next_untold(const floe_core *core, uint32_t last)
{
    uint32_t number = last + 1;
    floe_tree_node *node = floe_tree_from(&by_number, &core->untold, &number);

    return node != NULL ? FLOE_CONTAINER(node, floe_pair, untold) : NULL;
}

/* Every change of these two goes through here. */
static void set(floe_core *core, floe_pair *pair, floe_progress progress, bool told)
{
    bool was_untold = is_untold(pair);

    tally(core, pair, false);
    pair->progress = (uint8_t)progress;
    pair->told = told;
    tally(core, pair, true);
    if (!was_untold && is_untold(pair)) {
        floe_agenda_set(&core->starts, &pair->alarm, FLOE_TIME_NEVER);
        floe_tree_insert(&by_number, &core->untold, &pair->untold);
    } else if (was_untold && !is_untold(pair)) {
        floe_tree_remove(&by_number, &core->untold, &pair->untold);
        floe_pair_set_alarm(core, pair);
    }
}

void floe_pair_set_progress(floe_core *core, floe_pair *pair, floe_progress progress)
{
    set(core, pair, progress, pair->told);
    if (progress == FLOE_SUCCEEDED) { /* what some of its addresses have said is nothing now */
        floe_failure_drop(core->shared, &pair->failure);
    }
}

void floe_attempt_heard(const floe_attempt *attempt)
{
    const floe_names *names = &attempt->pair->server->names;
    size_t n = floe_names_find(names, &attempt->remote, attempt->transport);

    if (n < names->place_count) {
        names->places[n].heard = true;
    }
}

void floe_attempt_answered(floe_attempt *attempt, bool late)
{
    attempt->answered = attempt->answered || !late;
    attempt->late = attempt->late || late;
    floe_attempt_heard(attempt);
}

void floe_attempt_set_progress(floe_core *core, floe_attempt *attempt, floe_progress progress)
{
    attempt->progress = (uint8_t)progress;
    if (attempt->relay != NULL) {
        floe_relay_touch(core, attempt->relay);
    }
}

void floe_pair_set_alarm(floe_core *core, floe_pair *pair)
{
    floe_time first = FLOE_TIME_NEVER;

    FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (attempt->progress == FLOE_PENDING) {
            first = floe_time_min(first, attempt->start);
        }
    }
    FLOE_ASSERT(!is_untold(pair) || floe_time_is_never(first));
    if (!is_untold(pair)) {
        floe_agenda_set(&core->starts, &pair->alarm, first);
    }
}

void floe_attempt_set_start(floe_core *core, floe_attempt *attempt, floe_time start)
{
    attempt->start = start;
    floe_pair_set_alarm(core, attempt->pair);
}

floe_pair *floe_pair_new(floe_core *core, floe_base *base, floe_server *server,
                         floe_relay_kind kind)
{
    floe_pair *pair = floe_allocate(&core->shared->allocator, sizeof *pair);

    if (pair != NULL) {
        pair->base = base;
        pair->server = server;
        pair->kind = kind;
        pair->number = ++core->last_pair;
        floe_ring_append(&core->pairs, &pair->link);
        floe_chain_append(&base->pairs, &pair->of_base);
        floe_chain_append(&server->pairs, &pair->of_server);
        tally(core, pair, true);
    }
    return pair;
}

static void attempt_free(floe_core *core, floe_attempt *attempt)
{
    if (attempt->relay != NULL) {
        floe_relay_touch(core, attempt->relay);
        attempt->relay->attempt = NULL; /* the allocation may go on into the next gathering */
    }
    if (floe_pair_by_tcp(attempt->pair)) {
        floe_tcp_mapping_leave(attempt->pair->base->listener, attempt);
    }
    floe_chain_remove(&attempt->pair->attempts, &attempt->link);
    floe_deallocate(&core->shared->allocator, attempt->counters);
    floe_deallocate(&core->shared->allocator, attempt);
}

static void rest(floe_core *core, floe_pair *pair)
{
    FLOE_CHAIN_EACH_SAFE(attempt, &pair->attempts, floe_attempt, link)
    {
        if (!floe_attempt_counted(attempt)) {
            attempt_free(core, attempt);
        }
    }
}

void floe_pairs_rest(floe_core *core)
{
    FLOE_RING_EACH(pair, &core->pairs, floe_pair, link)
    {
        if (pair->progress == FLOE_SUCCEEDED) {
            rest(core, pair);
        }
    }
}

void floe_pair_free(floe_core *core, floe_pair *pair)
{
    FLOE_CHAIN_EACH_SAFE(attempt, &pair->attempts, floe_attempt, link)
    {
        attempt_free(core, attempt);
    }
    floe_untell(&pair->output);
    tally(core, pair, false);
    floe_ring_remove(&core->pairs, &pair->link);
    floe_chain_remove(&pair->base->pairs, &pair->of_base);
    floe_chain_remove(&pair->server->pairs, &pair->of_server);
    if (is_untold(pair)) {
        floe_tree_remove(&by_number, &core->untold, &pair->untold);
    } else {
        floe_agenda_set(&core->starts, &pair->alarm, FLOE_TIME_NEVER);
    }
    floe_failure_drop(core->shared, &pair->failure);
    floe_base_forget(core, pair->base);
    floe_deallocate(&core->shared->allocator, pair);
}

/* Of several addresses one may be dead, and another say why: who has answered tells more than who has
 * not, and an address that is refused by ICMP more than one that is silent. */
static unsigned tells(const floe_failure *failure)
{
    switch ((floe_failure_kind)failure->kind) {
    case FLOE_FAILURE_NONE:
    case FLOE_FAILURE_MEMORY:
        return 0;
    case FLOE_FAILURE_TIMEOUT:
        return failure->answered || failure->dropped != FLOE_STUN_BELIEVED ? 3 : 1;
    case FLOE_FAILURE_UNREACHABLE:
    case FLOE_FAILURE_CLOSED:
    case FLOE_FAILURE_OPEN:
        return 2;
    default:
        return 4;
    }
}

void floe_pair_note_failure(floe_core *core, floe_pair *pair, floe_failure failure)
{
    if (pair->failure != NULL && tells(&failure) < tells(pair->failure)) {
        floe_failure_release(core->shared, &failure);
    } else {
        floe_failure_keep(core->shared, &pair->failure, failure);
    }
}

void floe_pair_failed(floe_core *core, floe_pair *pair, floe_failure failure)
{
    if (pair->yielded) {
        floe_failure_release(core->shared, &failure);
        floe_pair_set_progress(core, pair, FLOE_SUCCEEDED);
        return;
    }
    if (pair->progress != FLOE_PENDING) { /* that is over */
        floe_failure_drop(core->shared, &pair->failure);
    }
    floe_pair_note_failure(core, pair, failure);
    floe_pair_set_progress(core, pair, FLOE_FAILED);
}

static const floe_pair *next_of_server(const floe_pair *pair)
{
    return FLOE_CHAIN_NEXT(&pair->server->pairs, pair, floe_pair, of_server);
}

/* What belongs to the URL is told once, with the last of its pairs to end. */
static bool told_by_another(const floe_pair *pair)
{
    if (!floe_failure_of_url(floe_failure_kept(pair->failure))) {
        return false;
    }
    for (const floe_pair *other = next_of_server(pair); other != NULL;
         other = next_of_server(other)) {
        if (other->progress == FLOE_FAILED &&
            floe_failure_of_url(floe_failure_kept(other->failure))) {
            return true;
        }
    }
    return false;
}

/* A failure waits while the server may still get pairs by a look-up; one of the URL, while others
 * of the server pend. */
static bool is_ripe(const floe_server *server)
{
    uint32_t waits = server->pairs_pending > 0 ? server->untold_of_url : 0;

    return server->untold > waits && !floe_server_pending(server);
}

static bool any_is_ripe(const floe_core *core)
{
    for (size_t i = 0; i < core->set->count; i++) {
        if (is_ripe(&core->set->servers[i])) {
            return true;
        }
    }
    return false;
}

static bool has_answered(const floe_attempt *attempt)
{
    return attempt->late || attempt->answered ||
           floe_binding_known(attempt->pair->base, &attempt->remote);
}

/* Whether the server's address has answered another address of ours (another of the server's says
 * nothing of it): somebody has heard of it, and nobody here. */
static bool answers_elsewhere(const floe_pair *pair, const floe_address *remote, uint8_t by)
{
    const floe_names *names = &pair->server->names;
    size_t n = floe_names_find(names, remote, by);

    return n < names->place_count && names->places[n].heard;
}

/* Whether a server that is silent to this pair answers something else: a Binding from here, what
 * another of its URLs asks, another address of ours. */
static void look_for_answers(const floe_core *core, floe_pair *pair)
{
    floe_failure *failure = pair->failure;

    if (failure == NULL) {
        return;
    }
    uint8_t by = failure->transport != FLOE_PROTOCOL_NONE ? failure->transport : FLOE_PROTOCOL_UDP;
    failure->beside = by == FLOE_PROTOCOL_UDP && floe_binding_known(pair->base, &failure->remote);
    FLOE_CHAIN_EACH(other, &pair->base->pairs, floe_pair, of_base)
    {
        FLOE_CHAIN_EACH(attempt, &other->attempts, floe_attempt, link)
        {
            failure->beside =
                failure->beside ||
                (other != pair && attempt->transport == by &&
                 floe_address_equal(&attempt->remote, &failure->remote) && has_answered(attempt));
        }
    }
    failure->beside =
        failure->beside ||
        (by == FLOE_PROTOCOL_UDP && floe_relays_heard(pair->base, &failure->remote, core->started));
    failure->elsewhere = answers_elsewhere(pair, &failure->remote, by);
}

/* Whether the base has something of the server for all that, or may get it. */
static bool stands_beside(const floe_pair *pair)
{
    FLOE_CHAIN_EACH(other, &pair->base->pairs, floe_pair, of_base)
    {
        if (other->server == pair->server && other->progress != FLOE_FAILED) {
            return true;
        }
    }
    return false;
}

static void tell_pair(floe_core *core, floe_pair *pair)
{
    floe_server *server = pair->server;

    if (stands_beside(pair) ||
        (floe_failure_of_url(floe_failure_kept(pair->failure)) && server->pairs_pending > 0)) {
        return;
    }
    look_for_answers(core, pair);
    if (!told_by_another(pair)) {
        if (server->untold == 1 && server->pairs_hopeful == 0) {
            server->told_failed = true;
            pair->url_failed = true;
        }
        floe_tell(core, &pair->output, FLOE_OUTPUT_PAIR_ERROR);
    }
    set(core, pair, FLOE_FAILED, true);
}

/* A failure waits for bases that open too: else none of a server's events could be the one that
 * says that all have failed. */
void floe_pairs_tell(floe_core *core)
{
    if (floe_tree_first(&core->untold) == NULL || core->base_counts[FLOE_BASES_AWAITED] > 0 ||
        !any_is_ripe(core)) {
        return;
    }
    for (floe_pair *pair = next_untold(core, 0); pair != NULL;
         pair = next_untold(core, pair->number)) {
        if (!floe_server_pending(pair->server)) {
            tell_pair(core, pair);
        }
    }
}

floe_attempt *floe_pair_first_pending(const floe_pair *pair)
{
    FLOE_CHAIN_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (attempt->progress == FLOE_PENDING) {
            return attempt;
        }
    }
    return NULL;
}

floe_time floe_pairs_deadline(const floe_core *core)
{
    return floe_agenda_deadline(&core->starts);
}

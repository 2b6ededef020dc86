/* Pairs of a base and a server: the addresses of the server are tried, the first that answers makes
 * the pair succeed, and a pair that fails is told once (E2). A TURN server of both families is
 * asked by whichever of an interface's answers first (T1). */
#include "core/gatherer.h"

/* RFC 8305 §5, Connection Attempt Delay: when the next address of a name is tried beside the one
 * that has not answered yet. */
#define NEXT_ADDRESS_AFTER floe_milliseconds(250)
/* When the server's other places are asked beside the one whose relay of before is asked for: by then
 * a request has been sent three times, and had the time of a long way. */
#define OTHERS_AFTER floe_milliseconds(1600)
/* When a relay is asked about that was told before another. */
#define OLDER_AFTER floe_milliseconds(100)

/* ── What is counted, and listed ──
 *
 * After every input somebody asks whether anything is pending, to be told or to be begun. The
 * answers are kept where a pair changes, so that no walk over all pairs is needed for them. */

int floe_pair_compare(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a;
    uint32_t other = *(const uint32_t *)b;

    return (one > other) - (one < other);
}

/* E2: of a base and a URL one failure is told: what was asked for beside the first has none. */
static bool is_to_be_told(const floe_pair *pair)
{
    return !pair->told && !floe_relay_beside(pair->kind);
}

/* Adds the pair as it stands to what its base and its server count, or takes it away. */
static void tally(floe_core *core, const floe_pair *pair, bool add)
{
    floe_server *server = pair->server;
    uint32_t one = add ? 1U : UINT32_MAX;
    bool untold = pair->progress == FLOE_FAILED && is_to_be_told(pair);

    if (pair->progress == FLOE_PENDING) {
        pair->base->pending[server->url->turn] += one;
        floe_base_changed(core, pair->base);
        server->pairs_pending += one;
        core->pairs_pending += one;
    }
    if (pair->progress != FLOE_FAILED) {
        server->pairs_hopeful += one;
    }
    if (pair->heard) {
        server->pairs_heard += one;
    }
    if (untold) {
        server->untold += one;
        server->untold_of_url += floe_failure_of_url(floe_failure_kept(pair->failure)) ? one : 0;
    }
}

/* What is told at one time is so in the order in which the pairs were made. */
static floe_pair *next_untold(const floe_core *core, uint32_t last)
{
    uint32_t number = last + 1;
    floe_tree_node *node = floe_tree_from(&core->untold, &number);

    return node != NULL ? FLOE_CONTAINER(node, floe_pair, untold) : NULL;
}

/* Every change of these two goes through here. */
static void set(floe_core *core, floe_pair *pair, floe_progress progress, bool told)
{
    tally(core, pair, false);
    pair->progress = (uint8_t)progress;
    pair->told = told;
    tally(core, pair, true);
    floe_tree_remove(&core->untold, &pair->untold);
    if (progress == FLOE_FAILED && is_to_be_told(pair)) {
        floe_tree_insert(&core->untold, &pair->untold);
    }
}

static void set_progress(floe_core *core, floe_pair *pair, floe_progress progress)
{
    set(core, pair, progress, pair->told);
    if (progress == FLOE_SUCCEEDED) { /* what some of its addresses have said is nothing now */
        floe_failure_drop(core->shared, &pair->failure);
    }
}

static void hear(floe_pair *pair)
{
    pair->server->pairs_heard += pair->heard ? 0 : 1U;
    pair->heard = true;
}

static void answered(floe_attempt *attempt, bool late)
{
    attempt->answered = attempt->answered || !late;
    attempt->late = attempt->late || late;
    hear(attempt->pair);
}

/* Its attempts may begin at another time now. */
static void set_alarm(floe_core *core, floe_pair *pair)
{
    floe_time first = FLOE_TIME_NEVER;

    FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (attempt->progress == FLOE_PENDING) {
            first = floe_time_min(first, attempt->start);
        }
    }
    floe_agenda_set(&core->starts, &pair->alarm, first);
}

/* When a pending attempt begins; never: it has, or does not. */
static void set_start(floe_core *core, floe_attempt *attempt, floe_time start)
{
    attempt->start = start;
    set_alarm(core, attempt->pair);
}

/* NULL without memory. */
static floe_pair *pair_new(floe_core *core, floe_base *base, floe_server *server,
                           floe_relay_kind kind)
{
    floe_pair *pair = floe_allocate(&core->shared->allocator, sizeof *pair);

    if (pair != NULL) {
        pair->base = base;
        pair->server = server;
        pair->kind = kind;
        pair->number = ++core->last_pair;
        floe_list_init(&pair->attempts);
        floe_list_append(&core->pairs, &pair->link);
        floe_list_append(&base->pairs, &pair->of_base);
        floe_list_append(&server->pairs, &pair->of_server);
        tally(core, pair, true);
    }
    return pair;
}

static void attempt_free(floe_core *core, floe_attempt *attempt)
{
    if (attempt->relay != NULL) {
        attempt->relay->attempt = NULL; /* the allocation may go on into the next gathering */
    }
    floe_list_remove(&attempt->link);
    floe_deallocate(&core->shared->allocator, attempt);
}

void floe_pair_free(floe_core *core, floe_pair *pair)
{
    FLOE_LIST_EACH_SAFE(attempt, &pair->attempts, floe_attempt, link)
    {
        attempt_free(core, attempt);
    }
    floe_untell(&pair->output);
    tally(core, pair, false);
    floe_list_remove(&pair->link);
    floe_list_remove(&pair->of_base);
    floe_list_remove(&pair->of_server);
    floe_agenda_set(&core->starts, &pair->alarm, FLOE_TIME_NEVER);
    floe_tree_remove(&core->untold, &pair->untold);
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

/* What one of its addresses has said; it is told if no other of them succeeds. Takes it over. */
static void note_failure(floe_core *core, floe_pair *pair, floe_failure failure)
{
    if (pair->failure != NULL && tells(&failure) < tells(pair->failure)) {
        floe_failure_release(core->shared, &failure);
    } else {
        floe_failure_keep(core->shared, &pair->failure, failure);
    }
}

/* One that has yielded has what it is for: that nothing more comes of it is no error. */
static void pair_failed(floe_core *core, floe_pair *pair, floe_failure failure)
{
    if (pair->yielded) {
        floe_failure_release(core->shared, &failure);
        set_progress(core, pair, FLOE_SUCCEEDED);
        return;
    }
    if (pair->progress != FLOE_PENDING) { /* that is over */
        floe_failure_drop(core->shared, &pair->failure);
    }
    note_failure(core, pair, failure);
    set_progress(core, pair, FLOE_FAILED);
}

/* What belongs to the URL is told once, with the last of its pairs to end. */
static bool told_by_another(const floe_pair *pair)
{
    const floe_list *end = &pair->server->pairs;

    if (!floe_failure_of_url(floe_failure_kept(pair->failure))) {
        return false;
    }
    for (floe_list *link = pair->of_server.next; link != end; link = link->next) {
        const floe_pair *other = FLOE_CONTAINER(link, floe_pair, of_server);
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

/* Whether a server that is silent to this pair answers something else: a Binding from here, what
 * another of its URLs asks, another address of ours. */
static void look_for_answers(const floe_core *core, floe_pair *pair)
{
    floe_failure *failure = pair->failure;
    uint32_t heard_here = 0;

    if (failure == NULL) {
        return;
    }
    uint8_t by = failure->transport != FLOE_PROTOCOL_NONE ? failure->transport : FLOE_PROTOCOL_UDP;
    failure->beside = by == FLOE_PROTOCOL_UDP && floe_binding_known(pair->base, &failure->remote);
    FLOE_LIST_EACH(other, &pair->base->pairs, floe_pair, of_base)
    {
        heard_here += other->server == pair->server && other->heard;
        FLOE_LIST_EACH(attempt, &other->attempts, floe_attempt, link)
        {
            failure->beside =
                failure->beside ||
                (other != pair && attempt->transport == by &&
                 floe_address_equal(&attempt->remote, &failure->remote) && has_answered(attempt));
        }
    }
    failure->beside =
        failure->beside || (by == FLOE_PROTOCOL_UDP &&
                            floe_relays_heard(core, pair->base, &failure->remote, core->started));
    failure->elsewhere = pair->server->pairs_heard > heard_here;
}

/* Whether the base has something of the server for all that, or may get it. */
static bool stands_beside(const floe_pair *pair)
{
    FLOE_LIST_EACH(other, &pair->base->pairs, floe_pair, of_base)
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

/* Ends what an attempt has under way; its binding goes on, as others may wait for it. */
static void attempt_stop(floe_core *core, floe_time now, floe_attempt *attempt)
{
    set_start(core, attempt, FLOE_TIME_NEVER);
    if (attempt->relay != NULL) {
        /* Of an earlier gathering too, when it moves. */
        floe_relay_release(core, now, attempt->relay);
    }
}

/* NULL: none pends. */
static floe_attempt *first_pending(const floe_pair *pair)
{
    FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (attempt->progress == FLOE_PENDING) {
            return attempt;
        }
    }
    return NULL;
}

static floe_binding *ask_reflexive(floe_core *core, const floe_attempt *attempt);
static floe_binding *ask_reflexive_at(floe_core *core, const floe_pair *pair,
                                      const floe_place *place);

static void attempt_failed(floe_core *core, floe_time now, floe_attempt *attempt,
                           floe_failure failure);

/* What a server has told one of us is an answer to all: who is full, or refuses the credentials, is
 * not asked again (RFC 8656 §7.4). What it can show without an allocation is. */
static void refuse(floe_core *core, floe_time now, floe_attempt *attempt, floe_failure_kind kind,
                   uint16_t code)
{
    const floe_pair *pair = attempt->pair;
    floe_relay *relay = attempt->relay;
    floe_failure failure = {
        .kind = (uint8_t)kind, .code = code, .remote = attempt->remote, .unasked = true};

    set_start(core, attempt, FLOE_TIME_NEVER);
    if (relay == NULL) {
        relay = floe_relay_under_way(core, attempt);
    }
    if (relay != NULL && floe_relay_is_had(relay)) {
        floe_relay_leave_gathering(core, relay); /* it needs no other: it moves (T10) */
    } else if (relay != NULL && kind == FLOE_FAILURE_CREDENTIALS) {
        floe_relay_release(core, now, relay); /* time mends nothing */
    } else if (relay != NULL) {
        floe_relay_await_room(core, now, relay);
    }
    if (!floe_relay_beside(pair->kind)) {
        (void)ask_reflexive(core, attempt);
    }
    attempt_failed(core, now, attempt, failure);
}

/* By whichever transport and port: behind another address is another machine, maybe. */
static void refuse_all(floe_core *core, floe_time now, floe_server *server, floe_failure_kind kind,
                       uint16_t code, const floe_address *by)
{
    FLOE_LIST_EACH(pair, &server->pairs, floe_pair, of_server)
    {
        FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            bool begun = attempt->relay != NULL &&
                         (floe_stun_transaction_runs(&attempt->relay->turn.transaction) ||
                          attempt->relay->turn.state == FLOE_TURN_ALLOCATED);
            if (attempt->progress == FLOE_PENDING && !begun && !pair->yielded &&
                floe_address_same_ip(&attempt->remote, by)) {
                refuse(core, now, attempt, kind, code);
            }
        }
    }
}

/* The next that waits for its turn, or all, begin now. */
static void hurry(floe_core *core, floe_pair *pair, floe_time now, bool all)
{
    FLOE_LIST_EACH(next, &pair->attempts, floe_attempt, link)
    {
        if (next->progress == FLOE_PENDING && !floe_time_is_never(next->start)) {
            set_start(core, next, floe_time_min(next->start, now));
            if (!all) {
                break;
            }
        }
    }
}

/* What comes next need not wait any longer: another address, or the other family. */
static void hurry_next(floe_core *core, floe_pair *pair, floe_time now)
{
    hurry(core, pair, now, false);
    if (!pair->server->url->turn) {
        return;
    }
    FLOE_LIST_EACH(other, &pair->server->pairs, floe_pair, of_server)
    {
        if (floe_bases_are_rivals(pair->base, other->base)) {
            hurry(core, other, now, false);
        }
    }
}

/* No Binding went beside an Allocate that was sure to be taken, and was not (R2). */
static void asks_reflexive(floe_core *core, const floe_attempt *attempt)
{
    const floe_server *server = attempt->pair->server;

    if (server->url->turn && !attempt->pair->yielded && !floe_relay_beside(attempt->pair->kind) &&
        floe_turn_account_holds_for_all(server->account)) {
        (void)ask_reflexive(core, attempt);
    }
}

static void attempt_failed(floe_core *core, floe_time now, floe_attempt *attempt,
                           floe_failure failure)
{
    floe_pair *pair = attempt->pair;
    bool relays = pair->server->url->turn && !pair->yielded && !floe_relay_beside(pair->kind);
    floe_failure_kind kind = (floe_failure_kind)failure.kind;
    bool of_all = floe_failure_is_full(&failure) || kind == FLOE_FAILURE_CREDENTIALS;
    uint16_t told = relays && of_all && !failure.unasked ? failure.code : 0;
    bool answered = failure.kind == FLOE_FAILURE_SERVER || failure.kind == FLOE_FAILURE_CREDENTIALS;

    if (attempt->progress != FLOE_PENDING) {
        floe_failure_release(core->shared, &failure);
        return;
    }
    attempt->progress = FLOE_FAILED;
    set_alarm(core, pair);
    failure.late = attempt->late;
    failure.garbled = attempt->garbled;
    if (pair->progress == FLOE_PENDING && first_pending(pair) == NULL) {
        pair_failed(core, pair, failure);
    } else if (pair->progress == FLOE_PENDING) {
        note_failure(core, pair, failure);
    } else {
        floe_failure_release(core->shared, &failure);
    }
    hurry_next(core, pair, now);
    if (answered) {
        asks_reflexive(core, attempt);
    }
    if (told != 0) {
        refuse_all(core, now, pair->server, kind, told, &attempt->remote);
    }
}

/* Whether it has something by its base's own socket. */
static bool shows_mapping(const floe_pair *pair)
{
    FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (attempt->progress == FLOE_SUCCEEDED && attempt->transport == FLOE_PROTOCOL_UDP) {
            return true;
        }
    }
    return false;
}

/* One that is not to be asked before others are known is not asked. */
static bool may_ask(const floe_core *core, const floe_base *base, const floe_place *place)
{
    return place->ready && floe_base_asks(core, base, &place->address);
}

/* R2, RFC 5928: where its relay has come by a connection, that shows nothing of the base (R4); the
 * best of the server's places by UDP does, whichever is known or answers first. */
static void ask_beside_connection(floe_core *core, const floe_pair *pair)
{
    const floe_names *names = &pair->server->names;

    if (!pair->server->url->turn || floe_relay_beside(pair->kind) || shows_mapping(pair)) {
        return;
    }
    for (size_t i = 0; i < names->place_count; i++) {
        const floe_place *place = &names->places[i];
        if (place->transport == FLOE_PROTOCOL_UDP && may_ask(core, pair->base, place)) {
            floe_binding *binding = ask_reflexive_at(core, pair, place);
            if (binding != NULL) {
                floe_binding_straggles(core, binding);
            }
            return;
        }
    }
}

static bool address_awaited(const floe_base *base, const floe_address *remote)
{
    FLOE_LIST_EACH(pair, &base->pairs, floe_pair, of_base)
    {
        FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            if (attempt->progress == FLOE_PENDING && floe_address_equal(&attempt->remote, remote)) {
                return true;
            }
        }
    }
    return false;
}

/* One of the pair has succeeded: this one is not waited for, nor what its address shows, if that is
 * another's. */
static void give_up_beside(floe_core *core, floe_time now, const floe_attempt *succeeded,
                           floe_attempt *attempt)
{
    floe_base *base = attempt->pair->base;

    attempt->progress = FLOE_FAILED;
    if (attempt->relay != NULL && floe_relay_is_had(attempt->relay)) {
        set_start(core, attempt, FLOE_TIME_NEVER); /* that it is silent does not end it (T7b) */
        floe_relay_leave_gathering(core, attempt->relay);
    } else {
        attempt_stop(core, now, attempt);
    }
    if (floe_address_equal(&succeeded->remote, &attempt->remote)) {
        (void)ask_reflexive(core, attempt); /* where its relay was to show that */
        return;
    }
    FLOE_LIST_EACH(binding, &base->bindings, floe_binding, link)
    {
        if (floe_address_equal(&binding->remote, &attempt->remote) && !binding->straggler &&
            !address_awaited(base, &attempt->remote)) {
            floe_binding_stop(core, now, binding);
        }
    }
}

/* The other family has the relay: this one's addresses are still asked what the NAT shows, and
 * those that have been asked for a relay begin anew. */
static void yield(floe_core *core, floe_time now, floe_pair *pair)
{
    pair->yielded = true;
    pair->base->has_relay = true;
    floe_base_changed(core, pair->base);
    FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (attempt->progress == FLOE_PENDING) {
            floe_time start = attempt->start;
            attempt_stop(core, now, attempt);
            set_start(core, attempt, floe_time_is_never(start) ? now : start);
        }
    }
    hurry(core, pair, now, false); /* the relay was what it had to wait for */
}

/* Whether it waits to hear if a relay of before still stands. */
static bool verifies(const floe_pair *pair)
{
    FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (attempt->relay != NULL && floe_relay_is_had(attempt->relay)) {
            return true;
        }
    }
    return false;
}

static void yield_rivals(floe_core *core, floe_time now, const floe_pair *pair)
{
    FLOE_LIST_EACH(other, &pair->server->pairs, floe_pair, of_server)
    {
        if (other->progress == FLOE_PENDING && !other->yielded &&
            floe_bases_are_rivals(pair->base, other->base) && !verifies(other)) {
            yield(core, now, other);
        }
    }
}

/* T12: RFC 6062 has TCP relays by TCP and TLS alone. */
static bool wants_tcp(const floe_core *core, const floe_server *server, uint8_t transport)
{
    uint32_t types = core->shared->network_types;

    return (types & (FLOE_NETWORK_TYPE_TCP4 | FLOE_NETWORK_TYPE_TCP6)) != 0 && server->url->turn &&
           (transport == FLOE_PROTOCOL_TCP || transport == FLOE_PROTOCOL_TLS);
}

static void attach(floe_attempt *attempt, floe_relay *relay)
{
    if (relay->attempt != NULL) {
        relay->attempt->relay = NULL;
    }
    attempt->relay = relay;
    relay->attempt = attempt;
    relay->hushed = false;
    relay->leaves = FLOE_TIME_NEVER;
    relay->losses = 0; /* its owner wants it now */
}

/* NULL without memory. */
static floe_attempt *add_attempt(floe_core *core, floe_pair *pair, const floe_place *place)
{
    floe_attempt *attempt = floe_allocate(&core->shared->allocator, sizeof *attempt);

    if (attempt != NULL) {
        *attempt = (floe_attempt){.pair = pair,
                                  .remote = place->address,
                                  .transport = place->transport,
                                  .start = FLOE_TIME_NEVER};
        floe_list_append(&pair->attempts, &attempt->link);
        if (floe_binding_known(pair->base, &place->address)) {
            hear(pair);
        }
    }
    return attempt;
}

static floe_attempt *attempt_at(const floe_pair *pair, const floe_place *place)
{
    FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (floe_place_is(place, &attempt->remote, attempt->transport)) {
            return attempt;
        }
    }
    return NULL;
}

/* The latest in which one of these was told; 0: there is none. */
static uint32_t last_told(const floe_core *core, const floe_pair *pair)
{
    uint32_t latest = 0;

    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_relay_is_of(relay, pair->base, pair->server, pair->kind)) {
            latest = relay->generation > latest ? relay->generation : latest;
        }
    }
    return latest;
}

/* Each relay of an earlier gathering that serves as what the pair asks for (L5, L11): its server is
 * asked whether it stands before it is told again (T7b). Of two servers by one name the one may be
 * dead by now, and the other's have been had since. Whether there is one. */
static bool verify(floe_core *core, floe_time now, floe_pair *pair)
{
    bool any = false;
    uint32_t latest = last_told(core, pair);

    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (!floe_relay_is_of(relay, pair->base, pair->server, pair->kind)) {
            continue;
        }
        /* Of several one is told, who says first that it stands: the one that was told last. */
        bool older = relay->generation != latest;
        floe_time when = floe_time_after(now, older ? OLDER_AFTER : floe_milliseconds(0));
        floe_place place = {.address = relay->asked, .transport = relay->transport};
        floe_attempt *attempt = attempt_at(pair, &place);
        if (attempt == NULL || (attempt->relay != NULL && attempt->relay != relay)) {
            attempt = add_attempt(core, pair, &place);
        }
        if (attempt != NULL) {
            attempt->progress = FLOE_PENDING;
            attach(attempt, relay);
            floe_relay_verify(relay, when, true);
            any = true;
        }
    }
    return any;
}

/* The only attempt of its pair, which goes without it; NULL without memory. */
static floe_attempt *add_only(floe_core *core, floe_pair *pair, const floe_place *place)
{
    floe_attempt *attempt = pair != NULL ? add_attempt(core, pair, place) : NULL;

    if (attempt == NULL) {
        if (pair != NULL) {
            floe_pair_free(core, pair);
        }
        floe_core_out_of_memory(core);
    }
    return attempt;
}

void floe_pairs_keep(floe_core *core, floe_relay *relay)
{
    if (!floe_relay_lives(relay) || !floe_server_current(core, relay->server)) {
        return;
    }
    floe_server *server = &core->set->servers[relay->server->index];
    floe_place place = {.address = relay->asked, .transport = relay->transport};
    floe_pair *pair = pair_new(core, relay->origin, server, relay->kind);
    floe_attempt *attempt = add_only(core, pair, &place);
    if (attempt != NULL) {
        attach(attempt, relay);
        attempt->progress = FLOE_SUCCEEDED;
        set_progress(core, pair, FLOE_SUCCEEDED);
    }
}

static floe_pair *pair_of(const floe_base *base, const floe_server *server, floe_relay_kind kind)
{
    FLOE_LIST_EACH(pair, &base->pairs, floe_pair, of_base)
    {
        if (pair->server == server && floe_relay_same_kind(pair->kind, kind)) {
            return pair;
        }
    }
    return NULL;
}

/* The server has given a relay, and is asked for another beside it. */
static void add_beside(floe_core *core, floe_time now, const floe_pair *first,
                       const floe_attempt *by, floe_relay_kind kind)
{
    floe_base *base = first->base;
    floe_server *server = first->server;
    floe_place place = {.address = by->remote, .transport = by->transport};
    floe_pair *pair = pair_of(base, server, kind);
    floe_attempt *attempt = NULL;
    if (pair == NULL) {
        pair = pair_new(core, base, server, kind);
        attempt = pair != NULL && verify(core, now, pair) ? NULL : add_only(core, pair, &place);
    } else if (pair->progress == FLOE_PENDING && attempt_at(pair, &place) == NULL) {
        attempt = add_attempt(core, pair, &place); /* beside what stood, and may be dead */
    }
    if (attempt != NULL) {
        set_start(core, attempt, (floe_time){0}); /* at once */
    }
}

static void again(floe_core *core, floe_time now, floe_attempt *attempt)
{
    floe_pair *pair = attempt->pair;

    if (core->state == FLOE_GATHERER_STATE_GATHERING && attempt->progress == FLOE_SUCCEEDED &&
        pair->progress == FLOE_SUCCEEDED && !pair->yielded) {
        attempt->progress = FLOE_PENDING;
        set_progress(core, pair, FLOE_PENDING);
        (void)verify(core, now, pair); /* another may stand beside it */
    }
}

static void succeeded(floe_core *core, floe_time now, floe_attempt *attempt)
{
    floe_pair *pair = attempt->pair;

    attempt->progress = FLOE_SUCCEEDED;
    set_alarm(core, pair);
    if (pair->progress != FLOE_PENDING) {
        return;
    }
    set_progress(core, pair, FLOE_SUCCEEDED);
    ask_beside_connection(core, pair);
    FLOE_LIST_EACH(other, &pair->attempts, floe_attempt, link)
    {
        if (other->progress == FLOE_PENDING) {
            give_up_beside(core, now, attempt, other);
        }
    }
    if (pair->yielded) {
        return;
    }
    if (pair->server->url->turn && !floe_relay_beside(pair->kind)) {
        yield_rivals(core, now, pair);
    }
    if (!floe_relay_beside(pair->kind) && wants_tcp(core, pair->server, attempt->transport)) {
        add_beside(core, now, pair, attempt, (floe_relay_kind){.tcp = true});
    }
    if (attempt->relay != NULL && attempt->relay->turn.missing != 0 && pair->kind.family == 0) {
        floe_relay_kind other = {.tcp = pair->kind.tcp, .family = attempt->relay->turn.missing};
        add_beside(core, now, pair, attempt, other);
    }
}

/* R2: beside what is asked of a TURN server goes a Binding to it. */
static floe_binding *ask_reflexive_at(floe_core *core, const floe_pair *pair,
                                      const floe_place *place)
{
    const floe_server *server = pair->server;
    bool useful = !server->url->turn ||
                  (place->transport == FLOE_PROTOCOL_UDP &&
                   core->policy != FLOE_GATHER_POLICY_RELAY && !pair->base->no_reflexive);

    return useful ? floe_binding_to(core, pair->base, server, &place->address) : NULL;
}

static floe_binding *ask_reflexive(floe_core *core, const floe_attempt *attempt)
{
    floe_place place = {.address = attempt->remote, .transport = attempt->transport};

    return ask_reflexive_at(core, attempt->pair, &place);
}

static floe_relay *ask_relay(floe_core *core, floe_time now, floe_attempt *attempt)
{
    floe_place place = {.address = attempt->remote, .transport = attempt->transport};
    floe_relay *relay = floe_relay_under_way(core, attempt);

    if (relay == NULL) {
        return floe_relay_new(core, now, attempt);
    }
    if (!floe_place_is(&place, &relay->asked, relay->transport)) {
        relay = floe_relay_elsewhere(core, now, relay, attempt->pair->base, &place);
        if (relay == NULL) {
            return NULL;
        }
    }
    attach(attempt, relay);
    floe_relay_verify(relay, now, true);
    floe_relay_hurry(relay, now);
    return relay;
}

/* It was to ask anew what a relay of before is silent about, and that is not: its Refresh was answered,
 * and has another try. */
static bool is_answered_beside(const floe_attempt *attempt)
{
    floe_place place = {.address = attempt->remote, .transport = attempt->transport};

    FLOE_LIST_EACH(other, &attempt->pair->attempts, floe_attempt, link)
    {
        if (other != attempt && other->relay != NULL && floe_relay_serves(other->relay) &&
            floe_place_is(&place, &other->remote, other->transport) &&
            !floe_stun_transaction_runs(&other->relay->turn.transaction)) {
            return true;
        }
    }
    return false;
}

static void attempt_start(floe_core *core, floe_time now, floe_attempt *attempt)
{
    floe_pair *pair = attempt->pair;
    const floe_server *server = pair->server;
    bool turn = server->url->turn && !pair->yielded;
    const floe_relay *there = turn ? floe_relay_under_way(core, attempt) : NULL;
    bool moves = there != NULL && floe_relay_is_had(there); /* and asks for no other (T10) */
    const floe_refusal *refusal =
        turn && !moves ? floe_server_refused(server, now, pair->kind, &attempt->remote) : NULL;

    set_start(core, attempt, FLOE_TIME_NEVER);
    if (refusal != NULL) {
        refuse(core, now, attempt, FLOE_FAILURE_SERVER, refusal->code);
        return;
    }
    if (is_answered_beside(attempt)) {
        attempt->progress = FLOE_FAILED;
        return;
    }
    if (turn) {
        attempt->relay = ask_relay(core, now, attempt);
        /* Unless an Allocate goes (no Refresh that moves one: RFC 8016) from here, and is known to be
         * answered at once, with the mapped address in it. */
        if (attempt->relay != NULL && !floe_relay_beside(pair->kind) &&
            (attempt->relay->state == FLOE_RELAY_MOVES || attempt->relay->base != pair->base ||
             !floe_turn_account_holds_for_all(server->account))) {
            (void)ask_reflexive(core, attempt);
        }
    } else {
        attempt->binding = ask_reflexive(core, attempt);
    }
    if (attempt->relay == NULL && attempt->binding == NULL) {
        floe_failure failure = {.kind = FLOE_FAILURE_MEMORY, .remote = attempt->remote};
        attempt_failed(core, now, attempt, failure);
    } else if (attempt->binding != NULL && attempt->binding->state == FLOE_BINDING_KNOWN) {
        succeeded(core, now, attempt);
    }
}

/* One for each address of the server's that has none; those that wait for their turn have it in the
 * order of the addresses, from `start` on. Without memory those that are there will do. */
static void add_attempts(floe_core *core, floe_pair *pair, floe_time start)
{
    for (size_t i = 0; i < pair->server->names.place_count; i++) {
        const floe_place *place = &pair->server->names.places[i];
        if (!may_ask(core, pair->base, place)) {
            continue;
        }
        floe_attempt *attempt = attempt_at(pair, place);
        if (attempt == NULL) {
            attempt = add_attempt(core, pair, place);
            if (attempt == NULL) {
                return;
            }
        } else if (attempt->progress != FLOE_PENDING || floe_time_is_never(attempt->start)) {
            continue; /* it has begun */
        }
        floe_list_remove(&attempt->link);
        floe_list_append(&pair->attempts, &attempt->link);
        set_start(core, attempt, start);
        start = floe_time_after(start, NEXT_ADDRESS_AFTER);
    }
}

static bool has_address_for(const floe_core *core, const floe_server *server, const floe_base *base)
{
    for (size_t i = 0; i < server->names.place_count; i++) {
        if (may_ask(core, base, &server->names.places[i])) {
            return true;
        }
    }
    return false;
}

/* Another of the server's names (SRV has several) has been found: its addresses are tried too, be
 * it that all before them have failed by now, which nobody has been told. */
static void pair_extend(floe_core *core, floe_time now, floe_pair *pair)
{
    bool more = false;

    for (size_t i = 0; i < pair->server->names.place_count; i++) {
        const floe_place *place = &pair->server->names.places[i];
        more = more || (may_ask(core, pair->base, place) && attempt_at(pair, place) == NULL);
    }
    if (more && pair->progress == FLOE_SUCCEEDED) {
        ask_beside_connection(core, pair);
    }
    if (!more || pair->told || pair->progress == FLOE_SUCCEEDED) {
        return;
    }
    if (verifies(pair)) {
        add_attempts(core, pair, floe_time_after(now, OTHERS_AFTER));
    } else if (pair->progress == FLOE_FAILED) {
        set_progress(core, pair, FLOE_PENDING);
        floe_failure_drop(core->shared, &pair->failure);
        add_attempts(core, pair, now);
    } else {
        add_attempts(core, pair, floe_time_after(now, NEXT_ADDRESS_AFTER));
    }
}

/* The relay of the interface's other family; NULL: it has none. One that this gathering has heard of
 * goes first. */
static const floe_relay *rivals_relay(const floe_core *core, const floe_pair *pair)
{
    const floe_relay *any = NULL;

    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_bases_are_rivals(pair->base, relay->origin) &&
            floe_relay_is_of(relay, relay->origin, pair->server, (floe_relay_kind){0}) &&
            (any == NULL || floe_relay_is_sure(core, relay))) {
            any = relay;
        }
    }
    return any;
}

/* Whether the other family of the interface is asking already. */
static bool rival_asks(const floe_pair *pair)
{
    FLOE_LIST_EACH(other, &pair->server->pairs, floe_pair, of_server)
    {
        if (other->progress != FLOE_FAILED && floe_bases_are_rivals(pair->base, other->base)) {
            return true;
        }
    }
    return false;
}

/* What stands beside the first, however that fares, is told by this gathering too. */
static void verify_beside(floe_core *core, floe_time now, floe_base *base, floe_server *server)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        floe_relay_kind kind = relay->kind;
        if (!floe_relay_beside(kind) || !floe_relay_is_of(relay, base, server, kind) ||
            (relay->generation != core->generation && floe_relay_needless(core, relay)) ||
            pair_of(base, server, kind) != NULL) {
            continue;
        }
        floe_pair *pair = pair_new(core, base, server, kind);
        if (pair != NULL && !verify(core, now, pair)) {
            floe_pair_free(core, pair);
            pair = NULL;
        }
        if (pair == NULL) {
            floe_core_out_of_memory(core);
        }
    }
}

/* A relay of before shows what its Refreshes keep; by a connection nothing of the base (R4). */
static void show_mapping(floe_core *core, const floe_attempt *attempt)
{
    floe_base *base = attempt->pair->base;

    if (attempt->transport == FLOE_PROTOCOL_UDP) {
        floe_binding_claim(core, base, attempt->pair->server, &attempt->relay->turn.server);
    }
    if (!floe_relays_tell(core, base, &attempt->remote)) { /* it stands elsewhere, or has moved */
        (void)ask_reflexive(core, attempt);
    }
}

/* Where a relay of before is silent another is asked for, from another socket: there are servers (Pion's)
 * that leave a Refresh of what they do not have unanswered, and behind their restart give at once who
 * is new to them. What has been told in this generation has its time (T7b). */
static void ask_anew_beside(floe_core *core, floe_pair *pair, floe_time start)
{
    FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        const floe_relay *relay = attempt->relay;
        if (relay == NULL || relay->generation == core->generation) {
            continue; /* it is one that is added here */
        }
        floe_place place = {.address = attempt->remote, .transport = attempt->transport};
        floe_attempt *anew = add_attempt(core, pair, &place);
        if (anew != NULL) {
            set_start(core, anew, start);
        }
    }
}

static void pair_make(floe_core *core, floe_time now, floe_base *base, floe_server *server)
{
    verify_beside(core, now, base, server);
    floe_pair *pair = pair_new(core, base, server, (floe_relay_kind){0});

    if (pair == NULL) {
        floe_core_out_of_memory(core);
        return;
    }
    if (verify(core, now, pair)) {
        FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            show_mapping(core, attempt);
        }
        ask_anew_beside(core, pair, floe_time_after(now, OTHERS_AFTER));
        add_attempts(core, pair, floe_time_after(now, OTHERS_AFTER));
        return;
    }
    const floe_relay *rivals = server->url->turn ? rivals_relay(core, pair) : NULL;
    bool second = rivals != NULL || (server->url->turn && rival_asks(pair));
    floe_duration wait = rivals != NULL ? OTHERS_AFTER : NEXT_ADDRESS_AFTER;
    add_attempts(core, pair, second ? floe_time_after(now, wait) : now);
    if (floe_list_empty(&pair->attempts)) {
        pair_failed(core, pair, (floe_failure){.kind = FLOE_FAILURE_MEMORY});
    } else if (second) { /* its reflexive candidate does not wait */
        (void)ask_reflexive(core, FLOE_CONTAINER(pair->attempts.next, floe_attempt, link));
    }
    if (rivals != NULL && floe_relay_is_sure(core, rivals)) {
        yield(core, now, pair); /* else once that is */
    }
}

/* A relay of before is asked about where it is, whether or not the name is known. */
static bool stands(const floe_core *core, const floe_base *base, const floe_server *server)
{
    return server->url->turn && floe_relay_of(core, base, server, (floe_relay_kind){0}) != NULL;
}

void floe_pairs_make(floe_core *core, floe_time now, floe_base *base)
{
    if (base->state != FLOE_BASE_OPEN || base->spare ||
        core->state != FLOE_GATHERER_STATE_GATHERING) {
        return;
    }
    const floe_relay_kind plain = {0};
    for (size_t i = 0; i < core->set->count; i++) {
        floe_server *server = &core->set->servers[i];
        bool applies = server->url->turn || !base->no_reflexive;
        floe_pair *pair = pair_of(base, server, plain);
        if (pair != NULL) {
            pair_extend(core, now, pair);
        } else if (applies && (has_address_for(core, server, base) || stands(core, base, server))) {
            pair_make(core, now, base, server);
        }
    }
}

static floe_pair *pair_of_relay(const floe_relay *relay)
{
    floe_pair *pair = pair_of(relay->origin, relay->server, relay->kind);

    if (pair == NULL || !pair->yielded) {
        return pair;
    }
    FLOE_LIST_EACH(other, &relay->server->pairs, floe_pair, of_server)
    {
        if (!other->yielded && floe_bases_are_rivals(pair->base, other->base) &&
            floe_relay_same_kind(other->kind, relay->kind)) {
            return other; /* T1: which is for both families, and had it */
        }
    }
    return NULL;
}

/* Its own address's attempt, or else any: one relay is what the pair wants, and the name may lead
 * elsewhere by now. */
static void adopt(floe_core *core, floe_time now, floe_relay *relay)
{
    floe_place place = {.address = relay->asked, .transport = relay->transport};
    const floe_pair *pair = pair_of_relay(relay);
    floe_attempt *attempt = pair != NULL ? attempt_at(pair, &place) : NULL;

    if (pair != NULL && (attempt == NULL || attempt->progress != FLOE_PENDING)) {
        attempt = first_pending(pair);
    }
    if (attempt == NULL) {
        return;
    }
    attempt_stop(core, now, attempt);
    attempt->remote = place.address;
    attempt->transport = place.transport;
    attach(attempt, relay);
}

static void relay_back(floe_core *core, const floe_relay *relay)
{
    floe_pair *pair = pair_of_relay(relay);

    if (pair != NULL && pair->progress == FLOE_FAILED) {
        set_progress(core, pair, FLOE_SUCCEEDED);
        pair->server->told_failed = false;
    }
}

static bool refused(const floe_base *base, const floe_server *server, floe_relay_kind kind)
{
    const floe_pair *pair = pair_of(base, server, kind);

    return pair != NULL && pair->progress == FLOE_FAILED &&
           floe_failure_ends_allocate(floe_failure_kept(pair->failure));
}

/* Between gatherings, and before one knows the interfaces, nobody looks for what is to be told;
 * while one goes on it does by itself. */
static void relay_ended(floe_core *core, const floe_relay *relay, floe_failure failure,
                        bool for_good)
{
    floe_pair *pair = pair_of_relay(relay);

    if (pair != NULL && refused(pair->base, pair->server, pair->kind)) {
        floe_failure_release(core->shared, &failure); /* told before, and nothing has changed */
        return;
    }
    if (for_good) { /* that it was not to be had for a while is another matter, told before */
        relay_back(core, relay);
    }
    if (pair == NULL || pair->progress != FLOE_SUCCEEDED) {
        floe_failure_release(core->shared, &failure);
        return;
    }
    pair->told = pair->url_failed = false; /* of one that succeeded they count for nothing */
    pair_failed(core, pair, failure);
    if (core->state == FLOE_GATHERER_STATE_COMPLETE || !core->interfaces_known) {
        floe_pairs_tell(core);
    }
}

static void binding_known(floe_core *core, floe_time now, floe_binding *binding)
{
    FLOE_LIST_EACH(pair, &binding->base->pairs, floe_pair, of_base)
    {
        FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            if (floe_address_equal(&attempt->remote, &binding->remote)) {
                hear(pair);
            }
            if (attempt->binding == binding && attempt->progress == FLOE_PENDING) {
                succeeded(core, now, attempt);
            }
        }
    }
}

static void binding_failed(floe_core *core, floe_time now, floe_binding *binding,
                           const floe_failure *failure)
{
    bool heard = failure->kind == FLOE_FAILURE_SERVER || failure->kind == FLOE_FAILURE_BAD_ANSWER;

    FLOE_LIST_EACH(pair, &binding->base->pairs, floe_pair, of_base)
    {
        FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            if (attempt->binding == binding && attempt->progress == FLOE_PENDING) {
                if (heard) {
                    hear(pair);
                }
                floe_failure own = *failure;
                floe_failure_set_reason(core, &own, failure->reason != NULL ? failure->reason : "");
                attempt_failed(core, now, attempt, own);
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
        FLOE_LIST_EACH(pair, &of->pairs, floe_pair, of_base)
        {
            FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
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
    answered(attempt, true);
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

uint16_t floe_pairs_code(const floe_binding *binding)
{
    FLOE_LIST_EACH(pair, &binding->base->pairs, floe_pair, of_base)
    {
        FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            if (attempt->binding == binding && pair->progress == FLOE_FAILED) {
                return floe_failure_code(floe_failure_kept(pair->failure));
            }
        }
    }
    return 0;
}

uint16_t floe_pairs_relay_code(const floe_relay *relay)
{
    const floe_pair *pair = pair_of_relay(relay);

    return pair != NULL && pair->progress == FLOE_FAILED
               ? floe_failure_code(floe_failure_kept(pair->failure))
               : 0;
}

static void start_due(floe_core *core, floe_time now, floe_pair *pair)
{
    FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
    {
        if (attempt->progress == FLOE_PENDING && floe_time_reached(now, attempt->start)) {
            attempt_start(core, now, attempt);
        }
    }
}

/* One that begins may make others wait or begin. */
void floe_pairs_time(floe_core *core, floe_time now)
{
    floe_alarm *alarm;

    while ((alarm = floe_agenda_due(&core->starts, now)) != NULL) {
        start_due(core, now, FLOE_CONTAINER(alarm, floe_pair, alarm));
    }
}

void floe_pairs_hurry(floe_core *core, floe_time now)
{
    FLOE_LIST_EACH(pair, &core->pairs, floe_pair, link)
    {
        bool waits = pair->progress == FLOE_PENDING && !pair->yielded && pair->server->url->turn;
        if (waits && (verifies(pair) || rivals_relay(core, pair) != NULL)) {
            hurry(core, pair, now, true);
        }
    }
}

floe_time floe_pairs_deadline(const floe_core *core)
{
    return floe_agenda_deadline(&core->starts);
}

/* How an attempt that is given up stands: asked how often, since when. */
static floe_failure timeout_of(const floe_attempt *attempt, floe_time now)
{
    static const floe_stun_transaction not_begun;
    const floe_stun_transaction *transaction = &not_begun;

    const floe_relay *relay = attempt->relay;
    if (relay != NULL && relay->connection != NULL &&
        relay->connection->state < FLOE_CONNECTION_READY) {
        floe_failure failure =
            floe_connection_failure(relay->connection, FLOE_FAILURE_TIMEOUT, now);
        floe_failure_of_relay(&failure, relay);
        return failure;
    }
    if (relay != NULL) {
        transaction = &relay->turn.transaction;
    } else if (attempt->binding != NULL) {
        transaction = &attempt->binding->transaction;
    }
    floe_failure failure =
        floe_failure_of(FLOE_FAILURE_TIMEOUT, transaction, &attempt->remote, now);
    failure.late = attempt->late;
    failure.garbled = attempt->garbled;
    if (relay != NULL) {
        failure.answered = floe_relay_is_challenged(relay);
        failure.before = floe_relay_is_had(relay);
        failure.transport = relay->connection != NULL ? relay->connection->transport : 0;
        floe_failure_of_relay(&failure, relay);
    }
    failure.before |= floe_binding_once_answered(attempt->pair->base, &failure.remote);
    return failure;
}

void floe_pairs_give_up(floe_core *core, floe_time now)
{
    FLOE_LIST_EACH(pair, &core->pairs, floe_pair, link)
    {
        if (pair->progress != FLOE_PENDING) {
            continue;
        }
        floe_failure first = {.kind = FLOE_FAILURE_TIMEOUT};
        bool stands = false;
        FLOE_LIST_EACH(attempt, &pair->attempts, floe_attempt, link)
        {
            if (attempt->progress == FLOE_PENDING) {
                floe_failure failure = timeout_of(attempt, now);
                first = first.remote.family == FLOE_FAMILY_NONE ? failure : first;
                attempt->progress = FLOE_FAILED;
                set_alarm(core, pair);
                if (attempt->relay != NULL && attempt->relay->state != FLOE_RELAY_ASKED) {
                    /* Its request goes on, and will tell. */
                    stands = stands || floe_found_of_relay(core, attempt->relay);
                    floe_relay_leave_gathering(core, attempt->relay);
                }
                attempt_stop(core, now, attempt);
            }
        }
        if (stands) {
            set_progress(core, pair, FLOE_SUCCEEDED);
        } else {
            pair_failed(core, pair, first);
        }
    }
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        FLOE_LIST_EACH(binding, &base->bindings, floe_binding, link)
        {
            floe_binding_stop(core, now, binding);
        }
    }
}

/* Some URL of the gathering leads there: not one that did when it began, and by its end leads
 * elsewhere. */
static bool is_asked(const floe_base *base, const floe_address *remote)
{
    FLOE_LIST_EACH(pair, &base->pairs, floe_pair, of_base)
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
                                                  .succeeded = succeeded,
                                                  .failed = attempt_failed,
                                                  .again = again,
                                                  .answered = answered,
                                                  .asks_reflexive = asks_reflexive,
                                                  .adopt = adopt,
                                                  .relay_back = relay_back,
                                                  .relay_ended = relay_ended,
                                                  .refused = refused,
                                                  .look_up_again = floe_names_again};

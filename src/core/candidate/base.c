/* A base: the socket on one local address, how it is found and counted, and its end. */
#include "core/candidate/base.h"

#include "base/assert.h"
#include "core/outbox/failure.h"
#include "core/server/server.h"

#include <string.h>

/* ── What is counted, and found ── */

static int compare_channels(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a;
    uint32_t other = *(const uint32_t *)b;

    return (one > other) - (one < other);
}

static int compare_ips(const void *a, const void *b)
{
    const floe_base_key *one = a;
    const floe_base_key *other = b;
    int order = floe_address_order_ip(&one->ip, &other->ip);

    return order != 0 ? order : (one->number > other->number) - (one->number < other->number);
}

static const floe_tree_kind by_channel = {compare_channels,
                                          FLOE_TREE_KEY(floe_base, by_channel, channel), 4};
static const floe_tree_kind by_ip = {compare_ips, FLOE_TREE_KEY(floe_base, by_ip, key), 5};

floe_base *floe_base_on(const floe_core *core, const floe_address *address, const floe_base *last)
{
    floe_base_key key = {.ip = *address, .number = last != NULL ? last->key.number + 1 : 0};
    floe_tree_node *node = floe_tree_from(&by_ip, &core->ips, &key);
    floe_base *base = node != NULL ? FLOE_CONTAINER(node, floe_base, by_ip) : NULL;

    return base != NULL && floe_address_order_ip(&base->local, address) == 0 ? base : NULL;
}

/* Whether the base still waits for an answer of a kind: reflexive, or relay. */
static bool waits(const floe_base *base, bool relay)
{
    return base->pending[relay] > 0 || (!relay && base->asking > base->stragglers);
}

static uint8_t counts_of(const floe_base *base)
{
    bool stands = base->state != FLOE_BASE_CLOSING;
    bool heard = !base->spare && base->state == FLOE_BASE_OPEN && base->answered &&
                 base->asks != FLOE_BASE_ASKS_NOBODY;
    bool in[FLOE_BASE_COUNTS] = {
        [FLOE_BASES_AWAITED] = floe_base_awaited(base),
        [FLOE_BASES_STANDING] = stands,
        [FLOE_BASES_ASKING] = stands && base->asking > 0,
        [FLOE_BASES_WITH_RESULTS] = heard && (base->has_srflx || base->has_relay),
        [FLOE_BASES_WITHOUT] = heard && !base->has_srflx,
        [FLOE_BASES_WITHOUT_RELAY] = heard && !base->has_relay,
        [FLOE_BASES_WAITING] = heard && !base->has_srflx && waits(base, false),
        [FLOE_BASES_WAITING_FOR_RELAY] = heard && !base->has_relay && waits(base, true),
    };
    uint8_t counted = 0;

    for (size_t i = 0; i < FLOE_BASE_COUNTS; i++) {
        counted |= (uint8_t)(in[i] << i);
    }
    return counted;
}

static void count(floe_core *core, floe_base *base, uint8_t counted)
{
    for (size_t i = 0; counted != base->counted && i < FLOE_BASE_COUNTS; i++) {
        unsigned all = core->base_counts[i] + (counted >> i & 1U) - (base->counted >> i & 1U);
        core->base_counts[i] = (uint16_t)all;
    }
    base->counted = counted;
}

void floe_base_changed(floe_core *core, floe_base *base)
{
    count(core, base, counts_of(base));
}

void floe_base_set_state(floe_core *core, floe_base *base, floe_base_state state)
{
    base->state = (uint8_t)state;
    floe_base_changed(core, base);
}

/* ── Those of one interface ── */

bool floe_bases_are_rivals(const floe_base *base, const floe_base *other)
{
    return base->interface_index != 0 && base->interface_index == other->interface_index &&
           base->local.family != other->local.family;
}

/* The ring goes round once; its last one was made after the one that comes next. */
static floe_base *first_in_ring(const floe_base *base)
{
    floe_base *next = base->next_of_interface;

    while (next->key.number > base->key.number) {
        base = next;
        next = base->next_of_interface;
    }
    return next;
}

floe_base *floe_base_next_rival(const floe_base *base, const floe_base *last)
{
    floe_base *first = first_in_ring(base);
    floe_base *next = last != NULL ? last->next_of_interface : first;

    while (last == NULL || next != first) {
        if (floe_bases_are_rivals(base, next)) {
            return next;
        }
        last = next;
        next = next->next_of_interface;
    }
    return NULL;
}

static floe_base *before_in_ring(const floe_base *base)
{
    floe_base *before = base->next_of_interface;

    while (before->next_of_interface != base) {
        before = before->next_of_interface;
    }
    return before;
}

static void join_behind(floe_base *before, floe_base *base)
{
    base->next_of_interface = before->next_of_interface;
    before->next_of_interface = base;
}

static void leave_ring(floe_base *base)
{
    before_in_ring(base)->next_of_interface = base->next_of_interface;
    base->next_of_interface = base;
}

/* Where it belongs by its age, as core->bases has it. */
static void join_ring(floe_core *core, floe_base *base)
{
    for (floe_list *link = floe_ring_previous(&core->bases, &base->link); link != NULL;
         link = floe_ring_previous(&core->bases, link)) {
        floe_base *older = FLOE_CONTAINER(link, floe_base, link);
        if (older->interface_index == base->interface_index) {
            join_behind(older, base);
            return;
        }
    }
    for (floe_list *link = floe_ring_next(&core->bases, &base->link); link != NULL;
         link = floe_ring_next(&core->bases, link)) {
        floe_base *younger = FLOE_CONTAINER(link, floe_base, link);
        if (younger->interface_index == base->interface_index) {
            join_behind(before_in_ring(younger), base);
            return;
        }
    }
}

void floe_base_set_interface(floe_core *core, floe_base *base, uint32_t index)
{
    if (base->interface_index != index) {
        base->interface_index = index;
        leave_ring(base);
        if (floe_ring_linked(&base->link)) { /* else once it is opened */
            join_ring(core, base);
        }
    }
}

/* ── Their beginning ── */

floe_base *floe_base_new(floe_core *core, const floe_address *local)
{
    bool room = core->base_count < FLOE_BASES_MAX;
    floe_base *base = room ? floe_allocate(&core->shared->allocator, sizeof *base) : NULL;

    if (base == NULL) {
        floe_core_out_of_memory(core);
        return NULL;
    }
    core->base_count++;
    base->state = FLOE_BASE_OPENING;
    base->channel = floe_shared_number(core->shared, &core->last_channel);
    base->key = (floe_base_key){.ip = floe_address_with_port(*local, 0), .number = base->channel};
    base->next_of_interface = base;
    return base;
}

/* P5: a random start in the range, then round; under a mux its port. */
static void choose_first_port(floe_core *core, floe_base *base)
{
    const floe_core_shared *shared = core->shared;

    if (core->share != NULL && !core->share->own_sockets && !base->spare &&
        shared->udp_mux_port != 0) {
        base->local.port = shared->udp_mux_port;
    } else {
        floe_shared_choose_port(shared, &base->local.port, &base->ports_left);
    }
}

static void ask_for_socket(floe_core *core, floe_base *base)
{
    floe_tree_insert(&by_channel, &core->channels, &base->by_channel);
    floe_base_set_state(core, base, FLOE_BASE_OPENING);
    choose_first_port(core, base);
    floe_tell(core, &base->output, FLOE_OUTPUT_OPEN);
}

void floe_base_open(floe_core *core, floe_base *base)
{
    floe_ring_append(&core->bases, &base->link);
    floe_tree_insert(&by_ip, &core->ips, &base->by_ip);
    join_ring(core, base);
    if (floe_proxy_only(core->shared) || !floe_gathers_udp(core->shared, base->local.family)) {
        /* connections begin there, and no socket is opened */
        base->channel = 0;
        floe_base_set_state(core, base, FLOE_BASE_OPEN);
        return;
    }
    ask_for_socket(core, base);
}

void floe_base_open_again(floe_core *core, floe_base *base)
{
    FLOE_ASSERT(base->state == FLOE_BASE_FAILED);
    if (base->past != NULL &&
        base->past->failure == FLOE_FAILURE_OPEN) { /* else it is its name's */
        base->refused = base->refused && !floe_is_told(&base->past->error_output);
        floe_untell(&base->past->error_output);
    }
    floe_tree_remove(&by_channel, &core->channels, &base->by_channel);
    base->channel = floe_shared_number(core->shared, &core->last_channel);
    base->asks = FLOE_BASE_ASKS_ALL;
    ask_for_socket(core, base);
}

floe_base *floe_base_of_ip(const floe_core *core, const floe_address *address)
{
    floe_base *base = NULL;

    while ((base = floe_base_on(core, address, base)) != NULL) {
        if (!base->spare && base->state != FLOE_BASE_CLOSING &&
            floe_address_same_ip(&base->local, address)) {
            break;
        }
    }
    return base;
}

bool floe_bases_stand_on(const floe_core *core, const floe_address *address)
{
    const floe_base *base = floe_base_of_ip(core, address);

    return base != NULL && base->state != FLOE_BASE_FAILED;
}

static bool is_loopback(const floe_address *address)
{
    return floe_address_classify(address) == FLOE_ADDRESS_LOOPBACK;
}

floe_base *floe_base_spare(floe_core *core, const floe_base *original)
{
    floe_base *base = floe_base_new(core, &original->local);

    if (base != NULL) {
        base->interface = original->interface;
        if (base->interface != NULL) {
            base->interface->users++;
        }
        base->interface_index = original->interface_index;
        base->rank = original->rank;
        base->loopback = original->loopback;
        base->spare = true;
        base->alone = NULL;
        floe_base_open(core, base);
    }
    return base;
}

void floe_base_never_opened(floe_core *core, floe_base *base)
{
    floe_tree_remove(&by_channel, &core->channels, &base->by_channel);
    base->channel = 0;
}

void floe_base_shut(floe_core *core, floe_base *base)
{
    bool opened = base->state == FLOE_BASE_OPEN ||
                  (base->state == FLOE_BASE_OPENING && !floe_is_told(&base->output));

    floe_untell(&base->output);
    if (base->past != NULL) {
        floe_untell(&base->past->error_output);
    }
    if (base->sending != NULL) {
        floe_untell(&base->sending->output);
    }
    floe_base_set_state(core, base, FLOE_BASE_CLOSING);
    floe_tree_remove(&by_channel, &core->channels, &base->by_channel);
    if (!opened) {
        base->channel = 0; /* there is nothing to close; it goes in its turn all the same */
    }
    floe_tell(core, &base->output, FLOE_OUTPUT_CLOSE);
}

static void free_parts(floe_core *core, floe_base *base)
{
    const floe_allocator *allocator = &core->shared->allocator;

    if (base->named != NULL) {
        floe_untell(&base->named->output);
        floe_deallocate(allocator, base->named);
    }
    if (base->sending != NULL) {
        floe_untell(&base->sending->output);
        floe_queue_release(allocator, &base->sending->queue);
        floe_deallocate(allocator, base->sending);
    }
    if (base->past != NULL) {
        floe_untell(&base->past->error_output);
        floe_base_forgets_farewells(core, FLOE_TIME_NEVER, base);
        floe_deallocate(allocator, base->past->former);
        floe_deallocate(allocator, base->past);
    }
    floe_shared_forget_interface_name(core->shared, base->interface);
}

void floe_base_free(floe_core *core, floe_base *base)
{
    FLOE_ASSERT(floe_chain_empty(&base->bindings)); /* they are let go before */
    floe_untell(&base->output);
    floe_listener_free(core, base);
    count(core, base, 0);
    floe_tree_remove(&by_channel, &core->channels, &base->by_channel);
    floe_tree_remove(&by_ip, &core->ips, &base->by_ip);
    leave_ring(base);
    floe_ring_remove(&core->bases, &base->link);
    free_parts(core, base);
    core->base_count--;
    floe_deallocate(&core->shared->allocator, base);
}

void floe_base_forget(floe_core *core, floe_base *base)
{
    bool serves = base->spare ? base->alone != NULL : !floe_ring_empty(&base->asked_for);

    if (base->gone && floe_chain_empty(&base->found) && floe_chain_empty(&base->pairs) && !serves) {
        floe_base_free(core, base);
    }
}

floe_base *floe_base_of_channel(const floe_core *core, uint32_t channel)
{
    floe_tree_node *node = floe_tree_find(&by_channel, &core->channels, &channel);

    return node != NULL ? FLOE_CONTAINER(node, floe_base, by_channel) : NULL;
}

bool floe_bases_have_family(const floe_core *core, uint8_t family)
{
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (base->local.family == family && base->state != FLOE_BASE_FAILED &&
            base->state != FLOE_BASE_CLOSING) {
            return true;
        }
    }
    return false;
}

/* A loopback address reaches loopback alone. Any other on the loopback interface may be one that
 * routers lead to (and then often is the machine's only one), or one that nobody knows: it is asked
 * from where there is no better, so that it holds nothing up. */
bool floe_base_asks(const floe_core *core, const floe_base *base, const floe_address *server)
{
    if (server->family != base->local.family) {
        return false;
    }
    if (!base->loopback || is_loopback(server)) {
        return true;
    }
    bool better = is_loopback(&base->local);
    FLOE_RING_EACH(other, &core->bases, floe_base, link)
    {
        better = better || (!other->loopback && other->local.family == server->family &&
                            other->state != FLOE_BASE_FAILED && other->state != FLOE_BASE_CLOSING);
    }
    return !better;
}

bool floe_bases_ask_reflexive(const floe_core *core)
{
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (!base->spare && !base->no_reflexive && base->state != FLOE_BASE_CLOSING) {
            return true;
        }
    }
    return false;
}

/* So long a server may send what it had for a relay, or has not heard that this has gone. Behind that
 * the port is a peer's as any other: an SFU may have TURN, ICE and QUIC on one. */
#define UNDER_WAY_FOR floe_seconds(30)

floe_base_past *floe_base_past_of(const floe_core *core, floe_base *base)
{
    if (base->past == NULL) {
        base->past = floe_allocate(&core->shared->allocator, sizeof *base->past);
        if (base->past != NULL) {
            base->past->base = base;
        }
    }
    return base->past;
}

floe_output *floe_base_fails(floe_core *core, floe_base *base, floe_failure_kind kind,
                             floe_error error)
{
    floe_base_past *past = floe_base_past_of(core, base);

    if (past == NULL) {
        floe_core_out_of_memory(core);
        return NULL;
    }
    past->failure = (uint8_t)kind;
    past->error = (uint8_t)-error;
    return &past->error_output;
}

bool floe_base_failed_by(const floe_base *base, floe_error error)
{
    return base->state == FLOE_BASE_FAILED && base->past != NULL && base->past->error == -error;
}

void floe_base_forgets_farewells(floe_core *core, floe_time now, floe_base *base)
{
    floe_farewell **at = base->past != NULL ? &base->past->farewells : NULL;

    while (at != NULL && *at != NULL) {
        floe_farewell *farewell = *at;
        if (floe_time_reached(now, farewell->until)) {
            *at = farewell->next;
            floe_deallocate(&core->shared->allocator, farewell);
        } else {
            at = &farewell->next;
        }
    }
}

void floe_base_bids_farewell(floe_core *core, floe_time now, floe_base *base,
                             const floe_address *server)
{
    floe_base_past *past = floe_base_past_of(core, base);
    floe_farewell *made =
        past != NULL ? floe_allocate(&core->shared->allocator, sizeof *made) : NULL;

    floe_base_forgets_farewells(core, now, base);
    if (made != NULL) { /* else its data is taken for a peer's, who is to cope with that */
        made->server = *server;
        made->until = floe_time_after(now, UNDER_WAY_FOR);
        made->next = past->farewells;
        past->farewells = made;
    }
}

bool floe_base_had(floe_core *core, floe_time now, floe_base *base, const floe_address *source,
                   floe_span data)
{
    floe_base_forgets_farewells(core, now, base);
    const floe_farewell *farewell = base->past != NULL ? base->past->farewells : NULL;
    while (farewell != NULL && !floe_address_equal(&farewell->server, source)) {
        farewell = farewell->next;
    }
    return farewell != NULL && floe_may_be_channel_data(data);
}

/* Bases: the sockets on the addresses that choice.c picks, their names, and their end. */
#include "core/gatherer.h"

#include "base/name.h"

#include <string.h>

/* ── What is counted, and found ── */

int floe_base_compare_channels(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a;
    uint32_t other = *(const uint32_t *)b;

    return (one > other) - (one < other);
}

int floe_base_compare_ips(const void *a, const void *b)
{
    const floe_base_key *one = a;
    const floe_base_key *other = b;
    int order = floe_address_order_ip(&one->ip, &other->ip);

    return order != 0 ? order : (one->number > other->number) - (one->number < other->number);
}

floe_base *floe_base_on(const floe_core *core, const floe_address *address, const floe_base *last)
{
    floe_base_key key = {.ip = *address, .number = last != NULL ? last->key.number + 1 : 0};
    floe_tree_node *node = floe_tree_from(&core->ips, &key);
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
    bool heard = !base->spare && base->state == FLOE_BASE_OPEN && base->answered;
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
        core->base_counts[i] += counted >> i & 1U;
        core->base_counts[i] -= base->counted >> i & 1U;
    }
    base->counted = counted;
}

void floe_base_changed(floe_core *core, floe_base *base)
{
    count(core, base, counts_of(base));
}

static void set_state(floe_core *core, floe_base *base, floe_base_state state)
{
    base->state = (uint8_t)state;
    floe_base_changed(core, base);
}

/* ── Their beginning ── */

static floe_base *base_new(floe_core *core, const floe_address *local)
{
    floe_base *base = floe_allocate(&core->shared->allocator, sizeof *base);

    if (base == NULL) {
        floe_core_out_of_memory(core);
        return NULL;
    }
    base->local = floe_address_with_port(*local, 0);
    base->state = FLOE_BASE_OPENING;
    base->channel = ++core->last_channel;
    base->key = (floe_base_key){.ip = base->local, .number = base->channel};
    floe_list_init(&base->bindings);
    floe_list_init(&base->pairs);
    floe_list_init(&base->found);
    floe_list_init(&base->farewells);
    return base;
}

/* P5: a random start in the range, then round. */
static void choose_first_port(floe_core *core, floe_base *base)
{
    const floe_core_shared *shared = core->shared;
    uint32_t range = shared->port_max - shared->port_min + 1U;
    uint32_t offset = 0;

    if (shared->port_min == 0) {
        return;
    }
    (void)floe_random_below(&shared->random, range, &offset);
    base->local.port = (uint16_t)(shared->port_min + offset);
    base->ports_left = (uint16_t)(range - 1);
}

static void open_base(floe_core *core, floe_base *base)
{
    floe_list_append(&core->bases, &base->link);
    floe_tree_insert(&core->ips, &base->by_ip);
    if (floe_proxy_only(core->shared)) { /* connections begin there, and no socket is opened */
        base->channel = 0;
        set_state(core, base, FLOE_BASE_OPEN);
        return;
    }
    floe_tree_insert(&core->channels, &base->by_channel);
    set_state(core, base, FLOE_BASE_OPENING);
    choose_first_port(core, base);
    floe_tell(core, &base->output, FLOE_OUTPUT_OPEN);
}

static floe_base *base_of_ip(const floe_core *core, const floe_address *address)
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
    const floe_base *base = base_of_ip(core, address);

    return base != NULL && base->state != FLOE_BASE_FAILED;
}

static bool is_loopback(const floe_address *address)
{
    return floe_address_classify(address) == FLOE_ADDRESS_LOOPBACK;
}

static void set_interface(floe_core *core, floe_base *base, const floe_interface_address *from,
                          uint16_t rank)
{
    const char *name = from->interface_name != NULL ? from->interface_name : "";
    size_t size = strlen(name);

    size = size < sizeof base->interface_name ? size : sizeof base->interface_name - 1;
    memset(base->interface_name, 0, sizeof base->interface_name);
    memcpy(base->interface_name, name, size);
    base->interface_index = from->interface_index;
    base->rank = rank;
    base->loopback = from->loopback || is_loopback(&from->address);
    base->chosen = true;
    base->overdue = false;
    base->no_reflexive =
        floe_rewrite_replaces(floe_rewrite_for(core->shared, FLOE_CANDIDATE_TYPE_SRFLX,
                                               &base->local, base->interface_name),
                              &base->local);
    if (floe_tree_has(&base->by_ip)) { /* a new one is counted once it is opened */
        floe_base_changed(core, base);
    }
}

/* ── Names (H2) ── */

/* RFC 9562 §5.4: 122 random bits. */
static bool make_uuid_name(const floe_core *core, char *name)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];
    size_t at = 0;

    if (floe_random_fill(&core->shared->random, bytes, sizeof bytes) != FLOE_OK) {
        return false;
    }
    bytes[6] = (uint8_t)((bytes[6] & 0x0fU) | 0x40U);
    bytes[8] = (uint8_t)((bytes[8] & 0x3fU) | 0x80U);
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            name[at++] = '-';
        }
        name[at++] = digits[bytes[i] >> 4];
        name[at++] = digits[bytes[i] & 15U];
    }
    memcpy(&name[at], ".local", sizeof ".local");
    return true;
}

/* One name for an address: the other component's, if it has one, and not the one that is taken. */
static const char *name_of_associated(const floe_core *core, const floe_base *base)
{
    floe_base *other = core->associated != NULL ? base_of_ip(core->associated, &base->local) : NULL;
    bool good = other != NULL && other->name != NULL &&
                (base->name == NULL || !floe_name_same(other->name, base->name));

    return good ? other->name : NULL;
}

static bool give_name(floe_core *core, floe_base *base, const char *given)
{
    char made[48];

    if (given == NULL && !make_uuid_name(core, made)) {
        return false;
    }
    given = given != NULL ? given : made;
    char *copy = floe_copy_text(&core->shared->allocator, given, strlen(given));
    if (copy == NULL) {
        return false;
    }
    floe_deallocate(&core->shared->allocator, base->name);
    base->name = copy;
    return true;
}

static bool wants_name(const floe_core *core)
{
    return core->shared->mdns_mode == FLOE_MDNS_MODE_QUERY_AND_GATHER;
}

static void publish(floe_core *core, floe_base *base)
{
    if (base->name != NULL && !base->published && floe_hosts_are_told(core)) {
        base->published = true;
        base->unheard = false;
        floe_tell(core, &base->name_output, FLOE_OUTPUT_PUBLISH);
    }
}

void floe_base_unpublish(floe_core *core, floe_base *base)
{
    if (base->published) {
        base->published = false;
        if (floe_list_linked(&base->name_output.link)) {
            floe_untell(&base->name_output); /* nobody has heard of it */
        } else {
            floe_tell(core, &base->name_output, FLOE_OUTPUT_UNPUBLISH);
        }
    }
}

void floe_bases_apply_policy(floe_core *core)
{
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (!floe_hosts_are_told(core)) {
            floe_base_unpublish(core, base);
        }
    }
}

static void tell_host(floe_core *core, floe_time now, floe_base *base)
{
    floe_finding finding = {
        .type = FLOE_CANDIDATE_TYPE_HOST, .base = base, .address = &base->local};

    (void)floe_found_add(core, now, &finding);
}

/* Another machine on the link has the name: a new one, and, where the old one had been told, a new
 * candidate by it. */
void floe_base_name_taken(floe_core *core, floe_time now, floe_base *base)
{
    bool was_published = base->published;

    base->published = false;
    floe_untell(&base->name_output);
    floe_found_withdraw_hosts(core, base);
    if (!give_name(core, base, name_of_associated(core, base))) {
        floe_core_out_of_memory(core);
        return;
    }
    if (was_published) {
        publish(core, base);
        if (core->interfaces_known) {
            tell_host(core, now, base);
        }
    }
}

/* The candidate stays as it is, with its address hidden; its owner hears once that nobody will find
 * it. Where policy shows no host, nobody is to. */
void floe_base_name_unheard(floe_core *core, floe_base *base, floe_error error)
{
    if (floe_hosts_are_told(core) && !base->unheard) {
        base->unheard = true;
        base->failure = FLOE_FAILURE_PUBLISH;
        base->error = (uint8_t)-error;
        floe_tell_before_end(core, &base->error_output, FLOE_OUTPUT_BASE_ERROR);
    }
}

/* ── Gathering on a base ── */

/* All that can be said of an open base at once; then the servers are asked. */
static void gather_on(floe_core *core, floe_time now, floe_base *base)
{
    if (!floe_proxy_only(core->shared)) {
        publish(core, base);
        tell_host(core, now, base);
        if (!core->shared->ice_lite) {
            (void)floe_found_add_rewritten(core, now, base);
        }
    }
    floe_pairs_make(core, now, base);
}

void floe_base_close(floe_core *core, floe_base *base)
{
    bool opened = base->state == FLOE_BASE_OPEN ||
                  (base->state == FLOE_BASE_OPENING && !floe_list_linked(&base->output.link));

    floe_way_gone(core, &base->full_for);
    floe_found_withdraw_base(core, base);
    FLOE_LIST_EACH_SAFE(binding, &base->bindings, floe_binding, link)
    {
        floe_binding_free(core, binding);
    }
    floe_base_unpublish(core, base);
    floe_untell(&base->output);
    floe_untell(&base->error_output);
    floe_untell(&base->send_output);
    set_state(core, base, FLOE_BASE_CLOSING);
    floe_tree_remove(&core->channels, &base->by_channel);
    if (!opened) {
        base->channel = 0; /* there is nothing to close; it goes in its turn all the same */
    }
    floe_tell(core, &base->output, FLOE_OUTPUT_CLOSE);
}

/* Its address is gone, or is not gathered on any more. */
static void leave(floe_core *core, floe_time now, floe_base *base)
{
    floe_relays_leave_base(core, now, base);
    if (base->state != FLOE_BASE_CLOSING) { /* a spare goes with its relay */
        floe_base_close(core, base);
    }
}

static bool new_base(floe_core *core, const floe_interface_address *from, uint16_t rank)
{
    floe_base *base = base_new(core, &from->address);

    if (base == NULL) {
        return false;
    }
    set_interface(core, base, from, rank);
    if (wants_name(core)) {
        const char *given = core->shared->mdns_name;
        if (!give_name(core, base, given != NULL ? given : name_of_associated(core, base))) {
            floe_core_out_of_memory(core);
            floe_base_free(core, base);
            return false;
        }
    }
    open_base(core, base);
    return true;
}

/* Those that the list does not have any more; a spare goes with its original. */
static void close_others(floe_core *core, floe_time now)
{
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        const floe_base *original = base->spare ? base_of_ip(core, &base->local) : base;
        bool stays = original != NULL && original->chosen;
        if (!stays && base->state != FLOE_BASE_CLOSING) {
            leave(core, now, base);
        }
    }
}

void floe_bases_update(floe_core *core, floe_time now, const floe_interface_address *list,
                       size_t count)
{
    const floe_interface_address *best;
    floe_choice choice;
    bool good = true;

    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        base->chosen = false;
    }
    if (!floe_choice_begin(&choice, core, list, count)) {
        return;
    }
    for (uint16_t rank = 0; good && (best = floe_choice_next(&choice)) != NULL;
         rank = (uint16_t)(rank < UINT16_MAX ? rank + 1 : rank)) {
        floe_base *base = base_of_ip(core, &best->address);
        if (base != NULL && base->state == FLOE_BASE_FAILED) {
            leave(core, now, base); /* it may open this time */
            base = NULL;
        }
        if (base != NULL) {
            set_interface(core, base, best, rank);
        } else {
            good = new_base(core, best, rank);
        }
    }
    floe_choice_end(&choice, now);
    if (good) {
        close_others(core, now);
    }
    floe_relays_move_on(core, now);
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (base->state == FLOE_BASE_OPEN && !base->spare) {
            gather_on(core, now, base);
        }
    }
}

floe_base *floe_base_spare(floe_core *core, const floe_base *original)
{
    floe_base *base = base_new(core, &original->local);

    if (base != NULL) {
        memcpy(base->interface_name, original->interface_name, sizeof base->interface_name);
        base->interface_index = original->interface_index;
        base->rank = original->rank;
        base->loopback = original->loopback;
        base->spare = true;
        open_base(core, base);
    }
    return base;
}

/* Those that wait for the base. */
static void settle_relays(floe_core *core, floe_time now, const floe_base *base)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (relay->base == base && floe_relay_lives(relay) &&
            (base->spare || relay->state == FLOE_RELAY_MOVES)) {
            floe_relay_base_settled(core, now, relay);
        }
    }
}

void floe_base_opened(floe_core *core, floe_time now, floe_base *base, const floe_address *local)
{
    set_state(core, base, FLOE_BASE_OPEN);
    base->local.port = local->port;
    settle_relays(core, now, base);
    if (!base->spare && !base->overdue && core->interfaces_known) {
        gather_on(core, now, base);
    }
}

void floe_base_tell_failure(floe_core *core, floe_base *base, floe_error error)
{
    base->failure = FLOE_FAILURE_OPEN;
    base->error = (uint8_t)-error;
    floe_tell(core, &base->error_output, FLOE_OUTPUT_BASE_ERROR);
}

void floe_base_open_failed(floe_core *core, floe_time now, floe_base *base, floe_error error)
{
    const floe_core_shared *shared = core->shared;

    if (error == FLOE_ERR_ADDRESS_IN_USE && base->ports_left > 0) {
        base->ports_left--;
        base->local.port = base->local.port == shared->port_max ? shared->port_min
                                                                : (uint16_t)(base->local.port + 1);
        floe_tell(core, &base->output, FLOE_OUTPUT_OPEN);
        return;
    }
    set_state(core, base, FLOE_BASE_FAILED);
    base->local.port = 0;
    settle_relays(core, now, base);
    if (!base->spare && !base->overdue && core->interfaces_known) { /* else it is tried again */
        floe_base_tell_failure(core, base, error);
    }
}

void floe_base_free(floe_core *core, floe_base *base)
{
    FLOE_LIST_EACH_SAFE(binding, &base->bindings, floe_binding, link)
    {
        floe_binding_free(core, binding);
    }
    floe_untell(&base->output);
    floe_untell(&base->error_output);
    floe_untell(&base->name_output);
    floe_untell(&base->send_output);
    floe_queue_release(&core->shared->allocator, &base->queue);
    count(core, base, 0);
    floe_tree_remove(&core->channels, &base->by_channel);
    floe_tree_remove(&core->ips, &base->by_ip);
    floe_list_remove(&base->link);
    floe_base_forgets_farewells(core, FLOE_TIME_NEVER, base);
    floe_deallocate(&core->shared->allocator, base->former);
    floe_deallocate(&core->shared->allocator, base->name);
    floe_deallocate(&core->shared->allocator, base);
}

void floe_base_forget(floe_core *core, floe_base *base)
{
    if (base->gone && floe_list_empty(&base->found) && floe_list_empty(&base->pairs) &&
        !floe_relays_stand_on(core, base)) {
        floe_base_free(core, base);
    }
}

floe_base *floe_base_of_channel(const floe_core *core, uint32_t channel)
{
    floe_tree_node *node = floe_tree_find(&core->channels, &channel);

    return node != NULL ? FLOE_CONTAINER(node, floe_base, by_channel) : NULL;
}

bool floe_bases_have_family(const floe_core *core, uint8_t family)
{
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
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
    FLOE_LIST_EACH(other, &core->bases, floe_base, link)
    {
        better = better || (!other->loopback && other->local.family == server->family &&
                            other->state != FLOE_BASE_FAILED && other->state != FLOE_BASE_CLOSING);
    }
    return !better;
}

bool floe_bases_ask_reflexive(const floe_core *core)
{
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (!base->spare && !base->no_reflexive && base->state != FLOE_BASE_CLOSING) {
            return true;
        }
    }
    return false;
}

/* Bases: the sockets on the addresses that choice.c picks, their names, and their end. */
#include "core/gatherer.h"

#include "base/name.h"

#include <string.h>

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
    floe_list_init(&base->bindings);
    floe_list_init(&base->pairs);
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
    if (floe_proxy_only(core->shared)) { /* connections begin there, and no socket is opened */
        base->channel = 0;
        base->state = FLOE_BASE_OPEN;
        return;
    }
    choose_first_port(core, base);
    floe_tell(core, &base->output, FLOE_OUTPUT_OPEN);
}

static floe_base *base_of_ip(const floe_core *core, const floe_address *address)
{
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (!base->spare && base->state != FLOE_BASE_CLOSING &&
            floe_address_same_ip(&base->local, address)) {
            return base;
        }
    }
    return NULL;
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

static void set_interface(const floe_core *core, floe_base *base,
                          const floe_interface_address *from, uint16_t rank)
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
    base->no_reflexive = floe_rewrite_replaces(floe_rewrite_for(
        core->shared, FLOE_CANDIDATE_TYPE_SRFLX, &base->local, base->interface_name));
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
        base->failure = (floe_failure){.kind = FLOE_FAILURE_PUBLISH, .detail = (uint8_t)-error};
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
    base->state = FLOE_BASE_CLOSING;
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
        if (relay->base == base && relay->phase == FLOE_RELAY_LIVE &&
            (base->spare || relay->moves)) {
            floe_relay_base_settled(core, now, relay);
        }
    }
}

void floe_base_opened(floe_core *core, floe_time now, floe_base *base, const floe_address *local)
{
    base->state = FLOE_BASE_OPEN;
    base->local.port = local->port;
    settle_relays(core, now, base);
    if (!base->spare && !base->overdue && core->interfaces_known) {
        gather_on(core, now, base);
    }
}

void floe_base_tell_failure(floe_core *core, floe_base *base, floe_error error)
{
    base->failure =
        (floe_failure){.kind = FLOE_FAILURE_OPEN, .detail = (uint8_t)-error, .remote = base->local};
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
    base->state = FLOE_BASE_FAILED;
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
    floe_list_remove(&base->link);
    floe_deallocate(&core->shared->allocator, base->name);
    floe_deallocate(&core->shared->allocator, base);
}

void floe_base_forget(floe_core *core, const floe_base *of)
{
    FLOE_LIST_EACH(found, &core->found, floe_found, link)
    {
        if (found->base == of) {
            return;
        }
    }
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (base == of && base->gone) {
            floe_base_free(core, base);
            return;
        }
    }
}

floe_base *floe_base_of_channel(floe_core *core, uint32_t channel)
{
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        if (base->channel == channel && base->state != FLOE_BASE_CLOSING) {
            return base;
        }
    }
    return NULL;
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

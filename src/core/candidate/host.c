/* Hosts: the candidates of the bases themselves, and the names that stand for their addresses (H2). */
#include "core/candidate/host.h"

#include "base/name.h"
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/failure.h"
#include "core/outbox/outbox.h"
#include "core/outbox/policy.h"

#include <string.h>

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
    floe_base *other =
        core->associated != NULL ? floe_base_of_ip(core->associated, &base->local) : NULL;
    const char *name = other != NULL ? floe_base_name_of(other) : NULL;
    const char *own = floe_base_name_of(base);

    return name == NULL || own == NULL || !floe_name_same(name, own) ? name : NULL;
}

static bool give_name(floe_core *core, floe_base *base, const char *given)
{
    char made[48];

    if (given == NULL && !make_uuid_name(core, made)) {
        return false;
    }
    given = given != NULL ? given : made;
    size_t size = strlen(given) + 1;
    floe_base_named *named =
        floe_allocate(&core->shared->allocator, sizeof(floe_base_named) + size);
    if (named == NULL) {
        return false;
    }
    named->base = base;
    memcpy(named->text, given, size);
    floe_deallocate(&core->shared->allocator, base->named);
    base->named = named;
    return true;
}

bool floe_base_name(floe_core *core, floe_base *base)
{
    const char *given = core->shared->mdns_name;

    if (core->shared->mdns_mode != FLOE_MDNS_MODE_QUERY_AND_GATHER || floe_core_is_trunk(core)) {
        return true;
    }
    if (!give_name(core, base, given != NULL ? given : name_of_associated(core, base))) {
        floe_core_out_of_memory(core);
        return false;
    }
    return true;
}

static void publish(floe_core *core, floe_base *base)
{
    if (base->named != NULL && !base->published && floe_hosts_are_told(core)) {
        base->published = true;
        base->unheard = false;
        floe_tell(core, &base->named->output, FLOE_OUTPUT_PUBLISH);
    }
}

void floe_base_unpublish(floe_core *core, floe_base *base)
{
    if (base->published) {
        base->published = false;
        if (floe_is_told(&base->named->output)) {
            floe_untell(&base->named->output); /* nobody has heard of it */
        } else {
            floe_tell(core, &base->named->output, FLOE_OUTPUT_UNPUBLISH);
        }
    }
}

void floe_bases_apply_policy(floe_core *core)
{
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (!floe_hosts_are_told(core)) {
            floe_base_unpublish(core, base);
        }
    }
}

static void tell_host(floe_core *core, floe_time now, floe_base *base, floe_tcp_type tcp_type,
                      const floe_address *address)
{
    floe_finding finding = {
        .type = FLOE_CANDIDATE_TYPE_HOST, .tcp_type = tcp_type, .base = base, .address = address};

    (void)floe_found_add(core, now, &finding);
}

/* RFC 6544 §4.5: of an active one the port says nothing. Who is lite begins no check, and connects
 * to nobody (RFC 8445 §2.5). */
#define PORT_OF_ACTIVE 9

static void tell_tcp_hosts(floe_core *core, floe_time now, floe_base *base)
{
    const floe_listener *listener = base->listener;
    floe_address active = floe_address_with_port(base->local, PORT_OF_ACTIVE);

    if (listener == NULL || listener->state == FLOE_BASE_OPENING) {
        return;
    }
    if (!core->shared->ice_lite) {
        tell_host(core, now, base, FLOE_TCP_TYPE_ACTIVE, &active);
    }
    if (listener->state == FLOE_BASE_OPEN) {
        tell_host(core, now, base, FLOE_TCP_TYPE_PASSIVE, &listener->local);
        if (core->shared->tcp_simultaneous_open && !core->shared->ice_lite) {
            tell_host(core, now, base, FLOE_TCP_TYPE_SO, &listener->local);
        }
    }
}

static void tell_hosts(floe_core *core, floe_time now, floe_base *base)
{
    if (floe_base_has_socket(base)) {
        tell_host(core, now, base, FLOE_TCP_TYPE_NONE, &base->local);
    }
    tell_tcp_hosts(core, now, base);
}

void floe_base_tell_hosts(floe_core *core, floe_time now, floe_base *base)
{
    publish(core, base);
    tell_hosts(core, now, base);
}

/* Another machine on the link has the name: a new one, and, where the old one had been told, a new
 * candidate by it. */
void floe_base_name_taken(floe_core *core, floe_time now, floe_base *base)
{
    bool was_published = base->published;

    base->published = false;
    floe_untell(&base->named->output);
    floe_found_withdraw_hosts(core, base);
    if (!give_name(core, base, name_of_associated(core, base))) {
        floe_core_out_of_memory(core);
        return;
    }
    if (was_published) {
        publish(core, base);
        if (core->interfaces_known) {
            tell_hosts(core, now, base);
        }
    }
}

/* The candidate stays as it is, with its address hidden; its owner hears once that nobody will find
 * it. Where policy shows no host, nobody is to. */
void floe_base_name_unheard(floe_core *core, floe_base *base, floe_error error)
{
    if (floe_hosts_are_told(core) && !base->unheard) {
        base->unheard = true;
        floe_output *output = floe_base_fails(core, base, FLOE_FAILURE_PUBLISH, error);
        if (output != NULL) {
            floe_tell_before_end(core, output, FLOE_OUTPUT_BASE_ERROR);
        }
    }
}

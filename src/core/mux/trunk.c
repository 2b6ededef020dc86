/* Trunks: each asks one server once, for all members that have it; what it finds they tell, each by its own rules. */
#include "base/error.h"
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/gatherer/face.h"
#include "core/gatherer/life.h"
#include "core/mux/mux.h"
#include "core/outbox/policy.h"
#include "core/outbox/unreachable.h"
#include "core/plan/elsewhere.h"
#include "core/plan/names.h"
#include "core/plan/network.h"
#include "core/plan/pair.h"
#include "core/server/server_set.h"
#include "core/source/binding.h"
#include "core/source/relay.h"

#include <string.h>

/* Who joins a gathering so late waits for another, if it fails. */
#define LATE_AFTER floe_milliseconds(500)

/* ── The list of interfaces, which trunks gather on too ── */

static const char *name_of(const floe_interface_address *address)
{
    return address->interface_name != NULL ? address->interface_name : "";
}

static bool same_address(const floe_interface_address *a, const floe_interface_address *b)
{
    return strcmp(name_of(a), name_of(b)) == 0 && a->interface_index == b->interface_index &&
           a->adapter == b->adapter && floe_address_equal(&a->address, &b->address) &&
           a->up == b->up && a->temporary == b->temporary && a->deprecated == b->deprecated &&
           a->tentative == b->tentative && a->default_route == b->default_route &&
           a->loopback == b->loopback;
}

static bool is_known(const floe_mux *mux, const floe_interface_address *list, size_t count)
{
    if (mux->version == 0 || mux->interface_count != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        floe_interface_address one = {0};
        floe_take_nth(&one, list, i, FLOE_INTERFACE_ADDRESS_SIZES);
        if (!same_address(&mux->interfaces[i], &one)) {
            return false;
        }
    }
    return true;
}

/* One block: the addresses, then their names. Without memory the list of before stays. */
static void keep_interfaces(floe_mux *mux, const floe_interface_address *list, size_t count)
{
    size_t texts = 0;

    if (is_known(mux, list, count)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        floe_interface_address one = {0};
        floe_take_nth(&one, list, i, FLOE_INTERFACE_ADDRESS_SIZES);
        texts += strlen(name_of(&one)) + 1;
    }
    floe_interface_address *kept =
        floe_allocate(&mux->shared->allocator, count * sizeof *kept + texts + 1);
    if (kept == NULL) {
        return;
    }
    char *text = (char *)&kept[count];
    for (size_t i = 0; i < count; i++) {
        floe_take_nth(&kept[i], list, i, FLOE_INTERFACE_ADDRESS_SIZES);
        kept[i].size = sizeof *kept;
        kept[i].interface_name = floe_keep_text(name_of(&kept[i]), &text);
    }
    floe_deallocate(&mux->shared->allocator, mux->interfaces);
    mux->interfaces = kept;
    mux->interface_count = count;
    mux->version++;
}

/* ── Links ── */

/* P8: by what transports the member lets this server be asked, where its domain may say others. */
static uint8_t transports_of(const floe_part *member, const floe_server *server)
{
    return floe_names_choose_transports(member->mux->shared, server->url)
               ? member->core->set->transports
               : FLOE_RELAY_TRANSPORTS;
}

/* Whether it asks this server as the member would. */
static bool is_of(const floe_part *trunk, const floe_part *member, const floe_server *server)
{
    const floe_server_set *set = trunk->core->set;

    return floe_server_is(&set->servers[0], server->url, server->account) &&
           set->transports == transports_of(member, server);
}

/* A TURN server by UDP, as a STUN server: whoever asks it. */
static floe_server as_stun(const floe_server *server, floe_url *url)
{
    *url = *server->url;
    url->turn = false;
    return (floe_server){.url = url};
}

/* Whether it is for this server of the member's. */
static bool is_for(const floe_link *link, const floe_server *server)
{
    floe_url url;
    floe_server stun = as_stun(server, &url);

    return is_of(link->trunk, link->member, link->reflexive ? &stun : server) &&
           (!link->reflexive || server->url->turn);
}

/* Whether it gives the member such candidates. */
static bool gives(const floe_link *link, unsigned type)
{
    return type == FLOE_CANDIDATE_TYPE_SRFLX ? !link->trunk->apart : !link->reflexive;
}

/* The member's server that the trunk asks, of those at hand; NULL: it has it no more. */
static floe_server *server_of(const floe_link *link)
{
    floe_server_set *set = link->member->core->set;

    for (size_t i = 0; i < set->count; i++) {
        if (is_for(link, &set->servers[i])) {
            return &set->servers[i];
        }
    }
    return NULL;
}

static floe_part *trunk_of(const floe_part *member, const floe_server *server)
{
    FLOE_RING_EACH(trunk, &member->mux->trunks, floe_part, link)
    {
        if (!trunk->leaving && is_of(trunk, member, server)) {
            return trunk;
        }
    }
    return NULL;
}

const floe_core *floe_member_asks(const floe_share *share, size_t n)
{
    const floe_part *member = FLOE_CONTAINER(share, floe_part, share);

    FLOE_RING_EACH(link, &member->links, floe_link, of_member)
    {
        if (n-- == 0) {
            return link->trunk->core;
        }
    }
    return NULL;
}

void floe_trunk_forget_errors(floe_part *trunk)
{
    floe_output *told;

    while ((told = floe_outputs_take(&trunk->errors)) != NULL) {
        floe_untell_error(trunk->core, told);
    }
    trunk->error_count = 0;
    FLOE_RING_EACH(link, &trunk->links, floe_link, of_trunk)
    {
        link->heard = 0;
    }
}

/* Another user asks this server by the mux's sockets, where it may have one allocation (RFC 8656 §3.2). */
static bool is_taken(const floe_mux *mux, const floe_server *server)
{
    FLOE_RING_EACH(trunk, &mux->trunks, floe_part, link)
    {
        if (!trunk->apart && !trunk->leaving && server->url->turn &&
            server->url->transport == FLOE_PROTOCOL_UDP &&
            floe_url_same_place(trunk->core->set->servers[0].url, server->url)) {
            return true;
        }
    }
    return false;
}

static void begin(floe_part *trunk, floe_time now)
{
    trunk->complete = false;
    trunk->asks = true;
    trunk->begun = now;
    trunk->erred = false;
    floe_trunk_forget_errors(trunk);
    trunk->version = trunk->mux->version;
    (void)floe_gather_start(trunk->core, now);
    floe_part_touch(trunk);
}

void floe_trunks_look_again(floe_mux *mux, floe_time now, const floe_address *local)
{
    FLOE_RING_EACH(trunk, &mux->trunks, floe_part, link)
    {
        const floe_base *base = floe_base_of_ip(trunk->core, local);
        if (trunk->complete && !trunk->leaving && base != NULL && base->state == FLOE_BASE_FAILED) {
            begin(trunk, now);
        }
    }
}

/* NULL without memory. */
static floe_part *new_trunk(floe_part *member, floe_time now, const floe_server *server)
{
    floe_mux *mux = member->mux;
    bool apart = is_taken(mux, server);
    floe_core *core = floe_gather_new_alone(mux->shared, server,
                                            apart ? FLOE_GATHER_TYPE_RELAY
                                                  : FLOE_GATHER_TYPE_SRFLX | FLOE_GATHER_TYPE_RELAY,
                                            transports_of(member, server));
    floe_part *trunk = core != NULL ? floe_part_new(mux, core, FLOE_SHARE_TRUNK) : NULL;

    if (trunk == NULL) {
        floe_gather_free(core);
        return NULL;
    }
    trunk->apart = trunk->share.own_sockets = apart;
    floe_trunk_take_lane(trunk, member);
    begin(trunk, now);
    return trunk;
}

static floe_link *link_of(const floe_part *member, const floe_server *server, bool reflexive)
{
    FLOE_RING_EACH(link, &member->links, floe_link, of_member)
    {
        if (link->reflexive == reflexive && is_for(link, server)) {
            return link;
        }
    }
    return NULL;
}

/* NULL without memory. */
static floe_link *new_link(floe_part *member, floe_time now, const floe_server *server)
{
    floe_mux *mux = member->mux;
    floe_part *trunk = trunk_of(member, server);
    floe_link *link = floe_allocate(&mux->shared->allocator, sizeof *link);

    if (link != NULL && trunk == NULL) {
        trunk = new_trunk(member, now, server);
    }
    if (trunk == NULL || link == NULL) {
        floe_deallocate(&mux->shared->allocator, link);
        return NULL;
    }
    link->member = member;
    link->trunk = trunk;
    floe_ring_append(&member->links, &link->of_member);
    floe_ring_append(&trunk->links, &link->of_trunk);
    return link;
}

static void drop_link(floe_link *link)
{
    floe_part *trunk = link->trunk;

    floe_ring_remove(&link->member->links, &link->of_member);
    floe_ring_remove(&trunk->links, &link->of_trunk);
    floe_deallocate(&trunk->mux->shared->allocator, link);
}

void floe_trunk_forget_links(floe_part *trunk)
{
    FLOE_RING_EACH_SAFE(link, &trunk->links, floe_link, of_trunk)
    {
        drop_link(link);
    }
}

/* What nobody asks for any more ends: its relay is deleted, its share of the sockets given back. */
void floe_trunk_unlink(floe_link *link, floe_time now)
{
    floe_part *trunk = link->trunk;

    drop_link(link);
    if (floe_ring_empty(&trunk->links) && !trunk->leaving) {
        trunk->leaving = true;
        floe_gather_close(trunk->core, now);
        floe_part_touch(trunk);
    }
}

/* ── What is found ── */

static floe_found *found_of_id(const floe_core *core, uint32_t id)
{
    FLOE_RING_EACH(found, &core->found, floe_found, link)
    {
        if (found->id == id) {
            return found;
        }
    }
    return NULL;
}

/* Whether members are told of it: its trunk has been. (That has no hosts: theirs are their own.) */
static bool is_given(const floe_found *found)
{
    return found->told && !found->withdrawn && !found->stale;
}

/* The member's base where the trunk has found it; NULL: it has none there that is open. */
static floe_base *base_for(const floe_part *member, const floe_found *found)
{
    floe_base *base = floe_base_of_ip(member->core, &found->base->local);
    bool shows = base != NULL && base->state == FLOE_BASE_OPEN &&
                 (found->type != FLOE_CANDIDATE_TYPE_SRFLX || !base->no_reflexive);

    return shows ? base : NULL;
}

/* The address of the server that has given it. */
static const floe_address *given_by(const floe_found *found)
{
    const floe_relay *relay = floe_found_relay(found);
    const floe_binding *binding = floe_found_binding(found);

    return relay != NULL ? &relay->turn.server : binding != NULL ? &binding->remote : NULL;
}

static void give(const floe_link *link, floe_time now, const floe_found *found)
{
    floe_base *base = base_for(link->member, found);
    const floe_server *server = gives(link, found->type) ? server_of(link) : NULL;

    if (base != NULL && server != NULL && server->elsewhere != FLOE_ELSEWHERE_FAILED) {
        bool relayed = found->type == FLOE_CANDIDATE_TYPE_RELAY;
        floe_address related = relayed ? floe_found_related(found) : (floe_address){0};
        floe_finding finding = {.type = (floe_candidate_type)found->type,
                                .tcp_type = (floe_tcp_type)found->tcp_type,
                                .base = base,
                                .server = server,
                                .trunks_id = found->id,
                                .transport = found->transport,
                                .remote = given_by(found),
                                .address = &found->address,
                                .mapped = relayed ? &related : NULL};
        (void)floe_found_add(link->member->core, now, &finding);
    }
}

/* Whether nothing more is waited for of the server: of its own trunk, or of that which is asked beside. */
static bool is_over(const floe_part *member, const floe_server *server)
{
    FLOE_RING_EACH(link, &member->links, floe_link, of_member)
    {
        if (is_for(link, server) && !link->trunk->complete && !(link->reflexive && link->hurries)) {
            return false;
        }
    }
    return true;
}

/* All that the trunk has by now; and that it has all, if so. */
static void supply(const floe_link *link, floe_time now)
{
    const floe_part *trunk = link->trunk;
    bool any = false;

    FLOE_RING_EACH(found, &trunk->core->found, floe_found, link)
    {
        if (is_given(found)) {
            any = true;
            give(link, now, found);
        }
    }
    floe_server *server = server_of(link);
    bool opens = link->member->core->base_counts[FLOE_BASES_AWAITED] > 0;
    if (server != NULL && !opens && is_over(link->member, server)) {
        floe_elsewhere_end(server, any);
    }
}

static bool is_done(const floe_part *member)
{
    return member->core->state == FLOE_GATHERER_STATE_CLOSED || !member->core->interfaces_known;
}

void floe_member_supply(floe_part *member, floe_time now)
{
    if (is_done(member)) {
        return;
    }
    FLOE_RING_EACH(link, &member->links, floe_link, of_member)
    {
        supply(link, now);
    }
    floe_core_settle(member->core, now);
    floe_member_settle(member, now);
    floe_part_touch(member);
}

void floe_member_is_supplied(floe_share *share, floe_time now)
{
    const floe_part *member = FLOE_CONTAINER(share, floe_part, share);

    FLOE_RING_EACH(link, &member->links, floe_link, of_member)
    {
        supply(link, now);
    }
}

static void tell_member(floe_link *link, const floe_candidate_error *error);

/* What the trunk has told before the member waited for it. */
static void tell_former(floe_link *link)
{
    uint32_t n = 0;

    FLOE_OUTPUTS_EACH(told, &link->trunk->errors)
    {
        if (n++ >= link->heard) {
            tell_member(link, &FLOE_CONTAINER(told, floe_told_error, output)->error);
        }
    }
    link->heard = n;
}

/* The trunk is asked for the member: anew, if it has failed, or the network is another. NULL without
 * memory. */
static floe_link *ask(floe_part *member, floe_time now, const floe_server *server, bool reflexive)
{
    floe_url url;
    floe_server stun = as_stun(server, &url);
    floe_link *link = link_of(member, server, reflexive);

    if (link == NULL) {
        link = new_link(member, now, reflexive ? &stun : server);
    }
    if (link == NULL) {
        return NULL;
    }
    link->reflexive = reflexive;
    link->wanted = true;
    floe_part *trunk = link->trunk;
    if (trunk->complete && (trunk->erred || !floe_outputs_empty(&trunk->errors) ||
                            trunk->version != trunk->mux->version)) {
        floe_trunk_take_lane(trunk, member);
        begin(trunk, now);
    }
    link->told = false;
    link->heard = 0;
    link->late =
        !trunk->complete && floe_time_reached(now, floe_time_after(trunk->begun, LATE_AFTER));
    tell_former(link);
    return link;
}

/* And what a NAT shows, where its own trunk cannot ask that. The server fails without memory. */
static void ask_server(floe_part *member, floe_time now, floe_server *server)
{
    const floe_link *link = ask(member, now, server, false);
    bool beside = link != NULL && link->trunk->apart && floe_reflexive_is_wanted(member->core);

    if (link == NULL || (beside && ask(member, now, server, true) == NULL)) {
        server->elsewhere = FLOE_ELSEWHERE_FAILED;
        floe_server_fail(member->core, server, FLOE_FAILURE_MEMORY, 0);
    }
}

void floe_mux_serve(floe_part *member, floe_time now, const floe_interface_address *list,
                    size_t count)
{
    floe_core *core = member->core;

    keep_interfaces(member->mux, list, count);
    floe_mux_try_again(member->mux);
    FLOE_RING_EACH(former, &member->links, floe_link, of_member)
    {
        former->wanted = former->hurries = false;
    }
    for (size_t i = 0; i < core->set->count; i++) {
        floe_server *server = &core->set->servers[i];
        if (server->elsewhere == FLOE_ELSEWHERE_PENDING) {
            ask_server(member, now, server);
        }
    }
    floe_mux_open_now(member, now);
    floe_member_supply(member, now);
}

/* ── The network changes (N1, N2) ── */

/* Whether the trunk asks on a base where the member has one. */
static bool asks_for(const floe_link *link)
{
    FLOE_RING_EACH(base, &link->trunk->core->bases, floe_base, link)
    {
        const floe_base *own =
            base->asks != FLOE_BASE_ASKS_NOBODY && !base->spare && base->state != FLOE_BASE_CLOSING
                ? floe_base_of_ip(link->member->core, &base->local)
                : NULL;
        if (own != NULL && own->state != FLOE_BASE_FAILED) {
            return true;
        }
    }
    return false;
}

/* The member, which gathers, waits for what the trunk asks for it. */
static void await(const floe_link *link)
{
    floe_server *server = server_of(link);

    if (server != NULL && link->trunk->core->state == FLOE_GATHERER_STATE_GATHERING &&
        asks_for(link)) {
        floe_elsewhere_await(server);
    }
}

/* The trunk asks anew by a change: its member gathers, as one would by itself. */
static void gather_by(const floe_link *link, floe_time now)
{
    const floe_mux *mux = link->member->mux;
    floe_core *core = link->member->core;

    if (is_done(link->member) || core->pooled || !floe_core_is_continual(core) || !asks_for(link)) {
        return;
    }
    if (core->state == FLOE_GATHERER_STATE_COMPLETE) {
        floe_core_gather_change(core, now);
        floe_network_saw(core, mux->interfaces, mux->interface_count);
    }
    await(link);
    floe_part_touch(link->member);
}

/* The trunk is given the list that it has not had. */
static void hear_list(floe_part *trunk, floe_time now,
                      void (*hear)(floe_core *core, floe_time now,
                                   const floe_interface_address *list, size_t count))
{
    const floe_mux *mux = trunk->mux;
    floe_core *core = trunk->core;
    bool whole = core->state == FLOE_GATHERER_STATE_COMPLETE;

    hear(core, now, mux->interfaces, mux->interface_count);
    floe_part_touch(trunk);
    if (core->state != FLOE_GATHERER_STATE_GATHERING) {
        return;
    }
    trunk->complete = false;
    trunk->asks = true;
    if (!whole) {
        return;
    }
    trunk->begun = now;
    trunk->erred = trunk->erred || !floe_outputs_empty(&trunk->errors);
    floe_trunk_forget_errors(trunk);
    FLOE_RING_EACH(link, &trunk->links, floe_link, of_trunk)
    {
        link->told = link->late = link->hurries = false;
        gather_by(link, now);
    }
}

static void follow(floe_part *trunk, floe_time now)
{
    if (!trunk->leaving && trunk->version != trunk->mux->version) {
        trunk->version = trunk->mux->version;
        hear_list(trunk, now, floe_gather_follow);
    }
}

void floe_mux_follow(floe_part *member, floe_time now, const floe_interface_address *list,
                     size_t count)
{
    keep_interfaces(member->mux, list, count);
    floe_mux_try_again(member->mux);
    FLOE_RING_EACH(link, &member->links, floe_link, of_member)
    {
        link->hurries = false;
        follow(link->trunk, now);
    }
}

/* Servers that nobody could be asked for: there was no address before. */
static void ask_for_rest(floe_part *member, floe_time now)
{
    floe_server_set *set = member->core->set;

    for (size_t i = 0; i < set->count; i++) {
        if (set->servers[i].elsewhere == FLOE_ELSEWHERE_PENDING &&
            link_of(member, &set->servers[i], false) == NULL) {
            ask_server(member, now, &set->servers[i]);
            const floe_link *link = link_of(member, &set->servers[i], false);
            if (link != NULL) {
                floe_network_look_up_again(link->trunk->core, now);
            }
        }
    }
}

void floe_mux_followed(floe_part *member, floe_time now)
{
    if (member->core->state == FLOE_GATHERER_STATE_GATHERING) {
        ask_for_rest(member, now);
        FLOE_RING_EACH(link, &member->links, floe_link, of_member)
        {
            await(link);
        }
    }
    floe_mux_open_now(member, now);
    FLOE_RING_EACH(link, &member->links, floe_link, of_member)
    {
        tell_former(link);
    }
    floe_member_supply(member, now);
}

/* ── What is lost ── */

/* Another trunk of the member's that shows the same reflexive address on the same base; NULL: none. */
static const floe_found *shown_by_another(const floe_part *member, const floe_found *lost,
                                          const floe_server **server)
{
    FLOE_RING_EACH(link, &member->links, floe_link, of_member)
    {
        *server = server_of(link);
        FLOE_RING_EACH(found, &link->trunk->core->found, floe_found, link)
        {
            if (is_given(found) && gives(link, found->type) && found->type == lost->type &&
                *server != NULL && *server != lost->server &&
                floe_address_equal(&found->address, &lost->address) &&
                base_for(member, found) == lost->base) {
                return found;
            }
        }
    }
    return NULL;
}

/* What the link's trunk has found as `id`; 0: all of it. */
static void withdraw(const floe_link *link, uint32_t id, floe_withdrawal why)
{
    const floe_part *member = link->member;
    floe_core *core = member->core;

    FLOE_RING_EACH_SAFE(found, &core->found, floe_found, link)
    {
        if (!found->by_trunk || found->withdrawn || (id != 0 && found->of.trunks_id != id) ||
            !is_for(link, found->server) || !gives(link, found->type)) {
            continue;
        }
        const floe_server *server;
        const floe_found *other = shown_by_another(member, found, &server);
        if (other != NULL) {
            found->server = server;
            found->of.trunks_id = other->id;
        } else {
            floe_found_withdraw(core, found, why);
        }
    }
}

/* Once it is complete, what only servers of before have shown is withdrawn. */
void floe_member_settle(floe_part *member, floe_time now)
{
    if (member->core->state != FLOE_GATHERER_STATE_COMPLETE) {
        return;
    }
    FLOE_RING_EACH_SAFE(link, &member->links, floe_link, of_member)
    {
        if (!link->wanted) {
            withdraw(link, 0, FLOE_WITHDRAWAL_RELEASED);
            floe_trunk_unlink(link, now);
        }
    }
}

/* ── A trunk's outputs ── */

static void tell_found(const floe_part *trunk, floe_time now, const floe_candidate *candidate)
{
    const floe_found *found = candidate != NULL ? found_of_id(trunk->core, candidate->id) : NULL;

    if (found == NULL || !is_given(found)) {
        return;
    }
    FLOE_RING_EACH(link, &trunk->links, floe_link, of_trunk)
    {
        if (!is_done(link->member)) {
            give(link, now, found);
            floe_core_settle(link->member->core, now);
            floe_part_touch(link->member);
        }
    }
}

static void tell_lost(const floe_part *trunk, floe_time now, const floe_candidate *candidate)
{
    if (candidate->type == FLOE_CANDIDATE_TYPE_HOST) {
        return;
    }
    FLOE_RING_EACH(link, &trunk->links, floe_link, of_trunk)
    {
        if (link->member->core->state != FLOE_GATHERER_STATE_CLOSED) {
            withdraw(link, candidate->id, candidate->withdrawal);
            floe_core_settle(link->member->core, now);
            floe_part_touch(link->member);
        }
    }
}

void floe_trunk_asks(floe_part *trunk, floe_time now)
{
    FLOE_RING_EACH(link, &trunk->links, floe_link, of_trunk)
    {
        if (link->member->core->state == FLOE_GATHERER_STATE_GATHERING) {
            floe_core_settle(link->member->core, now);
            floe_part_touch(link->member);
        }
    }
}

static bool has_given(const floe_part *trunk)
{
    FLOE_RING_EACH(found, &trunk->core->found, floe_found, link)
    {
        if (is_given(found)) {
            return true;
        }
    }
    return false;
}

static void tell_complete(floe_part *trunk, floe_time now)
{
    if (trunk->version != trunk->mux->version && !trunk->leaving) {
        begin(trunk, now); /* the network has become another meanwhile */
        return;
    }
    bool again = false;
    bool failed = !floe_outputs_empty(&trunk->errors) && !has_given(trunk);
    trunk->complete = true;
    FLOE_RING_EACH_SAFE(link, &trunk->links, floe_link, of_trunk) /* one may leave by that */
    {
        bool waits = failed && link->late && !link->hurries;
        again = again || waits;
        if (!waits) {
            floe_member_supply(link->member, now);
        }
    }
    if (again) { /* they have had less than their time */
        FLOE_RING_EACH(late, &trunk->links, floe_link, of_trunk)
        {
            late->late = false;
        }
        begin(trunk, now);
    }
}

/* Whether somebody waits for the trunk who is in no hurry. */
static bool is_waited_for(const floe_part *trunk)
{
    FLOE_RING_EACH(link, &trunk->links, floe_link, of_trunk)
    {
        const floe_server *server = server_of(link);
        if (server != NULL && server->elsewhere == FLOE_ELSEWHERE_PENDING && !link->hurries) {
            return true;
        }
    }
    return false;
}

/* Others wait for it still: this one hears how it stands. */
static void tell_timeout(floe_part *member, floe_time now, const floe_part *trunk)
{
    const floe_server *server = &trunk->core->set->servers[0];
    floe_failure failure = floe_pairs_timeout(trunk->core, now);
    char text[512];

    floe_failure_text(member->core, &failure, server->url, text, sizeof text);
    floe_candidate_error error = {
        .url = server->url->text,
        .code = floe_failure_code(&failure),
        .text = text,
        .url_failed = true,
        .reason = floe_failure_reason_of(trunk->mux->shared, &failure, server->url)};
    floe_failure_release(trunk->mux->shared, &failure);
    floe_tell_error(member->core, &error);
}

/* Whether it has ended by now, or is about to. */
static bool hurry(floe_link *link, floe_time now)
{
    floe_core *core = link->trunk->core;

    link->hurries = true;
    if (core->state != FLOE_GATHERER_STATE_GATHERING) {
        supply(link, now); /* it has said all, or is about to */
        return true;
    }
    if (is_waited_for(link->trunk)) {
        return false;
    }
    core->give_up = now;
    floe_gather_time(core, now);
    floe_part_touch(link->trunk);
    return true;
}

bool floe_member_hurries(floe_share *share, floe_time now, const floe_server *server)
{
    floe_part *member = FLOE_CONTAINER(share, floe_part, share);
    floe_link *own = link_of(member, server, false);
    floe_link *beside = link_of(member, server, true);
    bool ends = own != NULL;

    if (beside != NULL) { /* what its own gives counts */
        (void)hurry(beside, now);
    }
    if (own != NULL && !hurry(own, now)) {
        tell_timeout(member, now, own->trunk);
        ends = false;
    }
    return ends;
}

/* E2: once it is told that the URL fails, it is told no more of it. */
static void tell_member(floe_link *link, const floe_candidate_error *error)
{
    bool deaf = link->reflexive || link->told || link->late;
    const floe_server *server = deaf ? NULL : server_of(link);

    if (server != NULL && server->elsewhere == FLOE_ELSEWHERE_PENDING) {
        floe_candidate_error told = *error;
        if (!floe_hosts_are_shown(link->member->core)) {
            told.address = NULL;
            told.port = 0;
        }
        link->told = error->url_failed;
        link->heard = link->trunk->error_count;
        floe_tell_error(link->member->core, &told);
        floe_part_touch(link->member);
    }
}

/* To those whose gathering waits for it. What it asks again, as the network has become another, it tells
 * then. */
static void tell_error(floe_part *trunk, const floe_candidate_error *error)
{
    if (error->url == NULL || trunk->version != trunk->mux->version) {
        return; /* of a socket or the list: each member has heard of that itself */
    }
    floe_told_error *kept = floe_copy_error(trunk->core, error);
    if (kept != NULL) { /* else who joins later hears less */
        floe_outputs_append(&trunk->errors, &kept->output);
        trunk->error_count++;
    }
    FLOE_RING_EACH(link, &trunk->links, floe_link, of_trunk)
    {
        tell_member(link, error);
    }
}

/* The member's candidate that stands for what the link's trunk has found; NULL: it has none. */
static floe_found *own_of(const floe_link *link, uint32_t id)
{
    FLOE_RING_EACH(found, &link->member->core->found, floe_found, link)
    {
        if (found->by_trunk && !found->withdrawn && found->of.trunks_id == id &&
            is_for(link, found->server) && gives(link, found->type)) {
            return found;
        }
    }
    return NULL;
}

/* Of the member, by which it has what the trunk finds; NULL: it has not. */
static const floe_link *link_to(const floe_part *member, const floe_part *trunk)
{
    FLOE_RING_EACH(link, &member->links, floe_link, of_member)
    {
        if (link->trunk == trunk) {
            return link;
        }
    }
    return NULL;
}

static void tell_writable(const floe_part *trunk, uint32_t id)
{
    FLOE_RING_EACH(link, &trunk->links, floe_link, of_trunk)
    {
        floe_found *own = own_of(link, id);
        if (own != NULL && own->full) {
            own->full = false;
            floe_found_writable(link->member->core, own->id);
            floe_part_touch(link->member);
        }
    }
}

static void tell_unreachable(const floe_part *trunk, floe_time now, const floe_core_output *output)
{
    uint64_t scope = floe_scope_of_relay(trunk, output->candidate_id);
    floe_part *member = floe_route_member(trunk->mux, now, scope, &output->remote);
    const floe_link *link = member != NULL ? link_to(member, trunk) : NULL;
    const floe_found *own = link != NULL ? own_of(link, output->candidate_id) : NULL;

    if (own != NULL) {
        floe_unreached_tell(member->core, now, own->id, &output->remote, output->unreachable);
        floe_part_touch(member);
    }
}

bool floe_trunk_output(floe_part *trunk, floe_time now, const floe_core_output *output)
{
    switch (output->kind) {
    case FLOE_CORE_LIST_INTERFACES:
        hear_list(trunk, now, floe_gather_interfaces);
        break;
    case FLOE_CORE_CANDIDATE:
        tell_found(trunk, now, output->candidate);
        break;
    case FLOE_CORE_CANDIDATE_WITHDRAWN:
        tell_lost(trunk, now, output->candidate);
        break;
    case FLOE_CORE_CANDIDATE_ERROR:
        tell_error(trunk, output->error);
        break;
    case FLOE_CORE_WRITABLE:
        tell_writable(trunk, output->candidate_id);
        break;
    case FLOE_CORE_UNREACHABLE:
        tell_unreachable(trunk, now, output);
        break;
    case FLOE_CORE_STATE:
        if (output->state == FLOE_GATHERER_STATE_COMPLETE) {
            tell_complete(trunk, now);
        }
        break;
    default:
        return true; /* the trace's */
    }
    return false;
}

/* ── Packets by relays ── */

/* The link by whose trunk it was found; NULL: it is gone. */
static floe_link *link_by(const floe_part *member, const floe_found *own)
{
    FLOE_RING_EACH(link, &member->links, floe_link, of_member)
    {
        if (is_for(link, own->server) && gives(link, own->type)) {
            return link;
        }
    }
    return NULL;
}

static floe_error send_by_relay(floe_part *member, floe_time now, floe_found *own,
                                const floe_address *peer, const void *data, size_t size)
{
    floe_link *link = link_by(member, own);
    const floe_found *found =
        link != NULL ? found_of_id(link->trunk->core, own->of.trunks_id) : NULL;

    if (found == NULL || !is_given(found)) {
        return floe_fail(FLOE_ERR_NOT_FOUND, "the relay is gone");
    }
    floe_error error = floe_gather_send(link->trunk->core, now, found->id, peer, data, size);
    own->full = own->full || error == FLOE_ERR_QUEUE_FULL;
    if (error == FLOE_OK && !floe_sent_is_answer(data, size)) {
        floe_route_claim(member, now, floe_scope_of_relay(link->trunk, found->id), peer,
                         FLOE_CLAIM_SENT);
        floe_sent_note(member, now, floe_span_of(data, size));
    }
    floe_part_touch(link->trunk);
    return error;
}

floe_error floe_member_send(floe_part *member, floe_time now, uint32_t candidate_id,
                            const floe_address *peer, const void *data, size_t size)
{
    floe_found *found =
        peer != NULL && data != NULL ? found_of_id(member->core, candidate_id) : NULL;

    if (found != NULL && found->type == FLOE_CANDIDATE_TYPE_RELAY && !found->withdrawn) {
        return send_by_relay(member, now, found, peer, data, size);
    }
    floe_error error = floe_gather_send(member->core, now, candidate_id, peer, data, size);
    const floe_end *end =
        error == FLOE_OK && found != NULL ? floe_end_of(member->mux, found->base->channel) : NULL;
    if (end != NULL && end->socket != NULL && !floe_sent_is_answer(data, size)) {
        floe_route_claim(member, now, floe_scope_of_socket(end->socket), peer, FLOE_CLAIM_SENT);
        floe_sent_note(member, now, floe_span_of(data, size));
    }
    return error;
}

void floe_member_doubt(floe_part *member, floe_time now, uint32_t candidate_id)
{
    const floe_found *own = found_of_id(member->core, candidate_id);
    floe_link *link = own != NULL && own->by_trunk ? link_by(member, own) : NULL;

    if (link != NULL) {
        (void)floe_gather_doubt(link->trunk->core, now, own->of.trunks_id);
        floe_part_touch(link->trunk);
    }
}

void floe_trunk_packet(floe_part *trunk, floe_time now, const floe_packet *packet)
{
    floe_mux *mux = trunk->mux;
    uint64_t scope = floe_scope_of_relay(trunk, packet->candidate_id);
    floe_span data = floe_span_of(packet->data, packet->size);
    floe_part *member = packet->kind == FLOE_PACKET_STUN ? floe_name_asked(mux, data) : NULL;

    if (member == NULL && packet->kind == FLOE_PACKET_STUN) {
        member = floe_sent_answered(mux, data);
    }
    if (member == NULL) {
        member = floe_route_member(mux, now, scope, &packet->peer);
    }
    const floe_link *link = member != NULL ? link_to(member, trunk) : NULL;
    const floe_found *own = link != NULL ? own_of(link, packet->candidate_id) : NULL;
    if (own == NULL) {
        mux->shared->dropped++;
    } else if (floe_gather_take_packet(member->core, packet, own->id)) {
        mux->receiver = member;
        floe_member_heard(member, now, scope);
    }
}

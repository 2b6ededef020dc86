/* The mux's parts and sockets, and what of their outputs is the driver's. */
#include "core/mux/mux.h"

#include "base/error.h"
#include "core/candidate/base.h"
#include "core/candidate/listener.h"
#include "core/gatherer/face.h"
#include "core/gatherer/life.h"

/* ── Parts ── */

floe_mux *floe_mux_new(floe_core_shared *shared)
{
    floe_mux *mux = floe_allocate(&shared->allocator, sizeof *mux);
    uint64_t keys[6][2];

    if (mux == NULL || floe_random_fill(&shared->random, (uint8_t *)keys, sizeof keys) != FLOE_OK) {
        floe_deallocate(&shared->allocator, mux);
        return NULL;
    }
    mux->shared = shared;
    mux->share.part = FLOE_SHARE_FACE;
    mux->face.shared = shared;
    mux->face.share = &mux->share;
    mux->face.state = FLOE_GATHERER_STATE_NEW;
    floe_list_init(&mux->busy);
    floe_list_init(&mux->touched);
    floe_list_init(&mux->todo);
    floe_list_init(&mux->orphans);
    floe_agenda_init(&mux->times);
    floe_table_init(&mux->ends, keys[0]);
    floe_table_init(&mux->claims, keys[1]);
    floe_table_init(&mux->names, keys[2]);
    floe_table_init(&mux->routes, keys[3]);
    floe_table_init(&mux->sent, keys[4]);
    floe_table_init(&mux->guests, keys[5]);
    floe_agenda_init(&mux->guest_times);
    floe_list_init(&mux->guests_over);
    return mux;
}

static void free_socket(floe_mux *mux, floe_mux_socket *socket)
{
    floe_guests_leave(mux, socket);
    floe_list_remove(&socket->todo);
    floe_ring_remove(&mux->sockets, &socket->link);
    floe_deallocate(&mux->shared->allocator, socket);
}

static void free_orphan(const floe_mux *mux, floe_end *orphan)
{
    floe_list_remove(&orphan->of_part);
    floe_deallocate(&mux->shared->allocator, orphan);
}

void floe_mux_free(floe_mux *mux)
{
    if (mux == NULL) {
        return;
    }
    floe_allocator allocator = mux->shared->allocator;
    FLOE_RING_EACH_SAFE(trunk, &mux->trunks, floe_part, link)
    {
        floe_core *core = trunk->core;
        floe_part_free(trunk);
        floe_gather_free(core);
    }
    FLOE_RING_EACH_SAFE(socket, &mux->sockets, floe_mux_socket, link)
    {
        free_socket(mux, socket);
    }
    FLOE_LIST_EACH_SAFE(orphan, &mux->orphans, floe_end, of_part)
    {
        free_orphan(mux, orphan);
    }
    floe_guests_free(mux);
    floe_table_free(&allocator, &mux->guests);
    floe_table_free(&allocator, &mux->ends);
    floe_table_free(&allocator, &mux->claims);
    floe_table_free(&allocator, &mux->names);
    floe_table_free(&allocator, &mux->routes);
    floe_table_free(&allocator, &mux->sent);
    floe_deallocate(&allocator, mux->interfaces);
    floe_deallocate(&allocator, mux);
}

floe_part *floe_part_new(floe_mux *mux, floe_core *core, floe_share_part kind)
{
    floe_part *part = floe_allocate(&mux->shared->allocator, sizeof *part);

    if (part == NULL) {
        return NULL;
    }
    part->mux = mux;
    part->core = core;
    part->number = ++mux->last_part;
    part->share.part = (uint8_t)kind;
    part->share.busy = &mux->busy;
    part->share.next_request = &mux->lane.next_request;
    part->share.supply = floe_member_is_supplied;
    part->share.taken = floe_trunk_is_beside;
    part->share.asks = floe_member_asks;
    part->share.hurry = floe_member_hurries;
    floe_outputs_init(&part->share.work);
    if (kind == FLOE_SHARE_TRUNK) {
        floe_outputs_init(&part->errors);
    }
    floe_ring_append(kind == FLOE_SHARE_TRUNK ? &mux->trunks : &mux->members, &part->link);
    core->share = &part->share;
    return part;
}

static void leave_lane(floe_part *part)
{
    if (part->lane != NULL && --part->lane->users == 0) {
        floe_deallocate(&part->mux->shared->allocator, part->lane);
    }
    part->lane = NULL;
    part->share.next_request = &part->mux->lane.next_request;
}

void floe_trunk_take_lane(floe_part *trunk, floe_part *member)
{
    leave_lane(trunk);
    if (member->lane == NULL) {
        member->lane = floe_allocate(&trunk->mux->shared->allocator, sizeof *member->lane);
        if (member->lane == NULL) {
            return;
        }
        member->lane->users = 1;
    }
    trunk->lane = member->lane;
    trunk->lane->users++;
    trunk->share.next_request = &trunk->lane->next_request;
}

floe_error floe_mux_join(floe_mux *mux, floe_core *core)
{
    floe_part *member = floe_part_new(mux, core, FLOE_SHARE_MEMBER);

    if (member == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    return floe_name_add(member, floe_username_fragment(&core->credentials), NULL);
}

void floe_part_touch(floe_part *part)
{
    if (part->share.part == FLOE_SHARE_TRUNK) {
        if (!floe_list_linked(&part->share.ready)) {
            floe_list_append(&part->mux->busy, &part->share.ready);
        }
    } else if (!floe_list_linked(&part->touched)) {
        floe_list_append(&part->mux->touched, &part->touched);
    }
}

/* ── Channels ── */

floe_end *floe_end_of(const floe_mux *mux, uint32_t number)
{
    uint64_t hash = floe_table_hash(&mux->ends, &number, sizeof number);

    for (floe_table_node *node = floe_table_find(&mux->ends, hash); node != NULL;
         node = floe_table_next(node)) {
        floe_end *end = FLOE_CONTAINER(node, floe_end, by_number);
        if (end->number == number) {
            return end;
        }
    }
    return NULL;
}

floe_end *floe_end_new(floe_part *part, uint32_t number)
{
    floe_mux *mux = part->mux;
    floe_end *end = floe_allocate(&mux->shared->allocator, sizeof *end);

    if (end == NULL) {
        return NULL;
    }
    end->part = part;
    end->number = number;
    if (!floe_table_insert(&mux->shared->allocator, &mux->ends, &end->by_number,
                           floe_table_hash(&mux->ends, &number, sizeof number))) {
        floe_deallocate(&mux->shared->allocator, end);
        return NULL;
    }
    floe_ring_append(&part->ends, &end->of_part);
    return end;
}

void floe_end_free(floe_end *end)
{
    floe_mux *mux = end->part->mux;
    floe_mux_socket *socket = end->socket;

    floe_table_remove(&mux->ends, &end->by_number);
    floe_ring_remove(&end->part->ends, &end->of_part);
    if (socket != NULL) {
        floe_ring_remove(&socket->ends, &end->of_socket);
        if (floe_ring_empty(&socket->ends) && floe_list_linked(&socket->todo)) {
            free_socket(mux, socket); /* the driver has not heard of it */
        } else if (floe_ring_empty(&socket->ends)) {
            socket->closing = true;
            floe_list_append(&mux->todo, &socket->todo);
        }
    }
    floe_deallocate(&mux->shared->allocator, end);
}

/* Its part is freed: what the driver has open for that alone is to be closed. */
static void orphan_end(floe_end *end)
{
    floe_mux *mux = end->part->mux;

    if (end->socket != NULL || end->is_query) {
        floe_end_free(end);
        return;
    }
    floe_table_remove(&mux->ends, &end->by_number);
    floe_ring_remove(&end->part->ends, &end->of_part);
    end->part = NULL;
    floe_list_append(&mux->orphans, &end->of_part);
}

/* The driver has it no more. */
static void forget_orphan(const floe_mux *mux, uint32_t channel)
{
    FLOE_LIST_EACH_SAFE(orphan, &mux->orphans, floe_end, of_part)
    {
        if (orphan->number == channel) {
            free_orphan(mux, orphan);
        }
    }
}

static bool poll_orphan(floe_mux *mux, floe_core_output *output)
{
    floe_list *link = floe_list_take(&mux->orphans);

    if (link == NULL) {
        return false;
    }
    floe_end *orphan = FLOE_CONTAINER(link, floe_end, of_part);
    output->kind = FLOE_CORE_CLOSE;
    output->channel = orphan->number;
    free_orphan(mux, orphan);
    return true;
}

floe_end *floe_end_on(const floe_part *part, const floe_mux_socket *socket)
{
    FLOE_RING_EACH(end, &part->ends, floe_end, of_part)
    {
        if (end->socket == socket) {
            return end;
        }
    }
    return NULL;
}

floe_mux_socket *floe_mux_socket_of_channel(const floe_mux *mux, uint32_t channel)
{
    FLOE_RING_EACH(socket, &mux->sockets, floe_mux_socket, link)
    {
        if (socket->channel == channel && !socket->closing && socket->error == FLOE_OK) {
            return socket;
        }
    }
    return NULL;
}

static floe_mux_socket *socket_on(const floe_mux *mux, const floe_address *ip, bool stream)
{
    FLOE_RING_EACH(socket, &mux->sockets, floe_mux_socket, link)
    {
        if (!socket->closing && socket->stream == stream &&
            floe_address_same_ip(&socket->local, ip)) {
            return socket;
        }
    }
    return NULL;
}

/* The driver is asked to open it, by the channel of the first that wants it. NULL without memory. */
static floe_mux_socket *new_socket(floe_mux *mux, uint32_t channel, const floe_address *local,
                                   bool stream)
{
    floe_mux_socket *socket = floe_allocate(&mux->shared->allocator, sizeof *socket);

    if (socket != NULL) {
        socket->channel = channel;
        socket->local = *local;
        socket->stream = stream;
        floe_ring_append(&mux->sockets, &socket->link);
        floe_list_append(&mux->todo, &socket->todo);
    }
    return socket;
}

/* A part's base is to be opened: on the socket that is there, or will be. */
static void open_on_socket(floe_part *part, floe_time now, uint32_t channel,
                           const floe_address *local, bool stream)
{
    floe_mux *mux = part->mux;
    floe_mux_socket *socket = socket_on(mux, local, stream);
    if (socket != NULL && socket->error != FLOE_OK) {
        floe_gather_open_failed(part->core, now, channel, socket->error);
        floe_part_touch(part);
        return;
    }
    floe_end *end = floe_end_new(part, channel);

    if (end != NULL && socket == NULL) {
        socket = new_socket(mux, channel, local, stream);
    }
    if (end == NULL || socket == NULL) {
        if (end != NULL) {
            floe_end_free(end);
        }
        floe_gather_open_failed(part->core, now, channel, FLOE_ERR_NO_MEMORY);
    } else {
        end->socket = socket;
        floe_ring_append(&socket->ends, &end->of_socket);
        if (socket->open) {
            floe_gather_opened(part->core, now, channel, &socket->local);
        }
        if (socket->blocked) {
            floe_gather_blocked(part->core, channel);
        }
    }
    floe_part_touch(part);
}

void floe_mux_opened(floe_mux *mux, floe_time now, uint32_t channel, const floe_address *local)
{
    floe_mux_socket *socket = floe_mux_socket_of_channel(mux, channel);
    floe_end *own = floe_end_of(mux, channel);

    if (socket == NULL) {
        if (own != NULL) {
            floe_gather_opened(own->part->core, now, channel, local);
            floe_part_touch(own->part);
        }
        return;
    }
    socket->open = true;
    socket->local = *local;
    floe_trunks_look_again(mux, now, local);
    FLOE_RING_EACH(end, &socket->ends, floe_end, of_socket)
    {
        floe_gather_opened(end->part->core, now, end->number, local);
        floe_part_touch(end->part);
        if (end->part->share.part == FLOE_SHARE_MEMBER) {
            floe_member_supply(end->part, now);
        }
    }
}

static bool has_failed(const floe_base *base, bool stream)
{
    const floe_listener *listener = base != NULL ? base->listener : NULL;

    if (stream) {
        return listener == NULL || listener->state == FLOE_BASE_FAILED;
    }
    return base != NULL && base->state == FLOE_BASE_FAILED;
}

void floe_mux_open_failed(floe_mux *mux, floe_time now, uint32_t channel, floe_error error)
{
    floe_mux_socket *socket = floe_mux_socket_of_channel(mux, channel);
    floe_end *own = floe_end_of(mux, channel);
    bool failed = false;
    floe_list *link;

    if (socket == NULL) {
        if (own != NULL) {
            floe_part *part = own->part;
            floe_end_free(own);
            floe_gather_open_failed(part->core, now, channel, error);
            floe_part_touch(part);
        }
        forget_orphan(mux, channel);
        return;
    }
    while ((link = floe_ring_take(&socket->ends)) != NULL) {
        floe_end *end = FLOE_CONTAINER(link, floe_end, of_socket);
        floe_part *part = end->part;
        uint32_t number = end->number;
        end->socket = NULL;
        floe_end_free(end);
        floe_gather_open_failed(part->core, now, number, error);
        floe_part_touch(part);
        if (part->share.part == FLOE_SHARE_MEMBER) {
            floe_member_supply(part, now);
        }
        const floe_base *base = floe_base_of_ip(part->core, &socket->local);
        failed = failed || has_failed(base, socket->stream);
    }
    if (failed) {
        socket->error = error; /* until a member gathers again */
    } else {
        free_socket(mux, socket); /* another port of the range is tried */
    }
}

void floe_mux_try_again(floe_mux *mux)
{
    FLOE_RING_EACH_SAFE(socket, &mux->sockets, floe_mux_socket, link)
    {
        if (socket->error != FLOE_OK) {
            free_socket(mux, socket);
        }
    }
}

/* ── The end of a part ── */

void floe_mux_leave(floe_part *member, floe_time now)
{
    floe_mux *mux = member->mux;

    FLOE_RING_EACH_SAFE(link, &member->links, floe_link, of_member)
    {
        floe_trunk_unlink(link, now);
    }
    floe_routes_forget(member);
    floe_names_leave(member);
    if (mux->receiver == member) {
        mux->receiver = NULL;
    }
}

void floe_part_free(floe_part *part)
{
    floe_mux *mux = part->mux;
    bool trunk = part->share.part == FLOE_SHARE_TRUNK;

    floe_untell_all(part->core); /* some of it waits in the part's queue */
    floe_routes_forget(part);
    floe_sent_forget(part);
    leave_lane(part);
    FLOE_RING_EACH_SAFE(end, &part->ends, floe_end, of_part)
    {
        orphan_end(end);
    }
    if (trunk) {
        floe_trunk_forget_links(part);
        floe_trunk_forget_errors(part);
        floe_agenda_set(&mux->times, &part->alarm, FLOE_TIME_NEVER);
        mux->arriving = mux->arriving == part ? NULL : mux->arriving;
    } else {
        floe_list_remove(&part->touched);
    }
    mux->owner = mux->owner == part->core ? NULL : mux->owner;
    floe_list_remove(&part->share.ready);
    floe_ring_remove(trunk ? &mux->trunks : &mux->members, &part->link);
    part->core->share = NULL;
    floe_deallocate(&mux->shared->allocator, part);
}

/* ── Outputs ── */

/* Whether the socket's opening or closing is the driver's next work. */
static bool poll_socket(floe_mux *mux, floe_core_output *output)
{
    floe_list *link = floe_list_take(&mux->todo);

    if (link == NULL) {
        return false;
    }
    floe_mux_socket *socket = FLOE_CONTAINER(link, floe_mux_socket, todo);
    output->channel = socket->channel;
    output->kind = socket->closing  ? FLOE_CORE_CLOSE
                   : socket->stream ? FLOE_CORE_LISTEN
                                    : FLOE_CORE_OPEN;
    output->protocol = socket->stream ? FLOE_PROTOCOL_TCP : FLOE_PROTOCOL_UDP;
    output->local = socket->local;
    if (socket->closing) {
        free_socket(mux, socket);
    }
    return true;
}

/* A base's, and no spare's: it is on a socket of the mux's. */
static bool is_shared(const floe_core *core, uint32_t channel)
{
    const floe_base *base = floe_base_of_channel(core, channel);

    return base != NULL && !base->spare && !core->share->own_sockets;
}

static bool open_own(floe_part *part, floe_time now, uint32_t channel)
{
    if (floe_end_new(part, channel) != NULL) {
        return true;
    }
    floe_gather_open_failed(part->core, now, channel, FLOE_ERR_NO_MEMORY);
    return false;
}

static bool close_end(floe_part *part, uint32_t channel)
{
    floe_end *end = floe_end_of(part->mux, channel);
    bool own = end != NULL && end->socket == NULL;

    if (end != NULL) {
        floe_end_free(end);
    }
    return own;
}

/* By the socket that the part's base is on; a trunk's server answers it there. */
static bool send_by(floe_part *part, floe_time now, floe_core_output *output)
{
    const floe_end *end = floe_end_of(part->mux, output->channel);

    part->mux->sending = output->channel;
    if (end == NULL || end->socket == NULL) {
        return end != NULL;
    }
    if (part->share.part == FLOE_SHARE_TRUNK) {
        floe_span data = floe_span_of(output->data, output->data_size);
        floe_route_claim(part, now, floe_scope_of_socket(end->socket), &output->remote,
                         FLOE_CLAIM_SENT);
        floe_route_note(part, floe_scope_of_socket(end->socket), &output->remote, data);
        floe_sent_note(part, now, data);
    }
    output->channel = end->socket->channel;
    return true;
}

/* Whether the driver is to do it. */
static bool do_output(floe_part *part, floe_time now, floe_core_output *output)
{
    floe_end *end;

    switch (output->kind) {
    case FLOE_CORE_OPEN:
        if (output->protocol == FLOE_PROTOCOL_UDP && is_shared(part->core, output->channel)) {
            open_on_socket(part, now, output->channel, &output->local, false);
            return false;
        }
        return open_own(part, now, output->channel);
    case FLOE_CORE_LISTEN:
        open_on_socket(part, now, output->channel, &output->local, true);
        return false;
    case FLOE_CORE_CLOSE:
        return close_end(part, output->channel);
    case FLOE_CORE_SEND:
        return send_by(part, now, output);
    case FLOE_CORE_RESOLVE:
        end = floe_end_new(part, output->query);
        if (end != NULL) {
            end->is_query = true;
            return true;
        }
        floe_gather_resolved(part->core, now, output->query, FLOE_ERR_NO_MEMORY, NULL, 0);
        return false;
    default:
        return floe_trunk_output(part, now, output);
    }
}

/* What can be opened at once is; a member has no other work that cannot wait. */
void floe_mux_open_now(floe_part *member, floe_time now)
{
    const floe_core_output *output;

    while (floe_gather_poll_open(member->core, now, &output)) {
        open_on_socket(member, now, output->channel, &output->local,
                       output->kind == FLOE_CORE_LISTEN);
    }
}

static bool poll_part(floe_part *part, floe_time now, const floe_core_output **output)
{
    return part->share.part == FLOE_SHARE_TRUNK ? floe_gather_poll(part->core, now, output)
                                                : floe_gather_poll_work(part->core, now, output);
}

/* It has nothing more to say by now; one that is closed, nothing at all. */
static void rest(floe_part *part, floe_time now)
{
    floe_core *core = part->core;

    floe_list_remove(&part->share.ready);
    if (part->share.part == FLOE_SHARE_TRUNK && core->state == FLOE_GATHERER_STATE_CLOSED) {
        floe_part_free(part);
        floe_gather_free(core);
    } else if (part->share.part == FLOE_SHARE_TRUNK) {
        bool asks = !floe_ring_empty(&core->paced);
        if (part->asks != asks && core->state == FLOE_GATHERER_STATE_GATHERING) {
            floe_trunk_asks(part, now);
        }
        part->asks = asks;
        floe_agenda_set(&part->mux->times, &part->alarm, floe_gather_deadline(core));
    }
}

static bool has_sockets(const floe_mux *mux)
{
    FLOE_RING_EACH(socket, &mux->sockets, floe_mux_socket, link)
    {
        if (socket->error == FLOE_OK) {
            return true;
        }
    }
    return false;
}

bool floe_mux_poll(floe_mux *mux, floe_time now, const floe_core_output **output)
{
    floe_core_output *made = &mux->shared->output;
    const floe_core_output *next;

    made->room = &mux->shared->room;
    for (;;) {
        if (floe_guests_poll(mux, made) || poll_orphan(mux, made) || poll_socket(mux, made)) {
            *output = made;
            return true;
        }
        if (floe_list_empty(&mux->busy)) {
            break;
        }
        floe_part *part = FLOE_CONTAINER(mux->busy.next, floe_part, share.ready);
        if (!poll_part(part, now, &next)) {
            rest(part, now);
        } else if (do_output(part, now, made)) {
            *output = made;
            return true;
        }
    }
    if (mux->face.state == FLOE_GATHERER_STATE_CLOSED && floe_ring_empty(&mux->trunks) &&
        !has_sockets(mux) && !mux->told_closed) {
        mux->told_closed = true;
        made->kind = FLOE_CORE_STATE;
        made->state = FLOE_GATHERER_STATE_CLOSED;
        *output = made;
        return true;
    }
    return false;
}

void floe_mux_close(floe_mux *mux, floe_time now)
{
    mux->face.state = FLOE_GATHERER_STATE_CLOSED;
    FLOE_RING_EACH(trunk, &mux->trunks, floe_part, link)
    {
        floe_gather_close(trunk->core, now);
        floe_part_touch(trunk);
    }
}

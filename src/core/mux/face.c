/* The core's public face. Where there is no mux, what is called is the gatherer itself. Under one, a gatherer is a
 * member: its driver polls its events, and all else goes by the mux's own core, which has the sockets. */
#include "core/gatherer/face.h"
#include "base/error.h"
#include "core/gatherer/check.h"
#include "core/mux/mux.h"
#include "core/plan/network.h"

/* NULL: the core is no mux's face. */
static floe_mux *mux_of(const floe_core *core)
{
    return core != NULL && floe_core_is(core, FLOE_SHARE_FACE)
               ? FLOE_CONTAINER(core->share, floe_mux, share)
               : NULL;
}

/* NULL: it is a gatherer by itself, or a mux's face. */
static floe_part *member_of(const floe_core *core)
{
    return core != NULL && floe_core_is_member(core) ? floe_part_of(core) : NULL;
}

/* ── Life ── */

void floe_core_shared_free(floe_core_shared *shared)
{
    if (shared != NULL) {
        floe_mux_free(shared->mux);
        shared->mux = NULL;
        floe_shared_free(shared);
    }
}

floe_core *floe_core_shared_mux(floe_core_shared *shared)
{
    if (shared->muxed && shared->mux == NULL) {
        shared->mux = floe_mux_new(shared);
    }
    return shared->mux != NULL ? &shared->mux->face : NULL;
}

floe_core *floe_core_mux_touched(floe_core *core)
{
    floe_mux *mux = mux_of(core);
    floe_list *link = mux != NULL ? floe_list_take(&mux->touched) : NULL;

    return link != NULL ? FLOE_CONTAINER(link, floe_part, touched)->core : NULL;
}

floe_core *floe_core_packet_owner(floe_core *core)
{
    const floe_mux *mux = mux_of(core);

    return mux != NULL ? mux->owner : core;
}

void floe_core_set_user(floe_core *core, void *user)
{
    core->user = user;
}

void *floe_core_user(const floe_core *core)
{
    return core->user;
}

static floe_error fits_mux(const floe_gather_options *options)
{
    floe_gather_options given = {0};

    if (options != NULL) {
        floe_take_struct(&given, options, FLOE_GATHER_OPTIONS_SIZES);
    }
    return given.even_port ? floe_fail(FLOE_ERR_UNSUPPORTED,
                                       "options.even_port: under settings.udp_mux_port a gatherer "
                                       "has one component")
                           : FLOE_OK;
}

floe_error floe_core_new(floe_core_shared *shared, const floe_gather_options *options,
                         floe_core **core)
{
    if (shared == NULL || core == NULL || !shared->muxed) {
        return floe_gather_new(shared, options, core);
    }
    floe_core *made;
    floe_error error =
        floe_core_shared_mux(shared) != NULL ? fits_mux(options) : FLOE_ERR_NO_MEMORY;
    if (error == FLOE_OK) {
        error = floe_gather_new(shared, options, &made);
    }
    if (error != FLOE_OK) {
        return error;
    }
    error = floe_mux_join(shared->mux, made);
    if (error != FLOE_OK) {
        floe_core_free(made);
        return error;
    }
    *core = made;
    return FLOE_OK;
}

floe_error floe_core_new_associated(floe_core *core, floe_core **associated)
{
    if (member_of(core) != NULL) {
        return floe_fail(FLOE_ERR_UNSUPPORTED,
                         "under settings.udp_mux_port a gatherer has one component");
    }
    return floe_gather_new_associated(core, associated);
}

void floe_core_free(floe_core *core)
{
    floe_part *member = member_of(core);

    if (mux_of(core) != NULL) {
        return; /* it goes with what is shared */
    }
    if (member != NULL) {
        floe_mux_leave(member, core->started);
        floe_part_free(member);
    }
    floe_gather_free(core);
}

floe_error floe_core_start(floe_core *core, floe_time now)
{
    return floe_gather_start(core, now);
}

floe_error floe_core_restart_with(floe_core *core, floe_time now,
                                  const floe_restart_options *options)
{
    floe_part *member = member_of(core);

    if (member == NULL) {
        return floe_gather_restart(core, now, options);
    }
    floe_error error = floe_name_is_free(member, options);
    floe_mux_name *reserve = error == FLOE_OK ? floe_name_reserve(member) : NULL;
    if (error == FLOE_OK) {
        error = reserve != NULL ? floe_gather_restart(core, now, options) : FLOE_ERR_NO_MEMORY;
    }
    if (error == FLOE_OK) {
        (void)floe_name_add(member, floe_username_fragment(&core->credentials), &reserve);
    }
    floe_name_release(member, reserve);
    return error;
}

floe_error floe_core_restart(floe_core *core, floe_time now)
{
    return floe_core_restart_with(core, now, NULL);
}

floe_error floe_core_set_options(floe_core *core, floe_time now, const floe_gather_options *options)
{
    floe_error error = member_of(core) != NULL ? fits_mux(options) : FLOE_OK;

    return error == FLOE_OK ? floe_gather_set_options(core, now, options) : error;
}

void floe_core_close(floe_core *core, floe_time now)
{
    floe_mux *mux = mux_of(core);
    floe_part *member = member_of(core);

    if (mux != NULL) {
        floe_mux_close(mux, now);
        return;
    }
    if (member != NULL && core->state != FLOE_GATHERER_STATE_CLOSED) {
        floe_mux_leave(member, now);
    }
    floe_gather_close(core, now);
}

/* ── Outputs ── */

bool floe_core_poll(floe_core *core, floe_time now, const floe_core_output **output)
{
    floe_mux *mux = mux_of(core);

    return mux != NULL ? floe_mux_poll(mux, now, output) : floe_gather_poll(core, now, output);
}

size_t floe_core_poll_more(floe_core *core, uint32_t channel, size_t count, size_t bytes,
                           floe_core_row *rows, size_t room)
{
    const floe_mux *mux = mux_of(core);
    const floe_end *end = mux != NULL ? floe_end_of(mux, mux->sending) : NULL;

    if (mux == NULL) {
        return floe_gather_poll_more(core, channel, count, bytes, rows, room);
    }
    return end != NULL
               ? floe_gather_poll_more(end->part->core, end->number, count, bytes, rows, room)
               : 0;
}

floe_time floe_core_deadline(const floe_core *core)
{
    const floe_mux *mux = mux_of(core);

    return mux != NULL ? floe_time_min(floe_agenda_deadline(&mux->times),
                                       floe_agenda_deadline(&mux->guest_times))
                       : floe_gather_deadline(core);
}

/* ── Inputs ── */

void floe_core_interfaces(floe_core *core, floe_time now, const floe_interface_address *list,
                          size_t count)
{
    floe_part *member = member_of(core);
    bool known = core->interfaces_known;
    bool follows = floe_network_awaits(core);

    if (member != NULL && follows) {
        floe_mux_follow(member, now, list, count);
    }
    floe_gather_interfaces(core, now, list, count);
    if (member != NULL && !known && core->interfaces_known) {
        floe_mux_serve(member, now, list, count);
    } else if (member != NULL && follows) {
        floe_mux_followed(member, now);
    }
}

void floe_core_interfaces_failed(floe_core *core, floe_time now, floe_error error)
{
    floe_gather_interfaces_failed(core, now, error);
}

/* Whose look-up it is, which is over with this; NULL: nobody's. */
static floe_part *take_query(floe_mux *mux, uint32_t query)
{
    floe_end *end = floe_end_of(mux, query);
    floe_part *part = end != NULL ? end->part : NULL;

    if (end != NULL) {
        floe_end_free(end);
        floe_part_touch(part);
    }
    return part;
}

void floe_core_resolved(floe_core *core, floe_time now, uint32_t query, floe_error error,
                        const floe_address *addresses, size_t count)
{
    floe_mux *mux = mux_of(core);
    const floe_part *part = mux != NULL ? take_query(mux, query) : NULL;

    core = part != NULL ? part->core : core;
    if (mux == NULL || part != NULL) {
        floe_gather_resolved(core, now, query, error, addresses, count);
    }
}

void floe_core_services_resolved(floe_core *core, floe_time now, uint32_t query, floe_error error,
                                 const floe_service_record *records, size_t count)
{
    floe_mux *mux = mux_of(core);
    const floe_part *part = mux != NULL ? take_query(mux, query) : NULL;

    core = part != NULL ? part->core : core;
    if (mux == NULL || part != NULL) {
        floe_gather_services_resolved(core, now, query, error, records, count);
    }
}

void floe_core_opened(floe_core *core, floe_time now, uint32_t channel, const floe_address *local)
{
    floe_mux *mux = mux_of(core);

    if (mux != NULL) {
        floe_mux_opened(mux, now, channel, local);
    } else {
        floe_gather_opened(core, now, channel, local);
    }
}

void floe_core_open_failed(floe_core *core, floe_time now, uint32_t channel, floe_error error)
{
    floe_mux *mux = mux_of(core);

    if (mux != NULL) {
        floe_mux_open_failed(mux, now, channel, error);
    } else {
        floe_gather_open_failed(core, now, channel, error);
    }
}

uint32_t floe_core_accepted(floe_core *core, floe_time now, uint32_t channel,
                            const floe_address *remote)
{
    floe_mux *mux = mux_of(core);

    return mux != NULL ? floe_mux_accept(mux, now, channel, remote)
                       : floe_gather_accepted(core, now, channel, remote, 0);
}

void floe_core_datagram(floe_core *core, floe_time now, uint32_t channel,
                        const floe_address *source, const void *data, size_t size)
{
    floe_mux *mux = mux_of(core);

    if (mux != NULL) {
        (void)floe_mux_datagram(mux, now, channel, source, data, size);
    } else {
        (void)floe_gather_datagram(core, now, channel, source, data, size);
    }
}

const floe_packet *floe_core_datagram_again(floe_core *core, const void *data, size_t size)
{
    floe_core *owner = floe_core_packet_owner(core);

    return owner != NULL ? floe_gather_datagram_again(owner, data, size) : NULL;
}

void floe_core_stream(floe_core *core, floe_time now, uint32_t channel, const void *data,
                      size_t size)
{
    floe_mux *mux = mux_of(core);
    const floe_end *end = mux != NULL ? floe_end_of(mux, channel) : NULL;

    if (mux == NULL) {
        floe_gather_stream(core, now, channel, data, size);
    } else if (!floe_guest_says(mux, now, channel, data, size) && end != NULL) {
        floe_part *part = end->part;
        bool member = part->share.part == FLOE_SHARE_MEMBER;
        mux->receiver = member ? part : NULL;
        mux->arriving = member ? NULL : part;
        floe_gather_stream(part->core, now, channel, data, size);
        floe_part_touch(part);
    }
}

void floe_core_disconnected(floe_core *core, floe_time now, uint32_t channel)
{
    floe_core_stream(core, now, channel, NULL, 0);
}

bool floe_core_packet(floe_core *core, floe_time now, const floe_packet **packet)
{
    floe_mux *mux = mux_of(core);

    return mux != NULL ? floe_mux_packet(mux, now, packet) : floe_gather_packet(core, now, packet);
}

/* Calls for each core that has the channel. */
static void each_on(floe_mux *mux, uint32_t channel, void (*call)(const floe_end *end, void *data),
                    void *data)
{
    floe_mux_socket *socket = floe_mux_socket_of_channel(mux, channel);
    floe_end *own = floe_end_of(mux, channel);

    if (socket == NULL && own != NULL) {
        call(own, data);
        floe_part_touch(own->part);
    }
    FLOE_RING_EACH(end, socket != NULL ? &socket->ends : &(floe_ring){0}, floe_end, of_socket)
    {
        call(end, data);
    }
}

static void set_blocked(const floe_mux *mux, uint32_t channel, bool blocked)
{
    floe_mux_socket *socket = floe_mux_socket_of_channel(mux, channel);

    if (socket != NULL) {
        socket->blocked = blocked;
    }
}

static void block(const floe_end *end, void *data)
{
    (void)data;
    floe_gather_blocked(end->part->core, end->number);
}

void floe_core_blocked(floe_core *core, uint32_t channel)
{
    floe_mux *mux = mux_of(core);

    if (mux != NULL) {
        set_blocked(mux, channel, true);
        each_on(mux, channel, block, NULL);
    } else {
        floe_gather_blocked(core, channel);
    }
}

static void unblock(const floe_end *end, void *data)
{
    const floe_time *now = data;

    floe_gather_writable(end->part->core, *now, end->number);
    floe_part_touch(end->part);
}

void floe_core_writable(floe_core *core, floe_time now, uint32_t channel)
{
    floe_mux *mux = mux_of(core);

    if (mux != NULL) {
        set_blocked(mux, channel, false);
        each_on(mux, channel, unblock, &now);
    } else {
        floe_gather_writable(core, now, channel);
    }
}

/* ── Those of one gatherer ── */

floe_error floe_core_send(floe_core *core, floe_time now, uint32_t candidate_id,
                          const floe_address *peer, const void *data, size_t size)
{
    floe_part *member = member_of(core);

    return member != NULL ? floe_member_send(member, now, candidate_id, peer, data, size)
                          : floe_gather_send(core, now, candidate_id, peer, data, size);
}

void floe_core_hang_up(floe_core *core, floe_time now, uint32_t candidate_id,
                       const floe_address *peer, floe_time since)
{
    floe_gather_hang_up(core, now, candidate_id, peer, since);
}

floe_error floe_core_answer_check(floe_core *core, floe_time now, const floe_packet *packet,
                                  uint16_t code)
{
    uint8_t bytes[FLOE_CHECK_ANSWER_SIZE];
    floe_span answer;
    floe_error error = floe_check_answer(core, packet, code, bytes, &answer);

    return error == FLOE_OK ? floe_core_send(core, now, packet->candidate_id, &packet->peer,
                                             answer.data, answer.size)
                            : error;
}

floe_error floe_core_doubt(floe_core *core, floe_time now, uint32_t candidate_id)
{
    floe_part *member = member_of(core);
    floe_error error = floe_gather_doubt(core, now, candidate_id);

    if (error == FLOE_OK && member != NULL) {
        floe_member_doubt(member, now, candidate_id);
    }
    return error;
}

/* ── What comes back, and the time ── */

typedef struct returned {
    floe_time now;
    const floe_address *remote;
    floe_unreachable reason;
    const void *data;
    size_t size;
    floe_mux_socket *socket;
} returned;

/* Its server; a peer's packet is only one member's. */
static bool tell_trunk(floe_part *part, void *data)
{
    const returned *it = data;
    const floe_end *end = floe_end_on(part, it->socket);

    if (end != NULL) {
        floe_gather_unreachable(part->core, it->now, end->number, it->remote, it->reason, it->data,
                                it->size);
        floe_part_touch(part);
    }
    return false;
}

static void give_back(floe_mux *mux, uint32_t channel, returned *it)
{
    floe_address remote = floe_address_normalise(*it->remote);
    uint64_t scope;

    it->socket = floe_mux_socket_of_channel(mux, channel);
    if (it->socket == NULL) {
        const floe_end *own = floe_end_of(mux, channel);
        if (own != NULL) {
            floe_gather_unreachable(own->part->core, it->now, channel, it->remote, it->reason,
                                    it->data, it->size);
            floe_part_touch(own->part);
        }
        return;
    }
    scope = floe_scope_of_socket(it->socket);
    (void)floe_route_trunks(mux, scope, &remote, tell_trunk, it);
    floe_part *member = floe_sent_by(mux, floe_span_of(it->data, it->data != NULL ? it->size : 0));
    if (member == NULL) {
        member = floe_route_member(mux, it->now, scope, &remote);
    }
    bool own = member != NULL && member->share.part == FLOE_SHARE_MEMBER;
    const floe_end *end = own ? floe_end_on(member, it->socket) : NULL;
    if (end != NULL) {
        floe_gather_unreachable(member->core, it->now, end->number, it->remote, it->reason,
                                it->data, it->size);
        floe_part_touch(member);
    }
}

void floe_core_unreachable(floe_core *core, floe_time now, uint32_t channel,
                           const floe_address *remote, floe_unreachable reason, const void *data,
                           size_t size)
{
    floe_mux *mux = mux_of(core);
    returned it = {.now = now, .remote = remote, .reason = reason, .data = data, .size = size};

    if (mux != NULL) {
        give_back(mux, channel, &it);
    } else {
        floe_gather_unreachable(core, now, channel, remote, reason, data, size);
    }
}

void floe_core_warn(floe_core *core, floe_time now, uint32_t channel, const floe_address *remote,
                    const char *detail)
{
    const floe_mux *mux = mux_of(core);
    const floe_end *end = mux != NULL ? floe_end_of(mux, channel) : NULL;

    if (mux == NULL) {
        floe_gather_warn(core, now, channel, remote, detail);
    } else if (end != NULL) {
        floe_gather_warn(end->part->core, now, channel, remote, detail);
        floe_part_touch(end->part);
    }
}

void floe_core_time(floe_core *core, floe_time now)
{
    floe_mux *mux = mux_of(core);
    floe_part *member = member_of(core);
    floe_alarm *alarm;

    if (mux == NULL) {
        floe_gather_time(core, now);
        if (member != NULL) {
            floe_member_settle(member, now);
        }
        return;
    }
    floe_guests_time(mux, now);
    while ((alarm = floe_agenda_due(&mux->times, now)) != NULL) {
        floe_part *trunk = FLOE_CONTAINER(alarm, floe_part, alarm);
        floe_agenda_set(&mux->times, alarm, FLOE_TIME_NEVER);
        floe_gather_time(trunk->core, now);
        floe_part_touch(trunk);
    }
}

void floe_core_network_changed(floe_core *core, floe_time now)
{
    if (mux_of(core) == NULL) { /* members hear of it, and trunks by them */
        floe_gather_network_changed(core, now);
    }
}

/* For those who ask servers: the core, or the mux's trunks. */
static void call_askers(floe_core *core, floe_time now,
                        void (*call)(floe_core *core, floe_time now))
{
    floe_mux *mux = mux_of(core);

    if (mux == NULL) {
        call(core, now);
        return;
    }
    FLOE_RING_EACH(trunk, &mux->trunks, floe_part, link)
    {
        call(trunk->core, now);
        floe_part_touch(trunk);
    }
}

void floe_core_woke(floe_core *core, floe_time now)
{
    call_askers(core, now, floe_gather_woke);
}

void floe_core_trust_read(floe_core *core, floe_time now)
{
    call_askers(core, now, floe_gather_trust_read);
}

void floe_core_name_taken(floe_core *core, floe_time now, const char *name)
{
    floe_gather_name_taken(core, now, name);
}

void floe_core_names_failed(floe_core *core, floe_time now, uint32_t interface_index,
                            floe_error error)
{
    floe_gather_names_failed(core, now, interface_index, error);
}

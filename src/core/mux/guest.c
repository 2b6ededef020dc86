/* Who connects to a socket for TCP that members share (H4): the first frame (RFC 4571) must be a check of one of them,
 * which has the connection from then on. */
#include "base/address.h"
#include "core/gatherer/face.h"
#include "core/mux/mux.h"
#include "stun/message.h"

#include <string.h>

/* H1: so many to a socket, who have said nothing that we know; and for so long. */
enum { GUESTS_MAX = 64 };
#define SPEAKS_WITHIN floe_seconds(5)
/* No check is longer (RFC 8489 §6.1: that fits a packet). */
enum { CHECK_MAX = 1500, LENGTH = 2 };

typedef struct floe_guest {
    floe_table_node by_channel;
    floe_list link; /* in socket->guests */
    floe_list todo; /* in mux->guests_over */
    floe_alarm alarm;
    floe_mux_socket *socket; /* NULL: he has gone from it */
    floe_address remote;
    uint32_t channel;
    size_t size; /* of what he has said by now */
    uint8_t *said;
} floe_guest;

static floe_guest *find(const floe_mux *mux, uint32_t channel)
{
    uint64_t hash = floe_table_hash(&mux->guests, &channel, sizeof channel);

    for (floe_table_node *node = floe_table_find(&mux->guests, hash); node != NULL;
         node = floe_table_next(node)) {
        floe_guest *guest = FLOE_CONTAINER(node, floe_guest, by_channel);
        if (guest->channel == channel) {
            return guest;
        }
    }
    return NULL;
}

/* He is no guest any more. */
static void leave(floe_mux *mux, floe_guest *guest)
{
    if (guest->socket != NULL) {
        floe_ring_remove(&guest->socket->guests, &guest->link);
        guest->socket->guest_count--;
        guest->socket = NULL;
    }
    floe_table_remove(&mux->guests, &guest->by_channel);
    floe_agenda_set(&mux->guest_times, &guest->alarm, FLOE_TIME_NEVER);
}

static void turn_out(floe_mux *mux, floe_guest *guest)
{
    leave(mux, guest);
    floe_list_append(&mux->guests_over, &guest->todo);
}

static void free_guest(const floe_mux *mux, floe_guest *guest)
{
    floe_deallocate(&mux->shared->allocator, guest->said);
    floe_deallocate(&mux->shared->allocator, guest);
}

uint32_t floe_mux_accept(floe_mux *mux, floe_time now, uint32_t channel, const floe_address *remote)
{
    floe_mux_socket *socket = floe_mux_socket_of_channel(mux, channel);
    bool room = socket != NULL && socket->open && socket->guest_count < GUESTS_MAX;
    floe_guest *guest = room ? floe_allocate(&mux->shared->allocator, sizeof *guest) : NULL;

    if (guest == NULL) {
        return 0;
    }
    guest->channel = ++mux->shared->last_number;
    guest->remote = floe_address_normalise(*remote);
    if (!floe_table_insert(&mux->shared->allocator, &mux->guests, &guest->by_channel,
                           floe_table_hash(&mux->guests, &guest->channel, sizeof guest->channel))) {
        free_guest(mux, guest);
        return 0;
    }
    guest->socket = socket;
    socket->guest_count++;
    floe_ring_append(&socket->guests, &guest->link);
    floe_agenda_set(&mux->guest_times, &guest->alarm, floe_time_after(now, SPEAKS_WITHIN));
    return guest->channel;
}

/* False without memory, or if it is too much. */
static bool keep(const floe_mux *mux, floe_guest *guest, const void *data, size_t size)
{
    bool fits = guest->size < LENGTH + CHECK_MAX;
    uint8_t *grown = fits ? floe_allocate(&mux->shared->allocator, guest->size + size) : NULL;

    if (grown == NULL) {
        return false;
    }
    if (guest->size > 0) {
        memcpy(grown, guest->said, guest->size);
    }
    memcpy(&grown[guest->size], data, size);
    floe_deallocate(&mux->shared->allocator, guest->said);
    guest->said = grown;
    guest->size += size;
    return true;
}

/* The first frame, if it is whole; `good`: it may become a check yet. */
static floe_span first_frame(const floe_guest *guest, bool *good)
{
    floe_reader reader = floe_reader_of(guest->said, guest->size);
    size_t size = floe_read_u16(&reader);
    bool known = !reader.failed;
    floe_span frame = floe_read_span(&reader, size);

    *good = !known || (size > 0 && size <= CHECK_MAX);
    return reader.failed ? (floe_span){0} : frame;
}

/* The member has the connection, with all that came by it. False: it does not want it. */
static bool hand_over(floe_mux *mux, floe_time now, floe_guest *guest, floe_part *member)
{
    const floe_end *end = floe_end_on(member, guest->socket);

    if (end == NULL || floe_end_new(member, guest->channel) == NULL) {
        return false;
    }
    if (floe_gather_accepted(member->core, now, end->number, &guest->remote, guest->channel) == 0) {
        floe_end_free(floe_end_of(mux, guest->channel));
        return false;
    }
    leave(mux, guest);
    mux->replayed = guest->said;
    guest->said = NULL;
    mux->receiver = member;
    floe_gather_stream(member->core, now, guest->channel, mux->replayed, guest->size);
    floe_part_touch(member);
    free_guest(mux, guest);
    return true;
}

bool floe_guest_says(floe_mux *mux, floe_time now, uint32_t channel, const void *data, size_t size)
{
    floe_guest *guest = find(mux, channel);
    bool good = true;

    floe_deallocate(&mux->shared->allocator, mux->replayed);
    mux->replayed = NULL;
    if (guest == NULL) {
        return false;
    }
    mux->receiver = mux->arriving = NULL;
    if (size == 0 || !keep(mux, guest, data, size)) {
        turn_out(mux, guest);
        return true;
    }
    floe_span frame = first_frame(guest, &good);
    if (!good) {
        turn_out(mux, guest);
    } else if (frame.size > 0) {
        floe_part *member = floe_name_asked(mux, frame);
        if (member == NULL || !hand_over(mux, now, guest, member)) {
            turn_out(mux, guest);
        }
    }
    return true;
}

void floe_guests_time(floe_mux *mux, floe_time now)
{
    floe_alarm *alarm;

    while ((alarm = floe_agenda_due(&mux->guest_times, now)) != NULL) {
        turn_out(mux, FLOE_CONTAINER(alarm, floe_guest, alarm));
    }
}

bool floe_guests_poll(floe_mux *mux, floe_core_output *output)
{
    floe_list *link = floe_list_take(&mux->guests_over);

    if (link == NULL) {
        return false;
    }
    floe_guest *guest = FLOE_CONTAINER(link, floe_guest, todo);
    output->kind = FLOE_CORE_CLOSE;
    output->channel = guest->channel;
    free_guest(mux, guest);
    return true;
}

void floe_guests_leave(floe_mux *mux, floe_mux_socket *socket)
{
    FLOE_RING_EACH_SAFE(guest, &socket->guests, floe_guest, link)
    {
        turn_out(mux, guest);
    }
}

void floe_guests_free(floe_mux *mux)
{
    FLOE_LIST_EACH_SAFE(guest, &mux->guests_over, floe_guest, todo)
    {
        floe_list_remove(&guest->todo);
        free_guest(mux, guest);
    }
    floe_deallocate(&mux->shared->allocator, mux->replayed);
}

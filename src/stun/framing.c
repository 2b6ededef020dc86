/* ChannelData, and the cutting of streams into frames. */
#include "stun/framing.h"

#include "base/memory.h"
#include "stun/message.h"

#include <string.h>

bool floe_channel_data_parse(floe_span bytes, uint16_t *channel, floe_span *data)
{
    floe_reader reader = floe_reader_of(bytes.data, bytes.size);

    *channel = floe_read_u16(&reader);
    uint16_t length = floe_read_u16(&reader);
    *data = floe_read_span(&reader, length);
    return !reader.failed && *channel >= FLOE_CHANNEL_FIRST && *channel <= FLOE_CHANNEL_LAST;
}

void floe_channel_data_write(floe_writer *writer, uint16_t channel, floe_span data, bool stream)
{
    if (data.size > UINT16_MAX) {
        writer->failed = true;
        return;
    }
    floe_write_u16(writer, channel);
    floe_write_u16(writer, (uint16_t)data.size);
    floe_write_bytes(writer, data.data, data.size);
    if (stream) {
        floe_write_zeros(writer, (4 - data.size % 4) % 4);
    }
}

/* Sizes are reckoned in size_t: a 16-bit sum of length and header would wrap near 65,535. The
 * cookie tells at once what is no STUN, and whose "length" nobody need wait for. */
floe_frame_result floe_frame_measure_stun(floe_span front, size_t *size)
{
    floe_reader reader = floe_reader_of(front.data, front.size);
    uint16_t first = floe_read_u16(&reader);
    size_t length = floe_read_u16(&reader);

    *size = 8;
    if (reader.failed) {
        return FLOE_FRAME_INCOMPLETE;
    }
    if ((first & 0xC000U) != 0 || length % 4 != 0) {
        return FLOE_FRAME_BROKEN;
    }
    for (unsigned shift = 32; shift > 0; shift -= 8) {
        uint8_t byte = floe_read_u8(&reader);
        if (reader.failed) {
            return FLOE_FRAME_INCOMPLETE;
        }
        if (byte != (uint8_t)(FLOE_STUN_MAGIC_COOKIE >> (shift - 8))) {
            return FLOE_FRAME_BROKEN;
        }
    }
    *size = FLOE_STUN_HEADER_SIZE + length;
    return *size <= front.size ? FLOE_FRAME_WHOLE : FLOE_FRAME_INCOMPLETE;
}

floe_frame_result floe_frame_measure(floe_span front, size_t *size)
{
    floe_reader reader = floe_reader_of(front.data, front.size);
    uint16_t first = floe_read_u16(&reader);
    size_t length = floe_read_u16(&reader);

    if (reader.failed) {
        *size = 4;
        return FLOE_FRAME_INCOMPLETE;
    }
    if ((first & 0xC000U) !=
        FLOE_CHANNEL_FIRST) { /* RFC 8656 §12: reserved numbers are framed too */
        return floe_frame_measure_stun(front, size);
    }
    *size = FLOE_CHANNEL_HEADER_SIZE + (length + 3) / 4 * 4;
    return *size <= front.size ? FLOE_FRAME_WHOLE : FLOE_FRAME_INCOMPLETE;
}

floe_frame_result floe_frame_measure_rfc4571(floe_span front, size_t *size)
{
    floe_reader reader = floe_reader_of(front.data, front.size);

    *size = (size_t)floe_read_u16(&reader) + 2;
    return !reader.failed && *size <= front.size ? FLOE_FRAME_WHOLE : FLOE_FRAME_INCOMPLETE;
}

floe_frame_result floe_frame_measure_check(floe_span front, size_t *size)
{
    floe_frame_result result = floe_frame_measure_rfc4571(front, size);

    return *size > FLOE_CHECK_MAX + 2 ? FLOE_FRAME_BROKEN : result;
}

void floe_framer_init(floe_framer *framer, const floe_allocator *allocator)
{
    *framer = (floe_framer){.allocator = allocator, .measure = floe_frame_measure};
}

void floe_framer_release(floe_framer *framer)
{
    floe_deallocate(framer->allocator, framer->held);
    framer->held = NULL;
    framer->used = framer->room = 0;
}

static bool make_room(floe_framer *framer, size_t room)
{
    if (room <= framer->room) {
        return true;
    }
    uint8_t *larger = floe_allocate(framer->allocator, room);
    if (larger == NULL) {
        return false;
    }
    if (framer->used > 0) {
        memcpy(larger, framer->held, framer->used);
    }
    floe_deallocate(framer->allocator, framer->held);
    framer->held = larger;
    framer->room = room;
    return true;
}

/* Moves bytes from the piece until `size` are held, or the piece is empty. */
static bool hold(floe_framer *framer, floe_span *piece, size_t size)
{
    floe_reader reader = floe_reader_of(piece->data, piece->size);
    size_t wanted = size - framer->used;
    size_t taken = wanted < piece->size ? wanted : piece->size;

    if (!make_room(framer, size)) {
        return false;
    }
    floe_writer writer = floe_writer_of(framer->held, framer->room);
    (void)floe_write_room(&writer, framer->used);
    floe_write_bytes(&writer, floe_read_span(&reader, taken).data, taken);
    framer->used = writer.at;
    *piece = floe_read_span(&reader, floe_reader_left(&reader));
    return true;
}

floe_frame_result floe_framer_next(floe_framer *framer, floe_span *piece, floe_span *frame)
{
    size_t size;
    floe_frame_result result;

    if (framer->consumed) {
        framer->used = 0;
        framer->consumed = false;
    }
    if (framer->used == 0) {
        /* Nothing is held: a frame that lies whole in the piece is given without a copy. */
        result = framer->measure(*piece, &size);
        if (result == FLOE_FRAME_WHOLE) {
            floe_reader reader = floe_reader_of(piece->data, piece->size);
            *frame = floe_read_span(&reader, size);
            *piece = floe_read_span(&reader, floe_reader_left(&reader));
            return FLOE_FRAME_WHOLE;
        }
        if (result == FLOE_FRAME_BROKEN || piece->size == 0) {
            return result;
        }
    }
    do {
        result = framer->measure(floe_span_of(framer->held, framer->used), &size);
        if (result != FLOE_FRAME_INCOMPLETE) {
            break;
        }
        if (piece->size == 0) {
            return FLOE_FRAME_INCOMPLETE;
        }
        if (!hold(framer, piece, size)) {
            return FLOE_FRAME_BROKEN;
        }
    } while (true);
    if (result == FLOE_FRAME_WHOLE) {
        *frame = floe_span_of(framer->held, size);
        framer->consumed = true;
    }
    return result;
}

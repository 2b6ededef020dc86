/* A stream cut into pieces: the same frames must come out as from the stream in one piece. The
 * first byte says how long the pieces are. */
#include "base/memory.h"
#include "stun/framing.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many frames, and their lengths mixed into one number. */
static uint64_t frames_of(const uint8_t *data, size_t size, size_t piece_size, bool *broken)
{
    floe_framer framer;
    uint64_t digest = 0;

    *broken = false;
    floe_framer_init(&framer, &floe_default_allocator);
    for (size_t at = 0; at < size && !*broken; at += piece_size) {
        size_t left = size - at;
        floe_span piece = floe_span_of(&data[at], left < piece_size ? left : piece_size);
        floe_span frame;
        floe_frame_result result;
        while ((result = floe_framer_next(&framer, &piece, &frame)) == FLOE_FRAME_WHOLE) {
            uint16_t channel;
            floe_span inner;
            digest = digest * 31 + frame.size;
            for (size_t i = 0; i < frame.size; i++) {
                digest = digest * 31 + frame.data[i];
            }
            (void)floe_channel_data_parse(frame, &channel, &inner);
        }
        *broken = result == FLOE_FRAME_BROKEN;
    }
    floe_framer_release(&framer);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool whole_broken;
    bool cut_broken;

    if (size < 2) {
        return 0;
    }
    uint64_t whole = frames_of(&data[1], size - 1, size, &whole_broken);
    uint64_t cut = frames_of(&data[1], size - 1, 1 + data[0] % 64U, &cut_broken);
    if (whole != cut || whole_broken != cut_broken) {
        abort();
    }
    return 0;
}

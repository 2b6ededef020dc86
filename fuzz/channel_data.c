/* ChannelData (RFC 8656 §12.4) from a stranger: as a datagram, as the front of a stream, and what
 * was read is written again the same. */
#include "stun/framing.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(uint16_t channel, floe_span inner, const uint8_t *data, bool stream)
{
    static uint8_t buffer[FLOE_CHANNEL_HEADER_SIZE + 65535 + 3];
    floe_writer writer = floe_writer_of(buffer, sizeof buffer);
    size_t measured = 0;
    size_t used = FLOE_CHANNEL_HEADER_SIZE + inner.size;
    size_t padded = (used + 3) / 4 * 4;

    floe_channel_data_write(&writer, channel, inner, stream);
    if (writer.failed || writer.at != (stream ? padded : used) || memcmp(buffer, data, used) != 0) {
        abort();
    }
    if (floe_frame_measure(floe_span_of(buffer, writer.at), &measured) != FLOE_FRAME_WHOLE &&
        writer.at == padded) {
        abort();
    }
    if (measured != padded) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint16_t channel;
    floe_span inner;
    size_t measured;

    bool parsed = floe_channel_data_parse(floe_span_of(data, size), &channel, &inner);
    floe_frame_result result = floe_frame_measure(floe_span_of(data, size), &measured);
    if (parsed) {
        if (channel < FLOE_CHANNEL_FIRST || channel > FLOE_CHANNEL_LAST || inner.data != data + 4 ||
            inner.size > size - 4 || result == FLOE_FRAME_BROKEN) {
            abort();
        }
        write_again(channel, inner, data, false);
        write_again(channel, inner, data, true);
    }
    if (result == FLOE_FRAME_WHOLE && measured > size) {
        abort();
    }
    return 0;
}

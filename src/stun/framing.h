/* STUN messages and ChannelData (RFC 8656 §12.4) on datagrams and on streams. */
#ifndef FLOE_STUN_FRAMING_H
#define FLOE_STUN_FRAMING_H

#include "base/bytes.h"

#include <floe/allocator.h>
#include <floe/error.h>

#define FLOE_CHANNEL_FIRST 0x4000U
#define FLOE_CHANNEL_LAST 0x4FFFU
#define FLOE_CHANNEL_HEADER_SIZE 4

/* A ChannelData message of a datagram: bytes behind the data are padding that some senders add. */
bool floe_channel_data_parse(floe_span bytes, uint16_t *channel, floe_span *data);
/* Writes it, padded to four bytes when it goes on a stream. */
void floe_channel_data_write(floe_writer *writer, uint16_t channel, floe_span data, bool stream);

/* What stands at the front of a stream. */
typedef enum floe_frame_result {
    FLOE_FRAME_WHOLE,      /* a frame of *size bytes is there, padding included */
    FLOE_FRAME_INCOMPLETE, /* *size bytes are needed to know more */
    FLOE_FRAME_BROKEN,     /* nothing that can be: the stream cannot be read on */
} floe_frame_result;

typedef floe_frame_result (*floe_frame_measurer)(floe_span front, size_t *size);

floe_frame_result floe_frame_measure(floe_span front, size_t *size);
/* STUN alone: there is no channel before there is an allocation. */
floe_frame_result floe_frame_measure_stun(floe_span front, size_t *size);
/* RFC 4571: 16 bits of length, and so many bytes. */
floe_frame_result floe_frame_measure_rfc4571(floe_span front, size_t *size);
/* The same, of who may not say more than a connectivity check is long. */
#define FLOE_CHECK_MAX 2048U
floe_frame_result floe_frame_measure_check(floe_span front, size_t *size);

/* Puts a stream together again: feed it whatever pieces arrive, take whole frames. The same stream
 * gives the same frames however it is split. Holds one frame at most: 65,555 bytes. */
typedef struct floe_framer {
    const floe_allocator *allocator;
    floe_frame_measurer measure; /* STUN and ChannelData, unless set; may be set between frames */
    uint8_t *held;
    size_t used;
    size_t room;
    bool consumed; /* the frame that was given last stands in `held` and goes at the next call */
} floe_framer;

void floe_framer_init(floe_framer *framer, const floe_allocator *allocator);
void floe_framer_release(floe_framer *framer);
/* Takes the next frame from *piece, and moves *piece on. FLOE_FRAME_WHOLE: *frame is it, valid
 * until the next call or as long as the piece. FLOE_FRAME_INCOMPLETE: the piece is used up.
 * FLOE_FRAME_BROKEN: bad bytes, or out of memory. */
floe_frame_result floe_framer_next(floe_framer *framer, floe_span *piece, floe_span *frame);

#endif

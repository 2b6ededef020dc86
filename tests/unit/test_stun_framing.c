/* stun/framing: ChannelData, and streams cut anywhere. */
#include "support.h"

#include "base/memory.h"
#include "stun/framing.h"
#include "stun/message.h"

#include <string.h>

static void channel_data_both_ways(void **state)
{
    uint8_t bytes[16];
    uint16_t channel;
    floe_span data;
    floe_writer writer = floe_writer_of(bytes, sizeof bytes);

    (void)state;
    memset(bytes, 0xAA, sizeof bytes);
    floe_channel_data_write(&writer, 0x4001, floe_span_text("hello"), true);
    assert_int_equal(writer.at, 12);
    assert_memory_equal(bytes, "\x40\x01\x00\x05hello\0\0\0", 12);
    assert_true(floe_channel_data_parse(floe_span_of(bytes, 12), &channel, &data));
    assert_int_equal(channel, 0x4001);
    assert_true(floe_span_equal(data, floe_span_text("hello")));
    writer = floe_writer_of(bytes, sizeof bytes);
    floe_channel_data_write(&writer, 0x4FFF, floe_span_text("hello"), false);
    assert_int_equal(writer.at, 9); /* RFC 8656 §12.5: no padding needed over UDP */
    assert_false(floe_channel_data_parse(floe_span_of(bytes, 8), &channel, &data));
    assert_false(floe_channel_data_parse(floe_span_of("\x3f\xff\0\0", 4), &channel, &data));
    assert_false(floe_channel_data_parse(floe_span_of("\x50\0\0\0", 4), &channel, &data));
    assert_true(floe_channel_data_parse(floe_span_of("\x40\0\0\0", 4), &channel, &data));
    assert_int_equal(data.size, 0);
    writer = floe_writer_of(bytes, 8);
    floe_channel_data_write(&writer, 0x4000, floe_span_text("hello"), false);
    assert_true(writer.failed);
}

/* A stream of frames of many kinds; their ends in `ends`. */
static size_t make_stream(seeded_random *random, uint8_t *stream, size_t room, size_t *ends,
                          size_t *count, size_t frames)
{
    floe_writer writer = floe_writer_of(stream, room);

    *count = 0;
    for (size_t i = 0; i < frames; i++) {
        size_t length = seeded_below(random, 60);
        if (seeded_below(random, 2) == 0) {
            floe_write_u16(&writer, (uint16_t)(0x4000 + seeded_below(random, 0x1000)));
            floe_write_u16(&writer, (uint16_t)length);
            floe_write_zeros(&writer, (length + 3) / 4 * 4);
        } else {
            length = length / 4 * 4;
            floe_write_u16(&writer, (uint16_t)seeded_below(random, 0x4000));
            floe_write_u16(&writer, (uint16_t)length);
            floe_write_u32(&writer, FLOE_STUN_MAGIC_COOKIE);
            floe_write_zeros(&writer, 12 + length);
        }
        ends[(*count)++] = writer.at;
    }
    assert_false(writer.failed);
    return writer.at;
}

/* Feeds the stream in pieces and checks that the frames are the ones that were put in. */
static void check_split(const uint8_t *stream, size_t size, const size_t *ends, size_t count,
                        seeded_random *random)
{
    floe_framer framer;
    size_t fed = 0;
    size_t frames = 0;

    floe_framer_init(&framer, &floe_default_allocator);
    while (fed < size) {
        size_t n = random == NULL ? 1 : 1 + seeded_below(random, 90);
        n = n < size - fed ? n : size - fed;
        uint8_t *copy = exact_copy(&stream[fed], n, 0);
        floe_span piece = floe_span_of(copy, n);
        floe_span frame;
        floe_frame_result result;
        while ((result = floe_framer_next(&framer, &piece, &frame)) == FLOE_FRAME_WHOLE) {
            size_t start = frames == 0 ? 0 : ends[frames - 1];
            assert_true(frames < count);
            assert_int_equal(frame.size, ends[frames] - start);
            assert_memory_equal(frame.data, &stream[start], frame.size);
            frames++;
        }
        assert_int_equal(result, FLOE_FRAME_INCOMPLETE);
        assert_int_equal(piece.size, 0);
        exact_free(copy, 0);
        fed += n;
    }
    assert_int_equal(frames, count);
    floe_framer_release(&framer);
}

static void any_split_gives_the_same_frames(void **state)
{
    static uint8_t stream[16384];
    size_t ends[64];
    size_t count;
    seeded_random random;

    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        seeded_init(&random, seed);
        size_t size = make_stream(&random, stream, sizeof stream, ends, &count, 40);
        check_split(stream, size, ends, count, &random);
        if (seed <= 10) {
            check_split(stream, size, ends, count, NULL);
        }
    }
}

/* 16-bit sums of length and header wrapped in others (coturn c85248f, aws-stun ee86244). */
static void lengths_near_the_top_do_not_wrap(void **state)
{
    static uint8_t bytes[65535 + 64];
    size_t size;

    (void)state;
    for (unsigned length = 65500; length <= 65535; length++) {
        bytes[0] = 0x40;
        bytes[2] = (uint8_t)(length >> 8);
        bytes[3] = (uint8_t)length;
        size_t whole = 4 + (length + 3) / 4 * 4;
        assert_int_equal(floe_frame_measure(floe_span_of(bytes, whole - 1), &size),
                         FLOE_FRAME_INCOMPLETE);
        assert_int_equal(size, whole);
        assert_int_equal(floe_frame_measure(floe_span_of(bytes, whole), &size), FLOE_FRAME_WHOLE);
        bytes[0] = 0;
        floe_writer cookie = floe_writer_of(&bytes[4], 4);
        floe_write_u32(&cookie, FLOE_STUN_MAGIC_COOKIE);
        floe_frame_result result = floe_frame_measure(floe_span_of(bytes, 20), &size);
        if (length % 4 == 0) {
            assert_int_equal(result, FLOE_FRAME_INCOMPLETE);
            assert_int_equal(size, 20 + length);
        } else {
            assert_int_equal(result, FLOE_FRAME_BROKEN);
        }
    }
}

static void garbage_and_no_memory_break_the_stream(void **state)
{
    counting_allocator memory;
    floe_framer framer;
    floe_span frame;
    floe_span piece = floe_span_of("\x80\0\0\0", 4);

    (void)state;
    counting_init(&memory);
    floe_framer_init(&framer, &memory.table);
    assert_int_equal(floe_framer_next(&framer, &piece, &frame), FLOE_FRAME_BROKEN);
    memory.fail_at = 1;
    piece = floe_span_of("\0\1", 2);
    assert_int_equal(floe_framer_next(&framer, &piece, &frame), FLOE_FRAME_BROKEN);
    floe_framer_release(&framer);
    assert_int_equal(memory.live, 0);
}

/* What others send on such a port: it is known by its first bytes, before there is an allocation at
 * least, and nobody waits for the frame that they seem to begin. */
static void other_protocols_are_known_at_once(void **state)
{
    static const struct {
        const char *begins;
        bool channel; /* once there may be channels */
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\r\n", true},
        {"220 mail.example.org ESMTP\r\n", false},
        {"SSH-2.0-OpenSSH_9.2\r\n", true},
        {"\x15\x03\x01\x00\x02\x02\x46", false}, /* a TLS alert */
        {"\x01\x01\x00\x00\x21\x12\xa4\x43", false},
    };
    size_t size;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        floe_span bytes =
            floe_span_of(rows[i].begins, i < 3 ? strlen(rows[i].begins) : 8U - (i == 3));
        assert_int_equal(floe_frame_measure_stun(bytes, &size), FLOE_FRAME_BROKEN);
        assert_int_equal(floe_frame_measure(bytes, &size),
                         rows[i].channel ? FLOE_FRAME_INCOMPLETE : FLOE_FRAME_BROKEN);
    }
}

/* RFC 4571: the length, then so much; from one framing to the other within one piece. */
static void frames_of_rfc_4571(void **state)
{
    static const uint8_t stream[] = {0x40, 0,   0,   1,   'x', 0, 0, 0, 0,
                                     3,    'a', 'b', 'c', 0,   0, 0, 1, 'd'};
    static const size_t sizes[] = {8, 5, 2, 3};

    (void)state;
    for (size_t step = 1; step <= sizeof stream; step++) {
        floe_framer framer;
        size_t frames = 0;
        floe_framer_init(&framer, &floe_default_allocator);
        for (size_t at = 0; at < sizeof stream; at += step) {
            size_t left = sizeof stream - at;
            floe_span piece = floe_span_of(&stream[at], left < step ? left : step);
            floe_span frame;
            while (floe_framer_next(&framer, &piece, &frame) == FLOE_FRAME_WHOLE) {
                assert_true(frames < 4);
                assert_int_equal(frame.size, sizes[frames++]);
                framer.measure = floe_frame_measure_rfc4571;
            }
            assert_int_equal(piece.size, 0);
        }
        assert_int_equal(frames, 4);
        floe_framer_release(&framer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channel_data_both_ways),
        cmocka_unit_test(any_split_gives_the_same_frames),
        cmocka_unit_test(frames_of_rfc_4571),
        cmocka_unit_test(lengths_near_the_top_do_not_wrap),
        cmocka_unit_test(garbage_and_no_memory_break_the_stream),
        cmocka_unit_test(other_protocols_are_known_at_once),
    };
    return cmocka_run_group_tests_name("stun framing", tests, NULL, NULL);
}

/* base/bytes: the bounded reader and writer. */
#include "support.h"

#include "base/bytes.h"

#include <string.h>

static void reads_big_endian(void **state)
{
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    floe_reader reader = floe_reader_of(bytes, sizeof bytes);

    (void)state;
    assert_int_equal(floe_read_u8(&reader), 1);
    assert_int_equal(floe_read_u16(&reader), 0x0203);
    assert_int_equal(floe_read_u32(&reader), 0x04050607);
    assert_true(floe_read_u64(&reader) == 0x08090A0B0C0D0E0FU);
    assert_false(reader.failed);
    assert_int_equal(floe_reader_left(&reader), 0);
}

static void a_read_beyond_the_end_fails_for_good(void **state)
{
    const uint8_t bytes[] = {1, 2, 3};
    floe_reader reader = floe_reader_of(bytes, sizeof bytes);
    uint8_t copy[4] = {9, 9, 9, 9};

    (void)state;
    assert_int_equal(floe_read_u32(&reader), 0);
    assert_true(reader.failed);
    assert_int_equal(floe_read_u8(&reader), 0);
    assert_int_equal(floe_reader_left(&reader), 0);
    floe_read_copy(&reader, copy, sizeof copy);
    assert_int_equal(copy[0], 0);
    assert_null(floe_read_span(&reader, 0).data);
    reader = floe_reader_of(bytes, sizeof bytes);
    floe_read_skip(&reader, SIZE_MAX); /* no wrap */
    assert_true(reader.failed);
}

static void writes_big_endian_and_stops_at_the_end(void **state)
{
    uint8_t bytes[16];
    const uint8_t right[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0};
    floe_writer writer = floe_writer_of(bytes, sizeof bytes);

    (void)state;
    memset(bytes, 0xAA, sizeof bytes);
    floe_write_u8(&writer, 1);
    floe_write_u16(&writer, 0);
    floe_write_u32(&writer, 0x04050607);
    floe_write_u64(&writer, 0x08090A0B0C0D0E0FU);
    floe_write_zeros(&writer, 1);
    floe_write_u16_at(&writer, 1, 0x0203);
    assert_false(writer.failed);
    assert_memory_equal(bytes, right, sizeof right);
    floe_write_u8(&writer, 1);
    assert_true(writer.failed);
    assert_null(floe_write_room(&writer, 0));
    floe_write_u16_at(&writer, 15, 7); /* beyond what is written: nothing */
    assert_memory_equal(bytes, right, sizeof right);
}

static void spans_compare(void **state)
{
    (void)state;
    assert_true(floe_span_equal(floe_span_text("a"), floe_span_of("a", 1)));
    assert_false(floe_span_equal(floe_span_text("a"), floe_span_text("b")));
    assert_false(floe_span_equal(floe_span_text("a"), floe_span_text("ab")));
    assert_true(floe_span_equal((floe_span){0}, floe_span_text("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_big_endian),
        cmocka_unit_test(a_read_beyond_the_end_fails_for_good),
        cmocka_unit_test(writes_big_endian_and_stops_at_the_end),
        cmocka_unit_test(spans_compare),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}

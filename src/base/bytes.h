/* One bounded reader and one bounded writer: all parsing and writing of network bytes goes through
 * them, so that a length from the network meets a check in one place only.
 *
 * Both are sticky: after the first access beyond the end `failed` is set, reads give zeros and
 * NULL, writes do nothing. So a caller makes all its reads and looks at `failed` once. */
#ifndef FLOE_BASE_BYTES_H
#define FLOE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that belong to somebody else. */
typedef struct floe_span {
    const uint8_t *data;
    size_t size;
} floe_span;

static inline floe_span floe_span_of(const void *data, size_t size)
{
    return (floe_span){.data = data, .size = size};
}

floe_span floe_span_text(const char *text);
bool floe_span_equal(floe_span a, floe_span b);

typedef struct floe_reader {
    const uint8_t *data;
    size_t size;
    size_t at;
    bool failed;
} floe_reader;

floe_reader floe_reader_of(const void *data, size_t size);
size_t floe_reader_left(const floe_reader *reader);
uint8_t floe_read_u8(floe_reader *reader);
uint16_t floe_read_u16(floe_reader *reader);
uint32_t floe_read_u32(floe_reader *reader);
uint64_t floe_read_u64(floe_reader *reader);
/* A view of the next `size` bytes; an empty span and `failed` when there are fewer. */
floe_span floe_read_span(floe_reader *reader, size_t size);
void floe_read_copy(floe_reader *reader, void *to, size_t size);
void floe_read_skip(floe_reader *reader, size_t size);

typedef struct floe_writer {
    uint8_t *data;
    size_t size;
    size_t at;
    bool failed;
} floe_writer;

floe_writer floe_writer_of(void *data, size_t size);
void floe_write_u8(floe_writer *writer, uint8_t value);
void floe_write_u16(floe_writer *writer, uint16_t value);
void floe_write_u32(floe_writer *writer, uint32_t value);
void floe_write_u64(floe_writer *writer, uint64_t value);
void floe_write_bytes(floe_writer *writer, const void *data, size_t size);
void floe_write_zeros(floe_writer *writer, size_t size);
/* Room for `size` bytes that the caller fills at once; NULL and `failed` when there is none. */
uint8_t *floe_write_room(floe_writer *writer, size_t size);
/* Overwrites two bytes that were written before, as a length is once it is known. */
void floe_write_u16_at(floe_writer *writer, size_t at, uint16_t value);

#endif

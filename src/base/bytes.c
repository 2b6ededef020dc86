/* The bounded reader and writer; the only place with arithmetic on positions in a packet. */
#include "base/bytes.h"

#include <string.h>

floe_span floe_span_text(const char *text)
{
    return floe_span_of(text, strlen(text));
}

bool floe_span_equal(floe_span a, floe_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

floe_reader floe_reader_of(const void *data, size_t size)
{
    return (floe_reader){.data = data, .size = size};
}

size_t floe_reader_left(const floe_reader *reader)
{
    return reader->failed ? 0 : reader->size - reader->at;
}

floe_span floe_read_span(floe_reader *reader, size_t size)
{
    if (reader->failed || size > reader->size - reader->at) {
        reader->failed = true;
        return (floe_span){0};
    }
    floe_span span = {.data = &reader->data[reader->at], .size = size};
    reader->at += size;
    return span;
}

/* Big-endian, byte by byte: no alignment is asked of the buffer. */
static uint64_t read_integer(floe_reader *reader, size_t size)
{
    floe_span span = floe_read_span(reader, size);
    uint64_t value = 0;

    for (size_t i = 0; i < span.size; i++) {
        value = value << 8 | span.data[i];
    }
    return value;
}

uint8_t floe_read_u8(floe_reader *reader)
{
    return (uint8_t)read_integer(reader, 1);
}

uint16_t floe_read_u16(floe_reader *reader)
{
    return (uint16_t)read_integer(reader, 2);
}

uint32_t floe_read_u32(floe_reader *reader)
{
    return (uint32_t)read_integer(reader, 4);
}

uint64_t floe_read_u64(floe_reader *reader)
{
    return read_integer(reader, 8);
}

void floe_read_copy(floe_reader *reader, void *to, size_t size)
{
    floe_span span = floe_read_span(reader, size);

    if (span.size > 0) {
        memcpy(to, span.data, span.size);
    } else {
        memset(to, 0, size);
    }
}

void floe_read_skip(floe_reader *reader, size_t size)
{
    (void)floe_read_span(reader, size);
}

floe_writer floe_writer_of(void *data, size_t size)
{
    return (floe_writer){.data = data, .size = size};
}

uint8_t *floe_write_room(floe_writer *writer, size_t size)
{
    if (writer->failed || size > writer->size - writer->at) {
        writer->failed = true;
        return NULL;
    }
    uint8_t *room = &writer->data[writer->at];
    writer->at += size;
    return room;
}

static void write_integer(floe_writer *writer, uint64_t value, size_t size)
{
    uint8_t *room = floe_write_room(writer, size);

    for (size_t i = 0; room != NULL && i < size; i++) {
        room[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    }
}

void floe_write_u8(floe_writer *writer, uint8_t value)
{
    write_integer(writer, value, 1);
}

void floe_write_u16(floe_writer *writer, uint16_t value)
{
    write_integer(writer, value, 2);
}

void floe_write_u32(floe_writer *writer, uint32_t value)
{
    write_integer(writer, value, 4);
}

void floe_write_u64(floe_writer *writer, uint64_t value)
{
    write_integer(writer, value, 8);
}

void floe_write_bytes(floe_writer *writer, const void *data, size_t size)
{
    uint8_t *room = floe_write_room(writer, size);

    if (room != NULL && size > 0) {
        memcpy(room, data, size);
    }
}

void floe_write_zeros(floe_writer *writer, size_t size)
{
    uint8_t *room = floe_write_room(writer, size);

    if (room != NULL) {
        memset(room, 0, size);
    }
}

void floe_write_u16_at(floe_writer *writer, size_t at, uint16_t value)
{
    if (!writer->failed && at + 2 <= writer->at) {
        writer->data[at] = (uint8_t)(value >> 8);
        writer->data[at + 1] = (uint8_t)value;
    }
}

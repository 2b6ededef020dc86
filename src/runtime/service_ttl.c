#include "runtime/service_ttl.h"

#include "base/bytes.h"

#define LABEL_MAX 63U

/* RFC 1035 §4.1.4: labels, up to an empty one or to a pointer to the rest. */
static void skip_name(floe_reader *reader)
{
    unsigned length;

    do {
        length = floe_read_u8(reader);
        if (length > LABEL_MAX) {
            reader->failed = reader->failed || length < 0xc0;
            floe_read_skip(reader, 1);
            return;
        }
        floe_read_skip(reader, length);
    } while (length > 0);
}

/* RFC 1035 §4.1. */
uint32_t floe_service_ttl(const void *answer, size_t size, uint32_t most)
{
    floe_reader reader = floe_reader_of(answer, size);
    uint32_t least = most;

    floe_read_skip(&reader, 4); /* id, flags */
    unsigned questions = floe_read_u16(&reader);
    unsigned answers = floe_read_u16(&reader);
    floe_read_skip(&reader, 4); /* how many records of the other sections */
    for (; questions > 0 && !reader.failed; questions--) {
        skip_name(&reader);
        floe_read_skip(&reader, 4); /* type, class */
    }
    for (; answers > 0 && !reader.failed; answers--) {
        skip_name(&reader);
        floe_read_skip(&reader, 4);
        uint32_t ttl = floe_read_u32(&reader);
        least = ttl < least ? ttl : least;
        floe_read_skip(&reader, floe_read_u16(&reader));
    }
    return reader.failed ? 0 : least;
}

/* A STUN message from a stranger: parsed, and everything read that can be read. */
#include "stun/writer.h"
#include "stun_everything.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was parsed can be written again, and is then the same message. */
static void write_again(const floe_stun_message *message)
{
    uint8_t *buffer = malloc(70000);
    floe_stun_message again;
    floe_stun_attribute attribute;
    floe_stun_attribute other;
    size_t at = 0;
    size_t other_at = 0;

    if (buffer == NULL) {
        return;
    }
    floe_stun_writer writer =
        floe_stun_begin(buffer, 70000, message->class, message->method, &message->id);
    while (floe_stun_next_attribute(message, &at, &attribute)) {
        floe_stun_put(&writer, attribute.type, attribute.value);
    }
    if (floe_stun_parse(floe_stun_written(&writer), &again) != FLOE_STUN_PARSED ||
        again.method != message->method || again.class != message->class) {
        abort();
    }
    at = 0;
    while (floe_stun_next_attribute(message, &at, &attribute)) {
        if (!floe_stun_next_attribute(&again, &other_at, &other) || other.type != attribute.type ||
            !floe_span_equal(other.value, attribute.value)) {
            abort();
        }
    }
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    floe_stun_message message;

    if (floe_stun_parse(floe_span_of(data, size), &message) == FLOE_STUN_PARSED) {
        stun_read_everything(&message, stun_some_key());
        write_again(&message);
    }
    return 0;
}

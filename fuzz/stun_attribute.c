/* STUN attributes one by one: the input is a type and a value, put into a message that is right
 * otherwise. Every reader looks at it; what an address, a number or an error was read as is written
 * again and read the same. */
#include "base/address.h"
#include "stun/writer.h"
#include "stun_everything.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const floe_stun_id id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};

static void read_again(const floe_stun_writer *writer, floe_stun_message *again)
{
    if (floe_stun_parse(floe_stun_written(writer), again) != FLOE_STUN_PARSED) {
        abort();
    }
}

static void address_again(uint16_t type, const floe_address *address)
{
    uint8_t buffer[64];
    floe_stun_message again;
    floe_address other;
    floe_stun_writer writer =
        floe_stun_begin(buffer, sizeof buffer, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &id);

    floe_stun_put_address(&writer, type, address);
    read_again(&writer, &again);
    if (!floe_stun_read_address(&again, type, &other) || !floe_address_equal(&other, address)) {
        abort();
    }
}

static void error_again(uint16_t code, floe_span reason)
{
    static uint8_t buffer[70000];
    floe_stun_message again;
    floe_span other;
    uint16_t other_code;
    floe_stun_writer writer =
        floe_stun_begin(buffer, sizeof buffer, FLOE_STUN_ERROR, FLOE_STUN_BINDING, &id);

    floe_stun_put_error(&writer, code, reason);
    read_again(&writer, &again);
    if (!floe_stun_read_error(&again, &other_code, &other) || other_code != code ||
        !floe_span_equal(other, reason)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buffer[70000];
    floe_stun_message message;
    floe_stun_attribute attribute;
    floe_address address;
    floe_span reason;
    uint16_t code;
    uint8_t family;
    size_t at = 0;

    if (size < 2 || size > 60000) {
        return 0;
    }
    uint16_t type = (uint16_t)(data[0] << 8 | data[1]);
    floe_stun_writer writer =
        floe_stun_begin(buffer, sizeof buffer, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, type, floe_span_of(&data[2], size - 2));
    if (floe_stun_parse(floe_stun_written(&writer), &message) != FLOE_STUN_PARSED) {
        /* Only a FINGERPRINT can be wrong in itself, or an integrity that is not of its length. */
        if (type != FLOE_STUN_FINGERPRINT && type != FLOE_STUN_MESSAGE_INTEGRITY &&
            type != FLOE_STUN_MESSAGE_INTEGRITY_SHA256) {
            abort();
        }
        return 0;
    }
    stun_read_everything(&message, stun_some_key());
    if (floe_stun_next_attribute(&message, &at, &attribute)) {
        (void)floe_stun_attribute_address(&message, &attribute, &address);
    }
    if (floe_stun_read_address(&message, type, &address)) {
        address_again(type, &address);
    }
    if (floe_stun_read_error(&message, &code, &reason)) {
        if (code < 300 || code > 699) {
            abort();
        }
        error_again(code, reason);
    }
    if (floe_stun_read_address_error(&message, &family, &code, &reason) &&
        (code < 300 || code > 699)) {
        abort();
    }
    return 0;
}

#include "messages.h"

#include "support.h"

#include "base/address.h"
#include "base/random.h"
#include "stun/writer.h"

#include <stdio.h>

static seeded_random numbers;
static unsigned count;

static unsigned below(unsigned bound)
{
    return seeded_below(&numbers, bound);
}

static size_t make(uint8_t *bytes, size_t room, floe_stun_key *key)
{
    static const char text[] = "twelve-bytes-and-more-of-text";
    static const uint16_t methods[] = {FLOE_STUN_BINDING, FLOE_STUN_ALLOCATE, FLOE_STUN_REFRESH};
    floe_stun_id id;
    floe_address address = floe_address_ipv4((uint32_t)seeded_next(&numbers), 7000);

    (void)floe_random_fill(&numbers.table, id.bytes, sizeof id.bytes);
    if (below(2) == 0) {
        address.family = FLOE_FAMILY_IPV6;
        (void)floe_random_fill(&numbers.table, address.ip, sizeof address.ip);
    }
    floe_stun_writer writer =
        floe_stun_begin(bytes, room, FLOE_STUN_REQUEST, methods[below(3)], &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_of(text, 1 + below(sizeof text - 1)));
    if (below(2) == 0) {
        floe_stun_put(&writer, FLOE_STUN_SOFTWARE, floe_span_of(text, below(sizeof text)));
    }
    if (below(2) == 0) {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &address);
    }
    if (below(2) == 0) {
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, (uint32_t)seeded_next(&numbers));
    }
    if (below(4) == 0) {
        floe_stun_put_error(&writer, (uint16_t)(300 + below(400)), floe_span_text("reason"));
    }
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_put_fingerprint(&writer);
    return floe_stun_written(&writer).size;
}

static size_t spoil(uint8_t *bytes, size_t size)
{
    switch (below(5)) {
    case 0:
        bytes[below((unsigned)size)] ^= (uint8_t)(1U << below(8));
        return size;
    case 1:
        return below((unsigned)size + 1);
    case 2:
        bytes[2 + below(2)] = (uint8_t)below(256);
        return size;
    default:
        return size;
    }
}

size_t message_make(floe_stun_key *key, uint8_t **bytes)
{
    uint8_t made[512];

    if (numbers.table.fill == NULL) {
        seeded_init(&numbers, 1);
    }
    size_t size = spoil(made, make(made, sizeof made, key));
    *bytes = exact_copy(made, size, 0);
    return size;
}

void differ(const char *what, const uint8_t *bytes, size_t size)
{
    if (count++ < 5) {
        (void)printf("%s:", what);
        for (size_t i = 0; i < size; i++) {
            (void)printf(" %02x", bytes[i]);
        }
        (void)printf("\n");
    }
}

unsigned differences(void)
{
    return count;
}

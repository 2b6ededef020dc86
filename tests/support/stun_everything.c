/* Every reader of stun/message.h, once. */
#include "stun_everything.h"

#include "base/memory.h"

#include <stdlib.h>

floe_stun_key *stun_some_key(void)
{
    static floe_stun_key *key;

    if (key == NULL &&
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text("password"), &key)) {
        abort();
    }
    return key;
}

/* Reads everything that can be read; what comes out does not matter, only that nothing else is
 * touched. */
void stun_read_everything(const floe_stun_message *message, floe_stun_key *key)
{
    size_t count;
    const floe_stun_attribute_rule *rules = floe_stun_attribute_rules(&count);
    floe_address address;
    floe_span span;
    floe_span parameters;
    uint64_t u64;
    uint32_t u32;
    uint16_t u16;
    uint8_t u8;
    uint8_t code;
    char text[8];

    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        (void)floe_stun_read_address(message, rules[i].type, &address);
        (void)floe_stun_read_u8(message, rules[i].type, &u8);
        (void)floe_stun_read_u16(message, rules[i].type, &u16);
        (void)floe_stun_read_u32(message, rules[i].type, &u32);
        (void)floe_stun_read_u64(message, rules[i].type, &u64);
        if (floe_stun_find(message, rules[i].type, &span)) {
            while (floe_stun_next_password_algorithm(span, &at, &u16, &parameters)) {
            }
            (void)floe_stun_nonce_features(span);
            floe_stun_copy_reason(span, text, sizeof text);
        }
    }
    (void)floe_stun_read_error(message, &u16, &span);
    (void)floe_stun_read_address_error(message, &u8, &u16, &span);
    (void)floe_stun_read_icmp(message, &u8, &code, &u32);
    (void)floe_stun_unknown_required(message, &u16, 1);
    (void)floe_stun_check_integrity(message, key->sha1);
    (void)floe_stun_check_integrity_sha256(message, key->sha256);
}

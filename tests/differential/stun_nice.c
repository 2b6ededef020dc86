/* The same messages through floe's codec and through libnice's. Where the two differ on purpose is
 * written in `explained`; any other difference fails.
 *
 *     differential_nice [COUNT] */
#include "messages.h"
#include "support.h"

#include "base/address.h"
#include "base/memory.h"
#include "stun/key.h"
#include "stun/message.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stun/stunagent.h>

static bool give_password(StunAgent *agent, StunMessage *message, uint8_t *username,
                          uint16_t username_size, uint8_t **password, size_t *password_size,
                          void *user_data)
{
    (void)agent;
    (void)message;
    (void)username;
    (void)username_size;
    *password = user_data;
    *password_size = strlen(user_data);
    return true;
}

static unsigned explained[3];

static void compare_values(const floe_stun_message *ours, const StunMessage *theirs,
                           const uint8_t *bytes, size_t size)
{
    struct sockaddr_storage address;
    socklen_t address_size = sizeof address;
    floe_address read;
    uint32_t number;
    uint32_t lifetime;
    int error;
    uint16_t code;
    floe_span reason;

    bool found = stun_message_find_xor_addr(theirs, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &address,
                                            &address_size) == STUN_MESSAGE_RETURN_SUCCESS;
    if (found != floe_stun_read_address(ours, FLOE_STUN_XOR_MAPPED_ADDRESS, &read)) {
        differ("one of them sees an address", bytes, size);
    } else if (found) {
        const struct sockaddr_in *v4 = (const void *)&address;
        const struct sockaddr_in6 *v6 = (const void *)&address;
        bool same = address.ss_family == AF_INET
                        ? read.family == FLOE_FAMILY_IPV4 && read.port == ntohs(v4->sin_port) &&
                              memcmp(read.ip, &v4->sin_addr, 4) == 0
                        : read.family == FLOE_FAMILY_IPV6 && read.port == ntohs(v6->sin6_port) &&
                              memcmp(read.ip, &v6->sin6_addr, 16) == 0;
        if (!same) {
            differ("two addresses", bytes, size);
        }
    }
    found = stun_message_find32(theirs, STUN_ATTRIBUTE_LIFETIME, &number) ==
            STUN_MESSAGE_RETURN_SUCCESS;
    if (found != floe_stun_read_u32(ours, FLOE_STUN_LIFETIME, &lifetime) ||
        (found && number != lifetime)) {
        differ("two lifetimes", bytes, size);
    }
    found = stun_message_find_error(theirs, &error) == STUN_MESSAGE_RETURN_SUCCESS;
    if (found != floe_stun_read_error(ours, &code, &reason) || (found && error != code)) {
        differ("two error codes", bytes, size);
    }
}

static void compare(const uint8_t *bytes, size_t size, StunAgent *agent, char *password,
                    floe_stun_key *key)
{
    floe_stun_message ours;
    StunMessage theirs = {0};
    uint16_t unknown;
    floe_span username;

    int length = stun_message_validate_buffer_length(bytes, size, true);
    floe_stun_parse_result result = floe_stun_parse(floe_span_of(bytes, size), &ours);
    bool whole = length == (int)size;
    /* Of a wrong fingerprint floe looks at nothing more; nor may libnice believe it, below. */
    bool parsed = result == FLOE_STUN_PARSED || (result == FLOE_STUN_BAD_FINGERPRINT && whole);
    if (whole != parsed) {
        if (whole && result == FLOE_STUN_NOT_STUN) {
            explained[0]++; /* RFC 3489 had no cookie, and libnice takes that too */
        } else {
            differ(whole ? "libnice alone takes it" : "floe alone takes it", bytes, size);
        }
        return;
    }
    if (!whole) {
        return;
    }
    StunValidationStatus status =
        stun_agent_validate(agent, &theirs, bytes, size, give_password, password);
    bool named = result == FLOE_STUN_PARSED && floe_stun_find(&ours, FLOE_STUN_USERNAME, &username);
    bool good = result == FLOE_STUN_PARSED && ours.fingerprint_at != 0 && named &&
                ours.class == FLOE_STUN_REQUEST && floe_stun_check_integrity(&ours, key->sha1);
    bool understood = good && floe_stun_unknown_required(&ours, &unknown, 1) == 0;
    if ((status == STUN_VALIDATION_SUCCESS) != understood) {
        if (good && status == STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE) {
            explained[1]++; /* each has its own list of what it understands */
        } else if (ours.class != FLOE_STUN_REQUEST) {
            explained[2]++; /* libnice looks for the request that an answer is for */
        } else {
            differ(understood ? "floe alone believes it" : "libnice alone believes it", bytes,
                   size);
        }
    } else if (understood) {
        compare_values(&ours, &theirs, bytes, size);
    }
}

int main(int count, char **words)
{
    static const uint16_t known[] = {STUN_ATTRIBUTE_USERNAME,
                                     STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                     STUN_ATTRIBUTE_ERROR_CODE,
                                     STUN_ATTRIBUTE_LIFETIME,
                                     STUN_ATTRIBUTE_REALM,
                                     STUN_ATTRIBUTE_NONCE,
                                     STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                     0};
    unsigned rounds = count > 1 ? (unsigned)strtoul(words[1], NULL, 10) : 200000;
    char password[] = "a password";
    unsigned whole = 0;
    floe_stun_key *key;
    StunAgent agent;

    if (floe_stun_key_short_term(&floe_default_allocator, floe_span_text(password), &key) !=
        FLOE_OK) {
        return 1;
    }
    stun_agent_init(&agent, known, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
    for (unsigned i = 0; i < rounds; i++) {
        uint8_t *bytes;
        size_t size = message_make(key, &bytes);
        compare(bytes, size, &agent, password, key);
        whole += size > 0;
        exact_free(bytes, 0);
    }
    floe_stun_key_release(key);
    (void)printf("%u messages: %u differences; explained: %u without a cookie, %u by what is "
                 "understood, %u that are no requests\n",
                 whole, differences(), explained[0], explained[1], explained[2]);
    return differences() > 0;
}

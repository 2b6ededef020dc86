/* The same messages through floe's codec and through libre's. Where the two differ on purpose is
 * written in `explained`; any other difference fails.
 *
 *     differential_re [COUNT] */
#include "messages.h"
#include "support.h"

#include "base/memory.h"
#include "stun/message.h"

#include <re/re.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NO_COOKIE, ODD_CONTENT, EXPLANATIONS };

static unsigned explained[EXPLANATIONS];

static void compare_address(const floe_stun_message *ours, const struct stun_msg *theirs,
                            const uint8_t *bytes, size_t size)
{
    const struct stun_attr *attribute = stun_msg_attr(theirs, STUN_ATTR_XOR_MAPPED_ADDR);
    floe_address address;
    bool found = floe_stun_read_address(ours, FLOE_STUN_XOR_MAPPED_ADDRESS, &address);
    uint8_t ip[16];

    if (found != (attribute != NULL)) {
        differ("one of them sees an address", bytes, size);
        return;
    }
    if (!found) {
        return;
    }
    const struct sa *other = &attribute->v.xor_mapped_addr;
    bool v4 = sa_af(other) == AF_INET;
    uint32_t number = htonl(sa_in(other));
    if (v4) {
        memcpy(ip, &number, sizeof number);
    } else {
        sa_in6(other, ip);
    }
    if (address.port != sa_port(other) || (address.family == FLOE_FAMILY_IPV4) != v4 ||
        memcmp(address.ip, ip, v4 ? 4 : 16) != 0) {
        differ("two addresses", bytes, size);
    }
}

static void compare_values(const floe_stun_message *ours, const struct stun_msg *theirs,
                           const uint8_t *bytes, size_t size)
{
    uint32_t lifetime;
    uint16_t code;
    floe_span reason;
    floe_span username;

    compare_address(ours, theirs, bytes, size);
    const struct stun_attr *attribute = stun_msg_attr(theirs, STUN_ATTR_LIFETIME);
    bool found = floe_stun_read_u32(ours, FLOE_STUN_LIFETIME, &lifetime);
    if (found != (attribute != NULL) || (found && attribute->v.lifetime != lifetime)) {
        differ("two lifetimes", bytes, size);
    }
    attribute = stun_msg_attr(theirs, STUN_ATTR_ERR_CODE);
    found = floe_stun_read_error(ours, &code, &reason);
    if (found != (attribute != NULL) || (found && attribute->v.err_code.code != code)) {
        differ("two error codes", bytes, size);
    }
    attribute = stun_msg_attr(theirs, STUN_ATTR_USERNAME);
    found = floe_stun_find(ours, FLOE_STUN_USERNAME, &username);
    if (found != (attribute != NULL) ||
        (found && (strlen(attribute->v.username) != username.size ||
                   memcmp(attribute->v.username, username.data, username.size) != 0))) {
        differ("two usernames", bytes, size);
    }
}

static bool fits(unsigned type, const uint8_t *content, size_t length)
{
    switch (type) {
    case STUN_ATTR_LIFETIME:
    case STUN_ATTR_FINGERPRINT:
    case STUN_ATTR_CHANNEL_NUMBER:
    case STUN_ATTR_REQ_ADDR_FAMILY:
    case STUN_ATTR_REQ_TRANSPORT:
    case STUN_ATTR_PRIORITY:
    case STUN_ATTR_CHANGE_REQ:
    case STUN_ATTR_RESP_PORT:
        return length == 4;
    case STUN_ATTR_CONTROLLED:
    case STUN_ATTR_CONTROLLING:
    case STUN_ATTR_RSV_TOKEN:
        return length == 8;
    case STUN_ATTR_MSG_INTEGRITY:
        return length == 20;
    case STUN_ATTR_EVEN_PORT:
        return length == 1;
    case STUN_ATTR_USE_CAND:
    case STUN_ATTR_DONT_FRAGMENT:
        return length == 0;
    case STUN_ATTR_ERR_CODE:
        return length >= 4;
    case STUN_ATTR_MAPPED_ADDR:
    case STUN_ATTR_XOR_PEER_ADDR:
    case STUN_ATTR_XOR_RELAY_ADDR:
    case STUN_ATTR_XOR_MAPPED_ADDR:
    case STUN_ATTR_ALT_SERVER:
    case STUN_ATTR_RESP_ORIGIN:
    case STUN_ATTR_OTHER_ADDR:
        return length >= 2 &&
               ((content[1] == 1 && length == 8) || (content[1] == 2 && length == 20));
    default:
        return true;
    }
}

/* Whether an attribute has a content that its type does not allow. libre looks at all contents at
 * once, refuses the whole message for one, and goes on behind what it has read of it, wherever the
 * attribute ends; floe looks at those that are asked for. */
static bool has_odd_content(const uint8_t *bytes, size_t size)
{
    size_t length;

    for (size_t at = 20; at + 4 <= size; at += 4 + (length + 3) / 4 * 4) {
        unsigned type = (unsigned)(bytes[at] << 8 | bytes[at + 1]);
        length = (size_t)(bytes[at + 2] << 8 | bytes[at + 3]);
        if (at + 4 + length > size || !fits(type, &bytes[at + 4], length)) {
            return true;
        }
    }
    return false;
}

static void compare(const uint8_t *bytes, size_t size, const char *password, floe_stun_key *key)
{
    struct mbuf *buffer = mbuf_alloc(size + 1);
    struct stun_msg *theirs = NULL;
    struct stun_unknown_attr unknown = {0};
    floe_stun_message ours;

    (void)mbuf_write_mem(buffer, bytes, size);
    mbuf_set_pos(buffer, 0);
    floe_stun_parse_result result = floe_stun_parse(floe_span_of(bytes, size), &ours);
    /* libre looks at the fingerprint when it is asked, and at what is behind a message never. */
    bool taken = stun_msg_decode(&theirs, buffer, &unknown) == 0 &&
                 20U + (size_t)(bytes[2] << 8 | bytes[3]) == size;
    bool parsed = result == FLOE_STUN_PARSED || (result == FLOE_STUN_BAD_FINGERPRINT && taken);
    if (taken != parsed) {
        if (taken && !stun_msg_mcookie(theirs)) {
            explained[NO_COOKIE]++;
        } else if (has_odd_content(bytes, size)) {
            explained[ODD_CONTENT]++;
        } else {
            differ(taken ? "libre alone takes it" : "floe alone takes it", bytes, size);
        }
    } else if (taken) {
        bool printed = result == FLOE_STUN_PARSED && ours.fingerprint_at != 0;
        bool good = printed && floe_stun_check_integrity(&ours, key->sha1);
        bool believed = stun_msg_chk_fingerprint(theirs) == 0 &&
                        stun_msg_chk_mi(theirs, (const uint8_t *)password, strlen(password)) == 0;
        if (good != believed) {
            differ(good ? "floe alone believes it" : "libre alone believes it", bytes, size);
        } else if (good) {
            compare_values(&ours, theirs, bytes, size);
        }
    }
    mem_deref(theirs);
    mem_deref(buffer);
}

int main(int count, char **words)
{
    unsigned rounds = count > 1 ? (unsigned)strtoul(words[1], NULL, 10) : 200000;
    char password[] = "a password";
    floe_stun_key *key;

    if (floe_stun_key_short_term(&floe_default_allocator, floe_span_text(password), &key) !=
        FLOE_OK) {
        return 1;
    }
    for (unsigned i = 0; i < rounds; i++) {
        uint8_t *bytes;
        size_t size = message_make(key, &bytes);
        compare(bytes, size, password, key);
        exact_free(bytes, 0);
    }
    floe_stun_key_release(key);
    (void)printf(
        "%u messages: %u differences; explained: %u without a cookie, %u by an odd content\n",
        rounds, differences(), explained[NO_COOKIE], explained[ODD_CONTENT]);
    return differences() > 0;
}

/* Deriving and preparing the keys of STUN credentials. */
#include "stun/key.h"

#include "base/memory.h"

static floe_error key_new(const floe_allocator *allocator, floe_span bytes, floe_stun_key **key)
{
    floe_stun_key *made = floe_allocate(allocator, sizeof *made);

    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    made->allocator = allocator;
    floe_error error = floe_mac_new(allocator, FLOE_HASH_SHA1, bytes, &made->sha1);
    if (error == FLOE_OK) {
        error = floe_mac_new(allocator, FLOE_HASH_SHA256, bytes, &made->sha256);
    }
    if (error != FLOE_OK) {
        floe_stun_key_release(made);
        return error;
    }
    *key = made;
    return FLOE_OK;
}

floe_error floe_stun_key_short_term(const floe_allocator *allocator, floe_span password,
                                    floe_stun_key **key)
{
    return key_new(allocator, password, key);
}

floe_error floe_stun_key_long_term(const floe_allocator *allocator,
                                   floe_stun_password_algorithm algorithm, floe_span username,
                                   floe_span realm, floe_span password, floe_stun_key **key)
{
    uint8_t digest[FLOE_SHA256_SIZE];
    bool md5 = algorithm == FLOE_STUN_PASSWORD_MD5;
    floe_span colon = floe_span_text(":");
    floe_span parts[] = {username, colon, realm, colon, password};
    floe_error error = floe_digest(md5 ? FLOE_HASH_MD5 : FLOE_HASH_SHA256, parts, 5, digest);

    if (error == FLOE_OK) {
        error =
            key_new(allocator, floe_span_of(digest, md5 ? FLOE_MD5_SIZE : FLOE_SHA256_SIZE), key);
    }
    floe_wipe(digest, sizeof digest);
    return error;
}

void floe_stun_key_release(floe_stun_key *key)
{
    if (key == NULL) {
        return;
    }
    floe_mac_free(key->sha1);
    floe_mac_free(key->sha256);
    floe_deallocate(key->allocator, key);
}

floe_error floe_stun_userhash(floe_span username, floe_span realm,
                              uint8_t userhash[FLOE_SHA256_SIZE])
{
    floe_span parts[] = {username, floe_span_text(":"), realm};

    return floe_digest(FLOE_HASH_SHA256, parts, 3, userhash);
}

/* Digests and HMAC by OpenSSL 3. */

/* SHA256_Init() and its two sisters are "deprecated" for EVP. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/crypto.h"

#include "base/error.h"
#include "base/memory.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

struct floe_mac {
    const floe_allocator *allocator;
    EVP_MAC_CTX *context;
};

static const char *hash_name(floe_hash hash)
{
    switch (hash) {
    case FLOE_HASH_MD5:
        return "MD5";
    case FLOE_HASH_SHA1:
        return "SHA1";
    case FLOE_HASH_SHA256:
        return "SHA256";
    }
    return "";
}

static floe_error crypto_failed(const char *what)
{
    return floe_fail(FLOE_ERR_NO_MEMORY, "libcrypto: %s failed", what);
}

/* SHA-256 by itself: the other way, EVP, loads OpenSSL's configuration and providers first, which costs
 * a process that gathers host candidates alone as much as all else. */
static bool sha256(const floe_span *parts, size_t count, uint8_t *digest)
{
    SHA256_CTX context;
    bool good = SHA256_Init(&context) == 1;

    for (size_t i = 0; good && i < count; i++) {
        good = SHA256_Update(&context, parts[i].data, parts[i].size) == 1;
    }
    return SHA256_Final(digest, &context) == 1 && good;
}

static bool by_name(const char *name, const floe_span *parts, size_t count, uint8_t *digest)
{
    EVP_MD *algorithm = EVP_MD_fetch(NULL, name, NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        algorithm != NULL && context != NULL && EVP_DigestInit_ex(context, algorithm, NULL) == 1;

    for (size_t i = 0; good && i < count; i++) {
        good = EVP_DigestUpdate(context, parts[i].data, parts[i].size) == 1;
    }
    good = good && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    EVP_MD_free(algorithm);
    return good;
}

floe_error floe_digest(floe_hash hash, const floe_span *parts, size_t count, uint8_t *digest)
{
    bool good = hash == FLOE_HASH_SHA256 ? sha256(parts, count, digest)
                                         : by_name(hash_name(hash), parts, count, digest);

    return good ? FLOE_OK : crypto_failed(hash_name(hash));
}

floe_error floe_mac_new(const floe_allocator *allocator, floe_hash hash, floe_span key,
                        floe_mac **mac)
{
    /* OpenSSL's parameter list wants a char *, and only reads it. */
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)hash_name(hash), 0),
        OSSL_PARAM_construct_end(),
    };
    /* An empty key is a key too, but a NULL one would mean "as before". */
    const uint8_t *data = key.data != NULL ? key.data : (const uint8_t *)"";
    floe_mac *made = floe_allocate(allocator, sizeof *made);

    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    made->allocator = allocator;
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    made->context = algorithm != NULL ? EVP_MAC_CTX_new(algorithm) : NULL;
    EVP_MAC_free(algorithm);
    if (made->context == NULL || !EVP_MAC_init(made->context, data, key.size, parameters)) {
        floe_mac_free(made);
        return crypto_failed("HMAC");
    }
    *mac = made;
    return FLOE_OK;
}

void floe_mac_free(floe_mac *mac)
{
    if (mac != NULL) {
        EVP_MAC_CTX_free(mac->context);
        floe_deallocate(mac->allocator, mac);
    }
}

floe_error floe_mac_compute(floe_mac *mac, const floe_span *parts, size_t count, uint8_t *code)
{
    size_t size = 0;
    bool good = EVP_MAC_init(mac->context, NULL, 0, NULL) == 1;

    for (size_t i = 0; good && i < count; i++) {
        good = EVP_MAC_update(mac->context, parts[i].data, parts[i].size) == 1;
    }
    good = good && EVP_MAC_final(mac->context, code, &size, FLOE_SHA256_SIZE) == 1;
    return good ? FLOE_OK : crypto_failed("HMAC");
}

bool floe_same_secret(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}

void floe_wipe(void *secret, size_t size)
{
    OPENSSL_cleanse(secret, size);
}

bool floe_base64_decode(const char *text, uint8_t *to, size_t room, size_t *size)
{
    size_t length = strlen(text);
    size_t padding = length > 0 && text[length - 1] == '=' ? 1 : 0;
    uint8_t block[3];

    padding += length > 1 && padding == 1 && text[length - 2] == '=';
    if (length % 4 != 0 || strcspn(text, "=") != length - padding || length / 4 * 3 > room + 2 ||
        length / 4 * 3 - padding > room) {
        return false;
    }
    *size = 0;
    for (size_t at = 0; at < length; at += 4) {
        size_t count = at + 4 == length ? 3 - padding : 3;
        /* libcrypto trims blanks: none may be there. */
        if (strspn(&text[at], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") <
                4 ||
            EVP_DecodeBlock(block, (const unsigned char *)&text[at], 4) != 3) {
            return false;
        }
        memcpy(&to[*size], block, count);
        *size += count;
    }
    floe_wipe(block, sizeof block);
    return true;
}

void floe_base64_encode(floe_span bytes, char *text)
{
    (void)EVP_EncodeBlock((unsigned char *)text, bytes.data, (int)bytes.size);
}

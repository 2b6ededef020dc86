/* What a server sends in a handshake of TLS or DTLS, and behind it. The first byte says which, and
 * how the bytes are cut. */
#include "secure/secure.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const floe_secure_options options = {.insecure = true};
    static floe_secure_context *context;
    uint8_t room[16384];
    char subject[64];
    int64_t until;
    size_t got;

    if (size < 1 || (context == NULL && floe_secure_context_new(&floe_default_allocator, &options,
                                                                &context) != FLOE_OK)) {
        return 0;
    }
    bool datagrams = data[0] % 2 == 1;
    size_t piece_size = 1 + data[0] / 2U * 16;
    floe_secure *secure = floe_secure_new(context, "turn.example", "peer", datagrams);
    if (secure == NULL) {
        return 0;
    }
    floe_secure_result result = FLOE_SECURE_WAITS;
    for (size_t at = 0;
         at < size && result != FLOE_SECURE_FAILED && result != FLOE_SECURE_CLOSED;) {
        size_t left = size - at;
        floe_span piece = floe_span_of(&data[at], left < piece_size ? left : piece_size);
        at += piece.size;
        do {
            result = floe_secure_read(secure, &piece, room, sizeof room, &got);
            while (floe_secure_take(secure, room, sizeof room).size > 0) {
            }
        } while (result == FLOE_SECURE_DATA || result == FLOE_SECURE_READY);
    }
    (void)floe_secure_write(secure, floe_span_text("x"));
    (void)floe_secure_certificate(secure, subject, sizeof subject, &until);
    floe_secure_close(secure);
    floe_secure_free(secure);
    return 0;
}

/* A proxy's URL, and what a proxy answers: the outcome is the same however the stream is cut. The
 * first byte says which kind of proxy, and how long the pieces are. */
#include "proxy/proxy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The last result, and how much was used up. */
static floe_proxy_result outcome(const floe_proxy_server *server, floe_span answer,
                                 size_t piece_size, size_t *used)
{
    uint8_t request[FLOE_PROXY_REQUEST_SIZE];
    floe_proxy_result result = FLOE_PROXY_WAITS;
    floe_proxy proxy;

    floe_proxy_init(&proxy, server, "turn.example", 443);
    (void)floe_proxy_write(&proxy, request, sizeof request);
    *used = 0;
    while (*used < answer.size && result != FLOE_PROXY_READY && result != FLOE_PROXY_FAILED) {
        size_t left = answer.size - *used;
        floe_span piece = floe_span_of(answer.data + *used, left < piece_size ? left : piece_size);
        size_t before = piece.size;
        result = floe_proxy_read(&proxy, &piece);
        *used += before - piece.size;
        if (result == FLOE_PROXY_SEND) {
            (void)floe_proxy_write(&proxy, request, sizeof request);
        } else if (result == FLOE_PROXY_WAITS && piece.size > 0) {
            abort();
        }
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const urls[] = {"http://p", "http://u:p@p", "socks5://p", "socks5://u:p@p"};
    floe_proxy_server server;
    char text[600];
    size_t whole;
    size_t cut;

    if (size < 2) {
        return 0;
    }
    size_t length = size - 1 < sizeof text - 1 ? size - 1 : sizeof text - 1;
    memcpy(text, &data[1], length);
    text[length] = '\0';
    (void)floe_proxy_parse(text, &server);
    if (floe_proxy_parse(urls[data[0] % 4], &server) != FLOE_OK) {
        abort();
    }
    floe_span answer = floe_span_of(&data[1], size - 1);
    floe_proxy_result result = outcome(&server, answer, size, &whole);
    /* What is left behind the proxy's answer is the server's. */
    if (outcome(&server, answer, 1 + data[0] / 4U, &cut) != result ||
        (result == FLOE_PROXY_READY && whole != cut)) {
        abort();
    }
    return 0;
}

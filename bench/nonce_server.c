/* A TURN server whose nonces hold for all its clients, as Pion's do (coturn's are per client): for
 * the figure of the warm gatherer (docs/rules.md T2). It relays nothing.
 *
 *     nonce_server ADDRESS USERNAME PASSWORD */
#include "base/address.h"
#include "base/memory.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define REALM "floe.test"
#define NONCE "one-nonce-for-all"

static size_t answer(const floe_stun_message *request, const struct sockaddr_in *from,
                     floe_stun_key *key, uint8_t *bytes, size_t size)
{
    floe_address mapped = floe_address_ipv4(ntohl(from->sin_addr.s_addr), ntohs(from->sin_port));
    floe_address relayed = floe_address_ipv4(0xCB007102, (uint16_t)(mapped.port ^ 1));
    bool good =
        request->method == FLOE_STUN_BINDING || floe_stun_check_integrity(request, key->sha1);
    floe_stun_writer writer = floe_stun_begin(
        bytes, size, good ? FLOE_STUN_SUCCESS : FLOE_STUN_ERROR, request->method, &request->id);

    if (!good) {
        floe_stun_put_error(&writer, 401, floe_span_text("Unauthorized"));
        floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text(REALM));
        floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text(NONCE));
    } else {
        floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
        if (request->method == FLOE_STUN_ALLOCATE) {
            floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &relayed);
            floe_stun_put_address_error(&writer, FLOE_STUN_ADDRESS_ERROR_CODE, 2, 440,
                                        floe_span_text("No IPv6"));
            floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
        }
        if (request->method != FLOE_STUN_BINDING) {
            floe_stun_put_integrity(&writer, key->sha1);
        }
    }
    return floe_stun_written(&writer).size;
}

int main(int count, char **words)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(3478)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    floe_stun_key *key;

    if (count < 4 || inet_pton(AF_INET, words[1], &address.sin_addr) != 1 || fd < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        floe_stun_key_long_term(&floe_default_allocator, FLOE_STUN_PASSWORD_MD5,
                                floe_span_text(words[2]), floe_span_text(REALM),
                                floe_span_text(words[3]), &key) != FLOE_OK) {
        (void)fprintf(stderr, "nonce_server ADDRESS USERNAME PASSWORD\n");
        return 2;
    }
    for (;;) {
        uint8_t in[2048];
        uint8_t out[512];
        struct sockaddr_in from;
        socklen_t from_size = sizeof from;
        floe_stun_message request;
        ssize_t size = recvfrom(fd, in, sizeof in, 0, (struct sockaddr *)&from, &from_size);
        if (size > 0 &&
            floe_stun_parse(floe_span_of(in, (size_t)size), &request) == FLOE_STUN_PARSED) {
            size_t made = answer(&request, &from, key, out, sizeof out);
            (void)sendto(fd, out, made, 0, (struct sockaddr *)&from, from_size);
        }
    }
}

/* The STUN server of the runtime's tests. */
#include "server.h"

#include "base/address.h"
#include "stun/writer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int server_fd = -1;
static pthread_t server_thread;

static void answer(const uint8_t *data, size_t size, const struct sockaddr_in *from, uint16_t port)
{
    uint8_t bytes[256];
    floe_stun_message request;
    floe_address mapped = floe_address_ipv4(0xCB007107, port); /* 203.0.113.7 */

    if (floe_stun_parse(floe_span_of(data, size), &request) != FLOE_STUN_PARSED) {
        return;
    }
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, request.method, &request.id);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    (void)sendto(server_fd, bytes, floe_stun_written(&writer).size, 0,
                 (const struct sockaddr *)from, sizeof *from);
}

static void *serve(void *data)
{
    uint16_t port = 1024;

    for (;;) {
        uint8_t bytes[1500];
        struct sockaddr_in from;
        socklen_t from_size = sizeof from;
        ssize_t size =
            recvfrom(server_fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &from_size);
        if (size <= 1) {
            return data; /* a packet of one byte is the end */
        }
        answer(bytes, (size_t)size, &from, port);
        port = port == 60000 ? 1024 : (uint16_t)(port + 1);
    }
}

static struct sockaddr_in server_address(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;

    (void)getsockname(server_fd, (struct sockaddr *)&address, &size);
    return address;
}

uint16_t test_server_port;

int test_server_start(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sigset_t all;
    sigset_t before;

    (void)state;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    server_fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (server_fd < 0 || bind(server_fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        pthread_create(&server_thread, NULL, serve, NULL) != 0) {
        abort();
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    test_server_port = ntohs(server_address().sin_port);
    return 0;
}

int test_server_stop(void **state)
{
    struct sockaddr_in address = server_address();

    (void)state;
    (void)sendto(server_fd, "", 1, 0, (struct sockaddr *)&address, sizeof address);
    (void)pthread_join(server_thread, NULL);
    (void)close(server_fd);
    return 0;
}

#include "relay_server.h"

#include "support.h"

#include "base/address.h"
#include "base/memory.h"
#include "stun/framing.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS_MAX 60

static struct pollfd polled[2 + CLIENTS_MAX]; /* UDP, the listener, connections */
static nfds_t polled_count = 2;
static floe_stun_key *server_key;
static pid_t server_process;

static size_t answer(const uint8_t *data, size_t size, uint8_t *room, size_t room_size,
                     uint16_t relayed_port)
{
    floe_stun_message request;
    floe_address address = floe_address_ipv4(0xCB007107, 4000);

    if (floe_stun_parse(floe_span_of(data, size), &request) != FLOE_STUN_PARSED) {
        return 0;
    }
    bool refuses = request.method != FLOE_STUN_BINDING &&
                   !floe_stun_check_integrity(&request, server_key->sha1);
    floe_stun_writer writer =
        floe_stun_begin(room, room_size, refuses ? FLOE_STUN_ERROR : FLOE_STUN_SUCCESS,
                        request.method, &request.id);
    if (refuses) {
        floe_stun_put_error(&writer, 401, floe_span_text("Unauthorized"));
        floe_stun_put(&writer, FLOE_STUN_REALM, floe_span_text("r"));
        floe_stun_put(&writer, FLOE_STUN_NONCE, floe_span_text("n"));
        return floe_stun_written(&writer).size;
    }
    floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &address);
    if (request.method != FLOE_STUN_BINDING) {
        address.port = relayed_port;
        floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &address);
        floe_stun_put_address_error(&writer, FLOE_STUN_ADDRESS_ERROR_CODE, 2, 440,
                                    floe_span_text("No IPv6"));
        floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
        floe_stun_put_integrity(&writer, server_key->sha1);
    }
    return floe_stun_written(&writer).size;
}

static void serve_datagram(int fd)
{
    uint8_t bytes[1500];
    uint8_t room[1500];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size);
    size_t made = got > 0 ? answer(bytes, (size_t)got, room, sizeof room, 5000) : 0;

    if (made > 0) {
        (void)sendto(fd, room, made, 0, (struct sockaddr *)&from, size);
    }
}

/* Requests are small, and come whole on loopback; false: the connection has ended. */
static bool serve_connection(int fd)
{
    uint8_t bytes[4096];
    uint8_t room[1500];
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    size_t size;

    for (size_t at = 0; got > 0 && at < (size_t)got; at += size) {
        if (floe_frame_measure(floe_span_of(&bytes[at], (size_t)got - at), &size) !=
            FLOE_FRAME_WHOLE) {
            return false;
        }
        size_t made = answer(&bytes[at], size, room, sizeof room, 5001);
        (void)send(fd, room, made, MSG_NOSIGNAL);
    }
    return got > 0;
}

_Noreturn static void serve(void)
{
    for (;;) {
        if (poll(polled, polled_count, -1) < 0) {
            _exit(1);
        }
        if (polled[0].revents != 0) {
            serve_datagram(polled[0].fd);
        }
        for (nfds_t i = 2; i < polled_count; i++) {
            if (polled[i].revents != 0 && !serve_connection(polled[i].fd)) {
                (void)close(polled[i].fd);
                polled[i--] = polled[--polled_count];
            }
        }
        if (polled[1].revents != 0) {
            int fd = accept(polled[1].fd, NULL, NULL);
            if (fd >= 0 && polled_count < 2 + CLIENTS_MAX) {
                polled[polled_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
            }
        }
    }
}

/* One port for UDP and TCP; 0 when the port that was free for UDP is somebody's for TCP. */
static uint16_t bind_both(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    for (int i = 0; i < 2; i++) {
        polled[i].fd = socket(AF_INET, i == 0 ? SOCK_DGRAM : SOCK_STREAM, 0);
        polled[i].events = POLLIN;
        if (bind(polled[i].fd, (struct sockaddr *)&address, size) != 0) {
            assert_int_equal(i, 1);
            (void)close(polled[0].fd);
            (void)close(polled[1].fd);
            return 0;
        }
        assert_int_equal(getsockname(polled[i].fd, (struct sockaddr *)&address, &size), 0);
    }
    return ntohs(address.sin_port);
}

uint16_t relay_server_start(const char *username, const char *password)
{
    uint16_t port = 0;

    for (int tries = 0; port == 0 && tries < 100; tries++) {
        port = bind_both();
    }
    assert_int_not_equal(port, 0);
    assert_int_equal(listen(polled[1].fd, 16), 0);
    server_process = fork();
    assert_true(server_process >= 0);
    if (server_process == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (floe_stun_key_long_term(&floe_default_allocator, FLOE_STUN_PASSWORD_MD5,
                                    floe_span_text(username), floe_span_text("r"),
                                    floe_span_text(password), &server_key) == FLOE_OK) {
            serve();
        }
        _exit(1);
    }
    (void)close(polled[0].fd);
    (void)close(polled[1].fd);
    return port;
}

void relay_server_stop(void)
{
    assert_true(server_process > 0); /* to kill 0 is to kill ctest and who started it */
    assert_int_equal(kill(server_process, SIGKILL), 0);
    assert_int_equal(waitpid(server_process, NULL, 0), server_process);
}

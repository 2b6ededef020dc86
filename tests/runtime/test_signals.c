/* No signal is the host's to suffer for what the library writes: a server that hangs up while
 * packets wait for it, by TCP and by TLS, on the host's own loop and with SIGPIPE as it is by
 * default. In a process of its own, which such a signal ends. */
#include "support.h"
#include "tls.h"

#include "base/address.h"
#include "stun/framing.h"
#include "stun/writer.h"

#include <arpa/inet.h>
#include <floe/floe.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

/* ── The server, which wants no password ── */

typedef struct turn_server {
    int listener;
    int connection;
    tls_connection *tls; /* NULL: plain TCP */
    atomic_bool permits; /* CreatePermission was asked for */
    atomic_bool hangs_up;
    atomic_bool gone;
} turn_server;

static void say(turn_server *server, floe_span message)
{
    char room[4096];
    size_t size;

    if (server->tls == NULL) {
        (void)send(server->connection, message.data, message.size, MSG_NOSIGNAL);
        return;
    }
    (void)(message.size == 0 || tls_write(server->tls, message));
    while ((size = tls_take(server->tls, room, sizeof room)) > 0) {
        (void)send(server->connection, room, size, MSG_NOSIGNAL);
    }
}

static void answer(turn_server *server, floe_span frame)
{
    uint8_t room[500];
    floe_stun_message request;
    floe_address address = floe_address_ipv4(0xCB007107, 4000);

    if (floe_stun_parse(frame, &request) != FLOE_STUN_PARSED ||
        request.class != FLOE_STUN_REQUEST) {
        return;
    }
    floe_stun_writer writer =
        floe_stun_begin(room, sizeof room, FLOE_STUN_SUCCESS, request.method, &request.id);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &address);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_RELAYED_ADDRESS, &address);
    floe_stun_put_address_error(&writer, FLOE_STUN_ADDRESS_ERROR_CODE, 2, 440,
                                floe_span_text("No IPv6"));
    floe_stun_put_u32(&writer, FLOE_STUN_LIFETIME, 600);
    say(server, floe_stun_written(&writer));
    if (request.method == FLOE_STUN_CREATE_PERMISSION) {
        atomic_store(&server->permits, true);
    }
}

/* Messages are small, and come whole on loopback. */
static void take(turn_server *server, const uint8_t *bytes, size_t got)
{
    uint8_t plain[8192];
    size_t size = got;
    size_t one;

    if (server->tls != NULL) {
        size = 0;
        assert_true(tls_feed(server->tls, floe_span_of(bytes, got), plain, sizeof plain, &size));
        say(server, (floe_span){0});
        bytes = plain;
    }
    for (size_t at = 0; at < size; at += one) {
        assert_int_equal(floe_frame_measure(floe_span_of(&bytes[at], size - at), &one),
                         FLOE_FRAME_WHOLE);
        answer(server, floe_span_of(&bytes[at], one));
    }
}

static void *serve(void *data)
{
    turn_server *server = data;
    uint8_t bytes[8192];

    server->connection = accept(server->listener, NULL, NULL);
    while (!atomic_load(&server->hangs_up)) {
        ssize_t got = recv(server->connection, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got > 0) {
            take(server, bytes, (size_t)got);
        } else {
            (void)usleep(1000);
        }
    }
    /* All is read, so that it ends by FIN: the reset comes as an answer to the next packet. */
    while (recv(server->connection, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
    }
    (void)close(server->connection);
    atomic_store(&server->gone, true);
    return NULL;
}

/* ── The host ── */

typedef struct host {
    uint32_t relay;
    bool withdrawn;
} host;

static void on_candidate(void *data, const floe_candidate *candidate)
{
    host *h = data;

    if (candidate != NULL && candidate->type == FLOE_CANDIDATE_TYPE_RELAY) {
        h->relay = candidate->id;
    }
}

static void on_withdrawn(void *data, const floe_candidate *candidate)
{
    host *h = data;

    h->withdrawn = h->withdrawn || candidate->id == h->relay;
}

/* A minute is for ever. */
#define RUN_UNTIL(loop, condition)                                                                 \
    for (int turns = 0; !(condition); turns++) {                                                   \
        if (turns == 60000) {                                                                      \
            return "waited in vain for " #condition;                                               \
        }                                                                                          \
        (void)uv_run(loop, UV_RUN_NOWAIT);                                                         \
        (void)usleep(1000);                                                                        \
    }

static const char *send_to_who_hangs_up(turn_server *server, const char *form, uint16_t port)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server ice_server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_address peer = address_of("203.0.113.99:7777");
    floe_gatherer *gatherer;
    floe_api *api;
    uv_loop_t loop;
    char url[64];
    const char *urls[] = {url};
    host h = {0};

    (void)snprintf(url, sizeof url, form, port);
    ice_server.urls = urls;
    ice_server.url_count = 1;
    ice_server.username = "u";
    ice_server.credential = "p";
    options.ice_servers = &ice_server;
    options.ice_server_count = 1;
    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    settings.tls_insecure = true;
    settings.loop = &loop;
    if (uv_loop_init(&loop) != 0 || floe_api_new(&settings, &api) != FLOE_OK ||
        floe_gatherer_new(api, &options, &gatherer) != FLOE_OK) {
        return "no gatherer";
    }
    (void)floe_gatherer_on_local_candidate(gatherer, on_candidate, &h);
    (void)floe_gatherer_on_candidate_withdrawn(gatherer, on_withdrawn, &h);
    (void)floe_gatherer_gather(gatherer);
    RUN_UNTIL(&loop, h.relay != 0)
    if (floe_gatherer_send(gatherer, h.relay, &peer, "first", 5) != FLOE_OK) {
        return "nothing can be sent";
    }
    RUN_UNTIL(&loop, atomic_load(&server->permits))
    /* The packets wait, then the end comes, and only then does the loop run. */
    for (int i = 0; i < 20; i++) {
        static const char more[1000]; /* so that they go by several writes */
        if (floe_gatherer_send(gatherer, h.relay, &peer, more, sizeof more) != FLOE_OK) {
            return "no more can be sent";
        }
    }
    atomic_store(&server->hangs_up, true);
    while (!atomic_load(&server->gone)) {
        (void)usleep(1000);
    }
    RUN_UNTIL(&loop, h.withdrawn)
    floe_gatherer_free(gatherer);
    floe_api_free(api);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 ? NULL : "the loop is not empty";
}

static int in_the_child(const char *form, bool secure)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const tls_options options = {.certificate = TLS_RIGHT};
    socklen_t size = sizeof name;
    turn_server server = {.listener = socket(AF_INET, SOCK_STREAM, 0)};
    pthread_t thread;

    (void)signal(SIGPIPE, SIG_DFL);
    (void)alarm(120);
    server.tls = secure ? tls_accept(tls_server_new(&options)) : NULL;
    if (bind(server.listener, (struct sockaddr *)&name, size) != 0 ||
        listen(server.listener, 1) != 0 ||
        getsockname(server.listener, (struct sockaddr *)&name, &size) != 0 ||
        pthread_create(&thread, NULL, serve, &server) != 0) {
        return 1;
    }
    const char *wrong = send_to_who_hangs_up(&server, form, ntohs(name.sin_port));
    (void)pthread_join(thread, NULL);
    if (wrong != NULL) {
        (void)fprintf(stderr, "%s: %s\n", form, wrong);
    }
    return wrong != NULL;
}

static void hangs_up(const char *form, bool secure)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        _exit(in_the_child(form, secure));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        fail_msg("%s: the host was ended by signal %d", form, WTERMSIG(status));
    }
    assert_int_equal(status, 0);
}

static void a_server_that_hangs_up_is_no_signal(void **state)
{
    (void)state;
    hangs_up("turn:127.0.0.1:%u?transport=tcp", false);
}

static void a_server_that_hangs_up_by_tls_is_no_signal(void **state)
{
    (void)state;
    hangs_up("turns:127.0.0.1:%u", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_hangs_up_is_no_signal),
        cmocka_unit_test(a_server_that_hangs_up_by_tls_is_no_signal),
    };
    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}

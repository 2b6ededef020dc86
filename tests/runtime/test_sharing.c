/* H3 on real sockets and threads: many gatherers on one port. */
#include "support.h"

#include "awaited.h"
#include "base/memory.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <arpa/inet.h>
#include <floe/floe.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static floe_api *new_api_by(uint32_t port, uint32_t tcp_port)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api = NULL;

    settings.allocator = &memory_counted;
    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    settings.udp_mux_port = port;
    settings.tcp_mux_port = tcp_port;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4 | (tcp_port != 0 ? FLOE_NETWORK_TYPE_TCP4 : 0U);
    assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
    return api;
}

static floe_api *new_api(uint32_t port)
{
    return new_api_by(port, 0);
}

static void listen_to(floe_gatherer *gatherer, awaited *o)
{
    awaited_init(o);
    (void)floe_gatherer_on_local_candidate(gatherer, awaited_candidate, o);
    (void)floe_gatherer_on_error(gatherer, awaited_error, o);
}

/* The port of its host candidate, and its id. */
static uint16_t port_of(floe_gatherer *gatherer, uint32_t *id)
{
    floe_candidate_list *list = NULL;
    unsigned port = 0;

    assert_int_equal(floe_gatherer_get_local_candidates(gatherer, &list), FLOE_OK);
    for (size_t i = 0; i < list->count; i++) {
        if (list->candidates[i]->type == FLOE_CANDIDATE_TYPE_HOST) {
            port = list->candidates[i]->port;
            *id = list->candidates[i]->id;
        }
    }
    floe_candidate_list_free(list);
    return (uint16_t)port;
}

/* ── Many ── */

enum { MANY = 40, THREADS = 4 };

static void h3_many_gatherers_have_one_port_and_all_candidates(void **state)
{
    floe_gatherer *gatherers[MANY];
    static awaited seen[MANY];
    awaited_options all;
    uint32_t id;

    (void)state;
    floe_api_free(new_api(FLOE_ANY_PORT)); /* what is made once in a process is made */
    unsigned descriptors = entries_of("/proc/self/fd");
    floe_api *api = new_api(FLOE_ANY_PORT);
    awaited_options_init(&all);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(floe_gatherer_new(api, &all.options, &gatherers[i]), FLOE_OK);
        listen_to(gatherers[i], &seen[i]);
        assert_int_equal(floe_gatherer_gather(gatherers[i]), FLOE_OK);
    }
    for (int i = 0; i < MANY; i++) {
        assert_true(awaited_end(&seen[i], 1));
        assert_true(awaited_all(&seen[i]));
        assert_int_equal(port_of(gatherers[i], &id), port_of(gatherers[0], &id));
    }
    /* the loop's, one socket, one connection to the TURN server by TCP */
    assert_in_range(entries_of("/proc/self/fd"), descriptors, descriptors + 20);
    for (int i = 0; i < MANY; i++) {
        floe_gatherer_free(gatherers[(i * 7) % MANY]);
    }
    floe_api_free(api);
    for (int i = 0; i < MANY; i++) {
        awaited_destroy(&seen[i]);
    }
    assert_int_equal(memory_live(), 0);
    for (int i = 0; i < 60000 && entries_of("/proc/self/fd") > descriptors; i++) {
        (void)usleep(1000); /* the server's side of the connection */
    }
    assert_int_equal(entries_of("/proc/self/fd"), descriptors);
}

static void *come_and_go(void *data)
{
    floe_api *api = data;
    awaited_options all;

    awaited_options_init(&all);
    for (int i = 0; i < 15; i++) {
        floe_gatherer *gatherer = NULL;
        awaited seen;
        assert_int_equal(floe_gatherer_new(api, &all.options, &gatherer), FLOE_OK);
        listen_to(gatherer, &seen);
        assert_int_equal(floe_gatherer_gather(gatherer), FLOE_OK);
        if (i % 3 != 0) { /* else it goes in the middle */
            assert_true(awaited_end(&seen, 1));
        }
        if (i % 3 == 2) {
            assert_int_equal(floe_gatherer_restart(gatherer), FLOE_OK);
            assert_int_equal(floe_gatherer_gather(gatherer), FLOE_OK);
            assert_true(awaited_end(&seen, 2));
        }
        floe_gatherer_free(gatherer);
        awaited_destroy(&seen);
    }
    return NULL;
}

static void h3_gatherers_come_and_go_by_several_threads(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    floe_api *api = new_api(FLOE_ANY_PORT);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, api), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    floe_api_free(api);
    assert_int_equal(memory_live(), 0);
}

/* ── One port, once ── */

static char told[512];
static atomic_uint errors;

static void on_error(void *data, const floe_candidate_error *error)
{
    (void)data;
    (void)snprintf(told, sizeof told, "%s", error->text);
    atomic_fetch_add(&errors, 1);
}

static void h3_a_port_that_another_api_has_is_an_error(void **state)
{
    floe_gatherer *first = NULL;
    floe_gatherer *second = NULL;
    awaited one;
    awaited other;
    uint32_t id;

    (void)state;
    floe_api *any = new_api(FLOE_ANY_PORT);
    assert_int_equal(floe_gatherer_new(any, NULL, &first), FLOE_OK);
    listen_to(first, &one);
    assert_int_equal(floe_gatherer_gather(first), FLOE_OK);
    assert_true(awaited_end(&one, 1));
    uint16_t port = port_of(first, &id);
    floe_api *taken = new_api(port);
    assert_int_equal(floe_gatherer_new(taken, NULL, &second), FLOE_OK);
    listen_to(second, &other);
    (void)floe_gatherer_on_error(second, on_error, NULL);
    assert_int_equal(floe_gatherer_gather(second), FLOE_OK);
    assert_true(awaited_end(&other, 1));
    assert_int_equal(atomic_load(&errors), 1);
    assert_non_null(strstr(told, "is in use on 127.0.0.1: by another program, or by another "
                                 "floe_api of this one"));
    floe_gatherer_free(first); /* its socket goes with it: the port is free */
    floe_api_free(any);
    assert_int_equal(floe_gatherer_gather(second), FLOE_OK);
    assert_true(awaited_end(&other, 2));
    assert_int_equal(port_of(second, &id), port);
    floe_gatherer_free(second);
    floe_api_free(taken);
    awaited_destroy(&one);
    awaited_destroy(&other);
    assert_int_equal(memory_live(), 0);
}

/* H4: the error says which port it is. */
static void h4_a_tcp_port_that_is_taken_is_an_error(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    floe_gatherer *gatherer = NULL;
    char wanted[64];
    awaited seen;

    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const void *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (void *)&address, &size), 0);
    floe_api *api = new_api_by(FLOE_ANY_PORT, ntohs(address.sin_port));
    atomic_store(&errors, 0);
    assert_int_equal(floe_gatherer_new(api, NULL, &gatherer), FLOE_OK);
    listen_to(gatherer, &seen);
    (void)floe_gatherer_on_error(gatherer, on_error, NULL);
    assert_int_equal(floe_gatherer_gather(gatherer), FLOE_OK);
    assert_true(awaited_end(&seen, 1));
    assert_int_equal(atomic_load(&errors), 1);
    (void)snprintf(wanted, sizeof wanted, "TCP port %u is in use on 127.0.0.1",
                   ntohs(address.sin_port));
    assert_non_null(strstr(told, wanted));
    floe_gatherer_free(gatherer);
    floe_api_free(api);
    (void)close(fd);
    awaited_destroy(&seen);
    assert_int_equal(memory_live(), 0);
}

static void h3_a_port_that_cannot_be_is_refused(void **state)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api = NULL;

    (void)state;
    settings.udp_mux_port = 65536;
    assert_int_equal(floe_api_new(&settings, &api), FLOE_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(floe_last_error(), "settings.udp_mux_port is 65536"));
}

/* ── Data ── */

enum { PEERS = 8 };

typedef struct session {
    floe_gatherer *gatherer;
    uint32_t id;
    int fd; /* the other side's */
    struct sockaddr_in address;
    atomic_uint checks;
    atomic_uint packets;
    atomic_uint wrong; /* what was another's */
    char word[16];
} session;

static void on_packet(void *data, const floe_packet *packet)
{
    session *s = data;

    if (packet->check != NULL) {
        assert_true(packet->check->authenticated);
        assert_int_equal(floe_gatherer_answer_check(s->gatherer, packet, 0), FLOE_OK);
        atomic_fetch_add(&s->checks, 1);
    } else if (packet->size == strlen(s->word) &&
               memcmp(packet->data, s->word, packet->size) == 0) {
        atomic_fetch_add(&s->packets, 1);
        (void)floe_gatherer_send(s->gatherer, packet->candidate_id, &packet->peer, s->word,
                                 packet->size);
    } else {
        atomic_fetch_add(&s->wrong, 1);
    }
}

/* Its size; within 256. */
static size_t write_check(const session *s, uint8_t *bytes)
{
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_stun_id id = {.bytes = {(uint8_t)s->fd, 1}};
    floe_stun_key *key;
    char name[300];

    assert_int_equal(floe_gatherer_get_local_parameters(s->gatherer, &parameters), FLOE_OK);
    (void)snprintf(name, sizeof name, "%s:peer", parameters.username_fragment);
    assert_int_equal(floe_stun_key_short_term(&floe_default_allocator,
                                              floe_span_text(parameters.password), &key),
                     FLOE_OK);
    floe_stun_writer writer =
        floe_stun_begin(bytes, 256, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(name));
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_key_release(key);
    return floe_stun_written(&writer).size;
}

static void send_check(const session *s, const struct sockaddr_in *to)
{
    uint8_t bytes[256];
    size_t size = write_check(s, bytes);

    assert_int_equal(sendto(s->fd, bytes, size, 0, (const void *)to, (socklen_t)sizeof *to),
                     (ssize_t)size);
}

static void session_begins(session *s, floe_api *api, awaited *seen)
{
    assert_int_equal(floe_gatherer_new(api, NULL, &s->gatherer), FLOE_OK);
    listen_to(s->gatherer, seen);
    assert_int_equal(floe_gatherer_on_packet(s->gatherer, on_packet, s), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(s->gatherer), FLOE_OK);
    assert_true(awaited_end(seen, 1));
}

/* The peer's socket, and where it sends. */
static void session_has_peer(session *s, int type, uint16_t port)
{
    struct timeval longest = {.tv_sec = 20};

    s->address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    s->fd = socket(AF_INET, type, 0);
    assert_int_equal(setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest), 0);
}

/* The next that comes; 0: nothing does. */
static size_t receive(const session *s, char *bytes, size_t room)
{
    ssize_t size = recv(s->fd, bytes, room, 0);

    return size > 0 ? (size_t)size : 0;
}

static void h3_each_session_hears_its_own_peer_alone(void **state)
{
    static session sessions[PEERS];
    static awaited seen[PEERS];
    char bytes[512];

    (void)state;
    floe_api *api = new_api(FLOE_ANY_PORT);
    for (int i = 0; i < PEERS; i++) {
        session *s = &sessions[i];
        session_begins(s, api, &seen[i]);
        (void)snprintf(s->word, sizeof s->word, "\200word %d", i);
        session_has_peer(s, SOCK_DGRAM, port_of(s->gatherer, &s->id));
        send_check(s, &s->address);
        assert_true(receive(s, bytes, sizeof bytes) > 20); /* its answer */
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < PEERS; i++) {
            session *s = &sessions[i];
            assert_int_equal(sendto(s->fd, s->word, strlen(s->word), 0, (const void *)&s->address,
                                    (socklen_t)sizeof s->address),
                             (ssize_t)strlen(s->word));
        }
        for (int i = 0; i < PEERS; i++) {
            assert_int_equal(receive(&sessions[i], bytes, sizeof bytes), strlen(sessions[i].word));
            assert_memory_equal(bytes, sessions[i].word, strlen(sessions[i].word));
        }
    }
    for (int i = 0; i < PEERS; i++) {
        assert_int_equal(atomic_load(&sessions[i].checks), 1);
        assert_int_equal(atomic_load(&sessions[i].packets), 20);
        assert_int_equal(atomic_load(&sessions[i].wrong), 0);
        floe_gatherer_free(sessions[i].gatherer);
        (void)close(sessions[i].fd);
        awaited_destroy(&seen[i]);
    }
    floe_api_free(api);
    assert_int_equal(memory_live(), 0);
}

static uint16_t passive_port_of(floe_gatherer *gatherer)
{
    floe_candidate_list *list = NULL;
    unsigned port = 0;

    assert_int_equal(floe_gatherer_get_local_candidates(gatherer, &list), FLOE_OK);
    for (size_t i = 0; i < list->count; i++) {
        port = list->candidates[i]->tcp_type == FLOE_TCP_TYPE_PASSIVE ? list->candidates[i]->port
                                                                      : port;
    }
    floe_candidate_list_free(list);
    return (uint16_t)port;
}

/* H4: who is freed while a peer is connected closes that, and the api ends. */
static void h4_connections_go_with_their_gatherers(void **state)
{
    enum { CONNECTED = 4 };
    static session sessions[CONNECTED];
    static awaited seen[CONNECTED];
    uint8_t bytes[512];

    (void)state;
    floe_api *api = new_api_by(FLOE_ANY_PORT, FLOE_ANY_PORT);
    for (int i = 0; i < CONNECTED; i++) {
        session *s = &sessions[i];
        session_begins(s, api, &seen[i]);
        session_has_peer(s, SOCK_STREAM, passive_port_of(s->gatherer));
        assert_int_equal(connect(s->fd, (const void *)&s->address, sizeof s->address), 0);
        size_t size = write_check(s, &bytes[2]);
        bytes[0] = (uint8_t)(size >> 8);
        bytes[1] = (uint8_t)size;
        assert_int_equal(send(s->fd, bytes, size + 2, 0), (ssize_t)size + 2);
        assert_true(recv(s->fd, bytes, sizeof bytes, 0) > 20); /* its answer */
    }
    for (int i = 0; i < CONNECTED; i++) {
        floe_gatherer_free(sessions[i].gatherer);
        assert_int_equal(recv(sessions[i].fd, bytes, sizeof bytes, 0), 0); /* it has ended */
        (void)close(sessions[i].fd);
        awaited_destroy(&seen[i]);
    }
    floe_api_free(api);
    assert_int_equal(memory_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h3_many_gatherers_have_one_port_and_all_candidates),
        cmocka_unit_test(h3_gatherers_come_and_go_by_several_threads),
        cmocka_unit_test(h3_a_port_that_another_api_has_is_an_error),
        cmocka_unit_test(h4_a_tcp_port_that_is_taken_is_an_error),
        cmocka_unit_test(h3_a_port_that_cannot_be_is_refused),
        cmocka_unit_test(h3_each_session_hears_its_own_peer_alone),
        cmocka_unit_test(h4_connections_go_with_their_gatherers),
    };

    return cmocka_run_group_tests_name("mux", tests, awaited_server_start, awaited_server_stop);
}

/* Which sockets the loop hears of, and when; and where the randomness of a process comes from. */
#include "runtime/entropy.h"
#include "support.h"

#include <arpa/inet.h>
#include <floe/floe.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct owner {
    floe_gatherer *gatherer;
    struct owner *other; /* freed with this one, by the first packet; NULL: none */
    atomic_uint *packets;
    uint16_t port;
    atomic_bool ended;
} owner;

static void on_candidate(void *data, const floe_candidate *candidate)
{
    owner *o = data;

    if (candidate == NULL) {
        atomic_store(&o->ended, true);
    } else {
        o->port = (uint16_t)candidate->port;
    }
}

static void on_packet(void *data, const floe_packet *packet)
{
    owner *o = data;

    (void)packet;
    if (o->other != NULL) {
        floe_gatherer_free(o->gatherer);
        floe_gatherer_free(o->other->gatherer);
    }
    atomic_fetch_add(o->packets, 1); /* last: the owners may go then */
}

static floe_api *new_api(void)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api;

    settings.loopback = true;
    settings.ip_filter = keep_loopback_v4;
    settings.allocator = &memory_counted;
    assert_int_equal(floe_api_new(&settings, &api), FLOE_OK);
    return api;
}

static void gather(floe_api *api, owner *o)
{
    assert_int_equal(floe_gatherer_new(api, NULL, &o->gatherer), FLOE_OK);
    assert_int_equal(floe_gatherer_on_local_candidate(o->gatherer, on_candidate, o), FLOE_OK);
    assert_int_equal(floe_gatherer_gather(o->gatherer), FLOE_OK);
    for (int i = 0; !atomic_load(&o->ended); i++) {
        assert_true(i < 60000);
        (void)usleep(1000);
    }
}

static void send_to(const owner *o)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(o->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof to), 5);
    (void)close(fd);
}

static void wait_for(const atomic_uint *packets, unsigned count)
{
    for (int i = 0; atomic_load(packets) < count; i++) {
        assert_true(i < 60000);
        (void)usleep(1000);
    }
}

/* A socket from which nothing was sent is heard of once packets are wanted, and not a new one only.
 */
static void k1_packets_may_be_wanted_late(void **state)
{
    floe_api *api = new_api();
    atomic_uint packets = 0;
    owner o = {.packets = &packets};

    (void)state;
    gather(api, &o);
    assert_int_equal(floe_gatherer_on_packet(o.gatherer, on_packet, &o), FLOE_OK);
    send_to(&o);
    wait_for(&packets, 1);
    assert_int_equal(floe_gatherer_on_packet(o.gatherer, NULL, NULL), FLOE_OK);
    assert_int_equal(floe_gatherer_on_packet(o.gatherer, on_packet, &o), FLOE_OK);
    send_to(&o);
    wait_for(&packets, 2);
    floe_gatherer_free(o.gatherer);
    floe_api_free(api);
    assert_int_equal(memory_live(), 0);
}

/* Holds the loop up until it may go on. */
typedef struct holder {
    atomic_uint held;
    atomic_uint goes_on;
} holder;

static void hold(void *data, const floe_packet *packet)
{
    holder *h = data;

    (void)packet;
    atomic_store(&h->held, 1);
    wait_for(&h->goes_on, 1);
}

/* Both have a packet when the loop looks; the first of them is the end of both. */
static void k1_what_is_freed_by_a_packet_hears_of_no_other(void **state)
{
    floe_api *api = new_api();
    owner other = {0};

    (void)state;
    gather(api, &other);
    for (int i = 0; i < 50; i++) {
        atomic_uint packets = 0;
        holder h = {0};
        owner first = {.packets = &packets};
        owner second = {.packets = &packets, .other = &first};
        first.other = &second;
        gather(api, &first);
        gather(api, &second);
        assert_int_equal(floe_gatherer_on_packet(other.gatherer, hold, &h), FLOE_OK);
        assert_int_equal(floe_gatherer_on_packet(first.gatherer, on_packet, &first), FLOE_OK);
        assert_int_equal(floe_gatherer_on_packet(second.gatherer, on_packet, &second), FLOE_OK);
        send_to(&other);
        wait_for(&h.held, 1);
        send_to(&first);
        send_to(&second);
        atomic_store(&h.goes_on, 1);
        wait_for(&packets, 1);
        (void)usleep(1000);
        assert_int_equal(atomic_load(&packets), 1);
    }
    floe_api_free(api);
    assert_int_equal(memory_live(), 0);
}

/* What is drawn once is not drawn again, by a forked process neither. */
static void randomness_is_nobody_elses(void **state)
{
    floe_entropy entropy;
    uint8_t drawn[2][64];
    uint8_t large[8192] = {0};
    uint8_t none[64] = {0};
    int ends[2];
    int status = 1;

    (void)state;
    floe_entropy_init(&entropy);
    assert_int_equal(floe_entropy_fill(&entropy, drawn[0], 1), FLOE_OK);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool good = floe_entropy_fill(&entropy, drawn[0], sizeof drawn[0]) == FLOE_OK &&
                    write(ends[1], drawn[0], sizeof drawn[0]) == (ssize_t)sizeof drawn[0];
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], drawn[0], sizeof drawn[0]), sizeof drawn[0]);
    for (int i = 0; i < 200; i++) { /* past the end of a block */
        assert_int_equal(floe_entropy_fill(&entropy, drawn[1], sizeof drawn[1]), FLOE_OK);
        assert_memory_not_equal(drawn[0], drawn[1], sizeof drawn[0]);
        assert_memory_not_equal(none, drawn[1], sizeof none);
        memcpy(drawn[0], drawn[1], i > 0 ? sizeof drawn[0] : 0);
    }
    assert_int_equal(floe_entropy_fill(&entropy, large, sizeof large), FLOE_OK);
    assert_memory_not_equal(none, &large[sizeof large - sizeof none], sizeof none);
    floe_entropy_free(&entropy);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_packets_may_be_wanted_late),
        cmocka_unit_test(k1_what_is_freed_by_a_packet_hears_of_no_other),
        cmocka_unit_test(randomness_is_nobody_elses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Candidates for TCP (RFC 6544): two gatherers, here in one program, exchange their candidates and send each other a packet.
 *
 *     tcp [ADDRESS]        on this local address; 127.0.0.1 without it
 *
 * One connects from its active candidate to the passive candidate of the other. Anybody can connect there. So the first
 * packet has to be a connectivity check, which shows that its sender knows the other's username fragment and password: an
 * ICE agent has checks anyway. This one is made by hand (RFC 8489, RFC 8445 §7.1). All else is as with UDP: a packet goes
 * from a candidate to an address, and comes in with both. floe connects, and puts the frames of RFC 4571 around packets.
 *
 * cc tcp.c $(pkg-config --cflags --libs floe libcrypto) */
#include <floe/floe.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef struct side {
    const char *name;
    floe_gatherer *gatherer;
    uint32_t active;    /* our candidate of this kind */
    floe_address where; /* of our passive one */
    bool complete;
    bool answered; /* our check was */
    bool over;     /* a packet of the other has come */
} side;

static const char *address = "127.0.0.1";
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void set(bool *what)
{
    (void)pthread_mutex_lock(&lock);
    *what = true;
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&lock);
}

static void wait_for(const bool *what)
{
    (void)pthread_mutex_lock(&lock);
    while (!*what) {
        (void)pthread_cond_wait(&changed, &lock);
    }
    (void)pthread_mutex_unlock(&lock);
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    side *of = user_data;
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    if (candidate == NULL) {
        set(&of->complete);
        return;
    }
    if (strcmp(candidate->address, address) != 0 || candidate->type != FLOE_CANDIDATE_TYPE_HOST) {
        return;
    }
    if (floe_candidate_format(candidate, text, sizeof text) == FLOE_OK) {
        (void)printf("%s: %s\n", of->name, text);
    }
    if (candidate->tcp_type == FLOE_TCP_TYPE_ACTIVE) {
        of->active = candidate->id;
    } else if (candidate->tcp_type == FLOE_TCP_TYPE_PASSIVE) {
        (void)floe_candidate_address(candidate, &of->where);
    }
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    side *of = user_data;

    if (packet->check != NULL) { /* floe has seen that it is right, or it would not be here */
        (void)floe_gatherer_answer_check(of->gatherer, packet, 0);
    } else if (packet->kind == FLOE_PACKET_STUN) {
        set(&of->answered);
    } else {
        (void)printf("%s: \"%.*s\"\n", of->name, (int)packet->size, (const char *)packet->data);
        if (strncmp((const char *)packet->data, "hello", 5) == 0) {
            (void)floe_gatherer_send(of->gatherer, packet->candidate_id, &packet->peer, "welcome",
                                     7);
        }
        set(&of->over);
    }
}

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* A Binding request with USERNAME and MESSAGE-INTEGRITY; its size. */
static size_t make_check(uint8_t check[static 128], const floe_parameters *theirs,
                         const floe_parameters *ours)
{
    char name[64];
    unsigned size = 20;

    (void)snprintf(name, sizeof name, "%.20s:%.20s", theirs->username_fragment,
                   ours->username_fragment);
    memset(check, 0, 128);
    memcpy(check, "\0\1\0\0\x21\x12\xa4\x42tcp, example", 20);
    size_t used = 20;
    put16(&check[used], 0x0006); /* USERNAME */
    put16(&check[used + 2], strlen(name));
    memcpy(&check[used + 4], name, strlen(name));
    used += 4 + (strlen(name) + 3) / 4 * 4;
    put16(&check[2], used + 24 - 20); /* the length includes what comes now */
    put16(&check[used], 0x0008);      /* MESSAGE-INTEGRITY: HMAC-SHA1 of all before it */
    put16(&check[used + 2], 20);
    (void)HMAC(EVP_sha1(), theirs->password, (int)strlen(theirs->password), check, used,
               &check[used + 4], &size);
    return used + 24;
}

static bool begin(floe_api *api, side *of)
{
    if (floe_gatherer_new(api, NULL, &of->gatherer) != FLOE_OK) {
        return false;
    }
    (void)floe_gatherer_on_local_candidate(of->gatherer, on_candidate, of);
    (void)floe_gatherer_on_packet(of->gatherer, on_packet, of);
    return floe_gatherer_gather(of->gatherer) == FLOE_OK;
}

static bool talk(floe_api *api)
{
    side a = {.name = "a"};
    side b = {.name = "b"};
    floe_parameters ours = FLOE_PARAMETERS_INIT;
    floe_parameters theirs = FLOE_PARAMETERS_INIT;
    uint8_t check[128];

    if (!begin(api, &a) || !begin(api, &b)) {
        return false;
    }
    wait_for(&a.complete);
    wait_for(&b.complete);
    /* In a real program this comes by its signalling. */
    if (floe_gatherer_get_local_parameters(a.gatherer, &ours) != FLOE_OK ||
        floe_gatherer_get_local_parameters(b.gatherer, &theirs) != FLOE_OK) {
        return false;
    }
    size_t size = make_check(check, &theirs, &ours);
    if (floe_gatherer_send(a.gatherer, a.active, &b.where, check, size) != FLOE_OK) {
        return false;
    }
    wait_for(&a.answered);
    if (floe_gatherer_send(a.gatherer, a.active, &b.where, "hello over TCP", 14) != FLOE_OK) {
        return false;
    }
    wait_for(&b.over);
    wait_for(&a.over);
    return true;
}

int main(int argc, char **argv)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api;

    address = argc > 1 ? argv[1] : address;
    settings.loopback = true;
    settings.network_types = FLOE_NETWORK_TYPE_TCP4 | FLOE_NETWORK_TYPE_TCP6;
    if (floe_api_new(&settings, &api) != FLOE_OK) {
        (void)fprintf(stderr, "tcp: %s\n", floe_last_error());
        return 1;
    }
    bool good = talk(api);
    if (!good) {
        (void)fprintf(stderr, "tcp: %s\n", floe_last_error());
    }
    floe_api_free(api); /* and what is left of it */
    return good ? 0 : 1;
}

/* Data through relays: two programs that can reach each other only through a TURN server.
 *
 *     echo_over_relay URL USERNAME CREDENTIAL
 *         prints its relayed address, and sends back every packet that it receives
 *
 *     echo_over_relay URL USERNAME CREDENTIAL ADDRESS:PORT
 *         sends a line to that relayed address, and prints what comes back
 *
 * The library takes care of permissions and channels. A relay passes on a peer's packets only once
 * something has been sent to that peer. So the first program reads the address of the second from
 * standard input and sends a packet there. A real program gets the address as a candidate, through
 * its signalling. */
#include <floe/floe.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char line[] = "through two relays";

typedef struct program {
    floe_gatherer *gatherer;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t relay_id; /* 0: none yet */
    bool complete;
    bool answered;
    bool echoes;
    floe_address peer;
} program;

static void signal_change(program *of, bool *what)
{
    (void)pthread_mutex_lock(&of->lock);
    *what = true;
    (void)pthread_cond_signal(&of->changed);
    (void)pthread_mutex_unlock(&of->lock);
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    program *of = user_data;
    char text[FLOE_ADDRESS_TEXT_SIZE];
    floe_address address;

    if (candidate == NULL) {
        signal_change(of, &of->complete);
    } else if (of->relay_id == 0 && floe_candidate_address(candidate, &address) == FLOE_OK) {
        of->relay_id = candidate->id;
        (void)floe_address_format_with_port(&address, text, sizeof text);
        (void)printf("relay %s\n", text);
        (void)fflush(stdout);
    }
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    (void)user_data;
    (void)fprintf(stderr, "echo_over_relay: %s\n", error->text);
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    program *of = user_data;

    if (of->echoes) {
        (void)floe_gatherer_send(of->gatherer, packet->candidate_id, &packet->peer, packet->data,
                                 packet->size);
        return;
    }
    (void)printf("%.*s\n", (int)packet->size, (const char *)packet->data);
    (void)fflush(stdout);
    if (packet->size == strlen(line) && memcmp(packet->data, line, packet->size) == 0) {
        signal_change(of, &of->answered);
    }
}

static floe_error begin(program *of, floe_api *api, char **words)
{
    const char *urls[] = {words[1]};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    server.urls = urls;
    server.url_count = 1;
    server.username = words[2];
    server.credential = words[3];
    options.ice_servers = &server;
    options.ice_server_count = 1;
    options.gather_policy = FLOE_GATHER_POLICY_RELAY;
    floe_error error = floe_gatherer_new(api, &options, &of->gatherer);
    if (error == FLOE_OK) {
        (void)floe_gatherer_on_local_candidate(of->gatherer, on_candidate, of);
        (void)floe_gatherer_on_error(of->gatherer, on_error, of);
        (void)floe_gatherer_on_packet(of->gatherer, on_packet, of);
        error = floe_gatherer_gather(of->gatherer);
    }
    return error;
}

static void wait_for(program *of, const bool *what)
{
    (void)pthread_mutex_lock(&of->lock);
    while (!*what) {
        (void)pthread_cond_wait(&of->changed, &of->lock);
    }
    (void)pthread_mutex_unlock(&of->lock);
}

/* The echoing program reads the ADDRESS:PORT of each peer that may talk to it. */
static void introduce(program *of)
{
    char text[64];

    while (scanf("%63s", text) == 1) {
        if (floe_address_parse_with_port(text, &of->peer) == FLOE_OK) {
            (void)floe_gatherer_send(of->gatherer, of->relay_id, &of->peer, "hello", 5);
        }
    }
}

/* The peer's relay drops our packets until the peer has sent us one. So we send the line again. */
static void talk(program *of)
{
    for (int i = 0; i < 100 && !of->answered; i++) {
        (void)floe_gatherer_send(of->gatherer, of->relay_id, &of->peer, line, strlen(line));
        (void)usleep(100000);
    }
}

int main(int count, char **words)
{
    program of = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    floe_api *api = NULL;

    of.echoes = count == 4;
    if ((count != 4 && count != 5) ||
        (count == 5 && floe_address_parse_with_port(words[4], &of.peer) != FLOE_OK)) {
        (void)fprintf(stderr, "usage: echo_over_relay URL USERNAME CREDENTIAL [ADDRESS:PORT]\n");
        return 2;
    }
    if (floe_api_new(NULL, &api) != FLOE_OK || begin(&of, api, words) != FLOE_OK) {
        (void)fprintf(stderr, "echo_over_relay: %s\n", floe_last_error());
        floe_api_free(api);
        return 1;
    }
    wait_for(&of, &of.complete);
    if (of.relay_id != 0 && of.echoes) {
        introduce(&of);
    } else if (of.relay_id != 0) {
        talk(&of);
    }
    floe_api_free(api);
    return of.relay_id != 0 && (of.echoes || of.answered) ? 0 : 1;
}

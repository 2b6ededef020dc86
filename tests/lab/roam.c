/* A gatherer around which things change: its address (RFC 8016), its server, the time.
 *
 *     lab-roam URL USERNAME CREDENTIAL PEER PORT [INTERVAL-MS [KEEPALIVE-MS]]
 *
 * Prints each relay candidate that comes or goes, "complete" after each gathering, "echo" for each
 * packet that the peer sends back, and "refused" with the reason for each that can't be sent. A
 * packet goes to the peer after each gathering, and each INTERVAL-MS by the latest relay.
 * Gathers again for each line of standard input: at "user USERNAME CREDENTIAL" restarted, by these; ends with
 * the input or at "end". */
#include <floe/floe.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct roamer {
    floe_gatherer *gatherer;
    floe_address peer;
    atomic_uint relay_id; /* 0: none */
} roamer;

static void ping(roamer *of)
{
    uint32_t relay_id = atomic_load(&of->relay_id);

    if (relay_id != 0 &&
        floe_gatherer_send(of->gatherer, relay_id, &of->peer, "ping", 4) != FLOE_OK) {
        (void)printf("refused %s\n", floe_last_error());
    }
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    roamer *of = user_data;

    if (candidate == NULL) {
        (void)puts("complete");
        ping(of);
    } else if (candidate->type == FLOE_CANDIDATE_TYPE_RELAY) {
        atomic_store(&of->relay_id, candidate->id);
        (void)printf("relay %s %u\n", candidate->address, candidate->port);
    }
}

static void on_withdrawn(void *user_data, const floe_candidate *candidate)
{
    roamer *of = user_data;
    unsigned id = candidate->id;

    if (candidate->type == FLOE_CANDIDATE_TYPE_RELAY) {
        (void)atomic_compare_exchange_strong(&of->relay_id, &id, 0);
        (void)printf("withdrawn %s %u\n", candidate->address, candidate->port);
    }
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    (void)user_data;
    if (packet->size == 4) {
        (void)puts("echo");
    }
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    (void)user_data;
    (void)printf("error %u %s\n", error->code, error->text);
}

/* "user USERNAME CREDENTIAL" */
static void renew(const roamer *of, floe_gather_options *options, floe_ice_server *server,
                  char *line)
{
    static char username[64];
    static char credential[64];

    if (sscanf(line, "user %63s %63s", username, credential) == 2) {
        server->username = username;
        server->credential = credential;
        (void)floe_gatherer_set_options(of->gatherer, options);
        (void)floe_gatherer_restart(of->gatherer);
    }
}

int main(int count, char **words)
{
    const char *urls[] = {count > 1 ? words[1] : ""};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_settings settings = FLOE_SETTINGS_INIT;
    roamer of = {0};
    floe_api *api = NULL;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    int interval = count > 6 ? atoi(words[6]) : -1;
    char line[160];

    if (count < 6 || floe_address_parse(words[4], &of.peer) != FLOE_OK) {
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    settings.keepalive_ms = count > 7 ? (uint32_t)atol(words[7]) : 0;
    of.peer.port = (uint16_t)atoi(words[5]);
    server.urls = urls;
    server.url_count = 1;
    server.username = words[2];
    server.credential = words[3];
    options.ice_servers = &server;
    options.ice_server_count = 1;
    settings.mobility = true;
    settings.network_types = FLOE_NETWORK_TYPE_UDP4;
    settings.tls_ca_file = getenv("LAB_CA");
    if (floe_api_new(&settings, &api) != FLOE_OK ||
        floe_gatherer_new(api, &options, &of.gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "lab-roam: %s\n", floe_last_error());
        floe_api_free(api);
        return 1;
    }
    (void)floe_gatherer_on_local_candidate(of.gatherer, on_candidate, &of);
    (void)floe_gatherer_on_candidate_withdrawn(of.gatherer, on_withdrawn, &of);
    (void)floe_gatherer_on_error(of.gatherer, on_error, &of);
    (void)floe_gatherer_on_packet(of.gatherer, on_packet, &of);
    (void)floe_gatherer_gather(of.gatherer);
    for (;;) {
        memset(line, 0, sizeof line);
        if (poll(&input, 1, interval) == 0) {
            ping(&of);
        } else if (read(STDIN_FILENO, line, sizeof line - 1) > 0 && line[0] != 'e') {
            renew(&of, &options, &server, line);
            (void)floe_gatherer_gather(of.gatherer);
        } else {
            break;
        }
    }
    floe_api_free(api);
    return 0;
}

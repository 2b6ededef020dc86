/* A gatherer whose address changes under it (RFC 8016):
 *
 *     lab-roam URL USERNAME CREDENTIAL PEER PORT
 *
 * Prints each relay candidate that comes or goes, "complete" after each gathering, and "echo" for
 * each packet that the peer sends back; gathers again for each line of standard input, ends with
 * the input. */
#include <floe/floe.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct roamer {
    floe_gatherer *gatherer;
    floe_address peer;
    uint32_t relay_id; /* 0: none */
} roamer;

static void say(const char *what)
{
    (void)puts(what);
    (void)fflush(stdout);
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    roamer *of = user_data;

    if (candidate == NULL) {
        say("complete");
        (void)floe_gatherer_send(of->gatherer, of->relay_id, &of->peer, "ping", 4);
    } else if (candidate->type == FLOE_CANDIDATE_TYPE_RELAY) {
        of->relay_id = candidate->id;
        (void)printf("relay %s %u\n", candidate->address, candidate->port);
    }
}

static void on_withdrawn(void *user_data, const floe_candidate *candidate)
{
    (void)user_data;
    if (candidate->type == FLOE_CANDIDATE_TYPE_RELAY) {
        (void)printf("withdrawn %s %u\n", candidate->address, candidate->port);
    }
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    (void)user_data;
    if (packet->size == 4) {
        say("echo");
    }
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    (void)user_data;
    (void)printf("error %s\n", error->text);
}

int main(int count, char **words)
{
    const char *urls[] = {count > 1 ? words[1] : ""};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_settings settings = FLOE_SETTINGS_INIT;
    roamer of = {0};
    floe_api *api = NULL;
    char line[16];

    if (count != 6 || floe_address_parse(words[4], &of.peer) != FLOE_OK) {
        return 2;
    }
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
    while (fgets(line, sizeof line, stdin) != NULL) {
        (void)floe_gatherer_gather(of.gatherer);
    }
    floe_api_free(api);
    return 0;
}

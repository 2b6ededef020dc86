/* A gatherer that follows the network: pull the cable, and its candidates are withdrawn; join another
 * network, and there are new ones. What has not changed is left alone.
 *
 *     continual [URL [USERNAME CREDENTIAL]]          ends with its standard input */
#include <floe/floe.h>
#include <stdio.h>

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE] = "these are all for now";

    (void)user_data;
    if (candidate != NULL) { /* send it to the peer */
        (void)floe_candidate_format(candidate, text, sizeof text);
    }
    (void)printf("%s %s\n", candidate != NULL ? "+" : "=", text);
    (void)fflush(stdout);
}

/* The peer finds out by itself: its checks are not answered any more. */
static void on_withdrawn(void *user_data, const floe_candidate *candidate)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    (void)user_data;
    (void)floe_candidate_format(candidate, text, sizeof text);
    (void)printf("- %s\n", text);
    (void)fflush(stdout);
}

int main(int count, char **words)
{
    const char *urls[] = {count > 1 ? words[1] : "stun:stun.example.org"};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_gatherer *gatherer;
    floe_api *api;

    server.urls = urls;
    server.url_count = 1;
    server.username = count > 2 ? words[2] : NULL;
    server.credential = count > 3 ? words[3] : NULL;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    options.continual = true;
    if (floe_api_new(NULL, &api) != FLOE_OK) {
        (void)fprintf(stderr, "continual: %s\n", floe_last_error());
        return 1;
    }
    if (floe_gatherer_new(api, &options, &gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "continual: %s\n", floe_last_error());
        floe_api_free(api);
        return 1;
    }
    (void)floe_gatherer_on_local_candidate(gatherer, on_candidate, NULL);
    (void)floe_gatherer_on_candidate_withdrawn(gatherer, on_withdrawn, NULL);
    (void)floe_gatherer_gather(gatherer);
    while (getchar() != EOF) {
    }
    floe_api_free(api); /* also frees the gatherer */
    return 0;
}

/* Gathers with libfloe and prints candidate lines:
 *
 *     gather URL [USERNAME CREDENTIAL] */
#include <floe/floe.h>
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static int done;

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    (void)user_data;
    if (candidate != NULL) {
        (void)floe_candidate_format(candidate, text, sizeof text);
        (void)puts(text);
        return;
    }
    (void)pthread_mutex_lock(&lock);
    done = 1;
    (void)pthread_cond_signal(&ended);
    (void)pthread_mutex_unlock(&lock);
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    (void)user_data;
    (void)fprintf(stderr, "%s: %s\n", error->url != NULL ? error->url : "here", error->text);
}

int main(int count, char **words)
{
    const char *urls[] = {count > 1 ? words[1] : "stun:stun.example.org"};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_api *api;
    floe_gatherer *gatherer;

    server.urls = urls;
    server.url_count = 1;
    server.username = count > 2 ? words[2] : NULL;
    server.credential = count > 3 ? words[3] : NULL;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    if (floe_api_new(NULL, &api) != FLOE_OK ||
        floe_gatherer_new(api, &options, &gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "gather: %s\n", floe_last_error());
        return 2;
    }
    (void)floe_gatherer_on_local_candidate(gatherer, on_candidate, NULL);
    (void)floe_gatherer_on_error(gatherer, on_error, NULL);
    (void)floe_gatherer_gather(gatherer);

    (void)pthread_mutex_lock(&lock);
    while (!done) {
        (void)pthread_cond_wait(&ended, &lock);
    }
    (void)pthread_mutex_unlock(&lock);
    floe_gatherer_free(gatherer);
    floe_api_free(api);
    return 0;
}

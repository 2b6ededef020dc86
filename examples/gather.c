/* The usage example of Pion's ICEGatherer, line by line (docs/from-pion.md):
 *
 *     gather [URL [USERNAME CREDENTIAL]]
 *
 * It ends when gathering is complete; Pion's example waits forever. */
#include <floe/floe.h>
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t complete = PTHREAD_COND_INITIALIZER;
static int is_complete;

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    (void)user_data;
    if (candidate == NULL) {
        (void)printf("Gathering complete\n");
        (void)pthread_mutex_lock(&lock);
        is_complete = 1;
        (void)pthread_cond_signal(&complete);
        (void)pthread_mutex_unlock(&lock);
        return;
    }
    (void)floe_candidate_format(candidate, text, sizeof text);
    (void)printf("New candidate: %s\n", text);
}

static void on_state_change(void *user_data, enum floe_gatherer_state state)
{
    (void)user_data;
    (void)printf("State changed: %s\n", floe_gatherer_state_name(state));
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    (void)user_data; /* Pion has no such handler: it writes a line to its log */
    (void)fprintf(stderr, "%s: %s\n", error->url != NULL ? error->url : "here", error->text);
}

int main(int count, char **words)
{
    const char *urls[] = {count > 1 ? words[1] : "stun:stun.l.google.com:19302"};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_api *api = NULL;
    floe_gatherer *gatherer = NULL;

    /* Create API */
    floe_error error = floe_api_new(NULL, &api);
    /* Create ICE gatherer with STUN server */
    server.urls = urls;
    server.url_count = 1;
    server.username = count > 2 ? words[2] : NULL;
    server.credential = count > 3 ? words[3] : NULL;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    if (error == FLOE_OK) {
        error = floe_gatherer_new(api, &options, &gatherer);
    }
    if (error == FLOE_OK) {
        /* Set up event handlers */
        (void)floe_gatherer_on_local_candidate(gatherer, on_candidate, NULL);
        (void)floe_gatherer_on_state_change(gatherer, on_state_change, NULL);
        (void)floe_gatherer_on_error(gatherer, on_error, NULL);
        /* Start gathering */
        error = floe_gatherer_gather(gatherer);
    }
    if (error == FLOE_OK) {
        /* Get local parameters */
        error = floe_gatherer_get_local_parameters(gatherer, &parameters);
        (void)printf("ICE Parameters - User: %s, Pass: %s\n", parameters.username_fragment,
                     parameters.password);
        /* Wait for gathering to complete */
        (void)pthread_mutex_lock(&lock);
        while (!is_complete) {
            (void)pthread_cond_wait(&complete, &lock);
        }
        (void)pthread_mutex_unlock(&lock);
    }
    if (error != FLOE_OK) {
        (void)fprintf(stderr, "gather: %s\n", floe_last_error());
    }
    (void)floe_gatherer_graceful_close(gatherer);
    floe_gatherer_free(gatherer);
    floe_api_free(api);
    return error != FLOE_OK;
}

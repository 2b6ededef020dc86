/* Several gatherers of one api at the same time, each with an associated gatherer for RTCP
 * (component 2). They share the thread, the name look-ups, and what the api remembers about the
 * servers. The relay for RTCP gets the next port above the one for RTP, which old programs need.
 *
 *     several URL [USERNAME CREDENTIAL] */
#include <floe/floe.h>
#include <pthread.h>
#include <stdio.h>

#define GATHERERS 3

typedef struct call {
    floe_gatherer *rtp;
    floe_gatherer *rtcp;
    int number;
} call;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int complete;

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    const call *of = user_data;
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    (void)pthread_mutex_lock(&lock);
    if (candidate != NULL) {
        (void)floe_candidate_format(candidate, text, sizeof text);
        (void)printf("%d %s\n", of->number, text);
    } else {
        complete++;
        (void)pthread_cond_signal(&changed);
    }
    (void)pthread_mutex_unlock(&lock);
}

/* The relay for RTP exists now, and the server reserves the next port for 30 seconds. */
static void on_rtp_candidate(void *user_data, const floe_candidate *candidate)
{
    const call *of = user_data;

    on_candidate(user_data, candidate);
    if (candidate == NULL) {
        (void)floe_gatherer_gather(of->rtcp);
    }
}

static floe_error begin(floe_api *api, const floe_gather_options *options, call *made)
{
    floe_error error = floe_gatherer_new(api, options, &made->rtp);

    if (error == FLOE_OK) {
        error = floe_gatherer_create_associated(made->rtp, &made->rtcp);
    }
    if (error == FLOE_OK) {
        (void)floe_gatherer_on_local_candidate(made->rtp, on_rtp_candidate, made);
        (void)floe_gatherer_on_local_candidate(made->rtcp, on_candidate, made);
        (void)floe_gatherer_gather(made->rtp);
    }
    return error;
}

int main(int count, char **words)
{
    const char *urls[] = {count > 1 ? words[1] : "stun:stun.example.org"};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    call calls[GATHERERS] = {0};
    floe_api *api;

    server.urls = urls;
    server.url_count = 1;
    server.username = count > 2 ? words[2] : NULL;
    server.credential = count > 3 ? words[3] : NULL;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    options.even_port = true;
    if (floe_api_new(NULL, &api) != FLOE_OK) {
        (void)fprintf(stderr, "several: %s\n", floe_last_error());
        return 1;
    }
    for (int i = 0; i < GATHERERS; i++) {
        calls[i].number = i;
        if (begin(api, &options, &calls[i]) != FLOE_OK) {
            (void)fprintf(stderr, "several: %s\n", floe_last_error());
            floe_api_free(api);
            return 1;
        }
    }
    (void)pthread_mutex_lock(&lock);
    while (complete < 2 * GATHERERS) {
        (void)pthread_cond_wait(&changed, &lock);
    }
    (void)pthread_mutex_unlock(&lock);
    floe_api_free(api); /* also frees all gatherers */
    return 0;
}

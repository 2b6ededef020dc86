/* A thousand gatherers on one UDP port, as a server has them that opens one port to the world (the
 * answer to Pion's UDP mux example):
 *
 *     one_port [PORT [COUNT [URL [USERNAME CREDENTIAL]]]]     0: any port
 *
 * Each session has a gatherer of its own, with its own username fragment and password. floe gives
 * each packet to the session that it is for; here, each answers checks and sends back data. */
#include <floe/floe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_complete = PTHREAD_COND_INITIALIZER;
static unsigned long waiting;
static unsigned long candidates;

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    (void)user_data;
    (void)pthread_mutex_lock(&lock);
    if (candidate != NULL) {
        candidates++;
    } else if (--waiting == 0) {
        (void)pthread_cond_signal(&all_complete);
    }
    (void)pthread_mutex_unlock(&lock);
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    (void)user_data;
    (void)fprintf(stderr, "%s: %s\n", error->url != NULL ? error->url : "here", error->text);
}

/* A session. `user_data` is its gatherer: what arrives here is for no other. */
static void on_packet(void *user_data, const floe_packet *packet)
{
    floe_gatherer *gatherer = user_data;

    if (packet->check != NULL) {
        (void)floe_gatherer_answer_check(gatherer, packet, packet->check->authenticated ? 0 : 401);
    } else {
        (void)floe_gatherer_send(gatherer, packet->candidate_id, &packet->peer, packet->data,
                                 packet->size);
    }
}

static floe_error start(floe_api *api, const floe_gather_options *options, floe_gatherer **gatherer)
{
    floe_error error = floe_gatherer_new(api, options, gatherer);

    if (error != FLOE_OK) {
        return error;
    }
    (void)floe_gatherer_on_local_candidate(*gatherer, on_candidate, NULL);
    (void)floe_gatherer_on_error(*gatherer, on_error, NULL);
    (void)floe_gatherer_on_packet(*gatherer, on_packet, *gatherer);
    return floe_gatherer_gather(*gatherer);
}

static double milliseconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int count, char **words)
{
    unsigned long port = count > 1 ? strtoul(words[1], NULL, 10) : 0;
    unsigned long sessions = count > 2 ? strtoul(words[2], NULL, 10) : 1000;
    const char *urls[] = {count > 3 ? words[3] : NULL};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_gatherer **gatherers = calloc(sessions, sizeof *gatherers);
    floe_api *api = NULL;

    settings.udp_mux_port = port != 0 ? (uint32_t)port : FLOE_ANY_PORT;
    server.urls = urls;
    server.url_count = 1;
    server.username = count > 4 ? words[4] : NULL;
    server.credential = count > 5 ? words[5] : NULL;
    options.ice_servers = &server;
    options.ice_server_count = count > 3;
    floe_error error = gatherers != NULL ? floe_api_new(&settings, &api) : FLOE_ERR_NO_MEMORY;
    double begun = milliseconds();
    waiting = sessions;
    for (unsigned long i = 0; i < sessions && error == FLOE_OK; i++) {
        error = start(api, &options, &gatherers[i]);
    }
    if (error == FLOE_OK) {
        (void)pthread_mutex_lock(&lock);
        while (waiting > 0) {
            (void)pthread_cond_wait(&all_complete, &lock);
        }
        (void)pthread_mutex_unlock(&lock);
        floe_api_statistics sent = FLOE_API_STATISTICS_INIT;
        (void)floe_api_get_statistics(api, &sent);
        (void)printf("%lu gatherers, %lu candidates, %llu packets sent, %.1f ms\n", sessions,
                     candidates, (unsigned long long)sent.packets_sent, milliseconds() - begun);
    } else {
        (void)fprintf(stderr, "%s: %s\n", floe_error_string(error), floe_last_error());
    }
    for (unsigned long i = 0; gatherers != NULL && i < sessions; i++) {
        floe_gatherer_free(gatherers[i]);
    }
    floe_api_free(api);
    free(gatherers);
    return error == FLOE_OK ? 0 : 1;
}

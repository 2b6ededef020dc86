/* A candidate pool: gathering begins when the gatherer is created. When the program calls gather,
 * the candidates are there at once.
 *
 *     pool URL [USERNAME CREDENTIAL] */
#include <floe/floe.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int complete;
static struct timespec asked;

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    struct timespec now;

    (void)user_data;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)pthread_mutex_lock(&lock);
    if (candidate != NULL) {
        (void)printf("%s %s:%u, %.1f ms after the call of gather\n",
                     floe_candidate_type_name(candidate->type), candidate->address, candidate->port,
                     (double)(now.tv_sec - asked.tv_sec) * 1e3 +
                         (double)(now.tv_nsec - asked.tv_nsec) / 1e6);
    } else {
        complete = 1;
        (void)pthread_cond_signal(&changed);
    }
    (void)pthread_mutex_unlock(&lock);
}

int main(int count, char **words)
{
    const char *urls[] = {count > 1 ? words[1] : "stun:stun.example.org"};
    const struct timespec a_while = {.tv_sec = 1};
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
    options.candidate_pool_size = 1;
    if (floe_api_new(NULL, &api) != FLOE_OK ||
        floe_gatherer_new(api, &options, &gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "pool: %s\n", floe_last_error());
        return 1;
    }
    (void)floe_gatherer_on_local_candidate(gatherer, on_candidate, NULL);
    (void)nanosleep(&a_while, NULL); /* the program does other things while gathering goes on */
    (void)clock_gettime(CLOCK_MONOTONIC, &asked);
    (void)floe_gatherer_gather(gatherer);
    (void)pthread_mutex_lock(&lock);
    while (!complete) {
        (void)pthread_cond_wait(&changed, &lock);
    }
    (void)pthread_mutex_unlock(&lock);
    floe_api_free(api);
    return 0;
}

#include "awaited.h"

#include "relay_server.h"
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint16_t server_port;

int awaited_server_start(void **state)
{
    (void)state;
    server_port = relay_server_start("u", "p");
    return 0;
}

int awaited_server_stop(void **state)
{
    (void)state;
    relay_server_stop();
    return 0;
}

void awaited_options_init(awaited_options *all)
{
    static const char *const forms[AWAITED_URLS] = {"stun:127.0.0.1:%u", "stun:localhost:%u",
                                                    "turn:127.0.0.1:%u",
                                                    "turn:127.0.0.1:%u?transport=tcp"};

    *all = (awaited_options){.server = FLOE_ICE_SERVER_INIT, .options = FLOE_GATHER_OPTIONS_INIT};
    for (size_t i = 0; i < AWAITED_URLS; i++) {
        (void)snprintf(all->texts[i], sizeof all->texts[i], forms[i], server_port);
        all->urls[i] = all->texts[i];
    }
    all->server.urls = all->urls;
    all->server.url_count = AWAITED_URLS;
    all->server.username = "u";
    all->server.credential = "p";
    all->options.ice_servers = &all->server;
    all->options.ice_server_count = 1;
}

void awaited_init(awaited *of)
{
    memset(of, 0, sizeof *of);
    (void)pthread_mutex_init(&of->lock, NULL);
    (void)pthread_cond_init(&of->changed, NULL);
}

void awaited_destroy(awaited *of)
{
    (void)pthread_mutex_destroy(&of->lock);
    (void)pthread_cond_destroy(&of->changed);
}

void awaited_candidate(void *data, const floe_candidate *candidate)
{
    awaited *of = data;

    (void)pthread_mutex_lock(&of->lock);
    if (candidate != NULL) {
        of->of_type[candidate->type]++;
    } else {
        of->ends++;
    }
    (void)pthread_cond_broadcast(&of->changed);
    (void)pthread_mutex_unlock(&of->lock);
}

void awaited_error(void *data, const floe_candidate_error *error)
{
    awaited *of = data;

    assert_true(*error->text != '\0' && error->code >= 300 && error->code <= 701);
    (void)pthread_mutex_lock(&of->lock);
    of->errors++;
    (void)pthread_mutex_unlock(&of->lock);
}

/* For so many ends and, if that is asked, until nothing is missing or an error has said so. */
static bool wait_for(awaited *of, unsigned ends, bool all)
{
    struct timespec limit;
    bool in_time = true;

    (void)clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 60;
    (void)pthread_mutex_lock(&of->lock);
    while ((of->ends < ends || (all && of->errors == 0 && !awaited_all(of))) && in_time) {
        in_time = pthread_cond_timedwait(&of->changed, &of->lock, &limit) == 0;
    }
    (void)pthread_mutex_unlock(&of->lock);
    return in_time;
}

bool awaited_end(awaited *of, unsigned ends)
{
    return wait_for(of, ends, false);
}

bool awaited_all_or_error(awaited *of)
{
    return wait_for(of, 1, true);
}

bool awaited_all(const awaited *of)
{
    return of->of_type[FLOE_CANDIDATE_TYPE_HOST] > 0 &&
           of->of_type[FLOE_CANDIDATE_TYPE_SRFLX] > 0 && of->of_type[FLOE_CANDIDATE_TYPE_RELAY] > 1;
}

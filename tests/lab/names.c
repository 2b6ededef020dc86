/* Gathers again and again, each time by names that were never asked for; says how many pieces of
 * memory there are after each.
 *
 *     lab-names ROUNDS NAMES DOMAIN */
#include "counted.h"

#include <floe/floe.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    *(bool *)user_data = candidate == NULL;
}

static void gather(uv_loop_t *loop, floe_api *api, unsigned round, unsigned count,
                   const char *domain)
{
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    const char **urls = calloc(count, sizeof *urls);
    char(*texts)[128] = calloc(count, sizeof *texts);
    floe_gatherer *gatherer;
    bool ended = false;

    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "stun:n%u-%u.%s", round, i, domain);
        urls[i] = texts[i];
    }
    server.urls = urls;
    server.url_count = count;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    if (floe_gatherer_new(api, &options, &gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "%s\n", floe_last_error());
        exit(1);
    }
    (void)floe_gatherer_on_local_candidate(gatherer, on_candidate, &ended);
    (void)floe_gatherer_gather(gatherer);
    while (!ended) {
        (void)uv_run(loop, UV_RUN_ONCE);
    }
    floe_gatherer_free(gatherer);
    for (int i = 0; i < 10; i++) {
        (void)uv_run(loop, UV_RUN_NOWAIT);
    }
    free(texts);
    free(urls);
}

int main(int count, char **words)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    uv_loop_t loop;
    floe_api *api;

    if (count != 4 || uv_loop_init(&loop) != 0) {
        return 2;
    }
    settings.loop = &loop;
    settings.allocator = &counted;
    if (floe_api_new(&settings, &api) != FLOE_OK) {
        (void)fprintf(stderr, "%s\n", floe_last_error());
        return 1;
    }
    unsigned rounds = (unsigned)strtoul(words[1], NULL, 10);
    for (unsigned round = 0; round < rounds; round++) {
        gather(&loop, api, round, (unsigned)strtoul(words[2], NULL, 10), words[3]);
        (void)printf("%zu\n", (size_t)live);
    }
    floe_api_free(api);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 && live == 0 ? 0 : 1;
}

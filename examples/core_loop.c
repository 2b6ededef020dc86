/* Gathers with only the core, poll(2) and no libuv. <floe/core.h> describes this loop.
 *
 *     core_loop URL [USERNAME CREDENTIAL]        the URL's host has to be an IP address
 *
 * cc core_loop.c $(pkg-config --cflags --libs floe libcrypto) */
#include "core_sockets.h"

/* Handles the core's outputs until there are none left. Returns true if gathering is complete. */
static bool do_outputs(floe_core *core)
{
    const floe_core_output *output;
    char text[FLOE_CANDIDATE_TEXT_SIZE];
    bool ended = false;

    while (floe_core_poll(core, now(), &output)) {
        if (do_output(core, output)) {
            continue;
        }
        if (output->kind == FLOE_CORE_CANDIDATE) {
            ended = ended || output->candidate == NULL;
            if (output->candidate != NULL &&
                floe_candidate_format(output->candidate, text, sizeof text) == FLOE_OK) {
                (void)puts(text);
            }
        } else if (output->kind == FLOE_CORE_CANDIDATE_ERROR) {
            (void)fprintf(stderr, "%s\n", output->error->text);
        }
    }
    return ended;
}

int main(int count, char **words)
{
    const char *urls[] = {count > 1 ? words[1] : "stun:192.0.2.1"};
    const floe_random random = {.fill = fill_random};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_core_shared *shared;
    floe_core *core;

    no_sockets();
    server.urls = urls;
    server.url_count = 1;
    server.username = count > 2 ? words[2] : NULL;
    server.credential = count > 3 ? words[3] : NULL;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    if (floe_core_shared_new(NULL, &random, &shared) != FLOE_OK ||
        floe_core_new(shared, &options, &core) != FLOE_OK) {
        (void)fprintf(stderr, "core_loop: %s\n", floe_last_error());
        return 2;
    }
    (void)floe_core_start(core, now());
    while (!do_outputs(core)) {
        wait_and_read(core, floe_core_deadline(core), NULL, NULL);
    }
    floe_core_close(core, now());
    (void)do_outputs(core);
    floe_core_free(core);
    floe_core_shared_free(shared);
    return 0;
}

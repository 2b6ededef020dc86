/* floe in a program that has its own epoll loop, without a thread for floe. The api runs on a libuv
 * loop that the program drives: one more descriptor and one more timeout.
 *
 *     epoll URL [USERNAME CREDENTIAL]
 *
 * cc epoll.c $(pkg-config --cflags --libs floe libuv) */
#include <errno.h>
#include <floe/floe.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

static bool done;

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    (void)user_data;
    done = candidate == NULL;
    if (candidate != NULL) {
        (void)floe_candidate_format(candidate, text, sizeof text);
        (void)puts(text);
    }
}

/* One iteration of the program's loop. Its own descriptors would be in the same epoll set. */
static void turn(int set, uv_loop_t *loop)
{
    struct epoll_event event;

    (void)uv_run(loop, UV_RUN_NOWAIT);
    if (uv_loop_alive(loop)) {
        /* libuv's backend descriptor becomes readable when libuv has something to do. */
        if (epoll_wait(set, &event, 1, uv_backend_timeout(loop)) < 0 && errno != EINTR) {
            perror("epoll_wait");
        }
    }
}

int main(int count, char **words)
{
    const char *urls[] = {count > 1 ? words[1] : "stun:stun.example.org"};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(EPOLL_CLOEXEC);
    floe_api *api;
    floe_gatherer *gatherer;
    uv_loop_t loop;

    server.urls = urls;
    server.url_count = 1;
    server.username = count > 2 ? words[2] : NULL;
    server.credential = count > 3 ? words[3] : NULL;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    settings.loop = &loop;
    if (set < 0 || uv_loop_init(&loop) != 0 ||
        epoll_ctl(set, EPOLL_CTL_ADD, uv_backend_fd(&loop), &event) != 0) {
        perror("epoll");
        return 1;
    }
    if (floe_api_new(&settings, &api) != FLOE_OK ||
        floe_gatherer_new(api, &options, &gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "epoll: %s\n", floe_last_error());
        return 1;
    }
    (void)floe_gatherer_on_local_candidate(gatherer, on_candidate, NULL);
    (void)floe_gatherer_gather(gatherer);
    while (!done) {
        turn(set, &loop);
    }
    floe_gatherer_free(gatherer);
    floe_api_free(api);
    while (uv_loop_alive(&loop)) {
        turn(set, &loop); /* until libuv has closed every handle */
    }
    (void)uv_loop_close(&loop);
    (void)close(set);
    return 0;
}

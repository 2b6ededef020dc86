/* floe in a program with GLib's main loop. A GSource drives the libuv loop that the api runs on, so
 * every callback runs on the main thread.
 *
 *     glib URL [USERNAME CREDENTIAL]
 *
 * cc glib.c $(pkg-config --cflags --libs floe libuv glib-2.0) */
#include <floe/floe.h>
#include <glib.h>
#include <stdio.h>
#include <uv.h>

typedef struct uv_source {
    GSource source;
    uv_loop_t *loop;
    gpointer tag; /* of libuv's descriptor */
} uv_source;

static gboolean prepare(GSource *source, gint *timeout)
{
    uv_loop_t *loop = ((uv_source *)source)->loop;

    uv_update_time(loop);
    *timeout = uv_backend_timeout(loop);
    return *timeout == 0;
}

static gboolean check(GSource *source)
{
    uv_loop_t *loop = ((uv_source *)source)->loop;

    uv_update_time(loop);
    return uv_backend_timeout(loop) == 0 ||
           g_source_query_unix_fd(source, ((uv_source *)source)->tag) != 0;
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    (void)callback;
    (void)data;
    (void)uv_run(((uv_source *)source)->loop, UV_RUN_NOWAIT);
    return G_SOURCE_CONTINUE;
}

static GSource *new_source(uv_loop_t *loop)
{
    static GSourceFuncs functions = {.prepare = prepare, .check = check, .dispatch = dispatch};
    GSource *source = g_source_new(&functions, sizeof(uv_source));

    ((uv_source *)source)->loop = loop;
    ((uv_source *)source)->tag = g_source_add_unix_fd(source, uv_backend_fd(loop), G_IO_IN);
    (void)g_source_attach(source, NULL);
    return source;
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    if (candidate == NULL) {
        g_main_loop_quit(user_data);
        return;
    }
    (void)floe_candidate_format(candidate, text, sizeof text);
    (void)puts(text);
}

int main(int count, char **words)
{
    const char *urls[] = {count > 1 ? words[1] : "stun:stun.example.org"};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    GMainLoop *main_loop = g_main_loop_new(NULL, FALSE);
    floe_api *api;
    floe_gatherer *gatherer;
    uv_loop_t loop;

    (void)uv_loop_init(&loop);
    GSource *source = new_source(&loop);
    settings.loop = &loop;
    server.urls = urls;
    server.url_count = 1;
    server.username = count > 2 ? words[2] : NULL;
    server.credential = count > 3 ? words[3] : NULL;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    if (floe_api_new(&settings, &api) != FLOE_OK ||
        floe_gatherer_new(api, &options, &gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "glib: %s\n", floe_last_error());
        return 1;
    }
    (void)floe_gatherer_on_local_candidate(gatherer, on_candidate, main_loop);
    (void)floe_gatherer_gather(gatherer);
    g_main_loop_run(main_loop);
    floe_api_free(api); /* also frees the gatherer */
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    g_source_destroy(source);
    g_source_unref(source);
    g_main_loop_unref(main_loop);
    return uv_loop_close(&loop) != 0;
}

/* Two people connect and talk, with nothing but a way to hand each other some lines of text.
 *
 *     chat [URL [USERNAME CREDENTIAL]]      stun:HOST, or turn:HOST with a username and a credential
 *
 * Each prints a few lines. Paste those of the other side, the empty line at their end too. Then each line that you type goes to
 * the other side. */
#include <floe/floe.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef struct chat {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool complete;
    bool over; /* connected or failed */
    bool connected;
} chat;

static void set(chat *c, bool *flag, bool value)
{
    (void)pthread_mutex_lock(&c->lock);
    *flag = value;
    (void)pthread_cond_signal(&c->changed);
    (void)pthread_mutex_unlock(&c->lock);
}

static void wait_for(chat *c, const bool *flag)
{
    (void)pthread_mutex_lock(&c->lock);
    while (!*flag) {
        (void)pthread_cond_wait(&c->changed, &c->lock);
    }
    (void)pthread_mutex_unlock(&c->lock);
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    chat *c = user_data;
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    if (candidate == NULL) {
        set(c, &c->complete, true);
    } else if (floe_candidate_format(candidate, text, sizeof text) == FLOE_OK) {
        (void)puts(text);
    }
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    (void)user_data;
    (void)fprintf(stderr, "%s: %s\n", error->url, error->text);
}

static void on_state(void *user_data, floe_ice_state state)
{
    chat *c = user_data;

    (void)fprintf(stderr, "(%s)\n", floe_ice_state_name(state));
    if (state == FLOE_ICE_STATE_CONNECTED || state == FLOE_ICE_STATE_FAILED) {
        c->connected = state == FLOE_ICE_STATE_CONNECTED;
        set(c, &c->over, true);
    }
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    (void)user_data;
    (void)printf("> %.*s\n", (int)packet->size, (const char *)packet->data);
    (void)fflush(stdout);
}

/* The lines of the other side: its parameters, and its candidates. */
static floe_error read_other_side(floe_transport *transport)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    char line[FLOE_CANDIDATE_TEXT_SIZE];

    while (fgets(line, sizeof line, stdin) != NULL && line[strspn(line, "\r")] != '\n') {
        floe_candidate *candidate = NULL;
        line[strcspn(line, "\r\n")] = '\0';
        if (sscanf(line, "parameters %256s %256s", remote.username_fragment, remote.password) ==
            2) {
            continue;
        }
        if (floe_candidate_parse(line, &candidate) != FLOE_OK ||
            floe_transport_add_remote_candidate(transport, candidate) != FLOE_OK) {
            (void)fprintf(stderr, "%s: %s\n", line, floe_last_error());
        }
        floe_candidate_free(candidate);
    }
    (void)floe_transport_add_remote_candidate(transport, NULL); /* no more will come */
    /* Who made the offer usually controls. Nobody did: they find out which of them does. */
    return floe_transport_start(transport, &remote, FLOE_ICE_ROLE_CONTROLLING);
}

int main(int argc, char **argv)
{
    chat c = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    const char *urls[] = {argc > 1 ? argv[1] : NULL};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_api *api = NULL;
    floe_gatherer *gatherer = NULL;
    floe_transport *transport = NULL;
    char line[1024];
    char why[FLOE_ICE_EXPLANATION_SIZE] = "";

    server.urls = urls;
    server.url_count = 1;
    server.username = argc > 3 ? argv[2] : NULL;
    server.credential = argc > 3 ? argv[3] : NULL;
    options.ice_servers = &server;
    options.ice_server_count = argc > 1;
    if (floe_api_new(NULL, &api) != FLOE_OK ||
        floe_gatherer_new(api, &options, &gatherer) != FLOE_OK ||
        floe_transport_new(gatherer, NULL, &transport) != FLOE_OK) {
        (void)fprintf(stderr, "chat: %s\n", floe_last_error());
        floe_api_free(api);
        return 1;
    }
    (void)floe_gatherer_on_local_candidate(gatherer, on_candidate, &c);
    (void)floe_gatherer_on_error(gatherer, on_error, &c);
    (void)floe_transport_on_state_change(transport, on_state, &c);
    (void)floe_transport_on_packet(transport, on_packet, &c);
    (void)floe_gatherer_get_local_parameters(gatherer, &parameters);
    (void)printf("parameters %s %s\n", parameters.username_fragment, parameters.password);
    (void)floe_gatherer_gather(gatherer);
    wait_for(&c, &c.complete);
    (void)puts(""); /* the end of what is to be pasted */
    (void)fflush(stdout);
    if (read_other_side(transport) != FLOE_OK) {
        (void)fprintf(stderr, "chat: %s\n", floe_last_error());
    } else {
        wait_for(&c, &c.over);
    }
    if (!c.connected && floe_transport_explain(transport, why, sizeof why) == FLOE_OK) {
        (void)fprintf(stderr, "chat: %s\n", why);
    }
    while (c.connected && fgets(line, sizeof line, stdin) != NULL) {
        (void)floe_transport_send(transport, line, strcspn(line, "\n"));
    }
    floe_transport_free(transport);
    floe_gatherer_free(gatherer);
    floe_api_free(api);
    return c.connected ? 0 : 1;
}

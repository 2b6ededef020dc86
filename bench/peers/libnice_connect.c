/* libnice beside bench/connect.c: the same by the same lines, for one pair of agents.
 *
 *     peer_libnice_connect listen|dial SOCKET */
#include "../clock.h"

#include <agent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct peer {
    GMainLoop *loop;
    NiceAgent *agent;
    FILE *other;
    guint stream;
    gboolean listens;
    gchar *ufrag;
    gchar *password;
    GSList *candidates;
    double started;
    double connected;
    double came;
    double cpu;
} peer;

static FILE *meet(gboolean listens, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (listens) {
        (void)unlink(path);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1) != 0) {
            exit(1);
        }
        fd = accept(fd, NULL, NULL);
    } else {
        for (int i = 0; connect(fd, (struct sockaddr *)&address, sizeof address) != 0; i++) {
            if (i == 1000) {
                exit(1);
            }
            (void)usleep(10000);
        }
    }
    return fdopen(fd, "r+");
}

static void say(peer *p)
{
    gchar *ufrag;
    gchar *password;

    nice_agent_get_local_credentials(p->agent, p->stream, &ufrag, &password);
    (void)fprintf(p->other, "P 0 %s %s\n", ufrag, password);
    for (GSList *c = nice_agent_get_local_candidates(p->agent, p->stream, 1); c != NULL;
         c = c->next) {
        (void)fprintf(p->other, "C 0 %s\n",
                      nice_agent_generate_local_candidate_sdp(p->agent, c->data) + strlen("a="));
    }
    (void)fputs("E 0\n", p->other);
    (void)fflush(p->other);
}

static void hear(peer *p)
{
    char line[2048];

    while (fgets(line, sizeof line, p->other) != NULL && line[0] != 'E') {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == 'P') {
            gchar **words = g_strsplit(line, " ", 4);
            p->ufrag = words[2];
            p->password = words[3];
        } else if (line[0] == 'C') {
            gchar *sdp = g_strconcat("a=", line + strlen("C 0 "), NULL);
            NiceCandidate *one = nice_agent_parse_remote_candidate_sdp(p->agent, p->stream, sdp);
            if (one != NULL) {
                p->candidates = g_slist_append(p->candidates, one);
            }
        }
    }
}

static void end_if_done(peer *p)
{
    char word[8];

    if (p->connected == 0 || p->came == 0) {
        return;
    }
    (void)printf("{\"side\":\"%s\",\"transports\":1,\"connected_ms\":%.1f,\"came_ms\":%.1f,\"cpu_"
                 "ms\":%.1f}\n",
                 p->listens ? "listen" : "dial", p->connected, p->came, cpu_ms() - p->cpu);
    (void)fflush(stdout);
    (void)fputs("bye\n", p->other);
    (void)fflush(p->other);
    if (fgets(word, sizeof word, p->other) != NULL) {
        exit(0);
    }
    exit(1);
}

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer data)
{
    peer *p = data;

    if (state == NICE_COMPONENT_STATE_CONNECTED || state == NICE_COMPONENT_STATE_READY) {
        if (p->connected == 0) {
            p->connected = now_ms() - p->started;
            (void)nice_agent_send(agent, stream, component, 5, "first");
        }
        end_if_done(p);
    }
}

static void on_packet(NiceAgent *agent, guint stream, guint component, guint size, gchar *bytes,
                      gpointer data)
{
    peer *p = data;

    (void)agent;
    (void)stream;
    (void)component;
    (void)size;
    (void)bytes;
    p->came = p->came == 0 ? now_ms() - p->started : p->came;
    end_if_done(p);
}

static void on_gathered(NiceAgent *agent, guint stream, gpointer data)
{
    peer *p = data;
    char word[8];

    if (p->listens) {
        say(p);
        hear(p);
        (void)fputs("go\n", p->other);
        (void)fflush(p->other);
    } else {
        hear(p);
        say(p);
        if (fgets(word, sizeof word, p->other) == NULL) {
            exit(1);
        }
    }
    p->cpu = cpu_ms();
    p->started = now_ms();
    nice_agent_set_remote_credentials(agent, stream, p->ufrag, p->password);
    nice_agent_set_remote_candidates(agent, stream, 1, p->candidates);
}

int main(int argc, char **argv)
{
    peer p = {0};

    if (argc < 3) {
        return 2;
    }
    p.listens = strcmp(argv[1], "listen") == 0;
    p.other = meet(p.listens, argv[2]);
    p.loop = g_main_loop_new(NULL, FALSE);
    p.agent =
        nice_agent_new_full(NULL, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_REGULAR_NOMINATION);
    g_object_set(p.agent, "controlling-mode", p.listens, "ice-tcp", FALSE, "upnp", FALSE, NULL);
    g_signal_connect(p.agent, "candidate-gathering-done", G_CALLBACK(on_gathered), &p);
    g_signal_connect(p.agent, "component-state-changed", G_CALLBACK(on_state), &p);
    p.stream = nice_agent_add_stream(p.agent, 1);
    nice_agent_set_stream_name(p.agent, p.stream, "application");
    nice_agent_attach_recv(p.agent, p.stream, 1, NULL, on_packet, &p);
    if (!nice_agent_gather_candidates(p.agent, p.stream)) {
        return 1;
    }
    g_main_loop_run(p.loop);
    return 0;
}

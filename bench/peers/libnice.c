/* libnice beside floe: N agents at once, each with a STUN and a TURN server.
 *
 *     peer_libnice N STUN TURN USERNAME PASSWORD */
#include <agent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static GMainLoop *loop;
static gint64 started;
static double first_srflx;
static double first_relay;
static unsigned missing;

static double since(void)
{
    return (double)(g_get_monotonic_time() - started) / 1000;
}

static void on_candidate(NiceAgent *agent, NiceCandidate *candidate, gpointer data)
{
    (void)agent;
    (void)data;
    if (candidate->type == NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE && first_srflx == 0) {
        first_srflx = since();
    }
    if (candidate->type == NICE_CANDIDATE_TYPE_RELAYED && first_relay == 0) {
        first_relay = since();
    }
}

static void on_done(NiceAgent *agent, guint stream, gpointer data)
{
    (void)agent;
    (void)stream;
    (void)data;
    if (--missing == 0) {
        g_main_loop_quit(loop);
    }
}

static void on_data(NiceAgent *agent, guint stream, guint component, guint size, gchar *bytes,
                    gpointer data)
{
    (void)agent, (void)stream, (void)component, (void)size, (void)bytes, (void)data;
}

int main(int count, char **words)
{
    if (count < 6) {
        return 2;
    }
    missing = (unsigned)atoi(words[1]);
    unsigned n = missing;
    struct rusage usage;
    loop = g_main_loop_new(NULL, FALSE);
    started = g_get_monotonic_time();
    for (unsigned i = 0; i < n; i++) {
        NiceAgent *agent =
            nice_agent_new(g_main_loop_get_context(loop), NICE_COMPATIBILITY_RFC5245);
        g_object_set(agent, "upnp", FALSE, "ice-tcp", FALSE, NULL);
        if (strcmp(words[2], "-") != 0) {
            g_object_set(agent, "stun-server", words[2], "stun-server-port", 3478, NULL);
        }
        g_signal_connect(agent, "new-candidate-full", G_CALLBACK(on_candidate), NULL);
        g_signal_connect(agent, "candidate-gathering-done", G_CALLBACK(on_done), NULL);
        guint stream = nice_agent_add_stream(agent, 1);
        if (strcmp(words[3], "-") != 0) {
            nice_agent_set_relay_info(agent, stream, 1, words[3], 3478, words[4], words[5],
                                      NICE_RELAY_TYPE_TURN_UDP);
        }
        nice_agent_attach_recv(agent, stream, 1, g_main_loop_get_context(loop), on_data, NULL);
        nice_agent_gather_candidates(agent, stream);
    }
    g_main_loop_run(loop);
    double ms = since();
    (void)getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
    printf("{\"first_srflx\":%.1f,\"first_relay\":%.1f,\"ms\":%.1f,\"cpu_ms\":%.1f,"
           "\"peak_rss_kb\":%ld}\n",
           first_srflx, first_relay, ms, cpu, usage.ru_maxrss);
    return 0;
}

/* libnice beside floe: packets through one relay over UDP. libnice sends on pairs that its checks
 * have chosen, so there is another agent, on a thread of its own; what is counted is the sending
 * thread.
 *
 *     peer_libnice_data SERVER STUN-SERVER USERNAME PASSWORD PACKETS */
#define _GNU_SOURCE
#include "../clock.h"

#include <agent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENDER, RECEIVER };

static NiceAgent *agents[2];
static guint streams[2];
static volatile int gathered;
static volatile int ready[2];

static void on_done(NiceAgent *agent, guint stream, gpointer data)
{
    (void)agent, (void)stream, (void)data;
    g_atomic_int_inc(&gathered);
}

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer data)
{
    (void)agent, (void)stream, (void)component;
    if (state == NICE_COMPONENT_STATE_READY) {
        g_atomic_int_set(&ready[GPOINTER_TO_INT(data)], 1);
    }
}

static void on_data(NiceAgent *agent, guint stream, guint component, guint size, gchar *bytes,
                    gpointer data)
{
    (void)agent, (void)stream, (void)component, (void)size, (void)bytes, (void)data;
}

static gpointer run_loop(gpointer context)
{
    g_main_context_push_thread_default(context);
    g_main_loop_run(g_main_loop_new(context, FALSE));
    return NULL;
}

static void begin(int which, char **words)
{
    GMainContext *context = g_main_context_new();
    NiceAgent *agent = nice_agent_new(context, NICE_COMPATIBILITY_RFC5245);

    agents[which] = agent;
    g_object_set(agent, "upnp", FALSE, "ice-tcp", FALSE, "controlling-mode", which == SENDER, NULL);
    g_signal_connect(agent, "candidate-gathering-done", G_CALLBACK(on_done), NULL);
    g_signal_connect(agent, "component-state-changed", G_CALLBACK(on_state),
                     GINT_TO_POINTER(which));
    streams[which] = nice_agent_add_stream(agent, 1);
    if (which == SENDER) {
        g_object_set(agent, "force-relay", TRUE, NULL);
        nice_agent_set_relay_info(agent, streams[which], 1, words[1], 3478, words[3], words[4],
                                  NICE_RELAY_TYPE_TURN_UDP);
    } else {
        g_object_set(agent, "stun-server", words[2], "stun-server-port", 3478, NULL);
    }
    nice_agent_attach_recv(agent, streams[which], 1, context, on_data, NULL);
    (void)g_thread_new("loop", run_loop, context);
    nice_agent_gather_candidates(agent, streams[which]);
}

static void introduce(int to, int from)
{
    gchar *ufrag;
    gchar *password;
    GSList *candidates = nice_agent_get_local_candidates(agents[from], streams[from], 1);

    nice_agent_get_local_credentials(agents[from], streams[from], &ufrag, &password);
    nice_agent_set_remote_credentials(agents[to], streams[to], ufrag, password);
    nice_agent_set_remote_candidates(agents[to], streams[to], 1, candidates);
}

int main(int count, char **words)
{
    static gchar payload[1200];

    if (count < 6) {
        return 2;
    }
    long packets = atol(words[5]);
    begin(SENDER, words);
    begin(RECEIVER, words);
    while (g_atomic_int_get(&gathered) < 2) {
        g_usleep(10000);
    }
    introduce(SENDER, RECEIVER);
    introduce(RECEIVER, SENDER);
    for (int i = 0; i < 1000 && !g_atomic_int_get(&ready[SENDER]); i++) {
        g_usleep(10000);
    }
    g_usleep(1000000);
    double cpu = cpu_us();
    gint64 began = g_get_monotonic_time();
    for (long sent = 0; sent < packets;) {
        sent += nice_agent_send(agents[SENDER], streams[SENDER], 1, sizeof payload, payload) > 0;
    }
    printf("{\"packets\":%ld,\"ms\":%.1f,\"cpu_us\":%.3f}\n", packets,
           (double)(g_get_monotonic_time() - began) / 1000, (cpu_us() - cpu) / (double)packets);
    return 0;
}

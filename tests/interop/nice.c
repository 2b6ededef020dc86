/* libnice as a peer of `floe connect --json`: see lines.h, and ARCHITECTURE.md about this folder.
 *
 * With trickled candidates it nominates as RFC 8445 does; without, aggressively (RFC 5245 §8.1.1.2), so that both are
 * met with. */
#include "lines.h"

#include <agent.h>
#include <interfaces.h>
#include <stdio.h>
#include <string.h>

static interop_options options;
static GMainLoop *loop;
static NiceAgent *agent;
static guint stream;
static char peer[300]; /* its username fragment */

static void on_candidate(NiceAgent *from, NiceCandidate *candidate, gpointer data)
{
    gchar *text = nice_agent_generate_local_candidate_sdp(from, candidate);

    (void)data;
    interop_say_candidate(text);
    g_free(text);
}

static void on_gathered(NiceAgent *from, guint of, gpointer data)
{
    (void)from, (void)of, (void)data;
    interop_say_end();
}

static void on_state(NiceAgent *from, guint of, guint component, guint state, gpointer data)
{
    static const char *const names[] = {NULL, NULL, "checking", "connected", "completed", "failed"};

    (void)from, (void)of, (void)component, (void)data;
    if (state < sizeof names / sizeof *names && names[state] != NULL) {
        interop_say_state(names[state]);
    }
}

static void on_pair(NiceAgent *from, guint of, guint component, NiceCandidate *local,
                    NiceCandidate *remote, gpointer data)
{
    gchar *ours = nice_agent_generate_local_candidate_sdp(from, local);
    gchar *theirs = nice_agent_generate_local_candidate_sdp(from, remote);

    (void)of, (void)component, (void)data;
    interop_say_pair(ours, theirs);
    g_free(ours);
    g_free(theirs);
}

static void send_packet(const uint8_t *bytes, size_t size)
{
    (void)nice_agent_send(agent, stream, 1, (guint)size, (const gchar *)bytes);
}

static void on_packet(NiceAgent *from, guint of, guint component, guint size, gchar *bytes,
                      gpointer data)
{
    (void)from, (void)of, (void)component, (void)data;
    interop_say_packet((const uint8_t *)bytes, size);
    if (options.echo) {
        send_packet((const uint8_t *)bytes, size);
    }
}

static void say_parameters(void)
{
    gchar *username_fragment = NULL, *password = NULL;

    (void)nice_agent_get_local_credentials(agent, stream, &username_fragment, &password);
    interop_say_parameters(username_fragment, password, options.lite);
    g_free(username_fragment);
    g_free(password);
}

/* The candidates stay what they are, and are told once more. */
static void restart(void)
{
    (void)nice_agent_restart(agent);
    say_parameters();
    GSList *all = nice_agent_get_local_candidates(agent, stream, 1);
    for (GSList *at = all; at != NULL; at = at->next) {
        on_candidate(agent, at->data, NULL);
    }
    interop_say_end();
    g_slist_free_full(all, (GDestroyNotify)nice_candidate_free);
}

static bool restarted_by_us;

static void hear_restart(void)
{
    restarted_by_us = true;
    restart();
}

static void hear_parameters(const char *username_fragment, const char *password)
{
    if (peer[0] != 0 && strcmp(peer, username_fragment) != 0 && !restarted_by_us) {
        restart();
    }
    restarted_by_us = false;
    (void)snprintf(peer, sizeof peer, "%s", username_fragment);
    (void)nice_agent_set_remote_credentials(agent, stream, username_fragment, password);
}

static void hear_candidate(const char *text)
{
    gchar *line = g_strconcat("a=", text, NULL);
    NiceCandidate *candidate = nice_agent_parse_remote_candidate_sdp(agent, stream, line);

    if (candidate == NULL) {
        (void)fprintf(stderr, "nice: not understood: %s\n", line);
    } else {
        GSList *list = g_slist_append(NULL, candidate);
        (void)nice_agent_set_remote_candidates(agent, stream, 1, list);
        g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
    }
    g_free(line);
}

static void hear_end(void)
{
    if (options.trickle) {
        (void)nice_agent_peer_candidate_gathering_done(agent, stream);
    }
}

static gboolean on_line(GIOChannel *channel, GIOCondition condition, gpointer data)
{
    static const interop_ears ears = {hear_parameters, hear_candidate, hear_end, send_packet,
                                      hear_restart};

    (void)channel, (void)condition, (void)data;
    if (!interop_hear(&ears)) {
        g_main_loop_quit(loop);
        return FALSE;
    }
    return TRUE;
}

/* Of the families alone that were asked for. */
static void add_addresses(void)
{
    GList *all = nice_interfaces_get_local_ips(FALSE);

    for (GList *at = all; at != NULL; at = at->next) {
        NiceAddress address;
        nice_address_init(&address);
        if (!g_str_has_prefix(at->data, "fe80:") &&
            nice_address_set_from_string(&address, at->data) &&
            (nice_address_ip_version(&address) == 6 ? options.udp6 || options.tcp6
                                                    : options.udp4 || options.tcp4)) {
            (void)nice_agent_add_local_address(agent, &address);
        }
    }
    g_list_free_full(all, g_free);
}

static void add_servers(void)
{
    for (size_t i = 0; i < options.server_count; i++) {
        const interop_server *server = &options.servers[i];
        if (server->turn) {
            (void)nice_agent_set_relay_info(agent, stream, 1, server->host, server->port,
                                            options.username, options.credential,
                                            NICE_RELAY_TYPE_TURN_UDP);
        }
        if (strchr(server->host, ':') == NULL) { /* one server for Binding, and by IPv4 alone */
            g_object_set(agent, "stun-server", server->host, "stun-server-port", server->port,
                         NULL);
        }
    }
}

int main(int count, char **words)
{
    if (!interop_read_options(count, words, &options)) {
        return 2;
    }
    loop = g_main_loop_new(NULL, FALSE);
    NiceAgentOption flags = NICE_AGENT_OPTION_CONSENT_FRESHNESS;
    if (options.trickle) {
        flags |= NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_REGULAR_NOMINATION;
    }
    if (options.lite) {
        flags |= NICE_AGENT_OPTION_LITE_MODE;
    }
    agent = nice_agent_new_full(g_main_loop_get_context(loop), NICE_COMPATIBILITY_RFC5245, flags);
    g_object_set(agent, "controlling-mode", options.controlling, "upnp", FALSE, "ice-udp",
                 options.udp4 || options.udp6, "ice-tcp", options.tcp4 || options.tcp6,
                 "force-relay", options.relay, NULL);
    g_signal_connect(agent, "new-candidate-full", G_CALLBACK(on_candidate), NULL);
    g_signal_connect(agent, "candidate-gathering-done", G_CALLBACK(on_gathered), NULL);
    g_signal_connect(agent, "component-state-changed", G_CALLBACK(on_state), NULL);
    g_signal_connect(agent, "new-selected-pair-full", G_CALLBACK(on_pair), NULL);
    stream = nice_agent_add_stream(agent, 1);
    add_addresses();
    add_servers();
    (void)nice_agent_attach_recv(agent, stream, 1, g_main_loop_get_context(loop), on_packet, NULL);
    say_parameters();
    (void)nice_agent_gather_candidates(agent, stream);
    GIOChannel *input = g_io_channel_unix_new(0);
    (void)g_io_add_watch(input, G_IO_IN | G_IO_HUP, on_line, NULL);
    g_main_loop_run(loop);
    g_object_unref(agent);
    return 0;
}

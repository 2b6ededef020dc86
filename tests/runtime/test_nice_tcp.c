/* Candidates for TCP with another ICE: libnice connects to our passive one and checks it, and we connect to libnice's;
 * then each sends the other a packet. */
#include "support.h"

#include "base/memory.h"
#include "stun/key.h"
#include "stun/writer.h"

#include <floe/floe.h>
#include <nice/agent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct both {
    floe_api *api;
    floe_gatherer *gatherer;
    char text[4][FLOE_CANDIDATE_TEXT_SIZE]; /* of our candidates, by tcp_type */
    uint32_t ids[4];
    atomic_bool complete;
    floe_parameters ours;
    GMainContext *context;
    NiceAgent *agent;
    guint stream;
    char *ufrag; /* libnice's */
    char *password;
    bool gathered;
    bool controlling;    /* we are */
    atomic_uint checks;  /* of libnice's, which are good */
    atomic_uint answers; /* to ours */
    atomic_uint got;     /* packets of data, here */
    bool nice_got;       /* and there */
    char data[32];
    uint32_t by; /* the candidate of ours that is in use */
    floe_address peer;
} both;

/* ── We ── */

static void send_check(both *b)
{
    uint8_t bytes[512];
    char name[600];
    static uint8_t number;
    const floe_stun_id id = {{7, ++number}};
    floe_stun_key *key = NULL;

    assert_int_equal(
        floe_stun_key_short_term(&floe_default_allocator, floe_span_text(b->password), &key),
        FLOE_OK);
    (void)snprintf(name, sizeof name, "%s:%s", b->ufrag, b->ours.username_fragment);
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_REQUEST, FLOE_STUN_BINDING, &id);
    floe_stun_put(&writer, FLOE_STUN_USERNAME, floe_span_text(name));
    floe_stun_put_u32(&writer, FLOE_STUN_PRIORITY, 1862270975);
    floe_stun_put_u64(&writer,
                      b->controlling ? FLOE_STUN_ICE_CONTROLLING : FLOE_STUN_ICE_CONTROLLED, 42);
    if (b->controlling) {
        floe_stun_put(&writer, FLOE_STUN_USE_CANDIDATE, (floe_span){0});
    }
    floe_stun_put_integrity(&writer, key->sha1);
    floe_stun_put_fingerprint(&writer);
    floe_stun_key_release(key);
    floe_span check = floe_stun_written(&writer);
    assert_int_equal(floe_gatherer_send(b->gatherer, b->by, &b->peer, check.data, check.size),
                     FLOE_OK);
}

static void on_packet(void *data, const floe_packet *packet)
{
    both *b = data;

    b->by = packet->candidate_id;
    b->peer = packet->peer;
    if (packet->check != NULL) {
        assert_true(packet->check->authenticated);
        assert_int_equal(floe_gatherer_answer_check(b->gatherer, packet, 0), FLOE_OK);
        if (atomic_fetch_add(&b->checks, 1) < 5) {
            send_check(b);
        }
    } else if (packet->kind == FLOE_PACKET_STUN) {
        atomic_fetch_add(&b->answers, 1);
    } else {
        assert_true(packet->size < sizeof b->data);
        memcpy(b->data, packet->data, packet->size);
        atomic_fetch_add(&b->got, 1);
    }
}

static void on_candidate(void *data, const floe_candidate *candidate)
{
    both *b = data;

    if (candidate == NULL) {
        atomic_store(&b->complete, true);
    } else if (strcmp(candidate->address, "127.0.0.1") == 0) {
        b->ids[candidate->tcp_type] = candidate->id;
        (void)floe_candidate_format(candidate, b->text[candidate->tcp_type],
                                    sizeof b->text[candidate->tcp_type]);
    }
}

/* ── libnice ── */

static void on_gathered(NiceAgent *agent, guint stream, gpointer data)
{
    (void)agent;
    (void)stream;
    ((both *)data)->gathered = true;
}

static void on_received(NiceAgent *agent, guint stream, guint component, guint size, gchar *bytes,
                        gpointer data)
{
    (void)agent;
    (void)stream;
    (void)component;
    ((both *)data)->nice_got = size == 4 && memcmp(bytes, "ours", 4) == 0;
}

static bool is_ready(both *b)
{
    NiceComponentState state = nice_agent_get_component_state(b->agent, b->stream, 1);

    return state == NICE_COMPONENT_STATE_CONNECTED || state == NICE_COMPONENT_STATE_READY;
}

#define TURN_UNTIL(b, what)                                                                        \
    for (gint64 began = g_get_monotonic_time(); !(what);) {                                        \
        (void)g_main_context_iteration((b)->context, FALSE);                                       \
        (void)usleep(500);                                                                         \
        if (g_get_monotonic_time() - began > 60000000) {                                           \
            fail_msg("waited in vain for " #what);                                                 \
        }                                                                                          \
    }

static void make(both *b, bool controlling)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    NiceAddress local;

    memset(b, 0, sizeof *b);
    b->controlling = controlling;
    settings.loopback = true;
    settings.network_types = FLOE_NETWORK_TYPE_TCP4;
    assert_int_equal(floe_api_new(&settings, &b->api), FLOE_OK);
    assert_int_equal(floe_gatherer_new(b->api, NULL, &b->gatherer), FLOE_OK);
    b->ours = parameters;
    assert_int_equal(floe_gatherer_get_local_parameters(b->gatherer, &b->ours), FLOE_OK);
    b->context = g_main_context_new();
    b->agent = nice_agent_new(b->context, NICE_COMPATIBILITY_RFC5245);
    g_object_set(b->agent, "controlling-mode", !controlling, "ice-udp", FALSE, "ice-tcp", TRUE,
                 "upnp", FALSE, NULL);
    b->stream = nice_agent_add_stream(b->agent, 1);
    nice_address_init(&local);
    assert_true(nice_address_set_from_string(&local, "127.0.0.1"));
    assert_true(nice_agent_add_local_address(b->agent, &local));
    g_signal_connect(b->agent, "candidate-gathering-done", G_CALLBACK(on_gathered), b);
    assert_true(nice_agent_attach_recv(b->agent, b->stream, 1, b->context, on_received, b));
    assert_true(nice_agent_gather_candidates(b->agent, b->stream));
    assert_true(nice_agent_get_local_credentials(b->agent, b->stream, &b->ufrag, &b->password));
    (void)floe_gatherer_on_local_candidate(b->gatherer, on_candidate, b);
    (void)floe_gatherer_on_packet(b->gatherer, on_packet, b);
    assert_int_equal(floe_gatherer_gather(b->gatherer), FLOE_OK);
    TURN_UNTIL(b, b->gathered && atomic_load(&b->complete));
    assert_true(nice_agent_set_remote_credentials(b->agent, b->stream, b->ours.username_fragment,
                                                  b->ours.password));
}

static void unmake(both *b)
{
    floe_api_free(b->api);
    g_object_unref(b->agent);
    g_main_context_unref(b->context);
    g_free(b->ufrag);
    g_free(b->password);
}

/* libnice is told of our candidate of this type. */
static void tell_nice(both *b, floe_tcp_type tcp_type)
{
    char line[FLOE_CANDIDATE_TEXT_SIZE + 4];

    (void)snprintf(line, sizeof line, "a=%s", b->text[tcp_type]);
    NiceCandidate *candidate = nice_agent_parse_remote_candidate_sdp(b->agent, b->stream, line);
    assert_non_null(candidate);
    GSList *list = g_slist_append(NULL, candidate);
    assert_int_equal(nice_agent_set_remote_candidates(b->agent, b->stream, 1, list), 1);
    g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
}

static void exchange(both *b)
{
    TURN_UNTIL(b, is_ready(b));
    TURN_UNTIL(b, atomic_load(&b->checks) > 0 && atomic_load(&b->answers) > 0);
    assert_int_equal(nice_agent_send(b->agent, b->stream, 1, 6, "theirs"), 6);
    TURN_UNTIL(b, atomic_load(&b->got) > 0);
    assert_string_equal(b->data, "theirs");
    assert_int_equal(floe_gatherer_send(b->gatherer, b->by, &b->peer, "ours", 4), FLOE_OK);
    TURN_UNTIL(b, b->nice_got);
}

static void h1_libnice_connects_to_us(void **state)
{
    static both b;

    (void)state;
    make(&b, false);
    tell_nice(&b, FLOE_TCP_TYPE_PASSIVE);
    exchange(&b);
    assert_int_equal(b.by, b.ids[FLOE_TCP_TYPE_PASSIVE]);
    unmake(&b);
}

static void h1_we_connect_to_libnice(void **state)
{
    static both b;
    floe_candidate *theirs = NULL;

    (void)state;
    make(&b, true);
    tell_nice(&b, FLOE_TCP_TYPE_ACTIVE);
    GSList *list = nice_agent_get_local_candidates(b.agent, b.stream, 1);
    for (GSList *at = list; at != NULL; at = at->next) {
        NiceCandidate *one = at->data;
        if (one->transport == NICE_CANDIDATE_TRANSPORT_TCP_PASSIVE) {
            gchar *line = nice_agent_generate_local_candidate_sdp(b.agent, one);
            floe_candidate_free(theirs);
            assert_int_equal(floe_candidate_parse(line, &theirs), FLOE_OK);
            g_free(line);
        }
    }
    g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
    assert_non_null(theirs);
    assert_int_equal(theirs->tcp_type, FLOE_TCP_TYPE_PASSIVE);
    b.by = b.ids[FLOE_TCP_TYPE_ACTIVE];
    assert_int_equal(floe_candidate_address(theirs, &b.peer), FLOE_OK);
    floe_candidate_free(theirs);
    send_check(&b);
    exchange(&b);
    assert_int_equal(b.by, b.ids[FLOE_TCP_TYPE_ACTIVE]);
    unmake(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h1_libnice_connects_to_us),
        cmocka_unit_test(h1_we_connect_to_libnice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

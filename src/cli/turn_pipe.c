/* `floe turn pipe`: standard input to a peer and back, through a relay. */
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/screen.h"
#include "cli/turn.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <uv.h>

#define CHUNK 1200
/* Behind the end of the input what was read goes out: how often it is looked at, and how long none
 * of it may go. */
#define LOOK_MS 50
#define STALLED_MS 10000
/* And behind that: how long the first answer may take, and how long the next. */
#define FIRST_ANSWER_MS 10000
#define NEXT_ANSWER_MS 1000

/* What the peer has sent and nobody has read yet. */
#define UNREAD_MAX (16U << 20)
#define UNREAD_PATIENCE_NS UINT64_C(10000000000)

enum { EXIT_WELL = 0, EXIT_NO_RELAY = 1, EXIT_WRONG_USAGE = 2 };

typedef struct turn_piper {
    const gather_command *command;
    uv_loop_t loop;
    uv_timer_t linger;
    interrupt interrupted;
    input in;
    const char *chunk;
    size_t chunk_size;  /* that waits to be sent */
    bool sent;          /* the input has ended, and all of it has gone */
    size_t waiting;     /* the least that waited since the end of the input */
    uint64_t shrunk_at; /* when it became that, by the loop's clock */
    bool answered;
    bool unreached;          /* and that has been told */
    unsigned long long lost; /* of the peer's packets */
    bool failed;             /* a server has, which has been told */
    bool closing;
    bool closed; /* and the relay is released */
    floe_api *api;
    floe_gatherer *gatherer;
    floe_address peer;
    uint32_t relay_id; /* 0: none yet */
    bool shown;        /* the address at which the peer reaches us */
    int status;
    unsigned families; /* that are gathered on, as far as candidates show it */
} turn_piper;

static void finish(turn_piper *piper, int status)
{
    piper->status = piper->closing ? piper->status : status;
    piper->closing = true;
    (void)uv_timer_stop(&piper->linger);
    (void)floe_gatherer_close(piper->gatherer);
}

static void on_linger(uv_timer_t *timer)
{
    finish(timer->data, EXIT_WELL);
}

static void linger(turn_piper *piper)
{
    (void)uv_timer_start(&piper->linger, on_linger,
                         piper->answered ? NEXT_ANSWER_MS : FIRST_ANSWER_MS, 0);
}

/* How much of the input is not with the relay's server yet. */
static size_t still_waiting(turn_piper *piper)
{
    floe_gatherer_statistics *statistics = NULL;
    size_t waiting = 0;

    if (floe_gatherer_get_statistics(piper->gatherer, &statistics) == FLOE_OK) {
        waiting = statistics->waiting;
    }
    floe_gatherer_statistics_free(statistics);
    return waiting;
}

static void on_look(uv_timer_t *timer)
{
    turn_piper *piper = timer->data;
    size_t waiting = still_waiting(piper);
    uint64_t now = uv_now(&piper->loop);

    if (waiting < piper->waiting) {
        piper->waiting = waiting;
        piper->shrunk_at = now;
    }
    if (waiting == 0) {
        piper->sent = true;
        if (piper->unreached && !piper->answered) {
            finish(piper, EXIT_NO_RELAY); /* nothing got there, and nothing will come back */
        } else {
            linger(piper);
        }
    } else if (now - piper->shrunk_at >= STALLED_MS) {
        screen_tell("floe: turn pipe: the peer or the relay takes no more: for %d seconds nothing "
                    "has gone of what waits",
                    STALLED_MS / 1000);
        finish(piper, EXIT_NO_RELAY);
    }
}

/* Whether it went. If the queue is full, it goes once that is not. */
static bool send_chunk(turn_piper *piper)
{
    floe_error error = floe_gatherer_send(piper->gatherer, piper->relay_id, &piper->peer,
                                          piper->chunk, piper->chunk_size);

    if (error == FLOE_OK) {
        piper->chunk_size = 0;
    } else if (error != FLOE_ERR_QUEUE_FULL) {
        screen_tell("floe: turn pipe: %s", option_words(floe_last_error()));
        finish(piper, EXIT_NO_RELAY);
    }
    return error == FLOE_OK;
}

static void end_input(turn_piper *piper)
{
    if (piper->in.error != 0) {
        screen_tell("floe: turn pipe: standard input: %s", uv_strerror(piper->in.error));
        finish(piper, EXIT_NO_RELAY);
        return;
    }
    piper->waiting = SIZE_MAX;
    (void)uv_timer_start(&piper->linger, on_look, 0, LOOK_MS);
}

/* What was read goes, and more is read. */
static void pump(void *data)
{
    turn_piper *piper = data;

    while (!piper->closing && piper->chunk_size == 0) {
        piper->chunk_size = input_bytes(&piper->in, &piper->chunk, CHUNK);
        if (piper->chunk_size == 0) {
            break;
        }
        (void)send_chunk(piper);
    }
    if (piper->closing || piper->chunk_size > 0) {
        return;
    }
    if (input_is_over(&piper->in)) {
        end_input(piper);
    } else {
        input_read(&piper->in);
    }
}

static void on_writable(void *user_data, uint32_t candidate_id)
{
    turn_piper *piper = user_data;

    (void)candidate_id;
    if (piper->chunk_size > 0 && !piper->closing && send_chunk(piper)) {
        pump(piper);
    }
}

/* A peer that has connected comes from whatever port. */
static bool is_peer(const turn_piper *piper, const floe_address *address)
{
    return address->family == piper->peer.family &&
           (address->port == piper->peer.port || piper->command->tcp) &&
           memcmp(address->ip, piper->peer.ip, sizeof address->ip) == 0;
}

/* Whoever reads standard output does not keep up. A datagram may be lost on any way; of a stream no
 * more can be made. */
static void lose(turn_piper *piper)
{
    if (piper->command->tcp && !piper->closing) {
        screen_tell("floe: turn pipe: standard output: nobody reads what the peer has sent");
        finish(piper, EXIT_NO_RELAY);
    }
    piper->lost++;
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    turn_piper *piper = user_data;

    if (is_peer(piper, &packet->peer)) {
        /* A peer by TCP waits with us: the loop stands still, no longer than a relay does without. */
        if (!output_has_room(standard_output, UNREAD_MAX,
                             piper->command->tcp ? UNREAD_PATIENCE_NS : 0)) {
            lose(piper);
            return;
        }
        output_write(standard_output, packet->data, packet->size);
        piper->answered = true;
        if (piper->sent) {
            linger(piper);
        }
    }
}

/* Whose fault it is: a port that nothing listens on is the peer's (floe_gatherer_on_unreachable); of the rest the
 * reason alone does not say on which side of the relay's server it is. */
static const char *unreachable_text(floe_unreachable reason, bool tcp)
{
    switch (reason) {
    case FLOE_UNREACHABLE_PORT:
        return "nothing listens on that port of the peer";
    case FLOE_UNREACHABLE_PROHIBITED:
        return "the relay's server refuses this peer, or a firewall on the way does";
    case FLOE_UNREACHABLE_NETWORK:
        return "there is no route to the relay's server, or from there to the peer";
    case FLOE_UNREACHABLE_NOT_SENT:
        return "this machine does not send the packets: does a local firewall forbid it?";
    case FLOE_UNREACHABLE_NOT_WATCHED:
        return "the system has no room to watch the socket, so nothing is sent";
    default:
        return tcp ? "the relay's server can't connect to the peer"
                   : "the relay's server can't be reached (is it running?), or can't reach the "
                     "peer";
    }
}

static void on_unreachable(void *user_data, uint32_t candidate_id, const floe_address *peer,
                           floe_unreachable reason)
{
    turn_piper *piper = user_data;
    bool of_packet = reason == FLOE_UNREACHABLE_TOO_BIG || reason == FLOE_UNREACHABLE_EXPIRED;

    (void)candidate_id;
    if (piper->unreached || of_packet || !is_peer(piper, peer)) {
        return;
    }
    piper->unreached = true;
    screen_tell("floe: turn pipe: %s", unreachable_text(reason, piper->command->tcp));
    if (piper->sent && !piper->answered) {
        finish(piper, EXIT_NO_RELAY);
    }
}

/* At a relay for TCP a peer may connect once it is let in, which a packet to it does. */
static void show_relay(turn_piper *piper, const floe_candidate *candidate)
{
    char text[FLOE_ADDRESS_TEXT_SIZE] = "";
    floe_address address;

    piper->shown = true;
    if (floe_candidate_address(candidate, &address) == FLOE_OK) {
        (void)floe_address_format_with_port(&address, text, sizeof text);
    }
    screen_tell("floe: relay %s", text);
    if (candidate->tcp_type == FLOE_TCP_TYPE_PASSIVE) {
        (void)floe_gatherer_send(piper->gatherer, candidate->id, &piper->peer, "", 0);
    }
}

/* Of the family that a server has no address of it was not asked at all. */
static void tell_no_relay(turn_piper *piper)
{
    floe_gatherer_statistics *all = NULL;
    bool asked = piper->failed;

    if (floe_gatherer_get_statistics(piper->gatherer, &all) == FLOE_OK) {
        asked = asked || all->server_count > 0;
    }
    floe_gatherer_statistics_free(all);
    if (asked) {
        screen_tell("floe: turn pipe: no server gave %s relay%s, which this peer needs",
                    piper->peer.family == FLOE_FAMILY_IPV4 ? "an IPv4" : "an IPv6",
                    piper->command->tcp ? " for TCP" : "");
        return;
    }
    char text[128];
    report_not_asked_text(piper->command, piper->families, text, sizeof text);
    for (size_t i = 0; i < piper->command->url_count; i++) {
        screen_tell("floe: turn pipe: %s: %s", piper->command->urls[i], text);
    }
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    turn_piper *piper = user_data;

    if (candidate == NULL) {
        if (piper->relay_id == 0) {
            tell_no_relay(piper);
            finish(piper, EXIT_NO_RELAY);
        }
        return;
    }
    piper->families |= report_family(candidate);
    if (candidate->family != (floe_family)piper->peer.family ||
        (candidate->protocol == FLOE_PROTOCOL_TCP) != piper->command->tcp) {
        return;
    }
    if (candidate->tcp_type != FLOE_TCP_TYPE_ACTIVE && !piper->shown) {
        show_relay(piper, candidate);
    }
    if (candidate->tcp_type != FLOE_TCP_TYPE_PASSIVE && piper->relay_id == 0) {
        piper->relay_id = candidate->id;
        pump(piper);
    }
}

static void on_withdrawn(void *user_data, const floe_candidate *candidate)
{
    turn_piper *piper = user_data;

    if (candidate->id == piper->relay_id) {
        screen_tell("floe: turn pipe: the relay was lost");
        finish(piper, EXIT_NO_RELAY);
    }
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    turn_piper *piper = user_data;

    piper->failed = true;
    screen_tell("floe: turn pipe: %s: %s", error->url != NULL ? error->url : "",
                option_words(error->text));
}

static void on_interrupt(void *data)
{
    finish(data, EXIT_INTERRUPTED);
}

static void on_state(void *user_data, enum floe_gatherer_state state)
{
    turn_piper *piper = user_data;

    piper->closed = state == FLOE_GATHERER_STATE_CLOSED;
}

static floe_error begin(turn_piper *piper)
{
    floe_ice_server servers[SERVERS_MAX];
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    options.ice_servers = servers;
    options.ice_server_count = command_servers(piper->command, servers);
    options.gather_policy = FLOE_GATHER_POLICY_RELAY;
    floe_error error = floe_api_new(&piper->command->settings, &piper->api);
    if (error == FLOE_OK) {
        error = floe_gatherer_new(piper->api, &options, &piper->gatherer);
    }
    if (error == FLOE_OK) {
        (void)floe_gatherer_on_local_candidate(piper->gatherer, on_candidate, piper);
        (void)floe_gatherer_on_candidate_withdrawn(piper->gatherer, on_withdrawn, piper);
        (void)floe_gatherer_on_error(piper->gatherer, on_error, piper);
        (void)floe_gatherer_on_state_change(piper->gatherer, on_state, piper);
        (void)floe_gatherer_on_packet(piper->gatherer, on_packet, piper);
        (void)floe_gatherer_on_unreachable(piper->gatherer, on_unreachable, piper);
        (void)floe_gatherer_on_writable(piper->gatherer, on_writable, piper);
        error = floe_gatherer_gather(piper->gatherer);
    }
    return error;
}

/* What a URL can give: a relay for TCP only over TCP or TLS (RFC 6062 §4.1). */
static bool gives_relay(const char *url, bool tcp)
{
    bool plain = strncasecmp(url, "turn:", 5) == 0;
    const char *transport = strstr(url, "?transport=");

    return !tcp || (transport != NULL ? strcasecmp(transport, "?transport=tcp") == 0 : !plain);
}

/* False after a line that says why none of the URLs can give the relay that is wanted. */
static bool check_urls(const gather_command *command)
{
    bool turn = false;

    for (size_t i = 0; i < command->url_count; i++) {
        bool is_turn = strncasecmp(command->urls[i], "turn", 4) == 0;
        if (is_turn && gives_relay(command->urls[i], command->tcp)) {
            return true;
        }
        turn = turn || is_turn;
    }
    if (command->url_count == 0) {
        screen_tell("floe: turn pipe: no server given: add turn:HOST or turns:HOST");
    } else if (turn) {
        screen_tell("floe: turn pipe: with --tcp, the server is asked over TCP or TLS: add "
                    "?transport=tcp to the turn: URL");
    } else {
        screen_tell("floe: turn pipe: a stun: URL gives no relay: name a turn: or turns: URL");
    }
    return false;
}

int turn_pipe(gather_command *command)
{
    turn_piper piper = {.command = command, .status = EXIT_NO_RELAY};

    if (!check_urls(command)) {
        return EXIT_WRONG_USAGE;
    }
    if (floe_address_parse_with_port(command->peer, &piper.peer) != FLOE_OK ||
        piper.peer.port == 0) {
        screen_tell("floe: turn pipe: --peer has to be ADDRESS:PORT or [ADDRESS]:PORT");
        return EXIT_WRONG_USAGE;
    }
    if (interrupt_start(&piper.interrupted, &piper.loop, on_interrupt, &piper) != 0) {
        return EXIT_NO_RELAY;
    }
    (void)uv_timer_init(&piper.loop, &piper.linger);
    piper.linger.data = &piper;
    input_init(&piper.in, &piper.loop, STDIN_FILENO, NULL, pump, &piper);
    command->settings.loop = &piper.loop;
    if (command->tcp && command->settings.network_types == 0) {
        command->settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_UDP6 |
                                          FLOE_NETWORK_TYPE_TCP4 | FLOE_NETWORK_TYPE_TCP6;
    }
    use_filters(command);
    if (begin(&piper) == FLOE_OK) {
        while (!piper.closed) {
            (void)uv_run(&piper.loop, UV_RUN_ONCE);
        }
    } else {
        screen_tell("floe: turn pipe: %s", option_words(floe_last_error()));
        piper.status = EXIT_WRONG_USAGE;
    }
    if (piper.lost > 0) {
        screen_tell("floe: turn pipe: %llu packets were lost, as nobody read the output",
                    piper.lost);
    }
    input_stop(&piper.in);
    floe_gatherer_free(piper.gatherer);
    floe_api_free(piper.api);
    uv_close((uv_handle_t *)&piper.linger, NULL);
    interrupt_stop(&piper.interrupted);
    if (!input_is_idle(
            &piper.in)) { /* nobody types any more, and the thread that reads can't be stopped */
        _exit(output_end(piper.status));
    }
    (void)uv_run(&piper.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&piper.loop);
    input_free(&piper.in);
    return piper.status;
}

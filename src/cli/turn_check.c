/* `floe turn check`: a relay by each transport and family in turn, and data through it to itself.
 */
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/turn.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <uv.h>

#define PACKET_SIZE 1200
#define TICK_MS 10
#define LOAD_MS 1000
/* How often a packet is sent until one comes back; and how long the server may take for what else
 * it is asked, once the data was tested. */
#define AGAIN_MS 500
#define REST_MS 2000
/* How long a server may count an allocation that was released. */
#define RELEASED_MS 2000
/* So many of a hundred packets have to come back. */
#define ENOUGH_PERCENT 90U

enum { EXIT_WELL = 0, EXIT_SOME_FAILED = 1, EXIT_WRONG_USAGE = 2, EXIT_NOTHING_WORKS = 3 };

/* What one transport and family gave. */
typedef struct check_row {
    char url[320];
    uint8_t family;
    char server[FLOE_ADDRESS_TEXT_SIZE + 8];
    char error[512]; /* "": none */
    uint16_t code;   /* of it */
    char note[160];  /* what is odd, though it works from here; "": nothing */
    char relays[2][FLOE_ADDRESS_TEXT_SIZE];
    size_t relay_count;
    double connect_ms;
    double round_trip_ms;
    char tls[16];
    bool resumed;
    char certificate[96];
    int64_t certificate_until;
    char authentication[48];
    char software[64];
    uint32_t lifetime;
    uint16_t family_error;
    bool mobility;
    bool tcp_relay;
    bool tcp_asked;
    bool tcp_known; /* whether it has a relay for TCP: it said so, or had its time */
    unsigned sent;
    unsigned received;
    double data_round_trip_ms; /* mean */
    double mbit;
} check_row;

typedef struct turn_checker {
    gather_command *command;
    size_t url_number; /* in the command's list, of the row at hand */
    uv_loop_t loop;
    uv_timer_t timer;
    interrupt interrupted;
    floe_api *api;
    floe_gatherer *gatherer;
    check_row row;
    floe_address relay; /* to which data goes; family none: there is none */
    uint32_t relay_id;
    uint64_t testing; /* data, since when; 0: it is not */
    uint64_t loading; /* since when; 0: the first packet has not come back */
    uint8_t *
        came; /* which packets of the load, a bit each by their numbers from 1 on; NULL: no memory */
    size_t load; /* how many there may be */
    double
        first_ms; /* the first packet's way, there and back: what requests took is not always known */
    bool tested;   /* the data */
    bool gathered; /* all that the server gives is known */
    bool in_time;  /* and nothing was being asked still */
    uint64_t last_received;
    double round_trips;
    unsigned rows;
    unsigned failed;
} turn_checker;

static void copy(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text != NULL ? text : "");
}

static void fail(turn_checker *checker, const char *why)
{
    if (*checker->row.error == '\0') {
        copy(checker->row.error, sizeof checker->row.error, why);
    }
}

static void finish(turn_checker *checker)
{
    (void)uv_timer_stop(&checker->timer);
    (void)floe_gatherer_close(checker->gatherer);
}

/* An Allocate that was sent again does not tell how long its answer took. */
static uint64_t round_trip_ms(const turn_checker *checker)
{
    double known = checker->row.round_trip_ms;

    return (uint64_t)(known > checker->first_ms ? known : checker->first_ms);
}

static void on_rest(uv_timer_t *timer)
{
    finish(timer->data);
}

/* All that is to be had is known, or has its time still: a server that does not answer one request
 * is not waited for to the end. */
static void finish_test(turn_checker *checker)
{
    checker->tested = true;
    if (checker->gathered) {
        finish(checker);
    } else {
        uint64_t wait = REST_MS + 4 * round_trip_ms(checker);
        (void)uv_timer_start(&checker->timer, on_rest, wait, 0);
    }
}

/* In each packet: when it was sent, and its number. Before one has come back they are 0, as the first is sent again
 * until then. */
static floe_error send_one(turn_checker *checker)
{
    char packet[PACKET_SIZE] = "floe turn check";
    uint64_t now = uv_hrtime();
    uint32_t number = checker->loading != 0 ? checker->row.sent : 0;

    memcpy(packet + 16, &now, sizeof now);
    memcpy(packet + 24, &number, sizeof number);
    floe_error error = floe_gatherer_send(checker->gatherer, checker->relay_id, &checker->relay,
                                          packet, sizeof packet);
    checker->row.sent += error == FLOE_OK;
    return error;
}

static void count_data(turn_checker *checker)
{
    check_row *row = &checker->row;
    double seconds = (double)(checker->last_received - checker->loading) / 1e9;

    if (row->received > 0) {
        row->data_round_trip_ms = checker->round_trips / row->received;
    }
    if (checker->loading != 0 && seconds > 0) {
        row->mbit = row->received * PACKET_SIZE * 8 / seconds / 1e6;
    }
    if (row->received * 100U < row->sent * ENOUGH_PERCENT) {
        char why[160];
        (void)snprintf(why, sizeof why,
                       "only %u of %u packets came back through the relay: is its bandwidth "
                       "limited (max-bps), or is the way to it lossy?",
                       row->received, row->sent);
        fail(checker, why);
    }
    finish_test(checker);
}

static void on_load(uv_timer_t *timer)
{
    turn_checker *checker = timer->data;
    uint64_t elapsed = (uv_hrtime() - checker->loading) / 1000000;

    if (elapsed >= LOAD_MS + 300 + 2 * round_trip_ms(checker)) {
        count_data(checker);
        return;
    }
    uint64_t due = (elapsed < LOAD_MS ? elapsed : LOAD_MS) * checker->command->load / 1000;
    while ((uint64_t)checker->row.sent * PACKET_SIZE < due && checker->row.sent < checker->load) {
        if (send_one(checker) != FLOE_OK) {
            break; /* the queue is full: the next tick goes on */
        }
    }
}

static void begin_load(turn_checker *checker)
{
    checker->row.sent = 1; /* of those before none is missed */
    if (checker->command->load == 0) {
        count_data(checker);
        return;
    }
    checker->loading = checker->last_received;
    checker->load = (size_t)(checker->command->load * LOAD_MS / 1000 / PACKET_SIZE) + 2;
    checker->came = calloc(checker->load / 8 + 1, 1);
    checker->load = checker->came != NULL ? checker->load : 0;
    (void)uv_timer_start(&checker->timer, on_load, TICK_MS, TICK_MS);
}

/* Whether it is the first with that number, which a network may bring twice. */
static bool is_new(turn_checker *checker, uint32_t number)
{
    if (number == 0) {
        return checker->loading == 0;
    }
    if (number >= checker->load || (checker->came[number / 8] & 1U << number % 8) != 0) {
        return false;
    }
    checker->came[number / 8] |= (uint8_t)(1U << number % 8);
    return true;
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    turn_checker *checker = user_data;
    uint64_t then;
    uint32_t number;

    if (packet->size != PACKET_SIZE || memcmp(packet->data, "floe turn check", 16) != 0 ||
        checker->tested) {
        return;
    }
    memcpy(&then, (const char *)packet->data + 16, sizeof then);
    memcpy(&number, (const char *)packet->data + 24, sizeof number);
    if (!is_new(checker, number)) {
        return;
    }
    uint64_t now = uv_hrtime();
    double took = (double)(now - then) / 1e6;
    checker->last_received = now;
    checker->round_trips += took;
    checker->row.received++;
    if (number == 0) {
        checker->first_ms = took;
        begin_load(checker);
    }
}

static uint64_t timeout_ms(const turn_checker *checker)
{
    uint32_t timeout = checker->command->settings.gather_timeout_ms;

    return timeout == 0 ? 5000 : timeout == FLOE_NEVER ? 60000 : timeout;
}

/* How long the first packet may take: the server is asked for more than one thing on its way. */
static uint64_t patience_ms(const turn_checker *checker)
{
    return timeout_ms(checker) + 4 * (uint64_t)checker->row.round_trip_ms;
}

static void on_no_data(uv_timer_t *timer)
{
    turn_checker *checker = timer->data;
    floe_error error = send_one(checker);

    if (error == FLOE_ERR_PERMISSION) {
        fail(checker, "the server refuses to relay to its own address (denied-peer-ip?), so its "
                      "data was not tested; the relay is there");
        finish_test(checker);
    } else if ((uv_hrtime() - checker->testing) / 1000000 >= patience_ms(checker)) {
        fail(checker, "no data comes back through the relay: may its own address be a peer "
                      "(denied-peer-ip), and are its relay ports open?");
        finish_test(checker);
    }
}

static void take_statistics(turn_checker *checker);

static void test_data(turn_checker *checker)
{
    take_statistics(checker);
    checker->testing = uv_hrtime();
    (void)send_one(checker);
    (void)uv_timer_start(&checker->timer, on_no_data, AGAIN_MS, AGAIN_MS);
}

/* What the statistics say of the Allocate that succeeded. */
static void take_statistics(turn_checker *checker)
{
    floe_gatherer_statistics *all = NULL;
    check_row *row = &checker->row;

    if (floe_gatherer_get_statistics(checker->gatherer, &all) != FLOE_OK) {
        return;
    }
    checker->in_time = (double)all->gathering.ns / 1e6 < (double)timeout_ms(checker);
    for (size_t i = 0; i < all->server_count; i++) {
        const floe_server_statistics *one = all->servers[i];
        if (strcmp(one->method, "Allocate") != 0) {
            continue;
        }
        bool ipv6 = strchr(one->server_address, ':') != NULL;
        (void)snprintf(row->server, sizeof row->server, "%s%s%s:%u", ipv6 ? "[" : "",
                       one->server_address, ipv6 ? "]" : "", one->server_port);
        row->connect_ms = (double)one->connecting.ns / 1e6;
        row->round_trip_ms = (double)one->round_trip.ns / 1e6;
        row->resumed = one->tls_resumed;
        row->certificate_until = one->tls_certificate_until;
        row->lifetime = one->lifetime;
        row->family_error = one->family_error;
        row->mobility = one->mobility;
        copy(row->tls, sizeof row->tls, one->tls_version);
        copy(row->certificate, sizeof row->certificate, one->tls_certificate);
        copy(row->authentication, sizeof row->authentication, one->authentication);
        copy(row->software, sizeof row->software, one->software);
        if (one->progress == FLOE_SERVER_PROGRESS_SUCCEEDED) {
            break;
        }
    }
    floe_gatherer_statistics_free(all);
}

static bool is_private(const floe_address *address)
{
    floe_address_kind kind = floe_address_classify(address);

    return kind == FLOE_ADDRESS_PRIVATE || kind == FLOE_ADDRESS_SHARED;
}

/* A server behind a NAT that does not know it relays from an address that it alone can reach, which
 * data to itself does not show. Of a server behind a proxy nobody knows where it is. */
static void note_private(turn_checker *checker, const char *relayed)
{
    check_row *row = &checker->row;
    floe_address relay;
    floe_address server;

    take_statistics(checker);
    if (checker->command->settings.proxy == NULL &&
        floe_address_parse(relayed, &relay) == FLOE_OK && is_private(&relay) &&
        floe_address_parse_with_port(row->server, &server) == FLOE_OK && !is_private(&server) &&
        floe_address_classify(&server) != FLOE_ADDRESS_LOOPBACK) {
        (void)snprintf(row->note, sizeof row->note,
                       "relayed address %s is private: does the server lack --external-ip?",
                       relayed);
    }
}

/* By several local addresses it may come several times. */
static void add_relay(turn_checker *checker, const char *address)
{
    check_row *row = &checker->row;

    for (size_t i = 0; i < row->relay_count; i++) {
        if (strcmp(row->relays[i], address) == 0) {
            return;
        }
    }
    if (row->relay_count < sizeof row->relays / sizeof *row->relays) {
        copy(row->relays[row->relay_count++], sizeof *row->relays, address);
        note_private(checker, address);
    }
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    turn_checker *checker = user_data;
    check_row *row = &checker->row;

    if (candidate == NULL) {
        take_statistics(checker);
        checker->gathered = true;
        row->tcp_known = row->tcp_asked && checker->in_time;
        if (checker->testing == 0 || checker->tested) {
            finish(checker);
        }
        return;
    }
    if (candidate->type != FLOE_CANDIDATE_TYPE_RELAY) {
        return;
    }
    if (candidate->protocol == FLOE_PROTOCOL_TCP) {
        row->tcp_relay = row->tcp_known = true;
        return;
    }
    add_relay(checker, candidate->address);
    if (checker->relay.family == FLOE_FAMILY_NONE &&
        floe_candidate_address(candidate, &checker->relay) == FLOE_OK) {
        checker->relay_id = candidate->id;
        test_data(checker);
    }
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    turn_checker *checker = user_data;

    if (*checker->row.error == '\0') {
        checker->row.code = error->code;
    }
    fail(checker, option_words(error->text));
}

static void on_state(void *user_data, enum floe_gatherer_state state)
{
    turn_checker *checker = user_data;

    if (state == FLOE_GATHERER_STATE_CLOSED) {
        uv_stop(&checker->loop);
    }
}

/* ── What is shown ── */

static long days_left(const check_row *row)
{
    return (long)((row->certificate_until - (int64_t)time(NULL)) / 86400);
}

static json_t *number_or_null(bool known, double number)
{
    return known ? json_real(number) : json_null();
}

static void show_json(const check_row *row)
{
    json_t *line = json_object();
    json_t *relays = json_array();
    bool has = *row->certificate != '\0';

    for (size_t i = 0; i < row->relay_count; i++) {
        (void)json_array_append_new(relays, json_text(row->relays[i]));
    }
    (void)json_object_set_new(line, "event", json_text("check"));
    (void)json_object_set_new(line, "url", json_text(row->url));
    (void)json_object_set_new(line, "family",
                              json_text(row->family == FLOE_FAMILY_IPV4 ? "ipv4" : "ipv6"));
    (void)json_object_set_new(line, "ok", json_boolean(*row->error == '\0'));
    (void)json_object_set_new(line, "error",
                              json_text_or_null(*row->error != '\0' ? row->error : NULL));
    (void)json_object_set_new(line, "note",
                              json_text_or_null(*row->note != '\0' ? row->note : NULL));
    (void)json_object_set_new(line, "server",
                              json_text_or_null(*row->server != '\0' ? row->server : NULL));
    (void)json_object_set_new(line, "connect_ms",
                              number_or_null(row->connect_ms > 0, row->connect_ms));
    (void)json_object_set_new(line, "round_trip_ms",
                              number_or_null(row->round_trip_ms > 0, row->round_trip_ms));
    (void)json_object_set_new(line, "tls_version",
                              json_text_or_null(*row->tls != '\0' ? row->tls : NULL));
    (void)json_object_set_new(line, "tls_resumed", json_boolean(row->resumed));
    (void)json_object_set_new(line, "certificate",
                              json_text_or_null(has ? row->certificate : NULL));
    (void)json_object_set_new(line, "certificate_days",
                              has ? json_integer(days_left(row)) : json_null());
    (void)json_object_set_new(
        line, "authentication",
        json_text_or_null(*row->authentication != '\0' ? row->authentication : NULL));
    (void)json_object_set_new(line, "software",
                              json_text_or_null(*row->software != '\0' ? row->software : NULL));
    (void)json_object_set_new(line, "relays", relays);
    (void)json_object_set_new(line, "lifetime", json_integer(row->lifetime));
    (void)json_object_set_new(line, "family_error", json_integer(row->family_error));
    (void)json_object_set_new(line, "mobility", json_boolean(row->mobility));
    (void)json_object_set_new(line, "tcp_allocations",
                              row->tcp_known ? json_boolean(row->tcp_relay) : json_null());
    (void)json_object_set_new(line, "packets_sent", json_integer(row->sent));
    (void)json_object_set_new(line, "packets_received", json_integer(row->received));
    (void)json_object_set_new(line, "data_round_trip_ms",
                              number_or_null(row->received > 0, row->data_round_trip_ms));
    (void)json_object_set_new(line, "mbit_per_second", number_or_null(row->mbit > 0, row->mbit));
    json_write_line(standard_output, line);
}

static void show_row(const check_row *row)
{
    output_print(standard_output, "%-6s %s over %s%s%s\n", *row->error == '\0' ? "ok" : "FAILED",
                 row->url, row->family == FLOE_FAMILY_IPV4 ? "IPv4" : "IPv6",
                 *row->server != '\0' ? ", " : "", row->server);
    if (row->connect_ms > 0) {
        output_print(standard_output, "       connected     in %.0f ms%s%s%s\n", row->connect_ms,
                     *row->tls != '\0' ? ", " : "", row->tls, row->resumed ? ", resumed" : "");
    }
    if (*row->certificate != '\0') {
        output_print(standard_output, "       certificate   %s, %ld days left\n", row->certificate,
                     days_left(row));
    }
    if (row->relay_count > 0) {
        char answers[32] = "";
        if (row->round_trip_ms > 0) { /* else each request was sent more than once */
            (void)snprintf(answers, sizeof answers, "in %.0f ms, ", row->round_trip_ms);
        }
        output_print(standard_output, "       answers       %s%s%s%s\n", answers,
                     *row->authentication != '\0' ? row->authentication : "no authentication",
                     *row->software != '\0' ? ", " : "", row->software);
        output_print(standard_output, "       relays        %s%s%s for %" PRIu32 " s",
                     row->relays[0], row->relay_count > 1 ? " and " : "", row->relays[1],
                     row->lifetime);
        output_print(standard_output, row->family_error != 0 ? ", the other family: %u\n" : "\n",
                     row->family_error);
        output_print(standard_output, "       offers        mobility: %s, TCP allocations: %s\n",
                     row->mobility ? "yes" : "no",
                     row->tcp_relay    ? "yes"
                     : !row->tcp_asked ? "not asked for (--network-types)"
                     : row->tcp_known  ? "no"
                                       : "it does not say");
    }
    if (row->received > 0) {
        output_print(standard_output,
                     "       data          %u of %u packets came back, in %.0f ms, %.2f Mbit/s\n",
                     row->received, row->sent, row->data_round_trip_ms, row->mbit);
    }
    if (*row->note != '\0') {
        output_print(standard_output, "       note          %s\n", row->note);
    }
    if (*row->error != '\0') {
        output_print(standard_output, "       what is wrong %s\n", row->error);
    }
}

/* ── Row by row ── */

static floe_error begin(turn_checker *checker)
{
    floe_ice_server server = command_server_of(checker->command, checker->url_number);
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    const char *url = checker->row.url;

    server.urls = &url;
    server.url_count = 1;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    /* A server that answers Bindings alone is not silent: what it shows is asked for too. */
    options.gather_policy = FLOE_GATHER_POLICY_NOHOST;
    floe_error error = floe_api_new(&checker->command->settings, &checker->api);
    if (error == FLOE_OK) {
        error = floe_gatherer_new(checker->api, &options, &checker->gatherer);
    }
    if (error == FLOE_OK) {
        (void)floe_gatherer_on_local_candidate(checker->gatherer, on_candidate, checker);
        (void)floe_gatherer_on_error(checker->gatherer, on_error, checker);
        (void)floe_gatherer_on_state_change(checker->gatherer, on_state, checker);
        (void)floe_gatherer_on_packet(checker->gatherer, on_packet, checker);
        error = floe_gatherer_gather(checker->gatherer);
    }
    return error;
}

/* False: wrong usage, which has been told. */
static bool run_row(turn_checker *checker, const char *url, uint8_t family)
{
    uint32_t tcp = family == FLOE_FAMILY_IPV4 ? FLOE_NETWORK_TYPE_TCP4 : FLOE_NETWORK_TYPE_TCP6;

    checker->row = (check_row){.family = family,
                               .tcp_asked = (checker->command->settings.network_types & tcp) != 0};
    checker->relay = (floe_address){0};
    checker->testing = checker->loading = 0;
    checker->tested = checker->gathered = false;
    checker->round_trips = checker->first_ms = 0;
    checker->load = 0;
    copy(checker->row.url, sizeof checker->row.url, url);
    checker->command->filters.family = family;
    floe_error error = begin(checker);
    if (error == FLOE_OK) {
        (void)uv_run(&checker->loop, UV_RUN_DEFAULT);
    } else {
        output_print(standard_error, "floe: turn check: %s\n", option_words(floe_last_error()));
    }
    floe_gatherer_free(checker->gatherer);
    floe_api_free(checker->api);
    free(checker->came);
    checker->came = NULL;
    checker->gatherer = NULL;
    checker->api = NULL;
    return error == FLOE_OK;
}

static void on_waited(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* A quota that our own allocation of a row before uses up: a server may count it for a while after
 * it was released. */
static bool is_full_of_us(const turn_checker *checker)
{
    return checker->row.code == 486 && checker->row.relay_count == 0 &&
           checker->rows > checker->failed && !checker->interrupted.came;
}

static bool check_one(turn_checker *checker, const char *url, uint8_t family)
{
    bool good = run_row(checker, url, family);

    if (good && is_full_of_us(checker)) {
        (void)uv_timer_start(&checker->timer, on_waited, RELEASED_MS, 0);
        (void)uv_run(&checker->loop, UV_RUN_DEFAULT);
        good = checker->interrupted.came || run_row(checker, url, family);
    }
    if (!good) {
        return false;
    }
    const check_row *row = &checker->row;
    if (checker->interrupted.came) {
        return true; /* what was not checked to the end says nothing */
    }
    if (row->relay_count == 0 && *row->error == '\0') {
        return true; /* there is nothing of this family, here or there */
    }
    checker->rows++;
    checker->failed += *row->error != '\0';
    if (checker->command->json) {
        show_json(row);
    } else {
        show_row(row);
    }
    return true;
}

/* Each transport that the URL can mean, each family. */
static bool check_url(turn_checker *checker, const char *url)
{
    static const char *const transports[] = {"?transport=udp", "?transport=tcp"};
    bool exact = strchr(url, '?') != NULL;
    char full[300];
    bool good = true;

    if (strncasecmp(url, "turn:", 5) != 0 && strncasecmp(url, "turns:", 6) != 0) {
        output_print(standard_error, "floe: turn check: \"%s\" is not a turn: or turns: URL\n",
                     url);
        return false;
    }
    static const uint8_t families[] = {FLOE_FAMILY_IPV4, FLOE_FAMILY_IPV6};
    for (int i = 0; i < (exact ? 2 : 4) && good && !checker->interrupted.came; i++) {
        (void)snprintf(full, sizeof full, "%s%s", url, exact ? "" : transports[i / 2]);
        good = check_one(checker, full, families[i % 2]);
    }
    return good;
}

static void on_interrupt(void *data)
{
    turn_checker *checker = data;

    if (checker->gatherer != NULL) {
        finish(checker);
    } else {
        uv_stop(&checker->loop);
    }
}

int turn_check(gather_command *command)
{
    turn_checker checker = {.command = command};
    bool good = command->url_count > 0;

    if (!good) {
        output_print(standard_error,
                     "floe: turn check: no server given: add turn:HOST or turns:HOST\n");
        return EXIT_WRONG_USAGE;
    }
    if (interrupt_start(&checker.interrupted, &checker.loop, on_interrupt, &checker) != 0) {
        return EXIT_NOTHING_WORKS;
    }
    (void)uv_timer_init(&checker.loop, &checker.timer);
    checker.timer.data = &checker;
    command->settings.loop = &checker.loop;
    if (command->settings.network_types == 0) {
        command->settings.network_types = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_UDP6 |
                                          FLOE_NETWORK_TYPE_TCP4 | FLOE_NETWORK_TYPE_TCP6;
    }
    command->settings.mobility = true;          /* to see whether the server has it */
    command->filters.family = FLOE_FAMILY_IPV4; /* each in turn */
    use_filters(command);
    for (size_t i = 0; good && !checker.interrupted.came && i < command->url_count; i++) {
        bool listed_stun =
            i >= command->url_count_of_line && strncasecmp(command->urls[i], "stun", 4) == 0;
        checker.url_number = i;
        good = listed_stun || check_url(&checker, command->urls[i]);
    }
    uv_close((uv_handle_t *)&checker.timer, NULL);
    interrupt_stop(&checker.interrupted);
    (void)uv_run(&checker.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&checker.loop);
    if (!good) {
        return EXIT_WRONG_USAGE;
    }
    if (checker.interrupted.came) {
        return EXIT_INTERRUPTED;
    }
    if (checker.rows == 0) {
        output_print(
            standard_error,
            "floe: turn check: nothing was checked: no local address is of the same family "
            "(IPv4, IPv6) as an address of the servers\n");
    }
    return checker.failed == checker.rows ? EXIT_NOTHING_WORKS
           : checker.failed > 0           ? EXIT_SOME_FAILED
                                          : EXIT_WELL;
}

/* One side of an exchange of data over relays: sends so many bytes to the other side's relayed
 * address, and takes what comes from there, both at once.
 *
 *     lab-exchange URL USERNAME CREDENTIAL MEGABYTES WINDOW
 *
 * Says "relay ADDRESS PORT", reads the other side's "ADDRESS PORT" from standard input, and in the
 * end says {"sent":…,"received":…,"twice":…}. Numbered packets of 1,200 bytes; a
 * window keeps what is on its way below what sockets hold, so that nothing need be lost. */
#include <floe/floe.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define PACKET_SIZE 1200
#define ACKNOWLEDGE_EVERY 8
#define TICK_MS 20
/* Nothing has come for so long: the rest is lost, or the other side is gone. */
#define PATIENCE_MS 10000

enum { DATA = 0x80, ACKNOWLEDGEMENT = 0x81 }; /* what RTP begins with */

typedef struct exchange {
    floe_gatherer *gatherer;
    uint32_t relay_id;
    floe_address peer;
    uv_loop_t loop;
    uv_timer_t timer;
    uint64_t total;  /* packets, each way */
    uint64_t window; /* of those on their way */
    uint64_t sent;
    uint64_t acknowledged; /* up to which number ours have come, as the other side says */
    uint64_t received;
    uint64_t highest; /* number that has come, and one */
    uint64_t twice;
    uint8_t *seen; /* a bit for each number */
    uint64_t last_news;
    bool talking; /* the other side has let us in */
    bool full;    /* the gatherer takes no more for now */
} exchange;

static void put(uint8_t *packet, uint8_t kind, uint64_t number)
{
    packet[0] = kind;
    memcpy(packet + 8, &number, sizeof number);
}

static bool send_packet(exchange *of, uint8_t kind, uint64_t number, size_t size)
{
    uint8_t packet[PACKET_SIZE] = {0};

    put(packet, kind, number);
    floe_error error = floe_gatherer_send(of->gatherer, of->relay_id, &of->peer, packet, size);
    of->full = error == FLOE_ERR_QUEUE_FULL;
    if (error != FLOE_OK && !of->full) {
        (void)fprintf(stderr, "lab-exchange: %s\n", floe_last_error());
    }
    return error == FLOE_OK;
}

static void fill(exchange *of)
{
    while (of->talking && of->sent < of->total && of->sent < of->acknowledged + of->window &&
           send_packet(of, DATA, of->sent, PACKET_SIZE)) {
        of->sent++;
    }
}

static void on_writable(void *user_data, uint32_t candidate_id)
{
    (void)candidate_id;
    fill(user_data);
}

static void take_data(exchange *of, uint64_t number)
{
    uint8_t bit = (uint8_t)(1U << number % 8);

    if (number >= of->total) {
        return;
    }
    if ((of->seen[number / 8] & bit) != 0) {
        of->twice++;
        return;
    }
    of->seen[number / 8] |= bit;
    of->received++;
    of->last_news = uv_now(&of->loop);
    of->highest = number + 1 > of->highest ? number + 1 : of->highest;
    if (of->received % ACKNOWLEDGE_EVERY == 0 || of->highest == of->total) {
        (void)send_packet(of, ACKNOWLEDGEMENT, of->highest, 16);
    }
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    exchange *of = user_data;
    const uint8_t *bytes = packet->data;
    uint64_t number;

    if (packet->size < 16) {
        return;
    }
    of->last_news = of->talking ? of->last_news : uv_now(&of->loop);
    of->talking = true;
    memcpy(&number, bytes + 8, sizeof number);
    if (bytes[0] == DATA) {
        take_data(of, number);
    } else if (bytes[0] == ACKNOWLEDGEMENT && number > of->acknowledged) {
        of->acknowledged = number;
        of->last_news = uv_now(&of->loop);
    }
    fill(of);
}

/* An acknowledgement may be lost like any packet; the last one says all. */
static void on_tick(uv_timer_t *timer)
{
    exchange *of = timer->data;
    bool done = of->acknowledged == of->total && of->highest == of->total;

    if (uv_now(&of->loop) - of->last_news > (done ? 1000 : PATIENCE_MS)) {
        uv_stop(&of->loop);
        return;
    }
    (void)send_packet(of, ACKNOWLEDGEMENT, of->highest, 16);
    fill(of);
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    exchange *of = user_data;

    if (candidate == NULL) {
        uv_stop(&of->loop);
    } else if (of->relay_id == 0) {
        of->relay_id = candidate->id;
        (void)printf("relay %s %u\n", candidate->address, candidate->port);
        (void)fflush(stdout);
    }
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    (void)user_data;
    (void)fprintf(stderr, "lab-exchange: %s\n", error->text);
}

static floe_error begin(exchange *of, floe_api *api, char **words)
{
    const char *urls[] = {words[1]};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;

    server.urls = urls;
    server.url_count = 1;
    server.username = words[2];
    server.credential = words[3];
    options.ice_servers = &server;
    options.ice_server_count = 1;
    options.gather_policy = FLOE_GATHER_POLICY_RELAY;
    floe_error error = floe_gatherer_new(api, &options, &of->gatherer);
    if (error == FLOE_OK) {
        (void)floe_gatherer_on_local_candidate(of->gatherer, on_candidate, of);
        (void)floe_gatherer_on_error(of->gatherer, on_error, of);
        (void)floe_gatherer_on_packet(of->gatherer, on_packet, of);
        (void)floe_gatherer_on_writable(of->gatherer, on_writable, of);
        error = floe_gatherer_gather(of->gatherer);
    }
    return error;
}

static void on_closed(uv_handle_t *handle)
{
    (void)handle;
}

int main(int count, char **words)
{
    exchange of = {0};
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_api *api = NULL;
    char ip[64];
    unsigned port;

    if (count != 6 || uv_loop_init(&of.loop) != 0) {
        return 2;
    }
    of.total = strtoull(words[4], NULL, 10) * 1000000 / PACKET_SIZE;
    of.window = strtoull(words[5], NULL, 10);
    of.seen = calloc(of.total / 8 + 1, 1);
    settings.loop = &of.loop;
    settings.tls_ca_file = getenv("LAB_CA");
    (void)uv_timer_init(&of.loop, &of.timer);
    of.timer.data = &of;
    if (of.seen == NULL || floe_api_new(&settings, &api) != FLOE_OK ||
        begin(&of, api, words) != FLOE_OK) {
        (void)fprintf(stderr, "lab-exchange: %s\n", floe_last_error());
        return 1;
    }
    (void)uv_run(&of.loop, UV_RUN_DEFAULT); /* until gathering is complete */
    if (of.relay_id != 0 && scanf("%63s %u", ip, &port) == 2 &&
        floe_address_parse(ip, &of.peer) == FLOE_OK) {
        of.peer.port = (uint16_t)port;
        uv_update_time(&of.loop);
        of.last_news = uv_now(&of.loop);
        (void)uv_timer_start(&of.timer, on_tick, 0, TICK_MS);
        (void)uv_run(&of.loop, UV_RUN_DEFAULT);
    }
    (void)printf("{\"sent\":%" PRIu64 ",\"received\":%" PRIu64 ",\"twice\":%" PRIu64 "}\n", of.sent,
                 of.received, of.twice);
    floe_gatherer_free(of.gatherer);
    floe_api_free(api);
    uv_close((uv_handle_t *)&of.timer, on_closed);
    (void)uv_run(&of.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&of.loop);
    free(of.seen);
    return of.total > 0 && of.highest == of.total ? 0 : 1;
}

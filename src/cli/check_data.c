/* Data through the relay: a packet that is sent again until it comes back, then as many a second as --load says. By the
 * relay to itself; or, where the server forbids that, from our own socket to the relay. */
#include "cli/check_run.h"

#include <stdlib.h>
#include <string.h>

#define AGAIN_MS 500
#define LOAD_MS 1000
/* Together all rows load so much at once, in bytes a second: more could be too much for a narrow way. */
#define LOADS_TOGETHER 500000U

static const char magic[16] = "floe turn check";

/* In each packet: when it was sent, its number, and from which of the places. Before one has come back the number is 0, as
 * the first is sent again until then. */
static floe_error send_from(check_run *run, uint32_t id, uint32_t place)
{
    char packet[CHECK_PACKET_SIZE] = {0};
    uint64_t now = uv_hrtime();
    uint32_t number = run->data.loading != 0 ? run->row->sent : 0;

    memcpy(packet, magic, sizeof magic);
    memcpy(packet + 16, &now, sizeof now);
    memcpy(packet + 24, &number, sizeof number);
    memcpy(packet + 28, &place, sizeof place);
    return floe_gatherer_send(run->gatherer, id, &run->relay, packet, sizeof packet);
}

/* From outside the first goes from each local address, as not every one has a way to the relay. */
static floe_error send_one(check_run *run)
{
    check_data *data = &run->data;
    bool outside = run->row->by_outside;
    size_t first = outside && data->loading != 0 ? data->place : 0;
    size_t count = outside && data->loading == 0 ? run->host_count : 1;
    floe_error error = FLOE_OK;
    bool any = false;

    for (size_t i = first; i < first + count; i++) {
        error = send_from(run, outside ? run->hosts[i].id : run->relay_id, (uint32_t)i);
        any = any || error == FLOE_OK;
    }
    run->row->sent += any;
    return any ? FLOE_OK : error;
}

void check_data_begin(check_run *run)
{
    run->data.probing = uv_hrtime();
    (void)send_one(run);
}

static void end(check_run *run)
{
    check_data *data = &run->data;
    turn_checker *checker = run->checker;

    if (data->loading != 0) {
        checker->loads--;
        checker->loading_alone = checker->loading_alone && !data->alone;
    }
    data->loading = data->probing = data->waiting = 0;
    data->done = true;
}

void check_data_free(check_run *run)
{
    end(run);
    free(run->data.came);
    run->data.came = NULL;
}

static void count(check_run *run)
{
    check_row *row = run->row;
    const check_data *data = &run->data;

    if (row->received > 0) {
        row->data_round_trip_ms = data->round_trips / row->received;
    }
    double seconds =
        (double)(data->last_received - data->loading) / 1e9 - row->data_round_trip_ms / 1e3;
    if (data->loading != 0 && data->last_received > data->loading && seconds > 0) {
        row->mbit = (row->received - 1) * CHECK_PACKET_SIZE * 8 / seconds / 1e6;
    }
}

/* What is lost while others load too may be lost by that: once more, alone. */
static bool load_again(check_run *run)
{
    check_data *data = &run->data;

    if (!data->disturbed || check_loss(run->row) <= (double)run->checker->command->max_loss) {
        return false;
    }
    end(run);
    data->done = false;
    data->disturbed = false;
    data->alone = true;
    data->waiting = uv_hrtime();
    return true;
}

/* All have come back, or none has for a while: a connection brings late what a network lost. */
static bool has_loaded(const check_run *run, uint64_t elapsed)
{
    bool stream = check_is_stream(run->row->transport);
    double wait = (stream ? 2000 : 300) + (stream ? 4 : 2) * check_round_trip(run);

    if (elapsed < LOAD_MS) {
        return false;
    }
    return run->row->received == run->row->sent ||
           (check_since(run->data.last_received) >= wait && (double)elapsed >= LOAD_MS + wait) ||
           (double)elapsed >= LOAD_MS + check_patience(run);
}

static void load(check_run *run)
{
    check_data *data = &run->data;
    uint64_t elapsed = (uint64_t)check_since(data->loading);

    data->disturbed = data->disturbed || run->checker->loads > 1;
    if (has_loaded(run, elapsed)) {
        count(run);
        if (!load_again(run)) {
            end(run);
        }
        return;
    }
    uint64_t due = (elapsed < LOAD_MS ? elapsed : LOAD_MS) * run->checker->command->load / 1000;
    while ((uint64_t)run->row->sent * CHECK_PACKET_SIZE < due && run->row->sent < data->load) {
        if (send_one(run) != FLOE_OK) {
            break; /* the queue is full: the next tick goes on */
        }
    }
}

/* Whether there is room for another load on the way that all share. */
static bool may_load(const check_run *run)
{
    const turn_checker *checker = run->checker;
    size_t most =
        checker->command->load < LOADS_TOGETHER ? LOADS_TOGETHER / checker->command->load : 1;

    return !checker->loading_alone && checker->loads < (run->data.alone ? 1 : most);
}

static void begin_load(check_run *run)
{
    check_data *data = &run->data;
    turn_checker *checker = run->checker;

    data->waiting = 0;
    data->loading = data->last_received = uv_hrtime();
    run->row->sent = run->row->received = 1; /* of those before none is missed */
    data->round_trips = data->first_ms;
    data->load = (size_t)(checker->command->load * LOAD_MS / 1000 / CHECK_PACKET_SIZE) + 2;
    free(data->came);
    data->came = calloc(data->load / 8 + 1, 1);
    data->load = data->came != NULL ? data->load : 0;
    checker->loads++;
    checker->loading_alone = data->alone;
}

/* The first packet has come back. */
static void begin(check_run *run)
{
    check_row *row = run->row;

    run->data.probing = 0;
    row->loop = row->by_outside ? row->loop : LOOP_PASSES;
    if (run->checker->command->load == 0) {
        row->sent = row->received = 1;
        row->data_round_trip_ms = run->data.first_ms;
        end(run);
    } else {
        run->data.waiting = uv_hrtime();
    }
}

/* From outside, if packets pass there. */
static void try_outside(check_run *run)
{
    check_row *row = run->row;

    run->data.probing = 0;
    if (!run->outside.done) {
        return; /* it is asked again with the next tick */
    }
    if (row->outside == OUTSIDE_OPEN && !row->by_outside) {
        row->by_outside = true;
        row->sent = 0;
        check_data_begin(run);
    } else {
        row->sent = row->loop == LOOP_REFUSED && !row->by_outside ? 0 : row->sent;
        end(run);
    }
}

static void probe(check_run *run)
{
    check_data *data = &run->data;

    if (check_since(data->probing) >= check_patience(run)) {
        run->row->loop = run->row->by_outside ? run->row->loop : LOOP_SILENT;
        try_outside(run);
    } else if ((uint64_t)check_since(data->probing) / AGAIN_MS >= run->row->sent) {
        if (send_one(run) == FLOE_ERR_PERMISSION) {
            check_data_refused(run);
        }
    }
}

void check_data_refused(check_run *run)
{
    if (run->data.probing != 0 && !run->row->by_outside) {
        run->row->loop = LOOP_REFUSED;
        run->row->loop_code = run->refused_code;
        try_outside(run);
    }
}

void check_data_tick(check_run *run)
{
    check_data *data = &run->data;

    if (data->done) {
        return;
    }
    if (data->loading != 0) {
        load(run);
    } else if (data->waiting != 0) {
        if (may_load(run)) {
            begin_load(run);
        }
    } else if (data->probing != 0) {
        probe(run);
    } else {
        try_outside(run);
    }
}

/* Whether it is the first with that number, which a network may bring twice. */
static bool is_new(check_data *data, uint32_t number)
{
    if (number == 0) {
        return data->probing != 0;
    }
    if (data->loading == 0 || number >= data->load ||
        (data->came[number / 8] & 1U << number % 8) != 0) {
        return false;
    }
    data->came[number / 8] |= (uint8_t)(1U << number % 8);
    return true;
}

bool check_data_packet(check_run *run, const floe_packet *packet)
{
    check_data *data = &run->data;
    uint64_t then;
    uint32_t number;
    uint32_t place;

    if (packet->size != CHECK_PACKET_SIZE || packet->candidate_id != run->relay_id ||
        memcmp(packet->data, magic, sizeof magic) != 0) {
        return false;
    }
    memcpy(&then, (const char *)packet->data + 16, sizeof then);
    memcpy(&number, (const char *)packet->data + 24, sizeof number);
    if (!is_new(data, number)) {
        return true;
    }
    double took = check_since(then);
    data->last_received = uv_hrtime();
    data->round_trips += took;
    run->row->received++;
    if (number == 0) {
        memcpy(&place, (const char *)packet->data + 28, sizeof place);
        data->place = place < run->host_count ? place : 0;
        data->first_ms = took;
        begin(run);
    }
    return true;
}

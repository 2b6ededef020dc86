/* One row: a gatherer of its own that asks one server by one transport, from its beginning until all is closed. */
#include "cli/check_run.h"

#include "cli/output.h"
#include "cli/screen.h"

#include <stdlib.h>
#include <string.h>

/* How long the server may take for what else it is asked, once all else is known. */
#define REST_MS 2000
/* A relay of the row's own family may stand behind one of the other. */
#define OTHER_FAMILY_MS 300
/* For the handshake that --insecure left out. */
#define DOUBT_MS 5000

static void copy(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text != NULL ? text : "");
}

/* An Allocate that was sent again does not tell how long its answer took. */
double check_round_trip(const check_run *run)
{
    double known = run->row->round_trip_ms;

    return known > run->data.first_ms ? known : run->data.first_ms;
}

static void leave_out(char *text, const char *words)
{
    char *at = strstr(text, words);
    size_t size = strlen(words);

    if (at != NULL) {
        memmove(at, at + size, strlen(at + size) + 1);
    }
}

static double timeout_ms(const check_run *run)
{
    uint32_t timeout = run->settings.gather_timeout_ms;

    return timeout == 0 ? 5000 : timeout == FLOE_NEVER ? 60000 : timeout;
}

double check_patience(const check_run *run)
{
    return timeout_ms(run) + 4 * check_round_trip(run);
}

/* ── Facts ── */

static void take_server(check_row *row, const floe_server_statistics *one)
{
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
}

/* What the statistics say of the Allocate that succeeded, or of the last. */
static void take_statistics(check_run *run)
{
    floe_gatherer_statistics *all = NULL;

    if (floe_gatherer_get_statistics(run->gatherer, &all) != FLOE_OK) {
        return;
    }
    run->in_time = (double)all->gathering.ns / 1e6 < timeout_ms(run);
    for (size_t i = 0; i < all->server_count; i++) {
        const floe_server_statistics *one = all->servers[i];
        if (strcmp(one->method, "Allocate") == 0) {
            take_server(run->row, one);
            if (one->progress == FLOE_SERVER_PROGRESS_SUCCEEDED) {
                break;
            }
        }
    }
    floe_gatherer_statistics_free(all);
}

/* ── The end ── */

static void on_closed(uv_handle_t *handle)
{
    check_run *run = handle->data;

    if (--run->handles == 0) {
        turn_checker *checker = run->checker;
        check_row *row = run->row;
        checker->runs[run->slot] = NULL;
        checker->running--;
        check_row_ended(checker, run, row);
    }
}

/* What a gatherer sends as it closes is told later: the run stays until the loop has ended. */
static void let_go(check_run *run)
{
    check_data_free(run);
    check_outside_free(run);
    floe_gatherer_free(run->doubting);
    floe_api_free(run->doubting_api);
    floe_gatherer_free(run->gatherer);
    floe_api_free(run->api);
    uv_close((uv_handle_t *)&run->timer, on_closed);
    uv_close((uv_handle_t *)&run->ending, on_closed);
}

static void on_ending(uv_timer_t *timer)
{
    let_go(timer->data);
}

/* Not from within a callback of the library's. */
static void finish(check_run *run)
{
    if (!run->stopping) {
        run->stopping = true;
        run->row->took_ms = run->row->before_ms + check_since(run->row->began);
        (void)uv_timer_stop(&run->timer);
        (void)uv_timer_start(&run->ending, on_ending, 0, 0);
    }
}

void check_run_stop(check_run *run)
{
    if (run->row->state == CHECK_RUNS) {
        run->row->state = CHECK_STOPPED;
    }
    finish(run);
}

/* ── What --insecure hides ── */

static void settle_doubt(check_run *run, int verified, const char *why)
{
    run->row->verified = verified;
    copy(run->row->doubt, sizeof run->row->doubt, why);
    finish(run);
}

static void on_doubt(void *user_data, const floe_trace_event *event)
{
    check_run *run = user_data;

    if (event->kind == FLOE_TRACE_SECURED) {
        settle_doubt(run, 1, "");
    } else if (event->kind == FLOE_TRACE_FAILED && *event->detail != '\0' && !run->stopping) {
        settle_doubt(run, 0, option_words(event->detail));
    }
}

static void on_no_doubt(uv_timer_t *timer)
{
    finish(timer->data);
}

/* The handshake once more, as it would be without --insecure. */
static bool begin_doubt(check_run *run)
{
    floe_settings settings = run->settings;
    floe_ice_server server = command_server_of(run->checker->command, run->row->url_number);
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    const char *url = run->row->url;

    settings.tls_insecure = false;
    settings.on_trace = on_doubt;
    server.urls = &url;
    server.url_count = 1;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    options.gather_policy = FLOE_GATHER_POLICY_RELAY;
    (void)uv_timer_start(&run->timer, on_no_doubt, DOUBT_MS, 0);
    return floe_api_new(&settings, &run->doubting_api) == FLOE_OK &&
           floe_gatherer_new(run->doubting_api, &options, &run->doubting) == FLOE_OK &&
           floe_gatherer_gather(run->doubting) == FLOE_OK;
}

static void complete(check_run *run)
{
    (void)uv_timer_stop(&run->timer);
    if (run->row->state != CHECK_RUNS || *run->row->tls == '\0' || !run->settings.tls_insecure ||
        run->doubting_api != NULL || !begin_doubt(run)) {
        finish(run);
    }
}

/* ── While it runs ── */

static void on_tick(uv_timer_t *timer);

static void begin_tests(check_run *run, uint32_t id, const floe_address *relay)
{
    run->relay_id = id;
    run->relay = *relay;
    take_statistics(run);
    check_data_begin(run);
    check_outside_begin(run);
}

/* All that is to be had is known, or has had its time. */
static bool is_complete(check_run *run)
{
    if (!run->data.done || !run->outside.done) {
        return false;
    }
    if (run->gathered || run->row->tcp_known) {
        return true;
    }
    run->rest = run->rest == 0 ? uv_hrtime() : run->rest;
    return check_since(run->rest) >= REST_MS + 4 * check_round_trip(run);
}

static void on_tick(uv_timer_t *timer)
{
    check_run *run = timer->data;

    if (run->relay_id == 0 && check_since(run->other_since) >= OTHER_FAMILY_MS) {
        begin_tests(run, run->other_id, &run->other_relay);
    }
    if (run->relay_id != 0) {
        check_outside_tick(run);
        check_data_tick(run);
        if (is_complete(run)) {
            complete(run);
        }
    }
}

static void add_relay(check_row *row, const char *address)
{
    for (size_t i = 0; i < row->relay_count; i++) { /* by several local addresses it comes again */
        if (strcmp(row->relays[i], address) == 0) {
            return;
        }
    }
    if (row->relay_count < sizeof row->relays / sizeof *row->relays) {
        copy(row->relays[row->relay_count++], sizeof *row->relays, address);
    }
}

/* The first of the row's own family has the tests; one of the other, where there is no such. */
static void take_relay(check_run *run, const floe_candidate *candidate)
{
    floe_address relay;

    add_relay(run->row, candidate->address);
    check_outside_mapped(run, candidate->related_address, candidate->related_port);
    if (run->relay_id != 0 || floe_candidate_address(candidate, &relay) != FLOE_OK) {
        return;
    }
    if (run->row->family == FLOE_FAMILY_NONE || relay.family == run->row->family) {
        begin_tests(run, candidate->id, &relay);
    } else if (run->other_id == 0) {
        run->other_id = candidate->id;
        run->other_relay = relay;
        run->other_since = uv_hrtime();
    }
    (void)uv_timer_start(&run->timer, on_tick, CHECK_TICK_MS, CHECK_TICK_MS);
}

static void take_host(check_run *run, const floe_candidate *candidate)
{
    check_place *place = &run->hosts[run->host_count];

    if (run->host_count < CHECK_PLACES_MAX && candidate->protocol == FLOE_PROTOCOL_UDP &&
        floe_candidate_address(candidate, &place->address) == FLOE_OK) {
        place->id = candidate->id;
        run->host_count++;
    }
}

static void on_gathered(check_run *run)
{
    take_statistics(run);
    run->gathered = true;
    run->row->tcp_known =
        run->row->tcp_known ||
        (run->row->relay_count > 0 && run->row->tcp_asked && run->in_time && !run->full);
    if (run->relay_id == 0 && run->other_id == 0) {
        complete(run);
    }
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    check_run *run = user_data;

    if (candidate == NULL) {
        on_gathered(run);
    } else if (candidate->type == FLOE_CANDIDATE_TYPE_HOST) {
        take_host(run, candidate);
    } else if (candidate->type == FLOE_CANDIDATE_TYPE_SRFLX) {
        check_outside_mapped(run, candidate->address, candidate->port);
    } else if (candidate->type == FLOE_CANDIDATE_TYPE_RELAY &&
               candidate->protocol == FLOE_PROTOCOL_TCP) {
        run->row->tcp_relay = run->row->tcp_known = true;
    } else if (candidate->type == FLOE_CANDIDATE_TYPE_RELAY) {
        take_relay(run, candidate);
    }
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    check_run *run = user_data;
    check_row *row = run->row;

    if (*row->error == '\0') {
        row->code = error->code != 701 ? error->code : 0;
        row->reason = floe_failure_reason_name(error->reason);
        copy(row->error, sizeof row->error, option_words(error->text));
        leave_out(row->error, " (--loopback allows it)"); /* this command has it not */
    }
}

static void on_packet(void *user_data, const floe_packet *packet)
{
    check_run *run = user_data;

    if (!run->stopping && !check_data_packet(run, packet)) {
        (void)check_outside_packet(run, packet);
    }
}

static void on_unreachable(void *user_data, uint32_t candidate_id, const floe_address *peer,
                           floe_unreachable reason)
{
    check_run *run = user_data;

    if (candidate_id != run->relay_id) {
        if (floe_address_equal(peer, &run->relay)) {
            check_outside_unreachable(run, reason);
        }
    } else if (reason == FLOE_UNREACHABLE_PROHIBITED && !check_outside_refused(run, peer)) {
        check_data_refused(run);
    }
}

static void on_trace(void *user_data, const floe_trace_event *event)
{
    check_run *run = user_data;
    const floe_settings *above = &run->checker->settings;

    if (event->realm != NULL && *event->realm != '\0') {
        copy(run->row->realm, sizeof run->row->realm, event->realm);
    }
    if (event->kind == FLOE_TRACE_SECURED) {
        copy(run->row->secured, sizeof run->row->secured, event->detail);
        run->row->secured_ms = (double)event->round_trip.ns / 1e6;
    }
    run->row->heard = run->row->heard || event->kind == FLOE_TRACE_RECEIVED;
    if (event->kind == FLOE_TRACE_RECEIVED && strcmp(event->method, "Allocate") == 0) {
        bool full = event->code == 486 || event->code == 508;
        run->full = run->full || full;
        run->row->crowded = full ? event->code : run->row->crowded;
    }
    if (event->kind == FLOE_TRACE_RECEIVED && strcmp(event->method, "CreatePermission") == 0) {
        run->outside.granted += event->code == 0;
        if (event->code != 0 && event->code != 401 && event->code != 438) {
            run->refused_code = event->code;
        }
    }
    if (above->on_trace != NULL) {
        above->on_trace(above->trace_user_data, event);
    }
}

/* ── The beginning ── */

/* What makes this row's gatherer another than the next one's. */
static void choose(check_run *run)
{
    floe_settings *settings = &run->settings;
    const check_row *row = run->row;

    *settings = run->checker->settings;
    run->filters = run->checker->command->filters;
    if (row->family != FLOE_FAMILY_NONE) {
        run->filters.family = row->family;
    }
    apply_filters(&run->filters, settings);
    settings->on_trace = on_trace;
    settings->trace_user_data = run;
    settings->trace_level = FLOE_TRACE_LEVEL_PACKET;
    if (*row->address != '\0' && strcmp(row->address, row->host) != 0) {
        (void)snprintf(run->host_address, sizeof run->host_address, "%s:%s", row->host,
                       row->address);
        run->host_addresses[0] = run->host_address;
        settings->host_addresses = run->host_addresses;
        settings->host_address_count = 1;
    }
}

static floe_error begin(check_run *run)
{
    floe_ice_server server = command_server_of(run->checker->command, run->row->url_number);
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    const char *url = run->row->url;

    server.urls = &url;
    server.url_count = 1;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    floe_error error = floe_api_new(&run->settings, &run->api);
    if (error == FLOE_OK) {
        error = floe_gatherer_new(run->api, &options, &run->gatherer);
    }
    if (error == FLOE_OK) {
        (void)floe_gatherer_on_local_candidate(run->gatherer, on_candidate, run);
        (void)floe_gatherer_on_error(run->gatherer, on_error, run);
        (void)floe_gatherer_on_packet(run->gatherer, on_packet, run);
        (void)floe_gatherer_on_unreachable(run->gatherer, on_unreachable, run);
        error = floe_gatherer_gather(run->gatherer);
    }
    return error;
}

static check_run *new_run(turn_checker *checker, check_row *row)
{
    check_run *run = calloc(1, sizeof *run);

    if (run == NULL) {
        return NULL;
    }
    while (checker->runs[run->slot] != NULL) {
        run->slot++;
    }
    checker->runs[run->slot] = run;
    checker->running++;
    run->before = checker->latest;
    checker->latest = run;
    run->checker = checker;
    run->row = row;
    (void)uv_timer_init(&checker->loop, &run->timer);
    (void)uv_timer_init(&checker->loop, &run->ending);
    run->timer.data = run->ending.data = run;
    run->handles = 2;
    return run;
}

void check_runs_free(turn_checker *checker)
{
    while (checker->latest != NULL) {
        check_run *run = checker->latest;
        checker->latest = run->before;
        free(run);
    }
}

bool check_run_begin(turn_checker *checker, check_row *row)
{
    uint32_t tcp =
        row->family == FLOE_FAMILY_IPV6 ? FLOE_NETWORK_TYPE_TCP6 : FLOE_NETWORK_TYPE_TCP4;
    check_run *run = new_run(checker, row);

    if (run == NULL) {
        screen_tell("floe: turn check: out of memory");
        return false;
    }
    row->state = CHECK_RUNS;
    row->began = uv_hrtime();
    row->verified = -1;
    row->reason = "";
    row->tcp_asked =
        check_is_stream(row->transport) && (checker->settings.network_types & tcp) != 0;
    choose(run);
    if (begin(run) != FLOE_OK) {
        screen_tell("floe: turn check: %s", option_words(floe_last_error()));
        row->state = CHECK_STOPPED;
        finish(run);
        return false;
    }
    return true;
}

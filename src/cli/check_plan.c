/* From URLs to rows: each transport that a URL can mean, each address that its host's name has. */
#include "cli/check.h"

#include "cli/output.h"
#include "cli/screen.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROWS_MAX 4096
#define ADDRESSES_MAX 16

/* A name whose addresses are looked up by the library, as it will do itself. */
typedef struct plan_name {
    char host[256];
    char addresses[ADDRESSES_MAX][FLOE_ADDRESS_TEXT_SIZE];
    size_t count;
    floe_gatherer *gatherer;
    unsigned asked; /* families */
    unsigned answered;
    char error[640]; /* why it has none */
    bool done;
} plan_name;

typedef struct planner {
    turn_checker *checker;
    floe_api *api;
    plan_name names[URLS_MAX];
    size_t name_count;
    uv_timer_t timer;
} planner;

typedef struct plan_url {
    size_t number;    /* in the command's list */
    const char *text; /* as it was given */
    bool secure;
    char host[256];
    uint16_t port;
    const char *transport; /* "": not said */
} plan_url;

/* What the library has found to be a URL. */
static void take_apart(const gather_command *command, size_t number, plan_url *of)
{
    const char *url = command->urls[number];
    const char *at = strchr(url, ':') + 1;
    bool bracketed = *at == '[';
    size_t size;

    *of = (plan_url){.number = number,
                     .text = url,
                     .secure = strncasecmp(url, "turns:", 6) == 0,
                     .transport = ""};
    at += bracketed;
    size = strcspn(at, bracketed ? "]" : ":?");
    (void)snprintf(of->host, sizeof of->host, "%.*s", (int)size, at);
    at += size + (bracketed && at[size] != '\0');
    of->port = of->secure ? 5349 : 3478;
    if (*at == ':') {
        of->port = (uint16_t)strtoul(at + 1, NULL, 10);
    }
    at = strchr(at, '=');
    of->transport = at != NULL ? at + 1 : "";
}

/* A list of --ice-servers has those too, which relay nothing. */
static bool is_listed_stun(const gather_command *command, size_t number)
{
    return number >= command->url_count_of_line &&
           strncasecmp(command->urls[number], "stun", 4) == 0;
}

static bool is_address(const char *host)
{
    floe_address address;

    return floe_address_parse(host, &address) == FLOE_OK;
}

/* ── Names ── */

static plan_name *find_name(planner *of, const char *host)
{
    for (size_t i = 0; i < of->name_count; i++) {
        if (strcasecmp(of->names[i].host, host) == 0) {
            return &of->names[i];
        }
    }
    return NULL;
}

static void add_addresses(plan_name *name, const char *list)
{
    while (*list != '\0' && name->count < ADDRESSES_MAX) {
        size_t size = strcspn(list, ", ");
        if (size > 0) {
            (void)snprintf(name->addresses[name->count++], sizeof *name->addresses, "%.*s",
                           (int)size, list);
        }
        list += size;
        list += strspn(list, ", ");
    }
}

static void on_timer(uv_timer_t *timer)
{
    planner *of = timer->data;
    bool done = true;

    for (size_t i = 0; i < of->name_count; i++) {
        plan_name *name = &of->names[i];
        name->done = name->done || (name->asked > 0 && name->answered >= name->asked);
        done = done && name->done;
    }
    if (done || of->checker->interrupted.came) {
        uv_stop(&of->checker->loop);
    }
}

static void on_trace(void *user_data, const floe_trace_event *event)
{
    planner *of = user_data;
    const floe_settings *above = &of->checker->settings;
    bool of_name = event->kind == FLOE_TRACE_LOOKS_UP || event->kind == FLOE_TRACE_FOUND ||
                   event->kind == FLOE_TRACE_NOT_FOUND;
    plan_name *name = of_name && event->name != NULL ? find_name(of, event->name) : NULL;

    if (name == NULL) {
        return;
    }
    if (event->kind == FLOE_TRACE_LOOKS_UP) {
        name->asked++;
    } else {
        name->answered++;
        add_addresses(name, event->kind == FLOE_TRACE_FOUND ? event->detail : "");
    }
    if (above->on_trace != NULL) {
        above->on_trace(above->trace_user_data, event);
    }
}

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    plan_name *name = user_data;

    name->done = name->done || candidate == NULL;
}

static void on_error(void *user_data, const floe_candidate_error *error)
{
    plan_name *name = user_data;

    if (error->reason == FLOE_FAILURE_REASON_DNS) {
        (void)snprintf(name->error, sizeof name->error, "%s", option_words(error->text));
    }
}

static void look_up(planner *of, plan_name *name)
{
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    char text[300];
    const char *url = text;

    (void)snprintf(text, sizeof text, "stun:%s", name->host);
    server.urls = &url;
    server.url_count = 1;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    options.gather_policy = FLOE_GATHER_POLICY_NOHOST;
    if (floe_gatherer_new(of->api, &options, &name->gatherer) == FLOE_OK) {
        (void)floe_gatherer_on_local_candidate(name->gatherer, on_candidate, name);
        (void)floe_gatherer_on_error(name->gatherer, on_error, name);
    }
    name->done = name->gatherer == NULL || floe_gatherer_gather(name->gatherer) != FLOE_OK;
}

static void look_up_all(planner *of)
{
    turn_checker *checker = of->checker;

    if (of->name_count == 0) {
        return;
    }
    for (size_t i = 0; i < of->name_count; i++) {
        look_up(of, &of->names[i]);
    }
    (void)uv_timer_init(&checker->loop, &of->timer);
    of->timer.data = of;
    (void)uv_timer_start(&of->timer, on_timer, 5, 5);
    (void)uv_run(&checker->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&of->timer, NULL);
    for (size_t i = 0; i < of->name_count; i++) {
        floe_gatherer_free(of->names[i].gatherer);
    }
    (void)uv_run(&checker->loop, UV_RUN_NOWAIT);
}

/* A proxy looks names up itself. */
static bool goes_by_proxy(const turn_checker *checker, check_transport transport)
{
    return checker->command->settings.proxy != NULL && check_is_stream(transport);
}

/* ── Rows ── */

static check_row *add_row(turn_checker *checker, const plan_url *url, check_transport transport)
{
    if (checker->row_count == ROWS_MAX) {
        return NULL;
    }
    if (checker->row_count % 64 == 0) {
        check_row *more = realloc(checker->rows, (checker->row_count + 64) * sizeof *more);
        if (more == NULL) {
            return NULL;
        }
        checker->rows = more;
    }
    check_row *row = &checker->rows[checker->row_count++];
    *row = (check_row){.url_number = url->number,
                       .transport = transport,
                       .port = url->port,
                       .reason = "",
                       .verified = -1};
    (void)snprintf(row->url, sizeof row->url, "%.*s?transport=%s", (int)strcspn(url->text, "?"),
                   url->text, check_is_stream(transport) ? "tcp" : "udp");
    (void)snprintf(row->host, sizeof row->host, "%s", url->host);
    return row;
}

static bool wants_family(const turn_checker *checker, uint8_t family)
{
    return checker->command->filters.family == FLOE_FAMILY_NONE ||
           checker->command->filters.family == family;
}

static bool add_address(turn_checker *checker, const plan_url *url, check_transport transport,
                        const char *address)
{
    floe_address parsed;
    check_row *row = add_row(checker, url, transport);

    if (row == NULL || floe_address_parse(address, &parsed) != FLOE_OK) {
        return row != NULL;
    }
    (void)snprintf(row->address, sizeof row->address, "%s", address);
    row->family = parsed.family;
    if (!wants_family(checker, row->family)) {
        row->state = CHECK_SKIPPED;
        (void)snprintf(row->error, sizeof row->error, "%s is left out (-4, -6)",
                       check_family_name(row->family));
    }
    return true;
}

/* From a local address of each family. */
static bool add_by_proxy(turn_checker *checker, const plan_url *url, check_transport transport)
{
    static const uint8_t families[] = {FLOE_FAMILY_IPV4, FLOE_FAMILY_IPV6};

    for (size_t i = 0; i < 2; i++) {
        check_row *row =
            wants_family(checker, families[i]) ? add_row(checker, url, transport) : NULL;
        if (row == NULL && wants_family(checker, families[i])) {
            return false;
        }
        if (row != NULL) {
            row->family = families[i];
        }
    }
    return true;
}

/* A name without addresses may have services still (SRV); else the row has failed by now, and would only wait for a silent
 * name server once more. */
static bool add_nameless(turn_checker *checker, const plan_url *url, check_transport transport,
                         const plan_name *name)
{
    check_row *row = add_row(checker, url, transport);

    if (row != NULL && name != NULL && *name->error != '\0' &&
        !checker->settings.service_discovery) {
        row->state = CHECK_FAILED;
        row->reason = floe_failure_reason_name(FLOE_FAILURE_REASON_DNS);
        (void)snprintf(row->error, sizeof row->error, "%s", name->error);
    }
    return row != NULL;
}

static bool add_transport(planner *of, const plan_url *url, check_transport transport)
{
    turn_checker *checker = of->checker;
    const plan_name *name = find_name(of, url->host);

    if (goes_by_proxy(checker, transport)) {
        return add_by_proxy(checker, url, transport);
    }
    if (is_address(url->host)) {
        return add_address(checker, url, transport, url->host);
    }
    if (name == NULL || name->count == 0) {
        return add_nameless(checker, url, transport, name);
    }
    for (size_t i = 0; i < name->count; i++) {
        if (!add_address(checker, url, transport, name->addresses[i])) {
            return false;
        }
    }
    return true;
}

static bool add_rows_of(planner *of, size_t number)
{
    plan_url url;
    bool good = true;

    if (is_listed_stun(of->checker->command, number)) {
        return true;
    }
    take_apart(of->checker->command, number, &url);
    if (url.secure && strcasecmp(url.transport, "udp") != 0) {
        good = add_transport(of, &url, CHECK_TLS);
    }
    if (good && strcasecmp(url.transport, "tcp") != 0) {
        good = add_transport(of, &url, url.secure ? CHECK_DTLS : CHECK_UDP);
    }
    if (good && !url.secure && strcasecmp(url.transport, "udp") != 0) {
        good = add_transport(of, &url, CHECK_TCP);
    }
    return good;
}

/* ── All ── */

static bool are_turn(const gather_command *command)
{
    for (size_t i = 0; i < command->url_count; i++) {
        const char *url = command->urls[i];
        if (!is_listed_stun(command, i) && strncasecmp(url, "turn:", 5) != 0 &&
            strncasecmp(url, "turns:", 6) != 0) {
            screen_tell("floe: turn check: \"%s\" is not a turn: or turns: URL", url);
            return false;
        }
    }
    return true;
}

/* What is wrong with a URL, or with a setting, is told before anything is sent. */
static floe_error try_options(planner *of)
{
    floe_settings settings = of->checker->settings;
    static floe_ice_server servers[SERVERS_MAX];
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_gatherer *gatherer = NULL;

    options.ice_servers = servers;
    options.ice_server_count = command_servers(of->checker->command, servers);
    settings.on_trace = on_trace;
    settings.trace_user_data = of;
    settings.trace_level = FLOE_TRACE_LEVEL_INFO;
    settings.service_discovery = false;
    floe_error error = floe_api_new(&settings, &of->api);
    if (error == FLOE_OK) {
        error = floe_gatherer_new(of->api, &options, &gatherer);
    }
    if (error != FLOE_OK) {
        screen_tell("floe: turn check: %s", option_words(floe_last_error()));
    }
    floe_gatherer_free(gatherer);
    return error;
}

static void find_names(planner *of)
{
    const gather_command *command = of->checker->command;
    plan_url url;

    for (size_t i = 0; i < command->url_count; i++) {
        if (is_listed_stun(command, i)) {
            continue;
        }
        take_apart(command, i, &url);
        bool direct = command->settings.proxy == NULL || strcasecmp(url.transport, "tcp") != 0;
        if (direct && !is_address(url.host) && find_name(of, url.host) == NULL) {
            (void)snprintf(of->names[of->name_count++].host, sizeof url.host, "%s", url.host);
        }
    }
}

bool check_plan(turn_checker *checker, int *status)
{
    planner *of = calloc(1, sizeof *of);
    bool good = of != NULL && are_turn(checker->command);

    *status = 2;
    if (good) {
        of->checker = checker;
        good = try_options(of) == FLOE_OK;
    }
    if (good) {
        find_names(of);
        look_up_all(of);
    }
    for (size_t i = 0; good && i < checker->command->url_count; i++) {
        good = add_rows_of(of, i);
    }
    if (of != NULL) {
        floe_api_free(of->api);
    }
    checker->plan = of; /* the trace may tell of it until the loop has ended */
    return good;
}

void check_plan_free(turn_checker *checker)
{
    free(checker->plan);
    free(checker->rows);
    checker->plan = checker->rows = NULL;
}

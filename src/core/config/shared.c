/* What the gatherers of one api share: settings, checked once, and accounts at TURN servers. */
#include "core/config/shared.h"

#include "base/error.h"
#include "base/name.h"
#include "core/config/rewrite.h"

#include <stdio.h>
#include <string.h>

/* A setting in milliseconds: 0 is the default, FLOE_NEVER no limit where that has a meaning. */
typedef struct time_setting {
    const char *name;
    uint32_t least;
    uint32_t most;
    uint32_t usual;
    bool may_be_never;
} time_setting;

static floe_error set_time(floe_duration *duration, uint32_t value, const time_setting *setting)
{
    if (value == FLOE_NEVER && setting->may_be_never) {
        *duration = (floe_duration){UINT64_MAX};
        return FLOE_OK;
    }
    if (value != 0 && (value < setting->least || value > setting->most)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "settings.%s is %u, not %u to %u",
                         setting->name, value, setting->least, setting->most);
    }
    *duration = floe_milliseconds(value == 0 ? setting->usual : value);
    return FLOE_OK;
}

static floe_error set_times(floe_core_shared *shared, const floe_settings *settings)
{
    static const time_setting gather_timeout = {"gather_timeout_ms", 1, 3600000, 5000, true};
    static const time_setting grace = {"straggler_grace_ms", 1, 3600000, 500, true};
    static const time_setting pacing = {"pacing_ms", 5, 10000, 5, false};
    static const time_setting rto = {"rto_ms", 500, 60000, 500, false};
    static const time_setting keepalive = {"keepalive_ms", 1000, 3600000, 15000, false};
    floe_error error =
        set_time(&shared->gather_timeout, settings->gather_timeout_ms, &gather_timeout);

    if (error == FLOE_OK) {
        error = set_time(&shared->straggler_grace, settings->straggler_grace_ms, &grace);
    }
    if (error == FLOE_OK) {
        error = set_time(&shared->pacing, settings->pacing_ms, &pacing);
    }
    if (error == FLOE_OK) {
        error = set_time(&shared->rto, settings->rto_ms, &rto);
    }
    if (error == FLOE_OK) {
        error = set_time(&shared->keepalive, settings->keepalive_ms, &keepalive);
    }
    return error;
}

/* P5: min alone reaches up to 65535, max alone down to 1024. */
static floe_error set_ports(floe_core_shared *shared, const floe_settings *settings)
{
    if (settings->port_min == 0 && settings->port_max == 0) {
        return FLOE_OK;
    }
    shared->port_min = settings->port_min != 0 ? settings->port_min : 1024;
    shared->port_max = settings->port_max != 0 ? settings->port_max : 65535;
    if (shared->port_min > shared->port_max) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings.port_min is %u, above settings.port_max, %u", shared->port_min,
                         shared->port_max);
    }
    return FLOE_OK;
}

void floe_shared_choose_port(const floe_core_shared *shared, uint16_t *port, uint16_t *left)
{
    uint32_t range = shared->port_max - shared->port_min + 1U;
    uint32_t offset = 0;

    *port = *left = 0;
    if (shared->port_min != 0) {
        (void)floe_random_below(&shared->random, range, &offset);
        *port = (uint16_t)(shared->port_min + offset);
        *left = (uint16_t)(range - 1);
    }
}

uint16_t floe_shared_next_port(const floe_core_shared *shared, uint16_t port)
{
    return port == shared->port_max ? shared->port_min : (uint16_t)(port + 1);
}

static floe_error set_network_types(floe_core_shared *shared, uint32_t types)
{
    const uint32_t udp = FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_UDP6;
    const uint32_t all = udp | FLOE_NETWORK_TYPE_TCP4 | FLOE_NETWORK_TYPE_TCP6;

    if ((types & ~all) != 0) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings.network_types is 0x%x: only 0x%x is built in", types, all);
    }
    shared->network_types = types == 0 ? udp : types;
    return FLOE_OK;
}

/* H2: one label, then "local". */
static bool is_mdns_name(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot != NULL && floe_name_same(dot, ".local") && dot - name <= 63 &&
           floe_name_valid(name, strlen(name));
}

static floe_error set_modes(floe_core_shared *shared, const floe_settings *settings)
{
    const char *name = settings->mdns_name;

    if ((unsigned)settings->ip_handling > FLOE_IP_HANDLING_PROXY_ONLY) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "settings.ip_handling is %d, none of the modes",
                         (int)settings->ip_handling);
    }
    if ((unsigned)settings->mdns_mode > FLOE_MDNS_MODE_QUERY_AND_GATHER) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "settings.mdns_mode is %d, none of the modes",
                         (int)settings->mdns_mode);
    }
    if ((unsigned)settings->trace_level > FLOE_TRACE_LEVEL_PACKET) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings.trace_level is %d, none of the levels",
                         (int)settings->trace_level);
    }
    shared->trace_level = (uint8_t)settings->trace_level;
    shared->ip_handling = (uint8_t)settings->ip_handling;
    shared->mdns_mode = (uint8_t)settings->mdns_mode;
    if (name == NULL) {
        return FLOE_OK;
    }
    if (!is_mdns_name(name)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings.mdns_name \"%.80s\" is not one label followed by .local", name);
    }
    size_t size = (size_t)(strchr(name, '.') - name) + strlen(".local"); /* no dot at the end */
    shared->mdns_name = floe_copy_text(&shared->allocator, name, size);
    return shared->mdns_name != NULL ? FLOE_OK : FLOE_ERR_NO_MEMORY;
}

static floe_error set_secure(floe_core_shared *shared, const floe_settings *settings)
{
    floe_secure_options options = {.ca_file = settings->tls_ca_file,
                                   .certificate_file = settings->tls_certificate_file,
                                   .key_file = settings->tls_key_file,
                                   .fingerprint = settings->tls_fingerprint,
                                   .insecure = settings->tls_insecure};
    bool usual = options.ca_file == NULL && options.certificate_file == NULL &&
                 options.key_file == NULL && options.fingerprint == NULL && !options.insecure;

    shared->insecure = options.insecure;
    return usual ? FLOE_OK /* made when a server wants it */
                 : floe_secure_context_new(&shared->allocator, &options, &shared->secure);
}

static floe_error set_proxy(floe_core_shared *shared, const floe_settings *settings)
{
    if (settings->proxy == NULL) {
        return FLOE_OK;
    }
    shared->proxy = floe_allocate(&shared->allocator, sizeof *shared->proxy);
    return shared->proxy != NULL ? floe_proxy_parse(settings->proxy, shared->proxy)
                                 : FLOE_ERR_NO_MEMORY;
}

static floe_error set_sizes(floe_core_shared *shared, const floe_settings *settings)
{
    uint32_t size = settings->send_queue_size;
    uint32_t receives = settings->receive_buffer_size;

    if (receives != 0 && (receives < 65536 || receives > 2097152)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings.receive_buffer_size is %u, not 65536 to 2097152", receives);
    }
    if (settings->udp_mux_port > UINT16_MAX && settings->udp_mux_port != FLOE_ANY_PORT) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings.udp_mux_port is %u, not 1 to 65535 or FLOE_ANY_PORT",
                         settings->udp_mux_port);
    }
    if (settings->udp_mux_port != 0 && settings->network_types != 0 &&
        (settings->network_types & (FLOE_NETWORK_TYPE_UDP4 | FLOE_NETWORK_TYPE_UDP6)) == 0) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings.udp_mux_port with settings.network_types that have TCP alone");
    }
    if (settings->tcp_mux_port > UINT16_MAX && settings->tcp_mux_port != FLOE_ANY_PORT) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings.tcp_mux_port is %u, not 1 to 65535 or FLOE_ANY_PORT",
                         settings->tcp_mux_port);
    }
    if (size != 0 && (size < 4096 || size > 67108864)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "settings.send_queue_size is %u, not 4096 to 67108864", size);
    }
    shared->queue_limit = size == 0 ? 262144 : size;
    return FLOE_OK;
}

floe_error floe_core_shared_new(const floe_settings *settings, const floe_random *random,
                                floe_core_shared **shared)
{
    floe_settings given = {0};

    if (random == NULL || random->fill == NULL || shared == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "floe_core_shared_new: NULL");
    }
    if (settings != NULL) {
        floe_take_struct(&given, settings, FLOE_SETTINGS_SIZES);
    }
    const floe_allocator *allocator =
        given.allocator != NULL ? given.allocator : &floe_default_allocator;
    floe_core_shared *made = floe_allocate(allocator, sizeof *made);
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    made->allocator = *allocator;
    made->random = *random;
    made->loopback = given.loopback;
    made->link_local = given.link_local;
    made->trace = given.on_trace != NULL;
    floe_list_init(&made->accounts);
    floe_list_init(&made->interface_names);
    floe_list_init(&made->urls);
    made->tcp_muxed = given.tcp_mux_port != 0;
    made->muxed = given.udp_mux_port != 0 || made->tcp_muxed;
    made->udp_mux_port = given.udp_mux_port != FLOE_ANY_PORT ? (uint16_t)given.udp_mux_port : 0;
    made->tcp_mux_port = given.tcp_mux_port != FLOE_ANY_PORT ? (uint16_t)given.tcp_mux_port : 0;
    made->ice_lite = given.ice_lite;
    made->avoid_costly_networks = given.avoid_costly_networks;
    made->tcp_simultaneous_open = given.tcp_simultaneous_open;
    made->tcp_reflexive = given.tcp_reflexive;
    made->service_discovery = given.service_discovery;
    made->addresses_max = given.addresses_max != 0 ? given.addresses_max : 16;
    floe_error error = set_times(made, &given);
    if (error == FLOE_OK) {
        error = set_ports(made, &given);
    }
    if (error == FLOE_OK) {
        error = set_network_types(made, given.network_types);
    }
    if (error == FLOE_OK) {
        error = set_modes(made, &given);
    }
    made->refuse_low_ports = given.refuse_low_ports;
    made->mobility = given.mobility;
    made->dont_fragment = given.dont_fragment;
    if (error == FLOE_OK) {
        error = floe_rewrites_new(made, &given);
    }
    if (error == FLOE_OK) {
        error = set_sizes(made, &given);
    }
    if (error == FLOE_OK) {
        error = set_proxy(made, &given);
    }
    if (error == FLOE_OK) {
        error = set_secure(made, &given);
    }
    if (error != FLOE_OK) {
        floe_shared_free(made);
        return error;
    }
    *shared = made;
    return FLOE_OK;
}

/* The shared part keeps one reference to each account, so that what it learned outlives the
 * gatherers. */
void floe_shared_free(floe_core_shared *shared)
{
    if (shared == NULL) {
        return;
    }
    FLOE_LIST_EACH_SAFE(account, &shared->accounts, floe_turn_account, link)
    {
        floe_turn_account_release(account);
    }
    floe_rewrites_free(shared);
    floe_secure_context_free(shared->secure);
    floe_allocator allocator = shared->allocator;
    floe_deallocate(&allocator, shared->plain);
    if (shared->proxy != NULL) {
        floe_wipe(shared->proxy, sizeof *shared->proxy);
        floe_deallocate(&allocator, shared->proxy);
    }
    floe_deallocate(&allocator, shared->mdns_name);
    floe_deallocate(&allocator, shared->traced);
    floe_deallocate(&allocator, shared);
}

/* The context may be made later. */
void floe_core_shared_promise_trust(floe_core_shared *shared)
{
    shared->trust_promised = true;
    if (shared->secure != NULL) {
        floe_secure_context_promise_trust(shared->secure);
    }
}

bool floe_core_shared_wants_trust(floe_core_shared *shared)
{
    return shared->secure != NULL && floe_secure_context_wants_trust(shared->secure);
}

void floe_core_shared_read_trust(floe_core_shared *shared, bool readable)
{
    floe_secure_context_read_trust(shared->secure, readable);
}

uint64_t floe_core_shared_dropped(const floe_core_shared *shared)
{
    return shared->dropped;
}

/* Accounts are remembered for all servers and users that were seen; a program that makes up new
 * ones without end (REST credentials, say) must not fill memory with them. What is in use is not
 * forgotten, so the same user at the same server is the same account. */
#define ACCOUNTS_MAX 64

static void forget_idle(floe_core_shared *shared)
{
    floe_turn_account *oldest = NULL;
    size_t idle = 0;

    FLOE_LIST_EACH(account, &shared->accounts, floe_turn_account, link)
    {
        if (account->references == 1) { /* ours alone */
            oldest = oldest == NULL ? account : oldest;
            idle++;
        }
    }
    if (idle >= ACCOUNTS_MAX) {
        floe_turn_account_release(oldest);
    }
}

floe_error floe_shared_account(floe_core_shared *shared, const floe_url *url, const char *username,
                               const char *credential, const floe_turn_token *token,
                               floe_turn_account **account)
{
    char server[FLOE_URL_PLACE_SIZE];

    floe_url_place(url, server);
    FLOE_LIST_EACH(known, &shared->accounts, floe_turn_account, link)
    {
        if (strcmp(known->server, server) == 0 &&
            floe_turn_account_is(known, username, credential, token)) {
            floe_list_remove(&known->link); /* the latest that was used */
            floe_list_append(&shared->accounts, &known->link);
            *account = floe_turn_account_share(known);
            return FLOE_OK;
        }
    }
    floe_turn_account *made;
    floe_error error = floe_turn_account_new(&shared->allocator, &shared->random, server, username,
                                             credential, token, &made);
    if (error != FLOE_OK) {
        return error;
    }
    forget_idle(shared);
    floe_list_append(&shared->accounts, &made->link);
    *account = floe_turn_account_share(made);
    return FLOE_OK;
}

static floe_shared_url *new_url(const floe_allocator *allocator, const floe_url *url)
{
    size_t text = strlen(url->text) + 1;
    size_t host = strlen(url->host) + 1;
    floe_shared_url *made = floe_allocate(allocator, sizeof *made + text + host);

    if (made != NULL) {
        made->url = *url;
        made->url.text = memcpy(made->texts, url->text, text);
        made->url.host = memcpy(made->texts + text, url->host, host);
    }
    return made;
}

const floe_url *floe_shared_url_of(floe_core_shared *shared, const floe_url *url)
{
    FLOE_LIST_EACH(known, &shared->urls, floe_shared_url, link)
    {
        if (known->url.turn == url->turn && strcmp(known->url.text, url->text) == 0) {
            known->users++;
            return &known->url;
        }
    }
    floe_shared_url *made = new_url(&shared->allocator, url);
    if (made == NULL) {
        return NULL;
    }
    made->users = 1;
    floe_list_append(&shared->urls, &made->link);
    return &made->url;
}

void floe_shared_forget_url(const floe_core_shared *shared, const floe_url *url)
{
    floe_shared_url *of = url != NULL ? FLOE_CONTAINER(url, floe_shared_url, url) : NULL;

    if (of != NULL && --of->users == 0) {
        floe_list_remove(&of->link);
        floe_deallocate(&shared->allocator, of);
    }
}

floe_interface_name *floe_shared_interface_name(floe_core_shared *shared, const char *text)
{
    size_t size = strlen(text);

    size = size < FLOE_INTERFACE_NAME_MAX ? size : FLOE_INTERFACE_NAME_MAX;
    FLOE_LIST_EACH(known, &shared->interface_names, floe_interface_name, link)
    {
        if (strncmp(known->text, text, size) == 0 && known->text[size] == '\0') {
            known->users++;
            return known;
        }
    }
    floe_interface_name *made = floe_allocate(&shared->allocator, sizeof *made + size + 1);
    if (made != NULL) {
        memcpy(made->text, text, size);
        made->users = 1;
        floe_list_append(&shared->interface_names, &made->link);
    }
    return made;
}

void floe_shared_forget_interface_name(floe_core_shared *shared, floe_interface_name *name)
{
    if (name != NULL && --name->users == 0) {
        floe_list_remove(&name->link);
        floe_deallocate(&shared->allocator, name);
    }
}

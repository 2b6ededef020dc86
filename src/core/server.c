/* Servers: the options' URLs, checked and copied; the looking up of their names. */
#include "base/error.h"
#include "core/gatherer.h"

#include <string.h>

#define USERNAME_MAX 508 /* S2 */

/* The n-th server of an array whose elements have the size that the caller was compiled with. */
static floe_ice_server ice_server_at(const floe_gather_options *options, size_t n)
{
    floe_ice_server server = {0};
    const floe_ice_server *first = options->ice_servers;
    size_t size = first->size == 0 ? sizeof server : first->size;

    memcpy(&server, (const char *)first + n * size, size < sizeof server ? size : sizeof server);
    return server;
}

static floe_error check_credential(const floe_ice_server *server, size_t n, const char *url)
{
    if (server->credential_type != FLOE_CREDENTIAL_TYPE_PASSWORD) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "ice_servers[%zu].credential_type is %d", n,
                         (int)server->credential_type);
    }
    if (server->username == NULL || *server->username == '\0') {
        return floe_fail(FLOE_ERR_INVALID_ACCESS, "ice_servers[%zu].username is missing for %.150s",
                         n, url);
    }
    if (server->credential == NULL || *server->credential == '\0') {
        return floe_fail(FLOE_ERR_INVALID_ACCESS,
                         "ice_servers[%zu].credential is missing for %.150s", n, url);
    }
    if (strlen(server->username) > USERNAME_MAX) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "ice_servers[%zu].username has %zu bytes, more than %d", n,
                         strlen(server->username), USERNAME_MAX);
    }
    return FLOE_OK;
}

static bool same_server(const floe_server *a, const floe_url *url, const floe_turn_account *account)
{
    return a->url->turn == url->turn && a->url->transport == url->transport &&
           a->url->port == url->port && strcmp(a->url->host, url->host) == 0 &&
           a->account == account;
}

static void server_release(const floe_core *core, floe_server *server)
{
    const floe_allocator *allocator = &core->shared->allocator;

    floe_untell(&server->output);
    floe_untell(&server->lookups[0].output);
    floe_untell(&server->lookups[1].output);
    floe_failure_release(core, &server->failure);
    floe_turn_account_release(server->account);
    floe_deallocate(allocator, server->addresses);
    floe_deallocate(allocator, server->url);
    floe_deallocate(allocator, server->text);
}

static floe_error add_url(floe_core *core, const floe_ice_server *given, size_t n, size_t m)
{
    const floe_allocator *allocator = &core->shared->allocator;
    floe_server *server = &core->servers[core->server_count];
    const char *text = given->urls[m];
    floe_error error;
    floe_url url;

    if (text == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "ice_servers[%zu].urls[%zu] is NULL", n, m);
    }
    error = floe_url_parse(text, &url);
    if (error == FLOE_OK && url.turn) {
        error = check_credential(given, n, text);
    }
    if (error != FLOE_OK) {
        return error;
    }
    *server = (floe_server){.index = (uint16_t)core->server_count};
    if (url.turn) {
        error = floe_shared_account(core->shared, &url, given->username, given->credential,
                                    &server->account);
        if (error != FLOE_OK) {
            return error;
        }
    }
    for (size_t i = 0; i < core->server_count; i++) {
        if (same_server(&core->servers[i], &url, server->account)) {
            floe_turn_account_release(server->account); /* S4: gathered once */
            return FLOE_OK;
        }
    }
    server->text = floe_copy_text(allocator, text, strlen(text));
    server->url = floe_allocate(allocator, sizeof *server->url);
    if (server->text == NULL || server->url == NULL) {
        server_release(core, server);
        return FLOE_ERR_NO_MEMORY;
    }
    *server->url = url;
    for (size_t i = 0; i < 2; i++) {
        server->lookups[i].server = server;
        server->lookups[i].family = i == 0 ? FLOE_FAMILY_IPV4 : FLOE_FAMILY_IPV6;
    }
    core->server_count++;
    return FLOE_OK;
}

#define URLS_MAX 1024U

floe_error floe_servers_new(floe_core *core, const floe_gather_options *options)
{
    size_t urls = 0;

    if (options->ice_server_count > 0 && options->ice_servers == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "ice_servers is NULL, ice_server_count is %zu",
                         options->ice_server_count);
    }
    for (size_t n = 0; n < options->ice_server_count; n++) {
        floe_ice_server given = ice_server_at(options, n);
        if (given.url_count > 0 && given.urls == NULL) {
            return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "ice_servers[%zu].urls is NULL", n);
        }
        if (given.url_count == 0) {
            return floe_fail(FLOE_ERR_SYNTAX, "ice_servers[%zu] has no URL", n);
        }
        if (given.url_count > URLS_MAX - urls) {
            return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "ice_servers has more than %u URLs",
                             URLS_MAX);
        }
        urls += given.url_count;
    }
    if (urls == 0) {
        return FLOE_OK;
    }
    core->servers = floe_allocate(&core->shared->allocator, urls * sizeof *core->servers);
    if (core->servers == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    for (size_t n = 0; n < options->ice_server_count; n++) {
        floe_ice_server given = ice_server_at(options, n);
        for (size_t m = 0; m < given.url_count; m++) {
            floe_error error = add_url(core, &given, n, m);
            if (error != FLOE_OK) {
                return error;
            }
        }
    }
    return FLOE_OK;
}

void floe_servers_free(floe_core *core)
{
    for (size_t i = 0; i < core->server_count; i++) {
        server_release(core, &core->servers[i]);
    }
    floe_deallocate(&core->shared->allocator, core->servers);
}

/* By a transport that is there. */
static bool supported(const floe_server *server)
{
    return server->url->transport == FLOE_PROTOCOL_UDP;
}

/* Whether it can give anything under the policy. */
static bool applies(const floe_core *core, const floe_server *server)
{
    return server->url->turn || core->policy != FLOE_GATHER_POLICY_RELAY;
}

/* The URL failed, for a reason that belongs to no base. */
static void fail(floe_core *core, floe_server *server, floe_failure_kind kind, uint8_t detail)
{
    if (server->told_failed) {
        return;
    }
    server->told_failed = true;
    server->failure = (floe_failure){.kind = (uint8_t)kind, .detail = detail};
    floe_tell(core, &server->output, FLOE_OUTPUT_SERVER_ERROR);
}

/* Names. */

static bool set_addresses(floe_core *core, floe_server *server, const floe_address *addresses,
                          size_t count, uint8_t family)
{
    size_t room = server->address_count + (count < FLOE_ADDRESSES_MAX ? count : FLOE_ADDRESSES_MAX);
    floe_address *all = floe_allocate(&core->shared->allocator, room * sizeof *all);

    if (all == NULL) {
        return false;
    }
    if (server->address_count > 0) {
        memcpy(all, server->addresses, server->address_count * sizeof *all);
    }
    for (size_t i = 0; i < count && server->address_count < room; i++) {
        floe_address address = floe_address_with_port(addresses[i], server->url->port);
        if (address.family == family && floe_address_believable(core, &address)) {
            all[server->address_count++] = address;
        }
    }
    floe_deallocate(&core->shared->allocator, server->addresses);
    server->addresses = all;
    return true;
}

static void begin_server(floe_core *core, floe_server *server)
{
    const floe_address *literal = &server->url->literal;

    if (!applies(core, server)) {
        return;
    }
    if (!supported(server)) {
        fail(core, server, FLOE_FAILURE_UNSUPPORTED, 0);
        return;
    }
    if (literal->family != FLOE_FAMILY_NONE) {
        server->addresses = floe_allocate(&core->shared->allocator, sizeof *server->addresses);
        if (server->addresses == NULL) {
            fail(core, server, FLOE_FAILURE_MEMORY, 0);
            return;
        }
        /* What the user wrote is asked, loopback too. */
        server->addresses[0] = *literal;
        server->address_count = 1;
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        floe_lookup *lookup = &server->lookups[i];
        if (floe_bases_have_family(core, lookup->family)) {
            lookup->state = FLOE_LOOKUP_PENDING;
            lookup->query = ++core->last_query;
            floe_tell(core, &lookup->output, FLOE_OUTPUT_RESOLVE);
        }
    }
}

void floe_servers_begin(floe_core *core)
{
    if (floe_list_empty(&core->bases)) {
        return; /* E2: nobody could ask */
    }
    for (size_t i = 0; i < core->server_count; i++) {
        begin_server(core, &core->servers[i]);
    }
}

bool floe_server_pending(const floe_server *server)
{
    return server->lookups[0].state == FLOE_LOOKUP_PENDING ||
           server->lookups[1].state == FLOE_LOOKUP_PENDING;
}

/* E2: an error only if the name is wrong or its server fails, and somebody could have asked. A name
 * that has addresses, but none of the one family that we have, does not apply to us. */
static void judge_names(floe_core *core, floe_server *server)
{
    uint8_t error = FLOE_OK;
    unsigned asked = 0;

    bool could_ask = floe_bases_have_family(core, FLOE_FAMILY_IPV4) ||
                     floe_bases_have_family(core, FLOE_FAMILY_IPV6);

    if (floe_server_pending(server) || server->address_count > 0 || !could_ask) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        asked += server->lookups[i].state == FLOE_LOOKUP_DONE;
        if (server->lookups[i].error != FLOE_OK) {
            error = server->lookups[i].error;
        }
    }
    if (error != FLOE_OK || asked == 2) {
        fail(core, server, FLOE_FAILURE_NAME, error);
    }
}

void floe_lookup_done(floe_core *core, floe_time now, uint32_t query, floe_error error,
                      const floe_address *addresses, size_t count)
{
    for (size_t i = 0; i < 2 * core->server_count; i++) {
        floe_server *server = &core->servers[i / 2];
        floe_lookup *lookup = &server->lookups[i % 2];
        if (lookup->state != FLOE_LOOKUP_PENDING || lookup->query != query) {
            continue;
        }
        lookup->state = FLOE_LOOKUP_DONE;
        lookup->error = (uint8_t)-error;
        if (error == FLOE_OK && count > 0 &&
            !set_addresses(core, server, addresses, count, lookup->family)) {
            lookup->error = (uint8_t)-FLOE_ERR_NO_MEMORY;
        }
        judge_names(core, server);
        FLOE_LIST_EACH(base, &core->bases, floe_base, link)
        {
            floe_pairs_make(core, now, base);
        }
        return;
    }
}

void floe_servers_give_up(floe_core *core, floe_time now)
{
    for (size_t i = 0; i < 2 * core->server_count; i++) {
        floe_lookup *lookup = &core->servers[i / 2].lookups[i % 2];
        if (lookup->state == FLOE_LOOKUP_PENDING) {
            floe_untell(&lookup->output);
            floe_lookup_done(core, now, lookup->query, FLOE_ERR_TIMED_OUT, NULL, 0);
        }
    }
}

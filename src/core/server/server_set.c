/* The options' URLs, checked and copied (S1, S2, S4). */
#include "core/server/server_set.h"

#include "base/error.h"
#include "base/opaque_string.h"
#include "core/config/shared.h"
#include "core/core.h"

#include <stdio.h>
#include <string.h>

#define USERNAME_MAX 508 /* S2 */

/* The n-th server of an array whose elements have the size that the caller was compiled with. */
static floe_ice_server ice_server_at(const floe_gather_options *options, size_t n)
{
    floe_ice_server server = {0};

    floe_take_nth(&server, options->ice_servers, n, FLOE_ICE_SERVER_SIZES);
    return server;
}

static floe_error missing(size_t n, const char *field, const char *url)
{
    return floe_fail(FLOE_ERR_INVALID_ACCESS, "ice_servers[%zu].%s is missing for %.150s", n, field,
                     url);
}

static bool absent(const char *text)
{
    return text == NULL || *text == '\0';
}

/* Base64 into `to`; the sentence names the field. */
static floe_error decode(size_t n, const char *field, const char *text, size_t least, uint8_t *to,
                         size_t room, size_t *size)
{
    if (!floe_base64_decode(text, to, room, size) || *size < least) {
        return floe_fail(FLOE_ERR_SYNTAX, "ice_servers[%zu].%s is no base64 of %zu to %zu bytes", n,
                         field, least, room);
    }
    return FLOE_OK;
}

static floe_error read_token(const floe_ice_server *given, size_t n, const char *url,
                             floe_turn_token *token)
{
    if (absent(given->mac_key)) {
        return missing(n, "mac_key", url);
    }
    if (absent(given->access_token)) {
        return missing(n, "access_token", url);
    }
    floe_error error =
        decode(n, "mac_key", given->mac_key, 16, token->key, sizeof token->key, &token->key_size);
    if (error == FLOE_OK) {
        error = decode(n, "access_token", given->access_token, 1, token->bytes, sizeof token->bytes,
                       &token->size);
    }
    return error;
}

/* The account of the URL by its prepared user name, and password or token. */
static floe_error account_of(floe_core_shared *shared, const floe_ice_server *given, size_t n,
                             const char *text, const floe_url *url, const char *username,
                             floe_turn_account **account)
{
    char field[48];
    char *password = NULL;

    if (given->credential_type == FLOE_CREDENTIAL_TYPE_OAUTH) {
        floe_turn_token token = {0};
        floe_error error = read_token(given, n, text, &token);
        if (error == FLOE_OK) {
            error = floe_shared_account(shared, url, username, NULL, &token, account);
        }
        floe_wipe(&token, sizeof token);
        return error;
    }
    if (absent(given->credential)) {
        return missing(n, "credential", text);
    }
    (void)snprintf(field, sizeof field, "ice_servers[%zu].credential", n);
    floe_error error = floe_opaque_string(&shared->allocator, field, given->credential, &password);
    if (error == FLOE_OK) {
        error = floe_shared_account(shared, url, username, password, NULL, account);
        floe_wipe(password, strlen(password));
        floe_deallocate(&shared->allocator, password);
    }
    return error;
}

static floe_error check_credential(floe_core_shared *shared, const floe_ice_server *given, size_t n,
                                   const char *text, const floe_url *url,
                                   floe_turn_account **account)
{
    char field[48];
    char *username = NULL;

    if (given->credential_type != FLOE_CREDENTIAL_TYPE_PASSWORD &&
        given->credential_type != FLOE_CREDENTIAL_TYPE_OAUTH) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "ice_servers[%zu].credential_type is %d", n,
                         (int)given->credential_type);
    }
    if (absent(given->username)) {
        return missing(n, "username", text);
    }
    (void)snprintf(field, sizeof field, "ice_servers[%zu].username", n);
    floe_error error = floe_opaque_string(&shared->allocator, field, given->username, &username);
    if (error == FLOE_OK && strlen(username) > USERNAME_MAX) {
        error = floe_fail(FLOE_ERR_INVALID_ARGUMENT, "%s has %zu bytes, more than %d", field,
                          strlen(username), USERNAME_MAX);
    }
    if (error == FLOE_OK) {
        error = account_of(shared, given, n, text, url, username, account);
    }
    floe_deallocate(&shared->allocator, username);
    return error;
}

bool floe_server_is(const floe_server *a, const floe_url *url, const floe_turn_account *account)
{
    return floe_url_same_place(a->url, url) && a->account == account;
}

static void server_release(const floe_core_shared *shared, floe_server *server)
{
    const floe_allocator *allocator = &shared->allocator;

    floe_untell(&server->output);
    floe_names_reset(shared, server);
    FLOE_RING_EACH_SAFE(refusal, &server->refusals, floe_refusal, link)
    {
        floe_ring_remove(&server->refusals, &refusal->link);
        floe_deallocate(allocator, refusal);
    }
    floe_turn_account_release(server->account);
    floe_shared_forget_url(shared, server->url);
}

/* Takes the reference to the account over. */
static floe_error add_server(floe_core_shared *shared, floe_server_set *set, const floe_url *url,
                             floe_turn_account *account)
{
    floe_server *server = &set->servers[set->count];

    for (size_t i = 0; i < set->count; i++) {
        if (floe_server_is(&set->servers[i], url, account)) {
            floe_turn_account_release(account); /* S4: gathered once */
            return FLOE_OK;
        }
    }
    *server = (floe_server){.index = (uint16_t)set->count, .account = account};
    server->url = floe_shared_url_of(shared, url);
    if (server->url == NULL) {
        server_release(shared, server);
        return FLOE_ERR_NO_MEMORY;
    }
    set->count++;
    return FLOE_OK;
}

/* P8: whether the options leave anything to ask of it. A TURN server from which no relay is wanted is
 * a STUN server. */
static bool is_wanted(const floe_server_set *set, floe_url *url)
{
    bool relay = (set->types & FLOE_GATHER_TYPE_RELAY) != 0;
    bool reflexive = (set->types & FLOE_GATHER_TYPE_SRFLX) != 0;

    if (!url->turn) {
        return true; /* policy hides what it shows, and asks it no more */
    }
    if ((set->transports & FLOE_TRANSPORT_BIT(url->transport)) == 0) {
        return false;
    }
    url->turn = relay;
    return relay || (reflexive && url->transport == FLOE_PROTOCOL_UDP);
}

static floe_error add_url(floe_core_shared *shared, floe_server_set *set,
                          const floe_ice_server *given, size_t n, size_t m)
{
    const char *text = given->urls[m];
    floe_turn_account *account = NULL;
    char host[FLOE_HOST_SIZE];
    floe_url url;

    if (text == NULL) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "ice_servers[%zu].urls[%zu] is NULL", n, m);
    }
    floe_error error = floe_url_parse(text, &url, host);
    if (error == FLOE_OK && url.turn) {
        error = check_credential(shared, given, n, text, &url, &account);
    }
    bool wanted = error == FLOE_OK && is_wanted(set, &url);
    if (!wanted || !url.turn) {
        floe_turn_account_release(account);
        account = NULL;
    }
    return wanted ? add_server(shared, set, &url, account) : error;
}

#define URLS_MAX 1024U

static floe_error count_urls(const floe_gather_options *options, size_t *urls)
{
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
        if (given.url_count > URLS_MAX - *urls) {
            return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "ice_servers has more than %u URLs",
                             URLS_MAX);
        }
        *urls += given.url_count;
    }
    return FLOE_OK;
}

static floe_server_set *set_with_room(const floe_core_shared *shared, size_t count)
{
    floe_server_set *set;

    return floe_allocate(&shared->allocator, sizeof *set + count * sizeof *set->servers);
}

static floe_error copy_mid(const floe_core_shared *shared, floe_server_set *set, const char *mid)
{
    size_t size = mid != NULL ? strlen(mid) : 0;

    if (size > 255) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "sdp_mid has %zu bytes, more than 255", size);
    }
    if (mid != NULL) {
        set->sdp_mid = floe_copy_text(&shared->allocator, mid, size);
    }
    return mid == NULL || set->sdp_mid != NULL ? FLOE_OK : FLOE_ERR_NO_MEMORY;
}

static floe_error check_sets(const floe_gather_options *options)
{
    if ((options->candidate_types & ~(uint32_t)FLOE_GATHER_TYPES) != 0) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "options.candidate_types is 0x%x, more than 0x%x",
                         options->candidate_types, FLOE_GATHER_TYPES);
    }
    if ((options->relay_transports & ~(uint32_t)FLOE_RELAY_TRANSPORTS) != 0) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "options.relay_transports is 0x%x, more than 0x%x",
                         options->relay_transports, FLOE_RELAY_TRANSPORTS);
    }
    return FLOE_OK;
}

floe_error floe_server_set_new(floe_core_shared *shared, const floe_gather_options *options,
                               floe_server_set **set)
{
    size_t urls = 0;
    floe_error error = check_sets(options);

    if (error == FLOE_OK) {
        error = count_urls(options, &urls);
    }

    if (error != FLOE_OK) {
        return error;
    }
    if ((unsigned)options->gather_policy > FLOE_GATHER_POLICY_RELAY) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "gather_policy is %d, none of the policies",
                         (int)options->gather_policy);
    }
    floe_server_set *made = set_with_room(shared, urls);
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    made->policy = (uint8_t)options->gather_policy;
    made->types =
        (uint8_t)(options->candidate_types != 0 ? options->candidate_types : FLOE_GATHER_TYPES);
    made->transports = (uint8_t)(options->relay_transports != 0 ? options->relay_transports
                                                                : FLOE_RELAY_TRANSPORTS);
    made->sdp_mline_index = options->sdp_mline_index;
    made->even_port = options->even_port;
    made->continual = options->continual;
    error = copy_mid(shared, made, options->sdp_mid);
    for (size_t n = 0; n < options->ice_server_count && error == FLOE_OK; n++) {
        floe_ice_server given = ice_server_at(options, n);
        for (size_t m = 0; m < given.url_count && error == FLOE_OK; m++) {
            error = add_url(shared, made, &given, n, m);
        }
    }
    if (error != FLOE_OK) {
        floe_server_set_free(shared, made);
        return error;
    }
    *set = made;
    return FLOE_OK;
}

floe_server_set *floe_server_set_copy(const floe_core *core, const floe_server_set *set)
{
    floe_server_set *made = set_with_room(core->shared, set->count);
    floe_error error =
        made == NULL ? FLOE_ERR_NO_MEMORY : copy_mid(core->shared, made, set->sdp_mid);

    for (size_t i = 0; i < set->count && error == FLOE_OK; i++) {
        const floe_server *server = &set->servers[i];
        floe_turn_account *account =
            server->account != NULL ? floe_turn_account_share(server->account) : NULL;
        error = add_server(core->shared, made, server->url, account);
    }
    if (error != FLOE_OK) {
        floe_server_set_free(core->shared, made);
        return NULL;
    }
    made->policy = set->policy;
    made->types = set->types;
    made->transports = set->transports;
    made->sdp_mline_index = set->sdp_mline_index;
    made->even_port = set->even_port;
    made->continual = set->continual;
    return made;
}

floe_server_set *floe_server_set_alone(floe_core_shared *shared, const floe_server *server,
                                       uint8_t types, uint8_t transports)
{
    floe_server_set *made = set_with_room(shared, 1);
    floe_turn_account *account =
        server->account != NULL ? floe_turn_account_share(server->account) : NULL;

    if (made == NULL || add_server(shared, made, server->url, account) != FLOE_OK) {
        if (made == NULL && account != NULL) {
            floe_turn_account_release(account);
        }
        floe_server_set_free(shared, made);
        return NULL;
    }
    made->types = types;
    made->transports = transports;
    return made;
}

void floe_server_set_free(const floe_core_shared *shared, floe_server_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        server_release(shared, &set->servers[i]);
    }
    floe_deallocate(&shared->allocator, set->sdp_mid);
    floe_deallocate(&shared->allocator, set);
}

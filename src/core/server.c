/* Servers: the options' URLs, checked and copied, and one set of them put in another's place. */
#include "base/crypto.h"
#include "base/error.h"
#include "base/opaque_string.h"
#include "core/gatherer.h"

#include <stdio.h>
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

/* The same place asked by the same user. */
static bool same_server(const floe_server *a, const floe_url *url, const floe_turn_account *account)
{
    return floe_url_same_place(a->url, url) && a->account == account;
}

static void server_release(const floe_core_shared *shared, floe_server *server)
{
    const floe_allocator *allocator = &shared->allocator;

    floe_untell(&server->output);
    floe_names_reset(shared, server);
    FLOE_LIST_EACH_SAFE(refusal, &server->refusals, floe_refusal, link)
    {
        floe_list_remove(&refusal->link);
        floe_deallocate(allocator, refusal);
    }
    floe_turn_account_release(server->account);
    floe_deallocate(allocator, server->url);
    floe_deallocate(allocator, server->text);
}

/* Takes the reference to the account over. */
static floe_error add_server(floe_core_shared *shared, floe_server_set *set, const char *text,
                             const floe_url *url, floe_turn_account *account)
{
    floe_server *server = &set->servers[set->count];

    for (size_t i = 0; i < set->count; i++) {
        if (same_server(&set->servers[i], url, account)) {
            floe_turn_account_release(account); /* S4: gathered once */
            return FLOE_OK;
        }
    }
    *server = (floe_server){.index = (uint16_t)set->count, .account = account};
    floe_names_init(server);
    floe_list_init(&server->pairs);
    floe_list_init(&server->refusals);
    server->text = floe_copy_text(&shared->allocator, text, strlen(text));
    server->url = floe_url_copy(&shared->allocator, url);
    if (server->text == NULL || server->url == NULL) {
        server_release(shared, server);
        return FLOE_ERR_NO_MEMORY;
    }
    set->count++;
    return FLOE_OK;
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
    return error == FLOE_OK ? add_server(shared, set, text, &url, account) : error;
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
    floe_server_set *set =
        floe_allocate(&shared->allocator, sizeof *set + count * sizeof *set->servers);

    if (set != NULL) {
        floe_list_init(&set->link);
    }
    return set;
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

floe_error floe_server_set_new(floe_core_shared *shared, const floe_gather_options *options,
                               floe_server_set **set)
{
    size_t urls = 0;
    floe_error error = count_urls(options, &urls);

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
    made->policy = options->gather_policy;
    made->sdp_mline_index = options->sdp_mline_index;
    made->even_port = options->even_port;
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
        error = add_server(core->shared, made, server->text, server->url, account);
    }
    if (error != FLOE_OK) {
        floe_server_set_free(core->shared, made);
        return NULL;
    }
    made->policy = set->policy;
    made->sdp_mline_index = set->sdp_mline_index;
    made->even_port = set->even_port;
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
    floe_list_remove(&set->link);
    floe_deallocate(&shared->allocator, set->sdp_mid);
    floe_deallocate(&shared->allocator, set);
}

/* One set in another's place (L12). */

static floe_server *heir_of(floe_server_set *set, const floe_server *server)
{
    for (size_t i = 0; i < set->count; i++) {
        if (same_server(&set->servers[i], server->url, server->account)) {
            return &set->servers[i];
        }
    }
    return NULL;
}

/* What it has refused it refuses still (RFC 8656 §7.4). */
static void hand_over_refusals(floe_server *server)
{
    for (floe_list *link;
         server->heir != NULL && (link = floe_list_take(&server->refusals)) != NULL;) {
        floe_list_append(&server->heir->refusals, link);
    }
}

static bool has(const floe_server_set *set, const floe_server *server)
{
    return server != NULL && server >= set->servers && server < set->servers + set->count;
}

/* One that serves goes on until it is replaced (floe_relays_leave), or its server is there again; one
 * that was lost is asked for by who comes in the server's place. */
static void hand_over_relays(floe_core *core, floe_time now, const floe_server_set *before)
{
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (floe_server_current(core, relay->server)) {
            continue; /* it has just been passed on */
        }
        if (relay->server->heir != NULL) {
            bool former = !has(before, relay->server); /* and is the owner's again */
            relay->leaves = former ? FLOE_TIME_NEVER : relay->leaves;
            relay->server = relay->server->heir;
        } else if (floe_relay_lives(relay) && !floe_relay_is_had(relay)) {
            floe_relay_pass_on(core, now, relay);
        }
    }
}

/* One without an heir may be claimed by another URL of the same address, when that is known (R6);
 * those that are not go when the gathering is complete (floe_bindings_sweep). */
static void hand_over_bindings(floe_base *base)
{
    FLOE_LIST_EACH(binding, &base->bindings, floe_binding, link)
    {
        if (binding->server->heir != NULL) {
            binding->server = binding->server->heir;
        }
    }
}

bool floe_server_current(const floe_core *core, const floe_server *server)
{
    for (size_t i = 0; i < core->set->count; i++) {
        if (server == &core->set->servers[i]) {
            return true;
        }
    }
    return false;
}

void floe_servers_advance(floe_core *core)
{
    if (core->next_set != NULL) {
        floe_server_set_free(core->shared, core->coming_set);
        core->coming_set = core->next_set;
        core->next_set = NULL;
        core->policy = core->coming_set->policy;
    }
}

const floe_server *floe_server_successor(const floe_core *core, const floe_server *server)
{
    for (size_t i = 0; i < core->set->count; i++) {
        if (floe_url_same_place(core->set->servers[i].url, server->url)) {
            return &core->set->servers[i];
        }
    }
    return NULL;
}

/* One that was taken away, and has something standing on it, may be given again. */
static void find_heirs(const floe_core *core, floe_server_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        set->servers[i].heir = heir_of(core->set, &set->servers[i]);
        hand_over_refusals(&set->servers[i]);
        floe_names_forget(core->shared, &set->servers[i]);
    }
}

void floe_servers_replace(floe_core *core, floe_time now)
{
    floe_server_set *old = core->set;

    if (core->coming_set == NULL) {
        return;
    }
    core->set = core->coming_set;
    core->coming_set = NULL;
    floe_list_append(&core->retired, &old->link);
    FLOE_LIST_EACH(set, &core->retired, floe_server_set, link)
    {
        find_heirs(core, set);
    }
    hand_over_relays(core, now, old);
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        hand_over_bindings(base);
    }
    FLOE_LIST_EACH(found, &core->found, floe_found, link)
    {
        if (found->server != NULL && found->server->heir != NULL) {
            found->server = found->server->heir;
        }
    }
}

/* Whether something stands on one of the servers still. */
static bool in_use(const floe_core *core, const floe_server_set *set)
{
    FLOE_LIST_EACH(found, &core->found, floe_found, link)
    {
        if (has(set, found->server)) {
            return true;
        }
    }
    FLOE_LIST_EACH(relay, &core->relays, floe_relay, link)
    {
        if (has(set, relay->server)) {
            return true;
        }
    }
    FLOE_LIST_EACH(base, &core->bases, floe_base, link)
    {
        FLOE_LIST_EACH(binding, &base->bindings, floe_binding, link)
        {
            if (has(set, binding->server)) {
                return true;
            }
        }
    }
    return false;
}

/* Outputs that speak of a retired server have been polled once the queues are empty. */
void floe_servers_bury(floe_core *core)
{
    if (floe_list_empty(&core->retired) || !floe_list_empty(&core->outputs) ||
        !floe_list_empty(&core->held)) {
        return;
    }
    FLOE_LIST_EACH_SAFE(set, &core->retired, floe_server_set, link)
    {
        if (!in_use(core, set)) {
            floe_server_set_free(core->shared, set);
        }
    }
}

void floe_servers_reset(floe_core *core)
{
    for (size_t i = 0; i < core->set->count; i++) {
        floe_server *server = &core->set->servers[i];
        floe_untell(&server->output);
        floe_names_reset(core->shared, server);
        server->failure = (floe_plain_failure){.kind = FLOE_FAILURE_NONE};
        server->told_failed = false;
    }
}

/* RFC 8656 §7.4: "wait at least 1 minute before trying to create any more allocations on this
 * server". Other options are other servers: what their owner has changed is tried at once. */
#define REFUSED_FOR floe_seconds(60)

/* Those that are over are forgotten, and one that is of the same. */
static void forget_refusals(const floe_core_shared *shared, floe_server *server, floe_time now,
                            const floe_refusal *same)
{
    FLOE_LIST_EACH_SAFE(refusal, &server->refusals, floe_refusal, link)
    {
        if (floe_time_reached(now, refusal->until) ||
            (refusal->beside == same->beside &&
             floe_address_same_ip(&refusal->asked, &same->asked))) {
            floe_list_remove(&refusal->link);
            floe_deallocate(&shared->allocator, refusal);
        }
    }
}

void floe_server_refuses(floe_core *core, floe_time now, const floe_server *server,
                         floe_relay_kind kind, const floe_address *asked, uint16_t code)
{
    floe_refusal made = {.asked = *asked,
                         .until = floe_time_after(now, REFUSED_FOR),
                         .code = code,
                         .beside = floe_relay_beside(kind)};

    if (!floe_server_current(core, server)) {
        return;
    }
    floe_server *of = &core->set->servers[server->index];
    forget_refusals(core->shared, of, now, &made);
    floe_refusal *refusal = floe_allocate(&core->shared->allocator, sizeof *refusal);
    if (refusal == NULL) {
        floe_core_out_of_memory(core);
        return;
    }
    *refusal = made;
    floe_list_append(&of->refusals, &refusal->link);
}

const floe_refusal *floe_server_refused(const floe_server *server, floe_time now,
                                        floe_relay_kind kind, const floe_address *address)
{
    FLOE_LIST_EACH(refusal, &server->refusals, floe_refusal, link)
    {
        if (!floe_time_reached(now, refusal->until) &&
            (!refusal->beside || floe_relay_beside(kind)) &&
            floe_address_same_ip(&refusal->asked, address)) {
            return refusal;
        }
    }
    return NULL;
}

/* R4: STUN over a stream gives no UDP candidate. */
static bool supported(const floe_server *server)
{
    return server->url->turn || server->url->transport == FLOE_PROTOCOL_UDP;
}

bool floe_server_port_allowed(const floe_core *core, const floe_url *url, uint16_t port)
{
    return !core->shared->refuse_low_ports || !url->turn || port >= 1024 || port == 53 ||
           port == 80 || port == 443;
}

bool floe_server_proxied(const floe_core *core, const floe_server *server)
{
    return core->shared->proxy != NULL && (server->url->transport == FLOE_PROTOCOL_TCP ||
                                           server->url->transport == FLOE_PROTOCOL_TLS);
}

const char *floe_server_host(const floe_core *core, const floe_server *server,
                             floe_address *literal, uint16_t *port)
{
    const floe_url *url = server->url;
    const floe_proxy_server *proxy = core->shared->proxy;

    if (floe_server_proxied(core, server)) {
        *literal = floe_address_with_port(proxy->literal, proxy->port);
        *port = proxy->port;
        return proxy->host;
    }
    *literal = url->literal;
    *port = url->port;
    return url->host;
}

/* Whether it can give anything under the policy. */
static bool applies(const floe_core *core, const floe_server *server)
{
    if (core->shared->ice_lite) {
        return false;
    }
    return server->url->turn ||
           (core->policy != FLOE_GATHER_POLICY_RELAY && floe_bases_ask_reflexive(core));
}

void floe_server_fail(floe_core *core, floe_server *server, floe_failure_kind kind, uint8_t detail)
{
    if (server->told_failed) {
        return;
    }
    server->told_failed = true;
    server->failure = (floe_plain_failure){.kind = (uint8_t)kind, .detail = detail};
    floe_tell(core, &server->output, FLOE_OUTPUT_SERVER_ERROR);
}

/* RFC 8828 §5.2, mode 4: one that is meant to give something says why it does not. */
static void fail_unproxied(floe_core *core, floe_server *server)
{
    if (!core->shared->ice_lite &&
        (server->url->turn || core->policy != FLOE_GATHER_POLICY_RELAY)) {
        floe_server_fail(core, server, FLOE_FAILURE_PROXY_ONLY, 0);
    }
}

static void begin_server(floe_core *core, floe_server *server)
{
    floe_address literal;
    uint16_t port;

    (void)floe_server_host(core, server, &literal, &port);
    if (!applies(core, server)) {
        return;
    }
    if (!supported(server)) {
        floe_server_fail(core, server, FLOE_FAILURE_UNSUPPORTED, 0);
        return;
    }
    if (!floe_server_port_allowed(core, server->url, server->url->port)) {
        floe_server_fail(core, server, FLOE_FAILURE_PORT, 0);
        server->failure.remote.port = server->url->port;
        return;
    }
    if (literal.family == FLOE_FAMILY_NONE) {
        floe_names_begin(core, server);
        return;
    }
    server->names.places = floe_allocate(&core->shared->allocator, sizeof *server->names.places);
    if (server->names.places == NULL) {
        floe_server_fail(core, server, FLOE_FAILURE_MEMORY, 0);
        return;
    }
    /* What the user wrote is asked, loopback too. */
    server->names.places[0] = (floe_place){
        .address = literal, .transport = (uint8_t)server->url->transport, .ready = true};
    server->names.place_count = 1;
}

void floe_servers_begin(floe_core *core)
{
    /* E2: where nobody could ask, there is no error. */
    bool anybody = floe_bases_have_family(core, FLOE_FAMILY_IPV4) ||
                   floe_bases_have_family(core, FLOE_FAMILY_IPV6);

    for (size_t i = 0; i < core->set->count; i++) {
        floe_server *server = &core->set->servers[i];
        if (floe_proxy_only(core->shared) && !floe_server_proxied(core, server)) {
            fail_unproxied(core, server);
        } else if (anybody) {
            begin_server(core, server);
        }
    }
}

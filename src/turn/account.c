/* Accounts: credentials, realms with their keys, and remembered nonces. */
#include "turn/account.h"

#include "base/memory.h"
#include "base/opaque_string.h"

#include <string.h>

floe_turn_realm *floe_turn_realm_share(floe_turn_realm *realm)
{
    realm->references++;
    return realm;
}

void floe_turn_realm_release(floe_turn_realm *realm)
{
    if (realm == NULL || --realm->references > 0) {
        return;
    }
    floe_stun_key_release(realm->key);
    floe_deallocate(realm->allocator, realm);
}

static void wipe_text(const floe_allocator *allocator, char *text)
{
    if (text != NULL) {
        floe_wipe(text, strlen(text));
        floe_deallocate(allocator, text);
    }
}

floe_error floe_turn_account_new(const floe_allocator *allocator, const floe_random *random,
                                 const char *server, const char *username, const char *password,
                                 const floe_turn_token *token, floe_turn_account **account)
{
    floe_turn_account *made = floe_allocate(allocator, sizeof *made);

    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    made->allocator = allocator;
    made->random = random;
    made->references = 1;
    made->server = floe_copy_text(allocator, server, strlen(server));
    made->username = floe_copy_text(allocator, username, strlen(username));
    if (token != NULL) {
        made->token = floe_allocate(allocator, sizeof *made->token);
    } else {
        made->password = floe_copy_text(allocator, password, strlen(password));
    }
    floe_list_init(&made->link);
    if (made->server == NULL || made->username == NULL ||
        (made->token == NULL && made->password == NULL)) {
        floe_turn_account_release(made);
        return FLOE_ERR_NO_MEMORY;
    }
    if (token != NULL) {
        *made->token = *token;
    }
    *account = made;
    return FLOE_OK;
}

bool floe_turn_account_is(const floe_turn_account *account, const char *username,
                          const char *password, const floe_turn_token *token)
{
    if (strcmp(account->username, username) != 0 || (account->token == NULL) != (token == NULL)) {
        return false;
    }
    if (token == NULL) {
        return strcmp(account->password, password) == 0;
    }
    return floe_span_equal(floe_span_of(account->token->bytes, account->token->size),
                           floe_span_of(token->bytes, token->size)) &&
           floe_span_equal(floe_span_of(account->token->key, account->token->key_size),
                           floe_span_of(token->key, token->key_size));
}

floe_turn_account *floe_turn_account_share(floe_turn_account *account)
{
    account->references++;
    return account;
}

static void forget(floe_turn_account *account)
{
    floe_turn_realm_release(account->realm);
    floe_deallocate(account->allocator, account->nonce);
    account->realm = NULL;
    account->nonce = NULL;
    account->nonce_size = 0;
}

void floe_turn_account_release(floe_turn_account *account)
{
    if (account == NULL || --account->references > 0) {
        return;
    }
    floe_list_remove(&account->link);
    forget(account);
    wipe_text(account->allocator, account->password);
    if (account->token != NULL) {
        floe_wipe(account->token, sizeof *account->token);
        floe_deallocate(account->allocator, account->token);
    }
    floe_deallocate(account->allocator, account->server);
    floe_deallocate(account->allocator, account->username);
    floe_deallocate(account->allocator, account);
}

/* RFC 8489 §9.2.2: a key is of the realm without quotes and trailing NULs, by OpaqueString. One that
 * the profile refuses stands as it came: the server has no other either. `*prepared` owns it, or is
 * NULL. */
static floe_error realm_of_keys(const floe_turn_account *account, floe_span name, char **prepared,
                                floe_span *realm)
{
    *prepared = NULL;
    *realm = name;
    while (name.size > 0 && name.data[name.size - 1] == '\0') {
        name.size--;
    }
    if (name.size >= 2 && name.data[0] == '"' && name.data[name.size - 1] == '"') {
        name = floe_span_of(name.data + 1, name.size - 2);
    }
    char *text = floe_copy_text(account->allocator, name.data, name.size);
    if (text == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    floe_error error = strlen(text) == name.size
                           ? floe_opaque_string(account->allocator, "REALM", text, prepared)
                           : FLOE_ERR_SYNTAX;
    floe_deallocate(account->allocator, text);
    if (error == FLOE_OK) {
        *realm = floe_span_text(*prepared);
    }
    return error == FLOE_ERR_SYNTAX ? FLOE_OK : error;
}

static floe_error make_key(const floe_turn_account *account, floe_turn_realm *realm, floe_span name)
{
    if (account->token != NULL) { /* RFC 7635 §5: the MAC key itself, as with short-term keys */
        return floe_stun_key_short_term(account->allocator,
                                        floe_span_of(account->token->key, account->token->key_size),
                                        &realm->key);
    }
    return floe_stun_key_long_term(account->allocator, realm->security.algorithm,
                                   floe_span_text(account->username), name,
                                   floe_span_text(account->password), &realm->key);
}

bool floe_turn_realm_is(const floe_turn_realm *realm, floe_span name,
                        const floe_turn_security *security)
{
    return floe_span_equal(floe_span_of(realm->name, realm->size), name) &&
           floe_span_equal(realm->security.algorithms, security->algorithms) &&
           realm->security.algorithm == security->algorithm &&
           realm->security.anonymous == security->anonymous;
}

floe_error floe_turn_account_realm(floe_turn_account *account, floe_span name,
                                   const floe_turn_security *security, floe_turn_realm **realm)
{
    if (account->realm != NULL && floe_turn_realm_is(account->realm, name, security)) {
        *realm = floe_turn_realm_share(account->realm);
        return FLOE_OK;
    }
    floe_turn_realm *made =
        floe_allocate(account->allocator, sizeof *made + name.size + security->algorithms.size);
    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    made->allocator = account->allocator;
    made->references = 1;
    made->security = *security;
    made->size = name.size;
    if (name.size > 0) {
        memcpy(made->name, name.data, name.size);
    }
    if (security->algorithms.size > 0) {
        memcpy(made->name + name.size, security->algorithms.data, security->algorithms.size);
        made->security.algorithms.data = made->name + name.size;
    }
    char *prepared;
    floe_error error = realm_of_keys(account, name, &prepared, &name);
    if (error == FLOE_OK) {
        error = make_key(account, made, name);
    }
    if (error == FLOE_OK && security->anonymous) {
        error = floe_stun_userhash(floe_span_text(account->username), name, made->userhash);
    }
    floe_deallocate(account->allocator, prepared);
    if (error != FLOE_OK) {
        floe_turn_realm_release(made);
        return error;
    }
    *realm = made;
    return FLOE_OK;
}

void floe_turn_account_learn(floe_turn_account *account, floe_turn_realm *realm, floe_span nonce)
{
    char *copy = floe_copy_text(account->allocator, nonce.data, nonce.size);

    account->learned++;
    (void)floe_turn_realm_share(realm);
    forget(account);
    if (copy == NULL) {
        floe_turn_realm_release(realm);
        return;
    }
    account->realm = realm;
    account->nonce = copy;
    account->nonce_size = nonce.size;
}

void floe_turn_account_unlearn(floe_turn_account *account, unsigned n)
{
    if (account->learned == n) {
        forget(account);
    }
}

void floe_turn_account_judge(floe_turn_account *account, bool accepted, unsigned n)
{
    if (accepted) {
        account->scope = FLOE_TURN_NONCE_FOR_ALL;
    } else if (account->judged != n) { /* one nonce that several clients tried says so once */
        account->judged = n;
        /* One that held before has only expired: the next one is tried again. */
        account->scope = account->scope == FLOE_TURN_NONCE_FOR_ALL ? FLOE_TURN_NONCE_UNTRIED
                                                                   : FLOE_TURN_NONCE_PER_CLIENT;
    }
}

bool floe_turn_account_worth_signing(const floe_turn_account *account)
{
    return account->realm != NULL && account->scope != FLOE_TURN_NONCE_PER_CLIENT;
}

bool floe_turn_account_holds_for_all(const floe_turn_account *account)
{
    return account->realm != NULL && account->scope == FLOE_TURN_NONCE_FOR_ALL;
}

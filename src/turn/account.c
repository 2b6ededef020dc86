/* Accounts: credentials, realms with their keys, and remembered nonces. */
#include "turn/account.h"

#include "base/memory.h"

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

floe_error floe_turn_account_new(const floe_allocator *allocator, const char *server,
                                 const char *username, const char *password,
                                 const floe_turn_token *token, floe_turn_account **account)
{
    floe_turn_account *made = floe_allocate(allocator, sizeof *made);

    if (made == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    made->allocator = allocator;
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

static floe_error make_key(const floe_turn_account *account, floe_turn_realm *realm)
{
    floe_span name = floe_span_of(realm->name, realm->size);

    if (account->token != NULL) { /* RFC 7635 §5: the MAC key itself, as with short-term keys */
        return floe_stun_key_short_term(account->allocator,
                                        floe_span_of(account->token->key, account->token->key_size),
                                        &realm->key);
    }
    return floe_stun_key_long_term(account->allocator, realm->security.algorithm,
                                   floe_span_text(account->username), name,
                                   floe_span_text(account->password), &realm->key);
}

static bool is_realm(const floe_turn_realm *realm, floe_span name,
                     const floe_turn_security *security)
{
    return realm != NULL && floe_span_equal(floe_span_of(realm->name, realm->size), name) &&
           floe_span_equal(realm->security.algorithms, security->algorithms) &&
           realm->security.algorithm == security->algorithm &&
           realm->security.anonymous == security->anonymous;
}

floe_error floe_turn_account_realm(floe_turn_account *account, floe_span name,
                                   const floe_turn_security *security, floe_turn_realm **realm)
{
    if (is_realm(account->realm, name, security)) {
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
    floe_error error = make_key(account, made);
    if (error == FLOE_OK && security->anonymous) {
        error = floe_stun_userhash(floe_span_text(account->username), name, made->userhash);
    }
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

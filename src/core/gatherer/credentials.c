/* What the other side proves to have been told of us, and what of before a restart still holds (RFC 8445
 * §5.3, §9). */
#include "core/gatherer/credentials.h"

#include "base/error.h"
#include "base/random.h"
#include "core/config/shared.h"

#include <string.h>

/* RFC 8839 §5.4. */
#define USERNAME_FRAGMENT_LEAST 4
#define PASSWORD_LEAST 22

void floe_credentials_drop(const floe_core *core, floe_credentials *credentials)
{
    floe_credentials_more *more = credentials->more;

    if (more != NULL && --more->users == 0) {
        floe_stun_key_release(more->key);
        if (more->password != NULL) {
            floe_wipe(more->password, strlen(more->password));
        }
        floe_deallocate(&core->shared->allocator, more);
    }
    floe_wipe(credentials, sizeof *credentials);
    *credentials = (floe_credentials){0};
}

static void let_go(const floe_core *core, floe_credentials **kept)
{
    if (*kept != NULL) {
        floe_credentials_drop(core, *kept);
        floe_deallocate(&core->shared->allocator, *kept);
        *kept = NULL;
    }
}

/* Those that hold until now; without memory they are forgotten. */
static floe_credentials *keep(floe_core *core)
{
    floe_credentials *kept = NULL;

    if (core->credentials.number != 0) { /* else it is new */
        kept = floe_allocate(&core->shared->allocator, sizeof *kept);
    }
    if (kept != NULL) {
        *kept = core->credentials;
    } else {
        floe_credentials_drop(core, &core->credentials);
    }
    return kept;
}

/* Those of a new generation. The former ones hold until the new ones have been used: the other side
 * hears of them later (RFC 8445 §9); and so do those that it has used last, where it hears now that
 * there are newer ones than those that it has not used. */
void floe_credentials_take(floe_core *core, const floe_credentials *made)
{
    if (core->credentials.used) {
        let_go(core, &core->in_use);
    } else if (core->former != NULL && core->former->used) {
        let_go(core, &core->in_use);
        core->in_use = core->former;
        core->former = NULL;
    }
    uint32_t number = core->credentials.number + 1;

    let_go(core, &core->former);
    core->former = keep(core);
    core->credentials = *made;
    core->credentials.used = false;
    core->credentials.number = number;
    if (made->more != NULL) {
        made->more->users++;
    }
}

void floe_credentials_used(floe_core *core)
{
    let_go(core, &core->former);
    let_go(core, &core->in_use);
}

/* What the owner gave for `field`: RFC 8839 §5.4, ice-char is ALPHA / DIGIT / "+" / "/". The sentence
 * does not repeat it: it may be the password. */
static floe_error check_text(const char *field, const char *text, size_t least)
{
    size_t size = text != NULL ? strlen(text) : least;
    size_t good = text != NULL ? strspn(text, floe_ice_chars) : size;

    if (good < size) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "options.%s: character %zu is none of A to Z, a to z, 0 to 9, + and /",
                         field, good + 1);
    }
    if (size < least || size > FLOE_CREDENTIAL_MOST) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "options.%s has %zu characters, not %zu to %d (RFC 8839 §5.4)", field,
                         size, least, FLOE_CREDENTIAL_MOST);
    }
    return FLOE_OK;
}

/* What is not given is made, into `room`. */
static floe_error given_or_made(const floe_core *core, const char *given, char *room, size_t size,
                                const char **text)
{
    *text = given != NULL ? given : room;
    return given == NULL ? floe_random_ice_chars(&core->shared->random, room, size) : FLOE_OK;
}

/* With room for such texts behind it. */
static floe_credentials_more *new_more(const floe_core *core, size_t texts)
{
    floe_credentials_more *more = floe_allocate(&core->shared->allocator, sizeof *more + texts);

    if (more != NULL) {
        more->users = 1;
    }
    return more;
}

/* False without memory. */
static bool fill(const floe_core *core, const char *username_fragment, const char *password,
                 floe_credentials *made)
{
    size_t size = strlen(username_fragment) + 1;
    size_t password_size = strlen(password) + 1;

    *made = (floe_credentials){.number = 1};
    if (size <= sizeof made->username_fragment && password_size <= sizeof made->password) {
        memcpy(made->username_fragment, username_fragment, size);
        memcpy(made->password, password, password_size);
        return true;
    }
    made->more = new_more(core, size + password_size);
    if (made->more != NULL) {
        made->more->password = &made->more->username_fragment[size];
        memcpy(made->more->username_fragment, username_fragment, size);
        memcpy(made->more->password, password, password_size);
    }
    return made->more != NULL;
}

floe_stun_key *floe_credentials_key(const floe_core *core, floe_credentials *credentials)
{
    if (credentials->more == NULL) {
        credentials->more = new_more(core, 0);
    }
    if (credentials->more != NULL && credentials->more->key == NULL) {
        (void)floe_stun_key_short_term(&core->shared->allocator,
                                       floe_span_text(floe_password(credentials)),
                                       &credentials->more->key);
    }
    return credentials->more != NULL ? credentials->more->key : NULL;
}

floe_error floe_credentials_make(const floe_core *core, const floe_restart_options *own,
                                 floe_credentials *made)
{
    floe_credentials room;
    const char *fragment;
    const char *password;
    floe_error error =
        check_text("username_fragment", own->username_fragment, USERNAME_FRAGMENT_LEAST);

    if (error == FLOE_OK) {
        error = check_text("password", own->password, PASSWORD_LEAST);
    }
    if (error == FLOE_OK) {
        error = given_or_made(core, own->username_fragment, room.username_fragment,
                              sizeof room.username_fragment - 1, &fragment);
    }
    if (error == FLOE_OK) {
        error =
            given_or_made(core, own->password, room.password, sizeof room.password - 1, &password);
    }
    if (error == FLOE_OK && !fill(core, fragment, password, made)) {
        error = FLOE_ERR_NO_MEMORY;
    }
    floe_wipe(&room, sizeof room);
    return error;
}

/* RFC 8839 §4.4.1.1.1: a restart is told by both being others. */
floe_error floe_credentials_are_new(const floe_core *core, const floe_credentials *made)
{
    bool fragment =
        strcmp(floe_username_fragment(made), floe_username_fragment(&core->credentials)) != 0;
    bool password = strcmp(floe_password(made), floe_password(&core->credentials)) != 0;

    if (fragment && password) {
        return FLOE_OK;
    }
    return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                     "options.%s is the one of now: a restart changes both (RFC 8839 §4.4.1.1.1)",
                     fragment ? "password" : "username_fragment");
}

void floe_credentials_forget(floe_core *core)
{
    floe_credentials_drop(core, &core->credentials);
    let_go(core, &core->former);
    let_go(core, &core->in_use);
}

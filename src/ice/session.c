/* Whom the agent talks to: the username of its checks (RFC 8445 §7.2.2) and the key that they are signed with. */
#include "base/crypto.h"
#include "base/error.h"
#include "base/random.h"
#include "ice/ice.h"

#include <string.h>

/* RFC 8839 §5.4: 4 to 256 ice-char, or 22 to 256. */
static bool is_ice_text(const char *text, size_t room, size_t least)
{
    size_t size = 0;

    while (size < room && text[size] != '\0' && strchr(floe_ice_chars, text[size]) != NULL) {
        size++;
    }
    return size < room && text[size] == '\0' && size >= least;
}

floe_error floe_ice_check_parameters(const floe_parameters *parameters)
{
    if (!is_ice_text(parameters->username_fragment, sizeof parameters->username_fragment, 4)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "the remote username fragment has not 4 to 256 ice-char");
    }
    if (!is_ice_text(parameters->password, sizeof parameters->password, 22)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT,
                         "the remote password has not 22 to 256 ice-char");
    }
    return FLOE_OK;
}

floe_ice_session *floe_ice_session_new(const floe_ice *ice, const floe_parameters *remote,
                                       floe_error *error)
{
    floe_parameters local = FLOE_PARAMETERS_INIT;

    *error = floe_core_get_local_parameters(ice->core, &local);
    floe_wipe(local.password, sizeof local.password); /* it is the core's to use */
    if (*error != FLOE_OK) {
        return NULL;
    }
    size_t theirs = strlen(remote->username_fragment);
    size_t ours = strlen(local.username_fragment);
    floe_ice_session *session = floe_allocate(&ice->allocator, sizeof *session + theirs + 1 + ours);
    *error = FLOE_ERR_NO_MEMORY;
    if (session == NULL) {
        return NULL;
    }
    session->lite = local.ice_lite;
    session->remote_lite = remote->ice_lite;
    session->renominates = remote->renomination && ice->options.renomination;
    session->remote_size = theirs;
    session->size = theirs + 1 + ours;
    memcpy(session->username, remote->username_fragment, theirs);
    session->username[theirs] = ':';
    memcpy(session->username + theirs + 1, local.username_fragment, ours);
    /* RFC 8489 §9.1.1: the password itself is the key. */
    *error = floe_mac_new(&ice->allocator, FLOE_HASH_SHA1, floe_span_text(remote->password),
                          &session->mac);
    if (*error != FLOE_OK) {
        floe_deallocate(&ice->allocator, session);
        return NULL;
    }
    return session;
}

void floe_ice_session_free(const floe_ice *ice, floe_ice_session *session)
{
    if (session != NULL) {
        floe_mac_free(session->mac);
        floe_deallocate(&ice->allocator, session);
    }
}

bool floe_ice_is_remote(const floe_ice_session *session, const char *username_fragment)
{
    return floe_span_equal(floe_span_of(session->username, session->remote_size),
                           floe_span_text(username_fragment));
}

bool floe_ice_is_former(const floe_ice *ice, const floe_ice_session *session)
{
    floe_parameters local = FLOE_PARAMETERS_INIT;
    size_t before = session->remote_size + 1;
    floe_error error = floe_core_get_local_parameters(ice->core, &local);

    floe_wipe(local.password, sizeof local.password);
    return error != FLOE_OK ||
           !floe_span_equal(floe_span_of(session->username + before, session->size - before),
                            floe_span_text(local.username_fragment));
}

bool floe_ice_same_session(const floe_ice_session *a, const floe_ice_session *b)
{
    return floe_span_equal(floe_span_of(a->username, a->size), floe_span_of(b->username, b->size));
}

/* What the other side proves to have been told of us, and what of before a restart still holds (RFC 8445
 * §5.3, §9). */
#include "core/gatherer/credentials.h"

#include "core/config/shared.h"

static void forget_credentials(floe_credentials *credentials)
{
    floe_stun_key_release(credentials->key);
    floe_wipe(credentials, sizeof *credentials);
    credentials->key = NULL;
}

static void let_go(const floe_core *core, floe_credentials **kept)
{
    if (*kept != NULL) {
        forget_credentials(*kept);
        floe_deallocate(&core->shared->allocator, *kept);
        *kept = NULL;
    }
}

/* Those that hold until now; without memory they are forgotten. */
static floe_credentials *keep(const floe_core *core)
{
    floe_credentials *kept = NULL;

    if (*core->credentials.username_fragment != '\0') { /* else it is new */
        kept = floe_allocate(&core->shared->allocator, sizeof *kept);
    }
    if (kept != NULL) {
        *kept = core->credentials;
    } else {
        floe_stun_key_release(core->credentials.key);
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
    let_go(core, &core->former);
    core->former = keep(core);
    core->credentials = *made;
    core->credentials.key = NULL;
}

void floe_credentials_used(floe_core *core)
{
    let_go(core, &core->former);
    let_go(core, &core->in_use);
}

floe_error floe_credentials_make(const floe_core *core, floe_credentials *made)
{
    const floe_random *random = &core->shared->random;
    floe_error error = floe_random_ice_chars(random, made->username_fragment, 8);

    made->key = NULL;
    made->used = false;
    return error == FLOE_OK ? floe_random_ice_chars(random, made->password, 24) : error;
}

void floe_credentials_forget(floe_core *core)
{
    forget_credentials(&core->credentials);
    let_go(core, &core->former);
    let_go(core, &core->in_use);
}

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

static void forget_in_use(floe_core *core)
{
    if (core->in_use != NULL) {
        forget_credentials(core->in_use);
        floe_deallocate(&core->shared->allocator, core->in_use);
        core->in_use = NULL;
    }
}

/* The other side has used the former ones, and hears now that there are newer ones than those that it has
 * not used; without memory they are forgotten. */
static void keep_in_use(floe_core *core)
{
    forget_in_use(core);
    core->in_use = floe_allocate(&core->shared->allocator, sizeof *core->in_use);
    if (core->in_use != NULL) {
        *core->in_use = core->former;
        core->former.key = NULL;
    }
}

/* Those of a new generation. The former ones hold until the new ones have been used: the other side
 * hears of them later (RFC 8445 §9); and so do those that it has used last. */
void floe_credentials_take(floe_core *core, const floe_credentials *made)
{
    if (core->former.used && !core->credentials.used) {
        keep_in_use(core);
    } else if (core->credentials.used) {
        forget_in_use(core);
    }
    forget_credentials(&core->former);
    core->former = core->credentials;
    core->credentials = *made;
    core->credentials.key = NULL;
}

void floe_credentials_used(floe_core *core)
{
    forget_credentials(&core->former);
    forget_in_use(core);
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
    forget_credentials(&core->former);
    forget_in_use(core);
}

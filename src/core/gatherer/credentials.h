/* What the other side proves to have been told of us. */
#ifndef FLOE_CORE_GATHERER_CREDENTIALS_H
#define FLOE_CORE_GATHERER_CREDENTIALS_H

#include "core/core.h"

/* RFC 8445 §5.3: a fragment or password has so many characters at most. */
#define FLOE_CREDENTIAL_MOST 256

/* By what the owner gives (L16), or at random; dropped by who has them. */
floe_error floe_credentials_make(const floe_core *core, const floe_restart_options *own,
                                 floe_credentials *made);
/* FLOE_ERR_INVALID_ARGUMENT: one of the two is as it is now. */
floe_error floe_credentials_are_new(const floe_core *core, const floe_credentials *made);
void floe_credentials_drop(const floe_core *core, floe_credentials *credentials);
/* Those of a new generation; *made stays who has it. */
void floe_credentials_take(floe_core *core, const floe_credentials *made);
/* Made once; NULL without memory. */
floe_stun_key *floe_credentials_key(const floe_core *core, floe_credentials *credentials);
/* A check has come by those of today: no former ones hold any more. */
void floe_credentials_used(floe_core *core);
void floe_credentials_forget(floe_core *core);

#endif

/* What the other side proves to have been told of us. */
#ifndef FLOE_CORE_GATHERER_CREDENTIALS_H
#define FLOE_CORE_GATHERER_CREDENTIALS_H

#include "core/core.h"

floe_error floe_credentials_make(const floe_core *core, floe_credentials *made);
/* Those of a new generation. */
void floe_credentials_take(floe_core *core, const floe_credentials *made);
/* A check has come by those of today: no former ones hold any more. */
void floe_credentials_used(floe_core *core);
void floe_credentials_forget(floe_core *core);

#endif

/* Connectivity checks that come in (RFC 8445 §7.3). */
#ifndef FLOE_CORE_GATHERER_CHECK_H
#define FLOE_CORE_GATHERER_CHECK_H

#include "base/bytes.h"

#include <floe/core.h>

/* What a Binding request says; NULL: the bytes are none, or there is no memory. */
const floe_check *floe_check_read(floe_core *core, floe_span data);

#endif

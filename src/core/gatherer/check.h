/* Connectivity checks that come in (RFC 8445 §7.3). */
#ifndef FLOE_CORE_GATHERER_CHECK_H
#define FLOE_CORE_GATHERER_CHECK_H

#include "base/bytes.h"

#include <floe/core.h>

/* What a Binding request says; NULL: the bytes are none, or there is no memory. */
const floe_check *floe_check_read(floe_core *core, floe_span data);

/* Whether checks by this username fragment are taken: of today, or of before a restart. */
bool floe_check_knows(const floe_core *core, floe_span username_fragment);
/* Room for any answer. */
enum { FLOE_CHECK_ANSWER_SIZE = 256 };
/* As floe_gatherer_answer_check has it, but for sending it. */
floe_error floe_check_answer(floe_core *core, const floe_packet *packet, uint16_t code,
                             uint8_t *bytes, floe_span *answer);

#endif

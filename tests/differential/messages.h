/* Messages for two codecs: right ones, and those with a byte changed, cut short, or with another
 * length. The same ones each time. */
#ifndef FLOE_DIFFERENTIAL_MESSAGES_H
#define FLOE_DIFFERENTIAL_MESSAGES_H

#include "stun/key.h"

#include <stddef.h>
#include <stdint.h>

/* The next one, signed with the key; for exact_free. */
size_t message_make(floe_stun_key *key, uint8_t **bytes);
/* Counts a difference, and shows the first few. */
void differ(const char *what, const uint8_t *bytes, size_t size);
unsigned differences(void);

#endif

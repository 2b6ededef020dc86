/* Reads everything of a STUN message: for the sweep of lengths and for the fuzz target. */
#ifndef FLOE_TESTS_STUN_EVERYTHING_H
#define FLOE_TESTS_STUN_EVERYTHING_H

#include "stun/key.h"

/* Of the password "password", made once; nobody frees it. */
floe_stun_key *stun_some_key(void);
void stun_read_everything(const floe_stun_message *message, floe_stun_key *key);

#endif

/* A STUN and TURN server on loopback by UDP and TCP, in a process of its own: its descriptors and
 * its memory are not ours. Its realm is "r". */
#ifndef FLOE_TESTS_RUNTIME_RELAY_SERVER_H
#define FLOE_TESTS_RUNTIME_RELAY_SERVER_H

#include <stdint.h>

/* Its port, by UDP and by TCP. */
uint16_t relay_server_start(const char *username, const char *password);
void relay_server_stop(void);

#endif

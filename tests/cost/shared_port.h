/* Gatherers on one port (H3), each with a session of its own with a peer: what a packet costs there is the core's own
 * work. For the test of how it grows, and for the bench. */
#ifndef FLOE_TESTS_SHARED_PORT_H
#define FLOE_TESTS_SHARED_PORT_H

#include <stdbool.h>
#include <stddef.h>

#define SHARED_PORT_MAX 10000

typedef struct shared_port shared_port;

/* So many gatherers. NULL: that was not to be had. */
shared_port *shared_port_new(size_t gatherers);
void shared_port_free(shared_port *s);
/* Each is one packet and what a driver does behind it; whether that gatherer has it: data of its peer; a
 * check of that; data to it. */
bool shared_port_data(shared_port *s, size_t gatherer);
bool shared_port_check(shared_port *s, size_t gatherer);
bool shared_port_send(shared_port *s, size_t gatherer);
/* A check that is for nobody, from wherever; whether nobody has it. */
bool shared_port_stranger(shared_port *s, size_t from);
/* Another gatherer comes, gathers and goes; whether it was complete. */
bool shared_port_another(shared_port *s, size_t n);

#endif

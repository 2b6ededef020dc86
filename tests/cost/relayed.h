/* A relay and its peers, each with a permission and a channel, by a server that answers at once: what
 * a packet costs there is the core's own work. For the test of how it grows, and for the bench. */
#ifndef FLOE_TESTS_RELAYED_H
#define FLOE_TESTS_RELAYED_H

#include <stdbool.h>
#include <stddef.h>

/* As many as there are channels. */
#define RELAYED_MAX 4096

typedef struct relayed relayed;

/* So many peers, a hundred at one IP address. NULL: that was not to be had. */
relayed *relayed_new(size_t peers);
void relayed_free(relayed *r);
/* Each is one packet and what a driver does behind it; whether it went out, or came in. */
bool relayed_send(relayed *r, size_t peer);
bool relayed_receive(relayed *r, size_t peer);
/* By a Data indication, as before there is a channel. */
bool relayed_receive_indication(relayed *r, size_t peer);
/* So many seconds pass, from deadline to deadline; how many requests that took. */
size_t relayed_wait(relayed *r, unsigned seconds);

#endif

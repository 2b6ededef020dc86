/* User names that end by themselves (draft-uberti-behave-turn-rest): EXPIRY:NAME, seconds since 1970. */
#ifndef FLOE_CLI_REST_USER_H
#define FLOE_CLI_REST_USER_H

#include <stddef.h>
#include <time.h>

/* "the user name's time ended 10 minutes ago"; "" for a name of another kind, and for one whose time has
 * not ended. */
void rest_user_text(const char *username, time_t now, char *text, size_t size);

#endif

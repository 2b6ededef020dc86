/* Name servers by link-local addresses ("nameserver fe80::1%eth0" in resolv.conf): routers announce
 * such (RFC 8106), and c-ares before 1.20 leaves them out, and asks 127.0.0.1 where there is no
 * other. */
#ifndef FLOE_RUNTIME_LINK_SERVERS_H
#define FLOE_RUNTIME_LINK_SERVERS_H

#include <floe/address.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOE_NAME_SERVERS_MAX 3U /* resolv.conf(5) */

typedef struct floe_name_servers {
    bool any; /* one of them is of a link */
    size_t count;
    floe_address servers[FLOE_NAME_SERVERS_MAX]; /* in their order, with their scope */
} floe_name_servers;

/* Those that the system's list has. */
void floe_link_servers_read(floe_name_servers *servers);
/* Adds what a line of it says; false: nothing, or there are enough. */
bool floe_link_servers_add(floe_name_servers *servers, const char *line);
/* The link on which that address is; 0: it is on none. */
uint32_t floe_link_servers_scope(const floe_name_servers *servers, const uint8_t *ip);

#endif

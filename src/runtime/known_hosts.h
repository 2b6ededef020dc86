/* Hosts whose addresses the owner has named: settings.host_addresses. */
#ifndef FLOE_RUNTIME_KNOWN_HOSTS_H
#define FLOE_RUNTIME_KNOWN_HOSTS_H

#include "base/list.h"

#include <floe/core.h>
#include <floe/settings.h>

/* As many addresses of one host as are used. */
#define FLOE_KNOWN_ADDRESSES_MAX 16

/* Puts what the settings name into the list, in their order. What is wrong with one that is no NAME:ADDRESS is told
 * by floe_last_error(). */
floe_error floe_known_hosts_take(floe_list *hosts, const floe_allocator *allocator,
                                 const floe_settings *settings);
void floe_known_hosts_free(floe_list *hosts, const floe_allocator *allocator);
/* False: the host is not among them, and has to be looked up. Else the addresses that such a record would have, which
 * may be none. */
bool floe_known_hosts_find(const floe_list *hosts, const char *name, floe_dns_record record,
                           floe_address *addresses, size_t *count);

#endif

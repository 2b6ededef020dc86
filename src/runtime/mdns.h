/* Multicast DNS on the api's loop: the sockets and the clock of src/mdns. */
#ifndef FLOE_RUNTIME_MDNS_H
#define FLOE_RUNTIME_MDNS_H

#include "base/list.h"

#include <floe/core.h>
#include <floe/gatherer.h>

typedef struct floe_mdns_service floe_mdns_service;

/* Who waits for a name: a part of whatever wants it. */
typedef struct floe_mdns_asker {
    /* The look-up has ended; on the loop thread, the lock is not held. */
    void (*done)(struct floe_mdns_asker *asker, floe_error error, const floe_address *addresses,
                 size_t count);
} floe_mdns_asker;

/* Whether it is built in. */
bool floe_mdns_is_built_in(void);

/* The loop thread's alone, all of these; the lock is not held, as none of it is anybody else's.
 * They begin the service of the api if it is not there. */

/* Answers for the name that the core publishes. What it says is why some link of the interface will
 * not hear of it; what comes to light later the cores are told (floe_core_names_failed). */
floe_error floe_mdns_service_publish(floe_api *api, const floe_core_output *output);
void floe_mdns_service_unpublish(floe_api *api, const floe_core_output *output);
/* Has the asker called when the name is found, with addresses of this family (none: any), or is not. Else why it can't be looked up:
 * FLOE_ERR_INVALID_STATE: multicast DNS is off, or not built in; another error: no port, no memory.
 */
floe_error floe_mdns_service_look_up(floe_api *api, const char *name, uint8_t family,
                                     uint32_t timeout_ms, floe_mdns_asker *asker);
/* The asker is not called any more. */
void floe_mdns_service_forget(floe_api *api, const floe_mdns_asker *asker);
/* The list of interfaces was read anew. */
void floe_mdns_service_links(floe_api *api);
/* The machine has slept: what was to be done meanwhile is due. After a long sleep its links may be
 * others. */
void floe_mdns_service_woke(floe_api *api, bool after_long);
/* Says goodbye and closes everything; nobody is called any more. */
void floe_mdns_service_close(floe_api *api);

#endif

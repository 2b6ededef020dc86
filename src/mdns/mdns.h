/* Multicast DNS for host names (RFC 6762), as a machine without I/O: the responder answers for the
 * names that it was given, on the links where their addresses are; the querier looks up the names
 * of others.
 *
 * It is fed packets and the time; what it wants done is polled. What it has to tell stands in the
 * things that it tells of, as in the core: so a look-up's end, a name that is taken and what is to
 * be said of a name are never lost, however much waits. Only answers to one asker alone are, if
 * more of them wait than anybody polls. */
#ifndef FLOE_MDNS_MDNS_H
#define FLOE_MDNS_MDNS_H

#include "base/list.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/time.h"
#include "mdns/message.h"

#include <floe/core.h>

/* A link that can be spoken on: an interface with a family of addresses. */
typedef struct floe_mdns_link {
    uint32_t interface_index;
    uint8_t family;
} floe_mdns_link;

#define FLOE_MDNS_LINKS_MAX 32
/* So many names are asked for at once; more by one each millisecond, those first that have not been
 * asked for yet. */
#define FLOE_MDNS_BURST 32
#define FLOE_MDNS_ADDRESSES_MAX 8

typedef struct floe_mdns floe_mdns;

typedef enum floe_mdns_output_kind {
    FLOE_MDNS_SEND,     /* `data` on `link`, to the group or to `to` */
    FLOE_MDNS_RESOLVED, /* the look-up of `asker` has ended */
    FLOE_MDNS_TAKEN,    /* another machine has `name` */
} floe_mdns_output_kind;

typedef struct floe_mdns_output {
    floe_mdns_output_kind kind;
    floe_mdns_link link;
    floe_address to; /* family none: the group */
    size_t size;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
    void *asker;
    floe_error error;
    size_t address_count;
    floe_address addresses[FLOE_MDNS_ADDRESSES_MAX];
    char name[FLOE_MDNS_NAME_SIZE];
} floe_mdns_output;

/* How a packet came. What came neither to the group nor from a neighbour's address may be from
 * anywhere, and is not looked at (§5.5, §11). */
typedef struct floe_mdns_arrival {
    floe_mdns_link link;
    floe_address source;
    bool to_group;  /* its destination was 224.0.0.251 or ff02::fb */
    bool neighbour; /* its source stands in a prefix of the link's */
} floe_mdns_arrival;

/* NULL without memory. */
floe_mdns *floe_mdns_new(const floe_allocator *allocator, const floe_random *random);
void floe_mdns_free(floe_mdns *mdns);
/* The links that there are now; the first FLOE_MDNS_LINKS_MAX count. On those that are new the
 * names of their interface are probed for and announced. */
void floe_mdns_set_links(floe_mdns *mdns, floe_time now, const floe_mdns_link *links, size_t count);
/* §8: the link may be another now, as it was without carrier for a while; NULL: each may, as the
 * machine has slept. It is treated as one that is new. */
void floe_mdns_renew(floe_mdns *mdns, floe_time now, const floe_mdns_link *link);

/* Answers for the name from now on, on the links of the address's interface (§6.2); one name may
 * have several addresses, and the same one several owners. With `probe` the link is asked first
 * whether somebody has it (§8.1); names made of 122 random bits need not be
 * (draft-ietf-mmusic-mdns-ice-candidates §3.1.1), before another claims one (§9).
 * FLOE_ERR_INVALID_ARGUMENT: no name, or more than FLOE_MDNS_RECORDS_MAX addresses of it;
 * FLOE_ERR_NO_MEMORY. */
floe_error floe_mdns_publish(floe_mdns *mdns, floe_time now, const char *name,
                             const floe_address *address, uint32_t interface_index, bool probe);
/* One owner less; the last says goodbye (§10.1). */
void floe_mdns_unpublish(floe_mdns *mdns, floe_time now, const char *name,
                         const floe_address *address);
/* Whether a name stands on the interface. */
bool floe_mdns_has_names_on(const floe_mdns *mdns, uint32_t interface_index);
/* The addresses of the interfaces, as they are now. One that has gone to another interface is said
 * there; one that stands on several stays where it is. */
void floe_mdns_set_interfaces(floe_mdns *mdns, floe_time now,
                              const floe_interface_address *interfaces, size_t count);
/* Looks a name up, for its addresses of this family; FLOE_FAMILY_NONE: of whichever come first.
 * FLOE_ERR_NO_MEMORY; all else comes by FLOE_MDNS_RESOLVED, with this asker, in `timeout` at most, or
 * soon behind those of the other family. Link-local addresses that are found have their scope. */
floe_error floe_mdns_look_up(floe_mdns *mdns, floe_time now, const char *name, uint8_t family,
                             floe_duration timeout, void *asker);
/* The asker's look-ups end without a word. */
void floe_mdns_forget(floe_mdns *mdns, const void *asker);

void floe_mdns_receive(floe_mdns *mdns, floe_time now, const floe_mdns_arrival *arrival,
                       const void *data, size_t size);
void floe_mdns_time(floe_mdns *mdns, floe_time now);
floe_time floe_mdns_deadline(const floe_mdns *mdns);
bool floe_mdns_poll(floe_mdns *mdns, floe_mdns_output *output);

#endif

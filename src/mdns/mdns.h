/* Multicast DNS for host names (RFC 6762), as a machine without I/O: the responder answers for the
 * names that it was given, on every link; the querier looks up the names of others.
 *
 * It is fed packets and the time; what it wants done is polled. */
#ifndef FLOE_MDNS_MDNS_H
#define FLOE_MDNS_MDNS_H

#include "base/list.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/time.h"
#include "mdns/message.h"

/* A link that can be spoken on: an interface with a family of addresses. */
typedef struct floe_mdns_link {
    uint32_t interface_index;
    uint8_t family;
} floe_mdns_link;

#define FLOE_MDNS_LINKS_MAX 32
/* Look-ups under way at a time; more wait for their turn. */
#define FLOE_MDNS_QUERIES_MAX 32
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

/* NULL without memory. */
floe_mdns *floe_mdns_new(const floe_allocator *allocator, const floe_random *random);
void floe_mdns_free(floe_mdns *mdns);
/* The links that there are now; the first FLOE_MDNS_LINKS_MAX count. */
void floe_mdns_set_links(floe_mdns *mdns, floe_time now, const floe_mdns_link *links, size_t count);

/* Answers for the name from now on; one name may have several addresses, and the same one several
 * owners. With `probe` the link is asked first whether somebody has it (§8.1); names made of 122
 * random bits need not be (draft-ietf-mmusic-mdns-ice-candidates §3.1.1). */
floe_error floe_mdns_publish(floe_mdns *mdns, floe_time now, const char *name,
                             const floe_address *address, bool probe);
/* One owner less; the last says goodbye (§10.1). */
void floe_mdns_unpublish(floe_mdns *mdns, floe_time now, const char *name,
                         const floe_address *address);
/* Looks a name up. FLOE_ERR_NO_MEMORY; all else comes by FLOE_MDNS_RESOLVED, with this asker. */
floe_error floe_mdns_look_up(floe_mdns *mdns, floe_time now, const char *name,
                             floe_duration timeout, void *asker);
/* The asker's look-ups end without a word. */
void floe_mdns_forget(floe_mdns *mdns, const void *asker);

void floe_mdns_receive(floe_mdns *mdns, floe_time now, const floe_mdns_link *link,
                       const floe_address *source, const void *data, size_t size);
void floe_mdns_time(floe_mdns *mdns, floe_time now);
floe_time floe_mdns_deadline(const floe_mdns *mdns);
bool floe_mdns_poll(floe_mdns *mdns, floe_mdns_output *output);

#endif

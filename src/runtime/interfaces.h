/* The interfaces of this machine and their addresses. */
#ifndef FLOE_RUNTIME_INTERFACES_H
#define FLOE_RUNTIME_INTERFACES_H

#include <floe/allocator.h>
#include <floe/core.h>

/* The list, kept until the system tells of a change. The loop thread's alone. */
typedef struct floe_interfaces {
    const floe_allocator *allocator;
    floe_interface_address *list;
    size_t count;
    size_t room;
    char (*names)[32]; /* one for each entry */
    bool fresh;
    void *monitor; /* the system's own means to tell of changes */
} floe_interfaces;

void floe_interfaces_init(floe_interfaces *interfaces, const floe_allocator *allocator);
void floe_interfaces_free(floe_interfaces *interfaces);
/* Brings list and count up to date. On an error they are empty. */
floe_error floe_interfaces_update(floe_interfaces *interfaces);
/* Marks the addresses that the kernel would send from to somewhere far away, by asking it: the
 * address of a connected UDP socket (RFC 8828 §5.2). Nothing is sent. */
void floe_interfaces_mark_default_route(floe_interfaces *interfaces);
/* For the system's parts: adds an entry. */
floe_error floe_interfaces_add(floe_interfaces *interfaces, const char *name,
                               const floe_interface_address *entry);
/* Each system's own: fills an empty list. */
floe_error floe_interfaces_read(floe_interfaces *interfaces);
/* Each system's own: whether anything may have changed since the last call. */
bool floe_interfaces_changed(floe_interfaces *interfaces);
void floe_interfaces_monitor_free(floe_interfaces *interfaces);

#endif

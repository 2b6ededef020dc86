/* The interfaces of this machine and their addresses. */
#ifndef FLOE_RUNTIME_INTERFACES_H
#define FLOE_RUNTIME_INTERFACES_H

#include <floe/allocator.h>
#include <floe/core.h>
#include <uv.h>

/* What of an address the driver alone wants to know. */
typedef struct floe_interface_detail {
    char name[32];
    uint8_t prefix_length; /* in bits */
} floe_interface_detail;

/* The list, kept until the system tells of a change. The loop thread's alone. */
typedef struct floe_interfaces {
    const floe_allocator *allocator;
    floe_interface_address *list;
    size_t count;
    size_t room;
    floe_interface_detail *details; /* one for each entry */
    bool fresh;
    unsigned version; /* how often it was read */
    uint64_t network; /* another number where other addresses are there */
    void *monitor;    /* the system's own means to tell of changes */
} floe_interfaces;

void floe_interfaces_init(floe_interfaces *interfaces, const floe_allocator *allocator);
void floe_interfaces_free(floe_interfaces *interfaces);
/* Brings list and count up to date. On an error they are empty. */
floe_error floe_interfaces_update(floe_interfaces *interfaces);
/* Another's list, as it is now. On an error it is empty. */
floe_error floe_interfaces_copy(floe_interfaces *to, const floe_interfaces *from);
/* What has changed by now is read with the next update, whoever has heard of it. */
void floe_interfaces_hear(floe_interfaces *interfaces);
/* Marks the addresses that the kernel would send from to somewhere far away, by asking it: the
 * address of a connected UDP socket (RFC 8828 §5.2). Nothing is sent. */
void floe_interfaces_mark_default_route(floe_interfaces *interfaces);
/* Whether the address stands in a prefix of the interface's: that of a neighbour, as far as one can
 * see (RFC 6762 §11). */
bool floe_interfaces_are_near(const floe_interfaces *interfaces, uint32_t interface_index,
                              const floe_address *address);
/* For the system's parts: adds an entry. */
floe_error floe_interfaces_add(floe_interfaces *interfaces, const char *name, uint8_t prefix_length,
                               const floe_interface_address *entry);
/* Each system's own: fills an empty list. */
floe_error floe_interfaces_read(floe_interfaces *interfaces);
/* Each system's own: whether anything may have changed since the last call. */
bool floe_interfaces_changed(floe_interfaces *interfaces);
/* Each system's own: what can be polled, and is readable once something has changed; after an
 * update. FLOE_NO_SOCKET: there is nothing that tells. */
uv_os_sock_t floe_interfaces_watched(const floe_interfaces *interfaces);
void floe_interfaces_monitor_free(floe_interfaces *interfaces);

#endif

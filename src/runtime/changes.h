/* That the network has changed, and who is to hear of it: gatherers that are continual, multicast
 * DNS, the owner. The system tells, or it is asked every 2 s. */
#ifndef FLOE_RUNTIME_CHANGES_H
#define FLOE_RUNTIME_CHANGES_H

#include "runtime/interfaces.h"

#include <floe/gatherer.h>
#include <uv.h>

/* The loop thread's alone. */
typedef struct floe_changes {
    floe_api *api;
    uv_poll_t poll;
    uv_timer_t pause; /* changes come in crowds */
    uv_timer_t
        timer;     /* the next look for those who do not look for themselves; or at all (polls) */
    bool begun;    /* there are timers, */
    bool has_poll; /* and what is polled */
    bool watches;  /* it is at work, or pauses */
    bool polls;    /* the system tells of nothing */
    bool look_set;
    bool closing;
    bool listens;         /* the owner does */
    bool knows;           /* and he has what is in `seen` */
    floe_interfaces seen; /* without details */
    uint64_t looked;      /* ms, by the loop's clock */
} floe_changes;

void floe_changes_init(floe_changes *changes, floe_api *api);
/* Somebody is to hear of changes, from the list of interfaces on that was read last. It ends by itself
 * when nobody is any more. */
void floe_changes_begin(floe_changes *changes);
/* The owner may want to hear of them, or does not any more. */
void floe_changes_listen(floe_changes *changes);
void floe_changes_close(floe_changes *changes);

#endif

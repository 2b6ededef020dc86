/* The transports of gatherers: what the loop thread does of them. */
#ifndef FLOE_RUNTIME_TRANSPORT_H
#define FLOE_RUNTIME_TRANSPORT_H

#include "base/list.h"
#include "base/table.h"
#include "base/tree.h"

#include <floe/core.h>
#include <floe/transport.h>

/* Of one gatherer. */
typedef struct floe_transports {
    floe_list all; /* floe_transport.of_gatherer */
    size_t count;
    floe_table by_peer; /* floe_transport.latest: whose packets came from there */
    floe_list look_ups; /* floe_peer_name.link: by DNS */
    uint32_t queries;   /* so many there have been */
} floe_transports;

/* The lock is held for all of these but where they call the owner's handlers. */

bool floe_transports_exist(const floe_gatherer *gatherer);
/* An output of the gatherer's core. */
void floe_transports_hear(floe_gatherer *gatherer, const floe_core_output *output);
/* Whether it belongs to one of the gatherer's. Loop thread; the owner's handler has been called. */
bool floe_transports_take(floe_gatherer *gatherer, const floe_packet *packet);
/* Tells the owners what has happened, and sets the alarms anew. Loop thread. */
void floe_transports_report(floe_api *api);
/* The next whose time has come hears of it; its gatherer is to be pumped. NULL: there is none. */
floe_gatherer *floe_transports_due(floe_api *api);
/* The gatherer's sides have other names now (RFC 8445 §9). */
void floe_transports_restarted(floe_gatherer *gatherer);
/* Its core goes; those that are still there have no gatherer any more. */
void floe_transports_abandon(floe_gatherer *gatherer);
/* With the gatherer, whose they are not any more. */
void floe_transports_free(floe_gatherer *gatherer);
/* With the api. */
void floe_transports_drop(floe_api *api);

#endif

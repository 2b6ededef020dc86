/* Names to addresses, asynchronously, by c-ares on the api's loop. */
#ifndef FLOE_RUNTIME_RESOLVER_H
#define FLOE_RUNTIME_RESOLVER_H

#include "base/list.h"

#include <floe/core.h>
#include <floe/gatherer.h>
#include <uv.h>

struct ares_channeldata;

#define FLOE_RESOLVED_MAX 16

/* A look-up; when it has ended it stands on resolver->ended, for the loop to hand it on. */
typedef struct floe_query {
    floe_list link;
    struct floe_resolver *resolver;
    floe_gatherer *gatherer; /* holds a reference */
    uint32_t query;
    uint8_t family;
    floe_error error;
    size_t count;
    floe_address addresses[FLOE_RESOLVED_MAX];
} floe_query;

/* The loop thread's alone. */
typedef struct floe_resolver {
    floe_api *api;
    struct ares_channeldata *channel; /* NULL until the first look-up */
    uv_timer_t timer;
    bool has_timer;
    floe_list sockets;
    floe_list ended;
} floe_resolver;

void floe_resolver_init(floe_resolver *resolver, floe_api *api);
/* Begins a look-up; it never fails at once: an error too comes by the list. False only when there
 * is no memory for it. */
bool floe_resolver_begin(floe_resolver *resolver, floe_gatherer *gatherer, uint32_t query,
                         const char *name, uint8_t family);
/* Ends all look-ups and closes all handles. */
void floe_resolver_close(floe_resolver *resolver);

#endif

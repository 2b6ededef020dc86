/* Names to addresses and services, asynchronously, by c-ares on the api's loop; kept for as long as
 * their TTL allows, and looked up once however many gatherers ask (S7). When the system has other
 * name servers they are asked, and nothing that the former ones said is believed any more. */
#ifndef FLOE_RUNTIME_RESOLVER_H
#define FLOE_RUNTIME_RESOLVER_H

#include "base/list.h"
#include "runtime/link_servers.h"
#include "runtime/mdns.h"

#include <floe/core.h>
#include <floe/gatherer.h>
#include <uv.h>

struct ares_channeldata;

#define FLOE_RESOLVED_MAX 16
#define FLOE_NAMES_MAX 256

/* Who takes the addresses of a name in place of the gatherer's core. The lock is held. */
typedef void (*floe_addresses_taker)(floe_gatherer *gatherer, uint32_t query, floe_error error,
                                     const floe_address *addresses, size_t count);

/* A gatherer that waits for a name. */
typedef struct floe_waiter {
    floe_list link;        /* in name->waiters */
    floe_list of_gatherer; /* in gatherer->waiters */
    floe_gatherer *gatherer;
    uint32_t query;
    floe_addresses_taker taker; /* NULL: its core */
} floe_waiter;

/* A name with a kind of record: being looked up, or known. */
typedef struct floe_name {
    floe_list link;  /* in resolver->names */
    floe_list ended; /* in resolver->ended, until its waiters have been told */
    floe_list again; /* in resolver->again: its look-up ends and begins anew */
    struct floe_resolver *resolver;
    char *name;
    floe_dns_record record;
    floe_mdns_asker asker; /* of a name that ends in .local */
    floe_list waiters;
    bool known;
    bool busy;       /* its waiters are being told */
    bool no_memory;  /* for what was answered */
    uint8_t ways;    /* by which it was asked: WAY_LINK, WAY_SERVERS */
    bool absolute;   /* it is asked for as it is, in no search domain */
    uint8_t asks;    /* so many questions of c-ares' are under way */
    bool on_link;    /* one by `asker` is */
    floe_time asked; /* when the latest began */
    floe_error error;
    floe_time expires;
    size_t address_count;
    floe_address addresses[FLOE_RESOLVED_MAX];
    size_t service_count;
    floe_service_record services[FLOE_SERVICES_MAX];
    char *texts[FLOE_SERVICES_MAX][2]; /* of the services */
} floe_name;

/* The loop thread's alone. */
typedef struct floe_resolver {
    floe_api *api;
    struct ares_channeldata *channel; /* NULL until the first look-up */
    floe_name_servers name_servers;   /* if any of them is of a link */
    uint64_t servers;                 /* floe_system_name_servers, when the channel was made */
    uint64_t network;                 /* the interfaces', as names were last looked up */
    bool renewing;                    /* the channel is taken down for a new one */
    bool no_memory;                   /* for a socket; until a look-up has ended by that */
    uv_timer_t timer;
    bool has_timer;
    floe_list sockets;
    floe_list names;
    floe_list ended;
    floe_list again;
    size_t name_count;
} floe_resolver;

void floe_resolver_init(floe_resolver *resolver, floe_api *api);
/* Has the gatherer's core, or the taker if there is one, told what the name has, or that there is no memory for it: at once
 * if that is known, else when it is. The lock is not held. */
void floe_resolver_begin(floe_resolver *resolver, floe_gatherer *gatherer, uint32_t query,
                         const char *name, floe_dns_record record, floe_addresses_taker taker);
/* Hands on what has ended. The lock is not held. */
void floe_resolver_give(floe_resolver *resolver);
/* The gatherer waits for nothing any more; the look-ups go on for others. */
void floe_resolver_forget(floe_resolver *resolver, floe_gatherer *gatherer);
/* The machine has slept for a while: what was asked before may be answered no more, and is asked
 * anew. */
void floe_resolver_woke(floe_resolver *resolver);
/* Ends all look-ups and closes all handles; no gatherer waits any more. */
void floe_resolver_close(floe_resolver *resolver);

#endif
